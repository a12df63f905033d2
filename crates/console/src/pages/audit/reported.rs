//! A run and its report, as the lists of the audit show it.

use convoke_report::words;
use convoke_store::RunRow;

/// A run and its report.
pub(super) struct Reported {
    pub(super) row: RunRow,
    pub(super) state: String,
    /// Whether it has a report.
    pub(super) has_plan: bool,
}

impl From<RunRow> for Reported {
    fn from(row: RunRow) -> Self {
        Self { state: words::run_state(row.state).to_owned(), has_plan: row.summary.is_some(), row }
    }
}
