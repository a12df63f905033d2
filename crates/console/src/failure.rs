//! Why there is no page.

use axum::http::StatusCode;
use axum::response::Response;

use super::words::Words;
use convoke_office::acts::{Refused, WrongReason};
use convoke_settings::ConfigError;

/// The result of a page.
pub(super) type Answer = Result<Response, Failure>;

/// Why there is no page.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing at this address, or it belongs to another préfecture.
    Missing,
    /// The role does not have this right.
    Forbidden,
    /// A form or an address that none of our pages produces.
    Unreadable,
    /// A reason that cannot go into the ledger.
    Reason(WrongReason),
    /// The confirmation was typed wrong.
    Unconfirmed,
    /// Refused by an act.
    Refused(Refused),
    /// Refused, with the page's own message.
    Text(String),
    /// Too many requests.
    TooOften,
    /// An unexpected error, which is logged.
    Broken(anyhow::Error),
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Broken(error.into())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<Refused>() {
            Ok(refused) => Self::Refused(refused),
            Err(error) => Self::Broken(error),
        }
    }
}

impl Failure {
    /// The status of the error page.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Missing => StatusCode::NOT_FOUND,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::Reason(_) | Self::Unconfirmed | Self::Text(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Refused(_) => StatusCode::CONFLICT,
            Self::TooOften => StatusCode::TOO_MANY_REQUESTS,
            Self::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What the user is told.
    pub(super) fn text(&self, t: Words) -> String {
        match self {
            Self::Missing => t.say("failed-missing"),
            Self::Forbidden => t.say("failed-forbidden"),
            Self::Unreadable => t.say("failed-unreadable"),
            Self::Reason(wrong) => t.wrong_reason(*wrong),
            Self::Unconfirmed => t.say("failed-unconfirmed"),
            Self::Refused(refused) => t.refused(refused),
            Self::Text(text) => text.clone(),
            Self::TooOften => t.say("failed-too-often"),
            Self::Broken(_) => t.say("failed-broken"),
        }
    }
}
