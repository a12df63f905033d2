//! Who may import whom: the table of docs and DESIGN, held against every path that the sources name.
//!
//! Denied by default: a module that stands in no row fails, and so does a name that its row does not allow.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Decide; no IO, no clock, no randomness. They name each other and nothing else of the program.
const PURE: &[&str] = &[
    "access",
    "bundle",
    "code",
    "ids",
    "permit",
    "agenda",
    "calendar",
    "columns",
    "policy",
    "eligibility",
    "forecast",
    "french",
    "planning",
    "convocation",
    "letters",
    "ledger",
    "movers",
    "report",
    "requests",
    "schedule",
    "seal",
    "search",
    "timeline",
];
/// Small doors to the machine: they name the pure modules and each other.
const MACHINE: &[&str] = &["clock", "confirm", "entropy", "fault", "files", "process", "telemetry"];
/// The rest, and what each names besides [`PURE`] and [`MACHINE`] (and itself).
const UPPER: &[(&str, &[&str])] = &[
    ("settings", &[]),
    ("store", &[]),
    ("import", &["settings", "store"]),
    // A run never speaks SMTP, and a send never decides who is convoked: they meet in the outbox.
    ("run", &["settings", "store"]),
    ("dispatch", &["settings", "store"]),
    ("post", &["settings", "store"]),
    // What is done by hand writes letters as a run does, and sends none.
    ("acts", &["settings", "store", "run"]),
    ("sheet", &["settings", "store", "import"]),
    ("demo", &["settings", "store", "import", "run", "dispatch"]),
    // The same acts and questions as the command line's, on pages.
    ("console", &["settings", "store", "import", "run", "dispatch", "post", "acts", "sheet"]),
    ("serve", &["settings", "store", "import", "run", "dispatch", "sheet", "console"]),
    ("cli", &["settings", "store", "import", "run", "dispatch", "post", "acts", "demo", "serve", "sheet", "console"]),
    ("main", &["cli"]),
    ("lib", &[]),
];
/// What an upper module must not name although it is pure.
const DENIED: &[(&str, &str)] = &[("dispatch", "planning"), ("dispatch", "eligibility")];
/// What no pure module names.
const IMPURE: &[&str] = &[
    "diesel",
    "diesel_migrations",
    "lettre",
    "tokio",
    "tokio_rustls",
    "config",
    "clap",
    "getrandom",
    "rand_chacha",
    "tempfile",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "std::time",
];
/// What time it is, asked anywhere but in `clock.rs`.
const NOW: &[&str] = &["Utc::now", "Local::now", "SystemTime::now", "Instant::now"];
/// tokio's timer, the one that `timeout_at` counts by: a deadline of a socket, which no decision sees.
const TIMER: &str = "dispatch/smtp/wire.rs";

/// A path as a source names it, and the line.
struct Named {
    line: usize,
    path: Vec<String>,
}

/// Code without comments, texts and character literals; line breaks stay, so that lines can be counted.
fn code_only(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let (mut out, mut i) = (String::new(), 0);
    let newlines = |from: usize, to: usize| chars[from..to].iter().filter(|c| **c == '\n').collect::<String>();
    while i < chars.len() {
        let next = chars.get(i + 1).copied().unwrap_or(' ');
        let start = i;
        let word_before = i > 0 && (chars[i - 1].is_alphanumeric() || chars[i - 1] == '_');
        if chars[i] == '/' && next == '/' {
            while i < chars.len() && chars[i] != '\n' {
                i += 1;
            }
        } else if chars[i] == '/' && next == '*' {
            let mut depth = 1;
            i += 2;
            while i < chars.len() && depth > 0 {
                match (chars[i], chars.get(i + 1)) {
                    ('*', Some('/')) => (depth, i) = (depth - 1, i + 2),
                    ('/', Some('*')) => (depth, i) = (depth + 1, i + 2),
                    _ => i += 1,
                }
            }
        } else if let Some(hashes) = (chars[i] == 'r' || (chars[i] == 'b' && next == 'r'))
            .then(|| i + if chars[i] == 'b' { 2 } else { 1 })
            .filter(|_| !word_before)
            .map(|at| chars[at..].iter().take_while(|c| **c == '#').count())
            .filter(|n| chars.get(i + n + if chars[i] == 'b' { 2 } else { 1 }) == Some(&'"'))
        {
            i += hashes + if chars[i] == 'b' { 3 } else { 2 };
            while i < chars.len() && !(chars[i] == '"' && chars[i + 1..].iter().take(hashes).all(|c| *c == '#')) {
                i += 1;
            }
            i += 1 + hashes;
        } else if chars[i] == '"' {
            i += 1;
            while i < chars.len() && chars[i] != '"' {
                i += if chars[i] == '\\' { 2 } else { 1 };
            }
            i += 1;
        } else if chars[i] == '\'' && (next == '\\' || chars.get(i + 2) == Some(&'\'')) {
            i += if next == '\\' { 3 } else { 2 };
            while i < chars.len() && chars[i] != '\'' {
                i += 1;
            }
            i += 1;
        } else {
            out.push(chars[i]);
            i += 1;
            continue;
        }
        out.push(' ');
        out.push_str(&newlines(start, i.min(chars.len())));
    }
    out
}

