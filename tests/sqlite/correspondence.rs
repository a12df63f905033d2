//! Letters after they are decided: shown again, explained, checked, posted, followed by reminders. And notices to
//! people who are not convoked.

use std::collections::BTreeSet;
use std::fs;

use chrono::Days;
use serde_json::Value;

use crate::SENT;
use crate::support::{self, Office, PLANNED, Shape, today};

fn accepted(office: &Office) -> String {
    office.one("SELECT reference FROM outbox WHERE state = 'accepted' AND channel = 'email' ORDER BY reference LIMIT 1")
}

/// Makes the next run of today plan anew.
fn bring_news(office: &Office) {
    let somebody = "(SELECT permit_id FROM permit WHERE rule = 'not-yet-due' ORDER BY permit_id LIMIT 1)";
    office
        .change(&format!("UPDATE permit SET rule = 'held', review_on = '0001-01-01' WHERE permit_id = {somebody}"))
        .unwrap();
}

#[test]
fn a_letter_is_shown_again_to_the_byte_whatever_the_templates_are_now() {
    let office = SENT.copy();
    let reference = accepted(&office);
    let shown = office.ok(&["letters", "show", &reference, "--out", "again", "--json"]);
    assert_eq!((&shown["letters"][0]["identical"], shown["letters"].as_array().unwrap().len()), (&true.into(), 1));
    let id = shown["letters"][0]["id"].as_str().unwrap().replace('/', "-");
    let mail = fs::read(office.path(&format!("again/{id}.eml"))).unwrap();
    assert!(office.mails().iter().any(|sent| fs::read(sent).unwrap() == mail), "the e-mail as it was sent");
    for end in ["pdf", "html", "txt", "ics"] {
        assert!(office.path(&format!("again/{id}.{end}")).exists(), "{end}");
    }
    // The préfecture's current templates are not those of the letter.
    fs::create_dir_all(office.path("words/layout")).unwrap();
    let logo = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"><circle r=\"4\"/></svg>";
    fs::write(office.path("words/layout/logo.svg"), logo).unwrap();
    let output = office
        .command(&["letters", "show", &reference, "--json"])
        .env("CONVOKE__FILES__TEMPLATES", "words")
        .output()
        .unwrap();
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&shown["letters"][0]["identical"], output.status.code()), (&true.into(), Some(0)));
}

#[test]
fn a_template_that_fails_stops_whatever_writes_letters_and_no_answer_at_the_counter() {
    let office = SENT.copy();
    let reference = accepted(&office);
    let number = office.one("SELECT number FROM holder LIMIT 1");
    fs::create_dir_all(office.path("words/fr")).unwrap();
    fs::write(office.path("words/fr/reminder.md"), "{{ nobody.knows }}").unwrap();
    let code = |arguments: &[&str]| {
        let output = office.command(arguments).env("CONVOKE__FILES__TEMPLATES", "words").output().unwrap();
        let answered = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(0) || answered.contains("fr/reminder.md"), "{arguments:?}: {answered}");
        output.status.code()
    };
    let before = office.one("SELECT count(*) FROM ledger_entry");
    let cancel = ["convocation", "cancel", &reference, "--reason", "essai", "--yes"];
    let run = office.one("SELECT run_id FROM run LIMIT 1");
    office.change("UPDATE run SET state = 'committing'").unwrap();
    let writing: [&[&str]; 8] = [
        &["runs", "resume", &run],
        &["permit", "set-email", &number, "other@example.org", "--reason", "essai"],
        &["run", "--yes", "--reason", "essai"],
        &["dispatch", "--until-empty"],
        &["post", "--out", "post"],
        &cancel,
        &["config", "check"],
        &["templates", "check"],
    ];
    for arguments in writing {
        assert_eq!(code(arguments), Some(78), "{arguments:?}");
    }
    assert_eq!(office.one("SELECT count(*) FROM ledger_entry"), before, "nothing was done");
    assert_eq!(office.one("SELECT DISTINCT state FROM run"), "committing", "nor taken over");
    office.change("UPDATE run SET state = 'completed'").unwrap();
    let reading: [&[&str]; 6] = [
        &["pause", "--reason", "essai"],
        &["permit", "timeline", &number],
        &["permit", "find", &number],
        &["outbox", "list"],
        &["runs", "list"],
        &["ledger", "verify"],
    ];
    for arguments in reading {
        assert_eq!(code(arguments), Some(0), "{arguments:?}");
    }
}

