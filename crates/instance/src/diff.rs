//! The difference between two plans and their causes: people, seats, days.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::Serialize;

use super::weeks::monday;
use super::{Plan, PlanningInput};
use convoke_domain::slot::PoolId;

/// The differences.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Permits that are new in the planning input.
    pub people_new: Vec<String>,
    /// Permits that are no longer in the planning input.
    pub people_gone: Vec<String>,
    /// Permits whose facts have changed: window, notice, places, household.
    pub people_changed: Vec<String>,
    /// Free seats, by pool and week.
    pub seats: Vec<SeatChange>,
    /// Permits that are firm now but were not before.
    pub firm_new: Vec<String>,
    /// Permits that were firm before but no longer are.
    pub firm_gone: Vec<String>,
    /// Permits in both plans whose day or place has changed.
    pub moved: Vec<String>,
    /// Permits that had a day before expiry but no longer do.
    pub lapses_new: Vec<String>,
    /// Permits that lacked a day before expiry but now have one, or are no longer planned.
    pub lapses_gone: Vec<String>,
}

/// Free seats of a pool in a week, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeatChange {
    /// `site/desk`.
    pub pool: PoolId,
    /// Monday of the week.
    pub week: NaiveDate,
    /// Before.
    pub before: u64,
    /// After.
    pub after: u64,
}

impl Difference {
    /// Whether the plans are the same for everyone.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The difference from one plan to another.
    pub fn between(before: (&PlanningInput, &Plan), after: (&PlanningInput, &Plan)) -> Self {
        let (was, is) = (People::of(before), People::of(after));
        let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect();
        let known = |people: &People| people.known.keys().cloned().collect::<BTreeSet<_>>();
        let both = |differs: &dyn Fn(&String) -> bool| -> Vec<String> {
            was.known.keys().filter(|id| is.known.contains_key(*id) && differs(id)).cloned().collect()
        };
        Self {
            people_new: only(&known(&is), &known(&was)),
            people_gone: only(&known(&was), &known(&is)),
            people_changed: both(&|id| was.known[id] != is.known[id]),
            seats: seats(before.0, after.0),
            firm_new: only(&is.firm, &was.firm),
            firm_gone: only(&was.firm, &is.firm),
            moved: both(&|id| was.places.get(id) != is.places.get(id)),
            lapses_new: only(&is.lapses, &was.lapses),
            lapses_gone: only(&was.lapses, &is.lapses),
        }
    }
}

/// The facts that two plans are compared by, as dates, because each plan counts days from its own night.
struct People {
    /// What the planner knew of each permit, except what changes every night.
    known: BTreeMap<String, String>,
    places: BTreeMap<String, (PoolId, NaiveDate)>,
    firm: BTreeSet<String>,
    lapses: BTreeSet<String>,
}

impl People {
    fn of((input, plan): (&PlanningInput, &Plan)) -> Self {
        let id = |candidate: usize| input.candidates[candidate].id.0.clone();
        let known = input.candidates.iter().map(|c| {
            let pools: Vec<String> =
                c.pools.iter().map(|r| format!("{}:{}", input.pools[r.pool as usize], r.rank)).collect();
            let (opens_to, household) = (input.date(c.deadline), c.household.as_deref().unwrap_or_default());
            let notice = c.full_notice - c.earliest;
            (c.id.0.clone(), format!("{} {opens_to} {notice} {household} {}", c.category, pools.join(";")))
        });
        let place = |a: &super::Appointment| (input.pools[a.pool as usize].clone(), input.date(a.day));
        Self {
            known: known.collect(),
            places: plan.appointments.iter().map(|a| (id(a.candidate), place(a))).collect(),
            firm: plan.firm().map(|a| id(a.candidate)).collect(),
            lapses: plan.lapses.iter().map(|l| id(l.candidate)).collect(),
        }
    }
}

/// From the later of the two nights on: earlier seats are past for one of them.
fn seats(before: &PlanningInput, after: &PlanningInput) -> Vec<SeatChange> {
    let from = before.business_date.max(after.business_date);
    let mut weeks: BTreeMap<(PoolId, NaiveDate), (u64, u64)> = BTreeMap::new();
    for (is_after, input) in [(false, before), (true, after)] {
        for slot in &input.slots {
            let date = input.date(slot.day);
            if date < from {
                continue;
            }
            let week = weeks.entry((input.pools[slot.pool as usize].clone(), monday(date))).or_default();
            *(if is_after { &mut week.1 } else { &mut week.0 }) += u64::from(slot.free);
        }
    }
    let changed = weeks.into_iter().filter(|(_, (before, after))| before != after);
    changed.map(|((pool, week), (before, after))| SeatChange { pool, week, before, after }).collect()
}
