//! The request of a browser: parts of the path, query, form, cookies. Parsed strictly, once.

use std::collections::BTreeMap;
use std::str::FromStr;

use axum::body::{Body, to_bytes};
use axum::extract::{RawPathParams, Request};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use serde::de::DeserializeOwned;

use super::failure::Failure;

/// A form of this program contains a reason and a few words.
const BODY_MAX: usize = 64 * 1024;

/// A parsed request.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    params: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Asked {
    pub(super) async fn read(request: Request<Body>, params: &RawPathParams) -> Result<Self, StatusCode> {
        let (head, body) = request.into_parts();
        let is_form = head
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
        let body = if head.method == Method::POST {
            let body = to_bytes(body, BODY_MAX).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
            if !is_form && !body.is_empty() {
                return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
            }
            body.to_vec()
        } else {
            Vec::new()
        };
        let params = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Self { method: head.method, uri: head.uri, headers: head.headers, params, body })
    }

    /// A part of the path; the route's pattern guarantees it.
    pub(super) fn part(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }

    /// The form.
    pub(super) fn form<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_urlencoded::from_bytes(&self.body).map_err(|_| Failure::Unreadable)
    }

    /// The query string.
    pub(super) fn query<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_urlencoded::from_str(self.uri.query().unwrap_or_default()).map_err(|_| Failure::Unreadable)
    }

    /// A cookie.
    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        let all = self.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        all.flat_map(|line| line.split(';')).find_map(|pair| {
            let (found, value) = pair.trim().split_once('=')?;
            (found == name).then_some(value)
        })
    }

    /// The requested address, to come back to.
    pub(super) fn path_and_query(&self) -> &str {
        self.uri.path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str)
    }
}

/// A word of a closed list, or nothing.
pub(super) fn word<T: FromStr>(text: &str) -> Result<Option<T>, Failure> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| Failure::Unreadable) }
}
