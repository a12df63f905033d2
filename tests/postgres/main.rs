//! What holds on SQLite holds on PostgreSQL: the same suites of the whole program, on a cluster created by the tests.

mod on_postgres;
#[path = "../support/mod.rs"]
mod support;
