//! One letter: attempts, bounces and acts, and the acts on one or many letters.

use askama::Template;
use chrono::NaiveDateTime;

use super::cause::{cause, turns};
use crate::answer::html;
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::visit::Visit;
use convoke_domain::convocation::LetterState;
use convoke_domain::ids::HolderId;
use convoke_office::acts::{Turn, turn_letters, without_addresses};
use convoke_report::words;
use convoke_store::{ActOn, KnownLetter};

#[derive(Template)]
#[template(path = "console/letter.html")]
struct Letter {
    frame: Frame,
    id: String,
    known: KnownLetter,
    kind: &'static str,
    channel: &'static str,
    state: &'static str,
    /// Why it is held up, and the language of that text.
    cause: Option<(String, &'static str)>,
    /// Domain of the recipient, without the name.
    domain: Option<String>,
    holder: Option<HolderId>,
    moments: Vec<Moment>,
    turns: Vec<Turn>,
}

/// An event in its history.
struct Moment {
    at: Option<NaiveDateTime>,
    what: String,
    said: String,
}

pub(super) fn show(visit: &mut Visit<'_, '_>) -> Answer {
    let id = visit.asked.part("letter").to_owned();
    let frame = visit.frame("letter-title");
    let found = visit.store.read(|s| {
        let Some(row) = s.letter(&id)? else { return Ok(None) };
        let known = s.letters_about(std::slice::from_ref(&row.reference))?;
        let Some(known) = known.into_iter().find(|l| l.letter.letter_id == id) else { return Ok(None) };
        let holder = s.holder_of(&row.reference)?.map(HolderId);
        let acts = match &holder {
            Some(holder) => s.acts_on(holder)?,
            None => Vec::new(),
        };
        let cause = cause(row.state, row.remark, row.rendered.as_deref(), row.last_reply.as_deref());
        Ok(Some((known, cause, holder, acts)))
    })?;
    let Some((known, cause, holder, acts)) = found else { return Err(Failure::Missing) };
    let letter = &known.letter;
    let domain = letter.recipient.as_deref().and_then(|to| Some(to.rsplit_once('@')?.1.to_owned()));
    let page = Letter {
        kind: words::letter_kind(letter.kind),
        channel: words::channel(letter.channel),
        state: words::letter_state(letter.state),
        turns: turns(Some(letter.state)),
        moments: moments(&known, &acts),
        cause,
        domain,
        holder,
        known,
        id,
        frame,
    };
    html(&page)
}

/// The history of a letter, in order of time.
fn moments(known: &KnownLetter, acts: &[ActOn]) -> Vec<Moment> {
    let mut moments = vec![Moment { at: Some(known.letter.created_at), what: "Écrite".into(), said: String::new() }];
    moments.extend(known.attempts.iter().map(|a| {
        let outcome = a.outcome.map_or("en cours", words::attempt);
        let stage = a.stage.as_deref().map_or_else(String::new, |stage| format!(" ({stage})"));
        Moment {
            at: Some(a.started_at),
            what: format!("Essai par {} : {outcome}{stage}", a.relay),
            said: without_addresses(a.reply.as_deref().unwrap_or_default()),
        }
    }));
    moments.extend(known.bounces.iter().map(|b| {
        let class = words::bounce(&b.class);
        let said = [b.status.as_deref(), b.diagnostic.as_deref()].map(Option::unwrap_or_default).join(" ");
        Moment {
            at: Some(b.recorded_at),
            what: format!("Message revenu : {class}"),
            said: without_addresses(said.trim()),
        }
    }));
    let of_it = |(kind, actor, payload): &ActOn| {
        let at = payload["at"].as_str().and_then(|at| at.parse::<chrono::DateTime<chrono::Utc>>().ok());
        (payload["letter"] == known.letter.letter_id.as_str()).then(|| Moment {
            at: at.map(|at| at.naive_utc()),
            what: format!("{}, par {actor}", words::intervention(kind)),
            said: payload["reason"].as_str().unwrap_or_default().to_owned(),
        })
    };
    moments.extend(acts.iter().filter_map(of_it));
    moments.sort_by_key(|moment| moment.at);
    moments
}

/// Applies one turn to all ticked letters, or to none.
pub(super) fn turn(visit: &mut Visit<'_, '_>) -> Answer {
    let (mut letters, mut turn, mut reason, mut back) = (Vec::new(), None, String::new(), String::new());
    for (name, value) in visit.asked.form::<Vec<(String, String)>>()? {
        match name.as_str() {
            "lettre" => letters.push(value),
            "acte" => turn = Some(value.parse::<Turn>().map_err(|_| Failure::Unreadable)?),
            "reason" => reason = value,
            "etat" => back = value,
            _ => return Err(Failure::Unreadable),
        }
    }
    let turn = turn.ok_or(Failure::Unreadable)?;
    let t = visit.words();
    if letters.is_empty() {
        return Err(Failure::Text(t.say("letters-none-ticked")));
    }
    let done = visit.by_hand(&reason, |s, hand| turn_letters(s, hand, &letters, turn))?;
    let notice = t.count(
        match turn {
            Turn::Retry => "letters-retried",
            Turn::Hold => "letters-held",
            Turn::Release => "letters-released",
        },
        done.len(),
    );
    // Back to where they were ticked: a letter's own page, or the list of a state.
    match (back.parse::<LetterState>(), done.as_slice()) {
        (Ok(state), _) => visit.done(notice, &format!("/courriers?etat={state}")),
        (Err(_), [(id, _)]) if back == "fiche" => visit.done(notice, &format!("/courriers/{id}")),
        _ => visit.done(notice, "/courriers"),
    }
}
