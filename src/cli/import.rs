//! `convoke import`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use chrono::NaiveDate;
use clap::{Args, Subcommand};

use super::exit::Exit;
use super::failure::BadData;
use super::session::Session;
use convoke_machine::entropy::Entropy;
use convoke_machine::process;
use convoke_office::import::result::{FileFault, write_report};
use convoke_office::import::{self, BadRows, Imported, Options};
use convoke_store::Use;

#[derive(Debug, Subcommand)]
pub(super) enum Import {
    /// Permits and their holders
    ///
    /// CSV, XLSX or ODS. The same file twice changes nothing.
    #[command(after_long_help = "Examples:
  convoke import permits permits.csv --full
  convoke import permits extract.xlsx --mapping config/mapping.toml --dry-run")]
    Permits {
        #[command(flatten)]
        file: File,
        /// The file is the whole extract: permits missing from it become `absent-from-extract`.
        #[arg(long)]
        full: bool,
        /// The day whose facts the extract has, if neither its column `date_extrait` nor its name says so; else today.
        #[arg(long, value_name = "DATE")]
        as_of: Option<NaiveDate>,
        /// Take in an extract that is older than the last one, or was taken in before it.
        #[arg(long, requires = "reason")]
        again: bool,
        /// Why it is taken in again; the ledger keeps it.
        #[arg(long, value_name = "TEXT", requires = "again")]
        reason: Option<String>,
    },
    /// Slots made elsewhere
    ///
    /// Columns: site, guichet, date, heure, `duree_min`, places.
    #[command(after_long_help = "Example:
  convoke import slots slots.csv --dry-run")]
    Slots {
        #[command(flatten)]
        file: File,
    },
    /// Convocations made before this program: firm, without a letter, their seats taken
    ///
    /// Columns: `numero_etranger`, site, guichet, date, heure. The slots must exist and the people must be known.
    #[command(after_long_help = "Example:
  convoke import convocations convocations.csv")]
    Convocations {
        #[command(flatten)]
        file: File,
    },
    /// What became of appointments: honore, absent, incomplet, annule
    ///
    /// Columns: reference, presence; the completed CSV of `convoke agenda sheet` or
    /// `convoke agenda awaiting-mark --csv`. Rows without a mark are ignored. People marked honore have filed and are
    /// not convoked again; those marked absent, incomplet or annule are due again at the next run. annule frees the
    /// seat, writes no letter, and is the only mark accepted before the day. A mark is final: a different mark for the
    /// same appointment is a row error that says what to do instead.
    #[command(after_long_help = "Examples:
  convoke import attendance feuille-94-2026-12-01-creteil-guichet.csv
  convoke import attendance marks.xlsx --accept-valid")]
    Attendance {
        #[command(flatten)]
        file: File,
    },
}

#[derive(Debug, Args)]
pub(super) struct File {
    /// CSV, XLSX or ODS.
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// TOML file that maps the columns and values of the préfecture's own extract.
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Report what would happen, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Take the good rows; bad ones go to FILE.rejects.csv, each with its reason.
    #[arg(long)]
    accept_valid: bool,
}

impl Import {
    pub(super) fn execute(self, session: &Session) -> Result<Exit> {
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let progress = session.progress();
        let (actor, clock) = (process::login(), &session.clock);
        let file = match &self {
            Self::Permits { file, .. }
            | Self::Slots { file }
            | Self::Convocations { file }
            | Self::Attendance { file } => file,
        };
        let bad_rows = if file.accept_valid { BadRows::LeaveOut } else { BadRows::Refuse };
        let mut options =
            Options { mapping: file.mapping.clone(), dry_run: file.dry_run, bad_rows, ..Options::default() };
        if let Self::Permits { full, as_of, reason, .. } = &self {
            (options.full, options.as_of, options.again) = (*full, *as_of, reason.clone());
        }
        let result = match &self {
            Self::Permits { .. } => {
                let show = |done, total| progress.show("importing", done, total);
                import::permits(&mut store, &config, &file.path, &options, &actor, clock, &mut Entropy::System, &show)
            }
            Self::Slots { .. } => import::slots(&mut store, &config, &file.path, &options, &actor, clock),
            Self::Convocations { .. } => {
                import::convocations(&mut store, &config, &file.path, &options, &actor, clock, &mut Entropy::System)
            }
            Self::Attendance { .. } => import::attendance(&mut store, &config, &file.path, &options, &actor, clock),
        };
        progress.clear();
        let imported = match result {
            // Any file that is not a table is bad data.
            Err(error) if error.chain().any(<dyn std::error::Error + 'static>::is::<FileFault>) => {
                return Err(BadData(format!("{error:#}; nothing was changed")).into());
            }
            other => other?,
        };
        show(session, &imported, matches!(self, Self::Attendance { .. }))
    }
}

fn show(session: &Session, imported: &Imported, marks: bool) -> Result<Exit> {
    let i = imported;
    let mut err = std::io::stderr().lock();
    for warning in i.warnings.iter().take(20) {
        use std::io::Write;
        writeln!(err, "warning: {warning}").context("writing")?;
    }
    let hidden = i.warnings.len().saturating_sub(20) as u64 + i.more_warnings;
    if hidden > 0 {
        eprintln!("warning: and {hidden} more; --json lists them");
    }
    if !i.skipped.is_empty() {
        let (row, skipped) = (i.header_row, i.skipped.join("\", \""));
        eprintln!("warning: line {row} names the columns; what stands above it was skipped: \"{skipped}\"");
    }
    if !i.unknown_columns.is_empty() {
        eprintln!("warning: columns that are ignored: {}", i.unknown_columns.join(", "));
    }
    if !session.global.json {
        write_report(&mut err, &i.rejected)?;
    }
    let separator = i.separator.map(|s| format!(", separator `{}`", s.escape_default())).unwrap_or_default();
    let sheet = i.sheet.as_ref().map(|sheet| format!(", sheet \"{sheet}\"")).unwrap_or_default();
    let tried = if i.dry_run { " (dry run: nothing was changed)" } else { "" };
    let (read, encoding, updated, unchanged, errors) = (i.read, &i.encoding, i.updated, i.unchanged, i.rejected.len());
    let done = if marks {
        format!("{updated} marked, {unchanged} already known, {} without a mark, {errors} errors", i.unmarked)
    } else {
        let (new, absent) = (i.inserted, i.vanished);
        format!("{new} new, {updated} changed, {unchanged} unchanged, {absent} absent, {errors} errors")
    };
    if i.same_day {
        eprintln!("Another extract of the same day was taken in before: where they differ, this one holds.");
    }
    let tried = if i.nothing_new { ": nothing new" } else { tried };
    let text = format!("{read} rows read ({encoding}{separator}{sheet}): {done}{tried}.\n");
    session.print(imported, &text)?;
    if let Some(file) = &i.rejects_file {
        eprintln!("The bad rows are in {}.", file.display());
    }
    match &i.refused {
        Some(why) => Err(BadData(format!("the file was refused, and nothing was changed: {why}")).into()),
        None => Ok(Exit::Done),
    }
}
