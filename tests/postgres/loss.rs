//! When a server is lost, programs continue by themselves. A read-only server suffices for commands that only read.

use std::io::{BufRead, BufReader};
use std::process::{Child, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use convoke_dispatch::sink::{Act, Sink};
use convoke_dispatch::smtp::Stage;

use super::whole::dispatch::SHORT_LEASE;
use super::whole::serve::{Served, is_done, until};
use crate::support::postgres::{Cluster, cluster};
use crate::support::{self, Office, PLANNED, Shape};

/// Ends the office's connections again and again until `child` has ended. The intervals grow, so that slow steps get
/// through in the end on any machine, while the first moments are not spared.
fn meanwhile_end_connections(office: &Office, child: Child) -> Output {
    let ended = AtomicBool::new(false);
    let url = office.url();
    let database = url.trim_start_matches("postgres:///").split('?').next().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut pause = Duration::from_millis(20);
            while !ended.load(Ordering::Relaxed) {
                std::thread::sleep(pause);
                pause = pause.mul_f64(1.1);
                cluster().end_connections(database);
            }
        });
        let output = child.wait_with_output().unwrap();
        ended.store(true, Ordering::Relaxed);
        output
    })
}

#[test]
fn a_run_whose_connections_are_ended_again_and_again_goes_on_by_itself() {
    let whole = Office::new(Shape { permits: 6_000, seats: true });
    whole.run(&[]);
    let office = whole.before_the_night();
    let run = office.command(&["run", "--yes", "--reason", "night", "--json"]).spawn().unwrap();
    let output = meanwhile_end_connections(&office, run);
    assert!(matches!(output.status.code(), Some(0 | 4)), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("was lost"), "a connection was ended: {output:?}");
    assert_eq!(office.totals(), whole.totals());
    office.assert_promises();
}

/// Dispatches to a slow relay while something happens to the database; every letter arrives once.
async fn dispatch_through(office: &Office, happens: impl FnOnce(&Office, Child) -> Output) {
    let sink =
        Sink::start(|turn| if turn.stage == Stage::Dot { Act::Late(Duration::from_millis(300)) } else { Act::Usual })
            .await
            .unwrap();
    let letters: usize = office.query("SELECT count(*) FROM outbox WHERE channel = 'email'").trim().parse().unwrap();
    let worker = office
        .command(&["dispatch", "--until-empty", "--json"])
        .env("CONVOKE__SMTP__URL", format!("smtp://{}", sink.addr))
        .spawn()
        .unwrap();
    let output = tokio::task::block_in_place(|| happens(office, worker));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("was lost"), "{output:?}");
    assert_eq!(office.query("SELECT count(*) FROM outbox WHERE channel = 'email' AND state <> 'accepted'").trim(), "0");
    assert_eq!(sink.messages().len(), letters, "each letter once: the worker lived, and knew what it had sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_connections_are_ended_again_and_again_sends_each_letter_once() {
    let office = PLANNED.copy();
    dispatch_through(&office, meanwhile_end_connections).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_and_started_anew_is_waited_for() {
    let own: &'static Cluster = Box::leak(Box::new(Cluster::start()));
    let office = Office::on(Some(own), Shape { permits: 600, seats: true }, None);
    office.run(&[]);
    dispatch_through(&office, |_, worker| {
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(700));
            own.restart();
        }
        worker.wait_with_output().unwrap()
    })
    .await;
    office.assert_promises();
}

#[test]
fn a_server_of_nights_goes_on_when_its_database_is_killed_and_started_anew() {
    if !support::faketime::is_there() {
        return;
    }
    let own: &'static Cluster = Box::leak(Box::new(Cluster::start()));
    let office = Office::on(Some(own), Shape { permits: 6_000, seats: true }, None);
    let today = support::today();
    let tomorrow = today.succ_opt().unwrap();
    Served::begin(&office, &format!("{today} 12:00:00"), &[]).looks(&office);
    // A claim whose transaction's answer was lost waits for the end of its lease.
    let served = Served::begin(&office, &format!("{tomorrow} 09:00:00"), &[SHORT_LEASE]);
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(700));
        own.restart();
    }
    until("the night", &office, || is_done(&office, &tomorrow.to_string()));
    let waiting = "SELECT count(*) FROM outbox WHERE channel = 'email' AND state <> 'accepted'";
    until("the letters", &office, || office.query(waiting).trim() == "0");
    assert_eq!(served.get("/readyz").0, 200);
    served.stop();
    assert_eq!(office.query("SELECT count(*) FROM run WHERE state = 'completed'").trim(), "1");
    assert_eq!(
        office.mails().len().to_string(),
        office.query("SELECT count(*) FROM outbox WHERE channel = 'email'").trim()
    );
    office.assert_promises();
}

#[test]
fn a_command_waits_for_a_server_that_is_about_to_start() {
    let office = PLANNED.copy();
    let (server, url) = (cluster().folder.display().to_string(), office.url());
    for (n, command) in [["migrate"].as_slice(), &["runs", "list"]].into_iter().enumerate() {
        let there = office.path(&format!("server-{n}"));
        let mut child = office
            .command(command)
            .arg("-vv")
            .env("CONVOKE__DATABASE__URL", url.replace(&server, &there.display().to_string()))
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(said.any(|line| line.contains("tried again")), "{command:?} waits");
        std::os::unix::fs::symlink(&server, &there).unwrap();
        assert!(child.wait().unwrap().success(), "{command:?}: {}", said.collect::<Vec<_>>().join("\n"));
    }
}

#[test]
fn a_replica_that_only_reads_is_enough_for_reports_and_audits() {
    let office = PLANNED.copy();
    let url = office.url();
    let database = url.trim_start_matches("postgres:///").split('?').next().unwrap();
    let only_read = format!("ALTER DATABASE \"{database}\" SET default_transaction_read_only = on");
    office.change(&only_read).unwrap();
    office.ok(&["report", "--out", "report", "--json"]);
    assert_eq!(office.ok(&["verify", "report", "--json"])["valid"], true);
    office.ok(&["ledger", "verify", "--json"]);
    office.ok(&["runs", "list", "--json"]);
    let refused = office.output(&["run", "--yes", "--reason", "night"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("read-only"), "{refused:?}");
}
