//! Names that attack, and names that only look strange, through a whole night of the real program: no panic, no header,
//! no formula, no code, and no legitimate name altered.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use chrono::Days;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{self, today};

const HEADER: &str = "numero_etranger,nom,prenoms,email,telephone,langue,adresse_1,adresse_2,code_postal,commune_insee,foyer,\
                      numero_titre,type_titre,mention,debut_validite,fin_validite,statut,depot_le";

/// Names that a file must not contain.
const REFUSED: [&str; 6] = [
    "Eve\r\nBcc: all@example.org",
    "Eve\nBcc: all@example.org",
    "Eve\rX-Evil: 1",
    "Eve\u{1b}[2J",
    "Eve\tTab",
    "Eve\u{85}X-Evil: 1",
];

/// Names that look like code, and are just text.
const CODE: [&str; 7] = [
    "=cmd()|' /C calc'!A0",
    "@SUM(1+1)",
    "{{ 7 * 7 }}{% for i in range(9) %}",
    "#panic()",
    "<script>alert(1)</script><img src=x onerror=y>\"'&amp;",
    "Bcc: all@example.org",
    "--=_boundary--BEGIN:VEVENT",
];

/// Names with invisible characters, and how a letter shows them.
const UNSEEN: [(&str, &str); 3] =
    [("Eve\u{202e}nimda\u{2066}", "Evenimda"), ("E\u{200b}v\u{feff}e", "Eve"), ("\u{200f}Eve\u{ad}", "Eve")];

const LEGITIMATE: [&str; 8] = [
    "Zoé O’Brien-Lefèvre",
    "D'Almeida Ñuñez",
    "'t Hooft",
    "محمد عبد الرحمن",
    "می\u{200c}خواهم",
    "王小明",
    "Nguyễn Thị Ánh Tuyết",
    "Anne-Marie de La Tour, née d’Aubigné; (Mme)",
];

struct Office(TempDir);

