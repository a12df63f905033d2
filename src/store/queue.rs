//! The outbox as a queue. Nothing here opens a transaction: its caller does, for many letters at once. Every write of a worker
//! names the epoch of its claim, and changes nothing where another has taken the letter over since.

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::outbox::{CLAIMABLE, LetterRow};
use super::schema::{convocation, delivery_attempt, holder, notice, outbox, pace, permit, prefecture};
use super::statement::statement;
use super::{Store, on_backend};
use crate::convocation::LetterState;

const IN_HAND: &str = "outbox.state IN ('leased', 'sending')";

/// Sending is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paused {
    /// Since when.
    pub since: DateTime<Utc>,
    /// By whom: a login.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What a worker found out about a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Where it stands now.
    pub state: LetterState,
    /// When to try again; unchanged where absent.
    pub next_at: Option<DateTime<Utc>>,
    /// Whether the attempt counts.
    pub burns_attempt: bool,
    /// The attempt, for the history.
    pub attempt: Attempt,
}

/// One attempt to hand a letter over, at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What it came to: a word of `delivery_attempt.outcome`.
    pub outcome: &'static str,
    /// The relay.
    pub relay: String,
    /// How far the dialogue came.
    pub stage: Option<&'static str>,
    /// Reply code.
    pub code: Option<i64>,
    /// Enhanced status code (RFC 3463).
    pub enhanced: Option<String>,
    /// Reply, or fault.
    pub reply: String,
    /// Start.
    pub started_at: DateTime<Utc>,
    /// End.
    pub ended_at: DateTime<Utc>,
}

/// What a letter speaks of, as it stands now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// State, day, slot and SEQUENCE of its convocation; `None` for a notice.
    pub convocation: Option<(String, NaiveDate, String, i64)>,
    /// Status, day of filing, and whether an agent holds it.
    pub permit: Option<(String, Option<NaiveDate>, bool)>,
    /// The letter's address has sent a letter back for good.
    pub address_refused: bool,
}

impl Store {
    /// Who stopped sending, if anybody.
    pub fn paused(&mut self) -> Result<Option<Paused>> {
        let row: Option<(Option<NaiveDateTime>, Option<String>, Option<String>)> = prefecture::table
            .find(&self.prefecture)
            .select((prefecture::paused_at, prefecture::paused_by, prefecture::pause_reason))
            .first(&mut self.conn)
            .optional()
            .context("asking whether sending is stopped")?;
        Ok(row.and_then(|(since, by, reason)| {
            Some(Paused { since: since?.and_utc(), by: by.unwrap_or_default(), reason: reason.unwrap_or_default() })
        }))
    }

    /// Stops sending, or lets it go on.
    pub fn set_paused(&mut self, paused: Option<&Paused>) -> Result<()> {
        diesel::update(prefecture::table.find(&self.prefecture))
            .set((
                prefecture::paused_at.eq(paused.map(|p| p.since.naive_utc())),
                prefecture::paused_by.eq(paused.map(|p| &p.by)),
                prefecture::pause_reason.eq(paused.map(|p| &p.reason)),
            ))
            .execute(&mut self.conn)
            .context("stopping or resuming sending")?;
        Ok(())
    }

    /// Up to `limit` letters that may be sent now, earliest first.
    pub fn claimable(&mut self, now: DateTime<Utc>, limit: i64) -> Result<Vec<LetterRow>> {
        outbox::table
            .filter(outbox::prefecture.eq(&self.prefecture))
            .filter(sql::<Bool>(CLAIMABLE))
            .filter(outbox::next_at.le(now.naive_utc()))
            .order((outbox::next_at, outbox::letter_id))
            .limit(limit)
            .select(LetterRow::as_select())
            .load(&mut self.conn)
            .context("looking for letters to send")
    }

