//! The planner's input and output: a night, its plan and the proof, as types and as the files of FORMATS (*Planning
//! instance*). Nothing here searches: `convoke-planning` makes plans, and `convoke-check` judges them without knowing
//! how they were made.
//!
//! Days are integers, day 0 being the business date. Nothing here is personal.

mod candidate;
pub mod diff;
pub mod export;
pub mod files;
mod instance;
mod proof;
pub mod weeks;

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

pub use candidate::{Candidate, Nights};
pub use convoke_domain::agenda::RankedPool;
pub use instance::{
    Builder, Class, Instance, LAPSE, LATE_DAY, NOWHERE, Overflow, PERISHING, Person, PoolDay, PoolName, RANK,
    components, find, hours, unite,
};
pub use proof::Proof;

use convoke_domain::code::coded;
use convoke_domain::convocation::Origin;
use convoke_domain::ids::sha256_hex;
use convoke_domain::slot::{PoolId, SlotId, hour};

/// Days since the business date.
pub type Day = i32;

/// Everything the planner sees, and nothing personal. In canonical order: candidates by id, slots by place and time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanningInput {
    /// Day 0.
    pub business_date: NaiveDate,
    /// Published seed that breaks ties: anyone with the instance can recompute the order.
    pub seed: String,
    /// Seats on days before this one are lost if nobody takes them tonight: tomorrow they are inside the notice.
    #[serde(default)]
    pub perish_before: Option<Day>,
    /// Everyone who could use a seat before this day is known tonight: nobody will need the seats that the plan leaves
    /// there.
    #[serde(default)]
    pub surplus_before: Day,
    /// A person expired for longer than this many days is given a distant seat rather than left waiting.
    #[serde(default)]
    pub late_wait_days: u32,
    /// Households with a member who is already convoked: the first such day, and the site.
    #[serde(default)]
    pub beside: BTreeMap<String, (Day, String)>,
    /// Each pool; its number is its index.
    pub pools: Vec<PoolId>,
    /// Seats free tonight; a full slot is listed with 0.
    pub slots: Vec<SlotSeats>,
    /// People to be seen.
    pub candidates: Vec<Candidate>,
}

/// Free seats at one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SlotSeats {
    /// Pool number.
    pub pool: u32,
    /// Day.
    pub day: Day,
    /// Minutes after midnight, civil time of the site.
    pub start: u16,
    /// Free seats.
    pub free: u32,
}

coded! {
    /// The pass that gave an appointment.
    pub enum Pass {
        /// Between release and deadline.
        InTime = "in-time",
        /// Before the deadline, at short notice, because that prevents a lapse.
        ShortNotice = "short-notice",
        /// After expiry, with a seat left by the first pass.
        AfterExpiry = "after-expiry",
    }
}

impl From<Pass> for Origin {
    fn from(pass: Pass) -> Self {
        match pass {
            Pass::InTime => Self::InTime,
            Pass::ShortNotice => Self::ShortNotice,
            Pass::AfterExpiry => Self::AfterExpiry,
        }
    }
}

coded! {
    /// Why a person has no day before expiry.
    pub enum LapseCause {
        /// No seat exists in the window, taken or free.
        NoPossibleDay = "no_possible_day",
        /// Seats exist, and all are taken.
        NoCapacity = "no_capacity",
    }
}

/// A planned appointment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointment {
    /// Index into [`PlanningInput::candidates`].
    pub candidate: usize,
    /// Pool number.
    pub pool: u32,
    /// Day.
    pub day: Day,
    /// Minutes after midnight.
    pub start: u16,
    /// The pass.
    pub pass: Pass,
    /// Whether tonight's run reserves it and writes the letter.
    pub firm: bool,
}

/// A person without a day before expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lapse {
    /// Index into [`PlanningInput::candidates`].
    pub candidate: usize,
    /// Cause.
    pub cause: LapseCause,
}

/// A whole plan: execution has nothing left to choose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// At most one per candidate, by candidate.
    pub appointments: Vec<Appointment>,
    /// Candidates not yet expired for whom no day before expiry was found; they may have an appointment after it.
    pub lapses: Vec<Lapse>,
}

impl PlanningInput {
    /// Sorts the input, so that equal contents have equal hashes.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        self.slots.sort_unstable();
        self.candidates.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        self
    }

    /// The seed of a night: published, different each night, chosen by nobody.
    pub fn seed_of(prefecture: &str, business_date: NaiveDate) -> String {
        sha256_hex(format!("convoke {prefecture} {business_date}").as_bytes())[..16].to_owned()
    }

    /// The canonical bytes that a run records: enough to plan the night again.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Unwrap safety: plain data with text keys always serialises.
        serde_json::to_vec(self).expect("an input serialises")
    }

    /// SHA-256 of the canonical bytes.
    pub fn hash(&self) -> String {
        sha256_hex(&self.to_bytes())
    }

    /// The input that remains after a plan's firm appointments are committed. Planning it gives the rest of the plan
    /// unchanged.
    #[must_use]
    pub fn after(&self, plan: &Plan) -> Self {
        let mut rest = self.clone();
        let mut firm = vec![false; self.candidates.len()];
        for a in plan.firm() {
            firm[a.candidate] = true;
            if let Some(household) = &self.candidates[a.candidate].household {
                let site = self.site(a.pool).to_owned();
                let beside = rest.beside.entry(household.clone()).or_insert_with(|| (a.day, site.clone()));
                *beside = (a.day, site).min(beside.clone());
            }
            let slot = rest.slots.binary_search_by_key(&(a.pool, a.day, a.start), |s| (s.pool, s.day, s.start));
            if let Ok(slot) = slot {
                rest.slots[slot].free = rest.slots[slot].free.saturating_sub(1);
            }
        }
        let mut firm = firm.into_iter();
        rest.candidates.retain(|_| firm.next() != Some(true));
        let households: HashSet<&str> = rest.candidates.iter().filter_map(|c| c.household.as_deref()).collect();
        rest.beside.retain(|household, _| households.contains(household.as_str()));
        rest
    }

    /// Site of a pool.
    pub fn site(&self, pool: u32) -> &str {
        &self.pools[pool as usize].site
    }

    /// The order among otherwise equal candidates.
    pub fn tie(&self, candidate: usize) -> (Day, u64) {
        let c = &self.candidates[candidate];
        instance::tie(&self.seed, c.first_seen, &c.id.0)
    }

    /// The civil date of a day.
    pub fn date(&self, day: Day) -> NaiveDate {
        date(self.business_date, day)
    }

    /// The day of a civil date.
    pub fn day(&self, date: NaiveDate) -> Day {
        (date - self.business_date).num_days() as Day
    }

    /// The name of a slot of a pool, from its number, day and minute.
    pub fn slot(&self, pool: u32, day: Day, start: u16) -> SlotId {
        // Minutes of a day, as slots.csv and the agenda hold them.
        self.pools[pool as usize].at(self.date(day), hour(start).unwrap_or_default())
    }
}

