//! What happened between two days, for published figures.

use std::collections::HashMap;

use anyhow::{Context, Result};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::count_star;
use diesel::prelude::*;

use super::Store;
use super::scope::{checkpoint, convocation, joined, past_verdict, permit, reservation, slot};
use convoke_domain::convocation::Origin;
use convoke_domain::ending::{Appointed, AtDesk, Expired};

/// A permit, with what its outcome is judged by.
type Row = (String, String, NaiveDate, String, Option<NaiveDate>, bool, Option<String>, Option<NaiveDate>);

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
    pub fn appointments_between(&mut self, from: NaiveDate, to: NaiveDate) -> Result<Vec<(AtDesk, String, u64)>> {
        let rows: Vec<(String, String, NaiveDate, String, i64)> = convocation::of(&self.scope)
            .inner_join(joined!(slot, convocation, slot_id))
            .filter(convocation::day.ge(from).and(convocation::day.le(to)))
            .group_by((slot::site, slot::desk, convocation::day, convocation::state))
            .select((slot::site, slot::desk, convocation::day, convocation::state, count_star()))
            .load(&mut self.conn)
            .context("counting appointments")?;
        Ok(rows.into_iter().map(|(site, desk, day, state, n)| ((site, desk, day), state, n as u64)).collect())
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
            .filter(diesel::dsl::not(convocation::state.eq_any(["moved", "cancelled"])))
            .select((slot::desk, convocation::created_at, convocation::day))
            .load(&mut self.conn)
            .context("reading how long people waited")
    }

    /// Permits that expired between two days, with all that shows their outcome.
    pub fn expired_between(&mut self, from: NaiveDate, to: NaiveDate) -> Result<Vec<Expired>> {
        let within = permit::expires_on.ge(from).and(permit::expires_on.le(to));
        let rows: Vec<Row> = permit::of(&self.scope)
            .filter(within)
            .order((permit::expires_on, permit::permit_id))
            .select((
                permit::permit_id,
                permit::kind,
                permit::expires_on,
                permit::status,
                permit::filed_on,
                permit::superseded,
                permit::rule,
                permit::rule_since,
            ))
            .load(&mut self.conn)
            .context("reading the permits that expired")?;
        let mut convocations: HashMap<String, Vec<Appointed>> = HashMap::new();
        let made: Vec<(String, NaiveDate, String)> = convocation::of(&self.scope)
            .inner_join(joined!(permit, convocation, permit_id))
            .filter(within)
            .select((convocation::permit_id, convocation::day, convocation::state))
            .load(&mut self.conn)
            .context("reading their convocations")?;
        for (id, day, state) in made {
            convocations.entry(id).or_default().push(Appointed { day, state });
        }
        let mut past: HashMap<String, String> = HashMap::new();
        let verdicts: Vec<(String, String, NaiveDate, NaiveDate, NaiveDate)> = past_verdict::of(&self.scope)
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
                past.insert(id, rule);
            }
        }
        let of = |(id, kind, expires_on, status, filed_on, superseded, rule, since): Row| Expired {
            // The verdict on its last day: the current one if it was already in place then.
            rule: past.remove(&id).or_else(|| rule.filter(|_| since.is_some_and(|since| since <= expires_on))),
            convocations: convocations.remove(&id).unwrap_or_default(),
            permit: id,
            kind,
            expires_on,
            status,
            filed_on,
            superseded,
        };
        Ok(rows.into_iter().map(of).collect())
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
