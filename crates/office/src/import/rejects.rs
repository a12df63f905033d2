//! The file of rejected rows.

use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

use super::result::{RowError, guarded, reasons};
use super::table::{Record, Table};

/// The file of rejected rows (`FILE.rejects.csv`): their original cells, and the reasons. It can be corrected in a
/// spreadsheet and imported by itself.
#[derive(Debug)]
pub(super) struct Rejects {
    rows: csv::Writer<NamedTempFile>,
    columns: usize,
}

impl Rejects {
    /// Starts the file in its target folder. It gets its name only once it is complete.
    pub(super) fn create(folder: &Path, table: &Table) -> io::Result<Self> {
        let mut rows = csv::WriterBuilder::new()
            .delimiter(table.separator.unwrap_or(';') as u8)
            .flexible(true)
            .from_writer(NamedTempFile::new_in(folder)?);
        rows.write_record(table.header().iter().map(|name| guarded(name)).chain(["motif".to_owned()]))?;
        Ok(Self { rows, columns: table.header().len() })
    }

    /// Adds a row and its reasons.
    pub(super) fn write(&mut self, record: &Record, errors: &[RowError]) -> io::Result<()> {
        let cells: Vec<&str> = record.cells().collect();
        let (own, surplus) = cells.split_at(cells.len().min(self.columns));
        let missing = self.columns - own.len();
        // The reason always has the same column: surplus cells of a row follow it.
        self.rows.write_record(
            own.iter()
                .map(|cell| guarded(cell))
                .chain(std::iter::repeat_n(String::new(), missing))
                .chain([guarded(&reasons(errors))])
                .chain(surplus.iter().map(|cell| guarded(cell))),
        )?;
        Ok(())
    }

    /// Gives the file its name, synced to disk.
    pub(super) fn finish(self, path: &Path) -> io::Result<()> {
        let file = self.rows.into_inner().map_err(csv::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }
}
