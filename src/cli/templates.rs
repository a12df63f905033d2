//! `convoke templates check`.

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::{Exit, Session};
use crate::letters::{Language, LetterKind};
use crate::settings::ConfigError;

#[derive(Debug, Subcommand)]
pub(super) enum Templates {
    /// Render every kind of letter in every language, with sample and hostile data, and say file, line and column of a fault
    ///
    /// A folder named by `[files] templates` in convoke.toml replaces what it holds: fr/convocation.md (Markdown, with
    /// {{ values }} and {% conditions %}), fr/convocation.subject.txt, fr/short.txt, layout/letter.typ, layout/letter.html,
    /// layout/letter.txt, layout/languages.toml, layout/logo.svg. No run starts with templates that fail.
    Check,
}

impl Templates {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let Self::Check = self;
        let config = session.configuration()?;
        config.templates.check(LetterKind::ALL).map_err(|e| ConfigError(e.to_string()))?;
        let (kinds, languages) = (LetterKind::ALL.len(), Language::ALL.len());
        let hash = config.templates.hash();
        let text = format!(
            "The templates are good: {kinds} kinds of letters in {languages} languages, with ordinary, bare and hostile data.\nSHA-256 {hash}\n"
        );
        let document = json!({"schema": "convoke.templates/1", "valid": true, "kinds": kinds, "languages": languages,
            "sha256": hash, "fonts": config.templates.fonts().hash()});
        session.print(&document, &text)?;
        Ok(Exit::Done)
    }
}
