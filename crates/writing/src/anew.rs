//! Letters that have not left are made from the facts of now: whom they are about, under which name and address, for
//! which permit, by which channel, from which office and for which place.

use std::collections::HashMap;

use anyhow::{Context, Result};

use super::{Writer, appointment, recipient, renewal_until};
use convoke_domain::agenda::Slot;
use convoke_domain::convocation::{COPY, FAREWELL, LetterKind, LetterState, Remark};
use convoke_domain::permit::{Channel, Holder};
use convoke_letters::{LetterData, Matter, PermitLines, competent_prefecture};
use convoke_store::{LetterRow, Renewed, Store};

/// A letter, as it is now.
#[derive(Clone, Debug)]
pub struct Anew {
    /// The letter.
    pub letter: LetterRow,
    /// Whether it was written anew just now.
    pub is_changed: bool,
}

/// What is known now about what a letter says.
struct Facts<'a> {
    holder: &'a Holder,
    permit: &'a Renewed,
    slot: Option<&'a Slot>,
}

/// Writes anew, in the caller's transaction, those of some letters that no longer say what is true, and returns all of
/// them as they are now. A letter that a worker has taken meanwhile, or that is no longer worth sending, is left out.
pub fn write_anew(s: &mut Store, writer: &Writer<'_>, letters: Vec<LetterRow>) -> Result<Vec<Anew>> {
    let references: Vec<&str> = letters.iter().map(|l| l.reference.as_str()).collect();
    let subjects = s.subjects(&references)?;
    let holders = s.holders(&subjects.values().map(|subject| subject.holder_id.as_str()).collect::<Vec<_>>())?;
    let permits = s.renewed_of(&subjects.values().map(|subject| subject.permit_id.as_str()).collect::<Vec<_>>())?;
    let mut slots = HashMap::new();
    for slot in subjects.values().filter_map(|subject| subject.slot_id.as_ref()) {
        if !slots.contains_key(slot) {
            slots.insert(slot.clone(), s.slot(slot)?);
        }
    }
    let mut current = Vec::with_capacity(letters.len());
    for letter in letters {
        let subject = subjects.get(&letter.reference);
        let facts = subject.and_then(|subject| {
            let slot = subject.slot_id.as_ref().and_then(|slot| slots.get(slot)?.as_ref());
            Some(Facts { holder: holders.get(&subject.holder_id)?, permit: permits.get(&subject.permit_id)?, slot })
        });
        // Somebody who was erased has no letters that could change, and the last letter to a former address stays as it is.
        let Some(facts) = facts.filter(|_| !letter.occasion.starts_with(FAREWELL)) else {
            current.push(Anew { letter, is_changed: false });
            continue;
        };
        let data: LetterData = serde_json::from_str(&letter.data).context("the data of a letter")?;
        let channel = channel(&letter, &data, facts.holder);
        if letter.kind == LetterKind::Reminder && channel != Channel::Email {
            // A reminder is not worth a stamp.
            if letter.state == LetterState::Leased {
                s.put_down(&letter, LetterState::Cancelled, None, Some(Remark::Readdressed))?;
            } else {
                s.put_letter(&letter, LetterState::Cancelled, Some(Remark::Readdressed), writer.now)?;
            }
            continue;
        }
        let fresh = afresh(writer, &data, &facts);
        let address = data.recipient.email.clone().filter(|_| channel == Channel::Email);
        if channel == letter.channel && fresh.is_none() && address == letter.recipient {
            current.push(Anew { letter, is_changed: false });
            continue;
        }
        let fresh = fresh.unwrap_or(data);
        if matches!(letter.state, LetterState::Failed | LetterState::Bounced) {
            // An e-mail that came to nothing keeps its content; what goes by post instead says what is true.
            let copy = writer.row(&fresh, Channel::Post, COPY)?;
            if s.letter(&copy.letter_id)?.is_none() {
                s.enqueue(std::slice::from_ref(&copy))?;
            }
            let letter = s.letter(&copy.letter_id)?.context("a letter just written")?;
            current.push(Anew { letter, is_changed: true });
            continue;
        }
        let new = writer.row(&fresh, channel, &letter.occasion)?;
        if let Some(letter) = s.write_anew(&letter, &new)? {
            tracing::info!(letter.id = %letter.letter_id, "Letter written anew: what it says has changed");
            current.push(Anew { letter, is_changed: true });
        }
    }
    Ok(current)
}

/// The channel of a letter now. A copy on paper stays on paper, and so does a letter to somebody who has an address and
/// wanted paper all the same.
fn channel(letter: &LetterRow, data: &LetterData, holder: &Holder) -> Channel {
    let now = holder.effective_channel();
    let wanted_paper = letter.channel != Channel::Email && now == Channel::Email && data.recipient.email.is_some();
    if letter.occasion == COPY || wanted_paper { letter.channel } else { now }
}

/// What a letter says if it is written now; `None` if that is what it says.
fn afresh(writer: &Writer<'_>, data: &LetterData, now: &Facts<'_>) -> Option<LetterData> {
    let permit = PermitLines { label: now.permit.kind.label().to_owned(), expires_on: now.permit.expires_on };
    let mut fresh = LetterData {
        recipient: recipient(now.holder),
        office: writer.config.office(),
        matter: matter(writer, data, now, permit != data.permit),
        permit,
        ..data.clone()
    };
    if fresh == *data {
        return None;
    }
    (fresh.issued_at, fresh.business_date) = (writer.now, writer.business_date);
    Some(fresh)
}

fn matter(writer: &Writer<'_>, data: &LetterData, now: &Facts<'_>, other_permit: bool) -> Matter {
    let mut matter = data.matter.clone();
    let config = writer.config;
    // The place of the same hour: a letter of cancellation may be about an earlier appointment.
    let here = now.slot.filter(|slot| {
        data.matter.appointment().is_some_and(|a| (a.day, a.start) == (slot.id.day, slot.id.start))
            && config.agenda.find(&slot.id.pool).is_some()
    });
    match &mut matter {
        Matter::Convocation(c) | Matter::Reminder(c) | Matter::Change { convoked: c, .. } => {
            if let Some(slot) = here {
                c.appointment = appointment(config, slot);
            }
            c.renewal_until = renewal_until(config, now.permit.expires_on, c.appointment.day);
            if other_permit {
                (c.documents, c.documents_source) = config.documents.for_permit(now.permit.kind, &now.permit.mention);
            }
        }
        Matter::Cancellation { appointment: at, .. } => {
            if let Some(slot) = here {
                *at = appointment(config, slot);
            }
        }
        Matter::OnlineFiling { opens_on, last_day, .. } if other_permit => {
            let permit = now.permit;
            let policy = &config.settings.policy;
            let window = policy.window(permit.kind, &permit.mention, permit.expires_on, writer.business_date);
            if let Some(window) = window {
                (*opens_on, *last_day) = (window.opens, window.preferred_end);
            }
        }
        Matter::HeadsUp { convoked_before } => *convoked_before = now.permit.expires_on,
        Matter::Transfer { competent, .. } => {
            if let Some(now) = competent_prefecture(&now.permit.commune) {
                *competent = now;
            }
        }
        Matter::OnlineFiling { .. } => {}
    }
    matter
}
