//! What an agent changes by hand, in the same transaction as its ledger entry.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;

use super::convocations::LiveColumns;
use super::letter::{LetterColumns, LetterRow};
use super::row::{Rows, Word, row};
use super::scope::{avoided_day, closed_day, convocation, holder, outbox, permit};
use super::{Live, Store, on_backend};
use convoke_domain::convocation::{LetterState, Remark};
use convoke_domain::eligibility::Rule;
use convoke_domain::ids::HolderId;
use convoke_domain::permit::PermitKind;
use convoke_domain::slot::PoolId;

row! {
    /// What letters and plans need from a permit.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Renewed,
    #[derive(Queryable, Selectable)]
    struct RenewedColumns of permit by permit_id {
        /// Permit.
        pub permit_id: String,
        /// Type.
        pub kind: PermitKind as Word<PermitKind>,
        /// Mention.
        pub mention: String,
        /// Last day of validity.
        pub expires_on: NaiveDate,
        /// INSEE code.
        pub commune: String,
        /// The verdict of the last night.
        pub rule: Option<Rule> as Option<Word<Rule>>,
    }
}

/// A day on which a desk, or a whole site, is closed.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct ClosedDay {
    /// Site.
    pub site: String,
    /// Desk; empty for the whole site.
    pub desk: String,
    /// Day.
    pub day: NaiveDate,
    /// Why.
    pub reason: String,
}

impl ClosedDay {
    /// Whether it closes this desk on this day.
    pub fn covers(&self, pool: &PoolId, day: NaiveDate) -> bool {
        self.day == day && self.site == pool.site && (self.desk.is_empty() || self.desk == pool.desk)
    }
}

impl Store {
    /// One permit.
    pub fn renewed(&mut self, permit_id: &str) -> Result<Option<Renewed>> {
        permit::of(&self.scope)
            .filter(permit::permit_id.eq(permit_id))
            .select(RenewedColumns::as_select())
            .first(&mut self.conn)
            .optional()
            .rows("reading a permit")
    }

    /// Puts a holder's latest permits on hold, or releases them. The next run reviews them. Returns how many rows
    /// changed.
    pub fn set_held(&mut self, id: &HolderId, held: bool) -> Result<usize> {
        let first = NaiveDate::from_ymd_opt(1, 1, 1).context("a date")?;
        let changed = diesel::update(permit::of(&self.scope))
            .filter(permit::holder_id.eq(&id.0).and(permit::superseded.eq(false)).and(permit::held.ne(held)))
            .set((permit::held.eq(held), permit::review_on.eq(first)))
            .execute(&mut self.conn)
            .context("holding permits back, or letting them go")?;
        self.data_changed()?;
        Ok(changed)
    }

    /// Sets the address for a holder's letters; `None` means none. It holds until the extract's address changes.
    /// Returns the previous one.
    pub fn set_email(&mut self, id: &HolderId, email: Option<&str>) -> Result<Option<String>> {
        let target = holder::of(&self.scope).filter(holder::holder_id.eq(&id.0));
        let (extract, set, over): (Option<String>, Option<String>, Option<String>) = target
            .select((holder::email, holder::email_set, holder::email_set_over))
            .first(&mut self.conn)
            .context("reading the addresses of a holder")?;
        diesel::update(target)
            .set((
                holder::email_set.eq(email.unwrap_or_default()),
                holder::email_set_over.eq(extract.as_deref().unwrap_or_default()),
                // Setting an address again means that it is believed to work now.
                holder::email_refused.eq(None::<String>),
            ))
            .execute(&mut self.conn)
            .context("setting the address of a holder")?;
        self.data_changed()?;
        Ok(super::holders::email_of(extract, set, over.as_deref()))
    }

    /// The live convocation of a holder.
    pub fn live_of(&mut self, id: &HolderId) -> Result<Option<String>> {
        convocation::of(&self.scope)
            .filter(convocation::holder_id.eq(&id.0))
            .filter(convocation::state.eq("convoked"))
            .select(convocation::reference)
            .first(&mut self.conn)
            .optional()
            .context("reading the appointment of a holder")
    }

    /// Records which convocation a new one replaces.
    pub fn set_replaces(&mut self, new: &str, old: &str, sequence: i64, by: &str) -> Result<()> {
        // What the first one was given for: the permit itself says only that its holder is convoked.
        let made_rule: Option<String> = convocation::of(&self.scope)
            .filter(convocation::reference.eq(old))
            .select(convocation::made_rule)
            .first(&mut self.conn)
            .context("reading what an appointment was given for")?;
        let changed = diesel::update(convocation::of(&self.scope).filter(convocation::reference.eq(new)))
            .set((
                convocation::replaces.eq(old),
                convocation::moved_by.eq(by),
                convocation::sequence.eq(sequence),
                convocation::made_rule.eq(made_rule),
            ))
            .execute(&mut self.conn)
            .context("moving a convocation")?;
        ensure!(changed == 1, "convocation {new} has disappeared");
        Ok(())
    }

    /// The appointments that this one replaced, latest first, and who asked for each change.
    pub fn moved_from(&mut self, reference: &str) -> Result<Vec<(String, String)>> {
        let mut found = Vec::new();
        let mut next = Some(reference.to_owned());
        while let Some(this) = next {
            let row: Option<(Option<String>, Option<String>)> = convocation::of(&self.scope)
                .filter(convocation::reference.eq(&this))
                .select((convocation::replaces, convocation::moved_by))
                .first(&mut self.conn)
                .optional()
                .context("reading whence an appointment was moved")?;
            next = row.and_then(|(old, by)| {
                let old = old?;
                found.push((old.clone(), by.unwrap_or_default()));
                Some(old)
            });
        }
        Ok(found)
    }

