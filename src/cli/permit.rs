//! `convoke permit`.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::Exit;
use super::failure::{BadData, Usage};
use super::session::{Session, given};
use super::{find, holder, privacy};
use convoke_domain::ids::{HolderId, sha256_hex};
use convoke_domain::ledger::Event;
use convoke_domain::permit::is_foreigner_number;
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
    /// Give a holder the number that the register has now
    ///
    /// For a foreigner number that was corrected in the register, and that nobody has here yet. Appointments, letters
    /// and the ledger stay with the holder; an extract finds them under either number.
    #[command(after_long_help = "Example:
  convoke permit renumber 9400000001 9400000009 --reason \"corrected in the register on 3 March\"")]
    Renumber(Numbers),
    /// Make one person of two numbers
    ///
    /// For a foreigner number that was corrected in the register while both are known here. Everything of the new
    /// number goes to the holder of the old one, who then has the new number. Refused while each has an appointment to
    /// come.
    #[command(after_long_help = "Example:
  convoke permit merge 9400000001 9400000009 --reason \"one person, by the register of 3 March\"")]
    Merge(Numbers),
    Timeline(holder::Timeline),
    Hold(holder::Hold),
    Release(holder::Release),
    SetEmail(holder::SetEmail),
    Export(privacy::Export),
    Erase(privacy::Erase),
}

#[derive(Debug, Args)]
pub(super) struct Numbers {
    /// The number that the holder has here.
    #[arg(value_name = "OLD")]
    old: String,
    /// The number that the register has now.
    #[arg(value_name = "NEW")]
    new: String,
    /// Reason, kept in the ledger for good: do not name anyone.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// `merge`: whether somebody must be known under the new number; else nobody may be.
fn renumber(session: &Session, numbers: &Numbers, merge: bool) -> Result<Exit> {
    let reason = given(numbers.reason.as_ref())?;
    let (old, new) = (numbers.old.as_str(), numbers.new.as_str());
    if !is_foreigner_number(new) {
        return Err(Usage(format!("`{new}` is no foreigner number: 9 or 10 digits")).into());
    }
    let config = session.configuration_to_read()?;
    let mut store = Session::store(&config, Use::Batch)?;
    let made = store.id_key(&mut Entropy::System)?.holder(store.prefecture(), new);
    let renumbered = store.write(|s| {
        let who = s
            .holder_by_number(old)?
            .ok_or_else(|| BadData(format!("nobody has the number {old} here: nothing was changed")))?;
        let other = s.holder_by_number(new)?;
        match (merge, &other) {
            (true, None) => return Err(BadData(format!("nobody has the number {new} here: use renumber")).into()),
            (false, Some(_)) => return Err(BadData(format!("somebody has the number {new} here: use merge")).into()),
            _ => {}
        }
        let commitments = s.commitments(&[(&who.0, old), (&who.0, new)], &mut Entropy::System)?;
        let renumbered = s.renumber(&who, new, &made)?.map_err(|clash| BadData(clash.to_string()))?;
        let kind = if merge { "holder.merged" } else { "holder.renumbered" };
        let payload = json!({"holder": commitments, "permits": renumbered.permits, "reason": reason});
        s.record_about(&who, &process::login(), session.clock.now(), Event { kind, payload })?;
        Ok(renumbered)
    })?;
    let text = match renumbered.permits {
        0 => "The holder has the new number.\n".to_owned(),
        n => format!("The holder has the new number, and its {n} permits; the next run reviews them.\n"),
    };
    session.print(&json!({"schema": "convoke.renumber/1", "permits": renumbered.permits, "merged": merge}), &text)?;
    Ok(Exit::Done)
}

impl Permit {
    pub(super) fn execute(self, session: &Session) -> Result<Exit> {
        let (mut numbers, reason, undo) = match self {
            Self::Link { numbers, reason, undo } => (numbers, reason, undo),
            Self::Renumber(numbers) => return renumber(session, &numbers, false),
            Self::Merge(numbers) => return renumber(session, &numbers, true),
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
