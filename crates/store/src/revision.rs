//! What the rows that an import of permits changed were before it, so that it can be undone.

use std::collections::HashSet;

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde::Serialize;
use serde_json::{Value, json};

use super::scope::{act_memory, holder_revision, import_batch, joined, past_verdict, permit, permit_revision};
use super::statement::statement;
use super::{KEYS_PER_QUERY, Store, on_backend};
use convoke_domain::ids::HolderId;
use convoke_machine::confirm::Confirmed;

/// Files of which changes are kept: about a fortnight of nights.
const KEPT: i64 = 20;

/// The columns that an import changes, of permits and of holders.
const OF_PERMIT: [&str; 10] = [
    "kind",
    "mention",
    "valid_from",
    "expires_on",
    "status",
    "filed_on",
    "unknown_title",
    "title_words",
    "commune",
    "absent",
];
const OF_HOLDER: [&str; 15] = [
    "family_name",
    "usage_name",
    "given_names",
    "birth_date",
    "birth_partial",
    "email",
    "phone",
    "language",
    "address",
    "postcode",
    "town",
    "commune",
    "household",
    "channel",
    "large_print",
];

/// An import of permits that may be undone.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct ImportRow {
    /// Number.
    pub import_id: i64,
    /// When it was made, in Universal Time.
    pub imported_at: NaiveDateTime,
    /// When it was undone.
    pub undone_at: Option<NaiveDateTime>,
    /// SHA-256 of its file, in hexadecimal.
    pub sha256: String,
}

/// A permit before an import.
#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = permit_revision)]
struct FormerPermit {
    import_id: i64,
    permit_id: String,
    kind: Option<String>,
    mention: Option<String>,
    valid_from: Option<NaiveDate>,
    expires_on: Option<NaiveDate>,
    status: Option<String>,
    filed_on: Option<NaiveDate>,
    unknown_title: Option<String>,
    title_words: Option<String>,
    commune: Option<String>,
    absent: Option<bool>,
}

/// A holder before an import.
#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = holder_revision)]
struct FormerHolder {
    import_id: i64,
    family_name: Option<String>,
    usage_name: Option<String>,
    given_names: Option<String>,
    birth_date: Option<NaiveDate>,
    birth_partial: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    language: Option<String>,
    address: Option<String>,
    postcode: Option<String>,
    town: Option<String>,
    commune: Option<String>,
    household: Option<String>,
    channel: Option<String>,
    large_print: Option<bool>,
}

/// What was done after an import about a permit that it changed.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct BuiltOn {
    /// The permit.
    #[diesel(sql_type = Text)]
    pub permit_id: String,
    /// The appointment, notice or request.
    #[diesel(sql_type = Text)]
    pub reference: String,
    /// `convocation`, `notice`, `request`, or what a night did about the appointment.
    #[diesel(sql_type = Text)]
    pub what: String,
}

/// What undoing an import did, in permits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Rows that are what they were.
    pub restored: u64,
    /// Rows that were new, and are gone.
    pub removed: u64,
}

impl Store {
    /// The number of the next import.
    pub(super) fn next_import(&mut self) -> Result<i64> {
        let last: Option<i64> = import_batch::of(&self.scope)
            .select(diesel::dsl::max(import_batch::import_id))
            .first(&mut self.conn)
            .context("looking for the last import")?;
        Ok(last.unwrap_or(0) + 1)
    }

