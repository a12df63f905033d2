//! Matching people between two préfectures without either disclosing its file: each makes keyed hashes of number and
//! year of birth under a shared secret, and compares the other's with its own. The key is essential: numbers have ten
//! digits, so plain hashes of all possible ones are computed in minutes.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::{self, Write};

use chrono::{Datelike, NaiveDate, Weekday};

use crate::ids::{hex, keyed_hash, unhex};

/// Header of a file of hashes, and the purpose that goes into them: the same key used for anything else gives other
/// hashes.
const FORMAT: &str = "convoke-movers/1";
/// Foreigner numbers have nine or ten digits; elsewhere the same one may be written with a leading zero.
const DIGITS: usize = 10;

/// A secret shared by several préfectures.
#[derive(Clone)]
pub struct SharedKey([u8; 32]);

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedKey(…)")
    }
}

/// A pseudonym that only the key can link to a person: 128 bits of the hash.
pub type Mark = [u8; 16];

/// A month as in files: `2027-03`.
pub type Month = [u8; 7];

/// Truncates a hash.
fn cut(hash: [u8; 32]) -> Mark {
    let mut mark = [0; 16];
    mark.copy_from_slice(&hash[..16]);
    mark
}

impl SharedKey {
    /// Parses the content of a key file: 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        unhex(text.trim()).map(Self)
    }

    /// A new key.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The content of its file.
    pub fn to_text(&self) -> String {
        format!("{}\n", hex(&self.0))
    }

    /// Identifies a key without revealing it.
    pub fn fingerprint(&self) -> String {
        hex(&keyed_hash(&self.0, &[FORMAT.as_bytes(), b"key"])[..8])
    }

    /// The mark of a person.
    pub fn mark(&self, number: &str, birth_year: i32) -> Mark {
        let number = format!("{number:0>DIGITS$}");
        cut(keyed_hash(&self.0, &[FORMAT.as_bytes(), b"person", number.as_bytes(), birth_year.to_string().as_bytes()]))
    }
}

/// Writes marks and months of expiry, sorted by mark: an order that reveals nothing.
pub fn write_marks(key: &SharedKey, mut people: Vec<(Mark, NaiveDate)>, out: &mut dyn Write) -> io::Result<()> {
    people.sort_unstable();
    writeln!(out, "{FORMAT};{}", key.fingerprint())?;
    people.iter().try_for_each(|(mark, day)| writeln!(out, "{};{}", hex(mark), day.format("%Y-%m")))
}

/// Why a file of marks is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoMarks {
    /// It is not a file of marks.
    #[error("is no file of `convoke movers hashes`")]
    Unknown,
    /// It was made with another key, so nothing could be compared.
    #[error("was made under another key ({theirs}; ours is {ours}): both préfectures need the same key file")]
    OtherKey {
        /// Fingerprint of theirs.
        theirs: String,
        /// Fingerprint of ours.
        ours: String,
    },
    /// A line is malformed.
    #[error("line {0}: expected 32 hexadecimal digits, `;` and a month such as 2027-03")]
    Line(usize),
}

/// Reads the marks of another préfecture, each with its month of expiry.
pub fn read_marks(key: &SharedKey, text: &str) -> Result<HashMap<Mark, Month>, NoMarks> {
    let mut lines = text.lines();
    let theirs = lines.next().and_then(|l| l.strip_prefix(FORMAT)?.strip_prefix(';')).ok_or(NoMarks::Unknown)?;
    let ours = key.fingerprint();
    if theirs != ours {
        return Err(NoMarks::OtherKey { theirs: theirs.chars().take(16).collect(), ours });
    }
    let line = |(i, text): (usize, &str)| {
        let (mark, month) = text.split_once(';').ok_or(NoMarks::Line(i + 2))?;
        let known = NaiveDate::parse_from_str(&format!("{month}-01"), "%Y-%m-%d").is_ok();
        let month = month.as_bytes().try_into().ok().filter(|_| known);
        unhex(mark).zip(month).ok_or(NoMarks::Line(i + 2))
    };
    lines.enumerate().map(line).collect()
}

/// Day counts added up by ISO 8601 week, such as `2026-W41`, in order.
pub fn by_week(days: &[(NaiveDate, u64)]) -> Vec<(String, NaiveDate, u64)> {
    let mut weeks: BTreeMap<NaiveDate, u64> = BTreeMap::new();
    for (day, people) in days {
        *weeks.entry(day.week(Weekday::Mon).first_day()).or_default() += people;
    }
    let named = |day: NaiveDate| format!("{}-W{:02}", day.iso_week().year(), day.iso_week().week());
    weeks.into_iter().map(|(day, people)| (named(day), day, people)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_same_person_has_the_same_mark_under_the_same_key_alone() {
        let (ours, other) = (SharedKey::new([1; 32]), SharedKey::new([2; 32]));
        assert_eq!(ours.mark("0123456789", 1980), ours.mark("123456789", 1980), "with and without the zero");
        assert_ne!(ours.mark("0123456789", 1980), ours.mark("0123456789", 1981));
        assert_ne!(ours.mark("0123456789", 1980), other.mark("0123456789", 1980));
        assert_eq!(SharedKey::parse(&ours.to_text()).unwrap().mark("1", 1), ours.mark("1", 1));
        assert_eq!(format!("{ours:?}"), "SharedKey(…)");
    }

    #[test]
    fn a_file_of_marks_holds_nothing_else_than_months() {
        let key = SharedKey::new([1; 32]);
        let people = [("9499990001", "2027-03-31"), ("9499990002", "2026-12-01")];
        let marks = people.map(|(number, until)| (key.mark(number, 1980), day(until)));
        let mut file = Vec::new();
        write_marks(&key, marks.to_vec(), &mut file).unwrap();
        let text = String::from_utf8(file).unwrap();
        assert!(!text.contains("949999") && !text.contains("1980") && !text.contains("-31"), "{text}");
        let read = read_marks(&key, &text).unwrap();
        assert_eq!(read[&marks[0].0], *b"2027-03");
        let mut other_way = Vec::new();
        write_marks(&key, vec![marks[1], marks[0]], &mut other_way).unwrap();
        assert_eq!(other_way, text.as_bytes(), "the order tells nothing");
        assert!(matches!(read_marks(&SharedKey::new([2; 32]), &text), Err(NoMarks::OtherKey { .. })));
        assert_eq!(read_marks(&key, "numero;nom\n"), Err(NoMarks::Unknown));
        assert_eq!(read_marks(&key, &format!("{text}00;2026-01\n")), Err(NoMarks::Line(4)));
    }

    #[test]
    fn a_week_begins_on_monday_and_belongs_to_the_year_of_its_thursday() {
        let days = [(day("2026-12-31"), 2), (day("2027-01-03"), 1), (day("2027-01-04"), 5)];
        let weeks: Vec<_> = by_week(&days).into_iter().map(|(week, _, people)| (week, people)).collect();
        assert_eq!(weeks, [("2026-W53".to_owned(), 3), ("2027-W01".to_owned(), 5)]);
    }
}
