//! `convocations.csv`: appointments made elsewhere, before this program. They are firm and need no letter.

use std::path::Path;

use anyhow::{Result, bail};

use super::field::Fields;
use super::result::{RowError, Warning};
use super::slots::pool;
use super::table::{Record, columns};
use super::{By, Imported, Opened, Options};
use convoke_domain::agenda::Agenda;
use convoke_domain::convocation::Origin;
use convoke_domain::slot::SlotId;
use convoke_machine::clock::Clock;
use convoke_machine::entropy::Entropy;
use convoke_settings::Configuration;
use convoke_store::{ElsewhereFault, Placement, Store};

columns! {
    required: Number = "numero_etranger", Site = "site", Desk = "guichet", Day = "date", Start = "heure";
    optional:
}

/// An appointment made elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MadeElsewhere {
    /// Foreigner number of the holder.
    pub number: String,
    /// Where and when.
    pub slot: SlotId,
}

/// Reads a row, or names each bad field. Whether holder and slot exist is checked when rows are stored.
pub fn parse(record: &Record, agenda: &Agenda) -> Result<(MadeElsewhere, Vec<Warning>), Vec<RowError>> {
    let mut fields = Fields::of(record)?;
    let number = fields.foreigner_number(Column::Number);
    let pool = pool(&mut fields, agenda, Column::Site, Column::Desk);
    let day = fields.date(Column::Day);
    let start = fields.hour(Column::Start);
    let made = || Some(MadeElsewhere { number: number?, slot: pool?.id().at(day?, start?) });
    let made = made();
    fields.finish(made)
}

/// Imports convocations made elsewhere before this program: firm, without a letter, with their seats taken.
pub fn take(
    store: &mut Store,
    config: &Configuration,
    path: &Path,
    options: &Options,
    actor: &str,
    clock: &Clock,
    entropy: &mut Entropy,
) -> Result<Imported> {
    let mut file = Opened::open(path, &LAYOUT, options)?;
    let by = By::of(actor, clock, config);
    let id_key = store.id_key(entropy)?;
    let mut good = Vec::new();
    let mut findings = file.each_row(|record| {
        let (made, warnings) = parse(record, &config.agenda)?;
        good.push((record.row(), made));
        Ok(warnings)
    })?;
    // Whether holder and seat exist is known only inside the transaction: a refusal found there rolls it back.
    let mut result = None;
    let attempt = store.write(|s| {
        let mut findings = std::mem::take(&mut findings);
        for (row, made) in &good {
            let holder = s.holder_meant(id_key.holder(s.prefecture(), &made.number))?;
            let slot_id = made.slot.clone();
            if s.is_convoked_at(&holder, &slot_id)? {
                file.imported.unchanged += 1;
                continue;
            }
            let refuse = |column, found: &str, expected: &str| vec![RowError::new(*row, column, found, expected)];
            let (Some(permit), Some(slot)) = (s.latest_permit(&holder)?, s.slot(&slot_id)?) else {
                let errors = match s.slot(&slot_id)? {
                    None => refuse(
                        "date",
                        &slot_id.to_string(),
                        "a slot that exists: import slots or generate the agenda first",
                    ),
                    Some(_) => refuse("numero_etranger", &made.number, "a holder who is known: import permits first"),
                };
                findings.reject(errors);
                continue;
            };
            match s.elsewhere_fault(&holder, &slot)? {
                Some(ElsewhereFault::AlreadyConvoked) => {
                    findings.reject(refuse(
                        "numero_etranger",
                        &made.number,
                        "a holder without another appointment to come",
                    ));
                }
                Some(ElsewhereFault::Full) => {
                    findings.reject(refuse("heure", &slot_id.to_string(), "a slot with a free seat"));
                }
                None => {
                    s.review_again(&permit)?;
                    let placement =
                        Placement { permit_id: permit, holder_id: holder, slot_id, origin: Origin::Elsewhere };
                    s.reserve(&[placement], None, by.today, by.now)?;
                    file.imported.inserted += 1;
                }
            }
        }
        file.imported.take_findings(findings, options);
        file.remember(s, "convocations", &by)?;
        result = Some(file.imported.refused.is_none() && !options.dry_run);
        if result != Some(true) {
            bail!("undone on purpose");
        }
        Ok(())
    });
    // Only a deliberate rollback is no error: a commit may fail too.
    if result != Some(false) {
        attempt?;
    }
    file.finish()
}
