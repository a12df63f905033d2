//! The only place that randomness comes from: the system's, or a stream that a seed decides.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A source of random bytes, passed in wherever a secret is made.
#[derive(Debug)]
pub enum Entropy {
    /// The operating system's generator.
    System,
    /// Reproducible: demonstrations and tests.
    Seeded(Box<ChaCha20Rng>),
}

impl Entropy {
    /// The stream that `seed` decides.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Box::new(ChaCha20Rng::seed_from_u64(seed)))
    }

    /// 32 random bytes, or why the system has none to give.
    pub fn bytes(&mut self) -> anyhow::Result<[u8; 32]> {
        let mut out = [0; 32];
        match self {
            Self::System => {
                getrandom::fill(&mut out).map_err(|e| anyhow::anyhow!("reading the system's randomness: {e}"))?;
            }
            Self::Seeded(stream) => stream.fill_bytes(&mut out),
        }
        Ok(out)
    }
}
