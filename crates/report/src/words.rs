//! The French vocabulary of reports, in one place: labels of codes, numbers, dates, and text made safe to display.

use std::str::FromStr;

use chrono::{DateTime, Utc};

use super::Margin;
use convoke_domain::convocation::{LetterKind, LetterState, Outcome, Remark, State};
use convoke_domain::eligibility::Rule;
use convoke_domain::follow::Change;
use convoke_domain::permit::Channel;
use convoke_domain::requests::{RequestState, Wish};
use convoke_domain::run::{RunState, Trigger};
use convoke_domain::unseen::moves_text;
use convoke_instance::LapseCause;
pub(super) use convoke_letters::french::{date, short_date, time, weekday_date};
use convoke_letters::{EnvelopeError, PdfError};

/// A state of the outbox.
pub const fn letter_state(state: LetterState) -> &'static str {
    match state {
        LetterState::Queued => "En attente d’envoi",
        LetterState::Leased => "Prise en charge",
        LetterState::Sending => "En cours d’envoi",
        LetterState::Accepted => "Remise au relais de messagerie",
        LetterState::Deferred => "À réessayer",
        LetterState::Failed => "Refusée",
        LetterState::Uncertain => "Sort inconnu",
        LetterState::Bounced => "Revenue par courriel",
        LetterState::Held => "Retenue par un agent",
        LetterState::Cancelled => "Annulée",
        LetterState::Expired => "Trop tard pour l’envoyer",
        LetterState::ToPost => "À poster",
        LetterState::Posted => "Postée",
        LetterState::Returned => "Revenue par la poste",
        LetterState::Replaced => "Remplacée avant son départ",
    }
}

/// What a letter is about.
pub const fn letter_kind(kind: LetterKind) -> &'static str {
    match kind {
        LetterKind::Convocation => "convocation",
        LetterKind::Reminder => "rappel",
        LetterKind::Change => "changement de rendez-vous",
        LetterKind::Cancellation => "annulation",
        LetterKind::OnlineFiling => "dépôt en ligne",
        LetterKind::Transfer => "transfert",
        LetterKind::HeadsUp => "annonce",
    }
}

/// What a written request asks for.
pub const fn wish(wish: Wish) -> &'static str {
    match wish {
        Wish::Urgent => "être reçu d’urgence",
        Wish::Advance => "une date plus proche",
        Wish::NoEmail => "une convocation sans courriel",
        Wish::Other => "autre",
    }
}

/// The state of a written request.
pub const fn request_state(state: RequestState) -> &'static str {
    match state {
        RequestState::Open => "en attente",
        RequestState::Chosen => "en cours de placement",
        RequestState::Placed => "satisfaite par un rendez-vous",
        RequestState::Refused => "refusée",
        RequestState::Withdrawn => "retirée",
    }
}

/// The outcome of a delivery attempt.
pub const fn attempt(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted => "accepté",
        Outcome::Deferred => "refusé pour l’instant",
        Outcome::Failed => "refusé",
        Outcome::Uncertain => "sort inconnu",
        Outcome::RelayFault => "relais en panne",
        Outcome::Expired => "trop tard",
        Outcome::Cancelled => "annulé",
    }
}

/// Why a letter is where it is, and the language of that text: French for the program's own remarks. Replies of relays
/// and servers are quoted as they are.
pub fn letter_cause(state: LetterState, said: Option<Remark>, reply: &str) -> (String, &'static str) {
    match (said, state) {
        (Some(said), _) => (remark(said).to_owned(), "fr"),
        (None, LetterState::Bounced) if reply.is_empty() => ("revenue sans code".into(), "fr"),
        (None, LetterState::Bounced) => (format!("revenue\u{a0}: {reply}"), "fr"),
        (None, _) => (reply.to_owned(), "en"),
    }
}

/// Why a letter cannot be set on paper, and the language of that text.
pub fn paper_fault(fault: &str) -> (String, &'static str) {
    let french = |text: String| (text, "fr");
    if let Some(found) = EnvelopeError::of(fault) {
        return french(match found {
            EnvelopeError::TooManyLines(n) => format!(
                "l’adresse prend {n} lignes de 38 caractères, une fenêtre en montre six (NF Z 10-011)\u{a0}: à abréger dans le fichier importé"
            ),
            EnvelopeError::LongWord(line) => format!(
                "un mot de la ligne {line} de l’adresse dépasse 38 caractères (NF Z 10-011)\u{a0}: à corriger dans le fichier importé"
            ),
            EnvelopeError::Nothing => "aucune adresse postale\u{a0}: à compléter dans le fichier importé".into(),
        });
    }
    match PdfError::signs_of(fault) {
        Some(signs) => {
            french(format!("aucune police n’a de signe pour {signs}\u{a0}: ajoutez-en une qui l’a à [letters] fonts"))
        }
        None => (fault.to_owned(), "en"),
    }
}

