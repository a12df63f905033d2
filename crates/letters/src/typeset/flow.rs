//! The flow of a text over pages.

use std::sync::Arc;

use krilla::geom::{Path, Rect};

use super::faces::Faces;
use super::figures::{Pictogram, segment};
use super::lines::Paragraph;
use super::pages::{Bookmark, Colour, Drawn, Mark, Op, Pages, Part, Pixels};
use super::text::MM;
use super::text::{Style, Text};

/// Margins of a page.
pub(crate) struct Margins {
    pub(crate) side: f32,
    pub(crate) top: f32,
    pub(crate) bottom: f32,
}

/// The room that something wants above and below it. Of two that meet, the larger counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gaps(pub(crate) f32, pub(crate) f32);

/// Where pages are filled, from top to bottom.
pub(crate) struct Flow<'a> {
    faces: &'a Faces,
    pages: Pages,
    /// What comes next is placed here, and further down by the room that is wanted.
    y: f32,
    /// The room that what came before wants below it.
    below: f32,
    left: f32,
    width: f32,
    top: f32,
    /// Of every page.
    foot: f32,
    /// Of this page.
    bottom: f32,
    /// Of what is drawn next.
    pub(crate) colour: Colour,
    /// Characters that no face has.
    missing: Vec<char>,
}

impl<'a> Flow<'a> {
    /// An empty page of this width and height.
    pub(crate) fn new(faces: &'a Faces, size: (f32, f32), margins: &Margins, colour: Colour) -> Self {
        Self {
            faces,
            pages: Pages::new(size),
            y: margins.top,
            below: 0.0,
            left: margins.side,
            width: size.0 - 2.0 * margins.side,
            top: margins.top,
            foot: size.1 - margins.bottom,
            bottom: size.1 - margins.bottom,
            colour,
            missing: Vec::new(),
        }
    }

    /// The pages.
    ///
    /// # Errors
    /// The characters that no face has, each once.
    pub(crate) fn finish(mut self) -> Result<Pages, Vec<char>> {
        self.missing.sort_unstable();
        self.missing.dedup();
        if self.missing.is_empty() { Ok(self.pages) } else { Err(self.missing) }
    }

