//! What runs recorded about their plans, and what differs between two of them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::Firm;
use convoke_domain::ids::RunId;
use convoke_instance::diff::Difference;
use convoke_instance::{Plan, PlanningInput};
use convoke_settings::ConfigError;
use convoke_store::{Record, Store};

/// The input of a run's plan, and the plan.
pub struct Recorded {
    /// What the planner saw.
    pub input: PlanningInput,
    /// The plan.
    pub plan: Plan,
    /// The rules by name.
    pub policy: Value,
}

/// What differs between two runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunsDiffer {
    /// People, seats, days.
    pub plans: Difference,
    /// Names of rules that differ.
    pub rules: Vec<String>,
    /// Permits by rule, in each run.
    pub outcomes: [BTreeMap<String, u64>; 2],
}

impl RunsDiffer {
    /// Rules under which the runs counted different numbers of permits: rule, before, after.
    pub fn counted_otherwise(&self) -> Vec<(String, u64, u64)> {
        let [before, after] = &self.outcomes;
        let of = |counts: &BTreeMap<String, u64>, rule: &String| counts.get(rule).copied().unwrap_or(0);
        let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
        let lines = names.into_iter().map(|rule| (rule.clone(), of(before, rule), of(after, rule)));
        lines.filter(|(_, before, after)| before != after).collect()
    }
}

/// A plan as its run records it: the firm appointments in the order of commit, and the whole plan.
#[derive(Deserialize)]
#[serde(from = "(Vec<Firm>, Plan)")]
pub(super) struct RecordedPlan {
    pub(super) firm: Vec<Firm>,
    pub(super) plan: Plan,
}

impl From<(Vec<Firm>, Plan)> for RecordedPlan {
    fn from((firm, plan): (Vec<Firm>, Plan)) -> Self {
        Self { firm, plan }
    }
}

impl RecordedPlan {
    pub(super) fn record(firm: &[Firm], plan: &Plan) -> Result<Record> {
        Record::of("plan", &serde_json::to_vec(&(firm, plan))?)
    }

    /// The firm appointments of a run; the rest of its plan is not read.
    pub(super) fn firm_of(store: &mut Store, id: &RunId) -> Result<Vec<Firm>> {
        let (firm, _): (Vec<Firm>, IgnoredAny) = read(store, id, "plan")?;
        Ok(firm)
    }
}

/// A record of a run that has stored its plan: `input`, `plan` or `policy`.
pub(super) fn read<T: DeserializeOwned>(store: &mut Store, id: &RunId, kind: &'static str) -> Result<T> {
    read_if_recorded(store, id, kind)?.with_context(|| format!("the {kind} of run {id} was not recorded"))
}

/// The same for a run that may have stored none.
fn read_if_recorded<T: DeserializeOwned>(store: &mut Store, id: &RunId, kind: &'static str) -> Result<Option<T>> {
    let Some(bytes) = store.run_record(id, kind)? else { return Ok(None) };
    Ok(Some(serde_json::from_slice(&bytes).with_context(|| format!("reading the recorded {kind} of run {id}"))?))
}

/// Input and plan of a run; `None` if it recorded none.
pub(super) fn input_and_plan(store: &mut Store, id: &RunId) -> Result<Option<(PlanningInput, RecordedPlan)>> {
    Ok(read_if_recorded(store, id, "input")?.zip(read_if_recorded(store, id, "plan")?))
}

/// What a run recorded.
pub fn recorded(store: &mut Store, id: &RunId) -> Result<Recorded> {
    let row =
        store.run(id)?.ok_or_else(|| ConfigError(format!("there is no run {id}; `convoke runs list` shows them")))?;
    let none = || ConfigError(format!("run {id} is {} and has recorded no plan", row.state));
    let (input, plan) = input_and_plan(store, id)?.ok_or_else(none)?;
    Ok(Recorded { input, plan: plan.plan, policy: read(store, id, "policy")? })
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
