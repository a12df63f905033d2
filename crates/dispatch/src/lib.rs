//! Sending: claim, render, send, record. A send never decides who is convoked.
//!
//! ```text
//! outbox ─claim─▶ render ─▶ session: MAIL RCPT DATA, text ─▶ mark `sending` ─▶ final dot ─▶ record
//!         (one transaction for all that waits)              (asked again whether it may leave)
//! ```
//!
//! One worker is one process: a clerk, the only one that writes to the database; threads that render; sessions that
//! speak SMTP. Any number of workers share the outbox; a claimed letter is a worker's own while it renews the lease.
//!
//! **No letter is lost; a letter is sent twice only if its worker or its connection ended between the final dot and the
//! record of the answer: at most one per session, under the same Message-ID, and each is listed.**

pub mod bounces;
mod clerk;
mod decide;
mod press;
mod recheck;
mod relays;
mod return_path;
pub mod sink;
pub mod smtp;
mod worker;

use chrono::TimeDelta;
use serde::Serialize;

pub use decide::{Breaker, Circumstances, Decision, Doubt, Reason, Schedule, turn};
pub use press::{Made, Render, letters_of};
pub use recheck::{Floor, Withheld};
pub use relays::Transport;
pub use return_path::Named;
pub use worker::{Errand, drain};

/// `dispatch --json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Letters for which the relay took responsibility.
    pub accepted: u64,
    /// To be tried again later.
    pub deferred: u64,
    /// Refused for good.
    pub failed: u64,
    /// Letters that the relay may have.
    pub uncertain: u64,
    /// Too late to be sent.
    pub expired: u64,
    /// No longer to be sent.
    pub cancelled: u64,
    /// Kept until an operator decides.
    pub held: u64,
    /// Kept until a fact of the register is taken back, or a night ends the appointment.
    pub waiting: u64,
    /// Sent without the PDF, which could not be made: `outbox list` shows why.
    pub without_pdf: u64,
}

/// Why a drain ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Nothing can be claimed now.
    Empty,
    /// Outside the sending hours.
    OutsideHours,
    /// The clock is this far ahead of when it was last seen: it is not trusted.
    ClockJumped(TimeDelta),
    /// An operator stopped sending.
    Paused(convoke_store::Paused),
    /// The worker was asked to stop.
    Stopped,
    /// No relay answers; holds the last fault.
    RelayDown(String),
    /// The relay refuses our user or password.
    NotAuthenticated(String),
}
