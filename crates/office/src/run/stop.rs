//! Stops a run through its fence: the process working on it finds that it no longer owns the run.

use anyhow::{Context, Result};
use serde_json::json;

use super::Summary;
use super::recorded::RecordedPlan;
use convoke_domain::ids::RunId;
use convoke_domain::ledger::Event;
use convoke_domain::run::RunState;
use convoke_machine::clock::Clock;
use convoke_machine::confirm::Confirmed;
use convoke_settings::ConfigError;
use convoke_store::{NightState, Store};

/// What a stopped run leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Appointments that it had made firm, including those of requests: they are kept.
    pub committed: i64,
    /// Appointments that it had not made: the next run plans these people again.
    pub left: i64,
}

/// Stops a run in progress, whichever process works on it: committed work is kept. `None` if it has ended.
pub fn stop(
    store: &mut Store,
    id: &RunId,
    (actor, reason): (&str, &str),
    clock: &Clock,
    _: &Confirmed,
) -> Result<Option<Stopped>> {
    store.write(|s| {
        let row =
            s.run(id)?.ok_or_else(|| ConfigError(format!("there is no run {id}; `convoke runs list` shows them")))?;
        if !row.state.is_active() {
            return Ok(None);
        }
        let firm = if row.state == RunState::Committing { RecordedPlan::firm_of(s, id)?.len() as i64 } else { 0 };
        let chosen = s.chosen_requests(id)?.len() as i64;
        let left = firm - row.committed + chosen;
        let placed = s.requests_placed_by(id)?;
        let summary = row.summary.as_deref().map(|text| {
            let mut summary: Summary = serde_json::from_str(text).context("the summary of a run")?;
            summary.state = RunState::Stopped;
            Ok::<_, anyhow::Error>(serde_json::to_string(&summary)?)
        });
        let shown = format!("stopped by {actor}: {reason}");
        s.reopen_requests(id)?;
        // No server starts it again: the night waits for a person.
        s.night_failed(row.business_date, NightState::Failed, &shown, clock.now())?;
        s.end_run(&row, RunState::Stopped, summary.transpose()?.as_deref(), Some(&shown), clock.now())?;
        let payload = json!({"run": row.run_id, "committed": row.committed + placed, "left": left, "reason": reason});
        s.record(actor, clock.now(), vec![Event { kind: "run.stopped", payload }])?;
        Ok(Some(Stopped { committed: row.committed + placed, left }))
    })
}
