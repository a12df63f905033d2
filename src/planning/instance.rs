//! What the first pass of a plan sees: people by class, seats by pool-day. The same for a night of the database and for a
//! directory of files; a million people take about 60 MB.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;

use super::{Day, PlanningInput, SlotSeats};
use crate::agenda::RankedPool;
use crate::ids::keyed_hash;

/// In the place of a pool-day: none.
pub(super) const NOWHERE: u32 = u32::MAX;

/// What a lapse costs: the first level. Each level outweighs all that the levels below it can sum up to in one component.
pub(super) const LAPSE: i128 = 1 << 102;
/// A weighted day beyond the preferred end: the second level.
pub(super) const LATE_DAY: i128 = 1 << 66;
/// A perishing seat that is filled, taken off: the third level.
pub(super) const PERISHING: i128 = 1 << 50;
/// A rank of distance: the fourth level. The fifth, a day after the release, costs 1.
pub(super) const RANK: i128 = 1 << 28;

/// All that the first pass sees, in canonical order: equal contents are equal instances, whatever the order of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Day 0.
    pub business_date: NaiveDate,
    /// Published seed that breaks ties.
    pub seed: String,
    /// Seats on days before this one are lost if nobody takes them tonight.
    pub perish_before: Option<Day>,
    /// Desks; their numbers are their positions.
    pub pools: Vec<PoolName>,
    /// Hours, by pool, day and start.
    pub slots: Vec<SlotSeats>,
    /// Pool-days, by pool and day, those without a free seat included.
    pub(super) bins: Vec<PoolDay>,
    /// Distinct lists of pools, in order.
    pub(super) lists: Vec<Vec<RankedPool>>,
    /// Distinct classes, in order of deadline.
    pub(super) classes: Vec<Class>,
    /// Ids, one after the other, and where each ends.
    ids: String,
    ends: Vec<u32>,
    /// Class of each person.
    pub(super) class: Vec<u32>,
    /// Household of each person, numbered from 1; 0 for none.
    pub(super) household: Vec<u32>,
    /// First night on which the program knew of each person; empty where that is unknown.
    first_seen: Vec<Day>,
    /// Households of which somebody is convoked already: day and site.
    pub(super) beside: HashMap<u32, (Day, String)>,
}

/// A desk at a site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolName {
    /// As files name it.
    pub name: String,
    /// Site.
    pub site: String,
    /// Desk.
    pub desk: String,
}

/// The seats of a pool on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PoolDay {
    pub pool: u32,
    pub day: Day,
    pub seats: u32,
    /// Its hours: `slots[first_slot..]`.
    pub first_slot: u32,
}

/// People who are alike to the planner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Class {
    pub deadline: Day,
    pub release: Day,
    pub pref_end: Day,
    /// Position in `lists`.
    pub list: u32,
    pub weight: u32,
    pub lapse_late: u32,
}

/// The costs of a component that a level cannot hold: the levels below it could outweigh it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {level} of people who share desks add up to more than a plan can tell apart")]
pub struct Overflow {
    /// The person by whom it overflows, in the order in which they were added.
    pub person: usize,
    /// Level.
    pub level: &'static str,
}

/// Collects people in any order.
#[derive(Debug, Default)]
pub(super) struct Builder {
    ids: String,
    ends: Vec<u32>,
    class: Vec<u32>,
    household: Vec<u32>,
    first_seen: Vec<Day>,
    classes: HashMap<Class, u32>,
    lists: HashMap<Vec<RankedPool>, u32>,
    households: HashMap<String, u32>,
}

/// What the planner needs to know of a person.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person<'a> {
    pub id: &'a str,
    pub household: &'a str,
    pub first_seen: Option<Day>,
    pub release: Day,
    pub pref_end: Day,
    pub deadline: Day,
    pub weight: u32,
    pub lapse_late: u32,
}

