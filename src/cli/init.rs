//! `convoke init`, `convoke migrate`.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::exit::Exit;
use super::failure::Usage;
use super::session::Session;
use convoke_domain::ids::hex;
use convoke_domain::seal::Seal;
use convoke_machine::entropy::Entropy;
use convoke_office::import::guide::GUIDES;
use convoke_settings::Configuration;
use convoke_store::Store;

/// Create a folder with `convoke.toml`, `config/`, a sample of each file and an empty, migrated database.
///
/// Example 94 is the counter practice of Val-de-Marne: every permit at a desk, two calendar months before expiry at the
/// latest. Example 94-2026 puts the permits of the online list (CESEDA R.431-2) under `teleservice`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke init --dir /srv/convoke --example 94
  convoke init --dir prefectures/75 --example 94-2026")]
pub(super) struct Init {
    /// Folder to fill, created if it does not exist.
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Example to start from.
    #[arg(long, value_enum, default_value_t = Example::ValDeMarne)]
    example: Example,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Example {
    #[value(name = "94")]
    ValDeMarne,
    #[value(name = "94-2026")]
    ValDeMarne2026,
}

impl Example {
    /// The files of an example, by their path in the new folder.
    fn files(self) -> [(&'static str, &'static str); 4] {
        let policy = match self {
            Self::ValDeMarne => include_str!("../../config/examples/94/policy.toml"),
            Self::ValDeMarne2026 => include_str!("../../config/examples/94-2026/policy.toml"),
        };
        [
            ("convoke.toml", include_str!("../../config/examples/convoke.toml")),
            ("config/agenda.toml", include_str!("../../config/examples/94/agenda.toml")),
            ("config/policy.toml", policy),
            ("config/documents.toml", include_str!("../../config/examples/documents.toml")),
        ]
    }
}

/// The key of verification codes.
const CODE_KEY: &str = "keys/letter-code.key";
/// The key that signs the ledger and the reports.
const LEDGER_KEY: &str = "keys/ledger.key";

/// Fills a folder; refuses to overwrite anything.
pub(super) fn fill(dir: &Path, example: Example, entropy: &mut Entropy) -> Result<()> {
    let files = example.files();
    let names = files.iter().map(|(name, _)| *name).chain([CODE_KEY, LEDGER_KEY]);
    if let Some(name) = names.into_iter().find(|name| dir.join(name).exists()) {
        return Err(Usage(format!(
            "{} exists already: init overwrites nothing; choose another --dir",
            dir.join(name).display()
        ))
        .into());
    }
    for (name, text) in files {
        let file = dir.join(name);
        let folder = file.parent().unwrap_or(dir);
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
    }
    for guide in GUIDES {
        let file = dir.join("samples").join(format!("{}.csv", guide.name));
        fs::create_dir_all(dir.join("samples")).with_context(|| format!("making {}", dir.join("samples").display()))?;
        fs::write(&file, guide.sample()).with_context(|| format!("writing {}", file.display()))?;
    }
    write_secret(&dir.join(CODE_KEY), &format!("{}\n", hex(&entropy.bytes()?)))?;
    write_secret(&dir.join(LEDGER_KEY), &Seal::new(&entropy.bytes()?).to_pem())
}

/// Writes a file that was not there before, and that only its owner may read.
pub(super) fn write_secret(file: &Path, text: &str) -> Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let mut options = fs::OpenOptions::new();
    let written = options.write(true).create_new(true).mode(0o600).open(file).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.with_context(|| format!("writing {}", file.display()))
}

impl Init {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        fill(&self.dir, self.example, &mut Entropy::System)?;
        let environment = std::env::vars().filter(|(key, _)| key.starts_with("CONVOKE__")).collect();
        let config =
            Configuration::load(&self.dir.join("convoke.toml"), environment, session.global.database.as_deref())?;
        Store::migrate(&config.settings.database.url)?;
        let dir = self.dir.display();
        let text = format!(
            "Made {dir}: convoke.toml, config/, samples/, keys/, and an empty database.\n\
             Next:\n  1. cd {dir}, and put your sites, rules and relay into convoke.toml and config/\n  \
             2. convoke agenda generate --until DATE (or convoke import slots FILE)\n  \
             3. convoke import permits FILE (samples/permits.csv shows one; convoke import --columns permits)\n  4. convoke plan\n  5. convoke run --reason \"first night\"\n  6. convoke dispatch --until-empty\n"
        );
        session.print(
            &json!({"schema": "convoke.init/1", "dir": self.dir, "database": config.settings.database.shown()}),
            &text,
        )?;
        Ok(Exit::Done)
    }
}

pub(super) fn migrate(session: &Session) -> Result<Exit> {
    let config = session.configuration()?;
    let url = &config.settings.database.url;
    let run = Store::migrate(url)?;
    let progress = session.progress();
    // Needed once, and after an import by an older version; on most days there is nothing to do.
    let apart = Store::take_names_apart(url, &|read| progress.show("indexing names", read, 0));
    progress.clear();
    let apart = apart?;
    let mut text = if run.is_empty() {
        "The tables were up to date.\n".to_owned()
    } else {
        format!("Migrated: {}.\n", run.join(", "))
    };
    if !apart.is_empty() {
        writeln!(text, "Names are indexed for search: {}.", apart.join(", "))?;
    }
    session.print(&json!({"schema": "convoke.migrate/1", "migrations": run, "names": apart}), &text)?;
    Ok(Exit::Done)
}
