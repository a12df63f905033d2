//! How fast letters are handed over, with durable marks, to Postfix's smtp-sink: beside smtp-source, which keeps no marks at all,
//! and beside what the disk commits. With PDFs: beside the pure rendering rate. Over a slow line: beside smtp-source again.
//! `script/bench dispatch`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use convoke_dispatch::smtp::Relay;
use convoke_dispatch::{Drained, Errand, Made, Render, Transport, drain, letters_of};
use convoke_domain::convocation::{LetterKind, LetterState};
use convoke_domain::ids::{Reference, sha256_hex};
use convoke_domain::permit::Channel;
use convoke_letters::{LetterData, Matter};
use convoke_machine::clock::{Clock, Stopwatch};
use convoke_settings::Configuration;
use convoke_store::{LetterFilter, NewLetter, Store, Use};
use convoke_writing::{Writer, write_anew};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of a letter without its PDF.
const LETTER_BYTES: usize = 8_192;
/// Half of the slow line's round trip.
const ONE_WAY: Duration = Duration::from_millis(10);

/// An office whose outbox has so many letters that may leave now, each with its convocation, permit and holder.
fn office(template: &Path, folder: &Path, letters: usize, sessions: usize) -> Arc<Configuration> {
    std::fs::create_dir_all(folder).unwrap();
    let copied = Command::new("cp").arg("-r").arg(template.join(".")).arg(folder).status().unwrap();
    assert!(copied.success());
    let set = |key: &str, value: String| (format!("CONVOKE__DISPATCH__{key}"), value);
    let environment = vec![set("HOURS", "always".into()), set("SESSIONS", sessions.to_string())];
    let config = Configuration::load(&folder.join("convoke.toml"), environment, None).unwrap();
    let mut store = open(&config);
    let now = Clock::System.now().naive_utc();
    let mut sample = LetterData::sample();
    let Matter::Convocation(convoked) = &mut sample.matter else { panic!("a convocation") };
    convoked.appointment.day = now.date() + chrono::Days::new(30);
    let rows: Vec<NewLetter> = (1..=letters)
        .map(|n| {
            let reference = Reference::new("94", 2026, n as i64).to_string();
            sample.reference.clone_from(&reference);
            sample.recipient.name = format!("Personne Inventée {n}");
            NewLetter {
                letter_id: format!("{reference}/convocation/0"),
                kind: LetterKind::Convocation,
                revision: 0,
                occasion: String::new(),
                channel: Channel::Email,
                state: LetterState::Queued,
                remark: None,
                recipient: Some(format!("personne-{n}@example.org")),
                data: serde_json::to_string(&sample).unwrap(),
                template_hash: String::new(),
                created_at: now.and_utc(),
                not_before: now.and_utc(),
                reference,
            }
        })
        .collect();
    store.write(|s| s.enqueue(&rows)).unwrap();
    let day = now.date() + chrono::Days::new(30);
    // What a letter is checked against at the moment of sending.
    raw(&config)
        .batch_execute(&format!(
            "INSERT INTO holder (prefecture, holder_id, number, family_name, given_names, email, language, address, postcode, commune, large_print, fingerprint)
               SELECT '94', reference, reference, 'Inventée', 'Personne', recipient, 'fr', '1 rue des Tilleuls', '94000', '94028', FALSE, 0 FROM outbox;
             INSERT INTO permit (prefecture, permit_id, holder_id, number, kind, mention, valid_from, expires_on, status, commune, absent, held, superseded, fingerprint, first_seen, review_on)
               SELECT '94', reference, reference, reference, 'CST', 'salarie', '{day}', '{day}', 'actif', '94028', FALSE, FALSE, FALSE, 0, '{day}', '{day}' FROM outbox;
             INSERT INTO convocation (prefecture, reference, year, number, permit_id, holder_id, slot_id, day, state, sequence, origin, created_at)
               SELECT '94', reference, 2026, rowid, reference, reference, 'creteil/renouvellement/{day}T09:00', '{day}', 'convoked', 0, 'in-time', created_at FROM outbox;"
        ))
        .unwrap();
    // As they are written for these people, so that no worker writes them anew.
    let writer = Writer::new(&config, now.date(), now.and_utc()).unwrap();
    let written = store.letters(&LetterFilter::default(), letters as i64).unwrap();
    store.write(|s| write_anew(s, &writer, written)).unwrap();
    raw(&config).batch_execute("DELETE FROM outbox WHERE state = 'replaced'").unwrap();
    Arc::new(config)
}

