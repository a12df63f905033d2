//! The tables, narrowed to one préfecture. Only this module sees them whole: everywhere else a table is reached through
//! a [`Scope`], or through a row that was, and a statement that leaves the préfecture out cannot be written.

mod schema;

use diesel::dsl::{Eq, Filter, Order, Select};
use diesel::expression::{ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_source::{Alias, AliasedField};
use diesel::sql_types::Text;

/// The rows of one préfecture, in every table.
pub(crate) struct Scope {
    code: String,
}

/// A `prefecture` column: what a joined table is narrowed by.
pub(crate) trait Narrowed:
    Expression<SqlType = Text> + ValidGrouping<(), IsAggregate = is_aggregate::No>
{
}

impl Scope {
    pub(crate) fn of(code: &str) -> Self {
        Self { code: code.to_owned() }
    }

    /// For what belongs to no préfecture: a copy of the whole database, and the look for what préfectures there are.
    /// Its queries find nothing.
    pub(crate) fn nowhere() -> Self {
        Self::of("")
    }

    /// The codes of all préfectures in the database: the one query that is of none.
    pub(crate) fn everywhere() -> Order<Select<prefecture::table, prefecture::code>, prefecture::code> {
        schema::prefecture::table.select(prefecture::code).order(prefecture::code)
    }

    /// The préfecture's code.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// Refuses rows of another préfecture.
    pub(crate) fn owns<'r>(&self, rows: impl IntoIterator<Item = &'r str>) -> QueryResult<()> {
        match rows.into_iter().find(|code| *code != self.code) {
            None => Ok(()),
            Some(code) => {
                let refused = format!("a row of {code} is not for {}", self.code);
                Err(diesel::result::Error::QueryBuilderError(refused.into()))
            }
        }
    }
}

/// For a table: its columns; its type (an alias, which is no value: derives need it, and no query can begin with it);
/// and the ways to its rows, each narrowed to one préfecture by `$key`.
macro_rules! narrowed {
    ($table:ident by $key:ident) => {
        #[allow(dead_code, reason = "not every table is joined, or inserted into, in every way")]
        pub(crate) mod $table {
            use diesel::dsl::{And, Eq, Filter};
            use diesel::helper_types::On;
            use diesel::prelude::*;
            use diesel::query_builder::{IncompleteInsertStatement, InsertStatement};
            use diesel::sql_types::Bool;

            pub(crate) use super::schema::$table::columns::*;
            use super::{Narrowed, Scope, schema};

            #[allow(non_camel_case_types, reason = "as diesel names it")]
            pub(crate) type table = schema::$table::table;

            impl Narrowed for $key {}

            /// The préfecture's rows.
            pub(crate) fn of(own: &Scope) -> Filter<table, Eq<$key, &str>> {
                schema::$table::table.filter($key.eq(own.code()))
            }

            /// For a join: rows of the préfecture that the query's other table is narrowed to.
            pub(crate) fn on<P: Narrowed, C>(other: P, condition: C) -> On<table, And<Eq<$key, P>, C, Bool>>
            where
                C: Expression<SqlType = Bool>,
            {
                schema::$table::table.on($key.eq(other).and(condition))
            }

            /// For a subquery: rows of the préfecture that the query's table is narrowed to.
            pub(crate) fn beside<P: Narrowed>(other: P) -> Filter<table, Eq<$key, P>> {
                schema::$table::table.filter($key.eq(other))
            }

            /// Inserts a row of the préfecture, which its values need not name.
            pub(crate) fn insert(own: &Scope) -> Insert<'_> {
                Insert(own)
            }

            pub(crate) struct Insert<'s>(&'s Scope);

            impl<'s> Insert<'s> {
                pub(crate) fn values<V>(self, values: V) -> Inserted<'s, V>
                where
                    (Eq<$key, &'s str>, V): Insertable<table>,
                {
                    diesel::insert_into(schema::$table::table).values(($key.eq(self.0.code()), values))
                }
            }

            type Inserted<'s, V> = InsertStatement<table, <(Eq<$key, &'s str>, V) as Insertable<table>>::Values>;

            /// Inserts a row that names its préfecture, which is `of`.
            pub(crate) fn insert_own(own: &Scope, of: &str) -> QueryResult<IncompleteInsertStatement<table>> {
                own.owns([of])?;
                Ok(diesel::insert_into(schema::$table::table))
            }
        }
    };
}

macro_rules! of_prefecture {
    ($($table:ident)+) => { $(narrowed!($table by prefecture);)+ };
}

// The préfecture's own row.
narrowed!(prefecture by code);
of_prefecture! {
    account act_memory avoided_day bounce checkpoint closed_day concerned console_session convocation delivery_attempt followed
    holder holder_key holder_alias holder_revision holder_word household_link import_batch import_waiting ledger_entry night notice outbox pace past_verdict permit
    permit_revision planned_block request reservation run run_outcome run_record sign_in slot succession template_bundle
    title_kept witness_letter
}

/// `joined!(convocation, outbox, reference)`: for each letter, the convocation of its préfecture with its reference.
macro_rules! joined {
    ($table:ident, $other:ident, $column:ident) => {
        $table::on($other::prefecture, $table::$column.eq($other::$column))
    };
}
pub(crate) use joined;

/// In a module of its own: the alias is as much of a bare table as the table is.
mod again {
    use super::schema::convocation;

    diesel::alias! {
        pub(crate) const LATER: Alias<Later> = convocation as later;
    }
}
use again::{LATER, Later};

/// A column of [`later_convocations`].
pub(crate) fn later<C>(column: C) -> AliasedField<Later, C>
where
    C: Column<Table = schema::convocation::table>,
{
    LATER.field(column)
}

/// Convocations again, for a comparison with the query's convocations of the same préfecture.
pub(crate) fn later_convocations()
-> Filter<Alias<Later>, Eq<AliasedField<Later, convocation::prefecture>, convocation::prefecture>> {
    LATER.filter(later(convocation::prefecture).eq(convocation::prefecture))
}
