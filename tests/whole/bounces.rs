//! Bounces: every format that servers use, and what follows. Each message is what a server would send, and its
//! Return-Path is that of a letter that was really sent.

use std::fs;

use convoke_dispatch::bounces::{Class, read};
use convoke_dispatch::sink::{Act, Received, Sink};
use serde_json::Value;

use crate::support::{self, Office, Shape};

/// An office whose letters were all accepted, and the messages that the relay received.
async fn sent() -> (Office, Vec<Received>) {
    let office = Office::new(Shape { permits: 360, seats: true });
    office.run(&[]);
    let sink = Sink::start(|_| Act::Usual).await.unwrap();
    let dispatched = office
        .command(&["dispatch", "--until-empty"])
        .env("CONVOKE__SMTP__URL", format!("smtp://{}", sink.addr))
        .output()
        .unwrap();
    assert_eq!(dispatched.status.code(), Some(0), "{dispatched:?}");
    let mut messages = sink.messages();
    messages.sort_by(|a, b| a.from.cmp(&b.from));
    // One letter per person: a bounce ends only one.
    messages.dedup_by(|a, b| a.to == b.to);
    assert!(messages.len() > 12, "{}", messages.len());
    (office, messages)
}

fn reference(message: &Received) -> String {
    let text = String::from_utf8_lossy(&message.data);
    text.lines().find_map(|l| l.strip_prefix("X-Convocation: ")).unwrap().to_owned()
}

/// A delivery status notification (RFC 3464) to a Return-Path.
fn dsn(to: &str, action: &str, status: &str, diagnostic: &str) -> String {
    format!(
        "Return-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@mx.example>\r\nTo: <{to}>\r\nSubject: Undelivered\r\n\
         Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nYour message could not be delivered.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.example\r\n\r\n\
         Final-Recipient: rfc822; someone@example.org\r\nAction: {action}\r\nStatus: {status}\r\n\
         Diagnostic-Code: smtp; {diagnostic}\r\n\r\n\
         --b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: Convocation\r\n\r\n--b--\r\n"
    )
}

/// Exim's own format: the failed recipients are in a header, the reason in plain text.
fn exim(to: &str) -> String {
    format!(
        "Return-path: <>\r\nX-Failed-Recipients: someone@example.org\r\nAuto-Submitted: auto-generated\r\n\
         From: Mail Delivery System <Mailer-Daemon@mx.example>\r\nTo: {to}\r\n\
         Subject: Mail delivery failed: returning message to sender\r\n\r\n\
         A message that you sent could not be delivered to all of its recipients.\r\n\r\n  someone@example.org\r\n    \
         all hosts have been failing for a long time and were last tried after this message arrived\r\n"
    )
}

/// qmail's own format (QSBMF).
fn qmail(to: &str) -> String {
    format!(
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example\r\nTo: {to}\r\nSubject: failure notice\r\n\r\n\
         Hi. This is the qmail-send program at mx.example.\r\nI'm afraid I wasn't able to deliver your message to the following \
         addresses.\r\nThis is a permanent error; I've given up. Sorry it didn't work out.\r\n\r\n\
         <someone@example.org>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n"
    )
}

/// A server that quotes the dialogue and includes the letter, whose Return-Path is the only trace of its name.
fn quoting(return_path: &str) -> String {
    format!(
        "From: postmaster@mx.example\r\nTo: postmaster@pref.example\r\nSubject: Delivery failure\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\nContent-Type: text/plain\r\n\r\n\
         The server said: 550 5.2.1 mailbox disabled\r\n--q\r\nContent-Type: message/rfc822\r\n\r\n\
         Return-Path: <{return_path}>\r\nSubject: Convocation\r\n\r\nBonjour\r\n--q--\r\n"
    )
}

fn out_of_office(to: &str) -> String {
    format!(
        "From: someone@example.org\r\nTo: {to}\r\nSubject: Absence\r\nAuto-Submitted: auto-replied\r\n\r\n\
         Je suis absent ; en cas d'urgence, 550 5.1.1 rue des Tilleuls.\r\n"
    )
}

