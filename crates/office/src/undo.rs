//! Undoing what was done by hand, for each person on their own: those who have not been told of it are restored; those who
//! have are left, each with the act that mends it. What has ended stays ended: a new row names it.
//!
//! Never undone: erasures, purges, keys, runs.

mod import;
mod kinds;

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use crate::acts::{Hand, Refused};
use convoke_domain::code::coded;
use convoke_domain::ledger::Entry;
use convoke_machine::confirm::Confirmed;
use convoke_store::{Restored, Store, UNDONE};
use import::imported;
pub use import::undo_import;
use kinds::{cancelled, closing, email, held, marked, moved, named, posted, refused, returned};

/// The kinds of acts that can be undone, as the ledger names them.
const UNDOABLE: [&str; 11] = [
    IMPORTED,
    "agenda.closed",
    "convocation.cancelled",
    "convocation.marked",
    "convocation.moved",
    "holder.email_set",
    POSTED,
    "letter.returned",
    HELD,
    RELEASED,
    "request.refused",
];

const IMPORTED: &str = "import.done";
const POSTED: &str = "letter.posted";
const HELD: &str = "permit.held";
const RELEASED: &str = "permit.released";

/// Entries read at a time.
const PAGE: i64 = 1_000;

/// An act that can be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Act {
    /// Its entry in the ledger.
    pub act: i64,
    /// When it was done.
    pub at: Option<DateTime<Utc>>,
    /// By whom.
    pub actor: String,
    /// What.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// The appointment, request, batch or day that it was about, if it names one.
    pub about: String,
}

impl Act {
    fn of(entry: Entry, payload: &Value) -> Self {
        let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
        let about = ["batch", "reference", "request", "day"].into_iter().map(text).find(|about| !about.is_empty());
        let import = || payload["import"].as_i64().map(|import| format!("import {import}"));
        Self {
            act: entry.seq,
            at: payload["at"].as_str().and_then(|at| at.parse().ok()),
            actor: entry.actor,
            kind: entry.kind,
            reason: text("reason"),
            about: about.or_else(import).unwrap_or_default(),
        }
    }
}

coded! {
    /// Why an act stays as it is for somebody.
    pub enum Why {
        /// Somebody outside was told of it.
        Told = "told",
        /// The seat is somebody else's by now.
        SeatTaken = "seat-taken",
        /// Something else was done about it since.
        ChangedSince = "changed-since",
        /// The day of the appointment is past.
        Past = "past",
        /// Something was done on what it said.
        BuiltOn = "built-on",
        /// What it changed was not kept.
        NotKept = "not-kept",
    }
}

impl Why {
    /// For operators.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Told => "somebody was told of it already",
            Self::SeatTaken => "the seat is somebody else's by now",
            Self::ChangedSince => "something else was done about it since",
            Self::Past => "the day of the appointment is past",
            Self::BuiltOn => "something was done on what it said",
            Self::NotKept => "what it changed was not kept",
        }
    }
}

/// What could not be undone, and the act that mends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The appointment, request or act.
    pub reference: String,
    /// Why.
    pub why: Why,
    /// What to do instead.
    pub mend: String,
}

/// The result of an undoing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// What is as it was before: appointments under their new reference, letters, requests.
    pub undone: Vec<String>,
    /// What is not.
    pub left: Vec<Left>,
    /// Of an import, permits.
    #[serde(skip)]
    pub rows: Option<Restored>,
}

impl Undone {
    fn leave(&mut self, reference: &str, why: Why, mend: String) {
        self.left.push(Left { reference: reference.to_owned(), why, mend });
    }
}

/// What was undone before.
struct Undoings {
    acts: HashSet<i64>,
    /// Batches, and the entry that undid each last.
    batches: HashMap<String, i64>,
}

