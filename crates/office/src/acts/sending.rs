//! Pausing and resuming all sending.

use anyhow::Result;
use serde_json::json;

use super::Hand;
use convoke_machine::confirm::Confirmed;
use convoke_store::{Paused, Store};

/// Pauses all sending at once. If it was already paused, changes nothing and returns who paused it.
pub fn pause(store: &mut Store, hand: &mut Hand<'_>) -> Result<Option<Paused>> {
    // This creates the préfecture's row on first use.
    store.id_key(hand.entropy)?;
    let wanted = Paused { since: hand.now(), by: hand.actor.to_owned(), reason: hand.reason.to_owned() };
    store.write(|s| {
        let before = s.paused()?;
        if before.is_none() {
            s.set_paused(Some(&wanted))?;
            hand.record(s, None, "sending.paused", json!({}))?;
        }
        Ok(before)
    })
}

/// Resumes sending. Returns who had paused it; changes nothing if it was not paused.
pub fn unpause(store: &mut Store, hand: &mut Hand<'_>, _confirmed: &Confirmed) -> Result<Option<Paused>> {
    store.write(|s| {
        let before = s.paused()?;
        if before.is_some() {
            s.set_paused(None)?;
            hand.record(s, None, "sending.resumed", json!({}))?;
        }
        Ok(before)
    })
}
