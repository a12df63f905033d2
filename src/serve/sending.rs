//! The workers that send, one per préfecture, restarted whenever they end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use anyhow::Result;
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Office, Server};
use convoke_dispatch::{Drained, Errand, Transport, drain, letters_of};
use convoke_store::{Store, Use};

/// Wait before a worker that ended is restarted.
const BEGIN_AGAIN: Duration = Duration::from_secs(5);

/// Sends until asked to stop. A worker that ends otherwise is restarted; its letters are recovered when their leases
/// end.
pub(super) fn keep(server: &Server, number: usize, transport: &Transport, stop: &CancellationToken, handle: &Handle) {
    let office = &server.offices[number];
    let code = office.code();
    while !stop.is_cancelled() {
        let ended = catch_unwind(AssertUnwindSafe(|| handle.block_on(send(server, office, transport, stop))));
        let reason = match ended {
            Ok(Ok(Drained::Stopped)) => return,
            Ok(Ok(other)) => words(&other),
            Ok(Err(error)) => Some(("worker", format!("{error:#}"))),
            Err(_) => {
                server.counted.panics.get_or_create(&vec![("prefecture", code.to_owned())]).inc();
                Some(("worker", "the worker panicked".into()))
            }
        };
        if let Some((_, reason)) = &reason {
            tracing::error!(
                prefecture = code,
                "Sending ended, and starts again in {} s: {reason}",
                BEGIN_AGAIN.as_secs()
            );
        }
        *office.notes.obstacle.lock() = reason;
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
        render: letters_of(&office.config)?,
        clock: &server.clock,
        until_empty: false,
        stop: stop.clone(),
        progress: &|_| {},
        obstacle: &|obstacle| {
            let reason = obstacle.and_then(words);
            let mut noted = office.notes.obstacle.lock();
            if *noted != reason {
                if let Some((_, reason)) = &reason {
                    tracing::warn!(prefecture = office.code(), "Letters are waiting: {reason}");
                } else {
                    tracing::info!(prefecture = office.code(), "Letters leave again");
                }
                *noted = reason;
            }
        },
    };
    drain(store, errand).await.map(|(_, ended)| ended)
}

/// What keeps letters from leaving: its cause ([`super::metrics::OBSTACLES`]), and a description.
fn words(obstacle: &Drained) -> Option<(&'static str, String)> {
    match obstacle {
        Drained::Empty | Drained::Stopped => None,
        Drained::OutsideHours => Some(("hours", "outside the sending hours".into())),
        Drained::ClockJumped(by) => {
            Some(("clock", format!("the clock is {} days ahead of when it was last seen", by.num_days())))
        }
        Drained::Paused(_) => Some(("paused", "sending was stopped by an operator".into())),
        Drained::RelayDown(fault) => Some(("relay", format!("the relay does not answer ({fault})"))),
        Drained::NotAuthenticated(fault) => Some(("login", format!("the relay refuses user or password ({fault})"))),
    }
}
