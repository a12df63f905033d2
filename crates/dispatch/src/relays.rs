//! Where letters go: a relay and its fallback, each with a breaker, or a folder.

use std::cell::RefCell;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;

use super::decide::Breaker;
use super::press::Made;
use super::smtp::{Fault, Relay, RelayError, Timeouts};
use convoke_settings::{ConfigError, Configuration, Deadlines, Smtp};

/// Where letters go.
#[derive(Clone, Debug)]
pub enum Transport {
    /// Relays, in the order in which they are tried.
    Smtp(Vec<Relay>),
    /// A folder (maildir): `new/` holds one file per letter.
    Maildir(PathBuf),
}

impl Transport {
    /// The transport that the settings name.
    pub fn of(config: &Configuration) -> Result<Self, ConfigError> {
        let smtp = &config.settings.smtp;
        if let Some(folder) = smtp.url.strip_prefix("maildir:") {
            return Ok(Self::Maildir(folder.into()));
        }
        let way = (smtp.url.as_str(), config.smtp_password()?, smtp.allow_clear);
        let mut relays = vec![relay("[smtp]", smtp, way, smtp.ca_file.as_deref())?];
        if let Some(f) = &smtp.fallback {
            let way = (f.url.as_str(), config.fallback_password()?, f.allow_clear);
            relays.push(relay("[smtp.fallback]", smtp, way, f.ca_file.as_deref())?);
        }
        Ok(Self::Smtp(relays))
    }
}

fn relay(
    section: &str,
    smtp: &Smtp,
    (url, password, allow_clear): (&str, Option<SecretString>, bool),
    ca_file: Option<&Path>,
) -> Result<Relay, ConfigError> {
    let refused = |e: RelayError| ConfigError(format!("{section} {e}"));
    let seconds = |s: u32| Duration::from_secs(s.into());
    let Deadlines { open_s, step_s, dot_s, letter_s } = smtp.deadlines;
    let mut relay = Relay::parse_allowing(url, password, allow_clear).map_err(refused)?.with_timeouts(Timeouts {
        open: seconds(open_s),
        step: seconds(step_s),
        dot: seconds(dot_s),
        letter: seconds(letter_s),
    });
    if let Some(hello) = &smtp.hello {
        relay = relay.with_hello(hello).map_err(refused)?;
    }
    if let Some(file) = ca_file {
        let pem = std::fs::read(file).map_err(|e| ConfigError(format!("{section} ca_file {}: {e}", file.display())))?;
        relay = relay.with_roots(&pem).map_err(refused)?;
    }
    Ok(relay)
}

/// The breakers of a worker's relays.
pub(super) struct Relays<'a> {
    all: &'a [Relay],
    pause: TimeDelta,
    breakers: RefCell<Vec<Breaker>>,
    /// The last fault, and whether only a person can fix it.
    last: RefCell<Option<(String, bool)>>,
}

impl<'a> Relays<'a> {
    pub(super) fn new(relays: &'a [Relay], pause: TimeDelta) -> Self {
        let breakers = RefCell::new(vec![Breaker::default(); relays.len()]);
        Self { all: relays, pause, breakers, last: RefCell::new(None) }
    }

    /// The first relay that may be called now, with its number.
    pub(super) fn first_open(&self, now: DateTime<Utc>) -> Option<(usize, &'a Relay)> {
        let number = self.breakers.borrow().iter().position(|breaker| breaker.allows(now))?;
        Some((number, &self.all[number]))
    }

    pub(super) fn success(&self, number: usize) {
        self.breakers.borrow_mut()[number].success();
    }

    pub(super) fn fault(&self, number: usize, fault: &Fault, now: DateTime<Utc>) {
        let (relay, hopeless) = (&self.all[number], fault.is_authentication());
        let breaker = &mut self.breakers.borrow_mut()[number];
        let was_open = breaker.open_until().is_some();
        breaker.fault(now, self.pause, hopeless);
        if !was_open && breaker.open_until().is_some() {
            tracing::warn!(relay = %relay, "The relay does not answer ({fault}): no calls for {} s", self.pause.num_seconds());
        }
        *self.last.borrow_mut() = Some((fault.to_string(), hopeless));
    }

    /// The last fault, and whether only a person can fix it.
    pub(super) fn last_fault(&self) -> (String, bool) {
        self.last.borrow().clone().unwrap_or_default()
    }
}

/// Writes to `tmp/`, synchronises, then links into `new/`: a reader never sees half a letter. The name is the Message-ID:
/// a letter sent again is there already. One that was rendered otherwise meanwhile gets a name of its own, because
/// nothing is ever overwritten.
pub(super) fn into_maildir(folder: &Path, letter: &Made) -> Result<()> {
    for part in ["tmp", "new", "cur"] {
        std::fs::create_dir_all(folder.join(part))
            .with_context(|| format!("making the maildir {}", folder.display()))?;
    }
    let mut file = tempfile::NamedTempFile::new_in(folder.join("tmp"))?;
    file.write_all(&letter.message)?;
    file.as_file().sync_all()?;
    let name = letter.message_id.replace('@', "_");
    let names = std::iter::once(format!("{name}.eml")).chain((2..).map(|n| format!("{name}.{n}.eml")));
    for path in names.map(|name| folder.join("new").join(name)) {
        match file.persist_noclobber(&path) {
            Ok(_) => return Ok(()),
            Err(error) if error.error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(error.error).context("writing a letter");
            }
            Err(_) if std::fs::read(&path)? == letter.message => return Ok(()),
            Err(error) => file = error.file,
        }
    }
    Ok(())
}
