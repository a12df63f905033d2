//! The unattended server: nights begin by themselves, whatever the clock does and however the process ends.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Output};
use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime};
use convoke_machine::clock::Clock;

use crate::support::{Office, Shape, faketime};

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn office_on(date: &str) -> Office {
    Office::made_on(day(date), Shape { permits: 300, seats: true })
}

/// An office whose nights are due from noon of 2 November 2026 on; `None` if the clock cannot be faked.
fn watched_office() -> Option<Office> {
    let office = faketime::is_there().then(|| office_on("2026-11-02"))?;
    Served::begin(&office, "2026-11-02 12:00:00", &[]).looks(&office);
    Some(office)
}

/// A server, and its address. It ends with the test, however that ends.
pub(crate) struct Served {
    pub(crate) child: Option<Child>,
    listen: String,
    /// Its log: a file, because nobody reads a pipe meanwhile, and a full one would block it.
    log: tempfile::NamedTempFile,
}

impl Served {
    /// Starts at an instant; see [`faketime::at`].
    pub(crate) fn begin(office: &Office, when: &str, settings: &[(&str, &str)]) -> Self {
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
        Self::run(command, listen)
    }

    fn run(mut command: Command, listen: String) -> Self {
        let log = tempfile::NamedTempFile::new().unwrap();
        command.stdout(std::process::Stdio::null()).stderr(log.reopen().unwrap());
        Self { child: Some(command.spawn().unwrap()), listen, log }
    }

    /// Status and body of a response, once there is one.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
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

    /// Waits until it has checked the clock: nights are due from then on.
    pub(crate) fn looks(self, office: &Office) {
        let watched = || office.query("SELECT count(*) FROM prefecture WHERE watched_since IS NOT NULL").trim() == "1";
        until("a look at the clock", office, watched);
        self.stop();
    }

    fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    fn ended(mut self) -> Output {
        let output = self.child.take().unwrap().wait_with_output().unwrap();
        Output { stderr: std::fs::read(self.log.path()).unwrap(), ..output }
    }

