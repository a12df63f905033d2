//! What differs between two plans, told; and the plans that were shown, kept so that a refusal can say what has changed since.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{Session, terminal_width};
use crate::columns::{Columns, paragraph};
use crate::files::write_whole;
use crate::planning::diff::Difference;
use crate::planning::{Plan, PlanningInput};

/// Beside the settings; it holds nothing personal.
const FOLDER: &str = "shown-plans";
/// Plans that are kept: the latest.
const KEPT: usize = 8;
/// Names of permits that a line holds.
const NAMED: usize = 5;

fn folder(session: &Session) -> PathBuf {
    session.global.config.with_file_name(FOLDER)
}

/// Keeps a plan that was shown. One that cannot be kept is shown all the same.
pub(super) fn keep(session: &Session, hash: &str, shown: (&PlanningInput, &Plan)) {
    let kept = || -> Result<()> {
        let folder = folder(session);
        fs::create_dir_all(&folder)?;
        write_whole(&folder.join(format!("{hash}.json")), &serde_json::to_vec(&shown)?)?;
        let mut files: Vec<_> = fs::read_dir(&folder)?
            .filter_map(|e| Some((e.as_ref().ok()?.metadata().ok()?.modified().ok()?, e.ok()?.path())))
            .filter(|(_, path)| path.extension().is_some_and(|e| e == "json"))
            .collect();
        files.sort();
        for (_, old) in files.iter().rev().skip(KEPT) {
            fs::remove_file(old)?;
        }
        Ok(())
    };
    if let Err(error) = kept() {
        tracing::debug!("The plan could not be kept, and a refusal will not say what has changed: {error:#}");
    }
}

/// A plan that was shown, by the beginning of its hash.
pub(super) fn recall(session: &Session, hash: &str) -> Result<Option<(PlanningInput, Plan)>> {
    let Ok(entries) = fs::read_dir(folder(session)) else { return Ok(None) };
    let named = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(hash));
    let Some(file) = entries.filter_map(|e| Some(e.ok()?.path())).find(named) else { return Ok(None) };
    let bytes = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
    Ok(serde_json::from_slice(&bytes).ok())
}

/// A difference in lines.
pub(super) fn told(difference: &Difference) -> String {
    if difference.is_none() {
        return "Nobody has another day, and no seat has come or gone.\n".into();
    }
    let mut text = String::new();
    let people = [
        (&difference.people_new, "planned now, and were not"),
        (&difference.people_gone, "not planned any more"),
        (&difference.people_changed, "with another permit, notice, place or family"),
        (&difference.firm_new, "firm now, and would not have been"),
        (&difference.firm_gone, "not firm any more"),
        (&difference.moved, "on another day or at another desk"),
        (&difference.lapses_new, "without a day before expiry now"),
        (&difference.lapses_gone, "with a day before expiry now, or not planned any more"),
    ];
    for (who, what) in people.iter().filter(|(who, _)| !who.is_empty()) {
        let more = if who.len() > NAMED { ", …" } else { "" };
        let told = format!("{what}: {}{more}", who[..who.len().min(NAMED)].join(", "));
        text.push_str(&paragraph(&format!("{:>6} ", who.len()), &told, terminal_width()));
    }
    if !difference.seats.is_empty() {
        let header = ["DESK", "WEEK OF", "SEATS BEFORE", "NOW"];
        let mut table = Columns::new(terminal_width()).header(header).whole([1]).right([2, 3]);
        for s in &difference.seats {
            table.row([s.pool.clone(), s.week.to_string(), s.before.to_string(), s.after.to_string()]);
        }
        text.push_str(&table.text());
    }
    text
}
