//! What a night does for written requests: people who are due are hastened within the plan; others get what the plan
//! can spare.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{Context, Result, ensure};
use chrono::{Days, NaiveDate, TimeDelta};
use serde_json::json;

use super::appointment::{Convocation, Occasion, Person};
use super::correspondence::committed;
use super::{Dates, Summary, Tools};
use convoke_domain::agenda::Jurisdiction;
use convoke_domain::agenda::Slot;
use convoke_domain::eligibility::Rule;
use convoke_domain::ids::{HolderId, Reference, RunId};
use convoke_domain::ledger::Event;
use convoke_domain::permit::{Channel, PermitKind};
use convoke_domain::requests::{RequestState, Urgency, Wish};
use convoke_domain::run::RunState;
use convoke_domain::slot::{PoolId, SlotId};
use convoke_instance::{Day, PlanningInput};
use convoke_letters::CancelledBy;
use convoke_machine::fault;
use convoke_planning::grants::{Asking, Grant, grant, week};
use convoke_settings::Configuration;
use convoke_store::{OpenRequest, RequestRow, RunRow, Store};

/// Verdicts under which a request may be served by the night; the others are for an agent to decide.
const SERVED: [Rule; 5] = [Rule::Student, Rule::NotYetDue, Rule::AlreadyConvoked, Rule::Due, Rule::DueLate];

/// What is read for requests.
#[derive(Default)]
pub(super) struct Desk {
    pub open: Vec<OpenRequest>,
    /// Slots that requests already hold.
    pub seats: Vec<SlotId>,
    /// Days on which requesters cannot come, by holder.
    pub avoided: BTreeMap<String, Vec<(NaiveDate, NaiveDate)>>,
}

/// The night in which requests are served.
pub(super) struct Night<'a> {
    pub config: &'a Configuration,
    pub jurisdiction: &'a Jurisdiction,
    pub dates: Dates,
    pub slots: &'a [Slot],
    /// Tonight's verdicts that differ from the stored ones, by permit.
    pub changed: &'a HashMap<&'a str, Rule>,
}

/// Hastens requesters who are due, grants seats to the others, and returns which request gets which slot. These seats
/// are removed from the input.
pub(super) fn serve(
    night: &Night<'_>,
    desk: &Desk,
    mut input: PlanningInput,
) -> Result<(PlanningInput, Vec<(String, SlotId)>)> {
    let policy = &night.config.settings.policy;
    let cannot_wait = |r: &&OpenRequest| matches!(r.row.wish, Wish::Urgent | Wish::Advance);
    let asked: HashSet<&str> = desk.open.iter().filter(cannot_wait).map(|r| r.row.permit_id.as_str()).collect();
    let mut planned = HashSet::new();
    for candidate in input.candidates.iter_mut().filter(|c| asked.contains(c.id.0.as_str())) {
        candidate.hasten(policy.request_weight);
        planned.insert(candidate.id.0.clone());
    }
    let mut waiting: Vec<(Urgency, &OpenRequest, Asking)> = Vec::new();
    for r in desk.open.iter().filter(|r| !planned.contains(&r.row.permit_id)) {
        // By tonight's verdict, not the last night's.
        let rule = night.changed.get(r.row.permit_id.as_str()).copied().or(r.permit.rule);
        if !rule.is_some_and(|rule| is_served(r, rule)) {
            continue;
        }
        let kind = r.permit.kind;
        let urgency = Urgency::of(kind, r.permit.expires_on, r.row.received_on, policy);
        waiting.push((urgency, r, asking(night, desk, kind, r)?));
    }
    waiting.sort_by(|a, b| (a.0, &a.1.row.request_id).cmp(&(b.0, &b.1.row.request_id)));
    if waiting.is_empty() {
        return Ok((input, Vec::new()));
    }
    let shares = shares(night, desk, &input);
    let asking: Vec<Asking> = waiting.iter().map(|(_, _, asking)| asking.clone()).collect();
    let (rest, granted) = grant(&input, &asking, &shares);
    let slot = |g: &Grant| (waiting[g.asking].1.row.request_id.clone(), input.slot(g.pool, g.day, g.start));
    Ok((rest, granted.iter().map(slot).collect()))
}

