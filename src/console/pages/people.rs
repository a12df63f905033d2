//! Personne: found by name or number; everything that happened to them, and what can be done.

use super::Route;

pub(super) const ROUTES: &[Route] = &[];
