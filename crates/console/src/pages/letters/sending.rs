//! Pausing and resuming all sending.

use serde::Deserialize;

use crate::failure::{Answer, Failure};
use crate::visit::Visit;
use convoke_machine::confirm::Confirmed;
use convoke_office::acts;

#[derive(Deserialize)]
struct Stop {
    reason: String,
}

#[derive(Deserialize)]
struct GoOn {
    reason: String,
    letters: String,
}

pub(super) fn pause(visit: &mut Visit<'_, '_>) -> Answer {
    let asked: Stop = visit.asked.form()?;
    let before = visit.by_hand(&asked.reason, acts::pause)?;
    let t = visit.words();
    let notice = match before {
        Some(paused) => t.with("letters-paused-already", "who", paused.by),
        None => t.say("letters-paused-now"),
    };
    visit.done(notice, "/courriers")
}

pub(super) fn unpause(visit: &mut Visit<'_, '_>) -> Answer {
    let asked: GoOn = visit.asked.form()?;
    let waiting = visit.store.waiting_letters()?;
    let confirmed = Confirmed::typed(&asked.letters, &waiting.to_string()).ok_or(Failure::Unconfirmed)?;
    visit.by_hand(&asked.reason, |s, hand| acts::unpause(s, hand, &confirmed))?;
    let notice = visit.words().say("letters-resumed");
    visit.done(notice, "/courriers")
}
