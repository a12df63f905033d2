//! The outbox as a queue. Nothing here opens a transaction: its caller does, for many letters at once. Every write of a worker
//! names the epoch of its claim, and changes nothing where another has taken the letter over since.

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Date, Nullable, Text, Timestamp};

use super::outbox::LetterRow;
use super::schema::{delivery_attempt, outbox, pace, prefecture};
use super::statement::statement;
use super::{Conn, Store, on_backend};
use convoke_domain::convocation::LetterState;

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

/// A letter and what it speaks of, as they stand now.
#[derive(Clone, Debug, Default, PartialEq, Eq, QueryableByName)]
pub struct Standing {
    /// Letter.
    #[diesel(sql_type = Text)]
    pub letter_id: String,
    /// Kind.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// SEQUENCE that it speaks of.
    #[diesel(sql_type = BigInt)]
    pub revision: i64,
    /// E-mail address.
    #[diesel(sql_type = Nullable<Text>)]
    pub recipient: Option<String>,
    /// State of its convocation; a notice has none.
    #[diesel(sql_type = Nullable<Text>)]
    pub convocation_state: Option<String>,
    /// Day of the appointment.
    #[diesel(sql_type = Nullable<Date>)]
    pub day: Option<NaiveDate>,
    /// SEQUENCE of the convocation.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub sequence: Option<i64>,
    /// Status of the permit.
    #[diesel(sql_type = Nullable<Text>)]
    pub permit_status: Option<String>,
    /// Day on which its renewal was requested.
    #[diesel(sql_type = Nullable<Date>)]
    pub filed_on: Option<NaiveDate>,
    /// An agent holds the permit.
    #[diesel(sql_type = Nullable<Bool>)]
    pub permit_held: Option<bool>,
    /// An address of the holder's that has sent a letter back for good.
    #[diesel(sql_type = Nullable<Text>)]
    pub email_refused: Option<String>,
    /// Sending is stopped since then.
    #[diesel(sql_type = Nullable<Timestamp>)]
    pub paused_at: Option<NaiveDateTime>,
}

