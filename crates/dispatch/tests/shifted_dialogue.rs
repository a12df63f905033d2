//! Why the dialogue with the relay is our own: the library's pool, used as its documentation shows, reports a letter as
//! sent that the relay refused. The same relay, the same two letters, and the session of this program.

use std::time::Duration;

use convoke_dispatch::sink::{Act, Sink, Turn};
use convoke_dispatch::smtp::{Delivery, Relay, Session, Stage, Timeouts};
use lettre::transport::smtp::PoolConfig;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_millis(200);

/// Answers the first letter's final dot late, and refuses every other letter for good at its final dot.
fn script(turn: &Turn) -> Act {
    match (turn.stage, turn.recipient) {
        (Stage::Dot, "late@b.example") => Act::Late(2 * PATIENCE),
        (Stage::Dot, _) => Act::say("554 5.7.1 refused"),
        _ => Act::Usual,
    }
}

fn message(to: &str) -> Message {
    let (from, to) = ("a@pref.example".parse().unwrap(), to.parse().unwrap());
    Message::builder().from(from).to(to).subject("Convocation").body("Bonjour".to_owned()).unwrap()
}

#[tokio::test]
async fn the_library_s_pool_reports_a_refused_letter_as_sent() {
    let sink = Sink::start(script).await.unwrap();
    let pool = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
        .port(sink.addr.port())
        .pool_config(PoolConfig::new().max_size(1))
        .build();
    // A deadline of one's own, since the library has none for the answer.
    assert!(timeout(PATIENCE, pool.send(message("late@b.example"))).await.is_err());
    sleep(2 * PATIENCE).await;
    let second = pool.send(message("refused@b.example")).await;
    let arrived: Vec<String> = sink.messages().into_iter().map(|m| m.to).collect();
    assert!(second.is_ok(), "the library has learnt to tell the two apart: {second:?}; see dispatch/smtp.rs");
    assert_eq!(arrived, ["late@b.example"], "and yet it was refused");
}

#[tokio::test]
async fn a_session_of_ours_reports_the_refusal() {
    let sink = Sink::start(script).await.unwrap();
    let brief = Timeouts { dot: PATIENCE, ..Timeouts::default() };
    let relay = Relay::parse(&format!("smtp://{}", sink.addr), None).unwrap().with_timeouts(brief);
    let mut session = Session::open(&relay).await.unwrap();
    let text = b"Subject: Convocation\r\n\r\nBonjour\r\n";
    let first = session.deliver("a@pref.example", "late@b.example", text).await;
    assert!(matches!(first, Delivery::Uncertain(_)), "{first:?}");
    sleep(2 * PATIENCE).await;
    assert!(!session.is_reusable());
    assert!(matches!(session.deliver("a@pref.example", "refused@b.example", text).await, Delivery::RelayFault(_)));
    let mut session = Session::open(&relay).await.unwrap();
    let second = session.deliver("a@pref.example", "refused@b.example", text).await;
    assert!(matches!(&second, Delivery::Refused(reply) if reply.code == 554), "{second:?}");
}
