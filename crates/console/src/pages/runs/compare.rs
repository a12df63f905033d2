//! The difference between two plans: of two runs, or of one plan and its earlier preview.

use askama::Template;
use serde::Deserialize;

use super::address::{id_of, row_of};
use super::difference::Differing;
use crate::answer::html;
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::visit::Visit;
use convoke_domain::eligibility::Rule;
use convoke_domain::ids::RunId;
use convoke_office::run::runs_differ;

#[derive(Template)]
#[template(path = "console/run_compare.html")]
struct Compare {
    frame: Frame,
    before: RunId,
    after: RunId,
    differing: Differing,
    rules: Vec<String>,
    outcomes: Vec<(String, u64, u64)>,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    avec: String,
}

pub(super) fn show(visit: &mut Visit<'_, '_>) -> Answer {
    let asked: Asked = visit.asked.query()?;
    let (before, after) = (RunId(asked.avec), id_of(visit));
    for id in [&before, &after] {
        if row_of(visit, id)?.plan_hash.is_none() {
            return Err(Failure::Text(visit.words().with("compare-no-plan", "run", id)));
        }
    }
    let differ = runs_differ(visit.store, &before, &after)?;
    let label = |rule: String| rule.parse::<Rule>().map_or(rule, |rule| rule.label_fr().to_owned());
    let page = Compare {
        differing: Differing::of(visit.words(), &differ.plans),
        outcomes: differ.counted_otherwise().into_iter().map(|(rule, was, is)| (label(rule), was, is)).collect(),
        rules: differ.rules,
        frame: visit.frame("compare-title"),
        before,
        after,
    };
    html(&page)
}
