//! `convoke convocation`.

use std::fmt::Write as _;

use anyhow::Result;
use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::exit::Exit;
use super::failure::Usage;
use super::session::{Session, given};
use convoke_domain::ids::Reference;
use convoke_domain::permit::Channel;
use convoke_domain::slot::SlotId;
use convoke_letters::CancelledBy;
use convoke_office::acts::{self, Move, Options, Way};
use convoke_settings::Configuration;
use convoke_store::Use;

#[derive(Debug, Subcommand)]
pub(super) enum Convocation {
    Options(Offer),
    Move(Relocate),
    Cancel(Cancel),
}

/// Who asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Whose {
    /// The préfecture.
    Office,
    /// The person.
    Holder,
}

impl From<Whose> for CancelledBy {
    fn from(whose: Whose) -> Self {
        match whose {
            Whose::Office => Self::Office,
            Whose::Holder => Self::Holder,
        }
    }
}

/// Show up to five other seats that a person can have, none of which makes anyone lapse
///
/// The night is planned as of now, and a seat is offered only if everyone who would have a day before expiry still has
/// one. Days to avoid are kept for the next time and for written requests; a night that gives a new appointment ignores
/// them.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke convocation options RC-94-2026-0001234-R
  convoke convocation options RC-94-2026-0001234-R --avoid 2026-12-14..2026-12-18 --reason \"at hospital\"")]
pub(super) struct Offer {
    /// Reference on the letter.
    #[arg(value_parser = reference)]
    reference: Reference,
    /// A day, or a first and a last day, on which the person cannot come; may be repeated.
    #[arg(long, value_name = "DAY[..DAY]", value_parser = days, requires = "reason")]
    avoid: Vec<(NaiveDate, NaiveDate)>,
    /// Reason, kept in the ledger for good: do not name anyone. Required with --avoid.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Move an appointment to another seat, and write the letter about it
///
/// The old seat is free for the next night. A moved appointment does not count as missed. A holder may move an
/// appointment once; a second time needs --by office. A seat that would leave somebody without a day before expiry is
/// refused.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke convocation move RC-94-2026-0001234-R --to creteil/renouvellement/2026-12-03T09:20 --reason \"asked by telephone\"")]
pub(super) struct Relocate {
    /// Reference on the letter.
    #[arg(value_parser = reference)]
    reference: Reference,
    /// Slot, as `convoke convocation options` prints it.
    #[arg(long, value_name = "SITE/DESK/DAYTHOUR")]
    to: String,
    /// Who asks for it.
    #[arg(long, value_enum, default_value_t = Whose::Holder)]
    by: Whose,
    /// Move even if this leaves somebody without a day before expiry.
    #[arg(long)]
    despite_lapse: bool,
    /// Show what it would do, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Reason, kept in the ledger for good: do not name anyone.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Cancel an appointment, and write the letter about it
///
/// The seat is free for the next night, and the person is due again. To prevent another convocation, hold the permit
/// first (`convoke permit hold`).
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke convocation cancel RC-94-2026-0001234-R --by holder --reason \"leaves the country\"")]
pub(super) struct Cancel {
    /// Reference on the letter.
    #[arg(value_parser = reference)]
    reference: Reference,
    /// Who cancels it.
    #[arg(long, value_enum, default_value_t = Whose::Office)]
    by: Whose,
    /// Show what it would do, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Reason, kept in the ledger for good: do not name anyone.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub(super) fn reference(text: &str) -> Result<Reference, String> {
    Reference::parse(text).ok_or_else(|| {
        "not a reference: a character is wrong or missing; expected one such as RC-94-2026-0001234-R".into()
    })
}

fn days(text: &str) -> Result<(NaiveDate, NaiveDate), String> {
    let day = |text: &str| text.parse().map_err(|_| format!("{text:?} is not a day such as 2026-12-14"));
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let (first, last) = (day(first)?, day(last)?);
    if first <= last { Ok((first, last)) } else { Err("the last day comes before the first".into()) }
}

impl Convocation {
    pub(super) fn execute(self, session: &Session) -> Result<Exit> {
        match self {
            Self::Options(c) => c.execute(session),
            Self::Move(c) => c.execute(session),
            Self::Cancel(c) => c.execute(session),
        }
    }
}

impl Offer {
    fn execute(&self, session: &Session) -> Result<Exit> {
        let reason = if self.avoid.is_empty() { "" } else { given(self.reason.as_ref())? };
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let progress = session.progress();
        progress.show("planning the night", 0, 0);
        let found =
            session.by_hand(&config, reason, |hand| acts::options(&mut store, hand, &self.reference, &self.avoid))?;
        progress.clear();
        let document = json!({"schema": "convoke.options/1", "reference": self.reference.as_str(), "present": found.present,
            "expires_on": found.expires_on, "seats": found.seats, "avoided": found.avoided});
        session.print(&document, &describe(&self.reference, &found))?;
        Ok(if found.seats.is_empty() { Exit::WithoutSlot } else { Exit::Done })
    }
}

