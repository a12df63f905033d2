//! The figures of a forecast, as written by `forecast --json`.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::horizon::WeekName;
use super::{Extra, Percent};
use convoke_domain::slot::PoolId;

/// What is asked in addition to the weeks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WhatIf {
    /// Percentage of additional seats on every coming day.
    pub slots: Percent,
    /// Percentage of one-year cards that are renewed by one for several years.
    pub multiyear: Percent,
    /// Extra seats of a desk in a week.
    pub extra: Vec<Extra>,
}

/// `forecast --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Forecast {
    /// `convoke.forecast/1`.
    pub schema: String,
    /// The préfecture.
    pub prefecture: String,
    /// The next night: days and notices are counted from it.
    pub night: NaiveDate,
    /// What was asked.
    pub what_if: WhatIf,
    /// People to be convoked whose permit expires in these weeks.
    pub due: u64,
    /// People with an expired permit who are still to be seen: they take seats that the others leave.
    pub late: u64,
    /// People who will be asked to file online in these weeks: they need no seat.
    pub online: u64,
    /// Permits that expire in these weeks before their holder has been seen.
    pub lapses: Bounds,
    /// Of these, people for whom no desk is open between the earliest letter and expiry, whatever the number of seats.
    pub no_possible_day: u64,
    /// First week by the end of which there are fewer seats than people, however they are assigned.
    pub first_short_week: Option<String>,
    /// Fewest extra seats that would place everyone of these weeks who has a possible day.
    pub seats_to_add: u64,
    /// First day whose seats are not yet slots, but promised by the openings of a desk.
    pub projected_from: Option<NaiveDate>,
    /// Week by week.
    pub weeks: Vec<Week>,
    /// By desk and week, if there are seats or some are missing.
    pub desks: Vec<DeskWeek>,
    /// What the operator should know.
    pub warnings: Vec<String>,
}

/// Lapses: at least, as the simulated nights leave them, and at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bounds {
    /// No schedule has fewer.
    pub lower: u64,
    /// As the simulated nights leave them.
    pub expected: u64,
    /// Most lapses of any schedule that leaves the fewest in all, plus one per seat that a late person takes.
    pub upper: u64,
}

/// A week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Week {
    /// ISO 8601 week, such as 2026-W41.
    pub week: String,
    /// Its Monday.
    pub monday: NaiveDate,
    /// People to be convoked whose permit expires in it.
    pub due: u64,
    /// Of these, people whose card is still to be issued: they will renew one of a year before.
    pub returning: u64,
    /// Of these, people without any possible day before expiry.
    pub no_possible_day: u64,
    /// Free seats on days that a letter can still reach.
    pub seats: u64,
    /// Seats that are already reserved.
    pub reserved: u64,
    /// Free seats that the nights assign.
    pub taken: u64,
    /// People due per hundred seats.
    pub load_percent: Option<u64>,
    /// Lapses of those whose permit expires in it.
    pub lapses: Bounds,
    /// The same, including all weeks before.
    pub lapses_so_far: Bounds,
    /// Whether some of its seats are not yet slots.
    pub projected: bool,
}

/// A desk in a week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeskWeek {
    /// Site.
    pub site: String,
    /// Desk.
    pub desk: String,
    /// ISO 8601 week.
    pub week: String,
    /// Free seats on days that a letter can still reach.
    pub seats: u64,
    /// Seats that are already reserved.
    pub reserved: u64,
    /// Free seats that the nights assign.
    pub taken: u64,
    /// Seats to add so that everyone can be placed.
    pub to_add: u64,
}

impl Week {
    pub(super) fn empty(name: &WeekName) -> Self {
        Self {
            week: name.name.clone(),
            monday: name.monday,
            due: 0,
            returning: 0,
            no_possible_day: 0,
            seats: 0,
            reserved: 0,
            taken: 0,
            load_percent: None,
            lapses: Bounds::default(),
            lapses_so_far: Bounds::default(),
            projected: false,
        }
    }
}

impl DeskWeek {
    pub(super) fn empty(pool: &PoolId, week: &WeekName) -> Self {
        let PoolId { site, desk } = pool.clone();
        let week = week.name.clone();
        Self { site, desk, week, seats: 0, reserved: 0, taken: 0, to_add: 0 }
    }
}
