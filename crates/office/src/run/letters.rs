//! The letters of a plan that is not carried out.

use anyhow::{Context, Result};
use chrono::Datelike;

use super::Firm;
use convoke_domain::ids::Reference;
use convoke_letters::{Letter, Matter};
use convoke_machine::clock::Clock;
use convoke_settings::Configuration;
use convoke_store::Store;
use convoke_writing::{Writer, convoked};

/// The letters of planned appointments, as they would be written now, with a reference that nobody has.
pub fn letters_of_plan(store: &mut Store, config: &Configuration, firm: &[Firm], clock: &Clock) -> Result<Vec<Letter>> {
    let now = clock.now();
    let today = clock.today(config.settings.prefecture.zone);
    let writer = Writer::new(config, today, now)?;
    let ids: Vec<&str> = firm.iter().map(|f| f.placement.holder_id.0.as_str()).collect();
    let holders = store.holders(&ids)?;
    let reference = Reference::new(store.prefecture(), today.year(), 0);
    let mut letters = Vec::new();
    for f in firm {
        let slot = store.slot(&f.placement.slot_id)?.context("a planned slot has disappeared")?;
        let holder = holders.get(&f.placement.holder_id.0).context("a planned person has disappeared")?;
        let permit = (f.kind, f.mention.as_str(), f.expires_on);
        let matter = Matter::Convocation(convoked(config, permit, &slot, f.short_notice, f.late)?);
        let data = writer.data(&reference, holder, (f.kind, f.expires_on), matter);
        letters.push(config.templates()?.compose(&data, &config.sender())?);
    }
    Ok(letters)
}
