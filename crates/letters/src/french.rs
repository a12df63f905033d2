//! French words for civil dates, for letters and reports.

use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};

const DAYS: [&str; 7] = ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"];
const MONTHS: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
const SHORT_MONTHS: [&str; 12] =
    ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."];

/// 1er janvier 2027.
pub fn date(day: NaiveDate) -> String {
    let ordinal = if day.day() == 1 { "er" } else { "" };
    format!("{}{ordinal} {} {}", day.day(), MONTHS[day.month0() as usize], day.year())
}

/// vendredi 1er janvier 2027.
pub fn weekday_date(day: NaiveDate) -> String {
    format!("{} {}", DAYS[day.weekday().num_days_from_monday() as usize], date(day))
}

/// 5 oct. 2026; a narrow column breaks it before the year.
pub fn short_date(day: NaiveDate) -> String {
    format!("{}\u{a0}{} {}", day.day(), SHORT_MONTHS[day.month0() as usize], day.year())
}

/// 9 h 30.
pub fn time(at: NaiveTime) -> String {
    match at.minute() {
        0 => format!("{}\u{a0}h", at.hour()),
        minute => format!("{}\u{a0}h\u{a0}{minute:02}", at.hour()),
    }
}

/// Text with French non-breaking spaces: no line begins with `:` or `»`, and no line ends within a reference to the
/// law, a number, or between a day and its month.
pub fn spaced(text: &str) -> String {
    with_kept_blanks(text, |before, after| {
        let is_day = before.ends_with(|c: char| c.is_ascii_digit()) || before.ends_with("1er");
        after.starts_with([':', ';', '!', '?', '»'])
            || before.ends_with('«')
            || (is_day && MONTHS.iter().any(|month| after.starts_with(month)))
            || is_within_number(before, after)
    })
}

/// Text in any language in which no line ends within `R. 431-5`, `n° 12` or a telephone number.
pub(super) fn with_whole_numbers(text: &str) -> String {
    with_kept_blanks(text, is_within_number)
}

/// The blanks for which `keeps` says so, of what is before and after them, are non-breaking.
fn with_kept_blanks(text: &str, keeps: impl Fn(&str, &str) -> bool) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 32);
    for (at, c) in text.char_indices() {
        let is_kept = c == ' ' && keeps(&text[..at], &text[at + 1..]);
        out.push(if is_kept { '\u{a0}' } else { c });
    }
    out
}

fn is_within_number(before: &str, after: &str) -> bool {
    // Part of the code that an article is of: `L.`, `R.`, `R.*`, `D.` (a letter of its own).
    let is_part = || {
        let part = before.trim_end_matches(['.', '*', '\\']);
        let mut letters = part.chars().rev();
        let is_letter = letters.next().is_some_and(|c| matches!(c, 'A' | 'D' | 'L' | 'R'));
        part.len() < before.len() && is_letter && letters.next().is_none_or(|c| !c.is_alphanumeric())
    };
    before.ends_with(['°', '§'])
        || (after.starts_with(|c: char| c.is_ascii_digit())
            && (before.ends_with(|c: char| c.is_ascii_digit()) || is_part()))
}

/// A French letter as every telephone has it.
pub(super) fn unaccented(c: char) -> char {
    match c {
        'à' | 'â' | 'ä' => 'a',
        'ç' => 'c',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'ï' => 'i',
        'ô' | 'ö' => 'o',
        'ù' | 'û' | 'ü' => 'u',
        'ÿ' => 'y',
        'À' | 'Â' => 'A',
        'Ç' => 'C',
        'É' | 'È' | 'Ê' | 'Ë' => 'E',
        'Î' | 'Ï' => 'I',
        'Ô' => 'O',
        'Ù' | 'Û' => 'U',
        'Ÿ' => 'Y',
        '’' | '‘' => '\'',
        '–' | '—' => '-',
        other if other.is_ascii() => other,
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_ends_within_a_reference_to_the_law_a_number_or_a_sign() {
        let cases = [
            ("article R. 431-8 du code", "article R.~431-8 du code"),
            ("articles L. 311-3-1, R.* 311-12 et D. 12", "articles L.~311-3-1, R.*~311-12 et D.~12"),
            (r"R.\* 311-12", r"R.\*~311-12"),
            ("loi n° 78-17 : « oui » ?", "loi n°~78-17~: «~oui~»~?"),
            ("Téléphone : 01 00 00 00 94.", "Téléphone~: 01~00~00~00~94."),
            ("Mme A. 12 rue X. 3 fois", "Mme A.~12 rue X. 3 fois"),
            ("le 1er juillet 2026, le 2 mai", "le 1er~juillet 2026, le 2~mai"),
        ];
        for (text, expected) in cases {
            assert_eq!(spaced(text).replace('\u{a0}', "~"), expected);
        }
    }
}
