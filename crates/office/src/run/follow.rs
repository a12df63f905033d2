//! What becomes of the appointments of earlier nights: [`decide`]d purely between assessing and planning, then settled by
//! the plan.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result};
use chrono::{Days, NaiveDate};

use super::input::{People, candidate};
use super::observation::Observation;
use super::{Dates, FollowedCounts, For};
use convoke_domain::agenda::Jurisdiction;
use convoke_domain::convocation::Origin;
use convoke_domain::eligibility::{Facts, Rule, assess};
use convoke_domain::follow::{Basis, Change, Consequence, Remedy, Standing, Suite, Then, follow};
use convoke_domain::ids::{IdKey, RunId};
use convoke_domain::slot::SlotId;
use convoke_instance::{Pass, Plan, PlanningInput};
use convoke_settings::Configuration;
use convoke_store::{Case, Followed};

/// What a night found of one appointment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub reference: String,
    pub suite: Suite,
    /// The verdict that ended the need, or what changed.
    pub cause: &'static str,
    /// The slot it gives up, or is given back.
    pub slot: SlotId,
    /// The slot to which it moves, or that is given back.
    pub to: Option<SlotId>,
}

/// What a night does about the appointments of earlier nights.
#[derive(Clone, Debug, Default)]
pub(super) struct Following {
    pub found: Vec<Found>,
    /// What appointments were made from, where that was not recorded.
    pub basis: Vec<(String, Basis)>,
    /// To be planned again: the permit, and why.
    movers: HashMap<String, (usize, Change)>,
    /// What is known already, and no news.
    known: HashSet<(String, String, String)>,
}

impl Following {
    /// Slots whose seats enter tonight's plan.
    pub(super) fn released(&self) -> impl Iterator<Item = &SlotId> {
        self.found.iter().filter(|f| matches!(f.suite, Suite::Released | Suite::Told)).map(|f| &f.slot)
    }

    /// All that a night would do.
    pub(super) fn counts(&self) -> FollowedCounts {
        FollowedCounts::of(self.found.iter().map(|f| f.suite))
    }

    /// What is done with the plan; the rest is counted when it is carried out.
    pub(super) fn counts_with_plan(&self) -> FollowedCounts {
        let suites = self.found.iter().map(|f| f.suite);
        FollowedCounts::of(suites.filter(|suite| matches!(suite, Suite::Listed | Suite::Withheld | Suite::Lapsed)))
    }

    /// Whether a run of this date has not yet done all this.
    pub(super) fn is_news(&self) -> bool {
        !self.basis.is_empty() || self.found.iter().any(|f| !self.is_known(f))
    }

    fn is_known(&self, f: &Found) -> bool {
        let standing = matches!(f.suite, Suite::Listed | Suite::Withheld | Suite::Lapsed);
        standing && self.known.contains(&(f.reference.clone(), f.suite.code().to_owned(), f.cause.to_owned()))
    }

    /// What is confirmed with a plan; empty if nothing is done.
    pub(super) fn shown(&self) -> Vec<String> {
        let done = self.found.iter().filter(|f| f.suite != Suite::Listed && f.suite != Suite::Withheld);
        done.map(|f| format!("{} {} {}", f.reference, f.suite, f.to.as_ref().map_or("-".into(), SlotId::to_string)))
            .collect()
    }

    /// The rows that a run records: what is new, and what stands and is counted.
    pub(super) fn rows(&self, run: &RunId, business_date: NaiveDate) -> Vec<Followed> {
        // Somebody who is to be looked at is listed once.
        let recorded = self.found.iter().filter(|f| f.suite != Suite::Listed || !self.is_known(f));
        let row = |f: &Found| Followed {
            run_id: run.0.clone(),
            reference: f.reference.clone(),
            business_date,
            consequence: f.suite,
            cause: f.cause.to_owned(),
            slot_id: f.to.clone(),
            new_reference: None,
            pending: matches!(f.suite, Suite::Released | Suite::Told | Suite::Moved | Suite::Restored),
        };
        recorded.map(row).collect()
    }
}

/// Compares each coming appointment with the facts of tonight.
pub(super) fn decide(
    config: &Configuration,
    jurisdiction: &Jurisdiction,
    dates: Dates,
    seen: &Observation,
    for_whom: For,
) -> Following {
    let policy = &config.settings.policy;
    // A slot with fewer places than people keeps those whom it has.
    let slots: HashSet<&SlotId> = seen.slots.iter().map(|s| &s.id).collect();
    let mut following = Following { known: seen.known.clone(), ..Following::default() };
    // An act at the counter takes no seat that is still somebody's.
    if for_whom == For::Act {
        return following;
    }
    let (mut released, mut live) = (Vec::new(), 0);
    for (number, case) in seen.live.iter().enumerate().filter(|(_, c)| c.slot_id.day > dates.today) {
        live += 1;
        let rule = assess(&facts(case, &seen.honoured), policy, jurisdiction, dates.business).rule;
        // Its letters wait until an agent lets the permit go.
        if rule == Rule::Held {
            continue;
        }
        let desk = &case.slot_id.pool;
        let now = Standing {
            day: case.slot_id.day,
            rule,
            expires_on: case.expires_on,
            is_open: slots.contains(&case.slot_id) && config.agenda.is_open(desk, case.slot_id.day),
            is_served: case.origin == Origin::Elsewhere || config.agenda.serves(desk, case.kind, &case.commune),
        };
        let found = |suite, cause| Found {
            reference: case.reference.clone(),
            suite,
            cause,
            slot: case.slot_id.clone(),
            to: None,
        };
        let Some(basis) = case.basis() else {
            // Facts of before are listed once, and never acted upon.
            following.basis.push((case.reference.clone(), Basis { expires_on: case.expires_on, rule }));
            if rule.ends_need() {
                following.found.push(found(Suite::Listed, rule.code()));
            }
            continue;
        };
        match follow(basis, &now, policy.late_months) {
            Consequence::Nothing => {}
            Consequence::Ended(rule) => match policy.follow.then(rule) {
                Then::Release => released.push(found(Suite::Released, rule.code())),
                Then::Tell => released.push(found(Suite::Told, rule.code())),
                Then::List => following.found.push(found(Suite::Listed, rule.code())),
            },
            Consequence::Changed(change) => match policy.follow.remedy(change) {
                Remedy::Move => {
                    following.movers.insert(case.permit_id.clone(), (number, change));
                }
                Remedy::List => following.found.push(found(Suite::Listed, change.code())),
            },
        }
    }
    if for_whom == For::Night && policy.follow.withholds(released.len(), live) {
        for found in &mut released {
            found.suite = Suite::Withheld;
        }
    }
    following.found.extend(released);
    following
}

