//! Reads everything in one transaction, then decides purely: verdicts, plan, figures.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{Context, Result, bail};
use chrono::NaiveDate;

use super::firm::Firm;
use super::follow::{self, Following};
use super::input::{Due, People, firm_appointments, planning_input, warnings};
use super::observation::Observation;
use super::requests::{self, Night};
use super::{Dates, FollowedCounts, Tools};
use convoke_check::{check, closes};
use convoke_domain::agenda::Jurisdiction;
use convoke_domain::eligibility::{Rule, assess};
use convoke_domain::ids::sha256_hex;
use convoke_domain::policy::Policy;
use convoke_domain::run::Stage;
use convoke_domain::slot::SlotId;
use convoke_instance::{Figures, Plan, PlanningInput, Proof};
use convoke_planning as planning;
use convoke_settings::Configuration;
use convoke_store::{Case, PermitRow, Store, VerdictChange};

/// What a night saw and decided, before anything is written.
pub(super) struct Seen {
    /// Version of the data that was seen.
    pub data_version: i64,
    pub dates: Dates,
    pub rules_hash: String,
    /// Permits due within the horizon whose title nobody has named.
    pub unknown_titles: u64,
    /// All permits by rule, tonight's verdicts included.
    pub outcomes: BTreeMap<String, u64>,
    /// Verdicts to store.
    pub changes: Vec<VerdictChange>,
    /// Live appointments to come.
    pub live: usize,
    /// Whether a verdict changed for a reason other than a convocation by a run of this date.
    pub has_news: bool,
    /// Past appointments not marked in time.
    pub unmarked: Vec<String>,
    pub input: PlanningInput,
    pub plan: Plan,
    pub figures: Figures,
    pub input_hash: String,
    pub plan_hash: String,
    /// Hash of what remains to be planned.
    pub rest_hash: String,
    pub proof: Proof,
    pub certificate: &'static str,
    /// Firm appointments in the order of commit, soonest first.
    pub firm: Vec<Firm>,
    /// Requests that get a seat beside the plan.
    pub granted: Vec<(String, SlotId)>,
    /// What is done about appointments of earlier nights.
    pub following: Following,
    pub warnings: Vec<String>,
}

impl Seen {
    /// What an operator confirms: the plan, the seats that requests get beside it, and what is done about appointments of
    /// earlier nights.
    pub(super) fn shown_hash(&self) -> String {
        let mut beside: Vec<String> = self.granted.iter().map(|(request, slot)| format!("{request} {slot}")).collect();
        beside.extend(self.following.shown());
        if beside.is_empty() {
            return self.plan_hash.clone();
        }
        sha256_hex(format!("{}\n{}", self.plan_hash, beside.join("\n")).as_bytes())
    }

    /// Whether there is nothing to do beyond what a run of this date did, which left `rest` to be planned. Compares the
    /// inputs, because equally good plans may differ.
    pub(super) fn changes_nothing_after(&self, rest: Option<&str>) -> bool {
        !self.has_news
            && self.unmarked.is_empty()
            && self.granted.is_empty()
            && !self.following.is_news()
            && rest == Some(&self.input_hash)
    }
}

/// What `convoke plan` shows; nothing is written.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Business date.
    pub business_date: NaiveDate,
    /// All permits by rule.
    pub outcomes: BTreeMap<String, u64>,
    /// What the planner saw.
    pub input: PlanningInput,
    /// The plan.
    pub plan: Plan,
    /// The proof of the plan.
    pub proof: Proof,
    /// Appointments that would be firm, soonest first.
    pub firm: Vec<Firm>,
    /// Requests that would get a seat beside the plan.
    pub granted: Vec<(String, SlotId)>,
    /// What would be done about appointments of earlier nights.
    pub followed: FollowedCounts,
    /// Releases that this plan carries out, and that a night by itself would withhold.
    pub above_limit: u64,
    /// `closed` or `open`.
    pub certificate: &'static str,
    /// The day of the run, from which notice is counted.
    pub dates: Dates,
    /// Version of the data that was seen.
    pub data_version: i64,
    /// Whether a run of this date has already done everything.
    pub settled: bool,
    /// Its figures.
    pub figures: Figures,
    /// SHA-256 of the input.
    pub input_hash: String,
    /// SHA-256 of the plan, for `run --plan`; it covers the seats that requests get beside the plan.
    pub plan_hash: String,
    /// SHA-256 of the rules.
    pub policy_hash: String,
    /// What the operator should know.
    pub warnings: Vec<String>,
}

