//! Imports: bytes to typed rows or row errors, and valid rows into the database. A file is imported or refused as a
//! whole, unless only its valid rows are requested; a refused file changes nothing. Importing the same file twice
//! changes nothing.

pub mod attendance;
pub mod convocations;
pub mod duplicates;
mod field;
pub mod guide;
pub mod mapping;
mod order;
pub mod permits;
mod plausible;
mod rejects;
pub mod result;
pub mod slots;
pub mod table;
mod waiting;
pub mod wording;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::mapping::Mapping;
use self::rejects::Rejects;
use self::result::{FileFault, RowError, Warning};
use self::table::{Layout, Record, Table};
use convoke_domain::ledger::Event;
use convoke_machine::clock::Clock;
use convoke_settings::Configuration;
use convoke_store::{ColumnChange, Merged, Store};

pub use self::attendance::take as attendance;
pub use self::convocations::take as convocations;
pub use self::permits::take as permits;
pub use self::slots::take as slots;
pub use self::waiting::confirm;

/// What to do with a file that has bad rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum BadRows {
    /// Refuse the whole file.
    #[default]
    Refuse,
    /// Import the valid rows; the bad ones go to `FILE.rejects.csv`.
    LeaveOut,
    /// The same, unless more than this percentage of rows is bad: it is then probably the wrong file.
    LeaveOutUpTo(f64),
}

impl BadRows {
    fn allows(self, bad: usize, read: u64) -> bool {
        match self {
            Self::Refuse => bad == 0,
            Self::LeaveOut => true,
            Self::LeaveOutUpTo(percent) => bad as f64 * 100.0 <= percent * read as f64,
        }
    }
}

/// How to import a file.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Names of columns and values in a préfecture's own extract.
    pub mapping: Option<PathBuf>,
    /// Report what would happen, and change nothing.
    pub dry_run: bool,
    /// What to do with bad rows.
    pub bad_rows: BadRows,
    /// The file is a full extract: permits missing from it are marked absent.
    pub full: bool,
    /// The day whose facts an extract has, if neither its column nor its name says so.
    pub as_of: Option<NaiveDate>,
    /// Somebody has looked at an extract that waited, and confirms it.
    pub confirmed: Option<Confirmed>,
    /// Why an extract is taken in that is older than the last one, or was taken in before it.
    pub again: Option<String>,
}

/// An extract that waited, as it is confirmed.
#[derive(Clone, Debug)]
pub struct Confirmed {
    /// The day whose facts it has.
    pub as_of: NaiveDate,
    /// SHA-256 of the file that was looked at.
    pub sha256: String,
    /// Why it is right.
    pub reason: String,
}

/// The result, as `import … --json` prints it.
#[derive(Clone, Debug, Serialize)]
pub struct Imported {
    /// `convoke.import/1`.
    pub schema: &'static str,
    /// Its number, if it was recorded.
    pub import: Option<i64>,
    /// Rows read.
    pub read: u64,
    /// New rows.
    pub inserted: u64,
    /// Changed rows.
    pub updated: u64,
    /// Unchanged rows.
    pub unchanged: u64,
    /// Absent from a full extract for the first time.
    pub vanished: u64,
    /// Rows of an attendance sheet without a mark.
    pub unmarked: u64,
    /// Bad rows.
    pub rejected: Vec<RowError>,
    /// Warnings about rows that were imported.
    pub warnings: Vec<Warning>,
    /// Warnings beyond those listed.
    pub more_warnings: u64,
    /// Columns that were ignored.
    pub unknown_columns: Vec<String>,
    /// Encoding of the file.
    pub encoding: String,
    /// Separator of a CSV.
    pub separator: Option<char>,
    /// Sheet of a workbook.
    pub sheet: Option<String>,
    /// Line or row with the names of the columns.
    pub header_row: u64,
    /// The rows above it, which were skipped.
    pub skipped: Vec<String>,
    /// The day whose facts an extract of permits has.
    pub as_of: Option<NaiveDate>,
    /// Another extract of the same day was taken in before: this one holds where they differ.
    pub same_day: bool,
    /// The extract that was taken in last, again: it says nothing new, and is not recorded a second time.
    pub nothing_new: bool,
    /// What differs from the permits that are stored, by column.
    pub columns: Vec<ColumnChange>,
    /// What looks wrong.
    pub doubts: Vec<String>,
    /// It waits for `convoke import confirm ID`.
    pub waiting: Option<String>,
    /// Why the file was refused, if it was.
    pub refused: Option<String>,
    /// Whether this was a dry run.
    pub dry_run: bool,
    /// File with the bad rows.
    pub rejects_file: Option<PathBuf>,
}

