//! The folder of new extracts: each file is taken whole or refused whole, and then moved aside, so that it is never
//! read twice and never lost. What is imported twice, because a process ended in between, changes nothing the second
//! time.

use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::NaiveDate;

use crate::import::mapping::Mapping;
use crate::import::result::{FileFault, write_report};
use crate::import::{self, BadRows, Imported, Options};
use convoke_machine::clock::Clock;
use convoke_machine::entropy::Entropy;
use convoke_machine::process;
use convoke_settings::Configuration;
use convoke_store::Store;

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its name.
    pub file: String,
    /// Why it was refused, if so.
    pub refused: Option<String>,
}

/// A file that has not changed for so long is whole. Who writes it under another name, and renames it, need not trust
/// in that.
const SETTLED_AFTER: Duration = Duration::from_secs(3);

/// Names of files begin with what they hold; permits first, slots before convocations, which need them, and marks last.
const KINDS: [&str; 4] = ["permits", "slots", "convocations", "attendance"];

/// Imports what is in the inbox, in the order of kinds, then of the days of extracts, then of names. A file that is
/// refused stops no other.
pub(super) fn take(store: &mut Store, config: &Configuration, clock: &Clock) -> Result<Vec<Taken>> {
    let Some(inbox) = &config.settings.import.inbox else { return Ok(Vec::new()) };
    let mut taken = Vec::new();
    let mut files = settled(inbox)?;
    let mapping = mapping(config)?;
    files.sort_by_cached_key(|(kind, path)| {
        let day = (*kind == 0).then(|| import::permits::day_of(path, &mapping)).flatten();
        // One that does not say its day is of today.
        (*kind, day.unwrap_or(NaiveDate::MAX), path.clone())
    });
    for (kind, path) in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let report = match import_one(store, config, clock, kind, &path) {
            Ok(imported) => imported,
            Err(error) => match error.chain().find_map(<dyn std::error::Error + 'static>::downcast_ref::<FileFault>) {
                // Another server was faster, or somebody took it away.
                Some(FileFault::Unreadable(io)) if io.kind() == ErrorKind::NotFound => continue,
                // Still being written: the next night reads it whole.
                Some(FileFault::Changed) => {
                    tracing::warn!("An extract of the inbox changed while it was read, and stays where it is: {name}");
                    continue;
                }
                // A file that is no table is refused; that a disk or a database fails, or a mapping is wrong, is not
                // its fault.
                Some(fault) if fault.is_of_the_file() => {
                    let shown = fault.to_string();
                    set_aside(&path, "refused", clock, format!("{error:#}\n").as_bytes())?;
                    taken.push(Taken { file: name, refused: Some(shown) });
                    continue;
                }
                _ => return Err(error.context(format!("taking in {name}"))),
            },
        };
        let mut words = Vec::new();
        write_report(&mut words, &report.rejected)?;
        for warning in &report.warnings {
            writeln!(words, "warning: {warning}")?;
        }
        writeln!(
            words,
            "{} rows read: {} new, {} changed, {} unchanged, {} absent",
            report.read, report.inserted, report.updated, report.unchanged, report.vanished
        )?;
        let folder = match (&report.waiting, &report.refused) {
            (Some(_), _) => "waiting",
            (None, Some(_)) => "refused",
            (None, None) => "done",
        };
        if let Some(why) = &report.refused {
            writeln!(words, "refused: {why}")?;
        }
        let kept = set_aside(&path, folder, clock, &words)?;
        if let Some(id) = &report.waiting {
            store.write(|s| s.waiting_import_moved(id, &std::path::absolute(&kept)?.display().to_string()))?;
        }
        if let Some(rejects) = &report.rejects_file {
            set_aside(rejects, "refused", clock, b"rows that were left out of the file of this name\n")?;
        }
        taken.push(Taken { file: name, refused: report.refused });
    }
    Ok(taken)
}

