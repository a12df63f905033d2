//! The possible interpretations of a search text.

use super::fold::{self, Word};
use crate::ids::Reference;
use crate::permit::is_foreigner_number;

/// Minimum letters of an unfinished last word.
const UNFINISHED_MIN: usize = 3;
/// Words searched for at most.
const TYPED_MAX: usize = 10;
/// Longest text searched for.
const TEXT_MAX: usize = 400;

/// An interpretation of the text. The most certain one is tried first, then the next if it finds nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sought {
    /// A reference on a letter.
    Reference(Reference),
    /// An e-mail address.
    Email(String),
    /// A foreigner number, a telephone number, or both.
    Digits {
        /// Foreigner number.
        number: Option<String>,
        /// Telephone number, as [`super::phone_key`] compares it.
        phone: Option<String>,
    },
    /// A permit number.
    PermitNumber(String),
    /// Names.
    Names(Vec<Wanted>),
}

/// A word that the person must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The word.
    pub word: String,
    /// Whether it may be unfinished: words that begin with it match.
    pub unfinished: bool,
}

impl Sought {
    /// The interpretations of a text, most certain first; empty if there is nothing to search for.
    pub fn readings(text: &str) -> Vec<Self> {
        let text: String = text.trim().chars().take(TEXT_MAX).collect();
        let hyphens = || text.split_whitespace().collect::<Vec<_>>().join("-");
        if let Some(reference) = Reference::parse(&text).or_else(|| Reference::parse(&hyphens())) {
            return vec![Self::Reference(reference)];
        }
        if text.contains('@') {
            return vec![Self::Email(text)];
        }
        let compact: String = text.chars().filter(|c| !(c.is_whitespace() || ".-/()+".contains(*c))).collect();
        if !compact.is_empty() && compact.bytes().all(|b| b.is_ascii_digit()) {
            let number = Some(compact.clone()).filter(|n| is_foreigner_number(n) && !text.contains('+'));
            let phone = fold::phone_key(&compact);
            return [Self::Digits { number, phone }, Self::PermitNumber(text)].into();
        }
        let mut readings = Vec::new();
        if text.contains(|c: char| c.is_ascii_digit()) && !text.contains(char::is_whitespace) {
            readings.push(Self::PermitNumber(text.clone()));
        }
        let names = wanted(&text);
        if !names.is_empty() {
            readings.push(Self::Names(names));
        }
        readings
    }

    /// Its code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Reference(_) => "reference",
            Self::Email(_) => "e-mail",
            Self::Digits { .. } => "number",
            Self::PermitNumber(_) => "permit-number",
            Self::Names(_) => "name",
        }
    }
}

fn wanted(text: &str) -> Vec<Wanted> {
    let complete = !text.ends_with(char::is_alphanumeric);
    let words = fold::words(text).into_iter().take(TYPED_MAX);
    let mut wanted: Vec<Wanted> = words.map(|Word { text, .. }| Wanted { word: text, unfinished: false }).collect();
    if let Some(last) = wanted.last_mut() {
        last.unfinished = !complete && last.word.len() >= UNFINISHED_MIN;
    }
    wanted
}

/// The words as typed, and with each two neighbours joined: « anne marie » may be Annemarie.
pub fn ways_to_write(typed: &[Wanted]) -> Vec<Vec<Wanted>> {
    let mut ways = vec![typed.to_vec()];
    for at in 1..typed.len() {
        let (first, second) = (&typed[at - 1], &typed[at]);
        let one = Wanted { word: fold::together(&first.word, &second.word), unfinished: second.unfinished };
        ways.push([&typed[..at - 1], &[one], &typed[at + 1..]].concat());
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let readings = Sought::readings(text);
        let Some(Sought::Names(wanted)) = readings.last() else { panic!("{text}: {readings:?}") };
        wanted.iter().map(|w| format!("{}{}", w.word, if w.unfinished { "…" } else { "" })).collect()
    }

    #[test]
    fn a_text_is_read_by_what_it_looks_like() {
        let reference = Reference::new("94", 2026, 1_234);
        for text in [reference.as_str().to_lowercase(), reference.as_str().replace('-', " "), format!(" {reference} ")]
        {
            assert_eq!(Sought::readings(&text), [Sought::Reference(reference.clone())], "{text}");
        }
        assert_eq!(Sought::readings("a.b@example.org"), [Sought::Email("a.b@example.org".into())]);
        let digits = |text: &str| match Sought::readings(text).swap_remove(0) {
            Sought::Digits { number, phone } => (number.unwrap_or_default(), phone.unwrap_or_default()),
            other => panic!("{text}: {other:?}"),
        };
        let both = |number: &str, phone: &str| (number.to_owned(), phone.to_owned());
        assert_eq!(digits("9400000001"), both("9400000001", "400000001"));
        assert_eq!(digits("06 39.98-12/34"), both("0639981234", "639981234"));
        assert_eq!(digits("+33 (0)6 39 98 12 34"), both("", "639981234"));
        assert_eq!(digits("940000000"), both("940000000", "940000000"));
        assert_eq!(Sought::readings("D9412345678")[0], Sought::PermitNumber("D9412345678".into()));
        assert_eq!(Sought::readings("RC-94-2026-0001234-Z").len(), 2, "not a reference: a permit's number, or a name");
        for nothing in ["", "  ", "---", "\u{200b}"] {
            assert_eq!(Sought::readings(nothing), [], "{nothing:?}");
        }
    }

    #[test]
    fn the_last_word_may_be_unfinished() {
        assert_eq!(names("De la Tour"), ["de", "la", "tour…"]);
        assert_eq!(names("Martin Li"), ["martin", "li"]);
        assert_eq!(names("Martin  Jea"), ["martin", "jea…"]);
    }

    #[test]
    fn what_is_typed_apart_is_also_looked_for_together() {
        let ways = |text: &str| {
            let Some(Sought::Names(typed)) = Sought::readings(text).pop() else { panic!("{text}") };
            let written = |way: Vec<Wanted>| way.into_iter().map(|w| w.word).collect::<Vec<_>>().join(" ");
            ways_to_write(&typed).into_iter().map(written).collect::<Vec<_>>()
        };
        assert_eq!(ways("El Amrani Sara"), ["el amrani sara", "elamrani sara", "el amranisara"]);
        assert_eq!(ways("Anne-Marie"), ["anne marie", "annemarie"]);
        assert_eq!(ways("Martin"), ["martin"]);
    }
}
