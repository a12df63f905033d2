//! One row: its cells, and its columns by name.

use std::sync::Arc;

use super::super::result::{RowError, shown, unguarded};
use super::schema::Schema;

/// The longest row in bytes of UTF-8. A file without line ends uses at most two such buffers.
pub(in crate::import) const RECORD_MAX: usize = 1 << 20;

/// Rows that a stray quotation mark may swallow before the file is refused.
const SWALLOWED_MAX: u64 = 1_000;

/// The largest number of cells in a row, as in a spreadsheet.
pub(super) const CELLS_MAX: usize = 16_384;

/// How a spreadsheet stores a cell. A CSV has text only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::import) enum CellKind {
    #[default]
    Text,
    /// A number: leading zeros are lost.
    Number,
    /// A formula that failed, such as `#REF!`.
    Failure,
    /// A formula whose result is not stored, as programs write it that do not calculate.
    NoResult,
}

/// One row.
#[derive(Clone, Debug, Default)]
pub struct Record {
    row: u64,
    /// Lines from the first to the last; 1 in a sheet.
    pub(super) lines: u64,
    pub(super) text: String,
    /// End of each cell in `text`.
    pub(super) ends: Vec<usize>,
    /// Kinds of the first cells; the others are text.
    kinds: Vec<CellKind>,
    broken: Option<RowError>,
    is_cut: bool,
    has_swallowed: bool,
    schema: Arc<Schema>,
}

impl Record {
    pub(super) fn of(schema: &Arc<Schema>) -> Self {
        Self { schema: Arc::clone(schema), ..Self::default() }
    }

    /// Line of the file on which the row starts, or row of the sheet; both count from 1.
    pub fn row(&self) -> u64 {
        self.row
    }

    /// How many rows of the file it stands for: more than one if a stray quotation mark has swallowed others.
    pub(in crate::import) fn rows(&self) -> u64 {
        if self.has_swallowed { self.lines } else { 1 }
    }

