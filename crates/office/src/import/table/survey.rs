//! The first pass over a file: finds its format before parsing it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::str;

use sha2::{Digest, Sha256};

use super::super::result::FileFault;
use super::encoding::{self, Encoding};
use super::sheet;
use super::text::{Lines, TextForm};
use convoke_domain::ids::hex;

/// What the bytes of a file reveal.
pub(super) struct Survey {
    pub(super) encoding: Encoding,
    /// How a text is read.
    pub(super) form: TextForm,
    pub(super) sha256: String,
    pub(super) bytes: u64,
}

const BUFFER: usize = 64 << 10;
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// The separators that a text is tried with: a `sep=` line or the first line decides which comes first.
const SEPARATORS: [u8; 3] = *b";,\t";

/// Reads the whole file once and rewinds it. Text is UTF-8 if its mark says so or all of it is valid, otherwise what
/// most of it is: guessing from the beginning would garble a late first accent.
pub(super) fn survey(file: &mut File) -> Result<Survey, FileFault> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    let mut bytes = 0;
    // Bytes of a character that continues in the next buffer.
    let mut carried = 0;
    let (mut kind, mut form, mut is_utf8) = (Encoding::Utf8, TextForm::default(), true);
    loop {
        let read = read_full(file, &mut buffer[carried..])?;
        let end = carried + read;
        let new = &buffer[carried..end];
        hash.update(new);
        if bytes == 0 {
            form = TextForm::of_head(new)?;
            kind = if new.starts_with(ZIP_MAGIC) { sheet::kind(file)? } else { Encoding::Utf8 };
        }
        if kind == Encoding::Utf8
            && let Some(place) = new.iter().position(|b| *b == 0)
        {
            let offset = bytes + place as u64;
            return Err(FileFault::Nul { line: line_at(file, offset)?, offset });
        }
        bytes += read as u64;
        carried = match str::from_utf8(&buffer[..end]) {
            _ if kind != Encoding::Utf8 || !is_utf8 => 0,
            Ok(_) => 0,
            Err(error) if error.error_len().is_none() && read > 0 => {
                buffer.copy_within(error.valid_up_to()..end, 0);
                end - error.valid_up_to()
            }
            Err(_) => {
                is_utf8 = false;
                0
            }
        };
        if read == 0 {
            break;
        }
    }
    if bytes == form.mark {
        return Err(FileFault::Empty);
    }
    if !is_utf8 && form.mark == 0 {
        form.encoding = encoding::decide(file)?;
        kind = form.encoding;
    }
    form.is_utf8 = is_utf8;
    file.seek(SeekFrom::Start(0))?;
    Ok(Survey { encoding: kind, form, sha256: hex(&hash.finalize()), bytes })
}

impl TextForm {
    fn of_head(head: &[u8]) -> Result<Self, FileFault> {
        let mark = match head {
            // With or without its mark: a header begins with a letter, and in UTF-16 one of its bytes is zero.
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=255, ..] | [1..=255, 0, ..] => return Err(FileFault::Utf16),
            _ if head.starts_with(UTF8_MARK) => UTF8_MARK.len(),
            _ => 0,
        };
        Ok(Self { mark: mark as u64, encoding: Encoding::Utf8, is_utf8: true, separators: separators(&head[mark..]) })
    }
}

/// The separators to try: the one that a first line `sep=;` names, or all, the most frequent in the first line, outside
/// quotes, first.
fn separators(head: &[u8]) -> Vec<u8> {
    let start = head.iter().position(|b| !b"\r\n".contains(b)).unwrap_or(0);
    let head = &head[start..];
    let unquoted = head.strip_prefix(b"\"").unwrap_or(head);
    if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator, ..] = unquoted
        && (SEPARATORS.contains(separator) || *separator == b'|')
    {
        return vec![*separator];
    }
    let (mut is_quoted, mut counts) = (false, [0u32; SEPARATORS.len()]);
    for byte in head {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\r' | b'\n' if !is_quoted => break,
            _ if is_quoted => {}
            _ => SEPARATORS.iter().zip(&mut counts).filter(|(known, _)| *known == byte).for_each(|(_, n)| *n += 1),
        }
    }
    let mut order: Vec<usize> = (0..SEPARATORS.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(counts[*i]));
    order.into_iter().map(|i| SEPARATORS[i]).collect()
}

/// The line on which a byte is: read again, because no file but a broken one is asked.
fn line_at(file: &mut File, offset: u64) -> Result<u64, FileFault> {
    file.seek(SeekFrom::Start(0))?;
    let (mut lines, mut before) = (Lines::default(), BufReader::with_capacity(BUFFER, file.take(offset)));
    loop {
        let buffer = before.fill_buf()?;
        if buffer.is_empty() {
            return Ok(lines.line());
        }
        lines.pass(buffer);
        let length = buffer.len();
        before.consume(length);
    }
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
    fn the_first_accent_may_be_the_last_byte() {
        let mut bytes = "e".repeat(3 * BUFFER).into_bytes();
        bytes.push(0xe9);
        assert_eq!(surveyed(&bytes).unwrap().encoding, Encoding::Windows1252);
    }

    #[test]
    fn a_byte_order_mark_decides() {
        let bytes = [UTF8_MARK, b"Zo\xe9 Lef\xe8vre"].concat();
        assert_eq!(surveyed(&bytes).unwrap().encoding, Encoding::Utf8);
    }

    #[test]
    fn the_first_separator_tried_is_that_of_the_first_line_outside_quotes() {
        for (head, expected) in [
            (&b"a;b,c;d\n,,,,"[..], &b";,\t"[..]),
            (b"\r\n\"a;;;;\"\"\",b\r\n;;;", b",;\t"),
            (b"a", b";,\t"),
            (b"", b";,\t"),
            (b"a,b;c", b";,\t"),
            (b"a\tb\tc;d", b"\t;,"),
            (b"sep=,\r\na;b;c", b","),
            (b"\"sep=|\"\na|b", b"|"),
        ] {
            assert_eq!(separators(head), expected, "{}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn a_nul_is_found_at_its_place() {
        let fault = surveyed(&[&b"a;b\n".repeat(40_000)[..], b"c\0"].concat()).err().unwrap();
        assert!(matches!(fault, FileFault::Nul { line: 40_001, offset: 160_001 }), "{fault}");
    }
}
