//! The outbox as a queue: leases, fencing, and the life cycle of a letter.

use convoke_domain::convocation::{LetterState, Outcome, Remark};
use convoke_domain::permit::Channel;
use convoke_store::{Attempt, LetterRow, NewLetter, Settlement, Store};

use crate::office::{Office, claim, enqueue, later, letter, now};

on_both![
    workers_at_once_claim_each_letter_once,
    a_claim_takes_what_is_due_the_earliest_first,
    a_worker_that_was_taken_over_changes_nothing,
    a_claim_ends_the_one_that_the_same_worker_made_before,
    what_a_worker_records_twice_is_recorded_once,
    a_start_recorded_twice_may_end_in_the_letter_being_given_back,
    a_letter_that_had_begun_is_uncertain_and_its_attempt_recorded,
    a_letter_that_had_not_begun_waits_again_without_an_attempt,
    no_write_takes_a_letter_out_of_its_life_cycle,
    what_bounced_without_a_relay_having_it_is_not_believed,
    a_withheld_letter_says_why_and_a_retried_one_keeps_what_the_relay_said,
    an_email_that_failed_is_posted_as_a_copy_once,
    leases_of_a_worker_are_renewed_and_of_no_other,
    sending_that_is_paused_says_so_with_each_letter,
    limits_are_kept_by_scope,
];

type Write<'w> = &'w mut dyn FnMut(&mut Store, &LetterRow) -> anyhow::Result<()>;

fn settled(state: LetterState) -> Settlement {
    let outcome = match state {
        LetterState::Accepted => Outcome::Accepted,
        LetterState::Uncertain => Outcome::Uncertain,
        LetterState::Failed => Outcome::Failed,
        _ => Outcome::Deferred,
    };
    Settlement {
        state,
        next_at: Some(later(30)),
        burns_attempt: true,
        attempt: Attempt {
            outcome,
            relay: "smtp://relay.example.org".into(),
            stage: Some("dot"),
            code: Some(250),
            enhanced: Some("2.0.0".into()),
            reply: "250 2.0.0 taken".into(),
            started_at: now(),
            ended_at: later(1),
        },
    }
}

fn begin(store: &mut Store, letter: &LetterRow) -> bool {
    store.begin_sending(letter, "sha", "{}", "smtp://relay.example.org", now()).unwrap()
}

fn state(store: &mut Store, id: &str) -> LetterState {
    store.letter(id).unwrap().unwrap().state
}

fn workers_at_once_claim_each_letter_once(office: &mut Office) {
    enqueue(&mut office.open(), 40);
    let claimed: Vec<Vec<String>> = std::thread::scope(|scope| {
        let worker = |n: u32| {
            let mut store = office.open();
            move || {
                let mut mine = Vec::new();
                loop {
                    let letters = claim(&mut store, &format!("worker-{n}"), 3);
                    if letters.is_empty() {
                        return mine;
                    }
                    mine.extend(letters.into_iter().map(|l| l.letter_id));
                }
            }
        };
        let workers: Vec<_> = (0..4).map(|n| scope.spawn(worker(n))).collect();
        workers.into_iter().map(|w| w.join().unwrap()).collect()
    });
    let mut all = claimed.concat();
    all.sort();
    let mut expected: Vec<String> = (1..=40).map(|n| format!("l{n}")).collect();
    expected.sort();
    assert_eq!(all, expected);
}

fn a_claim_takes_what_is_due_the_earliest_first(office: &mut Office) {
    let mut store = office.open();
    enqueue(&mut store, 4);
    office.execute(
        "UPDATE outbox SET next_at = '2026-11-02 10:00:00' WHERE letter_id = 'l3';
         UPDATE outbox SET next_at = '2026-11-03 00:00:01' WHERE letter_id = 'l1';
         UPDATE outbox SET state = 'held' WHERE letter_id = 'l2';",
    );
    let ids: Vec<String> = claim(&mut store, "w", 9).into_iter().map(|l| l.letter_id).collect();
    assert_eq!(ids, ["l3", "l4"]);
    assert_eq!(store.next_letter_at().unwrap(), Some(now() + chrono::TimeDelta::seconds(1)));
    assert_eq!(claim(&mut store, "w", 9).len(), 0, "what is in hand is not claimed again");
}

