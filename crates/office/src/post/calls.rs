//! Text messages and calls: the people whose letter waits for the post, or would come too late.

use std::collections::HashSet;

use anyhow::{Context, Result};
use serde::Serialize;

use super::{Exception, csv_line, in_vain, too_late};
use convoke_domain::convocation::LetterState;
use convoke_domain::permit::Channel;
use convoke_letters::LetterData;
use convoke_machine::clock::Clock;
use convoke_settings::Configuration;
use convoke_store::{Store, ToPost};

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
        let number = phone.as_deref().and_then(international);
        let number = number.filter(|n| list == Telephone::Phone || is_mobile(n));
        let Some(number) = number else {
            let reason = if phone.is_some() { "le numéro ne convient pas" } else { "aucun numéro de téléphone" };
            without.push(Exception { id, reference, reason: reason.into() });
            continue;
        };
        let data: LetterData = serde_json::from_str(&w.letter.data).context("the data of a letter")?;
        calls.push(Call { number, text: config.templates()?.short(&data)?, reference });
    }
    Ok((calls, without))
}

/// Mobile numbers of the overseas departments have their own four-digit prefixes and another country code.
const OVERSEAS: [(&str, &str); 9] = [
    ("0690", "590"),
    ("0691", "590"),
    ("0694", "594"),
    ("0696", "596"),
    ("0697", "596"),
    ("0692", "262"),
    ("0693", "262"),
    ("0639", "262"),
    ("0638", "262"),
];

/// An E.164 number, digits only, from a number as written in France; `None` if it is invalid.
fn international(phone: &str) -> Option<String> {
    let plus = phone.trim_start().starts_with('+');
    let digits: String = phone.replace("(0)", "").chars().filter(char::is_ascii_digit).collect();
    let number = if plus {
        digits
    } else if let Some(rest) = digits.strip_prefix("00") {
        rest.to_owned()
    } else if digits.len() == 10 && digits.starts_with('0') {
        let country = OVERSEAS.iter().find(|(start, _)| digits.starts_with(start)).map_or("33", |(_, code)| code);
        format!("{country}{}", &digits[1..])
    } else {
        return None;
    };
    (8..=15).contains(&number.len()).then_some(number)
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
        let cases = [
            ("06 12 34 56 78", Some("33612345678")),
            ("+33 (0)6.12.34.56.78", Some("33612345678")),
            ("0033612345678", Some("33612345678")),
            ("0692 12 34 56", Some("262692123456")),
            ("+213 551 23 45 67", Some("213551234567")),
            ("12", None),
            ("=cmd()", None),
            ("612345678", None),
        ];
        for (written, expected) in cases {
            assert_eq!(international(written).as_deref(), expected, "{written}");
        }
        assert!(!is_mobile("33145678901") && is_mobile("33712345678"));
    }
}
