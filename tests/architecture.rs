//! Architecture rules that Cargo cannot express. Who depends on whom is in the crates' manifests; this is what none of
//! them may add.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml::Table;

/// Crates that decide: no IO, no clock, no randomness.
const PURE: &[&str] = &["domain", "instance", "check", "planning", "letters", "report"];
/// What none of them depends on, however far down among our own crates.
const IMPURE: &[&str] = &[
    "convoke-machine",
    "diesel",
    "lettre",
    "tokio",
    "config",
    "clap",
    "getrandom",
    "rand_chacha",
    "tempfile",
    "rustix",
    "ureq",
];
/// What none of them names of the standard library.
const DOORS: &[&str] = &["std::fs", "std::env::", "std::net", "std::process", "std::thread", "std::time"];
/// Dependencies that a crate must never have, not even through our own crates.
const NEVER: &[(&str, &str)] = &[
    // A run never speaks SMTP, and a send never decides who is convoked: they meet in the outbox.
    ("dispatch", "convoke-planning"),
    ("dispatch", "convoke-office"),
    ("office", "convoke-dispatch"),
    // A checker that uses the solver would trust it.
    ("check", "convoke-planning"),
    ("store", "convoke-report"),
    ("planning", "convoke-report"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Dependencies of each of our crates, except those of tests.
fn manifests() -> BTreeMap<String, BTreeSet<String>> {
    let folders = fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let dependencies = |folder: PathBuf| {
        let manifest: Table = fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap();
        let names = manifest["dependencies"].as_table().unwrap().keys().cloned().collect();
        (folder.file_name().unwrap().to_string_lossy().into_owned(), names)
    };
    folders.map(dependencies).collect()
}

/// Everything that a crate depends on through our own crates.
fn reached<'m>(manifests: &'m BTreeMap<String, BTreeSet<String>>, name: &str) -> BTreeSet<&'m str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![name];
    while let Some(dependencies) = open.pop().and_then(|name| manifests.get(name)) {
        for dependency in dependencies {
            if reached.insert(dependency.as_str()) {
                open.extend(dependency.strip_prefix("convoke-"));
            }
        }
    }
    reached
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn what_decides_depends_on_nothing_that_acts() {
    let manifests = manifests();
    for name in PURE {
        let reached = reached(&manifests, name);
        let wrong: Vec<&&str> = IMPURE.iter().filter(|impure| reached.contains(**impure)).collect();
        assert!(wrong.is_empty(), "crates/{name} depends on {wrong:?}");
    }
    for (name, never) in NEVER {
        assert!(!reached(&manifests, name).contains(never), "crates/{name} depends on {never}");
    }
    assert!(reached(&manifests, "office").contains("diesel"), "what is reached through a crate of ours is seen");
}

#[test]
fn what_decides_opens_no_door_of_the_standard_library() {
    for name in PURE {
        let mut files = Vec::new();
        sources(&root().join("crates").join(name).join("src"), &mut files);
        for file in files {
            let source = fs::read_to_string(&file).unwrap();
            let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
            // Tests may do all of this.
            for line in code.take_while(|line| !line.starts_with("#[cfg(test)]")) {
                // A nested import names its module first: `use std::{fs, io};`.
                let spread = line.replace("std::{", "std::").replace(", ", " std::");
                let door = DOORS
                    .iter()
                    .find(|door| line.contains(*door) || (line.contains("std::{") && spread.contains(*door)));
                assert!(door.is_none(), "{}: {line}", file.display());
            }
        }
    }
}

/// Tables with rows of a préfecture, as named in the schema.
fn tables() -> Vec<String> {
    let schema =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/store/src/scope/schema.rs")).unwrap();
    let names = schema.lines().filter_map(|l| l.strip_prefix("    ")?.strip_suffix(") {")?.split_once(" (prefecture"));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// The first statement in a source that reads or changes a table without naming a préfecture.
fn forgets_the_prefecture(source: &str, tables: &[String]) -> Option<String> {
    let code = source.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join(" ");
    let statements = code.split(';').map(|s| s.split_whitespace().collect::<Vec<_>>().join(" "));
    statements.into_iter().find(|statement| {
        let named = |table: &String| {
            [format!("{table}::table"), format!("FROM {table} "), format!("UPDATE {table} "), format!("JOIN {table} ")]
                .iter()
                .any(|n| {
                    let whole = |at: usize| !statement[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                    statement.match_indices(n.as_str()).any(|(at, _)| whole(at))
                })
        };
        // Keys begin with it, and so does every inserted row.
        let remembers = ["prefecture", "(mine", "find((p,", "find((&p,", ".values("];
        tables.iter().any(named) && !remembers.iter().any(|r| statement.contains(r))
    })
}

#[test]
fn no_query_forgets_the_prefecture() {
    let tables = tables();
    assert!(tables.len() > 12, "{tables:?}");
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/store/src"), &mut files);
    assert!(files.len() > 10);
    for file in &files {
        if let Some(statement) = forgets_the_prefecture(&fs::read_to_string(file).unwrap(), &tables) {
            panic!("{}: {statement}", file.display());
        }
    }
    // Statements that it must find.
    for forgetful in [
        "let n: i64 = outbox::table.filter(outbox::state.eq(1)).count().get_result(&mut self.conn)?;",
        "statement!(\"UPDATE outbox SET state = ? WHERE letter_id = ?\", a, b);",
    ] {
        assert!(forgets_the_prefecture(forgetful, &tables).is_some(), "{forgetful}");
    }
}
