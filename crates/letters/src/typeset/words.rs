//! A text in pieces: parts of one face, kind and direction, between which a line may end.

use std::ops::Range;
use std::sync::Arc;

use convoke_domain::unseen::is_joiner;
use icu_segmenter::options::LineBreakOptions;
use icu_segmenter::{LineSegmenter, LineSegmenterBorrowed};
use unicode_bidi::{BidiClass, Level, ParagraphBidiInfo, bidi_class};

use super::face::{Role, Shaped};
use super::faces::Faces;
use super::text::is_unseen;
use super::text::{Style, Text};

/// A part of a text: a word, mostly.
#[derive(Clone)]
pub(super) struct Piece {
    pub(super) shaped: Arc<Shaped>,
    pub(super) text: Range<usize>,
    pub(super) face: u8,
    pub(super) span: usize,
    pub(super) level: Level,
    pub(super) end: End,
}

/// Whether a line ends behind a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Never,
    Maybe,
    Always,
}

/// Cuts a text into pieces, and shapes them. Characters that no face has are added to `missing`.
pub(super) fn pieces(faces: &Faces, text: &Text, style: Style, missing: &mut Vec<char>) -> Vec<Piece> {
    let base = base_level(style);
    let turns = style.rtl || text.words.chars().any(is_turning);
    let mut cutter = Cutter {
        faces,
        text,
        levels: turns.then(|| ParagraphBidiInfo::new(&text.words, Some(base)).levels),
        base,
        ends: line_ends(text),
        pieces: Vec::new(),
    };
    for (span, (range, kind)) in text.spans.iter().enumerate() {
        let language = kind.language.as_deref().unwrap_or(style.language);
        cutter.cut(span, range, kind.strong, language, missing);
    }
    cutter.pieces
}

pub(super) fn base_level(style: Style) -> Level {
    if style.rtl { Level::rtl() } else { Level::ltr() }
}

/// Whether a character can make a text run from right to left, or turns others around.
fn is_turning(c: char) -> bool {
    use BidiClass::{AL, AN, FSI, LRE, LRI, LRO, R, RLE, RLI, RLO};
    c >= '\u{590}' && matches!(bidi_class(c), R | AL | AN | RLE | RLO | RLI | LRE | LRO | LRI | FSI)
}

struct Cutter<'a> {
    faces: &'a Faces,
    text: &'a Text,
    /// By byte; None if all of it is from left to right.
    levels: Option<Vec<Level>>,
    base: Level,
    /// By byte: whether a line may end before it.
    ends: Vec<bool>,
    pieces: Vec<Piece>,
}

impl Cutter<'_> {
    fn level(&self, at: usize) -> Level {
        self.levels.as_ref().map_or(self.base, |levels| levels[at])
    }

    fn cut(&mut self, span: usize, range: &Range<usize>, bold: bool, language: &str, missing: &mut Vec<char>) {
        let (mut start, mut face, mut level) = (range.start, None, self.level(range.start));
        for (at, c) in self.text.words[range.clone()].char_indices() {
            let at = range.start + at;
            // What only turns the text around it is no part of what is drawn.
            if is_unseen(c) {
                self.push(span, start..at, face, level, language);
                start = at + c.len_utf8();
                if self.ends[start] {
                    self.let_end();
                }
                level = self.text.words[start..range.end].chars().next().map_or(level, |_| self.level(start));
                continue;
            }
            // A joiner stays in its word, whatever the face.
            let new_face = if is_joiner(c) || c == '\n' { face } else { self.faces.choose(c, bold, face) };
            let new_face = new_face.or_else(|| {
                if !is_joiner(c) && c != '\n' {
                    missing.push(c);
                }
                face
            });
            let new_level = self.level(at);
            if at > start && (self.ends[at] || new_level != level || (face.is_some() && new_face != face)) {
                self.push(span, start..at, face, level, language);
                start = at;
            }
            (face, level) = (new_face, new_level);
        }
        self.push(span, start..range.end, face, level, language);
    }

    /// A line may end behind the last piece.
    fn let_end(&mut self) {
        if let Some(last) = self.pieces.last_mut().filter(|last| last.end == End::Never) {
            last.end = End::Maybe;
        }
    }

    fn push(&mut self, span: usize, range: Range<usize>, face: Option<u8>, level: Level, language: &str) {
        let words = &self.text.words[range.clone()];
        if words.is_empty() {
            return;
        }
        let end = match (words.ends_with('\n'), self.ends[range.end]) {
            (true, _) => End::Always,
            (false, true) => End::Maybe,
            (false, false) => End::Never,
        };
        // Among words of two directions a blank at the end of a line is elsewhere than its word: a piece of its own.
        let blank = if self.levels.is_some() { words.trim_end_matches([' ', '\n']).len() } else { 0 };
        let middle = range.start + blank;
        for part in [range.start..middle, middle..range.end] {
            if !part.is_empty() {
                let drawn = self.text.words[part.clone()].trim_end_matches('\n');
                let face = face.unwrap_or_default();
                let shaped = self.faces.shape(drawn, face, level.is_rtl(), language);
                let end = if part.end == range.end { end } else { End::Never };
                self.pieces.push(Piece { shaped, text: part, face, span, level, end });
            }
        }
    }
}

