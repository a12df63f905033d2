//! Writes what was decided: verdicts and plan together, then firm appointments in chunks, each with its seat, its
//! letter and its entry in the ledger.

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use serde_json::json;

use super::correspondence;
use super::observe::Seen;
use super::recorded::RecordedPlan;
use super::{Firm, Lapses, Letters, Requests, Summary, Tools, planned, requests, suites};
use convoke_domain::convocation::Origin;
use convoke_domain::convocation::{COPY, LetterState, State};
use convoke_domain::ids::RunId;
use convoke_domain::ledger::Event;
use convoke_domain::permit::Channel;
use convoke_domain::run::{RunState, Stage};
use convoke_domain::seal::Seal;
use convoke_letters::Matter;
use convoke_machine::fault;
use convoke_settings::Configuration;
use convoke_store::{Placement, Record, RunRow, Store, Stored};
use convoke_writing::{Writer, convoked};

/// Stores, in one transaction, everything about the run as a whole; large records that nobody reads before then are
/// written ahead of it. Returns `false` and stores nothing if the data has changed since it was seen: verdicts on old
/// data would hide the new.
pub(super) fn store_plan(
    store: &mut Store,
    config: &Configuration,
    row: &RunRow,
    seen: &Seen,
    tools: &mut Tools<'_>,
) -> Result<bool> {
    let run_id = RunId(row.run_id.clone());
    // Asked in a write transaction: a commit whose answer was lost may still be under way.
    let known = store.write(|s| s.run(&run_id))?;
    if known.is_some_and(|now| now.epoch == row.epoch && now.state == RunState::Committing) {
        // The plan was stored before the connection was lost.
        return Ok(true);
    }
    let policy_hash = config.settings.policy.hash();
    let input = Record::of("input", &seen.input.to_bytes())?;
    let plan = RecordedPlan::record(&seen.firm, &seen.plan)?;
    let policy = Record::of("policy", &serde_json::to_vec(&config.settings.policy)?)?;
    let (plan_sha256, records) = (plan.sha256.clone(), [input, plan, policy]);
    let planned = planned::blocks(&seen.input, &seen.plan)?;
    let mut summary = Summary {
        schema: "convoke.run/1".into(),
        run: row.run_id.clone(),
        prefecture: store.prefecture().to_owned(),
        business_date: row.business_date,
        generation: row.generation,
        state: RunState::Committing,
        scanned: seen.outcomes.values().sum(),
        outcomes: seen.outcomes.clone(),
        firm: 0,
        planned: seen.figures.planned as u64,
        lapses: Lapses {
            no_possible_day: seen.figures.no_possible_day as u64,
            no_capacity: seen.figures.no_capacity as u64,
        },
        late_firm: 0,
        late_planned: seen.figures.late_planned as u64,
        without_seat: seen.figures.without_seat as u64,
        past_six_months: seen.figures.past_six_months as u64,
        unknown_titles: seen.unknown_titles,
        displaced: 0,
        followed: seen.following.counts_with_plan(),
        requests: Requests::default(),
        letters: Letters::default(),
        input_hash: seen.input_hash.clone(),
        policy_hash: policy_hash.clone(),
        plan_hash: seen.plan_hash.clone(),
        certificate: seen.certificate.into(),
        warnings: seen.warnings.clone(),
    };
    let withheld = seen.following.counts().withheld;
    if withheld > 0 {
        tracing::error!(run.id = %run_id, withheld, "{withheld} releases of appointments are withheld, more than policy allows at once: is the extract right?");
        summary.warnings.push(format!(
            "{withheld} libérations de rendez-vous sont retenues, plus que la limite ([follow] de policy.toml)\u{a0}: l’extraction \
             est-elle juste\u{a0}? Les places restent prises et les lettres attendent. `convoke plan`, puis `convoke run --plan HASH`."
        ));
    }
    (tools.progress)(Stage::Storing, 0, seen.changes.len() as u64);
    fault::point("before-plan");
    store.keep_records(row, &records, &planned, tools.clock.now())?;
    fault::point("after-records");
    let stored = store.write(|s| {
        if s.data_version()? != seen.data_version {
            return Ok(false);
        }
        s.store_verdicts(&run_id, seen.dates.business, &seen.changes)?;
        s.set_assessed_with(&seen.rules_hash)?;
        s.end_convocations(&seen.unmarked, State::Missed)?;
        let missed = seen.unmarked.iter().map(|r| Event { kind: "convocation.missed", payload: json!({"reference": r, "cause": "unmarked"}) });
        let shown = Event {
            kind: "run.planned",
            payload: json!({
                "business_date": row.business_date, "generation": row.generation, "trigger": row.trigger, "reason": row.reason,
                "scanned": summary.scanned, "outcomes": summary.outcomes, "firm": seen.firm.len(), "requests": seen.granted.len(), "planned": summary.planned,
                "lapses": summary.lapses, "followed": summary.followed, "input": seen.input_hash, "policy": policy_hash, "plan": seen.plan_hash,
                "record": plan_sha256,
            }),
        };
        s.record_in(&row.run_id, &row.actor, &missed.chain([shown]).collect::<Vec<_>>())?;
        suites::record(s, row, &row.actor, &seen.following)?;
        for (request, slot) in &seen.granted {
            s.choose_request(request, &run_id, slot)?;
        }
        s.keep_templates(&config.templates()?.hash(), config.templates()?.sources(), tools.clock.now())?;
        s.store_plan(
            row,
            &Stored {
                hashes: [&seen.input_hash, &policy_hash, &seen.plan_hash, &seen.rest_hash],
                outcomes: &seen.outcomes,
                summary: &serde_json::to_string(&summary)?,
            },
        )?;
        Ok(true)
    })?;
    fault::point("after-plan");
    Ok(stored)
}

