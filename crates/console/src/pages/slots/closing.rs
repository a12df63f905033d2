//! Closing a site or a desk for a day: the people expected are rebooked at once.

use std::sync::Arc;

use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::answer::html;
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::jobs::{Ended, Kept, Kind};
use crate::visit::Visit;
use crate::worker::Progress;
use convoke_machine::confirm::Confirmed;
use convoke_machine::entropy::Entropy;
use convoke_office::acts::{self, Closing, Cost, Hand, Hit};

/// What closing a day would cost, by the data of one version.
struct Costed {
    place: String,
    day: NaiveDate,
    data_version: i64,
    cost: Cost,
}

/// A closed day, and the people who were expected.
struct Closed {
    place: String,
    day: NaiveDate,
    hits: Vec<Hit>,
}

#[derive(Template)]
#[template(path = "console/closing.html")]
struct Ask {
    frame: Frame,
    places: Vec<(String, String)>,
    place: String,
    day: String,
    today: NaiveDate,
    /// The day, and the number of people expected.
    expected: Option<(NaiveDate, usize)>,
    /// What it would cost, if that was worked out.
    cost: Option<Cost>,
    working: Option<Progress>,
    failed: Option<Ended>,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    lieu: String,
    #[serde(default)]
    jour: String,
}

pub(super) fn ask(visit: &mut Visit<'_, '_>) -> Answer {
    let asked: Asked = visit.asked.query()?;
    let expected = match closing_of(&asked.lieu, &asked.jour) {
        Some(closing) => Some((closing.day, expected(visit, &closing)?)),
        None if asked.lieu.is_empty() && asked.jour.is_empty() => None,
        None => return Err(Failure::Unreadable),
    };
    let mut places = Vec::new();
    for site in &visit.config().agenda.site {
        places.push((site.id.clone(), site.name.clone()));
        places.extend(
            site.desk.iter().map(|d| (format!("{}/{}", site.id, d.id), format!("{}, {}", site.name, d.label()))),
        );
    }
    let data_version = visit.store.data_version()?;
    let cost = visit.kept::<Costed>().filter(|kept| {
        let of = &kept.what;
        of.place == asked.lieu && of.day.to_string() == asked.jour && of.data_version == data_version
    });
    let page = Ask {
        working: visit.progress(Kind::Cost, &page_of(&asked.lieu, &asked.jour)),
        failed: visit.ended(Kind::Cost).filter(|ended| ended.bad),
        cost: cost.map(|kept| kept.what.cost.clone()),
        frame: visit.frame("closing-title"),
        today: visit.today(),
        places,
        place: asked.lieu,
        day: asked.jour,
        expected,
    };
    html(&page)
}

fn page_of(place: &str, day: &str) -> String {
    let query = serde_urlencoded::to_string([("lieu", place), ("jour", day)]).unwrap_or_default();
    format!("/creneaux/fermeture?{query}")
}

/// Works out what closing a day would cost: the same act, taken back.
pub(super) fn cost(visit: &mut Visit<'_, '_>) -> Answer {
    let form: Form = visit.asked.form()?;
    let closing = closing_of(&form.lieu, &form.jour).ok_or(Failure::Unreadable)?;
    expected(visit, &closing)?;
    let page = page_of(&form.lieu, &form.jour);
    let back = page.clone();
    visit.begin(Kind::Cost, move |worker| {
        let (cost, data_version) = {
            let (config, clock, actor) = (&worker.config, &worker.clock, worker.actor.as_str());
            let mut hand = Hand { clock, entropy: &mut Entropy::System, config, actor, reason: "rehearsal" };
            let data_version = worker.store.data_version()?;
            let hits = worker.store.rehearse(|store, sure| acts::close(store, &mut hand, &closing, sure))?;
            (Cost::of(&hits), data_version)
        };
        let done = worker.t.two("closing-cost-done", "place", &form.lieu, "day", worker.t.date(closing.day));
        worker.keep(Costed { place: form.lieu, day: closing.day, data_version, cost });
        Ok(worker.well(done, Some(back)))
    })?;
    let notice = visit.words().say("closing-cost-begun");
    visit.done(notice, &page)
}

fn closing_of(place: &str, day: &str) -> Option<Closing> {
    Some(Closing::of(place, day.parse().ok()?)).filter(|_| !place.is_empty())
}

/// Number of people expected. Refuses what cannot be closed.
fn expected(visit: &mut Visit<'_, '_>, closing: &Closing) -> Result<usize, Failure> {
    // Nothing is changed or recorded: the reason is asked for with the confirmation.
    visit.by_hand("counted", |store, hand| {
        acts::check(hand, closing)?;
        acts::count_expected(store, hand, closing)
    })
}

#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    lieu: String,
    #[serde(default)]
    jour: String,
    #[serde(default)]
    raison: String,
    #[serde(default)]
    personnes: String,
}

/// Closes the day: a job, because the people expected are planned again.
pub(super) fn close(visit: &mut Visit<'_, '_>) -> Answer {
    let form: Form = visit.asked.form()?;
    let closing = closing_of(&form.lieu, &form.jour).ok_or(Failure::Unreadable)?;
    let reason = acts::reason(&form.raison).map_err(Failure::Reason)?.to_owned();
    let expected = expected(visit, &closing)?;
    let confirmed = Confirmed::typed(&form.personnes, &expected.to_string()).ok_or(Failure::Unconfirmed)?;
    visit.begin(Kind::Closing, move |worker| {
        let hits = {
            let (config, clock, actor) = (&worker.config, &worker.clock, worker.actor.as_str());
            let mut hand = Hand { clock, entropy: &mut Entropy::System, config, actor, reason: &reason };
            acts::close(&mut worker.store, &mut hand, &closing, &confirmed)?
        };
        let (t, calls) = (worker.t, hits.iter().filter(|hit| hit.call).count());
        let mut notice = t.two("closing-done", "place", &form.lieu, "day", t.date(closing.day));
        notice = format!("{notice} {}", t.count("closing-expected", hits.len()));
        if calls > 0 {
            notice = format!("{notice} {}", t.count("closing-calls", calls));
        }
        worker.keep(Closed { place: form.lieu, day: closing.day, hits });
        Ok(worker.well(notice, Some("/creneaux/fermeture/resultat".into())))
    })?;
    let notice = visit.words().say("closing-begun");
    visit.done(notice, "/creneaux")
}

#[derive(Template)]
#[template(path = "console/closed.html")]
struct Outcome {
    frame: Frame,
    closed: Arc<Kept<Closed>>,
}

/// Who was expected on the last closed day. It shows telephone numbers, so only to the user who closed it.
pub(super) fn result(visit: &mut Visit<'_, '_>) -> Answer {
    let closed = visit.kept::<Closed>().filter(|c| c.actor == visit.agent().actor).ok_or(Failure::Missing)?;
    html(&Outcome { frame: visit.frame("closed-title"), closed })
}

pub(super) fn reopen(visit: &mut Visit<'_, '_>) -> Answer {
    let form: Form = visit.asked.form()?;
    let closing = closing_of(&form.lieu, &form.jour).ok_or(Failure::Unreadable)?;
    let open = visit.by_hand(&form.raison, |store, hand| acts::reopen(store, hand, &closing))?;
    let t = visit.words();
    let notice = if open {
        t.two("closing-reopened", "place", &form.lieu, "day", t.date(closing.day))
    } else {
        t.say("closing-was-open")
    };
    visit.done(notice, "/creneaux")
}
