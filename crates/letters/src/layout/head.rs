//! The head of a letter: letterhead, address, date and reference.

use super::{Kind, Letter, Logo, MM, Part, PdfError, Text, natural_width};
use crate::design::Area;

/// A column of the page.
#[derive(Clone, Copy)]
struct Column {
    x: f32,
    width: f32,
}

/// Height of the logo.
const LOGO: f32 = 15.0 * MM;

impl Letter<'_> {
    /// Nothing but the address is where an envelope may be open: letterhead, date and reference are beside that, and
    /// the text begins below it.
    pub(super) fn head(&mut self, logo: &Logo) -> Result<(), PdfError> {
        let window = self.design.window().map_err(PdfError::Failed)?;
        let Area { left, right, bottom, .. } = window.clear;
        let (first, last) = (self.flow.left(), self.flow.left() + self.flow.width());
        let column = if left - first >= last - right {
            Column { x: first, width: left - first }
        } else {
            Column { x: right, width: last - right }
        };
        let y = self.letterhead(logo, column);
        self.address(window.address)?;
        let y = self.dated(column, y + 5.0 * MM, bottom);
        self.flow.go_to(y.max(bottom));
        Ok(())
    }

    /// The logo, and the office below it. Returns where it ends.
    fn letterhead(&mut self, logo: &Logo, Column { x, width }: Column) -> f32 {
        let (office, body, top) = (self.sheet.office, self.sizes.body, self.flow.y());
        let wide = logo.width(LOGO).min(width);
        let tall = LOGO * wide / logo.width(LOGO);
        let lines = Some(&office.service).into_iter().filter(|line| !line.is_empty()).chain(&office.address);
        let plain = self.style(body);
        let name = self.flow.set(&Text::strong(&office.name).with(" ", Kind::strong()), self.style(body * 1.1), width);
        let lines = self.flow.set(&Text::lines(lines.map(String::as_str)), plain, width);
        let alternative = format!("Emblème : {}", office.name);
        self.flow.logo(&alternative, (x, top), (wide, tall));
        let mut bottom = top;
        self.flow.within(Part::Paragraph, |flow| {
            let y = flow.put(&name, x, top + tall + 3.0 * MM, width);
            bottom = flow.put(&lines, x, y + plain.leading, width);
        });
        bottom
    }

    /// Wide or many lines get smaller, and are never cut.
    fn address(&mut self, area: Area) -> Result<(), PdfError> {
        let address = Text::lines(self.sheet.recipient.window.iter().map(String::as_str));
        let (width, height) = (area.right - area.left, area.bottom - area.top);
        let largest = (2.0 * self.sizes.body) as u32;
        let faces = self.flow.faces();
        // Half a point less each time, down to five points.
        for half in (10..=largest).rev() {
            let style = self.style(half as f32 / 2.0);
            if natural_width(faces, &address, style) > width {
                continue;
            }
            let address = self.flow.set(&address, style, width);
            // Accents of capitals, and what is below the last base line.
            let beyond = 0.25 * style.size;
            if address.height() + 2.0 * beyond <= height {
                self.flow.within(Part::Paragraph, |flow| {
                    flow.put(&address, area.left, area.top + beyond, width);
                });
                return Ok(());
            }
        }
        Err(PdfError::Window)
    }

    /// Date and reference, ending at `bottom` if there is room below `top`. Returns where they end.
    fn dated(&mut self, column: Column, top: f32, bottom: f32) -> f32 {
        let reference = Kind { whole: true, ..Kind::strong() };
        let dated =
            Text::plain(&format!("Le {} \nRéférence\u{a0}: ", self.sheet.date)).with(self.sheet.reference, reference);
        let dated = self.flow.set(&dated, self.style(self.sizes.body), column.width);
        let y = top.max(bottom - dated.height());
        self.flow.within(Part::Paragraph, |flow| {
            flow.put(&dated, column.x, y, column.width);
        });
        y + dated.height()
    }
}
