//! The letter on paper: A4, address in the window of a French DL or C5 envelope (NF Z 10-011).

mod blocks;
mod frame;
mod head;

use super::document::{Block, Span};
use super::pdf::{PdfError, Sheets};
use super::sheet::{Sheet, Text as Version};
use super::typeset::{A4, Colour, Faces, Flow, Gaps, Kind, Logo, MM, Margins, Part, Pictogram, Pixels, Style, Text};
use super::typeset::{natural_width, rectangle};

const INK: Colour = [0x1b, 0x1b, 0x35];

/// From the last line of a page to its footer.
const FOOTER_DROP: f32 = 4.0 * MM;

/// Lays a letter out. `qr` is its QR code, one byte per module.
///
/// # Errors
/// Characters that no font has; an address too wide for the window.
pub(super) fn lay_out(sheet: &Sheet<'_>, qr: &[u8], faces: &Faces, logo: &Logo) -> Result<Sheets, PdfError> {
    let margins = Margins { side: 19.0 * MM, top: 12.0 * MM, bottom: 14.0 * MM };
    let flow = Flow::new(faces, A4, &margins, INK);
    let (sizes, length) = Sizes::of(sheet);
    let pixels = (sheet.qr_side > 0).then(|| Pixels { bytes: qr.into(), side: sheet.qr_side });
    let mut letter = Letter { flow, sheet, pixels, sizes, rtl: false, language: "fr", framed: sizes.body };
    letter.first(logo)?;
    for other in &sheet.texts[1..] {
        letter.other(other);
    }
    // A letter that keeps to one page has no footer.
    if sheet.large_print || sheet.texts.len() > 1 || length > ONE_PAGE_MAX {
        let y = letter.flow.bottom() + FOOTER_DROP;
        letter.flow.footers(&format!("Réf. {}", sheet.reference), y, 7.5, false);
    }
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
    pixels: Option<Pixels>,
    sizes: Sizes,
    /// Of the text that is being laid out.
    rtl: bool,
    language: &'static str,
    /// Size of what is framed.
    framed: f32,
}

/// Length of the French text, in characters, above which it may need a second page.
const ONE_PAGE_MAX: usize = 5_600;

/// Length above which lines are set closer.
const LOOSE_MAX: usize = 4_700;

/// How the text is set: the longer, the smaller, so that it fits one page.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    body: f32,
    /// Of the legal mentions.
    small: f32,
    /// Between lines, in em.
    leading: f32,
    /// Between blocks.
    spacing: f32,
    /// Around headings.
    heading: Gaps,
}

impl Sizes {
    /// The sizes, and the length of the French text.
    fn of(sheet: &Sheet<'_>) -> (Self, usize) {
        let of_block = |block: &Block| match block {
            Block::Paragraph { spans } => length(spans) + 60,
            Block::List { items } => items.iter().map(|item| length(item) + 40).sum(),
            _ => 80,
        };
        let total: usize = sheet.texts[0].document.blocks.iter().map(of_block).sum();
        let body = match total {
            _ if sheet.large_print => 18.0,
            ..2_000 => 11.0,
            2_000..2_800 => 10.2,
            2_800..3_700 => 9.4,
            3_700..LOOSE_MAX => 8.8,
            _ => 8.0,
        };
        let choose = |loose: f32, tight: f32| if total < LOOSE_MAX { loose } else { tight };
        let sizes = Self {
            body,
            small: if sheet.large_print { 18.0 } else { (body - 1.9f32).clamp(6.5, 8.5) },
            leading: choose(0.52, 0.42),
            spacing: choose(0.7, 0.58) * body,
            heading: Gaps(choose(0.92, 0.7) * body, choose(0.55, 0.42) * body),
        };
        (sizes, total)
    }
}

