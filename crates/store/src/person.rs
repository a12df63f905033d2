//! Everything known about one person, for the right of access and for the counter.

use anyhow::{Context, Result};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use super::row::{Rows, Word, row};
use super::scope::{
    bounce, concerned, convocation, delivery_attempt, holder, household_link, joined, ledger_entry, outbox,
    past_verdict, permit,
};
use super::{RequestRow, Store};
use convoke_domain::convocation::{LetterKind, LetterState, Origin, Outcome, Remark, State};
use convoke_domain::eligibility::Rule;
use convoke_domain::ids::HolderId;
use convoke_domain::permit::{Channel, PermitKind, Status};
use convoke_domain::slot::SlotId;

/// All that is known about a person, except ledger entries. Instants are in UTC.
#[derive(Clone, Debug, Serialize)]
pub struct Known {
    /// Who it is.
    pub person: Person,
    /// The household that an agent linked.
    pub linked_household: Option<String>,
    /// Permits, soonest expiry first.
    pub permits: Vec<KnownPermit>,
    /// Appointments in any state, oldest first.
    pub convocations: Vec<Convoked>,
    /// Written requests, oldest first.
    pub requests: Vec<RequestRow>,
    /// Letters, oldest first.
    pub letters: Vec<KnownLetter>,
}

/// A permit, and the rules that applied to it.
#[derive(Clone, Debug, Serialize)]
pub struct KnownPermit {
    /// The permit, with its present rule.
    pub permit: Title,
    /// The rules before that, oldest first.
    pub rules_before: Vec<PastRule>,
}

/// A letter with its content and its outcome.
#[derive(Clone, Debug, Serialize)]
pub struct KnownLetter {
    /// The letter.
    pub letter: Written,
    /// Its content.
    pub said: Value,
    /// Every delivery attempt.
    pub attempts: Vec<Try>,
    /// Its bounces.
    pub bounces: Vec<Returned>,
}

/// A manual action on a person: kind, login, payload.
pub type ActOn = (String, String, Value);

impl Store {
    /// Everything known about a person, including the ledger entries that concern them, found by their commitment.
    pub fn everything_about(&mut self, id: &HolderId, commitment: &str) -> Result<Value> {
        let mut all = serde_json::to_value(self.known_of(id)?)?;
        let references = self.references_of(&[&id.0])?;
        all["kept_to_undo"] = self.kept_to_undo(id)?.into();
        all["ledger"] = self.entries_about(commitment, &references)?.into();
        Ok(all)
    }

    /// Everything known about a person, except the ledger.
    pub fn known_of(&mut self, id: &HolderId) -> Result<Known> {
        let person: Person = holder::of(&self.scope)
            .filter(holder::holder_id.eq(&id.0))
            .select(Person::as_select())
            .first(&mut self.conn)
            .context("reading a holder")?;
        let linked_household: Option<String> = household_link::of(&self.scope)
            .filter(household_link::holder_id.eq(&id.0))
            .select(household_link::household)
            .first(&mut self.conn)
            .optional()?;
        let convocations = convocation::of(&self.scope)
            .filter(convocation::holder_id.eq(&id.0))
            .order(convocation::created_at)
            .select(ConvokedColumns::as_select())
            .load(&mut self.conn)
            .rows("reading the convocations of a holder")?;
        let references = self.references_of(&[&id.0])?;
        let (permits, letters) = (self.permits_of(id)?, self.letters_about(&references)?);
        let requests = self.requests_of(id)?;
        Ok(Known { person, linked_household, permits, convocations, requests, letters })
    }

    /// Manual actions on a person, oldest first.
    pub fn acts_on(&mut self, id: &HolderId) -> Result<Vec<ActOn>> {
        let rows: Vec<(String, String, String)> = concerned::of(&self.scope)
            .inner_join(joined!(ledger_entry, concerned, seq))
            .filter(concerned::holder_id.eq(&id.0))
            .order(ledger_entry::seq)
            .select((ledger_entry::kind, ledger_entry::actor, ledger_entry::payload))
            .load(&mut self.conn)
            .context("reading what was done to a holder")?;
        let read = |payload: String| serde_json::from_str(&payload).unwrap_or(Value::Null);
        Ok(rows.into_iter().map(|(kind, actor, payload)| (kind, actor, read(payload))).collect())
    }

    fn permits_of(&mut self, id: &HolderId) -> Result<Vec<KnownPermit>> {
        let permits = permit::of(&self.scope)
            .filter(permit::holder_id.eq(&id.0))
            .order(permit::expires_on)
            .select(TitleColumns::as_select())
            .load(&mut self.conn)
            .rows("reading the permits of a holder")?;
        let mut known = Vec::new();
        for title in permits {
            let rules = past_verdict::of(&self.scope)
                .filter(past_verdict::permit_id.eq(&title.permit_id))
                .order(past_verdict::since)
                .select(PastRuleColumns::as_select())
                .load(&mut self.conn)
                .rows("reading the past rules of a permit")?;
            known.push(KnownPermit { permit: title, rules_before: rules });
        }
        Ok(known)
    }

