//! `convoke requests`.

use anyhow::Result;
use chrono::NaiveDate;
use clap::{ArgGroup, Args, Subcommand};
use serde_json::json;

use super::convocation::{reference, slot};
use super::exit::Exit;
use super::failure::Usage;
use super::output::terminal_width;
use super::session::{Session, given};
use convoke_domain::ids::Reference;
use convoke_domain::requests::{RequestState, Urgency, Wish};
use convoke_office::acts::{self, Received};
use convoke_report::columns::Columns;
use convoke_store::Use;

#[derive(Debug, Subcommand)]
pub(super) enum Requests {
    Add(Add),
    List(List),
    Decide(Decide),
}

/// Record a written request: from a student, from somebody who needs to be seen soon, from somebody without e-mail
///
/// Each night serves open requests, starting with the people whose rights end first. People who are due are hastened
/// within the plan; others get seats from the desk's `request_quota_percent`, as long as nobody loses a day before
/// expiry. Anyone who asks for an earlier appointment keeps the present one until an earlier one is found. No night
/// serves `other`: an agent decides it.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke requests add 9400000001 --wish urgent --reason \"contract begins on 1 December\"
  convoke requests add 9400000001 --wish advance --needed-by 2026-12-01 --received 2026-11-20 --reason \"journey\"")]
pub(super) struct Add {
    /// Foreigner number.
    number: String,
    /// urgent, advance, no-email or other.
    #[arg(long, value_name = "WISH")]
    wish: Wish,
    /// Day by which the person needs to be seen.
    #[arg(long, value_name = "DATE")]
    needed_by: Option<NaiveDate>,
    /// Day on which the request was received; today by default.
    #[arg(long, value_name = "DATE")]
    received: Option<NaiveDate>,
    /// Reason, kept in the ledger for good: do not name anyone.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// List requests, open ones most urgent first: by the last day of the person's rights, then by the day of receipt
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke requests list
  convoke requests list --state placed")]
pub(super) struct List {
    /// open, placed, refused or withdrawn.
    #[arg(long, value_name = "STATE", default_value = "open")]
    state: RequestState,
    /// List at most this many.
    #[arg(long, default_value_t = 1_000)]
    limit: i64,
}

/// Decide a request by hand: refuse it, record that it was withdrawn, or give a seat at once
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("decision").required(true).args(["refuse", "withdrawn", "place"])), after_long_help = "Examples:
  convoke requests decide DE-94-2026-0000001-O --refuse --reason \"another préfecture is competent\"
  convoke requests decide DE-94-2026-0000001-O --place creteil/renouvellement/2026-12-03T09:20 --reason \"operation on the 10th\"")]
pub(super) struct Decide {
    /// Reference of the request.
    #[arg(value_parser = reference)]
    id: Reference,
    /// Refuse it.
    #[arg(long)]
    refuse: bool,
    /// The person has withdrawn it.
    #[arg(long)]
    withdrawn: bool,
    /// Give this seat, and write the letter about it.
    #[arg(long, value_name = "SITE/DESK/DAYTHOUR")]
    place: Option<String>,
    /// With --place: even if this leaves somebody without a day before expiry.
    #[arg(long, requires = "place")]
    despite_lapse: bool,
    /// Reason, kept in the ledger for good: do not name anyone.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Requests {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        match self {
            Self::Add(c) => c.execute(session),
            Self::List(c) => c.execute(session),
            Self::Decide(c) => c.execute(session),
        }
    }
}

impl Add {
    fn execute(&self, session: &Session) -> Result<Exit> {
        let reason = given(self.reason.as_ref())?;
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let today = session.clock.today(config.settings.prefecture.zone);
        let on = self.received.unwrap_or(today);
        if on > today {
            return Err(Usage(format!("--received {on}: a request cannot be received in the future")).into());
        }
        let received = Received { wish: self.wish, on, needed_by: self.needed_by };
        let id =
            session.by_hand(&config, reason, |hand| acts::add_request(&mut store, hand, &self.number, received))?;
        let next = if self.wish == Wish::Other { "An agent answers it." } else { "The next night looks for a seat." };
        let text = format!("Recorded as {id}. {next}\n");
        session.print(&json!({"schema": "convoke.request/1", "request": id.as_str(), "state": "open"}), &text)?;
        Ok(Exit::Done)
    }
}

