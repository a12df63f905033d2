//! People who moved, and contact details shared by too many: counted for everyone, named only for a stated reason.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use chrono::{Datelike, TimeDelta};
use serde_json::{Value, json};

use crate::support::{Office, Shape, today};

const HEADER: &str = "numero_etranger;nom;prenoms;email;telephone;langue;adresse_1;adresse_2;code_postal;commune_insee;foyer;date_naissance;numero_titre;type_titre;mention;debut_validite;fin_validite;statut;depot_le";

#[derive(Clone)]
struct Row {
    number: u32,
    email: &'static str,
    phone: &'static str,
    street: &'static str,
    commune: &'static str,
    household: &'static str,
    born: &'static str,
    /// The permit began this many days ago.
    began: i64,
}

const ONE: Row = Row {
    number: 1,
    email: "",
    phone: "",
    street: "",
    commune: "94028",
    household: "",
    born: "1980-05-06",
    began: 300,
};

fn empty() -> Office {
    Office::new(Shape { permits: 0, seats: true })
}

fn import(office: &Office, rows: &[Row]) {
    let mut text = format!("{HEADER}\n");
    for Row { number, email, phone, street, commune, household, born, began } in rows {
        let (from, to) = (today() - TimeDelta::days(*began), today() + TimeDelta::days(45));
        let street = if street.is_empty() { format!("{number} rue X") } else { (*street).to_owned() };
        writeln!(text, "94{number:08};Fictif;Alba;{email};{phone};fr;{street};;94000;{commune};{household};{born};T{number};CST;salarie;{from};{to};actif;").unwrap();
    }
    fs::write(office.path("rows.csv"), text).unwrap();
    office.ok(&["import", "permits", "rows.csv", "--json"]);
}

fn sharing() -> Office {
    let office = empty();
    let mut rows: Vec<Row> = (1..=5).map(|number| Row { number, email: "Boite@example.org", ..ONE }).collect();
    // In different notations.
    for (number, phone) in [(11, "06 39 98 00 00"), (12, "+33639980000"), (13, "06.39.98.00.00"), (14, "0033639980000")]
    {
        rows.push(Row { number, phone, ..ONE });
    }
    rows.extend((21..=30).map(|number| Row { number, street: "7 impasse du Canari", household: "F1", ..ONE }));
    rows.extend((31..=33).map(|number| Row { number, street: "7 impasse du Canari", ..ONE }));
    rows[1].email = "boite@EXAMPLE.org";
    import(&office, &rows);
    office
}

#[test]
fn what_different_households_share_is_listed_and_masked() {
    let office = sharing();
    office.run(&[]);
    let found = office.ok(&["anomalies", "--json"]);
    assert_eq!(found["schema"], "convoke.anomalies/1");
    let line = |kind: &str| {
        found["shared"].as_array().unwrap().iter().find(|s| s["kind"] == kind).cloned().unwrap_or(Value::Null)
    };
    assert_eq!(
        line("e-mail"),
        json!({"kind": "e-mail", "value": "b…@example.org", "holders": 5, "households": 5, "convoked": 5})
    );
    assert_eq!(line("phone")["value"], "…00");
    assert_eq!(line("phone")["holders"], 4);
    let address = line("address");
    assert_eq!((&address["holders"], &address["households"]), (&13.into(), &4.into()), "a family counts as one");
    assert!(!found.to_string().contains("Canari") && !found.to_string().contains("940000"), "{found}");
    assert_eq!(office.ok(&["anomalies", "--at-least", "5", "--json"])["total"], 1);
    // A family known to an agent shares nothing with others.
    office.ok(&["permit", "link", "9400000031", "9400000021", "--reason", "family", "--json"]);
    let kinds =
        |found: &Value| found["shared"].as_array().unwrap().iter().map(|s| s["kind"].clone()).collect::<Vec<_>>();
    assert_eq!(kinds(&office.ok(&["anomalies", "--json"])), ["e-mail", "phone"]);
    assert_eq!(
        office.query("SELECT count(*) FROM ledger_entry WHERE kind LIKE 'read.%'").trim(),
        "0",
        "nobody was shown"
    );
    let text = String::from_utf8(office.output(&["anomalies"]).stdout).unwrap();
    assert!(text.contains("b…@example.org") && text.lines().all(|l| l.chars().count() <= 80), "{text}");
}

#[test]
fn whoever_wants_to_see_who_shares_it_says_why() {
    let office = sharing();
    assert_eq!(office.output(&["anomalies", "--identified"]).status.code(), Some(2));
    let found = office.ok(&["anomalies", "--identified", "--reason", "inquiry 7", "--at-least", "5", "--json"]);
    assert_eq!(found["shared"][0]["value"], "boite@example.org");
    assert_eq!(found["shared"][0]["numbers"][4], "9400000005");
    let read = json!({"people": 5, "reason": "inquiry 7", "shared": 1});
    assert_eq!(office.reads(), [("read.anomalies".into(), read)]);
    let none = office.ok(&["anomalies", "--at-least", "100", "--json"]);
    assert_eq!((&none["total"], &none["shared"]), (&0.into(), &json!([])));
}

