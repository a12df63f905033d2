//! Acts on one appointment: it is given up, or another takes its place.

use anyhow::{Context, Result};
use serde_json::json;

use super::options::{Night, Price};
use super::{ATTEMPTS, Hand, Person, Refused, written};
use crate::confirm::Confirmed;
use crate::convocation::State;
use crate::ids::{Reference, SlotId};
use crate::letters::{CancelledBy, Matter, Moment};
use crate::permit::Channel;
use crate::run::{appointment, convoked};
use crate::store::{LetterRow, Placement, SlotRow, Store};

/// An appointment that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The letter that says so.
    pub letter: String,
    /// On which way it goes.
    pub channel: String,
}

/// Cancels an appointment: its seat is free for the next night, its holder is told, and is due again.
pub fn cancel(
    store: &mut Store,
    hand: &mut Hand<'_>,
    reference: &Reference,
    by: CancelledBy,
    _: &Confirmed,
) -> Result<Ended> {
    let today = hand.today();
    store.write(|s| {
        let person = Person::to_come(s, reference, today)?;
        let letter = give_up(s, hand, &person, by)?;
        Ok(Ended { letter: letter.letter_id, channel: letter.channel })
    })
}

/// In the transaction of its caller.
pub(super) fn give_up(s: &mut Store, hand: &mut Hand<'_>, person: &Person, by: CancelledBy) -> Result<LetterRow> {
    let slot = slot_of(s, &person.slot_id)?;
    s.end_convocations(&[person.reference.to_string()], State::Cancelled)?;
    s.review_again(&person.permit_id)?;
    let matter = Matter::Cancellation { appointment: appointment(hand.config, &slot)?, by };
    let letter = person.letter(s, hand, &person.reference, matter)?;
    s.enqueue(std::slice::from_ref(&letter))?;
    let commitment = person.commitment(s, hand)?;
    let mut payload = written(&letter);
    payload["reference"] = person.reference.as_str().into();
    payload["holder"] = commitment.into();
    payload["slot"] = person.slot_id.as_str().into();
    payload["by"] = json!(by);
    hand.record(s, Some(&person.holder_id), "convocation.cancelled", payload)?;
    Ok(letter)
}

/// Where an appointment is to be moved, and on whose wish.
#[derive(Clone, Debug)]
pub struct Move<'a> {
    /// `site/desk/YYYY-MM-DDTHH:MM`.
    pub to: &'a SlotId,
    /// Who asked.
    pub by: CancelledBy,
    /// Do it although somebody would lapse.
    pub despite_lapse: bool,
}

/// The appointment that took the place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Its reference.
    pub reference: String,
    /// Its slot.
    pub slot: SlotRow,
    /// The letter that tells it.
    pub letter: String,
    /// On which way it goes.
    pub channel: String,
}

/// Moves an appointment to a seat whose use makes nobody lapse. A holder may ask for that once, in time: it never counts as missed.
pub fn relocate(
    store: &mut Store,
    hand: &mut Hand<'_>,
    reference: &Reference,
    wish: &Move<'_>,
    _: &Confirmed,
) -> Result<Moved> {
    let today = hand.today();
    for _ in 0..ATTEMPTS {
        let person = store.read(|s| Person::to_come(s, reference, today))?;
        let to = &wish.to.0;
        let slot = store.slot(wish.to)?.ok_or_else(|| Refused::NoSlot(to.clone()))?;
        let night = Night::read(store, hand, &person)?;
        let price = night.price(&slot);
        match price {
            Price::WrongDesk => return Err(Refused::WrongDesk(to.clone()).into()),
            Price::NoSeat => return Err(Refused::NoSeat(to.clone()).into()),
            Price::OwnLapse if !wish.despite_lapse => {
                return Err(Refused::WouldLapse(to.clone(), "the permit expires before").into());
            }
            Price::Lapse if !wish.despite_lapse => {
                return Err(
                    Refused::WouldLapse(to.clone(), "somebody else would be left without a day before expiry").into()
                );
            }
            Price::Free | Price::OwnLapse | Price::Lapse => {}
        }
        let moved = store.write(|s| {
            if s.data_version()? != night.data_version {
                return Ok(None);
            }
            let asked_before = s.moved_from(reference.as_str())?.iter().any(|(_, by)| by == CancelledBy::Holder.code());
            if wish.by == CancelledBy::Holder && asked_before {
                return Err(Refused::MovedBefore.into());
            }
            put_elsewhere(s, hand, &person, &slot, wish.by).map(Some)
        })?;
        if let Some(moved) = moved {
            return Ok(moved);
        }
    }
    Err(Refused::Unsettled.into())
}

