//! What templates may use.

use chrono::{NaiveDate, NaiveTime};
use serde::Serialize;

use crate::{Appointment, LetterData, LetterKind, Office};

/// Everything that a letter's wording may use.
#[derive(Serialize)]
pub(super) struct View<'a> {
    #[serde(flatten)]
    data: &'a LetterData,
    /// The appointment is after the permit's last day.
    after_expiry: bool,
    /// The permit has already expired.
    expired: bool,
    /// This is the last letter to this address.
    is_last_here: bool,
    /// Site, address, town; empty if there is no appointment.
    place: Vec<&'a str>,
    /// Contact for the rules; the office itself if no other is configured.
    rules_contact: Vec<&'a str>,
}

impl<'a> View<'a> {
    pub(super) fn of(data: &'a LetterData) -> Self {
        let office = &data.office;
        let own = [&office.name, &office.service].into_iter();
        let rules_contact = match office.rules_contact.as_slice() {
            [] => own.chain(&office.address).map(String::as_str).filter(|l| !l.is_empty()).collect(),
            lines => lines.iter().map(String::as_str).collect(),
        };
        let appointment = data.matter.appointment();
        Self {
            data,
            after_expiry: appointment.is_some_and(|a| a.day > data.permit.expires_on),
            expired: data.permit.expires_on < data.business_date,
            is_last_here: data.address_changed,
            place: appointment.map_or(Vec::new(), Appointment::place),
            rules_contact,
        }
    }
}

/// Everything that a subject or a short message may use. Recipient, permit and desk (whose name can reveal the kind of
/// permit) are missing here, so strict mode refuses a template that would reveal them.
#[derive(Serialize)]
pub(super) struct SubjectView<'a> {
    kind: LetterKind,
    reference: &'a str,
    office: &'a Office,
    /// If there is an appointment.
    day: Option<NaiveDate>,
    start: Option<NaiveTime>,
    town: Option<&'a str>,
}

impl<'a> SubjectView<'a> {
    pub(super) fn of(data: &'a LetterData) -> Self {
        let appointment = data.matter.appointment();
        Self {
            kind: data.matter.kind(),
            reference: &data.reference,
            office: &data.office,
            day: appointment.map(|a| a.day),
            start: appointment.map(|a| a.start),
            town: appointment.map(|a| a.town.as_str()),
        }
    }
}
