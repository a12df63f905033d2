//! Importing an extract: rows are staged as they are parsed, then merged in a few set-based statements.

use anyhow::{Context, Result};
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::table;

use super::scope::import_batch;
use super::{CUSTOM_PLANS, Conn, Store, insert_all, on_backend};
use convoke_domain::birth::BirthDate;
use convoke_domain::ids::{HolderId, PermitId};
use convoke_domain::permit::{Holder, Permit};

table! {
    staged_permit (row_no) {
        row_no -> BigInt,
        holder_id -> Text,
        permit_id -> Text,
        takes_holder -> Bool,
        holder_number -> Text,
        family_name -> Text,
        usage_name -> Nullable<Text>,
        given_names -> Text,
        birth_date -> Nullable<Date>,
        birth_partial -> Nullable<Text>,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        language -> Text,
        address -> Text,
        postcode -> Text,
        town -> Nullable<Text>,
        commune -> Text,
        household -> Nullable<Text>,
        channel -> Nullable<Text>,
        large_print -> Bool,
        holder_fingerprint -> BigInt,
        permit_number -> Text,
        kind -> Text,
        mention -> Text,
        valid_from -> Date,
        expires_on -> Date,
        status -> Text,
        filed_on -> Nullable<Date>,
        unknown_title -> Nullable<Text>,
        title_words -> Nullable<Text>,
        permit_fingerprint -> BigInt,
    }
}

/// A valid row of an extract.
#[derive(Debug, Insertable)]
#[diesel(table_name = staged_permit, treat_none_as_default_value = false)]
pub struct Staged {
    row_no: i64,
    holder_id: String,
    permit_id: String,
    takes_holder: bool,
    holder_number: String,
    family_name: String,
    usage_name: Option<String>,
    given_names: String,
    birth_date: Option<NaiveDate>,
    birth_partial: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    language: String,
    address: String,
    postcode: String,
    town: Option<String>,
    commune: String,
    household: Option<String>,
    channel: Option<String>,
    large_print: bool,
    holder_fingerprint: i64,
    permit_number: String,
    kind: &'static str,
    mention: String,
    valid_from: NaiveDate,
    expires_on: NaiveDate,
    status: &'static str,
    filed_on: Option<NaiveDate>,
    unknown_title: Option<String>,
    title_words: Option<String>,
    permit_fingerprint: i64,
}

/// A row of an extract, with the ids and fingerprints that the import assigned.
#[derive(Debug)]
pub struct ImportedRow {
    /// Line of the file.
    pub row_no: u64,
    /// Id of the holder.
    pub holder_id: HolderId,
    /// Id of the permit.
    pub permit_id: PermitId,
    /// Whether the holder's data are taken from this row: true only for a holder's first row.
    pub takes_holder: bool,
    /// The holder.
    pub holder: Holder,
    /// The permit.
    pub permit: Permit,
    /// Hash of the holder's fields.
    pub holder_fingerprint: i64,
    /// Hash of the permit's fields.
    pub permit_fingerprint: i64,
}

impl From<ImportedRow> for Staged {
    fn from(row: ImportedRow) -> Self {
        let ImportedRow {
            row_no,
            holder_id,
            permit_id,
            takes_holder,
            holder,
            permit,
            holder_fingerprint,
            permit_fingerprint,
        } = row;
        Self {
            row_no: row_no as i64,
            holder_id: holder_id.0,
            permit_id: permit_id.0,
            takes_holder,
            holder_number: holder.number,
            family_name: holder.family_name,
            usage_name: holder.usage_name,
            given_names: holder.given_names,
            birth_date: holder.birth_date.and_then(BirthDate::day),
            birth_partial: holder.birth_date.filter(|born| born.day().is_none()).map(|born| born.to_string()),
            email: holder.email,
            phone: holder.phone,
            language: holder.language,
            address: holder.address.join("\n"),
            postcode: holder.postcode,
            town: holder.town,
            commune: holder.commune,
            household: holder.household,
            channel: holder.channel.map(|c| c.code().to_owned()),
            large_print: holder.large_print,
            holder_fingerprint,
            permit_number: permit.number,
            kind: permit.kind.code(),
            mention: permit.mention,
            valid_from: permit.valid_from,
            expires_on: permit.expires_on,
            status: permit.status.code(),
            filed_on: permit.filed_on,
            unknown_title: permit.unknown_title,
            title_words: permit.title_words,
            permit_fingerprint,
        }
    }
}

