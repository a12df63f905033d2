//! The letters that a worker has claimed and not yet finished, and until when each is certainly its own.

use std::cell::RefCell;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use convoke_store::LetterRow;

/// A claim: a letter and its epoch. The same worker may claim a returned letter again before the session that returned
/// it has ended its own claim: that session must then end the old claim and not the new one.
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

    /// Whether no other worker can have taken over the letter.
    pub(super) fn is_ours(&self, letter: &LetterRow, now: DateTime<Utc>) -> bool {
        self.0.borrow().get(&claim(letter)).is_some_and(|until| now < *until)
    }

    /// The claims that no other worker can have taken over.
    pub(super) fn ours(&self, now: DateTime<Utc>) -> Vec<Claim> {
        self.0.borrow().iter().filter(|(_, until)| now < **until).map(|(claim, _)| claim.clone()).collect()
    }

    /// Records prolonged leases, except of claims that have ended meanwhile.
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
    use convoke_domain::convocation::{LetterKind, LetterState};
    use convoke_domain::permit::Channel;

    use super::*;

    fn letter(letter_id: &str, epoch: i64) -> LetterRow {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
        LetterRow {
            prefecture: "94".into(),
            letter_id: letter_id.into(),
            reference: String::new(),
            kind: LetterKind::Convocation,
            revision: 0,
            occasion: String::new(),
            channel: Channel::Email,
            state: LetterState::Leased,
            remark: None,
            recipient: None,
            data: String::new(),
            template_hash: String::new(),
            sha256: None,
            rendered: None,
            attempts: 0,
            uncertain: 0,
            next_at: at(0),
            owner: None,
            lease_until: Some(at(100)),
            epoch,
            last_reply: None,
            post_batch: None,
            created_at: at(0),
            has_turn: false,
        }
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
