//! The guarded stream: every read and write has a deadline, and a reply is only read for the command just sent.

use std::{future, io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, lookup_host},
    select,
    time::{Instant, timeout, timeout_at},
};

use super::{
    relay::{Relay, Security, Timeouts},
    reply::{Answer, Cause, Fault, Reply, Stage},
};

/// Buffer for one read: nearly always one reply.
const INBOX_BYTES: usize = 2_048;

/// TCP, or TLS over it.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection to the relay. After any error its owner must drop it: the dialogue is out of step.
pub(super) struct Wire {
    stream: Box<dyn Duplex>,
    /// Received and not yet parsed as a reply. Empty whenever a command is sent.
    inbox: Vec<u8>,
    timeouts: Timeouts,
    /// Deadline of the opening, of the letter or of the QUIT under way.
    deadline: Instant,
    /// This end's address, for EHLO if no name was given.
    pub(super) local: SocketAddr,
}

impl Wire {
    /// Connects to the first address of the relay that answers.
    pub(super) async fn connect(relay: &Relay) -> Result<Self, Fault> {
        let timeouts = relay.timeouts;
        let deadline = Instant::now() + timeouts.open;
        let tcp = bounded(deadline, dial(relay)).await.map_err(|cause| cause.at(Stage::Connect))?;
        let refused = |error| Cause::Network(error).at(Stage::Connect);
        // Otherwise each letter waits about 40 ms for a delayed acknowledgement.
        tcp.set_nodelay(true).map_err(refused)?;
        let local = tcp.local_addr().map_err(refused)?;
        Ok(Self { stream: Box::new(tcp), inbox: Vec::with_capacity(INBOX_BYTES), timeouts, deadline, local })
    }

    /// The same connection inside TLS, with the relay's certificate verified for its host.
    pub(super) async fn secure(mut self, relay: &Relay) -> Result<Self, Fault> {
        // An attacker in between may send replies in clear along with the 220 to STARTTLS, to be read later as if TLS
        // had carried them. In TLS the client speaks first: nothing may be buffered here.
        self.listen().await.map_err(|cause| match cause {
            Cause::Dialogue(_) => Cause::Dialogue("bytes in clear arrived where TLS should begin").at(Stage::Tls),
            cause => cause.at(Stage::Tls),
        })?;
        let handshake = async { relay.tls()?.connect(relay.name.clone(), self.stream).await };
        let stream = bounded(self.deadline, handshake).await.map_err(|cause| match cause {
            Cause::Network(error) => Cause::Tls(error).at(Stage::Tls),
            cause => cause.at(Stage::Tls),
        })?;
        Ok(Self { stream: Box::new(stream), ..self })
    }

    /// Limits everything that follows to `total` from now, all reads and writes together.
    pub(super) fn allow(&mut self, total: Duration) {
        self.deadline = Instant::now() + total;
    }

    /// Sends one command and reads its reply.
    pub(super) async fn ask(&mut self, stage: Stage, line: &str) -> Result<Reply, Fault> {
        self.send(stage, line.as_bytes()).await?;
        self.reply(stage).await
    }

    /// Reads one reply to what was sent before.
    pub(super) async fn reply(&mut self, stage: Stage) -> Result<Reply, Fault> {
        Ok(self.answer(stage).await?.into_reply(stage))
    }

    /// Sends one command and reads its reply, line by line.
    pub(super) async fn ask_lines(&mut self, stage: Stage, line: &str) -> Result<Answer, Fault> {
        self.send(stage, line.as_bytes()).await?;
        self.answer(stage).await
    }

    /// Sends bytes that the relay may have been waiting for, provided that it has said nothing since
    /// its last reply.
    pub(super) async fn send(&mut self, stage: Stage, bytes: &[u8]) -> Result<(), Fault> {
        self.write(bytes).await.map_err(|cause| cause.at(stage))
    }

    /// Reads one reply. One that ends the session (421, RFC 5321 §3.8) or wants a login (530) is a fault.
    async fn answer(&mut self, stage: Stage) -> Result<Answer, Fault> {
        let answer = self.read(stage).await.map_err(|cause| cause.at(stage))?;
        if matches!(answer.code, 421 | 530) {
            return Err(Fault::answered(answer.into_reply(stage)));
        }
        Ok(answer)
    }

    /// Fails if the relay has sent anything unsolicited, or hung up.
    pub(super) async fn expect_silence(&mut self, stage: Stage) -> Result<(), Fault> {
        self.listen().await.map_err(|cause| cause.at(stage))
    }

    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Cause> {
        self.listen().await?;
        while !bytes.is_empty() {
            let written = bounded(self.until(self.timeouts.step), self.stream.write(bytes)).await?;
            if written == 0 {
                return Err(Cause::Closed);
            }
            bytes = &bytes[written..];
        }
        bounded(self.until(self.timeouts.step), self.stream.flush()).await
    }

    // An unsolicited reply would be taken for the reply to the next command, and every later reply for the one after.
    // One that arrives just after this check escapes it: then DATA is not answered by 354, and the shift shows before
    // the letter is handed over.
    async fn listen(&mut self) -> Result<(), Cause> {
        if self.inbox.is_empty() {
            let arrived = select! {
                biased;
                read = self.stream.read_buf(&mut self.inbox) => Some(read.map_err(Cause::of)?),
                () = future::ready(()) => None,
            };
            match arrived {
                None => return Ok(()),
                Some(0) => return Err(Cause::Closed),
                Some(_) => {}
            }
        }
        Err(Cause::Dialogue("the relay sent an unsolicited reply: it may have ended an idle session"))
    }

    async fn read(&mut self, stage: Stage) -> Result<Answer, Cause> {
        let patience = if stage == Stage::Dot { self.timeouts.dot } else { self.timeouts.step };
        loop {
            if let Some((answer, used)) = Answer::parse(&self.inbox)? {
                self.inbox.drain(..used);
                return Ok(answer);
            }
            let until = self.until(patience);
            if bounded(until, self.stream.read_buf(&mut self.inbox)).await? == 0 {
                return Err(Cause::Closed);
            }
        }
    }

    /// The deadline of a wait that begins now.
    fn until(&self, patience: Duration) -> Instant {
        self.deadline.min(Instant::now() + patience)
    }
}

async fn dial(relay: &Relay) -> io::Result<TcpStream> {
    let mut failure = io::Error::other("the host has no usable address");
    for address in lookup_host((relay.host.as_str(), relay.port)).await? {
        // A hosts file may point localhost elsewhere.
        if relay.security == Security::Clear && !relay.clear_anywhere && !address.ip().is_loopback() {
            continue;
        }
        match timeout(relay.timeouts.step, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => return Ok(tcp),
            Ok(Err(error)) => failure = error,
            Err(elapsed) => failure = elapsed.into(),
        }
    }
    Err(failure)
}

async fn bounded<T>(until: Instant, work: impl Future<Output = io::Result<T>>) -> Result<T, Cause> {
    timeout_at(until, work).await.unwrap_or_else(|elapsed| Err(elapsed.into())).map_err(Cause::of)
}
