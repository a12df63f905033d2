//! The weeks ahead: who comes due, how many seats there are, when not everyone can be placed, and which seats are
//! missing. Pure.
//!
//! The coming nights are simulated by class, each with what it will know. In addition, the people of all weeks are
//! assumed to be known tonight, each from the first day that window and short notice allow to the expiry of the permit.
//! No schedule can do better than the seats alone allow, and that bounds the lapses of every week (docs/PLANNING.md,
//! *Weeks ahead*).

mod figures;
mod horizon;
mod nights;
mod people;
mod seats;
mod shown;

use std::collections::BTreeMap;

use rayon::prelude::*;

pub use figures::{Bounds, DeskWeek, Forecast, Week, WhatIf};
pub use horizon::{Extra, Horizon, Percent, Unknown};
pub use people::People;
pub use seats::DeskDay;
pub use shown::{chart, desks_list, svg, text, weeks_list};

use convoke_domain::run::Stage;
use convoke_domain::slot::PoolId;
use convoke_planning::crowd::{Alike, Crowd, Seats};
use nights::Nights;

/// Weeks whose bounds are computed in parallel; progress is reported after each batch.
const AT_ONCE: usize = 4;

/// What is known tonight.
pub struct Known<'a> {
    /// The préfecture.
    pub prefecture: &'a str,
    /// `site/desk` of each pool.
    pub pools: &'a [PoolId],
    /// People.
    pub people: People<'a>,
    /// Desks by day, from tonight to the end of the horizon, including days without a free seat.
    pub days: Vec<DeskDay>,
    /// Warnings for the operator.
    pub warnings: Vec<String>,
}

/// The forecast. `progress` is called with a stage, weeks done and weeks in all.
///
/// # Errors
/// Extra seats for a desk or a week that does not exist.
pub fn forecast(
    known: Known<'_>,
    what_if: WhatIf,
    horizon: &Horizon,
    progress: &dyn Fn(Stage, u64, u64),
) -> Result<Forecast, Unknown> {
    let days = seats::scaled(known.days, what_if.slots);
    let extra = seats::extra(&what_if.extra, known.pools, &days, horizon)?;
    let policy = known.people.policy();
    let counted = known.people.counted(what_if.multiyear);
    let classes: Vec<Alike> = counted.classes.iter().map(|(class, _)| *class).collect();
    let people: Vec<u32> = counted.classes.iter().map(|(_, due)| due.known + due.returning).collect();
    let free = seats::free(&days, horizon);
    let monday = horizon.day(horizon.weeks[0].monday);
    let crowd_of = |days: &[Seats]| Crowd::new(&counted.lists, &classes, days, &extra, monday);
    let crowd = crowd_of(&free);
    let week_of: Vec<Option<usize>> = classes.iter().map(|class| horizon.week_at(class.deadline)).collect();
    let has_a_day = crowd.has_a_day();

    let last = horizon.day(horizon.last);
    let nights = Nights { policy, monday, last, lists: &counted.lists };
    let seats = seats::spread(&free, &extra, horizon.reach);
    let lived =
        nights.live(&classes, &people, &counted.late, &seats, &|done, all| progress(Stage::Forecasting, done, all));
    let mut weeks: Vec<Week> = horizon.weeks.iter().map(Week::empty).collect();
    for (i, (_, due)) in counted.classes.iter().enumerate() {
        let Some(week) = week_of[i].map(|week| &mut weeks[week]) else { continue };
        week.due += u64::from(people[i]);
        week.returning += u64::from(due.returning);
        week.no_possible_day += if has_a_day[i] { 0 } else { u64::from(people[i]) };
        week.lapses.expected += u64::from(lived.lapses[i]);
    }
    let mut desks = Desks { pools: known.pools, horizon, found: BTreeMap::new() };
    for given in &lived.taken {
        if let Some(week) = horizon.week_at(given.day) {
            desks.of(given.pool, week).taken += u64::from(given.free);
        }
    }
    for (seats, extra) in free.iter().map(|s| (s, false)).chain(extra.iter().map(|s| (s, true))) {
        if let Some(week) = horizon.week_at(seats.day).filter(|_| extra || seats.day >= horizon.reach) {
            desks.of(seats.pool, week).seats += u64::from(seats.free);
        }
    }
    for day in &days {
        if let Some(week) = horizon.week_at(horizon.day(day.day)) {
            desks.of(day.pool, week).reserved += u64::from(day.taken);
            weeks[week].projected |= day.projected && day.seats > 0;
        }
    }

    let of_these_weeks = only(&people, &week_of, |week| week.is_some());
    let short = crowd.short_of_seats(&people);
    for missing in short.missing_seats(&of_these_weeks) {
        if let Some(week) = horizon.week_at(missing.day) {
            desks.of(missing.pool, week).to_add += u64::from(missing.free);
        }
    }
    for ((_, week), desk) in &desks.found {
        weeks[*week].seats += desk.seats;
        weeks[*week].reserved += desk.reserved;
        weeks[*week].taken += desk.taken;
    }
    for week in &mut weeks {
        week.load_percent = (100 * week.due + week.seats / 2).checked_div(week.seats);
    }
    // Each seat given to a late person displaces at most one other person. If they caused no lapse, none is counted.
    let spared = seats::without(&free, &lived.late);
    let all = crowd_of(&free).fewest_lapses(&people);
    let displaced = if crowd_of(&spared).fewest_lapses(&people) > all { total(&lived.late) } else { 0 };
    bound(&mut weeks, &short, &people, &week_of, displaced, progress);

    let mut without_a_day = 0;
    let first_short = weeks.iter().find(|week| {
        without_a_day += week.no_possible_day;
        week.lapses_so_far.lower > without_a_day
    });
    let desks: Vec<DeskWeek> = desks.found.into_values().filter(|d| d.seats + d.reserved + d.to_add > 0).collect();
    Ok(Forecast {
        schema: "convoke.forecast/1".into(),
        prefecture: known.prefecture.to_owned(),
        night: horizon.night,
        what_if,
        due: weeks.iter().map(|w| w.due).sum(),
        late: counted.late.values().map(|n| u64::from(*n)).sum(),
        online: counted.online,
        lapses: weeks.last().map(|w| w.lapses_so_far).unwrap_or_default(),
        no_possible_day: weeks.iter().map(|w| w.no_possible_day).sum(),
        first_short_week: first_short.map(|w| w.week.clone()),
        seats_to_add: desks.iter().map(|d| d.to_add).sum(),
        projected_from: days.iter().filter(|d| d.projected && d.seats > 0).map(|d| d.day).min(),
        weeks,
        desks,
        warnings: known.warnings,
    })
}

