//! Letters, documents and lists as PDF.
//!
//! It depends only on its arguments: no clock, no file, no installed font. The same data, templates, fonts and engine
//! give the same bytes, on any machine and with any number of threads.

mod pack;

use chrono::NaiveDate;

use super::templates::TemplateError;
use super::typeset::{About, Faces, Logo, NotWritten, Pages, write};

/// What typesets: another version may give other bytes. `layout` is raised when a letter is laid out differently.
pub const ENGINE: &str = concat!(
    "krilla 0.8.2, harfrust 0.8.4, icu_segmenter 2.4.0, unicode-bidi 0.3.18, zlib-rs 0.6.8, convoke ",
    env!("CARGO_PKG_VERSION"),
    ", layout 2"
);

/// Why one letter has no PDF. The rest of its batch is not affected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PdfError {
    /// The address does not fit the window.
    #[error(transparent)]
    Envelope(#[from] super::EnvelopeError),
    /// A line of the address is too wide for the window, even in the smallest type.
    #[error("a line of the address is too wide for the window of an envelope: shorten it in the extract")]
    Window,
    /// No font has a character that the letter needs.
    #[error("no font has a sign for {}: add a font that has it to `[letters] fonts`", .0.iter().map(|c| format!("U+{:04X}", *c as u32)).collect::<Vec<_>>().join(", "))]
    Glyphs(Vec<char>),
    /// A file that all letters use, such as the logo, cannot be laid out.
    #[error(transparent)]
    Layout(#[from] TemplateError),
    /// The file could not be written.
    #[error("the PDF could not be written: {0}")]
    Failed(String),
}

impl PdfError {
    /// The missing characters, if `said` is that error's message.
    pub fn signs_of(said: &str) -> Option<&str> {
        Some(said.strip_prefix("no font has a sign for ")?.split_once(": ")?.0)
    }
}

impl From<NotWritten> for PdfError {
    fn from(error: NotWritten) -> Self {
        match error {
            NotWritten::Missing(missing) => Self::Glyphs(missing),
            NotWritten::Failed(reason) => Self::Failed(reason),
        }
    }
}

/// A typeset letter, document or list, not written to a file yet.
pub(super) struct Sheets {
    pub(super) pages: Pages,
    pub(super) title: String,
    pub(super) author: String,
}

impl Sheets {
    /// Number of pages.
    pub(super) fn count(&self) -> usize {
        self.pages.count()
    }

    /// All its text, without blanks: lines may be broken anywhere.
    pub(super) fn said(&self) -> String {
        self.pages.said()
    }

    /// A file that conforms to PDF/A-2a and PDF/UA-1.
    pub(super) fn to_pdf(
        &self,
        ident: &str,
        date: NaiveDate,
        faces: &Faces,
        logo: Option<&Logo>,
    ) -> Result<Vec<u8>, PdfError> {
        let about = About { title: &self.title, author: &self.author, ident, date, is_tagged: true };
        let written = write(&[&self.pages], &about, faces, logo)?;
        Ok(pack::pack(&written).unwrap_or(written))
    }
}

/// Letters as one file for double-sided printing: each begins on a new sheet. Nobody reads that file aloud: each
/// printed letter is also kept as its own PDF.
pub(super) fn bind(
    letters: &[Sheets],
    ident: &str,
    date: NaiveDate,
    faces: &Faces,
    logo: Option<&Logo>,
) -> Result<Vec<u8>, PdfError> {
    let (title, author) = letters.first().map_or(("", ""), |first| (&first.title, &first.author));
    let about = About { title, author, ident, date, is_tagged: false };
    let pages: Vec<&Pages> = letters.iter().map(|letter| &letter.pages).collect();
    Ok(write(&pages, &about, faces, logo)?)
}
