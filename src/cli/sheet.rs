//! `convoke agenda sheet`, `convoke agenda awaiting-mark`: who is expected, and what became of those who were.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use chrono::{NaiveDate, TimeDelta};
use clap::Args;
use serde_json::json;

use super::exit::Exit;
use super::failure::Usage;
use super::output::terminal_width;
use super::session::Session;
use convoke_machine::files::{make_private_folder, write_private, write_whole};
use convoke_office::import::attendance::LAYOUT;
use convoke_office::sheet::{self, SiteDay};
use convoke_report::List;
use convoke_report::columns::Columns;
use convoke_store::{Unmarked, Use};

/// Write who is expected on a day, site by site: for the counter as PDF and CSV, for the door as PDF
///
/// The counter's sheet has hour, name, date of birth, type of permit, reference, and boxes for présent, absent, dossier
/// incomplet, desk by desk. Its CSV has the columns of attendance.csv: fill in `presence` (honore, absent, incomplet,
/// annule) and `convoke import attendance` reads it. The door's list names nobody. Only you can read the files; the
/// ledger records who made them. If `[sheets] folder` is set, the server writes the sheets of the next days after each
/// night.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke agenda sheet --date 2026-12-01 --out sheets
  convoke agenda sheet --date 2026-12-01 --site creteil --out sheets")]
pub(super) struct Sheet {
    /// Day, past or future.
    #[arg(long, value_name = "DATE")]
    date: NaiveDate,
    /// Only this site.
    #[arg(long, value_name = "ID")]
    site: Option<String>,
    /// Folder to write into, created if it does not exist.
    #[arg(long, value_name = "DIR", default_value = "sheets")]
    out: PathBuf,
}

impl Sheet {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        if self.out.is_file() {
            return Err(Usage(format!("--out {}: is a file", self.out.display())).into());
        }
        let config = session.configuration()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let as_of = session.clock.now().with_timezone(&config.settings.prefecture.zone).naive_local();
        let mut sites = sheet::gather(&mut store, &config, self.date, as_of)?;
        if let Some(site) = &self.site {
            let known = sites.iter().map(|s| s.site.as_str()).collect::<Vec<_>>().join(", ");
            sites.retain(|s| s.site == *site);
            if sites.is_empty() {
                return Err(Usage(format!("--site {site}: expected one of: {known}")).into());
            }
        }
        // Recorded in the ledger before it is seen.
        session.reads(&mut store, "read.sheet", json!({"date": self.date, "site": self.site}))?;
        make_private_folder(&self.out)?;
        let (mut text, mut documents) = (String::new(), Vec::new());
        for site in &sites {
            let mut names = Vec::new();
            for file in site.files(config.templates()?.fonts())? {
                write_private(&self.out.join(&file.name), &file.bytes)?;
                names.push(file.name);
            }
            text += &describe(site);
            documents.push(
                json!({"site": site.site, "appointments": site.expected(), "closed": site.closed(), "files": names}),
            );
        }
        writeln!(text, "The sheets are in {}.", self.out.display())?;
        session.print(&json!({"schema": "convoke.sheet/1", "date": self.date, "sites": documents}), &text)?;
        Ok(Exit::Done)
    }
}

fn describe(site: &SiteDay) -> String {
    let closed = site.closed().map_or_else(String::new, |reason| format!(" (closed: {reason})"));
    format!("{}, {}: {} appointments{closed}\n", site.site, site.date, site.expected())
}

/// List past appointments that nobody has marked, oldest first
///
/// Nobody knows whether these people came: they are not convoked again until `mark_days` (policy) have passed; then the
/// night counts their appointments as missed. Names nobody. `--csv` writes a file to fill in for
/// `convoke import attendance`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke agenda awaiting-mark
  convoke agenda awaiting-mark --site creteil --csv marks.csv")]
pub(super) struct AwaitingMark {
    /// Only this site.
    #[arg(long, value_name = "ID")]
    site: Option<String>,
    /// Also write them to this file, in the format of attendance.csv, with `presence` empty.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

impl AwaitingMark {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let config = session.configuration()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let today = session.clock.today(config.settings.prefecture.zone);
        let mut unmarked = store.unmarked_before(today)?;
        if let Some(site) = &self.site {
            let known =
                config.agenda.site.iter().any(|s| s.id == *site) || unmarked.iter().any(|u| u.slot.pool.site == *site);
            if !known {
                let ids = config.agenda.site.iter().map(|s| s.id.as_str()).collect::<Vec<_>>().join(", ");
                return Err(Usage(format!("--site {site}: expected one of: {ids}")).into());
            }
            unmarked.retain(|u| u.slot.pool.site == *site);
        }
        // The first night on which it counts as missed is the one after its last day of grace.
        let grace = TimeDelta::days(i64::from(config.settings.policy.mark_days) + 1);
        let left = |u: &Unmarked| (u.slot.day + grace - today).num_days().max(0);
        if let Some(file) = &self.csv {
            write_whole(file, to_fill_in(&unmarked).to_csv().as_bytes())?;
        }
        let header = ["WHEN", "REFERENCE", "SITE/DESK", "LEFT"];
        let mut table = Columns::new(terminal_width()).header(header).whole([0, 1]).right([3]);
        for u in &unmarked {
            let when = format!("{} {}", u.slot.day, u.slot.start.format("%H:%M"));
            table.row([when, u.reference.clone(), u.slot.pool.to_string(), left(u).to_string()]);
        }
        let text = if unmarked.is_empty() {
            "No appointment awaits a mark.\n".to_owned()
        } else {
            let counted = unmarked.len();
            format!("{}{counted} appointments await a mark; LEFT: days until they count as missed.\n", table.text())
        };
        let rows: Vec<_> = unmarked
            .iter()
            .map(|u| {
                json!({"reference": u.reference, "site": u.slot.pool.site, "desk": u.slot.pool.desk, "day": u.slot.day,
                    "hour": u.slot.start.format("%H:%M").to_string(), "days_left": left(u)})
            })
            .collect();
        let document = json!({"schema": "convoke.awaiting-mark/1", "count": rows.len(), "appointments": rows});
        session.print(&document, &text)?;
        if let Some(file) = self.csv.as_ref().filter(|_| !unmarked.is_empty()) {
            eprintln!("Fill in `presence` in {}, then: convoke import attendance {0}", file.display());
        }
        Ok(Exit::Done)
    }
}

/// The columns of attendance.csv, with place and time but nobody's name.
fn to_fill_in(unmarked: &[Unmarked]) -> List {
    let header = LAYOUT.columns.iter().copied().chain(["site", "guichet", "date", "heure"]).collect();
    let row = |u: &Unmarked| {
        let hour = u.slot.start.format("%H:%M").to_string();
        vec![
            u.reference.clone(),
            String::new(),
            u.slot.pool.site.clone(),
            u.slot.pool.desk.clone(),
            u.slot.day.to_string(),
            hour,
        ]
    };
    List { name: "attendance", header, rows: unmarked.iter().map(row).collect() }
}
