//! A year of nights for invented people, planned by several methods: the cost of firming early, the loss of first-fit.
//!
//! Every method gets the same people, the same seats and the same luck: who cancels or does not come is derived from a
//! hash of seed, person and attempt. A person lapses if they were not received by their deadline, for whatever reason.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use rayon::prelude::*;
use serde::Serialize;

use super::plan;
use convoke_domain::calendar::{HolidayZone, is_working_day, months_before};
use convoke_domain::ids::{PermitId, keyed_hash};
use convoke_domain::permit::{Channel, PermitKind};
use convoke_domain::policy::{Policy, Procedure, Window};
use convoke_domain::slot::PoolId;
use convoke_instance::{Candidate, Day, Nights, Overflow, PlanningInput, RankedPool, SlotSeats};

/// The events of the year.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scenario {
    /// First night.
    pub start: NaiveDate,
    /// Weeks in which permits expire; the first of them is the tenth after the start.
    pub weeks: u32,
    /// Permits that expire in a week, on average over the year.
    pub people_per_week: u32,
    /// Ratio of permits to seats.
    pub load: f64,
    /// Share of appointments that are cancelled, on a day between letter and appointment.
    pub cancellations: f64,
    /// Share of appointments that are missed.
    pub no_shows: f64,
    /// Share of people who agreed to be called at short notice.
    pub consent: f64,
}

/// How nights are planned.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// People get the first free seat of the nearest site when their window opens, at once and for good.
    FirstFit,
    /// The exact plan under a policy.
    Exact(Box<Policy>),
}

/// The result of a year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct YearResult {
    /// Name of the method.
    pub method: String,
    /// Seed of the people and of their luck.
    pub seed: u64,
    /// People.
    pub people: u64,
    /// People not received by their deadline.
    pub lapses: u64,
    /// Of these, people not received by the end of the year.
    pub never: u64,
    /// Days by which people were received after their preferred end, in total.
    pub late_days: u64,
    /// Seats until the last deadline.
    pub seats: u64,
    /// Seats that were used.
    pub used: u64,
    /// Appointments made.
    pub appointments: u64,
}

const SITES: usize = 3;
/// Length of the longest window, in days.
const LONGEST_WINDOW: Day = 120;

struct Person {
    id: String,
    nearest: usize,
    known: Day,
    expiry: Day,
    opens: Day,
    preferred_end: Day,
    channel: Channel,
    consents: bool,
}

#[derive(Clone, Copy)]
enum State {
    Waiting { attempt: u32 },
    Convoked { attempt: u32, site: usize, day: Day },
    Received,
}

struct Year<'a> {
    scenario: &'a Scenario,
    key: String,
    people: Vec<Person>,
    /// Free seats by site and day.
    seats: Vec<BTreeMap<Day, u32>>,
    end: Day,
}