#[test]
fn what_has_changed_since_a_letter_was_sent_is_named() {
    let differs = |change: &str| {
        let office = SENT.copy();
        let reference = accepted(&office);
        office.change(&change.replace("REF", &reference)).unwrap();
        let output = office.output(&["letters", "show", &reference, "--json"]);
        assert_eq!(output.status.code(), Some(1));
        let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(shown["letters"][0]["identical"], false);
        shown["letters"][0]["differs"].clone()
    };
    let data = "UPDATE outbox SET data = json_set(data, '$.appointment.desk', 'Autre guichet') WHERE reference = 'REF'";
    assert_eq!(differs(data), serde_json::json!(["data"]));
    let templates = "UPDATE outbox SET rendered = json_set(rendered, '$.templates', 'x') WHERE reference = 'REF'";
    assert_eq!(differs(templates), serde_json::json!(["templates"]));
    let fonts = "UPDATE outbox SET rendered = json_set(rendered, '$.fonts', 'x', '$.engine', 'y'), sha256 = 'z' WHERE reference = 'REF'";
    assert_eq!(differs(fonts), serde_json::json!(["fonts", "engine"]));
}

#[test]
fn the_code_on_a_letter_is_ours_and_another_is_not() {
    let office = &SENT.copy();
    let reference = accepted(office);
    let code = office.one(&format!("SELECT json_extract(data, '$.code') FROM outbox WHERE reference = '{reference}'"));
    let good = office.ok(&["letters", "check-code", &reference, &code.to_lowercase(), "--json"]);
    assert_eq!((&good["valid"], &good["state"]), (&true.into(), &"convoked".into()));
    let bad = office.output(&["letters", "check-code", &reference, "0000-0000-0000-0000", "--json"]);
    assert_eq!(bad.status.code(), Some(65));
    let bad: Value = serde_json::from_slice(&bad.stdout).unwrap();
    // Guessing reveals nothing about the convocation.
    assert_eq!((&bad["valid"], &bad["state"]), (&false.into(), &Value::Null));
    assert_eq!(office.output(&["letters", "check-code", "RC-94-2026-0000001-X", &code]).status.code(), Some(65));
}

#[test]
fn a_date_is_explained_in_plain_french() {
    let office = &SENT.copy();
    let reference = accepted(office);
    let explained = office.ok(&["letters", "explain", &reference, "--json"]);
    let text = explained["text"].as_str().unwrap();
    let run = office.ok(&["runs", "list", "--json"])["runs"][0].clone();
    for answered in
        [reference.as_str(), "LES DONNÉES UTILISÉES", "LES RÈGLES APPLIQUÉES", run["plan_hash"].as_str().unwrap()]
    {
        assert!(text.contains(answered), "{answered}: {text}");
    }
    let name = office.one(&format!(
        "SELECT family_name FROM holder JOIN convocation USING (holder_id) WHERE reference = '{reference}'"
    ));
    assert!(!text.contains(&name), "an explanation names nobody");
    assert!(
        text.lines().all(|l| l.chars().count() <= 80 || l.contains(run["plan_hash"].as_str().unwrap()) || l.len() > 64)
    );
}

