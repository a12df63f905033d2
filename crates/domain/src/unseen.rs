//! Characters that nobody sees and that change what is read: formatting characters (Unicode general category Cf) and
//! the two separators. One list for all who refuse, escape, replace or ignore them.

/// Whether a character is not seen: it hyphenates, joins, separates or turns text around.
pub const fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// Whether it shapes the letters beside it, as names in Persian and Indian scripts need.
pub const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Whether it breaks a line or turns text around: what follows is read elsewhere than it is written.
pub const fn moves_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_joins_or_moves_text_is_unseen_and_no_letter_is() {
        for c in '\0'..=char::MAX {
            assert!(is_unseen(c) || !(is_joiner(c) || moves_text(c)), "{c:?}");
            assert!(!(is_unseen(c) && c.is_alphanumeric()), "{c:?}");
        }
    }
}
