//! What is done by hand: to one person, one appointment, one letter, one day of a desk. Commands and console call the same.
//!
//! Each act is one transaction: the change, the letter that it causes, and its entry in the ledger with who did it and why. What
//! an act plans, it plans from what it read; where that changed meanwhile it reads again.

mod appointment;
mod close;
mod options;
mod outbox;
mod permit;

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

pub use appointment::{Ended, Move, Moved, cancel, relocate};
pub use close::{Closing, Hit, check, close, count_expected, reopen};
pub use options::{Options, Seat, options};
pub use outbox::{Turn, cause, turn_letters};
pub use permit::{Mended, hold, mend_email};

use crate::clock::Clock;
use crate::convocation::State;
use crate::entropy::Entropy;
use crate::ids::{HolderId, PermitId, Reference};
use crate::ledger::Event;
use crate::letters::{LetterData, Matter};
use crate::permit::Holder;
use crate::run::{Tools, Writer};
use crate::settings::Configuration;
use crate::store::{LetterRow, Renewed, Store};

/// Whoever acts, and why.
pub struct Hand<'a> {
    /// What time it is.
    pub clock: &'a Clock,
    /// Keys of new commitments.
    pub entropy: &'a mut Entropy,
    /// The préfecture.
    pub config: &'a Configuration,
    /// Real login.
    pub actor: &'a str,
    /// Stands in the ledger for good.
    pub reason: &'a str,
}

impl Hand<'_> {
    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn today(&self) -> NaiveDate {
        self.clock.today(self.config.settings.prefecture.zone)
    }

    fn tools(&mut self) -> Tools<'_> {
        Tools { clock: self.clock, entropy: self.entropy, progress: &|_, _, _| {} }
    }

    /// Writes down what was done, and to whom.
    fn record(
        &self,
        store: &mut Store,
        about: Option<&HolderId>,
        kind: &'static str,
        mut payload: Value,
    ) -> Result<()> {
        payload["reason"] = self.reason.into();
        payload["at"] = json!(self.now());
        let event = Event { kind, payload };
        match about {
            Some(holder) => store.record_about(holder, self.actor, event),
            None => store.record(None, self.actor, &[event]),
        }
    }
}

/// Why an act was not done: nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No holder.
    #[error("nobody has the number {0} in this préfecture: `convoke permit find` searches by name")]
    Nobody(String),
    /// No convocation.
    #[error("there is no convocation {0}: `convoke permit find` shows references")]
    NoConvocation(String),
    /// It has ended.
    #[error("convocation {reference} is not live any more: it is {state}")]
    Over {
        /// Reference.
        reference: String,
        /// Its state.
        state: String,
    },
    /// The day has come.
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
    /// No slot.
    #[error("there is no slot {0}: `convoke convocation options REFERENCE` shows those that can be had")]
    NoSlot(String),
    /// The slot is of no use to this person.
    #[error("the desk of {0} does not renew this permit, or not for the person's commune")]
    WrongDesk(String),
    /// The slot is full, closed, or past.
    #[error("no seat can be had on {0} any more: `convoke convocation options REFERENCE` shows those that can")]
    NoSeat(String),
    /// The move would cost somebody an appointment in time.
    #[error("not moved to {0}: {1}. To do it all the same: --despite-lapse")]
    WouldLapse(String, &'static str),
    /// A holder's second move.
    #[error("the holder has moved this appointment once: a second time is for the office to allow, with --by office")]
    MovedBefore,
    /// Not an address.
    #[error("{0:?} is no e-mail address to which letters can be sent")]
    NoAddress(String),
    /// No letter.
    #[error("there is no letter {0}: `convoke outbox list` shows them")]
    NoLetter(String),
    /// A letter cannot go there.
    #[error("letter {letter} is {state}: {remedy}")]
    LetterStands {
        /// Letter.
        letter: String,
        /// Its state.
        state: String,
        /// What to do instead.
        remedy: &'static str,
    },
    /// No such place.
    #[error("there is no site or desk {0}: `convoke config show` lists the agenda")]
    NoPlace(String),
    /// Nothing to close.
    #[error("{0} lies in the past: nobody can be told any more")]
    DayPast(NaiveDate),
    /// The data changed again and again while the act was planned.
    #[error("the data changed each time while this was planned: try again when imports and runs have ended")]
    Unsettled,
}

