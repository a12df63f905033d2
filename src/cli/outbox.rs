//! `convoke outbox`.

use std::fmt::Write as _;

use anyhow::Result;
use chrono::NaiveDateTime;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::exit::Exit;
use super::output::terminal_width;
use super::session::{Session, given};
use convoke_domain::convocation::{LetterKind, LetterState, Outcome};
use convoke_domain::ids::Reference;
use convoke_domain::permit::Channel;
use convoke_letters::Rendered;
use convoke_office::acts::{self, Refused, Turn};
use convoke_report::columns::Columns;
use convoke_store::{KnownLetter, LetterFilter, LetterRow, Use};

#[derive(Debug, Subcommand)]
pub(super) enum Outbox {
    List(List),
    Show(Show),
    /// Retry letters that were refused or came back, or that wait for their next attempt
    ///
    /// An accepted letter is never sent again. A holder whose address sent a letter back needs another address first
    /// (`convoke permit set-email`).
    #[command(after_long_help = "Examples:
  convoke outbox retry RC-94-2026-0001234-R --reason \"the relay's filter was fixed\"
  convoke outbox list --state failed --json | jq -r '.letters[].id' | xargs convoke outbox retry --yes --reason \"relay fixed\"")]
    Retry(Chosen),
    /// Hold letters that wait in the queue
    #[command(after_long_help = "Examples:
  convoke outbox hold RC-94-2026-0001234-R --reason \"the address is being looked into\"")]
    Hold(Chosen),
    /// Release held letters
    #[command(after_long_help = "Examples:
  convoke outbox release RC-94-2026-0001234-R --reason \"the address was confirmed\"")]
    Release(Chosen),
}

/// List letters and their states, oldest first
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke outbox list --state failed
  convoke outbox list --state deferred --by-cause
  convoke outbox list --reference RC-94-2026-0001234-R")]
pub(super) struct List {
    /// Only those in this state: queued, accepted, deferred, failed, uncertain, held, `to_post`…
    #[arg(long, value_name = "STATE")]
    state: Option<LetterState>,
    /// Only those of this kind: convocation, reminder, change, cancellation, depot-en-ligne, transfert, heads-up.
    #[arg(long, value_name = "KIND")]
    kind: Option<LetterKind>,
    /// Only those sent through this channel: email, post, phone.
    #[arg(long, value_name = "CHANNEL")]
    channel: Option<Channel>,
    /// Only those with this reference.
    #[arg(long, value_name = "REFERENCE", value_parser = super::convocation::reference)]
    reference: Option<Reference>,
    /// Group them by state and by the relay's reply.
    #[arg(long)]
    by_cause: bool,
    /// List at most this many.
    #[arg(long, default_value_t = 1_000_000)]
    limit: i64,
}

/// Show one letter: every attempt to send it, the relay's replies, and what came back
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke outbox show RC-94-2026-0001234-R
  convoke outbox show RC-94-2026-0001234-R/reminder/0/J-7")]
pub(super) struct Show {
    /// Id of a letter; or the reference of a convocation or notice, for all its letters.
    id: String,
}

/// Letters by id, or by the reference of their convocation; acts on all of them or none.
#[derive(Debug, Args)]
pub(super) struct Chosen {
    /// Letters, or references.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Reason, kept in the ledger for good: do not name anyone.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Outbox {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        match self {
            Self::List(list) => list.execute(session),
            Self::Show(show) => show.execute(session),
            Self::Retry(some) => some.turn(session, Turn::Retry),
            Self::Hold(some) => some.turn(session, Turn::Hold),
            Self::Release(some) => some.turn(session, Turn::Release),
        }
    }
}

impl List {
    fn execute(&self, session: &Session) -> Result<Exit> {
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let which = LetterFilter {
            state: self.state,
            kind: self.kind,
            channel: self.channel,
            reference: self.reference.clone(),
        };
        let letters = store.letters(&which, self.limit)?;
        let (document, text) = if self.by_cause { by_cause(&letters) } else { each(&letters) };
        let text = if letters.is_empty() { "No letter.\n".to_owned() } else { text };
        session.print(&document, &text)?;
        Ok(Exit::Done)
    }
}