    /// Letters with these references, their content and outcome.
    pub fn letters_about(&mut self, references: &[String]) -> Result<Vec<KnownLetter>> {
        let letters = outbox::of(&self.scope)
            .filter(outbox::reference.eq_any(references))
            .order((outbox::created_at, outbox::letter_id))
            .select(WrittenColumns::as_select())
            .load(&mut self.conn)
            .rows("reading the letters of a holder")?;
        let mut known = Vec::new();
        for mut letter in letters {
            let attempts = delivery_attempt::of(&self.scope)
                .filter(delivery_attempt::letter_id.eq(&letter.letter_id))
                .order(delivery_attempt::epoch)
                .select(TryColumns::as_select())
                .load(&mut self.conn)
                .rows("reading the attempts of a letter")?;
            let bounces: Vec<Returned> = bounce::of(&self.scope)
                .filter(bounce::letter_id.eq(&letter.letter_id))
                .order(bounce::recorded_at)
                .select(Returned::as_select())
                .load(&mut self.conn)?;
            let said: Value = serde_json::from_str(&std::mem::take(&mut letter.data)).unwrap_or(Value::Null);
            known.push(KnownLetter { letter, said, attempts, bounces });
        }
        Ok(known)
    }

    /// Entries that contain a person's commitment, or one of their references.
    fn entries_about(&mut self, commitment: &str, references: &[String]) -> Result<Vec<Value>> {
        let mut found: Vec<(i64, String, String, String)> = Vec::new();
        for what in references.iter().map(String::as_str).chain([commitment]) {
            let rows: Vec<(i64, String, String, String)> = ledger_entry::of(&self.scope)
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

/// The holder.
#[derive(Clone, Debug, Queryable, Selectable, Serialize)]
#[diesel(table_name = holder)]
pub struct Person {
    pub number: String,
    pub family_name: String,
    pub usage_name: Option<String>,
    pub given_names: String,
    pub birth_date: Option<NaiveDate>,
    pub birth_partial: Option<String>,
    pub email: Option<String>,
    pub email_refused: Option<String>,
    pub email_set: Option<String>,
    pub phone: Option<String>,
    pub language: String,
    pub address: String,
    pub postcode: String,
    pub town: Option<String>,
    pub commune: String,
    pub household: Option<String>,
    pub channel: Option<String>,
    pub large_print: bool,
}

row! {
    /// The permit.
    #[derive(Clone, Debug, Serialize)]
    #[expect(missing_docs, reason = "the columns of the table, which the migrations explain")]
    pub struct Title,
    #[derive(Queryable, Selectable)]
    struct TitleColumns of permit by permit_id {
        pub permit_id: String,
        pub number: String,
        pub kind: PermitKind as Word<PermitKind>,
        pub mention: String,
        pub valid_from: NaiveDate,
        pub expires_on: NaiveDate,
        pub status: Status as Word<Status>,
        pub filed_on: Option<NaiveDate>,
        pub commune: String,
        pub absent: bool,
        pub held: bool,
        pub superseded: bool,
        pub unknown_title: Option<String>,
        pub first_seen: NaiveDate,
        pub rule: Option<Rule> as Option<Word<Rule>>,
        pub rule_since: Option<NaiveDate>,
        pub rule_run: Option<String>,
    }
}

row! {
    /// A past rule.
    #[derive(Clone, Debug, Serialize)]
    pub struct PastRule,
    #[derive(Queryable, Selectable)]
    struct PastRuleColumns of past_verdict by since {
        pub since: NaiveDate,
        pub rule: Rule as Word<Rule>,
        pub until: NaiveDate,
        pub run_id: String,
    }
}

row! {
    /// An appointment.
    #[derive(Clone, Debug, Serialize)]
    pub struct Convoked,
    #[derive(Queryable, Selectable)]
    struct ConvokedColumns of convocation by reference {
        pub reference: String,
        pub permit_id: String,
        pub slot_id: SlotId as Word<SlotId>,
        pub day: NaiveDate,
        pub state: State as Word<State>,
        pub sequence: i64,
        pub origin: Origin as Word<Origin>,
        pub run_id: Option<String>,
        pub created_at: NaiveDateTime,
        pub replaces: Option<String>,
        pub moved_by: Option<String>,
    }
}

row! {
    /// A letter.
    #[derive(Clone, Debug, Serialize)]
    pub struct Written,
    #[derive(Queryable, Selectable)]
    struct WrittenColumns of outbox by letter_id {
        pub letter_id: String,
        pub reference: String,
        pub kind: LetterKind as Word<LetterKind>,
        pub channel: Channel as Word<Channel>,
        pub state: LetterState as Word<LetterState>,
        pub recipient: Option<String>,
        #[serde(skip)]
        pub data: String,
        #[serde(skip)]
        pub remark: Option<Remark> as Option<Word<Remark>>,
        #[serde(skip)]
        pub last_reply: Option<String>,
        pub sha256: Option<String>,
        pub created_at: NaiveDateTime,
    }
}

row! {
    /// An attempt.
    #[derive(Clone, Debug, Serialize)]
    pub struct Try,
    #[derive(Queryable, Selectable)]
    struct TryColumns of delivery_attempt by started_at {
        pub started_at: NaiveDateTime,
        pub ended_at: Option<NaiveDateTime>,
        pub relay: String,
        pub stage: Option<String>,
        pub code: Option<i64>,
        pub enhanced: Option<String>,
        pub reply: Option<String>,
        pub outcome: Option<Outcome> as Option<Word<Outcome>>,
    }
}

/// A bounce.
#[derive(Clone, Debug, Queryable, Selectable, Serialize)]
#[diesel(table_name = bounce)]
pub struct Returned {
    pub recorded_at: NaiveDateTime,
    pub class: String,
    pub status: Option<String>,
    pub diagnostic: Option<String>,
    pub consequence: String,
}
