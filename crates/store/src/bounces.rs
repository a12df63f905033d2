//! What came back.

use anyhow::{Context, Result};
use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::{bounce, convocation, holder, notice, outbox};
use super::{Store, on_backend};
use convoke_domain::convocation::LetterState;

/// A message that came to the Return-Path of a letter.
#[derive(Clone, Debug, PartialEq, Eq, Insertable)]
#[diesel(table_name = bounce, treat_none_as_default_value = false)]
pub struct BounceRow {
    /// Préfecture.
    pub prefecture: String,
    /// SHA-256 of the message.
    pub sha256: String,
    /// The letter, where it is known.
    pub letter_id: Option<String>,
    /// `hard`, `soft`, `auto-reply` or `unknown`.
    pub class: &'static str,
    /// Enhanced status code.
    pub status: Option<String>,
    /// What the server that refused said.
    pub diagnostic: Option<String>,
    /// What followed.
    pub consequence: &'static str,
    /// When it was read.
    pub recorded_at: NaiveDateTime,
}

/// A message that a person must read.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = bounce)]
pub struct Unread {
    /// SHA-256 of the message.
    pub sha256: String,
    /// The letter, where it is known.
    pub letter_id: Option<String>,
    /// `hard`, `soft`, `auto-reply` or `unknown`.
    pub class: String,
    /// Enhanced status code.
    pub status: Option<String>,
    /// What the server that refused said.
    pub diagnostic: Option<String>,
    /// When it was read.
    pub recorded_at: NaiveDateTime,
}

impl Store {
    /// Messages that a person must read, of one class or of any, latest first, from after one of them on.
    pub fn unread_bounces(&mut self, class: Option<&str>, after: Option<&str>, limit: i64) -> Result<Vec<Unread>> {
        let mine = bounce::prefecture.eq(self.prefecture.clone()).and(bounce::consequence.eq("listed"));
        let mut unread = bounce::table.filter(mine).into_boxed();
        if let Some(class) = class {
            unread = unread.filter(bounce::class.eq(class));
        }
        if let Some(after) = after {
            let row = bounce::table.find((&self.prefecture, after)).select(bounce::recorded_at);
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

    /// What followed from this very message, if it was read before.
    pub fn known_bounce(&mut self, sha256: &str) -> Result<Option<String>> {
        let known = bounce::table.find((&self.prefecture, sha256)).select(bounce::consequence);
        known.first(&mut self.conn).optional().context("looking for a bounce")
    }

    /// Records a message that came back, in the transaction of its consequences.
    pub fn record_bounce(&mut self, row: &BounceRow) -> Result<()> {
        on_backend!(&mut self.conn, c => diesel::insert_into(bounce::table).values(row).execute(c))
            .context("recording a bounce")?;
        Ok(())
    }

    /// Marks a letter as come back. `false` where no relay is known to have it, or it is marked already.
    pub fn mark_bounced(&mut self, letter_id: &str, reply: &str) -> Result<bool> {
        let changed = diesel::update(outbox::table.find((&self.prefecture, letter_id)))
            // One whose fate was unknown has arrived, and come back: it is not sent again.
            .filter(
                outbox::state
                    .eq_any([LetterState::Accepted, LetterState::Uncertain, LetterState::Held].map(LetterState::code))
                    .or(outbox::uncertain.gt(0).and(
                        outbox::state.eq_any([LetterState::Queued, LetterState::Deferred].map(LetterState::code)),
                    )),
            )
            .set((
                outbox::state.eq(LetterState::Bounced.code()),
                outbox::last_reply.eq(reply),
                outbox::epoch.eq(outbox::epoch + 1),
            ))
            .execute(&mut self.conn)
            .context("marking a letter as come back")?;
        Ok(changed == 1)
    }

    /// Marks an address of a letter's holder as one that sends letters back: while it is the present one, letters go by post.
    pub fn refuse_address(&mut self, reference: &str, address: &str) -> Result<()> {
        let p = self.prefecture.clone();
        let convoked: Option<String> = convocation::table
            .find((&p, reference))
            .select(convocation::holder_id)
            .first(&mut self.conn)
            .optional()
            .context("looking for the holder of a letter")?;
        let holder_id = match convoked {
            Some(id) => Some(id),
            None => notice::table
                .find((&p, reference))
                .select(notice::holder_id)
                .first(&mut self.conn)
                .optional()
                .context("looking for the holder of a letter")?,
        };
        if let Some(id) = holder_id {
            diesel::update(holder::table.find((&p, id)))
                .set(holder::email_refused.eq(address))
                .execute(&mut self.conn)
                .context("marking an address")?;
        }
        Ok(())
    }
}