    /// Takes a claimable letter for a worker: the row is then as the database has it.
    pub fn lease(&mut self, letter: &mut LetterRow, owner: &str, until: DateTime<Utc>) -> Result<()> {
        letter.epoch += 1;
        LetterState::Leased.code().clone_into(&mut letter.state);
        letter.owner = Some(owner.to_owned());
        letter.lease_until = Some(until.naive_utc());
        letter.has_turn = false;
        let taken = statement!(
            "UPDATE outbox SET state = ?, owner = ?, lease_until = ?, epoch = ?, has_turn = FALSE
               WHERE prefecture = ? AND letter_id = ?",
            &letter.state,
            owner,
            until.naive_utc(),
            letter.epoch,
            &self.prefecture,
            &letter.letter_id,
        );
        on_backend!(&mut self.conn, c => taken.execute(c)).context("claiming a letter")?;
        Ok(())
    }

    /// Has a claimable letter wait until `at`; `has_turn` if a turn under its domain's limit was given it.
    pub fn put_off(&mut self, letter_id: &str, at: DateTime<Utc>, has_turn: bool) -> Result<()> {
        diesel::update(outbox::table.find((&self.prefecture, letter_id)))
            .set((outbox::next_at.eq(at.naive_utc()), outbox::has_turn.eq(has_turn)))
            .execute(&mut self.conn)
            .context("putting a letter off")?;
        Ok(())
    }

    /// From when the next message of a scope may leave; `None` where none has left yet.
    pub fn pace(&mut self, scope: &str) -> Result<Option<DateTime<Utc>>> {
        let next: Option<NaiveDateTime> = pace::table
            .find((&self.prefecture, scope))
            .select(pace::next_at)
            .first(&mut self.conn)
            .optional()
            .context("reading a limit")?;
        Ok(next.map(|at| at.and_utc()))
    }

    /// Sets from when the next message of a scope may leave.
    pub fn set_pace(&mut self, scope: &str, next_at: DateTime<Utc>) -> Result<()> {
        let next_at = next_at.naive_utc();
        on_backend!(&mut self.conn, c => diesel::insert_into(pace::table)
            .values((pace::prefecture.eq(&self.prefecture), pace::scope.eq(scope), pace::next_at.eq(next_at)))
            .on_conflict((pace::prefecture, pace::scope))
            .do_update()
            .set(pace::next_at.eq(next_at))
            .execute(c))
        .context("recording a limit")?;
        Ok(())
    }

    /// Letters that an address was sent, or may have been, since an instant.
    pub fn sent_to(&mut self, address: &str, since: DateTime<Utc>) -> Result<i64> {
        delivery_attempt::table
            .inner_join(
                outbox::table.on(outbox::prefecture
                    .eq(delivery_attempt::prefecture)
                    .and(outbox::letter_id.eq(delivery_attempt::letter_id))),
            )
            .filter(outbox::prefecture.eq(&self.prefecture).and(outbox::recipient.eq(address)))
            .filter(delivery_attempt::started_at.ge(since.naive_utc()))
            .filter(
                delivery_attempt::outcome
                    .is_null()
                    .or(delivery_attempt::outcome.eq("accepted"))
                    .or(delivery_attempt::outcome.eq("uncertain")),
            )
            .count()
            .get_result(&mut self.conn)
            .context("counting the letters of an address")
    }

    /// What a letter speaks of, as it stands now.
    pub fn standing(&mut self, letter: &LetterRow) -> Result<Standing> {
        let p = &self.prefecture;
        let convoked: Option<(String, String, String, NaiveDate, String, i64)> = convocation::table
            .find((p, &letter.reference))
            .select((
                convocation::permit_id,
                convocation::holder_id,
                convocation::state,
                convocation::day,
                convocation::slot_id,
                convocation::sequence,
            ))
            .first(&mut self.conn)
            .optional()
            .context("reading the convocation of a letter")?;
        let (ids, convocation) = if let Some((permit, holder, state, day, slot, sequence)) = convoked {
            (Some((permit, holder)), Some((state, day, slot, sequence)))
        } else {
            let noticed = notice::table
                .find((p, &letter.reference))
                .select((notice::permit_id, notice::holder_id))
                .first(&mut self.conn)
                .optional()
                .context("reading the notice of a letter")?;
            (noticed, None)
        };
        let Some((permit_id, holder_id)) = ids else { return Ok(Standing { convocation, ..Standing::default() }) };
        let permit = permit::table
            .find((p, permit_id))
            .select((permit::status, permit::filed_on, permit::held))
            .first(&mut self.conn)
            .optional()
            .context("reading the permit of a letter")?;
        let refused: Option<Option<String>> = holder::table
            .find((p, holder_id))
            .select(holder::email_refused)
            .first(&mut self.conn)
            .optional()
            .context("reading the address of a letter")?;
        let address_refused = refused.flatten().is_some_and(|r| Some(&r) == letter.recipient.as_ref());
        Ok(Standing { convocation, permit, address_refused })
    }

