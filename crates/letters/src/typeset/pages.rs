//! Pages: what is drawn where, and what it means to someone who listens.

use std::ops::Range;
use std::sync::Arc;

use krilla::geom::{Path, Rect};

use super::face::Glyph;

/// Red, green, blue.
pub(crate) type Colour = [u8; 3];

/// What a part of a text is (ISO 32000-1, 14.8.4).
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Paragraph,
    /// Its level, from 1, and its words.
    Heading(u16, String),
    List,
    ListItem,
    ListLabel,
    ListBody,
    Table,
    TableHead,
    TableBody,
    Row,
    /// A heading of its column.
    ColumnHeading,
    /// A heading of its row.
    RowHeading,
    Cell,
    /// A picture and what it shows.
    Figure(String),
    Strong,
    /// Words in another language.
    Span,
    Link,
    Section,
}

/// A part, and what is in it, in reading order.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) part: Part,
    pub(super) language: Option<Arc<str>>,
    /// Where a figure is: the index of its page, and its place there.
    pub(super) place: Option<(usize, Rect)>,
    pub(super) children: Vec<Child>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Child {
    Node(usize),
    Leaf(usize),
    Link(usize),
}

/// Words as they are drawn: one face, kind and direction.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) face: u8,
    pub(super) size: f32,
    pub(super) colour: Colour,
    /// Strong, in a face that is not: its outlines are drawn too.
    pub(super) emboldened: bool,
    pub(super) rtl: bool,
    pub(super) glyphs: Vec<(Range<usize>, Glyph)>,
    /// What the ranges are of.
    pub(super) words: Arc<str>,
}

/// A square picture of black and white modules, one byte each.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(crate) struct Pixels {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) side: usize,
}

pub(super) enum Op {
    Words(Drawn),
    Path { path: Path, fill: Option<Colour>, stroke: Option<(f32, Colour)> },
    Logo { x: f32, y: f32, height: f32 },
    Pixels { pixels: Pixels, x: f32, y: f32, side: f32 },
}

/// Whether what is drawn is part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// The leaf of this number.
    Leaf(usize),
    /// Repeated on each page; not read.
    Footer,
    /// Not read.
    Ornament,
}

pub(super) struct Marked {
    pub(super) mark: Mark,
    pub(super) ops: Vec<Op>,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) number: usize,
    pub(super) rects: Vec<Rect>,
    pub(super) target: Arc<str>,
    pub(super) words: String,
}

#[derive(Default)]
pub(super) struct Page {
    pub(super) marked: Vec<Marked>,
    pub(super) links: Vec<Link>,
}

/// A heading, for the outline.
#[derive(Debug)]
pub(super) struct Bookmark {
    pub(super) level: u16,
    pub(super) words: String,
    pub(super) page: usize,
    pub(super) y: f32,
}

/// Pages that are not written to a file yet.
pub(crate) struct Pages {
    pub(super) pages: Vec<Page>,
    /// The first is the root.
    pub(super) nodes: Vec<Node>,
    pub(super) leaves: usize,
    pub(super) links: usize,
    pub(super) bookmarks: Vec<Bookmark>,
    pub(super) size: (f32, f32),
    /// Indices of the nodes that are open, the root first.
    open: Vec<usize>,
}

impl Node {
    fn new(part: Part, language: Option<Arc<str>>) -> Self {
        Self { part, language, place: None, children: Vec::new() }
    }
}

