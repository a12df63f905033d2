//! Lines: a text set in a width (UAX 9).

use std::ops::Range;
use std::sync::Arc;

use unicode_bidi::{Level, ParagraphBidiInfo};

use super::face::Glyph;
use super::faces::Faces;
use super::text::{Kind, Style, Text};
use super::words::{End, Piece, base_level, broken, pieces};

/// A part of a line of one face, kind and direction.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) face: u8,
    pub(super) span: usize,
    pub(super) rtl: bool,
    /// From the left of the line.
    pub(super) x: f32,
    pub(super) width: f32,
    pub(super) text: Range<usize>,
    /// In reading order, each with its range of the whole text; lengths in em, from the left of the run.
    pub(super) glyphs: Vec<(Range<usize>, Glyph)>,
}

#[derive(Debug)]
pub(super) struct Line {
    /// In reading order.
    pub(super) runs: Vec<Run>,
    /// Without blanks at its end.
    pub(super) width: f32,
    /// From its top to its base line.
    pub(super) ascent: f32,
}

/// A text set in a width.
#[derive(Debug)]
pub(crate) struct Paragraph {
    pub(super) words: Arc<str>,
    pub(super) spans: Vec<(Range<usize>, Kind)>,
    pub(super) lines: Vec<Line>,
    pub(super) style: Style,
    /// Whether a word was wider than a line, and broken within.
    pub(crate) is_broken: bool,
}

impl Paragraph {
    /// Sets a text in a width. Characters that no face has are added to `missing`.
    pub(super) fn new(faces: &Faces, text: &Text, style: Style, width: f32, missing: &mut Vec<char>) -> Self {
        let mut pieces = pieces(faces, text, style, missing);
        let room = width / style.size;
        let (mut lines, mut start, mut is_broken) = (Vec::new(), 0, false);
        while start < pieces.len() {
            let (mut end, fits) = line_end(&pieces, start, room);
            if !fits {
                // One word is wider than the line: only then is it broken within.
                let over = end - 1;
                let before: f32 = pieces[start..over].iter().map(|piece| piece.shaped.width).sum();
                if let Some((first, rest)) = broken(faces, text, style, &pieces[over], room - before) {
                    pieces.splice(over..=over, [first, rest]);
                    is_broken = true;
                } else if over > start {
                    end = over;
                }
            }
            lines.push(line(faces, &pieces[start..end], style));
            start = end;
        }
        Self { words: text.words.as_str().into(), spans: text.spans.clone(), lines, style, is_broken }
    }

    pub(crate) fn height(&self) -> f32 {
        let gaps = self.lines.len().saturating_sub(1) as f32 * self.style.leading;
        self.lines.iter().map(|line| line.ascent).sum::<f32>() + gaps
    }

    /// Of its widest line.
    pub(crate) fn width(&self) -> f32 {
        self.lines.iter().map(|line| line.width).fold(0.0, f32::max)
    }

    /// From the top to the base line of the first line.
    pub(crate) fn ascent(&self) -> f32 {
        self.lines.first().map_or(0.0, |line| line.ascent)
    }
}

/// The width of a text whose lines end only where they must.
pub(crate) fn natural_width(faces: &Faces, text: &Text, style: Style) -> f32 {
    let (mut widest, mut width) = (0.0f32, 0.0);
    for piece in pieces(faces, text, style, &mut Vec::new()) {
        width += piece.shaped.width;
        widest = widest.max(width - piece.shaped.blank);
        if piece.end == End::Always {
            width = 0.0;
        }
    }
    widest * style.size
}

/// The piece before which the next line begins, and whether the pieces until then fit.
fn line_end(pieces: &[Piece], start: usize, room: f32) -> (usize, bool) {
    let (mut used, mut best) = (0.0, None);
    for (i, piece) in pieces.iter().enumerate().skip(start) {
        used += piece.shaped.width;
        // The thousandth: what was measured to fit fits.
        if used - piece.shaped.blank > room + 0.001 {
            return best.map_or((i + 1, false), |best| (best, true));
        }
        match piece.end {
            End::Always => return (i + 1, true),
            End::Maybe => best = Some(i + 1),
            End::Never => {}
        }
    }
    (pieces.len(), true)
}

fn line(faces: &Faces, pieces: &[Piece], style: Style) -> Line {
    let mut levels: Vec<_> = pieces.iter().map(|piece| piece.level).collect();
    // Blanks at the end of a line have the direction of the paragraph (UAX 9, L1).
    let mut blank = 0.0;
    for (piece, level) in pieces.iter().zip(&mut levels).rev() {
        blank += piece.shaped.blank;
        if piece.shaped.blank < piece.shaped.width {
            break;
        }
        *level = base_level(style);
    }
    let order = if levels.iter().all(Level::is_ltr) {
        (0..pieces.len()).collect()
    } else {
        ParagraphBidiInfo::reorder_visual(&levels)
    };
    let mut x = if style.rtl { -blank } else { 0.0 };
    let mut runs: Vec<Run> = Vec::new();
    let mut last = None;
    // Whatever is in it, a line is at least as high as one of the first face.
    let mut ascent = faces.get(0).capital;
    for i in order {
        let (piece, level) = (&pieces[i], levels[i]);
        ascent = ascent.max(faces.get(piece.face).capital);
        // From left to right, a piece continues the run of its left neighbour.
        let continues = level.is_ltr() && last.is_some_and(|last| last + 1 == i && levels[last] == level);
        match runs.last_mut() {
            Some(run) if continues && run.face == piece.face && run.span == piece.span => {
                run.glyphs.extend(placed(piece, run.width));
                run.text.end = piece.text.end;
                run.width += piece.shaped.width;
            }
            _ => runs.push(Run {
                face: piece.face,
                span: piece.span,
                rtl: level.is_rtl(),
                x: x * style.size,
                width: piece.shaped.width,
                text: piece.text.clone(),
                glyphs: placed(piece, 0.0).collect(),
            }),
        }
        last = Some(i);
        x += piece.shaped.width;
    }
    runs.retain(|run| !run.glyphs.is_empty());
    for run in &mut runs {
        run.width *= style.size;
    }
    runs.sort_by_key(|run| run.text.start);
    let width = pieces.iter().map(|piece| piece.shaped.width).sum::<f32>() - blank;
    Line { runs, width: width * style.size, ascent: ascent * style.size }
}

