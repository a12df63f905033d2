//! Duplicates within one file, and the fingerprints by which unchanged rows are recognised.
//!
//! A fingerprint is XXH3-64 with seed 0 over the fields in order: a text is its length in 32 bits and its bytes, a date
//! its day number in 32 bits, numbers are little-endian. An absent value is a length or day that no value has.
//! Fingerprints are stored in the database: neither the hash, nor the order of the fields, nor their form may change,
//! or the next import would find every row changed.

use std::collections::HashMap;

use chrono::NaiveDate;
use twox_hash::XxHash3_64;

use super::result::{RowError, Warning};
use convoke_domain::birth::BirthDate;
use convoke_domain::permit::{Channel, Holder, Permit};

/// Hash of all stored fields of a holder.
pub fn holder_fingerprint(holder: &Holder) -> i64 {
    let Holder {
        number,
        family_name,
        usage_name,
        given_names,
        birth_date,
        email,
        phone,
        language,
        address,
        postcode,
        town,
        commune,
        household,
        channel,
        large_print,
    } = holder;
    let mut fields = Canonical::new();
    fields.text(number);
    fields.text(family_name);
    fields.text_if_any(usage_name.as_deref());
    fields.text(given_names);
    fields.birth_date_if_any(*birth_date);
    fields.text_if_any(email.as_deref());
    fields.text_if_any(phone.as_deref());
    fields.text(language);
    fields.text(&address.join("\n"));
    fields.text(postcode);
    fields.text_if_any(town.as_deref());
    fields.text(commune);
    fields.text_if_any(household.as_deref());
    fields.text_if_any(channel.map(Channel::code));
    fields.text(if *large_print { "1" } else { "0" });
    fields.hash() as i64
}

/// Hash of all stored fields of a permit. The holder's commune is stored with it, because it decides the site.
pub fn permit_fingerprint(permit: &Permit, commune: &str) -> i64 {
    let Permit { number, kind, mention, valid_from, expires_on, status, filed_on, unknown_title, title_words: _ } =
        permit;
    let mut fields = Canonical::new();
    fields.text(number);
    fields.text(kind.code());
    fields.text(mention);
    fields.date_if_any(Some(*valid_from));
    fields.date_if_any(Some(*expires_on));
    fields.text(status.code());
    fields.date_if_any(*filed_on);
    fields.text(commune);
    if let Some(words) = unknown_title {
        fields.text(words);
    }
    fields.hash() as i64
}

/// Fields in an encoding that is unique for each list of fields.
struct Canonical(Vec<u8>);

impl Canonical {
    fn new() -> Self {
        Self(Vec::with_capacity(512))
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }

    /// `None` is encoded as a length that no field has.
    fn text_if_any(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.0.extend_from_slice(&u32::MAX.to_le_bytes()),
        }
    }

    /// A date is its day counted from 1 January of year 1.
    fn date_if_any(&mut self, date: Option<NaiveDate>) {
        let days = date.map_or(i32::MIN, |date| chrono::Datelike::num_days_from_ce(&date));
        self.0.extend_from_slice(&days.to_le_bytes());
    }

    /// A date of birth without a day is a day that no date has.
    fn birth_date_if_any(&mut self, date: Option<BirthDate>) {
        let (year, month) = match date {
            None => return self.date_if_any(None),
            Some(BirthDate::Day(day)) => return self.date_if_any(Some(day)),
            Some(BirthDate::Month(year, month)) => (year, month as i32),
            Some(BirthDate::Year(year)) => (year, 0),
        };
        self.0.extend_from_slice(&(-(year * 100 + month)).to_le_bytes());
    }

    fn hash(&self) -> u64 {
        XxHash3_64::oneshot(&self.0)
    }
}

/// The rows of a file so far. 1.8 million permits and as many holders fit into 88 MB: numbers are kept as 64-bit hashes
/// (two of a million agree with probability 3·10⁻⁸), their data as 32-bit hashes, compared only under the same number.
#[derive(Debug, Default)]
pub struct Duplicates {
    holders: Shards<SeenHolder>,
    permits: Shards<SeenPermit>,
}

