//! The night's letters that give no new appointment: reminders, and notices to people who are not convoked.
//!
//! Stored data decides who is owed one, and each letter is stored under a unique key: an interrupted night writes the
//! rest when it is resumed, and nobody is written to twice.

use std::collections::HashSet;

use anyhow::{Context, Result};
use chrono::{Days, Months, NaiveDate};
use serde_json::json;

use super::appointment::Convocation;
use super::recorded::{RecordedPlan, read};
use super::{Summary, Tools};
use convoke_domain::convocation::{LetterKind, LetterState};
use convoke_domain::eligibility::Rule;
use convoke_domain::ids::{Reference, RunId};
use convoke_domain::ledger::Event;
use convoke_domain::permit::Channel;
use convoke_domain::run::Stage;
use convoke_instance::{Pass, PlanningInput};
use convoke_letters::{LetterData, Matter, competent_prefecture};
use convoke_settings::Configuration;
use convoke_store::{LetterRow, NewLetter, NewNotice, RunRow, Store, Unnoticed};
use convoke_writing::{Writer, recipient, write_anew};

/// Letters per transaction.
const CHUNK: usize = 250;
/// A reminder fewer days than this after the letter that it repeats would only be noise.
const REMINDER_REST_DAYS: i64 = 3;
/// Somebody whose permit has already expired is asked to act within this many days.
const TRANSFER_LATE_DAYS: u64 = 15;

/// A notice to be written, and its content.
struct Owed {
    to: Unnoticed,
    letter: LetterKind,
    matter: Matter,
}

pub(super) fn write(
    store: &mut Store,
    config: &Configuration,
    row: &RunRow,
    actor: &str,
    mut summary: Summary,
    tools: &mut Tools<'_>,
) -> Result<Summary> {
    summary = upkeep(store, config, row, actor, summary, tools)?;
    let mut owed = notices(store, config, row)?;
    let at_once = config.settings.policy.max_firm_per_run as usize;
    let left = owed.len().saturating_sub(at_once);
    owed.truncate(at_once);
    if left > 0 && summary.letters.notices_left == 0 {
        tracing::warn!(run.id = %row.run_id, left, "{left} notices are left for the following nights: max_firm_per_run");
        let (s, rest) = if left == 1 { ("", "reste") } else { ("s", "restent") };
        summary.warnings.push(format!(
            "{left} lettre{s} sans rendez-vous (dépôt en ligne, transfert, information) {rest} à écrire les nuits suivantes\u{a0}: la \
             limite `max_firm_per_run` ({at_once}) est atteinte."
        ));
    }
    summary.letters.notices_left = left as u64;
    for chunk in owed.chunks(CHUNK) {
        (tools.progress)(Stage::Writing, 0, owed.len() as u64);
        let counted = summary.clone();
        summary = store.write(|s| write_notices(s, config, row, actor, chunk, counted, tools))?;
    }
    let reminders = reminders(store, config, row, tools)?;
    for chunk in reminders.chunks(CHUNK) {
        (tools.progress)(Stage::Writing, 0, reminders.len() as u64);
        let mut counted = summary.clone();
        counted.letters.reminders += chunk.len() as u64;
        store.write(|s| {
            s.enqueue(chunk)?;
            let events: Vec<Event> = chunk
                .iter()
                .map(|l| Event {
                    kind: "reminder.written",
                    payload: json!({"reference": l.reference, "occasion": l.occasion, "letter": l.letter_id}),
                })
                .collect();
            s.record_in(&row.run_id, actor, &events)?;
            s.advance_run(row, committed(&counted), &serde_json::to_string(&counted)?, tools.clock.now())
        })?;
        summary = counted;
    }
    Ok(summary)
}

