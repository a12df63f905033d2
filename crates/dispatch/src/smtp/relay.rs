//! The relay's URL, credentials, certificates and deadlines: everything that is decided before a connection is opened.

use std::{
    fmt, io,
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};
use url::Url;

/// How the channel to the relay is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    /// TLS from the first byte (RFC 8314 §3.3).
    ImplicitTls,
    /// TLS required after STARTTLS (RFC 3207); a relay that does not offer it gets nothing.
    StartTls,
    /// No TLS: loopback only.
    Clear,
}

impl Security {
    fn scheme(self) -> &'static str {
        match self {
            Self::ImplicitTls => "smtps",
            Self::StartTls => "smtp+starttls",
            Self::Clear => "smtp",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::ImplicitTls => 465,
            Self::StartTls => 587,
            Self::Clear => 25,
        }
    }
}

/// How long to wait for the relay. A deadline that passes always ends the connection.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From the connection to the end of AUTH.
    pub open: Duration,
    /// One read or write. Deliberately shorter than RFC 5321 §4.5.3.2 says: before the final dot an impatient client
    /// loses nothing.
    pub step: Duration,
    /// The answer to the final dot. Ten minutes, as RFC 5321 §4.5.3.2.6 asks: a shorter wait may send a letter twice
    /// (RFC 1047).
    pub dot: Duration,
    /// One letter, from MAIL to the last answer. A claim's lease must be longer.
    pub letter: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        // The defaults of `[smtp.deadlines]`.
        Self {
            open: Duration::from_mins(2),
            step: Duration::from_mins(1),
            dot: Duration::from_mins(10),
            letter: Duration::from_mins(15),
        }
    }
}

/// Where letters are handed over: parsed from `smtps://user@host:465`,
/// `smtp+starttls://user@host:587` or, on loopback, `smtp://127.0.0.1:2525`.
#[derive(Clone, Debug)]
pub struct Relay {
    pub(super) security: Security,
    /// Host name or address, which the relay's certificate must name.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) name: ServerName<'static>,
    pub(super) login: Option<Login>,
    pub(super) hello: Option<String>,
    pub(super) timeouts: Timeouts,
    /// Whether letters cross the network in clear.
    pub(super) clear_anywhere: bool,
    roots: RootCertStore,
    tls: OnceLock<Arc<ClientConfig>>,
}

#[derive(Clone, Debug)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: SecretString,
}

/// Why a relay's settings were refused. Never quotes the URL, which may contain a password by mistake.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelayError {
    /// Not a URL, or not one that is supported.
    #[error(
        "smtp.url is not understood ({0}): write smtps://user@host:465, \
         smtp+starttls://user@host:587 or smtp://127.0.0.1:2525"
    )]
    Malformed(&'static str),
    /// A password in the URL, where it would be logged, listed and copied.
    #[error(
        "smtp.url holds a password: remove it there, change it at the relay, and give the path of a file \
         that holds it in CONVOKE__SMTP__PASSWORD_FILE"
    )]
    PasswordInUrl,
    /// Letters would cross the network in clear.
    #[error(
        "smtp://{0} would send letters in clear, which is allowed on loopback only: \
         use smtps:// or smtp+starttls://; or, on a network that you trust, allow_clear = true"
    )]
    ClearBeyondLoopback(String),
    /// A user without a password.
    #[error("smtp.url names a user but there is no password: set CONVOKE__SMTP__PASSWORD_FILE")]
    UserWithoutPassword,
    /// A password without a user.
    #[error("there is an SMTP password but no user: write smtps://user@host:465 in smtp.url")]
    PasswordWithoutUser,
    /// An empty value or a control character, probably from a password file with a line end or a binary one.
    #[error("the SMTP user or password is empty or has a control character: check the password file")]
    LoginNotText,
    /// Neither a domain nor an address literal.
    #[error("\u{201c}{0}\u{201d} is not a name for EHLO: write a host name such as convoke.example.fr")]
    Hello(String),
    /// Not a certificate.
    #[error("no certificate could be read from the file of additional roots: it must be PEM")]
    Roots,
}

impl Relay {
    /// Reads a relay's URL and the password that goes with its user.
    ///
    /// # Errors
    /// What is wrong and what to write instead, see [`RelayError`].
    pub fn parse(url: &str, password: Option<SecretString>) -> Result<Self, RelayError> {
        Self::parse_allowing(url, password, false)
    }

