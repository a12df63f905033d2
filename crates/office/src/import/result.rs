//! What an import says: faults of the file, errors and warnings of its rows, and the file of rejected rows.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use tempfile::NamedTempFile;

use super::table::{Record, Table};

/// Why a field, or a whole row, cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowError {
    /// Line of the file on which the row starts, or row of the sheet.
    pub row: u64,
    /// The column by the name that FORMATS.md gives to it; empty where the row as a whole is wrong.
    pub column: String,
    /// What is there, cut to 60 characters, nothing in it invisible.
    pub found: String,
    /// What should be there.
    pub expected: String,
}

impl RowError {
    pub(super) fn new(row: u64, column: &str, found: &str, expected: impl Into<String>) -> Self {
        Self { row, column: column.to_owned(), found: shown(found), expected: expected.into() }
    }

    fn write_reason(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let Self { column, found, expected, .. } = self;
        let colon = if column.is_empty() { "" } else { ": " };
        write!(out, "{column}{colon}found \"{found}\", expected {expected}")
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, ", self.row)?;
        self.write_reason(f)
    }
}

/// Something odd in a row that is taken all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Line of the file on which the row starts, or row of the sheet.
    pub row: u64,
    /// The column by the name that FORMATS.md gives to it; empty where it is about the row as a whole.
    pub column: String,
    /// What is there, cut to 60 characters, nothing in it invisible.
    pub found: String,
    /// What is done about it.
    pub note: String,
}

impl Warning {
    pub(super) fn new(row: u64, column: &str, found: &str, note: impl Into<String>) -> Self {
        Self { row, column: column.to_owned(), found: shown(found), note: note.into() }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { row, column, found, note } = self;
        let comma = if column.is_empty() { "" } else { ", " };
        write!(f, "line {row}{comma}{column}: found \"{found}\", {note}")
    }
}

/// Why a file cannot be read as a table at all. Nothing of such a file is taken.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// The system does not give its bytes.
    #[error("the file cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// No header.
    #[error("the file is empty: a first line with the names of the columns is expected")]
    Empty,
    /// UTF-16, as old spreadsheets write "Unicode text".
    #[error("the file is UTF-16: save it as \"CSV UTF-8\" and import it again")]
    Utf16,
    /// A byte that no text has.
    #[error(
        "line {line} holds a NUL byte (byte {offset} of the file): this is no CSV or XLSX; save it as \"CSV UTF-8\" and import it again"
    )]
    Nul {
        /// Line of the file.
        line: u64,
        /// Place in the file, from 0.
        offset: u64,
    },
    /// Everything after it would be one field.
    #[error("line {row}: in the row that starts here a quotation mark opens and is never closed")]
    OpenQuote {
        /// Line on which the row starts.
        row: u64,
    },
    /// Header longer than any row may be.
    #[error("line {row}: this is no line of column names, it has more than {max} bytes or columns")]
    EndlessHeader {
        /// Line on which the header starts.
        row: u64,
        /// Longest row in bytes.
        max: usize,
    },
    /// One name, two columns: which one is meant is a guess.
    #[error("columns that stand twice in the header: {}", .0.join(", "))]
    DuplicateColumns(Vec<String>),
    /// All of them at once, so that they can be added at once.
    #[error("columns missing from the header: {}; a mapping file can name them otherwise", .0.join(", "))]
    MissingColumns(Vec<String>),
    /// The mapping gives a value to a column that the file has.
    #[error("the mapping gives a constant to columns that the file has: {}", .0.join(", "))]
    NeedlessConstants(Vec<String>),
    /// The mapping file is wrong.
    #[error("the mapping file is refused: {0}")]
    Mapping(String),
    /// Damaged, truncated, or another kind of archive.
    #[error("the file is no readable XLSX workbook ({0}): save it again as XLSX or \"CSV UTF-8\"")]
    Workbook(String),
    /// A workbook that unpacks to more than anyone exports.
    #[error(
        "the XLSX workbook is refused: {what} is over the limit of {limit}; save it as \"CSV UTF-8\", which has no such limit"
    )]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it may be.
        limit: String,
    },
    /// Another program writes into it.
    #[error("the file changed while it was read: import it again when it is complete")]
    Changed,
}

impl FileFault {
    /// Whether the file itself is to be made again: not where a disk failed, the mapping is wrong, or it was read too early.
    pub fn is_of_the_file(&self) -> bool {
        !matches!(self, Self::Unreadable(_) | Self::Mapping(_) | Self::NeedlessConstants(_) | Self::Changed)
    }
}

