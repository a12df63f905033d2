//! A file is short enough to be read at once, or says in its first line why it is not:
//! `//! Network simplex (up to 450 lines: one algorithm).`

use std::fs;

use super::{code_folders, root, sources};

/// The most lines of a file that gives no reason.
const LINES_MAX: usize = 400;
/// The most lines that a file may have, by its first line.
fn lines_max(first: &str) -> usize {
    let reason = first.rsplit_once("(up to ").and_then(|(_, reason)| reason.split_once(" lines: "));
    reason.and_then(|(lines, _)| lines.parse().ok()).unwrap_or(LINES_MAX)
}

#[test]
fn no_file_is_over_400_lines_without_a_reason_in_its_first_line() {
    let mut paths = Vec::new();
    for (_, folder) in code_folders() {
        sources(&folder, &mut paths);
    }
    let is_long = |source: &str| source.lines().count() > lines_max(source.lines().next().unwrap_or_default());
    let long = paths.iter().filter(|path| is_long(&fs::read_to_string(path).unwrap()));
    let mut long: Vec<_> = long.map(|path| path.strip_prefix(root()).unwrap().display().to_string()).collect();
    long.sort();
    assert_eq!(long, [""; 0], "over {LINES_MAX} lines without a reason");
    assert_eq!(lines_max("//! Network simplex (up to 450 lines: one algorithm)."), 450);
    assert_eq!(lines_max("//! Long (up to 450 lines)."), LINES_MAX);
}
