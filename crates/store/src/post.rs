//! Letters that go by post.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::convocations::ConvocationColumns;
use super::letter::{LetterColumns, LetterRow};
use super::outbox::word;
use super::queue::sources;
use super::row::{Columns, Rows, Word};
use super::scope::{convocation, notice, outbox};
use super::{KEYS_PER_QUERY, Store, on_backend};
use convoke_domain::convocation::{LetterKind, LetterState, State};
use convoke_domain::permit::Channel;

/// A letter to post.
#[derive(Clone, Debug)]
pub struct ToPost {
    /// The letter.
    pub letter: LetterRow,
    /// Its holder, if the convocation or notice is known.
    pub holder_id: Option<String>,
    /// State and day of its convocation, if it announces one.
    pub convocation: Option<(State, NaiveDate)>,
}

/// Only letters worth posting: one that came too late by e-mail would come later still.
const POSTABLE: &str = "outbox.state IN ('to_post', 'failed', 'bounced')";
/// Literal values, which match the partial index.
const WAITING: &str = "outbox.state IN ('to_post', 'failed', 'bounced', 'expired')";
/// Paper letters to people who asked to be called.
const TO_CALL: &str = "(outbox.state = 'posted' AND outbox.channel = 'phone')";

impl Store {
    /// Letters to post, oldest first: those without e-mail, and those whose e-mail failed, bounced or came too late;
    /// also posted ones of people who asked to be called. Reminders are not worth a stamp.
    pub fn to_post(&mut self) -> Result<Vec<ToPost>> {
        let letters = outbox::of(&self.scope)
            .filter(sql::<Bool>(&format!("({WAITING} OR {TO_CALL})")))
            .filter(outbox::kind.ne(LetterKind::Reminder.code()))
            .order((outbox::created_at, outbox::letter_id))
            .select(LetterColumns::as_select())
            .load(&mut self.conn)
            .rows("reading the letters for the post")?;
        let references: Vec<&str> = letters.iter().map(|l| l.reference.as_str()).collect();
        let mut known: HashMap<String, (String, Option<(State, NaiveDate)>)> = HashMap::new();
        for batch in references.chunks(KEYS_PER_QUERY) {
            let rows = convocation::of(&self.scope)
                .filter(convocation::reference.eq_any(batch))
                .select(ConvocationColumns::as_select())
                .load(&mut self.conn)
                .rows("reading the convocations of letters")?;
            known.extend(rows.into_iter().map(|c| (c.reference, (c.holder_id, Some((c.state, c.slot_id.day))))));
            let rows: Vec<(String, String)> = notice::of(&self.scope)
                .filter(notice::reference.eq_any(batch))
                .select((notice::reference, notice::holder_id))
                .load(&mut self.conn)?;
            known.extend(rows.into_iter().map(|(r, holder)| (r, (holder, None))));
        }
        Ok(letters
            .into_iter()
            .map(|letter| {
                let (holder_id, convocation) =
                    known.get(&letter.reference).cloned().map_or((None, None), |(h, c)| (Some(h), c));
                ToPost { letter, holder_id, convocation }
            })
            .collect())
    }

    /// Posted letters with these references: reference, kind, revision.
    pub fn posted_letters(&mut self, references: &[&str]) -> Result<HashSet<(String, LetterKind, i64)>> {
        let mut posted = HashSet::new();
        for batch in references.chunks(KEYS_PER_QUERY) {
            let rows: Vec<(String, Word<LetterKind>, i64)> = outbox::of(&self.scope)
                .filter(outbox::reference.eq_any(batch))
                .filter(outbox::state.eq_any([LetterState::Posted, LetterState::Returned].map(LetterState::code)))
                .select((outbox::reference, outbox::kind, outbox::revision))
                .load(&mut self.conn)
                .context("looking for letters that were posted")?;
            for (reference, kind, revision) in rows {
                posted.insert((reference, word("kind", kind)?, revision));
            }
        }
        Ok(posted)
    }

    /// Letters with these references that an e-mail has brought, or is about to: reference, kind, revision.
    pub fn letters_by_email(&mut self, references: &[&str]) -> Result<HashSet<(String, LetterKind, i64)>> {
        use LetterState as S;
        let on_their_way = [S::Queued, S::Leased, S::Sending, S::Deferred, S::Uncertain, S::Accepted];
        let mut found = HashSet::new();
        for batch in references.chunks(KEYS_PER_QUERY) {
            let rows: Vec<(String, Word<LetterKind>, i64)> = outbox::of(&self.scope)
                .filter(outbox::reference.eq_any(batch))
                .filter(outbox::channel.eq(Channel::Email.code()))
                .filter(outbox::state.eq_any(on_their_way.map(LetterState::code)))
                .select((outbox::reference, outbox::kind, outbox::revision))
                .load(&mut self.conn)
                .context("looking for letters that an e-mail brings")?;
            for (reference, kind, revision) in rows {
                found.insert((reference, word("kind", kind)?, revision));
            }
        }
        Ok(found)
    }

    /// Number of letters waiting for the post since before `since`.
    pub fn waiting_for_post_since(&mut self, since: DateTime<Utc>) -> Result<u64> {
        let waiting: i64 = outbox::of(&self.scope)
            .filter(outbox::state.eq(LetterState::ToPost.code()))
            .filter(outbox::created_at.lt(since.naive_utc()))
            .count()
            .get_result(&mut self.conn)
            .context("counting the letters for the post")?;
        Ok(waiting as u64)
    }

    /// Marks a letter as posted. A failed e-mail keeps its record: its paper letter gets a row of its own. `false` if
    /// it is no longer waiting for the post.
    pub fn mark_posted(&mut self, letter_id: &str, sha256: &str, rendered: &str, batch: &str) -> Result<bool> {
        let waiting: Option<LetterColumns> = outbox::of(&self.scope)
            .filter(outbox::letter_id.eq(letter_id))
            .filter(sql::<Bool>(POSTABLE))
            .select(LetterColumns::as_select())
            .first(&mut self.conn)
            .optional()?;
        let Some(columns) = waiting else { return Ok(false) };
        if columns.clone().read()?.channel == Channel::Email {
            let paper = columns.on_paper(sha256, rendered, batch);
            let inserted = on_backend!(&mut self.conn, c =>
                outbox::insert_own(&self.scope, &paper.prefecture)?.values(&paper).on_conflict_do_nothing().execute(c))
            .context("recording a letter on paper")?;
            return Ok(inserted == 1);
        }
        let posted = diesel::update(outbox::of(&self.scope).filter(outbox::letter_id.eq(letter_id)))
            .filter(outbox::state.eq_any(sources(LetterState::Posted, |_| true)))
            .set((
                outbox::state.eq(LetterState::Posted.code()),
                outbox::sha256.eq(sha256),
                outbox::rendered.eq(rendered),
                outbox::remark.eq(None::<String>),
                outbox::post_batch.eq(batch),
            ))
            .execute(&mut self.conn)
            .context("marking a letter as posted")?;
        Ok(posted == 1)
    }

    /// Marks a posted letter as returned. `false` if it was not posted.
    pub fn mark_returned(&mut self, letter_id: &str) -> Result<bool> {
        let changed = diesel::update(outbox::of(&self.scope).filter(outbox::letter_id.eq(letter_id)))
            .filter(outbox::state.eq_any(sources(LetterState::Returned, |_| true)))
            .set(outbox::state.eq(LetterState::Returned.code()))
            .execute(&mut self.conn)
            .context("marking a letter as come back")?;
        Ok(changed == 1)
    }
}
