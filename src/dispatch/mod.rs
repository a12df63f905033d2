//! Sending: claim, render, send, record. A send never decides who is convoked, and one commit moves one letter.

mod retry;
pub mod sink;
pub mod smtp;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, bail};
use chrono::TimeDelta;
use serde::Serialize;
use tokio::task::block_in_place;

use crate::clock::Clock;
use crate::convocation::{LetterKind, LetterState, State};
use crate::fault;
use crate::ids::sha256_hex;
use crate::letters::{Letter, LetterData, Rendered, Sender};
use crate::process;
use crate::settings::{ConfigError, Configuration};
use crate::store::{Claimed, Settlement, Store};
use smtp::{Delivery, Fault, Relay, Session};

/// Where letters go.
#[derive(Clone, Debug)]
pub enum Transport {
    /// A relay.
    Smtp(Box<Relay>),
    /// A folder (maildir): `new/` holds one file a letter.
    Maildir(PathBuf),
    /// Memory, for tests.
    Memory(Arc<Mutex<Vec<Vec<u8>>>>),
}

impl Transport {
    /// The transport that the settings name.
    pub fn of(config: &Configuration) -> Result<Self> {
        let smtp = &config.settings.smtp;
        if let Some(folder) = smtp.url.strip_prefix("maildir:") {
            return Ok(Self::Maildir(folder.into()));
        }
        let refused = |e: smtp::RelayError| ConfigError(format!("[smtp] {e}"));
        let mut relay = Relay::parse(&smtp.url, config.smtp_password()?).map_err(refused)?;
        if let Some(hello) = &smtp.hello {
            relay = relay.with_hello(hello).map_err(refused)?;
        }
        if let Some(file) = &smtp.ca_file {
            let pem =
                std::fs::read(file).map_err(|e| ConfigError(format!("[smtp] ca_file {}: {e}", file.display())))?;
            relay = relay.with_roots(&pem).map_err(refused)?;
        }
        Ok(Self::Smtp(Box::new(relay)))
    }
}

/// `dispatch --json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// The relay took responsibility.
    pub accepted: u64,
    /// To be tried again later.
    pub deferred: u64,
    /// Refused for good.
    pub failed: u64,
    /// Nobody knows whether the relay has them.
    pub uncertain: u64,
    /// Too late to be sent.
    pub expired: u64,
    /// Not to be sent any more.
    pub cancelled: u64,
    /// Handed over without the PDF, which could not be made: `outbox list` says why.
    pub without_pdf: u64,
}

/// What ended a drain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Nothing can be claimed now.
    Empty,
    /// Outside the hours of sending.
    OutsideHours,
    /// The relay does not answer: five faults in a row, the last of which is told.
    RelayDown(String),
    /// The relay refuses our user or password.
    NotAuthenticated(String),
}

/// Letters claimed at once: enough to spread the cost of claiming, few enough to give back after a fault.
const CLAIM: i64 = 10;
/// Outlasts a letter's total deadline, times the letters claimed at once.
const LEASE: TimeDelta = TimeDelta::hours(3);
/// Faults of the relay in a row that open the breaker.
const BREAKER: u32 = 5;

/// One worker: sends until nothing can be claimed.
pub async fn drain(
    store: &mut Store,
    config: &Configuration,
    transport: &Transport,
    clock: &Clock,
    progress: &dyn Fn(u64),
) -> Result<(Counts, Drained)> {
    let mut worker = Worker {
        config,
        clock,
        owner: process::identity(),
        line: Line { transport, session: None, used: false },
        counts: Counts::default(),
        faults: 0,
    };
    let ended = worker.drain(store, progress).await;
    if let Some(session) = worker.line.session.take() {
        session.quit().await;
    }
    Ok((worker.counts, ended?))
}

struct Worker<'a> {
    config: &'a Configuration,
    clock: &'a Clock,
    owner: String,
    line: Line<'a>,
    counts: Counts,
    /// Faults of the relay in a row.
    faults: u32,
}

