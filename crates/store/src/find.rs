//! Search for people by free text.

mod names;

use std::collections::HashMap;

use anyhow::{Context, Result};
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Date, Nullable, Text};
use serde::Serialize;

use super::convocations::{Live, LiveColumns};
use super::holders::born;
use super::row::Rows;
use super::scope::{convocation, holder, notice, permit};
use super::{Store, on_backend};
use convoke_domain::birth::BirthDate;
use convoke_domain::convocation::State;
use convoke_domain::eligibility::Rule;
use convoke_domain::search::blocks::text_of;
use convoke_domain::search::{Sought, fold, phone_key};
use convoke_domain::slot::SlotId;

/// People compared at most; beyond that the text must be more specific.
const COMPARED_MAX: usize = 500;
/// The cost of a prefix match, or of a telephone number where a foreigner number may have been meant.
const LONGER: u32 = 1;

/// The result of a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// How the text was interpreted: `reference`, `e-mail`, `number`, `permit-number`, `name`.
    pub by: &'static str,
    /// People found in all.
    pub total: usize,
    /// Whether `total` is a lower bound, because a word matched too many.
    pub at_least: bool,
    /// The best matches, best first.
    pub people: Vec<Person>,
}

/// A person with their permits and appointment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Opaque id.
    #[serde(skip)]
    pub holder_id: String,
    /// Foreigner number.
    pub number: String,
    /// Family name.
    pub family_name: String,
    /// Name in use.
    pub usage_name: Option<String>,
    /// Given names.
    pub given_names: String,
    /// Date of birth.
    pub birth_date: Option<BirthDate>,
    /// Distance between the names and the text: 0 for the same words.
    pub distance: u32,
    /// Permits, the latest first.
    pub permits: Vec<FoundPermit>,
    /// The live appointment, upcoming or not yet marked.
    pub appointment: Option<FoundAppointment>,
}

/// A permit, and its verdict in the last run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundPermit {
    /// Number.
    pub number: String,
    /// Type.
    pub kind: String,
    /// Last day of validity.
    pub expires_on: NaiveDate,
    /// Rule; `None` before the first run.
    pub rule: Option<String>,
    /// The rule in words.
    pub label: Option<&'static str>,
}

/// A live convocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundAppointment {
    /// Reference.
    pub reference: String,
    /// Day.
    pub day: NaiveDate,
    /// Where and when.
    pub slot: SlotId,
}

#[derive(Clone, Queryable)]
struct Row {
    holder_id: String,
    number: String,
    family_name: String,
    usage_name: Option<String>,
    given_names: String,
    birth_date: Option<NaiveDate>,
    birth_partial: Option<String>,
    email: Option<String>,
    phone: Option<String>,
}

#[derive(QueryableByName)]
struct PermitOf {
    #[diesel(sql_type = Text)]
    holder_id: String,
    #[diesel(sql_type = Text)]
    number: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Date)]
    expires_on: NaiveDate,
    #[diesel(sql_type = Nullable<Text>)]
    rule: Option<String>,
}

