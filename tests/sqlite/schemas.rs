//! Published documents conform to the schemas in docs/schemas, which are generated from the types that write them.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::Datelike;
use convoke_letters::Design;
use convoke_office::run::Summary;
use convoke_report::bundle::Manifest;
use convoke_report::forecast::Forecast;
use convoke_report::{Period, RunReport};
use schemars::schema_for;
use serde_json::Value;

use crate::support::schema::{COMMANDS, breaches};
use crate::support::{Office, Shape, today};

fn published() -> [(&'static str, Value); 5] {
    [
        ("report", schema_for!(RunReport).to_value()),
        ("manifest", schema_for!(Manifest).to_value()),
        ("period", schema_for!(Period).to_value()),
        ("run", schema_for!(Summary).to_value()),
        ("forecast", schema_for!(Forecast).to_value()),
    ]
}

#[test]
fn the_published_schemas_are_those_of_the_program() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = sources.join("target/schemas");
    std::fs::create_dir_all(&made).unwrap();
    let texts =
        published().map(|(name, schema)| (name, format!("{}\n", serde_json::to_string_pretty(&schema).unwrap())));
    // Write all of them before comparing any: then they can be copied together.
    let mut texts = texts.to_vec();
    texts.push(("letter", format!("{}\n", serde_json::to_string_pretty(&Design::schema()).unwrap())));
    for (name, text) in &texts {
        std::fs::write(made.join(format!("{name}.json")), text).unwrap();
    }
    for (name, text) in texts {
        let kept = std::fs::read_to_string(sources.join(format!("docs/schemas/{name}.json"))).unwrap_or_default();
        assert!(
            kept == text,
            "docs/schemas/{name}.json is not what the program writes: copy target/schemas/{name}.json there, and say so in CHANGELOG.md"
        );
    }
}

/// Extra seats in four weeks.
fn some_week() -> String {
    let week = today().checked_add_days(chrono::Days::new(28)).unwrap().iso_week();
    format!("creteil/renouvellement/{}-W{:02}=1", week.year(), week.week())
}

#[test]
fn what_is_handed_out_keeps_to_its_schema() {
    let office = Office::new(Shape { permits: 400, seats: true });
    let run = office.run(&[]);
    office.ok(&["report", "--out", "r", "--json"]);
    let read = |name: &str| serde_json::from_slice::<Value>(&std::fs::read(office.path(name)).unwrap()).unwrap();
    let day = today().to_string();
    let period = office.ok(&["report", "--from", "2026-01-01", "--to", &day, "--json"]);
    let forecast = office.ok(&["forecast", "--extra", &some_week(), "--json"]);
    let values = [read("r/report.json"), read("r/manifest.json"), period, run, forecast];
    for ((name, schema), value) in published().iter().zip(values) {
        let mut found = Vec::new();
        breaches(schema, schema, &value, name, &mut found);
        assert_eq!(found, Vec::<String>::new());
        // And the check can fail.
        let mut wrong = value.clone();
        wrong["another"] = 1.into();
        wrong.as_object_mut().unwrap().remove("schema");
        breaches(schema, schema, &wrong, name, &mut found);
        assert_eq!(found.len(), 2, "{found:?}");
    }
}

/// Schema names in the sources: `convoke.run/1`.
fn named_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        if entry.is_dir() {
            named_in(&entry, found);
        } else if entry.extension().is_some_and(|e| e == "rs") {
            let source = std::fs::read_to_string(&entry).unwrap();
            let texts = source.split('"').filter(|text| text.starts_with("convoke.") && text.ends_with("/1"));
            found.extend(texts.map(str::to_owned));
        }
    }
}

#[test]
fn every_document_that_a_command_prints_has_a_schema() {
    let mut named = BTreeSet::new();
    for folder in ["src", "crates"] {
        named_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut named);
    }
    assert!(named.len() > 50, "{named:?}");
    let own: Vec<String> = published().iter().map(|(name, _)| format!("convoke.{name}/1")).collect();
    let without: Vec<&String> =
        named.iter().filter(|n| !own.contains(n) && !COMMANDS[n.as_str()].is_object()).collect();
    assert_eq!(without, Vec::<&String>::new(), "in docs/schemas/commands.json");
    let of_nothing: Vec<&String> = COMMANDS.as_object().unwrap().keys().filter(|n| !named.contains(*n)).collect();
    assert_eq!(of_nothing, Vec::<&String>::new(), "schemas of documents that nothing prints");
}
