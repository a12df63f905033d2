//! Gathers the figures of a stretch of days.

use anyhow::Result;
use chrono::NaiveDate;

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
        let (before, until) = s.ledger_of_days(from, to)?;
        Ok(Period {
            schema: "convoke.period/1".into(),
            prefecture: s.prefecture().to_owned(),
            prefecture_name: config.settings.prefecture.name.clone(),
            from,
            to,
            weeks,
            semesters,
            waits: waits(&s.convoked_between(from, to)?),
            endings: endings(&s.expired_between(from, ended(to, today))?),
            acts: acts(s, before, until)?,
        })
    })
}

/// The permits whose last day lay between two days, and before `today`.
pub fn endings_between(store: &mut Store, from: NaiveDate, to: NaiveDate, today: NaiveDate) -> Result<Vec<Expired>> {
    store.read(|s| s.expired_between(from, ended(to, today)))
}

/// How a permit ends is not known before its last day is over.
fn ended(to: NaiveDate, today: NaiveDate) -> NaiveDate {
    today.pred_opt().map_or(to, |yesterday| to.min(yesterday))
}
