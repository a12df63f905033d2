//! Households come on the same day to the same site where that costs nobody an appointment.
//!
//! After the exact plan, each family is pinned where the sum of its own cost and the price of the seats it takes is
//! smallest, and everyone else who had a place is placed again. The pins are kept only if all of them still have one;
//! otherwise half of the families is tried, and so on: who lapses never changes.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;

use super::assignment::{Component, hand_out, source};
use convoke_instance::{Day, Instance, NOWHERE, RANK, find, unite};

/// Limit of solves for a group of components: keeping families together is a courtesy, and the night must end. A family
/// that does not fit where it costs least is not tried elsewhere.
const ATTEMPTS: u32 = 24;

/// Family members, and the pool-day of each.
type Pins = Vec<(u32, u32)>;

/// The places of `exact`, with families together where possible.
pub(super) fn together(instance: &Instance, exact: &[u32], prices: &[(u32, i128)]) -> Vec<u32> {
    let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for person in 0..instance.people() as u32 {
        let household = instance.household[person as usize];
        if household > 0 && exact[person as usize] != NOWHERE {
            members.entry(household).or_default().push(person);
        }
    }
    // One person counts as a family if another member is already convoked.
    let family = |(household, people): (u32, Vec<u32>)| {
        (people.len() > 1 || instance.beside.contains_key(&household)).then_some(people)
    };
    let families: Vec<Vec<u32>> = members.into_iter().filter_map(family).collect();
    let mut places = exact.to_vec();
    if families.is_empty() {
        return places;
    }
    let mut price = vec![0; instance.bins.len()];
    for (bin, p) in prices {
        price[*bin as usize] = *p;
    }
    let components = Component::all(instance);
    let solved: Vec<Vec<(u32, u32)>> = groups(instance, &components, exact, &price, families)
        .into_par_iter()
        .with_max_len(1)
        .map(|(group, families)| group.settle(families))
        .collect();
    for (person, bin) in solved.into_iter().flatten() {
        places[person as usize] = bin;
    }
    places
}

/// Components connected by families, and everyone in them who has a place.
struct Group<'a> {
    instance: &'a Instance,
    exact: &'a [u32],
    price: &'a [i128],
    components: Vec<&'a Component>,
    people: Vec<u32>,
}

