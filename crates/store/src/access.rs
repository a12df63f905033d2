//! Console accounts, sessions and sign-ins in progress.

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

use super::Store;
use super::scope::{account, console_session, sign_in};

/// A local account, for when the identity provider cannot be reached.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = account)]
pub struct AccountRow {
    /// Login.
    pub login: String,
    /// Role.
    pub role: String,
    /// argon2id, as PHC text.
    pub password: String,
    /// Secret of the second factor, in Base32.
    pub totp: Option<String>,
    /// The last TOTP step that was used. No step is accepted twice.
    pub totp_step: i64,
    /// Failed attempts since the last successful one.
    pub failures: i64,
    /// Attempts are refused until then.
    pub locked_until: Option<NaiveDateTime>,
    /// When it was created.
    pub created_at: NaiveDateTime,
}

/// A signed-in user's session.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = console_session)]
pub struct SessionRow {
    /// SHA-256 of the token that the browser holds.
    pub token: String,
    /// SHA-256 of the token before it, accepted until the browser has the new one.
    pub token_before: Option<String>,
    /// Who.
    pub actor: String,
    /// Role.
    pub role: String,
    /// Language of the pages.
    pub language: String,
    /// When they signed in.
    pub began_at: NaiveDateTime,
    /// When they were last active, to the minute.
    pub seen_at: NaiveDateTime,
    /// When the token was issued.
    pub rotated_at: NaiveDateTime,
    /// Message to show once, on the next page.
    pub notice: Option<String>,
    /// The last search.
    pub sought: Option<String>,
}

/// A sign-in that is at the identity provider.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = sign_in)]
pub struct PendingSignIn {
    /// The `state` that the provider returns unchanged.
    pub state: String,
    /// SHA-256 of the token that the browser holds meanwhile.
    pub browser: String,
    /// The nonce that the identity token must contain.
    pub nonce: String,
    /// PKCE code verifier (RFC 7636).
    pub verifier: String,
    /// The page that was requested.
    pub target: String,
    /// When the sign-in began.
    pub began_at: NaiveDateTime,
}

/// The session with a token, or the one whose token another request has just rotated.
macro_rules! session_of {
    ($store:expr, $token:expr) => {
        console_session::of(&$store.scope)
            .filter(console_session::token.eq($token).or(console_session::token_before.eq($token)))
    };
}

impl Store {
    /// Accounts, by login.
    pub fn accounts(&mut self) -> Result<Vec<AccountRow>> {
        account::of(&self.scope)
            .order(account::login)
            .select(AccountRow::as_select())
            .load(&mut self.conn)
            .context("reading accounts")
    }

    /// One account.
    pub fn account(&mut self, login: &str) -> Result<Option<AccountRow>> {
        account::of(&self.scope)
            .filter(account::login.eq(login))
            .select(AccountRow::as_select())
            .first(&mut self.conn)
            .optional()
            .context("reading an account")
    }

    /// Creates an account, or replaces the one with that login. Its sessions end.
    pub fn put_account(&mut self, new: &AccountRow) -> Result<()> {
        self.delete_account(&new.login)?;
        account::insert(&self.scope)
            .values((
                account::login.eq(&new.login),
                account::role.eq(&new.role),
                account::password.eq(&new.password),
                account::totp.eq(&new.totp),
                account::totp_step.eq(new.totp_step),
                account::failures.eq(new.failures),
                account::locked_until.eq(new.locked_until),
                account::created_at.eq(new.created_at),
            ))
            .execute(&mut self.conn)
            .context("making an account")?;
        Ok(())
    }

    /// Deletes an account. Returns whether there was one.
    pub fn delete_account(&mut self, login: &str) -> Result<bool> {
        let gone = diesel::delete(account::of(&self.scope).filter(account::login.eq(login))).execute(&mut self.conn)?;
        Ok(gone > 0)
    }

    /// Records the result of a sign-in attempt.
    pub fn note_attempt(
        &mut self,
        login: &str,
        failures: i64,
        locked_until: Option<DateTime<Utc>>,
        totp_step: i64,
    ) -> Result<()> {
        diesel::update(account::of(&self.scope).filter(account::login.eq(login)))
            .set((
                account::failures.eq(failures),
                account::locked_until.eq(locked_until.map(|at| at.naive_utc())),
                account::totp_step.eq(totp_step),
            ))
            .execute(&mut self.conn)
            .context("writing an attempt to sign in")?;
        Ok(())
    }

    /// Begins a session.
    pub fn begin_session(&mut self, new: &SessionRow) -> Result<()> {
        console_session::insert(&self.scope)
            .values((
                console_session::token.eq(&new.token),
                console_session::actor.eq(&new.actor),
                console_session::role.eq(&new.role),
                console_session::language.eq(&new.language),
                console_session::began_at.eq(new.began_at),
                console_session::seen_at.eq(new.seen_at),
                console_session::rotated_at.eq(new.rotated_at),
                console_session::notice.eq(&new.notice),
                console_session::sought.eq(&new.sought),
            ))
            .execute(&mut self.conn)
            .context("beginning a session")?;
        Ok(())
    }

    /// The session with a token, or the one whose token was rotated from it.
    pub fn session(&mut self, token: &str) -> Result<Option<SessionRow>> {
        let own = console_session::of(&self.scope);
        let found = own.filter(console_session::token.eq(token)).select(SessionRow::as_select());
        if let Some(found) = found.first(&mut self.conn).optional().context("reading a session")? {
            return Ok(Some(found));
        }
        own.filter(console_session::token_before.eq(token))
            .select(SessionRow::as_select())
            .first(&mut self.conn)
            .optional()
            .context("reading a session")
    }

