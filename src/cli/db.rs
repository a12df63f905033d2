//! `convoke db copy`, and what `convoke doctor` says of the database.

use std::fmt::Write as _;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use super::{Exit, Session};
use crate::store::{Copied, Copy, Head, Store, Use, copy};

/// What can be done with a whole database.
#[derive(Debug, Subcommand)]
pub(super) enum Db {
    Copy(CopyArgs),
}

/// Carry a whole database over to another, such as from SQLite to PostgreSQL.
///
/// Every table and every préfecture, in one transaction; then every row is read again from both and compared, and every ledger is
/// verified in the new database: all of it is there, or nothing. The new database must be empty; its tables are made. Stop every other
/// `convoke` meanwhile: whatever is written to the old database after the copy began is not in the new one.
///
/// A password does not belong on a command line: PGPASSWORD or a passfile (PGPASSFILE) holds it.
#[derive(Debug, Args)]
pub(super) struct CopyArgs {
    /// The database to read: `sqlite:PATH` or `postgres://…`.
    #[arg(long, value_name = "URL")]
    from: String,
    /// The empty database to fill.
    #[arg(long, value_name = "URL")]
    to: String,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    tables: &'a [Copied],
    ledgers: Vec<Ledger<'a>>,
}

#[derive(Serialize)]
struct Ledger<'a> {
    prefecture: &'a str,
    #[serde(flatten)]
    head: &'a Head,
}

impl Db {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let Self::Copy(args) = self;
        let progress = session.progress();
        let Copy { tables, ledgers } = copy(&args.from, &args.to, &|table, rows| progress.show(table, rows, 0))?;
        progress.clear();
        let mut text = String::new();
        for Copied { table, rows, .. } in tables.iter().filter(|t| t.rows > 0) {
            writeln!(text, "{table:<18} {rows:>10} rows, the same in both")?;
        }
        for (prefecture, head) in &ledgers {
            writeln!(text, "ledger of {prefecture}: {} entries, verified", head.size)?;
        }
        let ledgers = ledgers.iter().map(|(prefecture, head)| Ledger { prefecture, head }).collect();
        session.print(&Document { schema: "convoke.copy/1", tables: &tables, ledgers }, &text)?;
        Ok(Exit::Done)
    }
}

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    ok: bool,
    /// What was found, and what to do where it is wrong.
    told: String,
}

/// Looks at the database as the settings name it, and says what to do where something is wrong.
pub(super) fn doctor(session: &Session) -> Result<Exit> {
    let config = session.configuration()?;
    let database = &config.settings.database;
    let mut findings = vec![Finding { what: "settings", ok: true, told: "read and valid".into() }];
    match Store::open(&database.url, &config.settings.prefecture.code, Use::Batch) {
        Ok(mut store) => {
            findings.push(Finding { what: "database", ok: true, told: database.shown() });
            let told = store.describe()?;
            findings.push(Finding { what: "server", ok: true, told });
        }
        Err(error) => {
            let told = format!("{error:#}");
            let remedy = remedy(&told).map_or(String::new(), |r| format!("\n           → {r}"));
            findings.push(Finding { what: "database", ok: false, told: format!("{told}{remedy}") });
        }
    }
    let mut text = String::new();
    for Finding { what, ok, told } in &findings {
        writeln!(text, "{} {what:<9} {told}", if *ok { "ok   " } else { "WRONG" })?;
    }
    let healthy = findings.iter().all(|f| f.ok);
    session.print(&json!({"schema": "convoke.doctor/1", "healthy": healthy, "findings": findings}), &text)?;
    Ok(if healthy { Exit::Done } else { Exit::Unexpected })
}

/// What to do about an error of the database; libpq's words, in English whatever the server speaks.
fn remedy(told: &str) -> Option<&'static str> {
    let knows = |word: &str| told.contains(word);
    Some(match () {
        () if knows("run `convoke migrate`") => "convoke migrate",
        () if knows("SSL support is not compiled in") => {
            "this program speaks no TLS to PostgreSQL: build it with --features postgres-tls, or use the container image"
        }
        () if knows("server does not support SSL") => {
            "sslmode asks for TLS and the server offers none: set ssl = on and its certificate in postgresql.conf"
        }
        () if knows("root certificate file") => {
            "sslmode=verify-full needs the certificate of the authority: add sslrootcert=FILE to the URL, or sslrootcert=system"
        }
        () if knows("does not match host name") => {
            "the server's certificate is for another name: connect under that name, or have it made for this one"
        }
        () if knows("certificate verify failed") => {
            "the server's certificate is not signed by the authority of sslrootcert, or has expired"
        }
        () if knows("no pg_hba.conf entry") => {
            "the server lets this host, user or database in by no line of pg_hba.conf; hostssl lines ask for sslmode=verify-full"
        }
        () if knows("password authentication failed") => {
            "the password is wrong: `[database] password_file`, the credential `database-password`, or PGPASSFILE holds it"
        }
        () if knows("no password supplied") => {
            "name a password: `[database] password_file`, the credential `database-password`, or PGPASSFILE"
        }
        () if knows("Connection refused")
            || knows("could not translate host name")
            || knows("No such file or directory") =>
        {
            "is the server running, and do host and port of `[database] url` name it?"
        }
        () if knows("does not exist") => "create database or role: createdb, createuser",
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_failing_at_tls_has_a_remedy() {
        for (told, word) in [
            ("sslmode value \"require\" invalid when SSL support is not compiled in", "postgres-tls"),
            ("server does not support SSL, but SSL was required", "ssl = on"),
            ("root certificate file \"/root/.postgresql/root.crt\" does not exist", "sslrootcert"),
            ("server certificate for \"a\" does not match host name \"b\"", "another name"),
            ("SSL error: certificate verify failed", "sslrootcert"),
            ("FATAL: no pg_hba.conf entry for host \"10.0.0.1\", user \"u\", database \"d\", no encryption", "hostssl"),
        ] {
            assert!(remedy(told).is_some_and(|r| r.contains(word)), "{told}: {:?}", remedy(told));
        }
        assert_eq!(remedy("something else"), None);
    }
}
