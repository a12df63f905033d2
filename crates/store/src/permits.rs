//! Permits, holders and verdicts.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use chrono::NaiveDate;
use diesel::connection::DefaultLoadingMode;
use diesel::deserialize::FromSql;
use diesel::dsl::count_star;
use diesel::pg::{Pg, PgRowByRowLoadingMode, PgValue};
use diesel::prelude::*;
use diesel::sqlite::{Sqlite, SqliteValue};
use diesel::table;

use super::row::{Code, Columns, row};
use super::scope::{holder, joined, permit, prefecture};
use super::{Conn, KEYS_PER_QUERY, RunRow, Store, insert_all};
use convoke_domain::eligibility::{Facts, Rule};
use convoke_domain::ids::{HolderId, PermitId, RunId};
use convoke_domain::permit::{PermitKind, Status};

row! {
    /// What the nightly scan reads of a permit.
    #[derive(Clone, Debug)]
    pub struct PermitRow,
    #[derive(Queryable)]
    struct PermitColumns of permit by permit_id {
        /// Permit.
        pub permit_id: String,
        /// Holder.
        pub holder_id: String,
        kind: PermitKind as Code<PermitKind>,
        /// Mention.
        pub mention: String,
        /// Last day of validity.
        #[diesel(deserialize_as = IsoDate)]
        pub expires_on: NaiveDate,
        status: Status as Code<Status>,
        /// INSEE code.
        pub commune: String,
        flags: i32,
        rule: Option<String>,
        /// First night on which the verdict may change.
        #[diesel(deserialize_as = IsoDate)]
        pub review_on: NaiveDate,
    }
}

/// Filed, held, absent, superseded, of an unknown title: five booleans in one column, because each column of a million
/// rows costs a twentieth of a second.
pub(super) const FLAGS: &str = "CASE WHEN filed_on IS NULL THEN 0 ELSE 1 END + CASE WHEN held THEN 2 ELSE 0 END
     + CASE WHEN absent THEN 4 ELSE 0 END + CASE WHEN superseded THEN 8 ELSE 0 END
     + CASE WHEN unknown_title IS NULL THEN 0 ELSE 16 END";

/// The facts that [`FLAGS`] holds, beside the others.
pub(super) fn with_flags(mut facts: Facts<'_>, flags: i32) -> Facts<'_> {
    facts.filed |= flags & 1 > 0;
    facts.held = flags & 2 > 0;
    facts.absent = flags & 4 > 0;
    facts.superseded = flags & 8 > 0;
    facts.unknown = flags & 16 > 0;
    facts
}

/// A date as stored. SQLite holds `2026-10-05`: three numbers at fixed positions, read three million times on a first
/// night. Parsing them by a format string would take a tenth of the scan.
#[derive(Clone, Copy, Debug, diesel::deserialize::FromSqlRow)]
pub struct IsoDate(NaiveDate);

impl From<IsoDate> for NaiveDate {
    fn from(date: IsoDate) -> Self {
        date.0
    }
}

impl FromSql<diesel::sql_types::Date, Sqlite> for IsoDate {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> diesel::deserialize::Result<Self> {
        let text = value.read_text();
        let number = |range: std::ops::Range<usize>| text.get(range)?.parse().ok();
        let date = || NaiveDate::from_ymd_opt(text.get(..4)?.parse().ok()?, number(5..7)?, number(8..10)?);
        let plain = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
        Ok(Self(plain.then(date).flatten().ok_or_else(|| format!("{text:?} in the database is no date"))?))
    }
}

impl FromSql<diesel::sql_types::Date, Pg> for IsoDate {
    fn from_sql(value: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        <NaiveDate as FromSql<diesel::sql_types::Date, Pg>>::from_sql(value).map(Self)
    }
}

impl PermitRow {
    /// The facts on which it is assessed. A holder who came with all documents counts as having filed, even if the
    /// extract does not show it yet.
    pub fn facts(&self, convoked_for: Option<NaiveDate>, honoured: bool) -> Facts<'_> {
        let facts = Facts {
            kind: self.kind,
            mention: &self.mention,
            status: self.status,
            expires_on: self.expires_on,
            commune: &self.commune,
            filed: honoured,
            held: false,
            absent: false,
            superseded: false,
            unknown: false,
            convoked_for,
        };
        with_flags(facts, self.flags)
    }

    /// The stored verdict; empty for a permit that was never assessed.
    pub fn stored_rule(&self) -> &str {
        self.rule.as_deref().unwrap_or_default()
    }

    /// Whether the stored review date is still right: dates up to tonight are equivalent.
    pub fn is_reviewed_by(&self, review_on: NaiveDate, tonight: NaiveDate) -> bool {
        self.review_on == review_on || (self.review_on <= tonight && review_on <= tonight)
    }

    /// Whether this rule is the stored verdict.
    pub fn has_rule(&self, rule: Rule) -> bool {
        self.stored_rule() == rule.code()
    }
}

