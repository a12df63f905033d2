//! Letters without an appointment, and who is due one.

use std::collections::HashMap;

use anyhow::{Context, Result};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::letter::{LetterColumns, LetterRow};
use super::row::Rows;
use super::scope::{convocation, joined, notice, outbox, past_verdict, permit};
use super::{Store, insert_own};
use convoke_domain::convocation::{LetterKind, LetterState, Origin, State};
use convoke_domain::eligibility::Rule;
use convoke_domain::ids::{HolderId, PermitId, Reference, RunId};
use convoke_domain::permit::{Channel, PermitKind};

/// A permit whose holder has not had a given kind of letter.
#[derive(Clone, Debug)]
pub struct Unnoticed {
    /// Permit.
    pub permit_id: PermitId,
    /// Holder.
    pub holder_id: HolderId,
    /// Type.
    pub kind: PermitKind,
    /// Mention.
    pub mention: String,
    /// Last day of validity.
    pub expires_on: NaiveDate,
    /// INSEE code.
    pub commune: String,
}

/// A notice to write.
#[derive(Clone, Debug)]
pub struct NewNotice {
    /// Which letter.
    pub letter: LetterKind,
    /// Permit.
    pub permit_id: PermitId,
    /// Holder.
    pub holder_id: HolderId,
}

#[derive(Insertable)]
#[diesel(table_name = notice, treat_none_as_default_value = false)]
struct Row {
    prefecture: String,
    reference: String,
    kind: &'static str,
    year: i64,
    number: i64,
    permit_id: String,
    holder_id: String,
    run_id: Option<String>,
    created_at: chrono::NaiveDateTime,
}

/// Verdicts that imply the holder was within the jurisdiction.
const WITHIN: [Rule; 6] =
    [Rule::AwaitingMark, Rule::AlreadyConvoked, Rule::NotYetDue, Rule::DueOnline, Rule::DueLate, Rule::Due];

impl Store {
    /// Permits with a verdict whose holders have not had this letter and that expire from `from` on, soonest first. For
    /// a transfer: only those that were within the jurisdiction before and whose holders now live outside the
    /// department.
    pub fn unnoticed(&mut self, letter: LetterKind, rule: Rule, from: NaiveDate) -> Result<Vec<Unnoticed>> {
        let p = self.scope.code().to_owned();
        let sent = notice::beside(permit::prefecture)
            .filter(notice::kind.eq(letter.code()).and(notice::permit_id.eq(permit::permit_id)));
        let mut query = permit::of(&self.scope)
            .filter(permit::rule.eq(rule.code()).and(permit::expires_on.ge(from)))
            .filter(not(exists(sent)))
            .order((permit::expires_on, permit::permit_id))
            .into_boxed();
        if letter == LetterKind::Transfer {
            let within = past_verdict::beside(permit::prefecture).filter(
                past_verdict::permit_id.eq(permit::permit_id).and(past_verdict::rule.eq_any(WITHIN.map(Rule::code))),
            );
            // A holder with an appointment here needs an agent first: two letters would contradict each other.
            let live = convocation::beside(permit::prefecture).filter(
                convocation::holder_id.eq(permit::holder_id).and(convocation::state.eq(State::Convoked.code())),
            );
            query = query
                .filter(exists(within))
                .filter(not(exists(live)))
                .filter(permit::commune.not_like(format!("{p}%")));
        }
        let rows: Vec<(String, String, String, String, NaiveDate, String)> = query
            .select((
                permit::permit_id,
                permit::holder_id,
                permit::kind,
                permit::mention,
                permit::expires_on,
                permit::commune,
            ))
            .load(&mut self.conn)
            .with_context(|| format!("looking for who is owed a letter {letter}"))?;
        rows.into_iter()
            .map(|(permit_id, holder_id, kind, mention, expires_on, commune)| {
                let kind = kind.parse()?;
                let (permit_id, holder_id) = (PermitId(permit_id), HolderId(holder_id));
                Ok(Unnoticed { permit_id, holder_id, kind, mention, expires_on, commune })
            })
            .collect()
    }

