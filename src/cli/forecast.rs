//! `convoke forecast`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use super::exit::Exit;
use super::failure::Usage;
use super::session::Session;
use convoke_machine::files::write_whole;
use convoke_office::run::forecast;
use convoke_report::forecast::{Extra, Percent, Unknown, WhatIf, desks_list, svg, text, weeks_list};
use convoke_store::Use;

/// Look weeks ahead: who comes due, how many seats there are, when not everyone can be placed, and which seats to add.
///
/// Writes nothing to the database. The coming nights are simulated: each plans the people it will know of, by the rules
/// of the day on which a window opens. By week, DUE counts people still to be convoked whose permit expires; SEATS,
/// free seats on days that a letter can still reach; TAKEN, seats that the nights assign; LOAD is DUE over SEATS;
/// LAPSES counts people whom the nights leave without a day before expiry, by week of expiry.
///
/// No schedule has fewer lapses in a week than AT LEAST. Nights that know everyone in time leave the fewest lapses
/// overall, and then no week has more than AT MOST; which people lapse depends on the finer goals of the plan, so the
/// range of one week may be wide. The seats to add are the fewest that place everyone in these weeks who has a possible
/// day; each seat places one person.
///
/// Not modelled: people who cancel or do not come and are convoked again, permits that the extract brings late, first
/// permits still to be issued, families, the longer notice of the post. Seats after the last slot of a desk are those
/// that its openings promise, and are marked. Holders of a one-year card (CST, CRA1, and VLS-TS, which a CST follows)
/// are assumed to renew it for a year, and to come back a year after each expiry. --multiyear gives the percentage of
/// CST renewals that are cards for several years instead, which matters only from about a year ahead.
///
/// The exit code is 0 even when seats are missing: that is what a forecast is for.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke forecast
  convoke forecast --weeks 26 --csv weeks.csv --svg weeks.svg
  convoke forecast --slots -10%                                 fewer seats everywhere
  convoke forecast --extra creteil/renouvellement/2026-W50=20   20 seats more in one week
  convoke forecast --weeks 104 --multiyear +10%                 one CST in ten for several years")]
pub(super) struct Forecast {
    /// Number of weeks, starting with that of the next night.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=156))]
    weeks: u32,
    /// What if every coming day had this percentage more seats, or fewer.
    #[arg(long, value_name = "PERCENT", default_value = "0", hide_default_value = true, allow_hyphen_values = true)]
    slots: Percent,
    /// What if this percentage of CST renewals were cards for several years.
    #[arg(long, value_name = "PERCENT", default_value = "0", hide_default_value = true, value_parser = share)]
    multiyear: Percent,
    /// What if a desk had this many more seats in a week, on any of its open days; may be repeated.
    #[arg(long, value_name = "SITE/DESK/WEEK=SEATS")]
    extra: Vec<Extra>,
    /// Write the weeks as CSV, and next to it FILE-desks.csv: desk by desk, with the seats to add.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write a chart of the weeks.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

fn share(text: &str) -> Result<Percent, String> {
    let share: Percent = text.parse()?;
    if (0..=100).contains(&share.0) { Ok(share) } else { Err("expected +0% to +100%".into()) }
}

impl Forecast {
    pub(super) fn execute(self, session: &Session) -> Result<Exit> {
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let what_if = WhatIf { slots: self.slots, multiyear: self.multiyear, extra: self.extra };
        let found = session.with_tools(|tools| forecast(&mut store, &config, self.weeks, what_if, tools));
        let found = found.map_err(|error| match error.downcast::<Unknown>() {
            Ok(unknown) => Usage(unknown.to_string()).into(),
            Err(error) => error,
        })?;
        let mut shown = text(&found);
        if let Some(file) = &self.csv {
            let desks = beside(file).context("--csv FILE: names no file")?;
            write_whole(file, weeks_list(&found).to_csv().as_bytes())?;
            write_whole(&desks, desks_list(&found).to_csv().as_bytes())?;
            // Unwrap safety: writing to a String cannot fail.
            writeln!(shown, "The weeks are in {},\nthe desks in {}.", file.display(), desks.display())
                .expect("a String takes text");
        }
        if let Some(file) = &self.svg {
            write_whole(file, svg(&found).as_bytes())?;
            writeln!(shown, "The chart is in {}.", file.display()).expect("a String takes text");
        }
        session.print(&found, &shown)?;
        Ok(Exit::Done)
    }
}

/// `weeks.csv` becomes `weeks-desks.csv`.
fn beside(file: &Path) -> Option<PathBuf> {
    let mut name = file.file_stem()?.to_owned();
    name.push("-desks");
    if let Some(end) = file.extension() {
        name.push(".");
        name.push(end);
    }
    Some(file.with_file_name(name))
}
