//! The fields of one record, read by type. Every bad field of a row is named, not only the first.

use std::str::FromStr;

use chrono::{Datelike, NaiveDate, NaiveTime};

use super::result::{RowError, Warning};
use super::table::{CellKind, Record};
use convoke_domain::birth::BirthDate;
use convoke_domain::code::UnknownCode;
use convoke_domain::permit::{FIELD_MAX, is_foreigner_number};

/// Reads fields and collects errors. Where a method returns `None`, either the field is empty and may be, or an error
/// is kept.
pub(super) struct Fields<'a> {
    record: &'a Record,
    errors: Vec<RowError>,
    warnings: Vec<Warning>,
}

impl<'a> Fields<'a> {
    /// The fields of a record, unless the whole row is broken.
    pub(super) fn of(record: &'a Record) -> Result<Self, Vec<RowError>> {
        match record.broken() {
            Some(errors) => Err(errors),
            None => Ok(Self { record, errors: Vec::new(), warnings: Vec::new() }),
        }
    }

    /// The row's value, unless a field was bad.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<(T, Vec<Warning>), Vec<RowError>> {
        match value {
            Some(value) if self.errors.is_empty() => Ok((value, self.warnings)),
            _ => Err(self.errors),
        }
    }

    /// Text that may be empty.
    pub(super) fn optional(&mut self, column: impl Into<usize>) -> Option<&'a str> {
        let column = column.into();
        let text = self.record.get(column);
        let kind = self.record.kind(column);
        if kind == CellKind::Failure {
            self.reject(column, "a value, not a formula that failed");
        } else if kind == CellKind::NoResult {
            self.reject(
                column,
                "a value: the result of this formula is not stored; open the file in a spreadsheet, \
                let it calculate, and save it",
            );
        } else if has_control_characters(text) {
            self.reject(column, "text without control characters (line ends and tabs included)");
        } else if text.len() > FIELD_MAX && text.chars().count() > FIELD_MAX {
            self.reject(column, format!("at most {FIELD_MAX} characters"));
        } else if !text.is_empty() {
            return Some(text);
        }
        None
    }

    /// Text that must not be empty.
    pub(super) fn required(&mut self, column: impl Into<usize>) -> Option<&'a str> {
        let column = column.into();
        let errors = self.errors.len();
        let text = self.optional(column);
        if text.is_none() && self.errors.len() == errors {
            self.reject(column, "a value: this column may not be empty");
        }
        text
    }

    /// A value parsed by `read`; `expected` describes valid ones.
    pub(super) fn parsed<T>(
        &mut self,
        column: impl Into<usize>,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let column = column.into();
        let text = self.required(column)?;
        self.understood(column, expected, read(text))
    }

    /// The same for a field that may be empty.
    pub(super) fn parsed_if_any<T>(
        &mut self,
        column: impl Into<usize>,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let column = column.into();
        let text = self.optional(column)?;
        self.understood(column, expected, read(text))
    }

    /// An identifier. A spreadsheet that stored it as a number has dropped its leading zeros.
    pub(super) fn identifier(
        &mut self,
        column: impl Into<usize>,
        expected: &str,
        is_one: impl FnOnce(&str) -> bool,
    ) -> Option<String> {
        let column = column.into();
        if self.record.kind(column) == CellKind::Number {
            let lost = "a cell that holds a number may have lost leading zeros: format the column as text and enter \
                the zeros again, or export it as text";
            self.reject(column, format!("{expected}; {lost}"));
            return None;
        }
        self.parsed(column, expected, |text| is_one(text).then(|| text.to_owned()))
    }

    /// Also a number cell of 10 digits: it cannot have lost any.
    pub(super) fn foreigner_number(&mut self, column: impl Into<usize>) -> Option<String> {
        let (column, expected) = (column.into(), "text of 9 or 10 digits");
        if self.record.kind(column) == CellKind::Number && self.record.get(column).len() == 10 {
            return self.parsed(column, expected, |text| is_foreigner_number(text).then(|| text.to_owned()));
        }
        self.identifier(column, expected, is_foreigner_number)
    }

    pub(super) fn date(&mut self, column: impl Into<usize>) -> Option<NaiveDate> {
        self.parsed(column, DATE, date)
    }

    pub(super) fn date_if_any(&mut self, column: impl Into<usize>) -> Option<NaiveDate> {
        self.parsed_if_any(column, DATE, date)
    }

    /// A date of birth, of which day and month may be unknown.
    pub(super) fn birth_date_if_any(&mut self, column: impl Into<usize>) -> Option<BirthDate> {
        let read = |text: &str| date(text).map(BirthDate::Day).or_else(|| BirthDate::partial(text));
        self.parsed_if_any(column, BIRTH_DATE, read)
    }

    pub(super) fn hour(&mut self, column: impl Into<usize>) -> Option<NaiveTime> {
        self.parsed(column, "an hour such as 09:30 or 9h30, without seconds", hour)
    }

    /// A word of a closed list.
    pub(super) fn code<T: FromStr<Err = UnknownCode>>(&mut self, column: impl Into<usize>) -> Option<T> {
        let column = column.into();
        let text = self.required(column)?;
        self.listed(column, text)
    }

    /// The same for a field that may be empty.
    pub(super) fn code_if_any<T: FromStr<Err = UnknownCode>>(&mut self, column: impl Into<usize>) -> Option<T> {
        let column = column.into();
        let text = self.optional(column)?;
        self.listed(column, text)
    }

    /// Whether a spreadsheet stores the field as a number.
    pub(super) fn is_number(&self, column: impl Into<usize>) -> bool {
        self.record.kind(column.into()) == CellKind::Number
    }

    pub(super) fn reject(&mut self, column: impl Into<usize>, expected: impl Into<String>) {
        let (column, record) = (column.into(), self.record);
        self.errors.push(RowError::new(record.row(), record.name(column), record.get(column), expected));
    }

    pub(super) fn warn(&mut self, column: impl Into<usize>, note: impl Into<String>) {
        let (column, record) = (column.into(), self.record);
        self.warnings.push(Warning::new(record.row(), record.name(column), record.get(column), note));
    }

    fn understood<T>(&mut self, column: usize, expected: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.reject(column, expected);
        }
        value
    }

    fn listed<T: FromStr<Err = UnknownCode>>(&mut self, column: usize, text: &str) -> Option<T> {
        let written_large = |_| text.to_lowercase().parse();
        text.parse()
            .or_else(written_large)
            .map_err(|unknown: UnknownCode| self.reject(column, format!("one of: {}", unknown.expected)))
            .ok()
    }
}

