//! Manual actions on the command line: permits held, addresses corrected, appointments moved and cancelled, days
//! closed, letters retried. No act costs anyone an appointment without saying so, and every act is in the ledger.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Office, PLANNED};

/// A person with an appointment and an e-mail address: reference, foreigner number.
fn somebody(office: &Office) -> (String, String) {
    first_by(office, "reference")
}

/// The one of them whose permit ends last: there are other days, whatever day it is.
fn somebody_with_time(office: &Office) -> (String, String) {
    first_by(office, "p.expires_on DESC, reference")
}

fn first_by(office: &Office, order: &str) -> (String, String) {
    let found = office.one(&format!(
        "SELECT reference, h.number FROM convocation c JOIN holder h USING (holder_id) JOIN permit p USING (permit_id)
           WHERE state = 'convoked' AND email IS NOT NULL AND (channel IS NULL OR channel = 'email') AND c.origin <> 'after-expiry'
           ORDER BY {order} LIMIT 1"
    ));
    let (reference, number) = found.split_once('|').unwrap();
    (reference.to_owned(), number.to_owned())
}

fn refused(office: &Office, args: &[&str]) -> (Option<i32>, String) {
    let output = office.output(args);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn entries(office: &Office, kind: &str) -> u64 {
    office.one(&format!("SELECT count(*) FROM ledger_entry WHERE kind = '{kind}'")).parse().unwrap()
}

fn lapses(office: &Office) -> u64 {
    let plan = office.answer(&["plan", "--json"]);
    plan["lapses"]["no_possible_day"].as_u64().unwrap() + plan["lapses"]["no_capacity"].as_u64().unwrap()
}

#[test]
fn a_held_permit_is_convoked_by_no_night_and_its_letters_wait_until_it_is_let_go() {
    let office = PLANNED.copy();
    let (reference, number) = somebody(&office);
    let held = office.ok(&["permit", "hold", &number, "--reason", "appeal", "--json"]);
    assert_eq!((&held["permits"], &held["appointment"]), (&1.into(), &reference.as_str().into()));
    // Held letters need a person: exit code 3.
    assert_eq!(office.output(&["dispatch", "--until-empty"]).status.code(), Some(3));
    let state = format!("SELECT state FROM outbox WHERE reference = '{reference}'");
    assert_eq!(office.one(&state), "held");
    office.run(&[]);
    assert_eq!(
        office.one(&format!("SELECT rule FROM permit JOIN holder h USING (holder_id) WHERE h.number = '{number}'")),
        "held"
    );

    office.ok(&["permit", "release", &number, "--reason", "appeal rejected", "--json"]);
    office.until_sent();
    assert_eq!(office.one(&state), "accepted");
    assert_eq!((entries(&office, "permit.held"), entries(&office, "permit.released")), (1, 1));
    let again = office.ok(&["permit", "release", &number, "--reason", "twice", "--json"]);
    assert_eq!((&again["permits"], entries(&office, "permit.released")), (&0.into(), 1));
    office.assert_promises();
}

#[test]
fn a_mended_address_gets_the_letter_and_outlives_the_same_extract_but_not_a_newer_address() {
    let office = PLANNED.copy();
    let (reference, number) = somebody(&office);
    let set =
        office.ok(&["permit", "set-email", &number, "mended@example.org", "--reason", "at the counter", "--json"]);
    assert_eq!((&set["changed"], set["letters"].as_array().unwrap().len()), (&true.into(), 1));
    office.until_sent();
    let letters = format!("SELECT state, recipient FROM outbox WHERE reference = '{reference}' ORDER BY letter_id");
    let letters = office.query(&letters);
    let mut lines = letters.lines();
    assert_eq!(lines.next(), Some("accepted|mended@example.org"));
    assert!(lines.next().unwrap().starts_with("replaced|"), "{letters}");

    let next_address = |office: &Office| {
        let other = office.one(&format!("SELECT slot_id FROM convocation WHERE reference = '{reference}'"));
        let options = office.answer(&["convocation", "options", &reference, "--json"]);
        let to = options["seats"][0]["slot"].as_str().unwrap_or(&other).to_owned();
        office.ok(&["convocation", "move", &reference, "--to", &to, "--reason", "asked", "--yes", "--json"]);
        office.one("SELECT recipient FROM outbox WHERE kind = 'change'")
    };
    let same = office.copy();
    same.ok(&["import", "permits", "permits.csv", "--json"]);
    assert_eq!(next_address(&same), "mended@example.org");
    let newer = office.copy();
    let extract = fs::read_to_string(newer.path("permits.csv")).unwrap();
    let old = newer.one(&format!("SELECT email FROM holder WHERE number = '{number}'"));
    fs::write(newer.path("newer.csv"), extract.replace(&old, "newer@example.org")).unwrap();
    newer.ok(&["import", "permits", "newer.csv", "--json"]);
    assert_eq!(next_address(&newer), "newer@example.org");

    let (code, answered) = refused(&office, &["permit", "set-email", &number, "not an address", "--reason", "x"]);
    assert_eq!(code, Some(65), "{answered}");
    assert!(
        !office.query("SELECT payload FROM ledger_entry").contains("mended@example.org"),
        "an address is no matter of the ledger"
    );
}

#[test]
fn an_old_address_that_had_the_letter_is_told_that_it_was_changed_and_nothing_new() {
    let office = PLANNED.copy();
    office.until_sent();
    let reached = office.one("SELECT c.reference, h.number, o.recipient FROM outbox o JOIN convocation c USING (reference) JOIN holder h ON h.holder_id = c.holder_id
           WHERE o.state = 'accepted' AND o.channel = 'email' ORDER BY 1 LIMIT 1"
    );
    let parts: Vec<&str> = reached.split('|').collect();
    let set = office.ok(&["permit", "set-email", parts[1], "mine@example.org", "--reason", "at the counter", "--json"]);
    let answered = set["told"].as_str().unwrap();
    assert_eq!(set["letters"], json!([]));
    office.until_sent();
    let sent = format!("SELECT state, recipient FROM outbox WHERE letter_id = '{answered}'");
    assert_eq!(office.one(&sent), format!("accepted|{}", parts[2]));
    office.ok(&["letters", "show", parts[0], "--out", "shown", "--json"]);
    let name = answered.replace('/', "-");
    let text = fs::read_to_string(office.path(&format!("shown/{name}.txt"))).unwrap();
    // Its lines are folded.
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("cette lettre est la dernière qui parvient à celle-ci"), "{text}");
    assert!(!text.contains("mine@example.org"), "the new address is nobody's business there");
    // A change without effect notifies nobody.
    let again = office.ok(&["permit", "set-email", parts[1], "mine@example.org", "--reason", "again", "--json"]);
    assert_eq!((&again["changed"], &again["told"]), (&false.into(), &Value::Null));
}

