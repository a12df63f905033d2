//! Settings: built-in defaults ← `convoke.toml` and the files that it names ← environment ← flags. An invalid
//! configuration never starts anything: it is refused with file, line and column, and what was expected.

mod audit;
mod http;
mod letters;
mod origin;
mod serve;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc, Weekday};
use chrono_tz::Tz;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

pub use audit::Audit;
use convoke_domain::agenda::Agenda;
use convoke_domain::calendar::{HolidayZone, last_working_day_until};
use convoke_domain::code::coded;
use convoke_domain::ids::sha256_hex;
use convoke_domain::permit::{PermitKind, is_deliverable_email};
use convoke_domain::policy::Policy;
use convoke_domain::seal::Seal;
use convoke_letters::{CodeKey, Office, Sender, Templates};
pub use http::{Http, Oidc};
pub use letters::Letters;
pub use origin::{Origin, Shown, shown as origins};
pub use serve::{Import, Role, Serve, Sheets};

/// What is wrong in the configuration, where, and what to do (exit code 78).
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

fn wrong<T>(message: impl fmt::Display) -> Result<T, ConfigError> {
    Err(ConfigError(message.to_string()))
}

/// `convoke.toml`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Who convokes.
    pub prefecture: Prefecture,
    /// Where the data are.
    #[serde(default)]
    pub database: Database,
    /// Files beside `convoke.toml`.
    #[serde(default)]
    pub files: Files,
    /// The relay.
    pub smtp: Smtp,
    /// Sending.
    #[serde(default)]
    pub dispatch: Dispatch,
    /// What letters are made with.
    #[serde(default)]
    pub letters: Letters,
    /// What makes nights verifiable.
    #[serde(default)]
    pub audit: Audit,
    /// `config/policy.toml`, and what the environment changes of it.
    #[serde(default)]
    #[schemars(skip)]
    pub policy: Policy,
    /// `convoke serve`.
    #[serde(default)]
    pub serve: Serve,
    /// What it answers by HTTP.
    #[serde(default)]
    pub http: Http,
    /// Files that runs read by themselves.
    #[serde(default)]
    pub import: Import,
    /// Sheets for counter and door.
    #[serde(default)]
    pub sheets: Sheets,
}

/// Who convokes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prefecture {
    /// Department or territory, `94`.
    pub code: String,
    /// Name.
    pub name: String,
    /// Service within it.
    #[serde(default)]
    pub service: String,
    /// Postal address.
    pub address: Vec<String>,
    /// Telephone.
    #[serde(default)]
    pub phone: Option<String>,
    /// Website.
    #[serde(default)]
    pub website: Option<String>,
    /// Reply-To.
    #[serde(default)]
    pub contact_email: Option<String>,
    /// Whom to ask for the rules of the algorithm.
    #[serde(default)]
    pub rules_contact: Vec<String>,
    /// Who signs letters, a line each; service and préfecture where empty.
    #[serde(default)]
    pub signature: Vec<String>,
    /// Civil dates are in this zone.
    #[serde(default = "paris", deserialize_with = "convoke_domain::code::zone::deserialize")]
    #[schemars(with = "String")]
    pub zone: Tz,
}

fn paris() -> Tz {
    Tz::Europe__Paris
}

/// Where the data are.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `sqlite:PATH`, or `postgres://USER@HOST/NAME?sslmode=verify-full`.
    pub url: String,
    /// File that holds PostgreSQL's password; also the systemd credential `database-password`.
    pub password_file: Option<PathBuf>,
}

impl Default for Database {
    fn default() -> Self {
        Self { url: "sqlite:convoke.sqlite3".into(), password_file: None }
    }
}

