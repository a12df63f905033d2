use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use convoke_check::{Kind, check, closes};
use convoke_domain::ids::PermitId;
use convoke_domain::permit::{Channel, PermitKind};
use convoke_domain::policy::{Policy, Window};
use convoke_domain::slot::PoolId;
use convoke_instance::{Appointment, Candidate, Lapse, LapseCause, Nights, Pass, RankedPool, SlotSeats};

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (
        0u32..1_000_000,
        0u8..12,
        -40i32..90,
        0i32..62,
        prop::bool::ANY,
        prop::collection::vec((0u32..4, 1u32..4), 0..4),
    );
    prop::collection::vec(one, 0..60).prop_map(|people| {
        let mut people: Vec<Candidate> = people
            .into_iter()
            .map(|(id, household, expiry, window, by_post, mut pools)| {
                pools.sort_unstable();
                pools.dedup_by_key(|(pool, _)| *pool);
                pools.sort_unstable_by_key(|(pool, rank)| (*rank, *pool));
                let date =
                    |day: i32| PlanningInput { business_date: "2026-10-05".parse().unwrap(), ..empty() }.date(day);
                let window = Window {
                    rule: "test",
                    procedure: convoke_domain::policy::Procedure::Counter,
                    opens: date(expiry - window),
                    preferred_end: date(expiry - 15),
                    deadline: date(expiry),
                    basis: "test",
                };
                let nights = Nights { tonight: date(0), today: date(0), next: date(1) };
                let channel = if by_post { Channel::Post } else { Channel::Email };
                let place = pools.into_iter().map(|(pool, rank)| RankedPool { rank, pool }).collect();
                Candidate::new(
                    PermitId(format!("{id:06}")),
                    (household < 6).then(|| format!("h{household}")),
                    date(0),
                    PermitKind::Cst,
                    channel,
                    place,
                    nights,
                    &window,
                    &Policy::default(),
                )
            })
            .collect();
        people.sort_by(|a, b| a.id.cmp(&b.id));
        people.dedup_by(|a, b| a.id == b.id);
        people
    })
}

fn empty() -> PlanningInput {
    PlanningInput {
        business_date: "2026-10-05".parse().unwrap(),
        seed: "s".into(),
        perish_before: None,
        surplus_before: 60,
        late_wait_days: 10,
        beside: BTreeMap::new(),
        pools: vec![],
        slots: vec![],
        candidates: vec![],
    }
}

