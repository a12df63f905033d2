//! One worker: feeds its presses with letters that may be sent, and carries the rendered letters to the relay.
//!
//! Feeding, carrying and the heartbeat are one task, so they share the worker's state without locks. Work that takes
//! processor time or waits for the disk runs on other threads (`press`, `clerk`).

mod carry;
mod in_hand;
mod limits;
mod record;
mod upkeep;
mod witnesses;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use async_channel::{Receiver, Sender, bounded};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::try_join_all;
use tokio::sync::Notify;
use tokio::task::block_in_place;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use self::in_hand::InHand;
use self::limits::Limits;
use self::record::circumstances;
use super::clerk::{Clerk, Turns};
use super::decide::{Decision, Doubt, Schedule};
use super::press::{self, Ready, Render};
use super::recheck::Floor;
use super::relays::{Relays, Transport};
use super::smtp::Relay;
use super::{Counts, Drained};
use convoke_domain::convocation::LetterState;
use convoke_domain::ids::IdKey;
use convoke_machine::clock::Clock;
use convoke_machine::entropy::Entropy;
use convoke_machine::fault;
use convoke_machine::process;
use convoke_settings::Configuration;
use convoke_store::{LetterRow, Store};
use convoke_writing::{Writer, write_anew};

/// How long an idle worker waits before it looks again: it sees a pause or new letters within this time.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// How often a continuing worker removes letters that may no longer leave: days end at midnight, and permits change
/// once a night.
const WITHHOLD_AGAIN: TimeDelta = TimeDelta::hours(1);
/// A worker asked to stop waits for the database no longer than this.
const ABANDON_FOR: Duration = Duration::from_secs(10);
/// The task of a worker.
pub struct Errand<'a> {
    /// The office.
    pub config: &'a Arc<Configuration>,
    /// Where letters go.
    pub transport: &'a Transport,
    /// What renders them.
    pub render: Render,
    /// The time.
    pub clock: &'a Clock,
    /// Whether it ends when nothing can be claimed now; otherwise it continues until stopped.
    pub until_empty: bool,
    /// Asks it to stop: letters in flight finish within `stop_timeout_s`.
    pub stop: CancellationToken,
    /// Called with the number of letters accepted so far.
    pub progress: &'a dyn Fn(u64),
    /// Called with what keeps letters from leaving, each time the worker checks whether any may leave.
    pub obstacle: &'a dyn Fn(Option<&Drained>),
}

/// One worker: sends until nothing can be claimed, or until it is stopped.
pub async fn drain(mut store: Store, errand: Errand<'_>) -> Result<(Counts, Drained)> {
    let (config, clock) = (errand.config, errand.clock);
    let templates = config.templates()?;
    let key = block_in_place(|| {
        store.persist(|store| {
            // The templates and fonts are stored before the first letter leaves.
            store.keep_templates(&templates.hash(), templates.sources(), clock.now())?;
            store.id_key(&mut Entropy::System)
        })
    })?;
    let dispatch = &config.settings.dispatch;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let presses = if dispatch.render_threads == 0 { processors } else { dispatch.render_threads };
    // One letter in each session, three on their way to it, and one in each press.
    let room = 4 * dispatch.sessions + presses;
    let (claimed, to_render) = bounded(room);
    let (made, ready) = bounded(room);
    let presses = press::start(presses, &errand.render, clock, &to_render, &made)?;
    // Only the presses hold the other end: the sessions end with the last press.
    drop((made, to_render));
    let turns = if Limits::of(config).are_set() { Turns::OneByOne } else { Turns::AtOnce };
    let (clerk, clerk_thread) = Clerk::start(store, turns)?;
    let pause = TimeDelta::seconds(dispatch.retry_first_s.into());
    let relays: &[Relay] = match errand.transport {
        Transport::Smtp(relays) => relays,
        Transport::Maildir(_) => &[],
    };
    let worker = Worker {
        clerk,
        owner: process::identity(),
        key,
        lease: TimeDelta::seconds(dispatch.lease_s.into()),
        schedule: Schedule { first: pause, uncertain: dispatch.uncertain },
        floor: Floor::of(config),
        config: Arc::clone(config),
        clock_jump: TimeDelta::days(config.settings.serve.catchup_days.into()),
        return_path: config.return_path(),
        relays: Relays::new(relays, pause),
        room,
        in_hand: InHand::default(),
        moved: Notify::new(),
        counts: RefCell::default(),
        errand,
    };
    let ended = worker.work(claimed, &ready).await;
    let counts = worker.counts.borrow().clone();
    // The clerk ends when nobody can make requests; its database error explains all other errors.
    drop(worker);
    ready.close();
    let recorded = block_in_place(|| {
        for press in presses {
            let _ = press.join();
        }
        clerk_thread.join().unwrap_or_else(|_| bail!("the thread that writes to the database panicked"))
    });
    recorded?;
    Ok((counts, ended?))
}

