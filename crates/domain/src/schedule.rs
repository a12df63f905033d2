//! When nights begin: business dates and their instants, from a cron expression in the préfecture's time zone.
//!
//! The expression is evaluated in civil time, as a person reads it, and each civil time is then mapped to an instant. A
//! time that occurs twice means its first occurrence; one skipped by a clock change means the instant of the change. So
//! every date in the expression is covered exactly once, whatever the zone does.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use croner::parser::{CronParser, Seconds, Year};
use croner::{Cron, Direction};
use serde::{Deserialize, Serialize};

/// No zone has ever skipped more than a day (Samoa, 30 December 2011).
const GAP_MAX_MINUTES: i64 = 25 * 60;

/// Five fields: minute, hour, day of the month, month, day of the week.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Schedule {
    text: String,
    cron: Cron,
}

impl TryFrom<String> for Schedule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        match parser.parse(text.trim()) {
            Ok(cron) => Ok(Self { text, cron }),
            Err(error) => Err(format!(
                "`{text}`: {error}; expected five fields (minute hour day month weekday), such as `30 1 * * *` for 01:30 every night"
            )),
        }
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.text
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Default for Schedule {
    /// 01:30 every night.
    fn default() -> Self {
        // Unwrap safety: a test parses it.
        Self::try_from("30 1 * * *".to_owned()).expect("a cron expression")
    }
}

impl Schedule {
    /// Nights with an instant after `after` and not after `until`. The business date is the scheduled civil date. If a
    /// date has several times, the first one counts.
    pub fn nights(&self, zone: Tz, after: DateTime<Utc>, until: DateTime<Utc>) -> Vec<(NaiveDate, DateTime<Utc>)> {
        // Starts two days early, because the first time of a date decides; no clock change is longer.
        let from = after.with_timezone(&zone).naive_local() - TimeDelta::days(2);
        let to = until.with_timezone(&zone).naive_local() + TimeDelta::days(2);
        let mut nights: BTreeMap<NaiveDate, DateTime<Utc>> = BTreeMap::new();
        for civil in
            self.cron.iter_from(from.and_utc(), Direction::Forward).map(|at| at.naive_utc()).take_while(|at| *at <= to)
        {
            if let Some(at) = instant(zone, civil) {
                nights.entry(civil.date()).or_insert(at);
            }
        }
        nights.into_iter().filter(|(_, at)| after < *at && *at <= until).collect()
    }

    /// The next night after an instant.
    pub fn next(&self, zone: Tz, after: DateTime<Utc>) -> Option<(NaiveDate, DateTime<Utc>)> {
        // The next leap day is at most eight years away.
        [2, 40, 400, 3_000]
            .iter()
            .find_map(|days| self.nights(zone, after, after + TimeDelta::days(*days)).into_iter().next())
    }
}

/// The instant of a civil time: its first occurrence or, if it is skipped, the end of the gap.
fn instant(zone: Tz, civil: NaiveDateTime) -> Option<DateTime<Utc>> {
    (0..=GAP_MAX_MINUTES).find_map(|minutes| match zone.from_local_datetime(&(civil + TimeDelta::minutes(minutes))) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.to_utc()),
        LocalResult::None => None,
    })
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, Days, Timelike};
    use proptest::prelude::*;

    use super::*;

    fn schedule(text: &str) -> Schedule {
        Schedule::try_from(text.to_owned()).unwrap()
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn an_hour_that_comes_twice_counts_once_and_one_that_is_skipped_counts_too() {
        let half_past_two = schedule("30 2 * * *");
        let paris = Tz::Europe__Paris;
        let october = half_past_two.nights(paris, utc("2026-10-24T12:00:00Z"), utc("2026-10-26T12:00:00Z"));
        let shown = |nights: Vec<(NaiveDate, DateTime<Utc>)>| {
            nights.iter().map(|(d, at)| format!("{d} {at}")).collect::<Vec<_>>()
        };
        assert_eq!(shown(october), ["2026-10-25 2026-10-25 00:30:00 UTC", "2026-10-26 2026-10-26 01:30:00 UTC"]);
        let march = half_past_two.nights(paris, utc("2027-03-27T12:00:00Z"), utc("2027-03-29T12:00:00Z"));
        assert_eq!(shown(march), ["2027-03-28 2027-03-28 01:00:00 UTC", "2027-03-29 2027-03-29 00:30:00 UTC"]);
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_an_example() {
        for wrong in ["", "every night", "61 1 * * *", "30 1 * *", "0 30 1 * * *", "30 1 * * * 2026"] {
            let error = Schedule::try_from(wrong.to_owned()).unwrap_err();
            assert!(error.contains("30 1 * * *"), "{wrong}: {error}");
        }
        assert_eq!(Schedule::default().to_string(), "30 1 * * *");
    }

    #[test]
    fn the_next_night_is_found_however_rare() {
        let paris = Tz::Europe__Paris;
        let next = |text| schedule(text).next(paris, utc("2026-11-25T12:00:00Z")).map(|(date, _)| date.to_string());
        assert_eq!(next("30 1 * * *").as_deref(), Some("2026-11-26"));
        assert_eq!(next("0 1 29 2 *").as_deref(), Some("2028-02-29"));
        assert_eq!(next("0 1 31 2 *"), None);
    }

    proptest! {
        /// Compares with a walk over every minute of real time.
        #[test]
        fn every_date_is_covered_exactly_once(
            hour in 0u32..24, minute in 0u32..60, day in 0u64..4_000, zone in prop::sample::select(vec![
                Tz::Europe__Paris, Tz::America__Cayenne, Tz::Pacific__Noumea, Tz::America__Miquelon, Tz::Australia__Lord_Howe,
                Tz::Pacific__Apia,
            ]),
        ) {
            let start = NaiveDate::from_ymd_opt(2009, 1, 1).unwrap() + Days::new(day);
            let (from, to) = (start.and_time(chrono::NaiveTime::MIN).and_utc(), (start + Days::new(5)).and_time(chrono::NaiveTime::MIN).and_utc());
            let found = schedule(&format!("{minute} {hour} * * *")).nights(zone, from, to);
            // The first minute of each civil date on which the civil clock shows that time or, having skipped it, a
            // later one.
            let mut expected: BTreeMap<NaiveDate, DateTime<Utc>> = BTreeMap::new();
            let mut at = from - TimeDelta::days(2);
            let mut shown = at.with_timezone(&zone).naive_local();
            while at <= to {
                let before = shown;
                shown = at.with_timezone(&zone).naive_local();
                // This minute has reached every civil time between the two readings.
                let mut date = before.date();
                while date <= shown.date() {
                    let wanted = date.and_hms_opt(hour, minute, 0).unwrap();
                    if before < wanted && wanted <= shown {
                        expected.entry(date).or_insert(at);
                    }
                    date = date.succ_opt().unwrap();
                }
                at += TimeDelta::minutes(1);
            }
            let expected: Vec<_> = expected.into_iter().filter(|(_, at)| from < *at && *at <= to).collect();
            prop_assert_eq!(&found, &expected);
            prop_assert!(found.iter().all(|(date, at)| at.with_timezone(&zone).year() == date.year() && at.second() == 0));
        }
    }
}
