//! Runs: one at a time per préfecture, fenced by epoch, resumable.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use diesel::prelude::*;

use super::Store;
use super::scope::{run, run_outcome};
use convoke_domain::ids::RunId;
use convoke_domain::run::{RunState, Trigger};

use super::row::{Rows, Word, row};

/// How long a silent owner keeps its lease; every step renews it.
pub(super) const LEASE: chrono::TimeDelta = chrono::TimeDelta::minutes(5);

row! {
    /// A run as stored.
    #[derive(Clone, Debug)]
    pub struct RunRow,
    #[derive(Queryable, Selectable)]
    struct RunColumns of run by run_id {
        /// Run.
        pub run_id: String,
        /// Business date.
        pub business_date: NaiveDate,
        /// 1 for the first run of that date.
        pub generation: i64,
        /// What started it.
        pub trigger: Trigger as Word<Trigger>,
        /// Real login.
        pub actor: String,
        /// Why, if it was started by hand.
        pub reason: Option<String>,
        /// State.
        pub state: RunState as Word<RunState>,
        /// Who works on it.
        pub owner: String,
        /// Number of take-overs, plus one.
        pub epoch: i64,
        /// When the owner's lease ends.
        pub lease_until: NaiveDateTime,
        /// Hash of the planning input.
        pub input_hash: Option<String>,
        /// Hash of the rules.
        pub policy_hash: Option<String>,
        /// Hash of the plan.
        pub plan_hash: Option<String>,
        /// Hash of what the plan left open.
        pub rest_hash: Option<String>,
        /// Firm appointments committed so far.
        pub committed: i64,
        /// Summary, as `run --json` prints it.
        pub summary: Option<String>,
        /// Why it stopped or failed.
        pub failure: Option<String>,
        /// Start.
        pub started_at: NaiveDateTime,
        /// End.
        pub finished_at: Option<NaiveDateTime>,
    }
}

/// A run to start.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Business date.
    pub business_date: NaiveDate,
    /// What starts it.
    pub trigger: Trigger,
    /// Real login.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
    /// This process.
    pub owner: String,
}

/// The result of asking for the préfecture's only active run.
#[derive(Clone, Debug)]
pub enum Acquired {
    /// Another process is running it.
    Busy(RunId),
    /// A run whose owner is dead or silent, taken over.
    TakenOver(RunRow),
    /// A new run.
    New(RunRow),
}

/// What a run stores at once, before its first convocation.
#[derive(Clone, Debug)]
pub struct Stored<'a> {
    /// Hashes of input, rules, plan, and what the plan left open.
    pub hashes: [&'a str; 4],
    /// Permits by rule.
    pub outcomes: &'a BTreeMap<String, u64>,
    /// Summary, as `run --json` prints it.
    pub summary: &'a str,
}

impl Store {
    /// Starts a run, or takes over one whose owner is dead according to `is_dead` or whose lease has expired.
    pub fn acquire_run(
        &mut self,
        new: &NewRun,
        now: DateTime<Utc>,
        is_dead: impl Fn(&str) -> bool,
    ) -> Result<Acquired> {
        self.write(|store| {
            let lease_until = (now + LEASE).naive_utc();
            let active = run::of(&store.scope)
                .filter(run::state.eq_any(RunState::ACTIVE.map(RunState::code)))
                .select(RunColumns::as_select())
                .first(&mut store.conn)
                .optional()
                .rows("looking for the run in progress")?;
            if let Some(row) = active {
                if row.lease_until > now.naive_utc() && !is_dead(&row.owner) {
                    return Ok(Acquired::Busy(RunId(row.run_id)));
                }
                diesel::update(run::of(&store.scope).filter(run::run_id.eq(&row.run_id)))
                    .set((run::owner.eq(&new.owner), run::epoch.eq(row.epoch + 1), run::lease_until.eq(lease_until)))
                    .execute(&mut store.conn)?;
                return Ok(Acquired::TakenOver(RunRow {
                    owner: new.owner.clone(),
                    epoch: row.epoch + 1,
                    lease_until,
                    ..row
                }));
            }
            let last: Option<i64> = run::of(&store.scope)
                .filter(run::business_date.eq(new.business_date))
                .select(diesel::dsl::max(run::generation))
                .first(&mut store.conn)?;
            let generation = last.unwrap_or(0) + 1;
            let id = RunId::new(store.scope.code(), new.business_date, generation);
            run::insert(&store.scope)
                .values((
                    run::run_id.eq(&id.0),
                    run::business_date.eq(new.business_date),
                    run::generation.eq(generation),
                    run::trigger.eq(new.trigger.code()),
                    run::actor.eq(&new.actor),
                    run::reason.eq(&new.reason),
                    run::state.eq(RunState::Observing.code()),
                    run::owner.eq(&new.owner),
                    // Never an epoch of a forgotten run with this id: the process that began it must not write any
                    // more.
                    run::epoch.eq(now.timestamp_micros()),
                    run::lease_until.eq(lease_until),
                    run::committed.eq(0),
                    run::started_at.eq(now.naive_utc()),
                ))
                .execute(&mut store.conn)?;
            Ok(Acquired::New(store.run(&id)?.context("the run that was just inserted")?))
        })
    }

