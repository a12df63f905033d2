//! Holders, as letters and plans need them.

use std::collections::HashMap;

use anyhow::Result;
use chrono::NaiveDate;
use diesel::prelude::*;

use super::row::{Rows, Word, row};
use super::scope::holder;
use super::{KEYS_PER_QUERY, Store};
use convoke_domain::birth::BirthDate;
use convoke_domain::permit::{Channel, Holder};

row! {
    /// What letters and plans need from a holder.
    #[derive(Clone, Debug)]
    pub struct HolderRow,
    #[derive(Queryable, Selectable)]
    struct HolderColumns of holder by holder_id {
        /// Holder.
        pub holder_id: String,
        number: String,
        family_name: String,
        usage_name: Option<String>,
        given_names: String,
        birth_date: Option<NaiveDate>,
        birth_partial: Option<String>,
        email: Option<String>,
        phone: Option<String>,
        language: String,
        address: String,
        postcode: String,
        town: Option<String>,
        commune: String,
        household: Option<String>,
        channel: Option<Channel> as Option<Word<Channel>>,
        large_print: bool,
        email_refused: Option<String>,
        email_set: Option<String>,
        email_set_over: Option<String>,
    }
}

impl HolderRow {
    /// The holder.
    pub fn into_holder(self) -> Holder {
        let email = email_of(self.email, self.email_set, self.email_set_over.as_deref());
        Holder {
            number: self.number,
            family_name: self.family_name,
            usage_name: self.usage_name,
            given_names: self.given_names,
            birth_date: born(self.birth_date, self.birth_partial.as_deref()),
            // An address that bounced counts as none.
            email: email.filter(|email| self.email_refused.as_ref() != Some(email)),
            phone: self.phone,
            language: self.language,
            address: self.address.lines().map(str::to_owned).collect(),
            postcode: self.postcode,
            town: self.town,
            commune: self.commune,
            household: self.household,
            channel: self.channel,
            large_print: self.large_print,
        }
    }
}

/// The date of birth, whole or as far as it is known.
pub(super) fn born(whole: Option<NaiveDate>, partial: Option<&str>) -> Option<BirthDate> {
    whole.map(BirthDate::Day).or_else(|| BirthDate::partial(partial?))
}

/// The effective address: the one an agent set, until the extract's address changes.
pub(super) fn email_of(extract: Option<String>, set: Option<String>, over: Option<&str>) -> Option<String> {
    match set.filter(|_| over == Some(extract.as_deref().unwrap_or_default())) {
        Some(set) => Some(set).filter(|email| !email.is_empty()),
        None => extract,
    }
}

impl Store {
    /// Holders by id.
    pub fn holders(&mut self, ids: &[&str]) -> Result<HashMap<String, Holder>> {
        let mut found = HashMap::with_capacity(ids.len());
        for batch in ids.chunks(KEYS_PER_QUERY) {
            let rows = holder::of(&self.scope)
                .filter(holder::holder_id.eq_any(batch))
                .select(HolderColumns::as_select())
                .load(&mut self.conn)
                .rows("reading holders")?;
            for row in rows {
                found.insert(row.holder_id.clone(), row.into_holder());
            }
        }
        let links = self.links()?;
        for (id, holder) in &mut found {
            holder.household = links.household(id, holder.household.take());
        }
        Ok(found)
    }
}
