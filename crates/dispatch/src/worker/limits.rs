//! Limits per domain and minute, and per address and day: kept in the database, so that all workers share them.

use anyhow::Result;
use chrono::{DateTime, Days, Utc};

use crate::decide::turn;
use crate::recheck::{Floor, midnight};
use convoke_domain::convocation::LetterState;
use convoke_settings::Configuration;
use convoke_store::{LetterRow, Store};

/// The limits that the settings give.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    relay_per_minute: Option<u32>,
    domain_per_minute: Option<u32>,
    per_address_per_day: Option<u32>,
    redirected: bool,
}

impl Limits {
    pub(super) fn of(config: &Configuration) -> Self {
        let dispatch = &config.settings.dispatch;
        Self {
            relay_per_minute: dispatch.per_minute,
            domain_per_minute: dispatch.domain_per_minute,
            per_address_per_day: dispatch.per_address_per_day,
            redirected: dispatch.redirect_all_to.is_some(),
        }
    }

    /// Whether any limit is set.
    pub(super) fn are_set(self) -> bool {
        self.relay_per_minute.is_some() || self.domain_per_minute.is_some() || self.per_address_per_day.is_some()
    }

    /// Makes a claimed letter wait if its domain or address has reached its limit; `true` if it waits. A turn is given
    /// once, in order, and used up by the next claim.
    pub(super) fn put_off(
        self,
        store: &mut Store,
        letter: &LetterRow,
        floor: &Floor,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        if let Some(next_day) = self.next_day(store, letter, floor, now)? {
            if letter.has_turn {
                store.set_turn(letter, false)?;
            }
            return store.put_down(letter, LetterState::Queued, Some(next_day), None);
        }
        if letter.has_turn {
            store.set_turn(letter, false)?;
            return Ok(false);
        }
        let (Some(per_minute), false) = (self.domain_per_minute, self.redirected) else { return Ok(false) };
        let Some((_, domain)) = letter.recipient.as_deref().and_then(|r| r.rsplit_once('@')) else { return Ok(false) };
        let scope = format!("domain:{}", domain.to_lowercase());
        let (at, after) = turn(store.pace(&scope)?, per_minute, now);
        store.set_pace(&scope, after)?;
        if at <= now {
            return Ok(false);
        }
        store.set_turn(letter, true)?;
        store.put_down(letter, LetterState::Queued, Some(at), None)
    }

    /// When a letter may leave if its address has reached today's limit; `None` if it may leave now.
    pub(super) fn next_day(
        self,
        store: &mut Store,
        letter: &LetterRow,
        floor: &Floor,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>> {
        let (Some(cap), Some(address), false) = (self.per_address_per_day, &letter.recipient, self.redirected) else {
            return Ok(None);
        };
        let today = now.with_timezone(&floor.zone).date_naive();
        let (Some(begun), Some(ends)) =
            (midnight(today, floor.zone), today.checked_add_days(Days::new(1)).and_then(|d| midnight(d, floor.zone)))
        else {
            return Ok(None);
        };
        Ok((store.sent_to(address, begun)? >= i64::from(cap)).then_some(ends))
    }
}
