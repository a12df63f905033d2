//! Letters and relays that fail: the real program against a scripted relay. In each case no letter is lost, and none is
//! sent twice except uncertain ones, which are listed.

use std::collections::HashMap;
use std::process::{Child, Command, Output};
use std::sync::LazyLock;
use std::time::Duration;

use convoke_dispatch::sink::{Act, Received, Sink, Turn};
use convoke_dispatch::smtp::Stage;
use serde_json::Value;

use crate::support::{self, Office, Shape};

/// An office after its first night: letters wait.
static AFTER_THE_NIGHT: LazyLock<Office> = LazyLock::new(|| {
    let office = Office::new(Shape { permits: 240, seats: true });
    office.run(&[]);
    office
});

/// An office with waiting letters, and a relay.
pub(crate) struct Play {
    pub(crate) office: Office,
    pub(crate) sink: Sink,
    /// E-mails waiting at the start.
    pub(crate) letters: u64,
}

impl Play {
    pub(crate) async fn new(script: impl Fn(&Turn) -> Act + Send + Sync + 'static) -> Self {
        let office = AFTER_THE_NIGHT.copy();
        let play =
            Self { letters: count(&office, "channel = 'email'"), sink: Sink::start(script).await.unwrap(), office };
        assert!(play.letters > 12, "{}", play.letters);
        play
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.office.command(args);
        command.env("CONVOKE__SMTP__URL", format!("smtp://{}", self.sink.addr));
        command
    }

    fn dispatch(&self, environment: &[(&str, &str)]) -> Output {
        self.command(&["dispatch", "--until-empty", "--json"]).envs(environment.iter().copied()).output().unwrap()
    }

    /// Dispatches until no letter waits.
    fn until_sent(&self) {
        for _ in 0..100 {
            let output = self.dispatch(&[]);
            assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
            if count(&self.office, WAITING) == 0 {
                return;
            }
        }
        panic!("letters still wait: {}", self.office.query("SELECT state, last_reply FROM outbox"));
    }

    /// Every letter has reached the relay: once, or at most once more than its delivery was uncertain. Letters that
    /// arrived twice are listed.
    pub(crate) fn assert_all_arrived(&self) {
        assert_eq!(count(&self.office, "channel = 'email' AND state = 'accepted'"), self.letters);
        let times = times(&self.sink.messages());
        assert_eq!(times.len() as u64, self.letters, "no letter is lost");
        for (reference, n) in &times {
            let unknown = self
                .office
                .query(&format!("SELECT uncertain FROM outbox WHERE reference = '{reference}' AND channel = 'email'"));
            let unknown: usize = unknown.trim().parse().unwrap();
            assert!(*n <= 1 + unknown, "{reference} arrived {n} times, and was uncertain {unknown} times");
        }
        let listed = self.office.answer(&["report", "--json"])["letters_perhaps_twice"].clone();
        let twice: Vec<&String> = times.iter().filter(|(_, n)| **n > 1).map(|(r, _)| r).collect();
        for reference in twice {
            assert!(listed.as_array().unwrap().iter().any(|l| l["reference"] == **reference), "{reference}: {listed}");
        }
    }
}

/// A lease that ends soon, and that a worker on a busy machine still renews in time.
pub(crate) const SHORT_LEASE: (&str, &str) = ("CONVOKE__DISPATCH__LEASE_S", "5");

pub(crate) const WAITING: &str = "state IN ('queued', 'deferred', 'uncertain', 'leased', 'sending')";

pub(crate) fn count(office: &Office, which: &str) -> u64 {
    office.query(&format!("SELECT count(*) FROM outbox WHERE {which}")).trim().parse().unwrap()
}

/// Time between the first and the last of some instants.
fn seconds_between(office: &Office, which: &str) -> f64 {
    let instants = office.query(&format!("SELECT {which}"));
    let parse = |text: &str| chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").unwrap();
    let instants: Vec<_> = instants.lines().map(parse).collect();
    (*instants.iter().max().unwrap() - *instants.iter().min().unwrap()).as_seconds_f64()
}

