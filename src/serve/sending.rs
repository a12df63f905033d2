//! The workers that send, one a préfecture, begun again whenever they end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use anyhow::Result;
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Office, Server};
use crate::dispatch::{Drained, Errand, Transport, drain, letters_of};
use crate::store::{Store, Use};

/// Before a worker that ended begins again.
const BEGIN_AGAIN: Duration = Duration::from_secs(5);

/// Sends until it is asked to stop. A worker that ends otherwise is begun again: its letters are rescued by their leases.
pub(super) fn keep(server: &Server, number: usize, transport: &Transport, stop: &CancellationToken, handle: &Handle) {
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
                if let Some(told) = &told {
                    tracing::warn!(prefecture = office.code(), "Letters wait: {told}");
                } else {
                    tracing::info!(prefecture = office.code(), "Letters leave again");
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
