//! One session of a worker: hands over rendered letters, one at a time, and records what became of each.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use async_channel::Receiver;
use chrono::{DateTime, Utc};
use tokio::task::block_in_place;
use tokio::time::sleep;

use super::Worker;
use super::limits::Limits;
use super::record::log_lost;
use crate::decide::turn;
use crate::press::{Made, Ready};
use crate::recheck::Withheld;
use crate::relays::{Transport, into_maildir};
use crate::return_path;
use crate::smtp::{Delivery, Fault, Relay, Reply, Session, Stage};
use convoke_domain::convocation::LetterState;
use convoke_machine::fault;
use convoke_store::{LetterRow, Settlement, Store};

/// A connection to a relay, and whether it has carried a letter: a relay may have closed an idle one.
struct Line {
    relay: usize,
    session: Session,
    used: bool,
}

/// Whether a letter may be handed over, now that the relay has all but its final dot.
enum Begun {
    Go,
    /// Must not be sent.
    Withheld(Withheld),
    /// Given back: sending was stopped, or its address has reached its limit for today.
    GivenBack,
    /// Another worker has it.
    Lost,
}

/// A letter that the relay has accepted and that is not recorded yet: the transaction that starts the session's next
/// letter records it, so that a letter costs one commit instead of two. Nothing else of the session is in doubt
/// meanwhile: a crash leaves at most one letter per session uncertain.
pub(super) type Unrecorded = Option<(Arc<LetterRow>, Settlement)>;

/// How long the record of an accepted letter may wait for the next letter.
const PATIENCE: Duration = Duration::from_millis(100);

