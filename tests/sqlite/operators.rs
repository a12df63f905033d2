//! On the command line: tonight's plan, a re-run by hand, an answer at the counter.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::SENT;
use crate::support;

fn texts<'v>(array: &'v Value, field: &str) -> Vec<&'v str> {
    array.as_array().unwrap().iter().map(|v| v[field].as_str().unwrap()).collect()
}

#[test]
fn why_somebody_is_convoked_or_not_is_always_answered() {
    // One person under each verdict in the demo's world.
    let office = SENT.copy();
    let people = office.query(
        "SELECT rule, min(h.number) FROM permit p JOIN holder h ON h.holder_id = p.holder_id AND h.prefecture = p.prefecture
           WHERE NOT EXISTS (SELECT 1 FROM convocation c WHERE c.holder_id = p.holder_id) OR rule NOT IN ('due', 'due.late')
           GROUP BY rule ORDER BY rule",
    );
    let mut rules = 0;
    for line in people.lines() {
        let (rule, number) = line.split_once('|').unwrap();
        let answered = office.ok(&["permit", "timeline", number, "--json"]);
        let permit = answered["permits"].as_array().unwrap().iter().find(|p| p["rule"] == rule);
        let permit = permit.unwrap_or_else(|| panic!("{rule}: {answered}"));
        assert!(permit["why"].as_str().unwrap().len() > 20, "{permit}");
        assert!(texts(&answered["moments"], "kind").contains(&"verdict"), "{answered}");
        rules += 1;
    }
    assert!(rules >= 8, "{people}");
}

#[test]
fn a_history_has_run_appointment_letter_attempt_and_act_in_order() {
    let office = SENT.copy();
    let number = office.one(
        "SELECT h.number FROM outbox o JOIN convocation c USING (reference) JOIN holder h ON h.holder_id = c.holder_id
           WHERE o.state = 'accepted' ORDER BY 1 LIMIT 1",
    );
    office.ok(&["permit", "hold", &number, "--reason", "appeal", "--json"]);
    let answered = office.ok(&["permit", "timeline", &number, "--json"]);
    let kinds = texts(&answered["moments"], "kind");
    for kind in ["extract", "verdict", "appointment", "letter", "attempt", "act"] {
        assert!(kinds.contains(&kind), "{kind}: {answered}");
    }
    let days = texts(&answered["moments"], "day");
    assert!(days.is_sorted(), "{days:?}");
    let act = answered["moments"].as_array().unwrap().iter().find(|m| m["kind"] == "act").unwrap();
    assert_eq!(act["what"], "Titre suspendu : appeal");
    assert_eq!(answered["permits"][0]["rule"], "held", "as it is now, not as the last night left it");
    // Reads about a person are recorded, and the ledger names nobody.
    assert_eq!(office.one("SELECT count(*) FROM ledger_entry WHERE kind = 'read.timeline'"), "1");
    assert!(!office.query("SELECT payload FROM ledger_entry").contains(&number));
    let nobody = office.output(&["permit", "timeline", "9999999999"]);
    assert_eq!(nobody.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("permit find"));
}

/// Looked up in its own table, or read from the recorded plan, as after a night of an older version.
#[test]
fn what_the_plan_has_for_somebody_reads_alike_wherever_it_is_shown() {
    let office = SENT.copy();
    // Only one desk is left, so that others have none.
    office
        .change("DELETE FROM slot WHERE slot_id NOT IN (SELECT slot_id FROM reservation) AND desk <> 'renouvellement'")
        .unwrap();
    let night = ["run", "--yes", "--reason", "fewer seats", "--json"];
    let output = office.command(&night).env("CONVOKE__POLICY__FIRM_LEAD_DAYS", "0").output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 4)), "{output:?}");
    assert_eq!(
        office.one("SELECT count(DISTINCT run_id) FROM planned_block"),
        "1",
        "those of the night before are gone"
    );
    let numbers = office.query(
        "SELECT DISTINCT h.number FROM permit p JOIN holder h USING (holder_id) WHERE p.rule IN ('due', 'due.late')
            AND NOT EXISTS (SELECT 1 FROM convocation c WHERE c.holder_id = h.holder_id AND c.state = 'convoked') ORDER BY 1 LIMIT 20",
    );
    let answered = || -> Vec<Value> {
        numbers.lines().map(|number| office.ok(&["permit", "timeline", number, "--json"])["permits"].clone()).collect()
    };
    let beside = answered();
    let text = Value::from(beside.clone()).to_string();
    assert!(text.contains("est prévu le") && text.contains("ouvrir des places"), "{text}");
    office.change("DELETE FROM planned_block").unwrap();
    assert_eq!(answered(), beside);
}

