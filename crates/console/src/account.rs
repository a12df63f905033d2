//! Local accounts, for when the identity provider cannot be reached: a password, and optionally a second factor.

use std::sync::LazyLock;

use anyhow::{Context, Result, anyhow};
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use totp_rs::{Builder, Totp};

use convoke_domain::access::Role;
use convoke_machine::entropy::Entropy;
use convoke_store::{AccountRow, Store};

/// Shorter passwords can be guessed (NIST SP 800-63B: at least 15 characters if it is the only factor); beyond the
/// maximum it is no password.
const PASSWORD_MIN: usize = 15;
const PASSWORD_MAX: usize = 256;
/// The failed attempt that locks the account; each further one doubles the wait.
const FAILURES_TO_LOCK: i64 = 5;
const WAIT_S: i64 = 30;
const WAIT_MAX_S: i64 = 900;
/// The name that the authenticator app shows above the digits.
const ISSUER: &str = "convoke";

/// Why a sign-in is denied. The user is never told which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Unknown account, wrong password or wrong digits.
    Wrong,
    /// Too many attempts: none is checked for a while.
    Locked,
}

/// A new account, and what its owner needs besides the password.
#[derive(Debug)]
pub struct Enrolled {
    /// The account.
    pub row: AccountRow,
    /// `otpauth://…`, for the authenticator app; shown once.
    pub second_factor: Option<SecretString>,
}

/// argon2id: the second recommendation of RFC 9106, scaled to OWASP's minimum: 19 MiB, two passes.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

/// Creates an account.
///
/// # Errors
/// An invalid login, or a password that is too short or too long: in words.
pub fn enrol(
    login: &str,
    role: Role,
    password: &SecretString,
    second_factor: bool,
    now: DateTime<Utc>,
    entropy: &mut Entropy,
) -> Result<Enrolled, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    if login.is_empty() || login.len() > 64 || !login.chars().all(plain) {
        return Err(format!("login {login:?}: expected up to 64 of a to z, 0 to 9, `.`, `-` and `_`"));
    }
    let length = password.expose_secret().chars().count();
    if !(PASSWORD_MIN..=PASSWORD_MAX).contains(&length) {
        return Err(format!(
            "the password has {length} characters: expected {PASSWORD_MIN} to {PASSWORD_MAX}; a sentence is easy to remember"
        ));
    }
    let mut made = || -> Result<(String, Option<String>)> {
        let hash = hash(password, &entropy.bytes()?[..16])?;
        let secret = if second_factor { Some(convoke_domain::ids::hex(&entropy.bytes()?[..20])) } else { None };
        Ok((hash, secret))
    };
    let (password, totp) = made().map_err(|e| format!("{e:#}"))?;
    let url =
        totp.as_deref().map(|secret| self::totp(login, secret).and_then(|t| t.to_url().map_err(|e| anyhow!("{e}"))));
    let url = url.transpose().map_err(|e| format!("{e:#}"))?;
    let row = AccountRow {
        login: login.to_owned(),
        role: role.code().to_owned(),
        password,
        totp,
        totp_step: 0,
        failures: 0,
        locked_until: None,
        created_at: now.naive_utc(),
    };
    Ok(Enrolled { row, second_factor: url.map(Into::into) })
}

fn hash(password: &SecretString, salt: &[u8]) -> Result<String> {
    let hash = hasher().hash_password_with_salt(password.expose_secret().as_bytes(), salt);
    Ok(hash.map_err(|e| anyhow!("hashing a password: {e}"))?.to_string())
}

fn totp(login: &str, secret: &str) -> Result<Totp> {
    let bytes = convoke_domain::ids::unhex::<20>(secret).context("the secret of a second factor in the database")?;
    Builder::new()
        .with_secret(bytes.to_vec())
        .with_account_name(login)
        .with_issuer(Some(ISSUER))
        .build()
        .map_err(|e| anyhow!("a second factor: {e}"))
}

/// Verifies a sign-in attempt. Each attempt is recorded, and takes the same time for every account.
pub fn verify(
    store: &mut Store,
    login: &str,
    password: &SecretString,
    digits: &str,
    now: DateTime<Utc>,
) -> Result<Result<Role, Denied>> {
    /// The hash to compare with if there is no such account.
    static NOBODY: LazyLock<String> =
        LazyLock::new(|| hash(&"a password that opens nothing".into(), &[7; 16]).unwrap_or_default());
    let Some(row) = store.account(login)? else {
        let _ = hasher().verify_password(password.expose_secret().as_bytes(), NOBODY.as_str());
        return Ok(Err(Denied::Wrong));
    };
    let too_long = password.expose_secret().chars().count() > PASSWORD_MAX;
    let known =
        !too_long && hasher().verify_password(password.expose_secret().as_bytes(), row.password.as_str()).is_ok();
    // The digits are checked even if the password was wrong, and each step is accepted only once.
    let step = match &row.totp {
        None => Some(row.totp_step),
        Some(secret) => totp(login, secret)?
            .check(digits.trim(), now.timestamp().unsigned_abs())
            .map(|step| step as i64)
            .filter(|step| *step > row.totp_step),
    };
    if row.locked_until.is_some_and(|until| until > now.naive_utc()) {
        // It took as long as any attempt: nobody learns which accounts exist.
        return Ok(Err(Denied::Locked));
    }
    store.write(|s| {
        // Read again under the lock: of two concurrent attempts with the same digits, one succeeds.
        let row = s.account(login)?.context("an account that was there")?;
        if let Some(step) = step.filter(|step| known && (row.totp.is_none() || *step > row.totp_step)) {
            s.note_attempt(login, 0, None, step)?;
            return Ok(row.role.parse().map_err(|_| Denied::Wrong));
        }
        // After a quiet period the count starts anew.
        let rested = row.locked_until.is_some_and(|until| now.naive_utc() - until > TimeDelta::seconds(WAIT_MAX_S));
        let failures = if rested { 1 } else { row.failures + 1 };
        let over = failures - FAILURES_TO_LOCK;
        let wait = (over >= 0).then(|| TimeDelta::seconds((WAIT_S << over.min(5)).min(WAIT_MAX_S)));
        s.note_attempt(login, failures, wait.map(|wait| now + wait), row.totp_step)?;
        Ok(Err(if wait.is_some() { Denied::Locked } else { Denied::Wrong }))
    })
}
