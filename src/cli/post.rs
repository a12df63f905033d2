//! `convoke post`.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::exit::Exit;
use super::failure::{BadData, Usage};
use super::output::make_folder;
use super::session::{Session, given};
use convoke_domain::ids::Reference;
use convoke_domain::run::Stage;
use convoke_machine::files::write_whole;
use convoke_machine::process;
use convoke_office::post::{self, Exception, Manifest, Telephone};
use convoke_settings::Configuration;
use convoke_store::{Store, Use};

/// Print the letters of people without e-mail, or whose e-mail failed.
///
/// `post --out DIR` writes print-ready PDFs of at most 1,000 letters (each on its own sheets, for double-sided
/// printing), the list of addresses and manifest.json, and changes nothing else: run it again as often as you like.
/// Once the letters have left, `post --confirm DIR/manifest.json` marks them as posted, each once.
/// `post return REFERENCE` records that one came back.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_long_help = "Examples:
  convoke post --out tonight
  convoke post --confirm tonight/manifest.json
  convoke post --out calls --channel sms
  convoke post return RC-94-2026-0001234-R"
)]
pub(super) struct Post {
    /// Folder to write into.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What to write: letters, text messages of 160 characters, or the list of people to call.
    #[arg(long, value_enum, default_value_t = Route::Post)]
    channel: Route,
    /// Mark the letters of this manifest as posted.
    #[arg(long, value_name = "MANIFEST")]
    confirm: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Route {
    Post,
    Sms,
    Phone,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Record a letter that came back: unless an e-mail reached the person, the seat is free and the person due again
    #[command(after_long_help = "Example:
  convoke post return RC-94-2026-0001234-R --reason \"unknown at this address\"")]
    Return {
        /// Reference on the letter.
        reference: String,
        /// Show what it would do, and change nothing.
        #[arg(long)]
        dry_run: bool,
        /// Reason, kept in the ledger for good: do not name anyone.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
}

impl Post {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let config = session.configuration()?;
        let mut store = Session::store(&config, Use::Batch)?;
        match (&self.command, &self.out, &self.confirm) {
            (Some(Command::Return { reference, dry_run, reason }), ..) => {
                come_back(session, &mut store, reference, given(reason.as_ref())?, *dry_run)
            }
            (None, None, None) => {
                Err(Usage("give --out DIR to prepare letters, or --confirm MANIFEST once they have left".into()).into())
            }
            (None, out, confirm) => {
                // Confirm first: what has left is not prepared again.
                if let Some(manifest) = confirm {
                    let exit = Self::confirm(session, &mut store, &config, manifest)?;
                    if out.is_none() || exit != Exit::Done {
                        return Ok(exit);
                    }
                }
                if out.is_some() {
                    let channel = self.channel.to_possible_value().map(|v| v.get_name().to_owned());
                    session.reads(&mut store, "read.addresses", json!({"channel": channel}))?;
                }
                match (out, self.channel) {
                    (Some(out), Route::Post) => prepare(session, &mut store, &config, out),
                    (Some(out), Route::Sms) => calls(session, &mut store, &config, out, Telephone::Sms),
                    (Some(out), Route::Phone) => calls(session, &mut store, &config, out, Telephone::Phone),
                    (None, _) => Ok(Exit::Done),
                }
            }
        }
    }

    fn confirm(session: &Session, store: &mut Store, config: &Configuration, file: &Path) -> Result<Exit> {
        let text = fs::read_to_string(file).map_err(|e| BadData(format!("{}: {e}", file.display())))?;
        let manifest: Manifest = serde_json::from_str(&text)
            .map_err(|e| BadData(format!("{}: not a manifest of `convoke post`: {e}", file.display())))?;
        let question = format!("Mark the {} letters of batch {} as posted?", manifest.letters.len(), manifest.batch);
        if session.ask(&question)?.is_none() {
            return Ok(Exit::Done);
        }
        let done =
            post::confirm(store, config, &manifest, (&process::login(), None), session.clock.now()).map_err(|e| {
                // An error in the manifest is bad data; a database failure is not.
                if e.chain().count() == 1 { BadData(format!("{}: {e}", file.display())).into() } else { e }
            })?;
        let mut text = format!("{} letters marked as posted", done.posted);
        if done.already > 0 {
            write!(text, "; {} were already, by this batch", done.already)?;
        }
        text += ".\n";
        if !done.not_waiting.is_empty() {
            eprintln!(
                "convoke: {} letters of this batch no longer wait for the post (posted in another batch, or withdrawn): take them out of the pile: {}",
                done.not_waiting.len(),
                done.not_waiting.join(", ")
            );
        }
        if !done.taken_out.is_empty() {
            eprintln!(
                "convoke: {} letters of this batch no longer say what is true: take them out of the pile:",
                done.taken_out.len()
            );
            for letter in &done.taken_out {
                eprintln!("  {}  {}, page {}  {}", letter.reference, letter.file, letter.page, letter.reason);
            }
        }
        session.print(
            &json!({"schema": "convoke.posted/1", "batch": manifest.batch, "posted": done.posted,
            "already": done.already, "not_waiting": done.not_waiting, "taken_out": done.taken_out}),
            &text,
        )?;
        let all_left = done.not_waiting.is_empty() && done.taken_out.is_empty();
        Ok(if all_left { Exit::Done } else { Exit::LettersFailed })
    }
}

