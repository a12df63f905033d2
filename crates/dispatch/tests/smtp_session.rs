//! What one SMTP session promises, whatever the relay does.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use convoke_dispatch::{
    sink::{Act, Received, Sink, Turn},
    smtp::{Cause, Delivery, Fault, Relay, RelayError, Session, Stage, Timeouts},
};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer},
};

const MESSAGE: &[u8] = b"Subject: Convocation\r\n\r\nBonjour\r\n";
const FROM: &str = "convocations@pref.example";
/// For what is late on purpose; everything else has the patience of the defaults.
const BRIEF: Timeouts = Timeouts {
    open: Duration::from_secs(1),
    step: Duration::from_millis(200),
    dot: Duration::from_millis(200),
    letter: Duration::from_millis(600),
};

fn relay(url: &str) -> Relay {
    Relay::parse(url, url.contains("user@").then(|| "sésame".into())).unwrap()
}

async fn connect(sink: &Sink) -> Session {
    Session::open(&relay(&format!("smtp://{}", sink.addr))).await.unwrap()
}

async fn connect_briefly(sink: &Sink) -> Result<Session, Fault> {
    Session::open(&relay(&format!("smtp://{}", sink.addr)).with_timeouts(BRIEF)).await
}

async fn sink(script: impl Fn(&Turn) -> Act + Send + Sync + 'static) -> (Sink, Session) {
    let sink = Sink::start(script).await.unwrap();
    let session = connect(&sink).await;
    (sink, session)
}

/// A sink that does `act` in its turn at `stage`, for the recipient `odd@` alone.
async fn odd(stage: Stage, act: Act) -> (Sink, Session) {
    sink(move |turn| if turn.stage == stage && turn.recipient.starts_with("odd@") { act.clone() } else { Act::Usual })
        .await
}

async fn deliver(session: &mut Session, to: &str) -> Delivery {
    session.deliver(FROM, to, MESSAGE).await
}

/// Outcome, code and stage in one line, such as `refused 550 at RCPT`.
fn describe(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Accepted(reply) => format!("accepted {}", reply.code),
        Delivery::Deferred(reply) => format!("deferred {} at {}", reply.code, reply.stage),
        Delivery::Refused(reply) => format!("refused {} at {}", reply.code, reply.stage),
        Delivery::RelayFault(fault) => format!("fault {fault}"),
        Delivery::Uncertain(fault) => format!("uncertain {fault}"),
    }
}

fn recipients(sink: &Sink) -> Vec<String> {
    sink.messages().into_iter().map(|message| message.to).collect()
}

#[tokio::test]
async fn an_accepted_letter_is_with_the_relay_byte_for_byte() {
    let (sink, mut session) = sink(|_| Act::Usual).await;
    let message = b".\r\n..\r\n.a\r\nb.\r\n\r\n.\r\n\xc3\xa9\r\n";
    let Delivery::Accepted(reply) = session.deliver(FROM, "a@b.example", message).await else { panic!() };
    assert_eq!((reply.code, reply.enhanced.as_deref(), reply.text.as_str()), (250, Some("2.0.0"), "taken"));
    let expected = Received { from: FROM.into(), to: "a@b.example".into(), data: message.to_vec() };
    assert_eq!(sink.messages(), [expected]);
    session.quit().await;
    sink.stop().await;
}

#[tokio::test]
async fn a_refused_recipient_costs_no_other_letter_and_no_connection() {
    let (sink, mut session) = odd(Stage::Rcpt, Act::say("550-5.1.1 No such\r\n550 5.1.1 user")).await;
    assert_eq!(describe(&deliver(&mut session, "a@b.example").await), "accepted 250");
    let Delivery::Refused(reply) = deliver(&mut session, "odd@b.example").await else { panic!() };
    assert_eq!((reply.enhanced.as_deref(), reply.text.as_str()), (Some("5.1.1"), "No such user"));
    assert!(session.is_reusable());
    assert_eq!(describe(&deliver(&mut session, "c@b.example").await), "accepted 250");
    assert_eq!(recipients(&sink), ["a@b.example", "c@b.example"]);
}

