//! Bounces: delivery status notifications (RFC 3464) and the forms that servers used before them.
//!
//! Only a letter's own signed Return-Path identifies the letter that came back: nobody can end another person's
//! appointment by forging a bounce.

mod ingest;

use mail_parser::{Message, MessageParser, MimeHeaders, PartType};

pub use self::ingest::{Consequence, Ingested, ingest};
use super::return_path::Named;
use convoke_domain::code::coded;

/// Characters of a server's diagnostic that are kept.
const DIAGNOSTIC_MAX: usize = 500;
/// An address has at most 320 characters (RFC 3696, erratum 1690): a longer word is not an address.
const ADDRESS_MAX: usize = 320;
/// A bounce concerns one letter; any further names are ignored.
const NAMES_MAX: usize = 16;

coded! {
    /// What a returned message means.
    pub enum Class {
        /// The letter was not delivered, and will not be.
        Hard = "hard",
        /// A server is still trying.
        Soft = "soft",
        /// An automatic reply, or a notification of success: nothing follows.
        AutoReply = "auto-reply",
        /// A person must read it.
        Unknown = "unknown",
    }
}

/// A returned message, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// What it means.
    pub class: Class,
    /// Names of letters found in its addresses, not yet verified.
    pub named: Vec<Named>,
    /// Enhanced status code (RFC 3463).
    pub status: Option<String>,
    /// Diagnostic of the server that refused.
    pub diagnostic: Option<String>,
}

impl Returned {
    /// Whether it says that the address itself is bad, and not only that this letter was unwanted or the mailbox full.
    fn blames_the_address(&self) -> bool {
        let status = self.status.as_deref().unwrap_or("5.0.0");
        self.class == Class::Hard
            && (status.starts_with("5.1.") || matches!(status, "5.0.0" | "5.2.0" | "5.2.1" | "5.4.4"))
    }
}

/// Parses a message sent to a Return-Path.
pub fn read(bytes: &[u8]) -> Returned {
    let Some(message) = MessageParser::default().parse(bytes) else {
        return Returned { class: Class::Unknown, named: Vec::new(), status: None, diagnostic: None };
    };
    let texts = texts(&message);
    let named = names(&message, &texts);
    let returned = |class, status, diagnostic: Option<String>| Returned {
        class,
        named: named.clone(),
        status,
        // Untrusted text: no control character may reach a terminal or the database.
        diagnostic: diagnostic.map(|d| {
            let words = d.replace(char::is_control, " ");
            words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(DIAGNOSTIC_MAX).collect()
        }),
    };
    if let Some(status) = texts.iter().find(|t| t.kind == "message/delivery-status") {
        let field = |name| field(&status.text, name);
        let code = field("Status").as_deref().and_then(enhanced);
        let words = field("Diagnostic-Code");
        let class = match field("Action").map(|a| a.to_ascii_lowercase()).as_deref() {
            Some("failed") => Class::Hard,
            Some("delayed") => Class::Soft,
            Some("delivered" | "relayed" | "expanded") => Class::AutoReply,
            // Some servers omit the action and give only the status.
            _ => match code.as_deref().and_then(|c| c.chars().next()) {
                Some('5') => Class::Hard,
                Some('4') => Class::Soft,
                Some('2') => Class::AutoReply,
                _ => Class::Unknown,
            },
        };
        return returned(class, code, words);
    }
    if is_automatic(&message) {
        return returned(Class::AutoReply, None, None);
    }
    // Before RFC 3464 there was no common form: Exim names the failed recipients in a header, qmail introduces itself.
    let said: String = texts.iter().filter(|t| t.kind.starts_with("text/")).map(|t| t.text.as_str()).collect();
    let code = said.split_whitespace().find_map(enhanced).filter(|c| !c.starts_with('2'));
    let reply = said.split_whitespace().find_map(smtp_code);
    let gave_up = message.header("X-Failed-Recipients").is_some()
        || said.contains("This is the qmail-send program") && said.contains("permanent error");
    let from_a_server = gave_up || is_from_a_server(&message);
    let class = match (from_a_server, code.as_deref().and_then(|c| c.chars().next()).or(reply)) {
        (true, _) if gave_up => Class::Hard,
        (true, Some('5')) => Class::Hard,
        (true, Some('4')) => Class::Soft,
        _ => Class::Unknown,
    };
    let line = said.lines().find(|l| l.split_whitespace().any(|w| enhanced(w).is_some() || smtp_code(w).is_some()));
    returned(class, code, line.map(str::to_owned).filter(|_| from_a_server))
}

/// A readable part of a message.
struct Text {
    kind: String,
    text: String,
}

