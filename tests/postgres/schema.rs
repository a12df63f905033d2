//! One schema on both databases: the same tables, columns, types, keys, checks and indexes; up, down and up again.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use convoke_store::Store;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::support::postgres::cluster;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines<C: Connection>(conn: &mut C, sql: &str) -> BTreeSet<String>
where
    diesel::query_builder::SqlQuery: for<'q> diesel::query_dsl::LoadQuery<'q, C, Line>,
{
    let rows: Vec<Line> = diesel::sql_query(sql).load(conn).unwrap();
    rows.into_iter().map(|l| l.line).collect()
}

/// `up.sql` or `down.sql` of every migration of a database, oldest first.
fn migrations(database: &str, file: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(database);
    let mut folders: Vec<_> = fs::read_dir(root).unwrap().map(|f| f.unwrap().path()).collect();
    folders.sort();
    folders.iter().map(|f| fs::read_to_string(f.join(file)).unwrap()).collect()
}

/// Both databases, with the tables of this version.
fn both() -> (SqliteConnection, PgConnection) {
    let mut sqlite = SqliteConnection::establish(":memory:").unwrap();
    sqlite.batch_execute(&migrations("sqlite", "up.sql").concat()).unwrap();
    let url = cluster().url(&cluster().create(None));
    Store::migrate(&url).unwrap();
    (sqlite, PgConnection::establish(&url).unwrap())
}

const SQLITE_COLUMNS: &str = "SELECT m.name || '.' || p.name || ' ' || CASE p.type WHEN 'BLOB' THEN 'BYTEA' ELSE p.type END
        || CASE WHEN p.\"notnull\" THEN ' NOT NULL' ELSE '' END || coalesce(' DEFAULT ' || lower(p.dflt_value), '') AS line
    FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'";
const POSTGRES_COLUMNS: &str = "SELECT table_name || '.' || column_name || ' '
        || CASE data_type WHEN 'timestamp without time zone' THEN 'TIMESTAMP' ELSE upper(data_type) END
        || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END || coalesce(' DEFAULT ' || column_default, '') AS line
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_diesel%'";

/// Keys and indexes by their columns: `outbox (prefecture, letter_id) unique`, and whether they are partial.
const SQLITE_INDEXES: &str = "SELECT m.name || ' (' || (SELECT group_concat(name, ', ') FROM (
            SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) || ')'
        || CASE WHEN i.\"unique\" THEN ' unique' ELSE '' END || CASE WHEN i.partial THEN ' partial' ELSE '' END AS line
    FROM sqlite_master m JOIN pragma_index_list(m.name) i WHERE m.type = 'table'";
const POSTGRES_INDEXES: &str = "SELECT c.relname || ' (' || (SELECT string_agg(a.attname, ', ' ORDER BY k.ord)
            FROM unnest(i.indkey) WITH ORDINALITY k(attnum, ord) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum)
        || ')' || CASE WHEN i.indisunique THEN ' unique' ELSE '' END || CASE WHEN i.indpred IS NOT NULL THEN ' partial' ELSE '' END
        AS line
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relname NOT LIKE '\\_\\_diesel%'";

#[test]
fn both_databases_have_the_same_columns_and_keys() {
    let (mut sqlite, mut postgres) = both();
    let columns = lines(&mut sqlite, SQLITE_COLUMNS);
    assert!(columns.len() > 150, "{}", columns.len());
    assert_eq!(columns, lines(&mut postgres, POSTGRES_COLUMNS));
    let indexes = lines(&mut sqlite, SQLITE_INDEXES);
    assert!(indexes.len() > 30, "{}", indexes.len());
    assert_eq!(indexes, lines(&mut postgres, POSTGRES_INDEXES));
}

/// The words of a check, without what each database adds.
fn words(check: &str) -> String {
    let mut words: Vec<&str> = check.split('\'').skip(1).step_by(2).collect();
    words.sort_unstable();
    words.join(" ")
}

/// The bodies of `CHECK (…)`.
fn checks_of(sql: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in sql.match_indices("CHECK (") {
        let (mut depth, body) = (1, &sql[at + 7..]);
        let end = body.char_indices().find(|(_, c)| {
            depth += i32::from(*c == '(') - i32::from(*c == ')');
            depth == 0
        });
        found.push(body[..end.unwrap().0].to_owned());
    }
    found
}

#[test]
fn both_databases_refuse_the_same_words() {
    let (mut sqlite, mut postgres) = both();
    let tables = lines(&mut sqlite, "SELECT name || ' ' || sql AS line FROM sqlite_master WHERE type = 'table'");
    let ours: BTreeSet<String> = tables
        .iter()
        .flat_map(|t| {
            let name = t.split(' ').next().unwrap().to_owned();
            checks_of(t).into_iter().map(move |c| format!("{name}: {}", words(&c)))
        })
        .collect();
    assert!(ours.len() > 15, "{ours:?}");
    let theirs = lines(
        &mut postgres,
        "SELECT conrelid::regclass || ': ' || pg_get_constraintdef(oid) AS line FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0",
    );
    let theirs: BTreeSet<String> = theirs
        .iter()
        .map(|c| {
            let (name, check) = c.split_once(": ").unwrap();
            format!("{name}: {}", words(check))
        })
        .collect();
    assert_eq!(ours, theirs);
    let foreign =
        "SELECT conrelid::regclass || ' ' || confrelid::regclass AS line FROM pg_constraint WHERE contype = 'f'";
    let sqlite_foreign = "SELECT DISTINCT m.name || ' ' || f.\"table\" AS line FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f
        WHERE m.type = 'table'";
    assert_eq!(lines(&mut sqlite, sqlite_foreign), lines(&mut postgres, foreign));
}

#[test]
fn a_migration_of_postgresql_goes_up_down_and_up_again() {
    let mut conn = PgConnection::establish(&cluster().url(&cluster().create(None))).unwrap();
    let all = format!("{POSTGRES_COLUMNS} UNION ALL {POSTGRES_INDEXES}");
    let up = migrations("postgres", "up.sql").concat();
    let down: String = migrations("postgres", "down.sql").into_iter().rev().collect();
    conn.batch_execute(&up).unwrap();
    let first = lines(&mut conn, &all);
    conn.batch_execute(&down).unwrap();
    let rest = "SELECT relname::text AS line FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public'
        UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'refuse%'";
    assert_eq!(lines(&mut conn, rest), BTreeSet::new());
    conn.batch_execute(&up).unwrap();
    assert_eq!(lines(&mut conn, &all), first);
}

#[test]
fn every_table_and_every_key_of_postgresql_begins_with_the_prefecture() {
    let (_, mut postgres) = both();
    for index in lines(&mut postgres, POSTGRES_INDEXES) {
        assert!(index.contains(" (prefecture") || index == "prefecture (code) unique", "{index}");
    }
    let collated = "SELECT table_name || '.' || column_name AS line FROM information_schema.columns
        WHERE table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'";
    assert_eq!(lines(&mut postgres, collated), BTreeSet::new(), "text is compared byte by byte");
}

#[test]
fn of_many_processes_that_migrate_at_once_one_does() {
    let url = cluster().url(&cluster().create(None));
    let run: Vec<usize> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..6).map(|_| scope.spawn(|| Store::migrate(&url).unwrap().len())).collect();
        asked.into_iter().map(|a| a.join().unwrap()).collect()
    });
    let all = migrations("postgres", "up.sql").len();
    assert_eq!(run.iter().sum::<usize>(), all, "{run:?}");
    assert_eq!(run.iter().max(), Some(&all), "{run:?}");
}
