//! The order of extracts of permits: an older one says less than what is known, so it is not taken in unless somebody
//! says why.

use std::fmt;

use chrono::NaiveDate;

use convoke_store::Extract;

/// The day whose facts an extract has, and how it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dated {
    pub(super) on: NaiveDate,
    by: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Column,
    Name,
    Flag,
    /// It says nothing: the day on which it was first taken in.
    Arrival,
}

/// Why an extract is not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum OutOfOrder {
    #[error("--as-of says {flag}, but the file's {by} says {on}")]
    Contradiction { flag: NaiveDate, by: Origin, on: NaiveDate },
    #[error("the extract is of {on}, and today is {today}: correct its {by}")]
    Future { on: NaiveDate, by: Origin, today: NaiveDate },
    #[error(
        "the extract is of {on}, and one of {current} was taken in since: what it says of people would be undone. \
         If it is meant to be, take it in with --again --reason"
    )]
    Older { on: NaiveDate, current: NaiveDate },
}

/// What an extract adds to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The first, or of a later day.
    Newer,
    /// Of the same day, and another: it holds where they differ.
    SameDay,
    /// The one that was taken in last.
    Again,
    /// Older, or taken in before: somebody has said why.
    Older,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Column => "column date_extrait",
            Self::Name => "name",
            Self::Flag => "date (--as-of)",
            Self::Arrival => "day of arrival",
        })
    }
}

impl Dated {
    /// By its column, else its name, else `--as-of`, else the day on which it was first taken in.
    pub(super) fn of(
        column: Option<NaiveDate>,
        name: &str,
        flag: Option<NaiveDate>,
        taken: &[Extract],
        sha256: &str,
        today: NaiveDate,
    ) -> Result<Self, OutOfOrder> {
        let said = column.map(|on| (on, Origin::Column)).or_else(|| date_in_name(name).map(|on| (on, Origin::Name)));
        match (said, flag) {
            (Some((on, by)), Some(flag)) if on != flag => return Err(OutOfOrder::Contradiction { flag, by, on }),
            _ => {}
        }
        let first = taken.iter().find(|extract| extract.sha256 == sha256).map_or(today, |extract| extract.as_of);
        let (on, by) = said.or(flag.map(|on| (on, Origin::Flag))).unwrap_or((first, Origin::Arrival));
        if on > today { Err(OutOfOrder::Future { on, by, today }) } else { Ok(Self { on, by }) }
    }

    /// A file that says no day and has few of the permits is a correction of the last extract, not the extract of
    /// today: tonight's, of yesterday, would be older than it.
    pub(super) fn of_a_part(self, rows: u64, known: u64, full: bool, taken: &[Extract]) -> Self {
        match taken.last() {
            Some(current) if self.by == Origin::Arrival && !full && rows * 2 < known => {
                Self { on: current.as_of, ..self }
            }
            _ => self,
        }
    }

    /// Its place among those taken in, in the order in which they were; `again` if it may be an older one.
    pub(super) fn place(self, taken: &[Extract], sha256: &str, again: bool) -> Result<Place, OutOfOrder> {
        let Some(current) = taken.last() else { return Ok(Place::Newer) };
        let is_known = taken.iter().any(|extract| extract.sha256 == sha256);
        match self.on.cmp(&current.as_of) {
            _ if current.sha256 == sha256 => Ok(Place::Again),
            std::cmp::Ordering::Greater => Ok(Place::Newer),
            std::cmp::Ordering::Equal if !is_known => Ok(Place::SameDay),
            _ if again => Ok(Place::Older),
            _ => Err(OutOfOrder::Older { on: self.on, current: current.as_of }),
        }
    }
}

