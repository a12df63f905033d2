//! Documents of text and tables, as PDF/A-2a and PDF/UA-1: the report of a run, and the data known about a person.

use chrono::NaiveDate;
use serde::Serialize;

use super::pdf::{Copy, Press};
use super::{Fonts, PdfError};

const NAME: &str = "layout/document.typ";
const LAYOUT: &str = include_str!("../../../templates/layout/document.typ");

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
        // Unwrap safety: plain data with text keys always serialises.
        let json = serde_json::to_vec(self).expect("a document serialises");
        let press = Press::new(NAME, LAYOUT, &[], fonts.clone());
        let copy = Copy { json, qr: Vec::new(), ident: ident.to_owned(), date };
        let sheets = press.lay_out(&copy)?;
        press.write(&copy, &sheets)
    }
}
