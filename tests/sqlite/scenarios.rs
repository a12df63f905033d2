//! Transcripts of the real program, each a complete story from an office: `tests/scenarios/*.md`.
//!
//! Each is one file, and also serves as documentation. To add one, write `tests/scenarios/NAME.md`:
//!
//! - A fence whose first line is, say, ```` ```csv permits.csv ```` is a file in the scenario's own folder, which is
//!   otherwise empty.
//! - A fence ```` ```console ```` contains commands and their output on both streams: `$ convoke run …`, and the output
//!   below it, beginning with `? 4` if the exit code is not 0. There is no shell, and there are no pipes. `cat`, `ls`
//!   and `sh FILE` are available.
//! - Letters go to the folder `out` at any hour. A scenario with a file `relay.sh` uses the relay in its settings
//!   instead, which `sh relay.sh` may change: `$RELAY` accepts everything, and returns mail for `nobody@` to
//!   `$RETURNED`.
//! - For each command it is noon, Universal Time, on 5 October 2026; `$ FAKETIME="@2026-10-06 01:30:00" convoke …` sets
//!   another instant.
//! - `[..]` stands for text that varies (hashes, seconds, a login), a line `...` for any lines.
//!
//! Leave the output out, and `TRYCMD=overwrite cargo test --test sqlite scenarios` fills it in: read what it wrote, and
//! put `[..]` where the next run will differ. To run one alone: `cargo test --test sqlite -- scenarios trycmd=NAME`.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

use convoke_dispatch::sink::{Act, Sink};
use convoke_dispatch::smtp::Stage;

use crate::support::faketime;

const CLOCK: &str = "@2026-10-05 12:00:00";

/// The initial files of a scenario: name and content.
fn files(text: &str) -> Vec<(String, String)> {
    let (mut files, mut open): (Vec<(String, String)>, bool) = (Vec::new(), false);
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some("") => open = false,
            Some(info) => {
                let name = info.split_once(' ').map(|(_, name)| name.trim()).filter(|name| name.contains('.'));
                open = name.is_some();
                files.extend(name.map(|name| (name.to_owned(), String::new())));
            }
            None if open => {
                if let Some((_, content)) = files.last_mut() {
                    content.push_str(line);
                    content.push('\n');
                }
            }
            None => {}
        }
    }
    files
}

/// Lays a scenario out for trycmd: its file, its initial folder, and a folder whose presence asks for a copy of that.
fn stage(scenario: &Path, stage: &Path) -> PathBuf {
    let text = fs::read_to_string(scenario).unwrap();
    let staged = stage.join(scenario.file_name().unwrap());
    fs::write(&staged, &text).unwrap();
    let before = staged.with_extension("in");
    fs::create_dir(&before).unwrap();
    fs::create_dir(staged.with_extension("out")).unwrap();
    for (name, content) in files(&text) {
        fs::write(before.join(name), content).unwrap();
    }
    staged
}

/// A relay, and the folder for its bounces: a letter to `nobody@` bounces to its Return-Path.
fn relay(runtime: &tokio::runtime::Runtime, returned: PathBuf) -> Sink {
    let sender = std::sync::Mutex::new(String::new());
    let script = move |turn: &convoke_dispatch::sink::Turn<'_>| {
        if matches!(turn.stage, Stage::Mail) {
            let from = turn.line.split(['<', '>']).nth(1).unwrap_or_default();
            from.clone_into(&mut sender.lock().unwrap());
        }
        if matches!(turn.stage, Stage::Rcpt) && turn.recipient.starts_with("nobody@") {
            let to = sender.lock().unwrap();
            let dsn = format!(
                "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example\r\nTo: <{to}>\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n\
                 Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
                 --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
                 Final-Recipient: rfc822; {}\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n--b--\r\n",
                turn.recipient
            );
            fs::write(returned.join("1.eml"), dsn).unwrap();
        }
        Act::Usual
    };
    runtime.block_on(Sink::start(script)).unwrap()
}

/// Runs all scenarios of a folder.
fn play(folder: &Path, settings: &[(&str, &str)]) -> std::thread::Result<()> {
    let cases = trycmd::TestCases::new();
    cases.register_bin("convoke", Path::new(env!("CARGO_BIN_EXE_convoke")));
    for tool in ["cat", "ls", "sh"] {
        cases.register_bin(tool, Path::new("/bin").join(tool).as_path());
    }
    for (name, value) in faketime::environment() {
        cases.env(name, value);
    }
    for (name, value) in settings {
        cases.env(*name, *value);
    }
    cases.case(folder.join("*.md"));
    let played = catch_unwind(AssertUnwindSafe(|| cases.run()));
    // Results are already known: dropping the set of cases would run them again.
    std::mem::forget(cases);
    played
}

#[test]
fn what_happens_in_an_office_happens_as_it_is_written_down() {
    if !faketime::is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [plain, relayed, returned] = ["plain", "relayed", "returned"].map(|name| folder.path().join(name));
    for made in [&plain, &relayed, &returned] {
        fs::create_dir(made).unwrap();
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let scenarios = fs::read_dir(sources).unwrap().map(|entry| entry.unwrap().path());
    let scenarios: Vec<PathBuf> = scenarios.filter(|path| path.extension().is_some_and(|e| e == "md")).collect();
    assert!(!scenarios.is_empty());
    let has_relay = |scenario: &Path| fs::read_to_string(scenario).unwrap().contains(" relay.sh\n");
    let staged: Vec<PathBuf> =
        scenarios.iter().map(|s| stage(s, if has_relay(s) { &relayed } else { &plain })).collect();
    // In a file, which a command's FAKETIME overrides; in the common environment, it would override the command's.
    let clock = folder.path().join("clock");
    fs::write(&clock, CLOCK).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let sink = relay(&runtime, returned.clone());
    let url = format!("smtp://{}", sink.addr);
    let common =
        [("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap()), ("LC_ALL", "C"), ("CONVOKE__DISPATCH__HOURS", "always")];
    let maildir = [("CONVOKE__SMTP__URL", "maildir:out")];
    // One session: which of two letters meets a dead relay first must not matter to a scenario.
    let own = [("RELAY", url.as_str()), ("RETURNED", returned.to_str().unwrap()), ("CONVOKE__DISPATCH__SESSIONS", "1")];
    let played = [play(&plain, &[&common[..], &maildir].concat()), play(&relayed, &[&common[..], &own].concat())];
    if std::env::var("TRYCMD").is_ok_and(|what| what == "overwrite") {
        for (from, to) in staged.iter().zip(&scenarios) {
            fs::copy(from, to).unwrap();
        }
    }
    if let Some(difference) = played.into_iter().find_map(Result::err) {
        resume_unwind(difference);
    }
}