#[tokio::test]
async fn a_refusal_at_any_stage_is_that_letter_s_and_says_where() {
    for (stage, text) in
        [(Stage::Rcpt, "452 full"), (Stage::Data, "554 no"), (Stage::Dot, "550 spam"), (Stage::Dot, "451 wait")]
    {
        let (sink, mut session) = odd(stage, Act::say(text)).await;
        let outcome = if text.starts_with('4') { "deferred" } else { "refused" };
        let delivery = deliver(&mut session, "odd@b.example").await;
        assert_eq!(describe(&delivery), format!("{outcome} {} at {stage}", &text[..3]));
        assert_eq!(describe(&deliver(&mut session, "a@b.example").await), "accepted 250");
        assert_eq!(recipients(&sink), ["a@b.example"]);
    }
}

#[tokio::test]
async fn a_greylisted_letter_is_deferred_and_accepted_the_second_time() {
    let (sink, mut session) = sink(|turn| match (turn.stage, turn.attempt) {
        (Stage::Rcpt, 1) => Act::say("451 4.7.1 come back"),
        _ => Act::Usual,
    })
    .await;
    assert_eq!(describe(&deliver(&mut session, "a@b.example").await), "deferred 451 at RCPT");
    assert_eq!(describe(&deliver(&mut session, "a@b.example").await), "accepted 250");
    assert_eq!(recipients(&sink), ["a@b.example"]);
}

#[tokio::test]
async fn a_421_is_the_relay_s_fault_at_every_stage() {
    for stage in [Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Dot] {
        let (sink, mut session) =
            sink(move |turn| if turn.stage == stage { Act::say("421 4.3.2 shutting down") } else { Act::Usual }).await;
        let delivery = deliver(&mut session, "a@b.example").await;
        assert!(matches!(&delivery, Delivery::RelayFault(fault) if fault.stage == stage), "{}", describe(&delivery));
        assert!(!session.is_reusable());
        assert_eq!(sink.messages(), []);
    }
}

#[tokio::test]
async fn a_connection_lost_before_the_final_dot_leaves_the_letter_unsent() {
    for stage in [Stage::Mail, Stage::Rcpt, Stage::Data] {
        let (sink, mut session) = sink(move |turn| if turn.stage == stage { Act::Drop } else { Act::Usual }).await;
        assert!(matches!(deliver(&mut session, "a@b.example").await, Delivery::RelayFault(_)));
        assert!(!session.is_reusable());
        assert_eq!(sink.messages(), []);
    }
}

#[tokio::test]
async fn a_connection_lost_after_the_final_dot_is_uncertain() {
    let (sink, mut session) = odd(Stage::Dot, Act::Drop).await;
    let delivery = deliver(&mut session, "odd@b.example").await;
    assert!(matches!(delivery, Delivery::Uncertain(Fault { stage: Stage::Dot, .. })));
    assert!(!session.is_reusable());
    assert_eq!(recipients(&sink), ["odd@b.example"]);
}

#[tokio::test]
async fn silence_after_the_final_dot_is_uncertain_in_time_and_the_next_letter_gets_its_own_answer() {
    let sink = Sink::start(|turn| match (turn.stage, turn.recipient) {
        (Stage::Dot, "mute@b.example") => Act::Silence,
        (Stage::Rcpt, "unknown@b.example") => Act::say("550 5.1.1 unknown"),
        _ => Act::Usual,
    })
    .await
    .unwrap();
    let mut session = connect_briefly(&sink).await.unwrap();
    let delivery = deliver(&mut session, "mute@b.example").await;
    assert!(matches!(delivery, Delivery::Uncertain(Fault { cause: Cause::Deadline, .. })));
    assert!(!session.is_reusable());
    let mut session = connect(&sink).await;
    assert_eq!(describe(&deliver(&mut session, "unknown@b.example").await), "refused 550 at RCPT");
    assert_eq!(describe(&deliver(&mut session, "a@b.example").await), "accepted 250");
}