/// Why a night did something about an appointment of an earlier night: a verdict, or what changed.
pub fn followed_cause(cause: &str) -> String {
    let label = cause.parse().map(Rule::label_fr).or_else(|_| cause.parse().map(Change::label_fr));
    label.unwrap_or(cause).to_owned()
}

/// The program's own remark on a letter.
pub const fn remark(said: Remark) -> &'static str {
    match said {
        Remark::Held => "retenue par un agent",
        Remark::LetGo => "libérée par un agent",
        Remark::PermitHeld => "un agent a suspendu le titre",
        Remark::PermitLetGo => "libérée avec le titre",
        Remark::Readdressed => "écrite de nouveau à une autre adresse",
        Remark::AddressRefused => "cette adresse a déjà renvoyé une lettre\u{a0}: par la poste",
        Remark::NoAppointment => "le rendez-vous n’a plus lieu",
        Remark::Moved => "le rendez-vous a changé\u{a0}: une lettre plus récente le dit",
        Remark::Deceased => "la personne est décédée",
        Remark::Withdrawn => "le titre a été retiré",
        Remark::Renewed => "le titre a été renouvelé",
        Remark::Filed => "le renouvellement est déjà demandé",
        Remark::TooLate => "trop peu de jours restent\u{a0}: appeler la personne",
        Remark::Absent => "titre absent de la dernière extraction complète",
        Remark::Student => "titre d’étudiant",
        Remark::NotRenewable => "titre non renouvelable",
        Remark::UnknownTitle => "titre inconnu, à identifier",
        Remark::NoDesk => "aucun guichet pour ce titre",
        Remark::MovedAway => "la personne a quitté le ressort",
        Remark::NeedAgain => "ce qui la retenait ne tient plus",
        Remark::Replaced => "une lettre plus récente dit ce qui est vrai",
        Remark::Delivered => "le courriel est accepté\u{a0}: copie inutile",
        Remark::NeverTold => "personne n’avait été prévenu du rendez-vous",
        Remark::Undone => "l’acte qui l’a causée est annulé",
        Remark::Untrue => "ce qu’elle dit n’est plus vrai",
        Remark::PlaceLost => "le guichet est fermé ce jour-là",
    }
}

/// How a bounce was classified.
pub fn bounce(class: &str) -> &'static str {
    match class {
        "hard" => "lettre non remise",
        "soft" => "remise encore essayée",
        "auto-reply" => "réponse automatique",
        _ => "non compris",
    }
}

/// The state of an appointment.
pub const fn convocation_state(state: State) -> &'static str {
    match state {
        State::Convoked => "à venir ou à marquer",
        State::Honoured => "venu",
        State::Incomplete => "dossier incomplet",
        State::Missed => "absent",
        State::Cancelled => "annulé",
        State::Moved => "remplacé par un autre",
        State::Undelivered => "lettre non remise",
    }
}

/// The channel of a letter.
pub const fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "Courriel",
        Channel::Post => "Courrier",
        Channel::Phone => "Téléphone",
    }
}

/// Why a person has no day before expiry.
pub fn lapse_cause(cause: LapseCause) -> &'static str {
    match cause {
        LapseCause::NoPossibleDay => "Aucun jour possible dans le délai",
        LapseCause::NoCapacity => "Faute de place",
    }
}

/// A manual action, by its name in the ledger.
pub fn intervention(kind: &str) -> &str {
    match kind {
        "agenda.generated" => "Créneaux ouverts d’après l’agenda",
        "title.answered" => "Titre identifié",
        "holder.merged" => "Deux numéros réunis",
        "holder.renumbered" => "Numéro étranger corrigé",
        "import.waiting" => "Extraction mise en attente",
        "import.done" => "Fichier importé",
        "import.undone" => "Importation annulée",
        "convocation.marked" => "Présence saisie",
        "account.set" => "Compte de la console créé ou changé",
        "account.removed" => "Compte de la console supprimé",
        "console.signed_in" => "Connexion à la console",
        "console.signed_out" => "Sessions de la console fermées",
        "post.discarded" => "Lot de courrier abandonné",
        "sending.paused" => "Envois suspendus",
        "sending.resumed" => "Envois repris",
        "household.linked" => "Foyer formé",
        "household.unlinked" => "Foyer défait",
        "letter.posted" => "Lettres postées",
        "letter.returned" => "Lettre revenue par la poste",
        "letter.bounced" => "Lettre revenue par courriel",
        "permit.held" => "Titre suspendu",
        "permit.released" => "Suspension levée",
        "holder.email_set" => "Adresse électronique corrigée",
        "holder.avoids" => "Jours à éviter notés",
        "convocation.moved" => "Rendez-vous déplacé",
        "convocation.restored" => "Rendez-vous rétabli",
        "act.undone" => "Acte annulé",
        "convocation.cancelled" => "Rendez-vous annulé",
        "letter.retried" => "Lettre renvoyée dans la file",
        "letter.held" => "Lettre retenue",
        "letter.released" => "Lettre libérée",
        "agenda.closed" => "Jour fermé",
        "agenda.reopened" => "Jour rouvert",
        "request.added" => "Demande écrite enregistrée",
        "request.refused" => "Demande écrite refusée",
        "request.withdrawn" => "Demande écrite retirée",
        "request.answered" => "Demande écrite satisfaite par le plan",
        "request.placed" => "Demande écrite satisfaite",
        "run.stopped" => "Exécution arrêtée",
        "key.made" => "Clé de signature créée",
        "key.passed_on" => "Clé de signature remplacée",
        "holders.erased" => "Personne effacée à sa demande",
        "holders.purged" => "Personnes effacées au terme de la conservation",
        "letters.purged" => "Contenu de lettres effacé au terme de la conservation",
        "read.report" => "Rapport nominatif consulté",
        "read.timeline" => "Historique d’une personne consulté",
        "read.holder" => "Données d’une personne consultées",
        "read.find" => "Personnes recherchées",
        "read.anomalies" => "Coordonnées partagées consultées",
        "read.movers" => "Personnes connues de deux préfectures consultées",
        "read.hashes" => "Empreintes des titulaires remises à une autre préfecture",
        "read.letters" => "Lettres d’une personne consultées",
        "read.sheet" => "Feuilles de guichet d’un jour établies",
        "read.addresses" => "Adresses consultées pour l’envoi postal ou l’appel",
        other => other,
    }
}

