//! `convoke letters preview|show|explain|check-code`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;

use super::contact_sheet;
use super::exit::Exit;
use super::failure::BadData;
use super::output::make_folder;
use super::session::Session;
use convoke_domain::ids::Reference;
use convoke_letters::{Language, Letter, LetterData, LetterKind};
use convoke_machine::files::write_whole;
use convoke_office::run::{Again, explain};
use convoke_settings::ConfigError;
use convoke_store::{PURGED, Use};

#[derive(Debug, Subcommand)]
pub(super) enum Letters {
    Preview(Preview),
    Show(Show),
    /// Explain, on one page of plain French, how the date of a convocation was computed
    #[command(after_long_help = "Example:
  convoke letters explain RC-94-2026-0001234-R")]
    Explain {
        /// Reference on the letter.
        reference: String,
    },
    /// Check whether the code on a letter is ours
    ///
    /// The QR code of a letter holds its reference and this code. Needs the key in `[letters] code_key_file`.
    #[command(after_long_help = "Example:
  convoke letters check-code RC-94-2026-0001234-R 9F2K-03MT-X7QD-W81C")]
    CheckCode {
        /// Reference on the letter.
        reference: String,
        /// Code next to it, such as 9F2K-03MT-X7QD-W81C.
        code: String,
    },
}

impl Letters {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        match self {
            Self::Preview(c) => c.execute(session),
            Self::Show(c) => c.execute(session),
            Self::Explain { reference } => {
                let config = session.configuration()?;
                let mut store = Session::store(&config, Use::Batch)?;
                let explanation = explain(&mut store, &config, &parse(reference)?)?;
                let text = config.templates()?.explain(&explanation)?;
                let document = json!({"schema": "convoke.explanation/1", "explanation": explanation, "text": text});
                session.print(&document, &format!("{text}\n"))?;
                Ok(Exit::Done)
            }
            Self::CheckCode { reference, code } => check_code(session, &parse(reference)?, code),
        }
    }
}

fn parse(reference: &str) -> Result<Reference> {
    let refused =
        || BadData(format!("{reference} is not a reference: check it; expected one such as RC-94-2026-0001234-R"));
    Ok(Reference::parse(reference).ok_or_else(refused)?)
}

fn check_code(session: &Session, reference: &Reference, code: &str) -> Result<Exit> {
    let config = session.configuration()?;
    let Some(key) = &config.code_key else {
        return Err(ConfigError(
            "there is no key for verification codes: name its file in `[letters] code_key_file`".into(),
        )
        .into());
    };
    let sequence = key.check(reference.as_str(), code);
    let now = match Session::store(&config, Use::Batch) {
        Ok(mut store) => store.convocation(reference.as_str())?,
        // The code can be checked without the database.
        Err(_) => None,
    };
    let mut text = match sequence {
        Some(sequence) => format!("The code is ours: letter {reference}, revision {sequence}.\n"),
        None => format!("The code is NOT ours: no letter {reference} was made with it here.\n"),
    };
    let replaced = sequence.zip(now.as_ref()).is_some_and(|(sequence, now)| i64::from(sequence) < now.sequence);
    if replaced {
        text += "A later letter has replaced it.\n";
    }
    // Somebody who guesses learns nothing.
    let now = now.filter(|_| sequence.is_some());
    if let Some(now) = &now {
        // A forger keeps reference and code, and changes day or hour: the desk compares these.
        writeln!(text, "The convocation is now: {}, for {}.", now.state, now.slot_id)?;
    }
    let document = json!({"schema": "convoke.code/1", "reference": reference.as_str(), "valid": sequence.is_some(),
        "revision": sequence, "replaced": replaced, "state": now.as_ref().map(|n| &n.state),
        "slot": now.as_ref().map(|n| &n.slot_id)});
    session.print(&document, &text)?;
    Ok(if sequence.is_some() { Exit::Done } else { Exit::BadData })
}

/// Render a sent letter again, and report whether every byte is the same.
///
/// If not, reports which of data, templates, fonts or engine have changed. The templates of each run are kept in the
/// database, so that letters can be shown years later.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:
  convoke letters show RC-94-2026-0001234-R")]
