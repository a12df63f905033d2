//! `convoke run`.

use anyhow::Result;
use chrono::NaiveDate;
use clap::Args;
use serde_json::json;

use super::exit::Exit;
use super::failure::Usage;
use super::plan::followed;
use super::session::{Session, given};
use super::{difference, every};
use convoke_instance::diff::Difference;
use convoke_machine::process;
use convoke_office::night::{Night, Starter, Taken, carry_out};
use convoke_office::run::{For, Outcome, Request, Summary, preview, recall_shown};
use convoke_settings::Configuration;
use convoke_store::Use;

/// Bring a business date up to date: plan, reserve, write letters.
///
/// Safe to repeat: a second run reports "nothing new", or makes only what has changed. A run whose process was killed
/// is finished first.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke run --reason \"extract of this morning\"
  convoke run --plan 3f0c9a27 --reason \"seen and approved\"    exactly what `convoke plan` showed
  convoke run --timer --yes --reason cron                    for cron or a systemd timer
  convoke run --every-prefecture --yes --reason cron")]
pub(super) struct Run {
    /// Business date, today by default. The rules are those of that date; seats and statuses are those of today.
    #[arg(long, value_name = "DATE")]
    date: Option<NaiveDate>,
    /// Carry out exactly the plan with this hash, as `convoke plan` showed it, or refuse.
    #[arg(long, value_name = "HASH")]
    plan: Option<String>,
    /// Run every préfecture whose folder, made by `convoke init`, is in `prefectures/` next to the file of --config. If
    /// one fails, the others still run.
    #[arg(long, conflicts_with = "plan")]
    every_prefecture: bool,
    /// With --every-prefecture: run N at a time; by default, as many as there are processors.
    #[arg(long, value_name = "N", requires = "every_prefecture", value_parser = clap::value_parser!(u16).range(1..=64))]
    at_once: Option<u16>,
    /// Why it is run by hand, kept in the ledger for good: do not name anyone.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Run as a timer does, instead of `convoke serve`: take in `[import] inbox` first, write `[sheets] folder` last,
    /// and appear in the ledger as cron.
    #[arg(long)]
    timer: bool,
}

impl Run {
    pub(super) fn execute(self, session: &Session) -> Result<Exit> {
        let starter = if self.timer { Starter::Timer } else { Starter::Person };
        let reason = given(self.reason.as_ref())?.to_owned();
        if self.plan.as_ref().is_some_and(|hash| hash.len() < 8) {
            return Err(Usage(
                "--plan: give at least the first 8 characters of the hash that `convoke plan` printed".into(),
            )
            .into());
        }
        if self.every_prefecture {
            if session.ask("The runs make appointments firm and write their letters. Continue?")?.is_none() {
                return Ok(Exit::Interrupted);
            }
            let request = Request::of(self.date, Some(reason));
            let processors = std::thread::available_parallelism().map_or(1, usize::from);
            return every::run_every(session, starter, &request, self.at_once.map_or(processors, usize::from));
        }
        let config = session.configuration()?;
        let mut store = Session::store(&config, Use::Batch)?;
        // An operator who names a plan has looked at it.
        let (mut plan, past_limit) = (self.plan.clone(), self.plan.is_some());
        if !session.global.yes {
            let seen = session.with_tools(|tools| preview(&mut store, &config, self.date, For::Night, tools))?;
            let letters = seen.figures.firm + seen.figures.late_firm + seen.granted.len();
            let question = format!(
                "{}The run of {} makes {letters} appointments firm and writes their letters. Continue?",
                followed(&seen.followed),
                seen.business_date
            );
            if session.ask(&question)?.is_none() {
                return Ok(Exit::Interrupted);
            }
            // The run does exactly what was counted, unless an extract taken in first changes it.
            plan = plan.or(Some(seen.plan_hash).filter(|_| !self.timer));
        }
        let request = Request { date: self.date, plan, past_limit, actor: process::login(), reason: Some(reason) };
        let night = session.with_tools(|tools| Ok(carry_out(&mut store, &config, starter, &request, tools)))?;
        show(session, &config, &show_beside(night)?)
    }
}

