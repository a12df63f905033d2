//! The server: nights that begin by themselves, workers that send, and what tells whether all is well. It decides nothing: nights
//! are `run`, letters are `dispatch`.
//!
//! ```text
//! tick (a minute) ─▶ which night is due? ─▶ inbox ─▶ run ─▶ done, or tried again
//! workers ──────────▶ claim, send, record, all day
//! http ─────────────▶ /healthz /readyz /metrics
//! ```
//!
//! Each part can be in a process of its own, and any number of them share the work: the database decides who takes what. No part
//! dies in silence: what panics is told, counted, and begun again.

mod health;
mod http;
mod inbox;
mod metrics;
mod night;
mod ping;

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinSet, block_in_place, spawn_blocking};
use tokio::time::{sleep, timeout};
use tokio_cron_scheduler::{Job, JobScheduler};
use tokio_util::sync::CancellationToken;

pub use health::Finding;
pub use night::{Looked, Night, Rota, Worked, look};

use crate::clock::{Clock, Stopwatch};
use crate::dispatch::{Drained, Errand, Transport, drain, letters_of};
use crate::entropy::Entropy;
use crate::ids::hex;
use crate::process;
use crate::run::{Outcome, Request, Tools, run};
use crate::settings::{Configuration, Role};
use crate::store::{NightState, Store, Use};
use health::{Beat, Notes};
use metrics::Counted;
use ping::{Ping, ping};

/// Every minute, at second 0: which nights are due is asked of the database, so a tick that is lost loses nothing.
const TICK: &str = "0 * * * * *";
/// The library waits for an instant: where the clock was set back, its tick does not come for hours, or years.
const TICK_AT_LATEST: Duration = Duration::from_secs(20);
/// Before a worker that ended begins again.
const BEGIN_AGAIN: Duration = Duration::from_secs(5);

/// Reads the configuration of a préfecture anew: what an operator changed by day is used by night.
pub type Load = Box<dyn Fn() -> Result<Configuration> + Send + Sync>;

/// One préfecture.
pub struct Office {
    /// Its configuration when the server began.
    pub config: Arc<Configuration>,
    load: Load,
    notes: Notes,
}

impl Office {
    /// A préfecture whose configuration `load` reads.
    pub fn new(load: Load) -> Result<Self> {
        Ok(Self { config: Arc::new(load()?), load, notes: Notes::default() })
    }

    fn code(&self) -> &str {
        &self.config.settings.prefecture.code
    }

    /// Asks the database by a connection that is kept as long as it answers.
    fn ask<T>(&self, kept: &mut Option<Store>, question: impl FnOnce(&mut Store) -> Result<T>) -> Result<T> {
        let mut store = match kept.take() {
            Some(store) => store,
            None => Store::open(&self.config.settings.database.url, self.code(), Use::Worker)?,
        };
        let answer = question(&mut store)?;
        *kept = Some(store);
        Ok(answer)
    }
}

/// Everything that this process serves.
pub struct Server {
    offices: Vec<Office>,
    roles: Vec<Role>,
    clock: Clock,
    counted: Counted,
    beat: Beat,
    /// Connections of those who ask by HTTP, one a préfecture.
    asked: Mutex<Vec<Option<Store>>>,
}

impl Server {
    /// A server of these préfectures, in these roles.
    pub fn new(offices: Vec<Office>, roles: Vec<Role>, clock: Clock) -> Self {
        let asked = Mutex::new(offices.iter().map(|_| None).collect());
        let counted = Counted::of(offices.iter().map(Office::code));
        Self { offices, roles, clock, counted, beat: Beat::new(), asked }
    }

    fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    fn is_alive(&self) -> bool {
        !self.has(Role::Scheduler) || !self.beat.is_silent()
    }

    /// Whether nights and letters go their way, préfecture by préfecture.
    fn look_around(&self) -> Vec<Finding> {
        let mut stores = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = self.offices.iter().zip(stores.iter_mut());
        pairs.flat_map(|(office, store)| health::findings(office, store, &self.clock)).collect()
    }

    /// Figures of those préfectures whose database answers.
    fn read(&self) -> Vec<metrics::Read> {
        let now = self.clock.now();
        let mut stores = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut read = Vec::new();
        for (office, store) in self.offices.iter().zip(stores.iter_mut()) {
            let settings = &office.config.settings;
            let found = office.ask(store, |store| {
                let today = now.with_timezone(&settings.prefecture.zone).date_naive();
                let nights = store.nights(today, i64::from(settings.serve.catchup_days) + 2)?;
                let owed = [NightState::Due.code(), NightState::Failed.code()];
                Ok(metrics::Read {
                    prefecture: office.code().to_owned(),
                    figures: store.figures(now)?,
                    nights_owed: nights.iter().filter(|n| owed.contains(&n.state.as_str())).count(),
                    obstacle: office.notes.obstacle.lock().is_some(),
                    clock_jumped: office.notes.clock_jumped(),
                })
            });
            match found {
                Ok(found) => read.push(found),
                Err(error) => {
                    tracing::warn!(prefecture = office.code(), "Figures could not be read: {error:#}");
                }
            }
        }
        read
    }
}

