//! Words that differ by typing errors: how many are tolerated, and the ranges of a sorted vocabulary, read forwards and
//! backwards, that contain all such words.

use std::collections::BTreeSet;

/// Number of tolerated typing errors: an extra letter, a missing one, a wrong one, or two swapped neighbours.
pub const fn slips(word: &str) -> usize {
    match word.len() {
        0..4 => 0,
        4..8 => 1,
        _ => 2,
    }
}

/// Typing errors between two words (optimal string alignment: no letter is edited twice).
pub fn distance(a: &str, b: &str) -> usize {
    strsim::osa_distance(a, b)
}

/// A range of the vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stretch {
    /// Words with this prefix.
    Begins(String),
    /// Words with this suffix.
    Ends(String),
}

/// Letters of the first part if two errors are tolerated: each single error in it gives a range of its own.
const HEAD: usize = 4;

/// Ranges that contain every word within [`slips`] of this one. One error leaves either the first or the last part of a
/// word intact. Two leave one part intact, or affect each part once: then the word begins with a first part that has
/// one error. Letters swapped across the boundary affect both parts, so they are swapped back.
pub fn stretches(word: &str) -> Vec<Stretch> {
    if slips(word) == 0 || !word.is_ascii() {
        return Vec::new();
    }
    let at = if slips(word) == 1 { word.len() / 2 } else { HEAD };
    let (head, tail) = word.split_at(at);
    let mut exchanged = word.as_bytes().to_vec();
    exchanged.swap(at - 1, at);
    // Unwrap safety: the word is ASCII.
    let exchanged = String::from_utf8(exchanged).expect("ASCII");
    let mut heads = BTreeSet::from([head.to_owned(), exchanged[..at].to_owned()]);
    let mut tails = BTreeSet::from([tail.to_owned()]);
    if slips(word) == 2 {
        heads.extend(spoilt(head));
        tails.insert(exchanged[at..].to_owned());
    }
    without_longer(heads).into_iter().map(Stretch::Begins).chain(tails.into_iter().map(Stretch::Ends)).collect()
}

/// Every word with one error.
fn spoilt(word: &str) -> impl Iterator<Item = String> {
    let letters = word.as_bytes();
    let mut all = Vec::new();
    for at in 0..=letters.len() {
        let (before, after) = letters.split_at(at);
        for letter in b'a'..=b'z' {
            all.push([before, &[letter], after].concat());
            if let [_, rest @ ..] = after {
                all.push([before, &[letter], rest].concat());
            }
        }
        match after {
            [_] => all.push(before.to_vec()),
            [first, second, rest @ ..] => {
                all.push([before, &after[1..]].concat());
                all.push([before, &[*second, *first], rest].concat());
            }
            [] => {}
        }
    }
    all.into_iter().filter_map(|bytes| String::from_utf8(bytes).ok())
}

/// Drops prefixes that extend another one, whose range contains theirs. In sorted order a prefix directly precedes its
/// extensions.
fn without_longer(heads: BTreeSet<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for head in heads {
        if !kept.last().is_some_and(|shorter| head.starts_with(shorter.as_str())) {
            kept.push(head);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_slip_is_a_letter_too_many_one_missing_another_or_two_exchanged() {
        for (typed, name, expected) in [
            ("martin", "martin", 0),
            ("matrin", "martin", 1),
            ("marti", "martin", 1),
            ("marttin", "martin", 1),
            ("marten", "martin", 1),
            ("mueller", "muller", 1),
            ("mohammed", "mohamed", 1),
            ("ouedraogo", "ouedarogo", 1),
            ("ouedaogo", "ouedraoga", 2),
        ] {
            assert_eq!(distance(typed, name), expected, "{typed} {name}");
        }
        assert_eq!(["ali", "alia", "martins", "fernande"].map(slips), [0, 1, 1, 2]);
    }

    fn slipped(word: &str, slips: &[(u8, usize, u8)]) -> String {
        let mut word = word.as_bytes().to_vec();
        for (kind, at, letter) in slips {
            let letter = b'a' + letter % 26;
            let at = at % word.len();
            match kind % 4 {
                0 => word.insert(at, letter),
                1 => word[at] = letter,
                2 => drop(word.remove(at)),
                _ if at + 1 < word.len() => word.swap(at, at + 1),
                _ => word.push(letter),
            }
        }
        String::from_utf8(word).unwrap()
    }

    fn holds(stretch: &Stretch, word: &str) -> bool {
        match stretch {
            Stretch::Begins(head) => word.starts_with(head.as_str()),
            Stretch::Ends(tail) => word.ends_with(tail.as_str()),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn every_word_within_the_slips_that_are_forgiven_is_in_a_stretch(
            typed in "[a-e]{4,14}",
            made in prop::collection::vec((any::<u8>(), any::<usize>(), 0u8..6), 0..3),
        ) {
            let name = slipped(&typed, &made[..made.len().min(slips(&typed))]);
            if distance(&typed, &name) <= slips(&typed) {
                let stretches = stretches(&typed);
                prop_assert!(stretches.iter().any(|s| holds(s, &name)), "{typed} {name} {stretches:?}");
                prop_assert!(stretches.len() < 200, "{}", stretches.len());
            }
        }
    }

    #[test]
    fn short_words_are_taken_as_they_are() {
        assert_eq!(stretches("ali"), []);
        assert_eq!(stretches("lili").len(), 3);
    }
}
