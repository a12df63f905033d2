//! Search for people by the words of their names.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use diesel::prelude::*;

use super::LONGER;
use crate::scope::holder_word;
use crate::words::keys_in;
use crate::{Store, on_backend};
use convoke_domain::search::near::{Stretch, distance, slips, stretches};
use convoke_domain::search::{Key, Wanted, fold, ways_to_write, who_has_all, who_has_any};

/// Limits on the words that one typed word may match, and on their holders.
const WORDS_MAX: usize = 1_000;
const ALIKE_MAX: usize = 200_000;
const KEYS_MAX: usize = 1_000_000;
/// The cost of each typing error.
const SLIP: u32 = 2;

/// People by key with their distance; whether there are more.
pub(super) type Matches = (Vec<(Key, u32)>, bool);

/// The range of words that begin with `head`, as SQL. Words contain only letters and digits, and `~` sorts after all of
/// these.
fn range(head: &str) -> String {
    let head: String = head.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("('{head}', '{head}~')")
}

impl Store {
    /// Holders with a word, in key order.
    pub(super) fn who_has(&mut self, word: &str) -> Result<Vec<Key>> {
        let rows: Vec<Vec<u8>> = holder_word::of(&self.scope)
            .filter(holder_word::word.eq(word))
            .order(holder_word::until)
            .select(holder_word::holders)
            .load(&mut self.conn)
            .context("looking a word up")?;
        let mut keys = Vec::new();
        for row in &rows {
            keys.extend(keys_in(row)?);
        }
        Ok(keys)
    }

    /// Words in several ranges, in one query: tolerating two typing errors gives hundreds of ranges.
    fn words_in(&mut self, stretches: &[Stretch], limit: usize) -> Result<Vec<String>> {
        let (mut heads, mut tails) = (Vec::new(), Vec::new());
        for stretch in stretches {
            match stretch {
                Stretch::Begins(head) => heads.push(range(head)),
                Stretch::Ends(tail) => tails.push(range(&fold::backwards(tail))),
            }
        }
        let mut words = self.column_in("word", &heads, limit)?;
        words.extend(self.column_in("backwards", &tails, limit)?.iter().map(|ending| fold::backwards(ending)));
        Ok(words)
    }

    fn column_in(&mut self, column: &str, ranges: &[String], limit: usize) -> Result<Vec<String>> {
        #[derive(QueryableByName)]
        struct Found {
            #[diesel(sql_type = diesel::sql_types::Text)]
            word: String,
        }
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        // CROSS JOIN is honoured by both databases: SQLite then starts from its left side, and not from every word.
        let sql = format!(
            "WITH asked (first, behind) AS (VALUES {}) SELECT DISTINCT w.{column} AS word FROM asked CROSS JOIN holder_word w
             WHERE w.prefecture = '{}' AND w.{column} >= asked.first AND w.{column} < asked.behind ORDER BY 1 LIMIT {limit}",
            ranges.join(", "),
            self.scope.code()
        );
        let rows: Vec<Found> = on_backend!(&mut self.conn, c => diesel::sql_query(sql).load(c))
            .context("looking for words that are alike")?;
        Ok(rows.into_iter().map(|row| row.word).collect())
    }

    /// Holders with all the typed words. If there are fewer than requested, also holders with similar words. Best
    /// first, in a stable order.
    pub(super) fn named_like(&mut self, typed: &[Wanted], limit: usize) -> Result<Matches> {
        let ways = ways_to_write(typed);
        let mut read: HashMap<(String, bool, bool), Matches> = HashMap::new();
        let mut at_least = false;
        let mut all: Vec<(Key, u32)> = Vec::new();
        for forgiving in [false, true] {
            let mut found = vec![all];
            for way in &ways {
                let mut lists = Vec::with_capacity(way.len());
                for wanted in way {
                    let place = (wanted.word.clone(), wanted.unfinished, forgiving);
                    if !read.contains_key(&place) {
                        let matches = self.who_may_mean(wanted, forgiving)?;
                        read.insert(place.clone(), matches);
                    }
                    let (list, more) = &read[&place];
                    at_least |= more;
                    lists.push(list.clone());
                    if list.is_empty() {
                        break;
                    }
                }
                found.push(who_has_all(lists));
            }
            all = who_has_any(found);
            if all.len() >= limit {
                break;
            }
        }
        all.sort_unstable_by_key(|(key, missed)| (*missed, *key));
        Ok((all, at_least))
    }

    /// Holders with a typed word, or with a word that it may mean.
    fn who_may_mean(&mut self, wanted: &Wanted, forgiving: bool) -> Result<Matches> {
        let mut means: BTreeMap<String, u32> = BTreeMap::from([(wanted.word.clone(), 0)]);
        let mut cut = false;
        if wanted.unfinished {
            let longer = self.words_in(&[Stretch::Begins(wanted.word.clone())], WORDS_MAX + 1)?;
            cut |= longer.len() > WORDS_MAX;
            for word in longer {
                means.entry(word).or_insert(LONGER);
            }
        }
        if forgiving {
            for word in self.words_in(&stretches(&wanted.word), ALIKE_MAX)? {
                let apart = distance(&wanted.word, &word);
                if apart <= slips(&wanted.word) {
                    means.entry(word).or_insert(SLIP * apart as u32);
                }
            }
        }
        let mut nearest: Vec<(u32, String)> = means.into_iter().map(|(word, missed)| (missed, word)).collect();
        nearest.sort_unstable();
        let (mut lists, mut keys) = (Vec::new(), 0);
        for (missed, word) in nearest {
            if keys > KEYS_MAX {
                cut = true;
                break;
            }
            let list: Vec<(Key, u32)> = self.who_has(&word)?.into_iter().map(|key| (key, missed)).collect();
            keys += list.len();
            lists.push(list);
        }
        Ok((who_has_any(lists), cut))
    }
}
