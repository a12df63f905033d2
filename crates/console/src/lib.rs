//! The console: the same queries and acts as on the command line, on pages that need no script.
//!
//! ```text
//! request ─▶ limits ─▶ csrf ─▶ route (one table) ─▶ session, right ─▶ page: fn(&mut Visit) -> Answer
//! ```
//!
//! A page is a plain function of a store, a configuration and a request. One table, [`ROUTES`], states the right that
//! each page requires, and no page is reachable otherwise: both the router and the test of every route by every role
//! are made from it. Pages change data only through [`convoke_office::acts`], in the name of the signed-in user.

mod account;
mod asked;
mod assets;
mod charts;
mod jobs;
mod limits;
mod oidc;
mod page;
mod pages;
mod session;
mod visit;
mod words;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, RawPathParams, Request};
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use axum::routing::{MethodFilter, get, on};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tower_http::csrf::CsrfLayer;

pub use account::{Denied, Enrolled, enrol, verify};
pub use pages::{ROUTES, Route};
pub use words::Language;

use asked::Asked;
use convoke_machine::clock::Clock;
use convoke_settings::Configuration;
use convoke_store::{Store, Use};
use limits::Limits;
use page::Failure;
use visit::Call;

/// Reads the current configuration of a préfecture.
pub type Load = Arc<dyn Fn() -> Result<Configuration> + Send + Sync>;

/// Concurrent requests per préfecture: each has a connection to the database.
const AT_ONCE: usize = 8;
/// How many of these may wait for the identity provider.
const AT_PROVIDER: usize = 4;
/// Time limit for a form to arrive, and for a request to wait its turn.
const PATIENCE: Duration = Duration::from_secs(15);

/// The console of all préfectures of this server.
pub struct Console {
    bureaus: Vec<Bureau>,
    clock: Clock,
    limits: Limits,
}

/// The console of one préfecture.
pub struct Bureau {
    config: Arc<Configuration>,
    load: Load,
    stores: Mutex<Vec<Store>>,
    at_once: Semaphore,
    at_provider: Semaphore,
    theme: assets::Theme,
    jobs: jobs::Jobs,
}

impl Bureau {
    /// A préfecture; `load` reads its configuration.
    pub fn new(config: Arc<Configuration>, load: Load) -> Result<Self> {
        let theme = assets::Theme::read(config.settings.http.theme.as_deref())?;
        Ok(Self {
            config,
            load,
            stores: Mutex::default(),
            at_once: Semaphore::new(AT_ONCE),
            at_provider: Semaphore::new(AT_PROVIDER),
            theme,
            jobs: jobs::Jobs::default(),
        })
    }

    fn code(&self) -> &str {
        &self.config.settings.prefecture.code
    }

    /// Runs a query on a pooled connection, which is kept as long as it works.
    fn with_store<T>(&self, question: impl FnOnce(&mut Store) -> (T, bool)) -> Result<T> {
        let kept = self.stores.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut store = match kept {
            Some(store) => store,
            None => Store::open(&self.config.settings.database.url, self.code(), Use::Worker)?,
        };
        let (answer, well) = question(&mut store);
        let works = well || store.answers();
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        if works {
            stores.push(store);
        } else {
            // If one connection is lost, so are the others: the next requests open new ones.
            stores.clear();
        }
        Ok(answer)
    }
}

impl Console {
    /// A console of these préfectures.
    pub fn new(bureaus: Vec<Bureau>, clock: Clock) -> Self {
        Self { bureaus, clock, limits: Limits::default() }
    }

    /// Every page, below the code of its préfecture.
    pub fn router(self: Arc<Self>) -> Router {
        let mut app = Router::new();
        let mut csrf = CsrfLayer::new();
        for number in 0..self.bureaus.len() {
            let base = format!("/{}", self.bureaus[number].code());
            let home = format!("{base}/");
            app = app.route(&base, get(move || async move { page::see(&home) }));
            for route in ROUTES.iter().copied().flatten() {
                let console = Arc::clone(&self);
                let answer = move |ConnectInfo(peer): ConnectInfo<SocketAddr>, params: RawPathParams, request| {
                    Arc::clone(&console).answer(number, route, peer, params, request)
                };
                let filter = if route.method == Method::POST { MethodFilter::POST } else { MethodFilter::GET };
                app = app.route(&format!("{base}{}", route.path), on(filter, answer));
            }
            if let Some(url) = &self.bureaus[number].config.settings.http.public_url
                && let Ok(trusting) = csrf.clone().add_trusted_origin(url.origin().ascii_serialization())
            {
                csrf = trusting;
            }
        }
        let home = page::home_of(self.bureaus.iter().map(|b| b.code().to_owned()).collect());
        app.route("/", get(move || async move { home() }))
            .route("/assets/{name}", get(assets::embedded))
            .fallback(|| async { page::nowhere() })
            .layer(csrf)
            .layer(axum::middleware::map_response(page::harden))
    }

    async fn answer(
        self: Arc<Self>,
        number: usize,
        route: &'static Route,
        peer: SocketAddr,
        params: RawPathParams,
        request: Request<Body>,
    ) -> Response {
        let watch = convoke_machine::clock::Stopwatch::start();
        // A client that sends half a form must not block anybody.
        let asked = match timeout(PATIENCE, Asked::read(request, &params)).await {
            Ok(Ok(asked)) => asked,
            Ok(Err(status)) => return page::bare(status),
            Err(_) => return page::bare(StatusCode::REQUEST_TIMEOUT),
        };
        let console = Arc::clone(&self);
        let bureau = &self.bureaus[number];
        // A provider that does not answer must not block others, least of all those who sign in without it.
        let few = if route.path.starts_with("/connexion/") { &bureau.at_provider } else { &bureau.at_once };
        let Ok(Ok(_one_of_few)) = timeout(PATIENCE, few.acquire()).await else {
            return page::bare(StatusCode::SERVICE_UNAVAILABLE);
        };
        let client = limits::client(peer, &asked, &bureau.config.settings.http.trusted_proxies);
        let worked = spawn_blocking(move || {
            let bureau = &console.bureaus[number];
            bureau.with_store(|store| {
                let mut call = Call::new(&console, bureau, store, asked, client);
                let answer = call.answer(route);
                let well = !matches!(answer, Err(Failure::Broken(_)));
                // The error page of a page is a page too.
                let response = answer.unwrap_or_else(|failure| failure.into_page(&call));
                (call.finish(response), well)
            })
        })
        .await;
        let response = match worked {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => Failure::Broken(error).into_bare(),
            Err(panic) => {
                tracing::error!(route = route.path, "A page panicked: {panic}");
                page::bare(StatusCode::INTERNAL_SERVER_ERROR)
            }
        };
        // Log the route's pattern, never the address itself.
        tracing::debug!(
            method = %route.method, route = route.path, status = response.status().as_u16(), ms = (watch.seconds() * 1000.0) as u64,
            "Answered"
        );
        response
    }
}

/// Whether a response is a page, and not a file or a redirect.
fn is_html(response: &Response) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}
