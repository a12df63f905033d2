//! `convoke runs`.

use std::fmt::Write as _;

use anyhow::Result;
use clap::Subcommand;
use comfy_table::{Table, presets};
use serde_json::{Value, json};

use super::{Exit, Session, run::show};
use crate::entropy::Entropy;
use crate::ids::RunId;
use crate::process;
use crate::run::{Request, Tools, resume_by_id};
use crate::settings::ConfigError;
use crate::store::{RunRow, Use};

#[derive(Debug, Subcommand)]
pub(super) enum Runs {
    /// The last runs, latest first
    List {
        /// How many.
        #[arg(long, default_value_t = 20)]
        limit: i64,
    },
    /// One run
    Show {
        /// Run, such as 94/2026-10-05/1.
        run: String,
    },
    /// Finish a run whose process was killed
    Resume {
        /// Run.
        run: String,
    },
}

impl Runs {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let config = session.configuration()?;
        let mut store = Session::store(&config, Use::Batch)?;
        match self {
            Self::List { limit } => {
                let runs = store.runs(*limit)?;
                let mut table = Table::new();
                table.load_style(presets::NOTHING).set_header(["RUN", "STATE", "BY", "FIRM", "STARTED (UTC)"]);
                for r in &runs {
                    let started = r.started_at.format("%Y-%m-%d %H:%M").to_string();
                    table.add_row([
                        &r.run_id,
                        &r.state,
                        &format!("{} ({})", r.actor, r.trigger),
                        &r.committed.to_string(),
                        &started,
                    ]);
                }
                let text = if runs.is_empty() { "No run yet.\n".to_owned() } else { format!("{table}\n") };
                session.print(
                    &json!({"schema": "convoke.runs/1", "runs": runs.iter().map(document).collect::<Vec<_>>()}),
                    &text,
                )?;
                Ok(Exit::Done)
            }
            Self::Show { run } => {
                let row = store
                    .run(&RunId(run.clone()))?
                    .ok_or_else(|| ConfigError(format!("there is no run {run}; `convoke runs list` shows them")))?;
                let document = document(&row);
                let mut text = String::new();
                if let Value::Object(fields) = &document {
                    for (key, value) in fields.iter().filter(|(_, v)| !v.is_null()) {
                        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                        // Unwrap safety: writing to a String cannot fail.
                        writeln!(text, "{key:<14} {value}").expect("a String takes text");
                    }
                }
                session.print(&document, &text)?;
                Ok(Exit::Done)
            }
            Self::Resume { run } => {
                let progress = session.progress();
                let mut tools = Tools {
                    clock: &session.clock,
                    entropy: &mut Entropy::System,
                    progress: &|stage, done, total| progress.show(stage, done, total),
                };
                let request = Request {
                    date: None,
                    plan: None,
                    trigger: "hand",
                    actor: process::login(),
                    reason: Some("resume".into()),
                };
                let outcome = resume_by_id(&mut store, &config, &RunId(run.clone()), &request, &mut tools)?;
                progress.clear();
                show(session, &outcome)
            }
        }
    }
}

fn document(row: &RunRow) -> Value {
    let summary: Value = row.summary.as_deref().and_then(|s| serde_json::from_str(s).ok()).unwrap_or(Value::Null);
    json!({
        "schema": "convoke.run-row/1", "run": row.run_id, "business_date": row.business_date, "generation": row.generation, "trigger": row.trigger,
        "actor": row.actor, "reason": row.reason, "state": row.state, "failure": row.failure, "committed": row.committed,
        "started_at": row.started_at.and_utc(), "finished_at": row.finished_at.map(|at| at.and_utc()), "plan_hash": row.plan_hash, "summary": summary,
    })
}
