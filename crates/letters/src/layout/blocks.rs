//! The blocks of a text: headings, paragraphs, lists.

use super::{Block, Letter, MM, Part, Span, Style, Text, pictogram, spacing, words};
use crate::typeset::{Gaps, Paragraph};

/// More items than this are in two columns.
const ONE_COLUMN_MAX: usize = 5;

impl Letter<'_> {
    /// Blocks in this size. The QR code is in the frame of the French text.
    pub(super) fn blocks(&mut self, blocks: &[Block], size: f32) {
        let (style, gap) = (self.style(size), spacing(size));
        for block in blocks {
            match block {
                Block::Heading { icon, text } => {
                    let style = self.style(size * 1.18);
                    self.flow.heading(2, text, style, Gaps(1.1 * size, 0.55 * size), 2.0 * size, pictogram(*icon));
                }
                Block::Paragraph { spans } => self.flow.paragraph(&words(spans), style, Gaps(gap, gap)),
                Block::List { items } => self.list(items, style, gap),
                Block::Box { rows } => self.frame(rows, self.language == "fr"),
            }
        }
    }

    fn list(&mut self, items: &[Vec<Span>], style: Style, gap: f32) {
        self.flow.open(Part::List);
        if items.len() > ONE_COLUMN_MAX && !self.sheet.large_print {
            self.two_columns(items, style, gap);
        } else {
            let (left, width) = (self.flow.left(), self.flow.width());
            for (n, item) in items.iter().enumerate() {
                let item = self.item(item, style, width);
                let y = self.flow.take(if n == 0 { gap } else { between(style) }, item.body.height());
                self.put_item(&item, left, y, width);
            }
        }
        self.flow.close();
        self.flow.leave(gap);
    }

    /// Many items: in two columns of about the same height, whose items are read one column after the other. What a
    /// page has no room for is in two columns on the next one.
    fn two_columns(&mut self, items: &[Vec<Span>], style: Style, gap: f32) {
        let wide = (self.flow.width() - 5.0 * MM) / 2.0;
        let mut set = Vec::with_capacity(items.len());
        for item in items {
            set.push(self.item(item, style, wide));
        }
        let (mut rest, mut above) = (set.as_slice(), gap);
        while !rest.is_empty() {
            let fits = |count: &usize| self.flow.has_room(above, Columns::of(&rest[..*count], style).height);
            match (1..=rest.len()).rev().find(fits) {
                None if !self.flow.is_at_top() => self.flow.next_page(),
                // An item that no page has room for goes over its edge: a list of documents has none.
                count => {
                    let (now, later) = rest.split_at(count.unwrap_or(1));
                    self.put_columns(now, style, above);
                    (rest, above) = (later, between(style));
                }
            }
        }
    }

    fn put_columns(&mut self, items: &[Item], style: Style, above: f32) {
        let (left, wide) = (self.flow.left(), (self.flow.width() - 5.0 * MM) / 2.0);
        let columns = Columns::of(items, style);
        let top = self.flow.take(above, columns.height);
        for (n, column) in [&items[..columns.first], &items[columns.first..]].into_iter().enumerate() {
            let is_right = (n == 1) != self.rtl;
            let x = if is_right { left + wide + 5.0 * MM } else { left };
            let mut y = top;
            for item in column {
                self.put_item(item, x, y, wide);
                y += item.body.height() + between(style);
            }
        }
    }

    fn item(&mut self, item: &[Span], style: Style, width: f32) -> Item {
        let mark = self.flow.set(&Text::plain("•"), style, width);
        let indent = MM + mark.width() + 0.5 * style.size;
        Item { mark, body: self.flow.set(&words(item), style, width - indent), indent }
    }

    fn put_item(&mut self, item: &Item, x: f32, y: f32, width: f32) {
        let rtl = self.rtl;
        self.flow.within(Part::ListItem, |flow| {
            flow.within(Part::ListLabel, |flow| {
                flow.put(&item.mark, if rtl { x } else { x + MM }, y, width - MM);
            });
            flow.within(Part::ListBody, |flow| {
                flow.put(&item.body, if rtl { x } else { x + item.indent }, y, width - item.indent);
            });
        });
    }
}

/// An item of a list.
struct Item {
    mark: Paragraph,
    body: Paragraph,
    indent: f32,
}

/// Items in two columns.
struct Columns {
    /// Items of the first.
    first: usize,
    /// Of the higher one.
    height: f32,
}

impl Columns {
    /// The split with the least height; the first column is at least as long as any other split would make it.
    fn of(items: &[Item], style: Style) -> Self {
        let height = |column: &[Item]| {
            let gaps = between(style) * column.len().saturating_sub(1) as f32;
            column.iter().map(|item| item.body.height()).sum::<f32>() + gaps
        };
        let split = |first: usize| Self { first, height: height(&items[..first]).max(height(&items[first..])) };
        let splits = (0..=items.len()).rev().map(split);
        splits.min_by(|a, b| a.height.total_cmp(&b.height)).unwrap_or(Self { first: 0, height: 0.0 })
    }
}

/// Between the items of a list.
fn between(style: Style) -> f32 {
    0.5 * style.size
}
