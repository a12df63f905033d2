//! Files and names as they are in reality, and as an attacker would have them: refused with their rows named, or
//! imported correctly.

use std::fs;
use std::process::Output;

use chrono::Days;
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{Office, Shape, today};

const HEADER: &str = "numero_etranger;nom;prenoms;email;telephone;langue;adresse_1;adresse_2;code_postal;commune_insee;foyer;numero_titre;type_titre;mention;debut_validite;fin_validite;statut;depot_le";

/// A valid row, except for the fields that the test replaces.
struct Row {
    number: String,
    name: String,
    permit: String,
    expires: String,
}

impl Row {
    fn new(n: usize, name: &str) -> Self {
        let expires = today().checked_add_days(Days::new(40)).unwrap().to_string();
        Self { number: format!("{n:010}"), name: name.to_owned(), permit: format!("T{n}"), expires }
    }

    fn csv(&self) -> String {
        let Self { number, name, permit, expires } = self;
        let name = name.replace('"', "\"\"");
        format!(
            "{number};\"{name}\";Alba;a{number}@example.org;;;1 rue de l'Exemple;;94000;94028;;{permit};CST;salarie;2020-01-01;{expires};actif;"
        )
    }
}

fn empty_office() -> Office {
    let office = Office::new(Shape { permits: 50, seats: true });
    // Only the test's own people.
    office.change("DELETE FROM permit; DELETE FROM holder").unwrap();
    office
}

fn import(office: &Office, text: impl AsRef<[u8]>, args: &[&str]) -> (Output, Value) {
    fs::write(office.path("x.csv"), text).unwrap();
    let output = office.output(&[&["import", "permits", "x.csv", "--json"], args].concat());
    let document = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output, document)
}

#[test]
fn hostile_and_unusual_names_reach_the_letter_without_harm_and_unaltered() {
    let long = format!("Spécimen{}", "-Spécimen".repeat(28));
    let names = [
        "O'Exemple",
        "N’Témoin-Modèle",
        "نموذج",
        "样本",
        "Nguyễn Văn Mẫu",
        &long,
        "=cmd()|' /C calc'!A0",
        "{{ 7*7 }}",
        "{% for x in y %}",
        "#panic()",
        "<script>alert(1)</script>",
        "Fictif\u{202e}ecalp",
        "Zéro\u{200b}Largeur",
        "\"Guillemets\"",
    ];
    let office = empty_office();
    let rows: Vec<String> = names.iter().enumerate().map(|(i, name)| Row::new(i + 1, name).csv()).collect();
    let (output, imported) = import(&office, format!("{HEADER}\n{}\n", rows.join("\n")), &[]);
    assert_eq!(imported["inserted"], names.len(), "{output:?}");
    for (i, name) in names.iter().enumerate() {
        let stored = office.query(&format!("SELECT family_name FROM holder WHERE number = '{:010}'", i + 1));
        assert_eq!(stored.trim_end_matches('\n'), *name, "stored as it is");
    }
    office.run(&[]);
    // Only existing letters are sent, and a letter exists once its appointment is firm: make everything firm early.
    let run = office
        .command(&["run", "--yes", "--reason", "x", "--json"])
        .env("CONVOKE__POLICY__FIRM_LEAD_DAYS", "200")
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    office.until_sent();
    let mails: Vec<String> = office.mails().iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    assert_eq!(mails.len(), names.len());
    for mail in &mails {
        let head = mail.split("\r\n\r\n").next().unwrap();
        let allowed = [
            "From",
            "To",
            "Reply-To",
            "Subject",
            "Date",
            "Message-ID",
            "X-Convocation",
            "Auto-Submitted",
            "Content-Language",
            "MIME-Version",
            "Content-Type",
        ];
        for line in head.split("\r\n").filter(|l| !l.starts_with([' ', '\t'])) {
            assert!(allowed.contains(&line.split(':').next().unwrap()), "an injected header: {line}");
        }
        let page = mail.split("text/html").nth(1).unwrap().split("text/calendar").next().unwrap();
        assert!(page.contains("<html") && !page.contains("<script"), "markup of a name");
    }
    let report = office.ok(&["report", "--json"]).to_string();
    assert!(names.iter().all(|name| !report.contains(name)), "no name in a report");
}

#[test]
fn a_name_with_a_control_character_or_endless_is_refused_with_its_row_and_column() {
    let office = empty_office();
    for name in ["A\r\nBcc: x@example.org", "A\tB", "A\u{7f}B", "A\u{85}B", &"x".repeat(10_000), &"x".repeat(1_000_000)]
    {
        let text = format!("{HEADER}\n{}\n{}\n", Row::new(1, "Exemple").csv(), Row::new(2, name).csv());
        let (output, document) = import(&office, text, &[]);
        assert_eq!(output.status.code(), Some(65), "{}", String::from_utf8_lossy(&output.stderr));
        let rejected = &document["rejected"][0];
        assert_eq!((&rejected["row"], &rejected["column"]), (&3.into(), &"nom".into()), "{document}");
        assert!(String::from_utf8_lossy(&output.stderr).len() < 2_000, "the error is no longer than it must be");
        assert_eq!(office.query("SELECT count(*) FROM permit").trim(), "0");
    }
}

