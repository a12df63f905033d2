//! A small SMTP server inside the process, on loopback and in clear: the relay of `convoke demo` and of the tests. It
//! follows its script, and keeps every message for which it took responsibility.

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
    time::sleep,
};

use super::smtp::Stage;

/// The sink's answer to EHLO, unless its script says otherwise.
const EXTENSIONS: &str = "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-SIZE 10485760\r\n\
                        250-AUTH PLAIN LOGIN\r\n250 ENHANCEDSTATUSCODES";

/// A message for which the sink took responsibility.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The envelope's sender, without its angle brackets.
    pub from: String,
    /// The envelope's only recipient.
    pub to: String,
    /// The message as it was before its dots were doubled.
    pub data: Vec<u8>,
}

/// A moment at which the script decides.
#[derive(Debug)]
pub struct Turn<'a> {
    /// What is being answered.
    pub stage: Stage,
    /// The command as received; for AUTH LOGIN, with both answers.
    pub line: &'a str,
    /// The recipient, from RCPT on; empty before.
    pub recipient: &'a str,
    /// How often this recipient has been named to the sink, including now.
    pub attempt: usize,
    /// Number of the connection, from 1.
    pub session: usize,
}

/// What the sink does when it is its turn.
#[derive(Clone, Debug)]
pub enum Act {
    /// Answers as a willing relay does.
    Usual,
    /// Answers these lines, whose last needs no line end; after 421 it hangs up.
    Say(String),
    /// Answers as usual, after this delay.
    Late(Duration),
    /// Answers as usual, one byte per interval.
    Drip(Duration),
    /// Never answers, and keeps the connection open.
    Silence,
    /// Hangs up.
    Drop,
}

impl Act {
    /// [`Act::Say`] with borrowed text.
    pub fn say(lines: &str) -> Self {
        Self::Say(lines.to_owned())
    }

    /// Whether the command takes effect: it does unless the client is refused, so that a message whose answer is lost
    /// counts as taken.
    fn takes_effect(&self) -> bool {
        match self {
            Self::Say(lines) => lines.starts_with(['2', '3']),
            Self::Usual | Self::Late(_) | Self::Drip(_) | Self::Silence | Self::Drop => true,
        }
    }
}

/// The running server. It stops when dropped.
#[derive(Debug)]
pub struct Sink {
    /// Where it listens: 127.0.0.1 and a free port.
    pub addr: SocketAddr,
    books: Arc<Mutex<Books>>,
    door: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Books {
    messages: Vec<Received>,
    attempts: HashMap<String, usize>,
}

type Script = dyn Fn(&Turn) -> Act + Send + Sync;

impl Sink {
    /// Listens on a free port and plays `script`, which is asked before each answer.
    ///
    /// # Errors
    /// The port cannot be opened.
    pub async fn start(script: impl Fn(&Turn) -> Act + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let books = Arc::<Mutex<Books>>::default();
        let door = tokio::spawn(welcome(listener, Arc::new(script), Arc::clone(&books)));
        Ok(Self { addr, books, door })
    }

    /// Every message taken so far, in the order of their final dots.
    pub fn messages(&self) -> Vec<Received> {
        lock(&self.books).messages.clone()
    }

    /// Closes the port and every connection.
    pub async fn stop(mut self) {
        self.door.abort();
        // The task ends by being aborted, which is not an error.
        let _ = (&mut self.door).await;
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.door.abort();
    }
}

fn lock(books: &Mutex<Books>) -> MutexGuard<'_, Books> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn welcome(listener: TcpListener, script: Arc<Script>, books: Arc<Mutex<Books>>) {
    // Dropped with this task, it ends the conversations.
    let mut conversations = JoinSet::new();
    for session in 1.. {
        let Ok((stream, _)) = listener.accept().await else { return };
        let (script, books) = (Arc::clone(&script), Arc::clone(&books));
        conversations.spawn(async move {
            let mut conversation = Conversation {
                stream: BufReader::new(stream),
                script,
                books,
                session,
                from: None,
                to: String::new(),
                attempt: 0,
            };
            // A client that hangs up is an expected event.
            let _ = conversation.hold().await;
        });
    }
}

struct Conversation {
    stream: BufReader<TcpStream>,
    script: Arc<Script>,
    books: Arc<Mutex<Books>>,
    session: usize,
    /// The sender of the open transaction.
    from: Option<String>,
    /// Its recipient, empty before RCPT.
    to: String,
    attempt: usize,
}

