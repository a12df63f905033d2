//! The exported report of a run: a folder that proves its own content. Given the folder and the fingerprint of the
//! office's key, it can be verified without the database and without this program: `docs/AUDIT.md` does it with common
//! tools.

mod night;
mod verify;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use verify::{Check, verify};

use convoke_domain::ids::{hex, sha256_hex, unhex};
use convoke_domain::ledger::Entry;
use convoke_domain::seal::{Seal, Sealed, Succession};

/// The files of a folder, by their path within it.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Schema of the manifest.
pub const SCHEMA: &str = "convoke.manifest/1";
/// The manifest. It lists every file with its hash, so that its signature covers the whole folder.
pub const MANIFEST: &str = "manifest.json";
/// Ed25519 signature of the manifest: 64 bytes.
pub const SIGNATURE: &str = "manifest.sig";
/// The public key, in PEM.
pub const KEY: &str = "key.pem";
/// Checksums for `sha256sum -c`.
pub const SUMS: &str = "SHA256SUMS";
/// The checkpoint in the manifest, and its signature, as files.
pub const CHECKPOINT: [&str; 2] = ["checkpoint.txt", "checkpoint.sig"];
/// The ledger entries since the previous checkpoint, one JSON object per line.
pub const LEDGER: &str = "ledger.jsonl";
/// The run's input, rules and plan: the exact bytes whose SHA-256 is in the ledger.
pub const RECORDS: [&str; 3] = ["record/input.json", "record/policy.json", "record/plan.json"];
/// Each permit and its outcome.
pub const OUTCOMES: &str = "outcomes.csv";
/// The figures.
pub const REPORT: &str = "report.json";
/// Folder of instance, plan, prices and explanation.
pub const PLAN: &str = "plan/";

/// Most extra seats that a desk could open in a week, in the search for the fewest extra seats.
pub const OVERTIME: u32 = 10;

/// `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `convoke.manifest/1`.
    pub schema: String,
    /// Préfecture.
    pub prefecture: String,
    /// Run.
    pub run: String,
    /// When it was exported.
    pub made_at: DateTime<Utc>,
    /// By whom.
    pub made_by: String,
    /// Whether it names people.
    pub identified: bool,
    /// Version of the program.
    pub version: String,
    /// Every other file except the signature.
    pub files: BTreeMap<String, Listed>,
    /// The ledger at the end of the run, signed then.
    pub checkpoint: Option<Sealed>,
    /// The previous checkpoint, from which `ledger.jsonl` continues.
    pub previous: Option<Sealed>,
    /// The key that signs this manifest, in hexadecimal.
    pub key: Option<String>,
    /// The earlier keys, each with its endorsement of the next.
    pub successions: Vec<Succession>,
}

/// A file listed in the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// Lists files in a manifest, and signs it if there is a key.
///
/// # Errors
/// None: plain data with text keys always serialises.
pub fn seal(mut files: Files, about: Manifest, seal: Option<&Seal>) -> serde_json::Result<Files> {
    if let Some(sealed) = &about.checkpoint {
        // For verification with openssl.
        files.insert(CHECKPOINT[0].into(), sealed.checkpoint.text().into_bytes());
        files.insert(CHECKPOINT[1].into(), unhex::<64>(&sealed.signature).unwrap_or([0; 64]).to_vec());
    }
    let sums: Vec<String> = files.iter().map(|(name, bytes)| sha256_hex(bytes) + "  " + name + "\n").collect();
    files.insert(SUMS.into(), sums.concat().into_bytes());
    if let Some(seal) = seal {
        files.insert(KEY.into(), seal.public().to_pem().into_bytes());
    }
    let listed = |bytes: &Vec<u8>| Listed { sha256: sha256_hex(bytes), bytes: bytes.len() as u64 };
    let manifest = Manifest {
        files: files.iter().map(|(name, bytes)| (name.clone(), listed(bytes))).collect(),
        key: seal.map(|seal| seal.public().to_hex()),
        ..about
    };
    let text = format!("{}\n", serde_json::to_string_pretty(&manifest)?).into_bytes();
    if let Some(signature) = seal.and_then(|seal| unhex::<64>(&seal.sign(&text))) {
        files.insert(SIGNATURE.into(), signature.to_vec());
    }
    files.insert(MANIFEST.into(), text);
    Ok(files)
}

/// Whether the files are exactly those of an exported report, which a newer one may replace.
pub fn is_one<'f>(manifest: Option<&[u8]>, mut names: impl Iterator<Item = &'f str>) -> bool {
    let manifest = manifest.and_then(|bytes| serde_json::from_slice::<Manifest>(bytes).ok());
    manifest.is_some_and(|m| {
        m.schema == SCHEMA && names.all(|name| m.files.contains_key(name) || [MANIFEST, SIGNATURE].contains(&name))
    })
}

/// An entry of the ledger as `ledger.jsonl` holds it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Line {
    seq: i64,
    prev_hash: String,
    hash: String,
    run: Option<String>,
    actor: String,
    kind: String,
    payload: String,
}

/// `ledger.jsonl`.
///
/// # Errors
/// None: plain data with text keys always serialises.
pub fn ledger_lines(entries: Vec<Entry>) -> serde_json::Result<Vec<u8>> {
    let mut out = Vec::new();
    for Entry { seq, prev_hash, hash, run_id: run, actor, kind, payload } in entries {
        serde_json::to_writer(&mut out, &Line { seq, prev_hash, hash, run, actor, kind, payload })?;
        out.push(b'\n');
    }
    Ok(out)
}

impl From<Line> for Entry {
    fn from(line: Line) -> Self {
        let Line { seq, prev_hash, hash, run: run_id, actor, kind, payload } = line;
        Self { seq, prev_hash, hash, run_id, actor, kind, payload }
    }
}

/// A signature file's content, in hexadecimal.
fn signature(files: &Files) -> Option<String> {
    files.get(SIGNATURE).map(|bytes| hex(bytes))
}
