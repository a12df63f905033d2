//! Files as they are read: with the file's name, and what was expected, in every error.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::error::ConfigError;
use super::spelling::did_you_mean;

/// The text of a file; `hint` is what to do if it cannot be read.
pub(super) fn read(file: &Path, hint: &str) -> Result<String, ConfigError> {
    fs::read_to_string(file).map_err(|e| ConfigError(format!("{}: {e}; {hint}", file.display())))
}

/// What was read from a file, or an error that names the file.
pub(super) fn in_file<T, E: fmt::Display>(file: &Path, result: Result<T, E>) -> Result<T, ConfigError> {
    result.map_err(|e| ConfigError(format!("{}: {}", file.display(), did_you_mean(e.to_string()))))
}

/// The file of a secret: the configured one, or the systemd credential.
pub(super) fn secret_file(named: Option<&Path>, credential: &str) -> Option<PathBuf> {
    let credential = || std::env::var_os("CREDENTIALS_DIRECTORY").map(|d| Path::new(&d).join(credential));
    named.map(Path::to_path_buf).or_else(|| credential().filter(|f| f.exists()))
}

/// A secret: from its file, or as it was given.
pub(super) fn secret(
    file: Option<&Path>,
    credential: &str,
    given: Option<&SecretString>,
) -> Result<Option<SecretString>, ConfigError> {
    match secret_file(file, credential) {
        Some(file) => {
            let text = read(&file, "`password_file` names it")?;
            Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned().into()))
        }
        None => Ok(given.cloned()),
    }
}