/// An extract of permits that was taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extract {
    /// The day whose facts it has.
    pub as_of: NaiveDate,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Rows per statement: 31 columns stay below SQLite's 32,766 parameters.
const ROWS_PER_INSERT: usize = 1_000;

impl Store {
    /// Opens the stage: a temporary table of this connection.
    pub fn open_stage(&mut self) -> Result<()> {
        // Same collation as the target tables: by bytes, not by language.
        let id = if self.is_postgres() { r#"TEXT COLLATE "C""# } else { "TEXT" };
        self.execute(&format!(
            "DROP TABLE IF EXISTS named_permit;
             CREATE TEMP TABLE named_permit (permit_id {id} NOT NULL PRIMARY KEY);
             DROP TABLE IF EXISTS staged_permit;
             CREATE TEMP TABLE staged_permit (
                row_no BIGINT NOT NULL PRIMARY KEY, holder_id {id} NOT NULL, permit_id {id} NOT NULL, takes_holder BOOLEAN NOT NULL,
                holder_number TEXT NOT NULL, family_name TEXT NOT NULL, usage_name TEXT, given_names TEXT NOT NULL,
                birth_date DATE, birth_partial TEXT,
                email TEXT, phone TEXT, language TEXT NOT NULL, address TEXT NOT NULL, postcode TEXT NOT NULL, town TEXT,
                commune TEXT NOT NULL, household TEXT, channel TEXT, large_print BOOLEAN NOT NULL, holder_fingerprint BIGINT NOT NULL,
                permit_number TEXT NOT NULL, kind TEXT NOT NULL, mention TEXT NOT NULL, valid_from DATE NOT NULL,
                expires_on DATE NOT NULL, status TEXT NOT NULL, filed_on DATE, unknown_title TEXT,
                title_words TEXT, permit_fingerprint BIGINT NOT NULL);"
        ))
        .context("preparing the import")
    }

    /// Stages rows; call it inside [`Store::write`].
    pub fn stage(&mut self, rows: &[Staged]) -> Result<()> {
        insert_all!(&mut self.conn, staged_permit, rows, ROWS_PER_INSERT).context("staging rows")
    }

    /// Notes permits whose numbers stand in rows that cannot be imported: a full extract does not lack them.
    pub fn stage_named(&mut self, permits: &[PermitId]) -> Result<()> {
        for batch in permits.chunks(ROWS_PER_INSERT) {
            let rows = batch.iter().map(|id| format!("('{}')", id.0)).collect::<Vec<_>>().join(", ");
            self.execute(&format!("INSERT INTO named_permit VALUES {rows} ON CONFLICT DO NOTHING"))
                .context("noting permits of rows that cannot be imported")?;
        }
        Ok(())
    }

    pub(super) fn count(&mut self, from_where: &str) -> Result<u64> {
        let sql = format!("SELECT count(*) AS n {from_where}");
        let found: Count = on_backend!(&mut self.conn, c => diesel::sql_query(sql).get_result(c))?;
        Ok(found.n as u64)
    }

    /// Removes rows from the stage; their permits are noted as by [`Self::stage_named`]. If one of them carried its
    /// holder's data, the holder's next row does.
    pub fn unstage(&mut self, row_nos: &[u64]) -> Result<()> {
        for batch in row_nos.chunks(5_000) {
            let rows: Vec<i64> = batch.iter().map(|r| *r as i64).collect();
            let permits: Vec<String> = staged_permit::table
                .filter(staged_permit::row_no.eq_any(rows.clone()))
                .select(staged_permit::permit_id)
                .load(&mut self.conn)?;
            self.stage_named(&permits.into_iter().map(PermitId).collect::<Vec<_>>())?;
            let off = staged_permit::table.filter(staged_permit::row_no.eq_any(rows));
            let holders: Vec<String> = off
                .clone()
                .filter(staged_permit::takes_holder)
                .select(staged_permit::holder_id)
                .load(&mut self.conn)?;
            diesel::delete(off).execute(&mut self.conn)?;
            let next: Vec<Option<i64>> = staged_permit::table
                .filter(staged_permit::holder_id.eq_any(holders))
                .group_by(staged_permit::holder_id)
                .select(diesel::dsl::min(staged_permit::row_no))
                .load(&mut self.conn)?;
            let next: Vec<i64> = next.into_iter().flatten().collect();
            diesel::update(staged_permit::table.filter(staged_permit::row_no.eq_any(next)))
                .set(staged_permit::takes_holder.eq(true))
                .execute(&mut self.conn)?;
        }
        Ok(())
    }

    /// Indexes the stage by permit: each permit of the préfecture is looked up in it.
    pub(super) fn index_stage(&mut self) -> Result<()> {
        self.execute(match self.conn {
            Conn::Sqlite(_) => "CREATE UNIQUE INDEX IF NOT EXISTS temp.staged_by_permit ON staged_permit (permit_id)",
            Conn::Postgres(_) => "CREATE UNIQUE INDEX IF NOT EXISTS staged_by_permit ON staged_permit (permit_id)",
        })
        .context("indexing the import")
    }

    /// Merges the stage: new rows are inserted, changed rows updated, unchanged rows untouched. The next run reviews
    /// whatever changed. Rows go in key order, so that each page is written once.
    pub fn merge_stage(&mut self, full: bool, today: NaiveDate) -> Result<()> {
        let p = self.scope.code().to_owned();
        let words = self.staged_words()?;
        // The foreign key to the holder is checked for each row. This plan may be cached, while other statements of a
        // transaction are planned each time.
        self.plan("auto")?;
        self.execute(&format!(
            "INSERT INTO holder (prefecture, holder_id, number, family_name, usage_name, given_names,
                birth_date, birth_partial, email, phone, language,
                address, postcode, town, commune, household, channel, large_print, fingerprint)
             SELECT '{p}', holder_id, holder_number, family_name, usage_name, given_names,
                birth_date, birth_partial, email, phone, language,
                address, postcode, town, commune, household, channel, large_print, holder_fingerprint
             FROM staged_permit WHERE takes_holder ORDER BY holder_id
             ON CONFLICT (prefecture, holder_id) DO UPDATE SET
                family_name = excluded.family_name, usage_name = excluded.usage_name, given_names = excluded.given_names,
                birth_date = excluded.birth_date, birth_partial = excluded.birth_partial,
                email = excluded.email, phone = excluded.phone, language = excluded.language,
                address = excluded.address, postcode = excluded.postcode, town = excluded.town, commune = excluded.commune,
                household = excluded.household, channel = excluded.channel, large_print = excluded.large_print,
                fingerprint = excluded.fingerprint
             WHERE holder.fingerprint <> excluded.fingerprint;
             INSERT INTO permit (prefecture, permit_id, holder_id, number, kind, mention, valid_from, expires_on, status, filed_on,
                unknown_title, title_words, commune, absent, held, superseded, fingerprint, first_seen, review_on)
             SELECT '{p}', permit_id, holder_id, permit_number, kind, mention, valid_from, expires_on, status, filed_on,
                unknown_title, title_words, commune, FALSE, FALSE, FALSE, permit_fingerprint, '{today}', '0001-01-01'
             FROM staged_permit WHERE TRUE ORDER BY permit_id
             ON CONFLICT (prefecture, permit_id) DO UPDATE SET
                kind = excluded.kind, mention = excluded.mention, valid_from = excluded.valid_from, expires_on = excluded.expires_on,
                status = excluded.status, filed_on = excluded.filed_on,
                unknown_title = excluded.unknown_title, title_words = excluded.title_words,
                commune = excluded.commune, absent = FALSE,
                fingerprint = excluded.fingerprint, review_on = excluded.review_on
             WHERE permit.fingerprint <> excluded.fingerprint OR permit.absent;"
        ))
        .context("merging the import")?;
        self.plan(CUSTOM_PLANS)?;
        if full {
            self.index_stage()?;
            self.execute(&format!(
                "UPDATE permit SET absent = TRUE, review_on = '0001-01-01' WHERE prefecture = '{p}' AND NOT absent
                 AND NOT EXISTS (SELECT 1 FROM staged_permit s WHERE s.permit_id = permit.permit_id)
                 AND NOT EXISTS (SELECT 1 FROM named_permit n WHERE n.permit_id = permit.permit_id)"
            ))
            .context("marking the absent")?;
        }
        self.rank_permits(None)?;
        self.execute("DROP TABLE staged_permit; DROP TABLE named_permit;")?;
        match words {
            Some(changes) => self.change_words(&changes),
            None => self.make_words(&|_| {}),
        }
    }