/// Plans a date without writing anything.
pub fn preview(
    store: &mut Store,
    config: &Configuration,
    date: Option<NaiveDate>,
    for_whom: For,
    tools: &mut Tools<'_>,
) -> Result<Preview> {
    let mut dates = Dates::of(date, tools.clock, config)?;
    if dates.business > dates.today {
        // A future night is planned as if it were today.
        dates.today = dates.business;
        dates.next_night = super::dates::next_night(config, dates.business)?;
    }
    let seen = observe(store, config, dates, for_whom, tools)?;
    let followed = seen.following.counts();
    let released = followed.released + followed.told;
    let is_above = config.settings.policy.follow.withholds(released as usize, seen.live);
    let last = store.completed_run(dates.business)?;
    let shown = seen.shown_hash();
    let settled = last.is_some_and(|last| seen.changes_nothing_after(last.rest_hash.as_deref()));
    Ok(Preview {
        settled,
        business_date: dates.business,
        dates,
        data_version: seen.data_version,
        outcomes: seen.outcomes,
        input: seen.input,
        plan: seen.plan,
        proof: seen.proof,
        firm: seen.firm,
        certificate: seen.certificate,
        figures: seen.figures,
        input_hash: seen.input_hash,
        plan_hash: shown,
        granted: seen.granted,
        followed: seen.following.counts(),
        above_limit: if is_above { released } else { 0 },
        policy_hash: config.settings.policy.hash(),
        warnings: seen.warnings,
    })
}

/// The verdicts of one night, given row by row as permits are read: a million permits are never in memory at once.
struct Verdicts<'a, 'o> {
    policy: &'a Policy,
    jurisdiction: &'a Jurisdiction,
    today: NaiveDate,
    /// Day of each holder's live convocation.
    convoked: HashMap<String, NaiveDate>,
    /// Permits whose last appointment was honoured.
    honoured: &'o HashSet<String>,
    /// Holders convoked by runs of this date.
    ours: HashSet<String>,
    /// All permits by rule: by stored verdict for those not read, and by tonight's for those read.
    outcomes: BTreeMap<String, u64>,
    /// Whether `outcomes` includes the stored verdicts of those read.
    counted: bool,
    /// Verdicts given tonight that `outcomes` does not count yet, by rule.
    given: Vec<u64>,
    changes: Vec<VerdictChange>,
    due: Vec<Due<'a>>,
    has_news: bool,
    read: u64,
}

impl<'a, 'o> Verdicts<'a, 'o> {
    /// `known`: all permits by stored verdict; `None` if all are read.
    fn new(
        (policy, jurisdiction): (&'a Policy, &'a Jurisdiction),
        today: NaiveDate,
        seen: &'o Observation,
        runs_of_date: &str,
        known: Option<BTreeMap<String, u64>>,
    ) -> Self {
        let ours = |l: &&Case| l.run_id.as_ref().is_some_and(|id| id.starts_with(runs_of_date));
        Self {
            policy,
            jurisdiction,
            today,
            convoked: seen.live.iter().map(|l| (l.holder_id.clone(), l.slot_id.day)).collect(),
            honoured: &seen.honoured,
            ours: seen.live.iter().filter(ours).map(|l| l.holder_id.clone()).collect(),
            counted: known.is_some(),
            // The database counts those not read; if all are read, counting starts from nothing, so that none counts
            // twice.
            outcomes: known.unwrap_or_default(),
            given: vec![0; Rule::ALL.len()],
            changes: Vec::new(),
            due: Vec::new(),
            has_news: false,
            read: 0,
        }
    }

