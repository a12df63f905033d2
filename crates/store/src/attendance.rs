//! Appointments by day, and attendance.

use std::collections::HashSet;

use anyhow::{Context, Result};
use chrono::NaiveDate;
use diesel::prelude::*;

use super::Store;
use super::row::{Columns, Rows, Word, row};
use super::scope::{convocation, followed, joined, later, later_convocations, permit, slot};
use convoke_domain::convocation::State;
use convoke_domain::follow::Suite;
use convoke_domain::permit::PermitKind;
use convoke_domain::slot::SlotId;

row! {
    /// An appointment whose seat is taken, now or in the past.
    #[derive(Clone, Debug)]
    pub struct TakenSeat,
    #[derive(Queryable)]
    struct TakenColumns of convocation by reference {
        /// Reference.
        pub reference: String,
        /// State.
        pub state: State as Word<State>,
        /// Where and when.
        pub slot: SlotId as Word<SlotId>,
        /// Holder.
        pub holder_id: String,
        /// Type of permit; `None` where the permit was erased.
        pub kind: Option<PermitKind> as Option<Word<PermitKind>>,
    }
}

row! {
    /// A past appointment with no attendance recorded.
    #[derive(Clone, Debug)]
    pub struct Unmarked,
    #[derive(Queryable)]
    struct UnmarkedColumns of convocation by reference {
        /// Reference.
        pub reference: String,
        /// Where and when.
        pub slot: SlotId as Word<SlotId>,
    }
}

impl Store {
    /// Appointments of a day whose seats are taken, by site, desk and hour.
    pub fn appointed_on(&mut self, day: NaiveDate) -> Result<Vec<TakenSeat>> {
        let freed: Vec<&str> = State::ALL.iter().filter(|s| s.frees_seat()).map(|s| s.code()).collect();
        convocation::of(&self.scope)
            .inner_join(joined!(slot, convocation, slot_id))
            .left_join(joined!(permit, convocation, permit_id))
            // Filter by the slot's day, which is indexed.
            .filter(slot::day.eq(day))
            .filter(diesel::dsl::not(convocation::state.eq_any(freed)))
            .order((slot::site, slot::desk, slot::start, convocation::reference))
            .select((
                convocation::reference,
                convocation::state,
                convocation::slot_id,
                convocation::holder_id,
                permit::kind.nullable(),
            ))
            .load::<TakenColumns>(&mut self.conn)
            .rows("reading who is to come on a day")
    }

    /// Appointments of a day that a night released, each with why, by site, desk and hour.
    pub fn released_on(&mut self, day: NaiveDate) -> Result<Vec<(TakenSeat, String)>> {
        let rows: Vec<(TakenColumns, String)> = convocation::of(&self.scope)
            .inner_join(joined!(slot, convocation, slot_id))
            .inner_join(joined!(followed, convocation, reference))
            .left_join(joined!(permit, convocation, permit_id))
            .filter(slot::day.eq(day).and(convocation::state.eq(State::Cancelled.code())))
            .filter(followed::consequence.eq_any([Suite::Released, Suite::Told].map(Suite::code)))
            .order((slot::site, slot::desk, slot::start, convocation::reference))
            .select((
                (
                    convocation::reference,
                    convocation::state,
                    convocation::slot_id,
                    convocation::holder_id,
                    permit::kind.nullable(),
                ),
                followed::cause,
            ))
            .load(&mut self.conn)
            .context("reading whose appointments were released")?;
        rows.into_iter().map(|(row, cause)| Ok((row.read()?, cause))).collect()
    }

    /// The next days with an appointment, from `first` on.
    pub fn days_with_appointments(&mut self, first: NaiveDate, at_most: i64) -> Result<Vec<NaiveDate>> {
        convocation::of(&self.scope)
            // As literal SQL: with a bound value the partial index is not used.
            .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("state = 'convoked'"))
            .filter(convocation::day.ge(first))
            .select(convocation::day)
            .distinct()
            .order(convocation::day)
            .limit(at_most)
            .load(&mut self.conn)
            .context("looking for the next days with appointments")
    }

    /// Appointments before `today` with no attendance recorded, oldest first.
    pub fn unmarked_before(&mut self, today: NaiveDate) -> Result<Vec<Unmarked>> {
        convocation::of(&self.scope)
            .inner_join(joined!(slot, convocation, slot_id))
            .filter(convocation::state.eq(State::Convoked.code()).and(convocation::day.lt(today)))
            .order((convocation::day, slot::site, slot::desk, slot::start, convocation::reference))
            .select((convocation::reference, convocation::slot_id))
            .load::<UnmarkedColumns>(&mut self.conn)
            .rows("reading the appointments that await a mark")
    }

    /// Number of appointments before `today` with no attendance recorded, by day and site, oldest first.
    pub fn unmarked_days(&mut self, today: NaiveDate) -> Result<Vec<(NaiveDate, String, i64)>> {
        convocation::of(&self.scope)
            .inner_join(joined!(slot, convocation, slot_id))
            // As literal SQL: with a bound value the partial index is not used.
            .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("convocation.state = 'convoked'"))
            .filter(convocation::day.lt(today))
            .group_by((convocation::day, slot::site))
            .order((convocation::day, slot::site))
            .select((convocation::day, slot::site, diesel::dsl::count_star()))
            .load(&mut self.conn)
            .context("counting the appointments that await a mark")
    }

    /// Permits whose last appointment was honoured, and whose outcome the extract does not show yet.
    pub fn honoured_permits(&mut self) -> Result<HashSet<String>> {
        let given_again = later_convocations()
            .filter(later(convocation::permit_id).eq(convocation::permit_id))
            .filter(later(convocation::created_at).gt(convocation::created_at));
        let permits: Vec<String> = convocation::of(&self.scope)
            .inner_join(joined!(permit, convocation, permit_id))
            // As literal SQL: with a bound value the partial index is not used.
            .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("convocation.state = 'honoured'"))
            .filter(permit::filed_on.is_null().and(permit::superseded.eq(false)))
            .filter(diesel::dsl::not(diesel::dsl::exists(given_again)))
            .select(convocation::permit_id)
            .load(&mut self.conn)
            .context("reading who came to an appointment")?;
        Ok(permits.into_iter().collect())
    }
}
