//! A second, independent and slow answer to the planner's question: augmenting paths over vectors, where the planner
//! runs a network simplex over packed numbers. It shares no code with the planner, so a fault would have to be made
//! twice to go unnoticed.

// Each test file takes what it needs.
#![allow(dead_code, unreachable_pub, reason = "shared by two test programs, each of which uses a part")]

use std::collections::BTreeMap;
use std::ops::{Add, Neg};

use petgraph::algo::dinics;
use petgraph::graph::DiGraph;
use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, Strategy};
use proptest::{option, sample};

#[derive(Clone, Debug)]
pub struct Person {
    /// Each pool with its rank in the person's order of preference.
    pub pools: Vec<(u32, u32)>,
    pub release: i32,
    pub pref_end: i32,
    pub deadline: i32,
    pub weight: u32,
    pub lapse_late: u32,
}

#[derive(Clone, Debug)]
pub struct Office {
    pub people: Vec<Person>,
    /// Seats by pool and day.
    pub seats: BTreeMap<(u32, i32), u32>,
    pub perish_before: Option<i32>,
}

/// The five levels, in order; smaller is better in each. They are kept separate, so that no level can overflow into the
/// next.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy, Debug, Default)]
pub struct Levels {
    pub lapses: i64,
    pub late: i64,
    /// Minus the number of perishing seats filled.
    pub perishing: i64,
    pub rank: i64,
    pub days: i64,
}

impl Add for Levels {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            lapses: self.lapses + other.lapses,
            late: self.late + other.late,
            perishing: self.perishing + other.perishing,
            rank: self.rank + other.rank,
            days: self.days + other.days,
        }
    }
}

impl Neg for Levels {
    type Output = Self;

    fn neg(self) -> Self {
        Self { lapses: -self.lapses, late: -self.late, perishing: -self.perishing, rank: -self.rank, days: -self.days }
    }
}

impl Person {
    fn lapse(&self) -> Levels {
        Levels { lapses: 1, late: i64::from(self.weight) * i64::from(self.lapse_late), ..Levels::default() }
    }
}

impl Office {
    /// The cost of seeing this person at that place and time; `None` if it is not allowed. The caller checks whether a
    /// seat is left.
    fn visit(&self, person: &Person, (pool, day): (u32, i32)) -> Option<Levels> {
        let rank = person.pools.iter().filter(|choice| choice.0 == pool).map(|choice| choice.1).min()?;
        (person.release..=person.deadline).contains(&day).then(|| {
            let (day, release, pref_end) = (i64::from(day), i64::from(person.release), i64::from(person.pref_end));
            Levels {
                lapses: 0,
                late: i64::from(person.weight) * (day - pref_end).max(0),
                perishing: -i64::from(self.perish_before.is_some_and(|limit| day < i64::from(limit))),
                rank: i64::from(rank),
                days: day - release,
            }
        })
    }
}

/// The first level alone, by a maximum flow that ignores costs.
pub fn fewest_lapses(office: &Office) -> i64 {
    let mut graph = DiGraph::<(), u32>::new();
    let (source, sink) = (graph.add_node(()), graph.add_node(()));
    let people: Vec<_> = office.people.iter().map(|person| (person, graph.add_node(()))).collect();
    for &(_, person) in &people {
        graph.add_edge(source, person, 1);
    }
    for (&(pool, day), &seats) in office.seats.iter().filter(|(_, seats)| **seats > 0) {
        let place = graph.add_node(());
        graph.add_edge(place, sink, seats);
        for &(person, node) in &people {
            let served = person.pools.iter().any(|choice| choice.0 == pool);
            if served && person.release <= day && day <= person.deadline {
                graph.add_edge(node, place, 1);
            }
        }
    }
    let (seen, _) = dinics(&graph, source, sink);
    office.people.len() as i64 - i64::from(seen)
}

/// One direction of a link in the residual network; its opposite is the neighbour in the list, at `index ^ 1`.
struct Arc {
    from: usize,
    to: usize,
    room: u32,
    cost: Levels,
}

