//! The life cycles of convocations and letters: their states and transitions.

mod remark;

pub use remark::Remark;

use crate::code::coded;
use crate::permit::Channel;

coded! {
    /// State of a convocation. *Live* means `convoked`.
    pub enum State {
        /// Has an appointment that is upcoming, or past and not yet marked.
        Convoked = "convoked",
        /// Came.
        Honoured = "honoured",
        /// Came, without all the documents.
        Incomplete = "incomplete",
        /// Did not come, or nobody marked it within `mark_days`.
        Missed = "missed",
        /// Cancelled by the office or the holder.
        Cancelled = "cancelled",
        /// Replaced by another one, SEQUENCE + 1.
        Moved = "moved",
        /// The letter could not reach the holder.
        Undelivered = "undelivered",
    }
}

coded! {
    /// What made a convocation: a pass of the plan, or another system.
    pub enum Origin {
        /// The pass between release and deadline.
        InTime = "in-time",
        /// The pass at short notice, which prevents a lapse.
        ShortNotice = "short-notice",
        /// The pass after expiry.
        AfterExpiry = "after-expiry",
        /// Another system, before the préfecture used this one.
        Elsewhere = "elsewhere",
    }
}

impl State {
    /// Whether the seat is free again: nobody came, and nobody will.
    pub fn frees_seat(self) -> bool {
        matches!(self, Self::Cancelled | Self::Moved | Self::Undelivered)
    }

    /// Whether a convocation may change from this state to `next`.
    pub fn may_become(self, next: Self) -> bool {
        self == Self::Convoked && next != Self::Convoked
    }
}

coded! {
    /// The counter's record of an appointment (*présence*), in `attendance.csv`.
    pub enum Presence {
        /// Came, and the request is filed.
        Honoured = "honore",
        /// Did not come.
        Absent = "absent",
        /// Came, without all the documents.
        Incomplete = "incomplet",
        /// The appointment is cancelled, and the holder knows.
        Cancelled = "annule",
    }
}

impl Presence {
    /// The resulting state of the convocation.
    pub const fn state(self) -> State {
        match self {
            Self::Honoured => State::Honoured,
            Self::Absent => State::Missed,
            Self::Incomplete => State::Incomplete,
            Self::Cancelled => State::Cancelled,
        }
    }

    /// The mark of a convocation, if it has one.
    pub fn of(state: State) -> Option<Self> {
        Self::ALL.iter().copied().find(|presence| presence.state() == state)
    }

    /// Parses the word leniently: `Honoré` and `incomplète` are understood.
    pub fn read(text: &str) -> Option<Self> {
        let word = crate::permit::mention_code(text);
        Self::ALL
            .iter()
            .copied()
            .find(|presence| word.strip_prefix(presence.code()).is_some_and(|end| matches!(end, "" | "e")))
    }
}

coded! {
    /// What a letter is about.
    pub enum LetterKind {
        /// An appointment is given.
        Convocation = "convocation",
        /// It is a few days away.
        Reminder = "reminder",
        /// It has changed.
        Change = "change",
        /// It is cancelled.
        Cancellation = "cancellation",
        /// The renewal can now be requested online.
        OnlineFiling = "depot-en-ligne",
        /// The holder has moved out of the jurisdiction.
        Transfer = "transfert",
        /// An appointment will follow.
        HeadsUp = "heads-up",
    }
}

coded! {
    /// State of a letter in the outbox.
    pub enum LetterState {
        /// Waits for a worker.
        Queued = "queued",
        /// A worker has leased it, and has not started sending.
        Leased = "leased",
        /// The dialogue with the relay has begun: after a crash its delivery is uncertain.
        Sending = "sending",
        /// The relay took responsibility (a final 2xx).
        Accepted = "accepted",
        /// To be tried again.
        Deferred = "deferred",
        /// Permanently refused.
        Failed = "failed",
        /// It is unknown whether the relay accepted it.
        Uncertain = "uncertain",
        /// Bounced.
        Bounced = "bounced",
        /// Held by an operator.
        Held = "held",
        /// No longer to be sent.
        Cancelled = "cancelled",
        /// What it said changed before it left: a newer letter says what is true.
        Replaced = "replaced",
        /// Would arrive with too few days left.
        Expired = "expired",
        /// For the post batch.
        ToPost = "to_post",
        /// Posted.
        Posted = "posted",
        /// Returned by the post.
        Returned = "returned",
    }
}

coded! {
    /// The outcome of an attempt to deliver.
    pub enum Outcome {
        /// The relay took responsibility.
        Accepted = "accepted",
        /// To be tried again.
        Deferred = "deferred",
        /// Permanently refused.
        Failed = "failed",
        /// It is unknown whether the relay accepted it.
        Uncertain = "uncertain",
        /// The relay could not be used.
        RelayFault = "relay-fault",
        /// By then it would have come too late.
        Expired = "expired",
        /// It was no longer to be sent.
        Cancelled = "cancelled",
    }
}

/// The occasion of a letter on paper beside, or instead of, an e-mail.
pub const COPY: &str = "copie";
/// How the occasion of the last letter to a former address begins: it goes there, whatever the address is now.
pub const FAREWELL: &str = "adieu";

impl LetterState {
    /// The states of letters that have not reached their holder, for a cause that a person can be shown.
    pub const HELD_UP: [Self; 7] =
        [Self::Deferred, Self::Failed, Self::Uncertain, Self::Bounced, Self::Held, Self::Expired, Self::Returned];

    /// States in which no worker has a letter in hand, and which a worker or an agent may still end.
    pub const WAITING: [Self; 4] = [Self::Queued, Self::Deferred, Self::Uncertain, Self::Held];

