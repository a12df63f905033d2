//! The names of these tests begin with this module's name, so that they can be left out without PostgreSQL.

#[path = "hosts.rs"]
mod hosts;
#[path = "loss.rs"]
mod loss;
#[path = "plans.rs"]
mod plans;
#[path = "schema.rs"]
mod schema;
#[path = "server.rs"]
mod server;
#[cfg(feature = "postgres-tls")]
#[path = "tls.rs"]
mod tls;
#[path = "../whole/mod.rs"]
mod whole;
