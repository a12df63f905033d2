//! The life of a convocation and of its letters: the states, and which may follow which.

use crate::code::coded;

coded! {
    /// Where a convocation stands. *Live* means `convoked`.
    pub enum State {
        /// Has a seat to come, or past and not yet marked.
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
    /// Whether the seat is free again: nobody came to it, and nobody will.
    pub fn frees_seat(self) -> bool {
        matches!(self, Self::Cancelled | Self::Moved | Self::Undelivered)
    }

    /// Whether the life of a convocation may go from here to `next`.
    pub fn may_become(self, next: Self) -> bool {
        self == Self::Convoked && next != Self::Convoked
    }
}

coded! {
    /// What the counter says of an appointment (*présence*), in `attendance.csv`.
    pub enum Presence {
        /// Came, and the request is filed.
        Honoured = "honore",
        /// Did not come.
        Absent = "absent",
        /// Came, without all the documents.
        Incomplete = "incomplet",
        /// The appointment does not take place, and whoever had it knows.
        Cancelled = "annule",
    }
}

impl Presence {
    /// Where the convocation stands then.
    pub const fn state(self) -> State {
        match self {
            Self::Honoured => State::Honoured,
            Self::Absent => State::Missed,
            Self::Incomplete => State::Incomplete,
            Self::Cancelled => State::Cancelled,
        }
    }

    /// The mark that a convocation bears, if it bears one.
    pub fn of(state: State) -> Option<Self> {
        Self::ALL.iter().copied().find(|presence| presence.state() == state)
    }

    /// The word, however it was typed: `Honoré` and `incomplète` are understood.
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
        /// It comes near.
        Reminder = "reminder",
        /// It is another one now.
        Change = "change",
        /// It does not take place.
        Cancellation = "cancellation",
        /// The request is filed online, and may be filed now.
        OnlineFiling = "depot-en-ligne",
        /// The holder has moved out of the jurisdiction.
        Transfer = "transfert",
        /// An appointment will be given.
        HeadsUp = "heads-up",
    }
}

coded! {
    /// Where a letter stands in the outbox.
    pub enum LetterState {
        /// Waits for a worker.
        Queued = "queued",
        /// A worker has it and has not begun to hand it over.
        Leased = "leased",
        /// The dialogue with the relay has begun: after a crash its fate is unknown.
        Sending = "sending",
        /// The relay took responsibility (a final 2xx).
        Accepted = "accepted",
        /// To be tried again.
        Deferred = "deferred",
        /// Refused for good.
        Failed = "failed",
        /// Nobody knows whether the relay has it.
        Uncertain = "uncertain",
        /// Came back.
        Bounced = "bounced",
        /// Kept back by an operator.
        Held = "held",
        /// Not to be sent any more.
        Cancelled = "cancelled",
        /// Would arrive with too few days left.
        Expired = "expired",
        /// For the post batch.
        ToPost = "to_post",
        /// Posted.
        Posted = "posted",
        /// Came back by post.
        Returned = "returned",
    }
}

/// Begins what a server said of a letter that came back.
pub const CAME_BACK: &str = "came back: ";

coded! {
    /// What the program itself says of a letter that waits or does not leave. What relays say is kept in their own words.
    pub enum Remark {
        /// An agent keeps it.
        Held = "held by an agent",
        /// An agent lets it go.
        LetGo = "let go by an agent",
        /// An agent keeps the permit, and its letters wait for that.
        PermitHeld = "an agent holds the permit back",
        /// An agent lets the permit go.
        PermitLetGo = "let go with its permit",
        /// The person has another address, and another letter.
        Readdressed = "written again to another address",
        /// The address sent another letter back.
        AddressRefused = "this address sent an earlier letter back: by post",
        /// What it announces was cancelled.
        NoAppointment = "the appointment does not hold any more",
        /// What it announces was moved.
        Moved = "the appointment was moved: a newer letter tells it",
        /// Nobody is left to read it.
        Deceased = "the holder is deceased",
        /// The permit is no more.
        Withdrawn = "the permit was withdrawn",
        /// There is a newer permit.
        Renewed = "the permit was renewed",
        /// What it asks for was done.
        Filed = "the renewal was requested already",
        /// It would come after the day, or just before.
        TooLate = "too few days are left: call the person",
    }
}

impl LetterState {
    /// Whether a letter may go from here to `next`.
    pub fn may_become(self, next: Self) -> bool {
        use LetterState as S;
        match self {
            S::Queued | S::Deferred | S::Uncertain => {
                // An address that sent another letter back fails before it is tried.
                matches!(next, S::Leased | S::Held | S::Cancelled | S::Expired | S::Failed | S::Bounced | S::ToPost)
            }
            // A worker that is rescued, or whose relay is down, gives the letter back untouched.
            S::Leased => matches!(
                next,
                S::Sending | S::Queued | S::Deferred | S::Uncertain | S::Failed | S::Held | S::Cancelled | S::Expired
            ),
            S::Sending => matches!(next, S::Accepted | S::Deferred | S::Failed | S::Uncertain | S::Queued | S::Held),
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
    fn a_letter_that_was_accepted_is_never_sent_again() {
        for next in LetterState::ALL {
            assert_eq!(LetterState::Accepted.may_become(*next), *next == LetterState::Bounced);
        }
    }
}
