//! A file as a stream of records with named columns, whatever a spreadsheet or an export made of it: the kind of file,
//! its encoding, separator, sheet and the row of column names are found by content, never by the file's name.
//!
//! Memory does not grow with a CSV or XLSX: a first pass over the bytes finds the encoding (and the hash), a second one
//! reads them through buffers of fixed size. A workbook is checked against size limits before it is read.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::mapping::Mapping;
use super::result::{FileFault, shown};
pub use encoding::Encoding;
pub use layout::Layout;
pub(super) use layout::columns;
pub use record::Record;
pub(super) use record::{CellKind, RECORD_MAX};
use schema::{Heading, Schema};
use sheet::{SheetRecords, Workbook};
use survey::survey;
use text::{TextForm, TextRecords};

mod area;
mod encoding;
pub mod layout;
mod record;
mod schema;
mod sheet;
mod survey;
mod text;

/// An opened file.
#[derive(Debug)]
pub struct Table {
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its encoding.
    pub encoding: Encoding,
    /// Separator of a CSV.
    pub separator: Option<char>,
    /// Sheet of a workbook.
    pub sheet: Option<String>,
    /// Line or row with the names of the columns, from 1.
    pub header_row: u64,
    /// The rows above it, which are no part of the table, cut to what an error quotes of a cell.
    pub skipped: Vec<String>,
    /// Columns that are ignored, as named in the file.
    pub unknown_columns: Vec<String>,
    schema: Arc<Schema>,
    content: Content,
    place: usize,
}

/// A file, and the places in it where a table may be: a text by each separator, a workbook on each sheet.
#[derive(Debug)]
enum Content {
    Text { file: File, form: TextForm },
    Workbook(Box<Workbook>),
}

/// The rows among which the names of the columns are looked for.
const HEADER_ROWS: usize = 20;

impl Table {
    /// Opens a file and finds the names of its columns among the first 20 rows, by each separator or on each visible
    /// sheet: the first row that has all that must be there, or else the one that has most, and lacks some. Names are
    /// compared trimmed and without regard to case.
    pub fn open(path: &Path, layout: &Layout, mapping: &Mapping) -> Result<Self, FileFault> {
        let mut file = File::open(path)?;
        let survey = survey(&mut file)?;
        let mut content = match survey.encoding {
            Encoding::Xlsx | Encoding::Ods => Content::Workbook(Box::new(Workbook::open(file, survey.encoding)?)),
            _ => Content::Text { file, form: survey.form },
        };
        let (place, heading) = content.find_heading(layout, mapping)?;
        let (separator, sheet) = content.place(place);
        let (header_row, skipped) = (heading.row, heading.above.clone());
        let (schema, unknown_columns) = Schema::new(heading, layout, mapping, separator, sheet.as_deref())?;
        Ok(Self {
            sha256: survey.sha256,
            bytes: survey.bytes,
            encoding: survey.encoding,
            separator,
            sheet,
            header_row,
            skipped,
            unknown_columns,
            schema: Arc::new(schema),
            content,
            place,
        })
    }

    /// The column names, as in the file.
    pub fn header(&self) -> &[String] {
        &self.schema.header
    }

    /// An empty record of this table, to be reused for reading.
    pub fn record(&self) -> Record {
        Record::of(&self.schema)
    }

    /// The rows below the names of the columns, from the first.
    pub fn records(&mut self) -> Result<Records<'_>, FileFault> {
        let mut source = self.content.source(self.place)?;
        let mut record = Record::of(&self.schema);
        while record.row() < self.header_row {
            if !source.read(&mut record)? {
                return Err(FileFault::Changed);
            }
        }
        Ok(Records { source, bytes: self.bytes })
    }
}

impl Content {
    fn places(&self) -> usize {
        match self {
            Self::Text { form, .. } => form.separators.len(),
            Self::Workbook(workbook) => workbook.sheets().len(),
        }
    }

    /// The separator or sheet of a place.
    fn place(&self, place: usize) -> (Option<char>, Option<String>) {
        match self {
            Self::Text { form, .. } => (Some(char::from(form.separators[place])), None),
            Self::Workbook(workbook) => (None, Some(workbook.sheets()[place].name.clone())),
        }
    }

    fn source(&mut self, place: usize) -> Result<RecordSource<'_>, FileFault> {
        Ok(match self {
            Self::Text { file, form } => RecordSource::Text(Box::new(TextRecords::open(file, form, place)?)),
            Self::Workbook(workbook) => RecordSource::Sheet(Box::new(workbook.records(place)?)),
        })
    }

    fn is_hidden(&self, place: usize) -> bool {
        matches!(self, Self::Workbook(workbook) if workbook.sheets()[place].is_hidden)
    }

    fn name_of(&self, place: usize) -> String {
        shown(&self.place(place).1.unwrap_or_default())
    }

    /// The row of column names, and its place.
    fn find_heading(&mut self, layout: &Layout, mapping: &Mapping) -> Result<(usize, Heading), FileFault> {
        let mut best: Option<(usize, Heading)> = None;
        let mut fault = None;
        for place in 0..self.places() {
            let mut source = self.source(place)?;
            let (mut record, mut above) = (Record::default(), Vec::new());
            while above.len() < HEADER_ROWS {
                match source.read(&mut record) {
                    Ok(true) => {}
                    Ok(false) => break,
                    // With another separator the same quotation mark may be an ordinary character.
                    Err(broken) => {
                        fault.get_or_insert(broken);
                        break;
                    }
                }
                let heading = Heading::of(&record, layout, mapping, &above);
                // Hidden sheets come last, and no other place is asked once one has them all.
                if heading.is_complete {
                    drop(source);
                    let hidden = self.is_hidden(place).then(|| self.name_of(place));
                    return hidden.map_or(Ok((place, heading)), |sheet| Err(FileFault::HiddenSheet(sheet)));
                }
                if best.as_ref().is_none_or(|(_, known)| heading.known > known.known) {
                    best = Some((place, heading));
                }
                above.push(record.shown());
            }
        }
        match best {
            Some((place, heading)) if heading.known > 0 => Ok((place, heading)),
            Some((_, heading)) if heading.is_cut => Err(FileFault::EndlessHeader { row: heading.row, max: RECORD_MAX }),
            Some((_, heading)) => Err(fault.unwrap_or(FileFault::NoHeader {
                first: heading.shown,
                rows: HEADER_ROWS,
                expected: layout.columns[..layout.required].join(", "),
            })),
            None => Err(fault.unwrap_or(FileFault::Empty)),
        }
    }
}

/// The rows of a [`Table`], one after the other.
#[derive(Debug)]
pub struct Records<'a> {
    source: RecordSource<'a>,
    bytes: u64,
}

#[derive(Debug)]
enum RecordSource<'a> {
    Text(Box<TextRecords>),
    Sheet(Box<SheetRecords<'a>>),
}

impl Records<'_> {
    /// Reads the next row that is not blank; false after the last. A row that is wrong as a whole is also returned:
    /// parsing it gives the error.
    pub fn read(&mut self, record: &mut Record) -> Result<bool, FileFault> {
        let found = self.source.read(record)?;
        if found {
            record.check_shape();
            if record.has_swallowed_the_file() {
                return Err(FileFault::OpenQuote { row: record.row() });
            }
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
            if !found || record.broken().is_some() || !record.is_blank() {
                return Ok(found);
            }
        }
    }
}