impl Undoings {
    fn read(s: &mut Store) -> Result<Self> {
        let mut undoings = Self { acts: HashSet::new(), batches: HashMap::new() };
        for entry in s.acts_before(i64::MAX, &[UNDONE], i64::MAX)? {
            let payload: Value = serde_json::from_str(&entry.payload)?;
            undoings.acts.extend(payload["act"].as_i64());
            if let Some(batch) = payload["batch"].as_str() {
                undoings.batches.entry(batch.to_owned()).or_insert(entry.seq);
            }
        }
        Ok(undoings)
    }

    /// Each letter of a batch has its entry, and all are undone with it.
    fn contain(&self, act: i64, payload: &Value) -> bool {
        let batch = payload["batch"].as_str().and_then(|batch| self.batches.get(batch));
        self.acts.contains(&act) || batch.is_some_and(|undone_at| act < *undone_at)
    }
}

/// Acts that can be undone and have not been, latest first.
pub fn acts_to_undo(store: &mut Store, limit: usize) -> Result<Vec<Act>> {
    let undone = Undoings::read(store)?;
    let imports: Vec<i64> = store.imports_kept()?.into_iter().map(|import| import.import_id).collect();
    let mut acts: Vec<Act> = Vec::new();
    let mut before = i64::MAX;
    loop {
        let page = store.acts_before(before, &UNDOABLE, PAGE)?;
        let Some(last) = page.last() else { return Ok(acts) };
        before = last.seq;
        for entry in page {
            let payload: Value = serde_json::from_str(&entry.payload)?;
            if undone.contain(entry.seq, &payload) {
                continue;
            }
            if entry.kind == IMPORTED && payload["import"].as_i64().is_none_or(|import| !imports.contains(&import)) {
                continue;
            }
            let act = Act::of(entry, &payload);
            // A batch is one act, however many letters it had.
            if act.kind == POSTED && acts.iter().any(|known| known.kind == act.kind && known.about == act.about) {
                continue;
            }
            if acts.len() == limit {
                return Ok(acts);
            }
            acts.push(act);
        }
    }
}

/// Undoes one act.
pub fn undo(store: &mut Store, hand: &mut Hand<'_>, act: i64, confirmed: &Confirmed) -> Result<Undone> {
    store.write(|s| {
        let entry = s.ledger_between(act - 1, act)?.pop().filter(|e| e.run_id.is_none());
        let entry = entry.filter(|e| UNDOABLE.contains(&e.kind.as_str())).ok_or(Refused::NoAct(act))?;
        let payload: Value = serde_json::from_str(&entry.payload)?;
        if Undoings::read(s)?.contain(act, &payload) {
            return Err(Refused::UndoneBefore(act).into());
        }
        let mut result = Undone::default();
        match entry.kind.as_str() {
            IMPORTED => {
                let kept = s.imports_kept()?;
                let import = payload["import"].as_i64().filter(|import| kept.iter().any(|k| k.import_id == *import));
                let import = import.ok_or(Refused::NoAct(act))?;
                result = imported(s, hand, import, confirmed)?;
            }
            "agenda.closed" => closing(s, hand, (act, &payload), &mut result)?,
            "convocation.cancelled" => cancelled(s, hand, &named(&payload, "reference")?, &mut result)?,
            "convocation.moved" => moved(s, hand, &named(&payload, "reference")?, &mut result)?,
            "convocation.marked" => marked(s, hand, &named(&payload, "reference")?, &mut result)?,
            "holder.email_set" => email(s, hand, (act, &payload), &mut result)?,
            POSTED => posted(s, hand, payload["batch"].as_str().unwrap_or_default(), &mut result)?,
            "letter.returned" => returned(s, hand, &payload, &mut result)?,
            "request.refused" => refused(s, &payload, &mut result)?,
            kind => held(s, hand, act, kind == RELEASED, &mut result)?,
        }
        let mut done =
            json!({"act": act, "kind": entry.kind, "undone": result.undone.len(), "left": result.left.len()});
        if entry.kind == POSTED {
            done["batch"] = payload["batch"].clone();
        }
        hand.record(s, None, UNDONE, done)?;
        Ok(result)
    })
}
