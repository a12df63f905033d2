//! Runs and nights: one at a time, fenced, each night once; and what a transaction promises.

use std::collections::BTreeMap;

use chrono::Days;
use convoke_domain::eligibility::Rule;
use convoke_domain::ids::RunId;
use convoke_domain::ledger::Event;
use convoke_domain::run::RunState;
use convoke_store::{Acquired, NewRun, NightState, RunRow, Store, Stored, VerdictChange};

use crate::office::{Office, later, now, start, started, today};

on_both![
    one_run_is_in_progress_however_many_ask_at_once,
    a_run_whose_owner_is_dead_or_silent_is_taken_over_and_the_old_owner_fenced,
    a_run_ends_once_and_the_next_has_another_number,
    a_night_is_owed_once_and_done_once,
    a_night_that_is_done_covers_those_before_it,
    steps_that_fail_or_panic_leave_nothing,
    the_ledger_is_a_chain_that_two_writers_cannot_fork,
    verdicts_that_change_keep_those_they_replace,
    a_permit_is_reviewed_on_its_day_and_not_before,
];

fn commit(store: &mut Store, run: &RunRow) -> anyhow::Result<()> {
    let outcomes = BTreeMap::from([("due".to_owned(), 3)]);
    store.write(|s| s.store_plan(run, &Stored { hashes: ["a", "b", "c", "d"], outcomes: &outcomes, summary: "{}" }))
}

fn one_run_is_in_progress_however_many_ask_at_once(office: &mut Office) {
    let acquired: Vec<bool> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..4)
            .map(|n| {
                let mut store = office.open();
                scope.spawn(move || matches!(start(&mut store, &format!("host:{n}")), Acquired::New(_)))
            })
            .collect();
        asking.into_iter().map(|a| a.join().unwrap()).collect()
    });
    assert_eq!(acquired.iter().filter(|new| **new).count(), 1);
    let mut store = office.open();
    assert!(store.is_run_in_progress(now(), |_| false).unwrap());
    assert!(
        matches!(start(&mut office.open_as("75"), "host:9"), Acquired::New(_)),
        "another préfecture runs beside it"
    );
}

fn a_run_whose_owner_is_dead_or_silent_is_taken_over_and_the_old_owner_fenced(office: &mut Office) {
    let mut store = office.open();
    let old = started(&mut store, "dead");
    commit(&mut store, &old).unwrap();
    assert!(matches!(start(&mut store, "next"), Acquired::Busy(_)), "its lease has not ended");
    let new = NewRun {
        business_date: today(),
        trigger: old.trigger,
        actor: "ana".into(),
        reason: None,
        owner: "next".into(),
    };
    let Acquired::TakenOver(taken) = store.acquire_run(&new, now(), |owner| owner == "dead").unwrap() else {
        panic!("its owner is dead")
    };
    assert_eq!((&taken.run_id, taken.epoch, taken.owner.as_str()), (&old.run_id, old.epoch + 1, "next"));
    assert!(store.advance_run(&old, 1, "{}", now()).is_err());
    assert!(store.end_run(&old, RunState::Failed, None, None, now()).is_err());
    store.advance_run(&taken, 1, "{}", now()).unwrap();
    // A silent one likewise, once its lease has ended.
    let Acquired::TakenOver(again) = store.acquire_run(&new, later(6), |_| false).unwrap() else {
        panic!("it is silent")
    };
    assert!(again.epoch > taken.epoch);
}

fn a_run_ends_once_and_the_next_has_another_number(office: &mut Office) {
    let mut store = office.open();
    let first = started(&mut store, "a");
    assert!(store.advance_run(&first, 1, "{}", now()).is_err(), "nothing is committed before its plan is stored");
    commit(&mut store, &first).unwrap();
    assert!(commit(&mut store, &first).is_err(), "a plan is stored once");
    store.end_run(&first, RunState::Completed, Some("{\"firm\":1}"), None, now()).unwrap();
    assert!(store.end_run(&first, RunState::Failed, None, None, now()).is_err());
    let id = RunId(first.run_id.clone());
    assert_eq!(store.run(&id).unwrap().unwrap().state, RunState::Completed);
    assert_eq!(store.run_outcomes(&id).unwrap(), BTreeMap::from([("due".to_owned(), 3)]));
    let second = started(&mut store, "b");
    assert_eq!((second.generation, second.run_id.as_str()), (2, "94/2026-11-03/2"));
    assert_eq!(store.completed_run(today()).unwrap().unwrap().run_id, first.run_id);
}