fn describe(reference: &Reference, found: &Options) -> String {
    let mut text = format!("{reference} has {}; the permit expires on {}.\n", found.present, found.expires_on);
    for (first, last) in &found.avoided {
        // Unwrap safety: writing to a String cannot fail.
        writeln!(text, "Not from {first} to {last}.").expect("a String takes text");
    }
    if found.seats.is_empty() {
        text.push_str("No other seat is possible without costing somebody an appointment before expiry.\n");
        return text;
    }
    text.push_str("Possible without costing anyone an appointment:\n");
    for seat in &found.seats {
        let more = match seat.other_hours.len() {
            0 => String::new(),
            n => format!("  (and {n} other hours)"),
        };
        writeln!(text, "  {}  {}{more}", seat.slot, seat.day.format("%A")).expect("a String takes text");
    }
    writeln!(text, "convoke convocation move {reference} --to {} --reason TEXT", found.seats[0].slot)
        .expect("a String takes text");
    text
}

impl Relocate {
    fn execute(&self, session: &Session) -> Result<Exit> {
        let reason = given(self.reason.as_ref())?;
        let to = slot("--to", &self.to)?;
        let config = session.configuration()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let wish = Move { to: &to, by: self.by.into(), despite_lapse: self.despite_lapse };
        let mut moved = session.by_hand(&config, reason, |hand| {
            store.rehearse(|store, confirmed| acts::relocate(store, hand, &self.reference, &wish, confirmed))
        })?;
        if !self.dry_run {
            let late = if moved.after_expiry { " That is past the permit's expiry." } else { "" };
            let question = format!("Move {} to {}?{late} One letter is written to the holder.", self.reference, to);
            let Some(confirmed) = session.ask(&question)? else { return Ok(Exit::Interrupted) };
            moved = session.by_hand(&config, reason, |hand| {
                acts::relocate(&mut store, hand, &self.reference, &wish, &confirmed)
            })?;
        }
        let document = json!({"schema": "convoke.moved/1", "dry_run": self.dry_run, "after_expiry": moved.after_expiry, "reference": moved.reference, "was": self.reference.as_str(),
            "slot": moved.slot, "letter": moved.letter, "channel": moved.channel});
        let way = way(session, &config, moved.channel, moved.slot.day);
        let done = if self.dry_run { "Nothing is changed. It would be so" } else { "Moved" };
        let text = format!("{done}: {} now has {}. The letter about it {way}.\n", moved.reference, moved.slot);
        session.print(&document, &text)?;
        Ok(Exit::Done)
    }
}

impl Cancel {
    fn execute(&self, session: &Session) -> Result<Exit> {
        let reason = given(self.reason.as_ref())?;
        let config = session.configuration()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let mut ended = session.by_hand(&config, reason, |hand| {
            store.rehearse(|store, confirmed| acts::cancel(store, hand, &self.reference, self.by.into(), confirmed))
        })?;
        if !self.dry_run {
            let letter = if ended.letter.is_some() { "One letter is" } else { "Nobody was told of it: no letter is" };
            let question = format!(
                "Cancel {} on {}? {letter} written; the person is due again tonight.",
                self.reference, ended.day
            );
            let Some(confirmed) = session.ask(&question)? else { return Ok(Exit::Interrupted) };
            ended = session.by_hand(&config, reason, |hand| {
                acts::cancel(&mut store, hand, &self.reference, self.by.into(), &confirmed)
            })?;
        }
        let (letter, channel) = ended.letter.unzip();
        let document = json!({"schema": "convoke.cancelled/1", "dry_run": self.dry_run, "reference": self.reference.as_str(), "letter": letter, "channel": channel});
        let told = channel.map_or("Nobody had been told of it: no letter is written.".to_owned(), |channel| {
            format!("The letter about it {}.", way(session, &config, channel, ended.day))
        });
        let done = if self.dry_run { "Nothing is changed. It would be cancelled" } else { "Cancelled" };
        let text = format!(
            "{done}. {told} The person is due again tonight;\nto prevent that: convoke permit hold NUMBER --reason TEXT\n"
        );
        session.print(&document, &text)?;
        Ok(Exit::Done)
    }
}

/// How the letter reaches the person, or that it would come too late for this day.
fn way(session: &Session, config: &Configuration, channel: Channel, day: NaiveDate) -> &'static str {
    let left = (day - session.clock.today(config.settings.prefecture.zone)).num_days();
    match acts::way(&config.settings.policy, channel, left) {
        Way::TooLate => "would come too late: call the person now",
        Way::Post => "waits for the post (`convoke post`)",
        Way::Email => "leaves by e-mail",
    }
}

/// Reads a slot as typed, in any case.
pub(super) fn slot(option: &str, text: &str) -> Result<SlotId> {
    let wrong =
        || Usage(format!("{option} {text}: expected SITE/DESK/YYYY-MM-DDTHH:MM, as `convocation options` prints it"));
    Ok(text.parse().map_err(|_| wrong())?)
}
