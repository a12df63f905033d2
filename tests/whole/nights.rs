//! Whole nights of the real program: repeated, concurrent, killed anywhere. The promises hold after each.

use std::process::Output;
use std::time::Duration;

use chrono::TimeDelta;
use convoke_domain::ids::RunId;
use convoke_domain::run::{RunState, Trigger};
use convoke_machine::clock::Stopwatch;
use convoke_store::{Acquired, NewRun, Record, Store, Use};
use serde_json::Value;

use crate::support::{self, Office, Shape};

fn assert_conserved(run: &Value) {
    let sum: u64 = run["outcomes"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    let n = |path: &str| run.pointer(path).and_then(Value::as_u64).unwrap_or(0);
    assert_eq!(n("/scanned"), sum, "{run}");
    assert_eq!(
        run["outcomes"]["due"].as_u64().unwrap_or(0),
        n("/firm") + n("/planned") + n("/lapses/no_possible_day") + n("/lapses/no_capacity"),
        "{run}"
    );
    assert_eq!(n("/letters/queued") + n("/letters/to_post"), n("/firm") + n("/late_firm"), "{run}");
}

#[test]
fn a_second_run_the_same_night_convokes_nobody() {
    let office = Office::new(Shape { permits: 600, seats: true });
    let first = office.run(&[]);
    assert!(first["firm"].as_u64().unwrap() > 10, "{first}");
    assert_eq!(first["state"], "completed");
    assert_conserved(&first);
    let before = office.totals();
    let second = office.run(&[]);
    assert_eq!(second, first, "nothing new: the summary of the first");
    assert_eq!(office.totals(), before);
    let text = office.output(&["run", "--yes", "--reason", "again"]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("Nothing new"), "{text:?}");
    office.assert_promises();
}

#[test]
fn eight_processes_at_once_make_one_run_however_long_another_writes() {
    let office = Office::new(Shape { permits: 600, seats: true });
    let alone = Office::new(Shape { permits: 600, seats: true });
    alone.run(&[]);
    // All of them wait for this writer, and begin together when it ends.
    let writer = office.hold_locked(Duration::from_secs(2));
    let children: Vec<_> =
        (0..8).map(|_| office.command(&["run", "--yes", "--reason", "at once", "--json"]).spawn().unwrap()).collect();
    writer.join().unwrap();
    let codes: Vec<i32> = children.into_iter().map(|mut c| c.wait().unwrap().code().unwrap()).collect();
    assert!(codes.iter().all(|c| [0, 4, 11].contains(c)), "{codes:?}");
    assert!(codes.iter().any(|c| [0, 4].contains(c)), "{codes:?}");
    assert_eq!(office.totals(), alone.totals());
    office.assert_promises();
}

#[test]
fn whoever_was_taken_over_writes_nothing_more_though_the_run_has_the_same_name() {
    let office = Office::new(Shape { permits: 0, seats: false });
    let open = || Store::open(&office.url(), "94", Use::Batch).unwrap();
    let (mut first, mut second) = (open(), open());
    let new = |owner: &str| NewRun {
        business_date: support::today(),
        trigger: Trigger::Hand,
        actor: "agent".into(),
        reason: None,
        owner: owner.into(),
    };
    let (now, later) = (support::now(), support::now() + TimeDelta::seconds(1));
    let Acquired::New(old) = first.acquire_run(&new("first"), now, |_| false).unwrap() else { panic!("busy") };
    let taken = second.acquire_run(&new("second"), later, |owner| owner == "first").unwrap();
    let Acquired::TakenOver(cut_off) = taken else { panic!("{taken:?}") };
    second.forget_run(&cut_off).unwrap();
    let Acquired::New(fresh) = second.acquire_run(&new("second"), later, |_| false).unwrap() else { panic!("busy") };
    assert_eq!(fresh.run_id, old.run_id);

    let plan = |text: &[u8]| [Record::of("plan", text).unwrap()];
    second.keep_records(&fresh, &plan(b"second"), &[], later).unwrap();
    let refused = first.keep_records(&old, &plan(b"first"), &[], later).unwrap_err();
    assert!(format!("{refused:#}").contains("taken over"), "{refused:#}");
    let id = RunId(fresh.run_id.clone());
    assert_eq!(second.run_record(&id, "plan").unwrap().unwrap(), b"second");
    // What a run was about to decide is nothing once it has failed.
    second.write(|s| s.end_run(&fresh, RunState::Failed, None, Some("a trial"), later)).unwrap();
    assert_eq!(second.run_record(&id, "plan").unwrap(), None);
}

/// A night that commits in chunks of a hundred appointments, and is killed at `point`.
fn night_killed_at(office: &Office, point: &str) -> Output {
    let mut night = office.command(&["run", "--yes", "--reason", "night"]);
    night.env("CONVOKE_FAULT", point).env("CONVOKE_FAULT_AT_ONCE", "100").output().unwrap()
}

#[test]
fn a_kill_at_any_point_loses_nothing_and_repeats_nothing() {
    let whole = Office::new(Shape { permits: 6_000, seats: true });
    whole.run(&[]);
    let expected = whole.totals();
    for point in [
        "before-plan",
        "after-records",
        "after-plan",
        "before-chunk",
        "before-chunk:2",
        "after-reserve",
        "after-reserve:2",
        "inside-chunk",
        "inside-chunk:2",
        "after-chunk",
        "after-chunk:2",
    ] {
        let office = whole.before_the_night();
        let killed = night_killed_at(&office, point);
        assert_eq!(killed.status.code(), None, "killed at {point}: {killed:?}");
        let resumed = office.run(&[]);
        assert_eq!(resumed["state"], "completed", "{point}");
        assert_conserved(&resumed);
        assert_eq!(office.totals(), expected, "{point}");
        office.assert_promises();
    }
}

/// The night continues to its end, which is the same as that of an undisturbed one.
fn assert_ends_as(office: &Office, whole: &Office) {
    office.run(&[]);
    assert_eq!(office.totals(), whole.totals());
    office.assert_promises();
}

#[test]
fn killed_in_the_middle_and_again_it_still_ends_whole() {
    let whole = Office::new(Shape { permits: 6_000, seats: true });
    whole.run(&[]);
    let office = whole.before_the_night();
    // Each process gets a little further.
    for point in ["after-plan", "after-chunk", "inside-chunk", "after-chunk:2", "before-chunk", "after-reserve"] {
        assert_eq!(night_killed_at(&office, point).status.code(), None, "killed at {point}");
    }
    assert_ends_as(&office, &whole);
}

#[test]
fn killed_at_any_moment_it_still_ends_whole() {
    let whole = Office::new(Shape { permits: 6_000, seats: true });
    let begun = Stopwatch::start();
    whole.run(&[]);
    let usual = begun.seconds();
    let office = whole.before_the_night();
    // Moments spread over a night by the golden ratio: wherever they fall on this machine, the promises hold.
    for turn in 1..=10 {
        let moment = Duration::from_secs_f64(usual * (f64::from(turn) * 0.618_034).fract());
        let mut night = office.command(&["run", "--yes", "--reason", "night"]);
        let mut night = night.env("CONVOKE_FAULT_AT_ONCE", "50").spawn().unwrap();
        std::thread::sleep(moment);
        night.kill().unwrap();
        night.wait().unwrap();
        office.assert_promises();
    }
    assert_ends_as(&office, &whole);
}

#[test]
fn what_an_import_brings_while_a_run_plans_is_not_lost() {
    let office = Office::new(Shape { permits: 600, seats: true });
    let mut night = office.command(&["run", "--yes", "--reason", "night", "--json"]);
    let night = night.env("CONVOKE_FAULT", "stop@after-observe").spawn().unwrap();
    until_it_stands_still(night.id());
    // The morning's extract corrects the expiry of a permit that seemed valid for years.
    let extract = std::fs::read_to_string(office.path("permits.csv")).unwrap();
    let (head, rows) = extract.split_once('\n').unwrap();
    let column = |name: &str| head.split(';').position(|c| c == name).unwrap();
    let far = |row: &&str| {
        let fields: Vec<&str> = row.split(';').collect();
        let plain = fields[column("statut")] == "actif" && fields[column("depot_le")].is_empty();
        plain
            && fields[column("fin_validite")] > "2027-06"
            && fields[column("type_titre")] == "CST"
            && !row.contains("etudiant")
            && extract.matches(fields[column("numero_etranger")]).count() == 1
            && fields[column("commune_insee")].starts_with("94")
    };
    let mut fields: Vec<String> = rows.lines().find(far).unwrap().split(';').map(str::to_owned).collect();
    fields[column("fin_validite")] = support::today().checked_add_days(chrono::Days::new(50)).unwrap().to_string();
    std::fs::write(office.path("morning.csv"), format!("{head}\n{}\n", fields.join(";"))).unwrap();
    assert_eq!(office.ok(&["import", "permits", "morning.csv", "--json"])["updated"], 1);
    std::process::Command::new("kill").args(["-CONT", &night.id().to_string()]).status().unwrap();
    let ended = night.wait_with_output().unwrap();
    assert!(matches!(ended.status.code(), Some(0 | 4)), "{ended:?}");
    let rule = office.query(&format!("SELECT rule FROM permit WHERE number = '{}'", fields[column("numero_titre")]));
    assert!(["due", "already-convoked"].contains(&rule.trim()), "{rule}: the run planned again with what came in");
    office.assert_promises();
}

/// Waits until a process is stopped, for a minute at most.
fn until_it_stands_still(pid: u32) {
    for _ in 0..600 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        if stat.rsplit_once(") ").unwrap().1.starts_with('T') {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("{pid} goes on");
}

#[test]
fn a_worker_killed_at_any_point_loses_no_letter() {
    let whole = Office::new(Shape { permits: 300, seats: true });
    whole.run(&[]);
    let letters: u64 = whole.query("SELECT count(*) FROM outbox WHERE channel = 'email'").trim().parse().unwrap();
    assert!(letters > 3);
    for point in ["after-claim", "after-sending", "after-reply:2", "before-mark:2", "after-mark:3"] {
        let office = whole.copy();
        let killed = office.command(&["dispatch", "--until-empty"]).env("CONVOKE_FAULT", point).output().unwrap();
        assert_eq!(killed.status.code(), None, "killed at {point}: {killed:?}");
        // The uncertain letter is sent once more, under the same name.
        office.until_sent();
        assert_eq!(
            office.query("SELECT count(*) FROM outbox WHERE channel = 'email' AND state <> 'accepted'").trim(),
            "0",
            "{point}"
        );
        assert_eq!(office.mails().len() as u64, letters, "{point}");
        office.assert_promises();
    }
}

#[test]
fn without_seats_everyone_is_listed_as_a_lapse_and_nobody_is_forgotten() {
    let office = Office::new(Shape { permits: 300, seats: false });
    let output = office.output(&["run", "--yes", "--reason", "night", "--json"]);
    assert_eq!(output.status.code(), Some(4));
    let run: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_conserved(&run);
    assert_eq!(run["lapses"]["no_possible_day"], run["outcomes"]["due"]);
}

#[test]
fn a_changed_plan_is_refused_and_a_confirmed_one_carried_out() {
    let office = Office::new(Shape { permits: 300, seats: true });
    let plan = office.answer(&["plan", "--json"]);
    let stale = office.output(&["run", "--yes", "--reason", "x", "--plan", "0123456789abcdef"]);
    assert_eq!(stale.status.code(), Some(13), "{stale:?}");
    assert_eq!(office.query("SELECT count(*) FROM convocation").trim(), "0");
    let run = office.run(&["--plan", plan["plan_hash"].as_str().unwrap()]);
    assert_eq!((&run["plan_hash"], &run["firm"]), (&plan["plan_hash"], &plan["firm"]));
}

#[test]
fn more_firm_appointments_than_allowed_stop_the_run_before_anything_is_written() {
    let office = Office::new(Shape { permits: 600, seats: true });
    let stopped = office
        .command(&["run", "--yes", "--reason", "x"])
        .env("CONVOKE__POLICY__MAX_FIRM_PER_RUN", "3")
        .output()
        .unwrap();
    assert_eq!(stopped.status.code(), Some(14), "{stopped:?}");
    assert_eq!(
        office
            .query("SELECT (SELECT count(*) FROM convocation) + (SELECT count(*) FROM permit WHERE rule IS NOT NULL)")
            .trim(),
        "0"
    );
}

#[test]
fn a_run_that_is_wrongly_asked_for_never_starts() {
    let office = Office::new(Shape { permits: 60, seats: true });
    assert_eq!(office.output(&["run", "--yes"]).status.code(), Some(2), "by hand, without a reason");
    assert_eq!(office.output(&["run", "--reason", "x"]).status.code(), Some(2), "not on a terminal, without --yes");
    assert_eq!(
        office.output(&["run", "--yes", "--reason", "x", "--date", "2999-01-01"]).status.code(),
        Some(78),
        "a future date"
    );
    let wrong = office
        .command(&["run", "--yes", "--reason", "x"])
        .env("CONVOKE__POLICY__HORIZON_DAYS", "soon")
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("policy.horizon_days"), "{wrong:?}");
}

#[test]
fn an_old_extract_is_warned_of_and_a_very_old_one_refused() {
    let office = Office::new(Shape { permits: 60, seats: true });
    let aged = |days: u64| {
        let on = support::today().checked_sub_days(chrono::Days::new(days)).unwrap();
        office.change(&format!("UPDATE import_batch SET imported_on = '{on}', as_of = '{on}'")).unwrap();
    };
    aged(10);
    let warnings = office.run(&[])["warnings"].to_string();
    assert!(warnings.contains("date de 10 jours"), "{warnings}");
    aged(11);
    assert_eq!(office.output(&["run", "--yes", "--reason", "x"]).status.code(), Some(78));
}

#[test]
fn a_slot_with_fewer_places_than_firm_seats_keeps_them_and_is_listed() {
    let office = Office::new(Shape { permits: 300, seats: true });
    office.run(&[]);
    let slot = office.query("SELECT slot_id FROM reservation ORDER BY slot_id").lines().next().unwrap().to_owned();
    office.change(&format!("UPDATE slot SET seats = 0 WHERE slot_id = '{slot}'; UPDATE permit SET held = TRUE WHERE rule = 'not-yet-due'; UPDATE permit SET review_on = '0001-01-01'")).unwrap();
    let run = office.run(&[]);
    assert!(run["warnings"].to_string().contains(&slot), "{run}");
    assert_eq!(
        office.query(&format!("SELECT count(*) FROM reservation WHERE slot_id = '{slot}'")).trim(),
        "1",
        "the firm one stays, none is offered"
    );
}