    /// Finds the latest permit of each holder, or of one.
    pub(super) fn rank_permits(&mut self, holder: Option<&str>) -> Result<()> {
        let p = self.scope.code().to_owned();
        let whose = holder.map(|id| format!("AND holder_id = '{id}'")).unwrap_or_default();
        // Only holders of several permits can have one that is not the latest. They are ranked in one pass: look-ups
        // per permit would depend on the planner, which has no statistics after a first import.
        self.execute(&format!(
            "UPDATE permit SET superseded = r.superseded, review_on = '0001-01-01'
             FROM (SELECT permit_id, NOT (absent OR status IN ('retire', 'decede')) AND row_number() OVER (
                       PARTITION BY holder_id
                       ORDER BY (absent OR status IN ('retire', 'decede')), expires_on DESC, valid_from DESC, permit_id DESC) > 1
                       AS superseded
                   FROM permit
                   WHERE prefecture = '{p}' {whose} AND holder_id IN (
                       SELECT holder_id FROM permit WHERE prefecture = '{p}' {whose} GROUP BY holder_id HAVING count(*) > 1)) r
             WHERE permit.prefecture = '{p}' AND permit.permit_id = r.permit_id AND permit.superseded <> r.superseded;"
        ))
        .context("finding the latest permits")
    }

