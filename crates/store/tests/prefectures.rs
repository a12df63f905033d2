//! Two préfectures in one database, with the same ids in every row: whatever is asked or changed through the handle of
//! one never reaches the other.

use std::path::Path;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use convoke_domain::agenda::Slot;
use convoke_domain::convocation::{LetterKind, LetterState, Origin, State};
use convoke_domain::eligibility::Rule;
use convoke_domain::ids::{HolderId, PermitId, RunId};
use convoke_domain::ledger::Event;
use convoke_domain::permit::Channel;
use convoke_domain::requests::Wish;
use convoke_domain::run::{RunState, Trigger};
use convoke_domain::slot::PoolId;
use convoke_machine::confirm::Confirmed;
use convoke_store::{
    AccountRow, Acquired, BounceRow, ClosedDay, LetterFilter, NewLetter, NewNotice, NewRequest, NewRun, Placement,
    Record, SessionRow, Store, Stored, Use,
};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

const OURS: &str = "94";
const THEIRS: &str = "75";

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 3).unwrap()
}

fn now() -> DateTime<Utc> {
    today().and_time(NaiveTime::MIN).and_utc()
}

fn holder() -> HolderId {
    HolderId("h1".into())
}

fn permit() -> PermitId {
    PermitId("p1".into())
}

fn slot() -> Slot {
    let id = PoolId::new("creteil", "1").at(today(), NaiveTime::from_hms_opt(9, 0, 0).unwrap());
    Slot { id, duration_min: 20, seats: 4 }
}

fn letter(id: &str, reference: &str, state: LetterState) -> NewLetter {
    NewLetter {
        letter_id: id.into(),
        reference: reference.into(),
        kind: LetterKind::Convocation,
        revision: 0,
        occasion: id.into(),
        channel: if state == LetterState::ToPost { Channel::Post } else { Channel::Email },
        state,
        remark: None,
        recipient: Some("a@example.org".into()),
        data: "{\"said\":1}".into(),
        template_hash: "hash".into(),
        created_at: now(),
    }
}

fn bounce() -> BounceRow {
    BounceRow {
        prefecture: OURS.into(),
        sha256: "bounce".into(),
        letter_id: Some("l3".into()),
        class: "soft",
        status: None,
        diagnostic: Some("a@example.org".into()),
        consequence: "listed",
        recorded_at: now().naive_utc(),
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text)]
    line: String,
}

/// The database, past its handles.
struct Office {
    conn: SqliteConnection,
    url: String,
}

impl Office {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        for file in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{file}", path.display()));
        }
        let url = format!("sqlite:{}", path.display());
        Store::migrate(&url).unwrap();
        Self { conn: SqliteConnection::establish(&path.display().to_string()).unwrap(), url }
    }

    fn open(&self) -> Store {
        Store::open(&self.url, OURS, Use::Worker).unwrap()
    }

    fn lines(&mut self, sql: &str) -> Vec<String> {
        let lines: Vec<Line> = diesel::sql_query(sql).load(&mut self.conn).unwrap();
        lines.into_iter().map(|l| l.line).collect()
    }

    fn tables(&mut self) -> Vec<String> {
        self.lines(
            "SELECT m.name AS line FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND p.name = 'prefecture'
             ORDER BY m.name",
        )
    }

    fn columns(&mut self, table: &str) -> Vec<String> {
        self.lines(&format!("SELECT name AS line FROM pragma_table_info('{table}') WHERE name <> 'prefecture'"))
    }

    /// Gives the other préfecture a copy of every row of ours.
    fn twin(&mut self) {
        self.conn.batch_execute("PRAGMA foreign_keys = OFF").unwrap();
        for table in self.tables() {
            let columns = self.columns(&table).join(", ");
            let copy = format!("INSERT INTO {table} (prefecture, {columns}) SELECT '{THEIRS}', {columns} FROM {table}");
            self.conn.batch_execute(&copy).unwrap();
        }
    }

    /// Every row of a préfecture, and the tables that have one.
    fn rows(&mut self, prefecture: &str) -> (Vec<String>, Vec<String>) {
        let (mut rows, mut filled) = (Vec::new(), Vec::new());
        for table in self.tables() {
            let quoted: Vec<String> = self.columns(&table).iter().map(|c| format!("quote({c})")).collect();
            let all = self.lines(&format!(
                "SELECT '{table} ' || {} AS line FROM {table} WHERE prefecture = '{prefecture}' ORDER BY 1",
                quoted.join(" || ' ' || ")
            ));
            if !all.is_empty() {
                filled.push(table);
            }
            rows.extend(all);
        }
        (rows, filled)
    }
}