    /// Whether another process is running a run.
    pub fn is_run_in_progress(&mut self, now: DateTime<Utc>, is_dead: impl Fn(&str) -> bool) -> Result<bool> {
        let active: Option<(String, NaiveDateTime)> = run::of(&self.scope)
            .filter(run::state.eq_any(RunState::ACTIVE.map(RunState::code)))
            .select((run::owner, run::lease_until))
            .first(&mut self.conn)
            .optional()
            .context("looking for a run in progress")?;
        Ok(active.is_some_and(|(owner, lease)| lease > now.naive_utc() && !is_dead(&owner)))
    }

    /// One run.
    pub fn run(&mut self, id: &RunId) -> Result<Option<RunRow>> {
        run::of(&self.scope)
            .filter(run::run_id.eq(&id.0))
            .select(RunColumns::as_select())
            .first(&mut self.conn)
            .optional()
            .rows("reading a run")
    }

    /// Runs, latest first.
    pub fn runs(&mut self, limit: i64) -> Result<Vec<RunRow>> {
        run::of(&self.scope)
            .order((run::business_date.desc(), run::generation.desc()))
            .limit(limit)
            .select(RunColumns::as_select())
            .load(&mut self.conn)
            .rows("reading the runs")
    }

    /// Runs before a date and generation, in one state or in any, latest first.
    pub fn runs_before(
        &mut self,
        state: Option<RunState>,
        before: Option<(NaiveDate, i64)>,
        limit: i64,
    ) -> Result<Vec<RunRow>> {
        let mut query = run::of(&self.scope).into_boxed();
        if let Some(state) = state {
            query = query.filter(run::state.eq(state.code()));
        }
        if let Some((date, generation)) = before {
            let same_date = run::business_date.eq(date).and(run::generation.lt(generation));
            query = query.filter(run::business_date.lt(date).or(same_date));
        }
        query
            .order((run::business_date.desc(), run::generation.desc()))
            .limit(limit)
            .select(RunColumns::as_select())
            .load(&mut self.conn)
            .rows("reading the runs of a page")
    }

    /// The run in progress, whichever process owns it.
    pub fn active_run(&mut self) -> Result<Option<RunRow>> {
        run::of(&self.scope)
            .filter(run::state.eq_any(RunState::ACTIVE.map(RunState::code)))
            .select(RunColumns::as_select())
            .first(&mut self.conn)
            .optional()
            .rows("looking for the run in progress")
    }

    /// Completed runs up to one, latest first.
    pub fn completed_runs_until(&mut self, last: &RunRow, limit: i64) -> Result<Vec<RunRow>> {
        run::of(&self.scope)
            .filter(run::state.eq(RunState::Completed.code()).and(run::started_at.le(last.started_at)))
            .order(run::started_at.desc())
            .limit(limit)
            .select(RunColumns::as_select())
            .load(&mut self.conn)
            .rows("reading the runs before")
    }

    /// The completed run that started last.
    pub fn last_completed_run(&mut self) -> Result<Option<String>> {
        run::of(&self.scope)
            .filter(run::state.eq(RunState::Completed.code()))
            .order(run::started_at.desc())
            .select(run::run_id)
            .first(&mut self.conn)
            .optional()
            .context("looking for the last completed run")
    }

    /// The last completed run of a date.
    pub fn completed_run(&mut self, date: NaiveDate) -> Result<Option<RunRow>> {
        run::of(&self.scope)
            .filter(run::business_date.eq(date))
            .filter(run::state.eq(RunState::Completed.code()))
            .order(run::generation.desc())
            .select(RunColumns::as_select())
            .first(&mut self.conn)
            .optional()
            .rows("reading the last run of the date")
    }

