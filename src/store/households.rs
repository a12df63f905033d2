//! Families that an agent linked.

use std::collections::HashMap;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::schema::{holder, household_link};
use super::{KEYS_PER_QUERY, Store};
use crate::ids::HolderId;

impl Store {
    /// The holder of a foreigner number.
    pub fn holder_by_number(&mut self, number: &str) -> Result<Option<HolderId>> {
        let found: Option<String> = holder::table
            .filter(holder::prefecture.eq(&self.prefecture).and(holder::number.eq(number)))
            .select(holder::holder_id)
            .first(&mut self.conn)
            .optional()
            .context("looking for a holder")?;
        Ok(found.map(HolderId))
    }

    /// Makes holders one household, whatever the extracts say.
    pub fn link_household(&mut self, holders: &[HolderId], household: &str, now: DateTime<Utc>) -> Result<()> {
        self.unlink_household(holders)?;
        for id in holders {
            diesel::insert_into(household_link::table)
                .values((
                    household_link::prefecture.eq(&self.prefecture),
                    household_link::holder_id.eq(&id.0),
                    household_link::household.eq(household),
                    household_link::linked_at.eq(now.naive_utc()),
                ))
                .execute(&mut self.conn)
                .context("linking a household")?;
        }
        Ok(())
    }

    /// Ends the links of holders: their household is again that of the extract.
    pub fn unlink_household(&mut self, holders: &[HolderId]) -> Result<usize> {
        let ids = holders.iter().map(|id| id.0.as_str());
        diesel::delete(household_link::table)
            .filter(household_link::prefecture.eq(&self.prefecture).and(household_link::holder_id.eq_any(ids)))
            .execute(&mut self.conn)
            .context("ending a link")
    }

    /// Linked households of holders.
    pub(super) fn linked_households(&mut self, holders: &[&str]) -> Result<HashMap<String, String>> {
        let mut found = HashMap::new();
        for batch in holders.chunks(KEYS_PER_QUERY) {
            let rows: Vec<(String, String)> = household_link::table
                .filter(household_link::prefecture.eq(&self.prefecture).and(household_link::holder_id.eq_any(batch)))
                .select((household_link::holder_id, household_link::household))
                .load(&mut self.conn)
                .context("reading linked households")?;
            found.extend(rows);
        }
        Ok(found)
    }
}
