//! A bare instance read from files of any origin (FORMATS, *Planning instance*). Every refusal names file and line.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};

use chrono::NaiveDate;
use csv::{ReaderBuilder, StringRecord};
use serde::Deserialize;
use serde_json::Value;

use super::instance::{Builder, Person};
use super::{Day, Instance, PoolName, RankedPool, SlotSeats};

/// Days of an instance: ten years each way.
const DAYS: std::ops::RangeInclusive<i64> = -3_660..=3_660;

/// A fault in a file of an instance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {what}")]
pub struct FileError {
    /// Name of the file.
    pub file: &'static str,
    /// Line, from 1.
    pub line: u64,
    /// What was found and what was expected.
    pub what: String,
}

/// What the planner reads from `meta.json`.
#[derive(Debug, Deserialize)]
struct Meta {
    business_date: NaiveDate,
    #[serde(default)]
    seed: Value,
    /// `holders` and `slots`: number of lines in the two files, or number of seats for the second, if given.
    #[serde(default)]
    counts: Value,
    #[serde(default)]
    perish_before: Option<Day>,
}

/// The lines of one CSV file, by column name.
struct Lines<R> {
    file: &'static str,
    reader: csv::Reader<R>,
    header: StringRecord,
    record: StringRecord,
}

impl<R: Read> Lines<R> {
    fn open(file: &'static str, input: R) -> Result<Self, FileError> {
        let mut reader = ReaderBuilder::new().from_reader(input);
        let error = |e: &csv::Error| FileError { file, line: 1, what: e.to_string() };
        let mut header = reader.headers().map_err(|e| error(&e))?.clone();
        header.trim();
        if let Some(first) = header.get(0).and_then(|first| first.strip_prefix('\u{feff}')) {
            header = std::iter::once(first).chain(header.iter().skip(1)).collect();
        }
        if let Some(twice) = header.iter().enumerate().find_map(|(i, name)| header.iter().take(i).find(|n| *n == name))
        {
            return Err(FileError { file, line: 1, what: format!("column {twice} appears twice") });
        }
        Ok(Self { file, reader, header, record: StringRecord::new() })
    }

    fn column(&self, name: &str) -> Result<usize, FileError> {
        let found = self.header.iter().position(|column| column == name);
        found.ok_or_else(|| FileError {
            file: self.file,
            line: 1,
            what: format!("no column {name}; found {}", self.header.iter().collect::<Vec<_>>().join(",")),
        })
    }

    fn advance(&mut self) -> Result<bool, FileError> {
        let more = self.reader.read_record(&mut self.record);
        // An unclosed quote would swallow the rest of the file as one field.
        if self.record.iter().any(|field| field.chars().any(char::is_control)) {
            return Err(
                self.wrong("a field holds a line break or another control character: is a quote missing?".into())
            );
        }
        more.map_err(|e| FileError {
            file: self.file,
            line: e.position().map_or(0, csv::Position::line),
            what: match e.kind() {
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    format!("{len} fields, and the header has {expected_len}")
                }
                _ => e.to_string(),
            },
        })
    }

    fn wrong(&self, what: String) -> FileError {
        let line = self.record.position().map_or(0, csv::Position::line);
        FileError { file: self.file, line, what }
    }

    fn text(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or_default().trim()
    }

    fn number(&self, column: usize, allowed: std::ops::RangeInclusive<i64>) -> Result<i64, FileError> {
        let found = self.text(column);
        let plain = !found.starts_with('+');
        found.parse().ok().filter(|n| plain && allowed.contains(n)).ok_or_else(|| {
            let name = self.header.get(column).unwrap_or_default();
            self.wrong(format!(
                "{name} is {found:?}; expected a whole number from {} to {}",
                allowed.start(),
                allowed.end()
            ))
        })
    }

    fn day(&self, column: usize) -> Result<Day, FileError> {
        self.number(column, DAYS).map(|n| n as Day)
    }
}

