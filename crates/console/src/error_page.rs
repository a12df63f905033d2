//! Error pages: in the frame of the console where the user is known, else bare and in both languages.

use askama::Template;
use axum::http::header;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono_tz::Tz;

use super::answer::html;
use super::assets;
use super::failure::Failure;
use super::frame::Frame;
use super::visit::Call;
use super::words::{Language, Words};

impl Failure {
    /// An error page, which says what went wrong and that nothing was changed.
    pub(super) fn into_page(self, call: &Call<'_>) -> Response {
        if let Self::Broken(error) = &self {
            tracing::error!("A page failed: {error:#}");
        }
        let (status, t) = (self.status(), call.words());
        let mut frame = call.frame(match &self {
            Self::Missing => "failed-missing-title",
            _ if call.asked.method == Method::GET => "failed-page-title",
            _ => "failed-title",
        });
        // The one-time message is left for the next page.
        frame.notice = None;
        // An unexpected error may have happened after the act.
        let unchanged = call.asked.method == Method::POST && !matches!(self, Self::Broken(_));
        let page = Failed { text: self.text(t), unchanged, frame };
        let mut response = html(&page).unwrap_or_else(Self::into_bare);
        *response.status_mut() = status;
        if self.status() == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        }
        response
    }

    /// The same, if not even a page can be rendered.
    pub(super) fn into_bare(self) -> Response {
        if let Self::Broken(error) = &self {
            tracing::error!("A page failed: {error:#}");
        }
        bare(self.status())
    }
}

#[derive(Template)]
#[template(path = "console/failed.html")]
struct Failed {
    frame: Frame,
    text: String,
    unchanged: bool,
}

#[derive(Template)]
#[template(path = "console/bare.html")]
struct Bare {
    texts: [(Language, String); 2],
    version: &'static str,
}

/// An error page in both languages, for when neither user nor préfecture is known.
pub(super) fn bare(status: StatusCode) -> Response {
    let key = match status {
        StatusCode::BAD_REQUEST => "failed-unreadable",
        StatusCode::FORBIDDEN => "bare-forbidden",
        StatusCode::NOT_FOUND => "failed-missing",
        StatusCode::METHOD_NOT_ALLOWED => "bare-method",
        StatusCode::REQUEST_TIMEOUT => "bare-late",
        StatusCode::PAYLOAD_TOO_LARGE => "bare-large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "bare-form",
        StatusCode::TOO_MANY_REQUESTS => "failed-too-often",
        StatusCode::SERVICE_UNAVAILABLE => "bare-busy",
        _ => "failed-broken",
    };
    let texts = [Language::Fr, Language::En].map(|language| (language, Words::of(language, Tz::UTC).say(key)));
    let page = Bare { texts, version: assets::version() };
    let mut response = html(&page).unwrap_or_else(|_| status.into_response());
    *response.status_mut() = status;
    response
}

/// An unknown address: a client that is not signed in learns nothing about existing ones.
pub(super) fn nowhere() -> Response {
    bare(StatusCode::NOT_FOUND)
}
