//! The outbox: letters, and every attempt to deliver them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::schema::{convocation, notice, outbox};
use super::{Store, insert_all};
use convoke_domain::convocation::{LetterKind, LetterState};
use convoke_domain::ids::{HolderId, Reference};
use convoke_domain::permit::Channel;

/// A letter to put into the outbox.
#[derive(Clone, Debug, Default, Queryable, QueryableByName, Insertable, Selectable)]
#[diesel(table_name = outbox, treat_none_as_default_value = false)]
pub struct LetterRow {
    /// Préfecture.
    pub prefecture: String,
    /// Letter.
    pub letter_id: String,
    /// Reference of the convocation.
    pub reference: String,
    /// Kind.
    pub kind: String,
    /// SEQUENCE of the convocation when it was written.
    pub revision: i64,
    /// Which of several letters of the kind, such as J-7; empty if there is only one.
    pub occasion: String,
    /// Channel.
    pub channel: String,
    /// State.
    pub state: String,
    /// E-mail address.
    pub recipient: Option<String>,
    /// The letter's content, as data.
    pub data: String,
    /// Hash of the templates.
    pub template_hash: String,
    /// SHA-256 of the message as sent.
    pub sha256: Option<String>,
    /// How it was rendered, as JSON.
    pub rendered: Option<String>,
    /// Attempts that count.
    pub attempts: i64,
    /// How often its delivery was uncertain.
    pub uncertain: i64,
    /// Not to be tried before.
    pub next_at: NaiveDateTime,
    /// Worker.
    pub owner: Option<String>,
    /// The worker's lease ends then.
    pub lease_until: Option<NaiveDateTime>,
    /// Fencing token.
    pub epoch: i64,
    /// Last reply of a relay.
    pub last_reply: Option<String>,
    /// When it was written.
    pub created_at: NaiveDateTime,
    /// Whether its domain's rate limit has given it a turn: `next_at` is that turn.
    pub has_turn: bool,
}

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

/// A letter in a list: its state and last reply. Neither its recipient nor its content.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = outbox)]
pub struct LetterLine {
    /// Letter.
    pub letter_id: String,
    /// Reference of the convocation or notice.
    pub reference: String,
    /// Kind.
    pub kind: String,
    /// Channel.
    pub channel: String,
    /// State.
    pub state: String,
    /// Attempts that count.
    pub attempts: i64,
    /// Last reply of a relay.
    pub last_reply: Option<String>,
    /// How it was rendered, as JSON.
    pub rendered: Option<String>,
    /// When it was written.
    pub created_at: NaiveDateTime,
}

/// Letters with the same state and reply: state, reply, how many, one of them.
pub type SaidOf = (String, Option<String>, i64, Option<String>);

/// Literal values, which match the partial index: bound ones would not use it.
pub(super) const CLAIMABLE: &str = "outbox.state IN ('queued', 'deferred', 'uncertain')";

/// An attempt: its epoch, reply code and enhanced code.
type Said = (i64, Option<i64>, Option<String>);

