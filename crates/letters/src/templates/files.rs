//! The embedded templates, and the names of those that are more than words.

use crate::design;
use crate::{Language, LetterKind};

macro_rules! words {
    ($($language:literal)*) => { [$(words!(@ $language "convocation" "reminder" "change" "cancellation" "depot-en-ligne" "transfert" "heads-up")),*] };
    (@ $language:literal $($kind:literal)*) => {
        [$((concat!($language, "/", $kind, ".md"), include_str!(concat!("../../../../templates/", $language, "/", $kind, ".md")))),*]
    };
}
macro_rules! files {
    ($($name:literal)*) => { [$(($name, include_str!(concat!("../../../../templates/", $name)))),*] };
}

/// The wording of each letter, by language.
const WORDS: [[(&str, &str); 7]; 6] = words!["fr" "en" "es" "ar" "pt" "zh"];
/// Everything else.
const FILES: [(&str, &str); 13] = files![
    "fr/convocation.subject.txt" "fr/reminder.subject.txt" "fr/change.subject.txt" "fr/cancellation.subject.txt"
    "fr/depot-en-ligne.subject.txt" "fr/transfert.subject.txt" "fr/heads-up.subject.txt"
    "fr/short.txt" "fr/explain.md" "layout/letter.txt" "layout/letter.html" "layout/languages.toml" "layout/logo.svg"
];
pub(super) const LAYOUT_TEXT: &str = "layout/letter.txt";
pub(super) const LAYOUT_HTML: &str = "layout/letter.html";
pub(super) const LANGUAGES: &str = "layout/languages.toml";
pub(super) const LOGO: &str = "layout/logo.svg";
pub(crate) const DESIGN: &str = "letter.toml";
pub(super) const SHORT: &str = "fr/short.txt";
pub(super) const EXPLAIN: &str = "fr/explain.md";

/// Files of earlier engines: kept of the letters that they made, and used no longer.
pub(super) const FORMER: [&str; 1] = ["layout/letter.typ"];

/// All embedded templates: name and content.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let design = [(DESIGN, design::EMBEDDED)];
    WORDS.as_flattened().iter().chain(&FILES).copied().chain(design)
}

pub(super) fn is_minijinja(file: &str) -> bool {
    ![LANGUAGES, LOGO, DESIGN].contains(&file)
}

pub(super) fn words_file(kind: LetterKind, language: Language) -> String {
    format!("{language}/{kind}.md")
}
