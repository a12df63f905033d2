//! Checkpoints of the ledger, and the keys that sign them.

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDateTime, SubsecRound, Utc};
use diesel::prelude::*;

use super::Store;
use super::scope::{checkpoint, joined, succession, witness_letter};
use convoke_domain::ids::RunId;
use convoke_domain::seal::{Checkpoint, Seal, Sealed, Succession};

#[derive(Queryable, Selectable)]
#[diesel(table_name = checkpoint)]
struct Row {
    prefecture: String,
    size: i64,
    root: String,
    run_id: String,
    sealed_at: NaiveDateTime,
    key: String,
    signature: String,
}

impl From<Row> for Sealed {
    fn from(row: Row) -> Self {
        let Row { prefecture, size, root, run_id: run, sealed_at, key, signature } = row;
        let checkpoint = Checkpoint { prefecture, run, size, root, at: sealed_at.and_utc() };
        Self { checkpoint, key, signature }
    }
}

/// A checkpoint to send to a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessLetter {
    /// The checkpoint.
    pub sealed: Sealed,
    /// Recipient.
    pub address: String,
    /// Number of attempts, including this one.
    pub attempts: u32,
}

/// The outcome of a letter to a witness.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = witness_letter)]
pub struct ToldWitness {
    /// Size of the ledger that it states.
    pub size: i64,
    /// Recipient.
    pub address: String,
    /// Number of attempts.
    pub attempts: i64,
    /// When a relay accepted it.
    pub accepted_at: Option<NaiveDateTime>,
    /// The relay's last reply.
    pub last_reply: Option<String>,
}

impl Store {
    /// Signs the current ledger for a run, and queues letters to the witnesses. Call it in the transaction that ends
    /// the run.
    pub fn seal_ledger(&mut self, seal: &Seal, run: &str, now: DateTime<Utc>, witnesses: &[String]) -> Result<Sealed> {
        let head = self.ledger_head()?;
        // In the precision that both databases keep: what is signed must be what is read back.
        let at = now.trunc_subsecs(6);
        let (prefecture, run) = (self.scope.code().to_owned(), run.to_owned());
        let sealed = seal.seal(Checkpoint { prefecture, run, size: head.size, root: head.root, at });
        let Checkpoint { run, size, root, at, .. } = &sealed.checkpoint;
        checkpoint::insert(&self.scope)
            .values((
                checkpoint::size.eq(size),
                checkpoint::root.eq(root),
                checkpoint::run_id.eq(run),
                checkpoint::sealed_at.eq(at.naive_utc()),
                checkpoint::key.eq(&sealed.key),
                checkpoint::signature.eq(&sealed.signature),
            ))
            .execute(&mut self.conn)
            .context("keeping a checkpoint")?;
        for address in witnesses {
            witness_letter::insert(&self.scope)
                .values((
                    witness_letter::size.eq(size),
                    witness_letter::address.eq(address),
                    witness_letter::attempts.eq(0),
                    witness_letter::next_at.eq(at.naive_utc()),
                ))
                .execute(&mut self.conn)
                .context("keeping a letter to a witness")?;
        }
        Ok(sealed)
    }

    /// The checkpoint that closes a run.
    pub fn seal_of(&mut self, run: &RunId) -> Result<Option<Sealed>> {
        let row: Option<Row> = checkpoint::of(&self.scope)
            .filter(checkpoint::run_id.eq(&run.0))
            .order(checkpoint::size.desc())
            .select(Row::as_select())
            .first(&mut self.conn)
            .optional()
            .context("reading the checkpoint of a run")?;
        Ok(row.map(Sealed::from))
    }

    /// The last checkpoint of a smaller ledger.
    pub fn seal_before(&mut self, size: i64) -> Result<Option<Sealed>> {
        let row: Option<Row> = checkpoint::of(&self.scope)
            // Checkpoints that introduce a key close no run.
            .filter(checkpoint::size.lt(size).and(checkpoint::run_id.ne("")))
            .order(checkpoint::size.desc())
            .select(Row::as_select())
            .first(&mut self.conn)
            .optional()
            .context("reading the checkpoint before")?;
        Ok(row.map(Sealed::from))
    }

    /// Every checkpoint, oldest first.
    pub fn seals(&mut self) -> Result<Vec<Sealed>> {
        let rows: Vec<Row> = checkpoint::of(&self.scope)
            .order(checkpoint::size)
            .select(Row::as_select())
            .load(&mut self.conn)
            .context("reading the checkpoints")?;
        Ok(rows.into_iter().map(Sealed::from).collect())
    }

