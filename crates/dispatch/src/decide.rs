//! What happens to a letter, and to a relay: decided purely from the reply, the time, and how much time is left.

use chrono::{DateTime, TimeDelta, Utc};

use super::smtp::{Delivery, Reply, Stage};
use convoke_domain::ids::keyed_hash;
use convoke_settings::Uncertain;

/// Longest pause between two attempts.
const PAUSE_MAX_S: i64 = 4 * 3_600;
/// A relay that has deferred a letter for this long will not take it (RFC 5321 §4.5.4.1: four to five days).
const PATIENCE: TimeDelta = TimeDelta::days(5);
/// Consecutive faults of a relay that open its breaker.
const FAULTS_MAX: u32 = 5;

/// What happens to a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A relay took responsibility for it.
    Delivered,
    /// Later.
    TryAt {
        /// Not before.
        at: DateTime<Utc>,
        /// Whether this attempt counts: not if the relay, or our own setting, is to blame.
        burns_attempt: bool,
    },
    /// Never by e-mail.
    GiveUp(Reason),
    /// The relay may have it.
    Uncertain(Doubt),
}

/// Why no further attempt is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Refused for good: the letter goes by post.
    Refused,
    /// Deferred for five days: the letter goes by post.
    PutOff,
    /// The next attempt would come too late: the person must be called.
    TooLate,
}

/// What to do about a letter that the relay may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Sent once more under the same Message-ID.
    ResendAt(DateTime<Utc>),
    /// Kept until a person decides.
    Hold,
}

/// What is known of a letter when the relay's reply arrives.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// Its id: the pauses derive from it, so they differ between letters and are always the same for one.
    pub letter_id: &'a str,
    /// Attempts that counted.
    pub attempts: i64,
    /// How often its fate was unknown.
    pub uncertain: i64,
    /// When it was first tried.
    pub tried_since: DateTime<Utc>,
    /// From when it would come too late; `None` if it announces no day.
    pub too_late_from: Option<DateTime<Utc>>,
}

/// How patient the office is.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// First pause; also that of the breaker and of an uncertain letter.
    pub first: TimeDelta,
    /// What to do about a letter that the relay may have.
    pub uncertain: Uncertain,
}

impl Schedule {
    /// Decides what happens to a letter after this result.
    pub fn decide(&self, heard: &Delivery, letter: &Circumstances<'_>, now: DateTime<Utc>) -> Decision {
        let later = |pause: TimeDelta, burns_attempt| match letter.too_late_from {
            Some(end) if now + pause >= end => Decision::GiveUp(Reason::TooLate),
            _ => Decision::TryAt { at: now + pause, burns_attempt },
        };
        match heard {
            Delivery::Accepted(_) => Decision::Delivered,
            Delivery::Deferred(_) if now - letter.tried_since >= PATIENCE => Decision::GiveUp(Reason::PutOff),
            Delivery::Deferred(_) => later(self.pause(letter), true),
            Delivery::Refused(reply) if concerns_the_sender(reply) => later(self.first, false),
            Delivery::Refused(_) => Decision::GiveUp(Reason::Refused),
            Delivery::RelayFault(_) => later(self.first, false),
            Delivery::Uncertain(_) => self.doubt(letter, now),
        }
    }

    /// Decides what happens to a letter that the relay may have, because its answer was lost or its worker died.
    pub fn doubt(&self, letter: &Circumstances<'_>, now: DateTime<Utc>) -> Decision {
        match self.uncertain {
            Uncertain::ResendOnce if letter.uncertain == 0 => match letter.too_late_from {
                Some(end) if now + self.first >= end => Decision::Uncertain(Doubt::Hold),
                _ => Decision::Uncertain(Doubt::ResendAt(now + self.first)),
            },
            Uncertain::ResendOnce | Uncertain::Hold => Decision::Uncertain(Doubt::Hold),
        }
    }

