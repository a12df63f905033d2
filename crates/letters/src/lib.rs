//! Letters: from their content to the bytes that are sent.
//!
//! [`Templates::compose`] is the entry point. It reads no clock and no file, and uses no randomness: the same data,
//! sender and templates give the same bytes, today and in ten years.
//!
//! A convocation decided by a program must say so, and tell how to learn its rules: CRPA art. L. 311-3-1, R. 311-3-1-1
//! and R. 311-3-1-2. Without that notice a decision taken by a program alone is void (law no. 78-17 of 6 January 1978,
//! art. 47). That a month's silence is a refusal, and that CADA can be asked within two months, is CRPA
//! art. R.* 311-12, R. 311-13 and R. 343-1.
//!
//! Three kinds of text meet here, each with its own safeguard. Personal data are neutralised once, before anything is
//! rendered. HTML escapes every value. The subject is rendered without recipient or permit, so that no template can
//! reveal them there.

mod code;
mod data;
mod design;
mod document;
mod envelope;
mod explain;
mod fold;
mod fonts;
pub mod french;
mod ics;
mod language;
mod layout;
mod message;
mod paper;
mod pdf;
mod prefectures;
mod roll;
mod sample;
mod sheet;
mod templates;
mod typeset;
mod witness;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

pub use code::CodeKey;
pub use convoke_domain::convocation::LetterKind;
pub use data::{
    Appointment, Because, CancelledBy, Convoked, LetterData, Matter, Moment, Office, PermitLines, Recipient,
};
pub use design::Design;
pub use envelope::{EnvelopeError, envelope};
pub use explain::{Explanation, Place};
pub use fonts::Fonts;
pub use language::Language;
pub use paper::{Document, Section, Table};
pub use pdf::{ENGINE, PdfError};
pub use prefectures::competent_prefecture;
pub use roll::{Roll, RollLine, RollPart};
pub use templates::{SHORT_MAX, TemplateError, Templates};
pub use witness::witness_mail;

use convoke_domain::ids::sha256_hex;
use convoke_domain::permit::is_deliverable_email;

/// The sender of letters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sender {
    /// Display name of the sender.
    pub from_name: String,
    /// Address of the sender.
    pub from_address: String,
    /// The domain of Message-IDs and calendar UIDs. Changing it breaks the continuity of both.
    pub message_domain: String,
    /// The date of the e-mail: its first attempt. If absent, the instant at which the letter was decided, during the
    /// night: a relay that receives it in the morning would see it as hours old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<DateTime<Utc>>,
}

/// A letter, ready to be sent and to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// One line; the reference is its only information about the person.
    pub subject: String,
    /// The body as plain text, complete in itself.
    pub text: String,
    /// The body as an HTML page.
    pub html: String,
    /// The invitation, or its cancellation; `None` if there is no appointment.
    pub ics: Option<Vec<u8>>,
    /// The letter as PDF/A-2a and PDF/UA-1, or why there is none: then the e-mail goes without it, and the letter is
    /// listed.
    pub pdf: Result<Vec<u8>, PdfError>,
    /// The whole e-mail. Without a recipient if the person has no address.
    pub message: Vec<u8>,
    /// Without angle brackets; the same on every attempt.
    pub message_id: String,
    /// SHA-256 of `message`, in hexadecimal.
    pub sha256: String,
    /// Where invisible characters were removed from the data, as JSON pointers (`/recipient/name`). To be reported
    /// whenever it is not empty.
    pub neutralised: Vec<String>,
}

/// A letter typeset for printing.
pub struct Printed {
    /// SHA-256 of the letter as a PDF of its own.
    pub sha256: String,
    /// Pages.
    pub pages: usize,
    /// The address as in the window of the envelope.
    pub window: Vec<String>,
    sheets: pdf::Sheets,
}

/// How a letter was rendered, recorded so that it can be shown again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    /// Hash of the templates.
    pub templates: String,
    /// Hash of the fonts.
    pub fonts: String,
    /// The typesetting engine.
    pub engine: String,
    /// The sender.
    pub sender: Sender,
    /// SHA-256 of the PDF, if there was one.
    pub pdf: Option<String>,
    /// Why there was no PDF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_pdf: Option<String>,
}