#[test]
fn a_plan_says_who_where_and_when_and_shows_the_letters_that_it_would_write() {
    let office = SENT.before_the_night();
    let plan =
        office.answer(&["plan", "--out", "plan", "--letters", "2", "--reason", "check of the wording", "--json"]);
    let firm = plan["firm"].as_u64().unwrap() + plan["late_firm"].as_u64().unwrap();
    assert_eq!(plan["appointments"].as_array().unwrap().len() as u64, firm);
    let of_weeks: u64 = plan["weeks"].as_array().unwrap().iter().map(|w| w["firm"].as_u64().unwrap()).sum();
    assert_eq!(of_weeks, firm);
    let letters: Vec<_> = std::fs::read_dir(office.path("plan/letters")).unwrap().collect();
    assert!(letters.len() >= 4, "PDF and e-mail of two");
    assert_eq!(office.one("SELECT count(*) FROM convocation"), "0", "nothing was written");
    assert_eq!(office.one("SELECT count(*) FROM ledger_entry WHERE kind = 'read.letters'"), "1");
    let output = office.output(&["plan"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().all(|l| l.chars().count() <= 100), "{text}");
}

#[test]
fn a_stale_plan_is_refused_and_what_has_changed_is_listed() {
    let office = SENT.before_the_night();
    let shown = office.answer(&["plan", "--json"]);
    let firm = shown["appointments"][0]["permit"].as_str().unwrap().to_owned();
    let slot = shown["appointments"][1]["slot"].as_str().unwrap().to_owned();
    let number = office
        .one(&format!("SELECT h.number FROM permit p JOIN holder h USING (holder_id) WHERE permit_id = '{firm}'"));
    office.ok(&["permit", "hold", &number, "--reason", "appeal", "--json"]);
    office.change(&format!("UPDATE slot SET seats = seats - 1 WHERE slot_id = '{slot}'")).unwrap();
    let hash = shown["plan_hash"].as_str().unwrap();
    let output = office.output(&["run", "--plan", hash, "--yes", "--reason", "as shown", "--json"]);
    assert_eq!(output.status.code(), Some(13));
    let refusal: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(refusal["difference"]["people_gone"], serde_json::json!([firm]), "{refusal}");
    let seats = &refusal["difference"]["seats"][0];
    assert_eq!(seats["before"].as_u64().unwrap() - seats["after"].as_u64().unwrap(), 1, "{refusal}");
    let answered = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(answered.contains("no longer planned") && answered.contains("SEATS BEFORE"), "{answered}");
    assert_eq!(office.one("SELECT count(*) FROM convocation"), "0");
    // What is shown is what is done.
    let shown = office.answer(&["plan", "--json"]);
    let run = office.run(&["--plan", &shown["plan_hash"].as_str().unwrap()[..16]]);
    assert_eq!((&run["plan_hash"], &run["firm"]), (&shown["plan_hash"], &shown["firm"]));
}

#[test]
fn two_operators_at_once_get_one_run_and_one_clear_refusal() {
    let office = SENT.before_the_night();
    let mut first = office.command(&["run", "--yes", "--reason", "first"]);
    let first = first.env("CONVOKE_FAULT", "stop@before-chunk").spawn().unwrap();
    let pid = Pid::from_raw(first.id().cast_signed()).unwrap();
    while office.one("SELECT count(*) FROM run WHERE state = 'committing'") != "1" {
        std::thread::yield_now();
    }
    let second = office.output(&["run", "--yes", "--reason", "second"]);
    assert_eq!(second.status.code(), Some(11));
    assert!(String::from_utf8_lossy(&second.stderr).contains("is in progress"));
    kill_process(pid, Signal::CONT).unwrap();
    assert!(matches!(first.wait_with_output().unwrap().status.code(), Some(0 | 4)));
    assert_eq!(office.one("SELECT count(*) FROM run"), "1");
    office.assert_promises();
}

#[test]
fn a_run_that_is_stopped_keeps_what_it_committed_and_the_next_plans_for_everybody_else() {
    let whole = SENT.one("SELECT count(*) FROM convocation");
    for (point, kept) in [("stop@before-chunk", "0"), ("stop@after-chunk", whole.as_str())] {
        let office = SENT.before_the_night();
        let mut run = office.command(&["run", "--yes", "--reason", "night"]);
        let run = run.env("CONVOKE_FAULT", point).spawn().unwrap();
        let pid = Pid::from_raw(run.id().cast_signed()).unwrap();
        while office.one("SELECT count(*) FROM run WHERE state = 'committing'") != "1"
            || office.one("SELECT count(*) FROM convocation") != kept
        {
            std::thread::yield_now();
        }
        let id = office.one("SELECT run_id FROM run");
        let stopped = office.ok(&["runs", "stop", &id, "--reason", "wrong extract", "--yes", "--json"]);
        assert_eq!(stopped["committed"].to_string(), kept, "{stopped}");
        kill_process(pid, Signal::CONT).unwrap();
        let ended = run.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&ended.stderr).contains("was stopped"), "{ended:?}");
        assert_eq!(office.one("SELECT count(*) FROM convocation"), kept);
        assert_eq!(office.ok(&["runs", "show", &id, "--json"])["state"], "stopped");
        let again = office.ok(&["runs", "stop", &id, "--reason", "twice", "--yes", "--json"]);
        assert_eq!(again["stopped"], false);

        office.run(&[]);
        assert_eq!(office.one("SELECT count(*) FROM convocation"), whole);
        office.assert_promises();
    }
}

