//! The row of column names: which it is, and which cell of a row is which column.

use std::collections::HashMap;

use super::super::mapping::Mapping;
use super::super::result::{FileFault, shown};
use super::layout::Layout;
use super::record::{Record, trimmed};

/// Names of columns that an error lists at most.
const NAMES_MAX: usize = 40;

/// A row that may be the names of the columns.
#[derive(Debug)]
pub(super) struct Heading {
    /// Its line, or row of the sheet.
    pub(super) row: u64,
    /// Its cells, trimmed.
    names: Vec<String>,
    /// How many columns of the layout it names.
    pub(super) known: usize,
    /// Whether it names all that must be there.
    pub(super) is_complete: bool,
    /// The rows above it, shortened.
    pub(super) above: Vec<String>,
    /// Itself, shortened.
    pub(super) shown: String,
    /// Whether it is longer than any row may be.
    pub(super) is_cut: bool,
}

impl Heading {
    pub(super) fn of(record: &Record, layout: &Layout, mapping: &Mapping, above: &[String]) -> Self {
        let names: Vec<String> = record.cells().map(|name| trimmed(name).to_owned()).collect();
        let is_known = |name: &&&'static str| names.iter().any(|theirs| key(theirs) == key(mapping.name_of(name)));
        let known = if record.is_cut() { 0 } else { layout.columns.iter().filter(is_known).count() };
        let is_there = |(i, name): (usize, &&'static str)| {
            let must =
                (i < layout.required && !mapping.constants.contains_key(*name)) || mapping.columns.contains_key(*name);
            !must || is_known(&name)
        };
        let is_complete = known > 0 && layout.columns.iter().enumerate().all(is_there);
        // What Excel writes to name the separator says nothing to a person.
        let above = above.iter().filter(|row| !row.starts_with("sep=")).cloned().collect();
        Self { row: record.row(), known, is_complete, above, shown: record.shown(), is_cut: record.is_cut(), names }
    }
}

fn key(name: &str) -> String {
    trimmed(name).to_lowercase()
}

/// Which cell belongs to which column.
#[derive(Debug, Default)]
pub(super) struct Schema {
    /// Names of all columns of the file, trimmed.
    pub(super) header: Vec<String>,
    pub(super) columns: Vec<Source>,
    /// Separator of a CSV.
    pub(super) separator: Option<char>,
}

/// The source of one column's values.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: &'static str,
    pub(super) cell: Option<usize>,
    pub(super) values: HashMap<String, String>,
    pub(super) constant: String,
}

impl Schema {
    /// Also returns the columns that are ignored.
    pub(super) fn new(
        heading: Heading,
        layout: &Layout,
        mapping: &Mapping,
        separator: Option<char>,
        sheet: Option<&str>,
    ) -> Result<(Self, Vec<String>), FileFault> {
        let Heading { row, names: header, .. } = heading;
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut twice = Vec::new();
        for (place, name) in header.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            if places.insert(key(name), place).is_some() {
                twice.push(shown(name));
            }
        }
        require_none(twice, FileFault::DuplicateColumns)?;

        let mut used = vec![false; header.len()];
        let (mut missing, mut needless) = (Vec::new(), Vec::new());
        let mut columns = Vec::new();
        for (i, &name) in layout.columns.iter().enumerate() {
            let theirs = mapping.name_of(name);
            let cell = places.get(&key(theirs)).copied();
            let constant = mapping.constants.get(name);
            match (cell, constant) {
                (Some(_), Some(_)) => needless.push(name.to_owned()),
                (Some(cell), None) => used[cell] = true,
                // A column named in the mapping is required even if it is optional otherwise.
                (None, None) if i < layout.required || mapping.columns.contains_key(name) => {
                    missing.push(theirs.to_owned());
                }
                (None, _) => {}
            }
            let values = mapping.values.get(name).cloned().unwrap_or_default();
            columns.push(Source { name, cell, values, constant: constant.cloned().unwrap_or_default() });
        }
        let place = sheet.map(|sheet| format!("sheet \"{}\", ", shown(sheet))).unwrap_or_default();
        let by = separator.map(|c| format!(" (separator `{}`)", c.escape_default())).unwrap_or_default();
        let found = header.iter().filter(|name| !name.is_empty()).take(NAMES_MAX).map(|name| shown(name));
        let found = found.collect::<Vec<_>>().join(", ");
        require_none(missing, |missing| FileFault::MissingColumns {
            missing,
            found: format!("{place}line {row}{by} names the columns {found}"),
        })?;
        require_none(needless, FileFault::NeedlessConstants)?;
        let unknown = header.iter().zip(&used).filter(|(name, used)| !**used && !name.is_empty());
        let unknown = unknown.map(|(name, _)| shown(name)).collect();
        Ok((Self { header, columns, separator }, unknown))
    }
}

fn require_none(names: Vec<String>, fault: impl FnOnce(Vec<String>) -> FileFault) -> Result<(), FileFault> {
    if names.is_empty() { Ok(()) } else { Err(fault(names)) }
}
