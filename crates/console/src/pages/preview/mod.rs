//! Aperçu: what tonight would do, and doing exactly that.

mod letters;

use std::sync::Arc;

use askama::Template;
use chrono::NaiveDateTime;
use serde::Deserialize;

use super::night::{Night, is_stale};
use super::runs::difference::Differing;
use super::runs::start::begin_run;
use crate::answer::{export, html};
use crate::charts::Rows;
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::jobs::{Ended, Kept, Kind};
use crate::route::{Route, get, post};
use crate::visit::Visit;
use crate::worker::Progress;
use convoke_domain::access::Right;
use convoke_domain::eligibility::Rule;
use convoke_instance::diff::Difference;
use convoke_instance::weeks::{Week, by_week};
use convoke_machine::confirm::Confirmed;
use convoke_office::run::{Firm, For, keep_shown, preview};
use convoke_planning::explain::explain;
use convoke_report::List;
use convoke_report::bundle::OVERTIME;

pub(super) const ROUTES: &[Route] = &[
    get(Right::Read, "/apercu", show),
    // It only computes.
    post(Right::Read, "/apercu/calculer", compute),
    post(Right::Act, "/apercu/executer", carry_out),
    get(Right::Act, "/apercu/lettres", letters::list),
    post(Right::Act, "/apercu/lettres", letters::open),
    get(Right::Act, "/apercu/lettres/{numero}", letters::show),
    get(Right::Act, "/apercu/lettres/{numero}/{forme}", letters::form),
];

/// Desks and weeks shown; the file has them all.
const WEEKS_SHOWN: usize = 60;

#[derive(Template)]
#[template(path = "console/preview.html")]
struct Page {
    frame: Frame,
    progress: Option<Progress>,
    /// Why the last attempt gave no plan.
    failed: Option<Ended>,
    night: Option<Shown>,
    running: bool,
}

/// A night as shown on the page.
struct Shown {
    night: Arc<Kept<Night>>,
    stale: bool,
    chart: Rows,
    weeks: Vec<Week>,
    more_weeks: usize,
    differing: Option<(NaiveDateTime, Differing)>,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    liste: String,
    format: Option<String>,
}

fn show(visit: &mut Visit<'_, '_>) -> Answer {
    let asked: Asked = visit.asked.query()?;
    let night = visit.kept::<Night>();
    if let Some(format) = asked.format {
        let night = night.ok_or(Failure::Missing)?;
        return match asked.liste.as_str() {
            "semaines" => export("apercu-semaines", &weeks_list(&night.what), &format),
            "rendez-vous" => export("apercu-rendez-vous", &firm_list(&night.what), &format),
            _ => Err(Failure::Missing),
        };
    }
    let shown = match night {
        Some(night) => {
            let stale = is_stale(visit, &night)?;
            Some(shown(visit, night, stale))
        }
        None => None,
    };
    let page = Page {
        progress: visit.progress(Kind::Preview, "/apercu"),
        failed: visit.ended(Kind::Preview).filter(|ended| ended.bad),
        night: shown,
        running: visit.is_working(Kind::Run),
        frame: visit.frame("preview-title"),
    };
    html(&page)
}

fn shown(visit: &Visit<'_, '_>, night: Arc<Kept<Night>>, stale: bool) -> Shown {
    let t = visit.words();
    let f = night.what.figures;
    let figures = [
        ("preview-firm", f.firm, false),
        ("preview-late-firm", f.late_firm, false),
        ("preview-planned", f.planned, false),
        ("preview-late-planned", f.late_planned, false),
        ("preview-no-day", f.no_possible_day, true),
        ("preview-no-seat", f.no_capacity, true),
        ("preview-without-seat", f.without_seat, true),
    ];
    let figures = figures.map(|(key, n, bad)| (t.say(key), n as u64, t.number(n), bad && n > 0));
    let used = || night.what.weeks.iter().filter(|w| w.firm > 0);
    let differing = night.what.before.as_ref().map(|(at, d)| (*at, Differing::of(t, d)));
    Shown {
        chart: Rows::new("nuit", t.say("preview-chart"), figures.into_iter()),
        weeks: used().take(WEEKS_SHOWN).cloned().collect(),
        more_weeks: used().count().saturating_sub(WEEKS_SHOWN),
        differing,
        stale,
        night,
    }
}

