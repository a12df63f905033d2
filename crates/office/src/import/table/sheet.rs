//! Records of a sheet of an XLSX or ODS workbook.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use calamine::{
    Data, DataRef, ExcelDateTime, Ods, Range, Reader, SheetType, SheetVisible, Xlsx, XlsxCellReader,
    XlsxFormulaMetadata,
};

use super::super::result::FileFault;
use super::area;
use super::encoding::Encoding;
use super::record::{CELLS_MAX, CellKind, RECORD_MAX, Record};

/// Limits of a workbook, in bytes. A sheet of 300,000 permits unpacks to 180 MiB and its texts to 28 MiB. Texts, styles
/// and the rest, and the whole of an ODS, are held in memory, so their limit is lower.
const PACKED_MAX: u64 = 64 << 20;
const SHEETS_MAX: u64 = 256 << 20;
const OTHERS_MAX: u64 = 64 << 20;
const ROWS_MAX: u32 = 1 << 20;
/// Cells of an ODS sheet, which is held whole: 150,000 permits.
const ODS_CELLS_MAX: u64 = 4_000_000;

/// A workbook within the limits.
pub(super) struct Workbook {
    book: Book,
    sheets: Vec<SheetName>,
}

enum Book {
    Xlsx(Box<Xlsx<BufReader<File>>>),
    Ods(Box<Ods<BufReader<File>>>),
}

/// A sheet with cells.
#[derive(Debug)]
pub(super) struct SheetName {
    pub(super) name: String,
    pub(super) is_hidden: bool,
}

impl fmt::Debug for Workbook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workbook").field("sheets", &self.sheets).finish_non_exhaustive()
    }
}

impl Workbook {
    pub(super) fn open(mut file: File, kind: Encoding) -> Result<Self, FileFault> {
        within("the file", file.metadata()?.len(), PACKED_MAX)?;
        weigh(&mut file)?;
        file.seek(SeekFrom::Start(0))?;
        let bytes = BufReader::new(file);
        let (book, sheets) = if kind == Encoding::Ods {
            let book = Ods::new(bytes).map_err(unreadable)?;
            let sheets = book.sheets_metadata().to_vec();
            (Book::Ods(Box::new(book)), sheets)
        } else {
            let book = Xlsx::new(bytes).map_err(unreadable)?;
            let sheets = book.sheets_metadata().to_vec();
            (Book::Xlsx(Box::new(book)), sheets)
        };
        let sheets = sheets.into_iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
        let mut sheets: Vec<SheetName> = sheets
            .map(|sheet| SheetName { name: sheet.name, is_hidden: sheet.visible != SheetVisible::Visible })
            .collect();
        sheets.sort_by_key(|sheet| sheet.is_hidden);
        if sheets.is_empty() {
            return Err(FileFault::Workbook("it has no sheet".into()));
        }
        Ok(Self { book, sheets })
    }

    /// The sheets, hidden ones last.
    pub(super) fn sheets(&self) -> &[SheetName] {
        &self.sheets
    }

    /// The rows of a sheet, from its top.
    pub(super) fn records(&mut self, sheet: usize) -> Result<SheetRecords<'_>, FileFault> {
        let name = &self.sheets[sheet].name;
        let (mut cells, rows) = match &mut self.book {
            Book::Xlsx(book) => {
                let cells = book.worksheet_cells_reader(name).map_err(unreadable)?;
                let rows = cells.dimensions().end.0;
                (Cells::Xlsx(Box::new(cells)), rows)
            }
            Book::Ods(book) => {
                let values = book.worksheet_range(name).map_err(unreadable)?;
                let formulas = book.worksheet_formula(name).map_err(unreadable)?;
                let rows = values.end().map_or(0, |end| end.0);
                (Cells::Ods(Box::new(OdsCells::of(values, formulas))), rows)
            }
        };
        let next = cells.next()?;
        Ok(SheetRecords { cells, next, row: 0, rows: rows.clamp(1, ROWS_MAX) })
    }
}

/// Which kind of workbook an archive is.
pub(super) fn kind(file: &File) -> Result<Encoding, FileFault> {
    let mut file = file.try_clone()?;
    let here = file.stream_position()?;
    let is_ods =
        zip::ZipArchive::new(&file).is_ok_and(|archive| archive.file_names().flatten().any(|n| n == "content.xml"));
    file.seek(SeekFrom::Start(here))?;
    Ok(if is_ods { Encoding::Ods } else { Encoding::Xlsx })
}

