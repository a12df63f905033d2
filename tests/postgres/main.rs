//! What holds on SQLite holds on PostgreSQL: the same tests of whole nights, of sending, and of what comes in, on a cluster that
//! each of them makes.

#![allow(clippy::duplicate_mod, reason = "each suite brings its support, here as in its own program")]

mod on_postgres;
