//! What the three layouts (text, HTML, PDF) are given: the same for all of them.

use fast_qr::{ECL, QRBuilder};
use serde::Serialize;

use super::document::Document;
use super::language::Language;
use super::{LetterData, Office};

/// A letter whose words are known, to be laid out.
#[derive(Debug, Serialize)]
pub(super) struct Sheet<'a> {
    /// What is said of in the e-mail's subject.
    pub subject: &'a str,
    pub reference: &'a str,
    /// In French words.
    pub date: String,
    pub office: &'a Office,
    pub recipient: Addressee<'a>,
    /// French first.
    pub texts: Vec<Text>,
    /// One line in eight languages.
    pub official: Vec<Line<'a>>,
    /// Where letters are explained.
    pub help_url: Option<&'a str>,
    pub signature: Vec<&'a str>,
    pub code: Option<&'a str>,
    /// Modules on a side of the QR code.
    pub qr_side: usize,
    pub large_print: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Addressee<'a> {
    pub name: &'a str,
    /// As written.
    pub address: &'a [String],
    /// As the window of an envelope shows it; empty where only text and HTML are wanted.
    pub window: Vec<String>,
}

/// The letter in one language.
#[derive(Debug, Serialize)]
pub(super) struct Text {
    pub language: &'static str,
    pub rtl: bool,
    /// That it is for information only.
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

/// Who signs; service and préfecture where nobody is named.
pub(super) fn signature(office: &Office) -> Vec<&str> {
    match office.signature.as_slice() {
        [] => [&office.service, &office.name].into_iter().map(String::as_str).filter(|l| !l.is_empty()).collect(),
        lines => lines.iter().map(String::as_str).collect(),
    }
}

/// The QR code of a letter, a byte a module and its side: reference and verification code, with a quiet zone of four
/// modules (ISO/IEC 18004).
pub(super) fn qr(data: &LetterData) -> (Vec<u8>, usize) {
    const QUIET: usize = 4;
    let text = match &data.code {
        Some(code) => format!("{} {code}", data.reference),
        None => data.reference.clone(),
    };
    // A reference and a code are far shorter than the 2,331 bytes that a QR code holds; without one the letter is as good.
    let Ok(code) = QRBuilder::new(text).ecl(ECL::M).build() else { return (Vec::new(), 0) };
    let side = code.size + 2 * QUIET;
    let mut pixels = vec![255; side * side];
    for (y, x) in (0..code.size).flat_map(|y| (0..code.size).map(move |x| (y, x))).filter(|&(y, x)| code[y][x].value())
    {
        pixels[(y + QUIET) * side + x + QUIET] = 0;
    }
    (pixels, side)
}
