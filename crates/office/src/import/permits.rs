//! `permits.csv`: a row is a permit and its holder.

use std::collections::HashSet;
use std::path::Path;
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, Result};
use chrono::NaiveDate;

use super::duplicates::{Duplicates, Row, holder_fingerprint, permit_fingerprint};
use super::field::Fields;
use super::mapping::Mapping;
use super::order::{Dated, Place, date_in_name};
use super::result::{FileFault, RowError, Warning, unguarded};
use super::table::{Record, Table, columns};
use super::waiting::let_wait;
use super::wording::{Worded, Wording};
use super::{By, Findings, Imported, Opened, Options, plausible};
use convoke_domain::ids::IdKey;
use convoke_domain::permit::{Holder, Permit, is_commune_code, is_deliverable_email};
use convoke_domain::unseen::is_unseen;
use convoke_machine::clock::Clock;
use convoke_machine::entropy::Entropy;
use convoke_settings::Configuration;
use convoke_store::{ImportedRow, OtherHolder, Staged, Store};

columns! {
    required:
    Number = "numero_etranger", FamilyName = "nom", GivenNames = "prenoms", Email = "email", Phone = "telephone",
    Language = "langue", Address1 = "adresse_1", Address2 = "adresse_2", Postcode = "code_postal",
    Commune = "commune_insee", Household = "foyer", PermitNumber = "numero_titre", Kind = "type_titre",
    Mention = "mention", ValidFrom = "debut_validite", ExpiresOn = "fin_validite", Status = "statut", FiledOn = "depot_le";
    optional:
    BirthDate = "date_naissance", UsageName = "nom_usage", Address3 = "adresse_3", Address4 = "adresse_4",
    Town = "ville", Channel = "canal", Format = "format", Extracted = "date_extrait"
}

/// Numbers in rows that cannot be read, beyond which nobody can say who is absent from an extract.
const NAMED_MAX: usize = 200_000;

/// Rows per batch from the parser to the database.
const BATCH: usize = 2_000;

