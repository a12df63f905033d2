//! How a date was computed, for anyone who asks (CRPA art. R. 311-3-1-2): the degree and the mode of contribution of
//! the program, the data and their sources, the parameters and their weights, the operations.

use chrono::{NaiveDate, NaiveTime};
use serde::Serialize;

/// The facts of one appointment, from the records of its night.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The convocation.
    pub reference: String,
    /// The run that gave it.
    pub run: String,
    /// Its business date.
    pub business_date: NaiveDate,
    /// The permit's name.
    pub permit: String,
    /// Its last day of validity.
    pub expires_on: NaiveDate,
    /// Day of the appointment.
    pub day: NaiveDate,
    /// Hour of the appointment.
    pub start: NaiveTime,
    /// Site and desk.
    pub place: String,
    /// `in-time`, `short-notice` or `after-expiry`.
    pub pass: String,
    /// Whether the notice was reduced.
    pub short_notice: bool,
    /// Whether the permit had already expired.
    pub late: bool,
    /// Legal basis of the window.
    pub basis: String,
    /// First day of the window.
    pub opens_on: NaiveDate,
    /// Day by which the appointment should have taken place.
    pub preferred_end: NaiveDate,
    /// Days of notice for the letter's channel.
    pub notice_days: u32,
    /// Days of reduced notice.
    pub short_notice_days: u32,
    /// First day that window and notice allowed.
    pub release: NaiveDate,
    /// Weight of a day beyond the preferred end.
    pub weight: u32,
    /// Days that a lapse counts for.
    pub lapse_late: u32,
    /// Places that could receive this person, nearest first.
    pub places: Vec<Place>,
    /// Whether members of the household were planned together.
    pub household: bool,
    /// Number of people planned that night.
    pub people: usize,
    /// Number of free seats that night.
    pub seats: u64,
    /// Number of people without a day before expiry.
    pub lapses: usize,
    /// Whether the plan is proved optimal.
    pub certificate: String,
    /// SHA-256 of the recorded input.
    pub input_hash: String,
    /// SHA-256 of the plan.
    pub plan_hash: String,
    /// Whom to ask, one line per item.
    pub contact: Vec<String>,
}

/// A place that could receive the person.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// Site and desk.
    pub name: String,
    /// 1 for the nearest.
    pub rank: u32,
    /// Seats that were free that night between the first possible day and the expiry; for an appointment after expiry,
    /// until its day.
    pub free: u64,
}

impl Explanation {
    /// Explanations that together cover every branch of the template.
    pub(super) fn trials() -> [Self; 3] {
        let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap_or_default();
        let plain = Self {
            reference: "RC-94-2026-0001234-R".into(),
            run: "94/2026-10-06/1".into(),
            business_date: day(10, 6),
            permit: "carte de séjour temporaire".into(),
            expires_on: day(12, 1),
            day: day(11, 2),
            start: NaiveTime::from_hms_opt(9, 30, 0).unwrap_or_default(),
            place: "nogent-sur-marne/renouvellement".into(),
            pass: "in-time".into(),
            short_notice: false,
            late: false,
            basis: "CESEDA R.431-5".into(),
            opens_on: day(10, 1),
            preferred_end: day(11, 16),
            notice_days: 21,
            short_notice_days: 10,
            release: day(10, 27),
            weight: 1,
            lapse_late: 0,
            places: vec![
                Place { name: "nogent-sur-marne/renouvellement".into(), rank: 1, free: 12 },
                Place { name: "creteil/renouvellement".into(), rank: 2, free: 1 },
            ],
            household: false,
            people: 240,
            seats: 1_900,
            lapses: 1,
            certificate: "closed".into(),
            input_hash: "0".repeat(64),
            plan_hash: "1".repeat(64),
            contact: vec!["Préfecture".into()],
        };
        let short = Self {
            pass: "short-notice".into(),
            household: true,
            lapses: 3,
            certificate: "open".into(),
            ..plain.clone()
        };
        let late = Self {
            pass: "after-expiry".into(),
            late: true,
            places: vec![],
            weight: 3,
            lapse_late: 60,
            ..plain.clone()
        };
        [plain, short, late]
    }
}
