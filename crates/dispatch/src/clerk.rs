//! The single writer of a worker: a thread that owns the [`Store`].
//!
//! Sessions ask it to record what they start and what the relay replied, and wait until that is durable. Requests that
//! wait at the same moment are committed together, so that many sessions share the cost of a commit. Because a session
//! waits for its own answer, no commit moves two letters of one session: a crash leaves at most one letter per session
//! uncertain.
//!
//! A lost connection is made again, and the transaction is repeated: steps name the epoch of the rows they change, so
//! that repeating them has no further effect.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::sync::oneshot;

use convoke_machine::clock::Stopwatch;
use convoke_store::Store;

/// Answers the requester once the transaction is durable.
type Tell = Box<dyn FnOnce() + Send>;
/// The steps of one request, run within the transaction.
type Steps = Box<dyn Fn(&mut Store) -> Result<Tell> + Send>;

/// Requests per transaction: more than a worker has sessions.
const TOGETHER_MAX: usize = 256;
/// How long, and how often, a failed transaction is tried again.
const PATIENCE_S: f64 = 300.0;
const PAUSE: Duration = Duration::from_millis(500);

/// Whether workers must take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turns {
    /// Limits are shared: what was read must still be true when the result is written.
    OneByOne,
    /// Each worker changes only rows that it has claimed.
    AtOnce,
}

/// A handle for requests; the thread ends when all handles are dropped.
#[derive(Clone)]
pub(super) struct Clerk(SyncSender<Steps>);

impl Clerk {
    /// Starts the thread. Its result is the first database error, after which it does nothing more.
    pub(super) fn start(store: Store, turns: Turns) -> Result<(Self, JoinHandle<Result<()>>)> {
        let (ask, asked) = sync_channel(TOGETHER_MAX);
        let thread = thread::Builder::new().name("clerk".into()).spawn(move || work(store, turns, &asked));
        Ok((Self(ask), thread.context("starting the thread that writes to the database")?))
    }

    /// Runs `steps` in a transaction, alone or with others, and returns their result once it is durable. They run again
    /// if the connection is lost before that is known.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        steps: impl Fn(&mut Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answered, answer) = oneshot::channel();
        let answered = Arc::new(Mutex::new(Some(answered)));
        let request: Steps = Box::new(move |store| {
            let (value, answered) = (steps(store)?, Arc::clone(&answered));
            Ok(Box::new(move || {
                if let Some(answered) = answered.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    // A requester that no longer waits needs no answer.
                    let _ = answered.send(value);
                }
            }))
        });
        // The queue is never full: it is longer than the number of sessions, each of which makes one request at a time.
        self.0.try_send(request).map_err(|_| ended())?;
        answer.await.map_err(|_| ended())
    }
}

/// The thread's own result says why.
fn ended() -> anyhow::Error {
    anyhow!("the database could not be written")
}

fn work(mut store: Store, turns: Turns, asked: &Receiver<Steps>) -> Result<()> {
    while let Ok(first) = asked.recv() {
        let together: Vec<Steps> = std::iter::once(first).chain(asked.try_iter().take(TOGETHER_MAX - 1)).collect();
        let all = |s: &mut Store| together.iter().map(|steps| steps(s)).collect::<Result<Vec<Tell>>>();
        let watch = Stopwatch::start();
        let answered = loop {
            let written = store.persist(|s| match turns {
                Turns::OneByOne => s.write(all),
                Turns::AtOnce => s.write_rows(all),
            });
            match written {
                // A long transaction elsewhere, a full disk, a deadlock of two workers: nothing was written, and all of
                // it can be repeated. The relay's replies to sessions are not lost meanwhile.
                Err(error) if watch.seconds() < PATIENCE_S => {
                    tracing::warn!("Writing to the database failed and is tried again: {error:#}");
                    thread::sleep(PAUSE);
                }
                done => break done?,
            }
        };
        for answered in answered {
            answered();
        }
    }
    Ok(())
}
