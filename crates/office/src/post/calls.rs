//! Text messages and calls: the people whose letter waits for the post, or would come too late.

use std::collections::HashSet;

use anyhow::{Context, Result};
use serde::Serialize;

use super::waiting::{in_vain, too_late};
use super::{Exception, csv_line};
use convoke_domain::convocation::LetterState;
use convoke_domain::permit::Channel;
use convoke_letters::LetterData;
use convoke_machine::clock::Clock;
use convoke_settings::Configuration;
use convoke_store::{Store, ToPost};
use convoke_writing::Verdict;
use phonenumber::country;

/// A text message or call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// International number, digits only: `33612345678`.
    pub number: String,
    /// At most 160 characters.
    pub text: String,
    /// Reference.
    pub reference: String,
}

/// Which list of telephone numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telephone {
    /// Text messages, to mobile numbers, for everyone waiting for the post.
    Sms,
    /// Calls: for those who asked to be called, and those whose letter would come too late.
    Phone,
}

/// Text messages or calls, and the letters whose holder has no usable number.
pub fn calls(
    store: &mut Store,
    config: &Configuration,
    clock: &Clock,
    list: Telephone,
) -> Result<(Vec<Call>, Vec<Exception>)> {
    let today = clock.today(config.settings.prefecture.zone);
    let letters: Vec<ToPost> = store
        .to_post()?
        .into_iter()
        .filter(|w| match list {
            Telephone::Sms => !matches!(w.letter.state, LetterState::Expired | LetterState::Posted),
            // A posted letter does not replace the requested call.
            Telephone::Phone => {
                w.letter.state == LetterState::Expired
                    || w.letter.channel == Channel::Phone
                    || too_late(w, config, today).is_some()
            }
        })
        .filter(|w| in_vain(w, today).is_none())
        .collect();
    // Nobody calls about the appointment of somebody who has died, filed or left.
    let verdict = Verdict::of(config);
    let mut called = Vec::with_capacity(letters.len());
    for w in letters {
        if verdict.waits(&store.standing(&w.letter.letter_id)?, today).is_none() {
            called.push(w);
        }
    }
    let letters = called;
    let ids: Vec<&str> = letters.iter().filter_map(|w| w.holder_id.as_deref()).collect();
    let holders = store.holders(&ids)?;
    let (mut calls, mut without) = (Vec::new(), Vec::new());
    let mut shown = HashSet::new();
    for w in &letters {
        let (id, reference) = (w.letter.letter_id.clone(), w.letter.reference.clone());
        if !shown.insert(reference.clone()) {
            continue;
        }
        let phone = w.holder_id.as_ref().and_then(|h| holders.get(h)?.phone.clone());
        let mut numbers = phone.as_deref().map(international).unwrap_or_default();
        numbers.retain(|n| list == Telephone::Phone || is_mobile(n));
        if numbers.is_empty() {
            let reason = if phone.is_some() { "le numéro ne convient pas" } else { "aucun numéro de téléphone" };
            without.push(Exception { id, reference, reason: reason.into() });
            continue;
        }
        let data: LetterData = serde_json::from_str(&w.letter.data).context("the data of a letter")?;
        let text = config.templates()?.short(&data)?;
        let call = |number| Call { number, text: text.clone(), reference: reference.clone() };
        calls.extend(numbers.into_iter().map(call));
    }
    Ok((calls, without))
}

/// The regions of France, by whose rules a number without a country is read.
const REGIONS: [country::Id; 6] =
    [country::Id::FR, country::Id::RE, country::Id::GP, country::Id::MQ, country::Id::GF, country::Id::YT];

/// The E.164 numbers, digits only, in what people write as a telephone number, in their order: a register may have
/// several in one field.
fn international(phone: &str) -> Vec<String> {
    let mut numbers: Vec<String> = Vec::new();
    for part in
        phone.split(['/', ',', ';', '|']).flat_map(|part| part.split(" ou ")).flat_map(|part| part.split(" et "))
    {
        if let Some(number) = one_number(part).filter(|number| !numbers.contains(number)) {
            numbers.push(number);
        }
    }
    numbers
}

fn one_number(written: &str) -> Option<String> {
    // What people add in words; "(0)" is not dialled from abroad.
    let plain = written.replace("(0)", "");
    let number: String = plain.chars().filter(|c| c.is_ascii_digit() || "+ .-".contains(*c)).collect();
    let number = number.trim();
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let read = |region| phonenumber::parse(Some(region), number).ok();
    // A name or a remark between digits is no number.
    if !(8..=16).contains(&digits) || plain.contains('=') {
        return None;
    }
    let valid = REGIONS.into_iter().find_map(|region| read(region).filter(phonenumber::is_valid));
    // The plan of numbers changes sooner than its tables: nine digits of France are dialled all the same.
    let french =
        || read(country::Id::FR).filter(|n| n.code().value() == 33 && n.national().value().to_string().len() == 9);
    let e164 = valid.or_else(french)?.format().mode(phonenumber::Mode::E164).to_string();
    Some(e164.trim_start_matches('+').to_owned())
}

/// Whether it may receive text messages. Foreign numbers cannot be classified: they are tried.
fn is_mobile(number: &str) -> bool {
    match number.strip_prefix("33") {
        Some(rest) => rest.starts_with(['6', '7']),
        None => true,
    }
}

/// Calls as CSV.
pub fn calls_csv(calls: &[Call]) -> String {
    let mut out = "numero;texte;reference\r\n".to_owned();
    out.extend(calls.iter().map(|c| csv_line(&[c.number.clone(), c.text.clone(), c.reference.clone()])));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_as_people_write_it_becomes_one_that_a_provider_takes() {
        for (written, expected) in [
            ("06 12 34 56 78", &["33612345678"][..]),
            ("+33 (0)6.12.34.56.78", &["33612345678"]),
            ("0033612345678", &["33612345678"]),
            ("612345678", &["33612345678"]),
            ("33612345678", &["33612345678"]),
            // The numbers kept for fiction are in no plan.
            ("639980005", &["33639980005"]),
            ("33639980006", &["33639980006"]),
            ("06-39-98-00-07", &["33639980007"]),
            ("0692 12 34 56", &["262692123456"]),
            ("0262 12 34 56", &["262262123456"]),
            ("+213 551 23 45 67", &["213551234567"]),
            ("06.12.34.56.78 (frère)", &["33612345678"]),
            ("06 12 34 56 78 / 07 12 34 56 78", &["33612345678", "33712345678"]),
            ("0612345678 ou +213551234567, 06 12 34 56 78", &["33612345678", "213551234567"]),
            ("12", &[]),
            ("=cmd()", &[]),
            ("123456789012345678", &[]),
            ("", &[]),
        ] {
            assert_eq!(international(written), expected, "{written}");
        }
        assert!(!is_mobile("33145678901") && is_mobile("33712345678"));
    }
}
