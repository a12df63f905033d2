//! What becomes of the appointments of earlier nights: [`decide`]d purely between assessing and planning, recorded with
//! the plan, and carried out one by one, each in a transaction of its own.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, ensure};
use chrono::{Days, NaiveDate, TimeDelta};
use serde_json::json;

use super::appointment::{Convocation, Occasion};
use super::correspondence::committed;
use super::input::{Observation, People, candidate};
use super::{Dates, For, Summary, Tools};
use convoke_domain::agenda::{Jurisdiction, Pool};
use convoke_domain::convocation::{Origin, Remark, State};
use convoke_domain::eligibility::{Facts, Rule, assess};
use convoke_domain::follow::{Basis, Change, Consequence, Remedy, Standing, Suite, Then, follow};
use convoke_domain::ids::{HolderId, IdKey, PermitId, Reference, RunId};
use convoke_domain::ledger::Event;
use convoke_domain::slot::{PoolId, SlotId};
use convoke_instance::{Pass, Plan, PlanningInput};
use convoke_letters::{Because, CancelledBy};
use convoke_machine::fault;
use convoke_settings::Configuration;
use convoke_store::{Case, Followed, RunRow, Store};

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

    /// How many were found so.
    pub(super) fn count(&self, suite: Suite) -> u64 {
        self.found.iter().filter(|f| f.suite == suite).count() as u64
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
    let pools: Vec<PoolId> = config.agenda.pools().iter().map(Pool::id).collect();
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
        let pool = config.agenda.find(&case.slot_id.pool);
        let serves =
            || jurisdiction.pools(case.kind, &case.commune).iter().any(|p| pools[p.pool as usize] == case.slot_id.pool);
        let now = Standing {
            day: case.slot_id.day,
            rule,
            expires_on: case.expires_on,
            is_open: slots.contains(&case.slot_id)
                && pool.is_some_and(|pool| config.agenda.closed(pool, case.slot_id.day).is_none()),
            is_served: case.origin == Origin::Elsewhere || serves(),
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
    let pools: Vec<PoolId> = config.agenda.pools().iter().map(Pool::id).collect();
    let floor = dates.today.checked_add_days(Days::new(policy.send_floor_days.into())).context("a date")?;
    let mut back = Vec::new();
    for case in &seen.freed {
        let rule = assess(&facts(case, &seen.honoured), policy, jurisdiction, dates.business).rule;
        let slot = &case.slot_id;
        let serves = jurisdiction.pools(case.kind, &case.commune).iter().any(|p| pools[p.pool as usize] == slot.pool);
        let is_open = config.agenda.find(&slot.pool).is_some_and(|pool| config.agenda.closed(pool, slot.day).is_none());
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
    for (permit, (number, _)) in &following.movers {
        let case = &seen.live[*number];
        let window = policy.window(case.kind, &case.mention, case.expires_on, dates.business);
        let window = window.context("a title without a window")?;
        let pools = jurisdiction.pools(case.kind, &case.commune).to_vec();
        let who = (permit.as_str(), case.holder_id.as_str(), case.kind);
        let mut again = candidate(config, dates, people, id_key, who, pools, &window)?;
        again.come_first();
        again.again = true;
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

/// Records what is done, and frees the seats that tonight's plan gives to others, in the transaction of the plan.
pub(super) fn record(s: &mut Store, row: &RunRow, actor: &str, following: &Following) -> Result<()> {
    let run = RunId(row.run_id.clone());
    let basis: Vec<(&str, Basis)> = following.basis.iter().map(|(reference, b)| (reference.as_str(), *b)).collect();
    s.keep_basis(&basis)?;
    let rows = following.rows(&run, row.business_date);
    let freed = rows.iter().filter(|r| matches!(r.consequence, Suite::Released | Suite::Told));
    let freed: Vec<String> = freed.map(|r| r.reference.clone()).collect();
    s.end_convocations(&freed, State::Cancelled)?;
    s.record_followed(&rows)?;
    let event = |r: &Followed| {
        let kind = match r.consequence {
            Suite::Released | Suite::Told => "convocation.released",
            Suite::Withheld => "convocation.withheld",
            Suite::Listed | Suite::Lapsed => "convocation.listed",
            // Their entries come with the appointment made.
            Suite::Moved | Suite::Restored => return None,
        };
        Some(Event { kind, payload: json!({"reference": r.reference, "cause": r.cause, "consequence": r.consequence}) })
    };
    s.record_in(&row.run_id, actor, &rows.iter().filter_map(event).collect::<Vec<_>>())
}

/// Carries out what a run has recorded and not yet done: letters of cancellation, moves, and what is given back. A
/// resumed run continues with the rest.
pub(super) fn write(
    store: &mut Store,
    config: &Configuration,
    row: &RunRow,
    actor: &str,
    mut summary: Summary,
    tools: &mut Tools<'_>,
) -> Result<Summary> {
    let run = RunId(row.run_id.clone());
    for pending in store.followed_of_run(&run, true)? {
        let now = tools.clock.now();
        let today = tools.clock.today(config.settings.prefecture.zone);
        let on = Occasion { config, now, today, hold: TimeDelta::zero() };
        fault::point("before-followed");
        let done = store.write(|s| {
            let became = carry_out(s, on, row, actor, &pending, tools)?;
            let mut counted = summary.clone();
            counted.followed.count(became);
            s.advance_run(row, committed(&counted), &serde_json::to_string(&counted)?, now)?;
            Ok(counted)
        });
        summary = match done {
            Ok(counted) => counted,
            // Her seat was taken meanwhile: she keeps what she has, and the next night looks again.
            Err(error) if error.is::<SeatTaken>() => {
                let became = if pending.consequence == Suite::Moved { Suite::Lapsed } else { Suite::Listed };
                let mut counted = summary.clone();
                counted.followed.count(became);
                store.write(|s| {
                    s.settle_followed(&pending, became, None)?;
                    if let Some(row) = s.convocation(&pending.reference)? {
                        s.review_again(&PermitId(row.permit_id))?;
                    }
                    s.advance_run(row, committed(&counted), &serde_json::to_string(&counted)?, now)
                })?;
                counted
            }
            Err(error) => return Err(error),
        };
        fault::point("after-followed");
    }
    Ok(summary)
}

/// The seat that the plan gave was taken before it was reserved.
#[derive(Debug, thiserror::Error)]
#[error("the seat is taken")]
struct SeatTaken;

fn carry_out(
    s: &mut Store,
    on: Occasion<'_>,
    row: &RunRow,
    actor: &str,
    pending: &Followed,
    tools: &mut Tools<'_>,
) -> Result<Suite> {
    let reference = Reference::parse(&pending.reference).context("a reference in the database")?;
    let from = Convocation::read(s, &reference)?.with_context(|| format!("{reference} has disappeared"))?;
    let (became, made, kind) = match pending.consequence {
        Suite::Released => {
            let remark = pending.cause.parse().ok().and_then(Remark::of).unwrap_or(Remark::NoAppointment);
            from.take_letters_back(s, remark, on.now)?;
            s.settle_followed(pending, Suite::Released, None)?;
            return Ok(Suite::Released);
        }
        Suite::Told => {
            let because = because(&pending.cause);
            let letter = from.tell_the_end(s, on, CancelledBy::Office, Some(because))?;
            // Somebody who was told of nothing is told nothing.
            let became = if letter.is_some() { Suite::Told } else { Suite::Released };
            s.settle_followed(pending, became, None)?;
            if let Some(letter) = letter {
                let payload =
                    json!({"reference": pending.reference, "letter": letter.letter_id, "channel": letter.channel});
                s.record_in(&row.run_id, actor, &[Event { kind: "cancellation.written", payload }])?;
            }
            return Ok(became);
        }
        Suite::Moved => {
            let to = pending.slot_id.as_ref().context("a move has a slot")?;
            // An agent may have cancelled or moved it since the plan was made.
            let made = if from.state == State::Convoked {
                from.put_elsewhere(s, on, to, CancelledBy::Office, tools.entropy)?
            } else {
                None
            };
            (Suite::Moved, made, "convocation.moved")
        }
        _ => {
            let none = s.live_of(&HolderId(from.person.holder_id.0.clone()))?.is_none();
            let made = if none { from.give_back(s, on, Remark::NeedAgain, tools.entropy)? } else { None };
            (Suite::Restored, made, "convocation.restored")
        }
    };
    let made = made.ok_or(SeatTaken)?;
    ensure!(made.reference != reference, "an appointment cannot replace itself");
    s.settle_followed(pending, became, Some(made.reference.as_str()))?;
    let mut payload = made.payload;
    payload["cause"] = pending.cause.as_str().into();
    s.record_in(&row.run_id, actor, &[Event { kind, payload }])?;
    Ok(became)
}

/// What the letter of cancellation gives as its reason.
fn because(cause: &str) -> Because {
    match cause.parse() {
        Ok(Rule::RenewalFiled) => Because::Filed,
        Ok(Rule::NotLatestPermit) => Because::Renewed,
        _ => Because::Ended,
    }
}
