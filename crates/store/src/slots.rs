//! Slots and their taken seats.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use chrono::NaiveDate;
use diesel::dsl::count_star;
use diesel::prelude::*;

use super::row::{Column, Columns, Rows, Unreadable, Word};
use super::scope::{joined, reservation, slot};
use super::{Store, insert_own};
use convoke_domain::agenda::Slot;
use convoke_domain::slot::{PoolId, SlotId, minute};

/// A slot as stored: its parts for queries, and its name as the key.
#[derive(Clone, Insertable)]
#[diesel(table_name = slot, treat_none_as_default_value = false)]
struct NewSlot {
    prefecture: String,
    slot_id: String,
    site: String,
    desk: String,
    day: NaiveDate,
    start: i64,
    duration_min: i64,
    seats: i64,
}

impl NewSlot {
    fn of(prefecture: &str, slot: &Slot) -> Self {
        let SlotId { pool, day, start } = &slot.id;
        Self {
            prefecture: prefecture.to_owned(),
            slot_id: slot.id.to_string(),
            site: pool.site.clone(),
            desk: pool.desk.clone(),
            day: *day,
            start: minute(*start).into(),
            duration_min: slot.duration_min.into(),
            seats: slot.seats.into(),
        }
    }
}

/// A slot's name, length and seats.
#[derive(Queryable, Selectable)]
#[diesel(table_name = slot)]
pub(super) struct SlotColumns {
    slot_id: Word<SlotId>,
    duration_min: i64,
    seats: i64,
}

impl Columns for SlotColumns {
    type Row = Slot;

    fn read(self) -> Result<Slot, Unreadable> {
        let id = named("slot", self.slot_id)?;
        let wrong = |column, n: i64| Unreadable::new("slot", column, &id, n.to_string());
        let duration_min = self.duration_min.try_into().map_err(|_| wrong("duration_min", self.duration_min))?;
        let seats = self.seats.try_into().map_err(|_| wrong("seats", self.seats))?;
        Ok(Slot { id, duration_min, seats })
    }
}

impl Store {
    /// Inserts new slots and updates those whose length or seats differ. Returns (inserted, updated).
    pub fn upsert_slots(&mut self, slots: &[Slot]) -> Result<(u64, u64)> {
        let days = || slots.iter().map(|s| s.id.day);
        let (Some(first), Some(last)) = (days().min(), days().max()) else { return Ok((0, 0)) };
        // As stored: a closed day keeps its seats in the table, for when it is reopened.
        let known: HashMap<SlotId, Slot> =
            self.slots_as_stored(first, last)?.into_iter().map(|s| (s.id.clone(), s)).collect();
        let (old, new): (Vec<&Slot>, Vec<&Slot>) = slots.iter().partition(|slot| known.contains_key(&slot.id));
        let rows: Vec<NewSlot> = new.iter().map(|slot| NewSlot::of(self.scope.code(), slot)).collect();
        insert_own!(self, slot, &rows, 2_000).context("inserting slots")?;
        let mut updated = 0;
        for slot in old.into_iter().filter(|slot| known[&slot.id] != **slot) {
            diesel::update(slot::of(&self.scope).filter(slot::slot_id.eq(slot.id.to_string())))
                .set((slot::duration_min.eq(i64::from(slot.duration_min)), slot::seats.eq(i64::from(slot.seats))))
                .execute(&mut self.conn)?;
            updated += 1;
        }
        Ok((rows.len() as u64, updated))
    }

    /// Slots from `first` to `last`, both included. Slots on days closed by hand have no seats.
    pub fn slots(&mut self, first: NaiveDate, last: NaiveDate) -> Result<Vec<Slot>> {
        let mut slots = self.slots_as_stored(first, last)?;
        self.close_slots(&mut slots)?;
        Ok(slots)
    }

    /// Sets the seats of slots on closed days to none.
    pub(super) fn close_slots(&mut self, slots: &mut [Slot]) -> Result<()> {
        let Some(first) = slots.iter().map(|s| s.id.day).min() else { return Ok(()) };
        let closed = self.closed_days(first)?;
        for slot in slots.iter_mut().filter(|s| closed.iter().any(|c| c.covers(&s.id.pool, s.id.day))) {
            slot.seats = 0;
        }
        Ok(())
    }

