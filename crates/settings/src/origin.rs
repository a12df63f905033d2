//! Where each setting comes from, and suggestions for unknown ones.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::configuration::Configuration;
use super::error::ConfigError;
use super::reading::{in_file, read};

/// Values that are never shown. A secret read from a file is shown as the file's path.
const SECRETS: [&str; 4] = ["smtp.password", "smtp.fallback.password", "letters.code_key", "serve.ping_url"];

/// The source of a setting's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A default of the program.
    Default,
    /// A line of a file.
    File(PathBuf, usize),
    /// An environment variable.
    Environment(String),
    /// The flag `--database`.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(file, line) => write!(f, "{}:{line}", file.display()),
            Self::Environment(variable) => f.write_str(variable),
            Self::Flag => f.write_str("--database"),
        }
    }
}

/// A setting, its value in TOML syntax, and its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Such as `dispatch.hours`.
    pub key: String,
    /// Masked if it is a secret.
    pub value: String,
    /// Its origin.
    pub origin: Origin,
}

/// Every effective setting.
pub fn shown(
    file: &Path,
    environment: Vec<(String, String)>,
    database: Option<&str>,
) -> Result<Vec<Shown>, ConfigError> {
    let variables: BTreeMap<String, String> =
        environment.iter().map(|(name, _)| (key_of(name), name.clone())).collect();
    let config = Configuration::to_read(file, environment, database)?;
    let settings = &config.settings;
    let mut lines = lines_of(file, "")?;
    lines.extend(lines_of(&config.folder.join(&settings.files.policy), "policy.")?);
    let table = toml::Table::try_from(settings).map_err(|e| ConfigError(e.to_string()))?;
    let mut values = BTreeMap::new();
    flatten("", &toml::Value::Table(table), &mut values);
    values.insert("database.url".into(), format!("{:?}", settings.database.shown()));
    // Secrets are not serialised: only whether one is set is shown.
    let given = |key: &&str| variables.contains_key(*key) || lines.contains_key(*key);
    values.extend(SECRETS.into_iter().filter(given).map(|key| (key.to_owned(), "\"***\"".to_owned())));
    let origin = |key: &str| {
        if key == "database.url" && database.is_some() {
            return Origin::Flag;
        }
        let variable = variables.get(key).cloned().map(Origin::Environment);
        variable.or_else(|| lines.get(key).cloned()).unwrap_or(Origin::Default)
    };
    Ok(values.into_iter().map(|(key, value)| Shown { origin: origin(&key), key, value }).collect())
}

/// `CONVOKE__DISPATCH__HOURS` is `dispatch.hours`.
fn key_of(variable: &str) -> String {
    variable.trim_start_matches("CONVOKE__").to_lowercase().replace("__", ".")
}

/// The line of each key in a file.
fn lines_of(file: &Path, prefix: &str) -> Result<BTreeMap<String, Origin>, ConfigError> {
    fn walk(table: &DeTable<'_>, prefix: &str, found: &mut dyn FnMut(String, usize)) {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            match value.get_ref() {
                DeValue::Table(inner) => walk(inner, &format!("{name}."), found),
                _ => found(name, key.span().start),
            }
        }
    }
    let text = read(file, "it was there a moment ago")?;
    let document = in_file(file, DeTable::parse(&text))?;
    let mut lines = BTreeMap::new();
    walk(document.get_ref(), prefix, &mut |name, at| {
        let line = text[..at].matches('\n').count() + 1;
        lines.insert(name, Origin::File(file.to_path_buf(), line));
    });
    Ok(lines)
}

/// Flattens tables to dotted keys; a list of tables is shown by its length.
fn flatten(key: &str, value: &toml::Value, values: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            for (name, value) in table {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                flatten(&key, value, values);
            }
        }
        toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
            values.insert(key.to_owned(), format!("{} entries", items.len()));
        }
        other => {
            values.insert(key.to_owned(), other.to_string());
        }
    }
}