/// An anomaly.
pub(super) fn anomaly(kind: &str) -> &str {
    match kind {
        "shared-email" => "Adresses électroniques partagées par six personnes ou plus",
        "shared-phone" => "Numéros de téléphone partagés par six personnes ou plus",
        "no-jurisdiction" => "Titres dont la commune n’est dans aucun ressort",
        "held" => "Titres suspendus par des agents, plus d’un pour cent",
        other => other,
    }
}

/// At a desk or online.
pub(super) fn procedure(code: &str) -> &str {
    match code {
        "guichet" => "Au guichet",
        "teleservice" => "En ligne",
        other => other,
    }
}

/// An ISO 8601 week, such as 2026-W41.
pub fn week(iso: &str) -> String {
    match iso.split_once("-W") {
        Some((year, week)) => format!("semaine {} de {year}", week.trim_start_matches('0')),
        None => iso.to_owned(),
    }
}

/// A period of seven days, counted back from the expiry.
pub(super) fn margin(days: i64) -> String {
    match days {
        Margin::FIRST.. => format!("{days} ou plus"),
        ..=Margin::LAST => format!("{} ou plus après", -days - 6),
        0.. => format!("{days} à {}", days + 6),
        _ => format!("{} à {} après", -days - 6, -days),
    }
}

/// What started a run.
pub const fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Cron => "Automatique, à l’heure prévue",
        Trigger::Hand => "À la main",
    }
}

/// Where a run is in its life.
pub const fn run_state(state: RunState) -> &'static str {
    match state {
        RunState::Observing => "Examen en cours",
        RunState::Committing => "Enregistrement en cours",
        RunState::Completed => "Terminée",
        RunState::Stopped => "Arrêtée",
        RunState::Failed => "Échouée",
    }
}

/// Whether the plan is proved optimal.
pub fn certificate(code: &str) -> &str {
    match code {
        "closed" => "Fermé\u{a0}: aucun plan ne vaut mieux",
        "open" => "Ouvert\u{a0}: il n’est pas prouvé qu’aucun plan ne vaut mieux",
        "absent" => "Absent",
        other => other,
    }
}

/// The words for a code. A report by a newer version may contain an unknown one: it is shown as it is.
pub fn label<T: FromStr>(code: &str, words: impl Fn(T) -> &'static str) -> String {
    code.parse().map_or_else(|_| code.to_owned(), |value| words(value).to_owned())
}

/// 4 212, with narrow no-break spaces.
pub(super) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// *aucune lettre*, *1 lettre*, *4 212 lettres*: a number is never separated from its noun.
pub(super) fn counted(n: u64, none: &str, one: &str, many: &str) -> String {
    match n {
        0 => none.to_owned(),
        1 => format!("1\u{a0}{one}"),
        _ => format!("{}\u{a0}{many}", number(n)),
    }
}

/// 4 octobre 2026, 23:30:12 UTC: to the second, as in the logs.
pub(super) fn instant(at: DateTime<Utc>) -> String {
    format!("{}, {} UTC", date(at.date_naive()), at.format("%H:%M:%S"))
}

/// Text without invisible characters: anything that could move the cursor, reverse a line or break it is replaced.
pub fn visible(text: &str) -> String {
    let deceives = |c: char| {
        c.is_control()
            || moves_text(c)
            // Not characters, and forbidden in HTML.
            || matches!(c as u32 & 0xffff, 0xfffe | 0xffff)
            || ('\u{fdd0}'..='\u{fdef}').contains(&c)
    };
    let shown = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        c if deceives(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(shown).collect()
}
