//! What the store promises, on SQLite and on PostgreSQL: a function a promise, each run on both, on a database of its own.

/// Runs each promise on both databases.
macro_rules! on_both {
    ($($promise:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[test] fn $promise() { super::$promise(&mut crate::office::Office::on_sqlite()); })+
        }
        mod on_postgres {
            $(#[test] fn $promise() { super::$promise(&mut crate::office::Office::on_postgres()); })+
        }
    };
}

mod acts;
mod migrated;
mod office;
#[path = "../../../../tests/support/postgres.rs"]
#[allow(dead_code, reason = "shared with the tests of whole programs")]
mod postgres;
mod prefectures;
mod queue;
mod reads;
mod rows;
mod runs;
mod seats;
