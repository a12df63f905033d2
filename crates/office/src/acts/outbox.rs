//! Acts on letters: retry, hold, release.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::json;

use super::{Hand, Refused};
use convoke_domain::code::coded;
use convoke_domain::convocation::{LetterState, Remark};
use convoke_domain::ids::{HolderId, Reference};
use convoke_store::{LetterRow, SaidOf, Store};

/// The remedy for a letter that nobody would get in time.
const TOO_LATE: &str = "it would come too late: call the person (`convoke post --channel phone`)";

coded! {
    /// What to do with a letter.
    pub enum Turn {
        /// Retry now.
        Retry = "retry",
        /// Hold until released.
        Hold = "hold",
        /// Release.
        Release = "release",
    }
}

impl Turn {
    /// The letter's next state, or what to do instead.
    fn of(self, from: LetterState) -> Result<LetterState, &'static str> {
        use LetterState as S;
        match (self, from) {
            (_, S::Leased | S::Sending) => Err("a worker has it in hand: try again in a minute"),
            // Of an expired letter, it is looked at with the letter whether there is time after all.
            (Self::Retry, S::Failed | S::Bounced | S::Expired) | (Self::Release, S::Held) => Ok(S::Queued),
            (Self::Retry, S::Queued | S::Deferred) => Ok(from),
            (Self::Retry | Self::Hold, S::Held) => Err("it is held: `convoke outbox release` lets it go"),
            (Self::Retry, S::Uncertain) => Err("it may have arrived: wait for its second attempt, or hold it back"),
            (_, S::Expired) => Err(TOO_LATE),
            (_, S::Accepted) => {
                Err("it was handed over, and what was accepted is never sent again: `convoke letters show` prints it")
            }
            (_, S::ToPost | S::Posted | S::Returned) => Err("it goes by post: `convoke post`"),
            (_, S::Replaced) => Err("a newer letter says what is true now"),
            (_, S::Cancelled) => Err("what it announced does not hold any more"),
            (Self::Hold, S::Queued | S::Deferred | S::Uncertain) => Ok(S::Held),
            (Self::Hold, S::Failed | S::Bounced) => Err("it waits for nothing: it is not tried any more"),
            (Self::Release, _) => Err("it is not held"),
        }
    }

    /// Whether a letter in this state allows it.
    pub fn fits(self, from: LetterState) -> bool {
        self.of(from).is_ok()
    }

    fn event(self) -> &'static str {
        match self {
            Self::Retry => "letter.retried",
            Self::Hold => "letter.held",
            Self::Release => "letter.released",
        }
    }
}

/// Applies one turn to letters named by id or reference, to all of them or none. Returns each with its new state.
pub fn turn_letters(
    store: &mut Store,
    hand: &mut Hand<'_>,
    names: &[String],
    turn: Turn,
) -> Result<Vec<(String, LetterState)>> {
    store.write(|s| {
        let mut done = Vec::new();
        for name in names {
            for letter in named(s, name, turn)? {
                let refused =
                    |remedy| Refused::LetterStands { letter: letter.letter_id.clone(), state: letter.state, remedy };
                let mut to = turn.of(letter.state).map_err(refused)?;
                if to == LetterState::Queued {
                    // A letter on paper has no address that a worker could send it to.
                    to = LetterState::waiting(letter.channel);
                }
                if letter.state == LetterState::Expired && is_too_late(s, hand, &letter)? {
                    return Err(refused(TOO_LATE).into());
                }
                if turn != Turn::Hold
                    && s.standing(&letter.letter_id)?.email_refused == letter.recipient
                    && letter.recipient.is_some()
                {
                    return Err(
                        refused("its address sent a letter back: set another with `convoke permit set-email`").into()
                    );
                }
                if turn == Turn::Retry && is_of_another_address(s, &letter)? {
                    return Err(
                        refused("the person has another address now, to which the letter is written again").into()
                    );
                }
                // What a relay said is kept until it says something else.
                let remark = match turn {
                    Turn::Hold => Some(Remark::Held),
                    Turn::Release => Some(Remark::LetGo),
                    Turn::Retry => None,
                };
                if !s.put_letter(&letter, to, remark, hand.now())? {
                    return Err(refused("a worker has taken it meanwhile: try again").into());
                }
                let payload = json!({"reference": letter.reference, "letter": letter.letter_id, "was": letter.state});
                let holder = s.holder_of(&letter.reference)?.map(HolderId);
                hand.record(s, holder.as_ref(), turn.event(), payload)?;
                done.push((letter.letter_id, to));
            }
        }
        Ok(done)
    })
}

