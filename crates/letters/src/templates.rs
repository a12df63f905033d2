//! The wording and layouts of letters: embedded, and replaceable by a préfecture.
//!
//! `LANGUAGE/KIND.md` is the wording in a language, as Markdown through minijinja (see `document`);
//! `fr/KIND.subject.txt` is the subject, `fr/short.txt` the 160-character version; `layout/letter.{txt,html}` are the
//! layouts of the e-mail (that of the PDF is `layout`); `layout/languages.toml` has the lines that every letter
//! carries; `layout/logo.svg` is the logo of the letterhead; `letter.toml` is how letters look on paper (`design`).

mod check;
mod error;
mod files;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::design::Design;
use super::document::{self, Document};
use super::explain::Explanation;
use super::fold::folded;
use super::language::{self, Language};
use super::layout::{Stationery, lay_out};
use super::pdf::{PdfError, Sheets, bind};
use super::sheet::{self, Addressee, Line, Sheet, Text};
use super::typeset::{Faces, Logo};
use super::{Fonts, LetterData, LetterKind, envelope};
use crate::french;
use check::{every_letter, letters_with};
use convoke_domain::ids::hex;
pub use error::TemplateError;
pub(super) use files::DESIGN;
use files::{EXPLAIN, FORMER, LANGUAGES, LAYOUT_HTML, LAYOUT_TEXT, LOGO, SHORT, is_minijinja, words_file};
use view::{SubjectView, View};

/// Fuel limit of one template. An ordinary letter takes a few thousand steps.
const FUEL: u64 = 200_000;

/// Characters of a short message that telephones show as a single one.
pub const SHORT_MAX: usize = 160;

/// The templates of a préfecture. They are known to render: no letter fails because of its template after seats were
/// reserved.
pub struct Templates {
    sources: BTreeMap<String, Vec<u8>>,
    env: Environment<'static>,
    lines: BTreeMap<String, Lines>,
    fonts: Fonts,
    design: Design,
    /// The fonts in the order that the design wants.
    faces: Arc<Faces>,
    /// Or why it cannot be printed.
    logo: Result<Logo, TemplateError>,
}

/// The lines that every letter carries, in one language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lines {
    /// Written from right to left.
    #[serde(default)]
    rtl: bool,
    /// Official appointment, date above, explained at this address.
    appointment: String,
    /// The same for a letter without an appointment.
    letter: String,
    /// The note that this text is for information; only for languages that letters are written in.
    information: Option<String>,
}

/// The rendered templates of one letter.
pub(super) struct Bodies {
    pub subject: String,
    pub text: String,
    pub html: String,
    /// The languages of the letter.
    pub languages: Vec<&'static str>,
    pub pdf: Result<Vec<u8>, PdfError>,
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Templates({})", self.hash())
    }
}

impl Templates {
    /// The embedded templates.
    ///
    /// # Panics
    /// Never in a released program: a test checks them.
    #[must_use]
    pub fn embedded() -> Self {
        Self::unchecked([], Fonts::embedded().clone()).expect("the embedded templates can be read")
    }

    /// The embedded templates, some of them replaced: name (`fr/convocation.md`) and content.
    ///
    /// # Errors
    /// A name that no letter uses, or content that is not UTF-8. Among the letters that use a replaced file, the first
    /// template that fails, lets markup through, or omits what the letter must say.
    pub fn from_sources(
        replaced: impl IntoIterator<Item = (String, Vec<u8>)>,
        fonts: Fonts,
    ) -> Result<Self, TemplateError> {
        let replaced: Vec<(String, Vec<u8>)> = replaced.into_iter().collect();
        let touched: BTreeSet<_> = replaced.iter().flat_map(|(file, _)| letters_with(file)).collect();
        let templates = Self::unchecked(replaced, fonts)?;
        templates.check(touched)?;
        Ok(templates)
    }

    /// Renders every letter, with ordinary, bare and hostile data.
    ///
    /// # Errors
    /// As [`Self::from_sources`].
    pub fn check_all(&self) -> Result<(), TemplateError> {
        self.check(every_letter())
    }