/// A verdict to store.
#[derive(Clone, Debug)]
pub struct VerdictChange {
    /// Permit.
    pub permit_id: String,
    /// The rule that decides.
    pub rule: Rule,
    /// Next night on which to review it.
    pub review_on: NaiveDate,
}

#[derive(Insertable)]
#[diesel(table_name = verdict_change, treat_none_as_default_value = false)]
struct VerdictColumns<'a> {
    permit_id: &'a str,
    rule: &'static str,
    review_on: NaiveDate,
}

impl<'a> VerdictColumns<'a> {
    fn of(change: &'a VerdictChange) -> Self {
        Self { permit_id: &change.permit_id, rule: change.rule.code(), review_on: change.review_on }
    }
}

table! {
    verdict_change (permit_id) {
        permit_id -> Text,
        rule -> Text,
        review_on -> Date,
    }
}

fn each<C: Columns>(
    rows: impl Iterator<Item = QueryResult<C>>,
    mut take: impl FnMut(C::Row) -> Result<()>,
) -> Result<()> {
    for columns in rows {
        take(columns?.read()?)?;
    }
    Ok(())
}

/// Row by row on both: otherwise PostgreSQL's client would hold a million rows.
macro_rules! read_each {
    ($conn:expr, $query:expr, $take:expr) => {
        match $conn {
            Conn::Sqlite(c) => each($query.load_iter::<PermitColumns, DefaultLoadingMode>(c)?, $take),
            Conn::Postgres(c) => each($query.load_iter::<PermitColumns, PgRowByRowLoadingMode>(c)?, $take),
        }
    };
}

impl Store {
    /// Calls `take` for each permit whose verdict may differ on `tonight`, exactly once, as it is read; for every
    /// permit if no date is given.
    pub fn permits_to_review(
        &mut self,
        tonight: Option<NaiveDate>,
        mut take: impl FnMut(PermitRow) -> Result<()>,
    ) -> Result<()> {
        use permit::{commune, expires_on, holder_id, kind, mention, permit_id, review_on, rule, status};
        let flags = diesel::dsl::sql::<diesel::sql_types::Integer>(FLAGS);
        let all = permit::of(&self.scope)
            .select((permit_id, holder_id, kind, mention, expires_on, status, commune, flags, rule, review_on));
        // Two statements: reading the whole table through the index takes twice as long.
        match tonight {
            Some(date) => read_each!(&mut self.conn, all.filter(review_on.le(date)), &mut take),
            None => read_each!(&mut self.conn, all, &mut take),
        }
        .context("reading the permits to review")
    }

    /// All stored permits by current verdict. Permits never assessed are counted under the empty rule.
    pub fn permits_by_rule(&mut self) -> Result<BTreeMap<String, u64>> {
        let rows: Vec<(Option<String>, i64)> = permit::of(&self.scope)
            .group_by(permit::rule)
            .select((permit::rule, count_star()))
            .load(&mut self.conn)
            .context("counting permits by rule")?;
        Ok(rows.into_iter().map(|(rule, n)| (rule.unwrap_or_default(), n as u64)).collect())
    }