/// The letters that a filter selects.
macro_rules! meant {
    ($store:expr, $which:expr) => {{
        let mut query = outbox::table.filter(outbox::prefecture.eq(&$store.prefecture)).into_boxed();
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
    pub fn enqueue(&mut self, letters: &[LetterRow]) -> Result<()> {
        insert_all!(&mut self.conn, outbox, letters, 1_000).context("writing letters")
    }

    /// Letters, oldest first.
    pub fn letters(&mut self, which: &LetterFilter, limit: i64) -> Result<Vec<LetterRow>> {
        meant!(self, which)
            .order((outbox::created_at, outbox::letter_id))
            .limit(limit)
            .select(LetterRow::as_select())
            .load(&mut self.conn)
            .context("reading the outbox")
    }

    /// Letters after one, by id.
    pub fn letters_after(&mut self, which: &LetterFilter, after: &str, limit: i64) -> Result<Vec<LetterLine>> {
        meant!(self, which)
            .filter(outbox::letter_id.gt(after))
            .order(outbox::letter_id)
            .limit(limit)
            .select(LetterLine::as_select())
            .load(&mut self.conn)
            .context("reading a page of the outbox")
    }

    /// How many letters are in each state.
    pub fn letters_by_state(&mut self) -> Result<BTreeMap<String, u64>> {
        let rows: Vec<(String, i64)> = outbox::table
            .filter(outbox::prefecture.eq(&self.prefecture))
            .group_by(outbox::state)
            .select((outbox::state, count_star()))
            .load(&mut self.conn)
            .context("counting letters")?;
        Ok(rows.into_iter().map(|(state, n)| (state, n as u64)).collect())
    }

    /// Letters in some states, grouped by their last reply.
    pub fn letters_by_reply(&mut self, states: &[LetterState], which: &LetterFilter) -> Result<Vec<SaidOf>> {
        let kinds = which.kind.map_or(LetterKind::ALL.to_vec(), |kind| vec![kind]);
        let channels = which.channel.map_or(Channel::ALL.to_vec(), |channel| vec![channel]);
        outbox::table
            .filter(outbox::prefecture.eq(&self.prefecture))
            .filter(outbox::state.eq_any(states.iter().map(|s| s.code())))
            .filter(outbox::kind.eq_any(kinds.iter().map(|k| k.code())))
            .filter(outbox::channel.eq_any(channels.iter().map(|c| c.code())))
            .group_by((outbox::state, outbox::last_reply))
            .select((outbox::state, outbox::last_reply, count_star(), diesel::dsl::min(outbox::letter_id)))
            .load(&mut self.conn)
            .context("grouping letters by what was said of them")
    }

    /// Letters of one reference, oldest first.
    pub fn letters_of(&mut self, reference: &str) -> Result<Vec<LetterRow>> {
        outbox::table
            .filter(outbox::prefecture.eq(&self.prefecture))
            .filter(outbox::reference.eq(reference))
            .order((outbox::created_at, outbox::letter_id))
            .select(LetterRow::as_select())
            .load(&mut self.conn)
            .context("reading the letters of a reference")
    }

    /// Every letter to a holder.
    pub fn letters_to(&mut self, id: &HolderId) -> Result<Vec<LetterRow>> {
        let references = self.references_of(&[&id.0])?;
        outbox::table
            .filter(outbox::prefecture.eq(&self.prefecture).and(outbox::reference.eq_any(references)))
            .order((outbox::created_at, outbox::letter_id))
            .select(LetterRow::as_select())
            .load(&mut self.conn)
            .context("reading the letters of a holder")
    }

    /// Letters of a run's convocations by channel and state: one for each, without reminders and copies.
    pub fn letters_of_run(&mut self, run_id: &str) -> Result<BTreeMap<(String, String), u64>> {
        let rows: Vec<(String, String, i64)> =
            outbox::table
                .inner_join(convocation::table.on(
                    convocation::prefecture.eq(outbox::prefecture).and(convocation::reference.eq(outbox::reference)),
                ))
                .filter(outbox::prefecture.eq(&self.prefecture))
                .filter(convocation::run_id.eq(run_id))
                .filter(outbox::kind.eq("convocation").and(outbox::occasion.eq("")))
                .group_by((outbox::channel, outbox::state))
                .select((outbox::channel, outbox::state, count_star()))
                .load(&mut self.conn)
                .context("counting the letters of a run")?;
        Ok(rows.into_iter().map(|(channel, state, n)| ((channel, state), n as u64)).collect())
    }

    /// Letters of a run's convocations by state and the relay's last reply: its enhanced code, or else the plain one.
    pub fn replies_of_run(&mut self, run_id: &str) -> Result<Vec<(String, String, u64)>> {
        use super::schema::delivery_attempt;
        let rows: Vec<(String, Option<Said>, String)> =
            outbox::table
                .inner_join(convocation::table.on(
                    convocation::prefecture.eq(outbox::prefecture).and(convocation::reference.eq(outbox::reference)),
                ))
                .left_join(
                    delivery_attempt::table.on(delivery_attempt::prefecture
                        .eq(outbox::prefecture)
                        .and(delivery_attempt::letter_id.eq(outbox::letter_id))),
                )
                .filter(outbox::prefecture.eq(&self.prefecture))
                .filter(convocation::run_id.eq(run_id))
                .filter(outbox::kind.eq("convocation").and(outbox::occasion.eq("")))
                .select((
                    outbox::letter_id,
                    (delivery_attempt::epoch, delivery_attempt::code, delivery_attempt::enhanced).nullable(),
                    outbox::state,
                ))
                .load(&mut self.conn)
                .context("reading what relays said")?;
        // The last attempt of each letter.
        let mut last: BTreeMap<String, (i64, String, String)> = BTreeMap::new();
        for (letter, attempt, state) in rows {
            let (epoch, code) = attempt.map_or((0, String::new()), |(epoch, code, enhanced)| {
                (epoch, enhanced.or(code.map(|c| c.to_string())).unwrap_or_default())
            });
            let known = last.entry(letter).or_insert((-1, String::new(), String::new()));
            if epoch > known.0 {
                *known = (epoch, state, code);
            }
        }
        let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
        for (_, state, code) in last.into_values() {
            *counts.entry((state, code)).or_default() += 1;
        }
        Ok(counts.into_iter().map(|((state, code), n)| (state, code, n)).collect())
    }

    /// Undelivered letters of a run's convocations, by state and last reply: state, reply, how many, one of them.
    pub fn failing_letters_of_run(&mut self, run_id: &str) -> Result<Vec<SaidOf>> {
        outbox::table
            .inner_join(
                convocation::table.on(convocation::prefecture
                    .eq(outbox::prefecture)
                    .and(convocation::reference.eq(outbox::reference))),
            )
            .filter(outbox::prefecture.eq(&self.prefecture))
            .filter(convocation::run_id.eq(run_id))
            .filter(outbox::kind.eq("convocation").and(outbox::occasion.eq("")))
            .filter(outbox::state.eq_any(["deferred", "failed", "uncertain", "bounced", "held", "expired", "returned"]))
            .group_by((outbox::state, outbox::last_reply))
            .select((outbox::state, outbox::last_reply, count_star(), diesel::dsl::min(outbox::letter_id)))
            .load(&mut self.conn)
            .context("looking for the letters of a run that failed")
    }

    /// Letters of a run's convocations and notices whose delivery was uncertain at least once: reference, kind, state,
    /// how often.
    pub fn uncertain_letters_of_run(&mut self, run_id: &str) -> Result<Vec<(String, String, String, i64)>> {
        let convoked = convocation::table
            .filter(convocation::prefecture.eq(&self.prefecture).and(convocation::run_id.eq(run_id)))
            .select(convocation::reference);
        let noticed = notice::table
            .filter(notice::prefecture.eq(&self.prefecture).and(notice::run_id.eq(run_id)))
            .select(notice::reference);
        outbox::table
            .filter(outbox::prefecture.eq(&self.prefecture))
            .filter(outbox::uncertain.gt(0))
            .filter(outbox::reference.eq_any(convoked).or(outbox::reference.eq_any(noticed)))
            .order((outbox::reference, outbox::letter_id))
            .select((outbox::reference, outbox::kind, outbox::state, outbox::uncertain))
            .load(&mut self.conn)
            .context("looking for letters that were perhaps sent twice")
    }

    /// Number of letters waiting to be sent.
    pub fn waiting_letters(&mut self) -> Result<u64> {
        let waiting: i64 = outbox::table
            .filter(outbox::prefecture.eq(&self.prefecture))
            .filter(sql::<Bool>(CLAIMABLE))
            .count()
            .get_result(&mut self.conn)
            .context("counting the letters that wait")?;
        Ok(waiting as u64)
    }

    /// When the next waiting letter may be tried, if there is one.
    pub fn next_letter_at(&mut self) -> Result<Option<DateTime<Utc>>> {
        let next: Option<NaiveDateTime> = outbox::table
            .filter(outbox::prefecture.eq(&self.prefecture))
            .filter(sql::<Bool>(CLAIMABLE))
            .select(diesel::dsl::min(outbox::next_at))
            .first(&mut self.conn)?;
        Ok(next.map(|at| at.and_utc()))
    }
}
