//! The connection to either database, and what differs between the two.

use std::path::Path;

use anyhow::{Context, Result, bail};
use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::Use;
use convoke_domain::database_url::is_password;

const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// In its own module: the derive generates public items that cannot be documented.
mod either {
    use diesel::{PgConnection, SqliteConnection};

    /// A connection to either database: SQLite, bundled and the default; PostgreSQL, for more than one machine.
    #[derive(diesel::MultiConnection)]
    pub(crate) enum Conn {
        Sqlite(SqliteConnection),
        Postgres(PgConnection),
    }
}
pub(super) use either::Conn;

/// Expands one body for both connections: batch inserts and RETURNING do not work on the enum.
macro_rules! on_backend {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn {
            $crate::Conn::Sqlite($c) => $body,
            $crate::Conn::Postgres($c) => $body,
        }
    };
}
pub(super) use on_backend;

/// Inserts many rows: in multi-row statements on SQLite, which numbers parameters up to 32,766; in one COPY on
/// PostgreSQL, where that is five times as fast.
macro_rules! insert_all {
    ($conn:expr, $table:ident, $rows:expr, $at_a_time:expr) => {{
        let rows: &[_] = $rows;
        match $conn {
            $crate::Conn::Sqlite(c) => rows.chunks($at_a_time).try_for_each(|batch| {
                diesel::insert_into(<$table::table>::default()).values(batch).execute(c).map(drop)
            }),
            $crate::Conn::Postgres(_) if rows.is_empty() => Ok(()),
            $crate::Conn::Postgres(c) => {
                let copy = diesel::copy_from(<$table::table>::default()).from_insertable(rows);
                diesel::ExecuteCopyFromDsl::execute(copy, c).map(drop)
            }
        }
    }};
}
pub(super) use insert_all;

/// The same, into a table of the préfecture, whose rows name it.
macro_rules! insert_own {
    ($store:expr, $table:ident, $rows:expr, $at_a_time:expr) => {{
        let rows: &[_] = $rows;
        $store
            .scope
            .owns(rows.iter().map(|row| &*row.prefecture))
            .and_then(|()| $crate::connection::insert_all!(&mut $store.conn, $table, rows, $at_a_time))
    }};
}
pub(super) use insert_own;

/// The database URL cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("[database] url: {0}")]
pub struct WrongUrl(String);

/// The server is unreachable, is starting or stopping, or refuses the connection.
#[derive(Debug, thiserror::Error)]
#[error("PostgreSQL does not take the connection: {0}")]
pub(super) struct NotTaken(pub(super) String);

impl NotTaken {
    /// Whether a retry may help. libpq reports the cause only as text. A wrong password is not retried: that locks an
    /// account.
    pub(super) fn may_pass(&self) -> bool {
        const PASSING: [&str; 6] = [
            "refused",
            "No such file",
            "starting up",
            "shutting down",
            "administrator command",
            "closed the connection",
        ];
        PASSING.iter().any(|words| self.0.contains(words))
    }
}

/// Opens a connection. Errors never contain the password of a URL.
pub(super) fn connect(url: &str, usage: Use) -> Result<Conn> {
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        return Ok(Conn::Postgres(postgres(url)?));
    }
    let Some(path) = url.strip_prefix("sqlite:") else {
        bail!(WrongUrl("it must begin with `sqlite:` or `postgres:`, such as `sqlite:convoke.sqlite3`".into()));
    };
    Ok(Conn::Sqlite(sqlite(path, usage)?))
}

fn sqlite(path: &str, usage: Use) -> Result<SqliteConnection> {
    if let Some(folder) = Path::new(path).parent().filter(|f| !f.as_os_str().is_empty() && !f.is_dir()) {
        let folder = folder.display();
        bail!(WrongUrl(format!("the folder {folder} does not exist: create it, or correct the URL")));
    }
    let mut c = SqliteConnection::establish(path).with_context(|| format!("opening the database {path}"))?;
    // The memory of a long-lived process must not grow with the database, neither in mapped nor in cached pages.
    let (mmap, cache_kib) = if usage == Use::Batch { (268_435_456, 65_536) } else { (0, 8_192) };
    // Set busy_timeout first: switching to WAL may itself wait for another process.
    c.batch_execute(&format!(
        "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -{cache_kib}; PRAGMA wal_autocheckpoint = 10000; PRAGMA mmap_size = {mmap};"
    ))
    .with_context(|| format!("preparing the database {path}"))?;
    Ok(c)
}

/// Gives up a silent server, such as after a cut line, within a minute instead of two hours.
const NOTICE_SILENCE: &[(&str, &str)] = &[
    ("connect_timeout", "10"),
    ("keepalives_idle", "30"),
    ("keepalives_interval", "10"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "60000"),
];

