//! Pages as a PDF: PDF/A-2a (ISO 19005-2) and PDF/UA-1 (ISO 14289-1), or for a printer alone.

use std::collections::HashMap;
use std::ops::Range;

use chrono::{Datelike, NaiveDate};
use krilla::SerializeSettings;
use krilla::action::{Action, LinkAction};
use krilla::annotation::{Annotation, LinkAnnotation, Target};
use krilla::color::rgb;
use krilla::configure::{Accessibility, Archival, ConfigurationBuilder, ValidationError};
use krilla::error::KrillaError;
use krilla::geom::{Point, Quadrilateral, Size, Transform};
use krilla::image::{BitsPerComponent, CustomImage, Image, ImageColorspace};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule, Stroke};
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, SpanTag};
use krilla::text::{GlyphId, KrillaGlyph};

use super::face::{Glyph, Role};
use super::faces::Faces;
use super::logo::Logo;
use super::pages::{Colour, Drawn, Link, Mark, Op, Pages, Pixels};
use super::tags::{Written, outline, tree};

/// What a file says about itself.
pub(crate) struct About<'a> {
    pub(crate) title: &'a str,
    pub(crate) author: &'a str,
    /// Identifies the document.
    pub(crate) ident: &'a str,
    pub(crate) date: NaiveDate,
    /// Whether it conforms to both standards; otherwise it is only for printing.
    pub(crate) is_tagged: bool,
}

/// Why pages could not be written.
#[derive(Debug)]
pub(crate) enum NotWritten {
    /// A font that said it has these characters has no glyph for them.
    Missing(Vec<char>),
    /// Anything else.
    Failed(String),
}

/// Writes documents as one file. If there are several, each begins on a new sheet when printed double-sided.
pub(crate) fn write(
    documents: &[&Pages],
    about: &About<'_>,
    faces: &Faces,
    logo: Option<&Logo>,
) -> Result<Vec<u8>, NotWritten> {
    let mut file = krilla::Document::new_with(settings(about.is_tagged)?);
    let mut pen = Pen { faces, logo, read: HashMap::new() };
    for pages in documents {
        let settings = PageSettings::from_wh(pages.size.0, pages.size.1)
            .ok_or_else(|| NotWritten::Failed("a page without a size".into()))?;
        let mut written = Written { leaves: vec![None; pages.leaves], links: vec![None; pages.links] };
        for page in &pages.pages {
            let mut sheet = file.start_page_with(settings.clone());
            let mut surface = sheet.surface();
            for marked in &page.marked {
                let id = surface.start_tagged(match marked.mark {
                    Mark::Leaf(_) => ContentTag::Span(SpanTag::empty()),
                    Mark::Footer => ContentTag::Artifact(Artifact::with_kind(ArtifactType::Footer)),
                    Mark::Ornament => ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)),
                });
                marked.ops.iter().for_each(|op| pen.draw(&mut surface, op));
                surface.end_tagged();
                if let Mark::Leaf(leaf) = marked.mark {
                    written.leaves[leaf] = Some(id);
                }
            }
            surface.finish();
            for link in &page.links {
                written.links[link.number] = Some(sheet.add_tagged_annotation(annotation(link)));
            }
            sheet.finish();
        }
        if about.is_tagged {
            file.set_tag_tree(tree(pages, &written));
            file.set_outline(outline(pages));
        } else if pages.count() % 2 == 1 {
            file.start_page_with(settings).finish();
        }
    }
    file.set_metadata(metadata(about));
    file.finish().map_err(|error| NotWritten::of(&error))
}

impl NotWritten {
    fn of(error: &KrillaError) -> Self {
        if let KrillaError::Validation(errors) = error {
            let texts = errors.iter().filter_map(|(error, _)| match error {
                ValidationError::ContainsNotDefGlyph(_, _, text) => Some(text),
                _ => None,
            });
            let mut missing: Vec<char> = texts.flat_map(|text| text.chars()).collect();
            missing.sort_unstable();
            missing.dedup();
            if !missing.is_empty() {
                return Self::Missing(missing);
            }
        }
        Self::Failed(format!("{error:?}"))
    }
}