    /// The pause after a temporary refusal: the first pause, doubled with every attempt that counted, up to four hours;
    /// varied by up to a fifth, so that letters deferred together are not all tried again together.
    fn pause(&self, letter: &Circumstances<'_>) -> TimeDelta {
        let first = self.first.num_seconds();
        let plain = (first << letter.attempts.clamp(0, 20)).min(PAUSE_MAX_S.max(first));
        let dice = keyed_hash(b"pause", &[letter.letter_id.as_bytes(), &letter.attempts.to_be_bytes()]);
        let share = i64::from(u16::from_be_bytes([dice[0], dice[1]]));
        // 80 % and up to 40 % more, in milliseconds.
        TimeDelta::milliseconds(plain * 800 + plain * 400 * share / i64::from(u16::MAX))
    }
}

/// A permanent refusal of MAIL concerns our address, and so every letter: it must not fail the whole queue. Size is the
/// exception (552, 5.3.4): it concerns this letter.
fn concerns_the_sender(reply: &Reply) -> bool {
    reply.stage == Stage::Mail && reply.code != 552
}

/// Keeps a worker from calling a relay that does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    faults: u32,
    open_until: Option<DateTime<Utc>>,
}

impl Breaker {
    /// Whether the relay may be called. After the pause it may, but one more fault starts the pause again.
    pub fn allows(&self, now: DateTime<Utc>) -> bool {
        self.open_until.is_none_or(|until| until <= now)
    }

    /// When it may be called again, if it may not be called now.
    pub fn open_until(&self) -> Option<DateTime<Utc>> {
        self.open_until
    }

    /// Records that the relay answered for a letter.
    pub fn success(&mut self) {
        *self = Self::default();
    }

    /// Records that the relay failed; `hopeless` if only a person can fix it.
    pub fn fault(&mut self, now: DateTime<Utc>, pause: TimeDelta, hopeless: bool) {
        self.faults += 1;
        if hopeless || self.faults >= FAULTS_MAX {
            self.open_until = Some(now + pause);
        }
    }
}

