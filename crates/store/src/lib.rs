//! The database. One schema for SQLite and PostgreSQL, one connection enum, a file per aggregate; every query is
//! filtered by préfecture by construction, for the [`Store`] holds it.

mod access;
mod acts;
mod attendance;
mod bounces;
mod connection;
mod convocations;
mod copy;
mod figures;
mod find;
mod households;
mod intake;
mod ledger;
mod movers;
mod nights;
mod notices;
mod outbox;
mod period;
mod permits;
mod person;
mod post;
mod privacy;
mod queue;
mod records;
mod requests;
mod runs;
mod schema;
mod seals;
mod shared;
mod slots;
mod statement;
mod templates;
pub mod word;
mod words;

use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

pub use access::{AccountRow, PendingSignIn, SessionRow};
pub use acts::{ClosedDay, Renewed};
pub use attendance::{TakenSeat, Unmarked};
pub use bounces::{BounceRow, Unread};
pub use connection::WrongUrl;
pub use convocations::{ConvocationRow, ElsewhereFault, Live, Placement};
pub use copy::{Copied, Copy, copy};
pub use figures::Figures;
pub use find::{Found, FoundAppointment, FoundPermit, Person};
pub use intake::{ImportedRow, Merged, Staged};
pub use ledger::Head;
pub use movers::{Elsewhere, InForce};
pub use nights::{NightRow, NightState, Watch};
pub use notices::{NewNotice, Unnoticed};
pub use outbox::{LetterFilter, LetterLine, LetterRow, SaidOf};
pub use permits::{HolderRow, PermitRow, VerdictChange};
pub use person::{ActOn, Known, KnownLetter, KnownPermit, Title};
pub use post::ToPost;
pub use privacy::{Lives, PURGED};
pub use queue::{Attempt, Paused, Settlement, Standing};
pub use records::Record;
pub use requests::{NewRequest, OpenRequest, RequestRow};
pub use runs::{Acquired, NewRun, RunRow, Stored};
pub use seals::{ToldWitness, WitnessLetter};
pub use shared::{Contact, Shared};
pub use slots::SlotRow;

use connection::{Conn, NotTaken, connect, insert_all, on_backend};
use convoke_domain::ids::{IdKey, hex, unhex};
use convoke_machine::clock::Stopwatch;
use convoke_machine::entropy::Entropy;
use schema::prefecture;

/// Rows of one statement that binds a key: far below the limits of both databases.
const KEYS_PER_QUERY: usize = 10_000;

/// How a writer's statements are planned on PostgreSQL: one kept from when a table was empty would read all of it for ever.
const CUSTOM_PLANS: &str = "force_custom_plan";

/// Losses of a connection after which one step is given up: by then it is no accident.
const LOSSES_MAX: u32 = 100;
/// A transaction that others have waited for longer than that is told to whoever looks for what slows them.
const LONG_S: f64 = 0.1;
/// Between two attempts to reach a database that was lost, and for how long it is tried: a restart takes seconds, a change of
/// machines minutes.
const RECONNECT_EVERY: Duration = Duration::from_millis(500);
const RECONNECT_FOR: f64 = 300.0;
/// The same for a database that was not reached yet: somebody may wait for the answer, and the password may be wrong.
const OPEN_FOR: f64 = 5.0;

/// The database lacks the tables of this version.
#[derive(Debug, thiserror::Error)]
#[error("the database has no tables of this version yet: run `convoke migrate`")]
pub struct NotMigrated;

/// One préfecture's part of a database.
pub struct Store {
    conn: Conn,
    url: String,
    usage: Use,
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

/// Opens what a command needs, again where a moment may mend it.
fn patiently<T>(mut open: impl FnMut() -> Result<T>) -> Result<T> {
    let watch = Stopwatch::start();
    loop {
        match open() {
            Err(error) if error.downcast_ref().is_some_and(NotTaken::may_pass) && watch.seconds() < OPEN_FOR => {
                tracing::debug!("{error:#}: tried again");
                std::thread::sleep(RECONNECT_EVERY);
            }
            done => return done,
        }
    }
}

impl Store {
    /// Opens a migrated database.
    pub fn open(url: &str, prefecture: &str, usage: Use) -> Result<Self> {
        let mut conn = connect(url, usage)?;
        match conn.lacks_migrations() {
            Ok(true) => bail!(NotMigrated),
            Err(error) if conn.is_lost() => bail!(NotTaken(format!("{error:#}"))),
            told => told?,
        };
        Ok(Self { conn, url: url.to_owned(), usage, prefecture: prefecture.to_owned() })
    }

