//! A plan by desk and week: what an office looks at first.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};
use serde::Serialize;

use super::{Plan, PlanningInput};
use convoke_domain::slot::PoolId;

/// A desk in a week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Week {
    /// `site/desk`.
    pub pool: PoolId,
    /// Monday.
    pub week: NaiveDate,
    /// Seats free before the plan.
    pub free: u64,
    /// Of these, made firm tonight.
    pub firm: u64,
    /// Of these, planned but not firm.
    pub planned: u64,
}

/// The Monday of a day's week.
pub fn monday(date: NaiveDate) -> NaiveDate {
    date.checked_sub_days(Days::new(date.weekday().num_days_from_monday().into())).unwrap_or(date)
}

/// Each desk and week with seats, by week.
pub fn by_week(input: &PlanningInput, plan: &Plan) -> Vec<Week> {
    let mut weeks: BTreeMap<(NaiveDate, u32), (u64, u64, u64)> = BTreeMap::new();
    for slot in &input.slots {
        weeks.entry((monday(input.date(slot.day)), slot.pool)).or_default().0 += u64::from(slot.free);
    }
    for a in &plan.appointments {
        let week = weeks.entry((monday(input.date(a.day)), a.pool)).or_default();
        *(if a.firm { &mut week.1 } else { &mut week.2 }) += 1;
    }
    weeks
        .into_iter()
        .map(|((week, pool), (free, firm, planned))| Week {
            pool: input.pools[pool as usize].clone(),
            week,
            free,
            firm,
            planned,
        })
        .collect()
}
