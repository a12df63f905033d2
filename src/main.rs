//! `convoke`: the thin shell around the library.

use std::process::ExitCode;

/// Laying out a letter makes a hundred thousand small allocations: with the system's allocator, a tenth of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    convoke::cli::main().into()
}
