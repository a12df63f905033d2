//! Accueil: last night and the next, people against seats, letters that need a person.

use anyhow::Result;
use askama::Template;
use chrono::{NaiveDate, NaiveDateTime, TimeDelta};

use crate::answer::{html, see};
use crate::failure::Answer;
use crate::frame::Frame;
use crate::route::{Route, get};
use crate::visit::Visit;
use convoke_domain::access::Right;
use convoke_domain::agenda::Slot;
use convoke_domain::convocation::LetterState;
use convoke_machine::process;
use convoke_office::run::Summary;
use convoke_store::{NightState, RunRow};

pub(super) const ROUTES: &[Route] = &[get(Right::SignedIn, "/", show)];

/// Days ahead for which seats are counted: the length of most windows.
const AHEAD_DAYS: u64 = 84;
/// States that only an agent can resolve.
const WAITING_FOR_SOMEBODY: &[LetterState] =
    &[LetterState::Held, LetterState::Failed, LetterState::Bounced, LetterState::Expired, LetterState::Returned];

#[derive(Template)]
#[template(path = "console/home.html")]
struct Home {
    frame: Frame,
    warnings: Vec<String>,
    /// The run in progress, and whether a process is still working on it.
    active: Option<(String, bool)>,
    last: Option<Last>,
    next: Option<(NaiveDate, NaiveDateTime)>,
    /// Free seats in the weeks ahead.
    free_seats: u64,
    last_slot: Option<NaiveDate>,
    waiting: Vec<Waiting>,
    to_post: u64,
    paused: bool,
}

struct Last {
    run: RunRow,
    summary: Summary,
    firm: u64,
    due: u64,
    lapses: u64,
}

struct Waiting {
    state: &'static str,
    label: &'static str,
    letters: u64,
}

fn show(visit: &mut Visit<'_, '_>) -> Answer {
    if !visit.may(Right::Read) {
        return Ok(see(&format!("{}/audit", visit.base())));
    }
    let (now, today, t, settings) = (visit.now(), visit.today(), visit.words(), &visit.config().settings);
    let zone = settings.prefecture.zone;
    let late_after = TimeDelta::minutes(settings.serve.late_after_min.into());
    let catchup = i64::from(settings.serve.catchup_days) + 2;
    let frame = visit.frame("home-title");
    let page = visit.store.read(|s| {
        let mut warnings = Vec::new();
        if let Some(night) = s.nights(today, catchup)?.first() {
            let (day, why) = (t.date(night.business_date), night.failure.clone().unwrap_or_default());
            if night.state == NightState::Failed {
                warnings.push(t.with2("home-night-failed", ("day", &day), ("why", &why)));
            } else if night.state == NightState::Due && now - night.scheduled_at.and_utc() > late_after {
                warnings.push(t.with2("home-night-late", ("day", &day), ("why", &why)));
            }
        }
        let last = last(s)?;
        let horizon = today + chrono::Days::new(AHEAD_DAYS);
        let taken = s.taken(today)?;
        let slots = s.slots(today, horizon)?;
        let taken_of = |slot: &Slot| taken.get(&slot.id).copied().unwrap_or(0);
        let free_seats = slots.iter().map(|slot| u64::from(slot.seats).saturating_sub(taken_of(slot))).sum();
        let letters = s.letters_by_state()?;
        let waiting = WAITING_FOR_SOMEBODY.iter().filter_map(|state| {
            let letters = *letters.get(state)?;
            Some(Waiting { state: state.code(), label: convoke_report::words::letter_state(*state), letters })
        });
        Ok(Home {
            frame,
            warnings,
            last,
            next: settings.serve.night.next(zone, now).map(|(day, at)| (day, at.naive_utc())),
            free_seats,
            last_slot: s.last_slot_day()?,
            waiting: waiting.collect(),
            to_post: letters.get(&LetterState::ToPost).copied().unwrap_or(0),
            paused: s.paused()?.is_some(),
            active: match s.active_run()? {
                Some(run) => Some((run.run_id, s.is_run_in_progress(now, process::has_ended)?)),
                None => None,
            },
        })
    })?;
    html(&page)
}

fn last(store: &mut convoke_store::Store) -> Result<Option<Last>> {
    let Some(id) = store.last_completed_run()? else { return Ok(None) };
    let Some(run) = store.run(&convoke_domain::ids::RunId(id))? else { return Ok(None) };
    let Some(summary) = run.summary.as_deref().map(serde_json::from_str::<Summary>).transpose().ok().flatten() else {
        return Ok(None);
    };
    let due = ["due", "due.late"].iter().filter_map(|rule| summary.outcomes.get(*rule)).sum();
    let lapses = summary.lapses.no_possible_day + summary.lapses.no_capacity;
    let firm = summary.firm + summary.late_firm;
    Ok(Some(Last { run, summary, firm, due, lapses }))
}
