//! One session of a worker: hands over what is ready, a letter at a time, and records what became of each.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use async_channel::Receiver;
use chrono::{DateTime, Utc};
use tokio::task::block_in_place;
use tokio::time::sleep;

use super::limits::Limits;
use super::{Worker, circumstances};
use crate::convocation::LetterState;
use crate::dispatch::decide::{Decision, Doubt, Reason, turn};
use crate::dispatch::press::{Made, Ready};
use crate::dispatch::recheck::Withheld;
use crate::dispatch::relays::{Transport, into_maildir};
use crate::dispatch::return_path;
use crate::dispatch::smtp::{Delivery, Fault, Relay, Reply, Session, Stage};
use crate::fault;
use crate::store::{Attempt, LetterRow, Settlement, Store};

/// A connection to a relay, and whether it has carried a letter: a relay may have closed an idle one.
struct Line {
    relay: usize,
    session: Session,
    used: bool,
}

/// Whether a letter may be handed over now that all but its final dot is with the relay.
enum Begun {
    Go,
    /// Not to be sent.
    Withheld(Withheld),
    /// Given back: sending was stopped, or its address has had its letters for today.
    GivenBack,
    /// Another worker has it.
    Lost,
}

impl Worker<'_> {
    /// One session: hands over what is ready, a letter at a time.
    pub(super) async fn carry(&self, ready: Receiver<Ready>) -> Result<()> {
        let mut line = None;
        while let Ok(Ready { letter, made }) = ready.recv().await {
            match made {
                Ok(made) => self.hand_over(&mut line, &letter, &made).await?,
                Err(error) => self.unrenderable(&letter, &error).await?,
            }
            self.in_hand.borrow_mut().remove(&letter.letter_id);
            self.moved.notify_one();
            (self.errand.progress)(self.counts.borrow().accepted);
        }
        if let Some(Line { session, .. }) = line {
            session.quit().await;
        }
        Ok(())
    }

    async fn hand_over(&self, line: &mut Option<Line>, letter: &Arc<LetterRow>, made: &Made) -> Result<()> {
        let now = self.errand.clock.now();
        if self.errand.stop.is_cancelled() || !self.may_send(now) {
            return self.give_back(letter).await;
        }
        if made.without_pdf.is_some() {
            self.counts.borrow_mut().without_pdf += 1;
        }
        if let Transport::Maildir(folder) = self.errand.transport {
            if matches!(self.begin(letter, made, "maildir", now).await?, Begun::Go) {
                fault::point("after-sending");
                block_in_place(|| into_maildir(folder, made))?;
                fault::point("after-reply");
                let taken = Reply { code: 250, enhanced: None, text: "maildir".into(), stage: Stage::Dot };
                self.record(letter, "maildir", &Delivery::Accepted(taken), now).await?;
            }
            return Ok(());
        }
        let Some((number, relay)) = self.relays.first_open(now) else { return self.give_back(letter).await };
        if !self.wait_for_turn(relay).await? {
            return self.give_back(letter).await;
        }
        let started_at = self.errand.clock.now();
        let delivery = match self.open(line, number, relay).await {
            Err(fault) => {
                self.relays.fault(number, &fault, self.errand.clock.now());
                // Nothing was said of this letter: it can be tried again at once, by another way.
                return self
                    .settle(
                        letter,
                        LetterState::Queued,
                        None,
                        false,
                        &relay.to_string(),
                        &Delivery::RelayFault(fault),
                        started_at,
                    )
                    .await;
            }
            Ok(open) => self.converse(open, relay, letter, made, started_at).await?,
        };
        let Some(delivery) = delivery else { return Ok(()) };
        match &delivery {
            Delivery::RelayFault(fault) | Delivery::Uncertain(fault) => {
                self.relays.fault(number, fault, self.errand.clock.now());
            }
            _ => self.relays.success(number),
        }
        self.record(letter, &relay.to_string(), &delivery, started_at).await
    }

    /// A session with the relay: the one that is open, or a new one.
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

    /// Hands a letter over. `None` if it was not to be sent after all, which is recorded already.
    async fn converse(
        &self,
        line: &mut Line,
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
        let offered = match line.session.offer(&from, to, &made.message).await {
            // A relay may close a session that waited: nothing was handed over, so a fresh one is tried at once.
            Err(Delivery::RelayFault(fault)) if used && fault.stage == Stage::Mail => {
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
        let name = if redirected.is_some() { format!("{relay} (redirected)") } else { relay.to_string() };
        if !matches!(self.begin(letter, made, &name, started_at).await?, Begun::Go) {
            // Dropped without its final dot, it is not sent.
            return Ok(None);
        }
        fault::point("after-sending");
        let ours_until = letter.lease_until.map(|at| at.and_utc()).max(Some(self.leased_until.get()));
        if Some(self.errand.clock.now()) >= ours_until {
            // This process stood still for longer than its lease: another worker may have the letter.
            tracing::warn!(letter.id = %letter.letter_id, "A lease ended before the letter left: it is not sent from here");
            return Ok(None);
        }
        let delivery = offer.conclude().await;
        fault::point("after-reply");
        Ok(Some(delivery))
    }

    /// Waits until the relay may be given another message. `false` if the worker is to stop meanwhile.
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

    /// Commits that the letter is about to be handed over, if it still may be: from here on a crash leaves its fate unknown.
    async fn begin(
        &self,
        letter: &Arc<LetterRow>,
        made: &Made,
        relay: &str,
        started_at: DateTime<Utc>,
    ) -> Result<Begun> {
        let (now, floor, limits) = (self.errand.clock.now(), self.floor, Limits::of(self.errand.config));
        let (sha256, rendered, relay) = (made.sha256.clone(), made.rendered.clone(), relay.to_owned());
        let row = Arc::clone(letter);
        let begun = self
            .clerk
            .write(move |s| {
                let next_day = limits.next_day(s, &row, floor, now)?;
                let standing = s.standing(&row.letter_id)?;
                if next_day.is_some() || standing.paused_at.is_some() {
                    s.put_down(&row, LetterState::Queued, next_day, None)?;
                    return Ok(Begun::GivenBack);
                }
                if let Some(why) = floor.withheld(&standing, now) {
                    s.put_down(&row, why.state, None, Some(why.reason))?;
                    return Ok(Begun::Withheld(why));
                }
                let ours = s.begin_sending(&row, &sha256, &rendered, &relay, started_at)?;
                Ok(if ours { Begun::Go } else { Begun::Lost })
            })
            .await
            .context("marking a letter as being sent")?;
        match begun {
            Begun::Withheld(why) => self.tell_withheld(&letter.letter_id, why),
            Begun::Lost => tell_lost(letter),
            Begun::Go | Begun::GivenBack => {}
        }
        Ok(begun)
    }

    /// Decides what becomes of a letter of which this was heard, and records it.
    async fn record(
        &self,
        letter: &Arc<LetterRow>,
        relay: &str,
        heard: &Delivery,
        started_at: DateTime<Utc>,
    ) -> Result<()> {
        let now = self.errand.clock.now();
        let (row, floor) = (Arc::clone(letter), self.floor);
        let (too_late_from, tried_since) = if matches!(heard, Delivery::Accepted(_)) {
            (None, None)
        } else {
            let step = move |s: &mut Store| {
                Ok((floor.too_late_from(&s.standing(&row.letter_id)?), s.first_attempt(&row.letter_id)?))
            };
            self.clerk.write(step).await.context("reading what a letter announces")?
        };
        let known = circumstances(letter, tried_since.unwrap_or(started_at), too_late_from);
        let (state, next_at, burns) = match self.schedule.decide(heard, &known, now) {
            Decision::Delivered => (LetterState::Accepted, None, true),
            Decision::TryAt { at, burns_attempt } => (LetterState::Deferred, Some(at), burns_attempt),
            Decision::GiveUp(Reason::Refused | Reason::PutOff) => (LetterState::Failed, None, true),
            Decision::GiveUp(Reason::TooLate) => (LetterState::Expired, None, true),
            Decision::Uncertain(Doubt::ResendAt(at)) => (LetterState::Uncertain, Some(at), true),
            Decision::Uncertain(Doubt::Hold) => (LetterState::Held, None, true),
        };
        self.settle(letter, state, next_at, burns, relay, heard, started_at).await
    }

    async fn unrenderable(&self, letter: &Arc<LetterRow>, error: &anyhow::Error) -> Result<()> {
        tracing::error!(letter.id = %letter.letter_id, "A letter could not be rendered: {error:#}");
        let now = self.errand.clock.now();
        let attempt = Attempt {
            outcome: "failed",
            relay: String::new(),
            stage: None,
            code: None,
            enhanced: None,
            reply: format!("{error:#}"),
            started_at: now,
            ended_at: now,
        };
        self.commit(letter, Settlement { state: LetterState::Failed, next_at: None, burns_attempt: true, attempt })
            .await
    }

    #[expect(clippy::too_many_arguments, reason = "the particulars of one attempt")]
    async fn settle(
        &self,
        letter: &Arc<LetterRow>,
        state: LetterState,
        next_at: Option<DateTime<Utc>>,
        burns_attempt: bool,
        relay: &str,
        heard: &Delivery,
        started_at: DateTime<Utc>,
    ) -> Result<()> {
        let outcome = match (heard, state) {
            (Delivery::Uncertain(_), _) => "uncertain",
            (_, LetterState::Accepted) => "accepted",
            (_, LetterState::Failed) => "failed",
            (_, LetterState::Expired) => "expired",
            (Delivery::Deferred(_), _) => "deferred",
            _ => "relay-fault",
        };
        let (stage, code, enhanced, reply) = match heard {
            Delivery::Accepted(r) | Delivery::Deferred(r) | Delivery::Refused(r) => {
                (r.stage, Some(r.code.into()), r.enhanced.clone(), format!("{r} {}", r.text))
            }
            Delivery::Uncertain(fault) | Delivery::RelayFault(fault) => (fault.stage, None, None, fault.to_string()),
        };
        let attempt = Attempt {
            outcome,
            relay: relay.to_owned(),
            stage: Some(stage.code()),
            code,
            enhanced,
            reply,
            started_at,
            ended_at: self.errand.clock.now(),
        };
        self.commit(letter, Settlement { state, next_at, burns_attempt, attempt }).await
    }

    async fn commit(&self, letter: &Arc<LetterRow>, found: Settlement) -> Result<()> {
        fault::point("before-mark");
        let (row, outcome, state, code) = (Arc::clone(letter), found.attempt.outcome, found.state, found.attempt.code);
        let ours =
            self.clerk.write(move |s| s.settle(&row, &found)).await.context("recording what became of a letter")?;
        if !ours {
            tell_lost(letter);
            return Ok(());
        }
        fault::point("after-mark");
        // The relay's words may quote an address: they stay in the database.
        tracing::info!(letter.id = %letter.letter_id, outcome, code, "Letter {state}");
        let mut counts = self.counts.borrow_mut();
        match (state, outcome) {
            (_, "uncertain") => counts.uncertain += 1,
            (LetterState::Accepted, _) => counts.accepted += 1,
            (LetterState::Deferred, _) => counts.deferred += 1,
            (LetterState::Failed, _) => counts.failed += 1,
            (LetterState::Expired, _) => counts.expired += 1,
            _ => {}
        }
        Ok(())
    }

    async fn give_back(&self, letter: &Arc<LetterRow>) -> Result<()> {
        let row = Arc::clone(letter);
        self.clerk.write(move |s| s.put_down(&row, LetterState::Queued, None, None)).await.map(drop)
    }

    pub(super) fn tell_withheld(&self, letter_id: &str, why: Withheld) {
        tracing::info!(letter.id = letter_id, "Letter {}: {}", why.state, why.reason);
        let mut counts = self.counts.borrow_mut();
        match why.state {
            LetterState::Cancelled => counts.cancelled += 1,
            LetterState::Expired => counts.expired += 1,
            LetterState::Held => counts.held += 1,
            _ => counts.failed += 1,
        }
    }
}

fn tell_lost(letter: &LetterRow) {
    tracing::warn!(letter.id = %letter.letter_id, "A letter was taken over by another worker: what this one knows is discarded");
}