/// The columns of [`Standing`], of letters that `$which` picks. One statement, for it is asked of every letter.
macro_rules! standing {
    ($which:literal) => {
        concat!(
            "SELECT outbox.letter_id, outbox.kind, outbox.revision, outbox.recipient, convocation.state AS convocation_state,
                 convocation.day, convocation.sequence, permit.status AS permit_status, permit.filed_on, permit.held AS permit_held,
                 holder.email_refused, prefecture.paused_at
               FROM outbox
               LEFT JOIN prefecture ON prefecture.code = outbox.prefecture
               LEFT JOIN convocation
                 ON convocation.prefecture = outbox.prefecture AND convocation.reference = outbox.reference
               LEFT JOIN notice ON notice.prefecture = outbox.prefecture AND notice.reference = outbox.reference
               LEFT JOIN permit ON permit.prefecture = outbox.prefecture
                 AND permit.permit_id = COALESCE(convocation.permit_id, notice.permit_id)
               LEFT JOIN holder ON holder.prefecture = outbox.prefecture
                 AND holder.holder_id = COALESCE(convocation.holder_id, notice.holder_id)
               WHERE outbox.prefecture = ? AND ",
            $which
        )
    };
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

    /// Takes up to `limit` letters that may be sent now for a worker, earliest first. Several workers wait for one another on
    /// SQLite, and take different letters on PostgreSQL.
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
                    &self.prefecture,
                    &self.prefecture,
                    now.naive_utc(),
                    limit as i64,
                )
            };
        }
        let mut letters: Vec<LetterRow> = match &mut self.conn {
            Conn::Sqlite(c) => claim!("IN (", ")").load(c),
            // An array is made once: a plan may run a subquery several times, and lock other rows each time.
            Conn::Postgres(c) => claim!("= ANY(ARRAY(", " FOR UPDATE SKIP LOCKED))").load(c),
        }
        .context("claiming letters")?;
        // RETURNING has no order.
        letters.sort_by(|a, b| (a.next_at, &a.letter_id).cmp(&(b.next_at, &b.letter_id)));
        Ok(letters)
    }

    /// Notes whether a letter was given a turn under its domain's limit: then `next_at` is that turn.
    pub fn set_turn(&mut self, letter: &LetterRow, has_turn: bool) -> Result<()> {
        diesel::update(outbox::table.find((&self.prefecture, &letter.letter_id)))
            .set(outbox::has_turn.eq(has_turn))
            .execute(&mut self.conn)
            .context("giving a letter its turn")?;
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
        let sent: i64 = delivery_attempt::table
            .inner_join(
                outbox::table.on(outbox::prefecture
                    .eq(delivery_attempt::prefecture)
                    .and(outbox::letter_id.eq(delivery_attempt::letter_id))),
            )
            .filter(outbox::prefecture.eq(&self.prefecture).and(outbox::recipient.eq(address)))
            .filter(delivery_attempt::started_at.ge(since.naive_utc()))
            .filter(delivery_attempt::outcome.eq_any(["accepted", "uncertain"]))
            .count()
            .get_result(&mut self.conn)
            .context("counting the letters of an address")?;
        let on_their_way: i64 = outbox::table
            .filter(outbox::prefecture.eq(&self.prefecture).and(outbox::recipient.eq(address)))
            .filter(outbox::state.eq(LetterState::Sending.code()))
            .count()
            .get_result(&mut self.conn)
            .context("counting the letters on their way to an address")?;
        Ok(sent + on_their_way)
    }

    /// A letter and what it speaks of, as they stand now.
    pub fn standing(&mut self, letter_id: &str) -> Result<Standing> {
        let one = statement!(standing!("outbox.letter_id = ?"), &self.prefecture, letter_id);
        on_backend!(&mut self.conn, c => one.get_result(c)).context("reading what a letter speaks of")
    }

    /// The same of up to `limit` letters that wait, whether they may be sent now or later: those after `letter_id`, in order.
    pub fn waiting_after(&mut self, letter_id: &str, limit: usize) -> Result<Vec<Standing>> {
        let waiting = statement!(
            standing!(
                "outbox.state IN ('queued', 'deferred', 'uncertain') AND outbox.letter_id > ? ORDER BY outbox.letter_id LIMIT ?"
            ),
            &self.prefecture,
            letter_id,
            limit as i64,
        );
        on_backend!(&mut self.conn, c => waiting.load(c)).context("reading what the waiting letters speak of")
    }

    /// The same of letters that wait for a person.
    pub fn held(&mut self) -> Result<Vec<Standing>> {
        let held = statement!(standing!("outbox.state = 'held' ORDER BY outbox.letter_id"), &self.prefecture);
        on_backend!(&mut self.conn, c => held.load(c)).context("reading what the held letters speak of")
    }

    /// Takes a letter that waits out of the queue, or from whoever holds it, for `reason`.
    pub fn withhold(&mut self, letter_id: &str, state: LetterState, reason: &str) -> Result<()> {
        diesel::update(outbox::table.find((&self.prefecture, letter_id)))
            .filter(sql::<Bool>("outbox.state IN ('queued', 'deferred', 'uncertain', 'held')"))
            .set((outbox::state.eq(state.code()), outbox::last_reply.eq(reason)))
            .execute(&mut self.conn)
            .context("withholding a letter")?;
        Ok(())
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
    /// any more. Done twice, where the first answer was lost, it is done once.
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
            &self.prefecture,
            &letter.letter_id,
            letter.epoch,
            letter.owner.as_deref(),
        );
        let changed = on_backend!(&mut self.conn, c => marked.execute(c)).context("marking a letter as being sent")?;
        Ok(changed == 1)
    }

    /// Records what became of a letter in hand. `false` if it is not ours any more: what we know of it is then discarded. Done
    /// twice, where the first answer was lost, it is done once.
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
            let told = delivery_attempt::table.find((&self.prefecture, &letter.letter_id, letter.epoch)).filter(
                delivery_attempt::outcome.eq(a.outcome).and(delivery_attempt::ended_at.eq(a.ended_at.naive_utc())),
            );
            return diesel::select(diesel::dsl::exists(told))
                .get_result(&mut self.conn)
                .context("looking for an attempt");
        }
        let ended = statement!(
            "INSERT INTO delivery_attempt
                 (prefecture, letter_id, epoch, owner, relay, started_at, ended_at, stage, code, enhanced, reply, outcome)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
        on_backend!(&mut self.conn, c => ended.execute(c)).context("recording an attempt")?;
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

    /// Prolongs the lease of what a worker has in hand.
    pub fn renew_leases(&mut self, owner: &str, letter_ids: &[String], until: DateTime<Utc>) -> Result<usize> {
        diesel::update(outbox::table.filter(outbox::prefecture.eq(&self.prefecture)))
            .filter(outbox::letter_id.eq_any(letter_ids).and(sql::<Bool>(IN_HAND)).and(outbox::owner.eq(owner)))
            .set(outbox::lease_until.eq(until.naive_utc()))
            .execute(&mut self.conn)
            .context("prolonging leases")
    }

    /// Letters whose worker is dead, or has been silent for longer than its lease.
    pub fn abandoned(&mut self, now: DateTime<Utc>, is_dead: impl Fn(&str) -> bool) -> Result<Vec<LetterRow>> {
        let in_hand: Vec<LetterRow> = outbox::table
            .filter(outbox::prefecture.eq(&self.prefecture))
            .filter(sql::<Bool>(IN_HAND))
            .order(outbox::letter_id)
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
        if begun {
            // Of an older version, which wrote an attempt when it began, the row is there already.
            let cut_off = statement!(
                "INSERT INTO delivery_attempt (prefecture, letter_id, epoch, owner, relay, started_at, ended_at, outcome, reply)
                   SELECT prefecture, letter_id, epoch, coalesce(owner, ''), coalesce(relay, ''), coalesce(begun_at, created_at), ?,
                       'uncertain', 'the worker ended before the relay''s answer was recorded'
                     FROM outbox WHERE prefecture = ? AND letter_id = ? AND epoch = ? AND state = 'sending'
                   ON CONFLICT (prefecture, letter_id, epoch) DO UPDATE
                     SET ended_at = excluded.ended_at, outcome = excluded.outcome, reply = excluded.reply",
                now.naive_utc(),
                &self.prefecture,
                &letter.letter_id,
                letter.epoch,
            );
            on_backend!(&mut self.conn, c => cut_off.execute(c)).context("recording an attempt that was cut off")?;
        }
        diesel::update(outbox::table.find((&self.prefecture, &letter.letter_id)))
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
        Ok(())
    }
}
