//! `slots.csv`: a row is a slot at a desk of the agenda.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};
use chrono::NaiveDate;

use super::field::Fields;
use super::result::{RowError, Warning};
use super::table::{Record, columns};
use super::{By, Imported, Opened, Options};
use convoke_domain::agenda::{Agenda, Pool, Slot};
use convoke_domain::slot::SlotId;
use convoke_machine::clock::Clock;
use convoke_settings::Configuration;
use convoke_store::Store;

columns! {
    required: Site = "site", Desk = "guichet", Day = "date", Start = "heure", Duration = "duree_min", Seats = "places";
    optional:
}

/// Imports slots.
pub fn take(
    store: &mut Store,
    config: &Configuration,
    path: &Path,
    options: &Options,
    actor: &str,
    clock: &Clock,
) -> Result<Imported> {
    let mut file = Opened::open(path, &LAYOUT, options)?;
    let by = By::of(actor, clock, config);
    let (mut seen, mut good) = (Repeats::default(), Vec::<Slot>::new());
    let findings = file.each_row(|record| {
        let (slot, warnings) = parse(record, &config.agenda, by.today)?;
        if seen.check(record.row(), &slot).map_err(|error| vec![error])? {
            good.push(slot);
        }
        Ok(warnings)
    })?;
    file.imported.take_findings(findings, options);
    if file.imported.refused.is_none() {
        let mut done = false;
        let result = store.write(|s| {
            let (inserted, updated) = s.upsert_slots(&good)?;
            let imported = &mut file.imported;
            (imported.inserted, imported.updated) = (inserted, updated);
            imported.unchanged = good.len() as u64 - inserted - updated;
            file.remember(s, "slots", &by)?;
            done = true;
            if options.dry_run {
                bail!("undone on purpose");
            }
            Ok(())
        });
        if !(options.dry_run && done) {
            result?;
        }
    }
    file.finish()
}

/// Reads a row, or names each bad field. A slot in the past or on a closed day is kept, with a warning.
pub fn parse(record: &Record, agenda: &Agenda, today: NaiveDate) -> Result<(Slot, Vec<Warning>), Vec<RowError>> {
    let mut fields = Fields::of(record)?;
    let pool = pool(&mut fields, agenda, Column::Site, Column::Desk);
    let day = fields.date(Column::Day);
    let start = fields.hour(Column::Start);
    let duration_min = fields.parsed(Column::Duration, "1 to 720 minutes", |text| number(text, 1..=720));
    let seats = fields.parsed(Column::Seats, "1 to 10000 places", |text| number(text, 1..=10_000));
    if let Some((pool, day)) = pool.zip(day) {
        if day < today {
            fields.warn(Column::Day, "a past slot: nobody can be given it");
        } else if let Some(reason) = agenda.closed(pool, day) {
            fields.warn(
                Column::Day,
                format!("closed ({reason}): kept, and given to nobody unless the site opens that day"),
            );
        }
    }
    let slot = || Some(Slot { id: pool?.id().at(day?, start?), duration_min: duration_min? as u16, seats: seats? });
    let slot = slot();
    fields.finish(slot)
}

/// The site and desk of a row. If the agenda lacks one, the error names it, with those that exist.
pub(super) fn pool<'a, C: Into<usize> + Copy>(
    fields: &mut Fields<'_>,
    agenda: &'a Agenda,
    site: C,
    desk: C,
) -> Option<Pool<'a>> {
    let (site_id, desk_id) = (fields.required(site), fields.required(desk));
    let Some(known) = agenda.site.iter().find(|known| Some(&*known.id) == site_id) else {
        if site_id.is_some() {
            fields.reject(site, one_of(agenda.site.iter().map(|known| &*known.id)));
        }
        return None;
    };
    let found = known.desk.iter().find(|known| Some(&*known.id) == desk_id);
    if found.is_none() && desk_id.is_some() {
        fields.reject(desk, one_of(known.desk.iter().map(|known| &*known.id)));
    }
    found.map(|desk| Pool { site: known, desk })
}

fn one_of<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    format!("one of: {}", ids.collect::<Vec<_>>().join(", "))
}

fn number(text: &str, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
    text.parse().ok().filter(|number| range.contains(number))
}

/// The slots of a file so far, with the row of each.
#[derive(Debug, Default)]
pub struct Repeats(BTreeMap<SlotId, (u64, Slot)>);

impl Repeats {
    /// Whether the slot is new in the file. A repeated slot is ignored; a contradiction is an error.
    pub fn check(&mut self, row: u64, slot: &Slot) -> Result<bool, RowError> {
        match self.0.get(&slot.id) {
            None => {
                self.0.insert(slot.id.clone(), (row, slot.clone()));
                Ok(true)
            }
            Some((_, first)) if first == slot => Ok(false),
            Some((first_row, first)) => Err(RowError::new(
                row,
                "",
                &format!("{}, {} min, {} places", slot.id, slot.duration_min, slot.seats),
                format!("{} min and {} places, as on line {first_row}", first.duration_min, first.seats),
            )),
        }
    }
}
