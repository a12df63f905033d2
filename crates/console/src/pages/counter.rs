//! Guichet: who is expected on a day, and who has come.

use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::json;

use crate::answer::{file, html};
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::route::{Route, get, post};
use crate::visit::Visit;
use convoke_domain::access::Right;
use convoke_domain::convocation::Presence;
use convoke_domain::ids::Reference;
use convoke_domain::permit::PermitKind;
use convoke_office::import::attendance::{self, WrongMark};
use convoke_office::sheet::{self, Expected, SiteDay};
use convoke_report::{visible, words};

pub(super) const ROUTES: &[Route] = &[
    get(Right::Read, "/guichet", show),
    get(Right::Read, "/guichet/{day}/{site}/{file}", download),
    post(Right::Act, "/guichet/{day}/{site}", mark),
];

/// Earlier days with unmarked appointments that are listed, oldest first, because those are the most urgent.
const AWAITING_SHOWN: usize = 60;
/// Refused marks that the message lists one by one.
const WRONG_TOLD: usize = 10;

#[derive(Template)]
#[template(path = "console/counter.html")]
struct Counter {
    frame: Frame,
    day: NaiveDate,
    today: NaiveDate,
    sites: Vec<Choice>,
    /// The site shown; `None` if the agenda has no site.
    site: Option<SiteDay>,
    previous: Option<NaiveDate>,
    next: Option<NaiveDate>,
    /// Whether the user can mark someone.
    can_mark: bool,
    awaiting: Vec<Awaiting>,
    /// Number of further days with unmarked appointments.
    more_awaiting: usize,
}

struct Choice {
    id: String,
    name: String,
    expected: usize,
}

struct Awaiting {
    day: NaiveDate,
    site: String,
    name: String,
    appointments: i64,
}

impl Counter {
    fn seen(text: &str) -> String {
        visible(text)
    }

    fn kind(code: &str) -> String {
        code.parse().map_or_else(|_| visible(code), |kind: PermitKind| kind.label().to_owned())
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as a template passes it")]
    fn presence(&self, presence: &Presence) -> String {
        self.frame.t.say(match presence {
            Presence::Honoured => "counter-came",
            Presence::Absent => "counter-absent",
            Presence::Incomplete => "counter-incomplete",
            Presence::Cancelled => "counter-cancelled",
        })
    }

    fn presences() -> &'static [Presence] {
        Presence::ALL
    }

    /// The label of a row for screen readers.
    fn label(&self, person: &Expected) -> String {
        let (hour, name) = (self.frame.t.hour(person.hour), visible(&person.name));
        self.frame.t.with2("counter-mark-of", ("name", &name), ("hour", &hour))
    }
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    jour: String,
    #[serde(default)]
    site: String,
}

fn show(visit: &mut Visit<'_, '_>) -> Answer {
    let asked: Asked = visit.asked.query()?;
    let (config, today) = (visit.config(), visit.today());
    let day = match asked.jour.as_str() {
        "" => visit.store.days_with_appointments(today, 1)?.first().copied().unwrap_or(today),
        jour => jour.parse().map_err(|_| Failure::Unreadable)?,
    };
    let (previous, next) = visit.store.slot_days_around(day)?;
    let mut all = gather(visit, day)?;
    let sites: Vec<Choice> =
        all.iter().map(|s| Choice { id: s.site.clone(), name: visible(&s.name), expected: s.expected() }).collect();
    let chosen = if asked.site.is_empty() {
        all.iter().position(|s| s.expected() > 0).or((!all.is_empty()).then_some(0))
    } else {
        Some(all.iter().position(|s| s.site == asked.site).ok_or(Failure::Missing)?)
    };
    let site = chosen.map(|at| all.swap_remove(at));
    if let Some(site) = site.as_ref().filter(|s| s.expected() > 0) {
        visit.reads("read.sheet", json!({"date": day, "site": site.site}))?;
    }
    let unmarked = visit.store.unmarked_days(today)?;
    let more_awaiting = unmarked.len().saturating_sub(AWAITING_SHOWN);
    let name = |site: &String| {
        let known = config.agenda.site.iter().find(|s| s.id == *site);
        visible(known.map_or(site, |s| &s.name))
    };
    let awaiting = unmarked.into_iter().take(AWAITING_SHOWN);
    let awaiting =
        awaiting.map(|(day, site, appointments)| Awaiting { day, name: name(&site), site, appointments }).collect();
    let unmarked_here = |site: &SiteDay| site.desks.iter().any(|d| d.people.iter().any(|p| p.presence.is_none()));
    let frame = visit.frame("counter-title");
    let can_mark = frame.acts() && day <= today && site.as_ref().is_some_and(unmarked_here);
    html(&Counter { frame, day, today, sites, site, previous, next, can_mark, awaiting, more_awaiting })
}

