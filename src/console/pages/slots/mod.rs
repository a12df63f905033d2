//! Créneaux: how full desks are, closures, the seats that will be missing.

use super::Route;

pub(super) const ROUTES: &[Route] = &[];
