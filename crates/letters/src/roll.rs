//! Lists of who is expected on a day, for the counter (with boxes to tick) and for the door: PDF/A-2a and PDF/UA-1.

use chrono::NaiveDate;
use serde::Serialize;

use super::data::visible;
use super::paper::{INK, LINE, soft};
use super::pdf::Sheets;
use super::typeset::{A4, Cell, Faces, Flow, Gaps, Look, MM, Margins, Style, Text, Width, table};
use super::{Fonts, PdfError};

/// A list. Its texts are shown literally: nothing in them is ever executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Roll {
    /// Title.
    pub title: String,
    /// Author.
    pub author: String,
    /// Footer of each page.
    pub footer: String,
    /// Opening paragraphs.
    pub lead: Vec<String>,
    /// Whether the pages are in landscape format.
    pub landscape: bool,
    /// Names of the columns.
    pub header: Vec<String>,
    /// Their widths in millimetres; `None` takes the remaining width. The same in each part, so that the eye can follow
    /// a column.
    pub widths: Vec<Option<u32>>,
    /// Names of the columns of boxes, to the right of the others.
    pub boxes: Vec<String>,
    /// Parts.
    pub parts: Vec<RollPart>,
}

/// A part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RollPart {
    /// Heading.
    pub heading: String,
    /// Introductory text.
    pub said: Vec<String>,
    /// Lines.
    pub lines: Vec<RollLine>,
}

/// A line of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RollLine {
    /// One text per column.
    pub cells: Vec<String>,
    /// Index of the box already ticked, from 0.
    pub ticked: Option<usize>,
}

impl Roll {
    /// The PDF. `ident` is its identifier, `date` the date it shows. A character that no font has is shown as a
    /// question mark, and does not prevent the list.
    pub fn to_pdf(&self, ident: &str, date: NaiveDate, fonts: &Fonts) -> Result<Vec<u8>, PdfError> {
        match self.printed(&|_| false, ident, date, fonts) {
            Err(PdfError::Glyphs(lacking)) => self.printed(&|c| lacking.contains(&c), ident, date, fonts),
            done => done,
        }
    }

    fn printed(
        &self,
        lacks: &dyn Fn(char) -> bool,
        ident: &str,
        date: NaiveDate,
        fonts: &Fonts,
    ) -> Result<Vec<u8>, PdfError> {
        let shown = |text: &mut String| {
            *text = visible(text).chars().map(|c| if lacks(c) { '?' } else { c }).collect();
        };
        let mut roll = self.clone();
        [&mut roll.title, &mut roll.author, &mut roll.footer].into_iter().for_each(shown);
        roll.lead.iter_mut().chain(&mut roll.header).chain(&mut roll.boxes).for_each(shown);
        for part in &mut roll.parts {
            shown(&mut part.heading);
            part.said.iter_mut().chain(part.lines.iter_mut().flat_map(|line| &mut line.cells)).for_each(shown);
        }
        roll.lay_out(fonts.faces())?.to_pdf(ident, date, fonts.faces(), None)
    }

    fn lay_out(&self, faces: &Faces) -> Result<Sheets, PdfError> {
        let size = if self.landscape { (A4.1, A4.0) } else { A4 };
        let margins = Margins { side: 14.0 * MM, top: 12.0 * MM, bottom: 16.0 * MM };
        let mut flow = Flow::new(faces, size, &margins, INK);
        let text = |size: f32| Style::french(size, 0.5);
        let gaps = Gaps(7.4, 7.4);
        let around = |size: f32| Gaps(1.2 * size, 0.6 * size);
        soft(&mut flow, &self.author, text(9.5), Gaps(0.0, 7.4));
        flow.heading(1, &self.title, text(16.0), around(16.0), 30.0, None);
        for lead in &self.lead {
            flow.paragraph(&Text::plain(lead), text(11.0), gaps);
        }
        let of = |width: &Option<u32>| width.map_or(Width::Share(1.0), |width| Width::Fixed(width as f32 * MM));
        let mut widths: Vec<Width> = self.widths.iter().map(of).collect();
        widths.extend(self.boxes.iter().map(|_| Width::Fixed(18.0 * MM)));
        let texts = self.header.len();
        let sides: Vec<f32> = (0..widths.len()).map(|column| if column < texts { 0.0 } else { 0.5 }).collect();
        let head: Vec<Text> = self.header.iter().chain(&self.boxes).map(|words| Text::strong(words)).collect();
        let look = Look {
            style: text(10.5),
            head_size: 9.0,
            inset: (2.0 * MM, 1.7 * MM),
            head_line: (0.8, INK),
            line: (0.4, LINE),
            is_centred: true,
        };
        for part in &self.parts {
            if !part.heading.is_empty() {
                flow.heading(2, &part.heading, text(12.5), around(12.5), 40.0, None);
            }
            for said in &part.said {
                flow.paragraph(&Text::strong(said), text(10.5), gaps);
            }
            if !part.lines.is_empty() {
                let rows: Vec<Vec<Cell>> = part.lines.iter().map(|line| line.cells(self.boxes.len())).collect();
                table(&mut flow, &widths, &sides, &head, &rows, &look);
            }
        }
        flow.colour = super::paper::SOFT;
        flow.footers(&self.footer, flow.foot() + 5.0 * MM, 8.0);
        let pages = flow.finish().map_err(PdfError::Glyphs)?;
        Ok(Sheets { pages, title: self.title.clone(), author: self.author.clone() })
    }
}

impl RollLine {
    fn cells(&self, boxes: usize) -> Vec<Cell> {
        let texts = self.cells.iter().map(|words| Cell::Text(Text::plain(words)));
        texts.chain((0..boxes).map(|n| Cell::Box(self.ticked == Some(n)))).collect()
    }
}