/// Bad rows after which reading stops: it is probably the wrong file.
const ERRORS_MAX: usize = 100_000;
/// Warnings listed at most; the rest are counted.
const WARNINGS_MAX: usize = 10_000;
/// The result of reading a file, besides its valid rows.
#[derive(Default)]
struct Findings {
    read: u64,
    errors: Vec<RowError>,
    warnings: Vec<Warning>,
    more_warnings: u64,
}

impl Findings {
    fn of_rows(
        table: &mut Table,
        mut take: impl FnMut(&Record) -> Result<Vec<Warning>, Vec<RowError>>,
    ) -> Result<Self, FileFault> {
        let mut findings = Self::default();
        let mut record = table.record();
        let mut records = table.records()?;
        while records.read(&mut record)? {
            findings.read += record.rows();
            match take(&record) {
                Ok(warnings) => findings.warn(warnings),
                Err(errors) => {
                    if !findings.reject(errors) {
                        break;
                    }
                }
            }
        }
        Ok(findings)
    }

    fn warn(&mut self, warnings: impl IntoIterator<Item = Warning>) {
        for warning in warnings {
            if self.warnings.len() < WARNINGS_MAX {
                self.warnings.push(warning);
            } else {
                self.more_warnings += 1;
            }
        }
    }

    /// Keeps the errors of a row. Returns whether to go on.
    fn reject(&mut self, errors: Vec<RowError>) -> bool {
        self.errors.extend(errors);
        self.errors.len() <= ERRORS_MAX
    }
}

/// An import in progress: the file, how it is read, the result so far.
struct Opened<'a> {
    path: &'a Path,
    options: &'a Options,
    table: Table,
    imported: Imported,
}

impl<'a> Opened<'a> {
    fn open(path: &'a Path, layout: &Layout, options: &'a Options) -> Result<Self> {
        let mapping = match &options.mapping {
            None => Mapping::default(),
            Some(file) => Mapping::read(file, layout)?,
        };
        let table = Table::open(path, layout, &mapping).with_context(|| format!("reading {}", path.display()))?;
        let imported = Imported::of(&table, options);
        Ok(Self { path, options, table, imported })
    }

    /// Calls `take` for each row; it keeps the row or returns its errors.
    fn each_row(&mut self, take: impl FnMut(&Record) -> Result<Vec<Warning>, Vec<RowError>>) -> Result<Findings> {
        Findings::of_rows(&mut self.table, take).with_context(|| format!("reading {}", self.path.display()))
    }

    /// Records the import, in the transaction that imports the rows.
    fn remember(&mut self, store: &mut Store, kind: &'static str, by: &By<'_>) -> Result<()> {
        let Imported { read, inserted, updated, .. } = self.imported;
        let rejected = self.imported.rejected_rows().len() as u64;
        let sha256 = &self.table.sha256;
        let days = [by.today, self.imported.as_of.unwrap_or(by.today)];
        let counts = [read, inserted, updated, rejected];
        self.imported.import = Some(store.remember_import(kind, by.now.naive_utc(), days, sha256, counts)?);
        self.enter(store, kind, by)
    }

    /// Only the ledger entry: for kinds of files whose age no run checks.
    fn enter(&self, store: &mut Store, kind: &'static str, by: &By<'_>) -> Result<()> {
        let Imported { read, inserted, updated, vanished, .. } = self.imported;
        let rejected = self.imported.rejected_rows().len() as u64;
        let sha256 = &self.table.sha256;
        let mut payload = json!({"kind": kind, "sha256": sha256, "read": read, "inserted": inserted, "updated": updated,
            "vanished": vanished, "rejected": rejected, "import": self.imported.import});
        if let Some(as_of) = self.imported.as_of {
            payload["as_of"] = json!(as_of);
            payload["again"] = json!(self.options.again);
            payload["confirmed"] = json!(self.options.confirmed.as_ref().map(|confirmed| &confirmed.reason));
        }
        let event = Event { kind: "import.done", payload };
        store.record(by.actor, by.now, vec![event])
    }

