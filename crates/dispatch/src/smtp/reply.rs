//! What the relay says: replies as values, and faults, which concern no letter.

use std::{fmt, io};

/// Longest reply line read, twice what RFC 5321 §4.5.3.1.5 allows.
const LINE_BYTES_MAX: usize = 1_024;
/// Longest reply read, all lines together.
const REPLY_BYTES_MAX: usize = 16 * 1_024;
/// Characters of a reply kept for people to read.
const TEXT_CHARS_MAX: usize = 500;

/// Where in the dialogue a reply or a fault occurred, in the order of the dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// TCP connection and the relay's greeting.
    Connect,
    /// STARTTLS and the TLS handshake.
    Tls,
    /// EHLO.
    Hello,
    /// AUTH.
    Auth,
    /// MAIL FROM, and the RSET that may precede it.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA and the message, up to its final dot.
    Data,
    /// The final dot and its answer: from here on the relay may have the letter.
    Dot,
}

impl Stage {
    /// Its code in the history of attempts.
    pub fn code(self) -> &'static str {
        match self {
            Stage::Connect => "connect",
            Stage::Tls => "tls",
            Stage::Hello => "hello",
            Stage::Auth => "auth",
            Stage::Mail => "mail",
            Stage::Rcpt => "rcpt",
            Stage::Data => "data",
            Stage::Dot => "dot",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Connect => "connection",
            Stage::Tls => "TLS",
            Stage::Hello => "EHLO",
            Stage::Auth => "AUTH",
            Stage::Mail => "MAIL",
            Stage::Rcpt => "RCPT",
            Stage::Data => "DATA",
            Stage::Dot => "final dot",
        })
    }
}

/// One reply (RFC 5321 §4.2), or a local refusal in the form of a reply.
///
/// `text` may quote the recipient's address: it is stored with the attempt and never logged.
/// `Display` leaves it out for that reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Three digits, 200 to 599.
    pub code: u16,
    /// Enhanced status code (RFC 2034, RFC 3463), if its class agrees with `code`.
    pub enhanced: Option<String>,
    /// The lines joined, control characters as spaces, at most 500 characters.
    pub text: String,
    /// What it answers.
    pub stage: Stage,
}

impl Reply {
    /// A refusal that needs no relay: nothing was sent.
    pub(super) fn local(stage: Stage, code: u16, enhanced: &str, text: &str) -> Self {
        Self { code, enhanced: Some(enhanced.to_owned()), text: format!("not sent: {text}"), stage }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        self.enhanced.iter().try_for_each(|code| write!(f, " {code}"))
    }
}

/// Why the relay, not a letter, is at fault. The connection is unusable afterwards.
#[derive(Debug, thiserror::Error)]
#[error("SMTP {stage}: {cause}")]
pub struct Fault {
    /// How far the dialogue had come.
    pub stage: Stage,
    /// What happened.
    pub cause: Cause,
}

/// What happened to a connection.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The relay requires credentials and refused ours, or was given none.
    #[error(
        "the relay refused the credentials ({0}{text}): check the user in smtp.url and the password file",
        text = spoken(.0)
    )]
    Authentication(Reply),
    /// The relay offers no way to check our credentials.
    #[error("the relay offers neither AUTH PLAIN nor AUTH LOGIN: check the port and the user in smtp.url")]
    NoMechanism,
    /// The relay refused the session as a whole, or ended it (421).
    #[error("the relay answered {0}{text}", text = spoken(.0))]
    Answered(Reply),
    /// An answer did not come in time.
    #[error("the deadline passed")]
    Deadline,
    /// The relay hung up.
    #[error("the relay closed the connection")]
    Closed,
    /// The channel could not be encrypted; nothing was sent in clear instead.
    #[error("no trusted TLS ({0}): check the host in smtp.url and the relay's certificate")]
    Tls(io::Error),
    /// The network failed.
    #[error("the network failed ({0})")]
    Network(io::Error),
    /// The relay does not speak SMTP as written.
    #[error("{0}")]
    Dialogue(&'static str),
}

impl Cause {
    pub(super) fn at(self, stage: Stage) -> Fault {
        Fault { stage, cause: self }
    }

    /// The cause behind a failed read or write.
    pub(super) fn of(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Closed,
            io::ErrorKind::TimedOut => Self::Deadline,
            _ => Self::Network(error),
        }
    }
}

impl Fault {
    /// The fault expressed by a reply that concerns the session, not a letter.
    ///
    /// 530 (RFC 4954 §6) asks for authentication at any stage; taken as a refusal of the letter, it would fail the
    /// whole queue for one missing setting.
    pub(super) fn answered(reply: Reply) -> Self {
        let stage = reply.stage;
        let asks_credentials = reply.code == 530 || (stage == Stage::Auth && reply.code >= 500);
        let cause = if asks_credentials { Cause::Authentication } else { Cause::Answered };
        cause(reply).at(stage)
    }

    /// Whether somebody must correct the credentials before any letter can leave.
    #[must_use]
    pub fn is_authentication(&self) -> bool {
        matches!(self.cause, Cause::Authentication(_) | Cause::NoMechanism)
    }
}

/// What the relay said, if it cannot have quoted a recipient yet.
fn spoken(reply: &Reply) -> String {
    if reply.stage < Stage::Rcpt && !reply.text.is_empty() {
        format!(", \u{201c}{}\u{201d}", reply.text)
    } else {
        String::new()
    }
}

/// A reply as received, before its lines are joined.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) lines: Vec<String>,
}

