//! The framed box of a letter: when, where, at which desk; and the QR code.

use super::{Kind, Letter, MM, Part, Text, pictogram, rectangle, spacing, words_after};
use crate::document::Row;
use crate::typeset::{Flow, Paragraph, Pictogram, Pixels};

/// From the frame to what is in it.
const INSET: (f32, f32) = (4.0 * MM, 3.0 * MM);

/// Between the labels and what is beside them.
const GUTTER: f32 = 5.0 * MM;

/// Between rows.
const BETWEEN: f32 = 2.2 * MM;

/// A row of the frame, set.
struct Entry {
    pictogram: Option<Pictogram>,
    label: Paragraph,
    value: Paragraph,
}

/// A QR code and the verification code below it, for those who cannot scan it.
struct Code {
    pixels: Pixels,
    side: f32,
    alternative: String,
    text: Option<Paragraph>,
}

impl Letter<'_> {
    pub(super) fn frame(&mut self, rows: &[Row], with_qr: bool) {
        if self.sheet.large_print {
            self.large_frame(rows, with_qr);
            return;
        }
        let (left, width, body) = (self.flow.left(), self.flow.width(), self.sizes.body);
        let code = if with_qr { self.code(34.0 * MM) } else { None };
        let inner_width = width - 2.0 * INSET.0;
        let room = inner_width - code.as_ref().map_or(0.0, |code| code.width() + 4.0 * MM);
        // Labels are as wide as they need, values have the rest.
        let style = self.style(body);
        let mut labels = Vec::new();
        for row in rows {
            labels.push(self.flow.set(&Text::plain(&row.label), style, 0.42 * room));
        }
        let wide = rows.iter().zip(&labels).map(|(row, label)| label.width() + indent(row)).fold(0.0, f32::max);
        let value_style = self.style(body * 1.08);
        let value_width = room - wide - GUTTER;
        let mut entries = Vec::new();
        for (row, label) in rows.iter().zip(labels) {
            let value = self.flow.set(&value(row, false), value_style, value_width);
            entries.push(Entry { pictogram: pictogram(row.icon), label, value });
        }
        // An address is never broken: beside its label there is less room than below it.
        if entries.iter().any(|entry| entry.value.is_broken) {
            self.large_frame(rows, with_qr);
            return;
        }
        let height = |entry: &Entry| entry.value.height().max(entry.label.height());
        let gaps = BETWEEN * rows.len().saturating_sub(1) as f32;
        let inner = entries.iter().map(height).sum::<f32>() + gaps;
        let inner = inner.max(code.as_ref().map_or(0.0, Code::height));

        let top = self.flow.take(0.9 * body, inner + 2.0 * INSET.1);
        self.border(top, inner + 2.0 * INSET.1);
        // Reading begins at the left, or at the right.
        let rtl = self.rtl;
        let from_start = |offset: f32, wide: f32| {
            if rtl { left + width - INSET.0 - offset - wide } else { left + INSET.0 + offset }
        };
        self.flow.open(Part::Table);
        self.flow.open(Part::TableBody);
        let mut y = top + INSET.1;
        for entry in &entries {
            let indent = self.sign(entry, from_start(0.0, Pictogram::WIDTH), y);
            self.flow.within(Part::Row, |flow| {
                flow.within(Part::RowHeading, |flow| {
                    flow.put(&entry.label, from_start(indent, wide - indent), y, wide - indent);
                });
                flow.within(Part::Cell, |flow| {
                    flow.put(&entry.value, from_start(wide + GUTTER, value_width), y, value_width);
                });
            });
            y += height(entry) + BETWEEN;
        }
        self.flow.close();
        self.flow.close();
        if let Some(code) = code {
            let y = top + INSET.1 + (inner - code.height()) / 2.0;
            code.put(&mut self.flow, from_start(inner_width - code.width(), code.width()), y);
        }
        self.flow.leave(0.9 * body);
    }

    /// In large print, and where a value has a long word, values are below their labels. As many rows are in one frame
    /// as the page has room for.
    fn large_frame(&mut self, rows: &[Row], with_qr: bool) {
        let body = self.sizes.body;
        let (left, style) = (self.flow.left() + INSET.0, self.style(body));
        let width = self.flow.width() - 2.0 * INSET.0;
        let mut entries = Vec::new();
        for row in rows {
            let label = self.flow.set(&Text::plain(&row.label), style, width - indent(row));
            let value = self.flow.set(&value(row, true), style, width);
            entries.push(Entry { pictogram: pictogram(row.icon), label, value });
        }
        let (gap, between) = (0.9 * body, 0.8 * body);
        let tall = |entry: &Entry| entry.label.height() + style.leading + entry.value.height();
        self.flow.open(Part::Table);
        self.flow.open(Part::TableBody);
        let mut rest = entries.as_slice();
        while !rest.is_empty() {
            let (mut count, mut height) = (0, 2.0 * INSET.1);
            while let Some(entry) = rest.get(count)
                && (count == 0 || self.flow.has_room(gap, height + between + tall(entry)))
            {
                height += tall(entry) + if count > 0 { between } else { 0.0 };
                count += 1;
            }
            let top = self.flow.take(gap, height);
            self.border(top, height);
            let mut y = top + INSET.1;
            for entry in &rest[..count] {
                let x = if self.rtl { left + width - Pictogram::WIDTH } else { left };
                let indent = self.sign(entry, x, y);
                let label_x = if self.rtl { left } else { left + indent };
                let below = y + entry.label.height() + style.leading;
                self.flow.within(Part::Row, |flow| {
                    flow.within(Part::RowHeading, |flow| {
                        flow.put(&entry.label, label_x, y, width - indent);
                    });
                    flow.within(Part::Cell, |flow| {
                        flow.put(&entry.value, left, below, width);
                    });
                });
                y += tall(entry) + between;
            }
            rest = &rest[count..];
        }
        self.flow.close();
        self.flow.close();
        self.flow.leave(gap);
        let side = if self.sheet.large_print { 40.0 * MM } else { 34.0 * MM };
        if let Some(code) = self.code(side).filter(|_| with_qr) {
            let y = self.flow.take(gap, code.height());
            let x = self.flow.left();
            code.put(&mut self.flow, x, y);
            self.flow.leave(spacing(body));
        }
    }

    fn border(&mut self, y: f32, height: f32) {
        let border = rectangle(self.flow.left(), y, self.flow.width(), height, MM);
        self.flow.ornament(border, None, Some((0.6 * MM, self.design.frame())));
    }

    /// The pictogram of a row, at the height of its label. Returns the room that it takes before it.
    fn sign(&mut self, entry: &Entry, x: f32, y: f32) -> f32 {
        let Some(pictogram) = entry.pictogram else { return 0.0 };
        self.flow.pictogram(pictogram, x, y + entry.label.ascent());
        Pictogram::INDENT
    }

    /// The QR code with this side, and its text.
    fn code(&mut self, side: f32) -> Option<Code> {
        let pixels = self.pixels.clone()?;
        let code = self.sheet.code;
        let also = code.map_or_else(String::new, |code| format!(" et code de vérification {code}"));
        let alternative = format!("Code QR : référence {}{also}", self.sheet.reference);
        let style = self.style(self.sizes.small);
        let width = self.flow.width();
        let text = code.map(|code| self.flow.set(&Text::plain(code), style, width));
        Some(Code { pixels, side, alternative, text })
    }
}

