//! Verifies a folder from its bytes alone: nothing that it says of itself is believed before it is checked.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    CHECKPOINT, Files, KEY, LEDGER, Line, MANIFEST, Manifest, OUTCOMES, PLAN, RECORDS, REPORT, SIGNATURE, SUMS,
    signature,
};
use crate::ids::sha256_hex;
use crate::ledger::{Entry, GENESIS, Verifier};
use crate::planning::export::Night;
use crate::planning::{self, Plan, PlanningInput, check};
use crate::policy::Policy;
use crate::seal::{PublicKey, Sealed, reaches};

/// Something that was checked.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    /// What.
    pub what: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// What was found, and where.
    pub found: String,
}

/// Checks a folder: that its key is the expected one (a fingerprint, of this key or of one before it), that nothing was changed,
/// added or taken away, that the ledger is what was signed after the run and what witnesses keep, that the plan is the one that the
/// ledger names and the best, and that the figures are those of the lists. What depends on something broken is not looked at.
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
    say("key", key(&manifest, files, expected));
    say("signature", signed(&manifest, files));
    say("files", listed(&manifest, files));
    say("sums", sums(files));
    let entries = match ledger(&manifest, files) {
        Ok(entries) => entries,
        Err(error) => {
            say("ledger", Err(error));
            return checks;
        }
    };
    say("ledger", Ok(format!("{} entries, each following from the one before it", entries.len())));
    say("checkpoint", checkpoint(&manifest, files, &entries));
    if !witnessed.is_empty() {
        say("witness", witness(&manifest, &entries, witnessed));
    }
    let planned = match planned(&manifest, &entries) {
        Ok(planned) => planned,
        Err(error) => {
            say("run", Err(error));
            return checks;
        }
    };
    let made = say("records", records(files, &planned)) && say("plan", plan(&manifest, files, &planned));
    if !made {
        return checks;
    }
    say("outcomes", outcomes(files, &planned));
    say("report", report(&manifest, files, &planned));
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
        None => Ok(format!("{fingerprint}: whether it is the office's, only --key FINGERPRINT can tell")),
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

fn none_wrong(wrong: &[String], right: impl FnOnce() -> String) -> Result<String, String> {
    if wrong.is_empty() { Ok(right()) } else { Err(wrong.join("; ")) }
}

fn sums(files: &Files) -> Result<String, String> {
    let text = text(files, SUMS)?;
    let mut wrong = Vec::new();
    for line in text.lines() {
        let (sum, name) = line.split_once("  ").ok_or_else(|| format!("{SUMS}: a line is not `SHA-256  FILE`"))?;
        if files.get(name).is_none_or(|bytes| sha256_hex(bytes) != sum) {
            wrong.push(format!("{SUMS}: {name}"));
        }
    }
    none_wrong(&wrong, || format!("{SUMS} says the same as manifest.json"))
}

fn text<'f>(files: &'f Files, name: &str) -> Result<&'f str, String> {
    let bytes = files.get(name).ok_or_else(|| format!("{name} is missing"))?;
    std::str::from_utf8(bytes).map_err(|_| format!("{name} is no text"))
}

/// The ledger's entries, each checked against the one before it, the first against the checkpoint before.
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
        return Err("the run ended before the office had a key: its ledger was not signed then".into());
    };
    let vouched = |sealed: &Sealed, which: &str| {
        let key = sealed.signer().ok_or_else(|| format!("the {which} is not what was signed"))?;
        let own = key_of(manifest)?;
        // Signed by this key, or by one whose word led to it.
        reaches(&manifest.successions, &key.fingerprint(), &own)
            .then_some(())
            .ok_or_else(|| format!("the {which} is signed by a stranger: {}", key.fingerprint()))?;
        let checkpoint = &sealed.checkpoint;
        (checkpoint.prefecture == manifest.prefecture)
            .then_some(())
            .ok_or_else(|| format!("the {which} is of the préfecture {}", checkpoint.prefecture))
    };
    vouched(sealed, "checkpoint")?;
    if files.get(CHECKPOINT[0]).is_none_or(|text| *text != sealed.checkpoint.text().into_bytes()) {
        return Err(format!("{} is not the checkpoint of manifest.json", CHECKPOINT[0]));
    }
    if let Some(previous) = &manifest.previous {
        vouched(previous, "checkpoint before")?;
    }
    let checkpoint = &sealed.checkpoint;
    if checkpoint.run != manifest.run {
        return Err(format!("the checkpoint closes the run {}, not {}", checkpoint.run, manifest.run));
    }
    let last = entries.last().ok_or("the ledger is empty")?;
    if last.seq != checkpoint.size {
        return Err(format!("the ledger ends with entry {}, and was signed with entry {}", last.seq, checkpoint.size));
    }
    if last.hash != checkpoint.root {
        return Err(format!("the ledger was written anew: entry {} has another hash than was signed", last.seq));
    }
    Ok(format!("the ledger is what was signed on {}: {} entries", checkpoint.at.format("%Y-%m-%d"), checkpoint.size))
}

/// Compares with what witnesses kept, of this stretch of the ledger.
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

/// What the run wrote into the ledger when it had decided.
#[derive(Deserialize)]
struct Planned {
    scanned: u64,
    outcomes: BTreeMap<String, u64>,
    #[serde(rename = "planned")]
    not_firm: u64,
    input: String,
    policy: String,
    plan: String,
}