impl Rendered {
    /// The record of a letter made with these templates.
    #[must_use]
    pub fn of(templates: &Templates, sender: &Sender, pdf: Result<String, String>) -> Self {
        let (pdf, without_pdf) = match pdf {
            Ok(sha256) => (Some(sha256), None),
            Err(reason) => (None, Some(reason)),
        };
        Self {
            templates: templates.hash(),
            fonts: templates.fonts().hash().to_owned(),
            engine: ENGINE.to_owned(),
            sender: sender.clone(),
            pdf,
            without_pdf,
        }
    }
}

/// Why one letter could not be composed. The rest of its batch is not affected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// A template failed on this letter.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A field used in headers and identifiers is malformed.
    #[error("{field} cannot be used in a letter: {found:?}; expected {expected}")]
    Malformed {
        /// JSON pointer of the field, or the name of a sender's field.
        field: &'static str,
        /// Value found.
        found: String,
        /// Value expected.
        expected: &'static str,
    },
    /// The letter cannot be printed.
    #[error(transparent)]
    Pdf(#[from] PdfError),
    /// The data cannot be serialised to JSON.
    #[error("the letter's data cannot be written as JSON: {0}")]
    Data(String),
}

impl Templates {
    /// Composes the letter for `data`.
    ///
    /// # Errors
    /// A malformed reference, address, domain or date, which is never repaired by guessing; a template that fails only
    /// on this data.
    pub fn compose(&self, data: &LetterData, sender: &Sender) -> Result<Letter, ComposeError> {
        refuse_malformed(data, sender)?;
        let (data, neutralised) = data.neutralised().map_err(|e| ComposeError::Data(e.to_string()))?;
        let sender = &Sender { from_name: data::visible(&sender.from_name).into_owned(), ..sender.clone() };

        let bodies = self.render(&data)?;
        let ics = ics::of(&data, sender);
        let message = message::write(&data, sender, &bodies, ics.as_ref());
        Ok(Letter {
            sha256: sha256_hex(&message),
            message_id: message::id(&data, sender),
            ics: ics.map(|i| i.text.into_bytes()),
            pdf: bodies.pdf,
            subject: bodies.subject,
            text: bodies.text,
            html: bodies.html,
            message,
            neutralised,
        })
    }

    /// The letter for printing.
    ///
    /// # Errors
    /// Whatever [`Self::compose`] refuses; an address that does not fit a window; a character that no font has.
    pub fn print(&self, data: &LetterData, sender: &Sender) -> Result<Printed, ComposeError> {
        refuse_malformed(data, sender)?;
        let (data, _) = data.neutralised().map_err(|e| ComposeError::Data(e.to_string()))?;
        let (sheets, pdf) = self.pages(&data)?;
        let window = envelope(&data.recipient.name, &data.recipient.address).map_err(PdfError::from)?;
        Ok(Printed { sha256: sha256_hex(&pdf), pages: sheets.count(), window, sheets })
    }

    /// Printed letters as one file, each on its own sheets when printed double-sided.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn bind(&self, letters: Vec<Printed>, ident: &str, date: NaiveDate) -> Result<Vec<u8>, PdfError> {
        self.bind_pages(&letters.into_iter().map(|l| l.sheets).collect::<Vec<_>>(), ident, date)
    }
}

fn refuse_malformed(data: &LetterData, sender: &Sender) -> Result<(), ComposeError> {
    let mut fields = vec![("from_address", &sender.from_address)];
    fields.extend(data.recipient.email.as_ref().map(|e| ("/recipient/email", e)));
    fields.extend(data.office.contact_email.as_ref().map(|e| ("/office/contact_email", e)));
    let refused =
        |field, found: &str, expected| Err(ComposeError::Malformed { field, found: found.to_owned(), expected });
    for (field, address) in fields {
        if !is_deliverable_email(address) {
            return refused(field, address, "one plain e-mail address");
        }
    }
    // Both are halves of identifiers in the form of addresses.
    if !is_deliverable_email(&format!("{}@{}.invalid", data.reference, "x")) {
        return refused("/reference", &data.reference, "letters, digits and hyphens");
    }
    if !is_deliverable_email(&format!("x@{}", sender.message_domain)) {
        return refused("message_domain", &sender.message_domain, "a domain name");
    }
    // RFC 5545 writes years with four digits.
    let day = data.matter.appointment().map_or(data.business_date, |a| a.day);
    if !(1970..=9990).contains(&day.year()) {
        return refused("/appointment/day", &day.to_string(), "a date of our time");
    }
    Ok(())
}
