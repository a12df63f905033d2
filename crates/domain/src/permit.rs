//! A residence permit and its holder, as the préfecture's extract gives them. Parsing refuses nonsense.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::birth::BirthDate;
use crate::code::coded;

coded! {
    /// Type of residence permit (*type de titre*).
    pub enum PermitKind {
        /// *Carte de séjour temporaire*, up to one year.
        Cst = "CST",
        /// *Carte de séjour pluriannuelle*, up to four years.
        Csp = "CSP",
        /// *Carte de résident*, ten years.
        Cr = "CR",
        /// *Certificat de résidence algérien*, one year.
        Cra1 = "CRA1",
        /// *Certificat de résidence algérien*, ten years.
        Cra10 = "CRA10",
        /// *Visa de long séjour valant titre de séjour*.
        VlsTs = "VLS-TS",
        /// *Carte de séjour « retraité »*.
        Retraite = "RETRAITE",
        /// *Autorisation provisoire de séjour*.
        Aps = "APS",
        /// *Carte de résident de longue durée – UE*.
        LdUe = "LD-UE",
        /// *Carte de séjour « talent »*.
        Talent = "TALENT",
    }
}

impl PermitKind {
    /// The name used in letters.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Cst => "carte de séjour temporaire",
            Self::Csp => "carte de séjour pluriannuelle",
            Self::Cr => "carte de résident",
            Self::Cra1 => "certificat de résidence algérien d'un an",
            Self::Cra10 => "certificat de résidence algérien de dix ans",
            Self::VlsTs => "visa de long séjour valant titre de séjour",
            Self::Retraite => "carte de séjour portant la mention « retraité »",
            Self::Aps => "autorisation provisoire de séjour",
            Self::LdUe => "carte de résident de longue durée – UE",
            Self::Talent => "carte de séjour « talent »",
        }
    }
}

coded! {
    /// The permit's status in the extract (*statut*).
    pub enum Status {
        /// In force, or expired with nothing else known.
        Active = "actif",
        /// Replaced by a newer one.
        Renewed = "renouvele",
        /// Withdrawn by a decision.
        Withdrawn = "retire",
        /// The holder has died.
        Deceased = "decede",
    }
}

coded! {
    /// How a letter reaches its holder (*canal*).
    pub enum Channel {
        /// Through the SMTP queue.
        Email = "email",
        /// Printed and posted.
        Post = "post",
        /// Called by telephone: the letter still goes by post, because a call leaves no trace.
        Phone = "phone",
    }
}

/// Longest text accepted in a field, in characters: anything longer is an error in the file, not a name.
pub const FIELD_MAX: usize = 1_000;

/// Foreigner number (*numéro étranger*): text of 9 or 10 digits, including leading zeros; there is no check digit.
pub fn is_foreigner_number(text: &str) -> bool {
    matches!(text.len(), 9 | 10) && text.bytes().all(|b| b.is_ascii_digit())
}

/// A mention as a code: lower case, without accents, with hyphens for blanks. `Étudiant` in an extract must be
/// recognised as `etudiant`: otherwise a student would be convoked.
pub fn mention_code(text: &str) -> String {
    let plain = |c: char| match c {
        'à' | 'â' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'ï' => 'i',
        'ô' | 'ö' => 'o',
        'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        '_' | '\u{a0}' | ' ' => '-',
        other => other,
    };
    // Combining accents, which some systems use, are removed.
    text.trim().to_lowercase().chars().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).map(plain).collect()
}

/// INSEE code of a commune: five digits, except for `2A` and `2B` (Corsica).
pub fn is_commune_code(text: &str) -> bool {
    let digits = text.strip_prefix("2A").or_else(|| text.strip_prefix("2B"));
    match digits {
        Some(rest) => rest.len() == 3 && rest.bytes().all(|b| b.is_ascii_digit()),
        None => text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit()),
    }
}

/// An address that a relay can deliver to: a dot-atom and a domain of RFC 5321, in ASCII. Anything else is treated as
/// no address: the letter then goes by post rather than nowhere.
pub fn is_deliverable_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b))
    };
    let label = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.len() <= 254
        && local.len() <= 64
        && local.split('.').all(atom)
        && domain.contains('.')
        && domain.split('.').all(label)
}

