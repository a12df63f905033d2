//! What happened between two days, for published figures.

use std::collections::HashMap;

use anyhow::{Context, Result};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::count_star;
use diesel::prelude::*;

use super::Store;
use super::row::{Column, Rows, Unreadable, Word, row};
use super::scope::{checkpoint, convocation, joined, past_verdict, permit, reservation, slot};
use convoke_domain::convocation::{Origin, State};
use convoke_domain::eligibility::Rule;
use convoke_domain::ending::{Appointed, AtDesk, Expired};
use convoke_domain::permit::{PermitKind, Status};

row! {
    /// A permit, with what its outcome is judged by.
    pub(super) struct Judged,
    #[derive(Queryable, Selectable)]
    struct JudgedColumns of permit by permit_id {
        permit_id: String,
        kind: PermitKind as Word<PermitKind>,
        expires_on: NaiveDate,
        status: Status as Word<Status>,
        filed_on: Option<NaiveDate>,
        superseded: bool,
        rule: Option<Rule> as Option<Word<Rule>>,
        rule_since: Option<NaiveDate>,
    }
}

fn word<T>(table: &'static str, column: &'static str, key: &str, word: Word<T>) -> Result<T, Unreadable> {
    word.read().map_err(|found| Unreadable::new(table, column, &key, found))
}

impl Store {
    /// Seats offered between two days, both included.
    pub fn seats_between(&mut self, from: NaiveDate, to: NaiveDate) -> Result<Vec<(AtDesk, u64)>> {
        use diesel::sql_types::BigInt;
        let seats = diesel::dsl::sql::<diesel::sql_types::Nullable<BigInt>>("CAST(SUM(seats) AS BIGINT)");
        let rows: Vec<(String, String, NaiveDate, Option<i64>)> = slot::of(&self.scope)
            .filter(slot::day.ge(from).and(slot::day.le(to)))
            .group_by((slot::site, slot::desk, slot::day))
            .select((slot::site, slot::desk, slot::day, seats))
            .load(&mut self.conn)
            .context("adding up seats")?;
        Ok(rows.into_iter().map(|(site, desk, day, n)| ((site, desk, day), n.unwrap_or(0) as u64)).collect())
    }

    /// Seats taken between two days, both included.
    pub fn taken_between(&mut self, from: NaiveDate, to: NaiveDate) -> Result<Vec<(AtDesk, u64)>> {
        let rows: Vec<(String, String, NaiveDate, i64)> = reservation::of(&self.scope)
            .inner_join(joined!(slot, reservation, slot_id))
            .filter(slot::day.ge(from).and(slot::day.le(to)))
            .group_by((slot::site, slot::desk, slot::day))
            .select((slot::site, slot::desk, slot::day, count_star()))
            .load(&mut self.conn)
            .context("adding up seats that are taken")?;
        Ok(rows.into_iter().map(|(site, desk, day, n)| ((site, desk, day), n as u64)).collect())
    }

    /// Appointments between two days, by outcome.
    pub fn appointments_between(&mut self, from: NaiveDate, to: NaiveDate) -> Result<Vec<(AtDesk, State, u64)>> {
        let rows: Vec<(String, String, NaiveDate, Word<State>, i64)> = convocation::of(&self.scope)
            .inner_join(joined!(slot, convocation, slot_id))
            .filter(convocation::day.ge(from).and(convocation::day.le(to)))
            .group_by((slot::site, slot::desk, convocation::day, convocation::state))
            .select((slot::site, slot::desk, convocation::day, convocation::state, count_star()))
            .load(&mut self.conn)
            .context("counting appointments")?;
        rows.into_iter()
            .map(|(site, desk, day, state, n)| {
                Ok(((site, desk, day), word("convocation", "state", "a day", state)?, n as u64))
            })
            .collect()
    }

