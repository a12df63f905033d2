//! Scheduled nights and their outcomes.

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use diesel::prelude::*;

use super::row::{Rows, Word, row};
use super::scope::{import_batch, night, prefecture, run};
use super::{Store, on_backend};
use convoke_domain::code::coded;
use convoke_domain::run::RunState;

coded! {
    /// State of a night.
    pub enum NightState {
        /// Owed.
        Due = "due",
        /// Its run is completed.
        Done = "done",
        /// A later night did its work.
        Covered = "covered",
        /// Failed: needs a person.
        Failed = "failed",
    }
}

row! {
    /// A night.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct NightRow,
    #[derive(Queryable, Selectable)]
    struct NightColumns of night by business_date {
        /// Business date.
        pub business_date: NaiveDate,
        /// The instant that the schedule gave it.
        pub scheduled_at: NaiveDateTime,
        /// Where it is in its life.
        pub state: NightState as Word<NightState>,
        /// How often it was tried.
        pub attempts: i64,
        /// Not before this instant.
        pub next_at: NaiveDateTime,
        /// When its last attempt began.
        pub started_at: Option<NaiveDateTime>,
        /// When it ended.
        pub finished_at: Option<NaiveDateTime>,
        /// Its run.
        pub run_id: Option<String>,
        /// The later night that did its work.
        pub covered_by: Option<NaiveDate>,
        /// Why its last attempt failed.
        pub failure: Option<String>,
    }
}

impl NightRow {
    /// A night that has just become due.
    pub fn owed(business_date: NaiveDate, at: DateTime<Utc>) -> Self {
        Self {
            business_date,
            scheduled_at: at.naive_utc(),
            state: NightState::Due,
            attempts: 0,
            next_at: at.naive_utc(),
            started_at: None,
            finished_at: None,
            run_id: None,
            covered_by: None,
            failure: None,
        }
    }

    /// Whether its work is still to be done.
    pub fn is_open(&self) -> bool {
        matches!(self.state, NightState::Due | NightState::Failed)
    }
}

/// What is known about the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// Since when a server has watched it.
    pub since: Option<DateTime<Utc>>,
    /// The last instant known to be true, seen by a server, an import or a run.
    pub seen: Option<DateTime<Utc>>,
}

impl Watch {
    /// How far the clock is ahead of when it was last seen, if that is more than `most`: it is not trusted then.
    pub fn jump(&self, now: DateTime<Utc>, most: TimeDelta) -> Option<TimeDelta> {
        self.seen.map(|seen| now - seen).filter(|by| *by > most)
    }
}

impl Store {
    /// What is known about the clock, which now reads `now`.
    pub fn watch(&mut self, now: DateTime<Utc>) -> Result<Watch> {
        let row: Option<(Option<NaiveDateTime>, Option<NaiveDateTime>)> = prefecture::of(&self.scope)
            .select((prefecture::watched_since, prefecture::clock_seen_at))
            .first(&mut self.conn)
            .optional()
            .context("reading when the clock was last seen")?;
        let (since, seen) = row.unwrap_or_default();
        let past = now.naive_utc();
        // A server whose clock was behind did not see the latest instant: imports and runs may have seen later ones.
        // Instants recorded while a clock was ahead are ignored.
        let imported: Option<NaiveDateTime> = import_batch::of(&self.scope)
            .filter(import_batch::imported_at.le(past))
            .select(diesel::dsl::max(import_batch::imported_at))
            .first(&mut self.conn)?;
        let run: Option<NaiveDateTime> = run::of(&self.scope)
            .filter(run::started_at.le(past))
            .select(diesel::dsl::max(run::started_at))
            .first(&mut self.conn)?;
        let seen = seen.filter(|at| *at <= past).max(imported).max(run);
        Ok(Watch { since: since.map(|at| at.and_utc()), seen: seen.map(|at| at.and_utc()) })
    }

    /// Whether nights were recorded while a clock was ahead.
    pub fn has_future_nights(&mut self, now: DateTime<Utc>, today: NaiveDate) -> Result<bool> {
        let ahead = night::scheduled_at.gt(now.naive_utc()).or(night::covered_by.gt(today));
        let nights = night::of(&self.scope).filter(ahead);
        diesel::select(diesel::dsl::exists(nights))
            .get_result(&mut self.conn)
            .context("looking for nights of the future")
    }

    /// Deletes nights recorded while a clock was ahead, and makes the nights they covered due again.
    pub fn forget_future_nights(&mut self, now: DateTime<Utc>, today: NaiveDate) -> Result<()> {
        let ahead = diesel::delete(night::of(&self.scope))
            .filter(night::scheduled_at.gt(now.naive_utc()))
            .execute(&mut self.conn)
            .context("forgetting nights of the future")?;
        let owed = diesel::update(night::of(&self.scope))
            .filter(night::covered_by.gt(today))
            .set((night::state.eq(NightState::Due.code()), night::covered_by.eq(None::<NaiveDate>)))
            .execute(&mut self.conn)
            .context("owing nights again")?;
        if ahead + owed > 0 {
            tracing::warn!(ahead, owed, "The clock was ahead, and is right again: {owed} nights are owed again");
        }
        Ok(())
    }

