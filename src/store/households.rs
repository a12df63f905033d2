//! Families that an agent linked.

use std::collections::HashMap;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::schema::{holder, household_link};
use super::{KEYS_PER_QUERY, Store};
use crate::ids::HolderId;

impl Store {
    /// The holder of a foreigner number, and their household.
    pub fn holder_by_number(&mut self, number: &str) -> Result<Option<(HolderId, Option<String>)>> {
        let found: Option<(String, Option<String>)> = holder::table
            .filter(holder::prefecture.eq(&self.prefecture).and(holder::number.eq(number)))
            .select((holder::holder_id, holder::household))
            .first(&mut self.conn)
            .optional()
            .context("looking for a holder")?;
        let Some((id, of_extract)) = found else { return Ok(None) };
        let linked = self.linked_households(&[&id])?.remove(&id);
        Ok(Some((HolderId(id), linked.or(of_extract))))
    }

    /// Everybody of some households, by link or by extract: holder and number.
    pub fn household_members(&mut self, households: &[String]) -> Result<Vec<(HolderId, String)>> {
        let linked: Vec<String> = household_link::table
            .filter(household_link::prefecture.eq(&self.prefecture))
            .filter(household_link::household.eq_any(households))
            .select(household_link::holder_id)
            .load(&mut self.conn)
            .context("reading linked households")?;
        let of_extract: Vec<String> = holder::table
            .filter(holder::prefecture.eq(&self.prefecture).and(holder::household.eq_any(households)))
            .select(holder::holder_id)
            .load(&mut self.conn)
            .context("reading a household")?;
        let ids: Vec<&str> = of_extract.iter().map(String::as_str).collect();
        // Whoever is linked elsewhere has left the household of the extract.
        let elsewhere = self.linked_households(&ids)?;
        let ids: Vec<&String> =
            linked.iter().chain(of_extract.iter().filter(|id| !elsewhere.contains_key(*id))).collect();
        let rows: Vec<(String, String)> = holder::table
            .filter(holder::prefecture.eq(&self.prefecture).and(holder::holder_id.eq_any(ids)))
            .select((holder::holder_id, holder::number))
            .load(&mut self.conn)
            .context("reading a household")?;
        Ok(rows.into_iter().map(|(id, number)| (HolderId(id), number)).collect())
    }

    /// Makes holders one household, whatever the extracts say.
    pub fn link_household(&mut self, holders: &[&HolderId], household: &str, now: DateTime<Utc>) -> Result<()> {
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
    pub fn unlink_household(&mut self, holders: &[&HolderId]) -> Result<usize> {
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
