//! The independent checker of plans. It knows the instance and the plan as they are exported and nothing of how plans
//! are made: how people are grouped into classes is the only code that it shares with the planner, and no figure of a
//! plan is believed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use serde::Serialize;

use convoke_domain::code::coded;
use convoke_instance::{Appointment, Candidate, Day, Instance, LapseCause, NOWHERE, Pass, Plan, PlanningInput, Proof};

coded! {
    /// Something that a plan must never do.
    pub enum Kind {
        /// An appointment is for nobody.
        Nobody = "nobody",
        /// Somebody has two appointments.
        TwoAppointments = "two-appointments",
        /// Somebody is sent to a pool that does not receive them.
        WrongPool = "wrong-pool",
        /// Somebody is seen on a day that their window does not allow.
        OutsideWindow = "outside-window",
        /// An appointment is firm, or is not, against the rule.
        WrongFirmness = "wrong-firmness",
        /// Somebody is seen at an hour that does not exist.
        NoSuchHour = "no-such-hour",
        /// An hour has more people than seats.
        SeatTooMany = "seat-too-many",
        /// A lapse is listed twice.
        LapseTwice = "lapse-twice",
        /// A lapse is of nobody.
        LapseOfNobody = "lapse-of-nobody",
        /// Somebody is seated in time and listed as a lapse.
        SeatedAndLapse = "seated-and-lapse",
        /// Somebody who had expired already is listed as a lapse of this plan.
        LapseOfLate = "lapse-of-late",
        /// Somebody lapses though a seat is free, or would be if others moved.
        Avoidable = "avoidable-lapse",
        /// Days exist before expiry, though taken, and the lapse says that none does.
        DaysExist = "days-exist",
        /// No day exists before expiry, and the lapse says that all are taken.
        NoDayExists = "no-day-exists",
        /// Somebody is neither seated in time nor a lapse.
        Forgotten = "forgotten",
        /// Somebody has no seat at all while one is free.
        SeatLeft = "seat-left",
    }
}

/// What a finding means for those concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The plan says something false of itself.
    Statement,
    /// The plan breaks the promise, or cannot be carried out.
    Promise,
}

impl Kind {
    /// How grave it is.
    pub const fn severity(self) -> Severity {
        match self {
            Self::LapseTwice | Self::LapseOfNobody | Self::LapseOfLate | Self::DaysExist | Self::NoDayExists => {
                Severity::Statement
            }
            Self::Nobody
            | Self::TwoAppointments
            | Self::WrongPool
            | Self::OutsideWindow
            | Self::WrongFirmness
            | Self::NoSuchHour
            | Self::SeatTooMany
            | Self::SeatedAndLapse
            | Self::Avoidable
            | Self::Forgotten
            | Self::SeatLeft => Severity::Promise,
        }
    }
}

/// One thing that is wrong with a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// Position of the candidate, where one is concerned.
    pub candidate: Option<usize>,
    /// Pool, day and start of the appointment, where one is concerned.
    pub place: Option<(u32, Day, u16)>,
}

