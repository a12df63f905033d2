//! The letters that wait, looked at when a worker starts and every hour: which may still leave.

use anyhow::{Context, Result};
use chrono::TimeDelta;

use super::Worker;
use convoke_domain::convocation::{LetterState, Remark};
use convoke_store::Store;

/// Letters checked in one transaction: others can write between two.
const WITHHELD_TOGETHER: usize = 1_000;

impl Worker<'_> {
    /// Recovers letters of dead workers, and takes those out of the queue that may not leave. With a clock that is not
    /// trusted nothing is touched: every lease would seem over, and every appointment past.
    pub(super) async fn look_after(&self) -> Result<()> {
        if self.clock_jumped().await?.is_some() {
            return Ok(());
        }
        let now = self.errand.clock.now();
        self.clerk.write(move |s| s.see_clock(now)).await?;
        self.rescue().await?;
        self.withhold().await
    }

    /// How far the clock is ahead of when it was last seen, if it is not trusted for that.
    pub(super) async fn clock_jumped(&self) -> Result<Option<TimeDelta>> {
        let (now, most) = (self.errand.clock.now(), self.clock_jump);
        self.clerk.write(move |s| Ok(s.watch(now)?.jump(now, most))).await.context("looking at the clock")
    }

    /// Removes letters that may no longer leave from the queue, even when nothing can be sent: while a relay is down or
    /// sending is stopped, people must still be called in time.
    async fn withhold(&self) -> Result<()> {
        let (now, floor) = (self.errand.clock.now(), self.floor.clone());
        let held = move |s: &mut Store| {
            let mut withheld = Vec::new();
            for letter in s.held()? {
                let by_a_fact = letter.remark.is_some_and(Remark::waits_for_a_fact);
                let why = if by_a_fact { floor.withheld(&letter, now) } else { floor.too_late(&letter, now) };
                let today = now.with_timezone(&floor.zone).date_naive();
                match why {
                    // It was kept until there was nothing left to say.
                    Some(_) if by_a_fact && letter.day.is_some_and(|day| day < today) => {
                        s.withhold(&letter.letter_id, LetterState::Expired, Remark::TooLate)?;
                    }
                    None if by_a_fact => s.let_go(&letter.letter_id, Remark::NeedAgain)?,
                    Some(why) if why.state != LetterState::Held => {
                        s.withhold(&letter.letter_id, why.state, why.reason)?;
                        withheld.push((letter.letter_id, why));
                    }
                    _ => {}
                }
            }
            Ok(withheld)
        };
        for (letter_id, why) in self.clerk.write(held).await.context("looking at letters that are held")? {
            self.log_withheld(&letter_id, why);
        }
        let mut last = Some(String::new());
        while let Some(after) = last.take() {
            let floor = self.floor.clone();
            let step = move |s: &mut Store| {
                let waiting = s.waiting_after(&after, WITHHELD_TOGETHER)?;
                let mut withheld = Vec::new();
                for letter in &waiting {
                    if let Some(why) = floor.withheld(letter, now) {
                        s.withhold(&letter.letter_id, why.state, why.reason)?;
                        withheld.push((letter.letter_id.clone(), why));
                    }
                }
                Ok((waiting.into_iter().next_back().map(|l| l.letter_id), withheld))
            };
            let (next, withheld) = self.clerk.write(step).await.context("withholding letters")?;
            for (letter_id, why) in withheld {
                self.log_withheld(&letter_id, why);
            }
            last = next;
        }
        Ok(())
    }
}
