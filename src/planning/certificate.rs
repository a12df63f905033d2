//! The proof of a plan: one price per full pool-day, from the duals of the solved problem.

use serde::Serialize;

use super::assignment::{Component, hand_out, solve};
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
    /// Plans the first pass exactly.
    pub fn of(instance: Instance) -> Self {
        let components = Component::all(&instance);
        let seats: Vec<u32> = instance.bins.iter().map(|b| b.seats).collect();
        let solved = solve(&instance, &components, &seats);
        let mut exact = vec![NOWHERE; instance.people()];
        hand_out(&instance, &solved.flows, (0..instance.people() as u32).collect(), &mut exact);
        let places = together(&instance, &components, &exact, &solved.prices);
        let unpinned = (places != exact).then_some(exact);
        Self { instance, places, unpinned, prices: solved.prices }
    }

    /// The plan that the prices prove.
    pub(super) fn proved(&self) -> &[u32] {
        self.unpinned.as_ref().unwrap_or(&self.places)
    }

    /// Whether the prices prove that no plan is better: checked by code that shares nothing with the planner.
    pub fn closes(&self) -> bool {
        check::optimality(&self.instance, self.proved(), &self.prices).is_ok()
    }

    /// What the proved plan costs.
    pub fn levels(&self) -> Levels {
        check::levels(&self.instance, self.proved())
    }
}
