//! The second pass against every possible assignment of small nights.

use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use convoke_check::closes;
use convoke_domain::ids::PermitId;
use convoke_domain::permit::PermitKind;
use convoke_domain::slot::PoolId;
use convoke_instance::{Candidate, Pass, RankedPool, SlotSeats};

/// A person who has expired already, or does before any seat.
fn person(number: usize, expiry: i32, months: i32, notice: i32, pools: &[u32]) -> Candidate {
    Candidate {
        id: PermitId(format!("{number}")),
        household: None,
        first_seen: 0,
        category: PermitKind::Cst,
        pools: pools.iter().map(|pool| RankedPool { pool: *pool, rank: pool + 1 }).collect(),
        release: notice,
        pref_end: expiry,
        deadline: expiry,
        earliest: notice,
        full_notice: notice,
        firm_before: 0,
        weight: 1,
        lapse_late: 0,
        late_until: Some(expiry + months),
        again: false,
        better_than: None,
    }
}

fn nights() -> impl Strategy<Value = PlanningInput> {
    let people = prop::collection::vec((-9i32..3, 4i32..14, 0i32..4, 1u32..4), 0..6);
    let seats = prop::collection::vec((0u32..2, 0i32..14, 1u32..3), 0..6);
    (people, seats).prop_map(|(people, seats)| {
        let candidates = people.into_iter().enumerate().map(|(number, (expiry, months, notice, pools))| {
            let pools: Vec<u32> = (0..2).filter(|pool| pools & (1 << pool) > 0).collect();
            person(number, expiry, months, notice, &pools)
        });
        let mut slots: Vec<SlotSeats> =
            seats.into_iter().map(|(pool, day, free)| SlotSeats { pool, day, start: 540, free }).collect();
        slots.sort_unstable();
        slots.dedup_by_key(|s| (s.pool, s.day));
        PlanningInput {
            business_date: "2026-10-05".parse().unwrap(),
            seed: "s".into(),
            perish_before: None,
            surplus_before: 60,
            late_wait_days: 10,
            beside: BTreeMap::new(),
            pools: vec![PoolId::new("s", "0"), PoolId::new("s", "1")],
            slots,
            candidates: candidates.collect(),
        }
        .canonical()
    })
}

/// Fewest people past their six months, then fewest days after the first possible one: by trying everything.
fn best(people: &[&Candidate], seats: &mut BTreeMap<(u32, i32), u32>) -> (usize, i32) {
    let Some((first, rest)) = people.split_first() else { return (0, 0) };
    let (past, days) = best(rest, seats);
    let mut least = (past + 1, days);
    let days: Vec<(u32, i32)> = seats.iter().filter(|(_, free)| **free > 0).map(|(at, _)| *at).collect();
    for (pool, day) in days {
        let first_day = first.earliest.max(first.deadline + 1);
        let within = first_day <= day && day <= first.deadline + months(first);
        if !within || first.pools.iter().all(|r| r.pool != pool) {
            continue;
        }
        *seats.get_mut(&(pool, day)).unwrap() -= 1;
        let (past, later) = best(rest, seats);
        least = least.min((past, later + day - first_day));
        *seats.get_mut(&(pool, day)).unwrap() += 1;
    }
    least
}

fn months(c: &Candidate) -> i32 {
    c.late_until.unwrap() - c.deadline
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn as_few_as_possible_pass_their_six_months_and_the_others_wait_as_little_as_possible(input in nights()) {
        let (plan, proof) = plan(&input).unwrap();
        prop_assert!(closes(&proof));
        let mut seats: BTreeMap<(u32, i32), u32> = BTreeMap::new();
        for s in &input.slots {
            *seats.entry((s.pool, s.day)).or_default() += s.free;
        }
        let (mut in_time, mut late) = (HashSet::new(), HashMap::new());
        for a in &plan.appointments {
            if a.pass == Pass::AfterExpiry {
                late.insert(a.candidate, a.day);
            } else {
                in_time.insert(a.candidate);
                *seats.get_mut(&(a.pool, a.day)).unwrap() -= 1;
            }
        }
        let left_out: Vec<usize> = (0..input.candidates.len()).filter(|i| !in_time.contains(i)).collect();
        let people: Vec<&Candidate> = left_out.iter().map(|i| &input.candidates[*i]).collect();
        let (mut past, mut days) = (0, 0);
        for i in &left_out {
            let c = &input.candidates[*i];
            match late.get(i) {
                Some(day) if *day <= c.late_until.unwrap() => days += day - c.earliest.max(c.deadline + 1),
                _ => past += 1,
            }
        }
        prop_assert_eq!((past, days), best(&people, &mut seats));
        prop_assert_eq!(plan.figures(&input).past_six_months, past);
    }

    #[test]
    fn among_people_alike_the_one_whose_months_end_first_is_seen_first(input in nights()) {
        let (plan, _) = plan(&input).unwrap();
        let within = |a: &&convoke_instance::Appointment| {
            a.pass == Pass::AfterExpiry && a.day <= input.candidates[a.candidate].late_until.unwrap()
        };
        let late: Vec<_> = plan.appointments.iter().filter(within).collect();
        for (a, b) in late.iter().flat_map(|a| late.iter().map(move |b| (a, b))) {
            let (one, other) = (&input.candidates[a.candidate], &input.candidates[b.candidate]);
            let alike = one.pools == other.pools && one.late_from() == other.late_from();
            if alike && one.late_until < other.late_until {
                prop_assert!(a.day <= b.day, "{one:?} {other:?}");
            }
        }
    }
}

#[test]
fn two_who_want_one_seat_are_both_seen_in_time_where_one_can_wait() {
    // Both could come on day 5; only the second may still come on day 9.
    let slots =
        vec![SlotSeats { pool: 0, day: 5, start: 540, free: 1 }, SlotSeats { pool: 0, day: 9, start: 540, free: 1 }];
    let candidates = vec![person(0, -1, 12, 0, &[0]), person(1, -2, 8, 0, &[0])];
    let input = PlanningInput {
        business_date: "2026-10-05".parse().unwrap(),
        seed: "s".into(),
        perish_before: None,
        surplus_before: 60,
        late_wait_days: 10,
        beside: BTreeMap::new(),
        pools: vec![PoolId::new("s", "0")],
        slots,
        candidates,
    };
    let (plan, _) = plan(&input).unwrap();
    let days: Vec<i32> = plan.appointments.iter().map(|a| a.day).collect();
    assert_eq!(days, [9, 5]);
    assert_eq!(plan.figures(&input).past_six_months, 0);
}
