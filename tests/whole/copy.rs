//! Moving up: a database with a night and its letters is the same after it was copied to the other kind.

use crate::support::{Office, Shape};

/// An office after a night whose letters were sent.
fn after_a_night() -> Office {
    let office = Office::new(Shape { permits: 360, seats: true });
    office.run(&[]);
    office.ok(&["dispatch", "--until-empty", "--json"]);
    office
}

#[test]
fn a_database_carried_over_is_the_same_and_goes_on() {
    let office = after_a_night();
    let moved = office.with_an_empty_database(false);
    let (from, to) = (office.url(), moved.url());
    let copied = office.ok(&["db", "copy", "--from", &from, "--to", &to, "--json"]);
    let rows = |table: &str| {
        let tables = copied["tables"].as_array().unwrap();
        tables.iter().find(|t| t["table"] == table).unwrap()["rows"].as_u64().unwrap()
    };
    assert_eq!(rows("permit").to_string(), office.query("SELECT count(*) FROM permit").trim());
    assert!(rows("outbox") > 10 && rows("delivery_attempt") > 10 && rows("run_record") == 3);
    assert_eq!(copied["ledgers"][0]["prefecture"], "94");
    assert_eq!(moved.totals(), office.totals());
    moved.assert_promises();
    // The copy knows that the night is over, and a letter is still shown as it was sent.
    assert_eq!(moved.run(&[])["generation"], 1);
    let reference = office.query("SELECT min(reference) FROM outbox WHERE state = 'accepted'");
    let shown = |o: &Office| o.output(&["letters", "show", reference.trim()]).stdout;
    assert_eq!(shown(&moved), shown(&office));
    // And back again, identical to the byte.
    let back = office.with_an_empty_database(true);
    let again = office.ok(&["db", "copy", "--from", &to, "--to", &back.url(), "--json"]);
    let digests = |of: &serde_json::Value| -> Vec<String> {
        let unchanged = |t: &&serde_json::Value| !["run", "prefecture"].contains(&t["table"].as_str().unwrap());
        of["tables"].as_array().unwrap().iter().filter(unchanged).map(|t| t["sha256"].to_string()).collect()
    };
    assert_eq!(digests(&again), digests(&copied));
}

#[test]
fn a_database_that_is_not_empty_is_not_written_over() {
    let office = after_a_night();
    let other = Office::new(Shape { permits: 20, seats: false });
    let before = other.query("SELECT count(*) FROM permit");
    let output = office.output(&["db", "copy", "--from", &office.url(), "--to", &other.url()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("not empty"), "{output:?}");
    assert_eq!(other.query("SELECT count(*) FROM permit"), before);
}

#[test]
fn a_ledger_that_was_tampered_with_is_not_carried_over() {
    let office = after_a_night();
    office
        .change("DROP TRIGGER ledger_is_never_changed ON ledger_entry")
        .or_else(|_| office.change("DROP TRIGGER ledger_is_never_changed"))
        .unwrap();
    office.change("UPDATE ledger_entry SET actor = 'somebody else' WHERE seq = 2").unwrap();
    let moved = office.with_an_empty_database(false);
    let output = office.output(&["db", "copy", "--from", &office.url(), "--to", &moved.url()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("the ledger of 94 is broken"), "{output:?}");
    assert_eq!(moved.query("SELECT count(*) FROM permit").trim(), "0");
}
