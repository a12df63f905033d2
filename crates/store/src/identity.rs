//! One person under two foreigner numbers: the register has corrected one.

use anyhow::{Context, Result};
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::scope::{
    avoided_day, concerned, convocation, holder, holder_alias, household_link, notice, permit, request,
};
use super::{Store, on_backend};
use convoke_domain::convocation::State;
use convoke_domain::ids::HolderId;
use convoke_domain::requests::RequestState;

/// Why two holders cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Clash {
    /// Each has an appointment to come.
    #[error(
        "both numbers have an appointment that is to come or not marked: mark or cancel one first \
         (`convoke convocation cancel`)"
    )]
    TwoAppointments,
    /// Each has an open request.
    #[error("both numbers have an open request: decide one of them first (`convoke requests decide`)")]
    TwoRequests,
}

/// What became of a corrected number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renumbered {
    /// Permits that were under the new number.
    pub permits: u64,
    /// Whether somebody was known under it.
    pub was_known: bool,
}

/// A row whose permit is stored under another holder.
#[derive(Debug, QueryableByName)]
pub struct OtherHolder {
    /// Row of the file.
    #[diesel(sql_type = BigInt)]
    pub row_no: i64,
    /// Its permit.
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub permit_number: String,
    /// The foreigner number of the row.
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub holder_number: String,
    /// The foreigner number under which the permit is stored.
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub known_number: String,
    /// Whether somebody is stored under the number of the row.
    #[diesel(sql_type = diesel::sql_types::Bool)]
    pub is_known: bool,
}