/// Whether the night may give a seat to this request: people who are due get theirs in the plan, and people with an
/// appointment give it up only if they asked to.
fn is_served(r: &OpenRequest, rule: Rule) -> bool {
    SERVED.contains(&rule)
        && match r.row.wish {
            Wish::Urgent | Wish::Advance => true,
            Wish::NoEmail => r.live.is_none() && !matches!(rule, Rule::Due | Rule::DueLate),
            Wish::Other => false,
        }
}

fn asking(night: &Night<'_>, desk: &Desk, kind: PermitKind, r: &OpenRequest) -> Result<Asking> {
    let (policy, dates) = (&night.config.settings.policy, night.dates);
    let day = |date: NaiveDate| (date - dates.business).num_days() as Day;
    let add = |days: u32| dates.today.checked_add_days(Days::new(days.into())).context("a date");
    let opens = policy.window(kind, &r.permit.mention, r.permit.expires_on, dates.business).map(|w| w.opens);
    let first = add(policy.short_notice_days)?.max(opens.unwrap_or(NaiveDate::MIN));
    let sooner_than_now = r.live.as_ref().and_then(|(_, day)| day.pred_opt());
    let last = [Some(add(policy.horizon_days)?), r.row.needed_by, sooner_than_now].into_iter().flatten().min();
    let pools = night.jurisdiction.pools(kind, &r.permit.commune).to_vec();
    let avoided = desk.avoided.get(&r.row.holder_id).map_or(&[][..], Vec::as_slice);
    let avoid = avoided.iter().map(|(first, last)| (day(*first), day(*last))).collect();
    Ok(Asking { pools, first: day(first), last: day(last.context("a date")?), avoid })
}

/// Seats that requests may still take, by pool and week: the desk's quota of its seats, less those that requests hold.
fn shares(night: &Night<'_>, desk: &Desk, input: &PlanningInput) -> BTreeMap<(u32, Day), u32> {
    let mut all: BTreeMap<(u32, Day), u32> = BTreeMap::new();
    let pools: BTreeMap<&PoolId, u32> = input.pools.iter().zip(0..).collect();
    let pool_week = |slot: &SlotId| Some((*pools.get(&slot.pool)?, week(input.day(slot.day))));
    for slot in night.slots {
        if let Some(at) = pool_week(&slot.id) {
            *all.entry(at).or_default() += slot.seats;
        }
    }
    let places = night.config.agenda.pools();
    for ((pool, _), seats) in &mut all {
        let percent = u32::from(places[*pool as usize].desk.request_quota_percent);
        *seats = (*seats * percent).div_ceil(100);
    }
    for taken in &desk.seats {
        if let Some(left) = pool_week(taken).and_then(|at| all.get_mut(&at)) {
            *left = left.saturating_sub(1);
        }
    }
    all
}

