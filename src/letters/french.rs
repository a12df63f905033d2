//! Dates and times in French words, as template filters.

use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};
use minijinja::{Environment, Error, ErrorKind};

const DAYS: [&str; 7] = ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"];
const MONTHS: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];

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

/// 1er janvier 2027.
fn date(day: NaiveDate) -> String {
    let ordinal = if day.day() == 1 { "er" } else { "" };
    let month = MONTHS[day.month0() as usize];
    format!("{}{ordinal} {month} {}", day.day(), day.year())
}

/// vendredi 1er janvier 2027.
pub(super) fn weekday_date(day: NaiveDate) -> String {
    let weekday = DAYS[day.weekday().num_days_from_monday() as usize];
    format!("{weekday} {}", date(day))
}

/// 9 h, 13 h 05.
pub(super) fn time(start: NaiveTime) -> String {
    match start.minute() {
        0 => format!("{} h", start.hour()),
        minute => format!("{} h {minute:02}", start.hour()),
    }
}