/// The glyphs of a piece that begins at `x` of its run.
fn placed(piece: &Piece, x: f32) -> impl Iterator<Item = (Range<usize>, Glyph)> {
    piece.shaped.glyphs.iter().map(move |glyph| glyph.moved(piece.text.start, x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fonts;

    fn set(text: &Text, rtl: bool, width: f32) -> Paragraph {
        let style = Style { size: 10.0, leading: 5.0, rtl, language: if rtl { "ar" } else { "fr" } };
        Paragraph::new(Fonts::embedded().faces(), text, style, width, &mut Vec::new())
    }

    fn lines(paragraph: &Paragraph) -> Vec<String> {
        let of = |line: &Line| line.runs.iter().map(|run| &paragraph.words[run.text.clone()]).collect();
        paragraph.lines.iter().map(of).collect()
    }

    #[test]
    fn lines_end_between_words_and_fit_their_width() {
        let text = Text::plain("Votre carte de séjour expire le 1er décembre 2026, et vous êtes attendu avant.");
        let paragraph = set(&text, false, 150.0);
        assert_eq!(lines(&paragraph).concat(), text.words);
        assert!(paragraph.lines.len() > 2 && paragraph.width() <= 150.0, "{:?}", lines(&paragraph));
        assert!(lines(&paragraph).iter().rev().skip(1).all(|line| line.ends_with(' ')));
    }

    #[test]
    fn a_forced_break_ends_a_line_and_is_not_drawn() {
        let paragraph = set(&Text::lines(["un", "deux"]), false, 500.0);
        assert_eq!(lines(&paragraph), ["un \n", "deux"]);
        assert_eq!(paragraph.lines[0].runs[0].glyphs.len(), 3);
    }

    #[test]
    fn an_address_that_fits_a_line_is_on_one_line() {
        let text = Text::plain("Écrivez à rendez-vous@val-de-marne.gouv.fr avant lundi.");
        assert_eq!(lines(&set(&text, false, 180.0))[1], "rendez-vous@val-de-marne.gouv.fr ");
    }

    #[test]
    fn a_word_wider_than_a_line_is_broken_and_nothing_is_lost() {
        let text = Text::plain(&format!("Nom {} fin", "W".repeat(120)));
        let paragraph = set(&text, false, 150.0);
        assert_eq!(lines(&paragraph).concat(), text.words);
        assert!(paragraph.width() <= 150.1, "{}", paragraph.width());
    }

    #[test]
    fn chinese_breaks_between_characters_but_never_before_a_full_stop() {
        let text = Text::plain("请携带本信件前来省政府办理居留证续期手续。请携带本信件前来。");
        let paragraph = set(&text, false, 75.0);
        assert_eq!(lines(&paragraph).concat(), text.words);
        assert!(paragraph.lines.len() > 3 && lines(&paragraph).iter().all(|line| !line.starts_with('。')));
    }

    #[test]
    fn a_reference_in_an_arabic_line_keeps_its_direction_and_its_place_in_reading() {
        let text = Text::plain("الرقم RC-94-2026-0001234-K هنا");
        let paragraph = set(&text, true, 500.0);
        assert_eq!(lines(&paragraph).concat(), text.words);
        let runs = &paragraph.lines[0].runs;
        let reference = runs.iter().find(|run| paragraph.words[run.text.clone()].starts_with("RC")).unwrap();
        let (first, last) = (&runs[0], &runs[runs.len() - 1]);
        assert!(!reference.rtl && first.rtl && last.rtl);
        // From right to left: the first word is on the right, the last one on the left.
        assert!(first.x > reference.x && reference.x > last.x);
    }

    #[test]
    fn each_character_is_read_once_and_in_order_whatever_it_looks_like() {
        use super::super::face::Role;
        let texts = [
            "Ọ̀yọ́lá Nguyễn",
            "كتابًا عَلَّمَ مُحَمَّدٌ",
            "لا إله إلا الله صلاحية",
            "می\u{200c}خواهم",
            "王小明, efficace",
            "e\u{301}te\u{300}",
        ];
        for said in texts {
            let rtl = !said.is_ascii() && said.chars().next().is_some_and(|c| ('\u{600}'..'\u{700}').contains(&c));
            let paragraph = set(&Text::plain(said), rtl, 500.0);
            let glyphs = paragraph.lines[0].runs.iter().flat_map(|run| &run.glyphs);
            let read: String = glyphs
                .filter(|(_, glyph)| glyph.role != Role::Shape)
                .map(|(range, _)| &paragraph.words[range.clone()])
                .collect();
            assert_eq!(read, said);
        }
    }
}
