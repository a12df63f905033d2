//! `convoke permit export`, `convoke permit erase`, `convoke purge`: the rights of people over their data, and the end
//! of retention.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use clap::Args;
use serde_json::{Value, json};

use super::encrypt::encrypt;
use super::exit::Exit;
use super::failure::BadData;
use super::output::make_folder;
use super::session::{Session, given};
use convoke_domain::ids::HolderId;
use convoke_domain::ledger::Event;
use convoke_letters::{Document, Fonts, Section, Table};
use convoke_machine::confirm::Confirmed;
use convoke_machine::entropy::Entropy;
use convoke_machine::files::write_whole;
use convoke_machine::process;
use convoke_report::columns::fields;
use convoke_settings::Configuration;
use convoke_store::{Store, Use};

fn holder(store: &mut Store, number: &str) -> Result<HolderId> {
    let prefecture = store.prefecture().to_owned();
    let found = store.holder_by_number(number)?;
    Ok(found.ok_or_else(|| BadData(format!("nobody has the number {number} in the préfecture {prefecture}")))?)
}

/// Export everything that is known about a person (right of access, GDPR article 15)
///
/// Writes person.json for programs and person.pdf for reading: the person, permits and the rules that applied to them,
/// appointments, what each letter said and what became of it, and the entries of the ledger. The ledger records who
/// asked, and why.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke permit export 9400000001 --out access/ --reason \"request of 3 May\"
  convoke permit export 9400000001 --out access/ --reason \"request of 3 May\" --encrypt-to age1…")]
pub(super) struct Export {
    /// Foreigner number.
    number: String,
    /// Folder to write into.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Reason, kept in the ledger for good: do not name anyone.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Encrypt for this recipient with the program `age` (age-encryption.org); nothing is written in clear.
    #[arg(long, value_name = "RECIPIENT")]
    encrypt_to: Option<String>,
}

impl Export {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let reason = given(self.reason.as_ref())?;
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let id = holder(&mut store, &self.number)?;
        let now = session.clock.now();
        let commitment = store.write(|s| {
            let commitment = s.commitments(&[(&id.0, &self.number)], &mut Entropy::System)?.remove(0);
            let payload = json!({"holder": commitment, "reason": reason});
            // Recorded before it is seen: an interruption leaves nothing seen and unrecorded.
            s.record(&process::login(), now, vec![Event { kind: "read.holder", payload }])?;
            Ok(commitment)
        })?;
        let mut known = store.read(|s| s.everything_about(&id, &commitment))?;
        known["schema"] = "convoke.person/1".into();
        known["prefecture"] = config.settings.prefecture.code.clone().into();
        known["exported_at"] = json!(now);
        let pdf = document(&known, &config, now.date_naive()).to_pdf(&commitment, now.date_naive(), Fonts::embedded());
        make_folder(&self.out)?;
        let mut written = Vec::new();
        let json_file = ("person.json", format!("{known:#}\n").into_bytes());
        // A character that no font has costs the PDF, never the right of access.
        let pdf_file = pdf.inspect_err(|e| eprintln!("convoke: no PDF: {e}")).ok().map(|bytes| ("person.pdf", bytes));
        for (name, bytes) in std::iter::once(json_file).chain(pdf_file) {
            let (name, bytes) = match &self.encrypt_to {
                Some(recipient) => (format!("{name}.age"), encrypt(&bytes, recipient)?),
                None => (name.to_owned(), bytes),
            };
            write_whole(&self.out.join(&name), &bytes)?;
            written.push(name);
        }
        let text = format!("In {}: {}.\n", self.out.display(), written.join(", "));
        session.print(&json!({"schema": "convoke.export/1", "out": self.out, "files": written}), &text)?;
        Ok(Exit::Done)
    }
}