pub(super) struct Show {
    /// Reference on the letter.
    reference: String,
    /// Only letters of this kind.
    #[arg(long, value_name = "KIND")]
    kind: Option<LetterKind>,
    /// Write PDF, HTML, text, calendar and e-mail into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Show {
    fn execute(&self, session: &Session) -> Result<Exit> {
        let config = session.configuration()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let reference = parse(&self.reference)?;
        let mut rows = store.letters_of(reference.as_str())?;
        rows.retain(|l| self.kind.is_none_or(|kind| kind == l.kind));
        if rows.is_empty() {
            return Err(BadData(format!("there is no letter {reference}: `convoke outbox list` shows them")).into());
        }
        if let Some(out) = &self.out {
            make_folder(out)?;
            session.reads(&mut store, "read.letters", json!({"reference": reference.as_str()}))?;
        }
        let (mut shown, mut text, mut all_same) = (Vec::new(), String::new(), true);
        for row in &rows {
            if row.data == PURGED {
                writeln!(text, "{:<44} {:<8} content erased", row.letter_id, row.state)?;
                shown.push(json!({"id": row.letter_id, "kind": row.kind, "channel": row.channel, "state": row.state,
                    "sha256": row.sha256, "erased": true}));
                continue;
            }
            let again = Again::of(&mut store, &config, row)?;
            if let (Some(out), Some(letter)) = (&self.out, &again.letter) {
                write_letter(out, &row.letter_id.replace('/', "-"), letter)?;
            }
            let verdict = match (&row.sha256, again.differs.as_slice()) {
                (None, _) => "never sent; as it would be now".to_owned(),
                (Some(_), _) if row.rendered.is_none() => {
                    "sent by an older version, which did not record what it was made with".to_owned()
                }
                (Some(_), []) => "identical to what was sent".to_owned(),
                (Some(_), differs) => {
                    let by = again.engine.as_deref().filter(|_| differs.contains(&"engine"));
                    let by = by.map_or_else(String::new, |engine| format!("; it was made by {engine}"));
                    format!("NOT what was sent: changed since: {}{by}", differs.join(", "))
                }
            };
            all_same &= again.differs.is_empty();
            writeln!(text, "{:<44} {:<8} {verdict}", row.letter_id, row.state)?;
            shown.push(json!({"id": row.letter_id, "kind": row.kind, "channel": row.channel, "state": row.state,
                "sha256": row.sha256, "again": again.sha256, "identical": row.rendered.is_some() && again.differs.is_empty(),
                "differs": again.differs}));
        }
        session
            .print(&json!({"schema": "convoke.letters/1", "reference": reference.as_str(), "letters": shown}), &text)?;
        Ok(if all_same { Exit::Done } else { Exit::Unexpected })
    }
}

/// Write sample letters with your letterhead: PDF, HTML, text, calendar, and a contact sheet.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:
  convoke letters preview --out previews")]
pub(super) struct Preview {
    /// Only this kind: convocation, reminder, change, cancellation, depot-en-ligne, transfert, heads-up.
    #[arg(long, value_name = "KIND")]
    kind: Option<LetterKind>,
    /// Only this language: fr, en, es, ar, pt, zh.
    #[arg(long, value_name = "LANG")]
    lang: Option<Language>,
    /// In 18-point type, as for `format: gros-caracteres`.
    #[arg(long)]
    large_print: bool,
    /// Draw the openings of the envelopes in use (`letter.toml`) on the first page.
    #[arg(long)]
    envelope: bool,
    /// Folder to write into.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Preview {
    fn execute(&self, session: &Session) -> Result<Exit> {
        let config = session.configuration()?;
        let all = |one: Option<LetterKind>| one.map_or(LetterKind::ALL.to_vec(), |k| vec![k]);
        let languages = self.lang.map_or(Language::ALL.to_vec(), |l| vec![l]);
        make_folder(&self.out)?;
        let mut written = Vec::new();
        for (kind, language) in all(self.kind).into_iter().flat_map(|k| languages.iter().map(move |l| (k, *l))) {
            let mut data = LetterData::sample_of(kind);
            data.office = config.office();
            data.recipient.language = language.code().into();
            data.recipient.large_print = self.large_print;
            data.code = config.code_key.as_ref().map(|key| key.code(&data.reference, data.sequence));
            let mut letter = config.templates()?.compose(&data, &config.sender())?;
            if self.envelope {
                letter.pdf = config.templates()?.on_envelopes(&data);
            }
            let name = format!("{kind}-{language}");
            write_letter(&self.out, &name, &letter)?;
            if let Err(error) = &letter.pdf {
                eprintln!("convoke: {name} has no PDF: {error}");
            }
            written.push(name);
        }
        let pdfs: Vec<String> = written.iter().map(|name| format!("{name}.pdf")).collect();
        let pdfs: Vec<String> = pdfs.into_iter().filter(|pdf| self.out.join(pdf).exists()).collect();
        let pictured = !pdfs.is_empty() && contact_sheet::write(&self.out, &pdfs)?;
        let mut text = format!("{} letters are in {}", written.len(), self.out.display());
        text += if pictured {
            ", all pages in contact-sheet.png.\n"
        } else {
            ".\nNo contact sheet: install poppler-utils for pdftoppm.\n"
        };
        let document = json!({"schema": "convoke.letters-preview/1", "letters": written, "out": self.out, "contact_sheet": pictured});
        session.print(&document, &text)?;
        Ok(Exit::Done)
    }
}

/// All the forms of a letter, as files with one name.
pub(super) fn write_letter(out: &Path, name: &str, letter: &Letter) -> Result<()> {
    let write = |end: &str, bytes: &[u8]| write_whole(&out.join(format!("{name}.{end}")), bytes);
    write("txt", letter.text.as_bytes())?;
    write("html", letter.html.as_bytes())?;
    write("eml", &letter.message)?;
    if let Some(ics) = &letter.ics {
        write("ics", ics)?;
    }
    if let Ok(pdf) = &letter.pdf {
        write("pdf", pdf)?;
    }
    Ok(())
}