#[test]
fn the_post_leaves_once_whoever_confirms_it() {
    let office = SENT.copy();
    let waiting: usize = office.one("SELECT count(*) FROM outbox WHERE state = 'to_post'").parse().unwrap();
    assert!(waiting > 3, "{waiting}");
    let first = office.ok(&["post", "--out", "a", "--json"]);
    let again = office.ok(&["post", "--out", "b", "--json"]);
    assert_eq!(first["letters"], waiting);
    // Preparing changes nothing, and gives the same bytes.
    assert_eq!((&first["batch"], &first["files"]), (&again["batch"], &again["files"]));
    assert_eq!(fs::read(office.path("a/manifest.json")).unwrap(), fs::read(office.path("b/manifest.json")).unwrap());
    let pages = first["files"][0]["pages"].as_u64().unwrap();
    assert!(pages >= 2 * waiting as u64 && pages.is_multiple_of(2), "each letter begins on a sheet of its own");
    let addresses = fs::read_to_string(office.path("a/adresses.csv")).unwrap();
    assert_eq!(addresses.lines().count(), waiting + 1);

    // A modified manifest is refused, and marks nothing.
    let manifest = fs::read_to_string(office.path("a/manifest.json")).unwrap();
    let victim = accepted(&office);
    let forged = manifest.replacen("RC-94", &victim[..5], 1).replacen("convocation/0", "convocation/1", 1);
    fs::write(office.path("forged.json"), forged).unwrap();
    assert_eq!(office.output(&["post", "--confirm", "forged.json", "--yes"]).status.code(), Some(65));
    assert_eq!(office.one("SELECT count(*) FROM outbox WHERE state = 'posted'"), "0");

    let confirmed = office.ok(&["post", "--confirm", "a/manifest.json", "--yes", "--json"]);
    assert_eq!((&confirmed["posted"], &confirmed["already"]), (&waiting.into(), &0.into()));
    let twice = office.ok(&["post", "--confirm", "b/manifest.json", "--yes", "--json"]);
    assert_eq!((&twice["posted"], &twice["already"]), (&0.into(), &waiting.into()));
    assert_eq!(office.ok(&["post", "--out", "c", "--json"])["letters"], 0);
    assert_eq!(office.ok(&["ledger", "verify", "--json"])["valid"], true);

    // Posted letters are shown again too.
    let posted = office.one("SELECT reference FROM outbox WHERE state = 'posted' ORDER BY reference LIMIT 1");
    assert_eq!(office.ok(&["letters", "show", &posted, "--json"])["letters"][0]["identical"], true);
    // A returned letter frees the seat, once.
    let returned = office.ok(&["post", "return", &posted, "--reason", "unknown there", "--yes", "--json"]);
    assert_eq!(returned["undelivered"], true);
    assert_eq!(office.one(&format!("SELECT count(*) FROM reservation WHERE reference = '{posted}'")), "0");
    assert_eq!(office.one(&format!("SELECT state FROM convocation WHERE reference = '{posted}'")), "undelivered");
    assert_eq!(office.output(&["post", "return", &posted, "--reason", "x", "--yes"]).status.code(), Some(65));
    assert_eq!(office.output(&["post", "return", &victim, "--reason", "x", "--yes"]).status.code(), Some(65));
}

