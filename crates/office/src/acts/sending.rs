//! Stopping all sending, and letting it go on.

use anyhow::Result;
use serde_json::json;

use super::Hand;
use convoke_machine::confirm::Confirmed;
use convoke_store::{Paused, Store};

/// Stops sending at once, whatever waits. Returns who had stopped it already: then nothing changes.
pub fn pause(store: &mut Store, hand: &mut Hand<'_>) -> Result<Option<Paused>> {
    // Made on first use: there is then a row to write into.
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

/// Lets the letters that wait leave. Returns who had stopped them; nothing changes where nobody had.
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
