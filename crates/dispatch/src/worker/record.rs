//! What becomes of a letter after an attempt: decided, recorded, counted and logged.

use std::sync::Arc;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};

use super::Worker;
use super::carry::Unrecorded;
use crate::decide::{Circumstances, Decision, Doubt, Reason};
use crate::recheck::Withheld;
use crate::smtp::Delivery;
use convoke_domain::convocation::{LetterState, Outcome};
use convoke_machine::fault;
use convoke_store::{Attempt, LetterRow, Settlement, Store};

impl Worker<'_> {
    /// Decides what happens to a letter after this result, and records it: at once, or with the next letter if it was
    /// accepted.
    pub(super) async fn record(
        &self,
        unrecorded: &mut Unrecorded,
        letter: &Arc<LetterRow>,
        relay: &str,
        heard: &Delivery,
        started_at: DateTime<Utc>,
    ) -> Result<()> {
        let now = self.errand.clock.now();
        let (row, floor) = (Arc::clone(letter), self.floor.clone());
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
        let found = self.settlement(state, next_at, burns, relay, heard, started_at);
        if state == LetterState::Accepted {
            self.record_last(unrecorded).await?;
            *unrecorded = Some((Arc::clone(letter), found));
            return Ok(());
        }
        self.commit(letter, found).await
    }

    pub(super) async fn unrenderable(&self, letter: &Arc<LetterRow>, error: &anyhow::Error) -> Result<()> {
        tracing::error!(letter.id = %letter.letter_id, "A letter could not be rendered: {error:#}");
        let now = self.errand.clock.now();
        let attempt = Attempt {
            outcome: Outcome::Failed,
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

    /// What to record of an attempt.
    pub(super) fn settlement(
        &self,
        state: LetterState,
        next_at: Option<DateTime<Utc>>,
        burns_attempt: bool,
        relay: &str,
        heard: &Delivery,
        started_at: DateTime<Utc>,
    ) -> Settlement {
        let outcome = match (heard, state) {
            (Delivery::Uncertain(_), _) => Outcome::Uncertain,
            (_, LetterState::Accepted) => Outcome::Accepted,
            (_, LetterState::Failed) => Outcome::Failed,
            (_, LetterState::Expired) => Outcome::Expired,
            (Delivery::Deferred(_), _) => Outcome::Deferred,
            _ => Outcome::RelayFault,
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
        Settlement { state, next_at, burns_attempt, attempt }
    }

    pub(super) async fn commit(&self, letter: &Arc<LetterRow>, found: Settlement) -> Result<()> {
        fault::point("before-mark");
        let (row, step) = (Arc::clone(letter), found.clone());
        let ours =
            self.clerk.write(move |s| s.settle(&row, &step)).await.context("recording what became of a letter")?;
        self.recorded(letter, &found, ours);
        Ok(())
    }

    /// Counts and logs what was recorded of a letter.
    pub(super) fn recorded(&self, letter: &LetterRow, found: &Settlement, ours: bool) {
        if !ours {
            return log_lost(letter);
        }
        fault::point("after-mark");
        let (state, outcome, code) = (found.state, found.attempt.outcome, found.attempt.code);
        // The relay's reply may quote an address: it stays in the database.
        tracing::info!(letter.id = %letter.letter_id, %outcome, code, "Letter {state}");
        let mut counts = self.counts.borrow_mut();
        match (state, outcome) {
            (_, Outcome::Uncertain) => counts.uncertain += 1,
            (LetterState::Accepted, _) => counts.accepted += 1,
            (LetterState::Deferred, _) => counts.deferred += 1,
            (LetterState::Failed, _) => counts.failed += 1,
            (LetterState::Expired, _) => counts.expired += 1,
            _ => {}
        }
    }

    pub(super) fn log_withheld(&self, letter_id: &str, why: Withheld) {
        tracing::info!(letter.id = letter_id, "Letter {}: {}", why.state, why.reason.label());
        let mut counts = self.counts.borrow_mut();
        match why.state {
            // It waits for a fact, not for a person.
            LetterState::Held if why.reason.waits_for_a_fact() => counts.waiting += 1,
            LetterState::Cancelled => counts.cancelled += 1,
            LetterState::Expired => counts.expired += 1,
            LetterState::Held => counts.held += 1,
            _ => counts.failed += 1,
        }
    }
}

pub(super) fn log_lost(letter: &LetterRow) {
    tracing::warn!(letter.id = %letter.letter_id, "Another worker has taken over a letter: this one discards its result");
}

/// What is known of a letter when the relay's reply arrives.
pub(super) fn circumstances(
    letter: &LetterRow,
    tried_since: DateTime<Utc>,
    too_late_from: Option<DateTime<Utc>>,
) -> Circumstances<'_> {
    Circumstances {
        letter_id: &letter.letter_id,
        attempts: letter.attempts,
        uncertain: letter.uncertain,
        tried_since,
        too_late_from,
    }
}
