//! One SMTP session: a connection that hands over one letter at a time and says exactly what
//! became of each (RFC 5321).
//!
//! The reply to one letter must never be read as the reply to the next. So a session is usable again only after a
//! dialogue that was followed to its end; a deadline, a reply out of turn or a future dropped half-way makes it
//! unusable; unsolicited bytes are a fault; DATA must be answered by 354, which no shifted dialogue does; and only a
//! 2xx to its final dot accepts a letter.
//!
//! The dialogue is implemented here because `lettre`'s `AsyncSmtpConnection` (0.11.23) cannot keep that promise:
//! - its buffer is private: unsolicited bytes, or bytes sent in clear before TLS, stay there and are read as the next
//!   reply;
//! - `message` returns the same error for a body cut short, which is certainly not delivered, and for a final dot left
//!   unanswered, which may be;
//! - a reply that is a bare code (legal, RFC 5321 §4.2) or has a byte that is not UTF-8 is an error there; after the
//!   final dot, that would send every letter twice;
//! - it adds an empty line to each message, which is then no longer what was hashed.
//!
//! Messages are built, and credentials encoded, by `lettre`.

mod letter;
mod relay;
mod reply;
mod wire;

use std::{mem, net::IpAddr, ops::RangeInclusive, time::Duration};

use lettre::transport::smtp::{
    authentication::{Credentials, Mechanism},
    commands::Auth,
};
use secrecy::ExposeSecret;

use self::{
    letter::{Announced, Letter},
    relay::{Login, Security},
    wire::Wire,
};
pub use self::{
    relay::{Relay, RelayError, Timeouts},
    reply::{Cause, Fault, Reply, Stage},
};

const RESET: &str = "RSET\r\n";
const DATA: &str = "DATA\r\n";

/// How long to wait for the relay's reply to QUIT.
const FAREWELL: Duration = Duration::from_secs(2);

/// What became of one letter.
#[derive(Debug)]
#[must_use]
pub enum Delivery {
    /// The relay took responsibility for it (2xx to the final dot).
    Accepted(Reply),
    /// Not now (4xx), for a reason of this letter's: try later.
    Deferred(Reply),
    /// Never (5xx), or refused here before a byte was sent.
    Refused(Reply),
    /// A fault of the relay before the letter was handed over: costs the letter no attempt.
    RelayFault(Fault),
    /// The final dot may have been sent, and its answer was not read: the relay may have the letter.
    Uncertain(Fault),
}

impl From<Fault> for Delivery {
    fn from(fault: Fault) -> Self {
        Self::RelayFault(fault)
    }
}

/// A connection to a relay, greeted, secured and logged in.
pub struct Session {
    wire: Wire,
    announced: Announced,
    timeouts: Timeouts,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    /// A letter was refused: its transaction may still be open at the relay.
    Unfinished,
    /// A dialogue is under way or was left half-way.
    Doubtful,
}

/// A letter of which all but the final dot has been sent.
///
/// This is the moment to record that it is being sent. Dropped instead of concluded, the letter is
/// not sent (RFC 5321 §4.1.1.4: no transaction without its dot) and the session is unusable.
#[must_use]
pub struct Offer<'a> {
    session: &'a mut Session,
}

impl Session {
    /// Connects, secures the channel as the relay's URL demands, says EHLO and logs in.
    ///
    /// # Errors
    /// Any fault on the way; [`Fault::is_authentication`] tells those that only a person can fix.
    pub async fn open(relay: &Relay) -> Result<Self, Fault> {
        let mut wire = Wire::connect(relay).await?;
        if relay.security == Security::ImplicitTls {
            wire = wire.secure(relay).await?;
        }
        expect(wire.reply(Stage::Connect).await?, 220)?;
        let mut announced = greet(&mut wire, relay).await?;
        if relay.security == Security::StartTls {
            if !announced.offers("STARTTLS") {
                let cause = Cause::Dialogue("the relay does not offer STARTTLS, and nothing is sent in clear");
                return Err(cause.at(Stage::Tls));
            }
            expect(wire.ask(Stage::Tls, "STARTTLS\r\n").await?, 220)?;
            wire = wire.secure(relay).await?;
            // What was announced in clear may be forged (RFC 3207 §4.2).
            announced = greet(&mut wire, relay).await?;
        }
        if let Some(login) = &relay.login {
            log_in(&mut wire, &announced, login).await?;
        }
        Ok(Self { wire, announced, timeouts: relay.timeouts, state: State::Ready })
    }

