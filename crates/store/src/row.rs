//! Rows as typed values. A word that its list does not have, or a name that names nothing, never leaves the store: the
//! row is refused, and the error says in which table, column and row it is.

use std::fmt::{Debug, Display};
use std::io::Write;
use std::str::FromStr;

use anyhow::{Context, Result};
use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Text;
use diesel::sqlite::{Sqlite, SqliteValue};

/// A value that is stored as text, as a column holds it: the value, or the text that is none.
#[derive(Clone, Debug, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub(super) struct Word<T>(Result<T, String>);

/// The same, parsed where it lies: a night reads millions of them. Only for queries that name their database.
#[derive(Clone, Debug, FromSqlRow)]
pub(super) struct Code<T>(Result<T, String>);

fn parse<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| text.to_owned())
}

impl<T: FromStr, DB: Backend> FromSql<Text, DB> for Word<T>
where
    String: FromSql<Text, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(parse(&String::from_sql(value)?)))
    }
}

impl<T: FromStr> FromSql<Text, Sqlite> for Code<T> {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(parse(value.read_text())))
    }
}

impl<T: FromStr> FromSql<Text, Pg> for Code<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(parse(std::str::from_utf8(value.as_bytes())?)))
    }
}

impl<T> From<T> for Word<T> {
    fn from(value: T) -> Self {
        Self(Ok(value))
    }
}

impl<T: Display + Debug> ToSql<Text, Sqlite> for Word<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.text());
        Ok(IsNull::No)
    }
}

impl<T: Display + Debug> ToSql<Text, Pg> for Word<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.text().as_bytes())?;
        Ok(IsNull::No)
    }
}

impl<T: Display> Word<T> {
    fn text(&self) -> String {
        self.0.as_ref().map_or_else(Clone::clone, ToString::to_string)
    }
}

/// A column that holds what its list does not have.
#[derive(Debug, thiserror::Error)]
#[error("{table}.{column} of {key} is {found:?}, which this version does not know: was it written by a newer one?")]
pub struct Unreadable {
    table: &'static str,
    column: &'static str,
    key: String,
    found: String,
}

impl Unreadable {
    pub(super) fn new(table: &'static str, column: &'static str, key: &dyn Display, found: String) -> Self {
        Self { table, column, key: key.to_string(), found }
    }
}

/// A column's value, given as the program has it; or the text that cannot be.
pub(super) trait Column<T> {
    fn read(self) -> Result<T, String>;
}

impl<T> Column<T> for Word<T> {
    fn read(self) -> Result<T, String> {
        self.0
    }
}

impl<T> Column<T> for Code<T> {
    fn read(self) -> Result<T, String> {
        self.0
    }
}

impl<T> Column<Option<T>> for Option<Word<T>> {
    fn read(self) -> Result<Option<T>, String> {
        self.map(|word| word.0).transpose()
    }
}

/// The columns of a row, given as a typed row.
pub(super) trait Columns {
    type Row;
    fn read(self) -> Result<Self::Row, Unreadable>;
}

/// What a query found, as typed rows.
pub(super) trait Rows {
    type Found;
    /// `doing` is what to say of a query that fails, or of a row that cannot be read.
    fn rows(self, doing: &'static str) -> Result<Self::Found>;
}

impl<C: Columns> Rows for QueryResult<C> {
    type Found = C::Row;
    fn rows(self, doing: &'static str) -> Result<C::Row> {
        self.context(doing)?.read().context(doing)
    }
}

impl<C: Columns> Columns for Vec<C> {
    type Row = Vec<C::Row>;
    fn read(self) -> Result<Self::Row, Unreadable> {
        self.into_iter().map(C::read).collect()
    }
}

impl<C: Columns> Columns for Option<C> {
    type Row = Option<C::Row>;
    fn read(self) -> Result<Self::Row, Unreadable> {
        self.map(C::read).transpose()
    }
}

/// A row as typed, and its columns as they are read:
///
/// ```text
/// row! {
///     #[derive(…)]                        of the row
///     pub struct LetterRow,
///     #[derive(Queryable, Selectable)]    of its columns
///     struct LetterColumns of outbox by letter_id {
///         pub state: LetterState as Word<LetterState>,
///         pub attempts: i64,
///     }
/// }
/// ```
macro_rules! row {
    (
        $(#[$rmeta:meta])* $vis:vis struct $Row:ident,
        $(#[$cmeta:meta])* struct $Columns:ident of $table:ident by $key:ident {
            $($(#[doc = $doc:expr])* $(#[serde($($serde:tt)*)])? $(#[diesel($($diesel:tt)*)])?
              $fvis:vis $field:ident: $type:ty $(as $column:ty)?),* $(,)?
        }
    ) => {
        $(#[$rmeta])*
        $vis struct $Row { $($(#[doc = $doc])* $(#[serde($($serde)*)])? $fvis $field: $type,)* }

        $(#[$cmeta])*
        #[diesel(table_name = $table)]
        pub(super) struct $Columns { $($(#[diesel($($diesel)*)])? pub(super) $field: $crate::row::row!(@either $type $(, $column)?),)* }

        impl $crate::row::Columns for $Columns {
            type Row = $Row;
            fn read(self) -> Result<$Row, $crate::row::Unreadable> {
                $(let $field = $crate::row::row!(@read self $table $key $field $(, $column)?);)*
                Ok($Row { $($field),* })
            }
        }
    };
    (@either $type:ty) => { $type };
    (@either $type:ty, $column:ty) => { $column };
    (@read $self:ident $table:ident $key:ident $field:ident) => { $self.$field };
    // The key comes first, so that it is known by then.
    (@read $self:ident $table:ident $key:ident $field:ident, $column:ty) => {
        $crate::row::Column::read($self.$field).map_err(|found| {
            $crate::row::Unreadable::new(stringify!($table), stringify!($field), &$key, found)
        })?
    };
}
pub(super) use row;
