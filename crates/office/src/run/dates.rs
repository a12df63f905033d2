//! The dates of a run.

use anyhow::{Context, Result};
use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};

use convoke_machine::clock::Clock;
use convoke_settings::Configuration;

/// The dates of a run.
#[derive(Clone, Copy, Debug)]
pub struct Dates {
    /// The rules are those of this date.
    pub business: NaiveDate,
    /// Seats, notice and statuses are those of this date.
    pub today: NaiveDate,
    /// The next planning night.
    pub next_night: NaiveDate,
}

impl Dates {
    /// The dates of a run for `date`, or today if absent.
    pub fn of(date: Option<NaiveDate>, clock: &Clock, config: &Configuration) -> Result<Self> {
        let today = clock.today(config.settings.prefecture.zone);
        let business = date.unwrap_or(today);
        Ok(Self { business, today, next_night: next_night(config, today)? })
    }
}

/// The first night after that of `today`, by the schedule, which may skip days: until then nobody else is made firm.
pub(super) fn next_night(config: &Configuration, today: NaiveDate) -> Result<NaiveDate> {
    let tomorrow = today.checked_add_days(Days::new(1)).context("the clock is at the end of the calendar")?;
    let zone = config.settings.prefecture.zone;
    // Noon of the day before: every night of tomorrow comes after it, whatever the zone.
    let after = today.and_time(NaiveTime::from_hms_opt(12, 0, 0).unwrap_or_default()).and_utc() - TimeDelta::days(1);
    let nights = std::iter::successors(config.settings.serve.night.next(zone, after), |(_, at)| {
        config.settings.serve.night.next(zone, *at)
    });
    Ok(nights.map(|(date, _)| date).take(1_000).find(|date| *date >= tomorrow).unwrap_or(tomorrow))
}