fn open(config: &Configuration) -> Store {
    Store::open(&config.settings.database.url, "94", Use::Worker).unwrap()
}

fn raw(config: &Configuration) -> SqliteConnection {
    let path = config.settings.database.url.strip_prefix("sqlite:").unwrap();
    let mut conn = SqliteConnection::establish(path).unwrap();
    conn.batch_execute("PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;").unwrap();
    conn
}

/// Durable commits a second of one small change, with the settings of the outbox.
fn commits(config: &Configuration) -> f64 {
    let mut conn = raw(config);
    let first = format!("{}/convocation/0", Reference::new("94", 2026, 1));
    let (times, watch) = (1_000u32, Stopwatch::start());
    for n in 0..times {
        conn.batch_execute(&format!("BEGIN IMMEDIATE; UPDATE outbox SET attempts = {n} WHERE prefecture = '94' AND letter_id = '{first}'; COMMIT;"))
            .unwrap();
    }
    let rate = f64::from(times) / watch.seconds();
    conn.batch_execute("UPDATE outbox SET attempts = 0").unwrap();
    rate
}

/// Letters of smtp-source a second, which keeps its connections.
fn source(to: SocketAddr, sessions: usize, letters: usize) -> f64 {
    let watch = Stopwatch::start();
    let done = Command::new("smtp-source")
        .args(["-d", "-s", &sessions.to_string(), "-l", &LETTER_BYTES.to_string(), "-m", &letters.to_string()])
        .args(["-f", "a@example.org", "-t", "b@example.org", &format!("inet:{to}")])
        .status()
        .expect("smtp-source, of Debian's postfix");
    assert!(done.success());
    letters as f64 / watch.seconds()
}

/// Letters that all say the same, already written.
fn plain() -> Render {
    let line = format!("{}\r\n", "x".repeat(78));
    let body = line.repeat(LETTER_BYTES / line.len());
    Arc::new(move |letter, _| {
        let message = format!("Subject: Convocation\r\nX-Convocation: {}\r\n\r\n{body}", letter.reference).into_bytes();
        Ok(Made {
            sha256: sha256_hex(&message),
            message_id: letter.letter_id.clone(),
            rendered: "{}".into(),
            without_pdf: None,
            message,
        })
    })
}

/// Our letters a second.
async fn ours(config: &Arc<Configuration>, to: SocketAddr, render: Render, letters: usize) -> f64 {
    let transport = Transport::Smtp(vec![Relay::parse(&format!("smtp://{to}"), None).unwrap()]);
    let errand = Errand {
        config,
        transport: &transport,
        render,
        clock: &Clock::System,
        until_empty: true,
        stop: CancellationToken::new(),
        progress: &|_| {},
        obstacle: &|_| {},
    };
    let store = open(config);
    let watch = Stopwatch::start();
    let (counts, ended) = drain(store, errand).await.unwrap();
    let rate = letters as f64 / watch.seconds();
    assert_eq!((counts.accepted as usize, ended), (letters, Drained::Empty));
    rate
}

/// Pure rendering on as many threads as a worker has.
fn rendering(config: &Configuration, letters: usize) -> f64 {
    let (render, rows) =
        (letters_of(config).unwrap(), open(config).letters(&LetterFilter::default(), letters as i64).unwrap());
    let (next, watch) = (AtomicUsize::new(0), Stopwatch::start());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    render(row, Clock::System.now()).unwrap();
                }
            });
        }
    });
    letters as f64 / watch.seconds()
}