const BIRTH_DATE: &str = "a date as YYYY-MM-DD or DD/MM/YYYY, or 00/00/YYYY where day and month are not known";
const DATE: &str = "a date of the calendar from 1900 to 2200, as YYYY-MM-DD or DD/MM/YYYY";

/// A date as `YYYY-MM-DD` or `DD/MM/YYYY`, also with the midnight that many programs add to it. Parsed by hand:
/// otherwise four or five dates a row are half the work of an import.
fn date(text: &str) -> Option<NaiveDate> {
    let number =
        |digits: &[u8]| digits.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + u32::from(b - b'0')));
    let (year, month, day) = match text.as_bytes() {
        [year @ .., b'-', m1, m2, b'-', d1, d2] if year.len() == 4 => {
            (number(year)?, number(&[*m1, *m2])?, number(&[*d1, *d2])?)
        }
        [d1, d2, b'/', m1, m2, b'/', year @ ..] if year.len() == 4 => {
            (number(year)?, number(&[*m1, *m2])?, number(&[*d1, *d2])?)
        }
        _ => return date(without_midnight(text)?),
    };
    NaiveDate::from_ymd_opt(year as i32, month, day).filter(|date| (1900..=2200).contains(&date.year()))
}

fn without_midnight(text: &str) -> Option<&str> {
    let (date, time) = text.split_at_checked(10)?;
    let fraction = time.strip_prefix([' ', 'T'])?.strip_prefix("00:00")?;
    let fraction = fraction.strip_prefix(":00").unwrap_or(fraction);
    let is_zero = fraction.is_empty() || fraction.strip_prefix('.').is_some_and(|f| f.bytes().all(|b| b == b'0'));
    is_zero.then_some(date)
}

