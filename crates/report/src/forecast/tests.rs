//! Forecasts of invented offices, compared with nights of the real planner.

use std::collections::{BTreeMap, HashSet};

use chrono::{Days, Months, NaiveDate};
use proptest::prelude::*;

use super::*;
use convoke_domain::agenda::{Agenda, Jurisdiction};
use convoke_domain::eligibility::Facts;
use convoke_domain::ids::PermitId;
use convoke_domain::permit::{Channel, PermitKind, Status};
use convoke_domain::policy::{Before, Policy, Procedure, WindowRule};
use convoke_domain::slot::PoolId;
use convoke_instance::{Candidate, Nights, PlanningInput, SlotSeats};
use convoke_planning as planning;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A Wednesday.
fn night() -> NaiveDate {
    date("2026-10-07")
}

fn after(days: i64) -> NaiveDate {
    night().checked_add_signed(chrono::TimeDelta::days(days)).unwrap()
}

fn policy() -> Policy {
    let rule = |id: &str, procedure, from: Option<&str>, to: Option<&str>| WindowRule {
        id: id.into(),
        types: Vec::new(),
        mentions: Vec::new(),
        procedure,
        opens: Before::MonthsBefore(2),
        closes: None,
        from: from.map(date),
        to: to.map(date),
        basis: "test".into(),
    };
    // From 2028 on, everybody files online.
    let rule = vec![
        rule("counter", Procedure::Counter, None, Some("2027-12-31")),
        rule("online", Procedure::Online, Some("2028-01-01"), None),
    ];
    Policy { rule, ..Policy::default() }
}

fn agenda() -> Agenda {
    let desk = |site: &str, communes: &str| {
        format!(
            "[[site]]\nid = \"{site}\"\nname = \"{site}\"\naddress = \"1 rue\\n94000 {site}\"\n[[site.desk]]\nid = \"d\"\ntypes = [\"CST\", \"CRA1\", \"VLS-TS\", \"CSP\"]\ncommunes = [{communes}]\n"
        )
    };
    let a = desk("a", "{ insee = \"94001\", rank = 1 }");
    let b = desk("b", "{ insee = \"94001\", rank = 2 }, { insee = \"94002\", rank = 1 }");
    toml::from_str(&(a + &b)).unwrap()
}

#[derive(Clone, Debug)]
struct Holder {
    kind: PermitKind,
    commune: &'static str,
    expires_on: NaiveDate,
}

fn facts(holder: &Holder) -> Facts<'_> {
    Facts {
        kind: holder.kind,
        mention: "salarie",
        status: Status::Active,
        expires_on: holder.expires_on,
        commune: holder.commune,
        filed: false,
        held: false,
        absent: false,
        superseded: false,
        unknown: false,
        convoked_for: None,
    }
}

fn day(pool: u32, days: i64, seats: u32) -> DeskDay {
    DeskDay { pool, day: after(days), seats, taken: 0, projected: false }
}

fn asked(holders: &[Holder], days: &[DeskDay], weeks: u32, what_if: WhatIf) -> Result<Forecast, Unknown> {
    let (policy, agenda) = (policy(), agenda());
    let jurisdiction: Jurisdiction = agenda.jurisdiction();
    let horizon = Horizon::new(night(), weeks, &policy);
    let mut people = People::new(&policy, &jurisdiction, horizon.clone());
    for holder in holders {
        people.take(&facts(holder));
    }
    let pools = [PoolId::new("a", "d"), PoolId::new("b", "d")];
    let known = Known { prefecture: "94", pools: &pools, people, days: days.to_vec(), warnings: Vec::new() };
    forecast(known, what_if, &horizon, &|_, _, _| {})
}

fn plain(holders: &[Holder], days: &[DeskDay], weeks: u32) -> Forecast {
    asked(holders, days, weeks, WhatIf::default()).unwrap()
}

fn holder(kind: PermitKind, expires_in: i64) -> Holder {
    Holder { kind, commune: "94002", expires_on: after(expires_in) }
}

#[test]
fn people_come_due_once_and_lapse_in_the_week_of_their_expiry() {
    // 21 days on is Wednesday of the fourth week; one seat for two.
    let holders = [holder(PermitKind::Csp, 21), holder(PermitKind::Csp, 21), holder(PermitKind::Csp, 3)];
    let found = plain(&holders, &[day(1, 12, 1), day(0, 13, 9)], 4);
    let week = |n: usize| &found.weeks[n];
    assert_eq!((week(0).week.as_str(), week(0).monday), ("2026-W41", date("2026-10-05")));
    assert_eq!((week(0).due, week(0).no_possible_day, week(0).lapses.lower), (1, 1, 1));
    assert_eq!(week(3).lapses, Bounds { lower: 1, expected: 1, upper: 1 });
    // Seats of a desk that serves none of them count too.
    assert_eq!((week(1).seats, week(2).seats, week(1).taken + week(2).taken), (0, 10, 1));
    assert_eq!(found.first_short_week.as_deref(), Some("2026-W44"));
    assert_eq!((found.seats_to_add, found.no_possible_day), (1, 1));
    let to_add: Vec<_> =
        found.desks.iter().filter(|d| d.to_add > 0).map(|d| (d.site.as_str(), d.week.as_str())).collect();
    assert_eq!(to_add, [("b", "2026-W43")], "the only week in which the desk is open for them");
}

