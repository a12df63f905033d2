//! Integer draws that are the same on every machine.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// A stream of draws fixed by its seed.
pub(super) struct Dice {
    rng: ChaCha8Rng,
    salt: u64,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        let salt = u64::from(rng.next_u32());
        Self { rng, salt }
    }

    /// 0 to `n` − 1, for `n` up to 2³².
    pub(super) fn below(&mut self, n: u64) -> u64 {
        (u64::from(self.rng.next_u32()) * n) >> 32
    }

    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// `from` to `to` − 1 days.
    pub(super) fn days(&mut self, from: u64, to: u64) -> i64 {
        (from + self.below(to - from)).cast_signed()
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())]
    }

    /// One of `from`, each as often as its weight says.
    pub(super) fn weighted<T: Copy>(&mut self, from: &[(T, u64)]) -> T {
        let mut left = self.below(from.iter().map(|(_, weight)| weight).sum());
        for (item, weight) in from {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *item,
            }
        }
        unreachable!("the draw is below the sum of the weights")
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let at = self.index(last + 1);
            items.swap(last, at);
        }
    }

    /// A number below `modulus`, different for each `serial` below it, in no visible order. `stride` must be prime to
    /// `modulus`, or numbers repeat.
    pub(super) fn scatter(&self, serial: u64, stride: u64, modulus: u64) -> u64 {
        (serial * stride + self.salt) % modulus
    }

    fn index(&mut self, len: usize) -> usize {
        // Unwrap safety: the draw is below `len`, which is a usize.
        usize::try_from(self.below(len as u64)).unwrap()
    }
}
