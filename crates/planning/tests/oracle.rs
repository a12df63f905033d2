//! The planner's oracle, checked against brute force, against its own maximum flow and against offices solved by hand.

#[path = "support/oracle.rs"]
mod oracle;

use std::collections::BTreeMap;

use oracle::{Levels, Office, Person, brute_force, exact, fewest_lapses, office, office_of};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exact_is_what_brute_force_finds(office in office_of(6, 5, 6)) {
        prop_assert_eq!(exact(&office), brute_force(&office));
    }

    #[test]
    fn lapses_are_those_of_the_maximum_flow(office in office()) {
        prop_assert_eq!(exact(&office).lapses, fewest_lapses(&office));
    }

    #[test]
    fn lapses_are_those_of_the_maximum_flow_when_crowded(
        office in office_of(40, 12, 20).prop_filter("twenty people", |office| office.people.len() >= 20),
    ) {
        prop_assert_eq!(exact(&office).lapses, fewest_lapses(&office));
    }

    #[test]
    fn the_order_of_people_does_not_matter(
        (office, people) in office().prop_flat_map(|o| { let p = o.people.clone(); (Just(o), Just(p).prop_shuffle()) }),
    ) {
        let shuffled = Office { people, ..office.clone() };
        prop_assert_eq!(exact(&office), exact(&shuffled));
    }
}

fn person(pools: &[(u32, u32)], release: i32, pref_end: i32, deadline: i32, weight: u32, lapse_late: u32) -> Person {
    Person { pools: pools.to_vec(), release, pref_end, deadline, weight, lapse_late }
}

#[test]
fn an_office_worked_by_hand() {
    // One seat on day 2 in pool 0, one on day 5 in pool 0, one on day 5 in pool 1; day 2 perishes.
    let seats = BTreeMap::from([((0, 2), 1), ((0, 5), 1), ((1, 5), 1)]);
    let people = vec![
        person(&[(0, 0)], 1, 2, 9, 2, 0),         // late by 3 days, twice, on day 5
        person(&[(0, 0), (1, 1)], 0, 4, 9, 1, 0), // late by 1 day on day 5
        person(&[(0, 0)], 0, 9, 9, 3, 7),         // never late; dear to let lapse
        person(&[(0, 0)], 0, 9, 1, 3, 4),         // no day in the window: lapses, late 12
    ];
    let office = Office { people, seats, perish_before: Some(3) };
    // First person day 2 (1 day after release), second pool 1 day 5, third pool 0 day 5.
    let expected = Levels { lapses: 1, late: 13, perishing: -1, rank: 1, days: 11 };
    assert_eq!(exact(&office), expected);
    assert_eq!(brute_force(&office), expected);
    assert_eq!(fewest_lapses(&office), 1);
    // If two people cannot both come, the cheaper one lapses, although coming is late: 3 < 10.
    let pair = vec![person(&[(0, 0)], 0, 0, 3, 1, 3), person(&[(0, 0)], 0, 3, 3, 2, 5)];
    let office = Office { people: pair, seats: BTreeMap::from([((0, 3), 1)]), perish_before: Some(3) };
    // A seat on the very day `perish_before` does not perish.
    assert_eq!(exact(&office), Levels { lapses: 1, late: 3, perishing: 0, rank: 0, days: 3 });
}

#[test]
fn no_amount_of_a_lower_level_outweighs_a_higher_one() {
    let [zero, much] = [Levels::default(), Levels { lapses: 0, late: 0, perishing: 0, rank: 0, days: 1 << 40 }];
    let much_rank = Levels { rank: 1 << 40, ..much };
    let much_perishing = Levels { perishing: 1 << 40, ..much_rank };
    let much_late = Levels { late: 1 << 40, ..much_perishing };
    assert!(zero < much && much < Levels { rank: 1, ..zero });
    assert!(much_rank < Levels { perishing: 1, ..zero });
    assert!(much_perishing < Levels { late: 1, ..zero });
    assert!(much_late < Levels { lapses: 1, ..zero });
}

/// How varied the offices are: printed, because it is a matter of judgement.
#[test]
fn variety() {
    let mut runner = TestRunner::deterministic();
    let mut counts = [0_usize; 12];
    for _ in 0..2000 {
        let o = office().new_tree(&mut runner).unwrap().current();
        let e = exact(&o);
        let closed = o
            .people
            .iter()
            .filter(|p| {
                !o.seats.iter().any(|(k, s)| {
                    *s > 0 && p.pools.iter().any(|c| c.0 == k.0) && (p.release..=p.deadline).contains(&k.1)
                })
            })
            .count() as i64;
        for (count, fact) in counts.iter_mut().zip([
            o.people.is_empty(),
            o.people.len() >= 12,
            o.people.len() == 24,
            e.lapses > closed,
            e.lapses < o.people.len() as i64,
            e.late > 0,
            e.perishing < 0,
            e.rank > 0,
            o.people.iter().any(|p| p.release > p.deadline),
            o.people.iter().any(|p| p.pools.is_empty()),
            o.seats.values().any(|s| *s == 0),
            o.seats.is_empty(),
        ]) {
            *count += usize::from(fact);
        }
    }
    println!(
        "empty, >=12, =24, contested lapse, someone seen, late, perishing, rank, empty window, no pool, zero cap, no seats\n{counts:?}"
    );
}