#[test]
fn a_letter_that_an_agent_holds_is_held_on_its_new_way_too_and_an_old_address_gets_nothing_again() {
    let office = PLANNED.copy();
    let (reference, number) = somebody(&office);
    office.ok(&["outbox", "hold", &reference, "--reason", "wrong wording", "--json"]);
    let same = office.one(&format!("SELECT recipient FROM outbox WHERE reference = '{reference}'"));
    let unchanged = office.ok(&["permit", "set-email", &number, &same, "--reason", "the same", "--json"]);
    assert_eq!((&unchanged["changed"], &unchanged["letters"]), (&false.into(), &json!([])));
    office.ok(&["permit", "set-email", &number, "new@example.org", "--reason", "at the counter", "--json"]);
    let states = format!("SELECT state, recipient FROM outbox WHERE reference = '{reference}' ORDER BY state");
    assert_eq!(office.query(&states), format!("held|new@example.org\nreplaced|{same}\n"));
    let old =
        office.one(&format!("SELECT letter_id FROM outbox WHERE recipient = '{same}' AND reference = '{reference}'"));
    let (code, answered) = refused(&office, &["outbox", "retry", &old, "--reason", "x"]);
    assert!(code == Some(65) && answered.contains("a newer letter says"), "{answered}");
    // A letter that bounced is not tried again at the address that it went to.
    office.change(&format!("UPDATE outbox SET state = 'bounced', recipient = '{same}' WHERE state = 'held'")).unwrap();
    let (code, answered) = refused(&office, &["outbox", "retry", &reference, "--reason", "x"]);
    assert!(code == Some(65) && answered.contains("another address"), "{answered}");
}