fn a_worker_that_was_taken_over_changes_nothing(office: &mut Office) {
    let mut store = office.open();
    enqueue(&mut store, 1);
    let lost = claim(&mut store, "lost", 1).remove(0);
    let abandoned = store.abandoned(later(6), |_| false).unwrap().remove(0);
    store.take_back(&abandoned, LetterState::Queued, None, later(6)).unwrap();
    let taken = claim(&mut store, "next", 1).remove(0);
    assert!(taken.epoch > lost.epoch);
    assert!(!begin(&mut store, &lost));
    assert!(!store.settle(&lost, &settled(LetterState::Deferred)).unwrap());
    assert!(!store.put_down(&lost, LetterState::Queued, None, None).unwrap());
    assert_eq!(store.renew_leases("lost", &["l1".into()], later(60)).unwrap(), 0);
    assert_eq!(state(&mut store, "l1"), LetterState::Leased);
    assert!(begin(&mut store, &taken) && store.settle(&taken, &settled(LetterState::Accepted)).unwrap());
}

fn a_claim_ends_the_one_that_the_same_worker_made_before(office: &mut Office) {
    let mut store = office.open();
    enqueue(&mut store, 1);
    let first = claim(&mut store, "host:1", 1).remove(0);
    store.write(|s| s.take_back(&first, LetterState::Queued, None, now())).unwrap();
    let again = claim(&mut store, "host:1", 1).remove(0);
    assert!(again.epoch > first.epoch);
    let begun = |store: &mut Store, letter| {
        store.write(|s| s.begin_sending(letter, "sum", "{}", "smtp://relay.example.org", now())).unwrap()
    };
    assert!(!begun(&mut store, &first), "the old claim is over");
    assert!(begun(&mut store, &again));
    let accepted = settled(LetterState::Accepted);
    assert!(!store.write(|s| s.settle(&first, &accepted)).unwrap());
    assert!(store.write(|s| s.settle(&again, &accepted)).unwrap());
}

fn what_a_worker_records_twice_is_recorded_once(office: &mut Office) {
    let mut store = office.open();
    enqueue(&mut store, 1);
    let mine = claim(&mut store, "w", 1).remove(0);
    // As after a lost connection: the first answer never came.
    assert!(begin(&mut store, &mine) && begin(&mut store, &mine));
    let found = settled(LetterState::Accepted);
    assert!(store.settle(&mine, &found).unwrap() && store.settle(&mine, &found).unwrap());
    let row = store.letter("l1").unwrap().unwrap();
    assert_eq!((row.state, row.attempts, row.uncertain, row.owner), (LetterState::Accepted, 1, 0, None));
    assert_eq!(office.text("count(*) || ' ' || min(outcome) AS line FROM delivery_attempt"), "1 accepted");
    // Another outcome is not the one that was recorded.
    assert!(!store.settle(&mine, &settled(LetterState::Uncertain)).unwrap());
}

fn a_start_recorded_twice_may_end_in_the_letter_being_given_back(office: &mut Office) {
    let mut store = office.open();
    enqueue(&mut store, 2);
    for (n, to) in [(0, LetterState::Queued), (1, LetterState::Cancelled)] {
        let mine = claim(&mut store, "w", 1).remove(0);
        // The answer to this was lost; meanwhile sending was paused, or the appointment cancelled.
        assert!(begin(&mut store, &mine));
        assert!(store.put_down(&mine, to, Some(later(60)), None).unwrap(), "{n}");
        assert_eq!(state(&mut store, &mine.letter_id), to);
    }
}

fn a_letter_that_had_begun_is_uncertain_and_its_attempt_recorded(office: &mut Office) {
    let mut store = office.open();
    enqueue(&mut store, 1);
    let mine = claim(&mut store, "dead", 1).remove(0);
    assert!(begin(&mut store, &mine));
    assert!(store.abandoned(now(), |_| false).unwrap().is_empty(), "its lease has not ended");
    let abandoned = store.abandoned(now(), |owner| owner == "dead").unwrap().remove(0);
    store.take_back(&abandoned, LetterState::Uncertain, Some(later(15)), now()).unwrap();
    let row = store.letter("l1").unwrap().unwrap();
    assert_eq!((row.state, row.uncertain, row.epoch), (LetterState::Uncertain, 1, mine.epoch + 1));
    assert_eq!(row.next_at, later(15).naive_utc());
    assert_eq!(
        office.text("outcome || ' ' || relay AS line FROM delivery_attempt"),
        "uncertain smtp://relay.example.org"
    );
    assert_eq!(store.sent_to("a@example.org", now()).unwrap(), 1, "it counts as sent");
}

