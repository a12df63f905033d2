//! Tables as users see them: in a pipe, and on terminals of several widths.

use std::process::Command;
use std::sync::LazyLock;

use crate::support::{self, Office, Shape, today};

/// After a night, with something to list under every heading.
static OFFICE: LazyLock<Office> = LazyLock::new(|| {
    let office = Office::new(Shape { permits: 300, seats: true });
    office.run(&[]);
    office
        .change(
            "UPDATE outbox SET state = 'failed', attempts = 12, last_reply = '550 5.7.1 \u{1b}[2JService unavailable, client host blocked using a list of blocked hosts' WHERE channel = 'email';
             UPDATE holder SET email = 'une.boite.que.plusieurs.personnes.partagent@association-d-aide-aux-familles.example.org' WHERE number LIKE '%7';
             UPDATE convocation SET day = '2026-01-05' WHERE reference LIKE '%3-%';",
        )
        .unwrap();
    let numbers = office.query("SELECT h.number FROM holder h WHERE NOT EXISTS (SELECT 1 FROM convocation c WHERE c.holder_id = h.holder_id) AND EXISTS (SELECT 1 FROM permit p WHERE p.holder_id = h.holder_id AND p.mention LIKE 'etudiant%' AND p.status = 'actif') ORDER BY 1 LIMIT 2");
    for number in numbers.lines() {
        office.ok(&["requests", "add", number, "--wish", "urgent", "--reason", "travels", "--json"]);
    }
    office
});

/// The output of a command, and whether it is a table: its heading, or what is printed instead.
fn printed(office: &Office, args: &[&str], heading: &str) -> String {
    let output = office.output(args);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(heading), "{args:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn assert_readable(args: &[&str], text: &str, width: usize) {
    for line in text.lines() {
        assert!(line.chars().count() <= width, "{args:?}: wider than {width}: {line}");
        assert_eq!(line.trim_end(), line, "{args:?}: ends with blanks");
        assert!(!line.contains('\u{1b}'), "{args:?}: {line:?}");
    }
}

#[test]
fn no_table_is_wider_than_80_columns_in_a_pipe_and_no_line_ends_with_blanks() {
    let before = OFFICE.before_the_night();
    let plan = printed(&before, &["plan"], "WEEK OF");
    assert_readable(&["plan"], &plan, 80);

    let office = OFFICE.copy();
    let first = office.one("SELECT run_id FROM run");
    let name = office.query("SELECT family_name FROM holder ORDER BY length(family_name) DESC LIMIT 1");
    // A person to move, on a day to come.
    let expected = office.query(
        "SELECT substr(slot_id, 1, length(slot_id) - length('/2026-01-05T09:00')), day FROM convocation WHERE day > '2026-02-01' ORDER BY day LIMIT 1",
    );
    let (place, day) = expected.trim().split_once('|').unwrap();
    office.ok(&["report", &first, "--out", "night", "--json"]);
    let to = today().to_string();
    for (args, heading) in [
        (vec!["agenda", "close", place, day, "--reason", "heating", "--yes"], "SLOT"),
        (vec!["agenda", "awaiting-mark"], "SITE/DESK"),
        // An appointment unmarked for too long counts as missed.
        (vec!["run", "--yes", "--reason", "again"], "Firm:"),
        (vec!["runs", "list"], "STARTED (UTC)"),
        (vec!["runs", "diff", &first, &first.replace("/1", "/2")], "no longer planned"),
        (vec!["outbox", "list"], "REPLY, OR NO PDF"),
        (vec!["outbox", "list", "--by-cause"], "FOR EXAMPLE"),
        (vec!["requests", "list"], "RIGHTS UNTIL"),
        (vec!["requests", "list", "--state", "placed"], "ANSWER"),
        (vec!["anomalies", "--at-least", "2"], "HOUSEHOLDS"),
        (vec!["movers"], "LIVE ELSEWHERE"),
        (vec!["permit", "find", name.trim()], "until"),
        (vec!["verify", "night"], "ok"),
        (vec!["report", "--from", "2026-01-01", "--to", &to], "\n\n"),
        (vec!["forecast", "--weeks", "3"], "AT LEAST"),
        (vec!["simulate", "--weeks", "2", "--people-per-week", "5"], "SEATS USED"),
    ] {
        let text = printed(&office, &args, heading);
        if args[0] != "run" {
            assert_readable(&args, &text, 80);
        }
    }
}

/// The output of a command on a terminal of this width, both streams together.
fn on_a_terminal(columns: u16, args: &str, exit: i32) -> String {
    let convoke = env!("CARGO_BIN_EXE_convoke");
    let command = format!("stty cols {columns}; {convoke} {args} --color never");
    let output = Command::new("script")
        .env("CONVOKE_FAULT_CLOCK", support::seconds_ahead())
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .current_dir(OFFICE.path(""))
        .env("CONVOKE__DATABASE__URL", OFFICE.url())
        .env("CONVOKE__SMTP__URL", "maildir:out")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(exit), "{output:?}");
    String::from_utf8(output.stdout).unwrap().replace('\r', "")
}

#[test]
fn no_sentence_is_cut_by_the_edge_of_a_terminal_and_in_a_pipe_each_is_one_line() {
    let run = OFFICE.one("SELECT run_id FROM run ORDER BY 1 LIMIT 1");
    for (args, exit) in [
        ("doctor", 0),
        ("config show", 0),
        (&*format!("runs show {run}"), 0),
        (&*format!("report {run}"), 0),
        ("permit find durand-dupond-de-la-tour", 0),
        ("templates check", 0),
        ("runs show 94/1999-01-01/1", 78),
    ] {
        for columns in [60, 80] {
            let text = on_a_terminal(columns, args, exit);
            // Text meant for copying is left to the terminal to wrap: a fingerprint, a URL.
            let lines =
                text.lines().filter(|line| line.split(' ').all(|word| word.chars().count() + 16 < columns.into()));
            let lines: Vec<&str> = lines.collect();
            assert_readable(&[args], &lines.join("\n"), columns.into());
            // Except free disk space, which varies.
            let word = |word: &&str| word.parse::<u64>().is_err();
            let words = |text: &str| text.split_whitespace().filter(word).map(str::to_owned).collect::<Vec<_>>();
            if args == "doctor" {
                let piped = String::from_utf8(OFFICE.output(&["doctor"]).stdout).unwrap();
                assert_eq!(words(&text), words(&piped), "no word is cut");
            }
        }
    }
    let piped = OFFICE.output(&["doctor"]);
    let text = String::from_utf8(piped.stdout).unwrap();
    assert!(
        text.lines().all(|line| ["ok    ", "WRONG ", "                → "].iter().any(|l| line.starts_with(l))),
        "{text}"
    );
}

#[test]
fn a_table_is_as_wide_as_its_terminal() {
    let [narrow, usual, wide] = [72, 80, 140].map(|columns| {
        let text = on_a_terminal(columns, "outbox list --limit 5", 0);
        assert_readable(&["outbox", "list"], &text, columns.into());
        text.lines().count()
    });
    // A relay's reply continues below if it does not fit.
    assert!(narrow >= usual && usual > wide, "{narrow}, {usual}, {wide}");
    assert_eq!(wide, 6, "a heading and five letters");
}
