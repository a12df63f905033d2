//! The life cycles of convocations and letters: their states and transitions.

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

/// Prefix of the server's reply about a bounced letter.
pub const CAME_BACK: &str = "came back: ";

coded! {
    /// The program's own remark on a letter that waits or is not sent. Replies of relays are kept in their own words.
    pub enum Remark {
        /// An agent holds it.
        Held = "held by an agent",
        /// An agent has released it.
        LetGo = "let go by an agent",
        /// An agent holds the permit, so its letters wait.
        PermitHeld = "an agent holds the permit back",
        /// An agent has released the permit.
        PermitLetGo = "let go with its permit",
        /// The person has a new address, and a new letter.
        Readdressed = "written again to another address",
        /// The address bounced another letter.
        AddressRefused = "this address sent an earlier letter back: by post",
        /// The appointment was cancelled.
        NoAppointment = "the appointment does not hold any more",
        /// The appointment was moved.
        Moved = "the appointment was moved: a newer letter tells it",
        /// The holder has died.
        Deceased = "the holder is deceased",
        /// The permit was withdrawn.
        Withdrawn = "the permit was withdrawn",
        /// There is a newer permit.
        Renewed = "the permit was renewed",
        /// The renewal has already been requested.
        Filed = "the renewal was requested already",
        /// It would arrive too late.
        TooLate = "too few days are left: call the person",
    }
}

impl LetterState {
    /// Where a letter waits until it leaves: only an e-mail waits for a worker.
    pub const fn waiting(channel: Channel) -> Self {
        match channel {
            Channel::Email => Self::Queued,
            Channel::Post | Channel::Phone => Self::ToPost,
        }
    }

    /// Whether a letter may change from this state to `next`.
    pub fn may_become(self, next: Self) -> bool {
        use LetterState as S;
        match self {
            S::Queued | S::Deferred | S::Uncertain => {
                // A letter to an address that has bounced another fails without an attempt.
                matches!(next, S::Leased | S::Held | S::Cancelled | S::Expired | S::Failed | S::Bounced | S::ToPost)
            }
            // A rescued worker, or one whose relay is down, gives the letter back unchanged.
            S::Leased => matches!(
                next,
                S::Sending | S::Queued | S::Deferred | S::Uncertain | S::Failed | S::Held | S::Cancelled | S::Expired
            ),
            S::Sending => {
                matches!(next, S::Accepted | S::Deferred | S::Failed | S::Uncertain | S::Queued | S::Held | S::Expired)
            }
            S::Accepted => next == S::Bounced,
            S::Failed | S::Bounced | S::Expired => matches!(next, S::ToPost | S::Queued),
            S::Held => matches!(next, S::Queued | S::Cancelled | S::Expired | S::Bounced | S::ToPost),
            S::ToPost => matches!(next, S::Posted | S::Cancelled),
            S::Posted => next == S::Returned,
            S::Cancelled | S::Returned => false,
        }
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

    #[test]
    fn a_letter_that_was_accepted_is_never_sent_again() {
        for next in LetterState::ALL {
            assert_eq!(LetterState::Accepted.may_become(*next), *next == LetterState::Bounced);
        }
    }
}
