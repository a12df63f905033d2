//! `convoke accounts`.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::exit::Exit;
use super::failure::{BadData, Usage};
use super::output::terminal_width;
use super::session::Session;
use convoke_console::enrol;
use convoke_domain::access::Role;
use convoke_domain::ledger::Event;
use convoke_machine::entropy::Entropy;
use convoke_report::columns::Columns;
use convoke_store::Use;

#[derive(Debug, Subcommand)]
pub(super) enum Accounts {
    Add(Add),
    /// List console accounts
    #[command(after_long_help = "Example:
  convoke accounts list")]
    List,
    Remove(Remove),
    SignOut(SignOut),
}

/// Create a console account, or give an existing one a new role, password and second factor
///
/// For use when the identity provider (`[http.oidc]`) cannot be reached, or where there is none. On a terminal the
/// password is asked for; elsewhere it comes from a file or from standard input. Anyone signed in with the account has
/// to sign in again.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke accounts add agent.secours --role operateur --second-factor
  convoke accounts add audit --role auditeur --password-file - < password.txt

Roles: lecteur sees people, nights, letters and seats; operateur may also act; auditeur sees the
ledger, reports and who has read what, but nobody's file; administrateur may do all of it.")]
pub(super) struct Add {
    /// Login: a to z, 0 to 9, `.`, `-`, `_`.
    login: String,
    /// lecteur, operateur, auditeur or administrateur.
    #[arg(long)]
    role: Role,
    /// Require a one-time code as well; prints, this once, the URL for the authenticator app (RFC 6238).
    #[arg(long)]
    second_factor: bool,
    /// File with the password; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// Remove a console account, and end its sessions
#[derive(Debug, Args)]
#[command(after_long_help = "Example:
  convoke accounts remove agent.secours")]
pub(super) struct Remove {
    /// Login.
    login: String,
}

/// End every console session of an account, or of somebody whom the identity provider signed in
///
/// Somebody dismissed, or given another role by the provider, then has to sign in again at once; otherwise only when
/// their session ends.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke accounts sign-out oidc:agent.fictif
  convoke accounts sign-out local:agent.secours")]
pub(super) struct SignOut {
    /// Name as in the ledger: `oidc:NAME` or `local:LOGIN`.
    actor: String,
}

impl SignOut {
    fn execute(&self, session: &Session) -> Result<Exit> {
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let now = session.clock.now();
        let sessions = store.write(|s| {
            let sessions = s.end_sessions_of(&self.actor)?;
            let payload = json!({"actor": self.actor, "sessions": sessions});
            s.record(&convoke_machine::process::login(), now, vec![Event { kind: "console.signed_out", payload }])?;
            Ok(sessions)
        })?;
        let document = json!({"schema": "convoke.signed_out/1", "actor": self.actor, "sessions": sessions});
        session.print(&document, &format!("{sessions} sessions ended.\n"))?;
        Ok(Exit::Done)
    }
}

impl Accounts {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        match self {
            Self::Add(c) => c.execute(session),
            Self::List => list(session),
            Self::Remove(c) => c.execute(session),
            Self::SignOut(c) => c.execute(session),
        }
    }
}

impl Add {
    fn execute(&self, session: &Session) -> Result<Exit> {
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let password = self.password()?;
        let now = session.clock.now();
        let made = enrol(&self.login, self.role, &password, self.second_factor, now, &mut Entropy::System);
        let made = made.map_err(BadData)?;
        store.write(|s| {
            let replaced = s.account(&self.login)?.is_some();
            s.put_account(&made.row)?;
            s.end_sessions_of(&format!("local:{}", self.login))?;
            let payload = json!({"login": self.login, "role": self.role.code(), "second_factor": self.second_factor, "replaced": replaced});
            s.record(&convoke_machine::process::login(), now, vec![Event { kind: "account.set", payload }])
        })?;
        let url = made.second_factor.as_ref().map(|url| url.expose_secret().to_owned());
        let mut text = format!("{} can sign in as {}.\n", self.login, self.role);
        if let Some(url) = &url {
            text.push_str("For the authenticator app, shown this once:\n");
            text.push_str(url);
            text.push('\n');
        }
        let document =
            json!({"schema": "convoke.account/1", "login": self.login, "role": self.role, "second_factor": url});
        session.print(&document, &text)?;
        Ok(Exit::Done)
    }

    fn password(&self) -> Result<SecretString> {
        let text = match &self.password_file {
            Some(file) if file.as_os_str() == "-" => {
                let mut text = String::new();
                std::io::stdin().take(4_096).read_to_string(&mut text).context("reading the password")?;
                text
            }
            Some(file) => std::fs::read_to_string(file).with_context(|| file.display().to_string())?,
            None if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() => {
                let asked = dialoguer::Password::new()
                    .with_prompt("Password")
                    .with_confirmation("Again", "The passwords differ");
                asked.interact().context("asking for the password")?
            }
            None => {
                return Err(
                    Usage("not on a terminal: give --password-file FILE, or `-` for standard input".into()).into()
                );
            }
        };
        Ok(text.trim_end_matches(['\r', '\n']).to_owned().into())
    }
}

fn list(session: &Session) -> Result<Exit> {
    let config = session.configuration_to_read()?;
    let accounts = Session::store(&config, Use::Batch)?.accounts()?;
    let mut table = Columns::new(terminal_width()).header(["LOGIN", "ROLE", "SECOND FACTOR", "MADE"]).whole([0]);
    for a in &accounts {
        let factor = if a.totp.is_some() { "yes" } else { "no" };
        table.row([&a.login, &a.role, factor, &a.created_at.format("%Y-%m-%d").to_string()]);
    }
    let shown = |a: &convoke_store::AccountRow| json!({"login": a.login, "role": a.role, "second_factor": a.totp.is_some(), "made": a.created_at.and_utc()});
    let document = json!({"schema": "convoke.accounts/1", "accounts": accounts.iter().map(shown).collect::<Vec<_>>()});
    let text = if accounts.is_empty() {
        "No accounts yet: `convoke accounts add LOGIN` makes one.\n".to_owned()
    } else {
        table.text()
    };
    session.print(&document, &text)?;
    Ok(Exit::Done)
}

impl Remove {
    fn execute(&self, session: &Session) -> Result<Exit> {
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let now = session.clock.now();
        let gone = store.write(|s| {
            let gone = s.delete_account(&self.login)?;
            let sessions = s.end_sessions_of(&format!("local:{}", self.login))?;
            if gone {
                let payload = json!({"login": self.login, "sessions": sessions});
                s.record(&convoke_machine::process::login(), now, vec![Event { kind: "account.removed", payload }])?;
            }
            Ok(gone)
        })?;
        if !gone {
            return Err(
                BadData(format!("there is no account {}: `convoke accounts list` shows them", self.login)).into()
            );
        }
        session.print(&json!({"schema": "convoke.account_removed/1", "login": self.login}), "Removed.\n")?;
        Ok(Exit::Done)
    }
}