/// Text as it can stand in a report: cut to 60 characters, with invisible and direction-changing characters escaped,
/// so that a hostile name can neither hide nor rewrite the line that complains of it.
pub(super) fn shown(text: &str) -> String {
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        match c {
            _ if i == 60 => {
                out.push('…');
                break;
            }
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                out.extend(c.escape_unicode());
            }
            _ if c.is_control() => out.extend(c.escape_default()),
            _ => out.push(c),
        }
    }
    out
}

/// Writes one line per bad row: `line 12, numero_etranger: found "12A", expected text of 9 or 10 digits`. Errors of a
/// row stand together.
pub fn write_report(out: &mut impl Write, errors: &[RowError]) -> io::Result<()> {
    for row in errors.chunk_by(|a, b| a.row == b.row) {
        writeln!(out, "line {}, {}", row[0].row, reasons(row))?;
    }
    Ok(())
}

fn reasons(errors: &[RowError]) -> String {
    let mut text = String::new();
    for (i, error) in errors.iter().enumerate() {
        text.push_str(if i == 0 { "" } else { "; " });
        // Unwrap safety: a String takes every write.
        error.write_reason(&mut text).expect("a String takes every write");
    }
    text
}

/// The file of the rows that were not taken (`FILE.rejects.csv`): their cells as they were, and why. It can be corrected
/// in a spreadsheet and imported by itself.
#[derive(Debug)]
pub struct Rejects {
    rows: csv::Writer<NamedTempFile>,
    columns: usize,
}

impl Rejects {
    /// Starts the file in the folder where it will stand; it has its name only once it is complete.
    pub fn create(folder: &Path, table: &Table) -> io::Result<Self> {
        let mut rows = csv::WriterBuilder::new()
            .delimiter(table.separator.unwrap_or(';') as u8)
            .flexible(true)
            .from_writer(NamedTempFile::new_in(folder)?);
        rows.write_record(table.header().iter().map(|name| guarded(name)).chain(["motif".to_owned()]))?;
        Ok(Self { rows, columns: table.header().len() })
    }

    /// Adds a row and its reasons.
    pub fn write(&mut self, record: &Record, errors: &[RowError]) -> io::Result<()> {
        let cells: Vec<&str> = record.cells().collect();
        let (own, surplus) = cells.split_at(cells.len().min(self.columns));
        let missing = self.columns - own.len();
        // The reason keeps its column whatever the number of cells: a row that has too many shows them after it.
        self.rows.write_record(
            own.iter()
                .map(|cell| guarded(cell))
                .chain(std::iter::repeat_n(String::new(), missing))
                .chain([guarded(&reasons(errors))])
                .chain(surplus.iter().map(|cell| guarded(cell))),
        )?;
        Ok(())
    }

    /// Gives the file its name, on the disk for good.
    pub fn finish(self, path: &Path) -> io::Result<()> {
        let file = self.rows.into_inner().map_err(csv::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }
}

/// What a spreadsheet would run as a formula, made text. [`unguarded`] takes it back.
fn guarded(cell: &str) -> String {
    let quote = if cell.starts_with(FORMULA_STARTS) { "'" } else { "" };
    format!("{quote}{cell}")
}

/// A cell without the mark by which [`Rejects`], or a careful export, made it text: a corrected `'+33…` is read as it was.
pub(super) fn unguarded(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA_STARTS)).unwrap_or(cell)
}

const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_one_line_per_row_and_hides_nothing() {
        let errors = [
            RowError::new(12, "numero_etranger", "12A", "text of 9 or 10 digits"),
            RowError::new(12, "nom", "\u{202e}\r\nline 13", "a name"),
            RowError::new(14, "", "3 fields", "18 fields"),
        ];
        let mut report = Vec::new();
        write_report(&mut report, &errors).unwrap();
        assert_eq!(
            String::from_utf8(report).unwrap(),
            "line 12, numero_etranger: found \"12A\", expected text of 9 or 10 digits; \
             nom: found \"\\u{202e}\\r\\nline 13\", expected a name\n\
             line 14, found \"3 fields\", expected 18 fields\n"
        );
        assert_eq!(errors[0].to_string(), "line 12, numero_etranger: found \"12A\", expected text of 9 or 10 digits");
        assert_eq!(shown(&"é".repeat(61)), format!("{}…", "é".repeat(60)));
    }

    #[test]
    fn a_guarded_cell_is_read_as_it_was() {
        for cell in ["=cmd()", "+33 6", "-", "@x", "\tx", "\rx", "N'Diaye", "'t Hooft", ""] {
            assert_eq!(unguarded(&guarded(cell)), cell);
        }
        assert_eq!(guarded("=cmd()"), "'=cmd()");
    }
}