#[tokio::test]
async fn an_answer_past_its_deadline_is_never_another_letter_s() {
    for stage in [Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Dot] {
        let late = Act::Late(BRIEF.step + Duration::from_millis(50));
        let sink = Sink::start(move |turn| match (turn.stage == stage, turn.session) {
            (true, 1) => late.clone(),
            _ if turn.recipient == "unknown@b.example" => Act::say("550 5.1.1 unknown"),
            _ => Act::Usual,
        })
        .await
        .unwrap();
        let mut session = connect_briefly(&sink).await.unwrap();
        let delivery = deliver(&mut session, "a@b.example").await;
        assert!(matches!((&delivery, stage), (Delivery::Uncertain(_), Stage::Dot) | (Delivery::RelayFault(_), _)));
        // Whoever asks again all the same gets no answer, least of all the late one.
        let again = deliver(&mut session, "unknown@b.example").await;
        assert_eq!(describe(&again), "fault SMTP MAIL: the session is not usable");
        let mut session = connect(&sink).await;
        assert_eq!(describe(&deliver(&mut session, "unknown@b.example").await), "refused 550 at RCPT");
    }
}

#[tokio::test]
async fn a_reply_that_nobody_asked_for_is_nobody_s() {
    for (stage, text) in [
        (Stage::Dot, "250 taken\r\n250 taken again"),
        (Stage::Mail, "250 noted\r\n250 noted again"),
        (Stage::Rcpt, "250 noted\r\n354 go ahead"),
        (Stage::Data, "354 go ahead\r\n250 taken"),
    ] {
        let (sink, mut session) = sink(move |turn| if turn.stage == stage { Act::say(text) } else { Act::Usual }).await;
        let first = deliver(&mut session, "a@b.example").await;
        assert_eq!(matches!(first, Delivery::Accepted(_)), stage == Stage::Dot, "{}", describe(&first));
        let second = deliver(&mut session, "c@b.example").await;
        assert!(matches!(second, Delivery::RelayFault(_)), "{}", describe(&second));
        assert_eq!(sink.messages().len(), usize::from(stage == Stage::Dot));
    }
}

#[tokio::test]
async fn a_relay_that_interrupts_a_message_is_heard() {
    let (sink, mut session) = odd(Stage::Data, Act::say("354 go ahead\r\n552 5.3.4 too big")).await;
    assert_eq!(describe(&deliver(&mut session, "odd@b.example").await), "refused 552 at DATA");
    assert!(!session.is_reusable());
    assert_eq!(sink.messages(), []);
}

#[tokio::test]
async fn only_354_opens_a_message_and_only_2xx_closes_it() {
    let (sink, mut session) = odd(Stage::Data, Act::say("250 sure")).await;
    assert!(matches!(deliver(&mut session, "odd@b.example").await, Delivery::RelayFault(_)));
    assert_eq!(sink.messages(), []);
    let (_sink, mut session) = odd(Stage::Dot, Act::say("354 go on")).await;
    assert!(matches!(deliver(&mut session, "odd@b.example").await, Delivery::Uncertain(_)));
    assert!(!session.is_reusable());
}

#[tokio::test]
async fn a_dripping_relay_meets_the_deadline_of_the_letter() {
    for (stage, is_uncertain) in [(Stage::Rcpt, false), (Stage::Dot, true)] {
        let (sink, _) = odd(stage, Act::Drip(BRIEF.step / 4)).await;
        let mut session = connect_briefly(&sink).await.unwrap();
        let begun = Instant::now();
        let delivery = deliver(&mut session, "odd@b.example").await;
        assert!(describe(&delivery).ends_with("the deadline passed"), "{}", describe(&delivery));
        assert_eq!(matches!(delivery, Delivery::Uncertain(_)), is_uncertain);
        assert!(begun.elapsed() >= BRIEF.letter);
    }
}

#[tokio::test]
async fn a_relay_that_never_greets_meets_a_deadline() {
    let sink = Sink::start(|_| Act::Silence).await.unwrap();
    let Err(fault) = connect_briefly(&sink).await else { panic!() };
    assert!(matches!(fault, Fault { stage: Stage::Connect, cause: Cause::Deadline }));
}

#[tokio::test]
async fn an_offer_dropped_before_its_final_dot_is_not_sent() {
    let (sink, mut session) = sink(|_| Act::Usual).await;
    drop(session.offer(FROM, "a@b.example", MESSAGE).await.unwrap());
    assert!(!session.is_reusable());
    drop(session);
    let mut session = connect(&sink).await;
    assert_eq!(describe(&deliver(&mut session, "c@b.example").await), "accepted 250");
    assert_eq!(recipients(&sink), ["c@b.example"]);
}

