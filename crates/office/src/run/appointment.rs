//! A single appointment, with its seat and its letter: given, moved or cancelled. For acts done by hand and for written
//! requests; a night commits its own appointments together.

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};

use convoke_domain::agenda::Slot;
use convoke_domain::convocation::{LetterKind, LetterState, Origin, Remark, State};
use convoke_domain::ids::{HolderId, PermitId, Reference};
use convoke_domain::permit::Holder;
use convoke_domain::slot::SlotId;
use convoke_instance::Pass;
use convoke_letters::{Because, CancelledBy, LetterData, Matter, Moment};
use convoke_machine::entropy::Entropy;
use convoke_settings::Configuration;
use convoke_store::{NewLetter, Placement, Renewed, Store};
use convoke_writing::{Writer, appointment, convoked};

/// The rules under which, and the time at which, something is written.
#[derive(Clone, Copy)]
pub(crate) struct Occasion<'a> {
    pub config: &'a Configuration,
    pub now: DateTime<Utc>,
    pub today: NaiveDate,
    /// How long its letters wait: until then an act can be undone before anybody is told.
    pub hold: TimeDelta,
}

/// A permit and its holder.
pub(crate) struct Person {
    pub permit_id: PermitId,
    pub holder_id: HolderId,
    pub holder: Holder,
    pub permit: Renewed,
}

/// A person's convocation.
pub(crate) struct Convocation {
    pub reference: Reference,
    pub person: Person,
    pub slot_id: SlotId,
    pub sequence: i64,
    pub state: State,
    origin: Origin,
}

/// A new appointment: its letter is in the outbox, and `payload` is for its ledger entry.
pub(crate) struct Made {
    pub reference: Reference,
    pub slot: Slot,
    pub letter: NewLetter,
    pub payload: Value,
}

impl Person {
    pub(crate) fn read(s: &mut Store, permit_id: &str, holder_id: &str) -> Result<Self> {
        let holder = s.holders(&[holder_id])?.remove(holder_id);
        Ok(Self {
            holder: holder.with_context(|| format!("the holder of permit {permit_id} has disappeared"))?,
            permit: s.renewed(permit_id)?.with_context(|| format!("permit {permit_id} has disappeared"))?,
            permit_id: PermitId(permit_id.to_owned()),
            holder_id: HolderId(holder_id.to_owned()),
        })
    }

    pub(crate) fn commitment(&self, s: &mut Store, entropy: &mut Entropy) -> Result<String> {
        Ok(s.commitments(&[(&self.holder_id.0, &self.holder.number)], entropy)?.remove(0))
    }

    /// Gives a seat to somebody who has none. `None` if it is taken, or the person is already convoked.
    pub(crate) fn convoke(
        &self,
        s: &mut Store,
        on: Occasion<'_>,
        slot: &SlotId,
        entropy: &mut Entropy,
    ) -> Result<Option<Made>> {
        let Some((reference, slot, matter)) = self.reserve(s, on, slot)? else { return Ok(None) };
        s.keep_templates(&on.config.templates()?.hash(), on.config.templates()?.sources(), on.now)?;
        let writer = Writer::new(on.config, on.today, on.now)?;
        let permit = (self.permit.kind, self.permit.expires_on);
        let data = writer.data(&reference, &self.holder, permit, Matter::Convocation(matter));
        let letter = writer.row(&data, self.holder.effective_channel(), "")?.held_until(on.now + on.hold);
        self.made(s, reference, slot, letter, entropy).map(Some)
    }

    fn reserve(
        &self,
        s: &mut Store,
        on: Occasion<'_>,
        slot: &SlotId,
    ) -> Result<Option<(Reference, Slot, convoke_letters::Convoked)>> {
        let Some(row) = s.slot(slot)? else { return Ok(None) };
        let late = self.permit.expires_on < on.today;
        let notice = on.config.settings.policy.notice(self.holder.effective_channel());
        let short = (row.id.day - on.today).num_days() < i64::from(notice);
        let pass = match (row.id.day > self.permit.expires_on, short) {
            (true, _) => Pass::AfterExpiry,
            (false, true) => Pass::ShortNotice,
            (false, false) => Pass::InTime,
        };
        let placement = Placement {
            permit_id: self.permit_id.clone(),
            holder_id: self.holder_id.clone(),
            slot_id: slot.clone(),
            origin: pass.into(),
        };
        // It belongs to no run: no plan chose this day.
        let Some((reference, slot)) = s.reserve(&[placement], None, on.today, on.now)?.pop().flatten() else {
            return Ok(None);
        };
        s.review_again(&self.permit_id)?;
        let permit = (self.permit.kind, self.permit.mention.as_str(), self.permit.expires_on);
        let matter = convoked(on.config, permit, &slot, short, late)?;
        Ok(Some((reference, slot, matter)))
    }

