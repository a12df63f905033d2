//! An appointment that a night makes firm.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use convoke_domain::permit::PermitKind;
use convoke_store::Placement;

/// An appointment to be made firm, and the data for its letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firm {
    /// Who and where.
    pub placement: Placement,
    /// Day.
    pub day: NaiveDate,
    /// Type of permit.
    pub kind: PermitKind,
    /// Mention.
    pub mention: String,
    /// Last day of the permit.
    pub expires_on: NaiveDate,
    /// Whether the notice is reduced.
    pub short_notice: bool,
    /// Whether the permit had already expired.
    pub late: bool,
}
