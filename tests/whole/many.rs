//! Many préfectures in one database: each has its own run, and none sees or blocks another's.

use std::fs;

use serde_json::Value;

use crate::support::prefectures::{of, offices};

#[test]
fn one_prefecture_that_fails_stops_no_other() {
    let office = offices(&["75", "77", "93"]);
    fs::write(office.path("prefectures/77/config/policy.toml"), "notice_days = \"soon\"").unwrap();
    let output = office.output(&["run", "--every-prefecture", "--yes", "--reason", "night", "--json"]);
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("convoke: 77: "), "{output:?}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let outcomes: Vec<(&str, &str)> = answer["prefectures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["folder"].as_str().unwrap(), p["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(outcomes, [("75", "done"), ("77", "failed"), ("93", "done")]);
    assert_eq!(office.query("SELECT count(*) FROM convocation WHERE prefecture = '77'").trim(), "0");
    // The same people, seats and rules give the same appointments, each under their own names.
    let seats = |code: &str| {
        office.query(&format!(
            "SELECT slot_id, count(*) FROM reservation WHERE prefecture = '{code}' GROUP BY 1 ORDER BY 1"
        ))
    };
    assert!(seats("75").lines().count() > 1);
    assert_eq!(seats("75"), seats("93"));
    let again = office.output(&["run", "--every-prefecture", "--yes", "--reason", "night", "--json"]);
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(
        (&again["prefectures"][0]["outcome"], &again["prefectures"][2]["outcome"]),
        (&"nothing-new".into(), &"nothing-new".into())
    );
}

#[test]
fn what_one_prefecture_does_leaves_the_others_as_they_are() {
    let office = offices(&["75", "93"]);
    let (ours, theirs) = (of(&office, "75"), of(&office, "93"));
    let config = office.path("prefectures/75/convoke.toml").display().to_string();
    let with = |args: &[&str]| office.answer(&[&["--config", &config][..], args].concat());
    with(&["run", "--yes", "--reason", "night", "--json"]);
    with(&["dispatch", "--until-empty", "--json"]);
    with(&["pause", "--reason", "test", "--json"]);
    with(&["import", "permits", "permits.csv", "--full", "--json"]);
    with(&["ledger", "verify", "--json"]);
    assert_ne!(of(&office, "75"), ours);
    assert_eq!(of(&office, "93"), theirs);
    assert_eq!(office.query("SELECT count(*) FROM prefecture WHERE paused_at IS NOT NULL").trim(), "1");
}

#[test]
fn no_more_of_them_run_at_once_than_was_asked_for() {
    let office = offices(&["75", "77", "93"]);
    let every = ["run", "--every-prefecture", "--at-once", "1", "--yes", "--reason", "night", "--json"];
    office.answer(&every);
    let runs = office.query("SELECT count(*) FROM run WHERE state = 'completed'");
    let together = office.query(
        "SELECT count(*) FROM run a JOIN run b ON a.prefecture < b.prefecture AND a.started_at < b.finished_at AND b.started_at < a.finished_at",
    );
    assert_eq!((runs.trim(), together.trim()), ("3", "0"));
}