impl Office {
    fn new() -> Self {
        let office = Self(tempfile::tempdir().unwrap());
        office.ends(&["init", "--dir", ".", "--example", "94"], 0);
        office
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn output(&self, args: &[&str]) -> Output {
        let output = support::convoke()
            .args(args)
            .current_dir(self.0.path())
            .env("CONVOKE__SMTP__URL", "maildir:out")
            .env("CONVOKE__DISPATCH__HOURS", "always")
            // A holder whose permit expires in forty days gets a letter tonight.
            .env("CONVOKE__POLICY__FIRM_LEAD_DAYS", "60")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked"), "{args:?}: {said}");
        output
    }

    fn ends(&self, args: &[&str], code: i32) -> Output {
        let output = self.output(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn answer(&self, args: &[&str], code: i32) -> Value {
        serde_json::from_slice(&self.ends(&[args, &["--json"]].concat(), code).stdout).unwrap()
    }

    fn extract(&self, rows: &[Vec<String>]) {
        let mut file = csv::Writer::from_path(self.path("permits.csv")).unwrap();
        file.write_record(HEADER.split(',')).unwrap();
        for row in rows {
            file.write_record(row).unwrap();
        }
        file.flush().unwrap();
    }

    /// Row counts of all tables that an import could change.
    fn counts(&self) -> Vec<i64> {
        use diesel::prelude::*;
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            n: i64,
        }
        let mut conn = SqliteConnection::establish(&self.path("convoke.sqlite3").display().to_string()).unwrap();
        ["holder", "permit", "slot", "import_batch", "ledger_entry"]
            .map(|table| {
                let counts: Vec<Count> =
                    diesel::sql_query(format!("SELECT count(*) AS n FROM {table}")).load(&mut conn).unwrap();
                counts[0].n
            })
            .into()
    }

    /// Every e-mail by its recipient.
    fn mails(&self) -> BTreeMap<String, Mail> {
        let files = fs::read_dir(self.path("out/new")).unwrap();
        files.map(|file| Mail::parse(&fs::read_to_string(file.unwrap().path()).unwrap())).map(|m| (m.to(), m)).collect()
    }
}

/// The permit of someone of this name, which ends in 30 to 50 days.
fn row(i: usize, name: &str) -> Vec<String> {
    let day = |days: i64| (today() + chrono::TimeDelta::days(days)).to_string();
    let expires = day(30 + (i as i64 * 3) % 21);
    let cells = [
        &format!("{i:010}"),
        name,
        "",
        &format!("p{i}@holder.example"),
        "",
        "fr",
        name,
        "",
        "94000",
        "94028",
        "",
        &format!("T{i:09}"),
        "CST",
        "salarie",
        &day(-330),
        &expires,
        "actif",
        "",
    ];
    cells.map(str::to_owned).into()
}

struct Mail {
    headers: Vec<(String, String)>,
    /// Media type and decoded text of each part.
    parts: Vec<(String, String)>,
}

impl Mail {
    fn parse(message: &str) -> Self {
        assert!(message.is_ascii() && !message.replace("\r\n", "").contains(['\r', '\n', '\0']));
        let (head, body) = message.split_once("\r\n\r\n").unwrap();
        let mut parts = Vec::new();
        for part in body.split("--=_").filter(|part| part.contains("\r\n\r\n")) {
            // A boundary is followed by its digest and a line end.
            let Some((_, part)) = part.split_once("\r\n") else { continue };
            let Some((head, body)) = part.split_once("\r\n\r\n") else { continue };
            let headers: HashMap<String, String> = headers(head).into_iter().collect();
            let encoding = headers.get("content-transfer-encoding").map_or("", String::as_str);
            let bytes = match encoding {
                "quoted-printable" => unquoted(body),
                "base64" => unbased(body),
                _ => body.as_bytes().to_vec(),
            };
            parts.push((headers["content-type"].clone(), String::from_utf8_lossy(&bytes).into_owned()));
        }
        Self { headers: headers(head), parts }
    }

    fn to(&self) -> String {
        let to: Vec<_> = self.headers.iter().filter(|(name, _)| name == "to").collect();
        assert_eq!(to.len(), 1);
        to[0].1.trim_matches(['<', '>']).to_owned()
    }

    fn names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn part(&self, media: &str) -> &str {
        &self.parts.iter().find(|(kind, _)| kind.starts_with(media)).unwrap().1
    }
}

/// Names in lower case and unfolded values.
fn headers(head: &str) -> Vec<(String, String)> {
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let fields = unfolded.split("\r\n").map(|line| line.split_once(':').unwrap());
    fields.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect()
}

/// RFC 2045, 6.7.
fn unquoted(text: &str) -> Vec<u8> {
    let joined = text.replace("=\r\n", "");
    let mut parts = joined.split('=');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    bytes
}

/// RFC 2045, 6.8.
fn unbased(text: &str) -> Vec<u8> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut bytes) = (0u32, 0, Vec::new());
    for digit in text.chars().filter_map(|c| ALPHABET.find(c)) {
        (bits, held) = (bits << 6 | digit as u32, held + 6);
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    bytes
}

fn without_entities(html: &str) -> String {
    let mut text = html.to_owned();
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&amp;", "&")];
    for (entity, character) in entities {
        text = text.replace(entity, character);
    }
    text
}

#[test]
fn a_night_of_hostile_names_writes_letters_without_header_markup_or_code() {
    let long = "Très-Long ".repeat(25) + "de l’Étoile";
    assert!(long.chars().count() > 260);
    // The name in the file, and the name on the letter.
    let names: Vec<(&str, &str)> = (LEGITIMATE.iter().chain(&CODE).map(|name| (*name, *name)))
        .chain([(long.as_str(), long.as_str()), ("Durand", "Durand")])
        .chain(UNSEEN)
        .collect();
    let office = Office::new();
    let until = today().checked_add_days(Days::new(120)).unwrap().to_string();
    office.ends(&["agenda", "generate", "--until", &until], 0);
    office.extract(&names.iter().enumerate().map(|(i, (name, _))| row(i, name)).collect::<Vec<_>>());
    let imported = office.answer(&["import", "permits", "permits.csv"], 0);
    assert_eq!(imported["inserted"], names.len());
    assert_eq!(imported["rejected"], serde_json::json!([]));

    let run = office.answer(&["run", "--yes", "--reason", "test"], 0);
    assert_eq!((&run["firm"], &run["letters"]["queued"]), (&names.len().into(), &names.len().into()));
    let sent = office.answer(&["dispatch", "--until-empty"], 0);
    assert_eq!((&sent["accepted"], &sent["failed"]), (&names.len().into(), &0.into()));

    let mails = office.mails();
    assert_eq!(mails.len(), names.len());
    let with_pdf =
        mails.values().filter(|m| m.parts.iter().any(|(kind, _)| kind.starts_with("application/pdf"))).count();
    assert_eq!(with_pdf as u64 + sent["without_pdf"].as_u64().unwrap(), names.len() as u64);
    assert!(with_pdf > names.len() / 2, "{with_pdf}");
    // Each is listed, with the reason.
    let listed = office.answer(&["outbox", "list"], 0);
    let reasons = listed["letters"].as_array().unwrap().iter().filter(|l| l["without_pdf"].is_string()).count();
    assert_eq!(reasons + with_pdf, names.len());
    let place = |name| names.iter().position(|(file, _)| *file == name).unwrap();
    let usual = &mails[&format!("p{}@holder.example", place("Durand"))];
    let kinds =
        |mail: &Mail| mail.parts.iter().map(|(kind, _)| kind.split(';').next().unwrap().to_owned()).collect::<Vec<_>>();
    for (i, (file, shown)) in names.iter().enumerate() {
        let mail = &mails[&format!("p{i}@holder.example")];
        assert_eq!(mail.names(), usual.names(), "{file:?}");
        // A name that does not fit the window, or that no font has, costs its letter the PDF and nothing else.
        let others = |mail| kinds(mail).into_iter().filter(|kind| kind != "application/pdf").collect::<Vec<_>>();
        assert_eq!(others(mail), others(usual), "{file:?}");
        assert!(mail.headers.iter().all(|(_, value)| !value.contains("all@example.org")));

        let text = mail.part("text/plain");
        // Long lines are folded.
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words(text).matches(&words(shown)).count(), 2, "{file:?}: {text}");
        let html = mail.part("text/html");
        assert!(without_entities(html).contains(shown), "{file:?}");
        assert_eq!(html.matches('<').count(), usual.part("text/html").matches('<').count(), "{file:?}");
        let unseen = |c: char| {
            c.is_control() && !"\r\n".contains(c) || "\u{202e}\u{2066}\u{200b}\u{200f}\u{ad}\u{feff}".contains(c)
        };
        assert!(!text.contains(unseen) && !html.contains(unseen), "{file:?}");
        let ics = mail.part("text/calendar");
        assert_eq!((ics.matches("BEGIN:VEVENT").count(), ics.matches("\r\nATTENDEE").count()), (1, 1), "{file:?}");
    }
}

