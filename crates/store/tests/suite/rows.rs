//! Rows as typed values: what cannot be read says where it is.

use convoke_store::{LetterFilter, Unreadable};

use crate::office::{Office, enqueue, now, placement, reserve, slot, started};

on_both![a_row_that_cannot_be_read_says_its_table_column_and_key, every_row_that_is_written_can_be_read];

fn a_row_that_cannot_be_read_says_its_table_column_and_key(office: &mut Office) {
    office.people(1);
    let mut store = office.open();
    enqueue(&mut store, 2);
    let wanted = slot(10, 9, 1);
    store.upsert_slots(std::slice::from_ref(&wanted)).unwrap();
    let reference = reserve(&mut store, &[placement(1, &wanted)]).remove(0).unwrap();
    // As a newer version would write it; no CHECK guards these columns.
    office.execute(&format!(
        "UPDATE convocation SET slot_id = 'creteil/1/tomorrow' WHERE reference = '{reference}';
         UPDATE permit SET rule = 'due.soon' WHERE permit_id = 'p1';
         UPDATE holder SET language = 'fr' WHERE holder_id = 'h1';"
    ));
    let shown = |error: anyhow::Error| error.downcast_ref::<Unreadable>().expect("an unreadable row").to_string();
    let convocation = shown(store.convocation(reference.as_str()).unwrap_err());
    assert!(
        convocation.starts_with(&format!("convocation.slot_id of {reference} is \"creteil/1/tomorrow\"")),
        "{convocation}"
    );
    let permit = shown(store.renewed("p1").unwrap_err());
    assert!(permit.starts_with("permit.rule of p1 is \"due.soon\""), "{permit}");
    // The others are read as before.
    assert_eq!(store.letters(&LetterFilter::default(), 9).unwrap().len(), 2);
}

fn every_row_that_is_written_can_be_read(office: &mut Office) {
    office.people(1);
    let mut store = office.open();
    enqueue(&mut store, 1);
    let run = started(&mut store, "a");
    assert_eq!(run.started_at, now().naive_utc());
    let letter = store.letter("l1").unwrap().unwrap();
    assert_eq!((letter.created_at, letter.next_at), (now().naive_utc(), now().naive_utc()));
    assert_eq!(store.letters_after(&LetterFilter::default(), "", 9).unwrap()[0].letter_id, "l1");
    assert_eq!(store.holders(&["h1"]).unwrap()["h1"].email.as_deref(), Some("h1@example.org"));
}