    /// Asks it to stop once it answers, and waits for that: before, nobody hears the request.
    pub(crate) fn stop(self) -> Output {
        self.get("/healthz");
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

/// Waits until a condition holds, for two minutes at most.
pub(crate) fn until(what: &str, office: &Office, holds: impl Fn() -> bool) {
    for _ in 0..2_400 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{what} never came: {}", nights(office));
}

pub(crate) fn nights(office: &Office) -> String {
    office.query("SELECT business_date, state, attempts FROM night ORDER BY business_date")
}

pub(crate) fn is_done(office: &Office, date: &str) -> bool {
    office.query(&format!("SELECT count(*) FROM night WHERE business_date = '{date}' AND state = 'done'")).trim() == "1"
}

/// Every date from the first to the last has one night and one run. Returns the instants of the nights.
pub(crate) fn assert_each_date_once(office: &Office, first: &str, last: &str) -> Vec<String> {
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

/// Eight thousand seconds a second: a tick every hour.
pub(crate) const FAST: &str = "x8000";

#[test]
fn after_three_days_of_absence_one_run_makes_up_for_them() {
    if !faketime::is_there() {
        return;
    }
    let office = office_on("2026-11-02");
    let served = Served::begin(&office, "2026-11-02 12:00:00", &[]);
    assert_eq!(served.get("/healthz"), (200, "ok\n".into()));
    served.stop();
    let served = Served::begin(&office, "2026-11-06 08:00:00", &[]);
    until("the last night", &office, || is_done(&office, "2026-11-06"));
    let (_, metrics) = served.get("/metrics");
    served.stop();
    assert_eq!(
        office.query("SELECT business_date, state, covered_by FROM night ORDER BY business_date"),
        "2026-11-03|covered|2026-11-06\n2026-11-04|covered|2026-11-06\n2026-11-05|covered|2026-11-06\n2026-11-06|done|\n"
    );
    assert_eq!(
        office.query("SELECT business_date, generation, reason FROM run"),
        "2026-11-06|1|rattrapage des nuits du 2026-11-03, 2026-11-04, 2026-11-05\n"
    );
    assert!(metrics.contains("convoke_nights_late_total{prefecture=\"94\"} 1"), "{metrics}");
    office.assert_promises();
}

#[test]
fn a_clock_in_2030_at_boot_begins_no_night_and_once_right_again_misses_none() {
    let Some(office) = watched_office() else { return };
    let off = office.path("off");
    // In seconds from the machine's clock, which every process that asks for the time reads.
    let set = |instant: &str| {
        let instant = NaiveDateTime::parse_from_str(instant, "%Y-%m-%d %H:%M:%S").unwrap().and_utc();
        let seconds = (instant - Clock::System.now()).num_seconds();
        convoke_machine::files::write_whole(&off, format!("{seconds:+}").as_bytes()).unwrap();
    };
    set("2030-01-10 08:00:00");
    let served = Served::spawn(&office, &[], |command| {
        faketime::off_by_the_file(command, &off);
    });
    until("the clock in doubt", &office, || served.get("/readyz").1.contains("WRONG 94 clock"));
    assert!(served.get("/metrics").1.contains("convoke_clock_jumped{prefecture=\"94\"} 1"));
    assert_eq!(nights(&office), "");
    // The clock is set right, to the morning after the first night.
    set("2026-11-04 08:00:00");
    until("the night", &office, || is_done(&office, "2026-11-04"));
    served.stop();
    assert_eq!(
        office.query("SELECT count(*) FROM run WHERE business_date < '2026-11-05' AND state = 'completed'").trim(),
        "1"
    );
    assert_eq!(
        office.query("SELECT count(*) FROM night WHERE business_date > '2026-11-04' OR state = 'due'").trim(),
        "0"
    );
    office.assert_promises();
}

#[test]
fn nights_that_a_clock_ten_days_ahead_had_taken_are_owed_again() {
    let Some(office) = watched_office() else { return };
    let extract = [("CONVOKE__POLICY__EXTRACT_REFUSE_DAYS", "60")];
    let ahead = Served::begin(&office, "2026-11-12 08:00:00", &extract);
    until("a night of the future", &office, || is_done(&office, "2026-11-12"));
    ahead.stop();
    let served = Served::begin(&office, "2026-11-04 08:00:00", &extract);
    until("tonight", &office, || is_done(&office, "2026-11-04"));
    served.stop();
    let rows = office.query("SELECT business_date, state, covered_by FROM night ORDER BY business_date");
    assert_eq!(rows, "2026-11-03|covered|2026-11-04\n2026-11-04|done|\n");
    office.assert_promises();
}

#[test]
fn every_prefecture_of_a_folder_has_its_nights_and_a_broken_one_stops_no_other() {
    if !faketime::is_there() {
        return;
    }
    let office = office_on("2026-11-02");
    let folder = |code: &str| office.path(&format!("prefectures/{code}"));
    for code in ["75", "77"] {
        std::fs::create_dir_all(folder(code)).unwrap();
        assert!(Command::new("cp").arg("-r").arg(office.path("config")).arg(folder(code)).status().unwrap().success());
        assert!(Command::new("cp").arg("-r").arg(office.path("keys")).arg(folder(code)).status().unwrap().success());
        let text = std::fs::read_to_string(office.path("convoke.toml")).unwrap();
        std::fs::write(folder(code).join("convoke.toml"), text.replace("code = \"94\"", &format!("code = \"{code}\"")))
            .unwrap();
    }
    let serve = |when: &str| {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = office.command(&["serve", "--every-prefecture", "--role", "scheduler", "--role", "http"]);
        command.env("CONVOKE__HTTP__LISTEN", port.to_string()).env("CONVOKE__SERVE__NIGHT", "30 2 * * *");
        faketime::at(&mut command, when);
        Served::run(command, port.to_string())
    };
    let done = |state: &str| {
        office.query(&format!("SELECT prefecture, business_date FROM night WHERE {state} ORDER BY prefecture"))
    };
    let served = serve("2026-11-02 12:00:00");
    let watched = "SELECT count(*) FROM prefecture WHERE watched_since IS NOT NULL";
    until("looks at two clocks", &office, || office.query(watched).trim() == "2");
    served.stop();
    let served = serve("2026-11-03 03:00:00");
    until("two nights", &office, || done("state = 'done'") == "75|2026-11-03\n77|2026-11-03\n");
    // It checks each when it is due, and not whenever another check has ended. Read the checks first: anything between
    // the two readings can only add ticks.
    let figure = |name: &str| -> u64 {
        let metrics = served.get("/metrics").1;
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or_else(|| panic!("{name}: {metrics}"))
    };
    let looks = ["75", "77"].map(|code| figure(&format!("convoke_looks_total{{prefecture=\"{code}\"}}")));
    let ticks = figure("convoke_ticks_total");
    assert!(looks.iter().all(|looks| (1..=ticks).contains(looks)), "{looks:?} looks in {ticks} ticks");
    served.stop();
    std::fs::remove_file(folder("75").join("config/agenda.toml")).unwrap();
    let refused = office.output(&["serve", "--every-prefecture"]);
    assert_eq!(refused.status.code(), Some(78), "at its start all must be right: {refused:?}");
}

#[test]
fn a_timer_takes_the_inbox_in_before_its_run_and_is_kept_in_the_ledger_as_cron() {
    let office = Office::new(Shape { permits: 60, seats: true });
    let inbox = office.path("inbox");
    std::fs::create_dir(&inbox).unwrap();
    let extract = std::fs::read_to_string(office.path("permits.csv")).unwrap();
    std::fs::write(inbox.join("permits.csv"), extract.replacen(";actif;", ";retire;", 1)).unwrap();
    let mut command = office.command(&["run", "--timer", "--yes", "--reason", "timer", "--json"]);
    let output = command.env("CONVOKE__IMPORT__INBOX", &inbox).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 4)), "{output:?}");
    assert_eq!(office.query("SELECT \"trigger\" FROM run"), "cron\n");
    assert_eq!(office.query("SELECT count(*) FROM import_batch").trim(), "2");
    assert!(!inbox.join("permits.csv").exists() && inbox.join("done").is_dir());
}

