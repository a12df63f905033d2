//! What undoing does, by the kind of the act.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{HELD, RELEASED, Undoings, Undone, Why};
use crate::acts::{Closing, EmailChange, Hand, put_on_hold};
use crate::run::Convocation;
use convoke_domain::convocation::{LetterKind, LetterState, Remark, State};
use convoke_domain::eligibility::Rule;
use convoke_domain::ids::Reference;
use convoke_domain::requests::RequestState;
use convoke_letters::CancelledBy;
use convoke_store::{LetterRow, Store};
use convoke_writing::{Writer, write_anew};

pub(super) fn named(payload: &Value, name: &str) -> Result<Reference> {
    payload[name].as_str().and_then(Reference::parse).context("an entry without its reference")
}

/// The seat is given back to somebody whose appointment was cancelled, if nobody was told of that.
pub(super) fn cancelled(s: &mut Store, hand: &mut Hand<'_>, of: &Reference, result: &mut Undone) -> Result<()> {
    let from = Convocation::read(s, of)?.with_context(|| format!("{of} has disappeared"))?;
    let mend = || "the person is due again: the next night gives another appointment".to_owned();
    let told = |l: &LetterRow| l.kind == LetterKind::Cancellation && (l.state.may_have_left() || l.uncertain > 0);
    let why = if !from.state.frees_seat() || is_settled(s, &from)? {
        Some(Why::ChangedSince)
    } else if from.slot_id.day < hand.today() {
        Some(Why::Past)
    } else {
        s.letters_of(of.as_str())?.iter().any(told).then_some(Why::Told)
    };
    if let Some(why) = why {
        result.leave(of.as_str(), why, mend());
        return Ok(());
    }
    match from.give_back(s, hand.occasion(), Remark::Undone, hand.entropy)? {
        None => result.leave(of.as_str(), Why::SeatTaken, mend()),
        Some(made) => {
            restored(s, hand, &from, &made.reference, made.payload)?;
            result.undone.push(made.reference.to_string());
        }
    }
    Ok(())
}

/// Whether somebody needs no appointment again: another was given since, or the last night found that none is needed.
fn is_settled(s: &mut Store, from: &Convocation) -> Result<bool> {
    let over = [Rule::Deceased, Rule::Withdrawn, Rule::NotLatestPermit, Rule::RenewalFiled];
    Ok(from.person.permit.rule.is_some_and(|rule| over.contains(&rule))
        || s.is_convoked_since(&from.person.holder_id, from.reference.as_str())?)
}

/// Somebody who was moved gets the former seat back, if nobody was told of the new one.
pub(super) fn moved(s: &mut Store, hand: &mut Hand<'_>, to: &Reference, result: &mut Undone) -> Result<()> {
    let now = Convocation::read(s, to)?.with_context(|| format!("{to} has disappeared"))?;
    let before = s.moved_from(to.as_str())?.into_iter().next().map(|(before, _)| before);
    let before = before.context("a moved appointment names the one before")?;
    let seat = s.convocation(&before)?.context("the appointment before has disappeared")?.slot_id;
    let seats = s.slot(&seat)?.map_or(0, |slot| u64::from(slot.seats));
    let is_free = s.taken(seat.day)?.get(&seat).copied().unwrap_or(0) < seats;
    let why = if now.state != State::Convoked {
        Some(Why::ChangedSince)
    } else if seat.day < hand.today() {
        Some(Why::Past)
    } else if now.is_known(s)? {
        Some(Why::Told)
    } else {
        (!is_free).then_some(Why::SeatTaken)
    };
    if let Some(why) = why {
        result.leave(to.as_str(), why, format!("convoke convocation move {to} --to {seat} --reason TEXT"));
        return Ok(());
    }
    let made = now.put_elsewhere(s, hand.occasion(), &seat, CancelledBy::Office, hand.entropy)?;
    let made = made.context("a seat that was free a moment ago")?;
    restored(s, hand, &now, &made.reference, made.payload)?;
    result.undone.push(made.reference.to_string());
    Ok(())
}

