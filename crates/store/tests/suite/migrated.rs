//! What a migration makes of the rows that are there.

use convoke_domain::convocation::{LetterState, Remark};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::office::{Office, Raw, enqueue};

on_both![remarks_and_batches_leave_the_words_of_relays];

/// Down and up again, as an office that is upgraded.
fn again(office: &mut Office, name: &str) {
    let folder = if office.is_postgres() { "postgres" } else { "sqlite" };
    let read = |file: &str| {
        let path = format!("{}/../../migrations/{folder}/{name}/{file}.sql", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    };
    let (down, up) = (read("down"), read("up"));
    match &mut office.raw {
        Raw::Sqlite(conn) => conn.batch_execute(&down).and_then(|()| conn.batch_execute(&up)),
        Raw::Postgres(conn) => {
            conn.transaction(|conn| conn.batch_execute(&down).and_then(|()| conn.batch_execute(&up)))
        }
    }
    .unwrap();
}

fn remarks_and_batches_leave_the_words_of_relays(office: &mut Office) {
    let mut store = office.open();
    enqueue(&mut store, 5);
    office.execute(
        "UPDATE outbox SET state = 'held', remark = 'permit-held' WHERE letter_id = 'l1';
         UPDATE outbox SET state = 'posted', post_batch = 'batch-7' WHERE letter_id = 'l2';
         UPDATE outbox SET state = 'bounced', last_reply = '5.1.1 unknown' WHERE letter_id = 'l3';
         UPDATE outbox SET state = 'failed', last_reply = '550 5.7.1 spam' WHERE letter_id = 'l4';
         UPDATE outbox SET state = 'bounced' WHERE letter_id = 'l5';",
    );
    again(office, "2026-11-30-000000_remark");
    let mut store = office.open();
    let mut read = |id: &str| {
        let l = store.letter(id).unwrap().unwrap();
        (l.state, l.remark, l.last_reply.unwrap_or_default(), l.post_batch.unwrap_or_default())
    };
    assert_eq!(read("l1"), (LetterState::Held, Some(Remark::PermitHeld), String::new(), String::new()));
    assert_eq!(read("l2"), (LetterState::Posted, None, String::new(), "batch-7".into()));
    assert_eq!(read("l3"), (LetterState::Bounced, None, "5.1.1 unknown".into(), String::new()));
    assert_eq!(read("l4"), (LetterState::Failed, None, "550 5.7.1 spam".into(), String::new()));
    assert_eq!(read("l5"), (LetterState::Bounced, None, String::new(), String::new()));
}
