//! Contact details shared by unrelated people: an e-mail, a telephone number, a postal address.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result};
use diesel::connection::DefaultLoadingMode;
use diesel::pg::PgRowByRowLoadingMode;
use diesel::prelude::*;
use rayon::prelude::*;
use twox_hash::XxHash3_64;

use super::scope::{convocation, holder};
use super::{Conn, KEYS_PER_QUERY, Store};
use convoke_domain::code::coded;
use convoke_domain::search::phone_key;

coded! {
    /// Kind of contact detail.
    pub enum Contact {
        /// E-mail address.
        Email = "e-mail",
        /// Telephone number.
        Phone = "phone",
        /// Postal address.
        Address = "address",
    }
}

/// A contact detail shared by people of different households.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// Kind.
    pub contact: Contact,
    /// The value: personal data.
    pub value: String,
    /// People with it.
    pub holders: u64,
    /// Their households; a person in none counts as one.
    pub households: u64,
    /// How many of them have an appointment, upcoming or not yet marked.
    pub convoked: u64,
    /// Their foreigner numbers.
    pub numbers: Vec<String>,
}

#[derive(Queryable)]
struct Reached {
    holder_id: String,
    number: String,
    email: Option<String>,
    phone: Option<String>,
    address: String,
    postcode: String,
    commune: String,
    household: Option<String>,
}

/// Digits by which telephone numbers are compared; shorter numbers are ignored.
const PHONE_DIGITS: usize = 9;

impl Reached {
    /// The value to compare: e-mails and addresses in lower case, telephones by their last nine digits.
    fn value(&self, contact: Contact) -> Option<String> {
        match contact {
            Contact::Email => self.email.as_ref().map(|email| email.to_lowercase()),
            Contact::Phone => self.phone.as_deref().and_then(phone_key).filter(|digits| digits.len() == PHONE_DIGITS),
            Contact::Address => Some(format!("{} {} {}", self.address.to_lowercase(), self.postcode, self.commune)),
        }
    }
}

fn hash(text: &str) -> u64 {
    XxHash3_64::oneshot(text.as_bytes())
}

/// A value that several households share, by its hash.
struct Group {
    contact: Contact,
    hash: u64,
    holders: u64,
    households: u64,
}

impl Store {
    /// Contact details shared by at least `households` households, most shared first: at most `limit` of each kind, and
    /// how many there are in all. Two passes over all holders: the first counts hashes, the second reads the holders of
    /// the few returned.
    pub fn shared_contacts(&mut self, households: u64, limit: usize) -> Result<(Vec<Shared>, u64)> {
        let links = self.links()?;
        let mut seen: Vec<(Contact, Vec<(u64, u64)>)> = Contact::ALL.iter().map(|c| (*c, Vec::new())).collect();
        self.each_reached(|mut row| {
            let family = links.household(&row.holder_id, row.household.take());
            let family = family.map_or_else(|| hash(&row.holder_id), |family| hash(&family));
            for (contact, values) in &mut seen {
                values.extend(row.value(*contact).map(|value| (hash(&value), family)));
            }
        })?;
        let (mut shown, mut all) = (Vec::new(), 0);
        for (contact, values) in seen {
            let mut groups = groups(contact, values, households);
            all += groups.len() as u64;
            groups.sort_unstable_by_key(|g| std::cmp::Reverse((g.households, g.holders, g.hash)));
            groups.truncate(limit);
            shown.extend(groups);
        }
        Ok((self.with_people(&shown)?, all))
    }

    fn with_people(&mut self, groups: &[Group]) -> Result<Vec<Shared>> {
        let place: HashMap<(Contact, u64), usize> =
            groups.iter().enumerate().map(|(i, g)| ((g.contact, g.hash), i)).collect();
        let mut shared: Vec<Shared> = groups
            .iter()
            .map(|g| Shared {
                contact: g.contact,
                value: String::new(),
                holders: g.holders,
                households: g.households,
                convoked: 0,
                numbers: Vec::new(),
            })
            .collect();
        if shared.is_empty() {
            return Ok(shared);
        }
        let mut people: Vec<(usize, String)> = Vec::new();
        self.each_reached(|row| {
            for contact in Contact::ALL {
                let Some(value) = row.value(*contact) else { continue };
                if let Some(at) = place.get(&(*contact, hash(&value))) {
                    shared[*at].value = value;
                    shared[*at].numbers.push(row.number.clone());
                    people.push((*at, row.holder_id.clone()));
                }
            }
        })?;
        let mut convoked: HashSet<String> = HashSet::new();
        for some in people.chunks(KEYS_PER_QUERY) {
            let live: Vec<String> = convocation::of(&self.scope)
                .filter(convocation::holder_id.eq_any(some.iter().map(|(_, id)| id)))
                .filter(convocation::state.eq("convoked"))
                .select(convocation::holder_id)
                .load(&mut self.conn)
                .context("reading which of them are convoked")?;
            convoked.extend(live);
        }
        for (at, id) in people {
            shared[at].convoked += u64::from(convoked.contains(&id));
        }
        for s in &mut shared {
            s.numbers.sort_unstable();
        }
        Ok(shared)
    }

    /// Calls `take` for every holder, one by one.
    fn each_reached(&mut self, mut take: impl FnMut(Reached)) -> Result<()> {
        use holder::{address, commune, email, holder_id, household, number, phone, postcode};
        let all =
            holder::of(&self.scope).select((holder_id, number, email, phone, address, postcode, commune, household));
        let mut take = |row: QueryResult<Reached>| row.map(&mut take);
        match &mut self.conn {
            Conn::Sqlite(c) => all.load_iter::<Reached, DefaultLoadingMode>(c)?.try_for_each(&mut take),
            Conn::Postgres(c) => all.load_iter::<Reached, PgRowByRowLoadingMode>(c)?.try_for_each(&mut take),
        }
        .context("reading how people are reached")
    }
}

/// Values, by hash, shared by at least `at_least` households. `values` holds the hashes of value and household for each
/// holder.
fn groups(contact: Contact, mut values: Vec<(u64, u64)>, at_least: u64) -> Vec<Group> {
    values.par_sort_unstable();
    values
        .chunk_by(|a, b| a.0 == b.0)
        .map(|same| Group {
            contact,
            hash: same[0].0,
            holders: same.len() as u64,
            households: same.chunk_by(|a, b| a.1 == b.1).count() as u64,
        })
        .filter(|group| group.households >= at_least)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_household_counts_once_however_many_of_it_there_are() {
        let values = vec![(7, 1), (8, 1), (7, 2), (7, 1), (7, 3), (8, 1), (8, 1)];
        let found: Vec<_> =
            groups(Contact::Email, values, 2).iter().map(|g| (g.hash, g.holders, g.households)).collect();
        assert_eq!(found, [(7, 4, 3)]);
    }
}
