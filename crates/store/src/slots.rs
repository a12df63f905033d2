//! Slots and their taken seats.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use chrono::{NaiveDate, NaiveTime, Timelike};
use diesel::dsl::count_star;
use diesel::prelude::*;

use super::schema::{reservation, slot};
use super::{Store, on_backend};
use convoke_domain::agenda::Slot;
use convoke_domain::ids::SlotId;

/// A slot as stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = slot, treat_none_as_default_value = false)]
pub struct SlotRow {
    prefecture: String,
    /// Slot.
    pub slot_id: String,
    /// Site.
    pub site: String,
    /// Desk.
    pub desk: String,
    /// Day.
    pub day: NaiveDate,
    /// Minutes after midnight.
    pub start: i64,
    /// Length in minutes.
    pub duration_min: i64,
    /// Seats.
    pub seats: i64,
}

impl SlotRow {
    fn of(prefecture: &str, slot: &Slot) -> Self {
        Self {
            prefecture: prefecture.to_owned(),
            slot_id: SlotId::new(&slot.site, &slot.desk, slot.day, slot.start).0,
            site: slot.site.clone(),
            desk: slot.desk.clone(),
            day: slot.day,
            start: i64::from(slot.start.num_seconds_from_midnight() / 60),
            duration_min: slot.duration_min.into(),
            seats: slot.seats.into(),
        }
    }

    /// The civil hour.
    pub fn hour(&self) -> NaiveTime {
        NaiveTime::from_num_seconds_from_midnight_opt(self.start as u32 * 60, 0).unwrap_or_default()
    }
}

impl Store {
    /// Inserts new slots and updates those whose length or seats differ. Returns (inserted, updated).
    pub fn upsert_slots(&mut self, slots: &[Slot]) -> Result<(u64, u64)> {
        let (Some(first), Some(last)) = (slots.iter().map(|s| s.day).min(), slots.iter().map(|s| s.day).max()) else {
            return Ok((0, 0));
        };
        // As stored: a closed day keeps its seats in the table, for when it is reopened.
        let known: HashMap<String, SlotRow> =
            self.slots_as_stored(first, last)?.into_iter().map(|s| (s.slot_id.clone(), s)).collect();
        let rows: Vec<SlotRow> = slots.iter().map(|s| SlotRow::of(&self.prefecture, s)).collect();
        let (old, new): (Vec<SlotRow>, Vec<SlotRow>) =
            rows.into_iter().partition(|row| known.contains_key(&row.slot_id));
        for batch in new.chunks(2_000) {
            on_backend!(&mut self.conn, c => diesel::insert_into(slot::table).values(batch).execute(c))
                .context("inserting slots")?;
        }
        let mut updated = 0;
        for row in &old {
            let was = &known[&row.slot_id];
            if (was.duration_min, was.seats) != (row.duration_min, row.seats) {
                diesel::update(slot::table.find((&row.prefecture, &row.slot_id)))
                    .set((slot::duration_min.eq(row.duration_min), slot::seats.eq(row.seats)))
                    .execute(&mut self.conn)?;
                updated += 1;
            }
        }
        Ok((new.len() as u64, updated))
    }

    /// Slots from `first` to `last`, both included. Slots on days closed by hand have no seats.
    pub fn slots(&mut self, first: NaiveDate, last: NaiveDate) -> Result<Vec<SlotRow>> {
        let mut slots = self.slots_as_stored(first, last)?;
        self.close_slots(&mut slots)?;
        Ok(slots)
    }

    /// Sets the seats of slots on closed days to none.
    pub(super) fn close_slots(&mut self, slots: &mut [SlotRow]) -> Result<()> {
        let Some(first) = slots.iter().map(|s| s.day).min() else { return Ok(()) };
        let closed = self.closed_days(first)?;
        for slot in slots.iter_mut().filter(|s| closed.iter().any(|c| c.covers(&s.site, &s.desk, s.day))) {
            slot.seats = 0;
        }
        Ok(())
    }

