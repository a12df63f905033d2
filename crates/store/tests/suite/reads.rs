//! What is read of an office for its reports, its desks, its post, inspection and erasure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Days;
use convoke_domain::convocation::{LetterKind, LetterState, State};
use convoke_domain::ids::{HolderId, PermitId, RunId};
use convoke_domain::requests::{RequestState, Wish};
use convoke_machine::confirm::Confirmed;
use convoke_store::{LetterFilter, NewLetter, NewRequest, Store};

use crate::office::{Office, later, letter, now, placement, reserve, slot, today};

on_both![
    a_period_counts_the_seats_and_appointments_of_its_days_alone,
    a_period_of_the_ledger_ends_with_the_last_checkpoint_before_it,
    who_is_in_force_is_neither_withdrawn_nor_absent,
    requests_are_listed_latest_first_and_page_by_page,
    a_request_is_answered_by_a_later_appointment_and_holds_its_seat,
    what_is_live_keeps_its_holder_from_being_erased,
    content_of_finished_letters_alone_is_erased_and_page_by_page,
    letters_are_grouped_by_what_was_last_said_of_them,
    letters_of_doubt_are_listed_with_their_run,
    the_next_days_are_those_with_a_live_appointment,
    an_appointment_knows_those_that_it_replaced,
    what_was_posted_is_known_by_its_reference,
    templates_are_kept_once_and_read_as_they_were,
    an_extract_without_a_good_row_is_no_extract,
];

/// People of these numbers on slots of their own, each on another day from the tenth on; their references.
fn appointed(store: &mut Store, people: &[u32], run: Option<&str>) -> Vec<String> {
    let run = run.map(|run| RunId(run.into()));
    let placed: Vec<_> = people
        .iter()
        .map(|n| {
            let slot = slot(10 + u64::from(*n), 9, 2);
            store.upsert_slots(std::slice::from_ref(&slot)).unwrap();
            placement(*n, &slot)
        })
        .collect();
    let made = store.write(|s| s.reserve(&placed, run.as_ref(), today(), now())).unwrap();
    made.into_iter().map(|made| made.unwrap().0.to_string()).collect()
}

/// The letter of a convocation, as a run writes it.
fn convocation(id: &str, reference: &str) -> NewLetter {
    NewLetter { occasion: String::new(), ..letter(id, reference) }
}

fn request(n: u32, received: u64) -> NewRequest {
    NewRequest {
        holder: HolderId(format!("h{n}")),
        permit: PermitId(format!("p{n}")),
        wish: Wish::Urgent,
        received_on: today() - Days::new(received),
        needed_by: None,
    }
}

fn a_period_counts_the_seats_and_appointments_of_its_days_alone(office: &mut Office) {
    office.people(3);
    let mut store = office.open();
    let slots = [slot(10, 9, 2), slot(10, 10, 1), slot(20, 9, 3)];
    store.upsert_slots(&slots).unwrap();
    let made = reserve(&mut store, &[placement(1, &slots[0]), placement(2, &slots[0]), placement(3, &slots[2])]);
    let (first, last) = (slots[0].id.day, slots[2].id.day);
    let at = |day| ("creteil".to_owned(), "1".to_owned(), day);
    assert_eq!(store.seats_between(first, first).unwrap(), [(at(first), 3)]);
    let both: BTreeMap<_, _> = store.seats_between(first, last).unwrap().into_iter().collect();
    assert_eq!(both, [(at(first), 3), (at(last), 3)].into());
    assert_eq!(store.taken_between(first, first).unwrap(), [(at(first), 2)]);
    assert_eq!(store.appointments_between(last, last).unwrap(), [(at(last), State::Convoked, 1)]);

    let moment = |minutes| later(minutes).naive_utc();
    assert_eq!(store.convoked_between(moment(-1), moment(0)).unwrap(), [], "the second instant is excluded");
    let days = |store: &mut Store| {
        let convoked = store.convoked_between(moment(0), moment(1)).unwrap();
        convoked.into_iter().map(|(_, at, day)| (at, day)).collect::<BTreeSet<_>>()
    };
    assert_eq!(days(&mut store), [(moment(0), first), (moment(0), last)].into());
    store.end_convocations(&[made[2].as_ref().unwrap().to_string()], State::Cancelled).unwrap();
    assert_eq!(days(&mut store), [(moment(0), first)].into(), "what was cancelled was no wait");
    assert_eq!(store.slot_days_around(first).unwrap(), (None, Some(last)));
    assert_eq!(store.slot_days_around(last).unwrap(), (Some(first), None));
}

