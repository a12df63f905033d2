//! Which letters wait for the post, and which must not leave.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use chrono::{DateTime, NaiveDate, Utc};

use super::Exception;
use convoke_domain::convocation::{COPY, LetterKind, LetterState, State};
use convoke_domain::permit::Channel;
use convoke_settings::Configuration;
use convoke_store::{Store, ToPost};
use convoke_writing::{Verdict, Writer, write_anew};

/// Letters to post, made from the facts of now, and letters that should not be posted. Duplicates of a letter (a failed
/// e-mail, and its copy for the post) count once.
pub(super) fn waiting(
    store: &mut Store,
    config: &Configuration,
    now: DateTime<Utc>,
) -> Result<(Vec<ToPost>, Vec<Exception>)> {
    let today = now.with_timezone(&config.settings.prefecture.zone).date_naive();
    let (mut waiting, mut skipped) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    let mut letters = store.to_post()?;
    // The letters of an act wait until it can no longer be undone.
    letters.retain(|w| {
        !matches!(w.letter.state, LetterState::Expired | LetterState::Posted) && w.letter.next_at <= now.naive_utc()
    });
    // The copy for the post first, then oldest first.
    letters.sort_by_key(|w| (w.letter.channel == Channel::Email, w.letter.created_at, w.letter.letter_id.clone()));
    let references: Vec<&str> = letters.iter().map(|w| w.letter.reference.as_str()).collect();
    let on_paper = store.posted_letters(&references)?;
    let by_email = store.letters_by_email(&references)?;
    let verdict = Verdict::of(config);
    for w in letters {
        let letter = (w.letter.reference.clone(), w.letter.kind, w.letter.revision);
        // An e-mail with the same content was accepted, or is on its way: paper is posted only where both are wanted.
        let reached = w.letter.occasion != COPY && by_email.contains(&letter);
        // It has left on paper, or is already in the batch.
        if on_paper.contains(&letter) || reached || !seen.insert(letter) {
            continue;
        }
        let reason = match in_vain(&w, today).or_else(|| too_late(&w, config, today)) {
            Some(reason) => Some(reason),
            None => waits(store, &verdict, &w.letter.letter_id, today)?,
        };
        match reason {
            Some(reason) => skipped.push(Exception {
                id: w.letter.letter_id.clone(),
                reference: w.letter.reference.clone(),
                reason,
            }),
            None => waiting.push(w),
        }
    }
    let letters = waiting.iter().map(|w| w.letter.clone()).collect();
    let writer = Writer::new(config, today, now)?;
    let current = store.write(|s| write_anew(s, &writer, Vec::clone(&letters)))?;
    let subjects: HashMap<String, ToPost> = waiting.into_iter().map(|w| (w.letter.reference.clone(), w)).collect();
    // A letter that goes by e-mail now waits for a worker.
    let on_paper = current.into_iter().map(|anew| anew.letter).filter(|l| l.state != LetterState::Queued);
    let waiting = on_paper
        .filter_map(|letter| Some(ToPost { letter: letter.clone(), ..subjects.get(&letter.reference)?.clone() }));
    Ok((waiting.collect(), skipped))
}

/// Why a letter must wait, for a person; `None` if it need not.
pub(super) fn waits(s: &mut Store, verdict: &Verdict, letter_id: &str, today: NaiveDate) -> Result<Option<String>> {
    let waits = verdict.waits(&s.standing(letter_id)?, today);
    Ok(waits.map(|remark| convoke_report::words::remark(remark).to_owned()))
}

/// Why a letter should no longer be posted: the appointment it announces is no longer valid.
pub(super) fn in_vain(w: &ToPost, today: NaiveDate) -> Option<String> {
    let announces = matches!(w.letter.kind, LetterKind::Convocation | LetterKind::Change);
    let (state, day) = w.convocation.as_ref().filter(|_| announces)?;
    if *state != State::Convoked {
        Some(format!("la convocation n’est plus en cours ({state})"))
    } else if *day <= today {
        Some(format!("le rendez-vous était le {}", day.format("%d/%m/%Y")))
    } else {
        None
    }
}

/// Why a letter would arrive too late: the person must be called.
pub(super) fn too_late(w: &ToPost, config: &Configuration, today: NaiveDate) -> Option<String> {
    let (_, day) = w.convocation.as_ref().filter(|_| w.letter.kind != LetterKind::Cancellation)?;
    let floor = i64::from(config.settings.policy.send_floor_days);
    let left = (*day - today).num_days();
    (left < floor).then(|| format!("trop tard pour la poste ({left} jours) : appeler la personne (--channel phone)"))
}