    /// The same; `clear_anywhere` allows `smtp://` to other machines, where only the network protects letters and
    /// password.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_allowing(url: &str, password: Option<SecretString>, clear_anywhere: bool) -> Result<Self, RelayError> {
        let url = Url::parse(url).map_err(|_| RelayError::Malformed("it is not a URL"))?;
        let security = [Security::ImplicitTls, Security::StartTls, Security::Clear]
            .into_iter()
            .find(|security| security.scheme() == url.scheme())
            .ok_or(RelayError::Malformed("its scheme is unknown"))?;
        if url.password().is_some() {
            return Err(RelayError::PasswordInUrl);
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(RelayError::Malformed("something follows the port"));
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let name =
            ServerName::try_from(host.clone()).map_err(|_| RelayError::Malformed("it has no valid host name"))?;
        if security == Security::Clear && !clear_anywhere && !is_loopback(&host) {
            return Err(RelayError::ClearBeyondLoopback(host));
        }
        let user = percent_decode_str(url.username()).decode_utf8().map_err(|_| RelayError::LoginNotText)?.into_owned();
        Ok(Self {
            security,
            host,
            port: url.port().unwrap_or(security.default_port()),
            name,
            login: login(user, password)?,
            hello: None,
            timeouts: Timeouts::default(),
            clear_anywhere,
            roots: RootCertStore::empty(),
            tls: OnceLock::new(),
        })
    }

    /// Says `name` in EHLO instead of the address of this end of the connection.
    ///
    /// # Errors
    /// [`RelayError::Hello`] if `name` is neither a domain nor an address literal (RFC 5321 §4.1.3).
    pub fn with_hello(mut self, name: &str) -> Result<Self, RelayError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '[' | ']' | ':');
        if name.is_empty() || name.len() > 255 || !name.chars().all(is_plain) {
            return Err(RelayError::Hello(name.to_owned()));
        }
        self.hello = Some(name.to_owned());
        Ok(self)
    }

    /// Trusts the certificates of a PEM file in addition to the system's.
    ///
    /// # Errors
    /// [`RelayError::Roots`] if there is none, or one cannot be read.
    pub fn with_roots(mut self, pem: &[u8]) -> Result<Self, RelayError> {
        let known = self.roots.len();
        for root in CertificateDer::pem_slice_iter(pem) {
            let root = root.map_err(|_| RelayError::Roots)?;
            self.roots.add(root).map_err(|_| RelayError::Roots)?;
        }
        if self.roots.len() == known {
            return Err(RelayError::Roots);
        }
        self.tls = OnceLock::new();
        Ok(self)
    }

    /// Sets how long to wait for the relay.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// How long to wait for the relay.
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// The verifier of the relay's certificate. Built once: sessions share it and resume each other's TLS sessions.
    pub(super) fn tls(&self) -> io::Result<TlsConnector> {
        if let Some(tls) = self.tls.get() {
            return Ok(Arc::clone(tls).into());
        }
        let mut roots = self.roots.clone();
        // An unreadable system certificate is skipped: it vouches for nobody.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(io::Error::other("this system has no root certificates: install ca-certificates"));
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::clone(self.tls.get_or_init(|| Arc::new(config))).into())
    }
}

/// The URL without its user.
impl fmt::Display for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        let scheme = self.security.scheme();
        if host.contains(':') { write!(f, "{scheme}://[{host}]:{port}") } else { write!(f, "{scheme}://{host}:{port}") }
    }
}

fn login(user: String, password: Option<SecretString>) -> Result<Option<Login>, RelayError> {
    let is_text = |text: &str| !text.is_empty() && !text.contains(char::is_control);
    match (user.is_empty(), password) {
        (true, None) => Ok(None),
        (true, Some(_)) => Err(RelayError::PasswordWithoutUser),
        (false, None) => Err(RelayError::UserWithoutPassword),
        // A NUL would end the user inside AUTH PLAIN (RFC 4616 §2).
        (false, Some(password)) if is_text(&user) && is_text(password.expose_secret()) => {
            Ok(Some(Login { user, password }))
        }
        (false, Some(_)) => Err(RelayError::LoginNotText),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
