//! What the last plan has for one permit: stored in blocks next to the plan, because the plan of a large préfecture
//! takes longer to read than people at the counter can wait.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::recorded::{RecordedPlan, input_and_plan};
use convoke_domain::ids::RunId;
use convoke_instance::{Appointment, Plan, PlanningInput};
use convoke_report::timeline::Planned;
use convoke_store::Store;

/// Permits of a block: a few kilobytes, read in one piece.
const BLOCK: usize = 64;

/// What a plan has for everyone waiting, in blocks by permit, with the first permit of each block. There is always a
/// first block.
pub(super) fn blocks(input: &PlanningInput, plan: &Plan) -> Result<Vec<(String, String)>> {
    // In the order of candidates, which is that of permits.
    let mut all: BTreeMap<usize, Planned> = BTreeMap::new();
    for a in plan.appointments.iter().filter(|a| !a.firm) {
        all.insert(a.candidate, day(input, a));
    }
    // A lapse is shown as such, whatever the person gets after expiry.
    all.extend(plan.lapses.iter().map(|lapse| (lapse.candidate, Planned::Lapse(lapse.cause))));
    let all: Vec<(&str, Planned)> =
        all.into_iter().map(|(candidate, has)| (input.candidates[candidate].id.0.as_str(), has)).collect();
    let block = |entries: &[(&str, Planned)]| serde_json::to_string(entries).context("writing who has which day");
    let (first, others) = all.split_at(all.len().min(BLOCK));
    let mut blocks = vec![(String::new(), block(first)?)];
    for entries in others.chunks(BLOCK) {
        blocks.push((entries[0].0.to_owned(), block(entries)?));
    }
    Ok(blocks)
}

/// What the plan of the last completed run has for a permit.
pub(super) fn planned(store: &mut Store, permit_id: &str) -> Result<Planned> {
    let Some(run) = store.last_completed_run()? else { return Ok(Planned::NotYet) };
    let id = RunId(run);
    let Some(block) = store.planned_block(&id, permit_id)? else { return recorded(store, &id, permit_id) };
    let block: Vec<(String, Planned)> = serde_json::from_str(&block).context("a block of a plan")?;
    let found = block.into_iter().find(|(permit, _)| permit == permit_id);
    Ok(found.map_or(Planned::NotYet, |(_, has)| has))
}

/// The same for a run by an older version, which stored no blocks.
fn recorded(store: &mut Store, id: &RunId, permit_id: &str) -> Result<Planned> {
    let Some((input, RecordedPlan { plan, .. })) = input_and_plan(store, id)? else { return Ok(Planned::NotYet) };
    let Ok(candidate) = input.candidates.binary_search_by(|c| c.id.0.as_str().cmp(permit_id)) else {
        return Ok(Planned::NotYet);
    };
    if let Some(lapse) = plan.lapses.iter().find(|l| l.candidate == candidate) {
        return Ok(Planned::Lapse(lapse.cause));
    }
    let appointment = plan.appointments.iter().find(|a| a.candidate == candidate && !a.firm);
    Ok(appointment.map_or(Planned::NotYet, |a| day(&input, a)))
}

fn day(input: &PlanningInput, a: &Appointment) -> Planned {
    let slot = input.slot(a.pool, a.day, a.start);
    Planned::Day { day: slot.day, start: slot.start, place: slot.pool.to_string() }
}
