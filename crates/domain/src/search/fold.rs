//! Normalises names for searching: letters of every script as Latin ones, without accents or capitals, split at
//! anything else. Particles are kept. The words are stored: changing the normalisation requires a migration.

use crate::unseen::is_unseen;
use twox_hash::XxHash3_64;

/// Letters kept per word, and words per field: a name may have a thousand characters.
const LETTERS_MAX: usize = 40;
const WORDS_MAX: usize = 40;
/// A word this short is often joined with the next one: « El Amrani », « Elamrani ».
const PARTICLE_MAX: usize = 3;
/// Trailing digits by which telephone numbers are compared, so that the country code does not matter.
const PHONE_DIGITS: usize = 9;
/// Shorter numbers are ignored.
const PHONE_DIGITS_MIN: usize = 6;
/// E-mails and telephones are not indexed themselves, but by this many hash prefixes; everyone under a prefix is then
/// compared. With four million people that is a thousand comparisons; more prefixes would give more rows than a
/// préfecture has people.
const HEADS: u64 = 1 << 12;

/// A word of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Letters and digits, at most 40.
    pub text: String,
    /// Whether it may be joined with the previous word: a hyphen or an apostrophe separates them, or that word is
    /// short.
    pub joins: bool,
}

/// The words of a text, in order.
pub fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    // The separator since the last word: nothing yet, blanks, or anything else.
    let (mut open, mut bound) = (false, false);
    let mut push = |c: char, open: &mut bool, bound: &mut bool| {
        if !*open {
            if words.len() == WORDS_MAX {
                return;
            }
            let after_particle = words.last().is_some_and(|w| w.text.len() <= PARTICLE_MAX);
            let joins = !words.is_empty() && (*bound || after_particle);
            words.push(Word { text: String::new(), joins });
        }
        (*open, *bound) = (true, false);
        if let Some(word) = words.last_mut().filter(|w| w.text.len() < LETTERS_MAX) {
            word.text.push(c.to_ascii_lowercase());
        }
    };
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            push(c, &mut open, &mut bound);
        } else if c.is_ascii() {
            bound = (open || bound) && !c.is_ascii_whitespace();
            open = false;
        } else if c.is_alphanumeric() && !is_unheard(c) {
            let latin = deunicode::deunicode_char(c).unwrap_or(" ");
            // Keep only the letters of a transliteration: its diacritical marks do not separate words.
            latin.chars().filter(char::is_ascii_alphanumeric).for_each(|l| push(l, &mut open, &mut bound));
            // A sign for a syllable or a word is separated from the next.
            if latin.ends_with(' ') {
                (open, bound) = (false, false);
            }
        } else if !is_unheard(c) {
            bound = (open || bound) && !c.is_whitespace();
            open = false;
        }
    }
    words
}

/// Characters that do not affect a word: invisible ones, combining accents, and the optional vowels of Arabic and
/// Hebrew.
fn is_unheard(c: char) -> bool {
    (is_unseen(c) && !c.is_whitespace())
        || matches!(c,
        '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6ed}')
        // Combining accents are transliterated to nothing.
        || deunicode::deunicode_char(c) == Some("")
}

/// The fields of a person that are indexed.
#[derive(Clone, Copy, Debug)]
pub struct Bearer<'a> {
    /// Family name.
    pub family_name: &'a str,
    /// Name in use.
    pub usage_name: Option<&'a str>,
    /// Given names.
    pub given_names: &'a str,
    /// E-mail.
    pub email: Option<&'a str>,
    /// Telephone.
    pub phone: Option<&'a str>,
}

/// Everything a person is indexed under, without duplicates: the words of their names, joined words too, and the
/// prefixes of e-mail and telephone.
pub fn words_of(bearer: &Bearer<'_>) -> Vec<String> {
    let mut all = Vec::with_capacity(8);
    for name in [Some(bearer.family_name), bearer.usage_name, Some(bearer.given_names)].into_iter().flatten() {
        let words = words(name);
        all.extend(words.windows(2).filter(|pair| pair[1].joins).map(|pair| together(&pair[0].text, &pair[1].text)));
        all.extend(words.into_iter().map(|word| word.text));
    }
    all.extend(bearer.email.map(email_head));
    all.extend(bearer.phone.and_then(phone_head));
    all.sort_unstable();
    all.dedup();
    all
}

/// Two words joined.
pub fn together(first: &str, second: &str) -> String {
    let mut word = format!("{first}{second}");
    word.truncate(LETTERS_MAX);
    word
}

/// The index prefix of an e-mail address. No word of a name begins like it.
pub fn email_head(email: &str) -> String {
    format!("@{}", head(&email.to_lowercase()))
}

