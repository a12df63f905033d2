//! Security headers of every response.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{self, HeaderName};
use axum::response::Response;

use super::answer::is_html;
use super::error_page::bare;

/// Nothing is loaded from elsewhere, nothing is framed or cached, and pages contain no inline script.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; \
                      frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Adds security headers to every response. A refusal by a layer before any page is turned into a page too.
pub(super) async fn harden(mut response: Response<Body>) -> Response<Body> {
    let refused = response.status().is_client_error() || response.status().is_server_error();
    if refused && !is_html(&response) {
        let (mut head, body) = bare(response.status()).into_parts();
        // The allowed methods, the seconds to wait.
        let kept = |name: &&HeaderName| [header::ALLOW, header::RETRY_AFTER].contains(*name);
        for name in response.headers().keys().filter(kept) {
            head.headers.insert(name.clone(), response.headers()[name].clone());
        }
        response = Response::from_parts(head, body);
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        // A preview or a style sheet has set its own.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
