//! The funnel from examined permits to letters, with the sums that must hold.

use serde::Serialize;

use super::RunReport;
use super::words::{counted, label, letter_state, number, week};
use convoke_domain::eligibility::Rule;
use convoke_domain::run::RunState;
use convoke_instance::Figures;

/// The outcomes of permits, then of the people who were due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Funnel {
    /// A partition of the examined permits.
    pub examined: Vec<Stage>,
    /// Appointments and letters.
    pub convoked: Vec<Stage>,
    /// The value of a full bar in `convoked`.
    pub convoked_scale: u64,
    /// Sums that must hold.
    pub checks: Vec<Check>,
}

/// A step of the funnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// In words.
    pub label: &'static str,
    /// Count.
    pub count: u64,
    /// Whether a count other than 0 needs a person's attention.
    pub alert: bool,
    /// Its parts, if they are worth showing.
    pub parts: Vec<Part>,
}

/// A part of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// In words.
    pub label: String,
    /// Count.
    pub count: u64,
    /// Whether a count other than 0 needs a person's attention.
    pub alert: bool,
}

/// A sum and its expected value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// In words.
    pub label: &'static str,
    /// `12 + 3 = 15`, or `12 + 3 ≠ 16`.
    pub sum: String,
    /// Whether it holds.
    pub holds: bool,
}

/// The one stage of the funnel that permits under a rule belong to.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Excluded,
    Unserved,
    NotTonight,
    Due,
}

impl Fate {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Excluded, "Exclus par une règle"),
        (Self::Unserved, "Titre inconnu, ou aucun guichet compétent"),
        (Self::NotTonight, "Rien à planifier cette nuit"),
        (Self::Due, "À planifier cette nuit"),
    ];

    const fn of(rule: Rule) -> Self {
        match rule {
            Rule::Deceased
            | Rule::Withdrawn
            | Rule::Held
            | Rule::AbsentFromExtract
            | Rule::NotLatestPermit
            | Rule::RenewalFiled
            | Rule::Student
            | Rule::NotRenewable => Self::Excluded,
            Rule::UnknownTitle | Rule::NoDesk | Rule::NoJurisdiction => Self::Unserved,
            Rule::AwaitingMark | Rule::AlreadyConvoked | Rule::Expired | Rule::NotYetDue | Rule::DueOnline => {
                Self::NotTonight
            }
            Rule::DueLate | Rule::Due => Self::Due,
        }
    }
}

impl Funnel {
    /// The funnel of a report.
    pub fn of(report: &RunReport) -> Self {
        let examined = examined(report);
        let convoked = convoked(report);
        let mut checks = vec![check(
            "La somme des issues est égale au nombre de titres examinés",
            &examined.iter().map(|stage| stage.count).collect::<Vec<_>>(),
            report.scanned,
        )];
        // A run that ended before its plan has no figures to add up.
        if report.state == RunState::Completed || report.figures != Figures::default() {
            let Figures { firm, planned, no_possible_day, no_capacity, .. } = report.figures;
            let terms = [firm, planned, no_possible_day, no_capacity].map(|n| n as u64);
            checks.push(check(
                "Chaque personne à convoquer avant l’expiration a une issue",
                &terms,
                report.permits(Rule::Due),
            ));
        }
        let letters: u64 = report.letters.iter().map(|l| l.letters).sum();
        let convoked_scale = letters.max(report.permits(Rule::Due) + report.permits(Rule::DueLate));
        Self { examined, convoked, convoked_scale, checks }
    }
}

fn examined(report: &RunReport) -> Vec<Stage> {
    let stage = |(fate, label)| {
        let outcomes = report.outcomes.iter().filter(|o| Fate::of(o.rule) == fate);
        let parts: Vec<_> = outcomes.map(|o| Part { label: o.label.clone(), count: o.permits, alert: false }).collect();
        Stage { label, count: parts.iter().map(|p| p.count).sum(), alert: false, parts }
    };
    Fate::ALL.into_iter().map(stage).collect()
}

