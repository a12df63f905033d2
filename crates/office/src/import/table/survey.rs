//! The first pass over a file: finds its format before parsing it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::str;

use sha2::{Digest, Sha256};

use super::super::result::FileFault;
use super::Encoding;
use convoke_domain::ids::hex;

/// What the bytes of a file reveal.
pub(super) struct Survey {
    pub(super) encoding: Encoding,
    /// Length of the byte order mark, in bytes.
    pub(super) mark: u64,
    pub(super) separator: u8,
    pub(super) sha256: String,
    pub(super) bytes: u64,
}

const BUFFER: usize = 64 << 10;
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads the whole file once and rewinds it. Text is UTF-8 if all of it is valid UTF-8, otherwise Windows-1252:
/// guessing from the beginning would garble a late first accent.
pub(super) fn survey(file: &mut File) -> Result<Survey, FileFault> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    let (mut bytes, mut line) = (0, 1);
    // Bytes of a character that continues in the next buffer.
    let mut carried = 0;
    let mut survey = Survey { encoding: Encoding::Utf8, mark: 0, separator: b';', sha256: String::new(), bytes: 0 };
    loop {
        let read = read_full(file, &mut buffer[carried..])?;
        let end = carried + read;
        let new = &buffer[carried..end];
        hash.update(new);
        if bytes == 0 {
            survey.judge_head(new)?;
        }
        if survey.encoding != Encoding::Workbook {
            if let Some(place) = new.iter().position(|b| *b == 0) {
                return Err(FileFault::Nul { line: line + line_ends(&new[..place]), offset: bytes + place as u64 });
            }
            line += line_ends(new);
        }
        bytes += read as u64;
        carried = match str::from_utf8(&buffer[..end]) {
            _ if survey.encoding != Encoding::Utf8 => 0,
            Ok(_) => 0,
            Err(error) if error.error_len().is_none() && read > 0 => {
                buffer.copy_within(error.valid_up_to()..end, 0);
                end - error.valid_up_to()
            }
            Err(_) => {
                survey.encoding = Encoding::Windows1252;
                0
            }
        };
        if read == 0 {
            break;
        }
    }
    if bytes == survey.mark {
        return Err(FileFault::Empty);
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(Survey { sha256: hex(&hash.finalize()), bytes, ..survey })
}

impl Survey {
    fn judge_head(&mut self, head: &[u8]) -> Result<(), FileFault> {
        match head {
            _ if head.starts_with(ZIP_MAGIC) => self.encoding = Encoding::Workbook,
            // With or without its mark: a header begins with a letter, and in UTF-16 one of its bytes is zero.
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=255, ..] | [1..=255, 0, ..] => return Err(FileFault::Utf16),
            _ if head.starts_with(UTF8_MARK) => self.mark = UTF8_MARK.len() as u64,
            _ => {}
        }
        self.separator = separator(head);
        Ok(())
    }
}

/// The more frequent separator in the header line, outside quotes; `;` if both are as frequent.
fn separator(head: &[u8]) -> u8 {
    let start = head.iter().position(|b| !b"\r\n".contains(b)).unwrap_or(0);
    let (mut quoted, mut semicolons, mut commas) = (false, 0u32, 0u32);
    for byte in &head[start..] {
        match byte {
            b'"' => quoted = !quoted,
            b'\r' | b'\n' if !quoted => break,
            b';' if !quoted => semicolons += 1,
            b',' if !quoted => commas += 1,
            _ => {}
        }
    }
    if commas > semicolons { b',' } else { b';' }
}

pub(super) fn line_ends(bytes: &[u8]) -> u64 {
    bytes.iter().map(|b| u64::from(*b == b'\n')).sum()
}

/// Fills the buffer as far as the file goes: a short read must not shorten the inspected head.
fn read_full(file: &mut File, buffer: &mut [u8]) -> Result<usize, FileFault> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn surveyed(bytes: &[u8]) -> Result<Survey, FileFault> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        survey(&mut file)
    }

    #[test]
    fn a_character_across_two_buffers_is_still_utf8() {
        for shift in 0..4 {
            let text = format!("{}{}", "a".repeat(BUFFER - 4 + shift), "é😀".repeat(BUFFER / 3));
            let found = surveyed(text.as_bytes()).unwrap();
            assert_eq!(found.encoding, Encoding::Utf8, "{shift}");
            assert_eq!(
                (found.sha256, found.bytes),
                (convoke_domain::ids::sha256_hex(text.as_bytes()), text.len() as u64)
            );
        }
    }

    #[test]
    fn one_invalid_byte_at_the_very_end_makes_it_windows_1252() {
        let mut bytes = "é".repeat(BUFFER).into_bytes();
        bytes.push(0xe9);
        assert_eq!(surveyed(&bytes).unwrap().encoding, Encoding::Windows1252);
    }

    #[test]
    fn the_separator_is_that_of_the_header_outside_quotes() {
        for (head, expected) in [
            (&b"a;b,c;d\n,,,,"[..], b';'),
            (b"\r\n\"a;;;;\"\"\",b\r\n;;;", b','),
            (b"a", b';'),
            (b"", b';'),
            (b"a,b;c", b';'),
        ] {
            assert_eq!(separator(head), expected, "{}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn a_nul_is_found_at_its_place() {
        let fault = surveyed(&[&b"a;b\n".repeat(40_000)[..], b"c\0"].concat()).err().unwrap();
        assert!(matches!(fault, FileFault::Nul { line: 40_001, offset: 160_001 }), "{fault}");
    }
}
