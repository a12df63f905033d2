//! Explains how one date was computed, from the records of its night.

use anyhow::{Context, Result, bail};

use super::Summary;
use super::recorded::{RecordedPlan, read};
use convoke_domain::convocation::Origin;
use convoke_domain::ids::{Reference, RunId};
use convoke_domain::policy::Policy;
use convoke_instance::PlanningInput;
use convoke_letters::{Explanation, Place};
use convoke_settings::{ConfigError, Configuration};
use convoke_store::Store;

/// How the date of a convocation was computed.
pub fn explain(store: &mut Store, config: &Configuration, reference: &Reference) -> Result<Explanation> {
    let known = store.convocation(reference.as_str())?;
    let Some(convocation) = known else {
        bail!(ConfigError(format!("there is no convocation {reference}; `convoke outbox list` shows references")));
    };
    let Some(run_id) = convocation.run_id else {
        let elsewhere = convocation.origin == Origin::Elsewhere;
        bail!(ConfigError(if elsewhere {
            format!("convocation {reference} was made before this program, which did not compute its date")
        } else {
            format!(
                "the date of {reference} was chosen by an agent or for a written request, not computed: see `convoke permit timeline`"
            )
        }));
    };
    let id = RunId(run_id);
    let row = store.run(&id)?.with_context(|| format!("run {id} has disappeared"))?;
    let input: PlanningInput = read(store, &id, "input")?;
    let RecordedPlan { firm, plan } = read(store, &id, "plan")?;
    let policy: Policy = read(store, &id, "policy")?;
    let summary: Summary = serde_json::from_str(row.summary.as_deref().context("a run that convoked has a summary")?)?;
    let index = input.candidates.iter().position(|c| c.id.0 == convocation.permit_id);
    let candidate = &input.candidates[index.context("the person was not in the recorded input")?];
    let firm = firm.iter().find(|f| f.placement.permit_id.0 == convocation.permit_id);
    let firm = firm.context("the appointment was not in the recorded plan")?;
    let window = policy
        .window(firm.kind, &firm.mention, firm.expires_on, row.business_date)
        .context("no rule of the recorded ones gives a window")?;

    // The first possible day of this appointment: at short notice it is an earlier one.
    let first = if firm.short_notice { candidate.earliest } else { candidate.release };
    let given = input.day(firm.day);
    let last = if firm.day > firm.expires_on { given } else { candidate.deadline };
    let free = |pool: u32| {
        let possible = first..=last;
        let slots = input.slots.iter().filter(|s| s.pool == pool && possible.contains(&s.day));
        slots.map(|s| u64::from(s.free)).sum()
    };
    let places = candidate.pools.iter().map(|p| Place {
        name: input.pools[p.pool as usize].to_string(),
        rank: p.rank,
        free: free(p.pool),
    });
    let letters = store.letters_of(reference.as_str())?;
    let channel = letters.first().context("a convocation without a letter")?.channel;
    Ok(Explanation {
        reference: reference.to_string(),
        run: id.0.clone(),
        business_date: row.business_date,
        permit: firm.kind.label().to_owned(),
        expires_on: firm.expires_on,
        day: firm.day,
        start: firm.placement.slot_id.start,
        place: firm.placement.slot_id.pool.to_string(),
        pass: firm.placement.origin.to_string(),
        short_notice: firm.short_notice,
        late: firm.late,
        basis: window.basis.to_owned(),
        opens_on: window.opens,
        preferred_end: window.preferred_end,
        notice_days: policy.notice(channel),
        short_notice_days: policy.short_notice_days,
        release: input.date(first),
        weight: candidate.weight,
        lapse_late: candidate.lapse_late,
        places: places.collect(),
        household: candidate.household.is_some(),
        people: input.candidates.len(),
        seats: input.slots.iter().map(|s| u64::from(s.free)).sum(),
        lapses: plan.lapses.len(),
        certificate: summary.certificate,
        input_hash: row.input_hash.unwrap_or_default(),
        plan_hash: row.plan_hash.unwrap_or_default(),
        contact: config.office().rules_contact,
    })
}
