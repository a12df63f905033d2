//! An extract that looks wrong waits for a person, as a file: what is confirmed is what was looked at.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{BadRows, By, Confirmed, Imported, Opened, Options, permits};
use convoke_domain::ledger::Event;
use convoke_machine::clock::Clock;
use convoke_machine::entropy::Entropy;
use convoke_settings::Configuration;
use convoke_store::{Store, Waiting};

/// How a file that waits is read when it is confirmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Reading {
    mapping: Option<PathBuf>,
    bad_rows: BadRows,
    full: bool,
    /// Why it may be older than the last one.
    again: Option<String>,
}

/// Keeps an extract for a person to look at.
pub(super) fn let_wait(store: &mut Store, file: &mut Opened<'_>, by: &By<'_>) -> Result<()> {
    let (sha256, options) = (file.table.sha256.clone(), file.options);
    let id = sha256.chars().take(12).collect::<String>();
    let why = file.imported.doubts.join("; ");
    let mapping = options.mapping.as_ref().map(std::path::absolute).transpose()?;
    let reading = Reading { mapping, bad_rows: options.bad_rows, full: options.full, again: options.again.clone() };
    let waiting = Waiting {
        id: id.clone(),
        path: std::path::absolute(file.path)?.display().to_string(),
        sha256,
        as_of: file.imported.as_of.unwrap_or(by.today),
        since: by.now.naive_utc(),
        options: serde_json::to_string(&reading)?,
        why: why.clone(),
    };
    if let Some(other) = store.waiting_import()?.filter(|other| other.as_of > waiting.as_of) {
        file.imported.refuse(format!("{why}; and a newer extract, of {}, waits already: {}", other.as_of, other.id));
        return Ok(());
    }
    let payload = json!({"waiting": id, "sha256": waiting.sha256, "as_of": waiting.as_of, "why": why});
    store.write(|s| {
        s.let_wait(&waiting)?;
        s.record(by.actor, by.now, vec![Event { kind: "import.waiting", payload: payload.clone() }])
    })?;
    file.imported.refuse(format!(
        "{why}. It waits for a person: look at it, then `convoke import confirm {id} --reason TEXT`, or import a \
         better one"
    ));
    file.imported.waiting = Some(id);
    Ok(())
}

/// Takes in the extract that waits. `None` if none of this id does.
pub fn confirm(
    store: &mut Store,
    config: &Configuration,
    (id, reason): (&str, &str),
    actor: &str,
    clock: &Clock,
    entropy: &mut Entropy,
) -> Result<Option<Imported>> {
    let Some(waiting) = store.waiting_import()?.filter(|waiting| waiting.id == id) else { return Ok(None) };
    let reading: Reading = serde_json::from_str(&waiting.options).context("how the extract is read")?;
    let confirmed = Confirmed { as_of: waiting.as_of, sha256: waiting.sha256, reason: reason.to_owned() };
    let options = Options {
        mapping: reading.mapping,
        bad_rows: reading.bad_rows,
        full: reading.full,
        again: reading.again,
        confirmed: Some(confirmed),
        ..Options::default()
    };
    let path = Path::new(&waiting.path);
    permits::take(store, config, path, &options, actor, clock, entropy, &|_, _| {}).map(Some)
}
