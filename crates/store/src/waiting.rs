//! The extract that looks wrong and waits for a person.

use anyhow::{Context, Result};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::Store;
use super::scope::import_waiting;

/// An extract that waits.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Waiting {
    /// By what it is confirmed.
    pub id: String,
    /// Where the file is.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// The day whose facts it has.
    pub as_of: NaiveDate,
    /// Since when it waits.
    pub since: NaiveDateTime,
    /// How it is read, as JSON.
    pub options: String,
    /// What looks wrong, in one line.
    pub why: String,
}

impl Store {
    /// The extract that waits, if one does.
    pub fn waiting_import(&mut self) -> Result<Option<Waiting>> {
        use import_waiting::{as_of, options, path, sha256, since, waiting_id, why};
        import_waiting::of(&self.scope)
            .select((waiting_id, path, sha256, as_of, since, options, why))
            .first(&mut self.conn)
            .optional()
            .context("reading the extract that waits")
    }

    /// Lets an extract wait, in place of an older one.
    pub fn let_wait(&mut self, waiting: &Waiting) -> Result<()> {
        self.end_wait()?;
        import_waiting::insert(&self.scope)
            .values((
                import_waiting::waiting_id.eq(&waiting.id),
                import_waiting::path.eq(&waiting.path),
                import_waiting::sha256.eq(&waiting.sha256),
                import_waiting::as_of.eq(waiting.as_of),
                import_waiting::since.eq(waiting.since),
                import_waiting::options.eq(&waiting.options),
                import_waiting::why.eq(&waiting.why),
            ))
            .execute(&mut self.conn)
            .context("noting an extract that waits")?;
        Ok(())
    }

    /// The file of the extract with this id was moved.
    pub fn waiting_import_moved(&mut self, id: &str, path: &str) -> Result<()> {
        diesel::update(import_waiting::of(&self.scope).filter(import_waiting::waiting_id.eq(id)))
            .set(import_waiting::path.eq(path))
            .execute(&mut self.conn)
            .context("noting where an extract waits")?;
        Ok(())
    }

    /// Nothing waits any more.
    pub fn end_wait(&mut self) -> Result<()> {
        diesel::delete(import_waiting::of(&self.scope)).execute(&mut self.conn).context("ending a wait")?;
        Ok(())
    }
}
