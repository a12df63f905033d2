//! `convoke doctor`: checks everything that nights and letters need, and says what to do if something is wrong.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{Datelike, TimeDelta};
use serde::Serialize;
use serde_json::json;
use tokio::time::timeout;

use super::exit::Exit;
use super::session::Session;
use convoke_dispatch::Transport;
use convoke_dispatch::smtp::{Relay, Session as Dialogue};
use convoke_domain::seal::Seal;
use convoke_office::titles;
use convoke_settings::{ConfigError, Configuration};
use convoke_store::{Store, Use};

/// With less free space, an extract of a million permits and its night could fill the disk.
const DISK_MIN_MB: u64 = 1_024;
/// Seats are needed as far ahead as the law allows people to come: two calendar months.
const AGENDA_AHEAD_DAYS: i64 = 62;
/// With a greater difference, machines see each other's leases end early.
const SKEW_MAX: TimeDelta = TimeDelta::seconds(5);
/// Time zones change their rules with a year's notice.
const ZONES_OLD_YEARS: i32 = 2;
const RELAY_PATIENCE: Duration = Duration::from_secs(20);

/// One check.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    ok: bool,
    /// What was found.
    /// A sentence.
    #[serde(rename = "told")]
    detail: String,
    /// What to do if it is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn good(&mut self, what: &'static str, detail: impl Into<String>) {
        self.0.push(Finding { what, ok: true, detail: detail.into(), remedy: None });
    }

    fn wrong(&mut self, what: &'static str, detail: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Finding { what, ok: false, detail: detail.into(), remedy: Some(remedy.into()) });
    }

    /// Good unless `wrong`.
    fn check(&mut self, what: &'static str, wrong: bool, detail: impl Into<String>, remedy: impl Into<String>) {
        if wrong { self.wrong(what, detail, remedy) } else { self.good(what, detail) }
    }
}

/// Checks everything; a configuration that cannot be read is reported by its own error.
pub(super) fn doctor(session: &Session) -> Result<Exit> {
    let config = session.configuration_to_read()?;
    let mut findings = Findings::default();
    findings.good("settings", "read and valid; `convoke config show` shows where each comes from");
    match config.templates().and_then(|t| t.check_all().map_err(|e| ConfigError(e.to_string()))) {
        Ok(()) => findings.good("templates", "every letter renders, in every language"),
        Err(error) => findings.wrong("templates", error.to_string(), "fix it, then run `convoke templates check`"),
    }
    secrets(&mut findings, &config);
    match &config.seal {
        Some(seal) => findings.good("seal", format!("nights are signed by the key {}", seal.public().fingerprint())),
        None => findings.wrong(
            "seal",
            "no key signs the ledger: rewritten nights could not be detected",
            "set `[audit] key_file`, then run `convoke keys generate`",
        ),
    }
    zones(&mut findings, session, &config);
    match Store::open(&config.settings.database.url, &config.settings.prefecture.code, Use::Batch) {
        Ok(mut store) => database(&mut findings, session, &config, &mut store)?,
        Err(error) => {
            let detail = format!("{error:#}");
            let remedy = remedy(&detail).unwrap_or("see `[database] url`, and the log of the server");
            findings.wrong("database", detail, remedy);
        }
    }
    disk(&mut findings, &config);
    relays(&mut findings, &config)?;

    let mut text = String::new();
    for Finding { what, ok, detail, remedy } in &findings.0 {
        writeln!(text, "{} {what:<9} {detail}", if *ok { "ok   " } else { "WRONG" })?;
        if let Some(remedy) = remedy {
            writeln!(text, "                → {remedy}")?;
        }
    }
    let healthy = findings.0.iter().all(|f| f.ok);
    session.print(&json!({"schema": "convoke.doctor/1", "healthy": healthy, "findings": findings.0}), &text)?;
    Ok(if healthy { Exit::Done } else { Exit::Unexpected })
}

