//! One font: which characters it has, and how it shapes words.

use std::ops::Range;
use std::sync::Arc;

use convoke_domain::unseen::is_joiner;
use harfrust::{BufferClusterLevel, Direction, Language, ShapeOptions, ShaperData, UnicodeBuffer};
use krilla::text::Font;
use skrifa::raw::FileRef;
use skrifa::raw::TableProvider as _;
use skrifa::raw::tables::gdef::GlyphClassDef;
use skrifa::{FontRef, MetadataProvider as _};

/// A font, ready to shape words.
pub(crate) struct Face {
    /// What the file embeds.
    pub(super) font: Font,
    data: Arc<Vec<u8>>,
    index: u32,
    shaper: ShaperData,
    /// One bit per character.
    coverage: Vec<u64>,
    units_per_em: f32,
    /// Height of a capital, in em.
    pub(super) capital: f32,
    /// The name of its family.
    pub(super) family: String,
    pub(super) bold: bool,
    pub(super) italic: bool,
}

/// What a glyph is for.
///
/// Readers of a PDF take its text from its glyphs, in the order in which they are drawn. So each character belongs to
/// exactly one glyph that is read, and glyphs are in reading order, also where the script runs from right to left.
/// `ActualText` would be the other way: some readers ignore it, and others lose what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Seen and read.
    Text,
    /// Seen only: drawn as a shape, without text.
    Shape,
    /// Read only: drawn transparent. It carries what has no glyph of its own, as the alef of lam-alef, or what has one
    /// elsewhere than readers look for it, as an accent above its letter.
    Voice,
}

/// A glyph; lengths in em, text as a range of the shaped word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glyph {
    pub(super) id: u32,
    pub(super) role: Role,
    pub(super) start: u32,
    pub(super) end: u32,
    /// Where the pen is, from the left of the word; the glyph is drawn `dx` and `dy` from there.
    pub(super) x: f32,
    pub(super) dx: f32,
    pub(super) dy: f32,
    pub(super) advance: f32,
}

/// A shaped word: its glyphs in reading order.
#[derive(Debug)]
pub(super) struct Shaped {
    pub(super) glyphs: Vec<Glyph>,
    pub(super) width: f32,
    /// Of which blanks at its end.
    pub(super) blank: f32,
}

/// Characters without a glyph of their own are read a little further on than the glyph that shows them: readers of
/// right-to-left text sort by place.
const FURTHER: f32 = 0.01;

impl Face {
    /// The faces of a file: one, or those of a collection. None if it is no font.
    pub(crate) fn all(data: &Arc<Vec<u8>>) -> Vec<Self> {
        let count = match FileRef::new(data) {
            Ok(FileRef::Font(_)) => 1,
            Ok(FileRef::Collection(collection)) => collection.len(),
            Err(_) => 0,
        };
        (0..count).filter_map(|index| Self::new(data, index)).collect()
    }

    fn new(data: &Arc<Vec<u8>>, index: u32) -> Option<Self> {
        let font = Font::new(Arc::clone(data).into(), index)?;
        let parsed = FontRef::from_index(data, index).ok()?;
        let mut coverage = Vec::new();
        for (c, _) in parsed.charmap().mappings() {
            let at = c as usize / 64;
            if at >= coverage.len() {
                coverage.resize(at + 1, 0u64);
            }
            coverage[at] |= 1 << (c % 64);
        }
        let units_per_em = f32::from(parsed.head().ok()?.units_per_em());
        let capital = parsed.os2().ok().and_then(|table| table.s_cap_height()).filter(|height| *height > 0);
        let attributes = parsed.attributes();
        let family = parsed.localized_strings(skrifa::string::StringId::FAMILY_NAME).english_or_first();
        Some(Self {
            font,
            shaper: ShaperData::new(&parsed),
            coverage,
            units_per_em,
            capital: capital.map_or(0.7, |height| f32::from(height) / units_per_em),
            family: family.map(|name| name.to_string()).unwrap_or_default(),
            bold: attributes.weight.value() >= 600.0,
            italic: attributes.style != skrifa::attribute::Style::Normal,
            data: Arc::clone(data),
            index,
        })
    }

    pub(super) fn covers(&self, c: char) -> bool {
        self.coverage.get(c as usize / 64).is_some_and(|bits| bits >> (c as u32 % 64) & 1 == 1)
    }

    /// The glyph of a character by itself.
    pub(super) fn nominal(&self, c: char) -> Option<u32> {
        Some(self.parsed().charmap().map(c)?.to_u32())
    }

    /// Width of a glyph, in em.
    pub(super) fn advance(&self, glyph: u32) -> f32 {
        let metrics =
            self.parsed().glyph_metrics(skrifa::instance::Size::unscaled(), skrifa::instance::LocationRef::default());
        metrics.advance_width(skrifa::GlyphId::new(glyph)).unwrap_or(0.0) / self.units_per_em
    }