/// Reserves what a run has chosen for requests, and records which others its plan has answered. Each is one
/// transaction, valid only while the run is ours: a resumed run continues with the rest.
pub(super) fn write(
    store: &mut Store,
    config: &Configuration,
    row: &RunRow,
    actor: &str,
    mut summary: Summary,
    tools: &mut Tools<'_>,
) -> Result<Summary> {
    let run = RunId(row.run_id.clone());
    for request in store.chosen_requests(&run)? {
        let today = tools.clock.today(config.settings.prefecture.zone);
        let on = Occasion { config, now: tools.clock.now(), today, hold: TimeDelta::zero() };
        let mut counted = summary.clone();
        let placed = store.write(|s| {
            let placed = place(s, on, &run, actor, &request, tools)?;
            counted.requests.placed += u64::from(placed);
            s.advance_run(row, committed(&counted), &serde_json::to_string(&counted)?, on.now)?;
            Ok(placed)
        });
        match placed {
            Ok(_) => summary = counted,
            // An error in one request must not hold up the night, unless the run is no longer ours.
            Err(error) if store.run(&run)?.is_some_and(|r| r.epoch == row.epoch && r.state == RunState::Committing) => {
                tracing::error!(run.id = %run, request.id = %request.request_id, "A request could not be placed, and keeps waiting: {error:#}");
            }
            Err(error) => return Err(error),
        }
        fault::point("after-request");
    }
    let mut counted = summary.clone();
    store.write(|s| {
        // A request whose seat was taken meanwhile waits for the next night.
        s.reopen_requests(&run)?;
        let now = tools.clock.now();
        for (request, reference) in s.answered_requests()? {
            let id = request.request_id;
            s.decide_request(&id, RequestState::Placed, Some(&reference), actor, now)?;
            let payload = json!({"request": id, "reference": reference, "wish": request.wish});
            s.record_in(&run.0, actor, &[Event { kind: "request.answered", payload }])?;
            counted.requests.placed += 1;
        }
        counted.requests.waiting = s.open_requests()?.len() as u64;
        if counted.requests.placed > 0 {
            let (n, s) = (counted.requests.placed, if counted.requests.placed > 1 { "s" } else { "" });
            counted.warnings.push(format!(
                "{n} demande{s} écrite{s} satisfaite{s} par un rendez-vous : `convoke requests list --state placed`."
            ));
        }
        s.advance_run(row, committed(&counted), &serde_json::to_string(&counted)?, now)
    })?;
    Ok(counted)
}

/// `false` if the seat was taken, or the person's situation changed, since it was chosen.
fn place(
    s: &mut Store,
    on: Occasion<'_>,
    run: &RunId,
    actor: &str,
    request: &RequestRow,
    tools: &mut Tools<'_>,
) -> Result<bool> {
    // An agent may have decided it meanwhile.
    let still = s.request(&request.request_id)?.is_some_and(|r| r.state == RequestState::Chosen);
    let slot = request.slot_id.clone().context("a chosen request has a slot")?;
    let (true, Some(row)) = (still && s.may_be_seen(&request.permit_id)?, s.slot(&slot)?) else { return Ok(false) };
    let floor = i64::from(on.config.settings.policy.send_floor_days);
    let taken = s.taken(row.id.day)?.get(&slot).copied().unwrap_or(0);
    if taken >= u64::from(row.seats) || (row.id.day - on.today).num_days() <= floor {
        return Ok(false);
    }
    let live = s.live_of(&HolderId(request.holder_id.clone()))?;
    let made = if let Some(reference) = live.as_deref().and_then(Reference::parse) {
        let from = Convocation::read(s, &reference)?.context("a live convocation has disappeared")?;
        if from.slot_id.day <= row.id.day || from.slot_id.day < on.today {
            return Ok(false);
        }
        from.put_elsewhere(s, on, &slot, CancelledBy::Holder, tools.entropy)?
    } else {
        let mut person = Person::read(s, &request.permit_id, &request.holder_id)?;
        if request.wish == Wish::NoEmail {
            person.holder.channel = Some(Channel::Post);
        }
        person.convoke(s, on, &slot, tools.entropy)?
    };
    let made = made.with_context(|| format!("the seat {slot} was free and is not"))?;
    let reference = Some(made.reference.as_str());
    ensure!(
        s.decide_request(&request.request_id, RequestState::Placed, reference, actor, on.now)?,
        "the request has ended"
    );
    let mut payload = made.payload;
    payload["request"] = request.request_id.as_str().into();
    payload["wish"] = request.wish.code().into();
    s.record_in(&run.0, actor, &[Event { kind: "request.placed", payload }])?;
    Ok(true)
}
