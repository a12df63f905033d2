//! What many people have in common who have nothing to do with one another: an e-mail, a telephone number, a postal address.

use anyhow::{Context, Result};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::schema::{convocation, holder};
use super::{KEYS_PER_QUERY, Store, on_backend};
use crate::code::coded;

coded! {
    /// By what people are reached.
    pub enum Contact {
        /// E-mail address.
        Email = "e-mail",
        /// Telephone number.
        Phone = "phone",
        /// Postal address.
        Address = "address",
    }
}

/// Something by which several people are reached who are of different households.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// Kind.
    pub contact: Contact,
    /// It itself: personal data.
    pub value: String,
    /// People who have it.
    pub holders: u64,
    /// Their households; whoever is in none counts as one.
    pub households: u64,
    /// Those of them who have an appointment to come, or to be marked.
    pub convoked: u64,
    /// Their foreigner numbers.
    pub numbers: Vec<String>,
}

#[derive(QueryableByName)]
struct Group {
    #[diesel(sql_type = Text)]
    value: String,
    #[diesel(sql_type = BigInt)]
    holders: i64,
    #[diesel(sql_type = BigInt)]
    households: i64,
    #[diesel(sql_type = BigInt)]
    groups: i64,
}

impl Store {
    /// What at least so many households share, the most shared first: at most `limit`, and how many there are in all.
    pub fn shared_contacts(&mut self, contact: Contact, households: i64, limit: usize) -> Result<(Vec<Shared>, u64)> {
        let value = self.value_of(contact);
        // An agent's link holds for all of the household of the extract to which one of the linked belongs.
        let sql = format!(
            "WITH link (of_extract, household) AS (
                 SELECT h.household, min(l.household) FROM household_link l
                 JOIN holder h ON h.prefecture = l.prefecture AND h.holder_id = l.holder_id
                 WHERE l.prefecture = '{0}' AND h.household IS NOT NULL GROUP BY h.household),
             of_each (value, household) AS (
                 SELECT {value}, coalesce(own.household, link.household, holder.household, holder.holder_id) FROM holder
                 LEFT JOIN household_link own ON own.prefecture = holder.prefecture AND own.holder_id = holder.holder_id
                 LEFT JOIN link ON link.of_extract = holder.household
                 WHERE holder.prefecture = '{0}' AND {value} IS NOT NULL),
             shared AS (
                 SELECT value, count(*) AS holders, count(DISTINCT household) AS households FROM of_each
                 GROUP BY value HAVING count(*) >= {households} AND count(DISTINCT household) >= {households})
             SELECT value, holders, households, count(*) OVER () AS groups FROM shared
             ORDER BY households DESC, holders DESC, value LIMIT {limit}",
            self.prefecture
        );
        let groups: Vec<Group> = on_backend!(&mut self.conn, c => diesel::sql_query(sql).load(c))
            .context("looking for what people share")?;
        let all = groups.first().map_or(0, |group| group.groups as u64);
        let mut shared: Vec<Shared> = groups
            .into_iter()
            .map(|group| Shared {
                contact,
                value: group.value,
                holders: group.holders as u64,
                households: group.households as u64,
                convoked: 0,
                numbers: Vec::new(),
            })
            .collect();
        self.add_people(&mut shared, &value)?;
        Ok((shared, all))
    }

    /// Who they are, in one more pass over all holders.
    fn add_people(&mut self, shared: &mut [Shared], value: &str) -> Result<()> {
        use diesel::dsl::sql;
        let values: Vec<&str> = shared.iter().map(|s| s.value.as_str()).collect();
        let people: Vec<(String, String, String)> = holder::table
            .filter(holder::prefecture.eq(&self.prefecture).and(sql::<Text>(value).eq_any(&values)))
            .order(holder::number)
            .select((sql::<Text>(value), holder::holder_id, holder::number))
            .load(&mut self.conn)
            .context("reading who shares something")?;
        let ids: Vec<&str> = people.iter().map(|(_, id, _)| id.as_str()).collect();
        let mut convoked = std::collections::HashSet::new();
        for ids in ids.chunks(KEYS_PER_QUERY) {
            let live: Vec<String> = convocation::table
                .filter(convocation::prefecture.eq(&self.prefecture).and(convocation::holder_id.eq_any(ids)))
                .filter(convocation::state.eq("convoked"))
                .select(convocation::holder_id)
                .load(&mut self.conn)
                .context("reading which of them are convoked")?;
            convoked.extend(live);
        }
        let places: std::collections::HashMap<String, usize> =
            shared.iter().enumerate().map(|(i, s)| (s.value.clone(), i)).collect();
        for (value, id, number) in people {
            if let Some(at) = places.get(&value) {
                shared[*at].numbers.push(number);
                shared[*at].convoked += u64::from(convoked.contains(&id));
            }
        }
        Ok(())
    }

    /// What is compared: e-mails without capitals, telephones by their last nine digits, addresses with postcode and commune.
    fn value_of(&self, contact: Contact) -> String {
        match contact {
            Contact::Email => "lower(holder.email)".to_owned(),
            Contact::Address => "holder.address || ' ' || holder.postcode || ' ' || holder.commune".to_owned(),
            Contact::Phone => {
                let mut digits = "holder.phone".to_owned();
                for between in [" ", ".", "-", "/", "(", ")", "\u{a0}", "\u{202f}"] {
                    digits = format!("replace({digits}, '{between}', '')");
                }
                let last =
                    if self.is_postgres() { format!("right({digits}, 9)") } else { format!("substr({digits}, -9)") };
                // Something shorter is nobody's number.
                format!("CASE WHEN length({digits}) >= 9 THEN {last} END")
            }
        }
    }
}
