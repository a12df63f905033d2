//! `convoke templates check|export`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::json;

use super::exit::Exit;
use super::failure::Usage;
use super::output::make_folder;
use super::session::Session;
use convoke_letters::{Language, LetterData, LetterKind, Matter};
use convoke_machine::files::write_whole;
use convoke_settings::{ConfigError, Configuration};

#[derive(Debug, Subcommand)]
pub(super) enum Templates {
    /// Render every kind of letter in every language, with sample and hostile data, and report the file, line and
    /// column of a fault
    ///
    /// A folder named by `[files] templates` in convoke.toml replaces the built-in files of the same name:
    /// fr/convocation.md (Markdown, with {{ values }} and {% conditions %}), fr/convocation.subject.txt, fr/short.txt,
    /// layout/letter.html, layout/letter.txt, layout/languages.toml, layout/logo.svg. The file named by `[files]
    /// letter` changes how letters look on paper. No command that writes letters starts with templates that fail.
    #[command(after_long_help = "Example:
  convoke templates check")]
    Check,
    /// Write the built-in templates and letter.toml into a folder, to start from
    ///
    /// Keep what you change and delete the rest: for files that you delete, and keys of letter.toml, the built-in ones
    /// are used, also after an upgrade. Nothing is overwritten.
    #[command(after_long_help = "Example:
  convoke templates export --out config")]
    Export {
        /// Folder to write into: letter.toml and templates/.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

impl Templates {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        if let Self::Export { out } = self {
            return export(session, out);
        }
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

fn export(session: &Session, out: &Path) -> Result<Exit> {
    let templates = convoke_letters::Templates::embedded();
    let place = |name: &str| if name.contains('/') { out.join("templates").join(name) } else { out.join(name) };
    let files: Vec<_> = templates.sources().iter().map(|(name, source)| (place(name), source)).collect();
    if let Some((there, _)) = files.iter().find(|(file, _)| file.exists()) {
        return Err(
            Usage(format!("{} is there already: nothing was written; name another folder", there.display())).into()
        );
    }
    make_folder(out)?;
    for (file, source) in &files {
        let folder = file.parent().unwrap_or(out);
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        write_whole(file, source)?;
    }
    // Wherever convoke.toml is. A string of JSON is one of TOML.
    let whole = out.canonicalize().with_context(|| format!("finding {}", out.display()))?;
    let path = |name: &str| json!(whole.join(name).display().to_string());
    let text = format!(
        "{} files are in {}.\nKeep what you change, delete the rest, and name them in convoke.toml:\n\
         [files]\nletter = {}\ntemplates = {}\n\
         Then: convoke templates check; convoke letters preview --envelope --out previews\n",
        files.len(),
        out.display(),
        path("letter.toml"),
        path("templates")
    );
    let written: Vec<_> = files.iter().map(|(file, _)| file.display().to_string()).collect();
    session.print(&json!({"schema": "convoke.templates-export/1", "files": written}), &text)?;
    Ok(Exit::Done)
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
