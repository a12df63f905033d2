//! `convoke report`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::Result;
use chrono::{NaiveDate, TimeDelta};
use clap::{Args, Subcommand};
use serde_json::json;

use super::encrypt::encrypt;
use super::exit::Exit;
use super::failure::Usage;
use super::output::{make_folder, terminal_width};
use super::session::{Colour, Session, given};
use convoke_domain::ids::RunId;
use convoke_letters::Document;
use convoke_machine::files::{archive, read_folder, write_folder, write_whole};
use convoke_machine::process;
use convoke_office::run::{Asked, dossier, files_of_days, period, report};
use convoke_report::bundle;
use convoke_report::columns::{Columns, paragraph};
use convoke_report::period::bounds_of_week;
use convoke_report::terminal;
use convoke_settings::{ConfigError, Configuration};
use convoke_store::{Store, Use};

/// Report on a run or a period, in French: on the terminal, as JSON, or as a folder that can be verified
///
/// The folder holds the report as a page and as figures, one line per permit with what became of it, the plan with
/// everything it was made from, the ledger since the previous checkpoint, and a signature: `convoke verify DIR` checks
/// it on any machine. It names nobody unless --identified is given.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_long_help = "Examples:
  convoke report                                   the last run, on the terminal
  convoke report 94/2026-10-05/1 --out report/     for an auditor
  convoke report 94/2026-10-05/1 --out named/ --identified --reason \"complaint 12/2026\"
  convoke report 94/2026-10-05/1 --out named/ --identified --reason \"complaint 12/2026\" --encrypt-to age1…
  convoke report --from 2026-07-01 --to 2026-12-31 --out semester/
                                                   appointments by week and desk, waits, how permits ended
  convoke report outcomes --week                   how each permit ended that expired last week"
)]
pub(super) struct Report {
    /// Run, such as 94/2026-10-05/1; the last one by default.
    run: Option<String>,
    /// Report on the period from this day, instead of a run.
    #[arg(long, value_name = "DATE", requires = "to", conflicts_with = "run")]
    from: Option<NaiveDate>,
    /// To this day, inclusive.
    #[arg(long, value_name = "DATE", requires = "from")]
    to: Option<NaiveDate>,
    /// Write the whole report into this folder, or nothing; for a period, its tables.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Name people in outcomes.csv; the ledger records who asked, and why.
    #[arg(long, requires = "out")]
    identified: bool,
    /// Encrypt for this recipient with the program `age` (age-encryption.org): one archive in DIR, and nothing in
    /// clear. `age -d` and `unzip` restore the folder that `convoke verify` checks.
    #[arg(long, value_name = "RECIPIENT", requires = "out", conflicts_with = "from")]
    encrypt_to: Option<String>,
    /// Why people are named, kept in the ledger for good: do not name anyone.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(subcommand)]
    command: Option<OfDays>,
}

