//! The ledger's rows.

use anyhow::{Context, Result};
use diesel::prelude::*;

use super::schema::{holder_key, ledger_entry};
use super::{Store, insert_all, unhex};
use crate::entropy::Entropy;
use crate::ids::hex;
use crate::ledger::{Broken, Entry, Event, GENESIS, Verifier, commitment};

/// Size of a chain and the hash of its last entry.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Head {
    /// Number of entries.
    pub size: i64,
    /// Hash of the last.
    pub root: String,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = ledger_entry, treat_none_as_default_value = false)]
struct Row {
    prefecture: String,
    seq: i64,
    prev_hash: String,
    hash: String,
    run_id: Option<String>,
    actor: String,
    kind: String,
    payload: String,
}

impl Store {
    /// The end of the chain.
    pub fn ledger_head(&mut self) -> Result<Head> {
        let last: Option<(i64, String)> = ledger_entry::table
            .filter(ledger_entry::prefecture.eq(&self.prefecture))
            .order(ledger_entry::seq.desc())
            .select((ledger_entry::seq, ledger_entry::hash))
            .first(&mut self.conn)
            .optional()?;
        let (size, root) = last.unwrap_or((0, GENESIS.to_owned()));
        Ok(Head { size, root })
    }

    /// Adds entries in the transaction of the change that they record.
    pub fn record(&mut self, run_id: Option<&str>, actor: &str, events: &[Event]) -> Result<()> {
        let mut head = self.ledger_head()?;
        let prefecture = self.prefecture.clone();
        let rows: Vec<Row> = events
            .iter()
            .map(|event| {
                let e = Entry::following((head.size, &head.root), &prefecture, run_id, actor, event);
                head = Head { size: e.seq, root: e.hash.clone() };
                let Entry { seq, prev_hash, hash, run_id, actor, kind, payload } = e;
                Row { prefecture: prefecture.clone(), seq, prev_hash, hash, run_id, actor, kind, payload }
            })
            .collect();
        insert_all!(&mut self.conn, ledger_entry, &rows, 1_000).context("adding to the ledger")
    }

    /// Walks the whole chain; the first break ends the walk.
    pub fn verify_ledger(&mut self) -> Result<Result<Head, Broken>> {
        let prefecture = self.prefecture.clone();
        let mut verifier = Verifier::new(&prefecture);
        loop {
            let rows: Vec<Row> = ledger_entry::table
                .filter(ledger_entry::prefecture.eq(&prefecture))
                .filter(ledger_entry::seq.gt(verifier.head().0))
                .order(ledger_entry::seq)
                .limit(10_000)
                .load(&mut self.conn)
                .context("reading the ledger")?;
            if rows.is_empty() {
                let (size, root) = verifier.head();
                return Ok(Ok(Head { size, root: root.to_owned() }));
            }
            for row in rows {
                let Row { seq, prev_hash, hash, run_id, actor, kind, payload, .. } = row;
                if let Err(broken) = verifier.take(&Entry { seq, prev_hash, hash, run_id, actor, kind, payload }) {
                    return Ok(Err(broken));
                }
            }
        }
    }

    /// The commitment to a holder, under a key that is made the first time.
    pub fn commitment(&mut self, holder_id: &str, number: &str, entropy: &mut Entropy) -> Result<String> {
        let known: Option<String> = holder_key::table
            .find((&self.prefecture, holder_id))
            .select(holder_key::key)
            .first(&mut self.conn)
            .optional()?;
        let key = if let Some(text) = known {
            unhex(&text).context("a holder's key is not 64 hexadecimal digits")?
        } else {
            let key = entropy.bytes()?;
            let row = (
                holder_key::prefecture.eq(&self.prefecture),
                holder_key::holder_id.eq(holder_id),
                holder_key::key.eq(hex(&key)),
            );
            diesel::insert_into(holder_key::table).values(row).execute(&mut self.conn)?;
            key
        };
        Ok(commitment(&key, number))
    }
}