#[test]
fn a_refused_file_changes_nothing_and_names_its_rows() {
    let office = Office::new();
    let long = "x".repeat(10_240);
    let bad = REFUSED.iter().copied().chain([long.as_str()]);
    let mut rows = vec![row(0, "Durand")];
    rows.extend((1..).zip(bad).map(|(i, name)| row(i, name)));
    rows.push(row(8, "王小明"));
    office.extract(&rows);
    let before = office.counts();
    let said = office.ends(&["import", "permits", "permits.csv"], 65);
    assert_eq!(office.counts(), before);
    let refused = office.answer(&["import", "permits", "permits.csv"], 65);
    assert_eq!(office.counts(), before);
    assert!(!office.path("permits.csv.rejects.csv").exists());

    // Each bad row, for its name and its address line. Lines 3, 6 and 9 contain line ends, so the following rows start
    // later.
    let places: Vec<_> = refused["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["row"].as_u64().unwrap(), error["column"].as_str().unwrap()))
        .collect();
    let lines = [3, 6, 9, 12, 13, 14, 15];
    let expected: Vec<_> = lines.iter().flat_map(|line| [(*line, "nom"), (*line, "adresse_1")]).collect();
    assert_eq!(places, expected);
    let report = String::from_utf8(said.stderr).unwrap();
    for line in lines {
        assert!(
            report.contains(&format!("\nline {line}, nom: found")) || report.starts_with(&format!("line {line}, nom"))
        );
    }
    assert!(!report.contains(|c: char| c.is_control() && c != '\n') && !report.contains("\nBcc"), "{report}");
}

#[test]
fn a_file_with_a_nul_is_refused_with_its_line() {
    let office = Office::new();
    office.extract(&[row(0, "Durand"), row(1, "Eve\0")]);
    let before = office.counts();
    for args in [&["import", "permits", "permits.csv"][..], &["import", "permits", "permits.csv", "--accept-valid"]] {
        let said = office.ends(args, 65);
        assert!(String::from_utf8_lossy(&said.stderr).contains("line 3 holds a NUL byte"));
    }
    assert_eq!(office.counts(), before);
}

#[test]
fn valid_rows_are_taken_and_the_file_of_the_others_holds_no_formula() {
    let office = Office::new();
    let formulas = ["=cmd()|' /C calc'!A0", "+1+cmd()", "-1+cmd()", "@SUM(1)", "\t=cmd()", "\r=cmd()"];
    let mut rows = vec![row(0, "Durand"), row(1, "D'Almeida Ñuñez")];
    for (i, formula) in (2..).zip(formulas) {
        let mut bad = row(i, formula);
        bad[15] = "30/02/2027".into();
        rows.push(bad);
    }
    office.extract(&rows);
    let imported = office.answer(&["import", "permits", "permits.csv", "--accept-valid"], 0);
    assert_eq!((&imported["read"], &imported["inserted"]), (&8.into(), &2.into()));
    assert_eq!(office.counts()[..2], [2, 2]);

    let mut rejects = csv::Reader::from_path(office.path("permits.csv.rejects.csv")).unwrap();
    assert_eq!(rejects.headers().unwrap().iter().next_back(), Some("motif"));
    let rejects: Vec<_> = rejects.records().map(Result::unwrap).collect();
    assert_eq!(rejects.len(), formulas.len());
    for (reject, formula) in rejects.iter().zip(formulas) {
        assert!(reject.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{reject:?}");
        assert_eq!(&reject[1], format!("'{formula}"));
        assert!(reject[18].contains("fin_validite: found \"30/02/2027\""));
    }

    // Corrected rejects can be imported as they are: the guard is not part of a name.
    let corrected =
        fs::read_to_string(office.path("permits.csv.rejects.csv")).unwrap().replace("30/02/2027", &today().to_string());
    fs::write(office.path("again.csv"), corrected).unwrap();
    let again = office.answer(&["import", "permits", "again.csv", "--accept-valid"], 0);
    assert_eq!((&again["inserted"], &again["unknown_columns"]), (&4.into(), &serde_json::json!(["motif"])));
}

#[test]
fn the_same_file_twice_changes_nothing() {
    let office = Office::new();
    office.extract(&LEGITIMATE.iter().chain(&CODE).enumerate().map(|(i, name)| row(i, name)).collect::<Vec<_>>());
    let first = office.answer(&["import", "permits", "permits.csv"], 0);
    let second = office.answer(&["import", "permits", "permits.csv"], 0);
    assert_eq!((&first["inserted"], &second["inserted"], &second["updated"]), (&15.into(), &0.into(), &0.into()));
    assert_eq!(second["unchanged"], 15);
}
