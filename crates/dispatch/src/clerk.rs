//! The one writer of a worker: a thread that owns the [`Store`].
//!
//! Sessions ask it to record what they begin and what they have heard, and wait until that is durable. Whatever waits at the
//! same moment is committed together, so that many sessions share the cost of a commit. Since a session waits for its own
//! answer, no commit ever moves two letters of one session: what a crash leaves uncertain stays one letter a session.
//!
//! A connection that is lost is made again, and what was being written is written again: steps name the epoch of what they
//! change, so that doing them twice is doing them once.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::sync::oneshot;

use convoke_machine::clock::Stopwatch;
use convoke_store::Store;

/// Tells the one who asked, once the transaction is durable.
type Tell = Box<dyn FnOnce() + Send>;
/// Steps of one request, within the transaction.
type Steps = Box<dyn Fn(&mut Store) -> Result<Tell> + Send>;

/// Requests of one transaction: more than a worker has sessions.
const TOGETHER_MAX: usize = 256;
/// How long a database that cannot be written is tried, and how often.
const PATIENCE_S: f64 = 300.0;
const PAUSE: Duration = Duration::from_millis(500);

/// Whether workers take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turns {
    /// Limits are shared: what is read of them must hold when it is written.
    OneByOne,
    /// Each changes rows that it has claimed.
    AtOnce,
}

/// A handle for asking; when all of them are gone the thread ends.
#[derive(Clone)]
pub(super) struct Clerk(SyncSender<Steps>);

impl Clerk {
    /// Starts the thread. Its result is the first error of the database, after which it does nothing more.
    pub(super) fn start(store: Store, turns: Turns) -> Result<(Self, JoinHandle<Result<()>>)> {
        let (ask, asked) = sync_channel(TOGETHER_MAX);
        let thread = thread::Builder::new().name("clerk".into()).spawn(move || work(store, turns, &asked));
        Ok((Self(ask), thread.context("starting the thread that writes to the database")?))
    }

    /// Does `steps` in a transaction, alone or with others, and returns what they gave once it is durable. They are done again
    /// where the connection was lost before that was known.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        steps: impl Fn(&mut Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (tell, told) = oneshot::channel();
        let tell = Arc::new(Mutex::new(Some(tell)));
        let request: Steps = Box::new(move |store| {
            let (value, tell) = (steps(store)?, Arc::clone(&tell));
            Ok(Box::new(move || {
                if let Some(tell) = tell.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    // Whoever does not wait any more does not want to know.
                    let _ = tell.send(value);
                }
            }))
        });
        // The queue is longer than the worker has sessions, each of which asks one thing at a time: it is never full.
        self.0.try_send(request).map_err(|_| ended())?;
        told.await.map_err(|_| ended())
    }
}

/// Why is told by the thread's own result.
fn ended() -> anyhow::Error {
    anyhow!("the database could not be written")
}

fn work(mut store: Store, turns: Turns, asked: &Receiver<Steps>) -> Result<()> {
    while let Ok(first) = asked.recv() {
        let together: Vec<Steps> = std::iter::once(first).chain(asked.try_iter().take(TOGETHER_MAX - 1)).collect();
        let all = |s: &mut Store| together.iter().map(|steps| steps(s)).collect::<Result<Vec<Tell>>>();
        let watch = Stopwatch::start();
        let tell = loop {
            let written = store.persist(|s| match turns {
                Turns::OneByOne => s.write(all),
                Turns::AtOnce => s.write_rows(all),
            });
            match written {
                // Another writes for long, a disk is full, two workers waited for one another: nothing was written, and all of it
                // can be done again. What sessions have heard meanwhile is not forgotten.
                Err(error) if watch.seconds() < PATIENCE_S => {
                    tracing::warn!("The database could not be written, and is tried again: {error:#}");
                    thread::sleep(PAUSE);
                }
                done => break done?,
            }
        };
        for tell in tell {
            tell();
        }
    }
    Ok(())
}
