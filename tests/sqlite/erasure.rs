//! What is left in an SQLite file while another process uses it.

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};

use crate::whole::privacy::{NUMBER, over, traces};

#[test]
fn while_another_process_keeps_old_pages_an_erasure_does_not_say_that_all_is_gone() {
    let office = over();
    let mut reader = SqliteConnection::establish(&office.path("convoke.sqlite3").display().to_string()).unwrap();
    reader.batch_execute("BEGIN; SELECT count(*) FROM holder;").unwrap();
    let output = office.output(&["permit", "erase", NUMBER, "--reason", "request 7", "--yes"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("traces are left"), "{output:?}");
    drop(reader);
    office.ok(&["purge", "--before", "0001-01-02", "--yes", "--json"]);
    assert_eq!(
        traces(&office.path("."), &["canary.csv", "permits.csv", "before.sqlite3", "out"]),
        Vec::<String>::new()
    );
}
