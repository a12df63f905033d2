//! The sheets of a day: who is expected, for the counter and for the door, with nobody left out.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use chrono::{NaiveDate, TimeDelta};
use serde_json::Value;

use crate::support::{Office, Shape, faketime, pdf};

const SITES: [&str; 3] = ["creteil", "nogent-sur-marne", "lhay-les-roses"];
const FILES: [&str; 3] = ["guichet.csv", "guichet.pdf", "porte.pdf"];

/// An office whose first night was that of 5 October 2026; `None` if the clock cannot be faked.
fn office() -> Option<Office> {
    let day: NaiveDate = "2026-10-05".parse().unwrap();
    let office = faketime::is_there().then(|| Office::made_on(day, Shape { permits: 300, seats: true }))?;
    let output = command(&office, "2026-10-05 12:00:00", &["run", "--yes", "--reason", "test"]).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 4)), "{}", String::from_utf8_lossy(&output.stderr));
    Some(office)
}

fn command(office: &Office, when: &str, args: &[&str]) -> Command {
    let mut command = office.command(args);
    faketime::at(&mut command, when);
    command.env("CONVOKE__POLICY__EXTRACT_REFUSE_DAYS", "365");
    command
}

/// The days with appointments.
fn days(office: &Office) -> Vec<NaiveDate> {
    let rows = office.query("SELECT day FROM convocation WHERE state = 'convoked' GROUP BY day ORDER BY day");
    rows.lines().map(|day| day.parse().unwrap()).collect()
}