    /// Writes the bad rows to their file, unchanged. The file is read again, because the bad rows were not yet known
    /// the first time.
    fn finish(self) -> Result<Imported> {
        let Self { path, options, mut table, mut imported } = self;
        if imported.rejected.is_empty() || options.dry_run || imported.refused.is_some() {
            return Ok(imported);
        }
        let target = PathBuf::from(format!("{}.rejects.csv", path.display()));
        let mut by_row: BTreeMap<u64, Vec<RowError>> = BTreeMap::new();
        for error in &imported.rejected {
            by_row.entry(error.row).or_default().push(error.clone());
        }
        let folder = path.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut rejects = Rejects::create(folder, &table).with_context(|| format!("writing {}", target.display()))?;
        let mut record = table.record();
        let mut records = table.records()?;
        while records.read(&mut record)? {
            if let Some(errors) = by_row.get(&record.row()) {
                rejects.write(&record, errors)?;
            }
        }
        rejects.finish(&target).with_context(|| format!("writing {}", target.display()))?;
        imported.rejects_file = Some(target);
        Ok(imported)
    }
}

/// Who imports a file, and when.
struct By<'a> {
    actor: &'a str,
    now: DateTime<Utc>,
    today: NaiveDate,
}

impl<'a> By<'a> {
    fn of(actor: &'a str, clock: &Clock, config: &Configuration) -> Self {
        Self { actor, now: clock.now(), today: clock.today(config.settings.prefecture.zone) }
    }
}

impl Imported {
    fn of(table: &Table, options: &Options) -> Self {
        Self {
            schema: "convoke.import/1",
            import: None,
            read: 0,
            inserted: 0,
            updated: 0,
            unchanged: 0,
            vanished: 0,
            unmarked: 0,
            rejected: Vec::new(),
            warnings: Vec::new(),
            more_warnings: 0,
            unknown_columns: table.unknown_columns.clone(),
            encoding: table.encoding.to_string(),
            separator: table.separator,
            sheet: table.sheet.clone(),
            header_row: table.header_row,
            skipped: table.skipped.clone(),
            as_of: None,
            same_day: false,
            nothing_new: false,
            columns: Vec::new(),
            doubts: Vec::new(),
            waiting: None,
            refused: None,
            dry_run: options.dry_run,
            rejects_file: None,
        }
    }

    fn take_findings(&mut self, findings: Findings, options: &Options) {
        let Findings { read, mut errors, warnings, more_warnings } = findings;
        errors.sort_by_key(|e| e.row);
        let too_many = errors.len() > ERRORS_MAX;
        (self.read, self.warnings, self.more_warnings, self.rejected) = (read, warnings, more_warnings, errors);
        let bad = self.rejected_rows().len();
        if too_many {
            self.refuse(format!("more than {ERRORS_MAX} errors: is this the right file, and the right mapping?"));
        } else if !options.bad_rows.allows(bad, read) {
            self.refuse(format!("{bad} bad rows; correct them, or take the others with --accept-valid"));
        }
    }

    fn refuse(&mut self, why: String) {
        (self.inserted, self.updated, self.unchanged, self.vanished, self.unmarked) = (0, 0, 0, 0, 0);
        self.refused = Some(why);
    }

    fn count(&mut self, changes: &Merged) {
        let taken = self.read - self.rejected_rows().len() as u64;
        (self.inserted, self.updated, self.vanished) = (changes.inserted, changes.updated, changes.vanished);
        self.unchanged = taken.saturating_sub(changes.inserted + changes.updated);
        self.columns.clone_from(&changes.columns);
    }

    fn rejected_rows(&self) -> BTreeSet<u64> {
        self.rejected.iter().map(|e| e.row).collect()
    }
}
