//! The letters that a worker has claimed and not yet put down, and until when each is certainly its own.

use std::cell::RefCell;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use convoke_store::LetterRow;

/// A claim: a letter and its epoch. A letter that was given back may be claimed anew, by the same worker, before the session that
/// gave it back has put it down: that session then puts down its own claim, and not the new one.
type Claim = (String, i64);

#[derive(Default)]
pub(super) struct InHand(RefCell<BTreeMap<Claim, DateTime<Utc>>>);

impl InHand {
    pub(super) fn take(&self, letter: &LetterRow) {
        let until = letter.lease_until.map_or(DateTime::UNIX_EPOCH, |at| at.and_utc());
        self.0.borrow_mut().insert(claim(letter), until);
    }

    pub(super) fn put_down(&self, letter: &LetterRow) {
        self.0.borrow_mut().remove(&claim(letter));
    }

    pub(super) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Whether no other worker may have taken the letter over.
    pub(super) fn is_ours(&self, letter: &LetterRow, now: DateTime<Utc>) -> bool {
        self.0.borrow().get(&claim(letter)).is_some_and(|until| now < *until)
    }

    /// Those that no other worker may have taken over.
    pub(super) fn ours(&self, now: DateTime<Utc>) -> Vec<Claim> {
        self.0.borrow().iter().filter(|(_, until)| now < **until).map(|(claim, _)| claim.clone()).collect()
    }

    /// Their leases were prolonged; of those that were put down meanwhile nothing is known any more.
    pub(super) fn prolong(&self, claims: &[Claim], until: DateTime<Utc>) {
        let mut all = self.0.borrow_mut();
        for claim in claims {
            if let Some(known) = all.get_mut(claim) {
                *known = until;
            }
        }
    }
}

fn claim(letter: &LetterRow) -> Claim {
    (letter.letter_id.clone(), letter.epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(letter_id: &str, epoch: i64) -> LetterRow {
        let lease_until = DateTime::from_timestamp(100, 0).map(|at| at.naive_utc());
        LetterRow { letter_id: letter_id.into(), epoch, lease_until, ..LetterRow::default() }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn a_letter_that_is_claimed_anew_before_it_was_put_down_is_still_in_hand() {
        let in_hand = InHand::default();
        let (first, anew) = (letter("a", 1), letter("a", 2));
        in_hand.take(&first);
        in_hand.take(&anew);
        in_hand.put_down(&first);
        assert!(in_hand.is_ours(&anew, at(99)));
        assert!(!in_hand.is_ours(&first, at(99)));
        assert_eq!(in_hand.len(), 1);
    }

    #[test]
    fn what_stood_still_for_longer_than_its_lease_is_not_prolonged() {
        let in_hand = InHand::default();
        in_hand.take(&letter("a", 1));
        assert_eq!(in_hand.ours(at(100)), []);
        let ours = in_hand.ours(at(99));
        in_hand.prolong(&ours, at(200));
        assert!(in_hand.is_ours(&letter("a", 1), at(199)));
        assert!(!in_hand.is_ours(&letter("a", 1), at(200)));
    }
}
