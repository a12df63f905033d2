//! The pure rules of an office: permits and people, agenda and calendar, policy and verdicts, the life cycle of a
//! convocation, written requests, the ledger and its seal. Nothing here reads a clock or a file, or uses randomness.

pub mod access;
pub mod agenda;
pub mod birth;
pub mod calendar;
pub mod code;
pub mod commune;
pub mod convocation;
pub mod database_url;
pub mod eligibility;
pub mod ending;
pub mod follow;
pub mod gaps;
pub mod ids;
pub mod ledger;
pub mod movers;
pub mod permit;
pub mod policy;
pub mod requests;
pub mod run;
pub mod schedule;
pub mod seal;
pub mod search;
pub mod slot;
pub mod title;
pub mod unseen;