/// Words, `::` and single characters, with their lines.
fn tokens(source: &str) -> Vec<(usize, String)> {
    let mut tokens: Vec<(usize, String)> = Vec::new();
    let (mut line, mut joined) = (1, false);
    for c in code_only(source).chars() {
        let word = c.is_alphanumeric() || c == '_';
        match tokens.last_mut() {
            Some((_, last)) if joined && word && last.chars().all(|c| c.is_alphanumeric() || c == '_') => last.push(c),
            Some((_, last)) if joined && c == ':' && last == ":" => last.push(c),
            _ if c.is_whitespace() => {}
            _ => tokens.push((line, c.to_string())),
        }
        joined = !c.is_whitespace();
        line += usize::from(c == '\n');
    }
    tokens
}

/// Every path of a source, trees of braces spread out, `crate`, `self` and `super` resolved from `module`.
fn names(source: &str, module: &[String]) -> Vec<Named> {
    let tokens = tokens(source);
    let word = |i: usize| tokens.get(i).filter(|(_, t)| t.starts_with(|c: char| c.is_alphabetic() || c == '_'));
    let is = |i: usize, text: &str| tokens.get(i).is_some_and(|(_, t)| t == text);
    let (mut found, mut at, mut depth) = (Vec::new(), 0, 0);
    // Inline modules that are open, by the depth of their braces.
    let mut inline: Vec<(usize, String)> = Vec::new();
    while at < tokens.len() {
        if is(at, "mod") && is(at + 2, "{") {
            inline.push((depth, tokens[at + 1].1.clone()));
        }
        depth += usize::from(is(at, "{"));
        if is(at, "}") {
            depth -= 1;
            inline.retain(|(opened, _)| *opened < depth);
        }
        let here: Vec<String> = module.iter().chain(inline.iter().map(|(_, name)| name)).cloned().collect();
        if word(at).is_some() && (is(at + 1, "::") || is(at, "use")) {
            let start = at + usize::from(is(at, "use"));
            at = spread(&tokens, start, &[], &here, &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// Reads one path from `at` on below `prefix`; gives where it ends.
fn spread(
    tokens: &[(usize, String)],
    mut at: usize,
    prefix: &[String],
    here: &[String],
    found: &mut Vec<Named>,
) -> usize {
    let text = |i: usize| tokens.get(i).map_or("", |(_, t)| t.as_str());
    let mut path = prefix.to_vec();
    let line = tokens.get(at).map_or(0, |(line, _)| *line);
    loop {
        match text(at) {
            "{" if path.is_empty() || text(at - 1) == "::" => {
                at += 1;
                while at < tokens.len() && text(at) != "}" {
                    let end = spread(tokens, at, &path, here, found);
                    // `as name` and commas.
                    at = if text(end) == "as" { end + 2 } else { end.max(at + usize::from(end == at)) };
                    at += usize::from(text(at) == ",");
                }
                return at + 1;
            }
            "::" => at += 1,
            "*" if text(at.wrapping_sub(1)) == "::" => {
                path.push("*".into());
                at += 1;
                break;
            }
            other if other.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                path.push(other.to_owned());
                at += 1;
                if text(at) != "::" {
                    break;
                }
            }
            _ => break,
        }
    }
    if !path.is_empty() {
        found.push(Named { line, path: resolve(&path, here) });
    }
    at
}

fn resolve(path: &[String], here: &[String]) -> Vec<String> {
    let (mut base, mut rest) = match path[0].as_str() {
        "crate" | "convoke" => (vec!["crate".to_owned()], &path[1..]),
        "self" | "super" => (["crate".to_owned()].into_iter().chain(here.iter().cloned()).collect(), path),
        _ => return path.to_vec(),
    };
    while let Some(first @ ("self" | "super")) = rest.first().map(String::as_str) {
        if first == "super" {
            base.pop();
        }
        rest = &rest[1..];
    }
    base.into_iter().chain(rest.iter().cloned()).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
}

/// What the module may name of the program; `None` where it stands in no row.
fn allowed(module: &str) -> Option<BTreeSet<&'static str>> {
    let upper = UPPER.iter().find(|(name, _)| *name == module);
    let names: Vec<&[&str]> = match upper {
        Some((_, names)) => vec![PURE, MACHINE, names],
        None if PURE.contains(&module) => vec![PURE],
        None if MACHINE.contains(&module) => vec![PURE, MACHINE],
        None => return None,
    };
    let denied = |name: &&str| DENIED.contains(&(upper.map_or("", |(m, _)| m), name));
    Some(names.into_iter().flatten().copied().filter(|name| !denied(name)).collect())
}

/// The breaches of one file, as `path:line: what`.
fn breaches(file: &str, source: &str, tops: &BTreeSet<String>) -> Vec<String> {
    let mut module: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    let top = module[0].clone();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        module.pop();
    }
    let Some(allowed) = allowed(&top) else {
        return vec![format!("src/{file}:1: `{top}` stands in no list of tests/architecture.rs: say what it may name")];
    };
    let mut found = Vec::new();
    for Named { line, path } in names(source, &module) {
        let whole = path.join("::");
        let mut breach = |what: &str| found.push(format!("src/{file}:{line}: `{whole}`: {what}"));
        if path[0] == "crate" {
            match path.get(1).map(String::as_str) {
                Some("*") if top != "lib" => breach("names the whole program"),
                Some(name) if tops.contains(name) && name != top && !allowed.contains(name) => {
                    breach(&format!("`{top}` must not name `{name}`"));
                }
                _ => {}
            }
        }
        let impure = |name: &&&str| whole == **name || whole.starts_with(&format!("{name}::"));
        if PURE.contains(&top.as_str()) && (IMPURE.iter().any(|name| impure(&name)) || whole == "std::*") {
            breach("a pure module does no IO");
        }
        let now = NOW.iter().any(|now| whole == *now || whole.ends_with(&format!("::{now}")));
        let timer = file == TIMER && whole == "Instant::now" && !source.contains("std::time::Instant");
        if now && top != "clock" && !timer {
            breach("only clock.rs asks what time it is");
        }
    }
    found
}

#[test]
fn every_module_names_only_what_its_row_allows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let files: BTreeMap<String, String> = files
        .iter()
        .map(|path| {
            let name = path.strip_prefix(&root).expect("under src").to_string_lossy().replace('\\', "/");
            (name, fs::read_to_string(path).expect("a source"))
        })
        .collect();
    let tops: BTreeSet<String> =
        files.keys().map(|f| f.split('/').next().unwrap_or(f).trim_end_matches(".rs").to_owned()).collect();
    let mut found: Vec<String> = files.iter().flat_map(|(file, source)| breaches(file, source, &tops)).collect();
    let rows = PURE.iter().chain(MACHINE).chain(UPPER.iter().map(|(name, _)| name));
    found.extend(
        rows.filter(|row| !tops.contains(**row)).map(|row| format!("src/: `{row}` is listed and is not there")),
    );
    assert!(found.is_empty(), "{} breaches of the import table:\n{}", found.len(), found.join("\n"));
}