    fn made(
        &self,
        s: &mut Store,
        reference: Reference,
        slot: Slot,
        letter: NewLetter,
        entropy: &mut Entropy,
    ) -> Result<Made> {
        s.enqueue(std::slice::from_ref(&letter))?;
        let commitment = self.commitment(s, entropy)?;
        let payload = json!({"reference": reference.as_str(), "holder": commitment, "permit": self.permit_id, "slot": slot.id,
            "letter": letter.letter_id, "channel": letter.channel});
        Ok(Made { reference, slot, letter, payload })
    }
}

impl Convocation {
    pub(crate) fn read(s: &mut Store, reference: &Reference) -> Result<Option<Self>> {
        let Some(row) = s.convocation(reference.as_str())? else { return Ok(None) };
        Ok(Some(Self {
            reference: reference.clone(),
            person: Person::read(s, &row.permit_id, &row.holder_id)?,
            slot_id: row.slot_id,
            sequence: row.sequence,
            state: row.state,
            origin: row.origin,
        }))
    }

    /// Whether its holder may know of it: a letter about it left, or another system made it.
    pub(crate) fn is_known(&self, s: &mut Store) -> Result<bool> {
        Ok(self.origin == Origin::Elsewhere || was_announced(s, self.reference.as_str())?)
    }

    /// The slot of the last appointment that its holder may know of: this one, or one that it replaced.
    fn known_slot(&self, s: &mut Store) -> Result<Option<SlotId>> {
        if self.is_known(s)? {
            return Ok(Some(self.slot_id.clone()));
        }
        for (before, _) in s.moved_from(self.reference.as_str())? {
            let row = s.convocation(&before)?.with_context(|| format!("the appointment {before} has disappeared"))?;
            if row.origin == Origin::Elsewhere || was_announced(s, &before)? {
                return Ok(Some(row.slot_id));
            }
        }
        Ok(None)
    }

    /// Takes back its letters that have not left.
    pub(crate) fn take_letters_back(&self, s: &mut Store, remark: Remark, now: DateTime<Utc>) -> Result<()> {
        for letter in s.letters_of(self.reference.as_str())? {
            if letter.state.is_unsent() && letter.kind != LetterKind::Cancellation {
                s.put_letter(&letter, LetterState::Cancelled, Some(remark), now)?;
            }
        }
        Ok(())
    }

    /// Ends it as moved, and gives another seat instead, with a letter that updates the same invitation. `None` if that
    /// seat is taken: the caller must then roll back the transaction.
    pub(crate) fn put_elsewhere(
        &self,
        s: &mut Store,
        on: Occasion<'_>,
        to: &SlotId,
        by: CancelledBy,
        entropy: &mut Entropy,
    ) -> Result<Option<Made>> {
        let known = self.known_slot(s)?;
        self.take_letters_back(s, Remark::Moved, on.now)?;
        s.end_convocations(&[self.reference.to_string()], State::Moved)?;
        let Some((reference, slot, convoked)) = self.person.reserve(s, on, to)? else { return Ok(None) };
        s.set_replaces(reference.as_str(), self.reference.as_str(), self.sequence + 1, by.code())?;
        let matter = match known {
            // Nobody was told of another day: this is the first letter.
            None => Matter::Convocation(convoked),
            Some(was) if was == *to => Matter::Convocation(convoked),
            Some(was) => {
                let site =
                    on.config.agenda.find(&was.pool).map_or(was.pool.site.clone(), |pool| pool.site.name.clone());
                Matter::Change { convoked, was: Moment { day: was.day, start: was.start, site } }
            }
        };
        let letter = self.letter(s, on, &reference, matter)?;
        let mut made = self.person.made(s, reference, slot, letter, entropy)?;
        made.payload["was"] = self.reference.as_str().into();
        made.payload["from"] = self.slot_id.to_string().into();
        made.payload["by"] = json!(by);
        Ok(Some(made))
    }

    /// Cancels it: its seat is free, and the person due again unless a fact says otherwise. Returns the letter about it,
    /// if somebody knew of the appointment, and the payload of the ledger entry.
    pub(crate) fn give_up(
        &self,
        s: &mut Store,
        on: Occasion<'_>,
        by: CancelledBy,
        entropy: &mut Entropy,
    ) -> Result<(Option<NewLetter>, Value)> {
        let letter = self.tell_the_end(s, on, by, None)?;
        s.end_convocations(&[self.reference.to_string()], State::Cancelled)?;
        s.review_again(&self.person.permit_id)?;
        let commitment = self.person.commitment(s, entropy)?;
        let payload = json!({"reference": self.reference.as_str(), "holder": commitment, "slot": self.slot_id,
            "letter": letter.as_ref().map(|l| &l.letter_id), "channel": letter.as_ref().map(|l| l.channel), "by": by});
        Ok((letter, payload))
    }

