//! Their names begin with that of this module, so that they can be left out where there is no PostgreSQL.

#[path = "../acts.rs"]
mod acts;
#[path = "../attendance.rs"]
mod attendance;
#[path = "../audit.rs"]
mod audit;
#[path = "../backup.rs"]
mod backup;
#[path = "../bounces.rs"]
mod bounces;
#[path = "../copy.rs"]
mod copy;
#[path = "../correspondence.rs"]
mod correspondence;
#[path = "../dispatch.rs"]
mod dispatch;
#[path = "../find.rs"]
mod find;
#[path = "../forecast.rs"]
mod forecast;
#[path = "hosts.rs"]
mod hosts;
#[path = "../imports.rs"]
mod imports;
#[path = "loss.rs"]
mod loss;
#[path = "../many.rs"]
mod many;
#[path = "../movers.rs"]
mod movers;
#[path = "../nights.rs"]
mod nights;
#[path = "../operators.rs"]
mod operators;
#[path = "../period.rs"]
mod period;
#[path = "plans.rs"]
mod plans;
#[path = "../privacy.rs"]
mod privacy;
#[path = "../requests.rs"]
mod requests;
#[path = "schema.rs"]
mod schema;
#[path = "../serve.rs"]
mod serve;
#[path = "../sheet.rs"]
mod sheet;
#[path = "../soak.rs"]
mod soak;
#[path = "../storage.rs"]
mod storage;
#[cfg(feature = "postgres-tls")]
#[path = "tls.rs"]
mod tls;
