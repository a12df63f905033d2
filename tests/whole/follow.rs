//! Decided is not done: each night looks again at what earlier nights decided, and no letter leaves that says what is no
//! longer true.

use std::fs;

use serde_json::Value;

use crate::support::{Office, PLANNED, now};

/// A person with an appointment and an e-mail address, whose permit has not expired: reference and foreigner number.
fn somebody(office: &Office) -> (String, String) {
    with_channel(office, "h.email IS NOT NULL AND (h.channel IS NULL OR h.channel = 'email')")
}

fn with_channel(office: &Office, holds: &str) -> (String, String) {
    let found = office.one(&format!(
        "SELECT reference, h.number FROM convocation c JOIN holder h USING (holder_id) JOIN permit p USING (permit_id)
           WHERE state = 'convoked' AND {holds} AND c.origin <> 'after-expiry' ORDER BY c.day DESC, reference LIMIT 1"
    ));
    let (reference, number) = found.split_once('|').unwrap();
    (reference.to_owned(), number.to_owned())
}

/// What the next extract says of a person's permit.
fn fact(office: &Office, reference: &str, says: &str) {
    let permit = format!("SELECT permit_id FROM convocation WHERE reference = '{reference}'");
    office
        .change(&format!("UPDATE permit SET {says}, review_on = '2020-01-01' WHERE permit_id IN ({permit})"))
        .unwrap();
}

fn state(office: &Office, reference: &str) -> String {
    office.one(&format!("SELECT state FROM convocation WHERE reference = '{reference}'"))
}

/// The letters of an appointment: kind, state, remark, recipient.
fn letters(office: &Office, reference: &str) -> Vec<String> {
    let found = office.query(&format!(
        "SELECT kind, state, remark, recipient FROM outbox WHERE reference = '{reference}' AND state <> 'replaced' ORDER BY created_at, letter_id"
    ));
    found.lines().map(str::to_owned).collect()
}

fn slot(office: &Office, reference: &str) -> String {
    office.one(&format!("SELECT slot_id FROM convocation WHERE reference = '{reference}'"))
}

