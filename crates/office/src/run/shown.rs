//! Shown plans, kept so that a refusal can say what has changed since.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use convoke_instance::{Plan, PlanningInput};
use convoke_machine::files::write_whole;

/// Next to the settings; it holds nothing personal.
const FOLDER: &str = "shown-plans";
/// How many plans are kept, the latest ones.
const KEPT: usize = 8;

/// Keeps a shown plan next to the settings. Failing to keep it is not an error.
pub fn keep_shown(settings: &Path, hash: &str, shown: (&PlanningInput, &Plan)) {
    let kept = || -> Result<()> {
        let folder = settings.join(FOLDER);
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
        tracing::debug!("The plan could not be saved, so a refusal will not say what has changed: {error:#}");
    }
}

/// A shown plan, by the beginning of its hash.
pub fn recall_shown(settings: &Path, hash: &str) -> Result<Option<(PlanningInput, Plan)>> {
    let Ok(entries) = fs::read_dir(settings.join(FOLDER)) else { return Ok(None) };
    let named = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(hash));
    let Some(file) = entries.filter_map(|e| Some(e.ok()?.path())).find(named) else { return Ok(None) };
    let bytes = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
    Ok(serde_json::from_slice(&bytes).ok())
}
