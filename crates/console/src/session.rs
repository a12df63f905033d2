//! Sessions: a token known only to the browser and stored here as its SHA-256, rotated, and expired in time.

use anyhow::Result;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::asked::Asked;
use super::words::Language;
use convoke_domain::access::Role;
use convoke_domain::ids::{hex, sha256_hex};
use convoke_machine::entropy::Entropy;
use convoke_settings::Http;
use convoke_store::{SessionRow, Store};

/// Age at which a token is rotated, and how long the old one stays valid for requests under way.
const ROTATE_AFTER: TimeDelta = TimeDelta::minutes(15);
const GRACE: TimeDelta = TimeDelta::seconds(60);
/// Activity is recorded no more often than this.
const SEEN_STEP: TimeDelta = TimeDelta::minutes(1);
/// Time limit for a sign-in at the identity provider.
const AWAY_MAX: TimeDelta = TimeDelta::minutes(10);

/// A signed-in user.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    /// Name in the ledger.
    pub(super) actor: String,
    pub(super) role: Role,
    pub(super) language: Language,
    pub(super) row: SessionRow,
    /// A new token to send to the browser, if this request rotated it.
    pub(super) fresh: Option<String>,
}

/// The cookie's name. With TLS, its prefix makes the browser refuse it from any other host.
pub(super) fn cookie_name(http: &Http, prefecture: &str) -> String {
    format!("{}convoke-{prefecture}", if http.is_secure() { "__Host-" } else { "" })
}

/// The header that sets a browser's token.
pub(super) fn cookie(http: &Http, name: &str, value: &str, max_age_s: Option<i64>) -> String {
    let secure = if http.is_secure() { "; Secure" } else { "" };
    let age = max_age_s.map_or_else(String::new, |s| format!("; Max-Age={s}"));
    // Lax: the identity provider returns users by a link.
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}")
}

/// A token, and the hash to store.
pub(super) fn token(entropy: &mut Entropy) -> Result<(String, String)> {
    let token = hex(&entropy.bytes()?);
    let kept = sha256_hex(token.as_bytes());
    Ok((token, kept))
}

/// Starts a session with a new token; the token that the browser brought is not reused.
pub(super) fn begin(
    store: &mut Store,
    actor: &str,
    role: Role,
    language: Language,
    now: DateTime<Utc>,
) -> Result<String> {
    let (token, kept) = token(&mut Entropy::System)?;
    let at = now.naive_utc();
    store.begin_session(&SessionRow {
        token: kept,
        token_before: None,
        actor: actor.to_owned(),
        role: role.code().to_owned(),
        language: language.code().to_owned(),
        began_at: at,
        seen_at: at,
        rotated_at: at,
        notice: None,
        sought: None,
    })?;
    Ok(token)
}

/// The signed-in user, if there is one. Rotates the token when it is due.
pub(super) fn resume(store: &mut Store, http: &Http, asked: &Asked, now: DateTime<Utc>) -> Result<Option<Agent>> {
    let name = cookie_name(http, store.prefecture());
    let Some(token) = asked.cookie(&name).filter(|t| t.len() == 64) else { return Ok(None) };
    let kept = sha256_hex(token.as_bytes());
    let Some(mut row) = store.session(&kept)? else { return Ok(None) };
    let now = now.naive_utc();
    let idle = now - row.seen_at > TimeDelta::minutes(http.idle_min.into());
    let old = now - row.began_at > TimeDelta::hours(http.session_max_h.into());
    let is_before = row.token != kept;
    if idle || old {
        store.write_rows(|s| s.end_session(&row.token))?;
        return Ok(None);
    }
    let (Ok(role), Ok(language)) = (row.role.parse(), row.language.parse()) else { return Ok(None) };
    let mut fresh = None;
    // The previous token stays valid until the new one has arrived: a lost response signs nobody out.
    let lost = is_before && now - row.rotated_at > GRACE;
    if lost || (!is_before && now - row.rotated_at > ROTATE_AFTER) {
        let (new, new_kept) = self::token(&mut Entropy::System)?;
        // If another request was faster, its token reaches the browser.
        if store.write_rows(|s| s.rotate_session(&row.token, &kept, &new_kept, now))? {
            (row.token, fresh) = (new_kept, Some(new));
        }
    } else {
        let arrived = !is_before && row.token_before.is_some() && now - row.rotated_at > GRACE;
        if arrived || now - row.seen_at > SEEN_STEP {
            store.write_rows(|s| s.see_session(&row.token, now, arrived))?;
        }
    }
    Ok(Some(Agent { actor: row.actor.clone(), role, language, row, fresh }))
}

/// Whether a sign-in that began at this instant may still be completed.
pub(super) fn is_awaited(left: NaiveDateTime, now: DateTime<Utc>) -> bool {
    now.naive_utc() - left <= AWAY_MAX
}

/// Deletes expired sessions and sign-ins.
pub(super) fn tidy(store: &mut Store, http: &Http, now: DateTime<Utc>) -> Result<()> {
    let idle = now - TimeDelta::minutes(http.idle_min.into());
    let old = now - TimeDelta::hours(http.session_max_h.into());
    store.write_rows(|s| s.forget_sessions(idle, old, now - AWAY_MAX))
}
