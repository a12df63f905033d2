//! Builds an instance from people in any order, and refuses one whose costs do not fit their levels.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::{Class, Instance, LAPSE, LATE_DAY, PERISHING, PoolDay, PoolName, RANK, components};
use crate::{Day, SlotSeats};
use convoke_domain::agenda::RankedPool;

/// The costs of a component exceed a level: the lower levels could outweigh it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {level} of people who share desks add up to more than a plan can tell apart")]
pub struct Overflow {
    /// The person that causes the overflow, by order of addition.
    pub person: usize,
    /// Level.
    pub level: &'static str,
}

/// Collects people in any order.
#[derive(Debug, Default)]
pub struct Builder {
    ids: String,
    ends: Vec<u32>,
    class: Vec<u32>,
    household: Vec<u32>,
    first_seen: Vec<Day>,
    classes: HashMap<Class, u32>,
    lists: HashMap<Vec<RankedPool>, u32>,
    households: HashMap<String, u32>,
}

/// What the planner needs to know about a person.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// Id.
    pub id: &'a str,
    /// Household; empty for none.
    pub household: &'a str,
    /// First night on which the person was known.
    pub first_seen: Option<Day>,
    /// First day.
    pub release: Day,
    /// Last day that is not late.
    pub pref_end: Day,
    /// Last day that is in time.
    pub deadline: Day,
    /// Weight of a late day.
    pub weight: u32,
    /// Late days that a lapse counts as, in addition.
    pub lapse_late: u32,
}

impl Builder {
    /// Adds a person. Pools may be in any order, each once.
    pub fn add(&mut self, person: Person<'_>, mut pools: Vec<RankedPool>) {
        pools.sort_unstable_by_key(|r| r.pool);
        let lists = self.lists.len() as u32;
        let list = *self.lists.entry(pools).or_insert(lists);
        let class = Class {
            deadline: person.deadline,
            release: person.release,
            pref_end: person.pref_end,
            list,
            weight: person.weight,
            lapse_late: person.lapse_late,
        };
        let classes = self.classes.len() as u32;
        self.class.push(*self.classes.entry(class).or_insert(classes));
        self.ids.push_str(person.id);
        self.ends.push(self.ids.len() as u32);
        let households = self.households.len() as u32 + 1;
        self.household.push(match person.household {
            "" => 0,
            name => *self.households.entry(name.to_owned()).or_insert(households),
        });
        self.first_seen.extend(person.first_seen);
    }

    /// Renumbers the pools.
    pub fn renumber(&mut self, number: &[u32]) {
        let renumbered = std::mem::take(&mut self.lists).into_iter().map(|(mut list, n)| {
            for ranked in &mut list {
                ranked.pool = number[ranked.pool as usize];
            }
            list.sort_unstable_by_key(|r| r.pool);
            (list, n)
        });
        self.lists = renumbered.collect();
    }

    /// Id of a person, by order of addition.
    pub fn id(&self, person: usize) -> &str {
        let start = if person == 0 { 0 } else { self.ends[person - 1] as usize };
        &self.ids[start..self.ends[person] as usize]
    }

