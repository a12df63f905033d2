//! `assess`: exactly one verdict per permit and night, with its rule. First match wins, in the order of [`Rule`].

use chrono::{Days, Months, NaiveDate};

use crate::agenda::Jurisdiction;
use crate::code::coded;
use crate::permit::{PermitKind, Status};
use crate::policy::{Policy, Procedure, Window};
use crate::title::begins_as_student;

coded! {
    /// The reason for a permit's status tonight. The order is the order of examination.
    pub enum Rule {
        /// The holder has died.
        Deceased = "deceased",
        /// Withdrawn by a decision.
        Withdrawn = "withdrawn",
        /// Held by an agent.
        Held = "held",
        /// Absent from the last full extract.
        AbsentFromExtract = "absent-from-extract",
        /// The holder has a newer permit.
        NotLatestPermit = "not-latest-permit",
        /// The renewal has been filed.
        RenewalFiled = "renewal-filed",
        /// Student: handled separately.
        Student = "student",
        /// Cannot be renewed.
        NotRenewable = "not-renewable",
        /// Neither its type nor its mention, or not both together, is a title that somebody has named.
        UnknownTitle = "unknown-title",
        /// The commune has a desk, but none for this type.
        NoDesk = "no-desk",
        /// No desk serves the commune.
        NoJurisdiction = "no-jurisdiction",
        /// The appointment is past and not marked.
        AwaitingMark = "awaiting-mark",
        /// Has an upcoming appointment.
        AlreadyConvoked = "already-convoked",
        /// Expired for too long: left to a named agent.
        Expired = "expired",
        /// Beyond the horizon.
        NotYetDue = "not-yet-due",
        /// Must file online.
        DueOnline = "due.online",
        /// Expired for six months or less, and not filed (R.431-8: a late request is still a renewal).
        DueLate = "due.late",
        /// To be planned tonight.
        Due = "due",
    }
}

impl Rule {
    /// Whether a person whose permit has this verdict needs no appointment any more, although one was given.
    pub const fn ends_need(self) -> bool {
        matches!(
            self,
            Self::Deceased
                | Self::Withdrawn
                | Self::AbsentFromExtract
                | Self::NotLatestPermit
                | Self::RenewalFiled
                | Self::Student
                | Self::NotRenewable
                | Self::UnknownTitle
                | Self::NoDesk
                | Self::NoJurisdiction
        )
    }

    /// French label, for the report and the counter.
    pub const fn label_fr(self) -> &'static str {
        match self {
            Self::Deceased => "Titulaire décédé",
            Self::Withdrawn => "Titre retiré",
            Self::Held => "Suspendu par un agent",
            Self::AbsentFromExtract => "Absent de la dernière extraction complète",
            Self::NotLatestPermit => "Un titre plus récent existe",
            Self::RenewalFiled => "Renouvellement déjà déposé",
            Self::Student => "Étudiant : autre démarche",
            Self::NotRenewable => "Titre non renouvelable",
            Self::UnknownTitle => "Titre inconnu : à identifier",
            Self::NoDesk => "Aucun guichet pour ce type de titre",
            Self::NoJurisdiction => "Commune hors ressort",
            Self::AwaitingMark => "Rendez-vous passé, présence à saisir",
            Self::AlreadyConvoked => "Déjà convoqué",
            Self::Expired => "Expiré depuis plus de six mois",
            Self::NotYetDue => "Pas encore à convoquer",
            Self::DueOnline => "Dépôt en ligne",
            Self::DueLate => "En retard : expiré depuis six mois au plus",
            Self::Due => "À convoquer",
        }
    }
}

/// What is known about a permit when it is assessed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts<'a> {
    /// Type.
    pub kind: PermitKind,
    /// Mention.
    pub mention: &'a str,
    /// Status in the extract.
    pub status: Status,
    /// Last day of validity.
    pub expires_on: NaiveDate,
    /// INSEE code of the holder's commune.
    pub commune: &'a str,
    /// Whether the renewal has been filed.
    pub filed: bool,
    /// Whether an agent holds it.
    pub held: bool,
    /// Whether it is missing from the last full extract.
    pub absent: bool,
    /// Whether the holder has a newer permit.
    pub superseded: bool,
    /// Whether nobody has said what its type and mention mean.
    pub unknown: bool,
    /// Day of the holder's appointment that is still `convoked`, past or upcoming.
    pub convoked_for: Option<NaiveDate>,
}