    /// Keeps what the stage is about to change, before it is merged, and forgets what imports of long ago changed.
    pub fn keep_revision(&mut self, full: bool) -> Result<()> {
        let (p, id) = (self.scope.code().to_owned(), self.next_import()?);
        let (permit, holder) = (OF_PERMIT.join(", "), OF_HOLDER.join(", "));
        let [of_permit, of_holder] = [&OF_PERMIT[..], &OF_HOLDER[..]]
            .map(|columns| columns.iter().map(|column| format!("o.{column}")).collect::<Vec<_>>().join(", "));
        let into_permit = format!(
            "INSERT INTO permit_revision (prefecture, import_id, permit_id, holder_id, became, fingerprint, {permit})"
        );
        let into_holder =
            format!("INSERT INTO holder_revision (prefecture, import_id, holder_id, became, fingerprint, {holder})");
        let short = "INSERT INTO permit_revision (prefecture, import_id, permit_id, holder_id, became)";
        let short_holder = "INSERT INTO holder_revision (prefecture, import_id, holder_id, became)";
        self.execute(&format!(
            "DELETE FROM permit_revision WHERE prefecture = '{p}' AND import_id <= {id} - {KEPT};
             DELETE FROM holder_revision WHERE prefecture = '{p}' AND import_id <= {id} - {KEPT};
             {into_permit} SELECT '{p}', {id}, o.permit_id, o.holder_id, s.permit_fingerprint, o.fingerprint, {of_permit}
                FROM staged_permit s JOIN permit o ON o.prefecture = '{p}' AND o.permit_id = s.permit_id
                WHERE o.fingerprint <> s.permit_fingerprint OR o.absent;
             {short} SELECT '{p}', {id}, s.permit_id, s.holder_id, s.permit_fingerprint FROM staged_permit s
                WHERE NOT EXISTS (SELECT 1 FROM permit o WHERE o.prefecture = '{p}' AND o.permit_id = s.permit_id);
             {into_holder} SELECT '{p}', {id}, o.holder_id, s.holder_fingerprint, o.fingerprint, {of_holder}
                FROM staged_permit s JOIN holder o ON o.prefecture = '{p}' AND o.holder_id = s.holder_id
                WHERE s.takes_holder AND o.fingerprint <> s.holder_fingerprint;
             {short_holder} SELECT '{p}', {id}, s.holder_id, s.holder_fingerprint FROM staged_permit s
                WHERE s.takes_holder
                  AND NOT EXISTS (SELECT 1 FROM holder o WHERE o.prefecture = '{p}' AND o.holder_id = s.holder_id)"
        ))
        .context("keeping what the import changes")?;
        if full {
            self.index_stage()?;
            self.execute(&format!(
                "{into_permit} SELECT '{p}', {id}, o.permit_id, o.holder_id, o.fingerprint, o.fingerprint, {of_permit}
                    FROM permit o WHERE o.prefecture = '{p}' AND NOT o.absent
                      AND NOT EXISTS (SELECT 1 FROM staged_permit s WHERE s.permit_id = o.permit_id)
                      AND NOT EXISTS (SELECT 1 FROM named_permit n WHERE n.permit_id = o.permit_id)"
            ))
            .context("keeping who is absent")?;
        }
        Ok(())
    }

    /// Imports of permits of which changes are kept, latest first.
    pub fn imports_kept(&mut self) -> Result<Vec<ImportRow>> {
        let kept = permit_revision::of(&self.scope).select(permit_revision::import_id).distinct();
        let kept: Vec<i64> = kept.load(&mut self.conn).context("looking for what imports changed")?;
        let holders = holder_revision::of(&self.scope).select(holder_revision::import_id).distinct();
        let holders: Vec<i64> = holders.load(&mut self.conn)?;
        import_batch::of(&self.scope)
            .filter(import_batch::kind.eq("permits"))
            .filter(import_batch::import_id.eq_any(kept.into_iter().chain(holders)))
            .order(import_batch::import_id.desc())
            .select((
                import_batch::import_id,
                import_batch::imported_at,
                import_batch::undone_at,
                import_batch::file_sha256,
            ))
            .load(&mut self.conn)
            .context("reading the imports")
    }

