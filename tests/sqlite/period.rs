//! The published figures match the office's rows, and every expired permit is counted once.

use serde_json::Value;

use crate::support::{self, Office, Shape, today};

fn sum(rows: &Value, field: &str) -> u64 {
    rows.as_array().unwrap().iter().map(|row| row[field].as_u64().unwrap()).sum()
}

/// Number of lines of a list, and the sum of one of its columns.
fn column(office: &Office, list: &str, name: &str) -> (usize, u64) {
    let text = std::fs::read_to_string(office.path(list)).unwrap();
    let mut reader =
        csv::ReaderBuilder::new().delimiter(b';').from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let at = reader.headers().unwrap().iter().position(|h| h == name).unwrap();
    let cells: Vec<u64> = reader.records().map(|row| row.unwrap()[at].parse().unwrap_or(0)).collect();
    (cells.len(), cells.iter().sum())
}

#[test]
fn the_figures_of_a_period_are_those_of_the_rows() {
    let office = Office::new(Shape { permits: 1_500, seats: true });
    office.run(&[]);
    office
        .change("UPDATE convocation SET state = 'honoured' WHERE reference = (SELECT min(reference) FROM convocation)")
        .unwrap();
    office
        .change("UPDATE convocation SET state = 'missed' WHERE reference = (SELECT max(reference) FROM convocation)")
        .unwrap();
    office.ok(&["pause", "--reason", "a fire drill", "--json"]);
    let (from, to) = (today() - chrono::TimeDelta::days(120), today() + chrono::TimeDelta::days(220));
    let (first, last) = (from.to_string(), to.to_string());
    let shown = office.ok(&["report", "--from", &first, "--to", &last, "--out", "period", "--json"]);
    let rows = |sql: &str| office.query(sql).trim().parse::<u64>().unwrap();
    let between = |column: &str| format!("{column} BETWEEN '{first}' AND '{last}'");

    let seats = rows(&format!("SELECT CAST(sum(seats) AS BIGINT) FROM slot WHERE {}", between("day")));
    let made = rows(&format!("SELECT count(*) FROM convocation WHERE {}", between("day")));
    assert!(seats > 0 && made > 20);
    for spans in ["weeks", "semesters"] {
        assert_eq!((sum(&shown[spans], "seats"), sum(&shown[spans], "appointments")), (seats, made), "{spans}");
        assert_eq!((sum(&shown[spans], "honoured"), sum(&shown[spans], "missed")), (1, 1), "{spans}");
        assert_eq!(column(&office, &format!("period/{spans}.csv"), "places").1, seats);
    }
    assert_eq!(sum(&shown["waits"], "appointments"), rows("SELECT count(*) FROM convocation"));

    // Every expired permit is in exactly one place.
    let expired = rows(&format!(
        "SELECT count(*) FROM permit WHERE expires_on BETWEEN '{first}' AND '{}'",
        today().pred_opt().unwrap()
    ));
    assert_eq!(sum(&shown["endings"], "permits"), expired);
    assert_eq!(column(&office, "period/endings-by-week.csv", "titres").1, expired);
    assert_eq!(column(&office, "period/endings.csv", "titre").0 as u64, expired);
    let kinds: Vec<&str> = shown["endings"].as_array().unwrap().iter().map(|e| e["ending"].as_str().unwrap()).collect();
    for kind in ["filed-in-time", "convoked-too-late"] {
        assert!(kinds.contains(&kind), "{kind}");
    }
    // Students are never counted among those who should have been convoked.
    let wrong =
        shown["endings"].as_array().unwrap().iter().find(|e| e["rule"] == "student" && e["ending"] == "never-convoked");
    assert_eq!(wrong, None);
    let acts = shown["acts"].as_array().unwrap();
    assert!(acts.iter().any(|a| a["kind"] == "sending.paused" && a["reason"] == "a fire drill"), "{acts:?}");

    assert_eq!(support::pdf::failures(&std::fs::read(office.path("period/period.pdf")).unwrap()), Vec::<String>::new());
    let book: calamine::Xlsx<_> = calamine::open_workbook(office.path("period/tables.xlsx")).unwrap();
    assert_eq!(calamine::Reader::sheet_names(&book).len(), 6);
    let names = office.query("SELECT family_name FROM holder LIMIT 40");
    let list = std::fs::read_to_string(office.path("period/endings.csv")).unwrap();
    assert!(names.lines().all(|name| name.trim().len() < 5 || !list.contains(name.trim())), "nobody is named");
}

#[test]
fn a_week_fits_eighty_columns_and_a_period_that_ends_before_it_begins_is_none() {
    let office = Office::new(Shape { permits: 800, seats: true });
    office.run(&[]);
    let output = office.output(&["report", "outcomes", "--week", &today().to_string()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("TITRES ARRIVÉS À EXPIRATION"), "{text}");
    assert_eq!(text.lines().find(|line| line.chars().count() > 80), None);
    let week = office.ok(&["report", "outcomes", "--week", "--json"]);
    assert_eq!(week["schema"], "convoke.period/1");
    let days = |key: &str| week[key].as_str().unwrap().parse::<chrono::NaiveDate>().unwrap();
    assert_eq!((days("to") - days("from")).num_days(), 6);
    assert!(days("to") < today(), "last week, whole");
    assert_eq!(office.output(&["report", "--from", "2026-02-01", "--to", "2026-01-01"]).status.code(), Some(2));
    assert_eq!(office.output(&["report", "--from", "2026-02-01"]).status.code(), Some(2));
}