/// Unpacks every part once and discards it: the sizes that an archive declares need not be true. This also detects
/// damage.
fn weigh(file: &mut File) -> Result<(), FileFault> {
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(unreadable)?;
    let (mut sheets, mut others) = (0, 0);
    for i in 0..archive.len() {
        let mut part = archive.by_index(i).map_err(unreadable)?;
        let (what, sum, max) = if part.name().map_err(unreadable)?.starts_with("xl/worksheets/") {
            ("the unpacked size of its sheets", &mut sheets, SHEETS_MAX)
        } else {
            ("the unpacked size of its texts and styles", &mut others, OTHERS_MAX)
        };
        *sum += io::copy(&mut part.by_ref().take(max + 1 - *sum), &mut io::sink()).map_err(unreadable)?;
        within(what, *sum, max)?;
    }
    let Ok(content) = archive.by_name("content.xml") else { return Ok(()) };
    let cells = area::largest(BufReader::new(content)).map_err(unreadable)?;
    if cells > ODS_CELLS_MAX {
        let limit = format!("{} million cells", ODS_CELLS_MAX / 1_000_000);
        return Err(FileFault::TooLarge { what: "the area of a sheet", limit });
    }
    Ok(())
}

fn within(what: &'static str, size: u64, max: u64) -> Result<(), FileFault> {
    if size <= max { Ok(()) } else { Err(FileFault::TooLarge { what, limit: format!("{} MiB", max >> 20) }) }
}

fn unreadable(error: impl fmt::Display) -> FileFault {
    FileFault::Workbook(error.to_string())
}

/// A cell that is not empty.
struct Cell<'a> {
    row: u32,
    column: u32,
    value: DataRef<'a>,
    /// Its formula, if it has one whose result is not stored.
    unresolved: Option<String>,
}

/// The cells of a sheet, from left to right and top to bottom.
enum Cells<'a> {
    Xlsx(Box<XlsxCellReader<'a, BufReader<File>>>),
    Ods(Box<OdsCells>),
}

struct OdsCells {
    values: Range<Data>,
    formulas: Range<String>,
    /// Top left and bottom right of what has a value or a formula.
    area: [(u32, u32); 2],
    next: (u32, u32),
}

impl OdsCells {
    fn of(values: Range<Data>, formulas: Range<String>) -> Self {
        let corners: Vec<_> =
            [values.start(), values.end(), formulas.start(), formulas.end()].into_iter().flatten().collect();
        let first = corners.iter().copied().reduce(|a, b| (a.0.min(b.0), a.1.min(b.1))).unwrap_or((1, 0));
        let last = corners.iter().copied().reduce(|a, b| (a.0.max(b.0), a.1.max(b.1))).unwrap_or((0, 0));
        Self { values, formulas, area: [first, last], next: first }
    }
}

impl<'a> Cells<'a> {
    /// The next cell that is not empty: a border alone makes one.
    fn next(&mut self) -> Result<Option<Cell<'a>>, FileFault> {
        match self {
            Self::Xlsx(cells) => {
                while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(unreadable)? {
                    let unresolved =
                        cell.formula.filter(|_| cell.value == DataRef::Empty).map(|formula| match formula {
                            XlsxFormulaMetadata::Normal { formula } | XlsxFormulaMetadata::Shared { formula, .. } => {
                                formula
                            }
                            _ => String::new(),
                        });
                    if unresolved.is_some() || cell.value != DataRef::Empty {
                        return Ok(Some(Cell { row: cell.pos.0, column: cell.pos.1, value: cell.value, unresolved }));
                    }
                }
                Ok(None)
            }
            Self::Ods(cells) => Ok(cells.next()),
        }
    }
}

impl OdsCells {
    fn next<'a>(&mut self) -> Option<Cell<'a>> {
        let [(_, left), (bottom, right)] = self.area;
        while self.next.0 <= bottom {
            let (row, column) = self.next;
            self.next = if column < right { (row, column + 1) } else { (row + 1, left) };
            let value = match self.values.get_value((row, column)) {
                None | Some(Data::Empty) => DataRef::Empty,
                Some(Data::Int(number)) => DataRef::Int(*number),
                Some(Data::Float(number)) => DataRef::Float(*number),
                Some(Data::String(text)) => DataRef::String(text.clone()),
                Some(Data::Bool(value)) => DataRef::Bool(*value),
                Some(Data::DateTime(instant)) => DataRef::DateTime(*instant),
                Some(Data::DateTimeIso(text)) => DataRef::DateTimeIso(text.clone()),
                Some(Data::DurationIso(text)) => DataRef::DurationIso(text.clone()),
                Some(Data::Error(error)) => DataRef::Error(error.clone()),
            };
            let formula = self.formulas.get_value((row, column)).filter(|formula| !formula.is_empty());
            let unresolved = formula.filter(|_| value == DataRef::Empty).cloned();
            if unresolved.is_some() || value != DataRef::Empty {
                return Some(Cell { row, column, value, unresolved });
            }
        }
        None
    }
}

