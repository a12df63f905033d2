//! The server through nights on which the clock changes, and through thirty of them: the database makes no difference.

use std::time::Duration;

use chrono::Days;

use crate::support::{Office, Shape, faketime};
use crate::whole::serve::{FAST, Served, assert_each_date_once, day, is_done, office_on, until};

impl Served {
    /// Its private memory, in KiB.
    fn own_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.as_ref().unwrap().id())).unwrap();
        let line = status.lines().find(|l| l.starts_with("RssAnon")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

fn through(first: &str, last: &str) -> Vec<String> {
    let office = office_on(first);
    let served =
        Served::begin(&office, &format!("{first} 12:00:00 {FAST}"), &[("CONVOKE__POLICY__EXTRACT_REFUSE_DAYS", "60")]);
    let second = day(first) + Days::new(1);
    for date in second.iter_days().take_while(|date| *date <= day(last)) {
        until("a night", &office, || is_done(&office, &date.to_string()));
    }
    served.stop();
    assert_each_date_once(&office, &second.to_string(), last)
}

#[test]
fn the_night_on_which_an_hour_comes_twice_is_covered_once() {
    if faketime::is_there() {
        // Half past two occurs twice; the night begins at the first, in summer time.
        assert_eq!(through("2026-10-24", "2026-10-26"), ["2026-10-25 00:30", "2026-10-26 01:30"]);
    }
}

#[test]
fn the_night_on_which_an_hour_is_skipped_is_covered() {
    if faketime::is_there() {
        assert_eq!(through("2027-03-27", "2027-03-29"), ["2027-03-28 01:00", "2027-03-29 00:30"]);
    }
}

#[test]
#[ignore = "minutes long: script/clock"]
fn a_fortnight_of_autumn_and_a_week_of_spring_are_covered_each_date_once() {
    assert_eq!(through("2026-10-20", "2026-11-02").len(), 13);
    assert_eq!(through("2027-03-25", "2027-03-30").len(), 5);
}

#[test]
#[ignore = "minutes long: script/clock"]
fn in_thirty_nights_memory_stays_flat() {
    let office = Office::made_on(day("2026-11-02"), Shape { permits: 3_000, seats: true });
    let settings = [("CONVOKE__DISPATCH__LEASE_S", "86400"), ("CONVOKE__POLICY__EXTRACT_REFUSE_DAYS", "60")];
    let served = Served::begin(&office, &format!("2026-11-02 12:00:00 {FAST}"), &settings);
    // The minimum over some seconds after each night: memory used at work is released with a delay.
    let memory_after = |date: &str| {
        until("a night", &office, || is_done(&office, date));
        let mut least = u64::MAX;
        for _ in 0..20 {
            std::thread::sleep(Duration::from_millis(350));
            least = least.min(served.own_memory());
        }
        least
    };
    let after: Vec<u64> = (3..=32).map(|n| memory_after(&(day("2026-11-01") + Days::new(n - 1)).to_string())).collect();
    println!("own memory after each night, KiB: {after:?}");
    let least = |nights: &[u64]| *nights.iter().min().unwrap();
    let (early, late) = (least(&after[5..10]), least(&after[25..]));
    println!("growth from the 5th to the 30th night: {:.1} %", (late as f64 / early as f64 - 1.0) * 100.0);
    assert!(late < early + early / 20, "{after:?}");
    served.stop();
}
