//! Bounces: messages that a person must read, and letters returned by the post.

use askama::Template;
use serde::Deserialize;

use crate::answer::{export, html};
use crate::asked::word;
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::visit::Visit;
use convoke_dispatch::bounces::Class;
use convoke_domain::access::Right;
use convoke_domain::ids::Reference;
use convoke_office::acts::without_addresses;
use convoke_office::post;
use convoke_report::{List, words};
use convoke_store::Unread;

/// Messages per page, and per downloaded file.
const PAGE: usize = 50;
const EXPORTED: usize = 100_000;

/// The filter in the address.
#[derive(Deserialize)]
struct Sought {
    /// Class of the bounce.
    #[serde(default)]
    nature: String,
    #[serde(default)]
    apres: String,
    #[serde(default)]
    format: String,
}

#[derive(Template)]
#[template(path = "console/bounces.html")]
struct Bounces {
    frame: Frame,
    classes: Vec<(Class, &'static str)>,
    /// The requested class, or empty.
    class: &'static str,
    messages: Vec<Message>,
    next: Option<String>,
}

/// A message that needs a person to read it.
struct Message {
    row: Unread,
    class: &'static str,
    /// Its text, without addresses.
    said: String,
}

impl From<Unread> for Message {
    fn from(row: Unread) -> Self {
        let said = [row.status.as_deref(), row.diagnostic.as_deref()].map(Option::unwrap_or_default).join(" ");
        Self { class: words::bounce(&row.class), said: without_addresses(said.trim()), row }
    }
}

pub(super) fn list(visit: &mut Visit<'_, '_>) -> Answer {
    let sought: Sought = visit.asked.query()?;
    let class: Option<Class> = word(&sought.nature)?;
    let after = Some(sought.apres.as_str()).filter(|after| !after.is_empty());
    let most = if sought.format.is_empty() { PAGE } else { EXPORTED };
    let mut rows = visit.store.unread_bounces(class.map(Class::code), after, most as i64 + 1)?;
    let next = (rows.len() > most).then(|| rows[most - 1].sha256.clone());
    rows.truncate(most);
    let messages: Vec<Message> = rows.into_iter().map(Message::from).collect();
    if !sought.format.is_empty() {
        return export("retours", &sheet(&messages), &sought.format);
    }
    let (class, classes) =
        (class.map_or("", Class::code), Class::ALL.iter().map(|class| (*class, words::bounce(class.code()))).collect());
    html(&Bounces { frame: visit.frame("bounces-title"), classes, class, messages, next })
}

fn sheet(messages: &[Message]) -> List {
    let line = |m: &Message| {
        let letter = m.row.letter_id.clone().unwrap_or_default();
        let read = m.row.recorded_at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        vec![read, m.row.class.clone(), m.class.to_owned(), m.said.clone(), letter, m.row.sha256.clone()]
    };
    List {
        name: "retours",
        header: vec!["lu_le", "nature", "libelle", "dit", "lettre", "empreinte"],
        rows: messages.iter().map(line).collect(),
    }
}

#[derive(Deserialize)]
struct CameBack {
    reference: String,
    reason: String,
}

/// Records a letter that the post returned.
pub(super) fn come_back(visit: &mut Visit<'_, '_>) -> Answer {
    debug_assert!(visit.may(Right::Act), "the table of routes asks for it");
    let asked: CameBack = visit.asked.form()?;
    let t = visit.words();
    let reference =
        Reference::parse(asked.reference.trim()).ok_or_else(|| Failure::Text(t.say("bounces-no-reference")))?;
    let ended = visit.by_hand(&asked.reason, |s, hand| {
        post::come_back(s, &reference, (hand.actor, Some(hand.reason)), hand.clock.now())
    })?;
    let notice = match ended {
        None => return Err(Failure::Text(t.with("bounces-not-posted", "what", &reference))),
        Some(true) => t.with("bounces-ended", "what", &reference),
        Some(false) => t.with("bounces-noted", "what", &reference),
    };
    visit.done(notice, "/courriers/retours")
}
