//! Statements prepared once and run for every letter. Diesel prepares each UPDATE anew (`update_statement` is never
//! cached), which takes longer than running it. The few that every letter needs are written out here.

use std::marker::PhantomData;

use chrono::NaiveDateTime;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp, Untyped};
use diesel::{QueryResult, RunQueryDsl};

/// A value of a statement.
pub(super) enum Value<'a> {
    Text(Option<&'a str>),
    Number(Option<i64>),
    Instant(Option<NaiveDateTime>),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(text))
    }
}
impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Some(text))
    }
}
impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::Text(text)
    }
}
impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}
impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}
impl From<NaiveDateTime> for Value<'_> {
    fn from(at: NaiveDateTime) -> Self {
        Self::Instant(Some(at))
    }
}

/// SQL that is the same on every database, with a `?` for each value and nowhere else. `Id` identifies it in the
/// statement cache.
pub(super) struct Statement<'a, Id> {
    sql: &'static str,
    values: Vec<Value<'a>>,
    id: PhantomData<Id>,
}

/// `statement!("UPDATE … = ? …", a, b)`.
macro_rules! statement {
    ($sql:expr, $($value:expr),+ $(,)?) => {{
        // A type of its own for each call site: the cached statement is found without building its SQL.
        struct Here;
        $crate::statement::Statement::<Here>::new($sql, vec![$($value.into()),+])
    }};
}
pub(super) use statement;

impl<'a, Id> Statement<'a, Id> {
    pub(super) fn new(sql: &'static str, values: Vec<Value<'a>>) -> Self {
        debug_assert_eq!(sql.matches('?').count(), values.len(), "{sql}");
        Self { sql, values, id: PhantomData }
    }
}

impl<Id: 'static> QueryId for Statement<'_, Id> {
    type QueryId = Id;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB, Id> QueryFragment<DB> for Statement<'_, Id>
where
    DB: Backend
        + diesel::sql_types::HasSqlType<Text>
        + diesel::sql_types::HasSqlType<BigInt>
        + diesel::sql_types::HasSqlType<Timestamp>,
    for<'v> Option<&'v str>: ToSql<Nullable<Text>, DB>,
    Option<i64>: ToSql<Nullable<BigInt>, DB>,
    Option<NaiveDateTime>: ToSql<Nullable<Timestamp>, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let mut values = self.values.iter();
        for (i, part) in self.sql.split('?').enumerate() {
            if i > 0 {
                match values.next() {
                    Some(Value::Text(text)) => out.push_bind_param::<Nullable<Text>, _>(text)?,
                    Some(Value::Number(number)) => out.push_bind_param::<Nullable<BigInt>, _>(number)?,
                    Some(Value::Instant(at)) => out.push_bind_param::<Nullable<Timestamp>, _>(at)?,
                    None => {}
                }
            }
            out.push_sql(part);
        }
        Ok(())
    }
}

// Result columns are read by name.
impl<Id> Query for Statement<'_, Id> {
    type SqlType = Untyped;
}

impl<C, Id> RunQueryDsl<C> for Statement<'_, Id> {}