fn a_period_of_the_ledger_ends_with_the_last_checkpoint_before_it(office: &mut Office) {
    let mut store = office.open();
    let moment = |minutes| later(minutes).naive_utc();
    assert_eq!(store.ledger_of_days(moment(0), moment(9)).unwrap(), (0, 0), "nothing was signed");
    for (size, minutes) in [(4, 1), (7, 2), (9, 3)] {
        let at = moment(minutes).format("%F %T");
        office.execute(&format!(
            "INSERT INTO checkpoint VALUES ('94', {size}, 'root', 'run', '{at}', 'key', 'signature')"
        ));
    }
    assert_eq!(store.ledger_of_days(moment(1), moment(3)).unwrap(), (0, 7), "an instant is excluded");
    assert_eq!(store.ledger_of_days(moment(3), moment(4)).unwrap(), (7, 9), "the next period begins where it ended");
}

fn who_is_in_force_is_neither_withdrawn_nor_absent(office: &mut Office) {
    office.people(4);
    office.execute(
        "UPDATE permit SET status = 'retire' WHERE permit_id = 'p2';
         UPDATE permit SET absent = TRUE WHERE permit_id = 'p3';
         UPDATE permit SET holder_id = 'h1', expires_on = '2027-05-01' WHERE permit_id = 'p4';",
    );
    let mut in_force = Vec::new();
    let take = |person: convoke_store::InForce| {
        in_force.push((person.number, person.expires_on.to_string()));
        Ok(())
    };
    office.open().people_in_force(take).unwrap();
    assert_eq!(in_force, [("1".to_owned(), "2027-05-01".to_owned())], "with the latest of their permits");
}

fn an_extract_without_a_good_row_is_no_extract(office: &mut Office) {
    let mut store = office.open();
    let before = store.last_extract().unwrap();
    let day = |n: u64| today() + Days::new(n);
    let mut import = |kind, n, counts| {
        store.write(|s| s.remember_import(kind, now().naive_utc(), [day(9), day(n)], "0", counts)).unwrap();
    };
    import("permits", 1, [3, 0, 0, 1]);
    // Empty, all of its rows bad, of something else.
    import("permits", 2, [0, 0, 0, 0]);
    import("permits", 3, [2, 0, 0, 2]);
    import("slots", 4, [5, 5, 0, 0]);
    assert_ne!(before, Some(day(1)));
    assert_eq!(store.last_extract().unwrap(), Some(day(1)));
}

fn requests_are_listed_latest_first_and_page_by_page(office: &mut Office) {
    office.people(3);
    let mut store = office.open();
    for (n, received) in [(1, 2), (2, 0), (3, 2)] {
        store.write(|s| s.add_request(&request(n, received), now())).unwrap().unwrap();
    }
    let mut listed = Vec::new();
    let mut last = None;
    loop {
        let page = store.requests_before(RequestState::Open, last.as_ref(), 1).unwrap();
        let Some(next) = page.into_iter().next() else { break };
        listed.push(next.holder_id.clone());
        last = Some(next);
    }
    assert_eq!(listed, ["h2", "h3", "h1"]);
    let own = store.requests_of(&HolderId("h3".into())).unwrap();
    assert_eq!(own.iter().map(|r| r.permit_id.as_str()).collect::<Vec<_>>(), ["p3"]);
    assert!(store.requests_before(RequestState::Refused, None, 9).unwrap().is_empty());
}

fn a_request_is_answered_by_a_later_appointment_and_holds_its_seat(office: &mut Office) {
    office.people(3);
    let mut store = office.open();
    let asked_at = |minutes| {
        move |s: &mut Store, n| s.add_request(&request(n, 0), later(minutes)).map(|made| made.unwrap().to_string())
    };
    let before = store.write(|s| asked_at(-5)(s, 1)).unwrap();
    let after = store.write(|s| asked_at(5)(s, 2)).unwrap();
    let made = appointed(&mut store, &[1, 2], None);
    let answered = store.answered_requests().unwrap();
    let answered: Vec<_> = answered.iter().map(|(r, reference)| (r.request_id.as_str(), reference.as_str())).collect();
    assert_eq!(answered, [(before.as_str(), made[0].as_str())], "{after} was received since");
    assert_eq!(store.seats_of_requests(today()).unwrap(), []);
    assert!(store.decide_request(&before, RequestState::Placed, Some(&made[0]), "ana", now()).unwrap());
    let day = slot(11, 9, 2).id.day;
    assert_eq!(store.seats_of_requests(day).unwrap(), [slot(11, 9, 2).id]);
    assert_eq!(store.seats_of_requests(day + Days::new(1)).unwrap(), []);

    assert!(store.may_be_seen("p3").unwrap());
    for fact in ["status = 'decede'", "filed_on = '2026-11-01'", "held = TRUE", "superseded = TRUE", "absent = TRUE"] {
        office.execute(&format!("UPDATE permit SET {fact} WHERE permit_id = 'p3'"));
        assert!(!store.may_be_seen("p3").unwrap(), "{fact}");
        office.execute(
            "UPDATE permit SET status = 'actif', filed_on = NULL, held = FALSE, superseded = FALSE, absent = FALSE",
        );
    }
}

