//! The report of a run: typed data first, then its renderings. In French, and pseudonymous: permits appear by their
//! opaque id.

pub mod bundle;
mod circumstances;
pub mod columns;
pub mod forecast;
mod funnel;
mod html;
pub mod lists;
mod paper;
pub mod period;
mod terminal;
pub mod timeline;
pub mod words;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use circumstances::{Anomaly, Circumstances, Intervention, LegalWindow, Margin, NightFigures, Reply, Shortage};
pub use funnel::{Check, Funnel, Part, Stage};
pub use html::html;
pub use lists::List;
pub use lists::harmless;
pub use paper::document;
pub use period::{Appointed, Ending, Expired, Period};
pub use terminal::terminal;
pub use words::visible;

use convoke_domain::eligibility::Rule;
use convoke_domain::follow::Suite;
use convoke_domain::run::{RunState, Trigger};
use convoke_instance::{Figures, LapseCause, Pass};

/// What a run did, and the present state of its letters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunReport {
    /// `convoke.report/1`.
    pub schema: String,
    /// The run.
    pub run: String,
    /// Code of the préfecture.
    pub prefecture: String,
    /// Its name.
    pub prefecture_name: String,
    /// The night.
    pub business_date: NaiveDate,
    /// 1 for the first run of the date.
    pub generation: i64,
    /// `cron` or `hand`.
    pub trigger: Trigger,
    /// Login of the person who started it.
    pub actor: String,
    /// Why, if it was started by hand.
    pub reason: Option<String>,
    /// `observing`, `committing`, `completed`, `stopped` or `failed`.
    pub state: RunState,
    /// Why it stopped or failed.
    pub failure: Option<String>,
    /// Start.
    pub started_at: DateTime<Utc>,
    /// End.
    pub finished_at: Option<DateTime<Utc>>,
    /// All permits stored.
    pub scanned: u64,
    /// Permits by rule, in the order of examination; every rule is listed, and they add up to `scanned`.
    pub outcomes: Vec<Outcome>,
    /// Counts of the plan.
    pub figures: Figures,
    /// Firm appointments whose seat or person was taken between plan and commit: not in the figures, and due again.
    pub displaced: u64,
    /// Appointments of earlier nights for which facts had changed, and what was done.
    #[serde(default)]
    pub followed: Vec<FollowedLine>,
    /// Letters of this run by channel and present state.
    pub letters: Vec<LetterCount>,
    /// Letters of this run whose fate was unknown at least once: any letter received twice is among them.
    #[serde(default)]
    pub letters_perhaps_twice: Vec<PerhapsTwice>,
    /// Seats by site, desk and week, including tonight's plan.
    pub occupancy: Vec<Occupancy>,
    /// People without a day before expiry.
    pub lapses: Vec<LapseLine>,
    /// Permits that somebody must check: commune unknown, presence to be marked, expired long ago.
    pub listed: Vec<Listed>,
    /// What the operator should know: age of the extract, end of the agenda.
    pub warnings: Vec<String>,
    /// The circumstances of the night.
    #[serde(default)]
    pub circumstances: Circumstances,
    /// SHA-256 of the planning input.
    pub input_hash: String,
    /// SHA-256 of the rules.
    pub policy_hash: String,
    /// SHA-256 of the plan.
    pub plan_hash: String,
    /// `closed`, `open` or `absent`.
    pub certificate: String,
    /// Entries of the ledger when the report was made.
    pub ledger_size: i64,
    /// Hash of its last entry.
    pub ledger_root: String,
    /// Version of the program.
    pub version: String,
}

/// What a night did about an appointment that it had not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowedLine {
    /// The appointment.
    pub reference: String,
    /// What was done.
    pub consequence: Suite,
    /// The verdict that ended the need, or what changed.
    pub cause: String,
}

/// The outcome of one permit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// Permit; `None` if it was erased since.
    pub permit: Option<String>,
    /// Type of permit.
    pub kind: String,
    /// Its last day of validity.
    pub expires_on: Option<NaiveDate>,
    /// The rule that applied.
    pub rule: Rule,
    /// Why there is no day before expiry, if there is none.
    pub lapse: Option<LapseCause>,
    /// The planned appointment.
    pub seat: Option<Seat>,
    /// Foreigner number and name, if the report was asked to name people.
    pub person: Option<[String; 2]>,
}

/// A planned appointment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Pass: in time, at short notice, or after expiry.
    pub pass: Pass,
    /// Whether it became firm in this run.
    pub firm: bool,
    /// Site.
    pub site: String,
    /// Desk.
    pub desk: String,
    /// Day.
    pub day: NaiveDate,
    /// Hour, in the site's civil time.
    pub start: NaiveTime,
}

/// Permits under one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// Rule id.
    pub rule: Rule,
    /// Its name in French.
    pub label: String,
    /// How many.
    pub permits: u64,
}

/// Letters of one channel in one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LetterCount {
    /// `email`, `post` or `phone`.
    pub channel: String,
    /// State in the outbox.
    pub state: String,
    /// How many.
    pub letters: u64,
}

/// A letter that its recipient may have received twice: the relay may have had it before it was sent once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PerhapsTwice {
    /// Reference.
    pub reference: String,
    /// Kind.
    pub kind: String,
    /// State in the outbox.
    pub state: String,
    /// How often its fate was unknown.
    pub uncertain: u64,
}

/// Seats of a desk in a week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Occupancy {
    /// Site.
    pub site: String,
    /// Desk.
    pub desk: String,
    /// Monday of the week.
    pub week: NaiveDate,
    /// Seats of the week from the business date on.
    pub seats: u64,
    /// Reserved, including tonight's.
    pub reserved: u64,
    /// Planned and not yet firm.
    pub planned: u64,
}

/// Somebody without a day before expiry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LapseLine {
    /// Permit.
    pub permit: String,
    /// Type of permit.
    pub kind: String,
    /// Its last day.
    pub expires_on: NaiveDate,
    /// Why.
    pub cause: LapseCause,
    /// The seat after expiry, if one was left: site, desk, day, hour.
    pub seat: Option<(String, String, NaiveDate, NaiveTime)>,
}

/// A permit that somebody must check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Listed {
    /// Why it is listed.
    pub rule: Rule,
    /// Permit.
    pub permit: String,
    /// The particulars: a commune, a date.
    pub detail: String,
}

impl RunReport {
    /// Outcomes of every rule, including zeros.
    pub fn outcomes_of(counts: &BTreeMap<String, u64>) -> Vec<Outcome> {
        Rule::ALL
            .iter()
            .map(|rule| Outcome {
                rule: *rule,
                label: rule.label_fr().to_owned(),
                permits: counts.get(rule.code()).copied().unwrap_or(0),
            })
            .collect()
    }

    /// Permits under one rule.
    pub fn permits(&self, rule: Rule) -> u64 {
        self.outcomes.iter().filter(|o| o.rule == rule).map(|o| o.permits).sum()
    }
}
