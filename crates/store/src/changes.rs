//! What an extract would change, by row and by column, before it is merged.

use anyhow::{Context, Result};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::{Store, on_backend};

/// How a column of the extract differs from what is stored, in rows that are both in the extract and stored.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ColumnChange {
    /// The column.
    pub column: &'static str,
    /// Rows in which it says something else.
    pub changed: u64,
    /// Of those, rows in which it says nothing any more.
    pub emptied: u64,
}

/// The columns of an extract as they are stored: with the table, the column there and the column of the stage.
const STORED: [(&str, &str, &str); 20] = [
    ("nom", "h.family_name", "s.family_name"),
    ("nom_usage", "h.usage_name", "s.usage_name"),
    ("prenoms", "h.given_names", "s.given_names"),
    (
        "date_naissance",
        "coalesce(h.birth_partial, CAST(h.birth_date AS TEXT))",
        "coalesce(s.birth_partial, CAST(s.birth_date AS TEXT))",
    ),
    ("email", "h.email", "s.email"),
    ("telephone", "h.phone", "s.phone"),
    ("langue", "h.language", "s.language"),
    ("adresse", "h.address", "s.address"),
    ("code_postal", "h.postcode", "s.postcode"),
    ("ville", "h.town", "s.town"),
    ("commune_insee", "h.commune", "s.commune"),
    ("foyer", "h.household", "s.household"),
    ("canal", "h.channel", "s.channel"),
    ("format", "CAST(h.large_print AS TEXT)", "CAST(s.large_print AS TEXT)"),
    ("type_titre", "p.kind", "s.kind"),
    ("mention", "p.mention", "s.mention"),
    ("debut_validite", "CAST(p.valid_from AS TEXT)", "CAST(s.valid_from AS TEXT)"),
    ("fin_validite", "CAST(p.expires_on AS TEXT)", "CAST(s.expires_on AS TEXT)"),
    ("statut", "p.status", "s.status"),
    ("depot_le", "CAST(p.filed_on AS TEXT)", "CAST(s.filed_on AS TEXT)"),
];

/// What a merge changed, counted in permits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// New permits.
    pub inserted: u64,
    /// Permits that changed, or whose holder changed.
    pub updated: u64,
    /// Permits newly absent from a full extract.
    pub vanished: u64,
    /// Permits stored before.
    pub known: u64,
    /// Permits that were stored before and are in the extract.
    pub both: u64,
    /// Permits of titles that nobody has named, and that were not so before.
    pub unknown: u64,
    /// The columns that differ.
    pub columns: Vec<ColumnChange>,
}

impl Merged {
    /// Whether anything changed.
    pub fn is_any(&self) -> bool {
        self.inserted + self.updated + self.vanished > 0
    }
}

impl Store {
    /// What [`Store::merge_stage`] would change; `any_unknown` if a staged row has a title that nobody has named.
    pub fn staged_changes(&mut self, full: bool, any_unknown: bool) -> Result<Merged> {
        let p = self.scope.code().to_owned();
        let known = self.count(&format!("FROM permit WHERE prefecture = '{p}'"))?;
        let staged = self.count("FROM staged_permit")?;
        let matched =
            format!("FROM staged_permit s JOIN permit p ON p.prefecture = '{p}' AND p.permit_id = s.permit_id");
        // Looking at every row costs a second of a million.
        let unknown = if any_unknown {
            self.count(&format!(
                "FROM staged_permit s WHERE s.unknown_title IS NOT NULL AND s.mention NOT LIKE 'etudiant%'
                 AND NOT EXISTS (SELECT 1 FROM permit p WHERE p.prefecture = '{p}'
                    AND p.permit_id = s.permit_id AND p.unknown_title IS NOT NULL)"
            ))?
        } else {
            0
        };
        if known == 0 {
            return Ok(Merged { inserted: staged, unknown, ..Merged::default() });
        }
        let both = self.count(&matched)?;
        let (updated, columns) = self.staged_columns(&matched)?;
        let vanished = if full {
            self.index_stage()?;
            self.count(&format!(
                "FROM permit p WHERE p.prefecture = '{p}' AND NOT p.absent
                 AND NOT EXISTS (SELECT 1 FROM staged_permit s WHERE s.permit_id = p.permit_id)
                 AND NOT EXISTS (SELECT 1 FROM named_permit n WHERE n.permit_id = p.permit_id)"
            ))?
        } else {
            0
        };
        Ok(Merged { inserted: staged - both, updated, vanished, known, both, unknown, columns })
    }

    /// Rows that differ from what is stored, and in which columns.
    fn staged_columns(&mut self, matched: &str) -> Result<(u64, Vec<ColumnChange>)> {
        #[derive(QueryableByName)]
        struct Sums {
            #[diesel(sql_type = BigInt)]
            n: i64,
            #[diesel(sql_type = diesel::sql_types::Text)]
            sums: String,
        }
        let sum = |holds: String| format!("CAST(coalesce(sum(CASE WHEN {holds} THEN 1 ELSE 0 END), 0) AS TEXT)");
        let sums: Vec<String> = STORED
            .iter()
            .flat_map(|(_, stored, staged)| {
                // The holder's data come from one of their rows.
                let own = if stored.contains("h.") { "s.takes_holder AND " } else { "" };
                let is_empty = |value: &str| format!("coalesce({value}, '') = ''");
                let changed = format!("{own}coalesce({stored}, '') <> coalesce({staged}, '')");
                let emptied = format!("{own}{} AND NOT {}", is_empty(staged), is_empty(stored));
                [sum(changed), sum(emptied)]
            })
            .collect();
        let sql = format!(
            "SELECT count(*) AS n, {} AS sums {matched}
             JOIN holder h ON h.prefecture = p.prefecture AND h.holder_id = s.holder_id
             WHERE p.fingerprint <> s.permit_fingerprint OR p.absent
                OR (s.takes_holder AND h.fingerprint <> s.holder_fingerprint)",
            sums.join(" || ' ' || ")
        );
        let found: Sums = on_backend!(&mut self.conn, c => diesel::sql_query(sql).get_result(c))?;
        let sums: Vec<u64> = found.sums.split(' ').map(str::parse).collect::<Result<_, _>>().context("the sums")?;
        let columns = STORED.iter().zip(sums.chunks(2)).filter(|(_, sums)| sums[0] > 0);
        let columns = columns.map(|((column, ..), sums)| ColumnChange { column, changed: sums[0], emptied: sums[1] });
        Ok((found.n as u64, columns.collect()))
    }
}
