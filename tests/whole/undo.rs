//! What was done by hand by mistake is undone for everybody who has not been told of it.

use std::fs;

use serde_json::Value;

use crate::support::{Office, PLANNED, Shape};

/// A person with an appointment and an e-mail address, whose permit has not expired: reference and foreigner number.
fn somebody(office: &Office) -> (String, String) {
    let found = office.one(
        "SELECT reference, h.number FROM convocation c JOIN holder h USING (holder_id) JOIN permit p USING (permit_id)
           WHERE state = 'convoked' AND h.email IS NOT NULL AND (h.channel IS NULL OR h.channel = 'email') AND c.origin <> 'after-expiry'
           ORDER BY p.expires_on DESC, reference LIMIT 1",
    );
    let (reference, number) = found.split_once('|').unwrap();
    (reference.to_owned(), number.to_owned())
}

/// The latest act of a kind.
fn act(office: &Office, kind: &str) -> String {
    let acts = office.ok(&["undo", "--json"]);
    let found = acts["acts"].as_array().unwrap().iter().find(|act| act["kind"] == kind);
    found.unwrap_or_else(|| panic!("{kind}: {acts}"))["act"].to_string()
}

fn undo(office: &Office, kind: &str) -> Value {
    let act = act(office, kind);
    let before = office.totals();
    let would = office.ok(&["undo", &act, "--dry-run", "--reason", "by mistake", "--json"]);
    assert_eq!(office.totals(), before, "a rehearsal changes nothing");
    let done = office.ok(&["undo", &act, "--reason", "by mistake", "--yes", "--json"]);
    assert_eq!((&would["undone"], &would["left"]), (&done["undone"], &done["left"]));
    let twice = office.output(&["undo", &act, "--reason", "again", "--yes"]);
    assert_eq!(twice.status.code(), Some(65), "{}", String::from_utf8_lossy(&twice.stderr));
    done
}

/// The slot of a person's live appointment.
fn seat(office: &Office, number: &str) -> String {
    office.one(&format!(
        "SELECT slot_id FROM convocation JOIN holder h USING (holder_id) WHERE h.number = '{number}' AND state = 'convoked'"
    ))
}

/// What reaches a person in the end: kinds of letters that left.
fn sent(office: &Office, number: &str) -> String {
    office.until_sent();
    let letters = "SELECT kind FROM outbox o JOIN convocation c USING (reference) JOIN holder h USING (holder_id)";
    office.query(&format!(
        "{letters} WHERE h.number = '{number}' AND o.state = 'accepted' ORDER BY o.created_at, o.letter_id"
    ))
}

#[test]
fn a_cancellation_that_nobody_was_told_of_gives_the_same_seat_back_with_one_letter() {
    let office = PLANNED.copy();
    let (reference, number) = somebody(&office);
    let before = seat(&office, &number);
    office.ok(&["convocation", "cancel", &reference, "--reason", "desk closed", "--yes", "--json"]);
    let done = undo(&office, "convocation.cancelled");
    assert_eq!(done["undone"].as_array().unwrap().len(), 1);
    assert_eq!(seat(&office, &number), before);
    assert_eq!(sent(&office, &number), "convocation\n");
    office.assert_promises();
}

#[test]
fn a_cancellation_that_was_told_is_left_with_what_mends_it_and_so_is_one_whose_seat_is_taken() {
    let office = PLANNED.copy();
    office.until_sent();
    let (reference, number) = somebody(&office);
    office.ok(&["convocation", "cancel", &reference, "--reason", "desk closed", "--yes", "--json"]);
    let taken = office.copy();
    office.until_sent();
    let done = undo(&office, "convocation.cancelled");
    assert_eq!((done["undone"].as_array().unwrap().len(), &done["left"][0]["why"]), (0, &"told".into()));
    assert!(done["left"][0]["mend"].as_str().unwrap().contains("the next night"));
    assert_eq!(seat(&office, &number), "");
    taken.change(&format!("UPDATE slot SET seats = 0 WHERE slot_id = (SELECT slot_id FROM convocation WHERE reference = '{reference}')")).unwrap();
    assert_eq!(undo(&taken, "convocation.cancelled")["left"][0]["why"], "seat-taken");
    office.assert_promises();
}

