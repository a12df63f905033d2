//! The outbox: letters, and every attempt to deliver them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::letter::{LetterColumns, LetterRow, NewLetter};
use super::row::{Column, Rows, Unreadable, Word, row};
use super::scope::{convocation, joined, notice, outbox};
use super::{Store, insert_own};
use convoke_domain::convocation::{COPY, LetterKind, LetterState, Remark};
use convoke_domain::ids::{HolderId, Reference};
use convoke_domain::permit::Channel;

/// Which letters; all of them by default.
#[derive(Clone, Debug, Default)]
pub struct LetterFilter {
    /// In this state.
    pub state: Option<LetterState>,
    /// Of this kind.
    pub kind: Option<LetterKind>,
    /// Sent through this channel.
    pub channel: Option<Channel>,
    /// For this convocation or notice.
    pub reference: Option<Reference>,
}

impl LetterRow {
    /// Why it is where it is.
    pub fn said(&self) -> SaidOf {
        SaidOf {
            example: self.letter_id.clone(),
            state: self.state,
            remark: self.remark,
            reply: self.last_reply.clone(),
            letters: 1,
        }
    }
}

impl LetterColumns {
    /// The paper copy, just posted, of a letter that failed as an e-mail.
    pub(super) fn on_paper(self, sha256: &str, rendered: &str, batch: &str) -> Self {
        Self {
            letter_id: format!("{}/{COPY}", self.letter_id),
            occasion: COPY.into(),
            channel: Channel::Post.into(),
            state: LetterState::Posted.into(),
            remark: None,
            recipient: None,
            sha256: Some(sha256.into()),
            rendered: Some(rendered.into()),
            last_reply: None,
            post_batch: Some(batch.into()),
            ..self
        }
    }
}

row! {
    /// A letter in a list: its state, and why. Neither its recipient nor its content.
    #[derive(Clone, Debug)]
    pub struct LetterLine,
    #[derive(Queryable, Selectable)]
    struct LineColumns of outbox by letter_id {
        /// Letter.
        pub letter_id: String,
        /// Reference of the convocation or notice.
        pub reference: String,
        /// Kind.
        pub kind: LetterKind as Word<LetterKind>,
        /// Channel.
        pub channel: Channel as Word<Channel>,
        /// State.
        pub state: LetterState as Word<LetterState>,
        /// The program's own remark on that state.
        pub remark: Option<Remark> as Option<Word<Remark>>,
        /// Attempts that count.
        pub attempts: i64,
        /// Last reply of a relay.
        pub last_reply: Option<String>,
        /// How it was rendered, as JSON.
        pub rendered: Option<String>,
        /// When it was written.
        pub created_at: NaiveDateTime,
    }
}

row! {
    /// Letters that are where they are for the same reason.
    #[derive(Clone, Debug)]
    pub struct SaidOf,
    #[derive(Queryable)]
    struct SaidColumns of outbox by example {
        /// One of them.
        pub example: String,
        /// State.
        pub state: LetterState as Word<LetterState>,
        /// The program's own remark on that state.
        pub remark: Option<Remark> as Option<Word<Remark>>,
        /// Last reply of a relay.
        pub reply: Option<String>,
        /// How many.
        pub letters: i64,
    }
}

/// Reference, kind and state of a letter, and how often its delivery was uncertain.
pub type Doubtful = (String, LetterKind, LetterState, i64);

/// Literal values, which match the partial index: bound ones would not use it.
pub(super) const CLAIMABLE: &str = "outbox.state IN ('queued', 'deferred', 'uncertain')";

/// An attempt: its epoch, reply code and enhanced code.
type Said = (i64, Option<i64>, Option<String>);

/// The letters that a filter selects.
macro_rules! meant {
    ($store:expr, $which:expr) => {{
        let mut query = outbox::of(&$store.scope).into_boxed();
        if let Some(state) = $which.state {
            query = query.filter(outbox::state.eq(state.code()));
        }
        if let Some(kind) = $which.kind {
            query = query.filter(outbox::kind.eq(kind.code()));
        }
        if let Some(channel) = $which.channel {
            query = query.filter(outbox::channel.eq(channel.code()));
        }
        if let Some(reference) = &$which.reference {
            query = query.filter(outbox::reference.eq(reference.as_str()));
        }
        query
    }};
}

impl Store {
    /// Puts letters into the outbox, in the transaction of the convocations they announce.
    pub fn enqueue(&mut self, letters: &[NewLetter]) -> Result<()> {
        let rows: Vec<LetterColumns> = letters.iter().map(|letter| letter.columns(self.scope.code())).collect();
        insert_own!(self, outbox, &rows, 1_000).context("writing letters")
    }