/// Commits the rest of a stored plan, and ends the run. Starts where the last committed chunk ended. A process that has
/// just planned passes `planned`, and need not read it again.
pub(super) fn commit_chunks(
    store: &mut Store,
    config: &Configuration,
    row: &RunRow,
    planned: Option<&[Firm]>,
    actor: &str,
    tools: &mut Tools<'_>,
) -> Result<Summary> {
    let id = RunId(row.run_id.clone());
    let now_stored = store.run(&id)?.with_context(|| format!("run {id} has disappeared"))?;
    ensure!(now_stored.epoch == row.epoch, "run {id} was taken over by another process, which continues it");
    let mut summary: Summary =
        serde_json::from_str(now_stored.summary.as_deref().context("a committing run has a summary")?)?;
    let read;
    let firm = if let Some(firm) = planned {
        firm
    } else {
        read = RecordedPlan::firm_of(store, &id)?;
        &read
    };
    let mut done = now_stored.committed as usize;
    // A kill loses at most the work of one chunk, and leaves none of it half done.
    let at_once = fault::at_once(store.appointments_at_once());
    while done < firm.len() {
        let chunk = &firm[done..firm.len().min(done + at_once)];
        (tools.progress)(Stage::Convoking, done as u64, firm.len() as u64);
        fault::point("before-chunk");
        let next = done + chunk.len();
        let counted = summary.clone();
        summary = store.write(|s| {
            let counted = commit_chunk(s, config, row, actor, chunk, counted, tools)?;
            s.advance_run(row, next as i64, &serde_json::to_string(&counted)?, tools.clock.now())?;
            fault::point("inside-chunk");
            Ok(counted)
        })?;
        fault::point("after-chunk");
        done = next;
    }
    summary = suites::write(store, config, row, actor, summary, tools)?;
    summary = requests::write(store, config, row, actor, summary, tools)?;
    summary = correspondence::write(store, config, row, actor, summary, tools)?;
    summary.state = RunState::Completed;
    store.write(|s| {
        let seal = seal_in_use(s, config, actor, tools.clock.now())?;
        let head = s.ledger_head()?;
        let completed = Event {
            kind: "run.completed",
            payload: json!({"firm": summary.firm, "late_firm": summary.late_firm, "letters": summary.letters, "displaced": summary.displaced,
                "checkpoint": {"size": head.size, "root": head.root}}),
        };
        s.record_in(&row.run_id, actor, &[completed])?;
        if let Some(seal) = &seal {
            s.seal_ledger(seal, &row.run_id, tools.clock.now(), &config.settings.audit.witnesses)?;
        }
        s.keep_planned_blocks_of(&id)?;
        s.end_run(row, RunState::Completed, Some(&serde_json::to_string(&summary)?), None, tools.clock.now())
    })?;
    store.refresh_statistics()?;
    tracing::info!(run.id = %id, firm = summary.firm, planned = summary.planned, late = summary.late_firm, "Completed run {id}");
    Ok(summary)
}