#[tokio::test]
async fn a_delivery_abandoned_half_way_leaves_the_session_unusable() {
    let (_sink, mut session) = odd(Stage::Rcpt, Act::Silence).await;
    assert!(timeout(BRIEF.step, deliver(&mut session, "odd@b.example")).await.is_err());
    assert!(!session.is_reusable());
}

#[tokio::test]
async fn what_could_become_a_command_is_refused_before_a_byte_is_sent() {
    let (sink, mut session) = sink(|turn| match turn.stage {
        Stage::Hello => Act::say("250-sink\r\n250 SIZE 100"),
        _ => Act::Usual,
    })
    .await;
    let to = "a@b.example";
    let big = [MESSAGE, &[b'x'; 100]].concat();
    for (from, to, message, code) in [
        (FROM, to, &b"a\nb\r\n"[..], "refused 554 at DATA"),
        (FROM, to, b"a\r.\r\n", "refused 554 at DATA"),
        (FROM, to, "é\r\n".as_bytes(), "refused 554 at DATA"),
        (FROM, to, &big, "refused 552 at MAIL"),
        (FROM, "a@b.example>\r\nRCPT TO:<c@d.example", MESSAGE, "refused 553 at RCPT"),
        (FROM, "a b@b.example", MESSAGE, "refused 553 at RCPT"),
        (FROM, "é@b.example", MESSAGE, "refused 553 at RCPT"),
        (FROM, "", MESSAGE, "refused 553 at RCPT"),
        ("x\u{0}@b.example", to, MESSAGE, "refused 553 at MAIL"),
    ] {
        assert_eq!(describe(&session.deliver(from, to, message).await), code);
    }
    assert_eq!(describe(&session.deliver("", to, MESSAGE).await), "accepted 250");
    assert_eq!(recipients(&sink), [to]);
}

#[tokio::test]
async fn extensions_are_used_where_they_are_announced() {
    let (_sink, mut session) = sink(|turn| match turn.stage {
        Stage::Mail => Act::Say(format!("550 {}", turn.line)),
        _ => Act::Usual,
    })
    .await;
    let Delivery::Refused(reply) = session.deliver(FROM, "é@b.example", "é\r\n".as_bytes()).await else { panic!() };
    assert_eq!(reply.text, format!("MAIL FROM:<{FROM}> SMTPUTF8 BODY=8BITMIME SIZE=4"));
}

/// A sink without PIPELINING: every command waits for its answer.
async fn unhurried(script: impl Fn(&Turn) -> Act + Send + Sync + 'static) -> (Sink, Session) {
    sink(move |turn| match turn.stage {
        Stage::Hello => Act::say("250-sink\r\n250 SIZE 10485760"),
        _ => script(turn),
    })
    .await
}

#[tokio::test]
async fn a_letter_fares_the_same_whether_its_commands_go_as_a_group_or_one_by_one() {
    let script = |turn: &Turn| match (turn.stage, turn.recipient) {
        (Stage::Rcpt, "unknown@b.example") => Act::say("550 5.1.1 unknown"),
        (Stage::Mail, _) if turn.line.contains("refused@") => Act::say("451 4.3.0 not this sender now"),
        (Stage::Data, "full@b.example") => Act::say("452 4.3.1 full"),
        (Stage::Dot, "spam@b.example") => Act::say("554 5.7.1 spam"),
        _ => Act::Usual,
    };
    let mut told_by_each = Vec::new();
    for (sink, mut session) in [sink(script).await, unhurried(script).await] {
        let mut said = Vec::new();
        for to in ["a@b.example", "unknown@b.example", "full@b.example", "spam@b.example", "c@b.example"] {
            said.push(describe(&deliver(&mut session, to).await));
            assert!(session.is_reusable(), "{to}");
        }
        said.push(describe(&session.deliver("refused@pref.example", "d@b.example", MESSAGE).await));
        said.push(describe(&deliver(&mut session, "e@b.example").await));
        told_by_each.push((said, recipients(&sink)));
    }
    assert_eq!(told_by_each[0], told_by_each[1]);
    assert_eq!(told_by_each[0].1, ["a@b.example", "c@b.example", "e@b.example"]);
}

