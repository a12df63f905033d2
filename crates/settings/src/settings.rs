//! `convoke.toml` as a whole: read, merged with the environment, anchored to its folder, and validated.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::audit::Audit;
use super::database::Database;
use super::dispatch::Dispatch;
use super::error::{ConfigError, wrong};
use super::http::Http;
use super::letters::Letters;
use super::prefecture::Prefecture;
use super::reading::{in_file, read};
use super::serve::{Import, Serve, Sheets};
use super::smtp::Smtp;
use super::spelling::did_you_mean;
use convoke_domain::permit::is_deliverable_email;
use convoke_domain::policy::Policy;
use convoke_domain::title::Titles;

/// `convoke.toml`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Who convokes.
    pub prefecture: Prefecture,
    /// Where the data are.
    #[serde(default)]
    pub database: Database,
    /// Files next to `convoke.toml`.
    #[serde(default)]
    pub files: Files,
    /// The relay.
    pub smtp: Smtp,
    /// Sending.
    #[serde(default)]
    pub dispatch: Dispatch,
    /// Logo, fonts and texts of letters.
    #[serde(default)]
    pub letters: Letters,
    /// What makes nights verifiable.
    #[serde(default)]
    pub audit: Audit,
    /// `config/policy.toml`, with changes from the environment.
    #[serde(default)]
    #[schemars(skip)]
    pub policy: Policy,
    /// `convoke serve`.
    #[serde(default)]
    pub serve: Serve,
    /// Health, metrics and console by HTTP.
    #[serde(default)]
    pub http: Http,
    /// Files that are read before each night.
    #[serde(default)]
    pub import: Import,
    /// Sheets for counter and door.
    #[serde(default)]
    pub sheets: Sheets,
}

/// Files next to `convoke.toml`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Files {
    /// Sites, desks, openings.
    pub agenda: PathBuf,
    /// Rules.
    pub policy: PathBuf,
    /// Documents to bring.
    pub documents: PathBuf,
    /// What the words of extracts for titles mean, besides what is shipped; it need not exist.
    pub titles: PathBuf,
    /// Folder of templates that replace the embedded ones.
    pub templates: Option<PathBuf>,
    /// How letters look on paper: a `letter.toml`.
    pub letter: Option<PathBuf>,
}

impl Default for Files {
    fn default() -> Self {
        Self {
            agenda: "config/agenda.toml".into(),
            policy: "config/policy.toml".into(),
            documents: "config/documents.toml".into(),
            titles: "config/titles.toml".into(),
            templates: None,
            letter: None,
        }
    }
}

impl Settings {
    /// Reads and validates `convoke.toml` and the policy. `environment` are the variables `CONVOKE__…`; `database` is
    /// the flag.
    pub fn load(file: &Path, environment: Vec<(String, String)>, database: Option<&str>) -> Result<Self, ConfigError> {
        let folder = file.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        let text = read(file, "run `convoke init` to make one, or name it with --config")?;
        let table = in_file(file, toml::from_str::<toml::Table>(&text))?;
        let files = match table.get("files") {
            // Read again below with everything else: only the paths are needed here.
            Some(section) => in_file(file, section.clone().try_into::<Files>())?,
            None => Files::default(),
        };
        let policy_file = folder.join(&files.policy);
        let policy_text = read(&policy_file, "`[files] policy` names it")?;
        in_file(&policy_file, toml::from_str::<Policy>(&policy_text))?;
        let policy = in_file(&policy_file, toml::from_str::<toml::Table>(&policy_text))?;
        if table.contains_key("policy") {
            return wrong(format!("{}: [policy] belongs in {}, not here", file.display(), files.policy.display()));
        }
        // A second, typed reading, because the merged one has lost line and column.
        in_file(file, toml::from_str::<Self>(&text).map(drop))?;
        let mut settings = merge(table, policy, environment)?;
        if let Some(url) = database {
            url.clone_into(&mut settings.database.url);
        }
        settings.anchor(&folder);
        settings.database.read_password()?;
        settings.validate()?;
        settings.policy.titles = titles(&folder.join(&files.titles))?;
        settings.policy.validate().map_err(|e| ConfigError(format!("{}: {e}", policy_file.display())))?;
        Ok(settings)
    }

