//! The command line: one file per command. Standard output carries the result alone; logs and progress go to standard error.

mod accounts;
mod agenda;
mod anomalies;
mod bounces;
mod config;
mod contact_sheet;
mod convocation;
mod db;
mod demo;
mod difference;
mod dispatch;
mod doctor;
mod encrypt;
mod every;
mod exit;
mod find;
mod forecast;
mod holder;
mod import;
mod init;
mod instance;
mod keys;
mod ledger;
mod letters;
mod man;
mod movers;
mod outbox;
mod permit;
mod plan;
mod post;
mod privacy;
mod progress;
mod report;
mod requests;
mod run;
mod runs;
mod serve;
mod sheet;
mod simulate;
mod templates;
mod verify;

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use serde::Serialize;

pub use exit::Exit;

use convoke_domain::ledger::Event;
use convoke_machine::clock::Clock;
use convoke_machine::confirm::{Confirmed, NobodyToAsk};
use convoke_machine::entropy::Entropy;
use convoke_office::acts::{Hand, Refused};
use convoke_office::run::Tools;
use convoke_report::columns::fold;
use convoke_settings::{ConfigError, Configuration, Settings};
use convoke_store::{NotMigrated, Store, Use, WrongUrl};

/// Convokes residence-permit holders to their renewal appointment before the permit expires.
///
/// Every night it reads the expiry dates, gives each holder the best appointment that exists, reserves it, writes the
/// convocation and sends it through an SMTP queue, once each, whatever fails.
#[derive(Debug, Parser)]
#[command(name = "convoke", version, after_long_help = Exit::table(), max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
struct Global {
    /// Settings of the préfecture.
    #[arg(long, global = true, value_name = "FILE", default_value = "convoke.toml", env = "CONVOKE_CONFIG")]
    config: PathBuf,
    /// Database, instead of the one in the settings: `sqlite:…` or `postgres://…`.
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
    /// Print one JSON document.
    #[arg(long, global = true)]
    json: bool,
    /// Answer yes to what a command asks before it acts; ignored by commands that ask nothing.
    #[arg(long, global = true)]
    yes: bool,
    /// Say more; twice: debug.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Say only what is wrong.
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Colours.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
    /// No progress bars.
    #[arg(long, global = true)]
    no_progress: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    // What a command is and does stands on its own type: text here would hide it.
    Init(init::Init),
    Demo(demo::Demo),
    /// Create the tables, or bring them up to date
    #[command(after_long_help = "Example:
  convoke migrate")]
    Migrate,
    /// Look at all that nights and letters need, and say what to do where something is wrong
    ///
    /// Settings, secrets, templates, time zones, database, clock, extract, agenda, disk, and the relay: connected to, secured and
    /// logged in, without a letter. Ends with 1 where something is wrong.
    #[command(after_long_help = "Examples:
  convoke doctor
  convoke doctor --json > doctor.json")]
    Doctor,
    /// Move to another database
    #[command(subcommand)]
    Db(db::Db),
    /// Check and show the configuration
    #[command(subcommand)]
    Config(config::Config),
    /// Take in permits, slots, convocations made elsewhere, or what became of appointments
    #[command(subcommand)]
    Import(import::Import),
    /// Make slots; print who is expected on a day; list appointments that nobody has marked
    #[command(subcommand)]
    Agenda(agenda::Agenda),
    Plan(plan::Plan),
    Run(run::Run),
    /// List, show, compare, replay, stop or resume runs
    #[command(subcommand)]
    Runs(runs::Runs),
    /// Act on one appointment: other dates, cancel, move
    #[command(subcommand)]
    Convocation(convocation::Convocation),
    /// Act on one holder
    #[command(subcommand)]
    Permit(permit::Permit),
    /// Written requests: of students, of those who cannot wait, of those without e-mail
    #[command(subcommand)]
    Requests(requests::Requests),
    Forecast(forecast::Forecast),
    Anomalies(anomalies::Anomalies),
    Movers(movers::Movers),
    Simulate(simulate::Simulate),
    Dispatch(dispatch::Dispatch),
    Pause(dispatch::Pause),
    /// Let sending go on.
    #[command(after_long_help = "Example:
  convoke unpause")]
    Unpause,
    /// Take in letters that came back
    #[command(subcommand)]
    Bounces(bounces::Bounces),
    /// Look at the letters
    #[command(subcommand)]
    Outbox(outbox::Outbox),
    Post(post::Post),
    /// Preview letters, show one again, explain one, check its code
    #[command(subcommand)]
    Letters(letters::Letters),
    /// Check the templates of letters
    #[command(subcommand)]
    Templates(templates::Templates),
    Report(report::Report),
    Serve(serve::Serve),
    Healthcheck(serve::Healthcheck),
    /// Accounts of the console, for when the identity provider cannot be reached
    #[command(subcommand)]
    Accounts(accounts::Accounts),
    /// Verify the ledger
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    Purge(privacy::Purge),
    Verify(verify::Verify),
    /// The key that signs the ledger and the reports
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Write completions for a shell to standard output
    #[command(after_long_help = "Example:
  convoke completions bash > /usr/share/bash-completion/completions/convoke")]
    Completions {
        /// Shell.
        shell: clap_complete::Shell,
    },
    Man(man::Man),
}

