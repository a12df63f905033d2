//! Columns that hold a word of a closed list: what the list does not have never leaves the store.

use std::str::FromStr;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::sql_types::Text;

use convoke_domain::code::UnknownCode;

/// A word as a column holds it. A row whose word is not in the list is refused, with the column, the word and the list.
#[derive(Debug, FromSqlRow)]
pub struct Word<T>(T);

impl<T, DB> FromSql<Text, DB> for Word<T>
where
    T: FromStr<Err = UnknownCode>,
    DB: Backend,
    String: FromSql<Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(String::from_sql(bytes)?.parse()?))
    }
}

/// `#[diesel(deserialize_as = Word<T>)]` gives a field its plain type.
macro_rules! read_as_word {
    ($($word:ty),+ $(,)?) => {$(
        impl From<Word<$word>> for $word {
            fn from(word: Word<$word>) -> Self {
                word.0
            }
        }
    )+};
}

read_as_word!(convoke_domain::run::RunState, convoke_domain::run::Trigger, crate::nights::NightState);