#[test]
fn two_runs_are_compared_by_what_they_planned() {
    let office = SENT.copy();
    let before = office.one("SELECT run_id FROM run");
    let slot = office.one("SELECT slot_id FROM slot s WHERE NOT EXISTS (SELECT 1 FROM reservation r WHERE r.slot_id = s.slot_id) ORDER BY day DESC, slot_id LIMIT 1"
    );
    office.change(&format!("UPDATE slot SET seats = seats + 3 WHERE slot_id = '{slot}'")).unwrap();
    office.run(&[]);
    let after = office.one("SELECT run_id FROM run ORDER BY generation DESC LIMIT 1");
    let diff = office.ok(&["runs", "diff", &before, &after, "--json"]);
    assert_eq!(diff["difference"]["people_new"], serde_json::json!([]));
    // A convoked person is no longer planned.
    assert_eq!(
        diff["difference"]["people_gone"].as_array().unwrap().len().to_string(),
        office.one("SELECT count(*) FROM convocation")
    );
    let text = String::from_utf8(office.output(&["runs", "diff", &before, &after]).stdout).unwrap();
    assert!(text.contains("already-convoked") && text.contains("no longer planned"), "{text}");
    let unknown = office.output(&["runs", "diff", &before, "94/1999-01-01/1"]);
    assert_eq!(unknown.status.code(), Some(78));
}

#[test]
fn whoever_says_no_changes_nothing_and_a_database_without_tables_is_said_to_be_one() {
    let office = SENT.copy();
    let reference = office.one("SELECT reference FROM convocation WHERE state = 'convoked' ORDER BY 1 LIMIT 1");
    // A terminal on which an agent types `n`.
    let mut answer = std::process::Command::new("script");
    let convoke = env!("CARGO_BIN_EXE_convoke");
    let command = format!("{convoke} convocation cancel {reference} --reason x");
    let mut child = answer
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .current_dir(office.path(""))
        .env("CONVOKE__DATABASE__URL", office.url())
        .env("CONVOKE_FAULT_CLOCK", support::seconds_ahead())
        .env("TERM", "xterm")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(office.one(&format!("SELECT state FROM convocation WHERE reference = '{reference}'")), "convoked");

    let bare = office.with_an_empty_database(true);
    bare.change("DROP TABLE IF EXISTS __diesel_schema_migrations").unwrap();
    let output = bare.output(&["runs", "list"]);
    assert_eq!(output.status.code(), Some(10));
    assert!(String::from_utf8_lossy(&output.stderr).contains("convoke migrate"));
}

