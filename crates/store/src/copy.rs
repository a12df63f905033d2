//! Copies a whole database to another of either kind, every table and every préfecture, in one transaction, and
//! verifies it.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use chrono::NaiveDateTime;
use diesel::connection::DefaultLoadingMode;
use diesel::pg::PgRowByRowLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::Text;
use sha2::{Digest, Sha256};

use super::connection::connect;
use super::scope::Scope;
use super::{Conn, Head, NotMigrated, Store, Use, on_backend, patiently};

/// Every table, each after the tables it references.
const TABLES: [&str; 40] = [
    "prefecture",
    "holder",
    "holder_word",
    "permit",
    "household_link",
    "title_kept",
    "holder_alias",
    "import_waiting",
    "past_verdict",
    "slot",
    "run",
    "run_outcome",
    "run_record",
    "planned_block",
    "night",
    "closed_day",
    "avoided_day",
    "convocation",
    "followed",
    "reservation",
    "request",
    "notice",
    "outbox",
    "delivery_attempt",
    "template_bundle",
    "holder_key",
    "ledger_entry",
    "concerned",
    "act_memory",
    "import_batch",
    "permit_revision",
    "holder_revision",
    "checkpoint",
    "succession",
    "witness_letter",
    "pace",
    "bounce",
    "account",
    "console_session",
    "sign_in",
];

/// Rows of one statement.
const ROWS: usize = 2_000;

/// The copy of one table.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Copied {
    /// Table.
    pub table: String,
    /// Rows.
    pub rows: u64,
    /// SHA-256 of all rows in key order: the same in both databases.
    pub sha256: String,
}

/// The result of a copy.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Copy {
    /// By table.
    pub tables: Vec<Copied>,
    /// The head of each préfecture's ledger, verified in the target.
    pub ledgers: Vec<(String, Head)>,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// The column types that the migrations use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Flag,
    Date,
    Instant,
    Bytes,
}

struct Table {
    name: &'static str,
    columns: Vec<(String, Kind)>,
    /// Columns of the primary key.
    key: String,
}

/// Copies a migrated database to an empty one, creating the target's tables if there are none. `progress` is called
/// with each table and the rows copied so far.
pub fn copy(from: &str, to: &str, progress: &dyn Fn(&str, u64)) -> Result<Copy> {
    ensure!(from != to, "--from and --to are the same database");
    let mut source = Store::whole(from).context("--from")?;
    Store::migrate(to).context("--to")?;
    let mut target = Store::whole(to).context("--to")?;
    let tables = tables(&mut source)?;
    for table in &tables {
        let rows = lines(&mut target.conn, &format!("SELECT CAST(count(*) AS TEXT) AS line FROM {}", table.name))?;
        if rows.iter().any(|n| n != "0") {
            bail!("--to is not empty: {} has {} rows; a copy goes into an empty database alone", table.name, rows[0]);
        }
    }
    source.read(|source| {
        target.write_rows(|target| {
            let mut copied = Vec::new();
            for table in &tables {
                copied.push(carry(source, target, table, progress)?);
            }
            for (table, was) in tables.iter().zip(&copied) {
                progress("checking", was.rows);
                let is = digest(&mut target.conn, table)?;
                ensure!(is == *was, "table {} is not what it was: {was:?} became {is:?}; nothing was kept", table.name);
            }
            let mut ledgers = Vec::new();
            for prefecture in lines(&mut target.conn, "SELECT code AS line FROM prefecture ORDER BY code")? {
                source.scope = Scope::of(&prefecture);
                target.scope = Scope::of(&prefecture);
                let (was, is) = (source.ledger_head()?, target.verify_ledger(None, &[])?);
                let is = is.map_err(|broken| anyhow::anyhow!("the ledger of {prefecture} is broken: {broken}"))?.head;
                ensure!(is == was, "the ledger of {prefecture} ends elsewhere than it did");
                ledgers.push((prefecture, is));
            }
            Ok(Copy { tables: copied, ledgers })
        })
    })
}