/// The last date in a file's name: `2026-10-05`, `20261005`, `05-10-2026`, also with `_` or `.`.
pub(super) fn date_in_name(name: &str) -> Option<NaiveDate> {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let plain = stem.replace(['_', '.'], "-");
    let forms = [("%Y-%m-%d", 10), ("%d-%m-%Y", 10), ("%Y%m%d", 8)];
    let dates = forms.iter().flat_map(|(form, length)| {
        let plain = &plain;
        (0..plain.len()).filter_map(move |start| {
            let end = start + length;
            let text = plain.get(start..end)?;
            let is_digit = |b: Option<&u8>| b.is_some_and(u8::is_ascii_digit);
            let bytes = plain.as_bytes();
            // Part of a longer number is no date.
            if is_digit(bytes.get(end)) || (start > 0 && is_digit(bytes.get(start - 1))) {
                return None;
            }
            let date = NaiveDate::parse_from_str(text, form).ok()?;
            let year = chrono::Datelike::year(&date);
            (2000..2200).contains(&year).then_some((start, date))
        })
    });
    dates.max_by_key(|(start, _)| *start).map(|(_, date)| date)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 10, d).unwrap()
    }

    fn taken(extracts: &[(u32, &str)]) -> Vec<Extract> {
        extracts.iter().map(|(d, sha)| Extract { as_of: day(*d), sha256: (*sha).to_owned() }).collect()
    }

    #[test]
    fn a_name_may_carry_the_date() {
        for name in [
            "permits-2026-10-05.csv",
            "permits_2026_10_05.xlsx",
            "permits20261005.csv",
            "permits 05.10.2026.csv",
            "permits-94-2025-01-01-2026-10-05.csv",
            "permits_20261005_v2.csv",
        ] {
            assert_eq!(date_in_name(name), Some(day(5)), "{name}");
        }
        for name in [
            "permits.csv",
            "permits-2026-13-05.csv",
            "permits-120261005.csv",
            "permits-94000000.csv",
            "é-5-10-2026.csv",
        ] {
            assert_eq!(date_in_name(name), None, "{name}");
        }
    }

    #[test]
    fn the_file_itself_says_its_date_before_anybody_else() {
        let known = taken(&[(3, "a")]);
        let of = |column, name, flag, sha| Dated::of(column, name, flag, &known, sha, day(9)).map(|dated| dated.on);
        assert_eq!(of(Some(day(1)), "permits-2026-10-05.csv", None, "b"), Ok(day(1)));
        assert_eq!(of(None, "permits-2026-10-05.csv", None, "b"), Ok(day(5)));
        assert_eq!(of(None, "permits.csv", Some(day(7)), "b"), Ok(day(7)));
        assert_eq!(of(None, "permits.csv", None, "b"), Ok(day(9)));
        assert_eq!(of(None, "permits.csv", None, "a"), Ok(day(3)), "taken in before");
        assert!(matches!(of(Some(day(1)), "", Some(day(2)), "b"), Err(OutOfOrder::Contradiction { .. })));
        assert!(matches!(of(None, "permits-2026-10-10.csv", None, "b"), Err(OutOfOrder::Future { .. })));
    }

    #[test]
    fn a_few_corrections_are_no_extract_of_today() {
        let known = taken(&[(3, "a")]);
        let arrived = |rows, full| Dated { on: day(9), by: Origin::Arrival }.of_a_part(rows, 100, full, &known).on;
        assert_eq!((arrived(49, false), arrived(50, false), arrived(49, true)), (day(3), day(9), day(9)));
        assert_eq!(Dated { on: day(9), by: Origin::Name }.of_a_part(1, 100, false, &known).on, day(9));
    }

    #[test]
    fn an_older_extract_does_not_win_unless_somebody_says_so() {
        let known = taken(&[(3, "a"), (5, "b"), (5, "c")]);
        let place = |d, sha, again| Dated { on: day(d), by: Origin::Name }.place(&known, sha, again);
        assert_eq!(place(6, "d", false), Ok(Place::Newer));
        assert_eq!(place(5, "d", false), Ok(Place::SameDay));
        assert_eq!(place(5, "c", false), Ok(Place::Again));
        for (d, sha) in [(4, "d"), (3, "a"), (5, "b")] {
            assert_eq!(place(d, sha, false), Err(OutOfOrder::Older { on: day(d), current: day(5) }), "{d} {sha}");
            assert_eq!(place(d, sha, true), Ok(Place::Older), "{d} {sha}");
        }
        // What was brought back on purpose is the last one then: the newer can come again.
        let back = taken(&[(5, "b"), (3, "a")]);
        assert_eq!(Dated { on: day(5), by: Origin::Name }.place(&back, "b", false), Ok(Place::Newer));
        assert_eq!(Dated { on: day(3), by: Origin::Arrival }.place(&[], "a", false), Ok(Place::Newer));
    }
}
