//! `convoke agenda`.

use anyhow::Result;
use chrono::NaiveDate;
use clap::Subcommand;
use serde_json::json;

use super::{Exit, Session, Usage, sheet};
use crate::ledger::Event;
use crate::process;
use crate::store::Use;

#[derive(Debug, Subcommand)]
pub(super) enum Agenda {
    /// Make slots from the openings in config/agenda.toml, from today on; holidays and closures are left out
    ///
    /// Slots that exist keep their seats that are taken; running it again changes nothing.
    #[command(after_long_help = "Example:
  convoke agenda generate --until 2027-12-31")]
    Generate {
        /// Last day for which slots are made.
        #[arg(long, value_name = "DATE")]
        until: NaiveDate,
    },
    Sheet(sheet::Sheet),
    AwaitingMark(sheet::AwaitingMark),
}

impl Agenda {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let until = match self {
            Self::Generate { until } => until,
            Self::Sheet(sheet) => return sheet.execute(session),
            Self::AwaitingMark(awaiting) => return awaiting.execute(session),
        };
        let config = session.configuration()?;
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
                s.record(None, &process::login(), &[event])?;
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
