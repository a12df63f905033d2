//! Written requests: the night serves them from what its plan can spare, most urgent first, and never at the price of a
//! lapse.

use serde_json::Value;

use crate::support::{self, Office, PLANNED, Shape};

/// Numbers of the students whose permits expire soonest.
fn students(office: &Office, how_many: usize) -> Vec<String> {
    let sql = format!(
        "SELECT h.number FROM permit p JOIN holder h USING (holder_id) WHERE p.rule = 'student' AND p.expires_on > '{}'
           AND p.kind = 'CST' AND p.commune LIKE '94%' ORDER BY p.expires_on, h.number LIMIT {how_many}",
        support::today()
    );
    let found: Vec<String> = office.query(&sql).lines().map(str::to_owned).collect();
    assert_eq!(found.len(), how_many, "students of the world");
    found
}

fn ask(office: &Office, number: &str, wish: &str) -> String {
    let added = office.ok(&["requests", "add", number, "--wish", wish, "--reason", "asked in writing", "--json"]);
    added["request"].as_str().unwrap().to_owned()
}

fn request(office: &Office, id: &str) -> (String, String) {
    let found = office.one(&format!("SELECT state, reference FROM request WHERE request_id = '{id}'"));
    let (state, reference) = found.split_once('|').unwrap();
    (state.to_owned(), reference.to_owned())
}

fn lapses(run: &Value) -> u64 {
    run["lapses"]["no_possible_day"].as_u64().unwrap() + run["lapses"]["no_capacity"].as_u64().unwrap()
}

/// Sets the share of every desk's seats for requests.
fn set_share(office: &Office, percent: u32) {
    let file = office.path("config/agenda.toml");
    let agenda = std::fs::read_to_string(&file).unwrap();
    assert!(agenda.contains("request_quota_percent = 5"));
    std::fs::write(file, agenda.replace("request_quota_percent = 5", &format!("request_quota_percent = {percent}")))
        .unwrap();
}

#[test]
fn a_student_with_an_urgent_request_is_convoked_beside_the_plan() {
    let office = PLANNED.copy();
    let before = lapses(&office.answer(&["plan", "--json"]));
    let id = ask(&office, &students(&office, 1)[0], "urgent");
    let run = office.run(&[]);
    assert_eq!((&run["requests"]["placed"], &run["requests"]["waiting"]), (&1.into(), &0.into()), "{run}");
    assert!(lapses(&run) <= before);
    let (state, reference) = request(&office, &id);
    assert_eq!(state, "placed");
    assert_eq!(
        office.one(&format!("SELECT count(*) FROM outbox WHERE reference = '{reference}' AND kind = 'convocation'")),
        "1"
    );
    office.assert_promises();
    // The rest of the night is unchanged, and a second run has nothing to do.
    assert_eq!(
        run["outcomes"]["due"].as_u64().unwrap(),
        run["firm"].as_u64().unwrap() + run["planned"].as_u64().unwrap() + lapses(&run)
    );
    let again = office.output(&["run", "--yes", "--reason", "again"]);
    assert!(String::from_utf8_lossy(&again.stdout).contains("Nothing new"), "{again:?}");
    // The report of such a night verifies like any other.
    let run = office.one("SELECT run_id FROM run ORDER BY generation DESC LIMIT 1");
    office.ok(&["report", &run, "--out", "report", "--json"]);
    office.ok(&["verify", "report", "--json"]);
}

#[test]
fn a_request_of_a_desk_without_a_share_waits_for_an_agent() {
    let office = PLANNED.copy();
    set_share(&office, 0);
    let id = ask(&office, &students(&office, 1)[0], "urgent");
    office.run(&[]);
    assert_eq!(request(&office, &id).0, "open");
    let open = office.ok(&["requests", "list", "--json"]);
    assert_eq!(open["requests"][0]["request"]["request_id"], id.as_str());
    // By hand it can be placed on a seat that the plan can spare.
    let spare = office.one(
        "SELECT slot_id FROM slot WHERE slot_id LIKE 'creteil/renouvellement/%' ORDER BY day DESC, slot_id LIMIT 1",
    );
    let args =
        ["requests", "decide", &id, "--place", &spare, "--despite-lapse", "--reason", "operation", "--yes", "--json"];
    let placed = office.ok(&args);
    assert_eq!(request(&office, &id), ("placed".into(), placed["reference"].as_str().unwrap().into()));
    let again = office.output(&args);
    assert_eq!(again.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&again.stderr).contains("not open any more"));
    office.assert_promises();
}