fn prepare(session: &Session, store: &mut Store, config: &Configuration, out: &Path) -> Result<Exit> {
    make_folder(out)?;
    let progress = session.progress();
    let batch = post::prepare(store, config, &session.clock, &|done, total| {
        progress.show(Stage::LayingOut.label(), done, total);
    })?;
    progress.clear();
    let (manifest, files) = batch.into_files()?;
    // Written in order, the manifest last: once it exists, all its files do.
    for (name, bytes) in &files {
        write_whole(&out.join(name), bytes)?;
    }
    let path = out.join(post::MANIFEST);
    let text = if manifest.letters.is_empty() {
        "No letter waits for the post.\n".to_owned()
    } else {
        format!(
            "{} letters in {} files, batch {}.\nOnce they have left: convoke post --confirm {}\n",
            manifest.letters.len(),
            manifest.files.len(),
            manifest.batch,
            path.display()
        )
    };
    list_exceptions("could not be printed", &manifest.exceptions);
    list_exceptions("must no longer be posted", &manifest.skipped);
    session.print(
        &json!({"schema": "convoke.post/1", "batch": manifest.batch, "letters": manifest.letters.len(),
        "files": manifest.files, "exceptions": manifest.exceptions, "skipped": manifest.skipped, "manifest": path}),
        &text,
    )?;
    Ok(if manifest.exceptions.is_empty() { Exit::Done } else { Exit::LettersFailed })
}

fn calls(session: &Session, store: &mut Store, config: &Configuration, out: &Path, list: Telephone) -> Result<Exit> {
    make_folder(out)?;
    let (calls, without) = post::calls(store, config, &session.clock, list)?;
    let name = if list == Telephone::Sms { "sms.csv" } else { "phone.csv" };
    let path = out.join(name);
    write_whole(&path, post::calls_csv(&calls).as_bytes())?;
    list_exceptions("have no usable number", &without);
    let text = format!("{} numbers in {}. The letters still wait for the post.\n", calls.len(), path.display());
    session.print(
        &json!({"schema": "convoke.calls/1", "calls": calls.len(), "without_number": without, "file": path}),
        &text,
    )?;
    Ok(Exit::Done)
}

fn come_back(session: &Session, store: &mut Store, reference: &str, reason: &str, dry_run: bool) -> Result<Exit> {
    let known = Reference::parse(reference).ok_or_else(|| {
        BadData(format!("{reference} is not a reference: check it; expected one such as RC-94-2026-0001234-R"))
    })?;
    let (login, now) = (process::login(), session.clock.now());
    let by = (login.as_str(), Some(reason));
    let would = store.rehearse(|store, _| post::come_back(store, &known, by, now))?;
    let Some(ended) = would else {
        return Err(BadData(format!("no letter {known} is posted: `convoke outbox list` shows its state")).into());
    };
    if !dry_run {
        let cost = if ended {
            "No e-mail reached the person: the appointment ends, its seat is free."
        } else {
            "The appointment stays."
        };
        if session.ask(&format!("Record that the letter of {known} came back? {cost}"))?.is_none() {
            return Ok(Exit::Interrupted);
        }
        post::come_back(store, &known, by, now)?;
    }
    let text = if ended {
        format!(
            "{known} came back: the convocation is undelivered, its seat free, the person due again at the next run.\n"
        )
    } else {
        format!(
            "{known} came back. An e-mail has reached the person, or the appointment is over: nothing else changes.\n"
        )
    };
    let text = if dry_run { format!("Nothing is changed. It would be so:\n{text}") } else { text };
    session.print(
        &json!({"schema": "convoke.return/1", "dry_run": dry_run, "reference": known.as_str(), "undelivered": ended}),
        &text,
    )?;
    Ok(Exit::Done)
}

fn list_exceptions(what: &str, letters: &[Exception]) {
    if !letters.is_empty() {
        eprintln!("convoke: {} letters {what}:", letters.len());
        for letter in letters {
            eprintln!("  {}  {}", letter.reference, letter.reason);
        }
    }
}
