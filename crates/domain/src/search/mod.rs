//! Finding a person from free text: how names are normalised ([`fold`]), typing errors ([`near`]), how the text is
//! interpreted ([`Sought`]), and how the words of many people are stored for fast look-up ([`blocks`]).
//!
//! ```text
//! import:  names ──fold──▶ words ──▶ blocks: word ↦ who has it, 10 bytes a person
//! find:    text ──Sought──▶ words ──near──▶ words that exist ──blocks──▶ who has all of them
//! ```

pub mod blocks;
pub mod fold;
pub mod near;
mod sought;

pub use fold::{Bearer, phone_key, words_of};
pub use sought::{Sought, Wanted, ways_to_write};

/// A person in the search index: the 80 bits of [`crate::ids::HolderId`], in the order of its text.
pub type Key = [u8; 10];

/// The people in all of the lists, with the sum of their distances. Each list is sorted by person.
pub fn who_has_all(mut lists: Vec<Vec<(Key, u32)>>) -> Vec<(Key, u32)> {
    // Shortest first: its people are looked up in the longer lists.
    lists.sort_by_key(Vec::len);
    let mut lists = lists.into_iter();
    let Some(mut all) = lists.next() else { return Vec::new() };
    for list in lists {
        let mut from = 0;
        all.retain_mut(|(key, missed)| {
            from += list[from..].partition_point(|(other, _)| other < key);
            let found = list.get(from).filter(|(other, _)| other == key);
            *missed += found.map_or(0, |(_, more)| *more);
            found.is_some()
        });
    }
    all
}

/// The people in any of the lists, each once, with the smallest distance.
pub fn who_has_any(mut lists: Vec<Vec<(Key, u32)>>) -> Vec<(Key, u32)> {
    if lists.len() == 1 {
        return lists.remove(0);
    }
    let mut any = lists.concat();
    any.sort_unstable();
    any.dedup_by_key(|(key, _)| *key);
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(of: &[(u8, u32)]) -> Vec<(Key, u32)> {
        of.iter().map(|(key, missed)| ([*key; 10], *missed)).collect()
    }

    #[test]
    fn whoever_has_all_of_the_words_is_found_and_what_is_missed_adds_up() {
        let lists = vec![
            list(&[(1, 0), (3, 2), (5, 0), (9, 1)]),
            list(&[(3, 1), (4, 0), (9, 0)]),
            list(&[(0, 0), (3, 0), (9, 4)]),
        ];
        assert_eq!(who_has_all(lists), list(&[(3, 3), (9, 5)]));
        assert_eq!(who_has_all(vec![list(&[(1, 0)]), Vec::new()]), []);
        assert_eq!(who_has_all(Vec::new()), []);
    }

    #[test]
    fn of_several_words_the_nearest_counts() {
        assert_eq!(
            who_has_any(vec![list(&[(2, 3), (4, 0)]), list(&[(1, 1), (2, 1)])]),
            list(&[(1, 1), (2, 1), (4, 0)])
        );
        assert_eq!(who_has_any(Vec::new()), []);
    }
}
