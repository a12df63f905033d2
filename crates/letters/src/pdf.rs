//! The letter on paper, typeset by typst as PDF/A-2a (ISO 19005-2) and PDF/UA-1 (ISO 14289-1).
//!
//! It depends only on its arguments: no clock, no file, no installed font. The same data, layout, fonts and engine give
//! the same bytes, on any machine and with any number of threads.

mod pack;

use std::io::Read;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{Datelike, NaiveDate};
use flate2::read::GzDecoder;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::layout::{Frame, FrameItem};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World, WorldExt};
use typst_layout::{Page, PagedDocument};
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use super::templates::TemplateError;
use convoke_domain::ids::sha256_hex;

/// The typesetting engine: another version may give other bytes.
pub const ENGINE: &str = concat!("typst 0.15.1, zlib-rs 0.6.8, convoke ", env!("CARGO_PKG_VERSION"));

/// An embedded font, as packed by `build.rs`.
macro_rules! face {
    ($name:literal) => {
        ($name, include_bytes!(concat!(env!("OUT_DIR"), "/", $name)))
    };
}

/// The embedded fonts, with their SHA-256 (`templates/fonts/MANIFEST.md`).
const FACES: [(&str, &[u8]); 5] = [
    face!("NotoSans-Regular.ttf"),
    face!("NotoSans-Bold.ttf"),
    face!("NotoSans-Italic.ttf"),
    face!("NotoSansArabic-Regular.ttf"),
    face!("DroidSansFallbackFull.ttf"),
];

/// The same, unpacked once and shared by all sets of fonts.
static UNPACKED: LazyLock<[(String, Bytes); 5]> = LazyLock::new(|| {
    FACES.map(|(name, packed)| {
        // Allocate the exact size: the surplus of a growing buffer would stay with a server for years. The size is at
        // the end (RFC 1952, 2.3.1).
        let size = packed.last_chunk().map_or(0, |size| u32::from_le_bytes(*size) as usize);
        let mut face = Vec::with_capacity(size);
        // Unwrap safety: build.rs packed it.
        GzDecoder::new(packed).read_to_end(&mut face).expect("an embedded face");
        (name.to_owned(), Bytes::new(face))
    })
});

/// Letters after which the layout cache is trimmed: it grows by half a megabyte per letter.
const LETTERS_KEPT: usize = 10;

/// Why one letter has no PDF. The rest of its batch is not affected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PdfError {
    /// The address does not fit the window.
    #[error(transparent)]
    Envelope(#[from] super::EnvelopeError),
    /// No font has a character that the letter needs.
    #[error("no font has a sign for {}: add a font that has it to `[letters] fonts`", .0.iter().map(|c| format!("U+{:04X}", *c as u32)).collect::<Vec<_>>().join(", "))]
    Glyphs(Vec<char>),
    /// The layout failed on this letter.
    #[error(transparent)]
    Layout(#[from] TemplateError),
}

impl PdfError {
    /// The missing characters, if `said` is that error's message.
    pub fn signs_of(said: &str) -> Option<&str> {
        Some(said.strip_prefix("no font has a sign for ")?.split_once(": ")?.0)
    }
}

/// Fonts, validated and ready.
#[derive(Clone)]
pub struct Fonts {
    faces: Vec<Font>,
    book: LazyHash<FontBook>,
    hash: String,
}

impl Fonts {
    /// The embedded fonts, read once.
    pub fn embedded() -> &'static Self {
        static EMBEDDED: LazyLock<Fonts> =
            // Unwrap safety: a test reads them.
            LazyLock::new(|| Fonts::with([]).expect("the embedded fonts are fonts"));
        &EMBEDDED
    }

    /// The embedded fonts and additional ones: file name and content.
    ///
    /// # Errors
    /// The name of a file that is not a font.
    pub fn with(more: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, String> {
        let more = more.into_iter().map(|(name, bytes)| (name, Bytes::new(bytes)));
        let (mut faces, mut hashes) = (Vec::new(), String::new());
        for (name, bytes) in UNPACKED.iter().cloned().chain(more) {
            hashes += &sha256_hex(&bytes);
            let before = faces.len();
            faces.extend(Font::iter(bytes));
            if faces.len() == before {
                return Err(name);
            }
        }
        let book = LazyHash::new(FontBook::from_fonts(&faces));
        Ok(Self { faces, book, hash: sha256_hex(hashes.as_bytes()) })
    }

    /// SHA-256 over the fonts, recorded with each letter.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The characters of a text that no font has.
    fn lacking(&self, text: &str) -> Vec<char> {
        let shown = |c: &char| !c.is_control() && !super::data::is_unseen(*c) && !matches!(c, '\u{200c}' | '\u{200d}');
        let mut lacking: Vec<char> = text.chars().filter(shown).collect();
        lacking.sort_unstable();
        lacking.dedup();
        lacking.retain(|c| !self.faces.iter().any(|face| face.info().coverage.contains(*c as u32)));
        lacking
    }
}

impl std::fmt::Debug for Fonts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fonts({} faces)", self.faces.len())
    }
}

