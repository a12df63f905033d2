//! The input of a plan's first pass: people by class, seats by pool-day. The same for a night from the database and for
//! a directory of files. A million people take about 60 MB.

mod builder;

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;

use super::{Day, PlanningInput, SlotSeats};
use convoke_domain::agenda::RankedPool;
use convoke_domain::ids::keyed_hash;
use convoke_domain::slot::PoolId;

pub use builder::{Builder, Overflow, Person};

/// No pool-day.
pub const NOWHERE: u32 = u32::MAX;

/// Cost of a lapse: the first level. Each level outweighs the largest possible sum of all lower levels in one
/// component.
pub const LAPSE: i128 = 1 << 102;
/// Cost of a weighted day beyond the preferred end: the second level.
pub const LATE_DAY: i128 = 1 << 66;
/// Bonus for filling a perishing seat: the third level.
pub const PERISHING: i128 = 1 << 50;
/// Cost of a rank of distance: the fourth level. The fifth, a day after the release, costs 1.
pub const RANK: i128 = 1 << 28;

/// Everything the first pass sees, in canonical order: equal contents give equal instances, whatever the order of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Day 0.
    pub business_date: NaiveDate,
    /// Published seed that breaks ties.
    pub seed: String,
    /// Seats on days before this one are lost if nobody takes them tonight.
    pub perish_before: Option<Day>,
    /// Desks; a desk's number is its index.
    pub pools: Vec<PoolName>,
    /// Hours, by pool, day and start.
    pub slots: Vec<SlotSeats>,
    /// Pool-days, by pool and day, including those without a free seat.
    pub bins: Vec<PoolDay>,
    /// Distinct lists of pools, in order.
    pub lists: Vec<Vec<RankedPool>>,
    /// Distinct classes, in order of deadline.
    pub classes: Vec<Class>,
    /// Concatenated ids, and the end of each.
    ids: String,
    ends: Vec<u32>,
    /// Class of each person.
    pub class: Vec<u32>,
    /// Household of each person, numbered from 1; 0 for none.
    pub household: Vec<u32>,
    /// First night on which each person was known; empty if unknown.
    first_seen: Vec<Day>,
    /// Households with a member who is already convoked: day and site.
    pub beside: HashMap<u32, (Day, String)>,
}

/// A desk at a site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolName {
    /// Name in files.
    pub name: String,
    /// Site.
    pub site: String,
    /// Desk.
    pub desk: String,
}

/// The seats of a pool on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolDay {
    /// Pool number.
    pub pool: u32,
    /// Day.
    pub day: Day,
    /// Free seats.
    pub seats: u32,
    /// Its hours: `slots[first_slot..]`.
    pub first_slot: u32,
}

/// People who are identical to the planner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Class {
    /// Last day that is in time.
    pub deadline: Day,
    /// First day.
    pub release: Day,
    /// Last day that is not late.
    pub pref_end: Day,
    /// Index into `lists`.
    pub list: u32,
    /// Weight of a late day.
    pub weight: u32,
    /// Late days that a lapse counts as, in addition.
    pub lapse_late: u32,
}

/// The order among otherwise equal people: those known longest first, then by a hash that nobody can choose.
pub(crate) fn tie(seed: &str, first_seen: Day, id: &str) -> (Day, u64) {
    let hash = keyed_hash(seed.as_bytes(), &[id.as_bytes()]);
    // Unwrap safety: the slice has eight bytes.
    (first_seen, u64::from_be_bytes(hash[..8].try_into().expect("eight bytes")))
}

/// The representative of a node in a union-find forest.
pub fn find(parent: &mut [u32], mut node: u32) -> u32 {
    while parent[node as usize] != node {
        parent[node as usize] = parent[parent[node as usize] as usize];
        node = parent[node as usize];
    }
    node
}

/// Unites two nodes under the smaller representative.
pub fn unite(parent: &mut [u32], a: u32, b: u32) {
    let (a, b) = (find(parent, a), find(parent, b));
    parent[a.max(b) as usize] = a.min(b);
}

