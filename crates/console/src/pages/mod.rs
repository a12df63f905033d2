//! The pages, and the one table of the right that each of them requires.

mod audit;
mod counter;
mod home;
mod letters;
mod night;
mod people;
mod preview;
mod requests;
mod runs;
mod sign_in;
mod slots;
mod undo;
mod way;

use super::failure::Failure;
use super::route::{Route, get};
use convoke_domain::access::Right;

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
    undo::ROUTES,
    audit::ROUTES,
    // A client that is not signed in must not learn which addresses exist.
    &[get(Right::SignedIn, "/{*rest}", |_| Err(Failure::Missing))],
];
