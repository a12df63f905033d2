//! Verifies an exported report from its bytes alone: nothing that it claims is trusted before it is checked.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use super::night::{Attested, outcomes, plan, records, report};
use super::{CHECKPOINT, Files, KEY, LEDGER, Line, MANIFEST, Manifest, SIGNATURE, SUMS, signature};
use convoke_domain::ids::sha256_hex;
use convoke_domain::ledger::{Entry, GENESIS, Verifier};
use convoke_domain::seal::{KEY_MADE, Keys, PublicKey, Sealed, reaches};

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    /// What was checked.
    pub what: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// What was found, and where.
    pub found: String,
}

/// Verifies an exported report. Its key is the expected one (given the fingerprint of this key or of an earlier one).
/// No file was changed, added or removed. The ledger matches what was signed after the run and what witnesses kept. The
/// plan is the one that the ledger names, and is optimal. The figures match the lists. Checks that depend on a failed
/// one are skipped.
pub fn verify(files: &Files, expected: Option<&str>, witnessed: &[Sealed]) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut say = |what, found: Result<String, String>| {
        let holds = found.is_ok();
        checks.push(Check { what, holds, found: found.unwrap_or_else(|e| e) });
        holds
    };
    let manifest = match manifest(files) {
        Ok(manifest) => manifest,
        Err(error) => {
            say("manifest", Err(error));
            return checks;
        }
    };
    let mut whole = say("key", key(&manifest, files, expected));
    whole &= say("signature", signed(&manifest, files));
    whole &= say("files", listed(&manifest, files));
    whole &= say("sums", sums(&manifest, files));
    let entries = match ledger(&manifest, files) {
        Ok(entries) => entries,
        Err(error) => {
            say("ledger", Err(error));
            return checks;
        }
    };
    say("ledger", Ok(format!("{} entries, each following from the one before it", entries.len())));
    whole &= say("checkpoint", checkpoint(&manifest, files, &entries));
    if !witnessed.is_empty() {
        whole &= say("witness", witness(&manifest, &entries, witnessed));
    }
    if !whole {
        return checks;
    }
    let attested = match Attested::of(&manifest, &entries) {
        Ok(attested) => attested,
        Err(error) => {
            say("run", Err(error));
            return checks;
        }
    };
    let night = match records(files, &attested.planned) {
        Ok(night) => night,
        Err(error) => {
            say("records", Err(error));
            return checks;
        }
    };
    say("records", Ok("input, rules and plan are those that the ledger names".into()));
    // Anyone may have signed it: a record crafted to crash the planner is reported like any other fault.
    let planned = catch_unwind(AssertUnwindSafe(|| plan(&manifest, files, &attested.planned, &night)));
    say("plan", planned.unwrap_or_else(|_| Err("the record cannot be planned at all".into())));
    say("outcomes", outcomes(files, &attested.planned, &night));
    say("report", report(&manifest, files, &attested, &night));
    checks
}

fn manifest(files: &Files) -> Result<Manifest, String> {
    let bytes = files.get(MANIFEST).ok_or("manifest.json is missing: this is no exported report")?;
    serde_json::from_slice(bytes).map_err(|e| format!("manifest.json: {e}"))
}

fn key_of(manifest: &Manifest) -> Result<PublicKey, String> {
    let key = manifest.key.as_deref().ok_or(
        "nothing is signed: the office has no key (`convoke keys generate`), so whoever made this could have made anything",
    )?;
    PublicKey::from_hex(key).map_err(|_| "manifest.json: the key is none".into())
}

fn key(manifest: &Manifest, files: &Files, expected: Option<&str>) -> Result<String, String> {
    let key = key_of(manifest)?;
    let pem = files.get(KEY).ok_or("key.pem is missing")?;
    if std::str::from_utf8(pem).ok().and_then(|pem| PublicKey::from_pem(pem).ok()) != Some(key) {
        return Err("key.pem is not the key that manifest.json names".into());
    }
    let fingerprint = key.fingerprint();
    match expected {
        None => Ok(format!("{fingerprint} (whether it is the office's, only --key FINGERPRINT can tell)")),
        Some(expected) if expected.eq_ignore_ascii_case(&fingerprint) => Ok(format!("{fingerprint}, as expected")),
        Some(expected) if reaches(&manifest.successions, &expected.to_ascii_lowercase(), &key) => {
            Ok(format!("{fingerprint}, which follows the expected key by its own word"))
        }
        Some(expected) => Err(format!("signed by another key than expected: {fingerprint}, not {expected}")),
    }
}

