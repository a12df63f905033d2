//! The names of pools and slots: where people are received, and when.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use serde::{Deserialize, Serialize};

/// A desk at a site: `site/desk`. Neither part contains a slash (`Agenda::check`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct PoolId {
    /// Site.
    pub site: String,
    /// Desk.
    pub desk: String,
}

/// A slot (*créneau*): `site/desk/2026-11-02T09:00`, in the civil time of its site.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SlotId {
    /// Where.
    pub pool: PoolId,
    /// Day.
    pub day: NaiveDate,
    /// Hour.
    pub start: NaiveTime,
}

/// A text that names no pool or slot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not {expected}")]
pub struct WrongName {
    found: String,
    expected: &'static str,
}

impl WrongName {
    fn new(found: &str, expected: &'static str) -> Self {
        Self { found: found.chars().take(120).collect(), expected }
    }
}

/// The civil hour of a minute, counted from midnight; `None` beyond the end of the day.
pub fn hour(minute: u16) -> Option<NaiveTime> {
    NaiveTime::from_num_seconds_from_midnight_opt(u32::from(minute) * 60, 0)
}

/// The minute of the day at which an hour begins: the inverse of [`hour`].
pub fn minute(hour: NaiveTime) -> u16 {
    (hour.num_seconds_from_midnight() / 60) as u16
}

impl PoolId {
    /// The pool of a site and desk.
    pub fn new(site: &str, desk: &str) -> Self {
        Self { site: site.to_owned(), desk: desk.to_owned() }
    }

    /// One of its slots.
    pub fn at(&self, day: NaiveDate, start: NaiveTime) -> SlotId {
        SlotId { pool: self.clone(), day, start }
    }

    /// With the slash that follows it in the name of a slot.
    fn bytes(&self) -> impl Iterator<Item = u8> {
        [self.site.bytes(), "/".bytes(), self.desk.bytes(), "/".bytes()].into_iter().flatten()
    }
}

impl fmt::Display for PoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.site, self.desk))
    }
}

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}T{}", self.pool, self.day, self.start.format("%H:%M")))
    }
}

impl FromStr for PoolId {
    type Err = WrongName;

    fn from_str(text: &str) -> Result<Self, WrongName> {
        match text.split_once('/') {
            Some((site, desk)) if !site.is_empty() && !desk.is_empty() && !desk.contains('/') => {
                Ok(Self::new(site, desk))
            }
            _ => Err(WrongName::new(text, "a desk such as `creteil/guichet-1`")),
        }
    }
}

impl FromStr for SlotId {
    type Err = WrongName;

    fn from_str(text: &str) -> Result<Self, WrongName> {
        let parsed = text.trim().rsplit_once('/').and_then(|(pool, at)| {
            let at = NaiveDateTime::parse_from_str(at, "%Y-%m-%dT%H:%M").ok()?;
            Some(pool.parse::<PoolId>().ok()?.at(at.date(), at.time()))
        });
        parsed.ok_or_else(|| WrongName::new(text, "a slot such as `creteil/guichet-1/2026-11-02T09:00`"))
    }
}

/// As their names sort, in files and in the database.
impl Ord for PoolId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl PartialOrd for PoolId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SlotId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.pool.cmp(&other.pool).then(self.day.cmp(&other.day)).then(self.start.cmp(&other.start))
    }
}

impl PartialOrd for SlotId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<PoolId> for String {
    fn from(pool: PoolId) -> Self {
        pool.to_string()
    }
}

impl From<SlotId> for String {
    fn from(slot: SlotId) -> Self {
        slot.to_string()
    }
}

impl TryFrom<String> for PoolId {
    type Error = WrongName;

    fn try_from(text: String) -> Result<Self, WrongName> {
        text.parse()
    }
}

impl TryFrom<String> for SlotId {
    type Error = WrongName;

    fn try_from(text: String) -> Result<Self, WrongName> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn slot()(
            site in "[a-c-]{1,3}", desk in "[a-c-]{1,3}", day in 0..40_000_i32, minute in 0..1_440_u16,
        ) -> SlotId {
            let day = NaiveDate::from_num_days_from_ce_opt(720_000 + day).expect("a day of this century");
            PoolId::new(&site, &desk).at(day, hour(minute).expect("a minute of the day"))
        }
    }

    proptest! {
        #[test]
        fn a_name_is_read_as_it_was_written(slot in slot()) {
            prop_assert_eq!(slot.to_string().parse(), Ok(slot.clone()));
            prop_assert_eq!(slot.pool.to_string().parse(), Ok(slot.pool));
        }

        #[test]
        fn slots_sort_as_their_names_do(a in slot(), b in slot()) {
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }
    }

    #[test]
    fn what_names_no_slot_is_refused() {
        for text in
            ["", "creteil", "creteil/g1", "creteil/2026-11-02T09:00", "/g1/2026-11-02T09:00", "a/b/c/2026-11-02T09:00"]
        {
            assert!(text.parse::<SlotId>().is_err(), "{text}");
        }
        for text in ["creteil/g1/2026-11-31T09:00", "creteil/g1/2026-11-02T24:00", "creteil/g1/2026-11-02"] {
            assert!(text.parse::<SlotId>().is_err(), "{text}");
        }
        assert_eq!(
            " creteil/g1/2026-11-02T09:00\n".parse(),
            Ok(PoolId::new("creteil", "g1")
                .at(NaiveDate::from_ymd_opt(2026, 11, 2).expect("a date"), hour(540).expect("an hour")))
        );
    }
}