/// An office with something in nearly every table.
fn fill(office: &mut Office) -> String {
    office
        .conn
        .batch_execute(&format!(
            "INSERT INTO holder (prefecture, holder_id, number, family_name, given_names, email, language, address, postcode, commune,
                 large_print, fingerprint) VALUES ('{OURS}', 'h1', '1', 'Un', 'A', 'a@example.org', 'fr', 'x', '94000', '94028', 0, 1),
                 ('{OURS}', 'h2', '2', 'Deux', 'B', 'a@example.org', 'fr', 'x', '94000', '94028', 0, 2);
             INSERT INTO permit (prefecture, permit_id, holder_id, number, kind, mention, valid_from, expires_on, status, commune, absent, held,
                 superseded, fingerprint, first_seen, rule, rule_since, rule_run, review_on)
                 VALUES ('{OURS}', 'p1', 'h1', '9', 'CST', 'salarie', '2025-11-01', '2026-12-01', 'actif', '94028', 0, 0, 0, 1, '2026-01-01',
                     'due', '2026-11-01', 'r0', '2026-11-03'),
                 ('{OURS}', 'p2', 'h2', '8', 'CST', 'salarie', '2019-11-01', '2020-12-01', 'actif', '94028', 0, 0, 0, 2, '2026-01-01',
                     NULL, NULL, NULL, '2026-11-03');
             INSERT INTO past_verdict (prefecture, permit_id, rule, since, until, run_id)
                 VALUES ('{OURS}', 'p1', 'not-yet-due', '2026-10-01', '2026-11-01', 'r0');",
        ))
        .unwrap();
    let mut store = office.open();
    store.upsert_slots(&[slot()]).unwrap();
    let new = NewRun {
        business_date: today(),
        trigger: Trigger::Hand,
        actor: "ana".into(),
        reason: None,
        owner: "host:1".into(),
    };
    let Acquired::New(run) = store.acquire_run(&new, now(), |_| false).unwrap() else { panic!("a new run") };
    let record = Record::of("plan", b"[]").unwrap();
    store.keep_records(&run, &[record], &[("p1".into(), "{}".into())], now()).unwrap();
    let outcomes = [("due".to_owned(), 1)].into();
    store.store_plan(&run, &Stored { hashes: ["a", "b", "c", "d"], outcomes: &outcomes, summary: "{}" }).unwrap();
    let id = RunId(run.run_id.clone());
    let place = Placement { permit_id: permit(), holder_id: holder(), slot_id: slot().id, origin: Origin::InTime };
    let made = store.reserve(&[place], Some(&id), today(), now()).unwrap();
    let reference = made[0].as_ref().unwrap().0.to_string();
    let letters = [("l1", LetterState::Queued), ("l2", LetterState::ToPost), ("l3", LetterState::Accepted)];
    store.enqueue(&letters.map(|(id, state)| letter(id, &reference, state))).unwrap();
    let notice = NewNotice { letter: LetterKind::OnlineFiling, permit_id: permit(), holder_id: holder() };
    store.number_notices(&[notice], &id, today(), now()).unwrap();
    store.set_pace("relay", now()).unwrap();
    store.record_bounce(&bounce()).unwrap();
    let account = AccountRow {
        login: "ana".into(),
        role: "operateur".into(),
        password: "x".into(),
        totp: None,
        totp_step: 0,
        failures: 0,
        locked_until: None,
        created_at: now().naive_utc(),
    };
    store.put_account(&account).unwrap();
    let at = now().naive_utc();
    let session = SessionRow {
        token: "t".into(),
        token_before: None,
        actor: "ana".into(),
        role: "operateur".into(),
        language: "fr".into(),
        began_at: at,
        seen_at: at,
        rotated_at: at,
        notice: None,
        sought: Some("Un".into()),
    };
    store.begin_session(&session).unwrap();
    let closed = ClosedDay { site: "creteil".into(), desk: "2".into(), day: today(), reason: "heating".into() };
    store.close_day(&closed, now()).unwrap();
    store.avoid(&holder(), &[(today(), today())], today()).unwrap();
    store.link_household(&[&holder(), &HolderId("h2".into())], "family", now()).unwrap();
    let request =
        NewRequest { holder: holder(), permit: permit(), wish: Wish::Urgent, received_on: today(), needed_by: None };
    store.add_request(&request, now()).unwrap().unwrap();
    store.owe_nights(&[(today(), now())]).unwrap();
    store.record_about(&holder(), "ana", now(), Event { kind: "permit.held", payload: serde_json::json!({}) }).unwrap();
    reference
}

