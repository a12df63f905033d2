//! Documents of text and tables, as PDF/A-2a and PDF/UA-1: the report of a run, and the data known about a person.

use chrono::NaiveDate;
use serde::Serialize;

use super::pdf::Sheets;
use super::typeset::{A4, Cell, Colour, Faces, Flow, Gaps, Look, MM, Margins, Style, Text, Width, table};
use super::{Fonts, PdfError};

/// Colour of text.
pub(super) const INK: Colour = [0x1d, 0x22, 0x26];
/// Colour of what is less important.
pub(super) const SOFT: Colour = [0x5a, 0x61, 0x67];
/// Colour of the lines of tables.
pub(super) const LINE: Colour = [0xb9, 0xb5, 0xaa];

/// A document. Its texts are shown literally: nothing in them is ever executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Document {
    /// Title.
    pub title: String,
    /// Author.
    pub author: String,
    /// Footer of each page.
    pub footer: String,
    /// Opening paragraphs.
    pub lead: Vec<String>,
    /// Parts.
    pub sections: Vec<Section>,
}

/// A part of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Heading.
    pub heading: String,
    /// Paragraphs.
    pub text: Vec<String>,
    /// Tables.
    pub tables: Vec<Table>,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Caption.
    pub caption: String,
    /// Names of the columns.
    pub header: Vec<String>,
    /// Whether each column is numeric.
    pub numeric: Vec<bool>,
    /// Rows.
    pub rows: Vec<Vec<String>>,
    /// Number of rows left out.
    pub more: u64,
}

impl Table {
    /// A table whose first column labels the rows and whose other columns are numeric.
    pub fn of_figures(caption: impl Into<String>, header: &[&str], rows: Vec<Vec<String>>) -> Self {
        let numeric = (0..header.len()).map(|column| column > 0).collect();
        Self { caption: caption.into(), header: header.iter().map(|&h| h.to_owned()).collect(), numeric, rows, more: 0 }
    }

    /// A table of text.
    pub fn of_words(caption: impl Into<String>, header: &[&str], rows: Vec<Vec<String>>) -> Self {
        Self { numeric: vec![false; header.len()], ..Self::of_figures(caption, header, rows) }
    }
}

impl Document {
    /// The same document with `change` applied to each text.
    #[must_use]
    pub fn map_texts(self, change: &dyn Fn(&str) -> String) -> Self {
        let all = |texts: Vec<String>| -> Vec<String> { texts.iter().map(|text| change(text)).collect() };
        let table = |t: Table| Table {
            caption: change(&t.caption),
            header: all(t.header),
            rows: t.rows.into_iter().map(all).collect(),
            ..t
        };
        let section = |s: Section| Section {
            heading: change(&s.heading),
            text: all(s.text),
            tables: s.tables.into_iter().map(table).collect(),
        };
        Self {
            title: change(&self.title),
            author: change(&self.author),
            footer: change(&self.footer),
            lead: all(self.lead),
            sections: self.sections.into_iter().map(section).collect(),
        }
    }

    /// The PDF. `ident` is its permanent identifier, `date` the date it shows.
    pub fn to_pdf(&self, ident: &str, date: NaiveDate, fonts: &Fonts) -> Result<Vec<u8>, PdfError> {
        self.lay_out(fonts.faces())?.to_pdf(ident, date, fonts.faces(), None)
    }

    fn lay_out(&self, faces: &Faces) -> Result<Sheets, PdfError> {
        let margins = Margins { side: 18.0 * MM, top: 16.0 * MM, bottom: 18.0 * MM };
        let mut flow = Flow::new(faces, A4, &margins, INK);
        let gaps = Gaps(7.6, 7.6);
        let around = |size: f32| Gaps(1.5 * size, 0.7 * size);
        soft(&mut flow, &self.author, text(9.5), Gaps(0.0, 7.6));
        flow.heading(1, &self.title, text(17.0), around(17.0), 30.0, None);
        for lead in &self.lead {
            flow.paragraph(&Text::plain(lead), text(11.0), gaps);
        }
        for section in &self.sections {
            flow.heading(2, &section.heading, text(12.5), around(12.5), 40.0, None);
            for said in &section.text {
                flow.paragraph(&Text::plain(said), text(9.5), gaps);
            }
            for table in &section.tables {
                flow.heading(3, &table.caption, text(10.0), around(10.0), 40.0, None);
                table.lay_out(&mut flow);
                if table.more > 0 {
                    let more = format!("… et {} autres, dans les tableaux joints", table.more);
                    soft(&mut flow, &more, text(8.4), gaps);
                }
            }
        }
        flow.colour = SOFT;
        flow.footers(&self.footer, flow.foot() + 5.0 * MM, 7.5);
        let pages = flow.finish().map_err(PdfError::Glyphs)?;
        Ok(Sheets { pages, title: self.title.clone(), author: self.author.clone() })
    }
}

impl Table {
    fn lay_out(&self, flow: &mut Flow<'_>) {
        let sides: Vec<f32> = self.numeric.iter().map(|numeric| f32::from(u8::from(*numeric))).collect();
        // The first column says what its line is about: it takes what room is left. Beside a name, a value has it: a
        // hash has no place to break.
        let widths: Vec<Width> = match self.numeric.as_slice() {
            [false, false] => vec![Width::Auto, Width::Share(1.0)],
            columns => columns.iter().enumerate().map(|(n, numeric)| width(n, *numeric)).collect(),
        };
        let line = (0.4, LINE);
        let look =
            Look { style: text(8.4), head_size: 8.4, inset: (2.5, 3.4), head_line: line, line, is_centred: false };
        let head: Vec<Text> = self.header.iter().map(|words| Text::strong(words)).collect();
        let cells = |row: &Vec<String>| row.iter().map(|words| Cell::Text(Text::plain(words))).collect();
        let rows: Vec<Vec<Cell>> = self.rows.iter().map(cells).collect();
        table(flow, &widths, &sides, &head, &rows, &look);
    }
}

fn text(size: f32) -> Style {
    Style::french(size, 0.58)
}

fn width(column: usize, is_numeric: bool) -> Width {
    match (column, is_numeric) {
        (0, _) => Width::Share(1.4),
        (_, true) => Width::Auto,
        (_, false) => Width::Share(1.0),
    }
}

/// A paragraph that is less important.
pub(super) fn soft(flow: &mut Flow<'_>, words: &str, style: Style, gaps: Gaps) {
    flow.colour = SOFT;
    flow.paragraph(&Text::plain(words), style, gaps);
    flow.colour = INK;
}
