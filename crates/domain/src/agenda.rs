//! Where and when people can be received: sites, desks, their openings and closures (`config/agenda.toml`).

mod file;
mod form;
mod jurisdiction;
mod slots;

use chrono::{NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use self::file::AgendaFile;
use self::form::hour;
use crate::calendar::{HolidayZone, is_holiday};
use crate::permit::PermitKind;
use crate::slot::PoolId;

pub use self::form::Lines;
pub use self::jurisdiction::{Jurisdiction, RankedPool};
pub use self::slots::Slot;

/// The sites of a préfecture and the days on which they are closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "AgendaFile")]
pub struct Agenda {
    /// Sites, in the order of the file.
    pub site: Vec<Site>,
    /// Days without appointments.
    pub closure: Vec<Closure>,
}

/// A place where people are received (*site*, *point d'accueil*).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Short name used in files: lower case, digits, hyphens.
    pub id: String,
    /// Name on the letter.
    pub name: String,
    /// Address lines; the last is the postcode and the town.
    pub address: Lines,
    /// IANA time zone of this site's civil times.
    #[serde(default = "paris", deserialize_with = "crate::code::zone::deserialize")]
    pub zone: Tz,
    /// Its public holidays.
    #[serde(default = "metropole")]
    pub holiday_zone: HolidayZone,
    /// Whether appointments may be given on public holidays.
    #[serde(default)]
    pub open_on_holidays: bool,
    /// Its desks.
    pub desk: Vec<Desk>,
}

/// A desk (*guichet*) of a site: what it renews, for whom, and when it is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Desk {
    /// Short name used in files.
    pub id: String,
    /// Name on the letter; the id if absent.
    #[serde(default)]
    pub name: Option<String>,
    /// Types of permit that it renews.
    pub types: Vec<PermitKind>,
    /// Communes that it serves; rank 1 is nearest.
    pub communes: Vec<ServedCommune>,
    /// Share of its seats kept for written requests, in percent.
    #[serde(default)]
    pub request_quota_percent: u8,
    /// Weekly openings.
    #[serde(default)]
    pub opening: Vec<Opening>,
}

/// A commune that a desk serves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServedCommune {
    /// INSEE code.
    pub insee: String,
    /// 1 for the nearest site, then 2, 3…
    pub rank: u32,
}

/// A weekly opening of a desk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Day of the week (`monday`).
    pub weekday: Weekday,
    /// First slot.
    #[serde(with = "hour")]
    pub from: NaiveTime,
    /// No slot ends after this hour.
    #[serde(with = "hour")]
    pub to: NaiveTime,
    /// Length of a slot in minutes.
    pub slot_min: u16,
    /// People received at once in each slot.
    pub seats: u32,
    /// First day of validity.
    #[serde(default, deserialize_with = "crate::code::civil_date_opt::deserialize")]
    pub valid_from: Option<NaiveDate>,
    /// Last day of validity.
    #[serde(default, deserialize_with = "crate::code::civil_date_opt::deserialize")]
    pub valid_to: Option<NaiveDate>,
}

/// Days without appointments at a site, or at one of its desks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closure {
    /// Site.
    pub site: String,
    /// Desk; every desk of the site if absent.
    #[serde(default)]
    pub desk: Option<String>,
    /// First day.
    #[serde(deserialize_with = "crate::code::civil_date::deserialize")]
    pub from: NaiveDate,
    /// Last day, included.
    #[serde(deserialize_with = "crate::code::civil_date::deserialize")]
    pub to: NaiveDate,
    /// Why, for the report.
    pub reason: String,
}

fn paris() -> Tz {
    Tz::Europe__Paris
}

fn metropole() -> HolidayZone {
    HolidayZone::Metropole
}

impl Site {
    /// The town: the last line of the address without its postcode.
    pub fn town(&self) -> &str {
        let last = self.address.0.last().map_or("", String::as_str);
        last.trim_start_matches(|c: char| c.is_ascii_digit()).trim()
    }
}