impl Database {
    /// Puts the password from its file into the URL, which is never printed in full.
    fn read_password(&mut self) -> Result<(), ConfigError> {
        if self.url.starts_with("sqlite:") {
            return Ok(());
        }
        let Some(secret) = secret(self.password_file.as_deref(), "database-password", None)? else { return Ok(()) };
        let mut url: url::Url = self.url.parse().map_err(|e| ConfigError(format!("[database] url: {e}")))?;
        if url.set_password(Some(secret.expose_secret())).is_err() {
            return wrong("[database] password_file: the URL names no host that a password could be for");
        }
        self.url = url.into();
        Ok(())
    }

    /// The URL with passwords masked.
    pub fn shown(&self) -> String {
        // A path is shown as written.
        let url =
            Some(&self.url).filter(|url| !url.starts_with("sqlite:")).and_then(|url| url.parse::<url::Url>().ok());
        let Some(mut url) = url else { return self.url.clone() };
        if url.password().is_some() {
            let _ = url.set_password(Some("***"));
        }
        // libpq also takes passwords as parameters.
        let masked = url.query().map(|query| {
            let mask = |pair: &str| match pair.split_once('=') {
                Some((key, _)) if key.ends_with("password") => format!("{key}=***"),
                _ => pair.to_owned(),
            };
            query.split('&').map(mask).collect::<Vec<_>>().join("&")
        });
        url.set_query(masked.as_deref());
        url.into()
    }
}

/// Files beside `convoke.toml`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Files {
    /// Sites, desks, openings.
    pub agenda: PathBuf,
    /// Rules.
    pub policy: PathBuf,
    /// Documents to bring.
    pub documents: PathBuf,
    /// Folder of templates that replace the embedded ones.
    pub templates: Option<PathBuf>,
}

impl Default for Files {
    fn default() -> Self {
        Self {
            agenda: "config/agenda.toml".into(),
            policy: "config/policy.toml".into(),
            documents: "config/documents.toml".into(),
            templates: None,
        }
    }
}

/// The relay.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// `smtps://…`, `smtp+starttls://…`, `smtp://127.0.0.1:…`, `maildir:FOLDER`.
    pub url: String,
    /// Envelope and header sender.
    pub from: String,
    /// Display name of the sender; the préfecture's name where absent.
    #[serde(default)]
    pub from_name: Option<String>,
    /// File with the password alone.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The password itself: from the environment only.
    #[serde(default, skip_serializing)]
    #[schemars(with = "Option<String>")]
    pub password: Option<SecretString>,
    /// PEM file of a certificate authority to trust besides the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Name said in EHLO.
    #[serde(default)]
    pub hello: Option<String>,
    /// Whether `smtp://` may leave this machine: nothing protects letters and password then but the network itself.
    #[serde(default)]
    pub allow_clear: bool,
    /// Where letters come back to. `{letter}` becomes the letter's signed name, by which what comes back is known; absent: the
    /// address of `from`, with `+{letter}` in it.
    #[serde(default)]
    pub return_path: Option<String>,
    /// How long relays are waited for.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// The relay that is used while the first does not answer.
    #[serde(default)]
    pub fallback: Option<Fallback>,
}

/// How long a relay is waited for, in seconds. A deadline that passes always ends the connection.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Deadlines {
    /// From the connection to the end of AUTH.
    pub open_s: u32,
    /// One read or write. Short of RFC 5321 §4.5.3.2 on purpose: before the final dot an impatient client loses nothing.
    pub step_s: u32,
    /// The answer to the final dot. Ten minutes, as RFC 5321 §4.5.3.2.6 asks: each time it is cut short a letter may be sent
    /// twice (RFC 1047).
    pub dot_s: u32,
    /// One letter from MAIL to the last answer.
    pub letter_s: u32,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { open_s: 120, step_s: 60, dot_s: 600, letter_s: 900 }
    }
}

/// The relay that is used while the first does not answer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    /// As in `[smtp] url`, but no folder.
    pub url: String,
    /// File with the password alone.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The password itself: from the environment only.
    #[serde(default, skip_serializing)]
    #[schemars(with = "Option<String>")]
    pub password: Option<SecretString>,
    /// PEM file of a certificate authority to trust besides the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Whether `smtp://` may leave this machine.
    #[serde(default)]
    pub allow_clear: bool,
}