/// When the next message may leave under a limit per minute (the generic cell rate algorithm of ITU-T I.371): messages
/// are spaced evenly, and none leaves early. Returns this message's turn, and the earliest next one.
pub fn turn(next_at: Option<DateTime<Utc>>, per_minute: u32, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let at = next_at.map_or(now, |next| next.max(now));
    (at, at + TimeDelta::microseconds(60_000_000u32.div_ceil(per_minute.max(1)).into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::smtp::{Cause, Fault};
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn schedule() -> Schedule {
        Schedule { first: TimeDelta::seconds(900), uncertain: Uncertain::ResendOnce }
    }

    fn letter(attempts: i64, uncertain: i64) -> Circumstances<'static> {
        Circumstances { letter_id: "a", attempts, uncertain, tried_since: at(0), too_late_from: None }
    }

    fn reply(code: u16, stage: Stage) -> Reply {
        Reply { code, enhanced: None, text: String::new(), stage }
    }

    fn fault() -> Fault {
        Fault { stage: Stage::Dot, cause: Cause::Closed }
    }

    #[test]
    fn each_answer_has_its_consequence() {
        let (now, first) = (at(10), TimeDelta::seconds(900));
        let decide = |heard: Delivery, letter: Circumstances<'_>| schedule().decide(&heard, &letter, now);
        let unburnt = Decision::TryAt { at: now + first, burns_attempt: false };
        assert_eq!(decide(Delivery::Accepted(reply(250, Stage::Dot)), letter(0, 0)), Decision::Delivered);
        assert_eq!(decide(Delivery::Refused(reply(550, Stage::Rcpt)), letter(0, 0)), Decision::GiveUp(Reason::Refused));
        assert_eq!(decide(Delivery::Refused(reply(550, Stage::Mail)), letter(0, 0)), unburnt, "our own address");
        assert_eq!(
            decide(Delivery::Refused(reply(552, Stage::Mail)), letter(0, 0)),
            Decision::GiveUp(Reason::Refused),
            "the size of this letter"
        );
        assert_eq!(decide(Delivery::RelayFault(fault()), letter(3, 0)), unburnt);
        assert_eq!(
            decide(Delivery::Uncertain(fault()), letter(0, 0)),
            Decision::Uncertain(Doubt::ResendAt(now + first))
        );
        assert_eq!(decide(Delivery::Uncertain(fault()), letter(0, 1)), Decision::Uncertain(Doubt::Hold));
        let hold = Schedule { uncertain: Uncertain::Hold, ..schedule() };
        assert_eq!(hold.doubt(&letter(0, 0), now), Decision::Uncertain(Doubt::Hold));
    }

    #[test]
    fn what_would_come_too_late_is_given_up_at_once() {
        let now = at(10);
        let soon = Circumstances { too_late_from: Some(now + TimeDelta::seconds(600)), ..letter(0, 0) };
        let deferred = Delivery::Deferred(reply(451, Stage::Rcpt));
        assert_eq!(schedule().decide(&deferred, &soon, now), Decision::GiveUp(Reason::TooLate));
        assert_eq!(
            schedule().decide(&Delivery::RelayFault(fault()), &soon, now),
            Decision::GiveUp(Reason::TooLate),
            "whatever the cause, the person is called"
        );
        assert_eq!(
            schedule().doubt(&soon, now),
            Decision::Uncertain(Doubt::Hold),
            "the relay may have it: a person looks"
        );
        let old = Circumstances { tried_since: now - PATIENCE, ..letter(9, 0) };
        assert_eq!(schedule().decide(&deferred, &old, now), Decision::GiveUp(Reason::PutOff));
    }

    proptest! {
        #[test]
        fn a_pause_doubles_to_four_hours_within_a_fifth_and_is_always_the_same(
            id in "[a-z]{1,8}", attempts in 0i64..40, first in 1i64..86_400,
        ) {
            let schedule = Schedule { first: TimeDelta::seconds(first), ..schedule() };
            let letter = Circumstances { letter_id: &id, attempts, ..letter(0, 0) };
            // The oracle: doubling step by step.
            let mut plain = first;
            for _ in 0..attempts {
                plain = (plain * 2).min(first.max(14_400));
            }
            let pause = schedule.pause(&letter).num_milliseconds();
            prop_assert!(plain * 800 <= pause && pause <= plain * 1_200, "{pause} for {plain}");
            prop_assert_eq!(pause, schedule.pause(&letter).num_milliseconds());
        }

        #[test]
        fn no_minute_has_more_turns_than_it_may(per_minute in 1u32..200, steps in prop::collection::vec(0i64..5_000, 1..200)) {
            let (mut next, mut now, mut turns) = (None, at(0), Vec::new());
            for step in steps {
                now += TimeDelta::milliseconds(step);
                let (at, after) = turn(next, per_minute, now);
                prop_assert!(at >= now);
                turns.push(at);
                next = Some(after);
            }
            for (i, from) in turns.iter().enumerate() {
                let within = turns[i..].iter().filter(|t| **t - *from < TimeDelta::minutes(1)).count();
                prop_assert!(within <= per_minute as usize, "{within} > {per_minute}");
            }
        }
    }

    #[test]
    fn five_faults_in_a_row_open_a_breaker_and_one_success_closes_it() {
        let (mut breaker, pause) = (Breaker::default(), TimeDelta::seconds(60));
        for _ in 0..4 {
            breaker.fault(at(0), pause, false);
        }
        assert!(breaker.allows(at(0)));
        breaker.fault(at(0), pause, false);
        assert!(!breaker.allows(at(59)) && breaker.allows(at(60)));
        breaker.fault(at(60), pause, false);
        assert!(!breaker.allows(at(119)), "one more fault after the pause, and it begins again");
        breaker.success();
        assert_eq!(breaker, Breaker::default());
        breaker.fault(at(0), pause, true);
        assert!(!breaker.allows(at(0)), "a password that is wrong stays wrong");
    }
}