/// The names of columns in the extracts of permits.
fn mapping(config: &Configuration) -> Result<Mapping> {
    match &config.settings.import.mapping {
        Some(file) => Mapping::read(file, &import::permits::LAYOUT),
        None => Ok(Mapping::default()),
    }
}

/// Those that nobody is writing: the same for some seconds.
fn settled(inbox: &Path) -> Result<Vec<(usize, PathBuf)>> {
    let stamp = |path: &PathBuf| fs::metadata(path).and_then(|m| Ok((m.len(), m.modified()?))).ok();
    let before: Vec<_> = files(inbox)?.into_iter().map(|(kind, path)| (stamp(&path), kind, path)).collect();
    if !before.is_empty() {
        thread::sleep(SETTLED_AFTER);
    }
    let (settled, growing): (Vec<_>, Vec<_>) =
        before.into_iter().partition(|(was, _, path)| was.is_some() && *was == stamp(path));
    for (_, _, path) in growing {
        tracing::warn!(
            "An extract of the inbox is still being written, and waits for the next night: {}",
            path.display()
        );
    }
    Ok(settled.into_iter().map(|(_, kind, path)| (kind, path)).collect())
}

/// What may be read now: finished files of a known kind. One still being written carries another name (`.part`,
/// `.tmp`).
fn files(inbox: &Path) -> Result<Vec<(usize, PathBuf)>> {
    let entries = fs::read_dir(inbox).with_context(|| {
        format!("[import] inbox: reading {}; make the folder, or correct the setting", inbox.display())
    })?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let table = matches!(
            path.extension().and_then(OsStr::to_str).map(str::to_lowercase).as_deref(),
            Some("csv" | "xlsx" | "ods")
        );
        let kind = KINDS.iter().position(|kind| name.starts_with(kind));
        match kind {
            // Rows that were left out, by a process that ended before it could move them: they are written again.
            Some(_) if name.ends_with(".rejects.csv") => {}
            Some(kind) if table && path.is_file() => files.push((kind, path)),
            _ if path.is_file() => tracing::warn!(
                "A file of the inbox is none that is read: its name begins with permits, slots, convocations or attendance, and ends in .csv, .xlsx or .ods"
            ),
            _ => {}
        }
    }
    files.sort();
    Ok(files)
}

fn import_one(store: &mut Store, config: &Configuration, clock: &Clock, kind: usize, path: &Path) -> Result<Imported> {
    let import = &config.settings.import;
    let options = Options {
        mapping: import.mapping.clone(),
        full: import.full && kind == 0,
        bad_rows: BadRows::LeaveOutUpTo(config.settings.policy.inbox_bad_rows_max_percent),
        dry_run: false,
        ..Options::default()
    };
    let actor = process::login();
    match kind {
        0 => import::permits(store, config, path, &options, &actor, clock, &mut Entropy::System, &|_, _| {}),
        1 => import::slots(store, config, path, &options, &actor, clock),
        2 => import::convocations(store, config, path, &options, &actor, clock, &mut Entropy::System),
        _ => import::attendance(store, config, path, &options, &actor, clock),
    }
}

/// Moves a file to a folder beside it, with what is to be said of it.
fn set_aside(path: &Path, folder: &str, clock: &Clock, words: &[u8]) -> Result<PathBuf> {
    let (inbox, name) = (path.parent().context("an inbox")?, path.file_name().context("a file")?.to_string_lossy());
    let folder = inbox.join(folder);
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let stamp = clock.now().format("%Y%m%dT%H%M%SZ");
    convoke_machine::files::write_whole(&folder.join(format!("{stamp}-{name}.txt")), words)?;
    let to = folder.join(format!("{stamp}-{name}"));
    match fs::rename(path, &to) {
        // Another server has taken the same file in: that changed nothing.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        moved => moved.with_context(|| format!("moving an extract to {}", to.display()))?,
    }
    Ok(to)
}
