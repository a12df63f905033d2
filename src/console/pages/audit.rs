//! Audit: the ledger, reports and their verification, acts by actor, who has read what.

use super::Route;

pub(super) const ROUTES: &[Route] = &[];
