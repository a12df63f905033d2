//! `convoke agenda`.

use anyhow::Result;
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::Exit;
use super::failure::Usage;
use super::output::terminal_width;
use super::session::{Session, given};
use super::sheet;
use convoke_domain::ledger::Event;
use convoke_machine::process;
use convoke_office::acts::{self, Closing, Cost, Hit};
use convoke_report::columns::Columns;
use convoke_store::Use;

#[derive(Debug, Subcommand)]
pub(super) enum Agenda {
    /// Create slots from the openings in config/agenda.toml, from today on, except on holidays and closures
    ///
    /// Existing slots keep the seats that are taken; running it again changes nothing.
    #[command(after_long_help = "Example:
  convoke agenda generate --until 2027-12-31")]
    Generate {
        /// Last day to create slots for.
        #[arg(long, value_name = "DATE")]
        until: NaiveDate,
    },
    Sheet(sheet::Sheet),
    AwaitingMark(sheet::AwaitingMark),
    Close(Close),
}

/// Close a site or a desk on a day: everyone expected there gets another appointment at once
///
/// They are planned together, before anyone new, on the best free seats, and each gets one letter. Those expected
/// within three days are listed with a telephone number, because a letter may come too late. If no seat is left at all,
/// the appointment is cancelled and the next night looks again.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke agenda close creteil 2026-12-14 --reason \"heating out of order\"
  convoke agenda close creteil/resident 2026-12-14 --reason \"training\"
  convoke agenda close creteil 2026-12-14 --undo --reason \"wrong day\"")]
pub(super) struct Close {
    /// Site, or site and desk.
    #[arg(value_name = "SITE[/DESK]")]
    place: String,
    /// Day.
    #[arg(value_name = "DATE")]
    day: NaiveDate,
    /// Reopen the day: its seats come back, but nobody is moved back.
    #[arg(long)]
    undo: bool,
    /// Show what it would cost, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Reason, kept in the ledger for good: do not name anyone.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Close {
    fn execute(&self, session: &Session) -> Result<Exit> {
        let reason = given(self.reason.as_ref())?;
        let config = session.configuration()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let closing = Closing::of(&self.place, self.day);
        if self.undo {
            let open = session.by_hand(&config, reason, |hand| acts::reopen(&mut store, hand, &closing))?;
            let text = if open { "Open again.\n" } else { "Nothing changed: this was not closed by hand.\n" };
            session.print(&json!({"schema": "convoke.closed/1", "closed": false, "changed": open}), text)?;
            return Ok(Exit::Done);
        }
        session.by_hand(&config, reason, |hand| acts::check(hand, &closing))?;
        let progress = session.progress();
        progress.show("planning those who are expected", 0, 0);
        let would = session.by_hand(&config, reason, |hand| {
            store.rehearse(|store, confirmed| acts::close(store, hand, &closing, confirmed))
        });
        progress.clear();
        let mut hits = would?;
        if !self.dry_run {
            let question = format!("Close {} on {}? {}", self.place, self.day, costs(&Cost::of(&hits)));
            let Some(confirmed) = session.ask(&question)? else { return Ok(Exit::Interrupted) };
            progress.show("planning those who were expected", 0, hits.len() as u64);
            hits = session.by_hand(&config, reason, |hand| acts::close(&mut store, hand, &closing, &confirmed))?;
            progress.clear();
        }
        let document = json!({"schema": "convoke.closed/1", "closed": !self.dry_run, "dry_run": self.dry_run,
            "cost": Cost::of(&hits), "site": closing.site, "desk": closing.desk,
            "day": closing.day, "expected": hits});
        let text = describe(&self.place, self.day, &hits);
        session.print(
            &document,
            &if self.dry_run { format!("Nothing is changed. It would be so:\n{text}") } else { text },
        )?;
        let without = hits.iter().any(|hit| hit.new_slot.is_none() || hit.after_expiry);
        Ok(if without { Exit::WithoutSlot } else { Exit::Done })
    }
}

/// What closing costs, in a sentence.
fn costs(cost: &Cost) -> String {
    let part = |holds: bool, said: String| if holds { said } else { String::new() };
    let moved = cost.days.map_or_else(String::new, |(first, last)| {
        format!("; {} get another appointment, from {first} to {last}", cost.moved)
    });
    let late = part(cost.after_expiry > 0, format!(", {} of them past their expiry", cost.after_expiry));
    let without = part(cost.without_seat > 0, format!("; {} get none, and are due again tonight", cost.without_seat));
    format!("{} people are expected{moved}{late}{without}; {} letters.", cost.people, cost.letters)
}

fn describe(place: &str, day: NaiveDate, hits: &[Hit]) -> String {
    let mut table = Columns::new(terminal_width()).header(["WAS", "NOW", "SLOT"]).whole([0, 1]);
    for hit in hits {
        let slot = match (&hit.new_slot, hit.after_expiry) {
            (None, _) => "none: due again tonight".to_owned(),
            (Some(slot), late) => {
                // Where, and below it when: in one piece they are wider than what is left of 80 columns.
                let time = slot.start.format("%H:%M");
                format!("{}\n{} {time}{}", slot.pool, slot.day, if late { " (after expiry)" } else { "" })
            }
        };
        let was = format!("{}\n{}", hit.reference, hit.hour);
        table.row([was, hit.new_reference.clone().unwrap_or_default(), slot]);
    }
    let mut text = format!("{place} is closed on {day}. {} people were expected.\n", hits.len());
    if !hits.is_empty() {
        text.push_str(&table.text());
    }
    let calls: Vec<&Hit> = hits.iter().filter(|hit| hit.call).collect();
    if !calls.is_empty() {
        text += "To be called now, because a letter may come too late:\n";
        text.extend(calls.iter().map(|hit| {
            format!("  {}  {}  {}\n", hit.reference, hit.hour, hit.phone.as_deref().unwrap_or("no number is known"))
        }));
    }
    text
}

impl Agenda {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let until = match self {
            Self::Generate { until } => until,
            Self::Close(close) => return close.execute(session),
            Self::Sheet(sheet) => return sheet.execute(session),
            Self::AwaitingMark(awaiting) => return awaiting.execute(session),
        };
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let today = session.clock.today(config.settings.prefecture.zone);
        if *until < today || (*until - today).num_days() > 3_660 {
            return Err(
                Usage(format!("--until {until}: expected a day from today ({today}) on, within ten years")).into()
            );
        }
        let slots = config.agenda.slots(today, *until);
        let (inserted, updated) = store.write(|s| {
            let counts = s.upsert_slots(&slots)?;
            if counts != (0, 0) {
                let event = Event {
                    kind: "agenda.generated",
                    payload: json!({"until": until, "inserted": counts.0, "updated": counts.1}),
                };
                s.record(&process::login(), session.clock.now(), vec![event])?;
            }
            Ok(counts)
        })?;
        let seats: u32 = slots.iter().map(|s| s.seats).sum();
        let text =
            format!("{} slots with {seats} seats until {until}: {inserted} new, {updated} changed.\n", slots.len());
        let document = json!({"schema": "convoke.agenda/1", "until": until, "slots": slots.len(), "seats": seats, "inserted": inserted, "updated": updated});
        session.print(&document, &text)?;
        Ok(Exit::Done)
    }
}
