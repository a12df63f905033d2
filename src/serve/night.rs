//! Which night is due, and what is done about it. The database decides who takes it: any number of servers may ask at
//! once.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use convoke_domain::schedule::Schedule;
use convoke_machine::clock::Clock;
use convoke_machine::entropy::Entropy;
use convoke_machine::process;
use convoke_settings::Serve;
use convoke_store::{NightRow, NightState, Store, Watch};

/// The clock that a server sees is recorded at most this often.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(10);
/// Wait before looking again at a run of another process.
const BUSY_PAUSE: TimeDelta = TimeDelta::minutes(1);
/// Longest wait after a failure; it doubles with each attempt.
const PAUSE_MAX_MINUTES: i64 = 60;

/// When a préfecture's nights start.
#[derive(Clone, Debug)]
pub struct Rota {
    /// Cron expression.
    pub night: Schedule,
    /// Time zone of the expression.
    pub zone: Tz,
    /// How far back missed nights are made up for.
    pub catchup: TimeDelta,
    /// A night that starts later than this is late.
    pub late_after: TimeDelta,
}

impl Rota {
    /// The civil date of an instant.
    fn date(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }

    /// From the settings.
    pub fn of(serve: &Serve, zone: Tz) -> Self {
        Self {
            night: serve.night.clone(),
            zone,
            catchup: TimeDelta::days(serve.catchup_days.into()),
            late_after: TimeDelta::minutes(serve.late_after_min.into()),
        }
    }
}

/// A night to carry out now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Night {
    /// Business date.
    pub date: NaiveDate,
    /// Nights before it that were missed, first to last: it makes up for them.
    pub missed: Vec<NaiveDate>,
    /// How late it starts; `None` if on time.
    pub late: Option<TimeDelta>,
    /// 1 for the first attempt.
    pub attempt: i64,
}

impl Night {
    /// The reason given to the run, which the ledger keeps.
    pub fn reason(&self) -> Option<String> {
        if self.missed.is_empty() {
            return None;
        }
        let dates: Vec<String> = self.missed.iter().map(ToString::to_string).collect();
        Some(format!("rattrapage des nuits du {}", dates.join(", ")))
    }
}

/// The result of working on a night.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Worked {
    /// Its run is completed.
    Done(String),
    /// Another process is working on a run.
    Busy,
    /// Refused: waits for a person.
    Refused(String),
    /// Failed: to be tried again.
    Failed(String),
}

/// The result of a look at the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// No night is due now.
    NothingDue,
    /// The clock is too far from when it was last seen to be trusted: a person must confirm that it is right.
    ClockJumped(TimeDelta),
    /// A night was worked on.
    Worked(Night, Worked),
}

