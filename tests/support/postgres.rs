//! PostgreSQL for tests: a cluster of the machine's own programs in a temporary folder, reachable only through a socket
//! in it. It ends with the test program, however that ends.

use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

/// Created on first use.
pub(crate) fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}

pub(crate) struct Cluster {
    pub(crate) folder: PathBuf,
    pub(crate) programs: PathBuf,
    /// Stops the cluster and removes its folder when this process has ended, because its input then ends.
    _guard: (Child, ChildStdin),
    databases: AtomicU32,
}

impl Cluster {
    /// A separate cluster, for a test that stops it.
    pub(crate) fn start() -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("pg").tempdir().unwrap().keep();
        if is_root() {
            assert!(Command::new("chown").arg("postgres").arg(&folder).status().unwrap().success());
        }
        // Tests never crash the machine, and what survives a killed server does not need fsync.
        std::fs::write(
            folder.join("settings"),
            "listen_addresses = ''\nfsync = off\nfull_page_writes = off\nmax_connections = 200\nshared_buffers = 64MB\n",
        )
        .unwrap();
        let script = r#"
            set -e
            cd "$1"
            "$2/initdb" -D data -U postgres -A trust --locale=C.UTF-8 -E UTF8 >log 2>&1
            cat settings >>data/postgresql.conf
            "$2/pg_ctl" -D data -l log -o "-k $1" -w start >>log 2>&1
            echo ready
            trap '' INT TERM HUP
            cat >/dev/null || true
            "$2/pg_ctl" -D data -m immediate stop >>log 2>&1 || true
            rm -rf -- "$1"
        "#;
        let mut guard = as_postgres("sh")
            .args(["-c", script, "guard"])
            .args([&folder, &programs])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut shown = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(guard.stdout.take().unwrap()), &mut shown).unwrap();
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert_eq!(shown, "ready\n", "PostgreSQL did not start: {}", log());
        let input = guard.stdin.take().unwrap();
        let cluster = Self { folder, programs, _guard: (guard, input), databases: AtomicU32::new(0) };
        // In every database created from now on: tests use one dialect.
        PgConnection::establish(&cluster.url("template1")).unwrap().batch_execute(SQLITE_FUNCTIONS).unwrap();
        cluster
    }

    /// The URL of a database. The timeout is unlimited: a test's clock may run thousands of times as fast, and the
    /// client library measures its timeouts by that clock.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&user=postgres&connect_timeout=0", self.folder.display())
    }

    /// A client program: beside the server's, or on the path.
    pub(crate) fn tool(&self, name: &str) -> Command {
        let beside = self.programs.join(name);
        if beside.is_file() { Command::new(beside) } else { Command::new(name) }
    }

    /// Creates a database, empty or as a copy of another; returns its name.
    pub(crate) fn create(&self, like: Option<&str>) -> String {
        let name = format!("office_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let template = like.map_or(String::new(), |like| format!(" TEMPLATE {like}"));
        let mut conn = PgConnection::establish(&self.url("postgres")).unwrap();
        let sql = format!("CREATE DATABASE {name}{template}");
        // A process that has just ended, or is still reading, is still connected.
        for _ in 0..300 {
            match conn.batch_execute(&sql) {
                Ok(()) => return name,
                Err(error) if like.is_some() && error.to_string().contains("accessed by other users") => {
                    std::thread::sleep(std::time::Duration::from_millis(50));
                }
                Err(error) => panic!("{error}"),
            }
        }
        panic!("{like:?} is in use for ever");
    }

    /// Creates a database on a disk, as a copy of another; returns its name. The write-ahead log stays where it is.
    pub(crate) fn create_on(&self, disk: &Path, like: &str) -> String {
        if is_root() {
            assert!(Command::new("chown").arg("postgres").arg(disk).status().unwrap().success());
        }
        let n = self.databases.fetch_add(1, Ordering::Relaxed);
        let mut conn = PgConnection::establish(&self.url("postgres")).unwrap();
        conn.batch_execute(&format!("CREATE TABLESPACE disk_{n} LOCATION '{}'", disk.display())).unwrap();
        conn.batch_execute(&format!("CREATE DATABASE office_{n} TEMPLATE {like} TABLESPACE disk_{n}")).unwrap();
        format!("office_{n}")
    }

    /// Drops a database that is on a disk: once the disk is gone, the cluster could not write the pages it still
    /// caches, and other databases would get the errors.
    pub(crate) fn drop_from_disk(&self, database: &str) {
        let mut conn = PgConnection::establish(&self.url("postgres")).unwrap();
        let n = database.trim_start_matches("office_");
        conn.batch_execute(&format!("DROP DATABASE {database} WITH (FORCE)")).unwrap();
        conn.batch_execute(&format!("DROP TABLESPACE disk_{n}")).unwrap();
    }
}

/// SQLite functions that tests use.
const SQLITE_FUNCTIONS: &str = "
    CREATE FUNCTION json_set(data text, path text, value text) RETURNS text LANGUAGE sql RETURN
        jsonb_set(data::jsonb, string_to_array(substr(path, 3), '.'), to_jsonb(value))::text;
    CREATE FUNCTION json_set(data text, path text, value bigint) RETURNS text LANGUAGE sql RETURN
        jsonb_set(data::jsonb, string_to_array(substr(path, 3), '.'), to_jsonb(value))::text;
    CREATE FUNCTION json_set(data text, path text, value text, other text, its text) RETURNS text LANGUAGE sql RETURN
        json_set(json_set(data, path, value), other, its);
    CREATE FUNCTION json_extract(data text, path text) RETURNS text LANGUAGE sql RETURN
        data::jsonb #>> string_to_array(substr(path, 3), '.');";

/// The server's programs: Debian does not put them on the path.
fn programs() -> PathBuf {
    let mut folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .filter(|f| f.join("pg_ctl").is_file())
        .collect();
    if folders.is_empty() {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        folders.extend(versions.map(|v| v.path().join("bin")).filter(|f| f.join("pg_ctl").is_file()));
        folders.sort();
    }
    folders.pop().expect(
        "PostgreSQL's server programs: `script/setup test` installs them; without them half of the suite is missing",
    )
}

/// A program run as another user: the server refuses to run as root.
pub(crate) fn as_postgres(program: &str) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--", program]);
    command
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(Path::new("/proc/self")).unwrap()) == 0
}