    /// When a letter was tried first.
    pub fn first_attempt(&mut self, letter_id: &str) -> Result<Option<DateTime<Utc>>> {
        let first: Option<NaiveDateTime> = delivery_attempt::table
            .filter(delivery_attempt::prefecture.eq(&self.prefecture))
            .filter(delivery_attempt::letter_id.eq(letter_id))
            .select(diesel::dsl::min(delivery_attempt::started_at))
            .first(&mut self.conn)
            .context("reading the attempts of a letter")?;
        Ok(first.map(|at| at.and_utc()))
    }

    /// Marks a leased letter as being handed over: from here on a crash leaves its fate unknown. `false` if it is not ours
    /// any more.
    pub fn begin_sending(
        &mut self,
        letter: &LetterRow,
        sha256: &str,
        rendered: &str,
        relay: &str,
        started_at: DateTime<Utc>,
    ) -> Result<bool> {
        let marked = statement!(
            "UPDATE outbox SET state = 'sending', sha256 = ?, rendered = ?
               WHERE prefecture = ? AND letter_id = ? AND epoch = ? AND state = 'leased'",
            sha256,
            rendered,
            &self.prefecture,
            &letter.letter_id,
            letter.epoch,
        );
        let changed = on_backend!(&mut self.conn, c => marked.execute(c)).context("marking a letter as being sent")?;
        if changed == 1 {
            let begun = statement!(
                "INSERT INTO delivery_attempt (prefecture, letter_id, epoch, owner, relay, started_at)
                   VALUES (?, ?, ?, ?, ?, ?)",
                &self.prefecture,
                &letter.letter_id,
                letter.epoch,
                letter.owner.as_deref().unwrap_or(""),
                relay,
                started_at.naive_utc(),
            );
            on_backend!(&mut self.conn, c => begun.execute(c)).context("recording an attempt")?;
        }
        Ok(changed == 1)
    }

    /// Records what became of a letter in hand. `false` if it is not ours any more: what we know of it is then discarded.
    pub fn settle(&mut self, letter: &LetterRow, found: &Settlement) -> Result<bool> {
        let a = &found.attempt;
        let owner = letter.owner.as_deref();
        let settled = statement!(
            "UPDATE outbox SET state = ?, attempts = ?, uncertain = ?, next_at = ?, last_reply = ?, owner = NULL, lease_until = NULL
               WHERE prefecture = ? AND letter_id = ? AND epoch = ? AND owner = ? AND state IN ('leased', 'sending')",
            found.state.code(),
            letter.attempts + i64::from(found.burns_attempt),
            letter.uncertain + i64::from(a.outcome == "uncertain"),
            found.next_at.map_or(letter.next_at, |at| at.naive_utc()),
            &a.reply,
            &self.prefecture,
            &letter.letter_id,
            letter.epoch,
            owner,
        );
        let changed =
            on_backend!(&mut self.conn, c => settled.execute(c)).context("recording what became of a letter")?;
        if changed == 0 {
            return Ok(false);
        }
        // One that ended before its final dot was not recorded yet.
        let ended = statement!(
            "INSERT INTO delivery_attempt
                 (prefecture, letter_id, epoch, owner, relay, started_at, ended_at, stage, code, enhanced, reply, outcome)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
               ON CONFLICT (prefecture, letter_id, epoch) DO UPDATE
                 SET ended_at = excluded.ended_at, stage = excluded.stage, code = excluded.code, enhanced = excluded.enhanced,
                     reply = excluded.reply, outcome = excluded.outcome
                 WHERE delivery_attempt.ended_at IS NULL",
            &self.prefecture,
            &letter.letter_id,
            letter.epoch,
            owner.unwrap_or(""),
            &a.relay,
            a.started_at.naive_utc(),
            a.ended_at.naive_utc(),
            a.stage,
            a.code,
            a.enhanced.as_deref(),
            &a.reply,
            a.outcome,
        );
        on_backend!(&mut self.conn, c => ended.execute(c)).context("recording the end of an attempt")?;
        Ok(true)
    }