/// The rows of the sheet that have cells.
pub(super) struct SheetRecords<'a> {
    cells: Cells<'a>,
    next: Option<Cell<'a>>,
    row: u32,
    /// Rows of the sheet by its declared size, at least one.
    rows: u32,
}

impl fmt::Debug for SheetRecords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SheetRecords").field("row", &self.row).finish_non_exhaustive()
    }
}

impl SheetRecords<'_> {
    /// The fraction of the sheet that was read, from 0 to 1, by its declared size.
    pub(super) fn fraction(&self) -> f64 {
        f64::from(self.row.min(self.rows)) / f64::from(self.rows)
    }

    pub(super) fn read(&mut self, record: &mut Record) -> Result<bool, FileFault> {
        let Some(first) = &self.next else { return Ok(false) };
        let row = first.row;
        if row >= ROWS_MAX {
            return Err(FileFault::TooLarge { what: "the number of rows", limit: ROWS_MAX.to_string() });
        }
        self.row = row;
        record.restart(u64::from(row) + 1);
        while let Some(cell) = self.next.take_if(|cell| cell.row == row) {
            record.put(&cell);
            self.next = self.cells.next()?;
        }
        // Empty cells at the end of a row are not stored.
        while record.is_whole() && record.ends.len() < record.width() {
            record.close_cell(CellKind::Text);
        }
        Ok(true)
    }
}

impl Record {
    fn put(&mut self, cell: &Cell<'_>) {
        if !self.is_whole() {
            return;
        }
        let place = cell.column as usize;
        if place < self.ends.len() || place >= CELLS_MAX {
            self.break_at(
                place,
                &format!("a cell in column {}", place + 1),
                "cells from left to right, each once".into(),
            );
            return;
        }
        while self.ends.len() < place {
            self.close_cell(CellKind::Text);
        }
        let start = self.text.len();
        let (text, kind) = match &cell.unresolved {
            Some(formula) => (Cow::Owned(format!("={formula}")), CellKind::NoResult),
            None => written(&cell.value),
        };
        self.text.push_str(&text);
        if self.text.len() > RECORD_MAX {
            let long = self.text.split_off(start);
            self.break_off(&long);
        } else {
            self.close_cell(kind);
        }
    }
}

/// The text that a CSV would have.
fn written<'t>(value: &'t DataRef<'_>) -> (Cow<'t, str>, CellKind) {
    let text = |text: &'t str| (Cow::Borrowed(text), CellKind::Text);
    match value {
        DataRef::Empty => text(""),
        DataRef::String(cell) | DataRef::DateTimeIso(cell) => text(cell),
        DataRef::SharedString(cell) => text(cell),
        DataRef::DurationIso(cell) => (duration(cell).map_or(Cow::Borrowed(cell), Cow::Owned), CellKind::Text),
        DataRef::Bool(value) => text(if *value { "TRUE" } else { "FALSE" }),
        DataRef::DateTime(instant) => (civil(instant).into(), CellKind::Text),
        DataRef::Int(number) => (number.to_string().into(), CellKind::Number),
        DataRef::Float(number) => (number.to_string().into(), CellKind::Number),
        DataRef::Error(error) => (error.to_string().into(), CellKind::Failure),
    }
}

/// A date cell as `2026-10-05`, `09:30:00`, or both. A spreadsheet stores 09:20 as 0.38888…, so it is rounded to the
/// second.
fn civil(instant: &ExcelDateTime) -> String {
    let (year, month, day, ..) = instant.to_ymd_hms_milli();
    let seconds = (instant.as_f64().rem_euclid(1.0) * 86_400.0).round() as u32;
    let date = format!("{year:04}-{month:02}-{day:02}");
    let hour = format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (instant.as_f64() < 1.0, seconds) {
        (true, _) => hour,
        (false, 0) => date,
        (false, _) => format!("{date} {hour}"),
    }
}

/// `PT09H30M00S`, as an ODS has an hour, as `09:30:00`.
fn duration(text: &str) -> Option<String> {
    let (hours, rest) = text.strip_prefix("PT")?.split_once('H')?;
    let (minutes, seconds) = rest.strip_suffix('S')?.split_once('M')?;
    Some(format!("{hours:0>2}:{minutes:0>2}:{seconds:0>2}"))
}
