//! `follow`: what becomes of an appointment that was decided on an earlier night, compared with the facts of tonight.
//!
//! Between assessing and planning, each live appointment gets one [`Consequence`]. What follows from it is policy
//! ([`Follow`]); above a limit nothing is released, because a bad extract must not cancel an office.

use std::collections::BTreeMap;

use chrono::{Months, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::code::coded;
use crate::eligibility::Rule;

coded! {
    /// What is done about an appointment whose holder no longer needs it.
    pub enum Then {
        /// Its seat enters tonight's plan; nobody is told.
        Release = "release",
        /// The same, and its holder is told by a letter of cancellation.
        Tell = "tell",
        /// It stays, and is listed for an agent.
        List = "list",
    }
}

coded! {
    /// What is done about an appointment that no longer prevents a lapse, or whose place is lost.
    pub enum Remedy {
        /// Its holder gets another one in tonight's plan, first among equals.
        Move = "move",
        /// It stays, and is listed for an agent.
        List = "list",
    }
}

coded! {
    /// What a night did about an appointment of an earlier night.
    pub enum Suite {
        /// Its seat entered the plan of that night.
        Released = "released",
        /// The same, and its holder was told.
        Told = "told",
        /// An agent has to look at it.
        Listed = "listed",
        /// Not released: too many at once, so the extract may be wrong.
        Withheld = "withheld",
        /// Its holder got another one.
        Moved = "moved",
        /// No day before the new deadline was left.
        Lapsed = "lapsed",
        /// Given back: the fact for which it was released no longer holds.
        Restored = "restored",
    }
}

coded! {
    /// What changed about a live appointment, when no verdict ended its need.
    pub enum Change {
        /// The permit now expires before the day of the appointment.
        Deadline = "deadline",
        /// The slot, or its day at that desk, is gone.
        SlotLost = "slot-lost",
        /// The desk no longer serves this permit or commune.
        DeskLost = "desk-lost",
    }
}

impl Suite {
    /// French label, for the report and the counter.
    pub const fn label_fr(self) -> &'static str {
        match self {
            Self::Released => "Place libérée",
            Self::Told => "Place libérée, titulaire prévenu",
            Self::Listed => "À examiner par un agent",
            Self::Withheld => "Libération retenue",
            Self::Moved => "Rendez-vous déplacé",
            Self::Lapsed => "Sans date avant la nouvelle échéance",
            Self::Restored => "Rendez-vous rétabli",
        }
    }
}

impl Change {
    /// French label.
    pub const fn label_fr(self) -> &'static str {
        match self {
            Self::Deadline => "Le titre expire désormais avant le rendez-vous",
            Self::SlotLost => "Le créneau n’existe plus",
            Self::DeskLost => "Le guichet ne reçoit plus ce titre ou cette commune",
        }
    }
}

/// What an appointment was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// Last day of the permit as it was known then.
    pub expires_on: NaiveDate,
    /// The verdict under which it was made.
    pub rule: Rule,
}

/// What is known tonight about a live appointment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its day.
    pub day: NaiveDate,
    /// The verdict on its permit, as if nobody had been convoked.
    pub rule: Rule,
    /// Last day of the permit.
    pub expires_on: NaiveDate,
    /// Whether the desk is open that day and the slot exists.
    pub is_open: bool,
    /// Whether the desk serves this permit and commune.
    pub is_served: bool,
}

/// What becomes of one live appointment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// It stands.
    Nothing,
    /// Its holder no longer needs it, by this verdict.
    Ended(Rule),
    /// It no longer does what it was given for.
    Changed(Change),
}

/// Compares what an appointment was made from with the facts of tonight. `late_months`: until when a late request still
/// is a renewal (CESEDA R.431-8).
pub fn follow(basis: Basis, now: &Standing, late_months: u32) -> Consequence {
    if now.rule.ends_need() && now.rule != basis.rule {
        return Consequence::Ended(now.rule);
    }
    // Known when it was made, or when this was first looked at: nobody is moved who needs no appointment.
    if now.rule.ends_need() && now.rule != Rule::Student {
        return Consequence::Nothing;
    }
    if !now.is_open {
        return Consequence::Changed(Change::SlotLost);
    }
    if !now.is_served {
        return Consequence::Changed(Change::DeskLost);
    }
    // In time then and not now; or, after expiry, within the months of a late request then and not now.
    let limits = |expires_on: NaiveDate| {
        [expires_on, expires_on.checked_add_months(Months::new(late_months)).unwrap_or(NaiveDate::MAX)]
    };
    let lost = |(then, limit): (NaiveDate, NaiveDate)| now.day <= then && now.day > limit;
    if limits(basis.expires_on).into_iter().zip(limits(now.expires_on)).any(lost) {
        return Consequence::Changed(Change::Deadline);
    }
    Consequence::Nothing
}

/// `[follow]` in `config/policy.toml`: what follows when a fact changes after an appointment was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Follow {
    /// What is done, by the verdict that ended the need; `list` if absent.
    pub verdict: BTreeMap<Rule, Then>,
    /// The permit now expires before the appointment.
    pub deadline: Remedy,
    /// The slot, the desk or the jurisdiction is gone.
    pub place: Remedy,
    /// A run releases at most this many appointments by itself.
    pub max_released_per_run: u32,
    /// And at most this share of the live ones, in percent, where that is more than ten.
    pub max_released_percent: f64,
}

/// Below this many releases no share is looked at: one family is a tenth of a small office.
const RELEASED_ALWAYS: usize = 10;

impl Default for Follow {
    fn default() -> Self {
        let verdict =
            [(Rule::Deceased, Then::Release), (Rule::RenewalFiled, Then::Tell), (Rule::NotLatestPermit, Then::Tell)];
        Self {
            verdict: verdict.into(),
            deadline: Remedy::Move,
            place: Remedy::Move,
            max_released_per_run: 50,
            max_released_percent: 10.0,
        }
    }
}

