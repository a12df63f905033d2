//! The exact assignment: every component is solved by [`simplex`](super::simplex), then people get the places of their
//! class.

use std::collections::HashMap;

use rayon::prelude::*;

use convoke_instance::{Class, Day, Instance, LAPSE, LATE_DAY, RANK, RankedPool, components};

use super::simplex::{self, Bin, Flow, Source, Span};

/// People who share desks, directly or through others: solved separately from everyone else.
#[derive(Clone, Debug)]
pub(super) struct Component {
    /// Classes, by deadline.
    pub classes: Vec<u32>,
    /// Pools, in order.
    pub pools: Vec<u32>,
}

/// The solution of one or more components.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// `source` is a class and `bin` a pool-day of the instance; sorted by class, then pool-day.
    pub flows: Vec<Flow>,
    /// Pool-days with a price, and that price.
    pub prices: Vec<(u32, i128)>,
    /// People without a place.
    pub lapses: u64,
}

impl Component {
    /// The components of an instance, in order of their smallest class.
    pub(super) fn all(instance: &Instance) -> Vec<Self> {
        let component_of = components(&instance.lists);
        let mut position: HashMap<u32, usize> = HashMap::new();
        let mut all: Vec<Self> = Vec::new();
        for (class, c) in instance.classes.iter().enumerate() {
            let at = *position.entry(component_of[c.list as usize]).or_insert(all.len());
            if at == all.len() {
                all.push(Self { classes: Vec::new(), pools: Vec::new() });
            }
            all[at].classes.push(class as u32);
        }
        for (list, pools) in instance.lists.iter().enumerate() {
            if let Some(at) = position.get(&component_of[list]) {
                all[*at].pools.extend(pools.iter().map(|r| r.pool));
            }
        }
        for component in &mut all {
            component.pools.sort_unstable();
            component.pools.dedup();
        }
        all
    }

    /// The pool-days of a component that have a seat.
    pub(super) fn seating(&self, instance: &Instance, seats: impl Fn(usize) -> u32) -> Seating<'_> {
        let mut seating = Seating { pools: &self.pools, bins: Vec::new(), global: Vec::new(), begin: Vec::new() };
        for pool in &self.pools {
            seating.begin.push(seating.bins.len());
            for at in instance.pool_days(*pool, Day::MIN, Day::MAX) {
                let (day, seats) = (instance.bins[at].day, seats(at));
                if seats > 0 {
                    seating.bins.push(Bin { day, seats, base: instance.base_cost(day) });
                    seating.global.push(at as u32);
                }
            }
        }
        seating.begin.push(seating.bins.len());
        seating
    }

    /// The best places for the given number of people of each class and of seats on each pool-day.
    pub(super) fn solve(
        &self,
        instance: &Instance,
        size: impl Fn(usize) -> u32,
        seats: impl Fn(usize) -> u32,
    ) -> Places {
        let seating = self.seating(instance, seats);
        let classes: Vec<u32> = self.classes.iter().copied().filter(|c| size(*c as usize) > 0).collect();
        let sources: Vec<Source> = classes
            .iter()
            .map(|c| {
                let class = &instance.classes[*c as usize];
                let list = &instance.lists[class.list as usize];
                let spans = list.iter().filter_map(|ranked| seating.span(*ranked, class.release, class.deadline));
                source(class, size(*c as usize), spans.collect())
            })
            .collect();
        let solution = simplex::solve(&seating.bins, &sources);
        let flow = |f: &Flow| Flow {
            source: classes[f.source as usize],
            bin: seating.global[f.bin as usize],
            people: f.people,
        };
        Places {
            flows: solution.flows.iter().map(flow).collect(),
            prices: seating.global.iter().copied().zip(solution.prices).filter(|(_, price)| *price > 0).collect(),
            lapses: solution.lapses.iter().map(|n| u64::from(*n)).sum(),
        }
    }
}

/// The seats of a component, as input to the simplex.
pub(super) struct Seating<'a> {
    pools: &'a [u32],
    pub bins: Vec<Bin>,
    /// Index of each bin among the instance's pool-days.
    global: Vec<u32>,
    /// Index of the first bin of each pool, and the end of the last.
    begin: Vec<usize>,
}

impl Seating<'_> {
    /// The bins of a pool between two days; `None` if there are none.
    pub(super) fn span(&self, ranked: RankedPool, first: Day, last: Day) -> Option<Span> {
        // Unwrap safety: a component contains every pool of its classes.
        let pool = self.pools.binary_search(&ranked.pool).expect("a pool of the component");
        let (from, to) = (self.begin[pool], self.begin[pool + 1]);
        let first = from + self.bins[from..to].partition_point(|b| b.day < first);
        let end = from + self.bins[from..to].partition_point(|b| b.day <= last);
        let cost = i128::from(ranked.rank) * RANK;
        (first < end).then_some(Span { first: first as u32, end: end as u32, cost })
    }
}

pub(super) fn source(class: &Class, size: u32, spans: Vec<Span>) -> Source {
    let weight = i128::from(class.weight);
    Source {
        size,
        spans,
        release: class.release,
        pref_end: class.pref_end,
        late: weight * LATE_DAY,
        lapse: LAPSE + weight * i128::from(class.lapse_late) * LATE_DAY,
    }
}

/// Number of people in each class.
pub(super) fn sizes(instance: &Instance) -> Vec<u32> {
    let mut sizes = vec![0; instance.classes.len()];
    for class in &instance.class {
        sizes[*class as usize] += 1;
    }
    sizes
}

/// The best places for everyone, component by component, on all processors. The result does not depend on their number.
pub(super) fn solve(instance: &Instance, components: &[Component], seats: &[u32]) -> Places {
    let sizes = sizes(instance);
    let solved: Vec<Places> = components
        .par_iter()
        .with_max_len(1)
        .map(|component| component.solve(instance, |class| sizes[class], |bin| seats[bin]))
        .collect();
    let mut all = Places::default();
    for places in solved {
        all.flows.extend(places.flows);
        all.prices.extend(places.prices);
        all.lapses += places.lapses;
    }
    all.flows.sort_unstable();
    all.prices.sort_unstable();
    all
}

/// Assigns the places of each class to its people among `members`, earlier places to those who come first in the tie.
/// Returns people and their pool-days.
pub(super) fn hand_out(instance: &Instance, flows: &[Flow], mut members: Vec<u32>) -> Vec<(u32, u32)> {
    let class = |person: u32| instance.class[person as usize];
    members.sort_by_key(|p| class(*p));
    let classes: Vec<&[u32]> = members.chunk_by(|a, b| class(*a) == class(*b)).collect();
    let given: Vec<Vec<(u32, u32)>> = classes
        .into_par_iter()
        .map(|people| {
            let number = class(people[0]);
            let from = flows.partition_point(|f| f.source < number);
            let mut flows: Vec<Flow> = flows[from..].iter().take_while(|f| f.source == number).copied().collect();
            flows.sort_by_key(|f| (instance.bins[f.bin as usize].day, f.bin));
            let mut people = people.to_vec();
            let all_alike = flows.first().is_none_or(|f| f.people as usize == people.len());
            if !all_alike {
                people.sort_by_cached_key(|p| instance.tie(*p as usize));
            }
            people.into_iter().zip(flows.iter().flat_map(|f| std::iter::repeat_n(f.bin, f.people as usize))).collect()
        })
        .collect();
    given.into_iter().flatten().collect()
}
