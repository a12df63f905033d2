//! What a night decided about appointments of earlier nights, recorded with its plan and carried out one by one, each in a
//! transaction of its own.

use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use serde_json::json;

use super::appointment::{Convocation, Occasion};
use super::correspondence::committed;
use super::follow::Following;
use super::{Summary, Tools};
use convoke_domain::convocation::{Remark, State};
use convoke_domain::eligibility::Rule;
use convoke_domain::follow::{Basis, Suite};
use convoke_domain::ids::{HolderId, PermitId, Reference, RunId};
use convoke_domain::ledger::Event;
use convoke_domain::run::RunState;
use convoke_letters::{Because, CancelledBy};
use convoke_machine::fault;
use convoke_settings::Configuration;
use convoke_store::{Followed, RunRow, Store};

/// Records what is done, and frees the seats that tonight's plan gives to others, in the transaction of the plan.
pub(super) fn record(s: &mut Store, row: &RunRow, actor: &str, following: &Following) -> Result<()> {
    let run = RunId(row.run_id.clone());
    let basis: Vec<(&str, Basis)> = following.basis.iter().map(|(reference, b)| (reference.as_str(), *b)).collect();
    s.keep_basis(&basis)?;
    let rows = following.rows(&run, row.business_date);
    let freed = rows.iter().filter(|r| matches!(r.consequence, Suite::Released | Suite::Told));
    let freed: Vec<String> = freed.map(|r| r.reference.clone()).collect();
    s.end_convocations(&freed, State::Cancelled)?;
    s.record_followed(&rows)?;
    let event = |r: &Followed| {
        let kind = match r.consequence {
            Suite::Released | Suite::Told => "convocation.released",
            Suite::Withheld => "convocation.withheld",
            Suite::Listed | Suite::Lapsed => "convocation.listed",
            // Their entries come with the appointment made.
            Suite::Moved | Suite::Restored => return None,
        };
        Some(Event { kind, payload: json!({"reference": r.reference, "cause": r.cause, "consequence": r.consequence}) })
    };
    s.record_in(&row.run_id, actor, &rows.iter().filter_map(event).collect::<Vec<_>>())
}

/// Carries out what a run has recorded and not yet done: letters of cancellation, moves, and what is given back. A
/// resumed run continues with the rest.
pub(super) fn write(
    store: &mut Store,
    config: &Configuration,
    row: &RunRow,
    actor: &str,
    mut summary: Summary,
    tools: &mut Tools<'_>,
) -> Result<Summary> {
    let run = RunId(row.run_id.clone());
    for pending in store.followed_of_run(&run, true)? {
        let now = tools.clock.now();
        let today = tools.clock.today(config.settings.prefecture.zone);
        let on = Occasion { config, now, today, hold: TimeDelta::zero() };
        fault::point("before-followed");
        let done = store.write(|s| {
            let became = carry_out(s, on, row, actor, &pending, tools)?;
            let mut counted = summary.clone();
            counted.followed.count(became);
            s.advance_run(row, committed(&counted), &serde_json::to_string(&counted)?, now)?;
            Ok(counted)
        });
        summary = match done {
            Ok(counted) => counted,
            // Her seat was taken meanwhile: she keeps what she has, and the next night looks again.
            // Nor does an error about one person hold up the night, unless the run is no longer ours.
            Err(error)
                if error.is::<SeatTaken>()
                    || store.run(&run)?.is_some_and(|r| r.epoch == row.epoch && r.state == RunState::Committing) =>
            {
                if !error.is::<SeatTaken>() {
                    tracing::error!(run.id = %run, reference = pending.reference, "An appointment could not be followed, and is listed: {error:#}");
                }
                let became = if pending.consequence == Suite::Moved { Suite::Lapsed } else { Suite::Listed };
                let mut counted = summary.clone();
                counted.followed.count(became);
                store.write(|s| {
                    s.settle_followed(&pending, became, None)?;
                    if let Some(row) = s.convocation(&pending.reference)? {
                        s.review_again(&PermitId(row.permit_id))?;
                    }
                    s.advance_run(row, committed(&counted), &serde_json::to_string(&counted)?, now)
                })?;
                counted
            }
            Err(error) => return Err(error),
        };
        fault::point("after-followed");
    }
    Ok(summary)
}

/// The seat that the plan gave was taken before it was reserved.
#[derive(Debug, thiserror::Error)]
#[error("the seat is taken")]
struct SeatTaken;

fn carry_out(
    s: &mut Store,
    on: Occasion<'_>,
    row: &RunRow,
    actor: &str,
    pending: &Followed,
    tools: &mut Tools<'_>,
) -> Result<Suite> {
    let reference = Reference::parse(&pending.reference).context("a reference in the database")?;
    let from = Convocation::read(s, &reference)?.with_context(|| format!("{reference} has disappeared"))?;
    let (became, made, kind) = match pending.consequence {
        Suite::Released => {
            let remark = pending.cause.parse().ok().and_then(Remark::of).unwrap_or(Remark::NoAppointment);
            from.take_letters_back(s, remark, on.now)?;
            s.settle_followed(pending, Suite::Released, None)?;
            return Ok(Suite::Released);
        }
        Suite::Told => {
            let because = because(&pending.cause);
            let letter = from.tell_the_end(s, on, CancelledBy::Office, Some(because))?;
            // Somebody who was told of nothing is told nothing.
            let became = if letter.is_some() { Suite::Told } else { Suite::Released };
            s.settle_followed(pending, became, None)?;
            if let Some(letter) = letter {
                let payload =
                    json!({"reference": pending.reference, "letter": letter.letter_id, "channel": letter.channel});
                s.record_in(&row.run_id, actor, &[Event { kind: "cancellation.written", payload }])?;
            }
            return Ok(became);
        }
        Suite::Moved => {
            let to = pending.slot_id.as_ref().context("a move has a slot")?;
            // An agent may have cancelled or moved it since the plan was made.
            let made = if from.state == State::Convoked {
                from.put_elsewhere(s, on, to, CancelledBy::Office, tools.entropy)?
            } else {
                None
            };
            (Suite::Moved, made, "convocation.moved")
        }
        _ => {
            let none = s.live_of(&HolderId(from.person.holder_id.0.clone()))?.is_none();
            let made = if none { from.give_back(s, on, Remark::NeedAgain, tools.entropy)? } else { None };
            (Suite::Restored, made, "convocation.restored")
        }
    };
    let made = made.ok_or(SeatTaken)?;
    ensure!(made.reference != reference, "an appointment cannot replace itself");
    s.settle_followed(pending, became, Some(made.reference.as_str()))?;
    let mut payload = made.payload;
    payload["cause"] = pending.cause.as_str().into();
    s.record_in(&row.run_id, actor, &[Event { kind, payload }])?;
    Ok(became)
}

/// What the letter of cancellation gives as its reason.
fn because(cause: &str) -> Because {
    match cause.parse() {
        Ok(Rule::RenewalFiled) => Because::Filed,
        Ok(Rule::NotLatestPermit) => Because::Renewed,
        _ => Because::Ended,
    }
}