    /// Moves a letter in hand of which no attempt was made: given back, or not to be sent, for `reason`. `false` if it is not
    /// ours any more.
    pub fn put_down(
        &mut self,
        letter: &LetterRow,
        state: LetterState,
        next_at: Option<DateTime<Utc>>,
        reason: Option<&str>,
    ) -> Result<bool> {
        let changed = diesel::update(outbox::table.find((&self.prefecture, &letter.letter_id)))
            .filter(outbox::epoch.eq(letter.epoch).and(outbox::owner.eq(&letter.owner)))
            .set((
                outbox::state.eq(state.code()),
                outbox::next_at.eq(next_at.map_or(letter.next_at, |at| at.naive_utc())),
                outbox::last_reply.eq(reason.or(letter.last_reply.as_deref())),
                outbox::owner.eq(None::<String>),
                outbox::lease_until.eq(None::<NaiveDateTime>),
            ))
            .execute(&mut self.conn)
            .context("putting a letter down")?;
        Ok(changed == 1)
    }

    /// Prolongs the lease of all that a worker has in hand.
    pub fn renew_leases(&mut self, owner: &str, until: DateTime<Utc>) -> Result<usize> {
        diesel::update(outbox::table.filter(outbox::prefecture.eq(&self.prefecture)))
            .filter(sql::<Bool>(IN_HAND).and(outbox::owner.eq(owner)))
            .set(outbox::lease_until.eq(until.naive_utc()))
            .execute(&mut self.conn)
            .context("prolonging leases")
    }

    /// Letters whose worker is dead, or has been silent for longer than its lease.
    pub fn abandoned(&mut self, now: DateTime<Utc>, is_dead: impl Fn(&str) -> bool) -> Result<Vec<LetterRow>> {
        let in_hand: Vec<LetterRow> = outbox::table
            .filter(outbox::prefecture.eq(&self.prefecture))
            .filter(sql::<Bool>(IN_HAND))
            .select(LetterRow::as_select())
            .load(&mut self.conn)
            .context("looking for letters of dead workers")?;
        let abandoned = |l: &LetterRow| {
            l.lease_until.is_none_or(|until| until <= now.naive_utc()) || l.owner.as_deref().is_some_and(&is_dead)
        };
        Ok(in_hand.into_iter().filter(abandoned).collect())
    }

    /// Takes an abandoned letter back: its epoch grows, and whatever its worker still writes changes nothing.
    pub fn take_back(
        &mut self,
        letter: &LetterRow,
        state: LetterState,
        next_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let begun = letter.state == LetterState::Sending.code();
        let changed = diesel::update(outbox::table.find((&self.prefecture, &letter.letter_id)))
            .filter(outbox::epoch.eq(letter.epoch).and(outbox::state.eq(&letter.state)))
            .set((
                outbox::state.eq(state.code()),
                outbox::uncertain.eq(letter.uncertain + i64::from(begun)),
                outbox::next_at.eq(next_at.map_or(letter.next_at, |at| at.naive_utc())),
                outbox::epoch.eq(letter.epoch + 1),
                outbox::owner.eq(None::<String>),
                outbox::lease_until.eq(None::<NaiveDateTime>),
            ))
            .execute(&mut self.conn)
            .context("taking a letter back")?;
        if begun && changed == 1 {
            diesel::update(delivery_attempt::table.find((&self.prefecture, &letter.letter_id, letter.epoch)))
                .filter(delivery_attempt::ended_at.is_null())
                .set((
                    delivery_attempt::ended_at.eq(now.naive_utc()),
                    delivery_attempt::outcome.eq("uncertain"),
                    delivery_attempt::reply.eq("the worker ended before the relay's answer was recorded"),
                ))
                .execute(&mut self.conn)
                .context("recording an attempt that was cut off")?;
        }
        Ok(())
    }
}
