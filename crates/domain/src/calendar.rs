//! Civil dates: public holidays of the thirteen French zones, working days, limits in months.
//!
//! Zones and names are those of the State's data set "Jours fériés en France" (Etalab), which lists
//! the days of the code du travail: L.3133-1 (eleven national days), L.3134-13 (Alsace-Moselle) and
//! L.3422-2 (abolition of slavery). New Caledonia, French Polynesia and Wallis and Futuna have labour
//! law of their own, and the data set only the national days there: their own days are added here.
//! Days off by custom or agreement (Mi-Carême, 21 July, Mayotte's Muslim feasts) are no holidays
//! here: where a site keeps them, its agenda has a closure.

use std::iter;

use chrono::{Datelike, Months, NaiveDate, TimeDelta, Weekday};

use crate::code::coded;

coded! {
    /// A part of the Republic where the same days are public holidays, named as in the State's data set.
    pub enum HolidayZone {
        /// Mainland France and Corsica.
        Metropole = "metropole",
        /// Bas-Rhin, Haut-Rhin and Moselle.
        AlsaceMoselle = "alsace-moselle",
        /// Guadeloupe.
        Guadeloupe = "guadeloupe",
        /// French Guiana.
        Guyane = "guyane",
        /// Martinique.
        Martinique = "martinique",
        /// Mayotte.
        Mayotte = "mayotte",
        /// New Caledonia.
        NouvelleCaledonie = "nouvelle-caledonie",
        /// Réunion.
        LaReunion = "la-reunion",
        /// French Polynesia.
        PolynesieFrancaise = "polynesie-francaise",
        /// Saint Barthélemy.
        SaintBarthelemy = "saint-barthelemy",
        /// Saint Martin.
        SaintMartin = "saint-martin",
        /// Saint Pierre and Miquelon.
        SaintPierreEtMiquelon = "saint-pierre-et-miquelon",
        /// Wallis and Futuna.
        WallisEtFutuna = "wallis-et-futuna",
    }
}

/// A day that is a public holiday, and its French name. Two names may share a day: 1 May 2008 was
/// Ascension Day too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holiday {
    /// The day.
    pub day: NaiveDate,
    /// Its French name.
    pub name: &'static str,
}

/// The public holidays of `zone` in `year`, by date.
///
/// Right from 2000 on; years to come follow today's law. Whit Monday stays in 2005 to 2007: the
/// journée de solidarité made it a day of work for most, and left it in the list of holidays.
pub fn holidays(zone: HolidayZone, year: i32) -> Vec<Holiday> {
    let easter = easter(year);
    let mut list: Vec<Holiday> = feasts(zone)
        .filter_map(|feast| {
            let (day, name) = (feast.day_in(year, easter)?, feast.name);
            Some(Holiday { day, name })
        })
        .collect();
    list.sort_by_key(|holiday| holiday.day);
    list
}

/// Whether `day` is a public holiday in `zone`. Allocates nothing.
pub fn is_holiday(zone: HolidayZone, day: NaiveDate) -> bool {
    let easter = easter(day.year());
    feasts(zone).any(|feast| feast.day_in(day.year(), easter) == Some(day))
}

/// Whether `day` is from Monday to Friday and not a public holiday in `zone`.
pub fn is_working_day(zone: HolidayZone, day: NaiveDate) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && !is_holiday(zone, day)
}

/// The first working day on or after `day`.
pub fn first_working_day_from(zone: HolidayZone, day: NaiveDate) -> NaiveDate {
    iter::successors(Some(day), NaiveDate::succ_opt).find(|&day| is_working_day(zone, day)).unwrap_or(NaiveDate::MAX)
}

/// The last working day on or before `day`.
pub fn last_working_day_until(zone: HolidayZone, day: NaiveDate) -> NaiveDate {
    iter::successors(Some(day), NaiveDate::pred_opt).find(|&day| is_working_day(zone, day)).unwrap_or(NaiveDate::MIN)
}

