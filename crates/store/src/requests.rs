//! Written requests.

use anyhow::{Context, Result};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};
use diesel::prelude::*;

use super::Store;
use super::acts::{Renewed, RenewedColumns};
use super::row::{Columns, Rows, Word, row};
use super::scope::{convocation, joined, permit, request};
use super::slots::named;
use convoke_domain::ids::{HolderId, PermitId, Reference, RunId, Series};
use convoke_domain::requests::{RequestState, Wish};
use convoke_domain::slot::SlotId;

row! {
    /// A request as stored.
    #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
    pub struct RequestRow,
    #[derive(Queryable, Selectable)]
    struct RequestColumns of request by request_id {
        /// Its own reference.
        pub request_id: String,
        /// Holder.
        #[serde(skip)]
        pub holder_id: String,
        /// The permit that it is about.
        pub permit_id: String,
        /// What is asked for.
        pub wish: Wish as Word<Wish>,
        /// Day on which it reached the office.
        pub received_on: NaiveDate,
        /// Day by which the person needs to be seen.
        pub needed_by: Option<NaiveDate>,
        /// State.
        pub state: RequestState as Word<RequestState>,
        /// The seat chosen by a run.
        pub slot_id: Option<SlotId> as Option<Word<SlotId>>,
        /// The convocation that answers it.
        pub reference: Option<String>,
        /// When it was decided.
        pub decided_at: Option<NaiveDateTime>,
        /// By whom.
        pub decided_by: Option<String>,
    }
}

/// A request to record.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// Holder.
    pub holder: HolderId,
    /// Permit.
    pub permit: PermitId,
    /// What is asked for.
    pub wish: Wish,
    /// Day on which it reached the office.
    pub received_on: NaiveDate,
    /// Day by which the person needs to be seen.
    pub needed_by: Option<NaiveDate>,
}

/// An open request, and the state of its permit.
#[derive(Clone, Debug)]
pub struct OpenRequest {
    /// The request.
    pub row: RequestRow,
    /// Its permit.
    pub permit: Renewed,
    /// The person's live appointment: reference and day.
    pub live: Option<(String, NaiveDate)>,
}

impl Store {
    /// Records a request. If the person already has an open one, returns `None` and the reference of that one.
    pub fn add_request(&mut self, new: &NewRequest, now: DateTime<Utc>) -> Result<Result<Reference, String>> {
        let open: Option<String> = request::of(&self.scope)
            .filter(request::holder_id.eq(&new.holder.0))
            .filter(request::state.eq_any([RequestState::Open.code(), RequestState::Chosen.code()]))
            .select(request::request_id)
            .first(&mut self.conn)
            .optional()
            .context("looking for an open request")?;
        if let Some(open) = open {
            return Ok(Err(open));
        }
        let year = new.received_on.year();
        let last: Option<i64> = request::of(&self.scope)
            .filter(request::year.eq(i64::from(year)))
            .order(request::number.desc())
            .select(request::number)
            .first(&mut self.conn)
            .optional()?;
        let number = last.unwrap_or(0) + 1;
        let reference = Reference::of(Series::Request, self.scope.code(), year, number);
        request::insert(&self.scope)
            .values((
                request::request_id.eq(reference.as_str()),
                request::year.eq(i64::from(year)),
                request::number.eq(number),
                request::holder_id.eq(&new.holder.0),
                request::permit_id.eq(&new.permit.0),
                request::wish.eq(new.wish.code()),
                request::received_on.eq(new.received_on),
                request::needed_by.eq(new.needed_by),
                request::state.eq(RequestState::Open.code()),
                request::created_at.eq(now.naive_utc()),
            ))
            .execute(&mut self.conn)
            .context("writing a request down")?;
        Ok(Ok(reference))
    }

    /// One request.
    pub fn request(&mut self, id: &str) -> Result<Option<RequestRow>> {
        request::of(&self.scope)
            .filter(request::request_id.eq(id))
            .select(RequestColumns::as_select())
            .first(&mut self.conn)
            .optional()
            .rows("reading a request")
    }

    /// Requests in a state, or all, oldest first.
    pub fn requests(&mut self, state: Option<RequestState>, limit: i64) -> Result<Vec<RequestRow>> {
        let mut query = request::of(&self.scope).into_boxed();
        if let Some(state) = state {
            query = query.filter(request::state.eq(state.code()));
        }
        query
            .order((request::received_on, request::request_id))
            .limit(limit)
            .select(RequestColumns::as_select())
            .load(&mut self.conn)
            .rows("reading requests")
    }

    /// Requests in a state that were received before another, latest first; the last ones if none is given.
    pub fn requests_before(
        &mut self,
        state: RequestState,
        before: Option<&RequestRow>,
        limit: i64,
    ) -> Result<Vec<RequestRow>> {
        let mut query = request::of(&self.scope).filter(request::state.eq(state.code())).into_boxed();
        if let Some(last) = before {
            let same_day = request::received_on.eq(last.received_on).and(request::request_id.lt(&last.request_id));
            query = query.filter(request::received_on.lt(last.received_on).or(same_day));
        }
        query
            .order((request::received_on.desc(), request::request_id.desc()))
            .limit(limit)
            .select(RequestColumns::as_select())
            .load(&mut self.conn)
            .rows("reading requests")
    }

    /// Number of requests that a run gave an appointment.
    pub fn requests_placed_by(&mut self, run: &RunId) -> Result<i64> {
        request::of(&self.scope)
            .filter(request::run_id.eq(&run.0))
            .filter(request::state.eq(RequestState::Placed.code()))
            .count()
            .get_result(&mut self.conn)
            .context("counting the requests that a run has placed")
    }

