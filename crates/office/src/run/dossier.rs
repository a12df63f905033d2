//! Everything that is handed out about a run, gathered from one state of the database.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::recorded::RecordedPlan;
use super::report::gather;
use convoke_domain::eligibility::Rule;
use convoke_domain::ids::RunId;
use convoke_domain::policy::Policy;
use convoke_instance::export::Night;
use convoke_instance::{LapseCause, Plan, PlanningInput};
use convoke_planning as planning;
use convoke_report::bundle::{self, Files, Manifest};
use convoke_report::lists::{self, workbook};
use convoke_report::{Fate, RunReport, Seat, document, html};
use convoke_settings::Configuration;
use convoke_store::{RunRow, Store};

/// Who asks for the files of a run, and when.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Login name.
    pub by: String,
    /// When.
    pub at: chrono::DateTime<chrono::Utc>,
    /// Whether people are named.
    pub identified: bool,
}

/// The report of a run as a folder of files, signed if there is a key.
pub fn dossier(store: &mut Store, config: &Configuration, id: &RunId, asked: &Asked) -> Result<(RunReport, Files)> {
    let (report, files, about) = store.read(|s| contents(s, config, id, asked))?;
    let files = bundle::seal(files, about, config.seal.as_ref())?;
    Ok((report, files))
}

fn contents(
    store: &mut Store,
    config: &Configuration,
    id: &RunId,
    asked: &Asked,
) -> Result<(RunReport, Files, Manifest)> {
    let report = gather(store, config, id)?;
    let row = store.run(id)?.with_context(|| format!("run {id} has disappeared"))?;
    let mut files = Files::new();
    for (name, kind) in bundle::RECORDS.into_iter().zip(["input", "policy", "plan"]) {
        let bytes = store.run_record(id, kind)?.with_context(|| format!("the {kind} of run {id} was not recorded"))?;
        files.insert(name.to_owned(), bytes);
    }
    let recorded = bundle::RECORDS.map(|name| &files[name]);
    let input: PlanningInput = serde_json::from_slice(recorded[0]).context("a recorded input")?;
    let policy: Policy = serde_json::from_slice(recorded[1]).context("the recorded rules")?;
    let RecordedPlan { plan, .. } = serde_json::from_slice(recorded[2]).context("a recorded plan")?;
    // The proof is not recorded: planning again yields it.
    let (_, proof) = planning::plan(&input).context("planning again")?;
    let night = Night {
        input: &input,
        plan: &plan,
        proof: &proof,
        dept: store.prefecture(),
        policy_hash: &report.policy_hash,
        notice: json!(policy.notice_days),
    };
    let plan_files = night.files(|proof| planning::explain::explain(proof, bundle::OVERTIME))?;
    files.extend(plan_files.into_iter().map(|(name, bytes)| (format!("{}{name}", bundle::PLAN), bytes)));

    drop(proof);
    let fates = fates(store, &row, &report, &input, &plan, asked.identified)?;
    drop((input, plan));
    let mut put = |name: &str, text: String| files.insert(name.to_owned(), text.into_bytes());
    put(bundle::REPORT, format!("{}\n", serde_json::to_string_pretty(&report)?));
    put("report.html", html(&report)?);
    let lists = [
        lists::outcomes(&report, &fates),
        lists::rules(&report),
        lists::lapses(&report),
        lists::listed(&report),
        lists::letters(&report),
        lists::occupancy(&report),
    ];
    drop(fates);
    for list in &lists {
        put(&format!("{}.csv", list.name), list.to_csv());
    }
    files.insert("tables.xlsx".to_owned(), workbook(&lists).context("writing the tables as a workbook")?);
    drop(lists);
    // A character that no font has costs the PDF, never the report.
    match document(&report).to_pdf(&report.run, report.business_date, config.templates()?.fonts()) {
        Ok(pdf) => drop(files.insert("report.pdf".to_owned(), pdf)),
        Err(error) => tracing::warn!(run.id = %id, "No report.pdf: {error}"),
    }

    let checkpoint = store.seal_of(id)?;
    let until = match &checkpoint {
        Some(sealed) => sealed.checkpoint.size,
        None => report.ledger_size,
    };
    let previous = store.seal_before(until)?;
    let from = previous.as_ref().map_or(0, |sealed| sealed.checkpoint.size);
    files.insert(bundle::LEDGER.to_owned(), bundle::ledger_lines(store.ledger_between(from, until)?)?);
    let about = Manifest {
        schema: bundle::SCHEMA.into(),
        prefecture: report.prefecture.clone(),
        run: report.run.clone(),
        made_at: asked.at,
        made_by: asked.by.clone(),
        identified: asked.identified,
        version: env!("CARGO_PKG_VERSION").into(),
        files: BTreeMap::new(),
        checkpoint,
        previous,
        key: None,
        successions: store.successions()?,
    };
    Ok((report, files, about))
}

/// What became of each permit in a run; those erased since appear without a name, so that the sums match.
fn fates(
    store: &mut Store,
    row: &RunRow,
    report: &RunReport,
    input: &PlanningInput,
    plan: &Plan,
    identified: bool,
) -> Result<Vec<Fate>> {
    // Whoever is planned again keeps the outcome of people who are convoked.
    let due = input.candidates.iter().enumerate().filter(|(_, c)| !c.again);
    let of: BTreeMap<&str, usize> = due.map(|(n, c)| (c.id.0.as_str(), n)).collect();
    let mut lapses: Vec<Option<LapseCause>> = vec![None; input.candidates.len()];
    for lapse in &plan.lapses {
        lapses[lapse.candidate] = Some(lapse.cause);
    }
    let mut seats: Vec<Option<Seat>> = vec![None; input.candidates.len()];
    for a in &plan.appointments {
        let slot = input.slot(a.pool, a.day, a.start);
        seats[a.candidate] = Some(Seat {
            pass: a.pass,
            firm: a.firm,
            site: slot.pool.site,
            desk: slot.pool.desk,
            day: slot.day,
            start: slot.start,
        });
    }
    let names = if identified { store.names_of_permits()? } else { BTreeMap::new() };
    let mut counted: BTreeMap<Rule, u64> = BTreeMap::new();
    let mut fates = Vec::new();
    for (permit, kind, expires_on, rule) in store.verdicts_at(row)? {
        let rule: Rule = rule.parse().with_context(|| format!("the verdict on permit {permit}"))?;
        *counted.entry(rule).or_default() += 1;
        let candidate = of.get(permit.as_str());
        fates.push(Fate {
            kind,
            expires_on: Some(expires_on),
            rule,
            lapse: candidate.and_then(|n| lapses[*n]),
            seat: candidate.and_then(|n| seats[*n].take()),
            person: names.get(&permit).cloned(),
            permit: Some(permit),
        });
    }
    for outcome in &report.outcomes {
        let found = counted.get(&outcome.rule).copied().unwrap_or(0);
        ensure!(
            found <= outcome.permits,
            "run {} counted {} permits under {}, but {found} are found: run `convoke ledger verify`, and restore the database",
            row.run_id,
            outcome.permits,
            outcome.rule.code()
        );
        let erased = Fate {
            permit: None,
            kind: String::new(),
            expires_on: None,
            rule: outcome.rule,
            lapse: None,
            seat: None,
            person: None,
        };
        fates.extend((found..outcome.permits).map(|_| erased.clone()));
    }
    Ok(fates)
}
