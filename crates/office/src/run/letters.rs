//! Composes letters: their data, and their rows in the outbox.

use anyhow::{Context, Result};
use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::Firm;
use convoke_domain::agenda::Slot;
use convoke_domain::commune;
use convoke_domain::convocation::LetterState;
use convoke_domain::ids::Reference;
use convoke_domain::permit::{Channel, Holder, PermitKind};
use convoke_letters::{Appointment, Convoked, Letter, LetterData, Matter, PermitLines, Recipient};
use convoke_machine::clock::Clock;
use convoke_settings::Configuration;
use convoke_store::{NewLetter, Store};

/// Writes the letters of one night, or of one act.
pub(crate) struct Writer<'a> {
    pub config: &'a Configuration,
    pub business_date: NaiveDate,
    pub now: DateTime<Utc>,
    template_hash: String,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(config: &'a Configuration, business_date: NaiveDate, now: DateTime<Utc>) -> Result<Self> {
        Ok(Self { config, business_date, now, template_hash: config.templates()?.hash() })
    }

    /// The data of a first letter to a holder.
    pub(crate) fn data(
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
    pub(crate) fn row(&self, data: &LetterData, channel: Channel, occasion: &str) -> Result<NewLetter> {
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
        })
    }
}

/// The letters of planned appointments, as they would be written now, with a reference that nobody has.
pub fn letters_of_plan(store: &mut Store, config: &Configuration, firm: &[Firm], clock: &Clock) -> Result<Vec<Letter>> {
    let now = clock.now();
    let today = clock.today(config.settings.prefecture.zone);
    let writer = Writer::new(config, today, now)?;
    let ids: Vec<&str> = firm.iter().map(|f| f.placement.holder_id.0.as_str()).collect();
    let holders = store.holders(&ids)?;
    let reference = Reference::new(store.prefecture(), today.year(), 0);
    let mut letters = Vec::new();
    for f in firm {
        let slot = store.slot(&f.placement.slot_id)?.context("a planned slot has disappeared")?;
        let holder = holders.get(&f.placement.holder_id.0).context("a planned person has disappeared")?;
        let permit = (f.kind, f.mention.as_str());
        let matter = Matter::Convocation(convoked(config, permit, &slot, f.short_notice, f.late)?);
        let data = writer.data(&reference, holder, (f.kind, f.expires_on), matter);
        letters.push(config.templates()?.compose(&data, &config.sender())?);
    }
    Ok(letters)
}

/// What a letter says about an appointment on a slot.
pub(super) fn convoked(
    config: &Configuration,
    (kind, mention): (PermitKind, &str),
    slot: &Slot,
    short_notice: bool,
    late: bool,
) -> Result<Convoked> {
    let (documents, documents_source) = config.documents.for_permit(kind, mention);
    Ok(Convoked { appointment: appointment(config, slot)?, documents, documents_source, short_notice, late })
}

/// When and where a slot is.
pub(super) fn appointment(config: &Configuration, slot: &Slot) -> Result<Appointment> {
    let pool =
        config.agenda.find(&slot.id.pool).with_context(|| format!("the desk of slot {} left the agenda", slot.id))?;
    Ok(Appointment {
        site: pool.site.name.clone(),
        address: pool.site.address.0.clone(),
        town: pool.site.town().to_owned(),
        zone: pool.site.zone,
        desk: pool.desk.label().to_owned(),
        day: slot.id.day,
        start: slot.id.start,
        duration_min: slot.duration_min,
    })
}

/// A holder as addressed in a letter written now.
pub(crate) fn recipient(holder: &Holder) -> Recipient {
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