/// The day `months` months before `day`, de quantième à quantième: the same day of the month, or the
/// last day of a month that is too short. The usage is article 641 of the code de procédure civile,
/// whose limits run forwards; here they are counted back from an expiry.
pub fn months_before(day: NaiveDate, months: u32) -> NaiveDate {
    day.checked_sub_months(Months::new(months)).unwrap_or(NaiveDate::MIN)
}

/// A rule of the calendar: a name, its day, and the first and last year it applies.
struct Feast {
    name: &'static str,
    when: When,
    first_year: i32,
    last_year: i32,
}

enum When {
    /// Month and day.
    Fixed(u32, u32),
    /// Days after Easter Sunday.
    Easter(i64),
}

impl Feast {
    const fn on(month: u32, day: u32, name: &'static str) -> Self {
        Self::every_year(When::Fixed(month, day), name)
    }

    const fn easter(days_after: i64, name: &'static str) -> Self {
        Self::every_year(When::Easter(days_after), name)
    }

    const fn every_year(when: When, name: &'static str) -> Self {
        let (first_year, last_year) = (i32::MIN, i32::MAX);
        Self { name, when, first_year, last_year }
    }

    const fn since(self, first_year: i32) -> Self {
        Self { first_year, ..self }
    }

    const fn until(self, last_year: i32) -> Self {
        Self { last_year, ..self }
    }

    fn day_in(&self, year: i32, easter: Option<NaiveDate>) -> Option<NaiveDate> {
        if year < self.first_year || self.last_year < year {
            return None;
        }
        match self.when {
            When::Fixed(month, day) => NaiveDate::from_ymd_opt(year, month, day),
            When::Easter(days_after) => easter?.checked_add_signed(TimeDelta::days(days_after)),
        }
    }
}

fn feasts(zone: HolidayZone) -> impl Iterator<Item = &'static Feast> {
    NATIONAL.iter().chain(local(zone))
}

/// Code du travail, L.3133-1.
const NATIONAL: &[Feast] = &[
    Feast::on(1, 1, "1er janvier"),
    Feast::easter(1, "Lundi de Pâques"),
    Feast::on(5, 1, "1er mai"),
    Feast::on(5, 8, "8 mai"),
    Feast::easter(39, "Ascension"),
    Feast::easter(50, "Lundi de Pentecôte"),
    Feast::on(7, 14, "14 juillet"),
    Feast::on(8, 15, "Assomption"),
    Feast::on(11, 1, "Toussaint"),
    Feast::on(11, 11, "11 novembre"),
    Feast::on(12, 25, "Jour de Noël"),
];

const GOOD_FRIDAY: Feast = Feast::easter(-2, "Vendredi saint");

const fn abolition(month: u32, day: u32) -> Feast {
    Feast::on(month, day, "Abolition de l'esclavage")
}

/// The days that a zone has besides the national ones.
const fn local(zone: HolidayZone) -> &'static [Feast] {
    match zone {
        HolidayZone::Metropole | HolidayZone::SaintPierreEtMiquelon => &[],
        // L.3134-13 keeps Good Friday for communes with a Protestant or shared church; the data set,
        // and so this zone, counts it everywhere.
        HolidayZone::AlsaceMoselle => const { &[GOOD_FRIDAY, Feast::on(12, 26, "2ème jour de Noël")] },
        HolidayZone::Guadeloupe => const { &[abolition(5, 27)] },
        HolidayZone::Guyane => const { &[abolition(6, 10)] },
        HolidayZone::Martinique => const { &[abolition(5, 22)] },
        HolidayZone::Mayotte => const { &[abolition(4, 27)] },
        HolidayZone::LaReunion => const { &[abolition(12, 20)] },
        HolidayZone::SaintBarthelemy => const { &[abolition(10, 9)] },
        // L.3422-2 put Saint-Martin with Guadeloupe; since 2018 circulars (4 May 2018, 3 May 2019) let
        // the collectivity keep the date of its own history, and the data set follows.
        HolidayZone::SaintMartin => const { &[abolition(5, 27).until(2017), abolition(5, 28).since(2018)] },
        // The accord interprofessionnel territorial, article 74.
        HolidayZone::NouvelleCaledonie => const { &[Feast::on(9, 24, "Fête de la citoyenneté")] },
        // The country's own code du travail. Its assembly put 20 November in the place of 29 June by
        // a loi du pays adopted on 6 May 2025; in that year 29 June was a Sunday.
        HolidayZone::PolynesieFrancaise => {
            const {
                &[
                    Feast::on(3, 5, "Arrivée de l'Évangile"),
                    GOOD_FRIDAY,
                    Feast::on(6, 29, "Fête de l'autonomie").until(2024),
                    Feast::on(11, 20, "Matari'i").since(2025),
                ]
            }
        }
        // The list that the préfet, administrateur supérieur, signs every year.
        HolidayZone::WallisEtFutuna => {
            const {
                &[
                    Feast::on(4, 28, "Saint Pierre Chanel"),
                    Feast::on(6, 29, "Saints Pierre et Paul"),
                    Feast::on(7, 29, "Fête du territoire"),
                ]
            }
        }
    }
}