/// The verdict on one permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// The first rule that matched.
    pub rule: Rule,
    /// The window, for a holder who is due.
    pub window: Option<Window<'a>>,
    /// The first night on which time alone could change the verdict; tonight for permits to be planned, so that a
    /// second run of the same date sees them again.
    pub review_on: NaiveDate,
}

/// The last date that sorts correctly as text in both databases.
pub const NEVER: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).expect("a date");

/// Assesses one permit on a business date. Total: every permit gets exactly one verdict.
pub fn assess<'a>(facts: &Facts<'_>, policy: &'a Policy, jurisdiction: &Jurisdiction, today: NaiveDate) -> Verdict<'a> {
    let window = policy.window(facts.kind, facts.mention, facts.expires_on, today);
    let (rule, review_on) = examine(facts, policy, jurisdiction, window, today);
    let due = matches!(rule, Rule::Due | Rule::DueLate | Rule::DueOnline);
    Verdict {
        rule,
        window: window.filter(|_| due),
        review_on: policy.next_change(today).map_or(review_on, |c| c.min(review_on)),
    }
}

fn examine(
    facts: &Facts<'_>,
    policy: &Policy,
    jurisdiction: &Jurisdiction,
    window: Option<Window<'_>>,
    today: NaiveDate,
) -> (Rule, NaiveDate) {
    // Only an import or an agent changes these.
    let lasting = [
        (facts.status == Status::Deceased, Rule::Deceased),
        (facts.status == Status::Withdrawn, Rule::Withdrawn),
        (facts.held, Rule::Held),
        (facts.absent, Rule::AbsentFromExtract),
        (facts.superseded || facts.status == Status::Renewed, Rule::NotLatestPermit),
        (facts.filed, Rule::RenewalFiled),
        (policy.is_student(facts.kind, facts.mention), Rule::Student),
        (facts.unknown && begins_as_student(facts.mention), Rule::Student),
        (!facts.unknown && policy.is_not_renewable(facts.kind, facts.mention), Rule::NotRenewable),
        (facts.unknown, Rule::UnknownTitle),
    ];
    if let Some((_, rule)) = lasting.into_iter().find(|(holds, _)| *holds) {
        return (rule, NEVER);
    }
    let Some(window) = window else { return (Rule::NoJurisdiction, NEVER) };
    if !jurisdiction.knows(facts.commune) {
        return (Rule::NoJurisdiction, NEVER);
    }
    if window.procedure == Procedure::Counter && jurisdiction.pools(facts.kind, facts.commune).is_empty() {
        return (Rule::NoDesk, NEVER);
    }
    match facts.convoked_for {
        Some(day) if day >= today => return (Rule::AlreadyConvoked, next(day)),
        Some(day) if later(day, policy.mark_days) >= today => {
            return (Rule::AwaitingMark, next(later(day, policy.mark_days)));
        }
        _ => {}
    }
    let last_late_day = facts.expires_on.checked_add_months(Months::new(policy.late_months)).unwrap_or(NEVER);
    if last_late_day < today {
        return (Rule::Expired, NEVER);
    }
    let due_from = match window.procedure {
        // The whole window is within the horizon, or has opened.
        Procedure::Counter => window.opens.min(earlier(window.deadline, policy.horizon_days)),
        Procedure::Online => window.opens,
    };
    if today < due_from {
        return (Rule::NotYetDue, due_from);
    }
    match window.procedure {
        Procedure::Online => (Rule::DueOnline, next(last_late_day)),
        Procedure::Counter if facts.expires_on < today => (Rule::DueLate, today),
        Procedure::Counter => (Rule::Due, today),
    }
}

fn next(day: NaiveDate) -> NaiveDate {
    later(day, 1)
}

fn later(day: NaiveDate, days: u32) -> NaiveDate {
    day.checked_add_days(Days::new(days.into())).unwrap_or(NEVER).min(NEVER)
}

fn earlier(day: NaiveDate, days: u32) -> NaiveDate {
    day.checked_sub_days(Days::new(days.into())).unwrap_or(NaiveDate::MIN)
}
