//! `convoke`: the thin shell around the library.

use std::process::ExitCode;

/// Laying a letter out is a hundred thousand small allocations: a tenth of its time with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    convoke::cli::main().into()
}
