//! Figures of a period: appointments, waits, how permits ended, who did what.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{Days, NaiveDate};
use serde::Deserialize;

use super::entries::key_of;
use crate::answer::{export, file as to_keep, html};
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::visit::Visit;
use convoke_letters::Document;
use convoke_office::run::{acts_between, files_of_days, period as period_of};
use convoke_report::period::bounds_of_week;
use convoke_report::{List, words};

/// Longer periods are for the command line, where nobody else waits.
const DAYS_MAX: i64 = 366;
/// Default period.
const DAYS: u64 = 30;

#[derive(Deserialize)]
struct Sought {
    #[serde(default)]
    du: String,
    #[serde(default)]
    au: String,
    /// Any day of a week, instead of both dates.
    #[serde(default)]
    semaine: String,
}

/// First and last day.
fn days(visit: &Visit<'_, '_>) -> Result<(NaiveDate, NaiveDate), Failure> {
    let sought: Sought = visit.asked.query()?;
    let day = |text: &str| text.parse::<NaiveDate>().map_err(|_| Failure::Text(visit.words().say("audit-no-day")));
    if !sought.semaine.is_empty() {
        return Ok(bounds_of_week(day(&sought.semaine)?));
    }
    let to = if sought.au.is_empty() { visit.today() } else { day(&sought.au)? };
    let from = if sought.du.is_empty() {
        to.checked_sub_days(Days::new(DAYS)).ok_or(Failure::Unreadable)?
    } else {
        day(&sought.du)?
    };
    if from > to || (to - from).num_days() > DAYS_MAX {
        return Err(Failure::Text(visit.words().say("audit-days-wrong")));
    }
    Ok((from, to))
}

#[derive(Template)]
#[template(path = "console/audit_period.html")]
struct OfDays {
    frame: Frame,
    from: NaiveDate,
    to: NaiveDate,
    document: Document,
    files: [&'static str; 9],
}

/// The files of a period, with the same names as on the command line.
const FILES: [&str; 9] = [
    "period.pdf",
    "tables.xlsx",
    "period.json",
    "weeks.csv",
    "semesters.csv",
    "waits.csv",
    "endings-by-week.csv",
    "endings.csv",
    "acts.csv",
];

pub(super) fn period(visit: &mut Visit<'_, '_>) -> Answer {
    let (from, to) = days(visit)?;
    let (config, today) = (visit.config(), visit.today());
    let document = period_of(visit.store, config, from, to, today)?.document();
    html(&OfDays { frame: visit.frame("audit-period-title"), from, to, document, files: FILES })
}

pub(super) fn file(visit: &mut Visit<'_, '_>) -> Answer {
    let asked = visit.asked.part("fichier").to_owned();
    let name = *FILES.iter().find(|name| **name == asked).ok_or(Failure::Missing)?;
    let (from, to) = days(visit)?;
    let (config, today) = (visit.config(), visit.today());
    let period = period_of(visit.store, config, from, to, today)?;
    let (mut files, _) = files_of_days(visit.store, config, &period, today)?;
    let bytes = files.remove(name).ok_or(Failure::Missing)?;
    let kind = match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "pdf" => "application/pdf",
        "json" => "application/json",
        "csv" => "text/csv; charset=utf-8",
        _ => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    };
    Ok(to_keep(&format!("{from}-{to}-{name}"), kind, bytes))
}

#[derive(Template)]
#[template(path = "console/audit_acts.html")]
struct Acts {
    frame: Frame,
    from: NaiveDate,
    to: NaiveDate,
    /// Key and name of everybody who acted in these days.
    actors: BTreeMap<String, String>,
    actor: String,
    acts: Vec<Counted>,
}

/// The actor in the address.
#[derive(Deserialize)]
struct Whose {
    /// Key of an actor: addresses contain no names.
    #[serde(default)]
    acteur: String,
    #[serde(default)]
    format: String,
}

struct Counted {
    key: String,
    actor: String,
    kind: String,
    what: String,
    times: u64,
}

pub(super) fn acts(visit: &mut Visit<'_, '_>) -> Answer {
    let whose: Whose = visit.asked.query()?;
    let (from, to) = days(visit)?;
    let (config, today) = (visit.config(), visit.today());
    let counted = |(actor, kind, times): (String, String, u64)| {
        let what = words::intervention(&kind).to_owned();
        Counted { key: key_of(&actor), actor, kind, what, times }
    };
    let mut acts: Vec<Counted> = acts_between(visit.store, config, from, to, today)?.into_iter().map(counted).collect();
    let actors: BTreeMap<_, _> = acts.iter().map(|act| (act.key.clone(), act.actor.clone())).collect();
    // An actor without acts in these days cannot be chosen: then everybody is shown, and the form says so.
    let actor = Some(whose.acteur).filter(|key| actors.contains_key(key)).unwrap_or_default();
    acts.retain(|act| actor.is_empty() || act.key == actor);
    if !whose.format.is_empty() {
        return export(&format!("actes-{from}-{to}"), &sheet(&acts), &whose.format);
    }
    html(&Acts { frame: visit.frame("audit-acts-title"), from, to, actors, actor, acts })
}

fn sheet(acts: &[Counted]) -> List {
    let line = |act: &Counted| vec![act.actor.clone(), act.kind.clone(), act.what.clone(), act.times.to_string()];
    List { name: "actes", header: vec!["acteur", "acte", "libelle", "fois"], rows: acts.iter().map(line).collect() }
}