#[test]
fn a_move_is_taken_back_and_one_that_was_told_is_not() {
    let office = PLANNED.copy();
    office.until_sent();
    let (reference, number) = somebody(&office);
    let before = seat(&office, &number);
    let options = office.answer(&["convocation", "options", &reference, "--json"]);
    let to = options["seats"][0]["slot"].as_str().unwrap();
    office.ok(&["convocation", "move", &reference, "--to", to, "--reason", "asked", "--yes", "--json"]);
    let told = office.copy();
    assert_eq!(undo(&office, "convocation.moved")["undone"].as_array().unwrap().len(), 1);
    assert_eq!(seat(&office, &number), before);
    assert!(!sent(&office, &number).contains("change"), "nobody learns of a change that did not take place");
    told.until_sent();
    let left = undo(&told, "convocation.moved")["left"][0].clone();
    assert_eq!(left["why"], "told");
    assert!(left["mend"].as_str().unwrap().contains(&format!("--to {before}")), "{left}");
    assert_eq!(seat(&told, &number), to);
    office.assert_promises();
    told.assert_promises();
}

#[test]
fn a_day_closed_by_mistake_is_opened_and_its_people_come_back_each_on_their_own() {
    let office = PLANNED.copy();
    office.until_sent();
    let busiest = office.one(
        "SELECT substr(slot_id, 1, length(slot_id) - 17), day FROM convocation WHERE state = 'convoked' GROUP BY 1, 2 ORDER BY count(*) DESC, 1, 2 LIMIT 1",
    );
    let (place, day) = busiest.split_once('|').unwrap();
    let live = format!(
        "SELECT holder_id, slot_id FROM convocation WHERE state = 'convoked' AND day = '{day}' AND slot_id LIKE '{place}/%' ORDER BY 1"
    );
    let before = office.query(&live);
    let n = before.lines().count();
    let shown = office.answer(&["agenda", "close", place, day, "--dry-run", "--reason", "heating", "--json"]);
    let cost = &shown["cost"];
    assert_eq!((cost["people"].as_u64(), &shown["closed"]), (Some(n as u64), &false.into()));
    assert_eq!(office.query(&live), before, "a rehearsal changes nothing");
    let closed = office.answer(&["agenda", "close", place, day, "--reason", "heating", "--yes", "--json"]);
    assert_eq!(&closed["cost"], cost);
    assert_eq!(office.query(&live), "");
    // One of them was told already.
    let told = closed["expected"][0]["new_reference"].as_str().unwrap_or_default().to_owned();
    office.change(&format!("UPDATE outbox SET state = 'accepted' WHERE reference = '{told}'")).unwrap();
    let done = undo(&office, "agenda.closed");
    let left = done["left"].as_array().unwrap();
    assert_eq!(done["undone"].as_array().unwrap().len() + left.len(), n);
    assert_eq!(left.len(), usize::from(!told.is_empty()));
    assert_eq!(office.query(&live).lines().count(), n - left.len());
    office.assert_promises();
}

