//! One person's history in order, and the reason for each permit's status: the answer at the counter, in words.

use chrono::{DateTime, NaiveDate, NaiveTime, Timelike, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use convoke_domain::eligibility::Rule;
use convoke_instance::LapseCause;
use convoke_letters::french::{date, weekday_date};

/// A person's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Timeline {
    /// `convoke.timeline/1`.
    pub schema: String,
    /// Foreigner number.
    pub number: String,
    /// Name.
    pub name: String,
    /// The day on which the question was asked.
    pub today: NaiveDate,
    /// Permits, each with the reason why its holder is convoked or not.
    pub permits: Vec<PermitNow>,
    /// What happened, oldest first.
    pub moments: Vec<Moment>,
}

/// Where a permit stands now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PermitNow {
    /// Number of the permit.
    pub number: String,
    /// What it is called.
    pub label: String,
    /// Last day.
    pub expires_on: NaiveDate,
    /// The rule that applies today.
    pub rule: String,
    /// The rule in words.
    pub verdict: String,
    /// Why the holder is convoked, or not: always said.
    pub why: String,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Moment {
    /// Day, in the préfecture's zone.
    pub day: NaiveDate,
    /// Hour and minute, in the préfecture's zone, where they are known.
    pub hour: Option<NaiveTime>,
    /// `extract`, `verdict`, `appointment`, `letter`, `attempt`, `bounce`, `request` or `act`.
    pub kind: &'static str,
    /// In words.
    pub what: String,
    /// The run, convocation or letter.
    pub of: Option<String>,
    /// Who did it, where it was done by hand.
    pub by: Option<String>,
}

impl Moment {
    /// An event on a day.
    pub fn on(day: NaiveDate, kind: &'static str, what: String, of: Option<String>) -> Self {
        Self { day, hour: None, kind, what, of, by: None }
    }

    /// An event at an instant.
    pub fn at(at: DateTime<Utc>, zone: Tz, kind: &'static str, what: String, of: Option<String>) -> Self {
        let local = at.with_timezone(&zone).naive_local();
        let hour = local.time().with_second(0).and_then(|hour| hour.with_nanosecond(0));
        Self { day: local.date(), hour, kind, what, of, by: None }
    }

    /// Sort key: what was known at night comes before what the run did.
    pub fn order(&self) -> (NaiveDate, NaiveTime) {
        (self.day, self.hour.unwrap_or(NaiveTime::MIN))
    }
}

/// What the last night's plan has for a person who is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Planned {
    /// A day, not yet firm.
    Day {
        /// Day.
        day: NaiveDate,
        /// Hour.
        start: NaiveTime,
        /// Site and desk.
        place: String,
    },
    /// No day before expiry.
    Lapse(LapseCause),
    /// No night has examined this permit since it became due.
    NotYet,
}

/// The facts behind one verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circumstances<'a> {
    /// Last day of the permit.
    pub expires_on: NaiveDate,
    /// When the renewal was requested.
    pub filed_on: Option<NaiveDate>,
    /// First and preferred last day of the request.
    pub window: Option<(NaiveDate, NaiveDate)>,
    /// Legal basis of the window.
    pub basis: &'a str,
    /// First night on which time alone changes the verdict.
    pub review_on: NaiveDate,
    /// Commune.
    pub commune: &'a str,
    /// The préfecture that is competent, if it is known to be another.
    pub competent: Option<String>,
    /// Reference, day and place of the live appointment.
    pub appointment: Option<(String, NaiveDate, String)>,
    /// The planned appointment.
    pub planned: Planned,
    /// Months after which an expired permit is left to an agent.
    pub late_months: u32,
}