    /// The same for a command, which nothing begins again: it waits for a PostgreSQL that is just starting anew.
    pub fn open_patiently(url: &str, prefecture: &str, usage: Use) -> Result<Self> {
        patiently(|| Self::open(url, prefecture, usage))
    }

    /// Creates or brings up to date the tables; returns the names of the migrations that were run. It waits likewise.
    pub fn migrate(url: &str) -> Result<Vec<String>> {
        patiently(|| connect(url, Use::Batch))?.migrate()
    }

    /// The préfecture's code.
    pub fn prefecture(&self) -> &str {
        &self.prefecture
    }

    /// A second handle on the same préfecture, for a thread of its own.
    pub fn another(&self) -> Result<Self> {
        let (url, prefecture) = (self.url.clone(), self.prefecture.clone());
        Ok(Self { conn: connect(&url, self.usage)?, url, usage: self.usage, prefecture })
    }

    /// What the database is: its version, and whether its data cross the network encrypted.
    pub fn describe(&mut self) -> Result<String> {
        use diesel::dsl::sql;
        use diesel::sql_types::Text;
        let told = match &mut self.conn {
            Conn::Sqlite(c) => diesel::select(sql::<Text>("'SQLite ' || sqlite_version()")).get_result(c),
            Conn::Postgres(c) => diesel::select(sql::<Text>(
                "'PostgreSQL ' || current_setting('server_version') || CASE WHEN inet_server_addr() IS NULL THEN ', by its socket'
                 WHEN (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) THEN ', encrypted' ELSE ', in clear' END",
            ))
            .get_result(c),
        };
        told.context("asking the database what it is")
    }

    /// What time it is on the database's own machine, where that is another than this one.
    pub fn server_time(&mut self) -> Result<Option<DateTime<Utc>>> {
        use diesel::dsl::sql;
        use diesel::sql_types::Timestamp;
        let Conn::Postgres(c) = &mut self.conn else { return Ok(None) };
        let asked = diesel::select(sql::<Timestamp>("CAST(clock_timestamp() AT TIME ZONE 'UTC' AS TIMESTAMP)"));
        let now: chrono::NaiveDateTime = asked.get_result(c).context("asking the database what time it is")?;
        Ok(Some(now.and_utc()))
    }

    /// Does `steps`, which are safe to repeat, again on another connection whenever theirs is lost. A server that starts anew is
    /// waited for.
    pub fn persist<T>(&mut self, mut steps: impl FnMut(&mut Self) -> Result<T>) -> Result<T> {
        let mut losses = 0;
        loop {
            match steps(self) {
                Err(error) if losses < LOSSES_MAX && self.conn.is_lost() => {
                    tracing::warn!("The connection to the database was lost: {error:#}");
                    losses += 1;
                    self.reconnect()?;
                }
                done => return done,
            }
        }
    }

    /// Whether the connection still answers.
    pub fn answers(&mut self) -> bool {
        !self.conn.is_lost()
    }

    fn reconnect(&mut self) -> Result<()> {
        let watch = Stopwatch::start();
        loop {
            match connect(&self.url, self.usage) {
                Ok(conn) => {
                    self.conn = conn;
                    return Ok(());
                }
                Err(error) if watch.seconds() > RECONNECT_FOR => return Err(error),
                Err(_) => std::thread::sleep(RECONNECT_EVERY),
            }
        }
    }

    /// Everything in `steps` happens, or nothing; of the writers of a préfecture, one at a time. On SQLite the write lock is
    /// taken at once: a transaction that reads first and writes later could find that another has written in between, and
    /// would have to be given up. On PostgreSQL an advisory lock gives the same to each préfecture by itself.
    #[track_caller]
    pub fn write<T>(&mut self, steps: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let lock = format!(
            "BEGIN; SET LOCAL plan_cache_mode = {CUSTOM_PLANS}; SELECT pg_advisory_xact_lock(hashtextextended('convoke:{}', 0))",
            self.prefecture
        );
        self.locked(&lock, steps)
    }