#[test]
fn each_form_of_servers_is_read() {
    let to = "retours+rc-94-2026-0001234-r.0123456789abcdef@pref.example";
    let cases = [
        (dsn(to, "failed", "5.1.1", "550 5.1.1 no such user"), Class::Hard, Some("5.1.1")),
        (dsn(to, "Failed", "4.4.7", "delivery time expired"), Class::Hard, Some("4.4.7")),
        (dsn(to, "delayed", "4.4.1", "connection timed out"), Class::Soft, Some("4.4.1")),
        (dsn(to, "delivered", "2.0.0", "ok"), Class::AutoReply, Some("2.0.0")),
        (dsn(to, "", "5.1.10", "recipient not found"), Class::Hard, Some("5.1.10")),
        (exim(to), Class::Hard, None),
        (qmail(to), Class::Hard, Some("5.1.1")),
        (quoting(to), Class::Hard, Some("5.2.1")),
        (out_of_office(to), Class::AutoReply, None),
        (format!("From: someone@example.org\r\nTo: {to}\r\n\r\nMerci, 550 fois.\r\n"), Class::Unknown, None),
        (format!("From: postmaster@mx.example\r\nTo: {to}\r\n\r\n451 4.7.1 try later\r\n"), Class::Soft, Some("4.7.1")),
        (String::new(), Class::Unknown, None),
    ];
    for (message, class, status) in cases {
        let returned = read(message.as_bytes());
        assert_eq!((returned.class, returned.status.as_deref()), (class, status), "{message}");
        assert_eq!(returned.named.len(), usize::from(!message.is_empty()), "{message}");
    }
    // Bytes that are not a message match no letter.
    for bytes in [&[0xff; 300][..], b"\r\n\r\n", b"--b\r\nContent-Type: multipart/report; boundary=b\r\n"] {
        assert_eq!(read(bytes).class, Class::Unknown);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_comes_back_goes_by_post_and_only_a_signed_return_path_says_whose_it_is() {
    let (office, sent) = sent().await;
    let boxes = office.path("Maildir");
    for part in ["new", "cur", "tmp"] {
        fs::create_dir_all(boxes.join(part)).unwrap();
    }
    // A wrong signature under a real reference.
    let (local, domain) = sent[6].from.split_once('@').unwrap();
    let forged = format!("{}{}@{domain}", &local[..local.len() - 1], if local.ends_with('0') { '1' } else { '0' });
    let upper = sent[1].from.to_uppercase();
    let messages = [
        ("new/1", dsn(&sent[0].from, "failed", "5.1.1", "550 5.1.1 no such user")),
        ("new/2", exim(&upper)),
        ("cur/3:2,S", qmail(&sent[2].from)),
        ("cur/4:2,S", quoting(&sent[3].from)),
        ("new/5", dsn(&sent[4].from, "delayed", "4.4.1", "connection timed out")),
        ("new/6", out_of_office(&sent[5].from)),
        ("new/7", dsn(&forged, "failed", "5.1.1", "550 5.1.1 no such user")),
        ("new/8", "From: someone@example.org\r\nTo: x@pref.example\r\n\r\nBonjour\r\n".to_owned()),
    ];
    for (name, message) in &messages {
        fs::write(boxes.join(name), message).unwrap();
    }
    let first = office.ok(&["bounces", "ingest", "Maildir", "--json"]);
    let figures = |v: &Value| {
        ["read", "hard", "soft", "ignored", "unknown", "already", "to_post", "undelivered"]
            .map(|f| v[f].as_u64().unwrap())
    };
    assert_eq!(figures(&first), [8, 4, 1, 1, 2, 0, 4, 0], "{first}");
    assert_eq!(first["to_be_read"].as_array().unwrap().len(), 2);
    for message in &sent[..4] {
        let state = office
            .query(&format!("SELECT state FROM outbox WHERE recipient = '{}' AND state <> 'accepted'", message.to));
        assert_eq!(state.trim(), "bounced");
    }
    assert_eq!(office.query("SELECT count(*) FROM outbox WHERE state = 'bounced'").trim(), "4", "nobody else's letter");
    // A bounce that does not blame the address leaves it valid: Exim's text may be about a host that was down.
    assert_eq!(
        office
            .query(&format!(
                "SELECT count(*) FROM holder WHERE email_refused = email AND email IN ('{}', '{}', '{}')",
                sent[0].to, sent[2].to, sent[3].to
            ))
            .trim(),
        "3"
    );

    let again = office.ok(&["bounces", "ingest", "Maildir", "--json"]);
    assert_eq!(figures(&again), [8, 0, 0, 0, 2, 6, 0, 0], "reading twice changes nothing: {again}");
    assert_eq!(
        again["to_be_read"], first["to_be_read"],
        "what a person must read is told until a person takes it away"
    );
    assert_eq!(fs::read_dir(boxes.join("new")).unwrap().count() + fs::read_dir(boxes.join("cur")).unwrap().count(), 8);

    office.ok(&["post", "--out", "post", "--json"]);
    let manifest = fs::read_to_string(office.path("post/manifest.json")).unwrap();
    for message in &sent[..4] {
        assert!(manifest.contains(&reference(message)), "on the post list");
    }
    assert!(!manifest.contains(&reference(&sent[4])));
    assert_eq!(office.ok(&["ledger", "verify", "--json"])["valid"], true);
    assert_eq!(office.query("SELECT count(*) FROM ledger_entry WHERE kind = 'letter.bounced'").trim(), "4");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_message_keeps_others_out_or_is_deleted_before_somebody_read_it() {
    let (office, sent) = sent().await;
    fs::create_dir(office.path("back")).unwrap();
    let in_hand = format!("SELECT letter_id FROM outbox WHERE recipient = '{}'", sent[1].to);
    office.change(&format!("UPDATE outbox SET state = 'sending' WHERE letter_id IN ({in_hand})")).unwrap();
    let messages = [
        ("1.eml", dsn(&sent[0].from, "failed", "5.1.1", "550 5.1.1 no\u{0}such\u{1b}[31m user")),
        ("2.eml", dsn(&sent[1].from, "failed", "5.1.1", "550 5.1.1 no such user")),
        ("3.eml", format!("To: x@pref.example\r\n\r\n{}@{}.x\r\n", "rc-".repeat(300_000), "rc-".repeat(300_000))),
        ("4.eml", "From: someone@example.org\r\nTo: x@pref.example\r\n\r\nBonjour\r\n".to_owned()),
    ];
    for (name, message) in &messages {
        fs::write(office.path("back").join(name), message).unwrap();
    }
    let ingest = || office.ok(&["bounces", "ingest", "back", "--delete", "--yes", "--json"]);
    let left = || {
        let mut names: Vec<String> =
            fs::read_dir(office.path("back")).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let first = ingest();
    assert_eq!((&first["hard"], &first["later"], &first["unknown"]), (&1.into(), &1.into(), &2.into()), "{first}");
    assert_eq!(left(), ["2.eml", "3.eml", "4.eml"]);
    let reply = office.query("SELECT last_reply FROM outbox WHERE state = 'bounced'");
    assert!(reply.contains("no such") && !reply.trim().contains(char::is_control), "{reply:?}");
    // Once the worker has recorded that the letter was sent, its bounce counts.
    office.change("UPDATE outbox SET state = 'accepted' WHERE state = 'sending'").unwrap();
    assert_eq!(ingest()["hard"], 1);
    assert_eq!(left(), ["3.eml", "4.eml"]);
    assert_eq!(office.query("SELECT count(*) FROM outbox WHERE state = 'bounced'").trim(), "2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_comes_back_after_the_appointment_ends_nothing() {
    let (office, sent) = sent().await;
    let reference = reference(&sent[0]);
    office
        .change(&format!("UPDATE convocation SET day = '{}' WHERE reference = '{reference}'", support::today()))
        .unwrap();
    fs::write(office.path("back.eml"), dsn(&sent[0].from, "failed", "5.1.1", "550 5.1.1 no such user")).unwrap();
    assert_eq!(office.ok(&["bounces", "ingest", "back.eml", "--json"])["undelivered"], 0);
    assert_eq!(
        office.query(&format!("SELECT state FROM convocation WHERE reference = '{reference}'")).trim(),
        "convoked"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_no_time_left_for_the_post_the_convocation_ends_and_the_seat_is_free() {
    let (office, sent) = sent().await;
    let reference = reference(&sent[0]);
    let day = support::today().checked_add_days(chrono::Days::new(4)).unwrap();
    office.put_appointment_on(&day.to_string(), &format!("reference = '{reference}'"));
    fs::write(office.path("back.eml"), dsn(&sent[0].from, "failed", "5.1.1", "550 5.1.1 no such user")).unwrap();
    let shown = office.ok(&["bounces", "ingest", "back.eml", "--delete", "--yes", "--json"]);
    assert_eq!((shown["hard"].as_u64(), shown["undelivered"].as_u64()), (Some(1), Some(1)), "{shown}");
    assert!(!office.path("back.eml").exists(), "deleted, as it was asked");
    assert_eq!(
        office.query(&format!("SELECT state FROM convocation WHERE reference = '{reference}'")).trim(),
        "undelivered"
    );
    assert_eq!(office.query(&format!("SELECT count(*) FROM reservation WHERE reference = '{reference}'")).trim(), "0");
    // The next run convokes the person again, and the new letter goes by post: the address is useless.
    office.run(&[]);
    let next = office.query(&format!("SELECT o.channel, o.state FROM outbox o JOIN convocation c USING (prefecture, reference) WHERE c.reference <> '{reference}' AND c.holder_id = (SELECT holder_id FROM convocation WHERE reference = '{reference}')"));
    assert!(next.trim().is_empty() || next.contains("post|to_post"), "{next}");
    assert!(!next.contains("email"), "{next}");
}