impl Worker<'_> {
    /// One session: hands over rendered letters, one at a time.
    pub(super) async fn carry(&self, ready: Receiver<Ready>) -> Result<()> {
        let (mut line, mut unrecorded) = (None, None);
        loop {
            let next = if let Ok(next) = ready.try_recv() {
                Some(next)
            } else {
                self.record_last(&mut unrecorded).await?;
                ready.recv().await.ok()
            };
            let Some(Ready { letter, made }) = next else { break };
            match made {
                Ok(made) => self.hand_over(&mut line, &mut unrecorded, &letter, &made).await?,
                Err(error) => self.unrenderable(&letter, &error).await?,
            }
            if unrecorded.as_ref().is_none_or(|(accepted, _)| !Arc::ptr_eq(accepted, &letter)) {
                self.put_away(&letter);
            }
        }
        if let Some(Line { session, .. }) = line {
            session.quit().await;
        }
        Ok(())
    }

    /// Records the last letter on its own.
    pub(super) async fn record_last(&self, unrecorded: &mut Unrecorded) -> Result<()> {
        if let Some((letter, found)) = unrecorded.take() {
            self.commit(&letter, found).await?;
            self.put_away(&letter);
        }
        Ok(())
    }

    /// Removes a letter from those in hand.
    fn put_away(&self, letter: &LetterRow) {
        self.in_hand.put_down(letter);
        self.moved.notify_one();
        (self.errand.progress)(self.counts.borrow().accepted);
    }

    async fn hand_over(
        &self,
        line: &mut Option<Line>,
        unrecorded: &mut Unrecorded,
        letter: &Arc<LetterRow>,
        made: &Made,
    ) -> Result<()> {
        let now = self.errand.clock.now();
        if self.errand.stop.is_cancelled() || !self.may_send(now) {
            return self.give_back(letter).await;
        }
        if made.without_pdf.is_some() {
            self.counts.borrow_mut().without_pdf += 1;
        }
        if let Transport::Maildir(folder) = self.errand.transport {
            if matches!(self.begin(unrecorded, letter, made, "maildir", now).await?, Begun::Go) {
                fault::point("after-sending");
                block_in_place(|| into_maildir(folder, made))?;
                fault::point("after-reply");
                let taken = Reply { code: 250, enhanced: None, text: "maildir".into(), stage: Stage::Dot };
                self.record(unrecorded, letter, "maildir", &Delivery::Accepted(taken), now).await?;
            }
            return Ok(());
        }
        let Some((number, relay)) = self.relays.first_open(now) else { return self.give_back(letter).await };
        let is_open = line.as_ref().is_some_and(|l| l.relay == number && l.session.is_reusable());
        if !is_open || self.errand.config.settings.dispatch.per_minute.is_some() {
            // Opening a session, or waiting for a turn, may take long.
            self.record_last(unrecorded).await?;
        }
        if !self.wait_for_turn(relay).await? {
            return self.give_back(letter).await;
        }
        let started_at = self.errand.clock.now();
        let delivery = match self.open(line, number, relay).await {
            Err(fault) => {
                self.relays.fault(number, &fault, self.errand.clock.now());
                // The relay said nothing about this letter: it can be tried again at once, through another relay.
                let fault = Delivery::RelayFault(fault);
                let found =
                    self.settlement(LetterState::Queued, None, false, &self.recorded_name(relay), &fault, started_at);
                return self.commit(letter, found).await;
            }
            Ok(open) => self.converse(open, unrecorded, relay, letter, made, started_at).await?,
        };
        let Some(delivery) = delivery else { return Ok(()) };
        match &delivery {
            Delivery::RelayFault(fault) | Delivery::Uncertain(fault) => {
                self.relays.fault(number, fault, self.errand.clock.now());
            }
            _ => self.relays.success(number),
        }
        self.record(unrecorded, letter, &self.recorded_name(relay), &delivery, started_at).await
    }

    /// The relay's name in the history of a letter.
    fn recorded_name(&self, relay: &Relay) -> String {
        let redirected = self.errand.config.settings.dispatch.redirect_all_to.is_some();
        if redirected { format!("{relay} (redirected)") } else { relay.to_string() }
    }

    /// Returns a session with the relay: the open one, or a new one.
    async fn open<'l>(&self, line: &'l mut Option<Line>, number: usize, relay: &Relay) -> Result<&'l mut Line, Fault> {
        if line.as_ref().is_some_and(|l| l.relay != number || !l.session.is_reusable())
            && let Some(old) = line.take()
        {
            old.session.quit().await;
        }
        Ok(match line {
            Some(open) => open,
            None => line.insert(Line { relay: number, session: Session::open(relay).await?, used: false }),
        })
    }

    /// Hands a letter over. `None` if it must not be sent after all, which is already recorded.
    async fn converse(
        &self,
        line: &mut Line,
        unrecorded: &mut Unrecorded,
        relay: &Relay,
        letter: &Arc<LetterRow>,
        made: &Made,
        started_at: DateTime<Utc>,
    ) -> Result<Option<Delivery>> {
        let prefecture = &self.errand.config.settings.prefecture.code;
        let from = return_path::write(&self.return_path, &self.key, prefecture, &letter.reference, &letter.letter_id);
        let redirected = self.errand.config.settings.dispatch.redirect_all_to.as_deref();
        let Some(to) = redirected.or(letter.recipient.as_deref()) else {
            bail!("letter {} has no address", letter.letter_id)
        };
        let used = std::mem::replace(&mut line.used, true);
        let offered = match self.patiently(unrecorded, line.session.offer(&from, to, &made.message)).await? {
            // A relay may have closed an idle session: nothing was handed over, so a new one is tried at once.
            Err(Delivery::RelayFault(fault)) if used && fault.stage == Stage::Mail => {
                self.record_last(unrecorded).await?;
                line.session = match Session::open(relay).await {
                    Ok(fresh) => fresh,
                    Err(fault) => return Ok(Some(Delivery::RelayFault(fault))),
                };
                line.session.offer(&from, to, &made.message).await
            }
            offered => offered,
        };
        let offer = match offered {
            Ok(offer) => offer,
            Err(delivery) => return Ok(Some(delivery)),
        };
        fault::point("after-data");
        let name = self.recorded_name(relay);
        if !matches!(self.begin(unrecorded, letter, made, &name, started_at).await?, Begun::Go) {
            // A letter dropped without its final dot is not sent.
            return Ok(None);
        }
        fault::point("after-sending");
        if !self.in_hand.is_ours(letter, self.errand.clock.now()) {
            // This process was suspended for longer than its lease: another worker may have the letter.
            tracing::warn!(letter.id = %letter.letter_id, "A lease ended before the letter left: this worker does not send it");
            return Ok(None);
        }
        let delivery = offer.conclude().await;
        fault::point("after-reply");
        Ok(Some(delivery))
    }

    /// Waits for the relay; if that takes long, records the last letter meanwhile.
    async fn patiently<T>(&self, unrecorded: &mut Unrecorded, relay: impl Future<Output = T>) -> Result<T> {
        let mut relay = pin!(relay);
        if unrecorded.is_some() {
            tokio::select! {
                said = &mut relay => return Ok(said),
                () = sleep(PATIENCE) => self.record_last(unrecorded).await?,
            }
        }
        Ok(relay.await)
    }

    /// Waits until the relay may receive another message. `false` if the worker must stop meanwhile.
    async fn wait_for_turn(&self, relay: &Relay) -> Result<bool> {
        let Some(per_minute) = self.errand.config.settings.dispatch.per_minute else { return Ok(true) };
        let (scope, now) = (format!("relay:{relay}"), self.errand.clock.now());
        let at = self
            .clerk
            .write(move |s| {
                let (at, after) = turn(s.pace(&scope)?, per_minute, now);
                s.set_pace(&scope, after)?;
                Ok(at)
            })
            .await?;
        let wait = (at - self.errand.clock.now()).to_std().unwrap_or_default();
        tokio::select! { () = sleep(wait) => Ok(true), () = self.errand.stop.cancelled() => Ok(false) }
    }

    /// Commits that the letter is about to be handed over, if it still may be: from here on, a crash leaves its fate
    /// unknown. The same transaction records the result of the last letter.
    async fn begin(
        &self,
        unrecorded: &mut Unrecorded,
        letter: &Arc<LetterRow>,
        made: &Made,
        relay: &str,
        started_at: DateTime<Utc>,
    ) -> Result<Begun> {
        let (now, floor, limits) = (self.errand.clock.now(), self.floor.clone(), Limits::of(self.errand.config));
        let (sha256, rendered, relay) = (made.sha256.clone(), made.rendered.clone(), relay.to_owned());
        let (row, last) = (Arc::clone(letter), unrecorded.clone());
        if last.is_some() {
            fault::point("before-mark");
        }
        let begin = move |s: &mut Store| -> Result<Begun> {
            let next_day = limits.next_day(s, &row, &floor, now)?;
            let standing = s.standing(&row.letter_id)?;
            let why = floor.withheld(&standing, now);
            // An address that changed since the letter was claimed: it is written anew when it is claimed again.
            let readdressed = why.is_none() && !standing.goes_to_its_holder();
            if next_day.is_some() || standing.paused_at.is_some() || readdressed {
                let ours = s.put_down(&row, LetterState::Queued, next_day, None)?;
                return Ok(if ours { Begun::GivenBack } else { Begun::Lost });
            }
            if let Some(why) = why {
                let ours = s.put_down(&row, why.state, None, Some(why.reason))?;
                return Ok(if ours { Begun::Withheld(why) } else { Begun::Lost });
            }
            let ours = s.begin_sending(&row, &sha256, &rendered, &relay, started_at)?;
            Ok(if ours { Begun::Go } else { Begun::Lost })
        };
        let (ours, begun) = self
            .clerk
            .write(move |s| {
                let ours = last.as_ref().map(|(letter, found)| s.settle(letter, found)).transpose()?;
                Ok((ours, begin(s)?))
            })
            .await
            .context("marking a letter as being sent")?;
        if let (Some((last, found)), Some(ours)) = (unrecorded.take(), ours) {
            self.recorded(&last, &found, ours);
            self.put_away(&last);
        }
        match begun {
            Begun::Withheld(why) => self.log_withheld(&letter.letter_id, why),
            Begun::Lost => log_lost(letter),
            Begun::Go | Begun::GivenBack => {}
        }
        Ok(begun)
    }

    async fn give_back(&self, letter: &Arc<LetterRow>) -> Result<()> {
        let row = Arc::clone(letter);
        self.clerk.write(move |s| s.put_down(&row, LetterState::Queued, None, None)).await.map(drop)
    }
}
