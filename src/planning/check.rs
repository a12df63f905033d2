//! An independent checker of plans: shares no code with the planner, and believes none of its figures.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::{LapseCause, Pass, Plan, PlanningInput};

/// Something that a plan must never do, and to whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Breach {
    /// Position of the candidate, where one is concerned.
    pub candidate: Option<usize>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.candidate {
            Some(candidate) => write!(f, "candidate {candidate}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// Every breach of a plan; empty for a good one.
///
/// Checked: one appointment at most for each, in a pool of theirs, at an hour that exists and has a seat; days within
/// release and deadline (or within short notice, or after expiry, as its pass says); firm exactly where it must be;
/// everyone in time is seated or listed as a lapse with a true cause; and nobody is without a seat while one is free.
pub fn check(plan: &Plan, input: &PlanningInput) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut say = |candidate: Option<usize>, what: String| breaches.push(Breach { candidate, what });

    let mut left: HashMap<(u32, i32, u16), i64> = HashMap::new();
    for s in &input.slots {
        *left.entry((s.pool, s.day, s.start)).or_default() += i64::from(s.free);
    }
    let existing: HashSet<(u32, i32)> = left.keys().map(|(pool, day, _)| (*pool, *day)).collect();
    let mut seated: HashMap<usize, Pass> = HashMap::new();
    for a in &plan.appointments {
        let Some(c) = input.candidates.get(a.candidate) else {
            say(Some(a.candidate), "an appointment for nobody".into());
            continue;
        };
        let mut claim = |holds: bool, what: &str| {
            if !holds {
                say(Some(a.candidate), format!("{what} (pool {}, day {}, start {})", a.pool, a.day, a.start));
            }
        };
        claim(seated.insert(a.candidate, a.pass).is_none(), "has two appointments");
        claim(c.pools.iter().any(|r| r.pool == a.pool), "is sent to a pool that does not receive them");
        let within = match a.pass {
            Pass::InTime => c.release <= a.day && a.day <= c.deadline,
            Pass::ShortNotice => c.earliest <= a.day && a.day <= c.deadline,
            Pass::AfterExpiry => c.earliest <= a.day && a.day > c.deadline,
        };
        claim(within, "is seen on a day that their window does not allow");
        claim(a.firm == (a.day < c.firm_before || a.pass == Pass::AfterExpiry), "is firm, or not, against the rule");
        match left.get_mut(&(a.pool, a.day, a.start)) {
            None => claim(false, "is seen at an hour that does not exist"),
            Some(free) => {
                *free -= 1;
                claim(*free >= 0, "takes a seat too many");
            }
        }
    }
    let mut free_days: HashMap<u32, Vec<i32>> = HashMap::new();
    for ((pool, day, _), _) in left.iter().filter(|(_, free)| **free > 0) {
        free_days.entry(*pool).or_default().push(*day);
    }
    let lapses: HashMap<usize, LapseCause> = plan.lapses.iter().map(|l| (l.candidate, l.cause)).collect();
    if lapses.len() != plan.lapses.len() {
        say(None, "a lapse is listed twice".into());
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
            Some(_) if before_expiry => say(Some(i), "is seated in time and listed as a lapse".into()),
            Some(_) if c.is_late() => say(Some(i), "had expired already: not a lapse of this plan".into()),
            Some(_) if free(first, c.deadline) => say(Some(i), "lapses while a seat is free before expiry".into()),
            Some(LapseCause::NoPossibleDay) if exists(first) => {
                say(Some(i), "days exist before expiry, though taken".into());
            }
            Some(LapseCause::NoCapacity) if !exists(first) => {
                say(Some(i), "no day exists before expiry, whatever is taken".into());
            }
            None if !before_expiry && !c.is_late() => {
                say(Some(i), "is forgotten: neither seated in time nor a lapse".into());
            }
            _ => {}
        }
        if !seated.contains_key(&i) && free(c.earliest, i32::MAX) {
            say(Some(i), "is without a seat while one is free".into());
        }
    }
    if plan.lapses.iter().any(|l| l.candidate >= input.candidates.len()) {
        say(None, "a lapse of nobody".into());
    }
    breaches
}
