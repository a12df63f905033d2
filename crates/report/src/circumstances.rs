//! The context of a night: the law that it followed, its margins, missing seats, manual actions, anomalies, and the
//! nights before.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use convoke_domain::eligibility::Rule;
use convoke_domain::policy::{Before, Policy, Procedure};

/// The circumstances of a night.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Circumstances {
    /// Why each rule is one, by its id.
    pub bases: BTreeMap<String, String>,
    /// When renewals are requested, by the law as of that night.
    pub windows: Vec<LegalWindow>,
    /// Appointments of the plan by time before expiry, in weeks.
    pub margins: Vec<Margin>,
    /// The fewest extra seats that would have avoided lapses.
    pub shortages: Vec<Shortage>,
    /// Lapses that they would have avoided.
    pub avoidable: u64,
    /// Letters of the run by a relay's last reply.
    pub replies: Vec<Reply>,
    /// What people did by hand since the previous run.
    pub interventions: Vec<Intervention>,
    /// What somebody should check.
    pub anomalies: Vec<Anomaly>,
    /// The last nights, including this one, oldest first.
    pub nights: Vec<NightFigures>,
}

/// When renewals are requested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LegalWindow {
    /// Name of the rule.
    pub id: String,
    /// `guichet` or `teleservice`.
    pub procedure: String,
    /// Most days before expiry at which it opens.
    pub opens: u32,
    /// Fewest days before expiry at which it closes; 0 means at expiry.
    pub closes: u32,
    /// Legal basis; `usage` if no law gives a window.
    pub basis: String,
}

/// Appointments of seven days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Margin {
    /// First of the seven days, in days before expiry; negative after it.
    pub days: i64,
    /// How many appointments.
    pub appointments: u64,
}

/// Seats that were missing at a desk in a week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shortage {
    /// Site.
    pub site: String,
    /// Desk.
    pub desk: String,
    /// ISO 8601 week, such as 2026-W41.
    pub week: String,
    /// How many.
    pub seats: u64,
}

/// Letters with the same reply from a relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// State in the outbox.
    pub state: String,
    /// Code of the reply, enhanced if there was one; empty if there was no reply.
    pub code: String,
    /// How many letters.
    pub letters: u64,
}

/// Something done by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Intervention {
    /// Entry of the ledger; the first one, if several are grouped.
    pub entry: i64,
    /// When that was, if the entry says so.
    #[serde(default)]
    pub at: Option<DateTime<Utc>>,
    /// Who.
    pub actor: String,
    /// What, as the ledger names it.
    pub kind: String,
    /// Why, if a reason was given.
    pub reason: Option<String>,
    /// How often.
    pub times: u64,
}

/// Something that looks odd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Anomaly {
    /// `shared-email`, `shared-phone`, `no-jurisdiction`, `held`.
    pub kind: String,
    /// How many: addresses, numbers, permits.
    pub count: u64,
    /// How many people or permits are concerned.
    pub concerned: u64,
}

/// The figures of a night.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NightFigures {
    /// Run.
    pub run: String,
    /// Night.
    pub business_date: NaiveDate,
    /// Permits examined.
    pub scanned: u64,
    /// People due.
    pub due: u64,
    /// Made firm, before expiry and after it.
    pub firm: u64,
    /// Without a day before expiry.
    pub lapses: u64,
    /// Convocations written.
    pub letters: u64,
}

impl Margin {
    /// The first bin: this many days before expiry, or more.
    pub const FIRST: i64 = 63;
    /// The last bin, and everything later.
    pub const LAST: i64 = -28;
}

impl Circumstances {
    /// The law in force for a night.
    pub fn of_policy(policy: &Policy, date: NaiveDate) -> Self {
        let days = |before: Before, longest: bool| match before {
            Before::MonthsBefore(months) if longest => months * 31,
            Before::MonthsBefore(months) => months * 28,
            Before::DaysBefore(days) => days,
        };
        let windows =
            policy.rule.iter().filter(|r| r.from.is_none_or(|from| from <= date) && r.to.is_none_or(|to| date <= to));
        let windows: Vec<LegalWindow> = windows
            .map(|r| LegalWindow {
                id: r.id.clone(),
                procedure: r.procedure.code().to_owned(),
                opens: days(r.opens, true),
                closes: r.closes.map_or(0, |close| days(close, false)),
                basis: r.basis.clone(),
            })
            .collect();
        let joined = |of: &mut dyn Iterator<Item = &str>| {
            let mut all: Vec<&str> = of.collect();
            all.dedup();
            all.join(" ; ")
        };
        let of_procedure = |procedure: Procedure| {
            joined(&mut windows.iter().filter(|w| w.procedure == procedure.code()).map(|w| w.basis.as_str()))
        };
        let (desk, online) = (of_procedure(Procedure::Counter), of_procedure(Procedure::Online));
        let students = joined(&mut policy.student.iter().map(|s| s.basis.as_str()));
        let final_ones = joined(&mut policy.not_renewable.iter().map(|s| s.basis.as_str()));
        let bases = Rule::ALL
            .iter()
            .map(|rule| {
                let basis = match rule {
                    Rule::Deceased | Rule::Withdrawn | Rule::NotLatestPermit | Rule::AbsentFromExtract => {
                        "Constat : extrait de l’application de gestion".to_owned()
                    }
                    Rule::RenewalFiled => "Constat : demande enregistrée dans l’extrait".to_owned(),
                    Rule::Held => "Décision d’un agent, motivée au registre".to_owned(),
                    Rule::UnknownTitle => "Constat : type ou mention absents de config/titles.toml".to_owned(),
                    Rule::NoDesk => "Constat : types servis par les guichets (config/agenda.toml)".to_owned(),
                    Rule::NoJurisdiction => {
                        "Compétence territoriale : communes du ressort (config/agenda.toml)".to_owned()
                    }
                    Rule::AwaitingMark | Rule::AlreadyConvoked => "Constat : convocation en cours".to_owned(),
                    Rule::Student => students.clone(),
                    Rule::NotRenewable => final_ones.clone(),
                    Rule::Expired | Rule::DueLate => "CESEDA R.431-8".to_owned(),
                    Rule::DueOnline => online.clone(),
                    Rule::NotYetDue => joined(&mut windows.iter().map(|w| w.basis.as_str())),
                    Rule::Due => desk.clone(),
                };
                (rule.code().to_owned(), basis)
            })
            .collect();
        Self { bases, windows, ..Self::default() }
    }
}
