use proptest::prelude::*;

use super::*;

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (0u32..1_000_000, -40i32..90, 0i32..62, prop::bool::ANY, prop::collection::vec((0u32..4, 1u32..4), 0..4));
    prop::collection::vec(one, 0..60).prop_map(|people| {
        let mut people: Vec<Candidate> = people
            .into_iter()
            .map(|(id, expiry, window, by_post, mut pools)| {
                pools.sort_unstable();
                pools.dedup_by_key(|(pool, _)| *pool);
                pools.sort_unstable_by_key(|(pool, rank)| (*rank, *pool));
                let date =
                    |day: i32| PlanningInput { business_date: "2026-10-05".parse().unwrap(), ..empty() }.date(day);
                let window = Window {
                    rule: "test",
                    procedure: crate::policy::Procedure::Counter,
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
                    None,
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
        PlanningInput { pools: (0..4).map(|i| format!("s/{i}")).collect(), slots, candidates, ..empty() }.canonical()
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
    fn the_order_of_rows_changes_nothing(input in inputs()) {
        let mut shuffled = input.clone();
        shuffled.candidates.reverse();
        shuffled.slots.reverse();
        let shuffled = shuffled.canonical();
        prop_assert_eq!(plan(&input).unwrap().0.hash(&input), plan(&shuffled).unwrap().0.hash(&shuffled));
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
