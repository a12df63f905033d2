//! The weeks of a forecast, and the syntax of its options.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use convoke_domain::permit::PermitKind;
use convoke_domain::policy::{Policy, Window};
use convoke_instance::Day;
use convoke_planning::crowd::Alike;

/// The weeks of the forecast, and how far beyond them people are known: they compete for seats of these weeks too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// The next night: day 0.
    pub night: NaiveDate,
    /// The last Sunday of the weeks.
    pub last: NaiveDate,
    /// The latest expiry that is considered.
    pub last_known: NaiveDate,
    pub(super) weeks: Vec<WeekName>,
    /// First day that a letter of the next night can reach in time.
    pub(super) reach: Day,
}

/// A week and its Monday.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WeekName {
    pub name: String,
    pub monday: NaiveDate,
}

/// Whole percent, more or fewer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Percent(pub i32);

/// Extra seats of a desk in a week: `site/desk/2026-W50=20`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Extra {
    /// Site.
    pub site: String,
    /// Desk.
    pub desk: String,
    /// ISO 8601 week.
    pub week: String,
    /// Seats.
    pub seats: u32,
}

/// Extra seats that cannot be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// Unknown desk.
    #[error("--extra: there is no desk {asked}; there are {known}")]
    Desk {
        /// As requested.
        asked: String,
        /// The known desks.
        known: String,
    },
    /// The desk has no open day in that week, or the forecast does not include the week.
    #[error("--extra: {desk} has no open day in week {asked} of this forecast; {known}")]
    Week {
        /// As requested.
        asked: String,
        /// The desk.
        desk: String,
        /// The weeks in which it is open.
        known: String,
    },
}

impl Horizon {
    /// A forecast of `weeks` weeks, beginning with that of the next night.
    pub fn new(night: NaiveDate, weeks: u32, policy: &Policy) -> Self {
        let monday = night.week(chrono::Weekday::Mon).first_day();
        let names = (0..u64::from(weeks.max(1))).map(|n| week_of(later(monday, 7 * n)));
        let last = later(monday, 7 * u64::from(weeks.max(1)) - 1);
        Self {
            night,
            last,
            // The last of these nights also plans people who are known then.
            last_known: later(last, u64::from(policy.horizon_days.max(policy.longest_window()))),
            weeks: names.collect(),
            reach: policy.short_notice_days as Day,
        }
    }

    pub(super) fn day(&self, date: NaiveDate) -> Day {
        (date - self.night).num_days() as Day
    }

    /// Index of the week of a day, if it is one of these weeks.
    pub(super) fn week_at(&self, day: Day) -> Option<usize> {
        let from = self.day(self.weeks.first()?.monday);
        usize::try_from((day - from).div_euclid(7)).ok().filter(|week| *week < self.weeks.len())
    }

    /// Places a person in time.
    pub(super) fn place(&self, policy: &Policy, kind: PermitKind, list: u32, window: &Window<'_>) -> Alike {
        let opens = self.day(window.opens);
        Alike {
            deadline: self.day(window.deadline),
            earliest: opens.max(self.reach),
            release: opens.max(policy.notice_days.email as Day),
            pref_end: self.day(window.preferred_end),
            list,
            weight: policy.weight.get(&kind).copied().unwrap_or(1),
            lapse_late: policy.lapse_late.get(&kind).copied().unwrap_or(0),
        }
    }
}

pub(super) fn week_of(date: NaiveDate) -> WeekName {
    let week = date.iso_week();
    WeekName {
        name: format!("{}-W{:02}", week.year(), week.week()),
        monday: date.week(chrono::Weekday::Mon).first_day(),
    }
}

fn later(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX)
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_suffix('%').unwrap_or(text);
        let number = number.trim().parse().ok().filter(|n| (-100..=1_000).contains(n));
        number.map(Self).ok_or_else(|| "expected a whole number of percents, such as +15% or -10%".into())
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+} %", self.0)
    }
}

impl FromStr for Extra {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = || {
            let (place, seats) = text.split_once('=')?;
            let mut names = place.split('/');
            let (site, desk, week) = (names.next()?, names.next()?, names.next()?);
            let (year, number) = week.split_once("-W")?;
            let is_week = year.len() == 4 && number.len() == 2 && (year.to_owned() + number).parse::<u32>().is_ok();
            let seats = seats.parse().ok().filter(|n| (1..=1_000_000).contains(n))?;
            let whole = names.next().is_none() && is_week;
            whole.then(|| Self { site: site.into(), desk: desk.into(), week: week.into(), seats })
        };
        parts().ok_or_else(|| "expected SITE/DESK/WEEK=SEATS, such as creteil/renouvellement/2026-W50=20".into())
    }
}