    /// The succession of keys, oldest first.
    pub fn successions(&mut self) -> Result<Vec<Succession>> {
        let rows: Vec<(String, String, NaiveDateTime, String)> = succession::of(&self.scope)
            .order((succession::passed_at, succession::from_key))
            .select((succession::from_key, succession::to_key, succession::passed_at, succession::endorsement))
            .load(&mut self.conn)
            .context("reading the succession of keys")?;
        let of = |(from, to, at, endorsement): (_, _, NaiveDateTime, _)| Succession {
            from,
            to,
            at: at.and_utc(),
            endorsement,
        };
        Ok(rows.into_iter().map(of).collect())
    }

    /// Stores a key's signature for its successor.
    pub fn keep_succession(&mut self, passed: &Succession) -> Result<()> {
        succession::insert(&self.scope)
            .values((
                succession::from_key.eq(&passed.from),
                succession::to_key.eq(&passed.to),
                succession::passed_at.eq(passed.at.naive_utc()),
                succession::endorsement.eq(&passed.endorsement),
            ))
            .execute(&mut self.conn)
            .context("keeping the succession of keys")?;
        Ok(())
    }

    /// Letters to witnesses that were due before an instant and that no relay has accepted: how many, and the last
    /// reply.
    pub fn checkpoints_without_witness(&mut self, before: DateTime<Utc>) -> Result<(u64, Option<String>)> {
        let rows: Vec<Option<String>> = witness_letter::of(&self.scope)
            .inner_join(joined!(checkpoint, witness_letter, size))
            .filter(witness_letter::accepted_at.is_null().and(checkpoint::sealed_at.lt(before.naive_utc())))
            .order(witness_letter::size)
            .select(witness_letter::last_reply)
            .load(&mut self.conn)
            .context("looking for witnesses that were not told")?;
        Ok((rows.len() as u64, rows.into_iter().flatten().next_back()))
    }

    /// The last letters to witnesses, latest first.
    pub fn witness_letters(&mut self, limit: i64) -> Result<Vec<ToldWitness>> {
        witness_letter::of(&self.scope)
            .order((witness_letter::size.desc(), witness_letter::address))
            .limit(limit)
            .select(ToldWitness::as_select())
            .load(&mut self.conn)
            .context("reading the letters to witnesses")
    }

    /// Claims the due letters to witnesses; other workers cannot claim them until `again_at`.
    pub fn take_witness_letters(&mut self, now: DateTime<Utc>, again_at: DateTime<Utc>) -> Result<Vec<WitnessLetter>> {
        let due = witness_letter::accepted_at.is_null().and(witness_letter::next_at.le(now.naive_utc()));
        let rows: Vec<(String, i64, Row)> = witness_letter::of(&self.scope)
            .inner_join(joined!(checkpoint, witness_letter, size))
            .filter(due)
            .order((witness_letter::size, witness_letter::address))
            .select((witness_letter::address, witness_letter::attempts, Row::as_select()))
            .load(&mut self.conn)
            .context("reading letters to witnesses")?;
        if !rows.is_empty() {
            diesel::update(witness_letter::of(&self.scope).filter(due))
                .set((
                    witness_letter::attempts.eq(witness_letter::attempts + 1),
                    witness_letter::next_at.eq(again_at.naive_utc()),
                ))
                .execute(&mut self.conn)?;
        }
        let of = |(address, attempts, row): (String, i64, Row)| WitnessLetter {
            sealed: row.into(),
            address,
            attempts: attempts as u32 + 1,
        };
        Ok(rows.into_iter().map(of).collect())
    }

    /// Records the outcome of a letter to a witness: when it was accepted, if it was; when to try again; the relay's
    /// reply.
    pub fn settle_witness_letter(
        &mut self,
        size: i64,
        address: &str,
        (accepted_at, next_at): (Option<DateTime<Utc>>, DateTime<Utc>),
        reply: &str,
    ) -> Result<()> {
        diesel::update(
            witness_letter::of(&self.scope)
                .filter(witness_letter::size.eq(size).and(witness_letter::address.eq(address))),
        )
        .set((
            witness_letter::accepted_at.eq(accepted_at.map(|at| at.naive_utc())),
            witness_letter::next_at.eq(next_at.naive_utc()),
            witness_letter::last_reply.eq(reply),
        ))
        .execute(&mut self.conn)
        .context("recording a letter to a witness")?;
        Ok(())
    }
}