impl Circumstances<'_> {
    /// Why the holder is or is not convoked, in one sentence.
    pub fn why(&self, rule: Rule) -> String {
        let window = || {
            self.window.map_or_else(String::new, |(opens, closes)| {
                format!(" La demande se fait du {} au {} ({}).", date(opens), date(closes), self.basis)
            })
        };
        match rule {
            Rule::Deceased => "L’extraction dit que le titulaire est décédé.".into(),
            Rule::Withdrawn => "L’extraction dit que le titre a été retiré.".into(),
            Rule::Held => {
                "Un agent a suspendu ce titre ; aucune nuit ne convoque tant que la suspension n’est pas levée.".into()
            }
            Rule::AbsentFromExtract => "Le titre ne figure plus dans la dernière extraction complète.".into(),
            Rule::NotLatestPermit => "Un titre plus récent existe, ou l’extraction dit ce titre renouvelé.".into(),
            Rule::RenewalFiled => format!(
                "Le renouvellement a été demandé{}.",
                self.filed_on.map_or_else(String::new, |d| format!(" le {}", date(d)))
            ),
            Rule::Student => "Titre d’étudiant : la demande passe par une autre voie, hors convocation.".into(),
            Rule::NotRenewable => "Ce titre n’est pas renouvelable.".into(),
            Rule::UnknownTitle => {
                "Personne n’a encore dit ce qu’est ce titre (`convoke titles list`) ; il n’est pas convoqué d’ici là."
                    .into()
            }
            Rule::NoDesk => {
                format!("Aucun guichet qui dessert la commune {} ne reçoit ce type de titre.", self.commune)
            }
            Rule::NoJurisdiction => match &self.competent {
                Some(other) => format!("La commune {} relève d’un autre ressort : {other}.", self.commune),
                None => format!("Aucun guichet ne dessert la commune {} pour ce titre.", self.commune),
            },
            Rule::AwaitingMark => match &self.appointment {
                Some((reference, day, place)) => format!(
                    "Le rendez-vous {reference} du {} ({place}) est passé et sa présence n’a pas été saisie ; sans saisie, la personne sera de nouveau à convoquer le {}.",
                    weekday_date(*day),
                    date(self.review_on)
                ),
                None => "Un rendez-vous est passé et sa présence n’a pas été saisie.".into(),
            },
            Rule::AlreadyConvoked => match &self.appointment {
                Some((reference, day, place)) => {
                    format!("Rendez-vous le {} ({place}), référence {reference}.", weekday_date(*day))
                }
                None => "Un rendez-vous est à venir.".into(),
            },
            Rule::Expired => {
                format!("Le titre a expiré depuis plus de {} mois : à confier à un agent nommé.", self.late_months)
            }
            Rule::NotYetDue => {
                format!("Son rendez-vous sera planifié à partir de la nuit du {}.{}", date(self.review_on), window())
            }
            Rule::DueOnline => {
                format!("Le renouvellement se demande en ligne : pas de convocation au guichet.{}", window())
            }
            Rule::Due | Rule::DueLate => self.due(rule) + &window(),
        }
    }

    fn due(&self, rule: Rule) -> String {
        let late = if rule == Rule::DueLate {
            " Le titre a expiré : la demande reste un renouvellement (R. 431-8)."
        } else {
            ""
        };
        let planned = match &self.planned {
            Planned::Day { day, start, place } => format!(
                "Un rendez-vous est prévu le {} à {} ({place}), mais ce jour peut encore changer ; la lettre part la nuit où il devient ferme.",
                weekday_date(*day),
                start.format("%Hh%M")
            ),
            Planned::Lapse(LapseCause::NoPossibleDay) => {
                "Aucun créneau n’existe dans le délai, quel que soit son remplissage : ouvrir des places.".into()
            }
            Planned::Lapse(LapseCause::NoCapacity) => {
                "Toutes les places du délai sont prises par des personnes aussi pressées : ouvrir des places.".into()
            }
            Planned::NotYet => "La prochaine nuit lui cherche un rendez-vous.".into(),
        };
        planned + late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_rule_the_question_is_answered() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 3).unwrap();
        let mut facts = Circumstances {
            expires_on: day,
            filed_on: None,
            window: None,
            basis: "R. 431-5",
            review_on: day,
            commune: "94028",
            competent: None,
            appointment: None,
            planned: Planned::NotYet,
            late_months: 6,
        };
        let mut shown = std::collections::BTreeSet::new();
        for rule in Rule::ALL {
            let why = facts.why(*rule);
            assert!(why.ends_with('.') && why.len() > 20, "{why}");
            shown.insert(why);
        }
        assert_eq!(shown.len(), Rule::ALL.len(), "each rule has words of its own");
        facts.appointment = Some(("RC-94-2026-0000001-A".into(), day, "creteil/resident".into()));
        assert_eq!(
            facts.why(Rule::AlreadyConvoked),
            "Rendez-vous le mardi 3 novembre 2026 (creteil/resident), référence RC-94-2026-0000001-A."
        );
    }
}
