//! Verifies a folder from its bytes alone: nothing that it says of itself is believed before it is checked.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::NaiveDate;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    CHECKPOINT, Files, KEY, LEDGER, Line, MANIFEST, Manifest, OUTCOMES, PLAN, RECORDS, REPORT, SIGNATURE, SUMS,
    signature,
};
use crate::eligibility::Rule;
use crate::ids::sha256_hex;
use crate::ledger::{Entry, GENESIS, Verifier};
use crate::planning::export::Night;
use crate::planning::{self, Plan, PlanningInput, check};
use crate::policy::Policy;
use crate::report::{RunReport, html, lists};
use crate::seal::{KEY_MADE, Keys, PublicKey, Sealed, reaches};

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
    let told = match Told::of(&manifest, &entries) {
        Ok(told) => told,
        Err(error) => {
            say("run", Err(error));
            return checks;
        }
    };
    let night = match records(files, &told.planned) {
        Ok(night) => night,
        Err(error) => {
            say("records", Err(error));
            return checks;
        }
    };
    say("records", Ok("input, rules and plan are those that the ledger names".into()));
    // Who has signed may be anybody: what was meant to make the planner fail is told like all else that is wrong.
    let planned = catch_unwind(AssertUnwindSafe(|| plan(&manifest, files, &told.planned, &night)));
    say("plan", planned.unwrap_or_else(|_| Err("the record cannot be planned at all".into())));
    say("outcomes", outcomes(files, &told.planned, &night));
    say("report", report(&manifest, files, &told, &night));
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

fn sums(manifest: &Manifest, files: &Files) -> Result<String, String> {
    let text = text(files, SUMS)?;
    let mut wrong = Vec::new();
    // Itself and the key are not in it.
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
        return Err("no checkpoint closes this run: it has not ended, or ended before the office had a key".into());
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
    // After a loss the key before has no word for this one: the ledger says that it was lost, and the new key signs that.
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
    let told =
        format!("the ledger is what was signed on {}: {} entries", checkpoint.at.format("%Y-%m-%d"), checkpoint.size);
    Ok(if lost { told + "; THE KEY BEFORE WAS LOST, and does not vouch for this one" } else { told })
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
    business_date: NaiveDate,
    generation: i64,
    trigger: String,
    reason: Option<String>,
    scanned: u64,
    outcomes: BTreeMap<String, u64>,
    #[serde(rename = "planned")]
    not_firm: u64,
    lapses: Lapses,
    input: String,
    policy: String,
    plan: String,
    /// SHA-256 of the recorded plan; earlier versions did not write it.
    #[serde(default)]
    record: Option<String>,
}

#[derive(Deserialize)]
struct Lapses {
    no_possible_day: u64,
    no_capacity: u64,
}

/// What it wrote when it had ended.
#[derive(Deserialize)]
struct Completed {
    firm: u64,
    late_firm: u64,
    displaced: u64,
    letters: Letters,
}

#[derive(Deserialize)]
struct Letters {
    queued: u64,
    to_post: u64,
}

/// What the ledger says of the run.
struct Told {
    planned: Planned,
    completed: Completed,
    actor: String,
}

impl Told {
    fn of(manifest: &Manifest, entries: &[Entry]) -> Result<Self, String> {
        fn read<T: DeserializeOwned>(entry: &Entry) -> Result<T, String> {
            serde_json::from_str(&entry.payload).map_err(|e| format!("entry {} of the ledger: {e}", entry.seq))
        }
        let find = |kind: &str| {
            let own = entries.iter().find(|e| e.kind == kind && e.run_id.as_deref() == Some(&manifest.run));
            own.ok_or_else(|| format!("the ledger has no `{kind}` of run {}", manifest.run))
        };
        let planned = find("run.planned")?;
        Ok(Self { planned: read(planned)?, completed: read(find("run.completed")?)?, actor: planned.actor.clone() })
    }
}

/// What the run saw, its rules, and what it decided.
struct Recorded {
    input: PlanningInput,
    policy: Policy,
    plan: Plan,
}

/// Days from the business date, seats, weights: beyond these nothing is a préfecture's.
const DAYS_MAX: i32 = 40_000;
const SEATS_MAX: u32 = 1_000_000;

