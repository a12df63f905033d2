//! The demonstration, as a newcomer runs it; its pages are kept for the HTML checker.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn demo(dir: &Path, args: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_convoke"))
        .args(["demo", "--json", "--out"])
        .arg(dir)
        .args(args)
        .output()
        .unwrap();
    assert!(matches!(output.status.code(), Some(0 | 4)), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = |folder: &Path| {
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()).collect::<Vec<_>>()
    };
    let published = |path: &Path| path.extension().is_some_and(|e| e == "html" || e == "eml" || e == "csv");
    let all = [read(dir), read(&dir.join("letters"))].concat();
    all.into_iter()
        .filter(|p| published(p))
        .map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), fs::read(p).unwrap()))
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_files_and_another_seed_others() {
    let dir = tempfile::tempdir().unwrap();
    let small = ["--permits", "400", "--nights", "2"];
    let first = demo(&dir.path().join("a"), &small);
    demo(&dir.path().join("b"), &small);
    demo(&dir.path().join("c"), &[&small[..], &["--seed", "7"]].concat());
    let (a, b, c) = (files(&dir.path().join("a")), files(&dir.path().join("b")), files(&dir.path().join("c")));
    assert!(a.len() > 10, "{:?}", a.keys());
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    assert_eq!(a, b);
    assert_ne!(a, c);
    // Only letters that the relay accepted.
    let accepted: u64 =
        first["nights"].as_array().unwrap().iter().map(|n| n["letters"]["accepted"].as_u64().unwrap()).sum();
    assert_eq!(
        a.keys().filter(|name| Path::new(name).extension().is_some_and(|e| e == "eml")).count() as u64,
        accepted
    );

    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/html");
    fs::create_dir_all(&pages).unwrap();
    fs::write(pages.join("report.html"), &a["report-2026-10-05.html"]).unwrap();
}

#[test]
fn the_first_night_of_the_demonstration_shows_every_kind_of_outcome() {
    let dir = tempfile::tempdir().unwrap();
    let office = dir.path().join("office");
    let shown = demo(&office, &["--nights", "1"]);
    let night = &shown["nights"][0];
    assert_eq!(night["run"]["scanned"], 5_000);
    for rule in [
        "deceased",
        "withdrawn",
        "not-latest-permit",
        "renewal-filed",
        "student",
        "not-renewable",
        "no-jurisdiction",
        "expired",
        "not-yet-due",
        "due.late",
        "due",
    ] {
        assert!(night["run"]["outcomes"][rule].as_u64().unwrap_or(0) > 0, "{rule}: {night}");
    }
    assert!(night["run"]["letters"]["to_post"].as_u64().unwrap() > 0, "people without e-mail");
    assert_eq!(night["letters"]["failed"], 1, "the one bad address");
    let refused = Command::new(env!("CARGO_BIN_EXE_convoke")).args(["demo", "--out"]).arg(&office).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "a folder that is not empty");
}