/// The signing key: the one that the ledger names. It may have been rotated since this process read its own.
fn seal_in_use(store: &mut Store, config: &Configuration, actor: &str, now: DateTime<Utc>) -> Result<Option<Seal>> {
    let Some(known) = store.key_in_use()? else {
        let seal = config.settings.audit.seals()?.into_iter().next();
        if let Some(seal) = &seal {
            store.introduce_key(seal, actor, None, now)?;
        }
        return Ok(seal);
    };
    let found = config.settings.audit.seals()?.into_iter().find(|seal| seal.public() == known);
    ensure!(
        found.is_some(),
        "nights are signed by the key {}, which is not the one in `[audit] key_file`: restore it, then run `convoke runs resume`",
        known.fingerprint()
    );
    Ok(found)
}

fn commit_chunk(
    store: &mut Store,
    config: &Configuration,
    row: &RunRow,
    actor: &str,
    chunk: &[Firm],
    mut summary: Summary,
    tools: &mut Tools<'_>,
) -> Result<Summary> {
    let now = tools.clock.now();
    let run_id = RunId(row.run_id.clone());
    let holder_ids: Vec<&str> = chunk.iter().map(|f| f.placement.holder_id.0.as_str()).collect();
    let holders = store.holders(&holder_ids)?;
    // Holders erased since planning are skipped.
    let chunk: Vec<&Firm> = chunk.iter().filter(|f| holders.contains_key(&f.placement.holder_id.0)).collect();
    summary.displaced += (holder_ids.len() - chunk.len()) as u64;
    let permit_ids: Vec<&str> = chunk.iter().map(|f| f.placement.permit_id.0.as_str()).collect();
    let before: HashSet<String> = store.convoked_before(&permit_ids)?.into_iter().collect();
    let writer = Writer::new(config, row.business_date, now)?;
    // Reserve before composing: a letter must never name a slot that another run can take.
    let placements: Vec<Placement> = chunk.iter().map(|f| f.placement.clone()).collect();
    let made = store.reserve(&placements, Some(&run_id), row.business_date, now)?;
    let mut placed = Vec::with_capacity(chunk.len());
    for (firm, made) in chunk.iter().zip(made) {
        let Some((reference, slot)) = made else {
            // A seat was taken away, or the person convoked elsewhere, since the plan was made: due again at once.
            tracing::warn!(run.id = %run_id, permit.id = %firm.placement.permit_id, slot.id = %firm.placement.slot_id, "A seat or a person was taken between plan and commit");
            summary.displaced += 1;
            if firm.placement.origin != Origin::AfterExpiry {
                summary.planned += 1;
            }
            continue;
        };
        placed.push((firm, reference, slot, &holders[&firm.placement.holder_id.0]));
    }
    let people: Vec<(&str, &str)> = placed
        .iter()
        .map(|(firm, _, _, holder)| (firm.placement.holder_id.0.as_str(), holder.number.as_str()))
        .collect();
    let commitments = store.commitments(&people, tools.entropy)?;
    let (mut letters, mut events) = (Vec::new(), Vec::new());
    for ((firm, reference, slot, holder), commitment) in placed.into_iter().zip(commitments) {
        let permit = (firm.kind, firm.mention.as_str(), firm.expires_on);
        let matter = Matter::Convocation(convoked(config, permit, &slot, firm.short_notice, firm.late)?);
        let data = writer.data(&reference, holder, (firm.kind, firm.expires_on), matter);
        let channel = holder.effective_channel();
        let letter = writer.row(&data, channel, "")?;
        events.push(Event {
            kind: "convocation.made",
            payload: json!({"reference": reference.as_str(), "holder": commitment, "permit": firm.placement.permit_id, "slot": slot.id,
                "pass": firm.placement.origin, "expires_on": firm.expires_on, "channel": letter.channel, "letter": letter.letter_id}),
        });
        let queued = letter.state == LetterState::Queued;
        *(if queued { &mut summary.letters.queued } else { &mut summary.letters.to_post }) += 1;
        let after_expiry = firm.placement.origin == Origin::AfterExpiry;
        *(if after_expiry { &mut summary.late_firm } else { &mut summary.firm }) += 1;
        letters.push(letter);
        // An e-mail that did not bring somebody the first time is not relied on alone.
        if channel == Channel::Email && before.contains(&firm.placement.permit_id.0) {
            letters.push(writer.row(&data, Channel::Post, COPY)?);
            summary.letters.also_post += 1;
        }
    }
    fault::point("after-reserve");
    store.enqueue(&letters)?;
    store.record_in(&row.run_id, actor, &events)?;
    Ok(summary)
}
