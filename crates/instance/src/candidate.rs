//! People to be seen, placed in time: their window, their notice, and when their appointment becomes firm.

use chrono::{Months, NaiveDate};
use serde::{Deserialize, Serialize};

use super::{Day, Pass, PlanningInput};
use convoke_domain::agenda::RankedPool;
use convoke_domain::ids::PermitId;
use convoke_domain::permit::{Channel, PermitKind};
use convoke_domain::policy::{Policy, Window};

/// Later than any day: a hastened candidate is firm tonight.
const HASTENED: Day = 10_000;

/// Before any night on which a permit was first known.
const LONG_AGO: Day = -40_000;

/// What records of before took six months for.
const SIX_MONTHS: Day = 183;

/// One person to be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The permit.
    pub id: PermitId,
    /// Household, if any.
    pub household: Option<String>,
    /// First night on which the permit was known: among equals, those who have waited longest come first.
    #[serde(default)]
    pub first_seen: Day,
    /// Type, for reports.
    pub category: PermitKind,
    /// Pools that may receive them, nearest first.
    pub pools: Vec<RankedPool>,
    /// First day that window and full notice allow; it may lie after the deadline.
    pub release: Day,
    /// Day by which they should have been seen.
    pub pref_end: Day,
    /// Last day that prevents a lapse; negative for those whose permit has expired.
    pub deadline: Day,
    /// First day that window and short notice allow.
    pub earliest: Day,
    /// First day with the full notice: sooner is *préavis réduit*.
    pub full_notice: Day,
    /// An appointment before this day could not be given in time tomorrow: it becomes firm tonight.
    pub firm_before: Day,
    /// Weight of a day beyond the preferred end.
    pub weight: u32,
    /// Days that a lapse counts for.
    pub lapse_late: u32,
    /// Last day of the months within which a late request still is a renewal (CESEDA R.431-8); not in records of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_until: Option<Day>,
    /// Has an appointment that no longer serves: the first among equals, firm tonight, and counted apart.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// A seat after expiry is taken only before this day: that of the present appointment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub better_than: Option<Day>,
}

impl Candidate {
    /// Places a permit in time. Notice is counted from today, days from the business date.
    #[expect(clippy::too_many_arguments, reason = "the facts that place one person, each of another origin")]
    pub fn new(
        id: PermitId,
        household: Option<String>,
        first_seen: NaiveDate,
        kind: PermitKind,
        channel: Channel,
        place: Vec<RankedPool>,
        nights: Nights,
        window: &Window<'_>,
        policy: &Policy,
    ) -> Self {
        let day = |date: NaiveDate| (date - nights.tonight).num_days().clamp(-100_000, 100_000) as Day;
        let full = policy.notice(channel) as Day;
        let notice = day(nights.today) + full;
        let (opens, deadline, short) =
            (day(window.opens), day(window.deadline), day(nights.today) + policy.short_notice_days as Day);
        Self {
            id,
            household,
            first_seen: day(first_seen),
            category: kind,
            pools: place,
            release: notice.max(opens),
            pref_end: day(window.preferred_end),
            deadline,
            earliest: short.max(opens),
            full_notice: notice,
            firm_before: day(nights.next) + full + policy.firm_lead_days as Day,
            weight: policy.weight.get(&kind).copied().unwrap_or(1),
            lapse_late: policy.lapse_late.get(&kind).copied().unwrap_or(0),
            late_until: window.deadline.checked_add_months(Months::new(policy.late_months)).map(day),
            again: false,
            better_than: None,
        }
    }

    /// Puts a candidate first among equals: an appointment was given before, and no longer serves or was taken away.
    pub fn come_first(&mut self) {
        self.first_seen = LONG_AGO;
    }

    /// Whether an appointment becomes firm tonight: when it could not be given in time tomorrow. After expiry, only if
    /// no seat freed tomorrow could still prevent the lapse; then also if nobody else will need the seat, or the person
    /// has waited long enough for an earlier one.
    pub fn is_firm(&self, day: Day, pass: Pass, input: &PlanningInput) -> bool {
        if self.again {
            return true;
        }
        let must_be = day < self.firm_before;
        if pass != Pass::AfterExpiry {
            return must_be;
        }
        let hopeless = self.deadline <= self.earliest;
        let waited = self.deadline < -(input.late_wait_days as Day);
        hopeless && (must_be || waited || day < input.surplus_before)
    }

    /// Hastens a candidate who is due and has asked in writing to be seen soon: released with short notice, late from
    /// that day on, firm tonight. The plan still makes nobody lapse for it.
    pub fn hasten(&mut self, weight: u32) {
        self.release = self.release.min(self.earliest);
        self.pref_end = self.pref_end.min(self.earliest);
        self.weight = self.weight.max(weight);
        self.firm_before = HASTENED;
    }

    /// Last day on which a late request still is a renewal.
    pub fn late_until(&self) -> Day {
        let until = self.late_until.unwrap_or(self.deadline.saturating_add(SIX_MONTHS));
        until.min(self.last_late_day())
    }

    /// Last day after expiry that is any use.
    pub fn last_late_day(&self) -> Day {
        self.better_than.map_or(Day::MAX, |day| day - 1)
    }

    /// First day after expiry, with short notice.
    pub fn late_from(&self) -> Day {
        self.earliest.max(self.deadline.saturating_add(1))
    }

    /// Whether the permit has already expired: no lapse of this plan, but the person needs the first seat left.
    pub fn is_late(&self) -> bool {
        self.deadline < 0
    }
}

/// The night being planned and the next one.
#[derive(Clone, Copy, Debug)]
pub struct Nights {
    /// Business date: day 0.
    pub tonight: NaiveDate,
    /// The day on which letters are written.
    pub today: NaiveDate,
    /// Next planning night.
    pub next: NaiveDate,
}

impl Nights {
    /// After tonight, seats before this day can no longer be given with full notice.
    pub fn perish_before(&self, policy: &Policy) -> Day {
        let notice = policy.notice(Channel::Email).min(policy.notice(Channel::Post));
        ((self.next - self.tonight).num_days() + i64::from(notice)) as Day
    }

    /// Everyone who could use a seat before this day is known tonight: their whole window is within the horizon.
    pub fn surplus_before(&self, policy: &Policy) -> Day {
        policy.horizon_days as Day - policy.longest_window() as Day
    }
}
