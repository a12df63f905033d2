//! `convoke plan`.

use std::fmt::Write as _;

use anyhow::Result;
use chrono::NaiveDate;
use clap::Args;
use serde_json::json;

use super::{Exit, Session};
use crate::entropy::Entropy;
use crate::run::{Preview, Tools, preview};
use crate::store::Use;

/// Show what a night would do, without writing anything.
///
/// Prints the plan's hash: `convoke run --plan HASH` carries out exactly this plan, or refuses.
#[derive(Debug, Args)]
pub(super) struct Plan {
    /// Business date; today by default, a day to come is possible.
    #[arg(long, value_name = "DATE")]
    date: Option<NaiveDate>,
}

impl Plan {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let config = session.configuration()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let progress = session.progress();
        let mut tools = Tools {
            clock: &session.clock,
            entropy: &mut Entropy::System,
            progress: &|stage, done, total| progress.show(stage, done, total),
        };
        let seen = preview(&mut store, &config, self.date, &mut tools)?;
        progress.clear();
        let f = seen.figures;
        let document = json!({
            "schema": "convoke.preview/1", "prefecture": store.prefecture(), "business_date": seen.business_date,
            "scanned": seen.outcomes.values().sum::<u64>(), "outcomes": seen.outcomes, "firm": f.firm, "planned": f.planned,
            "lapses": {"no_possible_day": f.no_possible_day, "no_capacity": f.no_capacity}, "late_firm": f.late_firm,
            "without_seat": f.without_seat, "input_hash": seen.input_hash, "policy_hash": seen.policy_hash, "plan_hash": seen.plan_hash,
            "warnings": seen.warnings,
        });
        session.print(&document, &text(&seen))?;
        Ok(if f.no_possible_day + f.no_capacity + f.without_seat > 0 { Exit::WithoutSlot } else { Exit::Done })
    }
}

fn text(seen: &Preview) -> String {
    let f = seen.figures;
    let scanned: u64 = seen.outcomes.values().sum();
    let mut out = format!("Night of {}: {scanned} permits scanned.\n", seen.business_date);
    for (rule, n) in &seen.outcomes {
        // Unwrap safety: writing to a String cannot fail.
        writeln!(out, "  {rule:<22} {n:>9}").expect("a String takes text");
    }
    let rest = format!(
        "Would be firm tonight: {} before expiry, {} after it.\nPlanned, not yet firm: {}.\nNo day before expiry: {} (no possible day {}, no capacity {}).\n",
        f.firm,
        f.late_firm,
        f.planned,
        f.no_possible_day + f.no_capacity,
        f.no_possible_day,
        f.no_capacity,
    );
    out.push_str(&rest);
    for warning in &seen.warnings {
        writeln!(out, "! {warning}").expect("a String takes text");
    }
    writeln!(
        out,
        "Plan {}\nTo carry out exactly this: convoke run --plan {} --reason TEXT",
        seen.plan_hash,
        &seen.plan_hash[..16]
    )
    .expect("a String takes text");
    out
}
