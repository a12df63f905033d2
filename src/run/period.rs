//! Gathers the figures of a stretch of days.

use anyhow::Result;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;

use super::circumstances::acts;
use crate::report::period::{by_week_and_semester, endings, waits};
use crate::report::{Expired, Period};
use crate::settings::Configuration;
use crate::store::Store;

/// The figures of the days from one to another, both included, as they stand `today`.
pub fn period(
    store: &mut Store,
    config: &Configuration,
    from: NaiveDate,
    to: NaiveDate,
    today: NaiveDate,
) -> Result<Period> {
    store.read(|s| {
        let (weeks, semesters) = by_week_and_semester(&s.seats_between(from, to)?, &s.appointments_between(from, to)?);
        let zone = config.settings.prefecture.zone;
        let midnight = |day: NaiveDate| midnight(zone, day);
        let (first, end) = (midnight(from), midnight(to.succ_opt().unwrap_or(to)));
        let (before, mut until) = s.ledger_of_days(first, end)?;
        if to >= today {
            // What was done since the last night is of these days as well.
            until = s.ledger_head()?.size;
        }
        let convoked = s.convoked_between(first, end)?;
        let convoked: Vec<_> = convoked
            .into_iter()
            .map(|(desk, made, day)| (desk, made.and_utc().with_timezone(&zone).naive_local(), day))
            .collect();
        Ok(Period {
            schema: "convoke.period/1".into(),
            prefecture: s.prefecture().to_owned(),
            prefecture_name: config.settings.prefecture.name.clone(),
            from,
            to,
            weeks,
            semesters,
            waits: waits(&convoked),
            endings: endings(&s.expired_between(from, ended(to, today))?),
            acts: acts(s, before, until)?,
        })
    })
}

/// The permits whose last day lay between two days, and before `today`.
pub fn endings_between(store: &mut Store, from: NaiveDate, to: NaiveDate, today: NaiveDate) -> Result<Vec<Expired>> {
    store.read(|s| s.expired_between(from, ended(to, today)))
}

/// The instant at which a civil day begins, in Universal Time.
fn midnight(zone: Tz, day: NaiveDate) -> NaiveDateTime {
    // No zone of the Republic changes its clocks at midnight.
    let civil = day.and_time(NaiveTime::MIN);
    zone.from_local_datetime(&civil).earliest().map_or(civil, |at| at.naive_utc())
}

/// How a permit ends is not known before its last day is over.
fn ended(to: NaiveDate, today: NaiveDate) -> NaiveDate {
    today.pred_opt().map_or(to, |yesterday| to.min(yesterday))
}
