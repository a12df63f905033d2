//! What this process knows about itself, and the checks behind `/readyz`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::Office;
use super::night::{Looked, Rota};
use convoke_machine::clock::{Clock, Stopwatch};
use convoke_settings::Dispatch;
use convoke_store::{NightState, Store};

/// The scheduler looks at the clock once a minute: after this many seconds without a look it is taken for dead.
const SILENT_AFTER_S: f64 = 180.0;
/// A letter's waiting time is counted in such steps, and no further back.
const STEP: TimeDelta = TimeDelta::minutes(10);
const LOOKED_BACK: TimeDelta = TimeDelta::days(14);
/// Failed attempts at a night before readiness reports it.
const ATTEMPTS_TOLD: i64 = 3;

/// A part of the process.
#[derive(Debug, Default)]
pub(super) struct Part<T>(Mutex<T>);

impl<T> Part<T> {
    pub(super) fn lock(&self) -> MutexGuard<'_, T> {
        // The value is replaced as a whole: a panic leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The scheduler's heartbeat.
#[derive(Debug)]
pub(super) struct Beat(Part<Stopwatch>);

impl Beat {
    pub(super) fn new() -> Self {
        Self(Part(Mutex::new(Stopwatch::start())))
    }

    pub(super) fn beat(&self) {
        *self.0.lock() = Stopwatch::start();
    }

    pub(super) fn is_silent(&self) -> bool {
        self.0.lock().seconds() > SILENT_AFTER_S
    }
}

/// What the parts of this process last found, for one préfecture.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// What keeps letters from leaving.
    pub(super) obstacle: Part<Option<(&'static str, String)>>,
    /// Why the scheduler could not look, or distrusts the clock.
    pub(super) scheduler: Part<Option<String>>,
    jumped: AtomicBool,
}

impl Notes {
    pub(super) fn clock_jumped(&self) -> bool {
        self.jumped.load(Ordering::Relaxed)
    }

    pub(super) fn note_look(&self, looked: &Result<Looked>) {
        self.jumped.store(matches!(looked, Ok(Looked::ClockJumped(_))), Ordering::Relaxed);
        *self.scheduler.lock() = match looked {
            Ok(Looked::ClockJumped(by)) => Some(format!(
                "the clock is {} days ahead of when it was last seen: no night starts by itself; if the clock is right, run tonight by hand (`convoke run --reason …`), and nights resume",
                by.num_days()
            )),
            // What became of a night is in the database, where every server reads it.
            Ok(Looked::NothingDue | Looked::Worked(..)) => None,
            Err(error) => Some(format!("{error:#}")),
        };
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Préfecture.
    pub prefecture: String,
    /// What was checked.
    pub what: &'static str,
    /// Whether it is in order.
    pub ok: bool,
    /// What was found.
    pub detail: String,
}

/// Checks everything that a préfecture's nights and letters need.
pub(super) fn findings(office: &Office, store: &mut Option<Store>, clock: &Clock) -> Vec<Finding> {
    let settings = &office.config.settings;
    let code = &settings.prefecture.code;
    let finding = |what, found: Result<String, String>| Finding {
        prefecture: code.clone(),
        what,
        ok: found.is_ok(),
        detail: found.unwrap_or_else(|wrong| wrong),
    };
    let scheduler = office.notes.scheduler.lock().clone();
    if let Some(jumped) = scheduler.clone().filter(|_| office.notes.clock_jumped()) {
        return vec![finding("clock", Err(jumped))];
    }
    let now = clock.now();
    let rota = Rota::of(&settings.serve, settings.prefecture.zone);
    let found = office.ask(store, |store| {
        Ok([
            ("database", Ok(store.describe()?)),
            ("night", night(store, &rota, now)?),
            ("queue", queue(store, &settings.dispatch, settings.serve.queue_alert_min, &rota, now)?),
        ])
    });
    match found {
        Ok(_) if scheduler.is_some() => vec![finding("scheduler", Err(scheduler.unwrap_or_default()))],
        Ok(found) => found.into_iter().map(|(what, found)| finding(what, found)).collect(),
        Err(error) => vec![finding("database", Err(format!("{error:#}")))],
    }
}

/// The last night: done, or not late yet.
fn night(store: &mut Store, rota: &Rota, now: DateTime<Utc>) -> Result<Result<String, String>> {
    let today = now.with_timezone(&rota.zone).date_naive();
    let nights = store.nights(today, rota.catchup.num_days() + 2)?;
    // Read from the database, whoever starts the nights: this server, another, or a timer.
    let watch = store.watch(now)?;
    let since = watch.since.unwrap_or(now).max(now - rota.catchup);
    let owed = rota.night.nights(rota.zone, since, now - rota.late_after).last().map(|(date, _)| *date);
    if let Some(date) = owed
        && !store.has_night_since(date, today)?
        && nights.iter().all(|row| row.business_date < date)
    {
        return Ok(Err(format!("that of {date} has not started: is a scheduler running?")));
    }
    let Some(last) = nights.first() else {
        let next = rota.night.next(rota.zone, now).map_or("never".to_owned(), |(date, _)| date.to_string());
        return Ok(Ok(format!("none has been due yet; the next is that of {next}")));
    };
    let date = last.business_date;
    let why = last.failure.as_deref().map_or(String::new(), |why| format!(": {why}"));
    let late = now - last.scheduled_at.and_utc() > rota.late_after;
    Ok(if last.state == NightState::Failed {
        Err(format!("that of {date} waits for a person{why}"))
    } else if last.state == NightState::Due && last.attempts >= ATTEMPTS_TOLD {
        Err(format!("that of {date} failed {} times{why}", last.attempts))
    } else if last.state == NightState::Due && late {
        Err(format!("that of {date} is late{why}"))
    } else {
        Ok(format!("that of {date} is {}", last.state))
    })
}

/// The letter that has waited longest, while sending was allowed.
fn queue(
    store: &mut Store,
    dispatch: &Dispatch,
    alert_min: u32,
    rota: &Rota,
    now: DateTime<Utc>,
) -> Result<Result<String, String>> {
    let alert = TimeDelta::minutes(alert_min.into());
    let may_send = |at: DateTime<Utc>| dispatch.may_send(at.with_timezone(&rota.zone).naive_local());
    let Some(oldest) = store.oldest_waiting(now)? else { return Ok(Ok("no letter is waiting".into())) };
    // Hours without sending do not count.
    let since = oldest.max(now - LOOKED_BACK);
    let steps = std::iter::successors(Some(now), |at| Some(*at - STEP)).take_while(|at| *at > since);
    let waited = STEP * i32::try_from(steps.filter(|at| may_send(*at)).count()).unwrap_or(i32::MAX);
    let detail = format!("the oldest letter has waited for {} min of sending hours", waited.num_minutes());
    Ok(match store.paused()? {
        Some(_) => Ok(format!("{detail}; sending was stopped by an operator")),
        None if waited > alert => Err(detail),
        None => Ok(detail),
    })
}
