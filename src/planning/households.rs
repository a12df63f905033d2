//! Households come on the same day to the same site where that costs nobody an appointment.
//!
//! After the exact plan each family is pinned where its own cost and the price of the seats that it takes are least, and
//! everybody else who had a place is placed again. The pins are kept only if all of them still have one; else half of the
//! families is tried, and so on: who lapses never changes.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::Day;
use super::assignment::{Component, hand_out, source};
use super::instance::{Instance, NOWHERE, RANK};

/// How often a group of components is solved again at most: families are a courtesy, the night must end.
const ATTEMPTS: u32 = 24;

/// Seats taken by each pool-day's pinned people, and where those are.
type Pins = Vec<(u32, u32)>;

/// The places of `exact`, with families together where that is possible.
pub(super) fn together(
    instance: &Instance,
    components: &[Component],
    exact: &[u32],
    prices: &[(u32, i128)],
) -> Vec<u32> {
    let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for person in 0..instance.people() as u32 {
        let household = instance.household[person as usize];
        if household > 0 && exact[person as usize] != NOWHERE {
            members.entry(household).or_default().push(person);
        }
    }
    let families: Vec<Vec<u32>> = members.into_values().filter(|f| f.len() > 1).collect();
    let mut places = exact.to_vec();
    if families.is_empty() {
        return places;
    }
    let mut price = vec![0; instance.bins.len()];
    for (bin, p) in prices {
        price[*bin as usize] = *p;
    }
    let solved: Vec<Vec<(u32, u32)>> = groups(instance, components, families)
        .into_par_iter()
        .with_max_len(1)
        .map(|(components, families)| Group { instance, exact, price: &price, components }.settle(families))
        .collect();
    for (person, bin) in solved.into_iter().flatten() {
        places[person as usize] = bin;
    }
    places
}

/// Components that families connect, with those families.
fn groups<'a>(
    instance: &Instance,
    components: &'a [Component],
    families: Vec<Vec<u32>>,
) -> Vec<(Vec<&'a Component>, Vec<Vec<u32>>)> {
    let mut component_of = vec![0; instance.classes.len()];
    for (i, component) in components.iter().enumerate() {
        for class in &component.classes {
            component_of[*class as usize] = i;
        }
    }
    let mut group: Vec<usize> = (0..components.len()).collect();
    let component = |person: u32| component_of[instance.class[person as usize] as usize];
    let find = |group: &[usize], mut at: usize| {
        while group[at] != at {
            at = group[at];
        }
        at
    };
    for family in &families {
        for person in &family[1..] {
            let (a, b) = (find(&group, component(family[0])), find(&group, component(*person)));
            group[a.max(b)] = a.min(b);
        }
    }
    let mut all: BTreeMap<usize, (Vec<&Component>, Vec<Vec<u32>>)> = BTreeMap::new();
    for family in families {
        let at = find(&group, component(family[0]));
        all.entry(at).or_default().1.push(family);
    }
    for (i, component) in components.iter().enumerate() {
        if let Some((components, _)) = all.get_mut(&find(&group, i)) {
            components.push(component);
        }
    }
    all.into_values().collect()
}

struct Group<'a> {
    instance: &'a Instance,
    exact: &'a [u32],
    price: &'a [i128],
    components: Vec<&'a Component>,
}

