//! `[smtp]`: the relays, and where letters come back to.

use std::path::PathBuf;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::error::{ConfigError, wrong};
use convoke_domain::permit::is_deliverable_email;

/// Longest name of a letter in its Return-Path: a reference, a dot and a signature of 16 characters.
const LETTER_NAME_MAX: usize = 40;

/// The relay.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// `smtps://…`, `smtp+starttls://…`, `smtp://127.0.0.1:…`, `maildir:FOLDER`.
    pub url: String,
    /// Envelope and header sender.
    pub from: String,
    /// Display name of the sender; the préfecture's name if absent.
    #[serde(default)]
    pub from_name: Option<String>,
    /// File that contains the password and nothing else.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The password itself: from the environment only.
    #[serde(default, skip_serializing)]
    #[schemars(with = "Option<String>")]
    pub password: Option<SecretString>,
    /// PEM file of a certificate authority to trust in addition to the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Host name for EHLO.
    #[serde(default)]
    pub hello: Option<String>,
    /// Whether `smtp://` may leave this machine: then only the network itself protects letters and password.
    #[serde(default)]
    pub allow_clear: bool,
    /// Address for bounces. `{letter}` becomes the letter's signed name, which identifies a bounce; if absent, the
    /// address of `from` with `+{letter}`.
    #[serde(default)]
    pub return_path: Option<String>,
    /// How long to wait for relays.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// The relay that is used while the first does not answer.
    #[serde(default)]
    pub fallback: Option<Fallback>,
}

/// How long to wait for a relay, in seconds. A deadline that passes always ends the connection.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Deadlines {
    /// From the connection to the end of AUTH.
    pub open_s: u32,
    /// One read or write. Deliberately shorter than RFC 5321 §4.5.3.2 says: before the final dot an impatient client
    /// loses nothing.
    pub step_s: u32,
    /// The answer to the final dot. Ten minutes, as RFC 5321 §4.5.3.2.6 asks: a shorter wait may send a letter twice
    /// (RFC 1047).
    pub dot_s: u32,
    /// One letter from MAIL to the last answer.
    pub letter_s: u32,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { open_s: 120, step_s: 60, dot_s: 600, letter_s: 900 }
    }
}

/// The relay that is used while the first does not answer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    /// As in `[smtp] url`, but no folder.
    pub url: String,
    /// File that contains the password and nothing else.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The password itself: from the environment only.
    #[serde(default, skip_serializing)]
    #[schemars(with = "Option<String>")]
    pub password: Option<SecretString>,
    /// PEM file of a certificate authority to trust in addition to the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Whether `smtp://` may leave this machine.
    #[serde(default)]
    pub allow_clear: bool,
}

impl Smtp {
    /// The Return-Path, with a placeholder for the letter's name. An address too long for it is used as it is.
    pub(super) fn return_path(&self) -> String {
        self.return_path.clone().unwrap_or_else(|| match self.from.rsplit_once('@') {
            Some((local, domain)) if local.len() + 1 + LETTER_NAME_MAX <= 64 => {
                format!("{local}+{{letter}}@{domain}")
            }
            _ => self.from.clone(),
        })
    }

    /// Return-Path and deadlines.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if let Some(template) = &self.return_path {
            // Tested with the longest name of a letter: a local part has at most 64 characters (RFC 5321).
            let longest = template.replace("{letter}", &"x".repeat(LETTER_NAME_MAX));
            let local = longest.split('@').next().unwrap_or_default();
            if !is_deliverable_email(&longest) || local.len() > 64 {
                return wrong(format!(
                    "[smtp] return_path `{template}`: expected an address such as retours+{{letter}}@prefecture-94.example.org, with at most {} characters beside {{letter}}",
                    64 - LETTER_NAME_MAX
                ));
            }
        }
        let Deadlines { open_s, step_s, dot_s, letter_s } = self.deadlines;
        if [open_s, step_s, dot_s, letter_s].iter().any(|s| !(1..=86_400).contains(s)) {
            return wrong("[smtp.deadlines]: expected 1 to 86400 seconds");
        }
        Ok(())
    }
}
