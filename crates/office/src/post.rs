//! The postal route: letters to people without e-mail, or whose e-mail failed, as files to print.
//!
//! Preparing marks nothing: a prepared batch may be discarded and prepared again, with the same bytes. Only what a letter
//! says of facts that have changed is written anew. Confirming marks each letter once, however often and by whomever it
//! is confirmed, and refuses those that no longer say what is true.

mod calls;
mod shelf;
mod waiting;

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use convoke_domain::convocation::{LetterKind, LetterState, State};
use convoke_domain::ids::{Reference, sha256_hex};
use convoke_domain::ledger::Event;
use convoke_letters::{LetterData, Rendered};
use convoke_machine::clock::Clock;
use convoke_report::harmless;
use convoke_settings::Configuration;
use convoke_store::Store;
use convoke_writing::{Verdict, Writer, write_anew};

pub use calls::{Call, Telephone, calls, calls_csv};
pub use shelf::{LotId, Shelf};

use waiting::{waiting, waits};

/// Letters per file: what a printing room handles at once.
pub const LETTERS_PER_FILE: usize = 1_000;

/// The file that confirms a batch.
pub const MANIFEST: &str = "manifest.json";

/// A prepared batch: `manifest.json`, with which it is confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `convoke.post/1`.
    pub schema: String,
    /// The préfecture.
    pub prefecture: String,
    /// Name of the batch, derived from its letters.
    pub batch: String,
    /// Civil date on which it was prepared.
    pub prepared_on: NaiveDate,
    /// How the letters were rendered.
    pub rendered: Rendered,
    /// Files to print.
    pub files: Vec<PrintFile>,
    /// Letters, in page order.
    pub letters: Vec<PostedLetter>,
    /// Letters that could not be printed, and why: each needs a person.
    pub exceptions: Vec<Exception>,
    /// Letters that should no longer be posted, and why.
    pub skipped: Vec<Exception>,
}

impl Manifest {
    /// The name derived from its letters.
    fn batch_name(&self) -> String {
        let names: Vec<String> =
            self.letters.iter().map(|l| format!("{} {} {} {}", l.id, l.reference, l.kind, l.sha256)).collect();
        sha256_hex(names.join("\n").as_bytes())[..12].to_owned()
    }
}

/// A file to print.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrintFile {
    /// Its name.
    pub name: String,
    /// Its SHA-256.
    pub sha256: String,
    /// Letters in it.
    pub letters: usize,
    /// Pages in it, including blank ones.
    pub pages: usize,
}

/// A letter in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostedLetter {
    /// Letter in the outbox.
    pub id: String,
    /// Reference.
    pub reference: String,
    /// Kind.
    pub kind: LetterKind,
    /// SHA-256 of the letter as a PDF of its own.
    pub sha256: String,
    /// File that holds it.
    pub file: String,
    /// First page in the file, from 1.
    pub page: usize,
    /// Pages.
    pub pages: usize,
    /// SHA-256 of what it says, as data.
    #[serde(default)]
    pub content: Option<String>,
}

/// A letter to be taken out of the pile: what it says has changed since it was printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TakenOut {
    /// Reference.
    pub reference: String,
    /// File that holds it.
    pub file: String,
    /// First page in the file, from 1.
    pub page: usize,
    /// Why.
    pub reason: String,
}

/// A letter that is not in any file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Letter in the outbox.
    pub id: String,
    /// Reference.
    pub reference: String,
    /// Why.
    pub reason: String,
}

/// Files by name.
pub type Files = Vec<(String, Vec<u8>)>;

/// A batch, before it is written.
pub struct Batch {
    /// What it holds.
    pub manifest: Manifest,
    /// The files of the manifest, by name.
    pub files: Files,
    /// Address list as CSV.
    pub addresses: String,
}

impl Batch {
    /// The files to keep, by name. The manifest is last: once it exists, so does every file that it names.
    pub fn into_files(self) -> Result<(Manifest, Files)> {
        let mut files = self.files;
        // With the byte order mark, spreadsheets read accents correctly.
        files.push(("adresses.csv".to_owned(), format!("\u{feff}{}", self.addresses).into_bytes()));
        let manifest = format!("{}\n", serde_json::to_string_pretty(&self.manifest)?);
        files.push((MANIFEST.to_owned(), manifest.into_bytes()));
        Ok((self.manifest, files))
    }
}

/// The result of a confirmation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Confirmed {
    /// Letters marked as posted.
    pub posted: u64,
    /// Letters already marked by this batch.
    pub already: u64,
    /// Letters that no longer wait: posted in another batch, or taken back. They must not be sent.
    pub not_waiting: Vec<String>,
    /// Letters that no longer say what is true. They must not be sent either.
    pub taken_out: Vec<TakenOut>,
}

