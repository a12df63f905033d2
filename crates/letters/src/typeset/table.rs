//! Tables: columns of texts or of boxes to tick, over as many pages as they need, with their head on each.

use std::ops::Range;

use super::figures::{rectangle, segment};
use super::flow::{Flow, Place};
use super::lines::{Paragraph, natural_width};
use super::pages::{Colour, Part};
use super::text::MM;
use super::text::{Style, Text};

/// How wide a column is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Width {
    /// As its widest text, if there is room.
    Auto,
    /// A share of what the others leave.
    Share(f32),
    /// In points.
    Fixed(f32),
}

/// What is in a cell.
pub(crate) enum Cell {
    Text(Text),
    /// A box to tick, ticked or not.
    Box(bool),
}

/// How a table looks.
pub(crate) struct Look {
    pub(crate) style: Style,
    pub(crate) head_size: f32,
    /// Beside and above a text.
    pub(crate) inset: (f32, f32),
    /// Thickness and colour of the line below the head.
    pub(crate) head_line: (f32, Colour),
    /// The same below the other rows.
    pub(crate) line: (f32, Colour),
    /// Whether texts are in the middle of their row's height.
    pub(crate) is_centred: bool,
}

/// Sides of a box to tick.
const BOX: f32 = 4.6 * MM;

/// A table over the whole width. `sides` is 0 for a column whose texts begin at its left, 1 for one that ends at its
/// right, one half for one in the middle.
pub(crate) fn table(
    flow: &mut Flow<'_>,
    widths: &[Width],
    sides: &[f32],
    head: &[Text],
    rows: &[Vec<Cell>],
    look: &Look,
) {
    let widths = resolve(flow, widths, head, rows, look);
    let style = Style { size: look.head_size, ..look.style };
    let set = head.iter().zip(&widths).map(|(text, width)| flow.set(text, style, width - 2.0 * look.inset.0)).collect();
    let mut table = Table { flow, widths, sides, head: set, look };
    table.begin();
    for row in rows {
        table.row(row);
    }
    table.end();
}

struct Table<'a, 'f> {
    flow: &'a mut Flow<'f>,
    widths: Vec<f32>,
    sides: &'a [f32],
    head: Vec<Paragraph>,
    look: &'a Look,
}

impl Table<'_, '_> {
    fn head_height(&self) -> f32 {
        self.head.iter().map(Paragraph::height).fold(0.0, f32::max) + 2.0 * self.look.inset.1
    }

    fn begin(&mut self) {
        let (above, height) = (self.look.style.size, self.head_height());
        // A head alone at the end of a page would be the head of nothing.
        let first = self.look.style.size + 2.0 * self.look.inset.1;
        if !self.flow.has_room(above, height + first) {
            self.flow.next_page();
        }
        self.flow.open(Part::Table);
        self.flow.open(Part::TableHead);
        self.flow.open(Part::Row);
        let y = self.flow.take(above, height);
        self.draw_head(y, false);
        self.flow.close();
        self.flow.close();
        self.flow.open(Part::TableBody);
    }

    fn end(self) {
        self.flow.close();
        self.flow.close();
        self.flow.leave(self.look.style.size);
    }

    fn draw_head(&mut self, y: f32, is_repeated: bool) {
        let (beside, above) = self.look.inset;
        let mut x = self.flow.left();
        for ((head, width), side) in self.head.iter().zip(&self.widths).zip(self.sides) {
            let place = Place { x: x + beside, y: y + above, width: width - 2.0 * beside, side: *side };
            if is_repeated {
                self.flow.repeat(head, place);
            } else {
                self.flow.within(Part::ColumnHeading, |flow| flow.put_at(head, place));
            }
            x += width;
        }
        let (thickness, colour) = self.look.head_line;
        let below = y + self.head_height();
        self.flow.rule(self.flow.left(), below, self.widths.iter().sum(), thickness, colour);
    }

    fn next_page(&mut self) {
        self.flow.next_page();
        let y = self.flow.take(0.0, self.head_height());
        self.draw_head(y, true);
    }

