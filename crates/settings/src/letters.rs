//! `[letters]`: logo, fonts, the key of verification codes, and the folder of templates that replace the embedded ones.

use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::error::ConfigError;
use super::reading::{in_file, read, secret_file};
use convoke_letters::{CodeKey, Fonts, Templates};

/// Logo, fonts and texts of letters.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Letters {
    /// Logo of the letterhead: SVG, PNG or JPEG.
    pub logo: Option<PathBuf>,
    /// Folder of fonts (`.ttf`, `.otf`) for characters that the embedded ones lack.
    pub fonts: Option<PathBuf>,
    /// File with the key of verification codes.
    pub code_key_file: Option<PathBuf>,
    /// The key itself: from the environment only.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>")]
    pub code_key: Option<SecretString>,
    /// Where letters are explained in other languages; the website if absent.
    pub help_url: Option<String>,
    /// Address of the service where a request is filed online.
    pub online_service: String,
    /// Who helps with filing online, one per line.
    pub online_help: Vec<String>,
    /// Where the address of another préfecture is found.
    pub directory: String,
}

impl Default for Letters {
    fn default() -> Self {
        Self {
            logo: None,
            fonts: None,
            code_key_file: None,
            code_key: None,
            help_url: None,
            online_service: "https://administration-etrangers-en-france.interieur.gouv.fr".into(),
            online_help: vec!["Centre de contact citoyens : 0 806 001 620".into()],
            directory: "https://lannuaire.service-public.gouv.fr".into(),
        }
    }
}

impl Letters {
    /// Makes every path relative to the folder of the file that names it.
    pub(super) fn anchor(&mut self, folder: &Path) {
        for path in [&mut self.logo, &mut self.fonts, &mut self.code_key_file].into_iter().flatten() {
            *path = folder.join(&path);
        }
    }

    /// The templates: embedded, or replaced by those of `overrides` and by `letter`, a `letter.toml`. A préfecture's
    /// own templates are tested on the letters that use them, so that nothing starts with templates that fail.
    pub(super) fn templates(&self, overrides: Option<&Path>, letter: Option<&Path>) -> Result<Templates, ConfigError> {
        let mut replaced = Vec::new();
        if let Some(folder) = overrides {
            if folder.join("letter.toml").exists() {
                let place = folder.join("letter.toml").display().to_string();
                return Err(ConfigError(format!("{place} is used by no letter there: name it in `[files] letter`")));
            }
            for folder in entries(folder, "`[files] templates` names it")?.into_iter().filter(|f| f.is_dir()) {
                for file in entries(&folder, "it is a folder of templates")?.into_iter().filter(|f| f.is_file()) {
                    replaced.push((format!("{}/{}", name(&folder), name(&file)), in_file(&file, fs::read(&file))?));
                }
            }
        }
        if let Some(logo) = &self.logo {
            let bytes = fs::read(logo)
                .map_err(|e| ConfigError(format!("{}: {e}; `[letters] logo` names it", logo.display())))?;
            replaced.push(("layout/logo.svg".into(), bytes));
        }
        if let Some(letter) = letter {
            replaced.push(("letter.toml".into(), read(letter, "`[files] letter` names it")?.into_bytes()));
        }
        let fonts = match &self.fonts {
            Some(folder) => {
                let mut more = Vec::new();
                for file in entries(folder, "`[letters] fonts` names it")?.into_iter().filter(|f| f.is_file()) {
                    more.push((name(&file), in_file(&file, fs::read(&file))?));
                }
                let refused = |file| ConfigError(format!("{}: {file} is not a font", folder.display()));
                Fonts::with(more).map_err(refused)?
            }
            None => Fonts::embedded().clone(),
        };
        // The embedded templates are covered by a test; the préfecture's own fonts may affect every letter.
        let templates = match (self.fonts.is_some(), replaced.is_empty()) {
            (true, _) => Templates::unchecked(replaced, fonts).and_then(|t| t.check_all().map(|()| t)),
            (false, true) => Templates::unchecked(replaced, fonts),
            (false, false) => Templates::from_sources(replaced, fonts),
        };
        templates.map_err(|e| ConfigError(e.to_string()))
    }

    /// The key of verification codes: a file, the environment, or the systemd credential `letter-code-key`.
    pub(super) fn code_key(&self) -> Result<Option<CodeKey>, ConfigError> {
        let text = match secret_file(self.code_key_file.as_deref(), "letter-code-key") {
            Some(file) => Some(read(&file, "`[letters] code_key_file` names it; `convoke init` makes one")?),
            None => self.code_key.as_ref().map(|k| k.expose_secret().to_owned()),
        };
        let too_short = || ConfigError("the key of verification codes has fewer than 16 characters".into());
        text.map(|t| CodeKey::new(&t).ok_or_else(too_short)).transpose()
    }
}

/// The content of a folder, sorted by name, so that the same folder always gives the same hash.
fn entries(folder: &Path, hint: &str) -> Result<Vec<PathBuf>, ConfigError> {
    let listed = fs::read_dir(folder).and_then(|entries| entries.map(|e| e.map(|e| e.path())).collect());
    let mut paths: Vec<PathBuf> = listed.map_err(|e| ConfigError(format!("{}: {e}; {hint}", folder.display())))?;
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
