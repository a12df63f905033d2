//! What was done by hand and can be undone, and what undoing it would do.

use askama::Template;
use serde::Deserialize;

use crate::answer::html;
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::route::{Route, get, post};
use crate::visit::Visit;
use convoke_domain::access::Right;
use convoke_machine::confirm::Confirmed;
use convoke_office::acts::Refused;
use convoke_office::undo::{self, Act, Undone, Why};
use convoke_report::words::intervention;

pub(super) const ROUTES: &[Route] = &[
    get(Right::Act, "/annulations", list),
    get(Right::Act, "/annulations/{acte}", ask),
    post(Right::Act, "/annulations/{acte}", carry_out),
];

/// Acts shown.
const ACTS: usize = 100;

#[derive(Template)]
#[template(path = "console/undo.html")]
struct Acts {
    frame: Frame,
    acts: Vec<Act>,
}

impl Acts {
    fn what(act: &Act) -> &str {
        intervention(&act.kind)
    }
}

fn list(visit: &mut Visit<'_, '_>) -> Answer {
    let acts = undo::acts_to_undo(visit.store, ACTS)?;
    html(&Acts { frame: visit.frame("undo-title"), acts })
}

#[derive(Template)]
#[template(path = "console/undo_act.html")]
struct Asked {
    frame: Frame,
    act: i64,
    /// What it would do.
    would: Undone,
}

impl Asked {
    fn restored(&self) -> u64 {
        restored(&self.would)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as a template passes it")]
    fn why(&self, why: &Why) -> String {
        self.frame.t.say(match why {
            Why::Told => "undo-told",
            Why::SeatTaken => "undo-seat-taken",
            Why::ChangedSince => "undo-changed-since",
            Why::Past => "undo-past",
            Why::BuiltOn => "undo-built-on",
            Why::NotKept => "undo-not-kept",
        })
    }
}

fn act_of(visit: &Visit<'_, '_>) -> Result<i64, Failure> {
    visit.asked.part("acte").parse().map_err(|_| Failure::Missing)
}

/// There is no page about what is no act.
fn missing(failure: Failure) -> Failure {
    if matches!(failure, Failure::Refused(Refused::NoAct(_))) { Failure::Missing } else { failure }
}

fn ask(visit: &mut Visit<'_, '_>) -> Answer {
    let act = act_of(visit)?;
    // Carried out and taken back: nothing is kept of it, so no reason is asked for yet.
    let would =
        visit.by_hand("rehearsal", |store, hand| store.rehearse(|store, sure| undo::undo(store, hand, act, sure)));
    html(&Asked { frame: visit.frame("undo-one-title"), act, would: would.map_err(missing)? })
}

#[derive(Deserialize)]
struct Form {
    confirmation: String,
    reason: String,
}

fn carry_out(visit: &mut Visit<'_, '_>) -> Answer {
    let act = act_of(visit)?;
    let form: Form = visit.asked.form()?;
    let confirmed = Confirmed::typed(&form.confirmation, &act.to_string()).ok_or(Failure::Unconfirmed)?;
    let done = visit.by_hand(&form.reason, |store, hand| undo::undo(store, hand, act, &confirmed));
    let done = done.map_err(missing)?;
    let t = visit.words();
    let notice = format!("{} {}", t.count("undo-restored", restored(&done)), t.count("undo-left", done.left.len()));
    visit.done(notice, "/annulations")
}

/// How many are, or would be, what they were.
fn restored(undone: &Undone) -> u64 {
    undone.rows.map_or(undone.undone.len() as u64, |rows| rows.restored + rows.removed)
}
