//! What holds on SQLite holds on PostgreSQL: the same suites of the whole program, on a cluster that they make.

mod on_postgres;
#[path = "../support/mod.rs"]
mod support;
