//! Seats and convocations: each seat once, each holder once.

use std::collections::BTreeSet;

use convoke_domain::convocation::{Origin, State};
use convoke_domain::ids::HolderId;
use convoke_store::{ClosedDay, ElsewhereFault, Placement};

use crate::office::{Office, now, placement, reserve, slot, today};

on_both![
    a_seat_is_given_once_and_a_person_convoked_once,
    operators_at_once_never_give_a_seat_twice,
    a_seat_is_free_again_where_nobody_came_and_nobody_will,
    a_closed_day_has_no_seats_and_its_seats_return,
    fewer_seats_keep_those_who_have_one_and_give_none,
    references_count_up_within_their_year,
    what_was_made_elsewhere_takes_a_seat_and_only_one,
    slots_are_read_in_the_order_of_their_names,
];

fn a_seat_is_given_once_and_a_person_convoked_once(office: &mut Office) {
    office.people(4);
    let mut store = office.open();
    let (first, second) = (slot(10, 9, 2), slot(11, 9, 1));
    store.upsert_slots(&[first.clone(), second.clone()]).unwrap();
    let asked = [placement(1, &first), placement(2, &first), placement(3, &first), placement(1, &second)];
    let given: Vec<bool> = reserve(&mut store, &asked).into_iter().map(|made| made.is_some()).collect();
    assert_eq!(given, [true, true, false, false], "the slot was full; the person was convoked");
    assert_eq!(store.taken(today()).unwrap(), [(first.id, 2)].into());
    let live: BTreeSet<String> = store.live_convocations().unwrap().into_iter().map(|l| l.holder_id).collect();
    assert_eq!(live, ["h1".to_owned(), "h2".to_owned()].into());
}

fn operators_at_once_never_give_a_seat_twice(office: &mut Office) {
    office.people(24);
    let wanted = slot(10, 9, 7);
    office.open().upsert_slots(std::slice::from_ref(&wanted)).unwrap();
    let given: usize = std::thread::scope(|scope| {
        let operators: Vec<_> = (0..4)
            .map(|operator| {
                let (mut store, wanted) = (office.open(), wanted.clone());
                scope.spawn(move || {
                    let people = (1..=24).filter(|n| n % 4 == operator);
                    let asked: Vec<Placement> = people.map(|n| placement(n, &wanted)).collect();
                    asked.chunks(2).flat_map(|two| reserve(&mut store, two)).flatten().count()
                })
            })
            .collect();
        operators.into_iter().map(|o| o.join().unwrap()).sum()
    });
    assert_eq!(given, 7);
    assert_eq!(office.text("count(*) || ' ' || count(DISTINCT seat) AS line FROM reservation"), "7 7");
}

fn a_seat_is_free_again_where_nobody_came_and_nobody_will(office: &mut Office) {
    office.people(1);
    let mut store = office.open();
    let only = slot(10, 9, 1);
    store.upsert_slots(std::slice::from_ref(&only)).unwrap();
    for state in State::ALL.iter().filter(|state| State::Convoked.may_become(**state)) {
        let reference = reserve(&mut store, &[placement(1, &only)]).remove(0).expect("the seat is free");
        store.end_convocations(&[reference.to_string()], *state).unwrap();
        assert_eq!(store.convocation(reference.as_str()).unwrap().unwrap().state, *state);
        assert_eq!(store.taken(today()).unwrap().is_empty(), state.frees_seat(), "{state}");
        // What has ended never changes.
        store.end_convocations(&[reference.to_string()], State::Cancelled).unwrap();
        assert_eq!(store.convocation(reference.as_str()).unwrap().unwrap().state, *state);
        office.execute("DELETE FROM reservation");
    }
}

fn a_closed_day_has_no_seats_and_its_seats_return(office: &mut Office) {
    office.people(1);
    let mut store = office.open();
    let slots = [slot(10, 9, 3), slot(11, 9, 3)];
    store.upsert_slots(&slots).unwrap();
    let closed =
        ClosedDay { site: "creteil".into(), desk: String::new(), day: slots[0].id.day, reason: "flood".into() };
    store.close_day(&closed, now()).unwrap();
    let seats = |store: &mut convoke_store::Store| {
        let slots = store.slots(today(), slots[1].id.day).unwrap();
        slots.into_iter().map(|s| s.seats).collect::<Vec<_>>()
    };
    assert_eq!(seats(&mut store), [0, 3]);
    assert_eq!(reserve(&mut store, &[placement(1, &slots[0])]), [None]);
    // An agenda that is generated again meanwhile changes nothing of that.
    assert_eq!(store.upsert_slots(&slots).unwrap(), (0, 0));
    assert!(store.reopen_day("creteil", "", slots[0].id.day).unwrap());
    assert!(!store.reopen_day("creteil", "", slots[0].id.day).unwrap());
    assert_eq!(seats(&mut store), [3, 3]);
}