#[tokio::test]
async fn a_relay_that_wants_the_text_of_a_letter_it_has_refused_gets_nothing_more() {
    // Pipelined, DATA arrives although RCPT was refused, and some relays answer 354 all the same.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let relayed = tokio::spawn(async move {
        let mut client = BufReader::new(listener.accept().await.unwrap().0);
        let mut line = String::new();
        client.write_all(b"220 r\r\n").await.unwrap();
        client.read_line(&mut line).await.unwrap();
        client.write_all(b"250-r\r\n250 PIPELINING\r\n").await.unwrap();
        for answer in [&b"250 ok\r\n"[..], b"550 5.1.1 unknown\r\n", b"354 go ahead\r\n"] {
            client.read_line(&mut line).await.unwrap();
            client.write_all(answer).await.unwrap();
        }
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();
        rest
    });
    let mut session = Session::open(&relay(&format!("smtp://{addr}"))).await.unwrap();
    assert_eq!(describe(&deliver(&mut session, "a@b.example").await), "refused 550 at RCPT");
    assert!(!session.is_reusable());
    drop(session);
    assert_eq!(relayed.await.unwrap(), b"", "not even a dot");
}

#[tokio::test]
async fn credentials_are_sent_as_offered_and_their_refusal_is_told_apart() {
    // user NUL password, in base64, as PLAIN and as LOGIN have it.
    for (offered, line) in
        [("AUTH LOGIN PLAIN", "AUTH PLAIN AHVzZXIAc8Opc2FtZQ=="), ("AUTH LOGIN", "AUTH LOGIN dXNlcg== c8Opc2FtZQ==")]
    {
        let sink = Sink::start(move |turn| match turn.stage {
            Stage::Hello => Act::Say(format!("250-sink\r\n250 {offered}")),
            Stage::Auth if turn.line != line || turn.session > 1 => Act::say("535 5.7.8 wrong"),
            _ => Act::Usual,
        })
        .await
        .unwrap();
        let relay = relay(&format!("smtp://user@{}", sink.addr));
        let mut session = Session::open(&relay).await.unwrap();
        assert_eq!(describe(&deliver(&mut session, "a@b.example").await), "accepted 250");
        let fault = Session::open(&relay).await.err().unwrap();
        assert!(fault.is_authentication());
        assert!(fault.to_string().contains("535 5.7.8, \u{201c}wrong\u{201d}"), "{fault}");
        assert!(!format!("{fault:?} {relay:?}").contains("sésame"));
    }
    for (stage, text, is_authentication) in [
        (Stage::Auth, "454 4.7.0 later", false),
        (Stage::Hello, "250 no AUTH here", true),
        (Stage::Connect, "554 go away", false),
    ] {
        let sink =
            Sink::start(move |turn| if turn.stage == stage { Act::say(text) } else { Act::Usual }).await.unwrap();
        let fault = Session::open(&relay(&format!("smtp://user@{}", sink.addr))).await.err().unwrap();
        assert_eq!(fault.is_authentication(), is_authentication, "{fault}");
    }
}

#[tokio::test]
async fn a_relay_that_wants_a_login_does_not_fail_the_letters() {
    let (_sink, mut session) =
        sink(|turn| if turn.stage == Stage::Mail { Act::say("530 5.7.0 log in first") } else { Act::Usual }).await;
    let delivery = deliver(&mut session, "a@b.example").await;
    assert!(matches!(&delivery, Delivery::RelayFault(fault) if fault.is_authentication()));
}

