//! Manual actions on one person, one appointment, one letter, or one day of a desk. Commands and console call the same
//! functions.
//!
//! Each act is one transaction: the change, the letter it causes, and its ledger entry with who did it and why. An act
//! is planned from what it read, and replanned if that has changed meanwhile.

mod appointment;
mod close;
mod options;
mod outbox;
mod permit;
mod requests;
mod sending;

use anyhow::Result;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::Value;

pub use appointment::{Ended, Move, Moved, Way, cancel, relocate, way};
pub use close::{Closing, Cost, Hit, check, close, count_expected, reopen};
pub use options::{Options, Seat, avoid, options};
pub use outbox::{Cause, Turn, by_cause, cause, turn_letters, without_addresses};
pub(crate) use permit::{EmailChange, put_on_hold};
pub use permit::{Mended, hold, mend_email};
pub use requests::{Received, add_request, end_request, place_request};
pub use sending::{pause, unpause};

use crate::run::{Convocation, Occasion, Tools};
use convoke_domain::convocation::{LetterState, State};
use convoke_domain::ids::{HolderId, Reference};
use convoke_domain::ledger::Event;
use convoke_domain::requests::RequestState;
use convoke_machine::clock::Clock;
use convoke_machine::entropy::Entropy;
use convoke_settings::Configuration;
use convoke_store::Store;

/// Who acts, and why.
pub struct Hand<'a> {
    /// The clock.
    pub clock: &'a Clock,
    /// Source of keys for new commitments.
    pub entropy: &'a mut Entropy,
    /// The préfecture.
    pub config: &'a Configuration,
    /// Real login.
    pub actor: &'a str,
    /// The reason, kept in the ledger for ever.
    pub reason: &'a str,
}

impl<'a> Hand<'a> {
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(crate) fn today(&self) -> NaiveDate {
        self.clock.today(self.config.settings.prefecture.zone)
    }

    pub(crate) fn occasion(&self) -> Occasion<'a> {
        let hold = TimeDelta::seconds(self.config.settings.dispatch.act_hold_s.into());
        Occasion { config: self.config, now: self.now(), today: self.today(), hold }
    }

    fn tools(&mut self) -> Tools<'_> {
        Tools { clock: self.clock, entropy: self.entropy, progress: &|_, _, _| {} }
    }

    /// Records in the ledger what was done, and to whom.
    pub(crate) fn record(
        &self,
        store: &mut Store,
        about: Option<&HolderId>,
        kind: &'static str,
        mut payload: Value,
    ) -> Result<()> {
        payload["reason"] = self.reason.into();
        let event = Event { kind, payload };
        match about {
            Some(holder) => store.record_about(holder, self.actor, self.now(), event),
            None => store.record(self.actor, self.now(), vec![event]),
        }
    }
}