impl Desk {
    /// The name on the letter.
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }
}

/// A pool is (site, desk): seats of a pool-day are interchangeable. Pools are numbered in file order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool<'a> {
    /// Its site.
    pub site: &'a Site,
    /// Its desk.
    pub desk: &'a Desk,
}

impl Pool<'_> {
    /// Its name.
    pub fn id(&self) -> PoolId {
        PoolId::new(&self.site.id, &self.desk.id)
    }
}

impl Eq for Site {}
impl Eq for Desk {}

impl Agenda {
    /// Every pool, in file order.
    pub fn pools(&self) -> Vec<Pool<'_>> {
        self.site.iter().flat_map(|site| site.desk.iter().map(move |desk| Pool { site, desk })).collect()
    }

    /// A pool by name.
    pub fn find(&self, id: &PoolId) -> Option<Pool<'_>> {
        let site = self.site.iter().find(|s| s.id == id.site)?;
        let desk = site.desk.iter().find(|d| d.id == id.desk)?;
        Some(Pool { site, desk })
    }

    /// Why a pool is closed on a day: a closure, or a public holiday of its zone.
    pub fn closed(&self, pool: Pool<'_>, day: NaiveDate) -> Option<&str> {
        let covers = |c: &&Closure| {
            c.site == pool.site.id && c.desk.as_ref().is_none_or(|d| *d == pool.desk.id) && c.from <= day && day <= c.to
        };
        let holiday =
            || (!pool.site.open_on_holidays && is_holiday(pool.site.holiday_zone, day)).then_some("jour férié");
        self.closure.iter().find(covers).map(|c| c.reason.as_str()).or_else(holiday)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agenda(extra: &str) -> Result<Agenda, toml::de::Error> {
        toml::from_str(&format!(
            r#"
            [[site]]
            id = "a"
            name = "Site A"
            address = "1 rue de l'Exemple\n94000 Créteil"
            [[site.desk]]
            id = "d"
            types = ["CST"]
            communes = [{{ insee = "94028", rank = 1 }}]
            [[site.desk.opening]]
            weekday = "friday"
            from = "09:00"
            to = "10:10"
            slot_min = 30
            seats = 2
            {extra}"#
        ))
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn openings_give_whole_slots_but_on_holidays_and_closures() {
        let agenda =
            agenda("[[closure]]\nsite = \"a\"\nfrom = 2026-12-18\nto = 2026-12-18\nreason = \"travaux\"").unwrap();
        let slots: Vec<String> = agenda
            .slots(day("2026-12-10"), day("2027-01-08"))
            .iter()
            .map(|s| format!("{} {} {}", s.id.day, s.id.start.format("%H:%M"), s.seats))
            .collect();
        let pool = agenda.pools()[0];
        let seats = ["2026-12-11", "2026-12-12", "2026-12-18", "2026-12-25"].map(|d| agenda.seats(pool, day(d)));
        assert_eq!(seats, [4, 0, 0, 0]);
        // 18 December is closed, 25 December and 1 January are holidays.
        assert_eq!(slots, ["2026-12-11 09:00 2", "2026-12-11 09:30 2", "2027-01-08 09:00 2", "2027-01-08 09:30 2"]);
        assert_eq!(agenda.site[0].town(), "Créteil");
    }

    #[test]
    fn a_wrong_agenda_is_refused_with_its_line() {
        let error = agenda("[[site.desk.opening]]\nweekday = \"someday\"").unwrap_err().to_string();
        assert!(error.contains("line 17, column"), "{error}");
        let error = agenda("[[closure]]\nsite = \"b\"\nfrom = 2026-01-01\nto = 2026-01-02\nreason = \"\"")
            .unwrap_err()
            .to_string();
        assert!(error.contains("no such site"), "{error}");
        assert!(agenda("colour = 3").unwrap_err().to_string().contains("unknown field `colour`"));
    }
}