fn database(findings: &mut Findings, session: &Session, config: &Configuration, store: &mut Store) -> Result<()> {
    let settings = &config.settings;
    findings.good(
        "database",
        format!("{}: {}, its tables are of this version", settings.database.shown(), store.describe()?),
    );
    let now = session.clock.now();
    if let Some(theirs) = store.server_time()? {
        let skew = (theirs - now).abs();
        let detail = format!("the database's clock differs by {:.1} s", skew.as_seconds_f64());
        findings.check("clock", skew > SKEW_MAX, detail, "set both clocks by NTP: `timedatectl set-ntp true`");
    }
    let today = session.clock.today(settings.prefecture.zone);
    for gap in config.gaps(today) {
        findings.wrong("desks", gap.to_string(), "correct config/agenda.toml, then run `convoke config check`");
    }
    let unknown = store.unknown_titles(titles::due_span(&settings.policy, today))?;
    let due: u64 = unknown.iter().map(|title| title.due).sum();
    if !unknown.is_empty() {
        let detail =
            format!("{} titles of permits that nobody has named; {due} of their people are due", unknown.len());
        findings.wrong("titles", detail, "`convoke titles list`, then `convoke titles add` for each");
    }
    let kept = titles::kept(store, &settings.policy.titles)?;
    if !kept.is_empty() {
        let kept: Vec<String> = kept.iter().map(|(kind, mention)| format!("{kind} / {mention}")).collect();
        let detail = format!("mentions that no title has keep their former verdict: {}", kept.join(", "));
        findings.wrong("titles", detail, "`convoke titles add` says what each is");
    }
    match store.last_extract()? {
        Some(day) => {
            let age = (today - day).num_days();
            let old = age > i64::from(settings.policy.extract_warn_days);
            let remedy = "export a new one, then run `convoke import permits FILE` or put it into `[import] inbox`";
            findings.check("extract", old, format!("the last extract of permits is {age} days old"), remedy);
        }
        None => findings.wrong("extract", "no permits have been imported yet", "convoke import permits FILE"),
    }
    let own = config.seal.as_ref().map(Seal::public);
    if let Some(known) = store.key_in_use()?.filter(|known| own.is_some_and(|own| own != *known)) {
        let detail = format!("the ledger names another key than `[audit] key_file`: {}", known.fingerprint());
        findings.wrong(
            "seal",
            detail,
            "restore that key; `convoke keys rotate` completes a rotation that was interrupted",
        );
    }
    let witnesses = settings.audit.witnesses.len();
    let (untold, said) = store.checkpoints_without_witness(now - TimeDelta::days(1))?;
    if untold > 0 {
        let said = said.map_or_else(String::new, |said| format!(": {said}"));
        let detail = format!("{untold} checkpoints have not reached a witness for more than a day{said}");
        findings.wrong(
            "witnesses",
            detail,
            "check the addresses in `[audit] witnesses`; `convoke dispatch` tries again",
        );
    } else if witnesses == 0 {
        findings
            .good("witnesses", "none: anyone who has the key could rewrite the past; name one in `[audit] witnesses`");
    } else {
        findings.good("witnesses", format!("{witnesses}, all up to date"));
    }
    console(findings, config, store)?;
    let ahead = store.last_slot_day()?.map_or(0, |day| (day - today).num_days());
    let until = today + TimeDelta::days(220);
    findings.check(
        "agenda",
        ahead < AGENDA_AHEAD_DAYS,
        format!("slots reach {} days ahead", ahead.max(0)),
        format!("convoke agenda generate --until {until}, or import slots: people are convoked two months ahead"),
    );
    Ok(())
}

/// Who can sign in to the console, if it is on.
fn console(findings: &mut Findings, config: &Configuration, store: &mut Store) -> Result<()> {
    let http = &config.settings.http;
    if !http.console {
        return Ok(());
    }
    let accounts = store.accounts()?.len();
    let provider =
        http.oidc.as_ref().map_or_else(|| "by no identity provider".into(), |oidc| format!("by {}", oidc.issuer));
    let detail = format!("people sign in {provider}; {accounts} accounts are kept here");
    let remedy = "name one in [http.oidc], or `convoke accounts add LOGIN --role administrateur`";
    findings.check("console", accounts == 0 && http.oidc.is_none(), detail, remedy);
    Ok(())
}

/// Only this program, and at most its group, may read a secret.
fn secrets(findings: &mut Findings, config: &Configuration) {
    let s = &config.settings;
    let fallback = s.smtp.fallback.as_ref().and_then(|f| f.password_file.as_deref());
    let named = [
        s.smtp.password_file.as_deref(),
        fallback,
        s.database.password_file.as_deref(),
        s.letters.code_key_file.as_deref(),
        s.serve.ping_url_file.as_deref(),
        s.audit.key_file.as_deref(),
        s.http.oidc.as_ref().and_then(|oidc| oidc.client_secret_file.as_deref()),
    ];
    let mut files = 0;
    for file in named.into_iter().flatten() {
        files += 1;
        let Ok(metadata) = std::fs::metadata(file) else { continue };
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o027 != 0 {
            let detail = format!("{} has the mode {mode:o}: other users can read or change it", file.display());
            findings.wrong("secrets", detail, format!("chmod 600 {}", file.display()));
        }
    }
    if findings.0.iter().all(|f| f.what != "secrets") {
        findings.good("secrets", format!("{files} files, closed to other users"));
    }
}

fn zones(findings: &mut Findings, session: &Session, config: &Configuration) {
    let version = chrono_tz::IANA_TZDB_VERSION;
    let year: i32 = version.get(..4).and_then(|year| year.parse().ok()).unwrap_or(0);
    let zone = config.settings.prefecture.zone;
    let old = session.clock.today(zone).year() - year > ZONES_OLD_YEARS;
    findings.check(
        "zones",
        old,
        format!("time zone data {version}, {zone}"),
        "install a newer convoke, which contains newer time zones",
    );
}

