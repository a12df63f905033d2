//! People are found by what an agent at a counter would type; nobody is found by data that are no longer theirs.

use std::fmt::Write as _;
use std::fs;

use chrono::{Days, TimeDelta};
use serde_json::Value;

use crate::support::{Office, Shape, today};

const HEADER: &str = "numero_etranger;nom;nom_usage;prenoms;email;telephone;langue;adresse_1;adresse_2;code_postal;commune_insee;foyer;numero_titre;type_titre;mention;debut_validite;fin_validite;statut;depot_le";

/// Number, family name, name in use, given names, e-mail, telephone.
type Row = [&'static str; 6];

const PEOPLE: [Row; 14] = [
    ["9499990001", "O'Brien-N'Diaye", "", "Zoé", "zoe.canari@example.org", "+33 6 39 98 12 34"],
    ["9499990002", "Nguyễn", "", "Thị Ánh Tuyết", "", "0639981235"],
    ["9499990003", "Müller", "", "Jürgen", "", ""],
    ["9499990004", "Mueller", "", "Jorgen", "", ""],
    ["9499990005", "Wiśniewski", "", "Łukasz", "", ""],
    ["9499990006", "محمد", "", "عبد الرحمن", "", ""],
    ["9499990007", "Ouédraogo", "Traoré", "Awa", "partagee@example.org", ""],
    ["9499990008", "Ouédraogo", "", "Issa", "Partagee@example.org", ""],
    ["9499990009", "De  la   Tourelle", "", "Anne-Marie", "", "06.39.98.12.36"],
    ["9499990010", "Ivanov", "", "Sergei", "", ""],
    ["9499990011", "Tourelle", "", "Annemarie", "", ""],
    ["9499990012", "El Amrani", "", "Sara", "", ""],
    ["9499990013", "'; DROP TABLE holder; --", "", "%_\\", "", ""],
    ["949999001", "王", "", "小明", "", ""],
];

fn import(office: &Office, people: &[Row]) -> Value {
    let mut text = format!("{HEADER}\n");
    let (from, to) = (today().checked_sub_days(Days::new(300)).unwrap(), today() + TimeDelta::days(45));
    for [number, family, usage, given, email, phone] in people {
        let permit = format!("TS{number}");
        writeln!(text, "{number};\"{family}\";{usage};{given};{email};{phone};fr;1 rue X;;94000;94028;;{permit};CST;salarie;{from};{to};actif;").unwrap();
    }
    fs::write(office.path("people.csv"), text).unwrap();
    office.ok(&["import", "permits", "people.csv", "--json"])
}

fn office(people: &[Row]) -> Office {
    let office = Office::new(Shape { permits: 300, seats: true });
    import(&office, people);
    office
}

fn find(office: &Office, text: &str) -> Value {
    office.ok(&["permit", "find", "--json", "--", text])
}

/// Numbers of the people found, in order.
fn numbers(office: &Office, text: &str) -> Vec<String> {
    let found = find(office, text);
    found["people"].as_array().unwrap().iter().map(|p| p["number"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_person_is_found_by_what_somebody_would_type() {
    let office = office(&PEOPLE);
    for (text, expected) in [
        // In any order, without accents, capitals, hyphens, apostrophes; together or apart.
        ("obrien", "9499990001"),
        ("zoe o'brien n'diaye", "9499990001"),
        ("NDIAYE", "9499990001"),
        ("O’BRIEN", "9499990001"),
        ("nguyen", "9499990002"),
        ("tuyet  NGUYEN", "9499990002"),
        ("lukasz wisniewski", "9499990005"),
        ("Łukasz", "9499990005"),
        ("awa traore", "9499990007"),
        ("ouedraogo awa", "9499990007"),
        ("de la tourelle", "9499990009"),
        ("elamrani", "9499990012"),
        ("el-amrani sara", "9499990012"),
        // In another script.
        ("محمد", "9499990006"),
        ("مُحَمَّد", "9499990006"),
        ("Иванов", "9499990010"),
        ("王小明", "949999001"),
        ("wang xiao", "949999001"),
        // Unfinished, and with one or two typing errors.
        ("ouedraogo iss", "9499990008"),
        ("wisn", "9499990005"),
        ("nguyne", "9499990002"),
        ("wisnievsky", "9499990005"),
        ("isniewskii", "9499990005"),
        ("amrain sarra", "9499990012"),
        // By other data of a person.
        ("9499990003", "9499990003"),
        (" 94 9999 0003 ", "9499990003"),
        ("949999001", "949999001"),
        ("TS9499990003", "9499990003"),
        ("ts9499990003", "9499990003"),
        ("ZOE.canari@EXAMPLE.org", "9499990001"),
        ("06 39 98 12 34", "9499990001"),
        ("0033639981235", "9499990002"),
        ("+33 (0)6-39-98-12-36", "9499990009"),
        // Attacks are treated as text.
        ("'; DROP TABLE holder; --", "9499990013"),
    ] {
        assert_eq!(numbers(&office, text), [expected], "{text}");
    }
    assert_eq!(numbers(&office, "partagee@example.org"), ["9499990007", "9499990008"]);
    for nobody in
        ["qwxzvk", "%", "_", "---", "fictif qwxzvk", "@", "0600000000", "RC-94-2026-0000001-X", &"é".repeat(260)]
    {
        let found = find(&office, nobody);
        assert_eq!((found["total"].as_u64(), found["people"].as_array().unwrap().len()), (Some(0), 0), "{nobody}");
        assert!(found["hint"].as_str().unwrap().starts_with("Nobody."), "{found}");
    }
}

#[test]
fn the_very_words_come_before_words_that_are_like_them() {
    let office = office(&PEOPLE);
    assert_eq!(numbers(&office, "muller"), ["9499990003", "9499990004"]);
    assert_eq!(numbers(&office, "mueller"), ["9499990004", "9499990003"]);
    assert_eq!(numbers(&office, "anne marie"), ["9499990009", "9499990011"], "together and apart");
    let found = find(&office, "muller");
    assert_eq!(found["schema"], "convoke.found/1");
    assert_eq!((&found["people"][0]["distance"], &found["people"][1]["distance"]), (&0.into(), &2.into()));
}

#[test]
fn who_is_shown_is_said_with_permit_rule_and_appointment_and_found_by_its_reference() {
    let office = office(&PEOPLE);
    assert_eq!(find(&office, "nguyen tuyet")["people"][0]["permits"][0]["label"], Value::Null);
    office.run(&[]);
    let found = find(&office, "nguyen tuyet");
    let person = &found["people"][0];
    assert_eq!(person["permits"][0]["kind"], "CST");
    let reference = person["appointment"]["reference"].as_str().unwrap_or_else(|| panic!("{found}"));
    for typed in [reference.to_owned(), reference.to_lowercase(), reference.replace('-', " ")] {
        assert_eq!(numbers(&office, &typed), ["9499990002"], "{typed}");
    }
    let output = office.output(&["permit", "find", "nguyen", "tuyet"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let expected = ["9499990002", "Nguyễn Thị Ánh Tuyết", "CST TS9499990002 until ", reference, "\u{c0} convoquer"];
    // Convoked this very night: the verdict is the one that convoked them.
    assert!(expected.iter().all(|shown| text.contains(shown)), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn of_many_the_first_are_shown_and_the_rest_counted() {
    let office = office(&[]);
    let found = find(&office, "fictif");
    let of_sql = office.query("SELECT count(*) FROM holder WHERE lower(family_name) LIKE '%fictif%'");
    let total = found["total"].as_u64().unwrap();
    assert_eq!(total.to_string(), of_sql.trim());
    assert_eq!(found["people"].as_array().unwrap().len() as u64, 20.min(total));
    let three = office.ok(&["permit", "find", "fictif", "--limit", "3", "--json"]);
    assert_eq!(
        three["people"].as_array().unwrap()[..],
        found["people"].as_array().unwrap()[..3],
        "the same, in the same order"
    );
    assert_eq!(three["more"].as_u64(), Some(total - 3));
    assert!(three["hint"].as_str().unwrap().starts_with(&format!("And {} more", total - 3)));
    assert_eq!(office.output(&["permit", "find", "fictif", "--limit", "0"]).status.code(), Some(2));
}

#[test]
fn whoever_is_renamed_is_found_by_the_new_name_alone() {
    let office = office(&PEOPLE);
    let mut people = PEOPLE;
    people[4] = ["9499990005", "Kowalski", "", "Łukasz", "neu@example.org", "0639981299"];
    people[0] = ["9499990001", "O'Brien-N'Diaye", "", "Zoé", "", ""];
    import(&office, &people);
    assert_eq!(numbers(&office, "wisniewski"), [""; 0]);
    assert_eq!(numbers(&office, "kowalski lukasz"), ["9499990005"]);
    assert_eq!(numbers(&office, "neu@example.org"), ["9499990005"]);
    assert_eq!(numbers(&office, "zoe.canari@example.org"), [""; 0]);
    assert_eq!(numbers(&office, "0639981234"), [""; 0]);
    assert_eq!(numbers(&office, "zoe obrien"), ["9499990001"]);
    assert_eq!(office.query("SELECT count(*) FROM holder_word WHERE word = 'wisniewski'").trim(), "0");
    assert_as_made_anew(&office);
}

/// The index kept up to date by imports finds the same people as a rebuilt one.
fn assert_as_made_anew(office: &Office) {
    // Rows may be split differently: what counts is who has a word.
    let words = "SELECT word, sum(length(holders)) / 10 FROM holder_word GROUP BY word ORDER BY word";
    let kept = office.query(words);
    office.change("UPDATE prefecture SET words_until = NULL").unwrap();
    let shown = office.ok(&["migrate", "--json"]);
    assert_eq!(shown["names"], serde_json::json!(["94"]));
    assert_eq!(office.query(words), kept);
    assert_eq!(office.ok(&["migrate", "--json"])["names"], serde_json::json!([]));
}

#[test]
fn many_imports_keep_the_words_as_if_they_were_made_at_once() {
    let office = Office::new(Shape { permits: 2_500, seats: false });
    // Nobody's name is so often corrected: this office lets it pass.
    let policy = fs::read_to_string(office.path("config/policy.toml")).unwrap();
    let policy = policy.replace("import_column_max_percent = 20.0", "import_column_max_percent = 100.0");
    fs::write(office.path("config/policy.toml"), policy).unwrap();
    let rows: Vec<String> =
        fs::read_to_string(office.path("permits.csv")).unwrap().lines().map(str::to_owned).collect();
    // Everyone in the first rows is renamed, and a few hundred at a time get their names back.
    for (from, to, name) in [(1, 1_200, "Renommée"), (1, 400, "Autrement"), (900, 1_200, "Fictif")] {
        let mut text = format!("{}\n", rows[0]);
        for row in &rows[from..to] {
            let mut fields: Vec<&str> = row.split(';').collect();
            fields[1] = name;
            writeln!(text, "{}", fields.join(";")).unwrap();
        }
        fs::write(office.path("renamed.csv"), text).unwrap();
        office.ok(&["import", "permits", "renamed.csv", "--json"]);
    }
    assert!(find(&office, "renommee")["total"].as_u64().unwrap() > 300);
    assert_as_made_anew(&office);
}

#[test]
fn a_database_of_an_older_program_is_searched_once_it_is_migrated() {
    let office = office(&PEOPLE);
    office.change("DELETE FROM holder_word; UPDATE prefecture SET words_until = NULL").unwrap();
    let found = find(&office, "nguyen");
    assert!(found["hint"].as_str().unwrap().contains("convoke migrate"), "{found}");
    assert_eq!(numbers(&office, "9499990002"), ["9499990002"], "a number needs no words");
    // An import repairs it too.
    import(&office, &PEOPLE[..1]);
    assert_eq!(numbers(&office, "nguyen tuyet"), ["9499990002"]);
    assert_eq!(office.ok(&["migrate", "--json"])["names"], serde_json::json!([]));
}

#[test]
fn the_ledger_knows_who_looked_and_never_for_whom() {
    let office = office(&PEOPLE);
    find(&office, "wisniewski");
    find(&office, "qwxzvk");
    assert_eq!(office.reads(), [("read.find".into(), serde_json::json!({"by": "name", "people": 1}))]);
    assert_eq!(office.ok(&["ledger", "verify", "--json"])["valid"], true);
}

#[test]
fn whoever_is_erased_is_found_by_nothing_and_no_word_of_theirs_is_left() {
    let office = office(&PEOPLE);
    let mut gone = String::from(
        "UPDATE permit SET expires_on = '2019-01-01', valid_from = '2018-01-01', rule = 'expired' WHERE holder_id IN ",
    );
    gone.push_str("(SELECT holder_id FROM holder WHERE number IN ('9499990005', '9499990007'))");
    office.change(&gone).unwrap();
    office.ok(&["permit", "erase", "9499990005", "--reason", "request", "--yes", "--json"]);
    office.ok(&["purge", "--before", "2020-01-01", "--yes", "--json"]);
    for text in ["wisniewski", "lukasz", "9499990005", "TS9499990005", "awa traore"] {
        assert_eq!(numbers(&office, text), [""; 0], "{text}");
    }
    assert_eq!(numbers(&office, "ouedraogo"), ["9499990008"]);
    assert_eq!(
        office.query("SELECT count(*) FROM holder_word WHERE word IN ('wisniewski', 'lukasz', 'traore')").trim(),
        "0"
    );
    assert_as_made_anew(&office);
}

#[test]
fn a_database_that_is_carried_over_is_searched_there() {
    let office = office(&PEOPLE);
    let moved = office.with_an_empty_database(false);
    office.ok(&["db", "copy", "--from", &office.url(), "--to", &moved.url(), "--json"]);
    assert_eq!(numbers(&moved, "nguyne tuyet"), ["9499990002"]);
}