    fn parsed(&self) -> FontRef<'_> {
        // Unwrap safety: `new` parsed the same bytes.
        FontRef::from_index(&self.data, self.index).expect("a font that was parsed before")
    }

    /// Shapes a word of one direction and language.
    pub(super) fn shape(&self, text: &str, rtl: bool, language: &str) -> Shaped {
        let parsed = self.parsed();
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        // Letters and their marks keep their own places in the text.
        buffer.set_cluster_level(BufferClusterLevel::MonotoneCharacters);
        buffer.set_direction(if rtl { Direction::RightToLeft } else { Direction::LeftToRight });
        if let Ok(language) = language.parse::<Language>() {
            buffer.set_language(language);
        }
        buffer.guess_segment_properties();
        let shaper = self.shaper.shaper(&parsed).build();
        let shaped = shaper.shape(buffer, ShapeOptions::new());

        let mut starts: Vec<u32> = shaped.glyph_infos().iter().map(|info| info.cluster).collect();
        starts.sort_unstable();
        starts.dedup();
        let end_of = |start: u32| {
            let next = starts.partition_point(|other| *other <= start);
            starts.get(next).copied().unwrap_or(text.len() as u32)
        };
        let em = |units: i32| units as f32 / self.units_per_em;
        let words_end = text.trim_end_matches([' ', '\u{3000}']).len() as u32;
        let (mut glyphs, mut width, mut blank) = (Vec::with_capacity(shaped.len()), 0.0, 0.0);
        for (info, position) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
            let (start, advance) = (info.cluster, em(position.x_advance));
            let (dx, dy) = (em(position.x_offset), em(position.y_offset));
            let end = end_of(start);
            glyphs.push(Glyph { id: info.glyph_id, role: Role::Text, start, end, x: width, dx, dy, advance });
            width += advance;
            if start >= words_end {
                blank += advance;
            }
        }
        if rtl {
            glyphs.reverse();
            glyphs.sort_by_key(|glyph| glyph.start);
        }
        Shaped { glyphs: self.in_reading(glyphs, text, rtl), width, blank }
    }

    /// Gives each character to exactly one glyph that is read.
    fn in_reading(&self, glyphs: Vec<Glyph>, text: &str, rtl: bool) -> Vec<Glyph> {
        let classes = self.parsed().gdef().ok().and_then(|table| table.glyph_class_def()?.ok());
        let is_mark = |glyph: &Glyph| {
            let class = |id| classes.as_ref().map(|classes| classes.get(skrifa::GlyphId16::new(id)));
            u16::try_from(glyph.id).ok().and_then(class) == Some(GlyphClassDef::Mark as u16)
        };
        let of = |glyph: &Glyph| &text[glyph.start as usize..glyph.end as usize];
        // Readers take a glyph that is raised for a line of its own.
        let is_raised = |glyph: &Glyph| glyph.dy.abs() > 0.001;
        let is_plain = |group: &[Glyph]| {
            let (glyph, said) = (&group[0], of(&group[0]));
            let single = said.len() == said.chars().next().map_or(0, char::len_utf8);
            group.len() == 1 && (single || !rtl) && !is_mark(glyph) && !is_raised(glyph) && !said.contains(is_joiner)
        };
        if glyphs.chunk_by(|a, b| a.start == b.start).all(is_plain) {
            return glyphs;
        }
        let mut out = Vec::with_capacity(glyphs.len() + 4);
        // Where a character without a glyph of its own is read.
        let (mut place, mut further) = (0.0, 0.0);
        for group in glyphs.chunk_by(|a, b| a.start == b.start) {
            let said = of(&group[0]);
            let base = group.iter().position(|glyph| !is_mark(glyph) && !said.starts_with(is_joiner));
            let mut left = said.char_indices();
            for (n, glyph) in group.iter().enumerate() {
                if is_plain(group) {
                    left.by_ref().for_each(drop);
                    out.push(*glyph);
                } else if Some(n) == base && !is_raised(glyph) {
                    let length = left.next().map_or(0, |(_, c)| c.len_utf8() as u32);
                    out.push(Glyph { end: glyph.start + length, ..*glyph });
                } else if !said.starts_with(is_joiner) {
                    out.push(Glyph { role: Role::Shape, ..*glyph });
                }
                if Some(n) == base {
                    place = if rtl { glyph.x } else { glyph.x + glyph.advance };
                    further = 0.0;
                }
            }
            for (at, c) in left {
                further += if rtl { -FURTHER } else { 0.0 };
                let start = group[0].start + at as u32;
                let end = start + c.len_utf8() as u32;
                let (x, role) = (place + further, Role::Voice);
                if let Some(id) = self.nominal(c) {
                    out.push(Glyph { id, role, start, end, x, dx: 0.0, dy: 0.0, advance: 0.0 });
                }
            }
        }
        out
    }
}

impl Glyph {
    /// The same glyph of a text that begins with other words, further to the right.
    pub(super) fn moved(&self, text: usize, x: f32) -> (Range<usize>, Self) {
        (text + self.start as usize..text + self.end as usize, Self { x: self.x + x, ..*self })
    }
}
