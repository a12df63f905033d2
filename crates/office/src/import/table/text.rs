//! CSV records, in bounded memory whatever the file contains.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use csv_core::ReadRecordResult;
use encoding_rs::{Decoder, WINDOWS_1252};

use super::super::result::FileFault;
use super::survey::{Survey, line_ends};
use super::{CELLS_MAX, Encoding, RECORD_MAX, Record};

const BUFFER: usize = 64 << 10;

/// Uses `csv_core` rather than `csv`: the latter lets a record with an open quote grow to the end of the file, and does
/// not report the open quote.
pub(super) struct TextRecords {
    source: Box<dyn BufRead + Send>,
    core: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    position: u64,
}

impl fmt::Debug for TextRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextRecords")
            .field("line", &self.core.line())
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

impl TextRecords {
    pub(super) fn open(mut file: File, survey: &Survey) -> Result<Self, FileFault> {
        file.seek(SeekFrom::Start(survey.mark))?;
        let bytes = BufReader::with_capacity(BUFFER, file);
        let source: Box<dyn BufRead + Send> = if survey.encoding == Encoding::Windows1252 {
            let decoder = WINDOWS_1252.new_decoder_without_bom_handling();
            Box::new(BufReader::with_capacity(BUFFER, Transcoder { bytes, decoder }))
        } else {
            Box::new(bytes)
        };
        Ok(Self {
            source,
            core: csv_core::ReaderBuilder::new().delimiter(survey.separator).build(),
            text: vec![0; RECORD_MAX],
            ends: vec![0; CELLS_MAX],
            position: survey.mark,
        })
    }

    /// Bytes of UTF-8 read so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn read(&mut self, record: &mut Record) -> Result<bool, FileFault> {
        if !self.skip_line_ends()? {
            return Ok(false);
        }
        let row = self.core.line();
        record.restart(row);
        let (mut written, mut cells) = (0, 0);
        loop {
            let input = self.source.fill_buf()?;
            // The last line may lack its line end, so one is added. A record that continues after it is inside a quote.
            let at_end = input.is_empty();
            let input = if at_end { b"\n" } else { input };
            let (state, read, wrote, ended) =
                self.core.read_record(input, &mut self.text[written..], &mut self.ends[cells..]);
            if !at_end {
                self.source.consume(read);
                self.position += read as u64;
            }
            written += wrote;
            cells += ended;
            match state {
                ReadRecordResult::Record => break,
                ReadRecordResult::InputEmpty if at_end => return Err(FileFault::OpenQuote { row }),
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    if record.broken.is_none() {
                        self.keep_head(record, written, cells);
                    }
                    // The rest of the row is skipped.
                    (written, cells) = (0, 0);
                }
            }
        }
        if record.broken.is_none() {
            record.text.push_str(str::from_utf8(&self.text[..written]).map_err(|_| FileFault::Changed)?);
            record.ends.extend_from_slice(&self.ends[..cells]);
        }
        Ok(true)
    }

    /// Keeps the complete cells of a row that is too long; the error shows the beginning of the next cell.
    fn keep_head(&self, record: &mut Record, written: usize, cells: usize) {
        let whole = if cells == 0 { 0 } else { self.ends[cells - 1] };
        record.text.push_str(&String::from_utf8_lossy(&self.text[..whole]));
        record.ends.extend_from_slice(&self.ends[..cells]);
        record.break_off(&String::from_utf8_lossy(&self.text[whole..written.min(whole + 1_000)]));
    }

    /// Skips blank lines, so that the starting line of a record is known; false at the end of the file.
    fn skip_line_ends(&mut self) -> Result<bool, FileFault> {
        loop {
            let input = self.source.fill_buf()?;
            let blank = input.iter().take_while(|b| b"\r\n".contains(b)).count();
            let lines = line_ends(&input[..blank]);
            let (all, ended) = (blank == input.len(), input.is_empty());
            self.source.consume(blank);
            self.position += blank as u64;
            self.core.set_line(self.core.line() + lines);
            if !all || ended {
                return Ok(!ended);
            }
        }
    }
}

/// Transcodes Windows-1252 to UTF-8.
struct Transcoder {
    bytes: BufReader<File>,
    decoder: Decoder,
}

impl Read for Transcoder {
    // Only called with the buffer of a BufReader, which has room for at least one character.
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let raw = self.bytes.fill_buf()?;
        if raw.is_empty() {
            return Ok(0);
        }
        // Never flagged as the last input: each byte is a character here, so nothing is left over, and a finished
        // decoder cannot be called again.
        let (_, read, written, _) = self.decoder.decode_to_utf8(raw, out, false);
        self.bytes.consume(read);
        Ok(written)
    }
}
