//! What docs/AUDIT.md tells an auditor to do, done.

#[expect(unreachable_pub, reason = "shared by test programs")]
#[allow(dead_code, reason = "each test program uses a part")]
mod support;

use std::process::Command;

use support::{Office, Shape};

/// The program printed in docs/AUDIT.md, on the office's database: success, and what it printed.
fn auditor(office: &Office) -> (bool, String) {
    let text = include_str!("../docs/AUDIT.md");
    let program = text.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let output = Command::new("python3").args(["-c", program]).arg(office.path("convoke.sqlite3")).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn an_auditor_without_the_program_finds_the_same_ledger() {
    let office = Office::new(Shape { permits: 200, seats: true });
    office.run(&[]);
    let ours = office.ok(&["ledger", "verify", "--json"]);
    let (valid, theirs) = auditor(&office);
    assert!(valid);
    assert_eq!(theirs.trim(), format!("{} entries, last hash {}", ours["size"], ours["root"].as_str().unwrap()));
}

#[test]
fn a_changed_entry_is_found_by_both_and_the_database_refuses_the_change() {
    let office = Office::new(Shape { permits: 60, seats: true });
    office.run(&[]);
    let change = "UPDATE ledger_entry SET actor = 'nobody' WHERE seq = 2";
    assert!(office.change(change).is_err(), "the trigger refuses");
    office.change(&format!("DROP TRIGGER ledger_is_never_changed; {change}")).unwrap();
    assert!(!auditor(&office).0);
    let verified = office.output(&["ledger", "verify"]);
    assert_eq!(verified.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&verified.stderr).contains("entry 2 was changed"), "{verified:?}");
}
