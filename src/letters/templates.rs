//! The words of letters: minijinja templates, embedded and replaceable.

use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{LetterData, Office, Recipient, french};
use crate::ids::hex;

/// Every template there is, by the name under which a préfecture may replace it.
const EMBEDDED: [(&str, &str); 3] = [
    ("fr/convocation.html", include_str!("../../templates/fr/convocation.html")),
    ("fr/convocation.subject.txt", include_str!("../../templates/fr/convocation.subject.txt")),
    ("fr/convocation.txt", include_str!("../../templates/fr/convocation.txt")),
];

/// Steps that one template may take. An ordinary letter takes about 500.
const FUEL: u64 = 50_000;

/// What a body must not omit, whoever wrote the template: the article behind its legal notice.
const NOTICE: &str = "311-3-1-1";

/// What no HTML body may contain, though the data does.
const HOSTILE: &str = "<script>alert(1)</script>";

/// The templates of a préfecture. To have one is to know that it renders: no letter fails for
/// its template after seats were reserved.
#[derive(Debug)]
pub struct Templates {
    sources: BTreeMap<String, String>,
    env: Environment<'static>,
}

/// What is wrong with a template, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template {file}{}: {reason}", line.map(|l| format!(", line {l}")).unwrap_or_default())]
pub struct TemplateError {
    /// Name of the template, `fr/convocation.html`.
    pub file: String,
    /// Line in it, from 1, where one is to blame.
    pub line: Option<usize>,
    /// What happened, and what to do where that is not plain.
    pub reason: String,
}

/// What the templates of one letter gave.
pub(super) struct Bodies {
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl Templates {
    /// The templates that come with the program.
    ///
    /// # Panics
    /// Never in a released program: a test renders them.
    #[must_use]
    pub fn embedded() -> Self {
        Self::from_sources([]).expect("the embedded templates pass their own check")
    }

    /// The embedded templates, of which some are replaced: name (`fr/convocation.txt`) and content.
    ///
    /// # Errors
    /// A name that no letter uses, content that is not UTF-8, and whatever [`Self::check`] finds.
    pub fn from_sources(replaced: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, TemplateError> {
        let mut sources: BTreeMap<String, String> =
            EMBEDDED.iter().map(|&(name, source)| (name.to_owned(), source.to_owned())).collect();
        for (file, bytes) in replaced {
            let source = String::from_utf8(bytes).map_err(|_| TemplateError::new(&file, "is not UTF-8"))?;
            let known = sources.get_mut(&file);
            *known.ok_or_else(|| TemplateError::new(&file, "is used by no letter"))? = source;
        }

        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_fuel(Some(FUEL));
        // So that a line that holds only a tag leaves no line in the letter.
        let mut syntax = SyntaxConfig::builder();
        let syntax = syntax.trim_blocks(true).lstrip_blocks(true).build();
        env.set_syntax(syntax.map_err(|e| TemplateError::at("every template", &e))?);
        env.set_auto_escape_callback(|name| match name.rsplit('.').next() {
            Some("html") => AutoEscape::Html,
            _ => AutoEscape::None,
        });
        french::teach(&mut env);
        for (file, source) in &sources {
            env.add_template_owned(file.clone(), source.clone()).map_err(|e| TemplateError::at(file, &e))?;
        }
        let templates = Self { sources, env };
        templates.check()?;
        Ok(templates)
    }

    /// Renders every letter with ordinary, bare and hostile data.
    ///
    /// # Errors
    /// The first template that fails, that lets markup through, or that leaves out when, where
    /// or the legal notice.
    pub fn check(&self) -> Result<(), TemplateError> {
        for data in trials() {
            let bodies = self.render(&data)?;
            let [_, text, html] = data.kind.templates();
            let (day, time) = (french::weekday_date(data.appointment.day), french::time(data.appointment.start));
            let told = [&data.reference, &day, &time, &data.appointment.town, NOTICE];
            for (file, body) in [(text, &bodies.text), (html, &bodies.html)] {
                if let Some(missing) = told.into_iter().find(|what| !body.contains(*what)) {
                    let reason = format!("does not show {missing:?}, which the letter must say");
                    return Err(TemplateError::new(file, reason));
                }
            }
            if bodies.html.contains(HOSTILE) {
                let reason = "prints data as markup; take away `safe` and `autoescape`";
                return Err(TemplateError::new(html, reason));
            }
        }
        Ok(())
    }

    /// SHA-256 of all names and sources, in hexadecimal: what a stored letter remembers.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut digest = Sha256::new();
        for (name, source) in &self.sources {
            // Lengths first: no text can be moved from one file to the next unnoticed.
            digest.update(format!("{} {} {name}\n", name.len(), source.len()));
            digest.update(source);
        }
        hex(&digest.finalize())
    }

    /// Subject, text and HTML of a letter.
    pub(super) fn render(&self, data: &LetterData) -> Result<Bodies, TemplateError> {
        let [subject, text, html] = data.kind.templates();
        let view = View::of(data);
        let subject = self.render_one(subject, SubjectView::of(data))?;
        Ok(Bodies {
            // A subject is one line, however its template is laid out.
            subject: subject.split_whitespace().collect::<Vec<_>>().join(" "),
            text: self.render_one(text, &view)?,
            html: self.render_one(html, &view)?,
        })
    }

    fn render_one(&self, file: &str, values: impl Serialize) -> Result<String, TemplateError> {
        let template = self.env.get_template(file);
        template.and_then(|t| t.render(Serde(values))).map_err(|e| TemplateError::at(file, &e))
    }
}

impl TemplateError {
    fn new(file: &str, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, reason: reason.into() }
    }

