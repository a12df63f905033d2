//! Architecture rules that Cargo cannot express. Who depends on whom is in the crates' manifests; this is what none of
//! them may add.

mod circles;
mod sizes;

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

/// The folders of code, each with the name of its crate.
fn code_folders() -> Vec<(String, PathBuf)> {
    let crates = fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap());
    let named = crates.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path().join("src")));
    named.chain([("convoke".to_owned(), root().join("src"))]).collect()
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
    let schema = fs::read_to_string(root().join("crates/store/src/scope/schema.rs")).unwrap();
    let names = schema.lines().filter_map(|l| l.strip_prefix("    ")?.strip_suffix(") {")?.split_once(" (prefecture"));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// The string literals of a source.
fn literals(source: &str) -> Vec<String> {
    let code = source.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join(" ");
    let code = code.replace("\\\"", "").replace("'\"'", "");
    code.split('"').skip(1).step_by(2).map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// The first SQL statement among a source's literals that names a table more often than it compares a préfecture, or
/// inserts rows that do not begin with theirs.
fn forgets_the_prefecture(source: &str, tables: &[String]) -> Option<String> {
    let statements = literals(source).into_iter().flat_map(|l| l.split(';').map(str::to_owned).collect::<Vec<_>>());
    let times = |statement: &str, verb: &str, rest: &str| -> usize {
        tables.iter().map(|table| format!("{statement} ").matches(&format!("{verb} {table} {rest}")).count()).sum()
    };
    statements.into_iter().find(|s| {
        let read: usize = ["FROM", "JOIN", "UPDATE"].iter().map(|verb| times(s, verb, "")).sum();
        read > s.matches("prefecture = ").count()
            || times(s, "INSERT INTO", "") > times(s, "INSERT INTO", "(prefecture, ")
    })
}

/// What types hold for every other statement of the store, this holds for those written as text.
#[test]
fn no_sql_in_text_forgets_the_prefecture() {
    let tables = tables();
    assert!(tables.len() > 12, "{tables:?}");
    let mut files = Vec::new();
    sources(&root().join("crates/store/src"), &mut files);
    assert!(files.len() > 10);
    for file in &files {
        if let Some(statement) = forgets_the_prefecture(&fs::read_to_string(file).unwrap(), &tables) {
            panic!("{}: {statement}", file.display());
        }
    }
    for forgetful in [
        "statement!(\"UPDATE outbox SET state = ? WHERE letter_id = ?\", a, b);",
        "sql_query(\"SELECT 1 FROM permit p JOIN holder h ON h.holder_id = p.holder_id WHERE p.prefecture = ?\")",
        "self.execute(\"INSERT INTO pace (scope, prefecture) VALUES (1, 2)\")",
    ] {
        assert!(forgets_the_prefecture(forgetful, &tables).is_some(), "{forgetful}");
    }
}

/// Derives and inserts need the types of tables, and a type can make its value.
#[test]
fn only_the_scope_makes_a_table() {
    let tables = tables();
    let mut files = Vec::new();
    sources(&root().join("crates/store/src"), &mut files);
    let scope = root().join("crates/store/src/scope");
    for file in files.iter().filter(|file| !file.with_extension("").starts_with(&scope)) {
        let code = fs::read_to_string(file).unwrap();
        for table in tables.iter().map(String::as_str).chain(["prefecture"]) {
            for made in [format!("{table}::table"), format!("insert_all!(&mut self.conn, {table},")] {
                let whole = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                let found = code.match_indices(&made).any(|(at, _)| whole(at));
                assert!(!found, "{}: {made}", file.display());
            }
        }
    }
}
