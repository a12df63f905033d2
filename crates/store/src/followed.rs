//! Appointments of earlier nights with the facts of tonight, and what a night did about them.

use std::collections::HashSet;

use anyhow::{Context, Result};
use chrono::NaiveDate;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer};

use super::permits::{FLAGS, with_flags};
use super::row::{Rows, Word, row};
use super::scope::{convocation, followed, joined, later, later_convocations, outbox, permit};
use super::{Store, insert_own};
use convoke_domain::convocation::{LetterKind, LetterState, Origin, State};
use convoke_domain::eligibility::{Facts, Rule};
use convoke_domain::follow::{Basis, Suite};
use convoke_domain::ids::RunId;
use convoke_domain::permit::{PermitKind, Status};
use convoke_domain::slot::SlotId;

row! {
    /// A live appointment, what it was made from, and its permit as it is now.
    #[derive(Clone, Debug)]
    pub struct Case,
    #[derive(Queryable)]
    struct CaseColumns of convocation by reference {
        /// Reference.
        pub reference: String,
        /// Holder.
        pub holder_id: String,
        /// Slot.
        pub slot_id: SlotId as Word<SlotId>,
        /// The run that made it.
        pub run_id: Option<String>,
        /// What made it.
        pub origin: Origin as Word<Origin>,
        made_expires_on: Option<NaiveDate>,
        made_rule: Option<Rule> as Option<Word<Rule>>,
        /// Permit.
        pub permit_id: String,
        /// Type.
        pub kind: PermitKind as Word<PermitKind>,
        /// Mention.
        pub mention: String,
        /// Last day of validity.
        pub expires_on: NaiveDate,
        status: Status as Word<Status>,
        /// INSEE code.
        pub commune: String,
        flags: i32,
    }
}

impl Case {
    /// What it was made from; `None` if that was not recorded.
    pub fn basis(&self) -> Option<Basis> {
        Some(Basis { expires_on: self.made_expires_on?, rule: self.made_rule? })
    }

    /// The facts on which its permit is assessed, as if nobody had been convoked.
    pub fn facts(&self) -> Facts<'_> {
        let facts = Facts {
            kind: self.kind,
            mention: &self.mention,
            status: self.status,
            expires_on: self.expires_on,
            commune: &self.commune,
            filed: false,
            held: false,
            absent: false,
            superseded: false,
            unknown: false,
            convoked_for: None,
        };
        with_flags(facts, self.flags)
    }
}

row! {
    /// What a night did about an appointment.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Followed,
    #[derive(Queryable, Selectable)]
    struct FollowedColumns of followed by reference {
        /// The run.
        pub run_id: String,
        /// The appointment.
        pub reference: String,
        /// Its business date.
        pub business_date: NaiveDate,
        /// What was done.
        pub consequence: Suite as Word<Suite>,
        /// The verdict that ended the need, or what changed.
        pub cause: String,
        /// The seat to which it moves, or that is given back.
        pub slot_id: Option<SlotId> as Option<Word<SlotId>>,
        /// The appointment made instead.
        pub new_reference: Option<String>,
        /// Whether its letter, or its new seat, is still to be written.
        pub pending: bool,
    }
}

/// The columns of [`Case`], of convocations and their permits.
macro_rules! case {
    () => {
        (
            convocation::reference,
            convocation::holder_id,
            convocation::slot_id,
            convocation::run_id,
            convocation::origin,
            convocation::made_expires_on,
            convocation::made_rule,
            permit::permit_id,
            permit::kind,
            permit::mention,
            permit::expires_on,
            permit::status,
            permit::commune,
            sql::<Integer>(FLAGS),
        )
    };
}

impl Store {
    /// Every live appointment, past or future, with the facts of now.
    pub fn live_cases(&mut self) -> Result<Vec<Case>> {
        convocation::of(&self.scope)
            .inner_join(joined!(permit, convocation, permit_id))
            .filter(sql::<Bool>("state = 'convoked'"))
            .select(case!())
            .load::<CaseColumns>(&mut self.conn)
            .rows("reading live appointments and their permits")
    }

    /// Appointments after a day that a night released, and whose holder has had none since.
    pub fn freed_after(&mut self, day: NaiveDate) -> Result<Vec<Case>> {
        let since = later_convocations()
            .filter(later(convocation::holder_id).eq(convocation::holder_id))
            .filter(later(convocation::created_at).gt(convocation::created_at));
        let freed = followed::of(&self.scope)
            .filter(followed::consequence.eq_any([Suite::Released, Suite::Told].map(Suite::code)))
            .select(followed::reference);
        convocation::of(&self.scope)
            .inner_join(joined!(permit, convocation, permit_id))
            .filter(convocation::reference.eq_any(freed))
            .filter(convocation::day.gt(day).and(convocation::state.eq(State::Cancelled.code())))
            .filter(diesel::dsl::not(diesel::dsl::exists(since)))
            .order(convocation::reference)
            .select(case!())
            .load::<CaseColumns>(&mut self.conn)
            .rows("looking for appointments that were released")
    }

