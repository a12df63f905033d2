//! The difference between two plans, as an element of a page.

use askama::Template;

use crate::words::Words;
use convoke_instance::diff::{Difference, SeatChange};

/// Permits named per line, by their opaque ids.
const NAMED: usize = 5;
/// Desks and weeks shown.
const SEATS_SHOWN: usize = 60;

/// A difference, as a page element.
#[derive(Template)]
#[template(path = "console/difference.html")]
pub(in crate::pages) struct Differing {
    t: Words,
    people: Vec<(usize, String, String)>,
    seats: Vec<SeatChange>,
    more_seats: usize,
}

impl Differing {
    pub(in crate::pages) fn of(t: Words, d: &Difference) -> Self {
        let people = [
            (&d.people_new, "differ-people-new"),
            (&d.people_gone, "differ-people-gone"),
            (&d.people_changed, "differ-people-changed"),
            (&d.firm_new, "differ-firm-new"),
            (&d.firm_gone, "differ-firm-gone"),
            (&d.moved, "differ-moved"),
            (&d.lapses_new, "differ-lapses-new"),
            (&d.lapses_gone, "differ-lapses-gone"),
        ];
        let line = |(who, key): (&Vec<String>, &str)| {
            let more = if who.len() > NAMED { ", …" } else { "" };
            (who.len(), t.say(key), format!("{}{more}", who[..who.len().min(NAMED)].join(", ")))
        };
        Self {
            t,
            people: people.into_iter().filter(|(who, _)| !who.is_empty()).map(line).collect(),
            seats: d.seats.iter().take(SEATS_SHOWN).cloned().collect(),
            more_seats: d.seats.len().saturating_sub(SEATS_SHOWN),
        }
    }
}