/// Imports permits and their holders. `progress` is called with bytes done and total bytes.
#[expect(clippy::too_many_arguments, reason = "the shell of an import: where from, where to, who, when")]
pub fn take(
    store: &mut Store,
    config: &Configuration,
    path: &Path,
    options: &Options,
    actor: &str,
    clock: &Clock,
    entropy: &mut Entropy,
    progress: &dyn Fn(u64, u64),
) -> Result<Imported> {
    let mut file = Opened::open(path, &LAYOUT, options)?;
    let id_key = store.id_key(entropy)?;
    let kept = store.kept_titles()?;
    store.open_stage()?;
    let bytes = file.table.bytes;

    // The parser has its own thread and stays a few batches ahead: memory does not grow with the file.
    let (batches, received) = mpsc::sync_channel::<(Vec<Staged>, u64)>(4);
    let prefecture = store.prefecture().to_owned();
    // The stage is a temporary table: nobody else waits for this transaction.
    let mut parsed = thread::scope(|scope| {
        let parser = scope.spawn(|| {
            // Moved in, so that it is dropped at the end: the receiver then knows that nothing more comes.
            let batches = batches;
            let mut wording = Wording::new(&config.settings.policy.titles, kept);
            let ids = (&id_key, prefecture.as_str());
            parse_all(&mut file.table, &mut wording, ids, options.full, &batches)
        });
        let staged = store.read(|s| {
            for (batch, position) in received {
                s.stage(&batch)?;
                progress(position, bytes);
            }
            Ok(())
        });
        // The receiver is dropped with the loop: a parser that is still sending then stops.
        let parsed = parser.join().map_err(|_| anyhow::anyhow!("reading the file ended in a panic"))?;
        staged?;
        parsed.with_context(|| format!("reading {}", path.display()))
    })?;
    progress(bytes, bytes);
    let named = parsed.named.iter().map(|number| id_key.permit(&prefecture, number)).collect::<Vec<_>>();
    store.stage_named(&named)?;

    store.stage_aliases()?;
    let elsewhere = store.staged_under_another_holder()?;
    parsed.findings.errors.extend(elsewhere.iter().map(under_another_number));
    store.unstage(&elsewhere.iter().map(|row| row.row_no as u64).collect::<Vec<_>>())?;
    let by = By::of(actor, clock, config);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let imported = &mut file.imported;
    imported.take_findings(parsed.findings, options);
    let (sha256, taken) = (&file.table.sha256, store.extracts()?);
    let column = parsed.extracted.or(options.confirmed.as_ref().map(|confirmed| confirmed.as_of));
    let (read, known) = (imported.read, store.permits_known()?);
    let dated = Dated::of(column, &name, options.as_of, &taken, sha256, by.today)
        .map(|dated| dated.of_a_part(read, known, options.full, &taken));
    let place = dated.and_then(|dated| {
        imported.as_of = Some(dated.on);
        dated.place(&taken, sha256, options.again.is_some())
    });
    match &place {
        Err(out_of_order) => imported.refuse(out_of_order.to_string()),
        Ok(place) => imported.same_day = *place == Place::SameDay,
    }
    let mut is_kept = false;
    if imported.refused.is_none() {
        let changes = store.staged_changes(options.full, parsed.any_unknown)?;
        imported.count(&changes);
        // Before the first extract there was nothing to go back to.
        is_kept = changes.known > 0 && changes.is_any();
        imported.doubts = plausible::doubts(&changes, imported.read, &config.settings.policy);
        imported.nothing_new = place == Ok(Place::Again) && !changes.is_any();
        let percent = config.settings.policy.full_vanish_max_percent;
        if changes.vanished as f64 * 100.0 > changes.known as f64 * percent {
            imported.refuse(format!(
                "{} of {} permits would vanish, more than full_vanish_max_percent ({percent} %): the extract is not whole",
                changes.vanished, changes.known
            ));
        }
    }
    if let Some(confirmed) = &options.confirmed {
        anyhow::ensure!(confirmed.sha256 == file.table.sha256, FileFault::Changed);
    } else if file.imported.refused.is_none() && !file.imported.doubts.is_empty() && !options.dry_run {
        let_wait(store, &mut file, &by)?;
    }
    if file.imported.refused.is_none() && !file.imported.nothing_new && !options.dry_run {
        store.write(|s| {
            // What was taken in meanwhile may be newer.
            anyhow::ensure!(s.extracts()? == taken, "another extract was taken in at the same time: import it again");
            if is_kept {
                s.keep_revision(options.full)?;
            }
            s.merge_stage(options.full, by.today)?;
            let as_of = file.imported.as_of;
            if s.waiting_import()?.is_some_and(|waiting| as_of.is_none_or(|as_of| waiting.as_of <= as_of)) {
                s.end_wait()?;
            }
            file.remember(s, "permits", &by)
        })?;
        store.refresh_statistics()?;
    }
    file.finish()
}

fn under_another_number(row: &OtherHolder) -> RowError {
    let OtherHolder { row_no, permit_number, holder_number: new, known_number: old, is_known } = row;
    let act = if *is_known { "merge" } else { "renumber" };
    let expected = format!(
        "a permit of numero_etranger {new}: the database has it under {old}; if the register has corrected that \
         number, \
         `convoke permit {act} {old} {new} --reason TEXT`"
    );
    RowError::new(*row_no as u64, "numero_titre", permit_number, expected)
}

/// The day whose facts an extract has, by its column or its name, as far as that shows without importing it.
pub fn day_of(path: &Path, mapping: &Mapping) -> Option<NaiveDate> {
    let named = || date_in_name(&path.file_name()?.to_string_lossy());
    let mut in_column = None;
    let mut look = || -> Result<(), FileFault> {
        let mut table = Table::open(path, &LAYOUT, mapping)?;
        let mut record = table.record();
        if table.records()?.read(&mut record)? {
            // A bad date is reported when the file is imported.
            let _ = dated(&record, &mut in_column);
        }
        Ok(())
    };
    // And so is a file that is no table.
    let _ = look();
    in_column.or_else(named)
}

/// What the rows of an extract say besides what is staged.
#[derive(Default)]
struct Parsed {
    findings: Findings,
    /// The numbers of permits that rows which cannot be imported are about: a row that cannot be read is no sign that
    /// its permit is gone.
    named: HashSet<String>,
    /// The day whose facts it has.
    extracted: Option<NaiveDate>,
    /// Whether a row has a title that nobody has named.
    any_unknown: bool,
}