/// Reads an instance. Returns it with warnings about input that is accepted but looks wrong.
pub fn read(meta: impl Read, slots: impl BufRead, holders: impl BufRead) -> Result<(Instance, Vec<String>), FileError> {
    let wrong = |line: usize, what: String| FileError { file: "meta.json", line: line as u64, what };
    let text = io::read_to_string(meta).map_err(|e| wrong(1, e.to_string()))?;
    let meta = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if !meta.trim_start().starts_with('{') {
        return Err(wrong(1, "expected one JSON object".into()));
    }
    let meta: Meta = serde_json::from_str(meta).map_err(|e| wrong(e.line(), e.to_string()))?;
    let mut pools = Pools::default();
    let mut slots = read_slots(slots, &mut pools)?;
    let with_slots = pools.names.len();
    let (mut builder, lines) = read_holders(holders, &mut pools)?;
    let mut warnings = Vec::new();
    let without: Vec<&str> = pools.names[with_slots..].iter().map(|pool| pool.name.as_str()).collect();
    if !without.is_empty() {
        let more = if without.len() > 10 { ", …" } else { "" };
        let named = without[..without.len().min(10)].join(", ");
        warnings.push(format!("{} pools of holders.csv have no slot in slots.csv: {named}{more}", without.len()));
    }
    // Numbers follow from names, not from row order.
    let (pools, number) = pools.in_order();
    builder.renumber(&number);
    for slot in &mut slots {
        slot.pool = number[slot.pool as usize];
    }
    let shown = |name: &str| meta.counts.get(name).and_then(Value::as_u64);
    let complete = |file: &'static str, found: usize, shown: Option<u64>| match shown {
        Some(shown) if shown != found as u64 => Err(FileError {
            file,
            line: found as u64 + 1,
            what: format!("the file ends after {found} rows, and meta.json counts {shown}: is it complete?"),
        }),
        _ => Ok(()),
    };
    complete("holders.csv", lines.len(), shown("holders"))?;
    // Some files count lines, some seats.
    let seats: u64 = slots.iter().map(|s| u64::from(s.free)).sum();
    complete("slots.csv", slots.len(), shown("slots").filter(|shown| *shown != seats))?;
    if let Some(again) = builder.repeated() {
        let what = format!("id {:?} appears twice", builder.id(again));
        return Err(FileError { file: "holders.csv", line: u64::from(lines[again]), what });
    }
    let seed = meta.seed.as_str().map_or_else(|| meta.seed.to_string(), str::to_owned);
    let instance = builder.build(meta.business_date, seed, meta.perish_before, pools, slots).map_err(|overflow| {
        FileError { file: "holders.csv", line: u64::from(lines[overflow.person]), what: overflow.to_string() }
    })?;
    Ok((instance, warnings))
}

/// Pools by name, numbered in order of appearance.
#[derive(Default)]
struct Pools {
    numbers: HashMap<String, u32>,
    names: Vec<PoolName>,
}

impl Pools {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.numbers.insert(name.to_owned(), number);
        self.names.push(PoolName { name: name.to_owned(), ..PoolName::default() });
        number
    }

    /// The pools sorted by name, whole numbers first and in numeric order, and each number's new position.
    fn in_order(mut self) -> (Vec<PoolName>, Vec<u32>) {
        self.names.sort_by_cached_key(|p| (p.name.parse().unwrap_or(u64::MAX), p.name.clone()));
        let mut position = vec![0; self.names.len()];
        for (at, pool) in self.names.iter().enumerate() {
            position[self.numbers[&pool.name] as usize] = at as u32;
        }
        (self.names, position)
    }
}

