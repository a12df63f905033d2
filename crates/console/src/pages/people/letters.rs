//! A letter again, as a PDF to print: the exact bytes that were sent, or a list of what has changed since.

use askama::Template;
use serde::Deserialize;
use serde_json::json;

use super::holder::holder_of;
use crate::answer::{file, html};
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::visit::Visit;
use convoke_office::run::Again;
use convoke_store::PURGED;

#[derive(Template)]
#[template(path = "console/letter_differs.html")]
struct Differs {
    frame: Frame,
    holder_id: String,
    letter_id: String,
    /// What has changed since it was sent.
    changed: Vec<String>,
    /// Whether it can be rendered as it would be now.
    can_be_made: bool,
}

#[derive(Deserialize)]
struct Asked {
    /// `oui`: render it as it would be now, although that is not what was sent.
    #[serde(default)]
    actuelle: String,
}

pub(super) fn print(visit: &mut Visit<'_, '_>) -> Answer {
    let (id, _) = holder_of(visit)?;
    let asked: Asked = visit.asked.query()?;
    let letter_id = visit.asked.part("letter_id").to_owned();
    let letters = visit.store.letters_to(&id)?;
    let row = letters.into_iter().find(|l| l.letter_id == letter_id).ok_or(Failure::Missing)?;
    let t = visit.words();
    if row.data == PURGED {
        return Err(Failure::Text(t.say("person-letter-erased")));
    }
    visit.reads("read.letters", json!({"reference": row.reference}))?;
    let config = visit.config();
    let again = Again::of(visit.store, config, &row)?;
    if !again.differs.is_empty() && (asked.actuelle != "oui" || again.letter.is_none()) {
        let changed = again.differs.iter().map(|what| t.say(changed(what))).collect();
        let frame = visit.frame("person-letter-differs");
        let can_be_made = again.letter.is_some();
        return html(&Differs { frame, holder_id: id.0, letter_id, changed, can_be_made });
    }
    match again.letter.map(|letter| letter.pdf) {
        // The reference is the only information about the person in the file's name.
        Some(Ok(pdf)) => Ok(file(&format!("{}.pdf", letter_id.replace('/', "-")), "application/pdf", pdf)),
        _ => Err(Failure::Text(t.say("person-letter-no-pdf"))),
    }
}

fn changed(what: &str) -> &'static str {
    match what {
        "templates" => "person-changed-templates",
        "fonts" => "person-changed-fonts",
        "engine" => "person-changed-engine",
        _ => "person-changed-data",
    }
}
