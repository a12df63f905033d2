//! The pages, and the one table that says which of them wants which right.

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

/// What answers at an address.
pub(super) enum Page {
    /// For whoever comes.
    Open(fn(&mut Call<'_>) -> Answer),
    /// For whoever is signed in and has the right.
    Inside(Right, fn(&mut Visit<'_, '_>) -> Answer),
}

/// One way to a page.
pub struct Route {
    /// GET, which changes nothing, or POST.
    pub method: Method,
    /// Below the code of the préfecture; parts in braces are opaque identifiers, never anybody's data.
    pub path: &'static str,
    /// What it asks for.
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

/// Every page, room by room. What changes something is a POST, and asks for [`Right::Act`] unless it concerns only whoever asks.
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
    // Whoever is not signed in is not told which addresses there are.
    &[get(Right::SignedIn, "/{*rest}", |_| Err(Failure::Missing))],
];
