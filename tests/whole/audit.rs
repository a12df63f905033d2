//! What docs/AUDIT.md tells an auditor to do, done; and what is found after tampering with a night.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use convoke_domain::ledger::{Entry, Event};
use convoke_domain::seal::{Seal, Sealed};
use convoke_machine::files::{read_folder, write_folder};
use convoke_report::bundle::{self, Check, Files, Manifest};
use serde_json::Value;

use crate::support::{self, Office, Shape};

const AUDIT: &str = include_str!("../../docs/AUDIT.md");

/// The `n`th program of a language that docs/AUDIT.md prints.
fn printed(language: &str, n: usize) -> &'static str {
    AUDIT.split(&format!("```{language}\n")).nth(n + 1).unwrap().split("```").next().unwrap()
}

fn python(program: &str, args: &[&Path], folder: &Path) -> Output {
    Command::new("python3").args(["-c", program]).args(args).current_dir(folder).output().unwrap()
}

/// Runs the program in docs/AUDIT.md for auditors with database access: whether it succeeded, and its output.
fn auditor(office: &Office) -> Option<(bool, String)> {
    if support::ON_POSTGRES {
        return None;
    }
    let output = python(printed("python", 2), &[&office.path("convoke.sqlite3")], Path::new("."));
    Some((output.status.success(), String::from_utf8(output.stdout).unwrap()))
}

/// Removes the triggers, as the owner of the database can.
fn disarm(office: &Office) {
    for (table, what) in [("ledger_entry", "ledger"), ("checkpoint", "checkpoint")] {
        for done in ["changed", "cut"] {
            let on = if support::ON_POSTGRES { format!(" ON {table}") } else { String::new() };
            office.change(&format!("DROP TRIGGER {what}_is_never_{done}{on}")).unwrap();
        }
    }
}

/// An office after two nights of 3,000 permits, the second exported, and the fingerprint of its key. Shared and never
/// changed.
struct Night {
    office: Office,
    fingerprint: String,
}

static NIGHT: LazyLock<Night> = LazyLock::new(|| {
    let office = Office::new(Shape { permits: 2_500, seats: true });
    office.run(&[]);
    let mut more = std::fs::File::create(office.path("more.csv")).unwrap();
    convoke::demo::world::write_permits(8, 500, support::today(), &mut more).unwrap();
    office.ok(&["import", "permits", "more.csv", "--json"]);
    office.run(&[]);
    exported(&office, "report");
    let fingerprint = office.ok(&["keys", "show", "--json"])["fingerprint"].as_str().unwrap().to_owned();
    Night { office, fingerprint }
});