#[test]
fn a_day_that_is_opened_again_has_the_seats_that_it_had() {
    let office = PLANNED.copy();
    let day = office.one("SELECT max(day) FROM slot WHERE site = 'creteil'");
    fs::write(
        office.path("own.csv"),
        format!("site;guichet;date;heure;duree_min;places\ncreteil;resident;{day};18:00;20;7\n"),
    )
    .unwrap();
    office.ok(&["import", "slots", "own.csv", "--json"]);
    let (reference, _) = somebody(&office);
    let to = format!("creteil/renouvellement/{day}T09:00");
    office.ok(&["agenda", "close", "creteil", &day, "--reason", "works", "--yes", "--json"]);
    let (code, answered) = refused(
        &office,
        &["convocation", "move", &reference, "--to", &to, "--despite-lapse", "--reason", "x", "--yes"],
    );
    assert!(code == Some(65) && answered.contains("no seat"), "{answered}");
    office.ok(&["agenda", "close", "creteil", &day, "--undo", "--reason", "done", "--json"]);
    let seats = office.query(&format!("SELECT seats FROM slot WHERE slot_id = 'creteil/resident/{day}T18:00'"));
    assert_eq!(seats, "7\n");
    office.ok(&["convocation", "move", &reference, "--to", &to, "--despite-lapse", "--reason", "x", "--yes", "--json"]);
}

#[test]
fn whoever_has_no_address_any_more_gets_the_letter_by_post() {
    let office = PLANNED.copy();
    let (reference, number) = somebody(&office);
    office.ok(&["permit", "set-email", &number, "--none", "--reason", "none any more", "--json"]);
    office.until_sent();
    let letters =
        office.query(&format!("SELECT channel, state FROM outbox WHERE reference = '{reference}' ORDER BY channel"));
    assert_eq!(letters, "email|replaced\npost|to_post\n");
}

#[test]
fn a_held_letter_without_an_address_is_released_to_the_post_and_not_to_a_worker() {
    let office = PLANNED.copy();
    let (reference, number) = somebody(&office);
    office.ok(&["outbox", "hold", &reference, "--reason", "wait", "--json"]);
    office.ok(&["permit", "set-email", &number, "--none", "--reason", "none", "--json"]);
    office.ok(&["outbox", "release", &reference, "--reason", "go on", "--json"]);
    office.until_sent();
    let letters =
        office.query(&format!("SELECT channel, state FROM outbox WHERE reference = '{reference}' ORDER BY channel"));
    assert_eq!(letters, "email|replaced\npost|to_post\n");
}

#[test]
fn every_seat_that_is_offered_can_be_had_and_costs_nobody_an_appointment() {
    let office = PLANNED.copy();
    let before = lapses(&office);
    let (reference, _) = somebody_with_time(&office);
    let offered = office.answer(&["convocation", "options", &reference, "--json"]);
    let seats = offered["seats"].as_array().unwrap();
    assert_eq!(seats.len(), 5);
    let days: std::collections::BTreeSet<_> = seats.iter().map(|s| s["day"].as_str().unwrap()).collect();
    assert_eq!(days.len(), 5, "five days");
    for seat in seats {
        assert!(seat["day"].as_str() <= offered["expires_on"].as_str());
        let office = office.copy();
        let to = seat["slot"].as_str().unwrap();
        let moved = office.ok(&["convocation", "move", &reference, "--to", to, "--reason", "asked", "--yes", "--json"]);
        assert_eq!((&moved["slot"], &moved["was"]), (&seat["slot"], &reference.as_str().into()));
        assert!(lapses(&office) <= before, "{to}");
        office.assert_promises();
    }
}