    /// Rotates a session's token. The one the browser holds stays valid until the new one arrives. `false` if another
    /// request has already rotated it.
    pub fn rotate_session(&mut self, token: &str, held: &str, new: &str, at: NaiveDateTime) -> Result<bool> {
        let changed = diesel::update(console_session::of(&self.scope).filter(console_session::token.eq(token)))
            .set((
                console_session::token.eq(new),
                console_session::token_before.eq(held),
                console_session::rotated_at.eq(at),
                console_session::seen_at.eq(at),
            ))
            .execute(&mut self.conn)
            .context("changing a token")?;
        Ok(changed > 0)
    }

    /// Records activity in a session. `arrived`: the browser has used the new token for a while, so the previous one is
    /// dropped.
    pub fn see_session(&mut self, token: &str, at: NaiveDateTime, arrived: bool) -> Result<()> {
        let own = console_session::of(&self.scope).filter(console_session::token.eq(token));
        diesel::update(own).set(console_session::seen_at.eq(at)).execute(&mut self.conn).context("noting a session")?;
        if arrived {
            diesel::update(own).set(console_session::token_before.eq(None::<String>)).execute(&mut self.conn)?;
        }
        Ok(())
    }

    /// Sets or clears the message for the next page. Clearing it keeps a message that another request has set since.
    pub fn set_notice(&mut self, token: &str, notice: Option<&str>, shown: Option<&str>) -> Result<()> {
        let own = session_of!(self, token);
        let done = match shown {
            Some(shown) => diesel::update(own.filter(console_session::notice.eq(shown)))
                .set(console_session::notice.eq(notice))
                .execute(&mut self.conn),
            None => diesel::update(own).set(console_session::notice.eq(notice)).execute(&mut self.conn),
        };
        done.context("keeping a notice").map(drop)
    }

    /// Stores a user's last search.
    pub fn set_sought(&mut self, token: &str, sought: &str) -> Result<()> {
        let done = diesel::update(session_of!(self, token)).set(console_session::sought.eq(sought));
        done.execute(&mut self.conn).context("keeping what is looked for").map(drop)
    }

    /// Sets the language of a user's pages.
    pub fn set_language(&mut self, token: &str, language: &str) -> Result<()> {
        let done = diesel::update(session_of!(self, token)).set(console_session::language.eq(language));
        done.execute(&mut self.conn).context("keeping a language").map(drop)
    }

    /// Ends a session.
    pub fn end_session(&mut self, token: &str) -> Result<()> {
        diesel::delete(console_session::of(&self.scope).filter(console_session::token.eq(token)))
            .execute(&mut self.conn)?;
        Ok(())
    }

    /// Ends every session of a user.
    pub fn end_sessions_of(&mut self, actor: &str) -> Result<usize> {
        diesel::delete(console_session::of(&self.scope).filter(console_session::actor.eq(actor)))
            .execute(&mut self.conn)
            .context("ending sessions")
    }

    /// Clears stored searches and their messages: they may contain the name of a holder being erased.
    pub(super) fn forget_searches(&mut self) -> Result<()> {
        diesel::update(console_session::of(&self.scope))
            .set((console_session::sought.eq(None::<String>), console_session::notice.eq(None::<String>)))
            .execute(&mut self.conn)
            .context("forgetting what was looked for")?;
        Ok(())
    }

    /// Deletes sessions that have expired, and sign-ins that were never completed.
    pub fn forget_sessions(
        &mut self,
        seen_before: DateTime<Utc>,
        began_before: DateTime<Utc>,
        left_before: DateTime<Utc>,
    ) -> Result<()> {
        diesel::delete(
            console_session::of(&self.scope).filter(
                console_session::seen_at
                    .lt(seen_before.naive_utc())
                    .or(console_session::began_at.lt(began_before.naive_utc())),
            ),
        )
        .execute(&mut self.conn)
        .context("forgetting sessions")?;
        diesel::delete(sign_in::of(&self.scope).filter(sign_in::began_at.lt(left_before.naive_utc())))
            .execute(&mut self.conn)
            .context("forgetting sign-ins")?;
        Ok(())
    }

    /// Stores a sign-in that goes to the identity provider.
    pub fn keep_sign_in(&mut self, new: &PendingSignIn) -> Result<()> {
        sign_in::insert(&self.scope)
            .values((
                sign_in::state.eq(&new.state),
                sign_in::browser.eq(&new.browser),
                sign_in::nonce.eq(&new.nonce),
                sign_in::verifier.eq(&new.verifier),
                sign_in::target.eq(&new.target),
                sign_in::began_at.eq(new.began_at),
            ))
            .execute(&mut self.conn)
            .context("keeping a sign-in")?;
        Ok(())
    }

    /// Takes out the sign-in that came back. Each can be completed only once.
    pub fn take_sign_in(&mut self, state: &str) -> Result<Option<PendingSignIn>> {
        let found = sign_in::of(&self.scope).filter(sign_in::state.eq(state)).select(PendingSignIn::as_select());
        let found = found.first(&mut self.conn).optional().context("reading a sign-in")?;
        let gone = diesel::delete(sign_in::of(&self.scope).filter(sign_in::state.eq(state))).execute(&mut self.conn)?;
        Ok(found.filter(|_| gone > 0))
    }
}