fn exported(office: &Office, to: &str) -> Files {
    let output = office.output(&["report", "--out", to, "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    read_folder(&office.path(to)).unwrap()
}

fn manifest(files: &Files) -> Manifest {
    serde_json::from_slice(&files[bundle::MANIFEST]).unwrap()
}

/// The failed checks, as one text.
fn found(checks: &[Check]) -> String {
    checks.iter().filter(|c| !c.holds).map(|c| [c.what, ": ", &c.found, "\n"].concat()).collect()
}

/// The failed checks after a copy of the night was changed.
fn tampered(change: impl FnOnce(&mut Files)) -> String {
    let mut files = read_folder(&NIGHT.office.path("report")).unwrap();
    change(&mut files);
    found(&bundle::verify(&files, Some(&NIGHT.fingerprint), &[]))
}

/// The ledger entries in a folder.
fn entries(files: &Files) -> Vec<Entry> {
    let lines = String::from_utf8(files[bundle::LEDGER].clone()).unwrap();
    let of = |line: &str| {
        let v: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| v[key].as_str().unwrap().to_owned();
        Entry {
            seq: v["seq"].as_i64().unwrap(),
            prev_hash: text("prev_hash"),
            hash: text("hash"),
            run_id: v["run"].as_str().map(str::to_owned),
            actor: text("actor"),
            kind: text("kind"),
            payload: text("payload"),
        }
    };
    lines.lines().map(of).collect()
}

/// The ledger with one word changed and every hash recomputed, and the manifest as a forger without the key leaves it.
fn forged(files: &mut Files, seal: Option<&Seal>) {
    forged_with(files, seal, &|_, payload| {
        *payload = serde_json::from_str(&payload.to_string().replace("in-time", "after-expiry")).unwrap();
    });
}

fn forged_with(files: &mut Files, seal: Option<&Seal>, change: &dyn Fn(&str, &mut Value)) {
    let mut about = manifest(files);
    let (mut size, mut root) = about.previous.as_ref().map(|p| (p.checkpoint.size, p.checkpoint.root.clone())).unwrap();
    let mut forged = Vec::new();
    for old in entries(files) {
        let mut payload: Value = serde_json::from_str(&old.payload).unwrap();
        change(&old.kind, &mut payload);
        let kind: &'static str = old.kind.leak();
        let entry = Entry::following(
            (size, &root),
            &about.prefecture,
            old.run_id.as_deref(),
            &old.actor,
            &Event { kind, payload },
        );
        (size, root) = (entry.seq, entry.hash.clone());
        forged.push(entry);
    }
    assert_ne!(forged.last().unwrap().hash, entries(files).last().unwrap().hash, "something was changed");
    files.insert(bundle::LEDGER.into(), bundle::ledger_lines(forged).unwrap());
    let mut checkpoint = about.checkpoint.clone().unwrap();
    checkpoint.checkpoint.root = root;
    if let Some(seal) = seal {
        checkpoint = seal.seal(checkpoint.checkpoint);
        about.previous = about.previous.map(|p| seal.seal(p.checkpoint));
    }
    about.checkpoint = Some(checkpoint);
    for name in [bundle::MANIFEST, bundle::SIGNATURE, bundle::SUMS, bundle::KEY] {
        files.remove(name);
    }
    let signature = read_folder(&NIGHT.office.path("report")).unwrap()[bundle::SIGNATURE].clone();
    let key = read_folder(&NIGHT.office.path("report")).unwrap()[bundle::KEY].clone();
    let own = about.key.clone();
    *files = bundle::seal(std::mem::take(files), about, seal).unwrap();
    if seal.is_none() {
        // The office's key is in it nevertheless.
        let mut about = manifest(files);
        about.key = own;
        let listed = bundle::Listed { sha256: convoke_domain::ids::sha256_hex(&key), bytes: key.len() as u64 };
        about.files.insert(bundle::KEY.into(), listed);
        files.insert(bundle::KEY.into(), key);
        files.insert(bundle::MANIFEST.into(), serde_json::to_vec_pretty(&about).unwrap());
        files.insert(bundle::SIGNATURE.into(), signature);
    }
}

#[test]
fn an_auditor_without_the_program_finds_the_same_ledger() {
    let office = Office::new(Shape { permits: 200, seats: true });
    office.run(&[]);
    let ours = office.ok(&["ledger", "verify", "--json"]);
    if let Some((valid, theirs)) = auditor(&office) {
        assert!(valid);
        assert_eq!(theirs.trim(), format!("{} entries, last hash {}", ours["size"], ours["root"].as_str().unwrap()));
    }
    assert_eq!(ours["checkpoints"], 2, "the key, and the night");
}

#[test]
fn a_changed_entry_is_found_by_both_and_the_database_refuses_the_change() {
    let office = Office::new(Shape { permits: 60, seats: true });
    office.run(&[]);
    let change = "UPDATE ledger_entry SET actor = 'nobody' WHERE seq = 2";
    assert!(office.change(change).is_err(), "the trigger refuses");
    disarm(&office);
    office.change(change).unwrap();
    assert!(auditor(&office).is_none_or(|(valid, _)| !valid));
    let verified = office.output(&["ledger", "verify"]);
    assert_eq!(verified.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&verified.stderr).contains("entry 2 was changed"), "{verified:?}");
}

#[test]
fn a_night_proves_itself_on_a_machine_that_has_nothing_but_the_folder() {
    let elsewhere = tempfile::tempdir().unwrap();
    write_folder(&elsewhere.path().join("r"), |_| false, &read_folder(&NIGHT.office.path("report")).unwrap()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_convoke"))
        .args(["verify", "r", "--json", "--key", &NIGHT.fingerprint])
        .current_dir(elsewhere.path())
        .env_clear()
        .output()
        .unwrap();
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &shown["valid"]), (Some(0), &Value::Bool(true)), "{shown:#}");
    assert_eq!(shown["checks"].as_array().unwrap().len(), 10);
}

