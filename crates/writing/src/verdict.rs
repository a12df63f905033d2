//! Whether a letter may leave, by the facts of now.

use chrono::NaiveDate;

use convoke_domain::agenda::{Agenda, Jurisdiction};
use convoke_domain::convocation::{LetterKind, Remark};
use convoke_domain::eligibility::{Rule, assess};
use convoke_domain::policy::Policy;
use convoke_settings::Configuration;
use convoke_store::Standing;

/// Whether what a letter says holds, by the facts of now.
#[derive(Debug)]
pub struct Verdict {
    policy: Policy,
    agenda: Agenda,
    jurisdiction: Jurisdiction,
}

impl Verdict {
    /// By the rules and the agenda of an office.
    pub fn of(config: &Configuration) -> Self {
        let (policy, agenda) = (config.settings.policy.clone(), config.agenda.clone());
        Self { jurisdiction: agenda.jurisdiction(), policy, agenda }
    }

    /// Why a letter waits, if it does; those to people who were erased do not.
    pub fn waits(&self, letter: &Standing, today: NaiveDate) -> Option<Remark> {
        let rule = assess(&letter.facts()?, &self.policy, &self.jurisdiction, today).rule;
        let lost = || {
            let lost = letter.slot_id.as_ref().is_some_and(|slot| !self.agenda.is_open(&slot.pool, slot.day));
            (lost && letter.kind != LetterKind::Cancellation).then_some(Remark::PlaceLost)
        };
        waits(letter, rule).or_else(lost)
    }
}

/// Why a letter waits under this verdict, if it does: until the fact is taken back, or a night has ended the
/// appointment.
pub fn waits(letter: &Standing, rule: Rule) -> Option<Remark> {
    // A notice is true under the verdict that it follows from, and no other.
    let untrue = match letter.kind {
        // The person must know that the appointment is over.
        LetterKind::Cancellation => return None,
        LetterKind::Transfer => !matches!(rule, Rule::NoJurisdiction | Rule::RenewalFiled),
        LetterKind::OnlineFiling => rule != Rule::DueOnline,
        LetterKind::HeadsUp => rule != Rule::Due,
        // A student who asked in writing was convoked as a student.
        _ => rule.ends_need() && !(rule == Rule::Student && letter.made_rule == Some(rule)),
    };
    if rule == Rule::Held || (untrue && rule.ends_need()) {
        return Remark::of(rule);
    }
    untrue.then_some(Remark::Untrue)
}