fn disk(findings: &mut Findings, config: &Configuration) {
    let url = &config.settings.database.url;
    let Some(path) = url.strip_prefix("sqlite:") else { return };
    let folder = Path::new(path).parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match rustix::fs::statvfs(folder) {
        Ok(disk) => {
            let free = disk.f_bavail * disk.f_frsize / (1 << 20);
            findings.check(
                "disk",
                free < DISK_MIN_MB,
                format!("{free} MB free for the database"),
                "free some space, or move the database",
            );
        }
        Err(error) => {
            findings.wrong("disk", format!("{}: {error}", folder.display()), "see the folder of `[database] url`");
        }
    }
}

/// Connects, secures the channel and logs in as for a letter, then leaves without sending one.
fn relays(findings: &mut Findings, config: &Configuration) -> Result<()> {
    let relays = match Transport::of(config)? {
        Transport::Smtp(relays) => relays,
        Transport::Maildir(folder) => {
            findings.good("relay", format!("letters are written into {}", folder.display()));
            return Ok(());
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("calling the relay")?;
    for relay in relays {
        match runtime.block_on(async { timeout(RELAY_PATIENCE, call(&relay)).await }) {
            Ok(Ok(())) => findings.good("relay", format!("{relay} answers, and accepts this program")),
            Ok(Err((detail, true))) => {
                let remedy = "check the user in `[smtp] url` and the password: `[smtp] password_file`, or the credential `smtp-password`";
                findings.wrong("relay", format!("{relay}: {detail}"), remedy);
            }
            Ok(Err((detail, false))) => {
                findings.wrong(
                    "relay",
                    format!("{relay}: {detail}"),
                    "is it running, and are host, port and `ca_file` right?",
                );
            }
            Err(_) => {
                let detail = format!("{relay} did not answer within {} s", RELAY_PATIENCE.as_secs());
                findings.wrong("relay", detail, "is a firewall in between, or is the port wrong?");
            }
        }
    }
    Ok(())
}

/// `Err` says what went wrong, and whether it was the login.
async fn call(relay: &Relay) -> Result<(), (String, bool)> {
    let words = |fault: convoke_dispatch::smtp::Fault| (fault.to_string(), fault.is_authentication());
    let mut dialogue = Dialogue::open(relay).await.map_err(words)?;
    dialogue.ask_nothing().await.map_err(words)?;
    dialogue.quit().await;
    Ok(())
}

/// What to do about a database error, recognised by libpq's words, which are English whatever the server's language.
fn remedy(detail: &str) -> Option<&'static str> {
    let knows = |word: &str| detail.contains(word);
    Some(match () {
        () if knows("run `convoke migrate`") => "convoke migrate",
        () if knows("SSL support is not compiled in") => {
            "this program was built without TLS to PostgreSQL: build it with --features postgres-tls, or use the container image"
        }
        () if knows("server does not support SSL") => {
            "sslmode asks for TLS and the server offers none: set ssl = on and its certificate in postgresql.conf"
        }
        () if knows("root certificate file") => {
            "sslmode=verify-full needs the certificate of the authority: add sslrootcert=FILE to the URL, or sslrootcert=system"
        }
        () if knows("does not match host name") => {
            "the server's certificate is for another name: connect under that name, or have one issued for this name"
        }
        () if knows("certificate verify failed") => {
            "the server's certificate is not signed by the authority of sslrootcert, or has expired"
        }
        () if knows("no pg_hba.conf entry") => {
            "no line of pg_hba.conf admits this host, user or database; hostssl lines need sslmode=verify-full"
        }
        () if knows("password authentication failed") => {
            "the password is wrong: check `[database] password_file`, the credential `database-password`, or PGPASSFILE"
        }
        () if knows("no password supplied") => {
            "give a password: `[database] password_file`, the credential `database-password`, or PGPASSFILE"
        }
        () if knows("Connection refused")
            || knows("could not translate host name")
            || knows("No such file or directory") =>
        {
            "is the server running, and are host and port in `[database] url` right?"
        }
        () if knows("does not exist") => "create the database or the role: createdb, createuser",
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_failing_at_tls_has_a_remedy() {
        for (detail, word) in [
            ("sslmode value \"require\" invalid when SSL support is not compiled in", "postgres-tls"),
            ("server does not support SSL, but SSL was required", "ssl = on"),
            ("root certificate file \"/root/.postgresql/root.crt\" does not exist", "sslrootcert"),
            ("server certificate for \"a\" does not match host name \"b\"", "another name"),
            ("SSL error: certificate verify failed", "sslrootcert"),
            ("FATAL: no pg_hba.conf entry for host \"10.0.0.1\", user \"u\", database \"d\", no encryption", "hostssl"),
        ] {
            assert!(remedy(detail).is_some_and(|r| r.contains(word)), "{detail}: {:?}", remedy(detail));
        }
        assert_eq!(remedy("something else"), None);
    }
}
