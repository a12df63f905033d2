//! Rendering, on its own threads and ahead of the sessions. Both queues are bounded, so memory does not grow with the
//! outbox.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, anyhow};
use async_channel::{Receiver, Sender};
use chrono::{DateTime, Utc};

use convoke_domain::ids::sha256_hex;
use convoke_letters::{LetterData, Rendered, Sender as From, Templates};
use convoke_machine::clock::Clock;
use convoke_machine::fault;
use convoke_settings::{ConfigError, Configuration};
use convoke_store::LetterRow;

/// The typesetting engine is recursive, and runs on this thread alone.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// A letter as it goes to the relay.
#[derive(Clone, Debug)]
pub struct Made {
    /// The e-mail.
    pub message: Vec<u8>,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Without angle brackets.
    pub message_id: String,
    /// What it was made from, as JSON, so that it can be shown again.
    pub rendered: String,
    /// Why it has no PDF, if it has none.
    pub without_pdf: Option<String>,
}

/// Makes the e-mail of an outbox row, as of an instant.
pub type Render = Arc<dyn Fn(&LetterRow, DateTime<Utc>) -> Result<Made> + Send + Sync>;

/// A rendered letter, or why it cannot be rendered.
pub(super) struct Ready {
    pub letter: Arc<LetterRow>,
    pub made: Result<Made>,
}

/// Renders the office's letters.
pub fn letters_of(config: &Configuration) -> Result<Render, ConfigError> {
    let (templates, sender) = (Arc::clone(config.templates()?), config.sender());
    Ok(Arc::new(move |letter, now| compose(&templates, &sender, letter, now)))
}

fn compose(templates: &Templates, from: &From, letter: &LetterRow, now: DateTime<Utc>) -> Result<Made> {
    // Every attempt carries the date of the first.
    let before: Option<Rendered> = letter.rendered.as_deref().map(serde_json::from_str).transpose()?;
    let first = before.and_then(|r| r.sender.sent_at);
    let sender = From { sent_at: first.or(Some(now)), ..from.clone() };
    let data: LetterData = serde_json::from_str(&letter.data).context("the letter's stored data")?;
    let composed = templates.compose(&data, &sender).context("composing")?;
    if !composed.neutralised.is_empty() {
        // A person's name is never altered silently: the log names the places, never the text.
        tracing::warn!(letter.id = %letter.letter_id, places = composed.neutralised.join(" "), "A letter leaves out invisible characters");
    }
    let pdf = composed.pdf.as_ref().map(|bytes| sha256_hex(bytes)).map_err(ToString::to_string);
    if let Err(reason) = &pdf {
        tracing::warn!(letter.id = %letter.letter_id, "A letter is sent without its PDF: {reason}");
    }
    Ok(Made {
        without_pdf: pdf.as_ref().err().cloned(),
        rendered: serde_json::to_string(&Rendered::of(templates, &sender, pdf))?,
        message: composed.message,
        sha256: composed.sha256,
        message_id: composed.message_id,
    })
}

/// Starts the threads. They end once no more letters can arrive.
pub(super) fn start(
    threads: usize,
    render: &Render,
    clock: &Clock,
    claimed: &Receiver<LetterRow>,
    ready: &Sender<Ready>,
) -> Result<Vec<JoinHandle<()>>> {
    (0..threads)
        .map(|n| {
            let (render, clock, claimed, ready) = (Arc::clone(render), clock.clone(), claimed.clone(), ready.clone());
            let work = move || {
                while let Ok(letter) = claimed.recv_blocking() {
                    // A panic of the engine affects only the letter that caused it.
                    let made = catch_unwind(AssertUnwindSafe(|| render(&letter, clock.now())))
                        .unwrap_or_else(|_| Err(anyhow!("the letter's rendering panicked")));
                    fault::point("after-render");
                    if ready.send_blocking(Ready { letter: Arc::new(letter), made }).is_err() {
                        return;
                    }
                }
            };
            thread::Builder::new()
                .name(format!("press-{n}"))
                .stack_size(STACK_BYTES)
                .spawn(work)
                .context("starting a thread for rendering")
        })
        .collect()
}