impl Pages {
    /// One empty page, of this width and height.
    pub(super) fn new(size: (f32, f32)) -> Self {
        Self {
            pages: vec![Page::default()],
            nodes: vec![Node::new(Part::Section, None)],
            leaves: 0,
            links: 0,
            bookmarks: Vec::new(),
            size,
            open: vec![0],
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.pages.len()
    }

    /// All that is read on them, without blanks: lines may be broken anywhere.
    pub(crate) fn said(&self) -> String {
        let ops = self.pages.iter().flat_map(|page| &page.marked).flat_map(|marked| &marked.ops);
        let words = ops.filter_map(|op| if let Op::Words(drawn) = op { Some(drawn) } else { None });
        words.flat_map(Drawn::read).filter(|c| !c.is_whitespace()).collect()
    }

    /// Words and pictures on the first page: left, top, right, bottom, what is read there, and in which size.
    #[cfg(test)]
    pub(crate) fn drawn_on_first(&self) -> Vec<([f32; 4], String, f32)> {
        let ops = self.pages[0].marked.iter().flat_map(|marked| &marked.ops);
        let place = |op: &Op| match op {
            Op::Words(drawn) => {
                let ends = drawn.glyphs.iter().map(|(_, glyph)| glyph.x + glyph.dx + glyph.advance);
                let right = drawn.x + ends.fold(0.0, f32::max) * drawn.size;
                // Accents of capitals, and what is below the base line.
                let (above, below) = (0.95 * drawn.size, 0.25 * drawn.size);
                Some(([drawn.x, drawn.y - above, right, drawn.y + below], drawn.read().collect(), drawn.size))
            }
            Op::Path { .. } => None,
            // At least as wide as high.
            Op::Logo { x, y, height } => Some(([*x, *y, x + height, y + height], String::new(), 0.0)),
            Op::Pixels { x, y, side, .. } => Some(([*x, *y, x + side, y + side], String::new(), 0.0)),
        };
        ops.filter_map(place).collect()
    }

    pub(super) fn last_page(&self) -> usize {
        self.pages.len() - 1
    }

    pub(super) fn page(&mut self) -> &mut Page {
        // Unwrap safety: there is one from the beginning, and none is ever removed.
        self.pages.last_mut().expect("a page")
    }

    /// Begins a part within the one that is open.
    pub(super) fn open(&mut self, part: Part, language: Option<Arc<str>>) -> usize {
        let id = self.nodes.len();
        self.nodes.push(Node::new(part, language));
        let parent = self.innermost();
        self.nodes[parent].children.push(Child::Node(id));
        self.open.push(id);
        id
    }

    pub(super) fn close(&mut self) {
        self.open.pop();
    }

    /// The part that is open.
    pub(super) fn innermost(&self) -> usize {
        self.open.last().copied().unwrap_or_default()
    }

    /// Draws outside the text.
    pub(super) fn draw_as(&mut self, mark: Mark, op: Op) {
        match self.page().marked.last_mut() {
            Some(last) if last.mark == mark => last.ops.push(op),
            _ => self.page().marked.push(Marked { mark, ops: vec![op] }),
        }
    }

    /// Draws in the part that is open. What follows in the same part of the same page is one leaf.
    pub(super) fn draw(&mut self, op: Op) {
        let node = self.innermost();
        let last = self.page().marked.last().map(|marked| marked.mark);
        let mark = match (last, self.nodes[node].children.last()) {
            (Some(Mark::Leaf(leaf)), Some(Child::Leaf(other))) if leaf == *other => Mark::Leaf(leaf),
            _ => {
                let leaf = self.leaves;
                self.leaves += 1;
                self.nodes[node].children.push(Child::Leaf(leaf));
                Mark::Leaf(leaf)
            }
        };
        self.draw_as(mark, op);
    }

    /// Begins a link within the part that is open.
    pub(super) fn link(&mut self, target: Arc<str>, words: String) {
        let node = self.open(Part::Link, None);
        let number = self.links;
        self.links += 1;
        self.nodes[node].children.push(Child::Link(number));
        self.page().links.push(Link { number, rects: Vec::new(), target, words });
    }
}

impl Drawn {
    /// The characters that are read.
    fn read(&self) -> impl Iterator<Item = char> {
        use super::face::Role;
        let read = self.glyphs.iter().filter(|(_, glyph)| glyph.role != Role::Shape);
        read.flat_map(|(range, _)| self.words[range.clone()].chars())
    }
}