#[test]
fn a_letter_whose_e_mail_failed_goes_by_post_and_one_that_is_in_vain_does_not() {
    let office = SENT.copy();
    let before = office.ok(&["post", "--out", "a", "--json"])["letters"].as_u64().unwrap();
    let failed = accepted(&office);
    office.change(&format!("UPDATE outbox SET state = 'failed' WHERE reference = '{failed}'")).unwrap();
    let cancelled = office.one("SELECT reference FROM outbox WHERE state = 'to_post' ORDER BY reference LIMIT 1");
    office.change(&format!("UPDATE convocation SET state = 'cancelled' WHERE reference = '{cancelled}'")).unwrap();
    let batch = office.ok(&["post", "--out", "b", "--json"]);
    assert_eq!(batch["letters"], before);
    assert_eq!(batch["skipped"][0]["reference"], cancelled.as_str());
    let manifest = fs::read_to_string(office.path("b/manifest.json")).unwrap();
    assert!(manifest.contains(&failed));
    let confirmed = office.ok(&["post", "--confirm", "b/manifest.json", "--yes", "--json"]);
    assert_eq!((&confirmed["posted"], &confirmed["already"]), (&before.into(), &0.into()));
    assert_eq!(office.ok(&["post", "--confirm", "b/manifest.json", "--yes", "--json"])["already"], before);
    // The e-mail's record stays: the paper letter has a row of its own.
    let rows = format!("SELECT channel, state FROM outbox WHERE reference = '{failed}' ORDER BY 1");
    assert_eq!(office.one(&rows), "email|failed\npost|posted");
    assert_eq!(office.ok(&["post", "--out", "c", "--json"])["letters"], 0);
    let office = &SENT.copy();
    let calls = office.ok(&["post", "--out", "calls", "--channel", "sms", "--json"]);
    let csv = fs::read_to_string(office.path("calls/sms.csv")).unwrap();
    assert_eq!(csv.lines().count() as u64, calls["calls"].as_u64().unwrap() + 1);
    for line in csv.lines().skip(1) {
        let cells: Vec<&str> = line.split(';').collect();
        assert!(cells[0].bytes().all(|b| b.is_ascii_digit()) && cells[1].len() <= 160 && cells[1].is_ascii(), "{line}");
        assert!(cells[1].contains(cells[2]));
    }
}

#[test]
fn an_e_mail_whose_appointment_does_not_hold_or_comes_too_soon_is_not_sent() {
    let office = PLANNED.copy();
    let queued = office.one("SELECT reference FROM outbox WHERE state = 'queued' ORDER BY reference LIMIT 2");
    let [cancelled, soon] = queued.lines().collect::<Vec<_>>()[..] else { panic!("{queued}") };
    let day = today() + Days::new(2);
    office
        .change(&format!(
            "UPDATE convocation SET state = 'cancelled' WHERE reference = '{cancelled}';
             UPDATE convocation SET day = '{day}' WHERE reference = '{soon}'"
        ))
        .unwrap();
    let sent = office.ok(&["dispatch", "--until-empty", "--json"]);
    assert_eq!((&sent["cancelled"], &sent["expired"]), (&1.into(), &1.into()));
    let states = format!("SELECT state FROM outbox WHERE reference IN ('{cancelled}', '{soon}') ORDER BY 1");
    assert_eq!(office.one(&states), "cancelled\nexpired");
    // A person whose letter would come too late is called, or listed as having no number.
    let calls = office.ok(&["post", "--out", "calls", "--channel", "phone", "--json"]);
    let numbers = fs::read_to_string(office.path("calls/phone.csv")).unwrap();
    assert!(numbers.contains(soon) || calls["without_number"].to_string().contains(soon), "{calls}");
    assert!(!numbers.contains(cancelled));
}