/// The component of each list. Lists that share a pool, directly or through other lists, are in the same component. A
/// component is named by its smallest list.
pub fn components<L: AsRef<[RankedPool]>>(lists: &[L]) -> Vec<u32> {
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
    /// The first pass of a night, and the candidate index of each person, in id order. People whose permit has expired
    /// are left out. People in `shortened` may come from their earliest day on.
    pub fn of_night(input: &PlanningInput, shortened: &HashSet<usize>) -> Result<(Self, Vec<usize>), Overflow> {
        let open: BTreeSet<(u32, Day)> = input.slots.iter().map(|s| (s.pool, s.day)).collect();
        let mut builder = Builder::default();
        let mut candidates = Vec::new();
        for (i, c) in input.candidates.iter().enumerate().filter(|(_, c)| !c.is_late()) {
            // Without a seat after full notice, their notice is short in any case.
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
        let pools = input.pools.iter().enumerate().map(pool_name).collect();
        let mut instance =
            builder.build(input.business_date, input.seed.clone(), input.perish_before, pools, input.slots.clone())?;
        for (household, candidate) in instance.household.iter().zip(&candidates) {
            if let Some(beside) = input.candidates[*candidate].household.as_ref().and_then(|h| input.beside.get(h)) {
                instance.beside.insert(*household, beside.clone());
            }
        }
        Ok((instance, candidates))
    }

    /// The second pass of a night: the people whom the first left out, on the seats that it left, within the months of a
    /// late request. Every day after the first possible one counts alike for everybody. Also returns the candidate index
    /// of each person, in id order.
    pub fn of_second_pass(
        input: &PlanningInput,
        people: &[usize],
        left: Vec<SlotSeats>,
    ) -> Result<(Self, Vec<usize>), Overflow> {
        let mut builder = Builder::default();
        for c in people.iter().map(|i| &input.candidates[*i]) {
            let person = Person {
                id: &c.id.0,
                household: "",
                first_seen: Some(c.first_seen),
                release: c.late_from(),
                pref_end: c.late_from(),
                deadline: c.late_until(),
                weight: 1,
                lapse_late: 0,
            };
            builder.add(person, c.pools.clone());
        }
        let mut candidates = people.to_vec();
        candidates.sort_unstable_by(|a, b| input.candidates[*a].id.cmp(&input.candidates[*b].id));
        let pools = input.pools.iter().enumerate().map(pool_name).collect();
        let instance = builder.build(input.business_date, input.seed.clone(), input.perish_before, pools, left)?;
        Ok((instance, candidates))
    }

    /// Number of people.
    pub fn people(&self) -> usize {
        self.class.len()
    }

    /// Number of classes.
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
    pub fn site(&self, pool: u32) -> &str {
        &self.pools[pool as usize].site
    }

    /// Class of a person.
    pub fn class_of(&self, person: usize) -> &Class {
        &self.classes[self.class[person] as usize]
    }

    /// The order of a person among those whom nothing else distinguishes.
    pub fn tie(&self, person: usize) -> (Day, u64) {
        tie(&self.seed, self.first_seen.get(person).copied().unwrap_or(0), self.id(person))
    }

    /// Indices of a pool's pool-days from `first` to `last`, including those without a seat.
    pub fn pool_days(&self, pool: u32, first: Day, last: Day) -> std::ops::Range<usize> {
        let from = self.bins.partition_point(|b| (b.pool, b.day) < (pool, first));
        let to = self.bins.partition_point(|b| (b.pool, b.day) <= (pool, last));
        from..to.max(from)
    }

    /// Every pool-day that a class may take, with the rank of its pool, including those without a seat.
    pub fn options(&self, class: &Class) -> impl Iterator<Item = (usize, u32)> {
        let (first, last) = (class.release, class.deadline);
        self.lists[class.list as usize]
            .iter()
            .flat_map(move |r| self.pool_days(r.pool, first, last).map(|bin| (bin, r.rank)))
    }

    /// The basic cost of a seat on a day: negative if the seat perishes.
    pub fn base_cost(&self, day: Day) -> i128 {
        if self.perish_before.is_some_and(|before| day < before) { -PERISHING } else { 0 }
    }
}

fn pool_name((number, pool): (usize, &PoolId)) -> PoolName {
    PoolName { name: number.to_string(), site: pool.site.clone(), desk: pool.desk.clone() }
}

/// The hours of bookings, given as pool-days in the order of service.
pub fn hours(instance: &Instance, bookings: impl Iterator<Item = u32>) -> Vec<u16> {
    let mut next: Vec<(u32, u32)> = instance.bins.iter().map(|b| (b.first_slot, 0)).collect();
    bookings
        .map(|bin| {
            let (slot, used) = &mut next[bin as usize];
            while *used >= instance.slots[*slot as usize].free {
                (*slot, *used) = (*slot + 1, 0);
            }
            *used += 1;
            instance.slots[*slot as usize].start
        })
        .collect()
}
