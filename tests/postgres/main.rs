//! What holds on SQLite holds on PostgreSQL: the same tests of whole nights, of sending, and of what comes in, on a cluster that
//! each of them makes.

mod on_postgres;
