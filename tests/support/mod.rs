//! An office for tests: a folder made by `convoke init`, and the real program run in it, on a day of the tests' own
//! ([`now`]). In the test program `postgres` its database is one of PostgreSQL.

pub(crate) mod faketime;
pub(crate) mod pdf;
pub(crate) mod postgres;
pub(crate) mod prefectures;
pub(crate) mod schema;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use convoke_machine::clock::Clock;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use postgres::{Cluster, cluster};
use serde_json::Value;
use tempfile::TempDir;

macro_rules! on_either {
    ($office:expr, $c:ident => $body:expr) => {
        if let Some(p) = &$office.postgres {
            let mut $c = PgConnection::establish(&p.cluster.url(&p.now)).unwrap();
            $body
        } else {
            let mut $c = SqliteConnection::establish(&$office.path("convoke.sqlite3").display().to_string()).unwrap();
            // Tests that share an office read it concurrently.
            $c.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
            $body
        }
    };
}

/// What the office has before its first night.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shape {
    /// Permits in the extract.
    pub(crate) permits: usize,
    /// Whether there is an agenda.
    pub(crate) seats: bool,
}

pub(crate) struct Office {
    dir: TempDir,
    postgres: Option<OnPostgres>,
}

/// Names in a cluster: of the office's database, and of its copy from before the first night.
#[derive(Clone)]
struct OnPostgres {
    cluster: &'static Cluster,
    now: String,
    before: String,
}

/// Whether this test program runs the suites on PostgreSQL.
pub(crate) const ON_POSTGRES: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"postgres");

impl Office {
    pub(crate) fn new(shape: Shape) -> Self {
        Self::prepared(shape, None)
    }

    /// Alone on its database server: what happens to that harms no other test.
    pub(crate) fn alone(shape: Shape) -> Self {
        let own = || -> &'static Cluster { Box::leak(Box::new(Cluster::start())) };
        Self::on(ON_POSTGRES.then(own), shape, None)
    }

    /// Created on another day, at noon, Universal Time.
    pub(crate) fn made_on(day: NaiveDate, shape: Shape) -> Self {
        Self::prepared(shape, Some(day))
    }

    /// A copy of the office of this shape, which is made once in each test program.
    fn prepared(shape: Shape, day: Option<NaiveDate>) -> Self {
        type Prepared = BTreeMap<(Option<NaiveDate>, Shape), Arc<OnceLock<Office>>>;
        static PREPARED: Mutex<Prepared> = Mutex::new(BTreeMap::new());
        let office = Arc::clone(PREPARED.lock().unwrap().entry((day, shape)).or_default());
        office.get_or_init(|| Self::on(ON_POSTGRES.then(cluster), shape, day)).copy()
    }

