//! The frame of every page, and error pages.

use askama::Template;
use axum::body::Body;
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono_tz::Tz;

use super::assets;
use super::is_html;
use super::session::Agent;
use super::visit::Call;
use super::words::{Language, Words};
use convoke_domain::access::Right;
use convoke_office::acts::{Refused, WrongReason};
use convoke_report::List;
use convoke_report::lists::workbook;
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
    Told(String),
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
    fn status(&self) -> StatusCode {
        match self {
            Self::Missing => StatusCode::NOT_FOUND,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::Reason(_) | Self::Unconfirmed | Self::Told(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Refused(_) => StatusCode::CONFLICT,
            Self::TooOften => StatusCode::TOO_MANY_REQUESTS,
            Self::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn told(&self, t: Words) -> String {
        match self {
            Self::Missing => t.say("failed-missing"),
            Self::Forbidden => t.say("failed-forbidden"),
            Self::Unreadable => t.say("failed-unreadable"),
            Self::Reason(wrong) => t.wrong_reason(*wrong),
            Self::Unconfirmed => t.say("failed-unconfirmed"),
            Self::Refused(refused) => t.refused(refused),
            Self::Told(told) => told.clone(),
            Self::TooOften => t.say("failed-too-often"),
            Self::Broken(_) => t.say("failed-broken"),
        }
    }

    /// An error page, which says what went wrong and that nothing was changed.
    pub(super) fn into_page(self, call: &Call<'_>) -> Response {
        if let Self::Broken(error) = &self {
            tracing::error!("A page failed: {error:#}");
        }
        let (status, t) = (self.status(), call.words());
        let mut frame = call.frame(match &self {
            Self::Missing => "failed-missing-title",
            _ if call.asked.method == axum::http::Method::GET => "failed-page-title",
            _ => "failed-title",
        });
        // The one-time message is left for the next page.
        frame.notice = None;
        // An unexpected error may have happened after the act.
        let unchanged = call.asked.method == axum::http::Method::POST && !matches!(self, Self::Broken(_));
        let page = Failed { told: self.told(t), unchanged, frame };
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
    told: String,
    unchanged: bool,
}

/// A menu entry.
pub(super) struct Entry {
    pub(super) path: &'static str,
    pub(super) key: &'static str,
}

/// The menu, and the right that each entry requires.
const MENU: &[(Right, Entry)] = &[
    (Right::Read, Entry { path: "/", key: "menu-home" }),
    (Right::Read, Entry { path: "/executions", key: "menu-runs" }),
    (Right::Read, Entry { path: "/apercu", key: "menu-preview" }),
    (Right::Read, Entry { path: "/personnes", key: "menu-people" }),
    (Right::Read, Entry { path: "/creneaux", key: "menu-slots" }),
    (Right::Read, Entry { path: "/courriers", key: "menu-letters" }),
    (Right::Read, Entry { path: "/demandes", key: "menu-requests" }),
    (Right::Read, Entry { path: "/guichet", key: "menu-counter" }),
    (Right::Audit, Entry { path: "/audit", key: "menu-audit" }),
];

/// The frame of a page.
pub(super) struct Frame {
    /// Texts.
    pub(super) t: Words,
    /// `/94`.
    pub(super) base: String,
    /// Name of the préfecture.
    pub(super) office: String,
    /// Its title.
    pub(super) title: String,
    /// The address below [`Frame::base`].
    pub(super) here: String,
    pub(super) agent: Option<Agent>,
    /// Message shown once.
    pub(super) notice: Option<String>,
    pub(super) menu: Vec<&'static Entry>,
    pub(super) themed: bool,
    /// Version of style sheet and script: a new version has a new address.
    pub(super) version: &'static str,
    /// Version of the program.
    pub(super) program: &'static str,
}

impl Frame {
    pub(super) fn new(call: &Call<'_>, title: &str) -> Self {
        let (t, agent) = (call.words(), call.agent.clone());
        let base = call.base();
        let path = call.asked.uri.path();
        let here = path.strip_prefix(&base).unwrap_or(path).to_owned();
        let role = agent.as_ref().map(|a| a.role);
        let menu = MENU.iter().filter(|(right, _)| role.is_some_and(|role| role.may(*right))).map(|(_, e)| e).collect();
        let notice = agent.as_ref().and_then(|a| a.row.notice.clone());
        let office = call.config().settings.prefecture.name.clone();
        Self {
            title: t.say(title),
            t,
            base,
            office,
            here,
            agent,
            notice,
            menu,
            themed: call.bureau.theme.has_style(),
            version: assets::version(),
            program: env!("CARGO_PKG_VERSION"),
        }
    }

    /// Whether the user may also act.
    pub(super) fn acts(&self) -> bool {
        self.agent.as_ref().is_some_and(|a| a.role.may(Right::Act))
    }

    /// Whether a menu entry is the current one.
    pub(super) fn is_here(&self, entry: &Entry) -> bool {
        if entry.path == "/" { self.here == "/" } else { self.here.starts_with(entry.path) }
    }
}

/// A page.
pub(super) fn html(page: &impl Template) -> Answer {
    let text = page.render().map_err(|e| Failure::Broken(anyhow::anyhow!("a page could not be written: {e}")))?;
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response())
}

/// Redirects to another page after an act, so that reloading does not repeat it.
pub(super) fn see(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, path.to_owned())]).into_response()
}

/// A file to download. Its name is chosen by the program and contains no personal data.
pub(super) fn file(name: &str, kind: &'static str, bytes: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], bytes).into_response()
}

/// A list to download, as CSV or as a spreadsheet.
pub(super) fn export(name: &str, list: &List, format: &str) -> Answer {
    match format {
        "csv" => Ok(file(&format!("{name}.csv"), "text/csv; charset=utf-8", list.to_csv().into_bytes())),
        "xlsx" => {
            let book = workbook(std::slice::from_ref(list)).map_err(|e| Failure::Broken(e.into()))?;
            let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
            Ok(file(&format!("{name}.xlsx"), kind, book))
        }
        _ => Err(Failure::Missing),
    }
}

#[derive(Template)]
#[template(path = "console/bare.html")]
struct Bare {
    told: [(Language, String); 2],
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
    let told = [Language::Fr, Language::En].map(|language| (language, Words::of(language, Tz::UTC).say(key)));
    let page = Bare { told, version: assets::version() };
    let mut response = html(&page).unwrap_or_else(|_| status.into_response());
    *response.status_mut() = status;
    response
}

/// An unknown address: a client that is not signed in learns nothing about existing ones.
pub(super) fn nowhere() -> Response {
    bare(StatusCode::NOT_FOUND)
}

/// The redirect from `/`: to the préfecture if there is only one, else to the choice.
pub(super) fn home_of(codes: Vec<String>) -> impl Fn() -> Response + Clone {
    move || match codes.as_slice() {
        [one] => see(&format!("/{one}/")),
        several => {
            let link = |code: &String| format!("<li><a href=\"/{code}/\">{code}</a></li>");
            let body: String = several.iter().map(link).collect();
            let page = format!(
                "<!doctype html><html lang=\"fr\"><head><meta charset=\"utf-8\"><title>convoke</title></head><body><main><h1>Préfectures</h1><ul>{body}</ul></main></body></html>"
            );
            ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
        }
    }
}

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
