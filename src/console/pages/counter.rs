//! Guichet: who is expected on a day, and who came.

use super::Route;

pub(super) const ROUTES: &[Route] = &[];