#[test]
fn a_relay_is_parsed_or_refused_with_the_way_out() {
    let refused = |url: &str, password: Option<&str>| Relay::parse(url, password.map(Into::into)).err().unwrap();
    let parsed = |url: &str| Relay::parse(url, None).unwrap().to_string();
    assert_eq!(parsed("smtps://r.example"), "smtps://r.example:465");
    assert_eq!(parsed("smtp+starttls://r.example/"), "smtp+starttls://r.example:587");
    assert_eq!(parsed("smtp://[::1]"), "smtp://[::1]:25");
    assert_eq!(parsed("smtp://localhost:2525"), "smtp://localhost:2525");
    assert!(Relay::parse("smtps://user%40r.example@r.example", Some("x".into())).is_ok());
    for host in ["192.0.2.1", "r.example", "127.0.0.1.r.example", "[2001:db8::1]"] {
        let error = refused(&format!("smtp://{host}"), None);
        assert!(matches!(error, RelayError::ClearBeyondLoopback(_)), "{error}");
    }
    assert_eq!(refused("smtps://user:hunter2@r.example", None), RelayError::PasswordInUrl);
    assert_eq!(refused("smtps://user@r.example", None), RelayError::UserWithoutPassword);
    assert_eq!(refused("smtps://r.example", Some("x")), RelayError::PasswordWithoutUser);
    assert_eq!(refused("smtps://user@r.example", Some("x\n")), RelayError::LoginNotText);
    for url in [
        "",
        "r.example",
        "http://r.example",
        "smtps://",
        "smtps:r.example",
        "smtps://r.example/x",
        "smtps://u:hunter2@r:x",
    ] {
        let error = refused(url, None);
        assert!(matches!(error, RelayError::Malformed(_)), "{url}: {error}");
        assert!(!error.to_string().contains("hunter2"));
    }
    let relay = Relay::parse("smtps://r.example", None).unwrap();
    assert!(relay.clone().with_hello("convoke.example.fr").is_ok());
    assert!(relay.clone().with_hello("a\r\nMAIL").is_err());
    assert_eq!(relay.with_roots(b"no certificate").err(), Some(RelayError::Roots));
}

/// A relay that ends TLS for `host` in front of a sink, after `preface` in clear, and keeps what it is told in clear.
struct TlsFront {
    addr: SocketAddr,
    root: String,
    told_in_clear: JoinHandle<io::Result<String>>,
}

/// `preface` is what is said in clear: the greeting, then one answer for each line received.
async fn tls_front(host: &str, preface: &'static [&'static str], sink: SocketAddr) -> TlsFront {
    tls_front_with(CertificateParams::new([host.to_owned()]).unwrap(), preface, sink).await
}

async fn tls_front_with(params: CertificateParams, preface: &'static [&'static str], sink: SocketAddr) -> TlsFront {
    let signing_key = KeyPair::generate().unwrap();
    let cert = params.self_signed(&signing_key).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let told_in_clear = tokio::spawn(async move {
        let mut client = BufReader::new(listener.accept().await?.0);
        let mut shown = String::new();
        for (index, answer) in preface.iter().enumerate() {
            if index > 0 && client.read_line(&mut shown).await? == 0 {
                return Ok(shown);
            }
            client.write_all(answer.as_bytes()).await?;
        }
        let Ok(mut tls) = TlsAcceptor::from(Arc::new(config)).accept(client).await else { return Ok(shown) };
        let mut relay = TcpStream::connect(sink).await?;
        if !preface.is_empty() {
            // The greeting was given in clear.
            relay.read_exact(&mut [0; "220 sink ESMTP\r\n".len()]).await?;
        }
        // However the client hangs up, the conversation is over.
        let _ = copy_bidirectional(&mut tls, &mut relay).await;
        Ok(shown)
    });
    TlsFront { addr, root: cert.pem(), told_in_clear }
}

impl TlsFront {
    /// Opens a session with `scheme`, trusting the front's certificate, and hands over one letter.
    async fn deliver(self, scheme: &str) -> (Result<String, Fault>, String) {
        let relay = relay(&format!("{scheme}://user@127.0.0.1:{}", self.addr.port()));
        let shown = match Session::open(&relay.with_roots(self.root.as_bytes()).unwrap()).await {
            Err(fault) => Err(fault),
            Ok(mut session) => {
                let delivery = deliver(&mut session, "a@b.example").await;
                session.quit().await;
                Ok(describe(&delivery))
            }
        };
        (shown, self.told_in_clear.await.unwrap().unwrap())
    }
}

#[tokio::test]
async fn a_letter_goes_through_tls_from_the_first_byte() {
    let sink = Sink::start(|_| Act::Usual).await.unwrap();
    let (delivery, in_clear) = tls_front("127.0.0.1", &[], sink.addr).await.deliver("smtps").await;
    assert_eq!((delivery.unwrap().as_str(), in_clear.as_str()), ("accepted 250", ""));
    assert_eq!(recipients(&sink), ["a@b.example"]);
}