fn settings(is_tagged: bool) -> Result<SerializeSettings, NotWritten> {
    let mut settings = SerializeSettings { enable_tagging: is_tagged, ..SerializeSettings::default() };
    if is_tagged {
        let both = ConfigurationBuilder::new()
            .with_archival_validator(Archival::A2_A)
            .with_accessibility_validator(Accessibility::UA1);
        settings.configuration = both.finish().map_err(|error| NotWritten::Failed(format!("{error:?}")))?;
    }
    Ok(settings)
}

fn metadata(about: &About<'_>) -> Metadata {
    let date = DateTime::new(about.date.year() as u16).month(about.date.month() as u8).day(about.date.day() as u8);
    Metadata::new()
        .title(about.title.to_owned())
        .authors(vec![about.author.to_owned()])
        .creator("convoke".into())
        .language("fr".into())
        .document_id(about.ident.to_owned())
        .creation_date(date.hour(0).minute(0).second(0).utc_offset_hour(0).utc_offset_minute(0))
}

fn annotation(link: &Link) -> Annotation {
    let target = Target::Action(Action::Link(LinkAction::new(link.target.to_string())));
    let place = match link.rects.as_slice() {
        [rect] => LinkAnnotation::new(*rect, target),
        rects => LinkAnnotation::new_with_quad_points(rects.iter().map(|r| Quadrilateral::from(*r)).collect(), target),
    };
    Annotation::new_link(place, Some(link.words.clone()))
}

fn fill([r, g, b]: Colour, opacity: NormalizedF32) -> Fill {
    Fill { paint: rgb::Color::new(r, g, b).into(), opacity, rule: FillRule::default() }
}

fn line([r, g, b]: Colour, width: f32) -> Stroke {
    Stroke { paint: rgb::Color::new(r, g, b).into(), width, ..Stroke::default() }
}

/// Width of the outlines of what is made bold, in em: as bold as the embedded bold face beside it.
const BOLD: f32 = 0.035;

/// What is drawn next is seen.
fn show_in_ink(surface: &mut Surface<'_>, drawn: &Drawn) {
    surface.set_stroke(drawn.emboldened.then(|| line(drawn.colour, BOLD * drawn.size)));
    surface.set_fill(Some(fill(drawn.colour, NormalizedF32::ONE)));
}

/// A narrow letter that no text here has: it is read, never seen, in the place of wider ones.
const NARROW: char = 'ǀ';

/// Above this, in em, a glyph that is only read is replaced.
const WIDE: f32 = 0.35;

/// Draws, and remembers what each glyph is read as.
struct Pen<'a> {
    faces: &'a Faces,
    logo: Option<&'a Logo>,
    /// The text of a glyph, by face: a file has one for each.
    read: HashMap<(u8, u32), Box<str>>,
}