fn what_is_live_keeps_its_holder_from_being_erased(office: &mut Office) {
    office.people(5);
    office.execute(
        "UPDATE permit SET expires_on = '2027-06-01' WHERE permit_id = 'p4'; UPDATE permit SET rule = 'due' WHERE permit_id = 'p5'",
    );
    let mut store = office.open();
    let made = appointed(&mut store, &[2], None);
    store.write(|s| s.add_request(&request(3, 0), now())).unwrap().unwrap();
    let next_year = today() + Days::new(60);
    let needed = |store: &mut Store| {
        let needed = store.needed_again(&["h1", "h2", "h3", "h4", "h5"], next_year).unwrap();
        needed.into_iter().collect::<BTreeSet<_>>()
    };
    assert_eq!(needed(&mut store), ["h2", "h3", "h4", "h5"].map(str::to_owned).into());
    store.end_convocations(&made, State::Honoured).unwrap();
    assert_eq!(needed(&mut store), ["h3", "h4", "h5"].map(str::to_owned).into());

    assert!(store.holders_written_to().unwrap().is_empty());
    store.enqueue(&[convocation("l", &made[0])]).unwrap();
    assert_eq!(store.holders_written_to().unwrap(), ["h2".to_owned()].into());
    office.execute("UPDATE outbox SET state = 'accepted'");
    assert!(store.holders_written_to().unwrap().is_empty());
    assert_eq!(store.holder_of(&made[0]).unwrap().as_deref(), Some("h2"));
    assert!(store.compact().unwrap());
}

fn content_of_finished_letters_alone_is_erased_and_page_by_page(office: &mut Office) {
    let mut store = office.open();
    crate::office::enqueue(&mut store, 4);
    office.execute("UPDATE outbox SET state = 'accepted' WHERE letter_id <> 'l2'");
    let over = |store: &mut Store, after: &str| store.letters_over(later(1).naive_utc(), after, 2).unwrap();
    assert_eq!(over(&mut store, ""), ["l1", "l3"]);
    assert_eq!(over(&mut store, "l3"), ["l4"]);
    assert!(store.letters_over(now().naive_utc(), "", 9).unwrap().is_empty(), "not those of that instant");
    let yes = Confirmed::typed("yes", "yes").unwrap();
    store.write(|s| s.silence_letters(&["l1".into()], &yes)).unwrap();
    assert_eq!(over(&mut store, ""), ["l3", "l4"]);
    assert_eq!(store.letters_of("r1").unwrap()[0].recipient, None);
    assert!(store.letters_of("r3").unwrap()[0].recipient.is_some());
}

fn letters_are_grouped_by_what_was_last_said_of_them(office: &mut Office) {
    office.people(4);
    let mut store = office.open();
    let made = appointed(&mut store, &[1, 2, 3, 4], Some("run"));
    let letters: Vec<_> = made.iter().map(|r| convocation(&format!("l-{r}"), r)).collect();
    store.enqueue(&letters).unwrap();
    for (reference, reply) in made.iter().zip(["550 no such user", "550 no such user", "552 mailbox full"]) {
        office.execute(&format!(
            "UPDATE outbox SET state = 'failed', last_reply = '{reply}' WHERE reference = '{reference}';
             INSERT INTO delivery_attempt (prefecture, letter_id, epoch, owner, relay, started_at, code, enhanced) VALUES
                 ('94', 'l-{reference}', 1, 'o', 'relay', '2026-11-03 00:00:00', 451, NULL),
                 ('94', 'l-{reference}', 2, 'o', 'relay', '2026-11-03 00:00:00', 550, '5.1.1');"
        ));
    }
    let counts = |said: Vec<convoke_store::SaidOf>| {
        said.into_iter().map(|s| (s.state, s.reply.unwrap_or_default(), s.letters)).collect::<BTreeSet<_>>()
    };
    let expected: BTreeSet<_> = [
        (LetterState::Failed, "550 no such user".to_owned(), 2),
        (LetterState::Failed, "552 mailbox full".to_owned(), 1),
    ]
    .into();
    assert_eq!(counts(store.letters_by_reply(&[LetterState::Failed], &LetterFilter::default()).unwrap()), expected);
    let reminders = LetterFilter { kind: Some(LetterKind::Reminder), ..LetterFilter::default() };
    assert!(store.letters_by_reply(&[LetterState::Failed], &reminders).unwrap().is_empty());
    assert_eq!(counts(store.failing_letters_of_run("run").unwrap()), expected);
    assert!(store.failing_letters_of_run("another").unwrap().is_empty());
    let replies: BTreeSet<_> = store.replies_of_run("run").unwrap().into_iter().collect();
    let expected = [(LetterState::Failed, "5.1.1".to_owned(), 3), (LetterState::Queued, String::new(), 1)];
    assert_eq!(replies, expected.into(), "by the last attempt of each");
    let about = store.letters_about(&made[..1]).unwrap();
    assert_eq!((about.len(), about[0].attempts.len(), about[0].said["said"].as_i64()), (1, 2, Some(1)));
}

