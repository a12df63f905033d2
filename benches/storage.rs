//! What the store does to a database that is there already, for `script/bench storage`, which does the same with native tools.
//! `WHAT` is scan, commit, claim or mark; `URL` the database. Prints seconds.

use chrono::{DateTime, TimeDelta, Utc};
use convoke_domain::convocation::{LetterKind, LetterState, Origin, Outcome};
use convoke_domain::ids::{HolderId, PermitId};
use convoke_domain::ledger::Event;
use convoke_domain::permit::Channel;
use convoke_letters::LetterData;
use convoke_machine::clock::{Clock, Stopwatch};
use convoke_store::{Attempt, LetterRow, NewLetter, Placement, Settlement, Store, Use};
use serde_json::json;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Letters that a worker claims at once.
const CLAIM: usize = 50;
const WORKERS: usize = 4;

fn open() -> Store {
    Store::open(&std::env::var("URL").expect("URL"), "94", Use::Batch).unwrap()
}

fn number(name: &str) -> usize {
    std::env::var(name).unwrap_or_else(|_| panic!("{name}")).parse().unwrap()
}

/// Reads what a night reads of those whose verdict may change; the best of three.
fn scan() -> f64 {
    let (mut store, today) = (open(), Clock::System.today(chrono_tz::Europe::Paris));
    let mut best = f64::MAX;
    for _ in 0..3 {
        let (watch, mut rows) = (Stopwatch::start(), 0usize);
        store
            .permits_to_review(Some(today), |_| {
                rows += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!(rows, number("ROWS"));
        best = best.min(watch.seconds());
    }
    best
}

fn letter(reference: &str, data: &str, now: DateTime<Utc>) -> NewLetter {
    NewLetter {
        letter_id: format!("{reference}/convocation/0"),
        reference: reference.into(),
        kind: LetterKind::Convocation,
        revision: 0,
        occasion: String::new(),
        channel: Channel::Email,
        state: LetterState::Queued,
        remark: None,
        recipient: Some(format!("{reference}@example.org")),
        data: data.into(),
        template_hash: "0".repeat(64),
        created_at: now,
        not_before: now,
    }
}

/// Makes so many convocations, each with its seat, its letter and its entry in the ledger; the slots are there.
fn commit() -> f64 {
    let (mut store, now) = (open(), Clock::System.now());
    let today = Clock::System.today(chrono_tz::Europe::Paris);
    let data = serde_json::to_string(&LetterData::sample()).unwrap();
    let slots = store.slots(today, today + TimeDelta::days(400)).unwrap();
    let placements: Vec<Placement> = (0..number("ROWS"))
        .map(|n| Placement {
            permit_id: PermitId(format!("permit-{n:08}")),
            holder_id: HolderId(format!("holder-{n:08}")),
            slot_id: slots[n * slots.len() / number("ROWS")].id.clone(),
            origin: Origin::InTime,
        })
        .collect();
    let (at_once, watch) = (store.appointments_at_once(), Stopwatch::start());
    for chunk in placements.chunks(at_once) {
        store
            .write(|s| {
                let made = s.reserve(chunk, None, today, now)?;
                let references: Vec<String> = made.into_iter().map(|m| m.expect("a seat").0.to_string()).collect();
                let letters: Vec<NewLetter> = references.iter().map(|r| letter(r, &data, now)).collect();
                s.enqueue(&letters)?;
                let events: Vec<Event> = references
                    .iter()
                    .zip(chunk)
                    .map(|(r, p)| Event {
                        kind: "convocation.made",
                        payload: json!({"reference": r, "permit": p.permit_id, "slot": p.slot_id, "holder": "0".repeat(64)}),
                    })
                    .collect();
                s.record("bench", now, events)
            })
            .unwrap();
    }
    watch.seconds()
}

/// Each worker does its steps until it says that it is done.
fn workers(step: impl Fn(&mut Store, usize, usize) -> bool + Sync) -> f64 {
    let mut stores: Vec<Store> = (0..WORKERS).map(|_| open()).collect();
    let watch = Stopwatch::start();
    std::thread::scope(|scope| {
        for (worker, store) in stores.iter_mut().enumerate() {
            let step = &step;
            scope.spawn(move || {
                let mut n = 0;
                while step(store, worker, n) {
                    n += 1;
                }
            });
        }
    });
    watch.seconds()
}

/// Claims all letters that wait.
fn claim() -> f64 {
    let now = Clock::System.now();
    workers(|store, worker, _| {
        let owner = format!("worker-{worker}");
        !store.write_rows(|s| s.claim(now, &owner, now + TimeDelta::hours(1), CLAIM)).unwrap().is_empty()
    })
}

/// Marks all letters in hand as accepted, a letter a commit.
fn mark() -> f64 {
    let now = Clock::System.now();
    let each = number("ROWS") / WORKERS;
    let found = Settlement {
        state: LetterState::Accepted,
        next_at: None,
        burns_attempt: true,
        attempt: Attempt {
            outcome: Outcome::Accepted,
            relay: "smtp://127.0.0.1:25".into(),
            stage: Some("dot"),
            code: Some(250),
            enhanced: Some("2.0.0".into()),
            reply: "250 2.0.0 queued".into(),
            started_at: now,
            ended_at: now,
        },
    };
    let sample = LetterRow {
        prefecture: "94".into(),
        letter_id: String::new(),
        reference: String::new(),
        kind: LetterKind::Convocation,
        revision: 0,
        occasion: String::new(),
        channel: Channel::Email,
        state: LetterState::Sending,
        remark: None,
        recipient: None,
        data: String::new(),
        template_hash: String::new(),
        sha256: None,
        rendered: None,
        attempts: 0,
        uncertain: 0,
        next_at: now.naive_utc(),
        owner: None,
        lease_until: None,
        epoch: 1,
        last_reply: None,
        post_batch: None,
        created_at: now.naive_utc(),
        has_turn: false,
    };
    workers(|store, worker, n| {
        let row = LetterRow {
            letter_id: format!("L{worker}-{n}"),
            owner: Some(format!("worker-{worker}")),
            ..sample.clone()
        };
        n < each && store.write_rows(|s| s.settle(&row, &found)).unwrap()
    })
}

fn main() {
    let seconds = match std::env::var("WHAT").expect("run by script/bench storage").as_str() {
        "scan" => scan(),
        "commit" => commit(),
        "claim" => claim(),
        "mark" => mark(),
        other => panic!("{other}"),
    };
    println!("{seconds}");
}