#[test]
fn a_move_is_the_same_invitation_one_change_later_and_frees_the_old_seat() {
    let office = PLANNED.copy();
    office.until_sent();
    let (reference, _) = somebody_with_time(&office);
    let old = office.one(&format!("SELECT slot_id FROM convocation WHERE reference = '{reference}'"));
    let offered = office.answer(&["convocation", "options", &reference, "--json"]);
    let slot = |i: usize| offered["seats"][i]["slot"].as_str().unwrap().to_owned();
    let go = |from: &str, to: &str, more: &[&str]| {
        office.output(
            &[&["convocation", "move", from, "--to", to, "--reason", "asked", "--yes", "--json"], more].concat(),
        )
    };
    let first = go(&reference, &slot(0), &[]);
    assert_eq!(first.status.code(), Some(0), "{}", String::from_utf8_lossy(&first.stderr));
    let first: Value = serde_json::from_slice(&first.stdout).unwrap();
    let second = first["reference"].as_str().unwrap();
    assert_eq!(office.one(&format!("SELECT count(*) FROM reservation WHERE reference = '{reference}'")), "0");
    assert_eq!(office.one(&format!("SELECT state FROM convocation WHERE reference = '{reference}'")), "moved", "{old}");
    office.until_sent();

    let shown = |reference: &str, kind: &str, out: &str| {
        office.ok(&["letters", "show", reference, "--kind", kind, "--out", out, "--json"]);
        let ics = fs::read_dir(office.path(out))
            .unwrap()
            .map(|e| e.unwrap().path())
            .find(|p| p.extension().unwrap() == "ics")
            .unwrap();
        let text = fs::read_to_string(ics).unwrap().replace("\r\n ", "");
        let line = |name: &str| text.lines().find(|l| l.starts_with(name)).unwrap().to_owned();
        (line("UID:"), line("SEQUENCE:"), line("METHOD:"))
    };
    let (uid, sequence, _) = shown(&reference, "convocation", "first");
    assert_eq!(sequence, "SEQUENCE:0");
    assert_eq!(shown(second, "change", "second"), (uid.clone(), "SEQUENCE:1".into(), "METHOD:REQUEST".into()));

    // A holder's second move needs the office's consent.
    let again = go(second, &slot(1), &[]);
    assert_eq!(again.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&again.stderr).contains("--by office"));
    let again: Value = serde_json::from_slice(&go(second, &slot(1), &["--by", "office"]).stdout).unwrap();
    let third = again["reference"].as_str().unwrap();
    office.until_sent();
    assert_eq!(shown(third, "change", "third"), (uid.clone(), "SEQUENCE:2".into(), "METHOD:REQUEST".into()));
    office.ok(&["convocation", "cancel", third, "--by", "holder", "--reason", "leaves", "--yes", "--json"]);
    office.until_sent();
    assert_eq!(shown(third, "cancellation", "fourth"), (uid, "SEQUENCE:3".into(), "METHOD:CANCEL".into()));
    office.assert_promises();
}

#[test]
fn a_seat_that_cannot_be_had_is_refused_and_nothing_is_changed() {
    let office = PLANNED.copy();
    let (reference, _) = somebody(&office);
    let own = office.one(&format!("SELECT slot_id FROM convocation WHERE reference = '{reference}'"));
    let other_desk = office.one("SELECT slot_id FROM slot WHERE desk = 'resident' ORDER BY day DESC LIMIT 1");
    let full = office.one("SELECT slot_id FROM slot s WHERE desk = 'renouvellement' AND seats = (SELECT count(*) FROM reservation r WHERE r.slot_id = s.slot_id)
           ORDER BY slot_id LIMIT 1"
    );
    let after_expiry = office.one(&format!(
        "SELECT s.slot_id FROM slot s, convocation c JOIN permit p USING (permit_id) WHERE c.reference = '{reference}'
               AND s.day > p.expires_on AND s.slot_id LIKE 'creteil/renouvellement/%' ORDER BY s.slot_id LIMIT 1"
    ));
    let before = office.query("SELECT reference, slot_id, state FROM convocation ORDER BY 1");
    for (to, why) in [
        (other_desk.as_str(), "does not renew this permit"),
        (full.as_str(), "no seat"),
        (after_expiry.as_str(), "expires before"),
        ("creteil/renouvellement/2000-01-03T09:00", "no slot"),
        ("creteil", "expected SITE/DESK"),
    ] {
        let (code, answered) =
            refused(&office, &["convocation", "move", &reference, "--to", to, "--reason", "x", "--yes"]);
        assert!(matches!(code, Some(2 | 65)) && answered.contains(why), "{to}: {answered}");
    }
    let (code, answered) =
        refused(&office, &["convocation", "move", "RC-94-2026-0009999-X", "--to", &own, "--reason", "x", "--yes"]);
    assert_eq!(code, Some(2), "{answered}");
    assert_eq!(office.query("SELECT reference, slot_id, state FROM convocation ORDER BY 1"), before);
    office.ok(&[
        "convocation",
        "move",
        &reference,
        "--to",
        &after_expiry,
        "--reason",
        "wishes it",
        "--despite-lapse",
        "--yes",
        "--json",
    ]);
}