    /// The cells as in the file.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|i| self.cell(i))
    }

    /// The value of a column of the layout, trimmed and mapped; empty if the file does not have the column.
    pub(in crate::import) fn get(&self, column: usize) -> &str {
        let source = &self.schema.columns[column];
        let Some(place) = source.cell else { return &source.constant };
        let value = trimmed(unguarded(self.cell(place)));
        if source.values.is_empty() { value } else { source.values.get(value).map_or(value, String::as_str) }
    }

    /// The name of a column of the layout.
    pub(in crate::import) fn name(&self, column: usize) -> &'static str {
        self.schema.columns[column].name
    }

    pub(in crate::import) fn kind(&self, column: usize) -> CellKind {
        let place = self.schema.columns[column].cell;
        place.and_then(|place| self.kinds.get(place)).copied().unwrap_or_default()
    }

    /// Why the row as a whole is wrong: nothing, or an error for each row that it stands for.
    pub(in crate::import) fn broken(&self) -> Option<Vec<RowError>> {
        let first = self.broken.clone()?;
        let row = self.row;
        let swallowed = (row + 1..row + self.rows()).map(|line| {
            RowError::new(line, "", "", format!("a row of its own: the quotation mark on line {row} has swallowed it"))
        });
        Some(std::iter::once(first).chain(swallowed).collect())
    }

    /// Whether a quotation mark swallows so many rows that it can only be one that is never closed.
    pub(super) fn has_swallowed_the_file(&self) -> bool {
        self.has_swallowed && self.lines > SWALLOWED_MAX
    }

    pub(super) fn is_whole(&self) -> bool {
        self.broken.is_none()
    }

    /// Whether it is longer than any row may be.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The row as an error quotes it.
    pub(super) fn shown(&self) -> String {
        let cells: Vec<&str> = self.cells().filter(|cell| !cell.is_empty()).take(20).collect();
        shown(&cells.join(" | "))
    }

    pub(super) fn cell(&self, i: usize) -> &str {
        let end = |i: usize| self.ends.get(i).copied().unwrap_or(self.text.len());
        &self.text[if i == 0 { 0 } else { end(i - 1) }..end(i)]
    }

    pub(super) fn restart(&mut self, row: u64) {
        (self.row, self.lines) = (row, 1);
        self.text.clear();
        self.ends.clear();
        self.kinds.clear();
        (self.broken, self.is_cut, self.has_swallowed) = (None, false, false);
    }

    pub(super) fn is_blank(&self) -> bool {
        self.text.chars().all(is_blank)
    }

    /// The number of columns of the table; 0 while it is not known.
    pub(super) fn width(&self) -> usize {
        self.schema.header.len()
    }

    pub(super) fn close_cell(&mut self, kind: CellKind) {
        self.ends.push(self.text.len());
        self.kinds.push(kind);
    }

    /// Breaks a row that has too few or too many fields, or whose quotation mark took other rows into a cell.
    pub(super) fn check_shape(&mut self) {
        let (found, expected) = (self.ends.len(), self.width());
        self.has_swallowed = self.lines > 1 && (self.is_cut || found != expected || self.has_rows_in_a_cell());
        if self.has_swallowed {
            let (row, last) = (self.row, self.row + self.lines - 1);
            let cell = self.cells().position(has_line_end).unwrap_or(found);
            let (name, cell) = (self.name_at(cell), self.cell(cell).to_owned());
            let expected = format!(
                "a quotation mark that is closed on its own line: what stands between the one on line {row} and the \
                 next, on line {last}, was read as one field; remove or close it"
            );
            self.broken = Some(RowError::new(row, &name, &cell, expected));
        } else if self.is_whole() && found != expected {
            let expected = format!("{expected} fields, as in the header");
            self.broken = Some(RowError::new(self.row, "", &format!("{found} fields"), expected));
        }
    }

    /// Whether a cell has a line end, and as many separators as a row.
    fn has_rows_in_a_cell(&self) -> bool {
        let Some(separator) = self.schema.separator else { return false };
        let separators = |cell: &str| cell.matches(separator).count() + 1;
        self.cells().any(|cell| has_line_end(cell) && separators(cell) >= self.width())
    }

    /// Marks the row as too long, in the cell after the last one read.
    pub(super) fn break_off(&mut self, found: &str) {
        let expected = format!(
            "at most {} characters in a field and {RECORD_MAX} bytes in a row",
            convoke_domain::permit::FIELD_MAX
        );
        self.is_cut = true;
        self.break_at(self.ends.len(), found, expected);
    }

    /// Marks the row as wrong in one of its cells.
    pub(super) fn break_at(&mut self, cell: usize, found: &str, expected: String) {
        self.broken = Some(RowError::new(self.row, &self.name_at(cell), found, expected));
    }

    /// Our name of a column of the file, or the file's own.
    fn name_at(&self, cell: usize) -> String {
        let ours = self.schema.columns.iter().find(|source| source.cell == Some(cell)).map(|source| source.name);
        ours.or_else(|| self.schema.header.get(cell).map(String::as_str)).unwrap_or_default().to_owned()
    }
}

fn has_line_end(cell: &str) -> bool {
    cell.contains(['\n', '\r'])
}

/// Trims blanks, including no-break spaces. Tabs and other control characters stay, and are refused later.
pub(super) fn trimmed(text: &str) -> &str {
    let is_edge = |byte: Option<&u8>| byte.is_some_and(|b| *b == b' ' || !b.is_ascii());
    let bytes = text.as_bytes();
    // Most fields begin and end with an ASCII letter or digit, which two comparisons show.
    if is_edge(bytes.first()) || is_edge(bytes.last()) { text.trim_matches(is_blank) } else { text }
}

fn is_blank(c: char) -> bool {
    c == ' ' || (!c.is_ascii() && c.is_whitespace() && !c.is_control())
}