/// Letters that have not left are made from tonight's facts, and whoever has an appointment and no letter about it gets
/// one: a fact that kept it back was taken back since.
fn upkeep(
    store: &mut Store,
    config: &Configuration,
    row: &RunRow,
    actor: &str,
    mut summary: Summary,
    tools: &mut Tools<'_>,
) -> Result<Summary> {
    let now = tools.clock.now();
    let writer = Writer::new(config, row.business_date, now)?;
    // What a letter becomes in one state may be read again in the next: it is true by then.
    for state in [LetterState::WAITING.as_slice(), &[LetterState::ToPost]].concat() {
        let mut last = Some(String::new());
        while let Some(after) = last.take() {
            let mut counted = summary.clone();
            (counted, last) = store.write(|s| {
            let unsent = s.letters_in(state, &after, CHUNK as i64)?;
            let next = unsent.last().map(|letter| letter.letter_id.clone());
            let anew: Vec<_> = write_anew(s, &writer, unsent)?.into_iter().filter(|anew| anew.is_changed).collect();
            if anew.is_empty() {
                return Ok((counted.clone(), next));
            }
            let mut counted = counted.clone();
            counted.followed.replaced += anew.len() as u64;
            let event = |letter: &LetterRow| Event {
                kind: "letter.replaced",
                payload: json!({"reference": letter.reference, "letter": letter.letter_id, "channel": letter.channel}),
            };
            s.record_in(&row.run_id, actor, &anew.iter().map(|anew| event(&anew.letter)).collect::<Vec<_>>())?;
            s.advance_run(row, committed(&counted), &serde_json::to_string(&counted)?, now)?;
            Ok((counted, next))
        })?;
            summary = counted;
        }
    }
    let today = tools.clock.today(config.settings.prefecture.zone);
    for reference in store.unannounced_after(today)? {
        let counted = summary.clone();
        summary = store.write(|s| {
            let mut counted = counted.clone();
            let reference = Reference::parse(&reference).context("a reference in the database")?;
            let found = Convocation::read(s, &reference)?.context("a live appointment has disappeared")?;
            let letter = found.announce_again(s, &writer)?;
            counted.followed.replaced += 1;
            let payload =
                json!({"reference": reference.as_str(), "letter": letter.letter_id, "channel": letter.channel});
            s.record_in(&row.run_id, actor, &[Event { kind: "letter.replaced", payload }])?;
            s.advance_run(row, committed(&counted), &serde_json::to_string(&counted)?, now)?;
            Ok(counted)
        })?;
    }
    Ok(summary)
}

/// Committed appointments, as the run's row counts them.
pub(super) fn committed(summary: &Summary) -> i64 {
    (summary.firm + summary.late_firm + summary.displaced) as i64
}

/// Who is owed a notice, soonest expiry first. A night writes at most `max_firm_per_run`, because a misread date column
/// must not write to a whole department at once; the others are counted, and follow on later nights.
fn notices(store: &mut Store, config: &Configuration, row: &RunRow) -> Result<Vec<Owed>> {
    let (policy, letters, tonight) = (&config.settings.policy, &config.settings.letters, row.business_date);
    let late = tonight.checked_sub_months(Months::new(policy.late_months)).unwrap_or(tonight);
    let window = |u: &Unnoticed| policy.window(u.kind, &u.mention, u.expires_on, tonight);
    let mut owed = Vec::new();
    for to in store.unnoticed(LetterKind::OnlineFiling, Rule::DueOnline, late)? {
        let Some(window) = window(&to).filter(|w| w.opens <= tonight) else { continue };
        let matter = Matter::OnlineFiling {
            service: letters.online_service.clone(),
            opens_on: window.opens,
            last_day: window.preferred_end,
            late_fee_eur: policy.late_fee_eur,
            help: letters.online_help.clone(),
        };
        owed.push(Owed { to, letter: LetterKind::OnlineFiling, matter });
    }
    for to in store.unnoticed(LetterKind::Transfer, Rule::NoJurisdiction, late)? {
        // A commune outside every department is an error in the extract: it is listed, and no transfer notice is
        // written.
        let Some(competent) = competent_prefecture(&to.commune) else { continue };
        let soon = tonight.checked_add_days(Days::new(TRANSFER_LATE_DAYS)).unwrap_or(tonight);
        let in_three_months = tonight.checked_add_months(Months::new(3)).unwrap_or(tonight);
        let act_by = if to.expires_on < tonight { soon } else { to.expires_on.min(in_three_months) };
        let matter = Matter::Transfer { competent, directory: letters.directory.clone(), act_by };
        owed.push(Owed { to, letter: LetterKind::Transfer, matter });
    }
    if policy.heads_up {
        let planned = planned_in_time(store, row)?;
        for to in store.unnoticed(LetterKind::HeadsUp, Rule::Due, tonight)? {
            let opened = window(&to).is_some_and(|w| w.opens <= tonight);
            if opened && planned.contains(&to.permit_id.0) {
                let matter = Matter::HeadsUp { convoked_before: to.expires_on };
                owed.push(Owed { to, letter: LetterKind::HeadsUp, matter });
            }
        }
    }
    owed.sort_by(|a, b| (a.to.expires_on, &a.to.permit_id).cmp(&(b.to.expires_on, &b.to.permit_id)));
    Ok(owed)
}

/// Permits to which the run's plan gives a day before expiry that is not yet firm: nothing can be promised to the
/// others.
fn planned_in_time(store: &mut Store, row: &RunRow) -> Result<HashSet<String>> {
    let id = RunId(row.run_id.clone());
    let input: PlanningInput = read(store, &id, "input")?;
    let RecordedPlan { plan, .. } = read(store, &id, "plan")?;
    // People convoked tonight get a letter that says more.
    let in_time = plan.appointments.iter().filter(|a| a.pass != Pass::AfterExpiry && !a.firm);
    Ok(in_time.map(|a| input.candidates[a.candidate].id.0.clone()).collect())
}