/// The names under which the layout finds its inputs. A file id is never freed, so all letters share them.
static MAIN: LazyLock<FileId> = LazyLock::new(|| file_id("letter.typ"));
static DATA: LazyLock<FileId> = LazyLock::new(|| file_id("data.json"));
static QR: LazyLock<FileId> = LazyLock::new(|| file_id("qr.luma8"));
static LOGO: LazyLock<FileId> = LazyLock::new(|| file_id("logo"));

fn file_id(name: &str) -> FileId {
    // Unwrap safety: a plain name is a valid path.
    RootedPath::new(VirtualRoot::Project, VirtualPath::new(name).expect("a path")).intern()
}

/// A layout with its fonts and logo.
pub(super) struct Press {
    /// Name of the layout, for error messages.
    name: &'static str,
    library: LazyHash<Library>,
    fonts: Fonts,
    main: Source,
    logo: Bytes,
    laid_out: AtomicUsize,
}

impl std::fmt::Debug for Press {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Press({:?})", self.fonts)
    }
}

/// One letter's input to the layout.
pub(super) struct Copy {
    /// `data.json`.
    pub json: Vec<u8>,
    /// The QR code, one byte per pixel.
    pub qr: Vec<u8>,
    /// Identifies the document.
    pub ident: String,
    /// Its date.
    pub date: NaiveDate,
}

/// A typeset letter, not written to a file yet.
pub(super) struct Sheets(PagedDocument);

impl Sheets {
    /// Number of pages.
    pub(super) fn count(&self) -> usize {
        self.0.pages().len()
    }

    /// All its text, without blanks: lines may be broken anywhere.
    pub(super) fn said(&self) -> String {
        fn gather(frame: &Frame, out: &mut String) {
            for (_, item) in frame.items() {
                match item {
                    FrameItem::Text(text) => out.extend(text.text.chars().filter(|c| !c.is_whitespace())),
                    FrameItem::Group(group) => gather(&group.frame, out),
                    _ => {}
                }
            }
        }
        let mut out = String::new();
        self.0.pages().iter().for_each(|page| gather(&page.frame, &mut out));
        out
    }
}

impl Press {
    pub(super) fn new(name: &'static str, layout: &str, logo: &[u8], fonts: Fonts) -> Self {
        Self {
            name,
            library: LazyHash::new(Library::default()),
            fonts,
            main: Source::new(*MAIN, layout.to_owned()),
            logo: Bytes::new(logo.to_vec()),
            laid_out: AtomicUsize::new(0),
        }
    }

    pub(super) fn fonts(&self) -> &Fonts {
        &self.fonts
    }

    /// Typesets a letter.
    pub(super) fn lay_out(&self, copy: &Copy) -> Result<Sheets, PdfError> {
        let desk = Desk { press: self, json: Bytes::new(copy.json.clone()), qr: Bytes::new(copy.qr.clone()) };
        let done = typst::compile::<PagedDocument>(&desk).output.map(Sheets);
        if self.laid_out.fetch_add(1, Ordering::Relaxed) % LETTERS_KEPT == LETTERS_KEPT - 1 {
            comemo::evict(1);
        }
        done.map_err(|errors| PdfError::Layout(self.error(&desk, &errors)))
    }

