//! The blocks of a text: headings, paragraphs, lists.

use super::{Block, INK, Letter, MM, Part, Span, Style, Text, length, pictogram, words};
use crate::typeset::{Gaps, Paragraph};

/// More items than this are in two columns.
const ONE_COLUMN_MAX: usize = 5;

impl Letter<'_> {
    pub(super) fn blocks(&mut self, blocks: &[Block], with_qr: bool) {
        let (mut size, body) = (self.sizes.body, self.sizes.body);
        // The same between small blocks.
        let gap = self.sizes.spacing;
        for block in blocks {
            let style = self.style(size);
            match block {
                Block::Mentions => {
                    size = self.sizes.small;
                    let y = self.flow.take(gap + 0.4 * body, 0.0);
                    self.flow.rule(self.flow.left(), y, self.flow.width(), 0.25 * MM, INK);
                    self.flow.leave(gap);
                }
                Block::Heading { icon, text } => {
                    let scale = 1.2 * size / body;
                    let gaps = Gaps(self.sizes.heading.0 * scale, self.sizes.heading.1 * scale);
                    let style = self.style(size * 1.26);
                    self.flow.heading(2, text, style, gaps, 2.0 * size, pictogram(*icon));
                }
                Block::Paragraph { spans } => self.flow.paragraph(&words(spans), style, Gaps(gap, gap)),
                Block::List { items } => self.list(items, style, gap),
                Block::Box { rows } => self.frame(rows, with_qr),
            }
        }
    }

    fn list(&mut self, items: &[Vec<Span>], style: Style, gap: f32) {
        self.flow.open(Part::List);
        if items.len() > ONE_COLUMN_MAX && !self.sheet.large_print {
            self.two_columns(items, self.style(style.size - 0.6), gap);
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

    /// Many items: in two columns of about the same height, whose items are read one column after the other.
    fn two_columns(&mut self, items: &[Vec<Span>], style: Style, gap: f32) {
        let (left, wide) = (self.flow.left(), (self.flow.width() - 5.0 * MM) / 2.0);
        let tall = |item: &[Span]| length(item) + 25;
        let half = items.iter().map(|item| tall(item)).sum::<usize>() / 2;
        let (mut columns, mut sum) = ([Vec::new(), Vec::new()], 0);
        for item in items {
            columns[usize::from(sum + tall(item) / 2 > half)].push(self.item(item, style, wide));
            sum += tall(item);
        }
        let height = |column: &[Item]| {
            column.iter().map(|item| item.body.height() + between(style)).sum::<f32>() - between(style)
        };
        let top = self.flow.take(gap, columns.iter().map(|column| height(column)).fold(0.0, f32::max));
        for (n, column) in columns.iter().enumerate() {
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

/// Between the items of a list.
fn between(style: Style) -> f32 {
    0.5 * style.size
}