impl Builder {
    /// Adds a person; pools in any order, each once.
    pub(super) fn add(&mut self, person: Person<'_>, mut pools: Vec<RankedPool>) {
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

    /// Gives every pool another number.
    pub(super) fn renumber(&mut self, number: &[u32]) {
        let renumbered = std::mem::take(&mut self.lists).into_iter().map(|(mut list, n)| {
            for ranked in &mut list {
                ranked.pool = number[ranked.pool as usize];
            }
            list.sort_unstable_by_key(|r| r.pool);
            (list, n)
        });
        self.lists = renumbered.collect();
    }

    /// Id of a person, in the order in which they were added.
    pub(super) fn id(&self, person: usize) -> &str {
        let start = if person == 0 { 0 } else { self.ends[person - 1] as usize };
        &self.ids[start..self.ends[person] as usize]
    }

    /// People in the order of their ids.
    fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.ends.len() as u32).collect();
        order.sort_unstable_by_key(|i| (self.id(*i as usize), *i));
        order
    }

    /// The first person whose id somebody before them has.
    pub(super) fn repeated(&self) -> Option<usize> {
        let order = self.order();
        let pairs = order.windows(2).filter(|pair| self.id(pair[0] as usize) == self.id(pair[1] as usize));
        pairs.map(|pair| pair[1] as usize).min()
    }

    /// Whether every level outweighs all that lie below it, in every component: then the packed costs are lexicographic.
    fn levels_hold(&self, perish_before: Option<Day>, slots: &[SlotSeats]) -> Result<(), Overflow> {
        let perishes = |day: Day| perish_before.is_some_and(|before| day < before);
        let mut lists: Vec<(&Vec<RankedPool>, u32)> = self.lists.iter().map(|(list, n)| (list, *n)).collect();
        lists.sort_unstable_by_key(|(_, n)| *n);
        let lists: Vec<&Vec<RankedPool>> = lists.into_iter().map(|(list, _)| list).collect();
        let component = components(&lists);
        let mut classes: Vec<(&Class, u32)> = self.classes.iter().map(|(class, n)| (class, *n)).collect();
        classes.sort_unstable_by_key(|(_, n)| *n);
        let mut sums: HashMap<u32, [i128; 4]> = HashMap::new();
        // Perishing seats that are there to be filled, and people who might.
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
    pub(super) fn build(
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
        // Households are numbered by their first member: their names say nothing.
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

/// The order among people whom nothing else distinguishes: known for longest first, then by a hash that nobody can choose.
pub(super) fn tie(seed: &str, first_seen: Day, id: &str) -> (Day, u64) {
    let hash = keyed_hash(seed.as_bytes(), &[id.as_bytes()]);
    // Unwrap safety: the slice has eight bytes.
    (first_seen, u64::from_be_bytes(hash[..8].try_into().expect("eight bytes")))
}

/// Values in order, and where each came to lie by the number that it had.
fn ranked<T: Ord>(numbered: HashMap<T, u32>) -> (Vec<T>, Vec<u32>) {
    let mut values: Vec<(T, u32)> = numbered.into_iter().collect();
    values.sort_unstable();
    let mut place = vec![0; values.len()];
    for (i, (_, n)) in values.iter().enumerate() {
        place[*n as usize] = i as u32;
    }
    (values.into_iter().map(|(value, _)| value).collect(), place)
}

/// The representative of a node in a union-find forest.
pub(super) fn find(parent: &mut [u32], mut node: u32) -> u32 {
    while parent[node as usize] != node {
        parent[node as usize] = parent[parent[node as usize] as usize];
        node = parent[node as usize];
    }
    node
}

/// Puts two nodes under one representative, the smaller of the two.
pub(super) fn unite(parent: &mut [u32], a: u32, b: u32) {
    let (a, b) = (find(parent, a), find(parent, b));
    parent[a.max(b) as usize] = a.min(b);
}

/// The component of each list: lists that share a pool, directly or through others, are in one. A component is named by its
/// smallest list.
pub(super) fn components<L: AsRef<[RankedPool]>>(lists: &[L]) -> Vec<u32> {
    let mut parent: Vec<u32> = (0..lists.len() as u32).collect();
    let mut list_of_pool: HashMap<u32, u32> = HashMap::new();
    for (i, list) in lists.iter().enumerate() {
        for ranked in list.as_ref() {
            let other = *list_of_pool.entry(ranked.pool).or_insert(i as u32);
            unite(&mut parent, i as u32, other);
        }
    }
    (0..lists.len() as u32).map(|i| find(&mut parent, i)).collect()
}

impl Instance {
    /// The first pass of a night, and the candidate behind each person, in the order of their ids. Those who have expired
    /// already are not in it; those whose notice is `shortened` may come from their earliest day.
    pub(super) fn of_night(input: &PlanningInput, shortened: &HashSet<usize>) -> Result<(Self, Vec<usize>), Overflow> {
        let open: BTreeSet<(u32, Day)> = input.slots.iter().map(|s| (s.pool, s.day)).collect();
        let mut builder = Builder::default();
        let mut candidates = Vec::new();
        for (i, c) in input.candidates.iter().enumerate().filter(|(_, c)| !c.is_late()) {
            // With no day at all after the full notice it is short for them in any case.
            let any = |pool: u32| {
                c.release <= c.deadline && open.range((pool, c.release)..=(pool, c.deadline)).next().is_some()
            };
            let short = shortened.contains(&i) || !c.pools.iter().any(|r| any(r.pool));
            let person = Person {
                id: &c.id.0,
                household: c.household.as_deref().unwrap_or_default(),
                first_seen: Some(c.first_seen),
                release: if short { c.earliest.min(c.release) } else { c.release },
                pref_end: c.pref_end,
                deadline: c.deadline,
                weight: c.weight,
                lapse_late: c.lapse_late,
            };
            builder.add(person, c.pools.clone());
            candidates.push(i);
        }
        candidates.sort_unstable_by(|a, b| input.candidates[*a].id.cmp(&input.candidates[*b].id));
        let name = |(number, pool): (usize, &String)| {
            let (site, desk) = pool.split_once('/').unwrap_or((pool, ""));
            PoolName { name: number.to_string(), site: site.to_owned(), desk: desk.to_owned() }
        };
        let pools = input.pools.iter().enumerate().map(name).collect();
        let mut instance =
            builder.build(input.business_date, input.seed.clone(), input.perish_before, pools, input.slots.clone())?;
        for (household, candidate) in instance.household.iter().zip(&candidates) {
            if let Some(beside) = input.candidates[*candidate].household.as_ref().and_then(|h| input.beside.get(h)) {
                instance.beside.insert(*household, beside.clone());
            }
        }
        Ok((instance, candidates))
    }

    /// How many people.
    pub fn people(&self) -> usize {
        self.class.len()
    }

    /// How many classes.
    pub fn class_count(&self) -> usize {
        self.classes.len()
    }

    /// Id of a person.
    pub fn id(&self, person: usize) -> &str {
        let start = if person == 0 { 0 } else { self.ends[person - 1] as usize };
        &self.ids[start..self.ends[person] as usize]
    }

    /// The civil date of a day.
    pub fn date(&self, day: Day) -> NaiveDate {
        super::date(self.business_date, day)
    }

    /// Site of a pool.
    pub(super) fn site(&self, pool: u32) -> &str {
        &self.pools[pool as usize].site
    }

    /// Class of a person.
    pub(super) fn class_of(&self, person: usize) -> &Class {
        &self.classes[self.class[person] as usize]
    }

    /// See [`tie`].
    pub(super) fn tie(&self, person: usize) -> (Day, u64) {
        tie(&self.seed, self.first_seen.get(person).copied().unwrap_or(0), self.id(person))
    }

    /// The pool-days of a pool from `first` to `last`, as positions; those without a seat included.
    pub(super) fn pool_days(&self, pool: u32, first: Day, last: Day) -> std::ops::Range<usize> {
        let from = self.bins.partition_point(|b| (b.pool, b.day) < (pool, first));
        let to = self.bins.partition_point(|b| (b.pool, b.day) <= (pool, last));
        from..to.max(from)
    }

    /// Every pool-day that a class may take, with the rank of its pool; those without a seat included.
    pub(super) fn options(&self, class: &Class) -> impl Iterator<Item = (usize, u32)> {
        let (first, last) = (class.release, class.deadline);
        self.lists[class.list as usize]
            .iter()
            .flat_map(move |r| self.pool_days(r.pool, first, last).map(|bin| (bin, r.rank)))
    }

    /// What a seat of a day costs whoever takes it: less than nothing where it perishes.
    pub(super) fn base_cost(&self, day: Day) -> i128 {
        if self.perish_before.is_some_and(|before| day < before) { -PERISHING } else { 0 }
    }
}
