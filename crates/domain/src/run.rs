//! A run: what starts it, and where it is in its life.

use crate::code::coded;

coded! {
    /// What started a run.
    pub enum Trigger {
        /// The schedule: a server, or a timer outside.
        Cron = "cron",
        /// A person, who gives a reason.
        Hand = "hand",
    }
}

coded! {
    /// Where a run is in its life.
    pub enum RunState {
        /// Reads and decides: nothing that holds is written yet.
        Observing = "observing",
        /// Its plan holds and is being committed: it can only be finished.
        Committing = "committing",
        /// Finished.
        Completed = "completed",
        /// Stopped by a person, or because it would have made too many appointments firm.
        Stopped = "stopped",
        /// Failed before it had decided.
        Failed = "failed",
    }
}

impl RunState {
    /// The states of a run that is not over.
    pub const ACTIVE: [Self; 2] = [Self::Observing, Self::Committing];

    /// Whether the run is not over: at most one of a préfecture is.
    pub fn is_active(self) -> bool {
        Self::ACTIVE.contains(&self)
    }
}

coded! {
    /// What long work is at.
    pub enum Stage {
        /// Permits are read, and assessed.
        Reading = "reading",
        /// The night is planned.
        Planning = "planning",
        /// Verdicts are stored.
        Storing = "storing",
        /// Seats are reserved and letters written.
        Convoking = "convoking",
        /// Notices and reminders are written.
        Writing = "writing",
        /// Letters are laid out for the post.
        LayingOut = "laying-out",
        /// The ledger is verified.
        Verifying = "verifying",
        /// The weeks of a forecast are played through.
        Forecasting = "forecasting",
    }
}

impl Stage {
    /// For a progress line.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Reading => "reading and assessing permits",
            Self::Planning => "planning",
            Self::Storing => "storing verdicts",
            Self::Convoking => "convoking",
            Self::Writing => "writing notices and reminders",
            Self::LayingOut => "laying letters out",
            Self::Verifying => "verifying the ledger",
            Self::Forecasting => "playing through the weeks",
        }
    }
}