    /// Makes every path relative to the folder of the file that names it.
    fn anchor(&mut self, folder: &Path) {
        if let Some(path) = self.database.url.strip_prefix("sqlite:") {
            self.database.url = format!("sqlite:{}", folder.join(path).display());
        }
        if let Some(path) = self.smtp.url.strip_prefix("maildir:") {
            self.smtp.url = format!("maildir:{}", folder.join(path).display());
        }
        let smtp = &mut self.smtp;
        let fallback = smtp.fallback.as_mut().map(|f| [&mut f.password_file, &mut f.ca_file]);
        let named = [
            &mut smtp.password_file,
            &mut smtp.ca_file,
            &mut self.import.inbox,
            &mut self.import.mapping,
            &mut self.database.password_file,
            &mut self.serve.ping_url_file,
            &mut self.sheets.folder,
        ];
        for path in named.into_iter().chain(fallback.into_iter().flatten()).flatten() {
            *path = folder.join(&path);
        }
        self.letters.anchor(folder);
        self.audit.anchor(folder);
        self.http.anchor(folder);
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let code = &self.prefecture.code;
        // The code is used in references, ids and SQL: two or three digits or capitals, nothing else.
        if !(2..=3).contains(&code.len()) || !code.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()) {
            return wrong(format!(
                "[prefecture] code `{code}`: expected two or three digits or capitals, such as 94, 2A or 974"
            ));
        }
        if !is_deliverable_email(&self.smtp.from) {
            return wrong(format!("[smtp] from `{}`: expected an e-mail address", self.smtp.from));
        }
        if let Some(email) = self.prefecture.contact_email.as_ref().filter(|e| !is_deliverable_email(e)) {
            return wrong(format!("[prefecture] contact_email `{email}`: expected an e-mail address"));
        }
        if self.prefecture.address.is_empty() {
            return wrong("[prefecture] address: expected at least one line");
        }
        self.smtp.validate()?;
        self.serve.validate()?;
        self.http.validate()?;
        self.audit.validate()?;
        self.dispatch.validate()
    }
}

/// The titles of the law, and what the préfecture adds to them.
fn titles(file: &Path) -> Result<Titles, ConfigError> {
    if !file.exists() {
        return Ok(Titles::shipped());
    }
    let own: Titles = in_file(file, toml::from_str(&read(file, "`[files] titles` names it")?))?;
    let titles = Titles::shipped().extended(own);
    titles.validate().map_err(|e| ConfigError(format!("{}: {e}", file.display())))?;
    Ok(titles)
}

fn merge(
    mut table: toml::Table,
    policy: toml::Table,
    environment: Vec<(String, String)>,
) -> Result<Settings, ConfigError> {
    table.insert("policy".into(), toml::Value::Table(policy));
    dates_as_text(&mut table);
    let files = config::Config::try_from(&table).map_err(|e| ConfigError(e.to_string()))?;
    let variables = config::Environment::with_prefix("CONVOKE")
        .prefix_separator("__")
        .separator("__")
        .source(Some(environment.into_iter().collect()));
    let merged = config::Config::builder()
        .add_source(files)
        .add_source(variables)
        .build()
        .map_err(|e| ConfigError(e.to_string()))?;
    merged.try_deserialize().map_err(|error| {
        let (path, shown) = match error {
            config::ConfigError::NotFound(path) => (path, "is missing".to_owned()),
            config::ConfigError::Type { key: Some(path), unexpected, expected, .. } => {
                (path, format!("invalid type: {unexpected}, expected {expected}"))
            }
            config::ConfigError::At { key: Some(path), error, .. } => (path, error.to_string()),
            other => (String::new(), other.to_string()),
        };
        // The library names the table with an unknown key, and not the key.
        let unknown = shown.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
        let path =
            unknown.map_or(path.clone(), |name| [path.as_str(), name].join(".").trim_start_matches('.').to_owned());
        let variable = path.to_uppercase().replace('.', "__");
        ConfigError(format!("setting `{path}` (CONVOKE__{variable}): {}", did_you_mean(shown)))
    })
}

/// The merged configuration has no date type: dates become text again.
fn dates_as_text(table: &mut toml::Table) {
    fn walk(value: &mut toml::Value) {
        match value {
            toml::Value::Datetime(date) => *value = toml::Value::String(date.to_string()),
            toml::Value::Array(items) => items.iter_mut().for_each(walk),
            toml::Value::Table(table) => table.iter_mut().for_each(|(_, v)| walk(v)),
            _ => {}
        }
    }
    table.iter_mut().for_each(|(_, v)| walk(v));
}
