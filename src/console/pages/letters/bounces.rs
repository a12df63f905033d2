//! What came back: messages that a person must read, and letters that the post returns.

use askama::Template;
use serde::Deserialize;

use crate::access::Right;
use crate::acts::without_addresses;
use crate::console::page::{Answer, Failure, Frame, html};
use crate::console::visit::Visit;
use crate::ids::Reference;
use crate::post;
use crate::store::Unread;

/// Messages of a page.
const PAGE: usize = 50;

#[derive(Deserialize)]
struct Sought {
    #[serde(default)]
    apres: String,
}

#[derive(Template)]
#[template(path = "console/bounces.html")]
struct Bounces {
    frame: Frame,
    messages: Vec<(Unread, String)>,
    next: Option<String>,
}

pub(super) fn list(visit: &mut Visit<'_, '_>) -> Answer {
    let sought: Sought = visit.asked.query()?;
    let after = Some(sought.apres.as_str()).filter(|after| !after.is_empty());
    let mut rows = visit.store.unread_bounces(after, PAGE as i64 + 1)?;
    let next = (rows.len() > PAGE).then(|| rows[PAGE - 1].sha256.clone());
    rows.truncate(PAGE);
    let said = |row: &Unread| {
        let said = [row.status.as_deref(), row.diagnostic.as_deref()].map(Option::unwrap_or_default).join(" ");
        without_addresses(said.trim())
    };
    let messages = rows.into_iter().map(|row| (row.clone(), said(&row))).collect();
    html(&Bounces { frame: visit.frame("bounces-title"), messages, next })
}

#[derive(Deserialize)]
struct CameBack {
    reference: String,
    reason: String,
}

/// The post brings a letter back.
pub(super) fn come_back(visit: &mut Visit<'_, '_>) -> Answer {
    debug_assert!(visit.may(Right::Act), "the table of routes asks for it");
    let asked: CameBack = visit.asked.form()?;
    let t = visit.words();
    let reference =
        Reference::parse(asked.reference.trim()).ok_or_else(|| Failure::Told(t.say("bounces-no-reference")))?;
    let ended = visit.by_hand(&asked.reason, |s, hand| {
        post::come_back(s, &reference, (hand.actor, Some(hand.reason)), hand.clock.now())
    })?;
    let notice = match ended {
        None => return Err(Failure::Told(t.with("bounces-not-posted", "what", &reference))),
        Some(true) => t.with("bounces-ended", "what", &reference),
        Some(false) => t.with("bounces-noted", "what", &reference),
    };
    visit.done(notice, "/courriers/retours")
}
