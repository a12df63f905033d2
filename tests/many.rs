//! Many préfectures in one database: each has its own run, and none sees or stops another's.

#[expect(unreachable_pub, reason = "shared by test programs")]
#[allow(dead_code, reason = "each test program uses a part")]
mod support;

use std::fs;

use serde_json::Value;
use support::{Office, Shape, today};

/// An office, and the folders of more préfectures beside it, in the same database.
fn offices(codes: &[&str]) -> Office {
    let office = Office::new(Shape { permits: 0, seats: false });
    for code in codes {
        let folder = format!("prefectures/{code}");
        office.ok(&["init", "--dir", &folder, "--example", "94", "--json"]);
        let file = office.path(&folder).join("convoke.toml");
        let settings = fs::read_to_string(&file).unwrap().replace("code = \"94\"", &format!("code = \"{code}\""));
        fs::write(&file, settings).unwrap();
        let config = file.display().to_string();
        let mut permits = fs::File::create(office.path("permits.csv")).unwrap();
        // The same people everywhere: whatever is mixed up is found.
        convoke::demo::world::write_permits(7, 300, today(), &mut permits).unwrap();
        office.ok(&["--config", &config, "import", "permits", "permits.csv", "--json"]);
        let until = today().checked_add_days(chrono::Days::new(220)).unwrap().to_string();
        office.ok(&["--config", &config, "agenda", "generate", "--until", &until, "--json"]);
    }
    office
}

/// All that a préfecture has, by table.
fn of(office: &Office, code: &str) -> Vec<String> {
    ["permit", "holder", "slot", "run", "convocation", "reservation", "outbox", "ledger_entry", "past_verdict"]
        .map(|table| {
            let key = if table == "permit" {
                "min(rule) || max(review_on) || sum(fingerprint % 1000000)"
            } else {
                "count(*)"
            };
            let rows = office.query(&format!(
                "SELECT count(*), coalesce(CAST({key} AS TEXT), '') FROM {table} WHERE prefecture = '{code}'"
            ));
            format!("{table} {rows}")
        })
        .to_vec()
}

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
    // The same people, the same seats, the same rules: the same appointments, each under its own names.
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