    /// Records that a file was imported, `on` a civil date; `as_of` is the day whose facts it has. Returns its number.
    pub fn remember_import(
        &mut self,
        kind: &str,
        at: chrono::NaiveDateTime,
        [on, as_of]: [NaiveDate; 2],
        sha256: &str,
        counts: [u64; 4],
    ) -> Result<i64> {
        self.data_changed()?;
        let [read, inserted, updated, rejected] = counts.map(|n| n as i64);
        let import_id = self.next_import()?;
        import_batch::insert(&self.scope)
            .values((
                import_batch::import_id.eq(import_id),
                import_batch::kind.eq(kind),
                import_batch::imported_at.eq(at),
                import_batch::imported_on.eq(on),
                import_batch::as_of.eq(as_of),
                import_batch::file_sha256.eq(sha256),
                import_batch::rows_read.eq(read),
                import_batch::rows_inserted.eq(inserted),
                import_batch::rows_updated.eq(updated),
                import_batch::rows_rejected.eq(rejected),
            ))
            .execute(&mut self.conn)
            .context("remembering the import")?;
        // The merge has brought the search words up to date.
        if kind == "permits" {
            self.set_words_until(Some(import_id))?;
        }
        Ok(import_id)
    }

    /// The extracts of permits, in the order in which they were taken in. One without a row that was imported says
    /// nothing new of anybody, so it is none.
    pub fn extracts(&mut self) -> Result<Vec<Extract>> {
        let rows: Vec<(Option<NaiveDate>, NaiveDate, String)> = import_batch::of(&self.scope)
            .filter(import_batch::kind.eq("permits").and(import_batch::undone_at.is_null()))
            .filter(import_batch::rows_read.gt(import_batch::rows_rejected))
            .order(import_batch::import_id)
            .select((import_batch::as_of, import_batch::imported_on, import_batch::file_sha256))
            .load(&mut self.conn)
            .context("reading the extracts taken in")?;
        let extract = |(as_of, on, sha256): (Option<NaiveDate>, _, _)| Extract { as_of: as_of.unwrap_or(on), sha256 };
        Ok(rows.into_iter().map(extract).collect())
    }

    /// How many permits are stored.
    pub fn permits_known(&mut self) -> Result<u64> {
        let p = self.scope.code().to_owned();
        self.count(&format!("FROM permit WHERE prefecture = '{p}'"))
    }

    /// The day whose facts the last extract has.
    pub fn last_extract(&mut self) -> Result<Option<NaiveDate>> {
        Ok(self.extracts()?.last().map(|extract| extract.as_of))
    }
}