#[test]
fn days_to_avoid_are_kept_for_the_next_time() {
    let office = PLANNED.copy();
    let (reference, _) = somebody(&office);
    let first = office.answer(&["convocation", "options", &reference, "--json"]);
    let day = first["seats"][0]["day"].as_str().unwrap().to_owned();
    office.answer(&["convocation", "options", &reference, "--avoid", &day, "--reason", "at hospital", "--json"]);
    let then = office.answer(&["convocation", "options", &reference, "--json"]);
    assert_eq!(then["avoided"], json!([[day, day]]));
    assert!(then["seats"].as_array().unwrap().iter().all(|s| s["day"] != day.as_str()), "{then}");
}

#[test]
fn a_cancelled_appointment_is_announced_and_its_holder_due_again() {
    let office = PLANNED.copy();
    office.until_sent();
    let (reference, number) = somebody(&office);
    office.ok(&["convocation", "cancel", &reference, "--reason", "desk closed", "--yes", "--json"]);
    office.until_sent();
    let letters =
        office.query(&format!("SELECT kind, state FROM outbox WHERE reference = '{reference}' ORDER BY kind"));
    assert_eq!(letters, "cancellation|accepted\nconvocation|accepted\n");
    office.run(&[]);
    let live = format!(
        "SELECT count(*) FROM convocation JOIN holder h USING (holder_id) WHERE h.number = '{number}' AND state = 'convoked'"
    );
    assert_eq!(office.one(&live), "1", "convoked anew");
    let (code, answered) = refused(&office, &["convocation", "cancel", &reference, "--reason", "twice", "--yes"]);
    assert!(code == Some(65) && answered.contains("not live any more"), "{answered}");
    office.assert_promises();
}

#[test]
fn a_closed_day_moves_everybody_it_hits_with_one_letter_each_and_stays_closed() {
    let office = PLANNED.copy();
    office.until_sent();
    let busiest = office.one("SELECT substr(slot_id, 1, length(slot_id) - 17) AS place, day, count(*) FROM convocation WHERE state = 'convoked' AND slot_id LIKE 'creteil/%'
           GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 1"
    );
    let parts: Vec<&str> = busiest.split('|').collect();
    let (place, day, expected) = (parts[0], parts[1], parts[2]);
    let before = lapses(&office);
    let closed = office.answer(&["agenda", "close", place, day, "--reason", "heating out of order", "--yes", "--json"]);
    let hits = closed["expected"].as_array().unwrap();
    assert_eq!(hits.len().to_string(), expected);
    assert!(hits.iter().all(|h| h["new_reference"].is_string()), "{closed}");
    let on_the_day = format!(
        "SELECT count(*) FROM convocation WHERE state = 'convoked' AND day = '{day}' AND slot_id LIKE '{place}/%'"
    );
    assert_eq!(office.one(&on_the_day), "0");
    assert_eq!(office.one("SELECT count(*) FROM outbox WHERE kind = 'change'"), expected);
    assert!(lapses(&office) <= before + hits.len() as u64);
    office.assert_promises();

    // Nobody can come there by other means.
    let until = office.one("SELECT max(day) FROM slot");
    office.ok(&["agenda", "generate", "--until", &until, "--json"]);
    office.run(&[]);
    assert_eq!(office.one(&on_the_day), "0");
    // Twice changes nothing; once undone, the seats are restored.
    let twice = office.ok(&["agenda", "close", place, day, "--reason", "again", "--yes", "--json"]);
    assert_eq!(twice["expected"], json!([]));
    office.ok(&["agenda", "close", place, day, "--undo", "--reason", "mended", "--json"]);
    assert_eq!(office.one("SELECT count(*) FROM closed_day"), "0");
    let (code, answered) = refused(&office, &["agenda", "close", "nowhere", day, "--reason", "x", "--yes"]);
    assert!(code == Some(65) && answered.contains("no site or desk nowhere"), "{answered}");
}

