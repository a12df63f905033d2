//! Erasure of personal data. What remains names nobody: references, days, seats, hashes, and a ledger whose commitments
//! can no longer be opened, because their key is gone.

use std::collections::HashSet;

use anyhow::{Context, Result};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::connection::SimpleConnection;
use diesel::dsl::{max, not};
use diesel::prelude::*;

use super::scope::{
    act_memory, avoided_day, bounce, concerned, convocation, delivery_attempt, holder, holder_alias, holder_key,
    holder_revision, household_link, joined, notice, outbox, past_verdict, permit, permit_revision, request,
};
use super::{Conn, KEYS_PER_QUERY, Store};
use convoke_domain::convocation::LetterState;
use convoke_domain::eligibility::Rule;
use convoke_domain::ids::{HolderId, hex, keyed_hash};
use convoke_domain::requests::RequestState;
use convoke_machine::confirm::Confirmed;

/// A letter's content after it was purged.
pub const PURGED: &str = "{}";

/// Verdicts with which the next run may convoke the holder, or has to mark an appointment: a plan may name them.
const OWED: [Rule; 7] = [
    Rule::Due,
    Rule::DueLate,
    Rule::DueOnline,
    Rule::NotYetDue,
    Rule::AlreadyConvoked,
    Rule::AwaitingMark,
    Rule::NoJurisdiction,
];

/// States in which nothing more happens to a letter.
fn over() -> Vec<&'static str> {
    use LetterState::{Accepted, Bounced, Cancelled, Expired, Failed, Posted, Returned};
    [Accepted, Bounced, Cancelled, Expired, Failed, Posted, Returned].map(LetterState::code).to_vec()
}

/// Why a person cannot be erased yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lives {
    /// A permit is in force.
    #[error("a permit is in force until {0}")]
    Permit(NaiveDate),
    /// The office owes the person something.
    #[error("the last run found the permit `{0}`")]
    Owed(String),
    /// An appointment is upcoming, or not yet marked.
    #[error("the appointment {0} is to come, or to be marked")]
    Convocation(String),
    /// A written request is open.
    #[error("the request {0} waits for an answer")]
    Request(String),
    /// A letter is on its way.
    #[error("the letter {0} is on its way")]
    Letter(String),
}

impl Store {
    /// Why a holder's data are still needed, if they are.
    pub fn lives(&mut self, id: &HolderId, today: NaiveDate) -> Result<Option<Lives>> {
        let last: Option<NaiveDate> = permit::of(&self.scope)
            .filter(permit::holder_id.eq(&id.0))
            .filter(permit::status.eq("actif").and(permit::absent.eq(false)))
            .select(max(permit::expires_on))
            .first(&mut self.conn)?;
        if let Some(day) = last.filter(|day| *day >= today) {
            return Ok(Some(Lives::Permit(day)));
        }
        let owed: Option<Option<String>> = permit::of(&self.scope)
            .filter(permit::holder_id.eq(&id.0))
            .filter(permit::rule.eq_any(OWED.map(Rule::code)))
            .select(permit::rule)
            .first(&mut self.conn)
            .optional()?;
        if let Some(rule) = owed.flatten() {
            return Ok(Some(Lives::Owed(rule)));
        }
        let live: Option<String> = convocation::of(&self.scope)
            .filter(convocation::holder_id.eq(&id.0))
            .filter(convocation::state.eq("convoked"))
            .select(convocation::reference)
            .first(&mut self.conn)
            .optional()?;
        if let Some(reference) = live {
            return Ok(Some(Lives::Convocation(reference)));
        }
        let waiting =
            self.requests_of(id)?.into_iter().find(|r| matches!(r.state, RequestState::Open | RequestState::Chosen));
        if let Some(request) = waiting {
            return Ok(Some(Lives::Request(request.request_id)));
        }
        let references = self.references_of(&[&id.0])?;
        let on_its_way: Option<String> = outbox::of(&self.scope)
            .filter(outbox::reference.eq_any(&references))
            .filter(not(outbox::state.eq_any(over())))
            .select(outbox::letter_id)
            .first(&mut self.conn)
            .optional()?;
        Ok(on_its_way.map(Lives::Letter))
    }

