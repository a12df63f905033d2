//! One person: the state of each permit and why, possible acts, and the history.

use askama::Template;
use chrono::{NaiveDate, NaiveTime};

use super::holder::holder_of;
use crate::answer::html;
use crate::failure::Answer;
use crate::frame::Frame;
use crate::visit::Visit;
use convoke_domain::convocation::{LetterState, State};
use convoke_domain::permit::Holder;
use convoke_domain::requests::Wish;
use convoke_office::run::timeline;
use convoke_report::timeline::Timeline;
use convoke_report::{visible, words};
use convoke_store::{Known, KnownLetter};

#[derive(Template)]
#[template(path = "console/person.html")]
struct PersonPage {
    frame: Frame,
    holder_id: String,
    holder: Holder,
    timeline: Timeline,
    name: String,
    channel: &'static str,
    /// The address that bounced, if it is the one that would be used.
    refused_address: Option<String>,
    appointment: Option<Appointment>,
    letters: Vec<Letter>,
    /// Whether a letter did not arrive: correcting the address comes next.
    mend_first: bool,
    requests: Vec<Request>,
    held: bool,
    today: NaiveDate,
}

struct Appointment {
    reference: String,
    place: String,
    day: NaiveDate,
    hour: NaiveTime,
    /// Whether it can still be changed; otherwise it is to be marked.
    to_come: bool,
    site: String,
}

struct Letter {
    id: String,
    kind: &'static str,
    channel: &'static str,
    state: &'static str,
    /// Whether it failed and needs a person.
    bad: bool,
    written_at: chrono::NaiveDateTime,
    can_be_shown: bool,
    /// `retry` or `release`, and the key of the button's text.
    turn: Option<(&'static str, &'static str)>,
}

struct Request {
    id: String,
    wish: &'static str,
    state: &'static str,
    received_on: NaiveDate,
}

impl PersonPage {
    /// The text without invisible characters, whoever wrote it.
    fn seen(text: &str) -> String {
        visible(text)
    }

    fn wishes() -> impl Iterator<Item = (&'static str, &'static str)> {
        Wish::ALL.iter().map(|wish| (wish.code(), words::wish(*wish)))
    }
}

pub(super) fn show(visit: &mut Visit<'_, '_>) -> Answer {
    let (id, holder) = holder_of(visit)?;
    visit.reads_about("read.timeline", &id, &holder)?;
    let (config, today) = (visit.config(), visit.today());
    let timeline = timeline(visit.store, config, &id, today)?;
    let known = visit.store.read(|s| s.known_of(&id))?;
    let refused_address = known.person.email_refused.clone().filter(|_| holder.email.is_none());
    let letters: Vec<Letter> = known.letters.iter().rev().map(|l| letter(l, refused_address.as_deref())).collect();
    // Titles are kept in the browser's history: no name in them.
    let frame = visit.frame("person-title");
    let page = PersonPage {
        holder_id: id.0,
        name: visible(&timeline.name),
        channel: words::channel(holder.effective_channel()),
        refused_address,
        appointment: appointment(&known, config, today),
        mend_first: letters.iter().any(|l| l.bad),
        letters,
        requests: known.requests.iter().rev().map(request).collect(),
        held: known.permits.iter().any(|p| p.permit.held),
        holder,
        timeline,
        frame,
        today,
    };
    html(&page)
}

fn appointment(known: &Known, config: &convoke_settings::Configuration, today: NaiveDate) -> Option<Appointment> {
    let live = known.convocations.iter().find(|c| c.state == State::Convoked)?;
    let slot = &live.slot_id;
    let named = config.agenda.find(&slot.pool);
    let place =
        named.map_or_else(|| slot.pool.to_string(), |pool| format!("{}, {}", pool.site.name, pool.desk.label()));
    Some(Appointment {
        reference: live.reference.clone(),
        place: visible(&place),
        day: slot.day,
        hour: slot.start,
        to_come: slot.day >= today,
        site: slot.pool.site.clone(),
    })
}

fn letter(known: &KnownLetter, refused: Option<&str>) -> Letter {
    let l = &known.letter;
    // A letter is not sent again to an address that bounced: setting a new address sends it.
    let hopeless = refused.is_some() && l.recipient.as_deref() == refused;
    let turn = match l.state {
        LetterState::Failed | LetterState::Bounced | LetterState::Deferred if !hopeless => {
            Some(("retry", "person-letter-retry"))
        }
        LetterState::Held => Some(("release", "person-letter-release")),
        _ => None,
    };
    Letter {
        id: l.letter_id.clone(),
        kind: words::letter_kind(l.kind),
        channel: words::channel(l.channel),
        state: words::letter_state(l.state),
        bad: matches!(
            l.state,
            LetterState::Failed | LetterState::Bounced | LetterState::Expired | LetterState::Returned
        ),
        written_at: l.created_at,
        can_be_shown: known.said.as_object().is_some_and(|said| !said.is_empty()),
        turn,
    }
}

fn request(row: &convoke_store::RequestRow) -> Request {
    Request {
        id: row.request_id.clone(),
        wish: words::wish(row.wish),
        state: words::request_state(row.state),
        received_on: row.received_on,
    }
}