/// A map in 16 shards that grow one by one: a growing map holds its entries twice.
#[derive(Debug)]
struct Shards<V>(Vec<HashMap<Key, V>>);

impl<V> Default for Shards<V> {
    fn default() -> Self {
        Self((0..16).map(|_| HashMap::new()).collect())
    }
}

impl<V> Shards<V> {
    fn of(&mut self, key: Key) -> &mut HashMap<Key, V> {
        &mut self.0[key[0] as usize & 15]
    }
}

type Key = [u32; 2];

#[derive(Debug)]
struct SeenHolder {
    row: u32,
    names: u32,
    content: u32,
}

#[derive(Debug)]
struct SeenPermit {
    row: u32,
    holder: u32,
    content: u32,
}

/// What to do with a valid row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// Import it.
    Take {
        /// Whether the holder's data are taken from it: true only for a holder's first row.
        takes_holder: bool,
        /// It contradicts the holder's first row.
        warning: Option<Warning>,
    },
    /// It repeats an earlier row.
    Ignore(Warning),
}

impl Duplicates {
    /// Compares a valid row with those before it. A row refused here leaves no trace: the next one is compared with the
    /// same rows. The fingerprints are those of [`holder_fingerprint`] and [`permit_fingerprint`].
    pub fn check(
        &mut self,
        row: u64,
        holder: &Holder,
        permit: &Permit,
        fingerprints: (i64, i64),
    ) -> Result<Row, RowError> {
        let holder_key = hash([&holder.number]);
        let names = low(hash::<str, 3>([
            &holder.family_name,
            &holder.given_names,
            holder.usage_name.as_deref().unwrap_or_default(),
        ]));
        let content = low(fingerprints.0 as u64);
        let seen_holder = SeenHolder { row: row as u32, names, content };
        let both = hash([&fingerprints.0.to_le_bytes(), &fingerprints.1.to_le_bytes()]);
        let seen_permit = SeenPermit { row: row as u32, holder: low(holder_key), content: low(both) };

        let permit_key = key(hash([&permit.number]));
        if let Some(first) = self.permits.of(permit_key).get(&permit_key) {
            return if first.holder != seen_permit.holder {
                let expected =
                    format!("a permit of one holder: line {} has it under another numero_etranger", first.row);
                Err(RowError::new(row, "numero_titre", &permit.number, expected))
            } else if first.content != seen_permit.content {
                let expected =
                    format!("each permit once, or the same row again: line {} says something else of it", first.row);
                Err(RowError::new(row, "numero_titre", &permit.number, expected))
            } else {
                let note = format!("the same row as on line {}: ignored", first.row);
                Ok(Row::Ignore(Warning::new(row, "", &permit.number, note)))
            };
        }
        let holder_key = key(holder_key);
        let taken = match self.holders.of(holder_key).get(&holder_key) {
            Some(first) if first.names != seen_holder.names => {
                let expected = format!("the names that line {} has for the same numero_etranger", first.row);
                return Err(RowError::new(
                    row,
                    "nom",
                    &format!("{} {}", holder.family_name, holder.given_names),
                    expected,
                ));
            }
            Some(first) if first.content != seen_holder.content => {
                let note =
                    format!("line {0} says something else of the same holder: what line {0} says is kept", first.row);
                let warning = Some(Warning::new(row, "numero_etranger", &holder.number, note));
                Row::Take { takes_holder: false, warning }
            }
            Some(_) => Row::Take { takes_holder: false, warning: None },
            None => {
                self.holders.of(holder_key).insert(holder_key, seen_holder);
                Row::Take { takes_holder: true, warning: None }
            }
        };
        self.permits.of(permit_key).insert(permit_key, seen_permit);
        Ok(taken)
    }
}

fn hash<T: AsRef<[u8]> + ?Sized, const N: usize>(parts: [&T; N]) -> u64 {
    let mut fields = Canonical::new();
    for part in parts {
        fields.bytes(part.as_ref());
    }
    fields.hash()
}

/// Two 32-bit words avoid padding in the maps' entries: 20 bytes instead of 24.
fn key(hash: u64) -> Key {
    [low(hash), low(hash >> 32)]
}

fn low(hash: u64) -> u32 {
    hash as u32
}