/// How often an act is planned again because the data changed meanwhile.
const ATTEMPTS: u32 = 5;

/// A live convocation to come, and whose it is.
struct Person {
    reference: Reference,
    permit_id: PermitId,
    holder_id: HolderId,
    holder: Holder,
    permit: Renewed,
    slot_id: String,
    day: NaiveDate,
    sequence: i64,
}

impl Person {
    /// Reads it, whatever its day.
    fn live(store: &mut Store, reference: &Reference) -> Result<Self> {
        let row =
            store.convocation(reference.as_str())?.ok_or_else(|| Refused::NoConvocation(reference.to_string()))?;
        if row.state != State::Convoked.code() {
            return Err(Refused::Over { reference: reference.to_string(), state: row.state }.into());
        }
        let holder = store.holders(&[&row.holder_id])?.remove(&row.holder_id);
        let permit = store.renewed(&row.permit_id)?;
        Ok(Self {
            reference: reference.clone(),
            holder: holder.with_context(|| format!("the holder of convocation {reference} has disappeared"))?,
            permit: permit.with_context(|| format!("the permit of convocation {reference} has disappeared"))?,
            permit_id: PermitId(row.permit_id),
            holder_id: HolderId(row.holder_id),
            slot_id: row.slot_id,
            day: row.day,
            sequence: row.sequence,
        })
    }

    /// The same, where it can still be changed.
    fn to_come(store: &mut Store, reference: &Reference, today: NaiveDate) -> Result<Self> {
        let person = Self::live(store, reference)?;
        if person.day < today {
            return Err(Refused::Past { reference: reference.to_string(), day: person.day }.into());
        }
        Ok(person)
    }

    fn commitment(&self, store: &mut Store, hand: &mut Hand<'_>) -> Result<String> {
        Ok(store.commitments(&[(&self.holder_id.0, &self.holder.number)], hand.entropy)?.remove(0))
    }

    /// A letter to this person, one change later than what was announced; its invitation keeps the UID of the first.
    fn letter(&self, store: &mut Store, hand: &Hand<'_>, reference: &Reference, matter: Matter) -> Result<LetterRow> {
        let first = store
            .moved_from(self.reference.as_str())?
            .pop()
            .map_or_else(|| self.reference.to_string(), |(first, _)| first);
        let writer = Writer::new(hand.config, hand.today(), hand.now());
        let sequence = self.sequence as u32 + 1;
        let data = LetterData {
            sequence,
            first_reference: Some(first).filter(|first| first != reference.as_str()),
            code: hand.config.code_key.as_ref().map(|key| key.code(reference.as_str(), sequence)),
            ..writer.data(reference, &self.holder, (self.permit.kind, self.permit.expires_on), matter)
        };
        store.keep_templates(&hand.config.templates.hash(), hand.config.templates.sources(), hand.now())?;
        writer.row(&data, self.holder.effective_channel(), "")
    }
}

/// The holder of a foreigner number, and the commitment by which the ledger knows them.
fn holder(store: &mut Store, hand: &mut Hand<'_>, number: &str) -> Result<(HolderId, String)> {
    let id = store.holder_by_number(number)?.ok_or_else(|| Refused::Nobody(number.to_owned()))?;
    let commitment = store.commitments(&[(&id.0, number)], hand.entropy)?.remove(0);
    Ok((id, commitment))
}

/// What the ledger says of a letter that an act wrote.
fn written(letter: &LetterRow) -> Value {
    json!({"letter": letter.letter_id, "channel": letter.channel})
}
