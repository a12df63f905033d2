//! `convoke dispatch`, `convoke pause`, `convoke unpause`.

use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::failure::Usage;
use super::session::{Session, given};
use convoke_dispatch::{Counts, Drained, Errand, Transport, drain, letters_of};
use convoke_office::acts;
use convoke_settings::{ConfigError, Configuration};
use convoke_store::{Paused, Use};

/// Send waiting letters, as one worker in the foreground.
///
/// Any number of workers may share the outbox. On SIGTERM or Ctrl-C, letters in flight finish within
/// `[dispatch] stop_timeout_s`; a second signal ends the process at once, and loses nothing either.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke dispatch                   a worker, until it is stopped
  convoke dispatch --until-empty     from cron, in the morning")]
pub(super) struct Dispatch {
    /// End when nothing can be claimed now; otherwise the worker continues until it is stopped.
    #[arg(long)]
    until_empty: bool,
    /// Send every letter to `[dispatch] redirect_all_to` although these are production settings: nobody else receives
    /// one.
    #[arg(long)]
    redirect: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    #[serde(flatten)]
    counts: &'a Counts,
}

impl Dispatch {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let config = Arc::new(session.configuration()?);
        allow_redirection(&config, self.redirect)?;
        let transport = Transport::of(&config)?;
        let store = Session::store(&config, Use::Worker)?;
        let progress = session.progress();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .context("starting the worker")?;
        let stop = CancellationToken::new();
        let (counts, ended) = runtime.block_on(async {
            tokio::spawn(heed_signals(stop.clone(), signals()?));
            let errand = Errand {
                config: &config,
                transport: &transport,
                render: letters_of(&config)?,
                clock: &session.clock,
                until_empty: self.until_empty,
                stop,
                progress: &|accepted| progress.show("sending", accepted, 0),
                obstacle: &|_| {},
            };
            drain(store, errand).await
        })?;
        progress.clear();
        let waiting =
            if counts.waiting > 0 { format!(", {} waiting for a night", counts.waiting) } else { String::new() };
        let text = format!(
            "{} accepted, {} deferred, {} failed, {} uncertain, {} expired, {} cancelled, {} held{waiting}.\n",
            counts.accepted,
            counts.deferred,
            counts.failed,
            counts.uncertain,
            counts.expired,
            counts.cancelled,
            counts.held
        );
        session.print(&Document { schema: "convoke.dispatch/1", counts: &counts }, &text)?;
        // Only additional information: if the database is lost by now, the work is done all the same.
        let waiting =
            Session::store(&config, Use::Worker).and_then(|mut s| Ok((s.waiting_letters()?, s.next_letter_at()?)));
        if let Ok((waiting @ 1.., Some(next))) = waiting {
            let next = next.with_timezone(&config.settings.prefecture.zone);
            eprintln!(
                "convoke: {waiting} letters are waiting; the first may be tried at {}",
                next.format("%Y-%m-%d %H:%M")
            );
        }
        Ok(match ended {
            Drained::NotAuthenticated(fault) => {
                eprintln!("convoke: {fault}: check the user in `[smtp] url` and the password file; no letter was lost");
                Exit::SmtpAuthentication
            }
            Drained::RelayDown(fault) => {
                eprintln!(
                    "convoke: the relay does not answer ({fault}): the letters wait, and no attempt was counted; run this again later"
                );
                Exit::LettersFailed
            }
            Drained::ClockJumped(by) => {
                eprintln!(
                    "convoke: the clock is {} days ahead of when it was last seen: nothing is sent, and no letter expires. If it is right, run \
                     tonight by hand (`convoke run --reason …`)",
                    by.num_days()
                );
                Exit::LettersFailed
            }
            Drained::OutsideHours => {
                eprintln!("convoke: outside the sending hours (`[dispatch] hours`, `days`): the letters wait");
                Exit::Done
            }
            Drained::Paused(paused) => {
                eprintln!("convoke: {}: the letters wait until `convoke unpause`", describe(&paused));
                Exit::Done
            }
            // A held letter waits for a person, like a failed one.
            Drained::Empty | Drained::Stopped if counts.failed + counts.held > 0 => Exit::LettersFailed,
            Drained::Empty | Drained::Stopped => Exit::Done,
        })
    }
}

/// A forgotten redirection would mark every letter as accepted although nobody received one.
pub(super) fn allow_redirection(config: &Configuration, redirect: bool) -> Result<()> {
    let dispatch = &config.settings.dispatch;
    match (&dispatch.redirect_all_to, dispatch.production && !redirect) {
        (Some(_), true) => Err(ConfigError(
            "[dispatch] redirect_all_to: these are production settings, whose letters would reach nobody; remove it, or \
             for a rehearsal set production = false or add --redirect"
                .into(),
        )
        .into()),
        (None, _) if redirect => {
            Err(Usage("--redirect: `[dispatch] redirect_all_to` names no address".into()).into())
        }
        _ => Ok(()),
    }
}

pub(super) fn signals() -> Result<[Signal; 2]> {
    let on = |kind| signal(kind).context("waiting for signals");
    Ok([on(SignalKind::terminate())?, on(SignalKind::interrupt())?])
}

/// The first signal asks to stop; the second ends the process, which is as safe as a kill.
pub(super) async fn heed_signals(stop: CancellationToken, [mut terminate, mut interrupt]: [Signal; 2]) {
    for asked_before in [false, true] {
        let code = tokio::select! { _ = terminate.recv() => 143, _ = interrupt.recv() => 130 };
        if asked_before {
            std::process::exit(code);
        }
        tracing::info!("Asked to stop: letters in flight are finished first");
        stop.cancel();
    }
}

fn describe(paused: &Paused) -> String {
    let Paused { since, by, reason } = paused;
    format!("sending was stopped by {by} on {} ({reason})", since.format("%Y-%m-%d at %H:%M UTC"))
}

/// Stop sending at once: every worker obeys within seconds.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:
  convoke pause --reason \"wrong letterhead\"")]
pub(super) struct Pause {
    /// Reason, kept in the ledger for good: do not name anyone.
    #[arg(long)]
    reason: String,
}

impl Pause {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let reason = given(Some(&self.reason))?;
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let before = session.by_hand(&config, reason, |hand| acts::pause(&mut store, hand))?;
        let text = match &before {
            Some(before) => format!("Nothing changed: {} already.\n", describe(before)),
            None => "Sending is stopped until `convoke unpause`.\n".to_owned(),
        };
        session.print(&json!({"schema": "convoke.pause/1", "paused": true, "changed": before.is_none()}), &text)?;
        Ok(Exit::Done)
    }
}

/// Resumes sending.
pub(super) fn unpause(session: &Session) -> Result<Exit> {
    let config = session.configuration_to_read()?;
    let mut store = Session::store(&config, Use::Batch)?;
    let before = store.paused()?;
    if let Some(paused) = &before {
        let waiting = store.waiting_letters()?;
        let question = format!("{}. Resume sending, with {waiting} letters waiting?", describe(paused));
        let Some(confirmed) = session.ask(&question)? else { return Ok(Exit::Done) };
        // No reason is needed to resume: the reason for stopping is over.
        session.by_hand(&config, &paused.reason, |hand| acts::unpause(&mut store, hand, &confirmed))?;
    }
    let text = if before.is_some() { "Sending has resumed.\n" } else { "Nothing changed: sending was not stopped.\n" };
    session.print(&json!({"schema": "convoke.pause/1", "paused": false, "changed": before.is_some()}), text)?;
    Ok(Exit::Done)
}