impl Store {
    /// Gives rows whose foreigner number was corrected to the holder whom it means.
    pub fn stage_aliases(&mut self) -> Result<()> {
        let p = self.scope.code().to_owned();
        if self.count(&format!("FROM holder_alias WHERE prefecture = '{p}'"))? == 0 {
            return Ok(());
        }
        self.execute(&format!(
            "UPDATE staged_permit SET holder_id = (SELECT a.holder_id FROM holder_alias a
                WHERE a.prefecture = '{p}' AND a.alias_id = staged_permit.holder_id)
             WHERE holder_id IN (SELECT alias_id FROM holder_alias WHERE prefecture = '{p}');
             UPDATE staged_permit SET takes_holder = FALSE
             WHERE takes_holder AND holder_id IN (SELECT holder_id FROM holder_alias WHERE prefecture = '{p}')
               AND row_no > (SELECT min(t.row_no) FROM staged_permit t
                  WHERE t.holder_id = staged_permit.holder_id AND t.takes_holder);"
        ))
        .context("following corrected numbers")
    }

    /// Rows whose permit is stored under another holder.
    pub fn staged_under_another_holder(&mut self) -> Result<Vec<OtherHolder>> {
        let sql = format!(
            "SELECT s.row_no, s.permit_number, s.holder_number, h.number AS known_number,
                o.holder_id IS NOT NULL AS is_known
             FROM staged_permit s JOIN permit p ON p.prefecture = '{0}' AND p.permit_id = s.permit_id
             JOIN holder h ON h.prefecture = '{0}' AND h.holder_id = p.holder_id
             LEFT JOIN holder o ON o.prefecture = '{0}' AND o.holder_id = s.holder_id
             WHERE p.holder_id <> s.holder_id ORDER BY s.row_no",
            self.scope.code()
        );
        Ok(on_backend!(&mut self.conn, c => diesel::sql_query(sql).load(c))?)
    }

    /// The holder whom an id means: another if their number was corrected.
    pub fn holder_meant(&mut self, id: HolderId) -> Result<HolderId> {
        let known: Option<String> = holder_alias::of(&self.scope)
            .filter(holder_alias::alias_id.eq(&id.0))
            .select(holder_alias::holder_id)
            .first(&mut self.conn)
            .optional()
            .context("looking for a corrected number")?;
        Ok(known.map_or(id, HolderId))
    }

    /// Gives a holder another number; whoever is known under it is the same person from now on, and so is the id that
    /// the number makes. Appointments, letters and the ledger stay with the holder.
    pub fn renumber(&mut self, who: &HolderId, number: &str, made: &HolderId) -> Result<Result<Renumbered, Clash>> {
        let other: Option<String> = holder::of(&self.scope)
            .filter(holder::number.eq(number))
            .select(holder::holder_id)
            .first(&mut self.conn)
            .optional()
            .context("looking for a number")?;
        let other = other.filter(|other| *other != who.0);
        let mut permits = 0;
        if let Some(other) = &other {
            if let Some(clash) = self.clash(&who.0, other)? {
                return Ok(Err(clash));
            }
            permits = self.take_over(&who.0, other)?;
        }
        diesel::update(holder::of(&self.scope).filter(holder::holder_id.eq(&who.0)))
            // The next extract says the rest.
            .set((holder::number.eq(number), holder::fingerprint.eq(0)))
            .execute(&mut self.conn)
            .context("giving a holder another number")?;
        diesel::delete(holder_alias::of(&self.scope).filter(holder_alias::alias_id.eq(&made.0)))
            .execute(&mut self.conn)?;
        if made != who {
            holder_alias::insert(&self.scope)
                .values((holder_alias::alias_id.eq(&made.0), holder_alias::holder_id.eq(&who.0)))
                .execute(&mut self.conn)
                .context("noting a corrected number")?;
        }
        self.rank_permits(Some(&who.0))?;
        self.data_changed()?;
        Ok(Ok(Renumbered { permits, was_known: other.is_some() }))
    }

    fn clash(&mut self, who: &str, other: &str) -> Result<Option<Clash>> {
        let both = [who, other];
        let live: i64 = convocation::of(&self.scope)
            .filter(convocation::holder_id.eq_any(both).and(convocation::state.eq(State::Convoked.code())))
            .count()
            .get_result(&mut self.conn)?;
        let open = [RequestState::Open.code(), RequestState::Chosen.code()];
        let asked: i64 = request::of(&self.scope)
            .filter(request::holder_id.eq_any(both).and(request::state.eq_any(open)))
            .count()
            .get_result(&mut self.conn)?;
        Ok(match (live, asked) {
            (2.., _) => Some(Clash::TwoAppointments),
            (_, 2..) => Some(Clash::TwoRequests),
            _ => None,
        })
    }

    /// Gives everything of `other` to `who`, and forgets `other`. Returns how many permits there were.
    fn take_over(&mut self, who: &str, other: &str) -> Result<u64> {
        self.forget_words(&[other])?;
        let review = NaiveDate::from_ymd_opt(1, 1, 1).context("a date")?;
        let permits = diesel::update(permit::of(&self.scope).filter(permit::holder_id.eq(other)))
            .set((permit::holder_id.eq(who), permit::review_on.eq(review)))
            .execute(&mut self.conn)
            .context("giving a holder the permits of another number")?;
        macro_rules! give {
            ($($table:ident)+) => { $(
                diesel::update($table::of(&self.scope).filter($table::holder_id.eq(other)))
                    .set($table::holder_id.eq(who))
                    .execute(&mut self.conn)
                    .context(concat!("giving a holder what is in ", stringify!($table)))?;
            )+ };
        }
        give!(convocation notice request);
        // Where both have the same entry or day, one is enough.
        let known: Vec<i64> = concerned::of(&self.scope)
            .filter(concerned::holder_id.eq(who))
            .select(concerned::seq)
            .load(&mut self.conn)?;
        diesel::delete(
            concerned::of(&self.scope).filter(concerned::holder_id.eq(other).and(concerned::seq.eq_any(known))),
        )
        .execute(&mut self.conn)?;
        let days: Vec<NaiveDate> = avoided_day::of(&self.scope)
            .filter(avoided_day::holder_id.eq(who))
            .select(avoided_day::first_day)
            .load(&mut self.conn)?;
        diesel::delete(
            avoided_day::of(&self.scope)
                .filter(avoided_day::holder_id.eq(other).and(avoided_day::first_day.eq_any(days))),
        )
        .execute(&mut self.conn)?;
        give!(concerned avoided_day);
        let linked: i64 = household_link::of(&self.scope)
            .filter(household_link::holder_id.eq(who))
            .count()
            .get_result(&mut self.conn)?;
        if linked == 0 {
            give!(household_link);
        }
        diesel::delete(household_link::of(&self.scope).filter(household_link::holder_id.eq(other)))
            .execute(&mut self.conn)?;
        // What agents and relays said of an address, where nothing is known of the other's.
        let said: (Option<String>, Option<String>, Option<String>) = holder::of(&self.scope)
            .filter(holder::holder_id.eq(other))
            .select((holder::email_set, holder::email_set_over, holder::email_refused))
            .first(&mut self.conn)?;
        let nothing = holder::email_set.is_null().and(holder::email_refused.is_null());
        diesel::update(holder::of(&self.scope).filter(holder::holder_id.eq(who)).filter(nothing))
            .set((holder::email_set.eq(said.0), holder::email_set_over.eq(said.1), holder::email_refused.eq(said.2)))
            .execute(&mut self.conn)?;
        // Whatever number meant the other means this one.
        diesel::update(holder_alias::of(&self.scope).filter(holder_alias::holder_id.eq(other)))
            .set(holder_alias::holder_id.eq(who))
            .execute(&mut self.conn)?;
        holder_alias::insert(&self.scope)
            .values((holder_alias::alias_id.eq(other), holder_alias::holder_id.eq(who)))
            .execute(&mut self.conn)?;
        diesel::delete(holder::of(&self.scope).filter(holder::holder_id.eq(other)))
            .execute(&mut self.conn)
            .context("forgetting a number that is another's")?;
        Ok(permits as u64)
    }
}
