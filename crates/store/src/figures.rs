//! Counts for monitoring: never a name, an address or a foreigner number.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::{count_star, min, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::Store;
use super::scope::{delivery_attempt, holder, outbox, run};
use convoke_domain::run::RunState;

/// Letters that will be sent when they are due.
const WAITING: &str = "state IN ('queued', 'deferred', 'uncertain')";

/// Queue sizes and outcomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Letters by channel and state.
    pub letters: Vec<(String, String, u64)>,
    /// Attempts by outcome and class of reply (`2`, `4`, `5`; empty without a reply).
    pub attempts: Vec<(String, String, u64)>,
    /// Since when the oldest sendable letter has waited.
    pub oldest_waiting: Option<DateTime<Utc>>,
    /// The last completed run: when it ended, and its summary as `run --json` prints it.
    pub last_run: Option<(DateTime<Utc>, String)>,
}

impl Store {
    /// E-mail addresses, and telephone numbers, shared by at least `by` holders: for each, how many and how many
    /// holders.
    pub fn shared_addresses(&mut self, by: i64) -> Result<((u64, u64), (u64, u64))> {
        let emails: Vec<i64> = holder::of(&self.scope)
            .filter(holder::email.is_not_null())
            .group_by(holder::email)
            .having(count_star().ge(by))
            .select(count_star())
            .load(&mut self.conn)
            .context("counting shared addresses")?;
        let phones: Vec<i64> = holder::of(&self.scope)
            .filter(holder::phone.is_not_null())
            .group_by(holder::phone)
            .having(count_star().ge(by))
            .select(count_star())
            .load(&mut self.conn)
            .context("counting shared numbers")?;
        let shown = |shared: &[i64]| (shared.len() as u64, shared.iter().sum::<i64>() as u64);
        Ok((shown(&emails), shown(&phones)))
    }

    /// All the figures.
    pub fn figures(&mut self, now: DateTime<Utc>) -> Result<Figures> {
        let letters: Vec<(String, String, i64)> = outbox::of(&self.scope)
            .group_by((outbox::channel, outbox::state))
            .select((outbox::channel, outbox::state, count_star()))
            .load(&mut self.conn)
            .context("counting letters")?;
        let attempts: Vec<(Option<String>, Option<i64>, i64)> = delivery_attempt::of(&self.scope)
            .group_by((delivery_attempt::outcome, delivery_attempt::code))
            .select((delivery_attempt::outcome, delivery_attempt::code, count_star()))
            .load(&mut self.conn)
            .context("counting attempts")?;
        let last_run: Option<(Option<NaiveDateTime>, Option<String>)> = run::of(&self.scope)
            .filter(run::state.eq(RunState::Completed.code()).and(run::finished_at.le(now.naive_utc())))
            .order(run::finished_at.desc())
            .select((run::finished_at, run::summary))
            .first(&mut self.conn)
            .optional()
            .context("reading the last run")?;
        let class = |code: Option<i64>| code.map_or(String::new(), |c| (c / 100).to_string());
        let mut classes: BTreeMap<(String, String), u64> = BTreeMap::new();
        for (outcome, code, n) in attempts {
            *classes.entry((outcome.unwrap_or_default(), class(code))).or_default() += n as u64;
        }
        Ok(Figures {
            letters: letters.into_iter().map(|(channel, state, n)| (channel, state, n as u64)).collect(),
            attempts: classes.into_iter().map(|((outcome, class), n)| (outcome, class, n)).collect(),
            oldest_waiting: self.oldest_waiting(now)?,
            last_run: last_run.and_then(|(at, summary)| Some((at?.and_utc(), summary?))),
        })
    }

    /// Since when the oldest sendable letter has been waiting.
    pub fn oldest_waiting(&mut self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
        let oldest: Option<NaiveDateTime> = outbox::of(&self.scope)
            .filter(sql::<Bool>(WAITING))
            .filter(outbox::next_at.le(now.naive_utc()))
            .select(min(outbox::next_at))
            .first(&mut self.conn)
            .context("looking for the oldest letter")?;
        Ok(oldest.map(|at| at.and_utc()))
    }
}