    /// A row, whole on one page. One that no page can hold is several rows.
    fn row(&mut self, row: &[Cell]) {
        let (beside, above) = self.look.inset;
        let mut set = Vec::new();
        for (cell, width) in row.iter().zip(&self.widths) {
            set.push(match cell {
                Cell::Text(text) => Some(self.flow.set(text, self.look.style, width - 2.0 * beside)),
                Cell::Box(_) => None,
            });
        }
        let mut from = vec![0; set.len()];
        let mut is_fresh = false;
        loop {
            let rest: Vec<_> = set.iter().zip(&from).map(|(cell, from)| *from..count(cell.as_ref())).collect();
            let height = rest.iter().zip(&set).map(|(lines, cell)| height(cell.as_ref(), lines)).fold(0.0, f32::max);
            if self.flow.has_room(0.0, height + 2.0 * above) {
                self.draw_row(row, &set, &rest, height);
                return;
            }
            if !is_fresh {
                self.next_page();
                is_fresh = true;
                continue;
            }
            let fits = |flow: &Flow<'_>, cell: Option<&Paragraph>, lines: &Range<usize>| {
                let fits = |end: &usize| flow.has_room(0.0, self::height(cell, &(lines.start..*end)) + 2.0 * above);
                (lines.start + 1..=lines.end).take_while(fits).last().unwrap_or((lines.start + 1).min(lines.end))
            };
            let part: Vec<_> =
                rest.iter().zip(&set).map(|(lines, cell)| lines.start..fits(self.flow, cell.as_ref(), lines)).collect();
            let height =
                part.iter().zip(&set).map(|(lines, cell)| self::height(cell.as_ref(), lines)).fold(0.0, f32::max);
            self.draw_row(row, &set, &part, height);
            from = part.iter().map(|lines| lines.end).collect();
            if set.iter().zip(&from).all(|(cell, from)| *from >= count(cell.as_ref())) {
                return;
            }
            self.next_page();
        }
    }

    fn draw_row(&mut self, row: &[Cell], set: &[Option<Paragraph>], lines: &[Range<usize>], inner: f32) {
        let (beside, above) = self.look.inset;
        let height = inner + 2.0 * above;
        let y = self.flow.take(0.0, height);
        self.flow.open(Part::Row);
        let mut x = self.flow.left();
        for (n, cell) in row.iter().enumerate() {
            let width = self.widths[n];
            self.flow.open(Part::Cell);
            match (cell, &set[n]) {
                (Cell::Box(is_ticked), _) => {
                    self.draw_box(x + (width - BOX) / 2.0, y + (height - BOX) / 2.0, *is_ticked);
                }
                (_, Some(text)) => {
                    let spare = inner - self::height(Some(text), &lines[n]);
                    let down = if self.look.is_centred { spare / 2.0 } else { 0.0 };
                    let (side, width) = (self.sides[n], width - 2.0 * beside);
                    let place = Place { x: x + beside, y: y + above + down, width, side };
                    self.flow.put_part(text, lines[n].clone(), place);
                }
                _ => {}
            }
            self.flow.close();
            x += width;
        }
        self.flow.close();
        let (thickness, colour) = self.look.line;
        self.flow.rule(self.flow.left(), y + height, self.widths.iter().sum(), thickness, colour);
    }

    fn draw_box(&mut self, x: f32, y: f32, is_ticked: bool) {
        let ink = self.flow.colour;
        self.flow.ornament(rectangle(x, y, BOX, BOX, 0.4 * MM), None, Some((0.8, ink)));
        if is_ticked {
            let (left, right, top, bottom) = (x + MM, x + BOX - MM, y + MM, y + BOX - MM);
            self.flow.ornament(segment((left, top), (right, bottom)), None, Some((1.2, ink)));
            self.flow.ornament(segment((right, top), (left, bottom)), None, Some((1.2, ink)));
        }
    }
}

fn count(cell: Option<&Paragraph>) -> usize {
    cell.map_or(1, |text| text.lines.len())
}

/// Height of some lines of a cell.
fn height(cell: Option<&Paragraph>, lines: &Range<usize>) -> f32 {
    let Some(text) = cell else { return BOX };
    let gaps = lines.len().saturating_sub(1) as f32 * text.style.leading;
    text.lines[lines.clone()].iter().map(|line| line.ascent).sum::<f32>() + gaps
}

