//! The search index, in blocks: sorted keys of people, a few hundred per row of the database. A row is identified by
//! the word and by the last key that belongs in it. A common word has thousands of rows, and a change touches one of
//! them; most words have a single row.

use std::collections::{BTreeMap, HashMap};

use super::Key;

/// Maximum keys of a block: below the size at which PostgreSQL moves a value out of the row and compresses it in vain.
pub const KEYS_MAX: usize = 180;
/// Keys of a newly built block: it has room, so that the next person does not split it.
const KEYS_MADE: usize = 150;
/// The end of a word's last block. It sorts after every key's text.
pub const LAST: &str = "~";

/// A block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Word.
    pub word: String,
    /// The last key that belongs in it, as the text of a holder's id; [`LAST`] for the last block.
    pub until: String,
    /// Sorted keys; an empty block is to be deleted.
    pub keys: Vec<Key>,
}

/// Builds all the blocks of a database from people in key order. Each block is written once, and at most one block per
/// word is kept in memory.
#[derive(Debug, Default)]
pub struct Builder {
    open: HashMap<String, Vec<Key>>,
    full: Vec<Block>,
}

impl Builder {
    /// Adds a person with their words. Keys must be added in order.
    pub fn add(&mut self, key: Key, words: Vec<String>) {
        for word in words {
            let Some(keys) = self.open.get_mut(word.as_str()) else {
                self.open.insert(word, vec![key]);
                continue;
            };
            if keys.len() == KEYS_MADE {
                // The new key is greater than all of its keys, so it can be closed.
                let until = keys.last().map_or_else(|| LAST.to_owned(), text_of);
                let keys = std::mem::replace(keys, vec![key]);
                self.full.push(Block { word, until, keys });
            } else {
                keys.push(key);
            }
        }
    }

    /// The blocks completed so far.
    pub fn take_full(&mut self) -> Vec<Block> {
        let mut full = std::mem::take(&mut self.full);
        full.sort_unstable_by(|a, b| a.word.cmp(&b.word));
        full
    }

    /// The last block of each word.
    pub fn finish(mut self) -> Vec<Block> {
        let mut last = self.take_full();
        last.extend(self.open.into_iter().map(|(word, keys)| Block { word, until: LAST.to_owned(), keys }));
        last.sort_unstable_by(|a, b| (&a.word, &a.until).cmp(&(&b.word, &b.until)));
        last
    }
}

/// A change of a word's holders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A holder is added.
    Comes,
    /// A holder is removed.
    Goes,
}

/// Applies changes to the blocks they affect. `blocks` has, for each word and key, the first block that extends that
/// far, if there is one. A block that overflows is split.
pub fn changed(blocks: Vec<Block>, changes: &[(String, Key, Change)]) -> Vec<Block> {
    let mut by_word: BTreeMap<String, BTreeMap<String, Vec<Key>>> = BTreeMap::new();
    for block in blocks {
        by_word.entry(block.word).or_default().insert(block.until, block.keys);
    }
    for (word, key, change) in changes {
        let of_word = by_word.entry(word.clone()).or_default();
        let until = of_word.range(text_of(key)..).next().map_or_else(|| LAST.to_owned(), |(until, _)| until.clone());
        let keys = of_word.entry(until).or_default();
        match (keys.binary_search(key), change) {
            (Err(at), Change::Comes) => keys.insert(at, *key),
            (Ok(at), Change::Goes) => drop(keys.remove(at)),
            (Ok(_), Change::Comes) | (Err(_), Change::Goes) => {}
        }
    }
    by_word
        .into_iter()
        .flat_map(|(word, of_word)| of_word.into_iter().flat_map(move |(until, keys)| parted(&word, until, &keys)))
        .collect()
}