#[tokio::test]
async fn a_letter_goes_through_tls_after_starttls() {
    let sink = Sink::start(|_| Act::Usual).await.unwrap();
    let preface = &["220 r\r\n", "250-r\r\n250 starttls\r\n", "220 go\r\n"];
    let (delivery, in_clear) = tls_front("127.0.0.1", preface, sink.addr).await.deliver("smtp+starttls").await;
    assert_eq!((delivery.unwrap().as_str(), in_clear.as_str()), ("accepted 250", "EHLO [127.0.0.1]\r\nSTARTTLS\r\n"));
    assert_eq!(recipients(&sink), ["a@b.example"]);
}

#[tokio::test]
async fn a_relay_in_clear_where_tls_was_asked_for_gets_nothing() {
    let sink = Sink::start(|_| Act::Usual).await.unwrap();
    let fault = Session::open(&relay(&format!("smtps://user@{}", sink.addr))).await.err().unwrap();
    assert_eq!(fault.stage, Stage::Tls);
}

#[tokio::test]
async fn a_certificate_for_another_name_gets_nothing() {
    let sink = Sink::start(|_| Act::Usual).await.unwrap();
    let (delivery, in_clear) = tls_front("other.example", &[], sink.addr).await.deliver("smtps").await;
    assert!(matches!(delivery, Err(Fault { stage: Stage::Tls, cause: Cause::Tls(_) })));
    assert_eq!((in_clear.as_str(), sink.messages()), ("", vec![]));
}

#[tokio::test]
async fn a_certificate_that_has_expired_gets_nothing() {
    let sink = Sink::start(|_| Act::Usual).await.unwrap();
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2019, 9, 5), date_time_ymd(2020, 9, 5));
    let (delivery, in_clear) = tls_front_with(params, &[], sink.addr).await.deliver("smtps").await;
    assert!(matches!(delivery, Err(Fault { stage: Stage::Tls, cause: Cause::Tls(_) })));
    assert_eq!((in_clear.as_str(), sink.messages()), ("", vec![]));
}

#[tokio::test]
async fn a_certificate_of_nobody_trusted_gets_nothing() {
    let sink = Sink::start(|_| Act::Usual).await.unwrap();
    let mut front = tls_front("127.0.0.1", &[], sink.addr).await;
    front.root = tls_front("127.0.0.1", &[], sink.addr).await.root;
    let (delivery, _) = front.deliver("smtps").await;
    assert!(matches!(delivery, Err(Fault { stage: Stage::Tls, cause: Cause::Tls(_) })));
    assert_eq!(sink.messages(), []);
}

#[tokio::test]
async fn starttls_stripped_away_leaves_nothing_in_clear() {
    let sink = Sink::start(|_| Act::Usual).await.unwrap();
    let stripped = &["220 r\r\n", "250-r\r\n250 AUTH PLAIN\r\n", "250 ok\r\n"][..];
    let refused = &["220 r\r\n", "250-r\r\n250 STARTTLS\r\n", "454 no TLS today\r\n", "250 ok\r\n"][..];
    for (preface, expected) in [(stripped, "EHLO [127.0.0.1]\r\n"), (refused, "EHLO [127.0.0.1]\r\nSTARTTLS\r\n")] {
        let (delivery, in_clear) = tls_front("127.0.0.1", preface, sink.addr).await.deliver("smtp+starttls").await;
        assert!(matches!(delivery, Err(Fault { stage: Stage::Tls, .. })));
        assert_eq!((in_clear.as_str(), sink.messages()), (expected, vec![]));
    }
}

#[tokio::test]
async fn a_line_injected_before_tls_ends_the_session() {
    let sink = Sink::start(|_| Act::Usual).await.unwrap();
    let preface = &["220 r\r\n", "250-r\r\n250 STARTTLS\r\n", "220 go\r\n250-forged\r\n250 AUTH PLAIN\r\n"];
    let (delivery, _) = tls_front("127.0.0.1", preface, sink.addr).await.deliver("smtp+starttls").await;
    let fault = delivery.err().unwrap();
    assert_eq!(fault.to_string(), "SMTP TLS: bytes in clear arrived where TLS should begin");
    assert_eq!(sink.messages(), []);
}
