//! The wording and layouts of letters: embedded, and replaceable by a préfecture.
//!
//! `LANGUAGE/KIND.md` is the wording in a language, as Markdown through minijinja (see `document`);
//! `fr/KIND.subject.txt` is the subject, `fr/short.txt` the 160-character version; `layout/letter.{txt,html,typ}` are
//! the layouts; `layout/languages.toml` has the lines that every letter carries; `layout/logo.svg` is the logo of the
//! letterhead.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, NaiveTime};
use minijinja::{AutoEscape, Environment, HtmlEscape, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::document::{self, Document};
use super::explain::Explanation;
use super::language::{self, Language};
use super::pdf::{Copy, Fonts, PdfError, Press, Sheets};
use super::sample::HOSTILE;
use super::sheet::{self, Addressee, Line, Sheet, Text};
use super::{LetterData, LetterKind, Matter, Office, envelope};
use crate::french;
use convoke_domain::ids::hex;

macro_rules! words {
    ($($language:literal)*) => { [$(words!(@ $language "convocation" "reminder" "change" "cancellation" "depot-en-ligne" "transfert" "heads-up")),*] };
    (@ $language:literal $($kind:literal)*) => {
        [$((concat!($language, "/", $kind, ".md"), include_str!(concat!("../../../templates/", $language, "/", $kind, ".md")))),*]
    };
}
macro_rules! files {
    ($($name:literal)*) => { [$(($name, include_str!(concat!("../../../templates/", $name)))),*] };
}

/// The wording of each letter, by language.
const WORDS: [[(&str, &str); 7]; 6] = words!["fr" "en" "es" "ar" "pt" "zh"];
/// Everything else.
const FILES: [(&str, &str); 14] = files![
    "fr/convocation.subject.txt" "fr/reminder.subject.txt" "fr/change.subject.txt" "fr/cancellation.subject.txt"
    "fr/depot-en-ligne.subject.txt" "fr/transfert.subject.txt" "fr/heads-up.subject.txt"
    "fr/short.txt" "fr/explain.md" "layout/letter.txt" "layout/letter.html" "layout/letter.typ" "layout/languages.toml" "layout/logo.svg"
];
const LAYOUT_TEXT: &str = "layout/letter.txt";
const LAYOUT_HTML: &str = "layout/letter.html";
pub(super) const LAYOUT_PDF: &str = "layout/letter.typ";
const LANGUAGES: &str = "layout/languages.toml";
const LOGO: &str = "layout/logo.svg";
const SHORT: &str = "fr/short.txt";
const EXPLAIN: &str = "fr/explain.md";

/// Fuel limit of one template. An ordinary letter takes a few thousand steps.
const FUEL: u64 = 200_000;

/// Required in every letter whose date was computed, whoever wrote the template: the article behind the notice.
const NOTICE: &str = "311-3-1-1";

/// Characters of a short message that telephones show as a single one.
pub const SHORT_MAX: usize = 160;

/// The templates of a préfecture. They are known to render: no letter fails because of its template after seats were
/// reserved.
#[derive(Debug)]
pub struct Templates {
    sources: BTreeMap<String, Vec<u8>>,
    env: Environment<'static>,
    lines: BTreeMap<String, Lines>,
    press: Press,
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

/// A fault in a template, and its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template {file}{}{}: {reason}", line.map(|l| format!(", line {l}")).unwrap_or_default(), column.map(|c| format!(", column {c}")).unwrap_or_default())]
pub struct TemplateError {
    /// Name of the template, `fr/convocation.md`.
    pub file: String,
    /// Line, from 1, if a line is at fault.
    pub line: Option<usize>,
    /// Column, from 1.
    pub column: Option<usize>,
    /// What happened, and what to do if that is not obvious.
    pub reason: String,
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
        let embedded = WORDS.as_flattened().iter().chain(&FILES);
        let mut sources: BTreeMap<String, Vec<u8>> =
            embedded.map(|&(name, source)| (name.to_owned(), source.as_bytes().to_vec())).collect();
        for (file, bytes) in replaced {
            let known = sources.get_mut(&file);
            *known.ok_or_else(|| TemplateError::new(&file, "is used by no letter"))? = bytes;
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
        let lines = toml::from_str(text_of(LANGUAGES)?).map_err(|e| TemplateError::toml(text_of(LANGUAGES), &e))?;
        let press = Press::new(LAYOUT_PDF, text_of(LAYOUT_PDF)?, &sources[LOGO], fonts);
        Ok(Self { sources, env, lines, press })
    }

    /// # Errors
    /// The first template that fails, lets markup through, or omits what the letter must say.
    fn check(&self, letters: impl IntoIterator<Item = (LetterKind, Language)>) -> Result<(), TemplateError> {
        for (kind, language) in letters {
            let trials = LetterData::trials(kind, language);
            for data in &trials {
                self.check_one(kind, language, data)?;
            }
            self.check_paper(&trials[0])?;
        }
        Explanation::trials().iter().try_for_each(|trial| self.explain(trial).map(drop))
    }

    fn check_one(&self, kind: LetterKind, language: Language, data: &LetterData) -> Result<(), TemplateError> {
        let bodies = self.render(data)?;
        for said_in in [Language::French, language] {
            let told = self.words(kind, said_in, data)?.plain();
            for what in must_say(data, said_in) {
                if !told.contains(&what) {
                    let reason = format!("does not say {what:?}, which this letter must");
                    return Err(TemplateError::new(&words_file(kind, said_in), reason));
                }
            }
        }
        for what in must_say(data, Language::French) {
            let escaped = plain(&HtmlEscape(&what).to_string());
            for (file, body, what) in [(LAYOUT_TEXT, &bodies.text, &what), (LAYOUT_HTML, &bodies.html, &escaped)] {
                if !plain(body).contains(what) {
                    return Err(TemplateError::new(file, format!("does not show {what:?}, which this letter says")));
                }
            }
        }
        if bodies.html.contains(HOSTILE) {
            let reason = "prints data as markup; take away `safe` and `autoescape`";
            return Err(TemplateError::new(LAYOUT_HTML, reason));
        }
        for (file, line) in [(format!("fr/{kind}.subject.txt"), &bodies.subject), (SHORT.into(), &self.short(data)?)] {
            if !line.contains(&data.reference) {
                return Err(TemplateError::new(&file, "does not give the reference"));
            }
        }
        match bodies.pdf {
            Ok(_) => Ok(()),
            Err(PdfError::Layout(error)) => Err(error),
            Err(other) => Err(TemplateError::new(LAYOUT_PDF, other.to_string())),
        }
    }

    /// What the letter must say must be on paper too.
    fn check_paper(&self, data: &LetterData) -> Result<(), TemplateError> {
        let (sheets, _) = self.pages(data).map_err(|e| match e {
            PdfError::Layout(error) => error,
            other => TemplateError::new(LAYOUT_PDF, other.to_string()),
        })?;
        let (said, town) = (sheets.said(), data.recipient.address.last().cloned().unwrap_or_default());
        let must = must_say(data, Language::French).into_iter().chain([data.recipient.name.clone(), town]);
        match must.into_iter().find(|what| !said.contains(&what.split_whitespace().collect::<String>())) {
            Some(missing) => {
                Err(TemplateError::new(LAYOUT_PDF, format!("does not show {missing:?}, which this letter says")))
            }
            None => Ok(()),
        }
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
        self.press.fonts()
    }

    /// The letter in at most 160 characters that every telephone displays.
    ///
    /// # Errors
    /// A template that fails, or gives a longer text.
    pub fn short(&self, data: &LetterData) -> Result<String, TemplateError> {
        let text = one_line(&self.render_one(SHORT, SubjectView::of(data))?);
        // Accents could reduce the message to 70 characters (GSM 03.38).
        let text: String = text.chars().map(unaccented).collect();
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
        let text = plain(&self.render_one(LAYOUT_TEXT, &sheet)?);
        let html = self.render_one(LAYOUT_HTML, &sheet)?;
        let pdf = self.typeset(data, sheet, qr).map(|(_, pdf)| pdf);
        Ok(Bodies { subject, text, html, languages, pdf })
    }

    /// The pages of a letter, and its own file: only the export finds characters that no font has.
    fn typeset(&self, data: &LetterData, mut sheet: Sheet<'_>, qr: Vec<u8>) -> Result<(Sheets, Vec<u8>), PdfError> {
        sheet.recipient.window = envelope(&data.recipient.name, &data.recipient.address)?;
        let copy = Copy {
            json: serde_json::to_vec(&sheet).map_err(|e| TemplateError::new(LAYOUT_PDF, e.to_string()))?,
            qr,
            ident: format!("convoke {} {} {}", data.reference, data.sequence, data.matter.kind()),
            date: data.business_date,
        };
        let sheets = self.press.lay_out(&copy)?;
        let pdf = self.press.write(&copy, &sheets)?;
        Ok((sheets, pdf))
    }

    /// The pages of a letter for printing, and its own file.
    pub(super) fn pages(&self, data: &LetterData) -> Result<(Sheets, Vec<u8>), PdfError> {
        let (sheet, qr) = self.sheet(data, "")?;
        self.typeset(data, sheet, qr)
    }

    /// Pages of letters as one file for printing.
    pub(super) fn bind_pages(
        &self,
        letters: &[Sheets],
        ident: &str,
        date: NaiveDate,
    ) -> Result<Vec<u8>, TemplateError> {
        self.press.bind(letters, ident, date)
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
        let mut markdown = self.render_one(&file, View::of(data))?;
        if language == Language::French {
            markdown = french::spaced(&markdown);
        }
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

fn is_minijinja(file: &str) -> bool {
    ![LAYOUT_PDF, LANGUAGES, LOGO].contains(&file)
}

fn every_letter() -> impl Iterator<Item = (LetterKind, Language)> {
    LetterKind::ALL.iter().flat_map(|kind| Language::ALL.iter().map(move |language| (*kind, *language)))
}

/// The letters that use a file. For the logo, one letter suffices; French wording is in the letters of every language.
fn letters_with(file: &str) -> Vec<(LetterKind, Language)> {
    if file == LOGO {
        return vec![(LetterKind::Convocation, Language::French)];
    }
    let named = || {
        let (language, name) = file.split_once('/')?;
        Some((language.parse().ok()?, name.split('.').next()?.parse().ok()?))
    };
    let Some((language, kind)): Option<(Language, LetterKind)> = named() else { return every_letter().collect() };
    every_letter().filter(|(k, l)| *k == kind && (language == Language::French || *l == language)).collect()
}

fn words_file(kind: LetterKind, language: Language) -> String {
    format!("{language}/{kind}.md")
}

/// A subject is one line, however its template is laid out.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// In plain text every space is an ordinary one.
fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

fn unaccented(c: char) -> char {
    match c {
        'à' | 'â' | 'ä' => 'a',
        'ç' => 'c',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'ï' => 'i',
        'ô' | 'ö' => 'o',
        'ù' | 'û' | 'ü' => 'u',
        'ÿ' => 'y',
        'À' | 'Â' => 'A',
        'Ç' => 'C',
        'É' | 'È' | 'Ê' | 'Ë' => 'E',
        'Î' | 'Ï' => 'I',
        'Ô' => 'O',
        'Ù' | 'Û' => 'U',
        'Ÿ' => 'Y',
        '’' | '‘' => '\'',
        '–' | '—' => '-',
        other if other.is_ascii() => other,
        _ => '?',
    }
}

/// What a letter must say in a language, whoever wrote its wording.
fn must_say(data: &LetterData, language: Language) -> Vec<String> {
    let mut told = vec![data.reference.clone()];
    if language == Language::French {
        told.extend(data.matter.convoked().into_iter().flat_map(|c| c.documents.iter().cloned()));
    }
    if !matches!(data.matter, Matter::HeadsUp { .. }) {
        told.push(language.date(data.permit.expires_on));
    }
    if let Some(appointment) = data.matter.appointment() {
        told.push(language.weekday_date(appointment.day));
        told.push(plain(&language.time(appointment.start)));
    }
    if data.matter.convoked().is_some() {
        told.extend(data.matter.appointment().map(|a| a.town.clone()));
    }
    match &data.matter {
        Matter::Convocation(_) | Matter::Change { .. } if language == Language::French => told.push(NOTICE.into()),
        Matter::OnlineFiling { service, last_day, .. } => told.extend([service.clone(), language.date(*last_day)]),
        Matter::Transfer { competent, act_by, .. } => told.extend([competent.clone(), language.date(*act_by)]),
        Matter::HeadsUp { convoked_before } => told.push(language.date(*convoked_before)),
        _ => {}
    }
    told
}

impl TemplateError {
    pub(super) fn new(file: &str, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, column: None, reason: reason.into() }
    }

    fn at(file: &str, error: &minijinja::Error) -> Self {
        let reason = match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        let before = error.template_source().zip(error.range()).and_then(|(source, range)| source.get(..range.start));
        let column = before.map(|b| b.chars().rev().take_while(|c| *c != '\n').count() + 1);
        Self { line: error.line(), column, ..Self::new(error.name().unwrap_or(file), reason) }
    }

    fn toml(source: Result<&str, Self>, error: &toml::de::Error) -> Self {
        let before = source.ok().zip(error.span()).and_then(|(source, span)| source.get(..span.start));
        Self {
            line: before.map(|b| b.matches('\n').count() + 1),
            column: before.map(|b| b.chars().rev().take_while(|c| *c != '\n').count() + 1),
            ..Self::new(LANGUAGES, error.message())
        }
    }
}

/// Everything that a letter's wording may use.
#[derive(Serialize)]
struct View<'a> {
    #[serde(flatten)]
    data: &'a LetterData,
    /// The appointment is after the permit's last day.
    after_expiry: bool,
    /// The permit has already expired.
    expired: bool,
    /// This is the last letter to this address.
    is_last_here: bool,
    /// Site, address, town; empty if there is no appointment.
    place: Vec<&'a str>,
    /// Contact for the rules; the office itself if no other is configured.
    rules_contact: Vec<&'a str>,
}

impl<'a> View<'a> {
    fn of(data: &'a LetterData) -> Self {
        let office = &data.office;
        let own = [&office.name, &office.service].into_iter();
        let rules_contact = match office.rules_contact.as_slice() {
            [] => own.chain(&office.address).map(String::as_str).filter(|l| !l.is_empty()).collect(),
            lines => lines.iter().map(String::as_str).collect(),
        };
        let appointment = data.matter.appointment();
        Self {
            data,
            after_expiry: appointment.is_some_and(|a| a.day > data.permit.expires_on),
            expired: data.permit.expires_on < data.business_date,
            is_last_here: data.address_changed,
            place: appointment.map_or(Vec::new(), super::Appointment::place),
            rules_contact,
        }
    }
}

/// Everything that a subject or a short message may use. Recipient, permit and desk (whose name can reveal the kind of
/// permit) are missing here, so strict mode refuses a template that would reveal them.
#[derive(Serialize)]
struct SubjectView<'a> {
    kind: LetterKind,
    reference: &'a str,
    office: &'a Office,
    /// If there is an appointment.
    day: Option<NaiveDate>,
    start: Option<NaiveTime>,
    town: Option<&'a str>,
}

impl<'a> SubjectView<'a> {
    fn of(data: &'a LetterData) -> Self {
        let appointment = data.matter.appointment();
        Self {
            kind: data.matter.kind(),
            reference: &data.reference,
            office: &data.office,
            day: appointment.map(|a| a.day),
            start: appointment.map(|a| a.start),
            town: appointment.map(|a| a.town.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_has_the_letters_that_it_is_in_tried() {
        let tried = |file| letters_with(file).len();
        assert_eq!([LOGO, "ar/reminder.md", "fr/reminder.md", "fr/change.subject.txt"].map(tried), [1, 1, 6, 6]);
        for file in [LAYOUT_PDF, LANGUAGES, SHORT, EXPLAIN, "nowhere.md"] {
            assert_eq!(tried(file), every_letter().count(), "{file}");
        }
    }
}