    /// References of convocations and notices of some holders.
    pub(super) fn references_of(&mut self, holders: &[&str]) -> Result<Vec<String>> {
        let mut references: Vec<String> = convocation::of(&self.scope)
            .filter(convocation::holder_id.eq_any(holders))
            .select(convocation::reference)
            .load(&mut self.conn)
            .context("reading the convocations of holders")?;
        let notices: Vec<String> = notice::of(&self.scope)
            .filter(notice::holder_id.eq_any(holders))
            .select(notice::reference)
            .load(&mut self.conn)
            .context("reading the notices of holders")?;
        references.extend(notices);
        Ok(references)
    }

    /// Holders with a letter on its way.
    pub fn holders_written_to(&mut self) -> Result<HashSet<String>> {
        let waits = outbox::of(&self.scope).filter(not(outbox::state.eq_any(over())));
        let convoked: Vec<String> = waits
            .clone()
            .inner_join(joined!(convocation, outbox, reference))
            .select(convocation::holder_id)
            .load(&mut self.conn)
            .context("looking for letters on their way")?;
        let noticed: Vec<String> = waits
            .inner_join(joined!(notice, outbox, reference))
            .select(notice::holder_id)
            .load(&mut self.conn)
            .context("looking for letters on their way")?;
        Ok(convoked.into_iter().chain(noticed).collect())
    }

    /// Holders whose last permit expired before a day and who have no upcoming appointment: id and number. All in one
    /// query: one per person takes a second for every thousand.
    pub fn holders_over(&mut self, before: NaiveDate) -> Result<Vec<(String, String)>> {
        let needed = permit::of(&self.scope)
            .filter(permit::expires_on.ge(before).or(permit::rule.eq_any(OWED.map(Rule::code))))
            .select(permit::holder_id);
        let live =
            convocation::of(&self.scope).filter(convocation::state.eq("convoked")).select(convocation::holder_id);
        let waiting =
            request::of(&self.scope).filter(request::state.eq_any(["open", "chosen"])).select(request::holder_id);
        holder::of(&self.scope)
            .filter(not(holder::holder_id.eq_any(needed)).and(not(holder::holder_id.eq_any(live))))
            .filter(not(holder::holder_id.eq_any(waiting)))
            .order(holder::holder_id)
            .select((holder::holder_id, holder::number))
            .load(&mut self.conn)
            .context("looking for holders whose data are no longer needed")
    }

    /// Those of some holders whose data are needed after all: something changed meanwhile.
    pub fn needed_again(&mut self, holders: &[&str], before: NaiveDate) -> Result<HashSet<String>> {
        let mut needed: Vec<String> = permit::of(&self.scope)
            .filter(permit::holder_id.eq_any(holders))
            .filter(permit::expires_on.ge(before).or(permit::rule.eq_any(OWED.map(Rule::code))))
            .select(permit::holder_id)
            .load(&mut self.conn)
            .context("looking at permits again")?;
        let live: Vec<String> = convocation::of(&self.scope)
            .filter(convocation::holder_id.eq_any(holders))
            .filter(convocation::state.eq("convoked"))
            .select(convocation::holder_id)
            .load(&mut self.conn)
            .context("looking at appointments again")?;
        let waiting: Vec<String> = request::of(&self.scope)
            .filter(request::holder_id.eq_any(holders))
            .filter(request::state.eq_any(["open", "chosen"]))
            .select(request::holder_id)
            .load(&mut self.conn)
            .context("looking at requests again")?;
        needed.extend(live.into_iter().chain(waiting));
        Ok(needed.into_iter().collect())
    }

    /// Erases holders, in the transaction of the ledger entry about it: rows, keys, letter contents, and server replies
    /// about their addresses.
    pub fn erase_holders(&mut self, holders: &[&str], _: &Confirmed) -> Result<()> {
        for batch in holders.chunks(KEYS_PER_QUERY / 10) {
            self.erase(batch)?;
        }
        self.forget_searches()?;
        self.data_changed()
    }

