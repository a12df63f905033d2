//! The outbox: letters, and every attempt to hand them over.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::schema::{convocation, delivery_attempt, outbox};
use super::{Store, on_backend};
use crate::convocation::LetterState;

/// A letter to be put into the outbox.
#[derive(Clone, Debug, Queryable, Insertable, Selectable)]
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
    /// SEQUENCE of the convocation that it speaks of.
    pub revision: i64,
    /// Which of several letters of the kind: J-7; empty for the only one.
    pub occasion: String,
    /// Channel.
    pub channel: String,
    /// State.
    pub state: String,
    /// E-mail address.
    pub recipient: Option<String>,
    /// All that the letter says.
    pub data: String,
    /// Hash of the templates.
    pub template_hash: String,
    /// Hash of what was handed over.
    pub sha256: Option<String>,
    /// With what it was rendered, as JSON.
    pub rendered: Option<String>,
    /// Attempts that count.
    pub attempts: i64,
    /// How often its fate was unknown.
    pub uncertain: i64,
    /// Not before.
    pub next_at: NaiveDateTime,
    /// Worker.
    pub owner: Option<String>,
    /// Until when the worker is trusted.
    pub lease_until: Option<NaiveDateTime>,
    /// Fencing.
    pub epoch: i64,
    /// Last reply of a relay.
    pub last_reply: Option<String>,
    /// When it was written.
    pub created_at: NaiveDateTime,
}

/// A letter in the hands of a worker.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The letter, as it was claimed.
    pub letter: LetterRow,
}

/// What a worker found out about a letter.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// Where it stands now.
    pub state: LetterState,
    /// What the attempt came to: a word of `delivery_attempt.outcome`.
    pub outcome: &'static str,
    /// When to try again.
    pub next_at: Option<DateTime<Utc>>,
    /// Whether the attempt counts.
    pub burns_attempt: bool,
    /// How far the dialogue came.
    pub stage: Option<String>,
    /// Reply code.
    pub code: Option<i64>,
    /// Reply, or fault.
    pub reply: Option<String>,
    /// When it was known.
    pub at: DateTime<Utc>,
}

/// Only rows that the partial index holds: a bound list would not use it.
const CLAIMABLE: &str = "outbox.state IN ('queued', 'deferred', 'uncertain')";
const IN_HAND: &str = "outbox.state IN ('leased', 'sending')";

impl Store {
    /// Puts letters into the outbox, in the transaction of the convocations that they announce.
    pub fn enqueue(&mut self, letters: &[LetterRow]) -> Result<()> {
        for batch in letters.chunks(1_000) {
            on_backend!(&mut self.conn, c => diesel::insert_into(outbox::table).values(batch).execute(c))
                .context("writing letters")?;
        }
        Ok(())
    }

    /// Takes up to `limit` letters that may be sent now, earliest first.
    pub fn claim(
        &mut self,
        owner: &str,
        now: DateTime<Utc>,
        lease: chrono::TimeDelta,
        limit: i64,
    ) -> Result<Vec<Claimed>> {
        self.write(|store| {
            let mut letters: Vec<LetterRow> = outbox::table
                .filter(outbox::prefecture.eq(&store.prefecture))
                .filter(sql::<Bool>(CLAIMABLE))
                .filter(outbox::next_at.le(now.naive_utc()))
                .order((outbox::next_at, outbox::letter_id))
                .limit(limit)
                .select(LetterRow::as_select())
                .load(&mut store.conn)?;
            for letter in &mut letters {
                letter.epoch += 1;
                letter.owner = Some(owner.to_owned());
                letter.lease_until = Some((now + lease).naive_utc());
                diesel::update(outbox::table.find((&store.prefecture, &letter.letter_id)))
                    .set((
                        outbox::state.eq(LetterState::Leased.code()),
                        outbox::owner.eq(&letter.owner),
                        outbox::lease_until.eq(letter.lease_until),
                        outbox::epoch.eq(letter.epoch),
                    ))
                    .execute(&mut store.conn)?;
            }
            Ok(letters.into_iter().map(|letter| Claimed { letter }).collect())
        })
        .context("claiming letters")
    }

    /// Commits that the dialogue for this letter begins: from here on a crash leaves its fate unknown. `false` if the
    /// letter is not ours any more.
    pub fn begin_sending(
        &mut self,
        claimed: &Claimed,
        sha256: &str,
        rendered: &str,
        relay: &str,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let letter = &claimed.letter;
        self.write(|store| {
            let changed = diesel::update(outbox::table.find((&store.prefecture, &letter.letter_id)))
                .filter(outbox::epoch.eq(letter.epoch).and(outbox::state.eq(LetterState::Leased.code())))
                .set((
                    outbox::state.eq(LetterState::Sending.code()),
                    outbox::sha256.eq(sha256),
                    outbox::rendered.eq(rendered),
                ))
                .execute(&mut store.conn)?;
            if changed == 1 {
                diesel::insert_into(delivery_attempt::table)
                    .values((
                        delivery_attempt::prefecture.eq(&store.prefecture),
                        delivery_attempt::letter_id.eq(&letter.letter_id),
                        delivery_attempt::epoch.eq(letter.epoch),
                        delivery_attempt::owner.eq(letter.owner.as_deref().unwrap_or("")),
                        delivery_attempt::relay.eq(relay),
                        delivery_attempt::started_at.eq(now.naive_utc()),
                    ))
                    .execute(&mut store.conn)?;
            }
            Ok(changed == 1)
        })
        .context("marking a letter as being sent")
    }

