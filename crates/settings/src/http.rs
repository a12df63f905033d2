//! The HTTP side of `convoke serve`: health for monitoring, and the console for agents.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

use super::error::{ConfigError, wrong};
use super::reading::secret;
use convoke_domain::access::Role;

/// `[http]`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address and port.
    pub listen: SocketAddr,
    /// Whether agents can use the console.
    pub console: bool,
    /// Where browsers reach the console: `https://…` declares that a proxy in front of it ends TLS.
    #[schemars(with = "Option<String>")]
    pub public_url: Option<Url>,
    /// Proxies whose `X-Forwarded-For` is trusted, to tell clients apart when requests are limited.
    pub trusted_proxies: Vec<IpAddr>,
    /// Folder with `theme.css`, and the pictures and fonts that it names.
    pub theme: Option<PathBuf>,
    /// Minutes without activity after which a person is signed out.
    pub idle_min: u32,
    /// Hours after which everyone must sign in again.
    pub session_max_h: u32,
    /// The identity provider, by OpenID Connect.
    pub oidc: Option<Oidc>,
}

/// `[http.oidc]`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// Its address, under which `.well-known/openid-configuration` is found.
    #[schemars(with = "String")]
    pub issuer: Url,
    /// This program's client id at the provider.
    pub client_id: String,
    /// File with the client secret; also the systemd credential `oidc-client-secret`. A public client has none.
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// The secret itself: from the environment only.
    #[serde(default, skip_serializing)]
    #[schemars(with = "Option<String>")]
    pub client_secret: Option<SecretString>,
    /// Scopes to request besides `openid`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The claim of the identity token that lists a person's groups.
    #[serde(default = "groups")]
    pub roles_claim: String,
    /// For each role, the values of that claim that give it. Anyone who has none of them cannot sign in.
    pub roles: BTreeMap<Role, Vec<String>>,
    /// The claim that names the person in the ledger; `sub` if the token lacks it.
    #[serde(default = "preferred_username")]
    pub name_claim: String,
}

fn groups() -> String {
    "groups".into()
}

fn preferred_username() -> String {
    "preferred_username".into()
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8094)),
            console: false,
            public_url: None,
            trusted_proxies: Vec::new(),
            theme: None,
            idle_min: 30,
            session_max_h: 10,
            oidc: None,
        }
    }
}

impl Http {
    /// Whether browsers connect through TLS.
    pub fn is_secure(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    pub(super) fn anchor(&mut self, folder: &Path) {
        let secret = self.oidc.as_mut().map(|oidc| &mut oidc.client_secret_file);
        for path in [Some(&mut self.theme), secret].into_iter().flatten().flatten() {
            *path = folder.join(&path);
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if !self.console {
            return Ok(());
        }
        if !self.listen.ip().is_loopback() && !self.is_secure() {
            return wrong(format!(
                "[http] listen = {}: the console answers in clear, so it may only listen on this machine unless `public_url = \"https://…\"` says that a proxy in front of it ends TLS",
                self.listen
            ));
        }
        if let Some(url) = &self.public_url
            && (url.path() != "/" || url.query().is_some() || !["http", "https"].contains(&url.scheme()))
        {
            return wrong(format!(
                "[http] public_url = {url}: expected an address without a path, such as https://convoke.prefecture-94.example.org"
            ));
        }
        if !(1..=1_440).contains(&self.idle_min) || !(1..=24).contains(&self.session_max_h) {
            return wrong("[http] idle_min: expected 1 to 1440 minutes; session_max_h: 1 to 24 hours");
        }
        self.oidc.as_ref().map_or(Ok(()), Oidc::validate)
    }
}

impl Oidc {
    /// The client secret that the provider issued.
    pub fn secret(&self) -> Result<Option<SecretString>, ConfigError> {
        secret(self.client_secret_file.as_deref(), "oidc-client-secret", self.client_secret.as_ref())
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let here = match self.issuer.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        if self.issuer.scheme() != "https" && !here {
            return wrong(format!(
                "[http.oidc] issuer = {}: expected https://…, or a provider on this machine",
                self.issuer
            ));
        }
        if self.roles.values().all(Vec::is_empty) {
            return wrong("[http.oidc.roles]: names no group, so nobody could sign in");
        }
        Ok(())
    }
}
