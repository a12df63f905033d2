//! The program's own remarks on letters.

use crate::code::coded;
use crate::eligibility::Rule;

coded! {
    /// The program's own remark on a letter that waits or is not sent. What a relay said is kept beside it.
    pub enum Remark {
        /// An agent holds it.
        Held = "held",
        /// An agent has released it.
        LetGo = "released",
        /// An agent holds the permit, so its letters wait.
        PermitHeld = "permit-held",
        /// An agent has released the permit.
        PermitLetGo = "permit-released",
        /// The person has a new address, and a new letter.
        Readdressed = "readdressed",
        /// The address bounced another letter.
        AddressRefused = "address-refused",
        /// The appointment was cancelled.
        NoAppointment = "no-appointment",
        /// The appointment was moved.
        Moved = "moved",
        /// The holder has died.
        Deceased = "deceased",
        /// The permit was withdrawn.
        Withdrawn = "withdrawn",
        /// There is a newer permit.
        Renewed = "renewed",
        /// The renewal has already been requested.
        Filed = "filed",
        /// It would arrive too late.
        TooLate = "too-late",
        /// The permit is absent from the last full extract.
        Absent = "absent",
        /// The permit is a student's.
        Student = "student",
        /// The permit cannot be renewed.
        NotRenewable = "not-renewable",
        /// Nobody has named the permit's title.
        UnknownTitle = "unknown-title",
        /// No desk renews this permit any more.
        NoDesk = "no-desk",
        /// The holder has left the jurisdiction.
        MovedAway = "moved-away",
        /// A fact that made it wait no longer holds.
        NeedAgain = "need-again",
        /// Its content changed before it left.
        Replaced = "replaced",
        /// The e-mail was accepted, so its copy on paper is not needed.
        Delivered = "delivered",
        /// Nobody had been told of the appointment, so nothing is to be said of its end.
        NeverTold = "never-told",
        /// The act that caused it was undone.
        Undone = "undone",
        /// What it says no longer holds.
        Untrue = "untrue",
        /// Its desk is closed on the day of the appointment.
        PlaceLost = "place-lost",
    }
}

impl Remark {
    /// For operators.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Held => "held by an agent",
            Self::LetGo => "released by an agent",
            Self::PermitHeld => "an agent has put the permit on hold",
            Self::PermitLetGo => "released with its permit",
            Self::Readdressed => "written again to another address",
            Self::AddressRefused => "this address bounced an earlier letter: by post",
            Self::NoAppointment => "the appointment is cancelled",
            Self::Moved => "the appointment was moved: a newer letter says so",
            Self::Deceased => "the holder is deceased",
            Self::Withdrawn => "the permit was withdrawn",
            Self::Renewed => "the permit was renewed",
            Self::Filed => "the renewal was already requested",
            Self::TooLate => "too few days are left: call the person",
            Self::Absent => "the permit is absent from the last full extract",
            Self::Student => "the permit is a student's",
            Self::NotRenewable => "the permit cannot be renewed",
            Self::UnknownTitle => "nobody has named the permit's title",
            Self::NoDesk => "no desk renews this permit any more",
            Self::MovedAway => "the holder has left the jurisdiction",
            Self::NeedAgain => "what held it back no longer holds",
            Self::Replaced => "a newer letter says what is true now",
            Self::Delivered => "the e-mail was accepted: no copy on paper is needed",
            Self::NeverTold => "nobody had been told of the appointment",
            Self::Undone => "the act that caused it was undone",
            Self::Untrue => "what it says no longer holds",
            Self::PlaceLost => "the desk is closed on that day",
        }
    }

    /// The remark on a letter that waits because of a verdict. `None` if no letter waits for it.
    pub const fn of(rule: Rule) -> Option<Self> {
        Some(match rule {
            Rule::Deceased => Self::Deceased,
            Rule::Withdrawn => Self::Withdrawn,
            Rule::Held => Self::PermitHeld,
            Rule::AbsentFromExtract => Self::Absent,
            Rule::NotLatestPermit => Self::Renewed,
            Rule::RenewalFiled => Self::Filed,
            Rule::Student => Self::Student,
            Rule::NotRenewable => Self::NotRenewable,
            Rule::UnknownTitle => Self::UnknownTitle,
            Rule::NoDesk => Self::NoDesk,
            Rule::NoJurisdiction => Self::MovedAway,
            Rule::AwaitingMark
            | Rule::AlreadyConvoked
            | Rule::Expired
            | Rule::NotYetDue
            | Rule::DueOnline
            | Rule::DueLate
            | Rule::Due => return None,
        })
    }

    /// Whether the letter waits for a fact to be taken back, and leaves by itself when it is.
    pub fn waits_for_a_fact(self) -> bool {
        matches!(self, Self::Untrue | Self::PlaceLost)
            || Rule::ALL.iter().any(|rule| rule.ends_need() && Self::of(*rule) == Some(self))
    }
}
