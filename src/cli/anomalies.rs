//! `convoke anomalies`.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::exit::Exit;
use super::failure::Usage;
use super::output::terminal_width;
use super::session::{Session, given};
use convoke_report::columns::Columns;
use convoke_report::visible;
use convoke_store::{Contact, Shared, Use};

/// List e-mail addresses, telephone numbers and postal addresses that many different households share
///
/// One address on many files may mean that appointments are traded: all their letters reach one person. It may also be
/// a shelter, an association or an employer: ask them. Households are those of the extract and those that agents
/// linked. Shared values are masked and nobody is named unless --identified is given; the ledger then records who
/// asked, and why.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke anomalies                          shared by four households or more
  convoke anomalies --at-least 20
  convoke anomalies --identified --reason \"inquiry 12/2026\" --json")]
pub(super) struct Anomalies {
    /// List what at least N households share.
    #[arg(long, value_name = "N", default_value_t = 4)]
    at_least: u32,
    /// List at most N of each kind.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Show the shared values in full, and the foreigner numbers of those who share them.
    #[arg(long)]
    identified: bool,
    /// Why people are named, kept in the ledger for good: do not name anyone.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Anomalies {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        if self.at_least < 2 {
            return Err(Usage(format!(
                "--at-least {}: expected at least 2, because one household shares with nobody",
                self.at_least
            ))
            .into());
        }
        let reason = if self.identified { Some(given(self.reason.as_ref())?) } else { None };
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let progress = session.progress();
        progress.show("comparing", 0, 0);
        let (mut shared, all) = store.read(|s| s.shared_contacts(self.at_least.into(), self.limit))?;
        progress.clear();
        shared.sort_by(|a, b| {
            (b.households, b.holders, a.contact, &a.value).cmp(&(a.households, a.holders, b.contact, &b.value))
        });
        if let Some(reason) = reason {
            let people: usize = shared.iter().map(|s| s.numbers.len()).sum();
            session.reads(
                &mut store,
                "read.anomalies",
                json!({"reason": reason, "shared": shared.len(), "people": people}),
            )?;
        }
        let more = all - shared.len() as u64;
        let lines: Vec<Value> = shared.iter().map(|s| self.line(s)).collect();
        session.print(
            &json!({"schema": "convoke.anomalies/1", "at_least": self.at_least, "identified": self.identified, "total": all, "more": more,
                "shared": lines}),
            &self.text(&shared, more),
        )?;
        Ok(Exit::Done)
    }

    fn shown(&self, shared: &Shared) -> String {
        if self.identified { shared.value.clone() } else { masked(shared.contact, &shared.value) }
    }

    fn line(&self, shared: &Shared) -> Value {
        let mut line = json!({"kind": shared.contact, "value": self.shown(shared), "holders": shared.holders,
            "households": shared.households, "convoked": shared.convoked});
        if self.identified {
            line["numbers"] = json!(shared.numbers);
        }
        line
    }

    fn text(&self, shared: &[Shared], more: u64) -> String {
        if shared.is_empty() {
            return format!("No e-mail, telephone or address is shared by {} households or more.\n", self.at_least);
        }
        let header = ["KIND", "SHARED", "HOUSEHOLDS", "PEOPLE", "CONVOKED"];
        let mut table = Columns::new(terminal_width()).header(header).whole([0, 2, 3, 4]).right(2..5);
        for s in shared {
            let mut value = visible(&self.shown(s));
            if self.identified {
                value = format!("{value}\n{}", s.numbers.join(" "));
            }
            table.row([
                s.contact.code(),
                &value,
                &s.households.to_string(),
                &s.holders.to_string(),
                &s.convoked.to_string(),
            ]);
        }
        let more = if more > 0 { format!("And {more} more: raise --limit or --at-least.\n") } else { String::new() };
        table.text() + &more
    }
}

/// Enough to tell one from another, and not to reach anybody.
fn masked(contact: Contact, value: &str) -> String {
    match contact {
        Contact::Email => {
            let (local, domain) = value.rsplit_once('@').unwrap_or((value, ""));
            format!("{}…@{domain}", local.chars().take(1).collect::<String>())
        }
        Contact::Phone => {
            let digits: Vec<char> = value.chars().collect();
            format!("…{}", digits[digits.len().saturating_sub(2)..].iter().collect::<String>())
        }
        // Postcode and commune are at its end.
        Contact::Address => {
            let mut end: Vec<&str> = value.split_whitespace().rev().take(2).collect();
            end.reverse();
            format!("… {}", end.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_masked_reaches_nobody() {
        assert_eq!(masked(Contact::Email, "zoe.canari@example.org"), "z…@example.org");
        assert_eq!(masked(Contact::Email, "@example.org"), "…@example.org");
        assert_eq!(masked(Contact::Phone, "639981234"), "…34");
        assert_eq!(masked(Contact::Address, "7 impasse du Canari\nbât. B 94000 94028"), "… 94000 94028");
    }
}
