//! The forecast compared with the following nights: twelve weeks of the real program, with a faked clock.

use std::fmt::Write as _;
use std::fs;

use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde_json::Value;

use crate::support::{Office, Shape, faketime, today};

/// A Monday, so that the forecast's weeks are whole.
const FIRST_NIGHT: NaiveDate = NaiveDate::from_ymd_opt(2026, 10, 5).expect("a date");
const WEEKS: u64 = 12;

fn after(days: u64) -> NaiveDate {
    FIRST_NIGHT.checked_add_days(Days::new(days)).unwrap()
}

/// The program's answer on a day. Nobody marks attendance: that must make nobody due again in these weeks.
fn on(day: NaiveDate, office: &Office, args: &[&str]) -> Value {
    let mut command = office.command(args);
    command
        .env("CONVOKE__POLICY__FIRM_LEAD_DAYS", "0")
        .env("CONVOKE__POLICY__MARK_DAYS", "365")
        .env("CONVOKE__POLICY__EXTRACT_REFUSE_DAYS", "365");
    let output = faketime::at(&mut command, &format!("{day} 12:00:00")).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 4)), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Slots on every weekday: `renewals` seats a day at each site, and one a week for residents.
fn slots_csv(renewals: u64) -> String {
    let mut csv = "site;guichet;date;heure;duree_min;places\n".to_owned();
    for day in (0..300).map(after).filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)) {
        for site in ["creteil", "nogent-sur-marne", "lhay-les-roses"] {
            writeln!(csv, "{site};renouvellement;{day};09:00;20;{renewals}").unwrap();
            if day.weekday() == Weekday::Tue {
                writeln!(csv, "{site};resident;{day};09:00;20;2").unwrap();
            }
        }
    }
    csv
}

fn n(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Permits that expired each week before their holder was seen.
fn lapses_of_nights(office: &Office) -> Vec<u64> {
    let last = after(7 * WEEKS - 1);
    let expired = office.query(&format!(
        "SELECT expires_on FROM permit p WHERE expires_on >= '{FIRST_NIGHT}' AND expires_on <= '{last}' AND (rule = 'due.late'
           OR EXISTS (SELECT 1 FROM convocation c WHERE c.permit_id = p.permit_id AND c.day > p.expires_on))"
    ));
    let mut weeks = vec![0; WEEKS as usize];
    for day in expired.lines() {
        let day: NaiveDate = day.parse().unwrap();
        weeks[((day - FIRST_NIGHT).num_days() / 7) as usize] += 1;
    }
    weeks
}

/// Forecasts, then runs the nights: each week and the total are within the bounds.
fn assert_the_nights_keep_to_the_forecast(office: &Office) -> (Value, u64) {
    let found = on(FIRST_NIGHT, office, &["forecast", "--json"]);
    assert_eq!((&found["schema"], &found["night"]), (&"convoke.forecast/1".into(), &FIRST_NIGHT.to_string().into()));
    for night in 0..=7 * WEEKS {
        on(after(night), office, &["run", "--yes", "--reason", "a night", "--json"]);
    }
    let lived = lapses_of_nights(office);
    let weeks = found["weeks"].as_array().unwrap();
    assert_eq!(weeks.len(), lived.len());
    let mut so_far = 0;
    for (week, lapses) in weeks.iter().zip(&lived) {
        so_far += lapses;
        for (bounds, lapses) in [(&week["lapses"], *lapses), (&week["lapses_so_far"], so_far)] {
            let within = n(&bounds["lower"]) <= lapses && lapses <= n(&bounds["upper"]);
            assert!(within, "{lapses}: {week}\n{lived:?}\n{found:#}");
        }
    }
    // Not by accident: the expected total is the same, and nearly in the same weeks (there is often a tie between two).
    let expected: Vec<u64> = weeks.iter().map(|w| n(&w["lapses"]["expected"])).collect();
    let apart: u64 = expected.iter().zip(&lived).map(|(a, b)| a.abs_diff(*b)).sum();
    let close = n(&found["lapses"]["expected"]).abs_diff(so_far) <= 2 && 4 * apart <= so_far + 8;
    assert!(close, "{expected:?} expected, {lived:?} lived");
    (found, so_far)
}

#[test]
fn with_ample_seats_twelve_weeks_of_nights_keep_to_the_forecast() {
    if !faketime::is_there() {
        return;
    }
    let office = Office::made_on(FIRST_NIGHT, Shape { permits: 1_500, seats: true });
    let (found, lived) = assert_the_nights_keep_to_the_forecast(&office);
    assert!(n(&found["due"]) > 150, "{found:#}");
    // Everyone with a possible day gets one.
    assert_eq!(lived, n(&found["no_possible_day"]));
    assert_eq!((found["seats_to_add"].as_u64(), &found["first_short_week"]), (Some(0), &Value::Null));
}

#[test]
fn with_too_few_seats_twelve_weeks_of_nights_keep_to_the_forecast() {
    if !faketime::is_there() {
        return;
    }
    let office = Office::made_on(FIRST_NIGHT, Shape { permits: 1_500, seats: false });
    fs::write(office.path("slots.csv"), slots_csv(1)).unwrap();
    on(FIRST_NIGHT, &office, &["import", "slots", "slots.csv", "--json"]);
    let (found, lived) = assert_the_nights_keep_to_the_forecast(&office);
    let possible = |bound: &str| n(&found["lapses"][bound]) - n(&found["no_possible_day"]);
    assert!(possible("lower") > 5, "too many seats for this test: {found:#}");
    assert!(lived >= n(&found["lapses"]["lower"]) && !found["first_short_week"].is_null());
}