    /// Records what became of a letter. `false` if it is not ours any more: what we know of it is then discarded.
    pub fn settle(&mut self, claimed: &Claimed, found: &Settlement) -> Result<bool> {
        let letter = &claimed.letter;
        self.write(|store| {
            let changed = diesel::update(outbox::table.find((&store.prefecture, &letter.letter_id)))
                .filter(outbox::epoch.eq(letter.epoch).and(sql::<Bool>(IN_HAND)))
                .set((
                    outbox::state.eq(found.state.code()),
                    outbox::attempts.eq(letter.attempts + i64::from(found.burns_attempt)),
                    outbox::uncertain.eq(letter.uncertain + i64::from(found.outcome == "uncertain")),
                    outbox::next_at.eq(found.next_at.map_or(letter.next_at, |at| at.naive_utc())),
                    outbox::last_reply.eq(&found.reply),
                    outbox::owner.eq(None::<String>),
                    outbox::lease_until.eq(None::<NaiveDateTime>),
                ))
                .execute(&mut store.conn)?;
            if changed == 1 {
                diesel::update(delivery_attempt::table.find((&store.prefecture, &letter.letter_id, letter.epoch)))
                    .filter(delivery_attempt::ended_at.is_null())
                    .set((
                        delivery_attempt::ended_at.eq(found.at.naive_utc()),
                        delivery_attempt::stage.eq(&found.stage),
                        delivery_attempt::code.eq(found.code),
                        delivery_attempt::reply.eq(&found.reply),
                        delivery_attempt::outcome.eq(found.outcome),
                    ))
                    .execute(&mut store.conn)?;
            }
            Ok(changed == 1)
        })
        .context("recording what became of a letter")
    }

    /// Takes back letters whose worker is dead or silent: those not yet begun wait again, those begun are uncertain.
    /// An uncertain letter is sent once more under the same Message-ID; if its fate is unknown again, it is held.
    pub fn rescue(
        &mut self,
        now: DateTime<Utc>,
        pause: chrono::TimeDelta,
        is_dead: impl Fn(&str) -> bool,
    ) -> Result<(u64, u64)> {
        self.write(|store| {
            let in_hand: Vec<LetterRow> = outbox::table
                .filter(outbox::prefecture.eq(&store.prefecture))
                .filter(sql::<Bool>(IN_HAND))
                .select(LetterRow::as_select())
                .load(&mut store.conn)?;
            let (mut requeued, mut uncertain) = (0, 0);
            for letter in in_hand {
                let expired = letter.lease_until.is_none_or(|until| until <= now.naive_utc());
                if !expired && !letter.owner.as_deref().is_some_and(&is_dead) {
                    continue;
                }
                let begun = letter.state == LetterState::Sending.code();
                let state = match (begun, letter.uncertain) {
                    (false, _) => LetterState::Queued,
                    (true, 0) => LetterState::Uncertain,
                    (true, _) => LetterState::Held,
                };
                let next_at = if begun { (now + pause).naive_utc() } else { letter.next_at };
                diesel::update(outbox::table.find((&store.prefecture, &letter.letter_id)))
                    .set((
                        outbox::state.eq(state.code()),
                        outbox::uncertain.eq(letter.uncertain + i64::from(begun)),
                        outbox::next_at.eq(next_at),
                        outbox::epoch.eq(letter.epoch + 1),
                        outbox::owner.eq(None::<String>),
                        outbox::lease_until.eq(None::<NaiveDateTime>),
                    ))
                    .execute(&mut store.conn)?;
                if begun {
                    uncertain += 1;
                    diesel::update(delivery_attempt::table.find((&store.prefecture, &letter.letter_id, letter.epoch)))
                        .filter(delivery_attempt::ended_at.is_null())
                        .set((
                            delivery_attempt::ended_at.eq(now.naive_utc()),
                            delivery_attempt::outcome.eq("uncertain"),
                        ))
                        .execute(&mut store.conn)?;
                } else {
                    requeued += 1;
                }
            }
            Ok((requeued, uncertain))
        })
        .context("taking letters back from dead workers")
    }

    /// Letters, oldest first; all of them, or those in one state.
    pub fn letters(&mut self, state: Option<LetterState>, limit: i64) -> Result<Vec<LetterRow>> {
        let mut query = outbox::table.filter(outbox::prefecture.eq(&self.prefecture)).into_boxed();
        if let Some(state) = state {
            query = query.filter(outbox::state.eq(state.code()));
        }
        query
            .order((outbox::created_at, outbox::letter_id))
            .limit(limit)
            .select(LetterRow::as_select())
            .load(&mut self.conn)
            .context("reading the outbox")
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

    /// Letters of a run's convocations by channel and state: one each, without reminders and copies.
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

    /// When the next letter may be tried, if any waits.
    pub fn next_letter_at(&mut self) -> Result<Option<DateTime<Utc>>> {
        let next: Option<NaiveDateTime> = outbox::table
            .filter(outbox::prefecture.eq(&self.prefecture))
            .filter(sql::<Bool>(CLAIMABLE))
            .select(diesel::dsl::min(outbox::next_at))
            .first(&mut self.conn)?;
        Ok(next.map(|at| at.and_utc()))
    }
}
