//! The second pass, which never touches the first: it gives the remaining seats to those for whom the first had none,
//! then everyone's hours.
//!
//! Six months after expiry a request is a first one again (CESEDA R.431-8). So the second pass is a problem of the same
//! kind as the first, solved and proved by the same means: its deadline is the last day of these months, and each day
//! after the first possible one costs the same for everybody. Whoever it leaves out gets the first seat left, whenever
//! that is.

use convoke_instance::{
    Appointment, Day, Instance, Lapse, LapseCause, NOWHERE, Overflow, Pass, Plan, PlanningInput, Proof, SlotSeats,
    hours,
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The whole plan of a night. `candidates` are the candidate indices of the people in the proof.
pub(super) fn complete(
    input: &PlanningInput,
    mut proof: Proof,
    candidates: &[usize],
) -> Result<(Plan, Proof), Overflow> {
    let bins = &proof.instance.bins;
    let mut left: Vec<u32> = bins.iter().map(|b| b.seats).collect();
    let mut place: Vec<Option<(u32, Pass)>> = vec![None; input.candidates.len()];
    let mut give = |candidate: usize, bin: u32, pass: Pass, left: &mut Vec<u32>| {
        place[candidate] = Some((bin, pass));
        left[bin as usize] -= 1;
    };
    let mut without = Vec::new();
    for (candidate, bin) in candidates.iter().zip(&proof.places) {
        match *bin {
            NOWHERE => without.push(*candidate),
            bin => {
                let notice_is_full = input.candidates[*candidate].release <= bins[bin as usize].day;
                let pass = if notice_is_full { Pass::InTime } else { Pass::ShortNotice };
                give(*candidate, bin, pass, &mut left);
            }
        }
    }
    let lapse = |candidate: &usize| Lapse { candidate: *candidate, cause: cause(input, &proof.instance, *candidate) };
    let lapses: Vec<Lapse> = without.iter().map(lapse).collect();
    let late = (0..input.candidates.len()).filter(|i| input.candidates[*i].is_late());
    let mut without: Vec<usize> = late.chain(lapses.iter().map(|l| l.candidate)).collect();
    without.sort_by_cached_key(|i| (input.candidates[*i].deadline, input.tie(*i)));
    let mut second = None;
    if !without.is_empty() {
        let (instance, people) = Instance::of_second_pass(input, &without, seats_left(&proof.instance, &left))?;
        let mut solved = super::exact(instance);
        in_order_of_expiry(input, &mut solved, &people);
        for (candidate, bin) in people.iter().zip(&solved.places).filter(|(_, bin)| **bin != NOWHERE) {
            give(*candidate, *bin, Pass::AfterExpiry, &mut left);
        }
        let placed: HashSet<usize> =
            people.iter().zip(&solved.places).filter(|(_, bin)| **bin != NOWHERE).map(|(i, _)| *i).collect();
        // Past the six months: the first seats left, longest overdue first.
        for candidate in without.into_iter().filter(|i| !placed.contains(i)) {
            let c = &input.candidates[candidate];
            let first_left =
                |pool: u32| proof.instance.pool_days(pool, c.late_from(), c.last_late_day()).find(|bin| left[*bin] > 0);
            let seats = c.pools.iter().filter_map(|r| Some((first_left(r.pool)?, r.rank)));
            if let Some((bin, _)) = seats.min_by_key(|(bin, rank)| (bins[*bin].day, *rank, *bin)) {
                give(candidate, bin as u32, Pass::AfterExpiry, &mut left);
            }
        }
        second = Some(Box::new(solved));
    }
    let plan = Plan { appointments: appointments(input, &proof.instance, &place), lapses };
    if let Some(second) = &mut second {
        // The hours that the first pass left, as they were given in the end.
        second.instance.slots = hours_left(&proof.instance, &plan);
    }
    proof.second = second;
    Ok((plan, proof))
}

/// The hours of each pool-day, with as many free seats in all as are left of it: the earliest are taken.
fn seats_left(instance: &Instance, left: &[u32]) -> Vec<SlotSeats> {
    let mut taken: HashMap<(u32, Day), u32> =
        instance.bins.iter().zip(left).map(|(bin, left)| ((bin.pool, bin.day), bin.seats - left)).collect();
    let after = |slot: &SlotSeats| {
        let taken = taken.entry((slot.pool, slot.day)).or_default();
        let used = slot.free.min(*taken);
        *taken -= used;
        SlotSeats { free: slot.free - used, ..*slot }
    };
    instance.slots.iter().map(after).collect()
}

/// The hours that the first pass leaves in a whole plan.
fn hours_left(instance: &Instance, plan: &Plan) -> Vec<SlotSeats> {
    let mut taken: BTreeMap<(u32, Day, u16), u32> = BTreeMap::new();
    for a in plan.appointments.iter().filter(|a| a.pass != Pass::AfterExpiry) {
        *taken.entry((a.pool, a.day, a.start)).or_default() += 1;
    }
    let left = |slot: &SlotSeats| {
        let taken = taken.get(&(slot.pool, slot.day, slot.start)).copied().unwrap_or(0);
        SlotSeats { free: slot.free - taken, ..*slot }
    };
    instance.slots.iter().map(left).collect()
}

/// Among people with the same desks and the same first day, the earlier seats go to those who expired first. The plan
/// costs the same, and nobody passes a deadline for it.
fn in_order_of_expiry(input: &PlanningInput, proof: &mut Proof, people: &[usize]) {
    let mut alike: BTreeMap<(u32, Day), Vec<usize>> = BTreeMap::new();
    for (person, _) in proof.places.iter().enumerate().filter(|(_, bin)| **bin != NOWHERE) {
        let class = proof.instance.class_of(person);
        alike.entry((class.list, class.release)).or_default().push(person);
    }
    for mut group in alike.into_values().filter(|group| group.len() > 1) {
        let mut seats: Vec<u32> = group.iter().map(|person| proof.places[*person]).collect();
        seats.sort_by_key(|bin| (proof.instance.bins[*bin as usize].day, *bin));
        group.sort_by_cached_key(|person| {
            let c = &input.candidates[people[*person]];
            (c.late_until(), c.deadline, proof.instance.tie(*person))
        });
        for (person, seat) in group.into_iter().zip(seats) {
            proof.places[person] = seat;
        }
    }
}

fn cause(input: &PlanningInput, instance: &Instance, candidate: usize) -> LapseCause {
    let c = &input.candidates[candidate];
    let any = |pool: u32| !instance.pool_days(pool, c.release.min(c.earliest), c.deadline).is_empty();
    if c.pools.iter().any(|r| any(r.pool)) { LapseCause::NoCapacity } else { LapseCause::NoPossibleDay }
}

/// Assigns the hours of a pool-day: first to those who become firm tonight, because the others are planned again
/// tomorrow and must not hold the first hours of a day that they may leave. Household by household.
fn appointments(input: &PlanningInput, instance: &Instance, place: &[Option<(u32, Pass)>]) -> Vec<Appointment> {
    let mut seated: Vec<(usize, u32, Pass, bool)> = place
        .iter()
        .enumerate()
        .filter_map(|(i, place)| {
            let (bin, pass) = (*place)?;
            let day = instance.bins[bin as usize].day;
            let firm = input.candidates[i].is_firm(day, pass, input);
            Some((i, bin, pass, firm))
        })
        .collect();
    // A family that comes together is convoked together, on the night when the first of them must be.
    let together = |i: usize, bin: u32| {
        let household = input.candidates[i].household.as_deref()?;
        let at = &instance.bins[bin as usize];
        Some((household, at.day, input.site(at.pool)))
    };
    let in_time = seated.iter().filter(|(_, _, pass, firm)| *firm && *pass != Pass::AfterExpiry);
    let firm: HashSet<_> = in_time.filter_map(|(i, bin, ..)| together(*i, *bin)).collect();
    for (i, bin, pass, is_firm) in &mut seated {
        *is_firm |= *pass != Pass::AfterExpiry && together(*i, *bin).is_some_and(|family| firm.contains(&family));
    }
    let mut family = HashMap::new();
    for (i, ..) in &seated {
        if let Some(household) = &input.candidates[*i].household {
            let tie = input.tie(*i);
            family.entry(household.as_str()).and_modify(|first| *first = tie.min(*first)).or_insert(tie);
        }
    }
    seated.sort_by_cached_key(|(i, _, _, firm)| {
        let household = input.candidates[*i].household.as_deref();
        let tie = household.map_or_else(|| input.tie(*i), |h| family[h]);
        (!firm, tie, household, *i)
    });
    let starts = hours(instance, seated.iter().map(|(_, bin, ..)| *bin));
    let mut appointments: Vec<Appointment> = seated
        .into_iter()
        .zip(starts)
        .map(|((candidate, bin, pass, firm), start)| {
            let at = &instance.bins[bin as usize];
            Appointment { candidate, pool: at.pool, day: at.day, start, pass, firm }
        })
        .collect();
    appointments.sort_unstable_by_key(|a| a.candidate);
    appointments
}