/// The reported desks, by pool and week.
struct Desks<'a> {
    pools: &'a [PoolId],
    horizon: &'a Horizon,
    found: BTreeMap<(u32, usize), DeskWeek>,
}

impl Desks<'_> {
    fn of(&mut self, pool: u32, week: usize) -> &mut DeskWeek {
        let empty = || DeskWeek::empty(&self.pools[pool as usize], &self.horizon.weeks[week]);
        self.found.entry((pool, week)).or_insert_with(empty)
    }
}

/// Only the people whose week matches. Permits that expire after all weeks have none.
fn only(people: &[u32], week_of: &[Option<usize>], of: impl Fn(Option<usize>) -> bool) -> Vec<u32> {
    people.iter().zip(week_of).map(|(n, week)| if of(*week) { *n } else { 0 }).collect()
}

fn total(seats: &[Seats]) -> u64 {
    seats.iter().map(|s| u64::from(s.free)).sum()
}

/// Sets the bounds of lapses: a lower one for every schedule, and an upper one for every schedule with the fewest
/// lapses in total, plus those displaced.
fn bound(
    weeks: &mut [Week],
    short: &Crowd<'_>,
    people: &[u32],
    week_of: &[Option<usize>],
    displaced: u64,
    progress: &dyn Fn(Stage, u64, u64),
) {
    let most = short.fewest_lapses(people) + displaced;
    let fewest = |of: &dyn Fn(Option<usize>) -> bool| short.fewest_lapses(&only(people, week_of, of));
    let in_all = weeks.len() as u64;
    for first in (0..weeks.len()).step_by(AT_ONCE) {
        progress(Stage::Forecasting, first as u64, in_all);
        weeks[first..].par_iter_mut().take(AT_ONCE).enumerate().for_each(|(i, week)| {
            let this = first + i;
            if most == 0 {
                return;
            }
            let is_later = |week: Option<usize>| week.is_none_or(|week| week > this);
            week.lapses.lower = fewest(&|week| week == Some(this));
            week.lapses.upper = (most - fewest(&|week| week != Some(this))).min(week.due);
            week.lapses_so_far.lower = fewest(&|week| !is_later(week));
            week.lapses_so_far.upper = most - fewest(&is_later);
        });
    }
    let (mut expected, mut due) = (0, 0);
    for week in weeks {
        (expected, due) = (expected + week.lapses.expected, due + week.due);
        week.lapses_so_far.expected = expected;
        week.lapses_so_far.upper = week.lapses_so_far.upper.min(due);
    }
}

#[cfg(test)]
mod tests;