#[test]
fn an_inbox_that_cannot_be_read_is_reported_and_stops_no_night() {
    if !faketime::is_there() {
        return;
    }
    let office = office_on("2026-11-02");
    let settings = [("CONVOKE__IMPORT__INBOX", "/nowhere/inbox")];
    Served::begin(&office, "2026-11-02 12:00:00", &settings).looks(&office);
    let served = Served::begin(&office, "2026-11-03 03:00:00", &settings);
    until("the night", &office, || is_done(&office, "2026-11-03"));
    assert!(served.get("/metrics").1.contains("convoke_extracts_refused_total{prefecture=\"94\"} 1"));
    let output = served.stop();
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere/inbox"), "{output:?}");
}

#[test]
fn somebody_who_asks_half_a_question_does_not_keep_a_server_from_ending() {
    let office = Office::new(Shape { permits: 10, seats: true });
    let served = Served::spawn(&office, &[], |_| {});
    served.get("/healthz");
    let mut half = TcpStream::connect(&served.listen).unwrap();
    half.write_all(b"GET /heal").unwrap();
    served.stop();
    drop(half);
}

#[test]
fn systemd_is_told_when_it_serves_that_it_lives_and_when_it_stops() {
    let office = Office::new(Shape { permits: 10, seats: true });
    let path = office.path("notify");
    let systemd = UnixDatagram::bind(&path).unwrap();
    systemd.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let next = || {
        let mut said = [0; 256];
        let length = systemd.recv(&mut said).expect("a word in time");
        String::from_utf8_lossy(&said[..length]).trim().to_owned()
    };
    let served = Served::spawn(&office, &[], |command| {
        command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "400000");
    });
    let mut before = Vec::new();
    while before.last().is_none_or(|said| said != "READY=1") {
        before.push(next());
    }
    let answers = TcpStream::connect(&served.listen).is_ok();
    assert!(answers, "whoever is ready answers");
    // A sign of life every half of the watchdog's timeout.
    for _ in 0..3 {
        assert_eq!(next(), "WATCHDOG=1");
    }
    served.signal("-TERM");
    let last = std::iter::from_fn(|| Some(next())).find(|said| said != "WATCHDOG=1");
    assert_eq!(last.as_deref(), Some("STOPPING=1"));
    assert_eq!(served.ended().status.code(), Some(0));
}

