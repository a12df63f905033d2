//! When to try again: pure.

use chrono::TimeDelta;

use super::smtp::{Reply, Stage};

/// The delay after a temporary refusal: `first_s`, doubling with every attempt that counted, to four hours.
pub(super) fn delay(first_s: u32, attempts: i64) -> TimeDelta {
    let doubled = i64::from(first_s) << attempts.clamp(0, 20);
    TimeDelta::seconds(doubled.min(14_400.max(i64::from(first_s))))
}

/// A final refusal of MAIL speaks of our address, and so of every letter: it must not fail the whole queue. Size is the
/// exception (552, 5.3.4): it speaks of this letter.
pub(super) fn concerns_the_sender(reply: &Reply) -> bool {
    reply.stage == Stage::Mail && reply.code != 552
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_to_four_hours() {
        let delays: Vec<i64> = (0..7).map(|n| delay(900, n).num_seconds()).collect();
        assert_eq!(delays, [900, 1_800, 3_600, 7_200, 14_400, 14_400, 14_400]);
        assert_eq!(delay(1, 3).num_seconds(), 8);
        assert_eq!(delay(86_400, 9).num_seconds(), 86_400);
    }
}