    pub(crate) fn faces(&self) -> &'a Faces {
        self.faces
    }

    pub(crate) fn left(&self) -> f32 {
        self.left
    }

    pub(crate) fn width(&self) -> f32 {
        self.width
    }

    /// The lowest place of a page.
    pub(crate) fn foot(&self) -> f32 {
        self.foot
    }

    /// Keeps this height free at the foot of this page.
    pub(crate) fn reserve(&mut self, height: f32) {
        self.bottom = self.foot - height;
    }

    pub(crate) fn is_on_first_page(&self) -> bool {
        self.pages.count() == 1
    }

    /// Begins a part of the text: what is drawn until [`Self::close`] is in it.
    pub(crate) fn open(&mut self, part: Part) {
        self.pages.open(part, None);
    }

    /// The same in another language.
    pub(crate) fn open_in(&mut self, part: Part, language: &str) {
        self.pages.open(part, Some(language.into()));
    }

    pub(crate) fn close(&mut self) {
        self.pages.close();
    }

    pub(crate) fn within(&mut self, part: Part, fill: impl FnOnce(&mut Self)) {
        self.open(part);
        fill(self);
        self.close();
    }

    /// The same on the first page, whatever page the text has reached; it is read after all that is there already.
    pub(crate) fn within_first_page(&mut self, part: Part, fill: impl FnOnce(&mut Self)) {
        let others = self.pages.pages.split_off(1);
        self.within(part, fill);
        self.pages.pages.extend(others);
    }

    pub(crate) fn next_page(&mut self) {
        self.pages.pages.push(super::pages::Page::default());
        (self.y, self.below, self.bottom) = (self.top, 0.0, self.foot);
    }

    pub(crate) fn is_at_top(&self) -> bool {
        self.y <= self.top + 0.01
    }

    /// Takes this height of the page, `above` or more below what came before, and returns where it begins. If the page
    /// has no room for it, it is on the next one.
    pub(crate) fn take(&mut self, above: f32, height: f32) -> f32 {
        let gap = if self.is_at_top() { 0.0 } else { above.max(self.below) };
        if self.y + gap + height > self.bottom + 0.01 && !self.is_at_top() {
            self.next_page();
        } else {
            self.y += gap;
        }
        self.below = 0.0;
        let y = self.y;
        self.y += height;
        y
    }

    /// Keeps room below what was taken last.
    pub(crate) fn leave(&mut self, below: f32) {
        self.below = below;
    }

    /// Continues at this height of the page.
    pub(crate) fn go_to(&mut self, y: f32) {
        (self.y, self.below) = (y, 0.0);
    }

    pub(crate) fn y(&self) -> f32 {
        self.y
    }

    pub(crate) fn has_room(&self, above: f32, height: f32) -> bool {
        self.y + above.max(self.below) + height <= self.bottom + 0.01
    }

    pub(crate) fn set(&mut self, text: &Text, style: Style, width: f32) -> Paragraph {
        Paragraph::new(self.faces, text, style, width, &mut self.missing)
    }

    /// Draws what is not read.
    pub(crate) fn ornament(&mut self, path: Option<Path>, fill: Option<Colour>, stroke: Option<(f32, Colour)>) {
        if let Some(path) = path {
            self.pages.draw_as(Mark::Ornament, Op::Path { path, fill, stroke });
        }
    }

    pub(crate) fn rule(&mut self, x: f32, y: f32, width: f32, thickness: f32, colour: Colour) {
        self.ornament(segment((x, y), (x + width, y)), None, Some((thickness, colour)));
    }

    /// A pictogram whose words are at this base line.
    pub(crate) fn pictogram(&mut self, pictogram: Pictogram, x: f32, base: f32) {
        for (path, fill, stroke) in pictogram.figures(x, base, self.colour) {
            self.ornament(path, fill, stroke);
        }
    }

    /// The logo, as high as this.
    pub(crate) fn logo(&mut self, alternative: &str, (x, y): (f32, f32), (width, height): (f32, f32)) {
        self.figure(alternative, (x, y), (width, height), Op::Logo { x, y, height });
    }

    pub(crate) fn picture(&mut self, alternative: &str, (x, y): (f32, f32), side: f32, pixels: Pixels) {
        self.figure(alternative, (x, y), (side, side), Op::Pixels { pixels, x, y, side });
    }

    fn figure(&mut self, alternative: &str, (x, y): (f32, f32), (width, height): (f32, f32), op: Op) {
        let id = self.pages.open(Part::Figure(alternative.to_owned()), None);
        self.pages.draw(op);
        let page = self.pages.last_page();
        self.pages.nodes[id].place = Rect::from_xywh(x, y, width, height).map(|rect| (page, rect));
        self.pages.close();
    }

    /// Draws a whole paragraph in the part that is open, its top at `y`, and returns where it ends.
    pub(crate) fn put(&mut self, paragraph: &Paragraph, x: f32, y: f32, width: f32) -> f32 {
        self.put_lines(paragraph, 0..paragraph.lines.len(), Place { x, y, width, side: 0.0 }, None)
    }

    /// The same; `side` is 0 where lines begin at the side where reading begins, 1 where they end at the other.
    pub(super) fn put_at(&mut self, paragraph: &Paragraph, place: Place) {
        self.put_lines(paragraph, 0..paragraph.lines.len(), place, None);
    }

    /// The same of some lines.
    pub(super) fn put_part(&mut self, paragraph: &Paragraph, lines: std::ops::Range<usize>, place: Place) {
        self.put_lines(paragraph, lines, place, None);
    }

    /// What was read before: the head of a table that continues.
    pub(super) fn repeat(&mut self, paragraph: &Paragraph, place: Place) {
        self.put_lines(paragraph, 0..paragraph.lines.len(), place, Some(Mark::Ornament));
    }

    fn put_lines(
        &mut self,
        paragraph: &Paragraph,
        lines: std::ops::Range<usize>,
        place: Place,
        mark: Option<Mark>,
    ) -> f32 {
        let style = paragraph.style;
        let mut y = place.y;
        // The span whose words are drawn, and how many parts are open for it.
        let mut inner: Option<(usize, usize)> = None;
        for line in &paragraph.lines[lines] {
            let side = if style.rtl { 1.0 - place.side } else { place.side };
            let x = place.x + (place.width - line.width) * side;
            y += line.ascent;
            for run in &line.runs {
                let (range, kind) = &paragraph.spans[run.span];
                if mark.is_none() && inner.is_none_or(|(span, _)| span != run.span) {
                    (0..inner.map_or(0, |(_, opened)| opened)).for_each(|_| self.close());
                    let mut opened = 0;
                    if let Some(target) = &kind.link {
                        self.pages.link(Arc::clone(target), paragraph.words[range.clone()].to_owned());
                        opened += 1;
                    }
                    if kind.strong && !self.is_loud() {
                        self.open(Part::Strong);
                        opened += 1;
                    }
                    if kind.language.is_some() {
                        self.pages.open(Part::Span, kind.language.clone());
                        opened += 1;
                    }
                    inner = Some((run.span, opened));
                }
                if kind.link.is_some()
                    && mark.is_none()
                    && let Some(link) = self.pages.page().links.last_mut()
                {
                    let rect = Rect::from_xywh(x + run.x, y - line.ascent, run.width.max(0.1), line.ascent * 1.3);
                    link.rects.extend(rect);
                }
                let op = Op::Words(Drawn {
                    x: x + run.x,
                    y,
                    face: run.face,
                    size: style.size,
                    colour: self.colour,
                    emboldened: kind.strong && !self.faces.get(run.face).bold,
                    rtl: run.rtl,
                    glyphs: run.glyphs.clone(),
                    words: Arc::clone(&paragraph.words),
                });
                match mark {
                    Some(mark) => self.pages.draw_as(mark, op),
                    None => self.pages.draw(op),
                }
            }
            y += style.leading;
        }
        (0..inner.map_or(0, |(_, opened)| opened)).for_each(|_| self.close());
        y - style.leading
    }

    /// In a heading or the head of a table all words are strong: nothing more is said of it.
    fn is_loud(&self) -> bool {
        let node = &self.pages.nodes[self.pages.innermost()];
        matches!(node.part, Part::Heading(..) | Part::ColumnHeading | Part::RowHeading)
    }

    /// A paragraph over the whole width, on as many pages as it needs. Neither its first line nor its last is alone on
    /// a page.
    pub(crate) fn paragraph(&mut self, text: &Text, style: Style, gaps: Gaps) {
        if text.is_empty() {
            return;
        }
        let paragraph = self.set(text, style, self.width);
        self.open(Part::Paragraph);
        let (mut from, count) = (0, paragraph.lines.len());
        while from < count {
            let above = if from == 0 { gaps.0 } else { style.leading };
            let (mut to, mut height) = (from, 0.0);
            while to < count {
                let more = paragraph.lines[to].ascent + if to > from { style.leading } else { 0.0 };
                if to > from && !self.has_room(above, height + more) {
                    break;
                }
                height += more;
                to += 1;
            }
            if to - from == 1 && to < count && !self.is_at_top() {
                self.next_page();
                continue;
            }
            if count - to == 1 && to - from > 2 {
                to -= 1;
                height -= paragraph.lines[to].ascent + style.leading;
            }
            let y = self.take(above, height);
            let place = Place { x: self.left, y, width: self.width, side: 0.0 };
            self.put_lines(&paragraph, from..to, place, None);
            from = to;
        }
        self.close();
        self.leave(gaps.1);
    }

    /// A heading, on the page of what follows it, which is at least `follows` high.
    pub(crate) fn heading(
        &mut self,
        level: u16,
        words: &str,
        style: Style,
        gaps: Gaps,
        follows: f32,
        pictogram: Option<Pictogram>,
    ) {
        let indent = if pictogram.is_some() { Pictogram::INDENT } else { 0.0 };
        let (x, width) = (if style.rtl { self.left } else { self.left + indent }, self.width - indent);
        let paragraph = self.set(&Text::strong(words), style, width);
        let height = paragraph.height();
        if !self.has_room(gaps.0, height + gaps.1 + follows) && !self.is_at_top() {
            self.next_page();
        }
        let y = self.take(gaps.0, height);
        if let Some(pictogram) = pictogram {
            let x = if style.rtl { self.left + self.width - Pictogram::WIDTH } else { self.left };
            self.pictogram(pictogram, x, y + paragraph.ascent());
        }
        let page = self.pages.last_page();
        self.pages.bookmarks.push(Bookmark { level, words: words.to_owned(), page, y });
        self.within(Part::Heading(level, words.to_owned()), |flow| {
            flow.put(&paragraph, x, y, width);
        });
        self.leave(gaps.1);
    }

    /// At the foot of every page, not read: these words, and which page it is of how many.
    pub(crate) fn footers(&mut self, words: &str, y: f32, size: f32) {
        let style = Style::french(size, 0.0);
        let count = self.pages.count();
        let mut pages = std::mem::take(&mut self.pages.pages);
        for (n, page) in pages.drain(..).enumerate() {
            self.pages.pages.push(page);
            let number = format!("page {} sur {count}", n + 1);
            for (words, side) in [(words, 0.0), (number.as_str(), 1.0)] {
                let paragraph = self.set(&Text::plain(words), style, self.width);
                let place = Place { x: self.left, y, width: self.width, side };
                self.put_lines(&paragraph, 0..paragraph.lines.len(), place, Some(Mark::Footer));
            }
        }
    }
}

/// Where a paragraph is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) side: f32,
}

/// A page in portrait format.
pub(crate) const A4: (f32, f32) = (210.0 * MM, 297.0 * MM);
