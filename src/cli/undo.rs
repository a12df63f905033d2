//! `convoke undo`.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::exit::Exit;
use super::output::terminal_width;
use super::session::{Session, given};
use convoke_machine::confirm::Confirmed;
use convoke_office::acts::Hand;
use convoke_office::undo::{self, Undone};
use convoke_report::columns::{Columns, paragraph};
use convoke_store::{Store, Use};

/// Acts shown.
const SHOWN: usize = 100;

/// Undo what was done by hand, for everybody who has not been told of it.
///
/// Without an act, lists those that can be undone: closures with the people they moved, cancellations, moves, marks at
/// the counter, refused requests, posted batches, letters that came back, addresses, permits on hold, imports of permits. Until its letters
/// leave (`[dispatch] act_hold_s`), nobody outside knows of an act. Whoever has been told keeps what they were told, and
/// is listed with the act that mends it.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke undo                                        what can be undone
  convoke undo 1203 --dry-run --reason \"wrong day\"    what that would do
  convoke undo 1203 --reason \"wrong day\"")]
pub(super) struct Undo {
    /// The act, by its number in the list.
    act: Option<i64>,
    /// Show what it would do, and change nothing.
    #[arg(long, requires = "act")]
    dry_run: bool,
    /// Reason, kept in the ledger for good: do not name anyone.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Undo {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let Some(act) = self.act else {
            let config = session.configuration_to_read()?;
            return list(session, &mut Session::store(&config, Use::Batch)?);
        };
        let asked = Asked { question: format!("Undo act {act}?"), dry_run: self.dry_run, reason: self.reason.as_ref() };
        asked.carry_out(session, json!({"schema": "convoke.undo/1", "act": act}), |store, hand, confirmed| {
            undo::undo(store, hand, act, confirmed)
        })
    }
}

/// An undoing that is shown, then asked for, then done.
pub(super) struct Asked<'a> {
    pub(super) question: String,
    pub(super) dry_run: bool,
    pub(super) reason: Option<&'a String>,
}

impl Asked<'_> {
    pub(super) fn carry_out(
        &self,
        session: &Session,
        what: Value,
        undo: impl Fn(&mut Store, &mut Hand<'_>, &Confirmed) -> Result<Undone>,
    ) -> Result<Exit> {
        let reason = given(self.reason)?;
        let config = session.configuration()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let would =
            session.by_hand(&config, reason, |hand| store.rehearse(|store, confirmed| undo(store, hand, confirmed)))?;
        if self.dry_run {
            return show(session, what, &would, true);
        }
        let question = format!("{} {}", self.question, words(&would));
        let Some(confirmed) = session.ask(&question)? else { return Ok(Exit::Interrupted) };
        let done = session.by_hand(&config, reason, |hand| undo(&mut store, hand, &confirmed))?;
        show(session, what, &done, false)
    }
}

fn words(undone: &Undone) -> String {
    let left = undone.left.len();
    match undone.rows {
        Some(rows) => format!(
            "{} permits as they were, {} that were new removed, {left} things done on what it said.",
            rows.restored, rows.removed
        ),
        None => format!("{} restored, {left} left as they are.", undone.undone.len()),
    }
}

fn show(session: &Session, what: Value, undone: &Undone, dry_run: bool) -> Result<Exit> {
    let mut text = words(undone) + "\n";
    if undone.rows.is_none() {
        text.extend(undone.undone.iter().map(|reference| format!("  {reference}\n")));
    }
    for left in &undone.left {
        let said = format!("{}: {}. {}", left.reference, left.why.label(), left.mend);
        text += &paragraph("  ", &said, terminal_width());
    }
    let mut document = json!({"dry_run": dry_run, "undone": undone.undone, "left": undone.left});
    if let (Some(document), Value::Object(what)) = (document.as_object_mut(), what) {
        document.extend(what);
    }
    if let Some(rows) = undone.rows {
        (document["restored"], document["removed"]) = (rows.restored.into(), rows.removed.into());
    }
    session.print(&document, &text)?;
    Ok(Exit::Done)
}

fn list(session: &Session, store: &mut Store) -> Result<Exit> {
    let acts = undo::acts_to_undo(store, SHOWN)?;
    let mut table = Columns::new(terminal_width()).header(["ACT", "WHEN", "WHO", "WHAT", "ABOUT"]).right(0..1);
    for act in &acts {
        let at = act.at.map(|at| at.format("%Y-%m-%d %H:%M").to_string()).unwrap_or_default();
        table.row([act.act.to_string(), at, act.actor.clone(), act.kind.clone(), act.about.clone()]);
    }
    let text = if acts.is_empty() { "Nothing that was done by hand can be undone.\n".to_owned() } else { table.text() };
    session.print(&json!({"schema": "convoke.acts/1", "acts": acts}), &text)?;
    Ok(Exit::Done)
}
