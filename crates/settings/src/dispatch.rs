//! `[dispatch]`: when and how fast letters are sent, and what is done about uncertain ones.

use chrono::{Datelike, NaiveDateTime, NaiveTime, Weekday};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::{ConfigError, wrong};
use convoke_domain::code::coded;
use convoke_domain::permit::is_deliverable_email;

coded! {
    /// What to do with a letter that the relay may have accepted.
    pub enum Uncertain {
        /// Resend it once under the same Message-ID; hold it if that is uncertain too.
        ResendOnce = "resend-once",
        /// Hold it until an operator decides.
        Hold = "hold",
    }
}

/// Sending.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Dispatch {
    /// `always`, or `07:00-21:00`, in the préfecture's zone.
    #[schemars(with = "String")]
    pub hours: Hours,
    /// Sending days, unless `hours` is `always`.
    #[schemars(with = "Vec<String>")]
    pub days: Vec<Weekday>,
    /// First delay after a temporary refusal, in seconds; also that of the breaker and of an uncertain letter.
    pub retry_first_s: u32,
    /// Connections of one worker to the relay.
    pub sessions: usize,
    /// Threads that render letters; 0 means one per processor.
    pub render_threads: usize,
    /// Seconds after which other workers take over the letters of a silent worker.
    pub lease_s: u32,
    /// Seconds that letters in flight have to finish when the worker is asked to stop.
    pub stop_timeout_s: u32,
    /// What to do about a letter that the relay may have.
    pub uncertain: Uncertain,
    /// Messages per minute to one relay, over all workers; no limit if absent.
    pub per_minute: Option<u32>,
    /// Messages per minute to one recipient domain, over all workers; no limit if absent.
    pub domain_per_minute: Option<u32>,
    /// Letters per day to one address; no limit if absent.
    pub per_address_per_day: Option<u32>,
    /// Rehearsal: every letter goes to this address instead of its recipient's.
    pub redirect_all_to: Option<String>,
    /// Seconds that the letters of what is done by hand wait: until then it can be undone before anybody is told.
    pub act_hold_s: u32,
    /// Whether these are the settings of an office that convokes real people.
    pub production: bool,
}

impl Default for Dispatch {
    fn default() -> Self {
        use Weekday::{Fri, Mon, Sat, Thu, Tue, Wed};
        let hour = |h| NaiveTime::from_hms_opt(h, 0, 0).unwrap_or_default();
        Self {
            hours: Hours::Between(hour(7), hour(21)),
            days: vec![Mon, Tue, Wed, Thu, Fri, Sat],
            retry_first_s: 900,
            sessions: 4,
            render_threads: 0,
            lease_s: 300,
            stop_timeout_s: 60,
            uncertain: Uncertain::ResendOnce,
            per_minute: None,
            domain_per_minute: None,
            per_address_per_day: None,
            redirect_all_to: None,
            act_hold_s: 600,
            production: true,
        }
    }
}

impl Dispatch {
    /// Whether letters may be sent at this civil time.
    pub fn may_send(&self, at: NaiveDateTime) -> bool {
        match self.hours {
            Hours::Always => true,
            Hours::Between(from, to) => self.days.contains(&at.weekday()) && from <= at.time() && at.time() < to,
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let bounded = [
            ("retry_first_s", u64::from(self.retry_first_s), 1..=86_400),
            ("sessions", self.sessions as u64, 1..=64),
            ("render_threads", self.render_threads as u64, 0..=256),
            ("lease_s", u64::from(self.lease_s), 1..=86_400),
            ("stop_timeout_s", u64::from(self.stop_timeout_s), 0..=3_600),
            ("act_hold_s", u64::from(self.act_hold_s), 0..=86_400),
            ("per_minute", u64::from(self.per_minute.unwrap_or(1)), 1..=1_000_000),
            ("domain_per_minute", u64::from(self.domain_per_minute.unwrap_or(1)), 1..=1_000_000),
            ("per_address_per_day", u64::from(self.per_address_per_day.unwrap_or(1)), 1..=1_000),
        ];
        for (name, value, range) in bounded {
            if !range.contains(&value) {
                return wrong(format!("[dispatch] {name} = {value}: expected {} to {}", range.start(), range.end()));
            }
        }
        if self.days.is_empty() {
            return wrong("[dispatch] days: expected at least one day, such as [\"Mon\", \"Tue\"]");
        }
        if let Some(address) = self.redirect_all_to.as_ref().filter(|a| !is_deliverable_email(a)) {
            return wrong(format!("[dispatch] redirect_all_to `{address}`: expected an e-mail address"));
        }
        Ok(())
    }
}

/// When letters are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Hours {
    /// At any hour of any day.
    Always,
    /// From one hour to another, on sending days.
    Between(NaiveTime, NaiveTime),
}

impl TryFrom<String> for Hours {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "always" {
            return Ok(Self::Always);
        }
        let hour = |t: &str| NaiveTime::parse_from_str(t.trim(), "%H:%M").ok();
        match text.split_once('-').and_then(|(a, b)| Some((hour(a)?, hour(b)?))) {
            Some((from, to)) if from < to => Ok(Self::Between(from, to)),
            _ => Err(format!("`{text}` is neither `always` nor hours such as `07:00-21:00`")),
        }
    }
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        match hours {
            Hours::Always => "always".into(),
            Hours::Between(from, to) => format!("{}-{}", from.format("%H:%M"), to.format("%H:%M")),
        }
    }
}
