//! Post batches: prepared by a job, kept until they have left, confirmed by their number of letters.

use askama::Template;
use serde::Deserialize;
use serde_json::json;

use crate::answer::{file, html};
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::jobs::{Ended, Kind};
use crate::visit::Visit;
use crate::worker::Progress;
use convoke_domain::convocation::LetterState;
use convoke_domain::ledger::Event;
use convoke_domain::run::Stage;
use convoke_machine::confirm::Confirmed;
use convoke_office::acts;
use convoke_office::post::{self, Exception, LotId, Manifest, Shelf};
use convoke_report::words;

/// Number of letters that must not be sent which are named.
const NAMED_MAX: usize = 50;

#[derive(Template)]
#[template(path = "console/batches.html")]
struct Batches {
    frame: Frame,
    progress: Option<Progress>,
    ended: Option<Ended>,
    lots: Vec<Manifest>,
    to_post: u64,
}

#[derive(Template)]
#[template(path = "console/batch.html")]
struct Shown {
    frame: Frame,
    lot: Manifest,
    /// Letters in no file, grouped under headings.
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
    let mut lots = Shelf::of(visit.config()).lots()?;
    // If two préfectures share a folder, each sees only its own.
    lots.retain(|lot| lot.prefecture == visit.store.prefecture());
    let to_post = counts.get(&LetterState::ToPost).copied().unwrap_or(0);
    let (progress, ended) = (visit.progress(Kind::Post, "/courriers/lots"), visit.ended(Kind::Post));
    html(&Batches { frame: visit.frame("batches-title"), progress, ended, lots, to_post })
}

/// Renders all letters that wait for the post; nothing else changes. It reads addresses, so the ledger records it
/// first.
pub(super) fn prepare(visit: &mut Visit<'_, '_>) -> Answer {
    let asked: Asked = visit.asked.form()?;
    let reason = acts::reason(&asked.reason).map_err(Failure::Reason)?.to_owned();
    visit.reads("read.addresses", json!({"channel": "post", "reason": reason}))?;
    visit.begin(Kind::Post, |worker| {
        let (t, clock) = (worker.t, worker.clock.clone());
        // With the current templates and sender.
        let batch = worker.with_tools(|store, config, tools| {
            let progress = tools.progress;
            post::prepare(store, config, &clock, &|done, total| progress(Stage::LayingOut, done, total))
        })?;
        let letters = batch.manifest.letters.len();
        let left_out = batch.manifest.exceptions.clone();
        let notice = match Shelf::of(&worker.config).keep(batch)? {
            Some(lot) => t.with2("batches-made", ("lot", &lot.as_str()), ("letters", &t.number(letters))),
            None if left_out.is_empty() => t.say("batches-nothing"),
            None => t.say("batches-none-fits"),
        };
        if left_out.is_empty() {
            return Ok(worker.well(notice, None));
        }
        let named = left_out.iter().map(|e| format!("{}, {}", e.id, words::paper_fault(&e.reason).0));
        Ok(worker.refused(format!("{notice} {} {}", t.count("batches-left-out", left_out.len()), listed(named)), None))
    })?;
    let t = visit.words();
    visit.done(t.say("batches-begun"), "/courriers/lots")
}

/// The first names, so that a sentence stays a sentence.
fn listed(named: impl ExactSizeIterator<Item = String>) -> String {
    let more = if named.len() > NAMED_MAX { " …" } else { "" };
    format!("{}{more}", named.take(NAMED_MAX).collect::<Vec<_>>().join("\u{a0}; "))
}

/// The batch in the address, whose form is fixed.
fn lot(visit: &Visit<'_, '_>) -> Result<(LotId, Manifest), Failure> {
    let lot = LotId::parse(visit.asked.part("lot")).ok_or(Failure::Missing)?;
    let manifest = Shelf::of(visit.config()).manifest(&lot)?.ok_or(Failure::Missing)?;
    // If two préfectures share a folder, each sees only its own.
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
    let done = visit.by_hand(&asked.reason, |s, hand| {
        post::confirm(s, hand.config, &manifest, (hand.actor, Some(hand.reason)), hand.clock.now())
    })?;
    // The letters are already marked: failing to remove the files does not change that.
    if let Err(error) = Shelf::of(visit.config()).remove(&lot) {
        tracing::error!("The files of a batch that has left could not be removed: {error:#}");
    }
    let t = visit.words();
    let mut notice = t.count("batches-posted", done.posted);
    if done.already > 0 {
        notice = format!("{notice} {}", t.count("batches-posted-before", done.already));
    }
    if !done.taken_out.is_empty() {
        let place = |l: &post::TakenOut| format!("{} ({}, page {} : {})", l.reference, l.file, l.page, l.reason);
        let named = listed(done.taken_out.iter().map(place));
        notice = format!("{notice} {} {named}", t.count("batches-taken-out", done.taken_out.len()));
    }
    if !done.not_waiting.is_empty() {
        let named = listed(done.not_waiting.iter().cloned());
        notice = format!("{notice} {} {named}", t.count("batches-not-waiting", done.not_waiting.len()));
    }
    visit.done(notice, "/courriers/lots")
}

/// Discards a batch that will not be sent: its letters still wait.
pub(super) fn discard(visit: &mut Visit<'_, '_>) -> Answer {
    let (lot, manifest) = lot(visit)?;
    let asked: Posted = visit.asked.form()?;
    Confirmed::typed(&asked.letters, &manifest.letters.len().to_string()).ok_or(Failure::Unconfirmed)?;
    let payload = json!({"batch": manifest.batch, "letters": manifest.letters.len(), "reason": asked.reason});
    visit.by_hand(&asked.reason, |s, hand| {
        s.write(|s| s.record(hand.actor, hand.clock.now(), vec![Event { kind: "post.discarded", payload }]))
    })?;
    Shelf::of(visit.config()).remove(&lot)?;
    let notice = visit.words().with("batches-discarded", "lot", lot.as_str());
    visit.done(notice, "/courriers/lots")
}