/// Each document is validated when printed (`Office::ok`): these are the ones that no other test covers.
#[test]
fn every_other_command_keeps_to_its_schema() {
    let office = SENT.copy();
    let run = office.one("SELECT run_id FROM run LIMIT 1");
    let reference =
        office.one("SELECT reference FROM outbox WHERE state = 'accepted' AND kind = 'convocation' ORDER BY 1 LIMIT 1");
    let numbers = office.query("SELECT number FROM holder ORDER BY number LIMIT 2");
    let numbers: Vec<&str> = numbers.lines().collect();
    office.ok(&["report", &run, "--out", "night", "--json"]);
    for args in [
        vec!["config", "check"],
        vec!["config", "show"],
        vec!["templates", "check"],
        vec!["runs", "list"],
        vec!["runs", "show", &run],
        vec!["runs", "replay", &run],
        vec!["letters", "explain", &reference],
        vec!["letters", "preview", "--envelope", "--out", "letters"],
        vec!["templates", "export", "--out", "own"],
        vec!["verify", "night"],
        vec!["ledger", "verify"],
        vec!["keys", "show"],
        vec!["anomalies"],
        vec!["movers"],
        vec!["movers", "key", "--key-file", "shared.key"],
        vec!["movers", "hashes", "--key-file", "shared.key", "--out", "ours.csv"],
        vec!["movers", "compare", "--key-file", "shared.key", "--with", "ours.csv"],
        vec!["permit", "find", numbers[0]],
        vec!["permit", "link", numbers[0], numbers[1], "--reason", "family"],
        vec!["permit", "export", numbers[0], "--out", "person", "--reason", "request"],
        vec!["purge", "--before", "2000-01-01", "--dry-run"],
        vec!["agenda", "awaiting-mark"],
        vec!["agenda", "sheet", "--date", "2026-01-05", "--out", "sheets"],
        vec!["outbox", "list"],
        vec!["outbox", "list", "--by-cause"],
        vec!["post", "--out", "post"],
        vec!["post", "--out", "calls", "--channel", "phone"],
        vec!["requests", "list"],
        vec!["forecast", "--weeks", "2"],
        vec!["man", "manual"],
        vec!["migrate"],
        vec!["plan"],
    ] {
        office.answer(&[&args[..], &["--json"]].concat());
    }
}

/// What is exported is what the program has: used as it is, it changes no letter; changing one line does.
#[test]
fn templates_are_exported_to_start_from_and_nothing_is_overwritten() {
    let office = SENT.copy();
    let shown = |settings: &[(&str, &str)]| {
        let args = ["templates", "check", "--json"];
        let output = office.command(&args).envs(settings.iter().copied()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code(), text)
    };
    let before = shown(&[]);
    assert_eq!(before.0, Some(0), "{}", before.1);
    let files = office.ok(&["templates", "export", "--out", "own", "--json"])["files"].as_array().unwrap().len();
    assert!(files > 50, "{files}");
    let own = [("CONVOKE__FILES__LETTER", "own/letter.toml"), ("CONVOKE__FILES__TEMPLATES", "own/templates")];
    assert_eq!(shown(&own), before);

    let letter = office.path("own/letter.toml");
    let text = std::fs::read_to_string(&letter).unwrap();
    std::fs::write(&letter, text.replace("body = 11", "body = 12")).unwrap();
    let after = shown(&own);
    assert_eq!(after.0, Some(0), "{}", after.1);
    assert_ne!(after.1, before.1);
    // Nothing is overwritten, and nothing is written beside it.
    std::fs::remove_file(office.path("own/templates/fr/short.txt")).unwrap();
    let refused = office.output(&["templates", "export", "--out", "own"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is there already: nothing was written"));
    assert!(!office.path("own/templates/fr/short.txt").exists());
    assert!(std::fs::read_to_string(&letter).unwrap().contains("body = 12"));

    std::fs::write(&letter, text.replace("legal = 10", "legal = 6.5")).unwrap();
    let refused = shown(&own);
    assert_eq!(refused.0, Some(78), "{}", refused.1);
    assert!(refused.1.contains("letter.toml: [sizes] legal is 6.5; expected 9 to 12"), "{}", refused.1);
}
