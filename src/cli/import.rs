//! `convoke import`.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result};
use chrono::NaiveDate;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::Exit;
use super::failure::{BadData, Usage};
use super::session::Session;
use super::undo::Asked;
use convoke_machine::entropy::Entropy;
use convoke_machine::process;
use convoke_office::import::guide::Guide;
use convoke_office::import::result::{FileFault, write_report};
use convoke_office::import::{self, BadRows, Imported, Options};
use convoke_office::undo::undo_import;
use convoke_store::Use;

/// Import permits, slots, convocations made elsewhere, or what became of appointments
///
/// docs/FILES.md explains the files. Whatever kind a file is (CSV, XLSX, ODS), its encoding, separator, sheet and the
/// row of column names are found by content.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true,
    after_long_help = "Examples:
  convoke import permits permits.csv --full
  convoke import --columns permits"
)]
pub(super) struct Import {
    /// Print the columns of a kind of file: permits, slots, convocations, attendance.
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(KINDS))]
    columns: Option<String>,
    #[command(subcommand)]
    kind: Option<Kind>,
}

const KINDS: [&str; 4] = ["permits", "slots", "convocations", "attendance"];

#[derive(Debug, Subcommand)]
enum Kind {
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
    /// Take in an extract of permits that looked wrong and waits for a person
    #[command(after_long_help = "Example:
  convoke import confirm 3f2a9c01d7be --reason \"the register was renumbered on 3 March\"")]
    Confirm {
        /// Its id, as the import said.
        #[arg(value_name = "ID")]
        id: String,
        /// Why it is right; the ledger keeps it.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Undo the last import of permits: what it changed is again what it was
    ///
    /// People who were new are removed. What a night did on a wrong fact the next night takes back; appointments made
    /// and letters written since are listed. The file may then be imported again, corrected. Of the last twenty files it
    /// is kept what they changed; of the first extract it is not.
    #[command(after_long_help = "Examples:
  convoke import undo 12 --dry-run --reason \"the file of another office\"
  convoke import undo 12 --reason \"the file of another office\"")]
    Undo {
        /// Its number: `convoke undo` lists it, and `import --json` says it.
        #[arg(value_name = "IMPORT")]
        import: i64,
        /// Show what it would do, and change nothing.
        #[arg(long)]
        dry_run: bool,
        /// Why; the ledger keeps it.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
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
        if let Some(guide) = self.columns.as_deref().and_then(Guide::of) {
            return columns(session, guide);
        }
        match self.kind {
            Some(kind) => kind.execute(session),
            // The parser asks for one or the other.
            None => Err(Usage("name a kind of file, or ask for its --columns".into()).into()),
        }
    }
}

fn columns(session: &Session, guide: &Guide) -> Result<Exit> {
    let mut text = format!("{}\n\n", guide.about);
    let rows = guide.rows();
    for [name, presence, what, example] in &rows {
        let example = if example.is_empty() { String::new() } else { format!(" ({example})") };
        writeln!(text, "{name}: {what}{example}. Required: {presence}.")?;
    }
    let listed: Vec<_> = rows
        .iter()
        .map(|[name, presence, what, example]| {
            json!({"name": name, "required": presence, "what": what, "example": example})
        })
        .collect();
    session.print(&json!({"schema": "convoke.columns/1", "kind": guide.name, "columns": listed}), &text)?;
    Ok(Exit::Done)
}

impl Kind {
    fn execute(self, session: &Session) -> Result<Exit> {
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let progress = session.progress();
        let (actor, clock) = (process::login(), &session.clock);
        let reading = |file: &File| Options {
            mapping: file.mapping.clone(),
            dry_run: file.dry_run,
            bad_rows: if file.accept_valid { BadRows::LeaveOut } else { BadRows::Refuse },
            ..Options::default()
        };
        let (store, config, entropy) = (&mut store, &config, &mut Entropy::System);
        let result = match &self {
            Self::Permits { file, full, as_of, reason, .. } => {
                let show = |done, total| progress.show("importing", done, total);
                let options = Options { full: *full, as_of: *as_of, again: reason.clone(), ..reading(file) };
                import::permits(store, config, &file.path, &options, &actor, clock, entropy, &show).map(Some)
            }
            Self::Slots { file } => import::slots(store, config, &file.path, &reading(file), &actor, clock).map(Some),
            Self::Convocations { file } => {
                import::convocations(store, config, &file.path, &reading(file), &actor, clock, entropy).map(Some)
            }
            Self::Attendance { file } => {
                import::attendance(store, config, &file.path, &reading(file), &actor, clock).map(Some)
            }
            Self::Confirm { id, reason } => import::confirm(store, config, (id, reason), &actor, clock, entropy),
            Self::Undo { import, dry_run, reason } => {
                let question = format!("Undo import {import}?");
                let asked = Asked { question, dry_run: *dry_run, reason: reason.as_ref() };
                let what = json!({"schema": "convoke.import_undo/1", "import": import});
                return asked.carry_out(session, what, |store, hand, sure| undo_import(store, hand, *import, sure));
            }
        };
        progress.clear();
        match of_the_file(result)? {
            Some(imported) => show(session, &imported, matches!(self, Self::Attendance { .. })),
            None => Err(Usage("no extract waits under this id".into()).into()),
        }
    }
}

/// Any file that is not a table is bad data.
fn of_the_file<T>(result: Result<T>) -> Result<T> {
    result.map_err(|error| {
        if error.chain().any(<dyn std::error::Error + 'static>::is::<FileFault>) {
            return BadData(format!("{error:#}; nothing was changed")).into();
        }
        error
    })
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
    for column in &i.columns {
        let (name, changed, emptied) = (column.column, column.changed, column.emptied);
        let empty = if emptied > 0 { format!(", {emptied} of them to nothing") } else { String::new() };
        let rows = if changed == 1 { "row" } else { "rows" };
        eprintln!("{name}: changed in {changed} {rows}{empty}");
    }
    for doubt in i.doubts.iter().filter(|_| i.dry_run) {
        eprintln!("warning: it would wait for a person: {doubt}");
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
    let done = if i.nothing_new { "nothing new".to_owned() } else { done };
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