fn a_night_is_owed_once_and_done_once(office: &mut Office) {
    let mut store = office.open();
    store.owe_nights(&[(today(), now())]).unwrap();
    store.owe_nights(&[(today(), later(60))]).unwrap();
    let night = store.nights(today(), 9).unwrap().remove(0);
    assert_eq!((night.scheduled_at, night.attempts), (now().naive_utc(), 0));
    assert!(store.attempt_night(&night, now(), later(2)).unwrap());
    assert!(!store.attempt_night(&night, now(), later(2)).unwrap(), "another server has begun it");
    store.night_failed(today(), NightState::Due, "the disk is full", later(2)).unwrap();
    store.night_done(today(), "94/2026-11-03/1", later(3)).unwrap();
    store.night_failed(today(), NightState::Failed, "too late", later(4)).unwrap();
    let night = store.nights(today(), 9).unwrap().remove(0);
    assert_eq!((night.state, night.failure), (NightState::Done, None));
    assert_eq!(night.run_id.as_deref(), Some("94/2026-11-03/1"));
}

fn a_night_that_is_done_covers_those_before_it(office: &mut Office) {
    let mut store = office.open();
    let yesterday = today().pred_opt().unwrap();
    store.owe_nights(&[(yesterday, later(-1_440)), (today(), now())]).unwrap();
    store.night_done(today(), "r", now()).unwrap();
    let states: Vec<_> = store.nights(today(), 9).unwrap().into_iter().map(|n| (n.state, n.covered_by)).collect();
    assert_eq!(states, [(NightState::Done, None), (NightState::Covered, Some(today()))]);
    // The clock was ahead: the night before is owed again.
    store.forget_future_nights(later(-60), yesterday).unwrap();
    let states: Vec<_> = store.nights(today(), 9).unwrap().into_iter().map(|n| n.state).collect();
    assert_eq!(states, [NightState::Due]);
}

fn steps_that_fail_or_panic_leave_nothing(office: &mut Office) {
    let mut store = office.open();
    let wrong: anyhow::Result<()> = store.write(|s| {
        s.set_pace("relay", now())?;
        anyhow::bail!("refused")
    });
    assert!(wrong.is_err());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.write(|s| -> anyhow::Result<()> {
            s.set_pace("relay", now())?;
            panic!("on purpose")
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(store.pace("relay").unwrap(), None);
    store.write(|s| s.set_pace("relay", now())).unwrap();
    assert_eq!(store.pace("relay").unwrap(), Some(now()), "the handle still works");
}

fn the_ledger_is_a_chain_that_two_writers_cannot_fork(office: &mut Office) {
    let event = || Event { kind: "sending.paused", payload: serde_json::json!({"reason": "test"}) };
    std::thread::scope(|scope| {
        for n in 0..3 {
            let mut store = office.open();
            scope.spawn(move || {
                for _ in 0..5 {
                    store.write(|s| s.record(&format!("ana-{n}"), now(), vec![event(), event()])).unwrap();
                }
            });
        }
    });
    let mut store = office.open();
    assert_eq!(store.ledger_head().unwrap().size, 30);
    store.verify_ledger(None, &[]).unwrap().expect("a chain");
}

fn verdicts_that_change_keep_those_they_replace(office: &mut Office) {
    office.people(2);
    let mut store = office.open();
    let change =
        |permit: &str, rule| VerdictChange { permit_id: permit.into(), rule, review_on: today() + Days::new(7) };
    let (first, second) = (RunId("r1".into()), RunId("r2".into()));
    let changes = [change("p1", Rule::NotYetDue), change("p2", Rule::Due)];
    store.write(|s| s.store_verdicts(&first, today(), &changes)).unwrap();
    let tomorrow = today().succ_opt().unwrap();
    let changes = [change("p1", Rule::Due), change("p2", Rule::Due)];
    store.write(|s| s.store_verdicts(&second, tomorrow, &changes)).unwrap();
    assert_eq!(store.permits_by_rule().unwrap(), BTreeMap::from([("due".to_owned(), 2)]));
    assert_eq!(
        office.lines(
            "SELECT permit_id || ' ' || rule || ' ' || since || ' ' || until || ' ' || run_id AS line FROM past_verdict"
        ),
        ["p1 not-yet-due 2026-11-03 2026-11-04 r1"],
        "the same verdict again replaces none"
    );
    assert_eq!(
        office.lines("SELECT permit_id || ' ' || rule_since || ' ' || rule_run AS line FROM permit ORDER BY permit_id"),
        ["p1 2026-11-04 r2", "p2 2026-11-03 r1"]
    );
}

fn a_permit_is_reviewed_on_its_day_and_not_before(office: &mut Office) {
    office.people(3);
    office.execute("UPDATE permit SET review_on = '2026-11-04' WHERE permit_id = 'p2'");
    let mut store = office.open();
    let mut reviewed = |day| {
        let mut ids = Vec::new();
        store
            .permits_to_review(day, |permit| {
                ids.push(permit.permit_id);
                Ok(())
            })
            .unwrap();
        ids.sort();
        ids
    };
    assert_eq!(reviewed(Some(today())), ["p1", "p3"]);
    assert_eq!(reviewed(today().succ_opt()), ["p1", "p2", "p3"]);
    assert_eq!(reviewed(None), ["p1", "p2", "p3"]);
}