#[test]
fn requests_never_take_more_than_their_share_and_the_most_urgent_comes_first() {
    let office = PLANNED.copy();
    set_share(&office, 1);
    let ids: Vec<String> = students(&office, 12).iter().rev().map(|number| ask(&office, number, "urgent")).collect();
    let order = office.ok(&["requests", "list", "--json"]);
    let rights: Vec<&str> =
        order["requests"].as_array().unwrap().iter().map(|r| r["rights_until"].as_str().unwrap()).collect();
    assert!(rights.is_sorted() && rights.len() == ids.len(), "{rights:?}");
    office.run(&[]);
    let over = "SELECT count(*) FROM (SELECT s.site, s.desk, s.day, count(DISTINCT r.request_id) AS n, 1 AS share
        FROM request r JOIN convocation c ON c.reference = r.reference JOIN slot s ON s.slot_id = c.slot_id GROUP BY 1, 2, 3) x WHERE n > share + (
        SELECT sum(seats) FROM slot o WHERE (o.site, o.desk, o.day) = (x.site, x.desk, x.day)) / 100";
    assert_eq!(office.one(over), "0");
    office.assert_promises();
}

#[test]
fn where_seats_are_few_a_request_never_makes_another_lapse() {
    let office = Office::new(Shape { permits: 600, seats: true });
    set_share(&office, 100);
    // Half of the hours are removed: not everyone due can be seen in time.
    office.change("UPDATE slot SET seats = 0 WHERE start % 40 = 0; UPDATE slot SET seats = 1 WHERE seats > 0").unwrap();
    let before = office.answer(&["plan", "--json"]);
    let numbers = office.query("SELECT h.number FROM permit p JOIN holder h USING (holder_id) WHERE p.mention LIKE 'etudiant%' AND p.commune LIKE '94%' ORDER BY 1 LIMIT 20");
    for number in numbers.lines() {
        ask(&office, number, "urgent");
    }
    let run = office.run(&[]);
    assert!(lapses(&run) <= lapses(&before), "{run}\n{before}");
    office.assert_promises();
}

#[test]
fn whoever_is_due_and_cannot_wait_is_seen_sooner_and_firm_tonight() {
    // Without a lead, most are planned but not firm.
    let night = |office: &Office| {
        let args = ["run", "--yes", "--reason", "night", "--json"];
        let output = office.command(&args).env("CONVOKE__POLICY__FIRM_LEAD_DAYS", "0").output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 4)), "{output:?}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let office = PLANNED.before_the_night();
    let run = night(&office);
    assert!(run["planned"].as_u64().unwrap() > 0, "{run}");
    let waiting = office.one(
        "SELECT h.number FROM permit p JOIN holder h USING (holder_id) WHERE rule = 'due' AND NOT EXISTS (
           SELECT 1 FROM convocation c WHERE c.holder_id = p.holder_id) ORDER BY p.expires_on DESC, 1 LIMIT 1",
    );
    let id = ask(&office, &waiting, "urgent");
    let run = night(&office);
    assert_eq!(run["requests"]["placed"], 1, "{run}");
    let (state, reference) = request(&office, &id);
    let day: chrono::NaiveDate =
        office.one(&format!("SELECT day FROM convocation WHERE reference = '{reference}'")).parse().unwrap();
    assert_eq!(state, "placed");
    let opens = office.ok(&["permit", "timeline", &waiting, "--json"]).to_string();
    assert!(day < support::today() + chrono::Days::new(130), "{day}: {opens}");
    office.assert_promises();
}

