//! The code in the corner of a letter: with the key, it proves that the préfecture issued the letter.

use convoke_domain::ids::{base32, keyed_hash};

/// The installation's key for verification codes.
#[derive(Clone)]
pub struct CodeKey(Vec<u8>);

impl std::fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CodeKey(…)")
    }
}

/// Minimum length of a key in bytes: a shorter one could be found by brute force.
const KEY_MIN: usize = 16;
/// Codes are not searched beyond this number of changes of one appointment.
const SEQUENCE_MAX: u32 = 99;

impl CodeKey {
    /// A key from the content of a file or variable; `None` if it is too short.
    pub fn new(text: &str) -> Option<Self> {
        let bytes = text.trim().as_bytes().to_vec();
        (bytes.len() >= KEY_MIN).then_some(Self(bytes))
    }

    /// The code of a letter: 80 bits of HMAC-SHA256 (RFC 2104) over reference and SEQUENCE, as four groups of four
    /// characters of Crockford's base 32: `9f2k-03mt-x7qd-w81c`.
    pub fn code(&self, reference: &str, sequence: u32) -> String {
        let mac = keyed_hash(&self.0, &[b"convoke letter code", reference.as_bytes(), &sequence.to_be_bytes()]);
        let letters = base32(&mac[..10]).to_ascii_uppercase();
        [&letters[..4], &letters[4..8], &letters[8..12], &letters[12..]].join("-")
    }

    /// The SEQUENCE of the letter with this reference and code, if the code is valid. Blanks, hyphens and case are
    /// ignored, as are letters mistaken for digits (O, I, L).
    pub fn check(&self, reference: &str, code: &str) -> Option<u32> {
        let typed: String = code
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            })
            .collect();
        (0..=SEQUENCE_MAX).find(|sequence| same(&self.code(reference, *sequence).replace('-', ""), &typed))
    }
}

/// Compares in constant time.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_for_its_letter_alone() {
        let key = CodeKey::new("0123456789abcdef0123456789abcdef").unwrap();
        let code = key.code("RC-94-2026-0001234-K", 2);
        assert_eq!(code.len(), 19);
        assert_eq!(key.check("RC-94-2026-0001234-K", &code.to_lowercase().replace('-', " ")), Some(2));
        assert_eq!(key.check("RC-94-2026-0001235-H", &code), None);
        assert_eq!(key.check("RC-94-2026-0001234-K", ""), None);
        let other = CodeKey::new("0123456789abcdef0123456789abcdeg").unwrap();
        assert_eq!(other.check("RC-94-2026-0001234-K", &code), None);
    }

    #[test]
    fn a_key_that_could_be_searched_for_is_none() {
        assert!(CodeKey::new("court").is_none());
    }
}
