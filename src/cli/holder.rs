//! `convoke permit timeline`, `hold`, `release`, `set-email`: what an agent at the counter looks up and corrects.

use std::fmt::Write as _;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::exit::Exit;
use super::session::{Session, given};
use convoke_domain::ledger::Event;
use convoke_machine::entropy::Entropy;
use convoke_machine::process;
use convoke_office::acts::{self, Refused};
use convoke_office::run::timeline;
use convoke_report::timeline;
use convoke_store::Use;

/// Show everything that happened to one person, and why they are convoked or not
///
/// Each verdict with its rule in words; each run, appointment and letter; each attempt with the relay's reply; bounces;
/// and acts done by hand. The ledger records who asked.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke permit timeline 9400000001
  convoke permit timeline 9400000001 --json")]
pub(super) struct Timeline {
    /// Foreigner number; `convoke permit find` finds it by name.
    number: String,
}

impl Timeline {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let id = store.holder_by_number(&self.number)?.ok_or_else(|| Refused::Nobody(self.number.clone()))?;
        // The key and the entry made with it are written in one transaction, which waits for the disk only once.
        store.write(|s| {
            let commitment = s.commitments(&[(&id.0, &self.number)], &mut Entropy::System)?.remove(0);
            let read = Event { kind: "read.timeline", payload: json!({"holder": commitment}) };
            s.record(&process::login(), session.clock.now(), vec![read])
        })?;
        let today = session.clock.today(config.settings.prefecture.zone);
        let shown = timeline(&mut store, &config, &id, today)?;
        session.print(&shown, &text(&shown))?;
        Ok(Exit::Done)
    }
}

fn text(shown: &timeline::Timeline) -> String {
    let mut text = format!("{}, n° {}\n", shown.name, shown.number);
    for permit in &shown.permits {
        // Unwrap safety: writing to a String cannot fail.
        writeln!(
            text,
            "\nTitre n° {} : {}, expire le {}\n  {}. {}",
            permit.number,
            permit.label,
            permit.expires_on.format("%d/%m/%Y"),
            permit.verdict,
            permit.why
        )
        .expect("a String takes text");
    }
    text.push('\n');
    for moment in &shown.moments {
        let hour = moment.hour.map_or_else(|| "     ".to_owned(), |hour| hour.format("%H:%M").to_string());
        let of = moment.of.as_ref().map_or_else(String::new, |of| format!("  [{of}]"));
        let by = moment.by.as_ref().map_or_else(String::new, |by| format!(" (par {by})"));
        writeln!(text, "{} {hour}  {}{by}{of}", moment.day, moment.what).expect("a String takes text");
    }
    text
}

/// Hold a permit: no night convokes its holder, and letters not yet sent wait
///
/// For a contested permit, a file under examination, or a person about whom the extract is wrong. It does not cancel an
/// existing appointment (use `convoke convocation cancel`).
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke permit hold 9400000001 --reason \"appeal before the tribunal\"")]
pub(super) struct Hold {
    /// Foreigner number.
    number: String,
    /// Reason, kept in the ledger for good: do not name anyone.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Release a held permit: the next night considers it again, and its letters leave
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke permit release 9400000001 --reason \"appeal rejected\"")]
pub(super) struct Release {
    /// Foreigner number.
    number: String,
    /// Reason, kept in the ledger for good: do not name anyone.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Set the e-mail address of a holder, or record that there is none
///
/// It applies until the extract brings an address other than its present one. If the letter of a coming appointment has
/// not reached the old address, it is written again for the new one, or for the post; if it has, the old address is
/// informed of the change.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke permit set-email 9400000001 new@example.org --reason \"at the counter\"
  convoke permit set-email 9400000001 --none --reason \"no longer has e-mail\"")]
pub(super) struct SetEmail {
    /// Foreigner number.
    number: String,
    /// The address.
    #[arg(value_name = "EMAIL", required_unless_present = "none", conflicts_with = "none")]
    email: Option<String>,
    /// The person has none: letters go by post.
    #[arg(long)]
    none: bool,
    /// Reason, kept in the ledger for good: do not name anyone.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Hold {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        set_held(session, &self.number, self.reason.as_ref(), true)
    }
}

impl Release {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        set_held(session, &self.number, self.reason.as_ref(), false)
    }
}

fn set_held(session: &Session, number: &str, reason: Option<&String>, held: bool) -> Result<Exit> {
    let reason = given(reason)?;
    let config = session.configuration_to_read()?;
    let mut store = Session::store(&config, Use::Batch)?;
    let (permits, appointment) = session.by_hand(&config, reason, |hand| acts::hold(&mut store, hand, number, held))?;
    let mut text = match (permits, held) {
        (0, true) => "Nothing changed: already held, or no permit in force.\n".to_owned(),
        (0, false) => "Nothing changed: no permit of this holder is held.\n".to_owned(),
        (_, true) => "Held: no night convokes this person until `convoke permit release`.\n".to_owned(),
        (_, false) => "Released: the next night considers it again.\n".to_owned(),
    };
    if let Some(reference) = appointment.as_ref().filter(|_| held) {
        writeln!(
            text,
            "The appointment {reference} is kept. To cancel it: convoke convocation cancel {reference} --reason TEXT"
        )
        .expect("a String takes text");
    }
    let document = json!({"schema": "convoke.hold/1", "held": held, "permits": permits, "appointment": appointment});
    session.print(&document, &text)?;
    Ok(Exit::Done)
}

impl SetEmail {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let reason = given(self.reason.as_ref())?;
        let config = session.configuration()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let email = self.email.as_deref().map(str::trim);
        let mended =
            session.by_hand(&config, reason, |hand| acts::mend_email(&mut store, hand, &self.number, email))?;
        let mut text = if mended.changed { "Set.\n" } else { "Nothing changed: it was set already.\n" }.to_owned();
        if !mended.again.is_empty() {
            let way = if email.is_some() { "leaves for the new address" } else { "waits for the post" };
            writeln!(text, "The letter of the coming appointment had reached nobody: it {way}.")
                .expect("a String takes text");
        }
        if mended.told_old_address.is_some() {
            text += "The old address had received the letter of the appointment: one last letter informs it of the change.\n";
        }
        let document = json!({"schema": "convoke.email/1", "changed": mended.changed, "letters": mended.again, "told": mended.told_old_address});
        session.print(&document, &text)?;
        Ok(Exit::Done)
    }
}
