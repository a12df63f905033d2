//! Checks an exported report against the ledger, and against the night planned again.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::verify::{none_wrong, text};
use super::{Files, Manifest, OUTCOMES, PLAN, RECORDS, REPORT};
use crate::{RunReport, html, lists};
use convoke_check::check;
use convoke_domain::eligibility::Rule;
use convoke_domain::ids::sha256_hex;
use convoke_domain::ledger::Entry;
use convoke_domain::policy::Policy;
use convoke_instance::export::Night;
use convoke_instance::{Plan, PlanningInput};
use convoke_planning::{self as planning, explain::explain};

/// The ledger entry that the run wrote once it had planned.
#[derive(Deserialize)]
pub(super) struct Planned {
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
    /// SHA-256 of the recorded plan; older versions did not record it.
    #[serde(default)]
    record: Option<String>,
}

#[derive(Deserialize)]
struct Lapses {
    no_possible_day: u64,
    no_capacity: u64,
}

/// The ledger entry that it wrote when it ended.
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

/// The run's ledger entries.
pub(super) struct Attested {
    pub(super) planned: Planned,
    completed: Completed,
    actor: String,
}

impl Attested {
    pub(super) fn of(manifest: &Manifest, entries: &[Entry]) -> Result<Self, String> {
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

/// The run's input, rules and plan.
pub(super) struct Recorded {
    input: PlanningInput,
    policy: Policy,
    plan: Plan,
}

/// Limits on days from the business date, seats and weights: no préfecture exceeds them.
const DAYS_MAX: i32 = 40_000;
const SEATS_MAX: u32 = 1_000_000;

pub(super) fn records(files: &Files, planned: &Planned) -> Result<Recorded, String> {
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
            let days = [
                c.release,
                c.pref_end,
                c.deadline,
                c.earliest,
                c.full_notice,
                c.firm_before,
                c.first_seen,
                c.late_until(),
            ];
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
pub(super) fn plan(manifest: &Manifest, files: &Files, planned: &Planned, night: &Recorded) -> Result<String, String> {
    let Recorded { input, policy, plan } = night;
    if let Some(finding) = check(plan, input).first() {
        return Err(format!("{}: {finding}", RECORDS[2]));
    }
    let (again, proof) = planning::plan(input).map_err(|e| e.to_string())?;
    if again != *plan {
        return Err(format!(
            "planned again, the night has another plan: made by version {}, planned again by {}",
            manifest.version,
            env!("CARGO_PKG_VERSION")
        ));
    }
    if !convoke_check::closes(&proof) {
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
    let made = night.files(|proof| explain(proof, super::OVERTIME)).map_err(|e| e.to_string())?;
    for (name, bytes) in made {
        let name = format!("{PLAN}{name}");
        if files.get(&name) != Some(&bytes) {
            return Err(format!("{name} is not what the recorded night gives"));
        }
    }
    Ok("planned again: the same plan, and no plan is better".into())
}

/// What the plan gives each person who was due and had no appointment, as columns of `outcomes.csv`.
fn given(night: &Recorded) -> BTreeMap<&str, [String; 7]> {
    let Recorded { input, plan, .. } = night;
    let mut rows: BTreeMap<&str, [String; 7]> =
        input.candidates.iter().filter(|c| !c.again).map(|c| (c.id.0.as_str(), Default::default())).collect();
    let mut set = |candidate: usize, column: usize, text: String| {
        if let Some(row) = rows.get_mut(input.candidates[candidate].id.0.as_str()) {
            row[column] = text;
        }
    };
    for lapse in &plan.lapses {
        set(lapse.candidate, 0, lapse.cause.code().to_owned());
    }
    for a in &plan.appointments {
        let pool = &input.pools[a.pool as usize];
        let hour = format!("{:02}:{:02}", a.start / 60, a.start % 60);
        let firm = if a.firm { "oui" } else { "non" };
        let said =
            [a.pass.code(), firm, &pool.site, &pool.desk, &input.date(a.day).to_string(), &hour].map(str::to_owned);
        (1..).zip(said).for_each(|(column, text)| set(a.candidate, column, text));
    }
    rows
}

pub(super) fn outcomes(files: &Files, planned: &Planned, night: &Recorded) -> Result<String, String> {
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
        // A holder erased since then has no name here. All others are due exactly if the run found them due.
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

pub(super) fn report(
    manifest: &Manifest,
    files: &Files,
    attested: &Attested,
    night: &Recorded,
) -> Result<String, String> {
    let Attested { planned, completed, actor } = attested;
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
    same("what started it", report.trigger.to_string(), planned.trigger.clone());
    same("the reason", report.reason.clone().unwrap_or_default(), planned.reason.clone().unwrap_or_default());
    same("the certificate", report.certificate.clone(), "closed".to_owned());
    for rule in Rule::ALL {
        let attested: u64 = report.outcomes.iter().filter(|o| o.rule == *rule).map(|o| o.permits).sum();
        let ledger = planned.outcomes.get(rule.code()).copied().unwrap_or(0);
        same(rule.code(), attested.to_string(), ledger.to_string());
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
    // People whose seat was taken between plan and commit are planned again.
    let planned_then = planned.not_firm..=planned.not_firm.saturating_add(completed.displaced);
    if !planned_then.contains(&(figures.planned as u64)) {
        wrong.push(format!("{REPORT}: {} planned, and the ledger says {}", figures.planned, planned.not_firm));
    }
    // Another version may render the page differently.
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