/// Simulates the year once for each seed and each method. `progress` is called with nights done and nights in all.
pub fn simulate(
    scenario: &Scenario,
    methods: &[(String, Method)],
    seeds: &[u64],
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Vec<YearResult>, Overflow> {
    let all: Vec<(u64, &(String, Method))> =
        seeds.iter().flat_map(|seed| methods.iter().map(move |method| (*seed, method))).collect();
    all.into_par_iter()
        .with_max_len(1)
        .map(|(seed, (name, method))| Year::new(scenario, seed).live(name, method, seed, progress))
        .collect()
}

impl Scenario {
    /// Nights of a year.
    pub fn nights(&self) -> u64 {
        u64::from(self.weeks) * 7 + 70
    }

    fn date(&self, day: Day) -> NaiveDate {
        convoke_instance::date(self.start, day)
    }

    fn day(&self, date: NaiveDate) -> Day {
        (date - self.start).num_days() as Day
    }
}

impl<'a> Year<'a> {
    fn new(scenario: &'a Scenario, seed: u64) -> Self {
        let key = format!("simulate {seed}");
        let end = scenario.nights() as Day;
        let mut year = Self { scenario, key, people: Vec::new(), seats: vec![BTreeMap::new(); SITES], end };
        // The autumn peak: nearly twice as many permits expire from September to November as from January to March.
        let weight = |day: Day| match chrono::Datelike::month(&scenario.date(day)) {
            9..=11 => 1.3,
            1..=3 => 0.7,
            _ => 1.0,
        };
        let days: Vec<(Day, f64)> = (70..end).map(|day| (day, weight(day))).collect();
        let total: f64 = days.iter().map(|(_, weight)| weight).sum();
        let wanted = u64::from(scenario.weeks) * u64::from(scenario.people_per_week);
        let (mut sum, mut made) = (0.0, 0);
        for (expiry, weight) in days {
            sum += weight;
            while (made as f64) < sum / total * wanted as f64 {
                year.people.push(year.person(made, expiry));
                made += 1;
            }
        }
        year.open_seats(wanted as f64 / scenario.load);
        year
    }

    /// A number from 0 to 1 that depends only on its arguments and the seed.
    fn luck(&self, what: &str, whom: &str, attempt: u32) -> f64 {
        let hash = keyed_hash(self.key.as_bytes(), &[what.as_bytes(), whom.as_bytes(), &attempt.to_be_bytes()]);
        // Unwrap safety: the slice has four bytes.
        f64::from(u32::from_be_bytes(hash[..4].try_into().expect("four bytes"))) / f64::from(u32::MAX)
    }

    /// Seven in ten have the two months of the counter, two have twice the time, one arrives late in the extract.
    fn person(&self, number: u64, expiry: Day) -> Person {
        let id = format!("p{number:06}");
        let kind = self.luck("kind", &id, 0);
        let two_months = self.scenario.day(months_before(self.scenario.date(expiry), 2));
        let (opens, preferred_end, known) = if kind < 0.7 {
            (two_months, expiry - 15, Day::MIN)
        } else if kind < 0.9 {
            (expiry - LONGEST_WINDOW, expiry - 60, Day::MIN)
        } else {
            (two_months, expiry - 15, expiry - 30 - (20.0 * self.luck("known", &id, 0)) as Day)
        };
        let nearest = ((self.luck("site", &id, 0) * SITES as f64) as usize).min(SITES - 1);
        let channel = if self.luck("channel", &id, 0) < 0.8 { Channel::Email } else { Channel::Post };
        let consents = self.luck("consent", &id, 0) < self.scenario.consent;
        Person { id, nearest, known, expiry, opens, preferred_end, channel, consents }
    }

    /// Opens seats from the first day that a letter can reach, evenly over working days and sites.
    fn open_seats(&mut self, seats: f64) {
        let open = |day: &Day| is_working_day(HolidayZone::Metropole, self.scenario.date(*day));
        let days: Vec<Day> = (21..self.end).filter(open).collect();
        let per_day = seats / (days.len() * SITES) as f64;
        let mut given = 0;
        let mut due = 0.0;
        for day in days {
            for pool in &mut self.seats {
                due += per_day;
                let here = (due - f64::from(given)) as u32;
                given += here;
                if here > 0 {
                    pool.insert(day, here);
                }
            }
        }
    }

    fn live(
        mut self,
        name: &str,
        method: &Method,
        seed: u64,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<YearResult, Overflow> {
        let seats = self.seats.iter().flat_map(BTreeMap::values).map(|n| u64::from(*n)).sum();
        let mut states = vec![State::Waiting { attempt: 0 }; self.people.len()];
        let mut lapsed = vec![false; self.people.len()];
        // The events of a day: cancellations, and appointments taking place.
        let mut events: BTreeMap<Day, Vec<usize>> = BTreeMap::new();
        let mut result = YearResult {
            method: name.to_owned(),
            seed,
            people: self.people.len() as u64,
            lapses: 0,
            never: 0,
            late_days: 0,
            seats,
            used: 0,
            appointments: 0,
        };
        for night in 0..self.end {
            for i in events.remove(&(night - 1)).unwrap_or_default() {
                let State::Convoked { attempt, site, day } = states[i] else { continue };
                let comes = day < night && self.luck("no-show", &self.people[i].id, attempt) >= self.scenario.no_shows;
                if comes {
                    states[i] = State::Received;
                    result.used += 1;
                    result.late_days += (day - self.people[i].preferred_end).max(0) as u64;
                    lapsed[i] |= day > self.people[i].expiry;
                } else {
                    if day >= night {
                        *self.seats[site].entry(day).or_default() += 1;
                    }
                    states[i] = State::Waiting { attempt: attempt + 1 };
                }
            }
            for (i, person) in self.people.iter().enumerate() {
                lapsed[i] |= person.expiry < night && !matches!(states[i], State::Received);
            }
            let waiting: Vec<usize> =
                (0..self.people.len()).filter(|i| matches!(states[*i], State::Waiting { .. })).collect();
            let firm = match method {
                Method::FirstFit => self.first_fit(night, waiting),
                Method::Exact(policy) => self.exact(night, waiting, policy)?,
            };
            for (i, site, day) in firm {
                let State::Waiting { attempt } = states[i] else { continue };
                states[i] = State::Convoked { attempt, site, day };
                result.appointments += 1;
                if let Some(seats) = self.seats[site].get_mut(&day) {
                    *seats -= 1;
                }
                let id = &self.people[i].id;
                let cancels = self.luck("cancels", id, attempt) < self.scenario.cancellations;
                let after = (self.luck("cancels-on", id, attempt) * f64::from(day - night)) as Day;
                let on = if cancels { (night + after).min(day - 1) } else { day };
                events.entry(on).or_default().push(i);
            }
            progress(1);
        }
        let waits = |state: &State| !matches!(state, State::Received);
        result.never = states.iter().zip(&lapsed).filter(|(state, lapsed)| **lapsed && waits(state)).count() as u64;
        result.lapses = lapsed.iter().filter(|lapsed| **lapsed).count() as u64;
        Ok(result)
    }

    /// First and last day for a person tonight: with the full notice, or with the short one if that would be too late.
    fn candidate(&self, i: usize, night: Day, policy: &Policy) -> Candidate {
        let person = &self.people[i];
        let window = Window {
            rule: "simulated",
            procedure: Procedure::Counter,
            opens: self.scenario.date(person.opens),
            preferred_end: self.scenario.date(person.preferred_end),
            deadline: self.scenario.date(person.expiry),
            basis: "",
        };
        let tonight = self.scenario.date(night);
        let next = tonight.checked_add_days(Days::new(1)).unwrap_or(tonight);
        // The nearest site first, then the others.
        let rank = |site: usize| (site + SITES - person.nearest) % SITES + 1;
        let mut pools: Vec<RankedPool> =
            (0..SITES).map(|site| RankedPool { rank: rank(site) as u32, pool: site as u32 }).collect();
        pools.sort_unstable();
        let nights = Nights { tonight, today: tonight, next };
        let id = PermitId(person.id.clone());
        let (kind, channel) = (PermitKind::Cst, person.channel);
        let mut candidate = Candidate::new(id, None, tonight, kind, channel, pools, nights, &window, policy);
        if person.consents {
            candidate.release = candidate.earliest;
            candidate.full_notice = candidate.earliest;
        }
        candidate
    }

    fn first_fit(&self, night: Day, mut waiting: Vec<usize>) -> Vec<(usize, usize, Day)> {
        let policy = Policy::default();
        waiting.retain(|i| self.people[*i].opens <= night && self.people[*i].known <= night);
        waiting.sort_by_key(|i| (self.people[*i].expiry, *i));
        let mut taken: BTreeMap<(usize, Day), u32> = BTreeMap::new();
        let mut given = Vec::new();
        for i in waiting {
            let c = self.candidate(i, night, &policy);
            let free = |site: usize, first: Day, last: Day| {
                let first = first.saturating_add(night);
                let days = (first <= last).then(|| self.seats[site].range(first..=last));
                days.into_iter().flatten().find(|(day, n)| **n > taken.get(&(site, **day)).copied().unwrap_or(0))
            };
            let at = |first: Day, last: Day| {
                c.pools.iter().find_map(|r| Some((r.pool as usize, *free(r.pool as usize, first, last)?.0)))
            };
            let deadline = c.deadline.saturating_add(night);
            let place = if c.is_late() { None } else { at(c.release, deadline).or_else(|| at(c.earliest, deadline)) };
            if let Some((site, day)) = place.or_else(|| at(c.earliest, Day::MAX)) {
                *taken.entry((site, day)).or_default() += 1;
                given.push((i, site, day));
            }
        }
        given
    }

    fn exact(
        &self,
        night: Day,
        mut waiting: Vec<usize>,
        policy: &Policy,
    ) -> Result<Vec<(usize, usize, Day)>, Overflow> {
        let horizon = night + policy.horizon_days as Day;
        waiting.retain(|i| self.people[*i].expiry <= horizon && self.people[*i].known <= night);
        let slots = self.seats.iter().enumerate().flat_map(|(site, days)| {
            days.range(night..=horizon + 30).map(move |(day, free)| SlotSeats {
                pool: site as u32,
                day: day - night,
                start: 540,
                free: *free,
            })
        });
        let tonight = self.scenario.date(night);
        let next = tonight.checked_add_days(Days::new(1)).unwrap_or(tonight);
        let input = PlanningInput {
            business_date: tonight,
            seed: self.key.clone(),
            perish_before: Some(Nights { tonight, today: tonight, next }.perish_before(policy)),
            surplus_before: policy.horizon_days as Day - LONGEST_WINDOW,
            late_wait_days: policy.late_wait_days,
            beside: BTreeMap::new(),
            pools: (0..SITES).map(|site| PoolId::new(&format!("site-{site}"), "desk")).collect(),
            slots: slots.collect(),
            candidates: waiting.iter().map(|i| self.candidate(*i, night, policy)).collect(),
        }
        .canonical();
        let (plan, _) = plan(&input)?;
        Ok(plan.firm().map(|a| (waiting[a.candidate], a.pool as usize, a.day + night)).collect())
    }
}
