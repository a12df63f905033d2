//! The encoding of a text: decided once for the file, proved for each row.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};

use encoding_rs::{MACINTOSH, WINDOWS_1252};

use convoke_domain::code::coded;

coded! {
    /// How the text of a file is encoded.
    pub enum Encoding {
        /// UTF-8, with or without byte order mark.
        Utf8 = "UTF-8",
        /// The code page that a French Windows calls ANSI.
        Windows1252 = "Windows-1252",
        /// The code page of old Macintosh programs.
        MacRoman = "MacRoman",
        /// A workbook of Excel: its text is always Unicode.
        Xlsx = "XLSX",
        /// A workbook of LibreOffice (OpenDocument): its text is always Unicode.
        Ods = "ODS",
    }
}

/// Bytes that a text in this encoding does not have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Alien {
    /// Offset of the first of them.
    pub(super) offset: usize,
    /// What they are.
    pub(super) what: String,
}

impl Encoding {
    /// Decodes text of a row. Alien bytes become U+FFFD, and the first of them is returned.
    pub(super) fn decode(self, bytes: &[u8], out: &mut String) -> Option<Alien> {
        match self {
            Self::Windows1252 => {
                // A code page calls control characters what Windows does not define.
                let undefined = |byte: &u8| matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d);
                let alien = bytes
                    .iter()
                    .position(undefined)
                    .map(|offset| Alien { offset, what: format!("byte 0x{:02X} does not exist in it", bytes[offset]) });
                let alien = alien.or_else(|| {
                    utf8_letter(bytes).map(|offset| Alien {
                        offset,
                        what: format!("bytes 0x{:02X} 0x{:02X} are UTF-8", bytes[offset], bytes[offset + 1]),
                    })
                });
                out.push_str(&WINDOWS_1252.decode_without_bom_handling(bytes).0);
                alien
            }
            Self::MacRoman => {
                out.push_str(&MACINTOSH.decode_without_bom_handling(bytes).0);
                None
            }
            Self::Utf8 | Self::Xlsx | Self::Ods => match str::from_utf8(bytes) {
                Ok(text) => {
                    out.push_str(text);
                    None
                }
                Err(error) => {
                    out.push_str(&String::from_utf8_lossy(bytes));
                    let offset = error.valid_up_to();
                    let byte = &bytes[offset..=offset];
                    let (ansi, mac) = (WINDOWS_1252.decode(byte).0, MACINTOSH.decode(byte).0);
                    let what =
                        format!("byte 0x{:02X} is none; in Windows-1252 it is {ansi}, in MacRoman {mac}", byte[0]);
                    Some(Alien { offset, what })
                }
            },
        }
    }
}

/// A letter such as é, ç or ł in UTF-8. Read as Windows-1252 it would be `Ã`, `Ä` or `Å` and a sign that no word has
/// inside.
fn utf8_letter(bytes: &[u8]) -> Option<usize> {
    // Not »: a quotation may end in a capital.
    bytes.windows(2).position(|pair| matches!(pair, [0xc3..=0xc5, 0x80..=0xba | 0xbc..=0xbf]))
}

/// What speaks for an encoding in a text without byte order mark that is not all UTF-8.
#[derive(Debug, Default)]
struct Evidence {
    /// Characters of several bytes that are UTF-8, and bytes that are not.
    utf8: u64,
    other: u64,
    /// Letters in the place where the code page has the letters of French words.
    windows: u64,
    mac: u64,
}

/// The encoding of a text that is not all UTF-8: that in which most of its bytes make sense.
pub(super) fn decide(file: &mut File) -> io::Result<Encoding> {
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = BufReader::with_capacity(64 << 10, file);
    let mut evidence = Evidence::default();
    loop {
        let buffer = bytes.fill_buf()?;
        if buffer.is_empty() {
            return Ok(evidence.encoding());
        }
        evidence.weigh(buffer);
        let length = buffer.len();
        bytes.consume(length);
    }
}

impl Evidence {
    fn weigh(&mut self, bytes: &[u8]) {
        for chunk in bytes.utf8_chunks() {
            self.utf8 += chunk.valid().chars().filter(|c| !c.is_ascii()).count() as u64;
            self.other += chunk.invalid().len() as u64;
        }
        for pair in bytes.windows(2) {
            match pair {
                // à â é è ç ê, after a small letter: undefined or signs in Windows, and so are É Ç after a capital.
                [b'a'..=b'z', 0x88..=0x89 | 0x8d..=0x90] | [b'A'..=b'Z', 0x82..=0x83] => self.mac += 1,
                [b'a'..=b'z', 0xe0..=0xff] | [0xe0..=0xff, b'a'..=b'z'] | [b'A'..=b'Z', 0xc0..=0xdd] => {
                    self.windows += 1;
                }
                _ => {}
            }
        }
    }

    fn encoding(&self) -> Encoding {
        match self {
            _ if self.utf8 > self.other => Encoding::Utf8,
            _ if self.mac > self.windows => Encoding::MacRoman,
            _ => Encoding::Windows1252,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(bytes: &[u8]) -> Encoding {
        let mut evidence = Evidence::default();
        evidence.weigh(bytes);
        evidence.encoding()
    }

    #[test]
    fn each_code_page_is_known_by_the_letters_of_french_words() {
        for text in ["Zoé Lefèvre", "FRANÇOIS", "ANDRÉ", "garçon, fenêtre", "à côté de l’Haÿ"] {
            for (encoding, page) in [(WINDOWS_1252, Encoding::Windows1252), (MACINTOSH, Encoding::MacRoman)] {
                assert_eq!(decided(&encoding.encode(text).0), page, "{text}");
            }
        }
        // Croatian names, as Windows writes them.
        assert_eq!(
            decided(&WINDOWS_1252.encode("Žan Šarić-Žužić".replace('ć', "c").as_str()).0),
            Encoding::Windows1252
        );
    }

    #[test]
    fn one_byte_of_a_code_page_does_not_change_the_encoding_of_the_others() {
        assert_eq!(decided(b"Zo\xc3\xa9 Lef\xc3\xa8vre, Zo\xe9"), Encoding::Utf8);
        assert_eq!(decided(b"Zo\xe9 Lef\xe8vre, Zo\xc3\xa9"), Encoding::Windows1252);
    }

    #[test]
    fn bytes_of_another_encoding_are_found_at_their_place() {
        let alien =
            |encoding: Encoding, bytes: &[u8]| encoding.decode(bytes, &mut String::new()).map(|alien| alien.offset);
        assert_eq!(alien(Encoding::Utf8, b"Zo\xe9"), Some(2));
        assert_eq!(alien(Encoding::Windows1252, b"Zo\xc3\xa9"), Some(2));
        assert_eq!(alien(Encoding::Windows1252, b"Zo\x8d"), Some(2));
        for text in ["Zoé", "«\u{a0}É»", "œuvre", "L’Haÿ", "€ 5"] {
            assert_eq!(alien(Encoding::Windows1252, &WINDOWS_1252.encode(text).0), None, "{text}");
            let mut decoded = String::new();
            Encoding::MacRoman.decode(&MACINTOSH.encode(text).0, &mut decoded);
            assert_eq!(decoded, text);
        }
    }
}
