//! `convoke bounces ingest`.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::json;

use super::exit::Exit;
use super::failure::Usage;
use super::session::Session;
use convoke_dispatch::bounces::{Consequence, Ingested, ingest};
use convoke_machine::confirm::Confirmed;
use convoke_machine::entropy::Entropy;
use convoke_machine::process;
use convoke_store::Use;

/// A longer message is not a bounce of ours: it is left for a person.
const MESSAGE_BYTES_MAX: u64 = 32 * 1024 * 1024;

#[derive(Debug, Subcommand)]
pub(super) enum Bounces {
    /// Read returned messages: .eml files, or folders (a Maildir, or a folder of .eml files)
    ///
    /// A letter that was not delivered goes by post if there is time; otherwise its convocation ends and the person is
    /// due again. Nothing more is sent to an address that does not work. Reading a message twice changes nothing.
    #[command(after_long_help = "Examples:
  convoke bounces ingest /var/mail/retours/Maildir
  convoke bounces ingest returned.eml --delete
  convoke bounces ingest /var/mail/retours/Maildir --delete --yes    from cron")]
    Ingest {
        /// Messages, or folders of messages.
        #[arg(required = true, value_name = "DIR|FILE")]
        paths: Vec<PathBuf>,
        /// Delete each message once it is dealt with; those that a person must look at are kept.
        #[arg(long)]
        delete: bool,
    },
}

impl Bounces {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let Self::Ingest { paths, delete } = self;
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let key = store.id_key(&mut Entropy::System)?;
        let files = messages(paths)?;
        let deletes = if *delete {
            let question = format!("Delete messages for good once they are dealt with ({} messages)?", files.len());
            let Some(confirmed) = session.ask_unless(files.is_empty(), &question)? else {
                return Ok(Exit::Interrupted);
            };
            Some(confirmed)
        } else {
            None
        };
        let (progress, actor) = (session.progress(), process::login());
        let (mut counts, mut unknown, mut failed) = (Ingested::default(), Vec::new(), 0u64);
        for (n, file) in files.iter().enumerate() {
            progress.show("reading what came back", n as u64, files.len() as u64);
            let consequence = if let Some(bytes) = read(file)? {
                match ingest(&mut store, &config, &key, &bytes, &actor, &session.clock, &mut counts) {
                    Ok(consequence) => consequence,
                    // One bad message must not keep the others from being read.
                    Err(error) => {
                        eprintln!("convoke: {}: {error:#}", file.display());
                        failed += 1;
                        Consequence::Listed
                    }
                }
            } else {
                (counts.read, counts.unknown) = (counts.read + 1, counts.unknown + 1);
                Consequence::Listed
            };
            if consequence == Consequence::Listed {
                unknown.push(file.display().to_string());
            } else if let (Some(confirmed), true) = (&deletes, consequence != Consequence::Later) {
                remove(file, confirmed)?;
            }
        }
        progress.clear();
        let mut text = format!(
            "{} messages: {} not delivered ({} letters go by post, {} convocations ended), {} still being tried, \
             {} automatic replies, {} read before, {} left for the next time, {} for a person to read.\n",
            counts.read,
            counts.hard,
            counts.to_post,
            counts.undelivered,
            counts.soft,
            counts.ignored,
            counts.already,
            counts.later,
            counts.unknown + failed
        );
        text.extend(unknown.iter().map(|file| format!("  {file}\n")));
        let mut document = serde_json::to_value(&counts)?;
        document["schema"] = json!("convoke.bounces/1");
        document["to_be_read"] = json!(unknown);
        session.print(&document, &text)?;
        Ok(if failed > 0 { Exit::Unexpected } else { Exit::Done })
    }
}

/// The messages at a path, in order of name: the file itself; `new/` and `cur/` of a Maildir; the `.eml` of a folder.
fn messages(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_file() {
            files.push(path.clone());
        } else if path.join("new").is_dir() || path.join("cur").is_dir() {
            for part in ["new", "cur"].map(|part| path.join(part)).iter().filter(|part| part.is_dir()) {
                files.extend(entries(part)?);
            }
        } else if path.is_dir() {
            files.extend(entries(path)?.into_iter().filter(|f| f.extension().is_some_and(|e| e == "eml")));
        } else {
            return Err(Usage(format!("{}: no such file or folder", path.display())).into());
        }
    }
    Ok(files)
}

fn remove(file: &Path, _: &Confirmed) -> Result<()> {
    fs::remove_file(file).with_context(|| format!("deleting {}", file.display()))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let listed = || fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<std::io::Result<Vec<_>>>();
    let mut files = listed().with_context(|| format!("reading {}", folder.display()))?;
    files.retain(|file| file.is_file());
    files.sort();
    Ok(files)
}

/// The message; `None` if it is too long to be a bounce.
fn read(file: &Path) -> Result<Option<Vec<u8>>> {
    let opened = File::open(file).with_context(|| format!("opening {}", file.display()))?;
    let mut bytes = Vec::new();
    opened
        .take(MESSAGE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("reading {}", file.display()))?;
    Ok((bytes.len() as u64 <= MESSAGE_BYTES_MAX).then_some(bytes))
}