impl Conversation {
    /// Talks until either side hangs up; that error ends it.
    async fn hold(&mut self) -> io::Result<()> {
        self.stream.get_ref().set_nodelay(true)?;
        self.turn(Stage::Connect, "", "220 sink ESMTP").await?;
        loop {
            let line = self.line().await?;
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => _ = self.turn(Stage::Hello, &line, EXTENSIONS).await?,
                "AUTH" => self.auth(line).await?,
                "MAIL" => self.mail(&line).await?,
                "RCPT" => self.rcpt(&line).await?,
                "DATA" => self.data(&line).await?,
                "RSET" => {
                    self.close_transaction();
                    self.say("250 2.0.0 reset").await?;
                }
                "NOOP" => self.say("250 2.0.0 here").await?,
                "QUIT" => return self.say("221 2.0.0 bye").await,
                _ => self.say("502 5.5.1 unknown command").await?,
            }
        }
    }

    async fn auth(&mut self, mut line: String) -> io::Result<()> {
        if line.eq_ignore_ascii_case("AUTH LOGIN") {
            for challenge in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] {
                self.say(challenge).await?;
                line = format!("{line} {}", self.line().await?);
            }
        }
        self.turn(Stage::Auth, &line, "235 2.7.0 welcome").await.map(drop)
    }

    async fn mail(&mut self, line: &str) -> io::Result<()> {
        if self.from.is_some() {
            return self.say("503 5.5.1 a transaction is open").await;
        }
        if self.turn(Stage::Mail, line, "250 2.1.0 sender noted").await? {
            self.from = Some(path(line));
        }
        Ok(())
    }

    async fn rcpt(&mut self, line: &str) -> io::Result<()> {
        if self.from.is_none() || !self.to.is_empty() {
            return self.say("503 5.5.1 one sender, then one recipient").await;
        }
        self.to = path(line);
        self.attempt = {
            let mut books = lock(&self.books);
            let attempts = books.attempts.entry(self.to.clone()).or_default();
            *attempts += 1;
            *attempts
        };
        if !self.turn(Stage::Rcpt, line, "250 2.1.5 recipient noted").await? {
            self.to.clear();
        }
        Ok(())
    }

    async fn data(&mut self, line: &str) -> io::Result<()> {
        if self.to.is_empty() {
            return self.say("503 5.5.1 no recipient").await;
        }
        if !self.turn(Stage::Data, line, "354 go ahead").await? {
            return Ok(());
        }
        let mut data = Vec::new();
        loop {
            let start = data.len();
            if self.stream.read_until(b'\n', &mut data).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if data[start..] == *b".\r\n" {
                data.truncate(start);
                break;
            }
            if data[start] == b'.' {
                data.remove(start);
            }
        }
        let act = self.decide(Stage::Dot, ".");
        if act.takes_effect() {
            let from = self.from.clone().unwrap_or_default();
            lock(&self.books).messages.push(Received { from, to: self.to.clone(), data });
        }
        self.close_transaction();
        self.play(act, "250 2.0.0 taken").await
    }

    fn close_transaction(&mut self) {
        self.from = None;
        self.to.clear();
        self.attempt = 0;
    }

    /// Plays one turn; true if the command took effect.
    async fn turn(&mut self, stage: Stage, line: &str, usual: &str) -> io::Result<bool> {
        let act = self.decide(stage, line);
        let takes_effect = act.takes_effect();
        self.play(act, usual).await?;
        Ok(takes_effect)
    }

    fn decide(&self, stage: Stage, line: &str) -> Act {
        let turn = Turn { stage, line, recipient: &self.to, attempt: self.attempt, session: self.session };
        (self.script)(&turn)
    }

    async fn play(&mut self, act: Act, usual: &str) -> io::Result<()> {
        match act {
            Act::Usual => self.say(usual).await,
            Act::Say(lines) => {
                self.say(&lines).await?;
                if lines.starts_with("421") { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
            }
            Act::Late(delay) => {
                sleep(delay).await;
                self.say(usual).await
            }
            Act::Drip(interval) => {
                for byte in format!("{usual}\r\n").bytes() {
                    sleep(interval).await;
                    self.stream.write_all(&[byte]).await?;
                }
                Ok(())
            }
            Act::Silence => {
                while self.stream.read(&mut [0; 1024]).await? > 0 {}
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Act::Drop => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    async fn say(&mut self, lines: &str) -> io::Result<()> {
        self.stream.write_all(format!("{lines}\r\n").as_bytes()).await
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

/// The text between the angle brackets of MAIL and RCPT.
fn path(line: &str) -> String {
    let inner = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map(|(path, _)| path.to_owned()).unwrap_or_default()
}
