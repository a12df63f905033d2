//! `convoke titles`.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::exit::Exit;
use super::failure::Usage;
use super::session::Session;
use convoke_domain::title::{Spelling, TitleId};
use convoke_machine::files::write_whole;
use convoke_machine::process;
use convoke_office::post::csv_line;
use convoke_office::titles::{self, NoTitle};
use convoke_store::Use;

#[derive(Debug, Subcommand)]
pub(super) enum Titles {
    /// List the titles of permits that nobody has named, the soonest expiry first
    ///
    /// Nobody is convoked for such a permit, except that one whose mention begins with the word for students is taken
    /// for a student's. `convoke titles add` says what a spelling means.
    #[command(after_long_help = "Examples:
  convoke titles list
  convoke titles list --all                          also the titles that are known
  convoke titles list --call to-call.csv             their people, to be telephoned")]
    List {
        /// Also the titles that are known.
        #[arg(long)]
        all: bool,
        /// Write the people who are due within the horizon, with their telephone, as CSV.
        #[arg(long, value_name = "FILE")]
        call: Option<PathBuf>,
    },
    /// Say what a type and a mention of the extract mean
    ///
    /// The answer goes to `config/titles.toml` and into the ledger; all permits so worded are assessed again by the
    /// next run.
    #[command(after_long_help = "Examples:
  convoke titles add \"DCEM\" \"mineur\" --is CST/vie-privee-familiale --reason \"ministry's list of 3 March\"")]
    Add {
        /// The type, as the extract has it.
        #[arg(value_name = "TYPE")]
        kind: String,
        /// The mention, as the extract has it.
        #[arg(value_name = "MENTION")]
        mention: String,
        /// What it is: type and mention by their codes (CST/salarie), or the mention alone if the type is known.
        #[arg(long = "is", value_name = "CODE")]
        title: String,
        /// Give another title to words that are known already.
        #[arg(long)]
        replace: bool,
        /// Why; the ledger keeps it.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

impl Titles {
    pub(super) fn execute(self, session: &Session) -> Result<Exit> {
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        match self {
            Self::List { all, call } => {
                let today = session.clock.today(config.settings.prefecture.zone);
                let due = titles::due_span(&config.settings.policy, today);
                let unknown = store.unknown_titles(due)?;
                let kept = titles::kept(&mut store, &config.settings.policy.titles)?;
                let mut text = String::new();
                for title in &unknown {
                    let (kind, mention) = title.words.split_once('\n').unwrap_or((&title.words, ""));
                    let student = if title.is_student { ", taken for students" } else { "" };
                    writeln!(
                        text,
                        "{kind} / {mention}: {} permits, {} due{student}, the first expires on {}",
                        title.permits, title.due, title.first_expiry
                    )?;
                }
                for (kind, mention) in &kept {
                    writeln!(
                        text,
                        "{kind} / {mention}: assessed as before, until `convoke titles add` says what it is"
                    )?;
                }
                if unknown.is_empty() && kept.is_empty() {
                    text.push_str("Every title is known.\n");
                }
                let known = &config.settings.policy.titles.title;
                if all {
                    for kind in &config.settings.policy.titles.kind {
                        writeln!(text, "type: {}: {}", kind.code, kind.accept.join(", "))?;
                    }
                    for title in known {
                        let types: Vec<&str> = title.types.iter().map(|kind| kind.code()).collect();
                        let types = if types.is_empty() { "all types".to_owned() } else { types.join(", ") };
                        let note = match (title.student, title.renewable) {
                            (true, _) => ", students",
                            (_, false) => ", not renewable",
                            _ => "",
                        };
                        let words = title.accept.join(", ");
                        writeln!(text, "known: {} ({types}{note}): {words}; {}", title.code, title.article)?;
                    }
                }
                if let Some(file) = &call {
                    let header =
                        ["numero_etranger", "nom", "prenoms", "telephone", "type_titre", "mention", "fin_validite"];
                    let mut csv = csv_line(&header.map(str::to_owned));
                    for person in store.people_of_unknown_titles(due)? {
                        let (kind, mention) = person.words.split_once('\n').unwrap_or((&person.words, ""));
                        let (phone, day) = (person.phone.unwrap_or_default(), person.expires_on.to_string());
                        csv += &csv_line(&[
                            person.number,
                            person.family_name,
                            person.given_names,
                            phone,
                            kind.to_owned(),
                            mention.to_owned(),
                            day,
                        ]);
                    }
                    write_whole(file, csv.as_bytes())?;
                }
                let listed: Vec<_> = unknown
                    .iter()
                    .map(|t| {
                        let (kind, mention) = t.words.split_once('\n').unwrap_or((&t.words, ""));
                        json!({"type": kind, "mention": mention, "permits": t.permits, "due": t.due,
                            "student": t.is_student, "first_expiry": t.first_expiry})
                    })
                    .collect();
                let kept: Vec<_> =
                    kept.iter().map(|(kind, mention)| json!({"type": kind, "mention": mention})).collect();
                let document = json!({"schema": "convoke.titles/1", "unknown": listed, "kept": kept,
                    "known": if all { json!(known) } else { json!([]) }});
                session.print(&document, &text)?;
                Ok(Exit::Done)
            }
            Self::Add { kind, mention, title, replace, reason } => {
                let known_type = config.settings.policy.titles.kind_of(&kind).filter(|_| !title.contains('/'));
                let title = known_type.map_or_else(|| title.clone(), |kind| format!("{kind}/{title}"));
                let title = TitleId::try_from(title).map_err(Usage)?;
                let by = (process::login(), reason);
                let spelling = Spelling { kind, mention, title };
                let n = titles::answer(&mut store, &config, &spelling, replace, (&by.0, &by.1), &session.clock)
                    .map_err(|error| match error.downcast::<NoTitle>() {
                        Ok(no_title) => Usage(no_title.to_string()).into(),
                        Err(error) => error,
                    })?;
                let text = match n {
                    0 => "No stored permit is so worded; the answer is kept for extracts to come.\n".to_owned(),
                    n => format!("Permits that have a title now, and that the next run assesses: {n}.\n"),
                };
                session.print(&json!({"schema": "convoke.title/1", "permits": n}), &text)?;
                Ok(Exit::Done)
            }
        }
    }
}
