//! Demandes: written requests, listed without names, and an agent's decision on one.

use std::collections::BTreeMap;

use anyhow::Result;
use askama::Template;
use chrono::{Days, NaiveDate};
use serde::Deserialize;

use super::way::describe;
use crate::answer::{export, html};
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::route::{Route, get, post};
use crate::visit::Visit;
use convoke_domain::access::Right;
use convoke_domain::eligibility::Rule;
use convoke_domain::ids::{HolderId, Reference};
use convoke_domain::permit::PermitKind;
use convoke_domain::requests::{RequestState, Urgency, Wish};
use convoke_domain::slot::SlotId;
use convoke_machine::confirm::Confirmed;
use convoke_office::acts;
use convoke_report::{List, words};
use convoke_store::{OpenRequest, RequestRow};

pub(super) const ROUTES: &[Route] = &[
    get(Right::Read, "/demandes", list),
    get(Right::Read, "/demandes/{reference}", show),
    post(Right::Act, "/demandes/{reference}/decision", decide),
];

const PER_PAGE: usize = 50;
/// More than a préfecture receives in years.
const EXPORTED: i64 = 100_000;
/// How many days ahead free seats are offered, and how many.
const SEATS_DAYS: u64 = 60;
const SEATS_SHOWN: usize = 60;

#[derive(Template)]
#[template(path = "console/requests.html")]
struct Requests {
    frame: Frame,
    state: RequestState,
    rows: Vec<Listed>,
    /// Key of the last row, if there are more.
    next: Option<String>,
}

/// A request in the list.
struct Listed {
    row: RequestRow,
    /// Last day of the person's rights, while the request is open.
    rights_until: Option<NaiveDate>,
    /// The permit's rule, or the person's appointment.
    rule: Option<&'static str>,
    convoked_for: Option<NaiveDate>,
}

impl Requests {
    fn states() -> &'static [RequestState] {
        RequestState::ALL
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as a template passes it")]
    fn state_name(state: &RequestState) -> &'static str {
        words::request_state(*state)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as a template passes it")]
    fn wish(wish: &Wish) -> &'static str {
        words::wish(*wish)
    }
}

#[derive(Deserialize)]
struct Asked {
    etat: Option<RequestState>,
    #[serde(default)]
    apres: String,
    #[serde(default)]
    format: String,
}

fn list(visit: &mut Visit<'_, '_>) -> Answer {
    let asked: Asked = visit.asked.query()?;
    let state = asked.etat.unwrap_or(RequestState::Open);
    if !asked.format.is_empty() {
        let rows = if state == RequestState::Open {
            open(visit)?
        } else {
            ended(visit.store.requests_before(state, None, EXPORTED)?)
        };
        return export(&format!("demandes-{state}"), &sheet(&rows), &asked.format);
    }
    let mut rows = if state == RequestState::Open {
        let mut rows = open(visit)?;
        // A request decided meanwhile is no longer in the list: then start from the beginning.
        let from = rows.iter().position(|r| r.row.request_id == asked.apres).map_or(0, |at| at + 1);
        rows.drain(..from);
        rows
    } else {
        let last = if asked.apres.is_empty() { None } else { visit.store.request(&asked.apres)? };
        ended(visit.store.requests_before(state, last.as_ref(), PER_PAGE as i64 + 1)?)
    };
    let more = rows.len() > PER_PAGE;
    rows.truncate(PER_PAGE);
    let next = rows.last().filter(|_| more).map(|r| r.row.request_id.clone());
    html(&Requests { frame: visit.frame("requests-title"), state, rows, next })
}

/// Open requests, most urgent first, in the order in which a night serves them.
fn open(visit: &mut Visit<'_, '_>) -> Result<Vec<Listed>> {
    let policy = &visit.config().settings.policy;
    let mut open: Vec<(Urgency, OpenRequest)> = Vec::new();
    for r in visit.store.open_requests()? {
        open.push((Urgency::of(r.permit.kind, r.permit.expires_on, r.row.received_on, policy), r));
    }
    open.sort_by(|a, b| (a.0, &a.1.row.request_id).cmp(&(b.0, &b.1.row.request_id)));
    let row = |(urgency, r): (Urgency, OpenRequest)| Listed {
        rights_until: Some(urgency.rights_until),
        rule: r.permit.rule.map(Rule::label_fr),
        convoked_for: r.live.map(|(_, day)| day),
        row: r.row,
    };
    Ok(open.into_iter().map(row).collect())
}

fn ended(rows: Vec<RequestRow>) -> Vec<Listed> {
    rows.into_iter().map(|row| Listed { row, rights_until: None, rule: None, convoked_for: None }).collect()
}