/// The day is opened again, and everybody whom its closing moved or cancelled is looked at on their own.
pub(super) fn closing(
    s: &mut Store,
    hand: &mut Hand<'_>,
    (act, payload): (i64, &Value),
    result: &mut Undone,
) -> Result<()> {
    let day = payload["day"].as_str().and_then(|day| day.parse().ok()).context("a closed day")?;
    let site = payload["site"].as_str().context("a closed site")?;
    if let Some(later) = closed_again(s, act, payload)? {
        result.leave(&format!("{site} {day}"), Why::ChangedSince, format!("convoke undo {later} --reason TEXT, first"));
        return Ok(());
    }
    let closing = Closing { site: site.to_owned(), desk: payload["desk"].as_str().map(str::to_owned), day };
    s.reopen_day(&closing.site, closing.desk.as_deref().unwrap_or_default(), day)?;
    let people = payload["references"].as_array().map_or(&[][..], Vec::as_slice);
    for was in people.iter().filter_map(|r| Reference::parse(r.as_str()?)) {
        match s.successor(was.as_str())?.as_deref().and_then(Reference::parse) {
            Some(now) => moved(s, hand, &now, result)?,
            None => cancelled(s, hand, &was, result)?,
        }
    }
    Ok(())
}

/// The entry by which the same place was closed for the same day once more, if that stands.
fn closed_again(s: &mut Store, act: i64, payload: &Value) -> Result<Option<i64>> {
    let undone = Undoings::read(s)?;
    for entry in s.acts_before(i64::MAX, &["agenda.closed"], i64::MAX)?.into_iter().filter(|e| e.seq > act) {
        let later: Value = serde_json::from_str(&entry.payload)?;
        let is_same = ["site", "desk", "day"].into_iter().all(|name| later[name] == payload[name]);
        if is_same && !undone.contain(entry.seq, &later) {
            return Ok(Some(entry.seq));
        }
    }
    Ok(None)
}

/// A mark at the counter: the appointment is live again, on its own seat, under a new reference.
pub(super) fn marked(s: &mut Store, hand: &mut Hand<'_>, of: &Reference, result: &mut Undone) -> Result<()> {
    let from = Convocation::read(s, of)?.with_context(|| format!("{of} has disappeared"))?;
    if from.state == State::Cancelled {
        return cancelled(s, hand, of, result);
    }
    let is_marked = matches!(from.state, State::Honoured | State::Incomplete | State::Missed);
    if !is_marked || is_settled(s, &from)? {
        let mend = format!("convoke explain {of}: a mark that is wrong is set right with the next import of marks");
        result.leave(of.as_str(), Why::ChangedSince, mend);
        return Ok(());
    }
    let new = s.renew_convocation(of, hand.today(), hand.now())?;
    s.review_again(&from.person.permit_id)?;
    let commitment = from.person.commitment(s, hand.entropy)?;
    let payload = json!({"holder": commitment, "slot": from.slot_id});
    restored(s, hand, &from, &new, payload)?;
    result.undone.push(new.to_string());
    Ok(())
}