#[test]
fn the_documented_commands_agree() {
    let folder = NIGHT.office.path("report");
    for (n, line) in printed("sh", 0).lines().enumerate() {
        let output = Command::new("bash").args(["-euo", "pipefail", "-c", line]).current_dir(&folder).output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        if n == 2 {
            assert!(String::from_utf8_lossy(&output.stdout).starts_with(&NIGHT.fingerprint));
        }
    }
    for n in 0..2 {
        let output = python(printed("python", n), &[], &folder);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let sources = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    for (script, of) in [("script/verify_plan.py", folder.join("plan")), ("script/verify_figures.py", folder.clone())] {
        let output = Command::new("python3").arg(sources.join(script)).arg(of).output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stdout));
    }
    // And they detect faults.
    let bad = tempfile::tempdir().unwrap();
    let mut files = read_folder(&folder).unwrap();
    let text = String::from_utf8(files[bundle::OUTCOMES].clone()).unwrap();
    files.insert(bundle::OUTCOMES.into(), text.replacen(";not-yet-due;", ";due;", 1).into_bytes());
    write_folder(&bad.path().join("r"), |_| false, &files).unwrap();
    let sums =
        Command::new("sha256sum").args(["--check", "--quiet", "SHA256SUMS"]).current_dir(bad.path().join("r")).output();
    assert!(!sums.unwrap().status.success());
    let figures =
        Command::new("python3").arg(sources.join("script/verify_figures.py")).arg(bad.path().join("r")).output();
    assert_eq!(figures.unwrap().status.code(), Some(1));
}

#[test]
fn a_flipped_byte_of_any_file_is_found_and_the_file_is_named() {
    let names: Vec<String> = read_folder(&NIGHT.office.path("report")).unwrap().into_keys().collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        for place in [0.0, 0.5, 1.0] {
            let shown = tampered(|files| {
                let bytes = files.get_mut(&name).unwrap();
                let at = ((bytes.len() - 1) as f64 * place) as usize;
                bytes[at] ^= 1;
            });
            assert!(shown.contains(&name), "{name} at {place}: {shown}");
        }
    }
}

#[test]
fn a_file_that_is_taken_away_added_or_cut_is_named() {
    for name in read_folder(&NIGHT.office.path("report")).unwrap().into_keys() {
        let shown = tampered(|files| {
            files.remove(&name);
        });
        assert!(shown.contains(&name), "{name}: {shown}");
        let shown = tampered(|files| {
            let bytes = files.get_mut(&name).unwrap();
            bytes.truncate(bytes.len() / 2);
        });
        assert!(shown.contains(&name), "{name}: {shown}");
    }
    let shown = tampered(|files| {
        files.insert("plan/another.csv".into(), b"id".to_vec());
    });
    assert!(shown.contains("plan/another.csv was added"), "{shown}");
}

#[test]
fn an_entry_that_is_deleted_moved_changed_or_cut_off_is_named() {
    let changed = |change: &dyn Fn(&mut Vec<Entry>)| {
        tampered(|files| {
            let mut ledger = entries(files);
            assert!(ledger.len() > 5, "{}", ledger.len());
            change(&mut ledger);
            files.insert(bundle::LEDGER.into(), bundle::ledger_lines(ledger).unwrap());
        })
    };
    let second = entries(&read_folder(&NIGHT.office.path("report")).unwrap())[1].seq;
    let deleted = changed(&|l| drop(l.remove(1)));
    assert!(deleted.contains(&format!("line 2: entry {second} is missing")), "{deleted}");
    let moved = changed(&|l| l.swap(1, 2));
    assert!(moved.contains(&format!("line 2: entry {second} is missing")), "{moved}");
    let changed_word = changed(&|l| l[1].actor.push('x'));
    assert!(changed_word.contains(&format!("line 2: entry {second} was changed")), "{changed_word}");
    let cut = changed(&|l| l.truncate(l.len() - 1));
    assert!(cut.contains("the ledger ends with entry"), "{cut}");
    let first = changed(&|l| drop(l.remove(0)));
    assert!(first.contains("line 1: entry"), "{first}");
}

