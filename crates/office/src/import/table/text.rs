//! CSV records, in bounded memory whatever the file contains.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};

use csv_core::ReadRecordResult;

use super::super::result::FileFault;
use super::encoding::Encoding;
use super::record::{CELLS_MAX, RECORD_MAX, Record};

const BUFFER: usize = 64 << 10;

/// How a text is read.
#[derive(Debug)]
pub(super) struct TextForm {
    /// Length of the byte order mark, in bytes.
    pub(super) mark: u64,
    pub(super) encoding: Encoding,
    /// Whether all of it is UTF-8.
    pub(super) is_utf8: bool,
    /// The separators to try, the likeliest first.
    pub(super) separators: Vec<u8>,
}

impl Default for TextForm {
    fn default() -> Self {
        Self { mark: 0, encoding: Encoding::Utf8, is_utf8: true, separators: vec![b';'] }
    }
}

/// Uses `csv_core` rather than `csv`: the latter lets a record with an open quote grow to the end of the file, and does
/// not report the open quote.
pub(super) struct TextRecords {
    source: BufReader<File>,
    encoding: Encoding,
    /// The bytes of a row as they are in the file, where they may not be UTF-8: without its quotation marks a row could
    /// be.
    raw: Option<Vec<u8>>,
    core: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    lines: Lines,
    position: u64,
}

impl fmt::Debug for TextRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextRecords")
            .field("lines", &self.lines)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

impl TextRecords {
    /// Starts at the top of the file, with one of the separators of its form.
    pub(super) fn open(file: &File, form: &TextForm, separator: usize) -> Result<Self, FileFault> {
        let mut file = file.try_clone()?;
        file.seek(SeekFrom::Start(form.mark))?;
        Ok(Self {
            source: BufReader::with_capacity(BUFFER, file),
            encoding: form.encoding,
            raw: (form.encoding == Encoding::Utf8 && !form.is_utf8).then(Vec::new),
            core: csv_core::ReaderBuilder::new().delimiter(form.separators[separator]).build(),
            text: vec![0; RECORD_MAX],
            ends: vec![0; CELLS_MAX],
            lines: Lines::default(),
            position: form.mark,
        })
    }