    fn at(file: &str, error: &minijinja::Error) -> Self {
        let reason = match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        Self { line: error.line(), ..Self::new(error.name().unwrap_or(file), reason) }
    }
}

/// All that a body template may name.
#[derive(Serialize)]
struct View<'a> {
    #[serde(flatten)]
    data: &'a LetterData,
    /// The appointment comes after the permit's last day.
    after_expiry: bool,
    /// Site, address, town.
    place: Vec<&'a str>,
    /// Whom to ask for the rules; the office itself where nobody else is named.
    rules_contact: Vec<&'a str>,
}

impl<'a> View<'a> {
    fn of(data: &'a LetterData) -> Self {
        let office = &data.office;
        let own = [&office.name, &office.service].into_iter();
        let rules_contact = match office.rules_contact.as_slice() {
            [] => own.chain(&office.address).map(String::as_str).collect(),
            lines => lines.iter().map(String::as_str).collect(),
        };
        Self {
            data,
            after_expiry: data.appointment.day > data.permit.expires_on,
            place: data.appointment.place(),
            rules_contact,
        }
    }
}

/// All that a subject template may name. Recipient, permit and desk (whose name can tell the kind
/// of permit) do not exist here, so strictness refuses a template that would tell them.
#[derive(Serialize)]
struct SubjectView<'a> {
    reference: &'a str,
    office: &'a Office,
    day: chrono::NaiveDate,
    start: chrono::NaiveTime,
    town: &'a str,
}

impl<'a> SubjectView<'a> {
    fn of(data: &'a LetterData) -> Self {
        Self {
            reference: &data.reference,
            office: &data.office,
            day: data.appointment.day,
            start: data.appointment.start,
            town: &data.appointment.town,
        }
    }
}

/// Letters that between them take every branch: ordinary; late, short and without anything
/// optional; hostile.
fn trials() -> [LetterData; 4] {
    let plain = LetterData::sample();
    let mut bare = LetterData { short_notice: true, late: true, documents: vec![], ..plain.clone() };
    bare.office = Office { phone: None, website: None, contact_email: None, ..bare.office };
    bare.office.rules_contact.clear();
    bare.recipient = Recipient { email: None, address: vec![], ..bare.recipient };
    let mut lapsed = LetterData { short_notice: true, ..plain.clone() };
    lapsed.permit.expires_on = lapsed.business_date;
    let mut hostile = plain.clone();
    hostile.recipient.name = format!("{{{{ 7 * 7 }}}} =cmd() {HOSTILE}");
    hostile.recipient.address = vec![HOSTILE.into()];
    hostile.permit.label = HOSTILE.into();
    hostile.appointment.desk = HOSTILE.into();
    hostile.documents = vec![HOSTILE.into()];
    [plain, bare, lapsed, hostile]
}
