//! Plain text in lines that mail programs and terminals show whole (RFC 5322, 2.1.1).

use icu_segmenter::LineSegmenter;
use icu_segmenter::options::LineBreakOptions;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of a line.
const COLUMNS_MAX: usize = 78;

/// The same text without lines wider than 78 columns, unless a word is. What continues a line is indented as it is, and
/// what continues an item stands below its words.
pub(super) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 32);
    for line in text.split_inclusive('\n') {
        fold(line, &mut out);
    }
    out
}

fn fold(line: &str, out: &mut String) {
    if line.trim_end().width() <= COLUMNS_MAX {
        out.push_str(line);
        return;
    }
    let words = line.trim_start_matches(' ');
    let item = if words.starts_with("- ") { 2 } else { 0 };
    let indent = line.len() - words.len() + item;
    let segmenter = LineSegmenter::new_for_non_complex_scripts(LineBreakOptions::default());
    let (mut start, mut column) = (0, 0);
    for end in segmenter.segment_str(line).skip(1).filter(|end| may_end(line, *end)) {
        let word = &line[start..end];
        if column > indent && column + word.trim_end().width() > COLUMNS_MAX {
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        }
        out.push_str(word);
        column += word.width();
        start = end;
    }
    out.push_str(&line[start..]);
}

/// Addresses and references are not broken: a line ends after a blank, or beside what is written without blanks.
fn may_end(line: &str, end: usize) -> bool {
    let is_wide = |c: char| c.width() == Some(2);
    let (before, after) = (line[..end].chars().next_back(), line[end..].chars().next());
    before.is_some_and(|c| c.is_whitespace() || is_wide(c)) || after.is_some_and(is_wide) || after.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widest(text: &str) -> usize {
        text.lines().map(UnicodeWidthStr::width).max().unwrap_or_default()
    }

    #[test]
    fn no_line_is_wider_than_78_columns_and_no_word_is_lost() {
        let words = "Prévenez-nous dès que possible : nous chercherons une autre date. ".repeat(9);
        let text = folded(&format!("{words}\n\n  {words}\n- {words}\nfin"));
        assert!(widest(&text) <= COLUMNS_MAX, "{text}");
        let joined = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(joined(&text), joined(&format!("{words} {words} - {words} fin")));
        assert!(text.contains("\n\n  Prévenez") && text.contains("\n- Prévenez") && text.ends_with("\nfin"));
        // The second paragraph and the item are indented by two throughout.
        assert!(
            text.split("\n\n")
                .nth(1)
                .unwrap()
                .lines()
                .all(|line| line.starts_with("  ") || line.starts_with("- ") || line == "fin")
        );
    }

    #[test]
    fn chinese_counts_two_columns_and_is_folded_between_characters() {
        let text = folded(&"请携带本信件前来省政府办理居留证续期手续。".repeat(6));
        assert!(widest(&text) <= COLUMNS_MAX && text.lines().count() > 3, "{text}");
        assert!(text.lines().all(|line| !line.starts_with('。')));
        assert_eq!(text.replace('\n', ""), "请携带本信件前来省政府办理居留证续期手续。".repeat(6));
    }

    #[test]
    fn an_address_and_a_reference_stay_whole_and_what_fits_stays_as_it_is() {
        let address = format!("https://prefecture-94.example/{}", "un-chemin/".repeat(12));
        let text = folded(&format!("Une phrase d’abord, puis {address} et RC-94-2026-0001234-R, {}", "x ".repeat(40)));
        assert!(text.contains(&address) && text.contains("RC-94-2026-0001234-R"), "{text}");
        assert_eq!(folded("  a\n\n b \n"), "  a\n\n b \n");
    }
}
