//! Written requests: for students, and for people who cannot wait for the night.

use chrono::{Months, NaiveDate};

use crate::code::coded;
use crate::permit::PermitKind;
use crate::policy::Policy;

coded! {
    /// What is requested.
    pub enum Wish {
        /// To be seen soon: rights, work or a journey depend on it.
        Urgent = "urgent",
        /// An earlier date than the current one.
        Advance = "advance",
        /// A date through another channel than e-mail.
        NoEmail = "no-email",
        /// Something else.
        Other = "other",
    }
}

coded! {
    /// State of a request.
    pub enum RequestState {
        /// Waits for a seat.
        Open = "open",
        /// A run has chosen a seat for it and has not reserved it yet.
        Chosen = "chosen",
        /// Answered by an appointment.
        Placed = "placed",
        /// Refused by an agent.
        Refused = "refused",
        /// Withdrawn by the person.
        Withdrawn = "withdrawn",
    }
}

impl RequestState {
    /// Whether a request may change from this state to `next`.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Open => next != Self::Open,
            Self::Chosen => matches!(next, Self::Placed | Self::Open),
            Self::Placed | Self::Refused | Self::Withdrawn => false,
        }
    }
}

/// Urgency of a request: people whose rights end first come first, then those who have waited longest. Rights continue
/// for three months after the permit where CESEDA L.433-3 grants that, and end with it where the policy says so
/// (`lapse_late`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Urgency {
    /// Last day of the person's rights.
    pub rights_until: NaiveDate,
    /// Day on which the request was received.
    pub received_on: NaiveDate,
}

impl Urgency {
    /// The urgency of a request about a permit.
    pub fn of(kind: PermitKind, expires_on: NaiveDate, received_on: NaiveDate, policy: &Policy) -> Self {
        let ends_at_once = policy.lapse_late.get(&kind).is_some_and(|days| *days > 0);
        let months = Months::new(if ends_at_once { 0 } else { 3 });
        Self { rights_until: expires_on.checked_add_months(months).unwrap_or(expires_on), received_on }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_rights_end_first_comes_first_and_then_who_has_waited_longest() {
        let day = |d| NaiveDate::from_ymd_opt(2026, 11, d).unwrap();
        let mut policy = Policy::default();
        policy.lapse_late.insert(PermitKind::Aps, 30);
        let of = |kind, expires_on, received_on| Urgency::of(kind, expires_on, received_on, &policy);
        let mut waiting = [
            (of(PermitKind::Cst, day(1), day(2)), "three months of rights"),
            (of(PermitKind::Aps, day(20), day(3)), "no rights after its end"),
            (of(PermitKind::Cst, day(1), day(1)), "three months, and asked first"),
        ];
        waiting.sort();
        let order: Vec<_> = waiting.iter().map(|(_, who)| *who).collect();
        assert_eq!(order, ["no rights after its end", "three months, and asked first", "three months of rights"]);
    }

    #[test]
    fn what_was_decided_stays_decided() {
        for from in [RequestState::Placed, RequestState::Refused, RequestState::Withdrawn] {
            assert!(RequestState::ALL.iter().all(|next| !from.may_become(*next)));
        }
    }
}