/// Records the nights that have become due, and works on the last of them unless another server does.
pub fn look(
    store: &mut Store,
    rota: &Rota,
    clock: &Clock,
    work: impl FnOnce(&mut Store, &Night) -> Worked,
) -> Result<Looked> {
    let now = clock.now();
    store.id_key(&mut Entropy::System)?;
    let (steps, next) = decide(&see(store, rota, now)?, rota);
    if !steps.is_empty() {
        store.write(|s| steps.iter().try_for_each(|step| step.write(s, rota, now)))?;
    }
    let (row, night) = match next {
        Next::Nothing => return Ok(Looked::NothingDue),
        Next::ClockJumped(by) => return Ok(Looked::ClockJumped(by)),
        Next::Attempt(row, night) => (row, night),
    };
    if !store.write(|s| s.attempt_night(&row, now, now + pause(night.attempt)))? {
        return Ok(Looked::NothingDue);
    }
    let worked = work(store, &night);
    let now = clock.now();
    // The work is done or has failed: a connection lost meanwhile must not lose that result.
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

/// Everything that decides which night is due.
#[derive(Clone, Debug)]
struct Seen {
    now: DateTime<Utc>,
    watch: Watch,
    /// Nights up to today, latest first: those that may still be caught up, and two more.
    nights: Vec<NightRow>,
    /// Whether nights were recorded while a clock was ahead.
    future_nights: bool,
    /// Completed runs of nights that had failed: the run, and when it ended.
    completed: BTreeMap<NaiveDate, (String, Option<NaiveDateTime>)>,
    /// Whether a process is working on a run.
    run_in_progress: bool,
}

fn see(store: &mut Store, rota: &Rota, now: DateTime<Utc>) -> Result<Seen> {
    let today = rota.date(now);
    let nights = store.nights(today, rota.catchup.num_days() + 2)?;
    let mut completed = BTreeMap::new();
    for night in nights.iter().filter(|night| night.state == NightState::Failed || night.failure.is_some()) {
        if let Some(run) = store.completed_run(night.business_date)? {
            completed.insert(night.business_date, (run.run_id, run.finished_at));
        }
    }
    Ok(Seen {
        now,
        watch: store.watch(now)?,
        nights,
        future_nights: store.has_future_nights(now, today)?,
        completed,
        run_in_progress: store.is_run_in_progress(now, process::has_ended)?,
    })
}

/// What must be written before a night starts.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// The clock is trusted, and has been watched since then.
    BelieveClock(DateTime<Utc>),
    /// Nights recorded while a clock was ahead are deleted.
    ForgetFuture,
    /// Nights have become due.
    Owe(Vec<(NaiveDate, DateTime<Utc>)>),
    /// A person has run by hand a night that had failed or was refused.
    Done(NaiveDate, String),
}

impl Step {
    fn write(&self, store: &mut Store, rota: &Rota, now: DateTime<Utc>) -> Result<()> {
        match self {
            Self::BelieveClock(since) => store.believe_clock(*since, now),
            Self::ForgetFuture => store.forget_future_nights(now, rota.date(now)),
            Self::Owe(nights) => store.owe_nights(nights),
            Self::Done(date, run) => store.night_done(*date, run, now),
        }
    }
}

/// What comes after the steps.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    Nothing,
    ClockJumped(TimeDelta),
    Attempt(NightRow, Night),
}

/// Returns what must be written, and which night is due after that. The steps are applied to `seen` as the store
/// applies them.
fn decide(seen: &Seen, rota: &Rota) -> (Vec<Step>, Next) {
    let (now, today) = (seen.now, rota.date(seen.now));
    if let Some(by) = seen.watch.jump(now, rota.catchup) {
        return (Vec::new(), Next::ClockJumped(by));
    }
    let (mut steps, mut nights) = (Vec::new(), seen.nights.clone());
    // A clock that was ahead when the watch began was wrong: nights are owed from now on.
    let since = seen.watch.since.filter(|since| *since <= now).unwrap_or(now);
    if seen.watch.since != Some(since) || seen.watch.seen.is_none_or(|seen| now < seen || now - seen > SEEN_EVERY) {
        steps.push(Step::BelieveClock(since));
    }
    if seen.future_nights {
        steps.push(Step::ForgetFuture);
        nights.retain(|night| night.scheduled_at <= now.naive_utc());
        for night in nights.iter_mut().filter(|night| night.covered_by.is_some_and(|by| by > today)) {
            (night.state, night.covered_by) = (NightState::Due, None);
        }
    }
    let last_done = |nights: &[NightRow]| {
        nights.iter().find(|night| night.state == NightState::Done).map(|night| night.business_date)
    };
    let mut new = rota.night.nights(rota.zone, since.max(now - rota.catchup), now);
    new.retain(|(date, _)| Some(*date) > last_done(&nights) && nights.iter().all(|night| night.business_date != *date));
    if !new.is_empty() {
        nights.extend(new.iter().map(|(date, at)| NightRow::owed(*date, *at)));
        nights.sort_unstable_by_key(|night| std::cmp::Reverse(night.business_date));
        steps.push(Step::Owe(new));
    }
    let by_hand = nights.iter().find_map(|night| {
        let failed = night.state == NightState::Failed || (night.state == NightState::Due && night.failure.is_some());
        let (run, ended) = seen.completed.get(&night.business_date).filter(|_| failed)?;
        (*ended > night.started_at).then(|| (night.business_date, run.clone()))
    });
    if let Some((date, run)) = by_hand {
        for night in nights.iter_mut().filter(|night| night.business_date <= date && night.is_open()) {
            night.state = if night.business_date == date { NightState::Done } else { NightState::Covered };
        }
        steps.push(Step::Done(date, run));
    }
    let done = last_done(&nights);
    let open: Vec<&NightRow> =
        nights.iter().filter(|night| Some(night.business_date) > done && night.is_open()).collect();
    let due = |night: &&&NightRow| night.state == NightState::Due && night.next_at <= now.naive_utc();
    // A run in progress may take long: no other is started meanwhile.
    let Some(last) = open.first().filter(due).filter(|_| !seen.run_in_progress) else { return (steps, Next::Nothing) };
    let mut missed: Vec<NaiveDate> = open[1..].iter().map(|night| night.business_date).collect();
    missed.sort_unstable();
    let lateness = now - last.scheduled_at.and_utc();
    let night = Night {
        date: last.business_date,
        missed,
        late: (lateness > rota.late_after && last.attempts == 0).then_some(lateness),
        attempt: last.attempts + 1,
    };
    (steps, Next::Attempt((*last).clone(), night))
}

