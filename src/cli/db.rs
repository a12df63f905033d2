//! `convoke db copy`.

use std::fmt::Write as _;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::exit::Exit;
use super::session::Session;
use convoke_store::{Copied, Copy, Head, copy};

/// What can be done with a whole database.
#[derive(Debug, Subcommand)]
pub(super) enum Db {
    Copy(CopyArgs),
}

/// Copy a whole database to another, such as from SQLite to PostgreSQL.
///
/// Copies every table and every préfecture in one transaction, then reads every row again from both databases, compares
/// them, and verifies every ledger in the new database: it holds everything, or nothing. The new database must be
/// empty; its tables are created. Stop every other `convoke` meanwhile: anything written to the old database after the
/// copy has begun is not in the new one.
///
/// Do not put a password on the command line: use PGPASSWORD or a passfile (PGPASSFILE).
#[derive(Debug, Args)]
#[command(after_long_help = "Example:
  convoke db copy --from sqlite:convoke.sqlite3 --to \"postgres://convoke@db.example.org/convoke?sslmode=verify-full\"")]
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
