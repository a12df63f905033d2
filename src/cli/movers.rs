//! `convoke movers`.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::Exit;
use super::failure::{BadData, Usage};
use super::init::write_secret;
use super::output::terminal_width;
use super::session::{Session, given};
use convoke_domain::ids::sha256_hex;
use convoke_domain::movers::{Mark, SharedKey, by_week, read_marks, write_marks};
use convoke_letters::competent_prefecture;
use convoke_machine::entropy::Entropy;
use convoke_machine::files::write_with;
use convoke_report::columns::Columns;
use convoke_store::{Elsewhere, Store, Use};

/// A permit older than this when first seen was issued by another préfecture.
const FROM_ELSEWHERE_DAYS: u32 = 60;

/// Count people who live outside the jurisdiction, and those who came from elsewhere, by week
///
/// Those who live elsewhere are counted as of the last run, by the préfecture competent there. Those who came are
/// people in no earlier extract whose permit was more than sixty days old when first seen; where they came from is
/// unknown.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke movers
  convoke movers key --key-file keys/movers.key       once; give it to the other préfecture by hand
  convoke movers hashes --key-file keys/movers.key --out ours.csv
  convoke movers compare --key-file keys/movers.key --with theirs.csv
  convoke movers compare --key-file keys/movers.key --with theirs.csv --identified --reason \"transfers of November\"")]
pub(super) struct Movers {
    #[command(subcommand)]
    command: Option<Between>,
}

#[derive(Debug, Subcommand)]
enum Between {
    /// Create the key that two préfectures share
    #[command(after_long_help = "Examples:
  convoke movers key --key-file keys/movers.key")]
    Key {
        /// File to write; nothing is overwritten.
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
    },
    /// Write, for a préfecture that has the key, a keyed hash of each person with a permit in force, and the month in
    /// which it expires
    ///
    /// The hash is of number and year of birth. People without a date of birth are left out, and counted: anyone who
    /// has the key could try bare numbers one by one.
    #[command(after_long_help = "Examples:
  convoke movers hashes --key-file keys/movers.key --out ours.csv")]
    Hashes {
        /// Key that both préfectures have: a file that only you can read.
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
        /// File to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Count people whom both préfectures have
    #[command(after_long_help = "Examples:
  convoke movers compare --key-file keys/movers.key --with theirs.csv
  convoke movers compare --key-file keys/movers.key --with theirs.csv --identified --reason \"transfers of November\"")]
    Compare {
        /// Key that both préfectures have: a file that only you can read.
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
        /// File that the other préfecture made with `convoke movers hashes`.
        #[arg(long, value_name = "FILE")]
        with: PathBuf,
        /// List their numbers; the ledger records who asked, and why.
        #[arg(long)]
        identified: bool,
        /// Why people are named, kept in the ledger for good: do not name anyone.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
}

impl Movers {
    pub(super) fn execute(self, session: &Session) -> Result<Exit> {
        match self.command {
            None => figures(session),
            Some(Between::Key { key_file }) => {
                if key_file.exists() {
                    return Err(Usage(format!("{} exists already: nothing is overwritten", key_file.display())).into());
                }
                let key = SharedKey::new(Entropy::System.bytes()?);
                write_secret(&key_file, &key.to_text())?;
                let (file, print) = (key_file.display(), key.fingerprint());
                let text = format!(
                    "Made {file}, fingerprint {print}.\nGive it to the other préfecture by hand, or encrypted: anyone who has it\n\
                     and a file of hashes can try every number.\n"
                );
                session
                    .print(&json!({"schema": "convoke.movers-key/1", "file": key_file, "fingerprint": print}), &text)?;
                Ok(Exit::Done)
            }
            Some(Between::Hashes { key_file, out }) => hashes(session, &key_file, &out),
            Some(Between::Compare { key_file, with, identified, reason }) => {
                let reason = if identified { Some(given(reason.as_ref())?) } else { None };
                compare(session, &key_file, &with, reason)
            }
        }
    }
}

/// The key in a file that nobody else can read.
fn key_in(file: &Path) -> Result<SharedKey> {
    let named = file.display();
    let mode =
        std::fs::metadata(file).with_context(|| format!("reading the key {named}"))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Usage(format!(
            "{named} has the mode {mode:o}: other users can read the key, and with it find every number; chmod 600 {named}, \
             and if others may have read it, make another with `convoke movers key`"
        ))
        .into());
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("reading the key {named}"))?;
    Ok(SharedKey::parse(&text).ok_or_else(|| {
        Usage(format!("{named} is not a key: expected 64 hexadecimal digits, as `convoke movers key` makes them"))
    })?)
}

/// The mark of everyone with a date of birth, with their number and the end of their permit; and how many have none.
fn marks(
    session: &Session,
    store: &mut Store,
    key: &SharedKey,
    mut take: impl FnMut(Mark, String, NaiveDate),
) -> Result<(u64, u64)> {
    let progress = session.progress();
    let (mut hashed, mut without) = (0, 0);
    store.read(|s| {
        s.people_in_force(|person| {
            match person.birth_date {
                Some(born) => {
                    hashed += 1;
                    take(key.mark(&person.number, born.year()), person.number, person.expires_on);
                }
                None => without += 1,
            }
            if hashed % 10_000 == 0 {
                progress.show("hashing", hashed, 0);
            }
            Ok(())
        })
    })?;
    progress.clear();
    Ok((hashed, without))
}

