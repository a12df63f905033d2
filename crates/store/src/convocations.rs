//! Convocations and their seats.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use diesel::prelude::*;

use super::row::{Rows, Word, row};
use super::scope::{convocation, permit, reservation, slot};
use super::slots::{SlotColumns, named};
use super::{Store, insert_own};
use convoke_domain::agenda::Slot;
use convoke_domain::convocation::{Origin, State};
use convoke_domain::ids::{HolderId, PermitId, Reference, RunId};
use convoke_domain::slot::SlotId;

row! {
    /// A convocation that is still `convoked`.
    #[derive(Clone, Debug)]
    pub struct Live,
    #[derive(Queryable, Selectable)]
    struct LiveColumns of convocation by reference {
        /// Reference.
        pub reference: String,
        /// Holder.
        pub holder_id: String,
        /// Slot.
        pub slot_id: SlotId as Word<SlotId>,
        /// The run that created it.
        pub run_id: Option<String>,
    }
}

row! {
    /// A convocation in any state.
    #[derive(Clone, Debug)]
    pub struct ConvocationRow,
    #[derive(Queryable, Selectable)]
    struct ConvocationColumns of convocation by reference {
        /// Reference.
        pub reference: String,
        /// Permit.
        pub permit_id: String,
        /// Holder.
        pub holder_id: String,
        /// Slot.
        pub slot_id: SlotId as Word<SlotId>,
        /// State.
        pub state: State as Word<State>,
        /// SEQUENCE.
        pub sequence: i64,
        /// What made it.
        pub origin: Origin as Word<Origin>,
        /// The run that made it.
        pub run_id: Option<String>,
    }
}

/// A person to place on a slot.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Placement {
    /// Permit.
    pub permit_id: PermitId,
    /// Holder.
    pub holder_id: HolderId,
    /// Slot.
    pub slot_id: SlotId,
    /// What made it.
    pub origin: Origin,
}

#[derive(Insertable)]
#[diesel(table_name = convocation, treat_none_as_default_value = false)]
struct Row {
    prefecture: String,
    reference: String,
    year: i64,
    number: i64,
    permit_id: String,
    holder_id: String,
    slot_id: String,
    day: NaiveDate,
    state: &'static str,
    sequence: i64,
    origin: &'static str,
    run_id: Option<String>,
    created_at: chrono::NaiveDateTime,
    made_expires_on: Option<NaiveDate>,
    made_rule: Option<String>,
}

#[derive(Insertable)]
// In a single statement: otherwise diesel opens a nested transaction.
#[diesel(table_name = reservation, treat_none_as_default_value = false)]
struct Reserved {
    prefecture: String,
    slot_id: String,
    seat: i64,
    reference: String,
}

/// Why a convocation made elsewhere cannot be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElsewhereFault {
    /// The holder has a live convocation.
    AlreadyConvoked,
    /// The slot is full.
    Full,
}

