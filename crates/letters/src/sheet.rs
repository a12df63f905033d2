//! The input of the three layouts (text, HTML, PDF), the same for all of them.

use fast_qr::{ECL, QRBuilder};
use serde::Serialize;

use super::document::Document;
use super::language::Language;
use super::{LetterData, Office};

/// A letter with its final wording, to be laid out.
#[derive(Debug, Serialize)]
pub(super) struct Sheet<'a> {
    /// The subject of the e-mail.
    pub subject: &'a str,
    pub reference: &'a str,
    /// In French.
    pub date: String,
    pub office: &'a Office,
    pub recipient: Addressee<'a>,
    /// French first.
    pub texts: Vec<Text>,
    /// One line in eight languages.
    pub official: Vec<Line<'a>>,
    /// Web page that explains letters.
    pub help_url: Option<&'a str>,
    /// The closing sentence.
    pub closing: &'a str,
    pub signature: Vec<&'a str>,
    pub code: Option<&'a str>,
    /// Number of modules on each side of the QR code.
    pub qr_side: usize,
    pub large_print: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Addressee<'a> {
    pub name: &'a str,
    /// As written.
    pub address: &'a [String],
    /// As in the window of an envelope; empty if only text and HTML are needed.
    pub window: Vec<String>,
}

/// The letter in one language.
#[derive(Debug, Serialize)]
pub(super) struct Text {
    pub language: &'static str,
    pub rtl: bool,
    /// The note that it is for information only.
    pub information: Option<String>,
    #[serde(flatten)]
    pub document: Document,
}

/// One line in one language.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    pub language: &'a str,
    pub rtl: bool,
    pub text: &'a str,
}

impl Text {
    pub(super) fn new(language: Language, information: Option<String>, document: Document) -> Self {
        Self { language: language.code(), rtl: language.is_rtl(), information, document }
    }
}

/// The signatory; service and préfecture if none is named.
pub(super) fn signature(office: &Office) -> Vec<&str> {
    match office.signature.as_slice() {
        [] => [&office.service, &office.name].into_iter().map(String::as_str).filter(|l| !l.is_empty()).collect(),
        lines => lines.iter().map(String::as_str).collect(),
    }
}

/// The QR code of a letter, one byte per module, and its side: reference and verification code, with a quiet zone of
/// four modules (ISO/IEC 18004).
pub(super) fn qr(data: &LetterData) -> (Vec<u8>, usize) {
    const QUIET: usize = 4;
    let text = match &data.code {
        Some(code) => format!("{} {code}", data.reference),
        None => data.reference.clone(),
    };
    // A reference and a code are far shorter than the 2,331 bytes that a QR code holds; the letter is valid without it.
    let Ok(code) = QRBuilder::new(text).ecl(ECL::M).build() else { return (Vec::new(), 0) };
    let side = code.size + 2 * QUIET;
    let mut pixels = vec![255; side * side];
    for (y, x) in (0..code.size).flat_map(|y| (0..code.size).map(move |x| (y, x))).filter(|&(y, x)| code[y][x].value())
    {
        pixels[(y + QUIET) * side + x + QUIET] = 0;
    }
    (pixels, side)
}
