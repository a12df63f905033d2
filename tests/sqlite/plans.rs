//! Plans from an auditor's point of view: files that prove themselves, runs that can be recomputed, seats that are
//! passed on.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use chrono::{Days, NaiveDate};
use convoke_domain::convocation::State;
use convoke_domain::ids::PermitId;
use convoke_store::{Store, Use};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Office, Shape, today};

/// The auditors' checker, which shares no code with the program.
fn verify(instance: &Path, plan: &Path) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("script/verify_plan.py");
    Command::new("python3").arg(script).args([instance, plan]).output().expect("python3 runs")
}

fn assert_verifies(instance: &Path, plan: &Path) {
    let output = verify(instance, plan);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

fn convoke(folder: &Path, args: &[&str], threads: &str) -> Output {
    crate::support::convoke()
        .args(args)
        .current_dir(folder)
        .env("RAYON_NUM_THREADS", threads)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

const HOLDERS: &str = "id,household,release,pref_end,deadline,weight,category,dept,pools,lapse_late
ana,,22,40,45,1,CST,94,0:1;1:2,0
bob,,22,40,45,1,CST,94,0:1;1:2,0
cam,f1,22,30,45,1,CST,94,0:1,0
dov,f1,25,50,60,1,CST,94,0:1;1:2,0
eli,,22,22,24,2,CST,94,0:1,90
fay,,30,60,62,1,CR,94,1:1,0
gus,,22,22,24,1,CST,94,0:1,0
hal,,22,40,21,1,CST,94,0:1,0
";
const SLOTS: &str = "pool,site,desk,dept,day,start,cap
0,creteil,renouvellement,94,23,540,1
0,creteil,renouvellement,94,30,540,1
0,creteil,renouvellement,94,44,540,1
0,creteil,renouvellement,94,44,570,1
1,nogent,renouvellement,94,30,540,1
1,nogent,renouvellement,94,58,540,2
";
const META: &str = r#"{"business_date": "2026-10-05", "seed": "s", "notice": {}, "policy_hash": "", "counts": {}, "perish_before": 22}"#;

fn instance(holders: &str, slots: &str, meta: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("holders.csv", holders), ("slots.csv", slots), ("meta.json", meta)] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn a_bare_instance_is_planned_without_a_database_and_proves_itself() {
    let folder = instance(HOLDERS, SLOTS, META);
    let output = convoke(folder.path(), &["plan", "--instance", ".", "--out", "out", "--json"], "2");
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["schema"], "convoke.plan/1");
    // Gus and Hal lapse: one seat for two before day 24, and Hal's window ends before it begins. Eli would lapse for
    // 180.
    assert_eq!((&answer["lapses"], &answer["certificate"]), (&2.into(), &"closed".into()), "{answer}");
    let plan = fs::read_to_string(folder.path().join("out/plan.csv")).unwrap();
    assert!(
        plan.contains("eli,0,23,540\n") && plan.contains("gus,-1,-1,-1\n") && plan.contains("hal,-1,-1,-1\n"),
        "{plan}"
    );
    // The family comes together, one member after the other.
    assert!(plan.contains("cam,0,44,540\n") && plan.contains("dov,0,44,570\n"), "{plan}");
    assert_eq!(answer["plan_hash"], convoke_domain::ids::sha256_hex(plan.as_bytes()));
    let explanation: Value =
        serde_json::from_slice(&fs::read(folder.path().join("out/explain.json")).unwrap()).unwrap();
    assert_eq!(explanation["lapses"][0]["cause"], "no_capacity", "{explanation}");
    assert_eq!(explanation["lapses"][1]["cause"], "no_possible_day", "{explanation}");
    let bottleneck = &explanation["bottlenecks"][0];
    assert_eq!((&bottleneck["demand"], &bottleneck["capacity"]), (&2.into(), &1.into()), "{explanation}");
    let more = &explanation["augmentation"];
    assert_eq!((&more["extra_seats"], &more["saves"]), (&1.into(), &serde_json::json!(["gus"])), "{explanation}");
    assert_eq!(more["seats"][0]["week"], "2026-W44");
    assert_verifies(folder.path(), &folder.path().join("out"));
}

/// What docs/PLANNING.md says about the six people.
#[test]
fn the_worked_example_of_the_documentation_is_true() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/planning-example");
    let folder = tempfile::tempdir().unwrap();
    let args = ["plan", "--instance", example.to_str().unwrap(), "--out", "out", "--json"];
    let answer: Value = serde_json::from_slice(&convoke(folder.path(), &args, "2").stdout).unwrap();
    let levels = ["lapses", "late_days", "site_rank", "days"].map(|name| answer[name].as_u64().unwrap());
    assert_eq!(levels, [1, 5, 6, 21]);
    let plan = fs::read_to_string(folder.path().join("out/plan.csv")).unwrap();
    let expected =
        "id,pool,day,start\nana,1,6,540\nbob,0,5,540\ncam,-1,-1,-1\ndia,0,7,540\neve,0,2,540\nfil,1,10,540\n";
    assert_eq!(plan, expected);
    // (lapses, late days, ranks, days) from the documentation, as one number.
    let price = |parts: [i128; 4]| (parts[0] << 102) + (parts[1] << 66) + (parts[2] << 28) + parts[3];
    let shown = [("0,2", [1, 90, -1, -1]), ("0,5", [1, 0, -1, -4]), ("0,7", [1, -2, -1, -6]), ("1,6", [1, -1, -2, -5])];
    let lines: Vec<String> = shown.iter().map(|(at, parts)| format!("{at},{}\n", price(*parts))).collect();
    let prices = fs::read_to_string(folder.path().join("out/prices.csv")).unwrap();
    assert_eq!(prices, format!("pool,day,price\n{}", lines.concat()));
    assert_verifies(&example, &folder.path().join("out"));
}