coded! {
    /// What to do with a letter that the relay may have accepted.
    pub enum Uncertain {
        /// Resend it once under the same Message-ID; hold it if that is uncertain too.
        ResendOnce = "resend-once",
        /// Hold it until an operator decides.
        Hold = "hold",
    }
}

/// Sending.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Dispatch {
    /// `always`, or `07:00-21:00`, in the préfecture's zone.
    #[schemars(with = "String")]
    pub hours: Hours,
    /// Days of sending, unless `hours` is `always`.
    #[schemars(with = "Vec<String>")]
    pub days: Vec<Weekday>,
    /// First delay after a temporary refusal, in seconds; also the breaker's pause, and that of an uncertain letter.
    pub retry_first_s: u32,
    /// Connections of one worker to the relay.
    pub sessions: usize,
    /// Threads that render letters; 0: one a processor.
    pub render_threads: usize,
    /// Seconds after which the letters of a worker that has fallen silent are taken from it.
    pub lease_s: u32,
    /// Seconds that letters in flight are given when the worker is asked to stop.
    pub stop_timeout_s: u32,
    /// What is done about a letter that the relay may have.
    pub uncertain: Uncertain,
    /// Messages a minute to one relay, all workers together; no limit where absent.
    pub per_minute: Option<u32>,
    /// Messages a minute to one domain of recipients, all workers together; no limit where absent.
    pub domain_per_minute: Option<u32>,
    /// Letters a day to one address; no limit where absent.
    pub per_address_per_day: Option<u32>,
    /// Rehearsal: every letter goes to this address instead of its recipient's.
    pub redirect_all_to: Option<String>,
    /// Whether these are the settings of an office that convokes people.
    pub production: bool,
}

impl Default for Dispatch {
    fn default() -> Self {
        use Weekday::{Fri, Mon, Sat, Thu, Tue, Wed};
        let hour = |h| NaiveTime::from_hms_opt(h, 0, 0).unwrap_or_default();
        Self {
            hours: Hours::Between(hour(7), hour(21)),
            days: vec![Mon, Tue, Wed, Thu, Fri, Sat],
            retry_first_s: 900,
            sessions: 4,
            render_threads: 0,
            lease_s: 300,
            stop_timeout_s: 60,
            uncertain: Uncertain::ResendOnce,
            per_minute: None,
            domain_per_minute: None,
            per_address_per_day: None,
            redirect_all_to: None,
            production: true,
        }
    }
}

impl Dispatch {
    /// Whether letters may be sent at this civil time.
    pub fn may_send(&self, at: chrono::NaiveDateTime) -> bool {
        match self.hours {
            Hours::Always => true,
            Hours::Between(from, to) => self.days.contains(&at.weekday()) && from <= at.time() && at.time() < to,
        }
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let bounded = [
            ("retry_first_s", u64::from(self.retry_first_s), 1..=86_400),
            ("sessions", self.sessions as u64, 1..=64),
            ("render_threads", self.render_threads as u64, 0..=256),
            ("lease_s", u64::from(self.lease_s), 1..=86_400),
            ("stop_timeout_s", u64::from(self.stop_timeout_s), 0..=3_600),
            ("per_minute", u64::from(self.per_minute.unwrap_or(1)), 1..=1_000_000),
            ("domain_per_minute", u64::from(self.domain_per_minute.unwrap_or(1)), 1..=1_000_000),
            ("per_address_per_day", u64::from(self.per_address_per_day.unwrap_or(1)), 1..=1_000),
        ];
        for (name, value, range) in bounded {
            if !range.contains(&value) {
                return wrong(format!("[dispatch] {name} = {value}: expected {} to {}", range.start(), range.end()));
            }
        }
        if self.days.is_empty() {
            return wrong("[dispatch] days: expected at least one day, such as [\"Mon\", \"Tue\"]");
        }
        if let Some(address) = self.redirect_all_to.as_ref().filter(|a| !is_deliverable_email(a)) {
            return wrong(format!("[dispatch] redirect_all_to `{address}`: expected an e-mail address"));
        }
        Ok(())
    }
}

