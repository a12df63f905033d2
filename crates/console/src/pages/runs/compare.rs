//! The difference between two plans: of two runs, or of one plan and its earlier preview.

use askama::Template;
use serde::Deserialize;

use super::one::{id_of, row_of};
use crate::page::{Answer, Failure, Frame, html};
use crate::visit::Visit;
use crate::words::Words;
use convoke_domain::eligibility::Rule;
use convoke_domain::ids::RunId;
use convoke_instance::diff::{Difference, SeatChange};
use convoke_office::run::runs_differ;

/// Permits named per line, by their opaque ids.
const NAMED: usize = 5;
/// Desks and weeks shown.
const SEATS_SHOWN: usize = 60;

/// A difference, as a page element.
#[derive(Template)]
#[template(path = "console/difference.html")]
pub(in crate::pages) struct Differing {
    t: Words,
    people: Vec<(usize, String, String)>,
    seats: Vec<SeatChange>,
    more_seats: usize,
}

impl Differing {
    pub(in crate::pages) fn of(t: Words, d: &Difference) -> Self {
        let people = [
            (&d.people_new, "differ-people-new"),
            (&d.people_gone, "differ-people-gone"),
            (&d.people_changed, "differ-people-changed"),
            (&d.firm_new, "differ-firm-new"),
            (&d.firm_gone, "differ-firm-gone"),
            (&d.moved, "differ-moved"),
            (&d.lapses_new, "differ-lapses-new"),
            (&d.lapses_gone, "differ-lapses-gone"),
        ];
        let line = |(who, key): (&Vec<String>, &str)| {
            let more = if who.len() > NAMED { ", …" } else { "" };
            (who.len(), t.say(key), format!("{}{more}", who[..who.len().min(NAMED)].join(", ")))
        };
        Self {
            t,
            people: people.into_iter().filter(|(who, _)| !who.is_empty()).map(line).collect(),
            seats: d.seats.iter().take(SEATS_SHOWN).cloned().collect(),
            more_seats: d.seats.len().saturating_sub(SEATS_SHOWN),
        }
    }
}

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
            return Err(Failure::Told(visit.words().with("compare-no-plan", "run", id)));
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