    /// The letter as a file that conforms to both standards.
    pub(super) fn write(&self, copy: &Copy, sheets: &Sheets) -> Result<Vec<u8>, PdfError> {
        let options = PdfOptions {
            standards: PdfStandards::new(&[PdfStandard::A_2a, PdfStandard::Ua_1])
                .map_err(|e| TemplateError::new(self.name, e.message().to_string()))?,
            ..options(&copy.ident, copy.date)
        };
        let written = typst_pdf::pdf(&sheets.0, &options).map_err(|errors| {
            // Only the export finds a missing character: PDF/A forbids .notdef.
            match self.fonts.lacking(&String::from_utf8_lossy(&copy.json)) {
                none if none.is_empty() => {
                    let desk = Desk { press: self, json: Bytes::new(Vec::new()), qr: Bytes::new(Vec::new()) };
                    PdfError::Layout(self.error(&desk, &errors))
                }
                lacking => PdfError::Glyphs(lacking),
            }
        })?;
        Ok(pack::pack(&written).unwrap_or(written))
    }

    /// Many letters as one file for double-sided printing: each begins on a new sheet.
    pub(super) fn bind(&self, letters: &[Sheets], ident: &str, date: NaiveDate) -> Result<Vec<u8>, TemplateError> {
        let mut pages: Vec<Page> = Vec::new();
        for letter in letters {
            pages.extend(letter.0.pages().iter().cloned());
            if pages.len() % 2 == 1 {
                let mut blank = pages[pages.len() - 1].clone();
                blank.frame = Frame::hard(blank.frame.size());
                pages.push(blank);
            }
        }
        let info = letters.first().map(|l| typst::model::Document::info(&l.0).clone()).unwrap_or_default();
        let bound = PagedDocument::new(pages.into(), info);
        // Only for printing: nobody reads it aloud, and each printed letter is also kept as its own PDF.
        let options = PdfOptions { tagged: false, ..options(ident, date) };
        let desk = Desk { press: self, json: Bytes::new(Vec::new()), qr: Bytes::new(Vec::new()) };
        typst_pdf::pdf(&bound, &options).map_err(|errors| self.error(&desk, &errors))
    }

    fn error(&self, desk: &Desk<'_>, errors: &[SourceDiagnostic]) -> TemplateError {
        let Some(first) = errors.first() else { return TemplateError::new(self.name, "failed without a reason") };
        let place = desk.range(first.span).and_then(|range| self.main.lines().byte_to_line_column(range.start));
        TemplateError {
            line: place.map(|(line, _)| line + 1),
            column: place.map(|(_, column)| column + 1),
            ..TemplateError::new(self.name, first.message.to_string())
        }
    }
}

fn options(ident: &str, date: NaiveDate) -> PdfOptions {
    let at = Datetime::from_ymd_hms(date.year(), date.month() as u8, date.day() as u8, 0, 0, 0);
    PdfOptions {
        ident: Smart::Custom(ident.to_owned()),
        creator: Smart::Custom(Some("convoke".into())),
        timestamp: at.map(Timestamp::new_utc),
        ..PdfOptions::default()
    }
}

/// Makes this thread, which must be the program's own and do nothing but render, typeset whole letters by itself.
/// Otherwise the engine hands parts of each letter to a shared pool of threads, and letters typeset in parallel wait
/// for one another.
pub fn alone_on_this_thread() {
    // If this fails (the thread already belongs to a pool), letters are typeset in the ordinary way.
    if let Ok(pool) = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build() {
        // The pool must live as long as its thread.
        std::mem::forget(pool);
    }
}

/// The typst world of one letter.
struct Desk<'a> {
    press: &'a Press,
    json: Bytes,
    qr: Bytes,
}

impl World for Desk<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.press.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.press.fonts.book
    }

    fn main(&self) -> FileId {
        *MAIN
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == *MAIN { Ok(self.press.main.clone()) } else { Err(unknown(id)) }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        match id {
            id if id == *DATA => Ok(self.json.clone()),
            id if id == *QR => Ok(self.qr.clone()),
            id if id == *LOGO => Ok(self.press.logo.clone()),
            id => Err(unknown(id)),
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.press.fonts.faces.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

fn unknown(id: FileId) -> FileError {
    FileError::NotFound(id.vpath().get_with_slash().into())
}