    /// Writes notices in the caller's transaction, and gives each its reference.
    pub fn number_notices(
        &mut self,
        notices: &[NewNotice],
        run: &RunId,
        year_of: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<Vec<Reference>> {
        let year = year_of.year();
        let mut last: HashMap<LetterKind, i64> = HashMap::new();
        let (mut rows, mut references) = (Vec::new(), Vec::new());
        for new in notices {
            let number = match last.get(&new.letter) {
                Some(number) => *number,
                None => notice::of(&self.scope)
                    .filter(notice::kind.eq(new.letter.code()))
                    .filter(notice::year.eq(i64::from(year)))
                    .select(diesel::dsl::max(notice::number))
                    .first::<Option<i64>>(&mut self.conn)?
                    .unwrap_or(0),
            } + 1;
            last.insert(new.letter, number);
            let reference = Reference::of(new.letter.series(), self.scope.code(), year, number);
            rows.push(Row {
                prefecture: self.scope.code().to_owned(),
                reference: reference.to_string(),
                kind: new.letter.code(),
                year: year.into(),
                number,
                permit_id: new.permit_id.0.clone(),
                holder_id: new.holder_id.0.clone(),
                run_id: Some(run.0.clone()),
                created_at: now.naive_utc(),
            });
            references.push(reference);
        }
        insert_own!(self, notice, &rows, 1_000).context("writing notices")?;
        Ok(references)
    }

    /// What reminders repeat: the latest accepted e-mail of each live convocation that takes place from `from` to `to`
    /// and whose permit still waits for its appointment. With the holder, and the occasions of reminders already
    /// written.
    pub fn to_be_reminded(&mut self, from: NaiveDate, to: NaiveDate) -> Result<Vec<(LetterRow, String, Vec<String>)>> {
        // Holders who have died, filed or moved away since are under another rule.
        let live = convocation::of(&self.scope)
            .inner_join(joined!(permit, convocation, permit_id))
            .filter(convocation::state.eq(State::Convoked.code()))
            .filter(convocation::day.between(from, to))
            .filter(permit::rule.eq(Rule::AlreadyConvoked.code()))
            .order((convocation::day, convocation::reference))
            .select((convocation::reference, convocation::holder_id));
        let live: Vec<(String, String)> = live.load(&mut self.conn)?;
        let references: Vec<&str> = live.iter().map(|(reference, _)| reference.as_str()).collect();
        let mut found: HashMap<String, (Option<LetterRow>, Vec<String>)> = HashMap::new();
        for batch in references.chunks(super::KEYS_PER_QUERY) {
            let letters = outbox::of(&self.scope)
                .filter(outbox::reference.eq_any(batch))
                .filter(outbox::channel.eq(Channel::Email.code()))
                .order((outbox::reference, outbox::revision))
                .select(LetterColumns::as_select())
                .load(&mut self.conn)
                .rows("looking for who is to be reminded")?;
            for letter in letters {
                let (announced, occasions) = found.entry(letter.reference.clone()).or_default();
                if letter.kind == LetterKind::Reminder {
                    occasions.push(letter.occasion);
                } else if letter.state == LetterState::Accepted {
                    *announced = Some(letter);
                }
            }
        }
        Ok(live
            .into_iter()
            .filter_map(|(reference, holder)| {
                let (announced, occasions) = found.remove(&reference)?;
                Some((announced?, holder, occasions))
            })
            .collect())
    }

    /// Permits that already had a convocation: their next one also goes by post.
    pub fn convoked_before(&mut self, permits: &[&str]) -> Result<Vec<String>> {
        convocation::of(&self.scope)
            .filter(convocation::permit_id.eq_any(permits))
            .filter(convocation::origin.ne(Origin::Elsewhere.code()))
            .select(convocation::permit_id)
            .load(&mut self.conn)
            .context("looking for earlier convocations")
    }
}