#[test]
fn every_bad_field_is_named_and_formulas_are_made_text_in_the_rejects() {
    let office = empty_office();
    let good = Row::new(1, "Exemple").csv();
    let bad = "12A;=cmd();;sans-arobase;;;;;9400;94;;;ZZZ;salarie;2020-02-30;2019-01-01;vivant;";
    let (output, document) =
        import(&office, format!("{HEADER}\n{good}\n{bad}\n{HEADER};surplus\n"), &["--accept-valid"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(document["inserted"], 1);
    let columns: Vec<&str> = document["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e["row"] == 3)
        .map(|e| e["column"].as_str().unwrap())
        .collect();
    for column in
        ["numero_etranger", "adresse_1", "code_postal", "commune_insee", "numero_titre", "debut_validite", "statut"]
    {
        assert!(columns.contains(&column), "{column}: {columns:?}");
    }
    assert!(document["rejected"].as_array().unwrap().iter().any(|e| e["row"] == 4), "the ragged row: {document}");
    let rejects = fs::read_to_string(office.path("x.csv.rejects.csv")).unwrap();
    assert!(rejects.contains(";'=cmd();"), "{rejects}");
}

#[test]
fn contradictions_within_a_file_are_errors_and_repetitions_are_not() {
    let office = empty_office();
    let row = |n: usize, name: &str, permit: &str| Row { permit: permit.to_owned(), ..Row::new(n, name) }.csv();
    let file = |rows: &[String]| format!("{HEADER}\n{}\n", rows.join("\n"));
    let two_numbers = file(&[row(1, "Exemple", "T1"), row(2, "Exemple", "T1")]);
    let two_names = file(&[row(1, "Exemple", "T1"), row(1, "Modèle", "T2")]);
    for text in [two_numbers, two_names] {
        let (output, document) = import(&office, text, &[]);
        assert_eq!(output.status.code(), Some(65));
        assert_eq!(document["rejected"][0]["row"], 3, "{document}");
    }
    let (_, document) = import(&office, file(&[row(1, "Exemple", "T1"), row(1, "Exemple", "T1")]), &[]);
    assert_eq!((&document["inserted"], document["warnings"].as_array().unwrap().len()), (&1.into(), 1), "{document}");
}

#[test]
fn encodings_and_separators_are_detected_and_said() {
    let office = empty_office();
    let text = format!("{HEADER}\n{}\n", Row::new(1, "Échantillon").csv());
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let with_bom = format!("\u{feff}{text}").replace('\n', "\r\n");
    // Replace each separator by a comma: no field of this row contains either.
    let commas = text.replace(';', ",");
    for (bytes, encoding, separator) in
        [(latin, "Windows-1252", ";"), (with_bom.into_bytes(), "UTF-8", ";"), (commas.into_bytes(), "UTF-8", ",")]
    {
        let (output, document) = import(&office, bytes, &[]);
        assert_eq!(
            (&document["encoding"], &document["separator"]),
            (&encoding.into(), &separator.into()),
            "{output:?}"
        );
        assert_eq!(office.query("SELECT family_name FROM holder").trim(), "Échantillon");
    }
}

#[test]
fn a_file_that_is_cut_or_holds_what_no_text_holds_is_refused_with_the_place() {
    let office = empty_office();
    let good = Row::new(1, "Exemple").csv();
    let open_quote =
        format!("{HEADER}\n{good}\n{}\n", Row::new(2, "Exemple").csv().replace("\"Exemple\"", "\"Exemple"));
    let nul = format!("{HEADER}\n{good}\n{}\n", good.replace("Alba", "Al\0ba"));
    let twice = format!("{HEADER};nom\n{good};x\n");
    for (text, says) in [(open_quote, "line 3"), (nul, "line 3"), (twice, "nom"), (HEADER.replace(";nom;", ";"), "nom")]
    {
        let (output, _) = import(&office, &text, &[]);
        assert_eq!(output.status.code(), Some(65));
        assert!(String::from_utf8_lossy(&output.stderr).contains(says), "{says}: {output:?}");
    }
    let (_, document) = import(&office, format!("{HEADER}\n"), &[]);
    assert_eq!(document["read"], 0, "a header alone is an empty extract");
}

#[test]
fn a_workbook_is_read_like_a_csv_but_never_a_number_for_a_name() {
    let office = empty_office();
    let row = Row::new(7, "Échantillon").csv().replace('"', "");
    for (number_as_text, code) in [(true, 0), (false, 65)] {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet();
        for (r, line) in [HEADER, &row].iter().enumerate() {
            for (c, cell) in line.split(';').enumerate() {
                if (r, c, number_as_text) == (1, 0, false) {
                    sheet.write_number(1, 0, 7.0).unwrap();
                } else {
                    sheet.write_string(r as u32, c as u16, cell).unwrap();
                }
            }
        }
        let bytes = book.save_to_buffer().unwrap();
        let (output, document) = import(&office, &bytes, &[]);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        if code == 0 {
            assert_eq!((&document["encoding"], &document["inserted"]), (&"XLSX".into(), &1.into()));
        } else {
            assert_eq!(document["rejected"][0]["column"], "numero_etranger", "a number has lost its zeros");
        }
        let (cut, _) = import(&office, &bytes[..bytes.len() / 2], &[]);
        assert_eq!(cut.status.code(), Some(65), "{cut:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), with_header in any::<bool>()) {
        use convoke_office::import::{mapping::Mapping, permits, table::Table, wording};
        let file = tempfile::NamedTempFile::new().unwrap();
        let head = if with_header { format!("{HEADER}\n").into_bytes() } else { Vec::new() };
        fs::write(file.path(), [head, bytes].concat()).unwrap();
        if let Ok(mut table) = Table::open(file.path(), &permits::LAYOUT, &Mapping::default()) {
            let mut record = table.record();
            let titles = convoke_domain::title::Titles::shipped();
            let mut wording = wording::Wording::new(&titles, []);
            let mut records = table.records().unwrap();
            while let Ok(true) = records.read(&mut record) {
                let _ = permits::parse(&record, &mut wording);
            }
        }
    }
}