impl Finding {
    /// How grave it is.
    pub const fn severity(&self) -> Severity {
        self.kind.severity()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if let Some(candidate) = self.candidate {
            write!(f, ", candidate {candidate}")?;
        }
        if let Some((pool, day, start)) = self.place {
            write!(f, " (pool {pool}, day {day}, start {start})")?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a plan; nothing for a good one.
///
/// Checked: one appointment at most for each, in a pool of theirs, at an hour that exists and has a seat; days within
/// release and deadline (or within short notice, or after expiry, as its pass says); firm exactly where it must be;
/// everyone in time is seated or listed as a lapse with a true cause; nobody lapses who could be seated if others moved;
/// and nobody is without a seat while one is free.
pub fn check(plan: &Plan, input: &PlanningInput) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |kind, candidate, place| findings.push(Finding { kind, candidate, place });

    let mut left: HashMap<(u32, i32, u16), i64> = HashMap::new();
    for s in &input.slots {
        *left.entry((s.pool, s.day, s.start)).or_default() += i64::from(s.free);
    }
    let existing: HashSet<(u32, i32)> = left.keys().map(|(pool, day, _)| (*pool, *day)).collect();
    // Families that come together: household, day, site, and whether one of them must be made firm tonight.
    let family = |a: &Appointment| {
        let household = input.candidates.get(a.candidate)?.household.clone()?;
        Some((household, a.day, input.pools.get(a.pool as usize)?.site.clone()))
    };
    let must_be_firm = |a: &Appointment, c: &Candidate| {
        let nobody_elses = a.day < input.surplus_before || i64::from(c.deadline) + i64::from(input.late_wait_days) < 0;
        match a.pass {
            // Whoever has an appointment that no longer serves is not left waiting for the letter.
            _ if c.again => true,
            Pass::AfterExpiry => c.earliest >= c.deadline && (a.day < c.firm_before || nobody_elses),
            Pass::InTime | Pass::ShortNotice => a.day < c.firm_before,
        }
    };
    let known = |a: &&Appointment| {
        a.pass != Pass::AfterExpiry && input.candidates.get(a.candidate).is_some_and(|c| must_be_firm(a, c))
    };
    let firm_families: HashSet<_> = plan.appointments.iter().filter(known).filter_map(family).collect();
    let mut seated: HashMap<usize, Pass> = HashMap::new();
    for a in &plan.appointments {
        let Some(c) = input.candidates.get(a.candidate) else {
            find(Kind::Nobody, Some(a.candidate), Some((a.pool, a.day, a.start)));
            continue;
        };
        let mut claim = |holds: bool, kind| {
            if !holds {
                find(kind, Some(a.candidate), Some((a.pool, a.day, a.start)));
            }
        };
        claim(seated.insert(a.candidate, a.pass).is_none(), Kind::TwoAppointments);
        claim(c.pools.iter().any(|r| r.pool == a.pool), Kind::WrongPool);
        let within = match a.pass {
            Pass::InTime => c.release <= a.day && a.day <= c.deadline,
            Pass::ShortNotice => c.earliest <= a.day && a.day <= c.deadline && a.day < c.release,
            Pass::AfterExpiry => c.earliest <= a.day && a.day > c.deadline,
        };
        claim(within, Kind::OutsideWindow);
        let with_family =
            a.pass != Pass::AfterExpiry && family(a).is_some_and(|family| firm_families.contains(&family));
        claim(a.firm == (must_be_firm(a, c) || with_family), Kind::WrongFirmness);
        match left.get_mut(&(a.pool, a.day, a.start)) {
            None => claim(false, Kind::NoSuchHour),
            Some(free) => {
                *free -= 1;
                claim(*free >= 0, Kind::SeatTooMany);
            }
        }
    }
    let mut free_days: HashMap<u32, Vec<i32>> = HashMap::new();
    for ((pool, day, _), _) in left.iter().filter(|(_, free)| **free > 0) {
        free_days.entry(*pool).or_default().push(*day);
    }
    let avoidable = avoidable_lapses(plan, input);
    let lapses: HashMap<usize, LapseCause> = plan.lapses.iter().map(|l| (l.candidate, l.cause)).collect();
    if lapses.len() != plan.lapses.len() {
        find(Kind::LapseTwice, None, None);
    }
    for (i, c) in input.candidates.iter().enumerate() {
        let free = |first: i32, last: i32| {
            c.pools.iter().filter_map(|r| free_days.get(&r.pool)).flatten().any(|d| first <= *d && *d <= last)
        };
        let exists =
            |first: i32| c.pools.iter().any(|r| (first..=c.deadline).any(|day| existing.contains(&(r.pool, day))));
        let before_expiry = matches!(seated.get(&i), Some(Pass::InTime | Pass::ShortNotice));
        let first = c.release.min(c.earliest);
        match lapses.get(&i) {
            Some(_) if before_expiry => find(Kind::SeatedAndLapse, Some(i), None),
            Some(_) if c.is_late() => find(Kind::LapseOfLate, Some(i), None),
            Some(_) if avoidable.contains(&i) => find(Kind::Avoidable, Some(i), None),
            Some(LapseCause::NoPossibleDay) if exists(first) => {
                find(Kind::DaysExist, Some(i), None);
            }
            Some(LapseCause::NoCapacity) if !exists(first) => {
                find(Kind::NoDayExists, Some(i), None);
            }
            None if !before_expiry && !c.is_late() => {
                find(Kind::Forgotten, Some(i), None);
            }
            _ => {}
        }
        if !seated.contains_key(&i) && free(c.earliest, c.better_than.map_or(i32::MAX, |day| day - 1)) {
            find(Kind::SeatLeft, Some(i), None);
        }
    }
    if plan.lapses.iter().any(|l| l.candidate >= input.candidates.len()) {
        find(Kind::LapseOfNobody, None, None);
    }
    findings
}

/// Those who lapse although a seat before their expiry is free, or would be if others, who would all keep one of theirs, moved:
/// the promise itself, with the shortest notice for everybody. Appointments after expiry come second and stand in nobody's way.
fn avoidable_lapses(plan: &Plan, input: &PlanningInput) -> HashSet<usize> {
    let mut seats: BTreeMap<(u32, i32), i64> = BTreeMap::new();
    for s in &input.slots {
        *seats.entry((s.pool, s.day)).or_default() += i64::from(s.free);
    }
    let mut seated: HashMap<(u32, i32), Vec<usize>> = HashMap::new();
    for a in plan.appointments.iter().filter(|a| a.pass != Pass::AfterExpiry) {
        seated.entry((a.pool, a.day)).or_default().push(a.candidate);
    }
    let mut avoidable = HashSet::new();
    let mut full: HashSet<(u32, i32)> = HashSet::new();
    for lapse in &plan.lapses {
        // What this search reaches without finding a seat, no later one need look at again.
        let mut reached = vec![lapse.candidate];
        while let Some(c) = reached.pop().and_then(|i| input.candidates.get(i)) {
            let first = c.release.min(c.earliest);
            for ranked in c.pools.iter().filter(|_| first <= c.deadline) {
                for (at, seats) in seats.range((ranked.pool, first)..=(ranked.pool, c.deadline)) {
                    let here = seated.get(at).map_or(&[][..], Vec::as_slice);
                    if *seats > here.len() as i64 {
                        avoidable.insert(lapse.candidate);
                        reached.clear();
                    } else if full.insert(*at) {
                        reached.extend(here);
                    }
                }
            }
        }
    }
    avoidable
}

/// What a plan costs, level by level, in the order of importance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Levels {
    /// People without a place.
    pub lapses: u64,
    /// Weighted days beyond the preferred end; a lapse counts `lapse_late`.
    pub late_days: u64,
    /// Perishing seats that are filled: the only level of which more is better.
    pub perishing_filled: u64,
    /// Ranks of the sites.
    pub site_rank: u64,
    /// Days after release.
    pub days: u64,
}

/// Whether the prices of a plan, and of its second pass, prove that none is better.
pub fn closes(proof: &Proof) -> bool {
    optimality(&proof.instance, proof.proved(), &proof.prices).is_ok() && proof.second.as_deref().is_none_or(closes)
}

/// What a plan of the first pass costs, level by level.
pub fn levels(instance: &Instance, places: &[u32]) -> Levels {
    let mut levels = Levels::default();
    for (person, place) in places.iter().enumerate() {
        let class = instance.class_of(person);
        let weight = u64::from(class.weight);
        let Some(at) = instance.bins.get(*place as usize) else {
            levels.lapses += 1;
            levels.late_days += weight * u64::from(class.lapse_late);
            continue;
        };
        let rank = instance.lists[class.list as usize].iter().find(|r| r.pool == at.pool).map_or(0, |r| r.rank);
        levels.late_days += weight * (at.day - class.pref_end).max(0) as u64;
        levels.perishing_filled += u64::from(instance.perish_before.is_some_and(|before| at.day < before));
        levels.site_rank += u64::from(rank);
        levels.days += (at.day - class.release).max(0) as u64;
    }
    levels
}

/// Whether a plan of the first pass is possible, and whether its prices prove that none is better; else what is wrong.
///
/// By duality no plan costs less than Σ over people of the cheaper of a lapse and their cheapest pool-day at these prices,
/// less Σ price × seats: if this plan costs just that, it is optimal on every level. See docs/PLANNING.md.
pub fn optimality(instance: &Instance, places: &[u32], prices: &[(u32, i128)]) -> Result<(), String> {
    if places.len() != instance.people() {
        return Err(format!("{} places for {} people", places.len(), instance.people()));
    }
    let mut left: Vec<i64> = instance.bins.iter().map(|b| i64::from(b.seats)).collect();
    for (person, place) in places.iter().enumerate().filter(|(_, place)| **place != NOWHERE) {
        let class = instance.class_of(person);
        let at = instance.bins.get(*place as usize).ok_or_else(|| format!("{}: no such day", instance.id(person)))?;
        let pool = instance.lists[class.list as usize].iter().any(|r| r.pool == at.pool);
        if !pool || at.day < class.release || class.deadline < at.day {
            return Err(format!("{} may not come to pool {} on day {}", instance.id(person), at.pool, at.day));
        }
        left[*place as usize] -= 1;
        if left[*place as usize] < 0 {
            return Err(format!("pool {} has too many people on day {}", at.pool, at.day));
        }
    }
    let overflow = || "the costs overflow".to_owned();
    let mut price = vec![0i128; instance.bins.len()];
    let mut bound = 0i128;
    for (bin, p) in prices {
        let seats = i128::from(instance.bins.get(*bin as usize).ok_or("a price of no day")?.seats);
        if *p < 0 {
            return Err(format!("a price is negative: {p}"));
        }
        price[*bin as usize] = *p;
        bound = p.checked_mul(seats).and_then(|all| bound.checked_sub(all)).ok_or_else(overflow)?;
    }
    let mut cheapest: Vec<Option<i128>> = vec![None; instance.classes.len()];
    for class in &instance.class {
        let least = cheapest[*class as usize].get_or_insert_with(|| {
            let class = &instance.classes[*class as usize];
            let weight = i128::from(class.weight);
            let mut least = (1 << 102) + ((weight * i128::from(class.lapse_late)) << 66);
            for ranked in &instance.lists[class.list as usize] {
                let first = instance.bins.partition_point(|b| (b.pool, b.day) < (ranked.pool, class.release));
                let here = instance.bins.iter().zip(&price).skip(first);
                for (bin, price) in here.take_while(|(b, _)| b.pool == ranked.pool && b.day <= class.deadline) {
                    if bin.seats > 0 {
                        let late = i128::from((bin.day - class.pref_end).max(0));
                        let perishing = instance.perish_before.is_some_and(|before| bin.day < before);
                        let cost = ((weight * late) << 66) - (i128::from(perishing) << 50)
                            + (i128::from(ranked.rank) << 28)
                            + i128::from(bin.day - class.release);
                        least = least.min(cost + price);
                    }
                }
            }
            least
        });
        bound = bound.checked_add(*least).ok_or_else(overflow)?;
    }
    let sum = levels(instance, places);
    let cost = (i128::from(sum.lapses) << 102) + (i128::from(sum.late_days) << 66)
        - (i128::from(sum.perishing_filled) << 50)
        + (i128::from(sum.site_rank) << 28)
        + i128::from(sum.days);
    if bound == cost {
        Ok(())
    } else {
        Err(format!("the plan costs {cost}, the prices prove {bound}: {}", cost - bound))
    }
}
