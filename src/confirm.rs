//! What cannot be taken back wants a confirmation, and says so in its signature: no path of the program can forget to ask.

use std::io::IsTerminal;

use anyhow::{Context, Result};

/// Somebody was asked and said yes, on a terminal or by `--yes`. Nothing else makes one:
///
/// ```compile_fail
/// let unasked = convoke::confirm::Confirmed(());
/// ```
#[derive(Debug)]
pub struct Confirmed(());

/// There is nobody to ask, and nobody has said yes beforehand. What a pipe says is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} Not on a terminal: say --yes.")]
pub struct NobodyToAsk(String);

impl Confirmed {
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
}