#[test]
fn the_auditors_script_refuses_another_person_or_another_price() {
    let folder = instance(HOLDERS, SLOTS, META);
    convoke(folder.path(), &["plan", "--instance", ".", "--out", "out"], "2");
    let out = folder.path().join("out");
    let proved = if out.join("plan-unpinned.csv").exists() { "plan-unpinned.csv" } else { "plan.csv" };
    for (name, from, to) in [
        (proved, "dov,0,44,540", "dov,1,58,540"),
        (proved, "eli,0,23,540", "eli,-1,-1,-1"),
        ("prices.csv", "0,23,", "0,23,1"),
    ] {
        let path = out.join(name);
        let good = fs::read_to_string(&path).unwrap();
        let bad = good.replace(from, to);
        assert_ne!(good, bad, "{name} has no {from}: {good}");
        fs::write(&path, bad).unwrap();
        assert_eq!(verify(folder.path(), &out).status.code(), Some(1), "{name}: {from} made {to}");
        fs::write(&path, good).unwrap();
    }
    assert_verifies(folder.path(), &out);
}

#[test]
fn rows_in_any_order_and_threads_in_any_number_give_the_same_bytes() {
    let turned = |text: &str| {
        let (head, rows) = text.split_once('\n').unwrap();
        let rows: Vec<&str> = rows.lines().rev().collect();
        format!("{head}\r\n{}\r\n", rows.join("\r\n"))
    };
    let folders = [instance(HOLDERS, SLOTS, META), instance(&turned(HOLDERS), &turned(SLOTS), META)];
    let outputs: Vec<_> = folders
        .iter()
        .zip(["1", "2"])
        .map(|(folder, threads)| {
            convoke(folder.path(), &["plan", "--instance", ".", "--out", "out"], threads);
            ["plan.csv", "prices.csv", "explain.json"]
                .map(|name| fs::read(folder.path().join("out").join(name)).unwrap())
        })
        .collect();
    assert_eq!(outputs[0], outputs[1]);
}

