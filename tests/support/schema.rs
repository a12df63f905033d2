//! The program's output conforms to the schemas in docs/schemas: every document in a test is validated.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;

/// The folder of the schemas.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas")
}

/// Schemas of the commands, by the name in each document.
pub(crate) static COMMANDS: LazyLock<Value> = LazyLock::new(|| {
    let text = fs::read_to_string(folder().join("commands.json")).unwrap_or_else(|_| "{}".into());
    serde_json::from_str(&text).unwrap()
});

/// Validates a document. With `CONVOKE_LEARN=FILE` it is only recorded, as a start for the schema of a new document.
pub(crate) fn keep(document: &Value) {
    if let Some(file) = std::env::var_os("CONVOKE_LEARN") {
        let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
        file.write_all(format!("{document}\n").as_bytes()).unwrap();
        return;
    }
    // A schema is not validated.
    if document["$schema"].is_string() {
        return;
    }
    let Some(name) = document["schema"].as_str() else { panic!("a document without a name of its schema: {document}") };
    let own = name.trim_start_matches("convoke.").split('/').next().unwrap();
    let schema = if COMMANDS[name].is_object() {
        COMMANDS[name].clone()
    } else {
        let text = fs::read_to_string(folder().join(format!("{own}.json")));
        serde_json::from_str(&text.unwrap_or_else(|_| panic!("docs/schemas has no schema of {name}"))).unwrap()
    };
    let mut found = Vec::new();
    breaches(&schema, &schema, document, name, &mut found);
    assert_eq!(found, Vec::<String>::new(), "{document}");
}

/// Violations of a schema: unknown fields, missing ones and wrong values. It implements as much of JSON Schema as the
/// published ones need.
pub(crate) fn breaches(schema: &Value, root: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    // Anything is valid.
    if schema == &Value::Bool(true) {
        return;
    }
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
