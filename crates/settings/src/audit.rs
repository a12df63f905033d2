//! `[audit]`: the key that signs the ledger and the reports, and the witnesses.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::{ConfigError, wrong};
use super::reading::{read, secret_file};
use convoke_domain::permit::is_deliverable_email;
use convoke_domain::seal::Seal;

/// What makes nights verifiable, and for how long people's data are kept.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// File of the key that signs checkpoints and reports; also the systemd credential `ledger-key`.
    pub key_file: Option<PathBuf>,
    /// Who gets the checkpoint of each night by e-mail: outside this server, such as the data-protection officer.
    pub witnesses: Vec<String>,
    /// Days after the expiry of a person's last permit during which the person's data are not purged.
    pub keep_holder_days: u32,
    /// Days after a letter's last change during which its content is not purged.
    pub keep_letter_days: u32,
}

impl Default for Audit {
    fn default() -> Self {
        Self { key_file: None, witnesses: Vec::new(), keep_holder_days: 1_826, keep_letter_days: 365 }
    }
}

impl Audit {
    /// Makes every path relative to the folder of the file that names it.
    pub(super) fn anchor(&mut self, folder: &Path) {
        if let Some(file) = &mut self.key_file {
            *file = folder.join(&file);
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        match self.witnesses.iter().find(|address| !is_deliverable_email(address)) {
            Some(address) => wrong(format!("[audit] witnesses `{address}`: expected an e-mail address")),
            None => Ok(()),
        }
    }

    /// Path of the key, if one is configured.
    pub fn key_place(&self) -> Option<PathBuf> {
        secret_file(self.key_file.as_deref(), "ledger-key")
    }

    /// The available keys: the signing key, and one left next to it by an interrupted rotation.
    pub fn seals(&self) -> Result<Vec<Seal>, ConfigError> {
        let next = self.key_place().map(|place| place.with_extension("next"));
        let next = next.and_then(|file| std::fs::read_to_string(file).ok()).and_then(|text| Seal::from_pem(&text).ok());
        Ok(self.seal()?.into_iter().chain(next).collect())
    }

    /// The key, if one is configured.
    pub fn seal(&self) -> Result<Option<Seal>, ConfigError> {
        let Some(file) = self.key_place() else { return Ok(None) };
        let text = read(&file, "`[audit] key_file` names it; `convoke keys generate` makes one")?;
        Seal::from_pem(&text).map(Some).map_err(|e| ConfigError(format!("{}: {e}", file.display())))
    }
}
