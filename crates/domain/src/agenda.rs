//! Where and when people can be received: sites, desks, their openings and closures (`config/agenda.toml`).

use std::collections::{BTreeSet, HashMap};

use chrono::{Datelike, NaiveDate, NaiveTime, TimeDelta, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::calendar::{HolidayZone, is_holiday};
use crate::permit::{PermitKind, is_commune_code};
use crate::slot::{PoolId, SlotId};

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

/// Lines of an address, written as a list or as one text with line breaks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "LinesForm")]
pub struct Lines(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum LinesForm {
    Text(String),
    List(Vec<String>),
}

impl From<LinesForm> for Lines {
    fn from(form: LinesForm) -> Self {
        match form {
            LinesForm::List(lines) => Self(lines),
            LinesForm::Text(text) => {
                Self(text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect())
            }
        }
    }
}

fn paris() -> Tz {
    Tz::Europe__Paris
}

fn metropole() -> HolidayZone {
    HolidayZone::Metropole
}

mod hour {
    use chrono::NaiveTime;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(time: &NaiveTime, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&time.format("%H:%M"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<NaiveTime, D::Error> {
        let text = String::deserialize(d)?;
        NaiveTime::parse_from_str(&text, "%H:%M")
            .map_err(|_| D::Error::custom(format!("`{text}` is not an hour such as 09:00")))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgendaFile {
    site: Vec<Site>,
    #[serde(default)]
    closure: Vec<Closure>,
}

impl TryFrom<AgendaFile> for Agenda {
    type Error = String;

    fn try_from(file: AgendaFile) -> Result<Self, String> {
        let mut seen = BTreeSet::new();
        for site in &file.site {
            let here = format!("site `{}`", site.id);
            require(is_short_name(&site.id), || format!("{here}: an id is lower-case letters, digits and hyphens"))?;
            require(seen.insert((site.id.clone(), None)), || format!("{here} is declared twice"))?;
            require(!site.address.0.is_empty(), || format!("{here}: the address is empty"))?;
            for desk in &site.desk {
                let here = format!("site `{}`, desk `{}`", site.id, desk.id);
                require(is_short_name(&desk.id), || {
                    format!("{here}: an id is lower-case letters, digits and hyphens")
                })?;
                require(seen.insert((site.id.clone(), Some(desk.id.clone()))), || format!("{here} is declared twice"))?;
                require(desk.request_quota_percent <= 100, || format!("{here}: request_quota_percent is over 100"))?;
                let mut communes = BTreeSet::new();
                for served in &desk.communes {
                    require((1..=1_000).contains(&served.rank), || {
                        format!("{here}: commune {} has rank {}, not 1 to 1000", served.insee, served.rank)
                    })?;
                    require(communes.insert(&served.insee), || {
                        format!("{here}: commune {} stands twice", served.insee)
                    })?;
                    require(is_commune_code(&served.insee), || {
                        format!("{here}: `{}` is no INSEE commune code", served.insee)
                    })?;
                }
                for opening in &desk.opening {
                    let here = format!("{here}, opening on {} from {}", opening.weekday, opening.from.format("%H:%M"));
                    require(opening.from < opening.to, || format!("{here}: `to` is not after `from`"))?;
                    require((1..=720).contains(&opening.slot_min), || {
                        format!("{here}: slot_min is not 1 to 720 minutes")
                    })?;
                    require((1..=10_000).contains(&opening.seats), || format!("{here}: seats is not 1 to 10000"))?;
                    let ordered = opening.valid_from.zip(opening.valid_to).is_none_or(|(from, to)| from <= to);
                    require(ordered, || format!("{here}: valid_to is before valid_from"))?;
                }
            }
        }
        for closure in &file.closure {
            let place = (closure.site.clone(), closure.desk.clone());
            require(seen.contains(&place), || {
                format!("closure from {}: there is no such site or desk: {place:?}", closure.from)
            })?;
            require(closure.from <= closure.to, || format!("closure of {}: `to` is before `from`", closure.site))?;
        }
        Ok(Self { site: file.site, closure: file.closure })
    }
}

fn require(holds: bool, message: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(message()) }
}

fn is_short_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 60
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
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

/// A slot (*créneau*): a number of seats at a desk, at a civil time of its site.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// Where and when.
    pub id: SlotId,
    /// Length in minutes.
    pub duration_min: u16,
    /// People received at once.
    pub seats: u32,
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

    /// The slots that the openings give from `from` to `until`, both included, except on holidays and closures. If two
    /// openings of a desk give the same hour, their seats add up.
    pub fn slots(&self, from: NaiveDate, until: NaiveDate) -> Vec<Slot> {
        let mut slots: Vec<Slot> = Vec::new();
        for pool in self.pools() {
            let id = pool.id();
            for day in from.iter_days().take_while(|d| *d <= until).filter(|d| self.closed(pool, *d).is_none()) {
                for opening in pool.desk.opening.iter().filter(|o| o.holds_on(day)) {
                    slots.extend(opening.starts().map(|start| Slot {
                        id: id.at(day, start),
                        duration_min: opening.slot_min,
                        seats: opening.seats,
                    }));
                }
            }
        }
        slots.sort();
        slots.dedup_by(|next, kept| {
            let same = next.id == kept.id;
            if same {
                kept.seats += next.seats;
            }
            same
        });
        slots
    }

    /// The seats that the openings give a pool on a day: none on holidays and closures.
    pub fn seats(&self, pool: Pool<'_>, day: NaiveDate) -> u32 {
        let holding: Vec<&Opening> = pool.desk.opening.iter().filter(|o| o.holds_on(day)).collect();
        if holding.is_empty() || self.closed(pool, day).is_some() {
            return 0;
        }
        holding.into_iter().map(|o| o.starts().count() as u32 * o.seats).sum()
    }

    /// Which desks serve whom.
    pub fn jurisdiction(&self) -> Jurisdiction {
        let mut by_kind: HashMap<String, HashMap<PermitKind, Vec<RankedPool>>> = HashMap::new();
        for (pool, Pool { desk, .. }) in self.pools().into_iter().enumerate() {
            for served in &desk.communes {
                let kinds = by_kind.entry(served.insee.clone()).or_default();
                for kind in &desk.types {
                    kinds.entry(*kind).or_default().push(RankedPool { rank: served.rank, pool: pool as u32 });
                }
            }
        }
        for ranked in by_kind.values_mut().flat_map(HashMap::values_mut) {
            ranked.sort_unstable();
        }
        Jurisdiction(by_kind)
    }
}

impl Opening {
    fn holds_on(&self, day: NaiveDate) -> bool {
        day.weekday() == self.weekday
            && self.valid_from.is_none_or(|from| from <= day)
            && self.valid_to.is_none_or(|to| day <= to)
    }

    fn starts(&self) -> impl Iterator<Item = NaiveTime> + use<> {
        let length = i64::from(self.slot_min);
        let count = (self.to - self.from).num_minutes() / length;
        let from = self.from;
        (0..count).map(move |i| from + TimeDelta::minutes(i * length))
    }
}

/// A pool with its distance rank: 1 for the nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RankedPool {
    /// Distance rank.
    pub rank: u32,
    /// Number of the pool in [`Agenda::pools`].
    pub pool: u32,
}

/// The communes served by each site and desk: never derived from the first digits of a postcode.
#[derive(Clone, Debug, Default)]
pub struct Jurisdiction(HashMap<String, HashMap<PermitKind, Vec<RankedPool>>>);

impl Jurisdiction {
    /// Whether any desk serves the commune at all.
    pub fn knows(&self, commune: &str) -> bool {
        self.0.contains_key(commune)
    }

    /// The pools that serve this type from this commune, nearest first.
    pub fn pools(&self, kind: PermitKind, commune: &str) -> &[RankedPool] {
        self.0.get(commune).and_then(|kinds| kinds.get(&kind)).map_or(&[], Vec::as_slice)
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