    /// Stores what applies to the whole run and opens its commit; from here on it can only be completed.
    pub fn store_plan(&mut self, row: &RunRow, what: &Stored<'_>) -> Result<()> {
        let [input_hash, policy_hash, plan_hash, rest_hash] = what.hashes;
        let changed = diesel::update(run::of(&self.scope).filter(run::run_id.eq(&row.run_id)))
            .filter(run::epoch.eq(row.epoch).and(run::state.eq(RunState::Observing.code())))
            .set((
                run::state.eq(RunState::Committing.code()),
                run::input_hash.eq(input_hash),
                run::policy_hash.eq(policy_hash),
                run::plan_hash.eq(plan_hash),
                run::rest_hash.eq(rest_hash),
                run::summary.eq(what.summary),
            ))
            .execute(&mut self.conn)?;
        ensure!(changed == 1, "{}", taken_over(row));
        for (rule, permits) in what.outcomes {
            run_outcome::insert(&self.scope)
                .values((
                    run_outcome::run_id.eq(&row.run_id),
                    run_outcome::rule.eq(rule),
                    run_outcome::permits.eq(*permits as i64),
                ))
                .execute(&mut self.conn)?;
        }
        Ok(())
    }

    /// Records the commit's progress and renews the lease. Fails, which rolls the chunk back, if another process has
    /// taken the run over.
    pub fn advance_run(&mut self, row: &RunRow, committed: i64, summary: &str, now: DateTime<Utc>) -> Result<()> {
        let changed = diesel::update(run::of(&self.scope).filter(run::run_id.eq(&row.run_id)))
            .filter(run::epoch.eq(row.epoch).and(run::state.eq(RunState::Committing.code())))
            .set((
                run::committed.eq(committed),
                run::summary.eq(summary),
                run::lease_until.eq((now + LEASE).naive_utc()),
            ))
            .execute(&mut self.conn)?;
        ensure!(
            changed == 1,
            "run {} was stopped, or taken over by another process, which goes on with it",
            row.run_id
        );
        Ok(())
    }

    /// Ends a run.
    pub fn end_run(
        &mut self,
        row: &RunRow,
        state: RunState,
        summary: Option<&str>,
        failure: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let target = run::of(&self.scope).filter(run::run_id.eq(&row.run_id));
        let changed = diesel::update(target)
            .filter(run::epoch.eq(row.epoch).and(run::state.eq_any(RunState::ACTIVE.map(RunState::code))))
            .set((run::state.eq(state.code()), run::failure.eq(failure), run::finished_at.eq(Some(now.naive_utc()))))
            .execute(&mut self.conn)?;
        ensure!(
            changed == 1,
            "run {} was stopped, or taken over by another process, which goes on with it",
            row.run_id
        );
        if let Some(summary) = summary {
            diesel::update(target).set(run::summary.eq(summary)).execute(&mut self.conn)?;
        }
        let plan_hash: Option<String> = target.select(run::plan_hash).first(&mut self.conn)?;
        // The records of a run without a stored plan are meaningless.
        if plan_hash.is_none() { self.forget_records(row) } else { Ok(()) }
    }

    /// Deletes a run that found nothing to do and has written nothing.
    pub fn forget_run(&mut self, row: &RunRow) -> Result<()> {
        let forgotten = diesel::delete(
            run::of(&self.scope)
                .filter(run::run_id.eq(&row.run_id))
                .filter(run::epoch.eq(row.epoch))
                .filter(run::state.eq(RunState::Observing.code())),
        )
        .execute(&mut self.conn)?;
        if forgotten == 1 { self.forget_records(row) } else { Ok(()) }
    }

    /// Permits by rule, as counted by the run.
    pub fn run_outcomes(&mut self, id: &RunId) -> Result<BTreeMap<String, u64>> {
        let rows: Vec<(String, i64)> = run_outcome::of(&self.scope)
            .filter(run_outcome::run_id.eq(&id.0))
            .select((run_outcome::rule, run_outcome::permits))
            .load(&mut self.conn)?;
        Ok(rows.into_iter().map(|(rule, n)| (rule, n as u64)).collect())
    }
}

pub(super) fn taken_over(row: &RunRow) -> String {
    format!("run {} was taken over by another process: this one has written nothing", row.run_id)
}