    fn take(&mut self, row: PermitRow) -> Result<()> {
        let facts = row.facts(self.convoked.get(&row.holder_id).copied(), self.honoured.contains(&row.permit_id));
        let verdict = assess(&facts, self.policy, self.jurisdiction, self.today);
        let kind = facts.kind;
        self.read += 1;
        let changed = !row.has_rule(verdict.rule);
        if self.counted && changed {
            let left =
                self.outcomes.get_mut(row.stored_rule()).context("the permits by rule and the permits disagree")?;
            *left -= 1;
        }
        self.given[verdict.rule as usize] += u64::from(changed || !self.counted);
        if changed || !row.is_reviewed_by(verdict.review_on, self.today) {
            // A verdict that was only reviewed, unchanged, is no news.
            self.has_news |= changed && (verdict.rule != Rule::AlreadyConvoked || !self.ours.contains(&row.holder_id));
            self.changes.push(VerdictChange {
                permit_id: row.permit_id.clone(),
                rule: verdict.rule,
                review_on: verdict.review_on,
            });
        }
        if let (Rule::Due | Rule::DueLate, Some(window)) = (verdict.rule, verdict.window) {
            self.due.push(Due { permit: row, kind, window });
        }
        Ok(())
    }
}

/// What is planned for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// A night by itself, which also serves written requests, and withholds releases above the limit of policy.
    Night,
    /// The same once a person has looked at its plan: nothing is withheld.
    Shown,
    /// An act at the counter, which may only use what the plan can spare.
    Act,
}

/// Checks the plan, and returns whether its certificate closes. A plan that is possible but not proved best is better
/// than none, but somebody must look.
fn judge(plan: &Plan, input: &PlanningInput, proof: &Proof, warnings: &mut Vec<String>) -> Result<&'static str> {
    let findings = check(plan, input);
    // If planner and checker disagree, nobody is convoked tonight and somebody is called. The error names the gravest
    // finding.
    if let Some(gravest) = findings.iter().max_by_key(|finding| finding.severity()) {
        bail!("the checker refused the plan ({} findings), and nothing was written: {gravest}", findings.len());
    }
    if closes(proof) {
        return Ok("closed");
    }
    tracing::error!("The certificate of the plan does not close: the plan is not proved to be the best");
    warnings.push(
        "Le certificat du plan est ouvert\u{a0}: rien ne prouve que ce plan soit le meilleur. À signaler.".into(),
    );
    Ok("open")
}