/// The JSON on paper: names of fields on the left, values on the right.
fn document(known: &Value, config: &Configuration, today: NaiveDate) -> Document {
    let section = |heading: &str, what: &Value| {
        let mut tables = Vec::new();
        let of = |caption: String, value: &Value| {
            let rows = fields(value).into_iter().map(Vec::from).collect();
            Table::of_words(caption, &["Donnée", "Valeur"], rows)
        };
        match what {
            Value::Array(items) => {
                tables.extend(items.iter().zip(1..).map(|(item, n)| of(format!("{heading}, n° {n}"), item)));
            }
            one => tables.push(of(heading.to_owned(), one)),
        }
        let text = if tables.is_empty() { vec!["Aucune donnée.".to_owned()] } else { Vec::new() };
        Section { heading: heading.to_owned(), text, tables }
    };
    let parts = [
        ("Personne", "person"),
        ("Titres de séjour", "permits"),
        ("Rendez-vous", "convocations"),
        ("Demandes", "requests"),
        ("Lettres", "letters"),
        ("Conservé un temps pour corriger une erreur", "kept_to_undo"),
        ("Registre", "ledger"),
    ];
    Document {
        title: "Données vous concernant".into(),
        author: config.settings.prefecture.name.clone(),
        footer: format!("Extrait le {}", today.format("%d/%m/%Y")),
        lead: vec![
            "Tout ce que le système de convocation sait de vous (article 15 du RGPD) : votre identité, vos titres et les règles qui \
             leur ont été appliquées, vos rendez-vous, ce que disait chaque lettre et ce qu’elle est devenue, et les entrées du \
             registre qui vous concernent."
                .into(),
        ],
        sections: parts.into_iter().map(|(heading, key)| section(heading, &known[key])).collect(),
    }
}

/// Erase a person (GDPR article 17), once no permit is in force and nothing is pending
///
/// Removes name, number, addresses, permits and what letters said from the database, its free pages and its write-ahead
/// log; what remains names nobody. The person's key is erased with them: the ledger stays valid, but nobody can tell
/// whom its entries concern. Files outside the database (extracts, e-mails, backups, reports that name people) are
/// yours to erase.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:
  convoke permit erase 9400000001 --reason \"request of 3 May, granted\"")]
pub(super) struct Erase {
    /// Foreigner number.
    number: String,
    /// Reason, kept in the ledger for good: do not name anyone.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Erase {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let reason = given(self.reason.as_ref())?;
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let id = holder(&mut store, &self.number)?;
        let today = session.clock.today(config.settings.prefecture.zone);
        let refused = |lives| BadData(format!("not erased: {lives}"));
        if let Some(lives) = store.lives(&id, today)? {
            return Err(refused(lives).into());
        }
        let Some(confirmed) = session.ask("Erase this person for good?")? else {
            return Ok(Exit::Interrupted);
        };
        store.delete_for_good()?;
        store.write(|s| {
            // Checked again: an import or a run may have come in between.
            if let Some(lives) = s.lives(&id, today)? {
                return Err(refused(lives).into());
            }
            let commitment = s.commitments(&[(&id.0, &self.number)], &mut Entropy::System)?;
            s.erase_holders(&[&id.0], &confirmed)?;
            let payload = json!({"holders": commitment, "reason": reason});
            s.record(&process::login(), session.clock.now(), vec![Event { kind: "holders.erased", payload }])
        })?;
        compact(session, &mut store)?;
        session.print(&json!({"schema": "convoke.erase/1", "erased": 1}), "Erased.\n")?;
        Ok(Exit::Done)
    }
}

fn compact(session: &Session, store: &mut Store) -> Result<()> {
    let progress = session.progress();
    progress.show("compacting the database", 0, 0);
    let whole = store.compact()?;
    progress.clear();
    ensure!(
        whole,
        "the rows are erased, but another process keeps old pages of the database in use, where traces are left: stop it, \
         then `convoke purge --before 0001-01-02 --yes` removes them"
    );
    Ok(())
}

/// Erase what the law no longer allows you to keep: people whose last permit expired long ago, and what old letters
/// said
///
/// `[audit] keep_holder_days` and `keep_letter_days` protect anything younger, whatever date is given. People with
/// anything pending are kept. docs/PRIVACY.md lists what is erased and what is kept.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  convoke purge --before 2021-01-01 --dry-run     count, and change nothing
  convoke purge --before 2021-01-01 --yes         for cron, once a month")]
