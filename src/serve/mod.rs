//! The server: starts nights, runs the workers that send, and reports health. It decides nothing: nights are `run`,
//! letters are `dispatch`.
//!
//! ```text
//! tick (a minute) ─▶ which night is due? ─▶ inbox ─▶ run ─▶ done, or tried again
//! workers ──────────▶ claim, send, record, all day
//! http ─────────────▶ /healthz /readyz /metrics
//! ```
//!
//! Each part can be in a process of its own, and any number of them share the work: the database decides who takes
//! what. No part dies silently: a panic is logged and counted, and the part is restarted.

mod health;
mod http;
mod metrics;
mod night;
mod nights;
mod sending;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

pub use health::Finding;
pub use night::{Looked, Night, Rota, Worked, look};

use convoke_console::{Bureau, Console};
use convoke_dispatch::Transport;
use convoke_machine::clock::Clock;
use convoke_settings::{Configuration, Role};
use convoke_store::{NightState, Store, Use};
use health::{Beat, Notes};
use metrics::Counted;

/// Reads the configuration of a préfecture again: what an operator changed by day is used by night.
pub type Load = Arc<dyn Fn() -> Result<Configuration> + Send + Sync>;

/// After the request to stop: time for responses under way.
const HANG_UP_AFTER: Duration = Duration::from_secs(5);
/// Beyond `stop_timeout_s`: time to record the letters in flight.
const ABANDON_AFTER: Duration = Duration::from_secs(15);

/// One préfecture.
pub struct Office {
    /// Its configuration when the server started.
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

    /// Refuses a console that other machines can reach and to which nobody could sign in.
    fn refuse_open_house(&self) -> Result<()> {
        let settings = &self.config.settings;
        let nobody = settings.http.oidc.is_none() && self.ask(&mut None, Store::accounts)?.is_empty();
        ensure!(
            !nobody || settings.http.listen.ip().is_loopback(),
            "[http] listen = {}: nobody could sign in to the console of {}: name an identity provider in [http.oidc], or create an account with `convoke accounts add`",
            settings.http.listen,
            self.code()
        );
        if nobody {
            tracing::warn!("Nobody can sign in to the console yet: `convoke accounts add LOGIN --role administrateur`");
        }
        Ok(())
    }

    /// Queries the database through a connection that is kept as long as it works.
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
    /// Connections for HTTP requests, one per préfecture.
    asked: Mutex<Vec<Option<Store>>>,
}

impl Server {
    /// A server of these préfectures, in these roles.
    pub fn new(offices: Vec<Office>, roles: Vec<Role>, clock: Clock) -> Self {
        let asked = Mutex::new(offices.iter().map(|_| None).collect());
        let counted = Counted::of(offices.iter().map(Office::code));
        Self { offices, roles, clock, counted, beat: Beat::new(), asked }
    }

    /// The console of those préfectures that have one.
    fn console(&self) -> Result<Option<Arc<Console>>> {
        let with = self.offices.iter().filter(|office| office.config.settings.http.console);
        for office in with.clone() {
            office.refuse_open_house()?;
        }
        let bureaus =
            with.map(|o| Bureau::new(Arc::clone(&o.config), Arc::clone(&o.load))).collect::<Result<Vec<_>>>()?;
        Ok((!bureaus.is_empty()).then(|| Arc::new(Console::new(bureaus, self.clock.clone()))))
    }

    fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    fn is_alive(&self) -> bool {
        !self.has(Role::Scheduler) || !self.beat.is_silent()
    }

    /// Whether nights and letters proceed, préfecture by préfecture.
    fn look_around(&self) -> Vec<Finding> {
        let mut stores = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = self.offices.iter().zip(stores.iter_mut());
        pairs.flat_map(|(office, store)| health::findings(office, store, &self.clock)).collect()
    }