#[test]
fn holders_of_one_year_cards_come_back_and_the_law_of_their_day_holds() {
    let expires = [holder(PermitKind::VlsTs, 10), holder(PermitKind::Cra1, 10), holder(PermitKind::Csp, 10)];
    let found = plain(&expires, &[], 156);
    let due: Vec<(String, u64, u64)> =
        found.weeks.iter().filter(|w| w.due > 0).map(|w| (w.monday.to_string(), w.due, w.returning)).collect();
    let a_year_later = after(10).checked_add_months(Months::new(12)).unwrap();
    assert_eq!(due, [("2026-10-12".into(), 3, 0), ("2027-10-11".into(), 2, 2)]);
    assert!(a_year_later >= date("2027-10-11") && a_year_later < date("2027-10-18"));
    // The year after, and the one after that, they file online.
    assert_eq!(
        found.online,
        2 + 2 - u64::from(after(10).checked_add_months(Months::new(36)).unwrap() > found.weeks[155].monday) * 2
    );
    // With half of the CST multi-year, one in two comes back; the Algerian agreement has no multi-year card.
    let all = |multiyear: i32| {
        let many: Vec<Holder> = expires.iter().cycle().take(300).cloned().collect();
        let what_if = WhatIf { multiyear: Percent(multiyear), ..WhatIf::default() };
        asked(&many, &[], 60, what_if).unwrap().weeks.iter().map(|w| w.returning).sum::<u64>()
    };
    assert_eq!((all(0), all(10), all(50), all(100)), (200, 190, 150, 100));
}

#[test]
fn seats_grow_by_a_share_in_all_and_evenly() {
    let days: Vec<DeskDay> = (0..28).map(|d| day(1, d, 3)).collect();
    let seats = |slots: i32| {
        let found = asked(&[], &days, 4, WhatIf { slots: Percent(slots), ..WhatIf::default() }).unwrap();
        found.weeks.iter().map(|w| w.seats).collect::<Vec<_>>()
    };
    // No letter can reach the first ten days; four whole weeks from Wednesday on end on a Sunday.
    assert_eq!((seats(0), seats(100), seats(-100)), (vec![0, 6, 21, 21], vec![0, 12, 42, 42], vec![0; 4]));
    let more = seats(15);
    assert!(more.iter().zip([0.0, 6.9, 24.15, 24.15]).all(|(n, exact)| (*n as f64 - exact).abs() <= 1.0), "{more:?}");
}

#[test]
fn extra_seats_for_what_does_not_exist_are_refused_with_what_does() {
    let extra = |text: &str| {
        let what_if = WhatIf { extra: vec![text.parse().unwrap()], ..WhatIf::default() };
        asked(&[], &[day(1, 12, 1), day(1, 26, 1)], 8, what_if).map(|f| f.weeks.iter().map(|w| w.seats).sum::<u64>())
    };
    assert_eq!(extra("b/d/2026-W43=20"), Ok(22));
    let error = extra("c/d/2026-W43=20").unwrap_err().to_string();
    assert!(error.contains("no desk c/d") && error.contains("a/d, b/d"), "{error}");
    let error = extra("b/d/2026-W44=20").unwrap_err().to_string();
    assert!(error.contains("from 2026-W43 to 2026-W45"), "{error}");
    for wrong in ["b/d=3", "b/d/2026-W43", "b/d/2026-43=2", "b/d/2026-W43=0", "b/d/e/2026-W43=1", "b/d/2026-W4x=1"] {
        assert!(wrong.parse::<Extra>().is_err(), "{wrong}");
    }
}

#[test]
fn what_is_shown_fits_a_terminal_and_a_drawing_says_its_figures() {
    let holders: Vec<Holder> = (0..600).map(|n| holder(PermitKind::Csp, 14 + n / 10)).collect();
    let days: Vec<DeskDay> = (0..90).map(|d| DeskDay { projected: d > 40, ..day(1, d, 6) }).collect();
    let found = plain(&holders, &days, 12);
    let shown = text(&found);
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert!(shown.contains("First week where not everyone can be placed") && shown.contains("to add"), "{shown}");
    assert!(svg(&found).contains("2026-W46: 70 due, 42 seats"), "{}", svg(&found));
    assert_eq!(weeks_list(&found).to_csv().lines().count(), 13);
    assert_eq!(desks_list(&found).rows.len(), found.desks.len());
}

