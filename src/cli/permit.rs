//! `convoke permit`.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::exit::Exit;
use super::failure::{BadData, Usage};
use super::session::{Session, given};
use super::{find, holder, privacy};
use convoke_domain::ids::{HolderId, sha256_hex};
use convoke_domain::ledger::Event;
use convoke_machine::entropy::Entropy;
use convoke_machine::process;
use convoke_store::Use;

#[derive(Debug, Subcommand)]
pub(super) enum Permit {
    Find(find::Find),
    /// Link holders as one household: they are convoked together if that costs nobody an appointment
    ///
    /// The link applies from the next run on, whatever later extracts say. Anyone who has the same `foyer` in an
    /// extract as one of them, now or later, belongs to it too. Firm appointments never move.
    #[command(after_long_help = "Examples:
  convoke permit link 9400000001 9400000002 --reason \"mother and son, at the counter\"
  convoke permit link 9400000002 --undo --reason \"another family\"")]
    Link {
        /// Foreigner numbers.
        #[arg(required = true, value_name = "NUMBER")]
        numbers: Vec<String>,
        /// Reason, kept in the ledger for good: do not name anyone.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Unlink these holders: their household is again that of the extract.
        #[arg(long)]
        undo: bool,
    },
    Timeline(holder::Timeline),
    Hold(holder::Hold),
    Release(holder::Release),
    SetEmail(holder::SetEmail),
    Export(privacy::Export),
    Erase(privacy::Erase),
}

impl Permit {
    pub(super) fn execute(self, session: &Session) -> Result<Exit> {
        let (mut numbers, reason, undo) = match self {
            Self::Link { numbers, reason, undo } => (numbers, reason, undo),
            Self::Find(find) => return find.execute(session),
            Self::Timeline(timeline) => return timeline.execute(session),
            Self::Hold(hold) => return hold.execute(session),
            Self::Release(release) => return release.execute(session),
            Self::SetEmail(set) => return set.execute(session),
            Self::Export(export) => return export.execute(session),
            Self::Erase(erase) => return erase.execute(session),
        };
        let reason = given(reason.as_ref())?;
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.len() < 2 && !undo {
            return Err(Usage("a household has at least two holders: give two different numbers".into()).into());
        }
        let config = session.configuration()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let prefecture = store.prefecture().to_owned();
        let changed = store.write(|s| {
            let mut people: BTreeMap<HolderId, &String> = BTreeMap::new();
            for number in &numbers {
                let id = s.holder_by_number(number)?.ok_or_else(|| {
                    BadData(format!(
                        "nobody has the number {number} in the préfecture {prefecture}: nothing was changed"
                    ))
                })?;
                people.insert(id, number);
            }
            let ids: Vec<&HolderId> = people.keys().collect();
            let now = session.clock.now();
            let changed = if undo {
                s.unlink_household(&ids)?
            } else {
                // A name of its own: holders left from an earlier link must not end up in this one.
                let name = sha256_hex(format!("{now} {ids:?}").as_bytes());
                s.link_household(&ids, &format!("link/{}", &name[..16]), now)?;
                ids.len()
            };
            let named: Vec<(&str, &str)> = people.iter().map(|(id, number)| (id.0.as_str(), number.as_ref())).collect();
            let commitments = s.commitments(&named, &mut Entropy::System)?;
            let kind = if undo { "household.unlinked" } else { "household.linked" };
            let payload = json!({"holders": commitments, "reason": reason});
            s.record(&process::login(), now, vec![Event { kind, payload }])?;
            Ok(changed)
        })?;
        let text = if undo {
            format!("{changed} of {} holders were linked, and are no longer.\n", numbers.len())
        } else {
            format!("{changed} holders are one household from the next run on.\n")
        };
        session.print(&json!({"schema": "convoke.link/1", "holders": changed, "linked": !undo}), &text)?;
        Ok(Exit::Done)
    }
}