    /// Stores verdicts, and keeps the ones they replace.
    pub fn store_verdicts(&mut self, run: &RunId, tonight: NaiveDate, changes: &[VerdictChange]) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        self.execute(
            "CREATE TEMP TABLE IF NOT EXISTS verdict_change (permit_id TEXT PRIMARY KEY, rule TEXT NOT NULL, review_on DATE NOT NULL);
             DELETE FROM verdict_change;",
        )?;
        for changes in changes.chunks(5 * KEYS_PER_QUERY) {
            let rows: Vec<VerdictColumns<'_>> = changes.iter().map(VerdictColumns::of).collect();
            insert_all!(&mut self.conn, verdict_change, &rows, KEYS_PER_QUERY)?;
        }
        // The ids are also filtered by a list: with the join alone SQLite walks every permit while others wait. The
        // préfecture, the run and the date are validated values: nothing here comes from a file.
        let (prefecture, run) = (self.scope.code(), &run.0);
        self.execute(&format!(
            "INSERT INTO past_verdict (prefecture, permit_id, rule, since, until, run_id)
             SELECT p.prefecture, p.permit_id, p.rule, p.rule_since, '{tonight}', p.rule_run
             FROM permit p JOIN verdict_change c ON c.permit_id = p.permit_id
             WHERE p.prefecture = '{prefecture}' AND p.permit_id IN (SELECT permit_id FROM verdict_change)
               AND p.rule IS NOT NULL AND p.rule <> c.rule
             ON CONFLICT DO NOTHING;
             UPDATE permit SET
                rule_since = CASE WHEN permit.rule = c.rule THEN permit.rule_since ELSE '{tonight}' END,
                rule_run = CASE WHEN permit.rule = c.rule THEN permit.rule_run ELSE '{run}' END,
                rule = c.rule, review_on = c.review_on
             FROM verdict_change c
             WHERE permit.prefecture = '{prefecture}' AND permit.permit_id IN (SELECT permit_id FROM verdict_change)
               AND permit.permit_id = c.permit_id;"
        ))
        .context("storing the verdicts")
    }

    /// Each permit's verdict as of a run: permit, type, expiry, rule. Permits erased since are missing; type and expiry
    /// are the current ones.
    pub fn verdicts_at(&mut self, run: &RunRow) -> Result<Vec<(String, String, NaiveDate, String)>> {
        use super::scope::{past_verdict, run as runs};
        let then = run.started_at;
        // Verdicts that date from that run or an earlier one.
        let standing: Vec<(String, String, NaiveDate, Option<String>)> = permit::of(&self.scope)
            .inner_join(runs::on(permit::prefecture, permit::rule_run.assume_not_null().eq(runs::run_id)))
            .filter(runs::started_at.le(then))
            .select((permit::permit_id, permit::kind, permit::expires_on, permit::rule))
            .load(&mut self.conn)
            .context("reading verdicts that stand")?;
        // And verdicts that a later run replaced: the last one given by then.
        let past: Vec<(String, String, NaiveDate, String)> = past_verdict::of(&self.scope)
            .inner_join(joined!(runs, past_verdict, run_id))
            .inner_join(joined!(permit, past_verdict, permit_id))
            .filter(runs::started_at.le(then))
            .order((past_verdict::permit_id, runs::started_at))
            .select((past_verdict::permit_id, permit::kind, permit::expires_on, past_verdict::rule))
            .load(&mut self.conn)
            .context("reading verdicts that were")?;
        let mut found: BTreeMap<String, (String, NaiveDate, String)> = BTreeMap::new();
        let standing = standing.into_iter().map(|(id, kind, day, rule)| (id, kind, day, rule.unwrap_or_default()));
        for (id, kind, day, rule) in past.into_iter().chain(standing) {
            found.insert(id, (kind, day, rule));
        }
        Ok(found.into_iter().map(|(id, (kind, day, rule))| (id, kind, day, rule)).collect())
    }

    /// Foreigner number and name of each permit's holder: read only for a report that names people.
    pub fn names_of_permits(&mut self) -> Result<BTreeMap<String, [String; 2]>> {
        let rows: Vec<(String, String, String, String)> = permit::of(&self.scope)
            .inner_join(joined!(holder, permit, holder_id))
            .select((permit::permit_id, holder::number, holder::family_name, holder::given_names))
            .load(&mut self.conn)
            .context("reading who holds each permit")?;
        Ok(rows
            .into_iter()
            .map(|(id, number, family, given)| (id, [number, format!("{family} {given}").trim().to_owned()]))
            .collect())
    }

    /// Version of the planning data: a number that grows with each change.
    pub fn data_version(&mut self) -> Result<i64> {
        let row = prefecture::of(&self.scope).select(prefecture::data_version);
        let known: Option<i64> = row.first(&mut self.conn).optional().context("reading the version of the data")?;
        Ok(known.unwrap_or(0))
    }

    /// Increments the version, in the transaction of the change.
    pub(super) fn data_changed(&mut self) -> Result<()> {
        diesel::update(prefecture::of(&self.scope))
            .set(prefecture::data_version.eq(prefecture::data_version + 1))
            .execute(&mut self.conn)
            .context("marking the data as changed")?;
        Ok(())
    }

    /// Hash of the rules that the stored verdicts were made with.
    pub fn assessed_with(&mut self) -> Result<Option<String>> {
        let row = prefecture::of(&self.scope).select(prefecture::assessed_with);
        let known: Option<Option<String>> =
            row.first(&mut self.conn).optional().context("reading the rules of the last run")?;
        Ok(known.flatten())
    }

    /// Records the rules that all stored verdicts now follow.
    pub fn set_assessed_with(&mut self, rules_hash: &str) -> Result<()> {
        diesel::update(prefecture::of(&self.scope))
            .set(prefecture::assessed_with.eq(rules_hash))
            .execute(&mut self.conn)?;
        Ok(())
    }

    /// First night on which each permit was known.
    pub fn first_seen(&mut self, permits: &[&str]) -> Result<HashMap<String, NaiveDate>> {
        let mut found = HashMap::with_capacity(permits.len());
        for batch in permits.chunks(KEYS_PER_QUERY) {
            let rows: Vec<(String, NaiveDate)> = permit::of(&self.scope)
                .filter(permit::permit_id.eq_any(batch))
                .select((permit::permit_id, permit::first_seen))
                .load(&mut self.conn)
                .context("reading since when permits are known")?;
            found.extend(rows);
        }
        Ok(found)
    }

    /// Permits under a rule, soonest expiry first: (permit, commune, expiry).
    pub fn permits_under(&mut self, rule: Rule, limit: i64) -> Result<Vec<(String, String, NaiveDate)>> {
        permit::of(&self.scope)
            .filter(permit::rule.eq(rule.code()))
            .order((permit::expires_on, permit::permit_id))
            .limit(limit)
            .select((permit::permit_id, permit::commune, permit::expires_on))
            .load(&mut self.conn)
            .context("reading the permits under a rule")
    }

    /// Marks a permit for review by the next run: a change that its review date does not cover.
    pub fn review_again(&mut self, permit_id: &PermitId) -> Result<()> {
        self.review_all_again(&[permit_id.0.as_str()])
    }

    /// The same for many permits.
    pub fn review_all_again(&mut self, permits: &[&str]) -> Result<()> {
        for batch in permits.chunks(KEYS_PER_QUERY) {
            diesel::update(permit::of(&self.scope))
                .filter(permit::permit_id.eq_any(batch))
                .set(permit::review_on.eq(NaiveDate::from_ymd_opt(1, 1, 1).context("a date")?))
                .execute(&mut self.conn)
                .context("marking permits for review")?;
        }
        self.data_changed()
    }

    /// The holder's permit that expires last, for a convocation that names only the holder.
    pub fn latest_permit(&mut self, holder: &HolderId) -> Result<Option<PermitId>> {
        let id: Option<String> = permit::of(&self.scope)
            .filter(permit::holder_id.eq(&holder.0))
            .order((permit::superseded, permit::expires_on.desc(), permit::permit_id))
            .select(permit::permit_id)
            .first(&mut self.conn)
            .optional()?;
        Ok(id.map(PermitId))
    }
}
