//! The server's settings: nights, roles, health, and the folder of new extracts.

use std::path::PathBuf;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::error::{ConfigError, wrong};
use super::reading::secret;
use convoke_domain::code::coded;
use convoke_domain::schedule::Schedule;

coded! {
    /// What one process of `convoke serve` does.
    pub enum Role {
        /// Starts nights.
        Scheduler = "scheduler",
        /// Sends letters.
        Dispatch = "dispatch",
        /// Answers by HTTP: health and metrics.
        Http = "http",
    }
}

/// `convoke serve`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Serve {
    /// When nights start, as a cron expression in the préfecture's time zone.
    #[schemars(with = "String")]
    pub night: Schedule,
    /// Days of missed nights that one catch-up run covers; a clock that has jumped further is not trusted.
    pub catchup_days: u32,
    /// Minutes after which a night that has not started is late.
    pub late_after_min: u32,
    /// Minutes that a letter may wait for its turn before `/readyz` reports it.
    pub queue_alert_min: u32,
    /// What this process does: several may share the work.
    pub roles: Vec<Role>,
    /// File with the URL that is called when a night starts (`/start`), is done, or fails (`/fail`); also the systemd
    /// credential `ping-url`. The service behind it raises the alarm if it is not called in time.
    pub ping_url_file: Option<PathBuf>,
    /// The URL itself: from the environment only.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>")]
    pub ping_url: Option<SecretString>,
}

impl Default for Serve {
    fn default() -> Self {
        Self {
            night: Schedule::default(),
            catchup_days: 14,
            late_after_min: 60,
            queue_alert_min: 240,
            roles: vec![Role::Scheduler, Role::Dispatch, Role::Http],
            ping_url_file: None,
            ping_url: None,
        }
    }
}

impl Serve {
    /// The URL to call, from its file, its credential or the environment.
    pub fn ping_url(&self) -> Result<Option<SecretString>, ConfigError> {
        secret(self.ping_url_file.as_deref(), "ping-url", self.ping_url.as_ref())
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if !(1..=365).contains(&self.catchup_days) {
            return wrong(format!("[serve] catchup_days = {}: expected 1 to 365", self.catchup_days));
        }
        if self.roles.is_empty() {
            return wrong("[serve] roles: expected at least one of \"scheduler\", \"dispatch\", \"http\"");
        }
        Ok(())
    }
}

/// Files that are read before each night.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Import {
    /// Folder of new extracts, read before each night: `permits*.csv`, `slots*.csv`, `convocations*.csv`,
    /// `attendance*.csv`, or `.xlsx`.
    pub inbox: Option<PathBuf>,
    /// Whether an extract of permits in the inbox is complete: permits missing from it become `absent-from-extract`.
    pub full: bool,
    /// TOML file that maps the columns and values of the préfecture's own extracts.
    pub mapping: Option<PathBuf>,
}

/// Sheets for counter and door.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sheets {
    /// Folder for the sheets of the next three days with appointments, written at the end of each night; none if
    /// absent. They name people: only this program's user can read them.
    pub folder: Option<PathBuf>,
}
