//! A letter as sent over the wire, or why it cannot be sent. It is checked before a byte is sent, so that nothing in an
//! address or a message can become a command (RFC 5321 §2.3.8, §4.1.2, §4.5.2).

use super::reply::{Reply, Stage};

/// The commands and the body of one transaction.
pub(super) struct Letter {
    pub(super) mail: String,
    pub(super) rcpt: String,
    /// The message with its dots stuffed, ending in CRLF, without the final dot.
    pub(super) body: Vec<u8>,
}

impl Letter {
    /// Prepares one envelope with one recipient.
    ///
    /// # Errors
    /// The refusal that a relay would give: the letter can never be sent as it is.
    pub(super) fn write(from: &str, to: &str, message: &[u8], relay: &Announced) -> Result<Self, Reply> {
        if !(from.is_empty() || is_address(from)) {
            return Err(Reply::local(Stage::Mail, 553, "5.1.7", "the sender's address is malformed"));
        }
        if !is_address(to) {
            return Err(Reply::local(Stage::Rcpt, 553, "5.1.3", "the recipient's address is malformed"));
        }
        let mut parameters = String::new();
        if !(from.is_ascii() && to.is_ascii()) {
            if !relay.offers("SMTPUTF8") {
                let text = "the address is not ASCII and the relay does not offer SMTPUTF8";
                return Err(Reply::local(Stage::Rcpt, 553, "5.6.7", text));
            }
            parameters += " SMTPUTF8";
        }
        if !message.is_ascii() {
            if !relay.offers("8BITMIME") {
                let text = "the message is not ASCII and the relay does not offer 8BITMIME";
                return Err(Reply::local(Stage::Data, 554, "5.6.3", text));
            }
            parameters += " BODY=8BITMIME";
        }
        let body = stuff(message).ok_or_else(|| {
            Reply::local(Stage::Data, 554, "5.6.0", "the message has a CR or LF that is not a line end")
        })?;
        if relay.offers("SIZE") {
            // Refused here: a relay that hangs up in mid-message would look like a fault of the relay, and the same
            // letter would come back for ever.
            if relay.size_max().is_some_and(|max| message.len() > max) {
                return Err(Reply::local(Stage::Mail, 552, "5.3.4", "the message is too big for the relay"));
            }
            parameters += " SIZE=";
            parameters += &message.len().to_string();
        }
        Ok(Self { mail: format!("MAIL FROM:<{from}>{parameters}\r\n"), rcpt: format!("RCPT TO:<{to}>\r\n"), body })
    }
}

/// What the relay announced in its answer to EHLO (RFC 5321 §4.1.1.1).
pub(super) struct Announced(Vec<String>);

impl Announced {
    /// Reads the lines of the answer; the first is the relay's name.
    pub(super) fn new(lines: &[String]) -> Self {
        Self(lines.iter().skip(1).map(|line| line.to_ascii_uppercase()).collect())
    }

    pub(super) fn offers(&self, keyword: &str) -> bool {
        self.parameters(keyword).is_some()
    }

    pub(super) fn offers_auth(&self, mechanism: &str) -> bool {
        self.parameters("AUTH").is_some_and(|mut offered| offered.any(|name| name == mechanism))
    }

    /// The longest message taken (RFC 1870 §4); no number and 0 say nothing.
    fn size_max(&self) -> Option<usize> {
        self.parameters("SIZE")?.next()?.parse().ok().filter(|&max| max > 0)
    }

    fn parameters(&self, keyword: &str) -> Option<impl Iterator<Item = &str>> {
        self.0.iter().find_map(|line| {
            let mut words = line.split_ascii_whitespace();
            (words.next() == Some(keyword)).then_some(words)
        })
    }
}

/// Whether `address` is safe between angle brackets (lengths: RFC 5321 §4.5.3.1).
fn is_address(address: &str) -> bool {
    let is_safe = |c: char| !(c.is_control() || c.is_whitespace() || matches!(c, '<' | '>'));
    address.len() <= 254
        && address.chars().all(is_safe)
        && address.rsplit_once('@').is_some_and(|(local, domain)| matches!(local.len(), 1..=64) && !domain.is_empty())
}

/// Doubles the dot of each line that begins with one, and ends the last line; `None` if a CR or LF is alone, because
/// some relays take it for a line end and could find a final dot in the text.
fn stuff(message: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::with_capacity(message.len() + 64);
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        let text = line.strip_suffix(b"\r\n").unwrap_or(line);
        if text.contains(&b'\r') || text.contains(&b'\n') {
            return None;
        }
        if text.starts_with(b".") {
            body.push(b'.');
        }
        body.extend_from_slice(text);
        body.extend_from_slice(b"\r\n");
    }
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reaches_the_wire_with_its_dots_doubled_and_its_last_line_ended() {
        let cases: [(&[u8], &[u8]); 5] = [
            (b"", b""),
            (b"a\r\n.\r\n..b\r\n", b"a\r\n..\r\n...b\r\n"),
            (b".", b"..\r\n"),
            (b"a.\r\n\r\n", b"a.\r\n\r\n"),
            (b"a", b"a\r\n"),
        ];
        for (message, wire) in cases {
            assert_eq!(stuff(message).as_deref(), Some(wire));
        }
    }

    #[test]
    fn a_cr_or_lf_alone_never_reaches_the_wire() {
        let messages: [&[u8]; 6] = [b"a\nb\r\n", b"a\rb\r\n", b"a\r", b"\n", b"a\r\r\n", b"a\r\n.\n"];
        assert!(messages.iter().all(|message| stuff(message).is_none()));
    }

    #[test]
    fn an_address_can_be_nothing_but_an_address() {
        let long = format!("{}@example.fr", "a".repeat(65));
        for address in [
            "",
            "a",
            "@b",
            "a@",
            "a b@c",
            "a@b>",
            "a@b> SIZE=1",
            "<a@b",
            "a@b\r\nDATA",
            "a@b\u{85}",
            "a@b\u{2028}c",
            &long,
        ] {
            assert!(!is_address(address), "{address:?}");
        }
        assert!(["a@b", "a.b+c@example.fr", "é@exemple.fr"].into_iter().all(is_address));
    }
}
