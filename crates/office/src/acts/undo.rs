//! Undoing what was done by hand, for each person on their own: those who have not been told of it are restored; those who
//! have are left, each with the act that mends it. What has ended stays ended: a new row names it.
//!
//! Never undone: erasures, purges, keys, runs.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::permit::put_on_hold;
use super::{Closing, Hand, Refused};
use crate::run::Convocation;
use convoke_domain::code::coded;
use convoke_domain::convocation::{LetterKind, LetterState, Remark, State};
use convoke_domain::ids::Reference;
use convoke_domain::requests::RequestState;
use convoke_letters::CancelledBy;
use convoke_machine::confirm::Confirmed;
use convoke_store::{LetterRow, SetEmail, Store, UNDONE};
use convoke_writing::{Writer, write_anew};

/// The kinds of acts that can be undone, as the ledger names them.
const UNDOABLE: [&str; 10] = [
    "agenda.closed",
    "convocation.cancelled",
    "convocation.marked",
    "convocation.moved",
    "holder.email_set",
    "letter.posted",
    "letter.returned",
    "permit.held",
    "permit.released",
    "request.refused",
];

/// An act that can be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Act {
    /// Its entry in the ledger.
    pub act: i64,
    /// When it was done.
    pub at: Option<DateTime<Utc>>,
    /// By whom.
    pub actor: String,
    /// What.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// The appointment, request, batch or day that it was about, if it names one.
    pub about: String,
}

coded! {
    /// Why an act stays as it is for somebody.
    pub enum Why {
        /// Somebody outside was told of it.
        Told = "told",
        /// The seat is somebody else's by now.
        SeatTaken = "seat-taken",
        /// Something else was done about it since.
        ChangedSince = "changed-since",
        /// The day of the appointment is past.
        Past = "past",
        /// What it changed was not kept.
        NotKept = "not-kept",
    }
}

impl Why {
    /// For operators.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Told => "somebody was told of it already",
            Self::SeatTaken => "the seat is somebody else's by now",
            Self::ChangedSince => "something else was done about it since",
            Self::Past => "the day of the appointment is past",
            Self::NotKept => "what it changed was not kept",
        }
    }
}

/// What could not be undone, and the act that mends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The appointment, request or act.
    pub reference: String,
    /// Why.
    pub why: Why,
    /// What to do instead.
    pub mend: String,
}

/// The result of an undoing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// What is as it was before: appointments under their new reference, letters, requests.
    pub undone: Vec<String>,
    /// What is not.
    pub left: Vec<Left>,
}

impl Undone {
    fn leave(&mut self, reference: &str, why: Why, mend: String) {
        self.left.push(Left { reference: reference.to_owned(), why, mend });
    }
}

/// Acts that can be undone and have not been, latest first.
pub fn acts_to_undo(store: &mut Store, limit: i64) -> Result<Vec<Act>> {
    let undone = store.undone_acts()?;
    let mut acts: Vec<Act> = Vec::new();
    for entry in store.acts_of_kinds(&UNDOABLE, limit)?.into_iter().filter(|entry| !undone.contains(&entry.seq)) {
        let payload: Value = serde_json::from_str(&entry.payload)?;
        let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
        let about = ["batch", "reference", "request", "day"].into_iter().map(text).find(|about| !about.is_empty());
        let act = Act {
            act: entry.seq,
            at: payload["at"].as_str().and_then(|at| at.parse().ok()),
            actor: entry.actor,
            kind: entry.kind,
            reason: text("reason"),
            about: about.unwrap_or_default(),
        };
        // A batch is one act, however many letters it had.
        let same = |known: &Act| act.kind == "letter.posted" && known.kind == act.kind && known.about == act.about;
        if !acts.iter().any(same) {
            acts.push(act);
        }
    }
    Ok(acts)
}

/// Undoes one act.
pub fn undo(store: &mut Store, hand: &mut Hand<'_>, act: i64, _: &Confirmed) -> Result<Undone> {
    store.write(|s| {
        let entry = s.ledger_between(act - 1, act)?.pop().filter(|e| e.run_id.is_none());
        let entry = entry.filter(|e| UNDOABLE.contains(&e.kind.as_str())).ok_or(Refused::NoAct(act))?;
        if s.undone_acts()?.contains(&act) {
            return Err(Refused::UndoneBefore(act).into());
        }
        let payload: Value = serde_json::from_str(&entry.payload)?;
        let mut result = Undone::default();
        match entry.kind.as_str() {
            "agenda.closed" => closing(s, hand, &payload, &mut result)?,
            "convocation.cancelled" => cancelled(s, hand, &named(&payload, "reference")?, &mut result)?,
            "convocation.moved" => moved(s, hand, &named(&payload, "reference")?, &mut result)?,
            "convocation.marked" => marked(s, hand, &named(&payload, "reference")?, &mut result)?,
            "holder.email_set" => email(s, hand, (act, &payload), &mut result)?,
            "letter.posted" => posted(s, hand, payload["batch"].as_str().unwrap_or_default(), &mut result)?,
            "letter.returned" => returned(s, hand, &payload, &mut result)?,
            "request.refused" => refused(s, &payload, &mut result)?,
            kind => held(s, hand, act, kind == "permit.released", &mut result)?,
        }
        let done = json!({"act": act, "kind": entry.kind, "undone": result.undone.len(), "left": result.left.len()});
        hand.record(s, None, UNDONE, done)?;
        Ok(result)
    })
}