    /// Sends NOOP, to check whether the relay still answers.
    ///
    /// # Errors
    /// The relay does not answer.
    pub async fn ask_nothing(&mut self) -> Result<(), Fault> {
        self.wire.allow(self.timeouts.step);
        expect(self.wire.ask(Stage::Connect, "NOOP\r\n").await?, 250).map(drop)
    }

    /// Whether another letter may be handed over; if not, drop the session.
    #[must_use]
    pub fn is_reusable(&self) -> bool {
        self.state != State::Doubtful
    }

    /// Hands over one letter: one envelope, one recipient. An empty `from` is the null reverse-path.
    pub async fn deliver(&mut self, from: &str, to: &str, message: &[u8]) -> Delivery {
        match self.offer(from, to, message).await {
            Ok(offer) => offer.conclude().await,
            Err(delivery) => delivery,
        }
    }

    /// Sends one letter up to its final dot.
    ///
    /// # Errors
    /// The result for a letter that did not get that far; never `Accepted` or `Uncertain`.
    pub async fn offer(&mut self, from: &str, to: &str, message: &[u8]) -> Result<Offer<'_>, Delivery> {
        let letter = Letter::write(from, to, message, &self.announced).map_err(Delivery::Refused)?;
        self.wire.allow(self.timeouts.letter);
        // Unusable until proven otherwise, so that an early return or a dropped future leaves it so.
        let reset = match mem::replace(&mut self.state, State::Doubtful) {
            State::Ready => false,
            State::Unfinished => true,
            State::Doubtful => {
                return Err(Cause::Dialogue("the session is not usable").at(Stage::Mail).into());
            }
        };
        if self.announced.offers("PIPELINING") {
            self.propose_together(&letter, reset).await?;
        } else {
            if reset {
                expect(self.wire.ask(Stage::Mail, RESET).await?, 250)?;
            }
            self.propose(Stage::Mail, &letter.mail, 200..=299).await?;
            self.propose(Stage::Rcpt, &letter.rcpt, 200..=299).await?;
            self.propose(Stage::Data, DATA, 354..=354).await?;
        }
        match self.wire.send(Stage::Data, &letter.body).await {
            Ok(()) => Ok(Offer { session: self }),
            Err(fault) => Err(self.last_words(fault).await),
        }
    }

    /// Sends QUIT. The relay's answer changes nothing and is not waited for long.
    pub async fn quit(mut self) {
        if self.is_reusable() {
            self.wire.allow(FAREWELL);
            // Every letter has its answer: nothing depends on this one.
            let _ = self.wire.ask(Stage::Connect, "QUIT\r\n").await;
        }
    }

    async fn propose(&mut self, stage: Stage, line: &str, wanted: RangeInclusive<u16>) -> Result<(), Delivery> {
        let reply = self.wire.ask(stage, line).await?;
        if wanted.contains(&reply.code) { Ok(()) } else { Err(self.judge(reply)?) }
    }

    /// The same commands as one group (RFC 2920): one round trip instead of three. Every reply of the group is read.
    async fn propose_together(&mut self, letter: &Letter, reset: bool) -> Result<(), Delivery> {
        let group = [if reset { RESET } else { "" }, &letter.mail, &letter.rcpt, DATA].concat();
        self.wire.send(Stage::Mail, group.as_bytes()).await?;
        if reset {
            expect(self.wire.reply(Stage::Mail).await?, 250)?;
        }
        let mail = self.wire.reply(Stage::Mail).await?;
        let rcpt = self.wire.reply(Stage::Rcpt).await?;
        let data = self.wire.reply(Stage::Data).await?;
        let waits_for_a_message = data.code == 354;
        let refusal = [mail, rcpt].into_iter().find(|reply| !matches!(reply.code, 200..=299));
        match refusal.or(Some(data).filter(|data| data.code != 354)) {
            None => Ok(()),
            Some(reply) => {
                let delivery = self.judge(reply)?;
                if waits_for_a_message {
                    // The relay expects the text of a letter that it has refused: anything sent now would be read as
                    // that text.
                    self.state = State::Doubtful;
                }
                Err(delivery)
            }
        }
    }

    /// What an unwanted reply means for the letter; the session stays usable.
    fn judge(&mut self, reply: Reply) -> Result<Delivery, Fault> {
        let delivery = match reply.code {
            400..=499 => Delivery::Deferred(reply),
            500..=599 => Delivery::Refused(reply),
            _ => {
                return Err(Cause::Dialogue("the relay's reply does not fit what was asked").at(reply.stage));
            }
        };
        self.state = State::Unfinished;
        Ok(delivery)
    }

    /// What a relay that interrupts a message means. It has usually said why, and its reply must be read: as a fault of
    /// the relay this would cost no attempt, and the same letter would come back for ever.
    async fn last_words(&mut self, fault: Fault) -> Delivery {
        match self.wire.reply(Stage::Data).await {
            Ok(reply) if matches!(reply.code, 400..=499) => Delivery::Deferred(reply),
            Ok(reply) if matches!(reply.code, 500..=599) => Delivery::Refused(reply),
            _ => Delivery::RelayFault(fault),
        }
    }
}

