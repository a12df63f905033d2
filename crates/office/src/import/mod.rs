//! Files in: bytes to typed rows or row errors, and good rows into the database. A file is taken or refused whole, unless
//! the valid rows alone are asked for; a refused file changes nothing. The same file twice changes nothing.

pub mod attendance;
pub mod convocations;
pub mod duplicates;
mod field;
pub mod mapping;
pub mod permits;
pub mod result;
pub mod slots;
pub mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::json;

use self::mapping::Mapping;
use self::result::{FileFault, Rejects, RowError, Warning};
use self::table::{Layout, Record, Table};
use convoke_domain::ledger::Event;
use convoke_machine::clock::Clock;
use convoke_settings::Configuration;
use convoke_store::{Merged, Store};

pub use self::attendance::take as attendance;
pub use self::convocations::take as convocations;
pub use self::permits::take as permits;
pub use self::slots::take as slots;

/// What is done about a file with bad rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum BadRows {
    /// It is refused whole.
    #[default]
    Refuse,
    /// Its good rows are taken; the bad ones go to `FILE.rejects.csv`.
    LeaveOut,
    /// The same, while at most so many in a hundred are bad: else it is another file than it was taken for.
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

/// How a file is to be taken.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Names of columns and values in a préfecture's own extract.
    pub mapping: Option<PathBuf>,
    /// Say what would happen, and change nothing.
    pub dry_run: bool,
    /// What is done about bad rows.
    pub bad_rows: BadRows,
    /// The file is the whole extract: permits that it lacks are absent.
    pub full: bool,
}

/// `import … --json`.
#[derive(Clone, Debug, Serialize)]
pub struct Imported {
    /// `convoke.import/1`.
    pub schema: &'static str,
    /// Rows read.
    pub read: u64,
    /// New.
    pub inserted: u64,
    /// Changed.
    pub updated: u64,
    /// Known as they are.
    pub unchanged: u64,
    /// Absent from a full extract for the first time.
    pub vanished: u64,
    /// Rows of an attendance sheet on which nobody has put a mark yet.
    pub unmarked: u64,
    /// Bad rows.
    pub rejected: Vec<RowError>,
    /// Odd rows that were taken.
    pub warnings: Vec<Warning>,
    /// Warnings beyond those that are listed.
    pub more_warnings: u64,
    /// Columns that nothing reads.
    pub unknown_columns: Vec<String>,
    /// Encoding of the file.
    pub encoding: String,
    /// Separator of a CSV.
    pub separator: Option<char>,
    /// Why nothing was taken, if so.
    pub refused: Option<String>,
    /// Whether it was only tried.
    pub dry_run: bool,
    /// Where the bad rows are.
    pub rejects_file: Option<PathBuf>,
}

/// More bad rows than this: it is not the file that it was taken for.
const ERRORS_MAX: usize = 100_000;
/// Warnings listed; the others are counted.
const WARNINGS_MAX: usize = 10_000;
/// What reading a file gave, besides its good rows.
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
            findings.read += 1;
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

    /// Whether to go on.
    fn reject(&mut self, errors: Vec<RowError>) -> bool {
        self.errors.extend(errors);
        self.errors.len() <= ERRORS_MAX
    }
}

/// A file being taken in: where it is, how it is read, what came of it.
struct Opened<'a> {
    path: &'a Path,
    layout: &'a Layout,
    options: &'a Options,
    mapping: Mapping,
    table: Table,
    imported: Imported,
}

impl<'a> Opened<'a> {
    fn open(path: &'a Path, layout: &'a Layout, options: &'a Options) -> Result<Self> {
        let mapping = match &options.mapping {
            None => Mapping::default(),
            Some(file) => {
                let text =
                    fs::read_to_string(file).with_context(|| format!("reading the mapping {}", file.display()))?;
                Mapping::parse(&text, layout).with_context(|| format!("the mapping {}", file.display()))?
            }
        };
        let table = Table::open(path, layout, &mapping).with_context(|| format!("reading {}", path.display()))?;
        let imported = Imported::of(&table, options);
        Ok(Self { path, layout, options, mapping, table, imported })
    }

    /// Gives each row to `take`, which keeps it or names what is wrong with it.
    fn each_row(&mut self, take: impl FnMut(&Record) -> Result<Vec<Warning>, Vec<RowError>>) -> Result<Findings> {
        Findings::of_rows(&mut self.table, take).with_context(|| format!("reading {}", self.path.display()))
    }

    /// Writes down that the file was taken in, in the transaction that takes it in.
    fn remember(&self, store: &mut Store, kind: &'static str, by: &By<'_>) -> Result<()> {
        let Imported { read, inserted, updated, .. } = self.imported;
        let rejected = self.imported.rejected_rows().len() as u64;
        let sha256 = &self.table.sha256;
        store.remember_import(kind, by.now.naive_utc(), by.today, sha256, [read, inserted, updated, rejected])?;
        self.enter(store, kind, by)
    }

    /// The entry of the ledger alone: for files of which no night asks how old they are.
    fn enter(&self, store: &mut Store, kind: &'static str, by: &By<'_>) -> Result<()> {
        let Imported { read, inserted, updated, vanished, .. } = self.imported;
        let rejected = self.imported.rejected_rows().len() as u64;
        let sha256 = &self.table.sha256;
        let event = Event {
            kind: "import.done",
            payload: json!({"kind": kind, "sha256": sha256, "read": read, "inserted": inserted, "updated": updated,
                "vanished": vanished, "rejected": rejected}),
        };
        store.record(by.actor, by.now, vec![event])
    }

    /// The bad rows go to their file: as they are, read a second time, for the first did not know yet which they are.
    fn finish(self) -> Result<Imported> {
        let Self { path, layout, options, mapping, mut imported, .. } = self;
        if imported.rejected.is_empty() || options.dry_run || imported.refused.is_some() {
            return Ok(imported);
        }
        let target = PathBuf::from(format!("{}.rejects.csv", path.display()));
        let mut by_row: BTreeMap<u64, Vec<RowError>> = BTreeMap::new();
        for error in &imported.rejected {
            by_row.entry(error.row).or_default().push(error.clone());
        }
        let mut table = Table::open(path, layout, &mapping).with_context(|| format!("reading {}", path.display()))?;
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

/// Who takes a file in, and when.
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

    fn count(&mut self, changes: Merged) {
        let taken = self.read - self.rejected_rows().len() as u64;
        (self.inserted, self.updated, self.vanished) = (changes.inserted, changes.updated, changes.vanished);
        self.unchanged = taken.saturating_sub(changes.inserted + changes.updated);
    }

    fn rejected_rows(&self) -> BTreeSet<u64> {
        self.rejected.iter().map(|e| e.row).collect()
    }
}