/// Serves until it is asked to stop; then finishes what is in flight, each in its time.
///
/// # Errors
/// What can never be right in this process: an address that cannot be listened on, a relay that the settings misname.
pub async fn serve(server: Arc<Server>, listen: SocketAddr, stop: CancellationToken) -> Result<()> {
    let mut parts = JoinSet::new();
    if server.has(Role::Http) {
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("[http] listen {listen}: cannot be listened on; does another `convoke serve` run? CONVOKE__HTTP__LISTEN names another port")
        })?;
        let (app, stopped) = (http::router(Arc::clone(&server)), stop.clone());
        tracing::info!(listen = %listen, "Answering on http://{listen}: /healthz /readyz /metrics");
        parts.spawn(async move {
            let served = axum::serve(listener, app).with_graceful_shutdown(stopped.cancelled_owned()).await;
            served.context("answering by HTTP")
        });
    }
    if server.has(Role::Dispatch) {
        for number in 0..server.offices.len() {
            // Refused at once where the settings are wrong: a worker that never sends must not look like one that waits.
            let transport = Transport::of(&server.offices[number].config)?;
            let (server, stop, handle) = (Arc::clone(&server), stop.clone(), Handle::current());
            parts.spawn(async move {
                let worker = std::thread::Builder::new()
                    .name("dispatch".into())
                    .spawn(move || keep_sending(&server, number, &transport, &stop, &handle))
                    .context("starting a worker")?;
                spawn_blocking(move || worker.join()).await?.ok().context("a worker's thread panicked")
            });
        }
    }
    if server.has(Role::Scheduler) {
        parts.spawn(keep_nights(Arc::clone(&server), stop.clone()));
    }
    if let Some(every) = sd_notify::watchdog_enabled() {
        let (server, stop) = (Arc::clone(&server), stop.clone());
        parts.spawn(async move {
            while !stop.is_cancelled() {
                if server.is_alive() {
                    notify(NotifyState::Watchdog);
                }
                tokio::select! { () = sleep(every / 2) => {}, () = stop.cancelled() => {} }
            }
            Ok(())
        });
    }
    notify(NotifyState::Ready);
    tracing::info!(roles = ?server.roles, prefectures = server.offices.len(), "Serving");
    let mut ended = Ok(());
    while let Some(part) = parts.join_next().await {
        if let Err(error) = part.context("a part of the server panicked").and_then(|part| part) {
            tracing::error!("A part of the server ended: {error:#}");
            ended = Err(error);
        }
        // Whatever ends, ends all: whoever started this process starts it again.
        if !stop.is_cancelled() {
            stop.cancel();
        }
        notify(NotifyState::Stopping);
    }
    ended
}

/// Tells systemd, where there is one.
fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!("systemd could not be told: {error}");
    }
}

/// Looks once a minute whether a night is due, in each préfecture, and works on it beside the others.
async fn keep_nights(server: Arc<Server>, stop: CancellationToken) -> Result<()> {
    let (tick, mut ticks) = mpsc::channel(1);
    let mut scheduler = JobScheduler::new().await.context("starting the scheduler")?;
    let job = Job::new_async(TICK, move |_, _| {
        let tick = tick.clone();
        Box::pin(async move {
            // A tick that nobody has taken yet will do for this one too.
            let _ = tick.try_send(());
        })
    })?;
    scheduler.add(job).await.context("starting the scheduler")?;
    scheduler.start().await.context("starting the scheduler")?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let places = Arc::new(Semaphore::new(processors));
    let mut looking = JoinSet::new();
    let mut busy = HashMap::new();
    loop {
        server.beat.beat();
        for number in 0..server.offices.len() {
            if stop.is_cancelled() || busy.values().any(|n| *n == number) {
                continue;
            }
            let (server, places) = (Arc::clone(&server), Arc::clone(&places));
            let task = looking.spawn(async move {
                let _place = places.acquire().await;
                let _ = spawn_blocking(move || look_at(&server, number)).await;
            });
            busy.insert(task.id(), number);
        }
        tokio::select! {
            Some(ended) = looking.join_next_with_id() => {
                let id = ended.as_ref().map_or_else(tokio::task::JoinError::id, |(id, ())| *id);
                busy.remove(&id);
                if looking.is_empty() {
                    tokio::select! { _ = ticks.recv() => {}, () = sleep(TICK_AT_LATEST) => {}, () = stop.cancelled() => {} }
                }
            }
            _ = ticks.recv() => {}
            () = sleep(TICK_AT_LATEST) => {}
            () = stop.cancelled() => {}
        }
        if stop.is_cancelled() {
            break;
        }
    }
    scheduler.shutdown().await.context("stopping the scheduler")?;
    // A run that does not end in time is resumed by the next process: nothing of it is lost.
    let patience = server.offices.iter().map(|o| o.config.settings.dispatch.stop_timeout_s).max().unwrap_or(0);
    let finished =
        timeout(Duration::from_secs(patience.into()), async { while looking.join_next().await.is_some() {} }).await;
    if finished.is_err() {
        tracing::warn!("A run did not end within `stop_timeout_s`: the next server finishes it");
    }
    Ok(())
}

