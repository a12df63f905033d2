//! The seats of the weeks ahead: those in the agenda, those that opening hours promise beyond it, and what-if changes.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::horizon::week_of;
use super::{Extra, Horizon, Percent, Unknown};
use convoke_domain::slot::PoolId;
use convoke_planning::crowd::Seats;

/// The seats of a desk on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeskDay {
    /// Pool number: index into the agenda's pools.
    pub pool: u32,
    /// Day.
    pub day: NaiveDate,
    /// All seats.
    pub seats: u32,
    /// Reserved seats.
    pub taken: u32,
    /// Whether it comes from the desk's opening hours, because the agenda has no slots yet.
    pub projected: bool,
}

/// Scales numbers by a percentage; their running total is always right to the unit.
pub(super) struct Scale {
    share: Percent,
    before: i64,
}

impl Scale {
    pub(super) fn new(share: Percent) -> Self {
        Self { share, before: 0 }
    }

    pub(super) fn of(&mut self, number: u32) -> u32 {
        let scaled = |sum: i64| (sum * i64::from(100 + self.share.0) + 50).div_euclid(100);
        let after = self.before + i64::from(number);
        let here = scaled(after) - scaled(self.before);
        self.before = after;
        here.clamp(0, i64::from(u32::MAX)) as u32
    }
}

/// Scales the seats of future days. The running total of each desk is right to the seat.
pub(super) fn scaled(mut days: Vec<DeskDay>, share: Percent) -> Vec<DeskDay> {
    days.sort_unstable();
    let mut scales: BTreeMap<u32, Scale> = BTreeMap::new();
    for day in &mut days {
        day.seats = scales.entry(day.pool).or_insert_with(|| Scale::new(share)).of(day.seats);
    }
    days
}

/// The free seats, by pool and day of the horizon.
pub(super) fn free(days: &[DeskDay], horizon: &Horizon) -> Vec<Seats> {
    let of = |d: &DeskDay| Seats { pool: d.pool, day: horizon.day(d.day), free: d.seats.saturating_sub(d.taken) };
    days.iter().map(of).collect()
}

/// Extra seats by pool and week, on the open days where they help most. Refused if a desk has no open day in the week:
/// no seat could be opened there.
pub(super) fn extra(
    asked: &[Extra],
    pools: &[PoolId],
    days: &[DeskDay],
    horizon: &Horizon,
) -> Result<Vec<Seats>, Unknown> {
    let mut sums: BTreeMap<(u32, i32), u32> = BTreeMap::new();
    for extra in asked {
        let desk = PoolId::new(&extra.site, &extra.desk);
        let pool = pools.iter().position(|name| *name == desk);
        let known = || pools.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let pool = pool.ok_or_else(|| Unknown::Desk { asked: desk.to_string(), known: known() })? as u32;
        let open = |d: &&DeskDay| d.pool == pool && d.day <= horizon.last && d.seats > 0;
        let week = days.iter().filter(open).map(|d| week_of(d.day)).find(|week| week.name == extra.week);
        let week = week.ok_or_else(|| {
            let mut weeks: Vec<String> = days.iter().filter(open).map(|d| week_of(d.day)).map(|w| w.name).collect();
            weeks.dedup();
            let known = match (weeks.first(), weeks.last()) {
                (Some(first), Some(last)) => format!("it is open in weeks from {first} to {last}"),
                _ => "it is never open in these weeks".to_owned(),
            };
            Unknown::Week { asked: extra.week.clone(), desk: desk.to_string(), known }
        })?;
        *sums.entry((pool, horizon.day(week.monday))).or_default() += extra.seats;
    }
    Ok(sums.into_iter().map(|((pool, day), free)| Seats { pool, day, free }).collect())
}

/// Seats of days, plus extra seats of weeks, spread over the open days that a letter can still reach, earliest first.
pub(super) fn spread(free: &[Seats], extra: &[Seats], reach: i32) -> Vec<Seats> {
    let mut days = free.to_vec();
    for week in extra {
        let within = |s: &Seats| s.pool == week.pool && (week.day.max(reach)..week.day + 7).contains(&s.day);
        let open: Vec<usize> = (0..days.len()).filter(|i| within(&days[*i])).collect();
        for (n, i) in open.iter().enumerate() {
            let (each, rest) = (week.free / open.len() as u32, week.free % open.len() as u32);
            days[*i].free += each + u32::from((n as u32) < rest);
        }
    }
    days
}

/// The seats that remain after some were given.
pub(super) fn without(free: &[Seats], given: &[Seats]) -> Vec<Seats> {
    let mut gone: BTreeMap<(u32, i32), u32> = BTreeMap::new();
    for seats in given {
        *gone.entry((seats.pool, seats.day)).or_default() += seats.free;
    }
    let left = |s: &Seats| s.free.saturating_sub(gone.get(&(s.pool, s.day)).copied().unwrap_or(0));
    free.iter().map(|s| Seats { free: left(s), ..*s }).collect()
}
