//! The run in the address.

use crate::failure::Failure;
use crate::visit::Visit;
use convoke_domain::ids::RunId;
use convoke_store::RunRow;

pub(super) fn id_of(visit: &Visit<'_, '_>) -> RunId {
    let part = |name| visit.asked.part(name);
    RunId(format!("{}/{}/{}", part("code"), part("jour"), part("numero")))
}

pub(super) fn row_of(visit: &mut Visit<'_, '_>, id: &RunId) -> Result<RunRow, Failure> {
    visit.store.run(id)?.ok_or(Failure::Missing)
}
