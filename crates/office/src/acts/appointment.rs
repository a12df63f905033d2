//! Acts on one appointment: cancel it or move it.

use anyhow::Result;
use chrono::NaiveDate;

use super::options::{Night, Price};
use super::{ATTEMPTS, Hand, Refused, to_come};
use crate::run::{Convocation, Made};
use convoke_domain::ids::Reference;
use convoke_domain::permit::Channel;
use convoke_domain::policy::Policy;
use convoke_domain::slot::SlotId;
use convoke_letters::CancelledBy;
use convoke_machine::confirm::Confirmed;
use convoke_store::Store;

/// A cancelled appointment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The cancellation letter, and its channel; `None` if nobody had been told of the appointment.
    pub letter: Option<(String, Channel)>,
    /// The day of the cancelled appointment.
    pub day: NaiveDate,
}

/// Cancels an appointment. The seat is free for the next run; the holder is notified and becomes due again.
pub fn cancel(
    store: &mut Store,
    hand: &mut Hand<'_>,
    reference: &Reference,
    by: CancelledBy,
    _: &Confirmed,
) -> Result<Ended> {
    store.write(|s| {
        let convocation = to_come(s, reference, hand.today())?;
        give_up(s, hand, &convocation, by)
    })
}

/// Runs in the caller's transaction.
pub(super) fn give_up(s: &mut Store, hand: &mut Hand<'_>, given: &Convocation, by: CancelledBy) -> Result<Ended> {
    let (letter, payload) = given.give_up(s, hand.occasion(), by, hand.entropy)?;
    hand.record(s, Some(&given.person.holder_id), "convocation.cancelled", payload)?;
    Ok(Ended { letter: letter.map(|l| (l.letter_id, l.channel)), day: given.slot_id.day })
}

/// How a letter about an appointment reaches the holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By e-mail.
    Email,
    /// By post.
    Post,
    /// It would come too late: the person must be called.
    TooLate,
}

/// How a letter is sent when the appointment is `days_left` days away.
pub fn way(policy: &Policy, channel: Channel, days_left: i64) -> Way {
    let by_post = channel != Channel::Email;
    let needed = if by_post { policy.short_notice_days } else { policy.send_floor_days };
    match (days_left < i64::from(needed), by_post) {
        (true, _) => Way::TooLate,
        (false, true) => Way::Post,
        (false, false) => Way::Email,
    }
}

/// Where to move an appointment, and at whose request.
#[derive(Clone, Debug)]
pub struct Move<'a> {
    /// `site/desk/YYYY-MM-DDTHH:MM`.
    pub to: &'a SlotId,
    /// Who asked for it.
    pub by: CancelledBy,
    /// Move it even if someone would lapse.
    pub despite_lapse: bool,
}

/// The new appointment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Its reference.
    pub reference: String,
    /// Its slot.
    pub slot: SlotId,
    /// The letter about it.
    pub letter: String,
    /// Its channel.
    pub channel: Channel,
    /// Whether its day is after the permit's expiry.
    pub after_expiry: bool,
}

impl Moved {
    pub(super) fn of(made: Made, expires_on: NaiveDate) -> Self {
        Self {
            after_expiry: made.slot.id.day > expires_on,
            reference: made.reference.to_string(),
            slot: made.slot.id,
            letter: made.letter.letter_id,
            channel: made.letter.channel,
        }
    }
}

/// Moves an appointment to a seat that makes nobody lapse. A holder may ask for this once, in time; it never counts as
/// a missed appointment.
pub fn relocate(
    store: &mut Store,
    hand: &mut Hand<'_>,
    reference: &Reference,
    wish: &Move<'_>,
    _: &Confirmed,
) -> Result<Moved> {
    for _ in 0..ATTEMPTS {
        let today = hand.today();
        let convocation = store.read(|s| to_come(s, reference, today))?;
        let slot = store.slot(wish.to)?.ok_or_else(|| Refused::NoSlot(wish.to.to_string()))?;
        let night = Night::read(store, hand, &convocation.person, Some(&convocation.slot_id))?;
        night.price(&slot).accept(wish.to, wish.despite_lapse)?;
        let moved = store.write(|s| {
            if s.data_version()? != night.data_version {
                return Ok(None);
            }
            let asked_before = s.moved_from(reference.as_str())?.iter().any(|(_, by)| by == CancelledBy::Holder.code());
            if wish.by == CancelledBy::Holder && asked_before {
                return Err(Refused::MovedBefore.into());
            }
            put_elsewhere(s, hand, &convocation, wish.to, wish.by).map(Some)
        })?;
        if let Some(moved) = moved {
            return Ok(moved);
        }
    }
    Err(Refused::Unsettled.into())
}

impl Price {
    /// Refuses a seat that is not available, and, unless `despite_lapse`, one that makes someone lapse.
    pub(super) fn accept(self, slot: &SlotId, despite_lapse: bool) -> Result<(), Refused> {
        let to = || slot.to_string();
        match self {
            Self::WrongDesk => Err(Refused::WrongDesk(to())),
            Self::NoSeat => Err(Refused::NoSeat(to())),
            Self::OwnLapse if !despite_lapse => Err(Refused::WouldLapse(to(), "the permit expires before")),
            Self::Lapse if !despite_lapse => {
                Err(Refused::WouldLapse(to(), "somebody else would be left without a day before expiry"))
            }
            Self::Free | Self::OwnLapse | Self::Lapse => Ok(()),
        }
    }
}

/// Runs in the caller's transaction: ends the old appointment as moved, reserves the new one and queues its letter.
pub(super) fn put_elsewhere(
    s: &mut Store,
    hand: &mut Hand<'_>,
    from: &Convocation,
    to: &SlotId,
    by: CancelledBy,
) -> Result<Moved> {
    let made = from.put_elsewhere(s, hand.occasion(), to, by, hand.entropy)?;
    let made = made.ok_or_else(|| Refused::NoSeat(to.to_string()))?;
    hand.record(s, Some(&from.person.holder_id), "convocation.moved", made.payload.clone())?;
    Ok(Moved::of(made, from.person.permit.expires_on))
}
