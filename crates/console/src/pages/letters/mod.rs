//! Courriers: the queue, post batches, bounces.

mod batches;
mod bounces;
pub(in crate::pages) mod cause;
mod letter;
mod sending;

use askama::Template;
use serde::Deserialize;

use self::cause::{cause, causes};
use crate::answer::{export, html};
use crate::asked::word;
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::route::{Route, get, post};
use crate::visit::Visit;
use convoke_domain::access::Right;
use convoke_domain::convocation::{LetterKind, LetterState};
use convoke_domain::permit::Channel;
use convoke_office::acts::Cause;
use convoke_report::{List, words};
use convoke_store::{LetterFilter, LetterLine, Store};

pub(super) const ROUTES: &[Route] = &[
    get(Right::Read, "/courriers", list),
    post(Right::Act, "/courriers/actes", letter::turn),
    post(Right::Act, "/courriers/suspendre", sending::pause),
    post(Right::Act, "/courriers/reprendre", sending::unpause),
    get(Right::Read, "/courriers/retours", bounces::list),
    post(Right::Act, "/courriers/retours", bounces::come_back),
    get(Right::Read, "/courriers/lots", batches::list),
    post(Right::Act, "/courriers/lots", batches::prepare),
    get(Right::Read, "/courriers/lots/{lot}", batches::show),
    // Names and addresses: only for those who may act.
    get(Right::Act, "/courriers/lots/{lot}/fichiers", batches::files),
    post(Right::Act, "/courriers/lots/{lot}/poste", batches::confirm),
    post(Right::Act, "/courriers/lots/{lot}/retrait", batches::discard),
    // An id consists of a reference, a kind and a number, separated by slashes.
    get(Right::Read, "/courriers/{*letter}", letter::show),
];

/// Letters per page.
const PAGE: usize = 100;
/// Lines of an export: more than a person reads, few enough for the server.
const EXPORT_MAX: usize = 100_000;
/// The filter in the address.
#[derive(Deserialize)]
struct Sought {
    #[serde(default)]
    etat: String,
    #[serde(default)]
    genre: String,
    #[serde(default)]
    canal: String,
    #[serde(default)]
    apres: String,
    #[serde(default)]
    format: String,
}

impl Sought {
    fn filter(&self) -> Result<LetterFilter, Failure> {
        let (state, kind, channel) = (word(&self.etat)?, word(&self.genre)?, word(&self.canal)?);
        Ok(LetterFilter { state, kind, channel, reference: None })
    }
}

#[derive(Template)]
#[template(path = "console/letters.html")]
struct Letters {
    frame: Frame,
    sought: Sought,
    /// Who paused sending, and why.
    paused: Option<(String, String)>,
    /// Letters that will be sent once it resumes.
    waiting: u64,
    states: Vec<Choice>,
    kinds: Vec<Choice>,
    channels: Vec<Choice>,
    causes: Vec<Cause>,
    letters: Vec<Line>,
    next: Option<String>,
}

/// An option of a selection list.
struct Choice {
    code: &'static str,
    label: &'static str,
    letters: u64,
    chosen: bool,
}

struct Line {
    row: LetterLine,
    kind: &'static str,
    channel: &'static str,
    state: &'static str,
    /// Why it is held up, and the language of that text.
    cause: Option<(String, &'static str)>,
}

impl From<LetterLine> for Line {
    fn from(row: LetterLine) -> Self {
        let (kind, channel) = (words::letter_kind(row.kind), words::channel(row.channel));
        let cause = cause(row.state, row.remark, row.rendered.as_deref(), row.last_reply.as_deref());
        let state = words::letter_state(row.state);
        Self { row, kind, channel, state, cause }
    }
}

fn list(visit: &mut Visit<'_, '_>) -> Answer {
    let sought: Sought = visit.asked.query()?;
    let filter = sought.filter()?;
    if !sought.format.is_empty() {
        return export("courriers", &to_list(visit.store, &filter)?, &sought.format);
    }
    let (frame, t) = (visit.frame("letters-title"), visit.words());
    let page = visit.store.read(|s| {
        let counts = s.letters_by_state()?;
        let mut rows = s.letters_after(&filter, &sought.apres, PAGE as i64 + 1)?;
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let paused = s.paused()?;
        let waiting = if paused.is_some() { s.waiting_letters()? } else { 0 };
        let states = LetterState::ALL.iter().map(|state| Choice {
            code: state.code(),
            label: words::letter_state(*state),
            letters: counts.get(state).copied().unwrap_or(0),
            chosen: filter.state == Some(*state),
        });
        let choice = |code, label, chosen| Choice { code, label, letters: 0, chosen };
        let kinds = LetterKind::ALL.iter().map(|k| choice(k.code(), words::letter_kind(*k), filter.kind == Some(*k)));
        let channels = Channel::ALL.iter().map(|c| choice(c.code(), words::channel(*c), filter.channel == Some(*c)));
        Ok(Letters {
            // Totals are shown only on the first page.
            causes: if sought.apres.is_empty() { causes(s, &filter)? } else { Vec::new() },
            next: rows.last().filter(|_| more).map(|row| row.letter_id.clone()),
            letters: rows.into_iter().map(Line::from).collect(),
            states: states.collect(),
            kinds: kinds.collect(),
            channels: channels.collect(),
            paused: paused.map(|p| {
                let since = t.at(p.since.naive_utc());
                (t.with2("letters-paused", ("who", &p.by), ("at", &since)), p.reason)
            }),
            waiting,
            sought,
            frame,
        })
    })?;
    html(&page)
}

/// Letters, without addresses.
fn to_list(store: &mut Store, filter: &LetterFilter) -> anyhow::Result<List> {
    let mut list = List {
        name: "courriers",
        header: vec!["lettre", "reference", "objet", "canal", "etat", "libelle", "essais", "cause", "ecrite_le"],
        rows: Vec::new(),
    };
    let mut after = String::new();
    loop {
        let rows = store.letters_after(filter, &after, 5_000)?;
        let Some(last) = rows.last() else { return Ok(list) };
        after.clone_from(&last.letter_id);
        list.rows.extend(rows.iter().map(|row| {
            let label = words::letter_state(row.state);
            let cause = cause(row.state, row.remark, row.rendered.as_deref(), row.last_reply.as_deref())
                .map_or_else(String::new, |(cause, _)| cause);
            let written = row.created_at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
            [&row.letter_id, &row.reference, row.kind.code(), row.channel.code(), row.state.code(), label]
                .into_iter()
                .map(str::to_owned)
                .chain([row.attempts.to_string(), cause, written])
                .collect()
        }));
        if list.rows.len() >= EXPORT_MAX {
            list.rows.truncate(EXPORT_MAX);
            return Ok(list);
        }
    }
}