    /// Whether the permit's holder may be given an appointment as of now, whatever the last run found.
    pub fn may_be_seen(&mut self, permit_id: &str) -> Result<bool> {
        let seen = permit::of(&self.scope)
            .filter(permit::permit_id.eq(permit_id))
            .filter(permit::status.eq("actif").and(permit::filed_on.is_null()))
            .filter(permit::held.eq(false).and(permit::superseded.eq(false)).and(permit::absent.eq(false)));
        diesel::select(diesel::dsl::exists(seen)).get_result(&mut self.conn).context("looking at a permit again")
    }

    /// Open requests answered since by an appointment for the same permit.
    pub fn answered_requests(&mut self) -> Result<Vec<(RequestRow, String)>> {
        request::of(&self.scope)
            .inner_join(convocation::on(
                request::prefecture,
                convocation::permit_id
                    .eq(request::permit_id)
                    .and(convocation::state.eq("convoked"))
                    .and(convocation::created_at.gt(request::created_at)),
            ))
            .filter(request::state.eq(RequestState::Open.code()))
            .filter(request::wish.ne(Wish::Other.code()))
            .order(request::request_id)
            .select((RequestColumns::as_select(), convocation::reference))
            .load::<(RequestColumns, String)>(&mut self.conn)
            .context("looking for requests that were answered")?
            .into_iter()
            .map(|(request, reference)| Ok((request.read()?, reference)))
            .collect()
    }

    /// Requests of a holder, oldest first.
    pub fn requests_of(&mut self, id: &HolderId) -> Result<Vec<RequestRow>> {
        request::of(&self.scope)
            .filter(request::holder_id.eq(&id.0))
            .order((request::received_on, request::request_id))
            .select(RequestColumns::as_select())
            .load(&mut self.conn)
            .rows("reading the requests of a holder")
    }

    /// Open requests, and the state of their permits.
    pub fn open_requests(&mut self) -> Result<Vec<OpenRequest>> {
        request::of(&self.scope)
            .inner_join(joined!(permit, request, permit_id))
            .left_join(convocation::on(
                request::prefecture,
                convocation::holder_id.eq(request::holder_id).and(convocation::state.eq("convoked")),
            ))
            .filter(request::state.eq(RequestState::Open.code()))
            .order(request::request_id)
            .select((
                RequestColumns::as_select(),
                RenewedColumns::as_select(),
                (convocation::reference, convocation::day).nullable(),
            ))
            .load::<(RequestColumns, RenewedColumns, Option<(String, NaiveDate)>)>(&mut self.conn)
            .context("reading the open requests")?
            .into_iter()
            .map(|(row, permit, live)| Ok(OpenRequest { row: row.read()?, permit: permit.read()?, live }))
            .collect()
    }

    /// Requests for which a run has chosen a seat not reserved yet, in the order they were chosen, most urgent first.
    pub fn chosen_requests(&mut self, run: &RunId) -> Result<Vec<RequestRow>> {
        request::of(&self.scope)
            .filter(request::run_id.eq(&run.0))
            .filter(request::state.eq(RequestState::Chosen.code()))
            .order(request::request_id)
            .select(RequestColumns::as_select())
            .load(&mut self.conn)
            .rows("reading the requests that a run has chosen")
    }

    /// Records the seat a run has chosen for a request that is still open.
    pub fn choose_request(&mut self, id: &str, run: &RunId, slot: &SlotId) -> Result<()> {
        diesel::update(request::of(&self.scope).filter(request::request_id.eq(id)))
            .filter(request::state.eq(RequestState::Open.code()))
            .set((
                request::state.eq(RequestState::Chosen.code()),
                request::run_id.eq(&run.0),
                request::slot_id.eq(slot.to_string()),
            ))
            .execute(&mut self.conn)
            .context("choosing a request")?;
        Ok(())
    }

    /// Reopens requests whose chosen seat the run could not or did not reserve.
    pub fn reopen_requests(&mut self, run: &RunId) -> Result<usize> {
        diesel::update(request::of(&self.scope))
            .filter(request::state.eq(RequestState::Chosen.code()).and(request::run_id.eq(&run.0)))
            .set((
                request::state.eq(RequestState::Open.code()),
                request::run_id.eq(None::<String>),
                request::slot_id.eq(None::<String>),
            ))
            .execute(&mut self.conn)
            .context("opening requests again")
    }

    /// Closes a request. `false` if it was already closed.
    pub fn decide_request(
        &mut self,
        id: &str,
        state: RequestState,
        reference: Option<&str>,
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let changed = diesel::update(request::of(&self.scope).filter(request::request_id.eq(id)))
            .filter(request::state.eq_any([RequestState::Open.code(), RequestState::Chosen.code()]))
            .set((
                request::state.eq(state.code()),
                request::reference.eq(reference),
                request::decided_at.eq(now.naive_utc()),
                request::decided_by.eq(by),
            ))
            .execute(&mut self.conn)
            .context("deciding a request")?;
        Ok(changed == 1)
    }

    /// Slots of seats held by requests, from a day on.
    pub fn seats_of_requests(&mut self, from: NaiveDate) -> Result<Vec<SlotId>> {
        let slots: Vec<Word<SlotId>> = request::of(&self.scope)
            .inner_join(convocation::on(
                request::prefecture,
                convocation::reference.eq(request::reference.assume_not_null()),
            ))
            .filter(convocation::state.eq("convoked"))
            .filter(convocation::day.ge(from))
            .select(convocation::slot_id)
            .load(&mut self.conn)
            .context("reading the seats of requests")?;
        Ok(slots.into_iter().map(|slot| named("convocation", slot)).collect::<Result<_, _>>()?)
    }
}
