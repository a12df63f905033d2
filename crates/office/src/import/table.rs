//! A file as a stream of records with named columns. CSV or XLSX is detected by content, never by the file's name.
//!
//! Memory does not grow with the file: a first pass over the bytes finds the encoding (and the hash), a second one
//! reads them through buffers of fixed size. An XLSX is checked against size limits before it is read.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use convoke_domain::code::coded;

use super::mapping::Mapping;
use super::result::{FileFault, RowError, unguarded};
use sheet::{SheetRecords, Workbook};
use survey::survey;
use text::TextRecords;

mod sheet;
mod survey;
mod text;

/// The columns of a kind of file. The first `required` ones must be in the header.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Names, as in FORMATS.md.
    pub columns: &'static [&'static str],
    /// Number of columns, from the first, that a file must have.
    pub required: usize,
}

/// Declares the columns of a kind of file: `LAYOUT`, and an enum of their positions.
macro_rules! columns {
    ($required:ident: $($name:ident = $code:literal),+; optional: $($optional:ident = $optional_code:literal),*) => {
        #[derive(Clone, Copy)]
        enum Column { $($name,)+ $($optional),* }

        impl From<Column> for usize {
            fn from(column: Column) -> Self {
                column as Self
            }
        }

        /// The columns of this file.
        pub const LAYOUT: $crate::import::table::Layout = $crate::import::table::Layout {
            columns: &[$($code,)+ $($optional_code),*],
            required: [$($code),+].len(),
        };
    };
}
pub(super) use columns;

coded! {
    /// Text encoding of a file.
    pub enum Encoding {
        /// UTF-8, with or without byte order mark.
        Utf8 = "UTF-8",
        /// The code page that a French Windows calls ANSI.
        Windows1252 = "Windows-1252",
        /// A workbook: its text is always Unicode.
        Workbook = "XLSX",
    }
}

/// Which cell belongs to which column.
#[derive(Debug, Default)]
struct Schema {
    /// Names of all columns of the file, trimmed.
    header: Vec<String>,
    columns: Vec<Source>,
}

/// The source of one column's values.
#[derive(Debug)]
struct Source {
    name: &'static str,
    cell: Option<usize>,
    values: HashMap<String, String>,
    constant: String,
}

/// An opened file.
#[derive(Debug)]
pub struct Table {
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its encoding.
    pub encoding: Encoding,
    /// `;` or `,` in a CSV.
    pub separator: Option<char>,
    /// Columns that are ignored, as named in the file.
    pub unknown_columns: Vec<String>,
    schema: Arc<Schema>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Text(Box<TextRecords>),
    Workbook(Box<Workbook>),
}

impl Table {
    /// Opens a file and reads its header. Column names are compared trimmed and without regard to case.
    pub fn open(path: &Path, layout: &Layout, mapping: &Mapping) -> Result<Self, FileFault> {
        let mut file = File::open(path)?;
        let survey = survey(&mut file)?;
        let (mut content, separator) = if survey.encoding == Encoding::Workbook {
            (Content::Workbook(Box::new(Workbook::open(file)?)), None)
        } else {
            (Content::Text(Box::new(TextRecords::open(file, &survey)?)), Some(char::from(survey.separator)))
        };
        let mut first = Record::default();
        if !content.source()?.read(&mut first)? {
            return Err(FileFault::Empty);
        }
        if first.broken.is_some() {
            return Err(FileFault::EndlessHeader { row: first.row, max: RECORD_MAX });
        }
        let header: Vec<String> = first.cells().map(|name| trimmed(name).to_owned()).collect();
        let (schema, unknown_columns) = Schema::new(header, layout, mapping)?;
        Ok(Self {
            sha256: survey.sha256,
            bytes: survey.bytes,
            encoding: survey.encoding,
            separator,
            unknown_columns,
            schema: Arc::new(schema),
            content,
        })
    }

    /// The column names, as in the file.
    pub fn header(&self) -> &[String] {
        &self.schema.header
    }

    /// An empty record of this table, to be reused for reading.
    pub fn record(&self) -> Record {
        Record { schema: Arc::clone(&self.schema), ..Record::default() }
    }

    /// The rows below the header. They can be read only once.
    pub fn records(&mut self) -> Result<Records<'_>, FileFault> {
        let mut source = self.content.source()?;
        if let RecordSource::Sheet(_) = source {
            source.read(&mut Record::default())?; // the header again
        }
        Ok(Records { source, bytes: self.bytes })
    }
}

impl Content {
    /// Continues a text, or starts a sheet from its top, because its reader borrows the workbook.
    fn source(&mut self) -> Result<RecordSource<'_>, FileFault> {
        Ok(match self {
            Self::Text(text) => RecordSource::Text(text),
            Self::Workbook(workbook) => RecordSource::Sheet(Box::new(workbook.records()?)),
        })
    }
}

impl Schema {
    fn new(header: Vec<String>, layout: &Layout, mapping: &Mapping) -> Result<(Self, Vec<String>), FileFault> {
        let key = |name: &str| trimmed(name).to_lowercase();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut twice = Vec::new();
        for (place, name) in header.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            if places.insert(key(name), place).is_some() {
                twice.push(name.clone());
            }
        }
        require_none(twice, FileFault::DuplicateColumns)?;

        let mut used = vec![false; header.len()];
        let (mut missing, mut needless) = (Vec::new(), Vec::new());
        let mut columns = Vec::new();
        for (i, &name) in layout.columns.iter().enumerate() {
            let theirs = mapping.columns.get(name).map_or(name, String::as_str);
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
        require_none(missing, FileFault::MissingColumns)?;
        require_none(needless, FileFault::NeedlessConstants)?;
        let unknown = header.iter().zip(&used).filter(|(name, used)| !**used && !name.is_empty());
        let unknown = unknown.map(|(name, _)| name.clone()).collect();
        Ok((Self { header, columns }, unknown))
    }
}