/// A night by hand, and its exit code.
fn night(office: &Office, more: &[&str]) -> (Option<i32>, Value) {
    let output = office.output(&[&["run", "--yes", "--reason", "test", "--json"], more].concat());
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn the_seat_of_somebody_who_died_goes_to_somebody_who_needs_one_and_nobody_writes_to_the_deceased() {
    let office = PLANNED.copy();
    let (reference, _) = somebody(&office);
    let seat = slot(&office, &reference);
    // No other seat is free.
    let taken = "(SELECT count(*) FROM reservation r WHERE r.slot_id = slot.slot_id)";
    office.change(&format!("UPDATE slot SET seats = {taken} WHERE {taken} > 0")).unwrap();
    office.change(&format!("DELETE FROM slot WHERE {taken} = 0")).unwrap();
    fact(&office, &reference, "status = 'decede'");
    let (code, run) = night(&office, &[]);
    assert_eq!((code, &run["followed"]["released"]), (Some(4), &1.into()));
    assert_eq!(state(&office, &reference), "cancelled");
    let holder = format!("SELECT reference FROM reservation WHERE slot_id = '{seat}'");
    assert!(!office.query(&holder).lines().any(|line| line == reference));
    let seated = ["firm", "planned", "late_firm", "late_planned"].map(|count| run[count].as_u64().unwrap());
    assert_eq!(seated.iter().sum::<u64>(), 1, "the seat is somebody's: {run}");
    assert_eq!(
        letters(&office, &reference),
        ["convocation|cancelled|deceased|".to_owned() + &recipient(&office, &reference)]
    );
    office.until_sent();
    assert_eq!(letters(&office, &reference).len(), 1, "the deceased are not written to");
    let sheet = office.one(&format!("SELECT cause FROM followed WHERE reference = '{reference}'"));
    assert_eq!(sheet, "deceased");
    office.assert_promises();
}

fn recipient(office: &Office, reference: &str) -> String {
    office.one(&format!("SELECT recipient FROM outbox WHERE reference = '{reference}' AND kind = 'convocation'"))
}

#[test]
fn whoever_filed_is_told_that_the_appointment_is_over_and_why_unless_nobody_had_told_them_of_it() {
    let office = PLANNED.copy();
    let (untold, _) = somebody(&office);
    let told = office.copy();
    fact(&office, &untold, "filed_on = '2026-11-20'");
    assert_eq!(night(&office, &[]).1["followed"]["released"], 1);
    assert_eq!(letters(&office, &untold).len(), 1, "they knew nothing of it");

    told.until_sent();
    fact(&told, &untold, "filed_on = '2026-11-20'");
    let (_, run) = night(&told, &[]);
    assert_eq!((&run["followed"]["told"], &run["followed"]["released"]), (&1.into(), &0.into()));
    told.until_sent();
    let sent = letters(&told, &untold);
    assert_eq!(sent.len(), 2);
    assert!(sent[1].starts_with("cancellation|accepted|"), "{sent:?}");
    let data = told.one(&format!("SELECT data FROM outbox WHERE reference = '{untold}' AND kind = 'cancellation'"));
    assert!(data.contains("\"because\":\"filed\""), "{data}");
    assert_eq!(night(&told, &[]).1["followed"]["told"], 1, "nothing new: the run of before");
    office.assert_promises();
    told.assert_promises();
}

#[test]
fn a_deadline_that_moves_before_the_appointment_moves_it_and_her_old_seat_is_hers_until_then() {
    let office = PLANNED.copy();
    office.until_sent();
    let (reference, _) = somebody(&office);
    let day = office.one(&format!("SELECT day FROM convocation WHERE reference = '{reference}'"));
    let floor = (now() + chrono::TimeDelta::days(14)).date_naive().to_string();
    assert!(day > floor, "{day}");
    let earlier: chrono::NaiveDate = day.parse().unwrap();
    let expiry = earlier.pred_opt().unwrap();
    fact(&office, &reference, &format!("expires_on = '{expiry}'"));
    // Killed between the plan and the move, the run goes on where it was.
    let mut killed = office.command(&["run", "--yes", "--reason", "test"]);
    killed.env("CONVOKE_FAULT", "before-followed").output().unwrap();
    assert_eq!(state(&office, &reference), "convoked", "her old seat is hers until she has the new one");
    office.run(&[]);
    assert_eq!(state(&office, &reference), "moved");
    let new = office.one(&format!("SELECT reference, day FROM convocation WHERE replaces = '{reference}'"));
    let (new, moved_to) = new.split_once('|').unwrap();
    assert!(moved_to <= expiry.to_string().as_str(), "{moved_to}");
    office.until_sent();
    assert!(letters(&office, new)[0].starts_with("change|accepted|"), "{:?}", letters(&office, new));
    let run = office.one("SELECT summary FROM run ORDER BY run_id DESC LIMIT 1");
    let run: Value = serde_json::from_str(&run).unwrap();
    assert_eq!(run["followed"]["moved"], 1);
    let due = run["outcomes"]["due"].as_u64().unwrap();
    let lapses = run["lapses"]["no_possible_day"].as_u64().unwrap() + run["lapses"]["no_capacity"].as_u64().unwrap();
    assert_eq!(due, run["firm"].as_u64().unwrap() + run["planned"].as_u64().unwrap() + lapses, "counted apart");
    office.assert_promises();
}

#[test]
fn without_an_earlier_seat_a_moved_deadline_is_a_lapse_that_is_counted() {
    let office = PLANNED.copy();
    let (reference, _) = somebody(&office);
    office
        .change("DELETE FROM slot WHERE NOT EXISTS (SELECT 1 FROM reservation r WHERE r.slot_id = slot.slot_id)")
        .unwrap();
    office
        .change("UPDATE slot SET seats = (SELECT count(*) FROM reservation r WHERE r.slot_id = slot.slot_id)")
        .unwrap();
    let expiry = (now() + chrono::TimeDelta::days(12)).date_naive();
    fact(&office, &reference, &format!("expires_on = '{expiry}'"));
    let (code, run) = night(&office, &[]);
    assert_eq!((code, &run["followed"]["lapsed"]), (Some(4), &1.into()));
    assert_eq!(state(&office, &reference), "convoked");
    office.assert_promises();
}

#[test]
fn an_extract_in_which_everybody_died_releases_nobody_and_a_person_who_looked_at_the_plan_does() {
    let office = PLANNED.copy();
    let all = "permit_id IN (SELECT permit_id FROM convocation WHERE state = 'convoked' ORDER BY reference LIMIT 60)";
    office.change(&format!("UPDATE permit SET status = 'decede', review_on = '2020-01-01' WHERE {all}")).unwrap();
    let live = || office.one("SELECT count(*) FROM convocation WHERE state = 'convoked'").parse::<u64>().unwrap();
    let before = live();
    let (code, run) = night(&office, &[]);
    assert_eq!((code, &run["followed"]["withheld"], &run["followed"]["released"]), (Some(5), &60.into(), &0.into()));
    assert!(live() >= before, "the rest of the night is carried out");
    // Their letters wait, and everybody else's leave.
    office.until_sent();
    let theirs =
        "SELECT DISTINCT o.state FROM outbox o JOIN convocation c USING (reference) JOIN permit p USING (permit_id)
         WHERE p.status = 'decede' AND o.channel = 'email'";
    assert_eq!(office.one(theirs), "held");
    let shown = office.answer(&["plan", "--json"]);
    assert_eq!((&shown["above_limit"], &shown["followed"]["released"]), (&60.into(), &60.into()));
    let hash = shown["plan_hash"].as_str().unwrap();
    let (code, run) = night(&office, &["--plan", hash]);
    assert!(matches!(code, Some(0 | 4)), "{run}");
    assert_eq!(run["followed"]["released"], 60);
    office.assert_promises();
}

#[test]
fn a_fact_that_is_taken_back_before_the_night_lets_the_letter_go() {
    let office = PLANNED.copy();
    let (reference, _) = somebody(&office);
    fact(&office, &reference, "status = 'decede'");
    office.until_sent();
    assert!(letters(&office, &reference)[0].starts_with("convocation|held|deceased|"));
    fact(&office, &reference, "status = 'actif'");
    office.until_sent();
    assert!(letters(&office, &reference)[0].starts_with("convocation|accepted|"), "{:?}", letters(&office, &reference));
    office.assert_promises();
}

#[test]
fn a_fact_that_is_taken_back_after_the_night_gives_the_same_seat_back_with_one_letter() {
    let office = PLANNED.copy();
    office.until_sent();
    let (reference, _) = somebody(&office);
    let seat = slot(&office, &reference);
    fact(&office, &reference, "status = 'decede'");
    assert_eq!(night(&office, &[]).1["followed"]["released"], 1);
    fact(&office, &reference, "status = 'actif'");
    let (_, run) = night(&office, &[]);
    assert_eq!(run["followed"]["restored"], 1, "{run}");
    let new = office.one(&format!("SELECT reference, slot_id, state FROM convocation WHERE replaces = '{reference}'"));
    let parts: Vec<&str> = new.split('|').collect();
    assert_eq!(parts[1..], [seat.as_str(), "convoked"]);
    office.until_sent();
    assert_eq!(letters(&office, parts[0]).len(), 1);
    assert_eq!(night(&office, &[]).1["followed"]["restored"], 1, "nothing new: the run of before");
    office.assert_promises();
}

#[test]
fn a_letter_leaves_to_the_address_and_under_the_name_of_the_moment() {
    let office = PLANNED.copy();
    let (reference, number) = somebody(&office);
    office
        .change(&format!(
            "UPDATE holder SET email = 'newer@example.org', family_name = 'NOUVEAU' WHERE number = '{number}'"
        ))
        .unwrap();
    office.until_sent();
    assert_eq!(letters(&office, &reference), ["convocation|accepted||newer@example.org"]);
    let data = office.one(&format!("SELECT data FROM outbox WHERE reference = '{reference}' AND state = 'accepted'"));
    assert!(data.contains("NOUVEAU"), "{data}");
    let former =
        office.one(&format!("SELECT count(*) FROM outbox WHERE reference = '{reference}' AND state = 'replaced'"));
    assert_eq!(former, "1", "what it said stays in the history");
    office.assert_promises();
}

#[test]
fn an_address_that_is_corrected_twice_gets_one_letter() {
    let office = PLANNED.copy();
    let (reference, number) = somebody(&office);
    for address in ["wrong@example.org", "right@example.org", "right@example.org"] {
        office.ok(&["permit", "set-email", &number, address, "--reason", "at the counter", "--json"]);
    }
    office.until_sent();
    assert_eq!(letters(&office, &reference), ["convocation|accepted||right@example.org"]);
    let failed = PLANNED.copy();
    failed.change(&format!("UPDATE outbox SET state = 'failed' WHERE reference = '{reference}'")).unwrap();
    for address in ["wrong@example.org", "right@example.org", "right@example.org"] {
        failed.ok(&["permit", "set-email", &number, address, "--reason", "at the counter", "--json"]);
    }
    failed.until_sent();
    let sent: Vec<String> = letters(&failed, &reference).into_iter().filter(|l| l.contains("|accepted|")).collect();
    assert_eq!(sent, ["convocation|accepted||right@example.org"]);
    // What the e-mail brought is not posted too.
    failed.ok(&["post", "--out", "post", "--json"]);
    let manifest = fs::read_to_string(failed.path("post/manifest.json")).unwrap();
    assert!(!manifest.contains(&reference), "{manifest}");
    failed.assert_promises();
}

#[test]
fn nobody_is_told_of_a_change_to_an_appointment_that_they_were_never_told_of() {
    let office = PLANNED.copy();
    let (reference, _) = somebody(&office);
    let options = office.answer(&["convocation", "options", &reference, "--json"]);
    let to = options["seats"][0]["slot"].as_str().unwrap();
    let moved = office.ok(&["convocation", "move", &reference, "--to", to, "--reason", "asked", "--yes", "--json"]);
    let new = moved["reference"].as_str().unwrap();
    let (other, _) = somebody(&office);
    let cancelled = office.ok(&["convocation", "cancel", &other, "--reason", "asked", "--yes", "--json"]);
    assert!(other == new || cancelled["letter"].is_null(), "{cancelled}");
    office.until_sent();
    assert!(letters(&office, &reference)[0].starts_with("convocation|cancelled|"));
    if other == new {
        assert!(letters(&office, new)[0].starts_with("convocation|cancelled|"));
    } else {
        assert!(letters(&office, new)[0].starts_with("convocation|accepted|"));
        assert_eq!(letters(&office, &other).len(), 1);
    }
    office.assert_promises();
}

#[test]
fn what_was_printed_and_is_no_longer_true_is_taken_out_of_the_pile() {
    let office = PLANNED.copy();
    let (reference, number) = with_channel(&office, "(h.email IS NULL OR h.channel = 'post')");
    office.ok(&["post", "--out", "post", "--json"]);
    let (dead, _) = {
        let other = office.one(&format!(
            "SELECT c.reference, h.number FROM outbox o JOIN convocation c USING (reference) JOIN holder h USING (holder_id)
               WHERE o.state = 'to_post' AND c.reference <> '{reference}' ORDER BY 1 LIMIT 1"
        ));
        let (reference, number) = other.split_once('|').unwrap();
        (reference.to_owned(), number.to_owned())
    };
    fact(&office, &dead, "status = 'decede'");
    office.change(&format!("UPDATE holder SET address = '9 rue Neuve' WHERE number = '{number}'")).unwrap();
    let output = office.output(&["post", "--confirm", "post/manifest.json", "--yes", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    let out: Vec<&str> =
        done["taken_out"].as_array().unwrap().iter().map(|l| l["reference"].as_str().unwrap()).collect();
    assert!(out.len() == 2 && out.contains(&reference.as_str()) && out.contains(&dead.as_str()), "{done}");
    assert!(done["posted"].as_u64().unwrap() > 0, "the others are marked");
    assert!(letters(&office, &reference)[0].starts_with("convocation|to_post|"));
    // The next batch has the letter with the new street, and not that of the deceased.
    office.ok(&["post", "--out", "again", "--json"]);
    let manifest = fs::read_to_string(office.path("again/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let names = |list: &Value| {
        list.as_array().unwrap().iter().map(|l| l["reference"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&manifest["letters"]), [reference]);
    assert!(names(&manifest["skipped"]).contains(&dead));
    office.assert_promises();
}

#[test]
fn a_clock_that_is_not_believed_ends_no_letter_and_what_it_ended_is_brought_back() {
    let office = PLANNED.copy();
    let waiting = || office.one("SELECT count(*) FROM outbox WHERE state = 'queued'");
    let before = waiting();
    let years = crate::support::seconds_ahead().parse::<i64>().unwrap() + 4 * 365 * 86_400;
    let mut dispatch = office.command(&["dispatch", "--until-empty"]);
    let output = dispatch.env("CONVOKE_FAULT_CLOCK", years.to_string()).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("days ahead of when it was last seen"));
    assert_eq!(waiting(), before, "nothing expired, and nothing left");

    let (reference, _) = somebody(&office);
    office.change(&format!("UPDATE outbox SET state = 'expired' WHERE reference = '{reference}'")).unwrap();
    office.ok(&["outbox", "retry", &reference, "--reason", "the clock was wrong", "--json"]);
    office.until_sent();
    assert!(letters(&office, &reference)[0].starts_with("convocation|accepted|"));
    office.assert_promises();
}

#[test]
fn what_is_known_of_appointments_made_before_is_listed_once_and_never_acted_upon() {
    let office = PLANNED.copy();
    office.change("UPDATE convocation SET made_rule = NULL, made_expires_on = NULL").unwrap();
    let (reference, _) = somebody(&office);
    fact(&office, &reference, "status = 'decede'");
    let (_, run) = night(&office, &[]);
    assert_eq!((&run["followed"]["listed"], &run["followed"]["released"]), (&1.into(), &0.into()));
    assert_eq!(state(&office, &reference), "convoked");
    let generation = run["generation"].clone();
    assert_eq!(night(&office, &[]).1["generation"], generation, "listed once");
    office.assert_promises();
}

/// One of `sides`, by a die that always falls alike.
fn dice(seed: u64, turn: u64, sides: u64) -> u64 {
    let hash = convoke_domain::ids::keyed_hash(b"follow", &[&seed.to_le_bytes(), &turn.to_le_bytes()]);
    u64::from_be_bytes(hash[..8].try_into().unwrap()) % sides
}

/// A live appointment to come, by chance: reference and foreigner number.
fn anyone(office: &Office, seed: u64, turn: u64) -> Option<(String, String)> {
    let floor = (now() + chrono::TimeDelta::days(1)).date_naive();
    let live = office.query(&format!(
        "SELECT reference, h.number FROM convocation JOIN holder h USING (holder_id) WHERE state = 'convoked' AND day > '{floor}' ORDER BY reference"
    ));
    let lines: Vec<&str> = live.lines().collect();
    let (reference, number) = lines.get(dice(seed, turn, lines.len().max(1) as u64) as usize)?.split_once('|')?;
    Some((reference.to_owned(), number.to_owned()))
}

/// Something happens: a fact, an act, letters that leave, or a night.
fn happens(office: &Office, seed: u64, turn: u64) {
    let Some((reference, number)) = anyone(office, seed, turn) else { return };
    let soon = (now() + chrono::TimeDelta::days(12 + dice(seed, turn + 500, 60) as i64)).date_naive();
    let by_hand = |args: &[&str]| {
        // Whoever may not be moved or written to any more is refused.
        let code = office.output(&[args, &["--reason", "chance", "--yes"]].concat()).status.code();
        assert!(matches!(code, Some(0 | 4 | 65)), "{seed}/{turn} {args:?}: {code:?}");
    };
    match dice(seed, turn + 1_000, 13) {
        0 => fact(office, &reference, "status = 'decede'"),
        1 => fact(office, &reference, "status = 'retire'"),
        2 => fact(office, &reference, &format!("filed_on = '{}'", now().date_naive())),
        3 | 4 => fact(office, &reference, &format!("expires_on = '{soon}'")),
        5 => {
            let said = "status = 'actif', filed_on = NULL, review_on = '2020-01-01'";
            office.change(&format!("UPDATE permit SET {said} WHERE status <> 'renouvele'")).unwrap();
        }
        6 => office
            .change(&format!("UPDATE holder SET email = 'turn{turn}@example.org' WHERE number = '{number}'"))
            .unwrap(),
        7 => by_hand(&["permit", "set-email", &number, &format!("set{turn}@example.org")]),
        8 => by_hand(&["convocation", "cancel", &reference]),
        9 => {
            let acts = office.ok(&["undo", "--json"]);
            if let Some(act) = acts["acts"][0]["act"].as_i64() {
                by_hand(&["undo", &act.to_string()]);
            }
        }
        10 => drop(office.output(&["dispatch", "--until-empty"])),
        _ => assert!(matches!(night(office, &[]).0, Some(0 | 4 | 5)), "{seed}/{turn}"),
    }
}

#[test]
fn whatever_happens_nobody_keeps_what_they_do_not_need_and_no_letter_says_what_is_not_so() {
    for seed in 0..8 {
        let office = PLANNED.copy();
        for turn in 0..14 {
            happens(&office, seed, turn);
        }
        // Facts rest, and two nights pass.
        for _ in 0..2 {
            night(&office, &[]);
            office.output(&["dispatch", "--until-empty"]);
        }
        let floor = (now() + chrono::TimeDelta::days(7)).date_naive();
        let none = |sql: &str, what: &str| assert_eq!(office.query(sql), "", "{what}, seed {seed}");
        none(
            "SELECT reference FROM convocation c JOIN permit p USING (permit_id) WHERE c.state = 'convoked'
               AND (p.status = 'decede' OR p.filed_on IS NOT NULL)
               AND NOT EXISTS (SELECT 1 FROM followed f WHERE f.reference = c.reference AND f.consequence IN ('withheld', 'listed'))",
            "a seat is held by somebody who no longer needs it",
        );
        none(
            "SELECT o.letter_id FROM outbox o JOIN convocation c USING (reference) JOIN holder h USING (holder_id)
               WHERE o.state IN ('queued', 'deferred') AND o.occasion NOT LIKE 'adieu%' AND o.recipient <> coalesce(nullif(h.email_set, ''), h.email)
               AND (h.email_set IS NULL OR h.email_set_over = coalesce(h.email, ''))",
            "a letter waits for an address that is not the person's",
        );
        none(
            "SELECT reference, kind, revision, occasion FROM outbox WHERE state = 'accepted' GROUP BY 1, 2, 3, 4 HAVING count(*) > 1",
            "a letter left twice",
        );
        none(
            &format!("SELECT reference FROM convocation c JOIN permit p USING (permit_id) WHERE c.state = 'convoked' AND p.status = 'actif' AND p.filed_on IS NULL
               AND c.day > '{floor}' AND NOT p.held AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.reference = c.reference
                 AND o.kind IN ('convocation', 'change') AND o.state NOT IN ('cancelled', 'replaced', 'held'))"),
            "somebody has an appointment and no letter about it",
        );
        none(
            "SELECT c.reference FROM convocation c JOIN permit p USING (permit_id) WHERE c.state = 'convoked' AND c.origin <> 'after-expiry'
               AND c.day > p.expires_on AND p.status = 'actif' AND p.filed_on IS NULL AND NOT p.held
               AND NOT EXISTS (SELECT 1 FROM followed f WHERE f.reference = c.reference AND f.consequence IN ('lapsed', 'listed', 'withheld'))",
            "somebody whose deadline moved keeps a day after it",
        );
        office.assert_promises();
    }
}
