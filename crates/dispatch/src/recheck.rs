//! Whether a letter may still leave: checked for all waiting letters when a worker starts and every hour, and for each
//! letter in the transaction that marks it as being sent.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

use convoke_domain::convocation::{LetterKind, LetterState, Remark, State};
use convoke_domain::permit::Status;
use convoke_store::Standing;

/// Why a letter is not sent, and its state then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// Its state.
    pub state: LetterState,
    /// Why, for operators.
    pub reason: Remark,
}

/// The rules of the office about late letters.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    /// A letter that announces an appointment must not leave fewer than this many days before it.
    pub send_floor_days: u32,
    /// Time zone of civil dates.
    pub zone: Tz,
}

impl Floor {
    /// From when a letter would come too late; `None` if it concerns no day.
    pub fn too_late_from(&self, letter: &Standing) -> Option<DateTime<Utc>> {
        let announces = [LetterKind::Convocation, LetterKind::Change].contains(&letter.kind);
        let days = if announces { self.send_floor_days.max(1) } else { 1 };
        midnight(letter.day?.checked_sub_days(Days::new(u64::from(days) - 1))?, self.zone)
    }

    /// Why the letter must no longer leave, if it must not.
    pub fn withheld(&self, letter: &Standing, now: DateTime<Utc>) -> Option<Withheld> {
        let kept = |state, reason| Some(Withheld { state, reason });
        if letter.email_refused.is_some() && letter.email_refused == letter.recipient {
            return kept(LetterState::Failed, Remark::AddressRefused);
        }
        // A cancellation is sent whatever came after it: the person must know that the appointment is over.
        if letter.kind != LetterKind::Cancellation {
            if letter.convocation_state.is_some_and(|state| state != State::Convoked) {
                return kept(LetterState::Cancelled, Remark::NoAppointment);
            }
            if letter.sequence.is_some_and(|sequence| letter.revision < sequence) {
                return kept(LetterState::Cancelled, Remark::Moved);
            }
            match letter.permit_status {
                Some(Status::Deceased) => return kept(LetterState::Cancelled, Remark::Deceased),
                Some(Status::Withdrawn) => return kept(LetterState::Cancelled, Remark::Withdrawn),
                Some(Status::Renewed) => return kept(LetterState::Cancelled, Remark::Renewed),
                Some(Status::Active) | None => {}
            }
            if letter.filed_on.is_some() && letter.kind != LetterKind::Transfer {
                return kept(LetterState::Cancelled, Remark::Filed);
            }
            if letter.permit_held == Some(true) {
                return kept(LetterState::Held, Remark::PermitHeld);
            }
        }
        self.too_late(letter, now)
    }

    /// Whether it would come too late: the person must then be called, whatever keeps the letter.
    pub fn too_late(&self, letter: &Standing, now: DateTime<Utc>) -> Option<Withheld> {
        let end = self.too_late_from(letter)?;
        (now >= end).then_some(Withheld { state: LetterState::Expired, reason: Remark::TooLate })
    }
}

/// When a civil date begins: its first instant if the clocks skip midnight.
pub(super) fn midnight(date: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let begins = |hour| zone.from_local_datetime(&date.and_time(NaiveTime::from_hms_opt(hour, 0, 0)?)).earliest();
    begins(0).or_else(|| begins(1)).map(|at| at.to_utc())
}