    /// The same without checks, for templates that were checked when they were used for a letter.
    ///
    /// # Errors
    /// A source that cannot be parsed.
    pub fn unchecked(
        replaced: impl IntoIterator<Item = (String, Vec<u8>)>,
        fonts: Fonts,
    ) -> Result<Self, TemplateError> {
        Self::assembled(replaced, fonts, false)
    }

    /// The same; if they were `kept`, a design or a family of fonts that can no longer be used gives way to the
    /// default.
    fn assembled(
        replaced: impl IntoIterator<Item = (String, Vec<u8>)>,
        fonts: Fonts,
        kept: bool,
    ) -> Result<Self, TemplateError> {
        let embedded = files::all();
        let mut sources: BTreeMap<String, Vec<u8>> =
            embedded.map(|(name, source)| (name.to_owned(), source.as_bytes().to_vec())).collect();
        for (file, bytes) in replaced {
            let former = "is no longer used: the program lays out the PDF itself; remove the file";
            let reason = if FORMER.contains(&file.as_str()) { former } else { "is used by no letter" };
            *sources.get_mut(&file).ok_or_else(|| TemplateError::new(&file, reason))? = bytes;
        }

        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_fuel(Some(FUEL));
        // Report errors with their column.
        env.set_debug(true);
        // A line that contains only a tag leaves no line in the letter.
        let mut syntax = SyntaxConfig::builder();
        let syntax = syntax.trim_blocks(true).lstrip_blocks(true).build();
        env.set_syntax(syntax.map_err(|e| TemplateError::at("every template", &e))?);
        env.set_auto_escape_callback(|name| match name.rsplit('.').next() {
            Some("html") => AutoEscape::Html,
            Some("md") => AutoEscape::Custom("markdown".into()),
            _ => AutoEscape::None,
        });
        env.set_formatter(|out, state, value| match state.auto_escape() {
            AutoEscape::Custom(_) if !value.is_undefined() => {
                let words = document::escape(&value.to_string());
                // A name in another direction must not change the direction of the sentence around it (UAX 9,
                // isolates).
                let rtl = state.name().starts_with("ar/");
                let words = if rtl { format!("\u{2068}{words}\u{2069}") } else { words };
                out.write_str(&words).map_err(minijinja::Error::from)
            }
            AutoEscape::Custom(_) => Err(minijinja::ErrorKind::UndefinedError.into()),
            _ => minijinja::escape_formatter(out, state, value),
        });
        language::teach(&mut env);
        let text_of = |file: &str| -> Result<&str, TemplateError> {
            let bytes = sources.get(file).ok_or_else(|| TemplateError::new(file, "is missing"))?;
            std::str::from_utf8(bytes).map_err(|_| TemplateError::new(file, "is not UTF-8"))
        };
        for file in sources.keys().filter(|f| is_minijinja(f)) {
            let source = text_of(file)?.to_owned();
            env.add_template_owned(file.clone(), source).map_err(|e| TemplateError::at(file, &e))?;
        }
        let languages = text_of(LANGUAGES)?;
        let lines = toml::from_str(languages).map_err(|e| TemplateError::toml(LANGUAGES, languages, &e))?;
        let (design, whole) = match Design::read(text_of(DESIGN)?) {
            Err(_) if kept => Design::read("")?,
            read => read?,
        };
        let faces = match fonts.in_order(&design.fonts.families) {
            Err(_) if kept => fonts.shared(),
            ordered => ordered.map_err(|family| {
                let reason = format!("[fonts] {family:?} is no family of the folder of `[letters] fonts`");
                TemplateError::new(DESIGN, reason)
            })?,
        };
        let logo = Logo::new(&sources[LOGO]).map_err(|reason| TemplateError::new(LOGO, reason));
        // Whole: the defaults of a later version change nothing in the hash of a letter.
        sources.insert(DESIGN.to_owned(), whole.into_bytes());
        Ok(Self { sources, env, lines, fonts, design, faces, logo })
    }

