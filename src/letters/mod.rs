//! Letters: from what is to be said to the bytes that are sent.
//!
//! [`Templates::compose`] is the door. It reads no clock and no file, and uses no chance: the same
//! data, sender and templates give the same bytes, today and in ten years.
//!
//! A convocation fixed by a program must say so, and tell how to learn its rules: CRPA art.
//! L. 311-3-1, R. 311-3-1-1 and R. 311-3-1-2; without that notice a decision taken by a program
//! alone is void (law no. 78-17 of 6 January 1978, art. 47). That a month's silence is a refusal,
//! and that CADA can be asked within two months, is CRPA art. R.* 311-12, R. 311-13 and R. 343-1.
//!
//! Three kinds of text meet here, and each has its own gate. What people are called is
//! neutralised once, before anything is rendered. HTML escapes every value. The subject is
//! rendered without knowing recipient or permit, so that no template can tell them there.

mod data;
mod french;
mod ics;
mod message;
mod templates;

use chrono::Datelike;

pub use crate::convocation::LetterKind;
pub use data::{Appointment, LetterData, Office, PermitLines, Recipient};
pub use templates::{TemplateError, Templates};

use crate::ids::sha256_hex;
use crate::permit::is_deliverable_email;

/// From whom letters come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Display name of the sender.
    pub from_name: String,
    /// Address of the sender.
    pub from_address: String,
    /// The domain of Message-IDs and calendar UIDs; to change it is to lose both.
    pub message_domain: String,
}

/// A letter, ready to be sent and to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// One line; the reference is all that it tells of the person.
    pub subject: String,
    /// The body as plain text, complete without the others.
    pub text: String,
    /// The body as an HTML page.
    pub html: String,
    /// The invitation.
    pub ics: Vec<u8>,
    /// The whole e-mail. Addressed to nobody where the recipient has no address.
    pub message: Vec<u8>,
    /// Without angle brackets; the same on every attempt.
    pub message_id: String,
    /// SHA-256 of `message`, in hexadecimal.
    pub sha256: String,
    /// Where unseen characters were taken out of the data, as JSON pointers (`/recipient/name`).
    /// To be listed wherever it is not empty.
    pub neutralised: Vec<String>,
}

/// Why one letter could not be composed. The others of its batch are not concerned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// A template failed on this letter.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A field that headers and identifiers are made of is not what it should be.
    #[error("{field} cannot be used in a letter: {found:?}; expected {expected}")]
    Malformed {
        /// JSON pointer of the field, or the name of the sender's.
        field: &'static str,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// The data has no JSON form.
    #[error("the letter's data cannot be written as JSON: {0}")]
    Data(String),
}

impl Templates {
    /// The letter that says `data`.
    ///
    /// # Errors
    /// A malformed reference, address, domain or date, which is never repaired by guessing; a
    /// template that fails on this data alone.
    pub fn compose(&self, data: &LetterData, sender: &Sender) -> Result<Letter, ComposeError> {
        refuse_malformed(data, sender)?;
        let (data, neutralised) = data.neutralised().map_err(|e| ComposeError::Data(e.to_string()))?;
        let sender = &Sender { from_name: data::visible(&sender.from_name).into_owned(), ..sender.clone() };

        let bodies = self.render(&data)?;
        let ics = ics::invitation(&data, sender);
        let message = message::write(&data, sender, &bodies, &ics);
        Ok(Letter {
            sha256: sha256_hex(&message),
            message_id: message::id(&data, sender),
            ics: ics.into_bytes(),
            subject: bodies.subject,
            text: bodies.text,
            html: bodies.html,
            message,
            neutralised,
        })
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
    // Both are the two halves of identifiers that look like addresses.
    if !is_deliverable_email(&format!("{}@{}.invalid", data.reference, "x")) {
        return refused("/reference", &data.reference, "letters, digits and hyphens");
    }
    if !is_deliverable_email(&format!("x@{}", sender.message_domain)) {
        return refused("message_domain", &sender.message_domain, "a domain name");
    }
    // RFC 5545 writes a year in four digits.
    let day = data.appointment.day;
    if !(1970..=9990).contains(&day.year()) {
        return refused("/appointment/day", &day.to_string(), "a date of our time");
    }
    Ok(())
}