/// Looks whether a night is due in one préfecture. Whatever goes wrong is told, and looked at again at the next tick.
fn look_at(server: &Server, number: usize) {
    let office = &server.offices[number];
    let code = office.code().to_owned();
    let label = || vec![("prefecture", code.clone())];
    let looked = catch_unwind(AssertUnwindSafe(|| {
        let settings = &office.config.settings;
        let mut store = Store::open(&settings.database.url, &code, Use::Worker)?;
        let rota = Rota::of(&settings.serve, settings.prefecture.zone);
        look(&mut store, &rota, &server.clock, |store, night| {
            // A panic is a failed attempt: it is written down as one.
            catch_unwind(AssertUnwindSafe(|| work(server, office, store, night))).unwrap_or_else(|_| {
                server.counted.panics.get_or_create(&label()).inc();
                Worked::Failed("the run panicked: see the log".into())
            })
        })
    }));
    let looked = looked.unwrap_or_else(|_| {
        server.counted.panics.get_or_create(&label()).inc();
        Err(anyhow::anyhow!("looking for a night panicked: see the log"))
    });
    office.notes.note_look(&looked);
    match looked {
        Ok(Looked::ClockJumped(by)) => {
            tracing::error!(prefecture = %code, "The clock is {} days ahead of when it was last seen: no night begins", by.num_days());
        }
        Ok(Looked::Worked(night, Worked::Failed(why) | Worked::Refused(why))) => {
            server.counted.failures.get_or_create(&label()).inc();
            tracing::error!(prefecture = %code, night.date = %night.date, attempt = night.attempt, "The night of {} failed: {why}", night.date);
        }
        Ok(_) => {}
        Err(error) => tracing::error!(prefecture = %code, "Nights cannot be looked for: {error:#}"),
    }
}

/// A night: the inbox, then its run.
fn work(server: &Server, office: &Office, store: &mut Store, night: &Night) -> Worked {
    let trace = Entropy::System.bytes().map_or(String::new(), |bytes| hex(&bytes[..8]));
    let span = tracing::info_span!("night", prefecture = office.code(), night.date = %night.date, trace.id = trace);
    let _entered = span.enter();
    if let Some(late) = night.late {
        server.counted.late.get_or_create(&vec![("prefecture", office.code().to_owned())]).inc();
        tracing::warn!("The night of {} begins {} min late", night.date, late.num_minutes());
    }
    if !night.missed.is_empty() {
        tracing::warn!(missed = ?night.missed, "Making up for {} missed nights", night.missed.len());
    }
    let url = office.config.settings.serve.ping_url().unwrap_or_else(|error| {
        tracing::warn!("{error}");
        None
    });
    ping(url.as_ref(), Ping::Start, &night.date.to_string());
    let worked = run_night(server, office, store, night).unwrap_or_else(|error| Worked::Failed(format!("{error:#}")));
    match &worked {
        Worked::Done(run) => ping(url.as_ref(), Ping::Success, run),
        Worked::Busy => {}
        Worked::Failed(why) | Worked::Refused(why) => ping(url.as_ref(), Ping::Fail, &format!("{}: {why}", night.date)),
    }
    worked
}