fn require_none(names: Vec<String>, fault: fn(Vec<String>) -> FileFault) -> Result<(), FileFault> {
    if names.is_empty() { Ok(()) } else { Err(fault(names)) }
}

/// The rows of a [`Table`], one after the other.
#[derive(Debug)]
pub struct Records<'a> {
    source: RecordSource<'a>,
    bytes: u64,
}

#[derive(Debug)]
enum RecordSource<'a> {
    Text(&'a mut TextRecords),
    Sheet(Box<SheetRecords<'a>>),
}

impl Records<'_> {
    /// Reads the next row that is not blank; false after the last. A row that is wrong as a whole is also returned:
    /// parsing it gives the error.
    pub fn read(&mut self, record: &mut Record) -> Result<bool, FileFault> {
        let found = self.source.read(record)?;
        if found {
            record.check_length();
        }
        Ok(found)
    }

    /// Reading position, out of [`Table::bytes`].
    pub fn position(&self) -> u64 {
        match &self.source {
            RecordSource::Text(text) => text.position().min(self.bytes),
            RecordSource::Sheet(sheet) => (sheet.fraction() * self.bytes as f64) as u64,
        }
    }
}

impl RecordSource<'_> {
    fn read(&mut self, record: &mut Record) -> Result<bool, FileFault> {
        loop {
            let found = match self {
                Self::Text(text) => text.read(record)?,
                Self::Sheet(sheet) => sheet.read(record)?,
            };
            if !found || record.broken.is_some() || !record.is_blank() {
                return Ok(found);
            }
        }
    }
}

/// The longest row in bytes of UTF-8. A file without line ends uses at most two such buffers.
const RECORD_MAX: usize = 1 << 20;

/// The largest number of cells in a row, as in a spreadsheet.
const CELLS_MAX: usize = 16_384;

/// How a spreadsheet stores a cell. A CSV has text only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum CellKind {
    #[default]
    Text,
    /// A number: its leading zeros are lost.
    Number,
    /// A formula that failed, such as `#REF!`.
    Failure,
}

/// One row.
#[derive(Clone, Debug, Default)]
pub struct Record {
    row: u64,
    text: String,
    /// End of each cell in `text`.
    ends: Vec<usize>,
    /// Kinds of the first cells; the others are text.
    kinds: Vec<CellKind>,
    broken: Option<RowError>,
    schema: Arc<Schema>,
}

impl Record {
    /// Line of the file on which the row starts, or row of the sheet; both count from 1.
    pub fn row(&self) -> u64 {
        self.row
    }

    /// The cells as in the file.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|i| self.cell(i))
    }

    /// The value of a column of the layout, trimmed and mapped; empty if the file does not have the column.
    pub(super) fn get(&self, column: usize) -> &str {
        let source = &self.schema.columns[column];
        let Some(place) = source.cell else { return &source.constant };
        let value = trimmed(unguarded(self.cell(place)));
        if source.values.is_empty() { value } else { source.values.get(value).map_or(value, String::as_str) }
    }

    /// The name of a column of the layout.
    pub(super) fn name(&self, column: usize) -> &'static str {
        self.schema.columns[column].name
    }

    pub(super) fn kind(&self, column: usize) -> CellKind {
        let place = self.schema.columns[column].cell;
        place.and_then(|place| self.kinds.get(place)).copied().unwrap_or_default()
    }

    /// Why the row as a whole is wrong.
    pub(super) fn broken(&self) -> Option<&RowError> {
        self.broken.as_ref()
    }

    fn cell(&self, i: usize) -> &str {
        let end = |i: usize| self.ends.get(i).copied().unwrap_or(self.text.len());
        &self.text[if i == 0 { 0 } else { end(i - 1) }..end(i)]
    }

    fn restart(&mut self, row: u64) {
        self.row = row;
        self.text.clear();
        self.ends.clear();
        self.kinds.clear();
        self.broken = None;
    }

    fn is_blank(&self) -> bool {
        self.text.chars().all(is_blank)
    }

    fn check_length(&mut self) {
        let (found, expected) = (self.ends.len(), self.schema.header.len());
        if self.broken.is_none() && found != expected {
            self.broken = Some(RowError::new(
                self.row,
                "",
                &format!("{found} fields"),
                format!("{expected} fields, as in the header"),
            ));
        }
    }

    /// Marks the row as too long, in the cell after the last one read.
    fn break_off(&mut self, found: &str) {
        let place = self.ends.len();
        let column =
            self.schema.columns.iter().find(|source| source.cell == Some(place)).map_or("", |source| source.name);
        let expected = format!(
            "at most {} characters in a field and {RECORD_MAX} bytes in a row",
            convoke_domain::permit::FIELD_MAX
        );
        self.broken = Some(RowError::new(self.row, column, found, expected));
    }
}

/// Trims blanks, including no-break spaces. Tabs and other control characters stay, and are refused later.
fn trimmed(text: &str) -> &str {
    let is_edge = |byte: Option<&u8>| byte.is_some_and(|b| *b == b' ' || !b.is_ascii());
    let bytes = text.as_bytes();
    // Most fields begin and end with an ASCII letter or digit, which two comparisons show.
    if is_edge(bytes.first()) || is_edge(bytes.last()) { text.trim_matches(is_blank) } else { text }
}

fn is_blank(c: char) -> bool {
    c == ' ' || (!c.is_ascii() && c.is_whitespace() && !c.is_control())
}
