//! Why letters are held up, and what each state allows.

use anyhow::Result;

use convoke_domain::convocation::{LetterState, Remark};
use convoke_letters::Rendered;
use convoke_office::acts::{self, Cause, Turn};
use convoke_report::words;
use convoke_store::{LetterFilter, Store};

/// Why a letter is held up, or what it lacks, without addresses, and the language of that text. For a delivered letter
/// the relay's reply is not a cause.
pub(super) fn cause(
    state: LetterState,
    remark: Option<Remark>,
    rendered: Option<&str>,
    reply: Option<&str>,
) -> Option<(String, &'static str)> {
    let rendered: Option<Rendered> = rendered.and_then(|r| serde_json::from_str(r).ok());
    if let Some(fault) = rendered.and_then(|r| r.without_pdf) {
        return Some(words::paper_fault(&fault));
    }
    let reply = reply.filter(|_| LetterState::HELD_UP.contains(&state));
    (remark.is_some() || reply.is_some())
        .then(|| words::letter_cause(state, remark, &acts::cause(reply.unwrap_or_default())))
}

/// Why letters are where they are, and the language of that text.
pub(in crate::pages) fn words_of(cause: &Cause) -> Option<(String, &'static str)> {
    // A bounce without a word is a cause too.
    let known = cause.state == LetterState::Bounced || !cause.words().is_empty();
    known.then(|| words::letter_cause(cause.state, cause.remark, &cause.reply))
}

/// The causes under a filter; without a chosen state, those of every state that has causes.
pub(super) fn causes(s: &mut Store, filter: &LetterFilter) -> Result<Vec<Cause>> {
    let states: Vec<LetterState> =
        LetterState::HELD_UP.into_iter().filter(|state| filter.state.is_none_or(|chosen| chosen == *state)).collect();
    if states.is_empty() {
        return Ok(Vec::new());
    }
    Ok(acts::by_cause(s.letters_by_reply(&states, filter)?))
}

/// The turns that a state allows.
pub(super) fn turns(state: Option<LetterState>) -> Vec<Turn> {
    Turn::ALL.iter().copied().filter(|turn| state.is_none_or(|state| turn.fits(state))).collect()
}