/// Runs the nights of these weeks with the real planner. Returns lapses by week of expiry.
fn live(holders: &[Holder], days: &[DeskDay], weeks: u32) -> Vec<u64> {
    let (policy, agenda) = (policy(), agenda());
    let jurisdiction = agenda.jurisdiction();
    let horizon = Horizon::new(night(), weeks, &policy);
    let mut free: BTreeMap<(u32, NaiveDate), u32> = days.iter().map(|d| ((d.pool, d.day), d.seats)).collect();
    let mut convoked: HashSet<usize> = HashSet::new();
    let mut lapses = vec![0; weeks as usize];
    let mut tonight = night();
    while tonight <= horizon.last {
        let next = tonight.succ_opt().unwrap();
        let nights = Nights { tonight, today: tonight, next };
        let waiting: Vec<usize> = (0..holders.len())
            .filter(|i| !convoked.contains(i))
            .filter(|i| holders[*i].expires_on <= tonight.checked_add_days(Days::new(180)).unwrap())
            .collect();
        let candidates = waiting.iter().map(|i| {
            let h = &holders[*i];
            let window = policy.window(h.kind, "salarie", h.expires_on, tonight).unwrap();
            let channel = if i % 4 == 0 { Channel::Post } else { Channel::Email };
            let pools = jurisdiction.pools(h.kind, h.commune).to_vec();
            let family = (i % 5 == 0).then(|| format!("f{}", i / 15));
            Candidate::new(
                PermitId(format!("p{i:04}")),
                family,
                tonight,
                h.kind,
                channel,
                pools,
                nights,
                &window,
                &policy,
            )
        });
        let slots = free.iter().filter(|((_, day), _)| *day >= tonight).map(|((pool, day), free)| SlotSeats {
            pool: *pool,
            day: (*day - tonight).num_days() as i32,
            start: 540,
            free: *free,
        });
        let input = PlanningInput {
            business_date: tonight,
            seed: "seed".into(),
            perish_before: Some(nights.perish_before(&policy)),
            surplus_before: nights.surplus_before(&policy),
            late_wait_days: policy.late_wait_days,
            beside: BTreeMap::new(),
            pools: vec![PoolId::new("a", "d"), PoolId::new("b", "d")],
            slots: slots.collect(),
            candidates: candidates.collect(),
        }
        .canonical();
        let (plan, _) = planning::plan(&input).unwrap();
        for a in plan.firm() {
            let (holder, on) = (waiting[a.candidate], input.date(a.day));
            convoked.insert(holder);
            *free.get_mut(&(a.pool, on)).unwrap() -= 1;
            let expires = holders[holder].expires_on;
            if on > expires
                && let Some(week) = horizon.week_at(horizon.day(expires))
            {
                lapses[week] += 1;
            }
        }
        tonight = next;
    }
    for i in (0..holders.len()).filter(|i| !convoked.contains(i)) {
        if let Some(week) = horizon.week_at(horizon.day(holders[i].expires_on)) {
            lapses[week] += 1;
        }
    }
    lapses
}

prop_compose! {
    fn world()(
        windows in prop::collection::vec((any::<bool>(), 0..210i64), 20..110),
        rhythm in prop::collection::vec((0..2u32, 0..7i64, 1..4u32), 1..6),
        closed in 0..180i64,
    ) -> (Vec<Holder>, Vec<DeskDay>) {
        let holders = windows.into_iter().map(|(far, days)| Holder {
            kind: PermitKind::Csp,
            commune: if far { "94001" } else { "94002" },
            expires_on: after(days),
        });
        // The same weekdays every week, and a fortnight with none.
        let rhythm: BTreeMap<(u32, i64), u32> = rhythm.into_iter().map(|(pool, weekday, n)| ((pool, weekday), n)).collect();
        let open = (0..290).filter(|d| !(closed..closed + 14).contains(d));
        let days = open.flat_map(|d| rhythm.iter().filter(move |((_, w), _)| d % 7 == *w).map(move |((pool, _), n)| day(*pool, d, *n)));
        (holders.collect(), days.collect())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_nights_that_follow_keep_to_the_bounds_of_every_week((holders, days) in world()) {
        let found = plain(&holders, &days, 12);
        let lived = live(&holders, &days, 12);
        let mut so_far = 0;
        for (week, lapses) in found.weeks.iter().zip(lived) {
            so_far += lapses;
            prop_assert!((week.lapses.lower..=week.lapses.upper).contains(&lapses), "{lapses} {week:?}");
            let bounds = week.lapses_so_far;
            prop_assert!((bounds.lower..=bounds.upper).contains(&so_far), "{so_far} so far, {week:?}");
            let within = |b: &Bounds| b.lower <= b.expected && b.expected <= b.upper;
            prop_assert!(within(&week.lapses) && within(&bounds), "{week:?}");
        }
    }

    #[test]
    fn the_seats_to_add_make_the_lower_bound_vanish((holders, days) in world()) {
        let found = plain(&holders, &days, 12);
        let extra = found.desks.iter().filter(|d| d.to_add > 0).map(|d| Extra {
            site: d.site.clone(), desk: d.desk.clone(), week: d.week.clone(), seats: d.to_add as u32,
        });
        let with = asked(&holders, &days, 12, WhatIf { extra: extra.collect(), ..WhatIf::default() }).unwrap();
        prop_assert_eq!(with.lapses.lower, found.no_possible_day);
        prop_assert_eq!((with.seats_to_add, with.first_short_week), (0, None));
        prop_assert_eq!(found.seats_to_add + found.no_possible_day, found.lapses.lower);
    }
}