fn signed(manifest: &Manifest, files: &Files) -> Result<String, String> {
    let signature = signature(files).ok_or_else(|| format!("{SIGNATURE} is missing"))?;
    let holds = key_of(manifest)?.signed(&files[MANIFEST], &signature);
    holds
        .then(|| "manifest.json is as it was signed".to_owned())
        .ok_or_else(|| format!("{MANIFEST} or {SIGNATURE} was changed after it was signed"))
}

fn listed(manifest: &Manifest, files: &Files) -> Result<String, String> {
    let mut wrong = Vec::new();
    for (name, listed) in &manifest.files {
        match files.get(name) {
            None => wrong.push(format!("{name} is missing")),
            Some(bytes) if bytes.len() as u64 != listed.bytes => {
                wrong.push(format!("{name} was changed: {} bytes and not {}", bytes.len(), listed.bytes));
            }
            Some(bytes) if sha256_hex(bytes) != listed.sha256 => wrong.push(format!("{name} was changed")),
            Some(_) => {}
        }
    }
    let known = |name: &str| manifest.files.contains_key(name) || [MANIFEST, SIGNATURE].contains(&name);
    wrong.extend(files.keys().filter(|name| !known(name)).map(|name| format!("{name} was added")));
    none_wrong(&wrong, || format!("{} files, none changed, missing or added", manifest.files.len()))
}

pub(super) fn none_wrong(wrong: &[String], right: impl FnOnce() -> String) -> Result<String, String> {
    if wrong.is_empty() { Ok(right()) } else { Err(wrong.join("; ")) }
}

fn sums(manifest: &Manifest, files: &Files) -> Result<String, String> {
    let text = text(files, SUMS)?;
    let mut wrong = Vec::new();
    // The list contains neither itself nor the key.
    if text.lines().count() + 2 != manifest.files.len() {
        wrong.push(format!("{SUMS} lists other files than manifest.json"));
    }
    for line in text.lines() {
        let (sum, name) = line.split_once("  ").ok_or_else(|| format!("{SUMS}: a line is not `SHA-256  FILE`"))?;
        if files.get(name).is_none_or(|bytes| sha256_hex(bytes) != sum) {
            wrong.push(format!("{SUMS}: {name}"));
        }
    }
    none_wrong(&wrong, || format!("{SUMS} says the same as manifest.json"))
}

pub(super) fn text<'f>(files: &'f Files, name: &str) -> Result<&'f str, String> {
    let bytes = files.get(name).ok_or_else(|| format!("{name} is missing"))?;
    std::str::from_utf8(bytes).map_err(|_| format!("{name} is no text"))
}

/// The ledger's entries, each checked against the previous one, the first against the previous checkpoint.
fn ledger(manifest: &Manifest, files: &Files) -> Result<Vec<Entry>, String> {
    let (size, root) = manifest
        .previous
        .as_ref()
        .map_or((0, GENESIS), |sealed| (sealed.checkpoint.size, sealed.checkpoint.root.as_str()));
    let mut verifier = Verifier::after(&manifest.prefecture, size, root);
    let mut entries = Vec::new();
    for (number, line) in (1..).zip(text(files, LEDGER)?.lines()) {
        let line: Line = serde_json::from_str(line).map_err(|e| format!("{LEDGER}, line {number}: {e}"))?;
        let entry = Entry::from(line);
        verifier.take(&entry).map_err(|broken| format!("{LEDGER}, line {number}: {broken}"))?;
        entries.push(entry);
    }
    Ok(entries)
}