impl Letter<'_> {
    fn style(&self, size: f32) -> Style {
        Style { size, leading: self.sizes.leading * size, rtl: self.rtl, language: self.language }
    }

    /// Letterhead, the French text, and the line for those who read no French.
    fn first(&mut self, logo: &Logo) -> Result<(), PdfError> {
        let large = self.sheet.large_print;
        let foot = self.flow.bottom();
        self.head(logo)?;
        // In large print it follows the letter, otherwise it is at the foot of the first page. It is part of the text:
        // what is in a footer is not read aloud.
        let official = self.official();
        let official_style = Style::french(if large { 14.0 } else { 6.6 }, 0.45);
        let (left, width) = (self.flow.left(), self.flow.width());
        let at_foot = self.flow.set(&official, official_style, width);
        if !large {
            self.flow.set_bottom(foot - at_foot.height() - 2.5 * MM);
        }
        self.title(&self.sheet.texts[0].document.title);
        self.blocks(&self.sheet.texts[0].document.blocks, true);
        self.closing();
        if large {
            self.flow.paragraph(&official, official_style, Gaps(self.sizes.body, 0.0));
        } else {
            self.flow.within_first_page(Part::Paragraph, |flow| {
                flow.put(&at_foot, left, foot - at_foot.height(), width);
            });
        }
        self.flow.set_bottom(foot);
        Ok(())
    }

    fn title(&mut self, title: &str) {
        let body = self.sizes.body;
        let Gaps(above, below) = self.sizes.heading;
        let style = self.style(body * 1.28);
        self.flow.heading(1, title, style, Gaps(above * 1.4, below * 1.4), 2.0 * body, None);
    }

    /// One line in eight languages.
    fn official(&self) -> Text {
        let mut text = Text::default();
        for (n, line) in self.sheet.official.iter().enumerate() {
            if n > 0 {
                text = text.with(" · ", Kind::default());
            }
            let kind = Kind { whole: true, language: Some(line.language.into()), ..Kind::default() };
            // An isolate: what is written from right to left turns nothing around it (UAX 9).
            let words = if line.rtl { format!("\u{2067}{}\u{2069}", line.text) } else { line.text.to_owned() };
            text = text.with(&words, kind);
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
        let words = "Nous vous prions d’agréer, Madame, Monsieur, l’expression de nos salutations distinguées.";
        let (closing, signature) = (Text::plain(words), Text::lines(self.sheet.signature.iter().copied()));
        let (body, style) = (self.sizes.body, self.style(self.sizes.body));
        if self.sheet.large_print {
            self.flow.paragraph(&closing, style, Gaps(0.9 * body, body));
            self.flow.paragraph(&signature, style, Gaps(body, 0.0));
            return;
        }
        // Beside each other.
        let (left, width) = (self.flow.left(), self.flow.width());
        let wide = natural_width(self.flow.faces(), &signature, style).min(width / 2.0) + 0.1;
        let room = width - wide - 6.0 * MM;
        let (closing, signature) = (self.flow.set(&closing, style, room), self.flow.set(&signature, style, wide));
        let y = self.flow.take(0.9 * body, closing.height().max(signature.height()));
        for (text, x, width) in [(closing, left, room), (signature, left + width - wide, wide)] {
            self.flow.within(Part::Paragraph, |flow| {
                flow.put(&text, x, y, width);
            });
        }
        self.flow.leave(self.sizes.spacing);
    }

    /// The letter in another language, for information, on a page of its own.
    fn other(&mut self, other: &Version) {
        self.flow.next_page();
        (self.rtl, self.language) = (other.rtl, other.language);
        self.framed = if self.sheet.large_print { 18.0 } else { 10.5 };
        self.flow.open_in(Part::Section, self.language);
        if let Some(information) = &other.information {
            self.information(information);
        }
        self.title(&other.document.title);
        self.blocks(&other.document.blocks, false);
        self.flow.close();
    }

    /// The note that a text is for information only, in a frame.
    fn information(&mut self, words: &str) {
        let (inset, width) = (2.5 * MM, self.flow.width());
        let note = self.flow.set(&Text::strong(words), self.style(self.framed), width - 2.0 * inset);
        let (wide, height) = (note.width() + 2.0 * inset, note.height() + 2.0 * inset);
        let y = self.flow.take(0.0, height);
        let x = if self.rtl { self.flow.left() + width - wide } else { self.flow.left() };
        self.flow.ornament(rectangle(x, y, wide, height, 0.0), None, Some((0.3 * MM, INK)));
        self.flow.within(Part::Paragraph, |flow| {
            flow.put(&note, x + inset, y + inset, wide - 2.0 * inset);
        });
        self.flow.leave(self.sizes.spacing);
    }
}

/// Length of some words, in bytes.
fn length(spans: &[Span]) -> usize {
    spans.iter().map(|span| span.text.len()).sum()
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