pub(super) fn observe(
    store: &mut Store,
    config: &Configuration,
    dates: Dates,
    for_whom: For,
    tools: &mut Tools<'_>,
) -> Result<Seen> {
    let id_key = store.persist(|s| s.id_key(tools.entropy))?;
    let rules_hash = config.rules_hash();
    let watch = convoke_machine::clock::Stopwatch::start();
    let policy = &config.settings.policy;
    let jurisdiction = config.agenda.jurisdiction();
    let runs_of_date = format!("{}/{}/", store.prefecture(), dates.business);
    (tools.progress)(Stage::Reading, 0, 0);
    let read = |s: &mut Store| {
        let known_rules = s.assessed_with()?.is_some_and(|known| known == rules_hash);
        // Under different rules, every verdict may differ.
        let review = known_rules.then(|| dates.business.max(dates.today));
        let mut observation = Observation::read(s, config, dates, for_whom)?;
        let known = if review.is_some() { Some(s.permits_by_rule()?) } else { None };
        let today = dates.business;
        let given_back = match for_whom {
            For::Act => Vec::new(),
            For::Night | For::Shown => follow::give_back(config, &jurisdiction, dates, &mut observation)?,
        };
        let mut verdicts = Verdicts::new((policy, &jurisdiction), today, &observation, &runs_of_date, known);
        let days = given_back.iter().map(|(found, holder)| (holder.clone(), found.slot.day));
        verdicts.convoked.extend(days);
        s.permits_to_review(review, |row| verdicts.take(row))?;
        tracing::info!(
            permits = verdicts.read,
            due = verdicts.due.len(),
            seconds = watch.seconds(),
            "Read and assessed {} permits",
            verdicts.read
        );
        let due = verdicts.due.iter().map(|d| d.permit.holder_id.as_str());
        let convoked = observation.live.iter().filter(|l| l.slot_id.day >= dates.today).map(|l| l.holder_id.as_str());
        let holders = s.holders(&due.chain(convoked).collect::<Vec<_>>())?;
        let ids: Vec<&str> = verdicts.due.iter().map(|d| d.permit.permit_id.as_str()).collect();
        let first_seen = s.first_seen(&ids)?;
        let Verdicts { outcomes, given, changes, due, has_news, .. } = verdicts;
        let verdicts = (outcomes, given, changes, due, has_news);
        Ok((s.data_version()?, verdicts, observation, given_back, (holders, first_seen)))
    };
    let (data_version, verdicts, observation, given_back, (holders, first_seen)) = store.persist(|s| s.read(read))?;
    let (mut outcomes, given, changes, due, has_news) = verdicts;
    for (rule, given) in Rule::ALL.iter().zip(given) {
        *outcomes.entry(rule.code().to_owned()).or_default() += given;
    }
    outcomes.retain(|_, n| *n > 0);

    (tools.progress)(Stage::Planning, 0, due.len() as u64);
    let people = People { due: &due, holders: &holders, first_seen: &first_seen };
    let mut following = follow::decide(config, &jurisdiction, dates, &observation, for_whom);
    following.found.extend(given_back.into_iter().map(|(found, _)| found));
    let mut released: HashMap<&SlotId, u64> = HashMap::new();
    for slot in following.released() {
        *released.entry(slot).or_default() += 1;
    }
    let input = planning_input(config, &jurisdiction, dates, (&observation, &released), people, &id_key)?;
    let following_and_input = (&following, input);
    let input = follow::take_part(config, &jurisdiction, dates, (&observation, people), &id_key, following_and_input)?;
    let changed = changes.iter().map(|c| (c.permit_id.as_str(), c.rule)).collect();
    let night = Night { config, jurisdiction: &jurisdiction, dates, slots: &observation.slots, changed: &changed };
    let (input, granted) = requests::serve(&night, &observation.requests, input)?;
    let (plan, proof) = planning::plan(&input).context("planning: check the weights and ranks of policy and agenda")?;
    let by_id: HashMap<&str, &Due<'_>> = due.iter().map(|d| (d.permit.permit_id.as_str(), d)).collect();
    let firm = firm_appointments(&plan, &input, &by_id);
    follow::settle(&mut following, &observation, &plan, &input);
    let unmarked = observation
        .live
        .iter()
        .filter(|l| (dates.business - l.slot_id.day).num_days() > i64::from(policy.mark_days))
        .map(|l| l.reference.clone())
        .collect();
    let mut warnings = warnings(config, dates, &observation, &plan, &input)?;
    let certificate = judge(&plan, &input, &proof, &mut warnings)?;
    Ok(Seen {
        data_version,
        dates,
        rules_hash,
        outcomes,
        changes,
        has_news,
        unmarked,
        figures: plan.figures(&input),
        input_hash: input.hash(),
        plan_hash: plan.hash(&input),
        rest_hash: input.after(&plan).hash(),
        certificate,
        unknown_titles: observation.unknown_titles.iter().map(|unknown| unknown.due).sum(),
        proof,
        input,
        plan,
        firm,
        granted,
        live: observation.live.iter().filter(|l| l.slot_id.day > dates.today).count(),
        following,
        warnings,
    })
}