/// The former address, and the letters that had not left are written to it.
pub(super) fn email(s: &mut Store, hand: &Hand<'_>, (act, payload): (i64, &Value), result: &mut Undone) -> Result<()> {
    let mend = "convoke permit set-email NUMBER ADDRESS --reason TEXT";
    let Some((holder, change)) = s.remembered(act)? else {
        result.leave(&act.to_string(), Why::NotKept, mend.to_owned());
        return Ok(());
    };
    let change: EmailChange = serde_json::from_str(&change)?;
    if s.email_as_set(&holder)? != change.now {
        result.leave(&act.to_string(), Why::ChangedSince, mend.to_owned());
        return Ok(());
    }
    s.put_email_back(&holder, &change.was)?;
    result.undone.push(act.to_string());
    let letters = s.letters_to(&holder)?;
    let unsent = letters.iter().filter(|l| l.state.is_unsent()).cloned();
    // The former address is in use again: its last letter is none.
    let (farewells, unsent): (Vec<_>, Vec<_>) = unsent.partition(|l| payload["told"] == l.letter_id.as_str());
    for letter in &farewells {
        s.put_letter(letter, LetterState::Cancelled, Some(Remark::Undone), hand.now())?;
    }
    let writer = Writer::new(hand.config, hand.today(), hand.now())?;
    write_anew(s, &writer, unsent)?;
    let of_the_act = |l: &&LetterRow| {
        let id = Value::from(l.letter_id.as_str());
        payload["told"] == id || payload["letters"].as_array().is_some_and(|letters| letters.contains(&id))
    };
    for letter in letters.iter().filter(of_the_act).filter(|l| l.state.may_have_left() || l.uncertain > 0) {
        let mend = "its letter left when the address was set: tell the person".to_owned();
        result.leave(&letter.reference, Why::Told, mend);
    }
    Ok(())
}

/// The letters of a batch wait for the post again.
pub(super) fn posted(s: &mut Store, hand: &Hand<'_>, batch: &str, result: &mut Undone) -> Result<()> {
    for letter in s.posted_in(batch)? {
        s.put_letter(&letter, LetterState::ToPost, Some(Remark::Undone), hand.now())?;
        result.undone.push(letter.letter_id);
    }
    Ok(())
}

/// A letter that had not come back after all; if its convocation ended for that, it gets its seat back.
pub(super) fn returned(s: &mut Store, hand: &mut Hand<'_>, payload: &Value, result: &mut Undone) -> Result<()> {
    let letter = match payload["letter"].as_str() {
        Some(id) => s.letter(id)?,
        None => None,
    };
    if let Some(letter) = letter.filter(|l| l.state == LetterState::Returned) {
        s.put_letter(&letter, LetterState::Posted, Some(Remark::Undone), hand.now())?;
        result.undone.push(letter.letter_id);
    }
    if payload["undelivered"] == true { cancelled(s, hand, &named(payload, "reference")?, result) } else { Ok(()) }
}

pub(super) fn refused(s: &mut Store, payload: &Value, result: &mut Undone) -> Result<()> {
    let id = named(payload, "request")?;
    if s.open_request_again(id.as_str(), RequestState::Refused)? {
        result.undone.push(id.to_string());
    } else {
        result.leave(id.as_str(), Why::ChangedSince, "convoke requests list".to_owned());
    }
    Ok(())
}

pub(super) fn held(s: &mut Store, hand: &mut Hand<'_>, act: i64, hold: bool, result: &mut Undone) -> Result<()> {
    let mend = || format!("convoke permit {} NUMBER --reason TEXT", if hold { "hold" } else { "release" });
    let holder = match s.remembered(act)? {
        Some((id, _)) => s.holders(&[&id.0])?.remove(&id.0).map(|holder| (id, holder.number)),
        None => None,
    };
    let Some((id, number)) = holder else {
        result.leave(&act.to_string(), Why::NotKept, mend());
        return Ok(());
    };
    if s.is_changed_after(act, &id, &[HELD, RELEASED])? {
        result.leave(&act.to_string(), Why::ChangedSince, mend());
        return Ok(());
    }
    let commitment = s.commitments(&[(&id.0, &number)], hand.entropy)?.remove(0);
    put_on_hold(s, hand, (&id, commitment), hold)?;
    result.undone.push(act.to_string());
    Ok(())
}

/// Records that somebody's appointment is what it was.
fn restored(s: &mut Store, hand: &Hand<'_>, from: &Convocation, new: &Reference, mut payload: Value) -> Result<()> {
    payload["reference"] = new.as_str().into();
    payload["was"] = from.reference.as_str().into();
    hand.record(s, Some(&from.person.holder_id), "convocation.restored", payload)
}
