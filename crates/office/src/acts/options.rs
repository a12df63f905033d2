//! Other seats that a holder can have without making anyone lapse.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use chrono::{Days, NaiveDate, NaiveTime};
use serde_json::json;

use super::{Hand, to_come};
use crate::run::{Convocation, For, Person, Preview, preview};
use convoke_domain::agenda::RankedPool;
use convoke_domain::agenda::Slot;
use convoke_domain::ids::Reference;
use convoke_domain::slot::{SlotId, minute};
use convoke_instance::{Day, PlanningInput};
use convoke_planning as planning;
use convoke_store::Store;

/// Seats offered at most.
const OFFERED: usize = 5;
/// Days without a spare seat for which the night is replanned at most, to see whether someone else would lapse.
const PLANNED_AGAIN: usize = 10;

/// An available seat.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Seat {
    /// `site/desk/YYYY-MM-DDTHH:MM`, for `convocation move --to`.
    pub slot: SlotId,
    /// Name of the site.
    pub site: String,
    /// Name of the desk.
    pub desk: String,
    /// Day.
    pub day: NaiveDate,
    /// Hour.
    pub start: NaiveTime,
    /// 1 for the nearest site.
    pub rank: u32,
    /// Other hours with a free seat at that desk on the same day.
    pub other_hours: Vec<NaiveTime>,
}

/// Alternatives to an appointment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The current slot.
    pub present: SlotId,
    /// Last day of the permit.
    pub expires_on: NaiveDate,
    /// Seats that make nobody lapse, nearest to the current day first.
    pub seats: Vec<Seat>,
    /// Days on which the person cannot come, kept for next time.
    pub avoided: Vec<(NaiveDate, NaiveDate)>,
}

/// Records days on which the holder of an appointment cannot come. Returns all recorded days, from today on.
pub fn avoid(
    store: &mut Store,
    hand: &mut Hand<'_>,
    reference: &Reference,
    days: &[(NaiveDate, NaiveDate)],
) -> Result<Vec<(NaiveDate, NaiveDate)>> {
    Ok(noted(store, hand, reference, days)?.1)
}

fn noted(
    store: &mut Store,
    hand: &mut Hand<'_>,
    reference: &Reference,
    days: &[(NaiveDate, NaiveDate)],
) -> Result<(Convocation, Vec<(NaiveDate, NaiveDate)>)> {
    let today = hand.today();
    store.write(|s| {
        let convocation = to_come(s, reference, today)?;
        let person = &convocation.person;
        let avoided = s.avoid(&person.holder_id, days, today)?;
        if !days.is_empty() {
            let commitment = person.commitment(s, hand.entropy)?;
            hand.record(s, Some(&person.holder_id), "holder.avoids", json!({"holder": commitment, "days": days}))?;
        }
        Ok((convocation, avoided))
    })
}

/// Seats that an appointment can be moved to. Days to avoid are recorded and kept.
pub fn options(
    store: &mut Store,
    hand: &mut Hand<'_>,
    reference: &Reference,
    avoid: &[(NaiveDate, NaiveDate)],
) -> Result<Options> {
    let (convocation, avoided) = noted(store, hand, reference, avoid)?;
    let night = Night::read(store, hand, &convocation.person, Some(&convocation.slot_id))?;
    let seats = night.offers(hand, &avoided)?;
    let expires_on = convocation.person.permit.expires_on;
    Ok(Options { present: convocation.slot_id, expires_on, seats, avoided })
}

/// The cost of a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Price {
    /// Costs nobody an appointment.
    Free,
    /// Costs another holder their appointment before expiry.
    Lapse,
    /// Costs this holder their appointment before expiry.
    OwnLapse,
    /// No seat is available.
    NoSeat,
    /// The desk cannot serve this person.
    WrongDesk,
}

/// The night as it would be planned now, and one person outside the plan.
pub(super) struct Night {
    pub data_version: i64,
    seen: Preview,
    /// Pools that serve the person, by number.
    pools: BTreeMap<u32, RankedPool>,
    /// Pool, day and hour of the person's appointment, if any.
    own: Option<(u32, Day, u16)>,
    /// The last day before the permit expires; `None` if it has expired.
    deadline: Option<Day>,
    /// Planned seats by pool and day.
    planned: BTreeMap<(u32, Day), u32>,
}

impl Night {
    pub(super) fn read(store: &mut Store, hand: &mut Hand<'_>, person: &Person, own: Option<&SlotId>) -> Result<Self> {
        let config = hand.config;
        let today = hand.today();
        let seen = preview(store, config, None, For::Act, &mut hand.tools())?;
        let jurisdiction = config.agenda.jurisdiction();
        let ranked = jurisdiction.pools(person.permit.kind, &person.permit.commune);
        let pools = ranked.iter().map(|r| (r.pool, *r)).collect();
        let own = own.and_then(|slot| place_of(&seen.input, slot));
        let deadline = (person.permit.expires_on >= today).then(|| seen.input.day(person.permit.expires_on));
        let mut planned = BTreeMap::new();
        for a in &seen.plan.appointments {
            *planned.entry((a.pool, a.day)).or_default() += 1;
        }
        Ok(Self { data_version: seen.data_version, seen, pools, own, deadline, planned })
    }

