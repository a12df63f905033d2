//! The exact plan against independent oracles: five levels by successive shortest paths, lapses by maximum flow,
//! optimality by prices.

#[path = "../tests/support/oracle.rs"]
mod oracle;

use std::collections::BTreeMap;

use oracle::{Office, Person};
use proptest::prelude::*;

use convoke_check::{levels as levels_of, optimality};
use convoke_instance::{Builder, Day, Instance, NOWHERE, Person as Candidate, PoolName, Proof, RankedPool, SlotSeats};

use super::prove;

/// The same office as the planner's input: every pool at its own site, or all at one, seats spread over the hours of a
/// day.
fn instance(office: &Office, households: &[u8]) -> Instance {
    let mut builder = Builder::default();
    for (i, p) in office.people.iter().enumerate() {
        let household = match households.get(i) {
            None | Some(0) => String::new(),
            Some(number) => format!("h{number}"),
        };
        let person = Candidate {
            id: &format!("p{i:03}"),
            household: &household,
            first_seen: None,
            release: p.release,
            pref_end: p.pref_end,
            deadline: p.deadline,
            weight: p.weight,
            lapse_late: p.lapse_late,
        };
        builder.add(person, p.pools.iter().map(|(pool, rank)| RankedPool { pool: *pool, rank: *rank }).collect());
    }
    let name = |number: u32| PoolName {
        name: number.to_string(),
        site: format!("s{}", number / 2),
        desk: format!("d{}", number % 2),
    };
    let slots = office.seats.iter().flat_map(|((pool, day), seats)| {
        let (first, rest) = (seats.div_ceil(2), seats / 2);
        [(540, first), (570, rest)].map(|(start, free)| SlotSeats { pool: *pool, day: *day, start, free })
    });
    let date = "2026-10-05".parse().unwrap();
    builder.build(date, "seed".into(), office.perish_before, (0..4).map(name).collect(), slots.collect()).unwrap()
}

fn levels(proof: &Proof) -> oracle::Levels {
    let levels = levels_of(&proof.instance, proof.proved());
    oracle::Levels {
        lapses: levels.lapses as i64,
        late: levels.late_days as i64,
        perishing: -(levels.perishing_filled as i64),
        rank: levels.site_rank as i64,
        days: levels.days as i64,
    }
}

fn lapsing(places: &[u32]) -> Vec<usize> {
    places.iter().enumerate().filter(|(_, place)| **place == NOWHERE).map(|(i, _)| i).collect()
}