fn planned(manifest: &Manifest, entries: &[Entry]) -> Result<Planned, String> {
    let entry = entries
        .iter()
        .find(|e| e.kind == "run.planned" && e.run_id.as_deref() == Some(&manifest.run))
        .ok_or_else(|| format!("the ledger says nothing of what run {} planned", manifest.run))?;
    serde_json::from_str(&entry.payload).map_err(|e| format!("entry {} of the ledger: {e}", entry.seq))
}

fn records(files: &Files, planned: &Planned) -> Result<String, String> {
    let [input, policy, _] = RECORDS;
    let wrong: Vec<String> = [(input, &planned.input), (policy, &planned.policy)]
        .into_iter()
        .filter(|(name, sum)| files.get(*name).is_none_or(|bytes| sha256_hex(bytes) != **sum))
        .map(|(name, _)| format!("{name} is not what the ledger names"))
        .collect();
    none_wrong(&wrong, || "input and rules are those that the ledger names".into())
}

/// Plans the night again, and compares every file of the plan.
fn plan(manifest: &Manifest, files: &Files, planned: &Planned) -> Result<String, String> {
    let read = |name: &str| files.get(name).ok_or_else(|| format!("{name} is missing"));
    let wrong = |name: &str, e: serde_json::Error| format!("{name}: {e}");
    let [input_file, policy_file, plan_file] = RECORDS;
    let input: PlanningInput = serde_json::from_slice(read(input_file)?).map_err(|e| wrong(input_file, e))?;
    let policy: Policy = serde_json::from_slice(read(policy_file)?).map_err(|e| wrong(policy_file, e))?;
    let (_, plan): (Value, Plan) = serde_json::from_slice(read(plan_file)?).map_err(|e| wrong(plan_file, e))?;
    if plan.hash(&input) != planned.plan {
        return Err(format!("{plan_file} is not the plan that the ledger names"));
    }
    if let Some(breach) = check(&plan, &input).first() {
        return Err(format!("{plan_file}: {breach}"));
    }
    let (again, proof) = planning::plan(&input).map_err(|e| e.to_string())?;
    if again != plan {
        return Err(format!(
            "planned again, the night has another plan: made by version {}, planned again by {}",
            manifest.version,
            env!("CARGO_PKG_VERSION")
        ));
    }
    if !proof.closes() {
        return Err("the certificate does not close: that no plan is better is not proved".into());
    }
    let night = Night {
        input: &input,
        plan: &plan,
        proof: &proof,
        dept: &manifest.prefecture,
        policy_hash: &planned.policy,
        notice: json!(policy.notice_days),
    };
    let (made, _) = night.files(super::OVERTIME).map_err(|e| e.to_string())?;
    for (name, bytes) in made {
        let name = format!("{PLAN}{name}");
        if files.get(&name) != Some(&bytes) {
            return Err(format!("{name} is not what the recorded night gives"));
        }
    }
    Ok("planned again: the same plan, and no plan is better".into())
}

fn outcomes(files: &Files, planned: &Planned) -> Result<String, String> {
    let text = text(files, OUTCOMES)?.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(text.as_bytes());
    let column = |name: &str, headers: &csv::StringRecord| {
        headers.iter().position(|h| h == name).ok_or_else(|| format!("{OUTCOMES}: no column {name}"))
    };
    let headers = reader.headers().map_err(|e| format!("{OUTCOMES}: {e}"))?.clone();
    let rule = column("regle", &headers)?;
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(|e| format!("{OUTCOMES}: {e}"))?;
        *counts.entry(record.get(rule).unwrap_or_default().to_owned()).or_default() += 1;
    }
    let rows: u64 = counts.values().sum();
    if rows != planned.scanned || planned.outcomes.values().sum::<u64>() != planned.scanned {
        return Err(format!("{OUTCOMES} has {rows} lines, and the ledger says {} permits", planned.scanned));
    }
    let rules = planned.outcomes.iter().filter(|(_, n)| **n > 0);
    let wrong: Vec<String> = rules
        .filter(|(rule, n)| counts.get(*rule) != Some(n))
        .map(|(rule, n)| {
            format!("{OUTCOMES}: {} under {rule}, and the ledger says {n}", counts.get(rule).unwrap_or(&0))
        })
        .collect();
    none_wrong(&wrong, || format!("{rows} permits, each under one rule, as many under each as the ledger says"))
}

fn report(manifest: &Manifest, files: &Files, planned: &Planned) -> Result<String, String> {
    let report: crate::report::RunReport =
        serde_json::from_str(text(files, REPORT)?).map_err(|e| format!("{REPORT}: {e}"))?;
    let mut wrong = Vec::new();
    if report.run != manifest.run || report.prefecture != manifest.prefecture {
        wrong.push(format!("{REPORT} is of the run {}", report.run));
    }
    let same = report.outcomes.iter().all(|o| planned.outcomes.get(o.rule.code()).copied().unwrap_or(0) == o.permits);
    if !same || report.scanned != planned.scanned {
        wrong.push(format!("{REPORT}: permits by rule are not those of the ledger"));
    }
    // Whose seat was taken between plan and commit is planned again.
    let planned_then = planned.not_firm..=planned.not_firm + report.displaced;
    if !planned_then.contains(&(report.figures.planned as u64)) {
        wrong.push(format!("{REPORT}: {} planned, and the ledger says {}", report.figures.planned, planned.not_firm));
    }
    if [&report.input_hash, &report.policy_hash, &report.plan_hash] != [&planned.input, &planned.policy, &planned.plan]
    {
        wrong.push(format!("{REPORT}: hashes are not those of the ledger"));
    }
    none_wrong(&wrong, || "its figures are those of the ledger".into())
}