/// The groups, with their families.
fn groups<'a>(
    instance: &'a Instance,
    components: &'a [Component],
    exact: &'a [u32],
    price: &'a [i128],
    families: Vec<Vec<u32>>,
) -> Vec<(Group<'a>, Vec<Vec<u32>>)> {
    let mut component_of = vec![0; instance.classes.len()];
    for (i, component) in components.iter().enumerate() {
        for class in &component.classes {
            component_of[*class as usize] = i as u32;
        }
    }
    let mut group: Vec<u32> = (0..components.len() as u32).collect();
    let component = |person: u32| component_of[instance.class[person as usize] as usize];
    for family in &families {
        for person in &family[1..] {
            unite(&mut group, component(family[0]), component(*person));
        }
    }
    let mut all: BTreeMap<u32, (Group<'a>, Vec<Vec<u32>>)> = BTreeMap::new();
    for family in families {
        let empty = || (Group { instance, exact, price, components: Vec::new(), people: Vec::new() }, Vec::new());
        all.entry(find(&mut group, component(family[0]))).or_insert_with(empty).1.push(family);
    }
    for (i, component) in components.iter().enumerate() {
        if let Some((of, _)) = all.get_mut(&find(&mut group, i as u32)) {
            of.components.push(component);
        }
    }
    for person in (0..instance.people() as u32).filter(|person| exact[*person as usize] != NOWHERE) {
        if let Some((of, _)) = all.get_mut(&find(&mut group, component(person))) {
            of.people.push(person);
        }
    }
    all.into_values().collect()
}

impl Group<'_> {
    /// Pins as many families as the attempts allow. Returns the new places of everyone in the group.
    fn settle(&self, families: Vec<Vec<u32>>) -> Vec<(u32, u32)> {
        // Families already together stay where they are: pinning the others must not separate them.
        let (together, apart): (Vec<_>, Vec<_>) = families.into_iter().partition(|family| self.is_together(family));
        let mut kept: Pins =
            together.into_iter().flatten().map(|person| (person, self.exact[person as usize])).collect();
        let mut best = None;
        let mut open = vec![apart];
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

    /// Whether a family is already on one day at one site: that of a member already convoked, if they can come there.
    fn is_together(&self, family: &[u32]) -> bool {
        let at = |person: &u32| {
            let bin = &self.instance.bins[self.exact[*person as usize] as usize];
            (bin.day, self.instance.site(bin.pool))
        };
        let here = at(&family[0]);
        family.iter().all(|person| at(person) == here)
            && self
                .beside(family)
                .is_none_or(|there| there == here || self.at_best(family, &HashMap::new(), Some(there)).is_none())
    }

    /// Where another member of the family is already convoked.
    fn beside(&self, family: &[u32]) -> Option<(Day, &str)> {
        let (day, site) = self.instance.beside.get(&self.instance.household[family[0] as usize])?;
        Some((*day, site.as_str()))
    }

    /// `kept`, plus the best pool-days for families that fit beside it.
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

    /// A pool-day for each member, all at one site on one day: where another member is already convoked, otherwise
    /// where own cost and prices are smallest.
    fn best_place(&self, family: &[u32], taken: &HashMap<u32, u32>) -> Option<Vec<u32>> {
        let beside = self.beside(family).and_then(|there| self.at_best(family, taken, Some(there)));
        beside.or_else(|| self.at_best(family, taken, None).filter(|_| family.len() > 1))
    }

    fn at_best(&self, family: &[u32], taken: &HashMap<u32, u32>, only: Option<(Day, &str)>) -> Option<Vec<u32>> {
        let instance = self.instance;
        // By day and site: the cost for the members so far, and their pool-days. A place without a seat for a member is
        // removed.
        let mut common: BTreeMap<(Day, &str), (i128, Vec<u32>)> = BTreeMap::new();
        for (i, person) in family.iter().enumerate() {
            let class = instance.class_of(*person as usize);
            let costs = source(class, 1, Vec::new());
            let mut own: BTreeMap<(Day, &str), Vec<(i128, u32)>> = BTreeMap::new();
            for (at, rank) in instance.options(class) {
                let bin = instance.bins[at];
                let place = (bin.day, instance.site(bin.pool));
                if bin.seats > taken.get(&(at as u32)).copied().unwrap_or(0) && only.is_none_or(|only| only == place) {
                    let cost = instance.base_cost(bin.day) + costs.day_cost(bin.day) + i128::from(rank) * RANK;
                    own.entry(place).or_default().push((cost + self.price[at], at as u32));
                }
            }
            if i == 0 {
                common = own.keys().map(|place| (*place, (0, Vec::new()))).collect();
            }
            common.retain(|place, (cost, bins)| {
                let left = |bin: u32| {
                    let family = bins.iter().filter(|b| **b == bin).count() as u32;
                    instance.bins[bin as usize].seats > taken.get(&bin).copied().unwrap_or(0) + family
                };
                let options = own.get(place).into_iter().flatten().filter(|(_, bin)| left(*bin));
                let Some((least, bin)) = options.min() else { return false };
                *cost += least;
                bins.push(*bin);
                true
            });
        }
        common.into_values().min().map(|(_, bins)| bins)
    }

    /// Everyone's place with these pins; `None` if someone who had a place would lose it.
    fn place(&self, pins: &Pins) -> Option<Vec<(u32, u32)>> {
        let instance = self.instance;
        let mut taken: HashMap<usize, u32> = HashMap::new();
        for (_, bin) in pins {
            *taken.entry(*bin as usize).or_default() += 1;
        }
        let pinned: HashSet<u32> = pins.iter().map(|(person, _)| *person).collect();
        let others: Vec<u32> = self.people.iter().copied().filter(|person| !pinned.contains(person)).collect();
        let mut size: HashMap<usize, u32> = HashMap::new();
        for person in &others {
            *size.entry(instance.class[*person as usize] as usize).or_default() += 1;
        }
        let size = |class: usize| size.get(&class).copied().unwrap_or(0);
        let seats = |bin: usize| instance.bins[bin].seats - taken.get(&bin).copied().unwrap_or(0);
        let mut flows = Vec::new();
        for component in &self.components {
            let solved = component.solve(instance, size, seats);
            if solved.lapses > 0 {
                return None;
            }
            flows.extend(solved.flows);
        }
        flows.sort_unstable();
        Some(hand_out(instance, &flows, others).into_iter().chain(pins.iter().copied()).collect())
    }
}