/// People to compare with their distance; how many there are in all, and whether there are more.
type Compared = (Vec<(Row, u32)>, usize, bool);
impl Store {
    /// Forces the look-up of permits by holder. Without statistics SQLite estimates `prefecture = …` in a primary key
    /// at ten rows, and would read all permits.
    pub(super) fn permit_by_holder(&self) -> &'static str {
        if self.is_postgres() { "" } else { "INDEXED BY permit_by_holder" }
    }

    /// The people that a text matches, at most `limit` of them. Call it inside [`Store::read`].
    pub fn find(&mut self, text: &str, limit: usize) -> Result<Found> {
        if self.is_postgres() {
            // Every query here is a fast index look-up: JIT compilation would take longer than the query.
            self.execute("SET LOCAL enable_seqscan = off; SET LOCAL jit = off")?;
        }
        let mut found = Found { by: "name", total: 0, at_least: false, people: Vec::new() };
        for sought in Sought::readings(text) {
            let (rows, total, at_least) = self.matching(&sought, limit)?;
            found.by = sought.code();
            if !rows.is_empty() {
                (found.total, found.at_least) = (total, at_least);
                found.people = self.people(rows, limit)?;
                break;
            }
        }
        Ok(found)
    }

    fn matching(&mut self, sought: &Sought, limit: usize) -> Result<Compared> {
        let at_distance = |rows: Vec<Row>, missed: u32| rows.into_iter().map(|row| (row, missed)).collect::<Vec<_>>();
        let rows = match sought {
            Sought::Reference(reference) => {
                let id = self.holder_of(reference.as_str())?;
                at_distance(self.rows(id.as_slice())?, 0)
            }
            Sought::PermitNumber(number) => {
                let id = self.holder_of_permit(number)?;
                at_distance(self.rows(id.as_slice())?, 0)
            }
            Sought::Email(email) => {
                let email = email.to_lowercase();
                let mut rows = self.rows_under(&fold::email_head(&email))?;
                rows.retain(|row| row.email.as_ref().is_some_and(|e| e.to_lowercase() == email));
                rows.extend(self.rows_with_email_set(&email, &rows)?);
                at_distance(rows, 0)
            }
            Sought::Digits { number, phone } => {
                let id = match (number, self.stored_id_key()?) {
                    (Some(number), Some(key)) => Some(self.holder_meant(key.holder(self.scope.code(), number))?.0),
                    _ => None,
                };
                let mut rows = at_distance(self.rows(id.as_slice())?, 0);
                if let Some((phone, head)) = phone.as_ref().and_then(|p| Some((p, fold::phone_head(p)?))) {
                    let mut called = self.rows_under(&head)?;
                    called.retain(|row| row.phone.as_deref().and_then(phone_key).as_ref() == Some(phone));
                    called.retain(|row| Some(&row.holder_id) != id.as_ref());
                    rows.extend(at_distance(called, LONGER));
                }
                rows
            }
            Sought::Names(typed) => {
                let (matches, at_least) = self.named_like(typed, limit)?;
                let best: HashMap<String, u32> =
                    matches.iter().take(COMPARED_MAX).map(|(key, missed)| (text_of(key), *missed)).collect();
                let ids: Vec<String> = best.keys().cloned().collect();
                let rows = self.rows(&ids)?.into_iter().map(|row| (best[&row.holder_id], row));
                return Ok((rows.map(|(missed, row)| (row, missed)).collect(), matches.len(), at_least));
            }
        };
        let total = rows.len();
        Ok((rows, total, false))
    }

    /// The holder of a convocation or notice.
    pub fn holder_of(&mut self, reference: &str) -> Result<Option<String>> {
        let convoked: Option<String> = convocation::of(&self.scope)
            .filter(convocation::reference.eq(reference))
            .select(convocation::holder_id)
            .first(&mut self.conn)
            .optional()
            .context("looking for a reference")?;
        if convoked.is_some() {
            return Ok(convoked);
        }
        let noticed = notice::of(&self.scope).filter(notice::reference.eq(reference)).select(notice::holder_id);
        noticed.first(&mut self.conn).optional().context("looking for a reference")
    }

    fn holder_of_permit(&mut self, number: &str) -> Result<Option<String>> {
        let Some(key) = self.stored_id_key()? else { return Ok(None) };
        // Permit numbers match as written, and they are written in capitals.
        for number in [number.to_owned(), number.to_uppercase()] {
            let id = key.permit(self.scope.code(), &number);
            let row = permit::of(&self.scope).filter(permit::permit_id.eq(&id.0)).select(permit::holder_id);
            let known: Option<String> = row.first(&mut self.conn).optional().context("looking for a permit")?;
            if known.is_some() {
                return Ok(known);
            }
        }
        Ok(None)
    }

    fn rows(&mut self, ids: &[String]) -> Result<Vec<Row>> {
        use holder::{
            birth_date, birth_partial, email, family_name, given_names, holder_id, number, phone, usage_name,
        };
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        holder::of(&self.scope)
            .filter(holder_id.eq_any(ids))
            .select((holder_id, number, family_name, usage_name, given_names, birth_date, birth_partial, email, phone))
            .load(&mut self.conn)
            .context("reading the people who were found")
    }

    /// Holders for whom an agent set this address.
    fn rows_with_email_set(&mut self, email: &str, known: &[Row]) -> Result<Vec<Row>> {
        let mut ids: Vec<String> = holder::of(&self.scope)
            .filter(holder::email_set.eq(email))
            .select(holder::holder_id)
            .load(&mut self.conn)
            .context("looking for an address that was set")?;
        ids.retain(|id| known.iter().all(|row| row.holder_id != *id));
        self.rows(&ids)
    }

    /// Holders indexed under an e-mail or telephone.
    fn rows_under(&mut self, head: &str) -> Result<Vec<Row>> {
        let ids: Vec<String> = self.who_has(head)?.iter().map(text_of).collect();
        let mut rows = Vec::new();
        for ids in ids.chunks(super::KEYS_PER_QUERY) {
            rows.extend(self.rows(ids)?);
        }
        Ok(rows)
    }

    /// Details of the people found: best first, then by name.
    fn people(&mut self, mut rows: Vec<(Row, u32)>, limit: usize) -> Result<Vec<Person>> {
        let order = |(row, missed): &(Row, u32)| {
            (*missed, row.family_name.clone(), row.given_names.clone(), row.number.clone())
        };
        rows.sort_by_cached_key(order);
        rows.truncate(limit);
        let ids: Vec<&str> = rows.iter().map(|(row, _)| row.holder_id.as_str()).collect();
        let (mut permits, mut appointments) = (self.found_permits(&ids)?, self.found_appointments(&ids)?);
        Ok(rows
            .into_iter()
            .map(|(row, distance)| Person {
                permits: permits.remove(&row.holder_id).unwrap_or_default(),
                appointment: appointments.remove(&row.holder_id),
                holder_id: row.holder_id,
                number: row.number,
                family_name: row.family_name,
                usage_name: row.usage_name,
                given_names: row.given_names,
                birth_date: born(row.birth_date, row.birth_partial.as_deref()),
                distance,
            })
            .collect())
    }

    fn found_permits(&mut self, holders: &[&str]) -> Result<HashMap<String, Vec<FoundPermit>>> {
        if holders.is_empty() {
            return Ok(HashMap::new());
        }
        // Ids from the database contain only letters and digits.
        let sql = format!(
            "SELECT holder_id, number, kind, expires_on, rule FROM permit {} WHERE prefecture = '{}' AND holder_id IN ('{}')
             ORDER BY expires_on DESC, number",
            self.permit_by_holder(),
            self.scope.code(),
            holders.join("', '")
        );
        let rows: Vec<PermitOf> = on_backend!(&mut self.conn, c => diesel::sql_query(sql).load(c))
            .context("reading the permits of those who were found")?;
        let mut permits: HashMap<String, Vec<FoundPermit>> = HashMap::new();
        for PermitOf { holder_id, number, kind, expires_on, rule } in rows {
            let label = rule.as_ref().and_then(|code| code.parse().ok()).map(Rule::label_fr);
            permits.entry(holder_id).or_default().push(FoundPermit { number, kind, expires_on, rule, label });
        }
        Ok(permits)
    }

    fn found_appointments(&mut self, holders: &[&str]) -> Result<HashMap<String, FoundAppointment>> {
        let live = convocation::of(&self.scope)
            .filter(convocation::holder_id.eq_any(holders))
            .filter(convocation::state.eq(State::Convoked.code()))
            .select(LiveColumns::as_select())
            .load(&mut self.conn)
            .rows("reading the appointments of those who were found")?;
        let found = |l: Live| {
            let appointment = FoundAppointment { reference: l.reference, day: l.slot_id.day, slot: l.slot_id };
            (l.holder_id, appointment)
        };
        Ok(live.into_iter().map(found).collect())
    }
}
