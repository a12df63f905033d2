//! The letter on paper: A4, address in the window of an envelope (NF Z 10-011).
//!
//! The first page is what the person needs: who writes, to whom, when and where to come, what to bring, what to do if
//! she cannot; rights and legal mentions are on the back. What does not fit continues on the next page: type is never
//! set smaller. Another language has a page of its own.

mod blocks;
mod frame;
mod head;

use super::design::{Area, Design, Side};
use super::document::{Block, Span};
use super::pdf::{PdfError, Sheets};
use super::sheet::{Sheet, Text as Version};
use super::typeset::{A4, Faces, Flow, Gaps, Kind, Logo, MM, Margins, Part, Pictogram, Pixels, Style, Text};
use super::typeset::{natural_width, rectangle};

/// From the last line of a page to its footer.
const FOOTER_DROP: f32 = 4.0 * MM;

/// What all letters of a préfecture have in common.
pub(super) struct Stationery<'a> {
    pub(super) faces: &'a Faces,
    pub(super) logo: &'a Logo,
    pub(super) design: &'a Design,
    /// Whether the openings of envelopes are drawn on the first page.
    pub(super) shows_openings: bool,
}

/// Lays a letter out. `qr` is its QR code, one byte per module.
///
/// # Errors
/// Characters that no font has; an address too wide for the window.
pub(super) fn lay_out(sheet: &Sheet<'_>, qr: &[u8], stationery: &Stationery<'_>) -> Result<Sheets, PdfError> {
    let design = stationery.design;
    let sizes = Sizes::of(sheet, design);
    // The foot of a page is above what printers leave blank.
    let bottom = (design.margins.bottom * MM).max(FOOTER_DROP + sizes.small + 5.0 * MM);
    let margins = Margins { side: design.margins.side * MM, top: design.margins.top * MM, bottom };
    let flow = Flow::new(stationery.faces, A4, &margins, design.text());
    let pixels = (sheet.qr_side > 0).then(|| Pixels { bytes: qr.into(), side: sheet.qr_side });
    let mut letter = Letter { flow, sheet, design, pixels, sizes, rtl: false, language: "fr" };
    if stationery.shows_openings {
        letter.openings();
    }
    letter.head(stationery.logo)?;
    letter.texts();
    let foot = letter.flow.foot() + FOOTER_DROP;
    letter.flow.footers(&format!("Réf. {}", sheet.reference), foot, sizes.small);
    Ok(Sheets {
        pages: letter.flow.finish().map_err(PdfError::Glyphs)?,
        title: format!("{}, réf. {}", sheet.texts[0].document.title, sheet.reference),
        author: sheet.office.name.clone(),
    })
}

/// A letter that is being laid out.
struct Letter<'a> {
    flow: Flow<'a>,
    sheet: &'a Sheet<'a>,
    design: &'a Design,
    pixels: Option<Pixels>,
    sizes: Sizes,
    /// Of the text that is being laid out.
    rtl: bool,
    language: &'static str,
}

/// Sizes of type, in points.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    body: f32,
    legal: f32,
    small: f32,
}

/// Between lines, in em.
const LEADING: f32 = 0.5;

impl Sizes {
    fn of(sheet: &Sheet<'_>, design: &Design) -> Self {
        let sizes = design.sizes;
        if sheet.large_print {
            return Self { body: sizes.large, legal: sizes.large, small: sizes.large };
        }
        Self { body: sizes.body, legal: sizes.legal, small: sizes.small }
    }
}

/// Between blocks of this size.
fn spacing(size: f32) -> f32 {
    0.65 * size
}

