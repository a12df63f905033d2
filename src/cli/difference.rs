//! What differs between two plans, told.

use std::fmt::Write as _;

use comfy_table::{Table, presets};

use crate::planning::diff::Difference;

/// Names of permits that a line holds.
const NAMED: usize = 5;

/// A difference in lines.
pub(super) fn told(difference: &Difference) -> String {
    if difference.is_none() {
        return "Nobody has another day, and no seat has come or gone.\n".into();
    }
    let mut text = String::new();
    let people = [
        (&difference.people_new, "planned now, and were not"),
        (&difference.people_gone, "not planned any more"),
        (&difference.people_changed, "with another permit, notice, place or family"),
        (&difference.firm_new, "firm now, and would not have been"),
        (&difference.firm_gone, "not firm any more"),
        (&difference.moved, "on another day or at another desk"),
        (&difference.lapses_new, "without a day before expiry now"),
        (&difference.lapses_gone, "with a day before expiry now, or not planned any more"),
    ];
    for (who, what) in people.iter().filter(|(who, _)| !who.is_empty()) {
        let more = if who.len() > NAMED { ", …" } else { "" };
        // Unwrap safety: writing to a String cannot fail.
        writeln!(text, "{:>6} {what}: {}{more}", who.len(), who[..who.len().min(NAMED)].join(", "))
            .expect("a String takes text");
    }
    if !difference.seats.is_empty() {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(["DESK", "WEEK OF", "SEATS BEFORE", "NOW"]);
        for s in &difference.seats {
            table.add_row([s.pool.clone(), s.week.to_string(), s.before.to_string(), s.after.to_string()]);
        }
        writeln!(text, "{table}").expect("a String takes text");
    }
    text
}
