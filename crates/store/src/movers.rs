//! People who live outside the jurisdiction, who came from outside, and what is disclosed to another préfecture.

use std::collections::HashMap;

use anyhow::{Context, Result};
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};

use super::holders::born;
use super::scope::{holder, import_batch};
use super::{Store, on_backend};
use convoke_domain::birth::BirthDate;
use convoke_domain::eligibility::Rule;

/// Holders per query.
const HOLDERS: i64 = 20_000;

/// People in a commune outside the jurisdiction.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Elsewhere {
    /// INSEE code.
    #[diesel(sql_type = Text)]
    pub commune: String,
    /// People.
    #[diesel(sql_type = BigInt)]
    pub people: i64,
    /// Those of them whose permit has expired.
    #[diesel(sql_type = BigInt)]
    pub expired: i64,
    /// The earliest expiry among the other permits.
    #[diesel(sql_type = Nullable<Date>)]
    pub soonest: Option<NaiveDate>,
}

#[derive(QueryableByName)]
struct Arrived {
    #[diesel(sql_type = Date)]
    day: NaiveDate,
    #[diesel(sql_type = BigInt)]
    people: i64,
}

#[derive(QueryableByName)]
struct Last {
    #[diesel(sql_type = Text)]
    holder_id: String,
    #[diesel(sql_type = Date)]
    expires_on: NaiveDate,
}

/// A person with a permit in force, as disclosed to another préfecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// Foreigner number.
    pub number: String,
    /// Date of birth.
    pub birth_date: Option<BirthDate>,
    /// Last day of validity of their latest permit.
    pub expires_on: NaiveDate,
}

impl Store {
    /// People outside the jurisdiction in the last run, by commune.
    pub fn people_elsewhere(&mut self, today: NaiveDate) -> Result<Vec<Elsewhere>> {
        // The rule and the date are our own values: nothing here comes from a file.
        let sql = format!(
            "SELECT commune, count(DISTINCT holder_id) AS people, count(DISTINCT CASE WHEN expires_on < '{today}' THEN holder_id END) AS expired,
                min(CASE WHEN expires_on >= '{today}' THEN expires_on END) AS soonest
             FROM permit WHERE prefecture = '{}' AND rule = '{}' GROUP BY commune ORDER BY commune",
            self.scope.code(),
            Rule::NoJurisdiction.code()
        );
        on_backend!(&mut self.conn, c => diesel::sql_query(sql).load(c))
            .context("counting people outside the jurisdiction")
    }

    /// Number of people who came from elsewhere, by the day of the first extract with them. It was not the very first
    /// extract, their permit was more than `before` days old by then, and none of their permits was known earlier.
    pub fn people_who_came(&mut self, before: u32) -> Result<Vec<(NaiveDate, u64)>> {
        let first: Option<NaiveDate> = import_batch::of(&self.scope)
            .filter(import_batch::kind.eq("permits"))
            .select(diesel::dsl::min(import_batch::imported_on))
            .first(&mut self.conn)
            .context("looking for the first import")?;
        let Some(first) = first else { return Ok(Vec::new()) };
        let earlier = if self.is_postgres() {
            format!("first_seen - {before}")
        } else {
            format!("date(first_seen, '-{before} days')")
        };
        // A person's first permit decides: the others appeared on the same day or later.
        let sql = format!(
            "SELECT day, count(*) AS people FROM (
                 SELECT min(first_seen) AS day, min(CASE WHEN valid_from < {earlier} THEN first_seen END) AS old FROM permit
                 WHERE prefecture = '{0}' AND holder_id IN (SELECT holder_id FROM permit WHERE prefecture = '{0}' AND first_seen > '{first}')
                 GROUP BY holder_id) person
             WHERE day > '{first}' AND old = day GROUP BY day ORDER BY day",
            self.scope.code()
        );
        let rows: Vec<Arrived> =
            on_backend!(&mut self.conn, c => diesel::sql_query(sql).load(c)).context("counting people who came")?;
        Ok(rows.into_iter().map(|row| (row.day, row.people as u64)).collect())
    }

    /// Calls `take` for everyone with a permit, in force or expired, that is not withdrawn and is in the last extract.
    pub fn people_in_force(&mut self, mut take: impl FnMut(InForce) -> Result<()>) -> Result<()> {
        let mut after = String::new();
        loop {
            let people: Vec<(String, String, Option<NaiveDate>, Option<String>)> = holder::of(&self.scope)
                .filter(holder::holder_id.gt(&after))
                .order(holder::holder_id)
                .limit(HOLDERS)
                .select((holder::holder_id, holder::number, holder::birth_date, holder::birth_partial))
                .load(&mut self.conn)
                .context("reading holders")?;
            let Some((last, ..)) = people.last() else { return Ok(()) };
            let sql = format!(
                "SELECT holder_id, max(expires_on) AS expires_on FROM permit {} WHERE prefecture = '{}' AND holder_id > '{after}'
                 AND holder_id <= '{last}' AND status = 'actif' AND NOT absent GROUP BY holder_id",
                self.permit_by_holder(),
                self.scope.code()
            );
            let permits: Vec<Last> =
                on_backend!(&mut self.conn, c => diesel::sql_query(sql).load(c)).context("reading permits in force")?;
            let permits: HashMap<String, NaiveDate> =
                permits.into_iter().map(|p| (p.holder_id, p.expires_on)).collect();
            after.clone_from(last);
            for (id, number, whole, partial) in people {
                let birth_date = born(whole, partial.as_deref());
                if let Some(expires_on) = permits.get(&id) {
                    take(InForce { number, birth_date, expires_on: *expires_on })?;
                }
            }
        }
    }
}
