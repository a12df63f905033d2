//! Files that import one another can only be understood together, so few may.
//!
//! A file imports another if it names something that is defined there. To declare a child or to hand its names on is
//! no import; a name handed on is imported from the file that defines it. Tests are left out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{code_folders, root, sources};

/// The most files in a circle.
const FILES_MAX: usize = 6;
/// `crate::pages::audit` as `["pages", "audit"]`.
type Module = Vec<String>;

struct File {
    path: PathBuf,
    /// Its code without `use`, comments and tests.
    body: String,
    /// The paths that it brings in, by the names that they get here, and whether it hands them on.
    uses: BTreeMap<String, (Vec<String>, bool)>,
}

impl File {
    fn read(path: &Path) -> Self {
        let source = fs::read_to_string(path).unwrap();
        let tests = source.find("#[cfg(test)]\nmod tests {").unwrap_or(source.len());
        let (mut body, mut uses, mut open) = (String::new(), BTreeMap::new(), None);
        for line in source[..tests].lines().map(|line| line.split("//").next().unwrap_or_default().trim()) {
            // A `use` begins a line, after what it is visible to.
            let tree = line.strip_prefix("use ").or_else(|| line.strip_prefix("pub")?.split_once(" use ").map(|u| u.1));
            if let Some((begun, _)) = &mut open {
                *begun += line;
            } else if let Some(tree) = tree {
                open = Some((tree.to_owned(), line.starts_with("pub")));
            } else {
                // Who may see an item is no import.
                let item = line.strip_prefix("pub(in ").and_then(|rest| rest.split_once(')'));
                body = body + item.map_or(line, |(_, item)| item) + "\n";
            }
            if let Some((tree, handed_on)) = open.take_if(|(tree, _)| tree.ends_with(';')) {
                let mut paths = Vec::new();
                spread(Vec::new(), tree.trim_end_matches(';'), &mut paths);
                uses.extend(paths.into_iter().map(|(name, path)| (name, (path, handed_on))));
            }
        }
        Self { path: path.to_owned(), body, uses }
    }

    /// Every path that it names otherwise than to hand it on.
    fn named(&self) -> Vec<Vec<String>> {
        let words = self.body.split(|c: char| !c.is_alphanumeric() && !"_:".contains(c));
        let words: Vec<&str> = words.map(|word| word.trim_matches(':')).collect();
        let used = self.uses.iter().filter(|(name, (_, handed_on))| !handed_on || words.contains(&name.as_str()));
        let in_code = words.iter().filter(|word| word.contains("::"));
        let in_code = in_code.map(|word| word.split("::").map(str::to_owned).collect());
        used.map(|(_, (path, _))| path.clone()).chain(in_code).collect()
    }
}

/// The paths of a `use`, by name: those of `a::{b, c::d as e}` are `b`, `a::b`, and `e`, `a::c::d`.
fn spread(before: Vec<String>, tree: &str, into: &mut Vec<(String, Vec<String>)>) {
    let (head, inside) = tree.split_once('{').map_or((tree, None), |(head, rest)| (head, rest.strip_suffix('}')));
    let (head, name) = head.split_once(" as ").map_or((head, None), |(head, name)| (head, Some(name.to_owned())));
    let words = head.split("::").map(|word| word.trim().to_owned()).filter(|word| !word.is_empty() && word != "self");
    // At its beginning `self` is this module, as no word is.
    let path: Vec<String> = before.into_iter().chain(words).collect();
    let Some(inside) = inside else {
        into.extend(path.last().cloned().map(|last| (name.unwrap_or(last), path)));
        return;
    };
    let mut depth = 0;
    let parts = inside.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).for_each(|part| spread(path.clone(), part, into));
}

