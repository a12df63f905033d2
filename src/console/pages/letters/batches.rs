//! Post batches: prepared as a job, kept until they have left, confirmed by their number of letters.

use std::sync::Arc;

use askama::Template;
use serde::Deserialize;
use serde_json::json;

use crate::acts;
use crate::confirm::Confirmed;
use crate::console::jobs::Job;
use crate::console::page::{Answer, Failure, Frame, file, html};
use crate::console::visit::Visit;
use crate::console::words::Words;
use crate::post::{self, Exception, LotId, Manifest, Shelf};
use crate::settings::Configuration;
use crate::store::{Store, Use};

/// What is told of the job that prepares one.
const STAGE: &str = "laying letters out";
/// Letters that must not leave are named, up to so many.
const NAMED_MAX: usize = 50;

#[derive(Template)]
#[template(path = "console/batches.html")]
struct Batches {
    frame: Frame,
    job: Option<Job>,
    so_far: String,
    lots: Vec<Manifest>,
    to_post: u64,
}

#[derive(Template)]
#[template(path = "console/batch.html")]
struct Shown {
    frame: Frame,
    lot: Manifest,
    /// Letters that are in no file, under their heading.
    left_out: [(&'static str, Vec<Exception>); 2],
}

#[derive(Deserialize)]
struct Asked {
    reason: String,
}

#[derive(Deserialize)]
struct Posted {
    reason: String,
    letters: String,
}

pub(super) fn list(visit: &mut Visit<'_, '_>) -> Answer {
    let counts = visit.store.letters_by_state()?;
    let lots = Shelf::of(visit.config()).lots()?;
    // Whatever else this server does meanwhile is told on its own page.
    let job = visit.bureau.jobs.last().filter(|job| job.stage == STAGE);
    let to_post = counts.get("to_post").copied().unwrap_or(0);
    let t = visit.words();
    let so_far = job.as_ref().map_or_else(String::new, |job| {
        t.with2("batches-so-far", ("done", &t.number(job.done)), ("total", &t.number(job.total)))
    });
    html(&Batches { frame: visit.frame("batches-title"), job, so_far, lots, to_post })
}

/// Lays out all letters that wait for the post; nothing else changes. The addresses are read for it: that is written down before.
pub(super) fn prepare(visit: &mut Visit<'_, '_>) -> Answer {
    let asked: Asked = visit.asked.form()?;
    let reason = acts::reason(&asked.reason).map_err(Failure::Reason)?.to_owned();
    visit.reads("read.addresses", json!({"channel": "post", "reason": reason}))?;
    let (load, clock, t) = (Arc::clone(&visit.bureau.load), visit.clock().clone(), visit.words());
    let begun = visit.bureau.jobs.begin(&visit.agent().actor.clone(), move |show| {
        show(STAGE, 0, 0);
        let work = || {
            // As the templates and the sender are now.
            let config = load()?;
            let url = &config.settings.database.url;
            let mut store = Store::open(url, &config.settings.prefecture.code, Use::Worker)?;
            let batch = post::prepare(&mut store, &config, &clock, &|done, total| show(STAGE, done, total))?;
            keep(&config, batch, t)
        };
        work().unwrap_or_else(|error: anyhow::Error| {
            tracing::error!("A post batch could not be prepared: {error:#}");
            t.say("batches-broken")
        })
    });
    let t = visit.words();
    if !begun {
        return Err(Failure::Told(t.say("batches-busy")));
    }
    visit.done(t.say("batches-begun"), "/courriers/lots")
}

fn keep(config: &Configuration, batch: post::Batch, t: Words) -> anyhow::Result<String> {
    let letters = batch.manifest.letters.len();
    Ok(match Shelf::of(config).keep(batch)? {
        Some(lot) => t.with2("batches-made", ("lot", &lot.as_str()), ("letters", &t.number(letters))),
        None => t.say("batches-nothing"),
    })
}

/// The batch of the address: of a fixed form, or there is none.
fn lot(visit: &Visit<'_, '_>) -> Result<(LotId, Manifest), Failure> {
    let lot = LotId::parse(visit.asked.part("lot")).ok_or(Failure::Missing)?;
    let manifest = Shelf::of(visit.config()).manifest(&lot)?.ok_or(Failure::Missing)?;
    // A folder that two préfectures share shows each its own.
    let own = manifest.prefecture == visit.store.prefecture();
    own.then_some((lot, manifest)).ok_or(Failure::Missing)
}

pub(super) fn show(visit: &mut Visit<'_, '_>) -> Answer {
    let (_, mut lot) = lot(visit)?;
    let take = std::mem::take::<Vec<Exception>>;
    let left_out = [("batch-exceptions", take(&mut lot.exceptions)), ("batch-skipped", take(&mut lot.skipped))];
    html(&Shown { frame: visit.frame("batch-title"), lot, left_out })
}

pub(super) fn files(visit: &mut Visit<'_, '_>) -> Answer {
    let (lot, manifest) = lot(visit)?;
    let zip = Shelf::of(visit.config()).archive(&lot)?.ok_or(Failure::Missing)?;
    visit.reads("read.addresses", json!({"channel": "post", "batch": manifest.batch}))?;
    Ok(file(&format!("lot-{}.zip", lot.as_str()), "application/zip", zip))
}

/// The letters have left.
pub(super) fn confirm(visit: &mut Visit<'_, '_>) -> Answer {
    let (lot, manifest) = lot(visit)?;
    let asked: Posted = visit.asked.form()?;
    let expected = manifest.letters.len().to_string();
    let _confirmed: Confirmed = Confirmed::typed(&asked.letters, &expected).ok_or(Failure::Unconfirmed)?;
    let done = visit.by_hand(&asked.reason, |s, hand| post::confirm(s, &manifest, hand.actor, Some(hand.reason)))?;
    Shelf::of(visit.config()).remove(&lot)?;
    let t = visit.words();
    let mut notice = t.count("batches-posted", done.posted);
    if done.already > 0 {
        notice = format!("{notice} {}", t.count("batches-posted-before", done.already));
    }
    if !done.not_waiting.is_empty() {
        let named: Vec<&str> = done.not_waiting.iter().take(NAMED_MAX).map(String::as_str).collect();
        let more = if done.not_waiting.len() > NAMED_MAX { "…" } else { "" };
        notice =
            format!("{notice} {} {}{more}", t.count("batches-not-waiting", done.not_waiting.len()), named.join(", "));
    }
    visit.done(notice, "/courriers/lots")
}

/// Takes a batch away that will not leave: its letters still wait.
pub(super) fn discard(visit: &mut Visit<'_, '_>) -> Answer {
    let (lot, _) = lot(visit)?;
    Shelf::of(visit.config()).remove(&lot)?;
    let notice = visit.words().with("batches-discarded", "lot", lot.as_str());
    visit.done(notice, "/courriers/lots")
}
