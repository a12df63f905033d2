//! Templates that letters were made with, stored by hash.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::records::{deflate, inflate};
use super::scope::template_bundle;
use super::{Store, on_backend};

impl Store {
    /// Hash of the most recent templates.
    pub fn last_templates(&mut self) -> Result<Option<String>> {
        template_bundle::of(&self.scope)
            .order(template_bundle::kept_at.desc())
            .select(template_bundle::sha256)
            .first(&mut self.conn)
            .optional()
            .context("reading which templates were used last")
    }

    /// Stores a bundle of templates, unless it is already stored.
    pub fn keep_templates(
        &mut self,
        sha256: &str,
        sources: &BTreeMap<String, Vec<u8>>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let known = template_bundle::of(&self.scope).filter(template_bundle::sha256.eq(sha256));
        if diesel::select(diesel::dsl::exists(known)).get_result(&mut self.conn)? {
            return Ok(());
        }
        let row = (
            template_bundle::sha256.eq(sha256),
            template_bundle::kept_at.eq(now.naive_utc()),
            template_bundle::bytes.eq(deflate(&serde_json::to_vec(sources)?)?),
        );
        // Two workers may begin at once: the same hash is the same bundle.
        let row = template_bundle::insert(&self.scope).values(row).on_conflict_do_nothing();
        on_backend!(&mut self.conn, c => row.execute(c)).context("keeping the templates")?;
        Ok(())
    }

    /// A bundle by its hash.
    pub fn kept_templates(&mut self, sha256: &str) -> Result<Option<BTreeMap<String, Vec<u8>>>> {
        let packed: Option<Vec<u8>> = template_bundle::of(&self.scope)
            .filter(template_bundle::sha256.eq(sha256))
            .select(template_bundle::bytes)
            .first(&mut self.conn)
            .optional()?;
        packed.map(|packed| serde_json::from_slice(&inflate(&packed)?).context("reading kept templates")).transpose()
    }
}
