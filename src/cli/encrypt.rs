//! Encryption for one recipient, with the program `age` (age-encryption.org).

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::failure::Usage;

/// Encrypts bytes; nothing is written in clear.
pub(super) fn encrypt(bytes: &[u8], recipient: &str) -> Result<Vec<u8>> {
    let started = Command::new("age")
        .args(["--encrypt", "--recipient", recipient])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut age = started.context("starting `age`, which encrypts: install it (Debian: apt-get install age)")?;
    let mut input = age.stdin.take().context("a pipe to age")?;
    // Written by another thread: both pipes may be full at once.
    let output = std::thread::scope(|scope| {
        let fed = scope.spawn(move || input.write_all(bytes));
        let output = age.wait_with_output();
        // What `age` reports explains more than a broken pipe does.
        let _ = fed.join();
        output
    })?;
    let shown = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    ensure!(output.status.success(), Usage(format!("--encrypt-to {recipient}: {shown}")));
    Ok(output.stdout)
}
