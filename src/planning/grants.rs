//! Seats for written requests, out of what the plan can spare: a request never takes the last seat that would make another lapse.

use std::collections::BTreeMap;

use super::{Day, Plan, PlanningInput, RankedPool, plan};

/// Somebody outside the plan who asks to be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asking {
    /// Pools that may receive them, nearest first.
    pub pools: Vec<RankedPool>,
    /// First day that notice and window allow.
    pub first: Day,
    /// Last day that is of use.
    pub last: Day,
}

/// A seat that was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Position in the list of those who ask.
    pub asking: usize,
    /// Pool number.
    pub pool: u32,
    /// Day.
    pub day: Day,
    /// Minutes after midnight.
    pub start: u16,
}

/// Plans that may be made again in one night to see whether a seat can be spared.
const PLANNED_AGAIN: u32 = 60;
/// Of these, for one request.
const EACH: u32 = 3;

/// Grants each who asks, in the order given, the first seat within the shares that nobody's last day depends on. Returns the input
/// without these seats: planned, it has no more lapses than before.
pub fn grant(
    input: &PlanningInput,
    asking: &[Asking],
    shares: &BTreeMap<(u32, Day), u32>,
) -> (PlanningInput, Vec<Grant>) {
    let mut night = Night { input: input.clone(), planned: BTreeMap::new(), lapses: 0, shares: shares.clone() };
    let mut grants = Vec::new();
    // An instance that overflows is refused when the night itself is planned.
    let Ok((first, _)) = plan(input) else { return (night.input, grants) };
    night.take_plan(&first);
    let mut again = PLANNED_AGAIN;
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
    /// Seats of the plan by pool and day.
    planned: BTreeMap<(u32, Day), u32>,
    lapses: usize,
    shares: BTreeMap<(u32, Day), u32>,
}

impl Night {
    fn take_plan(&mut self, plan: &Plan) {
        self.lapses = plan.lapses.len();
        self.planned.clear();
        for a in &plan.appointments {
            *self.planned.entry((a.pool, a.day)).or_default() += 1;
        }
    }

    /// One hour of each day within the shares on which a seat is free, soonest first; of a day, the nearest site.
    fn possible(&self, who: &Asking) -> Vec<(u32, Day, u16)> {
        let mut found: BTreeMap<(Day, u32, u32), u16> = BTreeMap::new();
        for s in self.input.slots.iter().filter(|s| s.free > 0 && (who.first..=who.last).contains(&s.day)) {
            let Some(ranked) = who.pools.iter().find(|r| r.pool == s.pool) else { continue };
            if self.shares.get(&(s.pool, s.day)).is_some_and(|left| *left > 0) {
                found.entry((s.day, ranked.rank, s.pool)).or_insert(s.start);
            }
        }
        found.into_iter().map(|((day, _, pool), start)| (pool, day, start)).collect()
    }

    fn is_spare(&self, (pool, day, _): (u32, Day, u16)) -> bool {
        let free: u32 = self.input.slots.iter().filter(|s| (s.pool, s.day) == (pool, day)).map(|s| s.free).sum();
        free > self.planned.get(&(pool, day)).copied().unwrap_or(0)
    }

    fn slot(&mut self, at: (u32, Day, u16)) -> Option<&mut u32> {
        let found = self.input.slots.binary_search_by_key(&at, |s| (s.pool, s.day, s.start)).ok()?;
        Some(&mut self.input.slots[found].free)
    }

    fn take_seat(&mut self, at: (u32, Day, u16)) {
        if let Some(free) = self.slot(at) {
            *free -= 1;
        }
        if let Some(left) = self.shares.get_mut(&(at.0, at.1)) {
            *left -= 1;
        }
    }

    fn take_if_nobody_lapses(&mut self, at: (u32, Day, u16)) -> bool {
        if let Some(free) = self.slot(at) {
            *free -= 1;
        }
        match plan(&self.input) {
            Ok((without, _)) if without.lapses.len() <= self.lapses => {
                self.take_plan(&without);
                if let Some(left) = self.shares.get_mut(&(at.0, at.1)) {
                    *left -= 1;
                }
                true
            }
            _ => {
                if let Some(free) = self.slot(at) {
                    *free += 1;
                }
                false
            }
        }
    }
}