#[test]
fn after_weeks_of_absence_a_person_says_that_the_clock_is_right_by_running_a_night() {
    if !faketime::is_there() {
        return;
    }
    let office = office_on("2026-11-02");
    let old = [("CONVOKE__POLICY__EXTRACT_REFUSE_DAYS", "60")];
    Served::begin(&office, "2026-11-02 12:00:00", &old).looks(&office);
    let served = Served::begin(&office, "2026-12-01 08:00:00", &old);
    until("the clock in doubt", &office, || served.get("/readyz").1.contains("run tonight by hand"));
    let mut by_hand = office.command(&["run", "--yes", "--reason", "the server was away", "--json"]);
    let output = faketime::at(by_hand.envs(old), "2026-12-01 08:00:00").output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 4)), "{output:?}");
    until("the night", &office, || is_done(&office, "2026-12-01"));
    assert_eq!(served.get("/readyz").0, 200);
    served.stop();
    let runs = office.query("SELECT business_date, \"trigger\" FROM run");
    assert_eq!(runs, "2026-12-01|hand\n", "nothing was left to do");
    office.assert_promises();
}

#[test]
fn killed_at_any_point_of_a_night_the_next_server_ends_it_once() {
    let Some(whole) = watched_office() else { return };
    for point in ["after-observe", "after-plan", "inside-chunk", "after-chunk"] {
        let office = whole.copy();
        let killed = Served::begin(&office, "2026-11-03 03:00:00", &[("CONVOKE_FAULT", point)]).ended();
        assert_eq!(killed.status.code(), None, "killed at {point}: {killed:?}");
        // Not before its next attempt is due.
        let served = Served::begin(&office, "2026-11-03 03:10:00", &[]);
        until("the night", &office, || is_done(&office, "2026-11-03"));
        served.stop();
        assert_eq!(nights(&office), "2026-11-03|done|2\n", "{point}");
        assert_eq!(assert_each_date_once(&office, "2026-11-03", "2026-11-03").len(), 1, "{point}");
    }
}

#[test]
fn asked_to_stop_at_any_point_of_a_night_it_ends_well_and_the_night_is_done_once() {
    let Some(whole) = watched_office() else { return };
    for point in ["after-observe", "after-plan", "inside-chunk", "after-chunk"] {
        let office = whole.copy();
        let fault = format!("stop@{point}");
        let served = Served::begin(&office, "2026-11-03 03:00:00", &[("CONVOKE_FAULT", &fault)]);
        let stat = format!("/proc/{}/stat", served.child.as_ref().unwrap().id());
        until("a process that stands still", &office, || std::fs::read_to_string(&stat).unwrap().contains(") T "));
        served.signal("-TERM");
        served.signal("-CONT");
        let output = served.ended();
        assert_eq!(output.status.code(), Some(0), "{point}: {output:?}");
        assert_eq!(nights(&office), "2026-11-03|done|1\n", "{point}: a night that has begun is finished");
        assert_each_date_once(&office, "2026-11-03", "2026-11-03");
    }
}

#[test]
fn a_night_that_fails_is_tried_again_and_reported_until_it_is_mended() {
    if !faketime::is_there() {
        return;
    }
    let office = office_on("2026-11-02");
    let (agenda, aside) = (office.path("config/agenda.toml"), office.path("agenda.aside"));
    let served = Served::begin(&office, "2026-11-02 23:00:00 x1000", &[]);
    served.get("/healthz");
    std::fs::rename(&agenda, &aside).unwrap();
    until("three attempts", &office, || office.query("SELECT count(*) FROM night WHERE attempts >= 3").trim() == "1");
    let (status, shown) = served.get("/readyz");
    assert!(
        status == 503 && shown.contains("night: that of 2026-11-03 failed") && shown.contains("agenda.toml"),
        "{shown}"
    );
    assert!(served.get("/metrics").1.contains("convoke_nights_owed{prefecture=\"94\"} 1"));
    std::fs::rename(&aside, &agenda).unwrap();
    until("the night", &office, || is_done(&office, "2026-11-03"));
    let (_, shown) = served.get("/readyz");
    assert!(shown.contains("ok    94 night: that of 2026-11-03 is done"), "{shown}");
    let output = served.stop();
    assert!(String::from_utf8_lossy(&output.stderr).contains("The night of 2026-11-03 failed"), "{output:?}");
    office.assert_promises();
}

