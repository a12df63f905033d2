//! Whose notice is shortened: as few people as possible, and only where that prevents a lapse.
//!
//! The notice of another person may have to be shortened: someone who can come at once frees a seat for one who cannot.
//! So every part of the plan with a lapse is solved again with the days of short notice open to all, at a cost between
//! a lapse and any lateness. People placed on such a day are released earlier, and the plan is made again, exactly.

use std::collections::{BTreeMap, HashSet};

use super::assignment::{Component, source};
use super::simplex::{self, Span};
use convoke_instance::{Day, Instance, LAPSE, NOWHERE};

/// A shortened notice outweighs every lateness, and a lapse all notices of a component.
const SHORTENED: i128 = LAPSE;
const WORSE_THAN_ALL_NOTICES: i128 = 1 << 124;

/// The people whose notice must be shortened for as few lapses as possible. `earliest` is each person's first day at
/// short notice.
pub(super) fn shortened(instance: &Instance, places: &[u32], earliest: &[Day]) -> Vec<u32> {
    let lapsing: HashSet<u32> =
        places.iter().zip(&instance.class).filter(|(place, _)| **place == NOWHERE).map(|(_, class)| *class).collect();
    let mut chosen = Vec::new();
    for component in Component::all(instance).iter().filter(|c| c.classes.iter().any(|c| lapsing.contains(c))) {
        chosen.extend(in_component(instance, component, places, earliest));
    }
    chosen
}

fn in_component(instance: &Instance, component: &Component, places: &[u32], earliest: &[Day]) -> Vec<u32> {
    let classes: HashSet<u32> = component.classes.iter().copied().collect();
    let mut groups: BTreeMap<(u32, Day), Vec<u32>> = BTreeMap::new();
    let mut before = 0;
    for person in (0..instance.people()).filter(|person| classes.contains(&instance.class[*person])) {
        let class = instance.class[person];
        groups.entry((class, earliest[person])).or_default().push(person as u32);
        before += u64::from(places[person] == NOWHERE);
    }
    let seating = component.seating(instance, |bin| instance.bins[bin].seats);
    let sources: Vec<_> = groups
        .iter()
        .map(|((class, earliest), people)| {
            let class = &instance.classes[*class as usize];
            let mut spans = Vec::new();
            for ranked in &instance.lists[class.list as usize] {
                let short = seating.span(*ranked, *earliest, class.deadline.min(class.release - 1));
                spans.extend(short.map(|span| Span { cost: span.cost + SHORTENED, ..span }));
                spans.extend(seating.span(*ranked, class.release, class.deadline));
            }
            let mut source = source(class, people.len() as u32, spans);
            source.lapse += WORSE_THAN_ALL_NOTICES;
            source
        })
        .collect();
    let solution = simplex::solve(&seating.bins, &sources);
    let after: u64 = solution.lapses.iter().map(|n| u64::from(*n)).sum();
    if after == before {
        return Vec::new();
    }
    let mut chosen = Vec::new();
    for (number, ((class, _), people)) in groups.iter().enumerate() {
        let release = instance.classes[*class as usize].release;
        let flows = solution.flows.iter().filter(|f| f.source as usize == number);
        let short = flows.filter(|f| seating.bins[f.bin as usize].day < release).map(|f| f.people as usize).sum();
        let mut people = people.clone();
        people.sort_by_cached_key(|person| instance.tie(*person as usize));
        chosen.extend(people.into_iter().take(short));
    }
    chosen
}
