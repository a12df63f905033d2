//! `convoke dispatch`.

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use super::{Exit, Session, Usage};
use crate::dispatch::{Counts, Drained, Transport, drain};
use crate::store::Use;

/// Send the letters that wait, as one worker in the foreground.
#[derive(Debug, Args)]
pub(super) struct Dispatch {
    /// End when nothing can be claimed now. (Waiting for more comes with `convoke serve`.)
    #[arg(long)]
    until_empty: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    #[serde(flatten)]
    counts: &'a Counts,
}

impl Dispatch {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        if !self.until_empty {
            return Err(Usage("say --until-empty: a worker that goes on for ever is not in this version".into()).into());
        }
        let config = session.configuration()?;
        let transport = Transport::of(&config)?;
        let mut store = Session::store(&config, Use::Worker)?;
        let progress = session.progress();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .context("starting the worker")?;
        let (counts, ended) =
            runtime.block_on(drain(&mut store, &config, &transport, &session.clock, &|accepted| {
                progress.show("sending", accepted, 0);
            }))?;
        progress.clear();
        let text = format!(
            "{} accepted, {} deferred, {} failed, {} uncertain, {} expired, {} cancelled.\n",
            counts.accepted, counts.deferred, counts.failed, counts.uncertain, counts.expired, counts.cancelled
        );
        session.print(&Document { schema: "convoke.dispatch/1", counts: &counts }, &text)?;
        Ok(match ended {
            Drained::NotAuthenticated(fault) => {
                eprintln!("convoke: {fault}: check the user in `[smtp] url` and the password file; no letter was lost");
                Exit::SmtpAuthentication
            }
            Drained::RelayDown(fault) => {
                eprintln!(
                    "convoke: the relay does not answer ({fault}); the letters wait, no attempt was counted: run it again later"
                );
                Exit::LettersFailed
            }
            Drained::OutsideHours => {
                eprintln!("convoke: outside the hours of sending (`[dispatch] hours`): the letters wait");
                Exit::Done
            }
            Drained::Empty if counts.failed > 0 => Exit::LettersFailed,
            Drained::Empty => Exit::Done,
        })
    }
}