/// The wait before the next attempt, after this many.
fn pause(attempts: i64) -> TimeDelta {
    TimeDelta::minutes(1 << attempts.clamp(1, 6)).min(TimeDelta::minutes(PAUSE_MAX_MINUTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARIS: Tz = Tz::Europe__Paris;

    fn rota() -> Rota {
        Rota {
            night: Schedule::default(),
            zone: PARIS,
            catchup: TimeDelta::days(7),
            late_after: TimeDelta::minutes(30),
        }
    }

    fn at(instant: &str) -> DateTime<Utc> {
        format!("{instant}:00Z").parse().unwrap()
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// A database that has been watched for a week and last seen a few minutes ago, with no night yet.
    fn seen(now: &str) -> Seen {
        let now = at(now);
        let watch = Watch { since: Some(now - TimeDelta::days(7)), seen: Some(now - TimeDelta::minutes(5)) };
        Seen {
            now,
            watch,
            nights: Vec::new(),
            future_nights: false,
            completed: BTreeMap::new(),
            run_in_progress: false,
        }
    }

    fn night(day: &str, state: NightState) -> NightRow {
        let at = format!("{day}T00:30:00Z").parse().unwrap();
        NightRow { state, ..NightRow::owed(date(day), at) }
    }

    fn attempt(next: &Next) -> &Night {
        let Next::Attempt(_, night) = next else { panic!("{next:?}") };
        night
    }

    #[test]
    fn a_night_is_due_from_its_hour_on_and_late_when_it_begins_later() {
        let yesterday = || vec![night("2026-11-24", NightState::Done)];
        let (steps, next) = decide(&Seen { nights: yesterday(), ..seen("2026-11-25T00:29") }, &rota());
        assert_eq!((steps, next), (vec![], Next::Nothing));
        let (steps, next) = decide(&Seen { nights: yesterday(), ..seen("2026-11-25T00:31") }, &rota());
        assert_eq!(steps, [Step::Owe(vec![(date("2026-11-25"), at("2026-11-25T00:30"))])]);
        assert_eq!((attempt(&next).date, attempt(&next).late), (date("2026-11-25"), None));
        let (_, next) = decide(&Seen { nights: yesterday(), ..seen("2026-11-25T03:00") }, &rota());
        assert_eq!(attempt(&next).late, Some(TimeDelta::minutes(150)));
    }

    #[test]
    fn missed_nights_are_caught_up_by_the_last_of_them() {
        let nights = vec![night("2026-11-21", NightState::Done)];
        let (_, next) = decide(&Seen { nights, ..seen("2026-11-25T08:00") }, &rota());
        assert_eq!(attempt(&next).date, date("2026-11-25"));
        assert_eq!(attempt(&next).missed, ["2026-11-22", "2026-11-23", "2026-11-24"].map(date));
    }

    #[test]
    fn a_clock_that_has_jumped_writes_nothing_and_begins_nothing() {
        let far = Seen { now: at("2030-01-10T08:00"), ..seen("2026-11-25T08:00") };
        let (steps, next) = decide(&far, &rota());
        assert!(steps.is_empty() && matches!(next, Next::ClockJumped(by) if by.num_days() > 1_000));
    }

    #[test]
    fn nights_that_a_clock_ahead_had_taken_are_due_again() {
        let covered = NightRow { covered_by: Some(date("2026-12-05")), ..night("2026-11-25", NightState::Covered) };
        let ahead = night("2026-12-05", NightState::Done);
        let nights = vec![ahead, covered, night("2026-11-24", NightState::Done)];
        let (steps, next) = decide(&Seen { nights, future_nights: true, ..seen("2026-11-25T08:00") }, &rota());
        assert_eq!(steps, [Step::ForgetFuture]);
        assert_eq!(attempt(&next).date, date("2026-11-25"));
    }

    #[test]
    fn a_failed_attempt_is_made_again_after_its_pause_and_not_before() {
        let retry = |next_at: &str| NightRow {
            attempts: 1,
            next_at: at(next_at).naive_utc(),
            failure: Some("no disk".into()),
            ..night("2026-11-25", NightState::Due)
        };
        let (_, next) = decide(&Seen { nights: vec![retry("2026-11-25T08:01")], ..seen("2026-11-25T08:00") }, &rota());
        assert_eq!(next, Next::Nothing);
        let (_, next) = decide(&Seen { nights: vec![retry("2026-11-25T08:00")], ..seen("2026-11-25T08:00") }, &rota());
        assert_eq!((attempt(&next).attempt, attempt(&next).late), (2, None));
    }

    #[test]
    fn a_refused_night_waits_for_a_person_and_is_closed_by_their_run() {
        let started_at = Some(at("2026-11-25T00:30").naive_utc());
        let refused = NightRow { started_at, ..night("2026-11-25", NightState::Failed) };
        let done = || night("2026-11-23", NightState::Done);
        let nights = || vec![refused.clone(), night("2026-11-24", NightState::Due), done()];
        let (_, next) = decide(&Seen { nights: nights(), ..seen("2026-11-25T08:00") }, &rota());
        assert_eq!(next, Next::Nothing, "nor is the night before it begun in its place");
        let of = |ended: &str| BTreeMap::from([(date("2026-11-25"), ("run".to_owned(), Some(at(ended).naive_utc())))]);
        let before = Seen { nights: nights(), completed: of("2026-11-25T00:10"), ..seen("2026-11-25T08:00") };
        assert_eq!(decide(&before, &rota()).0, [], "a run before it was refused is not its run");
        let after = Seen { nights: nights(), completed: of("2026-11-25T07:00"), ..seen("2026-11-25T08:00") };
        let (steps, next) = decide(&after, &rota());
        assert_eq!((steps, next), (vec![Step::Done(date("2026-11-25"), "run".into())], Next::Nothing));
    }

    #[test]
    fn nothing_is_begun_beside_a_run_in_progress() {
        let nights = vec![night("2026-11-25", NightState::Due)];
        let busy = Seen { nights, run_in_progress: true, ..seen("2026-11-25T08:00") };
        assert_eq!(decide(&busy, &rota()).1, Next::Nothing);
    }

    #[test]
    fn the_hour_that_comes_twice_and_the_one_that_never_comes_are_a_night_each() {
        for (before, now, day) in
            [("2026-10-24", "2026-10-25T02:00", "2026-10-25"), ("2027-03-27", "2027-03-28T02:00", "2027-03-28")]
        {
            let rota = Rota { night: Schedule::try_from("30 2 * * *".to_owned()).unwrap(), ..rota() };
            let (steps, next) = decide(&Seen { nights: vec![night(before, NightState::Done)], ..seen(now) }, &rota);
            assert!(matches!(&steps[..], [Step::Owe(owed)] if owed.len() == 1), "{steps:?}");
            assert_eq!(attempt(&next).date, date(day));
        }
    }
}
