//! Households linked by an agent.

use std::collections::HashMap;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::Store;
use super::scope::{holder, household_link, joined};
use convoke_domain::ids::HolderId;

impl Store {
    /// The holder with a foreigner number.
    pub fn holder_by_number(&mut self, number: &str) -> Result<Option<HolderId>> {
        // Numbers are not indexed: holder ids are derived from them.
        let Some(key) = self.stored_id_key()? else { return Ok(None) };
        let meant = self.holder_meant(key.holder(self.scope.code(), number))?;
        let found: Option<String> = holder::of(&self.scope)
            .filter(holder::holder_id.eq(meant.0))
            .filter(holder::number.eq(number))
            .select(holder::holder_id)
            .first(&mut self.conn)
            .optional()
            .context("looking for a holder")?;
        Ok(found.map(HolderId))
    }

    /// Links holders as one household, whatever the extracts say.
    pub fn link_household(&mut self, holders: &[&HolderId], household: &str, now: DateTime<Utc>) -> Result<()> {
        self.unlink_household(holders)?;
        for id in holders {
            household_link::insert(&self.scope)
                .values((
                    household_link::holder_id.eq(&id.0),
                    household_link::household.eq(household),
                    household_link::linked_at.eq(now.naive_utc()),
                ))
                .execute(&mut self.conn)
                .context("linking a household")?;
        }
        Ok(())
    }

    /// Unlinks holders: they return to the household in the extract. A link left with a single member ends too.
    pub fn unlink_household(&mut self, holders: &[&HolderId]) -> Result<usize> {
        let ids = holders.iter().map(|id| id.0.as_str());
        let ended = diesel::delete(household_link::of(&self.scope).filter(household_link::holder_id.eq_any(ids)))
            .execute(&mut self.conn)
            .context("ending a link")?;
        let alone: Vec<String> = household_link::of(&self.scope)
            .group_by(household_link::household)
            .having(diesel::dsl::count_star().eq(1))
            .select(household_link::household)
            .load(&mut self.conn)
            .context("reading links")?;
        diesel::delete(household_link::of(&self.scope).filter(household_link::household.eq_any(alone)))
            .execute(&mut self.conn)
            .context("ending a link")?;
        Ok(ended)
    }

    /// The links of each linked holder, and of each extract household that one of them belongs to: its other members,
    /// present and future, belong to the link too.
    pub(super) fn links(&mut self) -> Result<Links> {
        let rows: Vec<(String, Option<String>, String)> = household_link::of(&self.scope)
            .inner_join(joined!(holder, household_link, holder_id))
            .order(household_link::household)
            .select((household_link::holder_id, holder::household, household_link::household))
            .load(&mut self.conn)
            .context("reading linked households")?;
        let mut links = Links::default();
        for (id, of_extract, link) in rows {
            if let Some(of_extract) = of_extract {
                links.of_extract.entry(of_extract).or_insert_with(|| link.clone());
            }
            links.of_holder.insert(id, link);
        }
        Ok(links)
    }
}

/// Which households are linked.
#[derive(Default)]
pub(super) struct Links {
    of_holder: HashMap<String, String>,
    of_extract: HashMap<String, String>,
}

impl Links {
    /// The household of a holder, taking links into account.
    pub(super) fn household(&self, holder_id: &str, of_extract: Option<String>) -> Option<String> {
        let link = self.of_holder.get(holder_id);
        link.or_else(|| self.of_extract.get(of_extract.as_ref()?)).cloned().or(of_extract)
    }
}
