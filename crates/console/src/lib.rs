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
mod answer;
mod asked;
mod assets;
mod bureau;
mod charts;
mod error_page;
mod failure;
mod frame;
mod harden;
mod jobs;
mod limits;
mod oidc;
mod pages;
mod route;
mod session;
mod visit;
mod words;
mod worker;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, RawPathParams, Request};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, get, on};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tower_http::csrf::CsrfLayer;

pub use account::{Denied, Enrolled, enrol, verify};
pub use bureau::{Bureau, Load};
pub use pages::ROUTES;
pub use route::Route;
pub use words::Language;

use answer::see;
use asked::Asked;
use convoke_machine::clock::Clock;
use error_page::{bare, nowhere};
use failure::Failure;
use limits::Limits;
use visit::Call;

/// Time limit for a form to arrive, and for a request to wait its turn.
const PATIENCE: Duration = Duration::from_secs(15);

/// The console of all préfectures of this server.
pub struct Console {
    bureaus: Vec<Bureau>,
    clock: Clock,
    limits: Limits,
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
            app = app.route(&base, get(move || async move { see(&home) }));
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
        let home = home_of(self.bureaus.iter().map(|b| b.code().to_owned()).collect());
        app.route("/", get(move || async move { home() }))
            .route("/assets/{name}", get(assets::embedded))
            .fallback(|| async { nowhere() })
            .layer(csrf)
            .layer(axum::middleware::map_response(harden::harden))
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
            Ok(Err(status)) => return bare(status),
            Err(_) => return bare(StatusCode::REQUEST_TIMEOUT),
        };
        let console = Arc::clone(&self);
        let bureau = &self.bureaus[number];
        // A provider that does not answer must not block others, least of all those who sign in without it.
        let few = if route.path.starts_with("/connexion/") { &bureau.at_provider } else { &bureau.at_once };
        let Ok(Ok(_one_of_few)) = timeout(PATIENCE, few.acquire()).await else {
            return bare(StatusCode::SERVICE_UNAVAILABLE);
        };
        let client = limits::client(peer, &asked, &bureau.config.settings.http.trusted_proxies);
        let worked = spawn_blocking(move || {
            let bureau = &console.bureaus[number];
            bureau.with_store(|store| {
                let mut call = Call::new(&console.clock, &console.limits, bureau, store, asked, client);
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
                bare(StatusCode::INTERNAL_SERVER_ERROR)
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

/// The redirect from `/`: to the préfecture if there is only one, else to the choice.
fn home_of(codes: Vec<String>) -> impl Fn() -> Response + Clone {
    move || match codes.as_slice() {
        [one] => see(&format!("/{one}/")),
        several => {
            let link = |code: &String| format!("<li><a href=\"/{code}/\">{code}</a></li>");
            let body: String = several.iter().map(link).collect();
            let page = format!(
                "<!doctype html><html lang=\"fr\"><head><meta charset=\"utf-8\"><title>convoke</title></head><body><main><h1>Préfectures</h1><ul>{body}</ul></main></body></html>"
            );
            ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
        }
    }
}
