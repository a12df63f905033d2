//! `convoke report`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::{Colour, Exit, Session, make_folder};
use crate::files::write_whole;
use crate::ids::RunId;
use crate::report::{RunReport, csv, html, lapses_csv, listed_csv, terminal};
use crate::run::report;
use crate::settings::ConfigError;
use crate::store::Use;

/// Report of a run, in French: on the terminal, as JSON, or as files.
#[derive(Debug, Args)]
pub(super) struct Report {
    /// Run, such as 94/2026-10-05/1; the last one by default.
    run: Option<String>,
    /// Write report.html, report.json, outcomes.csv, lapses.csv and listed.csv into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
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
        let report = report(&mut store, &config, &id)?;
        if let Some(dir) = &self.out {
            write_files(&report, dir)?;
            eprintln!("The report of run {id} is in {}.", dir.display());
        }
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

fn write_files(report: &RunReport, dir: &Path) -> Result<()> {
    make_folder(dir)?;
    let files = [
        ("report.html", html(report)?),
        ("report.json", format!("{}\n", serde_json::to_string_pretty(report)?)),
        ("outcomes.csv", csv(report)),
        ("lapses.csv", lapses_csv(report)),
        ("listed.csv", listed_csv(report)),
    ];
    files.iter().try_for_each(|(name, text)| write_whole(&dir.join(name), text.as_bytes()))
}
