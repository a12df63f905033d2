//! `/healthz`, `/readyz`, `/metrics`, for monitoring. They report counts and reasons, and nobody's name.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::task::spawn_blocking;

use super::health::Finding;
use super::{Server, metrics};

pub(super) fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_text))
        .with_state(server)
}

fn text(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")], body)
        .into_response()
}

/// Whether the process is alive: an orchestrator restarts it if not.
async fn healthz(State(server): State<Arc<Server>>) -> Response {
    if server.is_alive() {
        text(StatusCode::OK, "ok\n".into())
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, "the scheduler has not looked at the clock for minutes\n".into())
    }
}

/// Whether nights and letters proceed: one line per check, with the reason if not.
async fn readyz(State(server): State<Arc<Server>>) -> Response {
    let Ok(found) = spawn_blocking(move || server.look_around()).await else { return broken() };
    let line =
        |f: &Finding| format!("{} {} {}: {}\n", if f.ok { "ok   " } else { "WRONG" }, f.prefecture, f.what, f.detail);
    let body: String = found.iter().map(line).collect();
    let ready = found.iter().all(|f| f.ok);
    text(if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, body)
}

async fn metrics_text(State(server): State<Arc<Server>>) -> Response {
    let read = spawn_blocking(move || metrics::text(&server.counted, &server.read(), server.clock.now())).await;
    match read {
        Ok(Ok(body)) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            (StatusCode::OK, [(header::CONTENT_TYPE, kind)], body).into_response()
        }
        _ => broken(),
    }
}

fn broken() -> Response {
    text(StatusCode::INTERNAL_SERVER_ERROR, "this could not be determined: see the log\n".into())
}