    fn slots_as_stored(&mut self, first: NaiveDate, last: NaiveDate) -> Result<Vec<SlotRow>> {
        slot::table
            .filter(slot::prefecture.eq(&self.prefecture))
            .filter(slot::day.between(first, last))
            .order((slot::day, slot::slot_id))
            .load(&mut self.conn)
            .context("reading slots")
    }

    /// One slot.
    pub fn slot(&mut self, id: &SlotId) -> Result<Option<SlotRow>> {
        let found: Option<SlotRow> =
            slot::table.find((&self.prefecture, &id.0)).first(&mut self.conn).optional().context("reading a slot")?;
        let Some(slot) = found else { return Ok(None) };
        let mut one = [slot];
        self.close_slots(&mut one)?;
        Ok(one.into_iter().next())
    }

    /// The last day with a slot.
    pub fn last_slot_day(&mut self) -> Result<Option<NaiveDate>> {
        let last = slot::table.filter(slot::prefecture.eq(&self.prefecture)).select(diesel::dsl::max(slot::day));
        last.first(&mut self.conn).context("reading the end of the agenda")
    }

    /// Slots of a desk from `first` to `last`, both included, that have a free seat, and how many.
    pub fn free_slots_of(
        &mut self,
        (site, desk): (&str, &str),
        first: NaiveDate,
        last: NaiveDate,
    ) -> Result<Vec<(SlotRow, u64)>> {
        // Slot names sort by site, desk and time: this is a key range.
        let (from, until) = (format!("{site}/{desk}/{first}"), format!("{site}/{desk}/{last}U"));
        let mut slots: Vec<SlotRow> = slot::table
            .filter(slot::prefecture.eq(&self.prefecture).and(slot::slot_id.between(&from, &until)))
            .order(slot::slot_id)
            .load(&mut self.conn)
            .context("reading the slots of a desk")?;
        self.close_slots(&mut slots)?;
        let taken: Vec<(String, i64)> = reservation::table
            .filter(reservation::prefecture.eq(&self.prefecture).and(reservation::slot_id.between(&from, &until)))
            .group_by(reservation::slot_id)
            .select((reservation::slot_id, count_star()))
            .load(&mut self.conn)
            .context("reading the reservations of a desk")?;
        let taken: HashMap<String, i64> = taken.into_iter().collect();
        let free = |slot: SlotRow| {
            let free = slot.seats - taken.get(&slot.slot_id).copied().unwrap_or(0);
            (free > 0).then_some((slot, free.unsigned_abs()))
        };
        Ok(slots.into_iter().filter_map(free).collect())
    }

    /// The last day with slots before a day, and the first after it.
    pub fn slot_days_around(&mut self, day: NaiveDate) -> Result<(Option<NaiveDate>, Option<NaiveDate>)> {
        let before = slot::table
            .filter(slot::prefecture.eq(&self.prefecture).and(slot::day.lt(day)))
            .select(diesel::dsl::max(slot::day))
            .first(&mut self.conn)
            .context("looking for the day before")?;
        let after = slot::table
            .filter(slot::prefecture.eq(&self.prefecture).and(slot::day.gt(day)))
            .select(diesel::dsl::min(slot::day))
            .first(&mut self.conn)
            .context("looking for the day after")?;
        Ok((before, after))
    }

    /// Seats taken from `first` on, by slot.
    pub fn taken(&mut self, first: NaiveDate) -> Result<BTreeMap<String, u64>> {
        let rows: Vec<(String, i64)> = reservation::table
            .inner_join(
                slot::table
                    .on(slot::prefecture.eq(reservation::prefecture).and(slot::slot_id.eq(reservation::slot_id))),
            )
            .filter(reservation::prefecture.eq(&self.prefecture))
            .filter(slot::day.ge(first))
            .group_by(reservation::slot_id)
            .select((reservation::slot_id, count_star()))
            .load(&mut self.conn)
            .context("reading the reservations")?;
        Ok(rows.into_iter().map(|(slot, n)| (slot, n as u64)).collect())
    }
}
