//! What cannot be taken back wants a confirmation, and says so in its signature: no path of the program can forget to
//! ask.

use std::io::IsTerminal;

use anyhow::{Context, Result};

/// Somebody was asked and said yes: on a terminal, by `--yes`, or by typing on a page what it was that they confirm.
/// Nothing else makes one: its field is private.
#[derive(Debug)]
pub struct Confirmed(());

/// There is nobody to ask, and nobody has said yes beforehand. What a pipe says is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} Not on a terminal: say --yes.")]
pub struct NobodyToAsk(String);

impl Confirmed {
    /// What was asked for on a page, typed there by whoever confirms: a count, a reference.
    pub fn typed(typed: &str, expected: &str) -> Option<Self> {
        (!expected.is_empty() && typed.trim() == expected).then_some(Self(()))
    }

    /// For a rehearsal, which takes back all that it permits: only the store makes one.
    pub fn rehearsed() -> Self {
        Self(())
    }

    /// Asks on a terminal; elsewhere `--yes` must have been said. `None` for a no.
    pub fn ask(yes: bool, question: &str) -> Result<Option<Self>> {
        if yes {
            return Ok(Some(Self(())));
        }
        if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
            return Err(NobodyToAsk(question.to_owned()).into());
        }
        let answer = dialoguer::Confirm::new().with_prompt(question).default(false).interact().context("asking")?;
        Ok(answer.then_some(Self(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confirmation_costs_nothing() {
        assert_eq!(size_of::<Confirmed>(), 0);
    }

    #[test]
    fn only_what_was_asked_for_confirms() {
        assert!(Confirmed::typed(" 12 ", "12").is_some());
        assert!(Confirmed::typed("", "12").is_none() && Confirmed::typed("oui", "12").is_none());
        assert!(Confirmed::typed("", "").is_none(), "nothing confirms nothing");
    }
}