fn fewer_seats_keep_those_who_have_one_and_give_none(office: &mut Office) {
    office.people(4);
    let mut store = office.open();
    let (wide, narrow) = (slot(10, 9, 3), slot(10, 9, 2));
    assert_eq!(store.upsert_slots(std::slice::from_ref(&wide)).unwrap(), (1, 0));
    reserve(&mut store, &[placement(1, &wide), placement(2, &wide), placement(3, &wide)]);
    assert_eq!(store.upsert_slots(std::slice::from_ref(&narrow)).unwrap(), (0, 1));
    assert_eq!(reserve(&mut store, &[placement(4, &narrow)]), [None]);
    assert_eq!(store.taken(today()).unwrap()[&narrow.id], 3);
    // The seats left are not those with the lowest numbers.
    let first = store.live_of(&HolderId("h1".into())).unwrap().unwrap();
    store.end_convocations(&[first], State::Cancelled).unwrap();
    assert_eq!(reserve(&mut store, &[placement(4, &narrow)]), [None], "two still have one");
}

fn references_count_up_within_their_year(office: &mut Office) {
    office.people(3);
    let mut store = office.open();
    let wanted = slot(10, 9, 3);
    store.upsert_slots(std::slice::from_ref(&wanted)).unwrap();
    let this: Vec<String> = reserve(&mut store, &[placement(1, &wanted), placement(2, &wanted)])
        .into_iter()
        .map(|made| made.unwrap().to_string())
        .collect();
    let next_year = today() + chrono::Days::new(90);
    let made = store.write(|s| s.reserve(&[placement(3, &wanted)], None, next_year, now())).unwrap();
    let next = made[0].as_ref().unwrap().0.to_string();
    let numbers: Vec<&str> = this.iter().chain([&next]).map(|r| &r[..18]).collect();
    assert_eq!(numbers, ["RC-94-2026-0000001", "RC-94-2026-0000002", "RC-94-2027-0000001"]);
}

fn what_was_made_elsewhere_takes_a_seat_and_only_one(office: &mut Office) {
    office.people(3);
    let mut store = office.open();
    let wanted = slot(10, 9, 1);
    store.upsert_slots(std::slice::from_ref(&wanted)).unwrap();
    let made = Placement { origin: Origin::Elsewhere, ..placement(1, &wanted) };
    let holder = |n: u32| HolderId(format!("h{n}"));
    assert_eq!(store.elsewhere_fault(&holder(1), &wanted).unwrap(), None);
    let reference = reserve(&mut store, &[made]).remove(0).unwrap();
    assert_eq!(store.convocation(reference.as_str()).unwrap().unwrap().origin, Origin::Elsewhere);
    assert!(store.is_convoked_at(&holder(1), &wanted.id).unwrap());
    assert!(!store.is_convoked_at(&holder(2), &wanted.id).unwrap());
    assert_eq!(store.elsewhere_fault(&holder(1), &wanted).unwrap(), Some(ElsewhereFault::AlreadyConvoked));
    assert_eq!(store.elsewhere_fault(&holder(2), &wanted).unwrap(), Some(ElsewhereFault::Full));
}

fn slots_are_read_in_the_order_of_their_names(office: &mut Office) {
    office.people(1);
    let mut store = office.open();
    let slots = [slot(12, 9, 1), slot(10, 14, 2), slot(10, 9, 3), slot(400, 9, 1)];
    store.upsert_slots(&slots).unwrap();
    let read = store.slots(today(), slots[0].id.day).unwrap();
    assert_eq!(read, [slots[2].clone(), slots[1].clone(), slots[0].clone()]);
    assert_eq!(store.last_slot_day().unwrap(), Some(slots[3].id.day));
    reserve(&mut store, &[placement(1, &slots[2])]);
    let free = store.free_slots_of(&slots[0].id.pool, today(), slots[0].id.day).unwrap();
    assert_eq!(free, [(slots[2].clone(), 2), (slots[1].clone(), 2), (slots[0].clone(), 1)]);
}