fn postgres(url: &str) -> Result<PgConnection> {
    let parsed = url::Url::parse(url).map_err(|e| {
        WrongUrl(format!("{e}; such as `postgres://convoke@db.example.org/convoke?sslmode=verify-full`"))
    })?;
    refuse_clear_text(&parsed)?;
    let mut asked = parsed.clone();
    for (key, value) in NOTICE_SILENCE {
        if !parsed.query_pairs().any(|(k, _)| k == *key) {
            asked.query_pairs_mut().append_pair(key, value);
        }
    }
    let mut c = PgConnection::establish(asked.as_str()).map_err(|error| {
        // libpq repeats a URL that it cannot parse.
        let parameters = parsed.query().into_iter().flat_map(|query| query.split('&'));
        let passwords = parameters.filter_map(|p| p.split_once('=').filter(|(key, _)| is_password(key)));
        let passwords = parsed.password().into_iter().chain(passwords.map(|(_, value)| value));
        NotTaken(passwords.filter(|p| !p.is_empty()).fold(error.to_string(), |shown, p| shown.replace(p, "…")))
    })?;
    // A host that is cut off in mid-transaction must not keep its locks: its connection ends within one to two minutes.
    c.batch_execute(
        "SET TIME ZONE 'UTC'; SET lock_timeout = '10s'; SET synchronous_commit = 'on'; SET client_min_messages = 'warning';
         SET idle_in_transaction_session_timeout = '60s';
         SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3;",
    )
    .map_err(|error| {
        let shown = NotTaken(error.to_string());
        if shown.may_pass() { anyhow::Error::new(shown) } else { anyhow::Error::new(error).context("preparing the connection to PostgreSQL") }
    })?;
    Ok(c)
}

/// Personal data cross a network encrypted, unless someone explicitly decides otherwise.
fn refuse_clear_text(url: &url::Url) -> Result<()> {
    let value = |key: &str| url.query_pairs().find(|(k, _)| k == key).map(|(_, v)| v.into_owned());
    let host = value("host").or_else(|| url.host_str().map(str::to_owned)).unwrap_or_default();
    let nearby =
        host.is_empty() || host.starts_with('/') || ["localhost", "127.0.0.1", "::1", "[::1]"].contains(&host.as_str());
    match value("sslmode").as_deref() {
        _ if nearby => Ok(()),
        None | Some("allow" | "prefer") => bail!(WrongUrl(format!(
            "people's data would cross the network to {host} in clear: add sslmode=verify-full, or, where that network is yours \
             alone, sslmode=disable"
        ))),
        Some("disable") => Ok(()),
        Some(_) if !cfg!(feature = "postgres-tls") => bail!(WrongUrl(
            "this program was built without TLS for PostgreSQL: build it with `--features postgres-tls`, as the container image is"
                .into()
        )),
        Some(_) => Ok(()),
    }
}

impl Conn {
    /// Whether the connection is lost. Ask the connection: errors report it in too many ways.
    pub(super) fn is_lost(&mut self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(c) => c.batch_execute("SELECT 1").is_err(),
        }
    }

    /// Whether tables of this version are missing. It only reads: many processes may start at once, and it may run on a
    /// replica.
    pub(super) fn lacks_migrations(&mut self) -> Result<bool> {
        use diesel::dsl::sql;
        use diesel::sql_types::{Bool, Text};
        let was_ever_migrated = match self {
            Self::Sqlite(_) => "EXISTS (SELECT 1 FROM sqlite_master WHERE name = '__diesel_schema_migrations')",
            Self::Postgres(_) => "to_regclass('__diesel_schema_migrations') IS NOT NULL",
        };
        let read = "reading the version of the tables";
        if !on_backend!(self, c => diesel::select(sql::<Bool>(was_ever_migrated)).get_result(c)).context(read)? {
            return Ok(true);
        }
        let versions = diesel::select(sql::<Text>("version FROM __diesel_schema_migrations"));
        let run: Vec<String> = on_backend!(self, c => versions.load(c)).context(read)?;
        // Both databases have the same migrations.
        let ours = MigrationSource::<Sqlite>::migrations(&SQLITE_MIGRATIONS);
        let ours = ours.map_err(|e| anyhow::anyhow!("reading the migrations: {e}"))?;
        Ok(ours.iter().any(|migration| !run.contains(&migration.name().version().to_string())))
    }

    /// Creates or upgrades the tables. Returns the names of the migrations that were run. If several processes call it
    /// at once, one migrates and the others wait.
    pub(super) fn migrate(&mut self) -> Result<Vec<String>> {
        let run = match self {
            Self::Sqlite(c) => c.run_pending_migrations(SQLITE_MIGRATIONS),
            Self::Postgres(c) => {
                // A session lock: it is released when this connection ends, for whatever reason.
                c.batch_execute(
                    "SET lock_timeout = 0; SELECT pg_advisory_lock(hashtextextended('convoke:migrate', 0))",
                )?;
                c.run_pending_migrations(POSTGRES_MIGRATIONS)
            }
        };
        Ok(run.map_err(|e| anyhow::anyhow!("migrating: {e}"))?.iter().map(ToString::to_string).collect())
    }
}
