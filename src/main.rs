//! `convoke`: the thin shell around the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    convoke::cli::main().into()
}