    /// The same for steps of which each names the row and the epoch that it changes: on PostgreSQL many do them at once.
    #[track_caller]
    pub fn write_rows<T>(&mut self, steps: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.locked("BEGIN", steps)
    }

    /// How many appointments go into one transaction. On SQLite whoever else writes waits for it. On PostgreSQL those of one
    /// préfecture do, while each commit waits for the disk: in larger ones it writes ahead meanwhile, and the end waits little.
    pub fn appointments_at_once(&self) -> usize {
        if self.is_postgres() { 5_000 } else { 1_000 }
    }

    /// Everything in `steps` sees one state of the database.
    pub fn read<T>(&mut self, steps: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.transaction("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", steps)
    }

    /// A transaction for whose end other writers wait; one that takes long is told.
    #[track_caller]
    fn locked<T>(&mut self, postgres: &str, steps: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let (watch, by) = (OnceCell::new(), Location::caller());
        let done = self.transaction("BEGIN IMMEDIATE", postgres, |s| {
            // From when the lock was given, not from when it was asked for.
            let _ = watch.set(Stopwatch::start());
            steps(s)
        });
        let seconds = watch.get().map_or(0.0, Stopwatch::seconds);
        if seconds > LONG_S {
            tracing::debug!("The transaction at {by} kept other writers waiting for {:.0} ms", seconds * 1000.0);
        }
        done
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
        // A lock that was waited for in vain leaves its transaction open.
        self.execute(begin).inspect_err(|_| self.roll_back()).context("the database is busy, or cannot be written")?;
        // A panic that is caught above must not leave half of the steps to be committed by what comes next.
        let done = catch_unwind(AssertUnwindSafe(|| steps(self))).unwrap_or_else(|panic| {
            self.roll_back();
            resume_unwind(panic)
        });
        match done {
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

    /// How PostgreSQL plans the statements of this transaction from here on.
    fn plan(&mut self, mode: &str) -> QueryResult<()> {
        if self.is_postgres() { self.execute(&format!("SET LOCAL plan_cache_mode = {mode}")) } else { Ok(()) }
    }

    /// Runs statements without parameters.
    fn execute(&mut self, sql: &str) -> QueryResult<()> {
        on_backend!(&mut self.conn, c => c.batch_execute(sql))
    }

    /// The installation's key for opaque ids, made on first use.
    pub fn id_key(&mut self, entropy: &mut Entropy) -> Result<IdKey> {
        let fresh = hex(&entropy.bytes()?);
        self.write(|store| {
            if let Some(key) = store.stored_id_key()? {
                return Ok(key);
            }
            diesel::insert_into(prefecture::table)
                .values((prefecture::code.eq(&store.prefecture), prefecture::id_key.eq(&fresh)))
                .execute(&mut store.conn)?;
            store.stored_id_key()?.context("the id key was not kept")
        })
    }

    /// The same, where it was made already: before the first import nobody has an id.
    fn stored_id_key(&mut self) -> Result<Option<IdKey>> {
        let row = prefecture::table.find(&self.prefecture).select(prefecture::id_key);
        let known: Option<String> = row.first(&mut self.conn).optional()?;
        known
            .map(|text| Ok(IdKey(unhex(&text).context("the id key in the database is not 64 hexadecimal digits")?)))
            .transpose()
    }

    /// Has the planner know how much there is of what: without statistics SQLite takes `prefecture = …` of a primary key for ten rows, and
    /// reads a million where an index has one. Samples a few hundred rows of each index that has grown; PostgreSQL looks by itself.
    pub fn refresh_statistics(&mut self) -> Result<()> {
        if self.is_postgres() {
            return Ok(());
        }
        self.execute("PRAGMA analysis_limit = 400; PRAGMA optimize = 0x10002")
            .context("telling the planner what there is")?;
        // Samples of keys, among them people's numbers: the counts are enough. The table is there only where something was sampled.
        let _ = self.execute("DELETE FROM sqlite_stat4");
        Ok(())
    }

    /// Has permits be looked up by their holders. Without statistics SQLite takes `prefecture = …` of a primary key for ten rows, and
    /// would read all of them.
    fn permit_by_holder(&self) -> &'static str {
        if self.is_postgres() { "" } else { "INDEXED BY permit_by_holder" }
    }

    fn is_postgres(&self) -> bool {
        matches!(self.conn, Conn::Postgres(_))
    }
}
