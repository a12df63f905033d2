//! By deadline, nearest site first, earliest day: a simple assignment, feasible and complete, not yet optimal.

use std::collections::BTreeMap;

use super::{Appointment, Day, Lapse, LapseCause, Pass, Plan, PlanningInput};

/// Free seats by pool and day.
struct Seats(Vec<BTreeMap<Day, u32>>);

impl Seats {
    fn of(input: &PlanningInput) -> Self {
        let mut pools = vec![BTreeMap::new(); input.pools.len()];
        for slot in &input.slots {
            *pools[slot.pool as usize].entry(slot.day).or_insert(0) += slot.free;
        }
        Self(pools)
    }

    /// Takes the earliest free seat of the nearest pool that has one from `first` to `last`.
    fn take(&mut self, pools: &[super::RankedPool], first: Day, last: Day) -> Option<(u32, Day)> {
        if first > last {
            return None;
        }
        pools.iter().find_map(|ranked| {
            let (day, free) = self.0[ranked.pool as usize].range_mut(first..=last).find(|(_, free)| **free > 0)?;
            *free -= 1;
            Some((ranked.pool, *day))
        })
    }

    fn any_day(&self, pools: &[super::RankedPool], first: Day, last: Day) -> bool {
        first <= last && pools.iter().any(|r| self.0[r.pool as usize].range(first..=last).next().is_some())
    }
}

pub(super) fn assign(input: &PlanningInput) -> Plan {
    let mut seats = Seats::of(input);
    let mut order: Vec<(Day, u64, usize)> =
        input.candidates.iter().enumerate().map(|(i, c)| (c.deadline, input.tie(i), i)).collect();
    order.sort_unstable();

    let mut appointments: Vec<Appointment> = Vec::with_capacity(order.len());
    let mut without = Vec::new();
    let mut give = |i: usize, (pool, day): (u32, Day), pass: Pass| {
        let firm = day < input.candidates[i].firm_before || pass == Pass::AfterExpiry;
        appointments.push(Appointment { candidate: i, pool, day, start: 0, pass, firm });
    };
    for &(_, _, i) in &order {
        let c = &input.candidates[i];
        match seats.take(&c.pools, c.release, c.deadline) {
            Some(place) => give(i, place, Pass::InTime),
            None => without.push(i),
        }
    }
    // The second pass: what is left, to those for whom the first had nothing. Those who can still be saved come first.
    let mut lapses = Vec::new();
    without.retain(|&i| {
        let c = &input.candidates[i];
        let saved = seats.take(&c.pools, c.earliest, c.deadline);
        if let Some(place) = saved {
            give(i, place, Pass::ShortNotice);
        } else if !c.is_late() {
            let exists = seats.any_day(&c.pools, c.release.min(c.earliest), c.deadline);
            let cause = if exists { LapseCause::NoCapacity } else { LapseCause::NoPossibleDay };
            lapses.push(Lapse { candidate: i, cause });
        }
        saved.is_none()
    });
    for i in without {
        let c = &input.candidates[i];
        if let Some(place) = seats.take(&c.pools, c.earliest, Day::MAX) {
            give(i, place, Pass::AfterExpiry);
        }
    }
    set_hours(input, &mut appointments);
    appointments.sort_unstable_by_key(|a| a.candidate);
    lapses.sort_unstable_by_key(|l| l.candidate);
    Plan { appointments, lapses }
}

/// Gives the hours of a pool-day in the order in which people were placed. Those who are firm tonight come first: the
/// others are planned again tomorrow, and must not hold the first hours of a day that they may leave.
fn set_hours(input: &PlanningInput, appointments: &mut [Appointment]) {
    let mut hours: BTreeMap<(u32, Day), Vec<(u16, u32)>> = BTreeMap::new();
    for slot in &input.slots {
        hours.entry((slot.pool, slot.day)).or_default().push((slot.start, slot.free));
    }
    appointments.sort_by_key(|a| !a.firm);
    let mut next: BTreeMap<(u32, Day), (usize, u32)> = BTreeMap::new();
    for a in appointments {
        let here = &hours[&(a.pool, a.day)];
        let (slot, used) = next.entry((a.pool, a.day)).or_insert((0, 0));
        while *used >= here[*slot].1 {
            (*slot, *used) = (*slot + 1, 0);
        }
        a.start = here[*slot].0;
        *used += 1;
    }
}