/// When letters are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Hours {
    /// At any hour of any day.
    Always,
    /// From one hour to another, on sending days.
    Between(NaiveTime, NaiveTime),
}

impl TryFrom<String> for Hours {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "always" {
            return Ok(Self::Always);
        }
        let hour = |t: &str| NaiveTime::parse_from_str(t.trim(), "%H:%M").ok();
        match text.split_once('-').and_then(|(a, b)| Some((hour(a)?, hour(b)?))) {
            Some((from, to)) if from < to => Ok(Self::Between(from, to)),
            _ => Err(format!("`{text}` is neither `always` nor hours such as `07:00-21:00`")),
        }
    }
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        match hours {
            Hours::Always => "always".into(),
            Hours::Between(from, to) => format!("{}-{}", from.format("%H:%M"), to.format("%H:%M")),
        }
    }
}

/// Documents to bring, by type and mention (`config/documents.toml`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// Blocks, in the order that letters list them.
    #[serde(default)]
    pub documents: Vec<DocumentBlock>,
}

/// A list of documents, and the dated legal text that requires them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentBlock {
    /// Types covered.
    pub types: Vec<PermitKind>,
    /// Mentions covered; empty means any.
    #[serde(default)]
    pub mentions: Vec<String>,
    /// The text that requires them, with its date.
    pub source: String,
    /// One document per item.
    pub items: Vec<String>,
}

impl Documents {
    /// The documents that a permit's holder must bring, each once, and their sources.
    pub fn for_permit(&self, kind: PermitKind, mention: &str) -> (Vec<String>, String) {
        let covers = |b: &&DocumentBlock| {
            b.types.contains(&kind) && (b.mentions.is_empty() || b.mentions.iter().any(|m| m == mention))
        };
        let (mut items, mut sources): (Vec<String>, Vec<&str>) = (Vec::new(), Vec::new());
        for block in self.documents.iter().filter(covers) {
            items.extend(block.items.iter().filter(|i| !items.contains(i)).cloned().collect::<Vec<_>>());
            if !sources.contains(&block.source.as_str()) {
                sources.push(&block.source);
            }
        }
        (items, sources.join(" ; "))
    }
}

/// Longest name of a letter in its Return-Path: a reference, a dot and a signature of 16 characters.
const LETTER_NAME_MAX: usize = 40;

/// An alert is raised for a letter that has waited longer for the post.
const POST_WAIT_WORKING_DAYS: u32 = 2;

/// Everything that a command needs: validated, read once.
#[derive(Debug)]
pub struct Configuration {
    /// The settings.
    pub settings: Settings,
    /// Sites and desks.
    pub agenda: Agenda,
    /// Documents to bring.
    pub documents: Documents,
    /// The letters' templates, loaded on first use.
    templates: OnceLock<Arc<Templates>>,
    /// The key of verification codes, if there is one.
    pub code_key: Option<CodeKey>,
    /// The signing key, if there is one.
    pub seal: Option<Seal>,
    /// The folder of `convoke.toml`.
    pub folder: PathBuf,
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
            return wrong(format!("{}: [policy] stands in {}, not here", file.display(), files.policy.display()));
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
        settings.policy.validate().map_err(|e| ConfigError(format!("{}: {e}", policy_file.display())))?;
        Ok(settings)
    }
}

impl Configuration {
    /// Reads and validates everything. `environment` are the variables `CONVOKE__…`; `database` is the flag.
    pub fn load(file: &Path, environment: Vec<(String, String)>, database: Option<&str>) -> Result<Self, ConfigError> {
        let config = Self::to_read(file, environment, database)?;
        config.templates()?;
        Ok(config)
    }