#[test]
fn whoever_asks_for_an_earlier_date_keeps_the_one_they_have_until_a_better_is_found() {
    let office = PLANNED.copy();
    // People whose appointment is late in their window: an earlier day exists for them.
    let date = |text: &str| text.parse::<chrono::NaiveDate>().unwrap();
    let rows = office.query(
        "SELECT h.number, c.reference, c.day, p.expires_on FROM convocation c JOIN holder h USING (holder_id) JOIN permit p USING (permit_id)
           WHERE c.state = 'convoked' AND c.origin = 'in-time' ORDER BY c.reference",
    );
    let late = rows.lines().map(|row| row.split('|').collect::<Vec<_>>());
    let late = late.filter(|r| date(r[2]) > support::today() + chrono::Days::new(25));
    let parts = late.min_by_key(|r| date(r[3]) - date(r[2])).unwrap();
    let id = ask(&office, parts[0], "advance");
    set_share(&office, 100);
    office.run(&[]);
    let (state, reference) = request(&office, &id);
    if state == "placed" {
        let day = office.one(&format!("SELECT day FROM convocation WHERE reference = '{reference}'"));
        assert!(day.as_str() < parts[2], "{day} is sooner than {}", parts[2]);
        assert_eq!(office.one(&format!("SELECT state FROM convocation WHERE reference = '{}'", parts[1])), "moved");
    }
    assert_eq!(state, "placed", "the agenda has seats to spare");
    office.assert_promises();
}

#[test]
fn a_run_that_is_killed_places_each_request_once() {
    let office = PLANNED.copy();
    let ids: Vec<String> = students(&office, 3).iter().map(|number| ask(&office, number, "urgent")).collect();
    for point in ["after-plan", "after-request:2"] {
        let killed =
            office.command(&["run", "--yes", "--reason", "night"]).env("CONVOKE_FAULT", point).output().unwrap();
        assert_eq!(killed.status.code(), None, "killed at {point}");
    }
    office.run(&[]);
    for id in &ids {
        assert_eq!(request(&office, id).0, "placed");
    }
    assert_eq!(office.one("SELECT count(*) FROM ledger_entry WHERE kind = 'request.placed'"), "3");
    office.assert_promises();
}

/// A holder who is held, gone or filed since the last night is left to an agent, whatever that night's verdict.
#[test]
fn a_request_of_somebody_who_is_held_or_gone_convokes_nobody() {
    let office = PLANNED.copy();
    let numbers = students(&office, 3);
    let ids: Vec<String> = numbers.iter().map(|number| ask(&office, number, "urgent")).collect();
    office.ok(&["permit", "hold", &numbers[0], "--reason", "appeal", "--json"]);
    let change = |what: &str, number: &str| {
        office.change(&format!("UPDATE permit SET {what}, review_on = '0001-01-01' WHERE holder_id = (SELECT holder_id FROM holder WHERE number = '{number}')")).unwrap();
    };
    change("status = 'decede'", &numbers[1]);
    change("filed_on = '2026-01-01'", &numbers[2]);
    office.run(&[]);
    for id in &ids {
        assert_eq!(request(&office, id).0, "open");
        let slot = office.one("SELECT max(slot_id) FROM slot WHERE slot_id LIKE 'creteil/renouvellement/%'");
        let place =
            office.output(&["requests", "decide", id, "--place", &slot, "--despite-lapse", "--reason", "x", "--yes"]);
        assert_eq!(place.status.code(), Some(65), "{}", String::from_utf8_lossy(&place.stderr));
    }
    office.assert_promises();
}

#[test]
fn a_plan_that_was_shown_before_a_request_came_is_refused() {
    let office = PLANNED.copy();
    let shown = office.answer(&["plan", "--json"]);
    ask(&office, &students(&office, 1)[0], "urgent");
    let args = ["run", "--plan", shown["plan_hash"].as_str().unwrap(), "--yes", "--reason", "as shown"];
    assert_eq!(office.output(&args).status.code(), Some(13));
    let shown = office.answer(&["plan", "--json"]);
    assert_eq!(shown["requests"].as_array().unwrap().len(), 1);
    let run = office.run(&["--plan", shown["plan_hash"].as_str().unwrap()]);
    assert_eq!(run["requests"]["placed"], 1);
    assert!(run["warnings"].to_string().contains("1 demande écrite satisfaite"), "{run}");
}

