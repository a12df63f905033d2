//! The whole chain is walked: as a job, for it grows with every night.

use std::sync::Arc;

use crate::console::page::{Answer, Failure};
use crate::console::visit::Visit;
use crate::console::words::Words;
use crate::ledger::Broken;
use crate::seal::Seal;
use crate::store::{Store, Use};

/// What is told of the job.
pub(super) const STAGE: &str = "verifying the ledger";

pub(super) fn begin(visit: &mut Visit<'_, '_>) -> Answer {
    let (load, t) = (Arc::clone(&visit.bureau.load), visit.words());
    let begun = visit.bureau.jobs.begin(&visit.agent().actor.clone(), move |show| {
        show(STAGE, 0, 0);
        let work = || {
            let config = load()?;
            let mut store = Store::open(&config.settings.database.url, &config.settings.prefecture.code, Use::Worker)?;
            let own = config.seal.as_ref().map(Seal::public);
            Ok(match store.verify_ledger(own.as_ref(), &[])? {
                Ok(walked) => {
                    let size = t.number(walked.head.size);
                    let holds = t.with2("audit-holds", ("n", &size), ("root", &walked.head.root));
                    format!("{holds} {}", t.count("audit-holds-seals", walked.checkpoints))
                }
                Err(broken) => {
                    tracing::error!("The ledger was tampered with: {broken}");
                    told(t, &broken)
                }
            })
        };
        work().unwrap_or_else(|error: anyhow::Error| {
            tracing::error!("The ledger could not be verified: {error:#}");
            t.say("audit-unverified")
        })
    });
    let t = visit.words();
    if !begun {
        return Err(Failure::Told(t.say("audit-busy")));
    }
    visit.done(t.say("audit-begun"), "/audit")
}

/// Where it breaks.
fn told(t: Words, broken: &Broken) -> String {
    let what = match broken {
        Broken::Gap { expected, .. } => t.with("audit-broken-gap", "n", expected),
        Broken::Unlinked(n) => t.with("audit-broken-unlinked", "n", n),
        Broken::Changed(n) => t.with("audit-broken-changed", "n", n),
        Broken::Rewritten(n) => t.with("audit-broken-rewritten", "n", n),
        Broken::Cut { signed, found } => t.with2("audit-broken-cut", ("signed", signed), ("found", found)),
        Broken::Forged(n) => t.with("audit-broken-forged", "n", n),
        Broken::Unsigned(n) => t.with("audit-broken-unsigned", "n", n),
        Broken::Unvouched(n) => t.with("audit-broken-unvouched", "n", n),
        Broken::Unintroduced(n) => t.with("audit-broken-unintroduced", "n", n),
        Broken::OtherKey => t.say("audit-broken-other-key"),
        Broken::Incomparable => t.say("audit-broken-incomparable"),
        Broken::Witnessed(n) => t.with("audit-broken-witnessed", "n", n),
    };
    format!("{} {what}", t.say("audit-broken"))
}