fn records(files: &Files, planned: &Planned) -> Result<Recorded, String> {
    let [input_file, policy_file, plan_file] = RECORDS;
    let read = |name: &str, sum: Option<&String>| {
        let bytes = files.get(name).ok_or_else(|| format!("{name} is missing"))?;
        let same = sum.is_none_or(|sum| sha256_hex(bytes) == *sum);
        same.then_some(bytes).ok_or_else(|| format!("{name} is not what the ledger names"))
    };
    let wrong = |name: &str, e: serde_json::Error| format!("{name}: {e}");
    let input: PlanningInput =
        serde_json::from_slice(read(input_file, Some(&planned.input))?).map_err(|e| wrong(input_file, e))?;
    let policy =
        serde_json::from_slice(read(policy_file, Some(&planned.policy))?).map_err(|e| wrong(policy_file, e))?;
    let (_, plan): (Value, Plan) =
        serde_json::from_slice(read(plan_file, planned.record.as_ref())?).map_err(|e| wrong(plan_file, e))?;
    let day = |day: i32| day.abs() <= DAYS_MAX;
    let pool = |pool: u32| (pool as usize) < input.pools.len();
    let sane = input.slots.iter().all(|s| pool(s.pool) && day(s.day) && s.free <= SEATS_MAX && s.start < 1_440)
        && input.candidates.iter().all(|c| {
            let days = [c.release, c.pref_end, c.deadline, c.earliest, c.full_notice, c.firm_before, c.first_seen];
            days.into_iter().all(day)
                && c.weight <= SEATS_MAX
                && c.lapse_late <= SEATS_MAX
                && c.pools.iter().all(|ranked| pool(ranked.pool))
        });
    if !sane {
        return Err(format!("{input_file} holds a day, a seat or a desk that cannot be"));
    }
    let person = |n: usize| n < input.candidates.len();
    let sane = plan.appointments.iter().all(|a| person(a.candidate) && pool(a.pool) && day(a.day) && a.start < 1_440)
        && plan.lapses.iter().all(|l| person(l.candidate));
    if !sane {
        return Err(format!("{plan_file} names somebody or a desk that {input_file} does not have"));
    }
    if plan.hash(&input) != planned.plan {
        return Err(format!("{plan_file} is not the plan that the ledger names"));
    }
    Ok(Recorded { input, policy, plan })
}

