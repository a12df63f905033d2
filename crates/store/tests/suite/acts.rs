//! What people do by hand: requests, holds, addresses, households, days to avoid; and erasure.

use convoke_domain::ids::{HolderId, PermitId, RunId};
use convoke_domain::requests::{RequestState, Wish};
use convoke_machine::confirm::Confirmed;
use convoke_store::{NewRequest, Store};

use crate::office::{Office, now, placement, reserve, slot, today};

on_both![
    a_holder_has_one_open_request_and_it_is_decided_once,
    a_chosen_request_is_open_again_where_its_run_did_not_place_it,
    an_address_that_bounced_counts_as_none_until_it_changes,
    an_address_set_by_hand_holds_until_the_extract_changes_it,
    a_household_that_an_agent_links_is_one_until_it_is_unlinked,
    whoever_is_erased_leaves_no_name_behind,
];

fn ask(store: &mut Store, n: u32, wish: Wish) -> Result<String, String> {
    let new = NewRequest {
        holder: HolderId(format!("h{n}")),
        permit: PermitId(format!("p{n}")),
        wish,
        received_on: today(),
        needed_by: None,
    };
    store.write(|s| s.add_request(&new, now())).unwrap().map(|reference| reference.to_string())
}

fn a_holder_has_one_open_request_and_it_is_decided_once(office: &mut Office) {
    office.people(2);
    let mut store = office.open();
    let first = ask(&mut store, 1, Wish::Urgent).unwrap();
    assert_eq!(ask(&mut store, 1, Wish::Advance), Err(first.clone()));
    assert!(ask(&mut store, 2, Wish::NoEmail).is_ok());
    assert!(store.decide_request(&first, RequestState::Refused, None, "ana", now()).unwrap());
    assert!(!store.decide_request(&first, RequestState::Withdrawn, None, "ana", now()).unwrap(), "it is over");
    assert_eq!(store.request(&first).unwrap().unwrap().state, RequestState::Refused);
    assert!(ask(&mut store, 1, Wish::Advance).is_ok());
    let open: Vec<Wish> = store.open_requests().unwrap().into_iter().map(|r| r.row.wish).collect();
    assert_eq!(open, [Wish::NoEmail, Wish::Advance]);
}

fn a_chosen_request_is_open_again_where_its_run_did_not_place_it(office: &mut Office) {
    office.people(2);
    let mut store = office.open();
    let (run, wanted) = (RunId("94/2026-11-03/1".into()), slot(10, 9, 1));
    let ids = [ask(&mut store, 1, Wish::Urgent).unwrap(), ask(&mut store, 2, Wish::Urgent).unwrap()];
    for id in &ids {
        store.choose_request(id, &run, &wanted.id).unwrap();
    }
    let chosen = store.chosen_requests(&run).unwrap();
    assert_eq!(chosen.iter().map(|r| r.slot_id.as_ref()).collect::<Vec<_>>(), [Some(&wanted.id); 2]);
    assert!(store.decide_request(&ids[0], RequestState::Placed, None, "night", now()).unwrap());
    assert_eq!(store.reopen_requests(&run).unwrap(), 1);
    let states = ids.map(|id| store.request(&id).unwrap().unwrap().state);
    assert_eq!(states, [RequestState::Placed, RequestState::Open]);
    assert_eq!(store.requests_placed_by(&run).unwrap(), 1);
}

fn email(store: &mut Store) -> Option<String> {
    store.holders(&["h1"]).unwrap().remove("h1").unwrap().email
}

fn an_address_that_bounced_counts_as_none_until_it_changes(office: &mut Office) {
    office.people(1);
    let mut store = office.open();
    let wanted = slot(10, 9, 1);
    store.upsert_slots(std::slice::from_ref(&wanted)).unwrap();
    let reference = reserve(&mut store, &[placement(1, &wanted)]).remove(0).unwrap();
    store.refuse_address(reference.as_str(), "h1@example.org").unwrap();
    assert_eq!(email(&mut store), None);
    office.execute("UPDATE holder SET email = 'new@example.org'");
    assert_eq!(email(&mut store).as_deref(), Some("new@example.org"));
}

fn an_address_set_by_hand_holds_until_the_extract_changes_it(office: &mut Office) {
    office.people(1);
    let (mut store, id) = (office.open(), HolderId("h1".into()));
    assert_eq!(store.set_email(&id, Some("b@example.org")).unwrap().as_deref(), Some("h1@example.org"));
    assert_eq!(email(&mut store).as_deref(), Some("b@example.org"));
    assert_eq!(store.set_email(&id, None).unwrap().as_deref(), Some("b@example.org"));
    assert_eq!(email(&mut store), None, "letters go by post");
    office.execute("UPDATE holder SET email = 'c@example.org'");
    assert_eq!(email(&mut store).as_deref(), Some("c@example.org"));
}

fn a_household_that_an_agent_links_is_one_until_it_is_unlinked(office: &mut Office) {
    office.people(2);
    let mut store = office.open();
    let both = [HolderId("h1".into()), HolderId("h2".into())];
    let households = |store: &mut Store| {
        let holders = store.holders(&["h1", "h2"]).unwrap();
        [holders["h1"].household.clone(), holders["h2"].household.clone()]
    };
    assert_eq!(households(&mut store), [None, None]);
    store.link_household(&[&both[0], &both[1]], "family", now()).unwrap();
    let [one, other] = households(&mut store);
    assert!(one.is_some() && one == other);
    store.unlink_household(&[&both[0], &both[1]]).unwrap();
    assert_eq!(households(&mut store), [None, None]);
}

fn whoever_is_erased_leaves_no_name_behind(office: &mut Office) {
    office.people(2);
    let mut store = office.open();
    let wanted = slot(10, 9, 2);
    store.upsert_slots(std::slice::from_ref(&wanted)).unwrap();
    reserve(&mut store, &[placement(1, &wanted), placement(2, &wanted)]);
    store.commitments(&[("h1", "1"), ("h2", "2")], &mut convoke_machine::entropy::Entropy::System).unwrap();
    let yes = Confirmed::typed("yes", "yes").unwrap();
    store.write(|s| s.erase_holders(&["h1"], &yes)).unwrap();
    assert_eq!(office.lines("SELECT holder_id AS line FROM holder"), ["h2"]);
    assert_eq!(office.lines("SELECT permit_id AS line FROM permit"), ["p2"]);
    let whose = office.lines("SELECT holder_id || ' ' || permit_id AS line FROM convocation ORDER BY reference");
    assert!(whose[0].starts_with("erased/") && whose[0].contains(" erased/"), "{whose:?}");
    assert_eq!(whose[1], "h2 p2");
}
