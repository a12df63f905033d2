//! A run: observe → assess → follow → plan → check → commit, for one business date.
//!
//! Everything is read in one transaction, everything is decided purely, and results are written once: first the
//! records, which have no effect yet; then verdicts and plan together, which put them into effect; then the firm
//! appointments in chunks. A kill at any point leaves either nothing in effect, or a plan that the next process
//! finishes: never a letter without a seat, nor a seat without a letter.

mod again;
mod appointment;
mod circumstances;
mod commit;
mod correspondence;
mod dates;
mod dossier;
mod explain;
mod firm;
mod follow;
mod forecast;
mod input;
mod letters;
mod observation;
mod observe;
mod period;
mod planned;
mod recorded;
mod report;
mod requests;
mod shown;
mod stop;
mod suites;
mod summary;
mod timeline;
mod tools;

use anyhow::{Context, Result, bail};
use chrono::NaiveDate;

pub use again::Again;
pub(crate) use appointment::{Convocation, Made, Occasion, Person};
pub use dates::Dates;
pub use dossier::{Asked, dossier};
pub use explain::explain;
pub use firm::Firm;
pub use forecast::forecast;
pub use letters::letters_of_plan;
pub use observe::{For, Preview, preview};
pub use period::{acts_between, endings_between, files_of_days, period};
pub use recorded::{Recorded, RunsDiffer, recorded, runs_differ};
pub use report::{outline, report};
pub use shown::{keep_shown, recall_shown};
pub use stop::{Stopped, stop};
pub use summary::{FollowedCounts, Lapses, Letters, Requests, Summary};
pub use timeline::timeline;
pub use tools::Tools;

use crate::titles;
use convoke_domain::ids::RunId;
use convoke_domain::run::{RunState, Trigger};
use convoke_instance::{Figures, Plan, PlanningInput};
use convoke_machine::fault;
use convoke_machine::process;
use convoke_settings::{ConfigError, Configuration};
use convoke_store::{Acquired, NewRun, RunRow, Store};

/// A run to be made.
#[derive(Clone, Debug)]
pub struct Request {
    /// Business date; today if absent.
    pub date: Option<NaiveDate>,
    /// Carry out exactly the plan of this hash, or refuse.
    pub plan: Option<String>,
    /// Carry it out even if it makes more firm than `max_firm_per_run`, or releases more than policy allows by itself: the
    /// operator has looked at the plan.
    pub past_limit: bool,
    /// Login name.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
}

/// The outcome of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Done.
    Done(Summary),
    /// The date was already up to date; the summary is that of its last run.
    NothingNew(Summary),
    /// Another process is working on a run.
    Busy(RunId),
    /// More firm appointments than `max_firm_per_run`: nothing was written.
    TooManyFirm {
        /// Firm appointments of the plan.
        firm: u64,
        /// The most that a run makes without confirmation.
        max: u32,
        /// Hash of the plan, to be confirmed.
        plan_hash: String,
    },
    /// The plan is not the one that was shown: nothing was written.
    PlanChanged {
        /// The plan that was asked for.
        asked: String,
        /// The plan as it would be now.
        now: String,
        /// Its figures.
        figures: Figures,
        /// Its input, and the plan itself.
        plan: Box<(PlanningInput, Plan)>,
    },
}

/// Brings a business date up to date. Running twice is always safe, so it retries by itself when the database
/// connection is lost.
pub fn run(
    store: &mut Store,
    config: &Configuration,
    trigger: Trigger,
    request: &Request,
    tools: &mut Tools<'_>,
) -> Result<Outcome> {
    let mut owner = None;
    store.persist(|store| {
        // A run that this process itself started earlier is its own to finish.
        let own = owner.replace(process::identity());
        attempt(store, config, trigger, request, own.as_deref(), tools)
    })
}

fn attempt(
    store: &mut Store,
    config: &Configuration,
    trigger: Trigger,
    request: &Request,
    own: Option<&str>,
    tools: &mut Tools<'_>,
) -> Result<Outcome> {
    // Templates that fail are found before anything is started.
    config.templates()?;
    let dates = Dates::of(request.date, tools.clock, config)?;
    if dates.business > dates.today {
        bail!(ConfigError(format!(
            "a run for {} is not possible before that day; `convoke plan --date {0}` shows what it would do",
            dates.business
        )));
    }
    refuse_stale_extract(store, config, dates.today)?;
    let new = NewRun {
        business_date: dates.business,
        trigger,
        actor: request.actor.clone(),
        reason: request.reason.clone(),
        owner: process::identity(),
    };
    loop {
        match store.acquire_run(&new, tools.clock.now(), |owner| own == Some(owner) || process::has_ended(owner))? {
            Acquired::Busy(id) => return Ok(Outcome::Busy(id)),
            Acquired::New(row) => {
                return guarded(store, &row, tools, |store, tools| begin(store, config, request, dates, &row, tools));
            }
            Acquired::TakenOver(row) => {
                tracing::warn!(run.id = %row.run_id, epoch = row.epoch, "Resuming run {}, which was interrupted", row.run_id);
                if let Some(done) = resume(store, config, request, &row, tools)?
                    && row.business_date == dates.business
                    // An operator who named a plan must be answered about that plan.
                    && request.plan.is_none()
                {
                    return Ok(Outcome::Done(done));
                }
            }
        }
    }
}