/// Plans the night again, and compares every file of the plan.
fn plan(manifest: &Manifest, files: &Files, planned: &Planned, night: &Recorded) -> Result<String, String> {
    let Recorded { input, policy, plan } = night;
    if let Some(breach) = check(plan, input).first() {
        return Err(format!("{}: {breach}", RECORDS[2]));
    }
    let (again, proof) = planning::plan(input).map_err(|e| e.to_string())?;
    if again != *plan {
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
        input,
        plan,
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

/// What the plan gives to each who was due, as the columns of `outcomes.csv` say it.
fn given(night: &Recorded) -> BTreeMap<&str, [String; 7]> {
    let Recorded { input, plan, .. } = night;
    let mut rows: BTreeMap<&str, [String; 7]> =
        input.candidates.iter().map(|c| (c.id.0.as_str(), Default::default())).collect();
    let mut set = |candidate: usize, column: usize, text: String| {
        if let Some(row) = rows.get_mut(input.candidates[candidate].id.0.as_str()) {
            row[column] = text;
        }
    };
    for lapse in &plan.lapses {
        set(lapse.candidate, 0, lapse.cause.code().to_owned());
    }
    for a in &plan.appointments {
        let (site, desk) = input.pools[a.pool as usize].split_once('/').unwrap_or_default();
        let hour = format!("{:02}:{:02}", a.start / 60, a.start % 60);
        let firm = if a.firm { "oui" } else { "non" };
        let said = [a.pass.code(), firm, site, desk, &input.date(a.day).to_string(), &hour].map(str::to_owned);
        (1..).zip(said).for_each(|(column, text)| set(a.candidate, column, text));
    }
    rows
}

fn outcomes(files: &Files, planned: &Planned, night: &Recorded) -> Result<String, String> {
    let text = text(files, OUTCOMES)?.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|e| format!("{OUTCOMES}: {e}"))?.clone();
    let column =
        |name: &str| headers.iter().position(|h| h == name).ok_or_else(|| format!("{OUTCOMES}: no column {name}"));
    let (permit, rule) = (column("titre")?, column("regle")?);
    let names = ["cause", "passe", "ferme", "site", "guichet", "date", "heure"];
    let said = names.into_iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let mut given = given(night);
    let (mut counts, mut erased) = (BTreeMap::<String, u64>::new(), 0u64);
    for (line, record) in (2..).zip(reader.records()) {
        let record = record.map_err(|e| format!("{OUTCOMES}: {e}"))?;
        let cell = |column: usize| record.get(column).unwrap_or_default();
        *counts.entry(cell(rule).to_owned()).or_default() += 1;
        let due = [Rule::Due, Rule::DueLate].map(Rule::code).contains(&cell(rule));
        // Who was erased since stands without a name; the others are due exactly where the run saw them so.
        if cell(permit) == "(efface)" {
            erased += u64::from(due);
            continue;
        }
        let expected = given.remove(cell(permit));
        if due != expected.is_some() {
            return Err(format!("{OUTCOMES}, line {line}: whether this permit was due is not what the run saw"));
        }
        let expected = expected.unwrap_or_default();
        if let Some((name, _)) =
            names.iter().zip(&said).zip(&expected).map(|((n, c), e)| (n, cell(*c) == e)).find(|(_, same)| !same)
        {
            return Err(format!("{OUTCOMES}, line {line}: `{name}` is not what the plan says"));
        }
    }
    if given.len() as u64 != erased {
        return Err(format!("{OUTCOMES}: {} who were due are not there, and {erased} were erased since", given.len()));
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
    none_wrong(&wrong, || {
        format!(
            "{rows} permits, as many under each rule as the ledger says; who was due, and their seats, as in the plan"
        )
    })
}

fn report(manifest: &Manifest, files: &Files, told: &Told, night: &Recorded) -> Result<String, String> {
    let Told { planned, completed, actor } = told;
    let report: RunReport = serde_json::from_str(text(files, REPORT)?).map_err(|e| format!("{REPORT}: {e}"))?;
    let mut wrong = Vec::new();
    let mut same = |what: &str, found: String, ledger: String| {
        if found != ledger {
            wrong.push(format!("{REPORT}: {what} is {found}, and the ledger says {ledger}"));
        }
    };
    same("the run", report.run.clone(), manifest.run.clone());
    same("the préfecture", report.prefecture.clone(), manifest.prefecture.clone());
    same("the author", report.actor.clone(), actor.clone());
    same("the number of permits", report.scanned.to_string(), planned.scanned.to_string());
    same("the night", report.business_date.to_string(), planned.business_date.to_string());
    same("the number of the run", report.generation.to_string(), planned.generation.to_string());
    same("what started it", report.trigger.clone(), planned.trigger.clone());
    same("the reason", report.reason.clone().unwrap_or_default(), planned.reason.clone().unwrap_or_default());
    same("the certificate", report.certificate.clone(), "closed".to_owned());
    for rule in Rule::ALL {
        let told: u64 = report.outcomes.iter().filter(|o| o.rule == *rule).map(|o| o.permits).sum();
        let ledger = planned.outcomes.get(rule.code()).copied().unwrap_or(0);
        same(rule.code(), told.to_string(), ledger.to_string());
    }
    let by_plan = night.plan.figures(&night.input);
    let figures = &report.figures;
    for (what, found, ledger) in [
        ("firm", figures.firm as u64, completed.firm),
        ("late_firm", figures.late_firm as u64, completed.late_firm),
        ("displaced", report.displaced, completed.displaced),
        ("no_possible_day", figures.no_possible_day as u64, planned.lapses.no_possible_day),
        ("no_capacity", figures.no_capacity as u64, planned.lapses.no_capacity),
        ("late_planned", figures.late_planned as u64, by_plan.late_planned as u64),
        ("without_seat", figures.without_seat as u64, by_plan.without_seat as u64),
        ("the number of lapses listed", report.lapses.len() as u64, night.plan.lapses.len() as u64),
        (
            "letters",
            report.letters.iter().map(|l| l.letters).sum(),
            completed.letters.queued + completed.letters.to_post,
        ),
    ] {
        same(what, found.to_string(), ledger.to_string());
    }
    same("the hash of the input", report.input_hash.clone(), planned.input.clone());
    same("the hash of the rules", report.policy_hash.clone(), planned.policy.clone());
    same("the hash of the plan", report.plan_hash.clone(), planned.plan.clone());
    // Whose seat was taken between plan and commit is planned again.
    let planned_then = planned.not_firm..=planned.not_firm.saturating_add(completed.displaced);
    if !planned_then.contains(&(figures.planned as u64)) {
        wrong.push(format!("{REPORT}: {} planned, and the ledger says {}", figures.planned, planned.not_firm));
    }
    // Another version may have drawn the page in another way.
    if manifest.version == env!("CARGO_PKG_VERSION") {
        let page = html(&report).map_err(|e| format!("{REPORT}: {e}"))?;
        let mut drawn = vec![("report.html".to_owned(), page)];
        let lists = [
            lists::rules(&report),
            lists::lapses(&report),
            lists::listed(&report),
            lists::letters(&report),
            lists::occupancy(&report),
        ];
        drawn.extend(lists.iter().map(|list| (format!("{}.csv", list.name), list.to_csv())));
        let differs = |(name, text): &&(String, String)| files.get(name).is_none_or(|bytes| bytes != text.as_bytes());
        wrong.extend(drawn.iter().filter(differs).map(|(name, _)| format!("{name} is not what {REPORT} gives")));
    }
    none_wrong(&wrong, || "its figures are those of the ledger, and page and lists are its own".into())
}
