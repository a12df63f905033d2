//! The demo's world shows every outcome, at the load of a préfecture, and names nobody.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{NaiveDate, TimeDelta};
use convoke::demo::world::{REFUSED_ADDRESS, RENEWALS_PER_WEEK, permits_csv, write_permits};

type Row = HashMap<String, String>;

const COMMUNES: &str = include_str!("../src/demo/communes.csv");
const STUDENTS: [&str; 3] = ["etudiant", "etudiant-mobilite", "etudiant-eleve"];

fn first_night() -> NaiveDate {
    day("2026-10-05")
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date as YYYY-MM-DD")
}

fn rows(seed: u64, permits: usize) -> Vec<Row> {
    let text = permits_csv(seed, permits, first_night());
    csv::ReaderBuilder::new()
        .delimiter(b';')
        .from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("rows as long as their header")
}

fn home_communes() -> BTreeSet<&'static str> {
    COMMUNES.lines().skip(1).map(|line| &line[..5]).collect()
}

/// The outcome of each row on the first night, by rules written independently of the program's.
fn outcomes(rows: &[Row]) -> BTreeMap<&'static str, Vec<&Row>> {
    let home = home_communes();
    let mut latest: HashMap<&str, NaiveDate> = HashMap::new();
    for row in rows {
        let expiry = day(&row["fin_validite"]);
        let last = latest.entry(&row["numero_etranger"]).or_insert(expiry);
        *last = expiry.max(*last);
    }
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in rows {
        let expiry = day(&row["fin_validite"]);
        let outcome = match &*row["statut"] {
            "decede" => "deceased",
            "retire" => "withdrawn",
            _ if expiry < latest[&*row["numero_etranger"]] => "not-latest-permit",
            _ if !row["depot_le"].is_empty() => "renewal-filed",
            _ if STUDENTS.contains(&&*row["mention"]) => "student",
            _ if ["salarie-detache-ict", "recherche-emploi"].contains(&&*row["mention"]) => "not-renewable",
            _ if !home.contains(&*row["commune_insee"]) => "no-jurisdiction",
            _ if expiry < day("2026-04-05") => "expired",
            _ if expiry < first_night() => "due.late",
            _ if expiry > day("2028-01-01") => "far-off",
            _ => "renewal",
        };
        found.entry(outcome).or_default().push(row);
    }
    found
}

fn weekly_counter_renewals(rows: &[Row]) -> BTreeMap<i64, u64> {
    let mut weeks = BTreeMap::new();
    for row in &outcomes(rows)["renewal"] {
        let days = day(&row["fin_validite"]) - first_night();
        *weeks.entry(days.num_weeks()).or_default() += 1;
    }
    weeks
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let world = permits_csv(7, 1_000, first_night());
    assert_eq!(world, permits_csv(7, 1_000, first_night()));
    assert_ne!(world, permits_csv(8, 1_000, first_night()));

    let mut streamed = Vec::new();
    write_permits(7, 1_000, first_night(), &mut streamed).expect("a Vec takes every write");
    assert_eq!(world.into_bytes(), streamed);
}

#[test]
fn every_outcome_is_present_in_a_believable_share() {
    for seed in [1, 42, 2026] {
        let rows = rows(seed, 5_000);
        let found = outcomes(&rows);
        for (outcome, from, to) in [
            ("deceased", 40, 60),
            ("withdrawn", 40, 60),
            ("not-latest-permit", 130, 170),
            ("renewal-filed", 200, 250),
            ("student", 450, 600),
            ("not-renewable", 40, 60),
            ("no-jurisdiction", 60, 90),
            ("expired", 60, 90),
            ("due.late", 60, 90),
            ("far-off", 270, 330),
            ("renewal", 3_300, 3_500),
        ] {
            let n = found.get(outcome).map_or(0, Vec::len);
            assert!((from..=to).contains(&n), "seed {seed}: {n} {outcome}, not {from} to {to}");
        }
    }
}

#[test]
fn the_counters_see_65_renewals_a_week_whatever_the_seed_and_size() {
    for (seed, permits) in [(1, 5_000), (42, 5_000), (7, 5_000), (2026, 5_000), (3, 20_000)] {
        let usual = RENEWALS_PER_WEEK * permits / 5_000;
        let weeks = weekly_counter_renewals(&rows(seed, usize::try_from(permits).unwrap()));
        for week in 0..26 {
            let n = weeks[&week];
            assert!(n.abs_diff(usual) <= usual / 10, "week {week}: {n} renewals, not {usual}");
        }
    }
}

#[test]
fn the_world_uses_all_47_communes_and_some_elsewhere() {
    let rows = rows(42, 5_000);
    let seen: BTreeSet<_> = rows.iter().map(|row| &*row["commune_insee"]).collect();
    assert_eq!(home_communes().len(), 47);
    assert!(seen.is_superset(&home_communes()));
    assert!(seen.contains("75113"));
}

#[test]
fn nobody_can_be_reached() {
    for row in rows(42, 5_000) {
        let (email, phone) = (&row["email"], &row["telephone"]);
        assert!(email.is_empty() || email.ends_with("@example.org") || email == "sans-arobase");
        assert!(phone.is_empty() || phone.starts_with("019900") || phone.starts_with("063998"));
        assert!(phone.is_empty() || phone.len() == 10);
    }
}

#[test]
fn some_holders_have_no_email_and_some_no_telephone() {
    let rows = rows(42, 5_000);
    let without = |column: &str| rows.iter().filter(|row| row[column].is_empty()).count();
    assert!((350..=500).contains(&without("email")), "{}", without("email"));
    assert!((500..=900).contains(&without("telephone")), "{}", without("telephone"));
    let households = rows.len() - without("foyer");
    assert!((600..=900).contains(&households), "{households}");
}

#[test]
fn numbers_are_well_formed_and_belong_to_one_holder() {
    let rows = rows(42, 20_000);
    let mut holders = HashMap::new();
    let mut mailboxes = HashMap::new();
    let mut permits = BTreeSet::new();
    for row in &rows {
        let number = &*row["numero_etranger"];
        assert!([9, 10].contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()));
        let person = (&row["nom"], &row["prenoms"], &row["date_naissance"], &row["email"]);
        assert_eq!(holders.entry(number).or_insert(person), &person);
        if !row["email"].is_empty() {
            assert_eq!(mailboxes.entry(&*row["email"]).or_insert(number), &number);
        }
        assert!(permits.insert(&*row["numero_titre"]), "{} twice", row["numero_titre"]);
        assert!(day(&row["debut_validite"]) < day(&row["fin_validite"]));
    }
    assert!(holders.keys().any(|number| number.len() == 9));
    assert!(holders.keys().any(|number| number.len() == 10 && number.starts_with('0')));
}

#[test]
fn the_guests_of_every_world_come_first() {
    let rows = rows(9, 50);
    assert_eq!(rows.len(), 50);
    assert_eq!(rows[0]["email"], REFUSED_ADDRESS);
    assert_eq!(day(&rows[0]["fin_validite"]), first_night() + TimeDelta::days(18));
    assert_eq!(rows[1]["email"], "sans-arobase");
    assert_eq!((&*rows[2]["langue"], &*rows[3]["langue"]), ("ar", "zh"));
    assert_eq!(rows[4]["nom"].chars().count(), 120);
}
