//! Demandes: written requests.

use super::Route;

pub(super) const ROUTES: &[Route] = &[];
