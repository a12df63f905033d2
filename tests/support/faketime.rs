//! Another date, and a clock that runs faster or jumps, for one process: with Debian's libfaketime.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether it is installed. If not, CI fails and anyone else gets a message.
pub(crate) fn is_there() -> bool {
    let found = library().is_some();
    if !found {
        assert!(std::env::var_os("CI").is_none(), "libfaketime: `script/setup test` installs it");
        eprintln!("THE CLOCK: NOT FAKED, because libfaketime is missing: `script/setup test` installs it");
    }
    found
}

fn library() -> Option<PathBuf> {
    let architectures = ["x86_64-linux-gnu", "aarch64-linux-gnu"];
    architectures.iter().map(|a| PathBuf::from(format!("/usr/lib/{a}/faketime/libfaketime.so.1"))).find(|p| p.exists())
}

/// Starts a process at an instant (Universal Time): `2026-10-20 12:00:00`, or `2026-10-20 12:00:00 x1000` for a clock a
/// thousand times as fast. Durations are not faked, only the time of day.
pub(crate) fn at<'c>(command: &'c mut Command, when: &str) -> &'c mut Command {
    preload(command).env("FAKETIME", format!("@{when}"))
}

/// Makes a process read its clock's offset from a file whenever it asks for the time: `+1d`, `-3h`.
pub(crate) fn off_by_the_file<'c>(command: &'c mut Command, file: &Path) -> &'c mut Command {
    preload(command).env("FAKETIME_TIMESTAMP_FILE", file).env("FAKETIME_NO_CACHE", "1")
}

/// Makes a process obey `FAKETIME`.
pub(crate) fn environment() -> [(&'static str, String); 4] {
    let library = library().unwrap().display().to_string();
    let plain = [("DONT_FAKE_MONOTONIC", "1"), ("TZ", "UTC"), ("CONVOKE_FAULT_CLOCK", "0")];
    let [monotonic, zone, ahead] = plain.map(|(name, value)| (name, value.to_owned()));
    [("LD_PRELOAD", library), monotonic, zone, ahead]
}

fn preload(command: &mut Command) -> &mut Command {
    command.envs(environment())
}
