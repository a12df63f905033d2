//! What undoing an act reads and writes.

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use diesel::prelude::*;

use super::letter::{LetterColumns, LetterRow};
use super::row::Rows;
use super::scope::{act_memory, convocation, holder, ledger_entry, outbox, request, reservation};
use super::{Store, on_backend};
use convoke_domain::convocation::{LetterState, State};
use convoke_domain::ids::{HolderId, Reference};
use convoke_domain::ledger::Entry;
use convoke_domain::requests::RequestState;

/// The kind of the entry that undoes another.
pub const UNDONE: &str = "act.undone";

/// The address that an agent has set for a holder, and over which: what [`Store::set_email`] changes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SetEmail {
    email_set: Option<String>,
    email_set_over: Option<String>,
    email_refused: Option<String>,
}

/// What a renewed appointment takes over.
type Taken = (String, String, String, NaiveDate, i64, String, Option<String>, Option<NaiveDate>, Option<String>);

impl Store {
    /// Acts of these kinds by hand, latest first, of those before an entry; their hashes are left out.
    pub fn acts_before(&mut self, entry: i64, kinds: &[&str], limit: i64) -> Result<Vec<Entry>> {
        let rows: Vec<(i64, String, String, String)> = ledger_entry::of(&self.scope)
            .filter(ledger_entry::run_id.is_null().and(ledger_entry::kind.eq_any(kinds)))
            .filter(ledger_entry::seq.lt(entry))
            .order(ledger_entry::seq.desc())
            .limit(limit)
            .select((ledger_entry::seq, ledger_entry::actor, ledger_entry::kind, ledger_entry::payload))
            .load(&mut self.conn)
            .context("reading what was done by hand")?;
        let entry = |(seq, actor, kind, payload)| {
            let (prev_hash, hash, run_id) = Default::default();
            Entry { seq, prev_hash, hash, run_id, actor, kind, payload }
        };
        Ok(rows.into_iter().map(entry).collect())
    }

    /// Keeps what an act changed about a person.
    pub fn remember_act(&mut self, entry: i64, holder: &HolderId, data: &str) -> Result<()> {
        act_memory::insert(&self.scope)
            .values((act_memory::entry.eq(entry), act_memory::holder_id.eq(&holder.0), act_memory::data.eq(data)))
            .execute(&mut self.conn)
            .context("keeping what an act changed")?;
        Ok(())
    }

    /// What an act changed about a person, if that was kept.
    pub fn remembered(&mut self, entry: i64) -> Result<Option<(HolderId, String)>> {
        let found: Option<(String, String)> = act_memory::of(&self.scope)
            .filter(act_memory::entry.eq(entry))
            .select((act_memory::holder_id, act_memory::data))
            .first(&mut self.conn)
            .optional()
            .context("reading what an act changed")?;
        Ok(found.map(|(holder, data)| (HolderId(holder), data)))
    }

    /// Whether an act after one changed the same about a person.
    pub fn is_changed_after(&mut self, entry: i64, holder: &HolderId, kinds: &[&str]) -> Result<bool> {
        let later: Vec<i64> = act_memory::of(&self.scope)
            .filter(act_memory::holder_id.eq(&holder.0).and(act_memory::entry.gt(entry)))
            .select(act_memory::entry)
            .load(&mut self.conn)?;
        let of_kind =
            ledger_entry::of(&self.scope).filter(ledger_entry::seq.eq_any(later).and(ledger_entry::kind.eq_any(kinds)));
        diesel::select(diesel::dsl::exists(of_kind))
            .get_result(&mut self.conn)
            .context("looking for later acts about a person")
    }

    /// The address that an agent has set for a holder.
    pub fn email_as_set(&mut self, id: &HolderId) -> Result<SetEmail> {
        let (email_set, email_set_over, email_refused) = holder::of(&self.scope)
            .filter(holder::holder_id.eq(&id.0))
            .select((holder::email_set, holder::email_set_over, holder::email_refused))
            .first(&mut self.conn)
            .context("reading the address of a holder")?;
        Ok(SetEmail { email_set, email_set_over, email_refused })
    }

    /// Puts it back as it was.
    pub fn put_email_back(&mut self, id: &HolderId, was: &SetEmail) -> Result<()> {
        diesel::update(holder::of(&self.scope).filter(holder::holder_id.eq(&id.0)))
            .set((
                holder::email_set.eq(&was.email_set),
                holder::email_set_over.eq(&was.email_set_over),
                holder::email_refused.eq(&was.email_refused),
            ))
            .execute(&mut self.conn)
            .context("putting an address back")?;
        self.data_changed()
    }

