//! Residence titles by the words that extracts use for them (`config/titles.toml`). What no entry knows is not convoked
//! until a person has said what it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::permit::PermitKind;
use crate::search::fold;

/// The titles that are known. Those of the law are shipped; a préfecture adds its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Titles {
    /// Spellings of types.
    pub kind: Vec<KindWords>,
    /// Mentions.
    pub title: Vec<Title>,
    /// Answers to single spellings: type and mention together.
    pub spelling: Vec<Spelling>,
}

/// The spellings of a type of permit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KindWords {
    /// The type.
    pub code: PermitKind,
    /// Spellings besides its code.
    pub accept: Vec<String>,
}

/// A mention of the law.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Title {
    /// Its name in rules and lists of documents.
    pub code: String,
    /// The types that bear it; empty: all.
    #[serde(default)]
    pub types: Vec<PermitKind>,
    /// Spellings besides its code.
    #[serde(default)]
    pub accept: Vec<String>,
    /// Whether its holders use another door than convocations.
    #[serde(default)]
    pub student: bool,
    /// Whether it can be renewed by coming to a desk or filing.
    #[serde(default = "yes")]
    pub renewable: bool,
    /// Where it stands.
    pub article: String,
    /// How long it is valid.
    #[serde(default)]
    pub validity: Option<String>,
    /// What its holder may do after it has expired.
    #[serde(default)]
    pub after_expiry: Option<String>,
    /// Whether a request within six months of the expiry still is a renewal (CESEDA R.431-8).
    #[serde(default)]
    pub six_months: Option<bool>,
    /// How the préfecture is found: by the commune, or chosen by the holder.
    #[serde(default)]
    pub jurisdiction: Option<String>,
    /// What was read, and when.
    #[serde(default)]
    pub source: Option<String>,
    /// Whether that is no primary text.
    #[serde(default)]
    pub unverified: bool,
}

/// What one spelling of an extract means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spelling {
    /// The type, as the extract has it.
    #[serde(rename = "type")]
    pub kind: String,
    /// The mention, as the extract has it.
    pub mention: String,
    /// What it is: `CST/salarie`.
    pub title: TitleId,
}

/// A type and a mention by their codes: `CST/salarie`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct TitleId {
    /// The type.
    pub kind: PermitKind,
    /// The code of the mention.
    pub mention: String,
}

impl From<TitleId> for String {
    fn from(id: TitleId) -> Self {
        format!("{}/{}", id.kind, id.mention)
    }
}

impl TryFrom<String> for TitleId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let (kind, mention) =
            text.split_once('/').ok_or_else(|| format!("`{text}`: expected TYPE/mention, as CST/salarie"))?;
        let kind = kind.parse().map_err(|unknown: crate::code::UnknownCode| unknown.to_string())?;
        Ok(Self { kind, mention: mention.to_owned() })
    }
}

/// What the words of an extract mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A title of the table.
    Known(TitleId),
    /// No title: its type if that is known, and its mention as a code.
    Unknown {
        /// The type.
        kind: Option<PermitKind>,
        /// The mention, in the form in which codes are written.
        mention: String,
    },
}

fn yes() -> bool {
    true
}

/// The words of a text as a code: without capitals, accents, apostrophes or quotation marks, hyphens between them.
pub fn code_of(text: &str) -> String {
    let words: Vec<String> = fold::words(text).into_iter().map(|word| word.text).collect();
    words.join("-")
}

/// Whether a mention that no title has is a student's all the same: it begins with the word.
pub fn begins_as_student(mention: &str) -> bool {
    let first = mention.split('-').next().unwrap_or_default();
    matches!(first, "etudiant" | "etudiante" | "etudiants" | "etudiantes")
}

impl Titles {
    /// The titles of the law.
    pub fn shipped() -> Self {
        // Unwrap safety: a test reads the same file.
        toml::from_str(include_str!("../../../config/titles.toml")).expect("config/titles.toml is read by a test")
    }

    /// With what a préfecture adds. Its own entry of a code replaces the shipped one.
    #[must_use]
    pub fn extended(mut self, own: Self) -> Self {
        self.title.retain(|title| own.title.iter().all(|other| other.code != title.code));
        self.title.extend(own.title);
        self.kind.extend(own.kind);
        self.spelling.extend(own.spelling);
        self
    }

    /// What is wrong with it, if anything.
    pub fn validate(&self) -> Result<(), String> {
        for title in &self.title {
            if title.code != code_of(&title.code) {
                return Err(format!(
                    "[[title]] code `{}`: expected lower case and hyphens, as `{}`",
                    title.code,
                    code_of(&title.code)
                ));
            }
        }
        for spelling in &self.spelling {
            if self.title_of(spelling.title.kind, &spelling.title.mention).is_none() {
                let (id, words) =
                    (String::from(spelling.title.clone()), format!("{} / {}", spelling.kind, spelling.mention));
                return Err(format!("[[spelling]] `{words}`: there is no title {id}"));
            }
        }
        Ok(())
    }

    /// The title with these codes.
    pub fn title_of(&self, kind: PermitKind, mention: &str) -> Option<&Title> {
        self.title.iter().find(|title| title.code == mention && bears(title, kind))
    }

    /// Whether it is a student's.
    pub fn is_student(&self, kind: PermitKind, mention: &str) -> bool {
        self.title.iter().any(|title| title.student && title.code == mention && bears(title, kind))
    }