fn run_night(server: &Server, office: &Office, store: &mut Store, night: &Night) -> Result<Worked> {
    let config = (office.load)()?;
    for taken in inbox::take(store, &config, &server.clock)? {
        match taken.refused {
            None => tracing::info!("Took in an extract: {}", taken.file),
            Some(why) => {
                server.counted.refused.get_or_create(&vec![("prefecture", office.code().to_owned())]).inc();
                tracing::error!("Refused the extract {}: {why}; the inbox's folder `refused` says more", taken.file);
            }
        }
    }
    let stages = Stages::new(server, office.code());
    let request = Request {
        date: Some(night.date),
        plan: None,
        trigger: "cron",
        actor: process::login(),
        reason: night.reason(),
    };
    let mut tools =
        Tools { clock: &server.clock, entropy: &mut Entropy::System, progress: &|stage, _, _| stages.enter(stage) };
    let outcome = run(store, &config, &request, &mut tools)?;
    stages.enter("");
    Ok(match outcome {
        Outcome::Done(summary) | Outcome::NothingNew(summary) => Worked::Done(summary.run),
        Outcome::Busy(_) => Worked::Busy,
        Outcome::TooManyFirm { firm, max, plan_hash } => Worked::Refused(format!(
            "it would make {firm} appointments firm, more than max_firm_per_run ({max}); if that is right: convoke run --date {} --plan {} --reason TEXT",
            night.date,
            &plan_hash[..16]
        )),
        Outcome::PlanChanged { .. } => Worked::Failed("the plan is not the one that was asked for".into()),
    })
}

/// How long each stage of a run takes.
struct Stages<'a> {
    server: &'a Server,
    prefecture: &'a str,
    now: RefCell<(String, Stopwatch)>,
}

impl<'a> Stages<'a> {
    fn new(server: &'a Server, prefecture: &'a str) -> Self {
        Self { server, prefecture, now: RefCell::new((String::new(), Stopwatch::start())) }
    }

    fn enter(&self, stage: &str) {
        let mut now = self.now.borrow_mut();
        if now.0 == stage {
            return;
        }
        let (before, watch) = std::mem::replace(&mut *now, (stage.to_owned(), Stopwatch::start()));
        if !before.is_empty() {
            let labels = vec![("prefecture", self.prefecture.to_owned()), ("stage", before)];
            self.server.counted.stages.get_or_create(&labels).set(watch.seconds());
        }
    }
}

/// Sends until it is asked to stop. A worker that ends otherwise is begun again: its letters are rescued by their leases.
fn keep_sending(server: &Server, number: usize, transport: &Transport, stop: &CancellationToken, handle: &Handle) {
    let office = &server.offices[number];
    let code = office.code();
    while !stop.is_cancelled() {
        let ended = catch_unwind(AssertUnwindSafe(|| handle.block_on(send(server, office, transport, stop))));
        let told = match ended {
            Ok(Ok(Drained::Stopped)) => return,
            Ok(Ok(other)) => words(&other),
            Ok(Err(error)) => Some(format!("{error:#}")),
            Err(_) => {
                server.counted.panics.get_or_create(&vec![("prefecture", code.to_owned())]).inc();
                Some("the worker panicked".into())
            }
        };
        if let Some(told) = &told {
            tracing::error!(
                prefecture = code,
                "Sending ended, and begins again in {} s: {told}",
                BEGIN_AGAIN.as_secs()
            );
        }
        *office.notes.obstacle.lock() = told;
        handle.block_on(async {
            tokio::select! { () = sleep(BEGIN_AGAIN) => {}, () = stop.cancelled() => {} }
        });
    }
}

async fn send(server: &Server, office: &Office, transport: &Transport, stop: &CancellationToken) -> Result<Drained> {
    let settings = &office.config.settings;
    let store = block_in_place(|| Store::open(&settings.database.url, office.code(), Use::Worker))?;
    let errand = Errand {
        config: &office.config,
        transport,
        render: letters_of(&office.config),
        clock: &server.clock,
        until_empty: false,
        stop: stop.clone(),
        progress: &|_| {},
        obstacle: &|obstacle| {
            let told = obstacle.and_then(words);
            let mut noted = office.notes.obstacle.lock();
            if *noted != told {
                match &told {
                    Some(told) => tracing::warn!(prefecture = office.code(), "Letters wait: {told}"),
                    None => tracing::info!(prefecture = office.code(), "Letters leave again"),
                }
                *noted = told;
            }
        },
    };
    drain(store, errand).await.map(|(_, ended)| ended)
}

/// What keeps letters from leaving, in words.
fn words(obstacle: &Drained) -> Option<String> {
    match obstacle {
        Drained::Empty | Drained::Stopped => None,
        Drained::OutsideHours => Some("outside the hours of sending".into()),
        Drained::Paused(paused) => Some(format!("sending was stopped by {}", paused.by)),
        Drained::RelayDown(fault) => Some(format!("the relay does not answer ({fault})")),
        Drained::NotAuthenticated(fault) => Some(format!("the relay refuses user or password ({fault})")),
    }
}
