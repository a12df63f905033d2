//! Letters that go by post.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::outbox::LetterRow;
use super::schema::{convocation, notice, outbox};
use super::{KEYS_PER_QUERY, Store, on_backend};
use convoke_domain::convocation::LetterState;

/// A letter to post.
#[derive(Clone, Debug)]
pub struct ToPost {
    /// The letter.
    pub letter: LetterRow,
    /// Its holder, if the convocation or notice is known.
    pub holder_id: Option<String>,
    /// State and day of its convocation, if it announces one.
    pub convocation: Option<(String, NaiveDate)>,
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
        let p = self.prefecture.clone();
        let letters: Vec<LetterRow> = outbox::table
            .filter(outbox::prefecture.eq(&p))
            .filter(sql::<Bool>(&format!("({WAITING} OR {TO_CALL})")))
            .filter(outbox::kind.ne("reminder"))
            .order((outbox::created_at, outbox::letter_id))
            .select(LetterRow::as_select())
            .load(&mut self.conn)
            .context("reading the letters for the post")?;
        let references: Vec<&str> = letters.iter().map(|l| l.reference.as_str()).collect();
        let mut known: HashMap<String, (String, Option<(String, NaiveDate)>)> = HashMap::new();
        for batch in references.chunks(KEYS_PER_QUERY) {
            let rows: Vec<(String, String, String, NaiveDate)> = convocation::table
                .filter(convocation::prefecture.eq(&p).and(convocation::reference.eq_any(batch)))
                .select((convocation::reference, convocation::holder_id, convocation::state, convocation::day))
                .load(&mut self.conn)?;
            known.extend(rows.into_iter().map(|(r, holder, state, day)| (r, (holder, Some((state, day))))));
            let rows: Vec<(String, String)> = notice::table
                .filter(notice::prefecture.eq(&p).and(notice::reference.eq_any(batch)))
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
    pub fn posted_letters(&mut self, references: &[&str]) -> Result<HashSet<(String, String, i64)>> {
        let mut posted = HashSet::new();
        for batch in references.chunks(KEYS_PER_QUERY) {
            let rows: Vec<(String, String, i64)> = outbox::table
                .filter(outbox::prefecture.eq(&self.prefecture).and(outbox::reference.eq_any(batch)))
                .filter(outbox::state.eq_any([LetterState::Posted.code(), LetterState::Returned.code()]))
                .select((outbox::reference, outbox::kind, outbox::revision))
                .load(&mut self.conn)
                .context("looking for letters that were posted")?;
            posted.extend(rows);
        }
        Ok(posted)
    }

    /// Number of letters waiting for the post since before `since`.
    pub fn waiting_for_post_since(&mut self, since: DateTime<Utc>) -> Result<u64> {
        let waiting: i64 = outbox::table
            .filter(outbox::prefecture.eq(&self.prefecture))
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
        let waiting: Option<LetterRow> = outbox::table
            .find((&self.prefecture, letter_id))
            .filter(sql::<Bool>(POSTABLE))
            .select(LetterRow::as_select())
            .first(&mut self.conn)
            .optional()?;
        let Some(letter) = waiting else { return Ok(false) };
        if letter.channel == "email" {
            let paper = LetterRow {
                letter_id: format!("{letter_id}/copie"),
                occasion: "copie".into(),
                channel: "post".into(),
                state: LetterState::Posted.code().into(),
                recipient: None,
                sha256: Some(sha256.into()),
                rendered: Some(rendered.into()),
                last_reply: Some(batch.into()),
                ..letter
            };
            let inserted = on_backend!(&mut self.conn, c =>
                diesel::insert_into(outbox::table).values(&paper).on_conflict_do_nothing().execute(c))
            .context("recording a letter on paper")?;
            return Ok(inserted == 1);
        }
        diesel::update(outbox::table.find((&self.prefecture, letter_id)))
            .set((
                outbox::state.eq(LetterState::Posted.code()),
                outbox::sha256.eq(sha256),
                outbox::rendered.eq(rendered),
                outbox::last_reply.eq(batch),
            ))
            .execute(&mut self.conn)
            .context("marking a letter as posted")?;
        Ok(true)
    }

    /// Marks a posted letter as returned. `false` if it was not posted.
    pub fn mark_returned(&mut self, letter_id: &str) -> Result<bool> {
        let changed = diesel::update(outbox::table.find((&self.prefecture, letter_id)))
            .filter(outbox::state.eq(LetterState::Posted.code()))
            .set(outbox::state.eq(LetterState::Returned.code()))
            .execute(&mut self.conn)
            .context("marking a letter as come back")?;
        Ok(changed == 1)
    }
}
