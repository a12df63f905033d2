//! Identifiers. An id is opaque: it may appear in a log or an exported file, because nobody can read a foreigner number
//! from it without the installation's key.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::code::coded;
use crate::convocation::LetterKind;

macro_rules! id {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    )+};
}

id! {
    /// A person, within a préfecture.
    HolderId,
    /// A permit, within a préfecture.
    PermitId,
    /// One execution of the nightly batch: `94/2026-10-05/1`.
    RunId,
    /// One letter in the outbox.
    LetterId,
}

impl RunId {
    /// The natural name of a run: préfecture, business date, generation.
    pub fn new(prefecture: &str, business_date: chrono::NaiveDate, generation: i64) -> Self {
        Self(format!("{prefecture}/{business_date}/{generation}"))
    }
}

/// The installation's secret from which opaque ids are derived. It is stored in the database, beside the numbers that
/// it hides from logs and exports: restoring one restores the other.
#[derive(Clone)]
pub struct IdKey(pub [u8; 32]);

impl fmt::Debug for IdKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdKey(…)")
    }
}

impl IdKey {
    /// The id of the holder with this foreigner number. Always the same, so an import needs no lookup.
    pub fn holder(&self, prefecture: &str, number: &str) -> HolderId {
        HolderId(self.opaque("holder", prefecture, number))
    }

    /// The id of the permit with this number.
    pub fn permit(&self, prefecture: &str, number: &str) -> PermitId {
        PermitId(self.opaque("permit", prefecture, number))
    }

    /// A pseudonym of a household.
    pub fn household(&self, prefecture: &str, household: &str) -> String {
        self.opaque("household", prefecture, household)
    }

    /// 80 bits of HMAC-SHA256 as 16 characters: among 4 million, two collide with probability 10⁻¹¹.
    fn opaque(&self, what: &str, prefecture: &str, text: &str) -> String {
        let mac = keyed_hash(&self.0, &[what.as_bytes(), prefecture.as_bytes(), text.as_bytes()]);
        base32(&mac[..10])
    }
}

/// HMAC-SHA256 (RFC 2104) over parts, each preceded by its length so that no two lists of parts collide.
pub fn keyed_hash(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // Unwrap safety: HMAC accepts a key of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes any key");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// SHA-256 in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|n| char::from(b"0123456789abcdef"[usize::from(n)])).collect()
}

/// Decodes exactly `N` bytes from hexadecimal.
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(bytes)
}

const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Crockford's base 32, lower case: no easily confused characters. 10 bytes give 16 characters, in the same order.
pub fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut window, mut bits) = (0u32, 0u32);
    for byte in bytes {
        window = (window << 8 | u32::from(*byte)) & 0xfff;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(BASE32[(window >> bits) as usize & 31]));
        }
    }
    if bits > 0 {
        out.push(char::from(BASE32[(window << (5 - bits)) as usize & 31]));
    }
    out
}

/// Decodes [`base32`]; `None` if the text is invalid or encodes another number of bytes.
pub fn unbase32<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() * 5 != N * 8 {
        return None;
    }
    let (mut window, mut bits, mut at, mut bytes) = (0u32, 0u32, 0, [0; N]);
    for letter in text.bytes() {
        let value = BASE32.iter().position(|known| *known == letter)?;
        window = (window << 5 | value as u32) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes[at] = (window >> bits) as u8;
            at += 1;
        }
    }
    Some(bytes)
}

coded! {
    /// What a reference counts: the first two letters of it.
    pub enum Series {
        /// Convocations (*rendez-vous, convocation*), and all letters about one.
        Convocation = "RC",
        /// Notices that the renewal can be requested online (*dépôt en ligne*).
        OnlineFiling = "DL",
        /// Notices that the holder's préfecture is another one (*transfert*).
        Transfer = "TR",
        /// Notices that an appointment will follow (*avis*).
        HeadsUp = "AV",
        /// Written requests (*demandes*).
        Request = "DE",
    }
}