fn checkpoint(manifest: &Manifest, files: &Files, entries: &[Entry]) -> Result<String, String> {
    let Some(sealed) = &manifest.checkpoint else {
        return Err("no checkpoint closes this run: it has not ended, or ended before the office had a key".into());
    };
    let vouched = |sealed: &Sealed, which: &str| {
        let key = sealed.signer().ok_or_else(|| format!("the {which} is not what was signed"))?;
        let own = key_of(manifest)?;
        // Signed by this key, or by one whose signed succession leads to it.
        reaches(&manifest.successions, &key.fingerprint(), &own)
            .then_some(())
            .ok_or_else(|| format!("the {which} is signed by a stranger: {}", key.fingerprint()))?;
        let checkpoint = &sealed.checkpoint;
        (checkpoint.prefecture == manifest.prefecture)
            .then_some(())
            .ok_or_else(|| format!("the {which} is of the préfecture {}", checkpoint.prefecture))
    };
    // After a loss, the previous key did not sign for this one: a ledger entry reports the loss, and the new key signs
    // that.
    let lost = entries
        .iter()
        .any(|e| e.kind == KEY_MADE && serde_json::from_str::<Value>(&e.payload).is_ok_and(|p| p["lost"].is_string()));
    vouched(sealed, "checkpoint")?;
    if files.get(CHECKPOINT[0]).is_none_or(|text| *text != sealed.checkpoint.text().into_bytes()) {
        return Err(format!("{} is not the checkpoint of manifest.json", CHECKPOINT[0]));
    }
    if let Some(previous) = manifest.previous.as_ref().filter(|_| !lost) {
        vouched(previous, "checkpoint before")?;
    }
    let checkpoint = &sealed.checkpoint;
    if checkpoint.run != manifest.run {
        return Err(format!("the checkpoint closes the run {}, not {}", checkpoint.run, manifest.run));
    }
    let mut keys = Keys::beginning_with(manifest.previous.as_ref().map(|p| p.key.clone()));
    for entry in entries {
        keys.take(entry).map_err(|broken| broken.to_string())?;
    }
    if keys.in_use().is_some_and(|key| key != sealed.key) {
        return Err("the checkpoint is signed by another key than was in use when the run ended".into());
    }
    let last = entries.last().ok_or("the ledger is empty")?;
    if last.seq != checkpoint.size {
        return Err(format!("the ledger ends with entry {}, and was signed with entry {}", last.seq, checkpoint.size));
    }
    if last.hash != checkpoint.root {
        return Err(format!("the ledger was written anew: entry {} has another hash than was signed", last.seq));
    }
    let attested =
        format!("the ledger is what was signed on {}: {} entries", checkpoint.at.format("%Y-%m-%d"), checkpoint.size);
    Ok(if lost { attested + "; THE KEY BEFORE WAS LOST, and does not vouch for this one" } else { attested })
}

/// Compares with the checkpoints that witnesses kept for this range of the ledger.
fn witness(manifest: &Manifest, entries: &[Entry], witnessed: &[Sealed]) -> Result<String, String> {
    let mut compared = 0;
    for sealed in witnessed.iter().filter(|s| s.checkpoint.prefecture == manifest.prefecture) {
        let kept = &sealed.checkpoint;
        sealed.signer().ok_or_else(|| format!("what the witness kept of run {} is not what was signed", kept.run))?;
        let before = manifest.previous.as_ref().map(|p| (p.checkpoint.size, p.checkpoint.root.as_str()));
        let here = entries.iter().map(|e| (e.seq, e.hash.as_str())).chain(before).find(|(seq, _)| *seq == kept.size);
        match here {
            Some((_, root)) if root == kept.root => compared += 1,
            Some(_) => {
                return Err(format!(
                    "entry {} is not what the witness saw on {}: history was rewritten",
                    kept.size,
                    kept.at.format("%Y-%m-%d")
                ));
            }
            None => {}
        }
    }
    if compared == 0 {
        return Err(
            "the witness kept nothing of this stretch of the ledger: look with `convoke ledger verify --witness`"
                .into(),
        );
    }
    Ok(format!("{compared} checkpoints are what the witness kept"))
}
