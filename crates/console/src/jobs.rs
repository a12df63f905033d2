//! Background jobs for work that takes longer than a page may. One of each kind at a time per préfecture, with its
//! progress and result.

use convoke_domain::run::Stage;
use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::NaiveDateTime;

/// Kind of job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Runs a business date, or resumes a run.
    Run,
    /// Plans tonight without writing anything.
    Preview,
    /// Produces the files of a report.
    Report,
    /// Forecasts the weeks ahead.
    Forecast,
    /// Closes a day.
    Closing,
    /// Works out what closing a day would cost.
    Cost,
    /// Renders letters for the post.
    Post,
    /// Verifies the ledger.
    Verification,
}

impl Kind {
    /// The identifier of the page element that shows it.
    pub(super) fn part(self) -> &'static str {
        match self {
            Self::Run => "travail-execution",
            Self::Preview => "travail-apercu",
            Self::Report => "travail-rapport",
            Self::Forecast => "travail-prevision",
            Self::Closing => "travail-fermeture",
            Self::Cost => "travail-cout",
            Self::Post => "travail-lot",
            Self::Verification => "travail-verification",
        }
    }
}

/// The state of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    /// Current stage; `None` before the first.
    pub(super) stage: Option<Stage>,
    pub(super) done: u64,
    pub(super) total: u64,
    /// Who started it.
    pub(super) actor: String,
    /// When it started.
    pub(super) began_at: NaiveDateTime,
    /// Its result, once it has ended.
    pub(super) ended: Option<Ended>,
}

/// The result of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) at: NaiveDateTime,
    /// A sentence.
    pub(super) text: String,
    /// Whether it was refused or failed.
    pub(super) bad: bool,
    /// A page with details, below the préfecture's code.
    pub(super) path: Option<String>,
}

/// A computed value, when and for whom it was computed.
#[derive(Debug)]
pub(super) struct Kept<T> {
    pub(super) at: NaiveDateTime,
    pub(super) actor: String,
    pub(super) what: T,
}

/// The jobs of a préfecture, the last of each kind, and their computed values, the last of each type, so that memory
/// does not grow over the years.
#[derive(Clone, Debug, Default)]
pub(super) struct Jobs {
    jobs: Arc<Mutex<BTreeMap<Kind, Job>>>,
    kept: Arc<Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>>,
}

impl Jobs {
    /// The running or last job of a kind.
    pub(super) fn last(&self, kind: Kind) -> Option<Job> {
        lock(&self.jobs).get(&kind).cloned()
    }

    /// The last computed value of a type.
    pub(super) fn kept<T: Any + Send + Sync>(&self) -> Option<Arc<Kept<T>>> {
        lock(&self.kept).get(&TypeId::of::<Kept<T>>()).cloned()?.downcast().ok()
    }

    /// Keeps a computed value.
    pub(super) fn keep<T: Any + Send + Sync>(&self, kept: Kept<T>) {
        let was = lock(&self.kept).insert(TypeId::of::<Kept<T>>(), Arc::new(kept));
        // Dropped outside the lock: it may be large.
        drop(was);
    }

    /// Runs `work` on its own thread. False if another job of this kind is running.
    pub(super) fn begin(
        &self,
        kind: Kind,
        job: Job,
        work: impl FnOnce(&dyn Fn(Stage, u64, u64)) -> Ended + Send + 'static,
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
            let show = |stage, done, total| {
                if let Some(job) = lock(&jobs).get_mut(&kind) {
                    (job.stage, job.done, job.total) = (Some(stage), done, total);
                }
            };
            // A job that panics must also be marked as ended.
            let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&show)));
            let broken = || "Erreur inattendue : voir le journal du serveur.".to_owned();
            let ended = worked.unwrap_or_else(|_| Ended { at: began_at, text: broken(), bad: true, path: None });
            if let Some(job) = lock(&jobs).get_mut(&kind) {
                job.ended = Some(ended);
            }
        });
        true
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The value is only ever replaced as a whole, so it is valid even after a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
