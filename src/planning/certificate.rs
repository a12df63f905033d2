//! The proof of a plan: one price per full pool-day, from the duals of the solved problem.

use std::collections::HashMap;

use rayon::prelude::*;
use serde::Serialize;

use super::assignment::{Component, hand_out, hours, solve};
use super::check;
use super::households::together;
use super::instance::{Instance, NOWHERE};

/// The first pass of a plan, and what proves it best.
#[derive(Clone, Debug)]
pub struct Proof {
    /// What the planner saw.
    pub instance: Instance,
    /// Pool-day of each person, families together where possible.
    pub(super) places: Vec<u32>,
    /// The plan that the prices prove, where families moved anyone.
    pub(super) unpinned: Option<Vec<u32>>,
    /// Full pool-days and the price of their seats.
    pub(super) prices: Vec<(u32, i128)>,
}

/// What a plan costs, level by level, in the order of importance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Levels {
    /// People without a place.
    pub lapses: u64,
    /// Weighted days beyond the preferred end; a lapse counts `lapse_late`.
    pub late_days: u64,
    /// Perishing seats that are filled: the only level of which more is better.
    pub perishing_filled: u64,
    /// Ranks of the sites.
    pub site_rank: u64,
    /// Days after release.
    pub days: u64,
}

impl Proof {
    /// Plans exactly, and brings families together.
    pub fn of(instance: Instance) -> Self {
        Self::exact(instance).with_households()
    }

    /// Plans exactly.
    pub(super) fn exact(instance: Instance) -> Self {
        let seats: Vec<u32> = instance.bins.iter().map(|b| b.seats).collect();
        let solved = solve(&instance, &Component::all(&instance), &seats);
        let mut places = vec![NOWHERE; instance.people()];
        for (person, bin) in hand_out(&instance, &solved.flows, (0..instance.people() as u32).collect()) {
            places[person as usize] = bin;
        }
        Self { instance, places, unpinned: None, prices: solved.prices }
    }

    /// Brings families together where nobody lapses for it.
    pub(super) fn with_households(mut self) -> Self {
        let places = together(&self.instance, &self.places, &self.prices);
        if places != self.places {
            self.unpinned = Some(std::mem::replace(&mut self.places, places));
        }
        self
    }

    /// The plan that the prices prove.
    pub(super) fn proved(&self) -> &[u32] {
        self.unpinned.as_ref().unwrap_or(&self.places)
    }

    /// Pool-day of each person, families together where possible: positions that only [`export`](super::export) reads.
    pub fn places(&self) -> &[u32] {
        &self.places
    }

    /// The plan that the prices prove, where families moved anyone.
    pub fn unpinned(&self) -> Option<&[u32]> {
        self.unpinned.as_deref()
    }

    /// How many people have another place because families come together.
    pub fn moved(&self) -> usize {
        self.places.iter().zip(self.proved()).filter(|(a, b)| a != b).count()
    }

    /// Hours of everybody in `places`: households one after the other, then by tie.
    pub(super) fn starts(&self, places: &[u32]) -> Vec<u16> {
        let instance = &self.instance;
        let ties: Vec<_> = (0..instance.people()).into_par_iter().map(|person| instance.tie(person)).collect();
        let mut family: HashMap<u32, usize> = HashMap::new();
        for (person, household) in instance.household.iter().enumerate().filter(|(_, household)| **household > 0) {
            family.entry(*household).or_insert(person);
        }
        let mut order: Vec<u32> = (0..instance.people() as u32).filter(|p| places[*p as usize] != NOWHERE).collect();
        order.sort_unstable_by_key(|p| {
            let household = instance.household[*p as usize];
            (ties[family.get(&household).copied().unwrap_or(*p as usize)], household, *p)
        });
        let mut starts = vec![0; instance.people()];
        let hours = hours(instance, order.iter().map(|p| places[*p as usize]));
        for (person, start) in order.iter().zip(hours) {
            starts[*person as usize] = start;
        }
        starts
    }

    /// Whether the prices prove that no plan is better: checked by code that shares nothing with the planner.
    pub fn closes(&self) -> bool {
        check::optimality(&self.instance, self.proved(), &self.prices).is_ok()
    }

    /// What the plan costs, families brought together.
    pub fn levels(&self) -> Levels {
        check::levels(&self.instance, &self.places)
    }

    /// What the plan costs that the prices prove.
    pub fn proved_levels(&self) -> Levels {
        check::levels(&self.instance, self.proved())
    }
}
