//! A long outbox, a relay with random faults, a worker killed every few seconds: no letter is lost, and whatever
//! arrives twice is listed. Bounded in letters and in time; the same seed gives the same faults. `script/soak`.

use std::collections::HashMap;
use std::time::Duration;

use convoke_dispatch::sink::{Act, Sink, Turn};
use convoke_dispatch::smtp::Stage;
use convoke_domain::ids::keyed_hash;

use crate::support::{Office, Shape};

/// Sessions of a worker: at most this many letters are uncertain after each kill.
const SESSIONS: u64 = 4;
/// Limit, so that a soak ends.
const LIVES_MAX: u32 = 400;

/// A number below `sides`, derived from the seed and `of`.
fn dice(seed: u64, of: &[&[u8]], sides: u16) -> u16 {
    let parts: Vec<&[u8]> = std::iter::once(&b"soak"[..]).chain(of.iter().copied()).collect();
    let hash = keyed_hash(&seed.to_be_bytes(), &parts);
    u16::from_be_bytes([hash[0], hash[1]]) % sides
}

/// About one reply in twenty is a fault of some kind; a recipient refused once is not refused again.
fn faults(seed: u64) -> impl Fn(&Turn) -> Act + Send + Sync + 'static {
    move |turn| {
        let (session, attempt) = (turn.session.to_be_bytes(), turn.attempt.to_be_bytes());
        let of = [turn.stage.code().as_bytes(), turn.recipient.as_bytes(), &session, &attempt];
        match (turn.stage, dice(seed, &of, 200)) {
            (Stage::Connect, 0..=4) => Act::say("421 4.3.2 busy"),
            (Stage::Rcpt, 0..=3) => Act::say("451 4.7.1 come back"),
            (Stage::Data, 0..=1) => Act::say("421 4.3.2 shutting down"),
            (Stage::Rcpt, 4) | (Stage::Data, 2) | (Stage::Dot, 0..=1) => Act::Drop,
            (Stage::Dot, 2..=3) => Act::say("452 4.3.1 full"),
            (Stage::Dot, 4..=6) => Act::Late(Duration::from_millis(50)),
            _ => Act::Usual,
        }
    }
}

/// Dispatches until no letter waits, killing the worker every `life`. Returns how often it was killed.
async fn soak(office: &Office, sink: &Sink, life: Duration) -> u64 {
    let waiting = "SELECT count(*) FROM outbox WHERE state IN ('queued', 'deferred', 'uncertain', 'leased', 'sending')";
    let mut kills = 0;
    for _ in 0..LIVES_MAX {
        let mut worker = office
            .command(&["dispatch", "--until-empty", "--quiet"])
            .env("CONVOKE__SMTP__URL", format!("smtp://{}", sink.addr))
            .env("CONVOKE__DISPATCH__SESSIONS", SESSIONS.to_string())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let ended = tokio::time::timeout(life, async {
            while worker.try_wait().unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        if ended.await.is_err() {
            // SIGKILL: no output, no clean-up.
            worker.kill().unwrap();
            worker.wait().unwrap();
            kills += 1;
        }
        if office.query(waiting).trim() == "0" {
            return kills;
        }
    }
    panic!("letters still wait after {LIVES_MAX} lives of the worker");
}

/// Every letter is accepted or held for a person. Each arrived once, or is listed; every kill leaves at most one letter
/// per session uncertain.
fn assert_nothing_lost(office: &Office, sink: &Sink, letters: u64, kills: u64) {
    let mut times: HashMap<String, u64> = HashMap::new();
    for message in sink.messages() {
        let head = String::from_utf8_lossy(&message.data[..message.data.len().min(4_000)]).into_owned();
        let id = head.lines().find_map(|l| l.strip_prefix("Message-ID: ")).expect("a Message-ID").to_owned();
        *times.entry(id).or_default() += 1;
    }
    let count = |sql: &str| -> u64 { office.query(sql).trim().parse().unwrap() };
    // A letter that was uncertain twice needs a person: it may or may not have arrived.
    let held = count("SELECT count(*) FROM outbox WHERE state = 'held' AND uncertain = 2");
    assert!(times.len() as u64 + held >= letters, "lost letters: {} arrived, {held} held, of {letters}", times.len());
    let duplicates: u64 = times.values().map(|n| n - 1).sum();
    let by_kills = count("SELECT count(*) FROM delivery_attempt WHERE outcome = 'uncertain' AND stage IS NULL");
    let in_doubt = count("SELECT coalesce(sum(uncertain), 0) FROM outbox");
    assert!(by_kills <= kills * SESSIONS, "{by_kills} letters in doubt after {kills} kills");
    assert!(duplicates <= in_doubt, "{duplicates} duplicates, {in_doubt} in doubt");
    let others = "state NOT IN ('accepted', 'held') AND channel = 'email'";
    assert_eq!(count(&format!("SELECT count(*) FROM outbox WHERE {others}")), 0);
    let listed: Vec<String> =
        office.query("SELECT reference FROM outbox WHERE uncertain > 0").lines().map(str::to_lowercase).collect();
    for (id, _) in times.iter().filter(|(_, n)| **n > 1) {
        let id = id.to_lowercase();
        assert!(listed.iter().any(|reference| id.contains(reference)), "{id} is not listed");
    }
    assert_eq!(office.ok(&["ledger", "verify", "--json"])["valid"], true);
    println!(
        "{letters} letters, {kills} kills: lost 0, held {held}, in doubt {in_doubt}, of them by kills {by_kills}, arrived twice {duplicates}"
    );
}

async fn play(seed: u64, permits: usize, wanted: u64, life: Duration) {
    let office = Office::new(Shape { permits, seats: true });
    office.run(&[]);
    // As many letters as requested: copies of the night's, each with its own id and Message-ID.
    let made: u64 = office.query("SELECT count(*) FROM outbox WHERE channel = 'email'").trim().parse().unwrap();
    let copies = wanted.div_ceil(made).saturating_sub(1);
    office
        .change(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 WHERE {copies} > 0 UNION ALL SELECT i + 1 FROM n WHERE i < {copies})
             INSERT INTO outbox (prefecture, letter_id, reference, kind, revision, occasion, channel, state, recipient, data,
                 template_hash, attempts, uncertain, next_at, epoch, created_at)
               SELECT prefecture, letter_id || '/' || i, reference, kind, revision + i, 'adieu-' || i, channel, state,
                   i || '-' || recipient, json_set(data, '$.sequence', revision + i), template_hash, 0, 0, next_at, 0, created_at
                 FROM outbox, n WHERE channel = 'email'"
        ))
        .unwrap();
    let letters: u64 = office.query("SELECT count(*) FROM outbox WHERE channel = 'email'").trim().parse().unwrap();
    let sink = Sink::start(faults(seed)).await.unwrap();
    let kills = soak(&office, &sink, life).await;
    assert_nothing_lost(&office, &sink, letters, kills);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_letters_survive_faults_and_kills() {
    play(1, 900, 300, Duration::from_millis(1_500)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes long: script/soak"]
async fn ten_thousand_letters_survive_faults_and_kills() {
    play(2, 6_000, 10_000, Duration::from_secs(4)).await;
}