    /// Bytes read so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn read(&mut self, record: &mut Record) -> Result<bool, FileFault> {
        if !self.skip_line_ends()? {
            return Ok(false);
        }
        let row = self.lines.line();
        record.restart(row);
        let (mut written, mut cells) = (0, 0);
        self.raw.iter_mut().for_each(Vec::clear);
        loop {
            let input = self.source.fill_buf()?;
            // The last line may lack its line end, so one is added. A record that continues after it is inside a quote.
            let at_end = input.is_empty();
            let input = if at_end { b"\n" } else { input };
            let (state, read, wrote, ended) =
                self.core.read_record(input, &mut self.text[written..], &mut self.ends[cells..]);
            if !at_end {
                if let Some(raw) = self.raw.as_mut().filter(|raw| raw.len() <= RECORD_MAX) {
                    raw.extend_from_slice(&input[..read]);
                }
                self.lines.pass(&input[..read]);
                self.source.consume(read);
                self.position += read as u64;
            }
            written += wrote;
            cells += ended;
            match state {
                ReadRecordResult::Record => break,
                ReadRecordResult::InputEmpty if at_end => {
                    let before = if record.is_cut() { record.text.as_bytes() } else { self.closed(cells) };
                    return Err(FileFault::OpenQuote { row: row + line_ends(before) });
                }
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    if !record.is_cut() {
                        self.keep_head(record, written, cells);
                    }
                    // The rest of the row is skipped.
                    (written, cells) = (0, 0);
                }
            }
        }
        record.lines = (self.lines.line() - row).max(1);
        if !record.is_cut() {
            self.take_cells(record, cells);
        }
        let torn = self.raw.as_ref().is_some_and(|raw| str::from_utf8(raw).is_err());
        if torn && record.is_whole() {
            let found = record.shown();
            record.break_at(CELLS_MAX, &found, "UTF-8, as in the rest of the file: a character is torn apart".into());
        }
        Ok(true)
    }

    /// The text of the cells that are complete.
    fn closed(&self, cells: usize) -> &[u8] {
        &self.text[..if cells == 0 { 0 } else { self.ends[cells - 1] }]
    }

    fn take_cells(&self, record: &mut Record, cells: usize) {
        let text = self.closed(cells);
        let encoding = if text.is_ascii() { Encoding::Utf8 } else { self.encoding };
        if encoding == Encoding::Utf8
            && let Ok(text) = str::from_utf8(text)
        {
            record.text.push_str(text);
            record.ends.extend_from_slice(&self.ends[..cells]);
            return;
        }
        let mut start = 0;
        for (place, end) in self.ends[..cells].iter().enumerate() {
            let from = record.text.len();
            let alien = encoding.decode(&text[start..*end], &mut record.text);
            if let Some(alien) = alien.filter(|_| record.is_whole()) {
                let line = record_line(record.row(), &text[..start + alien.offset]);
                let found = record.text[from..].to_owned();
                record.break_at(place, &found, format!("{encoding}, as in the rest of the file: {}{line}", alien.what));
            }
            record.ends.push(record.text.len());
            start = *end;
        }
    }

    /// Keeps the complete cells of a row that is too long; the error shows the beginning of the next cell.
    fn keep_head(&self, record: &mut Record, written: usize, cells: usize) {
        let whole = self.closed(cells).len();
        self.take_cells(record, cells);
        record.break_off(&String::from_utf8_lossy(&self.text[whole..written.min(whole + 1_000)]));
    }

    /// Skips blank lines, so that the starting line of a record is known; false at the end of the file.
    fn skip_line_ends(&mut self) -> Result<bool, FileFault> {
        loop {
            let input = self.source.fill_buf()?;
            let blank = input.iter().take_while(|b| b"\r\n".contains(b)).count();
            self.lines.pass(&input[..blank]);
            let (all, ended) = (blank == input.len(), input.is_empty());
            self.source.consume(blank);
            self.position += blank as u64;
            if !all || ended {
                return Ok(!ended);
            }
        }
    }
}

/// Where in a row of several lines something is.
fn record_line(row: u64, before: &[u8]) -> String {
    match line_ends(before) {
        0 => String::new(),
        lines => format!(" (on line {})", row + lines),
    }
}

/// The line that is read: `LF`, `CR LF` or a lone `CR` ends one.
#[derive(Debug, Default)]
pub(super) struct Lines {
    ended: u64,
    is_after_cr: bool,
}

impl Lines {
    /// From 1.
    pub(super) fn line(&self) -> u64 {
        self.ended + 1
    }

    pub(super) fn pass(&mut self, bytes: &[u8]) {
        let Some(last) = bytes.last() else { return };
        let split = self.is_after_cr && bytes[0] == b'\n';
        self.ended += line_ends(bytes) - u64::from(split);
        self.is_after_cr = *last == b'\r';
    }
}

/// The number of line ends, where CR LF is one.
fn line_ends(bytes: &[u8]) -> u64 {
    let ends: u64 = bytes.iter().map(|b| u64::from(*b == b'\n') + u64::from(*b == b'\r')).sum();
    let pairs: u64 = bytes.windows(2).map(|pair| u64::from(pair == b"\r\n")).sum();
    ends - pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_ends_one_line_wherever_a_buffer_ends() {
        let text = b"a\rb\r\nc\n\nd\r\r\n";
        assert_eq!(line_ends(text), 6);
        for cut in 0..=text.len() {
            let mut lines = Lines::default();
            lines.pass(&text[..cut]);
            lines.pass(&text[cut..]);
            assert_eq!(lines.line(), 7, "{cut}");
        }
    }
}