fn inputs() -> impl Strategy<Value = PlanningInput> {
    let slot = (0u32..4, 0i32..100, 0u16..8, 0u32..3);
    (candidates(), prop::collection::vec(slot, 0..80)).prop_map(|(candidates, slots)| {
        let mut slots: Vec<SlotSeats> = slots
            .into_iter()
            .map(|(pool, day, hour, free)| SlotSeats { pool, day, start: 540 + 30 * hour, free })
            .collect();
        slots.sort_unstable();
        slots.dedup_by_key(|s| (s.pool, s.day, s.start));
        let pools = (0..4).map(|i| PoolId::new(&format!("s{}", i / 3), &i.to_string())).collect();
        PlanningInput { pools, slots, candidates, ..empty() }.canonical()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_plan_has_a_breach(input in inputs()) {
        prop_assert_eq!(check(&plan(&input).unwrap().0, &input), vec![]);
    }

    #[test]
    fn people_due_are_firm_planned_or_lapses(input in inputs()) {
        let figures = plan(&input).unwrap().0.figures(&input);
        let due = input.candidates.iter().filter(|c| !c.is_late()).count();
        prop_assert_eq!(due, figures.firm + figures.planned + figures.no_possible_day + figures.no_capacity);
    }

    #[test]
    fn a_request_never_takes_a_seat_that_would_make_another_lapse(
        input in inputs(),
        asking in prop::collection::vec((0u32..4, 0i32..40, 0i32..60), 0..6),
        share in 0u32..3,
    ) {
        let asking: Vec<_> = asking
            .into_iter()
            .map(|(pool, first, more)| grants::Asking { pools: vec![RankedPool { rank: 1, pool }], first, last: first + more, avoid: Vec::new() })
            .collect();
        let shares: BTreeMap<_, _> = input.slots.iter().map(|s| ((s.pool, grants::week(s.day)), share)).collect();
        let before = plan(&input).unwrap().0.lapses.len();
        let (rest, granted) = grants::grant(&input, &asking, &shares);
        let after = plan(&rest).unwrap().0.lapses.len();
        prop_assert!(after <= before, "{before} lapses, then {after}");
        let seats = |input: &PlanningInput| input.slots.iter().map(|s| s.free as usize).sum::<usize>();
        prop_assert_eq!(seats(&input) - seats(&rest), granted.len());
        let mut taken: BTreeMap<(u32, Day), u32> = BTreeMap::new();
        for g in &granted {
            let who = &asking[g.asking];
            prop_assert!((who.first..=who.last).contains(&g.day) && who.pools[0].pool == g.pool);
            *taken.entry((g.pool, grants::week(g.day))).or_default() += 1;
        }
        prop_assert!(taken.values().all(|n| *n <= share));
        // A seat that nobody in the plan needs is granted to anyone who asks for it.
        if share > 0 && asking.len() == 1 && granted.is_empty() {
            let (whole, _) = plan(&input).unwrap();
            for s in input.slots.iter().filter(|s| s.free > 0 && s.pool == asking[0].pools[0].pool) {
                let planned = whole.appointments.iter().filter(|a| (a.pool, a.day) == (s.pool, s.day)).count() as u32;
                let free: u32 = input.slots.iter().filter(|o| (o.pool, o.day) == (s.pool, s.day)).map(|o| o.free).sum();
                prop_assert!(!(asking[0].first..=asking[0].last).contains(&s.day) || planned >= free);
            }
        }
    }

    #[test]
    fn the_order_of_rows_changes_nothing(input in inputs()) {
        let mut shuffled = input.clone();
        shuffled.candidates.reverse();
        shuffled.slots.reverse();
        let shuffled = shuffled.canonical();
        prop_assert_eq!(plan(&input).unwrap().0.hash(&input), plan(&shuffled).unwrap().0.hash(&shuffled));
    }

    #[test]
    fn what_is_left_after_the_commit_is_planned_as_well_as_before(input in inputs()) {
        let (first, _) = plan(&input).unwrap();
        let rest = input.after(&first);
        let (second, proof) = plan(&rest).unwrap();
        prop_assert!(closes(&proof));
        prop_assert_eq!(check(&second, &rest), vec![]);
        let firm: Vec<usize> = first.firm().map(|a| a.candidate).collect();
        let open = first.lapses.iter().filter(|l| !firm.contains(&l.candidate)).count();
        prop_assert_eq!(second.lapses.len(), open);
    }

    #[test]
    fn a_tampered_plan_is_caught(input in inputs(), which in any::<prop::sample::Index>(), how in 0..4) {
        let mut plan = plan(&input).unwrap().0;
        prop_assume!(!plan.appointments.is_empty());
        let i = which.index(plan.appointments.len());
        match how {
            0 => plan.appointments[i].day += 1_000,
            1 => plan.appointments[i].pool = 9,
            2 => plan.appointments[i].firm = !plan.appointments[i].firm,
            _ => { plan.appointments.remove(i); }
        }
        prop_assert!(!check(&plan, &input).is_empty());
    }
}

/// Two people, one seat at short notice that only the first can reach, one with full notice that both can.
#[test]
fn somebodys_notice_is_shortened_to_save_somebody_else() {
    let pools = vec![PoolId::new("a", "desk"), PoolId::new("b", "desk")];
    let seat = |pool: u32, day: Day| SlotSeats { pool, day, start: 540, free: 1 };
    let person = |id: &str, pools: &[u32]| Candidate {
        id: PermitId(id.to_owned()),
        household: None,
        first_seen: 0,
        category: PermitKind::Cst,
        pools: pools.iter().map(|pool| RankedPool { pool: *pool, rank: 1 }).collect(),
        release: 21,
        pref_end: 20,
        deadline: 27,
        earliest: 10,
        full_notice: 21,
        firm_before: 22,
        weight: 1,
        lapse_late: 0,
        late_until: None,
        again: false,
        better_than: None,
    };
    let candidates = vec![person("ana", &[0, 1]), person("bob", &[1])];
    let input = PlanningInput { pools, slots: vec![seat(0, 11), seat(1, 25)], candidates, ..empty() };
    let (plan, proof) = plan(&input).unwrap();
    let days: Vec<(Day, Pass)> = plan.appointments.iter().map(|a| (a.day, a.pass)).collect();
    assert_eq!(days, [(11, Pass::ShortNotice), (25, Pass::InTime)]);
    assert!(plan.lapses.is_empty() && closes(&proof) && check(&plan, &input).is_empty());
    // Without the shortening, the plan would be refused.
    let mut worse = plan.clone();
    worse.appointments.truncate(1);
    worse.appointments[0] = Appointment { pool: 1, day: 25, pass: Pass::InTime, firm: false, ..worse.appointments[0] };
    worse.lapses.push(Lapse { candidate: 1, cause: LapseCause::NoCapacity });
    assert!(check(&worse, &input).iter().any(|f| f.kind == Kind::Avoidable));
}

#[test]
fn a_family_is_convoked_together_and_whoever_comes_later_joins_it() {
    let seat = |day: Day, free: u32| SlotSeats { pool: 0, day, start: 540, free };
    let person = |id: &str, notice: Day| Candidate {
        id: PermitId(id.to_owned()),
        household: Some("f".to_owned()),
        first_seen: 0,
        category: PermitKind::Cst,
        pools: vec![RankedPool { pool: 0, rank: 1 }],
        release: notice,
        pref_end: 50,
        deadline: 60,
        earliest: 10,
        full_notice: notice,
        firm_before: notice + 1,
        weight: 1,
        lapse_late: 0,
        late_until: None,
        again: false,
        better_than: None,
    };
    let pools = vec![PoolId::new("a", "desk")];
    // By e-mail and by post: an appointment on day 28 must be announced tonight only to the second.
    let candidates = vec![person("ana", 21), person("bob", 28)];
    let slots = vec![seat(22, 1), seat(28, 3), seat(40, 3)];
    let input = PlanningInput { pools, slots, candidates, ..empty() };
    let (first, _) = plan(&input).unwrap();
    let shown: Vec<(Day, bool)> = first.appointments.iter().map(|a| (a.day, a.firm)).collect();
    assert_eq!(shown, [(28, true), (28, true)]);
    assert!(check(&first, &input).is_empty());
    // A third member appears the next night.
    let mut rest = input.after(&first);
    rest.candidates.push(person("cam", 21));
    rest.beside = BTreeMap::from([("f".to_owned(), (28, "a".to_owned()))]);
    let (second, _) = plan(&rest).unwrap();
    assert_eq!(second.appointments[0].day, 28, "not day 22, which is sooner");
}
