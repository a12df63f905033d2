//! `convocations.csv`: appointments given elsewhere, before this program. They are firm and need no letter.

use chrono::{NaiveDate, NaiveTime};

use super::field::Fields;
use super::result::{RowError, Warning};
use super::slots::pool;
use super::table::{Record, columns};
use crate::agenda::{Agenda, Pool};

columns! {
    required: Number = "numero_etranger", Site = "site", Desk = "guichet", Day = "date", Start = "heure";
    optional:
}

/// An appointment made elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MadeElsewhere {
    /// Foreigner number of the holder.
    pub number: String,
    /// Site.
    pub site: String,
    /// Desk.
    pub desk: String,
    /// Day.
    pub day: NaiveDate,
    /// Hour.
    pub start: NaiveTime,
}

/// Reads a row, or names each of its bad fields. Whether holder and slot exist is judged where they are stored.
pub fn parse(record: &Record, agenda: &Agenda) -> Result<(MadeElsewhere, Vec<Warning>), Vec<RowError>> {
    let mut fields = Fields::of(record)?;
    let number = fields.foreigner_number(Column::Number);
    let pool = pool(&mut fields, agenda, Column::Site, Column::Desk);
    let day = fields.date(Column::Day);
    let start = fields.hour(Column::Start);
    let made = || {
        let Pool { site, desk } = pool?;
        Some(MadeElsewhere { number: number?, site: site.id.clone(), desk: desk.id.clone(), day: day?, start: start? })
    };
    let made = made();
    fields.finish(made)
}
