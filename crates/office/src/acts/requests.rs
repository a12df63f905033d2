//! Acts on written requests: recording them, and decisions by a person. Most are decided by the nightly run.

use anyhow::{Result, ensure};
use chrono::NaiveDate;
use serde_json::json;

use super::appointment::Moved;
use super::options::Night;
use super::{ATTEMPTS, Hand, Refused, holder};
use crate::run::{Convocation, Person};
use convoke_domain::ids::{HolderId, Reference};
use convoke_domain::requests::{RequestState, Wish};
use convoke_domain::slot::SlotId;
use convoke_letters::CancelledBy;
use convoke_machine::confirm::Confirmed;
use convoke_store::{NewRequest, RequestRow, Store};

/// A request, as read from a letter.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    /// What is asked for.
    pub wish: Wish,
    /// Day on which it reached the office.
    pub on: NaiveDate,
    /// Day by which the person needs to be seen.
    pub needed_by: Option<NaiveDate>,
}

/// Records a request, about the holder's permit that expires last.
pub fn add_request(store: &mut Store, hand: &mut Hand<'_>, number: &str, received: Received) -> Result<Reference> {
    store.write(|s| {
        let (id, commitment) = holder(s, hand, number)?;
        let permit = s.latest_permit(&id)?.ok_or_else(|| Refused::Nobody(number.to_owned()))?;
        let Received { wish, on, needed_by } = received;
        let new = NewRequest { holder: id.clone(), permit, wish, received_on: on, needed_by };
        let reference = s.add_request(&new, hand.now())?.map_err(Refused::RequestOpen)?;
        let payload = json!({"request": reference.as_str(), "holder": commitment, "wish": wish, "received_on": on, "needed_by": needed_by});
        hand.record(s, Some(&id), "request.added", payload)?;
        Ok(reference)
    })
}

/// Refuses a request, or records that it was withdrawn.
pub fn end_request(store: &mut Store, hand: &mut Hand<'_>, id: &Reference, state: RequestState) -> Result<()> {
    store.write(|s| {
        let request = open(s, id)?;
        let kind = if state == RequestState::Withdrawn { "request.withdrawn" } else { "request.refused" };
        ensure!(s.decide_request(&request.request_id, state, None, hand.actor, hand.now())?, "the request has ended");
        let payload = json!({"request": request.request_id, "wish": request.wish});
        hand.record(s, Some(&HolderId(request.holder_id)), kind, payload)
    })
}

/// Answers a request with a seat now: a new appointment, or a replacement for the person's current one.
pub fn place_request(
    store: &mut Store,
    hand: &mut Hand<'_>,
    id: &Reference,
    (to, despite_lapse): (&SlotId, bool),
    _: &Confirmed,
) -> Result<Moved> {
    for _ in 0..ATTEMPTS {
        let (request, person, convocation) = store.read(|s| {
            let request = open(s, id)?;
            let live = s.live_of(&HolderId(request.holder_id.clone()))?;
            let convocation = match live.as_deref().and_then(Reference::parse) {
                Some(reference) => Convocation::read(s, &reference)?,
                None => None,
            };
            if let Some(past) = convocation.as_ref().filter(|c: &&Convocation| c.slot_id.day < hand.today()) {
                return Err(Refused::Past { reference: past.reference.to_string(), day: past.slot_id.day }.into());
            }
            if !s.may_be_seen(&request.permit_id)? {
                return Err(Refused::NotToBeSeen(id.to_string()).into());
            }
            let person = Person::read(s, &request.permit_id, &request.holder_id)?;
            Ok((request, person, convocation))
        })?;
        let slot = store.slot(to)?.ok_or_else(|| Refused::NoSlot(to.to_string()))?;
        let night = Night::read(store, hand, &person, convocation.as_ref().map(|c| &c.slot_id))?;
        night.price(&slot).accept(to, despite_lapse)?;
        let placed = store.write(|s| {
            if s.data_version()? != night.data_version {
                return Ok(None);
            }
            // The request may have been decided, or the permit held or filed, since it was read.
            open(s, id)?;
            let on = hand.occasion();
            let made = match &convocation {
                Some(from) => from.put_elsewhere(s, on, to, CancelledBy::Holder, hand.entropy)?,
                None => person.convoke(s, on, to, hand.entropy)?,
            };
            let made = made.ok_or_else(|| Refused::NoSeat(to.to_string()))?;
            let reference = Some(made.reference.as_str());
            let decided =
                s.decide_request(&request.request_id, RequestState::Placed, reference, hand.actor, hand.now())?;
            ensure!(decided, "the request has ended");
            let mut payload = made.payload.clone();
            payload["request"] = request.request_id.as_str().into();
            payload["wish"] = request.wish.code().into();
            hand.record(s, Some(&person.holder_id), "request.placed", payload)?;
            Ok(Some(Moved::of(made, person.permit.expires_on)))
        })?;
        if let Some(placed) = placed {
            return Ok(placed);
        }
    }
    Err(Refused::Unsettled.into())
}

fn open(s: &mut Store, id: &Reference) -> Result<RequestRow> {
    let request = s.request(id.as_str())?.ok_or_else(|| Refused::NoRequest(id.to_string()))?;
    if request.state == RequestState::Open {
        return Ok(request);
    }
    Err(Refused::RequestOver(id.to_string(), request.state).into())
}
