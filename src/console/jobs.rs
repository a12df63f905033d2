//! What this server does for somebody that takes longer than a page may: one at a time a préfecture, with how far it has come.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How far a job has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Job {
    /// What is being done, as [`crate::run::Tools::progress`] names it.
    pub(super) stage: String,
    pub(super) done: u64,
    pub(super) total: u64,
    /// Who began it.
    pub(super) actor: String,
    /// What came of it, once it has ended: a sentence.
    pub(super) ended: Option<String>,
}

/// The job of a préfecture.
#[derive(Clone, Debug, Default)]
pub(super) struct Jobs(Arc<Mutex<Option<Job>>>);

impl Jobs {
    /// The one that is being done, or was last.
    pub(super) fn last(&self) -> Option<Job> {
        self.lock().clone()
    }

    /// Does `work` on a thread of its own. False where another is being done.
    pub(super) fn begin(
        &self,
        actor: &str,
        work: impl FnOnce(&dyn Fn(&str, u64, u64)) -> String + Send + 'static,
    ) -> bool {
        {
            let mut job = self.lock();
            if job.as_ref().is_some_and(|job| job.ended.is_none()) {
                return false;
            }
            *job = Some(Job { actor: actor.to_owned(), ..Job::default() });
        }
        let jobs = self.clone();
        std::thread::spawn(move || {
            let shown = jobs.clone();
            // Also of what panics it is told that it has ended.
            let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                work(&|stage, done, total| shown.show(stage, done, total))
            }));
            if let Some(job) = jobs.lock().as_mut() {
                job.ended = Some(worked.unwrap_or_else(|_| "Erreur inattendue : voir le journal du serveur.".into()));
            }
        });
        true
    }

    fn show(&self, stage: &str, done: u64, total: u64) {
        if let Some(job) = self.lock().as_mut() {
            (job.stage, job.done, job.total) = (stage.to_owned(), done, total);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Job>> {
        // What it holds is replaced as a whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