fn hashes(session: &Session, key_file: &Path, out: &Path) -> Result<Exit> {
    let key = key_in(key_file)?;
    let config = session.configuration_to_read()?;
    let mut store = Session::store(&config, Use::Batch)?;
    let mut people = Vec::new();
    let (hashed, without) = marks(session, &mut store, &key, |mark, _, until| people.push((mark, until)))?;
    session.reads(&mut store, "read.hashes", json!({"key": key.fingerprint(), "people": hashed}))?;
    write_with(out, |file| write_marks(&key, people, file))?;
    let text = format!(
        "{hashed} people in {}; {without} without a date of birth are left out.\nKey {}.\n",
        out.display(),
        key.fingerprint()
    );
    session.print(
        &json!({"schema": "convoke.movers-hashes/1", "out": out, "people": hashed, "without_birth_date": without,
            "key": key.fingerprint()}),
        &text,
    )?;
    Ok(Exit::Done)
}

fn compare(session: &Session, key_file: &Path, with: &Path, reason: Option<&str>) -> Result<Exit> {
    let key = key_in(key_file)?;
    let bytes = std::fs::read(with).with_context(|| format!("reading {}", with.display()))?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let theirs = read_marks(&key, text).map_err(|e| BadData(format!("{} {e}", with.display())))?;
    let config = session.configuration_to_read()?;
    let mut store = Session::store(&config, Use::Batch)?;
    let mut both: Vec<(String, NaiveDate, String)> = Vec::new();
    let (hashed, without) = marks(session, &mut store, &key, |mark, number, until| {
        if let Some(month) = theirs.get(&mark) {
            both.push((number, until, String::from_utf8_lossy(month).into_owned()));
        }
    })?;
    both.sort();
    let mut document = json!({"schema": "convoke.movers-compared/1", "ours": hashed, "without_birth_date": without, "theirs": theirs.len(),
        "both": both.len()});
    let mut shown = format!(
        "Both have {} people: of ours {hashed} were compared ({without} have no date\nof birth), of theirs {}.\n",
        both.len(),
        theirs.len()
    );
    if let Some(reason) = reason {
        let payload = json!({"reason": reason, "with": sha256_hex(&bytes), "people": both.len()});
        session.reads(&mut store, "read.movers", payload)?;
        let people: Vec<_> = both
            .iter()
            .map(|(number, until, theirs)| json!({"number": number, "expires_on": until, "their_expiry_month": theirs}))
            .collect();
        document["people"] = json!(people);
        for (number, until, theirs) in &both {
            writeln!(shown, "{number:<10}  ours until {until}, theirs until {theirs}")?;
        }
    }
    session.print(&document, &shown)?;
    Ok(Exit::Done)
}

/// Another préfecture, and the people for whom it is competent.
#[derive(Default, serde::Serialize)]
struct Competent {
    prefecture: String,
    people: i64,
    expired: i64,
    soonest: Option<NaiveDate>,
    communes: Vec<String>,
}

fn by_prefecture(elsewhere: Vec<Elsewhere>) -> Vec<Competent> {
    let mut all: Vec<Competent> = Vec::new();
    for of in elsewhere {
        let name = competent_prefecture(&of.commune).unwrap_or_else(|| "commune inconnue".to_owned());
        let at = all.iter().position(|c| c.prefecture == name).unwrap_or_else(|| {
            all.push(Competent { prefecture: name, ..Competent::default() });
            all.len() - 1
        });
        let competent = &mut all[at];
        competent.people += of.people;
        competent.expired += of.expired;
        competent.soonest = [competent.soonest, of.soonest].into_iter().flatten().min();
        competent.communes.push(of.commune);
    }
    all.sort_by(|a, b| (b.people, &a.prefecture).cmp(&(a.people, &b.prefecture)));
    all
}

fn figures(session: &Session) -> Result<Exit> {
    let config = session.configuration_to_read()?;
    let mut store = Session::store(&config, Use::Batch)?;
    let today = session.clock.today(config.settings.prefecture.zone);
    let (elsewhere, came) =
        store.read(|s| Ok((s.people_elsewhere(today)?, s.people_who_came(FROM_ELSEWHERE_DAYS)?)))?;
    let (elsewhere, weeks) = (by_prefecture(elsewhere), by_week(&came));
    let mut text = String::new();
    if elsewhere.is_empty() {
        text.push_str("By the last run nobody lives outside the jurisdiction.\n");
    } else {
        let header = ["LIVE ELSEWHERE", "PEOPLE", "EXPIRED", "NEXT EXPIRY"];
        let mut rows = Columns::new(terminal_width()).header(header).right([1, 2]);
        for c in &elsewhere {
            let soonest = c.soonest.map(|day| day.to_string()).unwrap_or_default();
            rows.row([c.prefecture.clone(), c.people.to_string(), c.expired.to_string(), soonest]);
        }
        text.push_str(&rows.text());
    }
    if weeks.is_empty() {
        text.push_str("\nSince the first extract nobody came from elsewhere.\n");
    } else {
        writeln!(text, "\nCAME FROM ELSEWHERE, BY WEEK")?;
        for (week, monday, people) in &weeks {
            writeln!(text, "{week}  from {monday}  {people:>6}")?;
        }
    }
    let weeks: Vec<_> =
        weeks.iter().map(|(week, monday, people)| json!({"week": week, "monday": monday, "people": people})).collect();
    session.print(&json!({"schema": "convoke.movers/1", "elsewhere": elsewhere, "came": weeks}), &text)?;
    Ok(Exit::Done)
}