/// The best plan's levels, by successive shortest paths. Vectors compared in order are an ordered group, as whole
/// numbers are, and the method needs no more than that to be exact.
pub fn exact(office: &Office) -> Levels {
    let people = office.people.len();
    let sink = people + office.seats.len();
    let mut arcs = Vec::new();
    let mut link = |from, to, room, cost: Levels| {
        arcs.push(Arc { from, to, room, cost });
        arcs.push(Arc { from: to, to: from, room: 0, cost: -cost });
    };
    for (node, person) in office.people.iter().enumerate() {
        // Everyone can lapse and so reaches the sink: the number of paths is known, and only their cost is not.
        link(node, sink, 1, person.lapse());
        for (place, &key) in (people..).zip(office.seats.keys()) {
            if let Some(cost) = office.visit(person, key) {
                link(node, place, 1, cost);
            }
        }
    }
    for (place, &seats) in (people..).zip(office.seats.values()) {
        link(place, sink, seats, Levels::default());
    }
    // Nobody can be reached before their turn, so each turn keeps the plan optimal for those already served.
    (0..people).fold(Levels::default(), |total, person| total + augment(&mut arcs, person, sink))
}

/// Sends one person to the sink by the cheapest path, moving others if that pays. Returns the cost.
fn augment(arcs: &mut [Arc], person: usize, sink: usize) -> Levels {
    let mut reached: Vec<Option<Levels>> = vec![None; sink + 1];
    let mut via = vec![0; sink + 1];
    reached[person] = Some(Levels::default());
    let mut rounds = 0;
    loop {
        let mut changed = false;
        for (index, arc) in arcs.iter().enumerate().filter(|(_, arc)| arc.room > 0) {
            let Some(here) = reached[arc.from] else { continue };
            let there = here + arc.cost;
            if reached[arc.to].is_none_or(|known| there < known) {
                reached[arc.to] = Some(there);
                via[arc.to] = index;
                changed = true;
            }
        }
        if !changed {
            break;
        }
        rounds += 1;
        // A path without a cycle has at most one arc fewer than there are nodes.
        assert!(rounds <= sink, "the plan so far was not the best: a cycle would improve it");
    }
    let mut node = sink;
    while node != person {
        let index = via[node];
        arcs[index].room -= 1;
        arcs[index ^ 1].room += 1;
        node = arcs[index].from;
    }
    reached[sink].expect("everyone can lapse")
}

/// The best of all plans, by trying each of them, for up to about six people. It checks `exact`.
pub fn brute_force(office: &Office) -> Levels {
    fn best(office: &Office, people: &[Person], left: &mut BTreeMap<(u32, i32), u32>) -> Levels {
        let Some((person, others)) = people.split_first() else { return Levels::default() };
        let mut least = person.lapse() + best(office, others, left);
        for &key in office.seats.keys() {
            let Some(cost) = office.visit(person, key).filter(|_| left[&key] > 0) else { continue };
            *left.get_mut(&key).unwrap() -= 1;
            least = least.min(cost + best(office, others, left));
            *left.get_mut(&key).unwrap() += 1;
        }
        least
    }
    best(office, &office.people, &mut office.seats.clone())
}

/// Small offices of every kind.
pub fn office() -> impl Strategy<Value = Office> {
    office_of(24, 12, 12)
}

/// Offices with at most this many people, days and pool-days. With about two seats per pool-day, `places` should be
/// about half of `people`: with plenty of seats nobody competes.
pub fn office_of(people: usize, days: i32, places: usize) -> impl Strategy<Value = Office> {
    (1..=4_u32).prop_flat_map(move |pools| {
        // Copies, because identical holders share one node in the planner.
        let alike = (person(pools, days), 1..=3_usize).prop_map(|(person, copies)| vec![person; copies]);
        let groups = vec(alike, 0..=people * 2 / 3);
        let seats = btree_map((0..pools, 0..days), 0..=4_u32, 0..=places);
        (groups, seats, option::of(0..=days)).prop_map(move |(groups, seats, perish_before)| Office {
            people: groups.into_iter().flatten().take(people).collect(),
            seats,
            perish_before,
        })
    })
}

fn person(pools: u32, days: i32) -> impl Strategy<Value = Person> {
    let all: Vec<u32> = (0..pools).collect();
    let some = sample::subsequence(all, 1..=pools as usize).prop_flat_map(|some| Just(some).prop_shuffle());
    let chosen = option::weighted(0.95, some).prop_map(Option::unwrap_or_default);
    // A window may end before it begins, or after the last day; the preferred end may lie outside it.
    let window = (0..days, -2..days, -2..days);
    (chosen, window, 0..=3_u32, 0..=5_u32).prop_map(|(chosen, (release, length, preferred), weight, lapse_late)| {
        Person {
            pools: chosen.into_iter().zip(0..).collect(),
            release,
            pref_end: release + preferred,
            deadline: release + length,
            weight,
            lapse_late,
        }
    })
}