    /// Whether it cannot be renewed.
    pub fn is_not_renewable(&self, kind: PermitKind, mention: &str) -> bool {
        self.title.iter().any(|title| !title.renewable && title.code == mention && bears(title, kind))
    }

    /// The type that some words name.
    pub fn kind_of(&self, words: &str) -> Option<PermitKind> {
        let words = code_of(words);
        let names = |known: &PermitKind| {
            let accepted = self.kind.iter().filter(|kind| kind.code == *known).flat_map(|kind| &kind.accept);
            code_of(known.code()) == words || accepted.into_iter().any(|accepted| code_of(accepted) == words)
        };
        PermitKind::ALL.iter().copied().find(names)
    }

    /// What the words of an extract mean.
    pub fn meaning(&self, kind: &str, mention: &str) -> Meaning {
        let (words, mention) = (code_of(kind), code_of(mention));
        let kind = self.kind_of(&words);
        let is_kind = |answer: &str| answer == words || (kind.is_some() && self.kind_of(answer) == kind);
        let answered = |s: &&Spelling| code_of(&s.mention) == mention && is_kind(&code_of(&s.kind));
        if let Some(spelling) = self.spelling.iter().rev().find(answered) {
            return Meaning::Known(spelling.title.clone());
        }
        let said =
            |title: &&Title| title.code == mention || title.accept.iter().any(|accepted| code_of(accepted) == mention);
        let title = kind.and_then(|kind| self.title.iter().find(|title| said(title) && bears(title, kind)));
        match (kind, title) {
            (Some(kind), Some(title)) => Meaning::Known(TitleId { kind, mention: title.code.clone() }),
            _ => Meaning::Unknown { kind, mention },
        }
    }
}

fn bears(title: &Title, kind: PermitKind) -> bool {
    title.types.is_empty() || title.types.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(kind: &str, mention: &str) -> String {
        match Titles::shipped().meaning(kind, mention) {
            Meaning::Known(id) => id.into(),
            Meaning::Unknown { kind, mention } => format!("? {} {mention}", kind.map_or("?", PermitKind::code)),
        }
    }

    #[test]
    fn the_shipped_titles_are_right_and_each_is_known_by_its_own_words() {
        let titles = Titles::shipped();
        titles.validate().unwrap();
        for title in &titles.title {
            for kind in PermitKind::ALL.iter().filter(|kind| bears(title, **kind)) {
                for words in std::iter::once(&title.code).chain(&title.accept) {
                    let expected = TitleId { kind: *kind, mention: title.code.clone() };
                    assert_eq!(titles.meaning(kind.code(), words), Meaning::Known(expected), "{kind} {words}");
                }
            }
        }
    }

    #[test]
    fn a_title_is_known_in_the_words_of_the_law() {
        for (kind, mention, expected) in [
            ("CST", "étudiant-programme de mobilité", "CST/etudiant-mobilite"),
            ("csp", "ÉTUDIANT – PROGRAMME DE MOBILITÉ", "CSP/etudiant-mobilite"),
            ("CST", "recherche d’emploi ou création d’entreprise", "CST/recherche-emploi"),
            ("Carte de séjour temporaire", "« vie privée et familiale »", "CST/vie-privee-familiale"),
            ("CARTE DE SEJOUR PLURIANNUELLE", "Entrepreneur/profession libérale", "CSP/entrepreneur"),
            ("VLS TS", "Salarie", "VLS-TS/salarie"),
            ("cra 10 ans", "e\u{301}tudiante", "CRA10/etudiant"),
            ("CST", "vie_privee_familiale", "CST/vie-privee-familiale"),
        ] {
            assert_eq!(meaning(kind, mention), expected);
        }
    }

    #[test]
    fn what_no_entry_knows_is_unknown_and_a_student_word_is_seen() {
        assert_eq!(meaning("CST", "artiste"), "? CST artiste");
        assert_eq!(meaning("DCEM", "salarié"), "? ? salarie");
        assert_eq!(meaning("CST", "réfugié"), "? CST refugie", "no such mention on this type");
        for (mention, student) in
            [("étudiant en échange", true), ("Étudiantes", true), ("étude", false), ("ex-étudiant", false)]
        {
            assert_eq!(begins_as_student(&code_of(mention)), student, "{mention}");
        }
    }

    #[test]
    fn a_prefecture_says_what_its_spellings_mean() {
        let own = "[[spelling]]\ntype = \"DCEM\"\nmention = \"mineur (famille)\"\ntitle = \"CST/vie-privee-familiale\"";
        let titles = Titles::shipped().extended(toml::from_str(own).unwrap());
        titles.validate().unwrap();
        let known = TitleId { kind: PermitKind::Cst, mention: "vie-privee-familiale".into() };
        assert_eq!(titles.meaning("dcem", "MINEUR famille"), Meaning::Known(known));
        let own_type = own.replace("DCEM", "CST").replace("mineur (famille)", "mineur");
        let titles = Titles::shipped().extended(toml::from_str(&own_type).unwrap());
        assert!(
            matches!(titles.meaning("Carte de séjour temporaire", "mineur"), Meaning::Known(_)),
            "a type by any name"
        );
        let wrong = own.replace("CST/vie-privee-familiale", "CST/nulle-part");
        assert!(Titles::shipped().extended(toml::from_str(&wrong).unwrap()).validate().is_err());
        assert!(toml::from_str::<Titles>(&own.replace("CST/", "CSX/")).is_err());
    }
}