fn parse_all(
    table: &mut Table,
    wording: &mut Wording<'_>,
    (id_key, prefecture): (&IdKey, &str),
    full: bool,
    batches: &mpsc::SyncSender<(Vec<Staged>, u64)>,
) -> Result<Parsed, FileFault> {
    let (Parsed { mut findings, mut named, mut extracted, mut any_unknown }, mut seen) =
        (Parsed::default(), Duplicates::default());
    let mut record = table.record();
    let mut records = table.records()?;
    let mut batch = Vec::with_capacity(BATCH);
    while records.read(&mut record)? {
        findings.read += record.rows();
        let (holder, permit, warnings) = match dated(&record, &mut extracted).and_then(|()| parse(&record, wording)) {
            Ok(row) => row,
            Err(errors) => {
                if full {
                    named.extend(numbers_in(&record));
                    if named.len() > NAMED_MAX {
                        return Err(FileFault::Unreadables);
                    }
                }
                if findings.reject(errors) {
                    continue;
                }
                break;
            }
        };
        findings.warn(warnings);
        let fingerprints = (holder_fingerprint(&holder), permit_fingerprint(&permit, &holder.commune));
        let takes_holder = match seen.check(record.row(), &holder, &permit, fingerprints) {
            Ok(Row::Take { takes_holder, warning }) => {
                findings.warn(warning);
                takes_holder
            }
            Ok(Row::Ignore(warning)) => {
                findings.warn([warning]);
                continue;
            }
            Err(error) => {
                named.insert(permit.number);
                if findings.reject(vec![error]) {
                    continue;
                }
                break;
            }
        };
        any_unknown |= permit.unknown_title.is_some();
        batch.push(Staged::from(ImportedRow {
            row_no: record.row(),
            holder_id: id_key.holder(prefecture, &holder.number),
            permit_id: id_key.permit(prefecture, &permit.number),
            takes_holder,
            holder,
            permit,
            holder_fingerprint: fingerprints.0,
            permit_fingerprint: fingerprints.1,
        }));
        if batch.len() == BATCH {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
            // The receiver is gone: the database has failed, and reports the reason itself.
            if batches.send((full, records.position())).is_err() {
                return Ok(Parsed { findings, named, extracted, any_unknown });
            }
        }
    }
    let _ = batches.send((batch, records.position()));
    Ok(Parsed { findings, named, extracted, any_unknown })
}

/// An extract is of one day: the first row says which.
fn dated(record: &Record, extracted: &mut Option<NaiveDate>) -> Result<(), Vec<RowError>> {
    if record.broken().is_some() || record.get(Column::Extracted.into()).is_empty() {
        return Ok(());
    }
    let mut fields = Fields::of(record)?;
    let day = fields.date(Column::Extracted);
    if let Some((first, _)) = extracted.zip(day).filter(|(first, day)| first != day) {
        fields.reject(Column::Extracted, format!("{first}, as in the rows above: an extract is of one day"));
    }
    *extracted = extracted.or(day);
    fields.finish(Some(())).map(|((), _)| ())
}

/// The permit numbers that may stand in a row that cannot be imported: the one in its column or, if its fields cannot
/// be told apart, whatever it has.
fn numbers_in(record: &Record) -> Vec<String> {
    let in_column = |fields: &mut Fields<'_>| fields.identifier(Column::PermitNumber, "", is_permit_number);
    if let Some(number) = Fields::of(record).ok().as_mut().and_then(in_column) {
        return vec![number];
    }
    let parts = record.cells().flat_map(|cell| cell.split([';', ',', '"', '\t', '\r', '\n']));
    parts
        .map(|part| unguarded(part.trim()))
        .filter(|part| !part.is_empty() && is_permit_number(part))
        .map(str::to_owned)
        .collect()
}

/// Reads a row, or names each bad field. Names are kept as written, except for surrounding blanks.
pub fn parse(record: &Record, wording: &mut Wording<'_>) -> Result<(Holder, Permit, Vec<Warning>), Vec<RowError>> {
    let mut fields = Fields::of(record)?;
    let holder = holder(&mut fields);
    let permit = permit(&mut fields, wording);
    let ((holder, permit), warnings) = fields.finish(holder.zip(permit))?;
    Ok((holder, permit, warnings))
}