fn gather(visit: &mut Visit<'_, '_>, day: NaiveDate) -> anyhow::Result<Vec<SiteDay>> {
    let config = visit.config();
    let as_of = visit.now().with_timezone(&config.settings.prefecture.zone).naive_local();
    sheet::gather(visit.store, config, day, as_of)
}

/// Day and site in the address.
fn place(visit: &Visit<'_, '_>) -> Result<(NaiveDate, String), Failure> {
    let day = visit.asked.part("day").parse().map_err(|_| Failure::Missing)?;
    let site = visit.asked.part("site");
    let is_site = !site.is_empty() && site.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if is_site { Ok((day, site.to_owned())) } else { Err(Failure::Missing) }
}

fn download(visit: &mut Visit<'_, '_>) -> Answer {
    let (day, site) = place(visit)?;
    let (end, kind) = match visit.asked.part("file") {
        "guichet.pdf" => ("-guichet.pdf", "application/pdf"),
        "guichet.csv" => ("-guichet.csv", "text/csv; charset=utf-8"),
        "porte.pdf" => ("-porte.pdf", "application/pdf"),
        _ => return Err(Failure::Missing),
    };
    let found = gather(visit, day)?.into_iter().find(|s| s.site == site).ok_or(Failure::Missing)?;
    visit.reads("read.sheet", json!({"date": day, "site": site}))?;
    let files = found.files(visit.config().templates()?.fonts())?;
    let wanted = files.into_iter().find(|f| f.name.ends_with(end)).ok_or(Failure::Missing)?;
    Ok(file(&wanted.name, kind, wanted.bytes))
}

fn mark(visit: &mut Visit<'_, '_>) -> Answer {
    let (day, site) = place(visit)?;
    let fields: Vec<(String, String)> = visit.asked.form()?;
    let t = visit.words();
    if day > visit.today() {
        return Err(Failure::Text(t.say("counter-too-soon")));
    }
    let mut marks = Vec::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        let reference = name.strip_prefix("p-").and_then(Reference::parse).ok_or(Failure::Unreadable)?;
        let presence: Presence = value.parse().map_err(|_| Failure::Unreadable)?;
        // Of another day, site or préfecture: none of our pages has such a row.
        let known = visit.store.convocation(reference.as_str())?.ok_or(Failure::Missing)?;
        if known.slot_id.day != day || known.slot_id.pool.site != site {
            return Err(Failure::Missing);
        }
        marks.push((reference, presence));
    }
    if marks.is_empty() {
        return Err(Failure::Text(t.say("counter-nothing-chosen")));
    }
    let (config, clock, actor) = (visit.config(), visit.clock(), visit.agent().actor.clone());
    let marked = attendance::mark(visit.store, config, &marks, &actor, clock)?;
    let mut notice = vec![t.count("counter-marked", marked.ended)];
    if marked.known > 0 {
        notice.push(t.count("counter-known", marked.known));
    }
    for (reference, wrong) in marked.wrong.iter().take(WRONG_TOLD) {
        let state = match wrong {
            WrongMark::Over(state) => words::convocation_state(*state).to_owned(),
            _ => t.say("counter-state-unknown"),
        };
        notice.push(t.with2("counter-wrong", ("what", reference), ("state", &state)));
    }
    if marked.wrong.len() > WRONG_TOLD {
        notice.push(t.count("counter-more-wrong", marked.wrong.len() - WRONG_TOLD));
    }
    visit.done(notice.join(" "), &format!("/guichet?jour={day}&site={site}"))
}