/// The index prefix of a telephone number; `None` if it is too short.
pub fn phone_head(phone: &str) -> Option<String> {
    Some(format!("+{}", head(&phone_key(phone)?)))
}

fn head(of: &str) -> String {
    format!("{:03x}", XxHash3_64::oneshot(of.as_bytes()) % HEADS)
}

/// A word reversed, for [`super::near`]; empty for a prefix, which nobody types.
pub fn backwards(word: &str) -> String {
    if word.starts_with(['@', '+']) { String::new() } else { word.chars().rev().collect() }
}

/// The comparable part of a telephone number: its last nine digits, ignoring anything else.
pub fn phone_key(phone: &str) -> Option<String> {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    (digits.len() >= PHONE_DIGITS_MIN).then(|| digits[digits.len().saturating_sub(PHONE_DIGITS)..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        words(text).into_iter().map(|w| w.text).collect()
    }

    #[test]
    fn a_name_comes_down_to_the_words_that_somebody_would_type() {
        for (name, expected) in [
            ("O'Brien-N'Diaye", "o brien n diaye"),
            ("Zoé O’Brien-Lefèvre", "zoe o brien lefevre"),
            ("Nguyễn Thị Ánh Tuyết", "nguyen thi anh tuyet"),
            ("Nguye\u{302}\u{303}n", "nguyen"),
            ("Müller", "muller"),
            ("Straße", "strasse"),
            ("Łukasz", "lukasz"),
            ("Søren Æbelø", "soren aebelo"),
            ("  ÉLODIE   de  La\u{a0}Tour ", "elodie de la tour"),
            ("Иванов Сергей", "ivanov sergei"),
            ("D'Almeida; (Mme)", "d almeida mme"),
            ("E\u{200b}v\u{feff}e", "eve"),
            ("Eve\u{202e}nimda", "evenimda"),
            ("\u{661}\u{662}", "12"),
            ("---", ""),
            ("", ""),
        ] {
            assert_eq!(of(name).join(" "), expected, "{name}");
        }
    }

    #[test]
    fn arabic_is_the_same_with_and_without_its_vowels() {
        assert_eq!(of("مُحَمَّد"), of("محمد"));
        assert_eq!(of("محمد").len(), 1);
        assert_eq!(of("محمد عبد الرحمن").len(), 3);
        assert_eq!(of("سعيد").len(), 1, "an ain is no end of a word");
        assert_eq!(of("می\u{200c}خواهم").len(), 1);
    }

    #[test]
    fn chinese_is_a_word_a_sign() {
        assert_eq!(of("王小明"), ["wang", "xiao", "ming"]);
    }

    #[test]
    fn no_name_is_too_long_or_too_strange() {
        let long = "é".repeat(260);
        assert_eq!(of(&long), ["e".repeat(40)]);
        assert_eq!(of(&"ab ".repeat(300)).len(), 40);
        for c in (0..=char::MAX as u32).filter_map(char::from_u32) {
            for word in of(&format!("{c}")) {
                assert!(
                    !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()),
                    "{c:?}: {word}"
                );
            }
        }
    }

    #[test]
    fn what_is_written_together_or_apart_is_found_both_ways() {
        let named = |family_name| {
            words_of(&Bearer { family_name, usage_name: None, given_names: "", email: None, phone: None })
        };
        assert_eq!(named("O'Brien"), ["brien", "o", "obrien"]);
        assert_eq!(named("Anne-Marie"), ["anne", "annemarie", "marie"]);
        assert_eq!(named("El Amrani"), ["amrani", "el", "elamrani"]);
        assert_eq!(named("Martin Durand"), ["durand", "martin"]);
        assert_eq!(named("Martin - Durand"), ["durand", "martin"]);
    }

    #[test]
    fn of_email_and_telephone_only_heads_are_kept() {
        let bearer = Bearer {
            family_name: "Martin",
            usage_name: Some("Durand"),
            given_names: "Martin",
            email: Some("Zz.Canari@example.org"),
            phone: Some("+33 (0)6.39-98 12 34"),
        };
        let words = words_of(&bearer);
        assert_eq!(words.len(), 4, "{words:?}");
        assert!(
            words.contains(&email_head("zz.canari@EXAMPLE.org")) && words.contains(&phone_head("0639981234").unwrap())
        );
        assert!(words.iter().all(|w| !w.contains("canari") && !w.contains("9812")), "{words:?}");
        assert_eq!(phone_key("00 33 6 39 98 12 34"), phone_key("06 39 98 12 34"));
        assert_eq!(phone_key("12 34"), None);
    }
}
