//! Audit: the ledger, reports, who did and who read what.

mod days;
mod entries;
mod reported;
mod reports;
mod verification;

use askama::Template;

use self::reported::Reported;
use crate::answer::html;
use crate::failure::Answer;
use crate::frame::Frame;
use crate::jobs::{Ended, Kind};
use crate::route::{Route, get, post};
use crate::visit::Visit;
use crate::worker::Progress;
use convoke_domain::access::Right;
use convoke_domain::seal::{PublicKey, Seal, Sealed};
use convoke_office::acts::without_addresses;
use convoke_store::{Head, ToldWitness};

pub(super) const ROUTES: &[Route] = &[
    get(Right::Audit, "/audit", show),
    get(Right::Audit, "/audit/registre", entries::list),
    // It changes nothing, but takes longer than a page may.
    post(Right::Audit, "/audit/verification", verification::begin),
    get(Right::Audit, "/audit/rapports", reports::list),
    get(Right::Audit, "/audit/rapports/{code}/{jour}/{generation}/{format}", reports::file),
    get(Right::Audit, "/audit/periode", days::period),
    get(Right::Audit, "/audit/periode/{fichier}", days::file),
    get(Right::Audit, "/audit/actes", days::acts),
];

/// Checkpoints shown.
const SEALS: usize = 15;
/// Letters to witnesses shown.
const TOLD: i64 = 15;
/// Runs shown here; there is a page with all of them.
const RUNS: i64 = 5;

#[derive(Template)]
#[template(path = "console/audit.html")]
struct Audit {
    frame: Frame,
    head: Head,
    progress: Option<Progress>,
    ended: Option<Ended>,
    /// The current signing key.
    own: Option<String>,
    /// The ledger names another key.
    other_key: bool,
    /// Earlier keys, and until when each was in use.
    before: Vec<(String, chrono::NaiveDate)>,
    seals: Vec<(Sealed, String)>,
    witnesses: usize,
    untold: u64,
    letters: Vec<(ToldWitness, String)>,
    runs: Vec<Reported>,
    /// Whether the user may view a run.
    reads: bool,
}

/// A key in the form in which people compare it.
fn fingerprint(key: &str) -> String {
    PublicKey::from_hex(key).map_or_else(|_| key.to_owned(), |key| key.fingerprint())
}

fn show(visit: &mut Visit<'_, '_>) -> Answer {
    let (frame, config, now) = (visit.frame("audit-title"), visit.config(), visit.now());
    let own = config.seal.as_ref().map(Seal::public);
    let (progress, ended) = (visit.progress(Kind::Verification, "/audit"), visit.ended(Kind::Verification));
    let reads = visit.may(Right::Read);
    let page = visit.store.read(|s| {
        let named = s.key_in_use()?;
        let seals = s.seals()?;
        let said = |letter: &ToldWitness| without_addresses(letter.last_reply.as_deref().unwrap_or_default());
        Ok(Audit {
            head: s.ledger_head()?,
            progress,
            ended,
            other_key: own.is_some() && named.is_some() && named.map(PublicKey::to_hex) != own.map(PublicKey::to_hex),
            own: own.or(named).map(|key| key.fingerprint()),
            before: s.successions()?.iter().map(|p| (fingerprint(&p.from), p.at.date_naive())).collect(),
            seals: seals
                .into_iter()
                .rev()
                .take(SEALS)
                .map(|sealed| (sealed.clone(), fingerprint(&sealed.key)))
                .collect(),
            witnesses: config.settings.audit.witnesses.len(),
            untold: s.checkpoints_without_witness(now)?.0,
            letters: s.witness_letters(TOLD)?.into_iter().map(|letter| (letter.clone(), said(&letter))).collect(),
            runs: s.runs(RUNS)?.into_iter().map(Reported::from).collect(),
            reads,
            frame,
        })
    })?;
    html(&page)
}
