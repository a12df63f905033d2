//! Sends checkpoints to witnesses. They contain nothing personal: they may leave at any hour, and a duplicate does no
//! harm.

use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::block_in_place;
use tokio::time::sleep;

use super::super::press::Made;
use super::super::relays::{Transport, into_maildir};
use super::super::smtp::{Delivery, Session};
use super::Worker;
use convoke_domain::ids::sha256_hex;
use convoke_letters::witness_mail;
use convoke_store::WitnessLetter;

/// How often a continuing worker looks for checkpoints to send.
const AGAIN: Duration = Duration::from_mins(1);
/// Longest pause between two attempts at one letter.
const PATIENCE: TimeDelta = TimeDelta::hours(4);

impl Worker<'_> {
    /// Sends checkpoints repeatedly, in a task of its own: a slow relay must not delay the heartbeat.
    pub(super) async fn keep_notifying(&self) -> anyhow::Error {
        loop {
            sleep(AGAIN).await;
            if let Err(error) = self.notify_witnesses().await {
                return error;
            }
        }
    }

    /// Sends witnesses the checkpoints that they do not have. A relay's refusal is recorded, and tried again.
    pub(super) async fn notify_witnesses(&self) -> Result<()> {
        let now = self.errand.clock.now();
        let first = self.schedule.first.clamp(TimeDelta::minutes(1), PATIENCE);
        let again_at = now + first;
        let due = self
            .clerk
            .write(move |s| if s.paused()?.is_some() { Ok(Vec::new()) } else { s.take_witness_letters(now, again_at) })
            .await
            .context("looking for checkpoints to send")?;
        for letter in due {
            let (accepted_at, reply) = self.notify(&letter, now).await?;
            let (size, address) = (letter.sealed.checkpoint.size, letter.address.clone());
            if accepted_at.is_none() {
                tracing::warn!(
                    checkpoint = size,
                    attempts = letter.attempts,
                    "Checkpoint {size} did not reach a witness: {reply}"
                );
            }
            // The longer it fails, the longer it waits.
            let next_at = now + (first * 2i32.pow(letter.attempts.min(10))).min(PATIENCE);
            let settled = reply.clone();
            self.clerk
                .write(move |s| s.settle_witness_letter(size, &address, (accepted_at, next_at), &settled))
                .await
                .context("recording a letter to a witness")?;
        }
        Ok(())
    }

    /// When it was accepted, if it was, and the reply.
    async fn notify(&self, letter: &WitnessLetter, now: DateTime<Utc>) -> Result<(Option<DateTime<Utc>>, String)> {
        let config = self.errand.config;
        let sender = config.sender();
        let to = config.settings.dispatch.redirect_all_to.as_ref().unwrap_or(&letter.address);
        let (message_id, message) = witness_mail(&letter.sealed, to, &sender);
        if let Transport::Maildir(folder) = self.errand.transport {
            let sha256 = sha256_hex(&message);
            let made = Made { message, sha256, message_id, rendered: String::new(), without_pdf: None };
            block_in_place(|| into_maildir(folder, &made))?;
            return Ok((Some(now), "250 maildir".into()));
        }
        let Some((number, relay)) = self.relays.first_open(now) else {
            return Ok((None, self.relays.last_fault().0));
        };
        let delivery = match Session::open(relay).await {
            Err(fault) => Delivery::RelayFault(fault),
            Ok(mut session) => {
                let delivery = session.deliver(&sender.from_address, to, &message).await;
                session.quit().await;
                delivery
            }
        };
        Ok(match delivery {
            Delivery::Accepted(reply) => (Some(now), reply.to_string()),
            Delivery::Deferred(reply) | Delivery::Refused(reply) => (None, reply.to_string()),
            Delivery::RelayFault(fault) | Delivery::Uncertain(fault) => {
                self.relays.fault(number, &fault, self.errand.clock.now());
                (None, fault.to_string())
            }
        })
    }
}