/// The module that defines what a path names in `here`. `None` if that is another crate's, or nothing that we know.
fn resolved(files: &BTreeMap<Module, File>, here: &Module, path: &[String], depth: usize) -> Option<Module> {
    let (first, mut rest) = path.split_first()?;
    let mut at = here.clone();
    match first.as_str() {
        "crate" => at.clear(),
        "self" => {}
        "super" => drop(at.pop()?),
        _ => rest = path,
    }
    let is_ours = rest.len() < path.len();
    while let Some((next, after)) = rest.split_first() {
        let child = [at.as_slice(), std::slice::from_ref(next)].concat();
        if next == "super" {
            at.pop()?;
        } else if files.contains_key(&child) {
            at = child;
        } else if let Some((brought_in, _)) = files[&at].uses.get(next).filter(|_| depth < 8) {
            let further: Vec<String> = brought_in.iter().chain(after).cloned().collect();
            return resolved(files, &at, &further, depth + 1);
        } else {
            break;
        }
        rest = after;
    }
    (is_ours || at != *here).then_some(at)
}

/// The files of a crate by their modules.
fn read(folder: &Path) -> BTreeMap<Module, File> {
    let mut paths = Vec::new();
    sources(folder, &mut paths);
    let module = |path: &PathBuf| {
        let words = path.strip_prefix(folder).unwrap().with_extension("");
        let words = words.iter().map(|word| word.to_string_lossy().into_owned());
        words.filter(|word| !["lib", "mod"].contains(&word.as_str())).collect()
    };
    paths.iter().map(|path| (module(path), File::read(path))).collect()
}

/// Files that import one another, more than `FILES_MAX` at once.
fn circles(files: &BTreeMap<Module, File>) -> Vec<Vec<String>> {
    let number: BTreeMap<&Module, usize> = files.keys().enumerate().map(|(n, module)| (module, n)).collect();
    let imports = files.iter().flat_map(|(module, file)| {
        let imported = file.named().into_iter().filter_map(move |path| resolved(files, module, &path, 0));
        imported.filter(move |other| other != module).map(|other| (number[module] as u32, number[&other] as u32))
    });
    let graph = DiGraph::<(), ()>::from_edges(imports.collect::<Vec<_>>());
    let paths: Vec<&PathBuf> = files.values().map(|file| &file.path).collect();
    let shown = |n: NodeIndex| paths[n.index()].strip_prefix(root()).unwrap().display().to_string();
    let large = tarjan_scc(&graph).into_iter().filter(|circle| circle.len() > FILES_MAX);
    large.map(|circle| circle.into_iter().map(shown).collect()).collect()
}

#[test]
fn no_circle_of_files_is_larger_than_six() {
    for (_, folder) in code_folders() {
        let circles = circles(&read(&folder));
        assert!(circles.is_empty(), "these files import one another: {circles:#?}");
    }
}

#[test]
fn what_a_file_names_is_found_where_it_is_defined() {
    let file = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.rs");
        fs::write(&path, text).unwrap();
        File::read(&path)
    };
    let files: BTreeMap<Module, File> = [
        (vec![], file("mod a;\nmod b;\npub use a::{Seen, deep::Deep as Sea};\n")),
        (vec!["a".to_owned()], file("pub(super) mod deep;\npub struct Seen;\n// super::b\n")),
        (vec!["a".to_owned(), "deep".to_owned()], file("pub struct Deep(super::Seen);\n")),
        (
            vec!["b".to_owned()],
            file("use super::{\n    Seen,\n    Sea,\n};\nfn of(_: crate::a::deep::Deep) { std::mem::drop(1) }\n"),
        ),
    ]
    .into();
    let imports = |module: &Module| {
        let paths = files[module].named();
        let mut found: Vec<Module> = paths.iter().filter_map(|path| resolved(&files, module, path, 0)).collect();
        found.sort();
        found.dedup();
        found
    };
    let module = |path: &str| path.split("::").map(str::to_owned).collect::<Module>();
    assert_eq!(imports(&vec![]), Vec::<Module>::new());
    assert_eq!(imports(&module("a::deep")), [module("a")]);
    assert_eq!(imports(&module("b")), [module("a"), module("a::deep")]);
}