    /// The cost of this slot.
    pub(super) fn price(&self, slot: &Slot) -> Price {
        let Some((pool, day, start)) = place_of(&self.seen.input, &slot.id) else { return Price::WrongDesk };
        if !self.pools.contains_key(&pool) {
            return Price::WrongDesk;
        }
        let tomorrow = self.seen.input.day(self.seen.dates.today) + 1;
        if day < tomorrow || self.free_at(pool, day, start) == 0 {
            return Price::NoSeat;
        }
        if self.deadline.is_some_and(|deadline| day > deadline) {
            return Price::OwnLapse;
        }
        if self.has_spare(pool, day) || !self.costs_a_lapse(pool, day, start) { Price::Free } else { Price::Lapse }
    }

    fn free_at(&self, pool: u32, day: Day, start: u16) -> u32 {
        let slots = &self.seen.input.slots;
        let found = slots.binary_search_by_key(&(pool, day, start), |s| (s.pool, s.day, s.start));
        found.map_or(0, |at| slots[at].free)
    }

    /// Whether the plan leaves a seat of that day unused: taking it affects nobody. Another hour on the person's own
    /// day is as good.
    fn has_spare(&self, pool: u32, day: Day) -> bool {
        let free: u32 = self.seen.input.slots.iter().filter(|s| (s.pool, s.day) == (pool, day)).map(|s| s.free).sum();
        let planned = self.planned.get(&(pool, day)).copied().unwrap_or(0);
        free > planned || self.own.is_some_and(|(own, on, _)| (own, on) == (pool, day))
    }

    /// Whether one more person would lapse if this one took the seat and freed their own. Replans the night to find
    /// out.
    fn costs_a_lapse(&self, pool: u32, day: Day, start: u16) -> bool {
        let mut input: PlanningInput = self.seen.input.clone();
        for slot in &mut input.slots {
            let at = (slot.pool, slot.day, slot.start);
            slot.free =
                slot.free + u32::from(Some(at) == self.own) - u32::from(at == (pool, day, start)).min(slot.free);
        }
        // An overflowing instance was already refused by the first plan.
        planning::plan(&input).map_or(true, |(plan, _)| plan.lapses.len() > self.seen.plan.lapses.len())
    }

    fn offers(&self, hand: &Hand<'_>, avoided: &[(NaiveDate, NaiveDate)]) -> Result<Vec<Seat>> {
        let input = &self.seen.input;
        let floor = u64::from(hand.config.settings.policy.send_floor_days);
        let first = self.seen.dates.today.checked_add_days(Days::new(floor + 1)).context("a date")?;
        let first = input.day(first);
        let own_day = self.own.map_or(first, |(_, day, _)| day);
        let mut days: BTreeMap<(i32, u32, Day, u32), Vec<u16>> = BTreeMap::new();
        for s in input.slots.iter().filter(|s| s.free > 0 && s.day >= first) {
            let Some(ranked) = self.pools.get(&s.pool) else { continue };
            let date = input.date(s.day);
            let unwanted = avoided.iter().any(|(from, to)| (*from..=*to).contains(&date));
            if unwanted || s.day == own_day || self.deadline.is_some_and(|deadline| s.day > deadline) {
                continue;
            }
            days.entry(((s.day - own_day).abs(), ranked.rank, s.day, s.pool)).or_default().push(s.start);
        }
        let mut offers = Vec::new();
        let mut offered = BTreeSet::new();
        let mut again = PLANNED_AGAIN;
        for spare in [true, false] {
            for ((_, rank, day, pool), starts) in &days {
                if offers.len() == OFFERED || offered.contains(day) || self.has_spare(*pool, *day) != spare {
                    continue;
                }
                if !spare {
                    if again == 0 {
                        break;
                    }
                    again -= 1;
                    if self.costs_a_lapse(*pool, *day, starts[0]) {
                        continue;
                    }
                }
                offered.insert(*day);
                offers.push(self.seat(hand, *rank, (*pool, *day), starts)?);
            }
        }
        offers.sort_by_key(|seat| (seat.day - input.date(own_day)).num_days().abs());
        Ok(offers)
    }

    fn seat(&self, hand: &Hand<'_>, rank: u32, (pool, day): (u32, Day), starts: &[u16]) -> Result<Seat> {
        let id = &self.seen.input.pools[pool as usize];
        let place = hand.config.agenda.find(id).with_context(|| format!("{id} left the agenda"))?;
        let hours: Vec<_> = starts.iter().map(|start| self.seen.input.slot(pool, day, *start).start).collect();
        let date = self.seen.input.date(day);
        Ok(Seat {
            slot: id.at(date, hours[0]),
            site: place.site.name.clone(),
            desk: place.desk.label().to_owned(),
            day: date,
            start: hours[0],
            rank,
            other_hours: hours[1..].to_vec(),
        })
    }
}

/// Pool, day and hour of a slot, by name.
fn place_of(input: &PlanningInput, slot: &SlotId) -> Option<(u32, Day, u16)> {
    let pool = input.pools.iter().position(|pool| *pool == slot.pool)? as u32;
    Some((pool, input.day(slot.day), minute(slot.start)))
}
