//! Everything that a command needs: the settings, and the files that they name.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use secrecy::SecretString;

use super::documents::Documents;
use super::error::ConfigError;
use super::reading::{in_file, read, secret};
use super::settings::Settings;
use convoke_domain::agenda::Agenda;
use convoke_domain::calendar::{HolidayZone, last_working_day_until};
use convoke_domain::gaps::{Gap, gaps};
use convoke_domain::ids::sha256_hex;
use convoke_domain::seal::Seal;
use convoke_letters::{CodeKey, Office, Sender, Templates};

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
        let beside = |path: &Option<PathBuf>| path.as_ref().map(|path| self.folder.join(path));
        let (overrides, letter) = (beside(&self.settings.files.templates), beside(&self.settings.files.letter));
        let templates = Arc::new(self.settings.letters.templates(overrides.as_deref(), letter.as_deref())?);
        Ok(self.templates.get_or_init(|| templates))
    }

    /// What agenda and policy say, but what serves nobody.
    pub fn gaps(&self, today: NaiveDate) -> Vec<Gap> {
        gaps(&self.agenda, &self.settings.policy, today)
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
        self.settings.smtp.return_path()
    }
}