/// Fixed columns first; then those as wide as their texts, each at most an equal part of what is left; the shares
/// divide the rest.
fn resolve(flow: &Flow<'_>, widths: &[Width], head: &[Text], rows: &[Vec<Cell>], look: &Look) -> Vec<f32> {
    let head_style = Style { size: look.head_size, ..look.style };
    let fixed = |width: &Width| if let Width::Fixed(width) = width { Some(*width) } else { None };
    let mut found: Vec<Option<f32>> = widths.iter().map(fixed).collect();
    let mut left = flow.width() - found.iter().flatten().sum::<f32>();
    let mut wanted = Vec::new();
    for (column, _) in widths.iter().enumerate().filter(|(_, width)| **width == Width::Auto) {
        let mut natural = natural_width(flow.faces(), &head[column], head_style);
        for row in rows {
            if let Some(Cell::Text(text)) = row.get(column) {
                natural = natural.max(natural_width(flow.faces(), text, look.style));
            }
        }
        wanted.push((column, natural + 2.0 * look.inset.0));
    }
    wanted.sort_by(|a, b| a.1.total_cmp(&b.1));
    let share = |width: &Width| if let Width::Share(share) = width { *share } else { 0.0 };
    let shares: f32 = widths.iter().map(share).sum();
    // Columns that share keep a quarter at least.
    let mut room = if shares > 0.0 { left * 0.75 } else { left };
    for (n, (column, natural)) in wanted.iter().enumerate() {
        let width = natural.min(room / (wanted.len() - n) as f32);
        found[*column] = Some(width);
        room -= width;
        left -= width;
    }
    let of = |(width, found): (&Width, Option<f32>)| found.unwrap_or_else(|| left * share(width) / shares.max(0.001));
    widths.iter().zip(found).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::super::flow::{A4, Margins};
    use super::super::pages::{Child, Node};
    use super::*;
    use crate::Fonts;

    const LOOK: Look = Look {
        style: Style { size: 10.0, leading: 5.0, rtl: false, language: "fr" },
        head_size: 9.0,
        inset: (3.0, 3.0),
        head_line: (0.4, [0; 3]),
        line: (0.4, [0; 3]),
        is_centred: false,
    };

    fn flow() -> Flow<'static> {
        let margins = Margins { side: 50.0, top: 50.0, bottom: 50.0 };
        Flow::new(Fonts::embedded().faces(), A4, &margins, [0; 3])
    }

    fn rows(texts: impl IntoIterator<Item = String>) -> Vec<Vec<Cell>> {
        let cell = |text: String| vec![Cell::Text(Text::plain(&text)), Cell::Text(Text::plain("12")), Cell::Box(true)];
        texts.into_iter().map(cell).collect()
    }

    fn laid_out(rows: &[Vec<Cell>]) -> super::super::pages::Pages {
        let mut flow = flow();
        let head = ["Nom", "Places", "Venu"].map(Text::strong);
        let widths = [Width::Share(1.0), Width::Auto, Width::Fixed(40.0)];
        table(&mut flow, &widths, &[0.0, 1.0, 0.5], &head, rows, &LOOK);
        flow.finish().unwrap()
    }

    fn count(nodes: &[Node], part: &Part) -> usize {
        nodes.iter().filter(|node| node.part == *part).count()
    }

    #[test]
    fn a_table_over_pages_has_its_head_on_each_but_it_is_read_once() {
        let pages = laid_out(&rows((0..90).map(|n| format!("Ligne {n}"))));
        assert_eq!(pages.count(), 3);
        assert_eq!(count(&pages.nodes, &Part::Row), 91);
        assert_eq!(count(&pages.nodes, &Part::ColumnHeading), 3);
        // Drawn on each page, though.
        assert_eq!(pages.said().matches("Places").count(), 3);
    }

    #[test]
    fn a_row_is_on_one_page_unless_no_page_can_hold_it() {
        let long = "mot ".repeat(60);
        let pages = laid_out(&rows(vec![long.clone(); 30]));
        let split = |pages: &super::super::pages::Pages| {
            let cells = pages.nodes.iter().filter(|node| node.part == Part::Cell);
            cells.filter(|cell| cell.children.iter().filter(|c| matches!(c, Child::Leaf(_))).count() > 1).count()
        };
        assert_eq!((count(&pages.nodes, &Part::Row), split(&pages)), (31, 0));

        let endless = laid_out(&rows(["mot ".repeat(4_000)]));
        assert!(endless.count() > 2 && count(&endless.nodes, &Part::Row) > 2);
        assert_eq!(endless.said().matches("mot").count(), 4_000);
    }

    #[test]
    fn columns_take_the_width_between_them() {
        let widths = [Width::Share(1.0), Width::Auto, Width::Fixed(40.0)];
        let head = ["Nom", "Places", "Venu"].map(Text::strong);
        let flow = flow();
        let found = resolve(&flow, &widths, &head, &rows(["x".into()]), &LOOK);
        assert!((found.iter().sum::<f32>() - flow.width()).abs() < 0.01);
        assert!((found[2] - 40.0).abs() < 0.01 && found[1] < 60.0 && found[0] > 300.0, "{found:?}");
    }
}