#[test]
fn a_wrong_instance_is_refused_with_file_and_line() {
    let cases: &[(&str, &str, &str, &str)] = &[
        ("holders", "deadline,weight", "weight", "holders.csv, line 1: no column deadline"),
        ("slots", "start,cap", "cap", "slots.csv, line 1: no column start"),
        ("holders", "bob,,22,40,45,1", "bob,,22,40,99999,1", "holders.csv, line 3: deadline is \"99999\""),
        ("holders", "bob,,22,40,45,1", "bob,,22,40,soon,1", "holders.csv, line 3: deadline is \"soon\""),
        ("holders", "0:1;1:2,0\nbob", "0:1;1,0\nbob", "holders.csv, line 2: pools is \"0:1;1\""),
        (
            "holders",
            "0:1;1:2,0\nbob",
            "0:1;0:2,0\nbob",
            "holders.csv, line 2: pools is \"0:1;0:2\"; it names pool 0 twice",
        ),
        ("holders", "0:1;1:2,0\nbob", "0:1;;1:2,0\nbob", "holders.csv, line 2: pools is"),
        ("holders", "bob,,22", "ana,,22", "holders.csv, line 3: id \"ana\" appears twice"),
        ("holders", "bob,,22", ",,22", "holders.csv, line 3: id is \"\""),
        ("holders", "bob,,22", " bob,,22", "holders.csv, line 3: id is \" bob\""),
        ("holders", "bob,,22", "bob,,+22", "holders.csv, line 3: release is \"+22\""),
        ("holders", "bob,,22,40,45,1,CST", "bob,,22,40,45,1,\"CST", "holders.csv, line 3: a field holds a line break"),
        ("holders", "category,dept", "dept,dept", "holders.csv, line 1: column dept appears twice"),
        ("holders", "bob,,22,40,45,1,CST,94,0:1;1:2,0", "bob,,22,40,45,1,CST", "holders.csv, line 3: 7 fields"),
        ("holders", "bob,,22,40,45,1,", "bob,,22,40,45,-1,", "holders.csv, line 3: weight is \"-1\""),
        (
            "holders",
            "24,2,CST,94,0:1,90",
            "24,1000000,CST,94,0:1,90000",
            "holders.csv, line 6: the late days of people",
        ),
        ("slots", "44,570,1", "44,570,-1", "slots.csv, line 5: cap is \"-1\""),
        ("slots", "44,570,1", "44,1440,1", "slots.csv, line 5: start is \"1440\""),
        ("slots", "44,570,1", "-3,570,1", "slots.csv, line 5: day is \"-3\""),
        (
            "slots",
            "0,creteil,renouvellement,94,44,570,1",
            "0,lyon,renouvellement,94,44,570,1",
            "slots.csv, line 5: pool 0 is lyon/",
        ),
        ("meta", "\"perish_before\": 22", "\"perish_before\": ", "meta.json, line 1"),
        ("meta", "\"counts\": {}", "\"counts\": {\"holders\": 9}", "holders.csv, line 9: the file ends after 8 rows"),
        ("meta", "\"counts\": {}", "\"counts\": {\"slots\": 9}", "slots.csv, line 7: the file ends after 6 rows"),
    ];
    for (file, from, to, expected) in cases {
        let changed = |name: &str, text: &str| if name == *file { text.replacen(from, to, 1) } else { text.to_owned() };
        let (holders, slots, meta) = (changed("holders", HOLDERS), changed("slots", SLOTS), changed("meta", META));
        assert!(holders != HOLDERS || slots != SLOTS || meta != META, "{from} stands nowhere");
        let folder = instance(&holders, &slots, &meta);
        let output = convoke(folder.path(), &["plan", "--instance", ".", "--out", "out"], "1");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(65), "{from} made {to}: {said}");
        assert!(said.contains(expected), "{from} made {to}: {said}");
        assert!(!folder.path().join("out").exists(), "nothing is written");
    }
}

#[test]
fn a_pool_without_slots_is_a_warning_and_its_people_lapse() {
    let folder = instance(&HOLDERS.replace("1:1,0", "7:1,0"), SLOTS, META);
    let output = convoke(folder.path(), &["plan", "--instance", ".", "--out", "out"], "1");
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("no slot in slots.csv: 7"), "{output:?}");
    assert_verifies(folder.path(), &folder.path().join("out"));
}

#[test]
fn a_run_is_computed_again_and_its_files_verify() {
    let office = Office::new(Shape { permits: 900, seats: true });
    let run = office.run(&[]);
    assert_eq!(run["certificate"], "closed");
    let id = run["run"].as_str().unwrap();
    let replay = office.ok(&["runs", "replay", id, "--out", "audit", "--json"]);
    assert_eq!((&replay["same"], &replay["plan_hash"]), (&true.into(), &run["plan_hash"]), "{replay}");
    let audit = office.path("audit");
    assert_verifies(&audit, &audit);
    // The exported instance is complete: planned as a bare instance, it costs the same.
    let bare = office.answer(&["plan", "--instance", "audit", "--out", "again", "--json"]);
    assert_eq!(bare["certificate"], "closed");
    assert_verifies(&audit, &office.path("again"));
    // Nothing personal is exported: no number, name or household of the extract.
    let extract = fs::read_to_string(office.path("permits.csv")).unwrap();
    let written: String = convoke_machine::files::read_folder(&audit)
        .unwrap()
        .into_values()
        .map(|f| String::from_utf8(f).unwrap())
        .collect();
    for row in extract.lines().skip(1) {
        let (number, rest) = row.split_once(';').unwrap();
        assert!(!written.contains(number), "{number}");
        let name = rest.split(';').next().unwrap();
        assert!(name.len() < 5 || !written.contains(name), "{name}");
    }
}

