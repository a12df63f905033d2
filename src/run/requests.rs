//! What a night does for written requests: who is due is hastened within the plan; others are granted what it can spare.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Context, Result};
use chrono::{Days, NaiveDate};
use serde_json::json;

use super::appointment::{Convocation, Occasion, Person};
use super::{Dates, Summary, Tools};
use crate::agenda::Jurisdiction;
use crate::eligibility::Rule;
use crate::fault;
use crate::ids::{Reference, RunId, SlotId};
use crate::ledger::Event;
use crate::letters::CancelledBy;
use crate::permit::PermitKind;
use crate::planning::grants::{Asking, Grant, grant};
use crate::planning::{Day, PlanningInput};
use crate::requests::{RequestState, Urgency};
use crate::settings::Configuration;
use crate::store::{OpenRequest, RequestRow, RunRow, SlotRow, Store};

/// Verdicts under which nobody is seen by a request either, until an agent has decided.
const FOR_AN_AGENT: [Rule; 8] = [
    Rule::Deceased,
    Rule::Withdrawn,
    Rule::Held,
    Rule::AbsentFromExtract,
    Rule::NotLatestPermit,
    Rule::RenewalFiled,
    Rule::Expired,
    Rule::NoJurisdiction,
];

/// What is read for requests.
pub(super) struct Desk {
    pub open: Vec<OpenRequest>,
    /// Slots that requests hold already.
    pub seats: Vec<String>,
}

/// Hastens whoever is due and has asked, grants seats to the others, and says which request gets which slot. The input is left
/// without these seats.
pub(super) fn serve(
    config: &Configuration,
    jurisdiction: &Jurisdiction,
    dates: Dates,
    desk: &Desk,
    slots: &[SlotRow],
    mut input: PlanningInput,
) -> Result<(PlanningInput, Vec<(String, SlotId)>)> {
    let policy = &config.settings.policy;
    let asked: HashSet<&str> = desk.open.iter().map(|r| r.row.permit_id.as_str()).collect();
    let mut planned = HashSet::new();
    for candidate in input.candidates.iter_mut().filter(|c| asked.contains(c.id.0.as_str())) {
        candidate.hasten(policy.request_weight);
        planned.insert(candidate.id.0.clone());
    }
    let mut waiting: Vec<(Urgency, &OpenRequest, Asking)> = Vec::new();
    for r in desk.open.iter().filter(|r| !planned.contains(&r.row.permit_id)) {
        let rule: Option<Rule> = r.rule.as_deref().and_then(|rule| rule.parse().ok());
        if rule.is_some_and(|rule| FOR_AN_AGENT.contains(&rule)) {
            continue;
        }
        let kind: PermitKind = r.kind.parse().context("the type of a permit in the database")?;
        let urgency = Urgency::of(kind, r.expires_on, r.row.received_on, policy);
        waiting.push((urgency, r, asking(config, jurisdiction, dates, kind, r)?));
    }
    waiting.sort_by(|a, b| (a.0, &a.1.row.request_id).cmp(&(b.0, &b.1.row.request_id)));
    if waiting.is_empty() {
        return Ok((input, Vec::new()));
    }
    let shares = shares(config, dates, desk, slots, &input);
    let asking: Vec<Asking> = waiting.iter().map(|(_, _, asking)| asking.clone()).collect();
    let (rest, granted) = grant(&input, &asking, &shares);
    let slot = |g: &Grant| {
        let at =
            format!("{}/{}T{:02}:{:02}", input.pools[g.pool as usize], input.date(g.day), g.start / 60, g.start % 60);
        (waiting[g.asking].1.row.request_id.clone(), SlotId(at))
    };
    Ok((rest, granted.iter().map(slot).collect()))
}

fn asking(
    config: &Configuration,
    jurisdiction: &Jurisdiction,
    dates: Dates,
    kind: PermitKind,
    r: &OpenRequest,
) -> Result<Asking> {
    let policy = &config.settings.policy;
    let day = |date: NaiveDate| (date - dates.business).num_days() as Day;
    let add = |days: u32| dates.today.checked_add_days(Days::new(days.into())).context("a date");
    let opens = policy.window(kind, &r.mention, r.expires_on, dates.business).map(|w| w.opens);
    let first = add(policy.short_notice_days)?.max(opens.unwrap_or(NaiveDate::MIN));
    let sooner_than_now = r.live.as_ref().and_then(|(_, day)| day.pred_opt());
    let last = [Some(add(policy.horizon_days)?), r.row.needed_by, sooner_than_now].into_iter().flatten().min();
    let pools = jurisdiction.pools(kind, &r.commune).to_vec();
    Ok(Asking { pools, first: day(first), last: day(last.context("a date")?) })
}