impl Answer {
    /// The first complete reply in `bytes` and its length, or `None` while its end is missing.
    ///
    /// More tolerant than `lettre` where RFC 5321 §4.2 is: a last line may be the bare code, and the text need not be
    /// UTF-8. Stricter about framing: every line ends in CRLF and repeats the same code.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Cause> {
        let mut lines = Vec::new();
        let mut code = None;
        let mut used = 0;
        while let Some(length) = bytes[used..].iter().position(|&byte| byte == b'\n') {
            let line = &bytes[used..=used + length];
            used += line.len();
            if line.len() > LINE_BYTES_MAX || used > REPLY_BYTES_MAX {
                return Err(Cause::Dialogue("the relay's reply is too long"));
            }
            let (number, is_last, text) = dissect(line).ok_or(Cause::Dialogue("the relay's reply is not SMTP"))?;
            if *code.get_or_insert(number) != number {
                return Err(Cause::Dialogue("the lines of the relay's reply have different codes"));
            }
            lines.push(text);
            if is_last {
                return Ok(Some((Self { code: number, lines }, used)));
            }
        }
        if bytes.len() - used > LINE_BYTES_MAX || bytes.len() > REPLY_BYTES_MAX {
            return Err(Cause::Dialogue("the relay's reply is too long"));
        }
        Ok(None)
    }

    pub(super) fn into_reply(self, stage: Stage) -> Reply {
        let enhanced = self.lines.first().and_then(|line| enhanced(self.code, line)).map(str::to_owned);
        // Relays that have an enhanced code repeat it on every line.
        let spoken = self
            .lines
            .iter()
            .map(|line| enhanced.as_deref().and_then(|code| line.strip_prefix(code)).unwrap_or(line).trim());
        let text = spoken.collect::<Vec<_>>().join(" ");
        Reply { code: self.code, text: text.trim().chars().take(TEXT_CHARS_MAX).collect(), enhanced, stage }
    }
}

/// The code of one line that ends in CRLF, whether it is the last line of the reply, and its text.
fn dissect(line: &[u8]) -> Option<(u16, bool, String)> {
    let line = line.strip_suffix(b"\r\n").filter(|line| !line.contains(&b'\r'))?;
    let (code, rest) = line.split_at_checked(3)?;
    let (is_last, text) = match rest {
        [] => (true, rest),
        [b' ', text @ ..] => (true, text),
        [b'-', text @ ..] => (false, text),
        _ => return None,
    };
    let is_code = matches!(code[0], b'2'..=b'5') && code.iter().all(u8::is_ascii_digit);
    let code = str::from_utf8(code).ok().filter(|_| is_code)?.parse().ok()?;
    Some((code, is_last, String::from_utf8_lossy(text).replace(char::is_control, " ")))
}

/// The enhanced status code that `line` begins with (RFC 2034 §4: of the same class as `code`).
fn enhanced(code: u16, line: &str) -> Option<&str> {
    let word = line.split(' ').next()?;
    let parts: Vec<&str> = word.split('.').collect();
    let is_number = |part: &&str| matches!(part.len(), 1..=3) && part.bytes().all(|byte| byte.is_ascii_digit());
    let agrees = parts.len() == 3 && parts.iter().all(is_number) && parts[0] == (code / 100).to_string();
    agrees.then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(bytes: &[u8]) -> Reply {
        let (answer, used) = Answer::parse(bytes).unwrap().unwrap();
        assert_eq!(used, bytes.len());
        answer.into_reply(Stage::Rcpt)
    }

    #[test]
    fn lines_are_joined_and_the_enhanced_code_is_said_once() {
        let expected = Reply {
            code: 550,
            enhanced: Some("5.1.1".to_owned()),
            text: "No such user here".to_owned(),
            stage: Stage::Rcpt,
        };
        assert_eq!(reply(b"550-5.1.1 No such user\r\n550 5.1.1 here\r\n"), expected);
    }

    #[test]
    fn a_bare_code_and_a_text_in_latin_1_are_replies() {
        assert_eq!((reply(b"250\r\n").code, reply(b"250\r\n").text), (250, String::new()));
        assert_eq!(reply(b"250 accept\xe9\r\n").text, "accept\u{fffd}");
    }

    #[test]
    fn an_enhanced_code_of_another_class_is_only_text() {
        let reply = reply(b"550 2.0.0 odd\r\n");
        assert_eq!((reply.enhanced, reply.text.as_str()), (None, "2.0.0 odd"));
    }

    #[test]
    fn a_reply_without_its_end_is_awaited() {
        for part in [&b""[..], b"2", b"250 ok", b"250 ok\r", b"250-one\r\n", b"250-one\r\n250 tw"] {
            assert_eq!(Answer::parse(part).unwrap(), None);
        }
    }

    #[test]
    fn what_is_not_a_reply_is_a_fault() {
        let long = [b"250 ".as_slice(), &[b'x'; 2_000]].concat();
        let endless = b"250-x\r\n".repeat(3_000);
        for bytes in [
            &b"hello\r\n"[..],
            b"250 ok\n",
            b"250 a\rb\r\n",
            b"250-one\r\n251 two\r\n",
            b"150 early\r\n",
            b"2500 long\r\n",
            &long,
            &endless,
        ] {
            assert!(matches!(Answer::parse(bytes), Err(Cause::Dialogue(_))));
        }
    }

    #[test]
    fn a_text_keeps_500_characters_and_no_control_character() {
        let line = format!("250-\u{1b}[2J{}\r\n250 \u{0}end\r\n", "é".repeat(400));
        let text = reply(line.as_bytes()).text;
        assert!(text.chars().count() <= 500 && !text.contains(char::is_control));
    }
}