#[test]
fn an_appointment_that_comes_near_is_reminded_of_once() {
    let office = SENT.copy();
    let reference = accepted(&office);
    let (soon, then) = (today() + Days::new(6), today() - Days::new(10));
    office
        .change(&format!(
            "UPDATE convocation SET day = '{soon}' WHERE reference = '{reference}';
             UPDATE outbox SET data = json_set(data, '$.appointment.day', '{soon}', '$.business_date', '{then}') WHERE reference = '{reference}'"
        ))
        .unwrap();
    // A person who has died since, and one who now wants letters on paper, get no reminder.
    let others = office.one("SELECT reference FROM outbox WHERE state = 'accepted' AND channel = 'email' ORDER BY reference LIMIT 2 OFFSET 1"
    );
    let [dead, paper] = others.lines().collect::<Vec<_>>()[..] else { panic!("{others}") };
    for (reference, change) in [
        (
            dead,
            "UPDATE permit SET status = 'decede', review_on = '0001-01-01' WHERE permit_id = (SELECT permit_id FROM convocation WHERE reference = 'REF')",
        ),
        (
            paper,
            "UPDATE holder SET channel = 'post' WHERE holder_id = (SELECT holder_id FROM convocation WHERE reference = 'REF')",
        ),
    ] {
        office
            .change(&format!(
                "UPDATE convocation SET day = '{soon}' WHERE reference = '{reference}';
                 UPDATE outbox SET data = json_set(data, '$.appointment.day', '{soon}', '$.business_date', '{then}') WHERE reference = '{reference}';
                 {}", change.replace("REF", reference)
            ))
            .unwrap();
    }
    bring_news(&office);
    assert_eq!(office.run(&[])["letters"]["reminders"], 1);
    bring_news(&office);
    assert_eq!(office.run(&[])["letters"]["reminders"], 0);
    let mails = office.mails().len();
    office.until_sent();
    assert_eq!(office.mails().len(), mails + 1);
    let sent = office.one("SELECT letter_id, state FROM outbox WHERE kind = 'reminder'");
    assert_eq!(sent, format!("{reference}/reminder/0/J-7|accepted"));
    // Without reminder days there is no reminder.
    bring_news(&office);
    office.change("DELETE FROM outbox WHERE kind = 'reminder'").unwrap();
    let output = office
        .command(&["run", "--yes", "--reason", "test", "--json"])
        .env("CONVOKE__POLICY__REMINDER_DAYS", "60")
        .output()
        .unwrap();
    assert!(matches!(output.status.code(), Some(0 | 4 | 78)), "{output:?}");
}

#[test]
fn a_second_convocation_of_the_same_permit_also_goes_by_post() {
    let office = SENT.copy();
    let reference = accepted(&office);
    let permit = office.one(&format!("SELECT permit_id FROM convocation WHERE reference = '{reference}'"));
    office
        .change(&format!(
            "UPDATE convocation SET state = 'missed' WHERE reference = '{reference}';
             DELETE FROM reservation WHERE reference = '{reference}';
             UPDATE permit SET review_on = '0001-01-01' WHERE permit_id = '{permit}'"
        ))
        .unwrap();
    let letters = office.run(&[])["letters"].clone();
    assert_eq!(letters["also_post"], 1, "{letters}");
    let channels = format!(
        "SELECT channel, occasion, outbox.state FROM outbox JOIN convocation USING (reference) WHERE permit_id = '{permit}' AND convocation.state = 'convoked' ORDER BY 1"
    );
    assert_eq!(office.one(&channels), "email||queued\npost|copie|to_post");
}

