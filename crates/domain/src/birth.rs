//! Dates of birth, as far as a register knows them.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A date of birth. Some people's day or month is in no register: it is kept as unknown, never made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BirthDate {
    /// Day, month and year.
    Day(NaiveDate),
    /// Only month and year.
    Month(i32, u32),
    /// Only the year.
    Year(i32),
}

impl BirthDate {
    /// Reads one without a day: `00/00/1975`, `XX/06/1975`, `1975-00-00`, `06/1975` or `1975`.
    pub fn partial(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(['/', '-']).collect();
        let (year, month, day) = match parts[..] {
            [year] => (year, "00", "00"),
            [month, year] if text.contains('/') => (year, month, "00"),
            [day, month, year] if text.contains('/') => (year, month, day),
            [year, month, day] => (year, month, day),
            _ => return None,
        };
        let unknown = |part: &str| matches!(part, "00" | "XX" | "xx" | "??" | "0" | "");
        let number = |part: &str, digits: usize| {
            (part.len() == digits && part.bytes().all(|b| b.is_ascii_digit()))
                .then(|| part.parse::<u32>().ok())
                .flatten()
        };
        let year = i32::try_from(number(year, 4)?).ok().filter(|year| (1900..=2200).contains(year))?;
        match (unknown(month), unknown(day)) {
            (true, true) => Some(Self::Year(year)),
            (false, true) => {
                number(month, 2).filter(|month| (1..=12).contains(month)).map(|month| Self::Month(year, month))
            }
            _ => None,
        }
    }

    /// The year.
    pub fn year(self) -> i32 {
        match self {
            Self::Day(day) => day.year(),
            Self::Month(year, _) | Self::Year(year) => year,
        }
    }

    /// The day, if it is known.
    pub fn day(self) -> Option<NaiveDate> {
        match self {
            Self::Day(day) => Some(day),
            _ => None,
        }
    }

    /// As on French papers: `05/06/1975`, `00/06/1975`, `00/00/1975`.
    pub fn in_french(self) -> String {
        match self {
            Self::Day(day) => day.format("%d/%m/%Y").to_string(),
            Self::Month(year, month) => format!("00/{month:02}/{year}"),
            Self::Year(year) => format!("00/00/{year}"),
        }
    }
}

/// As in files and in the database: `1975-06-05`, `1975-06-00`, `1975-00-00`.
impl fmt::Display for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => write!(f, "{day}"),
            Self::Month(year, month) => write!(f, "{year:04}-{month:02}-00"),
            Self::Year(year) => write!(f, "{year:04}-00-00"),
        }
    }
}

impl FromStr for BirthDate {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let whole = text.parse().ok().map(Self::Day);
        whole.or_else(|| Self::partial(text)).ok_or_else(|| format!("`{text}` is no date of birth"))
    }
}

impl<'de> Deserialize<'de> for BirthDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for BirthDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_no_register_knows_stays_unknown() {
        let (year, month) = (BirthDate::Year(1975), BirthDate::Month(1975, 6));
        for (text, expected) in [
            ("00/00/1975", year),
            ("XX/XX/1975", year),
            ("xx/xx/1975", year),
            ("1975-00-00", year),
            ("1975", year),
            ("00/06/1975", month),
            ("1975-06-00", month),
            ("06/1975", month),
        ] {
            assert_eq!(BirthDate::partial(text), Some(expected), "{text}");
            assert_eq!(BirthDate::partial(&expected.to_string()), Some(expected));
        }
        for bad in ["", "75", "00/13/1975", "05/00/1975", "00/00/0000", "1975-6-00", "05/06/1975", "1899", "a/b/1975"] {
            assert_eq!(BirthDate::partial(bad), None, "{bad}");
        }
        assert_eq!((year.in_french(), month.in_french()), ("00/00/1975".to_owned(), "00/06/1975".to_owned()));
    }
}