/// A line that is slow both ways and carries as much as it is given.
async fn slow_line(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (near, _) = listener.accept().await.unwrap();
            let far = TcpStream::connect(to).await.unwrap();
            near.set_nodelay(true).unwrap();
            far.set_nodelay(true).unwrap();
            let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
            tokio::spawn(delayed(near_in, far_out));
            tokio::spawn(delayed(far_in, near_out));
        }
    });
    addr
}

async fn delayed(mut from: tokio::net::tcp::OwnedReadHalf, mut to: tokio::net::tcp::OwnedWriteHalf) {
    let (put, mut take) = tokio::sync::mpsc::unbounded_channel::<(tokio::time::Instant, Vec<u8>)>();
    tokio::spawn(async move {
        while let Some((due, bytes)) = take.recv().await {
            tokio::time::sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    let mut buffer = vec![0; 65_536];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        let due = tokio::time::Instant::now() + ONE_WAY;
        if put.send((due, buffer[..n].to_vec())).is_err() {
            return;
        }
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name}: run script/bench dispatch"));
    let sink: SocketAddr = variable("SINK").parse().unwrap();
    let (template, work) = (PathBuf::from(variable("OFFICE")), PathBuf::from(variable("WORK")));
    let mut number = 0;
    let mut fresh = |letters, sessions| {
        number += 1;
        office(&template, &work.join(number.to_string()), letters, sessions)
    };
    source(sink, 4, 2_000);
    // A part alone: ONLY=plain, pdf or slow.
    let wanted =
        |part: &str| std::env::var("ONLY").is_ok_and(|only| only == part) || std::env::var_os("ONLY").is_none();
    for sessions in [4, 16].into_iter().filter(|_| wanted("plain")) {
        let letters = 20_000;
        // Interleaved, because the machine is noisy: the best of three of each.
        let (mut by_source, mut by_disk, mut by_us) = (0.0f64, 0.0f64, 0.0f64);
        for _ in 0..3 {
            let config = fresh(letters, sessions);
            by_disk = by_disk.max(commits(&config));
            by_source = by_source.max(source(sink, sessions, letters));
            by_us = by_us.max(ours(&config, sink, plain(), letters).await);
        }
        let bound = by_source.min(by_disk * sessions as f64 / 2.0);
        println!(
            "{sessions:2} sessions: {by_us:6.0} letters/s with durable marks; smtp-source {by_source:6.0}; {by_disk:5.0} commits/s; {:.2} of the lesser bound (0.5 wanted)",
            by_us / bound
        );
    }
    if wanted("pdf") {
        let letters = 2_000;
        let (mut pure, mut sent) = (0.0f64, 0.0f64);
        for _ in 0..3 {
            let config = fresh(letters, 4);
            pure = pure.max(rendering(&config, letters));
            sent = sent.max(ours(&config, sink, letters_of(&config).unwrap(), letters).await);
        }
        println!("with PDFs:   {sent:6.0} letters/s; pure rendering {pure:6.0}; {:.2} of it (0.8 wanted)", sent / pure);
    }
    let line = slow_line(sink).await;
    for sessions in [1, 4].into_iter().filter(|_| wanted("slow")) {
        let letters = 200 * sessions;
        let config = fresh(letters, sessions);
        let by_source = tokio::task::block_in_place(|| source(line, sessions, letters));
        let by_us = ours(&config, line, plain(), letters).await;
        println!(
            "{sessions:2} sessions, 20 ms round trip: {by_us:6.0} letters/s; smtp-source {by_source:6.0}; {:.2} times as fast (0.9 wanted)",
            by_us / by_source
        );
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default().trim();
    println!("memory: {peak} at most, for outboxes of 20,000 letters");
}
