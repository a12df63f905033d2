//! What this server does for somebody that takes longer than a page may: of each kind one at a time a préfecture, with how far it
//! has come, and what came of it.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use askama::Template;
use chrono::NaiveDateTime;

use super::page::Failure;
use super::visit::Visit;
use super::words::Words;
use convoke_machine::clock::Clock;
use convoke_machine::entropy::Entropy;
use convoke_office::acts::Refused;
use convoke_office::run::Tools;
use convoke_settings::{ConfigError, Configuration};
use convoke_store::Store;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A business date is brought up to date, or a run resumed.
    Run,
    /// Tonight is planned, and nothing is written.
    Preview,
    /// The files of a report are made.
    Report,
    /// The weeks ahead are lived.
    Forecast,
    /// A day is closed.
    Closing,
    /// Letters are laid out for the post.
    Post,
    /// The ledger is walked.
    Verification,
}

impl Kind {
    /// The identifier of the part of a page that shows it.
    fn part(self) -> &'static str {
        match self {
            Self::Run => "travail-execution",
            Self::Preview => "travail-apercu",
            Self::Report => "travail-rapport",
            Self::Forecast => "travail-prevision",
            Self::Closing => "travail-fermeture",
            Self::Post => "travail-lot",
            Self::Verification => "travail-verification",
        }
    }
}

/// How far a job has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    /// What is being done, as [`convoke_office::run::Tools::progress`] names it.
    pub(super) stage: String,
    pub(super) done: u64,
    pub(super) total: u64,
    /// Who began it.
    pub(super) actor: String,
    /// When.
    pub(super) began_at: NaiveDateTime,
    /// What came of it, once it has ended.
    pub(super) ended: Option<Ended>,
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) at: NaiveDateTime,
    /// A sentence.
    pub(super) told: String,
    /// Whether it was refused, or failed.
    pub(super) bad: bool,
    /// The page that tells more, below the code of the préfecture.
    pub(super) path: Option<String>,
}

/// Something that was computed, when, and for whom.
#[derive(Debug)]
pub(super) struct Kept<T> {
    pub(super) at: NaiveDateTime,
    pub(super) actor: String,
    pub(super) what: T,
}

/// The jobs of a préfecture, the last of each kind; and what they computed, the last of each type: so they hold no more with the
/// years.
#[derive(Clone, Debug, Default)]
pub(super) struct Jobs {
    jobs: Arc<Mutex<BTreeMap<Kind, Job>>>,
    kept: Arc<Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>>,
}

/// What a job is given: a store, a configuration that was read anew, the language of whoever began it.
pub(super) struct Worker<'p> {
    pub(super) store: Store,
    pub(super) config: Configuration,
    pub(super) clock: Clock,
    pub(super) actor: String,
    pub(super) t: Words,
    jobs: Jobs,
    progress: &'p dyn Fn(&str, u64, u64),
}

impl Worker<'_> {
    /// Asks something that takes tools.
    pub(super) fn with_tools<T>(
        &mut self,
        work: impl FnOnce(&mut Store, &Configuration, &mut Tools<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut tools = Tools { clock: &self.clock, entropy: &mut Entropy::System, progress: self.progress };
        work(&mut self.store, &self.config, &mut tools)
    }

    /// The last that was computed of a type.
    pub(super) fn kept<T: Any + Send + Sync>(&self) -> Option<Arc<Kept<T>>> {
        self.jobs.kept()
    }

    /// Keeps what was computed, in the place of the last of its type.
    pub(super) fn keep<T: Any + Send + Sync>(&self, what: T) {
        self.jobs.keep(Kept { at: self.clock.now().naive_utc(), actor: self.actor.clone(), what });
    }

    /// It went well.
    pub(super) fn well(&self, told: String, path: Option<String>) -> Ended {
        Ended { at: self.clock.now().naive_utc(), told, bad: false, path }
    }

    /// It was refused.
    pub(super) fn refused(&self, told: String, path: Option<String>) -> Ended {
        Ended { at: self.clock.now().naive_utc(), told, bad: true, path }
    }
}