    /// Convocations made between two instants, the second excluded, without those made elsewhere, moved or cancelled:
    /// desk, when, for which day.
    pub fn convoked_between(
        &mut self,
        from: NaiveDateTime,
        until: NaiveDateTime,
    ) -> Result<Vec<(String, NaiveDateTime, NaiveDate)>> {
        convocation::of(&self.scope)
            .inner_join(joined!(slot, convocation, slot_id))
            .filter(convocation::created_at.ge(from).and(convocation::created_at.lt(until)))
            .filter(convocation::origin.ne(Origin::Elsewhere.code()))
            .filter(diesel::dsl::not(convocation::state.eq_any([State::Moved, State::Cancelled].map(State::code))))
            .select((slot::desk, convocation::created_at, convocation::day))
            .load(&mut self.conn)
            .context("reading how long people waited")
    }

    /// Permits that expired between two days, with all that shows their outcome.
    pub fn expired_between(&mut self, from: NaiveDate, to: NaiveDate) -> Result<Vec<Expired>> {
        let within = permit::expires_on.ge(from).and(permit::expires_on.le(to));
        let permits = permit::of(&self.scope)
            .filter(within)
            .order((permit::expires_on, permit::permit_id))
            .select(JudgedColumns::as_select())
            .load(&mut self.conn)
            .rows("reading the permits that expired")?;
        let mut convocations: HashMap<String, Vec<Appointed>> = HashMap::new();
        let made: Vec<(String, NaiveDate, Word<State>)> = convocation::of(&self.scope)
            .inner_join(joined!(permit, convocation, permit_id))
            .filter(within)
            .select((convocation::permit_id, convocation::day, convocation::state))
            .load(&mut self.conn)
            .context("reading their convocations")?;
        for (id, day, state) in made {
            let state = word("convocation", "state", &id, state)?;
            convocations.entry(id).or_default().push(Appointed { day, state });
        }
        let mut past: HashMap<String, Rule> = HashMap::new();
        let verdicts: Vec<(String, Word<Rule>, NaiveDate, NaiveDate, NaiveDate)> = past_verdict::of(&self.scope)
            .inner_join(joined!(permit, past_verdict, permit_id))
            .filter(within)
            .order((past_verdict::permit_id, past_verdict::since))
            .select((
                past_verdict::permit_id,
                past_verdict::rule,
                past_verdict::since,
                past_verdict::until,
                permit::expires_on,
            ))
            .load(&mut self.conn)
            .context("reading their verdicts")?;
        for (id, rule, since, until, expires_on) in verdicts {
            if since <= expires_on && expires_on < until {
                let rule = word("past_verdict", "rule", &id, rule)?;
                past.insert(id, rule);
            }
        }
        let of = |p: Judged| Expired {
            // The verdict on its last day: the current one if it was already in place then.
            rule: past
                .remove(&p.permit_id)
                .or_else(|| p.rule.filter(|_| p.rule_since.is_some_and(|since| since <= p.expires_on))),
            convocations: convocations.remove(&p.permit_id).unwrap_or_default(),
            permit: p.permit_id,
            kind: p.kind,
            expires_on: p.expires_on,
            status: p.status,
            filed_on: p.filed_on,
            superseded: p.superseded,
        };
        Ok(permits.into_iter().map(of).collect())
    }

    /// The range of the ledger between the last checkpoint before each of two instants: consecutive periods share no
    /// entry. Empty if nothing was signed.
    pub fn ledger_of_days(&mut self, from: NaiveDateTime, until: NaiveDateTime) -> Result<(i64, i64)> {
        let mut size_before = |instant: NaiveDateTime| {
            checkpoint::of(&self.scope)
                .filter(checkpoint::sealed_at.lt(instant))
                .order(checkpoint::size.desc())
                .select(checkpoint::size)
                .first::<i64>(&mut self.conn)
                .optional()
        };
        Ok((size_before(from)?.unwrap_or(0), size_before(until)?.unwrap_or(0)))
    }
}