impl Letter<'_> {
    fn style(&self, size: f32) -> Style {
        Style { size, leading: LEADING * size, rtl: self.rtl, language: self.language }
    }

    /// The openings of the envelopes in use, for those who check their envelopes.
    fn openings(&mut self) {
        let colour = [0xc0, 0x10, 0x10];
        for Area { left, top, right, bottom } in self.design.openings() {
            let outline = rectangle(left, top, right - left, bottom - top, 0.0);
            self.flow.ornament(outline, None, Some((0.3 * MM, colour)));
        }
    }

    /// The French text, other languages, and last the line for those who read neither.
    fn texts(&mut self) {
        let (french, others) = (&self.sheet.texts[0], &self.sheet.texts[1..]);
        let official = self.official();
        let style = self.style(self.sizes.small);
        let (left, width) = (self.flow.left(), self.flow.width());
        let at_foot = (!self.sheet.large_print).then(|| self.flow.set(&official, style, width));
        let foot = self.flow.foot();
        if let Some(at_foot) = &at_foot {
            self.flow.reserve(at_foot.height() + 2.5 * MM);
        }
        self.title(&french.document.title);
        self.blocks(&french.document.blocks, self.sizes.body);
        self.closing();
        self.mentions(&french.document.mentions);
        for other in others {
            self.other(other);
        }
        // It is part of the text: what is in a footer is not read aloud.
        match at_foot {
            Some(at_foot) => self.flow.within_first_page(Part::Paragraph, |flow| {
                flow.put(&at_foot, left, foot - at_foot.height(), width);
            }),
            None => self.flow.paragraph(&official, style, Gaps(self.sizes.body, 0.0)),
        }
    }

    /// Rights and legal mentions: on the back of the first page, or below what did not fit there.
    fn mentions(&mut self, blocks: &[Block]) {
        if blocks.is_empty() {
            return;
        }
        if self.flow.is_on_first_page() {
            self.flow.next_page();
        } else {
            self.rule();
        }
        self.blocks(blocks, self.sizes.legal);
    }

    fn rule(&mut self) {
        let gap = spacing(self.sizes.body);
        let y = self.flow.take(1.6 * gap, 0.0);
        self.flow.rule(self.flow.left(), y, self.flow.width(), 0.25 * MM, self.design.frame());
        self.flow.leave(gap);
    }

    fn title(&mut self, title: &str) {
        let body = self.sizes.body;
        self.flow.heading(1, title, self.style(body * 1.28), Gaps(1.2 * body, 0.75 * body), 2.0 * body, None);
    }

    /// One line in eight languages. What is written from right to left has a line of its own: readers mix it with what
    /// is beside it.
    fn official(&self) -> Text {
        let mut text = Text::default();
        for (n, line) in self.sheet.official.iter().enumerate() {
            let is_alone = line.rtl || (n > 0 && self.sheet.official[n - 1].rtl);
            if n > 0 {
                text = text.with(if is_alone { " \n" } else { "\u{a0}· " }, Kind::default());
            }
            // An isolate: it turns nothing around it (UAX 9).
            let words = if line.rtl { format!("\u{2067}{}\u{2069}", line.text) } else { line.text.to_owned() };
            text = text.with(&words, Kind { language: Some(line.language.into()), ..Kind::default() });
        }
        match self.sheet.help_url {
            Some(url) => {
                let link = Kind { link: Some(url.into()), ..Kind::strong() };
                text.with("\u{a0}: ", Kind::default()).with(url, link)
            }
            None => text,
        }
    }

    fn closing(&mut self) {
        let Self { design, sheet, sizes: Sizes { body, .. }, .. } = *self;
        let signature = Text::lines(sheet.signature.iter().copied());
        let (closing, style) = (Text::plain(&design.signature.closing), self.style(body));
        if sheet.large_print {
            self.flow.paragraph(&closing, style, Gaps(0.9 * body, body));
            self.flow.paragraph(&signature, style, Gaps(body, 0.0));
            return;
        }
        // Beside each other.
        let (left, width) = (self.flow.left(), self.flow.width());
        let wide = natural_width(self.flow.faces(), &signature, style).min(width / 2.0) + 0.1;
        let gap = 6.0 * MM;
        let room = width - wide - gap;
        let (closing, signature) = (self.flow.set(&closing, style, room), self.flow.set(&signature, style, wide));
        let y = self.flow.take(0.9 * body, closing.height().max(signature.height()));
        let (first, second) = match design.signature.side {
            Side::Right => (left, left + room + gap),
            Side::Left => (left + wide + gap, left),
        };
        for (text, x, width) in [(closing, first, room), (signature, second, wide)] {
            self.flow.within(Part::Paragraph, |flow| {
                flow.put(&text, x, y, width);
            });
        }
        self.flow.leave(spacing(body));
    }

    /// The letter in another language, for information, on a page of its own.
    fn other(&mut self, other: &Version) {
        self.flow.next_page();
        (self.rtl, self.language) = (other.rtl, other.language);
        self.flow.open_in(Part::Section, self.language);
        if let Some(information) = &other.information {
            self.information(information);
        }
        self.title(&other.document.title);
        self.blocks(&other.document.blocks, self.sizes.body);
        if !other.document.mentions.is_empty() {
            self.rule();
            self.blocks(&other.document.mentions, self.sizes.legal);
        }
        self.flow.close();
    }

    /// The note that a text is for information only, in a frame.
    fn information(&mut self, words: &str) {
        let (inset, width) = (2.5 * MM, self.flow.width());
        let note = self.flow.set(&Text::strong(words), self.style(self.sizes.body), width - 2.0 * inset);
        let (wide, height) = (note.width() + 2.0 * inset, note.height() + 2.0 * inset);
        let y = self.flow.take(0.0, height);
        let x = if self.rtl { self.flow.left() + width - wide } else { self.flow.left() };
        self.flow.ornament(rectangle(x, y, wide, height, 0.0), None, Some((0.3 * MM, self.design.frame())));
        self.flow.within(Part::Paragraph, |flow| {
            flow.put(&note, x + inset, y + inset, wide - 2.0 * inset);
        });
        self.flow.leave(spacing(self.sizes.body));
    }
}