/// An hour as `09:30`, `9:30`, `9h30`, `9 h 30`, `9h`, or `09:30:00`: a slot begins on a minute.
fn hour(text: &str) -> Option<NaiveTime> {
    let number = |digits: &str| {
        let is_short = matches!(digits.len(), 1 | 2) && digits.bytes().all(|b| b.is_ascii_digit());
        is_short.then(|| digits.parse::<u32>().ok()).flatten()
    };
    let mut parts = text.split([':', 'h', 'H']).map(str::trim);
    let hours = number(parts.next()?)?;
    let minutes = match parts.next()? {
        "" if text.ends_with(['h', 'H']) => 0,
        digits if digits.len() == 2 => number(digits)?,
        _ => return None,
    };
    let seconds = parts.next().unwrap_or("00");
    let whole = seconds.split_once('.').filter(|(_, parts)| parts.bytes().all(|b| b == b'0')).map_or(seconds, |s| s.0);
    let is_on_a_minute = whole == "00" && parts.next().is_none();
    is_on_a_minute.then(|| NaiveTime::from_hms_opt(hours, minutes, 0)).flatten()
}

/// Control characters: C0 with tab and line ends, DEL, and C1, which in UTF-8 is `C2 80` to `C2 9F`.
fn has_control_characters(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().any(|b| *b < b' ' || *b == 0x7f) || bytes.windows(2).any(|pair| pair[0] == 0xc2 && pair[1] < 0xa0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d);
        assert_eq!(date("2026-10-05"), day(2026, 10, 5));
        assert_eq!(date("05/10/2026"), day(2026, 10, 5));
        assert_eq!(date("29/02/2024"), day(2024, 2, 29));
        for midnight in ["2026-10-05 00:00:00", "2026-10-05T00:00:00", "05/10/2026 00:00", "2026-10-05T00:00:00.000"] {
            assert_eq!(date(midnight), day(2026, 10, 5), "{midnight}");
        }
        for bad in [
            "2026-02-30",
            "29/02/2026",
            "1899-12-31",
            "2201-01-01",
            "2026-1-5",
            "5/1/2026",
            "2026/01/05",
            "05-01-2026",
            "20260105",
            "2026-10-05 ",
            "2026-10-05 09:30",
            "2026-10-05T00:00:00Z",
            "2026-10-05T00:00:01",
            "2026-10-05T",
            "2026-10-05 00:00:00 00:00",
            "+026-10-05",
            "٢٠٢٦-10-05",
            "46300",
            "",
        ] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_hour_is_read_as_people_and_programs_write_it() {
        for (text, minutes) in [
            ("09:30", 570),
            ("9:30", 570),
            ("9h30", 570),
            ("9 h 30", 570),
            ("9H", 540),
            ("09:30:00", 570),
            ("09:30:00.000", 570),
            ("00:00", 0),
        ] {
            assert_eq!(hour(text), NaiveTime::from_hms_opt(minutes / 60, minutes % 60, 0), "{text}");
        }
        for bad in
            ["13:45:30", "24:00", "9:3", "9", "09:60", "9h3", "", "h30", "09:30:00:00", "9:30 PM", "+9:30", "009:30"]
        {
            assert_eq!(hour(bad), None, "{bad}");
        }
    }

    #[test]
    fn control_characters_are_found_and_letters_are_not() {
        for bad in ["a\tb", "a\nb", "\u{7f}", "\u{80}", "a\u{9f}", "\0"] {
            assert!(has_control_characters(bad), "{bad:?}");
        }
        for good in ["", "é\u{a0}à", "\u{202e}", "Đặng", "王", "ÂÃ\u{bf}"] {
            assert!(!has_control_characters(good), "{good:?}");
        }
    }
}
