//! Reads what a forecast needs in one transaction: permits, seats, reservations and live convocations.

use std::collections::HashMap;

use anyhow::Result;
use chrono::NaiveDate;

use super::Tools;
use super::dates::next_night;
use convoke_domain::agenda::Pool;
use convoke_domain::agenda::Slot;
use convoke_domain::run::Stage;
use convoke_domain::slot::PoolId;
use convoke_report::forecast::{self, DeskDay, Forecast, Horizon, Known, People, WhatIf};
use convoke_settings::Configuration;
use convoke_store::Store;

/// The weeks from the next night on: tonight's night if no run of today is completed.
pub fn forecast(
    store: &mut Store,
    config: &Configuration,
    weeks: u32,
    what_if: WhatIf,
    tools: &mut Tools<'_>,
) -> Result<Forecast> {
    let today = tools.clock.today(config.settings.prefecture.zone);
    let policy = &config.settings.policy;
    let jurisdiction = config.agenda.jurisdiction();
    (tools.progress)(Stage::Reading, 0, 0);
    let (horizon, people, days) = store.persist(|s| {
        s.read(|s| {
            let night = if s.completed_run(today)?.is_some() { next_night(config, today)? } else { today };
            let horizon = Horizon::new(night, weeks, policy);
            let live = s.live_convocations()?;
            let convoked: HashMap<&str, NaiveDate> =
                live.iter().map(|l| (l.holder_id.as_str(), l.slot_id.day)).collect();
            let honoured = s.honoured_permits()?;
            let mut people = People::new(policy, &jurisdiction, horizon.clone());
            s.permits_to_review(None, |row| {
                let convoked_for = convoked.get(row.holder_id.as_str()).copied();
                people.take(&row.facts(convoked_for, honoured.contains(&row.permit_id)));
                Ok(())
            })?;
            let taken = s.taken(night)?;
            let days = desk_days(config, &horizon, &s.slots(night, horizon.last_known)?, |slot| {
                taken.get(&slot.id).copied().unwrap_or(0)
            });
            Ok((horizon, people, days))
        })
    })?;
    let pools: Vec<PoolId> = config.agenda.pools().iter().map(Pool::id).collect();
    let warnings = warnings(config, &horizon, &pools, &days);
    let prefecture = store.prefecture().to_owned();
    let known = Known { prefecture: &prefecture, pools: &pools, people, days, warnings };
    Ok(forecast::forecast(known, what_if, &horizon, tools.progress)?)
}

/// Seats by desk and day: those of the slots, then, after a desk's last slot, those of its openings.
fn desk_days(config: &Configuration, horizon: &Horizon, slots: &[Slot], taken: impl Fn(&Slot) -> u64) -> Vec<DeskDay> {
    let mut days: Vec<DeskDay> = Vec::new();
    let mut of_desk: HashMap<&PoolId, Vec<&Slot>> = HashMap::new();
    for slot in slots {
        of_desk.entry(&slot.id.pool).or_default().push(slot);
    }
    for (number, pool) in config.agenda.pools().into_iter().enumerate() {
        let number = number as u32;
        let own = of_desk.remove(&pool.id()).unwrap_or_default();
        let after = own.last().map_or(horizon.night, |slot| slot.id.day.succ_opt().unwrap_or(slot.id.day));
        // Slots come ordered by day. A desk that is closed that day receives nobody, whatever was generated.
        for day in
            own.chunk_by(|a, b| a.id.day == b.id.day).filter(|day| config.agenda.closed(pool, day[0].id.day).is_none())
        {
            let (mut seats, mut reserved) = (0, 0);
            for slot in day {
                // Fewer seats than firm appointments: these are kept, and take nothing from other hours.
                let firm = taken(slot).min(slot.seats.into());
                seats += slot.seats;
                reserved += firm as u32;
            }
            days.push(DeskDay { pool: number, day: day[0].id.day, seats, taken: reserved, projected: false });
        }
        for day in after.iter_days().take_while(|day| *day <= horizon.last_known) {
            let seats = config.agenda.seats(pool, day);
            if seats > 0 {
                days.push(DeskDay { pool: number, day, seats, taken: 0, projected: true });
            }
        }
    }
    days
}

fn warnings(config: &Configuration, horizon: &Horizon, pools: &[PoolId], days: &[DeskDay]) -> Vec<String> {
    let mut last: HashMap<u32, NaiveDate> = HashMap::new();
    for day in days {
        last.entry(day.pool).and_modify(|last| *last = day.day.max(*last)).or_insert(day.day);
    }
    let mut warnings = Vec::new();
    for (number, (pool, name)) in config.agenda.pools().iter().zip(pools).enumerate() {
        let end = last.get(&(number as u32));
        if pool.desk.opening.is_empty() && end.is_none_or(|end| *end < horizon.last) {
            let end = end.map_or_else(|| "has no slots".to_owned(), |end| format!("has slots until {end}"));
            warnings.push(format!(
                "{name} {end} and no openings in config/agenda.toml: no seats are counted after that. Import its slots, or add its openings."
            ));
        }
    }
    let policy = &config.settings.policy;
    let needed = policy.longest_window() + policy.notice_days.email.max(policy.notice_days.post);
    if policy.horizon_days < needed {
        warnings.push(format!(
            "horizon_days is {}, less than the longest window and notice together ({needed}): nights see less than this forecast, and may leave more lapses.",
            policy.horizon_days
        ));
    }
    warnings
}