    /// Former facts about a person, kept so that an import or an act can be undone.
    pub(super) fn kept_to_undo(&mut self, id: &HolderId) -> Result<Vec<Value>> {
        let permits: Vec<FormerPermit> = permit_revision::of(&self.scope)
            .filter(permit_revision::holder_id.eq(&id.0).and(permit_revision::fingerprint.is_not_null()))
            .order(permit_revision::import_id)
            .select(FormerPermit::as_select())
            .load(&mut self.conn)
            .context("reading former permits")?;
        let holders: Vec<FormerHolder> = holder_revision::of(&self.scope)
            .filter(holder_revision::holder_id.eq(&id.0).and(holder_revision::fingerprint.is_not_null()))
            .order(holder_revision::import_id)
            .select(FormerHolder::as_select())
            .load(&mut self.conn)
            .context("reading former names and addresses")?;
        let acts: Vec<(i64, String)> = act_memory::of(&self.scope)
            .filter(act_memory::holder_id.eq(&id.0))
            .order(act_memory::entry)
            .select((act_memory::entry, act_memory::data))
            .load(&mut self.conn)
            .context("reading what acts changed")?;
        let mut kept = permits.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
        kept.extend(holders.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?);
        let act = |(entry, data): (i64, String)| json!({"act": entry, "was": serde_json::from_str(&data).unwrap_or(Value::Null)});
        kept.extend(acts.into_iter().map(act));
        Ok(kept)
    }

    /// Whether an extract was taken in after an import, and not undone.
    pub fn is_extract_after(&mut self, import: i64) -> Result<bool> {
        let later = import_batch::of(&self.scope)
            .filter(import_batch::kind.eq("permits").and(import_batch::import_id.gt(import)))
            .filter(import_batch::undone_at.is_null());
        diesel::select(diesel::dsl::exists(later)).get_result(&mut self.conn).context("looking for later imports")
    }

    /// What was done since about the people whose permits an import changed.
    pub fn built_on(&mut self, import: &ImportRow) -> Result<Vec<BuiltOn>> {
        let at = import.imported_at;
        let since = statement!(
            "WITH r AS (SELECT prefecture, permit_id FROM permit_revision WHERE prefecture = ? AND import_id = ?)
             SELECT r.permit_id, c.reference, 'convocation' AS what FROM r
                JOIN convocation c ON c.prefecture = r.prefecture AND c.permit_id = r.permit_id AND c.created_at > ?
             UNION SELECT r.permit_id, n.reference, 'notice' FROM r
                JOIN notice n ON n.prefecture = r.prefecture AND n.permit_id = r.permit_id AND n.created_at > ?
             UNION SELECT r.permit_id, q.request_id, 'request' FROM r
                JOIN request q ON q.prefecture = r.prefecture AND q.permit_id = r.permit_id AND q.created_at > ?
             UNION SELECT r.permit_id, f.reference, f.consequence FROM r
                JOIN convocation c ON c.prefecture = r.prefecture AND c.permit_id = r.permit_id
                JOIN followed f ON f.prefecture = c.prefecture AND f.reference = c.reference
                  AND f.consequence NOT IN ('listed', 'withheld', 'lapsed')
                JOIN run ON run.prefecture = f.prefecture AND run.run_id = f.run_id AND run.started_at > ?
             ORDER BY 2, 3",
            self.scope.code(),
            import.import_id,
            at,
            at,
            at,
            at,
        );
        on_backend!(&mut self.conn, c => since.load(c)).context("looking for what was done since")
    }