fn sheet(rows: &[Listed]) -> List {
    let header = ["demande", "voeu", "recue_le", "a_voir_avant", "droits_jusqu_au", "etat", "reference", "decidee_le"];
    let day = |day: Option<NaiveDate>| day.map_or_else(String::new, |day| day.to_string());
    let line = |r: &Listed| {
        vec![
            r.row.request_id.clone(),
            words::wish(r.row.wish).to_owned(),
            r.row.received_on.to_string(),
            day(r.row.needed_by),
            day(r.rights_until),
            words::request_state(r.row.state).to_owned(),
            r.row.reference.clone().unwrap_or_default(),
            day(r.row.decided_at.map(|at| at.date())),
        ]
    };
    List { name: "demandes", header: header.into(), rows: rows.iter().map(line).collect() }
}

#[derive(Template)]
#[template(path = "console/request.html")]
struct RequestPage {
    frame: Frame,
    row: RequestRow,
    wish: &'static str,
    state: &'static str,
    expires_on: Option<NaiveDate>,
    permit: String,
    live: Option<String>,
    is_open: bool,
    /// Free seats at the desks that serve the person, by desk.
    seats: BTreeMap<String, Vec<SlotId>>,
}

fn show(visit: &mut Visit<'_, '_>) -> Answer {
    let id = visit.asked.part("reference").to_owned();
    let row = visit.store.request(&id)?.ok_or(Failure::Missing)?;
    let is_open = row.state == RequestState::Open;
    let renewed = visit.store.renewed(&row.permit_id)?;
    let live = visit.store.live_of(&HolderId(row.holder_id.clone()))?;
    let mut seats = BTreeMap::new();
    if let Some(renewed) = renewed.as_ref().filter(|_| is_open && visit.may(Right::Act)) {
        seats = free_seats(visit, renewed.kind, &renewed.commune)?;
    }
    let page = RequestPage {
        frame: visit.frame("request-title"),
        wish: words::wish(row.wish),
        state: words::request_state(row.state),
        expires_on: renewed.as_ref().map(|r| r.expires_on),
        permit: renewed.map_or_else(String::new, |r| r.kind.label().to_owned()),
        live,
        is_open,
        seats,
        row,
    };
    html(&page)
}

fn free_seats(visit: &mut Visit<'_, '_>, kind: PermitKind, commune: &str) -> Result<BTreeMap<String, Vec<SlotId>>> {
    let (agenda, today) = (&visit.config().agenda, visit.today());
    let (jurisdiction, pools) = (agenda.jurisdiction(), agenda.pools());
    let (first, last) = (today + Days::new(1), today + Days::new(SEATS_DAYS));
    let (mut found, mut left) = (BTreeMap::new(), SEATS_SHOWN);
    for ranked in jurisdiction.pools(kind, commune) {
        let pool = pools[ranked.pool as usize];
        let free = visit.store.free_slots_of(&pool.id(), first, last)?;
        let seats: Vec<SlotId> = free.into_iter().take(left).map(|(slot, _)| slot.id).collect();
        left -= seats.len();
        if !seats.is_empty() {
            // Nearest site first.
            let name = format!("{}. {}, {}", ranked.rank, pool.site.name, pool.desk.label());
            found.entry(name).or_insert_with(Vec::new).extend(seats);
        }
    }
    Ok(found)
}

#[derive(Deserialize)]
struct Deciding {
    /// `refuser`, `retiree` or `placer`.
    decision: String,
    #[serde(default)]
    creneau: String,
    #[serde(default)]
    autre: String,
    malgre: Option<String>,
    #[serde(default)]
    confirmation: String,
    reason: String,
}

fn decide(visit: &mut Visit<'_, '_>) -> Answer {
    let id = Reference::parse(visit.asked.part("reference")).ok_or(Failure::Missing)?;
    visit.store.request(id.as_str())?.ok_or(Failure::Missing)?;
    let form: Deciding = visit.asked.form()?;
    let t = visit.words();
    let state = match form.decision.as_str() {
        "refuser" => RequestState::Refused,
        "retiree" => RequestState::Withdrawn,
        "placer" => RequestState::Placed,
        _ => return Err(Failure::Unreadable),
    };
    if state == RequestState::Refused {
        Confirmed::typed(&form.confirmation, id.as_str()).ok_or(Failure::Unconfirmed)?;
    }
    if state != RequestState::Placed {
        visit.by_hand(&form.reason, |s, hand| acts::end_request(s, hand, &id, state))?;
        let key = if state == RequestState::Refused { "request-refused" } else { "request-withdrawn" };
        return visit.done(t.with(key, "what", &id), &format!("/demandes/{id}"));
    }
    let typed = if form.autre.trim().is_empty() { &form.creneau } else { &form.autre };
    let to: SlotId = typed.parse().map_err(|_| Failure::Text(t.say("dates-no-slot")))?;
    let confirmed = Confirmed::typed(&form.confirmation, id.as_str()).ok_or(Failure::Unconfirmed)?;
    let seat = (&to, form.malgre.is_some());
    let placed = visit.by_hand(&form.reason, |s, hand| acts::place_request(s, hand, &id, seat, &confirmed))?;
    let notice = t.with2("request-placed", ("day", &t.date(placed.slot.day)), ("what", &placed.reference));
    let notice = format!("{notice} {}", describe(visit, placed.channel, placed.slot.day));
    visit.done(notice, &format!("/demandes/{id}"))
}