#[test]
fn planning_again_after_the_commit_changes_nothing() {
    let office = Office::new(Shape { permits: 900, seats: true });
    let run = office.run(&[]);
    let plan = office.answer(&["plan", "--json"]);
    assert_eq!(plan["nothing_new"], true, "{plan}");
    assert_eq!(plan["planned"], run["planned"]);
}

/// The first working day at least this many days from now.
fn working_day(days: u64) -> NaiveDate {
    let day = today().checked_add_days(Days::new(days)).unwrap();
    convoke_domain::calendar::first_working_day_from(convoke_domain::calendar::HolidayZone::Metropole, day)
}

/// An office with one desk's seats, and people whose permits expire the given number of days after the last of them.
fn small_office(seats: &[(NaiveDate, u32)], people: &[(&str, &str, u64)]) -> Office {
    let office = Office::new(Shape { permits: 0, seats: false });
    let mut slots = String::from("site;guichet;date;heure;duree_min;places\n");
    for (day, places) in seats {
        writeln!(slots, "creteil;renouvellement;{day};09:00;30;{places}").unwrap();
    }
    fs::write(office.path("slots.csv"), slots).unwrap();
    office.ok(&["import", "slots", "slots.csv", "--json"]);
    let last = seats.iter().map(|(day, _)| *day).max().unwrap();
    let mut permits = String::from(
        "numero_etranger;nom;prenoms;email;telephone;langue;adresse_1;adresse_2;code_postal;commune_insee;foyer;numero_titre;type_titre;mention;debut_validite;fin_validite;statut;depot_le\n",
    );
    for (number, household, after) in people {
        let expiry = last.checked_add_days(Days::new(*after)).unwrap();
        writeln!(permits, "{number};Essai{number};Test;p{number}@example.org;;fr;1 rue du Test;;94000;94028;{household};T{number};CST;salarie;2020-01-01;{expiry};actif;").unwrap();
    }
    fs::write(office.path("small.csv"), permits).unwrap();
    office.ok(&["import", "permits", "small.csv", "--json"]);
    office
}

fn store(office: &Office) -> Store {
    Store::open(&format!("sqlite:{}", office.path("convoke.sqlite3").display()), "94", Use::Batch).unwrap()
}

/// Sizes of the households in the plan, single people included, in order.
fn households(office: &Office) -> Vec<usize> {
    office.answer(&["plan", "--out", "plan", "--json"]);
    let holders = fs::read_to_string(office.path("plan/holders.csv")).unwrap();
    let mut sizes: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for line in holders.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        *sizes.entry(if fields[1].is_empty() { fields[0] } else { fields[1] }).or_default() += 1;
    }
    let mut sizes: Vec<usize> = sizes.into_values().collect();
    sizes.sort_unstable();
    sizes
}

fn appointments(office: &Office) -> String {
    office.query("SELECT permit_id, slot_id, state FROM convocation ORDER BY permit_id, created_at")
}

