//! What is wrong in a configuration.

use std::fmt;

/// What is wrong in the configuration, where, and what to do (exit code 78).
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// A mistake, in words.
pub(super) fn wrong<T>(message: impl fmt::Display) -> Result<T, ConfigError> {
    Err(ConfigError(message.to_string()))
}