#[test]
fn more_appointments_than_allowed_wait_for_a_person_who_does_the_night_by_hand() {
    if !faketime::is_there() {
        return;
    }
    let office = office_on("2026-11-02");
    let limit = [("CONVOKE__POLICY__MAX_FIRM_PER_RUN", "1")];
    Served::begin(&office, "2026-11-02 12:00:00", &limit).looks(&office);
    let served = Served::begin(&office, "2026-11-03 03:00:00", &limit);
    until("a refusal", &office, || nights(&office) == "2026-11-03|failed|1\n");
    assert!(served.get("/readyz").1.contains("waits for a person: it would make"), "{}", served.get("/readyz").1);
    served.stop();
    let mut by_hand = office.command(&["run", "--yes", "--reason", "checked by hand", "--json"]);
    let output = faketime::at(&mut by_hand, "2026-11-03 09:00:00").output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 4)), "{output:?}");
    let served = Served::begin(&office, "2026-11-03 09:10:00", &limit);
    until("the night", &office, || is_done(&office, "2026-11-03"));
    served.stop();
    assert_eq!(
        office.query("SELECT \"trigger\", state FROM run ORDER BY generation"),
        "cron|stopped\nhand|completed\n"
    );
}

#[test]
fn two_servers_at_once_do_each_night_once() {
    let Some(office) = watched_office() else { return };
    let servers: Vec<Served> = (0..4).map(|_| Served::begin(&office, "2026-11-03 03:00:00", &[])).collect();
    until("the night", &office, || is_done(&office, "2026-11-03"));
    for served in servers {
        served.stop();
    }
    assert_eq!(office.query("SELECT business_date, generation, state FROM run"), "2026-11-03|1|completed\n");
    office.assert_promises();
}

#[test]
fn new_extracts_are_taken_in_before_the_night_or_refused_and_moved_aside() {
    if !faketime::is_there() {
        return;
    }
    let office = office_on("2026-11-02");
    let inbox = office.path("inbox");
    std::fs::create_dir(&inbox).unwrap();
    let settings = [("CONVOKE__IMPORT__INBOX", inbox.to_str().unwrap())];
    Served::begin(&office, "2026-11-02 12:00:00", &settings).looks(&office);
    // Unknown permits; a file with bad rows; one that is still being written.
    let mut more = std::fs::File::create(inbox.join("permits-2026-11-03.csv")).unwrap();
    convoke::demo::world::write_permits(8, 40, day("2026-11-02"), &mut more).unwrap();
    // One row in three hundred is bad: it is left out, and reported.
    let mut extract = std::fs::read_to_string(office.path("permits.csv")).unwrap();
    extract += &extract.lines().last().unwrap().replace("actif", "perdu").replacen(';', "9;", 1);
    std::fs::write(inbox.join("permits-corrected.csv"), extract).unwrap();
    std::fs::write(inbox.join("slots.csv"), "site;desk;day\ncreteil;renouvellement;never\n").unwrap();
    std::fs::write(inbox.join("permits.csv.part"), "half").unwrap();
    let served = Served::begin(&office, "2026-11-03 03:00:00", &settings);
    until("the night", &office, || is_done(&office, "2026-11-03"));
    assert!(served.get("/metrics").1.contains("convoke_extracts_refused_total{prefecture=\"94\"} 1"));
    served.stop();
    assert_eq!(office.query("SELECT count(*) FROM import_batch").trim(), "3");
    assert!(office.query("SELECT count(*) FROM permit").trim().parse::<u32>().unwrap() > 300);
    let names = |folder: &str| {
        let entries = std::fs::read_dir(inbox.join(folder)).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(""), ["done", "permits.csv.part", "refused"]);
    assert_eq!(names("done").len(), 4);
    let refused = names("refused");
    let ends = [
        "-permits-corrected.csv.rejects.csv",
        "-permits-corrected.csv.rejects.csv.txt",
        "-slots.csv",
        "-slots.csv.txt",
    ];
    assert!(refused.len() == 4 && refused.iter().zip(ends).all(|(name, end)| name.ends_with(end)), "{refused:?}");
    let why = std::fs::read_to_string(inbox.join("refused").join(&refused[3])).unwrap();
    assert!(why.contains("line 2") || why.contains("column"), "{why}");
}

