//! Attendance: imported from files, once per appointment, never before its day, and seen by the next night.

use std::fs;
use std::process::{Command, Output};

use chrono::NaiveDate;
use convoke_domain::ids::Reference;
use serde_json::Value;

use crate::support::{Office, Shape, faketime};

const MADE_ON: &str = "2026-10-05";

/// An office with appointments, created and run on 5 October 2026; `None` if the clock cannot be faked.
fn office() -> Option<Office> {
    let day: NaiveDate = MADE_ON.parse().unwrap();
    let office = faketime::is_there().then(|| Office::made_on(day, Shape { permits: 300, seats: true }))?;
    on(&office, MADE_ON, &["run", "--yes", "--reason", "test", "--json"]);
    assert!(appointments(&office).len() > 20);
    Some(office)
}

/// The answer of a command run on a day, at two in the afternoon.
fn on(office: &Office, day: &str, args: &[&str]) -> Value {
    let output = output(office, day, args);
    assert!(matches!(output.status.code(), Some(0 | 4)), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn output(office: &Office, day: &str, args: &[&str]) -> Output {
    command(office, day, args).output().unwrap()
}

fn command(office: &Office, day: &str, args: &[&str]) -> Command {
    let mut command = office.command(args);
    faketime::at(&mut command, &format!("{day} 14:00:00"));
    // The extract is the first night's.
    command.env("CONVOKE__POLICY__EXTRACT_REFUSE_DAYS", "365");
    command
}

/// Reference and day of every appointment, soonest first.
fn appointments(office: &Office) -> Vec<(String, NaiveDate)> {
    let rows = office.query("SELECT reference, day FROM convocation WHERE state = 'convoked' ORDER BY day, reference");
    rows.lines().map(|l| l.split_once('|').unwrap()).map(|(r, day)| (r.to_owned(), day.parse().unwrap())).collect()
}

fn file(office: &Office, rows: &[(&str, &str)]) {
    let lines: Vec<String> = rows.iter().map(|(reference, word)| format!("{reference};{word}")).collect();
    fs::write(office.path("marks.csv"), format!("reference;presence\n{}\n", lines.join("\n"))).unwrap();
}

fn import(office: &Office, day: &str) -> Value {
    on(office, day, &["import", "attendance", "marks.csv", "--json"])
}

/// The single row error of a refused file.
fn refused(office: &Office, day: &str) -> Value {
    let before = office.query("SELECT reference, state FROM convocation ORDER BY reference");
    let output = output(office, day, &["import", "attendance", "marks.csv", "--json"]);
    assert_eq!(output.status.code(), Some(65), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        office.query("SELECT reference, state FROM convocation ORDER BY reference"),
        before,
        "nothing is changed"
    );
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let [error] = answer["rejected"].as_array().unwrap().as_slice() else { panic!("{answer}") };
    error.clone()
}

fn state(office: &Office, reference: &str) -> String {
    office.one(&format!("SELECT state FROM convocation WHERE reference = '{reference}'"))
}

/// The verdict on an appointment's permit.
fn rule(office: &Office, reference: &str) -> String {
    let sql = format!(
        "SELECT rule FROM permit WHERE permit_id = (SELECT permit_id FROM convocation WHERE reference = '{reference}')"
    );
    office.one(&sql)
}

fn seats(office: &Office, reference: &str) -> String {
    office.one(&format!("SELECT count(*) FROM reservation WHERE reference = '{reference}'"))
}

#[test]
fn marks_end_appointments_once_and_the_next_night_knows_who_is_due() {
    let Some(office) = office() else { return };
    let all = appointments(&office);
    let [came, missed, lacked] = [&all[0].0, &all[1].0, &all[2].0];
    let (cancelled, _) = all.last().unwrap();
    let day = all[2].1.succ_opt().unwrap().to_string();
    let rows = [(came, "honore"), (missed, "Absente"), (lacked, "incomplet"), (cancelled, "ANNULÉ"), (&all[3].0, "")];
    file(&office, &rows.map(|(r, word)| (r.as_str(), word)));

    let tried = on(&office, &day, &["import", "attendance", "marks.csv", "--dry-run", "--json"]);
    assert_eq!((&tried["updated"], tried["dry_run"].as_bool()), (&4.into(), Some(true)));
    assert_eq!(state(&office, came), "convoked", "a trial changes nothing");

    let done = import(&office, &day);
    let counts = ["read", "inserted", "updated", "unchanged", "unmarked"].map(|n| done[n].as_u64().unwrap());
    assert_eq!(counts, [5, 0, 4, 0, 1], "{done}");
    assert_eq!(done["schema"], "convoke.import/1");
    let states = [came, missed, lacked, cancelled].map(|r| state(&office, r));
    assert_eq!(states, ["honoured", "missed", "incomplete", "cancelled"]);
    assert_eq!([came, missed, lacked, cancelled].map(|r| seats(&office, r)), ["1", "1", "1", "0"], "one seat is free");
    let marked = "SELECT payload FROM ledger_entry WHERE kind = 'convocation.marked' ORDER BY seq";
    let ledger = office.query(marked);
    assert_eq!(ledger.lines().count(), 4);
    assert!(ledger.contains(&format!(r#""cause":"attendance","reference":"{came}","state":"honoured"}}"#)), "{ledger}");

    let again = import(&office, &day);
    assert_eq!((&again["updated"], &again["unchanged"], &again["unmarked"]), (&0.into(), &4.into(), &1.into()));
    assert_eq!(office.query(marked), ledger, "and writes nothing");

    let night = on(&office, &day, &["run", "--yes", "--reason", "test", "--json"]);
    assert_eq!(rule(&office, came), "renewal-filed", "whoever came has filed");
    for due in [missed, lacked, cancelled] {
        assert!(rule(&office, due).starts_with("due"), "{}: {night}", rule(&office, due));
    }
    let of_permit = |r: &str| {
        let sql = format!(
            "SELECT count(*) FROM convocation WHERE permit_id = (SELECT permit_id FROM convocation WHERE reference = '{r}')"
        );
        office.one(&sql)
    };
    assert_eq!([came, missed, lacked, cancelled].map(|r| of_permit(r)), ["1", "2", "2", "2"], "{night}");
    let nothing = on(&office, &day, &["run", "--yes", "--reason", "test", "--json"]);
    assert_eq!(nothing["run"], night["run"], "nothing is new");
}

#[test]
fn what_is_wrong_with_a_mark_is_named_and_refuses_the_whole_file() {
    let Some(office) = office() else { return };
    let all = appointments(&office);
    let (first, second) = (all[0].0.as_str(), all[1].0.as_str());
    let (future, future_day) = all.last().unwrap();
    let day = all[1].1.succ_opt().unwrap().to_string();
    let good = (second, "honore");
    file(&office, &[good]);
    let unknown = Reference::new("94", 2026, 9_999_999).to_string();
    let typed = first.replace('-', " - ").to_lowercase();
    for (row, column, found, expected) in [
        ((&*unknown, "absent"), "reference", &*unknown, "read it again"),
        (("RC-94-2026-0000001-A", "absent"), "reference", "RC-94-2026-0000001-A", "a reference such as"),
        (("", "absent"), "reference", "", "may not be empty"),
        ((first, "present"), "presence", "present", "one of: honore, absent, incomplet, annule"),
        ((future, "honore"), "presence", "honore", &*format!("the appointment is on {future_day}")),
    ] {
        file(&office, &[good, row]);
        let error = refused(&office, &day);
        assert_eq!((&error["row"], &error["column"], &error["found"]), (&3.into(), &column.into(), &found.into()));
        assert!(error["expected"].as_str().unwrap().contains(expected), "{error}");
    }
    // One appointment twice: the same mark is ignored, a different one is a contradiction.
    file(&office, &[(first, "absent"), (&typed, "absent"), (first, "honore")]);
    let error = refused(&office, &day);
    assert_eq!((&error["row"], &error["expected"]), (&4.into(), &"absent, as on line 2".into()));

    file(&office, &[(first, "absent"), (second, "nobody")]);
    let taken = on(&office, &day, &["import", "attendance", "marks.csv", "--accept-valid", "--json"]);
    assert_eq!((&taken["updated"], taken["rejected"].as_array().unwrap().len()), (&1.into(), 1), "{taken}");
    assert_eq!([first, second].map(|r| state(&office, r)), ["missed", "convoked"]);
    assert!(fs::read_to_string(office.path("marks.csv.rejects.csv")).unwrap().contains(second));

    // A mark is final, and the refusal says what helps.
    file(&office, &[(first, "honore")]);
    assert!(refused(&office, &day)["expected"].as_str().unwrap().contains("depot_le"));
    file(&office, &[good]);
    import(&office, &day);
    file(&office, &[(second, "absent")]);
    assert!(refused(&office, &day)["expected"].as_str().unwrap().contains("convoke undo"));
    assert!(office.ok(&["ledger", "verify", "--json"])["valid"].as_bool().unwrap());
}

#[test]
fn whoever_was_marked_as_come_and_has_not_filed_is_helped_by_another_appointment() {
    let Some(office) = office() else { return };
    let all = appointments(&office);
    let reference = all[0].0.as_str();
    let day = all[0].1.succ_opt().unwrap().to_string();
    file(&office, &[(reference, "honore")]);
    import(&office, &day);
    on(&office, &day, &["run", "--yes", "--reason", "test", "--json"]);
    assert_eq!(rule(&office, reference), "renewal-filed");
    let number = office.query(&format!(
        "SELECT number FROM holder WHERE holder_id = (SELECT holder_id FROM convocation WHERE reference = '{reference}')"
    ));
    let free = office.query(&format!(
        "SELECT site, desk, day, start / 60, start % 60 FROM slot s WHERE day > '{day}'
         AND NOT EXISTS (SELECT 1 FROM reservation r WHERE r.slot_id = s.slot_id) ORDER BY day, slot_id LIMIT 1"
    ));
    let [site, desk, on_day, hour, minute]: [&str; 5] = free.trim().split('|').collect::<Vec<_>>().try_into().unwrap();
    let row = format!("{};{site};{desk};{on_day};{:0>2}:{:0>2}", number.trim(), hour, minute);
    fs::write(office.path("given.csv"), format!("numero_etranger;site;guichet;date;heure\n{row}\n")).unwrap();
    // Made on another day than it was marked: its hour is later than that of the first appointment.
    on(&office, &day, &["import", "convocations", "given.csv", "--json"]);
    on(&office, &day, &["run", "--yes", "--reason", "test", "--json"]);
    assert_eq!(rule(&office, reference), "already-convoked", "it is the last appointment that counts");
}

#[test]
fn a_letter_that_still_waits_does_not_leave_for_an_appointment_that_was_cancelled() {
    let Some(office) = office() else { return };
    let letter = |channel: &str| {
        let sql = format!(
            "SELECT reference FROM outbox WHERE kind = 'convocation' AND channel = '{channel}' ORDER BY reference LIMIT 1"
        );
        office.one(&sql)
    };
    let (mailed, posted) = (letter("email"), letter("post"));
    file(&office, &[(&mailed, "annule"), (&posted, "annule")]);
    assert_eq!(import(&office, MADE_ON)["updated"], 2);
    on(&office, "2026-10-06", &["dispatch", "--until-empty", "--json"]);
    let state = |reference: &str, channel: &str| {
        let sql = format!(
            "SELECT state FROM outbox WHERE reference = '{reference}' AND kind = 'convocation' AND channel = '{channel}'"
        );
        office.one(&sql)
    };
    assert_eq!(state(&mailed, "email"), "cancelled");
    assert!(!office.mails().iter().any(|mail| fs::read_to_string(mail).unwrap().contains(&mailed)));
    let batch = on(&office, "2026-10-06", &["post", "--out", "print", "--json"]);
    assert!(batch["skipped"].as_array().unwrap().iter().any(|l| l["reference"] == *posted), "{batch}");
    let manifest = fs::read_to_string(office.path("print/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    assert!(manifest["letters"].as_array().unwrap().iter().all(|l| l["reference"] != *posted));
}

#[test]
fn a_workbook_is_as_good_and_the_inbox_takes_marks_too() {
    let Some(office) = office() else { return };
    let all = appointments(&office);
    let day = all[1].1.succ_opt().unwrap().to_string();
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (line, [reference, presence]) in [["reference", "presence"], [&all[0].0, "absent"]].iter().enumerate() {
        sheet.write_string(line as u32, 0, *reference).unwrap();
        sheet.write_string(line as u32, 1, *presence).unwrap();
    }
    book.save(office.path("marks.xlsx")).unwrap();
    let done = on(&office, &day, &["import", "attendance", "marks.xlsx", "--json"]);
    assert_eq!((&done["updated"], &done["encoding"]), (&1.into(), &"XLSX".into()));

    fs::create_dir(office.path("inbox")).unwrap();
    file(&office, &[(&all[1].0, "honore")]);
    fs::rename(office.path("marks.csv"), office.path("inbox/attendance-creteil.csv")).unwrap();
    let mut timer = command(&office, &day, &["run", "--timer", "--yes", "--reason", "cron", "--json"]);
    let output = timer.env("CONVOKE__IMPORT__INBOX", office.path("inbox")).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 4)), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!([&all[0].0, &all[1].0].map(|r| state(&office, r)), ["missed", "honoured"]);
    assert_eq!(fs::read_dir(office.path("inbox/done")).unwrap().count(), 2, "the file, and what there is to say of it");
}

#[test]
fn appointments_without_a_mark_are_listed_oldest_first_and_named_to_be_filled_in() {
    let Some(office) = office() else { return };
    let all = appointments(&office);
    let day = all.iter().map(|(_, day)| *day).find(|day| *day > all[0].1).unwrap() + chrono::TimeDelta::days(3);
    let past: Vec<_> = all.iter().filter(|(_, d)| *d < day).collect();
    let text = day.to_string();
    let args = ["agenda", "awaiting-mark", "--csv", "marks.csv", "--json"];
    let shown = on(&office, &text, &args);
    assert_eq!((&shown["schema"], &shown["count"]), (&"convoke.awaiting-mark/1".into(), &past.len().into()));
    let listed = shown["appointments"].as_array().unwrap();
    let mut days: Vec<&str> = listed.iter().map(|a| a["day"].as_str().unwrap()).collect();
    assert!(days.is_sorted() && !days.is_empty());
    days.dedup();
    // The first night that counts it as missed is the one after `mark_days` have passed.
    let left = (past[0].1 + chrono::TimeDelta::days(31) - day).num_days();
    assert_eq!(listed[0]["days_left"], left);
    let number = office.query("SELECT number FROM holder LIMIT 1");
    let fields: Vec<&str> = listed[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["day", "days_left", "desk", "hour", "reference", "site"], "nobody is named");
    assert!(!shown.to_string().contains(number.trim()));
    let output = output(&office, &text, &["agenda", "awaiting-mark"]);
    let words = String::from_utf8(output.stdout).unwrap();
    assert!(words.contains(&format!("{} appointments await a mark; ", past.len())), "{words}");
    assert!(words.lines().all(|line| line.chars().count() <= 80), "{words}");

    // Unfilled, the file says nothing; filled in, it is imported.
    let empty = import(&office, &text);
    assert_eq!((&empty["updated"], &empty["unmarked"]), (&0.into(), &past.len().into()), "{empty}");
    assert_eq!(empty["unknown_columns"].as_array().unwrap().len(), 0);
    let filled = fs::read_to_string(office.path("marks.csv")).unwrap().replace(";;", ";honore;");
    fs::write(office.path("marks.csv"), filled).unwrap();
    assert_eq!(import(&office, &text)["updated"], past.len());
    assert_eq!(on(&office, &text, &args)["count"], 0);
}

#[test]
fn an_appointment_that_nobody_marks_is_missed_on_the_night_that_was_announced() {
    let Some(office) = office() else { return };
    let (reference, day) = appointments(&office).remove(0);
    let shown = on(&office, &(day + chrono::TimeDelta::days(30)).to_string(), &["agenda", "awaiting-mark", "--json"]);
    assert_eq!(shown["appointments"][0]["days_left"], 1);
    for (days, then) in [(30, "convoked"), (31, "missed")] {
        let date = (day + chrono::TimeDelta::days(days)).to_string();
        on(&office, &date, &["run", "--yes", "--reason", "test", "--json"]);
        assert_eq!(state(&office, &reference), then, "after {days} days");
    }
    // An appointment that counts as missed for lack of a mark has that mark for good.
    file(&office, &[(&reference, "absent")]);
    let late = (day + chrono::TimeDelta::days(32)).to_string();
    assert_eq!(import(&office, &late)["unchanged"], 1);
}