impl Code {
    fn height(&self) -> f32 {
        self.side + self.text.as_ref().map_or(0.0, |text| text.height() + MM)
    }

    fn width(&self) -> f32 {
        self.text.as_ref().map_or(0.0, Paragraph::width).max(self.side)
    }

    /// Puts both at `x`, one in the middle below the other.
    fn put(&self, flow: &mut Flow<'_>, x: f32, y: f32) {
        let middle = x + self.width() / 2.0;
        flow.picture(&self.alternative, (middle - self.side / 2.0, y), self.side, self.pixels.clone());
        if let Some(text) = &self.text {
            let wide = text.width();
            flow.within(Part::Paragraph, |flow| {
                flow.put(text, middle - wide / 2.0, y + self.side + MM, wide);
            });
        }
    }
}

/// The room that a row's pictogram takes before its label.
fn indent(row: &Row) -> f32 {
    if row.icon.is_some() { Pictogram::INDENT } else { 0.0 }
}

/// What is beside a label, line by line. A blank ends each line, so that readers do not join words.
fn value(row: &Row, strong: bool) -> Text {
    let mut text = Text::default();
    for line in &row.lines {
        if !text.is_empty() {
            text = text.with(" \n", Kind { strong, ..Kind::default() });
        }
        text = words_after(text, line, strong);
    }
    text
}