/// By byte: whether a line may end before it (UAX 14).
fn line_ends(text: &Text) -> Vec<bool> {
    // Thai, Lao, Khmer and Burmese would need dictionaries; their lines end at blanks.
    const SEGMENTER: LineSegmenterBorrowed<'static> = LineSegmenter::new_for_non_complex_scripts(options());
    let words = text.words.as_str();
    let mut may = vec![false; words.len() + 1];
    // Not after a hyphen: poppler takes it for a hyphenation mark and leaves it out, PDFium replaces it.
    let is_end = |at: &usize| !words[..*at].ends_with('-');
    SEGMENTER.segment_str(words).skip(1).filter(is_end).for_each(|at| may[at] = true);
    for (range, kind) in &text.spans {
        if kind.whole || kind.link.is_some() {
            may[range.start + 1..range.end].fill(false);
        }
    }
    // Chinese has no blanks beside an address: it ends where its alphabet does.
    let mut start = 0;
    for word in words.split_inclusive(|c: char| !c.is_ascii_graphic()) {
        let address = word.trim_end_matches(|c: char| !c.is_ascii_graphic());
        if is_address(address) {
            may[start + 1..start + address.len()].fill(false);
        }
        start += word.len();
    }
    may
}

/// Whether a word is an address of mail or the web. Such an address is never broken: people copy it by hand.
fn is_address(word: &str) -> bool {
    word.contains('@') || word.contains("://") || word.contains("www.")
}

const fn options() -> LineBreakOptions<'static> {
    let mut options = LineBreakOptions::default();
    options.strictness = None;
    options
}