    /// Figures of each préfecture; only its code if its database does not answer.
    fn read(&self) -> Vec<Result<metrics::Read, String>> {
        let now = self.clock.now();
        let mut stores = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut read = Vec::new();
        for (office, store) in self.offices.iter().zip(stores.iter_mut()) {
            let settings = &office.config.settings;
            let found = office.ask(store, |store| {
                let today = now.with_timezone(&settings.prefecture.zone).date_naive();
                let nights = store.nights(today, i64::from(settings.serve.catchup_days) + 2)?;
                let owed = [NightState::Due, NightState::Failed];
                Ok(metrics::Read {
                    prefecture: office.code().to_owned(),
                    figures: store.figures(now)?,
                    nights_owed: nights.iter().filter(|n| owed.contains(&n.state)).count(),
                    obstacle: office.notes.obstacle.lock().as_ref().map(|(cause, _)| *cause),
                    clock_jumped: office.notes.clock_jumped(),
                })
            });
            match found {
                Ok(found) => read.push(Ok(found)),
                Err(error) => {
                    read.push(Err(office.code().to_owned()));
                    tracing::warn!(prefecture = office.code(), "Figures could not be read: {error:#}");
                }
            }
        }
        read
    }
}

/// Serves until asked to stop; then lets each part finish what is in flight, within its time.
///
/// # Errors
/// What this process cannot recover from: an address that it cannot listen on, or a relay that the settings misname.
pub async fn serve(server: Arc<Server>, listen: SocketAddr, stop: CancellationToken) -> Result<()> {
    let mut parts = JoinSet::new();
    if server.has(Role::Http) {
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("[http] listen {listen}: cannot listen there; is another `convoke serve` running? CONVOKE__HTTP__LISTEN sets another port")
        })?;
        let (mut app, stopped) = (http::router(Arc::clone(&server)), stop.clone());
        let mut paths = "/healthz /readyz /metrics";
        if let Some(console) = server.console()? {
            app = app.merge(console.router());
            paths = "/healthz /readyz /metrics, and the console";
        }
        tracing::info!(listen = %listen, "Answering on http://{listen}: {paths}");
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        parts.spawn(async move {
            let graceful = axum::serve(listener, app).with_graceful_shutdown(stopped.clone().cancelled_owned());
            // A client that sent half a request must not keep the server from stopping.
            let too_long = async {
                stopped.cancelled().await;
                sleep(HANG_UP_AFTER).await;
            };
            tokio::select! { served = graceful => served.context("answering by HTTP"), () = too_long => Ok(()) }
        });
    }
    if server.has(Role::Dispatch) {
        for number in 0..server.offices.len() {
            // Wrong settings are refused at once: a worker that can never send must not look like one that waits.
            let transport = Transport::of(&server.offices[number].config)?;
            let (server, stop, handle) = (Arc::clone(&server), stop.clone(), Handle::current());
            parts.spawn(async move {
                let worker = std::thread::Builder::new()
                    .name("dispatch".into())
                    .spawn(move || sending::keep(&server, number, &transport, &stop, &handle))
                    .context("starting a worker")?;
                spawn_blocking(move || worker.join()).await?.ok().context("a worker's thread panicked")
            });
        }
    }
    if server.has(Role::Scheduler) {
        parts.spawn(nights::keep(Arc::clone(&server), stop.clone()));
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
    let patience = server.offices.iter().map(|o| o.config.settings.dispatch.stop_timeout_s).max().unwrap_or(0);
    let patience = Duration::from_secs(patience.into()) + ABANDON_AFTER;
    let overdue = async {
        stop.cancelled().await;
        notify(NotifyState::Stopping);
        sleep(patience).await;
    };
    tokio::pin!(overdue);
    loop {
        let part = tokio::select! {
            part = parts.join_next() => part,
            () = &mut overdue => {
                // Most likely the database does not answer: work in flight is recovered when its leases end.
                tracing::warn!("Work in flight did not finish in time, and is left to the next server");
                break;
            }
        };
        let Some(part) = part else { break };
        if let Err(error) = part.context("a part of the server panicked").and_then(|part| part) {
            tracing::error!("A part of the server ended: {error:#}");
            ended = Err(error);
        }
        // When one part ends, the process ends: its supervisor restarts it.
        stop.cancel();
    }
    ended
}

/// Notifies systemd, if there is one.
fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!("systemd could not be notified: {error}");
    }
}