/// Every readable part; those of enclosed messages include their headers.
fn texts(message: &Message<'_>) -> Vec<Text> {
    let mut found = Vec::new();
    for part in &message.parts {
        let kind = part.content_type().map_or_else(
            || "text/plain".to_owned(),
            |c| format!("{}/{}", c.ctype(), c.subtype().unwrap_or("")).to_ascii_lowercase(),
        );
        match &part.body {
            PartType::Text(text) | PartType::Html(text) => found.push(Text { kind, text: text.to_string() }),
            PartType::Binary(bytes) | PartType::InlineBinary(bytes)
                if kind.starts_with("message/") || kind.starts_with("text/") =>
            {
                found.push(Text { kind, text: String::from_utf8_lossy(bytes).into_owned() });
            }
            PartType::Message(enclosed) => {
                let text = String::from_utf8_lossy(enclosed.raw_message()).into_owned();
                found.push(Text { kind: "message/rfc822".into(), text });
            }
            PartType::Binary(_) | PartType::InlineBinary(_) | PartType::Multipart(_) => {}
        }
    }
    found
}

/// Names of letters in any address, in the headers of the message or in what it encloses.
fn names(message: &Message<'_>, texts: &[Text]) -> Vec<Named> {
    let headers: String = message.headers_raw().map(|(_, value)| value).collect();
    let mut found: Vec<Named> = Vec::new();
    let is_delimiter = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '"' | '(' | ')' | '[' | ']');
    for text in std::iter::once(headers.as_str()).chain(texts.iter().map(|t| t.text.as_str())) {
        let words = text.split(is_delimiter).filter(|word| word.len() <= ADDRESS_MAX && word.contains('@'));
        for name in words.filter_map(Named::find) {
            if found.len() == NAMES_MAX {
                return found;
            }
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found
}

/// A field of a delivery status, with its continuation lines: the recipient's, which follow the fields of the message.
fn field(status: &str, name: &str) -> Option<String> {
    let mut value: Option<String> = None;
    let mut in_field = false;
    for line in status.lines() {
        if line.starts_with([' ', '\t']) {
            if let (true, Some(value)) = (in_field, &mut value) {
                value.push(' ');
                value.push_str(line.trim());
            }
            continue;
        }
        in_field = line.split_once(':').is_some_and(|(n, _)| n.trim().eq_ignore_ascii_case(name));
        if in_field {
            value = line.split_once(':').map(|(_, v)| v.trim().to_owned());
        }
    }
    value
}

/// An enhanced status code in a word: `5.1.1`, `(5.1.1)`, `#5.1.1`.
fn enhanced(word: &str) -> Option<String> {
    let word = word.trim_matches(|c: char| !c.is_ascii_digit());
    let parts: Vec<&str> = word.split('.').collect();
    let plain = |p: &&str| matches!(p.len(), 1..=3) && p.bytes().all(|b| b.is_ascii_digit());
    (parts.len() == 3 && matches!(parts[0], "2" | "4" | "5") && parts.iter().all(plain)).then(|| word.to_owned())
}

/// The class of an SMTP reply in a word: `550`, `550-5.1.1`.
fn smtp_code(word: &str) -> Option<char> {
    let digits: String = word.chars().take_while(char::is_ascii_digit).collect();
    let rest = &word[digits.len()..];
    let alone = rest.is_empty() || rest.starts_with(['-', ':', ',']);
    (digits.len() == 3 && alone && digits.starts_with(['4', '5']))
        .then(|| if digits.starts_with('4') { '4' } else { '5' })
}

/// RFC 3834, and the headers that programs used before it.
fn is_automatic(message: &Message<'_>) -> bool {
    let header = |name: &'static str| message.header_raw(name).map(|v| v.trim().to_ascii_lowercase());
    header("Auto-Submitted").is_some_and(|v| v.starts_with("auto-replied"))
        || header("X-Autoreply").is_some()
        || header("X-Autorespond").is_some()
        || header("Precedence").is_some_and(|v| v.contains("auto_reply"))
        || message
            .content_type()
            .and_then(|c| c.attribute("report-type"))
            .is_some_and(|r| r.eq_ignore_ascii_case("disposition-notification"))
}

fn is_from_a_server(message: &Message<'_>) -> bool {
    let address = message.from().and_then(|f| f.first()).and_then(|f| f.address()).unwrap_or("").to_ascii_lowercase();
    let sender = message.header_raw("Return-Path").map(str::trim);
    ["mailer-daemon@", "postmaster@", "mail-daemon@"].iter().any(|who| address.starts_with(who)) || sender == Some("<>")
}
