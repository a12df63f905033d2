//! Gathers the figures of a period.

use anyhow::Result;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;

use super::circumstances::acts;
use convoke_domain::ending::Expired;
use convoke_letters::PdfError;
use convoke_report::Period;
use convoke_report::bundle::Files;
use convoke_report::lists::workbook;
use convoke_report::period::{by_week_and_semester, endings, endings_list, waits};
use convoke_settings::Configuration;
use convoke_store::Store;

/// The figures from one day to another, both included, as known `today`.
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
        let (first, end) = (midnight(zone, from), midnight(zone, to.succ_opt().unwrap_or(to)));
        let (before, until) = stretch(s, config, from, to, today)?;
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

/// The permits whose last day was between two days, and before `today`.
pub fn endings_between(store: &mut Store, from: NaiveDate, to: NaiveDate, today: NaiveDate) -> Result<Vec<Expired>> {
    store.read(|s| s.expired_between(from, ended(to, today)))
}

/// What people did in these days, from the ledger: who, what, how often.
pub fn acts_between(
    store: &mut Store,
    config: &Configuration,
    from: NaiveDate,
    to: NaiveDate,
    today: NaiveDate,
) -> Result<Vec<(String, String, u64)>> {
    store.read(|s| {
        let (before, until) = stretch(s, config, from, to, today)?;
        s.acts_by_actor(before, until)
    })
}

/// The ledger entries of these days: after the first number, up to the second.
fn stretch(
    s: &mut Store,
    config: &Configuration,
    from: NaiveDate,
    to: NaiveDate,
    today: NaiveDate,
) -> Result<(i64, i64)> {
    let zone = config.settings.prefecture.zone;
    let (before, until) = s.ledger_of_days(midnight(zone, from), midnight(zone, to.succ_opt().unwrap_or(to)))?;
    // Acts since the last night also belong to today.
    Ok((before, if to >= today { s.ledger_head()?.size } else { until }))
}

/// The figures of a period as files by name; and why there is no PDF, if there is none.
pub fn files_of_days(
    store: &mut Store,
    config: &Configuration,
    period: &Period,
    today: NaiveDate,
) -> Result<(Files, Option<PdfError>)> {
    let mut lists = period.lists();
    lists.push(endings_list(&endings_between(store, period.from, period.to, today)?));
    let mut files: Files =
        lists.iter().map(|list| (format!("{}.csv", list.name), list.to_csv().into_bytes())).collect();
    files.insert("tables.xlsx".to_owned(), workbook(&lists)?);
    files.insert("period.json".to_owned(), format!("{}\n", serde_json::to_string_pretty(period)?).into_bytes());
    let title = format!("{} {} {}", period.prefecture, period.from, period.to);
    let unprinted = match period.document().to_pdf(&title, period.to, config.templates()?.fonts()) {
        Ok(pdf) => {
            files.insert("period.pdf".to_owned(), pdf);
            None
        }
        Err(error) => Some(error),
    };
    Ok((files, unprinted))
}

/// The instant at which a civil day begins, in UTC.
fn midnight(zone: Tz, day: NaiveDate) -> NaiveDateTime {
    // No French time zone changes its clocks at midnight.
    let civil = day.and_time(NaiveTime::MIN);
    zone.from_local_datetime(&civil).earliest().map_or(civil, |at| at.naive_utc())
}

/// How a permit ended is unknown until its last day is over.
fn ended(to: NaiveDate, today: NaiveDate) -> NaiveDate {
    today.pred_opt().map_or(to, |yesterday| to.min(yesterday))
}
