//! The slots that openings give.

use chrono::{Datelike, NaiveDate, NaiveTime, TimeDelta};

use super::{Agenda, Opening, Pool};
use crate::slot::SlotId;

/// A slot (*créneau*): a number of seats at a desk, at a civil time of its site.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// Where and when.
    pub id: SlotId,
    /// Length in minutes.
    pub duration_min: u16,
    /// People received at once.
    pub seats: u32,
}

impl Agenda {
    /// The slots that the openings give from `from` to `until`, both included, except on holidays and closures. If two
    /// openings of a desk give the same hour, their seats add up.
    pub fn slots(&self, from: NaiveDate, until: NaiveDate) -> Vec<Slot> {
        let mut slots: Vec<Slot> = Vec::new();
        for pool in self.pools() {
            let id = pool.id();
            for day in from.iter_days().take_while(|d| *d <= until).filter(|d| self.closed(pool, *d).is_none()) {
                for opening in pool.desk.opening.iter().filter(|o| o.holds_on(day)) {
                    slots.extend(opening.starts().map(|start| Slot {
                        id: id.at(day, start),
                        duration_min: opening.slot_min,
                        seats: opening.seats,
                    }));
                }
            }
        }
        slots.sort();
        slots.dedup_by(|next, kept| {
            let same = next.id == kept.id;
            if same {
                kept.seats += next.seats;
            }
            same
        });
        slots
    }

    /// The seats that the openings give a pool on a day: none on holidays and closures.
    pub fn seats(&self, pool: Pool<'_>, day: NaiveDate) -> u32 {
        let holding: Vec<&Opening> = pool.desk.opening.iter().filter(|o| o.holds_on(day)).collect();
        if holding.is_empty() || self.closed(pool, day).is_some() {
            return 0;
        }
        holding.into_iter().map(|o| o.starts().count() as u32 * o.seats).sum()
    }
}

impl Opening {
    fn holds_on(&self, day: NaiveDate) -> bool {
        day.weekday() == self.weekday
            && self.valid_from.is_none_or(|from| from <= day)
            && self.valid_to.is_none_or(|to| day <= to)
    }

    fn starts(&self) -> impl Iterator<Item = NaiveTime> + use<> {
        let length = i64::from(self.slot_min);
        let count = (self.to - self.from).num_minutes() / length;
        let from = self.from;
        (0..count).map(move |i| from + TimeDelta::minutes(i * length))
    }
}
