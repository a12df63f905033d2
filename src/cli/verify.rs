//! `convoke verify`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use super::exit::Exit;
use super::failure::{BadData, Usage};
use super::output::terminal_width;
use super::session::Session;
use convoke_domain::seal::Sealed;
use convoke_machine::files::read_folder;
use convoke_report::bundle::verify;
use convoke_report::columns::Columns;

/// Verify a report that was handed out, without database or configuration
///
/// Checks the signature and the key, every file, each entry of the ledger, the checkpoint signed after the run and
/// those that witnesses kept; plans the night again and compares; adds up the outcomes. Reports what fails, and where.
/// Exit code 65 if anything fails.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke verify report/ --key 3f0c…          the fingerprint that the office gave you
  convoke verify report/ --witness mails/     the checkpoints mailed to you, night by night
  docs/AUDIT.md does the same with sha256sum and openssl.")]
pub(super) struct Verify {
    /// Folder that `convoke report RUN --out` wrote.
    dir: PathBuf,
    /// Fingerprint of the office's key, or of an earlier one.
    #[arg(long, value_name = "FINGERPRINT")]
    key: Option<String>,
    /// File or folder of checkpoints mailed to a witness.
    #[arg(long, value_name = "FILE")]
    witness: Option<PathBuf>,
}

impl Verify {
    pub(super) fn execute(self, session: &Session) -> Result<Exit> {
        if let Some(key) = &self.key
            && (key.len() != 64 || !key.bytes().all(|b| b.is_ascii_hexdigit()))
        {
            return Err(
                Usage(format!("--key {key}: expected 64 hexadecimal digits; `convoke keys show` prints them")).into()
            );
        }
        let witnessed = self.witness.as_deref().map(kept_by).transpose()?.unwrap_or_default();
        let files = read_folder(&self.dir).map_err(|e| BadData(format!("{e:#}")))?;
        let checks = verify(&files, self.key.as_deref(), &witnessed);
        let valid = checks.iter().all(|c| c.holds);
        let mut table = Columns::new(terminal_width());
        for check in &checks {
            table.row([if check.holds { "ok" } else { "WRONG" }, check.what, &check.found]);
        }
        let mut text = table.text();
        text += match (valid, &self.key) {
            (false, _) => "This report fails verification.\n",
            (true, Some(_)) => "Nothing has changed since the office signed it.\n",
            (true, None) => "Nothing has changed since it was signed. Only --key can tell by whom.\n",
        };
        session.print(&json!({"schema": "convoke.verify/1", "valid": valid, "checks": checks}), &text)?;
        Ok(if valid { Exit::Done } else { Exit::BadData })
    }
}

/// The checkpoints in what a witness kept: a file, or every file of a folder. E-mails are read as they are.
pub(super) fn kept_by(witness: &Path) -> Result<Vec<Sealed>> {
    let texts: Vec<Vec<u8>> = if witness.is_dir() {
        read_folder(witness)?.into_values().collect()
    } else {
        vec![std::fs::read(witness).with_context(|| format!("reading {}", witness.display()))?]
    };
    let decoded = |bytes: &Vec<u8>| {
        let mail = mail_parser::MessageParser::default().parse(bytes)?;
        Some(mail.body_text(0)?.into_owned())
    };
    let found: Vec<Sealed> = texts
        .iter()
        .flat_map(|bytes| {
            let plain = Sealed::all_in(&String::from_utf8_lossy(bytes));
            // Mail servers may have encoded it.
            if plain.is_empty() { decoded(bytes).map_or(plain, |text| Sealed::all_in(&text)) } else { plain }
        })
        .collect();
    if found.is_empty() {
        return Err(BadData(format!("{}: contains no complete checkpoint", witness.display())).into());
    }
    Ok(found)
}
