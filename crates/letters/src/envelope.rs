//! The address in the window of an envelope: NF Z 10-011, six lines of 38 characters, the last three in capitals and
//! without punctuation.

/// Lines that fit a window.
pub(super) const LINES_MAX: usize = 6;
/// Characters per line.
pub(super) const WIDTH_MAX: usize = 38;

/// Why an address does not fit a window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// It takes more lines than fit a window.
    #[error(
        "the address takes {0} lines of 38 characters, and a window shows six (NF Z 10-011): shorten it in the extract"
    )]
    TooManyLines(usize),
    /// One word is longer than a line.
    #[error("a word of line {0} of the address is longer than 38 characters (NF Z 10-011): correct it in the extract")]
    LongWord(usize),
    /// There is no address.
    #[error("there is no postal address: complete the extract")]
    Nothing,
}

impl EnvelopeError {
    /// The error with this message.
    pub fn of(said: &str) -> Option<Self> {
        let number = |before: &str, after: &str| said.strip_prefix(before)?.split(after).next()?.parse().ok();
        let found = number("the address takes ", " ").map(Self::TooManyLines);
        let found = found.or_else(|| number("a word of line ", " ").map(Self::LongWord)).unwrap_or(Self::Nothing);
        (found.to_string() == said).then_some(found)
    }
}

/// The lines in a window: the name, then the address, with postcode and town last. Long lines are wrapped between
/// words; nothing is ever cut.
///
/// # Errors
/// An address that does not fit: it needs a person.
pub fn envelope(name: &str, address: &[String]) -> Result<Vec<String>, EnvelopeError> {
    if address.is_empty() {
        return Err(EnvelopeError::Nothing);
    }
    let given: Vec<&str> = std::iter::once(name).chain(address.iter().map(String::as_str)).collect();
    // The name keeps its spelling, however short the address is. Punctuation is removed before lines are wrapped: what
    // is counted is what is printed.
    let formal = given.len().saturating_sub(3).max(1);
    let mut lines = Vec::new();
    for (n, text) in given.iter().enumerate() {
        let text = if n >= formal { capitals(text) } else { text.split_whitespace().collect::<Vec<_>>().join(" ") };
        lines.extend(wrap(&text).ok_or(EnvelopeError::LongWord(n + 1))?);
    }
    if lines.len() > LINES_MAX {
        return Err(EnvelopeError::TooManyLines(lines.len()));
    }
    Ok(lines)
}

/// Capitals, with a blank for each punctuation mark: `L’Haÿ-les-Roses` → `L HAŸ LES ROSES`.
fn capitals(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_alphanumeric() || is_mark(c) { c } else { ' ' }).collect();
    plain.to_uppercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Combining marks belong to their letter (names in Vietnamese, Arabic, Indic scripts).
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{900}'..='\u{d7f}')
}

/// Lines of at most [`WIDTH_MAX`] characters, broken between words; `None` if a word is longer. A blank text gives no
/// lines.
fn wrap(text: &str) -> Option<Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|w| !w.is_empty()) {
        let width = word.chars().count();
        if width > WIDTH_MAX {
            return None;
        }
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + width <= WIDTH_MAX => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(name: &str, address: &[&str]) -> Result<Vec<String>, EnvelopeError> {
        envelope(name, &address.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn the_last_three_lines_are_capitals_without_punctuation() {
        let found = lines("Zoé N’Guessan", &["Chez M. Dû, bât. B", "12, rue de l’Église", "94240 L’Haÿ-les-Roses"]);
        assert_eq!(found.unwrap(), ["Zoé N’Guessan", "CHEZ M DÛ BÂT B", "12 RUE DE L ÉGLISE", "94240 L HAŸ LES ROSES"]);
    }

    #[test]
    fn a_long_line_is_wrapped_and_never_cut() {
        let name = "Maria da Conceição Aparecida Fernandes de Albuquerque e Souza";
        let found = lines(name, &["1 rue du Lac", "94000 CRETEIL"]).unwrap();
        assert_eq!(found.len(), 4);
        assert!(found.iter().all(|l| l.chars().count() <= WIDTH_MAX));
        assert_eq!(found[..2].join(" "), name);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        assert_eq!(lines("A", &[]), Err(EnvelopeError::Nothing));
        assert_eq!(lines("A", &["x".repeat(39).as_str(), "94000 CRETEIL"]), Err(EnvelopeError::LongWord(2)));
        assert_eq!(lines("A", &["a", "b", "c", "d", "e", "f"]), Err(EnvelopeError::TooManyLines(7)));
        for error in [EnvelopeError::Nothing, EnvelopeError::LongWord(2), EnvelopeError::TooManyLines(7)] {
            assert_eq!(EnvelopeError::of(&error.to_string()), Some(error));
        }
        assert_eq!(EnvelopeError::of("the address takes 7 lines"), None);
        assert_eq!(lines(&"nom ".repeat(65), &["1 rue", "94000 X"]), Err(EnvelopeError::TooManyLines(10)));
    }
}
