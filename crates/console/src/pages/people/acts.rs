//! Acts on one person: hold, release, write again, record a request.

use chrono::NaiveDate;
use serde::Deserialize;

use super::holder::holder_of;
use crate::failure::{Answer, Failure};
use crate::visit::Visit;
use convoke_domain::requests::Wish;
use convoke_office::acts::{self, Received, Turn};
use convoke_report::words;

#[derive(Deserialize)]
struct Suspension {
    /// `suspendre` or `lever`.
    acte: String,
    reason: String,
}

pub(super) fn hold(visit: &mut Visit<'_, '_>) -> Answer {
    let (id, holder) = holder_of(visit)?;
    let form: Suspension = visit.asked.form()?;
    let held = match form.acte.as_str() {
        "suspendre" => true,
        "lever" => false,
        _ => return Err(Failure::Unreadable),
    };
    let (permits, appointment) = visit.by_hand(&form.reason, |s, hand| acts::hold(s, hand, &holder.number, held))?;
    let t = visit.words();
    let mut notice = t.say(match (permits, held) {
        (0, true) => "person-not-held",
        (0, false) => "person-not-released",
        (_, true) => "person-held",
        (_, false) => "person-released",
    });
    if let Some(reference) = appointment.filter(|_| held) {
        notice = format!("{notice} {}", t.with("person-appointment-stands", "what", reference));
    }
    visit.done(notice, &format!("/personnes/{id}"))
}

#[derive(Deserialize)]
struct Address {
    #[serde(default)]
    courriel: String,
    /// Ticked if the person no longer has an address.
    aucun: Option<String>,
    reason: String,
}

pub(super) fn mend_email(visit: &mut Visit<'_, '_>) -> Answer {
    let (id, holder) = holder_of(visit)?;
    let form: Address = visit.asked.form()?;
    let (t, email) = (visit.words(), form.courriel.trim());
    // Both, or neither, is contradictory.
    if email.is_empty() != form.aucun.is_some() {
        return Err(Failure::Text(t.say("person-email-which")));
    }
    let email = Some(email).filter(|email| !email.is_empty());
    let mended = visit.by_hand(&form.reason, |s, hand| acts::mend_email(s, hand, &holder.number, email))?;
    let mut notice = t.say(if mended.changed { "person-email-set" } else { "person-email-same" });
    if !mended.again.is_empty() {
        let key = if email.is_some() { "person-email-again" } else { "person-email-post" };
        notice = format!("{notice} {}", t.say(key));
    }
    if mended.told_old_address.is_some() {
        notice = format!("{notice} {}", t.say("person-email-told"));
    }
    visit.done(notice, &format!("/personnes/{id}"))
}

#[derive(Deserialize)]
struct Turned {
    lettre: String,
    /// [`Turn`].
    acte: Turn,
    reason: String,
}

pub(super) fn turn(visit: &mut Visit<'_, '_>) -> Answer {
    let (id, _) = holder_of(visit)?;
    let form: Turned = visit.asked.form()?;
    // A letter to someone else does not belong to this person's page.
    if !visit.store.letters_to(&id)?.iter().any(|letter| letter.letter_id == form.lettre) {
        return Err(Failure::Missing);
    }
    let names = [form.lettre];
    let done = visit.by_hand(&form.reason, |s, hand| acts::turn_letters(s, hand, &names, form.acte))?;
    let state = done.first().map_or("", |(_, state)| words::letter_state(*state));
    let notice = visit.words().with("person-letter-turned", "state", state);
    visit.done(notice, &format!("/personnes/{id}"))
}

#[derive(Deserialize)]
struct Written {
    voeu: Wish,
    recu: NaiveDate,
    #[serde(default)]
    avant: String,
    reason: String,
}

pub(super) fn add_request(visit: &mut Visit<'_, '_>) -> Answer {
    let (id, holder) = holder_of(visit)?;
    let form: Written = visit.asked.form()?;
    let t = visit.words();
    if form.recu > visit.today() {
        return Err(Failure::Text(t.say("person-request-future")));
    }
    let needed_by = match form.avant.trim() {
        "" => None,
        day => Some(day.parse().map_err(|_| Failure::Unreadable)?),
    };
    let received = Received { wish: form.voeu, on: form.recu, needed_by };
    let added = visit.by_hand(&form.reason, |s, hand| acts::add_request(s, hand, &holder.number, received))?;
    let key = if form.voeu == Wish::Other { "person-request-added-other" } else { "person-request-added" };
    visit.done(t.with(key, "what", added), &format!("/personnes/{id}"))
}
