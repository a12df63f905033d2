//! The ledger: what was done and by whom, in a hash chain where no entry can be changed without breaking all that
//! follow.
//!
//! `hash(n) = SHA-256(canonical bytes of entry n)`, which begin with `hash(n − 1)`. Payloads contain keyed commitments
//! (HMAC-SHA256 under a random key per holder), never names: once the key is erased the entry is anonymous, and the
//! chain still verifies.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::ids::{hex, keyed_hash};

/// The hash that precedes the first entry.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// An event to record.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What happened, such as `convocation.made`.
    pub kind: &'static str,
    /// The details; keys are sorted, so that equal payloads have equal bytes.
    pub payload: Value,
}

/// An entry of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// 1, 2, 3… within a préfecture.
    pub seq: i64,
    /// Hash of the previous entry.
    pub prev_hash: String,
    /// Hash of this entry.
    pub hash: String,
    /// The run, if any.
    pub run_id: Option<String>,
    /// Who acted.
    pub actor: String,
    /// What happened.
    pub kind: String,
    /// Canonical JSON.
    pub payload: String,
}

impl Entry {
    /// The entry that follows (`seq`, `prev_hash`).
    pub fn following(prev: (i64, &str), prefecture: &str, run_id: Option<&str>, actor: &str, event: &Event) -> Self {
        let mut entry = Self {
            seq: prev.0 + 1,
            prev_hash: prev.1.to_owned(),
            hash: String::new(),
            run_id: run_id.map(str::to_owned),
            actor: actor.to_owned(),
            kind: event.kind.to_owned(),
            payload: event.payload.to_string(),
        };
        entry.hash = entry.computed_hash(prefecture);
        entry
    }

    /// SHA-256 over the fields, each preceded by its length in eight bytes, big-endian.
    fn computed_hash(&self, prefecture: &str) -> String {
        let seq = self.seq.to_string();
        let run = self.run_id.as_deref().unwrap_or("");
        let mut sha = Sha256::new();
        for part in [&self.prev_hash, prefecture, &seq, run, &self.actor, &self.kind, &self.payload] {
            sha.update((part.len() as u64).to_be_bytes());
            sha.update(part);
        }
        hex(&sha.finalize())
    }
}

/// Where and how a chain breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A sequence number is missing, or out of order.
    #[error("entry {expected} is missing: the next one found is {found}")]
    Gap {
        /// The expected number.
        expected: i64,
        /// The number found.
        found: i64,
    },
    /// It does not link to the previous entry.
    #[error("entry {0} does not follow from the one before it")]
    Unlinked(i64),
    /// Its content is not what was hashed.
    #[error("entry {0} was changed after it was written")]
    Changed(i64),
    /// Its hash is correct but is not the one that was signed: everything from some earlier entry on was rewritten.
    #[error("entry {0} is not the one that was signed: it, or one before it, was written anew")]
    Rewritten(i64),
    /// More entries were signed than exist.
    #[error("the end was cut off: {signed} entries were signed, and {found} are there")]
    Cut {
        /// Entries at the time of signing.
        signed: i64,
        /// Entries found.
        found: i64,
    },
    /// The checkpoint itself was changed, or signed with a key that was not in use.
    #[error("the checkpoint at entry {0} is not signed by the key that was in use then")]
    Forged(i64),
    /// A run ended while a key was in use, without a checkpoint.
    #[error("entry {0} ends a run, and its checkpoint is missing")]
    Unsigned(i64),
    /// A key appeared that the previous one did not vouch for.
    #[error("entry {0} brings a key for which the one before it does not vouch")]
    Unvouched(i64),
    /// A key appeared without signing its own introduction.
    #[error("entry {0} brings a key that has not signed its coming")]
    Unintroduced(i64),
    /// The key in use is not the last one in the ledger.
    #[error("the key in use is not the one that the ledger names: somebody put it there, or wrote the ledger anew")]
    OtherKey,
    /// The witness's copy cannot be compared.
    #[error("nothing that the witness kept is of this ledger")]
    Incomparable,
    /// A witness has a different entry.
    #[error("entry {0} is not the one that the witness saw: history was rewritten")]
    Witnessed(i64),
}

/// Verifies a chain as it is read, in sequence order: memory does not grow with its length.
#[derive(Debug)]
pub struct Verifier<'a> {
    prefecture: &'a str,
    last: (i64, String),
}

impl<'a> Verifier<'a> {
    /// At the start of a chain.
    pub fn new(prefecture: &'a str) -> Self {
        Self { prefecture, last: (0, GENESIS.to_owned()) }
    }

    /// After `size` entries, the last of which has the hash `root`.
    pub fn after(prefecture: &'a str, size: i64, root: &str) -> Self {
        Self { prefecture, last: (size, root.to_owned()) }
    }

    /// Verifies the next entry, or returns how it breaks the chain.
    pub fn take(&mut self, entry: &Entry) -> Result<(), Broken> {
        let expected = self.last.0.saturating_add(1);
        if entry.seq != expected {
            return Err(Broken::Gap { expected, found: entry.seq });
        }
        if entry.prev_hash != self.last.1 {
            return Err(Broken::Unlinked(entry.seq));
        }
        if entry.computed_hash(self.prefecture) != entry.hash {
            return Err(Broken::Changed(entry.seq));
        }
        self.last = (entry.seq, entry.hash.clone());
        Ok(())
    }

    /// Size of the chain so far, and the hash of its last entry.
    pub fn head(&self) -> (i64, &str) {
        (self.last.0, &self.last.1)
    }
}

/// A commitment to a person: only someone with both the key and the number can tell whom the entry concerns.
pub fn commitment(key: &[u8], number: &str) -> String {
    hex(&keyed_hash(key, &[b"holder", number.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(n: i64) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for i in 0..n {
            let prev = entries.last().map_or((0, GENESIS.to_owned()), |e| (e.seq, e.hash.clone()));
            let event = Event { kind: "test", payload: serde_json::json!({"b": i, "a": "é"}) };
            entries.push(Entry::following((prev.0, &prev.1), "94", Some("94/2026-10-05/1"), "agent", &event));
        }
        entries
    }

    fn verify(entries: &[Entry]) -> Result<i64, Broken> {
        let mut verifier = Verifier::new("94");
        entries.iter().try_for_each(|e| verifier.take(e))?;
        Ok(verifier.head().0)
    }

    #[test]
    fn a_chain_that_was_tampered_with_says_where() {
        let good = chain(5);
        assert_eq!(verify(&good), Ok(5));
        let mut changed = good.clone();
        changed[2].payload = changed[2].payload.replace('é', "e");
        assert_eq!(verify(&changed), Err(Broken::Changed(3)));
        let mut cut = good.clone();
        cut.remove(1);
        assert_eq!(verify(&cut), Err(Broken::Gap { expected: 2, found: 3 }));
        let mut swapped = good.clone();
        swapped.swap(3, 4);
        assert!(verify(&swapped).is_err());
        let mut moved = good;
        moved[4].prev_hash = GENESIS.into();
        assert_eq!(verify(&moved), Err(Broken::Unlinked(5)));
    }

    #[test]
    fn keys_of_a_payload_are_sorted() {
        assert_eq!(chain(1)[0].payload, r#"{"a":"é","b":0}"#);
    }
}
