//! Search index of name words, from word to holders. Derived from `holder`, in the transaction that changes it.

mod anew;

use anyhow::{Context, Result};
use diesel::prelude::*;
use diesel::sql_types::{Binary, Bool, Nullable, Text};
use diesel::table;

use super::scope::{holder, holder_word, import_batch, prefecture};
use super::{Store, insert_all, on_backend};
use convoke_domain::ids::unbase32;
use convoke_domain::search::blocks::{Block, Change, changed, packed, text_of, unpacked};
use convoke_domain::search::fold::backwards;
use convoke_domain::search::{Bearer, Key, words_of};

/// Rows per statement.
const ROWS: usize = 500;
/// Above this many new or renamed people, rebuilding the index is faster than updating it.
const RENAMED_MAX: usize = 50_000;

table! {
    touched_word (word, holder_id) {
        word -> Text,
        holder_id -> Text,
    }
}

table! {
    word_block (word, until) {
        word -> Text,
        until -> Text,
        backwards -> Text,
        holders -> Binary,
    }
}

#[derive(Insertable)]
#[diesel(table_name = touched_word, treat_none_as_default_value = false)]
struct Touched<'a> {
    word: &'a str,
    holder_id: &'a str,
}

#[derive(Insertable)]
#[diesel(table_name = word_block, treat_none_as_default_value = false)]
struct ChangedRow {
    word: String,
    until: String,
    backwards: String,
    holders: Vec<u8>,
}

#[derive(Insertable)]
#[diesel(table_name = holder_word, treat_none_as_default_value = false)]
struct Row<'a> {
    prefecture: &'a str,
    word: String,
    until: String,
    backwards: String,
    holders: Vec<u8>,
}

#[derive(QueryableByName)]
struct BlockRow {
    #[diesel(sql_type = Text)]
    word: String,
    #[diesel(sql_type = Text)]
    until: String,
    #[diesel(sql_type = Binary)]
    holders: Vec<u8>,
}

/// The fields that a holder is found by.
#[derive(Queryable)]
struct Named {
    holder_id: String,
    family_name: String,
    usage_name: Option<String>,
    given_names: String,
    email: Option<String>,
    phone: Option<String>,
}

impl Named {
    fn words(&self) -> Vec<String> {
        words_of(&Bearer {
            family_name: &self.family_name,
            usage_name: self.usage_name.as_deref(),
            given_names: &self.given_names,
            email: self.email.as_deref(),
            phone: self.phone.as_deref(),
        })
    }
}

/// A staged holder who is new or changed, with what was stored before.
#[derive(QueryableByName)]
struct Renamed {
    #[diesel(sql_type = Text)]
    holder_id: String,
    #[diesel(sql_type = Text)]
    family_name: String,
    #[diesel(sql_type = Nullable<Text>)]
    usage_name: Option<String>,
    #[diesel(sql_type = Text)]
    given_names: String,
    #[diesel(sql_type = Nullable<Text>)]
    email: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    phone: Option<String>,
    #[diesel(sql_type = Bool)]
    known: bool,
    #[diesel(sql_type = Nullable<Text>)]
    old_family_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    old_usage_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    old_given_names: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    old_email: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    old_phone: Option<String>,
}

impl Renamed {
    fn changes(self) -> Vec<WordChange> {
        let id = self.holder_id;
        let Some(key) = key_of(&id) else { return Vec::new() };
        let named = |family_name, usage_name, given_names, email, phone| {
            Named { holder_id: String::new(), family_name, usage_name, given_names, email, phone }.words()
        };
        let new = named(self.family_name, self.usage_name, self.given_names, self.email, self.phone);
        let old = if self.known {
            let (family, given) = (self.old_family_name.unwrap_or_default(), self.old_given_names.unwrap_or_default());
            named(family, self.old_usage_name, given, self.old_email, self.old_phone)
        } else {
            Vec::new()
        };
        // Both lists are sorted.
        let gone = old.iter().filter(|word| new.binary_search(word).is_err()).map(|word| (word.clone(), Change::Goes));
        let come = new.iter().filter(|word| old.binary_search(word).is_err()).map(|word| (word.clone(), Change::Comes));
        gone.chain(come).map(|(word, change)| (word, key, change)).collect()
    }
}

/// A holder added to a word, or removed from it.
pub(super) type WordChange = (String, Key, Change);

/// The key in a holder's id: `None` for an id that this program did not assign.
fn key_of(holder_id: &str) -> Option<Key> {
    unbase32(holder_id)
}

impl Store {
    /// The last import of permits.
    fn last_permits(&mut self) -> Result<Option<i64>> {
        import_batch::of(&self.scope)
            .filter(import_batch::kind.eq("permits"))
            .select(diesel::dsl::max(import_batch::import_id))
            .first(&mut self.conn)
            .context("looking for the last import")
    }

    /// Whether the index matches the stored names. It does not after an import by an older program.
    pub fn words_are_current(&mut self) -> Result<bool> {
        let until: Option<Option<i64>> = prefecture::of(&self.scope)
            .select(prefecture::words_until)
            .first(&mut self.conn)
            .optional()
            .context("asking until when names were taken apart")?;
        Ok(until.flatten() == self.last_permits()?)
    }

