//! Data about a person are disclosed to them, and erased in time: no trace is left anywhere.

use std::fmt::Write as _;
use std::path::Path;

use chrono::Days;
use serde_json::Value;

use crate::support::{self, Office, Shape, faketime, today};

pub(crate) const NUMBER: &str = "9499990017";
const PERMIT: &str = "TSZZ000017";
/// Unique to this person in the extract.
const TRACES: [&str; 7] =
    [NUMBER, PERMIT, "Zzcanari", "Qwertine", "zz.canari@example.org", "0199009917", "impasse du Canari-Bleu"];

/// An extract with this one person, whose permit expires this many days from now.
fn extract(office: &Office, days: i64, status: &str) {
    let end = today() + chrono::TimeDelta::days(days);
    let begin = end.checked_sub_days(Days::new(364)).unwrap();
    let mut text = String::from(
        "numero_etranger;nom;prenoms;email;telephone;langue;adresse_1;adresse_2;code_postal;commune_insee;foyer;numero_titre;type_titre;mention;debut_validite;fin_validite;statut;depot_le\n",
    );
    writeln!(
        text,
        "{NUMBER};Zzcanari;Qwertine;zz.canari@example.org;0199009917;fr;7 impasse du Canari-Bleu;;94000;94028;;{PERMIT};CST;salarie;{begin};{end};{status};"
    )
    .unwrap();
    std::fs::write(office.path("canary.csv"), text).unwrap();
    office.ok(&["import", "permits", "canary.csv", "--json"]);
}

/// An office that has convoked the person, among others, by e-mail.
fn convoked() -> Office {
    let office = Office::new(Shape { permits: 200, seats: true });
    extract(&office, 45, "actif");
    office.run(&[]);
    office.until_sent();
    assert_eq!(
        office
            .query(
                "SELECT count(*) FROM convocation c JOIN holder h USING (holder_id) WHERE h.family_name = 'Zzcanari'"
            )
            .trim(),
        "1"
    );
    office
}

/// The same after the appointment was honoured and the permit renewed; the relay had quoted the address.
pub(crate) fn over() -> Office {
    let office = convoked();
    let mine = "(SELECT holder_id FROM holder WHERE family_name = 'Zzcanari')";
    office.change(&format!("UPDATE delivery_attempt SET reply = '250 zz.canari@example.org queued' WHERE letter_id IN (SELECT letter_id FROM outbox JOIN convocation USING (reference) WHERE holder_id = {mine}); UPDATE convocation SET state = 'honoured' WHERE holder_id = {mine}")).unwrap();
    extract(&office, 45, "renouvele");
    office.run(&[]);
    office
}

/// Files of the office that contain a trace: file and trace.
pub(crate) fn traces(folder: &Path, except: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if except.contains(&name.as_str()) {
            continue;
        }
        if entry.path().is_dir() {
            found.extend(traces(&entry.path(), except));
            continue;
        }
        let bytes = std::fs::read(entry.path()).unwrap();
        for trace in TRACES {
            if bytes.windows(trace.len()).any(|w| w.eq_ignore_ascii_case(trace.as_bytes())) {
                found.push(format!("{name}: {trace}"));
            }
        }
    }
    found
}

