//! Applies the consequences of a returned message: once, completely, and with an entry in the ledger.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;

use super::{Class, Named, Returned, read};
use convoke_domain::convocation::{LetterKind, LetterState, State};
use convoke_domain::ids::{IdKey, PermitId, sha256_hex};
use convoke_domain::ledger::Event;
use convoke_machine::clock::Clock;
use convoke_settings::Configuration;
use convoke_store::{BounceRow, LetterRow, PURGED, Store};

/// `bounces ingest --json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ingested {
    /// Messages read.
    pub read: u64,
    /// Letters not delivered.
    pub hard: u64,
    /// Letters still being tried.
    pub soft: u64,
    /// Automatic replies, and notifications of success.
    pub ignored: u64,
    /// Messages that a person must read.
    pub unknown: u64,
    /// Messages that had been read before.
    pub already: u64,
    /// Messages about letters that are being sent: to be read the next time.
    pub later: u64,
    /// Letters that now go by post.
    pub to_post: u64,
    /// Convocations that ended because there is no time left for the post.
    pub undelivered: u64,
}

/// The consequence of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// It had been read before; nothing is left to do.
    Already,
    /// The worker has not yet recorded that the letter was sent: to be read again later. Nothing was recorded.
    Later,
    /// The letter now goes by post.
    ToPost,
    /// The convocation ended: there is no time left for the post.
    Undelivered,
    /// Only recorded.
    Counted,
    /// Nothing follows.
    Ignored,
    /// A person must read it.
    Listed,
}

impl Consequence {
    fn code(self) -> &'static str {
        match self {
            Self::ToPost => "to-post",
            Self::Undelivered => "undelivered",
            Self::Already | Self::Later | Self::Counted => "counted",
            Self::Ignored => "ignored",
            Self::Listed => "listed",
        }
    }
}

/// Reads one message and applies it, once and completely.
pub fn ingest(
    store: &mut Store,
    config: &Configuration,
    key: &IdKey,
    bytes: &[u8],
    actor: &str,
    clock: &Clock,
    counts: &mut Ingested,
) -> Result<Consequence> {
    let (sha256, returned) = (sha256_hex(bytes), read(bytes));
    let now = clock.now();
    let consequence = store.write(|s| {
        if let Some(before) = s.known_bounce(&sha256)? {
            // A message that a person must read stays until somebody removes it.
            let still_to_be_read = before == Consequence::Listed.code();
            return Ok(if still_to_be_read { Consequence::Listed } else { Consequence::Already });
        }
        let letter = find(s, key, &returned.named)?;
        if letter.as_ref().is_some_and(|l| l.state.is_in_hand()) {
            return Ok(Consequence::Later);
        }
        let consequence = match (&letter, returned.class) {
            (_, Class::AutoReply) => Consequence::Ignored,
            // The holder was erased meanwhile: what a server says about them must no longer be kept.
            (Some(letter), _) if letter.data == PURGED => Consequence::Ignored,
            (None, _) | (_, Class::Unknown) => Consequence::Listed,
            (Some(_), Class::Soft) => Consequence::Counted,
            (Some(letter), Class::Hard) => came_back(s, config, letter, &returned, actor, now)?,
        };
        let erased = letter.as_ref().is_some_and(|l| l.data == PURGED);
        s.record_bounce(&BounceRow {
            prefecture: s.prefecture().to_owned(),
            sha256: sha256.clone(),
            letter_id: letter.map(|l| l.letter_id),
            class: returned.class.code(),
            status: returned.status.clone(),
            diagnostic: returned.diagnostic.clone().filter(|_| !erased),
            consequence: consequence.code(),
            recorded_at: clock.now().naive_utc(),
        })?;
        Ok(consequence)
    })?;
    counts.read += 1;
    match consequence {
        Consequence::Already => counts.already += 1,
        Consequence::Later => counts.later += 1,
        Consequence::Ignored => counts.ignored += 1,
        Consequence::Listed => counts.unknown += 1,
        Consequence::ToPost | Consequence::Undelivered | Consequence::Counted => {
            *(if returned.class == Class::Hard { &mut counts.hard } else { &mut counts.soft }) += 1;
        }
    }
    counts.to_post += u64::from(consequence == Consequence::ToPost);
    counts.undelivered += u64::from(consequence == Consequence::Undelivered);
    Ok(consequence)
}

/// The letter whose Return-Path is among the addresses.
fn find(store: &mut Store, key: &IdKey, named: &[Named]) -> Result<Option<LetterRow>> {
    let prefecture = store.prefecture().to_owned();
    for name in named {
        let letters = store.letters_of(name.reference.as_str())?;
        if let Some(letter) = letters.into_iter().find(|l| name.is_of(key, &prefecture, &l.letter_id)) {
            return Ok(Some(letter));
        }
    }
    Ok(None)
}

/// Handles an undelivered letter: it goes by post if there is time, else its convocation ends and the person is due
/// again.
fn came_back(
    store: &mut Store,
    config: &Configuration,
    letter: &LetterRow,
    returned: &Returned,
    actor: &str,
    now: DateTime<Utc>,
) -> Result<Consequence> {
    let today = now.with_timezone(&config.settings.prefecture.zone).date_naive();
    let said = [returned.status.as_deref(), returned.diagnostic.as_deref()].map(Option::unwrap_or_default).join(" ");
    let newly = store.mark_bounced(&letter.letter_id, said.trim())?;
    if let (true, Some(address)) = (returned.blames_the_address(), &letter.recipient) {
        store.refuse_address(&letter.reference, address)?;
    }
    if !newly {
        return Ok(Consequence::Counted);
    }
    let announces = [LetterKind::Convocation, LetterKind::Change].contains(&letter.kind);
    let convocation = store.convocation(&letter.reference)?.filter(|c| c.state == State::Convoked);
    let on_paper =
        store.letters_of(&letter.reference)?.iter().any(|l| l.kind == letter.kind && l.state == LetterState::Posted);
    let consequence = match &convocation {
        // A reminder is not worth a stamp, and a letter that left on paper needs none; an appointment that has begun is
        // marked by the desk.
        _ if letter.kind == LetterKind::Reminder || on_paper => Consequence::Counted,
        Some(c) if c.slot_id.day <= today => Consequence::Counted,
        Some(c)
            if announces && (c.slot_id.day - today).num_days() < i64::from(config.settings.policy.send_floor_days) =>
        {
            store.end_convocations(std::slice::from_ref(&letter.reference), State::Undelivered)?;
            store.review_again(&PermitId(c.permit_id.clone()))?;
            Consequence::Undelivered
        }
        _ => Consequence::ToPost,
    };
    let payload = json!({
        "reference": letter.reference, "letter": letter.letter_id, "status": returned.status, "consequence": consequence.code(),
    });
    store
        .record(actor, now, vec![Event { kind: "letter.bounced", payload }])
        .context("recording a bounce in the ledger")?;
    Ok(consequence)
}