#[test]
fn a_holder_who_lives_elsewhere_is_listed_under_the_competent_prefecture() {
    let office = empty();
    let row = |number, commune| Row { number, commune, ..ONE };
    import(&office, &[row(1, "77373"), row(2, "77186"), row(3, "93048"), row(4, "99999"), row(5, "94028")]);
    let before = office.ok(&["movers", "--json"]);
    assert_eq!(before["elsewhere"], json!([]), "no run has looked yet");
    office.run(&[]);
    let found = office.ok(&["movers", "--json"]);
    assert_eq!(found["schema"], "convoke.movers/1");
    let soonest = (today() + TimeDelta::days(45)).to_string();
    assert_eq!(
        found["elsewhere"][0],
        json!({"prefecture": "préfecture de Seine-et-Marne", "people": 2, "expired": 0, "soonest": soonest, "communes": ["77186", "77373"]})
    );
    let names: Vec<&str> =
        found["elsewhere"].as_array().unwrap().iter().map(|c| c["prefecture"].as_str().unwrap()).collect();
    assert_eq!(names[1..], ["commune inconnue", "préfecture de la Seine-Saint-Denis"]);
}

#[test]
fn who_came_is_whom_no_extract_had_before_with_a_permit_that_is_not_new() {
    let office = empty();
    let old = |number| Row { number, ..ONE };
    import(&office, &[old(1), old(2)]);
    // As if that had been two weeks ago.
    let then = today() - TimeDelta::days(14);
    office
        .change(&format!("UPDATE permit SET first_seen = '{then}'; UPDATE import_batch SET imported_on = '{then}'"))
        .unwrap();
    assert_eq!(office.ok(&["movers", "--json"])["came"], json!([]));
    import(&office, &[old(1), old(2), old(3), old(4), Row { number: 5, began: 10, ..ONE }]);
    let (week, monday) = (today().iso_week(), today().week(chrono::Weekday::Mon).first_day());
    let week = format!("{}-W{:02}", week.year(), week.week());
    assert_eq!(office.ok(&["movers", "--json"])["came"], json!([{"week": week, "monday": monday, "people": 2}]));
}

#[test]
fn two_prefectures_find_whom_they_both_have_and_nothing_of_the_others() {
    let (ours, theirs) = (empty(), empty());
    let row = |number| Row { number, ..ONE };
    import(&ours, &[row(1), row(2), row(3), Row { number: 4, born: "", ..ONE }]);
    // The same number with another year of birth is another person.
    import(
        &theirs,
        &[row(2), Row { number: 3, born: "1981-05-06", ..ONE }, Row { number: 4, born: "", ..ONE }, row(9)],
    );
    let made = ours.ok(&["movers", "key", "--key-file", "movers.key", "--json"]);
    assert_eq!(fs::metadata(ours.path("movers.key")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        ours.output(&["movers", "key", "--key-file", "movers.key"]).status.code(),
        Some(2),
        "nothing is overwritten"
    );
    fs::copy(ours.path("movers.key"), theirs.path("movers.key")).unwrap();
    let given = theirs.ok(&["movers", "hashes", "--key-file", "movers.key", "--out", "theirs.csv", "--json"]);
    assert_eq!(
        (&given["people"], &given["without_birth_date"], &given["key"]),
        (&3.into(), &1.into(), &made["fingerprint"])
    );
    fs::copy(theirs.path("theirs.csv"), ours.path("theirs.csv")).unwrap();
    let compare = ["movers", "compare", "--key-file", "movers.key", "--with", "theirs.csv", "--json"];
    let found = ours.ok(&compare);
    assert_eq!((&found["both"], &found["ours"], &found["theirs"]), (&1.into(), &3.into(), &3.into()));
    assert_eq!(found.get("people"), None);
    assert_eq!(ours.output(&[&compare[..], &["--identified"]].concat()).status.code(), Some(2));
    let named = ours.ok(&[&compare[..], &["--identified", "--reason", "transfers"]].concat());
    assert_eq!(named["people"][0]["number"], "9400000002");
    assert_eq!(ours.query("SELECT kind FROM ledger_entry WHERE kind LIKE 'read.%'"), "read.movers\n");
    assert_eq!(theirs.query("SELECT kind FROM ledger_entry WHERE kind LIKE 'read.%'"), "read.hashes\n");
    // A file made with another key must not pass as one without common people.
    theirs.ok(&["movers", "key", "--key-file", "other.key", "--json"]);
    theirs.ok(&["movers", "hashes", "--key-file", "other.key", "--out", "other.csv", "--json"]);
    fs::copy(theirs.path("other.csv"), ours.path("theirs.csv")).unwrap();
    let output = ours.output(&compare);
    assert_eq!(output.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&output.stderr).contains("another key"), "{output:?}");
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let office = empty();
    office.ok(&["movers", "key", "--key-file", "movers.key", "--json"]);
    fs::set_permissions(office.path("movers.key"), fs::Permissions::from_mode(0o640)).unwrap();
    let output = office.output(&["movers", "hashes", "--key-file", "movers.key", "--out", "out.csv"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("chmod 600"), "{output:?}");
    assert!(!office.path("out.csv").exists());
}