fn facts<'c>(case: &'c Case, honoured: &HashSet<String>) -> Facts<'c> {
    let facts = case.facts();
    Facts { filed: facts.filed || honoured.contains(&case.permit_id), ..facts }
}

/// Gives back the seats of people whose need has come back, where they are still free: they keep the outcome of people
/// who are convoked, and their seats are not planned for others.
pub(super) fn give_back(
    config: &Configuration,
    jurisdiction: &Jurisdiction,
    dates: Dates,
    seen: &mut Observation,
) -> Result<Vec<(Found, String)>> {
    let policy = &config.settings.policy;
    let floor = dates.today.checked_add_days(Days::new(policy.send_floor_days.into())).context("a date")?;
    let mut back = Vec::new();
    for case in &seen.freed {
        let rule = assess(&facts(case, &seen.honoured), policy, jurisdiction, dates.business).rule;
        let slot = &case.slot_id;
        let serves = config.agenda.serves(&slot.pool, case.kind, &case.commune);
        let is_open = config.agenda.is_open(&slot.pool, slot.day);
        let seats = seen.slots.iter().find(|s| s.id == *slot).map_or(0, |s| u64::from(s.seats));
        let taken = seen.taken.entry(slot.clone()).or_default();
        if !rule.ends_need() && rule != Rule::Held && serves && is_open && slot.day > floor && *taken < seats {
            *taken += 1;
            let found = Found {
                reference: case.reference.clone(),
                suite: Suite::Restored,
                cause: rule.code(),
                slot: slot.clone(),
                to: Some(slot.clone()),
            };
            back.push((found, case.holder_id.clone()));
        }
    }
    Ok(back)
}

/// Adds to the planner's input the people who are planned again, and puts those first whose seat was given away.
pub(super) fn take_part(
    config: &Configuration,
    jurisdiction: &Jurisdiction,
    dates: Dates,
    (seen, people): (&Observation, People<'_>),
    id_key: &IdKey,
    (following, mut input): (&Following, PlanningInput),
) -> Result<PlanningInput> {
    let policy = &config.settings.policy;
    for (permit, (number, change)) in &following.movers {
        let case = &seen.live[*number];
        let window = policy.window(case.kind, &case.mention, case.expires_on, dates.business);
        let window = window.context("a title without a window")?;
        let pools = jurisdiction.pools(case.kind, &case.commune).to_vec();
        let who = (permit.as_str(), case.holder_id.as_str(), case.kind);
        let mut again = candidate(config, dates, people, id_key, who, pools, &window)?;
        again.come_first();
        again.again = true;
        // Her present day is late already: another late day must be an earlier one.
        again.better_than = (*change == Change::Deadline).then(|| input.day(case.slot_id.day));
        input.candidates.push(again);
    }
    let mut input = input.canonical();
    // Somebody whose seat was given to another when a fact said otherwise comes first among equals.
    for freed in &seen.freed {
        if let Ok(at) = input.candidates.binary_search_by(|c| c.id.0.as_str().cmp(&freed.permit_id)) {
            input.candidates[at].come_first();
        }
    }
    Ok(input)
}

/// Reads from the plan where those go who were planned again. A day after the new deadline is taken only if it is
/// better than the present one.
pub(super) fn settle(following: &mut Following, seen: &Observation, plan: &Plan, input: &PlanningInput) {
    let mut seats = HashMap::new();
    for a in plan.appointments.iter().filter(|a| input.candidates[a.candidate].again) {
        seats.insert(input.candidates[a.candidate].id.0.as_str(), a);
    }
    let mut found = Vec::new();
    for (permit, (number, change)) in &following.movers {
        let case = &seen.live[*number];
        let seat = seats.get(permit.as_str()).filter(|a| {
            a.pass != Pass::AfterExpiry || *change != Change::Deadline || input.date(a.day) < case.slot_id.day
        });
        let to = seat.map(|a| input.slot(a.pool, a.day, a.start)).filter(|to| *to != case.slot_id);
        found.push(Found {
            reference: case.reference.clone(),
            suite: if to.is_some() { Suite::Moved } else { Suite::Lapsed },
            cause: change.code(),
            slot: case.slot_id.clone(),
            to,
        });
    }
    following.found.extend(found);
    following.found.sort_by(|a, b| a.reference.cmp(&b.reference));
}