impl LetterKind {
    /// The series of its references. A letter about an appointment has the reference of its convocation.
    pub const fn series(self) -> Series {
        match self {
            Self::OnlineFiling => Series::OnlineFiling,
            Self::Transfer => Series::Transfer,
            Self::HeadsUp => Series::HeadsUp,
            Self::Convocation | Self::Reminder | Self::Change | Self::Cancellation => Series::Convocation,
        }
    }
}

/// The reference printed on a letter: `RC-94-2026-0001234-K`, with a check character by ISO 7064 MOD 37,36, so that one
/// wrong character, or two swapped neighbours, is noticed at the counter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference(String);

const REFERENCE_ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

impl Reference {
    /// The reference of the `number`th convocation of a préfecture in a year.
    pub fn new(prefecture: &str, year: i32, number: i64) -> Self {
        Self::of(Series::Convocation, prefecture, year, number)
    }

    /// The `number`th reference of a series in a year.
    pub fn of(series: Series, prefecture: &str, year: i32, number: i64) -> Self {
        let body = format!("{series}-{}-{year}-{number:07}", prefecture.to_ascii_uppercase());
        let check = check_character(&body);
        Self(format!("{body}-{check}"))
    }

    /// Parses a reference as typed by a person: case and blanks are ignored, the check character is verified.
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase();
        let (body, check) = text.rsplit_once('-')?;
        let parts: Vec<_> = body.split('-').collect();
        let well_formed = parts.len() == 4
            && parts[0].parse::<Series>().is_ok()
            && parts[2].len() == 4
            && parts[3].len() >= 7
            && parts[1..].iter().all(|p| !p.is_empty() && p.bytes().all(|b| REFERENCE_ALPHABET.contains(&b)));
        (well_formed && check.len() == 1 && check.starts_with(check_character(body))).then(|| Self(text.clone()))
    }

    /// As printed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

fn check_character(body: &str) -> char {
    let mut product = 36;
    for value in body.bytes().filter_map(|b| REFERENCE_ALPHABET.iter().position(|a| *a == b)) {
        product = match (product + value) % 36 {
            0 => 36,
            rest => rest,
        } * 2
            % 37;
    }
    char::from(REFERENCE_ALPHABET[(37 - product) % 36])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_reference_is_refused() {
        let reference = Reference::new("94", 2026, 1_234);
        let text = reference.as_str();
        assert_eq!(Reference::parse(&text.to_lowercase()), Some(reference.clone()));
        for (i, was) in text.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
            for now in ('0'..='9').filter(|c| *c != was) {
                let mut wrong: Vec<char> = text.chars().collect();
                wrong[i] = now;
                assert_eq!(Reference::parse(&wrong.iter().collect::<String>()), None, "{wrong:?}");
            }
        }
    }

    #[test]
    fn neighbours_exchanged_in_the_number_are_noticed() {
        let text = Reference::new("94", 2026, 1_234_567).0;
        for i in 11..17 {
            let mut wrong: Vec<char> = text.chars().collect();
            wrong.swap(i, i + 1);
            assert_eq!(Reference::parse(&wrong.iter().collect::<String>()), None, "{wrong:?}");
        }
    }

    #[test]
    fn an_id_hides_the_number_and_depends_on_the_key() {
        let (a, b) = (IdKey([1; 32]), IdKey([2; 32]));
        assert_eq!(a.holder("94", "0123456789"), a.holder("94", "0123456789"));
        assert_ne!(a.holder("94", "0123456789"), b.holder("94", "0123456789"));
        assert_ne!(a.holder("94", "0123456789"), a.holder("93", "0123456789"));
        assert_eq!(a.holder("94", "0123456789").0.len(), 16);
    }

    #[test]
    fn base32_keeps_every_bit() {
        assert_eq!(base32(&[0xff; 5]), "zzzzzzzz");
        assert_eq!(base32(&[0, 0, 0, 0, 1]), "00000001");
        for seed in 0..=255u8 {
            let bytes: [u8; 10] =
                std::array::from_fn(|i| seed.wrapping_mul(31).wrapping_add((i as u8).wrapping_mul(37)));
            assert_eq!(unbase32(&base32(&bytes)), Some(bytes));
        }
        assert_eq!(unbase32::<10>("0123456789abcde"), None);
        assert_eq!(unbase32::<10>("0123456789abcdei"), None);
    }
}
