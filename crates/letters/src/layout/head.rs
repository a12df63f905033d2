//! The head of a letter: letterhead, address, date and reference.

use super::{Kind, Letter, Logo, MM, Part, PdfError, Text, natural_width};
use crate::typeset::Gaps;

impl Letter<'_> {
    pub(super) fn head(&mut self, logo: &Logo) -> Result<(), PdfError> {
        let (left, top) = (self.flow.left(), self.flow.y());
        let height = self.letterhead(logo);
        let style = self.style(self.sizes.body);
        let reference = Kind { whole: true, ..Kind::strong() };
        let dated =
            Text::plain(&format!("Le {} \nRéférence\u{a0}: ", self.sheet.date)).with(self.sheet.reference, reference);
        let window = Text::lines(self.sheet.recipient.window.iter().map(String::as_str));
        if self.sheet.large_print {
            self.flow.go_to(top + height);
            self.flow.paragraph(&window, style, Gaps(8.0 * MM, 0.0));
            self.flow.paragraph(&dated, style, Gaps(8.0 * MM, 0.0));
            return Ok(());
        }
        self.window(&window, left + 86.0 * MM, top + 34.0 * MM)?;
        let width = 80.0 * MM;
        let dated = self.flow.set(&dated, style, width);
        self.flow.within(Part::Paragraph, |flow| {
            flow.put(&dated, left, top + 57.0 * MM - dated.height(), width);
        });
        self.flow.go_to(top + 57.0 * MM);
        Ok(())
    }

    /// The logo, and beside it the office. Returns its height.
    fn letterhead(&mut self, logo: &Logo) -> f32 {
        let (office, body) = (self.sheet.office, self.sizes.body);
        let (left, top) = (self.flow.left(), self.flow.y());
        let tall = 15.0 * MM;
        let beside = logo.width(tall) + 4.0 * MM;
        let room = if self.sheet.large_print { self.flow.width() } else { 80.0 * MM } - beside;
        let lines = Some(&office.service).into_iter().filter(|line| !line.is_empty()).chain(&office.address);
        let (strong, plain) = (self.style(body * 1.15), self.style(body));
        let name = self.flow.set(&Text::strong(&office.name).with(" ", Kind::strong()), strong, room);
        let lines = self.flow.set(&Text::lines(lines.map(String::as_str)), plain, room);
        let text = name.height() + plain.leading + lines.height();
        let height = text.max(tall);
        let alternative = format!("Emblème : {}", office.name);
        self.flow.logo(&alternative, (left, top + (height - tall) / 2.0), (logo.width(tall), tall));
        let (x, y) = (left + beside, top + (height - text) / 2.0);
        self.flow.within(Part::Paragraph, |flow| {
            let y = flow.put(&name, x, y, room);
            flow.put(&lines, x, y + plain.leading, room);
        });
        height
    }

    /// The window: 20 mm from the right edge, 45 to 80 mm from the top. Wide lines get smaller, and are never cut.
    fn window(&mut self, address: &Text, x: f32, y: f32) -> Result<(), PdfError> {
        let width = 86.0 * MM;
        // Half a point less each time, down to five points.
        let fits = |size: &f32| natural_width(self.flow.faces(), address, self.style(*size)) <= width;
        let size = (10..=19).rev().map(|half| half as f32 / 2.0).find(fits).ok_or(PdfError::Window)?;
        let address = self.flow.set(address, self.style(size), width);
        self.flow.within(Part::Paragraph, |flow| {
            flow.put(&address, x, y, width);
        });
        Ok(())
    }
}
