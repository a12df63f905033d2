//! `convoke config`.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::json;

use super::exit::Exit;
use super::session::Session;
use convoke_office::titles;
use convoke_settings::{ConfigError, Settings, origins};
use convoke_store::Use;

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Read the whole configuration, and report what is wrong and where
    #[command(after_long_help = "Example:
  convoke config check")]
    Check,
    /// Show every setting in force and where it comes from: a line of a file, a variable, a flag, or the program itself
    ///
    /// A secret is never shown, only whether there is one.
    #[command(after_long_help = "Examples:
  convoke config show
  CONVOKE__DISPATCH__SESSIONS=2 convoke config show
  convoke --config prefectures/75/convoke.toml config show")]
    Show,
    /// Print the JSON Schema of `convoke.toml`, for editors
    #[command(after_long_help = "Example:
  convoke config schema > convoke.schema.json")]
    Schema,
}

impl Config {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        match self {
            Self::Check => {
                let config = session.configuration()?;
                let gaps = config.gaps(session.clock.today(config.settings.prefecture.zone));
                if !gaps.is_empty() {
                    let gaps: Vec<String> = gaps.iter().map(ToString::to_string).collect();
                    return Err(ConfigError(gaps.join("\n")).into());
                }
                // A database that is not there yet says nothing of titles.
                if let Ok(mut store) = Session::store(&config, Use::Batch) {
                    for (kind, mention) in titles::kept(&mut store, &config.settings.policy.titles)? {
                        eprintln!(
                            "warning: {kind} / {mention} is no title, and keeps its former verdict until `convoke titles add` says what it is"
                        );
                    }
                }
                session
                    .print(&json!({"schema": "convoke.config/1", "valid": true}), "The configuration is valid.\n")?;
            }
            Self::Show => {
                let shown =
                    origins(&session.global.config, Session::environment(), session.global.database.as_deref())?;
                let width =
                    shown.iter().map(|s| s.key.len() + s.value.len() + 3).filter(|n| *n < 60).max().unwrap_or(0);
                let mut text = String::new();
                for s in &shown {
                    writeln!(text, "{:<width$}  # {}", format!("{} = {}", s.key, s.value), s.origin)?;
                }
                let settings: Vec<_> = shown
                    .iter()
                    .map(|s| json!({"key": s.key, "value": s.value, "origin": s.origin.to_string()}))
                    .collect();
                session.print(&json!({"schema": "convoke.settings/1", "settings": settings}), &text)?;
            }
            Self::Schema => {
                let schema = serde_json::to_string_pretty(&schemars::schema_for!(Settings))?;
                // The schema is for programs: its lines are never folded.
                writeln!(std::io::stdout(), "{schema}").context("writing the schema")?;
            }
        }
        Ok(Exit::Done)
    }
}
