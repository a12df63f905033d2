//! Instance directories: a bare instance read and planned, a night written out for an auditor.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::exit::Exit;
use super::failure::BadData;
use super::output::make_folder;
use super::session::Session;
use convoke_check::{closes, levels};
use convoke_domain::ids::sha256_hex;
use convoke_instance::export::Night;
use convoke_instance::{Instance, Proof, export, files};
use convoke_machine::clock::Stopwatch;
use convoke_machine::files::write_whole;
use convoke_planning::explain::{Explanation, explain};
use convoke_planning::prove;

/// Plans the instance of a directory, without any database.
pub(super) fn plan(session: &Session, from: &Path, out: &Path, overtime: u32) -> Result<Exit> {
    let progress = session.progress();
    progress.show("reading the instance", 0, 0);
    let (instance, warnings) = read(from)?;
    progress.clear();
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    progress.show("planning", 0, instance.people() as u64);
    let watch = Stopwatch::start();
    let proof = prove(instance);
    let seconds = watch.seconds();
    progress.show("checking and writing", 0, 0);
    let certificate = if closes(&proof) { "closed" } else { "open" };
    fs::create_dir_all(out).with_context(|| format!("making the folder {}", out.display()))?;
    let mut plan = Vec::new();
    export::write_plan(&mut plan, &proof, proof.places())?;
    write_whole(&out.join("plan.csv"), &plan)?;
    remove_old(&out.join("second-pass.csv"))?;
    let plan_hash = sha256_hex(&plan);
    drop(plan);
    let explanation = write_proof(out, &proof, overtime)?;
    progress.clear();
    let instance = &proof.instance;
    let levels = levels(instance, proof.places());
    let document = json!({
        "schema": "convoke.plan/1", "lapses": levels.lapses, "late_days": levels.late_days, "site_rank": levels.site_rank,
        "days": levels.days, "plan_hash": plan_hash, "certificate": certificate, "seconds": seconds,
        "perishing_filled": levels.perishing_filled, "holders": instance.people(), "classes": instance.class_count(),
        "proved": convoke_check::levels(instance, proof.proved()), "moved_for_households": proof.moved(), "bottlenecks": explanation.bottlenecks.len(),
    });
    let mut text = format!(
        "{} holders in {} classes, planned in {seconds:.2} s.\nWithout a day before expiry: {}.\nWeighted days beyond the preferred end: {}.\nPerishing seats filled: {}. Ranks of sites: {}. Days after release: {}.\n",
        instance.people(),
        instance.class_count(),
        levels.lapses,
        levels.late_days,
        levels.perishing_filled,
        levels.site_rank,
        levels.days,
    );
    if proof.moved() > 0 {
        // Unwrap safety: writing to a String cannot fail.
        writeln!(text, "{} people were moved so that families come together:\nplan-unpinned.csv is the plan that the prices prove.", proof.moved())
            .expect("a String takes text");
    }
    text.push_str(&describe(&explanation));
    text.push_str(match certificate {
        "closed" => "Certificate: closed. No plan is better for these people, seats and notices.\n",
        _ => "Certificate: OPEN. This plan is not proved to be the best.\n",
    });
    // Unwrap safety: writing to a String cannot fail.
    writeln!(text, "Plan {plan_hash}\nFiles in {}.", out.display()).expect("a String takes text");
    session.print(&document, &text)?;
    Ok(match certificate {
        "closed" if levels.lapses == 0 => Exit::Done,
        "closed" => Exit::WithoutSlot,
        // A plan that is not proved is a bug of this program.
        _ => Exit::Unexpected,
    })
}

/// The worst bottlenecks, and what would help, in a few lines.
pub(super) fn describe(explanation: &Explanation) -> String {
    let mut worst: Vec<_> = explanation.bottlenecks.iter().collect();
    worst.sort_by_key(|b| std::cmp::Reverse(b.lapses));
    let mut lines = Vec::new();
    for b in worst.iter().take(5) {
        let desks: BTreeSet<String> = b.seats.iter().map(|s| format!("{}/{}", s.site, s.desk)).collect();
        let weeks: BTreeSet<&str> = b.seats.iter().map(|s| s.week.as_str()).collect();
        let (first, last) = (weeks.first().unwrap_or(&"?"), weeks.last().unwrap_or(&"?"));
        let when = if first == last { format!("in {first}") } else { format!("from {first} to {last}") };
        let (people, seats, lapses) = (b.demand, b.capacity, b.lapses);
        lines.push(format!("Bottleneck: {people} people for {seats} seats {when}, {lapses} too many, at"));
        lines.extend(desks.iter().map(|desk| format!("  {desk}")));
    }
    if worst.len() > 5 {
        lines.push(format!("… and {} more bottlenecks.", worst.len() - 5));
    }
    let more = &explanation.augmentation;
    if more.extra_seats > 0 {
        let (seats, lapses, most) = (more.extra_seats, more.avoided_lapses, more.overtime_limit);
        lines.push(format!("{seats} extra seats would avoid {lapses} lapses, with at most {most} per desk and week:"));
        lines.extend(
            more.seats.iter().take(6).map(|s| format!("  {} at {}/{} in {}", s.capacity, s.site, s.desk, s.week)),
        );
        if more.seats.len() > 6 {
            lines.push("  … the others are in explain.json (--out DIR)".to_owned());
        }
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

fn read(folder: &Path) -> Result<(Instance, Vec<String>)> {
    let open = |name: &str| {
        let path = folder.join(name);
        let file = File::open(&path).map_err(|e| BadData(format!("{}: {e}", path.display())))?;
        Ok::<_, BadData>(BufReader::with_capacity(1 << 18, file))
    };
    let read = files::read(open("meta.json")?, open("slots.csv")?, open("holders.csv")?);
    Ok(read.map_err(|e| BadData(format!("{}: {e}", folder.display())))?)
}

/// A file of an earlier plan must not be left next to this one.
fn remove_old(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(e).with_context(|| format!("removing the old {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Writes prices, explanation and, where families moved anyone, the plan that the prices prove.
fn write_proof(out: &Path, proof: &Proof, overtime: u32) -> Result<Explanation> {
    let explanation = explain(proof, overtime);
    let files = export::proof_files(proof, &explanation)?;
    write_all(out, files)?;
    Ok(explanation)
}

/// Writes everything that the planner saw and decided in a night, and nothing personal.
pub(super) fn write_night(night: &Night<'_>, out: &Path, overtime: u32) -> Result<Explanation> {
    let files = night.files(|proof| explain(proof, overtime))?;
    make_folder(out)?;
    // What an earlier plan left there is not of this one.
    let second = out.join("second");
    if second.join("plan.csv").is_file() {
        fs::remove_dir_all(&second).with_context(|| format!("removing {}", second.display()))?;
    }
    write_all(out, files)?;
    Ok(explain(night.proof, overtime))
}

fn write_all(out: &Path, files: Vec<(&str, Vec<u8>)>) -> Result<()> {
    if files.iter().all(|(name, _)| *name != export::UNPINNED) {
        remove_old(&out.join(export::UNPINNED))?;
    }
    files.into_iter().try_for_each(|(name, bytes)| {
        let file = out.join(name);
        if let Some(folder) = file.parent() {
            make_folder(folder)?;
        }
        write_whole(&file, &bytes)
    })
}