    /// Whether the night of that date, or a later one until `today`, was done by a server or by hand.
    pub fn has_night_since(&mut self, date: NaiveDate, today: NaiveDate) -> Result<bool> {
        let run = run::of(&self.scope)
            .filter(run::state.eq(RunState::Completed.code()))
            .filter(run::business_date.between(date, today));
        let night = night::of(&self.scope)
            .filter(night::state.eq(NightState::Done.code()))
            .filter(night::business_date.between(date, today));
        let by_run: bool = diesel::select(diesel::dsl::exists(run)).get_result(&mut self.conn)?;
        Ok(by_run || diesel::select(diesel::dsl::exists(night)).get_result(&mut self.conn)?)
    }

    /// Trusts the clock: it reads `now`, and has been watched since `since`.
    pub fn believe_clock(&mut self, since: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
        diesel::update(prefecture::of(&self.scope))
            .set((
                prefecture::watched_since.eq(Some(since.naive_utc())),
                prefecture::clock_seen_at.eq(Some(now.naive_utc())),
            ))
            .execute(&mut self.conn)
            .context("writing when the clock was seen")?;
        Ok(())
    }

    /// Records that the clock, which is trusted, reads `now`.
    pub fn see_clock(&mut self, now: DateTime<Utc>) -> Result<()> {
        diesel::update(prefecture::of(&self.scope))
            .filter(prefecture::clock_seen_at.is_null().or(prefecture::clock_seen_at.lt(now.naive_utc())))
            .set(prefecture::clock_seen_at.eq(Some(now.naive_utc())))
            .execute(&mut self.conn)
            .context("writing when the clock was seen")?;
        Ok(())
    }

    /// Schedules nights, each once.
    pub fn owe_nights(&mut self, nights: &[(NaiveDate, DateTime<Utc>)]) -> Result<()> {
        for (date, at) in nights {
            let row = (
                night::business_date.eq(date),
                night::scheduled_at.eq(at.naive_utc()),
                night::state.eq(NightState::Due.code()),
                night::attempts.eq(0),
                night::next_at.eq(at.naive_utc()),
            );
            let row = night::insert(&self.scope).values(row).on_conflict_do_nothing();
            on_backend!(&mut self.conn, c => row.execute(c)).context("owing a night")?;
        }
        Ok(())
    }

    /// Nights up to a date, latest first.
    pub fn nights(&mut self, until: NaiveDate, limit: i64) -> Result<Vec<NightRow>> {
        night::of(&self.scope)
            .filter(night::business_date.le(until))
            .order(night::business_date.desc())
            .limit(limit)
            .select(NightColumns::as_select())
            .load(&mut self.conn)
            .rows("reading the nights")
    }

    /// Claims an attempt at a night; nobody else can claim one before `next_at`. `false` if another process was faster.
    pub fn attempt_night(&mut self, row: &NightRow, now: DateTime<Utc>, next_at: DateTime<Utc>) -> Result<bool> {
        let changed = diesel::update(night::of(&self.scope).filter(night::business_date.eq(row.business_date)))
            .filter(night::state.eq(NightState::Due.code()).and(night::attempts.eq(row.attempts)))
            .set((
                night::attempts.eq(row.attempts + 1),
                night::next_at.eq(next_at.naive_utc()),
                night::started_at.eq(Some(now.naive_utc())),
            ))
            .execute(&mut self.conn)
            .context("beginning a night")?;
        Ok(changed == 1)
    }

    /// Gives back an attempt that did not happen: another run was in progress.
    pub fn give_night_back(&mut self, row: &NightRow, next_at: DateTime<Utc>) -> Result<()> {
        diesel::update(night::of(&self.scope).filter(night::business_date.eq(row.business_date)))
            .filter(night::state.eq(NightState::Due.code()).and(night::attempts.eq(row.attempts + 1)))
            .set((night::attempts.eq(row.attempts), night::next_at.eq(next_at.naive_utc())))
            .execute(&mut self.conn)
            .context("giving a night back")?;
        Ok(())
    }

    /// Records a failed attempt: the night is still due, or needs a person.
    pub fn night_failed(
        &mut self,
        date: NaiveDate,
        state: NightState,
        failure: &str,
        next_at: DateTime<Utc>,
    ) -> Result<()> {
        diesel::update(night::of(&self.scope).filter(night::business_date.eq(date)))
            .filter(night::state.eq(NightState::Due.code()))
            .set((night::state.eq(state.code()), night::failure.eq(failure), night::next_at.eq(next_at.naive_utc())))
            .execute(&mut self.conn)
            .context("writing why a night failed")?;
        Ok(())
    }

    /// Marks a night as done, and all nights still due before it as covered.
    pub fn night_done(&mut self, date: NaiveDate, run: &str, now: DateTime<Utc>) -> Result<()> {
        let open = [NightState::Due.code(), NightState::Failed.code()];
        let ended = Some(now.naive_utc());
        diesel::update(night::of(&self.scope).filter(night::business_date.eq(date)))
            .filter(night::state.eq_any(open))
            .set((
                night::state.eq(NightState::Done.code()),
                night::finished_at.eq(ended),
                night::run_id.eq(Some(run)),
                night::failure.eq(None::<String>),
            ))
            .execute(&mut self.conn)
            .context("ending a night")?;
        diesel::update(night::of(&self.scope))
            .filter(night::business_date.lt(date).and(night::state.eq_any(open)))
            .set((
                night::state.eq(NightState::Covered.code()),
                night::finished_at.eq(ended),
                night::covered_by.eq(Some(date)),
            ))
            .execute(&mut self.conn)
            .context("covering the nights before")?;
        Ok(())
    }
}