/// Starts listening on the port, and forwards connections.
async fn open_port(address: &str, to: std::net::SocketAddr) {
    let door = tokio::net::TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut caller, _)) = door.accept().await {
            tokio::spawn(async move {
                let mut server = tokio::net::TcpStream::connect(to).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut caller, &mut server).await;
            });
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_is_down_for_a_day_gets_every_letter_once_and_no_attempt_is_burnt() {
    let Some(office) = watched_office() else { return };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let relay = format!("smtp://{port}");
    // Leases are renewed by a clock that is not faked, so the lease must outlast it.
    let settings = [
        ("CONVOKE__SMTP__URL", relay.as_str()),
        ("CONVOKE__DISPATCH__LEASE_S", "86400"),
        ("CONVOKE__DISPATCH__RETRY_FIRST_S", "7200"),
    ];
    let served = Served::begin(&office, &format!("2026-11-03 02:00:00 {FAST}"), &settings);
    until("the next night", &office, || is_done(&office, "2026-11-04"));
    let count = |which: &str| office.query(&format!("SELECT count(*) FROM outbox WHERE channel = 'email' AND {which}"));
    assert_ne!(count("state = 'queued'").trim(), "0");
    assert_eq!(count("attempts > 0 OR state = 'accepted'").trim(), "0");
    let sink = convoke_dispatch::sink::Sink::start(|_| convoke_dispatch::sink::Act::Usual).await.unwrap();
    open_port(&port.to_string(), sink.addr).await;
    until("letters", &office, || {
        count("state IN ('queued', 'leased', 'sending', 'deferred', 'uncertain')").trim() == "0"
    });
    let output = served.stop();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(
        log.contains("Letters are waiting: the relay does not answer") && log.contains("Letters leave again"),
        "{log}"
    );
    assert_eq!(sink.messages().len().to_string(), count("state = 'accepted'").trim(), "each once");
    assert_eq!(count("state = 'accepted' AND attempts <> 1").trim(), "0");
    office.assert_promises();
}

/// The URL of an external monitoring service, and the paths that are called there.
fn watcher() -> (String, std::sync::mpsc::Receiver<String>) {
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a-secret-name", door.local_addr().unwrap());
    let (shown, calls) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for caller in door.incoming() {
            let mut caller = caller.unwrap();
            let mut request = Vec::new();
            let mut chunk = [0; 1024];
            // The body is short, and arrives with its length.
            while !String::from_utf8_lossy(&request).contains("2026") {
                let n = caller.read(&mut chunk).unwrap();
                request.extend_from_slice(&chunk[..n]);
                if n == 0 {
                    break;
                }
            }
            caller.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            let request = String::from_utf8_lossy(&request).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let body = request.rsplit("\r\n").next().unwrap_or_default();
            let _ = shown.send(format!("{path} {body}"));
        }
    });
    (url, calls)
}

#[test]
fn a_watcher_outside_is_called_when_a_night_begins_and_when_it_is_done() {
    if !faketime::is_there() {
        return;
    }
    let office = office_on("2026-11-02");
    let (url, calls) = watcher();
    let settings = [("CONVOKE__SERVE__PING_URL", url.as_str())];
    Served::begin(&office, "2026-11-02 12:00:00", &settings).looks(&office);
    let served = Served::begin(&office, "2026-11-03 03:00:00", &settings);
    until("the night", &office, || is_done(&office, "2026-11-03"));
    let output = served.stop();
    let run = office.one("SELECT run_id FROM run");
    assert_eq!(
        calls.try_iter().collect::<Vec<_>>(),
        ["/a-secret-name/start 2026-11-03".to_owned(), format!("/a-secret-name {run}"),]
    );
    assert!(!String::from_utf8_lossy(&output.stderr).contains("a-secret-name"), "{output:?}");
}

