//! The server left alone: nights that begin by themselves, whatever the clock does and however the process ends.

#[expect(unreachable_pub, reason = "shared by test programs")]
#[allow(dead_code, reason = "each test program uses a part")]
mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output};
use std::time::Duration;

use chrono::{Days, NaiveDate};
use support::{Office, Shape, faketime};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn office_on(date: &str) -> Office {
    Office::made_on(day(date), Shape { permits: 300, seats: true })
}

/// A server, and where it answers. It ends with the test, however that ends.
struct Served {
    child: Option<Child>,
    listen: String,
}

impl Served {
    /// Begins at an instant; see [`faketime::at`].
    fn begin(office: &Office, when: &str, settings: &[(&str, &str)]) -> Self {
        Self::spawn(office, settings, |command| {
            faketime::at(command, when);
        })
    }

    fn spawn(office: &Office, settings: &[(&str, &str)], prepare: impl FnOnce(&mut Command)) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let listen = format!("127.0.0.1:{port}");
        let mut command = office.command(&["serve"]);
        command.env("CONVOKE__HTTP__LISTEN", &listen).env("CONVOKE__SERVE__NIGHT", "30 2 * * *");
        command.envs(settings.iter().copied());
        prepare(&mut command);
        Self { child: Some(command.spawn().unwrap()), listen }
    }

    /// Status and body of an answer, once there is one.
    fn get(&self, path: &str) -> (u16, String) {
        for _ in 0..600 {
            if let Ok(mut stream) = TcpStream::connect(&self.listen) {
                write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).unwrap();
                let (head, body) = answer.split_once("\r\n\r\n").unwrap();
                return (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("no server answers on {}", self.listen);
    }

    fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    fn ended(mut self) -> Output {
        self.child.take().unwrap().wait_with_output().unwrap()
    }

    /// Asks it to stop, and waits until it has.
    fn stop(self) -> Output {
        self.signal("-TERM");
        let output = self.ended();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until something holds, for two minutes at most.
fn until(what: &str, office: &Office, holds: impl Fn() -> bool) {
    for _ in 0..2_400 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{what} never came: {}", nights(office));
}

fn nights(office: &Office) -> String {
    office.query("SELECT business_date, state, attempts FROM night ORDER BY business_date")
}

fn is_done(office: &Office, date: &str) -> bool {
    office.query(&format!("SELECT count(*) FROM night WHERE business_date = '{date}' AND state = 'done'")).trim() == "1"
}

/// Every date from the first to the last has its night and its run, each once; returns the instants of the nights.
fn assert_each_date_once(office: &Office, first: &str, last: &str) -> Vec<String> {
    let dates: Vec<String> = day(first).iter_days().take_while(|d| *d <= day(last)).map(|d| d.to_string()).collect();
    let column = |sql: &str| office.query(sql).lines().map(str::to_owned).collect::<Vec<_>>();
    let between = format!("BETWEEN '{first}' AND '{last}' ORDER BY business_date");
    assert_eq!(
        column(&format!("SELECT business_date FROM night WHERE state = 'done' AND business_date {between}")),
        dates
    );
    assert_eq!(
        column(&format!("SELECT business_date FROM run WHERE state = 'completed' AND business_date {between}")),
        dates
    );
    office.assert_promises();
    column(&format!("SELECT scheduled_at FROM night WHERE business_date {between}"))
        .iter()
        .map(|at| at[..16].to_owned())
        .collect()
}

/// Four thousand seconds a second: a tick every half hour.
const FAST: &str = "x4000";

fn through(first: &str, last: &str) -> Vec<String> {
    let office = office_on(first);
    let served = Served::begin(&office, &format!("{first} 12:00:00 {FAST}"), &[("CONVOKE__DISPATCH__PRODUCTION", "true")]);
    until("the last night", &office, || is_done(&office, last));
    served.stop();
    let second = day(first) + Days::new(1);
    assert_each_date_once(&office, &second.to_string(), last)
}

#[test]
fn the_night_on_which_an_hour_comes_twice_is_covered_once() {
    if faketime::is_there() {
        // Half past two is two o'clock's half in summer time, the first of the two.
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
