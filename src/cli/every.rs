//! `convoke run --every-prefecture`: many préfectures, each with its own folder of settings, most often in one
//! database.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};

use super::exit::Exit;
use super::failure::{Usage, exit_of};
use super::run::{self, show_beside};
use super::session::Session;
use convoke_machine::entropy::Entropy;
use convoke_office::night::{Starter, carry_out};
use convoke_office::run::{Outcome, Request, Tools};
use convoke_settings::Configuration;
use convoke_store::Use;

/// The folder of préfectures, next to the file that `--config` names.
const FOLDER: &str = "prefectures";

/// The result of the run of one préfecture.
#[derive(Serialize)]
struct Ended {
    /// Its folder.
    folder: String,
    /// `done`, `nothing-new`, `busy`, `too-many-firm`, `plan-changed` or `failed`.
    outcome: &'static str,
    /// The document of `run --json`, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<Value>,
    /// What to do, or what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip)]
    exit: Exit,
}

/// Runs them, `at_once` at a time; a failure stops no other.
pub(super) fn run_every(session: &Session, starter: Starter, request: &Request, at_once: usize) -> Result<Exit> {
    let folders = folders(session)?;
    let (next, done) = (Mutex::new(folders.iter()), AtomicU64::new(0));
    let (ended, progress) = (Mutex::new(Vec::new()), session.progress());
    std::thread::scope(|scope| {
        for _ in 0..at_once.clamp(1, folders.len()) {
            scope.spawn(|| {
                while let Some(folder) = next.lock().ok().and_then(|mut folders| folders.next()) {
                    let one = run_one(session, folder, starter, request);
                    if let Ok(mut all) = ended.lock() {
                        all.push(one);
                    }
                    progress.show("préfectures", done.fetch_add(1, Ordering::Relaxed) + 1, folders.len() as u64);
                }
            });
        }
    });
    progress.clear();
    let mut ended = ended.into_inner().context("a run panicked")?;
    ended.sort_by(|a, b| a.folder.cmp(&b.folder));
    // Within the 80 columns of a terminal.
    let head = format!(
        "{:<12} {:<12} {:>9} {:>7} {:>12} {:>8} {:>7}\n",
        "folder", "outcome", "permits", "firm", "after expiry", "planned", "lapses"
    );
    let text: String = std::iter::once(head).chain(ended.iter().map(line)).collect();
    session.print(&json!({"schema": "convoke.every/1", "prefectures": ended}), &text)?;
    for failed in ended.iter().filter(|e| e.message.is_some()) {
        eprintln!("convoke: {}: {}", failed.folder, failed.message.as_deref().unwrap_or_default());
    }
    // A failure outranks people without a seat.
    let worst = |e: &&Ended| (!matches!(e.exit, Exit::Done | Exit::WithoutSlot), e.exit == Exit::WithoutSlot);
    Ok(ended.iter().max_by_key(worst).map_or(Exit::Done, |e| e.exit))
}

/// The settings of every préfecture.
pub(super) fn files(session: &Session) -> Result<Vec<PathBuf>> {
    Ok(folders(session)?.into_iter().map(|folder| folder.join("convoke.toml")).collect())
}

/// Folders that hold a `convoke.toml`, in order of name.
fn folders(session: &Session) -> Result<Vec<PathBuf>> {
    let root = session.global.config.with_file_name(FOLDER);
    let entries = std::fs::read_dir(&root).map_err(|e| {
        Usage(format!("--every-prefecture reads the folders in {}, each made by `convoke init`: {e}", root.display()))
    })?;
    let mut folders = Vec::new();
    for entry in entries {
        let folder = entry.with_context(|| format!("reading {}", root.display()))?.path();
        if folder.join("convoke.toml").is_file() {
            folders.push(folder);
        }
    }
    folders.sort();
    if folders.is_empty() {
        return Err(Usage(format!("{} has no folder with a convoke.toml", root.display())).into());
    }
    Ok(folders)
}

fn run_one(session: &Session, folder: &Path, starter: Starter, request: &Request) -> Ended {
    let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let ended = |outcome, exit, run, message| Ended { folder: name.clone(), outcome, run, message, exit };
    let outcome = (|| -> Result<Outcome> {
        let config: Configuration = session.configuration_of(&folder.join("convoke.toml"))?;
        let mut store = Session::store(&config, Use::Batch)?;
        let mut tools = Tools { clock: &session.clock, entropy: &mut Entropy::System, progress: &|_, _, _| {} };
        show_beside(carry_out(&mut store, &config, starter, request, &mut tools))
    })();
    match outcome {
        Ok(Outcome::Done(summary)) => ended("done", run::ended(&summary), serde_json::to_value(&summary).ok(), None),
        Ok(Outcome::NothingNew(summary)) => {
            ended("nothing-new", run::ended(&summary), serde_json::to_value(&summary).ok(), None)
        }
        Ok(Outcome::Busy(id)) => ended("busy", Exit::RunInProgress, None, Some(format!("run {id} is in progress"))),
        Ok(Outcome::TooManyFirm { firm, max, plan_hash }) => {
            let shown = format!(
                "this run would make {firm} appointments firm, more than max_firm_per_run ({max}); nothing was written. \
                 If this is intended: convoke --config {} run --plan {} --reason TEXT",
                folder.join("convoke.toml").display(),
                &plan_hash[..16]
            );
            ended("too-many-firm", Exit::TooManyFirm, None, Some(shown))
        }
        Ok(Outcome::PlanChanged { .. }) => ended("plan-changed", Exit::PlanChanged, None, None),
        Err(error) => ended("failed", exit_of(&error), None, Some(format!("{error:#}"))),
    }
}

fn line(ended: &Ended) -> String {
    let n = |path: &str| ended.run.as_ref().and_then(|r| r.pointer(path)).and_then(Value::as_u64).unwrap_or(0);
    match ended.outcome {
        "done" | "nothing-new" => format!(
            "{:<12} {:<12} {:>9} {:>7} {:>12} {:>8} {:>7}\n",
            ended.folder,
            ended.outcome,
            n("/scanned"),
            n("/firm"),
            n("/late_firm"),
            n("/planned"),
            n("/lapses/no_possible_day") + n("/lapses/no_capacity"),
        ),
        other => format!("{:<12} {other}\n", ended.folder),
    }
}
