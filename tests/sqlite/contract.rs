//! The command lines that outside programs rely on (FORMATS): docs/CLI.md carries them, and each is run here in one
//! office.

use chrono::Days;

use crate::support::{Office, Shape, today};

/// The command lines, and the codes with which each may end in this office.
const LINES: &str = include_str!("contract.txt");

const CONVOKED_HOLDERS: &str =
    "SELECT number FROM holder WHERE holder_id IN (SELECT holder_id FROM convocation WHERE state = 'convoked')";

/// The words of a line, as a shell splits them.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            // Unwrap safety: it begins with a word, and none is taken away.
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_command_line_of_the_contract_does_what_it_says() {
    let office = Office::new(Shape { permits: 300, seats: true });
    let (day, later) = (today() + Days::new(40), today() + Days::new(45));
    for (file, text) in [
        ("slots.csv", format!("site,guichet,date,heure,duree_min,places\ncreteil,renouvellement,{later},17:00,15,1\n")),
        ("convocations.csv", "numero_etranger,site,guichet,date,heure\n".to_owned()),
        ("attendance.csv", "reference,presence\n".to_owned()),
    ] {
        std::fs::write(office.path(file), text).unwrap();
    }
    let one = |sql: &str| office.one(&format!("{sql} LIMIT 1"));
    let convoked =
        "SELECT reference FROM convocation WHERE state = 'convoked' AND origin <> 'elsewhere' ORDER BY reference";
    // What a word in capitals stands for when its line is run.
    let value = |word: &str| match word {
        "TODAY" => today().to_string(),
        "DAY" => day.to_string(),
        "LATER" => later.to_string(),
        "NEXT-YEAR" => (today() + Days::new(365)).to_string(),
        "RUN" => one("SELECT run_id FROM run WHERE state = 'completed' ORDER BY started_at"),
        "REFERENCE" => one(convoked),
        "SLOT" => one("SELECT slot_id FROM slot WHERE seats > 0 ORDER BY day DESC, slot_id"),
        "LETTER" => {
            one("SELECT reference FROM outbox WHERE channel = 'email' AND kind = 'convocation' ORDER BY reference")
        }
        "POSTED" => one("SELECT reference FROM outbox WHERE state = 'posted' ORDER BY reference"),
        "NUMBER" => one(&format!("{CONVOKED_HOLDERS} ORDER BY number")),
        "OTHER" => one(&format!("{CONVOKED_HOLDERS} ORDER BY number DESC")),
        "NAME" => one("SELECT family_name FROM holder ORDER BY number"),
        "STUDENT" => one(
            "SELECT number FROM holder WHERE holder_id IN (SELECT holder_id FROM permit WHERE rule = 'student') ORDER BY number",
        ),
        "MANIFEST" => {
            let manifest = std::fs::read_dir(office.path("post")).unwrap().map(|entry| entry.unwrap().path());
            let manifest = manifest.flat_map(|path| {
                if path.is_dir() {
                    std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect()
                } else {
                    vec![path]
                }
            });
            let is = |path: &std::path::PathBuf| path.to_string_lossy().contains("manifest");
            manifest.into_iter().find(is).expect("a manifest").display().to_string()
        }
        word => word.to_owned(),
    };
    let mut wrong = Vec::new();
    for line in LINES.lines() {
        let (line, codes) = line.split_once('#').expect("a line and its codes");
        let codes: Vec<i32> = codes.split_whitespace().map(|code| code.parse().unwrap()).collect();
        let args: Vec<String> = words(line.trim()).iter().skip(1).map(|word| value(word)).collect();
        let output = office.output(&args.iter().map(String::as_str).collect::<Vec<_>>());
        if !output.status.code().is_some_and(|code| codes.contains(&code)) {
            let said = String::from_utf8_lossy(&output.stderr);
            wrong.push(format!("{}: {:?}, not {codes:?}: {said}", line.trim(), output.status.code()));
        }
    }
    assert!(wrong.is_empty(), "{} of the contract's lines:\n{}", wrong.len(), wrong.join("\n"));
}