/// What every command is given.
struct Session {
    global: Global,
    clock: Clock,
}

impl Session {
    fn configuration(&self) -> Result<Configuration> {
        self.configuration_of(&self.global.config)
    }

    /// The same for a command that writes no letter: it does not wait until the templates were tried.
    fn configuration_to_read(&self) -> Result<Configuration> {
        Ok(Configuration::to_read(&self.global.config, Self::environment(), self.global.database.as_deref())?)
    }

    /// The settings of a file, changed by the environment and the flags of this process.
    fn configuration_of(&self, file: &Path) -> Result<Configuration> {
        Ok(Configuration::load(file, Self::environment(), self.global.database.as_deref())?)
    }

    /// The variables that change settings.
    fn environment() -> Vec<(String, String)> {
        std::env::vars().filter(|(key, _)| key.starts_with("CONVOKE__")).collect()
    }

    /// What `convoke.toml` says, without what it names: for the command that makes a missing key.
    fn settings(&self) -> Result<Settings> {
        Ok(Settings::load(&self.global.config, Self::environment(), self.global.database.as_deref())?)
    }

    fn store(config: &Configuration, usage: Use) -> Result<Store> {
        Store::open_patiently(&config.settings.database.url, &config.settings.prefecture.code, usage)
    }

    /// Prints the result: one JSON document with `--json`, else the text.
    fn print(&self, document: &impl Serialize, text: &str) -> Result<()> {
        let mut out = std::io::stdout().lock();
        if self.global.json {
            serde_json::to_writer_pretty(&mut out, document)?;
            writeln!(out).context("writing the result")
        } else {
            // What goes into a pipe is for programs: a sentence stays one line.
            let wide = if out.is_terminal() { Cow::Owned(fold(text, terminal_width())) } else { Cow::Borrowed(text) };
            write!(out, "{wide}").context("writing the result")
        }
    }

    /// Asks before something that cannot be taken back; `None` for a no. `--yes` has answered already.
    fn ask(&self, question: &str) -> Result<Option<Confirmed>> {
        self.ask_unless(false, question)
    }

    /// The same, where there may be nothing to ask about.
    fn ask_unless(&self, settled: bool, question: &str) -> Result<Option<Confirmed>> {
        Confirmed::ask(self.global.yes || settled, question)
    }

    /// Writes into the ledger that this person is about to see people's data: before they do, so that nobody sees any unwritten.
    fn reads(&self, store: &mut Store, kind: &'static str, payload: serde_json::Value) -> Result<()> {
        store.write(|s| s.record(&convoke_machine::process::login(), self.clock.now(), vec![Event { kind, payload }]))
    }

