//! Results of an import: faults of the file, errors and warnings of its rows, and the file of rejected rows.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

use convoke_domain::unseen::is_unseen;

/// Why a field, or a whole row, was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowError {
    /// Line of the file on which the row starts, or row of the sheet.
    pub row: u64,
    /// The column's name in FORMATS.md; empty if the whole row is wrong.
    pub column: String,
    /// The value found, cut to 60 characters, with invisible characters escaped.
    pub found: String,
    /// What was expected.
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

/// Something odd in a row that is imported anyway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Line of the file on which the row starts, or row of the sheet.
    pub row: u64,
    /// The column's name in FORMATS.md; empty if the warning is about the whole row.
    pub column: String,
    /// The value found, cut to 60 characters, with invisible characters escaped.
    pub found: String,
    /// What was done about it.
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

/// Why a file cannot be read as a table. Nothing of it is imported.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// Its bytes could not be read.
    #[error("the file cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It has no header.
    #[error("the file is empty: a first line with the names of the columns is expected")]
    Empty,
    /// UTF-16, as old spreadsheets write "Unicode text".
    #[error("the file is UTF-16: save it as \"CSV UTF-8\" and import it again")]
    Utf16,
    /// A NUL byte, which text never contains.
    #[error(
        "line {line} holds a NUL byte (byte {offset} of the file): this is no CSV, XLSX or ODS; save it as \"CSV \
         UTF-8\" and import it again"
    )]
    Nul {
        /// Line of the file.
        line: u64,
        /// Byte offset, from 0.
        offset: u64,
    },
    /// A quote is not closed: the rest of the file would be one field.
    #[error(
        "line {row}: a quotation mark opens here and is not closed, or swallows more than 1000 rows; remove or close it"
    )]
    OpenQuote {
        /// Line on which it opens.
        row: u64,
    },
    /// No row has the name of a column.
    #[error(
        "none of the first {rows} rows names the columns, which are {expected}; the first row is: {first}. \
         `convoke import --columns` explains them; a mapping file can name them otherwise"
    )]
    NoHeader {
        /// The first row, cut to 60 characters.
        first: String,
        /// Rows looked at in each place.
        rows: usize,
        /// The columns that must be there.
        expected: String,
    },
    /// The table is on a sheet that nobody sees.
    #[error("only the hidden sheet \"{0}\" names the columns: show it, or move the table to a visible sheet")]
    HiddenSheet(String),
    /// A header longer than any row may be.
    #[error("line {row}: this is no line of column names, it has more than {max} bytes or columns")]
    EndlessHeader {
        /// Line on which the header starts.
        row: u64,
        /// Longest row in bytes.
        max: usize,
    },
    /// Two columns with the same name: which one is meant would be a guess.
    #[error("columns that appear twice in the header: {}", .0.join(", "))]
    DuplicateColumns(Vec<String>),
    /// Missing columns, all at once, so that they can be added at once.
    #[error(
        "columns missing from the header: {}; {found}. `convoke import --columns` explains them; \
         a mapping file can name them otherwise",
        .missing.join(", ")
    )]
    MissingColumns {
        /// Their names, as the file should have them.
        missing: Vec<String>,
        /// Where the header was found, and what it names.
        found: String,
    },
    /// The mapping has a constant for a column that is in the file.
    #[error("the mapping gives a constant to columns that the file has: {}", .0.join(", "))]
    NeedlessConstants(Vec<String>),
    /// The mapping file is invalid.
    #[error("the mapping file is refused: {0}")]
    Mapping(String),
    /// A damaged or truncated workbook, or another kind of archive.
    #[error("the file is no readable XLSX or ODS workbook ({0}): save it again as XLSX or \"CSV UTF-8\"")]
    Workbook(String),
    /// A workbook that unpacks to more than any real export.
    #[error(
        "the workbook is refused: {what} is over the limit of {limit}; save it as \"CSV UTF-8\", which has no such \
         limit"
    )]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it may be.
        limit: String,
    },
    /// Nobody can say who is absent from it.
    #[error(
        "too many rows cannot be read to say who is absent from the extract: correct it, or import it without --full"
    )]
    Unreadables,
    /// Another program is writing to it.
    #[error("the file changed while it was read: import it again when it is complete")]
    Changed,
}

impl FileFault {
    /// Whether the file must be produced again: not if a disk failed, the mapping is invalid, or it was read too early.
    pub fn is_of_the_file(&self) -> bool {
        !matches!(self, Self::Unreadable(_) | Self::Mapping(_) | Self::NeedlessConstants(_) | Self::Changed)
    }
}

/// Text that is safe in a report: cut to 60 characters, with invisible and direction-changing characters escaped, so
/// that a hostile name can neither hide nor rewrite the line that reports it.
pub(super) fn shown(text: &str) -> String {
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        match c {
            _ if i == 60 => {
                out.push('…');
                break;
            }
            _ if is_unseen(c) => out.extend(c.escape_unicode()),
            _ if c.is_control() => out.extend(c.escape_default()),
            _ => out.push(c),
        }
    }
    out
}

/// Writes one line per error: `line 12, numero_etranger: found "12A", expected text of 9 or 10 digits`. Errors of a row
/// are kept together.
pub fn write_report(out: &mut impl Write, errors: &[RowError]) -> io::Result<()> {
    for row in errors.chunk_by(|a, b| a.row == b.row) {
        writeln!(out, "line {}, {}", row[0].row, reasons(row))?;
    }
    Ok(())
}

pub(super) fn reasons(errors: &[RowError]) -> String {
    let mut text = String::new();
    for (i, error) in errors.iter().enumerate() {
        text.push_str(if i == 0 { "" } else { "; " });
        // Unwrap safety: writing to a String cannot fail.
        error.write_reason(&mut text).expect("a String takes every write");
    }
    text
}

/// Turns a cell that a spreadsheet would run as a formula into text. [`unguarded`] reverses it.
pub(super) fn guarded(cell: &str) -> String {
    let quote = if cell.starts_with(FORMULA_STARTS) { "'" } else { "" };
    format!("{quote}{cell}")
}

/// A cell without the mark that [`Rejects`], or a careful export, used to make it text: a corrected `'+33…` is read as
/// the original.
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