fn a_letter_that_had_not_begun_waits_again_without_an_attempt(office: &mut Office) {
    let mut store = office.open();
    enqueue(&mut store, 1);
    claim(&mut store, "dead", 1);
    let abandoned = store.abandoned(now(), |_| true).unwrap().remove(0);
    store.take_back(&abandoned, LetterState::Queued, None, now()).unwrap();
    let row = store.letter("l1").unwrap().unwrap();
    assert_eq!((row.state, row.uncertain, row.attempts), (LetterState::Queued, 0, 0));
    assert_eq!(office.text("count(*) || '' AS line FROM delivery_attempt"), "0");
}

/// Every write, from every state to every state: it changes the letter only as `may_become` allows.
fn no_write_takes_a_letter_out_of_its_life_cycle(office: &mut Office) {
    let mut store = office.open();
    enqueue(&mut store, 1);
    let mine = claim(&mut store, "w", 1).remove(0);
    let mut allowed = 0;
    for from in LetterState::ALL {
        for to in LetterState::ALL {
            let only = |which: LetterState| *to == which;
            let writes: [Write<'_>; 7] = [
                &mut |s, l| s.settle(l, &settled(*to)).map(drop),
                &mut |s, l| s.put_down(l, *to, None, None).map(drop),
                &mut |s, l| s.take_back(l, *to, None, now()),
                &mut |s, l| s.withhold(&l.letter_id, *to, Remark::TooLate),
                &mut |s, l| s.put_letter(l, *to, None, now()).map(drop),
                &mut |s, l| {
                    if only(LetterState::Bounced) { s.mark_bounced(&l.letter_id, "550").map(drop) } else { Ok(()) }
                },
                &mut |s, l| if only(LetterState::Returned) { s.mark_returned(&l.letter_id).map(drop) } else { Ok(()) },
            ];
            for (n, write) in writes.into_iter().enumerate() {
                office.execute(&format!(
                    "DELETE FROM delivery_attempt;
                     UPDATE outbox SET state = '{from}', epoch = {}, owner = 'w', uncertain = 1 WHERE letter_id = 'l1'",
                    mine.epoch
                ));
                let row = store.letter("l1").unwrap().unwrap();
                // An error, or nothing changed: either way the letter is where it was.
                let _ = write(&mut store, &row);
                let became = state(&mut store, "l1");
                assert!(
                    became == *from || (became == *to && from.may_become(*to)),
                    "write {n}: {from} became {became}"
                );
                allowed += u32::from(became != *from);
            }
        }
    }
    // Each change that is drawn is made by one of these writes at least, but for claims and the post batch.
    assert!(allowed > 30, "only {allowed} changes");
}

fn what_bounced_without_a_relay_having_it_is_not_believed(office: &mut Office) {
    let mut store = office.open();
    enqueue(&mut store, 3);
    office.execute(
        "UPDATE outbox SET state = 'accepted' WHERE letter_id = 'l2';
         UPDATE outbox SET uncertain = 1 WHERE letter_id = 'l3';",
    );
    assert!(!store.mark_bounced("l1", "5.1.1 unknown").unwrap(), "it waits, and nobody has it");
    assert!(store.mark_bounced("l2", "5.1.1 unknown").unwrap());
    assert!(!store.mark_bounced("l2", "5.1.1 unknown").unwrap(), "once");
    assert!(store.mark_bounced("l3", "5.1.1 unknown").unwrap(), "its delivery was uncertain");
    assert_eq!(store.letter("l2").unwrap().unwrap().last_reply.as_deref(), Some("5.1.1 unknown"));
}

