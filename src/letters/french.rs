//! Dates and times in French words, as template filters.

use chrono::{NaiveTime, Timelike};
use minijinja::{Environment, Error, ErrorKind};

use crate::french::date;
pub(super) use crate::french::weekday_date;

/// Teaches `env` the filters `date` (2 novembre 2026), `weekday_date` (lundi 2 novembre 2026) and
/// `time` (9 h 30).
pub(super) fn teach(env: &mut Environment<'_>) {
    env.add_filter("date", |day: &str| parse(day).map(date));
    env.add_filter("weekday_date", |day: &str| parse(day).map(weekday_date));
    env.add_filter("time", |start: &str| parse(start).map(time));
}

fn parse<T: std::str::FromStr>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::new(ErrorKind::InvalidOperation, format!("{text:?} is no such value")))
}

/// 9 h, 13 h 05.
pub(super) fn time(start: NaiveTime) -> String {
    match start.minute() {
        0 => format!("{} h", start.hour()),
        minute => format!("{} h {minute:02}", start.hour()),
    }
}