/// Breaks a piece that is wider than a line: as much of it as fits, up to a hyphen if there is one, and the rest. None
/// if not even one letter fits, or there is nothing to break.
pub(super) fn broken(faces: &Faces, text: &Text, style: Style, piece: &Piece, room: f32) -> Option<(Piece, Piece)> {
    let language = text.spans[piece.span].1.language.as_deref().unwrap_or(style.language);
    let mut glyphs: Vec<_> = piece.shaped.glyphs.iter().filter(|glyph| glyph.role == Role::Text).collect();
    glyphs.sort_by_key(|glyph| glyph.start);
    let (mut used, mut middle, mut hyphen) = (0.0, None, None);
    for glyph in glyphs {
        if glyph.start > 0 {
            middle = Some(piece.text.start + glyph.start as usize);
            hyphen = middle.filter(|middle| text.words[..*middle].ends_with('-')).or(hyphen);
        }
        used += glyph.advance;
        if used > room && middle.is_some() {
            break;
        }
    }
    // Rather after a hyphen than within a word.
    let middle = hyphen.or(middle).filter(|_| used > room)?;
    let part = |range: Range<usize>, end| {
        let drawn = text.words[range.clone()].trim_end_matches('\n');
        let shaped = faces.shape(drawn, piece.face, piece.level.is_rtl(), language);
        Piece { shaped, text: range, end, ..piece.clone() }
    };
    Some((part(piece.text.start..middle, End::Maybe), part(middle..piece.text.end, piece.end)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fonts;
    use crate::typeset::{Kind, MM};

    fn cut(text: &Text) -> Vec<String> {
        let mut missing = Vec::new();
        let style = Style { size: 10.0, leading: 5.0, rtl: false, language: "fr" };
        let pieces = pieces(Fonts::embedded().faces(), text, style, &mut missing);
        assert!(missing.is_empty(), "{missing:?}");
        pieces.iter().map(|piece| text.words[piece.text.clone()].to_owned()).collect()
    }

    #[test]
    fn a_text_is_cut_where_a_line_may_end_and_where_the_face_changes() {
        assert_eq!(cut(&Text::plain("Bonjour à tous")), ["Bonjour ", "à ", "tous"]);
        assert_eq!(cut(&Text::plain("le 王小明, le")), ["le ", "王", "小", "明", ", ", "le"]);
    }

    #[test]
    fn no_line_ends_after_a_hyphen() {
        assert_eq!(cut(&Text::plain("un rendez-vous – ou deux")), ["un ", "rendez-vous ", "– ", "ou ", "deux"]);
    }

    #[test]
    fn addresses_and_what_is_whole_are_not_cut() {
        let text = "à rendez-vous@val-de-marne.gouv.fr ou https://www.val-de-marne.gouv.fr/Demarches/x?y=1";
        assert_eq!(cut(&Text::plain(text)).len(), 4);
        let cut = |text| cut(&Text::plain(text));
        assert_eq!(cut("网站：https://val-de-marne.fr/x。邮寄：").len(), 6);
    }

    #[test]
    fn a_reference_is_whole() {
        let whole = Kind { whole: true, ..Kind::strong() };
        assert_eq!(cut(&Text::plain("réf. ").with("RC-94-2026-0001234-K", whole)), ["réf. ", "RC-94-2026-0001234-K"]);
    }

    #[test]
    fn what_is_unseen_is_left_out_and_a_joiner_is_kept() {
        assert_eq!(cut(&Text::plain("\u{2068}a\u{200b}b\u{2069}")), ["a", "b"]);
        assert_eq!(cut(&Text::plain("می\u{200c}خواهم")), ["می\u{200c}خواهم"]);
    }

    #[test]
    fn a_character_that_no_face_has_is_named() {
        let mut missing = Vec::new();
        pieces(Fonts::embedded().faces(), &Text::plain("x த y"), Style::french(10.0, 0.5), &mut missing);
        assert_eq!(missing, ['த']);
    }

    #[test]
    fn a_word_that_no_line_can_hold_is_broken_within() {
        let (faces, style) = (Fonts::embedded().faces(), Style::french(10.0, 0.5));
        let text = Text::plain(&"W".repeat(60));
        let piece = &pieces(faces, &text, style, &mut Vec::new())[0];
        let (first, rest) = broken(faces, &text, style, piece, 50.0 * MM / 10.0).unwrap();
        assert!(first.shaped.width <= 50.0 * MM / 10.0 && first.shaped.width > 40.0 * MM / 10.0);
        assert_eq!((first.text.start, first.text.end, rest.text.end), (0, rest.text.start, 60));
        assert!(broken(faces, &text, style, piece, 1e6).is_none());
        let text = Text::plain("Alpes-de-Haute-Provence");
        let piece = &pieces(faces, &text, style, &mut Vec::new())[0];
        let (first, _) = broken(faces, &text, style, piece, 0.8 * piece.shaped.width).unwrap();
        assert_eq!(&text.words[first.text], "Alpes-de-Haute-");
    }
}