impl Store {
    /// A store for the whole database, bound to no préfecture.
    fn whole(url: &str) -> Result<Self> {
        let mut conn = patiently(|| connect(url, Use::Batch))?;
        if conn.lacks_migrations()? {
            bail!(NotMigrated);
        }
        Ok(Self { conn, url: url.to_owned(), usage: Use::Batch, scope: Scope::nowhere(), rehearsing: false })
    }
}

/// The tables as described by the source's catalogue.
fn tables(store: &mut Store) -> Result<Vec<Table>> {
    let catalogue = match store.conn {
        Conn::Sqlite(_) => {
            "SELECT m.name || ' ' || p.name || ' ' || p.type || ' ' || p.pk AS line
               FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, p.cid"
        }
        Conn::Postgres(_) => {
            "SELECT c.relname || ' ' || a.attname || ' ' || upper(format_type(a.atttypid, NULL)) || ' '
                 || coalesce(array_position(i.indkey::int2[], a.attnum), -1) + 1 AS line
               FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
               JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
               WHERE c.relnamespace = 'public'::regnamespace ORDER BY c.relname, a.attnum"
        }
    };
    let lines = lines(&mut store.conn, catalogue)?;
    let known: BTreeSet<&str> =
        lines.iter().filter_map(|l| l.split(' ').next()).filter(|t| !t.starts_with("__diesel")).collect();
    let ours: BTreeSet<&str> = TABLES.into_iter().collect();
    ensure!(known == ours, "the source has other tables than this version: {known:?}");
    TABLES.into_iter().map(|name| table(name, &lines)).collect()
}

fn table(name: &'static str, catalogue: &[String]) -> Result<Table> {
    let (mut columns, mut key) = (Vec::new(), Vec::new());
    for line in catalogue {
        let mut words = line.split(' ');
        if words.next() != Some(name) {
            continue;
        }
        let column = words.next().context("a column")?.to_owned();
        let rest: Vec<&str> = words.collect();
        let kind = match rest[0] {
            "TEXT" => Kind::Text,
            "BIGINT" => Kind::Number,
            "BOOLEAN" => Kind::Flag,
            "DATE" => Kind::Date,
            "TIMESTAMP" => Kind::Instant,
            "BLOB" | "BYTEA" => Kind::Bytes,
            other => bail!("{name}.{column} is of the unknown kind {other}"),
        };
        let place: u32 = rest.last().context("a place in the key")?.parse()?;
        if place > 0 {
            key.push((place, column.clone()));
        }
        columns.push((column, kind));
    }
    // SQLite counts from 1, PostgreSQL's key vector from 0: only the order matters.
    key.sort();
    let key: Vec<String> = key.into_iter().map(|(_, column)| column).collect();
    // Column order may differ between the two.
    columns.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(Table { name, columns, key: key.join(", ") })
}

fn lines(conn: &mut Conn, sql: &str) -> Result<Vec<String>> {
    let rows: Vec<Line> =
        on_backend!(conn, c => diesel::sql_query(sql).load(c)).context("reading the database's catalogue")?;
    Ok(rows.into_iter().map(|l| l.line).collect())
}

/// One row as text, `None` for NULL, the same in every database.
type Row = Vec<Option<String>>;

/// Calls `take` for each row of a table, in key order.
fn each(conn: &mut Conn, table: &Table, mut take: impl FnMut(Row) -> Result<()>) -> Result<()> {
    let postgres = matches!(conn, Conn::Postgres(_));
    let texts: Vec<String> = table
        .columns
        .iter()
        .map(|(column, kind)| match kind {
            Kind::Bytes if postgres => format!("encode({column}, 'hex')"),
            Kind::Bytes => format!("lower(hex({column}))"),
            Kind::Flag => format!("CASE WHEN {column} THEN '1' WHEN NOT {column} THEN '0' END"),
            _ => format!("CAST({column} AS TEXT)"),
        })
        .collect();
    let array = if postgres { "json_build_array" } else { "json_array" };
    let sql = format!(
        "SELECT CAST({array}({}) AS TEXT) AS line FROM {} ORDER BY {}",
        texts.join(", "),
        table.name,
        table.key
    );
    let mut read = |line: QueryResult<Line>| -> Result<()> {
        let mut row: Row = serde_json::from_str(&line?.line)?;
        for (value, (_, kind)) in row.iter_mut().zip(&table.columns) {
            if let (Some(text), Kind::Instant) = (value.as_mut(), kind) {
                // PostgreSQL keeps microseconds and drops trailing zeros.
                let at = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f")?;
                *text = at.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
            }
        }
        take(row)
    };
    let query = diesel::sql_query(sql);
    match conn {
        Conn::Sqlite(c) => query.load_iter::<Line, DefaultLoadingMode>(c)?.try_for_each(&mut read),
        Conn::Postgres(c) => query.load_iter::<Line, PgRowByRowLoadingMode>(c)?.try_for_each(&mut read),
    }
    .with_context(|| format!("reading table {}", table.name))
}