fn holder(fields: &mut Fields<'_>) -> Option<Holder> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let number = fields.foreigner_number(Column::Number);
    let family_name = fields.required(Column::FamilyName);
    let usage_name = owned(fields.optional(Column::UsageName));
    let given_names = fields.optional(Column::GivenNames).unwrap_or_default().to_owned();
    let birth_date = fields.birth_date_if_any(Column::BirthDate);
    let mut email = fields.optional(Column::Email);
    if email.is_some_and(|text| !is_deliverable_email(text)) {
        fields.warn(Column::Email, "no address that mail can be sent to: taken as none, letters go by post");
        email = None;
    }
    let phone = owned(fields.optional(Column::Phone));
    if phone.is_some() && fields.is_number(Column::Phone) {
        fields.warn(Column::Phone, "stored as a number: a leading zero may be missing");
    }
    let language = fields.parsed_if_any(Column::Language, "a language code of 2 or 3 letters, such as fr", language);
    let first_line = fields.required(Column::Address1);
    let more_lines = [Column::Address2, Column::Address3, Column::Address4].map(|column| fields.optional(column));
    let postcode = fields.parsed(Column::Postcode, "a postcode of 5 digits, stored as text", postcode);
    let town = owned(fields.optional(Column::Town));
    let commune = fields.parsed(Column::Commune, "an INSEE commune code such as 94028, stored as text", commune);
    let household = owned(fields.optional(Column::Household));
    let channel = fields.code_if_any(Column::Channel);
    let large_print = fields.parsed_if_any(Column::Format, "one of: normal, gros-caracteres", large_print);
    Some(Holder {
        number: number?,
        family_name: family_name?.to_owned(),
        usage_name,
        given_names,
        birth_date,
        email: owned(email),
        phone,
        language: language.unwrap_or_else(|| "fr".to_owned()),
        address: [first_line?].into_iter().chain(more_lines.into_iter().flatten()).map(str::to_owned).collect(),
        postcode: postcode?,
        town,
        commune: commune?,
        household,
        channel,
        large_print: large_print.unwrap_or_default(),
    })
}

fn permit(fields: &mut Fields<'_>, wording: &mut Wording<'_>) -> Option<Permit> {
    let number = fields.identifier(Column::PermitNumber, "1 to 40 visible characters without blanks", is_permit_number);
    let title = fields.required(Column::Kind).zip(fields.required(Column::Mention));
    let valid_from = fields.date(Column::ValidFrom);
    let expires_on = fields.date(Column::ExpiresOn);
    if let Some((from, _)) = valid_from.zip(expires_on).filter(|(from, to)| to < from) {
        fields.reject(Column::ExpiresOn, format!("a day that is not before debut_validite ({from})"));
    }
    let status = fields.code(Column::Status);
    let filed_on = fields.date_if_any(Column::FiledOn);
    let Worded { kind, mention, unknown_title, title_words } = wording.of(title?);
    Some(Permit {
        number: number?,
        kind,
        mention,
        valid_from: valid_from?,
        expires_on: expires_on?,
        status: status?,
        filed_on,
        unknown_title,
        title_words,
    })
}

/// No blanks and no invisible characters: a number must be the same to the eye and to the database.
fn is_permit_number(text: &str) -> bool {
    let invisible = |c: char| c.is_whitespace() || c.is_control() || is_unseen(c);
    text.chars().count() <= 40 && !text.contains(invisible)
}

fn language(text: &str) -> Option<String> {
    (matches!(text.len(), 2 | 3) && text.bytes().all(|b| b.is_ascii_alphabetic())).then(|| text.to_ascii_lowercase())
}

fn postcode(text: &str) -> Option<String> {
    (text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.to_owned())
}

fn commune(text: &str) -> Option<String> {
    is_commune_code(text).then(|| text.to_owned())
}

fn large_print(text: &str) -> Option<bool> {
    match text {
        "normal" => Some(false),
        "gros-caracteres" => Some(true),
        _ => None,
    }
}
