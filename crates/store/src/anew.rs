//! Letters that have not left, written anew: whom they are about, and their former content.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

use super::acts::{Renewed, RenewedColumns};
use super::letter::{LetterColumns, LetterRow, NewLetter};
use super::row::{Rows, Word};
use super::scope::{convocation, notice, outbox, permit};
use super::slots::named;
use super::{KEYS_PER_QUERY, Store, on_backend};
use convoke_domain::convocation::{LetterState, Remark};
use convoke_domain::permit::Channel;
use convoke_domain::slot::SlotId;

/// Whom and what a letter is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Permit.
    pub permit_id: String,
    /// Holder.
    pub holder_id: String,
    /// The slot of its convocation; `None` for a notice.
    pub slot_id: Option<SlotId>,
}

impl Store {
    /// Whom and what letters with these references are about, by reference.
    pub fn subjects(&mut self, references: &[&str]) -> Result<HashMap<String, Subject>> {
        let mut found = HashMap::with_capacity(references.len());
        for batch in references.chunks(KEYS_PER_QUERY) {
            let convoked: Vec<(String, String, String, Word<SlotId>)> = convocation::of(&self.scope)
                .filter(convocation::reference.eq_any(batch))
                .select((convocation::reference, convocation::permit_id, convocation::holder_id, convocation::slot_id))
                .load(&mut self.conn)
                .context("reading whom letters are about")?;
            for (reference, permit_id, holder_id, slot) in convoked {
                let slot_id = Some(named("convocation", slot)?);
                found.insert(reference, Subject { permit_id, holder_id, slot_id });
            }
            if batch.iter().all(|reference| found.contains_key(*reference)) {
                continue;
            }
            let noticed: Vec<(String, String, String)> = notice::of(&self.scope)
                .filter(notice::reference.eq_any(batch))
                .select((notice::reference, notice::permit_id, notice::holder_id))
                .load(&mut self.conn)
                .context("reading whom notices are about")?;
            let noticed = noticed
                .into_iter()
                .map(|(reference, permit_id, holder_id)| (reference, Subject { permit_id, holder_id, slot_id: None }));
            found.extend(noticed);
        }
        Ok(found)
    }

    /// Permits by id.
    pub fn renewed_of(&mut self, permit_ids: &[&str]) -> Result<HashMap<String, Renewed>> {
        let mut found = HashMap::with_capacity(permit_ids.len());
        for batch in permit_ids.chunks(KEYS_PER_QUERY) {
            let rows = permit::of(&self.scope)
                .filter(permit::permit_id.eq_any(batch))
                .select(RenewedColumns::as_select())
                .load(&mut self.conn)
                .rows("reading permits")?;
            found.extend(rows.into_iter().map(|row| (row.permit_id.clone(), row)));
        }
        Ok(found)
    }

    /// Letters in one state after one by id. State by state, because only that is read by an index.
    pub fn letters_in(&mut self, state: LetterState, letter_id: &str, limit: i64) -> Result<Vec<LetterRow>> {
        outbox::of(&self.scope)
            .filter(outbox::state.eq(state.code()))
            .filter(outbox::letter_id.gt(letter_id))
            .order(outbox::letter_id)
            .limit(limit)
            .select(LetterColumns::as_select())
            .load(&mut self.conn)
            .rows("reading the letters that have not left")
    }

    /// Lets a letter that waits for a worker wait until a time.
    pub fn delay(&mut self, letter_id: &str, until: DateTime<Utc>) -> Result<()> {
        let waiting = [LetterState::Queued, LetterState::Deferred].map(LetterState::code);
        diesel::update(outbox::of(&self.scope).filter(outbox::letter_id.eq(letter_id)))
            .filter(outbox::state.eq_any(waiting).and(outbox::next_at.lt(until.naive_utc())))
            .set(outbox::next_at.eq(until.naive_utc()))
            .execute(&mut self.conn)
            .context("delaying a letter")?;
        Ok(())
    }

    /// Writes a letter anew before it leaves: its row takes the new content, address and channel, and the former content
    /// stays as a row of its own, `replaced`. A letter in a worker's hands stays there, unless it goes by post now. `None`
    /// if a worker has taken it, or its state has changed.
    pub fn write_anew(&mut self, letter: &LetterRow, new: &NewLetter) -> Result<Option<LetterRow>> {
        let from = letter.state;
        let to = match (from, new.channel) {
            (LetterState::Leased, Channel::Email) | (LetterState::Held, _) => from,
            (_, channel) => LetterState::waiting(channel),
        };
        ensure!(from == to || from.may_become(to), "a letter that is {from} cannot become {to}");
        let former: Option<LetterColumns> = outbox::of(&self.scope)
            .filter(outbox::letter_id.eq(&letter.letter_id))
            .filter(outbox::state.eq(from.code()).and(outbox::epoch.eq(letter.epoch)))
            .select(LetterColumns::as_select())
            .first(&mut self.conn)
            .optional()
            .context("reading a letter to be written anew")?;
        let Some(former) = former else { return Ok(None) };
        let copies: i64 = outbox::of(&self.scope)
            .filter(outbox::reference.eq(&letter.reference))
            .filter(outbox::state.eq(LetterState::Replaced.code()))
            .count()
            .get_result(&mut self.conn)?;
        let suffix = format!("avant-{}", copies + 1);
        let former = LetterColumns {
            letter_id: format!("{}/{suffix}", letter.letter_id),
            occasion: format!("{} {suffix}", letter.occasion).trim_start().to_owned(),
            state: LetterState::Replaced.into(),
            remark: Some(Remark::Replaced.into()),
            owner: None,
            lease_until: None,
            ..former
        };
        on_backend!(&mut self.conn, c =>
            outbox::insert_own(&self.scope, &former.prefecture)?.values(&former).execute(c))
        .context("keeping what a letter said")?;
        let in_hand = to == LetterState::Leased;
        let epoch = letter.epoch + i64::from(!in_hand);
        let row = outbox::of(&self.scope).filter(outbox::letter_id.eq(&letter.letter_id));
        diesel::update(row)
            .set((
                outbox::data.eq(&new.data),
                outbox::recipient.eq(&new.recipient),
                outbox::channel.eq(new.channel.code()),
                outbox::template_hash.eq(&new.template_hash),
                outbox::state.eq(to.code()),
                outbox::sha256.eq(None::<String>),
                outbox::rendered.eq(None::<String>),
                outbox::last_reply.eq(None::<String>),
                outbox::epoch.eq(epoch),
            ))
            .execute(&mut self.conn)
            .context("writing a letter anew")?;
        if !in_hand {
            diesel::update(outbox::of(&self.scope).filter(outbox::letter_id.eq(&letter.letter_id)))
                .set((outbox::owner.eq(None::<String>), outbox::lease_until.eq(None::<NaiveDateTime>)))
                .execute(&mut self.conn)?;
        }
        self.letter(&letter.letter_id)
    }
}
