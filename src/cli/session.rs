//! What every command is given: the options of all, the clock, and what is done with them.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::failure::Usage;
use super::output::terminal_width;
use super::progress::Progress;
use convoke_domain::ledger::Event;
use convoke_domain::run::Stage;
use convoke_machine::clock::Clock;
use convoke_machine::confirm::Confirmed;
use convoke_machine::entropy::Entropy;
use convoke_office::acts::Hand;
use convoke_office::run::Tools;
use convoke_report::columns::fold;
use convoke_settings::{Configuration, Settings};
use convoke_store::{Store, Use};

#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(super) struct Global {
    /// Settings file of the préfecture.
    #[arg(long, global = true, value_name = "FILE", default_value = "convoke.toml", env = "CONVOKE_CONFIG")]
    pub(super) config: PathBuf,
    /// Database, instead of the one in the settings: `sqlite:…` or `postgres://…`.
    #[arg(long, global = true, value_name = "URL")]
    pub(super) database: Option<String>,
    /// Print one JSON document.
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Answer yes to the questions that a command asks before it acts; ignored by commands that ask none.
    #[arg(long, global = true)]
    pub(super) yes: bool,
    /// Log more; twice for debug.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Log only errors.
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Colours.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    pub(super) color: Colour,
    /// No progress bars.
    #[arg(long, global = true)]
    pub(super) no_progress: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    Auto,
    Always,
    Never,
}

/// What every command gets.
pub(super) struct Session {
    pub(super) global: Global,
    pub(super) clock: Clock,
}

impl Session {
    pub(super) fn configuration(&self) -> Result<Configuration> {
        self.configuration_of(&self.global.config)
    }

    /// The same for a command that writes no letter: it does not wait for the templates to be tested.
    pub(super) fn configuration_to_read(&self) -> Result<Configuration> {
        Ok(Configuration::to_read(&self.global.config, Self::environment(), self.global.database.as_deref())?)
    }

    /// The settings of a file, changed by the environment and the flags of this process.
    pub(super) fn configuration_of(&self, file: &Path) -> Result<Configuration> {
        Ok(Configuration::load(file, Self::environment(), self.global.database.as_deref())?)
    }

    /// The variables that change settings.
    pub(super) fn environment() -> Vec<(String, String)> {
        std::env::vars().filter(|(key, _)| key.starts_with("CONVOKE__")).collect()
    }

    /// `convoke.toml` without the files that it names: for the command that creates a missing key.
    pub(super) fn settings(&self) -> Result<Settings> {
        Ok(Settings::load(&self.global.config, Self::environment(), self.global.database.as_deref())?)
    }

    pub(super) fn store(config: &Configuration, usage: Use) -> Result<Store> {
        Store::open_patiently(&config.settings.database.url, &config.settings.prefecture.code, usage)
    }

    /// Prints the result: one JSON document with `--json`, else the text.
    pub(super) fn print(&self, document: &impl Serialize, text: &str) -> Result<()> {
        let mut out = std::io::stdout().lock();
        if self.global.json {
            serde_json::to_writer_pretty(&mut out, document)?;
            writeln!(out).context("writing the result")
        } else {
            // Output into a pipe is for programs: a sentence stays on one line.
            let wide = if out.is_terminal() { Cow::Owned(fold(text, terminal_width())) } else { Cow::Borrowed(text) };
            write!(out, "{wide}").context("writing the result")
        }
    }

    /// Asks before something that cannot be undone; `None` for a no. `--yes` answers yes.
    pub(super) fn ask(&self, question: &str) -> Result<Option<Confirmed>> {
        self.ask_unless(false, question)
    }

    /// The same, but asks nothing if `settled`.
    pub(super) fn ask_unless(&self, settled: bool, question: &str) -> Result<Option<Confirmed>> {
        Confirmed::ask(self.global.yes || settled, question)
    }

    /// Records in the ledger that the operator is about to see people's data: beforehand, so that no access goes
    /// unrecorded.
    pub(super) fn reads(&self, store: &mut Store, kind: &'static str, payload: serde_json::Value) -> Result<()> {
        store.write(|s| s.record(&convoke_machine::process::login(), self.clock.now(), vec![Event { kind, payload }]))
    }

    /// Carries out an act done by hand, in the name of the logged-in user.
    pub(super) fn by_hand<T>(
        &self,
        config: &Configuration,
        reason: &str,
        act: impl FnOnce(&mut Hand<'_>) -> Result<T>,
    ) -> Result<T> {
        let actor = convoke_machine::process::login();
        let (clock, entropy) = (&self.clock, &mut Entropy::System);
        act(&mut Hand { clock, entropy, config, actor: &actor, reason })
    }

    /// Does long work and shows its progress; the line is removed whatever the result.
    pub(super) fn with_tools<T>(&self, work: impl FnOnce(&mut Tools<'_>) -> Result<T>) -> Result<T> {
        let progress = self.progress();
        let show = |stage: Stage, done, total| progress.show(stage.label(), done, total);
        let done = work(&mut Tools { clock: &self.clock, entropy: &mut Entropy::System, progress: &show });
        progress.clear();
        done
    }

    pub(super) fn progress(&self) -> Progress {
        Progress::new(!self.global.no_progress && !self.global.quiet)
    }
}

/// The reason, if one was given that the ledger may keep for good.
pub(super) fn given(reason: Option<&String>) -> Result<&str> {
    let reason = convoke_office::acts::reason(reason.map_or("", String::as_str));
    reason.map_err(|wrong| Usage(format!("{wrong}: --reason \"why\"")).into())
}
