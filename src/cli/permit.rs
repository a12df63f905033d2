//! `convoke permit`.

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::{BadData, Exit, Session, Usage};
use crate::entropy::Entropy;
use crate::ids::HolderId;
use crate::ledger::Event;
use crate::process;
use crate::store::Use;

#[derive(Debug, Subcommand)]
pub(super) enum Permit {
    /// Make holders one household: they are convoked together where that costs nobody an appointment
    ///
    /// The link holds whatever the next extract says of them, from the next run on. If one of them has a household already,
    /// the others join it. Appointments that are firm never move.
    #[command(after_long_help = "Examples:
  convoke permit link 9400000001 9400000002 --reason \"mother and son, at the counter\"
  convoke permit link 9400000002 --undo --reason \"another family\"")]
    Link {
        /// Foreigner numbers.
        #[arg(required = true, value_name = "NUMBER")]
        numbers: Vec<String>,
        /// Why; stands in the ledger.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// End the links of these holders: their household is again that of the extract.
        #[arg(long)]
        undo: bool,
    },
}

impl Permit {
    pub(super) fn execute(self, session: &Session) -> Result<Exit> {
        let Self::Link { mut numbers, reason, undo } = self;
        let Some(reason) = reason.map(|r| r.trim().to_owned()).filter(|r| !r.is_empty()) else {
            return Err(Usage("what is done by hand needs a reason: --reason \"why\"".into()).into());
        };
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.len() < 2 && !undo {
            return Err(Usage("a household has at least two holders: give two different numbers".into()).into());
        }
        let config = session.configuration()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let id_key = store.id_key(&mut Entropy::System)?;
        let prefecture = store.prefecture().to_owned();
        let linked = store.write(|s| {
            let mut ids: Vec<HolderId> = Vec::new();
            for number in &numbers {
                let id = s.holder_by_number(number)?;
                ids.push(id.ok_or_else(|| BadData(format!("nobody has the number {number} in the préfecture {prefecture}: nothing was changed")))?);
            }
            let names: Vec<&str> = ids.iter().map(|id| id.0.as_str()).collect();
            let holders = s.holders(&names)?;
            let known = ids.iter().find_map(|id| holders.get(&id.0)?.household.clone());
            let household = known.unwrap_or_else(|| format!("link/{}", ids[0]));
            if undo {
                s.unlink_household(&ids)?;
            } else {
                s.link_household(&ids, &household, session.clock.now())?;
            }
            let mut commitments = Vec::new();
            for (id, number) in ids.iter().zip(&numbers) {
                commitments.push(s.commitment(&id.0, number, &mut Entropy::System)?);
            }
            let payload = json!({
                "household": (!undo).then(|| id_key.household(&prefecture, &household)), "holders": commitments, "reason": reason,
            });
            let kind = if undo { "household.unlinked" } else { "household.linked" };
            s.record(None, &process::login(), &[Event { kind, payload }])?;
            Ok(ids.len())
        })?;
        let text = if undo {
            format!("The links of {linked} holders are ended.\n")
        } else {
            format!("{linked} holders are one household from the next run on.\n")
        };
        session.print(&json!({"schema": "convoke.link/1", "holders": linked, "linked": !undo}), &text)?;
        Ok(Exit::Done)
    }
}