impl Group<'_> {
    /// Pins as many families as the attempts allow; gives the new places of everybody in the group.
    fn settle(&self, families: Vec<Vec<u32>>) -> Vec<(u32, u32)> {
        let mut kept: Pins = Vec::new();
        let mut best = None;
        let mut open = vec![families];
        for _ in 0..ATTEMPTS {
            let Some(mut some) = open.pop() else { break };
            let pins = self.pin(&kept, &some);
            if pins.len() == kept.len() {
                continue;
            }
            if let Some(places) = self.place(&pins) {
                (kept, best) = (pins, Some(places));
            } else if some.len() > 1 {
                let rest = some.split_off(some.len() / 2);
                open.extend([rest, some]);
            }
        }
        best.unwrap_or_default()
    }

    /// `kept`, and the best pool-days for families that fit beside it.
    fn pin(&self, kept: &Pins, families: &[Vec<u32>]) -> Pins {
        let mut pins = kept.clone();
        let mut taken: HashMap<u32, u32> = HashMap::new();
        for (_, bin) in kept {
            *taken.entry(*bin).or_default() += 1;
        }
        for family in families {
            let Some(bins) = self.best_place(family, &taken) else { continue };
            for (person, bin) in family.iter().zip(bins) {
                *taken.entry(bin).or_default() += 1;
                pins.push((*person, bin));
            }
        }
        pins
    }

    /// A pool-day for each member, all at one site on one day, where own cost and prices are least.
    fn best_place(&self, family: &[u32], taken: &HashMap<u32, u32>) -> Option<Vec<u32>> {
        let instance = self.instance;
        let mut common: BTreeMap<(Day, &str), (i128, Vec<u32>)> = BTreeMap::new();
        for (i, person) in family.iter().enumerate() {
            let class = instance.class_of(*person as usize);
            let costs = source(class, 1, Vec::new());
            let mut own: BTreeMap<(Day, &str), (i128, u32)> = BTreeMap::new();
            for (at, rank) in instance.options(class) {
                let bin = instance.bins[at];
                if bin.seats == 0 {
                    continue;
                }
                let cost =
                    instance.base_cost(bin.day) + costs.day_cost(bin.day) + i128::from(rank) * RANK + self.price[at];
                let here = own.entry((bin.day, instance.site(bin.pool))).or_insert((cost, at as u32));
                *here = (*here).min((cost, at as u32));
            }
            if i == 0 {
                common = own.into_iter().map(|(key, (cost, bin))| (key, (cost, vec![bin]))).collect();
            } else {
                common.retain(|key, (cost, bins)| {
                    own.get(key).is_some_and(|(more, bin)| {
                        *cost += more;
                        bins.push(*bin);
                        true
                    })
                });
            }
        }
        let fits = |bins: &[u32]| {
            bins.iter().all(|bin| {
                let wanted = bins.iter().filter(|b| *b == bin).count() as u32;
                taken.get(bin).copied().unwrap_or(0) + wanted <= instance.bins[*bin as usize].seats
            })
        };
        common.into_values().filter(|(_, bins)| fits(bins)).min().map(|(_, bins)| bins)
    }

    /// Everybody's place with these pins; none if somebody who had a place would lose it.
    fn place(&self, pins: &Pins) -> Option<Vec<(u32, u32)>> {
        let instance = self.instance;
        let mut places = vec![NOWHERE; instance.people()];
        let mut taken: HashMap<usize, u32> = HashMap::new();
        for (person, bin) in pins {
            places[*person as usize] = *bin;
            *taken.entry(*bin as usize).or_default() += 1;
        }
        let mut of_class: HashMap<usize, u32> = HashMap::new();
        for component in &self.components {
            of_class.extend(component.classes.iter().map(|c| (*c as usize, 0)));
        }
        let mut members = Vec::new();
        let without = places.iter().zip(self.exact).enumerate();
        for (person, _) in without.filter(|(_, (now, exact))| **now == NOWHERE && **exact != NOWHERE) {
            if let Some(size) = of_class.get_mut(&(instance.class[person] as usize)) {
                *size += 1;
                members.push(person as u32);
            }
        }
        let seats = |bin: usize| instance.bins[bin].seats - taken.get(&bin).copied().unwrap_or(0);
        let mut flows = Vec::new();
        for component in &self.components {
            let solved = component.solve(instance, |class| of_class[&class], seats);
            if solved.lapses > 0 {
                return None;
            }
            flows.extend(solved.flows);
        }
        flows.sort_unstable();
        let everybody: Vec<u32> = members.iter().copied().chain(pins.iter().map(|(person, _)| *person)).collect();
        hand_out(instance, &flows, members, &mut places);
        Some(everybody.into_iter().map(|person| (person, places[person as usize])).collect())
    }
}