    /// Puts the rows that an import changed back to what they were; those that were new are removed with their holders,
    /// except the permits `built_on`. Rows that something else has changed since stay, and are returned by their numbers.
    pub fn undo_import(
        &mut self,
        import: &ImportRow,
        built_on: &HashSet<&str>,
        now: DateTime<Utc>,
        confirmed: &Confirmed,
    ) -> Result<(Restored, Vec<String>)> {
        let (p, id) = (self.scope.code().to_owned(), import.import_id);
        let changed = self.changed_since(id)?;
        let [set_permit, set_holder] = [&OF_PERMIT[..], &OF_HOLDER[..]].map(|columns| {
            columns.iter().map(|column| format!("{column} = r.{column}")).collect::<Vec<_>>().join(", ")
        });
        let restored = self.count(&format!(
            "FROM permit_revision r JOIN permit p ON p.prefecture = r.prefecture AND p.permit_id = r.permit_id
             WHERE r.prefecture = '{p}' AND r.import_id = {id} AND r.fingerprint IS NOT NULL AND p.fingerprint = r.became"
        ))?;
        self.execute(&format!(
            "UPDATE permit SET {set_permit}, fingerprint = r.fingerprint, review_on = '0001-01-01'
                FROM permit_revision r WHERE r.prefecture = '{p}' AND r.import_id = {id} AND r.fingerprint IS NOT NULL
                  AND permit.prefecture = '{p}' AND permit.permit_id = r.permit_id AND permit.fingerprint = r.became;
             UPDATE holder SET {set_holder}, fingerprint = r.fingerprint
                FROM holder_revision r WHERE r.prefecture = '{p}' AND r.import_id = {id} AND r.fingerprint IS NOT NULL
                  AND holder.prefecture = '{p}' AND holder.holder_id = r.holder_id AND holder.fingerprint = r.became"
        ))
        .context("putting back what an import changed")?;
        let removed = self.remove_new(id, built_on, confirmed)?;
        self.rank_permits(None)?;
        diesel::update(import_batch::of(&self.scope).filter(import_batch::import_id.eq(id)))
            .set(import_batch::undone_at.eq(now.naive_utc()))
            .execute(&mut self.conn)?;
        diesel::delete(permit_revision::of(&self.scope).filter(permit_revision::import_id.eq(id)))
            .execute(&mut self.conn)?;
        diesel::delete(holder_revision::of(&self.scope).filter(holder_revision::import_id.eq(id)))
            .execute(&mut self.conn)?;
        self.make_words(&|_| {})?;
        self.data_changed()?;
        Ok((Restored { restored, removed }, changed))
    }

    /// Numbers of permits that an import changed and something else has changed since.
    fn changed_since(&mut self, import: i64) -> Result<Vec<String>> {
        permit_revision::of(&self.scope)
            .inner_join(joined!(permit, permit_revision, permit_id))
            .filter(permit_revision::import_id.eq(import))
            .filter(permit::fingerprint.ne(permit_revision::became))
            .order(permit::number)
            .select(permit::number)
            .load(&mut self.conn)
            .context("looking for what has changed since")
    }

    /// Removes permits that were new, and holders who were and have no others.
    fn remove_new(&mut self, import: i64, built_on: &HashSet<&str>, confirmed: &Confirmed) -> Result<u64> {
        let new: Vec<(String, String)> = permit_revision::of(&self.scope)
            .filter(permit_revision::import_id.eq(import).and(permit_revision::fingerprint.is_null()))
            .select((permit_revision::permit_id, permit_revision::holder_id))
            .load(&mut self.conn)
            .context("reading what was new")?;
        let kept: HashSet<&str> =
            new.iter().filter(|(id, _)| built_on.contains(id.as_str())).map(|(_, holder)| holder.as_str()).collect();
        let gone: Vec<&str> = new.iter().map(|(id, _)| id.as_str()).filter(|id| !built_on.contains(id)).collect();
        for batch in gone.chunks(KEYS_PER_QUERY) {
            diesel::delete(past_verdict::of(&self.scope).filter(past_verdict::permit_id.eq_any(batch)))
                .execute(&mut self.conn)?;
            diesel::delete(permit::of(&self.scope).filter(permit::permit_id.eq_any(batch)))
                .execute(&mut self.conn)
                .context("removing permits that were new")?;
        }
        let new: Vec<String> = holder_revision::of(&self.scope)
            .filter(holder_revision::import_id.eq(import).and(holder_revision::fingerprint.is_null()))
            .select(holder_revision::holder_id)
            .load(&mut self.conn)?;
        let alone: Vec<&str> = new.iter().map(String::as_str).filter(|id| !kept.contains(id)).collect();
        self.erase_holders(&alone, confirmed)?;
        Ok(gone.len() as u64)
    }
}
