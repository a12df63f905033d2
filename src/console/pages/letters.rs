//! Courriers: the queue, post batches, what came back.

use super::Route;

pub(super) const ROUTES: &[Route] = &[];
