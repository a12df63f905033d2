//! An office for tests: a folder made by `convoke init`, and the real program run in it. Time is the machine's: the extract
//! is made around today, so nothing depends on the date.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use chrono::{Days, NaiveDate};
use serde_json::Value;
use tempfile::TempDir;

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
}

impl Office {
    pub fn new(shape: Shape) -> Self {
        let office = Self { dir: tempfile::tempdir().unwrap() };
        office.ok(&["init", "--dir", ".", "--example", "94", "--json"]);
        let today = today();
        let mut file = fs::File::create(office.path("permits.csv")).unwrap();
        convoke::demo::world::write_permits(7, shape.permits, today, &mut file).unwrap();
        office.ok(&["import", "permits", "permits.csv", "--json"]);
        if shape.seats {
            let until = today.checked_add_days(Days::new(220)).unwrap().to_string();
            office.ok(&["agenda", "generate", "--until", &until, "--json"]);
        }
        fs::copy(office.path("convoke.sqlite3"), office.path("before.sqlite3")).unwrap();
        office
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Another office, as this one is now.
    pub fn copy(&self) -> Self {
        let copy = Self { dir: tempfile::tempdir().unwrap() };
        self.change("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        copy_folder(self.dir.path(), copy.dir.path());
        copy
    }

    /// Another office, as this one was before its first night.
    pub fn before_the_night(&self) -> Self {
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
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
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
        use diesel::prelude::*;
        let mut conn = SqliteConnection::establish(&self.path("convoke.sqlite3").display().to_string()).unwrap();
        diesel::connection::SimpleConnection::batch_execute(&mut conn, sql).map_err(|e| e.to_string())
    }

    /// A question to the database, asked past the program. Columns are separated by `|`, rows by line feeds.
    pub fn query(&self, sql: &str) -> String {
        use diesel::prelude::*;
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
            answer: Option<String>,
        }
        let url = self.path("convoke.sqlite3").display().to_string();
        let mut conn = SqliteConnection::establish(&url).unwrap();
        let columns = columns_of(sql);
        let names: Vec<String> = (0..columns).map(|i| format!("coalesce(c{i}, '')")).collect();
        let heads: Vec<String> = (0..columns).map(|i| format!("c{i}")).collect();
        let wrapped =
            format!("WITH q({}) AS ({sql}) SELECT {} AS answer FROM q", heads.join(", "), names.join(" || '|' || "));
        let wrapped = wrapped.replace("SELECT coalesce(c0, '') AS", "SELECT CAST(c0 AS TEXT) AS");
        let rows: Vec<Row> = diesel::sql_query(wrapped).load(&mut conn).unwrap();
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