    /// Letters, oldest first.
    pub fn letters(&mut self, which: &LetterFilter, limit: i64) -> Result<Vec<LetterRow>> {
        meant!(self, which)
            .order((outbox::created_at, outbox::letter_id))
            .limit(limit)
            .select(LetterColumns::as_select())
            .load(&mut self.conn)
            .rows("reading the outbox")
    }

    /// Letters after one, by id.
    pub fn letters_after(&mut self, which: &LetterFilter, after: &str, limit: i64) -> Result<Vec<LetterLine>> {
        meant!(self, which)
            .filter(outbox::letter_id.gt(after))
            .order(outbox::letter_id)
            .limit(limit)
            .select(LineColumns::as_select())
            .load(&mut self.conn)
            .rows("reading a page of the outbox")
    }

    /// How many letters are in each state.
    pub fn letters_by_state(&mut self) -> Result<BTreeMap<LetterState, u64>> {
        let rows: Vec<(Word<LetterState>, i64)> = outbox::of(&self.scope)
            .group_by(outbox::state)
            .select((outbox::state, count_star()))
            .load(&mut self.conn)
            .context("counting letters")?;
        rows.into_iter().map(|(state, n)| Ok((word("state", state)?, n as u64))).collect()
    }

    /// Letters in some states, grouped by their last reply.
    pub fn letters_by_reply(&mut self, states: &[LetterState], which: &LetterFilter) -> Result<Vec<SaidOf>> {
        let kinds = which.kind.map_or(LetterKind::ALL.to_vec(), |kind| vec![kind]);
        let channels = which.channel.map_or(Channel::ALL.to_vec(), |channel| vec![channel]);
        outbox::of(&self.scope)
            .filter(outbox::state.eq_any(states.iter().map(|s| s.code())))
            .filter(outbox::kind.eq_any(kinds.iter().map(|k| k.code())))
            .filter(outbox::channel.eq_any(channels.iter().map(|c| c.code())))
            .group_by((outbox::state, outbox::remark, outbox::last_reply))
            .select((
                diesel::dsl::min(outbox::letter_id).assume_not_null(),
                outbox::state,
                outbox::remark,
                outbox::last_reply,
                count_star(),
            ))
            .load::<SaidColumns>(&mut self.conn)
            .rows("grouping letters by what was said of them")
    }

    /// Letters of one reference, oldest first.
    pub fn letters_of(&mut self, reference: &str) -> Result<Vec<LetterRow>> {
        outbox::of(&self.scope)
            .filter(outbox::reference.eq(reference))
            .order((outbox::created_at, outbox::letter_id))
            .select(LetterColumns::as_select())
            .load(&mut self.conn)
            .rows("reading the letters of a reference")
    }

    /// Every letter to a holder.
    pub fn letters_to(&mut self, id: &HolderId) -> Result<Vec<LetterRow>> {
        let references = self.references_of(&[&id.0])?;
        outbox::of(&self.scope)
            .filter(outbox::reference.eq_any(references))
            .order((outbox::created_at, outbox::letter_id))
            .select(LetterColumns::as_select())
            .load(&mut self.conn)
            .rows("reading the letters of a holder")
    }

    /// Letters of a run's convocations by channel and state: one for each, without reminders and copies.
    pub fn letters_of_run(&mut self, run_id: &str) -> Result<BTreeMap<(Channel, LetterState), u64>> {
        let rows: Vec<(Word<Channel>, Word<LetterState>, i64)> = outbox::of(&self.scope)
            .inner_join(joined!(convocation, outbox, reference))
            .filter(convocation::run_id.eq(run_id))
            .filter(outbox::kind.eq(LetterKind::Convocation.code()).and(outbox::occasion.eq("")))
            .group_by((outbox::channel, outbox::state))
            .select((outbox::channel, outbox::state, count_star()))
            .load(&mut self.conn)
            .context("counting the letters of a run")?;
        rows.into_iter()
            .map(|(channel, state, n)| Ok(((word("channel", channel)?, word("state", state)?), n as u64)))
            .collect()
    }

