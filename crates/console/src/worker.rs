//! Work on a job of its own thread: begun by a visit, shown while it runs, told once it has ended.

use convoke_domain::run::Stage;
use std::any::Any;
use std::sync::Arc;

use anyhow::Result;
use askama::Template;

use super::failure::Failure;
use super::jobs::{Ended, Job, Jobs, Kept, Kind};
use super::visit::Visit;
use super::words::Words;
use convoke_machine::clock::Clock;
use convoke_machine::entropy::Entropy;
use convoke_office::acts::Refused;
use convoke_office::run::Tools;
use convoke_settings::{ConfigError, Configuration};
use convoke_store::Store;

/// What a job works with: a store, a freshly read configuration, the language of the user who started it.
pub(super) struct Worker<'p> {
    pub(super) store: Store,
    pub(super) config: Configuration,
    pub(super) clock: Clock,
    pub(super) actor: String,
    pub(super) t: Words,
    jobs: Jobs,
    progress: &'p dyn Fn(Stage, u64, u64),
}

impl Worker<'_> {
    /// Calls a function that takes tools.
    pub(super) fn with_tools<T>(
        &mut self,
        work: impl FnOnce(&mut Store, &Configuration, &mut Tools<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut tools = Tools { clock: &self.clock, entropy: &mut Entropy::System, progress: self.progress };
        work(&mut self.store, &self.config, &mut tools)
    }

    /// The last computed value of a type.
    pub(super) fn kept<T: Any + Send + Sync>(&self) -> Option<Arc<Kept<T>>> {
        self.jobs.kept()
    }

    /// Keeps a computed value, replacing the last of its type.
    pub(super) fn keep<T: Any + Send + Sync>(&self, what: T) {
        self.jobs.keep(Kept { at: self.clock.now().naive_utc(), actor: self.actor.clone(), what });
    }

    /// A success.
    pub(super) fn well(&self, text: String, path: Option<String>) -> Ended {
        Ended { at: self.clock.now().naive_utc(), text, bad: false, path }
    }

    /// A refusal.
    pub(super) fn refused(&self, text: String, path: Option<String>) -> Ended {
        Ended { at: self.clock.now().naive_utc(), text, bad: true, path }
    }
}

impl Visit<'_, '_> {
    /// Starts work on its own thread. Refused if a job of this kind is already running.
    pub(super) fn begin(
        &mut self,
        kind: Kind,
        work: impl FnOnce(&mut Worker<'_>) -> Result<Ended> + Send + 'static,
    ) -> Result<(), Failure> {
        let (t, clock, actor) = (self.words(), self.clock().clone(), self.agent().actor.clone());
        let (jobs, load) = (self.bureau.jobs.clone(), Arc::clone(&self.bureau.load));
        let store = self.store.another()?;
        let began_at = clock.now().naive_utc();
        let job = Job { stage: None, done: 0, total: 0, actor: actor.clone(), began_at, ended: None };
        let begun = self.bureau.jobs.begin(kind, job, move |progress| {
            let worked = load().and_then(|config| {
                let clock = clock.clone();
                work(&mut Worker { store, config, clock, actor, t, jobs, progress })
            });
            worked.unwrap_or_else(|error| Ended {
                at: clock.now().naive_utc(),
                text: failed(t, &error),
                bad: true,
                path: None,
            })
        });
        if begun { Ok(()) } else { Err(Failure::Text(t.say("job-busy"))) }
    }

    /// The running job of a kind, as a page element at `path` that refreshes itself.
    pub(super) fn progress(&self, kind: Kind, path: &str) -> Option<Progress> {
        let job = self.bureau.jobs.last(kind).filter(|job| job.ended.is_none())?;
        let t = self.words();
        Some(Progress {
            id: kind.part(),
            stage: t.say(stage(job.stage)),
            job,
            t,
            refresh: format!("{}{path}", self.base()),
        })
    }

    /// Whether a job of a kind is running.
    pub(super) fn is_working(&self, kind: Kind) -> bool {
        self.bureau.jobs.last(kind).is_some_and(|job| job.ended.is_none())
    }

    /// The last computed value of a type.
    pub(super) fn kept<T: Any + Send + Sync>(&self) -> Option<Arc<Kept<T>>> {
        self.bureau.jobs.kept()
    }

    /// The result of the last job of a kind, once it has ended.
    pub(super) fn ended(&self, kind: Kind) -> Option<Ended> {
        self.bureau.jobs.last(kind)?.ended
    }
}

/// The progress of a job, as a page element.
#[derive(Template)]
#[template(path = "console/job.html")]
pub(super) struct Progress {
    id: &'static str,
    t: Words,
    stage: String,
    job: Job,
    refresh: String,
}

/// Why a job failed, in words.
fn failed(t: Words, error: &anyhow::Error) -> String {
    if let Some(refused) = error.downcast_ref::<Refused>() {
        return t.refused(refused);
    }
    if let Some(wrong) = error.downcast_ref::<ConfigError>() {
        return t.with("job-refused", "why", wrong);
    }
    tracing::error!("A job of the console failed: {error:#}");
    t.say("job-broken")
}

/// The text key of a stage.
fn stage(stage: Option<Stage>) -> &'static str {
    match stage {
        Some(Stage::Reading) => "stage-reading",
        Some(Stage::Planning) => "stage-planning",
        Some(Stage::Storing) => "stage-storing",
        Some(Stage::Convoking) => "stage-convoking",
        Some(Stage::Writing) => "stage-writing",
        Some(Stage::LayingOut) => "stage-laying",
        Some(Stage::Verifying) => "stage-verifying",
        Some(Stage::Forecasting) => "stage-weeks",
        None => "stage-beginning",
    }
}