#[test]
fn of_an_erased_person_nothing_is_left_and_the_ledger_still_holds() {
    let office = over();
    office.ok(&["report", "--out", "report", "--json"]);
    // The extract and the letter itself are outside the database.
    let outside = ["canary.csv", "permits.csv", "before.sqlite3", "out"];
    if !support::ON_POSTGRES {
        assert!(!traces(&office.path("."), &outside).is_empty(), "the search finds what is there");
    }
    let output = office.output(&["permit", "erase", NUMBER, "--reason", "request 7", "--yes", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(traces(&office.path("."), &outside), Vec::<String>::new());
    if support::ON_POSTGRES {
        for table in [
            "holder",
            "holder_word",
            "permit",
            "outbox",
            "delivery_attempt",
            "bounce",
            "ledger_entry",
            "convocation",
            "run",
            "notice",
        ] {
            let rows = office.query(&format!("SELECT CAST(t AS TEXT) FROM {table} t"));
            let rows = rows.to_lowercase();
            assert!(TRACES.iter().all(|trace| !rows.contains(&trace.to_lowercase())), "{table}");
        }
    }
    office.assert_promises();
    assert_eq!(office.output(&["permit", "erase", NUMBER, "--reason", "again", "--yes"]).status.code(), Some(65));
    // What remains is usable, and a report of the night still adds up.
    let reference = office.query("SELECT reference FROM outbox WHERE data = '{}' LIMIT 1");
    let shown = office.ok(&["letters", "show", reference.trim(), "--json"]);
    assert!(shown["letters"].as_array().unwrap().iter().all(|l| l["erased"] == true), "{shown}");
    let run = office.query("SELECT run_id FROM run ORDER BY run_id LIMIT 1");
    office.ok(&["report", run.trim(), "--out", "after", "--json"]);
    assert_eq!(office.ok(&["verify", "after", "--json"])["valid"], true);
    assert!(std::fs::read_to_string(office.path("after/outcomes.csv")).unwrap().contains(";(efface);"));
    office.run(&[]);
    assert_eq!(traces(&office.path("."), &outside), Vec::<String>::new());
}

#[test]
fn nobody_is_erased_whose_permit_is_in_force_or_who_waits_for_something() {
    let office = convoked();
    let erase = || {
        let output = office.output(&["permit", "erase", NUMBER, "--reason", "request", "--yes"]);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, answered) = erase();
    assert!(code == Some(65) && answered.contains("not erased: a permit is in force until"), "{answered}");
    extract(&office, -30, "actif");
    let (code, answered) = erase();
    assert!(code == Some(65) && answered.contains("not erased: the last run found the permit `due`"), "{answered}");
    assert_eq!(office.output(&["permit", "erase", NUMBER, "--yes"]).status.code(), Some(2), "a reason is needed");
    assert_eq!(office.query("SELECT count(*) FROM ledger_entry WHERE kind = 'holders.erased'").trim(), "0");
}

#[test]
fn a_person_gets_all_that_is_known_of_her_and_nothing_of_others() {
    let office = over();
    office.ok(&["permit", "export", NUMBER, "--out", "access", "--reason", "request of 3 May", "--json"]);
    let text = std::fs::read_to_string(office.path("access/person.json")).unwrap();
    for trace in TRACES {
        assert!(text.contains(trace), "{trace}");
    }
    let known: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(known["permits"].as_array().unwrap().len(), 1);
    assert_eq!(known["convocations"][0]["state"], "honoured");
    assert_eq!(known["permits"][0]["permit"]["number"], PERMIT);
    assert_eq!(known["letters"][0]["attempts"].as_array().unwrap().len(), 1);
    let kinds: Vec<&str> = known["ledger"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"convocation.made") && kinds.contains(&"read.holder"), "{kinds:?}");
    let names = office.query(
        "SELECT DISTINCT family_name FROM holder WHERE family_name <> 'Zzcanari' AND length(family_name) > 6 LIMIT 50",
    );
    assert!(names.lines().all(|name| name.trim().is_empty() || !text.contains(name.trim())));
    let pdf = std::fs::read(office.path("access/person.pdf")).unwrap();
    assert_eq!(support::pdf::failures(&pdf), Vec::<String>::new());
    assert_eq!(
        office.output(&["permit", "export", NUMBER, "--out", "access"]).status.code(),
        Some(2),
        "a reason is needed"
    );
}

#[test]
fn an_export_for_a_recipient_is_never_written_in_clear() {
    let office = over();
    let Ok(made) = std::process::Command::new("age-keygen").output() else {
        assert!(std::env::var_os("CI").is_none(), "age: `script/setup test` installs it");
        return;
    };
    let key = String::from_utf8(made.stdout).unwrap();
    let recipient = key.lines().find_map(|l| l.strip_prefix("# public key: ")).unwrap();
    office.ok(&[
        "permit",
        "export",
        NUMBER,
        "--out",
        "sealed",
        "--reason",
        "request",
        "--encrypt-to",
        recipient,
        "--json",
    ]);
    assert_eq!(traces(&office.path("sealed"), &[]), Vec::<String>::new());
    std::fs::write(office.path("key.txt"), &key).unwrap();
    let open = std::process::Command::new("age")
        .args(["--decrypt", "--identity", "key.txt", "sealed/person.json.age"])
        .current_dir(office.path("."))
        .output()
        .unwrap();
    assert!(String::from_utf8(open.stdout).unwrap().contains("Zzcanari"));
    let run = office.one("SELECT run_id FROM run ORDER BY started_at LIMIT 1");
    let named =
        ["report", &run, "--identified", "--reason", "request", "--encrypt-to", recipient, "--out", "sealed-report"];
    assert!(matches!(office.output(&named).status.code(), Some(0 | 4)));
    assert_eq!(traces(&office.path("sealed-report"), &[]), Vec::<String>::new());
    let clear = ["report", &run, "--encrypt-to", recipient, "--out", "config"];
    assert_eq!(office.output(&clear).status.code(), Some(2), "not beside what everybody can read");
    let file = format!("sealed-report/report-{}-named.zip.age", run.replace('/', "-"));
    let open = std::process::Command::new("age")
        .args(["--decrypt", "--identity", "key.txt", "--output", "report.zip", &file])
        .current_dir(office.path("."))
        .status();
    assert!(open.unwrap().success());
    let mut zip = zip::ZipArchive::new(std::fs::File::open(office.path("report.zip")).unwrap()).unwrap();
    zip.extract(office.path("opened")).unwrap();
    assert!(std::fs::read_to_string(office.path("opened/outcomes.csv")).unwrap().contains("Zzcanari"));
    assert_eq!(office.ok(&["verify", "opened", "--json"])["valid"], true);

    let wrong =
        office.output(&["permit", "export", NUMBER, "--out", "no", "--reason", "request", "--encrypt-to", "age1wrong"]);
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
    assert_eq!(std::fs::read_dir(office.path("no")).unwrap().count(), 0);
}

#[test]
fn what_is_old_goes_and_what_is_young_or_needed_stays() {
    if !faketime::is_there() {
        return;
    }
    let office = over();
    let dry = office.ok(&["purge", "--before", "2200-01-01", "--dry-run", "--json"]);
    assert_eq!((&dry["holders"], &dry["letters"]), (&Value::from(0), &Value::from(0)), "nothing is old enough");
    let later = (today() + chrono::TimeDelta::days(500)).to_string();
    let purge = |args: &[&str]| {
        let mut command = office.command(&[&["purge", "--json"], args].concat());
        command.env("CONVOKE__AUDIT__KEEP_HOLDER_DAYS", "400");
        let output = faketime::at(&mut command, &format!("{later} 12:00:00")).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let would = purge(&["--before", "2200-01-01", "--dry-run"]);
    let (holders, letters) = (would["holders"].as_u64().unwrap(), would["letters"].as_u64().unwrap());
    assert!(holders > 0 && letters > 0, "{would}");
    let all: u64 = office.query("SELECT count(*) FROM holder").trim().parse().unwrap();
    assert!(holders < all, "some are needed");
    assert_eq!(purge(&["--before", "2200-01-01", "--yes"])["purged"], true);
    assert_eq!(office.query("SELECT count(*) FROM holder").trim(), (all - holders).to_string());
    let again = purge(&["--before", "2200-01-01", "--dry-run"]);
    assert_eq!((&again["holders"], &again["letters"]), (&Value::from(0), &Value::from(0)));
    // Nobody with an upcoming appointment, or whom a run may convoke, was erased.
    assert_eq!(office.query("SELECT count(*) FROM convocation c WHERE state = 'convoked' AND NOT EXISTS (SELECT 1 FROM holder h WHERE h.holder_id = c.holder_id)").trim(), "0");
    assert_eq!(office.ok(&["ledger", "verify", "--json"])["valid"], true);
    assert_eq!(office.query("SELECT count(*) FROM holder_key k WHERE NOT EXISTS (SELECT 1 FROM holder h WHERE h.holder_id = k.holder_id)").trim(), "0");
    assert_eq!(purge(&["--before", "2020-01-01", "--yes"])["holders"], 0);
}

#[test]
fn each_reading_of_letters_or_addresses_is_kept_in_the_ledger() {
    let office = convoked();
    let reference = office.query("SELECT reference FROM outbox LIMIT 1");
    office.ok(&["letters", "show", reference.trim(), "--out", "shown", "--json"]);
    office.ok(&["post", "--out", "posted", "--json"]);
    let kinds = office.query("SELECT kind FROM ledger_entry WHERE kind LIKE 'read.%' ORDER BY seq");
    assert_eq!(kinds.split_whitespace().collect::<Vec<_>>(), ["read.letters", "read.addresses"]);
}

#[test]
fn nobody_can_tell_any_more_whose_an_appointment_was() {
    let office = over();
    let of = "SELECT holder_id || ' ' || permit_id FROM convocation WHERE state = 'honoured'";
    let before = office.query(of);
    office.ok(&["permit", "erase", NUMBER, "--reason", "request 7", "--yes", "--json"]);
    let after = office.query(of);
    assert_ne!(before, after);
    assert_eq!(after.matches("erased/").count(), 2, "{after}");
    // A reason with a number in it would be kept for ever.
    let output = office.output(&["permit", "erase", "9400000001", "--reason", "M. Untel, 9400000001", "--yes"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