#[test]
fn a_wrong_mark_is_undone_and_the_right_one_taken_by_the_reference_on_the_sheet() {
    let office = PLANNED.copy();
    let (reference, number) = somebody(&office);
    let yesterday = crate::support::today().pred_opt().unwrap().to_string();
    office.change(&format!("UPDATE outbox SET state = 'accepted' WHERE reference = '{reference}'")).unwrap();
    office.put_appointment_on(&yesterday, &format!("reference = '{reference}'"));
    let slot = office.one(&format!("SELECT slot_id FROM convocation WHERE reference = '{reference}'"));
    office
        .change(&format!("UPDATE reservation SET slot_id = '{slot}', seat = 99 WHERE reference = '{reference}'"))
        .unwrap();
    let mark = |presence: &str| {
        fs::write(office.path("marks.csv"), format!("reference;presence\n{reference};{presence}\n")).unwrap();
        office.ok(&["import", "attendance", "marks.csv", "--json"]);
    };
    mark("absent");
    assert_eq!(seat(&office, &number), "");
    let done = undo(&office, "convocation.marked");
    let new = done["undone"][0].as_str().unwrap();
    assert_eq!(seat(&office, &number), slot);
    mark("honore");
    assert_eq!(office.one(&format!("SELECT state FROM convocation WHERE reference = '{new}'")), "honoured");
    assert_eq!(office.one(&format!("SELECT state FROM convocation WHERE reference = '{reference}'")), "missed");
}

#[test]
fn a_batch_a_return_an_address_a_hold_and_a_refusal_are_undone() {
    let office = PLANNED.copy();
    let waiting = || office.one("SELECT count(*) FROM outbox WHERE state = 'to_post'");
    let before = waiting();
    office.ok(&["post", "--out", "post", "--json"]);
    office.ok(&["post", "--confirm", "post/manifest.json", "--yes", "--json"]);
    assert_eq!(waiting(), "0");
    let returned = office.copy();
    assert_eq!(undo(&office, "letter.posted")["undone"].as_array().unwrap().len().to_string(), before);
    assert_eq!(waiting(), before);

    let posted = returned.one(
        "SELECT reference FROM outbox JOIN convocation c USING (reference) WHERE outbox.state = 'posted' AND c.state = 'convoked' ORDER BY 1 LIMIT 1",
    );
    let number = returned
        .one(&format!("SELECT h.number FROM holder h JOIN convocation USING (holder_id) WHERE reference = '{posted}'"));
    let slot = seat(&returned, &number);
    returned.ok(&["post", "return", &posted, "--reason", "unknown there", "--yes", "--json"]);
    assert_eq!(seat(&returned, &number), "");
    undo(&returned, "letter.returned");
    assert_eq!(seat(&returned, &number), slot);
    assert_eq!(returned.one(&format!("SELECT state FROM outbox WHERE reference = '{posted}'")), "posted");

    let (reference, number) = somebody(&office);
    let address =
        || office.one(&format!("SELECT recipient FROM outbox WHERE reference = '{reference}' AND state <> 'replaced'"));
    let was = address();
    office.ok(&["permit", "set-email", &number, "wrong@example.org", "--reason", "at the counter", "--json"]);
    assert_eq!(address(), "wrong@example.org");
    undo(&office, "holder.email_set");
    assert_eq!(address(), was);

    let held =
        || office.one(&format!("SELECT held FROM permit JOIN holder h USING (holder_id) WHERE h.number = '{number}'"));
    let free = held();
    office.ok(&["permit", "hold", &number, "--reason", "appeal", "--json"]);
    undo(&office, "permit.held");
    assert_eq!(held(), free);

    let request = office.ok(&[
        "requests",
        "add",
        &number,
        "--wish",
        "other",
        "--received",
        "2026-11-20",
        "--reason",
        "letter",
        "--json",
    ]);
    let id = request["request"].as_str().unwrap();
    office.ok(&["requests", "decide", id, "--refuse", "--reason", "x", "--json"]);
    undo(&office, "request.refused");
    assert_eq!(office.one(&format!("SELECT state FROM request WHERE request_id = '{id}'")), "open");
    office.assert_promises();
}

