//! `convoke permit find`.

use std::fmt::Write as _;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::exit::Exit;
use super::failure::Usage;
use super::output::terminal_width;
use super::session::Session;
use convoke_report::columns::Columns;
use convoke_report::visible;
use convoke_store::{Found, Person, Use};

/// Most people shown at once.
const LIMIT_MAX: usize = 500;

/// Find people by name, number, reference, e-mail or telephone
///
/// TEXT is read by what it looks like: the reference on a letter; an e-mail address; a foreigner number or a telephone
/// number, with or without spaces and +33; the number of a permit; otherwise names (family, in use, given), in any
/// order. Accents, capitals, hyphens and the script do not matter; the last word may be unfinished (three letters); one
/// typing error is forgiven in words of four letters or more, two in words of eight or more. Exact matches come first.
///
/// The ledger records that you searched and how many people you were shown, never what you typed.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke permit find nguyen thi                  Nguyễn Thị Ánh
  convoke permit find \"l'inventee d'echant\"        L’Inventée-d'Échantillon
  convoke permit find محمد                        as it is typed
  convoke permit find 9400000001                  foreigner number, or telephone
  convoke permit find RC-94-2026-0001234-R        reference, also with spaces for hyphens
  convoke permit find \"+33 6 39 98 12 34\"")]
pub(super) struct Find {
    /// What you know about the person; several words need no quotes.
    #[arg(required = true, value_name = "TEXT")]
    text: Vec<String>,
    /// Show at most N people, up to 500.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

impl Find {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        if !(1..=LIMIT_MAX).contains(&self.limit) {
            return Err(Usage(format!("--limit {}: expected 1 to {LIMIT_MAX}", self.limit)).into());
        }
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let found = store.read(|s| s.find(&self.text.join(" "), self.limit))?;
        let current = store.words_are_current()?;
        if !found.people.is_empty() {
            // Recorded before anything is printed; somebody who is shown nobody has read nothing.
            session.reads(&mut store, "read.find", json!({"by": found.by, "people": found.people.len()}))?;
        }
        let hint = hint(&found, current);
        let mut table = Columns::new(terminal_width()).whole([0]);
        for person in &found.people {
            table.row([person.number.clone(), describe(person)?]);
        }
        let mut text = if found.people.is_empty() { String::new() } else { table.text() };
        if let Some(hint) = &hint {
            writeln!(text, "{hint}")?;
        }
        let Found { by, total, at_least, people } = found;
        let more = total - people.len();
        session.print(
            &json!({"schema": "convoke.found/1", "by": by, "total": total, "at_least": at_least, "more": more, "people": people,
                "hint": hint}),
            &text,
        )?;
        Ok(Exit::Done)
    }
}

fn hint(found: &Found, current: bool) -> Option<String> {
    let behind = "An older version imported the last extract: run `convoke migrate` to find its names.";
    let shown = found.people.len();
    match found.total {
        0 if !current => Some(format!("Nobody. {behind}")),
        0 if found.by == "name" => Some(
            "Nobody. Try fewer words, a name in use, or a number; typing errors are forgiven in words of four letters or more.".to_owned(),
        ),
        0 => Some(
            "Nobody. Try another of: name, foreigner number, permit number, reference, e-mail, telephone.".to_owned(),
        ),
        total if total > shown => {
            let least = if found.at_least { "at least " } else { "" };
            Some(format!("And {least}{} more: type more of the name, or raise --limit.", total - shown))
        }
        _ if !current => Some(behind.to_owned()),
        _ => None,
    }
}

/// What is shown of a person: one line per permit, and one for the appointment.
fn describe(person: &Person) -> Result<String> {
    let names = [person.family_name.as_str(), person.given_names.as_str()].join(" ");
    let mut text = visible(names.trim());
    if let Some(usage) = &person.usage_name {
        write!(text, " ({})", visible(usage))?;
    }
    if let Some(day) = person.birth_date {
        write!(text, ", born {day}")?;
    }
    for permit in &person.permits {
        let label = permit.label.or(permit.rule.as_deref()).unwrap_or("pas encore examiné");
        write!(text, "\n{} {} until {}: {label}", permit.kind, visible(&permit.number), permit.expires_on)?;
    }
    if let Some(appointment) = &person.appointment {
        let (slot, reference) = (&appointment.slot, &appointment.reference);
        write!(text, "\n{reference} on {} at {}, {}", slot.day, slot.start.format("%H:%M"), slot.pool)?;
    }
    Ok(text)
}