impl Visit<'_, '_> {
    /// Does something on a thread of its own. Refused where the same is being done already.
    pub(super) fn begin(
        &mut self,
        kind: Kind,
        work: impl FnOnce(&mut Worker<'_>) -> Result<Ended> + Send + 'static,
    ) -> Result<(), Failure> {
        let (t, clock, actor) = (self.words(), self.clock().clone(), self.agent().actor.clone());
        let (jobs, load) = (self.bureau.jobs.clone(), Arc::clone(&self.bureau.load));
        let store = self.store.another()?;
        let began_at = clock.now().naive_utc();
        let job = Job { stage: String::new(), done: 0, total: 0, actor: actor.clone(), began_at, ended: None };
        let begun = self.bureau.jobs.begin(kind, job, move |progress| {
            let worked = load().and_then(|config| {
                let clock = clock.clone();
                work(&mut Worker { store, config, clock, actor, t, jobs, progress })
            });
            worked.unwrap_or_else(|error| Ended {
                at: clock.now().naive_utc(),
                told: failed(t, &error),
                bad: true,
                path: None,
            })
        });
        if begun { Ok(()) } else { Err(Failure::Told(t.say("job-busy"))) }
    }

    /// The last job of a kind, while it is being done, as a part of the page at `path` that changes by itself.
    pub(super) fn progress(&self, kind: Kind, path: &str) -> Option<Progress> {
        let job = self.bureau.jobs.last(kind).filter(|job| job.ended.is_none())?;
        let t = self.words();
        Some(Progress {
            id: kind.part(),
            stage: t.say(stage(&job.stage)),
            job,
            t,
            refresh: format!("{}{path}", self.base()),
        })
    }

    /// Whether a job of a kind is being done.
    pub(super) fn is_working(&self, kind: Kind) -> bool {
        self.bureau.jobs.last(kind).is_some_and(|job| job.ended.is_none())
    }

    /// The last that was computed of a type.
    pub(super) fn kept<T: Any + Send + Sync>(&self) -> Option<Arc<Kept<T>>> {
        self.bureau.jobs.kept()
    }

    /// What came of the last job of a kind, once it has ended.
    pub(super) fn ended(&self, kind: Kind) -> Option<Ended> {
        self.bureau.jobs.last(kind)?.ended
    }
}

/// How far a job has come, as a part of a page.
#[derive(Template)]
#[template(path = "console/job.html")]
pub(super) struct Progress {
    id: &'static str,
    t: Words,
    stage: String,
    job: Job,
    refresh: String,
}

/// Why a job was not done, in words.
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

/// The key of the name of a stage.
fn stage(name: &str) -> &'static str {
    match name {
        "reading and assessing permits" | "reading permits" => "stage-reading",
        "planning" => "stage-planning",
        "storing verdicts" => "stage-storing",
        "convoking" => "stage-convoking",
        "writing notices" | "writing reminders" => "stage-writing",
        "laying letters out" => "stage-laying",
        "verifying the ledger" => "stage-verifying",
        "living nights" | "weighing weeks" => "stage-weeks",
        _ => "stage-beginning",
    }
}

impl Jobs {
    /// The job of a kind that is being done, or was last.
    pub(super) fn last(&self, kind: Kind) -> Option<Job> {
        lock(&self.jobs).get(&kind).cloned()
    }

    /// The last that was computed of a type.
    pub(super) fn kept<T: Any + Send + Sync>(&self) -> Option<Arc<Kept<T>>> {
        lock(&self.kept).get(&TypeId::of::<Kept<T>>()).cloned()?.downcast().ok()
    }

    /// Keeps what was computed.
    pub(super) fn keep<T: Any + Send + Sync>(&self, kept: Kept<T>) {
        let was = lock(&self.kept).insert(TypeId::of::<Kept<T>>(), Arc::new(kept));
        // Outside the lock: what is dropped may be large.
        drop(was);
    }

    /// Does `work` on a thread of its own. False where another of this kind is being done.
    fn begin(
        &self,
        kind: Kind,
        job: Job,
        work: impl FnOnce(&dyn Fn(&str, u64, u64)) -> Ended + Send + 'static,
    ) -> bool {
        let began_at = job.began_at;
        {
            let mut jobs = lock(&self.jobs);
            if jobs.get(&kind).is_some_and(|job| job.ended.is_none()) {
                return false;
            }
            jobs.insert(kind, job);
        }
        let jobs = Arc::clone(&self.jobs);
        std::thread::spawn(move || {
            let show = |stage: &str, done, total| {
                if let Some(job) = lock(&jobs).get_mut(&kind) {
                    (job.stage, job.done, job.total) = (stage.to_owned(), done, total);
                }
            };
            // Also of what panics it is told that it has ended.
            let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&show)));
            let broken = || "Erreur inattendue : voir le journal du serveur.".to_owned();
            let ended = worked.unwrap_or_else(|_| Ended { at: began_at, told: broken(), bad: true, path: None });
            if let Some(job) = lock(&jobs).get_mut(&kind) {
                job.ended = Some(ended);
            }
        });
        true
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What it holds is replaced as a whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
