//! `convoke outbox list`.

use anyhow::Result;
use clap::Subcommand;
use comfy_table::{Table, presets};
use serde_json::json;

use super::{Exit, Session, Usage};
use crate::convocation::LetterState;
use crate::letters::Rendered;
use crate::store::Use;

#[derive(Debug, Subcommand)]
pub(super) enum Outbox {
    /// Letters and where they stand, oldest first
    #[command(after_long_help = "Examples:
  convoke outbox list --state failed
  convoke outbox list --json --limit 1000 > letters.json")]
    List {
        /// Only those in this state: queued, accepted, deferred, failed, uncertain, `to_post`…
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 1_000_000)]
        limit: i64,
    },
}

impl Outbox {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let Self::List { state, limit } = self;
        let state: Option<LetterState> =
            state.as_ref().map(|s| s.parse()).transpose().map_err(|e| Usage(format!("--state: {e}")))?;
        let config = session.configuration()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let letters = store.letters(state, *limit)?;
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header([
            "REFERENCE",
            "KIND",
            "CHANNEL",
            "STATE",
            "TRIES",
            "REPLY, OR WHY NO PDF",
        ]);
        let rows: Vec<_> = letters
            .iter()
            .map(|l| {
                let rendered: Option<Rendered> = l.rendered.as_deref().and_then(|r| serde_json::from_str(r).ok());
                let without_pdf = rendered.and_then(|r| r.without_pdf);
                // What a person has to look at comes first.
                let reply = without_pdf.clone().or_else(|| l.last_reply.clone()).unwrap_or_default();
                table.add_row([&l.reference, &l.kind, &l.channel, &l.state, &l.attempts.to_string(), &reply.chars().take(40).collect()]);
                json!({"id": l.letter_id, "reference": l.reference, "kind": l.kind, "channel": l.channel, "state": l.state,
                    "attempts": l.attempts, "last_reply": l.last_reply, "without_pdf": without_pdf})
            })
            .collect();
        let text = if letters.is_empty() { "No letter.\n".to_owned() } else { format!("{table}\n") };
        session.print(&json!({"schema": "convoke.outbox/1", "letters": rows}), &text)?;
        Ok(Exit::Done)
    }
}
