//! A few letters as they would be written tonight. They name people: the ledger records who asked to see them, and why.

use askama::Template;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::json;

use crate::answer::{file, html};
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::jobs::Kept;
use crate::pages::night::Night;
use crate::visit::Visit;
use chrono::TimeDelta;
use convoke_letters::Letter;
use convoke_office::acts;
use convoke_office::run::letters_of_plan;

/// Minutes for which opened letters can be viewed.
const OPEN_MIN: i64 = 15;
/// Letters opened at once: each takes a fraction of a second.
const OPENED: usize = 3;

/// Policy for viewing an e-mail: nothing in it runs, nothing is fetched.
const SANDBOX: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

/// Opened letters.
struct Opened {
    plan_hash: String,
    letters: Vec<Letter>,
}

#[derive(Template)]
#[template(path = "console/preview_letters.html")]
struct Page {
    frame: Frame,
    /// How many would be opened; 0 without a planned night.
    to_open: usize,
    opened: Vec<usize>,
}

/// The letters that this user has opened, for the night shown.
fn opened(visit: &Visit<'_, '_>) -> Option<std::sync::Arc<Kept<Opened>>> {
    let night = visit.kept::<Night>()?;
    let is_theirs =
        |o: &std::sync::Arc<Kept<Opened>>| o.actor == visit.agent().actor && o.what.plan_hash == night.what.plan_hash;
    // They name people: viewing them later requires a reason again.
    let now = visit.now().naive_utc();
    visit.kept::<Opened>().filter(is_theirs).filter(|o| now - o.at < TimeDelta::minutes(OPEN_MIN))
}

pub(super) fn list(visit: &mut Visit<'_, '_>) -> Answer {
    let to_open = visit.kept::<Night>().map_or(0, |night| night.what.firm.len().min(OPENED));
    let opened = opened(visit).map_or(0, |o| o.what.letters.len());
    html(&Page { frame: visit.frame("preview-letters-title"), to_open, opened: (1..=opened).collect() })
}

#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    raison: String,
}

pub(super) fn open(visit: &mut Visit<'_, '_>) -> Answer {
    let form: Form = visit.asked.form()?;
    let reason = acts::reason(&form.raison).map_err(Failure::Reason)?;
    let none = || Failure::Text(visit.words().say("preview-no-letter"));
    let night = visit.kept::<Night>().filter(|night| !night.what.firm.is_empty()).ok_or_else(none)?;
    let firm = &night.what.firm[..night.what.firm.len().min(OPENED)];
    visit.reads("read.letters", json!({"letters": firm.len(), "reason": reason}))?;
    let (config, clock) = (visit.config(), visit.clock());
    let letters = letters_of_plan(visit.store, config, firm, clock)?;
    let what = Opened { plan_hash: night.what.plan_hash.clone(), letters };
    let (at, actor) = (visit.now().naive_utc(), visit.agent().actor.clone());
    visit.bureau.jobs.keep(Kept { at, actor, what });
    let notice = visit.words().count("preview-letters-opened", firm.len());
    visit.done(notice, "/apercu/lettres")
}

#[derive(Template)]
#[template(path = "console/preview_letter.html")]
struct One {
    frame: Frame,
    number: usize,
    subject: String,
    calendar: Option<String>,
    has_pdf: bool,
}

/// The number of the letter in the address, and the letters.
fn found(visit: &Visit<'_, '_>) -> Result<(usize, std::sync::Arc<Kept<Opened>>), Failure> {
    let opened = opened(visit).ok_or(Failure::Missing)?;
    let number: usize = visit.asked.part("numero").parse().map_err(|_| Failure::Missing)?;
    if number == 0 || number > opened.what.letters.len() { Err(Failure::Missing) } else { Ok((number, opened)) }
}

pub(super) fn show(visit: &mut Visit<'_, '_>) -> Answer {
    let (number, opened) = found(visit)?;
    let letter = &opened.what.letters[number - 1];
    let calendar = letter.ics.as_ref().map(|ics| String::from_utf8_lossy(ics).into_owned());
    let (subject, has_pdf) = (letter.subject.clone(), letter.pdf.is_ok());
    html(&One { frame: visit.frame("preview-letter-title"), number, subject, calendar, has_pdf })
}

/// One format of a letter, by name.
pub(super) fn form(visit: &mut Visit<'_, '_>) -> Answer {
    let (number, opened) = found(visit)?;
    let letter = &opened.what.letters[number - 1];
    match (visit.asked.part("forme"), &letter.pdf, &letter.ics) {
        ("courriel", ..) => {
            let headers = [
                (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                (header::CONTENT_SECURITY_POLICY, SANDBOX),
                // May be framed only by our own page.
                (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
            ];
            Ok((headers, letter.html.clone()).into_response())
        }
        ("lettre.pdf", Ok(pdf), _) => Ok(file(&format!("lettre-{number}.pdf"), "application/pdf", pdf.clone())),
        ("rendez-vous.ics", _, Some(ics)) => {
            Ok(file(&format!("rendez-vous-{number}.ics"), "text/calendar", ics.clone()))
        }
        _ => Err(Failure::Missing),
    }
}