    /// People in id order.
    fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.ends.len() as u32).collect();
        order.sort_unstable_by_key(|i| (self.id(*i as usize), *i));
        order
    }

    /// The first person whose id was already used.
    pub fn repeated(&self) -> Option<usize> {
        let order = self.order();
        let pairs = order.windows(2).filter(|pair| self.id(pair[0] as usize) == self.id(pair[1] as usize));
        pairs.map(|pair| pair[1] as usize).min()
    }

    /// Whether every level outweighs all lower levels in every component, so that the packed costs are lexicographic.
    fn levels_hold(&self, perish_before: Option<Day>, slots: &[SlotSeats]) -> Result<(), Overflow> {
        let perishes = |day: Day| perish_before.is_some_and(|before| day < before);
        let mut lists: Vec<(&Vec<RankedPool>, u32)> = self.lists.iter().map(|(list, n)| (list, *n)).collect();
        lists.sort_unstable_by_key(|(_, n)| *n);
        let lists: Vec<&Vec<RankedPool>> = lists.into_iter().map(|(list, _)| list).collect();
        let component = components(&lists);
        let mut classes: Vec<(&Class, u32)> = self.classes.iter().map(|(class, n)| (class, *n)).collect();
        classes.sort_unstable_by_key(|(_, n)| *n);
        let mut sums: HashMap<u32, [i128; 4]> = HashMap::new();
        // Perishing seats, and people who could fill them.
        let mut perishing: HashMap<u32, (u64, u64)> = HashMap::new();
        let component_of_pool: HashMap<u32, u32> =
            lists.iter().zip(&component).flat_map(|(list, n)| list.iter().map(|r| (r.pool, *n))).collect();
        for slot in slots.iter().filter(|s| perishes(s.day)) {
            if let Some(component) = component_of_pool.get(&slot.pool) {
                perishing.entry(*component).or_default().0 += u64::from(slot.free);
            }
        }
        for (person, class) in self.class.iter().enumerate() {
            let c = classes[*class as usize].0;
            let list = lists[c.list as usize];
            let late = i128::from((c.deadline - c.pref_end).max(0)).max(i128::from(c.lapse_late));
            let most = [
                (1, 1 << 22, "lapses"),
                (late * i128::from(c.weight), LAPSE / LATE_DAY, "late days"),
                (i128::from(list.iter().map(|r| r.rank).max().unwrap_or(0)), PERISHING / RANK, "site rank"),
                (i128::from((c.deadline - c.release).max(0)), RANK, "days after release"),
            ];
            let component = component[c.list as usize];
            let (seats, people) = perishing.entry(component).or_default();
            *people += u64::from(perishes(c.release));
            if i128::from(*people.min(seats)) >= LATE_DAY / PERISHING {
                return Err(Overflow { person, level: "perishing seats" });
            }
            let sums = sums.entry(component).or_default();
            for (sum, (most, bound, level)) in sums.iter_mut().zip(most) {
                *sum += most;
                if *sum >= bound {
                    return Err(Overflow { person, level });
                }
            }
        }
        Ok(())
    }

    /// The instance in canonical order.
    pub fn build(
        self,
        business_date: NaiveDate,
        seed: String,
        perish_before: Option<Day>,
        pools: Vec<PoolName>,
        mut slots: Vec<SlotSeats>,
    ) -> Result<Instance, Overflow> {
        self.levels_hold(perish_before, &slots)?;
        slots.sort_unstable();
        slots.dedup_by(|again, first| {
            let same = (again.pool, again.day, again.start) == (first.pool, first.day, first.start);
            first.free += if same { again.free } else { 0 };
            same
        });
        let mut bins: Vec<PoolDay> = Vec::new();
        for (i, s) in slots.iter().enumerate() {
            match bins.last_mut().filter(|b| (b.pool, b.day) == (s.pool, s.day)) {
                Some(bin) => bin.seats += s.free,
                None => bins.push(PoolDay { pool: s.pool, day: s.day, seats: s.free, first_slot: i as u32 }),
            }
        }
        let order = self.order();
        let mut ids = String::with_capacity(self.ids.len());
        let mut ends = Vec::with_capacity(order.len());
        for &i in &order {
            ids.push_str(self.id(i as usize));
            ends.push(ids.len() as u32);
        }
        let (lists, list_of) = ranked(self.lists);
        let classes =
            self.classes.into_iter().map(|(c, n)| (Class { list: list_of[c.list as usize], ..c }, n)).collect();
        let (classes, class_of) = ranked(classes);
        // Households are numbered by their first member: their names carry no meaning.
        let mut number = vec![0; self.households.len() + 1];
        let mut next = 1;
        for &i in &order {
            let household = self.household[i as usize] as usize;
            if household > 0 && number[household] == 0 {
                number[household] = next;
                next += 1;
            }
        }
        let first_seen = if self.first_seen.len() == order.len() {
            order.iter().map(|i| self.first_seen[*i as usize]).collect()
        } else {
            Vec::new()
        };
        Ok(Instance {
            business_date,
            seed,
            perish_before,
            pools,
            slots,
            bins,
            lists,
            classes,
            class: order.iter().map(|i| class_of[self.class[*i as usize] as usize]).collect(),
            household: order.iter().map(|i| number[self.household[*i as usize] as usize]).collect(),
            ids,
            ends,
            first_seen,
            beside: HashMap::new(),
        })
    }
}

/// Values in order, and the new position of each old number.
fn ranked<T: Ord>(numbered: HashMap<T, u32>) -> (Vec<T>, Vec<u32>) {
    let mut values: Vec<(T, u32)> = numbered.into_iter().collect();
    values.sort_unstable();
    let mut place = vec![0; values.len()];
    for (i, (_, n)) in values.iter().enumerate() {
        place[*n as usize] = i as u32;
    }
    (values.into_iter().map(|(value, _)| value).collect(), place)
}
