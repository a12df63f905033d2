//! Imports by the real program: whole or not at all, and the same file twice changes nothing.

use std::fs;

use chrono::Days;
use serde_json::Value;

use crate::support::{Office, Shape, today};

fn office() -> Office {
    Office::new(Shape { permits: 200, seats: false })
}

fn day(days: u64) -> String {
    // A Wednesday, so that desks may be open; holidays are irrelevant to an imported slot.
    let from = today().checked_add_days(Days::new(days)).unwrap();
    from.week(chrono::Weekday::Mon).first_day().checked_add_days(Days::new(2)).unwrap().to_string()
}

/// The first rows of the extract with other numbers: people the office does not know yet.
fn rows(office: &Office, n: usize) -> String {
    let text = fs::read_to_string(office.path("permits.csv")).unwrap();
    text.split_inclusive('\n').take(n + 1).collect()
}

fn refused(office: &Office, args: &[&str]) -> (Value, String) {
    let output = office.output(args);
    assert_eq!(output.status.code(), Some(65), "{output:?}");
    (
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn the_same_extract_twice_changes_nothing() {
    let office = office();
    let again = office.ok(&["import", "permits", "permits.csv", "--json"]);
    assert_eq!((&again["inserted"], &again["updated"], &again["read"]), (&0.into(), &0.into(), &200.into()));
    assert_eq!(again["unchanged"], 200);
}

#[test]
fn an_older_extract_does_not_undo_what_a_newer_one_said() {
    let office = office();
    let old = rows(&office, 200);
    let actif = old.replace(";decede;", ";actif;").replace(";renouvele;", ";actif;");
    fs::write(office.path("old.csv"), &actif).unwrap();
    office.ok(&["import", "permits", "old.csv", "--json"]);
    let dead = actif.replacen(";actif;", ";decede;", 5);
    fs::write(office.path("new.csv"), &dead).unwrap();
    let taken = office.ok(&["import", "permits", "new.csv", "--json"]);
    assert_eq!((&taken["updated"], &taken["same_day"]), (&5.into(), &true.into()));
    // The newest again says nothing new; an older one is refused, by its bytes or by its date.
    let again = office.ok(&["import", "permits", "new.csv", "--json"]);
    assert_eq!((&again["nothing_new"], &again["updated"]), (&true.into(), &0.into()));
    let imports = office.one("SELECT count(*) FROM import_batch");
    let (_, said) = refused(&office, &["import", "permits", "old.csv", "--json"]);
    assert!(said.contains("--again --reason"), "{said}");
    let yesterday = today().pred_opt().unwrap();
    let other = actif.replacen(";actif;", ";retire;", 1);
    fs::write(office.path(&format!("permits-{yesterday}.csv")), &other).unwrap();
    let (document, said) = refused(&office, &["import", "permits", &format!("permits-{yesterday}.csv"), "--json"]);
    assert!(said.contains(&yesterday.to_string()) && document["as_of"] == yesterday.to_string(), "{said} {document}");
    let tomorrow = today().succ_opt().unwrap().to_string();
    let (_, said) = refused(&office, &["import", "permits", "new.csv", "--as-of", &tomorrow, "--json"]);
    assert!(said.contains("--as-of"), "{said}");
    assert_eq!(office.one("SELECT count(*) FROM import_batch"), imports);
    assert_eq!(office.one("SELECT count(*) FROM permit WHERE status = 'decede'"), "5");
    // Unless somebody says why.
    office.ok(&["import", "permits", "old.csv", "--again", "--reason", "the newer one was a test", "--json"]);
    assert_eq!(office.one("SELECT count(*) FROM permit WHERE status = 'decede'"), "0");
    let said = office.one("SELECT count(*) FROM ledger_entry WHERE payload LIKE '%the newer one was a test%'");
    assert_eq!(said, "1", "the ledger says why");
}

#[test]
fn a_changed_row_is_updated_and_looked_at_again_by_the_next_run() {
    let office = Office::new(Shape { permits: 200, seats: true });
    office.run(&[]);
    let text = fs::read_to_string(office.path("permits.csv")).unwrap();
    let changed = text.replacen(";actif;", ";decede;", 1);
    fs::write(office.path("changed.csv"), changed).unwrap();
    let imported = office.ok(&["import", "permits", "changed.csv", "--json"]);
    assert_eq!((&imported["inserted"], &imported["updated"]), (&0.into(), &1.into()));
    let before = office.query("SELECT count(*) FROM permit WHERE rule = 'deceased'");
    let run = office.run(&[]);
    assert_eq!(run["generation"], 2, "there is something new");
    assert_ne!(office.query("SELECT count(*) FROM permit WHERE rule = 'deceased'"), before);
    assert_eq!(office.query("SELECT count(*) FROM past_verdict WHERE permit_id IN (SELECT permit_id FROM permit WHERE rule = 'deceased')").trim(), "1", "the verdict before is kept");
}

#[test]
fn a_bad_row_refuses_the_whole_file_unless_the_valid_ones_alone_are_asked_for() {
    let office = office();
    let before = office.query("SELECT count(*) FROM permit");
    let text = rows(&office, 3).replace(";actif;", ";vivant;");
    fs::write(office.path("bad.csv"), &text).unwrap();
    let (document, stderr) = refused(&office, &["import", "permits", "bad.csv", "--json"]);
    assert_eq!(document["rejected"][0]["column"], "statut");
    assert_eq!(document["rejected"][0]["found"], "vivant");
    assert!(stderr.contains("nothing was changed"), "{stderr}");
    assert_eq!(office.query("SELECT count(*) FROM permit"), before);
    let mixed = text.replacen(";vivant;", ";retire;", 1);
    fs::write(office.path("mixed.csv"), mixed).unwrap();
    let taken = office.ok(&["import", "permits", "mixed.csv", "--accept-valid", "--json"]);
    assert_eq!(taken["updated"], 1, "{taken}");
    let rejects = fs::read_to_string(office.path("mixed.csv.rejects.csv")).unwrap();
    assert!(rejects.lines().next().unwrap().ends_with(";motif"), "{rejects}");
    assert_eq!(rejects.lines().count(), 3, "{rejects}");
}

#[test]
fn a_trial_tells_and_changes_nothing() {
    let office = Office::new(Shape { permits: 60, seats: false });
    let text = fs::read_to_string(office.path("permits.csv")).unwrap().replace(";actif;", ";retire;");
    fs::write(office.path("other.csv"), text).unwrap();
    let tried = office.ok(&["import", "permits", "other.csv", "--dry-run", "--json"]);
    assert!(tried["updated"].as_u64().unwrap() > 10);
    assert_eq!(
        office.query("SELECT count(*) FROM permit WHERE status = 'retire' AND kind <> ''"),
        Office::new(Shape { permits: 60, seats: false })
            .query("SELECT count(*) FROM permit WHERE status = 'retire' AND kind <> ''")
    );
}

#[test]
fn an_extract_that_lacks_too_many_is_not_whole() {
    let office = office();
    fs::write(office.path("part.csv"), rows(&office, 100)).unwrap();
    let (_, stderr) = refused(&office, &["import", "permits", "part.csv", "--full", "--json"]);
    assert!(stderr.contains("full_vanish_max_percent"), "{stderr}");
    fs::write(office.path("most.csv"), rows(&office, 198)).unwrap();
    let taken = office.ok(&["import", "permits", "most.csv", "--full", "--json"]);
    assert_eq!(taken["vanished"], 2);
    let run = office.run(&[]);
    assert!(run["outcomes"]["absent-from-extract"].as_u64().unwrap_or(0) <= 2, "{run}");
    assert_eq!(office.query("SELECT count(*) FROM permit WHERE absent").trim(), "2");
}

#[test]
fn a_title_that_nobody_has_named_waits_for_an_answer_and_its_people_are_counted() {
    let office = Office::new(Shape { permits: 200, seats: true });
    let extract = rows(&office, 200);
    let soon = (today() + Days::new(50)).to_string();
    let (head, _) = extract.split_once('\n').unwrap();
    let names: Vec<&str> = head.split(';').collect();
    let at = |name: &str| names.iter().position(|n| *n == name).unwrap();
    let (kind, mention, until, status, filed) =
        (at("type_titre"), at("mention"), at("fin_validite"), at("statut"), at("depot_le"));
    let mut lines: Vec<Vec<String>> =
        extract.lines().skip(1).map(|line| line.split(';').map(str::to_owned).collect()).collect();
    for (i, words) in [
        ("CST", "artiste de cirque"),
        ("CST", "Artiste de cirque"),
        ("Carte de séjour", "salarié"),
        ("Carte de séjour temporaire", "« recherche d’emploi ou création d’entreprise »"),
        ("CST", "étudiant-programme de mobilité"),
        ("CST", "étudiant en échange"),
    ]
    .iter()
    .enumerate()
    {
        let line = &mut lines[i];
        (line[kind], line[mention]) = (words.0.to_owned(), words.1.to_owned());
        (line[until], line[status], line[filed]) = (soon.clone(), "actif".to_owned(), String::new());
    }
    let text: String = lines.iter().map(|line| line.join(";") + "\n").collect();
    fs::write(office.path("words.csv"), format!("{head}\n{text}")).unwrap();
    let taken = office.ok(&["import", "permits", "words.csv", "--json"]);
    assert_eq!(taken["rejected"], serde_json::json!([]), "an unknown type refuses no row");
    let run = office.run(&[]);
    let rule =
        |i: usize| office.one(&format!("SELECT rule FROM permit WHERE number = '{}'", lines[i][at("numero_titre")]));
    let rules: Vec<String> = (0..6).map(rule).collect();
    let expected = ["unknown-title", "unknown-title", "unknown-title", "not-renewable", "student", "student"];
    assert_eq!(rules, expected);
    assert_eq!((&run["outcomes"]["unknown-title"], &run["unknown_titles"]), (&3.into(), &3.into()), "{run}");
    let said = run["warnings"].to_string();
    assert!(said.contains("« CST / artiste de cirque » : 1 titre") || said.contains("artiste de cirque"), "{said}");
    let listed = office.ok(&["titles", "list", "--call", "call.csv", "--json"]);
    assert_eq!(listed["unknown"].as_array().unwrap().len(), 4, "{listed}");
    assert_eq!(fs::read_to_string(office.path("call.csv")).unwrap().lines().count(), 1 + 3);
    let is = ["--is", "CST/salarie", "--reason", "circular", "--json"];
    let wrong = ["titles", "add", "CST", "artiste de cirque", "--is", "CST/nulle-part", "--reason", "x"];
    assert_eq!(office.output(&wrong).status.code(), Some(2));
    let answered = office.ok(&[&["titles", "add", "cst", "ARTISTE DE CIRQUE"], &is[..]].concat());
    assert_eq!(answered["permits"], 2, "one answer for every spelling of it");
    // What is known is not overridden by a slip, and an answer can be corrected.
    let slip = ["titles", "add", "CST", "étudiant", "--is", "CST/salarie", "--reason", "x"];
    assert_eq!(office.output(&slip).status.code(), Some(2));
    let other =
        ["titles", "add", "CST", "artiste de cirque", "--is", "CST/visiteur", "--replace", "--reason", "x", "--json"];
    assert_eq!(office.ok(&other)["permits"], 2, "the words are kept");
    let run = office.run(&[]);
    assert_eq!(run["outcomes"]["unknown-title"], 1, "{run}");
    assert!(["due", "already-convoked", "due.online"].contains(&rule(0).as_str()), "{}", rule(0));
    // The same extract again finds them as they are.
    let taken = office.ok(&["import", "permits", "words.csv", "--json"]);
    assert_eq!(taken["vanished"], 0);
    assert_eq!(office.run(&[])["outcomes"]["unknown-title"], 1);
}

/// An upgrade stops nobody's convocation, and convokes no student.
#[test]
fn a_mention_that_was_known_before_keeps_its_verdict_until_it_is_answered() {
    let office = Office::new(Shape { permits: 60, seats: true });
    office.change("INSERT INTO title_kept (prefecture, kind, mention) VALUES ('94', 'CST', 'artiste'), ('94', 'CST', 'etudiant-en-echange')").unwrap();
    let text = rows(&office, 60);
    let (head, _) = text.split_once('\n').unwrap();
    let at = |name: &str| head.split(';').position(|n| n == name).unwrap();
    let soon = (today() + Days::new(50)).to_string();
    let row = |i: usize, mention: &str| {
        let mut fields: Vec<&str> = text.lines().nth(i).unwrap().split(';').collect();
        (fields[at("type_titre")], fields[at("mention")]) = ("CST", mention);
        (fields[at("fin_validite")], fields[at("statut")], fields[at("depot_le")]) = (&soon, "actif", "");
        (fields[at("numero_titre")].to_owned(), fields.join(";"))
    };
    let rows = [row(1, "artiste"), row(2, "étudiant en échange"), row(3, "sculpteur")];
    let lines: String = rows.iter().flat_map(|(_, line)| [line.as_str(), "\n"]).collect();
    fs::write(office.path("kept.csv"), format!("{head}\n{lines}")).unwrap();
    office.ok(&["import", "permits", "kept.csv", "--json"]);
    office.run(&[]);
    let rule = |i: usize| office.one(&format!("SELECT rule FROM permit WHERE number = '{}'", rows[i].0));
    assert_eq!((rule(1), rule(2)), ("student".to_owned(), "unknown-title".to_owned()));
    assert_ne!(rule(0), "unknown-title");
    let checked = office.output(&["config", "check"]);
    assert!(String::from_utf8_lossy(&checked.stderr).contains("CST / artiste is no title"), "{checked:?}");
    let kept = |office: &Office| office.ok(&["titles", "list", "--json"])["kept"].as_array().unwrap().len();
    assert_eq!(kept(&office), 1);
    office.ok(&["titles", "add", "CST", "artiste", "--is", "salarie", "--reason", "circular", "--json"]);
    assert_eq!(kept(&office), 0);
    assert_eq!(office.one(&format!("SELECT mention FROM permit WHERE number = '{}'", rows[0].0)), "salarie");
}

#[test]
fn a_corrected_number_is_the_same_person_with_the_same_appointment() {
    let office = Office::new(Shape { permits: 200, seats: true });
    office.run(&[]);
    let of = |column: &str| {
        office.one(&format!(
            "SELECT {column} FROM holder h JOIN convocation c USING (holder_id) JOIN permit p ON p.permit_id = c.permit_id
             WHERE c.state = 'convoked' ORDER BY h.number LIMIT 1"
        ))
    };
    let (old, permit, reference, new) = (of("h.number"), of("p.number"), of("c.reference"), "9499999999");
    let text = rows(&office, 200).replace(&format!("{old};"), &format!("{new};"));
    fs::write(office.path("corrected.csv"), &text).unwrap();
    let (document, said) = refused(&office, &["import", "permits", "corrected.csv", "--json"]);
    assert_eq!(document["rejected"][0]["found"], permit);
    assert!(said.contains("nothing was changed"), "{said}");
    let offered = document["rejected"][0]["expected"].as_str().unwrap();
    assert!(offered.contains(&format!("convoke permit renumber {old} {new} --reason")), "{offered}");
    let merge = ["permit", "merge", &old, new, "--reason", "x"];
    assert_eq!(office.output(&merge).status.code(), Some(65), "nobody is there to merge with");
    office.ok(&["permit", "renumber", &old, new, "--reason", "corrected in the register", "--json"]);
    let taken = office.ok(&["import", "permits", "corrected.csv", "--full", "--json"]);
    assert_eq!((&taken["inserted"], &taken["vanished"]), (&0.into(), &0.into()), "{taken}");
    let holders = office.one("SELECT count(*) FROM holder");
    let now = office.one(&format!(
        "SELECT h.number FROM holder h JOIN convocation c USING (holder_id) WHERE c.reference = '{reference}'"
    ));
    assert_eq!(now, new);
    office.run(&[]);
    let live = office.one(&format!(
        "SELECT count(*) FROM convocation c JOIN holder h USING (holder_id) WHERE h.number = '{new}' AND c.state = 'convoked'"
    ));
    assert_eq!(live, "1", "nobody is convoked twice");
    // A second permit that came under another number of theirs.
    let third = "9499999998";
    let (head, _) = text.split_once('\n').unwrap();
    let row = text.lines().find(|line| line.starts_with(new)).unwrap();
    let more = row.replacen(new, third, 1).replace(&permit, "T-NEUF-1");
    fs::write(office.path("more.csv"), format!("{head}\n{more}\n")).unwrap();
    office.ok(&["import", "permits", "more.csv", "--json"]);
    office.ok(&["permit", "merge", new, third, "--reason", "one person", "--json"]);
    assert_eq!(office.one("SELECT count(*) FROM holder"), holders);
    let permits = office
        .one(&format!("SELECT count(*) FROM permit p JOIN holder h USING (holder_id) WHERE h.number = '{third}'"));
    assert!(permits.parse::<u32>().unwrap() >= 2, "{permits}");
    assert_eq!(office.ok(&["import", "permits", "more.csv", "--json"])["inserted"], 0);
    office.run(&[]);
    office.assert_promises();
}

#[test]
fn an_extract_that_looks_wrong_waits_for_a_person() {
    let office = office();
    let text = rows(&office, 200);
    let (head, _) = text.split_once('\n').unwrap();
    let email = head.split(';').position(|name| name == "email").unwrap();
    let without = |line: &str| {
        let mut fields: Vec<&str> = line.split(';').collect();
        fields[email] = "";
        fields.join(";") + "\n"
    };
    let empty: String = text.lines().skip(1).map(without).collect();
    fs::write(office.path("empty.csv"), format!("{head}\n{empty}")).unwrap();
    let known = office.one("SELECT count(*) FROM holder WHERE email IS NOT NULL");
    let tried = office.ok(&["import", "permits", "empty.csv", "--dry-run", "--json"]);
    assert_eq!((tried["doubts"].as_array().unwrap().len(), &tried["waiting"]), (1, &Value::Null), "{tried}");
    let (waits, said) = refused(&office, &["import", "permits", "empty.csv", "--json"]);
    let id = waits["waiting"].as_str().unwrap().to_owned();
    assert!(said.contains(&format!("import confirm {id}")) && said.contains("email is empty now"), "{said}");
    assert_eq!(office.one("SELECT count(*) FROM holder WHERE email IS NOT NULL"), known, "nothing was changed");
    let run = office.run(&[]);
    assert!(run["warnings"].to_string().contains(&id), "a night says so: {run}");
    assert_eq!(office.output(&["import", "confirm", "000000000000", "--reason", "x"]).status.code(), Some(2));
    // Another file under its name is not what was looked at.
    let bytes = fs::read(office.path("empty.csv")).unwrap();
    fs::write(office.path("empty.csv"), [&bytes[..], b"\n"].concat()).unwrap();
    refused(&office, &["import", "confirm", &id, "--reason", "looked at", "--json"]);
    fs::write(office.path("empty.csv"), bytes).unwrap();
    let taken = office.ok(&["import", "confirm", &id, "--reason", "the register has no addresses any more", "--json"]);
    assert_eq!(taken["waiting"], Value::Null);
    assert_eq!(office.one("SELECT count(*) FROM holder WHERE email IS NOT NULL"), "0");
    assert_eq!(office.one("SELECT count(*) FROM import_waiting"), "0");
    // An older one that is brought back on purpose can be confirmed too.
    fs::write(office.path("again.csv"), &text).unwrap();
    let args = ["import", "permits", "again.csv", "--again", "--reason", "back to before", "--json"];
    let (waits, _) = refused(&office, &args);
    office.ok(&["import", "confirm", waits["waiting"].as_str().unwrap(), "--reason", "back to before", "--json"]);
    assert_eq!(office.one("SELECT count(*) FROM holder WHERE email IS NOT NULL"), known);
    // A better one that comes takes the place of one that waits.
    let status = head.split(';').position(|name| name == "statut").unwrap();
    let shifted: String = text
        .lines()
        .skip(1)
        .map(|line| {
            let mut fields: Vec<&str> = line.split(';').collect();
            fields[status] = "retire";
            fields.join(";") + "\n"
        })
        .collect();
    fs::write(office.path("shifted.csv"), format!("{head}\n{shifted}")).unwrap();
    refused(&office, &["import", "permits", "shifted.csv", "--json"]);
    assert_eq!(office.one("SELECT count(*) FROM import_waiting"), "1");
    fs::write(office.path("fine.csv"), text.replacen(";actif;", ";decede;", 1)).unwrap();
    office.ok(&["import", "permits", "fine.csv", "--json"]);
    assert_eq!(office.one("SELECT count(*) FROM import_waiting"), "0");
}

/// A row that cannot be read is no sign that its permit is gone, whatever is wrong with it.
#[test]
fn a_bad_row_is_not_an_absent_person() {
    let office = office();
    let text = rows(&office, 200);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let known = office.one("SELECT count(*) FROM permit");
    assert_eq!((lines.len() - 1).to_string(), known, "the whole extract");
    lines[1] = lines[1].replace(";actif;", ";vivant;");
    lines[2] += ";one field too many";
    lines[3] = lines[3].rsplit_once(';').unwrap().0.to_owned();
    // Two stray quotes: what is between them is one field.
    lines[4] = lines[4].replacen(';', ";\"", 1);
    lines[6] = lines[6].replacen(';', "\";", 1);
    // Under another holder's number.
    let other = lines[8].split_once(';').unwrap().0.to_owned();
    lines[7] = format!("{other};{}", lines[7].split_once(';').unwrap().1);
    // And one that is gone indeed.
    lines.remove(9);
    fs::write(office.path("full.csv"), lines.join("\n") + "\n").unwrap();
    let taken = office.ok(&["import", "permits", "full.csv", "--full", "--accept-valid", "--json"]);
    assert!(taken["rejected"].as_array().unwrap().len() >= 5, "{taken}");
    assert_eq!(taken["vanished"], 1, "{taken}");
    assert_eq!(office.one("SELECT count(*) FROM permit WHERE absent"), "1");
}

#[test]
fn slots_and_convocations_made_elsewhere_are_taken_over_once() {
    let office = office();
    let on = day(40);
    let slots = format!(
        "site;guichet;date;heure;duree_min;places\ncreteil;renouvellement;{on};09:00;30;1\ncreteil;renouvellement;{on};09:30;30;2\n"
    );
    fs::write(office.path("slots.csv"), slots).unwrap();
    assert_eq!(office.ok(&["import", "slots", "slots.csv", "--json"])["inserted"], 2);
    assert_eq!(office.ok(&["import", "slots", "slots.csv", "--json"])["unchanged"], 2);
    let numbers: Vec<String> =
        office.query("SELECT number FROM holder ORDER BY number").lines().take(2).map(str::to_owned).collect();
    let head = "numero_etranger;site;guichet;date;heure";
    let one = format!("{};creteil;renouvellement;{on};09:00", numbers[0]);
    fs::write(office.path("made.csv"), format!("{head}\n{one}\n")).unwrap();
    assert_eq!(office.ok(&["import", "convocations", "made.csv", "--json"])["inserted"], 1);
    assert_eq!(office.ok(&["import", "convocations", "made.csv", "--json"])["unchanged"], 1);
    assert_eq!(
        office.query("SELECT (SELECT count(*) FROM reservation) || '/' || (SELECT count(*) FROM outbox)").trim(),
        "1/0",
        "a seat, and no letter"
    );
    // The slot is full, the holder already convoked, the number or the slot unknown: each row is named, and nothing is
    // changed.
    for (row, column) in [
        (format!("{};creteil;renouvellement;{on};09:00", numbers[1]), "heure"),
        (format!("{};creteil;renouvellement;{on};09:30", numbers[0]), "numero_etranger"),
        (format!("9999999999;creteil;renouvellement;{on};09:30"), "numero_etranger"),
        (format!("{};creteil;renouvellement;{on};17:00", numbers[1]), "date"),
        (format!("{};nulle-part;renouvellement;{on};09:30", numbers[1]), "site"),
    ] {
        let good = format!("{};creteil;renouvellement;{on};09:30", numbers[1]);
        let good = if column == "numero_etranger" { good } else { String::new() };
        fs::write(office.path("made.csv"), format!("{head}\n{row}\n{good}\n")).unwrap();
        let (document, _) = refused(&office, &["import", "convocations", "made.csv", "--json"]);
        assert_eq!(document["rejected"][0]["column"], column, "{document}");
        assert_eq!(office.query("SELECT count(*) FROM convocation").trim(), "1", "{row}");
    }
}

#[test]
fn a_file_that_is_no_table_is_refused_by_name() {
    let office = office();
    for (bytes, says) in [
        (&b""[..], "empty"),
        (b"\xff\xfea\0", "UTF-16"),
        (b"nom;prenoms\n", "missing"),
        (b"PK\x03\x04 not a workbook", "XLSX"),
    ] {
        fs::write(office.path("x.csv"), bytes).unwrap();
        let (_, stderr) = refused(&office, &["import", "permits", "x.csv"]);
        assert!(stderr.contains(says), "{says}: {stderr}");
    }
}

#[test]
fn a_holder_whose_first_row_is_refused_comes_with_the_next() {
    let office = office();
    let known = rows(&office, 1);
    let (head, row) = known.split_once('\n').unwrap();
    let names: Vec<&str> = head.split(';').collect();
    let column = |name: &str| names.iter().position(|n| *n == name).unwrap();
    let mut fields: Vec<&str> = row.trim_end().split(';').collect();
    // Another person's permit, then one of their own.
    fields[column("numero_etranger")] = "9399999999";
    let first = fields.join(";");
    fields[column("numero_titre")] = "T-NEUF";
    fs::write(office.path("two.csv"), format!("{head}\n{first}\n{}\n", fields.join(";"))).unwrap();
    let taken = office.ok(&["import", "permits", "two.csv", "--accept-valid", "--json"]);
    assert_eq!((&taken["inserted"], taken["rejected"].as_array().unwrap().len()), (&1.into(), 1), "{taken}");
    assert_eq!(office.query("SELECT count(*) FROM holder WHERE number = '9399999999'").trim(), "1");
}

#[test]
fn a_database_that_cannot_be_used_is_a_matter_of_configuration() {
    let office = office();
    for url in [
        "postgres://someone:secret@db.example.org/convoke",
        "postgres://someone:secret@db.example.org/convoke?sslmode=prefer",
        "mysql:x",
        "sqlite:nowhere/at/all.sqlite3",
    ] {
        let output = office.output(&["--database", url, "plan"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{url}: {said}");
        assert!(said.contains("[database] url") && !said.contains("secret"), "{said}");
    }
}
