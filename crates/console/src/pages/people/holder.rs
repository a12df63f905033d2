//! The person in the address.

use crate::failure::Failure;
use crate::visit::Visit;
use convoke_domain::ids::HolderId;
use convoke_domain::permit::Holder;

/// A holder of this préfecture.
pub(super) fn holder_of(visit: &mut Visit<'_, '_>) -> Result<(HolderId, Holder), Failure> {
    let id = visit.asked.part("holder_id").to_owned();
    let holder = visit.store.holders(&[&id])?.remove(&id).ok_or(Failure::Missing)?;
    Ok((HolderId(id), holder))
}
