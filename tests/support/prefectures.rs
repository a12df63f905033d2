//! Several préfectures in one database, each with its own folder.

use std::fs;

use super::{Office, Shape, today};

/// An office, and further préfectures in their own folders beside it, in the same database.
pub(crate) fn offices(codes: &[&str]) -> Office {
    offices_of(&codes.iter().map(|code| (*code, 300)).collect::<Vec<_>>())
}

/// The same with the given number of permits each, or none.
pub(crate) fn offices_of(prefectures: &[(&str, usize)]) -> Office {
    let office = Office::new(Shape { permits: 0, seats: false });
    for (code, permits) in prefectures {
        let folder = format!("prefectures/{code}");
        office.ok(&["init", "--dir", &folder, "--example", "94", "--json"]);
        let file = office.path(&folder).join("convoke.toml");
        let settings = fs::read_to_string(&file).unwrap().replace("code = \"94\"", &format!("code = \"{code}\""));
        fs::write(&file, settings).unwrap();
        let config = file.display().to_string();
        if *permits > 0 {
            let mut extract = fs::File::create(office.path("permits.csv")).unwrap();
            // The same people everywhere, so that any mix-up is found.
            convoke::demo::world::write_permits(7, *permits, today(), &mut extract).unwrap();
            office.ok(&["--config", &config, "import", "permits", "permits.csv", "--json"]);
        }
        let until = today().checked_add_days(chrono::Days::new(220)).unwrap().to_string();
        office.ok(&["--config", &config, "agenda", "generate", "--until", &until, "--json"]);
    }
    office
}

/// All rows of a préfecture, by table.
pub(crate) fn of(office: &Office, code: &str) -> Vec<String> {
    ["permit", "holder", "slot", "run", "convocation", "reservation", "outbox", "ledger_entry", "past_verdict"]
        .map(|table| {
            let key = if table == "permit" {
                "min(rule) || max(review_on) || sum(fingerprint % 1000000)"
            } else {
                "count(*)"
            };
            let rows = office.query(&format!(
                "SELECT count(*), coalesce(CAST({key} AS TEXT), '') FROM {table} WHERE prefecture = '{code}'"
            ));
            format!("{table} {rows}")
        })
        .to_vec()
}