    /// Live appointments after a day that no letter announces: none has left, and none waits.
    pub fn unannounced_after(&mut self, day: NaiveDate) -> Result<Vec<String>> {
        let announces = [LetterKind::Convocation, LetterKind::Change].map(LetterKind::code);
        let gone = [LetterState::Cancelled, LetterState::Replaced].map(LetterState::code);
        let letter = outbox::beside(convocation::prefecture)
            .filter(outbox::reference.eq(convocation::reference))
            .filter(outbox::kind.eq_any(announces).and(outbox::state.ne_all(gone)));
        convocation::of(&self.scope)
            .filter(sql::<Bool>("state = 'convoked'"))
            .filter(convocation::day.gt(day).and(convocation::origin.ne(Origin::Elsewhere.code())))
            .filter(diesel::dsl::not(diesel::dsl::exists(letter)))
            .order(convocation::reference)
            .select(convocation::reference)
            .load(&mut self.conn)
            .context("looking for appointments without a letter")
    }

    /// What was recorded about live appointments: reference, what was done, and why.
    pub fn known_followed(&mut self) -> Result<HashSet<(String, String, String)>> {
        let rows: Vec<(String, String, String)> = followed::of(&self.scope)
            .inner_join(joined!(convocation, followed, reference))
            .filter(convocation::state.eq(State::Convoked.code()))
            .select((followed::reference, followed::consequence, followed::cause))
            .load(&mut self.conn)
            .context("reading what was done about live appointments")?;
        Ok(rows.into_iter().collect())
    }

    /// Keeps with appointments what they were made from.
    pub fn keep_basis(&mut self, of: &[(&str, Basis)]) -> Result<()> {
        for (reference, basis) in of {
            diesel::update(convocation::of(&self.scope).filter(convocation::reference.eq(reference)))
                .set((convocation::made_expires_on.eq(basis.expires_on), convocation::made_rule.eq(basis.rule.code())))
                .execute(&mut self.conn)
                .context("keeping what an appointment was made from")?;
        }
        Ok(())
    }

    /// Records what a run does about appointments of earlier nights.
    pub fn record_followed(&mut self, rows: &[Followed]) -> Result<()> {
        let own = |row: &Followed| FollowedOwn {
            prefecture: self.scope.code().to_owned(),
            run_id: row.run_id.clone(),
            reference: row.reference.clone(),
            business_date: row.business_date,
            consequence: row.consequence.code(),
            cause: row.cause.clone(),
            slot_id: row.slot_id.as_ref().map(SlotId::to_string),
            new_reference: row.new_reference.clone(),
            pending: row.pending,
        };
        let rows: Vec<FollowedOwn> = rows.iter().map(own).collect();
        insert_own!(self, followed, &rows, 1_000).context("recording what became of appointments")
    }

    /// What a run did about appointments of earlier nights; with `pending`, only what is still to be written.
    pub fn followed_of_run(&mut self, run: &RunId, pending: bool) -> Result<Vec<Followed>> {
        let mut all = followed::of(&self.scope).filter(followed::run_id.eq(&run.0)).into_boxed();
        if pending {
            all = all.filter(followed::pending.eq(true));
        }
        all.order(followed::reference)
            .select(FollowedColumns::as_select())
            .load(&mut self.conn)
            .rows("reading what a run did about appointments")
    }

    /// What nights did about some appointments, oldest first.
    pub fn followed_of(&mut self, references: &[String]) -> Result<Vec<Followed>> {
        followed::of(&self.scope)
            .filter(followed::reference.eq_any(references))
            .order((followed::business_date, followed::run_id, followed::reference))
            .select(FollowedColumns::as_select())
            .load(&mut self.conn)
            .rows("reading what nights did about appointments")
    }

    /// Ends what was pending about an appointment: with the one made instead, or as what it became.
    pub fn settle_followed(&mut self, row: &Followed, became: Suite, new_reference: Option<&str>) -> Result<()> {
        diesel::update(followed::of(&self.scope).filter(followed::run_id.eq(&row.run_id)))
            .filter(followed::reference.eq(&row.reference))
            .set((
                followed::pending.eq(false),
                followed::consequence.eq(became.code()),
                followed::new_reference.eq(new_reference),
            ))
            .execute(&mut self.conn)
            .context("ending what was to be done about an appointment")?;
        Ok(())
    }
}

#[derive(Insertable)]
#[diesel(table_name = followed, treat_none_as_default_value = false)]
struct FollowedOwn {
    prefecture: String,
    run_id: String,
    reference: String,
    business_date: NaiveDate,
    consequence: &'static str,
    cause: String,
    slot_id: Option<String>,
    new_reference: Option<String>,
    pending: bool,
}
