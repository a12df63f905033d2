//! An office's database: migrated once a program, then copied for each promise.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use convoke_domain::agenda::Slot;
use convoke_domain::convocation::{LetterKind, LetterState, Origin};
use convoke_domain::ids::{HolderId, PermitId, Reference};
use convoke_domain::permit::Channel;
use convoke_domain::run::Trigger;
use convoke_domain::slot::PoolId;
use convoke_store::{Acquired, LetterRow, NewLetter, NewRun, Placement, RunRow, Store, Use};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::postgres::cluster;

pub(crate) const OURS: &str = "94";

/// The database, by its handles and past them.
pub(crate) struct Office {
    pub(crate) url: String,
    pub(crate) raw: Raw,
}

pub(crate) enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text)]
    line: String,
}

impl Office {
    pub(crate) fn on_sqlite() -> Self {
        static MIGRATED: OnceLock<PathBuf> = OnceLock::new();
        static FILES: AtomicU32 = AtomicU32::new(0);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let fresh = |name: String| {
            let file = folder.join(name);
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{}{end}", file.display()));
            }
            file
        };
        let migrated = MIGRATED.get_or_init(|| {
            let file = fresh("suite.sqlite3".into());
            Store::migrate(&format!("sqlite:{}", file.display())).unwrap();
            // Whole in one file, as it is copied.
            let mut conn = SqliteConnection::establish(&file.display().to_string()).unwrap();
            conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
            file
        });
        let file = fresh(format!("suite-{}.sqlite3", FILES.fetch_add(1, Ordering::Relaxed)));
        std::fs::copy(migrated, &file).unwrap();
        let raw = Raw::Sqlite(SqliteConnection::establish(&file.display().to_string()).unwrap());
        Self { url: format!("sqlite:{}", file.display()), raw }
    }

    pub(crate) fn on_postgres() -> Self {
        static MIGRATED: OnceLock<String> = OnceLock::new();
        let migrated = MIGRATED.get_or_init(|| {
            let database = cluster().create(None);
            Store::migrate(&cluster().url(&database)).unwrap();
            database
        });
        let url = cluster().url(&cluster().create(Some(migrated)));
        Self { raw: Raw::Postgres(PgConnection::establish(&url).unwrap()), url }
    }

    pub(crate) fn open(&self) -> Store {
        self.open_as(OURS)
    }

    pub(crate) fn open_as(&self, prefecture: &str) -> Store {
        Store::open(&self.url, prefecture, Use::Worker).unwrap()
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.raw, Raw::Postgres(_))
    }

    /// Runs statements past the store.
    pub(crate) fn execute(&mut self, sql: &str) {
        match &mut self.raw {
            Raw::Sqlite(conn) => conn.batch_execute(sql),
            Raw::Postgres(conn) => conn.batch_execute(sql),
        }
        .unwrap();
    }

    /// The text column `line` of a query.
    pub(crate) fn lines(&mut self, sql: &str) -> Vec<String> {
        let query = diesel::sql_query(sql);
        let lines: Vec<Line> = match &mut self.raw {
            Raw::Sqlite(conn) => query.load(conn),
            Raw::Postgres(conn) => query.load(conn),
        }
        .unwrap();
        lines.into_iter().map(|l| l.line).collect()
    }

    /// One text, of one row.
    pub(crate) fn text(&mut self, what: &str) -> String {
        let mut lines = self.lines(&format!("SELECT {what}"));
        assert_eq!(lines.len(), 1, "{what}: {lines:?}");
        lines.remove(0)
    }

    /// So many holders `h1`, `h2` …, each with a permit `p1`, `p2` … that expires in a month.
    pub(crate) fn people(&mut self, n: u32) {
        for i in 1..=n {
            self.execute(&format!(
                "INSERT INTO holder (prefecture, holder_id, number, family_name, given_names, email, language, address, postcode, commune,
                     large_print, fingerprint) VALUES ('94', 'h{i}', '{i}', 'Nom', 'Prénom', 'h{i}@example.org', 'fr', 'x', '94000', '94028',
                     FALSE, {i});
                 INSERT INTO permit (prefecture, permit_id, holder_id, number, kind, mention, valid_from, expires_on, status, commune, absent,
                     held, superseded, fingerprint, first_seen, review_on) VALUES ('94', 'p{i}', 'h{i}', '{i}', 'CST', 'salarie', '2025-12-01',
                     '2026-12-01', 'actif', '94028', FALSE, FALSE, FALSE, {i}, '2026-01-01', '2026-11-03');"
            ));
        }
    }
}

pub(crate) fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 3).unwrap()
}

pub(crate) fn now() -> DateTime<Utc> {
    today().and_time(NaiveTime::MIN).and_utc()
}

pub(crate) fn later(minutes: i64) -> DateTime<Utc> {
    now() + TimeDelta::minutes(minutes)
}

/// A slot of the only desk, at an hour of a day from today on.
pub(crate) fn slot(days: u64, hour: u32, seats: u32) -> Slot {
    let day = today() + chrono::Days::new(days);
    let id = PoolId::new("creteil", "1").at(day, NaiveTime::from_hms_opt(hour, 0, 0).unwrap());
    Slot { id, duration_min: 20, seats }
}

/// The `n`th person on a slot.
pub(crate) fn placement(n: u32, slot: &Slot) -> Placement {
    Placement {
        permit_id: PermitId(format!("p{n}")),
        holder_id: HolderId(format!("h{n}")),
        slot_id: slot.id.clone(),
        origin: Origin::InTime,
    }
}

/// Gives people seats; the references of those who got one.
pub(crate) fn reserve(store: &mut Store, placements: &[Placement]) -> Vec<Option<Reference>> {
    let made = store.write(|s| s.reserve(placements, None, today(), now())).unwrap();
    made.into_iter().map(|made| made.map(|(reference, _)| reference)).collect()
}

/// A convocation by e-mail that waits.
pub(crate) fn letter(id: &str, reference: &str) -> NewLetter {
    NewLetter {
        letter_id: id.into(),
        reference: reference.into(),
        kind: LetterKind::Convocation,
        revision: 0,
        occasion: id.into(),
        channel: Channel::Email,
        state: LetterState::Queued,
        remark: None,
        recipient: Some("a@example.org".into()),
        data: "{\"said\":1}".into(),
        template_hash: "hash".into(),
        created_at: now(),
        not_before: now(),
    }
}

/// Puts letters `l1`, `l2` … into the outbox.
pub(crate) fn enqueue(store: &mut Store, n: u32) {
    let letters: Vec<NewLetter> = (1..=n).map(|i| letter(&format!("l{i}"), &format!("r{i}"))).collect();
    store.enqueue(&letters).unwrap();
}

/// Claims the letters that may leave now.
pub(crate) fn claim(store: &mut Store, owner: &str, limit: usize) -> Vec<LetterRow> {
    store.write_rows(|s| s.claim(now(), owner, later(5), limit)).unwrap()
}

/// Starts a run.
pub(crate) fn start(store: &mut Store, owner: &str) -> Acquired {
    let new = NewRun {
        business_date: today(),
        trigger: Trigger::Hand,
        actor: "ana".into(),
        reason: None,
        owner: owner.into(),
    };
    store.acquire_run(&new, now(), |_| false).unwrap()
}

pub(crate) fn started(store: &mut Store, owner: &str) -> RunRow {
    match start(store, owner) {
        Acquired::New(run) => run,
        other => panic!("{other:?}"),
    }
}