#[test]
fn a_title_of_the_online_list_gets_one_letter_when_its_window_opens() {
    let dir = Office::new(Shape { permits: 0, seats: false });
    let office = dir.path("online");
    let convoke = |args: &[&str]| {
        let output = dir.command(args).current_dir(&office).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 4)), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    dir.ok(&["init", "--dir", "online", "--example", "94-2026", "--json"]);
    let mut extract = Vec::new();
    convoke::demo::world::write_permits(7, 800, today(), &mut extract).unwrap();
    fs::write(office.join("permits.csv"), extract).unwrap();
    convoke(&["import", "permits", "permits.csv", "--json"]);
    let night = convoke(&["run", "--yes", "--reason", "test", "--json"]);
    let answered = night["letters"]["notices"]["depot-en-ligne"].as_u64().unwrap();
    let online = night["outcomes"]["due.online"].as_u64().unwrap();
    assert!(answered > 0 && answered <= online, "{answered} of {online}");
    assert_eq!(night["letters"]["queued"].as_u64().unwrap() + night["letters"]["to_post"].as_u64().unwrap(), 0);
    let letters = convoke(&["outbox", "list", "--json"]);
    let kinds: BTreeSet<&str> =
        letters["letters"].as_array().unwrap().iter().map(|l| l["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, BTreeSet::from(["depot-en-ligne"]));
    let references: BTreeSet<&str> =
        letters["letters"].as_array().unwrap().iter().map(|l| l["reference"].as_str().unwrap()).collect();
    assert_eq!(references.len() as u64, answered);
    assert!(references.iter().all(|r| r.starts_with("DL-94-")));
    let again = convoke(&["run", "--yes", "--reason", "test", "--json"]);
    assert_eq!(again["run"], night["run"], "nothing new, and nobody told twice");
}

#[test]
fn notices_beyond_what_a_night_may_write_are_counted_and_follow_the_next_night() {
    let dir = Office::new(Shape { permits: 0, seats: false });
    let office = dir.path("online");
    let convoke = |args: &[&str], settings: &[(&str, &str)]| {
        let mut command = dir.command(args);
        let output = command.current_dir(&office).envs(settings.iter().copied()).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 4)), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    dir.ok(&["init", "--dir", "online", "--example", "94-2026", "--json"]);
    let mut extract = Vec::new();
    convoke::demo::world::write_permits(7, 800, today(), &mut extract).unwrap();
    fs::write(office.join("permits.csv"), extract).unwrap();
    convoke(&["import", "permits", "permits.csv", "--json"], &[]);
    let run = ["run", "--yes", "--reason", "test", "--json"];
    let first = convoke(&run, &[("CONVOKE__POLICY__MAX_FIRM_PER_RUN", "3")]);
    let left = first["letters"]["notices_left"].as_u64().unwrap();
    assert!(first["letters"]["notices"]["depot-en-ligne"] == 3 && left > 0, "{first}");
    assert!(first["warnings"].to_string().contains(&format!("{left} lettre")), "{first}");
    let tomorrow = (support::seconds_ahead().parse::<i64>().unwrap() + 86_400).to_string();
    let next = convoke(&run, &[("CONVOKE_FAULT_CLOCK", &tomorrow)]);
    let written = next["letters"]["notices"]["depot-en-ligne"].as_u64().unwrap();
    assert!(written >= left && next["letters"]["notices_left"] == 0, "{left} were left: {next}");
}

#[test]
fn a_holder_who_moves_away_is_sent_the_competent_prefecture_and_an_unknown_commune_is_not_a_move() {
    let office = SENT.copy();
    let movers = office.one("SELECT permit_id FROM permit WHERE rule = 'not-yet-due' ORDER BY permit_id LIMIT 2");
    let [away, unknown] = movers.lines().collect::<Vec<_>>()[..] else { panic!("{movers}") };
    for (permit, commune) in [(away, "01053"), (unknown, "99999")] {
        office
            .change(&format!(
                "UPDATE permit SET commune = '{commune}', review_on = '0001-01-01' WHERE permit_id = '{permit}'"
            ))
            .unwrap();
    }
    assert_eq!(office.run(&[])["letters"]["notices"], serde_json::json!({"transfert": 1}));
    let answered =
        office.one("SELECT json_extract(data, '$.competent'), permit_id FROM outbox JOIN notice USING (reference)");
    assert_eq!(answered, format!("préfecture de l’Ain|{away}"));
    bring_news(&office);
    assert_eq!(office.run(&[])["letters"]["notices"], serde_json::json!({}));
}

#[test]
fn heads_up_is_off_until_asked_for_and_promises_only_what_is_planned() {
    let office = Office::new(Shape { permits: 600, seats: true });
    let output = office
        .command(&["run", "--yes", "--reason", "test", "--json"])
        .env("CONVOKE__POLICY__FIRM_LEAD_DAYS", "0")
        .env("CONVOKE__POLICY__HEADS_UP", "true")
        .output()
        .unwrap();
    let night: Value = serde_json::from_slice(&output.stdout).unwrap();
    let answered = night["letters"]["notices"]["heads-up"].as_u64().unwrap();
    assert!(answered > 0 && answered <= night["planned"].as_u64().unwrap(), "{night}");
    let convoked = "SELECT count(*) FROM notice JOIN convocation USING (permit_id)";
    assert_eq!(office.one(convoked), "0", "who is convoked tonight needs no announcement");
    assert_eq!(SENT.one("SELECT count(*) FROM notice WHERE kind = 'heads-up'"), "0");
}
