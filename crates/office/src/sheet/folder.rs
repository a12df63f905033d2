//! The folder where each night writes the sheets of the next days. A file in it is from the last night, or is removed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use chrono::{NaiveDate, TimeDelta};

use super::{SiteDay, gather};
use convoke_machine::clock::Clock;
use convoke_machine::files::{make_private_folder, write_private};
use convoke_settings::Configuration;
use convoke_store::Store;

/// Number of days with appointments that get sheets: the day that begins, and the two after it.
const DAYS_AHEAD: i64 = 3;
/// Days for which a sheet is kept after its own day.
const KEPT_DAYS: i64 = 7;
const KINDS: [&str; 3] = ["guichet.pdf", "guichet.csv", "porte.pdf"];

/// `feuille-94-2026-12-01-creteil-guichet.pdf`.
pub(super) fn file_name(site: &SiteDay, kind: &str) -> String {
    format!("{}{}-{}-{kind}", prefix(&site.prefecture), site.date, site.site)
}

fn prefix(prefecture: &str) -> String {
    format!("feuille-{prefecture}-")
}

/// The day of a sheet written for this préfecture; `None` for every other file.
fn day_of(name: &str, prefecture: &str) -> Option<NaiveDate> {
    let rest = name.strip_prefix(&prefix(prefecture))?;
    let (day, rest) = rest.split_at_checked(10)?;
    let site = KINDS.iter().find_map(|kind| rest.strip_suffix(kind)?.strip_suffix('-'))?.strip_prefix('-')?;
    let is_site = !site.is_empty() && site.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    day.parse().ok().filter(|_| is_site)
}

/// Writes the sheets of the next days with appointments into `[sheets] folder`, if it is set, replacing older ones, and
/// removes old sheets. Returns how many files there are now.
pub fn write_due(store: &mut Store, config: &Configuration, clock: &Clock) -> Result<usize> {
    let Some(folder) = &config.settings.sheets.folder else { return Ok(0) };
    make_private_folder(folder).context("[sheets] folder")?;
    let zone = config.settings.prefecture.zone;
    let as_of = clock.now().with_timezone(&zone).naive_local();
    let (today, code) = (as_of.date(), &config.settings.prefecture.code);
    let found = ours(folder, code)?;
    // A day that has lost its last appointment still has a sheet that shows it.
    let mut days: BTreeSet<NaiveDate> = found.iter().map(|(_, day)| *day).filter(|day| *day >= today).collect();
    days.extend(store.days_with_appointments(today, DAYS_AHEAD)?);
    let mut written = BTreeSet::new();
    for day in days {
        for site in gather(store, config, day, as_of)? {
            for file in site.files(config.templates()?.fonts())? {
                write_private(&folder.join(&file.name), &file.bytes)?;
                written.insert(file.name);
            }
        }
    }
    for (name, day) in found {
        let over = day < today - TimeDelta::days(KEPT_DAYS);
        // The sheet of a site that no longer exists would be wrong about a future day.
        let stale = day >= today && !written.contains(&name);
        if over || stale {
            let file = folder.join(&name);
            fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
        }
    }
    Ok(written.len())
}

/// Files in this folder with a sheet's name.
fn ours(folder: &Path, code: &str) -> Result<Vec<(String, NaiveDate)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry.with_context(|| format!("reading {}", folder.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(day) = day_of(&name, code).filter(|_| entry.file_type().is_ok_and(|t| t.is_file())) {
            found.push((name, day));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_that_a_night_gave_is_a_nights() {
        let day = NaiveDate::from_ymd_opt(2026, 12, 1);
        for good in ["feuille-94-2026-12-01-creteil-guichet.pdf", "feuille-94-2026-12-01-nogent-sur-marne-porte.pdf"] {
            assert_eq!(day_of(good, "94"), day, "{good}");
        }
        for other in [
            "feuille-93-2026-12-01-creteil-guichet.pdf",
            "feuille-94-2026-12-01-creteil-guichet.pdf.bak",
            "feuille-94-2026-12-01-guichet.pdf",
            "feuille-94-2026-13-01-creteil-guichet.pdf",
            "feuille-94-2026-12-01-creteil-guichet.csv (rempli)",
            "feuille-94-2026-12-01-../x-porte.pdf",
            "feuille-94-",
            "feuille-94-2026-12-0é-creteil-porte.pdf",
            "notes.txt",
        ] {
            assert_eq!(day_of(other, "94"), None, "{other}");
        }
    }
}