    fn slots_as_stored(&mut self, first: NaiveDate, last: NaiveDate) -> Result<Vec<Slot>> {
        slot::of(&self.scope)
            .filter(slot::day.between(first, last))
            .order((slot::day, slot::slot_id))
            .select(SlotColumns::as_select())
            .load(&mut self.conn)
            .rows("reading slots")
    }

    /// One slot.
    pub fn slot(&mut self, id: &SlotId) -> Result<Option<Slot>> {
        let found = slot::of(&self.scope)
            .filter(slot::slot_id.eq(id.to_string()))
            .select(SlotColumns::as_select())
            .first(&mut self.conn)
            .optional()
            .rows("reading a slot")?;
        let Some(mut slot) = found else { return Ok(None) };
        self.close_slots(std::slice::from_mut(&mut slot))?;
        Ok(Some(slot))
    }

    /// The last day with a slot.
    pub fn last_slot_day(&mut self) -> Result<Option<NaiveDate>> {
        let last = slot::of(&self.scope).select(diesel::dsl::max(slot::day));
        last.first(&mut self.conn).context("reading the end of the agenda")
    }

    /// Slots of a desk from `first` to `last`, both included, that have a free seat, and how many.
    pub fn free_slots_of(&mut self, pool: &PoolId, first: NaiveDate, last: NaiveDate) -> Result<Vec<(Slot, u64)>> {
        // Slot names sort by site, desk and time: this is a key range.
        let (from, until) = (format!("{pool}/{first}"), format!("{pool}/{last}U"));
        let mut slots = slot::of(&self.scope)
            .filter(slot::slot_id.between(&from, &until))
            .order(slot::slot_id)
            .select(SlotColumns::as_select())
            .load(&mut self.conn)
            .rows("reading the slots of a desk")?;
        self.close_slots(&mut slots)?;
        let taken: Vec<(Word<SlotId>, i64)> = reservation::of(&self.scope)
            .filter(reservation::slot_id.between(&from, &until))
            .group_by(reservation::slot_id)
            .select((reservation::slot_id, count_star()))
            .load(&mut self.conn)
            .context("reading the reservations of a desk")?;
        let taken = counted(taken)?;
        let free = |slot: Slot| {
            let free = u64::from(slot.seats).saturating_sub(taken.get(&slot.id).copied().unwrap_or(0));
            (free > 0).then_some((slot, free))
        };
        Ok(slots.into_iter().filter_map(free).collect())
    }

    /// The last day with slots before a day, and the first after it.
    pub fn slot_days_around(&mut self, day: NaiveDate) -> Result<(Option<NaiveDate>, Option<NaiveDate>)> {
        let before = slot::of(&self.scope)
            .filter(slot::day.lt(day))
            .select(diesel::dsl::max(slot::day))
            .first(&mut self.conn)
            .context("looking for the day before")?;
        let after = slot::of(&self.scope)
            .filter(slot::day.gt(day))
            .select(diesel::dsl::min(slot::day))
            .first(&mut self.conn)
            .context("looking for the day after")?;
        Ok((before, after))
    }

    /// Seats taken from `first` on, by slot.
    pub fn taken(&mut self, first: NaiveDate) -> Result<BTreeMap<SlotId, u64>> {
        let rows: Vec<(Word<SlotId>, i64)> = reservation::of(&self.scope)
            .inner_join(joined!(slot, reservation, slot_id))
            .filter(slot::day.ge(first))
            .group_by(reservation::slot_id)
            .select((reservation::slot_id, count_star()))
            .load(&mut self.conn)
            .context("reading the reservations")?;
        counted(rows)
    }
}

/// Seats taken by slot.
fn counted(rows: Vec<(Word<SlotId>, i64)>) -> Result<BTreeMap<SlotId, u64>> {
    rows.into_iter().map(|(slot, n)| Ok((named("reservation", slot)?, n as u64))).collect()
}

/// The slot that a row names.
pub(super) fn named(table: &'static str, slot: Word<SlotId>) -> Result<SlotId, Unreadable> {
    slot.read().map_err(|found| Unreadable::new(table, "slot_id", &"a row", found))
}
