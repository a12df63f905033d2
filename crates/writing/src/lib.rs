//! Letters from rows: their data, and their rows in the outbox; and those that have not left, written anew when what
//! they say has changed.

mod anew;
mod verdict;

use anyhow::Result;
use chrono::{DateTime, Months, NaiveDate, Utc};

use convoke_domain::agenda::Slot;
use convoke_domain::commune;
use convoke_domain::convocation::LetterState;
use convoke_domain::ids::Reference;
use convoke_domain::permit::{Channel, Holder, PermitKind};
use convoke_letters::{Appointment, Convoked, LetterData, Matter, PermitLines, Recipient};
use convoke_settings::Configuration;
use convoke_store::NewLetter;

pub use anew::{Anew, write_anew};
pub use verdict::{Verdict, waits};

/// Writes the letters of one night, or of one act.
pub struct Writer<'a> {
    /// The préfecture.
    pub config: &'a Configuration,
    /// The date of the letters.
    pub business_date: NaiveDate,
    /// When they are written.
    pub now: DateTime<Utc>,
    template_hash: String,
}

impl<'a> Writer<'a> {
    /// A writer for one date.
    pub fn new(config: &'a Configuration, business_date: NaiveDate, now: DateTime<Utc>) -> Result<Self> {
        Ok(Self { config, business_date, now, template_hash: config.templates()?.hash() })
    }

    /// The data of a first letter to a holder.
    pub fn data(
        &self,
        reference: &Reference,
        holder: &Holder,
        (kind, expires_on): (PermitKind, NaiveDate),
        matter: Matter,
    ) -> LetterData {
        LetterData {
            reference: reference.to_string(),
            sequence: 0,
            issued_at: self.now,
            business_date: self.business_date,
            office: self.config.office(),
            recipient: recipient(holder),
            permit: PermitLines { label: kind.label().to_owned(), expires_on },
            matter,
            code: self.config.code_key.as_ref().map(|key| key.code(reference.as_str(), 0)),
            first_reference: None,
            address_changed: false,
        }
    }

    /// Its row in the outbox. Letters of one kind are told apart by an occasion in their ids: `J-7`, `copie`.
    pub fn row(&self, data: &LetterData, channel: Channel, occasion: &str) -> Result<NewLetter> {
        let kind = data.matter.kind();
        let mut letter_id = format!("{}/{kind}/{}", data.reference, data.sequence);
        if !occasion.is_empty() {
            letter_id = format!("{letter_id}/{occasion}");
        }
        Ok(NewLetter {
            letter_id,
            reference: data.reference.clone(),
            kind,
            revision: data.sequence.into(),
            occasion: occasion.to_owned(),
            channel,
            state: LetterState::waiting(channel),
            remark: None,
            recipient: data.recipient.email.clone().filter(|_| channel == Channel::Email),
            data: serde_json::to_string(data)?,
            template_hash: self.template_hash.clone(),
            created_at: self.now,
            not_before: self.now,
        })
    }
}

/// What a letter says about an appointment on a slot.
pub fn convoked(
    config: &Configuration,
    (kind, mention, expires_on): (PermitKind, &str, NaiveDate),
    slot: &Slot,
    short_notice: bool,
    late: bool,
) -> Result<Convoked> {
    let (documents, documents_source) = config.documents.for_permit(kind, mention);
    let renewal_until = renewal_until(config, expires_on, slot.id.day);
    Ok(Convoked {
        appointment: appointment(config, slot),
        documents,
        documents_source,
        short_notice,
        late,
        renewal_until,
    })
}

/// The last day of the months within which a late request still is a renewal, if an appointment comes after it.
fn renewal_until(config: &Configuration, expires_on: NaiveDate, day: NaiveDate) -> Option<NaiveDate> {
    let until = expires_on.checked_add_months(Months::new(config.settings.policy.late_months))?;
    Some(until).filter(|until| day > *until)
}

/// When and where a slot is.
pub fn appointment(config: &Configuration, slot: &Slot) -> Appointment {
    let (id, duration_min) = (&slot.id, slot.duration_min);
    match config.agenda.find(&id.pool) {
        Some(pool) => Appointment {
            site: pool.site.name.clone(),
            address: pool.site.address.0.clone(),
            town: pool.site.town().to_owned(),
            zone: pool.site.zone,
            desk: pool.desk.label().to_owned(),
            day: id.day,
            start: id.start,
            duration_min,
        },
        // A desk that left the agenda: its people are told that they are not expected there any more.
        None => Appointment {
            site: id.pool.site.clone(),
            address: Vec::new(),
            town: id.pool.site.clone(),
            zone: config.settings.prefecture.zone,
            desk: id.pool.desk.clone(),
            day: id.day,
            start: id.start,
            duration_min,
        },
    }
}

/// A holder as addressed in a letter written now.
pub fn recipient(holder: &Holder) -> Recipient {
    let mut address = holder.address.clone();
    let town = holder.town.as_deref().or_else(|| commune::name(&holder.commune)).unwrap_or_default();
    address.push(format!("{} {town}", holder.postcode).trim().to_owned());
    Recipient {
        name: holder.printed_name(),
        email: holder.email.clone(),
        address,
        language: holder.language.clone(),
        large_print: holder.large_print,
    }
}