/// Whether fewer days are left than a letter needs.
fn is_too_late(s: &mut Store, hand: &Hand<'_>, letter: &LetterRow) -> Result<bool> {
    let Some(day) = s.standing(&letter.letter_id)?.day else { return Ok(false) };
    let left = (day - hand.today()).num_days();
    Ok(left < i64::from(hand.config.settings.policy.send_floor_days.max(1)))
}

/// Whether the holder's address has changed.
fn is_of_another_address(s: &mut Store, letter: &LetterRow) -> Result<bool> {
    let Some(convocation) = s.convocation(&letter.reference)? else { return Ok(false) };
    let holder = s.holders(&[&convocation.holder_id])?.remove(&convocation.holder_id);
    Ok(holder.is_some_and(|h| h.email != letter.recipient))
}

/// The letter with this id; for a reference, its letters that allow this turn.
fn named(s: &mut Store, name: &str, turn: Turn) -> Result<Vec<LetterRow>> {
    if let Some(letter) = s.letter(name)? {
        return Ok(vec![letter]);
    }
    let letters = Reference::parse(name).map_or(Ok(Vec::new()), |r| s.letters_of(r.as_str()))?;
    let fit = |l: &&LetterRow| turn.fits(l.state);
    let able: Vec<LetterRow> = letters.iter().filter(fit).cloned().collect();
    // If none allows it, the last letter gives the reason.
    let chosen = if able.is_empty() { letters.into_iter().next_back().into_iter().collect() } else { able };
    if chosen.is_empty() { Err(Refused::NoLetter(name.to_owned()).into()) } else { Ok(chosen) }
}

/// The part of a reply that many letters share: its codes, or its words without addresses.
pub fn cause(reply: &str) -> String {
    let mut words = reply.split_whitespace();
    let code = words.next().filter(|w| w.len() == 3 && w.bytes().all(|b| b.is_ascii_digit()));
    let is_enhanced = |w: &&str| w.split('.').count() == 3 && w.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if let Some(code) = code {
        return words.next().filter(is_enhanced).map_or_else(|| code.to_owned(), |e| format!("{code} {e}"));
    }
    reply.split_whitespace().filter(|w| !w.contains('@')).take(8).collect::<Vec<_>>().join(" ")
}

/// Letters in one state with the same cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// State in the outbox.
    pub state: LetterState,
    /// The program's own remark, which says it all.
    pub remark: Option<Remark>,
    /// Otherwise what relays said; empty if there was no reply.
    pub reply: String,
    /// How many.
    pub letters: u64,
    /// One of them.
    pub example: String,
}

impl Cause {
    /// For operators.
    pub fn words(&self) -> &str {
        match self.remark {
            Some(remark) => remark.label(),
            None => &self.reply,
        }
    }
}

/// Groups letters by state and cause, largest group first.
pub fn by_cause(letters: impl IntoIterator<Item = SaidOf>) -> Vec<Cause> {
    let mut causes: BTreeMap<(LetterState, Option<Remark>, String), (u64, String)> = BTreeMap::new();
    for said in letters {
        let reply = said.reply.filter(|_| said.remark.is_none()).as_deref().map(cause).unwrap_or_default();
        causes.entry((said.state, said.remark, reply)).or_insert((0, said.example)).0 += said.letters as u64;
    }
    let mut causes: Vec<Cause> = causes
        .into_iter()
        .map(|((state, remark, reply), (letters, example))| Cause { state, remark, reply, letters, example })
        .collect();
    causes.sort_by(|a, b| (b.letters, a.state, a.words()).cmp(&(a.letters, b.state, b.words())));
    causes
}

/// A server's reply, without the addresses in it.
pub fn without_addresses(said: &str) -> String {
    said.split(' ').map(|word| if word.contains('@') { "…" } else { word }).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_names_no_address() {
        assert_eq!(cause("550 5.1.1 <a@example.org> unknown"), "550 5.1.1");
        assert_eq!(cause("450 try later, a@example.org"), "450");
        assert_eq!(cause("no answer for <a@example.org> in 30 s"), "no answer for in 30 s");
        assert_eq!(cause(""), "");
        assert_eq!(without_addresses("550 5.1.1 <a@example.org>: unknown"), "550 5.1.1 … unknown");
    }

    #[test]
    fn what_is_done_by_hand_keeps_the_law_of_letters() {
        for turn in Turn::ALL {
            for from in LetterState::ALL {
                if let Ok(to) = turn.of(*from) {
                    assert!(to == *from || from.may_become(to), "{turn}: {from} to {to}");
                }
            }
        }
    }
}