/// Prepares all letters that wait for the post.
pub fn prepare(store: &mut Store, config: &Configuration, clock: &Clock, progress: &dyn Fn(u64, u64)) -> Result<Batch> {
    let today = clock.today(config.settings.prefecture.zone);
    // The templates are stored, so that letters can be shown again; nothing else is written.
    let templates = config.templates()?;
    store.keep_templates(&templates.hash(), templates.sources(), clock.now())?;
    let (waiting, skipped) = waiting(store, config, clock.now())?;
    let sender = config.sender();
    let mut manifest = Manifest {
        schema: "convoke.post/1".into(),
        prefecture: store.prefecture().to_owned(),
        batch: String::new(),
        prepared_on: today,
        rendered: Rendered::of(templates, &sender, Err("on paper".into())),
        files: Vec::new(),
        letters: Vec::new(),
        exceptions: Vec::new(),
        skipped,
    };
    let (mut files, mut addresses) = (Vec::new(), address_list_head());
    let mut done = 0;
    // One file at a time: memory does not grow with the number of letters.
    let mut rest = waiting.as_slice();
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.len().min(LETTERS_PER_FILE));
        rest = after;
        let laid_out = side_by_side(chunk, |w| {
            let data: LetterData = serde_json::from_str(&w.letter.data).map_err(|e| e.to_string())?;
            templates.print(&data, &sender).map_err(|e| e.to_string())
        });
        done += chunk.len() as u64;
        progress(done, waiting.len() as u64);
        let name = format!("lettres-{:03}.pdf", files.len() + 1);
        let (mut printed, mut page) = (Vec::new(), 1);
        for (w, laid_out) in chunk.iter().zip(laid_out) {
            let (id, reference) = (w.letter.letter_id.clone(), w.letter.reference.clone());
            match laid_out {
                Ok(letter) => {
                    let (sha256, pages) = (letter.sha256.clone(), letter.pages);
                    addresses.push_str(&address_line(&name, page, &reference, &letter.window));
                    let kind = w.letter.kind;
                    manifest.letters.push(PostedLetter {
                        id,
                        reference,
                        kind,
                        sha256,
                        file: name.clone(),
                        page,
                        pages,
                        content: Some(sha256_hex(w.letter.data.as_bytes())),
                    });
                    page += pages + pages % 2;
                    printed.push(letter);
                }
                Err(reason) => manifest.exceptions.push(Exception { id, reference, reason }),
            }
        }
        if printed.is_empty() {
            continue;
        }
        let letters = printed.len();
        let pdf = templates.bind(printed, &format!("convoke post {name} {today}"), today)?;
        manifest.files.push(PrintFile { name: name.clone(), sha256: sha256_hex(&pdf), letters, pages: page - 1 });
        files.push((name, pdf));
    }
    manifest.batch = manifest.batch_name();
    Ok(Batch { manifest, files, addresses })
}

/// Applies `work` to all items on every processor, and returns the results in order.
fn side_by_side<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let part = items.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> =
            items.chunks(part).map(|part| scope.spawn(|| part.iter().map(&work).collect::<Vec<R>>())).collect();
        // Unwrap safety: a panic in a part is meant to panic here too.
        parts.into_iter().flat_map(|part| part.join().expect("a letter that panics ends the batch")).collect()
    })
}

/// Marks the letters of a manifest as posted, each once. Those that no longer say what is true are not marked: they are
/// to be taken out of the pile.
pub fn confirm(
    store: &mut Store,
    config: &Configuration,
    manifest: &Manifest,
    (actor, reason): (&str, Option<&str>),
    now: DateTime<Utc>,
) -> Result<Confirmed> {
    ensure!(manifest.schema == "convoke.post/1", "this is no manifest of `convoke post`: {}", manifest.schema);
    if manifest.prefecture != store.prefecture() {
        bail!("this batch is of the préfecture {}, not of {}", manifest.prefecture, store.prefecture());
    }
    ensure!(
        manifest.batch_name() == manifest.batch,
        "the manifest was changed since it was written: prepare the batch again"
    );
    let unique: BTreeSet<&str> = manifest.letters.iter().map(|l| l.id.as_str()).collect();
    ensure!(unique.len() == manifest.letters.len(), "the manifest names a letter twice: prepare the batch again");
    store.write(|s| {
        let mut confirmed = Confirmed::default();
        let mut posted = Vec::new();
        let outdated = outdated(s, config, manifest, now)?;
        for letter in &manifest.letters {
            if let Some(reason) = outdated.get(letter.id.as_str()) {
                confirmed.taken_out.push(TakenOut {
                    reference: letter.reference.clone(),
                    file: letter.file.clone(),
                    page: letter.page,
                    reason: reason.clone(),
                });
                continue;
            }
            let mut rendered = manifest.rendered.clone();
            (rendered.pdf, rendered.without_pdf) = (Some(letter.sha256.clone()), None);
            let rendered = serde_json::to_string(&rendered)?;
            if s.mark_posted(&letter.id, &letter.sha256, &rendered, &manifest.batch)? {
                confirmed.posted += 1;
                posted.push(letter);
                continue;
            }
            let known = s.letters_of(&letter.reference)?;
            if known.iter().any(|l| l.kind == letter.kind && l.post_batch.as_ref() == Some(&manifest.batch)) {
                confirmed.already += 1;
            } else {
                confirmed.not_waiting.push(letter.reference.clone());
            }
        }
        let events: Vec<Event> = posted
            .iter()
            .map(|l| Event {
                kind: "letter.posted",
                payload: with_reason(
                    json!({"reference": l.reference, "letter": l.id, "sha256": l.sha256, "batch": manifest.batch}),
                    reason,
                ),
            })
            .collect();
        s.record(actor, now, events)?;
        Ok(confirmed)
    })
}