#[test]
fn what_was_changed_again_since_is_left_as_it_is() {
    let office = PLANNED.copy();
    let (_, number) = somebody(&office);
    let set = |address: &str| {
        office.ok(&["permit", "set-email", &number, address, "--reason", "at the counter", "--json"]);
        act(&office, "holder.email_set")
    };
    let first = set("first@example.org");
    set("second@example.org");
    let left = |act: &str| {
        let done = office.ok(&["undo", act, "--reason", "by mistake", "--yes", "--json"]);
        assert_eq!(done["undone"].as_array().unwrap().len(), 0, "{done}");
        done["left"][0]["why"].clone()
    };
    assert_eq!(left(&first), "changed-since");
    let now = format!("SELECT email_set FROM holder WHERE number = '{number}'");
    assert_eq!(office.one(&now), "second@example.org");

    office.ok(&["permit", "hold", &number, "--reason", "appeal", "--json"]);
    let hold = act(&office, "permit.held");
    office.ok(&["permit", "release", &number, "--reason", "withdrawn", "--json"]);
    office.ok(&["permit", "hold", &number, "--reason", "another", "--json"]);
    assert_eq!(left(&hold), "changed-since");
    assert_eq!(
        office.one(&format!(
            "SELECT held FROM permit JOIN holder h USING (holder_id) WHERE h.number = '{number}' AND held"
        )),
        office.one("SELECT 1 = 1")
    );

    let busiest = office.one(
        "SELECT substr(slot_id, 1, length(slot_id) - 17), day FROM convocation WHERE state = 'convoked' GROUP BY 1, 2 ORDER BY count(*) DESC, 1, 2 LIMIT 1",
    );
    let (place, day) = busiest.split_once('|').unwrap();
    let close = || {
        office.answer(&["agenda", "close", place, day, "--reason", "heating", "--yes", "--json"]);
        act(&office, "agenda.closed")
    };
    let closed = close();
    office.ok(&["agenda", "close", place, day, "--undo", "--reason", "repaired", "--json"]);
    close();
    assert_eq!(left(&closed), "changed-since");
    assert_eq!(office.one("SELECT count(*) FROM closed_day"), "1", "what closed it again stands");
    office.assert_promises();
}

#[test]
fn nobody_who_was_convoked_again_or_has_died_gets_a_cancelled_seat_back() {
    let office = PLANNED.copy();
    // Soon due, so that the next night convokes that person again.
    let soon = office.one("SELECT reference, h.number FROM convocation JOIN holder h USING (holder_id) JOIN permit p USING (permit_id) WHERE state = 'convoked' ORDER BY p.expires_on, reference LIMIT 1");
    let (reference, number) = soon.split_once('|').unwrap();
    office.ok(&["convocation", "cancel", reference, "--reason", "x", "--yes", "--json"]);
    let died = office.copy();
    let first = act(&office, "convocation.cancelled");
    office.run(&[]);
    let again = office.one(&format!("SELECT reference FROM convocation JOIN holder h USING (holder_id) WHERE h.number = '{number}' AND state = 'convoked'"));
    office.ok(&["convocation", "cancel", &again, "--reason", "y", "--yes", "--json"]);
    let done = office.ok(&["undo", &first, "--reason", "by mistake", "--yes", "--json"]);
    assert_eq!(done["left"][0]["why"], "changed-since");
    assert_eq!(seat(&office, number), "");

    died.change(&format!("UPDATE permit SET status = 'decede', rule = 'deceased' WHERE holder_id = (SELECT holder_id FROM holder WHERE number = '{number}')")).unwrap();
    assert_eq!(undo(&died, "convocation.cancelled")["left"][0]["why"], "changed-since");
    assert_eq!(seat(&died, number), "");
}

#[test]
fn an_address_that_is_taken_back_takes_its_farewell_with_it() {
    let office = PLANNED.copy();
    office.until_sent();
    let (_, number) = somebody(&office);
    office.ok(&["permit", "set-email", &number, "wrong@example.org", "--reason", "at the counter", "--json"]);
    let done = undo(&office, "holder.email_set");
    assert_eq!((done["undone"].as_array().unwrap().len(), done["left"].as_array().unwrap().len()), (1, 0));
    assert_eq!(sent(&office, &number), "convocation\n", "nobody is told that an address was changed that is in use");
}

