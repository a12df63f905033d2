//! `convoke keys`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Subcommand;
use serde_json::json;

use super::exit::Exit;
use super::failure::Usage;
use super::init::write_secret;
use super::session::{Session, given};
use convoke_domain::ledger::Event;
use convoke_domain::seal::{KEY_PASSED_ON, PublicKey, Seal, Succession};
use convoke_machine::confirm::Confirmed;
use convoke_machine::entropy::Entropy;
use convoke_machine::process;
use convoke_settings::Settings;
use convoke_store::{Store, Use};

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Create the key, if the file that `[audit] key_file` names does not exist yet
    ///
    /// Each night ends with a signature of the ledger, and each report that is handed out is signed. Give auditors the
    /// fingerprint through a channel other than the reports: `convoke verify DIR --key FINGERPRINT` then detects
    /// anything signed again with another key.
    #[command(after_long_help = "Examples:
  convoke keys generate
  convoke keys generate --lost --reason \"the disk of the old server died\"")]
    Generate {
        /// The previous key is lost for good: the new one starts without its endorsement, and auditors must be given
        /// its fingerprint.
        #[arg(long, requires = "reason")]
        lost: bool,
        /// How it was lost, kept in the ledger for good: do not name anyone.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Replace the key by a new one that the old one endorses
    ///
    /// Auditors who know the fingerprint of the old key need no new one: every report contains the old key's
    /// endorsement of the new key. If others may know the old key, give auditors the new fingerprint all the same.
    #[command(after_long_help = "Example:
  convoke keys rotate --reason \"yearly\"")]
    Rotate {
        /// Reason, kept in the ledger for good: do not name anyone.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Show the fingerprints of the key and of those before it
    #[command(after_long_help = "Example:
  convoke keys show")]
    Show,
}

impl Keys {
    pub(super) fn execute(self, session: &Session) -> Result<Exit> {
        let settings = session.settings()?;
        let place = settings.audit.key_place().ok_or_else(|| {
            convoke_settings::ConfigError(
                "no key is named: write `key_file = \"keys/ledger.key\"` under `[audit]`".into(),
            )
        })?;
        match self {
            Self::Generate { lost, reason } => {
                let lost = if lost { Some(given(reason.as_ref())?) } else { None };
                generate(session, &settings, &place, lost)
            }
            Self::Rotate { reason } => {
                let reason = given(reason.as_ref())?;
                let question = "Replace the signing key for good?";
                let Some(confirmed) = session.ask(question)? else { return Ok(Exit::Interrupted) };
                rotate(session, &settings, &place, reason, &confirmed)
            }
            Self::Show => show(session, &settings, &place),
        }
    }
}

fn store_of(settings: &Settings) -> Result<Store> {
    Store::open_patiently(&settings.database.url, &settings.prefecture.code, Use::Batch)
}

fn generate(session: &Session, settings: &Settings, place: &Path, lost: Option<&str>) -> Result<Exit> {
    if place.exists() {
        let place = place.display();
        return Err(Usage(format!("{place} exists already: `convoke keys rotate` replaces it")).into());
    }
    let mut store = store_of(settings)?;
    if lost.is_none()
        && let Some(known) = store.key_in_use()?
    {
        return Err(Usage(format!(
            "the ledger names the key {}: restore {} from a backup; if it is lost for good, add --lost --reason \"how\"",
            known.fingerprint(),
            place.display()
        ))
        .into());
    }
    let seal = Seal::new(&Entropy::System.bytes()?);
    // The entry comes first, and is undone if the key cannot be written: a key recorded but never stored could sign
    // nothing.
    store.write(|s| {
        s.introduce_key(&seal, &process::login(), lost, session.clock.now())?;
        write_secret(place, &seal.to_pem())
    })?;
    print(session, "made", &seal.public(), place, &[])
}

/// Where the new key waits until the database knows it.
fn next_place(place: &Path) -> PathBuf {
    place.with_extension("next")
}

fn rotate(session: &Session, settings: &Settings, place: &Path, reason: &str, confirmed: &Confirmed) -> Result<Exit> {
    let old = settings.audit.seal()?.context("there is no key yet: `convoke keys generate`")?;
    let mut store = store_of(settings)?;
    let next = next_place(place);
    // A rotation was interrupted: the database decides whether it has happened.
    if let Ok(text) = std::fs::read_to_string(&next) {
        let waiting = Seal::from_pem(&text).with_context(|| next.display().to_string())?;
        let known = store.successions()?.iter().any(|s| s.to == waiting.public().to_hex());
        if known {
            put_in_place(&next, place, confirmed)?;
            return print(session, "rotated", &waiting.public(), place, &store.successions()?);
        }
        std::fs::remove_file(&next).with_context(|| format!("removing {}", next.display()))?;
    }
    let new = Seal::new(&Entropy::System.bytes()?);
    write_secret(&next, &new.to_pem())?;
    let at = chrono::SubsecRound::trunc_subsecs(session.clock.now(), 6);
    let passed = old.pass_on(&new.public(), at);
    store.write(|s| {
        match s.key_in_use()? {
            // A key that has never signed is not yet in the ledger: it must be before it can endorse another.
            None => s.introduce_key(&old, &process::login(), None, at)?,
            Some(known) => ensure!(known == old.public(), "the ledger names another key: {}", known.fingerprint()),
        }
        let payload =
            json!({"from": passed.from, "to": passed.to, "at": passed.at, "endorsement": passed.endorsement, "reason": reason});
        s.record(&process::login(), at, vec![Event { kind: KEY_PASSED_ON, payload }])?;
        s.keep_succession(&passed)?;
        s.seal_ledger(&new, "", at, &[]).map(drop)
    })?;
    put_in_place(&next, place, confirmed)?;
    print(session, "rotated", &new.public(), place, &store.successions()?)
}

/// Deletes the old secret, which can endorse nothing more.
fn put_in_place(next: &Path, place: &Path, _: &Confirmed) -> Result<()> {
    std::fs::rename(next, place).with_context(|| format!("putting the new key in the place of {}", place.display()))?;
    let folder = place.parent().unwrap_or(Path::new("."));
    std::fs::File::open(folder)
        .and_then(|f| f.sync_all())
        .with_context(|| format!("synchronising {}", folder.display()))
}

fn show(session: &Session, settings: &Settings, place: &Path) -> Result<Exit> {
    let seal = settings.audit.seal()?.context("there is no key yet: `convoke keys generate`")?;
    let successions = store_of(settings)?.successions()?;
    ensure!(!next_place(place).exists(), "a rotation was interrupted: `convoke keys rotate --reason …` completes it");
    print(session, "in use", &seal.public(), place, &successions)
}

fn print(session: &Session, what: &str, key: &PublicKey, place: &Path, before: &[Succession]) -> Result<Exit> {
    let before: Vec<_> = before
        .iter()
        .filter_map(|s| Some((PublicKey::from_hex(&s.from).ok()?.fingerprint(), s.at.date_naive())))
        .collect();
    let mut text = format!(
        "The key is {what}: {}\nFingerprint (give it to auditors through a channel other than reports):\n{}\n",
        place.display(),
        key.fingerprint()
    );
    for (fingerprint, until) in &before {
        writeln!(text, "Before, until {until}:\n{fingerprint}")?;
    }
    session.print(
        &json!({"schema": "convoke.keys/1", "state": what, "fingerprint": key.fingerprint(), "public_key": key.to_pem(),
            "before": before.iter().map(|(f, until)| json!({"fingerprint": f, "until": until})).collect::<Vec<_>>()}),
        &text,
    )?;
    Ok(Exit::Done)
}
