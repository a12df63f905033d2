//! The ledger's rows.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::schema::{holder_key, ledger_entry};
use super::{KEYS_PER_QUERY, Store, insert_all};
use crate::entropy::Entropy;
use crate::ids::{RunId, hex, unhex};
use crate::ledger::{Broken, Entry, Event, GENESIS, Verifier, commitment};
use crate::seal::{PublicKey, Sealed, reaches};

/// As a text, or the partial index would not be used.
const RUN_ENDS: &str = "kind = 'run.completed'";

/// Size of a chain and the hash of its last entry.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Head {
    /// Number of entries.
    pub size: i64,
    /// Hash of the last.
    pub root: String,
}

/// A chain that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walked {
    /// Its end.
    pub head: Head,
    /// Signed states of it, all as they were signed.
    pub checkpoints: usize,
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

#[derive(Insertable)]
#[diesel(table_name = holder_key, treat_none_as_default_value = false)]
struct KeyRow {
    prefecture: String,
    holder_id: String,
    key: String,
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        let Row { seq, prev_hash, hash, run_id, actor, kind, payload, .. } = row;
        Self { seq, prev_hash, hash, run_id, actor, kind, payload }
    }
}

impl Store {
    /// Entries of the chain after one, up to another.
    pub fn ledger_between(&mut self, after: i64, until: i64) -> Result<Vec<Entry>> {
        let rows: Vec<Row> = ledger_entry::table
            .filter(ledger_entry::prefecture.eq(&self.prefecture))
            .filter(ledger_entry::seq.gt(after).and(ledger_entry::seq.le(until)))
            .order(ledger_entry::seq)
            .load(&mut self.conn)
            .context("reading the ledger")?;
        Ok(rows.into_iter().map(Entry::from).collect())
    }

    /// The stretch of the chain between the end of the run before and the end of this one: after one entry, up to another.
    pub fn ledger_span(&mut self, run: &RunId) -> Result<Option<(i64, i64)>> {
        let ends =
            ledger_entry::table.filter(ledger_entry::prefecture.eq(&self.prefecture)).filter(sql::<Bool>(RUN_ENDS));
        let own: Option<i64> = ends
            .filter(ledger_entry::run_id.eq(&run.0))
            .select(ledger_entry::seq)
            .first(&mut self.conn)
            .optional()
            .context("looking for the end of a run in the ledger")?;
        let Some(until) = own else { return Ok(None) };
        let ends = ledger_entry::table
            .filter(ledger_entry::prefecture.eq(&self.prefecture))
            .filter(sql::<Bool>(RUN_ENDS))
            .filter(ledger_entry::seq.lt(until));
        let before: Option<i64> = ends
            .order(ledger_entry::seq.desc())
            .select(ledger_entry::seq)
            .first(&mut self.conn)
            .optional()
            .context("looking for the run before in the ledger")?;
        Ok(Some((before.unwrap_or(0), until)))
    }

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

    /// Walks the whole chain, and compares it with every checkpoint, signed by the office's key or one before it, and with those that
    /// witnesses kept; the first break ends the walk.
    pub fn verify_ledger(&mut self, own: Option<&PublicKey>, witnessed: &[Sealed]) -> Result<Result<Walked, Broken>> {
        let prefecture = self.prefecture.clone();
        let (seals, successions) = (self.seals()?, self.successions()?);
        let mut marks: BTreeMap<i64, Vec<(&Sealed, bool)>> = BTreeMap::new();
        let kept = witnessed.iter().filter(|s| s.checkpoint.prefecture == prefecture).map(|s| (s, true));
        for (sealed, by_witness) in seals.iter().map(|s| (s, false)).chain(kept) {
            let size = sealed.checkpoint.size;
            let ours = |key: PublicKey| own.is_none_or(|own| reaches(&successions, &key.fingerprint(), own));
            if sealed.checkpoint.prefecture != prefecture || !sealed.signer().is_some_and(ours) {
                return Ok(Err(Broken::Forged(size)));
            }
            marks.entry(size).or_default().push((sealed, by_witness));
        }
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
                break;
            }
            for row in rows {
                let seq = row.seq;
                if let Err(broken) = verifier.take(&row.into()) {
                    return Ok(Err(broken));
                }
                let root = verifier.head().1;
                let other = marks.get(&seq).and_then(|m| m.iter().find(|(s, _)| s.checkpoint.root != root));
                if let Some((_, by_witness)) = other {
                    return Ok(Err(if *by_witness { Broken::Witnessed(seq) } else { Broken::Rewritten(seq) }));
                }
            }
        }
        let (size, root) = verifier.head();
        let head = Head { size, root: root.to_owned() };
        Ok(match marks.last_key_value() {
            Some((signed, _)) if *signed > size => Err(Broken::Cut { signed: *signed, found: size }),
            _ => Ok(Walked { head, checkpoints: seals.len() }),
        })
    }

    /// The commitments to holders (id and number), in their order, each under a key that is made the first time.
    pub fn commitments(&mut self, holders: &[(&str, &str)], entropy: &mut Entropy) -> Result<Vec<String>> {
        let mut keys: HashMap<String, [u8; 32]> = HashMap::with_capacity(holders.len());
        for batch in holders.chunks(KEYS_PER_QUERY) {
            let known: Vec<(String, String)> = holder_key::table
                .filter(holder_key::prefecture.eq(&self.prefecture))
                .filter(holder_key::holder_id.eq_any(batch.iter().map(|(id, _)| *id)))
                .select((holder_key::holder_id, holder_key::key))
                .load(&mut self.conn)?;
            for (id, text) in known {
                keys.insert(id, unhex(&text).context("a holder's key is not 64 hexadecimal digits")?);
            }
        }
        let mut fresh: Vec<KeyRow> = Vec::new();
        for (id, _) in holders {
            if !keys.contains_key(*id) {
                let key = entropy.bytes()?;
                keys.insert((*id).to_owned(), key);
                fresh.push(KeyRow { prefecture: self.prefecture.clone(), holder_id: (*id).to_owned(), key: hex(&key) });
            }
        }
        insert_all!(&mut self.conn, holder_key, &fresh, KEYS_PER_QUERY).context("keeping the keys of holders")?;
        Ok(holders.iter().map(|(id, number)| commitment(&keys[*id], number)).collect())
    }
}