fn named(payload: &Value, name: &str) -> Result<Reference> {
    payload[name].as_str().and_then(Reference::parse).context("an entry without its reference")
}

/// The seat is given back to somebody whose appointment was cancelled, if nobody was told of that.
fn cancelled(s: &mut Store, hand: &mut Hand<'_>, of: &Reference, result: &mut Undone) -> Result<()> {
    let from = Convocation::read(s, of)?.with_context(|| format!("{of} has disappeared"))?;
    let mend = || "the person is due again: the next night gives another appointment".to_owned();
    let told = |l: &LetterRow| l.kind == LetterKind::Cancellation && (l.state.may_have_left() || l.uncertain > 0);
    let why = if !from.state.frees_seat() || s.live_of(&from.person.holder_id)?.is_some() {
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

/// Somebody who was moved gets the former seat back, if nobody was told of the new one.
fn moved(s: &mut Store, hand: &mut Hand<'_>, to: &Reference, result: &mut Undone) -> Result<()> {
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
fn closing(s: &mut Store, hand: &mut Hand<'_>, payload: &Value, result: &mut Undone) -> Result<()> {
    let day = payload["day"].as_str().and_then(|day| day.parse().ok()).context("a closed day")?;
    let site = payload["site"].as_str().context("a closed site")?;
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

/// A mark at the counter: the appointment is live again, on its own seat, under a new reference.
fn marked(s: &mut Store, hand: &mut Hand<'_>, of: &Reference, result: &mut Undone) -> Result<()> {
    let from = Convocation::read(s, of)?.with_context(|| format!("{of} has disappeared"))?;
    if from.state == State::Cancelled {
        return cancelled(s, hand, of, result);
    }
    let is_marked = matches!(from.state, State::Honoured | State::Incomplete | State::Missed);
    if let Some(live) = s.live_of(&from.person.holder_id)?.or((!is_marked).then(|| of.to_string())) {
        let mend = format!("convoke convocation cancel {live} --reason TEXT, then undo the mark again");
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
fn email(s: &mut Store, hand: &Hand<'_>, (act, payload): (i64, &Value), result: &mut Undone) -> Result<()> {
    let Some((holder, was)) = s.remembered(act)? else {
        let mend = "convoke permit set-email NUMBER ADDRESS --reason TEXT".to_owned();
        result.leave(&act.to_string(), Why::NotKept, mend);
        return Ok(());
    };
    let was: SetEmail = serde_json::from_str(&was)?;
    s.put_email_back(&holder, &was)?;
    result.undone.push(act.to_string());
    let letters = s.letters_to(&holder)?;
    let unsent = |l: &&LetterRow| LetterState::WAITING.contains(&l.state) || l.state == LetterState::ToPost;
    let writer = Writer::new(hand.config, hand.today(), hand.now())?;
    write_anew(s, &writer, letters.iter().filter(unsent).cloned().collect())?;
    let written = payload["letters"].as_array().map_or(&[][..], Vec::as_slice);
    for letter in letters.iter().filter(|l| l.state.may_have_left() && written.contains(&l.letter_id.as_str().into())) {
        result.leave(
            &letter.reference,
            Why::Told,
            "its letter went to the address that was set: tell the person".into(),
        );
    }
    Ok(())
}

/// The letters of a batch wait for the post again.
fn posted(s: &mut Store, hand: &Hand<'_>, batch: &str, result: &mut Undone) -> Result<()> {
    for letter in s.posted_in(batch)? {
        s.put_letter(&letter, LetterState::ToPost, Some(Remark::Undone), hand.now())?;
        result.undone.push(letter.letter_id);
    }
    Ok(())
}

/// A letter that had not come back after all; if its convocation ended for that, it gets its seat back.
fn returned(s: &mut Store, hand: &mut Hand<'_>, payload: &Value, result: &mut Undone) -> Result<()> {
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

fn refused(s: &mut Store, payload: &Value, result: &mut Undone) -> Result<()> {
    let id = named(payload, "request")?;
    if s.open_request_again(id.as_str(), RequestState::Refused)? {
        result.undone.push(id.to_string());
    } else {
        result.leave(id.as_str(), Why::ChangedSince, "convoke requests list".to_owned());
    }
    Ok(())
}

fn held(s: &mut Store, hand: &mut Hand<'_>, act: i64, hold: bool, result: &mut Undone) -> Result<()> {
    let holder = match s.remembered(act)? {
        Some((id, _)) => s.holders(&[&id.0])?.remove(&id.0).map(|holder| (id, holder.number)),
        None => None,
    };
    let Some((id, number)) = holder else {
        let mend = format!("convoke permit {} NUMBER --reason TEXT", if hold { "hold" } else { "release" });
        result.leave(&act.to_string(), Why::NotKept, mend);
        return Ok(());
    };
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