/// Every figure used by the alert rules and the dashboard is exported, after a night with letters.
#[test]
fn every_figure_that_an_alert_or_the_dashboard_asks_for_is_published() {
    let Some(office) = watched_office() else { return };
    let served = Served::begin(&office, "2026-11-03 03:00:00", &[]);
    until("letters", &office, || office.query("SELECT count(*) FROM outbox WHERE state = 'accepted'").trim() != "0");
    let (status, shown) = served.get("/metrics");
    served.stop();
    assert_eq!(status, 200);
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut asked = std::collections::BTreeSet::new();
    for file in ["docs/ops/alerts.yml", "docs/ops/dashboard.json"] {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        for word in text.split(|c: char| !c.is_ascii_lowercase() && c != '_') {
            if word.starts_with("convoke_") {
                asked.insert(word.to_owned());
            }
        }
    }
    assert!(asked.len() >= 15, "{asked:?}");
    for name in asked {
        assert!(shown.lines().any(|l| l.starts_with(&format!("{name}{{"))), "{name} is told nowhere: {shown}");
    }
    // For `script/test`, which validates it with Prometheus's own checker.
    std::fs::create_dir_all(root.join("target/ops")).unwrap();
    std::fs::write(root.join("target/ops/metrics.txt"), shown).unwrap();
}

/// A whole night and its letters, at the most detailed log level.
#[test]
fn no_line_of_the_log_names_anybody() {
    if !faketime::is_there() {
        return;
    }
    let office = office_on("2026-11-02");
    let settings = [("CONVOKE_LOG", "trace"), ("CONVOKE_LOG_FORMAT", "json")];
    Served::begin(&office, "2026-11-02 12:00:00", &settings).looks(&office);
    let served = Served::begin(&office, "2026-11-03 09:00:00", &settings);
    until("the night", &office, || is_done(&office, "2026-11-03"));
    until("letters", &office, || {
        office.query("SELECT count(*) FROM outbox WHERE channel = 'email' AND state <> 'accepted'").trim() == "0"
    });
    let (_, metrics) = served.get("/metrics");
    let (_, ready) = served.get("/readyz");
    let log = String::from_utf8(served.stop().stderr).unwrap();
    assert!(log.lines().count() > 10, "{log}");
    assert!(log.contains("\"run.id\"") && log.contains("\"trace.id\""), "{log}");
    let said = format!("{log}{metrics}{ready}").to_lowercase();
    let people = office.query(
        "SELECT number, family_name, given_names, email, phone, address FROM holder h
           WHERE EXISTS (SELECT 1 FROM convocation c WHERE c.holder_id = h.holder_id)",
    );
    assert!(people.lines().count() > 5);
    for canary in people.lines().flat_map(|row| row.split('|')).filter(|canary| canary.chars().count() >= 5) {
        assert!(!said.contains(&canary.to_lowercase()), "the log says {canary}");
    }
}

#[test]
fn a_night_ends_with_the_sheets_of_the_next_days() {
    let Some(office) = watched_office() else { return };
    let folder = office.path("sheets");
    let settings = [("CONVOKE__SHEETS__FOLDER", folder.to_str().unwrap())];
    let served = Served::begin(&office, "2026-11-03 01:40:00", &settings);
    until("the night", &office, || is_done(&office, "2026-11-03"));
    served.stop();
    let next = office.query("SELECT day FROM convocation WHERE day >= '2026-11-03' GROUP BY day ORDER BY day LIMIT 3");
    let mut wanted: Vec<String> = next.lines().map(|day| format!("feuille-94-{day}-creteil-guichet.pdf")).collect();
    wanted.retain(|name| !folder.join(name).is_file());
    assert!(!next.is_empty() && wanted.is_empty(), "{wanted:?}");
}