impl Offer<'_> {
    /// Sends the final dot and reads what became of the letter.
    pub async fn conclude(self) -> Delivery {
        let Self { session } = self;
        if let Err(fault) = session.wire.expect_silence(Stage::Data).await {
            return session.last_words(fault).await;
        }
        match session.wire.ask(Stage::Dot, ".\r\n").await {
            Ok(reply) if matches!(reply.code, 200..=299) => {
                session.state = State::Ready;
                Delivery::Accepted(reply)
            }
            Ok(reply) => session.judge(reply).unwrap_or_else(Delivery::Uncertain),
            // A negative reply is still an answer: by RFC 5321 §4.2.1 the relay did not take the letter.
            Err(fault @ Fault { cause: Cause::Answered(_) | Cause::Authentication(_), .. }) => {
                Delivery::RelayFault(fault)
            }
            Err(fault) => Delivery::Uncertain(fault),
        }
    }
}

/// Fails on any reply about the session other than `wanted`.
fn expect(reply: Reply, wanted: u16) -> Result<(), Fault> {
    if reply.code == wanted { Ok(()) } else { Err(Fault::answered(reply)) }
}

async fn greet(wire: &mut Wire, relay: &Relay) -> Result<Announced, Fault> {
    // An address literal if the machine has no name (RFC 5321 §4.1.4).
    let name = relay.hello.clone().unwrap_or_else(|| match wire.local.ip() {
        IpAddr::V4(ip) => format!("[{ip}]"),
        IpAddr::V6(ip) => format!("[IPv6:{ip}]"),
    });
    let answer = wire.ask_lines(Stage::Hello, &format!("EHLO {name}\r\n")).await?;
    let announced = Announced::new(&answer.lines);
    expect(answer.into_reply(Stage::Hello), 250)?;
    Ok(announced)
}

/// AUTH PLAIN (RFC 4616), else the older LOGIN.
async fn log_in(wire: &mut Wire, announced: &Announced, login: &Login) -> Result<(), Fault> {
    let encode = |mechanism, challenge: Option<&str>| {
        let credentials = Credentials::new(login.user.clone(), login.password.expose_secret().to_owned());
        Auth::new(mechanism, credentials, challenge.map(str::to_owned))
            .map(|command| command.to_string())
            .map_err(|_| Cause::Dialogue("the credentials could not be encoded").at(Stage::Auth))
    };
    let last = if announced.offers_auth("PLAIN") {
        encode(Mechanism::Plain, None)?
    } else if announced.offers_auth("LOGIN") {
        expect(wire.ask(Stage::Auth, &encode(Mechanism::Login, None)?).await?, 334)?;
        expect(wire.ask(Stage::Auth, &encode(Mechanism::Login, Some("Username"))?).await?, 334)?;
        encode(Mechanism::Login, Some("Password"))?
    } else {
        return Err(Cause::NoMechanism.at(Stage::Auth));
    };
    expect(wire.ask(Stage::Auth, &last).await?, 235)
}
