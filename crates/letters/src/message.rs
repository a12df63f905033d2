//! The e-mail of a letter (RFC 5322, MIME).
//!
//! It is written with `mail-builder`, which folds, encodes words (RFC 2047) and drops control characters by itself,
//! where the builder of `lettre` panics on a line break in a name. It uses the clock, randomness and the host's name
//! only if a date, a boundary or a Message-ID is missing: all three are set here, so that every attempt sends the same
//! bytes.

use super::{LetterData, Sender, ics::Invitation, templates::Bodies};
use convoke_domain::ids::sha256_hex;
use mail_builder::{
    MessageBuilder,
    headers::{address::Address, content_type::ContentType, raw::Raw},
    mime::MimePart,
};

/// `RC-94-2026-0001234-K.0.5d41402abc4b2a76@domain`: the same on every attempt, and another for another content,
/// revision or recipient, because it is a digest of all that the letter says.
pub(super) fn id(data: &LetterData, sender: &Sender) -> String {
    let (reference, sequence, domain) = (&data.reference, data.sequence, &sender.message_domain);
    // Unwrap safety: plain data with text keys always serialises.
    let content = sha256_hex(&serde_json::to_vec(data).expect("a letter's data serialise"));
    format!("{reference}.{sequence}.{}@{domain}", &content[..16])
}

/// The message. The recipient's address has no display name: it is not needed for delivery, and a name that is never in
/// a header cannot forge one.
pub(super) fn write(data: &LetterData, sender: &Sender, bodies: &Bodies, ics: Option<&Invitation>) -> Vec<u8> {
    // A person without e-mail gets the letter by post: the recorded copy has no recipient.
    let to = match &data.recipient.email {
        Some(email) => email.as_str().into(),
        None => Address::new_group(Some("undisclosed-recipients"), Vec::new()),
    };
    let mut alternatives =
        vec![MimePart::new("text/plain", bodies.text.as_str()), MimePart::new("text/html", bodies.html.as_str())];
    let mut files = Vec::new();
    if let Ok(pdf) = &bodies.pdf {
        // The file's name contains only the reference.
        let name = format!("{}.pdf", data.reference);
        let media = ContentType::new("application/pdf").attribute("name", name.clone());
        files.push(MimePart::new(media, pdf.as_slice()).attachment(name));
    }
    if let Some(ics) = ics {
        let calendar = |media: &'static str| ContentType::new(media).attribute("charset", "utf-8");
        alternatives.push(MimePart::new(calendar("text/calendar").attribute("method", ics.method), ics.text.as_str()));
        // Some programs read the invitation among the alternatives, others only as an attachment.
        let media = calendar("application/ics").attribute("name", "rendez-vous.ics");
        files.push(MimePart::new(media, ics.text.as_bytes()).attachment("rendez-vous.ics"));
    }
    let alternative = MimePart::new(multipart("multipart/alternative", data), alternatives);
    let mut parts = vec![alternative];
    parts.extend(files);

    let mut message = MessageBuilder::new()
        .from(Address::new_address(Some(sender.from_name.as_str()), sender.from_address.as_str()))
        .to(to)
        .subject(bodies.subject.as_str())
        .date(sender.sent_at.unwrap_or(data.issued_at).timestamp())
        .message_id(id(data, sender))
        .header("X-Convocation", Raw::new(data.reference.as_str()))
        // RFC 3834: no vacation notice, no auto-reply.
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .header("Content-Language", Raw::new(bodies.languages.join(", ")));
    if let Some(email) = &data.office.contact_email {
        message = message.reply_to(email.as_str());
    }
    let mut bytes = Vec::new();
    message.body(MimePart::new(multipart("multipart/mixed", data), parts)).serialize(&mut bytes);
    bytes
}

/// A multipart type whose boundary is derived from the letter alone. `=_` occurs in no part that is quoted-printable or
/// base64 (RFC 2045, 6.7), and every French part is one of them.
fn multipart(media: &'static str, data: &LetterData) -> ContentType<'static> {
    let seed = format!("{media} {} {} {}", data.reference, data.sequence, data.matter.kind());
    let digest = sha256_hex(seed.as_bytes());
    ContentType::new(media).attribute("boundary", format!("=_{}", &digest[..32]))
}