impl Follow {
    /// What is done about an appointment whose need a verdict ended.
    pub fn then(&self, rule: Rule) -> Then {
        self.verdict.get(&rule).copied().unwrap_or(Then::List)
    }

    /// What is done about an appointment for which something else changed.
    pub const fn remedy(&self, change: Change) -> Remedy {
        match change {
            Change::Deadline => self.deadline,
            Change::SlotLost | Change::DeskLost => self.place,
        }
    }

    /// Whether this many releases of so many live appointments are withheld.
    pub fn withholds(&self, released: usize, live: usize) -> bool {
        let share = live as f64 * self.max_released_percent / 100.0;
        released > self.max_released_per_run as usize || (released > RELEASED_ALWAYS && released as f64 > share)
    }

    /// What is wrong with it, if anything.
    pub fn validate(&self) -> Result<(), String> {
        if let Some(rule) = self.verdict.keys().find(|rule| !rule.ends_need()) {
            return Err(format!("[follow.verdict] `{rule}` ends nobody's need of an appointment"));
        }
        if self.then(Rule::Deceased) == Then::Tell {
            return Err("[follow.verdict] deceased = \"tell\": no letter is written to the deceased".into());
        }
        if !(0.0..=100.0).contains(&self.max_released_percent) {
            return Err(format!("[follow] max_released_percent: {} is not a percentage", self.max_released_percent));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// Made for a permit until the end of March, on the first of that month.
    const BASIS: Basis = Basis { expires_on: NaiveDate::from_ymd_opt(2027, 3, 31).expect("a date"), rule: Rule::Due };

    fn standing() -> Standing {
        Standing {
            day: day("2027-03-01"),
            rule: Rule::Due,
            expires_on: BASIS.expires_on,
            is_open: true,
            is_served: true,
        }
    }

    fn of(now: Standing) -> Consequence {
        follow(BASIS, &now, 6)
    }

    #[test]
    fn an_appointment_whose_facts_are_those_it_was_made_from_stands() {
        assert_eq!(of(standing()), Consequence::Nothing);
        for rule in Rule::ALL.iter().filter(|rule| !rule.ends_need()) {
            assert_eq!(of(Standing { rule: *rule, ..standing() }), Consequence::Nothing, "{rule}");
        }
    }

    #[test]
    fn a_verdict_ends_the_need_unless_the_appointment_was_given_under_it() {
        for rule in Rule::ALL.iter().filter(|rule| rule.ends_need()) {
            assert_eq!(of(Standing { rule: *rule, ..standing() }), Consequence::Ended(*rule));
        }
        // A student who asked in writing.
        let basis = Basis { rule: Rule::Student, ..BASIS };
        let now = Standing { rule: Rule::Student, ..standing() };
        assert_eq!(follow(basis, &now, 6), Consequence::Nothing);
        let now = Standing { rule: Rule::Deceased, ..now };
        assert_eq!(follow(basis, &now, 6), Consequence::Ended(Rule::Deceased));
    }

    #[test]
    fn a_deadline_that_passes_to_before_the_day_is_a_change_and_one_that_was_past_already_is_none() {
        let sooner = |expires_on| Standing { expires_on: day(expires_on), ..standing() };
        assert_eq!(of(sooner("2027-01-28")), Consequence::Changed(Change::Deadline));
        assert_eq!(of(sooner("2027-02-28")), Consequence::Changed(Change::Deadline));
        assert_eq!(of(sooner("2027-03-01")), Consequence::Nothing);
        // Given after expiry, within the six months; then these end before the day.
        let late = Basis { expires_on: day("2026-12-31"), rule: Rule::DueLate };
        assert_eq!(follow(late, &sooner("2026-12-15"), 6), Consequence::Nothing);
        assert_eq!(follow(late, &sooner("2026-08-31"), 6), Consequence::Changed(Change::Deadline));
        // Beyond the six months from the beginning.
        let hopeless = Basis { expires_on: day("2026-06-30"), ..late };
        assert_eq!(follow(hopeless, &sooner("2026-05-31"), 6), Consequence::Nothing);
    }

    #[test]
    fn a_lost_place_is_a_change_and_an_ended_need_comes_first() {
        let closed = Standing { is_open: false, ..standing() };
        assert_eq!(of(closed), Consequence::Changed(Change::SlotLost));
        assert_eq!(of(Standing { is_served: false, ..standing() }), Consequence::Changed(Change::DeskLost));
        assert_eq!(of(Standing { rule: Rule::Deceased, ..closed }), Consequence::Ended(Rule::Deceased));
    }

    #[test]
    fn a_bad_extract_releases_nobody_and_a_family_is_no_bad_extract() {
        let follow = Follow::default();
        for (released, live, withheld) in [
            (0, 0, false),
            (10, 20, false),
            (11, 109, true),
            (11, 110, false),
            (50, 60_000, false),
            (51, 60_000, true),
            (500, 600, true),
        ] {
            assert_eq!(follow.withholds(released, live), withheld, "{released} of {live}");
        }
    }

    #[test]
    fn the_deceased_are_not_written_to_and_what_ends_no_need_is_not_followed() {
        assert_eq!(Follow::default().validate(), Ok(()));
        let with = |rule, then| Follow { verdict: [(rule, then)].into(), ..Follow::default() };
        assert!(with(Rule::Deceased, Then::Tell).validate().is_err());
        assert!(with(Rule::Due, Then::Release).validate().is_err());
        assert!(with(Rule::Withdrawn, Then::Tell).validate().is_ok());
        assert_eq!(Follow::default().then(Rule::Withdrawn), Then::List);
    }
}
