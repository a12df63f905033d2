//! The command line: one file per command. Standard output carries the result alone; logs and progress go to standard
//! error.

mod accounts;
mod agenda;
mod anomalies;
mod bounces;
mod command;
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
mod failure;
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
mod output;
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
mod session;
mod sheet;
mod simulate;
mod templates;
mod titles;
mod undo;
mod verify;

use std::io::IsTerminal;

use clap::Parser;

pub use command::Cli;
pub use exit::Exit;

use convoke_machine::clock::Clock;
use convoke_report::columns::fold;
use failure::{exit_of, is_broken_pipe};
use output::terminal_width;
use session::Colour;

/// Runs the command line of this process.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            // Help and version are not errors.
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    // A server's log is all that is seen of it.
    let verbose = cli.global.verbose.max(u8::from(cli.is_server()));
    convoke_machine::telemetry::start(
        verbose,
        cli.global.quiet,
        cli.global.color != Colour::Never && std::io::stderr().is_terminal(),
    );
    match cli.execute(Clock::System) {
        Ok(exit) => exit,
        Err(error) => {
            let exit = exit_of(&error);
            // A reader that went away (`| head`) is not a failure.
            if is_broken_pipe(&error) {
                return Exit::Done;
            }
            let shown = format!("convoke: {error:#}");
            eprintln!(
                "{}",
                if std::io::stderr().is_terminal() { fold(&shown, terminal_width()) } else { shown }.trim_end()
            );
            exit
        }
    }
}
