//! Gathers the report of a run from its records and the present state of its letters.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use chrono::NaiveDate;

use super::Summary;
use super::circumstances::circumstances;
use super::recorded::{RecordedPlan, read};
use convoke_domain::eligibility::Rule;
use convoke_domain::ids::RunId;
use convoke_domain::slot::PoolId;
use convoke_instance::weeks::monday;
use convoke_instance::{Figures, Plan, PlanningInput};
use convoke_report::{Circumstances, FollowedLine, LapseLine, LetterCount, Listed, Occupancy, PerhapsTwice, RunReport};
use convoke_settings::{ConfigError, Configuration};
use convoke_store::{RunRow, Store};

/// Most permits listed for one rule; the count covers all of them.
const LISTED_MAX: i64 = 5_000;

/// The report of a run that has stored its plan.
pub fn report(store: &mut Store, config: &Configuration, id: &RunId) -> Result<RunReport> {
    store.read(|s| gather(s, config, id))
}

pub(super) fn gather(store: &mut Store, config: &Configuration, id: &RunId) -> Result<RunReport> {
    let row =
        store.run(id)?.ok_or_else(|| ConfigError(format!("there is no run {id}; `convoke runs list` shows them")))?;
    let Some(outlined) = outline(store, config, &row)? else {
        bail!(ConfigError(format!(
            "run {id} ({}) stored no plan: {}",
            row.state,
            row.failure.as_deref().unwrap_or("it wrote nothing")
        )));
    };
    let input: PlanningInput = read(store, id, "input")?;
    let RecordedPlan { plan, .. } = read(store, id, "plan")?;
    let outcomes = store.run_outcomes(id)?;
    Ok(RunReport {
        circumstances: circumstances(store, &row, &outcomes, &input, &plan)?,
        occupancy: occupancy(store, &input, &plan)?,
        lapses: lapses(&input, &plan),
        listed: listed(store)?,
        ..outlined
    })
}

/// The counts of a run and the present state of its letters, without its plan: seats, people and circumstances are left
/// out. Quick enough for a web page. `None` for a run that stored no plan.
pub fn outline(store: &mut Store, config: &Configuration, row: &RunRow) -> Result<Option<RunReport>> {
    let Some(summary) = &row.summary else { return Ok(None) };
    let summary: Summary = serde_json::from_str(summary).context("the summary of a run")?;
    let id = RunId(row.run_id.clone());
    let letters = store
        .letters_of_run(&row.run_id)?
        .into_iter()
        .map(|((channel, state), letters)| LetterCount {
            channel: channel.to_string(),
            state: state.to_string(),
            letters,
        })
        .collect();
    let head = store.ledger_head()?;
    let outcomes = store.run_outcomes(&id)?;
    Ok(Some(RunReport {
        schema: "convoke.report/1".into(),
        run: row.run_id.clone(),
        prefecture: store.prefecture().to_owned(),
        prefecture_name: config.settings.prefecture.name.clone(),
        business_date: row.business_date,
        generation: row.generation,
        trigger: row.trigger,
        actor: row.actor.clone(),
        reason: row.reason.clone(),
        state: row.state,
        failure: row.failure.clone(),
        started_at: row.started_at.and_utc(),
        finished_at: row.finished_at.map(|at| at.and_utc()),
        scanned: summary.scanned,
        outcomes: RunReport::outcomes_of(&outcomes),
        circumstances: Circumstances::default(),
        figures: Figures {
            firm: summary.firm as usize,
            planned: summary.planned as usize,
            no_possible_day: summary.lapses.no_possible_day as usize,
            no_capacity: summary.lapses.no_capacity as usize,
            late_firm: summary.late_firm as usize,
            late_planned: summary.late_planned as usize,
            without_seat: summary.without_seat as usize,
            past_six_months: summary.past_six_months as usize,
        },
        displaced: summary.displaced,
        followed: store
            .followed_of_run(&id, false)?
            .into_iter()
            .map(|row| FollowedLine { reference: row.reference, consequence: row.consequence, cause: row.cause })
            .collect(),
        letters,
        letters_perhaps_twice: store
            .uncertain_letters_of_run(&row.run_id)?
            .into_iter()
            .map(|(reference, kind, state, n)| PerhapsTwice {
                reference,
                kind: kind.to_string(),
                state: state.to_string(),
                uncertain: n as u64,
            })
            .collect(),
        occupancy: Vec::new(),
        lapses: Vec::new(),
        listed: Vec::new(),
        warnings: summary.warnings,
        input_hash: summary.input_hash,
        policy_hash: summary.policy_hash,
        plan_hash: summary.plan_hash,
        certificate: summary.certificate,
        ledger_size: head.size,
        ledger_root: head.root,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }))
}

fn lapses(input: &PlanningInput, plan: &Plan) -> Vec<LapseLine> {
    let seats: BTreeMap<usize, _> = plan.appointments.iter().map(|a| (a.candidate, a)).collect();
    let line = |lapse: &convoke_instance::Lapse| {
        let candidate = &input.candidates[lapse.candidate];
        LapseLine {
            permit: candidate.id.to_string(),
            kind: candidate.category.code().to_owned(),
            expires_on: input.date(candidate.deadline),
            cause: lapse.cause,
            seat: seats.get(&lapse.candidate).map(|a| {
                let slot = input.slot(a.pool, a.day, a.start);
                (slot.pool.site, slot.pool.desk, slot.day, slot.start)
            }),
        }
    };
    let mut lines: Vec<LapseLine> = plan.lapses.iter().map(line).collect();
    lines.sort_by(|a, b| (a.expires_on, &a.permit).cmp(&(b.expires_on, &b.permit)));
    lines
}

fn occupancy(store: &mut Store, input: &PlanningInput, plan: &Plan) -> Result<Vec<Occupancy>> {
    let mut weeks: BTreeMap<(PoolId, NaiveDate), (u64, u64, u64)> = BTreeMap::new();
    let taken = store.taken(input.business_date)?;
    for slot in store.slots(input.business_date, convoke_domain::eligibility::NEVER)? {
        let week = weeks.entry((slot.id.pool.clone(), monday(slot.id.day))).or_default();
        week.0 += u64::from(slot.seats);
        week.1 += taken.get(&slot.id).copied().unwrap_or(0);
    }
    for a in plan.appointments.iter().filter(|a| !a.firm) {
        weeks.entry((input.pools[a.pool as usize].clone(), monday(input.date(a.day)))).or_default().2 += 1;
    }
    let line = |((pool, week), (seats, reserved, planned)): ((PoolId, NaiveDate), (u64, u64, u64))| Occupancy {
        site: pool.site,
        desk: pool.desk,
        week,
        seats,
        reserved,
        planned,
    };
    Ok(weeks.into_iter().map(line).collect())
}

fn listed(store: &mut Store) -> Result<Vec<Listed>> {
    let mut listed = Vec::new();
    for rule in [Rule::UnknownTitle, Rule::NoDesk, Rule::NoJurisdiction, Rule::AwaitingMark, Rule::Expired] {
        for (permit, commune, expires_on) in store.permits_under(rule, LISTED_MAX)? {
            let detail = match rule {
                Rule::NoJurisdiction => format!("commune {commune}"),
                _ => format!("expire le {}", expires_on.format("%d/%m/%Y")),
            };
            listed.push(Listed { rule, permit, detail });
        }
    }
    Ok(listed)
}