/// Elsewhere it would be drawn with other blanks, and as wide as it likes.
#[test]
fn a_table_is_drawn_in_one_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let draws = |path: &PathBuf| code_only(&fs::read_to_string(path).expect("a source")).contains("comfy_table");
    let drawn: BTreeSet<_> =
        files.iter().filter(|path| draws(path)).map(|path| path.strip_prefix(&root).unwrap()).collect();
    // The width of a terminal is asked for in the other.
    assert_eq!(drawn, ["cli/mod.rs", "columns.rs"].map(Path::new).into());
}

#[test]
fn a_breach_is_seen_however_it_is_written() {
    let tops: BTreeSet<String> =
        PURE.iter().chain(MACHINE).chain(UPPER.iter().map(|(n, _)| n)).map(|n| (*n).to_owned()).collect();
    for (file, source, line) in [
        ("policy.rs", "use std::fs;", 1),
        ("policy.rs", "//! use\nuse std::{io, env::var};", 2),
        ("policy.rs", "use std::{\n    io,\n    fs::{self, File},\n};", 3),
        ("policy.rs", "fn f() {\n    std::fs::read(\"a\");\n}", 2),
        ("policy.rs", "use super::store::Store;", 1),
        ("policy.rs", "mod tests {\n    use super::super::run;\n}", 2),
        ("planning/check.rs", "use crate::{ids, settings as s};", 1),
        ("letters/ics.rs", "use super::super::clock::Clock;", 1),
        ("report/mod.rs", "pub(crate) use crate::store::RunRow;", 1),
        ("ledger.rs", "let x = diesel::insert_into(y);", 1),
        ("run/mod.rs", "let a = '\"';\nuse crate::dispatch;", 2),
        ("dispatch/mod.rs", "use crate::planning::Plan;", 1),
        ("demo/mod.rs", "fn f<'a>() { crate::cli::main() }", 1),
        ("store/mod.rs", "use crate::run::Outcome;", 1),
        ("run/mod.rs", "let n = chrono::Utc::now();", 1),
        ("run/mod.rs", "let n = r#\"\"#; Instant::now()", 1),
        ("policy.rs", "use crate::*;", 1),
        ("helpers.rs", "", 1),
    ] {
        let found = breaches(file, source, &tops);
        assert!(found.iter().any(|b| b.starts_with(&format!("src/{file}:{line}: "))), "{file} {source}: {found:?}");
    }
    for (file, source) in [
        ("policy.rs", "// use std::fs;\n/* crate::store */ use std::fmt; const A: &str = \"crate::store::x\";"),
        ("policy.rs", "mod tests {\n    use super::*;\n}"),
        ("store/runs.rs", "use super::Store; use diesel::prelude::*; use self::x;"),
        ("cli/mod.rs", "use crate::{dispatch, run, demo};"),
        ("clock.rs", "fn f() { Utc::now() }"),
    ] {
        assert_eq!(breaches(file, source, &tops), Vec::<String>::new(), "{source}");
    }
}

