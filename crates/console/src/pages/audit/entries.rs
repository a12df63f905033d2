//! The ledger, page by page, latest first.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize;

use crate::answer::{export, html};
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::visit::Visit;
use convoke_domain::access::Right;
use convoke_domain::ids::sha256_hex;
use convoke_domain::ledger::Entry;
use convoke_domain::seal::Sealed;
use convoke_report::{List, words};
use convoke_store::Store;

/// Entries per page.
const PAGE: usize = 100;
/// No index covers actor and kind: at most this many entries are scanned for one page, and the next page continues
/// there.
const LOOKED: i64 = 20_000;
const STEP: i64 = 2_000;
/// Maximum lines of an export, and entries scanned for it.
const EXPORT_MAX: usize = 100_000;
/// A spreadsheet cell holds 32,767 characters.
const CELL_MAX: usize = 32_000;

#[derive(Deserialize)]
struct Sought {
    #[serde(default)]
    avant: String,
    /// Key of an actor: addresses contain no names.
    #[serde(default)]
    acteur: String,
    /// A kind, or a prefix of kinds that ends with a full stop.
    #[serde(default)]
    genre: String,
    #[serde(default)]
    format: String,
}

#[derive(Template)]
#[template(path = "console/audit_entries.html")]
struct Entries {
    frame: Frame,
    sought: Sought,
    /// Key and name of the actors in the scanned entries.
    actors: Vec<(String, String)>,
    lines: Vec<Line>,
    /// Where the next page continues, if there is more.
    next: Option<i64>,
    /// Whether the user may view runs.
    reads: bool,
}

struct Line {
    entry: Entry,
    what: Option<String>,
    /// The instant in the entry, if it has one.
    at: Option<NaiveDateTime>,
    /// Otherwise when the next checkpoint was signed.
    before: Option<NaiveDateTime>,
}

/// The key of an actor in addresses.
pub(super) fn key_of(actor: &str) -> String {
    sha256_hex(actor.as_bytes())[..12].to_owned()
}

impl Sought {
    fn before(&self) -> Result<i64, Failure> {
        if self.avant.is_empty() { Ok(i64::MAX) } else { self.avant.parse().map_err(|_| Failure::Unreadable) }
    }

    fn means(&self, entry: &Entry) -> bool {
        let kind = self.genre.is_empty()
            || entry.kind == self.genre
            || (self.genre.ends_with('.') && entry.kind.starts_with(&self.genre));
        kind && (self.acteur.is_empty() || key_of(&entry.actor) == self.acteur)
    }
}

/// Entries found in a range of the ledger.
struct Found {
    entries: Vec<Entry>,
    actors: BTreeMap<String, String>,
    next: Option<i64>,
}

/// Scans the ledger backwards, until enough were found or `looked` entries were scanned.
fn find(s: &mut Store, sought: &Sought, wanted: usize, looked: i64) -> anyhow::Result<Found> {
    let head = s.ledger_head()?.size;
    let mut before = sought.before().unwrap_or(i64::MAX).min(head.saturating_add(1));
    let floor = before.saturating_sub(looked);
    let mut found = Found { entries: Vec::new(), actors: BTreeMap::new(), next: None };
    'looking: while before > floor.max(1) {
        let rows = s.ledger_before(before, STEP)?;
        if rows.is_empty() {
            // The beginning is missing: reporting that is up to the verification.
            return Ok(found);
        }
        for entry in rows {
            if found.entries.len() == wanted {
                break 'looking;
            }
            before = entry.seq;
            found.actors.entry(key_of(&entry.actor)).or_insert_with(|| entry.actor.clone());
            if sought.means(&entry) {
                found.entries.push(entry);
            }
        }
    }
    found.next = (before > 1).then_some(before);
    Ok(found)
}

pub(super) fn list(visit: &mut Visit<'_, '_>) -> Answer {
    let sought: Sought = visit.asked.query()?;
    sought.before()?;
    if !sought.format.is_empty() {
        let found = find(visit.store, &sought, EXPORT_MAX, EXPORT_MAX as i64)?;
        return export("registre", &to_list(&found.entries, &sought.format), &sought.format);
    }
    let (frame, reads) = (visit.frame("audit-entries-title"), visit.may(Right::Read));
    let page = visit.store.read(|s| {
        let (found, seals) = (find(s, &sought, PAGE, LOOKED)?, s.seals()?);
        Ok(Entries {
            lines: found.entries.into_iter().map(|entry| line(entry, &seals)).collect(),
            actors: found.actors.into_iter().collect(),
            next: found.next,
            sought,
            frame,
            reads,
        })
    })?;
    html(&page)
}

fn line(entry: Entry, seals: &[Sealed]) -> Line {
    let payload: serde_json::Value = serde_json::from_str(&entry.payload).unwrap_or_default();
    let at = payload["at"].as_str().and_then(|at| at.parse::<DateTime<Utc>>().ok()).map(|at| at.naive_utc());
    let after = seals.partition_point(|sealed| sealed.checkpoint.size < entry.seq);
    let before = seals.get(after).map(|sealed| sealed.checkpoint.at.naive_utc());
    let what = Some(words::intervention(&entry.kind)).filter(|what| *what != entry.kind).map(str::to_owned);
    Line { entry, what, at, before }
}

fn to_list(entries: &[Entry], format: &str) -> List {
    let header = vec!["numero", "acte", "acteur", "execution", "contenu", "empreinte"];
    let rows = entries.iter().map(|e| {
        let mut payload = e.payload.clone();
        if format == "xlsx" && payload.len() > CELL_MAX {
            payload = payload.chars().take(CELL_MAX).chain(['…']).collect();
        }
        let run = e.run_id.clone().unwrap_or_default();
        vec![e.seq.to_string(), e.kind.clone(), e.actor.clone(), run, payload, e.hash.clone()]
    });
    List { name: "registre", header, rows: rows.collect() }
}
