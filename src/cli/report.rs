//! `convoke report`.

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::{Colour, Exit, Session, Usage};
use crate::bundle::MANIFEST;
use crate::files::write_folder;
use crate::ids::RunId;
use crate::process;
use crate::report::terminal;
use crate::run::{Asked, dossier, report};
use crate::settings::ConfigError;
use crate::store::Use;

/// Report of a run, in French: on the terminal, as JSON, or as a folder that proves itself
///
/// The folder holds the report as a page and as figures, a line for each permit and what became of it, the plan with all that it
/// was made from, the ledger since the checkpoint before, and a signature: `convoke verify DIR` checks it on any machine. It names
/// nobody, unless that is asked for.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke report                                   the last run, on the terminal
  convoke report 94/2026-10-05/1 --out report/     for an auditor
  convoke report 94/2026-10-05/1 --out named/ --identified --reason \"complaint 12/2026\"")]
pub(super) struct Report {
    /// Run, such as 94/2026-10-05/1; the last one by default.
    run: Option<String>,
    /// Write all that there is to know of the run into this folder, whole or not at all.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Name people in outcomes.csv: the ledger remembers who asked, and why.
    #[arg(long, requires = "out")]
    identified: bool,
    /// Why people are named; stands in the ledger for good: name nobody.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Report {
    pub(super) fn execute(self, session: &Session) -> Result<Exit> {
        let config = session.configuration()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let id = match self.run {
            Some(run) => RunId(run),
            None => store
                .runs(1)?
                .pop()
                .map(|r| RunId(r.run_id))
                .ok_or_else(|| ConfigError("there is no run yet: `convoke run`".into()))?,
        };
        let report = match &self.out {
            Some(dir) => {
                let reason = self.reason.map(|r| r.trim().to_owned()).filter(|r| !r.is_empty());
                if self.identified {
                    let Some(reason) = reason else {
                        return Err(Usage("naming people needs a reason: --reason \"why\"".into()).into());
                    };
                    Session::reads(&mut store, "read.report", json!({"run": id, "reason": reason}))?;
                }
                let asked = Asked { by: process::login(), at: session.clock.now(), identified: self.identified };
                let progress = session.progress();
                progress.show("gathering", 0, 0);
                let (report, files) = dossier(&mut store, &config, &id, &asked)?;
                write_folder(dir, MANIFEST, &files)?;
                progress.clear();
                eprintln!("The report of run {id} is in {}: {} files.", dir.display(), files.len());
                match &config.seal {
                    Some(seal) => eprintln!("Signed by the key {}.", seal.public().fingerprint()),
                    None => eprintln!(
                        "NOT SIGNED: there is no key. Name a file as `[audit] key_file`, and `convoke keys generate`."
                    ),
                }
                report
            }
            None => report(&mut store, &config, &id)?,
        };
        let colour = match session.global.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => std::io::stdout().is_terminal(),
        };
        let width = terminal_width();
        session.print(&report, &terminal(&report, width, colour))?;
        Ok(Exit::Done)
    }
}

fn terminal_width() -> u16 {
    // A pipe has no width: 80 columns are what is read everywhere.
    comfy_table::Table::new().width().filter(|_| std::io::stdout().is_terminal()).unwrap_or(80)
}
