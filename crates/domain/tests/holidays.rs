//! The public holidays of every zone, against dates copied from published calendars.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate, Weekday};
use convoke_domain::calendar::{Holiday, HolidayZone, holidays};

/// One row per holiday: name, zones (`*`: all), then its date in each year of the first row, or `-`. 2008 is included
/// because 1 May was Ascension Day, 2018 for Saint-Martin, 2025 for Polynesia.
const PUBLISHED: &str = "
name                     | zones                              | 2000  2008  2018  2024  2025  2026  2027  2050
1er janvier              | *                                  | 01-01 01-01 01-01 01-01 01-01 01-01 01-01 01-01
Arrivée de l'Évangile    | polynesie-francaise                | 03-05 03-05 03-05 03-05 03-05 03-05 03-05 03-05
Vendredi saint           | alsace-moselle polynesie-francaise | 04-21 03-21 03-30 03-29 04-18 04-03 03-26 04-08
Lundi de Pâques          | *                                  | 04-24 03-24 04-02 04-01 04-21 04-06 03-29 04-11
Abolition de l'esclavage | mayotte                            | 04-27 04-27 04-27 04-27 04-27 04-27 04-27 04-27
Saint Pierre Chanel      | wallis-et-futuna                   | 04-28 04-28 04-28 04-28 04-28 04-28 04-28 04-28
1er mai                  | *                                  | 05-01 05-01 05-01 05-01 05-01 05-01 05-01 05-01
8 mai                    | *                                  | 05-08 05-08 05-08 05-08 05-08 05-08 05-08 05-08
Ascension                | *                                  | 06-01 05-01 05-10 05-09 05-29 05-14 05-06 05-19
Lundi de Pentecôte       | *                                  | 06-12 05-12 05-21 05-20 06-09 05-25 05-17 05-30
Abolition de l'esclavage | martinique                         | 05-22 05-22 05-22 05-22 05-22 05-22 05-22 05-22
Abolition de l'esclavage | guadeloupe                         | 05-27 05-27 05-27 05-27 05-27 05-27 05-27 05-27
Abolition de l'esclavage | saint-martin                       | 05-27 05-27 05-28 05-28 05-28 05-28 05-28 05-28
Abolition de l'esclavage | guyane                             | 06-10 06-10 06-10 06-10 06-10 06-10 06-10 06-10
Saints Pierre et Paul    | wallis-et-futuna                   | 06-29 06-29 06-29 06-29 06-29 06-29 06-29 06-29
Fête de l'autonomie      | polynesie-francaise                | 06-29 06-29 06-29 06-29 -     -     -     -
14 juillet               | *                                  | 07-14 07-14 07-14 07-14 07-14 07-14 07-14 07-14
Fête du territoire       | wallis-et-futuna                   | 07-29 07-29 07-29 07-29 07-29 07-29 07-29 07-29
Assomption               | *                                  | 08-15 08-15 08-15 08-15 08-15 08-15 08-15 08-15
Fête de la citoyenneté   | nouvelle-caledonie                 | 09-24 09-24 09-24 09-24 09-24 09-24 09-24 09-24
Abolition de l'esclavage | saint-barthelemy                   | 10-09 10-09 10-09 10-09 10-09 10-09 10-09 10-09
Toussaint                | *                                  | 11-01 11-01 11-01 11-01 11-01 11-01 11-01 11-01
11 novembre              | *                                  | 11-11 11-11 11-11 11-11 11-11 11-11 11-11 11-11
Matari'i                 | polynesie-francaise                | -     -     -     -     11-20 11-20 11-20 11-20
Abolition de l'esclavage | la-reunion                         | 12-20 12-20 12-20 12-20 12-20 12-20 12-20 12-20
Jour de Noël             | *                                  | 12-25 12-25 12-25 12-25 12-25 12-25 12-25 12-25
2ème jour de Noël        | alsace-moselle                     | 12-26 12-26 12-26 12-26 12-26 12-26 12-26 12-26
";

/// Easter Sundays from 2000 to 2050, ten years a line.
const EASTER: &str = "
04-23 04-15 03-31 04-20 04-11 03-27 04-16 04-08 03-23 04-12
04-04 04-24 04-08 03-31 04-20 04-05 03-27 04-16 04-01 04-21
04-12 04-04 04-17 04-09 03-31 04-20 04-05 03-28 04-16 04-01
04-21 04-13 03-28 04-17 04-09 03-25 04-13 04-05 04-25 04-10
04-01 04-21 04-06 03-29 04-17 04-09 03-25 04-14 04-05 04-18
04-10
";

fn date(year: i32, month_day: &str) -> NaiveDate {
    format!("{year}-{month_day}").parse().unwrap()
}

/// The published list of a zone, for each year of the table.
fn published(zone: HolidayZone) -> BTreeMap<i32, Vec<Holiday>> {
    let mut rows = PUBLISHED.trim().lines().map(|row| {
        let mut cells = row.split('|').map(str::trim);
        [(); 3].map(|()| cells.next().unwrap())
    });
    let [_, _, years] = rows.next().unwrap();
    let years: Vec<i32> = years.split_whitespace().map(|year| year.parse().unwrap()).collect();
    let mut lists: BTreeMap<_, Vec<_>> = years.iter().map(|&year| (year, Vec::new())).collect();
    for [name, zones, days] in rows {
        if zones != "*" && !zones.split(' ').any(|name| name == zone.code()) {
            continue;
        }
        assert_eq!(days.split_whitespace().count(), years.len(), "{name}");
        for (&year, day) in years.iter().zip(days.split_whitespace()) {
            if day != "-" {
                let day = date(year, day);
                lists.get_mut(&year).unwrap().push(Holiday { day, name });
            }
        }
    }
    for list in lists.values_mut() {
        list.sort_by_key(|holiday| holiday.day);
    }
    lists
}

#[test]
fn every_zone_keeps_exactly_the_published_holidays() {
    for zone in HolidayZone::ALL.iter().copied() {
        for (year, list) in published(zone) {
            assert_eq!(holidays(zone, year), list, "{zone} {year}");
        }
    }
}

#[test]
fn the_table_gives_every_zone_its_own_days() {
    // In the order of `HolidayZone::ALL`; a misspelt zone in the table would leave one short.
    let local_days_2026 = HolidayZone::ALL.iter().map(|zone| published(*zone)[&2026].len() - 11).collect::<Vec<_>>();
    assert_eq!(local_days_2026, [0, 2, 1, 1, 1, 1, 1, 1, 3, 1, 1, 0, 3]);
}

#[test]
fn moveable_feasts_follow_easter_for_half_a_century() {
    let sundays: Vec<_> = (2000..).zip(EASTER.split_whitespace()).collect();
    assert_eq!(sundays.len(), 51);
    for (year, month_day) in sundays {
        let easter = date(year, month_day);
        assert_eq!(easter.weekday(), Weekday::Sun, "{year}");
        let list = holidays(HolidayZone::Metropole, year);
        for (name, days_after) in [("Lundi de Pâques", 1), ("Ascension", 39), ("Lundi de Pentecôte", 50)] {
            let day = easter + Days::new(days_after);
            let found: Vec<_> = list.iter().filter(|holiday| holiday.name == name).collect();
            assert_eq!(found, [&Holiday { day, name }], "{year}");
        }
    }
}