/// How often each reference arrived; the message must be the same each time.
fn times(messages: &[Received]) -> HashMap<String, usize> {
    let mut bodies: HashMap<String, &[u8]> = HashMap::new();
    let mut times = HashMap::new();
    for message in messages {
        let text = String::from_utf8_lossy(&message.data);
        let reference = text.lines().find_map(|l| l.strip_prefix("X-Convocation: ")).unwrap().to_owned();
        let first = bodies.entry(reference.clone()).or_insert(&message.data);
        assert!(*first == message.data.as_slice(), "{reference}: another message under the same name");
        *times.entry(reference).or_default() += 1;
    }
    times
}

fn answer(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

/// Waits until a condition holds, for a minute at most.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not within a minute: {what}");
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_letter_arrives_once_and_says_where_it_comes_from() {
    let play = Play::new(|_| Act::Usual).await;
    let output = play.dispatch(&[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(answer(&output)["accepted"], play.letters);
    play.assert_all_arrived();
    let (messages, mut senders) = (play.sink.messages(), Vec::new());
    for message in &messages {
        assert!(message.from.starts_with("ne-pas-repondre+rc-94-"), "{}", message.from);
        senders.push(&message.from);
    }
    senders.sort();
    senders.dedup();
    assert_eq!(senders.len(), messages.len(), "a Return-Path for each");
    let attempts = play.office.query("SELECT count(*) FROM delivery_attempt WHERE outcome = 'accepted' AND stage = 'dot' AND code = 250 AND enhanced = '2.0.0' AND ended_at >= started_at AND relay LIKE 'smtp://127%'");
    assert_eq!(attempts.trim(), play.letters.to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_relay_that_refuses_connections_costs_no_attempt() {
    let play = Play::new(|_| Act::Usual).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = play.dispatch(&[("CONVOKE__SMTP__URL", &format!("smtp://{closed}"))]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("the relay does not answer"), "{output:?}");
    assert_eq!(count(&play.office, "channel = 'email' AND state = 'queued' AND attempts = 0"), play.letters);
    play.until_sent();
    play.assert_all_arrived();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn people_are_called_in_time_even_while_nothing_can_leave() {
    let play = Play::new(|_| Act::Usual).await;
    let soon = support::today().checked_add_days(chrono::Days::new(4)).unwrap();
    let reference = play.office.one("SELECT min(reference) FROM outbox WHERE channel = 'email'");
    play.office.change(&format!("UPDATE convocation SET day = '{soon}' WHERE reference = '{reference}'")).unwrap();
    play.office.ok(&["pause", "--reason", "the relay is being moved", "--json"]);
    let output = play.dispatch(&[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(answer(&output)["expired"], 1);
    assert_eq!(count(&play.office, &format!("state = 'expired' AND reference = '{reference}'")), 1);
    assert_eq!(count(&play.office, "channel = 'email' AND state = 'queued'"), play.letters - 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_fallback_takes_over_from_a_relay_that_does_not_answer() {
    let play = Play::new(|_| Act::Usual).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = play.dispatch(&[
        ("CONVOKE__SMTP__URL", &format!("smtp://{closed}")),
        ("CONVOKE__SMTP__FALLBACK__URL", &format!("smtp://{}", play.sink.addr)),
    ]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(answer(&output)["accepted"], play.letters);
    play.assert_all_arrived();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_tarpit_meets_a_deadline_and_costs_no_attempt() {
    for act in [Act::Silence, Act::Drip(Duration::from_millis(400))] {
        let act_once = act.clone();
        let play =
            Play::new(
                move |turn| {
                    if turn.stage == Stage::Rcpt && turn.session <= 2 { act_once.clone() } else { Act::Usual }
                },
            )
            .await;
        let brief = [
            ("CONVOKE__SMTP__DEADLINES__STEP_S", "1"),
            ("CONVOKE__SMTP__DEADLINES__LETTER_S", "2"),
            ("CONVOKE__DISPATCH__SESSIONS", "2"),
        ];
        let output = play.dispatch(&brief);
        assert_eq!(output.status.code(), Some(0), "{act:?} {output:?}");
        assert_eq!(count(&play.office, "state = 'deferred' AND attempts > 0"), 0);
        assert!(
            play.office
                .query("SELECT reply FROM delivery_attempt WHERE outcome = 'relay-fault'")
                .contains("the deadline passed")
        );
        play.until_sent();
        play.assert_all_arrived();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_421_anywhere_is_followed_by_another_connection() {
    for stage in [Stage::Connect, Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Dot] {
        let play = Play::new(move |turn| {
            if turn.stage == stage && turn.session % 3 == 1 { Act::say("421 4.3.2 shutting down") } else { Act::Usual }
        })
        .await;
        play.until_sent();
        play.assert_all_arrived();
        assert_eq!(count(&play.office, "attempts > 1"), 0, "{stage:?}: a fault of the relay costs no attempt");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn greylisting_puts_a_letter_off_and_costs_an_attempt() {
    let play = Play::new(|turn| match (turn.stage, turn.attempt) {
        (Stage::Rcpt, 1) => Act::say("451 4.7.1 come back later"),
        _ => Act::Usual,
    })
    .await;
    let output = play.dispatch(&[("CONVOKE__DISPATCH__RETRY_FIRST_S", "3600")]);
    assert_eq!(answer(&output)["deferred"], play.letters);
    assert_eq!(count(&play.office, "channel = 'email' AND state = 'deferred' AND attempts = 1"), play.letters);
    assert_eq!(answer(&play.dispatch(&[]))["accepted"], 0, "not before its time");
    play.office.change("UPDATE outbox SET next_at = created_at").unwrap();
    play.until_sent();
    play.assert_all_arrived();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refused_recipient_goes_by_post_and_nobody_else_does() {
    let play = Play::new(|_| Act::Usual).await;
    let refused = play.office.one("SELECT recipient FROM outbox WHERE channel = 'email' ORDER BY letter_id LIMIT 1");
    let who = refused.clone();
    let refuse = move |turn: &Turn| {
        if turn.stage == Stage::Rcpt && turn.recipient == who { Act::say("550 5.1.1 no such user") } else { Act::Usual }
    };
    let play = Play { sink: Sink::start(refuse).await.unwrap(), ..play };
    let output = play.dispatch(&[]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let failed = count(&play.office, &format!("recipient = '{refused}' AND state = 'failed'"));
    assert_eq!(
        (answer(&output)["failed"].as_u64(), answer(&output)["accepted"].as_u64()),
        (Some(failed), Some(play.letters - failed))
    );
    play.office.ok(&["post", "--out", "post", "--json"]);
    let manifest = std::fs::read_to_string(play.office.path("post/manifest.json")).unwrap();
    let reference = play.office.query("SELECT reference FROM outbox WHERE state = 'failed' LIMIT 1");
    assert!(manifest.contains(reference.trim()), "the person is on the post list");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_lost_after_the_final_dot_gives_at_most_one_duplicate() {
    let play = Play::new(|turn| match (turn.stage, turn.attempt) {
        (Stage::Dot, 1) if turn.session.is_multiple_of(2) => Act::Drop,
        _ => Act::Usual,
    })
    .await;
    play.until_sent();
    play.assert_all_arrived();
    assert!(count(&play.office, "uncertain = 1") > 0);
    assert!(play.sink.messages().len() as u64 > play.letters, "some were sent twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_killed_at_any_point_of_a_dialogue_repeats_what_it_had_in_hand_and_nothing_else() {
    for point in
        ["after-claim", "after-render", "after-data", "after-sending", "after-reply", "before-mark", "after-mark"]
    {
        let play = Play::new(|_| Act::Usual).await;
        let sessions = 4;
        let mut worker = play.command(&["dispatch", "--until-empty", "--json"]);
        worker.env("CONVOKE_FAULT", point).env("CONVOKE__DISPATCH__SESSIONS", sessions.to_string());
        let killed = worker.output().unwrap();
        assert_eq!(killed.status.code(), None, "killed at {point}: {killed:?}");
        play.until_sent();
        play.assert_all_arrived();
        assert!(play.sink.messages().len() as u64 <= play.letters + sessions, "{point}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_uncertain_letter_is_held_where_the_office_wants_it_so() {
    let play = Play::new(|turn| if turn.stage == Stage::Dot { Act::Drop } else { Act::Usual }).await;
    let hold = [("CONVOKE__DISPATCH__UNCERTAIN", "hold"), ("CONVOKE__DISPATCH__SESSIONS", "1")];
    play.dispatch(&hold);
    let held = count(&play.office, "state = 'held' AND uncertain = 1");
    assert_eq!(held, 5, "five faults of the relay, and it is left alone");
    assert_eq!(play.sink.messages().len() as u64, held, "nothing is sent again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_answer_past_its_deadline_is_never_the_next_letter_s() {
    let play = Play::new(|turn| match (turn.stage, turn.session, turn.attempt) {
        (Stage::Dot, 1, _) => Act::Late(Duration::from_millis(1_500)),
        // Replies to the second session must not be mixed up with the first's.
        (Stage::Rcpt, 2, 1) => Act::say("550 5.1.1 unknown"),
        _ => Act::Usual,
    })
    .await;
    let brief = [("CONVOKE__SMTP__DEADLINES__DOT_S", "1"), ("CONVOKE__DISPATCH__SESSIONS", "1")];
    play.dispatch(&brief);
    let refused = play.office.query("SELECT count(*) FROM outbox WHERE state = 'failed' AND last_reply LIKE '550%'");
    let shown = play.office.query("SELECT count(DISTINCT letter_id) FROM delivery_attempt WHERE code = 550");
    assert_eq!(refused, shown);
    assert!(play.sink.messages().len() as u64 + shown.trim().parse::<u64>().unwrap() >= play.letters);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_workers_at_once_send_each_letter_once() {
    let play = Play::new(|_| Act::Usual).await;
    let workers: Vec<Child> =
        (0..4).map(|_| play.command(&["dispatch", "--until-empty", "--json"]).spawn().unwrap()).collect();
    let mut accepted = 0;
    for worker in workers {
        let output = worker.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        accepted += answer(&output)["accepted"].as_u64().unwrap();
    }
    assert_eq!(accepted, play.letters);
    assert_eq!(play.sink.messages().len() as u64, play.letters);
    play.assert_all_arrived();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn asked_to_stop_in_a_message_it_ends_with_that_message_and_says_so() {
    let play =
        Play::new(|turn| if turn.stage == Stage::Dot { Act::Late(Duration::from_millis(800)) } else { Act::Usual })
            .await;
    let worker = play.command(&["dispatch", "--json"]).spawn().unwrap();
    until("letters in flight", || !play.sink.messages().is_empty()).await;
    signal(&worker, "-TERM");
    let output = worker.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(count(&play.office, "state IN ('leased', 'sending', 'uncertain')"), 0, "nothing is left half done");
    assert_eq!(answer(&output)["accepted"], play.sink.messages().len());
    play.until_sent();
    assert_eq!(play.sink.messages().len() as u64, play.letters, "and nothing was sent twice");
    play.assert_all_arrived();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_that_must_stop_before_its_answer_comes_leaves_its_letters_uncertain() {
    let play = Play::new(|turn| {
        if turn.stage == Stage::Dot && turn.session <= 4 { Act::Late(Duration::from_secs(20)) } else { Act::Usual }
    })
    .await;
    let worker = play.command(&["dispatch", "--json"]).env("CONVOKE__DISPATCH__STOP_TIMEOUT_S", "0").spawn().unwrap();
    until("letters in flight", || play.sink.messages().len() >= 4).await;
    signal(&worker, "-TERM");
    let output = worker.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(count(&play.office, "state = 'uncertain'"), 4);
    play.until_sent();
    play.assert_all_arrived();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_that_stood_still_for_longer_than_its_lease_has_nothing_more_to_say() {
    let play = Play::new(|turn| {
        if turn.stage == Stage::Dot && turn.session <= 2 { Act::Late(Duration::from_secs(3)) } else { Act::Usual }
    })
    .await;
    let lease = [SHORT_LEASE, ("CONVOKE__DISPATCH__SESSIONS", "2")];
    let frozen = play.command(&["dispatch", "--json", "--until-empty", "-v"]).envs(lease).spawn().unwrap();
    until("letters in flight", || play.sink.messages().len() >= 2).await;
    signal(&frozen, "-STOP");
    // Another worker takes its letters over once the lease has expired, and sends all of them.
    until("all letters", || {
        let output = play.dispatch(&lease);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        count(&play.office, WAITING) == 0
    })
    .await;
    play.assert_all_arrived();
    let before = play.office.query("SELECT state, epoch, attempts, uncertain FROM outbox ORDER BY letter_id");
    signal(&frozen, "-CONT");
    let output = frozen.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        play.office.query("SELECT state, epoch, attempts, uncertain FROM outbox ORDER BY letter_id"),
        before,
        "its late writes are discarded"
    );
    play.assert_all_arrived();
    assert!(play.sink.messages().len() as u64 <= play.letters + 2, "at most one duplicate a session");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_that_stood_still_before_the_final_dot_lets_the_letter_go() {
    let play = Play::new(|_| Act::Usual).await;
    let settings = [SHORT_LEASE, ("CONVOKE__DISPATCH__SESSIONS", "1")];
    let mut worker = play.command(&["dispatch", "--json", "--until-empty"]);
    let worker = worker.envs(settings).env("CONVOKE_FAULT", "stop@after-sending").spawn().unwrap();
    // Another worker takes the letter over once its lease has expired, and sends it.
    until("all letters", || {
        let output = play.dispatch(&settings);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        count(&play.office, WAITING) == 0
    })
    .await;
    signal(&worker, "-CONT");
    let output = worker.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let twice = times(&play.sink.messages()).into_values().filter(|n| *n > 1).count();
    assert_eq!(twice, 0, "what it had not handed over, it does not hand over late");
    play.assert_all_arrived();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_that_stood_still_once_sends_what_comes_after_once() {
    let play =
        Play::new(|turn| if turn.stage == Stage::Dot { Act::Late(Duration::from_millis(1_500)) } else { Act::Usual })
            .await;
    play.office.change("UPDATE outbox SET state = 'held' WHERE channel = 'email' AND letter_id NOT IN (SELECT letter_id FROM outbox WHERE channel = 'email' ORDER BY letter_id LIMIT 10)").unwrap();
    let settings = [SHORT_LEASE, ("CONVOKE__DISPATCH__SESSIONS", "2")];
    let worker = play.command(&["dispatch", "--json"]).envs(settings).spawn().unwrap();
    until("a letter", || !play.sink.messages().is_empty()).await;
    signal(&worker, "-STOP");
    until("the end of its leases", || {
        let now = support::now().format("%Y-%m-%d %H:%M:%S%.6f").to_string();
        count(&play.office, &format!("state IN ('leased', 'sending') AND lease_until >= '{now}'")) == 0
    })
    .await;
    signal(&worker, "-CONT");
    until("all of them", || count(&play.office, WAITING) == 0).await;
    signal(&worker, "-TERM");
    let output = worker.wait_with_output().unwrap();
    assert_eq!(count(&play.office, "state = 'accepted'"), 10, "{output:?}");
    let twice = times(&play.sink.messages()).values().filter(|n| **n > 1).count();
    assert!(twice <= 2, "{twice} letters arrived twice: only those in flight when it stood still may");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_letter_that_is_held_is_called_about_in_time() {
    let play = Play::new(|_| Act::Usual).await;
    let soon = support::today().checked_add_days(chrono::Days::new(4)).unwrap();
    let reference = play.office.one("SELECT min(reference) FROM outbox WHERE channel = 'email'");
    play.office.change(&format!("UPDATE outbox SET state = 'held' WHERE reference = '{reference}'")).unwrap();
    play.office.change(&format!("UPDATE convocation SET day = '{soon}' WHERE reference = '{reference}'")).unwrap();
    let output = play.dispatch(&[]);
    assert_eq!(answer(&output)["expired"], 1, "{output:?}");
    assert_eq!(count(&play.office, &format!("state = 'expired' AND reference = '{reference}'")), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_another_writes_for_long_is_waited_for() {
    let play =
        Play::new(|turn| if turn.stage == Stage::Dot { Act::Late(Duration::from_millis(20)) } else { Act::Usual })
            .await;
    let worker = play.command(&["dispatch", "--until-empty", "--json"]).spawn().unwrap();
    until("a letter", || !play.sink.messages().is_empty()).await;
    // Longer than the lock timeout.
    let holder = play.office.hold_locked(Duration::from_secs(12));
    let output = worker.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("is tried again"), "{output:?}");
    holder.join().unwrap();
    play.assert_all_arrived();
    assert_eq!(play.sink.messages().len() as u64, play.letters, "what was heard meanwhile is not forgotten");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_busy_database_is_waited_for() {
    let play = Play::new(|_| Act::Usual).await;
    let holder = play.office.hold_locked(Duration::from_secs(2));
    let output = play.dispatch(&[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    holder.join().unwrap();
    play.assert_all_arrived();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pause_is_obeyed_by_a_worker_at_work_and_by_the_next() {
    let play =
        Play::new(|turn| if turn.stage == Stage::Dot { Act::Late(Duration::from_millis(300)) } else { Act::Usual })
            .await;
    let worker = play.command(&["dispatch", "--json"]).spawn().unwrap();
    until("letters in flight", || !play.sink.messages().is_empty()).await;
    play.office.ok(&["pause", "--reason", "wrong template", "--json"]);
    let at_the_pause = play.sink.messages().len();
    until("nothing in hand", || count(&play.office, "state IN ('leased', 'sending')") == 0).await;
    let after = play.sink.messages().len();
    assert!(after <= at_the_pause + 4, "only what had begun goes on: {at_the_pause}, then {after}");
    assert!((after as u64) < play.letters);
    assert_eq!(count(&play.office, "state = 'accepted'"), after as u64);
    let shown = play.office.output(&["dispatch", "--until-empty"]);
    assert_eq!(shown.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&shown.stderr).contains("wrong template"), "{shown:?}");
    assert_eq!(play.office.output(&["unpause"]).status.code(), Some(2), "it asks, off a terminal too");
    play.office.ok(&["unpause", "--yes", "--json"]);
    until("all letters", || count(&play.office, WAITING) == 0).await;
    signal(&worker, "-TERM");
    assert_eq!(worker.wait_with_output().unwrap().status.code(), Some(0));
    play.assert_all_arrived();
    let entries = play.office.query("SELECT kind FROM ledger_entry WHERE kind LIKE 'sending.%' ORDER BY seq");
    assert_eq!(entries, "sending.paused\nsending.resumed\n");
    assert_eq!(play.office.ok(&["ledger", "verify", "--json"])["valid"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_changed_since_a_letter_was_written_is_seen_at_the_moment_of_sending() {
    let play = Play::new(|_| Act::Usual).await;
    let references: Vec<String> = play
        .office
        .query(
            "SELECT reference FROM outbox WHERE channel = 'email' AND kind = 'convocation' ORDER BY letter_id LIMIT 7",
        )
        .lines()
        .map(str::to_owned)
        .collect();
    let permit =
        |i: usize| format!("permit_id = (SELECT permit_id FROM convocation WHERE reference = '{}')", references[i]);
    let convocation = |i: usize| format!("reference = '{}'", references[i]);
    let today = support::today();
    let late = today.checked_add_days(chrono::Days::new(4)).unwrap();
    for sql in [
        format!("UPDATE permit SET status = 'renouvele' WHERE {}", permit(0)),
        format!("UPDATE permit SET status = 'retire' WHERE {}", permit(1)),
        format!("UPDATE permit SET filed_on = '{today}' WHERE {}", permit(2)),
        format!("UPDATE permit SET held = TRUE WHERE {}", permit(3)),
        format!("UPDATE convocation SET state = 'cancelled' WHERE {}", convocation(4)),
        format!("UPDATE convocation SET sequence = 1 WHERE {}", convocation(5)),
        format!("UPDATE convocation SET day = '{late}' WHERE {}", convocation(6)),
        "UPDATE holder SET phone = '06 39 98 12 34'".to_owned(),
    ] {
        play.office.change(&sql).unwrap();
    }
    let output = play.dispatch(&[]);
    let counts = answer(&output);
    assert_eq!(
        ["cancelled", "waiting", "held", "expired"].map(|count| counts[count].as_u64()),
        [Some(2), Some(3), Some(1), Some(1)],
        "{counts}"
    );
    let sent = times(&play.sink.messages());
    let expected = [
        ("held", "renewed"),
        ("held", "withdrawn"),
        ("held", "filed"),
        ("held", "permit-held"),
        ("cancelled", "no-appointment"),
        ("cancelled", "moved"),
        ("expired", "too-late"),
    ];
    for (reference, (state, reason)) in references.iter().zip(expected) {
        let row = play
            .office
            .query(&format!("SELECT state, remark FROM outbox WHERE reference = '{reference}' AND channel = 'email'"));
        assert_eq!(row.trim(), format!("{state}|{reason}"));
        assert!(!sent.contains_key(reference), "{reference} was sent");
    }
    play.office.ok(&["post", "--out", "calls", "--channel", "phone", "--json"]);
    let calls: String = std::fs::read_dir(play.office.path("calls"))
        .unwrap()
        .map(|f| std::fs::read_to_string(f.unwrap().path()).unwrap())
        .collect();
    assert!(calls.contains(&references[6]), "whoever it would reach too late is on the phone list");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_address_gets_no_more_letters_a_day_than_the_office_allows() {
    let play = Play::new(|_| Act::Usual).await;
    play.office.change("UPDATE holder SET email = 'shared@example.org' WHERE holder_id IN (SELECT holder_id FROM convocation WHERE reference IN (SELECT reference FROM outbox WHERE channel = 'email' ORDER BY letter_id LIMIT 5))").unwrap();
    let cap = [("CONVOKE__DISPATCH__PER_ADDRESS_PER_DAY", "2")];
    let workers: Vec<Child> =
        (0..2).map(|_| play.command(&["dispatch", "--until-empty", "--json"]).envs(cap).spawn().unwrap()).collect();
    for worker in workers {
        assert_eq!(worker.wait_with_output().unwrap().status.code(), Some(0));
    }
    let to_shared = play.sink.messages().iter().filter(|m| m.to == "shared@example.org").count();
    assert_eq!(to_shared, 2);
    assert_eq!(
        count(&play.office, "recipient = 'shared@example.org' AND state = 'queued' AND attempts = 0"),
        3,
        "the others wait for tomorrow"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn limits_a_minute_are_shared_by_all_workers() {
    let play = Play::new(|_| Act::Usual).await;
    // Six letters to a domain, at ten a minute: one now, the next six seconds later.
    play.office.change("UPDATE outbox SET state = 'held' WHERE channel = 'email' AND letter_id NOT IN (SELECT letter_id FROM outbox WHERE channel = 'email' ORDER BY letter_id LIMIT 6)").unwrap();
    play.office.change("UPDATE holder SET email = 'p' || number || '@Slow.example' WHERE email IS NOT NULL").unwrap();
    let limit = [("CONVOKE__DISPATCH__DOMAIN_PER_MINUTE", "10")];
    let workers: Vec<Child> =
        (0..2).map(|_| play.command(&["dispatch", "--until-empty", "--json"]).envs(limit).spawn().unwrap()).collect();
    for worker in workers {
        assert_eq!(worker.wait_with_output().unwrap().status.code(), Some(0));
    }
    assert_eq!(play.sink.messages().len(), 1);
    assert_eq!(count(&play.office, "state = 'queued' AND has_turn"), 5);
    let turns = seconds_between(&play.office, "next_at FROM outbox WHERE state = 'queued' AND has_turn");
    assert!((turns - 24.0).abs() < 0.01, "five turns, six seconds apart: {turns}");
    // The relay's own limit slows the sessions down: six letters at two a second take more than two seconds.
    play.office.change("UPDATE outbox SET has_turn = FALSE, next_at = created_at WHERE state = 'queued'").unwrap();
    let output = play.dispatch(&[("CONVOKE__DISPATCH__PER_MINUTE", "120")]);
    assert_eq!(answer(&output)["accepted"], 5);
    let span = seconds_between(
        &play.office,
        "started_at FROM delivery_attempt WHERE letter_id IN (SELECT letter_id FROM outbox WHERE recipient LIKE '%@Slow.example')",
    );
    assert!(span > 1.9, "{span}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rehearsal_reaches_one_address_and_production_refuses_it() {
    let play = Play::new(|_| Act::Usual).await;
    let redirect = ("CONVOKE__DISPATCH__REDIRECT_ALL_TO", "rehearsal@example.org");
    let refused = play.dispatch(&[redirect]);
    assert_eq!(refused.status.code(), Some(78), "{refused:?}");
    assert_eq!(play.sink.messages(), []);
    let output = play.dispatch(&[redirect, ("CONVOKE__DISPATCH__PRODUCTION", "false")]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let messages = play.sink.messages();
    assert_eq!(messages.len() as u64, play.letters);
    assert!(messages.iter().all(|m| m.to == "rehearsal@example.org"));
    assert_eq!(
        play.office.query("SELECT count(*) FROM delivery_attempt WHERE relay LIKE '%(redirected)'").trim(),
        play.letters.to_string()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn outside_the_hours_of_sending_nothing_leaves() {
    let play = Play::new(|_| Act::Usual).await;
    let hour = chrono::Timelike::hour(&support::now().with_timezone(&chrono_tz::Europe::Paris));
    // Two hours from now, and two hours long.
    let hours = format!("{:02}:00-{:02}:00", (hour + 2) % 22, (hour + 2) % 22 + 2);
    let output = play.dispatch(&[("CONVOKE__DISPATCH__HOURS", &hours)]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("outside the sending hours"), "{output:?}");
    assert_eq!((play.sink.messages().len(), count(&play.office, "state = 'queued'")), (0, play.letters));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn logs_at_trace_hold_no_password_no_name_no_address_and_no_text() {
    let play = Play::new(|_| Act::Usual).await;
    std::fs::write(play.office.path("secret"), "sésame-canari-7391\n").unwrap();
    let url = format!("smtp://canari-user@{}", play.sink.addr);
    let output = play
        .command(&["dispatch", "--until-empty", "--json"])
        .envs([
            ("CONVOKE__SMTP__URL", url.as_str()),
            ("CONVOKE__SMTP__PASSWORD_FILE", "secret"),
            ("CONVOKE_LOG", "trace"),
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let log = String::from_utf8_lossy(&output.stderr).to_lowercase();
    assert!(log.lines().count() as u64 > play.letters, "it says something");
    let mut canaries = vec!["sésame-canari-7391".to_owned(), "canari-7391".into(), "canari-user".into()];
    // The same as sent by AUTH PLAIN: NUL user NUL password, in base64.
    canaries.push("AGNhbmFyaS11c2VyAHPDqXNhbWUtY2FuYXJpLTczOTE".to_lowercase());
    for message in play.sink.messages() {
        canaries.push(message.to.clone());
    }
    for line in play.office.query("SELECT h.family_name, h.given_names, h.address, h.number, h.email FROM holder h JOIN convocation c USING (prefecture, holder_id)").lines() {
        canaries.extend(line.split('|').filter(|part| part.len() > 5).map(str::to_owned));
    }
    canaries.extend(["madame", "rendez-vous le", "vous prions"].map(str::to_owned));
    for canary in canaries {
        assert!(!log.contains(&canary.to_lowercase()), "{canary} is in the log");
    }
}
