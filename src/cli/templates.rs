//! `convoke templates check`.

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::exit::Exit;
use super::session::Session;
use convoke_letters::{Language, LetterData, LetterKind, Matter};
use convoke_settings::{ConfigError, Configuration};

#[derive(Debug, Subcommand)]
pub(super) enum Templates {
    /// Render every kind of letter in every language, with sample and hostile data, and report the file, line and
    /// column of a fault
    ///
    /// A folder named by `[files] templates` in convoke.toml replaces the built-in files of the same name:
    /// fr/convocation.md (Markdown, with {{ values }} and {% conditions %}), fr/convocation.subject.txt, fr/short.txt,
    /// layout/letter.html, layout/letter.txt, layout/languages.toml, layout/logo.svg. No command that writes letters
    /// starts with templates that fail.
    #[command(after_long_help = "Example:
  convoke templates check")]
    Check,
}

impl Templates {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let Self::Check = self;
        let config = session.configuration()?;
        config.templates()?.check_all().map_err(|e| ConfigError(e.to_string()))?;
        check_own(&config)?;
        let (kinds, languages) = (LetterKind::ALL.len(), Language::ALL.len());
        let hash = config.templates()?.hash();
        let text = format!(
            "The templates are good: {kinds} kinds of letters in {languages} languages, with ordinary, bare and hostile data.\nSHA-256 {hash}\n"
        );
        let document = json!({"schema": "convoke.templates/1", "valid": true, "kinds": kinds, "languages": languages,
            "sha256": hash, "fonts": config.templates()?.fonts().hash()});
        session.print(&document, &text)?;
        Ok(Exit::Done)
    }
}

/// Letters with this préfecture's own name, sites, desks and lists of documents: a character that no font has, in any
/// of these, would cost every letter its PDF.
fn check_own(config: &Configuration) -> Result<()> {
    let mut data = LetterData::sample();
    data.office = config.office();
    let Matter::Convocation(convoked) = data.matter.clone() else { unreachable!("a sample is a convocation") };
    let lists = config.documents.documents.iter().map(|block| (block.items.clone(), block.source.clone()));
    let lists: Vec<_> = lists.chain([(vec![], String::new())]).collect();
    for (n, pool) in config.agenda.pools().into_iter().enumerate() {
        let mut own = convoked.clone();
        own.appointment.site.clone_from(&pool.site.name);
        own.appointment.address.clone_from(&pool.site.address.0);
        pool.site.town().clone_into(&mut own.appointment.town);
        pool.desk.label().clone_into(&mut own.appointment.desk);
        // Every list with the first desk, then every desk with the last list.
        for (items, source) in if n == 0 { lists.as_slice() } else { &lists[lists.len() - 1..] } {
            (own.documents, own.documents_source) = (items.clone(), source.clone());
            data.matter = Matter::Convocation(own.clone());
            let made = config.templates()?.compose(&data, &config.sender());
            let place = || format!("the letter of {}/{} with the documents of {source:?}", pool.site.id, pool.desk.id);
            made.map_err(|e| ConfigError(format!("{}: {e}", place())))?
                .pdf
                .map_err(|e| ConfigError(format!("{}: {e}", place())))?;
        }
    }
    Ok(())
}