#[test]
fn a_batch_is_one_act_and_what_it_posted_again_is_another() {
    let office = PLANNED.copy();
    let confirm = || {
        office.ok(&["post", "--confirm", "post/manifest.json", "--yes", "--json"]);
    };
    let listed = || {
        let acts = office.ok(&["undo", "--json"]);
        acts["acts"].as_array().unwrap().iter().filter(|act| act["kind"] == "letter.posted").count()
    };
    office.ok(&["post", "--out", "post", "--json"]);
    confirm();
    assert_eq!(listed(), 1);
    undo(&office, "letter.posted");
    assert_eq!(listed(), 0);
    confirm();
    assert_eq!(listed(), 1);
    undo(&office, "letter.posted");
    assert_eq!(office.one("SELECT count(*) FROM outbox WHERE state = 'posted'"), "0");
}

/// All that is known of people and permits.
fn everything(office: &Office) -> String {
    office.query(
        "SELECT p.number, p.kind, mention, valid_from, expires_on, status, coalesce(CAST(filed_on AS TEXT), ''), absent, superseded,
             h.number, family_name, given_names, coalesce(email, ''), address, h.commune, p.fingerprint, h.fingerprint
           FROM permit p JOIN holder h USING (holder_id) ORDER BY 1",
    )
}

/// The rows of an office's extract, its head first.
fn extract(office: &Office) -> Vec<String> {
    fs::read_to_string(office.path("permits.csv")).unwrap().split_inclusive('\n').map(str::to_owned).collect()
}

/// The row of somebody new, who is like another.
fn newcomer(row: &str, n: u32) -> String {
    let mut cells: Vec<String> = row.split(';').map(str::to_owned).collect();
    cells[0] = format!("99000000{n:02}");
    cells[15] = format!("NEW-{n}");
    cells.join(";")
}

#[test]
fn an_import_that_is_undone_leaves_every_row_as_it_was_and_may_be_made_again() {
    let office = Office::new(Shape { permits: 200, seats: false });
    let before = everything(&office);
    let mut rows = extract(&office);
    let (gone, first) = (rows.split_off(198), rows[1].clone());
    assert_eq!(gone.len(), 3);
    rows.extend([newcomer(&first, 1), newcomer(&first, 2)]);
    let wrong = rows.concat().replacen(";actif;", ";decede;", 5).replacen("rue", "avenue", 4);
    fs::write(office.path("wrong.csv"), wrong).unwrap();
    let taken = office.ok(&["import", "permits", "wrong.csv", "--full", "--json"]);
    assert_eq!((&taken["inserted"], &taken["vanished"]), (&2.into(), &3.into()), "{taken}");
    assert!(taken["updated"].as_u64().unwrap() >= 5);
    let import = taken["import"].to_string();
    let wrongly = everything(&office);
    let undo = |more: &[&str]| {
        office.ok(&[&["import", "undo", &import, "--reason", "another office", "--json"], more].concat())
    };
    let would = undo(&["--dry-run"]);
    assert_eq!(everything(&office), wrongly, "a rehearsal changes nothing");
    let done = undo(&["--yes"]);
    assert_eq!((&done["restored"], &done["removed"], &done["left"]), (&would["restored"], &2.into(), &would["left"]));
    assert_eq!(done["left"].as_array().unwrap().len(), 0);
    assert_eq!(everything(&office), before);
    assert_eq!(office.query("SELECT holder_id FROM holder WHERE number LIKE '99000000%'"), "");
    assert_eq!(office.one("SELECT count(*) FROM permit_revision"), "0", "nothing of it is kept");
    let twice = office.output(&["import", "undo", &import, "--reason", "again", "--yes"]);
    assert_eq!(twice.status.code(), Some(65));
    let name = first.split(';').nth(1).unwrap();
    let found = |name: &str| office.ok(&["permit", "find", "--json", "--", name]);
    assert!(!found(name)["people"].as_array().unwrap().is_empty(), "{}", found(name));
    // Neither the last extract nor its file counts any more.
    let again = office.ok(&["import", "permits", "wrong.csv", "--full", "--json"]);
    assert_eq!((&again["nothing_new"], &again["inserted"]), (&false.into(), &2.into()));
    // By its act, as any other; and never from under a later one.
    fs::write(office.path("right.csv"), extract(&office).concat()).unwrap();
    office.ok(&["import", "permits", "right.csv", "--full", "--again", "--reason", "it is right", "--json"]);
    let under = office.output(&["import", "undo", &again["import"].to_string(), "--reason", "x", "--yes"]);
    assert!(String::from_utf8_lossy(&under.stderr).contains("undo that one first"), "{under:?}");
    self::undo(&office, "import.done");
    assert_eq!(everything(&office), wrongly);
    office.assert_promises();
}