/// Why an act was refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Unknown holder.
    #[error("nobody has the number {0} in this préfecture: `convoke permit find` searches by name")]
    Nobody(String),
    /// Unknown convocation.
    #[error("there is no convocation {0}: `convoke permit find` shows references")]
    NoConvocation(String),
    /// The appointment has ended.
    #[error("convocation {reference} is not live any more: it is {state}")]
    Over {
        /// Reference.
        reference: String,
        /// Its state.
        state: State,
    },
    /// The day of the appointment has come.
    #[error(
        "the appointment {reference} was on {day}: say what became of it with `convoke import attendance`, and whoever did not come is \
         convoked again"
    )]
    Past {
        /// Reference.
        reference: String,
        /// Day.
        day: NaiveDate,
    },
    /// Unknown slot.
    #[error("there is no slot {0}: `convoke convocation options REFERENCE` shows those that can be had")]
    NoSlot(String),
    /// The slot's desk cannot serve this person.
    #[error("the desk of {0} does not renew this permit, or not for the person's commune")]
    WrongDesk(String),
    /// The slot is full, closed, or past.
    #[error("no seat can be had on {0} any more: `convoke convocation options REFERENCE` shows those that can")]
    NoSeat(String),
    /// The move would make someone lapse.
    #[error("not moved to {0}: {1}. To do it all the same: --despite-lapse")]
    WouldLapse(String, &'static str),
    /// The holder has already moved once.
    #[error("the holder has moved this appointment once: a second time is for the office to allow, with --by office")]
    MovedBefore,
    /// Invalid address.
    #[error("{0:?} is no e-mail address to which letters can be sent")]
    NoAddress(String),
    /// Unknown request.
    #[error("there is no request {0}: `convoke requests list` shows them")]
    NoRequest(String),
    /// The person has an open request.
    #[error("the person has an open request already: {0}")]
    RequestOpen(String),
    /// The request is closed, or a run has chosen it.
    #[error("request {0} is not open any more: it is {1}")]
    RequestOver(String, RequestState),
    /// The permit is held, filed, renewed, withdrawn, or its holder has died.
    #[error(
        "the permit behind request {0} is held, filed, renewed or withdrawn: `convoke permit timeline` tells which"
    )]
    NotToBeSeen(String),
    /// Unknown letter.
    #[error("there is no letter {0}: `convoke outbox list` shows them")]
    NoLetter(String),
    /// The letter's state does not allow this.
    #[error("letter {letter} is {state}: {remedy}")]
    LetterStands {
        /// Letter.
        letter: String,
        /// Its state.
        state: LetterState,
        /// What to do instead.
        remedy: &'static str,
    },
    /// Unknown site or desk.
    #[error("there is no site or desk {0}: `convoke config show` lists the agenda")]
    NoPlace(String),
    /// Unknown act, or one that is never undone.
    #[error("there is no act {0} that can be undone: `convoke undo` lists those that can")]
    NoAct(i64),
    /// The act was undone already.
    #[error("act {0} was undone already")]
    UndoneBefore(i64),
    /// Unknown import, one of long ago, or the first.
    #[error("of import {0} is not kept what it changed: `convoke undo` lists those that can be undone")]
    NoImport(i64),
    /// A later extract says what holds.
    #[error("an extract was taken in after import {0}: undo that one first")]
    LaterImport(i64),
    /// The day is over.
    #[error("{0} lies in the past: nobody can be told any more")]
    DayPast(NaiveDate),
    /// The data kept changing while the act was planned.
    #[error("the data changed each time while this was planned: try again when imports and runs have ended")]
    Unsettled,
}

/// Why a reason cannot go into the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongReason {
    /// It is missing.
    #[error("what is done by hand needs a reason")]
    Missing,
    /// It contains personal data.
    #[error("a reason is kept in the ledger for good: no foreigner number, no telephone, no e-mail address in it")]
    Personal,
}

/// A non-empty reason that may stay in the ledger for ever.
pub fn reason(given: &str) -> Result<&str, WrongReason> {
    let reason = given.trim();
    if reason.is_empty() {
        return Err(WrongReason::Missing);
    }
    let joined: String =
        reason.chars().filter(|c| !matches!(c, ' ' | '.' | '-' | '/' | '\u{a0}' | '\u{202f}')).collect();
    let number = joined.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() >= 9);
    if number || reason.contains('@') { Err(WrongReason::Personal) } else { Ok(reason) }
}

/// How often an act is planned at most, if the data change meanwhile.
const ATTEMPTS: u32 = 5;

/// A live convocation, on any day.
fn live(store: &mut Store, reference: &Reference) -> Result<Convocation> {
    let found = Convocation::read(store, reference)?.ok_or_else(|| Refused::NoConvocation(reference.to_string()))?;
    if found.state != State::Convoked {
        return Err(Refused::Over { reference: reference.to_string(), state: found.state }.into());
    }
    Ok(found)
}

/// The same, if it can still be changed.
fn to_come(store: &mut Store, reference: &Reference, today: NaiveDate) -> Result<Convocation> {
    let found = live(store, reference)?;
    let day = found.slot_id.day;
    if day < today {
        return Err(Refused::Past { reference: reference.to_string(), day }.into());
    }
    Ok(found)
}

/// The holder of a foreigner number, and their commitment in the ledger.
fn holder(store: &mut Store, hand: &mut Hand<'_>, number: &str) -> Result<(HolderId, String)> {
    let id = store.holder_by_number(number)?.ok_or_else(|| Refused::Nobody(number.to_owned()))?;
    let commitment = store.commitments(&[(&id.0, number)], hand.entropy)?.remove(0);
    Ok((id, commitment))
}
