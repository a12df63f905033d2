//! The pages, and the one table of the right that each of them requires.

mod audit;
mod counter;
mod home;
mod letters;
mod people;
mod preview;
mod requests;
mod runs;
mod sign_in;
mod slots;

use axum::http::Method;

use super::page::{Answer, Failure};
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

const fn open(method: Method, path: &'static str, page: fn(&mut Call<'_>) -> Answer) -> Route {
    Route { method, path, right: Right::Anyone, page: Page::Open(page) }
}

const fn get(right: Right, path: &'static str, page: fn(&mut Visit<'_, '_>) -> Answer) -> Route {
    Route { method: Method::GET, path, right, page: Page::Inside(right, page) }
}

const fn post(right: Right, path: &'static str, page: fn(&mut Visit<'_, '_>) -> Answer) -> Route {
    Route { method: Method::POST, path, right, page: Page::Inside(right, page) }
}

/// Every page, room by room. Whatever changes something is a POST, and requires [`Right::Act`] unless it concerns only
/// the user.
pub static ROUTES: &[&[Route]] = &[
    sign_in::ROUTES,
    home::ROUTES,
    runs::ROUTES,
    preview::ROUTES,
    people::ROUTES,
    slots::ROUTES,
    letters::ROUTES,
    requests::ROUTES,
    counter::ROUTES,
    audit::ROUTES,
    // A client that is not signed in must not learn which addresses exist.
    &[get(Right::SignedIn, "/{*rest}", |_| Err(Failure::Missing))],
];