#[derive(Debug, Subcommand)]
enum OfDays {
    /// Show how each permit that expired in a week ended: filed in time, convoked without trace, too late, or never
    ///
    /// The only true measure of what is promised. Permits are listed by their opaque id.
    #[command(after_long_help = "Examples:
  convoke report outcomes --week
  convoke report outcomes --week 2026-10-05 --out week-41")]
    Outcomes {
        /// Any day of the week; last week by default.
        #[arg(long, value_name = "DATE", num_args = 0..=1)]
        week: Vec<NaiveDate>,
        /// Write the lists as CSV and XLSX into this folder.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

impl Report {
    pub(super) fn execute(self, session: &Session) -> Result<Exit> {
        let config = session.configuration_to_read()?;
        // Reads little from many tables: mapped pages would count as its memory.
        let mut store = Session::store(&config, Use::Worker)?;
        if let Some(OfDays::Outcomes { week, out }) = &self.command {
            let last_week = session.clock.today(config.settings.prefecture.zone) - TimeDelta::days(7);
            let (from, to) = bounds_of_week(week.first().copied().unwrap_or(last_week));
            return of_days(session, &mut store, &config, from, to, out.as_deref());
        }
        if let (Some(from), Some(to)) = (self.from, self.to) {
            if to < from {
                return Err(Usage(format!("--to {to} is before --from {from}")).into());
            }
            return of_days(session, &mut store, &config, from, to, self.out.as_deref());
        }
        let id = match self.run {
            Some(run) => RunId(run),
            None => store
                .runs(1)?
                .pop()
                .map(|r| RunId(r.run_id))
                .ok_or_else(|| ConfigError("there is no run yet: `convoke run`".into()))?,
        };
        let report = match &self.out {
            Some(dir) => {
                if let Some(recipient) = &self.encrypt_to {
                    // Before anything is read: fails on a malformed recipient, or without `age`.
                    encrypt(b"", recipient)?;
                    refuse_what_is_clear(dir)?;
                }
                if self.identified {
                    let reason = given(self.reason.as_ref())?;
                    session.reads(&mut store, "read.report", json!({"run": id, "reason": reason}))?;
                }
                let asked = Asked { by: process::login(), at: session.clock.now(), identified: self.identified };
                let progress = session.progress();
                progress.show("gathering", 0, 0);
                let (report, files) = dossier(&mut store, &config, &id, &asked)?;
                match &self.encrypt_to {
                    None => {
                        write_folder(dir, is_report, &files)?;
                        progress.clear();
                        eprintln!("The report of run {id} is in {}: {} files.", dir.display(), files.len());
                    }
                    Some(recipient) => {
                        let zip = archive(files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())))?;
                        let named = if self.identified { "-named" } else { "" };
                        let path = dir.join(format!("report-{}{named}.zip.age", id.0.replace('/', "-")));
                        let sealed = encrypt(&zip, recipient)?;
                        make_folder(dir)?;
                        write_whole(&path, &sealed)?;
                        progress.clear();
                        eprintln!("The report of run {id} is {}, for {recipient} alone.", path.display());
                    }
                }
                match &config.seal {
                    Some(seal) => eprintln!("Signed by the key {}.", seal.public().fingerprint()),
                    None => eprintln!(
                        "NOT SIGNED: there is no key. Set `[audit] key_file`, then run `convoke keys generate`."
                    ),
                }
                report
            }
            None => report(&mut store, &config, &id)?,
        };
        let colour = match session.global.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => std::io::stdout().is_terminal(),
        };
        let width = terminal_width();
        session.print(&report, &terminal(&report, width, colour))?;
        Ok(Exit::Done)
    }
}

/// Encrypted files are not put next to files that everyone can read.
fn refuse_what_is_clear(dir: &Path) -> Result<()> {
    let Ok(files) = std::fs::read_dir(dir) else { return Ok(()) };
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    match names.into_iter().find(|name| !name.ends_with(".zip.age")) {
        Some(name) => {
            Err(Usage(format!("{} holds {name}, which is not encrypted: name another folder", dir.display())).into())
        }
        None => Ok(()),
    }
}

/// Whether a folder holds an earlier report and nothing else.
fn is_report(folder: &Path) -> bool {
    let Ok(files) = read_folder(folder) else { return false };
    bundle::is_one(files.get(bundle::MANIFEST).map(Vec::as_slice), files.keys().map(String::as_str))
}

/// Prints the figures of a period.
fn of_days(
    session: &Session,
    store: &mut Store,
    config: &Configuration,
    from: NaiveDate,
    to: NaiveDate,
    out: Option<&Path>,
) -> Result<Exit> {
    let today = session.clock.today(config.settings.prefecture.zone);
    let period = period(store, config, from, to, today)?;
    let document = period.document();
    if let Some(out) = out {
        let (files, unprinted) = files_of_days(store, config, &period, today)?;
        make_folder(out)?;
        for (name, bytes) in &files {
            write_whole(&out.join(name), bytes)?;
        }
        if let Some(error) = unprinted {
            eprintln!("convoke: no period.pdf: {error}");
        }
        eprintln!("The figures from {from} to {to} are in {}.", out.display());
    }
    session.print(&period, &on_terminal(&document, terminal_width()))?;
    Ok(Exit::Done)
}

/// A document as text.
fn on_terminal(document: &Document, width: u16) -> String {
    let mut text = paragraph("", &document.title, width);
    text.extend(document.lead.iter().map(|said| paragraph("", said, width)));
    for section in &document.sections {
        text.extend(["\n", &section.heading.to_uppercase(), "\n"]);
        text.extend(section.text.iter().map(|said| paragraph("", said, width)));
        for table in &section.tables {
            let numeric = table.numeric.iter().enumerate().filter(|(_, numeric)| **numeric).map(|(i, _)| i);
            let mut drawn = Columns::new(width).header(&table.header).right(numeric);
            for row in &table.rows {
                drawn.row(row);
            }
            text += &drawn.text();
        }
    }
    text
}