impl Worker<'_> {
    async fn drain(&mut self, store: &mut Store, progress: &dyn Fn(u64)) -> Result<Drained> {
        let pause = TimeDelta::seconds(self.config.settings.dispatch.retry_first_s.into());
        let (requeued, uncertain) = block_in_place(|| store.rescue(self.clock.now(), pause, process::has_ended))?;
        if requeued + uncertain > 0 {
            tracing::warn!(
                requeued,
                uncertain,
                "Took {} letters back from workers that have ended",
                requeued + uncertain
            );
        }
        // What letters are made with is kept before the first of them leaves.
        let templates = &self.config.templates;
        block_in_place(|| store.keep_templates(&templates.hash(), templates.sources(), self.clock.now()))?;
        loop {
            let now = self.clock.now();
            if !self
                .config
                .settings
                .dispatch
                .hours
                .allow(now.with_timezone(&self.config.settings.prefecture.zone).naive_local())
            {
                return Ok(Drained::OutsideHours);
            }
            let claimed = block_in_place(|| store.claim(&self.owner, now, LEASE, CLAIM))?;
            if claimed.is_empty() {
                return Ok(Drained::Empty);
            }
            fault::point("after-claim");
            let mut rest = claimed.iter();
            for letter in rest.by_ref() {
                if let Some(stop) = self.send(store, letter).await? {
                    // Letters not yet begun go back untouched.
                    for untouched in rest {
                        block_in_place(|| {
                            store.settle(untouched, &self.settlement(LetterState::Queued, "relay-fault"))
                        })?;
                    }
                    return Ok(stop);
                }
                progress(self.counts.accepted);
            }
        }
    }

    /// Sends one letter and records what became of it. Returns why to stop, if so.
    async fn send(&mut self, store: &mut Store, claimed: &Claimed) -> Result<Option<Drained>> {
        if let Some((state, outcome, reason)) = self.in_vain(store, claimed)? {
            let found = Settlement { reply: Some(reason.into()), ..self.settlement(state, outcome) };
            self.record(store, claimed, &found)?;
            return Ok(None);
        }
        let sender = self.sender(claimed)?;
        let letter = match self.render(claimed, &sender) {
            Ok(letter) => letter,
            Err(error) => {
                tracing::error!(letter.id = %claimed.letter.letter_id, "A letter could not be rendered: {error:#}");
                let found = Settlement {
                    reply: Some(format!("{error:#}")),
                    burns_attempt: true,
                    ..self.settlement(LetterState::Failed, "failed")
                };
                self.record(store, claimed, &found)?;
                return Ok(None);
            }
        };
        let Some(recipient) = claimed.letter.recipient.clone() else {
            bail!("letter {} has no address", claimed.letter.letter_id)
        };
        if let Err(fault) = self.line.open().await {
            return self.relay_fault(store, claimed, &fault, false);
        }
        let pdf = letter.pdf.as_ref().map(|bytes| sha256_hex(bytes)).map_err(ToString::to_string);
        if let Err(reason) = &pdf {
            tracing::warn!(letter.id = %claimed.letter.letter_id, "A letter goes without its PDF: {reason}");
            self.counts.without_pdf += 1;
        }
        let rendered = serde_json::to_string(&Rendered::of(&self.config.templates, &sender, pdf))?;
        if !block_in_place(|| {
            store.begin_sending(claimed, &letter.sha256, &rendered, &self.line.name(), self.clock.now())
        })? {
            return Ok(None);
        }
        fault::point("after-sending");
        let delivery = self.line.deliver(&self.config.settings.smtp.from, &recipient, &letter).await?;
        fault::point("after-reply");
        let found = match &delivery {
            Delivery::Accepted(_) => self.settlement(LetterState::Accepted, "accepted"),
            Delivery::Deferred(_) => self.postponed(claimed, true),
            Delivery::Refused(reply) if retry::concerns_the_sender(reply) => self.postponed(claimed, false),
            Delivery::Refused(_) => self.settlement(LetterState::Failed, "failed"),
            Delivery::Uncertain(_) => self.uncertain(claimed),
            Delivery::RelayFault(fault) => return self.relay_fault(store, claimed, fault, true),
        };
        self.faults = 0;
        let found = match &delivery {
            Delivery::Accepted(reply) | Delivery::Deferred(reply) | Delivery::Refused(reply) => Settlement {
                burns_attempt: found.outcome != "relay-fault",
                stage: Some(format!("{:?}", reply.stage).to_lowercase()),
                code: Some(reply.code.into()),
                reply: Some(format!("{} {} {}", reply.code, reply.enhanced.as_deref().unwrap_or(""), reply.text)),
                ..found
            },
            Delivery::Uncertain(fault) | Delivery::RelayFault(fault) => Settlement {
                burns_attempt: true,
                stage: Some(format!("{:?}", fault.stage).to_lowercase()),
                reply: Some(fault.to_string()),
                ..found
            },
        };
        self.record(store, claimed, &found)?;
        Ok(None)
    }

    /// Why a letter must not leave any more, if so: its appointment does not hold, or it would come too late.
    fn in_vain(
        &self,
        store: &mut Store,
        claimed: &Claimed,
    ) -> Result<Option<(LetterState, &'static str, &'static str)>> {
        let (kind, reference) = (claimed.letter.kind.as_str(), &claimed.letter.reference);
        let announces = [LetterKind::Convocation, LetterKind::Change].iter().any(|k| k.code() == kind);
        if !announces && kind != LetterKind::Reminder.code() {
            return Ok(None);
        }
        let Some(convocation) = block_in_place(|| store.convocation(reference))? else { return Ok(None) };
        if convocation.state != State::Convoked.code() {
            return Ok(Some((LetterState::Cancelled, "cancelled", "the appointment does not hold any more")));
        }
        let settings = &self.config.settings;
        let left = (convocation.day - self.clock.today(settings.prefecture.zone)).num_days();
        let floor = if announces { i64::from(settings.policy.send_floor_days) } else { 1 };
        Ok((left < floor).then_some((LetterState::Expired, "expired", "too few days are left: call the person")))
    }

    /// From whom the letter comes; every attempt bears the date of the first.
    fn sender(&self, claimed: &Claimed) -> Result<Sender> {
        let before: Option<Rendered> = claimed.letter.rendered.as_deref().map(serde_json::from_str).transpose()?;
        let first = before.and_then(|r| r.sender.sent_at);
        Ok(Sender { sent_at: first.or(Some(self.clock.now())), ..self.config.sender() })
    }

    fn render(&self, claimed: &Claimed, sender: &Sender) -> Result<Letter> {
        let data: LetterData = serde_json::from_str(&claimed.letter.data).context("the letter's stored data")?;
        let letter = self.config.templates.compose(&data, sender).context("composing")?;
        if !letter.neutralised.is_empty() {
            // Nothing that a person is called is altered in silence: the places are named, never the text.
            tracing::warn!(letter.id = %claimed.letter.letter_id, places = letter.neutralised.join(" "), "A letter leaves out characters that nobody sees");
        }
        Ok(letter)
    }

    /// The relay's fault burns no attempt. A letter in whose dialogue it happened waits, so that it cannot hold up the others.
    fn relay_fault(
        &mut self,
        store: &mut Store,
        claimed: &Claimed,
        fault: &Fault,
        begun: bool,
    ) -> Result<Option<Drained>> {
        self.faults += 1;
        let found =
            if begun { self.postponed(claimed, false) } else { self.settlement(LetterState::Queued, "relay-fault") };
        let found = Settlement {
            stage: Some(format!("{:?}", fault.stage).to_lowercase()),
            reply: Some(fault.to_string()),
            ..found
        };
        self.record(store, claimed, &found)?;
        Ok(if fault.is_authentication() {
            Some(Drained::NotAuthenticated(fault.to_string()))
        } else if self.faults >= BREAKER {
            Some(Drained::RelayDown(fault.to_string()))
        } else {
            None
        })
    }

    fn postponed(&self, claimed: &Claimed, refused: bool) -> Settlement {
        let first = self.config.settings.dispatch.retry_first_s;
        let delay =
            if refused { retry::delay(first, claimed.letter.attempts) } else { TimeDelta::seconds(first.into()) };
        let outcome = if refused { "deferred" } else { "relay-fault" };
        Settlement { next_at: Some(self.clock.now() + delay), ..self.settlement(LetterState::Deferred, outcome) }
    }

    /// Sent once more under the same Message-ID; if its fate is unknown again, a person decides.
    fn uncertain(&self, claimed: &Claimed) -> Settlement {
        let pause = TimeDelta::seconds(self.config.settings.dispatch.retry_first_s.into());
        let state = if claimed.letter.uncertain == 0 { LetterState::Uncertain } else { LetterState::Held };
        Settlement { next_at: Some(self.clock.now() + pause), ..self.settlement(state, "uncertain") }
    }

    fn settlement(&self, state: LetterState, outcome: &'static str) -> Settlement {
        Settlement {
            state,
            outcome,
            next_at: None,
            burns_attempt: false,
            stage: None,
            code: None,
            reply: None,
            at: self.clock.now(),
        }
    }

    fn record(&mut self, store: &mut Store, claimed: &Claimed, found: &Settlement) -> Result<()> {
        fault::point("before-mark");
        if !block_in_place(|| store.settle(claimed, found))? {
            tracing::warn!(letter.id = %claimed.letter.letter_id, "A letter was taken over by another worker: what this one knows is discarded");
            return Ok(());
        }
        fault::point("after-mark");
        // The relay's words may quote an address: they stay in the database.
        tracing::info!(letter.id = %claimed.letter.letter_id, outcome = found.outcome, code = found.code, "Letter {}", found.state);
        match found.outcome {
            "accepted" => self.counts.accepted += 1,
            "deferred" => self.counts.deferred += 1,
            "failed" => self.counts.failed += 1,
            "uncertain" => self.counts.uncertain += 1,
            "expired" => self.counts.expired += 1,
            "cancelled" => self.counts.cancelled += 1,
            "relay-fault" if found.state == LetterState::Deferred => self.counts.deferred += 1,
            _ => {}
        }
        Ok(())
    }
}

