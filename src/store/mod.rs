//! The database. One schema for SQLite and PostgreSQL, one connection enum, a file per aggregate; every query is
//! filtered by préfecture by construction, for the [`Store`] holds it.

mod bounces;
mod convocations;
mod households;
mod intake;
mod ledger;
mod notices;
mod outbox;
mod permits;
mod post;
mod queue;
mod runs;
mod schema;
mod slots;
mod statement;
mod templates;

use std::path::Path;

use anyhow::{Context, Result, bail};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

pub use bounces::BounceRow;
pub use convocations::{ConvocationRow, ElsewhereFault, Live, Placement};
pub use intake::{ImportedRow, Merged, Staged};
pub use ledger::Head;
pub use notices::{NewNotice, Unnoticed};
pub use outbox::LetterRow;
pub use permits::{HolderRow, PermitRow, VerdictChange};
pub use post::ToPost;
pub use queue::{Attempt, Paused, Settlement, Standing};
pub use runs::{Acquired, NewRun, RunRow, Stored};
pub use slots::SlotRow;

use crate::entropy::Entropy;
use crate::ids::{IdKey, hex};
use schema::prefecture;

const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Rows of one statement that binds a key: far below the limits of both databases.
const KEYS_PER_QUERY: usize = 10_000;

/// In a module of its own, because the derive makes public items that nothing can document.
mod connection {
    use diesel::{PgConnection, SqliteConnection};

    /// A connection to either database: SQLite, bundled, the default; PostgreSQL, written for from the first day, whose
    /// migrations are not there yet.
    #[derive(diesel::MultiConnection)]
    pub(super) enum Conn {
        Sqlite(SqliteConnection),
        Postgres(PgConnection),
    }
}
use connection::Conn;

/// Expands one body for both connections: batch inserts and RETURNING do not work on the enum itself.
macro_rules! on_backend {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn {
            $crate::store::Conn::Sqlite($c) => $body,
            $crate::store::Conn::Postgres($c) => $body,
        }
    };
}
use on_backend;

/// The database lacks the tables of this version.
#[derive(Debug, thiserror::Error)]
#[error("the database has no tables of this version yet: run `convoke migrate`")]
pub struct NotMigrated;

/// The URL of the database is not one that this version can use.
#[derive(Debug, thiserror::Error)]
#[error("[database] url: {0}")]
pub struct WrongUrl(String);

/// One préfecture's part of a database.
pub struct Store {
    conn: Conn,
    prefecture: String,
}

/// What a process does with its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A batch command: maps the file into memory.
    Batch,
    /// A long-lived worker: mapped pages would count as its memory.
    Worker,
}

impl Store {
    /// Opens a migrated database.
    pub fn open(url: &str, prefecture: &str, usage: Use) -> Result<Self> {
        let mut store = Self { conn: connect(url, usage)?, prefecture: prefecture.to_owned() };
        let pending = match &mut store.conn {
            Conn::Sqlite(c) => c.has_pending_migration(SQLITE_MIGRATIONS).map_err(|e| anyhow::anyhow!("{e}"))?,
            Conn::Postgres(_) => true,
        };
        if pending {
            bail!(NotMigrated);
        }
        Ok(store)
    }

    /// Creates or brings up to date the tables; returns the names of the migrations that were run.
    pub fn migrate(url: &str) -> Result<Vec<String>> {
        let mut conn = connect(url, Use::Batch)?;
        let run = match &mut conn {
            Conn::Sqlite(c) => c
                .run_pending_migrations(SQLITE_MIGRATIONS)
                .map_err(|e| anyhow::anyhow!("migrating: {e}"))?
                .iter()
                .map(ToString::to_string)
                .collect(),
            Conn::Postgres(_) => bail!("PostgreSQL has no migrations in this version: use `sqlite:PATH`"),
        };
        Ok(run)
    }

    /// The préfecture's code.
    pub fn prefecture(&self) -> &str {
        &self.prefecture
    }

    /// A second handle on the same préfecture, for a thread of its own.
    pub fn another(&self, url: &str, usage: Use) -> Result<Self> {
        Ok(Self { conn: connect(url, usage)?, prefecture: self.prefecture.clone() })
    }

    /// Everything in `steps` happens, or nothing. On SQLite the write lock is taken at once: a transaction that reads first
    /// and writes later could find that another has written in between, and would have to be given up.
    pub fn write<T>(&mut self, steps: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.transaction("BEGIN IMMEDIATE", "BEGIN", steps)
    }

    /// Everything in `steps` sees one state of the database.
    pub fn read<T>(&mut self, steps: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.transaction("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", steps)
    }

    fn transaction<T>(
        &mut self,
        sqlite: &str,
        postgres: &str,
        steps: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let begin = match self.conn {
            Conn::Sqlite(_) => sqlite,
            Conn::Postgres(_) => postgres,
        };
        self.execute(begin).context("the database is busy, or cannot be written")?;
        match steps(self) {
            Ok(value) => {
                // A commit that fails (a full disk) leaves the transaction open: it must not swallow what comes next.
                self.execute("COMMIT").inspect_err(|_| self.roll_back()).context("committing")?;
                Ok(value)
            }
            Err(error) => {
                self.roll_back();
                Err(error)
            }
        }
    }

    fn roll_back(&mut self) {
        // SQLite rolls some failed transactions back by itself; then there is nothing left to do.
        let _ = self.execute("ROLLBACK");
    }

    /// Runs statements without parameters.
    fn execute(&mut self, sql: &str) -> QueryResult<()> {
        on_backend!(&mut self.conn, c => c.batch_execute(sql))
    }

    /// The installation's key for opaque ids, made on first use.
    pub fn id_key(&mut self, entropy: &mut Entropy) -> Result<IdKey> {
        let fresh = hex(&entropy.bytes()?);
        self.write(|store| {
            let row = prefecture::table.find(&store.prefecture).select(prefecture::id_key);
            let known: Option<String> = row.first(&mut store.conn).optional()?;
            let text = if let Some(text) = known {
                text
            } else {
                diesel::insert_into(prefecture::table)
                    .values((prefecture::code.eq(&store.prefecture), prefecture::id_key.eq(&fresh)))
                    .execute(&mut store.conn)?;
                fresh
            };
            Ok(IdKey(unhex(&text).context("the id key in the database is not 64 hexadecimal digits")?))
        })
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (i, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(key)
}

fn connect(url: &str, usage: Use) -> Result<Conn> {
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        // The URL may hold a password: it is not repeated.
        bail!(WrongUrl("this version keeps its data in SQLite: set it to `sqlite:PATH`".into()));
    }
    let Some(path) = url.strip_prefix("sqlite:") else {
        bail!(WrongUrl("it must begin with `sqlite:`, such as `sqlite:convoke.sqlite3`".into()));
    };
    if let Some(folder) = Path::new(path).parent().filter(|f| !f.as_os_str().is_empty() && !f.is_dir()) {
        let folder = folder.display();
        bail!(WrongUrl(format!("the folder {folder} does not exist: create it, or correct the URL")));
    }
    let mut c = SqliteConnection::establish(path).with_context(|| format!("opening the database {path}"))?;
    let mmap = if usage == Use::Batch { 268_435_456 } else { 0 };
    // busy_timeout first: switching to WAL may itself have to wait for another process.
    c.batch_execute(&format!(
        "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 10000; PRAGMA mmap_size = {mmap};"
    ))
    .with_context(|| format!("preparing the database {path}"))?;
    Ok(Conn::Sqlite(c))
}