#[test]
fn a_chain_that_is_hashed_anew_without_the_key_is_not_what_was_signed() {
    let shown = tampered(|files| forged(files, None));
    assert!(shown.contains("signature: manifest.json or manifest.sig was changed"), "{shown}");
    assert!(shown.contains("checkpoint: the checkpoint is not what was signed"), "{shown}");
}

#[test]
fn what_is_signed_again_with_another_key_is_found_by_the_fingerprint_and_by_the_witness() {
    let stranger = Seal::new(&[9; 32]);
    let shown = tampered(|files| forged(files, Some(&stranger)));
    assert!(shown.contains("key: signed by another key than expected"), "{shown}");
    let mut files = read_folder(&NIGHT.office.path("report")).unwrap();
    let kept: Vec<Sealed> = manifest(&files).checkpoint.into_iter().collect();
    assert_eq!(found(&bundle::verify(&files, None, &kept)), "");
    forged(&mut files, Some(&stranger));
    let checks = bundle::verify(&files, None, &[]);
    assert!(checks.iter().filter(|c| c.what != "key").all(|c| c.holds), "{}", found(&checks));
    let shown = found(&bundle::verify(&files, None, &kept));
    assert!(shown.contains("witness: entry") && shown.contains("history was rewritten"), "{shown}");
}

#[test]
fn a_new_key_is_trusted_by_the_word_of_the_old_one_and_only_so() {
    let office = NIGHT.office.copy();
    let rotated = office.ok(&["keys", "rotate", "--reason", "yearly", "--yes", "--json"]);
    assert_ne!(rotated["fingerprint"], NIGHT.fingerprint.as_str());
    assert!(!office.path("keys/ledger.next").exists());
    let files = exported(&office, "again");
    assert_eq!(found(&bundle::verify(&files, Some(&NIGHT.fingerprint), &[])), "");
    assert_eq!(found(&bundle::verify(&files, rotated["fingerprint"].as_str(), &[])), "");
    // Two nights, the first key's introduction, and its successor's.
    assert_eq!(office.ok(&["ledger", "verify", "--json"])["checkpoints"], 4);
    // A foreign key that nobody vouches for.
    std::fs::write(office.path("keys/ledger.key"), Seal::new(&[9; 32]).to_pem()).unwrap();
    let shown = found(&bundle::verify(&exported(&office, "third"), Some(&NIGHT.fingerprint), &[]));
    assert!(shown.contains("another key than expected") && shown.contains("signed by a stranger"), "{shown}");
    let shown = office.output(&["ledger", "verify"]);
    assert!(String::from_utf8_lossy(&shown.stderr).contains("the key in use is not the one"), "{shown:?}");
}

#[test]
fn a_ledger_that_is_cut_or_written_anew_in_the_database_is_found_there() {
    let office = NIGHT.office.copy();
    let last = "(SELECT max(size) FROM checkpoint)";
    assert!(office.change(&format!("DELETE FROM checkpoint WHERE size = {last}")).is_err(), "the trigger refuses");
    assert!(office.change("UPDATE checkpoint SET root = ''").is_err(), "the trigger refuses");
    disarm(&office);
    office.change("DELETE FROM ledger_entry WHERE seq = (SELECT max(seq) FROM ledger_entry)").unwrap();
    let shown = office.output(&["ledger", "verify"]);
    assert!(String::from_utf8_lossy(&shown.stderr).contains("the end was cut off"), "{shown:?}");
    // Without the checkpoint, only the witness knows.
    std::fs::write(
        office.path("kept.txt"),
        manifest(&read_folder(&office.path("report")).unwrap()).checkpoint.unwrap().text(),
    )
    .unwrap();
    office.change(&format!("DELETE FROM checkpoint WHERE size = {last}")).unwrap();
    assert_eq!(office.output(&["ledger", "verify"]).status.code(), Some(0));
    let shown = office.output(&["ledger", "verify", "--witness", "kept.txt"]);
    assert_eq!(shown.status.code(), Some(65), "{shown:?}");
}

