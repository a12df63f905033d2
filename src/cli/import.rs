//! `convoke import`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use super::{BadData, Exit, Session};
use crate::entropy::Entropy;
use crate::import::result::{FileFault, write_report};
use crate::import::{self, BadRows, Imported, Options};
use crate::process;
use crate::store::Use;

#[derive(Debug, Subcommand)]
pub(super) enum Import {
    /// Permits and their holders
    ///
    /// CSV (`;` or `,`, UTF-8 or Windows-1252) or XLSX. The same file twice changes nothing.
    Permits {
        #[command(flatten)]
        file: File,
        /// The file is the whole extract: permits that it lacks become `absent-from-extract`.
        #[arg(long)]
        full: bool,
    },
    /// Slots made elsewhere
    Slots {
        #[command(flatten)]
        file: File,
    },
    /// Convocations made before this program: firm, without a letter, their seats taken
    Convocations {
        #[command(flatten)]
        file: File,
    },
}

#[derive(Debug, Args)]
pub(super) struct File {
    /// CSV or XLSX.
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// TOML file that names columns and values of the préfecture's own extract.
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Say what would happen, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Take the good rows; the bad ones go to FILE.rejects.csv with their reason.
    #[arg(long)]
    accept_valid: bool,
}

impl Import {
    pub(super) fn execute(self, session: &Session) -> Result<Exit> {
        let config = session.configuration()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let progress = session.progress();
        let (actor, clock) = (process::login(), &session.clock);
        let (file, full) = match &self {
            Self::Permits { file, full } => (file, *full),
            Self::Slots { file } | Self::Convocations { file } => (file, false),
        };
        let bad_rows = if file.accept_valid { BadRows::LeaveOut } else { BadRows::Refuse };
        let options = Options { mapping: file.mapping.clone(), dry_run: file.dry_run, bad_rows, full };
        let result = match &self {
            Self::Permits { .. } => {
                let show = |done, total| progress.show("importing", done, total);
                import::permits(&mut store, &config, &file.path, &options, &actor, clock, &mut Entropy::System, &show)
            }
            Self::Slots { .. } => import::slots(&mut store, &config, &file.path, &options, &actor, clock),
            Self::Convocations { .. } => {
                import::convocations(&mut store, &config, &file.path, &options, &actor, clock, &mut Entropy::System)
            }
        };
        progress.clear();
        let imported = match result {
            // A file that is no table is bad data, whatever it is.
            Err(error) if error.chain().any(<dyn std::error::Error + 'static>::is::<FileFault>) => {
                return Err(BadData(format!("{error:#}; nothing was changed")).into());
            }
            other => other?,
        };
        show(session, &imported)
    }
}

fn show(session: &Session, imported: &Imported) -> Result<Exit> {
    let i = imported;
    let mut err = std::io::stderr().lock();
    for warning in i.warnings.iter().take(20) {
        use std::io::Write;
        writeln!(err, "warning: {warning}").context("writing")?;
    }
    let hidden = i.warnings.len().saturating_sub(20) as u64 + i.more_warnings;
    if hidden > 0 {
        eprintln!("warning: and {hidden} more; --json lists them");
    }
    if !i.unknown_columns.is_empty() {
        eprintln!("warning: columns that nothing reads: {}", i.unknown_columns.join(", "));
    }
    if !session.global.json {
        write_report(&mut err, &i.rejected)?;
    }
    let separator = i.separator.map(|s| format!(", separator `{s}`")).unwrap_or_default();
    let tried = if i.dry_run { " (dry run: nothing was changed)" } else { "" };
    let text = format!(
        "{} rows read ({}{separator}): {} new, {} changed, {} unchanged, {} absent, {} errors{tried}.\n",
        i.read,
        i.encoding,
        i.inserted,
        i.updated,
        i.unchanged,
        i.vanished,
        i.rejected.len()
    );
    session.print(imported, &text)?;
    if let Some(file) = &i.rejects_file {
        eprintln!("The bad rows are in {}.", file.display());
    }
    match &i.refused {
        Some(why) => Err(BadData(format!("the file was refused, and nothing was changed: {why}")).into()),
        None => Ok(Exit::Done),
    }
}
