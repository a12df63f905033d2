//! Exécutions: what each night did, live and afterwards.

use super::Route;

pub(super) const ROUTES: &[Route] = &[];
