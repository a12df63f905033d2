//! What a migration makes of the rows that are there.

use convoke_domain::convocation::Remark;

use crate::office::{Office, enqueue};

on_both![remarks_and_batches_leave_the_words_of_relays];

/// What the version before wrote into `last_reply`.
const SENTENCES: [(&str, Remark); 13] = [
    ("held by an agent", Remark::Held),
    ("let go by an agent", Remark::LetGo),
    ("an agent holds the permit back", Remark::PermitHeld),
    ("let go with its permit", Remark::PermitLetGo),
    ("written again to another address", Remark::Readdressed),
    ("this address sent an earlier letter back: by post", Remark::AddressRefused),
    ("the appointment does not hold any more", Remark::NoAppointment),
    ("the appointment was moved: a newer letter tells it", Remark::Moved),
    ("the holder is deceased", Remark::Deceased),
    ("the permit was withdrawn", Remark::Withdrawn),
    ("the permit was renewed", Remark::Renewed),
    ("the renewal was requested already", Remark::Filed),
    ("too few days are left: call the person", Remark::TooLate),
];

/// One step of a migration.
fn run(office: &mut Office, name: &str, step: &str) {
    let folder = if office.is_postgres() { "postgres" } else { "sqlite" };
    let path = format!("{}/../../migrations/{folder}/{name}/{step}.sql", env!("CARGO_MANIFEST_DIR"));
    office.execute(&std::fs::read_to_string(path).unwrap());
}

fn remarks_and_batches_leave_the_words_of_relays(office: &mut Office) {
    let name = "2026-11-30-000000_remark";
    let mut store = office.open();
    enqueue(&mut store, 18);
    drop(store);
    run(office, name, "down");
    for (n, (sentence, _)) in SENTENCES.iter().enumerate() {
        office.execute(&format!("UPDATE outbox SET last_reply = '{sentence}' WHERE letter_id = 'l{}'", n + 1));
    }
    office.execute(
        "UPDATE outbox SET state = 'posted', last_reply = 'posted in batch batch-7' WHERE letter_id = 'l14';
         UPDATE outbox SET state = 'bounced', last_reply = 'came back: 5.1.1 unknown' WHERE letter_id = 'l15';
         UPDATE outbox SET state = 'bounced', last_reply = 'came back: without a status' WHERE letter_id = 'l16';
         UPDATE outbox SET state = 'failed', last_reply = '550 5.7.1 spam' WHERE letter_id = 'l17';",
    );
    run(office, name, "up");
    let mut store = office.open();
    let mut read = |n: usize| {
        let l = store.letter(&format!("l{n}")).unwrap().unwrap();
        (l.remark, l.last_reply.unwrap_or_default(), l.post_batch.unwrap_or_default())
    };
    for (n, (sentence, remark)) in SENTENCES.iter().enumerate() {
        assert_eq!(read(n + 1), (Some(*remark), String::new(), String::new()), "{sentence}");
    }
    assert_eq!(SENTENCES.map(|(_, remark)| remark).as_slice(), &Remark::ALL[..13]);
    assert_eq!(read(14), (None, String::new(), "batch-7".into()));
    assert_eq!(read(15), (None, "5.1.1 unknown".into(), String::new()));
    assert_eq!(read(16), (None, String::new(), String::new()));
    assert_eq!(read(17), (None, "550 5.7.1 spam".into(), String::new()));
    assert_eq!(read(18), (None, String::new(), String::new()));
}
