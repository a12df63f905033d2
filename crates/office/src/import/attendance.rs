//! `attendance.csv`: the outcomes of appointments, as recorded at the counter. A completed sheet from
//! `convoke agenda sheet` is such a file; its other columns are for people.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use chrono::NaiveDate;
use serde_json::json;

use super::field::Fields;
use super::result::{RowError, Warning};
use super::table::{Record, columns};
use super::{By, Imported, Opened, Options};
use convoke_domain::convocation::{Presence, State};
use convoke_domain::ids::Reference;
use convoke_domain::ledger::Event;
use convoke_machine::clock::Clock;
use convoke_settings::Configuration;
use convoke_store::{ConvocationRow, Store};

columns! {
    required: Reference = "reference", Presence = "presence";
    optional:
}

/// Extra columns of a day's sheet, for the person who fills it in. They are ignored without a warning.
pub const FOR_PEOPLE: [&str; 7] = ["site", "guichet", "date", "heure", "nom", "date_naissance", "type_titre"];

/// A row: an appointment and its outcome; `None` if it is not marked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Reference.
    pub reference: Reference,
    /// Its outcome.
    pub presence: Option<Presence>,
}

/// Reads a row, or names each bad field. Whether the appointment exists is checked when marks are stored.
pub fn parse(record: &Record) -> Result<(Mark, Vec<Warning>), Vec<RowError>> {
    let mut fields = Fields::of(record)?;
    let reference = fields.parsed(Column::Reference, "a reference such as RC-94-2026-0001234-R", Reference::parse);
    let words = Presence::ALL.iter().map(|p| p.code()).collect::<Vec<_>>().join(", ");
    let presence = fields.parsed_if_any(Column::Presence, &format!("one of: {words}"), Presence::read);
    let mark = reference.map(|reference| Mark { reference, presence });
    fields.finish(mark)
}

/// Imports marks: each appointment ends as the file says. The next run sees who is due.
pub fn take(
    store: &mut Store,
    config: &Configuration,
    path: &Path,
    options: &Options,
    actor: &str,
    clock: &Clock,
) -> Result<Imported> {
    let mut file = Opened::open(path, &LAYOUT, options)?;
    file.imported.unknown_columns.retain(|name| !FOR_PEOPLE.contains(&name.to_lowercase().as_str()));
    let by = By::of(actor, clock, config);
    let (mut marks, mut unmarked) = (Marks::default(), 0);
    let mut findings = file.each_row(|record| {
        let (mark, warnings) = parse(record)?;
        match mark.presence {
            None => unmarked += 1,
            Some(presence) => marks.add(record.row(), mark.reference, presence).map_err(|error| vec![error])?,
        }
        Ok(warnings)
    })?;
    // What an appointment may still become is known only inside the transaction: a refusal found there rolls it back.
    let mut result = None;
    let attempt = store.write(|s| {
        let mut findings = std::mem::take(&mut findings);
        let mut endings = Endings::default();
        for (reference, (row, presence)) in &marks.0 {
            let reference = &meant(s, reference)?;
            let known = s.convocation(reference.as_str())?;
            match judge(*presence, known.as_ref(), by.today) {
                Ok(Some(convocation)) => endings.add(reference, *presence, &convocation.permit_id, "attendance"),
                Ok(None) => {}
                Err(wrong) => {
                    findings.reject(vec![wrong.of_row(*row, reference, *presence)]);
                }
            }
        }
        file.imported.unmarked = unmarked;
        file.imported.updated = endings.events.len() as u64;
        file.imported.take_findings(findings, options);
        let bad = file.imported.rejected_rows().len() as u64;
        file.imported.unchanged = file.imported.read.saturating_sub(file.imported.updated + unmarked + bad);
        result = Some(file.imported.refused.is_none() && !options.dry_run);
        if file.imported.refused.is_none() {
            endings.carry_out(s, &by)?;
        }
        file.enter(s, "attendance", &by)?;
        if result != Some(true) {
            bail!("undone on purpose");
        }
        Ok(())
    });
    // Only a deliberate rollback is no error: a commit may fail too.
    if result != Some(false) {
        attempt.with_context(|| format!("taking in {}", path.display()))?;
    }
    file.finish()
}

/// The marks in a file. A repeated mark counts once; a contradiction is an error.
#[derive(Default)]
struct Marks(BTreeMap<Reference, (u64, Presence)>);

impl Marks {
    fn add(&mut self, row: u64, reference: Reference, presence: Presence) -> Result<(), RowError> {
        let (first_row, first) = *self.0.entry(reference).or_insert((row, presence));
        if first == presence {
            return Ok(());
        }
        Err(RowError::new(row, LAYOUT.columns[1], presence.code(), format!("{first}, as on line {first_row}")))
    }
}

