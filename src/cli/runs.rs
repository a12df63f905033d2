//! `convoke runs`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::{Value, json};

use super::exit::Exit;
use super::instance::write_night;
use super::output::terminal_width;
use super::session::{Session, given};
use super::{difference, run::show};
use convoke_check::closes;
use convoke_domain::ids::{RunId, sha256_hex};
use convoke_domain::policy::Policy;
use convoke_instance::PlanningInput;
use convoke_instance::export::Night;
use convoke_machine::process;
use convoke_office::night;
use convoke_office::run::runs_differ;
use convoke_planning::plan;
use convoke_report::columns::{Columns, fields, paragraph};
use convoke_settings::ConfigError;
use convoke_store::{RunRow, Store, Use};

#[derive(Debug, Subcommand)]
pub(super) enum Runs {
    /// List the last runs, latest first
    #[command(after_long_help = "Example:
  convoke runs list --limit 5")]
    List {
        /// Number of runs.
        #[arg(long, default_value_t = 20)]
        limit: i64,
    },
    /// Show one run
    #[command(after_long_help = "Example:
  convoke runs show 94/2026-10-05/1")]
    Show {
        /// Run, such as 94/2026-10-05/1.
        run: String,
    },
    /// Compute the plan of a run again from its records, and compare
    ///
    /// Exit code 13 if the plan is not the same. With --out, writes the instance, its plan, prices and explanation, for
    /// `script/verify_plan.py` or any other program that follows the format.
    #[command(after_long_help = "Example:
  convoke runs replay 94/2026-10-05/1 --out night")]
    Replay {
        /// Run.
        run: String,
        /// Write instance, plan, prices and explanation to this folder.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// How many extra seats a desk could open in a week, when computing the fewest that would avoid lapses.
        #[arg(long, value_name = "SEATS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=100_000))]
        overtime: u32,
    },
    /// Show what differs between two runs: people, seats, days, rules
    #[command(after_long_help = "Examples:
  convoke runs diff 94/2026-10-05/1 94/2026-10-06/1")]
    Diff {
        /// Run.
        before: String,
        /// Run.
        after: String,
    },
    /// Stop a run that is in progress, on any machine
    ///
    /// What it has committed is kept, with its letters; the next run plans everyone else again. The process that works
    /// on it ends at its next step.
    #[command(after_long_help = "Examples:
  convoke runs stop 94/2026-10-05/1 --reason \"wrong extract\"
  convoke pause --reason \"wrong extract\"      letters already written do not leave")]
    Stop {
        /// Run.
        run: String,
        /// Reason, kept in the ledger for good: do not name anyone.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Finish a run whose process was killed
    #[command(after_long_help = "Example:
  convoke runs resume 94/2026-10-05/1")]
    Resume {
        /// Run.
        run: String,
    },
}

impl Runs {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        match self {
            Self::List { limit } => {
                let runs = store.runs(*limit)?;
                let header = ["RUN", "STATE", "BY", "FIRM", "STARTED (UTC)"];
                let mut table = Columns::new(terminal_width()).header(header).whole([0, 1, 4]).right([3]);
                for r in &runs {
                    let started = r.started_at.format("%Y-%m-%d %H:%M").to_string();
                    table.row([
                        &r.run_id,
                        r.state.code(),
                        &format!("{} ({})", r.actor, r.trigger),
                        &r.committed.to_string(),
                        &started,
                    ]);
                }
                let text = if runs.is_empty() { "No run yet.\n".to_owned() } else { table.text() };
                session.print(
                    &json!({"schema": "convoke.runs/1", "runs": runs.iter().map(document).collect::<Vec<_>>()}),
                    &text,
                )?;
                Ok(Exit::Done)
            }
            Self::Show { run } => {
                let row = store.run(&RunId(run.clone()))?.ok_or_else(|| unknown(run))?;
                let document = document(&row);
                let mut rows = Columns::new(terminal_width()).whole([0]);
                for row in fields(&document) {
                    rows.row(row);
                }
                session.print(&document, &rows.text())?;
                Ok(Exit::Done)
            }
            Self::Replay { run, out, overtime } => replay(session, &mut store, run, out.as_deref(), *overtime),
            Self::Diff { before, after } => diff(session, &mut store, before, after),
            Self::Stop { run, reason } => stop(session, &mut store, run, given(reason.as_ref())?),
            Self::Resume { run } => {
                let id = RunId(run.clone());
                let (actor, reason) = (process::login(), "resume".to_owned());
                let outcome =
                    session.with_tools(|tools| night::resume(&mut store, &config, &id, actor, reason, tools))?;
                show(session, &config, &outcome)
            }
        }
    }
}