/// The digest of a table's content.
struct Sum {
    rows: u64,
    hash: Sha256,
}

impl Sum {
    fn new() -> Self {
        Self { rows: 0, hash: Sha256::new() }
    }

    fn add(&mut self, row: &Row) -> Result<()> {
        self.rows += 1;
        self.hash.update(serde_json::to_vec(row)?);
        Ok(())
    }

    fn copied(self, table: &Table) -> Copied {
        Copied {
            table: table.name.to_owned(),
            rows: self.rows,
            sha256: convoke_domain::ids::hex(&self.hash.finalize()),
        }
    }
}

fn digest(conn: &mut Conn, table: &Table) -> Result<Copied> {
    let mut sum = Sum::new();
    each(conn, table, |row| sum.add(&row))?;
    Ok(sum.copied(table))
}

fn carry(source: &mut Store, target: &mut Store, table: &Table, progress: &dyn Fn(&str, u64)) -> Result<Copied> {
    let insert = insertion(&target.conn, table);
    let (mut sum, mut batch) = (Sum::new(), Vec::with_capacity(ROWS));
    each(&mut source.conn, table, |row| {
        sum.add(&row)?;
        batch.push(row);
        if batch.len() == ROWS {
            write(&mut target.conn, &insert, &batch)?;
            batch.clear();
            progress(table.name, sum.rows);
        }
        Ok(())
    })?;
    write(&mut target.conn, &insert, &batch).with_context(|| format!("writing table {}", table.name))?;
    Ok(sum.copied(table))
}

/// A statement that inserts rows from one JSON text.
fn insertion(conn: &Conn, table: &Table) -> String {
    let postgres = matches!(conn, Conn::Postgres(_));
    let names: Vec<&str> = table.columns.iter().map(|(column, _)| column.as_str()).collect();
    let values: Vec<String> = table
        .columns
        .iter()
        .enumerate()
        .map(|(i, (_, kind))| match (postgres, kind) {
            (true, Kind::Number) => format!("(r.value ->> {i})::bigint"),
            (true, Kind::Flag) => format!("(r.value ->> {i})::boolean"),
            (true, Kind::Date) => format!("(r.value ->> {i})::date"),
            (true, Kind::Instant) => format!("(r.value ->> {i})::timestamp"),
            (true, Kind::Bytes) => format!("decode(r.value ->> {i}, 'hex')"),
            (false, Kind::Bytes) => format!("unhex(r.value ->> {i})"),
            (false, Kind::Number | Kind::Flag) => format!("CAST(r.value ->> {i} AS INTEGER)"),
            (true, Kind::Text) | (false, _) => format!("r.value ->> {i}"),
        })
        .collect();
    let rows = if postgres { "json_array_elements(CAST($1 AS json)) r(value)" } else { "json_each(?) r" };
    format!("INSERT INTO {} ({}) SELECT {} FROM {rows}", table.name, names.join(", "), values.join(", "))
}

fn write(conn: &mut Conn, insert: &str, rows: &[Row]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let json = serde_json::to_string(rows)?;
    let written = on_backend!(conn, c => diesel::sql_query(insert).bind::<Text, _>(&json).execute(c))?;
    ensure!(written == rows.len(), "{written} of {} rows were written", rows.len());
    Ok(())
}
