//! Acts on one holder.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Hand, Refused, holder};
use convoke_domain::convocation::{FAREWELL, LetterKind, LetterState, Remark};
use convoke_domain::ids::HolderId;
use convoke_domain::permit::{Channel, is_deliverable_email};
use convoke_letters::LetterData;
use convoke_store::{LetterRow, NewLetter, SetEmail, Store};
use convoke_writing::{Writer, recipient, write_anew};

/// The occasion of a letter written again to another address.
const READDRESSED: &str = "adresse";

/// Puts a holder's permits on hold, or releases them. While on hold, no run convokes them and their letters wait.
/// Returns how many permits changed, and the appointment that remains live.
pub fn hold(store: &mut Store, hand: &mut Hand<'_>, number: &str, held: bool) -> Result<(usize, Option<String>)> {
    store.write(|s| {
        let (id, commitment) = holder(s, hand, number)?;
        put_on_hold(s, hand, (&id, commitment), held)
    })
}

/// Runs in the caller's transaction.
pub(crate) fn put_on_hold(
    s: &mut Store,
    hand: &Hand<'_>,
    (id, commitment): (&HolderId, String),
    held: bool,
) -> Result<(usize, Option<String>)> {
    let changed = s.set_held(id, held)?;
    let live = s.live_of(id)?;
    if !held {
        // Includes notices, which belong to no appointment.
        for letter in s.letters_to(id)?.iter().filter(|l| waits_for_release(l)) {
            let waiting = LetterState::waiting(letter.channel);
            s.put_letter(letter, waiting, Some(Remark::PermitLetGo), hand.now())?;
        }
    }
    if changed > 0 {
        let kind = if held { "permit.held" } else { "permit.released" };
        hand.record(s, Some(id), kind, json!({"holder": commitment, "permits": changed, "appointment": live}))?;
        let entry = s.ledger_head()?.size;
        s.remember_act(entry, id, "")?;
    }
    Ok((changed, live))
}

fn waits_for_release(letter: &LetterRow) -> bool {
    letter.state == LetterState::Held && letter.remark == Some(Remark::PermitHeld)
}

/// What is kept of a new address, so that it can be undone.
#[derive(Serialize, Deserialize)]
pub(crate) struct EmailChange {
    pub(crate) was: SetEmail,
    pub(crate) now: SetEmail,
}

/// The result of a new address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// Whether it differs from the previous one.
    pub changed: bool,
    /// Letters that had not left, or did not reach the old address, written to the new one.
    pub again: Vec<String>,
    /// The last letter to the old address, which had been reached, saying that it is no longer used.
    pub told_old_address: Option<String>,
}

/// Sets a holder's e-mail address; `None`: letters go by post from now on. It holds until the address in the extract
/// changes. If the letter of an upcoming appointment was not delivered, or bounced, it is written again.
pub fn mend_email(store: &mut Store, hand: &mut Hand<'_>, number: &str, email: Option<&str>) -> Result<Mended> {
    // Stored in the form used for search: RFC 5321 allows case-sensitive local parts, but no server distinguishes them.
    let lower = email.map(str::to_lowercase);
    let email = lower.as_deref();
    if let Some(wrong) = email.filter(|e| !is_deliverable_email(e)) {
        return Err(Refused::NoAddress(wrong.to_owned()).into());
    }
    store.write(|s| {
        let (id, commitment) = holder(s, hand, number)?;
        let was = s.email_as_set(&id)?;
        let before = s.set_email(&id, email)?;
        let mut mended = Mended { changed: before.as_deref() != email, ..Mended::default() };
        let letters = s.letters_to(&id)?;
        if let Some(in_hand) = letters.iter().find(|l| l.state.is_in_hand()) {
            return Err(in_a_minute(in_hand).into());
        }
        // What has not left goes to the new address: one letter of an appointment waits, never two.
        let writer = Writer::new(hand.config, hand.today(), hand.now())?;
        for anew in write_anew(s, &writer, letters.iter().filter(|l| l.state.is_unsent()).cloned().collect())? {
            if anew.is_changed {
                s.delay(&anew.letter.letter_id, hand.now() + hand.occasion().hold)?;
                mended.again.push(anew.letter.letter_id);
            }
        }
        if let Some(reference) = s.live_of(&id)? {
            let sequence = s.convocation(&reference)?.map_or(0, |c| c.sequence);
            let letters = s.letters_of(&reference)?;
            let announces = |l: &&LetterRow| {
                l.revision == sequence
                    && matches!(l.kind, LetterKind::Convocation | LetterKind::Change)
                    && l.state != LetterState::Replaced
            };
            let announcing: Vec<&LetterRow> = letters.iter().filter(announces).collect();
            let reached = announcing.iter().find(|l| l.state == LetterState::Accepted && l.recipient == before);
            if let Some(letter) = reached.filter(|_| mended.changed) {
                let last = farewell(hand, letter, letters.len())?.held_until(hand.now() + hand.occasion().hold);
                s.enqueue(std::slice::from_ref(&last))?;
                mended.told_old_address = Some(last.letter_id);
            }
            let stands = announcing.iter().any(|l| l.state.is_unsent() || l.state == LetterState::Accepted);
            let unreached = announcing.iter().find(|l| l.channel == Channel::Email && is_unreached(l));
            let holder = s.holders(&[&id.0])?.remove(&id.0);
            if let (Some(letter), Some(holder), false) = (unreached, holder, stands) {
                let data: LetterData = serde_json::from_str(&letter.data)?;
                let again = letters.iter().filter(|l| l.occasion.starts_with(READDRESSED)).count() + 1;
                let data = LetterData { recipient: recipient(&holder), issued_at: hand.now(), ..data };
                let new = writer.row(&data, holder.effective_channel(), &format!("{READDRESSED}-{again}"))?;
                let new = new.held_until(hand.now() + hand.occasion().hold);
                s.enqueue(std::slice::from_ref(&new))?;
                mended.again.push(new.letter_id);
            }
        }
        if mended.changed || !mended.again.is_empty() {
            hand.record(
                s,
                Some(&id),
                "holder.email_set",
                json!({"holder": commitment, "had": before.is_some(), "has": email.is_some(), "letters": mended.again, "told": mended.told_old_address}),
            )?;
            let entry = s.ledger_head()?.size;
            let change = EmailChange { was, now: s.email_as_set(&id)? };
            s.remember_act(entry, &id, &serde_json::to_string(&change)?)?;
        }
        Ok(mended)
    })
}

/// The letter once more to its previous address, as the last one: its reader must learn that someone has changed the
/// address, and learns nothing new.
fn farewell(hand: &Hand<'_>, letter: &LetterRow, before: usize) -> Result<NewLetter> {
    let mut data: LetterData = serde_json::from_str(&letter.data)?;
    (data.address_changed, data.issued_at) = (true, hand.now());
    let writer = Writer::new(hand.config, data.business_date, hand.now())?;
    writer.row(&data, Channel::Email, &format!("{FAREWELL}-{before}"))
}

/// A worker has leased it: its outcome will be known soon.
fn in_a_minute(letter: &LetterRow) -> Refused {
    let remedy = "a worker has it in hand: try again in a minute";
    Refused::LetterStands { letter: letter.letter_id.clone(), state: letter.state, remedy }
}

/// Whether the letter reached nobody, as far as is known, and will not leave by itself.
fn is_unreached(letter: &LetterRow) -> bool {
    matches!(letter.state, LetterState::Failed | LetterState::Bounced | LetterState::Expired)
}
