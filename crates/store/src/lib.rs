//! The database. One schema for SQLite and PostgreSQL, one connection enum, a file per aggregate. Every query is
//! filtered by the préfecture that the [`Store`] holds.

mod access;
mod acts;
mod anew;
mod attendance;
mod bounces;
mod changes;
mod connection;
mod convocations;
mod copy;
mod figures;
mod find;
mod followed;
mod holders;
mod households;
mod identity;
mod intake;
mod ledger;
mod letter;
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
mod revision;
mod row;
mod runs;
mod scope;
mod seals;
mod shared;
mod slots;
mod standing;
mod statement;
mod templates;
mod titles;
mod undo;
mod waiting;
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
pub use anew::Subject;
pub use attendance::{TakenSeat, Unmarked};
pub use bounces::{BounceRow, Unread};
pub use changes::{ColumnChange, Merged};
pub use connection::WrongUrl;
pub use convocations::{ConvocationRow, ElsewhereFault, Live, Placement};
pub use copy::{Copied, Copy, copy};
pub use figures::Figures;
pub use find::{Found, FoundAppointment, FoundPermit, Person};
pub use followed::{Case, Followed};
pub use holders::HolderRow;
pub use identity::{Clash, OtherHolder, Renumbered};
pub use intake::{Extract, ImportedRow, Staged};
pub use ledger::Head;
pub use letter::{LetterRow, NewLetter};
pub use movers::{Elsewhere, InForce};
pub use nights::{NightRow, NightState, Watch};
pub use notices::{NewNotice, Unnoticed};
pub use outbox::{Doubtful, LetterFilter, LetterLine, SaidOf};
pub use permits::{PermitRow, VerdictChange};
pub use person::{ActOn, Known, KnownLetter, KnownPermit, Title};
pub use post::ToPost;
pub use privacy::{Lives, PURGED};
pub use queue::{Attempt, Paused, Settlement};
pub use records::Record;
pub use requests::{NewRequest, OpenRequest, RequestRow};
pub use revision::{BuiltOn, ImportRow, Restored};
pub use row::Unreadable;
pub use runs::{Acquired, NewRun, RunRow, Stored};
pub use seals::{ToldWitness, WitnessLetter};
pub use shared::{Contact, Shared};
pub use standing::Standing;
pub use titles::{TitleInUse, ToIdentify, UnknownTitle};
pub use undo::{SetEmail, UNDONE};
pub use waiting::Waiting;

use connection::{Conn, NotTaken, connect, insert_all, insert_own, on_backend};
use convoke_domain::ids::{IdKey, hex, unhex};
use convoke_machine::clock::Stopwatch;
use convoke_machine::confirm::Confirmed;
use convoke_machine::entropy::Entropy;
use scope::{Scope, prefecture};

/// Keys bound per statement: far below the limits of both databases.
const KEYS_PER_QUERY: usize = 10_000;

/// Plan mode of writing transactions on PostgreSQL: a plan cached while a table was empty would scan the whole table
/// for ever.
const CUSTOM_PLANS: &str = "force_custom_plan";

/// Lost connections after which a step is given up: by then it is no accident.
const LOSSES_MAX: u32 = 100;
/// Write transactions longer than this are logged: others wait for them. In seconds.
const LONG_S: f64 = 0.1;
/// Interval between attempts to reach a lost database, and how long to try: a restart takes seconds, a failover
/// minutes.
const RECONNECT_EVERY: Duration = Duration::from_millis(500);
const RECONNECT_FOR: f64 = 300.0;
/// How long to try on first contact, in seconds: someone may be waiting, and the password may be wrong.
const OPEN_FOR: f64 = 5.0;

/// The database lacks tables of this version.
#[derive(Debug, thiserror::Error)]
#[error("the database has no tables of this version yet: run `convoke migrate`")]
pub struct NotMigrated;

/// One préfecture's part of the database.
pub struct Store {
    conn: Conn,
    url: String,
    usage: Use,
    scope: Scope,
    /// Whether transactions are taken back instead of committed.
    rehearsing: bool,
}

