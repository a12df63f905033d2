//! Who is asking: a token that only the browser and its cookie know, kept here as its SHA-256, rotated, and ended in time.

use anyhow::Result;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::asked::Asked;
use super::words::Language;
use convoke_domain::access::Role;
use convoke_domain::ids::{hex, sha256_hex};
use convoke_machine::entropy::Entropy;
use convoke_settings::Http;
use convoke_store::{SessionRow, Store};

/// How old a token gets before another takes its place, and how long the old one is still good for what was on its way.
const ROTATE_AFTER: TimeDelta = TimeDelta::minutes(15);
const GRACE: TimeDelta = TimeDelta::seconds(60);
/// When somebody was last heard of is written down no more often than this.
const SEEN_STEP: TimeDelta = TimeDelta::minutes(1);
/// Somebody who left for the identity provider is waited for so long.
const AWAY_MAX: TimeDelta = TimeDelta::minutes(10);

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    /// As the ledger names them.
    pub(super) actor: String,
    pub(super) role: Role,
    pub(super) language: Language,
    pub(super) row: SessionRow,
    /// The token's own hash: what stands in the database may be newer than the browser's.
    pub(super) fresh: Option<String>,
}

/// What the cookie is called: where TLS is declared the browser takes care that nobody else can set it.
pub(super) fn cookie_name(http: &Http, prefecture: &str) -> String {
    format!("{}convoke-{prefecture}", if http.is_secure() { "__Host-" } else { "" })
}

/// The header that gives a browser its token.
pub(super) fn cookie(http: &Http, name: &str, value: &str, max_age_s: Option<i64>) -> String {
    let secure = if http.is_secure() { "; Secure" } else { "" };
    let age = max_age_s.map_or_else(String::new, |s| format!("; Max-Age={s}"));
    // Lax: the identity provider sends people back by a link.
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}")
}

/// A token, and what is kept of it.
pub(super) fn token(entropy: &mut Entropy) -> Result<(String, String)> {
    let token = hex(&entropy.bytes()?);
    let kept = sha256_hex(token.as_bytes());
    Ok((token, kept))
}

/// Begins a session under a token that nobody has seen before: whatever the browser brought is worth nothing.
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

/// Who is asking, if they are signed in; rotates their token in time.
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
    // The one before it is good until the new one has arrived: an answer that was lost signs nobody out.
    let lost = is_before && now - row.rotated_at > GRACE;
    if lost || (!is_before && now - row.rotated_at > ROTATE_AFTER) {
        let (new, new_kept) = self::token(&mut Entropy::System)?;
        // Where another request was faster, theirs reaches the browser.
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

/// Whether somebody who left at this hour is still waited for.
pub(super) fn is_awaited(left: NaiveDateTime, now: DateTime<Utc>) -> bool {
    now.naive_utc() - left <= AWAY_MAX
}

/// Forgets what nobody can go on with.
pub(super) fn tidy(store: &mut Store, http: &Http, now: DateTime<Utc>) -> Result<()> {
    let idle = now - TimeDelta::minutes(http.idle_min.into());
    let old = now - TimeDelta::hours(http.session_max_h.into());
    store.write_rows(|s| s.forget_sessions(idle, old, now - AWAY_MAX))
}