fn parted(word: &str, until: String, keys: &[Key]) -> Vec<Block> {
    let block = |until: String, keys: &[Key]| Block { word: word.to_owned(), until, keys: keys.to_vec() };
    if keys.len() <= KEYS_MAX {
        return vec![block(until, keys)];
    }
    let parts: Vec<&[Key]> = keys.chunks(KEYS_MADE).collect();
    let whole = parts.len() - 1;
    // The last part keeps the identity of the whole: it extends as far.
    let reaches = |i: usize, part: &[Key]| {
        if i == whole { until.clone() } else { part.last().map_or_else(|| LAST.to_owned(), text_of) }
    };
    parts.iter().enumerate().map(|(i, part)| block(reaches(i, part), part)).collect()
}

/// A key as the text of a holder's id, which sorts in the same order.
pub fn text_of(key: &Key) -> String {
    crate::ids::base32(key)
}

/// Keys as one database value.
pub fn packed(keys: &[Key]) -> Vec<u8> {
    keys.concat()
}

/// The keys in such a value; `None` if it is malformed.
pub fn unpacked(bytes: &[u8]) -> Option<Vec<Key>> {
    let (keys, rest) = bytes.as_chunks::<10>();
    rest.is_empty().then(|| keys.to_vec())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn key(n: u16) -> Key {
        let mut key = [0; 10];
        key[..2].copy_from_slice(&n.to_be_bytes());
        key
    }

    /// The table as the database would hold it.
    #[derive(Default)]
    struct Kept(BTreeMap<(String, String), Vec<Key>>);

    impl Kept {
        fn write(&mut self, blocks: Vec<Block>) {
            for Block { word, until, keys } in blocks {
                assert!(keys.len() <= KEYS_MAX);
                if keys.is_empty() {
                    self.0.remove(&(word, until));
                } else {
                    self.0.insert((word, until), keys);
                }
            }
        }

        fn touched(&self, changes: &[(String, Key, Change)]) -> Vec<Block> {
            let places: BTreeSet<(String, String)> = changes
                .iter()
                .filter_map(|(word, key, _)| {
                    self.0
                        .range((word.clone(), text_of(key))..)
                        .next()
                        .map(|(place, _)| place.clone())
                        .filter(|(w, _)| w == word)
                })
                .collect();
            places
                .into_iter()
                .map(|place| Block { keys: self.0[&place].clone(), word: place.0, until: place.1 })
                .collect()
        }

        fn who_has(&self, word: &str) -> Vec<Key> {
            self.0.iter().filter(|((w, _), _)| w == word).flat_map(|(_, keys)| keys.clone()).collect()
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn whatever_comes_and_goes_each_word_has_whom_it_should_in_their_order(
            first in prop::collection::btree_map(0u16..2_000, 0usize..3, 0..900),
            later in prop::collection::vec(prop::collection::vec((0u16..2_000, 0usize..3, any::<bool>()), 0..400), 0..4),
        ) {
            let words = ["ali", "martin", "@0001"];
            let (mut kept, mut builder) = (Kept::default(), Builder::default());
            let mut expected: BTreeMap<&str, BTreeSet<Key>> = BTreeMap::new();
            for (n, word) in first {
                builder.add(key(n), vec![words[word].to_owned()]);
                expected.entry(words[word]).or_default().insert(key(n));
                if n % 100 == 0 {
                    kept.write(builder.take_full());
                }
            }
            kept.write(builder.finish());
            for changes in later {
                let changes: Vec<_> = changes.into_iter().map(|(n, word, comes)| {
                    let of = expected.entry(words[word]).or_default();
                    if comes { of.insert(key(n)); } else { of.remove(&key(n)); }
                    (words[word].to_owned(), key(n), if comes { Change::Comes } else { Change::Goes })
                }).collect();
                let touched = kept.touched(&changes);
                kept.write(changed(touched, &changes));
            }
            for word in words {
                let of: Vec<Key> = expected.get(word).into_iter().flatten().copied().collect();
                prop_assert_eq!(kept.who_has(word), of);
            }
        }
    }

    #[test]
    fn keys_are_kept_in_ten_bytes() {
        let keys = [key(1), key(500)];
        assert_eq!(unpacked(&packed(&keys)), Some(keys.to_vec()));
        assert_eq!(unpacked(&[0; 11]), None);
    }
}
