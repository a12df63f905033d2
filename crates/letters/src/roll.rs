//! Lists of who is expected on a day, for the counter (with boxes to tick) and for the door: PDF/A-2a and PDF/UA-1.

use chrono::NaiveDate;
use serde::Serialize;

use super::data::visible;
use super::pdf::{Copy, Press};
use super::{Fonts, PdfError};

const NAME: &str = "layout/roll.typ";
const LAYOUT: &str = include_str!("../../../templates/layout/roll.typ");

/// After this many characters without a blank, a word may be broken, so that it stays in its column.
const UNBROKEN_MAX: usize = 24;

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
            let seen: String = visible(text).chars().map(|c| if lacks(c) { '?' } else { c }).collect();
            *text = breakable(&seen);
        };
        let mut roll = self.clone();
        [&mut roll.title, &mut roll.author, &mut roll.footer].into_iter().for_each(shown);
        roll.lead.iter_mut().chain(&mut roll.header).chain(&mut roll.boxes).for_each(shown);
        for part in &mut roll.parts {
            shown(&mut part.heading);
            part.said.iter_mut().chain(part.lines.iter_mut().flat_map(|line| &mut line.cells)).for_each(shown);
        }
        // Unwrap safety: plain data with text keys always serialises.
        let json = serde_json::to_vec(&roll).expect("a list serialises");
        let press = Press::new(NAME, LAYOUT, &[], fonts.clone());
        let copy = Copy { json, qr: Vec::new(), ident: ident.to_owned(), date };
        let sheets = press.lay_out(&copy)?;
        press.write(&copy, &sheets)
    }
}

/// The text with break opportunities in overlong words.
fn breakable(text: &str) -> String {
    let (mut out, mut unbroken) = (String::with_capacity(text.len()), 0);
    for c in text.chars() {
        unbroken = if c.is_whitespace() { 0 } else { unbroken + 1 };
        if unbroken > UNBROKEN_MAX {
            out.push('\u{200b}');
            unbroken = 1;
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_word_that_no_line_can_hold_may_be_broken() {
        let name = "Anne-Marie de La Tour, née d’Aubigné; (Mme) محمد عبد الرحمن";
        assert_eq!(breakable(name), name);
        let long = breakable(&"W".repeat(260));
        assert_eq!(long.matches('\u{200b}').count(), 260 / UNBROKEN_MAX);
        assert_eq!(long.replace('\u{200b}', ""), "W".repeat(260));
    }
}