fn write_notices(
    store: &mut Store,
    config: &Configuration,
    row: &RunRow,
    actor: &str,
    chunk: &[Owed],
    mut summary: Summary,
    tools: &mut Tools<'_>,
) -> Result<Summary> {
    let now = tools.clock.now();
    let writer = Writer::new(config, row.business_date, now)?;
    let holders = store.holders(&chunk.iter().map(|o| o.to.holder_id.0.as_str()).collect::<Vec<_>>())?;
    // Holders erased meanwhile are skipped.
    let chunk: Vec<&Owed> = chunk.iter().filter(|o| holders.contains_key(&o.to.holder_id.0)).collect();
    let new: Vec<NewNotice> = chunk
        .iter()
        .map(|o| NewNotice { letter: o.letter, permit_id: o.to.permit_id.clone(), holder_id: o.to.holder_id.clone() })
        .collect();
    let references = store.number_notices(&new, &RunId(row.run_id.clone()), row.business_date, now)?;
    let people: Vec<(&str, &str)> =
        chunk.iter().map(|o| (o.to.holder_id.0.as_str(), holders[&o.to.holder_id.0].number.as_str())).collect();
    let commitments = store.commitments(&people, tools.entropy)?;
    let (mut letters, mut events) = (Vec::new(), Vec::new());
    for ((owed, reference), commitment) in chunk.iter().zip(references).zip(commitments) {
        let holder = &holders[&owed.to.holder_id.0];
        let data = writer.data(&reference, holder, (owed.to.kind, owed.to.expires_on), owed.matter.clone());
        let letter = writer.row(&data, holder.effective_channel(), "")?;
        events.push(Event {
            kind: "notice.written",
            payload: json!({"reference": reference.as_str(), "holder": commitment, "permit": owed.to.permit_id,
                "letter": letter.letter_id, "kind": owed.letter, "channel": letter.channel, "expires_on": owed.to.expires_on}),
        });
        *summary.letters.notices.entry(owed.letter.code().to_owned()).or_default() += 1;
        letters.push(letter);
    }
    store.enqueue(&letters)?;
    store.record_in(&row.run_id, actor, &events)?;
    store.advance_run(row, committed(&summary), &serde_json::to_string(&summary)?, now)?;
    Ok(summary)
}

/// Tonight's reminders: for each coming appointment, the one that is due. Missed nights are made up for, and reminders
/// that fall on the same night become one.
fn reminders(store: &mut Store, config: &Configuration, row: &RunRow, tools: &mut Tools<'_>) -> Result<Vec<NewLetter>> {
    let tonight = row.business_date;
    let days = &config.settings.policy.reminder_days;
    let Some(first) = days.iter().max() else { return Ok(Vec::new()) };
    let until = tonight.checked_add_days(Days::new(u64::from(*first))).context("a date after which none comes")?;
    let writer = Writer::new(config, tonight, tools.clock.now())?;
    let near = store.to_be_reminded(tonight.succ_opt().context("a date")?, until)?;
    let holders = store.holders(&near.iter().map(|(_, holder, _)| holder.as_str()).collect::<Vec<_>>())?;
    let mut letters = Vec::new();
    for (announced, holder, written) in near {
        // The holder may since have lost the address, or want letters on paper: a reminder is not worth a stamp.
        let Some(holder) = holders.get(&holder).filter(|h| h.effective_channel() == Channel::Email) else { continue };
        let data: LetterData = serde_json::from_str(&announced.data).context("the data of a letter that was sent")?;
        let Some(convoked) = data.matter.convoked() else { continue };
        let Some(before) = occasion(days, tonight, convoked.appointment.day) else { continue };
        let occasion = format!("J-{before}");
        if written.contains(&occasion) || (tonight - data.business_date).num_days() < REMINDER_REST_DAYS {
            continue;
        }
        let reminder = LetterData {
            issued_at: writer.now,
            business_date: tonight,
            matter: Matter::Reminder(convoked.clone()),
            recipient: recipient(holder),
            ..data
        };
        letters.push(writer.row(&reminder, Channel::Email, &occasion)?);
    }
    Ok(letters)
}

/// The reminder that is due for an appointment: of those whose day has come, the latest.
fn occasion(days: &[u32], tonight: NaiveDate, appointment: NaiveDate) -> Option<u32> {
    let left = (appointment - tonight).num_days();
    days.iter().copied().filter(|before| left <= i64::from(*before)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_night_is_made_up_for_and_two_reminders_never_come_together() {
        let day = |d| NaiveDate::from_ymd_opt(2026, 11, d).unwrap();
        let due: Vec<_> = (10..20).map(|tonight| occasion(&[7, 2], day(tonight), day(20))).collect();
        let none = [None; 3];
        let weekly = [Some(7); 5];
        let last = [Some(2); 2];
        assert_eq!(due, [none.as_slice(), &weekly, &last].concat());
        assert_eq!(occasion(&[], day(19), day(20)), None);
    }
}
