//! `plan(&PlanningInput) -> Plan`: who is seen where and when. Pure: no clock, no database, no randomness.
//!
//! Days are integers, day 0 being the business date. The plan is made in two passes. The first gives everyone a day
//! between release and deadline, exactly and with a proof, with shorter notice where that prevents a lapse. The second
//! never touches the first: it gives the remaining seats to those for whom a day before expiry was impossible, as few as
//! possible past the six months of a late request, exactly and with a proof too; and nobody is left without a date while
//! a seat is empty. The model, for auditors and engineers: docs/PLANNING.md.

mod assignment;
pub mod crowd;
pub mod explain;
pub mod grants;
mod households;
mod notice;
mod second;
mod simplex;
pub mod simulate;

use std::collections::HashSet;

use convoke_instance::{Day, Instance, NOWHERE, Overflow, Plan, PlanningInput, Proof};

use assignment::{Component, hand_out, solve};

/// Plans a night, and proves both passes optimal. The same input gives the same plan on every machine.
pub fn plan(input: &PlanningInput) -> Result<(Plan, Proof), Overflow> {
    let (instance, candidates) = Instance::of_night(input, &HashSet::new())?;
    let mut proof = exact(instance);
    let earliest: Vec<Day> = candidates.iter().map(|i| input.candidates[*i].earliest).collect();
    let shortened = notice::shortened(&proof.instance, proof.proved(), &earliest);
    if !shortened.is_empty() {
        let shortened = shortened.into_iter().map(|person| candidates[person as usize]).collect();
        proof = exact(Instance::of_night(input, &shortened)?.0);
    }
    second::complete(input, with_households(proof), &candidates)
}

/// Plans a bare instance exactly, and keeps families together.
pub fn prove(instance: Instance) -> Proof {
    with_households(exact(instance))
}

/// Plans exactly.
fn exact(instance: Instance) -> Proof {
    let seats: Vec<u32> = instance.bins.iter().map(|b| b.seats).collect();
    let solved = solve(&instance, &Component::all(&instance), &seats);
    let mut places = vec![NOWHERE; instance.people()];
    for (person, bin) in hand_out(&instance, &solved.flows, (0..instance.people() as u32).collect()) {
        places[person as usize] = bin;
    }
    Proof { instance, places, unpinned: None, prices: solved.prices, second: None }
}

/// Moves families together where that makes nobody lapse.
fn with_households(mut proof: Proof) -> Proof {
    let places = households::together(&proof.instance, &proof.places, &proof.prices);
    if places != proof.places {
        proof.unpinned = Some(std::mem::replace(&mut proof.places, places));
    }
    proof
}

#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod second_tests;
#[cfg(test)]
mod tests;
