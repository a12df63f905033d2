//! Two préfectures in one database, with the same ids in every row: whatever is asked or changed through the handle of
//! one never reaches the other.

use chrono::Days;
use convoke_domain::convocation::{LetterKind, LetterState, Origin, State};
use convoke_domain::eligibility::Rule;
use convoke_domain::ids::{HolderId, PermitId, RunId};
use convoke_domain::ledger::Event;
use convoke_domain::permit::Channel;
use convoke_domain::requests::Wish;
use convoke_domain::run::RunState;
use convoke_machine::confirm::Confirmed;
use convoke_store::{
    AccountRow, BounceRow, ClosedDay, LetterFilter, NewLetter, NewNotice, NewRequest, Placement, Record, SessionRow,
    Store, Stored,
};

use crate::office::{OURS, Office, letter, now, slot, started, today};

on_both![
    a_handle_answers_the_same_whatever_another_prefecture_holds,
    a_handle_never_changes_a_row_of_another_prefecture,
    a_row_of_another_prefecture_is_refused,
];

const THEIRS: &str = "75";

fn holder() -> HolderId {
    HolderId("h1".into())
}

fn permit() -> PermitId {
    PermitId("p1".into())
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

impl Office {
    fn tables(&mut self) -> Vec<String> {
        self.lines(if self.is_postgres() {
            "SELECT table_name AS line FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'prefecture' ORDER BY 1"
        } else {
            "SELECT m.name AS line FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND p.name = 'prefecture'
             ORDER BY m.name"
        })
    }

    fn columns(&mut self, table: &str) -> Vec<String> {
        self.lines(&if self.is_postgres() {
            format!(
                "SELECT column_name AS line FROM information_schema.columns
                 WHERE table_schema = 'public' AND table_name = '{table}' AND column_name <> 'prefecture' ORDER BY ordinal_position"
            )
        } else {
            format!("SELECT name AS line FROM pragma_table_info('{table}') WHERE name <> 'prefecture'")
        })
    }

    /// Gives the other préfecture a copy of every row of ours, and a notice and an appointment that we have not given.
    fn twin(&mut self) {
        let without_keys =
            if self.is_postgres() { "SET session_replication_role = replica" } else { "PRAGMA foreign_keys = OFF" };
        self.execute(without_keys);
        for table in self.tables() {
            let columns = self.columns(&table).join(", ");
            self.execute(&format!(
                "INSERT INTO {table} (prefecture, {columns}) SELECT '{THEIRS}', {columns} FROM {table}"
            ));
        }
        // What only they have done must not count as done by us.
        let later = format!(
            "UPDATE notice SET kind = 'heads-up' WHERE prefecture = '{THEIRS}';
             UPDATE convocation SET created_at = '2027-01-01 00:00:00' WHERE prefecture = '{THEIRS}';"
        );
        self.execute(&later);
    }

    /// Every row of a préfecture, and the tables that have one.
    fn rows(&mut self, prefecture: &str) -> (Vec<String>, Vec<String>) {
        let (mut rows, mut filled) = (Vec::new(), Vec::new());
        let postgres = self.is_postgres();
        for table in self.tables() {
            let quoted =
                |c: &String| if postgres { format!("quote_nullable({c}::text)") } else { format!("quote({c})") };
            let quoted: Vec<String> = self.columns(&table).iter().map(quoted).collect();
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
    office.execute(&format!(
            "INSERT INTO holder (prefecture, holder_id, number, family_name, given_names, email, language, address, postcode, commune,
                 large_print, fingerprint) VALUES ('{OURS}', 'h1', '1', 'Un', 'A', 'a@example.org', 'fr', 'x', '94000', '94028', FALSE, 1),
                 ('{OURS}', 'h2', '2', 'Deux', 'B', 'a@example.org', 'fr', 'x', '94000', '94028', FALSE, 2);
             INSERT INTO permit (prefecture, permit_id, holder_id, number, kind, mention, valid_from, expires_on, status, commune, absent, held,
                 superseded, fingerprint, first_seen, rule, rule_since, rule_run, review_on)
                 VALUES ('{OURS}', 'p1', 'h1', '9', 'CST', 'salarie', '2025-11-01', '2026-12-01', 'actif', '94028', FALSE, FALSE, FALSE, 1, '2026-01-01',
                     'due', '2026-11-01', 'r0', '2026-11-03'),
                 ('{OURS}', 'p2', 'h2', '8', 'CST', 'salarie', '2019-11-01', '2020-12-01', 'actif', '94028', FALSE, FALSE, FALSE, 2, '2026-01-01',
                     NULL, NULL, NULL, '2026-11-03');
             INSERT INTO past_verdict (prefecture, permit_id, rule, since, until, run_id)
                 VALUES ('{OURS}', 'p1', 'not-yet-due', '2026-10-01', '2026-11-01', 'r0');
             INSERT INTO slot (prefecture, slot_id, site, desk, day, start, duration_min, seats)
                 VALUES ('{OURS}', 'creteil/1/2025-11-03T09:00', 'creteil', '1', '2025-11-03', 540, 20, 1);
             INSERT INTO convocation (prefecture, reference, year, number, permit_id, holder_id, slot_id, day, state, sequence, origin, created_at)
                 VALUES ('{OURS}', 'c2', 2025, 1, 'p2', 'h2', 'creteil/1/2025-11-03T09:00', '2025-11-03', 'honoured', 0, 'in-time',
                     '2025-10-01 00:00:00');",
    ));
    let mut store = office.open();
    let wanted = slot(0, 9, 4);
    store.upsert_slots(std::slice::from_ref(&wanted)).unwrap();
    let run = started(&mut store, "host:1");
    let record = Record::of("plan", b"[]").unwrap();
    store.keep_records(&run, &[record], &[("p1".into(), "{}".into())], now()).unwrap();
    let outcomes = [("due".to_owned(), 1)].into();
    store.store_plan(&run, &Stored { hashes: ["a", "b", "c", "d"], outcomes: &outcomes, summary: "{}" }).unwrap();
    let id = RunId(run.run_id.clone());
    let place =
        Placement { permit_id: permit(), holder_id: holder(), slot_id: wanted.id.clone(), origin: Origin::InTime };
    let made = store.reserve(&[place], Some(&id), today(), now()).unwrap();
    let reference = made[0].as_ref().unwrap().0.to_string();
    let letters = [("l1", LetterState::Queued), ("l2", LetterState::ToPost), ("l3", LetterState::Accepted)];
    let channel = |state| if state == LetterState::ToPost { Channel::Post } else { Channel::Email };
    let letters = letters.map(|(id, state)| NewLetter { state, channel: channel(state), ..letter(id, &reference) });
    store.enqueue(&letters).unwrap();
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

fn a_handle_answers_the_same_whatever_another_prefecture_holds(office: &mut Office) {
    let reference = fill(office);
    let alone = answers(&mut office.open(), &reference);
    office.twin();
    assert_eq!(answers(&mut office.open(), &reference), alone);
}

fn a_handle_never_changes_a_row_of_another_prefecture(office: &mut Office) {
    let reference = fill(office);
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

fn a_row_of_another_prefecture_is_refused(office: &mut Office) {
    let mut store = office.open();
    let stray = BounceRow { prefecture: THEIRS.into(), ..bounce() };
    assert!(store.record_bounce(&stray).is_err());
    assert_eq!(store.known_bounce("bounce").unwrap(), None);
}