/// An office with too few seats as of today, on either database.
fn short_office() -> Office {
    let office = Office::new(Shape { permits: 1_500, seats: false });
    let csv = slots_csv(1);
    let shift = today() - FIRST_NIGHT;
    // Weeks from today on, on the same weekdays.
    let shift = Days::new((shift.num_days().max(0) / 7 * 7) as u64);
    let shifted = csv.lines().enumerate().map(|(i, line)| {
        let mut cells: Vec<String> = line.split(';').map(str::to_owned).collect();
        if i > 0 {
            cells[2] = cells[2].parse::<NaiveDate>().unwrap().checked_add_days(shift).unwrap().to_string();
        }
        cells.join(";") + "\n"
    });
    fs::write(office.path("slots.csv"), shifted.collect::<String>()).unwrap();
    office.ok(&["import", "slots", "slots.csv", "--json"]);
    office
}

#[test]
fn the_proposed_seats_and_no_others_place_everybody() {
    let office = short_office();
    let before = office.totals();
    let found = office.ok(&["forecast", "--json"]);
    let to_add: Vec<&Value> = found["desks"].as_array().unwrap().iter().filter(|d| n(&d["to_add"]) > 0).collect();
    assert!(!to_add.is_empty(), "{found:#}");
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let extra: Vec<String> = to_add
        .iter()
        .map(|d| format!("{}/{}/{}={}", text(&d["site"]), text(&d["desk"]), text(&d["week"]), d["to_add"]))
        .collect();
    let mut args = vec!["forecast", "--json"];
    args.extend(extra.iter().flat_map(|e| ["--extra", e.as_str()]));
    let with = office.ok(&args);
    assert_eq!(with["lapses"]["lower"], found["no_possible_day"]);
    assert_eq!((n(&with["seats_to_add"]), &with["first_short_week"]), (0, &Value::Null));
    // One seat less, one lapse more.
    let less = extra[0].rsplit_once('=').unwrap();
    let fewer = format!("{}={}", less.0, less.1.parse::<u32>().unwrap() - 1);
    let fewer: Vec<&str> =
        extra[1..].iter().map(String::as_str).chain((!fewer.ends_with("=0")).then_some(fewer.as_str())).collect();
    let mut args = vec!["forecast", "--json"];
    args.extend(fewer.iter().flat_map(|e| ["--extra", e]));
    assert_eq!(n(&office.ok(&args)["lapses"]["lower"]), n(&found["no_possible_day"]) + 1);
    // Fewer seats, more lapses; and a forecast changes nothing.
    let scarce = office.ok(&["forecast", "--slots", "-50%", "--json"]);
    assert!(n(&scarce["lapses"]["lower"]) > n(&found["lapses"]["lower"]), "{scarce:#}");
    assert_eq!(office.totals(), before);
}

#[test]
fn a_forecast_is_a_table_a_chart_and_files_and_says_what_it_does_not_know() {
    let office = short_office();
    let output = office.output(&["forecast", "--weeks", "16", "--csv", "weeks.csv", "--svg", "weeks.svg"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "a shortage is a result: {text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    for part in ["First week where not everyone can be placed", "to add, for everybody else", "█", "AT LEAST"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let read = |name: &str| fs::read_to_string(office.path(name)).unwrap();
    assert_eq!(read("weeks.csv").lines().count(), 17);
    assert!(read("weeks-desks.csv").starts_with("\u{feff}site;desk;week;seats;reserved;taken;to_add"));
    let svg = read("weeks.svg");
    assert!(["<title id", "<desc id", "role=\"img\""].iter().all(|part| svg.contains(part)), "{svg}");
    let refused = |args: &[&str]| {
        let output = office.output(args);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let error = refused(&["forecast", "--extra", "paris/renouvellement/2026-W50=20"]);
    assert!(error.contains("paris/renouvellement") && error.contains("creteil/renouvellement"), "{error}");
    let error = refused(&["forecast", "--extra", "creteil/renouvellement/1999-W50=20"]);
    assert!(error.contains("1999-W50") && error.contains("it is open in weeks from"), "{error}");
    refused(&["forecast", "--slots", "many"]);
    refused(&["forecast", "--multiyear", "-10%"]);
    refused(&["forecast", "--weeks", "157"]);
    // Beyond the slots: seats from opening hours, and cards yet to be issued.
    let far = office.ok(&["forecast", "--weeks", "90", "--json"]);
    let weeks = far["weeks"].as_array().unwrap();
    let is_projected = |week: &Value| week["projected"] == true && n(&week["seats"]) > 0;
    assert!(is_projected(&weeks[60]) && !is_projected(&weeks[2]), "{far:#}");
    assert!(weeks.iter().skip(54).map(|w| n(&w["returning"])).sum::<u64>() > 50, "{far:#}");
}

#[test]
fn what_tonight_has_reserved_is_no_longer_free_nor_due() {
    let office = Office::new(Shape { permits: 1_500, seats: true });
    let before = office.ok(&["forecast", "--json"]);
    let run = office.run(&[]);
    let after = office.ok(&["forecast", "--json"]);
    let sum = |found: &Value, of: &str| found["weeks"].as_array().unwrap().iter().map(|w| n(&w[of])).sum::<u64>();
    assert_eq!(sum(&before, "reserved"), 0);
    assert!(sum(&after, "reserved") > 10, "{run} {after:#}");
    assert!(n(&after["due"]) < n(&before["due"]));
    assert!(after["night"].as_str() > before["night"].as_str(), "tonight is over");
}
