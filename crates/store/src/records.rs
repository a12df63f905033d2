//! What a run records of its input and decisions, so that it can be recomputed.

use std::io::{Read, Write};

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::runs::{LEASE, RunRow, taken_over};
use super::scope::{planned_block, run, run_record};
use super::{Store, insert_own};
use convoke_domain::ids::{RunId, sha256_hex};
use convoke_domain::run::RunState;

/// Compressed bytes for a run to keep. Compressed before the transaction, because others wait for it.
#[derive(Clone, Debug)]
pub struct Record {
    kind: &'static str,
    /// SHA-256 of the bytes.
    pub sha256: String,
    packed: Vec<u8>,
}

impl Record {
    /// Compresses `bytes`.
    pub fn of(kind: &'static str, bytes: &[u8]) -> Result<Self> {
        Ok(Self { kind, sha256: sha256_hex(bytes), packed: deflate(bytes)? })
    }
}

#[derive(Insertable)]
#[diesel(table_name = planned_block, treat_none_as_default_value = false)]
struct PlannedBlock<'a> {
    prefecture: &'a str,
    run_id: &'a str,
    from_permit: &'a str,
    entries: &'a str,
}

impl Store {
    /// Writes a run's records: the planning input (`input`), the appointments to commit, in order (`plan`), the rules
    /// (`policy`), and the plan for each person in blocks of JSON, each with the first permit it covers. They are
    /// written in pieces, so that nobody waits long, and mean nothing until the plan is stored. Records of an
    /// interrupted attempt are replaced.
    pub fn keep_records(
        &mut self,
        row: &RunRow,
        records: &[Record],
        planned: &[(String, String)],
        now: DateTime<Utc>,
    ) -> Result<()> {
        self.piece(row, now, |s| s.forget_records(row))?;
        for record in records {
            self.piece(row, now, |s| {
                let values = (
                    run_record::run_id.eq(&row.run_id),
                    run_record::kind.eq(record.kind),
                    run_record::sha256.eq(&record.sha256),
                    run_record::bytes.eq(&record.packed),
                );
                run_record::insert(&s.scope).values(values).execute(&mut s.conn)?;
                Ok(())
            })?;
        }
        for some in planned.chunks(1_000) {
            self.piece(row, now, |s| {
                let (prefecture, run_id) = (s.scope.code(), row.run_id.as_str());
                let blocks =
                    some.iter().map(|(from_permit, entries)| PlannedBlock { prefecture, run_id, from_permit, entries });
                let blocks: Vec<_> = blocks.collect();
                insert_own!(s, planned_block, &blocks, 1_000).context("keeping who has which day")?;
                Ok(())
            })?;
        }
        Ok(())
    }

    /// A transaction of a run that has no plan yet and still belongs to this process. It renews the lease.
    fn piece(&mut self, row: &RunRow, now: DateTime<Utc>, steps: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.write_rows(|s| {
            let ours = diesel::update(run::of(&s.scope).filter(run::run_id.eq(&row.run_id)))
                .filter(run::epoch.eq(row.epoch).and(run::state.eq(RunState::Observing.code())))
                .set(run::lease_until.eq((now + LEASE).naive_utc()))
                .execute(&mut s.conn)?;
            ensure!(ours == 1, "{}", taken_over(row));
            steps(s)
        })
    }

    pub(super) fn forget_records(&mut self, row: &RunRow) -> Result<()> {
        let id = &row.run_id;
        diesel::delete(run_record::of(&self.scope).filter(run_record::run_id.eq(id))).execute(&mut self.conn)?;
        diesel::delete(planned_block::of(&self.scope).filter(planned_block::run_id.eq(id))).execute(&mut self.conn)?;
        Ok(())
    }

    /// A record of a run, with its hash verified.
    pub fn run_record(&mut self, id: &RunId, kind: &str) -> Result<Option<Vec<u8>>> {
        let found: Option<(String, Vec<u8>)> = run_record::of(&self.scope)
            .filter(run_record::run_id.eq(&id.0).and(run_record::kind.eq(kind)))
            .select((run_record::sha256, run_record::bytes))
            .first(&mut self.conn)
            .optional()?;
        let Some((sha256, packed)) = found else { return Ok(None) };
        let bytes = inflate(&packed).with_context(|| format!("unpacking the {kind} of run {id}"))?;
        ensure!(sha256_hex(&bytes) == sha256, "the recorded {kind} of run {id} is not what was written");
        Ok(Some(bytes))
    }

    /// The block of a run that would contain a permit. `None` if the run kept no blocks.
    pub fn planned_block(&mut self, id: &RunId, permit_id: &str) -> Result<Option<String>> {
        planned_block::of(&self.scope)
            .filter(planned_block::run_id.eq(&id.0))
            .filter(planned_block::from_permit.le(permit_id))
            .order(planned_block::from_permit.desc())
            .select(planned_block::entries)
            .first(&mut self.conn)
            .optional()
            .context("looking for somebody's day")
    }

    /// Deletes the blocks of all other runs: earlier plans can be read from their own records.
    pub fn keep_planned_blocks_of(&mut self, id: &RunId) -> Result<()> {
        diesel::delete(planned_block::of(&self.scope))
            .filter(planned_block::run_id.ne(&id.0))
            .execute(&mut self.conn)
            .context("forgetting the blocks of earlier plans")?;
        Ok(())
    }
}

pub(super) fn deflate(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

pub(super) fn inflate(packed: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    flate2::read::DeflateDecoder::new(packed).read_to_end(&mut bytes)?;
    Ok(bytes)
}
