//! Records of the first sheet of an XLSX workbook.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use calamine::{Cell, DataRef, ExcelDateTime, Reader, Xlsx, XlsxCellReader};

use super::super::result::FileFault;
use super::{CELLS_MAX, CellKind, RECORD_MAX, Record};

/// Limits of a workbook, in bytes. A sheet of 300,000 permits unpacks to 180 MiB and its texts to 28 MiB. Texts, styles
/// and the rest are held in memory, so their limit is lower.
const PACKED_MAX: u64 = 64 << 20;
const SHEETS_MAX: u64 = 256 << 20;
const OTHERS_MAX: u64 = 64 << 20;
const ROWS_MAX: u32 = 1 << 20;

/// A workbook within the limits.
pub(super) struct Workbook {
    xlsx: Xlsx<BufReader<File>>,
    sheet: String,
}

impl fmt::Debug for Workbook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workbook").field("sheet", &self.sheet).finish_non_exhaustive()
    }
}

impl Workbook {
    pub(super) fn open(mut file: File) -> Result<Self, FileFault> {
        within("the file", file.metadata()?.len(), PACKED_MAX)?;
        weigh(&mut file)?;
        file.seek(SeekFrom::Start(0))?;
        let xlsx = Xlsx::new(BufReader::new(file)).map_err(unreadable)?;
        let sheet = xlsx.sheet_names().first().cloned().ok_or_else(|| FileFault::Workbook("it has no sheet".into()))?;
        Ok(Self { xlsx, sheet })
    }

    pub(super) fn records(&mut self) -> Result<SheetRecords<'_>, FileFault> {
        let mut cells = self.xlsx.worksheet_cells_reader(&self.sheet).map_err(unreadable)?;
        let rows = cells.dimensions().end.0.clamp(1, ROWS_MAX);
        let next = cells.next_cell().map_err(unreadable)?;
        Ok(SheetRecords { cells, next, row: 0, rows })
    }
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
    Ok(())
}

fn within(what: &'static str, size: u64, max: u64) -> Result<(), FileFault> {
    if size <= max { Ok(()) } else { Err(FileFault::TooLarge { what, limit: format!("{} MiB", max >> 20) }) }
}

fn unreadable(error: impl fmt::Display) -> FileFault {
    FileFault::Workbook(error.to_string())
}

/// The rows of the sheet that have cells.
pub(super) struct SheetRecords<'a> {
    cells: XlsxCellReader<'a, BufReader<File>>,
    next: Option<Cell<DataRef<'a>>>,
    row: u32,
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
        let row = first.get_position().0;
        if row >= ROWS_MAX {
            return Err(FileFault::TooLarge { what: "the number of rows", limit: ROWS_MAX.to_string() });
        }
        self.row = row;
        record.restart(u64::from(row) + 1);
        while let Some(cell) = self.next.take_if(|cell| cell.get_position().0 == row) {
            record.put(cell.get_position().1 as usize, cell.get_value());
            self.next = self.cells.next_cell().map_err(unreadable)?;
        }
        // Empty cells at the end of a row are not stored.
        while record.broken.is_none() && record.ends.len() < record.schema.header.len() {
            record.close_cell(CellKind::Text);
        }
        Ok(true)
    }
}

impl Record {
    fn put(&mut self, place: usize, value: &DataRef<'_>) {
        // An empty cell with a border beyond the last column is no field.
        if self.broken.is_some() || *value == DataRef::Empty {
            return;
        }
        if place < self.ends.len() || place >= CELLS_MAX {
            let found = format!("a cell in column {}", place + 1);
            self.broken = Some(super::RowError::new(self.row, "", &found, "cells from left to right, each once"));
            return;
        }
        while self.ends.len() < place {
            self.close_cell(CellKind::Text);
        }
        let start = self.text.len();
        let kind = match value {
            DataRef::Empty => CellKind::Text,
            DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => self.append(text),
            DataRef::SharedString(text) => self.append(text),
            DataRef::Bool(value) => self.append(if *value { "TRUE" } else { "FALSE" }),
            DataRef::DateTime(instant) => self.append(&civil(instant)),
            // Unwrap safety: a String takes every write.
            DataRef::Int(number) => write!(self.text, "{number}").map(|()| CellKind::Number).expect("a String"),
            DataRef::Float(number) => write!(self.text, "{number}").map(|()| CellKind::Number).expect("a String"),
            DataRef::Error(error) => write!(self.text, "{error}").map(|()| CellKind::Failure).expect("a String"),
        };
        if self.text.len() > RECORD_MAX {
            let long = self.text.split_off(start);
            self.break_off(&long);
        } else {
            self.close_cell(kind);
        }
    }

    fn append(&mut self, text: &str) -> CellKind {
        self.text.push_str(text);
        CellKind::Text
    }

    fn close_cell(&mut self, kind: CellKind) {
        self.ends.push(self.text.len());
        self.kinds.push(kind);
    }
}

/// A date cell as the text that a CSV would have: `2026-10-05`, `09:30`, or both.
fn civil(instant: &ExcelDateTime) -> String {
    let (year, month, day, ..) = instant.to_ymd_hms_milli();
    // To the minute: 09:20 is stored as 0.38888…
    let minutes = (instant.as_f64().rem_euclid(1.0) * 1_440.0).round() as u32;
    let date = format!("{year:04}-{month:02}-{day:02}");
    let hour = format!("{:02}:{:02}", minutes / 60, minutes % 60);
    match (instant.as_f64() < 1.0, minutes) {
        (true, _) => hour,
        (false, 0) => date,
        (false, _) => format!("{date} {hour}"),
    }
}