pub(super) struct Purge {
    /// Erase what expired, or was written, before this day.
    #[arg(long, value_name = "DATE")]
    before: NaiveDate,
    /// Count what would be erased, and change nothing.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
}

/// People, or letters, per transaction.
const CHUNK: i64 = 500;

impl Purge {
    pub(super) fn execute(&self, session: &Session) -> Result<Exit> {
        let config = session.configuration_to_read()?;
        let mut store = Session::store(&config, Use::Batch)?;
        let today = session.clock.today(config.settings.prefecture.zone);
        let audit = &config.settings.audit;
        let kept = |days: u32| {
            let youngest = today.checked_sub_days(Days::new(days.into())).unwrap_or(NaiveDate::MIN);
            self.before.min(youngest)
        };
        let (holders_before, letters_before) = (kept(audit.keep_holder_days), kept(audit.keep_letter_days));
        let written_before = letters_before.and_time(NaiveTime::MIN);
        let written_to = store.holders_written_to()?;
        let mut over = store.holders_over(holders_before)?;
        over.retain(|(id, _)| !written_to.contains(id));
        let holders = over.len();
        let letters = store.letters_over(written_before, "", i64::MAX)?.len();
        let document = |purged: bool| {
            json!({"schema": "convoke.purge/1", "purged": purged, "holders": holders, "holders_before": holders_before,
                "letters": letters, "letters_before": letters_before})
        };
        let shown = format!(
            "{holders} people whose last permit expired before {holders_before},\nand what {letters} letters written before {letters_before} said"
        );
        if self.dry_run {
            session.print(&document(false), &format!("Would be erased:\n{shown}.\n"))?;
            return Ok(Exit::Done);
        }
        // Ask nothing if nothing would be erased.
        let nothing = holders + letters == 0;
        let Some(confirmed) = session.ask_unless(nothing, &format!("Erase for good {shown}?"))? else {
            return Ok(Exit::Interrupted);
        };
        store.delete_for_good()?;
        let (progress, now) = (session.progress(), session.clock.now());
        let mut done = 0;
        // Each transaction is complete in itself: the next purge continues an interrupted one.
        for chunk in over.chunks(CHUNK as usize) {
            done += store.write(|s| purge_holders(s, chunk, holders_before, now, &confirmed))?;
            progress.show("erasing people", done as u64, holders as u64);
        }
        let (mut after, mut done) = (String::new(), 0);
        loop {
            let emptied = store.write(|s| {
                let letters = s.letters_over(written_before, &after, CHUNK)?;
                if !letters.is_empty() {
                    s.silence_letters(&letters, &confirmed)?;
                    let payload = json!({"letters": letters.len(), "written_before": letters_before});
                    s.record(&process::login(), now, vec![Event { kind: "letters.purged", payload }])?;
                }
                Ok(letters)
            })?;
            let Some(last) = emptied.last() else { break };
            after.clone_from(last);
            done += emptied.len();
            progress.show("emptying letters", done as u64, letters as u64);
        }
        progress.clear();
        // Also if nothing was left to erase: an earlier purge may have been kept from it.
        compact(session, &mut store)?;
        session.print(&document(true), &format!("Gone:\n{shown}.\n"))?;
        Ok(Exit::Done)
    }
}

fn purge_holders(
    store: &mut Store,
    over: &[(String, String)],
    before: NaiveDate,
    now: DateTime<Utc>,
    confirmed: &Confirmed,
) -> Result<usize> {
    let ids: Vec<&str> = over.iter().map(|(id, _)| id.as_str()).collect();
    let needed = store.needed_again(&ids, before)?;
    let people = over.iter().filter(|(id, _)| !needed.contains(id));
    let people: Vec<(&str, &str)> = people.map(|(id, number)| (id.as_str(), number.as_str())).collect();
    if people.is_empty() {
        return Ok(0);
    }
    let commitments = store.commitments(&people, &mut Entropy::System)?;
    let ids: Vec<&str> = people.iter().map(|(id, _)| *id).collect();
    store.erase_holders(&ids, confirmed)?;
    let payload = json!({"holders": commitments, "expired_before": before});
    store.record(&process::login(), now, vec![Event { kind: "holders.purged", payload }])?;
    Ok(people.len())
}