    /// The templates that a letter was made with, as they were kept. Those of an earlier engine no longer matter.
    ///
    /// # Errors
    /// A source that cannot be parsed.
    pub fn kept(sources: impl IntoIterator<Item = (String, Vec<u8>)>, fonts: Fonts) -> Result<Self, TemplateError> {
        // Layouts of an engine that had legal mentions among the blocks would leave them out.
        let is_former = |file: &str, source: &[u8]| {
            let is_layout = [LAYOUT_TEXT, LAYOUT_HTML].contains(&file);
            FORMER.contains(&file) || (is_layout && !String::from_utf8_lossy(source).contains(".mentions"))
        };
        let sources = sources.into_iter().filter(|(file, source)| !is_former(file, source));
        let mut kept = Self::assembled(sources, fonts, true)?;
        // An earlier engine may have drawn a logo that this one refuses: the letter matters more.
        if kept.logo.is_err() {
            let embedded = files::all().find(|(file, _)| *file == LOGO).map_or("", |(_, source)| source);
            kept.logo = Logo::new(embedded.as_bytes()).map_err(|reason| TemplateError::new(LOGO, reason));
        }
        Ok(kept)
    }

    /// SHA-256 of all names and sources, in hexadecimal, recorded with each letter.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut digest = Sha256::new();
        for (name, source) in &self.sources {
            // Lengths first: otherwise text could move from one file to the next without changing the hash.
            digest.update(format!("{} {} {name}\n", name.len(), source.len()));
            digest.update(source);
        }
        hex(&digest.finalize())
    }

    /// All names and sources, kept so that letters can be shown again.
    #[must_use]
    pub fn sources(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.sources
    }

    /// The fonts of the letters.
    #[must_use]
    pub fn fonts(&self) -> &Fonts {
        &self.fonts
    }

    /// The letter in at most 160 characters that every telephone displays.
    ///
    /// # Errors
    /// A template that fails, or gives a longer text.
    pub fn short(&self, data: &LetterData) -> Result<String, TemplateError> {
        let text = one_line(&self.render_one(SHORT, SubjectView::of(data))?);
        // Accents could reduce the message to 70 characters (GSM 03.38).
        let text: String = text.chars().map(french::unaccented).collect();
        if text.chars().count() > SHORT_MAX {
            let reason = format!("gives {} characters, more than {SHORT_MAX}: {text:?}", text.chars().count());
            return Err(TemplateError::new(SHORT, reason));
        }
        Ok(text)
    }

    /// A page in plain French on how a date was computed.
    ///
    /// # Errors
    /// A template that fails.
    pub fn explain(&self, explanation: &Explanation) -> Result<String, TemplateError> {
        let markdown = self.render_one(EXPLAIN, explanation)?;
        let document = document::parse(&markdown, &[]).map_err(|(_, reason)| TemplateError::new(EXPLAIN, reason))?;
        Ok(document.to_string())
    }

    /// Subject, text, HTML and PDF of a letter.
    pub(super) fn render(&self, data: &LetterData) -> Result<Bodies, TemplateError> {
        let kind = data.matter.kind();
        let subject = one_line(&self.render_one(&format!("fr/{kind}.subject.txt"), SubjectView::of(data))?);
        let (sheet, qr) = self.sheet(data, &subject)?;
        let languages = sheet.texts.iter().map(|t| t.language).collect();
        let text = plain(&folded(&self.render_one(LAYOUT_TEXT, &sheet)?));
        let html = self.render_one(LAYOUT_HTML, &sheet)?;
        let pdf = self.typeset(data, sheet, &qr, false).map(|(_, pdf)| pdf);
        Ok(Bodies { subject, text, html, languages, pdf })
    }

    /// The pages of a letter, and its own file.
    fn typeset(
        &self,
        data: &LetterData,
        mut sheet: Sheet<'_>,
        qr: &[u8],
        shows_openings: bool,
    ) -> Result<(Sheets, Vec<u8>), PdfError> {
        sheet.recipient.window = envelope(&data.recipient.name, &data.recipient.address)?;
        let logo = self.logo.as_ref().map_err(Clone::clone)?;
        let stationery = Stationery { faces: &self.faces, logo, design: &self.design, shows_openings };
        let sheets = lay_out(&sheet, qr, &stationery)?;
        let ident = format!("convoke {} {} {}", data.reference, data.sequence, data.matter.kind());
        let pdf = sheets.to_pdf(&ident, data.business_date, &self.faces, Some(logo))?;
        Ok((sheets, pdf))
    }

    /// The PDF of a letter with the openings of the envelopes in use drawn on it.
    ///
    /// # Errors
    /// A letter that cannot be printed.
    pub fn on_envelopes(&self, data: &LetterData) -> Result<Vec<u8>, PdfError> {
        let (sheet, qr) = self.sheet(data, "")?;
        Ok(self.typeset(data, sheet, &qr, true)?.1)
    }

    /// The pages of a letter for printing, and its own file.
    pub(super) fn pages(&self, data: &LetterData) -> Result<(Sheets, Vec<u8>), PdfError> {
        let (sheet, qr) = self.sheet(data, "")?;
        self.typeset(data, sheet, &qr, false)
    }

    /// Pages of letters as one file for printing.
    pub(super) fn bind_pages(&self, letters: &[Sheets], ident: &str, date: NaiveDate) -> Result<Vec<u8>, PdfError> {
        bind(letters, ident, date, &self.faces, self.logo.as_ref().ok())
    }

    /// The input of the layouts, and the QR code.
    fn sheet<'a>(&'a self, data: &'a LetterData, subject: &'a str) -> Result<(Sheet<'a>, Vec<u8>), TemplateError> {
        let kind = data.matter.kind();
        let mut texts = vec![Text::new(Language::French, None, self.words(kind, Language::French, data)?)];
        if let Some(language) = Language::asked(&data.recipient.language).filter(|l| *l != Language::French) {
            let information = self.lines.get(language.code()).and_then(|l| l.information.clone());
            texts.push(Text::new(language, information, self.words(kind, language, data)?));
        }
        let (qr, qr_side) = sheet::qr(data);
        let with_date = data.matter.appointment().is_some();
        let official = self.lines.iter().filter(|(code, _)| code.as_str() != "fr").map(|(code, l)| Line {
            language: code,
            rtl: l.rtl,
            text: if with_date { &l.appointment } else { &l.letter },
        });
        let sheet = Sheet {
            subject,
            reference: &data.reference,
            date: Language::French.date(data.business_date),
            office: &data.office,
            recipient: Addressee { name: &data.recipient.name, address: &data.recipient.address, window: Vec::new() },
            texts,
            official: official.collect(),
            help_url: data.office.help_url.as_deref().or(data.office.website.as_deref()),
            closing: &self.design.signature.closing,
            signature: sheet::signature(&data.office),
            code: data.code.as_deref(),
            qr_side,
            large_print: data.recipient.large_print,
        };
        Ok((sheet, qr))
    }

    /// The wording of a letter in a language.
    fn words(&self, kind: LetterKind, language: Language, data: &LetterData) -> Result<Document, TemplateError> {
        let file = words_file(kind, language);
        let markdown = self.render_one(&file, View::of(data))?;
        let spaced = if language == Language::French { french::spaced } else { french::with_whole_numbers };
        let markdown = spaced(&markdown);
        document::parse(&markdown, &[&data.reference]).map_err(|(byte, reason)| {
            let found = markdown[byte..].lines().next().unwrap_or_default();
            TemplateError::new(&file, format!("{reason} (at {:?})", found.chars().take(60).collect::<String>()))
        })
    }

    /// Renders a text that is not a letter, from one of our templates.
    pub(super) fn render_one(&self, file: &str, values: impl Serialize) -> Result<String, TemplateError> {
        let template = self.env.get_template(file);
        template.and_then(|t| t.render(Serde(values))).map_err(|e| TemplateError::at(file, &e))
    }
}

/// A subject is one line, however its template is laid out.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// In plain text every space is an ordinary one.
fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
}