#[test]
fn what_was_built_on_a_wrong_extract_is_listed_and_the_next_night_takes_back_what_it_did() {
    let office = PLANNED.copy();
    office.until_sent();
    let (reference, number) = somebody(&office);
    let before = seat(&office, &number);
    let mut rows = extract(&office);
    let wrong = rows.iter().position(|row| row.contains(&number)).unwrap();
    // Somebody who must be seen soon, and whom no extract should name.
    let soon = office.one(
        "SELECT h.number FROM convocation JOIN holder h USING (holder_id) JOIN permit p USING (permit_id) WHERE state = 'convoked' ORDER BY p.expires_on, 1 LIMIT 1",
    );
    let like = rows.iter().find(|row| row.contains(&soon)).unwrap().clone();
    rows.push(newcomer(&like, 7));
    rows[wrong] = rows[wrong].replace(";actif;", ";decede;");
    fs::write(office.path("wrong.csv"), rows.concat()).unwrap();
    let taken = office.ok(&["import", "permits", "wrong.csv", "--json"]);
    office.run(&[]);
    assert_eq!(seat(&office, &number), "");
    let convoked = office.one(
        "SELECT reference FROM convocation JOIN holder h USING (holder_id) WHERE h.number LIKE '99000000%' AND state = 'convoked'",
    );
    let import = taken["import"].to_string();
    let done = office.ok(&["import", "undo", &import, "--reason", "the wrong file", "--yes", "--json"]);
    let left: Vec<&str> =
        done["left"].as_array().unwrap().iter().map(|left| left["reference"].as_str().unwrap()).collect();
    assert!(left.contains(&reference.as_str()) && left.contains(&convoked.as_str()), "{done}");
    assert!(done["left"].as_array().unwrap().iter().all(|left| left["why"] == "built-on"));
    assert_eq!((&done["restored"], &done["removed"]), (&1.into(), &0.into()), "whoever was convoked stays known");
    let night = office.run(&[]);
    assert_eq!(night["followed"]["restored"], 1);
    assert_eq!(seat(&office, &number), before);
    office.assert_promises();
}

#[test]
fn until_its_letters_leave_an_act_waits_and_only_its_letters_do() {
    let office = PLANNED.copy();
    office.until_sent();
    let (reference, number) = somebody(&office);
    let mut cancel = office.command(&["convocation", "cancel", &reference, "--reason", "x", "--yes", "--json"]);
    assert!(cancel.env("CONVOKE__DISPATCH__ACT_HOLD_S", "600").output().unwrap().status.success());
    office.ok(&["dispatch", "--until-empty", "--json"]);
    let cancellation = "SELECT count(*) FROM outbox WHERE kind = 'cancellation' AND state = 'queued'";
    assert_eq!(office.one(cancellation), "1", "nobody is told for ten minutes");
    undo(&office, "convocation.cancelled");
    assert!(!sent(&office, &number).contains("cancellation"));
}
