//! Suites of the whole program in an office: the same on SQLite and on PostgreSQL.

pub(crate) mod acts;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod bounces;
pub(crate) mod copy;
pub(crate) mod dispatch;
pub(crate) mod find;
pub(crate) mod follow;
pub(crate) mod imports;
pub(crate) mod many;
pub(crate) mod nights;
pub(crate) mod privacy;
pub(crate) mod serve;
pub(crate) mod soak;
pub(crate) mod storage;
pub(crate) mod undo;
