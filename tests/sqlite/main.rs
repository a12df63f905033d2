//! Whole offices on SQLite.

mod attendance;
mod clock;
mod console;
mod contract;
mod correspondence;
mod doctor;
mod erasure;
mod exit_codes;
mod forecast;
mod hostile;
mod hostile_names;
mod movers;
mod operators;
mod period;
mod plans;
mod real_mta;
mod requests;
mod scenarios;
mod schemas;
mod sheet;
#[path = "../support/mod.rs"]
mod support;
mod tables;
#[path = "../whole/mod.rs"]
mod whole;

use std::sync::LazyLock;

use support::{Office, PLANNED};

/// An office after a first night whose letters were sent. A test that changes something takes a copy.
pub(crate) static SENT: LazyLock<Office> = LazyLock::new(|| {
    let office = PLANNED.copy();
    office.until_sent();
    office
});
