//! Exécution: the funnel of one run, what failed and why, its hashes and files; stopping and resuming it.

use askama::Template;
use serde::Deserialize;

use super::address::{id_of, row_of};
use super::files::{self, Prepared};
use super::start::conclude;
use crate::answer::html;
use crate::charts::Rows;
use crate::failure::{Answer, Failure};
use crate::frame::Frame;
use crate::jobs::{Ended, Kind};
use crate::visit::Visit;
use crate::worker::Progress;
use convoke_domain::run::RunState;
use convoke_domain::seal::Sealed;
use convoke_machine::confirm::Confirmed;
use convoke_machine::process;
use convoke_office::acts::{self, Cause, by_cause};
use convoke_office::night;
use convoke_office::run::outline;
use convoke_report::{Funnel, RunReport, words};
use convoke_store::RunRow;

/// Number of runs offered for comparison.
const OTHERS: i64 = 30;

#[derive(Template)]
#[template(path = "console/run.html")]
struct One {
    frame: Frame,
    row: RunRow,
    /// `/executions/94/2026-10-05/1`.
    path: String,
    state: String,
    trigger: String,
    active: bool,
    /// Whether its process has ended or is silent.
    left: bool,
    running: Option<Progress>,
    outlined: Option<Outlined>,
    causes: Vec<(Cause, &'static str)>,
    /// Other runs that stored a plan, latest first.
    others: Vec<RunRow>,
    making: Option<Progress>,
    made: Option<Ended>,
    files: Vec<&'static files::Offered>,
}

struct Outlined {
    report: RunReport,
    sentence: String,
    funnel: Funnel,
    chart: Rows,
    certificate: String,
    sealed: Option<Sealed>,
    letters: Vec<(String, String, u64)>,
}

pub(super) fn show(visit: &mut Visit<'_, '_>) -> Answer {
    let id = id_of(visit);
    let row = row_of(visit, &id)?;
    let (config, now, t) = (visit.config(), visit.now(), visit.words());
    let path = format!("/executions/{id}");
    let (report, failing, sealed, others) = visit.store.read(|s| {
        let others = s.runs_before(None, None, OTHERS)?;
        Ok((outline(s, config, &row)?, s.failing_letters_of_run(&id.0)?, s.seal_of(&id)?, others))
    })?;
    let causes = by_cause(failing).into_iter().map(|c| (words::letter_state(c.state), c)).map(|(label, c)| (c, label));
    let outlined = report.map(|report| {
        let funnel = Funnel::of(&report);
        let stages = funnel.examined.iter().chain(&funnel.convoked);
        let figures = stages.map(|s| (s.label.to_owned(), s.count, t.number(s.count), s.alert && s.count > 0));
        Outlined {
            chart: Rows::new("entonnoir", t.say("run-funnel"), figures),
            sentence: report.sentence(),
            certificate: words::certificate(&report.certificate).to_owned(),
            letters: report
                .letters
                .iter()
                .map(|l| {
                    let state = words::label(&l.state, words::letter_state);
                    (words::label(&l.channel, words::channel), state, l.letters)
                })
                .collect(),
            funnel,
            sealed,
            report,
        }
    });
    let prepared = visit.kept::<Prepared>().filter(|kept| kept.what.run == id);
    let active = row.state.is_active();
    let page = One {
        state: words::run_state(row.state).to_owned(),
        trigger: words::trigger(row.trigger).to_owned(),
        active,
        left: active && (row.lease_until <= now.naive_utc() || process::has_ended(&row.owner)),
        running: if active { visit.progress(Kind::Run, &path) } else { None },
        causes: causes.collect(),
        others: others.into_iter().filter(|o| o.run_id != row.run_id && o.plan_hash.is_some()).collect(),
        making: visit.progress(Kind::Report, &path),
        made: visit.ended(Kind::Report).filter(|ended| ended.bad && ended.path.as_ref() == Some(&path)),
        files: prepared.map(|kept| files::offered(&kept.what)).unwrap_or_default(),
        frame: visit.frame("run-title"),
        outlined,
        path,
        row,
    };
    html(&page)
}

#[derive(Deserialize)]
struct Stop {
    #[serde(default)]
    raison: String,
    #[serde(default)]
    execution: String,
}

pub(super) fn stop(visit: &mut Visit<'_, '_>) -> Answer {
    let form: Stop = visit.asked.form()?;
    let id = id_of(visit);
    row_of(visit, &id)?;
    let confirmed = Confirmed::typed(&form.execution, &id.0).ok_or(Failure::Unconfirmed)?;
    let stopped = visit.by_hand(&form.raison, |store, hand| {
        convoke_office::run::stop(store, &id, (hand.actor, hand.reason), hand.clock, &confirmed)
    })?;
    let t = visit.words();
    let notice = match stopped {
        Some(s) => t.with2("run-stopped", ("committed", &t.number(s.committed)), ("left", &t.number(s.left))),
        None => t.say("run-had-ended"),
    };
    visit.done(notice, &format!("/executions/{id}"))
}

#[derive(Deserialize)]
struct Resume {
    #[serde(default)]
    raison: String,
}

pub(super) fn resume(visit: &mut Visit<'_, '_>) -> Answer {
    let form: Resume = visit.asked.form()?;
    let id = id_of(visit);
    let row = row_of(visit, &id)?;
    let reason = acts::reason(&form.raison).map_err(Failure::Reason)?.to_owned();
    if !row.state.is_active() {
        return Err(Failure::Text(visit.words().say("run-had-ended")));
    }
    if row.state == RunState::Observing {
        // It would be planned anew, and nobody has counted what that makes firm.
        return Err(Failure::Text(visit.words().say("run-nothing-decided")));
    }
    let path = format!("/executions/{id}");
    visit.begin(Kind::Run, move |worker| {
        let actor = worker.actor.clone();
        let outcome =
            worker.with_tools(|store, config, tools| night::resume(store, config, &id, actor, reason, tools))?;
        conclude(worker, outcome)
    })?;
    let begun = visit.words().say("runs-begun");
    visit.done(begun, &path)
}
