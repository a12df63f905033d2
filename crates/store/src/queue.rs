//! The outbox as a queue. Nothing here opens a transaction: the caller does, for many letters at once. Every write by a
//! worker names the epoch of its claim, and changes nothing if another worker has taken the letter over since.

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::letter::{LetterColumns, LetterRow};
use super::row::Rows;
use super::scope::{delivery_attempt, joined, outbox, pace, prefecture};
use super::statement::statement;
use super::{Conn, Store, on_backend};
use convoke_domain::convocation::{LetterState, Outcome, Remark};

const IN_HAND: &str = "outbox.state IN ('leased', 'sending')";

/// A pause in sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paused {
    /// Since when.
    pub since: DateTime<Utc>,
    /// Login of whoever paused it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// The result of a worker's attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The letter's new state.
    pub state: LetterState,
    /// When to try again; `None` leaves it unchanged.
    pub next_at: Option<DateTime<Utc>>,
    /// Whether the attempt counts.
    pub burns_attempt: bool,
    /// The attempt, for the history.
    pub attempt: Attempt,
}

/// A finished delivery attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its outcome.
    pub outcome: Outcome,
    /// The relay.
    pub relay: String,
    /// How far the SMTP dialogue got.
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

/// The codes of the states, among some, from which a letter may change to `next`.
pub(super) fn sources(next: LetterState, among: impl Fn(LetterState) -> bool) -> Vec<&'static str> {
    next.sources().filter(|from| among(*from)).map(LetterState::code).collect()
}

impl Store {
    /// The pause in sending, if there is one.
    pub fn paused(&mut self) -> Result<Option<Paused>> {
        let row: Option<(Option<NaiveDateTime>, Option<String>, Option<String>)> = prefecture::of(&self.scope)
            .select((prefecture::paused_at, prefecture::paused_by, prefecture::pause_reason))
            .first(&mut self.conn)
            .optional()
            .context("asking whether sending is stopped")?;
        Ok(row.and_then(|(since, by, reason)| {
            Some(Paused { since: since?.and_utc(), by: by.unwrap_or_default(), reason: reason.unwrap_or_default() })
        }))
    }

    /// Pauses or resumes sending.
    pub fn set_paused(&mut self, paused: Option<&Paused>) -> Result<()> {
        diesel::update(prefecture::of(&self.scope))
            .set((
                prefecture::paused_at.eq(paused.map(|p| p.since.naive_utc())),
                prefecture::paused_by.eq(paused.map(|p| &p.by)),
                prefecture::pause_reason.eq(paused.map(|p| &p.reason)),
            ))
            .execute(&mut self.conn)
            .context("stopping or resuming sending")?;
        Ok(())
    }

