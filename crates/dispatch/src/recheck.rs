//! Whether a letter may still leave: checked for all waiting letters when a worker starts and every hour, and for each
//! letter in the transaction that marks it as being sent.

use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

use convoke_domain::convocation::{LetterKind, LetterState, Remark, State};
use convoke_settings::Configuration;
use convoke_store::Standing;
use convoke_writing::Verdict;

/// Why a letter is not sent, and its state then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// Its state.
    pub state: LetterState,
    /// Why, for operators.
    pub reason: Remark,
}

/// Why a letter waits on a date, if it does.
type Waits = Arc<dyn Fn(&Standing, NaiveDate) -> Option<Remark> + Send + Sync>;

/// The rules of the office about letters that wait.
#[derive(Clone)]
pub struct Floor {
    /// A letter that announces an appointment must not leave fewer than this many days before it.
    pub send_floor_days: u32,
    /// Time zone of civil dates.
    pub zone: Tz,
    /// Why a letter waits for a fact.
    pub waits: Waits,
}

impl Floor {
    /// The rules of an office.
    pub fn of(config: &Configuration) -> Self {
        let verdict = Verdict::of(config);
        Self {
            send_floor_days: config.settings.policy.send_floor_days,
            zone: config.settings.prefecture.zone,
            waits: Arc::new(move |letter, today| verdict.waits(letter, today)),
        }
    }

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
            if let Some(reason) = (self.waits)(letter, now.with_timezone(&self.zone).date_naive()) {
                return kept(LetterState::Held, reason);
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

#[cfg(test)]
mod tests {
    use super::*;
    use convoke_domain::eligibility::{Facts, Rule};
    use convoke_domain::permit::{PermitKind, Status};
    use convoke_writing::waits;

    /// A convocation for 10 December that may leave.
    fn letter() -> Standing {
        Standing {
            letter_id: "l".into(),
            kind: LetterKind::Convocation,
            revision: 0,
            recipient: Some("a@example.org".into()),
            convocation_state: Some(State::Convoked),
            slot_id: None,
            day: NaiveDate::from_ymd_opt(2026, 12, 10),
            sequence: Some(0),
            made_rule: Some(Rule::Due),
            permit_kind: Some(PermitKind::Cst),
            mention: Some("salarie".into()),
            commune: Some("94028".into()),
            expires_on: NaiveDate::from_ymd_opt(2027, 1, 10),
            permit_status: Some(Status::Active),
            flags: Some(0),
            occasion: String::new(),
            remark: None,
            email: Some("a@example.org".into()),
            email_set: None,
            email_set_over: None,
            email_refused: None,
            paused_at: None,
        }
    }

    fn withheld(letter: &Standing) -> Option<Remark> {
        let verdict = |facts: &Facts<'_>| match facts.status {
            Status::Deceased => Rule::Deceased,
            Status::Withdrawn => Rule::Withdrawn,
            Status::Renewed => Rule::NotLatestPermit,
            Status::Active if facts.held => Rule::Held,
            Status::Active if facts.absent => Rule::AbsentFromExtract,
            Status::Active if facts.superseded => Rule::NotLatestPermit,
            Status::Active if facts.filed => Rule::RenewalFiled,
            Status::Active if facts.mention == "etudiant" => Rule::Student,
            Status::Active => Rule::Due,
        };
        let waits = move |letter: &Standing, _| waits(letter, verdict(&letter.facts()?));
        let floor = Floor { send_floor_days: 3, zone: chrono_tz::Europe::Paris, waits: Arc::new(waits) };
        let now = chrono_tz::Europe::Paris.with_ymd_and_hms(2026, 12, 1, 10, 0, 0).unwrap();
        floor.withheld(letter, now.to_utc()).map(|withheld| withheld.reason)
    }

    #[test]
    fn what_no_longer_holds_is_withheld_and_says_why() {
        assert_eq!(withheld(&letter()), None);
        let of = |change: fn(&mut Standing)| {
            let mut changed = letter();
            change(&mut changed);
            withheld(&changed)
        };
        assert_eq!(of(|l| l.convocation_state = Some(State::Cancelled)), Some(Remark::NoAppointment));
        assert_eq!(of(|l| l.sequence = Some(1)), Some(Remark::Moved));
        assert_eq!(of(|l| (l.sequence, l.revision) = (Some(1), 1)), None);
        assert_eq!(of(|l| l.permit_status = Some(Status::Deceased)), Some(Remark::Deceased));
        assert_eq!(of(|l| l.permit_status = Some(Status::Withdrawn)), Some(Remark::Withdrawn));
        assert_eq!(of(|l| l.permit_status = Some(Status::Renewed)), Some(Remark::Renewed));
        assert_eq!(of(|l| l.flags = Some(1)), Some(Remark::Filed));
        assert_eq!(of(|l| l.flags = Some(2)), Some(Remark::PermitHeld));
        assert_eq!(of(|l| l.flags = Some(4)), Some(Remark::Absent));
        assert_eq!(of(|l| l.flags = Some(8)), Some(Remark::Renewed));
        assert_eq!(of(|l| l.mention = Some("etudiant".into())), Some(Remark::Student));
        let asked = |l: &mut Standing| (l.mention, l.made_rule) = (Some("etudiant".into()), Some(Rule::Student));
        assert_eq!(of(asked), None, "a student who asked for it in writing");
        assert_eq!(of(|l| l.permit_kind = None), None, "an anonymous letter");
        assert_eq!(of(|l| l.email_refused = l.recipient.clone()), Some(Remark::AddressRefused));
        assert_eq!(of(|l| l.email_refused = Some("old@example.org".into())), None, "another address now");
        assert_eq!(of(|l| l.day = NaiveDate::from_ymd_opt(2026, 12, 3)), Some(Remark::TooLate));
        assert_eq!(of(|l| l.day = NaiveDate::from_ymd_opt(2026, 12, 4)), None, "three days before");
    }

    #[test]
    fn a_cancellation_leaves_whatever_came_after_it() {
        let cancelled = Standing {
            kind: LetterKind::Cancellation,
            convocation_state: Some(State::Cancelled),
            sequence: Some(4),
            permit_status: Some(Status::Renewed),
            flags: Some(2),
            ..letter()
        };
        assert_eq!(withheld(&cancelled), None);
    }

    #[test]
    fn a_holder_who_has_filed_still_learns_which_prefecture_is_competent() {
        let transfer = Standing { kind: LetterKind::Transfer, flags: Some(1), ..letter() };
        assert_eq!(withheld(&transfer), None);
    }

    #[test]
    fn a_letter_goes_to_the_address_that_its_holder_has_now() {
        let of = |change: fn(&mut Standing)| {
            let mut changed = letter();
            change(&mut changed);
            changed.goes_to_its_holder()
        };
        assert!(of(|_| {}));
        assert!(!of(|l| l.email = Some("b@example.org".into())));
        let set = |l: &mut Standing| (l.email_set, l.email_set_over) = (Some("b@example.org".into()), l.email.clone());
        assert!(!of(set));
        assert!(!of(|l| l.email = None));
        assert!(of(|l| (l.email, l.occasion) = (None, "adieu-1".into())), "the last letter to a former address");
    }
}
