//! Seats for written requests, from what the plan can spare: a request never takes a seat whose loss would make someone
//! lapse.

use std::collections::BTreeMap;

use super::plan;
use convoke_instance::{Day, Plan, PlanningInput, RankedPool};

/// A person outside the plan who asks to be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asking {
    /// Pools that may receive them, nearest first.
    pub pools: Vec<RankedPool>,
    /// First day that notice and window allow.
    pub first: Day,
    /// Last useful day.
    pub last: Day,
    /// Days on which they cannot come: first and last day of each range.
    pub avoid: Vec<(Day, Day)>,
}

/// A granted seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Index into the list of those who ask.
    pub asking: usize,
    /// Pool number.
    pub pool: u32,
    /// Day.
    pub day: Day,
    /// Minutes after midnight.
    pub start: u16,
}

/// Limit of replans for one request, to see whether a seat can be spared.
const EACH: u32 = 3;
/// Limits of replans in one night: as many as take about as long as one plan of `PEOPLE_PLANNED_AGAIN` people.
const PLANNED_AGAIN: std::ops::RangeInclusive<u32> = 2..=60;
const PEOPLE_PLANNED_AGAIN: usize = 300_000;

/// The week of a day, counted from the business date: shares are per week.
pub fn week(day: Day) -> Day {
    day.div_euclid(7)
}

/// Grants each person, in the given order, the first seat within the shares (by pool and [`week`]) that nobody's day
/// before expiry depends on. Returns the input without these seats: its plan has no more lapses than before.
pub fn grant(
    input: &PlanningInput,
    asking: &[Asking],
    shares: &BTreeMap<(u32, Day), u32>,
) -> (PlanningInput, Vec<Grant>) {
    let mut night = Night { input: input.clone(), spare: BTreeMap::new(), lapses: 0, shares: shares.clone() };
    let mut grants = Vec::new();
    // An overflowing instance is refused when the night itself is planned.
    let Ok((first, _)) = plan(input) else { return (night.input, grants) };
    night.take_plan(&first);
    let affordable = PEOPLE_PLANNED_AGAIN / input.candidates.len().max(1);
    let mut again = u32::try_from(affordable).unwrap_or(u32::MAX).clamp(*PLANNED_AGAIN.start(), *PLANNED_AGAIN.end());
    for (number, who) in asking.iter().enumerate() {
        let mut tries = EACH.min(again);
        for at in night.possible(who) {
            let granted = if night.is_spare(at) {
                night.take_seat(at);
                true
            } else if tries > 0 {
                (tries, again) = (tries - 1, again - 1);
                night.take_if_nobody_lapses(at)
            } else {
                false
            };
            if granted {
                let (pool, day, start) = at;
                grants.push(Grant { asking: number, pool, day, start });
                break;
            }
        }
    }
    (night.input, grants)
}

struct Night {
    input: PlanningInput,
    /// Seats that the plan leaves unused, by pool and day.
    spare: BTreeMap<(u32, Day), u32>,
    lapses: usize,
    shares: BTreeMap<(u32, Day), u32>,
}

impl Night {
    fn take_plan(&mut self, plan: &Plan) {
        self.lapses = plan.lapses.len();
        self.spare.clear();
        for s in &self.input.slots {
            *self.spare.entry((s.pool, s.day)).or_default() += s.free;
        }
        for a in &plan.appointments {
            if let Some(spare) = self.spare.get_mut(&(a.pool, a.day)) {
                *spare = spare.saturating_sub(1);
            }
        }
    }

    /// One hour with a free seat for each day within the shares, soonest first; on the same day, the nearest site
    /// first.
    fn possible(&self, who: &Asking) -> Vec<(u32, Day, u16)> {
        let mut found: BTreeMap<(Day, u32, u32), u16> = BTreeMap::new();
        for s in self.input.slots.iter().filter(|s| s.free > 0 && (who.first..=who.last).contains(&s.day)) {
            let Some(ranked) = who.pools.iter().find(|r| r.pool == s.pool) else { continue };
            if who.avoid.iter().any(|(first, last)| (*first..=*last).contains(&s.day)) {
                continue;
            }
            if self.shares.get(&(s.pool, week(s.day))).is_some_and(|left| *left > 0) {
                found.entry((s.day, ranked.rank, s.pool)).or_insert(s.start);
            }
        }
        found.into_iter().map(|((day, _, pool), start)| (pool, day, start)).collect()
    }

    fn is_spare(&self, (pool, day, _): (u32, Day, u16)) -> bool {
        self.spare.get(&(pool, day)).is_some_and(|left| *left > 0)
    }

    fn slot(&mut self, at: (u32, Day, u16)) -> Option<&mut u32> {
        let found = self.input.slots.binary_search_by_key(&at, |s| (s.pool, s.day, s.start)).ok()?;
        Some(&mut self.input.slots[found].free)
    }

    /// Takes a seat, and deducts it from the share.
    fn take_seat(&mut self, at: (u32, Day, u16)) {
        if let Some(free) = self.slot(at) {
            *free -= 1;
        }
        for (counts, key) in [(&mut self.spare, (at.0, at.1)), (&mut self.shares, (at.0, week(at.1)))] {
            if let Some(left) = counts.get_mut(&key) {
                *left = left.saturating_sub(1);
            }
        }
    }

    fn take_if_nobody_lapses(&mut self, at: (u32, Day, u16)) -> bool {
        let mut without = self.input.clone();
        let found = without.slots.binary_search_by_key(&at, |s| (s.pool, s.day, s.start));
        let Ok(found) = found else { return false };
        without.slots[found].free -= 1;
        match plan(&without) {
            Ok((plan, _)) if plan.lapses.len() <= self.lapses => {
                self.take_seat(at);
                self.take_plan(&plan);
                true
            }
            _ => false,
        }
    }
}