    fn erase(&mut self, holders: &[&str]) -> Result<()> {
        let references = self.references_of(holders)?;
        let letters: Vec<(String, Option<String>)> = outbox::of(&self.scope)
            .filter(outbox::reference.eq_any(&references))
            .select((outbox::letter_id, outbox::recipient))
            .load(&mut self.conn)?;
        let emails: Vec<(Option<String>, Option<String>)> = holder::of(&self.scope)
            .filter(holder::holder_id.eq_any(holders))
            .select((holder::email, holder::email_set))
            .load(&mut self.conn)?;
        let emails = emails.into_iter().flat_map(|(extract, by_hand)| [extract, by_hand.filter(|e| !e.is_empty())]);
        let ids: Vec<&str> = letters.iter().map(|(id, _)| id.as_str()).collect();
        self.silence(&ids)?;
        // Bounces not matched to a letter may still quote an address; there are few of them.
        let mut addresses: Vec<String> =
            emails.flatten().chain(letters.iter().filter_map(|(_, to)| to.clone())).collect();
        addresses.sort_unstable();
        addresses.dedup();
        let unclaimed: Vec<(String, Option<String>)> = bounce::of(&self.scope)
            .filter(bounce::letter_id.is_null())
            .filter(bounce::diagnostic.is_not_null())
            .select((bounce::sha256, bounce::diagnostic))
            .load(&mut self.conn)?;
        let quotes = |words: &Option<String>| {
            let words = words.as_deref().unwrap_or_default().to_lowercase();
            addresses.iter().any(|address| words.contains(&address.to_lowercase()))
        };
        let quoting: Vec<String> =
            unclaimed.into_iter().filter(|(_, words)| quotes(words)).map(|(sum, _)| sum).collect();
        diesel::update(bounce::of(&self.scope).filter(bounce::sha256.eq_any(quoting)))
            .set(bounce::diagnostic.eq(None::<String>))
            .execute(&mut self.conn)?;
        self.forget_whose(holders)?;
        let permits: Vec<String> = permit::of(&self.scope)
            .filter(permit::holder_id.eq_any(holders))
            .select(permit::permit_id)
            .load(&mut self.conn)?;
        self.forget_words(holders)?;
        // Tables that reference others first.
        macro_rules! delete {
            ($table:ident, $column:ident, $ids:expr) => {
                diesel::delete($table::of(&self.scope).filter($table::$column.eq_any($ids)))
                    .execute(&mut self.conn)
                    .context(concat!("erasing from ", stringify!($table)))?
            };
        }
        delete!(past_verdict, permit_id, &permits);
        delete!(permit, permit_id, &permits);
        delete!(household_link, holder_id, holders);
        delete!(avoided_day, holder_id, holders);
        delete!(concerned, holder_id, holders);
        delete!(act_memory, holder_id, holders);
        delete!(permit_revision, holder_id, holders);
        delete!(holder_revision, holder_id, holders);
        delete!(request, holder_id, holders);
        // Numbers that were corrected made ids of their own.
        let aliases: Vec<String> = holder_alias::of(&self.scope)
            .filter(holder_alias::holder_id.eq_any(holders))
            .select(holder_alias::alias_id)
            .load(&mut self.conn)?;
        delete!(holder_key, holder_id, &aliases);
        delete!(holder_alias, alias_id, &aliases);
        delete!(holder_key, holder_id, holders);
        delete!(holder, holder_id, holders);
        Ok(())
    }

