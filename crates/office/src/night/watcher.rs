//! The watcher outside: it is called when a night begins, is done or has failed, and raises the alarm when it is not
//! called in time, even where this whole machine is gone.

use std::time::Duration;

use chrono::NaiveDate;
use convoke_settings::Configuration;
use secrecy::{ExposeSecret, SecretString};

const PATIENCE: Duration = Duration::from_secs(10);

/// The watch over one night. Dropped before it has ended, as by a panic, it says that the night failed.
pub(super) struct Watch {
    url: Option<SecretString>,
    date: NaiveDate,
    ended: bool,
}

impl Watch {
    /// A watcher that cannot be read stops no night.
    pub(super) fn over(config: &Configuration, date: NaiveDate) -> Self {
        let url = config.settings.serve.ping_url().unwrap_or_else(|error| {
            tracing::warn!("{error}");
            None
        });
        Self { url, date, ended: false }
    }

    pub(super) fn begin(&self) {
        self.call("/start", &self.date.to_string());
    }

    pub(super) fn succeed(mut self, run: &str) {
        self.ended = true;
        self.call("", run);
    }

    pub(super) fn fail(mut self, why: &str) {
        self.ended = true;
        self.call("/fail", &format!("{}: {why}", self.date));
    }

    /// Whoever is at work on the night calls.
    pub(super) fn leave(mut self) {
        self.ended = true;
    }

    fn call(&self, end: &str, body: &str) {
        let Some(url) = &self.url else { return };
        let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build().into();
        let url = format!("{}{end}", url.expose_secret().trim_end_matches('/'));
        // Neither URL nor answer is repeated: the URL is a secret.
        if agent.post(&url).send(body).is_err() {
            tracing::warn!(end, "The URL of `[serve] ping_url_file` could not be called");
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.ended {
            self.call("/fail", &format!("{}: the run panicked", self.date));
        }
    }
}