impl Store {
    /// Every convocation that is still `convoked`, past or future.
    pub fn live_convocations(&mut self) -> Result<Vec<Live>> {
        convocation::of(&self.scope)
            .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("state = 'convoked'"))
            .select(LiveColumns::as_select())
            .load(&mut self.conn)
            .rows("reading live convocations")
    }

    /// One convocation.
    pub fn convocation(&mut self, reference: &str) -> Result<Option<ConvocationRow>> {
        convocation::of(&self.scope)
            .filter(convocation::reference.eq(reference))
            .select(ConvocationColumns::as_select())
            .first(&mut self.conn)
            .optional()
            .rows("reading a convocation")
    }

    /// Reserves a seat and creates a convocation for each person, in the caller's transaction. Returns a reference for
    /// each; `None` if the seat was taken, or the person convoked, since planning.
    pub fn reserve(
        &mut self,
        placements: &[Placement],
        run: Option<&RunId>,
        year_of: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<Vec<Option<(Reference, Slot)>>> {
        let p = self.scope.code().to_owned();
        let slot_ids: HashSet<String> = placements.iter().map(|f| f.slot_id.to_string()).collect();
        let holder_ids: HashSet<&str> = placements.iter().map(|f| f.holder_id.0.as_str()).collect();
        let mut slots = slot::of(&self.scope)
            .filter(slot::slot_id.eq_any(&slot_ids))
            .select(SlotColumns::as_select())
            .load(&mut self.conn)
            .rows("reading the slots of a plan")?;
        self.close_slots(&mut slots)?;
        let slots: HashMap<SlotId, Slot> = slots.into_iter().map(|s| (s.id.clone(), s)).collect();
        let mut taken: HashMap<SlotId, HashSet<i64>> = HashMap::new();
        let seats: Vec<(Word<SlotId>, i64)> = reservation::of(&self.scope)
            .filter(reservation::slot_id.eq_any(&slot_ids))
            .select((reservation::slot_id, reservation::seat))
            .load(&mut self.conn)?;
        for (slot, seat) in seats {
            taken.entry(named("reservation", slot)?).or_default().insert(seat);
        }
        let mut convoked: HashSet<String> = convocation::of(&self.scope)
            .filter(convocation::state.eq(State::Convoked.code()))
            .filter(convocation::holder_id.eq_any(&holder_ids))
            .select(convocation::holder_id)
            .load(&mut self.conn)?
            .into_iter()
            .collect();
        let permits: HashSet<&str> = placements.iter().map(|f| f.permit_id.0.as_str()).collect();
        let made_from: Vec<(String, NaiveDate, Option<String>)> = permit::of(&self.scope)
            .filter(permit::permit_id.eq_any(&permits))
            .select((permit::permit_id, permit::expires_on, permit::rule))
            .load(&mut self.conn)?;
        let made_from: HashMap<String, (NaiveDate, Option<String>)> =
            made_from.into_iter().map(|(id, expires_on, rule)| (id, (expires_on, rule))).collect();
        let year = year_of.year();
        let last: Option<i64> = convocation::of(&self.scope)
            .filter(convocation::year.eq(i64::from(year)))
            // Not max(): with outdated statistics, PostgreSQL reads the whole year for it.
            .order(convocation::number.desc())
            .select(convocation::number)
            .first(&mut self.conn)
            .optional()?;
        let mut number = last.unwrap_or(0);
        let (mut rows, mut seats, mut made) = (Vec::new(), Vec::new(), Vec::with_capacity(placements.len()));
        for f in placements {
            let free = slots.get(&f.slot_id).and_then(|slot| {
                let used = taken.entry(slot.id.clone()).or_default();
                let seats = i64::from(slot.seats);
                // Count seats as well as searching for a free number: after a reduction, numbers above the new total
                // may still be taken.
                let seat = (1..=seats).find(|seat| !used.contains(seat)).filter(|_| (used.len() as i64) < seats)?;
                Some((slot, seat))
            });
            let (Some((slot, seat)), false) = (free, convoked.contains(&f.holder_id.0)) else {
                made.push(None);
                continue;
            };
            number += 1;
            let reference = Reference::new(&p, year, number);
            taken.entry(slot.id.clone()).or_default().insert(seat);
            convoked.insert(f.holder_id.0.clone());
            let (made_expires_on, made_rule) = made_from.get(&f.permit_id.0).cloned().unzip();
            seats.push(Reserved {
                prefecture: p.clone(),
                slot_id: slot.id.to_string(),
                seat,
                reference: reference.to_string(),
            });
            rows.push(Row {
                prefecture: p.clone(),
                reference: reference.to_string(),
                year: year.into(),
                number,
                permit_id: f.permit_id.0.clone(),
                holder_id: f.holder_id.0.clone(),
                slot_id: slot.id.to_string(),
                day: slot.id.day,
                state: State::Convoked.code(),
                sequence: 0,
                origin: f.origin.code(),
                run_id: run.map(|r| r.0.clone()),
                created_at: now.naive_utc(),
                made_expires_on,
                made_rule: made_rule.flatten(),
            });
            made.push(Some((reference, slot.clone())));
        }
        insert_own!(self, convocation, &rows, 1_000).context("convoking")?;
        insert_own!(self, reservation, &seats, 1_000).context("reserving")?;
        Ok(made)
    }

    /// Why a convocation made elsewhere cannot be recorded, if it cannot.
    pub fn elsewhere_fault(&mut self, holder: &HolderId, slot: &Slot) -> Result<Option<ElsewhereFault>> {
        let live = convocation::of(&self.scope)
            .filter(convocation::holder_id.eq(&holder.0))
            .filter(convocation::state.eq(State::Convoked.code()));
        if diesel::select(diesel::dsl::exists(live)).get_result(&mut self.conn)? {
            return Ok(Some(ElsewhereFault::AlreadyConvoked));
        }
        let taken: i64 = reservation::of(&self.scope)
            .filter(reservation::slot_id.eq(slot.id.to_string()))
            .count()
            .get_result(&mut self.conn)?;
        Ok((taken >= i64::from(slot.seats)).then_some(ElsewhereFault::Full))
    }

    /// Whether this exact convocation is already known: importing the same file twice changes nothing.
    pub fn is_convoked_at(&mut self, holder: &HolderId, slot: &SlotId) -> Result<bool> {
        let same = convocation::of(&self.scope)
            .filter(convocation::holder_id.eq(&holder.0))
            .filter(convocation::slot_id.eq(slot.to_string()));
        diesel::select(diesel::dsl::exists(same)).get_result(&mut self.conn).context("looking for a convocation")
    }

    /// Ends live convocations. A seat that will not be used is free for the next run, never for the public.
    pub fn end_convocations(&mut self, references: &[String], state: State) -> Result<()> {
        for batch in references.chunks(5_000) {
            diesel::update(
                convocation::of(&self.scope)
                    .filter(convocation::reference.eq_any(batch))
                    .filter(convocation::state.eq(State::Convoked.code())),
            )
            .set(convocation::state.eq(state.code()))
            .execute(&mut self.conn)
            .context("ending convocations")?;
            if state.frees_seat() {
                let ended = convocation::of(&self.scope)
                    .filter(convocation::reference.eq_any(batch))
                    .filter(convocation::state.eq(state.code()))
                    .select(convocation::reference);
                diesel::delete(reservation::of(&self.scope))
                    .filter(reservation::reference.eq_any(ended))
                    .execute(&mut self.conn)
                    .context("freeing seats")?;
            }
        }
        Ok(())
    }
}