    /// Anonymises appointments and notices, which stay: their ids are replaced by hashes under the key that is about to
    /// be deleted.
    fn forget_whose(&mut self, holders: &[&str]) -> Result<()> {
        let keys: Vec<(String, String)> = holder_key::of(&self.scope)
            .filter(holder_key::holder_id.eq_any(holders))
            .select((holder_key::holder_id, holder_key::key))
            .load(&mut self.conn)?;
        for (id, key) in keys {
            let hidden = |what: &str| format!("erased/{}", &hex(&keyed_hash(key.as_bytes(), &[what.as_bytes()]))[..16]);
            let convoked: Vec<(String, String)> = convocation::of(&self.scope)
                .filter(convocation::holder_id.eq(&id))
                .select((convocation::reference, convocation::permit_id))
                .load(&mut self.conn)?;
            for (reference, permit_id) in convoked {
                diesel::update(convocation::of(&self.scope).filter(convocation::reference.eq(reference)))
                    .set((convocation::holder_id.eq(hidden(&id)), convocation::permit_id.eq(hidden(&permit_id))))
                    .execute(&mut self.conn)?;
            }
            let noticed: Vec<(String, String)> = notice::of(&self.scope)
                .filter(notice::holder_id.eq(&id))
                .select((notice::reference, notice::permit_id))
                .load(&mut self.conn)?;
            for (reference, permit_id) in noticed {
                diesel::update(notice::of(&self.scope).filter(notice::reference.eq(reference)))
                    .set((notice::holder_id.eq(hidden(&id)), notice::permit_id.eq(hidden(&permit_id))))
                    .execute(&mut self.conn)?;
            }
        }
        Ok(())
    }

    /// Removes content and recipient from letters; the record that they were written, sent and accepted stays.
    fn silence(&mut self, letters: &[&str]) -> Result<()> {
        for batch in letters.chunks(KEYS_PER_QUERY) {
            diesel::update(outbox::of(&self.scope).filter(outbox::letter_id.eq_any(batch)))
                .set((
                    outbox::data.eq(PURGED),
                    outbox::recipient.eq(None::<String>),
                    // It may say that the holder has died.
                    outbox::remark.eq(None::<String>),
                    outbox::last_reply.eq(None::<String>),
                ))
                .execute(&mut self.conn)
                .context("emptying letters")?;
            diesel::update(delivery_attempt::of(&self.scope).filter(delivery_attempt::letter_id.eq_any(batch)))
                .set(delivery_attempt::reply.eq(None::<String>))
                .execute(&mut self.conn)
                .context("emptying attempts")?;
            diesel::update(bounce::of(&self.scope).filter(bounce::letter_id.eq_any(batch)))
                .set(bounce::diagnostic.eq(None::<String>))
                .execute(&mut self.conn)
                .context("emptying bounces")?;
        }
        Ok(())
    }

    /// Finished letters written before an instant that still have content, by id, after one.
    pub fn letters_over(&mut self, before: NaiveDateTime, after: &str, limit: i64) -> Result<Vec<String>> {
        outbox::of(&self.scope)
            .filter(outbox::letter_id.gt(after).and(outbox::created_at.lt(before)))
            .filter(outbox::state.eq_any(over()).and(outbox::data.ne(PURGED)))
            .order(outbox::letter_id)
            .limit(limit)
            .select(outbox::letter_id)
            .load(&mut self.conn)
            .context("looking for letters that are over")
    }

    /// Removes the content of letters, in the transaction of the ledger entry about it.
    pub fn silence_letters(&mut self, letters: &[String], _: &Confirmed) -> Result<()> {
        let ids: Vec<&str> = letters.iter().map(String::as_str).collect();
        self.silence(&ids)
    }

    /// Makes SQLite overwrite whatever is deleted from now on. On PostgreSQL this does nothing.
    pub fn delete_for_good(&mut self) -> Result<()> {
        if let Conn::Sqlite(_) = self.conn {
            self.execute("PRAGMA secure_delete = ON").context("asking for deletion for good")?;
        }
        Ok(())
    }

    /// Removes traces of deleted data from the database files: free pages and the write-ahead log. `false` if another
    /// process still uses old pages: call it again then.
    pub fn compact(&mut self) -> Result<bool> {
        #[derive(QueryableByName)]
        struct Checkpointed {
            #[diesel(sql_type = diesel::sql_types::Integer)]
            busy: i32,
        }
        let Conn::Sqlite(c) = &mut self.conn else {
            self.execute("VACUUM").context("compacting the database")?;
            return Ok(true);
        };
        let cut = |c: &mut SqliteConnection| -> Result<bool> {
            let end: Checkpointed = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(c)?;
            Ok(end.busy == 0)
        };
        if !cut(c)? {
            return Ok(false);
        }
        c.batch_execute("VACUUM").context("compacting the database")?;
        cut(c)
    }
}
