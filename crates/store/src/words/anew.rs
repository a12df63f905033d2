//! Rebuilding the index: on a first import, on a large one, and for a database of an older version.

use anyhow::{Context, Result};
use diesel::prelude::*;
use rayon::prelude::*;

use super::{Named, ROWS, Row, key_of};
use crate::connection::{connect, insert_own};
use crate::scope::{Scope, holder, holder_word};
use crate::{Store, Use};
use convoke_domain::search::Key;
use convoke_domain::search::blocks::{Block, Builder, packed};
use convoke_domain::search::fold::backwards;

/// Holders per query.
const HOLDERS: i64 = 20_000;

impl Store {
    /// Rebuilds the index in holder order, so that each row is written once. `progress` is called with the number of
    /// holders read.
    pub(crate) fn make_words(&mut self, progress: &dyn Fn(u64)) -> Result<()> {
        diesel::delete(holder_word::of(&self.scope)).execute(&mut self.conn).context("clearing the words")?;
        // Before its first statistics PostgreSQL's planner scans whole tables where it should look up a few rows: here,
        // all names for each batch. For a minute after a first import, until autovacuum has analysed the tables, every
        // other query would suffer too.
        self.analyse("holder")?;
        let (mut builder, mut after, mut read) = (Builder::default(), String::new(), 0);
        loop {
            let rows = self.named(&after)?;
            let Some(last) = rows.last() else { break };
            after.clone_from(&last.holder_id);
            read += rows.len() as u64;
            let apart: Vec<(Option<Key>, Vec<String>)> =
                rows.par_iter().map(|row| (key_of(&row.holder_id), row.words())).collect();
            for (key, words) in apart {
                // An id of another format can still be found by its number.
                if let Some(key) = key {
                    builder.add(key, words);
                }
            }
            let full = builder.take_full();
            self.write_words(full)?;
            progress(read);
        }
        self.write_words(builder.finish())?;
        self.analyse("permit, holder_word")
    }

    /// Refreshes PostgreSQL's statistics for some tables. A table that another process is analysing is skipped: two
    /// préfectures would otherwise wait for each other until the first one's import ends.
    fn analyse(&mut self, tables: &str) -> Result<()> {
        if self.is_postgres() {
            self.execute(&format!("ANALYZE (SKIP_LOCKED) {tables}")).context("telling the planner what there is")?;
        }
        Ok(())
    }

    fn named(&mut self, after: &str) -> Result<Vec<Named>> {
        use holder::{email, family_name, given_names, holder_id, phone, usage_name};
        holder::of(&self.scope)
            .filter(holder_id.gt(after))
            .order(holder_id)
            .limit(HOLDERS)
            .select((holder_id, family_name, usage_name, given_names, email, phone))
            .load(&mut self.conn)
            .context("reading names")
    }

    fn write_words(&mut self, blocks: Vec<Block>) -> Result<()> {
        let prefecture = self.scope.code().to_owned();
        let rows: Vec<Row> = blocks
            .into_iter()
            .map(|block| {
                let Block { word, until, keys } = block;
                Row { prefecture: &prefecture, backwards: backwards(&word), word, until, holders: packed(&keys) }
            })
            .collect();
        insert_own!(self, holder_word, &rows, ROWS).context("writing words")
    }

    /// Builds the index where it is missing or outdated, in every préfecture of a migrated database. `progress` is
    /// called with the number of holders read. Returns the préfectures where it was built.
    pub fn take_names_apart(url: &str, progress: &dyn Fn(u64)) -> Result<Vec<String>> {
        let mut conn = connect(url, Use::Batch)?;
        let codes: Vec<String> = Scope::everywhere().load(&mut conn).context("reading the préfectures")?;
        let mut store =
            Self { conn, url: url.to_owned(), usage: Use::Batch, scope: Scope::nowhere(), rehearsing: false };
        let mut done = Vec::new();
        for code in codes {
            store.scope = Scope::of(&code);
            let made = store.write(|s| {
                if s.words_are_current()? {
                    return Ok(false);
                }
                s.make_words(progress)?;
                let last = s.last_permits()?;
                s.set_words_until(last)?;
                Ok(true)
            })?;
            if made {
                done.push(code);
            }
        }
        Ok(done)
    }
}