/// The letters of a batch that still wait and no longer say what is true, each with why. Their rows are written anew, for
/// the next batch.
fn outdated<'m>(
    s: &mut Store,
    config: &Configuration,
    manifest: &'m Manifest,
    now: DateTime<Utc>,
) -> Result<HashMap<&'m str, String>> {
    let today = now.with_timezone(&config.settings.prefecture.zone).date_naive();
    let (verdict, writer) = (Verdict::of(config), Writer::new(config, today, now)?);
    let postable = [LetterState::ToPost, LetterState::Failed, LetterState::Bounced];
    let mut outdated = HashMap::new();
    for printed in &manifest.letters {
        let Some(row) = s.letter(&printed.id)?.filter(|row| postable.contains(&row.state)) else { continue };
        if let Some(reason) = waits(s, &verdict, &row.letter_id, today)? {
            outdated.insert(printed.id.as_str(), reason);
            continue;
        }
        let was = sha256_hex(row.data.as_bytes());
        let changed = write_anew(s, &writer, vec![row])?.iter().any(|anew| anew.is_changed);
        if changed || printed.content.as_ref().is_some_and(|content| *content != was) {
            outdated.insert(printed.id.as_str(), "ce qu’elle dit a changé depuis l’impression".to_owned());
        }
    }
    Ok(outdated)
}

/// Adds the reason, where one was asked for.
fn with_reason(mut payload: Value, reason: Option<&str>) -> Value {
    if let Some(reason) = reason {
        payload["reason"] = reason.into();
    }
    payload
}

/// Records that a letter came back. If no e-mail reached the person, the convocation is undelivered: its seat is free
/// and the person due again. Returns whether the convocation ended, or `None` if no letter was posted.
pub fn come_back(
    store: &mut Store,
    reference: &Reference,
    (actor, reason): (&str, Option<&str>),
    now: DateTime<Utc>,
) -> Result<Option<bool>> {
    store.write(|s| {
        let letters = s.letters_of(reference.as_str())?;
        let Some(posted) = letters.iter().rev().find(|l| l.state == LetterState::Posted) else {
            return Ok(None);
        };
        if !s.mark_returned(&posted.letter_id)? {
            return Ok(None);
        }
        let reached = letters.iter().any(|l| l.state == LetterState::Accepted);
        let live = s.convocation(reference.as_str())?.is_some_and(|c| c.state == State::Convoked);
        let ended = live && !reached;
        if ended {
            s.end_convocations(&[reference.to_string()], State::Undelivered)?;
            let permit = s.convocation(reference.as_str())?.context("a convocation")?.permit_id;
            s.review_again(&convoke_domain::ids::PermitId(permit))?;
        }
        let payload = json!({"reference": reference.as_str(), "letter": posted.letter_id, "undelivered": ended});
        let payload = with_reason(payload, reason);
        s.record(actor, now, vec![Event { kind: "letter.returned", payload }])?;
        Ok(Some(ended))
    })
}

fn address_list_head() -> String {
    "fichier;page;reference;ligne_1;ligne_2;ligne_3;ligne_4;ligne_5;ligne_6\r\n".to_owned()
}

fn address_line(file: &str, page: usize, reference: &str, window: &[String]) -> String {
    let mut cells = vec![file.to_owned(), page.to_string(), reference.to_owned()];
    cells.extend((0..6).map(|i| window.get(i).cloned().unwrap_or_default()));
    csv_line(&cells)
}

/// A line of a CSV that a spreadsheet opens as text.
pub fn csv_line(cells: &[String]) -> String {
    let mut writer =
        csv::WriterBuilder::new().delimiter(b';').terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let record = cells.iter().map(|cell| harmless(cell).into_owned());
    // Unwrap safety: writing to memory cannot fail, and cells are text.
    writer.write_record(record).expect("memory takes a record");
    String::from_utf8(writer.into_inner().expect("memory takes a record")).expect("text")
}