/// Easter Sunday of a Gregorian year: the anonymous algorithm of 1876 (Butcher; Meeus,
/// *Astronomical Algorithms*, chapter 8). None outside the years that chrono can hold.
fn easter(year: i32) -> Option<NaiveDate> {
    let (century, year_of_century) = (year / 100, year % 100);
    let golden = year % 19;
    let lunar_shift = (century - (century + 8) / 25 + 1) / 3;
    // Days from 21 March to the full moon, then from the day after it to the next Sunday.
    let moon = (19 * golden + century - century / 4 - lunar_shift + 15) % 30;
    let sunday = (32 + 2 * (century % 4) + 2 * (year_of_century / 4) - moon - year_of_century % 4) % 7;
    // The lunar tables have two exceptions, as in 1981 and 2049: Easter is a week earlier.
    let week_early = (golden + 11 * moon + 22 * sunday) / 451;
    let days_after = TimeDelta::days(i64::from(moon + sunday - 7 * week_early));
    NaiveDate::from_ymd_opt(year, 3, 22)?.checked_add_signed(days_after)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_a_holiday_exactly_when_its_year_lists_it() {
        for zone in HolidayZone::ALL.iter().copied() {
            let listed: BTreeSet<_> = (2000..=2050).flat_map(|y| holidays(zone, y)).map(|h| h.day).collect();
            let days = day("2000-01-01").iter_days().take_while(|day| day.year() <= 2050);
            let kept: BTreeSet<_> = days.filter(|&day| is_holiday(zone, day)).collect();
            assert_eq!(kept, listed, "{zone}");
        }
    }

    #[test]
    fn months_are_counted_from_day_to_same_day_or_to_the_end_of_a_short_month() {
        for (expiry, months, opening) in [
            ("2026-12-31", 2, "2026-10-31"),
            ("2027-04-30", 2, "2027-02-28"),
            ("2028-04-30", 2, "2028-02-29"),
            ("2027-01-15", 2, "2026-11-15"),
            ("2026-08-31", 2, "2026-06-30"),
            ("2026-05-05", 0, "2026-05-05"),
        ] {
            assert_eq!(months_before(day(expiry), months), day(opening), "{expiry}");
        }
    }

    #[test]
    fn two_months_are_59_to_62_days() {
        let days = day("2000-01-01").iter_days().take_while(|day| day.year() <= 2050);
        let lengths: BTreeSet<_> = days.map(|day| (day - months_before(day, 2)).num_days()).collect();
        assert_eq!(lengths, (59..=62).collect());
    }

    #[test]
    fn working_days_step_over_weekends_and_holidays() {
        // Friday 3 April 2026 is Good Friday; Monday 6 April is Easter Monday.
        for (zone, before, after) in [
            (HolidayZone::Metropole, "2026-04-03", "2026-04-07"),
            (HolidayZone::AlsaceMoselle, "2026-04-02", "2026-04-07"),
        ] {
            assert_eq!(last_working_day_until(zone, day("2026-04-05")), day(before));
            assert_eq!(first_working_day_from(zone, day("2026-04-04")), day(after));
        }
    }
}
