//! Tells somebody outside that a night began, is done, or failed: who is not called in time raises the alarm, even where this
//! whole machine is gone.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

const PATIENCE: Duration = Duration::from_secs(10);

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ping {
    Start,
    Success,
    Fail,
}

/// Calls `URL/start`, `URL`, or `URL/fail`, with the run, or what went wrong, as its body. A night never fails for that.
pub(super) fn ping(url: Option<&SecretString>, what: Ping, body: &str) {
    let Some(url) = url else { return };
    let end = match what {
        Ping::Start => "/start",
        Ping::Success => "",
        Ping::Fail => "/fail",
    };
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build().into();
    let url = format!("{}{end}", url.expose_secret().trim_end_matches('/'));
    // Neither URL nor answer is repeated: the URL is a secret.
    if agent.post(&url).send(body).is_err() {
        tracing::warn!(ping = ?what, "The URL of `[serve] ping_url_file` could not be called");
    }
}
