//! What commands end with besides success, and its exit code.

use super::exit::Exit;
use convoke_machine::confirm::NobodyToAsk;
use convoke_office::acts::Refused;
use convoke_settings::ConfigError;
use convoke_store::{NotMigrated, WrongUrl};

/// The command line asks for something impossible (exit code 2).
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub(super) String);

/// Bad input data (exit code 65).
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct BadData(pub(super) String);

/// The exit code of an error.
pub(super) fn exit_of(error: &anyhow::Error) -> Exit {
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

/// Whether a reader went away.
pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        let json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(std::io::ErrorKind::BrokenPipe)
    })
}
