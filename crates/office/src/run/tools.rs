//! What long work is handed: the time, randomness, and where to show how far it has come.

use convoke_domain::run::Stage;
use convoke_machine::clock::Clock;
use convoke_machine::entropy::Entropy;

/// What a run needs besides its configuration.
pub struct Tools<'a> {
    /// The time.
    pub clock: &'a Clock,
    /// Randomness for new commitments.
    pub entropy: &'a mut Entropy,
    /// Called with the progress: stage, done, total.
    pub progress: &'a dyn Fn(Stage, u64, u64),
}
