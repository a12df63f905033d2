//! Undoing an import of permits: what it changed goes back to what it was, and the nights follow. What was built on it
//! stays, and is listed.

use std::collections::HashSet;

use anyhow::Result;
use serde_json::json;

use super::{Left, Undone, Why};
use crate::acts::{Hand, Refused};
use convoke_machine::confirm::Confirmed;
use convoke_store::{BuiltOn, Store};

/// Undoes the last import of permits. Facts go back for everybody, because what a night did on a wrong one the next
/// night takes back; permits that were new are removed with their holders, unless something was built on them.
pub fn undo_import(store: &mut Store, hand: &Hand<'_>, import: i64, confirmed: &Confirmed) -> Result<Undone> {
    store.write(|s| imported(s, hand, import, confirmed))
}

/// Runs in the caller's transaction.
pub(super) fn imported(s: &mut Store, hand: &Hand<'_>, import: i64, confirmed: &Confirmed) -> Result<Undone> {
    let kept = s.imports_kept()?.into_iter().find(|kept| kept.import_id == import);
    let kept = kept.ok_or(Refused::NoImport(import))?;
    if s.is_extract_after(import)? {
        return Err(Refused::LaterImport(import).into());
    }
    let built = s.built_on(&kept)?;
    let permits: HashSet<&str> = built.iter().map(|built| built.permit_id.as_str()).collect();
    let (rows, changed) = s.undo_import(&kept, &permits, hand.now(), confirmed)?;
    let changed = changed.into_iter().map(|number| Left {
        reference: number,
        why: Why::ChangedSince,
        mend: "the next extract says what holds".to_owned(),
    });
    let left: Vec<Left> = built.iter().map(stays).chain(changed).collect();
    let payload = json!({"import": import, "sha256": kept.sha256, "restored": rows.restored, "removed": rows.removed,
        "left": left.len()});
    hand.record(s, None, "import.undone", payload)?;
    Ok(Undone { undone: vec![import.to_string()], left, rows: Some(rows) })
}

fn stays(built: &BuiltOn) -> Left {
    let mend = match built.what.as_str() {
        "convocation" => {
            format!("convoke convocation cancel {} --reason TEXT, if the person needs none", built.reference)
        }
        "notice" => "a letter said so: tell the person".to_owned(),
        "request" => format!("convoke requests decide {} --refuse --reason TEXT, if it is void", built.reference),
        _ => "the next night looks at the appointment again".to_owned(),
    };
    Left { reference: built.reference.clone(), why: Why::BuiltOn, mend }
}
