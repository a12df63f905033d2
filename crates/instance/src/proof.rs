//! The proof of a plan: one price per full pool-day, from the duals of the solved problem.

use std::collections::HashMap;

use rayon::prelude::*;

use super::instance::{Instance, NOWHERE, hours};

/// A pass of a plan, and the proof that it is optimal.
#[derive(Clone, Debug)]
pub struct Proof {
    /// What the planner saw.
    pub instance: Instance,
    /// Pool-day of each person, with families together where possible.
    pub places: Vec<u32>,
    /// The plan that the prices prove, if keeping families together moved anyone.
    pub unpinned: Option<Vec<u32>>,
    /// Full pool-days and the price of their seats.
    pub prices: Vec<(u32, i128)>,
    /// The second pass of a night and its proof, if the first left somebody out.
    pub second: Option<Box<Self>>,
}

impl Proof {
    /// The plan that the prices prove.
    pub fn proved(&self) -> &[u32] {
        self.unpinned.as_ref().unwrap_or(&self.places)
    }

    /// Pool-day of each person, with families together where possible: indices that only [`export`](super::export)
    /// reads.
    pub fn places(&self) -> &[u32] {
        &self.places
    }

    /// The plan that the prices prove, if keeping families together moved anyone.
    pub fn unpinned(&self) -> Option<&[u32]> {
        self.unpinned.as_deref()
    }

    /// Number of people moved to keep families together.
    pub fn moved(&self) -> usize {
        self.places.iter().zip(self.proved()).filter(|(a, b)| a != b).count()
    }

    /// The hour of each person in `places`: household by household, then by tie.
    pub fn starts(&self, places: &[u32]) -> Vec<u16> {
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
}
