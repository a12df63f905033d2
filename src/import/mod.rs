//! Files in: bytes to typed rows or row errors, and good rows into the database. A file is taken or refused whole, unless
//! the valid rows alone are asked for; a refused file changes nothing. The same file twice changes nothing.

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
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::json;

use self::duplicates::{Duplicates, Row, holder_fingerprint, permit_fingerprint};
use self::mapping::Mapping;
use self::result::{FileFault, Rejects, RowError, Warning};
use self::table::{Layout, Table};
use crate::agenda::Slot;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::ids::{IdKey, SlotId};
use crate::ledger::Event;
use crate::settings::Configuration;
use crate::store::{ElsewhereFault, ImportedRow, Merged, Placement, Staged, Store};

/// How a file is to be taken.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Names of columns and values in a préfecture's own extract.
    pub mapping: Option<PathBuf>,
    /// Say what would happen, and change nothing.
    pub dry_run: bool,
    /// Take the good rows; the bad ones go to `FILE.rejects.csv`.
    pub accept_valid: bool,
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
/// Rows handed over from the parser to the database at once.
const BATCH: usize = 2_000;

/// What reading a file gave, besides its good rows.
#[derive(Default)]
struct Findings {
    read: u64,
    errors: Vec<RowError>,
    warnings: Vec<Warning>,
    more_warnings: u64,
}