/// Seats that requests may still take, by pool and day: the desk's share of its seats, less those that requests hold.
fn shares(
    config: &Configuration,
    dates: Dates,
    desk: &Desk,
    slots: &[SlotRow],
    input: &PlanningInput,
) -> BTreeMap<(u32, Day), u32> {
    let mut all: BTreeMap<(u32, Day), u32> = BTreeMap::new();
    let pools: BTreeMap<&str, u32> = input.pools.iter().map(String::as_str).zip(0..).collect();
    let pool_day = |slot_id: &str, date: NaiveDate| {
        let (place, _) = slot_id.rsplit_once('/')?;
        Some((*pools.get(place)?, (date - dates.business).num_days() as Day))
    };
    for slot in slots {
        if let Some(at) = pool_day(&slot.slot_id, slot.day) {
            *all.entry(at).or_default() += slot.seats as u32;
        }
    }
    let places = config.agenda.pools();
    for ((pool, _), seats) in &mut all {
        let percent = u32::from(places[*pool as usize].desk.request_quota_percent);
        *seats = (*seats * percent).div_ceil(100);
    }
    for taken in &desk.seats {
        let date = taken.rsplit_once('/').and_then(|(_, at)| at.split_once('T')?.0.parse().ok());
        if let Some(left) = date.and_then(|date| pool_day(taken, date)).and_then(|at| all.get_mut(&at)) {
            *left = left.saturating_sub(1);
        }
    }
    all
}

/// Reserves what a run has chosen for requests, and notes which others its plan has answered. Each is a transaction: what was cut off
/// is gone on with.
pub(super) fn write(
    store: &mut Store,
    config: &Configuration,
    row: &RunRow,
    actor: &str,
    mut summary: Summary,
    tools: &mut Tools<'_>,
) -> Result<Summary> {
    let run = RunId(row.run_id.clone());
    let on = Occasion { config, now: tools.clock.now(), today: tools.clock.today(config.settings.prefecture.zone) };
    for request in store.chosen_requests(&run)? {
        let placed = store.write(|s| place(s, on, &run, actor, &request, tools))?;
        summary.requests.placed += u64::from(placed);
        fault::point("after-request");
    }
    // What became taken meanwhile waits for the next night.
    store.write(|s| s.reopen_requests(&run))?;
    for request in store.open_requests()? {
        let answered = request.live.as_ref().filter(|(reference, _)| {
            let made = store.convocation(reference).ok().flatten();
            made.is_some_and(|c| c.run_id.as_deref() == Some(&run.0) && c.permit_id == request.row.permit_id)
        });
        let Some((reference, _)) = answered.cloned() else { continue };
        store.write(|s| {
            if s.decide_request(&request.row.request_id, RequestState::Placed, Some(&reference), actor, on.now)? {
                let payload =
                    json!({"request": request.row.request_id, "reference": reference, "wish": request.row.wish});
                s.record(Some(&run.0), actor, &[Event { kind: "request.answered", payload }])?;
            }
            Ok(())
        })?;
        summary.requests.placed += 1;
    }
    summary.requests.waiting = store.open_requests()?.len() as u64;
    Ok(summary)
}

/// `false` where the seat was taken, or the person's appointment changed, since it was chosen.
fn place(
    s: &mut Store,
    on: Occasion<'_>,
    run: &RunId,
    actor: &str,
    request: &RequestRow,
    tools: &mut Tools<'_>,
) -> Result<bool> {
    let slot = SlotId(request.slot_id.clone().context("a chosen request has a slot")?);
    let Some(row) = s.slot(&slot)? else { return Ok(false) };
    let taken = s.taken(row.day)?.get(&slot.0).copied().unwrap_or(0);
    if taken >= row.seats as u64 {
        return Ok(false);
    }
    let live = s.live_of(&crate::ids::HolderId(request.holder_id.clone()))?;
    let made = match live.as_deref().and_then(Reference::parse) {
        Some(reference) => {
            let from = Convocation::read(s, &reference)?.context("a live convocation has disappeared")?;
            if from.day <= row.day {
                return Ok(false);
            }
            from.put_elsewhere(s, on, &slot, CancelledBy::Holder, tools.entropy)?
        }
        None => Person::read(s, &request.permit_id, &request.holder_id)?.convoke(s, on, &slot, tools.entropy)?,
    };
    let made = made.with_context(|| format!("the seat {} was free and is not", slot.0))?;
    s.decide_request(&request.request_id, RequestState::Placed, Some(made.reference.as_str()), actor, on.now)?;
    let mut payload = made.payload;
    payload["request"] = request.request_id.as_str().into();
    payload["wish"] = request.wish.as_str().into();
    s.record(Some(&run.0), actor, &[Event { kind: "request.placed", payload }])?;
    Ok(true)
}