    /// Where a letter waits until it leaves: only an e-mail waits for a worker.
    pub const fn waiting(channel: Channel) -> Self {
        match channel {
            Channel::Email => Self::Queued,
            Channel::Post | Channel::Phone => Self::ToPost,
        }
    }

    /// Whether its recipient may have it, or may get it in a moment.
    pub const fn may_have_left(self) -> bool {
        matches!(
            self,
            Self::Leased
                | Self::Sending
                | Self::Accepted
                | Self::Uncertain
                | Self::Bounced
                | Self::Posted
                | Self::Returned
        )
    }

    /// Whether it waits, for a worker, an agent or the post.
    pub fn is_unsent(self) -> bool {
        Self::WAITING.contains(&self) || self == Self::ToPost
    }

    /// Whether a worker has it.
    pub const fn is_in_hand(self) -> bool {
        matches!(self, Self::Leased | Self::Sending)
    }

    /// Whether a letter may change from this state to `next`.
    pub fn may_become(self, next: Self) -> bool {
        use LetterState as S;
        match self {
            // A letter to an address that has bounced another fails without an attempt. One whose delivery was
            // uncertain may bounce: a relay had it after all.
            // A letter written anew waits again, by the channel that its holder has now.
            S::Queued | S::Deferred | S::Uncertain => matches!(
                next,
                S::Queued | S::ToPost | S::Leased | S::Held | S::Cancelled | S::Expired | S::Failed | S::Bounced
            ),
            // Before the final dot nothing has left: it is given back, put off, refused, or no longer to be sent.
            S::Leased => matches!(
                next,
                S::Sending | S::Queued | S::ToPost | S::Deferred | S::Failed | S::Held | S::Cancelled | S::Expired
            ),
            // A start that is recorded once more because its answer was lost may find that the letter is not to be
            // sent: it has not left then, and is given back or withheld as a leased one.
            S::Sending => matches!(
                next,
                S::Accepted | S::Queued | S::Deferred | S::Failed | S::Uncertain | S::Held | S::Cancelled | S::Expired
            ),
            S::Accepted => next == S::Bounced,
            // By hand.
            S::Failed | S::Bounced => next == S::Queued,
            S::Held => matches!(next, S::Queued | S::ToPost | S::Cancelled | S::Expired | S::Bounced),
            S::ToPost => matches!(next, S::Posted | S::Queued | S::Cancelled),
            S::Posted => matches!(next, S::Returned | S::ToPost),
            // By hand, when the clock that ended it was wrong.
            S::Expired => matches!(next, S::Queued | S::ToPost),
            S::Returned => next == S::Posted,
            S::Cancelled | S::Replaced => false,
        }
    }

    /// The states from which a letter may change to this one.
    pub fn sources(self) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |from| from.may_become(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_live_convocation_changes_and_never_back() {
        for from in State::ALL {
            assert!(!from.may_become(State::Convoked));
            assert_eq!(from.may_become(State::Missed), *from == State::Convoked);
        }
    }

    #[test]
    fn a_mark_is_read_as_a_person_types_it_and_as_nothing_else() {
        for (text, read) in [
            ("honore", Some(Presence::Honoured)),
            ("Honoré", Some(Presence::Honoured)),
            ("ABSENTE", Some(Presence::Absent)),
            ("incomplet", Some(Presence::Incomplete)),
            ("incomplète", Some(Presence::Incomplete)),
            ("Annulée", Some(Presence::Cancelled)),
            ("present", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(Presence::read(text), read, "{text}");
        }
        for presence in Presence::ALL {
            assert_eq!(Presence::of(presence.state()), Some(*presence));
            assert!(State::Convoked.may_become(presence.state()));
        }
    }

    #[test]
    fn a_held_letter_may_wait_again_however_it_leaves() {
        for channel in Channel::ALL {
            assert!(LetterState::Held.may_become(LetterState::waiting(*channel)), "{channel}");
        }
    }

    /// The transitions drawn in docs/state-machines.md under a heading: `from --> to: why`.
    fn drawn<T: std::str::FromStr>(heading: &str) -> Vec<(T, T)> {
        let docs = include_str!("../../../docs/state-machines.md");
        let section = docs.split("\n## ").find(|section| section.starts_with(heading)).expect("the section");
        let arrows = section.lines().filter_map(|line| line.trim().split_once(':')?.0.split_once(" --> "));
        arrows.filter_map(|(from, to)| Some((from.parse().ok()?, to.trim().parse().ok()?))).collect()
    }

    #[test]
    fn letters_change_as_they_are_drawn_and_in_no_other_way() {
        use LetterState as S;
        let mut allowed = drawn::<S>("Letter");
        // What is drawn from `queued` holds for every letter that waits for a worker.
        let waiting: Vec<S> = allowed.iter().filter(|(from, _)| *from == S::Queued).map(|(_, to)| *to).collect();
        allowed
            .extend([S::Deferred, S::Uncertain].into_iter().flat_map(|from| waiting.iter().map(move |to| (from, *to))));
        assert!(allowed.len() > 30, "{allowed:?}");
        for from in S::ALL {
            for to in S::ALL {
                assert_eq!(from.may_become(*to), allowed.contains(&(*from, *to)), "{from} --> {to}");
            }
        }
    }

    #[test]
    fn convocations_change_as_they_are_drawn_and_in_no_other_way() {
        let allowed = drawn::<State>("Convocation");
        for from in State::ALL {
            for to in State::ALL {
                assert_eq!(from.may_become(*to), allowed.contains(&(*from, *to)), "{from} --> {to}");
            }
        }
    }

    #[test]
    fn a_letter_that_was_accepted_is_never_sent_again() {
        for next in LetterState::ALL {
            assert_eq!(LetterState::Accepted.may_become(*next), *next == LetterState::Bounced);
        }
    }
}