    /// Takes back the letters that have not left, and writes the letter of cancellation if somebody may know of the
    /// appointment, or of one that it replaced.
    pub(crate) fn tell_the_end(
        &self,
        s: &mut Store,
        on: Occasion<'_>,
        by: CancelledBy,
        because: Option<Because>,
    ) -> Result<Option<NewLetter>> {
        let known = self.known_slot(s)?;
        let remark = if known.is_some() { Remark::NoAppointment } else { Remark::NeverTold };
        self.take_letters_back(s, remark, on.now)?;
        let Some(known) = known else { return Ok(None) };
        let slot = s.slot(&known)?.with_context(|| format!("the slot {known} has disappeared"))?;
        let matter = Matter::Cancellation { appointment: appointment(on.config, &slot), by, because };
        let letter = self.letter(s, on, &self.reference, matter)?;
        s.enqueue(std::slice::from_ref(&letter))?;
        Ok(Some(letter))
    }

    /// Writes the letter about it once more: none has left, and none waits.
    pub(crate) fn announce_again(&self, s: &mut Store, writer: &Writer<'_>) -> Result<NewLetter> {
        let slot = s.slot(&self.slot_id)?.with_context(|| format!("the slot {} has disappeared", self.slot_id))?;
        let permit = &self.person.permit;
        let (late, notice) = (
            permit.expires_on < writer.business_date,
            writer.config.settings.policy.notice(self.person.holder.effective_channel()),
        );
        let short = (slot.id.day - writer.business_date).num_days() < i64::from(notice);
        let matter =
            convoked(writer.config, (permit.kind, permit.mention.as_str(), permit.expires_on), &slot, short, late)?;
        let data = LetterData {
            sequence: self.sequence as u32,
            first_reference: self.first_reference(s)?.filter(|first| first != self.reference.as_str()),
            code: writer.config.code_key.as_ref().map(|key| key.code(self.reference.as_str(), self.sequence as u32)),
            ..writer.data(
                &self.reference,
                &self.person.holder,
                (permit.kind, permit.expires_on),
                Matter::Convocation(matter),
            )
        };
        let before = s.letters_of(self.reference.as_str())?.len();
        let letter = writer.row(&data, self.person.holder.effective_channel(), &format!("de-nouveau-{before}"))?;
        s.enqueue(std::slice::from_ref(&letter))?;
        Ok(letter)
    }

    /// The reference under which it was first announced, if it replaced another.
    fn first_reference(&self, s: &mut Store) -> Result<Option<String>> {
        Ok(s.moved_from(self.reference.as_str())?.pop().map(|(first, _)| first))
    }

    /// Gives its holder, who has none, an appointment again on its slot, with one letter that updates the same
    /// invitation. `None` if that seat is taken.
    pub(crate) fn give_back(
        &self,
        s: &mut Store,
        on: Occasion<'_>,
        remark: Remark,
        entropy: &mut Entropy,
    ) -> Result<Option<Made>> {
        let Some((reference, slot, convoked)) = self.person.reserve(s, on, &self.slot_id)? else { return Ok(None) };
        s.set_replaces(reference.as_str(), self.reference.as_str(), self.sequence + 1, CancelledBy::Office.code())?;
        for letter in s.letters_of(self.reference.as_str())? {
            if letter.state.is_unsent() {
                s.put_letter(&letter, LetterState::Cancelled, Some(remark), on.now)?;
            }
        }
        let letter = self.letter(s, on, &reference, Matter::Convocation(convoked))?;
        let mut made = self.person.made(s, reference, slot, letter, entropy)?;
        made.payload["was"] = self.reference.as_str().into();
        Ok(Some(made))
    }

    /// A letter with the next revision of what was announced; its invitation keeps the UID of the first.
    fn letter(&self, s: &mut Store, on: Occasion<'_>, reference: &Reference, matter: Matter) -> Result<NewLetter> {
        let first = self.first_reference(s)?.unwrap_or_else(|| self.reference.to_string());
        let writer = Writer::new(on.config, on.today, on.now)?;
        let sequence = self.sequence as u32 + 1;
        let permit = (self.person.permit.kind, self.person.permit.expires_on);
        let data = LetterData {
            sequence,
            first_reference: Some(first).filter(|first| first != reference.as_str()),
            code: on.config.code_key.as_ref().map(|key| key.code(reference.as_str(), sequence)),
            ..writer.data(reference, &self.person.holder, permit, matter)
        };
        s.keep_templates(&on.config.templates()?.hash(), on.config.templates()?.sources(), on.now)?;
        Ok(writer.row(&data, self.person.holder.effective_channel(), "")?.held_until(on.now + on.hold))
    }
}

/// Whether a letter about an appointment left, or is leaving.
fn was_announced(s: &mut Store, reference: &str) -> Result<bool> {
    let announces = |kind| matches!(kind, LetterKind::Convocation | LetterKind::Change | LetterKind::Reminder);
    let letters = s.letters_of(reference)?;
    Ok(letters.iter().any(|l| announces(l.kind) && (l.state.may_have_left() || l.uncertain > 0)))
}
