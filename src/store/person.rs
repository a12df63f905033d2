//! Everything known about one person: the right of access.

use anyhow::{Context, Result};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use super::Store;
use super::schema::{
    bounce, convocation, delivery_attempt, holder, household_link, ledger_entry, outbox, past_verdict, permit,
};
use crate::ids::HolderId;

impl Store {
    /// Everything that is known about a person, with the entries of the ledger that concern them, by their commitment. Instants are
    /// Universal Time.
    pub fn everything_about(&mut self, id: &HolderId, commitment: &str) -> Result<Value> {
        let person: Person = holder::table
            .find((&self.prefecture, &id.0))
            .select(Person::as_select())
            .first(&mut self.conn)
            .context("reading a holder")?;
        let linked: Option<String> = household_link::table
            .find((&self.prefecture, &id.0))
            .select(household_link::household)
            .first(&mut self.conn)
            .optional()?;
        let convocations: Vec<Convoked> = convocation::table
            .filter(convocation::prefecture.eq(&self.prefecture).and(convocation::holder_id.eq(&id.0)))
            .order(convocation::created_at)
            .select(Convoked::as_select())
            .load(&mut self.conn)
            .context("reading the convocations of a holder")?;
        let references = self.references_of(&[&id.0])?;
        Ok(json!({
            "person": person,
            "linked_household": linked,
            "permits": self.permits_of(id)?,
            "convocations": convocations,
            "letters": self.letters_about(&references)?,
            "ledger": self.entries_about(commitment, &references)?,
        }))
    }

    fn permits_of(&mut self, id: &HolderId) -> Result<Vec<Value>> {
        let permits: Vec<Title> = permit::table
            .filter(permit::prefecture.eq(&self.prefecture).and(permit::holder_id.eq(&id.0)))
            .order(permit::expires_on)
            .select(Title::as_select())
            .load(&mut self.conn)
            .context("reading the permits of a holder")?;
        let mut known = Vec::new();
        for title in permits {
            let past: Vec<PastRule> = past_verdict::table
                .filter(past_verdict::prefecture.eq(&self.prefecture).and(past_verdict::permit_id.eq(&title.permit_id)))
                .order(past_verdict::since)
                .select(PastRule::as_select())
                .load(&mut self.conn)?;
            known.push(json!({"permit": title, "rules_before": past}));
        }
        Ok(known)
    }

    /// Letters of some references, what they said, and what became of them.
    pub fn letters_about(&mut self, references: &[String]) -> Result<Vec<Value>> {
        let letters: Vec<Written> = outbox::table
            .filter(outbox::prefecture.eq(&self.prefecture).and(outbox::reference.eq_any(references)))
            .order((outbox::created_at, outbox::letter_id))
            .select(Written::as_select())
            .load(&mut self.conn)
            .context("reading the letters of a holder")?;
        let mut known = Vec::new();
        for mut letter in letters {
            let attempts: Vec<Try> = delivery_attempt::table
                .filter(
                    delivery_attempt::prefecture
                        .eq(&self.prefecture)
                        .and(delivery_attempt::letter_id.eq(&letter.letter_id)),
                )
                .order(delivery_attempt::epoch)
                .select(Try::as_select())
                .load(&mut self.conn)?;
            let bounces: Vec<Returned> = bounce::table
                .filter(bounce::prefecture.eq(&self.prefecture).and(bounce::letter_id.eq(&letter.letter_id)))
                .order(bounce::recorded_at)
                .select(Returned::as_select())
                .load(&mut self.conn)?;
            let said: Value = serde_json::from_str(&std::mem::take(&mut letter.data)).unwrap_or(Value::Null);
            known.push(json!({"letter": letter, "said": said, "attempts": attempts, "bounces": bounces}));
        }
        Ok(known)
    }

    /// Entries that hold a person's commitment, or a reference of theirs.
    fn entries_about(&mut self, commitment: &str, references: &[String]) -> Result<Vec<Value>> {
        let mut found: Vec<(i64, String, String, String)> = Vec::new();
        for what in references.iter().map(String::as_str).chain([commitment]) {
            let rows: Vec<(i64, String, String, String)> = ledger_entry::table
                .filter(ledger_entry::prefecture.eq(&self.prefecture))
                .filter(ledger_entry::payload.like(format!("%{what}%")))
                .select((ledger_entry::seq, ledger_entry::actor, ledger_entry::kind, ledger_entry::payload))
                .load(&mut self.conn)
                .context("looking for a person in the ledger")?;
            found.extend(rows);
        }
        found.sort_unstable();
        found.dedup();
        let of = |(seq, actor, kind, payload): (i64, String, String, String)| {
            let payload: Value = serde_json::from_str(&payload).unwrap_or(Value::Null);
            json!({"entry": seq, "actor": actor, "kind": kind, "payload": payload})
        };
        Ok(found.into_iter().map(of).collect())
    }
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = holder)]
struct Person {
    number: String,
    family_name: String,
    usage_name: Option<String>,
    given_names: String,
    birth_date: Option<NaiveDate>,
    email: Option<String>,
    email_refused: Option<String>,
    phone: Option<String>,
    language: String,
    address: String,
    postcode: String,
    town: Option<String>,
    commune: String,
    household: Option<String>,
    channel: Option<String>,
    large_print: bool,
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = permit)]
struct Title {
    permit_id: String,
    number: String,
    kind: String,
    mention: String,
    valid_from: NaiveDate,
    expires_on: NaiveDate,
    status: String,
    filed_on: Option<NaiveDate>,
    commune: String,
    absent: bool,
    held: bool,
    superseded: bool,
    first_seen: NaiveDate,
    rule: Option<String>,
    rule_since: Option<NaiveDate>,
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = past_verdict)]
struct PastRule {
    rule: String,
    since: NaiveDate,
    until: NaiveDate,
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = convocation)]
struct Convoked {
    reference: String,
    slot_id: String,
    day: NaiveDate,
    state: String,
    sequence: i64,
    origin: String,
    run_id: Option<String>,
    created_at: NaiveDateTime,
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = outbox)]
struct Written {
    letter_id: String,
    reference: String,
    kind: String,
    channel: String,
    state: String,
    recipient: Option<String>,
    #[serde(skip)]
    data: String,
    sha256: Option<String>,
    created_at: NaiveDateTime,
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = delivery_attempt)]
struct Try {
    started_at: NaiveDateTime,
    ended_at: Option<NaiveDateTime>,
    relay: String,
    stage: Option<String>,
    code: Option<i64>,
    enhanced: Option<String>,
    reply: Option<String>,
    outcome: Option<String>,
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = bounce)]
struct Returned {
    recorded_at: NaiveDateTime,
    class: String,
    status: Option<String>,
    diagnostic: Option<String>,
    consequence: String,
}