    /// Does what is done by hand: in the name of whoever is logged in.
    fn by_hand<T>(
        &self,
        config: &Configuration,
        reason: &str,
        act: impl FnOnce(&mut Hand<'_>) -> Result<T>,
    ) -> Result<T> {
        let actor = convoke_machine::process::login();
        let (clock, entropy) = (&self.clock, &mut Entropy::System);
        act(&mut Hand { clock, entropy, config, actor: &actor, reason })
    }

    /// Does long work, and shows how far it has come; the line is gone whatever came of it.
    fn with_tools<T>(&self, work: impl FnOnce(&mut Tools<'_>) -> Result<T>) -> Result<T> {
        let progress = self.progress();
        let show = |stage: &str, done, total| progress.show(stage, done, total);
        let done = work(&mut Tools { clock: &self.clock, entropy: &mut Entropy::System, progress: &show });
        progress.clear();
        done
    }

    fn progress(&self) -> progress::Progress {
        progress::Progress::new(!self.global.no_progress && !self.global.quiet)
    }
}

/// A reason that was really given, and that may stand in the ledger for good.
fn given(reason: Option<&String>) -> Result<&str> {
    let told = convoke_office::acts::reason(reason.map_or("", String::as_str));
    told.map_err(|wrong| Usage(format!("{wrong}: --reason \"why\"")).into())
}

/// Columns of a line on standard output. A pipe and a file have no width: they get the 80 that are read everywhere, on paper too,
/// whatever the terminal that the command was typed on.
fn terminal_width() -> u16 {
    comfy_table::Table::new().width().filter(|_| std::io::stdout().is_terminal()).unwrap_or(80)
}

/// The folder of `--out`, made if it does not exist.
fn make_folder(out: &Path) -> Result<()> {
    if out.is_file() {
        return Err(Usage(format!("--out {}: is a file", out.display())).into());
    }
    std::fs::create_dir_all(out).with_context(|| format!("making {}", out.display()))
}

/// The command line asks for something that cannot be (exit code 2).
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Bad input data (exit code 65).
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct BadData(String);

/// Runs the command line of this process.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            // Help and version are no errors.
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    // A server's log is all that is seen of it.
    let verbose = cli.global.verbose.max(u8::from(matches!(cli.command, Command::Serve(_))));
    convoke_machine::telemetry::start(
        verbose,
        cli.global.quiet,
        cli.global.color != Colour::Never && std::io::stderr().is_terminal(),
    );
    let context = Session { global: cli.global, clock: Clock::System };
    match execute(&context, cli.command) {
        Ok(exit) => exit,
        Err(error) => {
            let exit = exit_of(&error);
            // A reader that went away (`| head`) is no failure of ours.
            if is_broken_pipe(&error) {
                return Exit::Done;
            }
            let told = format!("convoke: {error:#}");
            eprintln!(
                "{}",
                if std::io::stderr().is_terminal() { fold(&told, terminal_width()) } else { told }.trim_end()
            );
            exit
        }
    }
}

fn execute(context: &Session, command: Command) -> Result<Exit> {
    match command {
        Command::Init(c) => c.execute(context),
        Command::Demo(c) => c.execute(context),
        Command::Migrate => init::migrate(context),
        Command::Doctor => doctor::doctor(context),
        Command::Db(c) => c.execute(context),
        Command::Config(c) => c.execute(context),
        Command::Import(c) => c.execute(context),
        Command::Agenda(c) => c.execute(context),
        Command::Plan(c) => c.execute(context),
        Command::Run(c) => c.execute(context),
        Command::Runs(c) => c.execute(context),
        Command::Requests(c) => c.execute(context),
        Command::Forecast(c) => c.execute(context),
        Command::Anomalies(c) => c.execute(context),
        Command::Movers(c) => c.execute(context),
        Command::Simulate(c) => c.execute(context),
        Command::Dispatch(c) => c.execute(context),
        Command::Pause(c) => c.execute(context),
        Command::Unpause => dispatch::unpause(context),
        Command::Bounces(c) => c.execute(context),
        Command::Outbox(c) => c.execute(context),
        Command::Convocation(c) => c.execute(context),
        Command::Permit(c) => c.execute(context),
        Command::Post(c) => c.execute(context),
        Command::Templates(c) => c.execute(context),
        Command::Letters(c) => c.execute(context),
        Command::Report(c) => c.execute(context),
        Command::Serve(c) => c.execute(context),
        Command::Healthcheck(c) => c.execute(context),
        Command::Accounts(c) => c.execute(context),
        Command::Ledger(c) => c.execute(context),
        Command::Purge(c) => c.execute(context),
        Command::Verify(c) => c.execute(context),
        Command::Keys(c) => c.execute(context),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "convoke", &mut std::io::stdout());
            Ok(Exit::Done)
        }
        Command::Man(c) => c.execute(context),
    }
}

fn exit_of(error: &anyhow::Error) -> Exit {
    if error.is::<Usage>() || error.is::<NobodyToAsk>() {
        Exit::Usage
    } else if error.is::<BadData>() || error.is::<Refused>() {
        Exit::BadData
    } else if error.is::<NotMigrated>() {
        Exit::NotMigrated
    } else if error.is::<ConfigError>() || error.is::<WrongUrl>() {
        Exit::Configuration
    } else {
        Exit::Unexpected
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        let json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(std::io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
