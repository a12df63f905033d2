//! Whole offices on SQLite.

mod console;
mod contract;
mod doctor;
mod exit_codes;
mod hostile;
mod hostile_names;
mod plans;
mod real_mta;
mod scenarios;
mod schemas;
#[path = "../support/mod.rs"]
mod support;
mod tables;
#[path = "../whole/mod.rs"]
mod whole;
