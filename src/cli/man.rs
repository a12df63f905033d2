//! `convoke man`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Command};
use serde_json::json;

use super::exit::Exit;
use super::output::make_folder;
use super::session::Session;

/// Write the manual pages, one per command: convoke.1, convoke-run.1, convoke-import-permits.1 …
///
/// They contain the same text as `--help`. The Debian package installs them.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke man /usr/local/share/man/man1
  convoke man man && man --local-file man/convoke-run.1")]
pub(super) struct Man {
    /// Folder to write into, created if it does not exist.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

impl Man {
    /// `program` is the whole command line.
    pub(super) fn execute(&self, session: &Session, program: Command) -> Result<Exit> {
        make_folder(&self.dir)?;
        clap_mangen::generate_to(program, &self.dir)
            .with_context(|| format!("writing the manual into {}", self.dir.display()))?;
        let text = format!("The manual is in {}.\n", self.dir.display());
        session.print(&json!({"schema": "convoke.man/1", "out": self.dir}), &text)?;
        Ok(Exit::Done)
    }
}