fn each(letters: &[LetterRow]) -> (Value, String) {
    let header = ["REFERENCE", "KIND", "CHANNEL", "STATE", "TRIES", "REPLY, OR NO PDF"];
    let mut table = Columns::new(terminal_width()).header(header).whole(0..4).right([4]);
    let rows: Vec<Value> = letters
        .iter()
        .map(|l| {
            let rendered: Option<Rendered> = l.rendered.as_deref().and_then(|r| serde_json::from_str(r).ok());
            let without_pdf = rendered.and_then(|r| r.without_pdf);
            // What a person must look at comes first.
            let remark = l.remark.map(|remark| remark.label().to_owned());
            let batch = l.post_batch.as_ref().map(|batch| format!("posted in batch {batch}"));
            let reply = without_pdf.clone().or(remark).or(batch).or_else(|| l.last_reply.clone()).unwrap_or_default();
            let (tries, reply): (String, String) = (l.attempts.to_string(), reply.chars().take(40).collect());
            table.row([l.reference.as_str(), l.kind.code(), l.channel.code(), l.state.code(), &tries, &reply]);
            json!({"id": l.letter_id, "reference": l.reference, "kind": l.kind, "channel": l.channel, "state": l.state,
                "attempts": l.attempts, "remark": l.remark, "last_reply": l.last_reply,
                "post_batch": l.post_batch, "without_pdf": without_pdf})
        })
        .collect();
    (json!({"schema": "convoke.outbox/1", "letters": rows}), table.text())
}

fn by_cause(letters: &[LetterRow]) -> (Value, String) {
    let causes = acts::by_cause(letters.iter().map(LetterRow::said));
    let mut table =
        Columns::new(terminal_width()).header(["LETTERS", "STATE", "CAUSE", "FOR EXAMPLE"]).whole([1, 3]).right([0]);
    let rows: Vec<Value> = causes
        .iter()
        .map(|c| {
            table.row([&c.letters.to_string(), c.state.code(), c.words(), &c.example]);
            json!({"state": c.state, "cause": c.words(), "letters": c.letters, "example": c.example})
        })
        .collect();
    (json!({"schema": "convoke.outbox-causes/1", "causes": rows}), table.text())
}

impl Show {
    fn execute(&self, session: &Session) -> Result<Exit> {
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let letter = store.letter(&self.id)?;
        let reference = letter.as_ref().map(|l| l.reference.clone());
        let reference = reference.or_else(|| Reference::parse(&self.id).map(|r| r.to_string()));
        let mut letters = match reference {
            Some(reference) => store.letters_about(&[reference])?,
            None => Vec::new(),
        };
        if let Some(letter) = &letter {
            letters.retain(|l| l.letter.letter_id == letter.letter_id);
        }
        if letters.is_empty() {
            return Err(Refused::NoLetter(self.id.clone()).into());
        }
        for letter in &mut letters {
            // Its content and recipient are shown by `letters show`.
            letter.said = Value::Null;
            let domain = letter.letter.recipient.take();
            letter.letter.recipient = domain.and_then(|to| Some(format!("…@{}", to.rsplit_once('@')?.1)));
        }
        let text: String = letters.iter().map(history).collect();
        session.print(&json!({"schema": "convoke.letter/1", "letters": letters}), &text)?;
        Ok(Exit::Done)
    }
}

/// What became of one letter, one line per event.
fn history(letter: &KnownLetter) -> String {
    let l = &letter.letter;
    let to = l.recipient.as_ref().map_or_else(String::new, |to| format!(", to {to}"));
    let mut text = format!("{}  {}{to}\n  {}  written\n", l.letter_id, l.state, minute(l.created_at));
    for a in &letter.attempts {
        let stage = a.stage.as_ref().map_or_else(String::new, |stage| format!(" at {stage}"));
        let (outcome, reply) = (a.outcome.map_or("begun", Outcome::code), a.reply.as_deref().unwrap_or_default());
        // Unwrap safety: writing to a String cannot fail.
        writeln!(text, "  {}  {outcome}{stage} by {}: {reply}", minute(a.started_at), a.relay)
            .expect("a String takes text");
    }
    for b in &letter.bounces {
        let why = b.diagnostic.as_deref().unwrap_or_default();
        writeln!(text, "  {}  came back ({}): {why}", minute(b.recorded_at), b.class).expect("a String takes text");
    }
    text
}

/// To the minute, in UTC.
fn minute(at: NaiveDateTime) -> impl std::fmt::Display {
    at.format("%Y-%m-%d %H:%M")
}

impl Chosen {
    fn turn(&self, session: &Session, turn: Turn) -> Result<Exit> {
        let reason = given(self.reason.as_ref())?;
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let done = session.by_hand(&config, reason, |hand| acts::turn_letters(&mut store, hand, &self.ids, turn))?;
        let mut text = String::new();
        for (letter, state) in &done {
            // Unwrap safety: writing to a String cannot fail.
            writeln!(text, "{letter}  {state}").expect("a String takes text");
        }
        let letters: Vec<_> = done.iter().map(|(id, state)| json!({"id": id, "state": state})).collect();
        session.print(&json!({"schema": "convoke.outbox-acts/1", "act": turn, "letters": letters}), &text)?;
        Ok(Exit::Done)
    }
}
