//! The ledger's rows.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::scope::{concerned, holder_key, ledger_entry};
use super::{KEYS_PER_QUERY, Store, insert_own};
use convoke_domain::ids::{HolderId, RunId, hex, unhex};
use convoke_domain::ledger::{Broken, Entry, Event, GENESIS, Verifier, commitment};
use convoke_domain::seal::{KEY_MADE, KEY_PASSED_ON, Keys, PublicKey, Seal, Sealed};
use convoke_machine::entropy::Entropy;

/// As literal SQL: with bound values the partial indexes are not used.
const RUN_ENDS: &str = "kind = 'run.completed'";
const KEY_EVENTS: &str = "kind IN ('key.made', 'key.passed_on')";
const RUN_COMPLETED: &str = "run.completed";

/// Size of a chain and the hash of its last entry.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Head {
    /// Number of entries.
    pub size: i64,
    /// Hash of the last.
    pub root: String,
}

/// A chain that verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walked {
    /// Its head.
    pub head: Head,
    /// Checkpoints in it, all matching.
    pub checkpoints: usize,
    /// Checkpoints compared with a witness's copy.
    pub compared: usize,
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
    /// Entries after `after`, up to `until`.
    pub fn ledger_between(&mut self, after: i64, until: i64) -> Result<Vec<Entry>> {
        let rows: Vec<Row> = ledger_entry::of(&self.scope)
            .filter(ledger_entry::seq.gt(after).and(ledger_entry::seq.le(until)))
            .order(ledger_entry::seq)
            .load(&mut self.conn)
            .context("reading the ledger")?;
        Ok(rows.into_iter().map(Entry::from).collect())
    }

    /// Entries before `before`, latest first.
    pub fn ledger_before(&mut self, before: i64, limit: i64) -> Result<Vec<Entry>> {
        let rows: Vec<Row> = ledger_entry::of(&self.scope)
            .filter(ledger_entry::seq.lt(before))
            .order(ledger_entry::seq.desc())
            .limit(limit)
            .load(&mut self.conn)
            .context("reading the ledger backwards")?;
        Ok(rows.into_iter().map(Entry::from).collect())
    }

    /// Actions by people in a range of the chain: who, what, how often. Entries of runs are left out.
    pub fn acts_by_actor(&mut self, after: i64, until: i64) -> Result<Vec<(String, String, u64)>> {
        let rows: Vec<(String, String, i64)> = ledger_entry::of(&self.scope)
            .filter(ledger_entry::run_id.is_null())
            .filter(ledger_entry::seq.gt(after).and(ledger_entry::seq.le(until)))
            .group_by((ledger_entry::actor, ledger_entry::kind))
            .order((ledger_entry::actor, ledger_entry::kind))
            .select((ledger_entry::actor, ledger_entry::kind, count_star()))
            .load(&mut self.conn)
            .context("counting acts")?;
        Ok(rows.into_iter().map(|(actor, kind, n)| (actor, kind, n as u64)).collect())
    }

    /// The range of the chain from the end of the previous run to the end of this one: after the first entry, up to the
    /// second.
    pub fn ledger_span(&mut self, run: &RunId) -> Result<Option<(i64, i64)>> {
        let ends = ledger_entry::of(&self.scope).filter(sql::<Bool>(RUN_ENDS));
        let own: Option<i64> = ends
            .filter(ledger_entry::run_id.eq(&run.0))
            .select(ledger_entry::seq)
            .first(&mut self.conn)
            .optional()
            .context("looking for the end of a run in the ledger")?;
        let Some(until) = own else { return Ok(None) };
        let ends = ledger_entry::of(&self.scope).filter(sql::<Bool>(RUN_ENDS)).filter(ledger_entry::seq.lt(until));
        let before: Option<i64> = ends
            .order(ledger_entry::seq.desc())
            .select(ledger_entry::seq)
            .first(&mut self.conn)
            .optional()
            .context("looking for the run before in the ledger")?;
        Ok(Some((before.unwrap_or(0), until)))
    }

    /// The head of the chain.
    pub fn ledger_head(&mut self) -> Result<Head> {
        let last: Option<(i64, String)> = ledger_entry::of(&self.scope)
            .order(ledger_entry::seq.desc())
            .select((ledger_entry::seq, ledger_entry::hash))
            .first(&mut self.conn)
            .optional()?;
        let (size, root) = last.unwrap_or((0, GENESIS.to_owned()));
        Ok(Head { size, root })
    }

    /// Adds entries for actions or reads outside a run, in the transaction of the change they record. Each states its
    /// instant.
    pub fn record(&mut self, actor: &str, at: DateTime<Utc>, events: Vec<Event>) -> Result<()> {
        let dated = |mut event: Event| {
            // A payload signed by a key states its own instant.
            if event.payload.get("at").is_none() {
                event.payload["at"] = serde_json::json!(at);
            }
            event
        };
        let events: Vec<Event> = events.into_iter().map(dated).collect();
        self.append(None, actor, &events)
    }

    /// Adds a run's entries, in the transaction of the change they record. Their instant is in the run's record.
    pub fn record_in(&mut self, run_id: &str, actor: &str, events: &[Event]) -> Result<()> {
        self.append(Some(run_id), actor, events)
    }

    fn append(&mut self, run_id: Option<&str>, actor: &str, events: &[Event]) -> Result<()> {
        let mut head = self.ledger_head()?;
        let prefecture = self.scope.code().to_owned();
        let rows: Vec<Row> = events
            .iter()
            .map(|event| {
                let e = Entry::following((head.size, &head.root), &prefecture, run_id, actor, event);
                head = Head { size: e.seq, root: e.hash.clone() };
                let Entry { seq, prev_hash, hash, run_id, actor, kind, payload } = e;
                Row { prefecture: prefecture.clone(), seq, prev_hash, hash, run_id, actor, kind, payload }
            })
            .collect();
        insert_own!(self, ledger_entry, &rows, 1_000).context("adding to the ledger")
    }

    /// Adds an entry about one person.
    pub fn record_about(&mut self, holder: &HolderId, actor: &str, at: DateTime<Utc>, event: Event) -> Result<()> {
        self.record(actor, at, vec![event])?;
        let seq = self.ledger_head()?.size;
        concerned::insert(&self.scope)
            .values((concerned::holder_id.eq(&holder.0), concerned::seq.eq(seq)))
            .execute(&mut self.conn)
            .context("noting whom an entry concerns")?;
        Ok(())
    }

    /// Verifies the whole chain, stopping at the first break. The chain itself records which key was in use when: from
    /// the first key on, every run must end with a checkpoint signed by it. `own` must be the last key, and the
    /// witnesses' checkpoints must match.
    pub fn verify_ledger(&mut self, own: Option<&PublicKey>, witnessed: &[Sealed]) -> Result<Result<Walked, Broken>> {
        let seals = self.seals()?;
        let mut keys = Keys::default();
        let prefecture = self.scope.code().to_owned();
        let (mut compared, mut ended) = (0, false);
        let mut verifier = Verifier::new(&prefecture);
        let mut marks: BTreeMap<i64, Vec<(&Sealed, bool)>> = BTreeMap::new();
        let kept = witnessed.iter().filter(|s| s.checkpoint.prefecture == self.scope.code()).map(|s| (s, true));
        for (sealed, by_witness) in seals.iter().map(|s| (s, false)).chain(kept) {
            if sealed.checkpoint.prefecture != self.scope.code() || sealed.signer().is_none() {
                return Ok(Err(Broken::Forged(sealed.checkpoint.size)));
            }
            marks.entry(sealed.checkpoint.size).or_default().push((sealed, by_witness));
        }
        loop {
            let entries = self.ledger_between(verifier.head().0, verifier.head().0.saturating_add(10_000))?;
            if entries.is_empty() {
                // A gap of more than ten thousand entries is a gap too.
                let head = self.ledger_head()?.size;
                if head > verifier.head().0 {
                    return Ok(Err(Broken::Gap { expected: verifier.head().0 + 1, found: head }));
                }
                break;
            }
            for entry in &entries {
                if let Err(broken) = verifier.take(entry).and_then(|()| keys.take(entry)) {
                    return Ok(Err(broken));
                }
                let here = marks.get(&entry.seq).map_or(&[][..], Vec::as_slice);
                for (sealed, by_witness) in here {
                    if sealed.checkpoint.root != entry.hash {
                        let seq = entry.seq;
                        return Ok(Err(if *by_witness { Broken::Witnessed(seq) } else { Broken::Rewritten(seq) }));
                    }
                    if keys.in_use() != Some(sealed.key.as_str()) {
                        return Ok(Err(Broken::Forged(entry.seq)));
                    }
                }
                compared += here.iter().filter(|(_, by_witness)| *by_witness).count();
                let signed = here.iter().any(|(_, by_witness)| !by_witness);
                // Anyone who owns the database can write a key into it; only the owner of the key can sign.
                if [KEY_MADE, KEY_PASSED_ON].contains(&entry.kind.as_str()) && !signed {
                    return Ok(Err(Broken::Unintroduced(entry.seq)));
                }
                ended |= entry.kind == RUN_COMPLETED;
                if entry.kind == RUN_COMPLETED && keys.in_use().is_some() && !signed {
                    return Ok(Err(Broken::Unsigned(entry.seq)));
                }
            }
        }
        let (size, root) = verifier.head();
        let head = Head { size, root: root.to_owned() };
        if let Some((signed, _)) = marks.last_key_value().filter(|(signed, _)| **signed > size) {
            return Ok(Err(Broken::Cut { signed: *signed, found: size }));
        }
        // A key that has signed nothing yet is recorded by the first run.
        let own = own.map(|own| own.to_hex());
        if own.is_some() && keys.in_use() != own.as_deref() && (ended || keys.in_use().is_some()) {
            return Ok(Err(Broken::OtherKey));
        }
        if !witnessed.is_empty() && compared == 0 {
            return Ok(Err(Broken::Incomparable));
        }
        Ok(Ok(Walked { head, checkpoints: seals.len(), compared }))
    }

    /// The key in use, according to the ledger.
    pub fn key_in_use(&mut self) -> Result<Option<PublicKey>> {
        let last: Option<(String, String)> = ledger_entry::of(&self.scope)
            .filter(sql::<Bool>(KEY_EVENTS))
            .order(ledger_entry::seq.desc())
            .select((ledger_entry::kind, ledger_entry::payload))
            .first(&mut self.conn)
            .optional()
            .context("looking for the key in the ledger")?;
        let Some((kind, payload)) = last else { return Ok(None) };
        let payload: serde_json::Value = serde_json::from_str(&payload).context("an entry of the ledger")?;
        let key = payload[if kind == KEY_MADE { "key" } else { "to" }].as_str().unwrap_or_default();
        Ok(Some(PublicKey::from_hex(key).context("the key that the ledger names")?))
    }

    /// Records a new key, signed by itself. `lost`: why the previous key did not sign for it. From then on every run
    /// must be signed.
    pub fn introduce_key(&mut self, seal: &Seal, actor: &str, lost: Option<&str>, now: DateTime<Utc>) -> Result<()> {
        self.record(actor, now, vec![Event { kind: KEY_MADE, payload: seal.introduction(lost) }])?;
        self.seal_ledger(seal, "", now, &[]).map(drop)
    }

    /// The commitments to holders (id and number), in the same order. A holder's key is created on first use.
    pub fn commitments(&mut self, holders: &[(&str, &str)], entropy: &mut Entropy) -> Result<Vec<String>> {
        let mut keys: HashMap<String, [u8; 32]> = HashMap::with_capacity(holders.len());
        for batch in holders.chunks(KEYS_PER_QUERY) {
            let known: Vec<(String, String)> = holder_key::of(&self.scope)
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
                fresh.push(KeyRow {
                    prefecture: self.scope.code().to_owned(),
                    holder_id: (*id).to_owned(),
                    key: hex(&key),
                });
            }
        }
        insert_own!(self, holder_key, &fresh, KEYS_PER_QUERY).context("keeping the keys of holders")?;
        Ok(holders.iter().map(|(id, number)| commitment(&keys[*id], number)).collect())
    }
}
