//! Their names begin with that of this module, so that they can be left out where there is no PostgreSQL.

#[path = "../bounces.rs"]
mod bounces;
#[path = "../correspondence.rs"]
mod correspondence;
#[path = "../dispatch.rs"]
mod dispatch;
#[path = "../imports.rs"]
mod imports;
#[path = "../nights.rs"]
mod nights;
#[path = "../soak.rs"]
mod soak;