/// The connection of one worker.
struct Line<'a> {
    transport: &'a Transport,
    session: Option<Session>,
    /// Whether the session has carried a letter: a relay may have closed an idle one.
    used: bool,
}

impl Line<'_> {
    fn name(&self) -> String {
        match self.transport {
            Transport::Smtp(relay) => relay.to_string(),
            Transport::Maildir(_) => "maildir".into(),
            Transport::Memory(_) => "memory".into(),
        }
    }

    async fn open(&mut self) -> Result<(), Fault> {
        let Transport::Smtp(relay) = self.transport else { return Ok(()) };
        if self.session.as_ref().is_none_or(|s| !s.is_reusable()) {
            self.session = None;
            self.session = Some(Session::open(relay).await?);
            self.used = false;
        }
        Ok(())
    }

    async fn deliver(&mut self, from: &str, to: &str, letter: &Letter) -> Result<Delivery> {
        match self.transport {
            Transport::Smtp(relay) => {
                let session = self.session.as_mut().context("no session is open")?;
                let delivery = session.deliver(from, to, &letter.message).await;
                // A relay may close a session that waited: nothing was handed over, so a fresh one is tried at once.
                let stale = self.used && matches!(&delivery, Delivery::RelayFault(f) if f.stage == smtp::Stage::Mail);
                self.used = true;
                if !stale {
                    return Ok(delivery);
                }
                self.session = None;
                match Session::open(relay).await {
                    Err(fault) => Ok(Delivery::RelayFault(fault)),
                    Ok(mut fresh) => {
                        let delivery = fresh.deliver(from, to, &letter.message).await;
                        self.session = Some(fresh);
                        Ok(delivery)
                    }
                }
            }
            Transport::Maildir(folder) => {
                block_in_place(|| into_maildir(folder, letter))?;
                Ok(Delivery::Accepted(handed_over("maildir")))
            }
            Transport::Memory(letters) => {
                letters.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(letter.message.clone());
                Ok(Delivery::Accepted(handed_over("memory")))
            }
        }
    }
}

fn handed_over(to: &str) -> smtp::Reply {
    smtp::Reply { code: 250, enhanced: None, text: to.to_owned(), stage: smtp::Stage::Dot }
}

/// Written to `tmp/`, synchronised, then renamed into `new/`: a reader never sees half a letter. The name is the
/// Message-ID, so that a letter sent once more replaces itself.
fn into_maildir(folder: &std::path::Path, letter: &Letter) -> Result<()> {
    use std::io::Write;
    for part in ["tmp", "new", "cur"] {
        std::fs::create_dir_all(folder.join(part))
            .with_context(|| format!("making the maildir {}", folder.display()))?;
    }
    let mut file = tempfile::NamedTempFile::new_in(folder.join("tmp"))?;
    file.write_all(&letter.message)?;
    file.as_file().sync_all()?;
    file.persist(folder.join("new").join(format!("{}.eml", letter.message_id.replace('@', "_"))))
        .context("writing a letter")?;
    Ok(())
}
