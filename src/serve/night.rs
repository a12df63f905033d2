//! Which night is due, and what is done about it. The database decides who takes it: any number of servers may ask at once.

use anyhow::Result;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use convoke_domain::schedule::Schedule;
use convoke_machine::clock::Clock;
use convoke_machine::entropy::Entropy;
use convoke_machine::process;
use convoke_settings::Serve;
use convoke_store::{NightRow, NightState, Store};

/// A clock that a server sees is written down no more often than that.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(10);
/// A run of another process is waited for.
const BUSY_PAUSE: TimeDelta = TimeDelta::minutes(1);
/// After a failure: twice as long each time, an hour at most.
const PAUSE_MAX_MINUTES: i64 = 60;

/// When a préfecture's nights begin.
#[derive(Clone, Debug)]
pub struct Rota {
    /// Cron expression.
    pub night: Schedule,
    /// Its zone.
    pub zone: Tz,
    /// Missed nights that are made up for.
    pub catchup: TimeDelta,
    /// A night that begins later is late.
    pub late_after: TimeDelta,
}

impl Rota {
    /// As the settings say.
    pub fn of(serve: &Serve, zone: Tz) -> Self {
        Self {
            night: serve.night.clone(),
            zone,
            catchup: TimeDelta::days(serve.catchup_days.into()),
            late_after: TimeDelta::minutes(serve.late_after_min.into()),
        }
    }
}

/// A night to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Night {
    /// Business date.
    pub date: NaiveDate,
    /// Nights before it that were missed, first to last: it makes up for them.
    pub missed: Vec<NaiveDate>,
    /// How late it begins; `None` in time.
    pub late: Option<TimeDelta>,
    /// 1 for the first attempt.
    pub attempt: i64,
}

impl Night {
    /// What the run is told, and the ledger keeps.
    pub fn reason(&self) -> Option<String> {
        if self.missed.is_empty() {
            return None;
        }
        let dates: Vec<String> = self.missed.iter().map(ToString::to_string).collect();
        Some(format!("rattrapage des nuits du {}", dates.join(", ")))
    }
}

/// What came of the work of a night.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Worked {
    /// Its run is completed.
    Done(String),
    /// Another process is at work on a run.
    Busy,
    /// Waits for a person.
    Refused(String),
    /// To be tried again.
    Failed(String),
}

/// What a look at the clock came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// No night is due now.
    NothingDue,
    /// The clock is further from when it was last seen than it is believed: a person must say that it is right.
    ClockJumped(TimeDelta),
    /// A night was worked on.
    Worked(Night, Worked),
}

/// Owes the nights that have become due, and works on the last of them, if nobody else does.
pub fn look(
    store: &mut Store,
    rota: &Rota,
    clock: &Clock,
    work: impl FnOnce(&mut Store, &Night) -> Worked,
) -> Result<Looked> {
    let now = clock.now();
    store.id_key(&mut Entropy::System)?;
    let Some(due) = due(store, rota, now)? else { return Ok(Looked::NothingDue) };
    let (row, night) = match due {
        Due::ClockJumped(by) => return Ok(Looked::ClockJumped(by)),
        Due::Night(row, night) => (row, night),
    };
    if !store.write(|s| s.attempt_night(&row, now, now + pause(night.attempt)))? {
        return Ok(Looked::NothingDue);
    }
    let worked = work(store, &night);
    let now = clock.now();
    // The work is done, or known to have failed: a connection that was lost meanwhile must not lose that.
    store.persist(|store| {
        store.write(|s| match &worked {
            Worked::Done(run) => s.night_done(night.date, run, now),
            Worked::Busy => s.give_night_back(&row, now + BUSY_PAUSE),
            Worked::Refused(why) => s.night_failed(night.date, NightState::Failed, why, now),
            Worked::Failed(why) => s.night_failed(night.date, NightState::Due, why, now + pause(night.attempt)),
        })
    })?;
    Ok(Looked::Worked(night, worked))
}

enum Due {
    ClockJumped(TimeDelta),
    Night(NightRow, Night),
}

fn due(store: &mut Store, rota: &Rota, now: DateTime<Utc>) -> Result<Option<Due>> {
    let watch = store.watch(now)?;
    if let Some(by) = watch.seen.map(|seen| now - seen).filter(|by| *by > rota.catchup) {
        return Ok(Some(Due::ClockJumped(by)));
    }
    // A clock that was ahead when the watch began was wrong: nights are owed from now on.
    let since = watch.since.filter(|since| *since <= now).unwrap_or(now);
    if watch.since != Some(since) || watch.seen.is_none_or(|seen| now < seen || now - seen > SEEN_EVERY) {
        store.write(|s| s.believe_clock(since, now))?;
    }
    let today = now.with_timezone(&rota.zone).date_naive();
    store.write(|s| s.forget_future_nights(now, today))?;
    let mut known = store.nights(today, rota.catchup.num_days() + 2)?;
    let is = |row: &NightRow, state: NightState| row.state == state;
    let last_done = |rows: &[NightRow]| rows.iter().find(|row| is(row, NightState::Done)).map(|row| row.business_date);
    let mut new = rota.night.nights(rota.zone, since.max(now - rota.catchup), now);
    new.retain(|(date, _)| Some(*date) > last_done(&known) && known.iter().all(|row| row.business_date != *date));
    if !new.is_empty() {
        store.write(|s| s.owe_nights(&new))?;
        known = store.nights(today, rota.catchup.num_days() + 2)?;
    }
    // A person may have done by hand what failed, or was refused.
    for row in known.clone() {
        let open = is(&row, NightState::Failed) || (is(&row, NightState::Due) && row.failure.is_some());
        if open
            && let Some(run) = store.completed_run(row.business_date)?
            && run.finished_at > row.started_at
        {
            store.write(|s| s.night_done(row.business_date, &run.run_id, now))?;
            known = store.nights(today, rota.catchup.num_days() + 2)?;
            break;
        }
    }
    let done = last_done(&known);
    let open: Vec<&NightRow> = known
        .iter()
        .filter(|row| Some(row.business_date) > done && (is(row, NightState::Due) || is(row, NightState::Failed)))
        .collect();
    let Some(last) = open.first().filter(|row| is(row, NightState::Due) && row.next_at <= now.naive_utc()) else {
        return Ok(None);
    };
    // Whoever is at work on it may take long: nothing is begun beside it.
    if store.is_run_in_progress(now, process::has_ended)? {
        return Ok(None);
    }
    let mut missed: Vec<NaiveDate> = open[1..].iter().map(|row| row.business_date).collect();
    missed.sort_unstable();
    let lateness = now - last.scheduled_at.and_utc();
    let night = Night {
        date: last.business_date,
        missed,
        late: (lateness > rota.late_after && last.attempts == 0).then_some(lateness),
        attempt: last.attempts + 1,
    };
    Ok(Some(Due::Night((*last).clone(), night)))
}

/// Until the next attempt, after so many.
fn pause(attempts: i64) -> TimeDelta {
    TimeDelta::minutes(1 << attempts.clamp(1, 6)).min(TimeDelta::minutes(PAUSE_MAX_MINUTES))
}