    /// Claims up to `limit` due letters for a worker, earliest first. Concurrent workers wait for one another on
    /// SQLite, and claim different letters on PostgreSQL.
    pub fn claim(
        &mut self,
        now: DateTime<Utc>,
        owner: &str,
        until: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<LetterRow>> {
        macro_rules! claim {
            ($is_one_of:literal, $and_done:literal) => {
                statement!(
                    concat!(
                        "UPDATE outbox SET state = 'leased', owner = ?, lease_until = ?, epoch = epoch + 1
                           WHERE prefecture = ? AND letter_id ",
                        $is_one_of,
                        "SELECT letter_id FROM outbox
                           WHERE prefecture = ? AND state IN ('queued', 'deferred', 'uncertain') AND next_at <= ?
                           ORDER BY next_at, letter_id LIMIT ?",
                        $and_done,
                        " RETURNING *"
                    ),
                    owner,
                    until.naive_utc(),
                    self.scope.code(),
                    self.scope.code(),
                    now.naive_utc(),
                    limit as i64,
                )
            };
        }
        let mut letters = match &mut self.conn {
            Conn::Sqlite(c) => claim!("IN (", ")").load::<LetterColumns>(c),
            // ARRAY() is evaluated once: a plan may run a plain subquery several times, and lock other rows each time.
            Conn::Postgres(c) => claim!("= ANY(ARRAY(", " FOR UPDATE SKIP LOCKED))").load(c),
        }
        .rows("claiming letters")?;
        // RETURNING guarantees no order.
        letters.sort_by(|a, b| (a.next_at, &a.letter_id).cmp(&(b.next_at, &b.letter_id)));
        Ok(letters)
    }

    /// Records whether a letter has a turn under its domain's rate limit: `next_at` is then that turn.
    pub fn set_turn(&mut self, letter: &LetterRow, has_turn: bool) -> Result<()> {
        diesel::update(outbox::of(&self.scope).filter(outbox::letter_id.eq(&letter.letter_id)))
            .set(outbox::has_turn.eq(has_turn))
            .execute(&mut self.conn)
            .context("giving a letter its turn")?;
        Ok(())
    }

    /// When the next message of a scope may be sent; `None` if none was sent yet.
    pub fn pace(&mut self, scope: &str) -> Result<Option<DateTime<Utc>>> {
        let next: Option<NaiveDateTime> = pace::of(&self.scope)
            .filter(pace::scope.eq(scope))
            .select(pace::next_at)
            .first(&mut self.conn)
            .optional()
            .context("reading a limit")?;
        Ok(next.map(|at| at.and_utc()))
    }

    /// Sets when the next message of a scope may be sent.
    pub fn set_pace(&mut self, scope: &str, next_at: DateTime<Utc>) -> Result<()> {
        let next_at = next_at.naive_utc();
        let row = pace::insert(&self.scope)
            .values((pace::scope.eq(scope), pace::next_at.eq(next_at)))
            .on_conflict((pace::prefecture, pace::scope))
            .do_update()
            .set(pace::next_at.eq(next_at));
        on_backend!(&mut self.conn, c => row.execute(c)).context("recording a limit")?;
        Ok(())
    }

    /// Letters that were or may have been sent to an address since an instant.
    pub fn sent_to(&mut self, address: &str, since: DateTime<Utc>) -> Result<i64> {
        let sent: i64 = outbox::of(&self.scope)
            .inner_join(joined!(delivery_attempt, outbox, letter_id))
            .filter(outbox::recipient.eq(address))
            .filter(delivery_attempt::started_at.ge(since.naive_utc()))
            .filter(delivery_attempt::outcome.eq_any([Outcome::Accepted, Outcome::Uncertain].map(Outcome::code)))
            .count()
            .get_result(&mut self.conn)
            .context("counting the letters of an address")?;
        let on_their_way: i64 = outbox::of(&self.scope)
            .filter(outbox::recipient.eq(address))
            .filter(outbox::state.eq(LetterState::Sending.code()))
            .count()
            .get_result(&mut self.conn)
            .context("counting the letters on their way to an address")?;
        Ok(sent + on_their_way)
    }

    /// When a letter was first tried.
    pub fn first_attempt(&mut self, letter_id: &str) -> Result<Option<DateTime<Utc>>> {
        let first: Option<NaiveDateTime> = delivery_attempt::of(&self.scope)
            .filter(delivery_attempt::letter_id.eq(letter_id))
            .select(diesel::dsl::min(delivery_attempt::started_at))
            .first(&mut self.conn)
            .context("reading the attempts of a letter")?;
        Ok(first.map(|at| at.and_utc()))
    }

    /// Marks a leased letter as being sent: a crash after this leaves its delivery uncertain. `false` if the lease was
    /// lost. Idempotent: it can be repeated if the first reply was lost.
    pub fn begin_sending(
        &mut self,
        letter: &LetterRow,
        sha256: &str,
        rendered: &str,
        relay: &str,
        started_at: DateTime<Utc>,
    ) -> Result<bool> {
        let marked = statement!(
            "UPDATE outbox SET state = 'sending', sha256 = ?, rendered = ?, relay = ?, begun_at = ?
               WHERE prefecture = ? AND letter_id = ? AND epoch = ? AND owner = ? AND state IN ('leased', 'sending')",
            sha256,
            rendered,
            relay,
            started_at.naive_utc(),
            self.scope.code(),
            &letter.letter_id,
            letter.epoch,
            letter.owner.as_deref(),
        );
        let changed = on_backend!(&mut self.conn, c => marked.execute(c)).context("marking a letter as being sent")?;
        Ok(changed == 1)
    }

    /// Records the outcome for a leased letter. `false` if the lease was lost: the outcome is then discarded.
    /// Idempotent: it can be repeated if the first reply was lost.
    pub fn settle(&mut self, letter: &LetterRow, found: &Settlement) -> Result<bool> {
        let a = &found.attempt;
        let owner = letter.owner.as_deref();
        let from = sources(found.state, LetterState::is_in_hand);
        ensure!(!from.is_empty(), "a letter in hand cannot become {}", found.state);
        let settled = statement!(
            "UPDATE outbox SET state = ?, attempts = ?, uncertain = ?, next_at = ?, last_reply = ?, remark = NULL, owner = NULL,
                 lease_until = NULL
               WHERE prefecture = ? AND letter_id = ? AND epoch = ? AND owner = ? AND state IN (?, ?)",
            found.state.code(),
            letter.attempts + i64::from(found.burns_attempt),
            letter.uncertain + i64::from(a.outcome == Outcome::Uncertain),
            found.next_at.map_or(letter.next_at, |at| at.naive_utc()),
            &a.reply,
            self.scope.code(),
            &letter.letter_id,
            letter.epoch,
            owner,
            from[0],
            from[from.len() - 1],
        );
        let changed =
            on_backend!(&mut self.conn, c => settled.execute(c)).context("recording what became of a letter")?;
        if changed == 0 {
            let shown = delivery_attempt::of(&self.scope)
                .filter(delivery_attempt::letter_id.eq(&letter.letter_id).and(delivery_attempt::epoch.eq(letter.epoch)))
                .filter(
                    delivery_attempt::outcome
                        .eq(a.outcome.code())
                        .and(delivery_attempt::ended_at.eq(a.ended_at.naive_utc())),
                );
            return diesel::select(diesel::dsl::exists(shown))
                .get_result(&mut self.conn)
                .context("looking for an attempt");
        }
        let ended = statement!(
            "INSERT INTO delivery_attempt
                 (prefecture, letter_id, epoch, owner, relay, started_at, ended_at, stage, code, enhanced, reply, outcome)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            self.scope.code(),
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
            a.outcome.code(),
        );
        on_backend!(&mut self.conn, c => ended.execute(c)).context("recording an attempt")?;
        Ok(true)
    }

    /// Releases a leased letter without an attempt: given back, or not to be sent, for the reason in `remark`. `false` if
    /// the lease was lost.
    pub fn put_down(
        &mut self,
        letter: &LetterRow,
        state: LetterState,
        next_at: Option<DateTime<Utc>>,
        remark: Option<Remark>,
    ) -> Result<bool> {
        let changed = diesel::update(outbox::of(&self.scope).filter(outbox::letter_id.eq(&letter.letter_id)))
            .filter(outbox::epoch.eq(letter.epoch).and(outbox::owner.eq(&letter.owner)))
            .filter(outbox::state.eq_any(sources(state, LetterState::is_in_hand)))
            .set((
                outbox::state.eq(state.code()),
                outbox::next_at.eq(next_at.map_or(letter.next_at, |at| at.naive_utc())),
                outbox::remark.eq(remark.or(letter.remark).map(Remark::code)),
                outbox::owner.eq(None::<String>),
                outbox::lease_until.eq(None::<NaiveDateTime>),
            ))
            .execute(&mut self.conn)
            .context("putting a letter down")?;
        Ok(changed == 1)
    }

    /// Extends the leases of a worker's letters.
    pub fn renew_leases(&mut self, owner: &str, letter_ids: &[String], until: DateTime<Utc>) -> Result<usize> {
        diesel::update(outbox::of(&self.scope))
            .filter(outbox::letter_id.eq_any(letter_ids).and(sql::<Bool>(IN_HAND)).and(outbox::owner.eq(owner)))
            .set(outbox::lease_until.eq(until.naive_utc()))
            .execute(&mut self.conn)
            .context("prolonging leases")
    }

    /// Letters whose worker is dead, or has been silent for longer than its lease.
    pub fn abandoned(&mut self, now: DateTime<Utc>, is_dead: impl Fn(&str) -> bool) -> Result<Vec<LetterRow>> {
        let in_hand = outbox::of(&self.scope)
            .filter(sql::<Bool>(IN_HAND))
            .order(outbox::letter_id)
            .select(LetterColumns::as_select())
            .load(&mut self.conn)
            .rows("looking for letters of dead workers")?;
        let abandoned = |l: &LetterRow| {
            l.lease_until.is_none_or(|until| until <= now.naive_utc()) || l.owner.as_deref().is_some_and(&is_dead)
        };
        Ok(in_hand.into_iter().filter(abandoned).collect())
    }

    /// Takes an abandoned letter back: its epoch grows, so anything its worker still writes changes nothing.
    pub fn take_back(
        &mut self,
        letter: &LetterRow,
        state: LetterState,
        next_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let (from, begun) = (letter.state, letter.state == LetterState::Sending);
        ensure!(from.may_become(state), "a letter that is {from} cannot become {state}");
        if begun {
            // An older version inserted the attempt's row when the attempt began.
            let cut_off = statement!(
                "INSERT INTO delivery_attempt (prefecture, letter_id, epoch, owner, relay, started_at, ended_at, outcome, reply)
                   SELECT prefecture, letter_id, epoch, coalesce(owner, ''), coalesce(relay, ''), coalesce(begun_at, created_at), ?,
                       'uncertain', 'the worker ended before the relay''s answer was recorded'
                     FROM outbox WHERE prefecture = ? AND letter_id = ? AND epoch = ? AND state = 'sending'
                   ON CONFLICT (prefecture, letter_id, epoch) DO UPDATE
                     SET ended_at = excluded.ended_at, outcome = excluded.outcome, reply = excluded.reply",
                now.naive_utc(),
                self.scope.code(),
                &letter.letter_id,
                letter.epoch,
            );
            on_backend!(&mut self.conn, c => cut_off.execute(c)).context("recording an attempt that was cut off")?;
        }
        diesel::update(outbox::of(&self.scope).filter(outbox::letter_id.eq(&letter.letter_id)))
            .filter(outbox::epoch.eq(letter.epoch).and(outbox::state.eq(letter.state.code())))
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
        Ok(())
    }
}
