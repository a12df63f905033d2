//! `[database]`: where the data are.

use std::path::PathBuf;

use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use url::Url;

use super::error::{ConfigError, wrong};
use super::reading::secret;
use convoke_domain::database_url::is_password;

/// Where the data are.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `sqlite:PATH`, or `postgres://USER@HOST/NAME?sslmode=verify-full`.
    pub url: String,
    /// File that holds PostgreSQL's password; also the systemd credential `database-password`.
    pub password_file: Option<PathBuf>,
}

impl Default for Database {
    fn default() -> Self {
        Self { url: "sqlite:convoke.sqlite3".into(), password_file: None }
    }
}

impl Database {
    /// Puts the password from its file into the URL, which is never printed in full.
    pub(super) fn read_password(&mut self) -> Result<(), ConfigError> {
        if self.url.starts_with("sqlite:") {
            return Ok(());
        }
        let Some(secret) = secret(self.password_file.as_deref(), "database-password", None)? else { return Ok(()) };
        let mut url: Url = self.url.parse().map_err(|e| ConfigError(format!("[database] url: {e}")))?;
        if url.set_password(Some(secret.expose_secret())).is_err() {
            return wrong("[database] password_file: the URL names no host, so a password has no use");
        }
        self.url = url.into();
        Ok(())
    }

    /// The URL with passwords masked.
    pub fn shown(&self) -> String {
        // A path is shown as written.
        let url = Some(&self.url).filter(|url| !url.starts_with("sqlite:")).and_then(|url| url.parse::<Url>().ok());
        let Some(mut url) = url else { return self.url.clone() };
        if url.password().is_some() {
            let _ = url.set_password(Some("***"));
        }
        let masked = url.query().map(|query| {
            let mask = |pair: &str| match pair.split_once('=') {
                Some((key, _)) if is_password(key) => format!("{key}=***"),
                _ => pair.to_owned(),
            };
            query.split('&').map(mask).collect::<Vec<_>>().join("&")
        });
        url.set_query(masked.as_deref());
        url.into()
    }
}
