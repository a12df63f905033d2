//! The ways to pages, and who may take them.

use axum::http::{Method, header};
use axum::response::Response;

use super::answer::{is_html, see};
use super::failure::{Answer, Failure};
use super::limits::network;
use super::session;
use super::visit::{Call, Visit};
use convoke_domain::access::Right;

/// The handler of an address.
pub(super) enum Page {
    /// For anyone.
    Open(fn(&mut Call<'_>) -> Answer),
    /// For signed-in users with the right.
    Inside(Right, fn(&mut Visit<'_, '_>) -> Answer),
}

/// One way to a page.
pub struct Route {
    /// GET, which changes nothing, or POST.
    pub method: Method,
    /// Below the préfecture's code. Parts in braces are opaque identifiers, never personal data.
    pub path: &'static str,
    /// The required right.
    pub right: Right,
    pub(super) page: Page,
}

pub(super) const fn open(method: Method, path: &'static str, page: fn(&mut Call<'_>) -> Answer) -> Route {
    Route { method, path, right: Right::Anyone, page: Page::Open(page) }
}

pub(super) const fn get(right: Right, path: &'static str, page: fn(&mut Visit<'_, '_>) -> Answer) -> Route {
    Route { method: Method::GET, path, right, page: Page::Inside(right, page) }
}

pub(super) const fn post(right: Right, path: &'static str, page: fn(&mut Visit<'_, '_>) -> Answer) -> Route {
    Route { method: Method::POST, path, right, page: Page::Inside(right, page) }
}

impl Call<'_> {
    /// The answer of a route, if the user has the right.
    pub(super) fn answer(&mut self, route: &Route) -> Answer {
        let http = &self.bureau.config.settings.http;
        let agent = session::resume(self.store, http, &self.asked, self.now())?;
        self.agent.clone_from(&agent);
        let who = agent.as_ref().map_or_else(|| network(self.client), |a| a.row.began_at.to_string() + &a.actor);
        if !self.limits.may_ask(&who) {
            return Err(Failure::TooOften);
        }
        match route.page {
            Page::Open(page) => page(self),
            Page::Inside(right, page) => {
                let Some(agent) = agent else { return Ok(self.to_sign_in()) };
                if !agent.role.may(right) {
                    return Err(Failure::Forbidden);
                }
                let shown = agent.row.notice.clone();
                let mut visit = Visit::new(self, agent);
                let response = page(&mut visit)?;
                if let Some(shown) = shown.filter(|_| visit.asked.method == Method::GET && is_html(&response)) {
                    let token = visit.agent().row.token.clone();
                    visit.store.write_rows(|s| s.set_notice(&token, None, Some(&shown)))?;
                }
                Ok(response)
            }
        }
    }

    /// Redirects to the sign-in page, and from there to the requested one.
    fn to_sign_in(&self) -> Response {
        let base = self.base();
        let encoded =
            |path| percent_encoding::utf8_percent_encode(path, percent_encoding::NON_ALPHANUMERIC).to_string();
        if self.asked.method == Method::GET {
            return see(&format!("{base}/connexion?vers={}", encoded(self.asked.path_and_query())));
        }
        // The submitted form is lost: the message says so, and the next page is the one with the form.
        let referer = self.asked.headers.get(header::REFERER).and_then(|r| r.to_str().ok()).unwrap_or_default();
        let path = referer.find(&format!("{base}/")).map_or("", |at| &referer[at..]);
        see(&format!("{base}/connexion?expire=oui&vers={}", encoded(path)))
    }
}
