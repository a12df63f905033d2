//! What is handed out keeps to the schemas in docs/schemas, which are made from the types that write it.

#[expect(unreachable_pub, reason = "shared by test programs")]
#[allow(dead_code, reason = "each test program uses a part")]
mod support;

use std::path::Path;

use chrono::Datelike;
use convoke::bundle::Manifest;
use convoke::forecast::Forecast;
use convoke::report::{Period, RunReport};
use convoke::run::Summary;
use schemars::schema_for;
use serde_json::Value;
use support::{Office, Shape, today};

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
    // All of them before any is judged: then they can be copied together.
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

/// What a value has that its schema does not know, or lacks that it must have. Enough of JSON Schema for what is published here.
fn breaches(schema: &Value, root: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let target = root.pointer(name.trim_start_matches('#')).unwrap();
        return breaches(target, root, value, path, found);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let fits = |one: &Value| {
            let mut inner = Vec::new();
            breaches(one, root, value, path, &mut inner);
            inner.is_empty()
        };
        if !any.iter().any(fits) {
            found.push(format!("{path}: fits none"));
        }
        return;
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        found.push(format!("{path}: {value} is none of the words"));
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed = match &schema["type"] {
        Value::String(one) => one == kind || (one == "number" && kind == "integer"),
        Value::Array(several) => several.iter().any(|one| one == kind),
        _ => true,
    };
    if !allowed {
        found.push(format!("{path}: {kind}"));
    }
    if let Value::Object(fields) = value {
        for name in schema["required"].as_array().into_iter().flatten() {
            if !fields.contains_key(name.as_str().unwrap()) {
                found.push(format!("{path}: lacks {name}"));
            }
        }
        for (name, field) in fields {
            let known = &schema["properties"][name];
            let known = if known.is_null() { &schema["additionalProperties"] } else { known };
            match known {
                Value::Null | Value::Bool(false) => found.push(format!("{path}.{name}: is not in the schema")),
                known => breaches(known, root, field, &format!("{path}.{name}"), found),
            }
        }
    }
    if let Value::Array(items) = value {
        for (n, item) in items.iter().enumerate() {
            if schema["items"].is_object() {
                breaches(&schema["items"], root, item, &format!("{path}[{n}]"), found);
            }
        }
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