/// How a process uses its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A batch command: maps the file into memory.
    Batch,
    /// A long-lived worker: mapped pages would count towards its memory.
    Worker,
}

/// Opens what a command needs, with retries if the failure may be temporary.
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
            shown => shown?,
        };
        Ok(Self { conn, url: url.to_owned(), usage, scope: Scope::of(prefecture), rehearsing: false })
    }

    /// Like [`Store::open`], for a command that nothing restarts: it waits for a PostgreSQL server that is restarting.
    pub fn open_patiently(url: &str, prefecture: &str, usage: Use) -> Result<Self> {
        patiently(|| Self::open(url, prefecture, usage))
    }

    /// Creates or upgrades the tables. Returns the names of the migrations that were run. It waits in the same way.
    pub fn migrate(url: &str) -> Result<Vec<String>> {
        patiently(|| connect(url, Use::Batch))?.migrate()
    }

    /// The préfecture's code.
    pub fn prefecture(&self) -> &str {
        self.scope.code()
    }

    /// A second handle on the same préfecture, for another thread.
    pub fn another(&self) -> Result<Self> {
        let (conn, url) = (connect(&self.url, self.usage)?, self.url.clone());
        Ok(Self { conn, url, usage: self.usage, scope: Scope::of(self.scope.code()), rehearsing: false })
    }

    /// Describes the database: its version, and whether its data cross the network encrypted.
    pub fn describe(&mut self) -> Result<String> {
        use diesel::dsl::sql;
        use diesel::sql_types::Text;
        let shown = match &mut self.conn {
            Conn::Sqlite(c) => diesel::select(sql::<Text>("'SQLite ' || sqlite_version()")).get_result(c),
            Conn::Postgres(c) => diesel::select(sql::<Text>(
                "'PostgreSQL ' || current_setting('server_version') || CASE WHEN inet_server_addr() IS NULL THEN ', by its socket'
                 WHEN (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) THEN ', encrypted' ELSE ', in clear' END",
            ))
            .get_result(c),
        };
        shown.context("asking the database what it is")
    }

    /// The time on the database server, if that is another machine.
    pub fn server_time(&mut self) -> Result<Option<DateTime<Utc>>> {
        use diesel::dsl::sql;
        use diesel::sql_types::Timestamp;
        let Conn::Postgres(c) = &mut self.conn else { return Ok(None) };
        let asked = diesel::select(sql::<Timestamp>("CAST(clock_timestamp() AT TIME ZONE 'UTC' AS TIMESTAMP)"));
        let now: chrono::NaiveDateTime = asked.get_result(c).context("asking the database what time it is")?;
        Ok(Some(now.and_utc()))
    }

    /// Runs `steps`, which must be safe to repeat, again on a new connection whenever the connection is lost. Waits for
    /// a server that is restarting.
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

    /// Whether the connection still works.
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

    /// Runs `steps` in one transaction; writers of a préfecture run one at a time. On SQLite the write lock is taken at
    /// once: a transaction that reads first and writes later could find that another has written in between, and would
    /// have to be given up. On PostgreSQL an advisory lock does the same for each préfecture separately.
    #[track_caller]
    pub fn write<T>(&mut self, steps: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let lock = format!(
            "BEGIN; SET LOCAL plan_cache_mode = {CUSTOM_PLANS}; SELECT pg_advisory_xact_lock(hashtextextended('convoke:{}', 0))",
            self.scope.code()
        );
        self.locked(&lock, steps)
    }

    /// The same for steps that each name the row and epoch they change: on PostgreSQL many run at once.
    #[track_caller]
    pub fn write_rows<T>(&mut self, steps: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.locked("BEGIN", steps)
    }

    /// Appointments per transaction. On SQLite every other writer waits for it. On PostgreSQL only those of the same
    /// préfecture do, but each commit waits for the disk: a larger transaction writes ahead, and its commit waits less.
    pub fn appointments_at_once(&self) -> usize {
        if self.is_postgres() { 5_000 } else { 1_000 }
    }

    /// What an act would do: it is carried out, and taken back before anything is kept. Each of its transactions is taken
    /// back on its own.
    pub fn rehearse<T>(&mut self, act: impl FnOnce(&mut Self, &Confirmed) -> Result<T>) -> Result<T> {
        self.rehearsing = true;
        let done = act(self, &Confirmed::rehearsed());
        self.rehearsing = false;
        done
    }

    /// Runs `steps` on one snapshot of the database.
    pub fn read<T>(&mut self, steps: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.transaction("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", steps)
    }

    /// A transaction that makes other writers wait. Long ones are logged.
    #[track_caller]
    fn locked<T>(&mut self, postgres: &str, steps: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let (watch, by) = (OnceCell::new(), Location::caller());
        let done = self.transaction("BEGIN IMMEDIATE", postgres, |s| {
            // Timed from when the lock was granted, not requested.
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
        // A lock timeout leaves the transaction open.
        self.execute(begin).inspect_err(|_| self.roll_back()).context("the database is busy, or cannot be written")?;
        // After a panic that is caught further up, half of the steps must not be committed by what comes next.
        let done = catch_unwind(AssertUnwindSafe(|| steps(self))).unwrap_or_else(|panic| {
            self.roll_back();
            resume_unwind(panic)
        });
        match done {
            Ok(value) if self.rehearsing => {
                self.roll_back();
                Ok(value)
            }
            Ok(value) => {
                // A failed commit (such as on a full disk) leaves the transaction open: it must not swallow what comes
                // next.
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
        // SQLite rolls back some failed transactions by itself; then there is nothing left to do.
        let _ = self.execute("ROLLBACK");
    }

    /// Sets how PostgreSQL plans the remaining statements of this transaction.
    fn plan(&mut self, mode: &str) -> QueryResult<()> {
        if self.is_postgres() { self.execute(&format!("SET LOCAL plan_cache_mode = {mode}")) } else { Ok(()) }
    }

    /// Runs statements without parameters.
    fn execute(&mut self, sql: &str) -> QueryResult<()> {
        on_backend!(&mut self.conn, c => c.batch_execute(sql))
    }

    /// The installation's key for opaque ids, created on first use.
    pub fn id_key(&mut self, entropy: &mut Entropy) -> Result<IdKey> {
        let fresh = hex(&entropy.bytes()?);
        self.write(|store| {
            if let Some(key) = store.stored_id_key()? {
                return Ok(key);
            }
            prefecture::insert(&store.scope).values(prefecture::id_key.eq(&fresh)).execute(&mut store.conn)?;
            store.stored_id_key()?.context("the id key was not kept")
        })
    }

    /// The same, if it exists: nobody has an id before the first import.
    fn stored_id_key(&mut self) -> Result<Option<IdKey>> {
        let row = prefecture::of(&self.scope).select(prefecture::id_key);
        let known: Option<String> = row.first(&mut self.conn).optional()?;
        known
            .map(|text| Ok(IdKey(unhex(&text).context("the id key in the database is not 64 hexadecimal digits")?)))
            .transpose()
    }

    /// Refreshes SQLite's statistics. Without them it estimates `prefecture = …` in a primary key at ten rows, and
    /// reads a million rows where an index finds one. It samples a few hundred rows of each index that has grown.
    /// PostgreSQL does this by itself.
    pub fn refresh_statistics(&mut self) -> Result<()> {
        if self.is_postgres() {
            return Ok(());
        }
        self.execute("PRAGMA analysis_limit = 400; PRAGMA optimize = 0x10002")
            .context("telling the planner what there is")?;
        // Samples contain keys, including foreigner numbers, and the counts suffice. The table exists only if something
        // was sampled.
        let _ = self.execute("DELETE FROM sqlite_stat4");
        Ok(())
    }

    fn is_postgres(&self) -> bool {
        matches!(self.conn, Conn::Postgres(_))
    }
}