struct Worker<'a> {
    errand: Errand<'a>,
    clerk: Clerk,
    owner: String,
    key: IdKey,
    lease: TimeDelta,
    schedule: Schedule,
    floor: Floor,
    /// The office, for the clerk's thread.
    config: Arc<Configuration>,
    /// A clock further ahead of when it was last seen is not trusted.
    clock_jump: TimeDelta,
    return_path: String,
    relays: Relays<'a>,
    /// Most letters in hand at once.
    room: usize,
    /// Letters claimed and not yet done with.
    in_hand: InHand,
    /// Signals that a letter is done with.
    moved: Notify,
    counts: RefCell<Counts>,
}

impl Worker<'_> {
    async fn work(&self, claimed: Sender<LetterRow>, ready: &Receiver<Ready>) -> Result<Drained> {
        self.look_after().await?;
        self.notify_witnesses().await?;
        let sessions = (0..self.errand.config.settings.dispatch.sessions).map(|_| self.carry(ready.clone()));
        let work = async {
            // When the feeder ends, the presses run out of work, and then the sessions.
            let feed = async {
                let ended = self.feed(&claimed).await;
                claimed.close();
                ended
            };
            tokio::try_join!(feed, try_join_all(sessions)).map(|(ended, _)| ended)
        };
        tokio::select! {
            ended = work => ended,
            error = self.beat() => Err(error),
            error = self.keep_notifying() => Err(error),
            () = self.grace() => {
                tracing::warn!("The relay did not answer for the letters in flight within `stop_timeout_s`");
                // The letters still in hand are treated as if this worker had died: started letters are uncertain.
                if timeout(ABANDON_FOR, self.abandon()).await.is_err() {
                    tracing::warn!("The database does not answer: the letters are recovered when their leases end");
                }
                Ok(Drained::Stopped)
            }
        }
    }

    /// Ends when letters in flight have had their time after the request to stop.
    async fn grace(&self) {
        self.errand.stop.cancelled().await;
        sleep(Duration::from_secs(self.errand.config.settings.dispatch.stop_timeout_s.into())).await;
    }

    /// Renews leases, and recovers the letters of dead workers, until it fails.
    async fn beat(&self) -> anyhow::Error {
        let mut withheld_at = self.errand.clock.now();
        loop {
            sleep(self.lease.to_std().unwrap_or_default() / 3).await;
            let again = self.errand.clock.now() - withheld_at >= WITHHOLD_AGAIN;
            let step = async {
                self.renew().await?;
                if again { self.look_after().await } else { Ok(()) }
            };
            if let Err(error) = step.await {
                return error;
            }
            if again {
                withheld_at = self.errand.clock.now();
            }
        }
    }

    async fn renew(&self) -> Result<()> {
        let (owner, now) = (self.owner.clone(), self.errand.clock.now());
        let until = now + self.lease;
        // If this process was suspended for longer than a lease, another worker may have its letter, and the lease is
        // not prolonged. Only letters known to be in hand are: those claimed when the connection was lost are recovered
        // when their leases end.
        let ours = self.in_hand.ours(now);
        let letters: Vec<String> = ours.iter().map(|(letter_id, _)| letter_id.clone()).collect();
        self.clerk.write(move |s| s.renew_leases(&owner, &letters, until)).await?;
        self.in_hand.prolong(&ours, until);
        if self.clock_jumped().await?.is_some() { Ok(()) } else { self.rescue().await }
    }

    /// Takes back the letters of dead or silent workers: those not yet started wait again, those started are uncertain.
    async fn rescue(&self) -> Result<()> {
        self.take_back(process::has_ended).await
    }

    /// The same for this worker's own letters.
    async fn abandon(&self) -> Result<()> {
        let owner = self.owner.clone();
        self.take_back(move |o| o == owner).await
    }

    async fn take_back(&self, is_dead: impl Fn(&str) -> bool + Send + 'static) -> Result<()> {
        let (now, schedule, floor) = (self.errand.clock.now(), self.schedule, self.floor.clone());
        let (requeued, uncertain) = self
            .clerk
            .write(move |s| {
                let (mut requeued, mut uncertain) = (0u64, 0u64);
                for letter in s.abandoned(now, &is_dead)? {
                    if letter.state == LetterState::Leased {
                        s.take_back(&letter, LetterState::Queued, None, now)?;
                        requeued += 1;
                        continue;
                    }
                    let known = circumstances(&letter, now, floor.too_late_from(&s.standing(&letter.letter_id)?));
                    let (state, next_at) = match schedule.doubt(&known, now) {
                        Decision::Uncertain(Doubt::ResendAt(at)) => (LetterState::Uncertain, Some(at)),
                        _ => (LetterState::Held, None),
                    };
                    s.take_back(&letter, state, next_at, now)?;
                    uncertain += 1;
                }
                Ok((requeued, uncertain))
            })
            .await
            .context("taking letters back from workers that have ended")?;
        if requeued + uncertain > 0 {
            let all = requeued + uncertain;
            tracing::warn!(requeued, uncertain, "Took {all} letters back from workers that have ended");
        }
        Ok(())
    }

    /// Claims letters that may be sent, while there is room for them. Returns why there is no more to do.
    async fn feed(&self, presses: &Sender<LetterRow>) -> Result<Drained> {
        loop {
            if self.errand.stop.is_cancelled() {
                return Ok(Drained::Stopped);
            }
            let obstacle = self.obstacle();
            if obstacle.is_some() {
                (self.errand.obstacle)(obstacle.as_ref());
            }
            let claimed = match obstacle {
                Some(_) => Ok(Vec::new()),
                // Wait until half of the room is free: each claim costs a transaction, however many letters it brings.
                None if self.in_hand.len() > self.room / 2 => {
                    self.moved.notified().await;
                    continue;
                }
                None => self.claim().await?,
            };
            let obstacle = match claimed {
                Ok(letters) if letters.is_empty() => obstacle.unwrap_or(Drained::Empty),
                Ok(letters) => {
                    (self.errand.obstacle)(None);
                    fault::point("after-claim");
                    for letter in letters {
                        self.in_hand.take(&letter);
                        presses.send(letter).await.context("the threads that render have ended")?;
                    }
                    continue;
                }
                Err(kept) => kept,
            };
            (self.errand.obstacle)(Some(&obstacle).filter(|o| **o != Drained::Empty));
            if !self.in_hand.is_empty() {
                // Letters in hand may be returned, or show that a relay works again.
                self.moved.notified().await;
            } else if self.errand.until_empty {
                return Ok(obstacle);
            } else {
                tokio::select! { () = sleep(LOOK_AGAIN) => {}, () = self.errand.stop.cancelled() => {} }
            }
        }
    }

    /// Why nothing can be sent now, whatever is waiting.
    fn obstacle(&self) -> Option<Drained> {
        let now = self.errand.clock.now();
        if !self.may_send(now) {
            return Some(Drained::OutsideHours);
        }
        if matches!(self.errand.transport, Transport::Maildir(_)) || self.relays.first_open(now).is_some() {
            return None;
        }
        let (fault, hopeless) = self.relays.last_fault();
        Some(if hopeless { Drained::NotAuthenticated(fault) } else { Drained::RelayDown(fault) })
    }

    fn may_send(&self, now: DateTime<Utc>) -> bool {
        self.errand.config.settings.dispatch.may_send(now.with_timezone(&self.floor.zone).naive_local())
    }

    /// Claims as many letters as there is room for, and writes anew those that no longer say what is true. `Err` if
    /// nothing may be sent now.
    async fn claim(&self) -> Result<Result<Vec<LetterRow>, Drained>> {
        let limit = self.room - self.in_hand.len();
        let now = self.errand.clock.now();
        let (owner, until, floor) = (self.owner.clone(), now + self.lease, self.floor.clone());
        let (limits, config, most) = (Limits::of(self.errand.config), Arc::clone(&self.config), self.clock_jump);
        self.clerk
            .write(move |s| {
                if let Some(paused) = s.paused()? {
                    return Ok(Err(Drained::Paused(paused)));
                }
                if let Some(by) = s.watch(now)?.jump(now, most) {
                    return Ok(Err(Drained::ClockJumped(by)));
                }
                let mut taken = Vec::new();
                // Letters behind those that must wait may be free: continue until none is left, or enough are claimed.
                while taken.len() < limit {
                    let letters = s.claim(now, &owner, until, limit - taken.len())?;
                    if letters.is_empty() {
                        break;
                    }
                    for letter in letters {
                        if !limits.put_off(s, &letter, &floor, now)? {
                            taken.push(letter);
                        }
                    }
                }
                let writer = Writer::new(&config, now.with_timezone(&floor.zone).date_naive(), now)?;
                let current = write_anew(s, &writer, taken)?.into_iter().map(|anew| anew.letter);
                // A letter that goes by post now is in no worker's hands any more.
                Ok(Ok(current.filter(|letter| letter.state == LetterState::Leased).collect()))
            })
            .await
            .context("claiming letters")
    }
}
