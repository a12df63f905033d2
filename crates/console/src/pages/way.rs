//! The way of a letter: by e-mail, by post, or too late for either.

use chrono::NaiveDate;

use crate::visit::Visit;
use convoke_domain::permit::Channel;
use convoke_office::acts::{self, Way};

/// How the letter about an appointment reaches its holder.
pub(super) fn describe(visit: &Visit<'_, '_>, channel: Channel, day: NaiveDate) -> String {
    let left = (day - visit.today()).num_days();
    visit.words().say(match acts::way(&visit.config().settings.policy, channel, left) {
        Way::Email => "person-way-email",
        Way::Post => "person-way-post",
        Way::TooLate => "person-way-late",
    })
}
