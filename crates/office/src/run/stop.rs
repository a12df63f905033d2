//! A run is stopped by its fence: whoever works on it finds that it is not theirs any more.

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

/// What a run that was stopped leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Appointments that it had made firm, those of requests included: they stay.
    pub committed: i64,
    /// Appointments that it had not: the next run plans for these people anew.
    pub left: i64,
}

/// Stops a run that is in progress, whoever works on it: what is committed stays. `None` if it has ended.
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
        let told = format!("stopped by {actor}: {reason}");
        s.reopen_requests(id)?;
        // Nor does a server begin it anew: the night waits for a person.
        s.night_failed(row.business_date, NightState::Failed, &told, clock.now())?;
        s.end_run(&row, RunState::Stopped, summary.transpose()?.as_deref(), Some(&told), clock.now())?;
        let payload = json!({"run": row.run_id, "committed": row.committed + placed, "left": left, "reason": reason});
        s.record(actor, clock.now(), vec![Event { kind: "run.stopped", payload }])?;
        Ok(Some(Stopped { committed: row.committed + placed, left }))
    })
}
