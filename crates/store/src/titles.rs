//! Titles as extracts word them: those that nobody has said the meaning of yet, and their answers.

use std::collections::HashMap;

use anyhow::{Context, Result};
use chrono::NaiveDate;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::Store;
use super::scope::{holder, joined, permit, title_kept};
use convoke_domain::permit::Status;
use convoke_domain::title::{TitleId, begins_as_student};

/// A wording of stored permits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TitleInUse {
    /// The code of the type.
    pub kind: String,
    /// The code of the mention.
    pub mention: String,
    /// Type and mention of the extract on two lines, where they are not these codes.
    pub words: Option<String>,
    /// Whether nobody has said what they are.
    pub is_unknown: bool,
}

/// A wording that no title has, and its people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownTitle {
    /// Type and mention of the extract, on two lines.
    pub words: String,
    /// Whether it begins with the word for students: its people are taken for students.
    pub is_student: bool,
    /// Permits.
    pub permits: u64,
    /// The first of them to expire.
    pub first_expiry: NaiveDate,
    /// Permits that expire in the span asked about.
    pub due: u64,
}

/// Somebody whose title nobody has named.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct ToIdentify {
    /// Foreigner number.
    pub number: String,
    /// Family name.
    pub family_name: String,
    /// Given names.
    pub given_names: String,
    /// Telephone, as written.
    pub phone: Option<String>,
    /// Type and mention of the extract, on two lines.
    pub words: String,
    /// The mention as a code.
    pub mention: String,
    /// Last day of validity.
    pub expires_on: NaiveDate,
}

/// Permits of an unknown title that a night would look at.
macro_rules! open_permits {
    ($store:expr) => {
        permit::of(&$store.scope)
            .filter(permit::unknown_title.is_not_null().and(permit::status.eq(Status::Active.code())))
            .filter(permit::filed_on.is_null().and(permit::held.eq(false)))
            .filter(permit::absent.eq(false).and(permit::superseded.eq(false)))
    };
}

impl Store {
    /// The wordings of all stored permits.
    pub fn titles_in_use(&mut self) -> Result<Vec<TitleInUse>> {
        let rows: Vec<(String, String, Option<String>, Option<String>)> = permit::of(&self.scope)
            .group_by((permit::kind, permit::mention, permit::title_words, permit::unknown_title))
            .select((permit::kind, permit::mention, permit::title_words, permit::unknown_title))
            .load(&mut self.conn)
            .context("reading the titles in use")?;
        let used = |(kind, mention, words, unknown): (_, _, Option<String>, Option<String>)| TitleInUse {
            is_unknown: unknown.is_some(),
            words: words.or(unknown),
            kind,
            mention,
        };
        Ok(rows.into_iter().map(used).collect())
    }

    /// Wordings that no title has, of permits that are in force and not filed for, the soonest expiry first. `due`:
    /// from a date to another, both included.
    pub fn unknown_titles(&mut self, due: [NaiveDate; 2]) -> Result<Vec<UnknownTitle>> {
        use diesel::dsl::{count_star, min};
        let all: Vec<(Option<String>, String, i64, Option<NaiveDate>)> = open_permits!(self)
            .group_by((permit::unknown_title, permit::mention))
            .select((permit::unknown_title, permit::mention, count_star(), min(permit::expires_on)))
            .load(&mut self.conn)
            .context("reading the unknown titles")?;
        let soon: Vec<(Option<String>, i64)> = open_permits!(self)
            .filter(permit::expires_on.between(due[0], due[1]))
            .group_by(permit::unknown_title)
            .select((permit::unknown_title, count_star()))
            .load(&mut self.conn)
            .context("reading the unknown titles that expire soon")?;
        let soon: HashMap<_, _> = soon.into_iter().collect();
        let mut titles: Vec<UnknownTitle> = all
            .into_iter()
            .filter_map(|(words, mention, permits, first_expiry)| {
                let is_student = begins_as_student(&mention);
                let due = if is_student { 0 } else { soon.get(&words).copied().unwrap_or(0) as u64 };
                Some(UnknownTitle {
                    words: words?,
                    is_student,
                    permits: permits as u64,
                    first_expiry: first_expiry?,
                    due,
                })
            })
            .collect();
        titles.sort_by(|a, b| (a.first_expiry, &a.words).cmp(&(b.first_expiry, &b.words)));
        Ok(titles)
    }

    /// The people of unknown titles that expire in a span, students apart: they are called.
    pub fn people_of_unknown_titles(&mut self, due: [NaiveDate; 2]) -> Result<Vec<ToIdentify>> {
        let mut people: Vec<ToIdentify> = open_permits!(self)
            .inner_join(joined!(holder, permit, holder_id))
            .filter(permit::expires_on.between(due[0], due[1]))
            .order((permit::expires_on, permit::permit_id))
            .select((
                holder::number,
                holder::family_name,
                holder::given_names,
                holder::phone,
                permit::unknown_title.assume_not_null(),
                permit::mention,
                permit::expires_on,
            ))
            .load(&mut self.conn)
            .context("reading the people of unknown titles")?;
        people.retain(|person| !begins_as_student(&person.mention));
        Ok(people)
    }

    /// Gives all permits of a wording another, and reviews them. Returns how many there are.
    pub fn retitle(&mut self, from: &TitleInUse, to: &TitleId, unknown: Option<&str>) -> Result<u64> {
        self.data_changed()?;
        let of = permit::of(&self.scope)
            .filter(permit::kind.eq(&from.kind).and(permit::mention.eq(&from.mention)))
            .filter(
                sql::<Text>("coalesce(title_words, unknown_title, '')").eq(from.words.as_deref().unwrap_or_default()),
            )
            .filter(permit::unknown_title.is_not_null().eq(from.is_unknown));
        let review: NaiveDate = NaiveDate::from_ymd_opt(1, 1, 1).context("a date")?;
        let changed = diesel::update(of)
            .set((
                permit::kind.eq(to.kind.code()),
                permit::mention.eq(&to.mention),
                permit::unknown_title.eq(unknown),
                // The next extract is compared with what it says now.
                permit::fingerprint.eq(0),
                permit::review_on.eq(review),
            ))
            .execute(&mut self.conn)
            .context("giving permits their title")?;
        Ok(changed as u64)
    }

    /// Mentions that were assessed before titles were known by a table, by type: they keep their verdict.
    pub fn kept_titles(&mut self) -> Result<Vec<(String, String)>> {
        title_kept::of(&self.scope)
            .select((title_kept::kind, title_kept::mention))
            .order((title_kept::kind, title_kept::mention))
            .load(&mut self.conn)
            .context("reading the titles known before")
    }

    /// Somebody has said what such a mention is.
    pub fn forget_kept_title(&mut self, kind: &str, mention: &str) -> Result<()> {
        diesel::delete(
            title_kept::of(&self.scope).filter(title_kept::kind.eq(kind).and(title_kept::mention.eq(mention))),
        )
        .execute(&mut self.conn)
        .context("forgetting a title known before")?;
        Ok(())
    }
}