#[test]
fn a_firm_appointment_never_moves_and_a_freed_seat_goes_to_the_next_who_is_due() {
    // Two seats within the notice for three people; the third only gets a day after expiry.
    let seats = [(working_day(13), 2), (working_day(210), 1)];
    let office = small_office(&seats, &[("9400000001", "", 2), ("9400000002", "", 2), ("9400000003", "", 2)]);
    // They expire after the distant seat: move their expiry closer.
    let expiry = working_day(13).checked_add_days(Days::new(3)).unwrap();
    office.change(&format!("UPDATE permit SET expires_on = '{expiry}'")).unwrap();
    let first = office.run(&[]);
    assert_eq!((&first["firm"], &first["lapses"]["no_capacity"]), (&2.into(), &1.into()), "{first}");
    assert_eq!(
        (&first["late_firm"], &first["late_planned"]),
        (&0.into(), &1.into()),
        "still to be saved: not bound to a day after expiry"
    );
    let before = appointments(&office);
    // More seats, sooner and nearer: firm appointments stay.
    let more =
        format!("site;guichet;date;heure;duree_min;places\ncreteil;renouvellement;{};08:00;30;1\n", working_day(210));
    fs::write(office.path("more.csv"), more).unwrap();
    office.ok(&["import", "slots", "more.csv", "--json"]);
    office.run(&[]);
    assert_eq!(appointments(&office), before);
    // One of the two cancels: the third gets the seat next time, and nobody else does.
    let cancelled = office.query("SELECT reference, permit_id FROM convocation ORDER BY permit_id LIMIT 1");
    let (reference, permit) = cancelled.trim().split_once('|').unwrap();
    let mut store = store(&office);
    store
        .write(|s| {
            s.end_convocations(&[reference.to_owned()], State::Cancelled)?;
            s.review_again(&PermitId(permit.to_owned()))
        })
        .unwrap();
    let again = office.run(&[]);
    assert_eq!(again["firm"], 1, "{again}");
    let seat = office.query(
        "SELECT count(*), count(DISTINCT permit_id), count(DISTINCT slot_id) FROM convocation WHERE state = 'convoked'",
    );
    assert_eq!(seat.trim(), "2|2|1");
}

#[test]
fn a_family_comes_on_one_day_whether_the_extract_or_an_agent_says_so() {
    let seats = [(working_day(26), 1), (working_day(33), 2), (working_day(40), 1)];
    let people = [("9400000001", "F1", 4), ("9400000002", "F1", 4), ("9400000003", "", 4), ("9400000004", "", 4)];
    let days = |office: &Office| -> Vec<String> {
        office.answer(&["plan", "--out", "plan", "--json"]);
        let plan = fs::read_to_string(office.path("plan/plan.csv")).unwrap();
        assert_verifies(&office.path("plan"), &office.path("plan"));
        let mut days = Vec::new();
        for (number, ..) in people {
            let id = office.query(&format!("SELECT permit_id FROM permit WHERE number = 'T{number}'"));
            let line = plan.lines().find(|l| l.starts_with(id.trim())).unwrap();
            days.push(line.split(',').nth(2).unwrap().to_owned());
        }
        days
    };
    let office = small_office(&seats, &people);
    let together = days(&office);
    assert_eq!(together[0], together[1], "{together:?}");
    assert!(!together.contains(&"-1".to_owned()), "{together:?}");
    // Linked by hand, whatever the extract says; a reason is required, and an unknown number changes nothing.
    let link = |args: &[&str]| office.output(&[&["permit", "link"], args].concat()).status.code();
    assert_eq!(link(&["9400000002", "--undo"]), Some(2));
    assert_eq!(link(&["9400000003", "9499999999", "--reason", "x"]), Some(65));
    assert_eq!(link(&["9400000003", "--reason", "x"]), Some(2));
    office.change("UPDATE holder SET household = NULL").unwrap();
    assert_eq!(link(&["9400000003", "9400000004", "--reason", "brothers"]), Some(0));
    let linked = days(&office);
    assert_eq!(linked[2], linked[3], "{linked:?}");
    assert_eq!(link(&["9400000003", "9400000004", "--undo", "--reason", "error"]), Some(0));
    assert_eq!(office.query("SELECT count(*) FROM household_link").trim(), "0");
    // A link between two families in the extract makes all their members one household.
    office.change("UPDATE holder SET household = CASE WHEN number < '9400000003' THEN 'A' ELSE 'B' END").unwrap();
    assert_eq!(link(&["9400000002", "9400000003", "--reason", "one family", "--yes"]), Some(0));
    assert_eq!(households(&office), [4]);
    // Unlinking one person affects nobody else, and a household joined later is not merged with the one left behind.
    office.change("UPDATE holder SET household = NULL").unwrap();
    assert_eq!(households(&office), [1, 1, 2]);
    assert_eq!(link(&["9400000001", "9400000002", "9400000003", "--reason", "three"]), Some(0));
    assert_eq!(link(&["9400000001", "--undo", "--reason", "another family"]), Some(0));
    assert_eq!(link(&["9400000001", "9400000004", "--reason", "that one"]), Some(0));
    assert_eq!(households(&office), [2, 2]);
    assert_eq!(link(&["9400000001", "--undo", "--reason", "alone"]), Some(0));
    assert_eq!(households(&office), [1, 1, 2]);
    office.ok(&["ledger", "verify", "--json"]);
}
