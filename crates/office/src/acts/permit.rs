//! Acts on one holder.

use anyhow::Result;
use serde_json::json;

use super::{Hand, Refused, holder};
use crate::run::Writer;
use convoke_domain::convocation::{LetterState, Remark};
use convoke_domain::permit::{Channel, is_deliverable_email};
use convoke_letters::LetterData;
use convoke_store::{LetterRow, Store};

/// The occasion of a letter that is written again to another address.
const READDRESSED: &str = "adresse";
/// The occasion of the last letter to an address.
const FAREWELL: &str = "adieu";

/// Holds the permits of a holder back, or lets them go: a held permit is convoked by no night, and its letters wait. Returns how many
/// permits changed, and the appointment that stands all the same.
pub fn hold(store: &mut Store, hand: &mut Hand<'_>, number: &str, held: bool) -> Result<(usize, Option<String>)> {
    store.write(|s| {
        let (id, commitment) = holder(s, hand, number)?;
        let changed = s.set_held(&id, held)?;
        let live = s.live_of(&id)?;
        if !held {
            // Of notices too, which belong to no appointment.
            for letter in s.letters_to(&id)?.iter().filter(|l| waits_for_release(l)) {
                s.put_letter(letter, LetterState::Queued, Remark::PermitLetGo.code(), hand.now())?;
            }
        }
        if changed > 0 {
            let kind = if held { "permit.held" } else { "permit.released" };
            hand.record(s, Some(&id), kind, json!({"holder": commitment, "permits": changed, "appointment": live}))?;
        }
        Ok((changed, live))
    })
}

fn waits_for_release(letter: &LetterRow) -> bool {
    letter.state == LetterState::Held.code() && letter.last_reply.as_deref() == Some(Remark::PermitHeld.code())
}

/// What a new address led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// Whether it differs from the one that held.
    pub changed: bool,
    /// Letters that did not reach the old address, and are written again to the new one.
    pub again: Vec<String>,
    /// The letter that tells the old address, which had been reached, that it is written to for the last time.
    pub told: Option<String>,
}

/// Sets the address to which a holder's letters go; `None`: on paper from now on. It holds until the extract names another than
/// it does now. The letter of an appointment to come that has not been handed over, or came back, is written again.
pub fn mend_email(store: &mut Store, hand: &mut Hand<'_>, number: &str, email: Option<&str>) -> Result<Mended> {
    // As it is found again: whatever RFC 5321 allows before the `@`, no server tells capitals apart.
    let lower = email.map(str::to_lowercase);
    let email = lower.as_deref();
    if let Some(wrong) = email.filter(|e| !is_deliverable_email(e)) {
        return Err(Refused::NoAddress(wrong.to_owned()).into());
    }
    store.write(|s| {
        let (id, commitment) = holder(s, hand, number)?;
        let before = s.set_email(&id, email)?;
        let mut mended = Mended { changed: before.as_deref() != email, ..Mended::default() };
        let live = s.live_of(&id)?;
        if let Some(reference) = &live {
            let convocation = s.convocation(reference)?;
            let sequence = convocation.map_or(0, |c| c.sequence);
            let letters = s.letters_of(reference)?;
            let holder = s.holders(&[&id.0])?.remove(&id.0);
            let announces =
                |l: &&LetterRow| l.revision == sequence && ["convocation", "change"].contains(&l.kind.as_str());
            let mut by_email = letters.iter().filter(announces).filter(|l| l.channel == "email");
            let unreached = by_email.clone().find(|l| is_unreached(l, mended.changed));
            if let Some(in_hand) = by_email.clone().find(|l| ["leased", "sending"].contains(&l.state.as_str())) {
                return Err(in_a_minute(in_hand).into());
            }
            let reached = by_email.find(|l| l.state == LetterState::Accepted.code() && l.recipient == before);
            if let Some(letter) = reached.filter(|_| mended.changed) {
                let last = farewell(hand, letter, letters.len())?;
                s.enqueue(std::slice::from_ref(&last))?;
                mended.told = Some(last.letter_id);
            }
            if let (Some(letter), Some(holder)) = (unreached, holder) {
                let data: LetterData = serde_json::from_str(&letter.data)?;
                let again = letters.iter().filter(|l| l.occasion.starts_with(READDRESSED)).count() + 1;
                let writer = Writer::new(hand.config, data.business_date, hand.now())?;
                let data = LetterData { recipient: crate::run::recipient(&holder), ..data };
                let occasion = format!("{READDRESSED}-{again}");
                let channel = if email.is_some() { Channel::Email } else { Channel::Post };
                let mut new = writer.row(&data, channel, &occasion)?;
                if letter.state == LetterState::Held.code() {
                    // Whoever holds a letter holds it on its new way too.
                    (new.state, new.last_reply) = (letter.state.clone(), letter.last_reply.clone());
                }
                if let Ok(LetterState::Queued | LetterState::Deferred | LetterState::Uncertain | LetterState::Held) =
                    letter.state.parse()
                    && !s.put_letter(letter, LetterState::Cancelled, Remark::Readdressed.code(), hand.now())?
                {
                    return Err(in_a_minute(letter).into());
                }
                s.enqueue(std::slice::from_ref(&new))?;
                mended.again.push(new.letter_id);
            }
        }
        if mended.changed || !mended.again.is_empty() {
            hand.record(
                s,
                Some(&id),
                "holder.email_set",
                json!({"holder": commitment, "had": before.is_some(), "has": email.is_some(), "letters": mended.again, "told": mended.told}),
            )?;
        }
        Ok(mended)
    })
}

/// The letter once more to the address that had it, saying that it is the last: whoever reads there must learn that somebody has changed
/// it, and is told nothing new.
fn farewell(hand: &Hand<'_>, letter: &LetterRow, before: usize) -> Result<LetterRow> {
    let mut data: LetterData = serde_json::from_str(&letter.data)?;
    (data.address_changed, data.issued_at) = (true, hand.now());
    let writer = Writer::new(hand.config, data.business_date, hand.now())?;
    writer.row(&data, Channel::Email, &format!("{FAREWELL}-{before}"))
}

/// A worker has it: what becomes of it is known soon.
fn in_a_minute(letter: &LetterRow) -> Refused {
    let remedy = "a worker has it in hand: try again in a minute";
    Refused::LetterStands { letter: letter.letter_id.clone(), state: letter.state.clone(), remedy }
}

/// Whether nobody has a letter yet, as far as is known, and it is to be written again: what still waits for the same address leaves by
/// itself.
fn is_unreached(letter: &LetterRow, changed: bool) -> bool {
    use LetterState as S;
    letter.state.parse().is_ok_and(|state| match state {
        S::Failed | S::Bounced | S::Expired => true,
        S::Queued | S::Deferred | S::Uncertain | S::Held => changed,
        _ => false,
    })
}