#[test]
fn a_report_is_there_whole_or_not_at_all_and_writes_over_nothing_of_others() {
    let office = NIGHT.office.copy();
    std::fs::create_dir(office.path("mine")).unwrap();
    std::fs::write(office.path("mine/thesis.txt"), "years of work").unwrap();
    let output = office.output(&["report", "--out", "mine"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("holds other files"), "{output:?}");
    assert_eq!(std::fs::read_dir(office.path("mine")).unwrap().count(), 1);
    // Another program's manifest, and an auditor's notes beside an earlier report.
    std::fs::write(office.path("mine/manifest.json"), "{}").unwrap();
    assert!(!office.output(&["report", "--out", "mine"]).status.success());
    exported(&office, "noted");
    std::fs::write(office.path("noted/notes.txt"), "what I found").unwrap();
    assert!(!office.output(&["report", "--out", "noted"]).status.success());
    assert!(office.path("noted/notes.txt").exists() && office.path("mine/thesis.txt").exists());
    // Killed before and after the last step, in an empty place and over an older report.
    for (to, when) in
        [("fresh", "before-folder"), ("fresh", "after-folder"), ("report", "before-folder"), ("report", "after-folder")]
    {
        let killed = office.command(&["report", "--out", to]).env("CONVOKE_FAULT", when).output().unwrap();
        assert!(!killed.status.success());
        let there = office.path(to).exists();
        assert_eq!(there, to == "report" || when == "after-folder");
        if there {
            let files = read_folder(&office.path(to)).unwrap();
            assert_eq!(found(&bundle::verify(&files, Some(&NIGHT.fingerprint), &[])), "", "{to} {when}");
        }
    }
}

#[test]
fn people_are_named_only_on_request_for_a_reason_that_the_ledger_keeps() {
    let office = NIGHT.office.copy();
    let number = office.one("SELECT number FROM holder ORDER BY holder_id LIMIT 1");
    let all = |folder: &str| read_folder(&office.path(folder)).unwrap().into_values().flatten().collect::<Vec<u8>>();
    let names = |bytes: &[u8]| bytes.windows(number.len()).any(|w| w == number.as_bytes());
    assert!(!names(&all("report")));
    assert_eq!(office.output(&["report", "--out", "named", "--identified"]).status.code(), Some(2));
    office.ok(&["report", "--out", "named", "--identified", "--reason", "complaint 12", "--json"]);
    assert!(names(&all("named")));
    assert!(manifest(&read_folder(&office.path("named")).unwrap()).identified);
    let entry = office.query("SELECT kind || payload FROM ledger_entry ORDER BY seq DESC LIMIT 1");
    assert!(entry.contains("read.report") && entry.contains("complaint 12"), "{entry}");
}

/// The whole chain rehashed with another author, by the owner of the database without the key.
fn rewritten_in_the_database(office: &Office) {
    disarm(office);
    rehashed(office);
}

fn rehashed(office: &Office) {
    let rows = office.query("SELECT count(*) FROM ledger_entry").trim().parse::<i64>().unwrap();
    let (mut size, mut root) = (0, convoke_domain::ledger::GENESIS.to_owned());
    for seq in 1..=rows {
        let one = |column: &str| {
            office
                .query(&format!("SELECT coalesce({column}, '') FROM ledger_entry WHERE seq = {seq}"))
                .trim_end_matches('\n')
                .to_owned()
        };
        let (run, kind, payload) = (one("run_id"), one("kind"), one("payload"));
        let event = Event { kind: kind.leak(), payload: serde_json::from_str(&payload).unwrap() };
        let run = Some(run.as_str()).filter(|run| !run.is_empty());
        let entry = Entry::following((size, &root), "94", run, "somebody else", &event);
        office
            .change(&format!(
                "UPDATE ledger_entry SET actor = 'somebody else', prev_hash = '{}', hash = '{}' WHERE seq = {seq}",
                entry.prev_hash, entry.hash
            ))
            .unwrap();
        (size, root) = (entry.seq, entry.hash);
    }
}

#[test]
fn a_chain_written_anew_without_its_checkpoints_is_found_in_the_database() {
    let office = Office::new(Shape { permits: 60, seats: true });
    office.run(&[]);
    rewritten_in_the_database(&office);
    let shown = office.output(&["ledger", "verify"]);
    assert!(String::from_utf8_lossy(&shown.stderr).contains("was written anew"), "{shown:?}");
    office.change("DELETE FROM checkpoint").unwrap();
    let shown = office.output(&["ledger", "verify"]);
    assert!(String::from_utf8_lossy(&shown.stderr).contains("a key that has not signed its coming"), "{shown:?}");
    // And without any key in the ledger, the one in use reveals it.
    office.change("UPDATE ledger_entry SET kind = 'agenda.generated' WHERE kind = 'key.made'").unwrap();
    rehashed(&office);
    let shown = office.output(&["ledger", "verify"]);
    assert!(String::from_utf8_lossy(&shown.stderr).contains("the key in use is not the one"), "{shown:?}");
}

#[test]
fn figures_that_were_changed_in_the_database_are_not_those_of_the_ledger() {
    let summary = "UPDATE run SET summary = replace(summary, '\"displaced\":0', '\"displaced\":7')";
    let swapped = "UPDATE permit SET rule = CASE rule WHEN 'due' THEN 'not-yet-due' ELSE 'due' END WHERE permit_id IN (
        (SELECT min(permit_id) FROM permit WHERE rule = 'due'), (SELECT min(permit_id) FROM permit WHERE rule = 'not-yet-due'))";
    for (change, expected) in [
        (summary, "report: report.json: displaced is 7"),
        ("UPDATE run SET actor = 'nobody'", "report: report.json: the author is nobody"),
        (swapped, "whether this permit was due is not what the run saw"),
    ] {
        let office = NIGHT.office.copy();
        office.change(change).unwrap();
        let shown = found(&bundle::verify(&exported(&office, "false"), Some(&NIGHT.fingerprint), &[]));
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}

#[test]
fn a_key_that_was_retired_signs_nothing_any_more() {
    let office = Office::new(Shape { permits: 60, seats: true });
    office.run(&[]);
    let old = Seal::from_pem(&std::fs::read_to_string(office.path("keys/ledger.key")).unwrap()).unwrap();
    office.ok(&["keys", "rotate", "--reason", "a leak", "--yes", "--json"]);
    assert_eq!(office.ok(&["ledger", "verify", "--json"])["valid"], true);
    office.ok(&["pause", "--reason", "a drill", "--json"]);
    // A thief of the old key signs a state after its retirement.
    let ledger = office.ok(&["ledger", "verify", "--json"]);
    let (size, root) = (ledger["size"].as_i64().unwrap(), ledger["root"].as_str().unwrap().to_owned());
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    let forged = old.seal(convoke_domain::seal::Checkpoint {
        prefecture: "94".into(),
        run: "94/x/1".into(),
        size,
        root: root.clone(),
        at,
    });
    office
        .change(&format!(
            "INSERT INTO checkpoint VALUES ('94', {size}, '{root}', '94/x/1', '2026-01-01 00:00:00', '{}', '{}')",
            forged.key, forged.signature
        ))
        .unwrap();
    let shown = office.output(&["ledger", "verify"]);
    assert!(String::from_utf8_lossy(&shown.stderr).contains("not signed by the key that was in use then"), "{shown:?}");
}

#[test]
fn a_lost_key_is_replaced_only_by_saying_so() {
    let office = Office::new(Shape { permits: 60, seats: true });
    office.run(&[]);
    std::fs::remove_file(office.path("keys/ledger.key")).unwrap();
    let shown = office.output(&["keys", "generate"]);
    assert!(shown.status.code() == Some(2) && String::from_utf8_lossy(&shown.stderr).contains("--lost"), "{shown:?}");
    office.ok(&["keys", "generate", "--lost", "--reason", "the disk died", "--json"]);
    office.change("UPDATE slot SET seats = seats + 1").unwrap();
    office.run(&[]);
    assert_eq!(office.ok(&["ledger", "verify", "--json"])["valid"], true);
    // A second key that nobody vouches for is refused.
    let stranger = Seal::new(&[9; 32]).introduction(None).to_string();
    let last = office.query("SELECT hash FROM ledger_entry ORDER BY seq DESC LIMIT 1");
    let seq = office.query("SELECT max(seq) FROM ledger_entry").trim().parse::<i64>().unwrap();
    let event = Event { kind: "key.made", payload: serde_json::from_str(&stranger).unwrap() };
    let e = Entry::following((seq, last.trim()), "94", None, "x", &event);
    office
        .change(&format!(
            "INSERT INTO ledger_entry VALUES ('94', {}, '{}', '{}', NULL, 'x', 'key.made', '{}')",
            e.seq, e.prev_hash, e.hash, e.payload
        ))
        .unwrap();
    let shown = office.output(&["ledger", "verify"]);
    assert!(String::from_utf8_lossy(&shown.stderr).contains("does not vouch"), "{shown:?}");
}

#[test]
fn what_is_meant_to_break_the_planner_is_reported_and_breaks_nothing() {
    let stranger = Seal::new(&[9; 32]);
    // A folder signed in every part, with an impossible night.
    let broken = |change: &dyn Fn(&mut Value, &mut Value)| {
        let mut files = read_folder(&NIGHT.office.path("report")).unwrap();
        let mut input: Value = serde_json::from_slice(&files["record/input.json"]).unwrap();
        let mut plan: Value = serde_json::from_slice(&files["record/plan.json"]).unwrap();
        change(&mut input, &mut plan);
        let (input, plan) = (input.to_string(), plan.to_string());
        let sums =
            [convoke_domain::ids::sha256_hex(input.as_bytes()), convoke_domain::ids::sha256_hex(plan.as_bytes())];
        files.insert("record/input.json".into(), input.into_bytes());
        files.insert("record/plan.json".into(), plan.into_bytes());
        forged_with(&mut files, Some(&stranger), &|kind, payload| {
            if kind == "run.planned" {
                payload["input"] = sums[0].clone().into();
                payload["record"] = sums[1].clone().into();
            }
        });
        found(&bundle::verify(&files, None, &[]))
    };
    for (change, expected) in [
        (
            &(|_: &mut Value, plan: &mut Value| plan[1]["appointments"][0]["candidate"] = 999_999.into())
                as &dyn Fn(&mut Value, &mut Value),
            "names somebody",
        ),
        (&|_, plan| plan[1]["appointments"][0]["pool"] = 999.into(), "names somebody"),
        (&|input, _| input["candidates"][0]["deadline"] = 2_147_483_647.into(), "that cannot be"),
        (&|input, _| input["slots"][0]["free"] = 4_294_967_295u32.into(), "that cannot be"),
        // A day that does not exist there: which one depends on the weekday of the night.
        (
            &|input, _| {
                let day = input["slots"][0]["day"].as_i64().unwrap();
                input["slots"][0]["day"] = (day + 1).into();
            },
            "plan: plan/",
        ),
    ] {
        let shown = broken(change);
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}

#[test]
fn witnesses_are_told_of_each_night_and_what_they_keep_is_compared() {
    let office = Office::new(Shape { permits: 60, seats: true });
    let toml = std::fs::read_to_string(office.path("convoke.toml")).unwrap();
    let named = toml.replace(
        "# witnesses = [\"dpd@prefecture-94.example.org\"]",
        "witnesses = [\"dpd@example.org\", \"audit@example.org\"]",
    );
    assert_ne!(toml, named);
    std::fs::write(office.path("convoke.toml"), named).unwrap();
    office.run(&[]);
    let untold = || office.one("SELECT count(*) FROM witness_letter WHERE accepted_at IS NULL");
    assert_eq!(untold(), "2");
    // An unreachable relay: what it did not accept is recorded, and waits.
    let mut nowhere = office.command(&["dispatch", "--until-empty", "--json"]);
    nowhere.env("CONVOKE__SMTP__URL", "smtp://127.0.0.1:9").output().unwrap();
    assert_eq!(untold(), "2");
    let said = office.query("SELECT attempts || ' ' || last_reply FROM witness_letter ORDER BY address LIMIT 1");
    assert!(said.starts_with("1 "), "{said}");
    office.change("UPDATE witness_letter SET next_at = '2026-01-01 00:00:00'").unwrap();
    office.until_sent();
    assert_eq!(untold(), "0");
    let shown: Vec<PathBuf> =
        office.mails().into_iter().filter(|m| m.to_string_lossy().contains("checkpoint.94.")).collect();
    // Both have the same Message-ID, and neither takes the place of the other.
    assert_eq!(shown.len(), 2);
    let mail = std::fs::read_to_string(&shown[0]).unwrap();
    assert!(mail.contains("Auto-Submitted: auto-generated") && mail.lines().all(|line| line.len() <= 78), "{mail}");
    exported(&office, "report");
    let kept = shown[0].to_str().unwrap();
    let verified = office.ok(&["verify", "report", "--witness", kept, "--json"]);
    assert!(verified["checks"].as_array().unwrap().iter().any(|c| c["what"] == "witness"), "{verified}");
    assert_eq!(office.ok(&["ledger", "verify", "--witness", kept, "--json"])["witnessed"], 1);
    // As a mail program on the way may encode it.
    let body = mail.split_once("\r\n\r\n").unwrap().1;
    let encoded = Command::new("base64")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .and_then(|mut c| {
            std::io::Write::write_all(&mut c.stdin.take().unwrap(), body.replace("=C3=A9", "e").as_bytes())?;
            c.wait_with_output()
        });
    let text = String::from_utf8(encoded.unwrap().stdout).unwrap();
    std::fs::write(office.path("kept.eml"), format!("Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{text}")).unwrap();
    assert_eq!(office.ok(&["ledger", "verify", "--witness", "kept.eml", "--json"])["witnessed"], 1);
    std::fs::write(office.path("empty.eml"), "Subject: nothing\r\n\r\nnothing").unwrap();
    assert_eq!(office.output(&["ledger", "verify", "--witness", "empty.eml"]).status.code(), Some(65));
}

#[test]
fn a_key_that_is_changed_while_a_run_is_cut_off_or_a_change_that_is_cut_off_itself_breaks_nothing() {
    let office = Office::new(Shape { permits: 200, seats: true });
    let killed =
        office.command(&["run", "--yes", "--reason", "night"]).env("CONVOKE_FAULT", "after-plan").output().unwrap();
    assert!(!killed.status.success());
    let old = std::fs::read(office.path("keys/ledger.key")).unwrap();
    office.ok(&["keys", "rotate", "--reason", "yearly", "--yes", "--json"]);
    office.run(&[]);
    assert_eq!(office.ok(&["ledger", "verify", "--json"])["valid"], true);
    exported(&office, "first");
    assert_eq!(office.ok(&["verify", "first", "--json"])["valid"], true);
    // As if it had been interrupted after the database had the new key, and before the file was in place.
    std::fs::rename(office.path("keys/ledger.key"), office.path("keys/ledger.next")).unwrap();
    std::fs::write(office.path("keys/ledger.key"), &old).unwrap();
    let doctor = office.output(&["doctor"]);
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("another key"), "{doctor:?}");
    office.change("UPDATE slot SET seats = seats + 1").unwrap();
    office.run(&[]);
    office.ok(&["keys", "rotate", "--reason", "goes on", "--yes", "--json"]);
    assert!(!office.path("keys/ledger.next").exists());
    assert_eq!(office.ok(&["ledger", "verify", "--json"])["valid"], true);
    // With neither key a run cannot end, but nothing is broken: it waits for the key.
    let key = std::fs::read(office.path("keys/ledger.key")).unwrap();
    std::fs::write(office.path("keys/ledger.key"), Seal::new(&[9; 32]).to_pem()).unwrap();
    office.change("UPDATE slot SET seats = seats + 1").unwrap();
    let output = office.output(&["run", "--yes", "--reason", "night"]);
    assert!(
        output.status.code() == Some(1) && String::from_utf8_lossy(&output.stderr).contains("restore it"),
        "{output:?}"
    );
    std::fs::write(office.path("keys/ledger.key"), key).unwrap();
    office.run(&[]);
    assert_eq!(office.ok(&["ledger", "verify", "--json"])["valid"], true);
    office.assert_promises();
}