/// In the transaction of its caller: the old one ends as moved, the new one is reserved and told.
pub(super) fn put_elsewhere(
    s: &mut Store,
    hand: &mut Hand<'_>,
    person: &Person,
    to: &SlotRow,
    by: CancelledBy,
) -> Result<Moved> {
    let today = hand.today();
    let was = slot_of(s, &person.slot_id)?;
    let site = hand.config.agenda.find(&was.site, &was.desk).map_or(was.site.clone(), |pool| pool.site.name.clone());
    s.end_convocations(&[person.reference.to_string()], State::Moved)?;
    let late = person.permit.expires_on < today;
    let notice = hand.config.settings.policy.notice(person.holder.effective_channel());
    let short = (to.day - today).num_days() < i64::from(notice);
    let placement = Placement {
        permit_id: person.permit_id.clone(),
        holder_id: person.holder_id.clone(),
        slot_id: SlotId(to.slot_id.clone()),
        origin: origin(late, short).to_owned(),
    };
    // Of no run: nobody's plan chose this day.
    let made = s.reserve(&[placement], None, today, hand.now())?.pop().flatten();
    let (reference, slot) = made.ok_or_else(|| Refused::NoSeat(to.slot_id.clone()))?;
    s.set_replaces(reference.as_str(), person.reference.as_str(), person.sequence + 1, by.code())?;
    s.review_again(&person.permit_id)?;
    let permit = (person.permit.kind, person.permit.mention.as_str());
    let matter = Matter::Change {
        convoked: convoked(hand.config, permit, &slot, short, late)?,
        was: Moment { day: was.day, start: was.hour(), site },
    };
    let letter = person.letter(s, hand, &reference, matter)?;
    s.enqueue(std::slice::from_ref(&letter))?;
    let commitment = person.commitment(s, hand)?;
    let mut payload = written(&letter);
    payload["reference"] = reference.as_str().into();
    payload["was"] = person.reference.as_str().into();
    payload["holder"] = commitment.into();
    payload["from"] = person.slot_id.as_str().into();
    payload["to"] = slot.slot_id.as_str().into();
    payload["by"] = json!(by);
    hand.record(s, Some(&person.holder_id), "convocation.moved", payload)?;
    Ok(Moved { reference: reference.to_string(), slot, letter: letter.letter_id, channel: letter.channel })
}

/// In which pass of a plan such an appointment would have been given.
fn origin(late: bool, short: bool) -> &'static str {
    use crate::planning::Pass;
    match (late, short) {
        (true, _) => Pass::AfterExpiry.code(),
        (false, true) => Pass::ShortNotice.code(),
        (false, false) => Pass::InTime.code(),
    }
}

fn slot_of(s: &mut Store, slot_id: &str) -> Result<SlotRow> {
    s.slot(&SlotId(slot_id.to_owned()))?.with_context(|| format!("the slot {slot_id} has disappeared"))
}

/// What the agent at the counter is told of the way that a letter goes.
impl Moved {
    /// Whether the new letter waits for the post.
    pub fn by_post(&self) -> bool {
        self.channel != Channel::Email.code()
    }
}