    /// Live convocations at a site, or at one of its desks, on a day.
    pub fn expected_on(&mut self, site: &str, desk: Option<&str>, day: NaiveDate) -> Result<Vec<Live>> {
        let mut live = convocation::of(&self.scope)
            .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("state = 'convoked'"))
            .filter(convocation::day.eq(day))
            .order(convocation::slot_id)
            .select(LiveColumns::as_select())
            .load(&mut self.conn)
            .rows("reading who is expected on a day")?;
        live.retain(|l| l.slot_id.pool.site == site && desk.is_none_or(|desk| l.slot_id.pool.desk == desk));
        Ok(live)
    }

    /// Days closed by hand, from `from` on.
    pub fn closed_days(&mut self, from: NaiveDate) -> Result<Vec<ClosedDay>> {
        closed_day::of(&self.scope)
            .filter(closed_day::day.ge(from))
            .order((closed_day::day, closed_day::site, closed_day::desk))
            .select((closed_day::site, closed_day::desk, closed_day::day, closed_day::reason))
            .load(&mut self.conn)
            .context("reading the days closed by hand")
    }

    /// Closes a day: from now on its slots are read as having no seats, whatever is generated or imported.
    pub fn close_day(&mut self, closed: &ClosedDay, now: DateTime<Utc>) -> Result<()> {
        let row = (
            closed_day::site.eq(&closed.site),
            closed_day::desk.eq(&closed.desk),
            closed_day::day.eq(closed.day),
            closed_day::reason.eq(&closed.reason),
            closed_day::closed_at.eq(now.naive_utc()),
        );
        let row = closed_day::insert(&self.scope).values(row).on_conflict_do_nothing();
        on_backend!(&mut self.conn, c => row.execute(c)).context("closing a day")?;
        self.data_changed()
    }

    /// Reopens a closed day. Its seats are restored. `false` if it was not closed.
    pub fn reopen_day(&mut self, site: &str, desk: &str, day: NaiveDate) -> Result<bool> {
        let found = diesel::delete(
            closed_day::of(&self.scope)
                .filter(closed_day::site.eq(site).and(closed_day::desk.eq(desk)).and(closed_day::day.eq(day))),
        )
        .execute(&mut self.conn)
        .context("opening a day again")?;
        self.data_changed()?;
        Ok(found == 1)
    }

    /// Records days on which a holder cannot come. Returns all recorded days, from a day on.
    pub fn avoid(
        &mut self,
        id: &HolderId,
        days: &[(NaiveDate, NaiveDate)],
        from: NaiveDate,
    ) -> Result<Vec<(NaiveDate, NaiveDate)>> {
        for (first, last) in days {
            let row =
                (avoided_day::holder_id.eq(&id.0), avoided_day::first_day.eq(first), avoided_day::last_day.eq(last));
            let key = (avoided_day::prefecture, avoided_day::holder_id, avoided_day::first_day);
            let row = avoided_day::insert(&self.scope).values(row).on_conflict(key).do_update();
            let row = row.set(avoided_day::last_day.eq(last));
            on_backend!(&mut self.conn, c => row.execute(c)).context("noting days to be avoided")?;
        }
        avoided_day::of(&self.scope)
            .filter(avoided_day::holder_id.eq(&id.0))
            .filter(avoided_day::last_day.ge(from))
            .order(avoided_day::first_day)
            .select((avoided_day::first_day, avoided_day::last_day))
            .load(&mut self.conn)
            .context("reading the days to be avoided")
    }

    /// Days to avoid, by holder, from a day on.
    pub fn all_avoided(&mut self, from: NaiveDate) -> Result<BTreeMap<String, Vec<(NaiveDate, NaiveDate)>>> {
        let rows: Vec<(String, NaiveDate, NaiveDate)> = avoided_day::of(&self.scope)
            .filter(avoided_day::last_day.ge(from))
            .select((avoided_day::holder_id, avoided_day::first_day, avoided_day::last_day))
            .load(&mut self.conn)
            .context("reading the days to be avoided")?;
        let mut found: BTreeMap<String, Vec<(NaiveDate, NaiveDate)>> = BTreeMap::new();
        for (holder, first, last) in rows {
            found.entry(holder).or_default().push((first, last));
        }
        Ok(found)
    }

    /// One letter.
    pub fn letter(&mut self, letter_id: &str) -> Result<Option<LetterRow>> {
        outbox::of(&self.scope)
            .filter(outbox::letter_id.eq(letter_id))
            .select(LetterColumns::as_select())
            .first(&mut self.conn)
            .optional()
            .rows("reading a letter")
    }

    /// Moves a letter that no worker holds to another state that its life cycle allows. It may be tried from `now` on.
    /// `false` if a worker has taken it meanwhile, or its state has changed.
    pub fn put_letter(
        &mut self,
        letter: &LetterRow,
        state: LetterState,
        remark: Option<Remark>,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let from = letter.state;
        ensure!(from == state || from.may_become(state), "a letter that is {from} cannot become {state}");
        let changed = diesel::update(outbox::of(&self.scope).filter(outbox::letter_id.eq(&letter.letter_id)))
            .filter(outbox::state.eq(from.code()).and(outbox::epoch.eq(letter.epoch)))
            .set((
                outbox::state.eq(state.code()),
                outbox::next_at.eq(now.naive_utc()),
                outbox::remark.eq(remark.map(Remark::code)),
                outbox::epoch.eq(letter.epoch + 1),
            ))
            .execute(&mut self.conn)
            .context("putting a letter elsewhere by hand")?;
        Ok(changed == 1)
    }
}