    /// Letters of a run's convocations by state and the relay's last reply: its enhanced code, or else the plain one.
    pub fn replies_of_run(&mut self, run_id: &str) -> Result<Vec<(LetterState, String, u64)>> {
        use super::scope::delivery_attempt;
        let rows: Vec<(String, Option<Said>, Word<LetterState>)> = outbox::of(&self.scope)
            .inner_join(joined!(convocation, outbox, reference))
            .left_join(joined!(delivery_attempt, outbox, letter_id))
            .filter(convocation::run_id.eq(run_id))
            .filter(outbox::kind.eq(LetterKind::Convocation.code()).and(outbox::occasion.eq("")))
            .select((
                outbox::letter_id,
                (delivery_attempt::epoch, delivery_attempt::code, delivery_attempt::enhanced).nullable(),
                outbox::state,
            ))
            .load(&mut self.conn)
            .context("reading what relays said")?;
        // The last attempt of each letter.
        let mut last: BTreeMap<String, (i64, LetterState, String)> = BTreeMap::new();
        for (letter, attempt, state) in rows {
            let (epoch, code) = attempt.map_or((0, String::new()), |(epoch, code, enhanced)| {
                (epoch, enhanced.or(code.map(|c| c.to_string())).unwrap_or_default())
            });
            let state = word("state", state)?;
            let known = last.entry(letter).or_insert((-1, state, String::new()));
            if epoch > known.0 {
                *known = (epoch, state, code);
            }
        }
        let mut counts: BTreeMap<(LetterState, String), u64> = BTreeMap::new();
        for (_, state, code) in last.into_values() {
            *counts.entry((state, code)).or_default() += 1;
        }
        Ok(counts.into_iter().map(|((state, code), n)| (state, code, n)).collect())
    }

    /// Undelivered letters of a run's convocations, by state and last reply: state, reply, how many, one of them.
    pub fn failing_letters_of_run(&mut self, run_id: &str) -> Result<Vec<SaidOf>> {
        outbox::of(&self.scope)
            .inner_join(joined!(convocation, outbox, reference))
            .filter(convocation::run_id.eq(run_id))
            .filter(outbox::kind.eq(LetterKind::Convocation.code()).and(outbox::occasion.eq("")))
            .filter(outbox::state.eq_any(LetterState::HELD_UP.map(LetterState::code)))
            .group_by((outbox::state, outbox::remark, outbox::last_reply))
            .select((
                diesel::dsl::min(outbox::letter_id).assume_not_null(),
                outbox::state,
                outbox::remark,
                outbox::last_reply,
                count_star(),
            ))
            .load::<SaidColumns>(&mut self.conn)
            .rows("looking for the letters of a run that failed")
    }

    /// Letters of a run's convocations and notices whose delivery was uncertain at least once.
    pub fn uncertain_letters_of_run(&mut self, run_id: &str) -> Result<Vec<Doubtful>> {
        let convoked =
            convocation::of(&self.scope).filter(convocation::run_id.eq(run_id)).select(convocation::reference);
        let noticed = notice::of(&self.scope).filter(notice::run_id.eq(run_id)).select(notice::reference);
        let rows: Vec<(String, Word<LetterKind>, Word<LetterState>, i64)> = outbox::of(&self.scope)
            .filter(outbox::uncertain.gt(0))
            .filter(outbox::reference.eq_any(convoked).or(outbox::reference.eq_any(noticed)))
            .order((outbox::reference, outbox::letter_id))
            .select((outbox::reference, outbox::kind, outbox::state, outbox::uncertain))
            .load(&mut self.conn)
            .context("looking for letters that were perhaps sent twice")?;
        rows.into_iter()
            .map(|(reference, kind, state, n)| Ok((reference, word("kind", kind)?, word("state", state)?, n)))
            .collect()
    }

    /// Number of letters waiting to be sent.
    pub fn waiting_letters(&mut self) -> Result<u64> {
        let waiting: i64 = outbox::of(&self.scope)
            .filter(sql::<Bool>(CLAIMABLE))
            .count()
            .get_result(&mut self.conn)
            .context("counting the letters that wait")?;
        Ok(waiting as u64)
    }

    /// When the next waiting letter may be tried, if there is one.
    pub fn next_letter_at(&mut self) -> Result<Option<DateTime<Utc>>> {
        let next: Option<NaiveDateTime> = outbox::of(&self.scope)
            .filter(sql::<Bool>(CLAIMABLE))
            .select(diesel::dsl::min(outbox::next_at))
            .first(&mut self.conn)?;
        Ok(next.map(|at| at.and_utc()))
    }
}

/// A word of a group of letters.
pub(super) fn word<T>(column: &'static str, word: Word<T>) -> Result<T, Unreadable> {
    word.read().map_err(|found| Unreadable::new("outbox", column, &"a letter", found))
}
