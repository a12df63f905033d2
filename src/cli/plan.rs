//! `convoke plan`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use chrono::NaiveDate;
use clap::Args;
use serde_json::json;

use super::exit::Exit;
use super::instance::{self, describe, write_night};
use super::letters::write_letter;
use super::output::{make_folder, terminal_width};
use super::session::{Session, given};
use convoke_instance::export::Night;
use convoke_instance::weeks::{Week, by_week};
use convoke_office::run::{FollowedCounts, For, Preview, keep_shown, letters_of_plan, preview};
use convoke_planning::explain::{Explanation, explain};
use convoke_report::columns::{Columns, paragraph};
use convoke_store::Use;

/// Show what a night would do, without writing anything.
///
/// Prints the plan's hash: `convoke run --plan HASH` carries out exactly this plan, or refuses. With --out, writes the
/// whole plan as files, with the prices that prove it the best and nothing personal; `script/verify_plan.py` checks
/// them.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke plan                            tonight
  convoke plan --date 2026-12-24          a night to come
  convoke plan --out DIR                  tonight, with all that proves it
  convoke plan --instance DIR --out DIR   a bare instance, without any database")]
pub(super) struct Plan {
    /// Business date, today by default; it may be in the future.
    #[arg(long, value_name = "DATE")]
    date: Option<NaiveDate>,
    /// Plan the instance in this folder (holders.csv, slots.csv, meta.json) instead of a night; needs no database.
    #[arg(long, value_name = "DIR", requires = "out", conflicts_with = "date")]
    instance: Option<PathBuf>,
    /// Write instance, plan, prices and explanation to this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// With --out: also write the first N letters of the night, as PDF and e-mail, into its subfolder `letters`. They
    /// name people, so the ledger records that they were read.
    #[arg(long, value_name = "N", default_value_t = 0, requires_all = ["out", "reason"], value_parser = clap::value_parser!(u16).range(0..=100))]
    letters: u16,
    /// With --letters: reason, kept in the ledger for good: do not name anyone.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// How many extra seats a desk could open in a week, when computing the fewest that would avoid lapses.
    #[arg(long, value_name = "SEATS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    overtime: u32,
}

impl Plan {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        if let (Some(from), Some(out)) = (&self.instance, &self.out) {
            return instance::plan(session, from, out, self.overtime);
        }
        let config = session.configuration()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let seen = session.with_tools(|tools| preview(&mut store, &config, self.date, For::Shown, tools))?;
        let night = Night {
            input: &seen.input,
            plan: &seen.plan,
            proof: &seen.proof,
            dept: store.prefecture(),
            policy_hash: &seen.policy_hash,
            notice: json!(config.settings.policy.notice_days),
        };
        let explanation = match &self.out {
            Some(out) => write_night(&night, out, self.overtime)?,
            None => explain(&seen.proof, self.overtime),
        };
        if let (Some(out), true) = (&self.out, self.letters > 0) {
            let reason = given(self.reason.as_ref())?;
            let firm = &seen.firm[..seen.firm.len().min(self.letters.into())];
            session.reads(&mut store, "read.letters", json!({"letters": firm.len(), "reason": reason}))?;
            let folder = out.join("letters");
            make_folder(&folder)?;
            for (firm, letter) in firm.iter().zip(letters_of_plan(&mut store, &config, firm, &session.clock)?) {
                write_letter(&folder, &firm.placement.permit_id.0.replace('/', "-"), &letter)?;
            }
        }
        keep_shown(&config.folder, &seen.plan_hash, (&seen.input, &seen.plan));
        let weeks = by_week(&seen.input, &seen.plan);
        let f = seen.figures;
        let document = json!({
            "schema": "convoke.preview/1", "prefecture": store.prefecture(), "business_date": seen.business_date,
            "scanned": seen.outcomes.values().sum::<u64>(), "outcomes": seen.outcomes, "firm": f.firm, "planned": f.planned,
            "lapses": {"no_possible_day": f.no_possible_day, "no_capacity": f.no_capacity}, "late_firm": f.late_firm,
            "late_planned": f.late_planned, "without_seat": f.without_seat, "past_six_months": f.past_six_months, "input_hash": seen.input_hash, "policy_hash": seen.policy_hash, "plan_hash": seen.plan_hash,
            "certificate": seen.certificate, "nothing_new": seen.settled, "bottlenecks": explanation.bottlenecks,
            "followed": seen.followed, "above_limit": seen.above_limit,
            "augmentation": explanation.augmentation, "warnings": seen.warnings, "weeks": weeks,
            "requests": seen.granted.iter().map(|(request, slot)| json!({"request": request, "slot": slot})).collect::<Vec<_>>(),
            "appointments": seen.firm.iter().map(|f| json!({"permit": f.placement.permit_id, "slot": f.placement.slot_id,
                "pass": f.placement.origin, "short_notice": f.short_notice})).collect::<Vec<_>>(),
        });
        session.print(&document, &text(&seen, &explanation, &weeks, self.out.as_deref()))?;
        Ok(if f.no_possible_day + f.no_capacity + f.without_seat > 0 { Exit::WithoutSlot } else { Exit::Done })
    }
}