fn replay(session: &Session, store: &mut Store, run: &str, out: Option<&Path>, overtime: u32) -> Result<Exit> {
    let id = RunId(run.to_owned());
    let row = store.run(&id)?.ok_or_else(|| unknown(run))?;
    let recorded = store.run_record(&id, "input")?.filter(|_| row.plan_hash.is_some()).ok_or_else(|| {
        ConfigError(format!("run {run} is {} and has recorded no plan: there is nothing to replay", row.state))
    })?;
    let policy = store.run_record(&id, "policy")?.context("a run that recorded its input has recorded its rules")?;
    let policy: Policy = serde_json::from_slice(&policy).context("the recorded rules of the run")?;
    let input: PlanningInput = serde_json::from_slice(&recorded).context("the recorded input of the run")?;
    let progress = session.progress();
    progress.show("planning again", 0, input.candidates.len() as u64);
    let (plan, proof) = plan(&input).context("planning again")?;
    let (input_hash, plan_hash) = (sha256_hex(&recorded), plan.hash(&input));
    let certificate = if closes(&proof) { "closed" } else { "open" };
    let same = Some(&plan_hash) == row.plan_hash.as_ref() && Some(&input_hash) == row.input_hash.as_ref();
    if let Some(out) = out {
        let policy_hash = row.policy_hash.as_deref().unwrap_or_default();
        let (dept, notice) = (store.prefecture(), json!(policy.notice_days));
        let night = Night { input: &input, plan: &plan, proof: &proof, dept, policy_hash, notice };
        write_night(&night, out, overtime)?;
    }
    progress.clear();
    let document = json!({
        "schema": "convoke.replay/1", "run": run, "same": same, "input_hash": input_hash, "plan_hash": plan_hash,
        "recorded": {"input_hash": row.input_hash, "plan_hash": row.plan_hash}, "certificate": certificate,
    });
    let mut text = if same {
        format!("The same plan: {plan_hash}\nCertificate: {certificate}.\n")
    } else {
        let recorded = row.plan_hash.unwrap_or_default();
        format!(
            "NOT the same plan.\nrecorded  {recorded}\nnow       {plan_hash}\nThe records were changed, or another version of convoke made the plan: run `convoke ledger verify`.\n"
        )
    };
    if let Some(out) = out {
        // Unwrap safety: writing to a String cannot fail.
        writeln!(text, "Files in {}.", out.display()).expect("a String takes text");
    }
    session.print(&document, &text)?;
    Ok(if same { Exit::Done } else { Exit::PlanChanged })
}

fn diff(session: &Session, store: &mut Store, before: &str, after: &str) -> Result<Exit> {
    let differ = runs_differ(store, &RunId(before.to_owned()), &RunId(after.to_owned()))?;
    let mut text = format!("From {before} to {after}:\n{}", difference::describe(&differ.plans));
    if !differ.rules.is_empty() {
        // Unwrap safety: writing to a String cannot fail.
        let shown = format!("Rules that changed (config/policy.toml): {}.", differ.rules.join(", "));
        text.push_str(&paragraph("", &shown, terminal_width()));
    }
    for (rule, was, is) in differ.counted_otherwise() {
        writeln!(text, "  {rule:<22} {was:>9} then {is:>9}").expect("a String takes text");
    }
    let [outcomes_before, outcomes_after] = &differ.outcomes;
    let document = json!({"schema": "convoke.runs-diff/1", "before": before, "after": after, "difference": differ.plans, "rules": differ.rules,
        "outcomes": {"before": outcomes_before, "after": outcomes_after}});
    session.print(&document, &text)?;
    Ok(Exit::Done)
}

fn stop(session: &Session, store: &mut Store, run: &str, reason: &str) -> Result<Exit> {
    let id = RunId(run.to_owned());
    store.run(&id)?.ok_or_else(|| unknown(run))?;
    let question = format!("Stop run {run}? What it has committed is kept; the next run plans everyone else again.");
    let Some(confirmed) = session.ask(&question)? else { return Ok(Exit::Interrupted) };
    let stopped = convoke_office::run::stop(store, &id, (&process::login(), reason), &session.clock, &confirmed)?;
    let text = match stopped {
        Some(s) => format!(
            "Stopped. {} appointments had been made firm and are kept, with their letters (`convoke pause` holds these); \
             {} had not.\n`convoke run` plans everyone else again.\n",
            s.committed, s.left
        ),
        None => format!("Nothing changed: run {run} has ended.\n"),
    };
    let document = json!({"schema": "convoke.stop/1", "run": run, "stopped": stopped.is_some(),
        "committed": stopped.map(|s| s.committed), "left": stopped.map(|s| s.left)});
    session.print(&document, &text)?;
    Ok(Exit::Done)
}

fn unknown(run: &str) -> ConfigError {
    ConfigError(format!("there is no run {run}; `convoke runs list` shows them"))
}

fn document(row: &RunRow) -> Value {
    let summary: Value = row.summary.as_deref().and_then(|s| serde_json::from_str(s).ok()).unwrap_or(Value::Null);
    json!({
        "schema": "convoke.run-row/1", "run": row.run_id, "business_date": row.business_date, "generation": row.generation, "trigger": row.trigger,
        "actor": row.actor, "reason": row.reason, "state": row.state, "failure": row.failure, "committed": row.committed,
        "started_at": row.started_at.and_utc(), "finished_at": row.finished_at.map(|at| at.and_utc()), "plan_hash": row.plan_hash, "summary": summary,
    })
}