impl Pen<'_> {
    fn draw(&mut self, surface: &mut Surface<'_>, op: &Op) {
        match op {
            Op::Words(drawn) => self.words(surface, drawn),
            Op::Path { path, fill: inside, stroke } => {
                surface.set_fill(inside.map(|colour| fill(colour, NormalizedF32::ONE)));
                surface.set_stroke(stroke.map(|(width, colour)| line(colour, width)));
                surface.draw_path(path);
            }
            Op::Logo { x, y, height } => {
                if let Some(logo) = self.logo {
                    logo.draw(surface, *x, *y, *height);
                }
            }
            Op::Pixels { pixels, x, y, side } => {
                if let (Ok(image), Some(size)) =
                    (Image::from_custom(pixels.clone(), false), Size::from_wh(*side, *side))
                {
                    surface.push_transform(&Transform::from_translate(*x, *y));
                    surface.draw_image(image, size);
                    surface.pop();
                }
            }
        }
    }

    /// Glyphs of a text from left to right are drawn together; all others one by one, in reading order.
    fn words(&mut self, surface: &mut Surface<'_>, drawn: &Drawn) {
        show_in_ink(surface, drawn);
        let mut rest = drawn.glyphs.as_slice();
        while let Some((range, glyph)) = rest.first() {
            let mut count = 1;
            match glyph.role {
                Role::Shape => self.show(surface, drawn, &rest[..1], true),
                Role::Voice => self.voice(surface, drawn, range.clone(), glyph),
                Role::Text if self.is_read_as(drawn, range, glyph) => {
                    while !drawn.rtl
                        && let Some((range, next)) = rest.get(count)
                        && next.role == Role::Text
                        && self.is_read_as(drawn, range, next)
                    {
                        count += 1;
                    }
                    self.show(surface, drawn, &rest[..count], false);
                }
                Role::Text => {
                    self.show(surface, drawn, &rest[..1], true);
                    for (at, c) in drawn.words[range.clone()].char_indices() {
                        let start = range.start + at;
                        if let Some(id) = self.faces.get(drawn.face).nominal(c) {
                            self.voice(surface, drawn, start..start + c.len_utf8(), &Glyph { id, ..*glyph });
                        }
                    }
                }
            }
            rest = &rest[count..];
        }
    }

    /// Whether a glyph is read as this text everywhere in the file so far. If it were read differently, the file would
    /// need an `ActualText`, which not all readers know.
    fn is_read_as(&mut self, drawn: &Drawn, range: &Range<usize>, glyph: &Glyph) -> bool {
        self.is_glyph_read_as((drawn.face, glyph.id), &drawn.words[range.clone()])
    }

    fn is_glyph_read_as(&mut self, glyph: (u8, u32), text: &str) -> bool {
        &**self.read.entry(glyph).or_insert_with(|| text.into()) == text
    }

    /// Draws neighbouring glyphs: as text, or as shapes that nobody reads.
    fn show(&self, surface: &mut Surface<'_>, drawn: &Drawn, glyphs: &[(Range<usize>, Glyph)], is_shape: bool) {
        self.show_in(drawn.face, surface, drawn, glyphs, is_shape);
    }

    fn show_in(
        &self,
        face: u8,
        surface: &mut Surface<'_>,
        drawn: &Drawn,
        glyphs: &[(Range<usize>, Glyph)],
        is_shape: bool,
    ) {
        let Some((_, first)) = glyphs.first() else { return };
        let (x, size) = (drawn.x + (first.x + first.dx) * drawn.size, drawn.size);
        let glyphs: Vec<KrillaGlyph> = glyphs
            .iter()
            .enumerate()
            .map(|(n, (range, glyph))| {
                let dx = if n == 0 { 0.0 } else { glyph.dx };
                let advance = if n == 0 { glyph.advance - glyph.dx } else { glyph.advance };
                KrillaGlyph::new(GlyphId::new(glyph.id), advance, dx, glyph.dy, 0.0, range.clone(), None)
            })
            .collect();
        let font = self.faces.get(face).font.clone();
        surface.draw_glyphs(Point::from_xy(x, drawn.y), &glyphs, font, &drawn.words, size, is_shape);
    }

    /// What is read here and seen elsewhere, or in another shape.
    fn voice(&mut self, surface: &mut Surface<'_>, drawn: &Drawn, range: Range<usize>, glyph: &Glyph) {
        let glyph = Glyph { dx: 0.0, dy: 0.0, advance: 0.0, ..*glyph };
        surface.set_stroke(None);
        surface.set_fill(Some(fill(drawn.colour, NormalizedF32::ZERO)));
        let own = (drawn.face, glyph);
        let narrow = self.faces.get(0).nominal(NARROW).map(|id| (0, Glyph { id, ..glyph }));
        // Readers take what is wider than what shows it for a line of its own.
        let is_wide = self.faces.get(drawn.face).advance(glyph.id) > WIDE;
        let mut choices = [Some(own), narrow];
        choices.rotate_left(usize::from(is_wide));
        let text = &drawn.words[range.clone()];
        let choice = choices.into_iter().flatten().find(|(face, glyph)| self.is_glyph_read_as((*face, glyph.id), text));
        let (face, glyph) = choice.unwrap_or(own);
        self.show_in(face, surface, drawn, &[(range, glyph)], false);
        show_in_ink(surface, drawn);
    }
}

impl CustomImage for Pixels {
    fn color_channel(&self) -> &[u8] {
        &self.bytes
    }

    fn alpha_channel(&self) -> Option<&[u8]> {
        None
    }

    fn bits_per_component(&self) -> BitsPerComponent {
        BitsPerComponent::Eight
    }

    fn size(&self) -> (u32, u32) {
        (self.side as u32, self.side as u32)
    }

    fn icc_profile(&self) -> Option<&[u8]> {
        None
    }

    fn color_space(&self) -> ImageColorspace {
        ImageColorspace::Luma
    }
}
