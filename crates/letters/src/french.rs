//! French words for civil dates, for letters and reports.

use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};

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
const SHORT_MONTHS: [&str; 12] =
    ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."];

/// 1er janvier 2027.
pub fn date(day: NaiveDate) -> String {
    let ordinal = if day.day() == 1 { "er" } else { "" };
    format!("{}{ordinal} {} {}", day.day(), MONTHS[day.month0() as usize], day.year())
}

/// vendredi 1er janvier 2027.
pub fn weekday_date(day: NaiveDate) -> String {
    format!("{} {}", DAYS[day.weekday().num_days_from_monday() as usize], date(day))
}

/// 5 oct. 2026; a narrow column breaks it before the year.
pub fn short_date(day: NaiveDate) -> String {
    format!("{}\u{a0}{} {}", day.day(), SHORT_MONTHS[day.month0() as usize], day.year())
}

/// 9 h 30.
pub fn time(at: NaiveTime) -> String {
    match at.minute() {
        0 => format!("{}\u{a0}h", at.hour()),
        minute => format!("{}\u{a0}h\u{a0}{minute:02}", at.hour()),
    }
}

/// Text with French non-breaking spaces: no line begins with `:` or `»`.
pub fn spaced(text: &str) -> String {
    let mut out = text.replace("« ", "«\u{a0}");
    for sign in [":", ";", "!", "?", "»"] {
        out = out.replace(&format!(" {sign}"), &format!("\u{a0}{sign}"));
    }
    out
}