    /// The same without the letters' templates, which [`Self::templates`] loads on first use: rendering test letters
    /// takes too long for an answer at the counter.
    pub fn to_read(
        file: &Path,
        environment: Vec<(String, String)>,
        database: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let folder = file.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        let settings = Settings::load(file, environment, database)?;
        let agenda_file = folder.join(&settings.files.agenda);
        let agenda: Agenda = in_file(&agenda_file, toml::from_str(&read(&agenda_file, "`[files] agenda` names it")?))?;
        let documents_file = folder.join(&settings.files.documents);
        let documents: Documents =
            in_file(&documents_file, toml::from_str(&read(&documents_file, "`[files] documents` names it")?))?;
        let code_key = settings.letters.code_key()?;
        let seal = settings.audit.seal()?;
        Ok(Self { settings, agenda, documents, templates: OnceLock::new(), code_key, seal, folder })
    }

    /// The letters' templates, which are known to render. Shared by the rendering threads.
    pub fn templates(&self) -> Result<&Arc<Templates>, ConfigError> {
        if let Some(ready) = self.templates.get() {
            return Ok(ready);
        }
        let overrides = self.settings.files.templates.as_ref().map(|overrides| self.folder.join(overrides));
        let templates = Arc::new(self.settings.letters.templates(overrides.as_deref())?);
        Ok(self.templates.get_or_init(|| templates))
    }

    /// Hash of everything that decides verdicts: policy and agenda. When it changes, every permit is reviewed.
    pub fn rules_hash(&self) -> String {
        // Unwrap safety: plain data with text keys always serialises.
        let agenda = serde_json::to_vec(&self.agenda).expect("an agenda serialises");
        sha256_hex(format!("{} {}", self.settings.policy.hash(), sha256_hex(&agenda)).as_bytes())
    }

    /// The office, as named in letters.
    pub fn office(&self) -> Office {
        let p = &self.settings.prefecture;
        Office {
            code: p.code.clone(),
            name: p.name.clone(),
            service: p.service.clone(),
            address: p.address.clone(),
            phone: p.phone.clone(),
            website: p.website.clone(),
            contact_email: p.contact_email.clone(),
            rules_contact: p.rules_contact.clone(),
            help_url: self.settings.letters.help_url.clone(),
            signature: p.signature.clone(),
        }
    }

    /// A letter written before this instant and still waiting for the post has waited for more than two working days,
    /// by the first site's calendar.
    pub fn post_alert_before(&self, today: NaiveDate) -> Option<DateTime<Utc>> {
        let holidays = self.agenda.pools().first().map_or(HolidayZone::Metropole, |p| p.site.holiday_zone);
        let mut day = today;
        for _ in 0..POST_WAIT_WORKING_DAYS {
            day = last_working_day_until(holidays, day.pred_opt()?);
        }
        let midnight = day.and_time(NaiveTime::MIN).and_local_timezone(self.settings.prefecture.zone);
        midnight.earliest().map(|at| at.to_utc())
    }

    /// The sender of letters.
    pub fn sender(&self) -> Sender {
        let smtp = &self.settings.smtp;
        let domain = smtp.from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        Sender {
            from_name: smtp.from_name.clone().unwrap_or_else(|| self.settings.prefecture.name.clone()),
            from_address: smtp.from.clone(),
            message_domain: domain.to_owned(),
            sent_at: None,
        }
    }

    /// The relay's password: a file, the environment, or the systemd credential `smtp-password`.
    pub fn smtp_password(&self) -> Result<Option<SecretString>, ConfigError> {
        let smtp = &self.settings.smtp;
        secret(smtp.password_file.as_deref(), "smtp-password", smtp.password.as_ref())
    }

