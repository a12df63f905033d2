//! Bounces.

use anyhow::{Context, Result};
use chrono::NaiveDateTime;
use diesel::dsl::not;
use diesel::prelude::*;

use super::queue::sources;
use super::scope::{bounce, convocation, holder, notice, outbox};
use super::{Store, on_backend};
use convoke_domain::convocation::LetterState;

/// States in which no relay has a letter, as far as is known.
const WAITING: [LetterState; 2] = [LetterState::Queued, LetterState::Deferred];

/// A message received at the Return-Path of a letter.
#[derive(Clone, Debug, PartialEq, Eq, Insertable)]
#[diesel(table_name = bounce, treat_none_as_default_value = false)]
pub struct BounceRow {
    /// Préfecture.
    pub prefecture: String,
    /// SHA-256 of the message.
    pub sha256: String,
    /// The letter, if known.
    pub letter_id: Option<String>,
    /// `hard`, `soft`, `auto-reply` or `unknown`.
    pub class: &'static str,
    /// Enhanced status code.
    pub status: Option<String>,
    /// The reply of the refusing server.
    pub diagnostic: Option<String>,
    /// What was done about it.
    pub consequence: &'static str,
    /// When it was recorded.
    pub recorded_at: NaiveDateTime,
}

/// A message that needs a person to read it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = bounce)]
pub struct Unread {
    /// SHA-256 of the message.
    pub sha256: String,
    /// The letter, if known.
    pub letter_id: Option<String>,
    /// `hard`, `soft`, `auto-reply` or `unknown`.
    pub class: String,
    /// Enhanced status code.
    pub status: Option<String>,
    /// The reply of the refusing server.
    pub diagnostic: Option<String>,
    /// When it was recorded.
    pub recorded_at: NaiveDateTime,
}

impl Store {
    /// Messages that need a person to read them, of one class or of all, latest first, starting after `after`.
    pub fn unread_bounces(&mut self, class: Option<&str>, after: Option<&str>, limit: i64) -> Result<Vec<Unread>> {
        let mut unread = bounce::of(&self.scope).filter(bounce::consequence.eq("listed")).into_boxed();
        if let Some(class) = class {
            unread = unread.filter(bounce::class.eq(class));
        }
        if let Some(after) = after {
            let row = bounce::of(&self.scope).filter(bounce::sha256.eq(after)).select(bounce::recorded_at);
            let Some(at) = row.first::<NaiveDateTime>(&mut self.conn).optional()? else { return Ok(Vec::new()) };
            let same = bounce::recorded_at.eq(at).and(bounce::sha256.gt(after.to_owned()));
            unread = unread.filter(bounce::recorded_at.lt(at).or(same));
        }
        unread
            .order((bounce::recorded_at.desc(), bounce::sha256))
            .limit(limit)
            .select(Unread::as_select())
            .load(&mut self.conn)
            .context("reading what came back and is to be read")
    }

    /// The recorded consequence of this message, if it was processed before.
    pub fn known_bounce(&mut self, sha256: &str) -> Result<Option<String>> {
        let known = bounce::of(&self.scope).filter(bounce::sha256.eq(sha256)).select(bounce::consequence);
        known.first(&mut self.conn).optional().context("looking for a bounce")
    }

    /// Records a bounce, in the same transaction as its consequences.
    pub fn record_bounce(&mut self, row: &BounceRow) -> Result<()> {
        on_backend!(&mut self.conn, c => bounce::insert_own(&self.scope, &row.prefecture)?.values(row).execute(c))
            .context("recording a bounce")?;
        Ok(())
    }

    /// Marks a letter as bounced. `false` if no relay is known to have accepted it, or it is already marked.
    pub fn mark_bounced(&mut self, letter_id: &str, reply: &str) -> Result<bool> {
        let changed = diesel::update(outbox::of(&self.scope).filter(outbox::letter_id.eq(letter_id)))
            .filter(outbox::state.eq_any(sources(LetterState::Bounced, |_| true)))
            // One that waits was delivered to a relay only if its delivery was uncertain: it must not be sent again.
            .filter(outbox::uncertain.gt(0).or(not(outbox::state.eq_any(WAITING.map(LetterState::code)))))
            .set((
                outbox::state.eq(LetterState::Bounced.code()),
                outbox::remark.eq(None::<String>),
                outbox::last_reply.eq(reply),
                outbox::epoch.eq(outbox::epoch + 1),
            ))
            .execute(&mut self.conn)
            .context("marking a letter as come back")?;
        Ok(changed == 1)
    }

    /// Marks an address as refused. While it is the holder's current address, letters go by post.
    pub fn refuse_address(&mut self, reference: &str, address: &str) -> Result<()> {
        let convoked: Option<String> = convocation::of(&self.scope)
            .filter(convocation::reference.eq(reference))
            .select(convocation::holder_id)
            .first(&mut self.conn)
            .optional()
            .context("looking for the holder of a letter")?;
        let holder_id = match convoked {
            Some(id) => Some(id),
            None => notice::of(&self.scope)
                .filter(notice::reference.eq(reference))
                .select(notice::holder_id)
                .first(&mut self.conn)
                .optional()
                .context("looking for the holder of a letter")?,
        };
        if let Some(id) = holder_id {
            diesel::update(holder::of(&self.scope).filter(holder::holder_id.eq(id)))
                .set(holder::email_refused.eq(address))
                .execute(&mut self.conn)
                .context("marking an address")?;
        }
        Ok(())
    }
}
