//! What a night reads of the office, apart from permits and holders.

use std::collections::{BTreeMap, HashSet};

use anyhow::Result;
use chrono::NaiveDate;

use super::requests::Desk;
use super::{Dates, For};
use crate::titles;
use convoke_domain::agenda::Slot;
use convoke_domain::eligibility::NEVER;
use convoke_domain::slot::SlotId;
use convoke_settings::Configuration;
use convoke_store::{Case, Store, UnknownTitle, Waiting};

/// Everything that is read, from one state of the database.
pub(super) struct Observation {
    pub live: Vec<Case>,
    /// Appointments that a night released, and whose holder has none instead.
    pub freed: Vec<Case>,
    /// What was recorded about live appointments: reference, what was done, and why.
    pub known: HashSet<(String, String, String)>,
    /// Permits whose last appointment was honoured.
    pub honoured: HashSet<String>,
    pub slots: Vec<Slot>,
    pub taken: BTreeMap<SlotId, u64>,
    /// Written requests.
    pub requests: Desk,
    pub last_extract: Option<NaiveDate>,
    /// An extract that looks wrong and waits for a person.
    pub waiting: Option<Waiting>,
    /// Titles that nobody has named.
    pub unknown_titles: Vec<UnknownTitle>,
    /// Hash of the templates used last.
    pub last_templates: Option<String>,
    /// Letters that have waited too long for the post.
    pub late_post: u64,
}

impl Observation {
    pub(super) fn read(s: &mut Store, config: &Configuration, dates: Dates, for_whom: For) -> Result<Self> {
        let policy = &config.settings.policy;
        Ok(Self {
            live: s.live_cases()?,
            freed: s.freed_after(dates.today)?,
            known: s.known_followed()?,
            honoured: s.honoured_permits()?,
            slots: s.slots(dates.today, NEVER)?,
            taken: s.taken(dates.today)?,
            requests: match for_whom {
                For::Night | For::Shown => Desk {
                    open: s.open_requests()?,
                    seats: s.seats_of_requests(dates.today)?,
                    avoided: s.all_avoided(dates.today)?,
                },
                For::Act => Desk::default(),
            },
            last_extract: s.last_extract()?,
            waiting: s.waiting_import()?,
            unknown_titles: match for_whom {
                For::Night | For::Shown => s.unknown_titles(titles::due_span(policy, dates.business))?,
                For::Act => Vec::new(),
            },
            last_templates: s.last_templates()?,
            late_post: config.post_alert_before(dates.today).map_or(Ok(0), |since| s.waiting_for_post_since(since))?,
        })
    }
}
