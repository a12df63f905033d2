//! Gathers the circumstances of a night.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Summary;
use super::recorded::read;
use convoke_domain::eligibility::Rule;
use convoke_domain::ids::RunId;
use convoke_domain::policy::Policy;
use convoke_instance::{LapseCause, Plan, PlanningInput};
use convoke_planning as planning;
use convoke_planning::explain::explain;
use convoke_report::{Anomaly, Circumstances, Intervention, Margin, NightFigures, Reply, Shortage};
use convoke_store::{RunRow, Store};

/// From this many holders who share an address or a number on, somebody should look: a family is smaller, a broker is
/// not.
const SHARED_BY: i64 = 6;
/// Nights to compare with.
const NIGHTS: i64 = 8;
/// From this share of held permits on, in thousandths of all permits, somebody should look.
const HELD_PER_MILLE: u64 = 10;

pub(super) fn circumstances(
    store: &mut Store,
    row: &RunRow,
    outcomes: &BTreeMap<String, u64>,
    input: &PlanningInput,
    plan: &Plan,
) -> Result<Circumstances> {
    let id = RunId(row.run_id.clone());
    let policy: Policy = read(store, &id, "policy")?;
    let (shortages, avoidable) = shortages(input, plan)?;
    let replies = store.replies_of_run(&row.run_id)?;
    Ok(Circumstances {
        margins: margins(input, plan),
        shortages,
        avoidable,
        replies: replies
            .into_iter()
            .map(|(state, code, letters)| Reply { state: state.to_string(), code, letters })
            .collect(),
        interventions: interventions(store, &id)?,
        anomalies: anomalies(store, outcomes)?,
        nights: nights(store, row)?,
        ..Circumstances::of_policy(&policy, row.business_date)
    })
}

/// Appointments by the number of weeks before expiry.
fn margins(input: &PlanningInput, plan: &Plan) -> Vec<Margin> {
    let mut weeks: BTreeMap<i64, u64> = BTreeMap::new();
    for a in &plan.appointments {
        let days = i64::from(input.candidates[a.candidate].deadline - a.day);
        // Values beyond either end are counted together: the chart shows the weeks that matter.
        *weeks.entry((days.div_euclid(7) * 7).clamp(Margin::LAST, Margin::FIRST)).or_default() += 1;
    }
    weeks.into_iter().rev().map(|(days, appointments)| Margin { days, appointments }).collect()
}

/// Where seats were missing. This plans the night again, so it is done only if somebody got none.
fn shortages(input: &PlanningInput, plan: &Plan) -> Result<(Vec<Shortage>, u64)> {
    if plan.lapses.iter().all(|lapse| lapse.cause != LapseCause::NoCapacity) {
        return Ok((Vec::new(), 0));
    }
    let (_, proof) = planning::plan(input).context("planning again")?;
    let more = explain(&proof, convoke_report::bundle::OVERTIME).augmentation;
    let seats =
        more.seats.into_iter().map(|s| Shortage { site: s.site, desk: s.desk, week: s.week, seats: s.capacity });
    Ok((seats.collect(), more.avoided_lapses))
}

/// What people did since the previous run, from the ledger.
fn interventions(store: &mut Store, id: &RunId) -> Result<Vec<Intervention>> {
    let Some((before, until)) = store.ledger_span(id)? else { return Ok(Vec::new()) };
    acts(store, before, until)
}

/// What people did in a range of the ledger, grouped by kind.
pub(super) fn acts(store: &mut Store, before: i64, until: i64) -> Result<Vec<Intervention>> {
    let mut found: Vec<Intervention> = Vec::new();
    for entry in store.ledger_between(before, until)? {
        if entry.run_id.is_some() {
            continue;
        }
        let payload: Value = serde_json::from_str(&entry.payload).unwrap_or(Value::Null);
        let reason = payload["reason"].as_str().map(str::to_owned);
        let known = found.iter_mut().find(|i| (&i.actor, &i.kind, &i.reason) == (&entry.actor, &entry.kind, &reason));
        if let Some(known) = known {
            known.times += 1;
        } else {
            let (actor, kind) = (entry.actor, entry.kind);
            let at = payload["at"].as_str().and_then(|at| at.parse().ok());
            found.push(Intervention { entry: entry.seq, at, actor, kind, reason, times: 1 });
        }
    }
    Ok(found)
}

fn anomalies(store: &mut Store, outcomes: &BTreeMap<String, u64>) -> Result<Vec<Anomaly>> {
    let mut found = Vec::new();
    let mut say = |kind: &str, count, concerned| {
        if count > 0 {
            found.push(Anomaly { kind: kind.to_owned(), count, concerned });
        }
    };
    let (emails, phones) = store.shared_addresses(SHARED_BY)?;
    say("shared-email", emails.0, emails.1);
    say("shared-phone", phones.0, phones.1);
    let of = |rule: Rule| outcomes.get(rule.code()).copied().unwrap_or(0);
    let outside = of(Rule::NoJurisdiction);
    say("no-jurisdiction", outside, outside);
    let (held, all) = (of(Rule::Held), outcomes.values().sum::<u64>());
    if held * 1_000 > all * HELD_PER_MILLE {
        say("held", held, held);
    }
    Ok(found)
}

fn nights(store: &mut Store, row: &RunRow) -> Result<Vec<NightFigures>> {
    let rows = store.completed_runs_until(row, NIGHTS)?;
    let of = |row: RunRow| {
        let summary: Summary = serde_json::from_str(row.summary.as_deref()?).ok()?;
        let lapses = summary.lapses.no_possible_day + summary.lapses.no_capacity;
        Some(NightFigures {
            run: row.run_id,
            business_date: row.business_date,
            scanned: summary.scanned,
            due: summary.outcomes.get(Rule::Due.code()).copied().unwrap_or(0),
            firm: summary.firm + summary.late_firm,
            lapses,
            letters: summary.letters.queued + summary.letters.to_post,
        })
    };
    Ok(rows.into_iter().rev().filter_map(of).collect())
}
