//! How each permit ended: the only true measure of what was promised.

use chrono::NaiveDate;

use crate::code::coded;
use crate::convocation::State;
use crate::eligibility::Rule;
use crate::permit::{PermitKind, Status};

/// Appointment at a desk.
pub type AtDesk = (String, String, NaiveDate);

coded! {
    /// How a permit ended.
    pub enum Ending {
        /// The renewal was requested in time, or the holder came.
        Filed = "filed-in-time",
        /// The holder was convoked in time, and nothing shows whether they came.
        Untraced = "convoked-without-trace",
        /// The holder was convoked, but only for a day after the expiry.
        Late = "convoked-too-late",
        /// The holder was never convoked.
        Never = "never-convoked",
        /// It expired before any run had seen it.
        Unseen = "never-examined",
        /// Its holder did not have to be convoked: the rule says why.
        Apart = "not-to-be-convoked",
    }
}

impl Ending {
    /// French label.
    pub const fn label_fr(self) -> &'static str {
        match self {
            Self::Filed => "Demande déposée à temps",
            Self::Untraced => "Convoqué à temps, sans trace de dépôt",
            Self::Late => "Convoqué trop tard",
            Self::Never => "Jamais convoqué",
            Self::Unseen => "Expiré avant la première nuit",
            Self::Apart => "N’était pas à convoquer",
        }
    }
}

/// An expired permit, with all that shows how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// Permit.
    pub permit: String,
    /// Type.
    pub kind: PermitKind,
    /// Last day.
    pub expires_on: NaiveDate,
    /// Status in the extract.
    pub status: Status,
    /// When the renewal was filed.
    pub filed_on: Option<NaiveDate>,
    /// Whether a newer permit exists.
    pub superseded: bool,
    /// The verdict on its last day; `None` if no run had seen it.
    pub rule: Option<Rule>,
    /// Convocations for it.
    pub convocations: Vec<Appointed>,
}

/// An appointment and its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appointed {
    /// Day.
    pub day: NaiveDate,
    /// State of the convocation.
    pub state: State,
}

impl Expired {
    /// How it ended.
    pub fn ending(&self) -> Ending {
        let came = |a: &Appointed| a.state == State::Honoured && a.day <= self.expires_on;
        if self.filed_on.is_some_and(|day| day <= self.expires_on) || self.convocations.iter().any(came) {
            return Ending::Filed;
        }
        // A cancelled or moved appointment does not count.
        let gone = |a: &&Appointed| matches!(a.state, State::Cancelled | State::Moved);
        let mut live = self.convocations.iter().filter(|a| !gone(a)).peekable();
        let renewed = self.status == Status::Renewed || self.superseded;
        if live.peek().is_some() {
            let in_time = live.any(|a| a.day <= self.expires_on);
            // Renewed on an unknown day: in time if the appointment was.
            return match (in_time, renewed && self.filed_on.is_none()) {
                (true, true) => Ending::Filed,
                (true, false) => Ending::Untraced,
                (false, _) => Ending::Late,
            };
        }
        if renewed && self.filed_on.is_none() {
            return Ending::Filed;
        }
        let apart = self.rule.is_some_and(|rule| {
            matches!(
                rule,
                Rule::Deceased
                    | Rule::Withdrawn
                    | Rule::Held
                    | Rule::AbsentFromExtract
                    | Rule::NotLatestPermit
                    | Rule::RenewalFiled
                    | Rule::Student
                    | Rule::NotRenewable
                    | Rule::UnknownTitle
                    | Rule::DueOnline
            )
        });
        match (apart, self.rule) {
            (true, _) => Ending::Apart,
            (false, None) => Ending::Unseen,
            (false, Some(_)) => Ending::Never,
        }
    }
}