/// Finishes the run of a process that has ended. `None` if it had not decided anything: the run is then deleted.
fn resume(
    store: &mut Store,
    config: &Configuration,
    request: &Request,
    row: &RunRow,
    tools: &mut Tools<'_>,
) -> Result<Option<Summary>> {
    if row.state == RunState::Observing {
        store.forget_run(row)?;
        return Ok(None);
    }
    guarded(store, row, tools, |store, tools| commit::commit_chunks(store, config, row, None, &request.actor, tools))
        .map(Some)
}

/// An error before the plan is stored ends the run as failed: nothing was written. After that, the run stays open and
/// the next process finishes it.
fn guarded<T>(
    store: &mut Store,
    row: &RunRow,
    tools: &mut Tools<'_>,
    steps: impl FnOnce(&mut Store, &mut Tools<'_>) -> Result<T>,
) -> Result<T> {
    steps(store, tools).inspect_err(|error| {
        let id = RunId(row.run_id.clone());
        if store.run(&id).ok().flatten().is_some_and(|now| now.state == RunState::Observing) {
            let ended =
                store.write(|s| s.end_run(row, RunState::Failed, None, Some(&format!("{error:#}")), tools.clock.now()));
            if let Err(e) = ended {
                tracing::error!(run.id = %row.run_id, "The run failed, and its failure could not be recorded: {e:#}");
            }
        }
    })
}

/// How often a run plans when its data changes meanwhile; even an import every minute does not need more.
const OBSERVATIONS_MAX: u32 = 5;

fn begin(
    store: &mut Store,
    config: &Configuration,
    request: &Request,
    dates: Dates,
    row: &RunRow,
    tools: &mut Tools<'_>,
) -> Result<Outcome> {
    for _ in 0..OBSERVATIONS_MAX {
        if let Some(outcome) = observe_and_commit(store, config, request, dates, row, tools)? {
            return Ok(outcome);
        }
        tracing::warn!(run.id = %row.run_id, "Data changed while run {} was being planned: planning again", row.run_id);
    }
    bail!(
        "the data changed {OBSERVATIONS_MAX} times while the run was being planned: run again once imports have ended"
    )
}

/// `None` if the data changed between reading and storing.
fn observe_and_commit(
    store: &mut Store,
    config: &Configuration,
    request: &Request,
    dates: Dates,
    row: &RunRow,
    tools: &mut Tools<'_>,
) -> Result<Option<Outcome>> {
    // Under other rules a title may have another meaning.
    if store.assessed_with()?.is_none_or(|known| known != config.rules_hash()) {
        store.write(|s| titles::settle(s, &config.settings.policy.titles))?;
    }
    // A person who names a plan has looked at what it releases.
    let for_whom = if request.past_limit { For::Shown } else { For::Night };
    let seen = observe::observe(store, config, dates, for_whom, tools)?;
    fault::point("after-observe");
    let (figures, plan_hash) = (seen.figures, seen.shown_hash());
    let firm = (figures.firm + figures.late_firm + seen.granted.len()) as u64;
    if let Some(asked) = &request.plan
        && (!plan_hash.starts_with(asked.as_str()) || asked.len() < 8)
    {
        store.write(|s| s.forget_run(row))?;
        let plan = Box::new((seen.input, seen.plan));
        return Ok(Some(Outcome::PlanChanged { asked: asked.clone(), now: plan_hash, figures, plan }));
    }
    let max = config.settings.policy.max_firm_per_run;
    if firm > u64::from(max) && !request.past_limit {
        store.write(|s| {
            s.end_run(
                row,
                RunState::Stopped,
                None,
                Some(&format!("{firm} firm appointments, more than max_firm_per_run ({max})")),
                tools.clock.now(),
            )
        })?;
        return Ok(Some(Outcome::TooManyFirm { firm, max, plan_hash }));
    }
    if let Some(last) = store.persist(|s| s.completed_run(dates.business))?
        && seen.changes_nothing_after(last.rest_hash.as_deref())
    {
        store.write(|s| s.forget_run(row))?;
        let summary = last.summary.context("a completed run has a summary")?;
        return Ok(Some(Outcome::NothingNew(serde_json::from_str(&summary).context("the summary of a run")?)));
    }
    // Planning takes long: it is not repeated because a connection was lost meanwhile.
    if !store.persist(|s| commit::store_plan(s, config, row, &seen, tools))? {
        return Ok(None);
    }
    let summary = commit::commit_chunks(store, config, row, Some(&seen.firm), &request.actor, tools)?;
    Ok(Some(Outcome::Done(summary)))
}

/// An old extract convokes people who have already renewed: a run warns, then refuses.
fn refuse_stale_extract(store: &mut Store, config: &Configuration, today: NaiveDate) -> Result<()> {
    let limit = config.settings.policy.extract_refuse_days;
    if let Some(age) = store.last_extract()?.map(|day| (today - day).num_days())
        && age > i64::from(limit)
    {
        bail!(ConfigError(format!(
            "the last extract is {age} days old, more than extract_refuse_days ({limit}): import a new one with `convoke import permits FILE`"
        )));
    }
    Ok(())
}