impl List {
    fn execute(&self, session: &Session) -> Result<Exit> {
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let header = ["REQUEST", "WISH", "RECEIVED", "RIGHTS UNTIL", "NOW", "ANSWER"];
        let mut table = Columns::new(terminal_width()).header(header).whole([0, 2, 5]);
        let mut listed = Vec::new();
        if self.state == RequestState::Open {
            let mut open = Vec::new();
            for r in store.open_requests()? {
                let policy = &config.settings.policy;
                open.push((Urgency::of(r.permit.kind, r.permit.expires_on, r.row.received_on, policy), r));
            }
            open.sort_by(|a, b| (a.0, &a.1.row.request_id).cmp(&(b.0, &b.1.row.request_id)));
            for (urgency, r) in open.iter().take(self.limit.max(0) as usize) {
                let rule = r.permit.rule;
                let now = match &r.live {
                    Some((_, day)) => format!("convoked for {day}"),
                    None => rule.map_or_else(String::new, |rule| rule.to_string()),
                };
                let rights = urgency.rights_until.to_string();
                table.row([&r.row.request_id, r.row.wish.code(), &r.row.received_on.to_string(), &rights, &now, ""]);
                listed.push(json!({"request": r.row, "rights_until": urgency.rights_until, "rule": rule, "appointment": r.live}));
            }
        } else {
            for r in store.requests(Some(self.state), self.limit)? {
                let answer = r.reference.clone().unwrap_or_default();
                table.row([&r.request_id, r.wish.code(), &r.received_on.to_string(), "", r.state.code(), &answer]);
                listed.push(json!({"request": r}));
            }
        }
        let text = if listed.is_empty() { format!("No request is {}.\n", self.state) } else { table.text() };
        session.print(&json!({"schema": "convoke.requests/1", "requests": listed}), &text)?;
        Ok(Exit::Done)
    }
}

impl Decide {
    fn execute(&self, session: &Session) -> Result<Exit> {
        let reason = given(self.reason.as_ref())?;
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let Some(to) = &self.place else {
            let state = if self.refuse { RequestState::Refused } else { RequestState::Withdrawn };
            session.by_hand(&config, reason, |hand| acts::end_request(&mut store, hand, &self.id, state))?;
            let document = json!({"schema": "convoke.request/1", "request": self.id.as_str(), "state": state});
            session.print(&document, &format!("{} is {state}. No letter is sent: inform the person.\n", self.id))?;
            return Ok(Exit::Done);
        };
        let to = slot("--place", to)?;
        config.templates()?;
        let would = session.by_hand(&config, reason, |hand| {
            store.rehearse(|store, confirmed| {
                acts::place_request(store, hand, &self.id, (&to, self.despite_lapse), confirmed)
            })
        })?;
        let late = if would.after_expiry { " That is past the permit's expiry." } else { "" };
        let question = format!("Give {} the seat {}?{late} One letter is written to the person.", self.id, to);
        let Some(confirmed) = session.ask(&question)? else { return Ok(Exit::Interrupted) };
        let placed = session.by_hand(&config, reason, |hand| {
            acts::place_request(&mut store, hand, &self.id, (&to, self.despite_lapse), &confirmed)
        })?;
        let document = json!({"schema": "convoke.request/1", "request": self.id.as_str(), "state": RequestState::Placed,
            "reference": placed.reference, "slot": placed.slot, "letter": placed.letter, "channel": placed.channel});
        session.print(&document, &format!("{} has {}, reference {}.\n", self.id, placed.slot, placed.reference))?;
        Ok(Exit::Done)
    }
}
