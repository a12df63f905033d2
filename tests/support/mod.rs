//! An office for tests: a folder made by `convoke init`, and the real program run in it. Time is the machine's: the extract
//! is made around today, so nothing depends on the date. In the test program `postgres` its database is one of PostgreSQL.

mod postgres;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use chrono::{Days, NaiveDate};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use postgres::cluster;
use serde_json::Value;
use tempfile::TempDir;

macro_rules! on_either {
    ($office:expr, $c:ident => $body:expr) => {
        if let Some((now, _)) = &$office.postgres {
            let mut $c = PgConnection::establish(&cluster().url(now)).unwrap();
            $body
        } else {
            let mut $c = SqliteConnection::establish(&$office.path("convoke.sqlite3").display().to_string()).unwrap();
            $body
        }
    };
}

/// What the office has before its first night.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Permits in the extract.
    pub permits: usize,
    /// Whether there is an agenda.
    pub seats: bool,
}

pub struct Office {
    dir: TempDir,
    /// Names in the cluster: of its database, and of what it was before its first night.
    postgres: Option<(String, String)>,
}

/// Whether this test program asks the same of PostgreSQL.
const ON_POSTGRES: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"postgres");

impl Office {
    pub fn new(shape: Shape) -> Self {
        let postgres = ON_POSTGRES.then(|| (cluster().create(None), String::new()));
        let mut office = Self { dir: tempfile::tempdir().unwrap(), postgres };
        office.ok(&["init", "--dir", ".", "--example", "94", "--json"]);
        let today = today();
        let mut file = fs::File::create(office.path("permits.csv")).unwrap();
        convoke::demo::world::write_permits(7, shape.permits, today, &mut file).unwrap();
        office.ok(&["import", "permits", "permits.csv", "--json"]);
        if shape.seats {
            let until = today.checked_add_days(Days::new(220)).unwrap().to_string();
            office.ok(&["agenda", "generate", "--until", &until, "--json"]);
        }
        if let Some((now, before)) = &mut office.postgres {
            *before = cluster().create(Some(now));
        } else {
            fs::copy(office.path("convoke.sqlite3"), office.path("before.sqlite3")).unwrap();
        }
        office
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Another office, as this one is now.
    pub fn copy(&self) -> Self {
        let postgres = self.postgres.clone().map(|(now, before)| (cluster().create(Some(&now)), before));
        let copy = Self { dir: tempfile::tempdir().unwrap(), postgres };
        if copy.postgres.is_none() {
            self.change("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        }
        copy_folder(self.dir.path(), copy.dir.path());
        copy
    }

    /// Another office, as this one was before its first night.
    pub fn before_the_night(&self) -> Self {
        if let Some((_, before)) = &self.postgres {
            let postgres = Some((cluster().create(Some(before)), before.clone()));
            let copy = Self { dir: tempfile::tempdir().unwrap(), postgres };
            copy_folder(self.dir.path(), copy.dir.path());
            return copy;
        }
        let copy = self.copy();
        fs::copy(copy.path("before.sqlite3"), copy.path("convoke.sqlite3")).unwrap();
        copy
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_convoke"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env("CONVOKE__SMTP__URL", "maildir:out")
            .env("CONVOKE__DISPATCH__HOURS", "always")
            .env("CONVOKE__DISPATCH__RETRY_FIRST_S", "1")
            .env("CONVOKE__POLICY__MAX_FIRM_PER_RUN", "100000")
            // Weeks are made firm at once: a night then has more than one chunk.
            .env("CONVOKE__POLICY__FIRM_LEAD_DAYS", "60")
            .env("CONVOKE__DATABASE__URL", self.url())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// URL of the database.
    pub fn url(&self) -> String {
        match &self.postgres {
            Some((now, _)) => cluster().url(now),
            None => format!("sqlite:{}", self.path("convoke.sqlite3").display()),
        }
    }

    pub fn output(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The JSON answer of a command that ends with 0, or with 4: some people have no slot.
    pub fn answer(&self, args: &[&str]) -> Value {
        let output = self.output(args);
        assert!(matches!(output.status.code(), Some(0 | 4)), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The JSON answer of a command that ends with 0.
    pub fn ok(&self, args: &[&str]) -> Value {
        let output = self.output(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub fn run(&self, args: &[&str]) -> Value {
        self.answer(&[&["run", "--yes", "--reason", "test", "--json"], args].concat())
    }

    /// Dispatches until no e-mail waits: a letter whose fate is unknown waits a second.
    pub fn until_sent(&self) {
        for _ in 0..200 {
            self.ok(&["dispatch", "--until-empty", "--json"]);
            if self.query("SELECT count(*) FROM outbox WHERE state IN ('queued', 'deferred', 'uncertain', 'leased', 'sending')").trim() == "0" {
                return;
            }
        }
        panic!("letters still wait");
    }

    pub fn mails(&self) -> Vec<PathBuf> {
        let folder = self.path("out/new");
        fs::read_dir(folder).map(|entries| entries.map(|e| e.unwrap().path()).collect()).unwrap_or_default()
    }

    /// A change made past the program, as an intruder would.
    pub fn change(&self, sql: &str) -> Result<(), String> {
        on_either!(self, c => c.batch_execute(sql)).map_err(|e| e.to_string())
    }

    /// Has another hold the database for a while: nobody can write meanwhile.
    #[allow(dead_code, reason = "not every test program meets a busy database")]
    pub fn hold_locked(&self, how_long: std::time::Duration) -> std::thread::JoinHandle<()> {
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

    /// A question to the database, asked past the program. Columns are separated by `|`, rows by line feeds.
    pub fn query(&self, sql: &str) -> String {
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
}

/// Columns of a query: the commas of its first list that stand in no bracket, plus one.
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

/// The machine's civil date, asked past the clock that the program forbids to everyone but clock.rs.
pub fn today() -> NaiveDate {
    convoke::clock::Clock::System.today(chrono_tz::Europe::Paris)
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