fn text(seen: &Preview, explanation: &Explanation, weeks: &[Week], out_dir: Option<&Path>) -> String {
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
    if f.late_planned > 0 {
        let shown = format!(
            "With a day after expiry, not yet firm: {} (each night looks for an earlier seat).",
            f.late_planned
        );
        out.push_str(&paragraph("", &shown, terminal_width()));
    }
    if f.without_seat > 0 {
        writeln!(out, "Without any seat, even after expiry: {}.", f.without_seat).expect("a String takes text");
    }
    for (request, slot) in &seen.granted {
        let shown = format!("Request {request} would get {slot}, beside the plan.");
        out.push_str(&paragraph("", &shown, terminal_width()));
    }
    out.push_str(&followed(&seen.followed));
    if seen.above_limit > 0 {
        let shown = format!(
            "These {} releases are above the limit ([follow] in policy.toml): a night by itself withholds them, because the extract \
             may be wrong. `convoke run --plan` carries them out.",
            seen.above_limit
        );
        out.push_str(&paragraph("! ", &shown, terminal_width()));
    }
    out.push_str(&firm_weeks(weeks));
    out.push_str(&describe(explanation));
    out.push_str(match seen.certificate {
        "closed" => "Certificate: closed. No plan is better for these people, seats and notices.\n",
        _ => "Certificate: OPEN. This plan is not proved to be the best.\n",
    });
    for warning in &seen.warnings {
        out.push_str(&paragraph("! ", warning, terminal_width()));
    }
    if let Some(folder) = out_dir {
        writeln!(out, "Files in {}.", folder.display()).expect("a String takes text");
    }
    if seen.settled {
        out.push_str("Nothing new: a run of this date has already done everything.\n");
        return out;
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

/// What becomes of appointments of earlier nights, in a line; nothing if they all stand.
pub(super) fn followed(counts: &FollowedCounts) -> String {
    let all = [
        (counts.released, "released"),
        (counts.told, "cancelled with a letter"),
        (counts.moved, "moved"),
        (counts.restored, "given back"),
        (counts.replaced, "letters written anew"),
        (counts.listed, "listed for an agent"),
        (counts.withheld, "withheld"),
        (counts.lapsed, "without a day before the new deadline"),
    ];
    let said: Vec<String> = all.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if said.is_empty() {
        return String::new();
    }
    paragraph("", &format!("Appointments of earlier nights: {}.", said.join(", ")), terminal_width())
}

/// Tonight's appointments by week and desk.
fn firm_weeks(weeks: &[Week]) -> String {
    if weeks.iter().all(|w| w.firm == 0) {
        return String::new();
    }
    let header = ["WEEK OF", "DESK", "FREE", "FIRM", "PLANNED", "LEFT"];
    let mut table = Columns::new(terminal_width()).header(header).whole([0]).right(2..6);
    let mut planned_later = (0, 0);
    for w in weeks.iter().filter(|w| w.firm + w.planned > 0) {
        if w.firm == 0 {
            planned_later = (planned_later.0 + 1, planned_later.1 + w.planned);
            continue;
        }
        let left = w.free.saturating_sub(w.firm + w.planned);
        let counts = [w.free, w.firm, w.planned, left].map(|n| n.to_string());
        table.row([&[w.week.to_string(), w.pool.to_string()][..], &counts].concat());
    }
    let mut text = table.text();
    if planned_later.0 > 0 {
        // Unwrap safety: writing to a String cannot fail.
        writeln!(text, "and {} planned in weeks with nothing firm (--json has them all).", planned_later.1)
            .expect("a String takes text");
    }
    text
}