fn people_of(places: &[u32], instance: &Instance) -> BTreeMap<u32, u32> {
    let mut taken = BTreeMap::new();
    for place in places.iter().filter(|place| **place != NOWHERE) {
        *taken.entry(*place).or_default() += 1;
    }
    assert!(taken.iter().all(|(bin, people)| *people <= instance.bins[*bin as usize].seats));
    taken
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_500, ..ProptestConfig::default() })]

    #[test]
    fn every_level_is_what_the_oracles_find_and_the_certificate_closes(office in oracle::office()) {
        let proof = prove(instance(&office, &[]));
        prop_assert_eq!(levels(&proof), oracle::exact(&office));
        prop_assert_eq!(levels(&proof).lapses, oracle::fewest_lapses(&office));
        prop_assert_eq!(optimality(&proof.instance, &proof.places, &proof.prices), Ok(()));
    }

    #[test]
    fn the_certificate_opens_when_one_person_or_one_price_is_changed(
        office in oracle::office(), which in any::<prop::sample::Index>(), by in 1..1_000i128,
    ) {
        let proof = prove(instance(&office, &[]));
        if !proof.prices.is_empty() {
            let mut prices = proof.prices.clone();
            let at = which.index(prices.len());
            // Other prices may also prove the plan, but none outside the range that its people and the free seats
            // allow.
            prices[at].1 += by << 103;
            prop_assert!(optimality(&proof.instance, &proof.places, &prices).is_err());
            prices[at].1 = -1;
            prop_assert!(optimality(&proof.instance, &proof.places, &prices).is_err());
        }
        let seated: Vec<usize> = (0..proof.places.len()).filter(|p| proof.places[*p] != NOWHERE).collect();
        if !seated.is_empty() {
            let person = seated[which.index(seated.len())];
            let mut places = proof.places.clone();
            places[person] = NOWHERE;
            prop_assert!(optimality(&proof.instance, &places, &proof.prices).is_err());
            // Every other place is impossible, or costs something.
            for (bin, at) in proof.instance.bins.iter().enumerate() {
                let mut places = proof.places.clone();
                places[person] = bin as u32;
                let from = &proof.instance.bins[proof.places[person] as usize];
                if at.day != from.day {
                    let moved = optimality(&proof.instance, &places, &proof.prices);
                    prop_assert!(moved.is_err(), "{:?} to {:?}", from, at);
                }
            }
        }
    }

    #[test]
    fn one_seat_more_adds_no_lapse_and_one_holder_more_adds_at_most_one(
        office in oracle::office(), pool in 0..4u32, day in 0..12i32, who in any::<prop::sample::Index>(),
    ) {
        let lapses = |office: &Office| {
            let proof = prove(instance(office, &[]));
            levels_of(&proof.instance, &proof.places).lapses
        };
        let before = lapses(&office);
        let mut more = office.clone();
        *more.seats.entry((pool, day)).or_default() += 1;
        prop_assert!(lapses(&more) <= before);
        prop_assume!(!office.people.is_empty());
        let mut more = office.clone();
        let person: Person = office.people[who.index(office.people.len())].clone();
        more.people.push(person);
        prop_assert!((before..=before + 1).contains(&lapses(&more)));
    }

    #[test]
    fn households_come_together_and_nobody_lapses_for_it(
        office in oracle::office(), households in prop::collection::vec(0..6u8, 24), convoked in prop::option::of((1..4u32, 0..12i32, 0..2u8)),
    ) {
        let mut instance = instance(&office, &households);
        // In some families another member is already convoked, on a day that may be out of reach.
        instance.beside.extend(convoked.map(|(household, day, site)| (household, (day, format!("s{site}")))));
        let proof = prove(instance);
        prop_assert_eq!(levels(&proof), oracle::exact(&office), "the plan that the prices prove is the exact one");
        prop_assert_eq!(lapsing(&proof.places), lapsing(proof.proved()));
        people_of(&proof.places, &proof.instance);
        let apart = |places: &[u32]| {
            let mut days: BTreeMap<u32, Vec<(Day, &str)>> = BTreeMap::new();
            for (person, place) in places.iter().enumerate().filter(|(_, place)| **place != NOWHERE) {
                let at = &proof.instance.bins[*place as usize];
                days.entry(proof.instance.household[person]).or_default().push((at.day, proof.instance.site(at.pool)));
            }
            days.into_iter().filter(|(household, days)| *household > 0 && days.iter().any(|d| *d != days[0])).count()
        };
        prop_assert!(apart(&proof.places) <= apart(proof.proved()));
    }

    #[test]
    fn rows_in_any_order_and_threads_in_any_number_give_the_same_plan(office in oracle::office()) {
        let proof = prove(instance(&office, &[]));
        let mut turned = Builder::default();
        for (i, p) in office.people.iter().enumerate().rev() {
            let person = Candidate {
                id: &format!("p{i:03}"), household: "", first_seen: None, release: p.release, pref_end: p.pref_end,
                deadline: p.deadline, weight: p.weight, lapse_late: p.lapse_late,
            };
            turned.add(person, p.pools.iter().rev().map(|(pool, rank)| RankedPool { pool: *pool, rank: *rank }).collect());
        }
        let slots = proof.instance.slots.iter().rev().copied().collect();
        let turned = turned
            .build(proof.instance.business_date, "seed".into(), office.perish_before, proof.instance.pools.clone(), slots)
            .unwrap();
        prop_assert_eq!(&turned, &proof.instance);
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let again = alone.install(|| prove(turned));
        prop_assert_eq!((again.places, again.prices), (proof.places, proof.prices));
    }
}
