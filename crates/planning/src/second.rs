//! The second pass, which never touches the first: it gives the remaining seats to those for whom the first had none,
//! then everyone's hours.

use convoke_instance::{
    Appointment, Day, Instance, Lapse, LapseCause, NOWHERE, Pass, Plan, PlanningInput, Proof, hours,
};
use std::collections::{HashMap, HashSet};

/// The whole plan of a night. `candidates` are the candidate indices of the people in the proof.
pub(super) fn complete(input: &PlanningInput, proof: &Proof, candidates: &[usize]) -> Plan {
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
    // After expiry: the first seats left, longest overdue first.
    let late = (0..input.candidates.len()).filter(|i| input.candidates[*i].is_late());
    let mut without: Vec<usize> = late.chain(lapses.iter().map(|l| l.candidate)).collect();
    without.sort_by_cached_key(|i| (input.candidates[*i].deadline, input.tie(*i)));
    for candidate in without {
        let c = &input.candidates[candidate];
        let first_left = |pool: u32| {
            proof.instance.pool_days(pool, c.earliest.max(c.deadline + 1), Day::MAX).find(|bin| left[*bin] > 0)
        };
        let seats = c.pools.iter().filter_map(|r| Some((first_left(r.pool)?, r.rank)));
        if let Some((bin, _)) = seats.min_by_key(|(bin, rank)| (bins[*bin].day, *rank, *bin)) {
            give(candidate, bin as u32, Pass::AfterExpiry, &mut left);
        }
    }
    Plan { appointments: appointments(input, &proof.instance, &place), lapses }
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