#[test]
fn letters_are_held_let_go_and_tried_again_and_what_was_accepted_never_is() {
    let office = PLANNED.copy();
    let (reference, _) = somebody(&office);
    let letter = office.one(&format!("SELECT letter_id FROM outbox WHERE reference = '{reference}'"));
    office.ok(&["outbox", "hold", &letter, "--reason", "looking into it", "--json"]);
    office.until_sent();
    let state = |s: &str| assert_eq!(office.one(&format!("SELECT state FROM outbox WHERE letter_id = '{letter}'")), s);
    state("held");
    let (code, answered) = refused(&office, &["outbox", "retry", &letter, "--reason", "x"]);
    assert!(code == Some(65) && answered.contains("outbox release"), "{answered}");
    office.ok(&["outbox", "release", &reference, "--reason", "confirmed", "--json"]);
    office.until_sent();
    state("accepted");
    let (code, answered) = refused(&office, &["outbox", "retry", &reference, "--reason", "x"]);
    assert!(code == Some(65) && answered.contains("never sent again"), "{answered}");

    office
        .change(&format!(
            "UPDATE outbox SET state = 'failed', last_reply = '550 5.7.1 spam' WHERE letter_id = '{letter}'"
        ))
        .unwrap();
    let causes = office.ok(&["outbox", "list", "--state", "failed", "--by-cause", "--json"]);
    assert_eq!(causes["causes"], json!([{"state": "failed", "cause": "550 5.7.1", "letters": 1, "example": letter}]));
    // One of them cannot be retried, so none is.
    let (code, _) = refused(&office, &["outbox", "retry", &letter, "RC-94-2026-0000000-Z", "--reason", "x"]);
    assert_eq!(code, Some(65));
    state("failed");
    office.ok(&["outbox", "retry", &letter, "--reason", "filter mended", "--json"]);
    office.until_sent();
    state("accepted");
    let history = office.ok(&["outbox", "show", &letter, "--json"]);
    assert_eq!(history["letters"][0]["attempts"].as_array().unwrap().len(), 2, "{history}");
    assert!(
        !history
            .to_string()
            .contains(&office.one(&format!("SELECT recipient FROM outbox WHERE letter_id = '{letter}'")))
    );
    assert_eq!(entries(&office, "letter.retried"), 1);
}

#[test]
fn what_a_pipe_says_confirms_nothing() {
    let office = PLANNED.copy();
    let (reference, _) = somebody(&office);
    let options = office.answer(&["convocation", "options", &reference, "--json"]);
    let to = options["seats"][0]["slot"].as_str().unwrap();
    let before = office.query("SELECT reference, state FROM convocation ORDER BY 1");
    let key = fs::read(office.path("keys/ledger.key")).unwrap();
    fs::write(office.path("back.eml"), "From: <relay@example.org>\r\nAuto-Submitted: auto-replied\r\n\r\naway\r\n")
        .unwrap();
    for args in [
        vec!["keys", "rotate", "--reason", "x"],
        vec!["bounces", "ingest", "back.eml", "--delete"],
        vec!["convocation", "cancel", &reference, "--reason", "x"],
        vec!["convocation", "move", &reference, "--to", to, "--reason", "x"],
        vec!["agenda", "close", "creteil", "2099-01-05", "--reason", "x"],
        vec!["run", "--reason", "x"],
        vec!["purge", "--before", "2099-01-01"],
    ] {
        let mut child = office.command(&args).stdin(Stdio::piped()).spawn().unwrap();
        // It may have ended without reading its input.
        let _ = child.stdin.take().unwrap().write_all(&b"yes\ny\n".repeat(50));
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), if args[0] == "purge" { Some(0) } else { Some(2) }, "{args:?}");
    }
    assert_eq!(office.query("SELECT reference, state FROM convocation ORDER BY 1"), before);
    assert_ne!(office.one("SELECT count(*) FROM holder"), "0");
    assert!(fs::read(office.path("keys/ledger.key")).unwrap() == key, "the key is another");
    assert!(office.path("back.eml").exists());
    // The same, confirmed in advance.
    office.ok(&["keys", "rotate", "--reason", "x", "--yes", "--json"]);
    office.ok(&["bounces", "ingest", "back.eml", "--delete", "--yes", "--json"]);
    assert!(fs::read(office.path("keys/ledger.key")).unwrap() != key);
    assert!(!office.path("back.eml").exists());
}