/// What a handle answers, as text.
fn answers(store: &mut Store, reference: &str) -> Vec<String> {
    let (from, to) = (today() - Days::new(9), today() + Days::new(9));
    let id = RunId::new(OURS, today(), 1);
    macro_rules! ask {
        ($($call:expr),+ $(,)?) => { vec![$(format!("{} = {:?}", stringify!($call), $call.unwrap())),+] };
    }
    ask![
        store.accounts(),
        store.session("t"),
        store.closed_days(from),
        store.all_avoided(from),
        store.live_of(&holder()),
        store.expected_on("creteil", None, today()),
        store.appointed_on(today()),
        store.unmarked_days(to),
        store.live_convocations(),
        store.convocation(reference),
        store.taken(from),
        store.slots(from, to),
        store.taken_between(from, to),
        store.appointments_between(from, to),
        store.expired_between(from, to + Days::new(99)),
        store.letters(&LetterFilter::default(), 9),
        store.letters_by_state(),
        store.letters_to(&holder()),
        store.letters_of_run(&id.0),
        store.to_post(),
        store.standing("l1"),
        store.waiting_letters(),
        store.figures(now()),
        store.shared_addresses(2),
        store.shared_contacts(1, 9),
        store.known_of(&holder()),
        store.acts_on(&holder()),
        store.everything_about(&holder(), "none"),
        store.unnoticed(LetterKind::HeadsUp, Rule::Due, from),
        store.to_be_reminded(from, to),
        store.honoured_permits(),
        store.holders_over(from),
        store.lives(&holder(), today()),
        store.requests(None, 9),
        store.open_requests(),
        store.nights(to, 9),
        store.ledger_between(0, 9),
        store.permits_by_rule(),
        store.names_of_permits(),
        store.runs(9),
        store.run_outcomes(&id),
        store.planned_block(&id, "p1"),
        store.unread_bounces(None, None, 9),
        store.find("Un", 9),
        store.people_elsewhere(today()),
        store.people_who_came(1),
    ]
}

#[test]
fn a_handle_answers_the_same_whatever_another_prefecture_holds() {
    let mut office = Office::new("two-answers.sqlite3");
    let reference = fill(&mut office);
    let alone = answers(&mut office.open(), &reference);
    office.twin();
    assert_eq!(answers(&mut office.open(), &reference), alone);
}

#[test]
fn a_handle_never_changes_a_row_of_another_prefecture() {
    let mut office = Office::new("two-changes.sqlite3");
    let reference = fill(&mut office);
    office.twin();
    let (theirs, tables) = office.rows(THEIRS);
    assert!(tables.len() > 20, "only {tables:?} have rows");
    let mut store = office.open();
    let run = store.run(&RunId::new(OURS, today(), 1)).unwrap().unwrap();
    let yes = Confirmed::typed("yes", "yes").unwrap();

    store.note_attempt("ana", 3, None, 1).unwrap();
    assert!(store.rotate_session("t", "t", "u", now().naive_utc()).unwrap());
    store.set_language("u", "en").unwrap();
    assert_eq!(store.set_held(&holder(), true).unwrap(), 1);
    store.set_email(&holder(), Some("b@example.org")).unwrap();
    store.review_all_again(&["p1"]).unwrap();
    assert_eq!(store.claim(now(), "host:1", now(), 9).unwrap().len(), 1);
    assert_eq!(store.renew_leases("host:1", &["l1".into()], now()).unwrap(), 1);
    assert!(store.mark_posted("l2", "sha", "{}", "batch").unwrap());
    assert!(store.mark_returned("l2").is_ok());
    assert!(store.mark_bounced("l3", "550").unwrap());
    store.refuse_address(&reference, "b@example.org").unwrap();
    store.set_pace("relay", now() + chrono::TimeDelta::days(1)).unwrap();
    let night = store.nights(today(), 1).unwrap().remove(0);
    assert!(store.attempt_night(&night, now(), now()).unwrap());
    store.night_done(today(), &run.run_id, now()).unwrap();
    store.forget_future_nights(now() - chrono::TimeDelta::days(9), today() - Days::new(9)).unwrap();
    assert!(store.reopen_day("creteil", "2", today()).unwrap());
    assert_eq!(store.unlink_household(&[&holder()]).unwrap(), 1);
    store.advance_run(&run, 1, "{}", now()).unwrap();
    store.end_run(&run, RunState::Completed, Some("{}"), None, now()).unwrap();
    store.keep_planned_blocks_of(&RunId("another".into())).unwrap();
    store.end_convocations(&[reference], State::Cancelled).unwrap();
    store.silence_letters(&["l1".into()], &yes).unwrap();
    store.erase_holders(&["h1", "h2"], &yes).unwrap();
    store.end_sessions_of("ana").unwrap();
    assert!(store.delete_account("ana").unwrap());

    let (ours, left) = office.rows(OURS);
    for gone in
        ["account", "console_session", "holder", "permit", "planned_block", "reservation", "closed_day", "night"]
    {
        assert!(!left.iter().any(|table| table == gone), "{gone}: {ours:?}");
    }
    assert_eq!(office.rows(THEIRS).0, theirs);
}

#[test]
fn a_row_of_another_prefecture_is_refused() {
    let office = Office::new("two-rows.sqlite3");
    let mut store = office.open();
    let stray = BounceRow { prefecture: THEIRS.into(), ..bounce() };
    assert!(store.record_bounce(&stray).is_err());
    assert_eq!(store.known_bounce("bounce").unwrap(), None);
}