impl Findings {
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

/// Takes in permits and their holders. `progress` is told bytes done and bytes in all.
#[expect(clippy::too_many_arguments, reason = "the shell of an import: where from, where to, who, when")]
pub fn permits(
    store: &mut Store,
    config: &Configuration,
    path: &Path,
    options: &Options,
    actor: &str,
    clock: &Clock,
    entropy: &mut Entropy,
    progress: &dyn Fn(u64, u64),
) -> Result<Imported> {
    let mapping = mapping(options, &permits::LAYOUT)?;
    let mut table = open(path, &permits::LAYOUT, &mapping)?;
    let id_key = store.id_key(entropy)?;
    store.open_stage()?;
    let (sha256, bytes) = (table.sha256.clone(), table.bytes);
    let mut imported = Imported::of(&table, options);

    // A parser of its own thread, a few batches ahead: memory does not grow with the file.
    let (batches, received) = mpsc::sync_channel::<(Vec<Staged>, u64)>(4);
    let prefecture = store.prefecture().to_owned();
    // The stage is a temporary table: nobody else waits for this transaction.
    let mut findings = thread::scope(|scope| {
        let parser = scope.spawn(|| {
            // Dropped at the end: the receiver then knows that nothing more comes.
            let batches = batches;
            parse_permits(&mut table, &id_key, &prefecture, &batches)
        });
        let staged = store.read(|s| {
            for (batch, position) in received {
                s.stage(&batch)?;
                progress(position, bytes);
            }
            Ok(())
        });
        // The channel's end is dropped with the loop: a parser that still sends then stops.
        let findings = parser.join().map_err(|_| anyhow::anyhow!("reading the file ended in a panic"))?;
        staged?;
        findings.with_context(|| format!("reading {}", path.display()))
    })?;
    progress(bytes, bytes);

    let elsewhere = store.staged_under_another_holder()?;
    findings.errors.extend(
        elsewhere.iter().map(|row| {
            RowError::new(*row, "numero_titre", "", "a permit that is not another holder's in the database")
        }),
    );
    store.unstage(&elsewhere)?;
    imported.take_findings(findings, options);
    if imported.refused.is_none() {
        let changes = store.staged_changes(options.full)?;
        imported.count(changes);
        let percent = config.settings.policy.full_vanish_max_percent;
        if changes.vanished as f64 * 100.0 > changes.known as f64 * percent {
            imported.refuse(format!(
                "{} of {} permits would vanish, more than full_vanish_max_percent ({percent} %): the extract is not whole",
                changes.vanished, changes.known
            ));
        }
    }
    if imported.refused.is_none() && !options.dry_run {
        let now = clock.now();
        let today = clock.today(config.settings.prefecture.zone);
        store.write(|s| {
            s.merge_stage(options.full, today)?;
            remember(s, "permits", &imported, &sha256, actor, (now, today))
        })?;
    }
    imported.write_rejects(path, &permits::LAYOUT, &mapping, options)?;
    Ok(imported)
}

fn parse_permits(
    table: &mut Table,
    id_key: &IdKey,
    prefecture: &str,
    batches: &mpsc::SyncSender<(Vec<Staged>, u64)>,
) -> Result<Findings, FileFault> {
    let (mut findings, mut seen) = (Findings::default(), Duplicates::default());
    let mut record = table.record();
    let mut records = table.records()?;
    let mut batch = Vec::with_capacity(BATCH);
    while records.read(&mut record)? {
        findings.read += 1;
        let (holder, permit, warnings) = match permits::parse(&record) {
            Ok(row) => row,
            Err(errors) => {
                if findings.reject(errors) {
                    continue;
                }
                break;
            }
        };
        findings.warn(warnings);
        let fingerprints = (holder_fingerprint(&holder), permit_fingerprint(&permit, &holder.commune));
        let takes_holder = match seen.check(record.row(), &holder, &permit, fingerprints) {
            Ok(Row::Take { takes_holder, warning }) => {
                findings.warn(warning);
                takes_holder
            }
            Ok(Row::Ignore(warning)) => {
                findings.warn([warning]);
                continue;
            }
            Err(error) => {
                if findings.reject(vec![error]) {
                    continue;
                }
                break;
            }
        };
        batch.push(Staged::from(ImportedRow {
            row_no: record.row(),
            holder_id: id_key.holder(prefecture, &holder.number),
            permit_id: id_key.permit(prefecture, &permit.number),
            takes_holder,
            holder,
            permit,
            holder_fingerprint: fingerprints.0,
            permit_fingerprint: fingerprints.1,
        }));
        if batch.len() == BATCH {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
            // Nobody receives any more: the database has failed, and says why itself.
            if batches.send((full, records.position())).is_err() {
                return Ok(findings);
            }
        }
    }
    let _ = batches.send((batch, records.position()));
    Ok(findings)
}

/// Takes in slots.
pub fn slots(
    store: &mut Store,
    config: &Configuration,
    path: &Path,
    options: &Options,
    actor: &str,
    clock: &Clock,
) -> Result<Imported> {
    let mapping = mapping(options, &slots::LAYOUT)?;
    let mut table = open(path, &slots::LAYOUT, &mapping)?;
    let (now, today) = (clock.now(), clock.today(config.settings.prefecture.zone));
    let mut imported = Imported::of(&table, options);
    let sha256 = table.sha256.clone();
    let (mut findings, mut seen, mut good) = (Findings::default(), slots::Repeats::default(), Vec::<Slot>::new());
    let mut record = table.record();
    let mut records = table.records().with_context(|| format!("reading {}", path.display()))?;
    while records.read(&mut record).with_context(|| format!("reading {}", path.display()))? {
        findings.read += 1;
        let parsed = slots::parse(&record, &config.agenda, today)
            .and_then(|(slot, warnings)| Ok((seen.check(record.row(), &slot).map_err(|e| vec![e])?, slot, warnings)));
        match parsed {
            Ok((new, slot, warnings)) => {
                findings.warn(warnings);
                good.extend(new.then_some(slot));
            }
            Err(errors) => {
                if !findings.reject(errors) {
                    break;
                }
            }
        }
    }
    imported.take_findings(findings, options);
    if imported.refused.is_none() {
        let rows = good.len() as u64;
        committed_unless(store, options.dry_run, |s| {
            let (inserted, updated) = s.upsert_slots(&good)?;
            (imported.inserted, imported.updated, imported.unchanged) = (inserted, updated, rows - inserted - updated);
            remember(s, "slots", &imported, &sha256, actor, (now, today))
        })?;
    }
    imported.write_rejects(path, &slots::LAYOUT, &mapping, options)?;
    Ok(imported)
}

/// Takes over convocations made elsewhere before this program: firm, without a letter, their seats taken.
pub fn convocations(
    store: &mut Store,
    config: &Configuration,
    path: &Path,
    options: &Options,
    actor: &str,
    clock: &Clock,
    entropy: &mut Entropy,
) -> Result<Imported> {
    let mapping = mapping(options, &convocations::LAYOUT)?;
    let mut table = open(path, &convocations::LAYOUT, &mapping)?;
    let (now, today) = (clock.now(), clock.today(config.settings.prefecture.zone));
    let id_key = store.id_key(entropy)?;
    let mut imported = Imported::of(&table, options);
    let sha256 = table.sha256.clone();
    let mut findings = Findings::default();
    let mut good = Vec::new();
    let mut record = table.record();
    let mut records = table.records().with_context(|| format!("reading {}", path.display()))?;
    while records.read(&mut record).with_context(|| format!("reading {}", path.display()))? {
        findings.read += 1;
        match convocations::parse(&record, &config.agenda) {
            Ok((made, warnings)) => {
                findings.warn(warnings);
                good.push((record.row(), made));
            }
            Err(errors) => {
                if !findings.reject(errors) {
                    break;
                }
            }
        }
    }
    // Whether holder and seat exist is known only in the database, and only while nobody else changes it: a refusal
    // found there undoes what was done.
    let mut result = None;
    let attempt = store.write(|s| {
        let mut findings = std::mem::take(&mut findings);
        for (row, made) in &good {
            let holder = id_key.holder(s.prefecture(), &made.number);
            let slot_id = SlotId::new(&made.site, &made.desk, made.day, made.start);
            if s.is_convoked_at(&holder, &slot_id)? {
                imported.unchanged += 1;
                continue;
            }
            let refuse = |column, found: &str, expected: &str| vec![RowError::new(*row, column, found, expected)];
            let (Some(permit), Some(slot)) = (s.latest_permit(&holder)?, s.slot(&slot_id)?) else {
                let errors = match s.slot(&slot_id)? {
                    None => refuse("date", &slot_id.0, "a slot that exists: import slots or generate the agenda first"),
                    Some(_) => refuse("numero_etranger", &made.number, "a holder who is known: import permits first"),
                };
                findings.reject(errors);
                continue;
            };
            match s.elsewhere_fault(&holder, &slot)? {
                Some(ElsewhereFault::AlreadyConvoked) => {
                    findings.reject(refuse(
                        "numero_etranger",
                        &made.number,
                        "a holder without another appointment to come",
                    ));
                }
                Some(ElsewhereFault::Full) => {
                    findings.reject(refuse("heure", &slot_id.0, "a slot with a free seat"));
                }
                None => {
                    s.review_again(&permit)?;
                    let placement =
                        Placement { permit_id: permit, holder_id: holder, slot_id, origin: "elsewhere".into() };
                    s.reserve(&[placement], None, today, now)?;
                    imported.inserted += 1;
                }
            }
        }
        imported.take_findings(findings, options);
        remember(s, "convocations", &imported, &sha256, actor, (now, today))?;
        result = Some(imported.refused.is_none() && !options.dry_run);
        if result != Some(true) {
            bail!("undone on purpose");
        }
        Ok(())
    });
    if result.is_none() {
        attempt?;
    }
    imported.write_rejects(path, &convocations::LAYOUT, &mapping, options)?;
    Ok(imported)
}

/// Runs `steps`, and undoes them for a trial.
fn committed_unless(store: &mut Store, trial: bool, steps: impl FnOnce(&mut Store) -> Result<()>) -> Result<()> {
    let mut done = false;
    let result = store.write(|s| {
        steps(s)?;
        done = true;
        if trial {
            bail!("undone on purpose");
        }
        Ok(())
    });
    if trial && done { Ok(()) } else { result }
}

fn remember(
    store: &mut Store,
    kind: &'static str,
    imported: &Imported,
    sha256: &str,
    actor: &str,
    (now, today): (chrono::DateTime<chrono::Utc>, chrono::NaiveDate),
) -> Result<()> {
    let rejected = imported.rejected_rows().len() as u64;
    store.remember_import(
        kind,
        now.naive_utc(),
        today,
        sha256,
        [imported.read, imported.inserted, imported.updated, rejected],
    )?;
    let event = Event {
        kind: "import.done",
        payload: json!({"kind": kind, "sha256": sha256, "read": imported.read, "inserted": imported.inserted, "updated": imported.updated,
            "vanished": imported.vanished, "rejected": rejected}),
    };
    store.record(None, actor, &[event])
}

fn mapping(options: &Options, layout: &Layout) -> Result<Mapping> {
    let Some(path) = &options.mapping else { return Ok(Mapping::default()) };
    let text = fs::read_to_string(path).with_context(|| format!("reading the mapping {}", path.display()))?;
    Mapping::parse(&text, layout).with_context(|| format!("the mapping {}", path.display()))
}

fn open(path: &Path, layout: &Layout, mapping: &Mapping) -> Result<Table> {
    Table::open(path, layout, mapping).with_context(|| format!("reading {}", path.display()))
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
        } else if bad > 0 && !options.accept_valid {
            self.refuse(format!("{bad} bad rows; correct them, or take the others with --accept-valid"));
        }
    }

    fn refuse(&mut self, why: String) {
        (self.inserted, self.updated, self.unchanged, self.vanished) = (0, 0, 0, 0);
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

    /// The bad rows, as they are in the file, read a second time: the first did not know yet which they are.
    fn write_rejects(&mut self, path: &Path, layout: &Layout, mapping: &Mapping, options: &Options) -> Result<()> {
        if self.rejected.is_empty() || !options.accept_valid || options.dry_run || self.refused.is_some() {
            return Ok(());
        }
        let target = PathBuf::from(format!("{}.rejects.csv", path.display()));
        let mut by_row: BTreeMap<u64, Vec<RowError>> = BTreeMap::new();
        for error in &self.rejected {
            by_row.entry(error.row).or_default().push(error.clone());
        }
        let mut table = open(path, layout, mapping)?;
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
        self.rejects_file = Some(target);
        Ok(())
    }
}
