//! Each exit code of the manual, by the real program: cron jobs and scripts rely on them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Output};
use std::sync::LazyLock;

use convoke::cli::Exit;
use convoke_dispatch::sink::{Act, Sink, Turn};
use convoke_dispatch::smtp::Stage;
use rustix::process::{Pid, Signal, kill_process};
use tokio::runtime::Runtime;

use crate::support::{Office, Shape};

/// Before its first night.
static OFFICE: LazyLock<Office> = LazyLock::new(|| Office::new(Shape { permits: 80, seats: true }));
/// After it: letters are waiting.
static AFTER_THE_NIGHT: LazyLock<Office> = LazyLock::new(|| {
    let office = OFFICE.copy();
    office.run(&[]);
    office
});

const NIGHT: [&str; 4] = ["run", "--yes", "--reason", "night"];

/// A command that ends with this code. A new code must be added here: otherwise this does not compile.
fn ended(exit: Exit) -> Output {
    let office = OFFICE.copy();
    match exit {
        Exit::Done => {
            // In an empty database nobody is due.
            let bare = office.with_an_empty_database(true);
            bare.output(&NIGHT)
        }
        Exit::Unexpected => {
            let (run, id) = stopped_while_committing(&office);
            office.ok(&["runs", "stop", &id, "--reason", "wrong extract", "--yes", "--json"]);
            signal(&run, Signal::CONT);
            run.wait_with_output().unwrap()
        }
        Exit::Usage => office.output(&["run", "--yes"]),
        Exit::LettersFailed => {
            let refuses = |turn: &Turn| {
                if turn.stage == Stage::Rcpt { Act::say("550 5.1.1 no such user") } else { Act::Usual }
            };
            with_relay(refuses, |office, sink| relayed(office, "", sink).output().unwrap())
        }
        Exit::WithoutSlot => {
            office.change("DELETE FROM slot").unwrap();
            office.output(&NIGHT)
        }
        Exit::Withheld => {
            // An extract in which everybody who is expected has died.
            let office = AFTER_THE_NIGHT.copy();
            let convoked = "permit_id IN (SELECT permit_id FROM convocation WHERE state = 'convoked')";
            office
                .change(&format!("UPDATE permit SET status = 'decede', review_on = '2020-01-01' WHERE {convoked}"))
                .unwrap();
            office.output(&NIGHT)
        }
        Exit::NotMigrated => {
            office.command(&NIGHT).env("CONVOKE__DATABASE__URL", "sqlite:empty.sqlite3").output().unwrap()
        }
        Exit::RunInProgress => {
            let (run, _) = stopped_while_committing(&office);
            let second = office.output(&NIGHT);
            signal(&run, Signal::CONT);
            assert!(matches!(run.wait_with_output().unwrap().status.code(), Some(0 | 4)));
            second
        }
        Exit::SmtpAuthentication => {
            let refuses =
                |turn: &Turn| if turn.stage == Stage::Auth { Act::say("535 5.7.8 wrong password") } else { Act::Usual };
            with_relay(refuses, |office, sink| {
                let password = office.path("password");
                fs::write(&password, "open-sesame\n").unwrap();
                fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
                relayed(office, "agent@", sink).env("CONVOKE__SMTP__PASSWORD_FILE", &password).output().unwrap()
            })
        }
        Exit::PlanChanged => office.output(&[&NIGHT[..], &["--plan", "0123456789abcdef"]].concat()),
        Exit::TooManyFirm => office.command(&NIGHT).env("CONVOKE__POLICY__MAX_FIRM_PER_RUN", "1").output().unwrap(),
        Exit::BadData => {
            fs::write(office.path("nonsense.csv"), "numero;nom\n12;FICTIF\n").unwrap();
            office.output(&["import", "permits", "nonsense.csv"])
        }
        Exit::Configuration => office.command(&NIGHT).env("CONVOKE__POLICY__MARK_DAYS", "soon").output().unwrap(),
        Exit::Interrupted => {
            // Interrupted once, it finishes what is in flight, which this relay never answers; interrupted twice, it
            // ends.
            let never = |turn: &Turn| if turn.stage == Stage::Dot { Act::Silence } else { Act::Usual };
            with_relay(never, |office, sink| {
                let mut worker = relayed(office, "", sink).arg("--verbose").spawn().unwrap();
                let mut said = BufReader::new(worker.stderr.take().unwrap()).lines();
                while sink.messages().is_empty() {
                    std::thread::yield_now();
                }
                signal(&worker, Signal::INT);
                assert!(said.by_ref().any(|line| line.unwrap().contains("Asked to stop")));
                signal(&worker, Signal::INT);
                worker.wait_with_output().unwrap()
            })
        }
    }
}

/// The output of a command in an office with waiting letters and a relay.
fn with_relay(
    script: impl Fn(&Turn) -> Act + Send + Sync + 'static,
    play: impl FnOnce(&Office, &Sink) -> Output,
) -> Output {
    let runtime = Runtime::new().unwrap();
    let sink = runtime.block_on(Sink::start(script)).unwrap();
    play(&AFTER_THE_NIGHT.copy(), &sink)
}

fn relayed(office: &Office, user: &str, sink: &Sink) -> Command {
    let mut command = office.command(&["dispatch", "--until-empty"]);
    command.env("CONVOKE__SMTP__URL", format!("smtp://{user}{}", sink.addr));
    command
}

/// A run that is stopped in the middle of its commit, and its id.
fn stopped_while_committing(office: &Office) -> (Child, String) {
    let run = office.command(&NIGHT).env("CONVOKE_FAULT", "stop@before-chunk").spawn().unwrap();
    let stat = format!("/proc/{}/stat", run.id());
    // If it were continued before it has stopped, it would stop for ever.
    while !fs::read_to_string(&stat).unwrap().contains(") T ") {
        std::thread::yield_now();
    }
    let id = office.one("SELECT run_id FROM run WHERE state = 'committing'");
    (run, id)
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), signal).unwrap();
}

#[test]
fn every_exit_code_is_what_the_real_program_ends_with() {
    LazyLock::force(&AFTER_THE_NIGHT);
    let all: Vec<(Exit, Output)> = std::thread::scope(|scope| {
        let each: Vec<_> = Exit::ALL.iter().map(|exit| (*exit, scope.spawn(|| ended(*exit)))).collect();
        each.into_iter().map(|(exit, ended)| (exit, ended.join().unwrap())).collect()
    });
    for (exit, output) in all {
        assert_eq!(output.status.code(), Some(exit as i32), "{exit:?}: {output:?}");
        // Every refusal is explained.
        let is_refusal = !matches!(exit, Exit::Done | Exit::LettersFailed | Exit::WithoutSlot | Exit::Interrupted);
        assert!(!is_refusal || String::from_utf8_lossy(&output.stderr).contains("convoke: "), "{exit:?}: {output:?}");
    }
}
