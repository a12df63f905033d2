//! Runs as they are looked for: by state, page by page, or all of them as a file.

use axum::response::Response;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::answer::export;
use crate::failure::Failure;
use convoke_domain::run::RunState;
use convoke_office::run::Summary;
use convoke_report::{List, words};
use convoke_store::{RunRow, Store};

/// Runs per page, and per downloaded file.
const SHOWN: i64 = 50;
const EXPORTED: i64 = 100_000;

/// The filter in the address.
#[derive(Deserialize)]
pub(in crate::pages) struct Sought {
    #[serde(default)]
    pub(in crate::pages) etat: String,
    /// `2026-10-05/1`: only runs before this one.
    apres: Option<String>,
    format: Option<String>,
}

/// Runs on a page, and where the next page begins.
pub(in crate::pages) struct Found {
    pub(in crate::pages) runs: Vec<RunRow>,
    pub(in crate::pages) next: Option<String>,
}

impl Sought {
    fn runs(&self, s: &mut Store, limit: i64) -> Result<Vec<RunRow>, Failure> {
        let state = Some(&self.etat).filter(|state| !state.is_empty()).map(|state| state.parse()).transpose();
        let state = state.map_err(|_| Failure::Unreadable)?;
        let before = self.apres.as_deref().map(key).transpose()?;
        Ok(s.runs_before(state, before, limit)?)
    }

    /// All of them as a file, if requested.
    pub(in crate::pages) fn file(&self, s: &mut Store) -> Result<Option<Response>, Failure> {
        let Some(format) = &self.format else { return Ok(None) };
        export("executions", &sheet(self.runs(s, EXPORTED)?), format).map(Some)
    }

    pub(in crate::pages) fn page(&self, s: &mut Store) -> Result<Found, Failure> {
        let mut runs = self.runs(s, SHOWN + 1)?;
        let more = runs.len() > SHOWN as usize;
        runs.truncate(SHOWN as usize);
        let next = runs.last().filter(|_| more).map(|last| format!("{}/{}", last.business_date, last.generation));
        Ok(Found { runs, next })
    }

    /// The states to choose from, and which is chosen.
    pub(in crate::pages) fn states(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        RunState::ALL.iter().map(|state| (state.code(), words::run_state(*state), state.code() == self.etat))
    }
}

/// Where a list continues.
fn key(text: &str) -> Result<(NaiveDate, i64), Failure> {
    let parts = text.split_once('/').and_then(|(date, n)| Some((date.parse().ok()?, n.parse().ok()?)));
    parts.ok_or(Failure::Unreadable)
}

/// A run in the list.
pub(super) struct Line {
    pub(super) row: RunRow,
    pub(super) state: &'static str,
    pub(super) trigger: String,
    pub(super) firm: Option<u64>,
    pub(super) lapses: Option<u64>,
}

impl Line {
    pub(super) fn of(row: RunRow) -> Self {
        let summary: Option<Summary> = row.summary.as_deref().and_then(|s| serde_json::from_str(s).ok());
        Self {
            state: words::run_state(row.state),
            trigger: words::trigger(row.trigger).to_owned(),
            firm: summary.as_ref().map(|s| s.firm + s.late_firm),
            lapses: summary.as_ref().map(|s| s.lapses.no_possible_day + s.lapses.no_capacity),
            row,
        }
    }
}

fn sheet(runs: Vec<RunRow>) -> List {
    let header = vec![
        "execution",
        "nuit",
        "generation",
        "etat",
        "origine",
        "par",
        "raison",
        "rendez_vous",
        "sans_date",
        "debut_utc",
        "fin_utc",
        "empreinte_du_plan",
    ];
    let line = |row: RunRow| {
        let line = Line::of(row);
        let number = |n: Option<u64>| n.map_or_else(String::new, |n| n.to_string());
        let instant = |at: chrono::NaiveDateTime| at.format("%Y-%m-%d %H:%M:%S").to_string();
        let row = line.row;
        vec![
            row.run_id,
            row.business_date.to_string(),
            row.generation.to_string(),
            row.state.to_string(),
            row.trigger.to_string(),
            row.actor,
            row.reason.unwrap_or_default(),
            number(line.firm),
            number(line.lapses),
            instant(row.started_at),
            row.finished_at.map_or_else(String::new, instant),
            row.plan_hash.unwrap_or_default(),
        ]
    };
    List { name: "executions", header, rows: runs.into_iter().map(line).collect() }
}
