//! What runs recorded of their plans, and what differs between two of them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

use convoke_domain::ids::RunId;
use convoke_instance::diff::Difference;
use convoke_instance::{Plan, PlanningInput};
use convoke_settings::ConfigError;
use convoke_store::Store;

/// What a run planned from, and what it planned.
pub struct Recorded {
    /// What the planner saw.
    pub input: PlanningInput,
    /// What it decided.
    pub plan: Plan,
    /// The rules, by name.
    pub policy: Value,
}

/// What differs between two runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunsDiffer {
    /// People, seats, days.
    pub plans: Difference,
    /// Names of rules that are not the same.
    pub rules: Vec<String>,
    /// Permits by rule, in each.
    pub outcomes: [BTreeMap<String, u64>; 2],
}

impl RunsDiffer {
    /// Rules under which the runs counted not the same number of permits: rule, before, after.
    pub fn counted_otherwise(&self) -> Vec<(String, u64, u64)> {
        let [before, after] = &self.outcomes;
        let of = |counts: &BTreeMap<String, u64>, rule: &String| counts.get(rule).copied().unwrap_or(0);
        let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
        let lines = names.into_iter().map(|rule| (rule.clone(), of(before, rule), of(after, rule)));
        lines.filter(|(_, before, after)| before != after).collect()
    }
}

/// What a run recorded.
pub fn recorded(store: &mut Store, id: &RunId) -> Result<Recorded> {
    let row =
        store.run(id)?.ok_or_else(|| ConfigError(format!("there is no run {id}; `convoke runs list` shows them")))?;
    let none = || ConfigError(format!("run {id} is {} and has recorded no plan", row.state));
    let input = store.run_record(id, "input")?.ok_or_else(none)?;
    let plan = store.run_record(id, "plan")?.ok_or_else(none)?;
    let policy = store.run_record(id, "policy")?.ok_or_else(none)?;
    let (_, plan): (Value, Plan) = serde_json::from_slice(&plan).context("a recorded plan")?;
    let policy = serde_json::from_slice(&policy).context("recorded rules")?;
    Ok(Recorded { input: serde_json::from_slice(&input).context("a recorded input")?, plan, policy })
}

/// What differs from one run to another.
pub fn runs_differ(store: &mut Store, before: &RunId, after: &RunId) -> Result<RunsDiffer> {
    let (was, is) = (recorded(store, before)?, recorded(store, after)?);
    let rules = is.policy.as_object().map_or_else(Vec::new, |rules| {
        rules.iter().filter(|(name, rule)| was.policy.get(name) != Some(*rule)).map(|(name, _)| name.clone()).collect()
    });
    let outcomes = [store.run_outcomes(before)?, store.run_outcomes(after)?];
    Ok(RunsDiffer { plans: Difference::between((&was.input, &was.plan), (&is.input, &is.plan)), rules, outcomes })
}
