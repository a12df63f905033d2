//! Aperçu: what tonight would do, and doing exactly that.

use super::Route;

pub(super) const ROUTES: &[Route] = &[];