/// The result of marking appointments one by one, as at a counter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marked {
    /// Appointments that these marks ended.
    pub ended: u64,
    /// Appointments that already had the mark.
    pub known: u64,
    /// Marks that were refused, and why.
    pub wrong: Vec<(Reference, WrongMark)>,
}

/// Records marks one by one: a refused mark does not affect the others.
pub fn mark(
    store: &mut Store,
    config: &Configuration,
    marks: &[(Reference, Presence)],
    actor: &str,
    clock: &Clock,
) -> Result<Marked> {
    let by = By::of(actor, clock, config);
    store.write(|s| {
        let (mut marked, mut endings) = (Marked::default(), Endings::default());
        for (reference, presence) in marks {
            let reference = &meant(s, reference)?;
            let known = s.convocation(reference.as_str())?;
            match judge(*presence, known.as_ref(), by.today) {
                Ok(Some(convocation)) => endings.add(reference, *presence, &convocation.permit_id, "counter"),
                Ok(None) => marked.known += 1,
                Err(wrong) => marked.wrong.push((reference.clone(), wrong)),
            }
        }
        marked.ended = endings.events.len() as u64;
        endings.carry_out(s, &by)?;
        Ok(marked)
    })
}

/// The appointment that a reference on a sheet or a letter now means: one whose mark was undone goes on under another.
fn meant(s: &mut Store, reference: &Reference) -> Result<Reference> {
    let successor = s.successor_on_its_seat(reference.as_str())?;
    Ok(successor.as_deref().and_then(Reference::parse).unwrap_or_else(|| reference.clone()))
}

/// The effects of marks.
#[derive(Default)]
struct Endings {
    by_state: BTreeMap<State, Vec<String>>,
    permits: Vec<String>,
    events: Vec<Event>,
}

impl Endings {
    fn add(&mut self, reference: &Reference, presence: Presence, permit_id: &str, cause: &str) {
        let state = presence.state();
        self.permits.push(permit_id.to_owned());
        let payload = json!({"reference": reference.as_str(), "state": state, "cause": cause});
        self.events.push(Event { kind: "convocation.marked", payload });
        self.by_state.entry(state).or_default().push(reference.to_string());
    }

    fn carry_out(self, s: &mut Store, by: &By<'_>) -> Result<()> {
        if self.events.is_empty() {
            return Ok(());
        }
        for (state, references) in &self.by_state {
            s.end_convocations(references, *state)?;
        }
        s.review_all_again(&self.permits.iter().map(String::as_str).collect::<Vec<_>>())?;
        s.record(by.actor, by.now, self.events)
    }
}

/// Why an appointment cannot be given this mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongMark {
    /// Unknown appointment.
    Unknown,
    /// It is on this day, in the future: it can only be cancelled.
    TooSoon(NaiveDate),
    /// It has already ended in this state, and a mark is final: a run has acted on it, and the ledger records it.
    Over(State),
}

impl WrongMark {
    fn of_row(self, row: u64, reference: &Reference, presence: Presence) -> RowError {
        let wrong = |expected: String| RowError::new(row, LAYOUT.columns[1], presence.code(), expected);
        match self {
            Self::Unknown => RowError::new(
                row,
                LAYOUT.columns[0],
                reference.as_str(),
                "the reference of an appointment of this préfecture: read it again on the letter",
            ),
            Self::TooSoon(day) => {
                wrong(format!("no mark yet: the appointment is on {day}; annule alone may come before"))
            }
            Self::Over(state) => wrong(format!("no other mark: {}", remedy(state))),
        }
    }
}

/// The convocation that this mark ends; `None` if it already has the mark.
fn judge(
    presence: Presence,
    known: Option<&ConvocationRow>,
    today: NaiveDate,
) -> Result<Option<&ConvocationRow>, WrongMark> {
    let convocation = known.ok_or(WrongMark::Unknown)?;
    match convocation.state {
        state if state == presence.state() => Ok(None),
        state if state.may_become(presence.state()) => {
            let day = convocation.slot_id.day;
            if day > today && presence != Presence::Cancelled {
                return Err(WrongMark::TooSoon(day));
            }
            Ok(Some(convocation))
        }
        state => Err(WrongMark::Over(state)),
    }
}

/// How the appointment ended, and how to remedy a wrong mark.
fn remedy(state: State) -> &'static str {
    match state {
        State::Honoured => "it is marked honore: `convoke undo` takes a wrong mark back",
        State::Incomplete | State::Missed => {
            "it is marked absent or incomplet (or nobody marked it in time): `convoke undo` takes a wrong mark back; if the person has \
             filed, the next extract says so (depot_le)"
        }
        State::Moved => "the appointment was moved: mark the one that took its place",
        State::Undelivered => "the letter never reached the person, and the seat was given back",
        _ => "the appointment was cancelled, and the seat given back",
    }
}