    /// The fallback's password: a file, the environment, or the systemd credential `smtp-fallback-password`.
    pub fn fallback_password(&self) -> Result<Option<SecretString>, ConfigError> {
        let Some(fallback) = &self.settings.smtp.fallback else { return Ok(None) };
        secret(fallback.password_file.as_deref(), "smtp-fallback-password", fallback.password.as_ref())
    }

    /// The Return-Path, with a placeholder for the letter's name. An address too long for it is used as it is.
    pub fn return_path(&self) -> String {
        let smtp = &self.settings.smtp;
        smtp.return_path.clone().unwrap_or_else(|| match smtp.from.rsplit_once('@') {
            Some((local, domain)) if local.len() + 1 + LETTER_NAME_MAX <= 64 => {
                format!("{local}+{{letter}}@{domain}")
            }
            _ => smtp.from.clone(),
        })
    }
}

fn secret(
    file: Option<&Path>,
    credential: &str,
    given: Option<&SecretString>,
) -> Result<Option<SecretString>, ConfigError> {
    match secret_file(file, credential) {
        Some(file) => {
            let text = read(&file, "`password_file` names it")?;
            Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned().into()))
        }
        None => Ok(given.cloned()),
    }
}

impl Settings {
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
        if let Some(template) = &self.smtp.return_path {
            // Tested with the longest name of a letter: a local part has at most 64 characters (RFC 5321).
            let longest = template.replace("{letter}", &"x".repeat(LETTER_NAME_MAX));
            let local = longest.split('@').next().unwrap_or_default();
            if !is_deliverable_email(&longest) || local.len() > 64 {
                return wrong(format!(
                    "[smtp] return_path `{template}`: expected an address such as retours+{{letter}}@prefecture-94.example.org, with at most {} characters beside {{letter}}",
                    64 - LETTER_NAME_MAX
                ));
            }
        }
        let Deadlines { open_s, step_s, dot_s, letter_s } = self.smtp.deadlines;
        if [open_s, step_s, dot_s, letter_s].iter().any(|s| !(1..=86_400).contains(s)) {
            return wrong("[smtp.deadlines]: expected 1 to 86400 seconds");
        }
        self.serve.validate()?;
        self.http.validate()?;
        self.audit.validate()?;
        self.dispatch.validate()
    }
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
        let (path, told) = match error {
            config::ConfigError::NotFound(path) => (path, "is missing".to_owned()),
            config::ConfigError::Type { key: Some(path), unexpected, expected, .. } => {
                (path, format!("invalid type: {unexpected}, expected {expected}"))
            }
            config::ConfigError::At { key: Some(path), error, .. } => (path, error.to_string()),
            other => (String::new(), other.to_string()),
        };
        // The library names the table with an unknown key, and not the key.
        let unknown = told.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
        let path =
            unknown.map_or(path.clone(), |name| [path.as_str(), name].join(".").trim_start_matches('.').to_owned());
        let variable = path.to_uppercase().replace('.', "__");
        ConfigError(format!("setting `{path}` (CONVOKE__{variable}): {}", origin::did_you_mean(told)))
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

fn read(file: &Path, hint: &str) -> Result<String, ConfigError> {
    fs::read_to_string(file).map_err(|e| ConfigError(format!("{}: {e}; {hint}", file.display())))
}

fn in_file<T, E: fmt::Display>(file: &Path, result: Result<T, E>) -> Result<T, ConfigError> {
    result.map_err(|e| ConfigError(format!("{}: {}", file.display(), origin::did_you_mean(e.to_string()))))
}

/// The file of a secret: the configured one, or the systemd credential.
fn secret_file(named: Option<&Path>, credential: &str) -> Option<PathBuf> {
    let credential = || std::env::var_os("CREDENTIALS_DIRECTORY").map(|d| Path::new(&d).join(credential));
    named.map(Path::to_path_buf).or_else(|| credential().filter(|f| f.exists()))
}