fn convoked(report: &RunReport) -> Vec<Stage> {
    let figures = &report.figures;
    let part = |label: &str, count: usize, alert| Part { label: label.to_owned(), count: count as u64, alert };
    let stage = |label, count, alert| Stage { label, count, alert, parts: Vec::new() };
    let mut stages = vec![
        Stage {
            parts: vec![
                part("Rendez-vous ferme cette nuit", figures.firm, false),
                part("Jour prévu, convocation une nuit prochaine", figures.planned, false),
                part("Sans rendez-vous\u{a0}: aucun jour possible dans le délai", figures.no_possible_day, true),
                part("Sans rendez-vous\u{a0}: faute de place", figures.no_capacity, true),
            ],
            ..stage("À convoquer avant l’expiration", report.permits(Rule::Due), false)
        },
        stage("Titres déjà expirés, à convoquer au plus tôt", report.permits(Rule::DueLate), false),
        stage("Rendez-vous fermes après l’expiration", figures.late_firm as u64, false),
        stage("Sans aucune place, même après l’expiration", figures.without_seat as u64, true),
    ];
    if figures.late_planned > 0 {
        let label = "Jour prévu après l’expiration\u{a0}: une place plus proche est cherchée chaque nuit";
        stages.push(stage(label, figures.late_planned as u64, false));
    }
    if figures.past_six_months > 0 {
        let label = "Ne peuvent être reçus dans les six mois qui suivent l’expiration (R. 431-8)";
        stages.push(stage(label, figures.past_six_months as u64, true));
    }
    if report.displaced > 0 {
        stages.push(stage("Rendez-vous pris entre le plan et son enregistrement", report.displaced, true));
    }
    let mut letters: Vec<Part> = Vec::new();
    for line in &report.letters {
        let label = label(&line.state, letter_state);
        match letters.iter_mut().find(|part| part.label == label) {
            Some(part) => part.count += line.letters,
            None => letters.push(Part { label, count: line.letters, alert: false }),
        }
    }
    stages.push(Stage { parts: letters, ..stage("Lettres", report.letters.iter().map(|l| l.letters).sum(), false) });
    stages
}

fn check(label: &'static str, terms: &[u64], total: u64) -> Check {
    let holds = terms.iter().sum::<u64>() == total;
    let sum = terms.iter().map(|n| number(*n)).collect::<Vec<_>>().join(" + ");
    Check { label, sum: format!("{sum} {} {}", if holds { '=' } else { '≠' }, number(total)), holds }
}

impl RunReport {
    /// The night in one sentence.
    pub fn sentence(&self) -> String {
        summary(self)
    }
}

/// The night in one sentence.
pub(super) fn summary(report: &RunReport) -> String {
    let scanned = counted(report.scanned, "Aucun titre examiné", "titre examiné", "titres examinés");
    // A plan that was not carried out has convoked nobody: only its letters are facts.
    if report.state != RunState::Completed {
        let letters = report.letters.iter().map(|l| l.letters).sum();
        let letters = counted(letters, "aucune lettre préparée", "lettre préparée", "lettres préparées");
        return format!("{scanned}\u{202f}; exécution non terminée\u{202f}; {letters}.");
    }
    let Figures { firm, late_firm, no_possible_day, no_capacity, .. } = report.figures;
    let convoked = (firm + late_firm) as u64;
    let why = match (no_possible_day, no_capacity) {
        (0, 0) => String::new(),
        (0, _) => ", faute de place".to_owned(),
        (_, 0) => ", faute d’un jour possible".to_owned(),
        (days, seats) => {
            format!(
                ", {}\u{a0}faute de place et {}\u{a0}faute d’un jour possible",
                number(seats as u64),
                number(days as u64)
            )
        }
    };
    [
        scanned,
        counted(convoked, "aucune personne convoquée", "personne convoquée", "personnes convoquées"),
        counted(report.permits(Rule::Student), "aucun étudiant exclu", "étudiant exclu", "étudiants exclus"),
        counted(
            (no_possible_day + no_capacity) as u64,
            "aucune personne sans rendez-vous avant l’expiration",
            "personne sans rendez-vous avant l’expiration",
            "personnes sans rendez-vous avant l’expiration",
        ) + &why,
    ]
    .join("\u{202f}; ")
        + "."
        + &missing(report)
}

/// The missing seats: the first place and week by name, the rest as a number.
fn missing(report: &RunReport) -> String {
    let shortages = &report.circumstances.shortages;
    let Some(first) = shortages.first() else { return String::new() };
    let all: u64 = shortages.iter().map(|s| s.seats).sum();
    let seats = counted(all, "", "place", "places");
    let most = shortages.iter().max_by_key(|s| s.seats).unwrap_or(first);
    let place = format!("{} (guichet {}), {}", most.site, most.desk, week(&most.week));
    match shortages.len() {
        1 => format!(" Il a manqué {seats} à {place}."),
        _ => format!(" Il a manqué {seats}, dont {}\u{a0}à {place}.", number(most.seats)),
    }
}
