//! Every command, and what the program says of itself.

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};

use super::exit::Exit;
use super::session::{Global, Session};
use super::{
    accounts, agenda, anomalies, bounces, config, convocation, db, demo, dispatch, doctor, forecast, import, init,
    keys, ledger, letters, man, movers, outbox, permit, plan, post, privacy, report, requests, run, runs, serve,
    simulate, templates, titles, undo, verify,
};
use convoke_machine::clock::Clock;

/// Convokes residence-permit holders to their renewal appointment before the permit expires.
///
/// Every night it reads the expiry dates, gives each holder the best appointment that exists, reserves it, writes the
/// convocation and sends it through an SMTP queue, once each, whatever fails.
#[derive(Debug, Parser)]
#[command(name = "convoke", version, after_long_help = Exit::table(), max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    // The help of each command is on its own type: text here would hide it.
    Init(init::Init),
    Demo(demo::Demo),
    /// Create the tables, or bring them up to date
    #[command(after_long_help = "Example:
  convoke migrate")]
    Migrate,
    /// Check everything that nights and letters need, and say what to do if something is wrong
    ///
    /// Checks settings, secrets, templates, time zones, database, clock, extract, agenda, disk, and the relay:
    /// connects, secures the channel and logs in, without sending a letter. Exit code 1 if something is wrong.
    #[command(after_long_help = "Examples:
  convoke doctor
  convoke doctor --json > doctor.json")]
    Doctor,
    /// Copy to another database
    #[command(subcommand)]
    Db(db::Db),
    /// Check and show the configuration
    #[command(subcommand)]
    Config(config::Config),
    Import(import::Import),
    /// Create slots; print who is expected on a day; list appointments that nobody has marked; close a day
    #[command(subcommand)]
    Agenda(agenda::Agenda),
    Plan(plan::Plan),
    Run(run::Run),
    /// List, show, compare, replay, stop or resume runs
    #[command(subcommand)]
    Runs(runs::Runs),
    /// Act on one appointment: show other dates, move, cancel
    #[command(subcommand)]
    Convocation(convocation::Convocation),
    /// Find holders, and act on one
    #[command(subcommand)]
    Permit(permit::Permit),
    /// Titles of permits that nobody has named, and what they are
    #[command(subcommand)]
    Titles(titles::Titles),
    /// Written requests: from students, people who cannot wait, people without e-mail
    #[command(subcommand)]
    Requests(requests::Requests),
    Forecast(forecast::Forecast),
    Anomalies(anomalies::Anomalies),
    Movers(movers::Movers),
    Undo(undo::Undo),
    Simulate(simulate::Simulate),
    Dispatch(dispatch::Dispatch),
    Pause(dispatch::Pause),
    /// Resume sending.
    #[command(after_long_help = "Example:
  convoke unpause")]
    Unpause,
    /// Read letters that came back
    #[command(subcommand)]
    Bounces(bounces::Bounces),
    /// List letters, show one, retry, hold or release them
    #[command(subcommand)]
    Outbox(outbox::Outbox),
    Post(post::Post),
    /// Preview letters, show one again, explain one, check its code
    #[command(subcommand)]
    Letters(letters::Letters),
    /// Check the templates of letters, or export them to start from
    #[command(subcommand)]
    Templates(templates::Templates),
    Report(report::Report),
    Serve(serve::Serve),
    Healthcheck(serve::Healthcheck),
    /// Console accounts, for when the identity provider cannot be reached
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

impl Cli {
    /// Whether it runs until it is stopped.
    pub(super) fn is_server(&self) -> bool {
        matches!(self.command, Command::Serve(_))
    }

    pub(super) fn execute(self, clock: Clock) -> Result<Exit> {
        let context = &Session { global: self.global, clock };
        match self.command {
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
            Command::Titles(c) => c.execute(context),
            Command::Requests(c) => c.execute(context),
            Command::Forecast(c) => c.execute(context),
            Command::Anomalies(c) => c.execute(context),
            Command::Movers(c) => c.execute(context),
            Command::Undo(c) => c.execute(context),
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
            Command::Man(c) => c.execute(context, Cli::command()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
