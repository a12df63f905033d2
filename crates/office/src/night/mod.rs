//! A night from end to end, the same whoever starts it: the inbox, the run, the sheets of the morning, and the watcher
//! outside.

mod inbox;
mod watcher;

use anyhow::{Context, Result};
use chrono::NaiveDate;
use convoke_domain::ids::RunId;
use convoke_domain::run::{RunState, Trigger};
use convoke_machine::process;
use convoke_settings::{ConfigError, Configuration};
use convoke_store::Store;

pub use inbox::Taken;

use crate::run::{Outcome, Request, Tools, run};
use crate::sheet;
use watcher::Watch;

/// Who starts a night.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starter {
    /// `convoke serve`, which has looked at the clock before.
    Server,
    /// A timer outside: cron, systemd.
    Timer,
    /// Somebody, by hand: they have looked at the plan, so nothing is imported between that and the run.
    Person,
}

impl Starter {
    /// As the run keeps it.
    pub const fn trigger(self) -> Trigger {
        match self {
            Self::Server | Self::Timer => Trigger::Cron,
            Self::Person => Trigger::Hand,
        }
    }
}

/// What came of a night.
#[derive(Debug)]
pub struct Night {
    /// The files of the inbox. What is wrong with it stops no night: an extract that grows too old does.
    pub inbox: Result<Vec<Taken>>,
    /// The run.
    pub outcome: Result<Outcome>,
    /// How many sheets there are for counter and door, whatever came of the run: people come in the morning all the
    /// same.
    pub sheets: Result<usize>,
}

/// Carries out the night of a request.
pub fn carry_out(
    store: &mut Store,
    config: &Configuration,
    starter: Starter,
    request: &Request,
    tools: &mut Tools<'_>,
) -> Night {
    let by_itself = starter != Starter::Person;
    let date = request.date.unwrap_or_else(|| tools.clock.today(config.settings.prefecture.zone));
    let watch = Watch::over(config, date);
    if by_itself {
        watch.begin();
    }
    let inbox = if by_itself { inbox::take(store, config, tools.clock) } else { Ok(Vec::new()) };
    let outcome = run(store, config, starter.trigger(), request, tools);
    let sheets = if by_itself { sheet::write_due(store, config, tools.clock) } else { Ok(0) };
    match &outcome {
        // The night is done, and somebody must look at the extract.
        Ok(Outcome::Done(summary)) if summary.followed.withheld > 0 => {
            watch.fail(&format!(
                "{} releases of appointments are withheld: is the extract right?",
                summary.followed.withheld
            ));
        }
        Ok(Outcome::Done(summary) | Outcome::NothingNew(summary)) => watch.succeed(&summary.run),
        Ok(Outcome::Busy(_)) => watch.leave(),
        // A person is told, and decides; nobody sees what a timer's run would have asked.
        Ok(Outcome::TooManyFirm { .. } | Outcome::PlanChanged { .. }) if !by_itself => watch.leave(),
        Ok(Outcome::TooManyFirm { firm, max, .. }) => {
            watch.fail(&format!("{firm} firm appointments, more than max_firm_per_run ({max})"));
        }
        Ok(Outcome::PlanChanged { .. }) => watch.fail("the plan changed"),
        Err(error) => watch.fail(&format!("{error:#}")),
    }
    Night { inbox, outcome, sheets }
}

/// Has the watcher know of a night that could not begin, because its settings cannot be read.
pub fn report_unbegun(config: &Configuration, date: NaiveDate, error: &anyhow::Error) {
    let watch = Watch::over(config, date);
    watch.begin();
    watch.fail(&format!("{error:#}"));
}

/// Finishes a run by name, whatever its date; one that is finished changes nothing.
pub fn resume(
    store: &mut Store,
    config: &Configuration,
    id: &RunId,
    actor: String,
    reason: String,
    tools: &mut Tools<'_>,
) -> Result<Outcome> {
    let row =
        store.run(id)?.ok_or_else(|| ConfigError(format!("there is no run {id}; `convoke runs list` shows them")))?;
    if let Some(summary) = row.summary.filter(|_| row.state == RunState::Completed) {
        return Ok(Outcome::NothingNew(serde_json::from_str(&summary).context("the summary of a run")?));
    }
    let request = Request { date: Some(row.business_date), plan: None, past_limit: false, actor, reason: Some(reason) };
    carry_out(store, config, Starter::Person, &request, tools).outcome
}

impl Request {
    /// A request without a plan that was looked at before, in the name of who runs this process.
    pub fn of(date: Option<NaiveDate>, reason: Option<String>) -> Self {
        Self { date, plan: None, past_limit: false, actor: process::login(), reason }
    }
}
