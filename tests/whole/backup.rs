//! A restored back-up is the office as it was, with the commands of docs/OPERATIONS.md.

use crate::support::PLANNED;

#[test]
fn a_back_up_made_while_the_office_works_brings_it_back_whole() {
    let office = PLANNED.copy();
    let totals = office.totals();
    // While letters are being sent.
    let mut worker = office.command(&["dispatch", "--until-empty", "--json"]).spawn().unwrap();
    let backup = office.back_up();
    assert!(worker.wait().unwrap().success());
    let Some(backup) = backup else { return };
    office.change("DELETE FROM reservation").unwrap();
    office.change("DELETE FROM holder_key").unwrap();
    office.restore(&backup);
    assert_eq!(office.totals(), totals);
    assert_eq!(office.ok(&["ledger", "verify", "--json"])["valid"], true);
    office.assert_promises();
    // Letters sent since are sent at most once more, under the same Message-ID; nobody is convoked again.
    office.until_sent();
    let id = |mail: &std::path::PathBuf| {
        let text = String::from_utf8_lossy(&std::fs::read(mail).unwrap()).into_owned();
        text.lines().find_map(|line| line.strip_prefix("Message-ID: ").map(str::to_owned)).unwrap()
    };
    let mails: std::collections::HashSet<String> = office.mails().iter().map(id).collect();
    assert_eq!(mails.len().to_string(), office.query("SELECT count(*) FROM outbox WHERE channel = 'email'").trim());
    assert_eq!(office.run(&[])["firm"], office.run(&[])["firm"], "nothing new");
    assert_eq!(office.totals(), totals);
}
