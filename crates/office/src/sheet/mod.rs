//! The sheets of a day, per site. For the counter: who is expected when, with boxes to tick, and a table to fill in and
//! import. For the door: hours and references without names.

mod folder;
mod paper;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use convoke_domain::birth::BirthDate;
use convoke_domain::convocation::Presence;
use convoke_domain::slot::PoolId;
use convoke_letters::Fonts;
use convoke_report::words::followed_cause;
use convoke_settings::Configuration;
use convoke_store::{Store, TakenSeat};

pub use folder::write_due;

/// Appointments at a site on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteDay {
    /// Code of the préfecture.
    pub prefecture: String,
    /// Its name.
    pub prefecture_name: String,
    /// Day.
    pub date: NaiveDate,
    /// When this was read, in the préfecture's civil time.
    pub as_of: NaiveDateTime,
    /// Site.
    pub site: String,
    /// Its name.
    pub name: String,
    /// Its desks, in agenda order.
    pub desks: Vec<DeskDay>,
}

/// Appointments at a desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskDay {
    /// Desk.
    pub desk: String,
    /// Its name.
    pub label: String,
    /// Why it is closed, if it is.
    pub closed: Option<String>,
    /// Who is expected, by hour.
    pub people: Vec<Expected>,
    /// Who was convoked, and whose appointment a night released: each with why.
    pub released: Released,
}

/// A person who is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Reference.
    pub reference: String,
    /// Hour.
    pub hour: NaiveTime,
    /// Name, as on the letter; empty if the person was erased.
    pub name: String,
    /// Date of birth, if known.
    pub birth_date: Option<BirthDate>,
    /// Type of permit.
    pub kind: String,
    /// Attendance, if recorded.
    pub presence: Option<Presence>,
}

/// People whose appointments a night released, each with why.
pub type Released = Vec<(Expected, String)>;

/// A file of a sheet.
pub struct SheetFile {
    /// Its name.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl SiteDay {
    /// Number of people expected.
    pub fn expected(&self) -> usize {
        self.desks.iter().map(|d| d.people.len()).sum()
    }

    /// Why the site is closed, if all its desks are.
    pub fn closed(&self) -> Option<&str> {
        let reasons: Option<Vec<&str>> = self.desks.iter().map(|d| d.closed.as_deref()).collect();
        reasons?.first().copied()
    }

    /// Its files: for the counter on paper and as a table, and for the door.
    pub fn files(&self, fonts: &Fonts) -> Result<Vec<SheetFile>> {
        let pdf = |kind: &str, roll: convoke_letters::Roll| {
            let name = folder::file_name(self, kind);
            let ident = format!("{name} {}", self.as_of);
            let bytes = roll.to_pdf(&ident, self.date, fonts).with_context(|| format!("laying out {name}"))?;
            anyhow::Ok(SheetFile { name, bytes })
        };
        let table = paper::table(self).to_csv().into_bytes();
        Ok(vec![
            pdf("guichet.pdf", paper::counter(self))?,
            SheetFile { name: folder::file_name(self, "guichet.csv"), bytes: table },
            pdf("porte.pdf", paper::door(self))?,
        ])
    }
}

/// Who is expected on a day, at each site of the agenda, and at each former site that still has appointments.
pub fn gather(
    store: &mut Store,
    config: &Configuration,
    date: NaiveDate,
    as_of: NaiveDateTime,
) -> Result<Vec<SiteDay>> {
    let (appointed, released, holders) = store.read(|s| {
        let (appointed, released) = (s.appointed_on(date)?, s.released_on(date)?);
        let all = appointed.iter().chain(released.iter().map(|(a, _)| a));
        let holders = s.holders(&all.map(|a| a.holder_id.as_str()).collect::<Vec<_>>())?;
        Ok((appointed, released, holders))
    })?;
    let person = |a: &TakenSeat| {
        let holder = holders.get(&a.holder_id);
        Expected {
            hour: a.slot.start,
            name: holder.map(convoke_domain::permit::Holder::printed_name).unwrap_or_default(),
            birth_date: holder.and_then(|h| h.birth_date),
            kind: a.kind.map(|kind| kind.to_string()).unwrap_or_default(),
            presence: Presence::of(a.state),
            reference: a.reference.clone(),
        }
    };
    let mut by_desk: BTreeMap<PoolId, (Vec<Expected>, Released)> = BTreeMap::new();
    for a in &appointed {
        by_desk.entry(a.slot.pool.clone()).or_default().0.push(person(a));
    }
    for (a, cause) in &released {
        // Not a mark: the appointment was cancelled by a fact, and not at the counter.
        let person = Expected { presence: None, ..person(a) };
        by_desk.entry(a.slot.pool.clone()).or_default().1.push((person, followed_cause(cause)));
    }
    let prefecture = &config.settings.prefecture;
    let empty = |site: &str, name: &str| SiteDay {
        prefecture: prefecture.code.clone(),
        prefecture_name: prefecture.name.clone(),
        date,
        as_of,
        site: site.to_owned(),
        name: name.to_owned(),
        desks: Vec::new(),
    };
    let mut sites: Vec<SiteDay> = config.agenda.site.iter().map(|site| empty(&site.id, &site.name)).collect();
    for pool in config.agenda.pools() {
        let (people, released) = by_desk.remove(&pool.id()).unwrap_or_default();
        let desk = DeskDay {
            desk: pool.desk.id.clone(),
            label: pool.desk.label().to_owned(),
            closed: config.agenda.closed(pool, date).map(str::to_owned),
            people,
            released,
        };
        if let Some(site) = sites.iter_mut().find(|s| s.site == pool.site.id) {
            site.desks.push(desk);
        }
    }
    for (PoolId { site, desk }, (people, released)) in by_desk {
        let left = DeskDay { label: desk.clone(), desk, closed: None, people, released };
        match sites.iter_mut().find(|s| s.site == site) {
            Some(known) => known.desks.push(left),
            None => sites.push(SiteDay { desks: vec![left], ..empty(&site, &site) }),
        }
    }
    Ok(sites)
}