fn weeks_list(night: &Night) -> List {
    let line = |w: &Week| {
        let figures = [w.free, w.firm, w.planned, w.free.saturating_sub(w.firm + w.planned)].map(|n| n.to_string());
        [w.pool.site.clone(), w.pool.desk.clone(), w.week.to_string()].into_iter().chain(figures).collect()
    };
    let header = vec!["site", "guichet", "semaine_du", "places", "fermes", "prevus", "libres"];
    List { name: "semaines", header, rows: night.weeks.iter().map(line).collect() }
}

/// The same data as `convoke plan --json`: permits by their opaque ids.
fn firm_list(night: &Night) -> List {
    let line = |f: &Firm| {
        let place = &f.placement;
        let notice = if f.short_notice { "oui" } else { "non" };
        vec![place.permit_id.0.clone(), place.slot_id.to_string(), place.origin.to_string(), notice.to_owned()]
    };
    let header = vec!["titre", "creneau", "passe", "preavis_reduit"];
    List { name: "rendez_vous", header, rows: night.firm.iter().map(line).collect() }
}

#[derive(Deserialize)]
struct Compute {
    #[serde(default)]
    retour: String,
}

/// Plans tonight: a job, because large data take seconds.
fn compute(visit: &mut Visit<'_, '_>) -> Answer {
    let form: Compute = visit.asked.form()?;
    visit.begin(Kind::Preview, |worker| {
        let last = worker.kept::<Night>();
        let seen = worker.with_tools(|store, config, tools| preview(store, config, None, For::Night, tools))?;
        keep_shown(&worker.config.folder, &seen.plan_hash, (&seen.input, &seen.plan));
        let outcomes = Rule::ALL.iter().map(|rule| (*rule, seen.outcomes.get(rule.code()).copied().unwrap_or(0)));
        let before = last.map(|last| {
            let was = &last.what.planned;
            (last.at, Difference::between((&was.0, &was.1), (&seen.input, &seen.plan)))
        });
        worker.keep(Night {
            business_date: seen.business_date,
            data_version: seen.data_version,
            scanned: seen.outcomes.values().sum(),
            outcomes: outcomes.filter(|(_, permits)| *permits > 0).collect(),
            figures: seen.figures,
            firm: seen.firm,
            granted: seen.granted,
            certificate: seen.certificate,
            settled: seen.settled,
            plan_hash: seen.plan_hash,
            input_hash: seen.input_hash,
            policy_hash: seen.policy_hash,
            warnings: seen.warnings,
            weeks: by_week(&seen.input, &seen.plan),
            augmentation: explain(&seen.proof, OVERTIME).augmentation,
            planned: (seen.input, seen.plan),
            before,
        });
        Ok(worker.well(worker.t.say("preview-computed"), Some("/apercu".into())))
    })?;
    let notice = visit.words().say("preview-begun");
    visit.done(notice, if form.retour == "mettre-a-jour" { "/executions/mettre-a-jour" } else { "/apercu" })
}

#[derive(Deserialize)]
struct CarryOut {
    #[serde(default)]
    plan: String,
    #[serde(default)]
    raison: String,
    #[serde(default)]
    lettres: String,
}

/// Carries out exactly the plan that was shown. If the plan would differ now, nothing is done and the changes are
/// shown.
fn carry_out(visit: &mut Visit<'_, '_>) -> Answer {
    let form: CarryOut = visit.asked.form()?;
    let another = || Failure::Text(visit.words().say("preview-another"));
    let night = visit.kept::<Night>().filter(|night| night.what.plan_hash == form.plan).ok_or_else(another)?;
    Confirmed::typed(&form.lettres, &night.what.letters().to_string()).ok_or(Failure::Unconfirmed)?;
    begin_run(visit, form.plan, true, &form.raison)?;
    let notice = visit.words().say("runs-begun");
    visit.done(notice, "/executions")
}
