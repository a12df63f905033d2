//! What an import promises of a file, whatever is in it: it is taken right, or refused with the place that is wrong.

use std::io::Write;
use std::path::Path;

use chrono::NaiveDate;
use convoke_domain::permit::{Holder, Permit};
use convoke_domain::title::Titles;
use convoke_office::import::mapping::Mapping;
use convoke_office::import::result::{FileFault, RowError, Warning};
use convoke_office::import::table::{Layout, Table};
use convoke_office::import::{permits, wording};
use rust_xlsxwriter::Workbook;

mod fuzz;
mod rows;
mod tables;

/// A row that is right, column by column.
pub(crate) const GOOD: [(&str, &str); 18] = [
    ("numero_etranger", "0123456789"),
    ("nom", "Lefèvre"),
    ("prenoms", "Zoé"),
    ("email", "zoe@holder.example"),
    ("telephone", "+33 6 00 00 00 00"),
    ("langue", "fr"),
    ("adresse_1", "3 rue des Tilleuls"),
    ("adresse_2", ""),
    ("code_postal", "94000"),
    ("commune_insee", "94028"),
    ("foyer", ""),
    ("numero_titre", "T000000001"),
    ("type_titre", "CST"),
    ("mention", "salarie"),
    ("debut_validite", "2025-12-02"),
    ("fin_validite", "01/12/2026"),
    ("statut", "actif"),
    ("depot_le", ""),
];

pub(crate) type Parsed = (u64, Result<(Holder, Permit, Vec<Warning>), Vec<RowError>>);

/// The names of the columns, then a good row for each list of changes to it.
pub(crate) fn rows(changes: &[&[(&str, &str)]]) -> Vec<Vec<String>> {
    let header = GOOD.iter().map(|(name, _)| (*name).to_owned()).collect();
    let changed = changes.iter().map(|changes| {
        assert!(changes.iter().all(|(name, _)| GOOD.iter().any(|(known, _)| known == name)));
        let value =
            |(name, good): &(&str, &str)| changes.iter().find(|(n, _)| n == name).map_or(*good, |c| c.1).to_owned();
        GOOD.iter().map(value).collect()
    });
    std::iter::once(header).chain(changed).collect()
}

/// As a CSV, every field in quotation marks.
pub(crate) fn quoted(rows: &[Vec<String>], separator: char) -> String {
    let cell = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
    let line = |row: &Vec<String>| row.iter().map(cell).collect::<Vec<_>>().join(&separator.to_string()) + "\n";
    rows.iter().map(line).collect()
}

pub(crate) fn csv(changes: &[&[(&str, &str)]]) -> String {
    quoted(&rows(changes), ';')
}

pub(crate) fn workbook(rows: &[Vec<String>]) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (y, row) in (0..).zip(rows) {
        for (x, cell) in (0..).zip(row) {
            sheet.write_string(y, x, cell).unwrap();
        }
    }
    book.save_to_buffer().unwrap()
}

pub(crate) fn with_file<T>(bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    read(file.path())
}

pub(crate) fn open(bytes: impl AsRef<[u8]>, layout: &Layout, mapping: &Mapping) -> Result<Table, FileFault> {
    with_file(bytes.as_ref(), |path| Table::open(path, layout, mapping))
}

pub(crate) fn mapped(bytes: impl AsRef<[u8]>, mapping: &Mapping) -> Result<(Table, Vec<Parsed>), FileFault> {
    let mut table = open(bytes, &permits::LAYOUT, mapping)?;
    let titles = Titles::shipped();
    let mut wording = wording::Wording::new(&titles, []);
    let (mut record, mut parsed) = (table.record(), Vec::new());
    let mut records = table.records()?;
    while records.read(&mut record)? {
        parsed.push((record.row(), permits::parse(&record, &mut wording)));
    }
    drop(records);
    Ok((table, parsed))
}

pub(crate) fn read(bytes: impl AsRef<[u8]>) -> Result<(Table, Vec<Parsed>), FileFault> {
    mapped(bytes, &Mapping::default())
}

/// Holders and permits of a file without a bad row.
pub(crate) fn taken(bytes: impl AsRef<[u8]>) -> Vec<(Holder, Permit)> {
    let (_, parsed) = read(bytes).unwrap();
    parsed
        .into_iter()
        .map(|(_, row)| row.unwrap())
        .map(|(holder, permit, warnings)| {
            assert_eq!(warnings, []);
            (holder, permit)
        })
        .collect()
}

/// Row and column of every error.
pub(crate) fn places(bytes: impl AsRef<[u8]>) -> Vec<(u64, String)> {
    let (_, parsed) = read(bytes).unwrap();
    let errors = parsed.into_iter().flat_map(|(_, row)| row.err().unwrap_or_default());
    errors.map(|error| (error.row, error.column)).collect()
}

pub(crate) fn refusal(bytes: impl AsRef<[u8]>) -> FileFault {
    read(bytes).expect_err("the file should be refused")
}

pub(crate) fn only<T>(mut items: Vec<T>) -> T {
    assert_eq!(items.len(), 1);
    items.remove(0)
}

pub(crate) fn day(y: i32, m: u32, d: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(y, m, d).unwrap()
}
