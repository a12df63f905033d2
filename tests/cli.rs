//! The program's help: every command has help that can be learnt from, and docs/CLI.md is that help.

use std::fmt::Write;
use std::path::Path;
use std::process::Command as Process;

use clap::{Command, CommandFactory};
use convoke::cli::{Cli, Exit};

/// Every command by its words, in the manual's order; `convoke` itself first.
fn commands() -> Vec<(Vec<String>, Command)> {
    fn add(words: &[String], command: &Command, found: &mut Vec<(Vec<String>, Command)>) {
        found.push((words.to_vec(), command.clone()));
        for below in command.get_subcommands().filter(|c| c.get_name() != "help" && !c.is_hide_set()) {
            add(&[words, &[below.get_name().to_owned()]].concat(), below, found);
        }
    }
    let mut found = Vec::new();
    add(&["convoke".to_owned()], &Cli::command(), &mut found);
    found
}

/// The help of a command, as printed 100 columns wide.
fn help(words: &[String]) -> String {
    let output = Process::new(env!("CARGO_BIN_EXE_convoke"))
        .args(&words[1..])
        .arg("--help")
        .env("COLUMNS", "100")
        .env_remove("CONVOKE_CONFIG")
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n"
}

/// The help without the options that every command has, which are printed once.
fn without_common_options(help: &str) -> String {
    let mut out = String::new();
    let mut left_out = false;
    for line in help.lines() {
        if line == "Options of every command:" {
            left_out = true;
        } else if left_out && !line.is_empty() && !line.starts_with(' ') {
            left_out = false;
        }
        if !left_out {
            out += line;
            out.push('\n');
        }
    }
    out
}

fn manual() -> String {
    let mut manual = String::from(
        "# Command line\n\nWhat `convoke … --help` says, command by command. `tests/cli.rs` makes this page from the program.\n",
    );
    // Without the codes, with which they end in the office of the test that runs them.
    let lines = include_str!("sqlite/contract.txt").lines().filter_map(|line| line.split('#').next());
    let lines: String = lines.map(|line| line.trim_end().to_owned() + "\n").collect();
    write!(manual, "\n## The contract\n\nCommand lines that outside programs may rely on; `tests/sqlite/contract.rs` runs each. Words in capitals stand for values.\n\n```text\n{lines}```\n").unwrap();
    for (words, _) in commands() {
        let said = help(&words);
        let said = if words.len() == 1 { said } else { without_common_options(&said) };
        write!(manual, "\n## {}\n\n```text\n{}\n```\n", words.join(" "), said.trim_end()).unwrap();
    }
    manual
}

#[test]
fn the_manual_is_what_the_program_says() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manual = manual();
    assert!(manual.contains(&Exit::table()), "the exit codes are in it");
    std::fs::create_dir_all(sources.join("target")).unwrap();
    std::fs::write(sources.join("target/CLI.md"), &manual).unwrap();
    let kept = std::fs::read_to_string(sources.join("docs/CLI.md")).unwrap_or_default();
    assert!(
        kept == manual,
        "docs/CLI.md is not what the program says: copy target/CLI.md there, and say in CHANGELOG.md what is new"
    );
}

/// The command lines of a command's examples.
fn examples(command: &Command) -> Vec<String> {
    let Some(after) = command.get_after_long_help().or(command.get_after_help()) else { return Vec::new() };
    let after = after.to_string();
    let Some((_, below)) = after.split_once("Example") else { return Vec::new() };
    below
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| line.starts_with("convoke "))
        .map(str::to_owned)
        .collect()
}

/// The arguments of one of our command lines, up to the first shell operator.
fn typed(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    // Its explanation is to the right.
    let line = line.split("   ").next().unwrap_or(line);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    let end = words.iter().position(|w| ["|", ">", "&&", "#", "<"].contains(&w.as_str())).unwrap_or(words.len());
    words.truncate(end);
    words
}

#[test]
fn every_command_says_what_it_does_and_gives_an_example_that_can_be_typed() {
    let mut wanting = Vec::new();
    for (words, command) in commands() {
        let name = words.join(" ");
        if command.get_about().or(command.get_long_about()).is_none_or(|about| about.to_string().trim().is_empty()) {
            wanting.push(format!("{name}: does not say what it does"));
        }
        // A group of commands is explained by its commands.
        if command.has_subcommands() && command.is_subcommand_required_set() {
            continue;
        }
        let examples = examples(&command);
        if examples.is_empty() {
            wanting.push(format!("{name}: no example in after_long_help"));
        }
        if !examples.iter().any(|line| line.starts_with(&name)) {
            wanting.push(format!("{name}: none of its examples is of itself: {examples:?}"));
        }
        for line in examples {
            if let Err(error) = Cli::command().try_get_matches_from(typed(&line)) {
                wanting.push(format!(
                    "{name}: cannot be typed: {line}: {}",
                    error.to_string().lines().next().unwrap_or("")
                ));
            }
        }
    }
    assert!(wanting.is_empty(), "{} commands:\n{}", wanting.len(), wanting.join("\n"));
}

#[test]
fn there_is_a_page_of_the_manual_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let output = Process::new(env!("CARGO_BIN_EXE_convoke")).arg("man").arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for (words, _) in commands() {
        let page = std::fs::read_to_string(folder.path().join(format!("{}.1", words.join("-")))).unwrap();
        assert!(page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"), "{words:?}");
    }
    let page = std::fs::read_to_string(folder.path().join("convoke-import-attendance.1")).unwrap();
    assert!(page.contains("Examples"), "{page}");
}