    /// Whether a holder was given another appointment after the one with this reference.
    pub fn is_convoked_since(&mut self, holder: &HolderId, reference: &str) -> Result<bool> {
        let (year, number): (i64, i64) = convocation::of(&self.scope)
            .filter(convocation::reference.eq(reference))
            .select((convocation::year, convocation::number))
            .first(&mut self.conn)
            .context("reading an appointment")?;
        let same_year = convocation::year.eq(year).and(convocation::number.gt(number));
        let later = convocation::of(&self.scope)
            .filter(convocation::holder_id.eq(&holder.0))
            .filter(convocation::year.gt(year).or(same_year));
        diesel::select(diesel::dsl::exists(later))
            .get_result(&mut self.conn)
            .context("looking for later appointments of a person")
    }

    /// The appointment that replaced one, if one did.
    pub fn successor(&mut self, reference: &str) -> Result<Option<String>> {
        convocation::of(&self.scope)
            .filter(convocation::replaces.eq(reference))
            .order(convocation::created_at.desc())
            .select(convocation::reference)
            .first(&mut self.conn)
            .optional()
            .context("looking for what replaced an appointment")
    }

    /// The live appointment that took the place of an ended one on the same seat.
    pub fn successor_on_its_seat(&mut self, reference: &str) -> Result<Option<String>> {
        let Some(ended) = self.convocation(reference)? else { return Ok(None) };
        convocation::of(&self.scope)
            .filter(convocation::replaces.eq(reference))
            .filter(convocation::slot_id.eq(ended.slot_id.to_string()))
            .filter(convocation::state.eq(State::Convoked.code()))
            .select(convocation::reference)
            .first(&mut self.conn)
            .optional()
            .context("looking for an appointment that was restored")
    }

    /// Makes an appointment that kept its seat live again: a new one that names it takes the seat over.
    pub fn renew_convocation(
        &mut self,
        ended: &Reference,
        year_of: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<Reference> {
        let year = i64::from(year_of.year());
        let last: Option<i64> = convocation::of(&self.scope)
            .filter(convocation::year.eq(year))
            .order(convocation::number.desc())
            .select(convocation::number)
            .first(&mut self.conn)
            .optional()?;
        let number = last.unwrap_or(0) + 1;
        let reference = Reference::new(self.scope.code(), year_of.year(), number);
        let taken: Taken = convocation::of(&self.scope)
            .filter(convocation::reference.eq(ended.as_str()))
            .select((
                convocation::permit_id,
                convocation::holder_id,
                convocation::slot_id,
                convocation::day,
                convocation::sequence,
                convocation::origin,
                convocation::run_id,
                convocation::made_expires_on,
                convocation::made_rule,
            ))
            .first(&mut self.conn)
            .context("reading an appointment to be restored")?;
        let (permit_id, holder_id, slot_id, day, sequence, origin, run_id, made_expires_on, made_rule) = taken;
        let row = (
            (
                convocation::reference.eq(reference.as_str()),
                convocation::year.eq(year),
                convocation::number.eq(number),
                convocation::permit_id.eq(permit_id),
                convocation::holder_id.eq(holder_id),
                convocation::slot_id.eq(slot_id),
                convocation::day.eq(day),
                convocation::state.eq(State::Convoked.code()),
            ),
            (
                convocation::sequence.eq(sequence),
                convocation::origin.eq(origin),
                convocation::run_id.eq(run_id),
                convocation::created_at.eq(now.naive_utc()),
                convocation::replaces.eq(ended.as_str()),
                convocation::moved_by.eq("office"),
                convocation::made_expires_on.eq(made_expires_on),
                convocation::made_rule.eq(made_rule),
            ),
        );
        let row = convocation::insert(&self.scope).values(row);
        on_backend!(&mut self.conn, c => row.execute(c)).context("restoring an appointment")?;
        let moved = diesel::update(reservation::of(&self.scope).filter(reservation::reference.eq(ended.as_str())))
            .set(reservation::reference.eq(reference.as_str()))
            .execute(&mut self.conn)
            .context("giving a seat back")?;
        ensure!(moved == 1, "appointment {ended} has no seat any more");
        Ok(reference)
    }

    /// Opens a request again that a person had ended. `false` if it was not in that state.
    pub fn open_request_again(&mut self, id: &str, from: RequestState) -> Result<bool> {
        let changed = diesel::update(request::of(&self.scope).filter(request::request_id.eq(id)))
            .filter(request::state.eq(from.code()))
            .set((
                request::state.eq(RequestState::Open.code()),
                request::decided_at.eq(None::<chrono::NaiveDateTime>),
                request::decided_by.eq(None::<String>),
            ))
            .execute(&mut self.conn)
            .context("opening a request again")?;
        Ok(changed == 1)
    }

    /// The letters that a post batch took and that have not come back.
    pub fn posted_in(&mut self, batch: &str) -> Result<Vec<LetterRow>> {
        outbox::of(&self.scope)
            .filter(outbox::post_batch.eq(batch).and(outbox::state.eq(LetterState::Posted.code())))
            .order(outbox::letter_id)
            .select(LetterColumns::as_select())
            .load(&mut self.conn)
            .rows("reading the letters of a batch")
    }
}