    /// Made here, on a cluster that may be stopped where one is given.
    pub(crate) fn on(cluster: Option<&'static Cluster>, shape: Shape, day: Option<NaiveDate>) -> Self {
        let postgres = cluster.map(|cluster| OnPostgres { cluster, now: cluster.create(None), before: String::new() });
        let mut office = Self { dir: tempfile::tempdir().unwrap(), postgres };
        let done = |office: &Self, args: &[&str]| {
            let mut command = office.command(args);
            if let Some(day) = day {
                faketime::at(&mut command, &format!("{day} 12:00:00"));
            }
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        done(&office, &["init", "--dir", ".", "--example", "94", "--json"]);
        let today = day.unwrap_or_else(today);
        let mut file = fs::File::create(office.path("permits.csv")).unwrap();
        convoke::demo::world::write_permits(7, shape.permits, today, &mut file).unwrap();
        done(&office, &["import", "permits", "permits.csv", "--json"]);
        if shape.seats {
            let until = today.checked_add_days(Days::new(220)).unwrap().to_string();
            done(&office, &["agenda", "generate", "--until", &until, "--json"]);
        }
        if let Some(p) = &mut office.postgres {
            p.before = p.cluster.create(Some(&p.now));
        } else {
            fs::copy(office.path("convoke.sqlite3"), office.path("before.sqlite3")).unwrap();
        }
        office
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A copy of this office as it is now.
    pub(crate) fn copy(&self) -> Self {
        let postgres = self.postgres.clone().map(|p| OnPostgres { now: p.cluster.create(Some(&p.now)), ..p });
        let copy = Self { dir: tempfile::tempdir().unwrap(), postgres };
        if copy.postgres.is_none() {
            self.change("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        }
        copy_folder(self.dir.path(), copy.dir.path());
        copy
    }

    /// A copy of this office from before its first night.
    pub(crate) fn before_the_night(&self) -> Self {
        if let Some(p) = self.postgres.clone() {
            let postgres = Some(OnPostgres { now: p.cluster.create(Some(&p.before)), ..p });
            let copy = Self { dir: tempfile::tempdir().unwrap(), postgres };
            copy_folder(self.dir.path(), copy.dir.path());
            return copy;
        }
        let copy = self.copy();
        fs::copy(copy.path("before.sqlite3"), copy.path("convoke.sqlite3")).unwrap();
        copy
    }

    /// This office with an empty database, on SQLite or on its own kind of database.
    pub(crate) fn with_an_empty_database(&self, of_its_kind: bool) -> Self {
        let postgres = self.postgres.clone().filter(|_| of_its_kind);
        let postgres = postgres.map(|p| OnPostgres { now: p.cluster.create(None), ..p });
        let other = Self { dir: tempfile::tempdir().unwrap(), postgres };
        copy_folder(self.dir.path(), other.dir.path());
        for entry in fs::read_dir(other.dir.path()).unwrap() {
            let file = entry.unwrap().path();
            if file.file_name().unwrap().to_string_lossy().starts_with("convoke.sqlite3") {
                fs::remove_file(file).unwrap();
            }
        }
        other.ok(&["migrate", "--json"]);
        other
    }

    /// This office with its database moved to a disk.
    pub(crate) fn on_disk(mut self, disk: &Path) -> Self {
        if let Some(p) = &mut self.postgres {
            p.now = p.cluster.create_on(disk, &p.now);
            return self;
        }
        self.change("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        for entry in fs::read_dir(self.dir.path()).unwrap() {
            let from = entry.unwrap().path();
            if from.file_name().unwrap().to_string_lossy().starts_with("convoke.sqlite3") {
                let to = disk.join(from.file_name().unwrap());
                fs::copy(&from, &to).unwrap();
                fs::remove_file(&from).unwrap();
            }
        }
        std::os::unix::fs::symlink(disk.join("convoke.sqlite3"), self.path("convoke.sqlite3")).unwrap();
        self
    }

    /// Removes an office whose database is on a disk.
    pub(crate) fn leave_disk(self) {
        if let Some(p) = &self.postgres {
            p.cluster.drop_from_disk(&p.now);
        }
    }

    /// Space used on a disk, rounded up.
    pub(crate) fn megabytes_used(disk: &Path) -> u32 {
        let output = Command::new("df").args(["--output=used", "-BM"]).arg(disk).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().nth(1).unwrap().trim().trim_end_matches('M').parse().unwrap()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = convoke();
        command
            .args(args)
            .current_dir(self.dir.path())
            .env("CONVOKE__SMTP__URL", "maildir:out")
            .env("CONVOKE__DISPATCH__HOURS", "always")
            .env("CONVOKE__DISPATCH__ACT_HOLD_S", "0")
            .env("CONVOKE__DISPATCH__RETRY_FIRST_S", "1")
            .env("CONVOKE__POLICY__MAX_FIRM_PER_RUN", "100000")
            // Whole weeks become firm at once, so that a night has more than one chunk.
            .env("CONVOKE__POLICY__FIRM_LEAD_DAYS", "60")
            .env("CONVOKE__DATABASE__URL", self.url())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// URL of the database.
    pub(crate) fn url(&self) -> String {
        match &self.postgres {
            Some(p) => p.cluster.url(&p.now),
            None => format!("sqlite:{}", self.path("convoke.sqlite3").display()),
        }
    }

    pub(crate) fn output(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The JSON answer of a command that ends with 0, or with 4: some people have no slot.
    pub(crate) fn answer(&self, args: &[&str]) -> Value {
        let output = self.output(args);
        assert!(matches!(output.status.code(), Some(0 | 4)), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        Self::document(&output.stdout)
    }

    /// A command's output, validated against its schema.
    fn document(stdout: &[u8]) -> Value {
        let document = serde_json::from_slice(stdout).unwrap();
        schema::keep(&document);
        document
    }

    /// The JSON answer of a command that ends with 0.
    pub(crate) fn ok(&self, args: &[&str]) -> Value {
        let output = self.output(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        Self::document(&output.stdout)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Value {
        self.answer(&[&["run", "--yes", "--reason", "test", "--json"], args].concat())
    }

    /// Dispatches until no e-mail waits: a letter with an uncertain delivery waits a second.
    pub(crate) fn until_sent(&self) {
        for _ in 0..200 {
            self.ok(&["dispatch", "--until-empty", "--json"]);
            if self.query("SELECT count(*) FROM outbox WHERE state IN ('queued', 'deferred', 'uncertain', 'leased', 'sending')").trim() == "0" {
                return;
            }
        }
        panic!("letters still wait");
    }

    pub(crate) fn mails(&self) -> Vec<PathBuf> {
        let folder = self.path("out/new");
        fs::read_dir(folder).map(|entries| entries.map(|e| e.unwrap().path()).collect()).unwrap_or_default()
    }

    /// Recorded reads: kinds and details, in order, without their instants.
    pub(crate) fn reads(&self) -> Vec<(String, Value)> {
        let entries = self.query("SELECT kind, payload FROM ledger_entry WHERE kind LIKE 'read.%' ORDER BY seq");
        let entry = |line: &str| {
            let (kind, payload) = line.split_once('|').unwrap();
            let mut payload: Value = serde_json::from_str(payload).unwrap();
            assert!(payload.as_object_mut().unwrap().remove("at").is_some(), "{line}");
            (kind.to_owned(), payload)
        };
        entries.lines().map(entry).collect()
    }

    /// What the program must never do, whatever happened to it.
    pub(crate) fn assert_promises(&self) {
        assert_eq!(
            self.one(
                "SELECT count(*) FROM (SELECT holder_id FROM convocation WHERE state = 'convoked' GROUP BY 1 HAVING count(*) > 1) twice"
            ),
            "0",
            "convoked twice"
        );
        assert_eq!(
            self.one(
                "SELECT count(*) FROM slot s WHERE seats < (SELECT count(*) FROM reservation r WHERE r.slot_id = s.slot_id)"
            ),
            "0",
            "a seat taken twice"
        );
        assert_eq!(
            self.one(
                "SELECT count(*) FROM convocation c WHERE state NOT IN ('moved', 'cancelled', 'undelivered') AND NOT EXISTS (SELECT 1 FROM reservation r WHERE r.reference = c.reference)"
            ),
            "0",
            "no seat"
        );
        assert_eq!(
            self.one(
                "SELECT count(*) FROM reservation r WHERE NOT EXISTS (SELECT 1 FROM convocation c WHERE c.reference = r.reference)"
            ),
            "0",
            "a seat for nobody"
        );
        assert_eq!(
            self.one(
                "SELECT count(*) FROM convocation c WHERE (SELECT count(*) FROM outbox o WHERE o.reference = c.reference AND o.kind IN ('convocation', 'change') AND o.occasion = '') <> 1"
            ),
            "0",
            "each convocation has one letter"
        );
        assert_eq!(
            self.one("SELECT count(*) FROM ledger_entry WHERE run_id IS NULL AND payload NOT LIKE '%\"at\":\"20%'"),
            "0",
            "who did something by hand, or read, did it at some time"
        );
        assert_eq!(
            self.one(
                "SELECT count(*) FROM convocation c WHERE (SELECT count(*) FROM ledger_entry l WHERE l.kind IN ('convocation.made', 'convocation.moved', 'convocation.restored', 'request.placed') AND l.payload LIKE '%\"reference\":\"' || c.reference || '\"%') <> 1"
            ),
            "0",
            "each convocation has one entry in the ledger"
        );
        assert_eq!(
            self.one(
                "SELECT count(*) FROM convocation c JOIN permit p USING (permit_id) WHERE p.mention LIKE 'etudiant%' AND NOT EXISTS (SELECT 1 FROM request r WHERE r.reference = c.reference)"
            ),
            "0",
            "a student convoked"
        );
        assert_eq!(self.ok(&["ledger", "verify", "--json"])["valid"], true);
    }

    /// The figures that must be equal however a night went.
    pub(crate) fn totals(&self) -> String {
        self.query(
            "SELECT count(*), count(DISTINCT holder_id), count(DISTINCT slot_id), (SELECT count(*) FROM outbox), (SELECT count(*) FROM run WHERE state = 'completed'),
                (SELECT string_agg(x, ' ' ORDER BY x) FROM (SELECT slot_id || '=' || count(*) AS x FROM reservation GROUP BY slot_id) taken) FROM convocation",
        )
    }

    /// A copy of the database, made while it is in use; `None` if the tool for it is missing.
    pub(crate) fn back_up(&self) -> Option<PathBuf> {
        let backup = self.path("backup");
        let done = if let Some(p) = &self.postgres {
            let mut dump = p.cluster.tool("pg_dump");
            dump.arg("--format=custom").arg("--file").arg(&backup).args(["--dbname", &p.cluster.url(&p.now)]).status()
        } else {
            let command = format!(".backup '{}'", backup.display());
            Command::new("sqlite3").arg(self.path("convoke.sqlite3")).arg(command).status()
        };
        match done {
            Ok(status) => assert!(status.success(), "{status}"),
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "sqlite3, or pg_dump: {error}");
                eprintln!("BACK-UP: NOT TRIED, because sqlite3 is missing: `script/setup test` installs it");
                return None;
            }
        }
        Some(backup)
    }

    /// Replaces the database by the copy.
    pub(crate) fn restore(&self, backup: &Path) {
        if let Some(p) = &self.postgres {
            let mut restore = p.cluster.tool("pg_restore");
            restore
                .args(["--clean", "--if-exists", "--single-transaction", "--dbname", &p.cluster.url(&p.now)])
                .arg(backup);
            assert!(restore.status().unwrap().success());
        } else {
            for end in ["-wal", "-shm"] {
                let _ = fs::remove_file(self.path(&format!("convoke.sqlite3{end}")));
            }
            fs::copy(backup, self.path("convoke.sqlite3")).unwrap();
        }
    }

    /// Changes the database behind the program's back, as an intruder would.
    pub(crate) fn change(&self, sql: &str) -> Result<(), String> {
        on_either!(self, c => c.batch_execute(sql)).map_err(|e| e.to_string())
    }

    /// Puts the appointment that `which` selects on another day, as if it had been made for it.
    pub(crate) fn put_appointment_on(&self, day: &str, which: &str) {
        self.change(&format!(
            "UPDATE convocation SET day = '{day}',
                 slot_id = substr(slot_id, 1, length(slot_id) - 16) || '{day}' || substr(slot_id, length(slot_id) - 5) WHERE {which}"
        ))
        .unwrap();
    }

    /// Makes another process lock the database for a while: nobody can write meanwhile.
    pub(crate) fn hold_locked(&self, how_long: std::time::Duration) -> std::thread::JoinHandle<()> {
        let (locked, is_locked) = std::sync::mpsc::channel();
        let (url, path) = (self.url(), self.path("convoke.sqlite3"));
        let on_postgres = self.postgres.is_some();
        let holder = std::thread::spawn(move || {
            let held = |conn: &mut dyn FnMut(&str)| {
                conn(if on_postgres { "BEGIN; LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE" } else { "BEGIN IMMEDIATE" });
                locked.send(()).unwrap();
                std::thread::sleep(how_long);
                conn("COMMIT");
            };
            if on_postgres {
                let mut conn = PgConnection::establish(&url).unwrap();
                held(&mut |sql| conn.batch_execute(sql).unwrap());
            } else {
                let mut conn = SqliteConnection::establish(&path.display().to_string()).unwrap();
                conn.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
                held(&mut |sql| conn.batch_execute(sql).unwrap());
            }
        });
        is_locked.recv().unwrap();
        holder
    }

    /// Queries the database directly. Columns are separated by `|`, rows by line feeds.
    pub(crate) fn query(&self, sql: &str) -> String {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
            answer: Option<String>,
        }
        let columns = columns_of(sql);
        let names: Vec<String> = (0..columns).map(|i| format!("coalesce(CAST(c{i} AS TEXT), '')")).collect();
        let heads: Vec<String> = (0..columns).map(|i| format!("c{i}")).collect();
        let wrapped =
            format!("WITH q({}) AS ({sql}) SELECT {} AS answer FROM q", heads.join(", "), names.join(" || '|' || "));
        let rows: Vec<Row> = on_either!(self, c => diesel::sql_query(wrapped).load(&mut c)).unwrap();
        rows.into_iter().map(|r| r.answer.unwrap_or_default() + "\n").collect()
    }

    /// The same, without the last line feed.
    pub(crate) fn one(&self, sql: &str) -> String {
        self.query(sql).trim().to_owned()
    }
}

/// An office after a first night; its letters wait. A test that changes something takes a copy.
pub(crate) static PLANNED: LazyLock<Office> = LazyLock::new(|| {
    let office = Office::new(Shape { permits: 600, seats: true });
    office.run(&[]);
    office
});

/// Number of columns of a query: the commas of its first list outside brackets, plus one.
fn columns_of(sql: &str) -> usize {
    let (mut depth, mut commas) = (0i32, 0);
    for (i, c) in sql.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => commas += 1,
            'F' if depth == 0 && sql[i..].starts_with("FROM") => break,
            _ => {}
        }
    }
    commas + 1
}

/// How far ahead of the machine's clock tests live: their world begins at ten o'clock (UTC) of a fixed Wednesday in
/// winter, or of the day that `CONVOKE_TEST_DAY` names, and time passes in it as usual. What a test finds never depends
/// on the day on which it runs.
static AHEAD: LazyLock<TimeDelta> = LazyLock::new(|| {
    let day = std::env::var("CONVOKE_TEST_DAY").unwrap_or_else(|_| "2026-11-25".into());
    let day: NaiveDate = day.parse().expect("CONVOKE_TEST_DAY=YYYY-MM-DD");
    let begins = day.and_hms_opt(10, 0, 0).unwrap().and_utc();
    TimeDelta::seconds((begins - Clock::System.now()).num_seconds())
});

/// The present instant of the tests.
pub(crate) fn now() -> DateTime<Utc> {
    Clock::System.now() + *AHEAD
}

/// Its civil date.
pub(crate) fn today() -> NaiveDate {
    now().with_timezone(&chrono_tz::Europe::Paris).date_naive()
}

/// The program, on the tests' day.
pub(crate) fn convoke() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_convoke"));
    command.env("CONVOKE_FAULT_CLOCK", seconds_ahead());
    command
}

/// `CONVOKE_FAULT_CLOCK`, for a program that another one starts.
pub(crate) fn seconds_ahead() -> String {
    AHEAD.num_seconds().to_string()
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        // The log's content is already in the database; the log itself may vanish at any moment, with its last reader.
        if matches!(entry.path().extension().and_then(|e| e.to_str()), Some("sqlite3-wal" | "sqlite3-shm")) {
            continue;
        }
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