fn a_withheld_letter_says_why_and_a_retried_one_keeps_what_the_relay_said(office: &mut Office) {
    let mut store = office.open();
    enqueue(&mut store, 2);
    store.withhold("l1", LetterState::Held, Remark::PermitHeld).unwrap();
    let held = store.letter("l1").unwrap().unwrap();
    assert_eq!((held.state, held.remark), (LetterState::Held, Some(Remark::PermitHeld)));
    assert!(store.put_letter(&held, LetterState::Queued, Some(Remark::PermitLetGo), now()).unwrap());
    assert!(!store.put_letter(&held, LetterState::Queued, None, now()).unwrap(), "its epoch has grown");

    let mine = claim(&mut store, "w", 2).into_iter().find(|l| l.letter_id == "l2").unwrap();
    assert!(begin(&mut store, &mine) && store.settle(&mine, &settled(LetterState::Failed)).unwrap());
    let failed = store.letter("l2").unwrap().unwrap();
    assert!(store.put_letter(&failed, LetterState::Queued, None, now()).unwrap());
    let again = store.letter("l2").unwrap().unwrap();
    assert_eq!((again.remark, again.last_reply.as_deref()), (None, Some("250 2.0.0 taken")));
}

fn an_email_that_failed_is_posted_as_a_copy_once(office: &mut Office) {
    let mut store = office.open();
    let remark = Some(Remark::LetGo);
    let paper = NewLetter { channel: Channel::Post, state: LetterState::ToPost, remark, ..letter("l2", "r2") };
    store.enqueue(&[letter("l1", "r1"), paper]).unwrap();
    office.execute("UPDATE outbox SET state = 'failed' WHERE letter_id = 'l1'");
    assert!(store.mark_posted("l1", "sha", "{}", "batch-7").unwrap());
    assert!(!store.mark_posted("l1", "sha", "{}", "batch-7").unwrap(), "once");
    assert!(store.mark_posted("l2", "sha", "{}", "batch-7").unwrap());
    assert!(!store.mark_posted("l2", "sha", "{}", "batch-7").unwrap(), "once");
    assert_eq!(state(&mut store, "l1"), LetterState::Failed, "the e-mail keeps its record");
    let copy = store.letter("l1/copie").unwrap().unwrap();
    assert_eq!((copy.state, copy.channel, copy.recipient), (LetterState::Posted, Channel::Post, None));
    assert_eq!(copy.post_batch.as_deref(), Some("batch-7"));
    assert_eq!(store.letter("l2").unwrap().unwrap().remark, None, "what held it up no longer matters");
    assert!(store.mark_returned("l2").unwrap() && !store.mark_returned("l2").unwrap());
}

fn leases_of_a_worker_are_renewed_and_of_no_other(office: &mut Office) {
    let mut store = office.open();
    enqueue(&mut store, 3);
    claim(&mut store, "ours", 2);
    claim(&mut store, "theirs", 1);
    let all: Vec<String> = (1..=3).map(|n| format!("l{n}")).collect();
    assert_eq!(store.renew_leases("ours", &all, later(60)).unwrap(), 2);
    let silent: Vec<String> = store.abandoned(later(6), |_| false).unwrap().into_iter().map(|l| l.letter_id).collect();
    assert_eq!(silent, ["l3"]);
}

fn sending_that_is_paused_says_so_with_each_letter(office: &mut Office) {
    let mut store = office.open();
    enqueue(&mut store, 1);
    assert_eq!(store.standing("l1").unwrap().paused_at, None);
    store.id_key(&mut convoke_machine::entropy::Entropy::System).unwrap();
    let pause = convoke_store::Paused { since: now(), by: "ana".into(), reason: "a wrong template".into() };
    store.set_paused(Some(&pause)).unwrap();
    assert_eq!(store.paused().unwrap(), Some(pause));
    assert_eq!(store.standing("l1").unwrap().paused_at, Some(now().naive_utc()));
    store.set_paused(None).unwrap();
    assert_eq!((store.paused().unwrap(), store.standing("l1").unwrap().paused_at), (None, None));
}

fn limits_are_kept_by_scope(office: &mut Office) {
    let mut store = office.open();
    assert_eq!(store.pace("relay").unwrap(), None);
    store.set_pace("relay", later(1)).unwrap();
    store.set_pace("domain", later(2)).unwrap();
    store.set_pace("relay", later(3)).unwrap();
    assert_eq!((store.pace("relay").unwrap(), store.pace("domain").unwrap()), (Some(later(3)), Some(later(2))));
}