/// The words of a text.
fn words(spans: &[Span]) -> Text {
    words_after(Text::default(), spans, false)
}

/// The same after other words; all of them strong if `strong`.
fn words_after(before: Text, spans: &[Span], strong: bool) -> Text {
    spans.iter().fold(before, |text, span| {
        let strong = strong || span.strong || span.whole;
        text.with(
            &span.text,
            Kind { strong, whole: span.whole, link: span.link.as_deref().map(Into::into), language: None },
        )
    })
}

fn pictogram(icon: Option<&str>) -> Option<Pictogram> {
    match icon? {
        "date" => Some(Pictogram::Date),
        "place" => Some(Pictogram::Place),
        _ => Some(Pictogram::Documents),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fonts, LetterData, LetterKind, Templates};

    /// Letters of every kind, in French and Arabic, normal and large.
    fn letters() -> Vec<LetterData> {
        let mut letters = Vec::new();
        for (kind, language) in LetterKind::ALL.iter().flat_map(|kind| ["fr", "ar"].map(|language| (*kind, language))) {
            for large_print in [false, true] {
                let mut data = LetterData::sample_of(kind);
                data.recipient.language = language.into();
                data.recipient.large_print = large_print;
                letters.push(data);
            }
        }
        letters
    }

    fn with(design: &str) -> Templates {
        let file = ("letter.toml".to_owned(), design.as_bytes().to_vec());
        Templates::unchecked([file], Fonts::embedded().clone()).unwrap()
    }

    #[test]
    fn the_address_shows_whole_in_the_envelopes_and_nothing_else_does() {
        let more =
            ["Chez Madame Exemple", "Résidence des Tilleuls, bâtiment B", "12 bis avenue du Maréchal de Lattre de"];
        for envelopes in
            [r#"["dl-right", "c5-right"]"#, r#"["dl-left", "c5-left"]"#, r#"["c5-right"]"#, r#"["dl-left"]"#]
        {
            let source = format!("envelopes = {envelopes}\n");
            let (templates, window) = (with(&source), Design::read(&source).unwrap().0.window().unwrap());
            for mut data in letters() {
                data.recipient.address.splice(0..1, more.map(String::from));
                let lines = crate::envelope(&data.recipient.name, &data.recipient.address).unwrap();
                assert_eq!(lines.len(), 6, "{lines:?}");
                let (mut address, case) = (String::new(), format!("{:?} {envelopes}", data.recipient));
                for ([left, top, right, bottom], words, _) in templates.pages(&data).unwrap().0.pages.drawn_on_first() {
                    let Area { left: l, top: t, right: r, bottom: b } = window.clear;
                    if right <= l || left >= r || bottom <= t || top >= b {
                        continue;
                    }
                    assert!(
                        lines.iter().any(|line| line.contains(words.trim())) && !words.is_empty(),
                        "{words:?}: {case}"
                    );
                    let Area { left: l, top: t, right: r, bottom: b } = window.address;
                    assert!(left >= l && right <= r && top >= t && bottom <= b, "{words:?}: {case}");
                    address += &words;
                }
                let joined = |text: &str| text.split_whitespace().collect::<String>();
                assert_eq!(joined(&address), joined(&lines.concat()), "{case}");
            }
        }
    }

    #[test]
    fn a_reference_is_whole_whatever_the_design() {
        for (body, small, side, large) in [(11, 9, 10, 18), (12, 10, 22, 18), (12, 10, 19, 18), (11, 10, 10, 20)] {
            let source =
                format!("[margins]\nside = {side}\n[sizes]\nbody = {body}\nsmall = {small}\nlarge = {large}\n");
            let templates = with(&source);
            for mut data in letters().into_iter().filter(|data| data.recipient.language == "fr") {
                data.reference = "RC-974-2026-0001234-R".into();
                let drawn = templates.pages(&data).unwrap().0.pages.drawn_on_first();
                let references = drawn.iter().filter(|(_, words, _)| words.contains("RC-9") || words.contains("1234"));
                let is_whole = |words: &str| words.contains(&data.reference);
                let references: Vec<bool> = references.map(|(_, words, _)| is_whole(words)).collect();
                assert!(references.len() >= 2 && !references.contains(&false), "{source}{:?}", data.matter.kind());
            }
        }
    }

    #[test]
    fn an_address_in_the_frame_is_on_one_line() {
        let data = LetterData::sample_of(LetterKind::OnlineFiling);
        let crate::Matter::OnlineFiling { service, .. } = &data.matter else { panic!("{:?}", data.matter) };
        let drawn = Templates::embedded().pages(&data).unwrap().0.pages.drawn_on_first();
        assert!(drawn.iter().any(|(_, words, _)| words.trim() == service), "{drawn:?}");
    }

    #[test]
    fn on_the_front_only_the_code_and_the_line_in_eight_languages_are_smaller_than_eleven_points() {
        let joined = |text: &str| text.split_whitespace().collect::<String>();
        let templates = Templates::embedded();
        for data in letters().into_iter().filter(|data| !data.recipient.large_print) {
            let drawn = templates.pages(&data).unwrap().0.pages.drawn_on_first();
            let small = drawn.iter().filter(|(_, words, size)| *size < 10.99 && !words.is_empty());
            let small: String = small.map(|(_, words, _)| joined(words)).collect();
            let (start, end) =
                (joined(data.code.as_deref().unwrap()), joined(&format!("Réf. {} page 1 sur", data.reference)));
            assert!(small.starts_with(&start) && small.contains(&end) && small.contains("Official"), "{small}");
            assert!(small.chars().count() < 550, "{small}");
        }
    }

    #[test]
    fn the_openings_are_drawn_only_for_those_who_ask() {
        let (templates, data) = (Templates::embedded(), LetterData::sample());
        assert_ne!(templates.on_envelopes(&data).unwrap(), templates.pages(&data).unwrap().1);
    }
}
