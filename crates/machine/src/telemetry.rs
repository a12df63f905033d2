//! Logs: one sentence a colleague understands, fields to search by, no personal data. To standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

/// Starts logging for this process. `CONVOKE_LOG` holds a filter (`convoke=debug`), `CONVOKE_LOG_FORMAT=json` gives JSON.
pub fn start(verbose: u8, quiet: bool, colour: bool) {
    let level = match (quiet, verbose) {
        (true, _) => "error",
        (_, 0) => "warn",
        (_, 1) => "info",
        (_, 2) => "debug",
        _ => "trace",
    };
    // Only ours: other crates may log what they were given.
    let filter =
        EnvFilter::try_from_env("CONVOKE_LOG").unwrap_or_else(|_| EnvFilter::new(format!("off,convoke={level}")));
    let json = std::env::var("CONVOKE_LOG_FORMAT").is_ok_and(|format| format == "json");
    let registry = tracing_subscriber::registry().with(filter);
    // A second start, as in tests, keeps the first.
    let _ = if json {
        registry.with(fmt::layer().json().with_writer(std::io::stderr)).try_init()
    } else {
        registry.with(fmt::layer().with_ansi(colour).with_target(false).with_writer(std::io::stderr)).try_init()
    };
}
