//! Starting a run of today with a plan that was shown, and what came of it.

use anyhow::Result;

use crate::failure::Failure;
use crate::jobs::{Ended, Kind};
use crate::pages::night::Night;
use crate::visit::Visit;
use crate::worker::Worker;
use convoke_domain::run::RunState;
use convoke_instance::Figures;
use convoke_instance::diff::Difference;
use convoke_machine::process;
use convoke_office::acts;
use convoke_office::night::{Starter, carry_out};
use convoke_office::run::{Outcome, Request, recall_shown};

/// A plan that was to be carried out, but has changed.
pub(super) struct Changed {
    pub(super) asked: String,
    pub(super) now: String,
    pub(super) figures: Figures,
    /// `None` if the confirmed plan is no longer known.
    pub(super) differs: Option<Difference>,
}

/// Starts a run of today, with exactly this plan.
pub(in crate::pages) fn begin_run(
    visit: &mut Visit<'_, '_>,
    plan: String,
    past_limit: bool,
    reason: &str,
) -> Result<(), Failure> {
    let reason = acts::reason(reason).map_err(Failure::Reason)?.to_owned();
    let (now, today, t) = (visit.now(), visit.today(), visit.words());
    if visit.store.is_run_in_progress(now, process::has_ended)? {
        return Err(Failure::Text(t.say("runs-busy")));
    }
    if let Some(cut_off) = visit.store.active_run()?.filter(|run| run.state == RunState::Committing) {
        // The next run ends it, with letters that nobody has counted here.
        return Err(Failure::Text(t.with("runs-cut-off", "what", cut_off.run_id)));
    }
    let limit = visit.config().settings.policy.extract_refuse_days;
    if let Some(day) = visit.store.last_extract()?
        && (today - day).num_days() > i64::from(limit)
    {
        return Err(Failure::Text(t.with("runs-old-extract", "day", t.date(day))));
    }
    visit.begin(Kind::Run, move |worker| {
        let actor = worker.actor.clone();
        let request = Request { past_limit, date: None, plan: Some(plan), actor, reason: Some(reason) };
        let outcome = worker
            .with_tools(|store, config, tools| carry_out(store, config, Starter::Person, &request, tools).outcome)?;
        conclude(worker, outcome)
    })
}

/// The result of a run, in a sentence.
pub(super) fn conclude(worker: &mut Worker<'_>, outcome: Outcome) -> Result<Ended> {
    let t = worker.t;
    Ok(match outcome {
        Outcome::Done(summary) => {
            let (letters, firm) = (summary.letters.queued + summary.letters.to_post, summary.firm + summary.late_firm);
            let mut notice = format!("{} {}", t.count("runs-done-firm", firm), t.count("runs-done-letters", letters));
            let lapses = summary.lapses.no_possible_day + summary.lapses.no_capacity;
            if lapses > 0 {
                notice = format!("{notice} {}", t.count("runs-done-lapses", lapses));
            }
            worker.well(notice, Some(format!("/executions/{}", summary.run)))
        }
        Outcome::NothingNew(summary) => {
            let notice = t.with("runs-nothing-new", "day", t.date(summary.business_date));
            worker.well(notice, Some(format!("/executions/{}", summary.run)))
        }
        Outcome::Busy(id) => worker.refused(t.say("runs-busy"), Some(format!("/executions/{id}"))),
        Outcome::TooManyFirm { firm, max, .. } => {
            let notice = t.with2("runs-too-many", ("firm", &t.number(firm)), ("max", &t.number(max)));
            worker.refused(notice, Some("/apercu".into()))
        }
        Outcome::PlanChanged { asked, now, figures, plan } => {
            let shown = worker.kept::<Night>().filter(|night| night.what.plan_hash == asked);
            let is = (&plan.0, &plan.1);
            let differs = match shown {
                Some(night) => Some(Difference::between((&night.what.planned.0, &night.what.planned.1), is)),
                None => {
                    recall_shown(&worker.config.folder, &asked)?.map(|was| Difference::between((&was.0, &was.1), is))
                }
            };
            worker.keep(Changed { asked, now, figures, differs });
            worker.refused(t.say("runs-plan-changed"), Some("/executions/refus".into()))
        }
    })
}