/// A person (*titulaire*), with what is needed to write to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Foreigner number.
    pub number: String,
    /// Family name (*nom*).
    pub family_name: String,
    /// Name in use (*nom d'usage*), printed instead of the family name.
    pub usage_name: Option<String>,
    /// Given names (*prénoms*); may be empty.
    pub given_names: String,
    /// Date of birth, if in the extract.
    pub birth_date: Option<BirthDate>,
    /// Deliverable e-mail address.
    pub email: Option<String>,
    /// Telephone, as written.
    pub phone: Option<String>,
    /// Language of the courtesy translation, `fr` by default.
    pub language: String,
    /// Address lines above the postcode, one to four.
    pub address: Vec<String>,
    /// Postcode, for the envelope only: jurisdiction is by commune.
    pub postcode: String,
    /// Town as written on the envelope.
    pub town: Option<String>,
    /// INSEE code of the commune of residence: decides the jurisdiction.
    pub commune: String,
    /// Household (*foyer*): its members come on the same day if that costs nobody an appointment.
    pub household: Option<String>,
    /// Channel requested; otherwise e-mail if there is an address, else post.
    pub channel: Option<Channel>,
    /// Whether letters use 18-point type (*gros caractères*).
    pub large_print: bool,
}

impl Holder {
    /// The name printed on the letter.
    pub fn printed_name(&self) -> String {
        let name = self.usage_name.as_deref().unwrap_or(&self.family_name);
        format!("{} {name}", self.given_names).trim().to_owned()
    }

    /// The channel of letters now.
    pub fn effective_channel(&self) -> Channel {
        match (self.channel, &self.email) {
            (Some(Channel::Post), _) => Channel::Post,
            (Some(Channel::Phone), _) => Channel::Phone,
            (_, Some(_)) => Channel::Email,
            (_, None) => Channel::Post,
        }
    }
}

/// A permit (*titre de séjour*).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permit {
    /// Permit number (*numéro de titre*).
    pub number: String,
    /// Type.
    pub kind: PermitKind,
    /// Mention: a free code such as `salarie`.
    pub mention: String,
    /// First day of validity.
    pub valid_from: NaiveDate,
    /// Last day of validity (*fin de validité*).
    pub expires_on: NaiveDate,
    /// Status in the extract.
    pub status: Status,
    /// Day on which the renewal was filed (*dépôt*), if it was.
    pub filed_on: Option<NaiveDate>,
    /// Type and mention of the extract on two lines, if no title has them: nobody is convoked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_title: Option<String>,
    /// The same, if they are not the codes of its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title_words: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_could_inject_or_bounce_is_no_address() {
        for good in ["a@example.org", "prenom.nom+tag@sous.domaine.example.org", "o'hara@example.org"] {
            assert!(is_deliverable_email(good), "{good}");
        }
        for bad in [
            "",
            "sans-arobase",
            "a@b",
            "a@@example.org",
            "a b@example.org",
            "a@example.org\r\nBcc: x@example.org",
            "<a@example.org>",
            "a@-example.org",
            "a..b@example.org",
            ".a@example.org",
            "é@example.org",
            "a@example.org,",
        ] {
            assert!(!is_deliverable_email(bad), "{bad}");
        }
    }

    #[test]
    fn a_student_is_a_student_however_it_is_written() {
        for text in ["etudiant", "Étudiant", "ÉTUDIANT ", "e\u{301}tudiant"] {
            assert_eq!(mention_code(text), "etudiant");
        }
        assert_eq!(mention_code("Vie privée_familiale"), "vie-privee-familiale");
    }

    #[test]
    fn communes_of_corsica_and_overseas_are_communes() {
        for good in ["94028", "2A004", "2B033", "97411", "98818"] {
            assert!(is_commune_code(good), "{good}");
        }
        for bad in ["", "9402", "940281", "2C004", "94 28", "٩٤٠٢٨"] {
            assert!(!is_commune_code(bad), "{bad}");
        }
    }
}