/// The civil date of a day, counted from the business date.
pub fn date(business_date: NaiveDate, day: Day) -> NaiveDate {
    let days = Days::new(u64::from(day.unsigned_abs()));
    let date = if day < 0 { business_date.checked_sub_days(days) } else { business_date.checked_add_days(days) };
    date.unwrap_or(business_date)
}

impl Plan {
    /// One line per candidate: `id,pool,day,start,pass,firm`, with `-1,-1,-1` for none, and the cause of each lapse.
    fn canonical_text(&self, input: &PlanningInput) -> String {
        let mut lines: Vec<String> = input.candidates.iter().map(|c| format!("{},-1,-1,-1", c.id)).collect();
        for a in &self.appointments {
            let id = &input.candidates[a.candidate].id;
            lines[a.candidate] = format!("{id},{},{},{},{},{}", a.pool, a.day, a.start, a.pass, a.firm);
        }
        for lapse in &self.lapses {
            // Unwrap safety: writing to a String cannot fail.
            write!(lines[lapse.candidate], ",{}", lapse.cause).expect("a String takes text");
        }
        lines.join("\n")
    }

    /// SHA-256 of the plan: an operator confirms it, and a replay must reproduce it.
    pub fn hash(&self, input: &PlanningInput) -> String {
        sha256_hex(self.canonical_text(input).as_bytes())
    }

    /// The appointments that become firm tonight.
    pub fn firm(&self) -> impl Iterator<Item = &Appointment> {
        self.appointments.iter().filter(|a| a.firm)
    }

    /// The figures of the plan, without the people who have an appointment already.
    pub fn figures(&self, input: &PlanningInput) -> Figures {
        let counts = |candidate: usize| !input.candidates[candidate].again;
        let count = |holds: &dyn Fn(&Appointment) -> bool| {
            self.appointments.iter().filter(|a| counts(a.candidate) && holds(a)).count()
        };
        let late = |firm: bool| count(&|a| a.pass == Pass::AfterExpiry && a.firm == firm);
        let mut seated: Vec<bool> = input.candidates.iter().map(|c| c.again).collect();
        for a in &self.appointments {
            seated[a.candidate] = true;
        }
        let causes = |cause| self.lapses.iter().filter(|l| l.cause == cause && counts(l.candidate)).count();
        Figures {
            firm: count(&|a| a.firm && a.pass != Pass::AfterExpiry),
            planned: count(&|a| !a.firm && a.pass != Pass::AfterExpiry),
            no_possible_day: causes(LapseCause::NoPossibleDay),
            no_capacity: causes(LapseCause::NoCapacity),
            past_six_months: self.past_six_months(input),
            late_firm: late(true),
            late_planned: late(false),
            without_seat: seated.iter().filter(|s| !**s).count(),
        }
    }
}

impl Plan {
    /// People who can no longer be seen within the months of a late request, among those whom the first pass left out.
    fn past_six_months(&self, input: &PlanningInput) -> usize {
        let mut day: Vec<Option<Day>> = vec![None; input.candidates.len()];
        for a in &self.appointments {
            day[a.candidate] = Some(a.day);
        }
        let past = |(c, day): (&Candidate, Option<Day>)| !c.again && day.is_none_or(|day| day > c.late_until());
        input.candidates.iter().zip(day).filter(|both| past(*both)).count()
    }
}

/// Counts of a plan: people due = firm + planned + `no_possible_day` + `no_capacity`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Figures {
    /// Firm tonight, before expiry.
    pub firm: usize,
    /// With a day that is not yet firm.
    pub planned: usize,
    /// Lapses: no seat exists in the window.
    pub no_possible_day: usize,
    /// Lapses: every seat of the window is taken.
    pub no_capacity: usize,
    /// Firm tonight, after expiry: late people and lapses.
    pub late_firm: usize,
    /// With a day after expiry that is not yet firm: each night looks for an earlier one.
    #[serde(default)]
    pub late_planned: usize,
    /// People for whom no seat is left at all.
    pub without_seat: usize,
    /// People who cannot be seen within six months of their expiry (CESEDA R.431-8): their seat lies later, or they have
    /// none.
    #[serde(default)]
    pub past_six_months: usize,
}
