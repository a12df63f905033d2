//! Verification of the whole ledger: a job, because it grows with every night.

use crate::failure::Answer;
use crate::jobs::Kind;
use crate::visit::Visit;
use crate::words::Words;
use convoke_domain::ledger::Broken;
use convoke_domain::run::Stage;
use convoke_domain::seal::Seal;

pub(super) fn begin(visit: &mut Visit<'_, '_>) -> Answer {
    visit.begin(Kind::Verification, |worker| {
        let t = worker.t;
        let own = worker.config.seal.as_ref().map(Seal::public);
        let walked = worker.with_tools(|store, _, tools| {
            (tools.progress)(Stage::Verifying, 0, 0);
            store.verify_ledger(own.as_ref(), &[])
        })?;
        Ok(match walked {
            Ok(walked) => {
                let size = t.number(walked.head.size);
                let holds = t.with2("audit-holds", ("n", &size), ("root", &walked.head.root));
                worker.well(format!("{holds} {}", t.count("audit-holds-seals", walked.checkpoints)), None)
            }
            Err(broken) => {
                tracing::error!("The ledger was tampered with: {broken}");
                worker.refused(describe(t, &broken), None)
            }
        })
    })?;
    let t = visit.words();
    visit.done(t.say("audit-begun"), "/audit")
}

/// Where the chain breaks.
fn describe(t: Words, broken: &Broken) -> String {
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
