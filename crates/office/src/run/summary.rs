//! What a run reports about itself: `run --json`, and its row in the database.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use convoke_domain::follow::Suite;
use convoke_domain::run::RunState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `run --json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// `convoke.run/1`.
    pub schema: String,
    /// The run.
    pub run: String,
    /// The préfecture.
    pub prefecture: String,
    /// Business date.
    pub business_date: NaiveDate,
    /// 1 for the first run of the date.
    pub generation: i64,
    /// State.
    pub state: RunState,
    /// All permits stored: the sum of the outcomes.
    pub scanned: u64,
    /// Permits by rule.
    pub outcomes: BTreeMap<String, u64>,
    /// Made firm in this run.
    pub firm: u64,
    /// With a day that is not yet firm.
    pub planned: u64,
    /// No day before expiry in this plan.
    pub lapses: Lapses,
    /// Firm after expiry: late people and lapses.
    pub late_firm: u64,
    /// With a day after expiry that is not yet firm: each night looks for an earlier one.
    #[serde(default)]
    pub late_planned: u64,
    /// Late people and lapses for whom no seat is left at all.
    #[serde(default)]
    pub without_seat: u64,
    /// Late people and lapses who cannot be seen within six months of their expiry (CESEDA R.431-8): their seat lies later,
    /// or they have none.
    #[serde(default)]
    pub past_six_months: u64,
    /// Permits due within the horizon whose title nobody has named.
    #[serde(default)]
    pub unknown_titles: u64,
    /// Firm in the plan, but seat or person were taken before the commit: counted as planned, and due again at once.
    #[serde(default)]
    pub displaced: u64,
    /// Appointments of earlier nights, compared with the facts of tonight. Their holders keep their outcome, and are not
    /// among those counted above.
    #[serde(default)]
    pub followed: FollowedCounts,
    /// Written requests.
    #[serde(default)]
    pub requests: Requests,
    /// Letters written.
    pub letters: Letters,
    /// SHA-256 of the planning input.
    pub input_hash: String,
    /// SHA-256 of the rules.
    pub policy_hash: String,
    /// SHA-256 of the plan.
    pub plan_hash: String,
    /// Whether the plan is proved optimal.
    pub certificate: String,
    /// What the operator should know.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// What was done about appointments of earlier nights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FollowedCounts {
    /// Released without a letter: the seat entered the plan.
    pub released: u64,
    /// Released, and the holder was told.
    pub told: u64,
    /// Moved, because of another deadline or a lost place.
    pub moved: u64,
    /// Letters that had not left, written anew.
    pub replaced: u64,
    /// To be looked at by an agent.
    pub listed: u64,
    /// Not released, because they are too many at once: the extract may be wrong (exit code 5).
    pub withheld: u64,
    /// Without a day before the new deadline.
    pub lapsed: u64,
    /// Given back, because the fact for which they were released no longer holds.
    pub restored: u64,
}

impl FollowedCounts {
    /// How many of each.
    pub(super) fn of(suites: impl Iterator<Item = Suite>) -> Self {
        let mut counts = Self::default();
        suites.for_each(|suite| counts.count(suite));
        counts
    }

    /// Counts one more.
    pub(super) fn count(&mut self, suite: Suite) {
        *self.of_suite(suite) += 1;
    }

    fn of_suite(&mut self, suite: Suite) -> &mut u64 {
        match suite {
            Suite::Released => &mut self.released,
            Suite::Told => &mut self.told,
            Suite::Listed => &mut self.listed,
            Suite::Withheld => &mut self.withheld,
            Suite::Moved => &mut self.moved,
            Suite::Lapsed => &mut self.lapsed,
            Suite::Restored => &mut self.restored,
        }
    }
}

/// Written requests: those that got an appointment, within the plan or beside it, and those still waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Requests {
    /// Answered by an appointment in this run.
    pub placed: u64,
    /// Still open.
    pub waiting: u64,
}

/// Lapses by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lapses {
    /// No seat exists in the window.
    pub no_possible_day: u64,
    /// Every seat of the window is taken.
    pub no_capacity: u64,
}

/// Letters by what happens to them next. `queued` + `to_post` are all convocations of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Letters {
    /// In the SMTP queue.
    pub queued: u64,
    /// For the post batch.
    pub to_post: u64,
    /// Of those in the queue, letters that also go by post: second convocations of the same permit.
    #[serde(default)]
    pub also_post: u64,
    /// Reminders of coming appointments.
    #[serde(default)]
    pub reminders: u64,
    /// Letters that give no appointment, by kind.
    #[serde(default)]
    pub notices: BTreeMap<String, u64>,
    /// Notices that are owed but left for later nights, because one night writes at most `max_firm_per_run`.
    #[serde(default)]
    pub notices_left: u64,
}

impl Summary {
    /// Whether somebody is left without a day before expiry, or without any seat, or with a title that nobody has named
    /// (exit code 4).
    pub fn leaves_someone(&self) -> bool {
        self.lapses.no_possible_day
            + self.lapses.no_capacity
            + self.without_seat
            + self.unknown_titles
            + self.followed.lapsed
            > 0
    }
}