/// The rows of a table, its header first.
fn table(file: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(file).unwrap();
    let text = text.strip_prefix('\u{feff}').expect("spreadsheets need the mark");
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn sheets(office: &Office, day: NaiveDate, out: &str) -> Value {
    office.ok(&["agenda", "sheet", "--date", &day.to_string(), "--out", out, "--json"])
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_sheet_has_everybody_who_is_expected_and_can_be_filled_in_and_imported() {
    let Some(office) = office() else { return };
    let day = days(&office)[0];
    let shown = sheets(&office, day, "sheets");
    assert_eq!(shown["schema"], "convoke.sheet/1");
    let expected = office.query(&format!("SELECT count(*) FROM convocation WHERE day = '{day}'"));
    let mut found = 0;
    for (site, shown) in SITES.iter().zip(shown["sites"].as_array().unwrap()) {
        assert_eq!(shown["site"], *site);
        for file in FILES {
            let path = office.path(&format!("sheets/feuille-94-{day}-{site}-{file}"));
            assert_eq!(mode(&path), 0o600, "{file}");
            if file.ends_with("pdf") {
                assert_eq!(pdf::failures(&fs::read(path).unwrap()), Vec::<String>::new(), "{file}");
            }
        }
        let rows = table(&office.path(&format!("sheets/feuille-94-{day}-{site}-guichet.csv")));
        assert_eq!(rows[0][..2], ["reference", "presence"], "the columns of attendance.csv come first");
        assert_eq!(shown["appointments"], rows.len() - 1);
        found += rows.len() - 1;
        for row in &rows[1..] {
            let known = office.query(&format!(
                "SELECT c.slot_id, h.family_name, h.birth_date, p.kind FROM convocation c JOIN holder h USING (holder_id)
                 JOIN permit p USING (permit_id) WHERE c.reference = '{}'",
                row[0]
            ));
            let known: Vec<&str> = known.trim_end().split('|').collect();
            assert_eq!(known[0], format!("{site}/{}/{}T{}", row[3], row[4], row[5]));
            assert!(row[6].ends_with(known[1]), "{row:?} {known:?}");
            assert_eq!([&row[7], &row[8]], [known[2], known[3]]);
        }
        let order: Vec<_> = rows[1..].iter().map(|row| (row[3].clone(), row[5].clone())).collect();
        assert!(order.is_sorted_by(|a, b| a.0 != b.0 || a.1 <= b.1), "desk by desk, by hour: {order:?}");
    }
    assert_eq!(found.to_string(), expected.trim());
    assert_eq!(mode(&office.path("sheets")), 0o700);
    let read = ("read.sheet".into(), serde_json::json!({"date": day, "site": null}));
    assert_eq!(office.reads(), [read], "who sees people's data stands in the ledger");

    // Filled in, it is a file of marks with no unknown columns, and a new sheet shows the marks.
    let site =
        SITES.iter().find(|site| table(&office.path(&format!("sheets/feuille-94-{day}-{site}-guichet.csv"))).len() > 2);
    let file = format!("sheets/feuille-94-{day}-{}-guichet.csv", site.unwrap());
    let filled = fs::read_to_string(office.path(&file)).unwrap().replacen(";;", ";honore;", 1);
    fs::write(office.path(&file), filled).unwrap();
    let when = format!("{} 08:00:00", day + TimeDelta::days(1));
    let output = command(&office, &when, &["import", "attendance", &file, "--json"]).output().unwrap();
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    let open = table(&office.path(&file)).len() - 2;
    assert_eq!((&done["updated"], &done["unmarked"]), (&1.into(), &open.into()), "{done}");
    assert_eq!((done["unknown_columns"].as_array().unwrap().len(), done["warnings"].as_array().unwrap().len()), (0, 0));
    sheets(&office, day, "again");
    let again = table(&office.path(&file.replace("sheets", "again")));
    assert_eq!(again.iter().filter(|row| row[1] == "honore").count(), 1);
    assert_eq!(again.len(), open + 2, "whoever came stays on the sheet");
}

#[test]
fn a_day_without_anybody_has_a_sheet_that_says_why() {
    let Some(office) = office() else { return };
    for (day, reason) in
        [("2026-11-11", Some("jour férié")), ("2026-11-14", None), ("2031-03-04", None), ("2019-03-05", None)]
    {
        let shown = sheets(&office, day.parse().unwrap(), "none");
        for site in shown["sites"].as_array().unwrap() {
            assert_eq!((&site["appointments"], site["closed"].as_str()), (&0.into(), reason), "{day}");
        }
        let paper = fs::read(office.path(&format!("none/feuille-94-{day}-creteil-guichet.pdf"))).unwrap();
        assert_eq!(pdf::failures(&paper), Vec::<String>::new());
        assert_eq!(pdf::pages(&paper), 1);
        assert_eq!(table(&office.path(&format!("none/feuille-94-{day}-creteil-guichet.csv"))).len(), 1);
    }
    let one = office.ok(&["agenda", "sheet", "--date", "2026-11-11", "--site", "creteil", "--out", "one", "--json"]);
    assert_eq!(one["sites"].as_array().unwrap().len(), 1);
    assert_eq!(names(&office.path("one")).len(), 3);
    let output = office.output(&["agenda", "sheet", "--date", "2026-11-11", "--site", "orly", "--out", "two"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("creteil, nogent-sur-marne"), "{output:?}");
}

#[test]
fn names_that_are_long_foreign_or_hostile_cost_nobody_the_sheet() {
    let Some(office) = office() else { return };
    let day = days(&office)[0];
    let references = office.query(&format!("SELECT reference FROM convocation WHERE day = '{day}' ORDER BY reference"));
    let hostile = [
        "محمد عبد الرحمن",
        &"W".repeat(260),
        &"Ben ".repeat(250),
        "=cmd()|A0",
        "#panic() \\ $x$",
        "Eve\u{202e}nimda",
        "𓀀𒀀",
        "王小明",
    ];
    let references: Vec<&str> = references.lines().collect();
    assert!(references.len() >= hostile.len(), "a day with enough people: {}", references.len());
    for (reference, name) in references.iter().zip(hostile) {
        office
            .change(&format!(
                "UPDATE holder SET family_name = '{}', usage_name = NULL, given_names = '' WHERE holder_id = (SELECT holder_id FROM convocation WHERE reference = '{reference}')",
                name.trim()
            ))
            .unwrap();
    }
    sheets(&office, day, "sheets");
    let mut shown = Vec::new();
    for site in SITES {
        let paper = fs::read(office.path(&format!("sheets/feuille-94-{day}-{site}-guichet.pdf"))).unwrap();
        assert_eq!(pdf::failures(&paper), Vec::<String>::new(), "{site}");
        shown.extend(table(&office.path(&format!("sheets/feuille-94-{day}-{site}-guichet.csv"))));
    }
    for (reference, name) in references.iter().zip(hostile) {
        let row = shown.iter().find(|row| row[0] == *reference).unwrap();
        let quote = if name.starts_with('=') { "'" } else { "" };
        assert_eq!(row[6], format!("{quote}{}", name.trim()), "the table keeps the name whole, and no formula");
    }
}

#[test]
fn each_night_leaves_the_sheets_of_the_next_days_and_nothing_that_is_no_longer_so() {
    let Some(office) = office() else { return };
    let all = days(&office);
    let night = format!("{} 01:30:00", all[0]);
    let timer = |when: &str, folder: &str| {
        let mut command = command(&office, when, &["run", "--timer", "--yes", "--reason", "cron", "--json"]);
        let output = command.env("CONVOKE__SHEETS__FOLDER", office.path(folder)).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 4)), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let folder = office.path("sheets");
    fs::create_dir(&folder).unwrap();
    let old = format!("feuille-94-{}-creteil-guichet.pdf", all[0] - TimeDelta::days(8));
    let kept = format!("feuille-94-{}-creteil-guichet.csv", all[0] - TimeDelta::days(7));
    let lost = format!("feuille-94-{}-ancien-site-porte.pdf", all[1]);
    let others =
        ["notes.txt".to_owned(), format!("copie de {old}"), format!("feuille-93-{}-creteil-porte.pdf", all[0])];
    for name in [&old, &kept, &lost].into_iter().chain(&others) {
        fs::write(folder.join(name), "mine").unwrap();
    }
    timer(&night, "sheets");
    let of =
        |day: NaiveDate| SITES.iter().flat_map(move |site| FILES.map(|file| format!("feuille-94-{day}-{site}-{file}")));
    // The days may have changed, because the night has run.
    let next: Vec<NaiveDate> = days(&office).into_iter().filter(|day| *day >= all[0]).take(3).collect();
    let mut wanted: BTreeSet<String> =
        next.iter().flat_map(|day| of(*day)).chain(others.clone()).chain([kept]).collect();
    assert_eq!(names(&folder), wanted);
    let file = folder.join(of(all[0]).next().unwrap());
    assert_eq!(mode(&file), 0o600);

    // A cancelled appointment is no longer on the next sheet, even if nobody is left on that day.
    let gone = next[2];
    office.change(&format!("UPDATE convocation SET state = 'cancelled' WHERE day = '{gone}'")).unwrap();
    let before = fs::read(&file).unwrap();
    timer(&night, "sheets");
    wanted.extend(days(&office).into_iter().filter(|day| *day >= all[0]).take(3).flat_map(of));
    assert_eq!(names(&folder), wanted);
    assert_eq!(fs::read(&file).unwrap(), before, "what is as it was is written as it was");
    let people: usize =
        SITES.map(|site| table(&folder.join(format!("feuille-94-{gone}-{site}-guichet.csv"))).len() - 1).iter().sum();
    let known = office.query(&format!("SELECT count(*) FROM convocation WHERE day = '{gone}' AND state = 'convoked'"));
    assert_eq!(people.to_string(), known.trim());

    // A folder that cannot be written is reported, and does not stop the night.
    fs::write(office.path("taken"), "a file").unwrap();
    let shown = timer(&night, "taken");
    assert!(shown.contains("sheets for counter and door could not be written"), "{shown}");
}