fn read_slots(input: impl Read, pools: &mut Pools) -> Result<Vec<SlotSeats>, FileError> {
    let mut lines = Lines::open("slots.csv", input)?;
    let [pool, site, desk, day, start, cap, dept] =
        ["pool", "site", "desk", "day", "start", "cap", "dept"].map(|name| lines.column(name));
    let (pool, site, desk, day, start, cap, _) = (pool?, site?, desk?, day?, start?, cap?, dept?);
    let (mut slots, mut seats) = (Vec::new(), 0);
    while lines.advance()? {
        let name = pool_name(lines.text(pool)).map_err(|what| lines.wrong(what))?;
        let number = pools.number(name);
        let known = &mut pools.names[number as usize];
        let (site, desk) = (lines.text(site), lines.text(desk));
        if site.is_empty() {
            return Err(lines.wrong("site is empty".into()));
        }
        if known.site.is_empty() {
            site.clone_into(&mut known.site);
            desk.clone_into(&mut known.desk);
        } else if (known.site.as_str(), known.desk.as_str()) != (site, desk) {
            let what = format!("pool {name} is {site}/{desk}; before it was {}/{}", known.site, known.desk);
            return Err(lines.wrong(what));
        }
        let free = lines.number(cap, 0..=1_000_000)? as u32;
        seats += u64::from(free);
        if seats > 1 << 31 {
            return Err(lines.wrong("there are more than two thousand million seats".into()));
        }
        slots.push(SlotSeats {
            pool: number,
            day: lines.number(day, 0..=*DAYS.end())? as Day,
            start: lines.number(start, 0..=1_439)? as u16,
            free,
        });
    }
    Ok(slots)
}

/// People, with the line of each.
fn read_holders(input: impl Read, pools: &mut Pools) -> Result<(Builder, Vec<u32>), FileError> {
    let mut lines = Lines::open("holders.csv", input)?;
    let [id, household, release, pref_end, deadline, weight, list] =
        ["id", "household", "release", "pref_end", "deadline", "weight", "pools"].map(|name| lines.column(name));
    let (id, household, release, pref_end) = (id?, household?, release?, pref_end?);
    let (deadline, weight, list) = (deadline?, weight?, list?);
    lines.column("category")?;
    lines.column("dept")?;
    let lapse_late = lines.column("lapse_late").ok();
    let (mut builder, mut at) = (Builder::default(), Vec::new());
    while lines.advance()? {
        let ranked = ranked_pools(lines.text(list), pools).map_err(|what| lines.wrong(what))?;
        let id = lines.record.get(id).unwrap_or_default();
        if id.trim() != id || id.is_empty() {
            return Err(lines.wrong(format!("id is {id:?}; expected a name without spaces around it")));
        }
        let person = Person {
            id,
            household: lines.text(household),
            first_seen: None,
            release: lines.day(release)?,
            pref_end: lines.day(pref_end)?,
            deadline: lines.day(deadline)?,
            weight: lines.number(weight, 0..=1_000_000)? as u32,
            lapse_late: match lapse_late.filter(|column| !lines.text(*column).is_empty()) {
                Some(column) => lines.number(column, 0..=i64::from(u32::MAX))? as u32,
                None => 0,
            },
        };
        builder.add(person, ranked);
        at.push(lines.record.position().map_or(0, |p| p.line() as u32));
    }
    Ok((builder, at))
}

/// A pool's name; -1 is reserved for lapses.
fn pool_name(text: &str) -> Result<&str, String> {
    let named = !text.is_empty() && !text.starts_with('-') && !text.contains([':', ';', ',', '"']);
    named.then_some(text).ok_or_else(|| format!("pool is {text:?}; expected a number or a name without : ; or ,"))
}

/// `pool:rank;pool:rank`.
fn ranked_pools(text: &str, pools: &mut Pools) -> Result<Vec<RankedPool>, String> {
    let mut ranked: Vec<RankedPool> = Vec::new();
    for part in text.split(';').filter(|_| !text.is_empty()) {
        let (pool, rank) = part.rsplit_once(':').unwrap_or((part, ""));
        let rank = rank
            .trim()
            .parse()
            .ok()
            .filter(|rank| *rank <= 10_000)
            .ok_or_else(|| format!("pools is {text:?}; expected pool:rank;pool:rank with ranks from 0 to 10000"))?;
        let pool = pools.number(pool_name(pool.trim())?);
        if ranked.iter().any(|r| r.pool == pool) {
            return Err(format!("pools is {text:?}; it names pool {} twice", pools.names[pool as usize].name));
        }
        ranked.push(RankedPool { rank, pool });
    }
    Ok(ranked)
}