fn letters_of_doubt_are_listed_with_their_run(office: &mut Office) {
    office.people(2);
    let mut store = office.open();
    let made = appointed(&mut store, &[1, 2], Some("run"));
    let letters: Vec<_> = made.iter().map(|r| convocation(&format!("l-{r}"), r)).collect();
    store.enqueue(&letters).unwrap();
    office.execute(&format!("UPDATE outbox SET uncertain = 2, state = 'accepted' WHERE reference = '{}'", made[1]));
    let doubtful = store.uncertain_letters_of_run("run").unwrap();
    assert_eq!(doubtful, [(made[1].clone(), LetterKind::Convocation, LetterState::Accepted, 2)]);
    assert!(store.uncertain_letters_of_run("another").unwrap().is_empty());
}

fn the_next_days_are_those_with_a_live_appointment(office: &mut Office) {
    office.people(3);
    let mut store = office.open();
    let made = appointed(&mut store, &[1, 2, 3], None);
    let day = |n: u64| today() + Days::new(10 + n);
    assert_eq!(store.days_with_appointments(today(), 2).unwrap(), [day(1), day(2)]);
    store.end_convocations(&made[1..2], State::Cancelled).unwrap();
    assert_eq!(store.days_with_appointments(day(1), 9).unwrap(), [day(1), day(3)]);
    assert_eq!(store.days_with_appointments(day(2), 9).unwrap(), [day(3)]);
    let unmarked = |store: &mut Store, day| {
        store.unmarked_before(day).unwrap().into_iter().map(|u| u.reference).collect::<Vec<_>>()
    };
    assert_eq!(unmarked(&mut store, day(3)), made[..1], "the day itself is not over");
    assert_eq!(unmarked(&mut store, day(4)), [made[0].clone(), made[2].clone()]);
}

fn an_appointment_knows_those_that_it_replaced(office: &mut Office) {
    office.people(3);
    let mut store = office.open();
    let made = appointed(&mut store, &[1, 2, 3], None);
    store.write(|s| s.set_replaces(&made[1], &made[0], 1, "holder")).unwrap();
    store.write(|s| s.set_replaces(&made[2], &made[1], 2, "office")).unwrap();
    let moves = [(made[1].clone(), "office".to_owned()), (made[0].clone(), "holder".to_owned())];
    assert_eq!(store.moved_from(&made[2]).unwrap(), moves);
    assert_eq!(store.moved_from(&made[0]).unwrap(), []);
    assert!(store.write(|s| s.set_replaces("RC-94-2026-9999999-9", &made[0], 1, "office")).is_err());
    let mut convoked = store.convoked_before(&["p1", "p3", "p9"]).unwrap();
    convoked.sort();
    assert_eq!(convoked, ["p1", "p3"]);
}

fn what_was_posted_is_known_by_its_reference(office: &mut Office) {
    let mut store = office.open();
    crate::office::enqueue(&mut store, 3);
    office.execute(
        "UPDATE outbox SET state = 'to_post', channel = 'post' WHERE letter_id IN ('l1', 'l2');
         UPDATE outbox SET state = 'posted' WHERE letter_id = 'l1'",
    );
    let posted = store.posted_letters(&["r1", "r2", "r3"]).unwrap();
    assert_eq!(posted, [("r1".to_owned(), LetterKind::Convocation, 0)].into());
    assert_eq!(store.waiting_for_post_since(now()).unwrap(), 0);
    assert_eq!(store.waiting_for_post_since(later(1)).unwrap(), 1);
}

fn templates_are_kept_once_and_read_as_they_were(office: &mut Office) {
    let mut store = office.open();
    let sources = |text: &str| BTreeMap::from([("fr/convocation.md".to_owned(), text.as_bytes().to_vec())]);
    assert_eq!(store.last_templates().unwrap(), None);
    store.keep_templates("a", &sources("one"), now()).unwrap();
    store.keep_templates("b", &sources("two"), later(1)).unwrap();
    store.keep_templates("a", &sources("three"), later(2)).unwrap();
    assert_eq!(store.kept_templates("a").unwrap(), Some(sources("one")), "a hash is a bundle");
    assert_eq!(store.kept_templates("c").unwrap(), None);
    assert_eq!(store.last_templates().unwrap().as_deref(), Some("b"));
}