/// Tables of every préfecture, as the schema names them.
fn tables() -> Vec<String> {
    let schema = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/schema.rs")).unwrap();
    let names = schema.lines().filter_map(|l| l.strip_prefix("    ")?.strip_suffix(") {")?.split_once(" (prefecture"));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// The first statement of a source that reads or changes a table and names no préfecture.
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
        // A key begins with it, and so does every row that is written.
        let remembers = ["prefecture", "(mine", "find((p,", "find((&p,", ".values("];
        tables.iter().any(named) && !remembers.iter().any(|r| statement.contains(r))
    })
}

#[test]
fn no_query_forgets_the_prefecture() {
    let tables = tables();
    assert!(tables.len() > 12, "{tables:?}");
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store"), &mut files);
    assert!(files.len() > 10);
    for file in &files {
        if let Some(statement) = forgets_the_prefecture(&fs::read_to_string(file).unwrap(), &tables) {
            panic!("{}: {statement}", file.display());
        }
    }
    // What it would find.
    for forgetful in [
        "let n: i64 = outbox::table.filter(outbox::state.eq(1)).count().get_result(&mut self.conn)?;",
        "statement!(\"UPDATE outbox SET state = ? WHERE letter_id = ?\", a, b);",
    ] {
        assert!(forgets_the_prefecture(forgetful, &tables).is_some(), "{forgetful}");
    }
}