/// Prints what a night did besides its run: the files of the inbox and the sheets. Errors in them stop no night.
pub(super) fn show_beside(night: Night) -> Result<Outcome> {
    match night.inbox {
        Ok(all) => {
            for Taken { file, refused } in all {
                match refused {
                    Some(why) => {
                        eprintln!("convoke: refused the extract {file}: {why}; see the inbox's folder `refused`");
                    }
                    None => eprintln!("convoke: imported {file}"),
                }
            }
        }
        Err(error) => eprintln!("convoke: the inbox could not be read completely: {error:#}"),
    }
    match night.sheets {
        Ok(0) => {}
        Ok(files) => eprintln!("convoke: wrote {files} files of sheets for counter and door"),
        Err(error) => eprintln!("convoke: the sheets for counter and door could not be written: {error:#}"),
    }
    night.outcome
}

/// Prints the outcome of a run.
pub(super) fn show(session: &Session, config: &Configuration, outcome: &Outcome) -> Result<Exit> {
    match outcome {
        Outcome::Done(summary) => {
            session.print(summary, &text(summary))?;
            warn_withheld(summary);
            Ok(ended(summary))
        }
        Outcome::NothingNew(summary) => {
            session.print(
                summary,
                &format!("Nothing new: {} is up to date by run {}.\n", summary.business_date, summary.run),
            )?;
            warn_withheld(summary);
            Ok(ended(summary))
        }
        Outcome::Busy(id) => {
            eprintln!("convoke: run {id} is in progress; wait for it, or see `convoke runs show {id}`");
            Ok(Exit::RunInProgress)
        }
        Outcome::TooManyFirm { firm, max, plan_hash } => {
            session.print(
                &json!({"schema": "convoke.refusal/1", "reason": "too-many-firm", "firm": firm, "max_firm_per_run": max, "plan_hash": plan_hash}),
                "",
            )?;
            eprintln!(
                "convoke: this run would make {firm} appointments firm, more than max_firm_per_run ({max}). Nothing was written.\n\
                 If this is intended: convoke run --plan {} --reason TEXT",
                &plan_hash[..16]
            );
            Ok(Exit::TooManyFirm)
        }
        Outcome::PlanChanged { asked, now, figures, plan } => {
            let shown = recall_shown(&config.folder, asked)?;
            let differs = shown.map(|(input, was)| Difference::between((&input, &was), (&plan.0, &plan.1)));
            let document = json!({"schema": "convoke.refusal/1", "reason": "plan-changed", "asked": asked, "plan_hash": now,
                "figures": figures, "difference": differs});
            session.print(&document, "")?;
            eprintln!(
                "convoke: the plan is no longer {asked}. Nothing was written. It would now make {} firm before expiry and {} after it, plan {} \
                 and leave {} without a day before expiry: see `convoke plan`",
                figures.firm,
                figures.late_firm,
                figures.planned,
                figures.no_possible_day + figures.no_capacity
            );
            match differs {
                Some(differs) => eprint!("Since it was shown:\n{}", difference::describe(&differs)),
                None => eprintln!("(That plan was not shown here: what differs cannot be listed.)"),
            }
            Ok(Exit::PlanChanged)
        }
    }
}

/// How a run ended, as an exit code: withheld releases first, because somebody must look at the extract.
pub(super) fn ended(summary: &Summary) -> Exit {
    if summary.followed.withheld > 0 {
        Exit::Withheld
    } else if summary.leaves_someone() {
        Exit::WithoutSlot
    } else {
        Exit::Done
    }
}

fn warn_withheld(summary: &Summary) {
    if summary.followed.withheld > 0 {
        eprintln!(
            "convoke: {} releases of appointments are withheld, more than policy allows at once: is the extract right? Their seats stay \
             taken, and their letters wait.\n\
             If it is: `convoke plan`, then convoke run --plan HASH --reason TEXT",
            summary.followed.withheld
        );
    }
}

fn text(s: &Summary) -> String {
    let lapses = s.lapses.no_possible_day + s.lapses.no_capacity;
    format!(
        "Run {}: {} permits scanned, {} people due.\n\
         Firm: {} before expiry, {} after it; {} letters in the queue, {} for the post.\n\
         Planned, not yet firm: {}. No day before expiry: {lapses}. With a day after it, not yet firm: {}. Without any seat: {}.\n\
         {}Written requests: {} answered, {} waiting.\n\
         Report: convoke report {}\n",
        s.run,
        s.scanned,
        s.outcomes.get("due").copied().unwrap_or(0) + s.outcomes.get("due.late").copied().unwrap_or(0),
        s.firm,
        s.late_firm,
        s.letters.queued,
        s.letters.to_post,
        s.planned,
        s.late_planned,
        s.without_seat,
        followed(&s.followed),
        s.requests.placed,
        s.requests.waiting,
        s.run,
    )
}