#[test]
fn a_run_that_was_stopped_serves_no_request_any_more() {
    use rustix::process::{Pid, Signal, kill_process};
    let office = PLANNED.copy();
    let ids: Vec<String> = students(&office, 3).iter().map(|number| ask(&office, number, "urgent")).collect();
    let mut run = office.command(&["run", "--yes", "--reason", "night"]);
    let run = run.env("CONVOKE_FAULT", "stop@after-request").spawn().unwrap();
    let placed = || office.one("SELECT count(*) FROM request WHERE state = 'placed'");
    while placed() != "1" {
        std::thread::yield_now();
    }
    let id = office.one("SELECT run_id FROM run ORDER BY generation DESC LIMIT 1");
    let stopped = office.ok(&["runs", "stop", &id, "--reason", "wrong", "--yes", "--json"]);
    assert_eq!((&stopped["committed"], &stopped["left"]), (&1.into(), &2.into()));
    let open = ids.iter().find(|id| request(&office, id).0 == "open").unwrap();
    office.ok(&["requests", "decide", open, "--withdrawn", "--reason", "taken back", "--json"]);
    kill_process(Pid::from_raw(run.id().cast_signed()).unwrap(), Signal::CONT).unwrap();
    assert_eq!(run.wait_with_output().unwrap().status.code(), Some(1));
    assert_eq!((placed().as_str(), request(&office, open).0.as_str()), ("1", "withdrawn"));
    office.run(&[]);
    assert_eq!(placed(), "2");
    office.assert_promises();
}

#[test]
fn nobody_is_moved_who_did_not_ask_for_another_date() {
    let office = PLANNED.copy();
    set_share(&office, 100);
    let before = office.query("SELECT reference, slot_id, state FROM convocation ORDER BY 1");
    let numbers = office.query("SELECT h.number FROM convocation c JOIN holder h USING (holder_id) WHERE c.state = 'convoked' ORDER BY c.day DESC LIMIT 2");
    let ids: Vec<String> =
        numbers.lines().zip(["other", "no-email"]).map(|(number, wish)| ask(&office, number, wish)).collect();
    office.run(&[]);
    assert_eq!(office.query("SELECT reference, slot_id, state FROM convocation ORDER BY 1"), before);
    assert!(ids.iter().all(|id| request(&office, id).0 == "open"));
    // A past appointment is to be marked, not moved.
    let number = numbers.lines().next().unwrap();
    office.put_appointment_on(
        "2000-01-03",
        &format!("holder_id = (SELECT holder_id FROM holder WHERE number = '{number}')"),
    );
    let slot = office.one("SELECT max(slot_id) FROM slot WHERE slot_id LIKE 'creteil/renouvellement/%'");
    let place =
        office.output(&["requests", "decide", &ids[0], "--place", &slot, "--despite-lapse", "--reason", "x", "--yes"]);
    assert_eq!(place.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&place.stderr).contains("import attendance"), "{place:?}");
}

#[test]
fn a_request_is_written_down_once_and_ended_once() {
    let office = PLANNED.copy();
    let number = students(&office, 1)[0].clone();
    let id = ask(&office, &number, "other");
    let twice = office.output(&["requests", "add", &number, "--wish", "urgent", "--reason", "x"]);
    assert_eq!(twice.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&twice.stderr).contains(&id));
    office.ok(&["requests", "decide", &id, "--refuse", "--reason", "another door", "--json"]);
    assert_eq!(office.output(&["requests", "decide", &id, "--withdrawn", "--reason", "x"]).status.code(), Some(65));
    let history = office.ok(&["permit", "timeline", &number, "--json"]).to_string();
    assert!(history.contains("Demande écrite reçue") && history.contains("Demande refusée"), "{history}");
    let nobody = office.output(&["requests", "add", "9999999999", "--wish", "urgent", "--reason", "x"]);
    assert_eq!(nobody.status.code(), Some(65));
    assert_eq!(office.output(&["requests", "add", &number, "--wish", "soon", "--reason", "x"]).status.code(), Some(2));
}