    /// Records the import that the index matches.
    pub(super) fn set_words_until(&mut self, import_id: Option<i64>) -> Result<()> {
        diesel::update(prefecture::of(&self.scope))
            .set(prefecture::words_until.eq(import_id))
            .execute(&mut self.conn)
            .context("noting until when names were taken apart")?;
        Ok(())
    }

    /// The index changes implied by the stage, computed before it is merged; `None` if there are so many that the index
    /// is to be rebuilt.
    pub(super) fn staged_words(&mut self) -> Result<Option<Vec<WordChange>>> {
        if !self.words_are_current()? {
            return Ok(None);
        }
        let sql = format!(
            "SELECT s.holder_id, s.family_name, s.usage_name, s.given_names, s.email, s.phone, h.holder_id IS NOT NULL AS known,
                h.family_name AS old_family_name, h.usage_name AS old_usage_name, h.given_names AS old_given_names, h.email AS old_email,
                h.phone AS old_phone
             FROM staged_permit s LEFT JOIN holder h ON h.prefecture = '{}' AND h.holder_id = s.holder_id
             WHERE s.takes_holder AND (h.holder_id IS NULL OR h.fingerprint <> s.holder_fingerprint) LIMIT {}",
            self.scope.code(),
            RENAMED_MAX + 1
        );
        let renamed: Vec<Renamed> =
            on_backend!(&mut self.conn, c => diesel::sql_query(sql).load(c)).context("looking for new names")?;
        if renamed.len() > RENAMED_MAX {
            return Ok(None);
        }
        Ok(Some(renamed.into_iter().flat_map(Renamed::changes).collect()))
    }

    /// Applies changes to the index in sets: affected rows are read, changed and written.
    pub(super) fn change_words(&mut self, changes: &[WordChange]) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        self.execute(
            "CREATE TEMP TABLE IF NOT EXISTS touched_word (word TEXT NOT NULL, holder_id TEXT NOT NULL);
             CREATE TEMP TABLE IF NOT EXISTS word_block (word TEXT NOT NULL, until TEXT NOT NULL, backwards TEXT NOT NULL, holders BLOB_TYPE NOT NULL);
             DELETE FROM touched_word; DELETE FROM word_block;"
                .replace("BLOB_TYPE", if self.is_postgres() { "BYTEA" } else { "BLOB" })
                .as_str(),
        )?;
        let ids: Vec<String> = changes.iter().map(|(_, key, _)| text_of(key)).collect();
        let touched: Vec<Touched> =
            changes.iter().zip(&ids).map(|((word, _, _), holder_id)| Touched { word, holder_id }).collect();
        insert_all!(&mut self.conn, touched_word, &touched, 10_000).context("naming the words that change")?;
        let sql = format!(
            "SELECT b.word, b.until, b.holders FROM (
                 SELECT DISTINCT t.word, (SELECT min(h.until) FROM holder_word h
                     WHERE h.prefecture = '{0}' AND h.word = t.word AND h.until >= t.holder_id) AS until FROM touched_word t) place
             JOIN holder_word b ON b.prefecture = '{0}' AND b.word = place.word AND b.until = place.until",
            self.scope.code()
        );
        let rows: Vec<BlockRow> =
            on_backend!(&mut self.conn, c => diesel::sql_query(sql).load(c)).context("reading words")?;
        let blocks: Result<Vec<Block>> = rows
            .into_iter()
            .map(|row| Ok(Block { keys: keys_in(&row.holders)?, word: row.word, until: row.until }))
            .collect();
        let rows: Vec<ChangedRow> = changed(blocks?, changes)
            .into_iter()
            .map(|block| {
                let Block { word, until, keys } = block;
                ChangedRow { backwards: backwards(&word), word, until, holders: packed(&keys) }
            })
            .collect();
        insert_all!(&mut self.conn, word_block, &rows, ROWS).context("changing words")?;
        let prefecture = self.scope.code();
        self.execute(&format!(
            "INSERT INTO holder_word (prefecture, word, until, backwards, holders)
             SELECT '{prefecture}', word, until, backwards, holders FROM word_block WHERE TRUE ORDER BY word, until
             ON CONFLICT (prefecture, word, until) DO UPDATE SET holders = excluded.holders;
             DELETE FROM holder_word WHERE prefecture = '{prefecture}' AND word IN (SELECT word FROM word_block WHERE length(holders) = 0)
                AND length(holders) = 0;
             DELETE FROM touched_word; DELETE FROM word_block;"
        ))
        .context("writing words")
    }

    /// Removes holders who are about to be erased from the index.
    pub(super) fn forget_words(&mut self, holders: &[&str]) -> Result<()> {
        use holder::{email, family_name, given_names, holder_id, phone, usage_name};
        let named: Vec<Named> = holder::of(&self.scope)
            .filter(holder_id.eq_any(holders))
            .select((holder_id, family_name, usage_name, given_names, email, phone))
            .load(&mut self.conn)
            .context("reading the names to forget")?;
        let changes: Vec<WordChange> = named
            .iter()
            .filter_map(|row| Some((key_of(&row.holder_id)?, row.words())))
            .flat_map(|(key, words)| words.into_iter().map(move |word| (word, key, Change::Goes)))
            .collect();
        self.change_words(&changes)
    }
}

/// The keys in a row.
pub(super) fn keys_in(holders: &[u8]) -> Result<Vec<Key>> {
    unpacked(holders)
        .context("a row of holder_word is no list of holders: `convoke migrate` cannot mend it; restore a back-up")
}
