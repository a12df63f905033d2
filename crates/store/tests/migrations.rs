//! The shipped migrations: up, down, up; the préfecture in every key.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

/// SQLite's migrations in order, up and down.
fn migrations() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite");
    let mut folders: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let read = |folder: &Path, file| std::fs::read_to_string(folder.join(file)).unwrap();
    folders.iter().map(|folder| (read(folder, "up.sql"), read(folder, "down.sql"))).collect()
}

fn up() -> String {
    migrations().into_iter().map(|(up, _)| up).collect()
}

#[derive(QueryableByName, Debug, PartialEq)]
struct Thing {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
    sql: Option<String>,
}

fn schema(conn: &mut SqliteConnection) -> Vec<Thing> {
    diesel::sql_query("SELECT name, sql FROM sqlite_master ORDER BY name").load(conn).unwrap()
}

#[test]
fn a_migration_goes_up_down_and_up_again() {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    conn.batch_execute(&up()).unwrap();
    let first = schema(&mut conn);
    let down: String = migrations().into_iter().rev().map(|(_, down)| down).collect();
    conn.batch_execute(&down).unwrap();
    assert_eq!(schema(&mut conn), []);
    conn.batch_execute(&up()).unwrap();
    assert_eq!(schema(&mut conn), first);
}

/// A host that has already run a migration would keep the old version: a listed migration is changed by a new one,
/// never in place.
#[test]
fn a_migration_that_was_shipped_is_never_changed() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let listed = std::fs::read_to_string(root.join("migrations/shipped.sha256")).unwrap();
    assert!(listed.lines().count() >= 16);
    for line in listed.lines() {
        let (sha256, file) = line.split_once("  ").unwrap();
        assert_eq!(convoke_domain::ids::sha256_hex(&std::fs::read(root.join(file)).unwrap()), sha256, "{file}");
    }
}

/// Hosts are upgraded one by one: while some still run the older version, what it reads and writes must exist. A later
/// version removes what is no longer used, in a migration named `…_contract`.
#[test]
fn a_migration_only_adds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let mut looked_at = 0;
    for database in ["sqlite", "postgres"] {
        for folder in std::fs::read_dir(root.join(database)).unwrap().map(|f| f.unwrap().path()) {
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            // Before the first release there was no older version.
            if name.as_str() < "2026-11-25" || name.ends_with("_contract") {
                continue;
            }
            looked_at += 1;
            let up = std::fs::read_to_string(folder.join("up.sql")).unwrap().to_uppercase();
            for taken in ["DROP ", "RENAME ", "SET NOT NULL", "ALTER COLUMN"] {
                assert!(!up.contains(taken), "{database}/{name}: {taken}");
            }
            for line in up.lines().filter(|l| l.contains("ADD COLUMN") && l.contains("NOT NULL")) {
                assert!(line.contains("DEFAULT"), "{database}/{name}: {line}: the older program does not write it");
            }
        }
    }
    assert!(looked_at >= 2);
}

#[test]
fn every_table_and_every_key_begins_with_the_prefecture() {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    conn.batch_execute(&up()).unwrap();
    let things = schema(&mut conn);
    let tables: Vec<&Thing> =
        things.iter().filter(|t| t.sql.as_ref().is_some_and(|s| s.starts_with("CREATE TABLE"))).collect();
    assert!(tables.len() > 10);
    for table in tables.iter().filter(|t| t.name != "prefecture") {
        let sql = table.sql.as_ref().unwrap();
        let keys = sql.matches("PRIMARY KEY (").count() + sql.matches("UNIQUE (").count();
        let ours = sql.matches("PRIMARY KEY (prefecture, ").count() + sql.matches("UNIQUE (prefecture, ").count();
        assert!(keys > 0 && keys == ours, "{}", table.name);
    }
    for index in things.iter().filter_map(|t| t.sql.as_ref()).filter(|s| s.contains("INDEX")) {
        assert!(index.contains("(prefecture"), "{index}");
    }
}
